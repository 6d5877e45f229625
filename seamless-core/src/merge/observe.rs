//! What each side of a pair changed, did not say, or has no base for, by group. Knows no policy. The doors are
//! [`see_narrow`] and [`see_wide`].

use crate::model::{Record, Side, Sides};

use super::reconcile::Case;
use super::verdict::bits_of;

/// What was seen of 64 groups.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Groups that a side changed.
    pub(super) changed: Sides<u64>,
    /// Groups of which a side did not say a field.
    pub(super) unsaid: Sides<u64>,
    /// Groups without bases.
    pub(super) baseless: u64,
}

/// What is seen where groups and watched slots of both sides fit one word. Allocates nothing unless a form must be
/// made.
pub(super) fn see_narrow(case: &Case<'_>) -> Seen {
    let mut seen = Seen::default();
    for side in Side::BOTH {
        let current = *case.current.of(side);
        *seen.unsaid.of_mut(side) = groups_of_slots(case, side, current.unsaid_low());
        let Some(base) = *case.base.of(side) else {
            seen.baseless = u64::MAX;
            continue;
        };
        seen.baseless |= groups_of_slots(case, side, base.unsaid_low());
        let slots = case.link.forms(side).differing_low(current, base);
        *seen.changed.of_mut(side) = groups_of_slots(case, side, slots);
    }
    seen.baseless |= case.rebased.low_word();
    seen
}

/// Slots as a word to groups as a word.
#[inline]
fn groups_of_slots(case: &Case<'_>, side: Side, slots: u64) -> u64 {
    let layout = &case.link.layout;
    let aligned = *layout.aligned.of(side);
    let mut groups = slots & aligned;
    for slot in bits_of(slots & !aligned, 0) {
        if let Some(Some(group)) = layout.group_of_slot.of(side).get(slot) {
            groups |= 1 << group;
        }
    }
    groups
}

/// The second path: any number of groups and slots.
pub(super) fn see_wide(case: &Case<'_>) -> Vec<Seen> {
    let mut words = vec![Seen::default(); case.link.groups().len().div_ceil(64)];
    for side in Side::BOTH {
        let (current, base) = (*case.current.of(side), *case.base.of(side));
        let unmoved = base.is_some_and(|base| current.same_bytes(base));
        for (slot, group) in case.link.layout.group_of_slot.of(side).iter().enumerate() {
            let Some(group) = *group else { continue };
            let Some(seen) = words.get_mut(group / 64) else { continue };
            let bit = 1 << (group % 64);
            let said = |record: &Record| record.get(slot).value().is_some();
            if !said(current) {
                *seen.unsaid.of_mut(side) |= bit;
            }
            match base {
                Some(base) if said(base) => {
                    if !unmoved && !case.link.forms(side).same_slot(slot, current, base) {
                        *seen.changed.of_mut(side) |= bit;
                    }
                }
                _ => seen.baseless |= bit,
            }
        }
        if base.is_none() {
            words.iter_mut().for_each(|seen| seen.baseless = u64::MAX);
        }
    }
    for group in case.rebased.iter() {
        if let Some(seen) = words.get_mut(group / 64) {
            seen.baseless |= 1 << (group % 64);
        }
    }
    words
}

/// Whether a group has bases: both records do, every slot of it was said, and no rule of it changed since.
pub(super) fn has_base(case: &Case<'_>, group: usize) -> bool {
    let Some(slots) = case.link.groups().get(group).map(|group| &group.slots) else { return false };
    let said = |side: Side| {
        case.base
            .of(side)
            .is_some_and(|base| slots.of(side).iter().all(|slot| base.get(*slot).value().is_some()))
    };
    !case.rebased.contains(group) && said(Side::Left) && said(Side::Right)
}
