//! One run of a tap over one stream: messages to pages. Knows no catalog but the stream that it reads. The door is
//! [`Reading`].

use std::collections::HashMap;
use std::sync::Arc;

use seamless_core::connector::{Change, End, Enumeration, Order, Page, ReadQuery, Tombstone, Versioned};
use seamless_core::model::{
    Condition, Error, ErrorKind, FieldKind, FieldName, Presence, Record, RecordBuilder, RecordId, Result,
    Shape, Timestamp, Truth, ValueRef,
};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::catalog::{DELETED, Stream};
use super::cursor::{STATE_BYTES_MAX, State};
use super::message::{self, Message, Odd};
use super::process::{Line, Tap};
use super::values::{compact, key_part, push};

/// Bytes of lines in one page at most.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// A run that is under way.
pub(super) struct Reading {
    tap: Tap,
    stream: Arc<Stream>,
    query: ReadQuery,
    /// Of each slot of the query's shape, the field.
    wanted: Vec<usize>,
    /// The last state that came, or the one that the run began with.
    state: State,
    resumed: bool,
    stamp: String,
    run: u64,
    /// Whether the tap said a schema, and whether a line could not be read: both speak against calling the reading complete.
    schema_seen: bool,
    unreadable: bool,
    /// Whether the tap spoke of another schema than its catalog.
    pub(super) other_schema: bool,
}

/// Why a record cannot be read, with its id where even that is known.
type Unreadable = (Option<RecordId>, String);

/// A page in the making.
#[derive(Default)]
struct Changes {
    changes: Vec<Change>,
    /// Where a record stands, so that a later sighting takes the place of an earlier one.
    places: HashMap<RecordId, usize>,
    bytes: usize,
}

impl Changes {
    fn put(&mut self, id: RecordId, change: Change) {
        match self.places.get(&id).and_then(|place| self.changes.get_mut(*place)) {
            Some(former) => *former = change,
            None => {
                self.places.insert(id, self.changes.len());
                self.changes.push(change);
            }
        }
    }
}

/// The fields of a shape in a stream.
///
/// Errors: a field that the stream does not have.
pub(super) fn fields(stream: &Stream, shape: &Shape) -> Result<Vec<usize>> {
    let place = |name: &FieldName| {
        stream.shape.slot(name.as_str()).ok_or_else(|| {
            Error::configuration("the stream has no such field")
                .at("entity", &stream.entity.name)
                .at("field", name)
        })
    };
    shape.names().iter().map(place).collect()
}

impl Reading {
    /// Goes on with a tap that was started for this query from this state.
    pub(super) fn new(
        tap: Tap,
        stream: Arc<Stream>,
        query: ReadQuery,
        state: State,
        stamp: String,
        run: u64,
    ) -> Result<Self> {
        let wanted = fields(&stream, &query.shape)?;
        Ok(Self {
            tap,
            stream,
            resumed: query.after.is_some(),
            query,
            wanted,
            state,
            stamp,
            run,
            schema_seen: false,
            unreadable: false,
            other_schema: false,
        })
    }

    /// The next page.
    ///
    /// Errors: the tap failed, was silent for too long, or wrote what this connector refuses. What came before is in the pages
    /// before, and their cursors are good.
    pub(super) fn page(&mut self) -> Result<Page> {
        let (mut page, mut end) = (Changes::default(), None);
        while end.is_none()
            && page.changes.len() < self.query.page_records_max.max(1)
            && page.bytes < PAGE_BYTES_MAX
        {
            match self.tap.next()? {
                None => {
                    self.tap.finish()?;
                    end = Some(self.end());
                }
                Some(Line::TooLong) => {
                    self.broken(&mut page, None, "the line is longer than a record can be")
                }
                Some(Line::Whole) => self.take(&mut page)?,
            }
        }
        let cursor = self.state.cursor(&self.stamp, &self.query.entity);
        Ok(Page { changes: page.changes, cursor, end })
    }

    fn end(&self) -> End {
        let has_changes = self.stream.replication.has_changes();
        let cursor = || self.state.cursor(&self.stamp, &self.query.entity);
        if self.resumed {
            return if has_changes { End::CaughtUp { low_water: None } } else { End::Partial };
        }
        if self.stream.known.complete && self.schema_seen && !self.unreadable {
            return End::Complete(Enumeration {
                id: format!("{} {} {}", self.query.entity, self.stamp, self.run),
                order: Order::Unspecified,
                changes_from: has_changes.then(cursor),
            });
        }
        End::Partial
    }

    fn place(&self) -> String {
        format!("{} line {}", self.stream.id, self.tap.number())
    }

    fn broken(&mut self, page: &mut Changes, id: Option<RecordId>, problem: &str) {
        // A line that names no record may have been any of them.
        self.unreadable |= id.is_none();
        let change = Change::Broken { id: id.clone(), place: self.place(), problem: problem.to_owned() };
        match id {
            Some(id) => page.put(id, change),
            None => page.changes.push(change),
        }
    }

