//! What is parked although a rule could carry it, until a person says which side is meant: a value that may be what a
//! system made of what it was sent, and a write that came back too often. The doors are [`Deciding::parks_instead`] and
//! [`with_proven`].
//!
//! A difference is suspect only where the base is merely acknowledged: sent, and not seen as stored. A person decides
//! it by a resolution, as a conflict. If the other side's value is meant, what stands here is this system's form of it
//! and becomes the base without a write. If this side's value is meant, somebody edited it, and it is carried over.

use crate::connector::Versioned;
use crate::mapper::MapContext;
use crate::merge::{CarryReason, Case, ConflictReason, Judgement, lossy_form};
use crate::model::{Bits, Planned, Presence, Record, Side, Sides, Slot};

use super::{Deciding, Writing};
use crate::plan::entry::{ParkReason, Parked, Provenance};
use crate::plan::known::{AttentionWhy, Pair, Resolution, Suspicion};
use crate::plan::parking::ParkedAs;
use crate::plan::returns::{Sending, may_write};

/// A side's base with what it is proven to have made of our write: a record that still has the version that the
/// write made holds what the write came to. `None` where nothing is proven.
pub fn with_proven(pair: &Pair, side: Side, now: &Versioned) -> Option<Record> {
    let sent = pair.trail.acknowledged.of(side);
    let made = pair.version.of(side).as_ref()?;
    if sent.is_empty() || now.version.as_ref() != Some(made) {
        return None;
    }
    let held = sent.iter().map(|slot| (slot, now.record.get(slot)));
    let held = held.filter(|(_, presence)| matches!(presence, Presence::Value(_)));
    Some(pair.base.of(side).with(held))
}

