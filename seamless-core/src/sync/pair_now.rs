//! A pair while a batch of entries works on it, and what the batch makes of it. Pure: the rows go in when a batch begins
//! and come out as part of its commit. The doors are [`pair_key`] and [`put_pairs`].

use std::collections::HashMap;

use crate::merge::CompiledLink;
use crate::model::{Presence, Record, RecordId, RuleId, Side, Timestamp};
use crate::plan::{
    Action, Attention, AttentionWhy, Entry, Pair, PairStatus, ParkedAs, PlannedTarget, PlannedVerb, state_of,
};
use crate::store::{AttentionKind, Commit};

/// A pair while a batch works on it: the row as it is now and what is open about it.
#[derive(Default)]
pub(super) struct PairNow {
    pub(super) pair: Option<Pair>,
    pub(super) open: Vec<Attention>,
    /// Whether the pair must be stored anew.
    pub(super) changed: bool,
    /// Whether what is open must be stored anew.
    pub(super) open_changed: bool,
    /// The pair that this one follows: of a restored record, or of one that was merged into another.
    pub(super) ended: Option<Box<Pair>>,
}

/// The pairs of a batch, by the side and id by which its entries name them.
pub(super) type PairsNow = HashMap<(Side, RecordId), PairNow>;

/// How entries name their pair: by the left id where there is one.
pub(super) fn pair_key(entry: &Entry) -> Option<(Side, RecordId)> {
    let left = entry.ids.left.clone().map(|id| (Side::Left, id));
    left.or_else(|| entry.ids.right.clone().map(|id| (Side::Right, id)))
}

/// A step on a record did not happen: those after it rely on it, in whatever batch and process they come, so the pair is
/// not any more as this plan left it. Only where actions follow writes can there be any.
pub(super) fn stop_steps(link: &CompiledLink, entry: &Entry, now: &mut PairsNow) {
    if entry.action().is_none_or(|action| link.moved(action.side).is_empty()) {
        return;
    }
    let pair_now = pair_key(entry).and_then(|key| now.get_mut(&key));
    if let Some(PairNow { pair: Some(pair), changed, .. }) = pair_now {
        pair.revision += 1;
        pair.plan = None;
        *changed = true;
    }
}

/// A write was refused. What was parked about the groups that it carries is over: the plan found that they can be carried,
/// and what waits now is the write. Conflicts stay until a commit ends them.
pub(super) fn close_carried(link: &CompiledLink, entry: &Entry, now: &mut PairsNow) {
    let Some(PairNow { open, open_changed, .. }) = pair_key(entry).and_then(|key| now.get_mut(&key)) else {
        return;
    };
    let rules =
        entry.settles.iter().filter_map(|group| link.groups().get(group)).flat_map(|group| &group.rules);
    let carried: Vec<&RuleId> =
        rules.filter_map(|rule| link.rules().get(usize::from(rule.0))).map(|rule| &rule.id).collect();
    let before = open.len();
    open.retain(|known| match &known.why {
        AttentionWhy::Parked { rules, reason, .. } => {
            matches!(reason, ParkedAs::Refused(_))
                || rules.is_empty()
                || !rules.iter().all(|rule| carried.contains(&rule))
        }
        AttentionWhy::Conflict { .. } | AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => true,
    });
    *open_changed |= before != open.len();
}

/// Puts what a batch made of its pairs into the commit.
pub(super) fn put_pairs(link: &CompiledLink, mut now: PairsNow, commit: &mut Commit) {
    let id = &link.spec().id;
    // The keys are sorted and not the pairs, which are large.
    let mut keys: Vec<(Side, RecordId)> = now.keys().cloned().collect();
    keys.sort_unstable();
    for (side, key) in keys {
        let Some(row) = now.remove(&(side, key.clone())) else { continue };
        let PairNow { pair, open, changed, open_changed, ended } = row;
        if let Some(mut ended) = ended {
            ended.status = PairStatus::Ended;
            ended.revision += 1;
            ended.watch = false;
            commit.pairs.push((id.clone(), *ended));
        }
        if open_changed {
            let ids = pair.as_ref().map(|pair| Side::BOTH.map(|side| (side, pair.ids.of(side).clone())));
            let ids = ids.map_or_else(|| vec![(side, key)], Vec::from);
            for (side, record) in ids {
                commit.settled.push((id.clone(), side, record.clone(), AttentionKind::Conflict));
                commit.settled.push((id.clone(), side, record, AttentionKind::Parked));
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
    /// Opens a conflict or a parked item, in place of an earlier one about the same rules.
    pub(super) fn open_up(&mut self, attention: Attention) {
        self.open.retain(|known| !same_subject(known, &attention));
        self.open.push(attention);
        self.open_changed = true;
    }

    /// An action happened: keeps that it left its record open, or that it is not open any more.
    pub(super) fn note_opened(&mut self, action: &Action, at: Timestamp) {
        let PlannedVerb::Action { name, back } = &action.verb else { return };
        let (Some(change), PlannedTarget::Existing(id)) = (action.changes.iter().next(), &action.target)
        else {
            return;
        };
        let subject = state_of(change.field);
        self.close(std::slice::from_ref(&subject));
        let (Some(back), Some(left)) = (back, change.after.known()) else { return };
        let (field, left, back) = (change.field.clone(), left.to_value(), back.clone());
        self.open_up(Attention {
            side: action.side,
            id: id.clone(),
            why: AttentionWhy::Parked {
                message: format!(
                    "{field} is {left} since {name}, so that it could be written; it was {back}"
                ),
                reason: ParkedAs::Opened { field, left, back },
                rules: vec![subject],
                remedy: "nothing: the next plan brings it back; or bring it to the state that it is to have"
                    .to_owned(),
                suspicion: None,
            },
            due: at,
            since: at,
        });
    }

    /// Has the pair looked at again by every run that sees it.
    pub(super) fn mark_watched(&mut self) {
        if let Some(pair) = &mut self.pair {
            pair.watch = true;
            pair.revision += 1;
            self.changed = true;
        }
    }

    /// Ends what was open about rules.
    pub(super) fn close(&mut self, rules: &[RuleId]) {
        let before = self.open.len();
        self.open.retain(|known| match &known.why {
            AttentionWhy::Conflict { rules: of, .. } | AttentionWhy::Parked { rules: of, .. } => {
                of.is_empty() || !of.iter().all(|rule| rules.contains(rule))
            }
            AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => true,
        });
        self.open_changed |= before != self.open.len();
    }

    /// Ends what waited because one of the records could not be seen.
    pub(super) fn close_seen(&mut self) {
        let before = self.open.len();
        self.open.retain(|known| {
            !matches!(&known.why, AttentionWhy::Parked { rules, reason, .. }
                if rules.is_empty() && reason.is_about_seeing())
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

/// Whether one takes the other's place. About rules of a pair there is one thing open at most, a conflict or something
/// parked, whichever of the two records it is told of.
fn same_subject(a: &Attention, b: &Attention) -> bool {
    let subject = |attention: &Attention| match &attention.why {
        AttentionWhy::Conflict { rules, .. } | AttentionWhy::Parked { rules, .. } => Some(rules.clone()),
        AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => None,
    };
    let Some(rules) = subject(a) else { return false };
    subject(b).as_ref() == Some(&rules) && (!rules.is_empty() || a.side == b.side && a.id == b.id)
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
