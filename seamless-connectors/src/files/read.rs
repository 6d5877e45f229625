//! Reading one file: pages of an enumeration, and look-ups. The doors are [`Reading`] and [`fetch`].

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufRead;
use std::sync::Arc;

use seamless_core::connector::{
    Change, Cursor, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Order, Page, ReadQuery,
    Versioned,
};
use seamless_core::model::{
    Condition, Error, ErrorKind, KeyPart, Presence, RecordId, Result, Shape, Truth, Value, Version,
};

use super::folder::Table;
use super::format::{Bad, Format, Layout, Next, Wanted, disk, without_end};
use crate::place::{Feed, Place};

/// Bytes of records in one page at most.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// What tells one state of a file from another: length, time of change, file number.
pub(super) fn stamp(file: &File) -> Result<String> {
    let found = file.metadata().map_err(|problem| disk(problem, "looking at"))?;
    let since = found.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let number = 0;
    Ok(format!("{}-{}-{number}", found.len(), since.unwrap_or_default().as_nanos()))
}

/// The version of a record: half a digest of its bytes.
pub(super) fn version(raw: &[u8]) -> Version {
    let digest = blake3::hash(raw).to_hex();
    Version::new(digest.get(..32).unwrap_or_default())
}

/// A file that is read from front to back, record by record.
pub(super) struct Records {
    format: Arc<dyn Format>,
    file: File,
    reader: Box<dyn BufRead + Send>,
    raw: Vec<u8>,
    /// Bytes and lines before the next record.
    offset: u64,
    line: u64,
}

impl Records {
    pub(super) fn open(format: &Arc<dyn Format>, table: &Table, from: (u64, u64)) -> Result<Self> {
        let file = File::open(&table.path).map_err(|problem| disk(problem, "opening"))?;
        let other = file.try_clone().map_err(|problem| disk(problem, "opening"))?;
        let reader = format.records(&table.layout, other, from.0)?;
        Ok(Self { format: Arc::clone(format), file, reader, raw: Vec::new(), offset: from.0, line: from.1 })
    }

    pub(super) fn stamp(&self) -> Result<String> {
        stamp(&self.file)
    }

    /// Reads the next record; its bytes are in [`Records::raw`] then. Gives the line that it begins on.
    pub(super) fn next(&mut self) -> Result<(Next, u64)> {
        self.raw.clear();
        let next = self.format.next(&mut *self.reader, &mut self.raw)?;
        let line = self.line + 1;
        self.offset += self.raw.len() as u64;
        self.line += self.raw.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok((next, line))
    }

    /// The bytes of the record that was read last, end of line included.
    pub(super) fn raw(&self) -> &[u8] {
        &self.raw
    }
}

/// An enumeration that is under way.
pub(super) struct Reading {
    records: Records,
    table: Arc<Table>,
    wanted: Wanted,
    query: Arc<ReadQuery>,
    stamp: String,
    /// What was seen since the start, to notice a key that comes twice; `None` for a read that was taken up again.
    seen: Option<HashSet<[u8; 16]>>,
    serial: u64,
}

impl Reading {
    pub(super) fn begin(
        format: &Arc<dyn Format>,
        table: Arc<Table>,
        query: Arc<ReadQuery>,
        serial: u64,
    ) -> Result<Self> {
        let wanted = Wanted::new(&table.layout, &query.shape)?;
        let mut from = table.layout.begin;
        let stamp = table.stamp.clone();
        if let Some(cursor) = &query.after {
            from = place(cursor, format.form(), &stamp, &query)?;
        }
        let records =
            Records::open(format, &table, from).map_err(|error| error.at("entity", &query.entity))?;
        let seen = query.after.is_none().then(HashSet::new);
        Ok(Self { records, table, wanted, query, stamp, seen, serial })
    }

