//! Whether the state is older than the systems: restored from a backup, or a copy that was left behind. What was kept in
//! step after the backup then shows as the same change on both sides, pair after pair, which people do not do. The guard
//! on it stops the plan. Knows no limit; that is the guard's. The door is [`SameChanges::see`].
//!
//! Nothing else shows it: versions and cursors of a system say how far the system is, and not how far a state was.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::connector::Versioned;
use crate::merge::CompiledLink;
use crate::model::{Side, Sides};
use crate::plan::{Body, Decision, Effect, Pair};

/// Pairs of a link in which both sides changed to the same since their bases.
#[derive(Debug, Default)]
pub(super) struct SameChanges(AtomicU64);

impl SameChanges {
    /// Counts a pair whose decision is that both sides agree although both have changed.
    pub(super) fn see(
        &self,
        link: &CompiledLink,
        pair: &Pair,
        halves: &Sides<Option<&Versioned>>,
        decision: &Decision,
    ) {
        let Sides { left: Some(left), right: Some(right) } = halves else { return };
        let now = Sides::new(left, right);
        let agreed =
            decision.entries.iter().filter(|entry| matches!(entry.body, Body::Effect(Effect::Agree)));
        let changed = |group: usize, side: Side| {
            let slots = link.groups().get(group).map(|group| group.slots.of(side).as_slice());
            let (base, sent) = (pair.base.of(side), pair.trail.acknowledged.of(side));
            slots.unwrap_or_default().iter().any(|slot| {
                // What was only acknowledged may be the system's own form of it.
                base.get(*slot).value().is_some()
                    && !sent.contains(*slot)
                    && !link.forms(side).same_slot(*slot, base, &now.of(side).record)
            })
        };
        let both = |group: usize| changed(group, Side::Left) && changed(group, Side::Right);
        if agreed.flat_map(|entry| entry.settles.iter()).any(both) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
