//! The open file as its thread sees it: transactions, leases, and the names and shapes that rows hold as numbers.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Mapped, read_failed, write_failed};
use super::fence::Fence;
use super::home::Home;
use crate::clock::Clock;
use crate::model::{Error, PartitionId, Result, Shape};
use crate::store::form::{self, corrupt};
use crate::store::port::Lease;
use crate::store::refuse::{Holder, check_lease};

/// What a transaction survives once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survives {
    /// A crash of the process, and of the machine once a later [`Survives::Power`] is committed.
    Process,
    /// A crash of the machine.
    Power,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Db {
    pub(super) file: Connection,
    pub(super) names: Names,
    pub(super) shapes: Shapes,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) revision: u64,
    pub(super) fence: Arc<Fence>,
    pub(super) home: Home,
    survives: Survives,
}

/// The names of the single facts of a store.
const FACTS: [&str; 4] = ["revision", "binding", "seal_key", "pause"];

impl Db {
    /// Takes an opened file; drafts that a crash left behind are discarded.
    pub(super) fn new(file: Connection, clock: Arc<dyn Clock>, fence: Arc<Fence>) -> Result<Self> {
        let mut db = Self {
            file,
            names: Names::default(),
            shapes: Shapes::default(),
            clock,
            revision: 0,
            fence,
            home: Home::default(),
            survives: Survives::Power,
        };
        db.reload()?;
        db.write(Survives::Power, Self::discard_drafts)?;
        Ok(db)
    }

    /// One transaction: all of it or nothing.
    pub(super) fn write<T>(
        &mut self,
        survives: Survives,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.home.check()?;
        if self.survives != survives {
            let level = match survives {
                Survives::Process => "PRAGMA synchronous = NORMAL",
                Survives::Power => "PRAGMA synchronous = FULL",
            };
            self.file.execute_batch(level).or_fail(write_failed)?;
            self.survives = survives;
        }
        self.run("BEGIN IMMEDIATE")?;
        let done = work(self).and_then(|done| self.run("COMMIT").map(|()| done));
        if done.is_err() {
            // Where the rollback fails too, SQLite has rolled back already.
            let _ = self.run("ROLLBACK");
            self.reload()?;
        }
        done
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.sql(sql)?.execute([]).or_fail(write_failed).map(|_| ())
    }

    /// Reads again what is kept of the file.
    fn reload(&mut self) -> Result<()> {
        self.refuse_unknown_facts()?;
        self.names = Names::default();
        self.shapes = Shapes::load(&self.file)?;
        let revision: i64 = self
            .sql("SELECT value FROM meta WHERE key = 'revision'")?
            .query_row([], |row| row.get(0))
            .or_fail(read_failed)?;
        self.revision = revision.cast_unsigned();
        Ok(())
    }

    /// A fact whose name is damaged would be missing under its own: the state would be bound anew, and sealed with a new
    /// key, as if nothing had been there.
    fn refuse_unknown_facts(&self) -> Result<()> {
        let mut statement = self.sql("SELECT key FROM meta")?;
        let mut rows = statement.query([]).or_fail(read_failed)?;
        while let Some(row) = rows.next().or_fail(read_failed)? {
            let name: String = row.get(0).or_fail(read_failed)?;
            if !FACTS.contains(&name.as_str()) {
                return Err(corrupt("the state file holds a fact that no version of it has"));
            }
        }
        Ok(())
    }

