//! The three-way merge: what each side changed against its own base, and what the rules' policies make of it. Knows
//! no values of the result. The door is [`ThreeWay`].

use crate::mapper::{ConflictPolicy, DriftPolicy, FirstLinkPolicy, Settlement, WriteOn};
use crate::model::{Record, RuleIndex, Side, Sides, Slot, Truth};

use super::groups::Group;
use super::reconcile::{Case, Reconciler};
use super::verdict::{
    AgreeReason, CarryReason, ConflictReason, Judgement, KeptReason, Planes, Verdict, bits_of, give,
};

/// The reconciler that ships: a three-way merge per group against a base per side, then the policies of the rules.
///
/// In this order, per group: what a side did not say is unknown and stays as it is; without bases it is a first link;
/// where nothing changed all is well; where both changed to the same the sides agree; where one changed its value is
/// carried, if it may go there; where both did, the policy decides. A side that goes back to its base, or comes to
/// mean what the other one does, ends a conflict by itself, since everything is judged from the bases every time.
///
/// Total, never panics. Up to 64 groups and 64 watched fields a side, nothing is allocated unless a canonical form
/// must be made or a computed rule must be carried to compare. Two records with the bytes of their bases cost two
/// memory comparisons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreeWay;

/// What was seen of 64 groups.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Groups that a side changed.
    changed: Sides<u64>,
    /// Groups of which a side did not say a field.
    unsaid: Sides<u64>,
    /// Groups without bases.
    baseless: u64,
}

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

