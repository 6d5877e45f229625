//! Deciding: one situation of one link in, the entries that follow from it out.
//!
//! A [`Situation`] is everything that was observed of one pair or of one record without a pair. The door is
//! [`decide`]. It knows no I/O, clock or order of arrival: the same situation gives the same entries, and entries of
//! different situations never depend on each other except by [`Wait`].
//!
//! Where each kind of situation is decided: two records (`both`), a record without a partner (`alone`), a record
//! whose partner is gone (`gone`).

use crate::connector::{AbsenceProof, Capabilities, Versioned};
use crate::mapper::{Ask, DeletePolicy, LeavePolicy, MapContext, MapError, MapProblem, Resolved};
use crate::merge::{
    CarryReason, Case, CompiledLink, ConflictReason, Judgement, Reconciler, conflict, merged,
};
use crate::model::{
    ActionId, Bits, FieldName, LinkId, Planned, Presence, Record, RecordId, RuleId, Side, Sides, Slot, Truth,
    Value,
};

use super::entry::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, FieldChange, ParkReason, Parked,
    PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
use super::known::{Attention, AttentionWhy, Pair, PairStatus, Resolution};

/// What is the same for every situation of a link.
#[derive(Clone, Copy, Debug)]
pub struct DecideContext<'a> {
    /// The link.
    pub link: &'a CompiledLink,
    /// Its place in dependency order.
    pub place: u16,
    /// How many links there are.
    pub links: u16,
    /// Who merges.
    pub reconciler: &'a dyn Reconciler,
    /// What each side can do.
    pub capabilities: &'a Sides<Capabilities>,
    /// The digest of the configuration; part of every action's id.
    pub configuration: &'a str,
    /// Whether anything may be deleted: not in a run with a changed configuration.
    pub deletes: bool,
    /// Links that have been decided before this one in the same plan; a partner in another link may still appear.
    pub decided: &'a [LinkId],
}

/// What was observed of one pair or one record.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The pair, where there is one.
    pub pair: Option<&'a Pair>,
    /// The match line by which two records without a pair were matched.
    pub line: Option<u16>,
    /// What each side says of its record.
    pub half: Sides<Half<'a>>,
    /// What was looked up for carrying *to* a side.
    pub resolved: Sides<&'a Resolved>,
    /// Groups whose bases are not to be used, because a rule of theirs changed.
    pub rebased: &'a Bits,
    /// Decisions of people about this pair's conflicts.
    pub resolutions: &'a [Resolution],
    /// What is open about this pair's records.
    pub open: &'a [Attention],
    /// Whether consistency is checked where nothing changed.
    pub check_all: bool,
}

/// What one side says of its record.
#[derive(Clone, Copy, Debug)]
pub enum Half<'a> {
    /// It is there.
    There(&'a Versioned),
    /// It is gone, and this proves it.
    Gone(&'a AbsenceProof),
    /// It was asked for and neither shown nor proven to be gone.
    Hidden,
    /// There is none: the other side's record has no partner.
    None,
}

impl<'a> Half<'a> {
    fn there(self) -> Option<&'a Versioned> {
        match self {
            Half::There(versioned) => Some(versioned),
            Half::Gone(_) | Half::Hidden | Half::None => None,
        }
    }
}

/// What was decided about a situation.
#[derive(Debug, Default)]
pub struct Decision {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Groups that wait for a partner which a later link of the same plan may provide: to be carried when all links
    /// have been decided.
    pub deferred: Vec<Deferred>,
}

/// A group that could not be carried yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Deferred {
    /// The group.
    pub group: usize,
    /// The side that would be written.
    pub to: Side,
    /// The action that creates the target, where it is new.
    pub creates: Option<ActionId>,
    /// Whether both sides hold something. Whether that is the same can be told when the partner is known: nothing is
    /// sent in this plan, the next one decides.
    pub contested: bool,
}

