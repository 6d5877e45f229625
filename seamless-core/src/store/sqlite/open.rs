//! Opening the file: whose it is, which version it has, how it is written. Never a reset: what cannot be used is
//! refused and stays as it is.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::error::{Mapped, read_failed};
use crate::model::{Error, ErrorKind, Result};
use crate::store::form::corrupt;
use crate::store::migrate;

/// How long another process may take to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// Prepared statements that are kept: more than the store has.
const STATEMENTS_MAX: usize = 128;

const MAGIC: &[u8] = b"SQLite format 3\0";

/// Length of the header of a database; page size and page count stand in it.
const HEADER_BYTES: usize = 100;

/// Opens a file, or makes it, owner-only.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let at = |error: Error| error.at("file", path.display());
    make(path).map_err(at)?;
    let connection = Connection::open(path).or_fail(read_failed).map_err(at)?;
    prepare(connection).map_err(at)
}

/// Opens a store that lives in memory.
pub(super) fn open_in_memory() -> Result<Connection> {
    prepare(Connection::open_in_memory().or_fail(read_failed)?)
}

/// Opens the private database of spills: a temporary file without a name, gone when the process ends.
pub(super) fn open_spill() -> Result<Connection> {
    let spill = Connection::open("").or_fail(read_failed)?;
    spill
        .execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;
             PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -8192; PRAGMA temp_store = FILE",
        )
        .or_fail(read_failed)?;
    spill.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(spill)
}

/// Makes the file where there is none, and refuses one that is no database.
fn make(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    // Plans and bases are personal data. SQLite gives the files beside it the same permissions.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|cause| {
        Error::new(ErrorKind::Unavailable, "the state file could not be opened")
            .with_remedy(
                "check that the folder exists, that this process may write to the file and its folder, and that there is room",
            )
            .caused_by(cause)
    })?;
    let mut header = Vec::with_capacity(HEADER_BYTES);
    let read = (&mut file).take(HEADER_BYTES as u64).read_to_end(&mut header);
    let length = read.and_then(|_| file.metadata()).map_err(|cause| {
        Error::new(ErrorKind::Unavailable, "the state file could not be read").caused_by(cause)
    })?;
    if header.is_empty() {
        return Ok(());
    }
    let beside = |end: &str| {
        let mut beside = path.as_os_str().to_owned();
        beside.push(end);
        std::fs::metadata(beside).is_ok_and(|found| found.len() > 0)
    };
    let log = beside("-wal") || beside("-journal");
    // Beside a log or a journal a file without a header may be one whose first page was under way when the power failed:
    // SQLite takes it back or carries it over, or says that it is no database.
    if !header.starts_with(MAGIC) && !log {
        return Err(Error::configuration("the file is no state file")
            .with_remedy("name another file for the state; this one was not touched"));
    }
    // Beside a log a short file is one that a crash stopped while the log was carried over: SQLite goes on there. On
    // its own it lost its end, and SQLite would take a very short one for an empty database.
    if !log && stated_bytes(&header).is_none_or(|stated| length.len() < stated) {
        return Err(corrupt("the state file is cut off"));
    }
    Ok(())
}

/// The length that the header of a database states; `None` where the header is not whole.
fn stated_bytes(header: &[u8]) -> Option<u64> {
    let page = u16::from_be_bytes(*header.get(16..)?.first_chunk()?);
    let pages = u32::from_be_bytes(*header.get(28..)?.first_chunk()?);
    let whole = header.len() == HEADER_BYTES;
    // A page of 65,536 bytes is written as 1.
    let page = if page == 1 { 65_536 } else { u64::from(page) };
    whole.then_some(page * u64::from(pages))
}

fn prepare(mut connection: Connection) -> Result<Connection> {
    connection.busy_timeout(BUSY_TIMEOUT).or_fail(read_failed)?;
    // One process owns the file: leases are kept in memory, and no shared memory is needed beside the WAL.
    run(&connection, "PRAGMA locking_mode = EXCLUSIVE")?;
    // Whose file it is is asked before anything is changed in it.
    migrate::check(&connection, migrate::STEPS)?;
    run(&connection, "PRAGMA journal_mode = WAL")?;
    run(&connection, "PRAGMA synchronous = FULL")?;
    run(&connection, "PRAGMA cache_size = -16384")?;
    // Pages that many batches change go to the file once: 32 MiB of log at most.
    run(&connection, "PRAGMA wal_autocheckpoint = 8000")?;
    migrate::upgrade(&mut connection, migrate::STEPS)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

fn run(connection: &Connection, pragma: &str) -> Result<()> {
    let mut statement = connection.prepare(pragma).or_fail(read_failed)?;
    let mut rows = statement.query([]).or_fail(read_failed)?;
    while rows.next().or_fail(read_failed)?.is_some() {}
    Ok(())
}