    /// The next page. The file must still be what it was when reading began.
    pub(super) fn page(&mut self) -> Result<Page> {
        let (mut changes, mut bytes, mut end) = (Vec::new(), 0, None);
        let layout = &self.table.layout;
        while end.is_none() && changes.len() < self.query.page_records_max.max(1) && bytes < PAGE_BYTES_MAX {
            let (next, line) = self.records.next()?;
            match next {
                Next::Blank => continue,
                Next::End => {
                    end = Some(if self.seen.is_some() {
                        End::Complete(Enumeration {
                            id: format!("{} {} {}", self.query.entity, self.stamp, self.serial),
                            order: Order::Unspecified,
                            changes_from: None,
                        })
                    } else {
                        End::Partial
                    });
                }
                Next::Unterminated => {
                    let problem = "the file ends inside of this record: a quote is not closed".to_owned();
                    changes.push(Change::Broken { id: None, place: self.place(line, None), problem });
                    end = Some(End::Partial);
                }
                Next::Record => {
                    let raw = without_end(self.records.raw());
                    bytes += raw.len();
                    match self.records.format.parse(layout, raw, &self.wanted) {
                        Ok(row) if self.seen.as_mut().is_some_and(|seen| !seen.insert(short(&row.id))) => {
                            let problem = "its key came before in this file".to_owned();
                            changes.push(Change::Broken {
                                id: Some(row.id),
                                place: self.place(line, None),
                                problem,
                            });
                        }
                        Ok(row) => {
                            let out = self.query.condition != Condition::Always
                                && self.query.condition.holds(&row.record) == Truth::Out;
                            if !out {
                                let version = Some(version(raw));
                                let found =
                                    Versioned { id: row.id, version, modified: None, record: row.record };
                                changes.push(Change::Upsert(found));
                            }
                        }
                        Err(Bad { id, problem, column }) => {
                            // Its key is taken, though its values cannot be read.
                            if let (Some(seen), Some(id)) = (&mut self.seen, &id) {
                                seen.insert(short(id));
                            }
                            changes.push(Change::Broken { id, place: self.place(line, column), problem });
                        }
                    }
                }
            }
        }
        if self.records.stamp()? != self.stamp {
            return Err(Error::new(ErrorKind::Unavailable, "the file was written to while it was read")
                .at("entity", &self.query.entity)
                .with_remedy("read it again"));
        }
        let key = [number(self.records.offset), number(self.records.line)];
        let feed = Feed { form: self.records.format.form(), stamp: &self.stamp, entity: &self.query.entity };
        let cursor = Place::All { mark: None, key: Some(RecordId::of_parts(&key)) }.cursor(&feed);
        Ok(Page { changes, cursor, end })
    }

    fn place(&self, line: u64, column: Option<usize>) -> String {
        self.table.place(&self.records.format, line, column)
    }
}

