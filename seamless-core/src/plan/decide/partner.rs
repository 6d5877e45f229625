//! Deciding what a missing partner means: a record that has none yet, whose partner is gone, hidden or out of the
//! scope; and references that had to wait until every link was decided.

use std::sync::Arc;

use crate::connector::{AbsenceProof, Versioned};
use crate::mapper::{Ask, DeletePolicy, Draft, LeavePolicy, MapContext};
use crate::merge::CompiledLink;
use crate::model::{
    Bits, FieldName, Planned, PlannedRef, Presence, Record, RecordId, Side, Sides, Slot, Truth, Value,
};

use super::{Deciding, Deferred, Half, Move, Writing};
use crate::plan::changes::{Changes, ChangesBuilder};
use crate::plan::entry::{
    Action, Body, Effect, Entry, FieldChange, ParkReason, Parked, PlannedExpects, PlannedGround,
    PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
use crate::plan::known::{AttentionWhy, Pair, PairStatus};
use crate::plan::parking::ParkedAs;

impl Deciding<'_> {
    /// A record without a partner: it gets one where scope, mapping, mode and the target's capabilities allow it.
    pub(super) fn alone(&mut self, from: Side, source: &Versioned) {
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

    /// Writes down a create with every field that can be carried now. A group that waits for a partner is patched later,
    /// one that cannot be carried is parked; neither keeps the record from being made.
    pub(super) fn create(&mut self, from: Side, source: &Versioned, reason: Reason) {
        let (link, to) = (self.cx.link, from.other());
        let nothing = Record::absent(link.shape(to));
        let id = self.action_id(to, &source.id, "create");
        let context = MapContext {
            resolved: self.situation.resolved.of(to),
            target_entity: link.spec().entity.of(to),
            creating: true,
        };
        let (mut settles, mut waits_for) = (Bits::new(), Vec::new());
        // One draft for all groups: their values lie behind each other until they are put into the action.
        let mut draft = Draft::over(&nothing);
        let mut carried: Vec<(usize, usize)> = Vec::with_capacity(nothing.shape().len());
        let mut moves: Vec<Move> = Vec::new();
        for (place, group) in link.groups().iter().enumerate() {
            if !group.direction.allows(to) || self.cx.rests.contains(place) {
                continue;
            }
            let before = draft.planned().len();
            match link.carry_into(place, from, &source.record, &mut draft, &context) {
                Ok(()) => {
                    let planned = || draft.planned_since(before);
                    // What the target decides is known when the record is read: until then the group has no bases, and the
                    // next plan carries it back.
                    if !planned().any(|(_, after)| after == PlannedRef::TargetDecides) {
                        settles.insert(place);
                    }
                    planned().for_each(|(_, after)| self.push_wait(to, after, &mut waits_for));
                    for (slot, after) in planned() {
                        let start = link.start(to, slot);
                        let made_in =
                            start.and_then(|start| self.made_in(to, place, slot, start, &after.to_planned()));
                        match made_in {
                            Some(made_in) => moves.push(made_in),
                            None => carried.push((slot, place)),
                        }
                    }
                }
                Err(error) => {
                    draft.forget_since(before);
                    self.cannot_carry(place, to, Some(id), &error);
                }
            }
        }
        carried.sort_unstable_by_key(|(slot, _)| *slot);
        let (as_made, steps) = match moves.is_empty() {
            true => (source.record.clone(), Vec::new()),
            false => self.steps_of_new(to, source, id, &moves),
        };
        let mut observed = Sides::default();
        *observed.of_mut(from) = Some(as_made);
        let mut ids = Sides::default();
        *ids.of_mut(from) = Some(source.id.clone());
        let action = Action {
            id,
            side: to,
            target: PlannedTarget::New,
            verb: PlannedVerb::Create,
            changes: self.created(to, &carried, &draft),
            expects: PlannedExpects::Missing,
            reason,
            waits_for,
        };
        let mut basis = self.basis();
        *basis.versions.of_mut(from) = source.version.clone();
        self.push(Entry {
            key: self.key(Rank::Create, to, source.id.clone(), 0),
            link: link.spec().id.clone(),
            ids,
            basis,
            observed,
            settles,
            body: Body::Act(action),
        });
        // What was refused before is not made, and nothing is done to it.
        if self.decision.entries.last().is_some_and(|entry| entry.key.rank == Rank::Create) {
            steps.into_iter().for_each(|step| self.push(step));
        }
    }

    /// The state that a record is made in, where it is not sent, and the one that it is to come to.
    fn made_in(&self, to: Side, group: usize, slot: usize, start: &Value, after: &Planned) -> Option<Move> {
        let field = self.cx.link.shape(to).name(slot)?.clone();
        let (rule, before) = (self.rule_of(group, to, &field), Slot::Value(start.clone()));
        let change = FieldChange { rule, field, before, after: after.clone(), from: Provenance::Created };
        Some(Move { group: Some(group), slot, change })
    }

    /// The changes that make a record: what was carried, by slot and group. Most records of a link are made of the same
    /// fields, which they share.
    fn created(&self, to: Side, carried: &[(usize, usize)], draft: &Draft<'_>) -> Changes {
        let link = self.cx.link;
        let slots = carried.iter().map(|(slot, _)| slot);
        if let Some((_, fields)) = link.created(to).filter(|(all, _)| slots.eq(all.iter())) {
            let mut making = ChangesBuilder::new(Arc::clone(fields));
            for (slot, _) in carried {
                making.push_before(Presence::Absent);
                making.push_after(draft.get(*slot).unwrap_or(PlannedRef::TargetDecides));
                making.push_from(Provenance::Created);
            }
            return making.finish();
        }
        let changes = carried.iter().filter_map(|(slot, group)| {
            let field = link.shape(to).name(*slot)?.clone();
            let rule = self.rule_of(*group, to, &field);
            let after = draft.get(*slot)?.to_planned();
            Some(FieldChange { rule, field, before: Slot::Absent, after, from: Provenance::Created })
        });
        Changes::of(changes.collect())
    }

    /// A partner was merged into a record that has one of its own. Nothing follows from that for the record that is
    /// left: it may be a second record of the same thing, or not.
    pub(super) fn merged(&mut self, side: Side, into: &RecordId, partner: Option<&RecordId>) {
        let Some(pair) = self.situation.pair else { return };
        if pair.status == PairStatus::Ended || self.waits_for_a_merge() {
            return;
        }
        let whose = match partner {
            Some(partner) => format!(", which has the partner {partner}"),
            None => ", which cannot take its place".to_owned(),
        };
        let remedy = match partner {
            Some(partner) => {
                format!("merge it into {partner} too, or delete it; nothing is deleted by itself")
            }
            None => "delete it too, or unlink the pair; nothing is deleted by itself".to_owned(),
        };
        let message = format!("its partner was merged into {into} on the {side} side{whose}");
        self.park_record(side.other(), ParkReason::Merged { into: into.clone() }, message, remedy);
    }

    /// Whether the pair is parked because a record of it was merged: systems say so once, and later only that it is
    /// gone.
    fn waits_for_a_merge(&self) -> bool {
        self.waits_as(|reason| matches!(reason, ParkedAs::Merged { .. }))
    }

    fn waits_as(&self, is_meant: impl Fn(&ParkedAs) -> bool) -> bool {
        let open = &self.situation.open;
        open.iter().any(|open| matches!(&open.why, AttentionWhy::Parked { reason, .. } if is_meant(reason)))
    }

    /// A partner is gone; `side` is the side that it was on.
    pub(super) fn gone(&mut self, side: Side, proof: &AbsenceProof, other: &Versioned) {
        let Some(pair) = self.situation.pair else { return };
        if pair.status == PairStatus::Ended || self.waits_for_a_merge() {
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
    pub(super) fn out_of_scope(&mut self, side: Side) {
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

    /// A side neither shows the record nor proves that it is gone: nothing follows from that but a question.
    pub(super) fn hidden(&mut self, side: Side) {
        let Some(pair) = self.situation.pair else { return };
        // Where neither is shown, the question that is open about one of them is enough.
        let neither = matches!(self.situation.half.of(side.other()), Half::Hidden);
        if pair.status == PairStatus::Ended
            || self.waits_for_a_merge()
            || self.waits_for_a_partner_that_is_gone()
            || neither && self.waits_as(|reason| *reason == ParkedAs::Hidden)
        {
            return;
        }
        // What is shown of the other one proves what became of the last write to it, and may be edited before both are seen.
        let observed = |side: Side| {
            let seen = self.situation.half.of(side).there()?;
            (!pair.trail.acknowledged.of(side).is_empty()).then(|| seen.record.clone())
        };
        let observed = Sides::new(observed(Side::Left), observed(Side::Right));
        let parked = Parked {
            side: side.other(),
            id: self.id_of(side.other()),
            rules: Vec::new(),
            why: ParkReason::Hidden,
            message: format!("its partner {} cannot be seen on the {side} side", pair.ids.of(side)),
            remedy:
                "give the integration's account access to it, or say that it is gone by unlinking the pair"
                    .to_owned(),
        };
        self.park_seen(parked, observed);
    }

    /// The side that shows a record as it was before our last write: its reading lags, and says nothing of what it holds.
    /// A version that comes back by itself, as a hash of the content does, cannot be told from that; a hint says so. What
    /// shows all that we know is no former state, whatever its version says: stamps that are coarse are those of former
    /// ones.
    pub(super) fn lagging(&self) -> Option<Side> {
        let pair = self.situation.pair?;
        let trail = &pair.trail;
        let is_hinted = self.situation.open.iter().any(|open| matches!(open.why, AttentionWhy::Hint { .. }));
        Side::BOTH.into_iter().filter(|_| !is_hinted).find(|side| {
            let Some(shown) = self.situation.half.of(*side).there() else { return false };
            let replaced = trail.replaced.of(*side);
            !self.cx.capabilities.of(*side).consistent_read
                && shown.version.as_ref().is_some_and(|version| replaced.contains(version))
                && !shows_all(self.cx.link, *side, pair, &shown.record)
        })
    }

    /// Nothing is decided about a pair until a side shows our last write.
    pub(super) fn wait_to_see(&mut self, side: Side) {
        self.park_record(
            side,
            ParkReason::Lagging,
            format!("the {side} side still shows what it held before the last write"),
            "nothing, if it shows the write later; a hint takes what it shows for an edit".to_owned(),
        );
    }

    /// Nothing is decided about a pair while it cannot be seen whether a record of it takes part: it is not out of the scope
    /// because a record that the scope looks at is not shown. What rests goes on resting.
    pub(super) fn wait_for_scope(&mut self, side: Side) {
        if self.situation.pair.is_some_and(|pair| pair.status != PairStatus::Linked) {
            return;
        }
        self.park_record(
            side,
            ParkReason::Hidden,
            self.cx.link.scope_unseen(side),
            "let the integration's account see the records that the scope looks at".to_owned(),
        );
    }

    /// Whether it waits already because its partner was proven to be gone. That it is not shown says no more.
    fn waits_for_a_partner_that_is_gone(&self) -> bool {
        self.waits_as(|reason| matches!(reason, ParkedAs::PartnerGone | ParkedAs::EditedAndDeleted))
    }

    pub(super) fn end_pair(&mut self, gone: Sides<bool>) {
        if self.situation.pair.is_some_and(|pair| pair.status != PairStatus::Ended) {
            self.effect(Effect::EndPair { gone }, Bits::new());
        }
    }

    pub(super) fn delete(&mut self, side: Side, record: &Versioned, ground: PlannedGround, reason: Reason) {
        let expects = self.expects(side, record);
        let id = self.action_id(side, &record.id, "delete");
        let action = Action {
            id,
            side,
            target: PlannedTarget::Existing(record.id.clone()),
            verb: PlannedVerb::Delete(ground),
            changes: Changes::none(),
            expects,
            reason,
            waits_for: Vec::new(),
        };
        self.push_action(Rank::Delete, side, record, action, Bits::new());
    }

    /// Sets the fields that a lifecycle policy names; nothing where they are set already, except that the pair's own
    /// state moves all the same.
    pub(super) fn lifecycle(
        &mut self,
        side: Side,
        record: &Versioned,
        values: &[(FieldName, Value)],
        reason: Reason,
    ) {
        let link = self.cx.link;
        let mut writing = Writing::default();
        for (field, value) in values {
            let held = record.record.field(field.as_str());
            if held == Presence::Value(value.as_ref()) {
                continue;
            }
            let change = FieldChange {
                rule: None,
                field: field.clone(),
                before: held.to_slot(),
                after: Planned::Known(value.clone()),
                from: Provenance::Lifecycle,
            };
            match link.shape(side).slot(field.as_str()).filter(|slot| link.is_moved(side, *slot)) {
                Some(slot) => writing.moves.push(Move { group: None, slot, change }),
                None => writing.changes.push(change),
            }
        }
        if writing.changes.is_empty() && writing.moves.is_empty() {
            return match reason {
                Reason::PartnerLeftScope => self.effect(Effect::Freeze { side: side.other() }, Bits::new()),
                _ => self.end_pair(only(side.other())),
            };
        }
        let Some(steps) = self.lifecycle_steps(side, &mut writing) else { return };
        self.write(side, record, writing, steps, reason);
    }

    /// Writes down a group that had to wait for a partner in another link, or parks it where that partner did not come.
    pub(super) fn late_reference(
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
        if deferred.contested {
            return;
        }
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
            changes: writing.changes.into(),
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
}

/// True for one side.
fn only(side: Side) -> Sides<bool> {
    Sides::new(side == Side::Left, side == Side::Right)
}

/// Whether a record shows everything that is known of it.
fn shows_all(link: &CompiledLink, side: Side, pair: &Pair, shown: &Record) -> bool {
    let (forms, base) = (link.forms(side), pair.base.of(side));
    let is_known = |slot: &usize| matches!(base.get(*slot), Presence::Value(_));
    (0..link.shape(side).len()).filter(is_known).all(|slot| forms.same_slot(slot, base, shown))
}
