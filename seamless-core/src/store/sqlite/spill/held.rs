//! Rows of one area in memory, in three pieces however many they are. Knows nothing of files, nor of how much room there
//! is. The door is [`Held`].

use crate::store::port::{PageOf, Scan, SpillRow};

/// Rows as they came, put into the order of their keys when they are first read.
#[derive(Debug)]
pub(super) struct Held {
    /// Keys and contents, one after the other.
    bytes: Vec<u8>,
    rows: Vec<Place>,
    /// Whether the rows lie in the order of their keys, each key once.
    in_order: bool,
    came_in_order: bool,
}

/// Where a row lies: key and content follow each other.
#[derive(Clone, Copy, Debug)]
struct Place {
    key: u32,
    content: u32,
    end: u32,
}

impl Default for Held {
    fn default() -> Self {
        Self { bytes: Vec::new(), rows: Vec::new(), in_order: true, came_in_order: true }
    }
}

/// Bytes that rows take.
pub(super) fn bytes_of(rows: &[SpillRow]) -> usize {
    rows.iter().map(|row| row.key.len() + row.content.len() + size_of::<Place>()).sum()
}

impl Held {
    /// Bytes that are taken, at most half of what is reserved.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<Place>()
    }

    /// Whether no row came before one with a smaller key.
    pub(super) const fn came_in_order(&self) -> bool {
        self.came_in_order
    }

    /// Appends rows; `false`, and nothing happens, where they lie too far behind to be found again.
    pub(super) fn put(&mut self, rows: &[SpillRow]) -> bool {
        if u32::try_from(self.bytes.len() + bytes_of(rows)).is_err() {
            return false;
        }
        for row in rows {
            let after = self.rows.last().map(|last| row.key.as_slice().cmp(self.key(*last)));
            self.in_order &= after.is_none_or(std::cmp::Ordering::is_gt);
            self.came_in_order &= after.is_none_or(std::cmp::Ordering::is_ge);
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let key = place(self.bytes.len());
            self.bytes.extend_from_slice(&row.key);
            let content = place(self.bytes.len());
            self.bytes.extend_from_slice(&row.content);
            self.rows.push(Place { key, content, end: place(self.bytes.len()) });
        }
        true
    }

    /// Rows in key order.
    pub(super) fn scan(&mut self, scan: &Scan<Vec<u8>>) -> PageOf<SpillRow> {
        self.sort();
        let start = match &scan.after {
            Some(after) => self.rows.partition_point(|row| self.key(*row) <= after.as_slice()),
            None => 0,
        };
        let rest = self.rows.get(start..).unwrap_or_default();
        let rows = rest.iter().take(scan.rows_max).map(|row| self.row(*row)).collect();
        PageOf { rows, more: rest.len() > scan.rows_max }
    }

    /// The content under a key.
    pub(super) fn of(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.sort();
        let at = self.rows.binary_search_by(|row| self.key(*row).cmp(key)).ok()?;
        self.rows.get(at).map(|row| self.content(*row).to_vec())
    }

    /// The rows as they lie: as they came, or in the order of their keys since they were read.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.rows.iter().map(|row| (self.key(*row), self.content(*row)))
    }

    /// Of rows with the same key the one that came last stays.
    fn sort(&mut self) {
        if std::mem::replace(&mut self.in_order, true) {
            return;
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by(|one, other| self.key(*one).cmp(self.key(*other)));
        rows.reverse();
        rows.dedup_by(|one, other| self.key(*one) == self.key(*other));
        rows.reverse();
        self.rows = rows;
    }

    fn key(&self, row: Place) -> &[u8] {
        self.bytes.get(row.key as usize..row.content as usize).unwrap_or_default()
    }

    fn content(&self, row: Place) -> &[u8] {
        self.bytes.get(row.content as usize..row.end as usize).unwrap_or_default()
    }

    fn row(&self, row: Place) -> SpillRow {
        SpillRow { key: self.key(row).to_vec(), content: self.content(row).to_vec() }
    }
}