    /// A prepared statement.
    pub(super) fn sql(&self, sql: &str) -> Result<CachedStatement<'_>> {
        prepared(&self.file, sql)
    }

    /// Moves the revision of the state, inside of a transaction.
    pub(super) fn move_revision(&mut self) -> Result<u64> {
        self.revision += 1;
        self.put_meta("revision", self.revision.cast_signed())?;
        Ok(self.revision)
    }

    /// A single fact of the store.
    pub(super) fn meta<T: rusqlite::types::FromSql>(&self, key: &str) -> Result<Option<T>> {
        let mut statement = self.sql("SELECT value FROM meta WHERE key = ?1")?;
        statement.query_row([key], |row| row.get(0)).optional().or_fail(read_failed)
    }

    pub(super) fn put_meta(&self, key: &str, value: impl rusqlite::ToSql) -> Result<()> {
        let mut statement = self.sql("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
        statement.execute(params![key, value]).or_fail(write_failed).map(|_| ())
    }

    pub(super) fn forget_meta(&self, key: &str) -> Result<()> {
        self.sql("DELETE FROM meta WHERE key = ?1")?.execute([key]).or_fail(write_failed).map(|_| ())
    }

    /// Refuses an old lease.
    pub(super) fn check(&self, lease: &Lease) -> Result<()> {
        let mut statement = self.sql("SELECT epoch FROM lease WHERE partition = ?1")?;
        let epoch: Option<i64> = statement
            .query_row([lease.partition.as_str()], |row| row.get(0))
            .optional()
            .or_fail(read_failed)?;
        let holder = self.fence.holder(&lease.partition);
        check_lease(lease, epoch.unwrap_or(0).cast_unsigned(), holder.as_ref(), self.clock.elapsed())
    }

    pub(super) fn lease(
        &mut self,
        partition: &PartitionId,
        worker: &str,
        lasts: std::time::Duration,
    ) -> Result<Option<Lease>> {
        let now = self.clock.elapsed();
        let taken = |holder: Holder| holder.worker != worker && holder.until > now;
        if self.fence.holder(partition).is_some_and(taken) {
            return Ok(None);
        }
        // Durable: an epoch that a power cut took back would be given twice.
        let epoch: i64 = self.write(Survives::Power, |db| {
            let mut statement = db.sql(
                "INSERT INTO lease (partition, epoch) VALUES (?1, 1)
                 ON CONFLICT (partition) DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
            )?;
            statement.query_row([partition.as_str()], |row| row.get(0)).or_fail(write_failed)
        })?;
        let holder = Holder { worker: worker.to_owned(), until: now.saturating_add(lasts) };
        self.fence.give(partition, epoch.cast_unsigned(), holder);
        let (partition, worker) = (partition.clone(), worker.to_owned());
        Ok(Some(Lease { partition, worker, epoch: epoch.cast_unsigned() }))
    }

    pub(super) fn renew(&mut self, lease: &Lease, lasts: std::time::Duration) -> Result<()> {
        self.check(lease)?;
        let until = self.clock.elapsed().saturating_add(lasts);
        self.fence.prolong(&lease.partition, until);
        Ok(())
    }

    pub(super) fn release(&mut self, lease: &Lease) {
        if self.check(lease).is_ok() {
            self.fence.take_back(&lease.partition);
        }
    }
}

/// A prepared statement of a connection.
pub(super) fn prepared<'a>(file: &'a Connection, sql: &str) -> Result<CachedStatement<'a>> {
    file.prepare_cached(sql).or_fail(read_failed)
}

/// Rare things are stored as JSON.
pub(super) fn to_json<T: Serialize>(content: &T) -> Result<String> {
    serde_json::to_string(content).map_err(|cause| {
        crate::model::Error::new(crate::model::ErrorKind::Internal, "a row has no JSON form").caused_by(cause)
    })
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|cause| corrupt("a stored row is not readable").caused_by(cause))
}

/// Names as numbers, both ways.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, i64>,
    names: HashMap<i64, Arc<str>>,
}

impl Names {
    /// The number of a name; given out where it has none. Inside of a transaction.
    pub(super) fn number(&mut self, file: &Connection, name: &str) -> Result<i64> {
        if let Some(number) = self.find(file, name)? {
            return Ok(number);
        }
        prepared(file, "INSERT INTO name (name) VALUES (?1)")?.execute([name]).or_fail(write_failed)?;
        Ok(self.keep(file.last_insert_rowid(), name))
    }

