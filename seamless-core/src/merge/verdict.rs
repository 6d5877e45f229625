//! What was decided about each group of a pair, as bits. Knows no values. The door is [`Verdict::judgement`].
//!
//! Most pairs are quiet and most groups of the others too, so a verdict is kept as bit planes: a judgement is a small
//! number, plane `n` holds the `n`-th bit of every group's number. Nothing is allocated up to 64 groups, giving a
//! whole set of groups the same judgement is a handful of word operations, and a boxed conflict per group, which
//! costs more than the merge itself, never exists.

use crate::model::{Bits, Side};

/// What is to be done about a group of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// Neither side changed. Nothing is done.
    Settled,
    /// The sides mean the same; the bases become what is held now. Nothing is written.
    Agree(AgreeReason),
    /// The sides differ and that is wanted; the bases become what is held now. Nothing is written.
    Kept(KeptReason),
    /// The rules of the group do not apply to the record that would be carried from. Nothing is written, and the
    /// bases stay, so that the change goes over once they apply.
    NotApplied,
    /// The other side's value is written to this side.
    Carry {
        /// The side that is written.
        to: Side,
        /// On what ground.
        why: CarryReason,
    },
    /// Both sides' edits are put together; [`merged`](super::merged) has the values.
    Merge,
    /// Nothing is written, the bases stay, a person decides; [`conflict`](super::conflict) has the values.
    Conflict(ConflictReason),
    /// Neither side changed and yet they are not consistent. Reported, never repaired.
    Diverged,
    /// This side did not say or refused to say what a field holds (the left is named when neither did). Nothing is
    /// known, nothing is done, the bases stay.
    Unknown(Side),
}

/// Why the sides agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AgreeReason {
    /// Both sides changed to the same.
    SameChange,
    /// One side changed to what the other one means already.
    AlreadyThere,
    /// There was no base, and the sides mean the same.
    FirstLink,
}

/// Why a difference is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeptReason {
    /// The target of a one-way rule was edited and its policy keeps that.
    Drift,
    /// The rule is sent only when a record is created.
    CreateOnly,
}

/// On what ground a value is carried. All but the first two overwrite something that a person may have typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CarryReason {
    /// Only the other side changed.
    Changed,
    /// There was no base and this side was blank.
    FirstLinkFill,
    /// There was no base and the rule names the side that wins.
    FirstLinkAuthority,
    /// Both changed and the rule names the side that wins.
    PolicyTook,
    /// Both changed and the other side did so later.
    NewestTook,
    /// Both changed and a registered function chose the other side.
    CustomTook,
    /// The target of a one-way rule was edited and its policy writes the value again.
    Restored,
}

/// Why nothing could be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConflictReason {
    /// Both sides changed, differently.
    BothChanged,
    /// There is no base and the sides differ.
    FirstLink,
    /// The target of a one-way rule was edited.
    Drift,
}

const PLANES: usize = 5;

/// Bit `n` of plane `p`: the `p`-th bit of the judgement of the `n`-th group of these 64.
pub(super) type Planes = [u64; PLANES];

/// Every judgement at the place that is its number. Settled is number 0, so that a quiet verdict is all zeros.
const JUDGEMENTS: [Judgement; 28] = [
    Judgement::Settled,
    Judgement::Agree(AgreeReason::SameChange),
    Judgement::Agree(AgreeReason::AlreadyThere),
    Judgement::Agree(AgreeReason::FirstLink),
    Judgement::Kept(KeptReason::Drift),
    Judgement::Kept(KeptReason::CreateOnly),
    Judgement::NotApplied,
    Judgement::Merge,
    Judgement::Conflict(ConflictReason::BothChanged),
    Judgement::Conflict(ConflictReason::FirstLink),
    Judgement::Conflict(ConflictReason::Drift),
    Judgement::Diverged,
    Judgement::Unknown(Side::Left),
    Judgement::Unknown(Side::Right),
    Judgement::Carry { to: Side::Left, why: CarryReason::Changed },
    Judgement::Carry { to: Side::Right, why: CarryReason::Changed },
    Judgement::Carry { to: Side::Left, why: CarryReason::FirstLinkFill },
    Judgement::Carry { to: Side::Right, why: CarryReason::FirstLinkFill },
    Judgement::Carry { to: Side::Left, why: CarryReason::FirstLinkAuthority },
    Judgement::Carry { to: Side::Right, why: CarryReason::FirstLinkAuthority },
    Judgement::Carry { to: Side::Left, why: CarryReason::PolicyTook },
    Judgement::Carry { to: Side::Right, why: CarryReason::PolicyTook },
    Judgement::Carry { to: Side::Left, why: CarryReason::NewestTook },
    Judgement::Carry { to: Side::Right, why: CarryReason::NewestTook },
    Judgement::Carry { to: Side::Left, why: CarryReason::CustomTook },
    Judgement::Carry { to: Side::Right, why: CarryReason::CustomTook },
    Judgement::Carry { to: Side::Left, why: CarryReason::Restored },
    Judgement::Carry { to: Side::Right, why: CarryReason::Restored },
];

