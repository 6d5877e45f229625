//! The rule of engines that keep two stamps per pair and no values. It knows which of the two records is newer than the
//! last sync, and nothing of which field made it so. The door is [`WholeRecord`].
//!
//! - One record is newer: its mapped fields are copied over the other, all of them.
//! - Both are, and a two-way field differs: the whole record is in conflict, and nothing of it is written.
//! - Both are, and no two-way field differs: the fields that go one way are copied, whatever stands there.
//!
//! Kind to the rule where there is a choice: a record counts as newer only when a mapped value changed, so that a save
//! without a change does no harm; fields that no user touched are not counted as in conflict; first links, deletions,
//! preconditions and crashes are the engine's own.

use seamless_core::mapper::ConflictPolicy;
use seamless_core::merge::{
    AgreeReason, CarryReason, Case, ConflictReason, Group, Judgement, Reconciler, ThreeWay, Verdict,
};
use seamless_core::model::{Presence, Record, Side, Sides};

/// Whole records, by which one is newer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WholeRecord {
    /// A person chose the side that is copied over, whatever is newer.
    pub(crate) forced_from: Option<Side>,
}

impl Reconciler for WholeRecord {
    fn reconcile(&self, case: &Case<'_>) -> Verdict {
        let mut verdict = ThreeWay.reconcile(case);
        if let Some(from) = self.forced_from {
            force(case, from, &mut verdict);
            return verdict;
        }
        let (Some(left), Some(right)) = (case.base.left, case.base.right) else { return verdict };
        let bases = Sides::new(left, right);
        let newer = Sides::new(is_newer(case, &bases, Side::Left), is_newer(case, &bases, Side::Right));
        let groups: Vec<Seen<'_>> = case
            .link
            .groups()
            .iter()
            .enumerate()
            .filter_map(|(place, group)| seen(case, &bases, place, group, verdict.judgement(place)))
            .collect();
        let is_conflict =
            newer.left && newer.right && groups.iter().any(|seen| seen.is_two_way && !seen.is_same);
        let is_saved = Side::BOTH.into_iter().any(|side| is_saved(case, &bases, side));
        for seen in &groups {
            let same = match seen.is_touched || is_saved && !is_conflict {
                true => Judgement::Agree(AgreeReason::SameChange),
                false => Judgement::Settled,
            };
            verdict.set(seen.place, if seen.is_same { same } else { judged(seen, &newer, is_conflict) });
        }
        verdict
    }
}

/// Whether a field moved that no rule carries, such as a stamp: then what is the same is synchronised as of now. In a conflict
/// nothing is.
fn is_saved(case: &Case<'_>, bases: &Sides<&Record>, side: Side) -> bool {
    let is_carried =
        |slot: usize| case.link.groups().iter().any(|group| group.slots.of(side).contains(&slot));
    (0..case.link.watched(side)).any(|slot| !is_carried(slot) && moved(case, bases, side, slot))
}

/// Copies everything that may go there and differs.
fn force(case: &Case<'_>, from: Side, verdict: &mut Verdict) {
    for place in 0..case.link.groups().len() {
        let is_same =
            case.link.consistent(place, case.current.left, case.current.right, &case.context) == Some(true);
        if case.link.allows(place, from.other()) && !is_same {
            verdict.set(place, Judgement::Carry { to: from.other(), why: CarryReason::PolicyTook });
        }
    }
}

/// A group of rules as the rule sees it.
struct Seen<'a> {
    place: usize,
    group: &'a Group,
    is_two_way: bool,
    /// Whether both sides hold the same now.
    is_same: bool,
    /// Whether a user touched it, which the rule itself cannot know.
    is_touched: bool,
    may_go: Sides<bool>,
}

/// Whether any field with a base moved away from it.
fn is_newer(case: &Case<'_>, bases: &Sides<&Record>, side: Side) -> bool {
    (0..case.link.watched(side)).any(|slot| moved(case, bases, side, slot))
}

fn moved(case: &Case<'_>, bases: &Sides<&Record>, side: Side, slot: usize) -> bool {
    let (base, now) = (*bases.of(side), *case.current.of(side));
    base.get(slot) != Presence::Absent
        && matches!(now.get(slot), Presence::Value(_))
        && !case.link.forms(side).same_slot(slot, base, now)
}

/// What a group looks like; `None` where the rule has no say: fields that could not be read, rules that do not apply, values
/// that never had a base, and values that are worked out rather than copied and did not change.
fn seen<'a>(
    case: &Case<'a>,
    bases: &Sides<&Record>,
    place: usize,
    group: &'a Group,
    judgement: Judgement,
) -> Option<Seen<'a>> {
    let has_base = Side::BOTH
        .into_iter()
        .all(|side| group.slots.of(side).iter().all(|slot| bases.of(side).get(*slot) != Presence::Absent));
    if !has_base || matches!(judgement, Judgement::Unknown(_) | Judgement::NotApplied) {
        return None;
    }
    let is_touched = Side::BOTH
        .into_iter()
        .any(|side| group.slots.of(side).iter().any(|slot| moved(case, bases, side, *slot)));
    if !group.copy && !is_touched {
        return None;
    }
    let is_same = match judgement {
        Judgement::Agree(_) => true,
        _ if !group.copy => false,
        _ => case.link.consistent(place, case.current.left, case.current.right, &case.context)?,
    };
    let may_go = Sides::new(case.link.allows(place, Side::Left), case.link.allows(place, Side::Right));
    Some(Seen { place, group, is_two_way: may_go.left && may_go.right, is_same, is_touched, may_go })
}

fn judged(seen: &Seen<'_>, newer: &Sides<bool>, is_conflict: bool) -> Judgement {
    let carry = |to: Side, why| match *seen.may_go.of(to) {
        true => Judgement::Carry { to, why },
        false => Judgement::Settled,
    };
    match (newer.left, newer.right) {
        (false, false) => Judgement::Settled,
        (true, false) => carry(Side::Right, CarryReason::Changed),
        (false, true) => carry(Side::Left, CarryReason::Changed),
        (true, true) if is_conflict => match seen.group.on_conflict {
            ConflictPolicy::Take(side) => carry(side.other(), CarryReason::PolicyTook),
            _ if seen.is_touched => Judgement::Conflict(ConflictReason::BothChanged),
            _ => Judgement::Settled,
        },
        (true, true) => {
            let to = if seen.may_go.right { Side::Right } else { Side::Left };
            carry(to, CarryReason::Restored)
        }
    }
}
