//! The records of one entity: rows, the feed of changes, tombstones and indexes, kept consistent with each other.
//! Knows nothing of queries, faults or locks. The doors are [`Table::create`], [`Table::update`] and
//! [`Table::remove`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use seamless_core::connector::{Proof, Refusal, RefusalKind, Tombstone, UniqueKey, Versioned};
use seamless_core::model::{
    ActionId, ActionName, CanonicalForm, Entity, Error, ErrorKind, Field, FieldKind, FieldName, KeyPart,
    Presence, Record, RecordId, Result, Shape, Slot, Timestamp, Value, ValueRef, Version,
};

use super::action::values_of;
use super::config::{EntityConfig, Ids};
use crate::fits::misfit;

/// A record with what the system knows of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) record: Record,
    pub(super) sequence: u64,
    pub(super) modified: Option<Timestamp>,
    pub(super) hidden: bool,
}

/// The moment at which something is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick {
    pub(super) sequence: u64,
    pub(super) now: Timestamp,
}

/// Whether the rules that bind a client bind this change too; a user of the system may set read-only fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Client,
    User,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) config: EntityConfig,
    pub(super) shape: Arc<Shape>,
    pub(super) rows: BTreeMap<RecordId, Row>,
    /// The last change of each record, by sequence.
    pub(super) feed: BTreeMap<u64, RecordId>,
    pub(super) tombstones: HashMap<RecordId, (u64, Tombstone)>,
    pub(super) unreadable: HashSet<usize>,
    /// Look-ups by key show no change after this one.
    pub(super) searched_to: Option<u64>,
    pub(super) done: HashMap<ActionId, (RecordId, Proof)>,
    forms: Vec<Option<CanonicalForm>>,
    key: Vec<usize>,
    indexes: Vec<Index>,
    last_id: i64,
}

#[derive(Debug)]
struct Index {
    slots: Vec<usize>,
    unique: bool,
    ids: HashMap<Vec<u8>, Vec<RecordId>>,
}

impl Index {
    /// The key of a record; `None` where a part says nothing: such records are not indexed and never collide.
    fn key(&self, record: &Record) -> Option<Vec<u8>> {
        index_key(self.slots.iter().map(|slot| record.get(*slot)))
    }
}

fn index_key<'a>(parts: impl Iterator<Item = Presence<'a>>) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    for part in parts {
        match part {
            Presence::Value(value) if !value.is_null() => value.write_canonical(&mut key),
            _ => return None,
        }
    }
    Some(key)
}

pub(super) fn refuse(why: RefusalKind, error: Error) -> Refusal {
    Refusal { why, error }
}

fn invalid(field: Option<&FieldName>, problem: impl Into<String>) -> Refusal {
    let error = Error::data(problem);
    let error = match field {
        Some(name) => error.at("field", name),
        None => error,
    };
    refuse(RefusalKind::Invalid { field: field.cloned() }, error)
}

impl Table {
    pub(super) fn new(config: EntityConfig) -> Result<Self> {
        let shape = Shape::new(config.schema.fields.iter().map(|field| field.name.clone()))?;
        let slots = |names: &[FieldName]| -> Result<Vec<usize>> {
            names
                .iter()
                .map(|name| {
                    shape.slot(name.as_str()).ok_or_else(|| {
                        Error::configuration("a key names a field that the entity lacks").at("field", name)
                    })
                })
                .collect()
        };
        let key = slots(&config.schema.key)?;
        if key.is_empty() && config.ids == Ids::Key {
            return Err(Error::configuration("ids come from the key, but the entity has none")
                .at("entity", &config.schema.name));
        }
        let mut indexes = Vec::new();
        let mut unique: Vec<Vec<usize>> =
            config.schema.unique.iter().map(|names| slots(names)).collect::<Result<_>>()?;
        unique
            .extend((0..shape.len()).filter(|slot| is_unique(&config.schema, *slot)).map(|slot| vec![slot]));
        if let UniqueKey::Fields(names) = &config.capabilities.unique_key {
            unique.push(slots(names)?);
        }
        unique.sort();
        unique.dedup();
        indexes.extend(unique.into_iter().map(|slots| Index { slots, unique: true, ids: HashMap::new() }));
        let mut forms = vec![None; shape.len()];
        for (name, form) in &config.stores_as {
            let slot = slots(std::slice::from_ref(name))?.first().copied();
            if let Some(place) = slot.and_then(|slot| forms.get_mut(slot)) {
                *place = Some(form.clone());
            }
        }
        Ok(Self {
            config,
            shape,
            rows: BTreeMap::new(),
            feed: BTreeMap::new(),
            tombstones: HashMap::new(),
            unreadable: HashSet::new(),
            searched_to: None,
            done: HashMap::new(),
            forms,
            key,
            indexes,
            last_id: 0,
        })
    }

