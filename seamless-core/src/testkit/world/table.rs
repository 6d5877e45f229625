//! The records of one entity of a simulated system: rows, feed, tombstones, and what was there a while ago. Knows nothing
//! of who changes them or of the connector port. The doors are [`Table::place`] and [`Table::remove`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::switches::{Switches, Versions};
use crate::connector::{Proof, Tombstone, Versioned};
use crate::model::{
    ActionId, Entity, FieldName, KeyPart, Presence, RecordBuilder, RecordId, Shape, Timestamp, Value, Version,
};

/// The values of a record by field; a field that is missing is null.
pub(super) type Values = BTreeMap<FieldName, Value>;

/// A record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) values: Values,
    /// The change that its version is of.
    pub(super) version: u64,
    /// When it was changed, in milliseconds.
    pub(super) stamp: u64,
    /// Its place in the feed.
    pub(super) place: u64,
    pub(super) hidden: bool,
    /// The world's count when it was changed last, noticed or not.
    pub(super) tick: u64,
    /// The number of the thing that it stands for, whatever it is called by now.
    pub(super) thing: Option<usize>,
}

impl Row {
    pub(super) fn value(&self, field: &str) -> &Value {
        self.values.get(field).unwrap_or(&Value::Null)
    }
}

/// What an entity holds at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) rows: BTreeMap<RecordId, Row>,
    /// The last change of each record, by place.
    pub(super) feed: BTreeMap<u64, RecordId>,
    /// Deleted records: the place of the deletion, and what the system says of it.
    pub(super) stones: BTreeMap<RecordId, (u64, Tombstone)>,
    /// The last place that was given when the content became this.
    pub(super) sequence: u64,
}

/// What a change is stamped with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) sequence: u64,
    pub(super) millis: u64,
    pub(super) tick: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) entity: Entity,
    pub(super) named_by: FieldName,
    pub(super) now: Content,
    /// What it held before each change, and until when, where reading lags.
    past: Vec<(Duration, Content)>,
    /// Deleted records as they were.
    pub(super) bin: BTreeMap<RecordId, Row>,
    pub(super) denied: BTreeSet<FieldName>,
    /// What was answered to each operation that happened.
    pub(super) done: BTreeMap<ActionId, (RecordId, Proof)>,
    last_id: i64,
}