/// Decides a situation. Pure and total.
pub fn decide(cx: &DecideContext<'_>, situation: &Situation<'_>) -> Decision {
    let mut deciding =
        Deciding { cx, situation, decision: Decision::default(), parts: 0, parked: Vec::new() };
    match (situation.half.left, situation.half.right) {
        (Half::There(left), Half::There(right)) => deciding.both(left, right),
        (Half::There(left), Half::None) => deciding.alone(Side::Left, left),
        (Half::None, Half::There(right)) => deciding.alone(Side::Right, right),
        (Half::There(left), Half::Gone(proof)) => deciding.gone(Side::Right, proof, left),
        (Half::Gone(proof), Half::There(right)) => deciding.gone(Side::Left, proof, right),
        (Half::Gone(_), Half::Gone(_)) => deciding.end_pair(Sides::new(true, true)),
        (Half::Hidden, _) => deciding.hidden(Side::Left),
        (_, Half::Hidden) => deciding.hidden(Side::Right),
        (Half::None, Half::None | Half::Gone(_)) | (Half::Gone(_), Half::None) => {}
    }
    deciding.decision
}

/// Carries a group that had to wait until every link was decided. `None` when there is nothing to send, or when what
/// it waits for is among what is `open` about the pair already.
pub fn decide_deferred(
    cx: &DecideContext<'_>,
    deferred: &Deferred,
    source: &Versioned,
    target: Option<&Versioned>,
    pair: Option<&Pair>,
    resolved: &Resolved,
    open: &[Attention],
) -> Option<Entry> {
    if deferred.contested {
        return None;
    }
    let (to, from) = (deferred.to, deferred.to.other());
    let half = |side: Side| match (side == from, target) {
        (true, _) => Half::There(source),
        (false, Some(target)) => Half::There(target),
        (false, None) => Half::None,
    };
    let rebased = Bits::new();
    let situation = Situation {
        pair,
        line: None,
        half: Sides::new(half(Side::Left), half(Side::Right)),
        resolved: Sides::new(resolved, resolved),
        rebased: &rebased,
        resolutions: &[],
        open,
        check_all: false,
    };
    // Parts beyond those of the first decision about the record.
    let parts = 1000 + u16::try_from(deferred.group).unwrap_or(0);
    let decision = Decision::default();
    let mut deciding = Deciding { cx, situation: &situation, decision, parts, parked: Vec::new() };
    deciding.late_reference(deferred, to, source, target);
    deciding.decision.entries.pop()
}

struct Deciding<'a> {
    cx: &'a DecideContext<'a>,
    situation: &'a Situation<'a>,
    decision: Decision,
    parts: u16,
    /// Rules that are parked by what was decided so far, whether that is new or known.
    parked: Vec<RuleId>,
}

/// What is gathered for one side while its groups are decided.
#[derive(Default)]
struct Writing {
    changes: Vec<FieldChange>,
    settles: Bits,
    waits: Vec<Wait>,
}

