//! The sets of fields of an entity whose values are unique together, as far as a link sees them; which unique values
//! an entry gives up and which it takes. Knows one entry at a time.

use crate::connector::{Capabilities, UniqueKey};
use crate::merge::CompiledLink;
use crate::model::{
    ActionId, Bits, Decimal, Entity, Field, FieldKind, FieldName, Record, Shape, Side, Value, ValueRef,
};
use crate::plan::entry::{Action, Entry, PlannedTarget, PlannedVerb};

/// A unique value in canonical form, shortened to a digest together with the names of its fields: two links that share
/// an entity give the same value the same name.
pub type UniqueValue = [u8; 16];

/// Sets of unique fields that are looked at: a record with more of them is not a business record.
const SETS_MAX: usize = 64;

/// A text field shorter than this has no room for a temporary value that nobody else has.
const STAND_IN_CHARACTERS_MIN: u32 = 4;

/// Digits before the point that a number must have room for, to hold a temporary value that nobody else has.
const STAND_IN_DIGITS_MIN: u32 = 6;

/// The sets of fields that are unique together, all of whose fields the link sees.
#[derive(Clone, Debug, Default)]
pub struct UniqueSets {
    sets: Vec<UniqueSet>,
}

#[derive(Clone, Debug)]
struct UniqueSet {
    /// The names, length before each.
    name: Vec<u8>,
    /// The slots, and what can stand there for a moment.
    slots: Vec<(usize, Option<StandIn>)>,
}

/// What can stand in a field while its value is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandIn {
    Nothing,
    Text { characters_max: Option<u32> },
    Int,
    Decimal { digits_max: u32 },
}

/// The unique values that an entry moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyMoves {
    /// Those that the record has before and not after.
    pub gives: Vec<Given>,
    /// Those that it has after and not before.
    pub takes: Vec<UniqueValue>,
}

/// A unique value that an entry gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// The place of its set in the sets.
    pub set: u8,
    /// The value.
    pub value: UniqueValue,
    /// Whether it can be given up ahead of the entry, by a temporary value.
    pub can_release: bool,
}

impl UniqueSets {
    /// What a schema and a connector say of an entity, seen through a link's shape. A set with a field that the link
    /// does not read is left out: its values cannot be told.
    pub fn of(entity: Option<&Entity>, capabilities: &Capabilities, shape: &Shape) -> Self {
        let mut named: Vec<&[FieldName]> = Vec::new();
        if let Some(entity) = entity {
            named.extend(entity.unique.iter().map(Vec::as_slice));
            let single = entity.fields.iter().filter(|field| field.unique);
            named.extend(single.map(|field| std::slice::from_ref(&field.name)));
        }
        if let UniqueKey::Fields(fields) = &capabilities.unique_key {
            named.push(fields);
        }
        let native = entity.map(|entity| entity.key.as_slice()).unwrap_or_default();
        named.push(native);
        named.sort();
        named.dedup();
        let set = |names: &[FieldName]| {
            let slot = |name: &FieldName| {
                let field = entity.and_then(|entity| entity.field(name.as_str()));
                // A temporary native key would make another record of it.
                let stands = field.filter(|_| names != native).and_then(StandIn::of);
                Some((shape.slot(name.as_str())?, stands))
            };
            let slots = names.iter().map(slot).collect::<Option<Vec<_>>>()?;
            let mut name = Vec::new();
            for part in names {
                name.extend_from_slice(&(part.as_str().len() as u64).to_le_bytes());
                name.extend_from_slice(part.as_str().as_bytes());
            }
            Some(UniqueSet { name, slots })
        };
        let sets = named.into_iter().filter(|names| !names.is_empty()).filter_map(set);
        Self { sets: sets.take(SETS_MAX).collect() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The unique values that an entry moves on the side that it writes. Nothing for an effect, and nothing for values
    /// that are not known when the plan is made: a unique reference to a record that the plan creates.
    pub fn moves(&self, link: &CompiledLink, entry: &Entry) -> KeyMoves {
        let mut moves = KeyMoves::default();
        let Some(action) = entry.action() else { return moves };
        let held = match (&action.verb, &action.target) {
            (PlannedVerb::Action { .. }, _) => return moves,
            (PlannedVerb::Create, _) => None,
            (_, PlannedTarget::Existing(_)) => entry.observed.of(action.side).as_ref(),
            (_, PlannedTarget::New | PlannedTarget::CreatedBy(_)) => return moves,
        };
        let changed = changed_slots(link, action);
        for (place, set) in self.sets.iter().enumerate() {
            let is_deleted = matches!(action.verb, PlannedVerb::Delete(_));
            let touched =
                is_deleted || held.is_none() || set.slots.iter().any(|(slot, _)| changed.contains(*slot));
            if !touched {
                continue;
            }
            let before = held.and_then(|held| set.value(link, action.side, |slot| held.get(slot).value()));
            let after = match is_deleted {
                true => None,
                false => set.value(link, action.side, |slot| after(link, action, held, slot)),
            };
            if before == after {
                continue;
            }
            moves.gives.extend(before.map(|value| Given {
                set: u8::try_from(place).unwrap_or(u8::MAX),
                value,
                can_release: set.stand_in(is_deleted, &changed).is_some(),
            }));
            moves.takes.extend(after);
        }
        moves
    }

    /// The field of a set that can give way for a moment, and by what. Of an update it is one that the update sets: so
    /// nothing temporary stays.
    pub(super) fn stand_in(&self, set: usize, is_deleted: bool, changed: &Bits) -> Option<(usize, StandIn)> {
        self.sets.get(set)?.stand_in(is_deleted, changed)
    }
}

impl UniqueSet {
    /// The value of a record; `None` where one of the fields says nothing: such records never collide.
    fn value<'v>(
        &self,
        link: &CompiledLink,
        side: Side,
        of: impl Fn(usize) -> Option<ValueRef<'v>>,
    ) -> Option<UniqueValue> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"seamless unique value 1");
        hasher.update(&self.name);
        let mut part = Vec::with_capacity(32);
        for (slot, _) in &self.slots {
            let value = of(*slot).filter(|value| !value.is_null())?;
            part.clear();
            let form = link.forms(side).slot(*slot);
            match form.is_exact() {
                true => value.write_canonical(&mut part),
                false => form.apply(value).as_ref().write_canonical(&mut part),
            }
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(&part);
        }
        let mut value = UniqueValue::default();
        hasher.finalize_xof().fill(&mut value);
        Some(value)
    }

    fn stand_in(&self, is_deleted: bool, changed: &Bits) -> Option<(usize, StandIn)> {
        let can = self.slots.iter().filter(|(slot, _)| is_deleted || changed.contains(*slot));
        let can = can.filter_map(|(slot, stands)| Some((*slot, (*stands)?)));
        // Nothing at all is the least that can stand there.
        can.min_by_key(|(slot, stands)| (*stands != StandIn::Nothing, *slot))
    }
}