impl Table {
    pub(super) fn new(entity: Entity, named_by: FieldName) -> Self {
        Self {
            entity,
            named_by,
            now: Content::default(),
            past: Vec::new(),
            bin: BTreeMap::new(),
            denied: BTreeSet::new(),
            done: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// What it held a while ago.
    pub(super) fn ago(&self, now: Duration, lag: Duration) -> &Content {
        let then = now.saturating_sub(lag);
        self.past.iter().find(|(until, _)| *until > then).map_or(&self.now, |(_, content)| content)
    }

    /// Keeps what is there before it changes.
    fn remember(&mut self, now: Duration, switches: &Switches) {
        if switches.lag > 0 {
            let lag = Duration::from_millis(switches.lag);
            self.past.retain(|(until, _)| *until > now.saturating_sub(lag));
            self.past.push((now, self.now.clone()));
        }
    }

    /// An id that no record has or had.
    pub(super) fn free_id(&mut self, values: &Values, side: &str) -> RecordId {
        let is_name = self.entity.key.first() == Some(&self.named_by);
        if let (true, Some(Value::Text(name))) = (is_name, values.get(&self.named_by)) {
            return RecordId::text(name);
        }
        self.last_id += 1;
        let key = self.entity.key.first().and_then(|key| self.entity.field(key.as_str()));
        match key.map(|key| &key.kind) {
            Some(crate::model::FieldKind::Text { .. }) => RecordId::text(&format!("{side}{}", self.last_id)),
            _ => RecordId::int(self.last_id),
        }
    }

    /// Puts a record there, noticed by everything that notices changes.
    pub(super) fn place(
        &mut self,
        id: &RecordId,
        mut values: Values,
        hidden: bool,
        at: Stamp,
        now: Duration,
        switches: &Switches,
    ) {
        self.remember(now, switches);
        if let (Some(key), [part]) = (self.entity.key.first(), id.parts().as_slice()) {
            values.insert(
                key.clone(),
                match part {
                    KeyPart::Int(number) => Value::Int(*number),
                    KeyPart::Text(text) => Value::Text(Arc::clone(text)),
                },
            );
        }
        if let Some((place, _)) = self.now.stones.remove(id) {
            self.now.feed.remove(&place);
        }
        let named = values.get(&self.named_by).and_then(number_of);
        let row = Row {
            thing: self.now.rows.get(id).and_then(|row| row.thing).or(named),
            values,
            version: at.sequence,
            stamp: at.millis,
            place: at.sequence,
            hidden,
            tick: at.tick,
        };
        if let Some(before) = self.now.rows.insert(id.clone(), row) {
            self.now.feed.remove(&before.place);
        }
        self.now.feed.insert(at.sequence, id.clone());
        self.now.sequence = self.now.sequence.max(at.sequence);
    }

    /// Changes values behind the back of everything that notices changes.
    pub(super) fn change_silently(
        &mut self,
        id: &RecordId,
        values: Values,
        tick: u64,
        now: Duration,
        switches: &Switches,
    ) {
        self.remember(now, switches);
        if let Some(row) = self.now.rows.get_mut(id) {
            row.values.extend(values);
            row.tick = tick;
        }
    }

    /// Deletes a record; what it was.
    pub(super) fn remove(
        &mut self,
        id: &RecordId,
        merged_into: Option<RecordId>,
        at: Stamp,
        now: Duration,
        switches: &Switches,
    ) -> Option<Row> {
        self.remember(now, switches);
        let row = self.now.rows.remove(id)?;
        self.now.feed.remove(&row.place);
        self.now.feed.insert(at.sequence, id.clone());
        let stone = Tombstone { id: id.clone(), version: version(&row, switches), merged_into };
        self.now.stones.insert(id.clone(), (at.sequence, stone));
        self.now.sequence = self.now.sequence.max(at.sequence);
        self.bin.insert(id.clone(), row.clone());
        Some(row)
    }

    /// Goes back to what it held, as a restore from a backup does.
    pub(super) fn restore(&mut self, content: Content, now: Duration, switches: &Switches) {
        self.remember(now, switches);
        self.now = content;
    }

    /// A row as the system shows it.
    pub(super) fn show(
        &self,
        id: &RecordId,
        row: &Row,
        shape: &Arc<Shape>,
        switches: &Switches,
    ) -> Versioned {
        let mut record = RecordBuilder::new(shape);
        for name in shape.names() {
            record.push(if self.denied.contains(name) {
                Presence::Unreadable
            } else {
                Presence::Value(row.value(name.as_str()).as_ref())
            });
        }
        let millis = match switches.versions {
            Versions::Stamp(length) => row.stamp - row.stamp % length.max(1),
            _ => row.stamp,
        };
        let modified = i64::try_from(millis).ok().and_then(Timestamp::from_timestamp_millis);
        Versioned { id: id.clone(), version: version(row, switches), modified, record: record.finish() }
    }
}

/// The number of the thing that a name is of.
pub(super) fn number_of(name: &Value) -> Option<usize> {
    let Value::Text(text) = name else { return None };
    text.strip_prefix(['c', 'C'])?.parse().ok()
}

/// The version that the system shows of a record.
pub(super) fn version(row: &Row, switches: &Switches) -> Option<Version> {
    match switches.versions {
        Versions::Each => Some(Version::new(row.version.to_string())),
        Versions::None => None,
        Versions::Stamp(length) => Some(Version::new((row.stamp / length.max(1)).to_string())),
    }
}
