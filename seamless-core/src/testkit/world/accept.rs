//! What a simulated system does with an operation: look at the precondition, refuse, store, answer. What it means is
//! `judge`'s. The door is [`Universe::accept`].

use std::collections::BTreeSet;

use super::chronicle::{Thing, is_blank, tag};
use super::level::Level;
use super::switches::Versions;
use super::table::{Row, Table, Values, version};
use super::universe::Universe;
use super::users::typed;
use crate::connector::{
    Expects, Lookup, Proof, Refusal, RefusalKind, Target, UniqueKey, Verb, WriteOp, WriteOutcome,
    WriteReturns,
};
use crate::model::{Error, ErrorKind, Presence, RecordId, Side, Value};

fn refuse(why: RefusalKind, error: Error) -> Refusal {
    Refusal { why, error }
}

fn taken(by: Option<RecordId>) -> Refusal {
    let error = Error::new(ErrorKind::Conflict, "there is such a record already");
    refuse(RefusalKind::KeyTaken { by }, error)
}

fn missing(id: &RecordId) -> Refusal {
    refuse(RefusalKind::Missing, Error::new(ErrorKind::NotFound, format!("record {id} is not there")))
}

impl Universe {
    /// Carries out an operation of the engine.
    pub(super) fn accept(&mut self, side: Side, kind: usize, op: &WriteOp) -> WriteOutcome {
        self.systems.of_mut(side).ops += 1;
        self.judge_intent(side, op);
        let can = self.systems.of(side).truth.get(kind).cloned().unwrap_or_default();
        let table = self.systems.of(side).tables.get(kind);
        if let Some((id, proof)) =
            table.and_then(|table| table.done.get(&op.id)).filter(|_| can.idempotency_key)
        {
            return WriteOutcome::Applied { id: id.clone(), proof: proof.clone() };
        }
        let done = match (&op.verb, &op.target) {
            (Verb::Create, Target::New(id)) => self.accept_create(side, kind, id.as_ref(), op),
            (Verb::Update, Target::Existing(id)) => self.accept_update(side, kind, id, op),
            (Verb::Delete(_), Target::Existing(id)) => self.accept_delete(side, kind, id, op),
            _ => Err(refuse(
                RefusalKind::Invalid { field: None },
                Error::new(ErrorKind::Unsupported, "the system cannot do this"),
            )),
        };
        self.chronicle.sent.insert(op.id);
        match done {
            Err(refusal) => {
                self.come_to_nothing(side, kind, std::slice::from_ref(op));
                WriteOutcome::Refused(refusal)
            }
            Ok(id) => {
                let proof = self.proof(side, kind, &id, op);
                if let Some(table) = self.systems.of_mut(side).tables.get_mut(kind) {
                    table.done.insert(op.id, (id.clone(), proof.clone()));
                }
                WriteOutcome::Applied { id, proof }
            }
        }
    }

    fn proof(&mut self, side: Side, kind: usize, id: &RecordId, op: &WriteOp) -> Proof {
        let returns = self.systems.of(side).truth.get(kind).map(|can| can.write_returns);
        let Some(row) = self.systems.of(side).row(kind, id).cloned() else { return Proof::None };
        match returns {
            Some(WriteReturns::Version) => {
                version(&row, &self.systems.of(side).switches).map_or(Proof::None, Proof::Version)
            }
            // An answer that nobody hears shows nobody anything.
            Some(WriteReturns::Stored) if self.is_unheard => {
                let system = self.systems.of(side);
                let shown = |table: &Table| table.show(id, &row, op.patch.shape(), &system.switches);
                system.tables.get(kind).map_or(Proof::None, |table| Proof::Stored(shown(table)))
            }
            Some(WriteReturns::Stored) => match self.show(side, kind, id, &row, op.patch.shape()) {
                Lookup::Found(found) => Proof::Stored(found),
                _ => Proof::None,
            },
            _ => Proof::None,
        }
    }

    /// What the operation says, as the system stores it.
    fn said(&self, side: Side, kind: usize, op: &WriteOp) -> Result<Values, Refusal> {
        let system = self.systems.of(side);
        let Some(table) = system.tables.get(kind) else { return Ok(Values::new()) };
        let carried = self.kinds.get(kind).map(|kind| kind.carried.as_slice()).unwrap_or_default();
        let mut values = Values::new();
        for (name, presence) in op.patch.fields() {
            let Presence::Value(value) = presence else { continue };
            let field = table.entity.field(name.as_str()).filter(|field| !field.read_only && !field.computed);
            if field.is_none() {
                let error = Error::data("the field cannot be written").at("field", name);
                return Err(refuse(RefusalKind::Invalid { field: Some(name.clone()) }, error));
            }
            let is_carried = carried.iter().any(|carried| carried.field.of(side) == name);
            let value = value.to_value();
            values.insert(name.clone(), if is_carried { system.switches.stored(value) } else { value });
        }
        Ok(values)
    }

