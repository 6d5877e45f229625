//! The tables of both systems: `crm.sql` and `erp.sql`, and how to open a database made of them.
//!
//! Both declare what a connector can discover: lengths twice (in the type and as a check that is enforced), option
//! sets as `IN` checks, references as foreign keys that are enforced, computed columns that refuse writes, and a row
//! version that triggers move on every insert and update (`versionnumber`, `"timestamp"`), indexed, so that changes
//! can be read from a version on. A delete leaves no trace: it is seen only by reading all keys.
//!
//! Spellings of types: `DECTEXT(18,2)` is a decimal, `DATETEXT` a date (2026-03-02), `INSTANTTEXT` a moment in UTC
//! (2026-03-02T08:00:00Z). All three hold text.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{Outcome, Side};

/// Makes an empty database of one side.
pub(super) fn create(file: &Path, side: Side) -> Outcome<Connection> {
    let database = open(file)?;
    // Readers of one program must not block the writers of another: the SDK and the people work at the same time.
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.execute_batch(match side {
        Side::Crm => include_str!("crm.sql"),
        Side::Erp => include_str!("erp.sql"),
    })?;
    Ok(database)
}

/// Opens a database with its foreign keys enforced; waits up to five seconds for another writer.
pub(super) fn open(file: &Path) -> Outcome<Connection> {
    let database = Connection::open(file)?;
    database.pragma_update(None, "foreign_keys", true)?;
    database.busy_timeout(Duration::from_secs(5))?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::{Side, create};

    #[test]
    fn every_insert_and_update_moves_the_version_exactly_once() {
        let folder = tempfile::tempdir().unwrap();
        let crm = create(&folder.path().join("crm.db"), Side::Crm).unwrap();
        let version =
            || -> i64 { crm.query_row("SELECT versionnumber FROM account", [], |row| row.get(0)).unwrap() };
        crm.execute("INSERT INTO account (accountid, name) VALUES (printf('%036d', 1), 'Adatum')", [])
            .unwrap();
        assert_eq!(version(), 1001);
        crm.execute("UPDATE account SET name = 'Adatum Ltd'", []).unwrap();
        assert_eq!(version(), 1002);
        crm.pragma_update(None, "recursive_triggers", true).unwrap();
        crm.execute("UPDATE account SET fax = NULL", []).unwrap();
        assert_eq!(version(), 1003, "not even recursive triggers recurse");
    }

    #[test]
    fn amounts_keep_their_digits_and_lengths_are_enforced() {
        let folder = tempfile::tempdir().unwrap();
        let erp = create(&folder.path().join("erp.db"), Side::Erp).unwrap();
        erp.execute(
            r#"INSERT INTO "Customer" ("No.", "Credit Limit (LCY)") VALUES ('C1', '9007199254740993.10')"#,
            [],
        )
        .unwrap();
        let kept: String =
            erp.query_row(r#"SELECT "Credit Limit (LCY)" FROM "Customer""#, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, "9007199254740993.10");
        let city = "x".repeat(31);
        assert!(erp.execute(r#"UPDATE "Customer" SET "City" = ?1"#, [city]).is_err());
        assert!(erp.execute(r#"UPDATE "Customer" SET "Primary Contact No." = 'nobody'"#, []).is_err());
    }
}
