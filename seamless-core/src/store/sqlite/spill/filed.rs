//! Rows of one area in the file. A row at a random place of a large tree costs sixteen times one at its end, so a tree
//! holds rows only as long as they come in the order of their keys. Else they lie in a heap as they came, and the first
//! read after them makes an index by SQLite's external sort, in memory of a fixed size; it holds the contents too, so
//! that a scan reads the file from front to back. Of rows with the same key the one that came last is the row. An index
//! that is there stays as long as what is added is small beside it. The door is [`Filed`].

use rusqlite::{Connection, params};

use super::{read_failed, write_failed};
use crate::model::Result;
use crate::store::port::{PageOf, Scan, SpillRow};
use crate::store::sqlite::db::prepared;
use crate::store::sqlite::error::Mapped;

/// An index is dropped before a batch that is larger than this part of its rows, and made anew afterwards.
const PART_SORTED_IN: u64 = 8;

/// A table, by the number in its name.
#[derive(Clone, Debug)]
pub(super) struct Filed {
    number: u64,
    order: Order,
}

#[derive(Clone, Debug)]
enum Order {
    /// The keys come in their order; the last one so far.
    Tree {
        last: Vec<u8>,
    },
    Heap {
        rows: u64,
        indexed: bool,
    },
}

impl Order {
    /// What a scan is ordered by; the last of it tells rows with one key apart.
    const fn by(&self) -> &'static str {
        match self {
            Order::Tree { .. } => "key",
            Order::Heap { .. } => "key, number",
        }
    }
}

impl Filed {
    /// A table for rows whose keys come in their order, as far as is known, or in any.
    pub(super) fn make(file: &Connection, number: u64, in_order: bool) -> Result<Self> {
        let order = match in_order {
            true => {
                let make = format!(
                    "CREATE TABLE tree_{number} (key BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID"
                );
                file.execute_batch(&make).or_fail(write_failed)?;
                Order::Tree { last: Vec::new() }
            }
            false => make_heap(file, number)?,
        };
        Ok(Self { number, order })
    }

    /// Adds rows, in a transaction of the caller's: where that is not committed, it is to be used as it was before.
    pub(super) fn put<'r>(
        &mut self,
        file: &Connection,
        rows: impl ExactSizeIterator<Item = (&'r [u8], &'r [u8])> + Clone,
    ) -> Result<()> {
        if let Order::Tree { last } = &self.order {
            let keys = || rows.clone().map(|(key, _)| key);
            if !keys().is_sorted() || keys().next().is_some_and(|first| first < last.as_slice()) {
                self.become_heap(file)?;
            }
        }
        let number = self.number;
        let sql = match &mut self.order {
            Order::Tree { last } => {
                if let Some((key, _)) = rows.clone().last() {
                    *last = key.to_vec();
                }
                format!("INSERT OR REPLACE INTO tree_{number} (key, content) VALUES (?1, ?2)")
            }
            Order::Heap { rows: known, indexed } => {
                let more = rows.len() as u64;
                if *indexed && more > *known / PART_SORTED_IN {
                    file.execute_batch(&format!("DROP INDEX order_{number}")).or_fail(write_failed)?;
                    *indexed = false;
                }
                *known += more;
                format!("INSERT INTO heap_{number} (key, content) VALUES (?1, ?2)")
            }
        };
        let mut insert = prepared(file, &sql)?;
        for (key, content) in rows {
            insert.execute(params![key, content]).or_fail(write_failed)?;
        }
        Ok(())
    }

    /// Rows in key order.
    pub(super) fn scan(&mut self, file: &Connection, scan: &Scan<Vec<u8>>) -> Result<PageOf<SpillRow>> {
        self.make_readable(file)?;
        let (table, order) = (self.table(), self.order.by());
        let from = if scan.after.is_some() { "WHERE key > ?1 " } else { "" };
        let sql = format!("SELECT key, content FROM {table} {from}ORDER BY {order}");
        let mut statement = prepared(file, &sql)?;
        let mut rows = match &scan.after {
            Some(after) => statement.query([after]),
            // Before any key: the empty key itself must come too.
            None => statement.query([]),
        }
        .or_fail(read_failed)?;
        let mut page: PageOf<SpillRow> = PageOf { rows: Vec::new(), more: false };
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
    pub(super) fn of(&mut self, file: &Connection, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.make_readable(file)?;
        let (table, order) = (self.table(), self.order.by());
        // The one that came last: in a tree there is one.
        let sql = format!("SELECT content FROM {table} WHERE key = ?1 ORDER BY {order} DESC LIMIT 1");
        let mut statement = prepared(file, &sql)?;
        keys.iter()
            .map(|key| {
                let mut rows = statement.query([key]).or_fail(read_failed)?;
                let row = rows.next().or_fail(read_failed)?;
                row.map(|row| row.get(0)).transpose().or_fail(read_failed)
            })
            .collect()
    }

    /// Gives the room back.
    pub(super) fn drop(&self, file: &Connection) -> Result<()> {
        file.execute_batch(&format!("DROP TABLE {}", self.table())).or_fail(write_failed)
    }

    fn table(&self) -> String {
        let kind = match &self.order {
            Order::Tree { .. } => "tree",
            Order::Heap { .. } => "heap",
        };
        format!("{kind}_{}", self.number)
    }

    /// Makes the index of a heap where it is needed.
    fn make_readable(&mut self, file: &Connection) -> Result<()> {
        let table = self.table();
        let Order::Heap { indexed, .. } = &mut self.order else { return Ok(()) };
        if !*indexed {
            let make = format!("CREATE INDEX order_{} ON {table} (key, number, content)", self.number);
            file.execute_batch(&make).or_fail(write_failed)?;
            *indexed = true;
        }
        Ok(())
    }

    /// A key came too late: the rows so far were first.
    fn become_heap(&mut self, file: &Connection) -> Result<()> {
        let (number, tree) = (self.number, self.table());
        let mut heap = make_heap(file, number)?;
        let moved = file.execute(
            &format!("INSERT INTO heap_{number} (key, content) SELECT key, content FROM {tree}"),
            [],
        );
        let moved = moved.or_fail(write_failed)?;
        if let Order::Heap { rows, .. } = &mut heap {
            *rows = moved as u64;
        }
        self.drop(file)?;
        self.order = heap;
        Ok(())
    }
}

fn make_heap(file: &Connection, number: u64) -> Result<Order> {
    let make = format!(
        "CREATE TABLE heap_{number} (number INTEGER PRIMARY KEY, key BLOB NOT NULL, content BLOB NOT NULL)"
    );
    file.execute_batch(&make).or_fail(write_failed)?;
    Ok(Order::Heap { rows: 0, indexed: false })
}
