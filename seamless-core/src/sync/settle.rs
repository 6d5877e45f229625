//! What a pair becomes when an entry ended well. Pure: the entry, the pair as it is now and the outcome in, the row
//! out.
//!
//! A commit moves the bases of the groups that the entry settles, and of no others: a group in open conflict keeps
//! its bases while its neighbours move. The base of the side that was written is what that side *stored*, but only
//! where the write itself proves it; otherwise it is what was sent, marked as acknowledged, and any other value that
//! the next run sees is an edit, unless it shows the version that the write made (I19, I20) or can be the system's own
//! form of what was sent.

use super::fate::values_by_slot;
use crate::connector::Proof;
use crate::merge::CompiledLink;
use crate::model::{Bits, PlanId, Presence, Record, RecordId, Side, Sides, Value, ValueRef, Version};
use crate::plan::returns::{Sending, note_write};
use crate::plan::{
    Action, Body, ConflictView, ConflictWhy, Effect, Entry, GONE, Pair, PairStatus, PlannedVerb, Reason,
    Trail,
};

/// What a write came to.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    /// The record that was made or changed.
    pub(super) id: &'a RecordId,
    /// What the write proves.
    pub(super) proof: &'a Proof,
    /// What was sent, in the link's shape of that side.
    pub(super) sent: &'a Record,
}

/// The configuration and plan under which a commit happens.
#[derive(Clone, Copy)]
pub(super) struct Under<'a> {
    pub(super) link: &'a CompiledLink,
    pub(super) plan: &'a PlanId,
    pub(super) configuration: &'a str,
    /// Whether anything about the pair stays open.
    pub(super) watch: bool,
}

/// The pair after the entry. `None` where the entry makes no pair and there is none: a parked record without a
/// partner.
pub(super) fn settle(
    under: Under<'_>,
    entry: &Entry,
    before: Option<&Pair>,
    written: Option<Written<'_>>,
) -> Option<Pair> {
    let mut pair = match before {
        Some(pair) => pair.clone(),
        None => new_pair(under, entry, written)?,
    };
    let status = status_after(entry, pair.status);
    match (&entry.body, written) {
        (Body::Act(action), Some(written)) => after_write(under, entry, action, written, &mut pair),
        (Body::Act(_), None) => {}
        (Body::Effect(_), _) => after_effect(under.link, entry, &mut pair),
    }
    pair.status = status;
    let gone = match status {
        PairStatus::Ended => forget_gone(under.link, entry, &mut pair),
        PairStatus::Linked | PairStatus::Frozen(_) => Sides::new(false, false),
    };
    pair.revision += 1;
    pair.plan = Some(under.plan.clone());
    pair.configuration = under.configuration.to_owned();
    pair.watch = under.watch;
    let print = |side: Side| match *gone.of(side) {
        true => GONE,
        false => under.link.fingerprint(side, pair.base.of(side)),
    };
    pair.fingerprint = Sides::new(print(Side::Left), print(Side::Right));
    Some(pair)
}

fn new_pair(under: Under<'_>, entry: &Entry, written: Option<Written<'_>>) -> Option<Pair> {
    let id = |side: Side| {
        let made = match &entry.body {
            Body::Act(action) if action.side == side => written.map(|written| written.id.clone()),
            _ => None,
        };
        made.or_else(|| entry.ids.of(side).clone())
    };
    let pairs = match &entry.body {
        Body::Act(action) => action.verb == PlannedVerb::Create,
        Body::Effect(effect) => matches!(effect, Effect::Link { .. }),
    };
    if !pairs {
        return None;
    }
    Some(Pair {
        ids: Sides::new(id(Side::Left)?, id(Side::Right)?),
        status: PairStatus::Linked,
        revision: 0,
        plan: None,
        base: Sides::new(
            Record::absent(under.link.shape(Side::Left)),
            Record::absent(under.link.shape(Side::Right)),
        ),
        trail: Trail::default(),
        fingerprint: Sides::default(),
        version: entry.basis.versions.clone(),
        watch: false,
        configuration: under.configuration.to_owned(),
    })
}

