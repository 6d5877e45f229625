//! Writing one file: a first pass finds the records that operations concern and decides, a second one copies the file
//! with what was decided. The door is [`write`].

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use seamless_core::connector::{
    Expects, Proof, Refusal, RefusalKind, Target, Verb, Versioned, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    Error, ErrorKind, FieldKind, FieldName, KeyPart, Presence, RecordId, Result, Slot, Value, ValueRef,
};

use super::folder::Table;
use super::format::{Format, Next, Rows, disk, id_of, without_end};
use super::read::{Records, full, stamp, version};
use crate::fits::misfit;

/// A record that an operation concerns, as it is after the operations before.
#[derive(Debug)]
struct Current {
    /// The number of the record in the file, or of the new record.
    place: Place,
    /// `None`: deleted.
    raw: Option<Vec<u8>>,
    /// How many records have this key.
    count: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Old(u64),
    New(usize),
}

/// What a batch makes of a file.
#[derive(Debug, Default)]
struct Decided {
    outcomes: Vec<WriteOutcome>,
    rows: Rows,
}

/// The right to write the files of a folder, among connectors like this one: held from before a file is read until it is
/// replaced, or two of them could decide on the same state and one would undo the other. Other programs do not ask for it; the
/// stamp notices most of what they do. `None` where the file system knows no locks.
pub(super) fn lock(table: &Path) -> Result<Option<File>> {
    let path = table.canonicalize().map_err(|problem| disk(problem, "finding"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let locked = lockable(folder).and_then(|file| file.lock().map(|()| file));
    match locked {
        Ok(file) => Ok(Some(file)),
        Err(problem) => {
            tracing::warn!(%problem, folder = %folder.display(), "the folder cannot be locked: write it from one process only");
            Ok(None)
        }
    }
}

/// The folder itself: a record file is replaced, and a lock on it would go with it.
#[cfg(unix)]
fn lockable(folder: &Path) -> std::io::Result<File> {
    File::open(folder)
}

/// A file in the folder, since a folder cannot be locked here, and a record file that is cannot be read.
#[cfg(not(unix))]
fn lockable(folder: &Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(folder.join(".seamless.lock"))
}

/// Carries out a batch; one outcome per operation. `None`: somebody else wrote the file meanwhile, nothing happened.
///
/// Errors: nothing of it happened.
pub(super) fn write(
    format: &Arc<dyn Format>,
    table: &Table,
    ops: &[WriteOp],
) -> Result<Option<Vec<WriteOutcome>>> {
    let writer = Writer { format, table };
    let decided = writer.decide(ops)?;
    if decided.rows.replaced.is_empty() && decided.rows.appended.iter().all(Option::is_none) {
        let now = stamp(&File::open(&table.path).map_err(|problem| disk(problem, "opening"))?)?;
        return Ok((now == table.stamp).then_some(decided.outcomes));
    }
    writer.replace(decided)
}

struct Writer<'a> {
    format: &'a Arc<dyn Format>,
    table: &'a Table,
}

fn refuse(why: RefusalKind, kind: ErrorKind, problem: impl Into<String>) -> Refusal {
    Refusal { why, error: Error::new(kind, problem) }
}

fn invalid(field: Option<&FieldName>, problem: impl Into<String>) -> Refusal {
    let why = RefusalKind::Invalid { field: field.cloned() };
    let refusal = refuse(why, ErrorKind::Data, problem);
    match field {
        Some(name) => Refusal { error: refusal.error.at("field", name), ..refusal },
        None => refusal,
    }
}

impl Writer<'_> {
    fn decide(&self, ops: &[WriteOp]) -> Result<Decided> {
        let mut current: HashMap<RecordId, Current> = HashMap::new();
        let ids: Vec<Result<RecordId, Refusal>> = ops.iter().map(|op| self.id(op)).collect();
        for id in ids.iter().flatten() {
            current.insert(id.clone(), Current { place: Place::New(usize::MAX), raw: None, count: 0 });
        }
        self.find(&mut current)?;
        let mut decided = Decided::default();
        for (op, id) in ops.iter().zip(ids) {
            let done = id.and_then(|id| {
                let proof = self.apply(op, &id, &mut current, &mut decided)?;
                Ok((id, proof))
            });
            decided.outcomes.push(match done {
                Ok((id, proof)) => WriteOutcome::Applied { id, proof },
                Err(refusal) => WriteOutcome::Refused(Refusal {
                    error: refusal.error.at("entity", &self.table.layout.entity.name),
                    ..refusal
                }),
            });
        }
        Ok(decided)
    }

    /// The record that an operation concerns.
    fn id(&self, op: &WriteOp) -> Result<RecordId, Refusal> {
        let layout = &self.table.layout;
        match &op.target {
            Target::Existing(id) => Ok(id.clone()),
            Target::New(chosen) => {
                let names = layout.key.iter().filter_map(|place| layout.shape.name(*place));
                let told_nothing =
                    |name: &&FieldName| op.patch.field(name.as_str()).value().is_some_and(ValueRef::is_null);
                let blank = names.clone().find(told_nothing);
                if let Some(name) = blank {
                    return Err(invalid(Some(name), "the key of a new record cannot be nothing"));
                }
                let values =
                    names.map(|name| op.patch.field(name.as_str()).value().unwrap_or(ValueRef::Null));
                // A key that is written is the record's own. An id is chosen for keys that nobody names, and not for
                // one that is told nothing: a plan that says nothing must not become a key made up here.
                match (id_of(values), chosen) {
                    (Some(own), _) => Ok(own),
                    (None, Some(id)) if id.parts().len() == layout.key.len() => Ok(id.clone()),
                    (None, Some(_)) => Err(invalid(None, "the id has not as many parts as the key")),
                    (None, None) => Err(invalid(
                        layout.entity.key.first(),
                        "a new record needs its key: a file gives none",
                    )),
                }
            }
        }
    }

    /// Finds the present state of the records that operations concern.
    fn find(&self, current: &mut HashMap<RecordId, Current>) -> Result<()> {
        let layout = &self.table.layout;
        let mut records = Records::open(self.format, self.table, layout.begin)?;
        let none = super::format::Wanted::new(layout, &seamless_core::model::Shape::new([])?)?;
        let mut number = 0;
        loop {
            let (next, line) = records.next()?;
            match next {
                Next::End => return Ok(()),
                Next::Blank => {}
                Next::Unterminated => {
                    return Err(Error::data("the file ends inside of a record: a quote is not closed")
                        .at("place", self.table.place(self.format, line, None))
                        .with_remedy("close the quote; nothing was written"));
                }
                Next::Record => {
                    let raw = without_end(records.raw());
                    let id = match self.format.parse(layout, raw, &none) {
                        Ok(row) => Some(row.id),
                        Err(bad) => bad.id,
                    };
                    if let Some(found) = id.and_then(|id| current.get_mut(&id)) {
                        *found = Current {
                            place: Place::Old(number),
                            raw: Some(raw.to_vec()),
                            count: found.count + 1,
                        };
                    }
                }
            }
            number += 1;
        }
    }

    fn apply(
        &self,
        op: &WriteOp,
        id: &RecordId,
        current: &mut HashMap<RecordId, Current>,
        decided: &mut Decided,
    ) -> Result<Proof, Refusal> {
        let Some(found) = current.get_mut(id) else {
            return Err(invalid(None, "the operation concerns no record"));
        };
        if found.count > 1 {
            return Err(match op.verb {
                Verb::Create => self.taken(id),
                _ => invalid(None, format!("{} records have the key {id}", found.count)),
            });
        }
        let made = match (&op.verb, &op.target) {
            (Verb::Create, Target::New(_)) => {
                if found.raw.is_some() {
                    return Err(self.taken(id));
                }
                Some(self.edit(None, op, id)?)
            }
            (Verb::Update, Target::Existing(_)) => {
                let Some(raw) = &found.raw else {
                    return Err(refuse(
                        RefusalKind::Missing,
                        ErrorKind::NotFound,
                        format!("record {id} is not there"),
                    ));
                };
                self.refuse_stale(raw, id, &op.expects)?;
                Some(self.edit(Some(raw), op, id)?)
            }
            (Verb::Delete(_), Target::Existing(_)) => {
                let Some(raw) = &found.raw else { return Ok(Proof::None) };
                self.refuse_stale(raw, id, &op.expects)?;
                if let Some(problem) = self.format.undeletable(&self.table.layout, raw) {
                    return Err(refuse(RefusalKind::Forbidden, ErrorKind::Unsupported, problem));
                }
                None
            }
            (Verb::Action(name), _) => {
                let problem = format!("a file has no action {name}");
                return Err(refuse(RefusalKind::Forbidden, ErrorKind::Unsupported, problem));
            }
            _ => return Err(invalid(None, "the operation and its target do not fit together")),
        };
        if let Place::New(usize::MAX) = found.place {
            found.place = Place::New(decided.rows.appended.len());
            decided.rows.appended.push(None);
        }
        match found.place {
            Place::Old(number) => {
                decided.rows.replaced.insert(number, made.clone());
            }
            Place::New(place) => {
                if let Some(slot) = decided.rows.appended.get_mut(place) {
                    slot.clone_from(&made);
                }
            }
        }
        let proof = match &made {
            Some(raw) => Proof::Stored(self.read(raw, id)?),
            None => Proof::None,
        };
        found.count = usize::from(made.is_some());
        found.raw = made;
        Ok(proof)
    }

    fn taken(&self, id: &RecordId) -> Refusal {
        let why = RefusalKind::KeyTaken { by: Some(id.clone()) };
        refuse(why, ErrorKind::Conflict, format!("record {id} is there already"))
    }

    /// A record as it is written, read back.
    fn read(&self, raw: &[u8], id: &RecordId) -> Result<Versioned, Refusal> {
        let layout = &self.table.layout;
        match self.format.parse(layout, raw, &full(layout)) {
            Ok(row) if row.id == *id => {
                Ok(Versioned { id: row.id, version: Some(version(raw)), modified: None, record: row.record })
            }
            Ok(row) => Err(invalid(None, format!("the key of record {id} cannot be changed to {}", row.id))),
            Err(bad) => Err(invalid(None, format!("the record cannot be read: {}", bad.problem))),
        }
    }

    fn refuse_stale(&self, raw: &[u8], id: &RecordId, expects: &Expects) -> Result<(), Refusal> {
        let holds = match expects {
            Expects::Anything => true,
            Expects::Missing => false,
            Expects::Version(expected) => version(raw) == *expected,
            Expects::Values(values) => {
                let held = self.read(raw, id)?;
                values.fields().all(|(name, expected)| {
                    expected == Presence::Absent || held.record.field(name.as_str()) == expected
                })
            }
        };
        if holds {
            return Ok(());
        }
        let problem = format!("record {id} was changed by somebody else");
        Err(refuse(RefusalKind::Stale, ErrorKind::Conflict, problem))
    }

    /// The raw record that an operation makes.
    fn edit(&self, former: Option<&[u8]>, op: &WriteOp, id: &RecordId) -> Result<Vec<u8>, Refusal> {
        let layout = &self.table.layout;
        let mut slots = vec![Slot::Absent; layout.shape.len()];
        for (name, presence) in op.patch.fields() {
            let Presence::Value(value) = presence else { continue };
            let Some(place) = layout.shape.slot(name.as_str()) else {
                return Err(invalid(Some(name), "the file has no such field"));
            };
            let Some(field) = layout.entity.fields.get(place) else { continue };
            if field.read_only || field.computed {
                return Err(invalid(Some(name), "the field cannot be written"));
            }
            if let Some(problem) = misfit(field, value) {
                return Err(invalid(Some(name), problem));
            }
            if let Some(slot) = slots.get_mut(place) {
                *slot = Slot::Value(value.to_value());
            }
        }
        if former.is_none() {
            self.complete(&mut slots, id)?;
        }
        let changes: Vec<(usize, ValueRef<'_>)> = slots
            .iter()
            .enumerate()
            .filter_map(|(place, slot)| slot.as_presence().value().map(|value| (place, value)))
            .collect();
        let raw = self
            .format
            .edit(layout, former, &changes)
            .map_err(|(place, problem)| invalid(layout.shape.name(place), problem))?;
        // Reads it back before anything is written: the key is still the key, and no record is made that cannot be read.
        self.read(&raw, id)?;
        Ok(raw)
    }

    /// What a new record holds where the operation says nothing: its key, the default, nothing.
    fn complete(&self, slots: &mut [Slot], id: &RecordId) -> Result<(), Refusal> {
        let layout = &self.table.layout;
        for (place, part) in layout.key.iter().zip(id.parts()) {
            let Some(slot @ Slot::Absent) = slots.get_mut(*place) else { continue };
            let kind = layout.entity.fields.get(*place).map(|field| &field.kind);
            *slot = Slot::Value(match (part, kind) {
                (KeyPart::Text(day), Some(FieldKind::Date)) => match crate::iso::date(day.as_bytes()) {
                    Some(day) => Value::Date(day),
                    None => return Err(invalid(layout.shape.name(*place), "the key is not a date")),
                },
                (KeyPart::Int(key), _) => Value::Int(key),
                (KeyPart::Text(key), _) => Value::Text(key),
            });
        }
        for (slot, field) in slots.iter_mut().zip(&layout.entity.fields) {
            if *slot == Slot::Absent {
                *slot = Slot::Value(field.default.clone().unwrap_or(Value::Null));
            }
            if field.required && matches!(slot, Slot::Value(Value::Null)) {
                return Err(invalid(Some(&field.name), "a value is required"));
            }
        }
        Ok(())
    }

    /// Writes the file anew and puts it in the place of the old one; `None` when somebody else wrote that meanwhile.
    fn replace(&self, decided: Decided) -> Result<Option<Vec<WriteOutcome>>> {
        // A name that leads to a file elsewhere goes on leading there: the file is replaced, not the link to it.
        let path = &self.table.path.canonicalize().map_err(|problem| disk(problem, "finding"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let new = tempfile::Builder::new()
            .prefix(".seamless-")
            .tempfile_in(folder)
            .map_err(|problem| disk(problem, "making a new file beside"))?;
        let written = self.format.rewrite(path, &self.table.layout, &decided.rows, new.as_file());
        let written = written.and_then(|written| match written {
            Some(()) => Ok(()),
            None => self.copy(new.as_file(), &decided),
        });
        written.map_err(|problem| problem.at("path", path.display()))?;
        let old = File::open(path).map_err(|problem| disk(problem, "opening"))?;
        if let Ok(found) = old.metadata() {
            let kept = new.as_file().set_permissions(found.permissions());
            kept.map_err(|problem| disk(problem, "giving permissions to"))?;
        }
        new.as_file().sync_all().map_err(|problem| disk(problem, "writing"))?;
        if stamp(&old)? != self.table.stamp {
            return Ok(None);
        }
        new.persist(path).map_err(|problem| disk(problem.error, "replacing"))?;
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        if let Err(problem) = synced {
            // The new file is in place but may not survive a power cut.
            tracing::warn!(%problem, path = %path.display(), "the folder could not be synced");
        }
        Ok(Some(decided.outcomes))
    }

    fn copy(&self, to: &File, decided: &Decided) -> Result<()> {
        let layout = &self.table.layout;
        let end: &[u8] = if layout.crlf { b"\r\n" } else { b"\n" };
        let writing = |problem| disk(problem, "writing");
        let mut out = BufWriter::new(to);
        let file = File::open(&self.table.path).map_err(|problem| disk(problem, "opening"))?;
        let mut head = BufReader::new(file).take(layout.begin.0);
        let mut header = Vec::new();
        head.read_to_end(&mut header).map_err(|problem| disk(problem, "reading"))?;
        out.write_all(&header).map_err(writing)?;
        let mut open_line = !header.is_empty() && !header.ends_with(b"\n") && header != *b"\xef\xbb\xbf";
        let mut records = Records::open(self.format, self.table, layout.begin)?;
        let mut number = 0;
        while records.next()?.0 != Next::End {
            let raw = records.raw();
            match decided.rows.replaced.get(&number) {
                None => {
                    out.write_all(raw).map_err(writing)?;
                    open_line = !raw.ends_with(b"\n");
                }
                Some(Some(made)) => {
                    out.write_all(made).map_err(writing)?;
                    // The end of line stays what it was, none at all included.
                    let ending = raw.get(without_end(raw).len()..).unwrap_or_default();
                    out.write_all(ending).map_err(writing)?;
                    open_line = ending.is_empty();
                }
                Some(None) => {}
            }
            number += 1;
        }
        for made in decided.rows.appended.iter().flatten() {
            if open_line {
                out.write_all(end).map_err(writing)?;
                open_line = false;
            }
            out.write_all(made).map_err(writing)?;
            out.write_all(end).map_err(writing)?;
        }
        out.flush().map_err(writing)
    }
}
