//! The connections to a database file: one thread that reads, one that writes, each with its own connection, so that
//! pages stream while a batch is written and no caller's thread ever blocks. Knows SQLite and no record. The door is
//! [`Client::run`].

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use seamless_core::connector::ConnectorInfo;
use seamless_core::model::{Error, ErrorKind, Result};

use super::catalogue::{Catalogue, schema_version};
use super::config::SqliteConfig;
use super::error::from_sqlite;
use crate::worker::Worker;

/// How long a call waits for another writer where the configuration says nothing.
const BUSY_TIMEOUT_MS: u32 = 5_000;

/// Prepared statements that a connection keeps: one per query shape and table in use.
const STATEMENTS_MAX: usize = 64;

/// Which connection a job needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    Read,
    Write,
}

pub(super) struct Client {
    pub(super) config: SqliteConfig,
    pub(super) info: ConnectorInfo,
    catalogue: Arc<Mutex<Arc<Catalogue>>>,
    reader: Worker<Connection>,
    writer: Worker<Connection>,
}

impl Client {
    /// Opens the file and reads its catalogue. Blocks for the time that takes.
    pub(super) fn open(config: SqliteConfig) -> Result<Self> {
        let path = existing(&config)?;
        // The writer first: it makes the file where that was asked for.
        let writer = connect(&path, &config, Lane::Write)?;
        let catalogue = Catalogue::load(&writer, &config)?;
        let reader = connect(&path, &config, Lane::Read)?;
        let path = path.canonicalize().unwrap_or(path);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let info = ConnectorInfo {
            system: "sqlite".to_owned(),
            identity: config.identity.clone().unwrap_or_else(|| identity(&path)),
            label: config.label.clone().or(name).unwrap_or_else(|| "sqlite".to_owned()),
        };
        Ok(Self {
            config,
            info,
            catalogue: Arc::new(Mutex::new(Arc::new(catalogue))),
            reader: Worker::spawn(reader, "seamless-sqlite-read")?,
            writer: Worker::spawn(writer, "seamless-sqlite-write")?,
        })
    }

    /// The catalogue as it was last read.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a job on a connection's thread, with the catalogue of the schema as it is now. Dropping the future lets a
    /// job that has begun end by itself.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce(&mut Connection, &Catalogue) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (known, config) = (Arc::clone(&self.catalogue), self.config.clone());
        let worker = match lane {
            Lane::Read => &self.reader,
            Lane::Write => &self.writer,
        };
        worker
            .run(move |connection| {
                let catalogue = current(connection, &known, &config)?;
                job(connection, &catalogue)
            })
            .await
    }
}

/// The catalogue of the schema as it is now; read again when the schema moved.
fn current(
    connection: &Connection,
    known: &Mutex<Arc<Catalogue>>,
    config: &SqliteConfig,
) -> Result<Arc<Catalogue>> {
    let version = schema_version(connection)?;
    let held = Arc::clone(&known.lock().unwrap_or_else(PoisonError::into_inner));
    if held.schema_version == version {
        return Ok(held);
    }
    let fresh = Arc::new(Catalogue::load(connection, config)?);
    *known.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
    Ok(fresh)
}

fn existing(config: &SqliteConfig) -> Result<PathBuf> {
    if config.path.as_os_str().is_empty() || config.path.as_os_str() == ":memory:" {
        return Err(Error::configuration("a SQLite connector needs the path of a file"));
    }
    if !config.create && !config.path.exists() {
        return Err(Error::new(ErrorKind::NotFound, "the database file is not there")
            .at("path", config.path.display())
            .with_remedy("correct the path, or set `create: true` to make an empty database"));
    }
    Ok(config.path.clone())
}

fn connect(path: &Path, config: &SqliteConfig, lane: Lane) -> Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags |=
        if config.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    if config.create && !config.read_only {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        let wait = config.busy_timeout_ms.unwrap_or(BUSY_TIMEOUT_MS);
        connection.busy_timeout(Duration::from_millis(u64::from(wait)))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.pragma_update(None, "foreign_keys", true)?;
        match lane {
            Lane::Read => connection.pragma_update(None, "query_only", true)?,
            // What we say was written must survive a loss of power. With a journal that is deleted it does not unless the
            // folder is synced as well, which SQLite calls extra.
            Lane::Write => connection.pragma_update(None, "synchronous", "EXTRA")?,
        }
        // The first look at the file: says here, and not in the middle of a run, that it is no database.
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))?;
        Ok(connection)
    };
    open().map_err(|error| from_sqlite(&error, "opening the file").at("path", path.display()))
}

/// Path and file number: see the module's page for what that tells apart and what not.
fn identity(path: &Path) -> String {
    #[cfg(unix)]
    if let Ok(found) = std::fs::metadata(path) {
        return format!("sqlite:{}#{}", path.display(), std::os::unix::fs::MetadataExt::ino(&found));
    }
    format!("sqlite:{}", path.display())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures::executor::block_on;

    use super::{Client, Lane, SqliteConfig};

    // A batch that was acknowledged and is rolled back by the next one who opens the file would look like a user's edit.
    #[test]
    fn what_was_written_survives_a_loss_of_power() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig { create: true, ..SqliteConfig::new(folder.path().join("a.db")) };
        let client = Client::open(config).unwrap();
        let level = client.run(Lane::Write, |connection, _| {
            Ok(connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)).unwrap())
        });
        assert_eq!(block_on(level).unwrap(), 3, "EXTRA");
    }
}