impl Judgement {
    /// The place in [`JUDGEMENTS`].
    fn number(self) -> usize {
        let side = |side: Side| usize::from(side == Side::Right);
        match self {
            Judgement::Settled => 0,
            Judgement::Agree(AgreeReason::SameChange) => 1,
            Judgement::Agree(AgreeReason::AlreadyThere) => 2,
            Judgement::Agree(AgreeReason::FirstLink) => 3,
            Judgement::Kept(KeptReason::Drift) => 4,
            Judgement::Kept(KeptReason::CreateOnly) => 5,
            Judgement::NotApplied => 6,
            Judgement::Merge => 7,
            Judgement::Conflict(ConflictReason::BothChanged) => 8,
            Judgement::Conflict(ConflictReason::FirstLink) => 9,
            Judgement::Conflict(ConflictReason::Drift) => 10,
            Judgement::Diverged => 11,
            Judgement::Unknown(of) => 12 + side(of),
            Judgement::Carry { to, why } => {
                14 + side(to)
                    + 2 * match why {
                        CarryReason::Changed => 0,
                        CarryReason::FirstLinkFill => 1,
                        CarryReason::FirstLinkAuthority => 2,
                        CarryReason::PolicyTook => 3,
                        CarryReason::NewestTook => 4,
                        CarryReason::CustomTook => 5,
                        CarryReason::Restored => 6,
                    }
            }
        }
    }

    /// The same, seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Judgement::Carry { to, why } => Judgement::Carry { to: to.other(), why },
            Judgement::Unknown(side) => Judgement::Unknown(side.other()),
            same => same,
        }
    }

    /// Whether the bases become what is held now without a write.
    pub fn moves_bases(self) -> bool {
        matches!(self, Judgement::Agree(_) | Judgement::Kept(_))
    }
}

/// What was decided about a pair: one judgement per group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    groups: usize,
    low: Planes,
    high: Vec<Planes>,
}

impl Verdict {
    /// The verdict in which every group of so many is settled. What another [`Reconciler`](super::Reconciler) starts
    /// from.
    pub fn settled(groups: usize) -> Self {
        Self { groups, low: [0; PLANES], high: vec![[0; PLANES]; groups.saturating_sub(1) / 64] }
    }

    pub(super) fn of_words(groups: usize, low: Planes, high: Vec<Planes>) -> Self {
        Self { groups, low, high }
    }

    /// How many groups were judged.
    pub fn len(&self) -> usize {
        self.groups
    }

    /// Whether there was no group to judge.
    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    /// What was decided about a group; settled beyond the last.
    pub fn judgement(&self, group: usize) -> Judgement {
        let planes = self.planes(group / 64);
        let bit = |place: usize| planes.get(place).map_or(0, |plane| plane >> (group % 64) & 1) << place;
        let number = (0..PLANES).map(bit).sum::<u64>() as usize;
        JUDGEMENTS.get(number).copied().unwrap_or(Judgement::Settled)
    }

    /// Replaces what was decided about a group. A group beyond the last changes nothing.
    pub fn set(&mut self, group: usize, judgement: Judgement) {
        if group >= self.groups {
            return;
        }
        let planes = match group / 64 {
            0 => Some(&mut self.low),
            word => self.high.get_mut(word - 1),
        };
        if let Some(planes) = planes {
            let mask = 1 << (group % 64);
            planes.iter_mut().for_each(|plane| *plane &= !mask);
            give(planes, mask, judgement);
        }
    }

    /// Whether every group is settled: nothing to write, nothing to commit, nothing to report.
    pub fn is_quiet(&self) -> bool {
        std::iter::once(&self.low).chain(&self.high).all(|planes| planes.iter().all(|plane| *plane == 0))
    }