    /// The same records under another schema.
    pub(super) fn with_schema(&self, schema: Entity) -> Result<Self> {
        let mut table = Self::new(EntityConfig { schema, ..self.config.clone() })?;
        for (id, row) in &self.rows {
            let fields = table.config.schema.fields.iter();
            let slots: Vec<Slot> = fields
                .map(|field| match row.record.field(field.name.as_str()) {
                    Presence::Value(value) => Slot::Value(value.to_value()),
                    _ => Slot::Value(field.default.clone().unwrap_or(Value::Null)),
                })
                .collect();
            let record = table.build(&slots);
            let tick = Tick { sequence: row.sequence, now: row.modified.unwrap_or_default() };
            table.place(id, record, row.hidden, tick);
        }
        table.feed = self.feed.clone();
        table.tombstones = self.tombstones.clone();
        table.done = self.done.clone();
        table.last_id = self.last_id;
        let names = self.unreadable.iter().filter_map(|slot| self.shape.name(*slot));
        table.unreadable = names.filter_map(|name| table.shape.slot(name.as_str())).collect();
        Ok(table)
    }

    /// Makes a record; fields that are not said take their default, or null.
    pub(super) fn create(
        &mut self,
        id: Option<&RecordId>,
        said: &Record,
        by: By,
        tick: Tick,
    ) -> Result<RecordId, Refusal> {
        self.refuse_bad(said, by)?;
        let mut slots: Vec<Slot> = Vec::with_capacity(self.shape.len());
        for (slot, field) in self.config.schema.fields.iter().enumerate() {
            slots.push(match said.field(field.name.as_str()) {
                Presence::Value(value) => Slot::Value(self.stored(slot, value.to_value())),
                _ => Slot::Value(field.default.clone().unwrap_or(Value::Null)),
            });
        }
        for (name, value) in &self.config.on_create {
            if let Some(place) = self.shape.slot(name.as_str()).and_then(|slot| slots.get_mut(slot)) {
                *place = Slot::Value(value.clone());
            }
        }
        let id = self.choose_id(id, &mut slots)?;
        if self.rows.contains_key(&id) {
            let error = Error::new(ErrorKind::Conflict, format!("record {id} is there already"));
            return Err(refuse(RefusalKind::KeyTaken { by: Some(id) }, error));
        }
        for (field, slot) in self.config.schema.fields.iter().zip(&slots) {
            if field.required && matches!(slot, Slot::Value(Value::Null)) {
                return Err(invalid(Some(&field.name), "a value is required"));
            }
        }
        let record = self.build(&slots);
        self.refuse_taken(&id, &record)?;
        self.place(&id, record, false, tick);
        Ok(id)
    }

    /// Changes the fields that are said, and no others.
    pub(super) fn update(&mut self, id: &RecordId, said: &Record, by: By, tick: Tick) -> Result<(), Refusal> {
        self.refuse_bad(said, by)?;
        let row = self.rows.get(id).ok_or_else(|| self.missing(id))?;
        let locked = self.config.locked.filter(|_| by == By::Client);
        if let Some(why) = locked.and_then(|lock| lock(&row.record)) {
            return Err(invalid(None, why));
        }
        let hidden = row.hidden;
        let mut slots: Vec<Slot> = row.record.fields().map(|(_, presence)| presence.to_slot()).collect();
        for (name, presence) in said.fields() {
            let (Presence::Value(value), Some(slot)) = (presence, self.shape.slot(name.as_str())) else {
                continue;
            };
            let value = Slot::Value(self.stored(slot, value.to_value()));
            let Some(place) = slots.get_mut(slot) else { continue };
            if self.key.contains(&slot) && *place != value {
                return Err(invalid(Some(name), "the key of a record cannot be changed"));
            }
            *place = value;
        }
        let record = self.build(&slots);
        self.refuse_taken(id, &record)?;
        self.place(id, record, hidden, tick);
        Ok(())
    }

    /// Does an action of the system's own, which may set what clients cannot.
    pub(super) fn act(&mut self, id: &RecordId, name: &ActionName, tick: Tick) -> Result<(), Refusal> {
        let row = self.rows.get(id).ok_or_else(|| self.missing(id))?;
        let values = values_of(&self.config.actions, name, &row.record)?;
        self.update(id, &values, By::User, tick)
    }

    /// Moves the version and the stamp of a record; false when it is not there.
    pub(super) fn touch(&mut self, id: &RecordId, tick: Tick) -> bool {
        let Some(row) = self.rows.get(id) else { return false };
        let (record, hidden) = (row.record.clone(), row.hidden);
        self.place(id, record, hidden, tick);
        true
    }