fn status_after(entry: &Entry, before: PairStatus) -> PairStatus {
    match &entry.body {
        Body::Effect(Effect::Freeze { side }) => PairStatus::Frozen(*side),
        Body::Effect(Effect::Thaw | Effect::Link { .. }) => PairStatus::Linked,
        Body::Effect(Effect::EndPair { .. }) => PairStatus::Ended,
        Body::Effect(_) => before,
        Body::Act(action) => match (&action.reason, &action.verb) {
            (Reason::PartnerGone, _) | (Reason::PartnerLeftScope, PlannedVerb::Delete(_)) => {
                PairStatus::Ended
            }
            (Reason::PartnerLeftScope, _) => PairStatus::Frozen(action.side.other()),
            _ => before,
        },
    }
}

/// The base of a record that is not there any more when its pair ends is given up: by that a later run knows a record
/// that a user brought back from one that stayed behind and is to be left alone. So it is with a record that left the
/// scope and whose partner was deleted for it.
fn forget_gone(link: &CompiledLink, entry: &Entry, pair: &mut Pair) -> Sides<bool> {
    let gone = match &entry.body {
        Body::Effect(Effect::EndPair { gone }) => *gone,
        Body::Effect(_) => return Sides::new(false, false),
        Body::Act(action) => match action.verb {
            PlannedVerb::Delete(_) => Sides::new(true, true),
            PlannedVerb::Create | PlannedVerb::Update | PlannedVerb::Action { .. } => {
                Sides::new(action.side == Side::Right, action.side == Side::Left)
            }
        },
    };
    for side in Side::BOTH.into_iter().filter(|side| *gone.of(*side)) {
        *pair.base.of_mut(side) = Record::absent(link.shape(side));
        *pair.version.of_mut(side) = None;
    }
    gone
}

/// Groups that a conflict without bases is about have none from then on: a rule of theirs changed, and the bases of the
/// former rule must not decide in a later plan what a person was asked.
fn forget_bases(link: &CompiledLink, view: &ConflictView, pair: &mut Pair) {
    let concerned = link.groups().iter().filter(|group| {
        let mut rules = group.rules.iter().filter_map(|rule| link.rules().get(usize::from(rule.0)));
        rules.any(|rule| view.rules.contains(&rule.id))
    });
    for group in concerned {
        for side in Side::BOTH {
            let base = pair.base.of_mut(side);
            *base = base.with(group.slots.of(side).iter().map(|slot| (*slot, Presence::Absent)));
            for slot in group.slots.of(side) {
                pair.trail.acknowledged.of_mut(side).remove(*slot);
                pair.trail.written.of_mut(side).remove(*slot);
            }
        }
    }
}

fn after_effect(link: &CompiledLink, entry: &Entry, pair: &mut Pair) {
    if let Body::Effect(Effect::OpenConflict(view)) = &entry.body
        && view.why == ConflictWhy::FirstLink
    {
        forget_bases(link, view, pair);
    }
    let settles = matches!(entry.body, Body::Effect(Effect::Link { .. } | Effect::Agree));
    for side in Side::BOTH {
        match (settles, entry.observed.of(side)) {
            (true, _) => observe(link, entry, side, pair),
            (false, Some(seen)) => {
                learn(link, side, seen, entry.basis.versions.of(side).as_ref(), pair);
                // What is shown and not proven was not decided about: a later reading of it says no more than this one.
                for slot in pair.trail.acknowledged.of(side).clone().iter() {
                    pair.trail.written.of_mut(side).remove(slot);
                }
            }
            (false, None) => {}
        }
    }
}

/// What was seen of a side: it proves what became of earlier writes, and is the base of the groups that are settled.
fn observe(link: &CompiledLink, entry: &Entry, side: Side, pair: &mut Pair) {
    let Some(observed) = entry.observed.of(side) else { return };
    let version = entry.basis.versions.of(side);
    let proven = version.is_some() && pair.version.of(side) == version;
    learn(link, side, observed, version.as_ref(), pair);
    let slots = settled_slots(link, side, &entry.settles);
    if !pair.trail.acknowledged.of(side).is_empty() || !pair.trail.written.of(side).is_empty() {
        // What could not be seen leaves the base as it is.
        for slot in slots.iter().filter(|slot| matches!(observed.get(*slot), Presence::Value(_))) {
            pair.trail.acknowledged.of_mut(side).remove(slot);
            if !link.forms(side).same_slot(slot, pair.base.of(side), observed) {
                pair.trail.written.of_mut(side).remove(slot);
            }
        }
    }
    take(pair.base.of_mut(side), observed, &slots);
    // A version that belongs to a part of the base only would prove too much of the rest. The one that the write made
    // belongs to what could not be seen as well.
    let whole = proven || pair.trail.acknowledged.of(side).is_empty();
    *pair.version.of_mut(side) = version.clone().filter(|_| whole);
}

