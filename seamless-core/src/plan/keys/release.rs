//! An entry that must let go of a unique value before it is written: made into two, one that writes something
//! temporary, and the entry itself, which then replaces that. Pure; the door is [`release`].
//!
//! Between the two the record holds a value that nobody meant, and everything may stop there. So the first of them
//! settles its groups on the temporary value, on *both* sides: whatever the other side then holds differs from its
//! base and is a change, which every later plan carries over the temporary value. Were the other side's base what that
//! side holds, or what it held before, one of the two would look unchanged, and the temporary value would stay.

use super::unique::{StandIn, UniqueSets, changed_slots};
use crate::mapper::{MapContext, Resolved};
use crate::merge::CompiledLink;
use crate::model::{ActionId, Bits, Planned, Presence, Record, Side, Slot, Value};
use crate::plan::entry::{
    Action, Body, Entry, FieldChange, PlannedExpects, PlannedVerb, Provenance, Rank, Reason,
};

/// The two entries that one becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    /// Writes the temporary values.
    pub first: Entry,
    /// The entry itself; it expects the record as the first one left it.
    pub then: Entry,
}

/// Makes an entry let go of the sets that are wanted (a bit each). `None` where it cannot: it stays as it is.
pub fn release(
    sets: &UniqueSets,
    link: &CompiledLink,
    place: u16,
    entry: &Entry,
    wanted: u64,
) -> Option<Released> {
    let action = entry.action()?;
    let held = entry.observed.of(action.side).as_ref()?;
    let id = ActionId::derive(&[action.id.as_bytes(), b"release"]);
    let stand_ins = stand_ins(sets, link, action, wanted)?;
    let temporary: Vec<(usize, Value)> =
        stand_ins.into_iter().map(|(slot, stands)| (slot, stands.value(id))).collect();
    let first = first(link, place, entry, action, held, &temporary, id)?;
    let mut then = entry.clone();
    if let Body::Act(action) = &mut then.body {
        let shape = link.shape(action.side);
        let mut fields = Vec::with_capacity(temporary.len());
        let mut changes = action.changes.to_vec();
        for (slot, value) in &temporary {
            let name = shape.name(*slot)?;
            fields.push(name.clone());
            if let Some(change) = changes.iter_mut().find(|change| change.field == *name) {
                change.before = Slot::Value(value.clone());
            }
        }
        action.changes = changes.into();
        action.expects = PlannedExpects::Released { fields };
    }
    Some(Released { first, then })
}

/// The slots that give way, in order, each once.
fn stand_ins(
    sets: &UniqueSets,
    link: &CompiledLink,
    action: &Action,
    wanted: u64,
) -> Option<Vec<(usize, StandIn)>> {
    let changed = changed_slots(link, action);
    let is_deleted = matches!(action.verb, PlannedVerb::Delete(_));
    let mut found = Vec::new();
    for set in (0..u64::BITS as usize).filter(|set| wanted & (1 << set) != 0) {
        found.push(sets.stand_in(set, is_deleted, &changed)?);
    }
    found.sort_by_key(|(slot, _)| *slot);
    found.dedup_by_key(|(slot, _)| *slot);
    (!found.is_empty()).then_some(found)
}

fn first(
    link: &CompiledLink,
    place: u16,
    entry: &Entry,
    action: &Action,
    held: &Record,
    temporary: &[(usize, Value)],
    id: ActionId,
) -> Option<Entry> {
    let side = action.side;
    let shape = link.shape(side);
    let mut changes = Vec::with_capacity(temporary.len());
    let mut settles = Bits::new();
    for (slot, value) in temporary {
        let field = shape.name(*slot)?.clone();
        let rule = action.changes.field(field.as_str()).and_then(|change| change.rule.cloned());
        let before = held.get(*slot).to_slot();
        let after = Planned::Known(value.clone());
        changes.push(FieldChange { rule, field, before, after, from: Provenance::Released });
        let groups = link.groups().iter().enumerate();
        settles.extend(
            &groups
                .filter(|(_, group)| group.slots.of(side).contains(slot))
                .map(|(place, _)| place)
                .collect::<Bits>(),
        );
    }
    let mut observed = entry.observed.clone();
    let with = held.with(temporary.iter().map(|(slot, value)| (*slot, Presence::Value(value.as_ref()))));
    if let Some(other) = observed.of_mut(side.other()) {
        *other = standing_for(link, side, &with, other, &settles);
    }
    let mut key = entry.key.clone();
    (key.rank, key.link) = (Rank::ReleaseKeys, place);
    let body = Body::Act(Action {
        id,
        side,
        target: action.target.clone(),
        verb: PlannedVerb::Update,
        changes: changes.into(),
        expects: action.expects.clone(),
        reason: Reason::ReleaseKey,
        waits_for: Vec::new(),
    });
    Some(Entry { key, observed, settles, body, ..entry.clone() })
}

/// The other side's record with what the temporary values mean there in place of what it holds: carried over where
/// that can be done, else nothing.
pub(in crate::plan) fn standing_for(
    link: &CompiledLink,
    side: Side,
    with: &Record,
    other: &Record,
    groups: &Bits,
) -> Record {
    let (from, resolved) = (side.other(), Resolved::new());
    let context =
        MapContext { resolved: &resolved, target_entity: link.spec().entity.of(from), creating: false };
    let mut stands = other.clone();
    for group in groups.iter() {
        let slots = link.groups().get(group).map(|group| group.slots.of(from).as_slice()).unwrap_or_default();
        let nothing = slots.iter().map(|slot| (*slot, Presence::Value(crate::model::ValueRef::Null)));
        stands = stands.with(nothing);
        let Ok(carried) = link.carry_group(group, side, with, other, &context) else { continue };
        let known = carried.iter().filter_map(|(slot, planned)| match planned {
            Planned::Known(value) => Some((*slot, Presence::Value(value.as_ref()))),
            Planned::ResultOf(_) | Planned::TargetDecides => None,
        });
        stands = stands.with(known);
    }
    stands
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