    /// Changes the fields that are said; version, stamp and feed stay as they are.
    pub(super) fn update_unnoticed(&mut self, id: &RecordId, said: &Record, by: By) -> Result<(), Refusal> {
        let row = self.rows.get(id).ok_or_else(|| self.missing(id))?;
        let (sequence, modified) = (row.sequence, row.modified);
        self.update(id, said, by, Tick { sequence, now: modified.unwrap_or_default() })
    }

    /// Deletes a record; false when it was not there.
    pub(super) fn remove(&mut self, id: &RecordId, merged_into: Option<RecordId>, tick: Tick) -> bool {
        let Some(row) = self.rows.remove(id) else { return false };
        self.unindex(id, &row.record);
        self.feed.remove(&row.sequence);
        self.feed.insert(tick.sequence, id.clone());
        let version = self.config.versions.then(|| Version::new(row.sequence.to_string()));
        let tombstone = Tombstone { id: id.clone(), version, merged_into };
        self.tombstones.insert(id.clone(), (tick.sequence, tombstone));
        true
    }

    /// The records whose fields have these values.
    pub(super) fn ids_by_key(&mut self, slots: &[usize], values: &[Value]) -> Vec<RecordId> {
        let Some(key) = index_key(values.iter().map(|value| Presence::Value(value.as_ref()))) else {
            return Vec::new();
        };
        let place = match self.indexes.iter().position(|index| index.slots == slots) {
            Some(place) => place,
            None => self.add_index(slots),
        };
        self.indexes.get(place).and_then(|index| index.ids.get(&key)).cloned().unwrap_or_default()
    }

    /// A row as the system shows it: in another shape where that is asked for, unreadable fields refused.
    pub(super) fn show(&self, id: &RecordId, row: &Row, shape: &Arc<Shape>) -> Versioned {
        let mut record = row.record.reshaped(shape);
        if !self.unreadable.is_empty() {
            let denied =
                self.unreadable.iter().filter_map(|slot| shape.slot(self.shape.name(*slot)?.as_str()));
            record = record.with(denied.map(|slot| (slot, Presence::Unreadable)));
        }
        Versioned { id: id.clone(), version: self.version(row), modified: row.modified, record }
    }

    pub(super) fn version(&self, row: &Row) -> Option<Version> {
        self.config.versions.then(|| Version::new(row.sequence.to_string()))
    }

    pub(super) fn missing(&self, id: &RecordId) -> Refusal {
        let error = Error::new(ErrorKind::NotFound, format!("record {id} is not there"))
            .at("entity", &self.config.schema.name);
        refuse(RefusalKind::Missing, error)
    }

    fn refuse_bad(&self, said: &Record, by: By) -> Result<(), Refusal> {
        for (name, presence) in said.fields() {
            let Presence::Value(value) = presence else { continue };
            let field = self.shape.slot(name.as_str()).and_then(|slot| self.config.schema.fields.get(slot));
            let Some(field) = field else {
                return Err(invalid(Some(name), "the entity has no such field"));
            };
            if by == By::Client && (field.read_only || field.computed) {
                return Err(invalid(Some(name), "the field cannot be written"));
            }
            if let Some(problem) = misfit(field, value) {
                return Err(invalid(Some(name), problem));
            }
            if is_out_of_use(field, value) {
                return Err(invalid(Some(name), format!("the option {value} cannot be chosen any more")));
            }
        }
        Ok(())
    }

    fn refuse_taken(&self, id: &RecordId, record: &Record) -> Result<(), Refusal> {
        for index in self.indexes.iter().filter(|index| index.unique) {
            let Some(key) = index.key(record) else { continue };
            let holder = index.ids.get(&key).and_then(|ids| ids.iter().find(|holder| *holder != id));
            if let Some(holder) = holder {
                let names: Vec<&str> = index
                    .slots
                    .iter()
                    .filter_map(|slot| self.shape.name(*slot))
                    .map(FieldName::as_str)
                    .collect();
                let error = Error::new(ErrorKind::Conflict, format!("{} is taken", names.join(" + ")))
                    .at("entity", &self.config.schema.name)
                    .at("taken by", holder);
                return Err(refuse(RefusalKind::KeyTaken { by: Some(holder.clone()) }, error));
            }
        }
        Ok(())
    }

    /// Decides the id of a new record and makes its key fields say the same.
    fn choose_id(&mut self, id: Option<&RecordId>, slots: &mut [Slot]) -> Result<RecordId, Refusal> {
        if let Some(id) = id {
            self.fill_key(&id.parts(), slots);
        }
        let id = match (self.config.ids, id) {
            (Ids::Counted, Some(id)) => id.clone(),
            (Ids::Counted, None) => loop {
                self.last_id += 1;
                let id = RecordId::int(self.last_id);
                if !self.rows.contains_key(&id) {
                    self.fill_key(&[KeyPart::Int(self.last_id)], slots);
                    break id;
                }
            },
            (Ids::Key, _) => {
                let mut parts = Vec::with_capacity(self.key.len());
                for slot in &self.key {
                    let part = slots.get(*slot).and_then(key_part);
                    parts.push(part.ok_or_else(|| invalid(self.shape.name(*slot), "the key has no value"))?);
                }
                RecordId::of_parts(&parts)
            }
        };
        Ok(id)
    }

