//! The versions of a store's file, and how a file of an older version becomes one of this build's.
//!
//! A version is the number of steps that a file has taken. Steps are only ever added: a released step never changes,
//! since files that took it are not taken through it again. All missing steps are one transaction, so a file is of
//! one version or of another, never between two. A file of a newer version is refused, never touched.

use rusqlite::Connection;

use super::sqlite::error::{Mapped, read_failed};
use crate::model::{Error, Result};

/// What marks a SQLite file as a store of ours: `SEAM` in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x5345_414d;

/// The steps from an empty file to the current layout.
pub(super) const STEPS: &[&str] = &[include_str!("sqlite/step_1.sql"), include_str!("sqlite/step_2.sql")];

/// Whose file it is and which version it has; changes nothing.
///
/// Errors: `Configuration` when the file is another program's or of a newer version than the steps lead to.
pub(super) fn check(file: &Connection, steps: &[&str]) -> Result<usize> {
    let number = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).or_fail(read_failed);
    let (owner, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let fresh = owner == 0 && version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0;
    if owner != i64::from(APPLICATION_ID) && !fresh {
        return Err(Error::configuration("the file is a database of another program")
            .with_remedy("name another file for the state; this one was not touched"));
    }
    match usize::try_from(version) {
        Ok(taken) if taken <= steps.len() => Ok(taken),
        _ => Err(Error::configuration(format!(
            "the state file has version {version}, this build knows versions up to {}",
            steps.len()
        ))
        .with_remedy("use the version of the program that wrote it, or a newer one")),
    }
}

/// Brings a file to the version that the steps lead to.
///
/// Errors: those of [`check`]; a step that fails leaves the file as it was.
pub(super) fn upgrade(file: &mut Connection, steps: &[&str]) -> Result<()> {
    let taken = check(file, steps)?;
    let missing = steps.get(taken..).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    let failed = || "a step to a newer version of the state file failed; it is as it was";
    let transaction = file.transaction().or_fail(failed)?;
    for step in missing {
        transaction.execute_batch(step).or_fail(failed)?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", steps.len());
    transaction.execute_batch(&marks).or_fail(failed)?;
    transaction.commit().or_fail(failed)
}