    /// Takes the line that was read last.
    fn take(&mut self, page: &mut Changes) -> Result<()> {
        let line = self.tap.line().to_vec();
        page.bytes += line.len();
        match message::read(&line) {
            Ok(Message::Record { stream, record }) if self.stream.is_called(&stream) => {
                match self.change(record) {
                    Ok(Some((id, change))) => page.put(id, change),
                    Ok(None) => {}
                    Err((id, problem)) => self.broken(page, id, &problem),
                }
            }
            Ok(Message::Schema { stream, schema, key }) if self.stream.is_called(&stream) => {
                self.schema_seen = true;
                self.check_schema(schema, &key)?;
            }
            Ok(Message::State(Some(state))) => self.keep(state)?,
            // Other streams, which a tap may need on its way; states that say nothing; versions of tables.
            Ok(_) => {}
            Err(Odd::Unreadable(_)) if line.iter().all(u8::is_ascii_whitespace) => {}
            Err(Odd::Unreadable(problem)) if line.trim_ascii_start().starts_with(b"{") => {
                self.broken(page, None, &problem);
            }
            Err(Odd::Unreadable(_)) => {
                return Err(Error::data("the tap's output is not only messages")
                    .at("place", self.place())
                    .with_remedy("its logs belong on the standard error: see its settings, or `args`"));
            }
            Err(Odd::Refused(kind)) => {
                return Err(Error::new(ErrorKind::Unsupported, format!("the tap wrote a message of the type {kind}"))
                    .at("place", self.place())
                    .with_remedy("this connector takes SCHEMA, RECORD, STATE and ACTIVATE_VERSION; switch batches off in the tap's settings"));
            }
        }
        Ok(())
    }

    /// Keeps a state, where the stream can go on from one.
    fn keep(&mut self, state: &RawValue) -> Result<()> {
        if !self.stream.replication.has_changes() {
            return Ok(());
        }
        let state = compact(state.get());
        if state.len() > STATE_BYTES_MAX {
            return Err(Error::new(ErrorKind::Limit, "the tap's state is too large")
                .at("entity", &self.query.entity)
                .at("place", self.place())
                .with_remedy(format!(
                    "at most {STATE_BYTES_MAX} bytes; select fewer partitions in the tap's settings"
                )));
        }
        self.state = State::At(state);
        Ok(())
    }

    fn check_schema(&mut self, schema: &RawValue, key: &[String]) -> Result<()> {
        let ours = &self.stream.entity.key;
        if self.stream.known.key.is_empty()
            && !key.is_empty()
            && !ours.iter().map(FieldName::as_str).eq(key.iter())
        {
            self.other_schema = true;
            return Err(Error::data(format!(
                "the tap says another key than its catalog: {}",
                key.join(", ")
            ))
            .at("entity", &self.stream.entity.name)
            .with_remedy("discover again; name the fields as `key` where both are right"));
        }
        let schema: Json = serde_json::from_str(schema.get()).map_err(|problem| {
            Error::data("the tap's schema cannot be read").at("place", self.place()).caused_by(problem)
        })?;
        self.other_schema |= !self.stream.is_of(&schema);
        Ok(())
    }

    /// What a record says; `None` for one that the query leaves out.
    fn change(&self, record: &RawValue) -> Result<Option<(RecordId, Change)>, Unreadable> {
        let members: HashMap<String, &RawValue> =
            serde_json::from_str(record.get()).map_err(|_| (None, "the record is no object".to_owned()))?;
        let id = self.id(&members).map_err(|problem| (None, problem))?;
        let bad = |problem: String| (Some(id.clone()), problem);
        if members.get(DELETED).is_some_and(|at| at.get() != "null") {
            let tombstone = Tombstone { id: id.clone(), version: None, merged_into: None };
            return Ok(Some((id, Change::Deleted(tombstone))));
        }
        let mut builder = RecordBuilder::new(&self.query.shape);
        for place in &self.wanted {
            self.push(&mut builder, &members, *place).map_err(bad)?;
        }
        let record = builder.finish();
        if self.query.condition != Condition::Always && self.query.condition.holds(&record) == Truth::Out {
            return Ok(None);
        }
        let modified = self.modified(&members).map_err(bad)?;
        let found = Versioned { id: id.clone(), version: None, modified, record };
        Ok(Some((id, Change::Upsert(found))))
    }

    fn push(
        &self,
        builder: &mut RecordBuilder,
        members: &HashMap<String, &RawValue>,
        place: usize,
    ) -> Result<(), String> {
        let field = self.stream.entity.fields.get(place).ok_or("there is no such field")?;
        let as_json = self.stream.as_json.get(place).copied().unwrap_or_default();
        match members.get(field.name.as_str()) {
            None => builder.push(Presence::Absent),
            Some(json) => push(builder, &field.kind, as_json, json.get())
                .map_err(|problem| format!("{}: {problem}", field.name))?,
        }
        Ok(())
    }

    /// One field of a record by itself.
    fn one(&self, members: &HashMap<String, &RawValue>, place: usize) -> Result<Record, String> {
        let name = self.stream.shape.name(place).cloned();
        let shape = Shape::new(name).map_err(|problem| problem.to_string())?;
        let mut builder = RecordBuilder::new(&shape);
        self.push(&mut builder, members, place)?;
        Ok(builder.finish())
    }

    fn id(&self, members: &HashMap<String, &RawValue>) -> Result<RecordId, String> {
        let mut parts = Vec::with_capacity(self.stream.key.len());
        for place in &self.stream.key {
            let held = self.one(members, *place)?;
            let part = held.get(0).value().and_then(key_part);
            let name = self.stream.shape.name(*place).map_or("", FieldName::as_str);
            parts.push(part.ok_or_else(|| format!("{name}: the key is blank"))?);
        }
        Ok(RecordId::of_parts(&parts))
    }

    fn modified(&self, members: &HashMap<String, &RawValue>) -> Result<Option<Timestamp>, String> {
        let field = self.stream.known.modified.as_deref().and_then(|name| self.stream.shape.slot(name));
        let Some(place) = field else { return Ok(None) };
        let kind = self.stream.entity.fields.get(place).map(|field| &field.kind);
        if kind != Some(&FieldKind::Instant) {
            return Err("the field that says when a record was changed is no moment".to_owned());
        }
        let held = self.one(members, place)?;
        Ok(match held.get(0).value() {
            Some(ValueRef::Instant(at)) => Some(at.utc),
            _ => None,
        })
    }
}