/// What an observation says of values that were only acknowledged (I19, I20): under the version that the write made
/// they are what the write came to; otherwise those that are as they were sent are proven to be.
fn learn(link: &CompiledLink, side: Side, observed: &Record, version: Option<&Version>, pair: &mut Pair) {
    let sent = pair.trail.acknowledged.of(side).clone();
    if sent.is_empty() {
        return;
    }
    let proven = version.is_some() && pair.version.of(side).as_ref() == version;
    if proven {
        take(pair.base.of_mut(side), observed, &sent);
    }
    for slot in sent.iter() {
        if link.forms(side).same_slot(slot, pair.base.of(side), observed) {
            pair.trail.acknowledged.of_mut(side).remove(slot);
        } else if observed.get(slot) == Presence::Unreadable {
            pair.trail.written.of_mut(side).remove(slot);
        }
    }
}

fn after_write(under: Under<'_>, entry: &Entry, action: &Action, written: Written<'_>, pair: &mut Pair) {
    let link = under.link;
    let (to, from) = (action.side, action.side.other());
    count(link, entry, action, written, pair);
    note_replaced(under, entry, to, pair);
    observe(link, entry, from, pair);
    if let Some(observed) = entry.observed.of(to) {
        learn(link, to, observed, entry.basis.versions.of(to).as_ref(), pair);
    }
    let stored = match written.proof {
        Proof::Stored(stored) => Some(&stored.record),
        Proof::Version(_) | Proof::None => None,
    };
    let mut slots = settled_slots(link, to, &entry.settles);
    if entry.settles.is_empty() && action.reason != Reason::Changed {
        // What a lifecycle policy sets belongs to no group; it is the base all the same, or it would look like an edit.
        slots.extend(&values_by_slot(written.sent).map(|(slot, _)| slot).collect());
    }
    let whole = pair.trail.acknowledged.of(to).is_empty();
    let held = entry.observed.of(to).as_ref();
    let mut changes: Vec<(usize, Presence<'_>)> = Vec::with_capacity(slots.len());
    for slot in slots.iter() {
        // The target shows a record in its own shape, not in the link's.
        let Some(name) = link.shape(to).name(slot) else { continue };
        let mut proven =
            stored.map(|record| record.field(name.as_str())).filter(|presence| presence.value().is_some());
        let mut acknowledged = written.sent.get(slot).value();
        if link.is_moved(to, slot) {
            // A state is what the plan brought the record to. Another one that the system shows then is its own doing, and
            // is carried like any change.
            let started = || link.start(to, slot).filter(|_| action.verb == PlannedVerb::Create);
            acknowledged = acknowledged.or_else(|| started().map(Value::as_ref));
            let is_state = |held: &Presence<'_>| match (held.value(), acknowledged) {
                (Some(held), Some(state)) => link.same_state(to, slot, held, state),
                _ => true,
            };
            proven = proven.filter(is_state);
        }
        let Trail { acknowledged: unproven, written: ours, .. } = &mut pair.trail;
        unproven.of_mut(to).remove(slot);
        let value = match (proven, acknowledged) {
            (Some(proven), _) => proven,
            (None, Some(value)) => {
                unproven.of_mut(to).insert(slot);
                Presence::Value(value)
            }
            (None, None) => {
                let Some(held) = held else { continue };
                if !link.forms(to).same_slot(slot, pair.base.of(to), held) {
                    ours.of_mut(to).remove(slot);
                }
                held.get(slot)
            }
        };
        if acknowledged.is_some() {
            ours.of_mut(to).insert(slot);
        }
        changes.push((slot, value));
    }
    let base = pair.base.of_mut(to);
    *base = base.with(changes);
    // Only where a write returns nothing but the version does that move with every change, and prove what was not seen.
    let shown = pair.trail.acknowledged.of(to).is_empty();
    *pair.version.of_mut(to) = match written.proof {
        Proof::Stored(stored) => stored.version.clone().filter(|_| shown),
        Proof::Version(version) => Some(version.clone()),
        Proof::None => None,
    }
    .filter(|_| whole);
}

