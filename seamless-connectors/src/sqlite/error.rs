//! SQLite's result codes -> kind, retry and remedy: one table. Messages of SQLite go into the cause, never SQL text.

use rusqlite::ffi::ErrorCode;
use seamless_core::model::{Error, ErrorKind};

/// What a failed call means. `doing` says what was tried: `reading a page`.
pub(super) fn from_sqlite(error: &rusqlite::Error, doing: &str) -> Error {
    let rusqlite::Error::SqliteFailure(code, message) = error else {
        return Error::new(ErrorKind::Internal, format!("{doing} failed")).caused_by(words(error));
    };
    let (kind, what, remedy) = match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Unavailable,
            "the database is locked by another writer",
            "end the other program's transaction, or raise busy_timeout_ms",
        ),
        ErrorCode::NotADatabase => (
            ErrorKind::Corrupt,
            "the file is not a SQLite database",
            "name the right file, or its key is needed",
        ),
        ErrorCode::DatabaseCorrupt => (
            ErrorKind::Corrupt,
            "the database file is damaged",
            "restore it from a backup, or recover it with `sqlite3 file .recover`",
        ),
        ErrorCode::CannotOpen => (
            ErrorKind::NotFound,
            "the file cannot be opened",
            "check the path and that its folder can be read",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => (
            ErrorKind::Permission,
            "the database may not be written",
            "allow this user to write the file and its folder",
        ),
        ErrorCode::DiskFull => (ErrorKind::Unavailable, "the disk is full", "make room"),
        ErrorCode::SystemIoFailure => {
            (ErrorKind::Unavailable, "the disk failed to answer", "check the disk and the network share")
        }
        ErrorCode::SchemaChanged => {
            (ErrorKind::Unavailable, "the schema changed while it was used", "try again")
        }
        ErrorCode::OutOfMemory => (ErrorKind::Unavailable, "SQLite is out of memory", "try again"),
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
            (ErrorKind::Data, "the values are not accepted", "change them, or the constraint")
        }
        _ => (ErrorKind::Internal, "SQLite failed", "report it with the cause"),
    };
    let cause = message.clone().unwrap_or_else(|| words(error));
    Error::new(kind, format!("{what} ({doing})")).with_remedy(remedy).caused_by(cause)
}

/// The words of an error, without the SQL text that some of them carry.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