fn number(number: u64) -> KeyPart {
    KeyPart::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Bytes and lines before the next record, from a cursor of the same state of the same file.
fn place(cursor: &Cursor, form: &'static str, stamp: &str, query: &ReadQuery) -> Result<(u64, u64)> {
    let feed = Feed { form, stamp, entity: &query.entity };
    let read = Place::read(cursor, &feed)?;
    if let Place::All { key: Some(key), .. } = &read
        && let [KeyPart::Int(offset), KeyPart::Int(line)] = key.parts().as_slice()
        && let (Ok(offset), Ok(line)) = (u64::try_from(*offset), u64::try_from(*line))
    {
        return Ok((offset, line));
    }
    Err(foreign("a file has no feed of changes").at("entity", &query.entity))
}

fn foreign(why: &str) -> Error {
    Error::new(ErrorKind::CursorExpired, why)
        .with_remedy("read everything once; the cursor that comes with it is good")
}

fn short(id: &RecordId) -> [u8; 16] {
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(blake3::hash(id.as_bytes()).as_bytes()) {
        *to = *from;
    }
    short
}

/// Looks records up in one pass over the file.
pub(super) fn fetch(format: &Arc<dyn Format>, table: &Table, query: &FetchQuery) -> Result<Vec<Lookup>> {
    let wanted = Wanted::new(&table.layout, &query.shape)?;
    match &query.by {
        FetchBy::Ids(ids) => by_ids(format, table, &wanted, ids),
        FetchBy::Key { fields, values } => {
            let shape = Shape::new(fields.iter().cloned())?;
            by_key(format, table, &wanted, &Wanted::new(&table.layout, &shape)?, values)
        }
    }
}

/// Goes through all records; whether every one of them could be told by its id.
fn each(
    format: &Arc<dyn Format>,
    table: &Table,
    wanted: &Wanted,
    mut take: impl FnMut(&[u8], Result<super::format::Row, Bad>),
) -> Result<bool> {
    let mut records = Records::open(format, table, table.layout.begin)?;
    let mut told = true;
    loop {
        match records.next()?.0 {
            Next::Blank => {}
            Next::End => return Ok(told),
            Next::Unterminated => return Ok(false),
            Next::Record => {
                let raw = without_end(records.raw());
                let row = format.parse(&table.layout, raw, wanted);
                told &= !matches!(&row, Err(Bad { id: None, .. }));
                take(raw, row);
            }
        }
    }
}

fn by_ids(format: &Arc<dyn Format>, table: &Table, wanted: &Wanted, ids: &[RecordId]) -> Result<Vec<Lookup>> {
    let mut found: HashMap<&RecordId, Option<Lookup>> = ids.iter().map(|id| (id, None)).collect();
    let told = each(format, table, wanted, |raw, row| {
        let (id, lookup) = match row {
            Ok(row) => {
                let version = Some(version(raw));
                let found = Versioned { id: row.id.clone(), version, modified: None, record: row.record };
                (row.id, Lookup::Found(found))
            }
            Err(Bad { id: Some(id), problem, .. }) => {
                tracing::warn!(%id, problem, "a record cannot be read");
                (id, Lookup::Unanswered)
            }
            Err(Bad { id: None, .. }) => return,
        };
        if let Some(place) = found.get_mut(&id) {
            // A key that comes twice names nobody for certain.
            *place = Some(if place.is_some() { Lookup::Unanswered } else { lookup });
        }
    })?;
    let absent = |id: &RecordId| {
        if told {
            Lookup::Gone(GoneProof { id: id.clone(), seen: format!("{id} is not in {}", table.file()) })
        } else {
            Lookup::Unanswered
        }
    };
    Ok(ids.iter().map(|id| found.get(id).cloned().flatten().unwrap_or_else(|| absent(id))).collect())
}

fn by_key(
    format: &Arc<dyn Format>,
    table: &Table,
    wanted: &Wanted,
    key: &Wanted,
    values: &[Vec<Value>],
) -> Result<Vec<Lookup>> {
    let mut found: HashMap<&[Value], Vec<RecordId>> =
        values.iter().map(|key| (key.as_slice(), Vec::new())).collect();
    each(format, table, key, |_, row| {
        let Ok(row) = row else { return };
        let held: Option<Vec<Value>> = row
            .record
            .fields()
            .map(|(_, presence)| match presence {
                Presence::Value(value) if !value.is_null() => Some(value.to_value()),
                _ => None,
            })
            .collect();
        if let Some(ids) = held.and_then(|held| found.get_mut(held.as_slice())) {
            ids.push(row.id);
        }
    })?;
    let single: Vec<RecordId> =
        found.values().filter(|ids| ids.len() == 1).flat_map(|ids| ids.iter().cloned()).collect();
    let records: HashMap<RecordId, Lookup> =
        single.iter().cloned().zip(by_ids(format, table, wanted, &single)?).collect();
    let answer = |key: &Vec<Value>| match found.get(key.as_slice()).map(Vec::as_slice) {
        None | Some([]) => Lookup::Hidden,
        Some([one]) => records.get(one).cloned().unwrap_or(Lookup::Unanswered),
        Some(several) => {
            let mut several = several.to_vec();
            several.sort();
            Lookup::Several(several)
        }
    };
    Ok(values.iter().map(answer).collect())
}

/// The layout that a record is read with, for a full record.
pub(super) fn full(layout: &Layout) -> Wanted {
    Wanted::all(layout)
}