    /// The groups that are not settled, in order, with what was decided.
    pub fn loud(&self) -> impl Iterator<Item = (usize, Judgement)> + '_ {
        let words = std::iter::once(&self.low).chain(&self.high).enumerate();
        words
            .flat_map(|(place, planes)| bits_of(planes.iter().fold(0, |all, plane| all | plane), place))
            .map(|group| (group, self.judgement(group)))
    }

    /// The groups with this judgement.
    pub fn all(&self, judgement: Judgement) -> Bits {
        self.matching(|held| held == judgement)
    }

    /// The groups whose value is written to a side; merges not counted.
    pub fn carried_to(&self, side: Side) -> Bits {
        self.matching(|held| matches!(held, Judgement::Carry { to, .. } if to == side))
    }

    /// The groups in conflict.
    pub fn conflicts(&self) -> Bits {
        self.matching(|held| matches!(held, Judgement::Conflict(_)))
    }

    /// The groups whose bases become what is held now, without a write.
    pub fn moved_bases(&self) -> Bits {
        self.matching(Judgement::moves_bases)
    }

    fn matching(&self, wanted: impl Fn(Judgement) -> bool) -> Bits {
        (0..self.groups).filter(|group| wanted(self.judgement(*group))).collect()
    }

    fn planes(&self, word: usize) -> &Planes {
        match word {
            0 => &self.low,
            word => self.high.get(word - 1).unwrap_or(&[0; PLANES]),
        }
    }
}

/// Gives all groups of a mask, none of which has one yet, a judgement.
#[inline]
pub(super) fn give(planes: &mut Planes, mask: u64, judgement: Judgement) {
    let number = judgement.number();
    for (place, plane) in planes.iter_mut().enumerate() {
        if number >> place & 1 == 1 {
            *plane |= mask;
        }
    }
}

/// The groups whose bits are set in one word of 64.
pub(super) fn bits_of(mut word: u64, place: usize) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        if bit == 64 {
            return None;
        }
        word &= word - 1;
        Some(place * 64 + bit)
    })
}

#[cfg(test)]
mod tests {
    use super::{
        AgreeReason, CarryReason, ConflictReason, JUDGEMENTS, Judgement, KeptReason, PLANES, Side, Verdict,
    };

    // Catches: a judgement whose number is another one's, or does not fit the planes.
    #[test]
    fn every_judgement_reads_back_as_it_was_given_in_every_word() {
        assert!(JUDGEMENTS.len() <= 1 << PLANES);
        for (place, judgement) in JUDGEMENTS.into_iter().enumerate() {
            assert_eq!(judgement.number(), place);
            assert_eq!(judgement.mirrored().mirrored(), judgement);
            for group in [0, 63, 64, 129] {
                let mut verdict = Verdict::settled(130);
                verdict.set(group, Judgement::Diverged);
                verdict.set(group, judgement);
                assert_eq!(verdict.judgement(group), judgement);
                assert_eq!(verdict.is_quiet(), judgement == Judgement::Settled);
                let loud: Vec<_> = verdict.loud().collect();
                assert_eq!(loud.len(), usize::from(judgement != Judgement::Settled));
                assert!(loud.iter().all(|found| *found == (group, judgement)));
                assert_eq!(verdict.judgement(1), Judgement::Settled);
            }
        }
    }

    #[test]
    fn a_group_beyond_the_last_cannot_be_judged() {
        let mut verdict = Verdict::settled(3);
        verdict.set(3, Judgement::Merge);
        assert!(verdict.is_quiet());
    }

    // Catches: a set of groups that is asked for by one judgement and told by another.
    #[test]
    fn the_groups_of_a_verdict_are_found_by_what_was_decided() {
        let carry = |to| Judgement::Carry { to, why: CarryReason::Changed };
        let decided = [
            (1, carry(Side::Left)),
            (2, carry(Side::Right)),
            (63, Judgement::Merge),
            (64, Judgement::Conflict(ConflictReason::Drift)),
            (65, Judgement::Agree(AgreeReason::SameChange)),
            (100, Judgement::Kept(KeptReason::Drift)),
            (129, carry(Side::Right)),
        ];
        let mut verdict = Verdict::settled(130);
        assert!(!verdict.is_empty() && Verdict::settled(0).is_empty());
        decided.iter().for_each(|(group, judgement)| verdict.set(*group, *judgement));
        let those = |found: crate::model::Bits| found.iter().collect::<Vec<_>>();
        assert_eq!(those(verdict.carried_to(Side::Left)), [1]);
        assert_eq!(those(verdict.carried_to(Side::Right)), [2, 129]);
        assert_eq!(those(verdict.conflicts()), [64]);
        assert_eq!(those(verdict.moved_bases()), [65, 100]);
        assert_eq!(those(verdict.all(Judgement::Merge)), [63]);
        assert_eq!(those(verdict.all(Judgement::Settled)).len(), 130 - decided.len());
    }
}