    fn accept_create(
        &mut self,
        side: Side,
        kind: usize,
        id: Option<&RecordId>,
        op: &WriteOp,
    ) -> Result<RecordId, Refusal> {
        let mut values = self.said(side, kind, op)?;
        self.refuse_against_rules(side, kind, None, op, &values)?;
        let Some(named_by) = self.kinds.get(kind).map(|kind| kind.named_by.of(side).clone()) else {
            return Err(missing(&RecordId::int(0)));
        };
        let can = self.systems.of(side).truth.get(kind).cloned().unwrap_or_default();
        if matches!(can.unique_key, UniqueKey::Fields(_)) {
            self.refuse_taken(side, kind, values.get(&named_by).unwrap_or(&Value::Null))?;
        }
        let chosen = id.filter(|_| can.unique_key == UniqueKey::ClientChosenId).cloned();
        let label = if side == Side::Left { "l" } else { "r" };
        let Some(table) = self.systems.of_mut(side).tables.get_mut(kind) else {
            return Err(missing(&RecordId::int(0)));
        };
        let id = match chosen {
            Some(id) => id,
            None => table.free_id(&values, label),
        };
        if table.now.rows.contains_key(&id) {
            return Err(taken(Some(id)));
        }
        let name = values.get(&named_by).cloned().unwrap_or(Value::Null);
        let thing = self.thing_of_new(side, kind, &name, &values);
        let defaulted = thing.and_then(|thing| self.default_into(side, thing, &mut values));
        self.save(side, kind, &id, values);
        if let Some(thing) = thing {
            self.christen(side, thing, &id);
        }
        self.judge_create(side, kind, &id, op, thing, defaulted);
        let automated = self.automate(side, kind, &id, op);
        for field in defaulted.into_iter().chain(automated) {
            self.is_form(side, kind, &id, field, op);
        }
        Ok(id)
    }

    /// Refuses a name that a record has, or had before it was deleted softly.
    fn refuse_taken(&self, side: Side, kind: usize, name: &Value) -> Result<(), Refusal> {
        let system = self.systems.of(side);
        let Some(table) = system.tables.get(kind) else { return Ok(()) };
        let same = |row: &Row| *name != Value::Null && row.value(table.named_by.as_str()) == name;
        let holder = table.now.rows.iter().find(|(_, row)| same(row));
        if let Some((holder, _)) = holder {
            return Err(taken(Some(holder.clone())));
        }
        if system.switches.soft_delete && table.bin.values().any(same) {
            return Err(taken(None));
        }
        Ok(())
    }

    /// Refuses an update that gives a record another one's name, where names are unique.
    fn refuse_name(&self, side: Side, kind: usize, row: &Row, after: &Values) -> Result<(), Refusal> {
        let can = self.systems.of(side).truth.get(kind);
        let is_unique = can.is_some_and(|can| matches!(can.unique_key, UniqueKey::Fields(_)));
        let Some(field) = self.name_field(side, kind).filter(|_| is_unique) else { return Ok(()) };
        let name = after.get(&field).unwrap_or(&Value::Null);
        if name == row.value(field.as_str()) { Ok(()) } else { self.refuse_taken(side, kind, name) }
    }

    /// Puts the system's own value into the last carried field where nothing is said there; the place of the field.
    fn default_into(&mut self, side: Side, thing: Thing, values: &mut Values) -> Option<usize> {
        let described = self.kinds.get(thing.0)?;
        let at = described.carried.len().checked_sub(1)?;
        let name = described.carried.get(at)?.field.of(side).clone();
        let is_said = values.get(&name).is_some_and(|value| !is_blank(value));
        if is_said || !self.systems.of(side).switches.default_on_create {
            return None;
        }
        let tag = self.chronicle.fresh(thing, at, side);
        let system = self.systems.of(side);
        let typed = typed(tag, system.tables.get(thing.0)?.entity.field(name.as_str())?);
        values.insert(name, system.switches.stored(typed));
        Some(at)
    }

