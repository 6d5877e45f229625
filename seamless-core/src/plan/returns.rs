//! Writes that come back (I33): two systems that rewrite each other's values, or an automation that reverts ours,
//! would make every run write for ever. What a user did cannot be observed, repetition can. Pure; the doors are
//! [`may_write`], which a decision asks, and [`note_write`], by which a commit counts.
//!
//! A side *answers* when every field that it changed in a group has a base that we wrote ourselves. Counting begins
//! with the first answer, and the write that it answered counts as the first. From then on the group keeps a hash of
//! each value that either side held or was sent, and how often each was sent. A value that was not seen before sets the
//! counts back to zero; where the base of a field was not written by us, it ends the counting. A side that goes back to a
//! value that was seen answers whoever wrote its base: two sides that both lag show each other's former values in turn.

use super::known::{Pair, Return};
use crate::merge::CompiledLink;
use crate::model::{Presence, Record, RuleId, Side, Sides, ValueRef};

/// How often the same value is written to the same field while neither side takes a value that was not seen before.
pub const SAME_WRITES_MAX: u8 = 2;

/// Values that are kept per group, so that a pair stays small: a circle of more values than this is not recognised.
const VALUES_MAX: usize = 16;

/// What a group would be written with.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// The group.
    pub group: usize,
    /// The side that is written.
    pub to: Side,
    /// What is sent, by slot.
    pub values: &'a [(usize, ValueRef<'a>)],
}

/// Whether a group may be written once more. Costs nothing but a comparison where no side answers.
pub fn may_write(link: &CompiledLink, pair: &Pair, now: &Sides<&Record>, sending: Sending<'_>) -> bool {
    let known = rule_of(link, sending.group)
        .and_then(|rule| pair.trail.returns.iter().find(|known| known.rule == rule));
    let Some(known) = known.filter(|known| answers(link, pair, now, sending.group, &known.values)) else {
        return true;
    };
    let writes =
        |print: u64| known.values.iter().find(|(value, _)| *value == print).map(|(_, writes)| *writes);
    let all_seen =
        Side::BOTH.into_iter().all(|side| writes(print(link, side, sending.group, now.of(side))).is_some());
    !all_seen || writes(sent(link, now, sending)).is_none_or(|writes| writes < SAME_WRITES_MAX)
}

/// Counts a write that happened. `pair` is as it was before the write; with `decided` a person wanted it, and
/// counting begins anew.
pub fn note_write(
    link: &CompiledLink,
    pair: &Pair,
    now: &Sides<&Record>,
    sending: Sending<'_>,
    decided: bool,
    returns: &mut Vec<Return>,
) {
    let Some(rule) = rule_of(link, sending.group) else { return };
    let known = returns.iter().position(|known| known.rule == rule);
    let seen = known.and_then(|place| returns.get(place)).map(|known| known.values.as_slice());
    if decided || !answers(link, pair, now, sending.group, seen.unwrap_or_default()) {
        if let Some(place) = known {
            returns.remove(place);
        }
        return;
    }
    let mut values = match known {
        Some(place) => returns.remove(place).values,
        None => answered(link, pair, now, sending.group),
    };
    for side in Side::BOTH {
        let held = print(link, side, sending.group, now.of(side));
        if !values.iter().any(|(value, _)| *value == held) {
            values.iter_mut().filter(|_| known.is_some()).for_each(|(_, writes)| *writes = 0);
            values.push((held, 0));
        }
    }
    let after = sent(link, now, sending);
    match values.iter_mut().find(|(value, _)| *value == after) {
        Some((_, writes)) => *writes = writes.saturating_add(1),
        None => values.push((after, 1)),
    }
    let surplus = values.len().saturating_sub(VALUES_MAX);
    values.drain(..surplus);
    returns.push(Return { rule, values });
}

/// Whether a side answers: something changed, and each side that did so moved against bases that we wrote, or to a value
/// that was seen since the counting began.
fn answers(link: &CompiledLink, pair: &Pair, now: &Sides<&Record>, place: usize, seen: &[(u64, u8)]) -> bool {
    let Some(group) = link.groups().get(place) else { return false };
    let mut answered = false;
    for side in Side::BOTH {
        let (forms, base) = (link.forms(side), pair.base.of(side));
        let slots = group.slots.of(side).iter();
        let mut changed = slots.filter(|slot| !forms.same_slot(**slot, base, now.of(side))).peekable();
        if changed.peek().is_none() {
            continue;
        }
        let is_ours = changed.all(|slot| pair.trail.written.of(side).contains(*slot));
        let is_back = || {
            let held = print(link, side, place, now.of(side));
            seen.iter().any(|(value, _)| *value == held)
        };
        if !is_ours && !is_back() {
            return false;
        }
        answered = true;
    }
    answered
}

/// What the first answer answers: the bases of the sides that moved are what was written there, once.
fn answered(link: &CompiledLink, pair: &Pair, now: &Sides<&Record>, group: usize) -> Vec<(u64, u8)> {
    let prints = |side: Side, record: &Record| print(link, side, group, record);
    let moved =
        Side::BOTH.into_iter().map(|side| (prints(side, pair.base.of(side)), prints(side, now.of(side))));
    moved.filter(|(base, held)| base != held).map(|(base, _)| (base, 1)).collect()
}

fn rule_of(link: &CompiledLink, group: usize) -> Option<RuleId> {
    let rule = link.groups().get(group)?.rules.first()?;
    link.rules().get(usize::from(rule.0)).map(|rule| rule.id.clone())
}

fn sent(link: &CompiledLink, now: &Sides<&Record>, sending: Sending<'_>) -> u64 {
    let Sending { group, to, values } = sending;
    let values = values.iter().map(|(slot, value)| (*slot, Presence::Value(*value)));
    print(link, to, group, &now.of(to).with(values))
}

/// What a side's record says of a group, hashed in its canonical form.
fn print(link: &CompiledLink, side: Side, group: usize, record: &Record) -> u64 {
    let mut bytes = vec![u8::from(side == Side::Right)];
    for slot in link.groups().get(group).map(|group| group.slots.of(side).as_slice()).unwrap_or_default() {
        match link.forms(side).canonical(record, *slot).as_presence() {
            Presence::Value(value) => value.write_canonical(&mut bytes),
            Presence::Absent => bytes.push(0),
            Presence::Unreadable => bytes.push(255),
        }
    }
    let hash = blake3::hash(&bytes);
    u64::from_le_bytes(hash.as_bytes().first_chunk::<8>().copied().unwrap_or_default())
}

#[cfg(test)]
#[path = "returns_tests.rs"]
mod tests;
