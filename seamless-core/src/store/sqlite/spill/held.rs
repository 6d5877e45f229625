//! Rows of one area in memory, in few pieces however many they are. Knows nothing of files, nor of how much room there
//! is. The door is [`Held`].

use std::cmp::Ordering;

use crate::store::port::{PageOf, Scan, SpillRow};

/// Rows as they came, put into the order of their keys when they are first read.
#[derive(Debug)]
pub(super) struct Held {
    /// Keys and contents, one after the other; a row lies in one piece.
    pieces: Vec<Vec<u8>>,
    rows: Vec<Place>,
    /// Bytes reserved by the pieces.
    reserved: usize,
    /// Whether the rows lie in the order of their keys, each key once.
    in_order: bool,
    came_in_order: bool,
}

/// Where a row lies: key and content follow each other.
#[derive(Clone, Copy, Debug)]
struct Place {
    piece: u32,
    key: u32,
    content: u32,
    end: u32,
}

/// A piece is as large as all before it, within these: an area of a few rows takes little.
const PIECE_BYTES_MIN: usize = 4 << 10;
const PIECE_BYTES_MAX: usize = 1 << 20;

/// Bytes that rows take at least, once they are held.
pub(super) fn bytes_of(rows: &[SpillRow]) -> usize {
    rows.iter().map(|row| row.key.len() + row.content.len() + size_of::<Place>()).sum()
}

impl Default for Held {
    fn default() -> Self {
        Self { pieces: Vec::new(), rows: Vec::new(), reserved: 0, in_order: true, came_in_order: true }
    }
}

impl Held {
    /// Bytes that are reserved.
    pub(super) fn bytes(&self) -> usize {
        self.reserved + self.rows.capacity() * size_of::<Place>()
    }

    /// Whether no row came after one with a larger key.
    pub(super) const fn came_in_order(&self) -> bool {
        self.came_in_order
    }

    /// Adds rows.
    pub(super) fn put(&mut self, rows: &[SpillRow]) {
        self.rows.reserve(rows.len());
        for row in rows {
            let after = self.rows.last().map(|last| row.key.as_slice().cmp(self.key(*last)));
            self.in_order &= after.is_none_or(Ordering::is_gt);
            self.came_in_order &= after.is_none_or(Ordering::is_ge);
            self.push(row);
        }
    }

    fn push(&mut self, row: &SpillRow) {
        let bytes = row.key.len() + row.content.len();
        if self.pieces.last().is_none_or(|piece| piece.capacity() - piece.len() < bytes) {
            let size = self.reserved.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX).max(bytes);
            let piece = Vec::with_capacity(size);
            self.reserved += piece.capacity();
            self.pieces.push(piece);
        }
        let number = place(self.pieces.len().saturating_sub(1));
        let Some(piece) = self.pieces.last_mut() else { return };
        let key = place(piece.len());
        piece.extend_from_slice(&row.key);
        let content = place(piece.len());
        piece.extend_from_slice(&row.content);
        self.rows.push(Place { piece: number, key, content, end: place(piece.len()) });
    }

    /// Rows in key order.
    pub(super) fn scan(&mut self, scan: &Scan<Vec<u8>>) -> PageOf<SpillRow> {
        self.sort();
        let start = match &scan.after {
            Some(after) => self.rows.partition_point(|row| self.key(*row) <= after.as_slice()),
            None => 0,
        };
        let rest = self.rows.get(start..).unwrap_or_default();
        let row = |(key, content): (&[u8], &[u8])| SpillRow { key: key.to_vec(), content: content.to_vec() };
        let rows = rest.iter().take(scan.rows_max).map(|at| row(self.row(*at))).collect();
        PageOf { rows, more: rest.len() > scan.rows_max }
    }

    /// The content under a key.
    pub(super) fn of(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.sort();
        let at = self.rows.binary_search_by(|row| self.key(*row).cmp(key)).ok()?;
        self.rows.get(at).map(|row| self.row(*row).1.to_vec())
    }

    /// The rows as they lie: as they came, or in the order of their keys since they were read.
    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> + Clone {
        self.rows.iter().map(|row| self.row(*row))
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
        self.row(row).0
    }

    fn row(&self, row: Place) -> (&[u8], &[u8]) {
        let piece = self.pieces.get(row.piece as usize).map(Vec::as_slice).unwrap_or_default();
        let key = piece.get(row.key as usize..row.content as usize);
        let content = piece.get(row.content as usize..row.end as usize);
        (key.unwrap_or_default(), content.unwrap_or_default())
    }
}

/// A row that does not fit this number is larger than what is ever held.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
