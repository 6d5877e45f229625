//! Spills: a private temporary database that is never synced, gone with the process.
//!
//! Rows come in any order, and a row at a random place of a large tree costs sixteen times one at its end. So rows are
//! appended as they come, and the first read after them makes an index by SQLite's external sort, in memory of a
//! fixed size. The index holds the contents too: a scan then reads the file from front to back. Where rows came in the
//! order of their keys, an index of the keys does the same. Of rows with the same key the one that was appended last
//! is the row. An index that is there stays as long as what is added is small beside it.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::db::prepared;
use super::error::Mapped;
use crate::model::{PlanId, Result};
use crate::store::port::{Area, PageOf, Scan, SpillRow};

/// An index is dropped before a batch that is larger than this part of its rows, and made anew afterwards.
const PART_SORTED_IN: u64 = 8;

/// What failed, for calls that read: this is not the state file, and lies on another disk at times.
fn read_failed() -> &'static str {
    "the working file of a plan in the making could not be read; it is a temporary one (SQLITE_TMPDIR, TMPDIR)"
}

/// What failed, for calls that write.
fn write_failed() -> &'static str {
    "the working file of a plan in the making could not be written; it is a temporary one (SQLITE_TMPDIR, TMPDIR)"
}

#[derive(Debug)]
pub(super) struct Spill {
    file: Connection,
    areas: BTreeMap<(PlanId, Area), Heap>,
    tables: u64,
}

#[derive(Debug)]
struct Heap {
    table: u64,
    rows: u64,
    indexed: bool,
    /// The last key, as long as rows came in the order of their keys.
    last: Option<Vec<u8>>,
    sorted: bool,
}

impl Spill {
    pub(super) fn new(file: Connection) -> Self {
        Self { file, areas: BTreeMap::new(), tables: 0 }
    }

    /// Appends rows.
    pub(super) fn put(&mut self, plan: &PlanId, area: Area, rows: &[SpillRow]) -> Result<()> {
        if !self.areas.contains_key(&(plan.clone(), area)) {
            self.tables += 1;
            let table = self.tables;
            let make = format!(
                "CREATE TABLE heap_{table} (number INTEGER PRIMARY KEY, key BLOB NOT NULL, content BLOB NOT NULL)"
            );
            self.file.execute_batch(&make).or_fail(write_failed)?;
            self.areas.insert(
                (plan.clone(), area),
                Heap { table, rows: 0, indexed: false, last: None, sorted: true },
            );
        }
        let Some(heap) = self.areas.get_mut(&(plan.clone(), area)) else { return Ok(()) };
        let table = heap.table;
        if heap.indexed && rows.len() as u64 > heap.rows / PART_SORTED_IN {
            self.file.execute_batch(&format!("DROP INDEX order_{table}")).or_fail(write_failed)?;
            heap.indexed = false;
        }
        let batch = self.file.unchecked_transaction().or_fail(write_failed)?;
        {
            let sql = format!("INSERT INTO heap_{table} (key, content) VALUES (?1, ?2)");
            let mut insert = prepared(&batch, &sql)?;
            for row in rows {
                insert.execute(params![row.key, row.content]).or_fail(write_failed)?;
            }
        }
        batch.commit().or_fail(write_failed)?;
        heap.rows += rows.len() as u64;
        heap.sorted = heap.sorted
            && rows.is_sorted_by(|one, other| one.key <= other.key)
            && heap.last.as_ref().is_none_or(|last| rows.first().is_none_or(|row| *last <= row.key));
        heap.last = rows.last().map(|row| row.key.clone()).filter(|_| heap.sorted);
        Ok(())
    }

    /// Rows in key order.
    pub(super) fn scan(
        &mut self,
        plan: &PlanId,
        area: Area,
        scan: &Scan<Vec<u8>>,
    ) -> Result<PageOf<SpillRow>> {
        let mut page: PageOf<SpillRow> = PageOf { rows: Vec::new(), more: false };
        let Some(table) = self.indexed(plan, area)? else { return Ok(page) };
        // Before any key: the empty key itself must come too.
        let sql = match &scan.after {
            Some(_) => {
                format!("SELECT key, content FROM heap_{table} WHERE key > ?1 ORDER BY key, number")
            }
            None => format!("SELECT key, content FROM heap_{table} ORDER BY key, number"),
        };
        let mut statement = prepared(&self.file, &sql)?;
        let mut rows = match &scan.after {
            Some(after) => statement.query([after]),
            None => statement.query([]),
        }
        .or_fail(read_failed)?;
        while let Some(row) = rows.next().or_fail(read_failed)? {
            let key = row.get_ref(0).and_then(|key| Ok(key.as_blob()?)).or_fail(read_failed)?;
            let replaces = page.rows.last().is_some_and(|last| last.key == key);
            if !replaces && page.rows.len() >= scan.rows_max {
                page.more = true;
                break;
            }
            let content: Vec<u8> = row.get(1).or_fail(read_failed)?;
            match page.rows.last_mut() {
                Some(last) if replaces => last.content = content,
                _ => page.rows.push(SpillRow { key: key.to_vec(), content }),
            }
        }
        Ok(page)
    }

    /// The contents under keys.
    pub(super) fn of(&mut self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let Some(table) = self.indexed(plan, area)? else { return Ok(vec![None; keys.len()]) };
        let sql = format!("SELECT content FROM heap_{table} WHERE key = ?1 ORDER BY number DESC LIMIT 1");
        let mut statement = prepared(&self.file, &sql)?;
        keys.iter()
            .map(|key| {
                let mut rows = statement.query([key]).or_fail(read_failed)?;
                let row = rows.next().or_fail(read_failed)?;
                row.map(|row| row.get(0)).transpose().or_fail(read_failed)
            })
            .collect()
    }

    /// Drops all areas but those of plans that stay.
    pub(super) fn keep(&mut self, stays: impl Fn(&PlanId) -> bool) -> Result<()> {
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.areas).into_iter().partition(|((plan, _), _)| stays(plan));
        self.areas = kept;
        if dropped.is_empty() {
            return Ok(());
        }
        // A statement that is kept prepared would be prepared anew for nothing.
        self.file.flush_prepared_statement_cache();
        let mut kept_back = Ok(());
        for (of, heap) in dropped {
            let dropped = self.file.execute_batch(&format!("DROP TABLE heap_{}", heap.table));
            if let Err(error) = dropped.or_fail(write_failed) {
                // Known on, so that its room is given back the next time.
                self.areas.insert(of, heap);
                kept_back = Err(error);
            }
        }
        kept_back
    }

    /// The table of an area, its index made; `None` where nothing was put.
    fn indexed(&mut self, plan: &PlanId, area: Area) -> Result<Option<u64>> {
        let Some(heap) = self.areas.get_mut(&(plan.clone(), area)) else { return Ok(None) };
        if !heap.indexed {
            let columns = if heap.sorted { "key, number" } else { "key, number, content" };
            let make = format!("CREATE INDEX order_{0} ON heap_{0} ({columns})", heap.table);
            self.file.execute_batch(&make).or_fail(write_failed)?;
            heap.indexed = true;
        }
        Ok(Some(heap.table))
    }
}