impl Deciding<'_> {
    /// Parks a group whose judgement would carry a suspect value, or repeat a write that comes back; does what a person
    /// decided where there is a resolution. True when the group is dealt with, false when the judgement stands.
    pub(super) fn parks_instead(
        &mut self,
        case: &Case<'_>,
        group: usize,
        judgement: Judgement,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) -> bool {
        let Some(pair) = self.situation.pair.filter(|_| !case.rebased.contains(group)) else { return false };
        let suspects = suspects(judgement).iter();
        let found =
            suspects.filter_map(|side| Some((*side, self.suspicion(case, pair, group, *side)?))).next();
        let resolution = self.resolution(case, group).cloned();
        match (found, resolution, judgement) {
            (None, Some(resolution), Judgement::Carry { .. }) if self.is_of_a_circle(group) => {
                self.as_decided(case, group, &resolution, true, writing, agreed);
                true
            }
            (Some((side, _)), Some(resolution), _) => {
                // Where the other side's value is meant and is what was sent, sending it again would change nothing.
                let take = resolution.take;
                let sends = take == side || self.has_changed(case, group, take);
                self.as_decided(case, group, &resolution, sends, writing, agreed);
                true
            }
            (Some((side, suspicion)), None, _) => {
                self.park_suspect(case, group, side, suspicion);
                true
            }
            (None, resolution, Judgement::Carry { to, .. }) if !self.may_be_sent(case, pair, group, to) => {
                match resolution {
                    Some(resolution) => self.as_decided(case, group, &resolution, true, writing, agreed),
                    None => self.park_returned(case, group, to),
                }
                true
            }
            _ => false,
        }
    }

    /// What a person wanted: the value of one side is sent to the other, or what both hold is the new base.
    fn as_decided(
        &mut self,
        case: &Case<'_>,
        group: usize,
        resolution: &Resolution,
        sends: bool,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) {
        let to = resolution.take.other();
        if sends && self.cx.link.allows(group, to) {
            let from = Provenance::Resolved { by: resolution.by.clone() };
            self.carry(case, group, to, from, writing.of_mut(to), agreed);
        } else {
            agreed.insert(group);
        }
    }

    /// What makes a side's values in a group suspect: every field that changed there was only acknowledged, and what it
    /// holds can be what the system made of what was sent. One field that cannot be makes the whole group an edit.
    fn suspicion(&self, case: &Case<'_>, pair: &Pair, group: usize, side: Side) -> Option<Suspicion> {
        let link = self.cx.link;
        let (base, now) = ((*case.base.of(side))?, *case.current.of(side));
        let was_read = *self.situation.read_since.of(side) && !self.is_suspected(group);
        let (sent, ours) = (pair.trail.acknowledged.of(side), pair.trail.written.of(side));
        let slots = link.groups().get(group)?.slots.of(side);
        let mut found = None;
        for slot in slots.iter().filter(|slot| !link.forms(side).same_slot(**slot, base, now)) {
            let (Presence::Value(was), Presence::Value(is)) = (base.get(*slot), now.get(*slot)) else {
                return None;
            };
            // Looked at first: it is dear, and nearly every edit is of a field that was seen. So it was where its record was
            // read since and the field was not hidden then: what is there now came later.
            if !sent.contains(*slot) || was_read && ours.contains(*slot) {
                return None;
            }
            let form = lossy_form(was, is)?;
            if found.is_none() {
                let mut bytes = Vec::with_capacity(64);
                was.write_canonical(&mut bytes);
                let sent: String = blake3::hash(&bytes).to_hex().chars().take(16).collect();
                found = Some(Suspicion { field: link.shape(side).name(*slot)?.clone(), form, sent });
            }
        }
        found
    }

    /// Whether a group may be written once more, see [`crate::plan::returns`].
    fn may_be_sent(&self, case: &Case<'_>, pair: &Pair, group: usize, to: Side) -> bool {
        if pair.trail.returns.is_empty() {
            return true;
        }
        let (source, target) = (*case.current.of(to.other()), *case.current.of(to));
        let context: &MapContext<'_> = case.context.of(to);
        let carried = self.cx.link.carry_group(group, to.other(), source, target, context);
        // What cannot be carried is parked for that.
        let Ok(planned) = carried else { return true };
        let known = planned.iter().filter_map(|(slot, planned)| match planned {
            Planned::Known(value) => Some((*slot, value.as_ref())),
            Planned::ResultOf(_) | Planned::TargetDecides => None,
        });
        let values: Vec<_> = known.collect();
        may_write(self.cx.link, pair, &case.current, Sending { group, to, values: &values })
    }

    /// Whether a group is parked because it would make a circle with a move on the other side.
    fn is_of_a_circle(&self, group: usize) -> bool {
        let rules = self.rule_ids(group);
        self.situation.open.iter().any(|open| {
            matches!(&open.why, AttentionWhy::Parked { reason: ParkedAs::Circle, rules: of, .. } if *of == rules)
        })
    }

    /// Whether a group is parked as suspect already.
    fn is_suspected(&self, group: usize) -> bool {
        let rules = self.rule_ids(group);
        self.situation.open.iter().any(|open| {
            matches!(&open.why, AttentionWhy::Parked { suspicion: Some(_), rules: of, .. } if *of == rules)
        })
    }

    fn has_changed(&self, case: &Case<'_>, group: usize, side: Side) -> bool {
        let slots = self.cx.link.groups().get(group).map(|group| group.slots.of(side).as_slice());
        let (forms, now) = (self.cx.link.forms(side), *case.current.of(side));
        let differs = |base: &Record, slot: usize| !forms.same_slot(slot, base, now);
        case.base
            .of(side)
            .is_some_and(|base| slots.unwrap_or_default().iter().any(|slot| differs(base, *slot)))
    }

    fn park_suspect(&mut self, case: &Case<'_>, group: usize, side: Side, suspicion: Suspicion) {
        let slot = self.cx.link.shape(side).slot(suspicion.field.as_str()).unwrap_or(usize::MAX);
        let sent = case.base.of(side).map(|base| base.get(slot).to_slot()).unwrap_or(Slot::Absent);
        let held = case.current.of(side).get(slot).to_slot();
        let message =
            format!("{} is {held}: {sent} was sent, this is it {}", suspicion.field, suspicion.form);
        let remedy = match suspicion.form.declared() {
            Some(_) => {
                "decide whose value is meant: the other side's, when this is only the system's form of it; or \
                        this one's, when somebody edited it. Or declare the form of the field"
            }
            None => {
                "decide whose value is meant: the other side's, when this is only the system's form of it; or \
                     this one's, when somebody edited it. Or let the rule round as the system does"
            }
        };
        self.park(Parked {
            side,
            id: self.id_of(side),
            rules: self.rule_ids(group),
            why: ParkReason::Suspected(suspicion),
            message,
            remedy: remedy.to_owned(),
        });
    }

    fn park_returned(&mut self, case: &Case<'_>, group: usize, to: Side) {
        let link = self.cx.link;
        let slots = link.groups().get(group).map(|group| group.slots.of(to).as_slice()).unwrap_or_default();
        let held = slots.iter().filter_map(|slot| {
            Some(format!("{} is {}", link.shape(to).name(*slot)?, case.current.of(to).get(*slot).to_slot()))
        });
        let held: Vec<String> = held.collect();
        self.park(Parked {
            side: to,
            id: self.id_of(to),
            rules: self.rule_ids(group),
            why: ParkReason::Returned,
            message: format!("{} again, whatever is written", held.join(", ")),
            remedy: "find out what changes it back there; or decide whose value is meant".to_owned(),
        });
    }
}

/// The sides whose values a judgement would carry, or overwrite as if they were edits.
fn suspects(judgement: Judgement) -> &'static [Side] {
    let one = |side: Side| match side {
        Side::Left => &[Side::Left] as &[Side],
        Side::Right => &[Side::Right],
    };
    match judgement {
        Judgement::Carry { to, why: CarryReason::Restored } => one(to),
        Judgement::Carry { to, why } => match why {
            CarryReason::FirstLinkFill | CarryReason::FirstLinkAuthority | CarryReason::Restored => &[],
            CarryReason::Changed
            | CarryReason::PolicyTook
            | CarryReason::NewestTook
            | CarryReason::CustomTook => one(to.other()),
        },
        Judgement::Conflict(ConflictReason::BothChanged | ConflictReason::Drift) => &Side::BOTH,
        // Parked as well: once the rule applies, or the other side shows its value again, what is there would look like an
        // edit.
        Judgement::NotApplied | Judgement::Unknown(_) => &Side::BOTH,
        _ => &[],
    }
}