/// Nobody knows whether an update happened, and somebody changed since what it would have written: what the side held
/// before is its base from now on. An edit back to the former base may be a change of what we wrote, and looks like no
/// edit at all otherwise. Says whether any base moved.
pub(super) fn overtake(link: &CompiledLink, action: &Action, pair: &mut Pair) -> bool {
    let side = action.side;
    let carried = action.changes.iter().filter(|change| change.rule.is_some());
    let before = carried.filter_map(|change| {
        let slot = link.shape(side).slot(change.field.as_str())?;
        Some((slot, change.before)).filter(|(_, held)| held.value().is_some())
    });
    let moved: Vec<(usize, Presence<'_>)> =
        before.filter(|(slot, held)| pair.base.of(side).get(*slot) != *held).collect();
    if moved.is_empty() {
        return false;
    }
    for (slot, _) in &moved {
        pair.trail.acknowledged.of_mut(side).remove(*slot);
        pair.trail.written.of_mut(side).remove(*slot);
    }
    let base = pair.base.of(side).with(moved);
    *pair.base.of_mut(side) = base;
    *pair.version.of_mut(side) = None;
    *pair.fingerprint.of_mut(side) = link.fingerprint(side, pair.base.of(side));
    pair.revision += 1;
    true
}

/// Versions that are kept of those that writes replaced.
const REPLACED_MAX: usize = 4;

/// Keeps the version that a write replaced, beside those that earlier writes of the same plan did.
fn note_replaced(under: Under<'_>, entry: &Entry, to: Side, pair: &mut Pair) {
    let replaced = pair.trail.replaced.of_mut(to);
    if pair.plan.as_ref() != Some(under.plan) {
        replaced.clear();
    }
    let before = entry.basis.versions.of(to).iter().chain(pair.version.of(to));
    let before: Vec<Version> = before.filter(|version| !replaced.contains(version)).cloned().collect();
    replaced.extend(before);
    let kept = replaced.len().saturating_sub(REPLACED_MAX);
    replaced.drain(..kept);
}

/// Counts what an update writes, where a side answers our writes (I33).
fn count(link: &CompiledLink, entry: &Entry, action: &Action, written: Written<'_>, pair: &mut Pair) {
    let Sides { left: Some(left), right: Some(right) } = &entry.observed else { return };
    let decided = matches!(action.reason, Reason::Resolution);
    let mut returns = std::mem::take(&mut pair.trail.returns);
    for group in entry.settles.iter() {
        let slots = link.groups().get(group).map(|group| group.slots.of(action.side).as_slice());
        let sent = values_by_slot(written.sent).filter(|(slot, _)| slots.unwrap_or_default().contains(slot));
        let values: Vec<(usize, ValueRef<'_>)> = sent.collect();
        if !values.is_empty() {
            let sending = Sending { group, to: action.side, values: &values };
            note_write(link, pair, &Sides::new(left, right), sending, decided, &mut returns);
        }
    }
    pair.trail.returns = returns;
}

/// The slots of the settled groups, and those that no rule carries: what was seen of them is known from now on.
fn settled_slots(link: &CompiledLink, side: Side, settles: &Bits) -> Bits {
    let mut slots = Bits::new();
    let mut carried = Bits::new();
    for (place, group) in link.groups().iter().enumerate() {
        for slot in group.slots.of(side) {
            carried.insert(*slot);
            if settles.contains(place) {
                slots.insert(*slot);
            }
        }
    }
    (0..link.shape(side).len()).filter(|slot| !carried.contains(*slot)).for_each(|slot| slots.insert(slot));
    slots
}

fn take(base: &mut Record, observed: &Record, slots: &Bits) {
    // A record of which everything was seen and is settled is the base as it is: no field of the former one is left.
    if slots.len() == base.shape().len()
        && observed.says_all()
        && observed.shape().names() == base.shape().names()
    {
        *base = observed.clone();
        return;
    }
    let changes = slots.iter().map(|slot| (slot, observed.get(slot)));
    // What could not be seen leaves the base as it is.
    *base = base.with(changes.filter(|(_, presence)| matches!(presence, Presence::Value(_))));
}
