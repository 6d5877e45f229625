//! A pair whose record was merged into another one goes on with that one: what becomes of the former pair, of the one
//! that follows it, and of what was open about them. Part of applying; the door is [`Applying::relink`].

use crate::merge::CompiledLink;
use crate::model::{Bits, PlanId, Record, RecordId, Side, Sides};
use crate::plan::{Entry, GONE, Pair};
use crate::store::{AttentionKind, Commit};

use super::applying::Applying;
use super::pair_now::{PairsNow, has_unsettled, pair_key};

impl Applying<'_> {
    /// Ends the pair of records one of which was merged, and begins one with the survivor, which takes its bases over.
    /// What was open about them ended with them: what still is, is opened anew by entries that follow.
    pub(super) fn relink(
        &self,
        link: &CompiledLink,
        entry: &Entry,
        into: &Sides<Option<RecordId>>,
        now: &mut PairsNow,
        commit: &mut Commit,
    ) {
        let id = &link.spec().id;
        let before = pair_key(entry).and_then(|key| now.get_mut(&key));
        let Some((pair_now, before)) = before.and_then(|now| now.pair.take().map(|pair| (now, pair))) else {
            return;
        };
        pair_now.open.clear();
        for side in Side::BOTH {
            let of = before.ids.of(side);
            let kinds: &[AttentionKind] = match into.of(side) {
                Some(_) => &[AttentionKind::All],
                None => &[AttentionKind::Parked, AttentionKind::Conflict],
            };
            commit.settled.extend(kinds.iter().map(|kind| (id.clone(), side, of.clone(), *kind)));
            // What the survivor waited for while it had no partner.
            let into = into.of(side).iter().cloned();
            commit.settled.extend(into.map(|into| (id.clone(), side, into, AttentionKind::Parked)));
        }
        let decisions = self.decisions.get(&(id.clone(), before.ids.left.clone())).into_iter().flatten();
        let of_pair = decisions.filter(|made| made.ids == before.ids);
        commit.resolved.extend(of_pair.map(|made| (id.clone(), made.clone())));
        let (ended, mut pair) = goes_on(link, before, into, self.plan);
        pair.watch = has_unsettled(link, &pair);
        let key = (Side::Left, pair.ids.left.clone());
        pair_now.ended = Some(Box::new(ended));
        let survivor = now.entry(key).or_default();
        survivor.close_whole_record();
        survivor.pair = Some(pair);
        survivor.changed = true;
    }
}

/// The pair of records of which some were merged into others: the former pair as it ends, and the one that goes on
/// with its bases. What is gone has no base any more, so that a record that comes back is there anew.
fn goes_on(link: &CompiledLink, before: Pair, into: &Sides<Option<RecordId>>, plan: &PlanId) -> (Pair, Pair) {
    let mut pair = before.clone();
    let mut ended = before;
    for side in Side::BOTH {
        let Some(into) = into.of(side) else { continue };
        *pair.ids.of_mut(side) = into.clone();
        for pair in [&mut pair, &mut ended] {
            *pair.version.of_mut(side) = None;
        }
        *ended.base.of_mut(side) = Record::absent(link.shape(side));
        *ended.fingerprint.of_mut(side) = GONE;
        // We wrote the record that is gone, not the one that stays: what differs there nobody made of our writes.
        *pair.trail.written.of_mut(side) = Bits::new();
        *pair.trail.acknowledged.of_mut(side) = Bits::new();
    }
    pair.revision += 1;
    pair.plan = Some(plan.clone());
    ended.plan = Some(plan.clone());
    (ended, pair)
}
