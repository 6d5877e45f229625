//! What was captured, by record, and what a record looks like with it. Knows no connector and makes no decision: [`judge`](super::judge)
//! does.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use seamless_core::connector::{Proof, Versioned};
use seamless_core::model::{
    ActionId, Entity, EntityName, FieldName, Presence, Record, RecordId, Result, Shape, Version,
};

use super::Captured;

/// Everything that was captured.
#[derive(Default)]
pub(super) struct Book {
    writes: Vec<Captured>,
    /// Shared with calls that look at them while they wait for the system.
    pub(super) shadows: BTreeMap<EntityName, Arc<Shadow>>,
    /// What operations came to, so that the same one happens once.
    pub(super) done: HashMap<ActionId, (RecordId, Proof)>,
    sequence: u64,
    generated: i64,
}

impl Book {
    pub(super) fn writes(&self) -> &[Captured] {
        &self.writes
    }

    pub(super) fn keep(&mut self, captured: Captured) {
        self.writes.push(captured);
    }

    /// The number of the last change.
    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn next_generated(&mut self) -> i64 {
        self.generated += 1;
        self.generated
    }

    pub(super) fn shadow(&self, entity: &EntityName) -> Option<&Arc<Shadow>> {
        self.shadows.get(entity)
    }
}

/// One entity.
#[derive(Clone)]
pub(super) struct Shadow {
    pub(super) entity: Arc<Entity>,
    /// All fields.
    pub(super) shape: Arc<Shape>,
    rows: BTreeMap<RecordId, Row>,
    /// The last change of each record.
    changes: BTreeMap<u64, RecordId>,
}

/// What was captured of a record.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) sequence: u64,
    pub(super) state: RowState,
}

impl Row {
    /// Whether what the system says of these fields of the record is not so any more: it was made or deleted here, or one of
    /// them was set.
    pub(super) fn decides(&self, fields: &[FieldName]) -> bool {
        match &self.state {
            RowState::New(_) | RowState::Deleted => true,
            RowState::Over { set, .. } => fields.iter().any(|name| !set.field(name.as_str()).is_absent()),
        }
    }
}

#[derive(Clone)]
pub(super) enum RowState {
    /// It was made here, and holds this.
    New(Record),
    /// It is the system's; these fields were set, and held that before in the system.
    Over { set: Record, before: Record },
    /// It was deleted.
    Deleted,
}

impl Shadow {
    pub(super) fn new(entity: Entity) -> Result<Self> {
        let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()))?;
        Ok(Self { entity: Arc::new(entity), shape, rows: BTreeMap::new(), changes: BTreeMap::new() })
    }

    pub(super) fn row(&self, id: &RecordId) -> Option<&Row> {
        self.rows.get(id)
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&RecordId, &Row)> {
        self.rows.iter()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn put(&mut self, id: RecordId, sequence: u64, state: RowState) {
        if let Some(old) = self.rows.insert(id.clone(), Row { sequence, state }) {
            self.changes.remove(&old.sequence);
        }
        self.changes.insert(sequence, id);
    }

    /// Records whose last change is behind this one, in the order of their changes.
    pub(super) fn after(&self, sequence: u64) -> impl Iterator<Item = (u64, &RecordId, &Row)> {
        let changes = self.changes.range(sequence.saturating_add(1)..);
        changes.filter_map(|(sequence, id)| Some((*sequence, id, self.rows.get(id)?)))
    }

    /// A record of the system with what was captured of it; `None`: it is deleted.
    pub(super) fn over(&self, found: Versioned) -> Option<Versioned> {
        let Some(row) = self.rows.get(&found.id) else { return Some(found) };
        match &row.state {
            RowState::Deleted => None,
            // It was made here; that the system has one of the same id meanwhile is not ours to show.
            RowState::New(record) => Some(new_record(&found.id, row.sequence, record, found.record.shape())),
            RowState::Over { set, before } => {
                let names = found.record.shape().names().iter().enumerate();
                let changes = names.filter_map(|(slot, name)| {
                    let captured = set.field(name.as_str());
                    // Somebody changed the field in the system since: that is newer than what we captured.
                    let stands = before.field(name.as_str()) == found.record.get(slot);
                    (!captured.is_absent() && stands).then_some((slot, captured))
                });
                let changes: Vec<(usize, Presence<'_>)> = changes.collect();
                let record = found.record.with(changes);
                let version =
                    found.version.as_ref().map(|version| version_of(row.sequence, version.as_str()));
                Some(Versioned { record, version, ..found })
            }
        }
    }

    /// A record that was made here; `None` where it was not.
    pub(super) fn made(&self, id: &RecordId, shape: &Arc<Shape>) -> Option<Versioned> {
        let row = self.rows.get(id)?;
        match &row.state {
            RowState::New(record) => Some(new_record(id, row.sequence, record, shape)),
            RowState::Over { .. } | RowState::Deleted => None,
        }
    }
}

fn new_record(id: &RecordId, sequence: u64, record: &Record, shape: &Arc<Shape>) -> Versioned {
    Versioned {
        id: id.clone(),
        version: Some(version_of(sequence, "new")),
        modified: None,
        record: record.reshaped(shape),
    }
}

/// A version that moves with every captured change and with every change in the system.
fn version_of(sequence: u64, inner: &str) -> Version {
    Version::new(format!("captured {sequence} {inner}"))
}