    fn accept_update(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        op: &WriteOp,
    ) -> Result<RecordId, Refusal> {
        let values = self.said(side, kind, op)?;
        let row = self.systems.of(side).row(kind, id).filter(|row| !row.hidden).cloned();
        let row = row.ok_or_else(|| missing(id))?;
        self.refuse_stale(side, id, &row, &op.expects)?;
        let mut after = row.values.clone();
        let said = values.clone();
        after.extend(values);
        self.refuse_against_rules(side, kind, Some(id), op, &said)?;
        self.refuse_name(side, kind, &row, &after)?;
        self.judge_update(side, kind, id, op, &row, &after);
        self.save(side, kind, id, after);
        if let Some(field) = self.automate(side, kind, id, op) {
            let carried = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
            let is_sent =
                carried.is_some_and(|carried| !op.patch.field(carried.field.of(side).as_str()).is_absent());
            // What was not sent and changed all the same is an edit like any other.
            if is_sent {
                self.is_form(side, kind, id, field, op);
            }
        }
        Ok(id.clone())
    }

    fn accept_delete(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        op: &WriteOp,
    ) -> Result<RecordId, Refusal> {
        let Some(row) = self.systems.of(side).row(kind, id).cloned() else { return Ok(id.clone()) };
        if row.hidden {
            return Err(missing(id));
        }
        self.refuse_stale(side, id, &row, &op.expects)?;
        self.judge_delete(side, kind, id, &row);
        self.take_away(side, kind, id, None);
        Ok(id.clone())
    }

    /// A system without conditional updates does not look at the precondition at all.
    fn refuse_stale(&self, side: Side, id: &RecordId, row: &Row, expects: &Expects) -> Result<(), Refusal> {
        let system = self.systems.of(side);
        // Where versions tell too little it looks, and what it sees is not enough.
        let looks = match system.switches.versions {
            Versions::Stamp(_) => true,
            _ => system.switches.level != Level::NoConditionalUpdate && system.switches.level != Level::Least,
        };
        let holds = !looks
            || match expects {
                Expects::Anything => true,
                Expects::Missing => false,
                Expects::Version(expected) => version(row, &system.switches).as_ref() == Some(expected),
                Expects::Values(values) => values.fields().all(|(name, expected)| match expected {
                    Presence::Value(expected) => row.value(name.as_str()).as_ref() == expected,
                    _ => true,
                }),
            };
        if holds {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Conflict, format!("record {id} was changed by somebody else"));
        Err(refuse(RefusalKind::Stale, error))
    }

    /// The system's own answer to a client that changes the first carried field: it changes the second one.
    fn automate(&mut self, side: Side, kind: usize, id: &RecordId, op: &WriteOp) -> Option<usize> {
        let described = self.kinds.get(kind)?;
        let first = described.carried.first().map(|carried| carried.field.of(side).clone());
        let is_meant = first.is_some_and(|first| !op.patch.field(first.as_str()).is_absent());
        if !self.systems.of(side).switches.automation || !is_meant || described.carried.len() < 2 {
            return None;
        }
        let thing = (kind, self.systems.of(side).row(kind, id)?.thing?);
        let tag = self.chronicle.fresh(thing, 1, side);
        self.put(side, thing, id, 1, Some(tag), false);
        Some(1)
    }

    /// What the system itself put into a field that the engine wrote stands for what the engine wrote there: no user wrote
    /// it, and it need not be carried back.
    fn is_form(&mut self, side: Side, kind: usize, id: &RecordId, field: usize, op: &WriteOp) {
        let value = |on: Side, id: &RecordId| {
            let name = self.kinds.get(kind)?.carried.get(field)?.field.of(on);
            tag(self.systems.of(on).row(kind, id)?.value(name.as_str()))
        };
        let number = self.systems.of(side).row(kind, id).and_then(|row| row.thing);
        let Some(thing) = number.map(|number| (kind, number)) else { return };
        let made = value(side, id);
        let name = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
        let said = name.and_then(|name| op.patch.field(name.field.of(side).as_str()).value());
        let is_said = said.is_some();
        // What was carried from a record that is not there for the moment stands for what that held.
        let carried = said.and_then(|said| tag(&said.to_value()));
        let other = match self.records_of(side.other(), thing).first() {
            Some(id) => value(side.other(), id),
            None => carried,
        };
        if !is_said && other.is_some() {
            return;
        }
        self.chronicle.replaced.extend(made);
        self.chronicle.forms.insert((thing, field, side, made, other));
        self.chronicle.agreed.insert(((side, kind, id.clone()), field), BTreeSet::from([made]));
    }
}
