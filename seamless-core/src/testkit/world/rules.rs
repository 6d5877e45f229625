//! What a system does not take, whoever writes it: values that are too long, fields that must have a value, values that it
//! does not know. Users are told at once and type nothing; the engine is refused, record by record, and must say so and go
//! on. The doors are [`Universe::is_taken`] and [`Universe::refuse_against_rules`].

use super::chronicle::{Thing, is_blank, tag};
use super::finding::Harm;
use super::table::Values;
use super::universe::Universe;
use crate::connector::{Refusal, RefusalKind, WriteOp};
use crate::model::{Entity, Error, Field, FieldKind, FieldName, RecordId, Side, Value};

/// A system that is picky does not know every value whose number divides by this.
const UNKNOWN: u32 = 5;

/// How often the same values of a record may be refused before somebody must have been asked, and again after each time that
/// somebody does anything with it: who edits a record back and forth, shows it again or decides about it has it tried again.
const REFUSALS_MAX: usize = 3;

impl Universe {
    /// Why a system does not take a value in a carried field.
    fn broken_rule(&self, side: Side, kind: usize, field: usize, value: &Value) -> Option<&'static str> {
        let switches = &self.systems.of(side).switches;
        let fields = self.kinds.get(kind)?.carried.len();
        let is_too_long = |length: usize| match value {
            Value::Text(text) => length > 0 && text.chars().count() > length,
            _ => false,
        };
        if is_too_long(switches.narrow) || is_too_long(switches.short) {
            return Some("the value is too long");
        }
        if switches.required && field + 1 == fields && is_blank(value) {
            return Some("the field must have a value");
        }
        let is_unknown = tag(value).is_some_and(|tag| tag.is_multiple_of(UNKNOWN));
        (switches.picky && field == 0 && is_unknown).then_some("there is no such option")
    }

    /// Whether a system takes a value.
    pub(super) fn is_taken(&self, side: Side, kind: usize, field: usize, value: &Value) -> bool {
        self.broken_rule(side, kind, field, value).is_none()
    }

    /// Refuses an operation that puts what the system does not take into a carried field, or leaves out what must be there.
    pub(super) fn refuse_against_rules(
        &mut self,
        side: Side,
        kind: usize,
        id: Option<&RecordId>,
        op: &WriteOp,
        values: &Values,
    ) -> Result<(), Refusal> {
        let carried = self.kinds.get(kind).map(|kind| kind.carried.clone()).unwrap_or_default();
        for (field, carried) in carried.iter().enumerate() {
            let name = carried.field.of(side);
            // A record that is made has every field; one that is changed those that are said.
            let said = values.get(name).or(id.is_none().then_some(&Value::Null));
            let Some(why) = said.and_then(|value| self.broken_rule(side, kind, field, value)) else {
                continue;
            };
            self.judge_refusal(side, kind, id, op, name);
            let error = Error::data(why).at("field", name);
            return Err(Refusal { why: RefusalKind::Invalid { field: Some(name.clone()) }, error });
        }
        Ok(())
    }

    /// I30: what was refused is not sent again and again.
    fn judge_refusal(
        &mut self,
        side: Side,
        kind: usize,
        id: Option<&RecordId>,
        op: &WriteOp,
        field: &FieldName,
    ) {
        let thing = self.thing_of_op(side, kind, op);
        let was_doubted = thing.is_some_and(|thing| self.was_doubted(thing));
        let what = format!("{kind} {id:?} {:?}", op.patch);
        let deeds = thing.map_or(0, |thing| self.deeds_about(thing));
        let (count, before) = self.refusals.entry((side, what)).or_insert((0, deeds));
        *count += 1;
        let reasons = self.hints + 1 + deeds.saturating_sub(*before);
        if *count > REFUSALS_MAX.saturating_mul(reasons) {
            let owed = !self.promises.is_lying() && !was_doubted;
            let words = format!("the same values of {field} were sent {count} times, and refused each time");
            self.found(Harm::Unsettled, "I30", side, owed, words);
        }
    }

    fn deeds_about(&self, thing: Thing) -> usize {
        self.deeds.get(&thing).copied().unwrap_or_default()
    }

    /// The entity as the system shows it: where it says how long texts may be, it says so of carried fields.
    pub(super) fn shown_entity(&self, side: Side, kind: usize) -> Option<Entity> {
        let system = self.systems.of(side);
        let mut entity = system.tables.get(kind)?.entity.clone();
        let carried = &self.kinds.get(kind)?.carried;
        let last = carried.last().map(|carried| carried.field.of(side));
        let is_carried = |field: &Field| carried.iter().any(|carried| *carried.field.of(side) == field.name);
        for field in entity.fields.iter_mut().filter(|field| is_carried(field)) {
            if let (FieldKind::Text { length_max }, 1..) = (&mut field.kind, system.switches.short) {
                *length_max = u32::try_from(system.switches.short).ok();
            }
            field.required |= system.switches.required && last == Some(&field.name);
        }
        Some(entity)
    }
}