    fn fill_key(&self, parts: &[KeyPart], slots: &mut [Slot]) {
        if parts.len() != self.key.len() {
            return;
        }
        for (slot, part) in self.key.iter().zip(parts) {
            let Some(place) = slots.get_mut(*slot) else { continue };
            let kind = self.config.schema.fields.get(*slot).map(|field| &field.kind);
            if matches!(place, Slot::Value(Value::Null)) {
                *place = Slot::Value(match (part, kind) {
                    (KeyPart::Int(key), Some(FieldKind::Text { .. })) => Value::text(&key.to_string()),
                    (KeyPart::Int(key), _) => Value::Int(*key),
                    (KeyPart::Text(key), _) => Value::Text(Arc::clone(key)),
                });
            }
        }
    }

    fn stored(&self, slot: usize, value: Value) -> Value {
        match self.forms.get(slot) {
            Some(Some(form)) => form.apply(value.as_ref()),
            _ => value,
        }
    }

    fn build(&self, slots: &[Slot]) -> Record {
        let mut builder = seamless_core::model::RecordBuilder::new(&self.shape);
        slots.iter().for_each(|slot| builder.push(slot.as_presence()));
        let mut record = builder.finish();
        for (name, computation) in &self.config.computed {
            if let Some(slot) = self.shape.slot(name.as_str()) {
                let value = computation(&record);
                record = record.with([(slot, Presence::Value(value.as_ref()))]);
            }
        }
        record
    }

    fn place(&mut self, id: &RecordId, record: Record, hidden: bool, tick: Tick) {
        if let Some((sequence, _)) = self.tombstones.remove(id) {
            self.feed.remove(&sequence);
        }
        for index in &mut self.indexes {
            if let Some(key) = index.key(&record) {
                let ids = index.ids.entry(key).or_default();
                if !ids.contains(id) {
                    ids.push(id.clone());
                }
            }
        }
        let modified = self.config.modified.then_some(tick.now);
        let row = Row { record, sequence: tick.sequence, modified, hidden };
        if let Some(before) = self.rows.insert(id.clone(), row) {
            self.feed.remove(&before.sequence);
            self.unindex_changed(id, &before.record);
        }
        self.feed.insert(tick.sequence, id.clone());
    }

    fn unindex(&mut self, id: &RecordId, record: &Record) {
        for index in &mut self.indexes {
            let Some(key) = index.key(record) else { continue };
            if let Some(ids) = index.ids.get_mut(&key) {
                ids.retain(|held| held != id);
                if ids.is_empty() {
                    index.ids.remove(&key);
                }
            }
        }
    }

    /// Takes a former state of a record out of the indexes where its present state has another key.
    fn unindex_changed(&mut self, id: &RecordId, before: &Record) {
        let Some(now) = self.rows.get(id).map(|row| row.record.clone()) else { return };
        for index in &mut self.indexes {
            let (Some(old), new) = (index.key(before), index.key(&now)) else { continue };
            if Some(&old) == new.as_ref() {
                continue;
            }
            if let Some(ids) = index.ids.get_mut(&old) {
                ids.retain(|held| held != id);
                if ids.is_empty() {
                    index.ids.remove(&old);
                }
            }
        }
    }

    fn add_index(&mut self, slots: &[usize]) -> usize {
        let mut index = Index { slots: slots.to_vec(), unique: false, ids: HashMap::new() };
        for (id, row) in &self.rows {
            if let Some(key) = index.key(&row.record) {
                index.ids.entry(key).or_default().push(id.clone());
            }
        }
        self.indexes.push(index);
        self.indexes.len() - 1
    }
}

fn is_unique(schema: &Entity, slot: usize) -> bool {
    schema.fields.get(slot).is_some_and(|field| field.unique)
}

/// Whether a value is an option that old records may keep and none may be given.
fn is_out_of_use(field: &Field, value: ValueRef<'_>) -> bool {
    let FieldKind::Option { options } = &field.kind else { return false };
    options.options.iter().any(|option| !option.active && option.value.as_ref() == value)
}

fn key_part(slot: &Slot) -> Option<KeyPart> {
    match slot {
        Slot::Value(Value::Int(key)) => Some(KeyPart::Int(*key)),
        Slot::Value(Value::Text(key)) => Some(KeyPart::Text(Arc::clone(key))),
        Slot::Value(Value::Date(day)) => Some(KeyPart::Text(day.to_string().into())),
        _ => None,
    }
}