impl Deciding<'_> {
    fn both(&mut self, left: &Versioned, right: &Versioned) {
        let link = self.cx.link;
        let now = Sides::new(left, right);
        for side in Side::BOTH {
            if link.scope(side, &now.of(side).record) == Truth::Out {
                return self.out_of_scope(side);
            }
        }
        if let Some(Pair { status: PairStatus::Frozen(_), .. }) = self.situation.pair {
            self.effect(Effect::Thaw, Bits::new());
        }
        let base = self.situation.pair.map(|pair| pair.base.as_ref());
        let context = |to: Side| MapContext {
            resolved: self.situation.resolved.of(to),
            target_entity: link.spec().entity.of(to),
            creating: false,
        };
        let case = Case {
            link,
            base: Sides::new(base.map(|base| base.left), base.map(|base| base.right)),
            current: Sides::new(&left.record, &right.record),
            modified: Sides::new(left.modified, right.modified),
            context: Sides::new(context(Side::Left), context(Side::Right)),
            check_all: self.situation.check_all,
            rebased: self.situation.rebased,
        };
        let verdict = self.cx.reconciler.reconcile(&case);
        let mut agreed = Bits::new();
        let mut diverged = Vec::new();
        let mut contested: Vec<RuleId> = Vec::new();
        let mut writing = Sides::<Writing>::default();
        for (group, judgement) in verdict.loud() {
            match judgement {
                Judgement::Settled | Judgement::Unknown(_) | Judgement::NotApplied => {}
                Judgement::Agree(_) | Judgement::Kept(_) => agreed.insert(group),
                Judgement::Diverged => diverged.extend(self.rule_ids(group)),
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
        self.link_or_agree(agreed, &now);
        if !diverged.is_empty() {
            self.effect(Effect::Diverged { rules: diverged }, Bits::new());
        }
        self.close_conflicts(&contested, &writing);
        let reason = match self.situation.pair {
            Some(_) => Reason::Changed,
            None => Reason::FirstLink,
        };
        let Sides { left: to_left, right: to_right } = writing;
        self.update(Side::Left, Some(left), to_left, reason.clone());
        self.update(Side::Right, Some(right), to_right, reason);
    }

    /// A new pair, or groups of a known one that agree without a write.
    fn link_or_agree(&mut self, agreed: Bits, now: &Sides<&Versioned>) {
        let observed = Sides::new(Some(now.left.record.clone()), Some(now.right.record.clone()));
        match (self.situation.pair, self.situation.line) {
            (None, line) => {
                let effect = Effect::Link { line: line.unwrap_or(0) };
                self.push_effect(effect, agreed, observed);
            }
            (Some(_), _) if !agreed.is_empty() => self.push_effect(Effect::Agree, agreed, observed),
            // The pair was looked at and nothing matters: what was seen is remembered, or it would be looked at again.
            (Some(pair), _) if self.seen_anew(pair, now) => {
                self.push_effect(Effect::Agree, Bits::new(), observed)
            }
            (Some(_), _) => {}
        }
    }

    /// Whether a side moved only in fields that no rule carries (a condition's field), so that its fingerprint
    /// would call for another look in every run.
    fn seen_anew(&self, pair: &Pair, now: &Sides<&Versioned>) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let (link, record) = (self.cx.link, &now.of(side).record);
            let carried =
                |slot: usize| link.groups().iter().any(|group| group.slots.of(side).contains(&slot));
            (0..link.watched(side))
                .any(|slot| !carried(slot) && !link.forms(side).same_slot(slot, pair.base.of(side), record))
        })
    }

    fn carry(
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
            Err(error) => self.cannot_carry(group, to, None, &error),
        }
    }

    /// Adds what a group sends to a side's update; a group that sends nothing agrees already.
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the change records")]
    fn gather(
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

    #[expect(clippy::too_many_arguments, reason = "each is one thing that the change records")]
    fn push_change(
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
        if let Planned::ResultOf(action) = &after
            && let Some(wait) = self.wait_for(to, *action)
            && !writing.waits.contains(&wait)
        {
            writing.waits.push(wait);
        }
        let rule = self.rule_of(group, to, field);
        writing.changes.push(FieldChange { rule, field: field.clone(), before, after, from });
    }

    /// Which question an action of this plan answers; the answers that were resolved are looked through by action,
    /// of which a record has a handful.
    fn wait_for(&self, to: Side, action: ActionId) -> Option<Wait> {
        let resolved = self.situation.resolved.of(to);
        resolved.ask_of(action).map(|ask| Wait { action, ask: ask.clone() })
    }

    fn rule_of(&self, group: usize, to: Side, field: &FieldName) -> Option<RuleId> {
        let rules = self.cx.link.rules();
        let members = self.cx.link.groups().get(group)?.rules.iter();
        members
            .filter_map(|rule| rules.get(usize::from(rule.0)))
            .find(|rule| rule.fields.of(to).contains(field))
            .map(|rule| rule.id.clone())
    }

    /// Writes what puts both sides' edits together. Where both sides must be written, this plan writes the left and
    /// leaves the bases; the next plan finds the left merged and writes the right. Two writes under one agreement
    /// would need both to succeed together, which no two systems offer.
    fn merge(&mut self, case: &Case<'_>, group: usize, writing: &mut Sides<Writing>, agreed: &mut Bits) {
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
        let before = case.current.of(side).get(*slot).to_slot();
        let writing = writing.of_mut(side);
        self.push_change(group, side, *slot, before, Planned::Known(value), Provenance::Merged, writing);
        if settles {
            writing.settles.insert(group);
        }
    }

    fn conflict(
        &mut self,
        case: &Case<'_>,
        group: usize,
        reason: ConflictReason,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) {
        let rules = self.rule_ids(group);
        let resolution = self.situation.resolutions.iter().find(|resolution| {
            rules.contains(&resolution.rule)
                && Side::BOTH.into_iter().all(|side| {
                    *resolution.seen.of(side) == self.cx.link.fingerprint(side, case.current.of(side))
                })
        });
        if let Some(resolution) = resolution {
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

    /// The side to which a group cannot be carried yet because it refers to a record of a link that this plan has not
    /// decided.
    fn waits_for_a_link(&self, case: &Case<'_>, group: usize) -> Option<Side> {
        let link = self.cx.link;
        Side::BOTH.into_iter().filter(|to| link.allows(group, *to)).find(|to| {
            let (source, target) = (*case.current.of(to.other()), *case.current.of(*to));
            let carried = link.carry_group(group, to.other(), source, target, case.context.of(*to));
            matches!(carried, Err(error) if matches!(&error.problem,
                MapProblem::Waiting(Ask::Partner { link, .. }) if !self.cx.decided.contains(link)))
        })
    }

    fn conflict_view(
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
    fn close_conflicts(&mut self, contested: &[RuleId], writing: &Sides<Writing>) {
        let written = |rules: &[RuleId]| {
            let changes = writing.left.changes.iter().chain(&writing.right.changes);
            changes.filter_map(|change| change.rule.as_ref()).any(|rule| rules.contains(rule))
        };
        let parked: Vec<RuleId> = self.parked_rules();
        let mut closed = Vec::new();
        for attention in self.situation.open {
            let still = |rules: &[RuleId], now: &[RuleId]| rules.iter().any(|rule| now.contains(rule));
            match &attention.why {
                AttentionWhy::Conflict { rules, .. } if !still(rules, contested) && !written(rules) => {
                    closed.extend(rules.iter().cloned());
                }
                AttentionWhy::Parked { rules, .. }
                    if !rules.is_empty() && !still(rules, &parked) && !written(rules) =>
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
    fn parked_rules(&self) -> Vec<RuleId> {
        let deferred = self.decision.deferred.iter().flat_map(|deferred| self.rule_ids(deferred.group));
        self.parked.iter().cloned().chain(deferred).collect()
    }

    fn alone(&mut self, from: Side, source: &Versioned) {
        let (link, to) = (self.cx.link, from.other());
        let spec = link.spec();
        if link.scope(from, &source.record) != Truth::In
            || !spec.create.of(to)
            || !self.cx.capabilities.of(to).create
            || !(spec.mode.writes(to) || spec.mode == crate::mapper::LinkMode::Observe)
        {
            return;
        }
        self.create(from, source, Reason::NoPartner);
    }

    fn create(&mut self, from: Side, source: &Versioned, reason: Reason) {
        let (link, to) = (self.cx.link, from.other());
        let nothing = Record::absent(link.shape(to));
        let id = self.action_id(to, &source.id, "create");
        let context = MapContext {
            resolved: self.situation.resolved.of(to),
            target_entity: link.spec().entity.of(to),
            creating: true,
        };
        let mut writing = Writing::default();
        for (place, group) in link.groups().iter().enumerate() {
            if !group.direction.allows(to) {
                continue;
            }
            match link.carry_group(place, from, &source.record, &nothing, &context) {
                Ok(planned) => {
                    writing.settles.insert(place);
                    for (slot, after) in planned {
                        self.push_change(
                            place,
                            to,
                            slot,
                            Slot::Absent,
                            after,
                            Provenance::Created,
                            &mut writing,
                        );
                    }
                }
                Err(error) => self.cannot_carry(place, to, Some(id), &error),
            }
        }
        writing.changes.sort_by_key(|change| link.shape(to).slot(change.field.as_str()));
        let mut observed = Sides::default();
        *observed.of_mut(from) = Some(source.record.clone());
        let mut ids = Sides::default();
        *ids.of_mut(from) = Some(source.id.clone());
        let action = Action {
            id,
            side: to,
            target: PlannedTarget::New,
            verb: PlannedVerb::Create,
            changes: writing.changes,
            expects: PlannedExpects::Missing,
            reason,
            waits_for: writing.waits,
        };
        let mut basis = self.basis();
        *basis.versions.of_mut(from) = source.version.clone();
        self.push(Entry {
            key: self.key(Rank::Create, to, source.id.clone(), 0),
            link: link.spec().id.clone(),
            ids,
            basis,
            observed,
            settles: writing.settles,
            body: Body::Act(action),
        });
    }

    /// A partner is gone; `side` is the side that it was on.
    fn gone(&mut self, side: Side, proof: &AbsenceProof, other: &Versioned) {
        let Some(pair) = self.situation.pair else { return };
        if pair.status == PairStatus::Ended {
            return;
        }
        let (link, to) = (self.cx.link, side.other());
        let edited = link.fingerprint(to, &other.record) != *pair.fingerprint.of(to);
        let writable = link.spec().mode.writes(to);
        match link.spec().on_delete.of(side) {
            DeletePolicy::Unlink => self.end_pair(only(side)),
            DeletePolicy::Restore if link.spec().mode.writes(side) => {
                self.create(to, other, Reason::Restore);
            }
            _ if edited => self.park_record(
                to,
                ParkReason::EditedAndDeleted,
                format!("deleted on the {side} side while it was edited on the {to} side"),
                "resolve it: delete the edited record, or restore the deleted one".to_owned(),
            ),
            DeletePolicy::Delete if self.cx.deletes && writable => {
                let ground = PlannedGround::Absent(proof.clone());
                self.delete(to, other, ground, Reason::PartnerGone);
            }
            DeletePolicy::Set(values) if writable => {
                self.lifecycle(to, other, values, Reason::PartnerGone);
            }
            DeletePolicy::Park | DeletePolicy::Restore | DeletePolicy::Delete | DeletePolicy::Set(_) => {
                let mut remedy = "delete its partner too, or unlink the pair".to_owned();
                if !self.cx.deletes {
                    remedy =
                        "the configuration changed, so this plan deletes nothing; look again in the next"
                            .into();
                }
                self.park_record(to, ParkReason::PartnerGone, format!("deleted on the {side} side"), remedy);
            }
        }
    }

    /// A record of this side left the scope.
    fn out_of_scope(&mut self, side: Side) {
        let Some(pair) = self.situation.pair else { return };
        if pair.status != PairStatus::Linked {
            return;
        }
        let to = side.other();
        let other = match self.situation.half.of(to).there() {
            Some(other) if self.cx.link.spec().mode.writes(to) => other,
            _ => return self.effect(Effect::Freeze { side }, Bits::new()),
        };
        match self.cx.link.spec().on_leave.of(side) {
            LeavePolicy::Freeze => self.effect(Effect::Freeze { side }, Bits::new()),
            LeavePolicy::Delete if self.cx.deletes => {
                self.delete(to, other, PlannedGround::LeftScope, Reason::PartnerLeftScope);
            }
            LeavePolicy::Set(values) => self.lifecycle(to, other, values, Reason::PartnerLeftScope),
            LeavePolicy::Delete | LeavePolicy::Park => self.park_record(
                to,
                ParkReason::LeftScope,
                format!("its partner left the scope on the {side} side"),
                "unlink the pair, or bring the record back into the scope".to_owned(),
            ),
        }
    }

    fn hidden(&mut self, side: Side) {
        let Some(pair) = self.situation.pair else { return };
        if pair.status == PairStatus::Ended {
            return;
        }
        self.park_record(
            side.other(),
            ParkReason::Hidden,
            format!("its partner {} cannot be seen on the {side} side", pair.ids.of(side)),
            "give the integration's account access to it, or say that it is gone by unlinking the pair"
                .to_owned(),
        );
    }

    fn end_pair(&mut self, gone: Sides<bool>) {
        if self.situation.pair.is_some_and(|pair| pair.status != PairStatus::Ended) {
            self.effect(Effect::EndPair { gone }, Bits::new());
        }
    }

    fn delete(&mut self, side: Side, record: &Versioned, ground: PlannedGround, reason: Reason) {
        let expects = self.expects(side, record);
        let id = self.action_id(side, &record.id, "delete");
        let action = Action {
            id,
            side,
            target: PlannedTarget::Existing(record.id.clone()),
            verb: PlannedVerb::Delete(ground),
            changes: Vec::new(),
            expects,
            reason,
            waits_for: Vec::new(),
        };
        self.push_action(Rank::Delete, side, record, action, Bits::new());
    }

    /// Sets the fields that a lifecycle policy names; nothing where they are set already, except that the pair's own
    /// state moves all the same.
    fn lifecycle(&mut self, side: Side, record: &Versioned, values: &[(FieldName, Value)], reason: Reason) {
        let changes: Vec<FieldChange> = values
            .iter()
            .filter(|(field, value)| record.record.field(field.as_str()) != Presence::Value(value.as_ref()))
            .map(|(field, value)| FieldChange {
                rule: None,
                field: field.clone(),
                before: record.record.field(field.as_str()).to_slot(),
                after: Planned::Known(value.clone()),
                from: Provenance::Lifecycle,
            })
            .collect();
        if changes.is_empty() {
            return match reason {
                Reason::PartnerLeftScope => self.effect(Effect::Freeze { side: side.other() }, Bits::new()),
                _ => self.end_pair(only(side.other())),
            };
        }
        let writing = Writing { changes, settles: Bits::new(), waits: Vec::new() };
        self.update(side, Some(record), writing, reason);
    }

    fn update(&mut self, side: Side, record: Option<&Versioned>, mut writing: Writing, reason: Reason) {
        let Some(record) = record else { return };
        if writing.changes.is_empty() {
            return;
        }
        let shape = self.cx.link.shape(side);
        writing.changes.sort_by_key(|change| shape.slot(change.field.as_str()));
        let reason =
            match writing.changes.iter().any(|change| matches!(change.from, Provenance::Resolved { .. })) {
                true => Reason::Resolution,
                false => reason,
            };
        let action = Action {
            id: self.action_id(side, &record.id, "update"),
            side,
            target: PlannedTarget::Existing(record.id.clone()),
            verb: PlannedVerb::Update,
            changes: writing.changes,
            expects: self.expects(side, record),
            reason,
            waits_for: writing.waits,
        };
        self.push_action(Rank::Update, side, record, action, writing.settles);
    }

    fn late_reference(
        &mut self,
        deferred: &Deferred,
        to: Side,
        source: &Versioned,
        target: Option<&Versioned>,
    ) {
        let link = self.cx.link;
        let nothing = Record::absent(link.shape(to));
        let held = target.map_or(&nothing, |target| &target.record);
        let context = MapContext {
            resolved: self.situation.resolved.of(to),
            target_entity: link.spec().entity.of(to),
            creating: false,
        };
        let planned = match link.carry_group(deferred.group, to.other(), &source.record, held, &context) {
            Ok(planned) => planned,
            Err(error) => return self.park_group(deferred.group, to, &error),
        };
        let (mut writing, mut agreed) = (Writing::default(), Bits::new());
        self.gather(deferred.group, to, held, planned, Provenance::Changed, &mut writing, &mut agreed);
        let planned_target = match (target, deferred.creates) {
            (Some(target), _) => PlannedTarget::Existing(target.id.clone()),
            (None, Some(action)) => PlannedTarget::CreatedBy(Wait {
                action,
                ask: Ask::Partner { link: link.spec().id.clone(), side: to.other(), id: source.id.clone() },
            }),
            (None, None) => return,
        };
        if writing.changes.is_empty() {
            return;
        }
        let action = Action {
            id: self.action_id(to, &source.id, &format!("reference {}", deferred.group)),
            side: to,
            target: planned_target,
            verb: PlannedVerb::Update,
            changes: writing.changes,
            expects: target.map_or(PlannedExpects::Anything, |target| self.expects(to, target)),
            reason: Reason::LateReference,
            waits_for: writing.waits,
        };
        let mut ids = Sides::default();
        *ids.of_mut(to.other()) = Some(source.id.clone());
        *ids.of_mut(to) = target.map(|target| target.id.clone());
        let mut observed = Sides::default();
        *observed.of_mut(to.other()) = Some(source.record.clone());
        *observed.of_mut(to) = target.map(|target| target.record.clone());
        let part = u16::try_from(deferred.group).unwrap_or(u16::MAX);
        self.push(Entry {
            key: self.key(Rank::PatchReferences, to, source.id.clone(), part),
            link: link.spec().id.clone(),
            ids,
            basis: self.basis(),
            observed,
            settles: writing.settles,
            body: Body::Act(action),
        });
    }

    /// A group cannot be carried: it waits for the end of the plan, or for a person. Other groups go on.
    fn cannot_carry(&mut self, group: usize, to: Side, creates: Option<ActionId>, error: &MapError) {
        if let MapProblem::Waiting(Ask::Partner { link, .. }) = &error.problem
            && !self.cx.decided.contains(link)
        {
            self.decision.deferred.push(Deferred { group, to, creates, contested: false });
            return;
        }
        if error.problem != MapProblem::NotKnown {
            self.park_group(group, to, error);
        }
    }

    fn park_group(&mut self, group: usize, to: Side, error: &MapError) {
        let from = to.other();
        let parked = Parked {
            side: from,
            id: self.id_of(from),
            rules: self.rule_ids(group),
            why: ParkReason::Map(error.problem.clone()),
            message: match error.kind {
                Some(kind) => format!("{}: {} (a {kind})", error.field, error.message),
                None => format!("{}: {}", error.field, error.message),
            },
            remedy: error.remedy.clone(),
        };
        self.park(parked);
    }

    fn park_record(&mut self, side: Side, why: ParkReason, message: String, remedy: String) {
        let id = self.id_of(side);
        self.park(Parked { side, id, rules: Vec::new(), why, message, remedy });
    }

    /// Parks, unless the same thing is parked already.
    fn park(&mut self, parked: Parked) {
        self.parked.extend(parked.rules.iter().cloned());
        let known = self.situation.open.iter().any(|attention| {
            matches!(&attention.why, AttentionWhy::Parked { rules, message, .. }
                if *rules == parked.rules && *message == parked.message)
        });
        if !known {
            self.effect(Effect::Park(parked), Bits::new());
        }
    }

    fn expects(&self, side: Side, record: &Versioned) -> PlannedExpects {
        match (&record.version, self.cx.capabilities.of(side).conditional_update) {
            (Some(version), true) => PlannedExpects::Version(version.clone()),
            (None, true) => PlannedExpects::Before,
            (_, false) => PlannedExpects::Anything,
        }
    }

    fn effect(&mut self, effect: Effect, settles: Bits) {
        self.push_effect(effect, settles, Sides::default());
    }

    fn push_effect(&mut self, effect: Effect, settles: Bits, observed: Sides<Option<Record>>) {
        let side = if self.id_of(Side::Left).is_some() { Side::Left } else { Side::Right };
        let Some(id) = self.id_of(side) else { return };
        let part = self.parts;
        self.parts += 1;
        let entry = Entry {
            key: self.key(Rank::State, side, id, part),
            link: self.cx.link.spec().id.clone(),
            ids: self.ids(),
            basis: self.basis(),
            observed,
            settles,
            body: Body::Effect(effect),
        };
        self.push(entry);
    }

    fn push_action(&mut self, rank: Rank, side: Side, record: &Versioned, action: Action, settles: Bits) {
        let observed = self.situation.half.map(|half| half.there().map(|versioned| versioned.record.clone()));
        let entry = Entry {
            key: self.key(rank, side, record.id.clone(), 0),
            link: self.cx.link.spec().id.clone(),
            ids: self.ids(),
            basis: self.basis(),
            observed,
            settles,
            body: Body::Act(action),
        };
        self.push(entry);
    }

    fn push(&mut self, entry: Entry) {
        if entry.action().is_some_and(|action| self.was_refused(action)) {
            return;
        }
        self.decision.entries.push(entry);
    }

    /// Whether this very attempt was refused before and is parked, and nobody asked for another one.
    fn was_refused(&self, action: &Action) -> bool {
        let open = self.situation.open;
        if open.is_empty() || open.iter().any(|attention| matches!(attention.why, AttentionWhy::Hint { .. }))
        {
            return false;
        }
        let name = attempt_name(action);
        open.iter().any(|attention| match &attention.why {
            AttentionWhy::Parked { reason, .. } if reason == "ambiguous_create" => {
                action.verb == PlannedVerb::Create
            }
            AttentionWhy::Parked { reason, .. } => *reason == name,
            _ => false,
        })
    }

    fn key(&self, rank: Rank, side: Side, id: RecordId, part: u16) -> EntryKey {
        let link = match rank {
            Rank::Delete => self.cx.links.saturating_sub(1).saturating_sub(self.cx.place),
            _ => self.cx.place,
        };
        EntryKey { rank, link, side, id, part }
    }

    fn basis(&self) -> Basis {
        let version = |side: Side| self.situation.half.of(side).there().and_then(|half| half.version.clone());
        Basis {
            pair_revision: self.situation.pair.map(|pair| pair.revision),
            versions: Sides::new(version(Side::Left), version(Side::Right)),
        }
    }

    fn ids(&self) -> Sides<Option<RecordId>> {
        Sides::new(self.id_of(Side::Left), self.id_of(Side::Right))
    }

    fn id_of(&self, side: Side) -> Option<RecordId> {
        let there = self.situation.half.of(side).there().map(|versioned| versioned.id.clone());
        there.or_else(|| self.situation.pair.map(|pair| pair.ids.of(side).clone()))
    }

    fn rule_ids(&self, group: usize) -> Vec<RuleId> {
        let rules = self.cx.link.rules();
        let members =
            self.cx.link.groups().get(group).map(|group| group.rules.as_slice()).unwrap_or_default();
        members.iter().filter_map(|rule| rules.get(usize::from(rule.0))).map(|rule| rule.id.clone()).collect()
    }

    fn action_id(&self, side: Side, id: &RecordId, part: &str) -> ActionId {
        let revision = self.situation.pair.map_or(0, |pair| pair.revision + 1);
        let version = |side: Side| {
            self.situation.half.of(side).there().map(|half| self.cx.link.fingerprint(side, &half.record))
        };
        // What both sides held is part of the id: the same record in another state is another action.
        let (left, right) =
            (version(Side::Left).unwrap_or_default(), version(Side::Right).unwrap_or_default());
        ActionId::derive(&[
            self.cx.link.spec().id.as_str().as_bytes(),
            side.to_string().as_bytes(),
            id.as_bytes(),
            part.as_bytes(),
            self.cx.configuration.as_bytes(),
            &revision.to_le_bytes(),
            &left,
            &right,
        ])
    }
}

/// The stable name of an attempt: the same values to the same record. Under it a refused write is parked, so that it
/// is not tried again until something changes or a person asks for it.
pub fn attempt_name(action: &Action) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[u8::from(action.side == Side::Right)]);
    let mut bytes = Vec::with_capacity(256);
    for change in &action.changes {
        bytes.extend_from_slice(change.field.as_str().as_bytes());
        bytes.push(0);
        match &change.after {
            Planned::Known(value) => value.as_ref().write_canonical(&mut bytes),
            Planned::ResultOf(action) => bytes.extend_from_slice(action.as_bytes()),
            Planned::TargetDecides => bytes.push(0),
        }
    }
    hasher.update(&bytes);
    let digits: String = hasher.finalize().to_hex().chars().take(16).collect();
    format!("refused:{digits}")
}

/// True for one side.
fn only(side: Side) -> Sides<bool> {
    Sides::new(side == Side::Left, side == Side::Right)
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
        let shown = fields.iter().map(|(field, base, current)| match base {
            Slot::Absent => format!("{field} {current}"),
            base => format!("{field} {base} -> {current}"),
        });
        shown.collect::<Vec<_>>().join(", ")
    };
    format!("{} | {}", side(&view.fields.left), side(&view.fields.right))
}