    /// The number of a name; `None` where no row can hold it.
    pub(super) fn find(&mut self, file: &Connection, name: &str) -> Result<Option<i64>> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(Some(*number));
        }
        let mut statement = prepared(file, "SELECT id FROM name WHERE name = ?1")?;
        let found = statement.query_row([name], |row| row.get(0)).optional().or_fail(read_failed)?;
        Ok(found.map(|number| self.keep(number, name)))
    }

    /// The name of a number.
    pub(super) fn name(&mut self, file: &Connection, number: i64) -> Result<Arc<str>> {
        if let Some(name) = self.names.get(&number) {
            return Ok(Arc::clone(name));
        }
        let mut statement = prepared(file, "SELECT name FROM name WHERE id = ?1")?;
        let found = statement.query_row([number], |row| row.get::<_, String>(0));
        let name = found.optional().or_fail(read_failed)?;
        let name = name.ok_or_else(|| corrupt("a stored row names something that is not there"))?;
        self.keep(number, &name);
        Ok(name.into())
    }

    fn keep(&mut self, number: i64, name: &str) -> i64 {
        let name: Arc<str> = name.into();
        self.numbers.insert(Arc::clone(&name), number);
        self.names.insert(number, name);
        number
    }
}

/// Shapes as numbers, both ways. All of a file's shapes are kept: there is one per link and side and mapping.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    numbers: HashMap<Vec<u8>, u32>,
    shapes: HashMap<u32, Arc<Shape>>,
    /// The shapes that were met last, by place in memory: records of a page share theirs.
    recent: Vec<(Arc<Shape>, u32)>,
}

/// Shapes that are known by place in memory: both sides of a few links.
const RECENT_MAX: usize = 8;

impl Shapes {
    fn load(file: &Connection) -> Result<Self> {
        let mut shapes = Self::default();
        let mut statement = prepared(file, "SELECT id, form FROM shape")?;
        let mut rows = statement.query([]).or_fail(read_failed)?;
        while let Some(row) = rows.next().or_fail(read_failed)? {
            let (number, bytes): (u32, Vec<u8>) =
                (row.get(0).or_fail(read_failed)?, row.get(1).or_fail(read_failed)?);
            let shape: Arc<Shape> = form::decode(&bytes, &form::no_shapes)?;
            shapes.numbers.insert(bytes, number);
            shapes.shapes.insert(number, shape);
        }
        Ok(shapes)
    }

    /// The number of a shape; given out where it has none. Inside of a transaction.
    pub(super) fn number(&mut self, file: &Connection, shape: &Arc<Shape>) -> Result<u32> {
        if let Some((_, number)) = self.recent.iter().find(|(known, _)| Arc::ptr_eq(known, shape)) {
            return Ok(*number);
        }
        let mut bytes = Vec::with_capacity(shape.len() * 16);
        form::encode(shape, &mut form::no_numbers, &mut bytes)?;
        let number = match self.numbers.get(&bytes) {
            Some(number) => *number,
            None => {
                prepared(file, "INSERT INTO shape (form) VALUES (?1)")?
                    .execute([&bytes])
                    .or_fail(write_failed)?;
                let number = u32::try_from(file.last_insert_rowid())
                    .map_err(|_| corrupt("the state file has too many shapes of records"))?;
                self.numbers.insert(bytes, number);
                self.shapes.insert(number, Arc::clone(shape));
                number
            }
        };
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push((Arc::clone(shape), number));
        Ok(number)
    }

    /// The shape of a number.
    pub(super) fn shape(&self, number: u32) -> Result<Arc<Shape>> {
        self.shapes.get(&number).cloned().ok_or_else(unknown_shape)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(u32, Arc<Shape>)> {
        self.shapes.iter().map(|(number, shape)| (*number, Arc::clone(shape))).collect()
    }
}

/// The error of a shape's number that no shape has.
pub(super) fn unknown_shape() -> Error {
    corrupt("a stored record has field names that are not there")
}