/// The slots that an action sets.
pub(super) fn changed_slots(link: &CompiledLink, action: &Action) -> Bits {
    let shape = link.shape(action.side);
    action.changes.iter().filter_map(|change| shape.slot(change.field.as_str())).collect()
}

/// What a slot holds after an action, where that is known.
fn after<'v>(
    link: &CompiledLink,
    action: &'v Action,
    held: Option<&'v Record>,
    slot: usize,
) -> Option<ValueRef<'v>> {
    let name = link.shape(action.side).name(slot)?;
    match action.changes.field(name.as_str()) {
        Some(change) => change.after.known(),
        None => held?.get(slot).value(),
    }
}

impl StandIn {
    fn of(field: &Field) -> Option<Self> {
        if field.read_only || field.computed {
            return None;
        }
        if !field.required {
            return Some(StandIn::Nothing);
        }
        match &field.kind {
            FieldKind::Text { length_max }
                if length_max.is_none_or(|most| most >= STAND_IN_CHARACTERS_MIN) =>
            {
                Some(StandIn::Text { characters_max: *length_max })
            }
            FieldKind::Int => Some(StandIn::Int),
            FieldKind::Decimal { precision, scale } => {
                let digits_max = precision.unwrap_or(u32::MAX).saturating_sub(scale.unwrap_or(0));
                (digits_max >= STAND_IN_DIGITS_MIN).then_some(StandIn::Decimal { digits_max })
            }
            _ => None,
        }
    }

    /// The value, derived from the action that writes it: the same plan writes the same one again after a crash, and
    /// no two records of a plan get the same.
    pub(super) fn value(self, action: ActionId) -> Value {
        let [a, b, c, d, ..] = *action.as_bytes();
        // A negative number is nobody's number, and 31 bits fit wherever whole numbers do.
        let number = -(i64::from(u32::from_be_bytes([a, b, c, d]) >> 1) + 1);
        match self {
            StandIn::Nothing => Value::Null,
            StandIn::Text { characters_max } => {
                let digits = action.to_string().to_uppercase();
                let most =
                    characters_max.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
                // A person who finds it sees what it is, where there is room to say so.
                let text = if most < 12 { digits } else { format!("TMP-{digits}") };
                Value::text(&text.chars().take(most.min(20)).collect::<String>())
            }
            StandIn::Int => Value::Int(number),
            StandIn::Decimal { digits_max } => {
                let most = 10_i64.checked_pow(digits_max).unwrap_or(i64::MAX);
                Value::Decimal(Decimal::new(number % most, 0))
            }
        }
    }
}

#[cfg(test)]
#[path = "unique_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "moves_tests.rs"]
mod moves_tests;