fn see_narrow(case: &Case<'_>) -> Seen {
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
fn see_wide(case: &Case<'_>) -> Vec<Seen> {
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

fn judge_word(case: &Case<'_>, place: usize, seen: &Seen) -> Planes {
    let mut planes = Planes::default();
    let all = mask_of(case.link.groups().len(), place);
    let unsaid = (seen.unsaid.left | seen.unsaid.right) & all;
    let first = seen.baseless & all & !unsaid;
    let rest = all & !unsaid & !first;
    let (left, right) = (seen.changed.left & rest, seen.changed.right & rest);
    if unsaid | first | left | right == 0 && !case.check_all {
        return planes;
    }
    give(&mut planes, seen.unsaid.left & all, Judgement::Unknown(Side::Left));
    give(&mut planes, unsaid & !seen.unsaid.left, Judgement::Unknown(Side::Right));
    for group in bits_of(first, place) {
        give(
            &mut planes,
            1 << (group % 64),
            Pair::new(case, group).map_or(Judgement::Settled, Pair::first_link),
        );
    }
    let word = |words: &[u64]| words.get(place).copied().unwrap_or(0);
    let quiet = if case.check_all { rest & !(left | right) } else { 0 };
    let plain = rest & word(&case.link.layout.plain);
    let same = same_of_plain(case, place, plain & (left | right | quiet));
    let (parks, apart) = (word(&case.link.layout.parks), !same);
    give(&mut planes, plain & (left ^ right) & same, Judgement::Agree(AgreeReason::AlreadyThere));
    give(&mut planes, plain & left & right & same, Judgement::Agree(AgreeReason::SameChange));
    let changed = |to| Judgement::Carry { to, why: CarryReason::Changed };
    give(&mut planes, plain & left & !right & apart, changed(Side::Right));
    give(&mut planes, plain & right & !left & apart, changed(Side::Left));
    give(&mut planes, plain & left & right & apart & parks, Judgement::Conflict(ConflictReason::BothChanged));
    give(&mut planes, plain & quiet & apart, Judgement::Diverged);
    for group in bits_of(left & right & plain & apart & !parks, place) {
        let judgement = Pair::new(case, group).map_or(Judgement::Settled, Pair::by_policy);
        give(&mut planes, 1 << (group % 64), judgement);
    }
    for group in bits_of((left | right | quiet) & !plain, place) {
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

/// One group of a case.
#[derive(Clone, Copy)]
struct Pair<'a> {
    case: &'a Case<'a>,
    place: usize,
    group: &'a Group,
}

/// Whether a value may go to a side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// The direction of the rules or of the link forbids it.
    Forbidden,
    /// No rule applies to the record that it would come from.
    NotApplied,
    /// Whether a rule applies cannot be seen on the side that it would come from.
    Unknown,
}

impl<'a> Pair<'a> {
    fn new(case: &'a Case<'a>, place: usize) -> Option<Self> {
        Some(Self { case, place, group: case.link.groups().get(place)? })
    }

    /// R, as far as it can be known.
    fn consistent(self) -> Option<bool> {
        let Case { link, current, context, .. } = self.case;
        link.consistent(self.place, current.left, current.right, context)
    }

    fn way(self, to: Side) -> Way {
        let from = to.other();
        if !self.case.link.allows(self.place, to) {
            return Way::Forbidden;
        }
        match self.case.link.applies(self.place, from, self.case.current.of(from)) {
            Truth::In => Way::Open,
            Truth::Out => Way::NotApplied,
            Truth::Unknown => Way::Unknown,
        }
    }

    /// Carries to a side if the way is open; what else is said if the direction forbids it.
    fn carry(self, to: Side, why: CarryReason, forbidden: Judgement) -> Judgement {
        match self.way(to) {
            Way::Open => Judgement::Carry { to, why },
            Way::Forbidden => forbidden,
            Way::NotApplied => Judgement::NotApplied,
            Way::Unknown => Judgement::Unknown(to.other()),
        }
    }

    /// Whether no value of the group can go anywhere.
    fn closed(self) -> Option<Judgement> {
        match (self.way(Side::Right), self.way(Side::Left)) {
            (Way::Open, _) | (_, Way::Open) => None,
            (Way::Unknown, _) => Some(Judgement::Unknown(Side::Left)),
            (_, Way::Unknown) => Some(Judgement::Unknown(Side::Right)),
            _ => Some(Judgement::NotApplied),
        }
    }

    fn first_link(self) -> Judgement {
        let conflict = Judgement::Conflict(ConflictReason::FirstLink);
        if self.consistent() == Some(true) {
            return Judgement::Agree(AgreeReason::FirstLink);
        }
        if let Some(closed) = self.closed() {
            return closed;
        }
        if self.group.on == WriteOn::Create {
            return Judgement::Kept(KeptReason::CreateOnly);
        }
        match self.group.first_link {
            FirstLinkPolicy::Park => conflict,
            FirstLinkPolicy::Take(side) => {
                self.carry(side.other(), CarryReason::FirstLinkAuthority, conflict)
            }
            FirstLinkPolicy::FillBlanks => match (self.is_blank(Side::Left), self.is_blank(Side::Right)) {
                (true, false) => self.carry(Side::Left, CarryReason::FirstLinkFill, conflict),
                (false, true) => self.carry(Side::Right, CarryReason::FirstLinkFill, conflict),
                // Nothing and empty text are both blank; which of them is right is the mapping's to say.
                (true, true) | (false, false) => conflict,
            },
        }
    }

    fn one_changed(self, by: Side) -> Judgement {
        if self.consistent() == Some(true) {
            return Judgement::Agree(AgreeReason::AlreadyThere);
        }
        if self.group.on == WriteOn::Create {
            return Judgement::Kept(KeptReason::CreateOnly);
        }
        if self.case.link.allows(self.place, by.other()) {
            return self.carry(by.other(), CarryReason::Changed, Judgement::NotApplied);
        }
        if !self.case.link.allows(self.place, by) {
            return Judgement::NotApplied;
        }
        match self.group.on_drift {
            DriftPolicy::Keep => Judgement::Kept(KeptReason::Drift),
            DriftPolicy::Restore => self.carry(by, CarryReason::Restored, Judgement::NotApplied),
            DriftPolicy::Park => Judgement::Conflict(ConflictReason::Drift),
        }
    }

    fn both_changed(self) -> Judgement {
        if self.consistent() == Some(true) {
            return Judgement::Agree(AgreeReason::SameChange);
        }
        if let Some(closed) = self.closed() {
            return closed;
        }
        if self.group.on == WriteOn::Create {
            return Judgement::Kept(KeptReason::CreateOnly);
        }
        self.by_policy()
    }

    /// What the policy says where both sides changed, differently.
    fn by_policy(self) -> Judgement {
        let conflict = Judgement::Conflict(ConflictReason::BothChanged);
        let take = |side: Side, why| self.carry(side.other(), why, conflict);
        match &self.group.on_conflict {
            ConflictPolicy::Park => conflict,
            ConflictPolicy::Take(side) => take(*side, CarryReason::PolicyTook),
            ConflictPolicy::Newest { skew } => match self.newest(*skew) {
                Some(side) => take(side, CarryReason::NewestTook),
                None => conflict,
            },
            ConflictPolicy::Merge => {
                let open = Side::BOTH.iter().all(|side| self.way(*side) == Way::Open);
                if open && super::set::merged(self.case, self.place).is_some() {
                    Judgement::Merge
                } else {
                    conflict
                }
            }
            ConflictPolicy::Custom(name) => match self.settle(name) {
                Some(side) => take(side, CarryReason::CustomTook),
                None => conflict,
            },
        }
    }

    /// Diverged where the sides are known not to be consistent and no policy wants it so.
    fn not_changed(self) -> Judgement {
        let one_way = Side::BOTH.iter().any(|side| !self.case.link.allows(self.place, *side));
        let wanted = one_way && self.group.on_drift == DriftPolicy::Keep || self.group.on == WriteOn::Create;
        if !wanted && self.consistent() == Some(false) && self.closed().is_none() {
            return Judgement::Diverged;
        }
        Judgement::Settled
    }

    /// The side that was modified later, if both say when and the clocks cannot be to blame.
    fn newest(self, skew: std::time::Duration) -> Option<Side> {
        let (left, right) = (self.case.modified.left?, self.case.modified.right?);
        let (side, apart) =
            if left > right { (Side::Left, left - right) } else { (Side::Right, right - left) };
        (apart.to_std().ok()? > skew).then_some(side)
    }

    /// The side that every rule of the group chooses.
    fn settle(self, name: &str) -> Option<Side> {
        let Case { link, current, .. } = self.case;
        let mut chosen = None;
        for (index, _) in link.rules_of(self.place) {
            let values = |side| self.values(index, side, current.of(side));
            let Settlement::Take(side) =
                link.mapper().settle(index, name, &values(Side::Left), &values(Side::Right))?;
            if chosen.is_some_and(|chosen| chosen != side) {
                return None;
            }
            chosen = Some(side);
        }
        chosen
    }

    fn values(self, rule: RuleIndex, side: Side, record: &Record) -> Vec<Slot> {
        let rule = self.case.link.rules().get(usize::from(rule.0));
        rule.iter()
            .flat_map(|rule| rule.fields.of(side))
            .map(|field| record.field(field.as_str()).to_slot())
            .collect()
    }

    /// Whether a side has fields in the group and all of them are blank.
    fn is_blank(self, side: Side) -> bool {
        let (slots, record) = (self.group.slots.of(side), *self.case.current.of(side));
        !slots.is_empty()
            && slots.iter().all(|slot| record.get(*slot).value().is_some_and(|value| value.is_blank()))
    }
}
