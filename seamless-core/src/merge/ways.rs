//! Ways through the states of a record: which actions of a system lead from a state to another one, and which of them make a
//! record writable first. Pure; the doors are [`CompiledLink::way`] and [`CompiledLink::detour`].
//!
//! States are the nodes and actions the edges of a small graph, searched breadth first: the fewest actions, and of two ways
//! of one length that of the actions which the mapping names earlier.

use std::sync::Arc;

use super::groups::Group;
use super::joined::CompiledLink;
use crate::mapper::{LinkSpec, StateAction};
use crate::model::{Error, Presence, Record, Result, Shape, Side, Truth, Value, ValueRef};

/// Actions that follow one another on one record at most, before it is written or after.
const STEPS_MAX: usize = 9;

/// A way that passes a state in which the record is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Detour<'a> {
    /// The actions up to that state; at least one.
    pub open: Vec<&'a StateAction>,
    /// The actions from there to the state that the record is to have in the end.
    pub then: Vec<&'a StateAction>,
    /// Whether the whole way is one that was wanted anyway: nothing is opened for the sake of an edit.
    pub on_the_way: bool,
}

impl CompiledLink {
    /// Whether a field of a side is moved by actions, and never written by an update.
    pub fn is_moved(&self, side: Side, slot: usize) -> bool {
        self.moved.of(side).contains(&slot)
    }

    /// The slots of a side's fields that actions move, in order.
    pub fn moved(&self, side: Side) -> &[usize] {
        self.moved.of(side)
    }

    /// The state that a record of a side is made in, where the mapping says it: it is not sent then.
    pub fn start(&self, side: Side, slot: usize) -> Option<&Value> {
        let starts = &self.spec().actions.of(side).starts;
        if starts.is_empty() {
            return None;
        }
        self.spec().actions.of(side).start(self.shape(side).name(slot)?.as_str())
    }

    /// The group of rules that a field of a side belongs to.
    pub fn group_with(&self, side: Side, slot: usize) -> Option<usize> {
        self.groups().iter().position(|group| group.slots.of(side).contains(&slot))
    }

    /// The fewest actions from a state to another one, none where they are the same. `None` where no way leads there.
    pub fn way(
        &self,
        side: Side,
        slot: usize,
        from: ValueRef<'_>,
        to: ValueRef<'_>,
    ) -> Option<Vec<&StateAction>> {
        way(&self.actions_on(side, slot), from, to, |a, b| self.same_state(side, slot, a, b))
    }

    /// A way from the state of a record to another one that passes a state in which the record is written; the shortest. Where
    /// the way is `wanted` anyway it may be on it; otherwise actions that may open for an edit lead there.
    pub fn detour(
        &self,
        side: Side,
        slot: usize,
        record: &Record,
        to: ValueRef<'_>,
        wanted: bool,
    ) -> Option<Detour<'_>> {
        let from = record.get(slot).value()?;
        let writable = self.spec().writable.of(side);
        let is_written = |state: &Value| {
            writable.holds(&record.with([(slot, Presence::Value(state.as_ref()))])) == Truth::In
        };
        let same = |a: ValueRef<'_>, b: ValueRef<'_>| self.same_state(side, slot, a, b);
        detour(&self.actions_on(side, slot), (from, to), wanted, is_written, same)
    }

    fn actions_on(&self, side: Side, slot: usize) -> Vec<&StateAction> {
        let name = self.shape(side).name(slot);
        self.spec().actions.of(side).steps.iter().filter(|step| Some(&step.field) == name).collect()
    }

    /// Whether two values of a field of states are one state.
    pub fn same_state(&self, side: Side, slot: usize, a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
        self.forms(side).slot(slot).same(a, b)
    }
}

/// The slots of fields that a side's actions move.
///
/// Errors (configuration): a rule writes such a field together with others, which could not be settled as one.
pub(super) fn moved_slots(
    side: Side,
    spec: &LinkSpec,
    groups: &[Group],
    shape: &Arc<Shape>,
) -> Result<Vec<usize>> {
    let fields = spec.actions.of(side).fields();
    let mut slots: Vec<usize> = fields.iter().filter_map(|field| shape.slot(field.as_str())).collect();
    slots.sort_unstable();
    for slot in &slots {
        let mixed = groups.iter().any(|group| {
            let of = group.slots.of(side);
            group.direction.allows(side) && of.contains(slot) && of.len() > 1
        });
        if mixed {
            let message = "a field that actions move is carried together with others of its side";
            let field = shape.name(*slot).map(ToString::to_string).unwrap_or_default();
            return Err(Error::configuration(message)
                .at("side", side)
                .at("field", field)
                .with_remedy("give the field a rule of its own"));
        }
    }
    Ok(slots)
}

/// A state that can be reached, and the actions that lead there.
struct Reached<'a, 'v> {
    state: ValueRef<'v>,
    by: Vec<&'a StateAction>,
}

/// Every state that can be reached, the nearest first; that from which it begins is the first of them.
fn reach<'a: 'v, 'v>(
    actions: &[&'a StateAction],
    from: ValueRef<'v>,
    same: impl Fn(ValueRef<'_>, ValueRef<'_>) -> bool,
) -> Vec<Reached<'a, 'v>> {
    let mut reached = vec![Reached { state: from, by: Vec::new() }];
    let mut at = 0;
    while let Some(Reached { state, by }) = reached.get(at) {
        let (state, by) = (*state, by.clone());
        at += 1;
        if by.len() >= STEPS_MAX {
            continue;
        }
        for action in actions {
            let can = action.from.iter().any(|from| same(from.as_ref(), state));
            let known = reached.iter().any(|known| same(known.state, action.to.as_ref()));
            if can && !known {
                let by = by.iter().copied().chain([*action]).collect();
                reached.push(Reached { state: action.to.as_ref(), by });
            }
        }
    }
    reached
}

fn way<'a>(
    actions: &[&'a StateAction],
    from: ValueRef<'_>,
    to: ValueRef<'_>,
    same: impl Fn(ValueRef<'_>, ValueRef<'_>) -> bool,
) -> Option<Vec<&'a StateAction>> {
    let reached = reach(actions, from, &same);
    reached.into_iter().find(|reached| same(reached.state, to)).map(|reached| reached.by)
}

fn detour<'a>(
    actions: &[&'a StateAction],
    (from, to): (ValueRef<'_>, ValueRef<'_>),
    wanted: bool,
    is_written: impl Fn(&Value) -> bool,
    same: impl Fn(ValueRef<'_>, ValueRef<'_>) -> bool,
) -> Option<Detour<'a>> {
    if let Some(whole) = way(actions, from, to, &same).filter(|_| wanted)
        && let Some(place) = whole.iter().position(|action| is_written(&action.to))
    {
        let (open, then) = whole.split_at(place + 1);
        return Some(Detour { open: open.to_vec(), then: then.to_vec(), on_the_way: true });
    }
    let opening: Vec<&StateAction> = actions.iter().copied().filter(|action| action.opens).collect();
    let mut best: Option<Detour<'a>> = None;
    for Reached { by, .. } in reach(&opening, from, &same) {
        let Some(last) = by.last().filter(|last| is_written(&last.to)) else { continue };
        let Some(then) = way(actions, last.to.as_ref(), to, &same) else { continue };
        let length = |detour: &Detour<'_>| detour.open.len() + detour.then.len();
        let found = Detour { open: by, then, on_the_way: false };
        if best.as_ref().is_none_or(|best| length(&found) < length(best)) {
            best = Some(found);
        }
    }
    best
}

#[cfg(test)]
#[path = "ways_tests.rs"]
mod tests;
