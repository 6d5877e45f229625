//! A pair while a batch of entries works on it, and what the batch makes of it. Pure: the rows go in when a batch begins
//! and come out as part of its commit.

use std::collections::HashMap;

use crate::merge::CompiledLink;
use crate::model::{Presence, Record, RecordId, RuleId, Side};
use crate::plan::{Attention, AttentionWhy, Entry, Pair, PairStatus};
use crate::store::{AttentionKind, Commit};

/// A pair while a batch works on it: the row as it is now and what is open about it.
#[derive(Default)]
pub(super) struct PairNow {
    pub(super) pair: Option<Pair>,
    pub(super) open: Vec<Attention>,
    pub(super) changed: bool,
    pub(super) open_changed: bool,
    pub(super) ended: Option<Pair>,
}

/// The pairs of a batch, by the side and id by which its entries name them.
pub(super) type PairsNow = HashMap<(Side, RecordId), PairNow>;

/// How entries name their pair: by the left id where there is one.
pub(super) fn pair_key(entry: &Entry) -> Option<(Side, RecordId)> {
    let left = entry.ids.left.clone().map(|id| (Side::Left, id));
    left.or_else(|| entry.ids.right.clone().map(|id| (Side::Right, id)))
}

/// Puts what a batch made of its pairs into the commit.
pub(super) fn put_pairs(link: &CompiledLink, now: PairsNow, commit: &mut Commit) {
    let id = &link.spec().id;
    let mut rows: Vec<((Side, RecordId), PairNow)> = now.into_iter().collect();
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    for ((side, key), row) in rows {
        let PairNow { pair, open, changed, open_changed, ended } = row;
        if let Some(mut ended) = ended {
            ended.status = PairStatus::Ended;
            ended.revision += 1;
            ended.watch = false;
            commit.pairs.push((id.clone(), ended));
        }
        if open_changed {
            let ids = pair.as_ref().map(|pair| Side::BOTH.map(|side| (side, pair.ids.of(side).clone())));
            let ids = ids.map_or_else(|| vec![(side, key.clone())], Vec::from);
            for (side, record) in ids {
                commit.settled.push((id.clone(), side, record.clone(), AttentionKind::Conflict));
                commit.settled.push((id.clone(), side, record, AttentionKind::Parked));
            }
            // Nothing is left of a record without a pair about which nothing is open: nor does it wait to be tried again.
            if pair.is_none() && open.is_empty() {
                commit.settled.push((id.clone(), side, key.clone(), AttentionKind::Retry));
            }
            let stays = |attention: &Attention| {
                matches!(attention.why, AttentionWhy::Conflict { .. } | AttentionWhy::Parked { .. })
            };
            commit.attention.extend(open.into_iter().filter(stays).map(|attention| (id.clone(), attention)));
        }
        if changed {
            commit.pairs.extend(pair.map(|pair| (id.clone(), pair)));
        }
    }
}

impl PairNow {
    pub(super) fn open_up(&mut self, attention: Attention) {
        self.open.retain(|known| !same_subject(known, &attention));
        self.open.push(attention);
        self.open_changed = true;
    }

    /// Has the pair looked at again by every run that sees it.
    pub(super) fn mark_watched(&mut self) {
        if let Some(pair) = &mut self.pair {
            pair.watch = true;
            pair.revision += 1;
            self.changed = true;
        }
    }

    /// Ends what was open about rules; without rules everything, since the record is gone.
    pub(super) fn close(&mut self, rules: &[RuleId]) {
        if rules.is_empty() {
            self.open.clear();
            self.open_changed = true;
            return;
        }
        let before = self.open.len();
        self.open.retain(|known| match &known.why {
            AttentionWhy::Conflict { rules: of, .. } | AttentionWhy::Parked { rules: of, .. } => {
                of.is_empty() || !of.iter().all(|rule| rules.contains(rule))
            }
            AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => true,
        });
        self.open_changed |= before != self.open.len();
    }

    /// Ends what was open about the record as a whole.
    pub(super) fn close_whole_record(&mut self) {
        let before = self.open.len();
        self.open
            .retain(|known| !matches!(&known.why, AttentionWhy::Parked { rules, .. } if rules.is_empty()));
        self.open_changed |= before != self.open.len();
    }
}

fn same_subject(a: &Attention, b: &Attention) -> bool {
    let subject = |attention: &Attention| match &attention.why {
        AttentionWhy::Conflict { rules, .. } => Some((0, rules.clone())),
        AttentionWhy::Parked { rules, .. } => Some((1, rules.clone())),
        AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => None,
    };
    a.side == b.side && a.id == b.id && subject(a).is_some() && subject(a) == subject(b)
}

/// Whether a group has no base at all: it was never settled, so the pair must be looked at again.
pub(super) fn has_unsettled(link: &CompiledLink, pair: &Pair) -> bool {
    let absent = |record: &Record, slots: &[usize]| {
        slots.iter().all(|slot| matches!(record.get(*slot), Presence::Absent))
    };
    link.groups().iter().any(|group| {
        absent(&pair.base.left, &group.slots.left) && absent(&pair.base.right, &group.slots.right)
    })
}
