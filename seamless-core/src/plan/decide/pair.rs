//! Deciding a pair whose two records are there: per group of rules agree, carry, merge, conflict; and a new pair of
//! two existing records. The door is `Deciding::both`.

use crate::connector::{Versioned, WriteReturns};
use crate::mapper::{Ask, MapContext, MapProblem};
use crate::merge::{CarryReason, Case, ConflictReason, Judgement, Verdict, conflict, merged};
use crate::model::{
    ActionId, Bits, FieldName, Planned, PlannedRef, Presence, Record, RuleId, Side, Sides, Slot, Truth, Value,
};

use super::steps::{Move, Sends, Shut, Steps};
use super::suspect::with_proven;
use super::{Deciding, Deferred, Half, Writing};
use crate::plan::entry::{
    Body, ConflictView, ConflictWhy, Effect, Entry, FieldChange, Provenance, Rank, Reason, Wait,
};
use crate::plan::known::{Attention, AttentionWhy, Pair, PairStatus, Resolution};
use crate::plan::parking::ParkedAs;
use crate::plan::render::Show;

impl Deciding<'_> {
    /// Decides two records that are there: scope first, then one verdict of the merge floor, group by group, then what
    /// is over since the last plan.
    pub(super) fn both(&mut self, left: &Versioned, right: &Versioned) {
        let link = self.cx.link;
        let now = Sides::new(left, right);
        self.relink();
        for side in Side::BOTH {
            if link.scope(side, &now.of(side).record) == Truth::Out {
                if !link.moved(side).is_empty() && self.bring_back(side, now.of(side)) {
                    return;
                }
                return self.out_of_scope(side);
            }
        }
        if let Some(side) = Side::BOTH.into_iter().find(|side| link.scope_waits(*side, &now.of(*side).record))
        {
            return self.wait_for_scope(side);
        }
        if let Some(Pair { status: PairStatus::Frozen(_), .. }) = self.situation.pair {
            self.effect(Effect::Thaw, Bits::new());
        }
        let proven =
            Side::BOTH.map(|side| self.situation.pair.and_then(|pair| with_proven(pair, side, now.of(side))));
        let [left_proven, right_proven] = &proven;
        let base = self.situation.pair.map(|pair| {
            let Sides { left, right } = &pair.base;
            Sides::new(left_proven.as_ref().unwrap_or(left), right_proven.as_ref().unwrap_or(right))
        });
        let context = |to: Side| MapContext {
            resolved: self.situation.resolved.of(to),
            target_entity: link.spec().entity.of(to),
            creating: false,
        };
        let mut case = Case {
            link,
            base: Sides::new(base.map(|base| base.left), base.map(|base| base.right)),
            current: Sides::new(&left.record, &right.record),
            modified: Sides::new(left.modified, right.modified),
            context: Sides::new(context(Side::Left), context(Side::Right)),
            check_all: self.situation.check_all,
            rebased: self.situation.rebased,
        };
        let without_base = self.without_base(&case);
        case.rebased = &without_base;
        let verdict = self.cx.reconciler.reconcile(&case);
        let mut agreed = self.newly_proven(&case, &verdict);
        let mut diverged = Vec::new();
        let mut contested: Vec<RuleId> = Vec::new();
        let mut writing = Sides::<Writing>::default();
        for (group, judgement) in verdict.loud() {
            if self.cx.rests.contains(group) {
                continue;
            }
            if self.parks_instead(&case, group, judgement, &mut writing, &mut agreed) {
                continue;
            }
            match judgement {
                Judgement::Settled | Judgement::NotApplied => {}
                // What is open about it is not over because a side does not show it now.
                Judgement::Unknown(_) => {
                    contested.extend(self.rule_ids(group));
                    self.wait_to_read(&case, group);
                }
                Judgement::Agree(_) | Judgement::Kept(_) => agreed.insert(group),
                Judgement::Diverged if self.was_opened(group) => {}
                Judgement::Diverged => diverged.extend(self.rule_ids(group)),
                Judgement::Carry { why: CarryReason::FirstLinkFill, .. } if self.is_contested(group) => {
                    contested.extend(self.rule_ids(group));
                    self.conflict(&case, group, ConflictReason::FirstLink, &mut writing, &mut agreed);
                }
                Judgement::Carry { to, why } => {
                    self.carry(&case, group, to, provenance(why), writing.of_mut(to), &mut agreed);
                }
                Judgement::Merge => self.merge(&case, group, &mut writing, &mut agreed),
                Judgement::Conflict(reason) => {
                    contested.extend(self.rule_ids(group));
                    self.conflict(&case, group, reason, &mut writing, &mut agreed);
                }
            }
        }
        let mut steps = Sides::<Steps>::default();
        for side in Side::BOTH.into_iter().filter(|side| !link.moved(*side).is_empty()) {
            let planned = self.steps(&case, &verdict, side, &mut writing, &mut agreed);
            contested.extend(planned.rules.iter().cloned());
            *steps.of_mut(side) = planned;
        }
        self.link_or_agree(agreed, &now);
        if !diverged.is_empty() {
            self.effect(Effect::Diverged { rules: diverged }, Bits::new());
        }
        contested.extend(self.cx.rests.iter().flat_map(|group| self.rule_ids(group)));
        self.close_conflicts(&contested, &writing);
        let reason = match self.situation.pair {
            Some(_) => Reason::Changed,
            None => Reason::FirstLink,
        };
        let Sides { left: to_left, right: to_right } = writing;
        self.write(Side::Left, left, to_left, steps.left, reason.clone());
        self.write(Side::Right, right, to_right, steps.right, reason);
    }

    /// A record of the pair was merged into one without a partner: the pair goes on with that one. Its bases stay, so
    /// what differs between the two is an edit like any other.
    fn relink(&mut self) {
        let Some(pair) = self.situation.pair else { return };
        let into = self.situation.half.map(|half| match half {
            Half::Survivor(versioned) => Some(versioned.id.clone()),
            _ => None,
        });
        let Some(left) = self.id_of(Side::Left).filter(|_| into.left.is_some() || into.right.is_some())
        else {
            return;
        };
        // Named by the records as they were, and placed by those that come: so it is the first entry of the pair.
        let entry = Entry {
            key: self.key(Rank::State, Side::Left, left, self.parts),
            link: self.cx.link.spec().id.clone(),
            ids: pair.ids.as_ref().map(|id| Some(id.clone())),
            basis: self.basis(),
            observed: Sides::default(),
            settles: Bits::new(),
            body: Body::Effect(Effect::Relink { into }),
        };
        self.parts += 1;
        self.push(entry);
    }

    /// A new pair, or groups of a known one that agree without a write.
    pub(super) fn link_or_agree(&mut self, agreed: Bits, now: &Sides<&Versioned>) {
        let observed = Sides::new(Some(now.left.record.clone()), Some(now.right.record.clone()));
        match (self.situation.pair, self.situation.line) {
            (None, line) => {
                let effect = Effect::Link { line: line.unwrap_or(0) };
                self.push_effect(effect, agreed, observed);
            }
            (Some(_), _) if !agreed.is_empty() || self.is_seen_again() => {
                self.push_effect(Effect::Agree, agreed, observed)
            }
            // The pair was looked at and nothing matters: what was seen is remembered, or it would be looked at again.
            (Some(pair), _) if self.seen_anew(pair, now) || self.tells_of_writes(pair, now) => {
                self.push_effect(Effect::Agree, Bits::new(), observed)
            }
            (Some(_), _) => {}
        }
    }

    /// Whether something waits because one of the records, which are both there, could not be seen.
    fn is_seen_again(&self) -> bool {
        self.situation.open.iter().any(|open| {
            matches!(&open.why, AttentionWhy::Parked { reason, rules, .. }
                if rules.is_empty() && reason.is_about_seeing())
        })
    }

    /// Whether a side moved only in fields that no rule carries (a condition's field), so that its fingerprint
    /// would call for another look in every run.
    pub(super) fn seen_anew(&self, pair: &Pair, now: &Sides<&Versioned>) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let (link, record) = (self.cx.link, &now.of(side).record);
            let carried =
                |slot: usize| link.groups().iter().any(|group| group.slots.of(side).contains(&slot));
            let said = |slot: usize| record.get(slot).value().is_some();
            (0..link.watched(side)).any(|slot| {
                !carried(slot) && said(slot) && !link.forms(side).same_slot(slot, pair.base.of(side), record)
            })
        })
    }

    /// Whether a field that was sent is hidden although the rest of its record is shown, or was hidden and is shown as it
    /// was sent. It is remembered: a later plan must not take the first reading for one that showed the field, and may
    /// take the second for one.
    fn tells_of_writes(&self, pair: &Pair, now: &Sides<&Versioned>) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let (sent, ours) = (pair.trail.acknowledged.of(side), pair.trail.written.of(side));
            // A side that returns what it stores, and did not return this, is not believed to have shown it anyway.
            let is_believed = self.cx.capabilities.of(side).write_returns != WriteReturns::Stored;
            let (record, base) = (&now.of(side).record, pair.base.of(side));
            let is_told = |slot: usize| match ours.contains(slot) {
                true => record.get(slot) == Presence::Unreadable,
                false => self.cx.link.forms(side).same_slot(slot, base, record),
            };
            is_believed && sent.iter().any(is_told)
        })
    }

    /// Parks a group that cannot be judged because another record, which it is read from or which decides whether it
    /// applies, does not say: that record may be seen again without a change of this one.
    fn wait_to_read(&mut self, case: &Case<'_>, group: usize) {
        let link = self.cx.link;
        let may = |to: &Side| link.allows(group, *to) && link.follows_paths(to.other());
        for to in Side::BOTH.into_iter().filter(may) {
            let (source, target) = (*case.current.of(to.other()), *case.current.of(to));
            match link.carry_group(group, to.other(), source, target, case.context.of(to)) {
                Err(error) if error.problem == MapProblem::NotFound => self.park_group(group, to, &error),
                _ => {}
            }
        }
    }

    /// Carries a group to a side, or parks it where that cannot be done.
    pub(super) fn carry(
        &mut self,
        case: &Case<'_>,
        group: usize,
        to: Side,
        from: Provenance,
        writing: &mut Writing,
        agreed: &mut Bits,
    ) {
        let (source, target) = (*case.current.of(to.other()), *case.current.of(to));
        match self.cx.link.carry_group(group, to.other(), source, target, case.context.of(to)) {
            Ok(planned) => self.gather(group, to, target, planned, from, writing, agreed),
            Err(error) if error.problem == MapProblem::NotNow && !self.cx.link.moved(to).is_empty() => {
                self.shut.of_mut(to).push(Shut { group, sends: Sends::Carried(from), error });
            }
            Err(error) => self.cannot_carry(group, to, None, &error),
        }
    }

    /// Adds what a group sends to a side's update; a group that sends nothing agrees already.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the change records")]
    pub(super) fn gather(
        &mut self,
        group: usize,
        to: Side,
        target: &Record,
        planned: Vec<(usize, Planned)>,
        from: Provenance,
        writing: &mut Writing,
        agreed: &mut Bits,
    ) {
        let forms = self.cx.link.forms(to);
        let mut sends = false;
        for (slot, after) in planned {
            let before = target.get(slot);
            if let (Planned::Known(value), Presence::Value(held)) = (&after, before)
                && forms.slot(slot).same(value.as_ref(), held)
            {
                continue;
            }
            sends = true;
            self.push_change(group, to, slot, before.to_slot(), after, from.clone(), writing);
        }
        if sends {
            writing.settles.insert(group);
        } else {
            agreed.insert(group);
        }
    }

    /// Adds one field to a side's update, and the action that it waits for.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the change records")]
    pub(super) fn push_change(
        &self,
        group: usize,
        to: Side,
        slot: usize,
        before: Slot,
        after: Planned,
        from: Provenance,
        writing: &mut Writing,
    ) {
        let Some(field) = self.cx.link.shape(to).name(slot) else { return };
        self.push_wait(to, after.as_ref(), &mut writing.waits);
        let rule = self.rule_of(group, to, field);
        let change = FieldChange { rule, field: field.clone(), before, after, from };
        match self.cx.link.is_moved(to, slot) {
            true => writing.moves.push(Move { group: Some(group), slot, change }),
            false => writing.changes.push(change),
        }
    }

    /// Adds the action that a value waits for.
    pub(super) fn push_wait(&self, to: Side, after: PlannedRef<'_>, waits: &mut Vec<Wait>) {
        if let PlannedRef::ResultOf(action) = after
            && let Some(wait) = self.wait_for(to, action)
            && !waits.contains(&wait)
        {
            waits.push(wait);
        }
    }

    /// Which question an action of this plan answers; the answers that were resolved are looked through by action,
    /// of which a record has a handful.
    pub(super) fn wait_for(&self, to: Side, action: ActionId) -> Option<Wait> {
        let resolved = self.situation.resolved.of(to);
        resolved.ask_of(action).map(|ask| Wait { action, ask: ask.clone() })
    }

    /// The rule of a group that asks for a field.
    pub(super) fn rule_of(&self, group: usize, to: Side, field: &FieldName) -> Option<RuleId> {
        self.cx.link.rule_for(group, to, field).cloned()
    }

    /// Writes what puts both sides' edits together. Where both sides must be written, this plan writes the left and
    /// leaves the bases; the next plan finds the left merged and writes the right. Two writes under one agreement
    /// would need both to succeed together, which no two systems offer.
    pub(super) fn merge(
        &mut self,
        case: &Case<'_>,
        group: usize,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) {
        let Some(values) = merged(case, group) else { return };
        let (side, value, settles) = match (values.write.left, values.write.right) {
            (None, None) => return agreed.insert(group),
            (Some(value), right) => (Side::Left, value, right.is_none()),
            (None, Some(value)) => (Side::Right, value, true),
        };
        let Some(slot) = self.cx.link.groups().get(group).and_then(|group| group.slots.of(side).first())
        else {
            return;
        };
        let planned = [(*slot, Planned::Known(value.clone()))];
        if let Err(error) = self.cx.link.check_writable(group, side, case.current.of(side), &planned) {
            if error.problem == MapProblem::NotNow && !self.cx.link.moved(side).is_empty() {
                let sends = Sends::Merged { slot: *slot, value, settles };
                return self.shut.of_mut(side).push(Shut { group, sends, error });
            }
            return self.cannot_carry(group, side, None, &error);
        }
        let before = (*slot, case.current.of(side).get(*slot).to_slot());
        self.push_merged(group, side, before, value, settles, writing.of_mut(side));
    }

    /// Adds what both sides' edits are together to a side's update.
    pub(super) fn push_merged(
        &self,
        group: usize,
        side: Side,
        (slot, before): (usize, Slot),
        value: Value,
        settles: bool,
        writing: &mut Writing,
    ) {
        self.push_change(group, side, slot, before, Planned::Known(value), Provenance::Merged, writing);
        if settles {
            writing.settles.insert(group);
        }
    }

    /// Opens a conflict, unless a person has decided it, it is open in the same words already, or a link that is
    /// decided later may still show that both sides mean the same.
    pub(super) fn conflict(
        &mut self,
        case: &Case<'_>,
        group: usize,
        reason: ConflictReason,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) {
        let rules = self.rule_ids(group);
        if let Some(resolution) = self.resolution(case, group) {
            let to = resolution.take.other();
            let from = Provenance::Resolved { by: resolution.by.clone() };
            return self.carry(case, group, to, from, writing.of_mut(to), agreed);
        }
        if let Some(to) = self.waits_for_a_link(case, group) {
            self.decision.deferred.push(Deferred { group, to, creates: None, contested: true });
            return;
        }
        let view = self.conflict_view(case, group, reason, rules);
        let message = conflict_message(&view);
        let known = self.situation.open.iter().any(|attention| {
            matches!(&attention.why, AttentionWhy::Conflict { rules, message: shown }
                if *rules == view.rules && *shown == message)
        });
        if !known {
            self.effect(Effect::OpenConflict(view), Bits::new());
        }
    }

    /// Whether what is blank in a group may have been cleared since, and is nothing to fill: a conflict about it is open,
    /// or the record may be the one that a create of ours made, whatever became of its answer.
    fn is_contested(&self, group: usize) -> bool {
        let rules = self.rule_ids(group);
        let is_about =
            |open: &Attention| matches!(&open.why, AttentionWhy::Conflict { rules: of, .. } if *of == rules);
        self.situation.open.iter().any(|open| is_about(open) || open.may_have_arrived())
    }

    /// What a person decided about a group, if it holds for what both sides hold now.
    pub(super) fn resolution(&self, case: &Case<'_>, group: usize) -> Option<&Resolution> {
        if self.situation.resolutions.is_empty() {
            return None;
        }
        let rules = self.rule_ids(group);
        let mut resolutions = self.situation.resolutions.iter();
        resolutions.find(|resolution| {
            rules.contains(&resolution.rule)
                && Side::BOTH.into_iter().all(|side| {
                    *resolution.seen.of(side) == self.cx.link.fingerprint(side, case.current.of(side))
                })
        })
    }

    /// Quiet groups whose base is not what was sent but what that is proven to have become.
    fn newly_proven(&self, case: &Case<'_>, verdict: &Verdict) -> Bits {
        let mut groups = Bits::new();
        let Some(pair) = self.situation.pair else { return groups };
        for side in Side::BOTH {
            let Some(base) = case.base.of(side).filter(|base| !std::ptr::eq(*base, pair.base.of(side)))
            else {
                continue;
            };
            let forms = case.link.forms(side);
            for (place, group) in case.link.groups().iter().enumerate() {
                let moved = |slot: &usize| !forms.same_slot(*slot, pair.base.of(side), base);
                if verdict.judgement(place) == Judgement::Settled && group.slots.of(side).iter().any(moved) {
                    groups.insert(place);
                }
            }
        }
        groups
    }

    /// The side to which a group cannot be carried yet because it refers to a record of a link that this plan has not
    /// decided.
    pub(super) fn waits_for_a_link(&self, case: &Case<'_>, group: usize) -> Option<Side> {
        let link = self.cx.link;
        Side::BOTH.into_iter().filter(|to| link.allows(group, *to)).find(|to| {
            let (source, target) = (*case.current.of(to.other()), *case.current.of(*to));
            let carried = link.carry_group(group, to.other(), source, target, case.context.of(*to));
            matches!(carried, Err(error) if matches!(&error.problem,
                MapProblem::Waiting(Ask::Partner { link, .. }) if !self.cx.decided.contains(link)))
        })
    }

    pub(super) fn conflict_view(
        &self,
        case: &Case<'_>,
        group: usize,
        reason: ConflictReason,
        rules: Vec<RuleId>,
    ) -> ConflictView {
        let quarrel = conflict(case, group);
        let fields = |side: Side| {
            let edit = quarrel.of(side);
            let slots = self.cx.link.groups().get(group).map(|group| group.slots.of(side).as_slice());
            let names =
                slots.unwrap_or_default().iter().filter_map(|slot| self.cx.link.shape(side).name(*slot));
            let bases = edit.base.iter().flatten().cloned().chain(std::iter::repeat(Slot::Absent));
            names
                .zip(bases.zip(edit.current.iter().cloned()))
                .map(|(name, (base, current))| (name.clone(), base, current))
                .collect()
        };
        let why = match reason {
            ConflictReason::BothChanged => ConflictWhy::BothChanged,
            ConflictReason::FirstLink => ConflictWhy::FirstLink,
            ConflictReason::Drift => ConflictWhy::Drift,
        };
        ConflictView { rules, why, fields: Sides::new(fields(Side::Left), fields(Side::Right)) }
    }

    /// Conflicts and parked rules that were open and are not any more, without a write of this plan that ends them.
    pub(super) fn close_conflicts(&mut self, contested: &[RuleId], writing: &Sides<Writing>) {
        let written = |rules: &[RuleId]| {
            let changes = writing.left.changes.iter().chain(&writing.right.changes);
            changes.filter_map(|change| change.rule.as_ref()).any(|rule| rules.contains(rule))
        };
        let parked: Vec<RuleId> = self.parked_rules();
        let mut closed = Vec::new();
        for attention in self.situation.open {
            // What is parked now and was a conflict, or the other way round, takes the place of what was open: an entry
            // that closes the one would close the other with it.
            let still =
                |rules: &[RuleId]| rules.iter().any(|rule| contested.contains(rule) || parked.contains(rule));
            match &attention.why {
                // That it is open ends when it is brought back.
                AttentionWhy::Parked { reason: ParkedAs::Opened { .. }, .. } => {}
                AttentionWhy::Conflict { rules, .. } | AttentionWhy::Parked { rules, .. }
                    if !rules.is_empty() && !still(rules) && !written(rules) =>
                {
                    closed.extend(rules.iter().cloned());
                }
                _ => {}
            }
        }
        if !closed.is_empty() {
            self.effect(Effect::CloseConflict { rules: closed }, Bits::new());
        }
    }

    /// The rules that this decision parks or leaves parked, or that are deferred to the end of the plan.
    pub(super) fn parked_rules(&self) -> Vec<RuleId> {
        let deferred = self.decision.deferred.iter().flat_map(|deferred| self.rule_ids(deferred.group));
        self.parked.iter().cloned().chain(deferred).collect()
    }
}

fn provenance(why: CarryReason) -> Provenance {
    match why {
        CarryReason::Changed => Provenance::Changed,
        CarryReason::FirstLinkFill => Provenance::FilledBlank,
        CarryReason::FirstLinkAuthority => Provenance::FirstLinkAuthority,
        CarryReason::PolicyTook | CarryReason::NewestTook | CarryReason::CustomTook => {
            Provenance::PolicyOverwrote
        }
        CarryReason::Restored => Provenance::Restored,
    }
}

/// What an open conflict is about, as one line: also how a run knows that it is the same conflict as before.
pub fn conflict_message(view: &ConflictView) -> String {
    let side = |fields: &[(FieldName, Slot, Slot)]| {
        // As a plan shows it: it is kept, and a value may be long.
        let show = |slot: &Slot| {
            let mut text = String::new();
            // Writing into memory does not fail.
            let _ = Show::Full.slot(slot, &mut text);
            text
        };
        let shown = fields.iter().map(|(field, base, current)| match base {
            Slot::Absent => format!("{field} {}", show(current)),
            base => format!("{field} {} -> {}", show(base), show(current)),
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    format!("{} | {}", side(&view.fields.left), side(&view.fields.right))
}
