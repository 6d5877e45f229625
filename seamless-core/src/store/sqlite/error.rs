//! SQLite's codes as our errors: one table of kind and remedy.

use rusqlite::ErrorCode;

use crate::model::{Error, ErrorKind, Result};

/// Turns SQLite's errors into ours.
pub(in crate::store) trait Mapped<T> {
    /// The result, its error described by what failed.
    fn or_fail(self, what: impl FnOnce() -> &'static str) -> Result<T>;
}

impl<T> Mapped<T> for rusqlite::Result<T> {
    fn or_fail(self, what: impl FnOnce() -> &'static str) -> Result<T> {
        self.map_err(|cause| {
            let (kind, remedy) = kind(&cause);
            Error::new(kind, what()).with_remedy(remedy).caused_by(cause)
        })
    }
}

/// What failed, for calls that read.
pub(in crate::store) fn read_failed() -> &'static str {
    "the state file could not be read"
}

/// What failed, for calls that write.
pub(in crate::store) fn write_failed() -> &'static str {
    "the state file could not be written; nothing was changed"
}

fn kind(cause: &rusqlite::Error) -> (ErrorKind, &'static str) {
    let damaged = (ErrorKind::Corrupt, "the file is damaged or no state file: restore it from a backup");
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Unavailable,
            "another process has the file open: stop it first, or name another file for the state",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged,
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "make room on the disk"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            ErrorKind::Unavailable,
            "check that the folder exists, that this process may write to the file and its folder, and that there is room",
        ),
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Unavailable, "check the disk"),
        Some(_) if is_not_as_written(cause) => damaged,
        Some(_) => (ErrorKind::Internal, "report this"),
        // Not SQLite's word but a column of another type than we wrote.
        None => damaged,
    }
}

/// What SQLite has no code of its own for: a number in the head of the file that no version of it writes, an index that is
/// there and is none.
fn is_not_as_written(cause: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = cause else { return false };
    ["unsupported file format", "no query solution"].contains(&message.as_str())
}
