//! What becomes of an operation, by the schema and the records as they are: pure over the book and what was looked up. The door is
//! [`Judge::apply`].

use std::collections::BTreeMap;
use std::sync::Arc;

use seamless_core::connector::{
    Capabilities, Expects, Lookup, Proof, Refusal, RefusalKind, Target, UniqueKey, Verb, Versioned, WriteOp,
    WriteOutcome, WriteReturns,
};
use seamless_core::model::{
    ActionName, Entity, EntityName, Error, ErrorKind, FieldKind, FieldName, KeyPart, Presence, Record,
    RecordBuilder, RecordId, Result, Slot, Value,
};

use super::book::{Book, RowState, Shadow};
use super::{Capture, Captured};
use crate::fits::misfit;

/// Fields that are unique together, and the values of some records in them with who has them in the system.
pub(super) type Taken = BTreeMap<Vec<FieldName>, Vec<(Vec<Value>, Lookup)>>;

/// What an operation is judged by.
pub(super) struct Judge<'a> {
    pub(super) name: &'a EntityName,
    pub(super) can: &'a Capabilities,
    pub(super) book: &'a mut Book,
    /// Records of the system that operations name, all fields.
    pub(super) known: BTreeMap<RecordId, Lookup>,
    /// Who has unique values.
    pub(super) taken: Taken,
}

type Judged = std::result::Result<RecordId, Refusal>;

fn refuse(why: RefusalKind, kind: ErrorKind, words: impl Into<String>) -> Refusal {
    Refusal { why, error: Error::new(kind, words) }
}

/// The id that the client gives a new record: the one that it chose, or that its key says.
pub(super) fn own_id(entity: &Entity, can: &Capabilities, op: &WriteOp) -> Option<RecordId> {
    let said = |name: &FieldName| match op.patch.field(name.as_str()).value()?.to_value() {
        Value::Int(number) => Some(KeyPart::Int(number)),
        Value::Text(text) => Some(KeyPart::Text(text)),
        _ => None,
    };
    let by_key = || {
        let parts = entity.key.iter().map(said).collect::<Option<Vec<KeyPart>>>()?;
        (!parts.is_empty()).then(|| RecordId::of_parts(&parts))
    };
    match &op.target {
        Target::New(Some(id)) if can.unique_key == UniqueKey::ClientChosenId => Some(id.clone()),
        Target::New(_) => by_key(),
        Target::Existing(_) => None,
    }
}

/// The sets of fields that are unique, of which the operation sets one or all.
pub(super) fn unique_sets(entity: &Entity, can: &Capabilities) -> Vec<Vec<FieldName>> {
    let single = entity.fields.iter().filter(|field| field.unique).map(|field| vec![field.name.clone()]);
    let mut sets: Vec<Vec<FieldName>> = single.chain(entity.unique.iter().cloned()).collect();
    if let UniqueKey::Fields(fields) = &can.unique_key {
        sets.push(fields.clone());
    }
    sets.sort();
    sets.dedup();
    sets
}

/// The values of a set of fields in a record, where all are there and none is null.
pub(super) fn values_of(record: &Record, fields: &[FieldName]) -> Option<Vec<Value>> {
    let value = |name: &FieldName| record.field(name.as_str()).value().filter(|value| !value.is_null());
    fields.iter().map(|name| value(name).map(|value| value.to_value())).collect()
}

