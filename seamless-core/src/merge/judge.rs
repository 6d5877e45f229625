//! One group of a pair under the policies of its rules. Knows what changed only from who asks. The door is [`Pair`].

use crate::mapper::{ConflictPolicy, DriftPolicy, FirstLinkPolicy, Settlement, WriteOn};
use crate::model::{Planned, Presence, Record, RuleIndex, Side, Slot, Truth};

use super::groups::Group;
use super::lossy::lossy_form;
use super::reconcile::Case;
use super::verdict::{AgreeReason, CarryReason, ConflictReason, Judgement, KeptReason};

/// One group of a case.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
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
    pub(super) fn new(case: &'a Case<'a>, place: usize) -> Option<Self> {
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

    pub(super) fn first_link(self) -> Judgement {
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
        if self.is_nothing_and_nothing() {
            return Judgement::Agree(AgreeReason::FirstLink);
        }
        match self.group.first_link {
            FirstLinkPolicy::Park => conflict,
            FirstLinkPolicy::Take(side) => {
                self.carry(side.other(), CarryReason::FirstLinkAuthority, conflict)
            }
            FirstLinkPolicy::FillBlanks => match (self.is_blank(Side::Left), self.is_blank(Side::Right)) {
                (true, false) => self.carry(Side::Left, CarryReason::FirstLinkFill, conflict),
                (false, true) => self.carry(Side::Right, CarryReason::FirstLinkFill, conflict),
                // Nothing and empty text: there is nothing to fill, and nothing that a person could choose.
                (true, true) => Judgement::Agree(AgreeReason::FirstLink),
                (false, false) => conflict,
            },
        }
    }

    pub(super) fn one_changed(self, by: Side) -> Judgement {
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

    pub(super) fn both_changed(self) -> Judgement {
        if self.consistent() == Some(true) {
            return Judgement::Agree(AgreeReason::SameChange);
        }
        if let Some(closed) = self.closed() {
            return closed;
        }
        if self.group.on == WriteOn::Create {
            return Judgement::Kept(KeptReason::CreateOnly);
        }
        if self.is_nothing_and_nothing() {
            return Judgement::Agree(AgreeReason::SameChange);
        }
        self.by_policy()
    }

    /// What the policy says where both sides changed, differently.
    pub(super) fn by_policy(self) -> Judgement {
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
                if open && super::merged::merged(self.case, self.place).is_some() {
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

    /// Diverged where the sides are known not to be consistent and no policy wants it so. Two kinds of nothing are not worth
    /// a report.
    pub(super) fn not_changed(self) -> Judgement {
        if self.group.follows && self.consistent() == Some(false) {
            return self.followed();
        }
        let one_way = Side::BOTH.iter().any(|side| !self.case.link.allows(self.place, *side));
        let wanted = one_way && self.group.on_drift == DriftPolicy::Keep || self.group.on == WriteOn::Create;
        let differ = self.consistent() == Some(false) && !Side::BOTH.iter().all(|side| self.is_blank(*side));
        if !wanted && differ && self.closed().is_none() {
            return Judgement::Diverged;
        }
        Judgement::Settled
    }

    /// Nobody edited either record, and they differ: the record that one of them refers to changed.
    fn followed(self) -> Judgement {
        let to = Side::BOTH.into_iter().find(|to| self.case.link.allows(self.place, *to));
        match to {
            Some(to) if self.group.on == WriteOn::Always && !self.holds_own_form(to) => {
                self.carry(to, CarryReason::Changed, Judgement::Settled)
            }
            _ => Judgement::Settled,
        }
    }

    /// Whether a side holds what it may have made of the value that it would be sent: it was sent that already, and would be
    /// again by every reading of everything.
    fn holds_own_form(self, to: Side) -> bool {
        let Case { link, current, context, .. } = self.case;
        let (source, target) = (*current.of(to.other()), *current.of(to));
        let Ok(planned) = link.carry_group(self.place, to.other(), source, target, context.of(to)) else {
            return false;
        };
        planned.iter().any(|(slot, after)| match (after, target.get(*slot)) {
            (Planned::Known(value), Presence::Value(held)) => lossy_form(value.as_ref(), held).is_some(),
            _ => false,
        })
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

    /// Whether both sides are blank and nothing can be said about what they mean to each other, as where a table of options
    /// has no line for blank: there is nothing that a person could choose.
    fn is_nothing_and_nothing(self) -> bool {
        self.consistent().is_none() && Side::BOTH.iter().all(|side| self.is_blank(*side))
    }

    /// Whether a side has fields in the group and all of them are blank. Of a field that holds other things as well only
    /// what counts of it is asked: a list without the row that is meant, a text that says nothing of the rule's values.
    fn is_blank(self, side: Side) -> bool {
        let (slots, record) = (self.group.slots.of(side), *self.case.current.of(side));
        let forms = self.case.link.forms(side);
        let is_blank = |slot: usize| {
            let Some(value) = record.get(slot).value() else { return false };
            let form = forms.slot(slot);
            value.is_blank() || form.selects() && form.apply(value).is_blank()
        };
        !slots.is_empty() && slots.iter().all(|slot| is_blank(*slot))
    }
}
