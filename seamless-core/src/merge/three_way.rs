//! The three-way merge: from what each side changed against its own base to a judgement per group, many groups at a
//! time where their rules only copy. Knows no values of the result. The door is [`ThreeWay`].

use crate::model::{Side, Sides};

use super::judge::Pair;
use super::observe::{Seen, see_narrow, see_wide};
use super::reconcile::{Case, Reconciler};
use super::verdict::{AgreeReason, CarryReason, ConflictReason, Judgement, Planes, Verdict, bits_of, give};

/// The reconciler that ships: a three-way merge per group against a base per side, then the policies of the rules.
///
/// In this order, per group: what a side did not say is unknown and stays as it is; without bases it is a first link;
/// where nothing changed all is well; where both changed to the same the sides agree; where one changed its value is
/// carried, if it may go there; where both did, the policy decides. A side that goes back to its base, or comes to
/// mean what the other one does, ends a conflict by itself, since everything is judged from the bases every time.
///
/// Total, never panics. Up to 64 groups and 64 watched fields a side, nothing is allocated unless a canonical form
/// must be made or a computed rule must be carried to compare. A pair in which nothing changed costs one walk over each
/// of its four records (`benches/`, `diff_merge`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreeWay;

impl Reconciler for ThreeWay {
    fn reconcile(&self, case: &Case<'_>) -> Verdict {
        let groups = case.link.groups().len();
        let mut verdict = if case.link.layout.narrow {
            Verdict::of_words(groups, judge_word(case, 0, &see_narrow(case)), Vec::new())
        } else {
            let mut words = see_wide(case).into_iter().enumerate();
            let low =
                words.next().map_or_else(Planes::default, |(place, seen)| judge_word(case, place, &seen));
            Verdict::of_words(
                groups,
                low,
                words.map(|(place, seen)| judge_word(case, place, &seen)).collect(),
            )
        };
        if case.link.layout.has_depends {
            wait_for_what_decides(case, &mut verdict);
        }
        verdict
    }
}

/// A value whose form depends on another field does not move while that field is open: an amount would be rounded,
/// again at every run, to the currency that its row has not left yet.
fn wait_for_what_decides(case: &Case<'_>, verdict: &mut Verdict) {
    for (group, depends) in case.link.layout.depends.iter().enumerate() {
        if matches!(verdict.judgement(group), Judgement::Carry { .. } | Judgement::Merge) {
            let mut decided = depends.iter().map(|on| verdict.judgement(*on));
            let open = decided.find(|on| matches!(on, Judgement::Conflict(_) | Judgement::Unknown(_)));
            if let Some(open) = open {
                verdict.set(group, open);
            }
        }
    }
}

/// The groups of a word, all set.
fn mask_of(groups: usize, place: usize) -> u64 {
    match groups.saturating_sub(place * 64) {
        left if left >= 64 => u64::MAX,
        left => (1 << left) - 1,
    }
}

/// Judges 64 groups.
fn judge_word(case: &Case<'_>, place: usize, seen: &Seen) -> Planes {
    let mut planes = Planes::default();
    let all = mask_of(case.link.groups().len(), place);
    let unsaid = (seen.unsaid.left | seen.unsaid.right) & all;
    let first = seen.baseless & all & !unsaid;
    let rest = all & !unsaid & !first;
    let (left, right) = (seen.changed.left & rest, seen.changed.right & rest);
    // What follows another record can have another value although nothing of the pair changed.
    let follows = case.link.layout.follows.get(place).copied().unwrap_or(0) & rest & !(left | right);
    if unsaid | first | left | right | follows == 0 && !case.check_all {
        return planes;
    }
    give(&mut planes, seen.unsaid.left & all, Judgement::Unknown(Side::Left));
    give(&mut planes, unsaid & !seen.unsaid.left, Judgement::Unknown(Side::Right));
    for group in bits_of(first, place) {
        let judgement = Pair::new(case, group).map_or(Judgement::Settled, Pair::first_link);
        give(&mut planes, 1 << (group % 64), judgement);
    }
    let word = |words: &[u64]| words.get(place).copied().unwrap_or(0);
    let quiet = if case.check_all { rest & !(left | right) } else { follows };
    let plain = rest & word(&case.link.layout.plain);
    let same = same_of_plain(case, place, plain & (left | right | quiet));
    let (parks, apart) = (word(&case.link.layout.parks), !same);
    give(&mut planes, plain & (left ^ right) & same, Judgement::Agree(AgreeReason::AlreadyThere));
    give(&mut planes, plain & left & right & same, Judgement::Agree(AgreeReason::SameChange));
    let changed = |to| Judgement::Carry { to, why: CarryReason::Changed };
    give(&mut planes, plain & left & !right & apart, changed(Side::Right));
    give(&mut planes, plain & right & !left & apart, changed(Side::Left));
    give(&mut planes, plain & left & right & apart & parks, Judgement::Conflict(ConflictReason::BothChanged));
    for group in bits_of(left & right & plain & apart & !parks, place) {
        let judgement = Pair::new(case, group).map_or(Judgement::Settled, Pair::by_policy);
        give(&mut planes, 1 << (group % 64), judgement);
    }
    for group in bits_of((left | right | quiet) & !plain | quiet & plain & apart, place) {
        let bit = 1 << (group % 64);
        let judgement =
            Pair::new(case, group).map_or(Judgement::Settled, |pair| match (left & bit, right & bit) {
                (0, 0) => pair.not_changed(),
                (_, 0) => pair.one_changed(Side::Left),
                (0, _) => pair.one_changed(Side::Right),
                _ => pair.both_changed(),
            });
        give(&mut planes, bit, judgement);
    }
    planes
}

/// Those of some plain groups in which both sides mean the same.
fn same_of_plain(case: &Case<'_>, place: usize, groups: u64) -> u64 {
    /// From so many groups on, one walk over all fields is faster than a look at each group.
    const MANY: u32 = 4;
    let Case { link, current: Sides { left, right }, .. } = case;
    let aligned = link.layout.aligned.left & link.layout.aligned.right;
    let (mut same, mut looked_at) = (0, groups);
    if place == 0 && groups.count_ones() >= MANY && groups & !aligned == 0 {
        same = groups & !left.differing_low(right);
        looked_at = groups & !same;
    }
    for group in bits_of(looked_at, place) {
        if let Some(Some(pair)) = link.layout.copies.get(group) {
            same |= u64::from(link.copy_same(pair, left, right)) << (group % 64);
        }
    }
    same
}