impl Judge<'_> {
    /// Carries out an operation in the book.
    pub(super) fn apply(&mut self, op: WriteOp) -> WriteOutcome {
        if let Some((id, proof)) = self.book.done.get(&op.id).filter(|_| self.can.idempotency_key) {
            return WriteOutcome::Applied { id: id.clone(), proof: proof.clone() };
        }
        if self.book.writes().len() >= Capture::WRITES_MAX {
            let most = Capture::WRITES_MAX;
            let refusal =
                refuse(RefusalKind::Forbidden, ErrorKind::Limit, format!("{most} writes were captured"));
            return WriteOutcome::Refused(refusal);
        }
        let judged = match (&op.verb, &op.target) {
            (Verb::Create, Target::New(_)) => self.create(&op),
            (Verb::Update, Target::Existing(id)) => self.update(&op, id),
            (Verb::Delete(_), Target::Existing(id)) => self.delete(&op, id),
            (Verb::Action(name), Target::Existing(id)) => self.act(&op, id, name),
            _ => Err(refuse(
                RefusalKind::Invalid { field: None },
                ErrorKind::Internal,
                "the operation and its target do not fit together",
            )),
        };
        match judged {
            Err(Refusal { why, error }) => {
                WriteOutcome::Refused(Refusal { why, error: error.at("entity", self.name) })
            }
            Ok(id) => {
                let proof = self.proof(&id);
                self.book.done.insert(op.id, (id.clone(), proof.clone()));
                self.book.keep(Captured { entity: self.name.clone(), op, id: id.clone() });
                WriteOutcome::Applied { id, proof }
            }
        }
    }

    fn shadow(&self) -> std::result::Result<&Shadow, Refusal> {
        let lost = || refuse(RefusalKind::Unavailable, ErrorKind::Internal, "the entity's schema was lost");
        self.book.shadow(self.name).map(|shadow| &**shadow).ok_or_else(lost)
    }

    /// The record as it is here; `None` where it is not there.
    fn current(&self, id: &RecordId) -> std::result::Result<Option<Versioned>, Refusal> {
        let shadow = self.shadow()?;
        if let Some(made) = shadow.made(id, &shadow.shape) {
            return Ok(Some(made));
        }
        match self.known.get(id) {
            Some(Lookup::Found(found)) => Ok(shadow.over(found.clone())),
            Some(Lookup::Unanswered | Lookup::Several(_)) => {
                let words = "the system did not say whether the record is there";
                Err(refuse(RefusalKind::Unavailable, ErrorKind::Unavailable, words))
            }
            Some(Lookup::Gone(_) | Lookup::Hidden) | None => Ok(None),
        }
    }

    fn existing(&self, id: &RecordId, expects: &Expects) -> std::result::Result<Versioned, Refusal> {
        let missing =
            || refuse(RefusalKind::Missing, ErrorKind::NotFound, format!("record {id} is not there"));
        let found = self.current(id)?.ok_or_else(missing)?;
        let holds = !self.can.conditional_update
            || match expects {
                Expects::Anything => true,
                Expects::Missing => false,
                Expects::Version(version) => found.version.as_ref() == Some(version),
                Expects::Values(values) => {
                    let mut said = values.fields().filter(|(_, value)| !value.is_absent());
                    said.all(|(name, value)| found.record.field(name.as_str()) == value)
                }
            };
        if holds {
            return Ok(found);
        }
        Err(refuse(
            RefusalKind::Stale,
            ErrorKind::Conflict,
            format!("record {id} was changed by somebody else"),
        ))
    }

    fn allowed(allowed: bool, what: &str) -> std::result::Result<(), Refusal> {
        let words = || format!("records cannot be {what} here");
        allowed.then_some(()).ok_or_else(|| refuse(RefusalKind::Forbidden, ErrorKind::Unsupported, words()))
    }

    /// Whether the system would take these values.
    fn fits(&self, patch: &Record) -> std::result::Result<(), Refusal> {
        let entity = &self.shadow()?.entity;
        for (name, value) in patch.fields() {
            let Some(value) = value.value() else { continue };
            let problem = match entity.field(name.as_str()) {
                None => Some("there is no such field".to_owned()),
                Some(field) if field.read_only => Some("the field is read-only".to_owned()),
                Some(field) => misfit(field, value),
            };
            if let Some(problem) = problem {
                return Err(invalid(name, problem));
            }
        }
        Ok(())
    }

    /// Whether anybody else has a unique value that the record would have.
    fn free(&self, record: &Record, own: Option<&RecordId>) -> std::result::Result<(), Refusal> {
        let shadow = self.shadow()?;
        for fields in unique_sets(&shadow.entity, self.can) {
            let Some(values) = values_of(record, &fields) else { continue };
            let here =
                shadow.rows().filter(|(_, row)| row.decides(&fields)).filter_map(|(id, row)| {
                    match &row.state {
                        RowState::New(record) => Some((id.clone(), values_of(record, &fields))),
                        RowState::Over { .. } => {
                            let current = self.current(id).ok().flatten()?;
                            Some((id.clone(), values_of(&current.record, &fields)))
                        }
                        RowState::Deleted => None,
                    }
                });
            let asked = self.taken.get(&fields).into_iter().flatten();
            let there = asked.filter(|(asked, _)| *asked == values).filter_map(|(_, lookup)| match lookup {
                Lookup::Found(found) => Some(found.id.clone()),
                Lookup::Several(ids) => ids.first().cloned(),
                _ => None,
            });
            // What the system says of a record that was written here is not so any more.
            let there = there.filter(|id| !shadow.row(id).is_some_and(|row| row.decides(&fields)));
            let holders =
                here.filter(|(_, held)| held.as_ref() == Some(&values)).map(|(id, _)| id).chain(there);
            let mut others = holders.filter(|id| Some(id) != own);
            if let Some(by) = others.next() {
                let names: Vec<&str> = fields.iter().map(FieldName::as_str).collect();
                let words = format!("record {by} has the same {}", names.join(" and "));
                return Err(refuse(RefusalKind::KeyTaken { by: Some(by) }, ErrorKind::Conflict, words));
            }
        }
        Ok(())
    }

    fn create(&mut self, op: &WriteOp) -> Judged {
        Self::allowed(self.can.create, "created")?;
        self.fits(&op.patch)?;
        let entity = Arc::clone(&self.shadow()?.entity);
        for field in entity.fields.iter().filter(|field| field.required && field.default.is_none()) {
            let said = op.patch.field(field.name.as_str()).value().is_some_and(|value| !value.is_null());
            if !said && !field.read_only && !entity.key.contains(&field.name) {
                return Err(invalid(&field.name, "a value is required".to_owned()));
            }
        }
        let id = match own_id(&entity, self.can, op) {
            Some(id) => id,
            None => self.generated(&entity),
        };
        if self.current(&id)?.is_some() {
            let words = format!("record {id} is there already");
            return Err(refuse(RefusalKind::KeyTaken { by: Some(id) }, ErrorKind::Conflict, words));
        }
        let record = self.born(&entity, op, &id)?;
        self.free(&record, Some(&id))?;
        self.put(&id, RowState::New(record));
        Ok(id)
    }

    /// An id that no system gives.
    fn generated(&mut self, entity: &Entity) -> RecordId {
        let number = self.book.next_generated();
        let is_int = match entity.key.as_slice() {
            [key] => entity.field(key.as_str()).is_some_and(|field| field.kind == FieldKind::Int),
            _ => false,
        };
        match is_int {
            true => RecordId::int(i64::MIN.saturating_add(number)),
            false => RecordId::text(&format!("captured-{number}")),
        }
    }

    /// A new record: what was said, otherwise the field's default, otherwise nothing; the key from its id.
    fn born(&self, entity: &Entity, op: &WriteOp, id: &RecordId) -> std::result::Result<Record, Refusal> {
        let shape = &self.shadow()?.shape;
        let parts = id.parts();
        let of_key = |name: &FieldName| {
            let place = entity.key.iter().position(|key| key == name)?;
            let part = parts.get(place).filter(|_| parts.len() == entity.key.len())?;
            let field = entity.field(name.as_str())?;
            let value = match (part, &field.kind) {
                (KeyPart::Int(number), FieldKind::Text { .. }) => Value::text(&number.to_string()),
                (KeyPart::Int(number), _) => Value::Int(*number),
                (KeyPart::Text(text), _) => Value::Text(Arc::clone(text)),
            };
            Some(value)
        };
        let mut builder = RecordBuilder::new(shape);
        for field in &entity.fields {
            let said = op.patch.field(field.name.as_str());
            let slot = match said.value() {
                Some(value) => Slot::Value(value.to_value()),
                None => Slot::Value(of_key(&field.name).or(field.default.clone()).unwrap_or(Value::Null)),
            };
            builder.push(slot.as_presence());
        }
        Ok(builder.finish())
    }

    fn update(&mut self, op: &WriteOp, id: &RecordId) -> Judged {
        Self::allowed(self.can.update, "updated")?;
        let found = self.existing(id, &op.expects)?;
        self.fits(&op.patch)?;
        let entity = Arc::clone(&self.shadow()?.entity);
        for name in &entity.key {
            let said = op.patch.field(name.as_str());
            if said.value().is_some() && said != found.record.field(name.as_str()) {
                return Err(invalid(name, "the key of a record is not changed".to_owned()));
            }
        }
        self.set(id, &found, &op.patch)?;
        Ok(id.clone())
    }

    /// Sets what the patch says.
    fn set(&mut self, id: &RecordId, found: &Versioned, patch: &Record) -> std::result::Result<(), Refusal> {
        let shape = Arc::clone(&self.shadow()?.shape);
        let said =
            |name: &FieldName| Some(patch.field(name.as_str())).filter(|value| value.value().is_some());
        let slots = || shape.names().iter().enumerate();
        let changes: Vec<(usize, Presence<'_>)> =
            slots().filter_map(|(slot, name)| Some((slot, said(name)?))).collect();
        let after = found.record.reshaped(&shape).with(changes.clone());
        self.free(&after, Some(id))?;
        let state = match self.shadow()?.row(id).map(|row| &row.state) {
            Some(RowState::New(_)) => RowState::New(after),
            earlier => {
                let (set, before) = match earlier {
                    Some(RowState::Over { set, before }) => (set.clone(), before.clone()),
                    _ => (Record::absent(&shape), Record::absent(&shape)),
                };
                let inner = match self.known.get(id) {
                    Some(Lookup::Found(found)) => found.record.clone(),
                    _ => Record::absent(&shape),
                };
                let was =
                    slots().filter_map(|(slot, name)| said(name).map(|_| (slot, inner.field(name.as_str()))));
                let before = before.with(was.collect::<Vec<_>>());
                RowState::Over { set: set.with(changes), before }
            }
        };
        self.put(id, state);
        Ok(())
    }

    fn delete(&mut self, op: &WriteOp, id: &RecordId) -> Judged {
        Self::allowed(self.can.delete, "deleted")?;
        if self.current(id)?.is_none() {
            let was_deleted = self.shadow()?.row(id).is_some();
            let is_hidden = matches!(self.known.get(id), Some(Lookup::Hidden)) && self.can.gone_not_hidden;
            return match is_hidden && !was_deleted {
                true => {
                    let words = format!("record {id} is not there");
                    Err(refuse(RefusalKind::Missing, ErrorKind::NotFound, words))
                }
                false => Ok(id.clone()),
            };
        }
        self.existing(id, &op.expects)?;
        self.put(id, RowState::Deleted);
        Ok(id.clone())
    }

    fn act(&mut self, op: &WriteOp, id: &RecordId, name: &ActionName) -> Judged {
        let found = self.existing(id, &op.expects)?;
        let entity = Arc::clone(&self.shadow()?.entity);
        let Some(action) = entity.action(name.as_str()) else {
            let words = format!("the system has no action {name}");
            return Err(refuse(RefusalKind::Invalid { field: None }, ErrorKind::Unsupported, words));
        };
        let Some(field) = &action.field else {
            // What it does is the system's own; that it was called is kept.
            self.set(id, &found, &Record::absent(found.record.shape()))?;
            return Ok(id.clone());
        };
        let state = found.record.field(field.as_str());
        let fits = action.from.is_empty()
            || state.value().is_some_and(|state| action.from.iter().any(|from| from.as_ref() == state));
        if !fits {
            let words = format!("{name} cannot be done in this state");
            return Err(invalid(field, words));
        }
        let patch = match (&action.to, found.record.shape().slot(field.as_str())) {
            (Some(to), Some(slot)) => {
                Record::absent(found.record.shape()).with([(slot, Presence::Value(to.as_ref()))])
            }
            _ => Record::absent(found.record.shape()),
        };
        self.set(id, &found, &patch)?;
        Ok(id.clone())
    }

    fn put(&mut self, id: &RecordId, state: RowState) {
        let sequence = self.book.next_sequence();
        if let Some(shadow) = self.book.shadows.get_mut(self.name) {
            Arc::make_mut(shadow).put(id.clone(), sequence, state);
        }
    }

    fn proof(&self, id: &RecordId) -> Proof {
        let Ok(Some(stored)) = self.current(id) else { return Proof::None };
        match (self.can.write_returns, &stored.version) {
            (WriteReturns::Stored, _) => Proof::Stored(stored),
            (WriteReturns::Version, Some(version)) => Proof::Version(version.clone()),
            _ => Proof::None,
        }
    }
}

fn invalid(field: &FieldName, problem: String) -> Refusal {
    let error = Error::data(problem).at("field", field).with_remedy("correct the record or the mapping");
    Refusal { why: RefusalKind::Invalid { field: Some(field.clone()) }, error }
}

/// The schema of an entity, or the error that it is not there.
pub(super) fn schema_of(mut schema: seamless_core::model::Schema, entity: &EntityName) -> Result<Entity> {
    schema
        .entities
        .remove(entity)
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "the system has no such entity").at("entity", entity))
}
