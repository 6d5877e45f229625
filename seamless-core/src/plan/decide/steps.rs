//! States that actions move: the actions that lead from what a record holds to what it is to hold, those that make it
//! writable first, and those that bring it back. The doors are [`Deciding::steps`], which plans them, and
//! [`Deciding::write`], which writes down the updates of a record in their midst.
//!
//! Every action is an entry of its own, and may be the last that happens. So a step that is not the last settles its group
//! on the state that it leads to, on *both* sides, as a temporary unique value does: what the other side says then differs
//! from its base, and the next plan leads on. A record that was opened for the sake of an edit differs from nothing; that it is
//! open is kept with it (`ParkedAs::Opened`), until it is brought back.

use crate::connector::Versioned;
use crate::mapper::{Ask, MapError, MapProblem, StateAction};
use crate::merge::{Case, Detour, Judgement, Verdict};
use crate::model::{
    ActionName, Bits, FieldName, Planned, Presence, Record, RuleId, Side, Sides, Slot, Value, ValueRef,
};

use super::{Deciding, Writing};
use crate::plan::entry::{
    Action, Body, Effect, Entry, FieldChange, ParkReason, PlannedExpects, PlannedTarget, PlannedVerb,
    Provenance, Rank, Reason, Wait,
};
use crate::plan::keys::standing_for;
use crate::plan::known::AttentionWhy;
use crate::plan::parking::{ParkedAs, state_of};

/// A state that a record is to come to.
pub(super) struct Move {
    /// The group that asks for it; none where a lifecycle policy does.
    pub(super) group: Option<usize>,
    pub(super) slot: usize,
    pub(super) change: FieldChange,
}

/// A group that may not change the record in the state that it is in.
pub(super) struct Shut {
    pub(super) group: usize,
    pub(super) sends: Sends,
    pub(super) error: Box<MapError>,
}

/// What a group sends once the record is open.
pub(super) enum Sends {
    /// What is carried.
    Carried(Provenance),
    /// What both sides' edits are together, in this slot; whether the group is settled by it.
    Merged { slot: usize, value: Value, settles: bool },
}

/// The actions on one record.
#[derive(Default)]
pub(super) struct Steps {
    /// Before it is written.
    open: Vec<Step>,
    /// After.
    then: Vec<Step>,
    /// The rules that speak of the states.
    pub(super) rules: Vec<RuleId>,
}

struct Step {
    name: ActionName,
    change: FieldChange,
    /// The group that it settles: on what is wanted, or on the state that it leads to.
    settles: Option<(usize, Settled)>,
    back: Option<Value>,
    /// `None`: that of the write.
    reason: Option<Reason>,
}

#[derive(Clone, Copy, PartialEq)]
enum Settled {
    AsWanted,
    OnTheWay,
}

/// The record that actions are done on.
enum On<'a> {
    There(&'a Versioned),
    /// One that this plan makes for a record of the other side.
    Made {
        wait: Wait,
        source: &'a Versioned,
    },
}

impl Steps {
    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.then.is_empty()
    }
}

impl Deciding<'_> {
    /// Plans the actions on a side's record, with what may be written once it is open. A change of state that no way leads to
    /// is parked, and so is what waits for a state that nothing leads to.
    pub(super) fn steps(
        &mut self,
        case: &Case<'_>,
        verdict: &Verdict,
        side: Side,
        writing: &mut Sides<Writing>,
        agreed: &mut Bits,
    ) -> Steps {
        let link = self.cx.link;
        let record: &Record = case.current.of(side);
        let mut shut = std::mem::take(self.shut.of_mut(side));
        let mut steps = Steps::default();
        let moves = std::mem::take(&mut writing.of_mut(side).moves);
        for slot in link.moved(side) {
            let Some(at) = record.get(*slot).value() else {
                // What is not known leads nowhere, and settles nothing.
                let of = moves.iter().filter(|wanted| wanted.slot == *slot).filter_map(|wanted| wanted.group);
                of.for_each(|group| writing.of_mut(side).settles.remove(group));
                continue;
            };
            let wanted = moves.iter().find(|wanted| wanted.slot == *slot);
            let wanted = wanted.filter(|wanted| self.leads_somewhere(side, wanted, writing.of_mut(side)));
            let open = match wanted {
                Some(_) => None,
                None => self.still_open(side, *slot, at, verdict, (writing.of(side.other()), agreed)),
            };
            let to = match (wanted.and_then(after), &open) {
                (Some(wanted), _) => wanted,
                (None, Some(back)) => back.as_ref(),
                (None, None) => at,
            };
            let detour = match shut.is_empty() {
                true => None,
                false => link.detour(side, *slot, record, to, wanted.is_some()),
            };
            if let Some(detour) = detour.filter(|detour| steps.have_room(detour))
                && self.carry_opened(case, (side, *slot), &detour, &mut shut, writing.of_mut(side), agreed)
            {
                self.take_detour((side, *slot), at, to, wanted, detour, writing.of_mut(side), &mut steps);
            } else if let Some(way) = link.way(side, *slot, at, to) {
                let chain = match wanted {
                    Some(wanted) => self.wanted((side, *slot), at, &way, wanted, writing.of_mut(side)),
                    None => self.closing((side, *slot), at, to, &way),
                };
                steps.then.extend(chain);
            }
            if !steps.is_empty() {
                steps.rules.extend(link.group_with(side, *slot).into_iter().flat_map(|of| self.rule_ids(of)));
            }
        }
        for Shut { group, error, .. } in shut {
            self.cannot_carry(group, side, None, &error);
        }
        steps
    }

    /// Whether a way leads to a state that is wanted. Where none does, it waits and says both states.
    fn leads_somewhere(&mut self, side: Side, wanted: &Move, writing: &mut Writing) -> bool {
        let link = self.cx.link;
        let states = wanted.change.before.as_presence().value().zip(after(wanted));
        if states.is_some_and(|(at, to)| link.way(side, wanted.slot, at, to).is_some()) {
            return true;
        }
        if let Some(group) = wanted.group {
            writing.settles.remove(group);
            if let Some((at, to)) = states {
                let error = no_way(&wanted.change, at, to);
                self.park_group(group, side, &error);
            }
        }
        false
    }

    /// The state that a record is to be brought back to, where a plan opened it and nothing else has been said of its state
    /// since. Otherwise it is not open any more for our sake, and that is said.
    fn still_open(
        &mut self,
        side: Side,
        slot: usize,
        at: ValueRef<'_>,
        verdict: &Verdict,
        (other, agreed): (&Writing, &Bits),
    ) -> Option<Value> {
        let link = self.cx.link;
        let field = link.shape(side).name(slot)?;
        let (left, back) = self.situation.open.iter().find_map(|open| match &open.why {
            AttentionWhy::Parked { reason: ParkedAs::Opened { field: of, left, back }, .. }
                if open.side == side && of == field =>
            {
                Some((left, back))
            }
            _ => None,
        })?;
        let group = link.group_with(side, slot);
        let is_said = group.is_some_and(|group| agreed.contains(group) || other.settles.contains(group));
        if is_said || !link.same_state(side, slot, at, left.as_ref()) {
            self.effect(Effect::CloseConflict { rules: vec![state_of(field)] }, Bits::new());
            return None;
        }
        let rests = |group| matches!(verdict.judgement(group), Judgement::Settled | Judgement::Diverged);
        group.is_none_or(rests).then(|| back.clone())
    }

    /// Brings back a record that a plan left open and that is not in the scope for as long as it is; says whether it is one.
    pub(super) fn bring_back(&mut self, side: Side, record: &Versioned) -> bool {
        let link = self.cx.link;
        let open = self.situation.open.iter().find_map(|open| match &open.why {
            AttentionWhy::Parked { reason: ParkedAs::Opened { field, left, back }, .. }
                if open.side == side =>
            {
                Some((link.shape(side).slot(field.as_str())?, left, back))
            }
            _ => None,
        });
        let Some((slot, left, back)) = open else { return false };
        let Some(at) = record.record.get(slot).value() else { return false };
        if !link.same_state(side, slot, at, left.as_ref()) {
            return false;
        }
        let Some(way) = link.way(side, slot, at, back.as_ref()) else { return false };
        let then = self.closing((side, slot), at, back.as_ref(), &way);
        let steps = Steps { then, ..Steps::default() };
        self.write(side, record, Writing::default(), steps, Reason::ClosedAgain);
        true
    }

    /// Whether a group is about a state in which a plan left a record open. That the sides differ is no wonder then.
    pub(super) fn was_opened(&self, group: usize) -> bool {
        let link = self.cx.link;
        self.situation.open.iter().any(|open| {
            matches!(&open.why, AttentionWhy::Parked { reason: ParkedAs::Opened { field, .. }, .. }
                if link.rule_for(group, open.side, field).is_some())
        })
    }

    /// Carries what waited for the record to be opened; says whether there is anything to write then.
    fn carry_opened(
        &mut self,
        case: &Case<'_>,
        (side, slot): (Side, usize),
        detour: &Detour<'_>,
        shut: &mut Vec<Shut>,
        writing: &mut Writing,
        agreed: &mut Bits,
    ) -> bool {
        let Some(last) = detour.open.last() else { return false };
        let (source, target): (&Record, &Record) = (case.current.of(side.other()), case.current.of(side));
        let opened = target.with([(slot, Presence::Value(last.to.as_ref()))]);
        let before = writing.changes.len();
        for Shut { group, sends, error: _ } in shut.drain(..) {
            let context = case.context.of(side);
            let from = match sends {
                Sends::Carried(from) => from,
                Sends::Merged { slot, value, settles } => {
                    self.push_merged(
                        group,
                        side,
                        (slot, target.get(slot).to_slot()),
                        value,
                        settles,
                        writing,
                    );
                    continue;
                }
            };
            match self.cx.link.carry_group(group, side.other(), source, &opened, context) {
                Ok(planned) => self.gather(group, side, target, planned, from, writing, agreed),
                Err(error) => self.cannot_carry(group, side, None, &error),
            }
        }
        writing.changes.len() > before
    }

    #[expect(clippy::too_many_arguments, reason = "each is one thing that the way depends on")]
    fn take_detour(
        &self,
        (side, slot): (Side, usize),
        at: ValueRef<'_>,
        to: ValueRef<'_>,
        wanted: Option<&Move>,
        detour: Detour<'_>,
        writing: &mut Writing,
        steps: &mut Steps,
    ) {
        let Detour { open, then, on_the_way } = detour;
        let Some(opened) = open.last().map(|last| last.to.as_ref()) else { return };
        match wanted {
            Some(wanted) if on_the_way => {
                let whole: Vec<&StateAction> = open.iter().chain(&then).copied().collect();
                let mut chain = self.wanted((side, slot), at, &whole, wanted, writing);
                let rest = chain.split_off(open.len().min(chain.len()));
                steps.open.extend(chain);
                steps.then.extend(rest);
            }
            Some(wanted) => {
                steps.open.extend(self.opening((side, slot), at, at, &open));
                steps.then.extend(self.wanted((side, slot), opened, &then, wanted, writing));
            }
            None => {
                steps.open.extend(self.opening((side, slot), at, to, &open));
                steps.then.extend(self.closing((side, slot), opened, to, &then));
            }
        }
    }

    /// The steps to a state that is wanted. The last settles the group, where it was to be settled.
    fn wanted(
        &self,
        (side, slot): (Side, usize),
        at: ValueRef<'_>,
        way: &[&StateAction],
        wanted: &Move,
        writing: &mut Writing,
    ) -> Vec<Step> {
        let settles = wanted.group.filter(|group| writing.settles.contains(*group));
        if let Some(group) = wanted.group {
            writing.settles.remove(group);
        }
        let mut steps = self.chain((side, slot), at, way);
        let last = steps.len().saturating_sub(1);
        for (place, step) in steps.iter_mut().enumerate() {
            step.change.rule.clone_from(&wanted.change.rule);
            let (how, from, reason) = match place == last {
                true => (Settled::AsWanted, wanted.change.from.clone(), None),
                false => (Settled::OnTheWay, Provenance::OnTheWay, Some(Reason::State)),
            };
            (step.settles, step.change.from, step.reason) = (settles.map(|group| (group, how)), from, reason);
        }
        steps
    }

    fn opening(
        &self,
        at_slot: (Side, usize),
        at: ValueRef<'_>,
        back: ValueRef<'_>,
        way: &[&StateAction],
    ) -> Vec<Step> {
        let mut steps = self.chain(at_slot, at, way);
        for step in &mut steps {
            (step.back, step.reason) = (Some(back.to_value()), Some(Reason::Opened));
            step.change.from = Provenance::Opened;
        }
        steps
    }

    fn closing(
        &self,
        at_slot: (Side, usize),
        at: ValueRef<'_>,
        back: ValueRef<'_>,
        way: &[&StateAction],
    ) -> Vec<Step> {
        let mut steps = self.chain(at_slot, at, way);
        let last = steps.len().saturating_sub(1);
        for (place, step) in steps.iter_mut().enumerate() {
            let (back, from) = match place == last {
                true => (None, Provenance::AsBefore),
                false => (Some(back.to_value()), Provenance::OnTheWay),
            };
            (step.back, step.change.from, step.reason) = (back, from, Some(Reason::ClosedAgain));
        }
        steps
    }

    /// The steps of a way, of which nothing is said yet but what they do.
    fn chain(&self, (side, slot): (Side, usize), at: ValueRef<'_>, way: &[&StateAction]) -> Vec<Step> {
        let link = self.cx.link;
        let Some(field) = link.shape(side).name(slot) else { return Vec::new() };
        let rule = link.group_with(side, slot).and_then(|group| self.rule_of(group, side, field));
        let mut before = at.to_value();
        let step = |action: &&StateAction| {
            let change = FieldChange {
                rule: rule.clone(),
                field: field.clone(),
                before: Slot::Value(std::mem::replace(&mut before, action.to.clone())),
                after: Planned::Known(action.to.clone()),
                from: Provenance::OnTheWay,
            };
            Step { name: action.name.clone(), change, settles: None, back: None, reason: None }
        };
        way.iter().map(step).collect()
    }

    /// Plans what a lifecycle policy sets by actions. `None` where no way leads there: then nothing is set, and it waits.
    pub(super) fn lifecycle_steps(&mut self, side: Side, writing: &mut Writing) -> Option<Steps> {
        let mut steps = Steps::default();
        for wanted in std::mem::take(&mut writing.moves) {
            let (Some(at), Some(to)) = (wanted.change.before.as_presence().value(), after(&wanted)) else {
                continue;
            };
            let Some(way) = self.cx.link.way(side, wanted.slot, at, to) else {
                let MapError { problem, message, remedy, field, .. } = no_way(&wanted.change, at, to);
                self.park_record(side, ParkReason::Map(problem), format!("{field}: {message}"), remedy);
                return None;
            };
            steps.then.extend(self.wanted((side, wanted.slot), at, &way, &wanted, writing));
        }
        Some(steps)
    }

    /// Writes down what was gathered for a side as one update in the midst of actions; nothing where nothing is sent. What is
    /// opened is written and brought back as a whole, or not at all. Where nothing is opened, a step that is known to be
    /// refused stops those after it.
    pub(super) fn write(
        &mut self,
        side: Side,
        record: &Versioned,
        writing: Writing,
        steps: Steps,
        reason: Reason,
    ) {
        if steps.is_empty() {
            return self.update(side, Some(record), writing, reason);
        }
        let Steps { open, then, rules: _ } = steps;
        let on = On::There(record);
        let ends = matches!(reason, Reason::PartnerGone | Reason::PartnerLeftScope);
        let earlier = |reason: &Reason| if ends { Reason::State } else { reason.clone() };
        let opens = !open.is_empty();
        let closes = then.iter().all(|step| step.reason == Some(Reason::ClosedAgain));
        let mut entries = Vec::new();
        for (place, step) in open.into_iter().enumerate() {
            let expects = self.expects_after(side, record, entries.is_empty());
            entries.extend(self.step(&on, side, rank(Rank::Open, place), step, expects, earlier(&reason)));
        }
        let written = entries.len();
        if !writing.changes.is_empty() {
            let expects = self.expects_after(side, record, entries.is_empty());
            let reason = if then.is_empty() { reason.clone() } else { earlier(&reason) };
            entries.push(self.update_entry(side, record, writing, expects, reason));
        }
        let acts = entries.len();
        let last = then.len().saturating_sub(1);
        for (place, step) in then.into_iter().enumerate() {
            let expects = self.expects_after(side, record, entries.is_empty());
            let reason = if place == last { reason.clone() } else { earlier(&reason) };
            entries.extend(self.step(&on, side, rank(Rank::Act, place), step, expects, reason));
        }
        let is_refused = |entry: &Entry| entry.action().is_some_and(|action| self.was_refused(action));
        let refused: Vec<bool> = entries.iter().map(is_refused).collect();
        if opens && refused.contains(&true) {
            self.decision.refused = true;
            return;
        }
        let mut stopped = false;
        for (place, (entry, refused)) in entries.into_iter().zip(refused).enumerate() {
            self.decision.refused |= refused;
            // What is open is brought back, whatever became of the update.
            stopped |= refused && !(place >= written && place < acts && closes);
            if !refused && !stopped {
                self.decision.entries.push(entry);
            }
        }
    }

    /// Plans the actions on a record that this plan makes, and what the new record is taken for meanwhile.
    ///
    /// Gives back the other side's record as it is to be the base of what is created: where the state is not the wanted one, it
    /// says what the first state means, so that the wanted one is a change.
    pub(super) fn steps_of_new(
        &mut self,
        to: Side,
        source: &Versioned,
        create: crate::model::ActionId,
        moves: &[Move],
    ) -> (Record, Vec<Entry>) {
        let link = self.cx.link;
        let mut observed = source.record.clone();
        let mut steps = Vec::new();
        let mut writing = Writing::default();
        for wanted in moves {
            let (Some(at), Some(to_be)) = (wanted.change.before.as_presence().value(), after(wanted)) else {
                continue;
            };
            let way = link.way(to, wanted.slot, at, to_be);
            if way.as_ref().is_some_and(Vec::is_empty) {
                continue;
            }
            if let Some(group) = wanted.group {
                let made = Record::absent(link.shape(to)).with([(wanted.slot, Presence::Value(at))]);
                observed = standing_for(link, to, &made, &observed, &std::iter::once(group).collect());
                match &way {
                    Some(_) => writing.settles.insert(group),
                    None => self.park_group(group, to, &no_way(&wanted.change, at, to_be)),
                }
            }
            let way = way.unwrap_or_default();
            steps.extend(self.wanted((to, wanted.slot), at, &way, wanted, &mut writing));
        }
        let ask = Ask::Partner { link: link.spec().id.clone(), side: to.other(), id: source.id.clone() };
        let on = On::Made { wait: Wait { action: create, ask }, source };
        let entries = steps.into_iter().enumerate().filter_map(|(place, step)| {
            self.step(&on, to, rank(Rank::Act, place), step, PlannedExpects::AsLeft, Reason::State)
        });
        let entries = entries.collect();
        (observed, entries)
    }

    /// The precondition of a write: that of the first, or what the ones before it left.
    fn expects_after(&self, side: Side, record: &Versioned, first: bool) -> PlannedExpects {
        if first { self.expects(side, record) } else { PlannedExpects::AsLeft }
    }

    /// An action as an entry. `None` beyond the last rank.
    fn step(
        &self,
        on: &On<'_>,
        side: Side,
        rank: Option<Rank>,
        step: Step,
        expects: PlannedExpects,
        reason: Reason,
    ) -> Option<Entry> {
        let (rank, link) = (rank?, self.cx.link);
        let (from, Step { name, change, settles, back, reason: own, .. }) = (side.other(), step);
        let reason = match (&change.from, own) {
            (_, Some(own)) => own,
            (Provenance::Resolved { .. }, None) => Reason::Resolution,
            (_, None) => reason,
        };
        let mut observed = self.situation.half.map(|half| half.there().map(|half| half.record.clone()));
        let mut ids = self.ids();
        let (id, target) = match on {
            On::There(record) => (record.id.clone(), PlannedTarget::Existing(record.id.clone())),
            On::Made { wait, source } => {
                (*observed.of_mut(side), *ids.of_mut(side)) = (None, None);
                (source.id.clone(), PlannedTarget::CreatedBy(wait.clone()))
            }
        };
        let settles: Option<(Bits, Settled)> =
            settles.map(|(group, how)| (std::iter::once(group).collect(), how));
        if let (Some((groups, Settled::OnTheWay)), Some(other)) = (&settles, observed.of_mut(from))
            && let (Some(slot), Planned::Known(state)) =
                (link.shape(side).slot(change.field.as_str()), &change.after)
        {
            let with = Record::absent(link.shape(side)).with([(slot, Presence::Value(state.as_ref()))]);
            *other = standing_for(link, side, &with, other, groups);
        }
        let action = Action {
            id: self.action_id(side, &id, &format!("{rank} {name}")),
            side,
            target,
            verb: PlannedVerb::Action { name, back },
            changes: vec![change].into(),
            expects,
            reason,
            waits_for: Vec::new(),
        };
        Some(Entry {
            key: self.key(rank, side, id, 0),
            link: link.spec().id.clone(),
            ids,
            basis: self.basis(),
            observed,
            settles: settles.map(|(groups, _)| groups).unwrap_or_default(),
            body: Body::Act(action),
        })
    }
}

impl Steps {
    fn have_room(&self, detour: &Detour<'_>) -> bool {
        let most = usize::from(Rank::ACTION_STEPS);
        self.open.len() + detour.open.len() <= most && self.then.len() + detour.then.len() <= most
    }
}

fn rank(of: fn(u8) -> Rank, place: usize) -> Option<Rank> {
    let step = u8::try_from(place + 1).ok().filter(|step| *step <= Rank::ACTION_STEPS)?;
    Some(of(step))
}

/// The state that is wanted, where it is known.
fn after(wanted: &Move) -> Option<ValueRef<'_>> {
    match &wanted.change.after {
        Planned::Known(value) => Some(value.as_ref()),
        Planned::ResultOf(_) | Planned::TargetDecides => None,
    }
}

fn no_way(change: &FieldChange, from: ValueRef<'_>, to: ValueRef<'_>) -> MapError {
    MapError {
        rule: change.rule.clone().unwrap_or_else(|| RuleId::from("lifecycle")),
        field: FieldName::clone(&change.field),
        kind: None,
        problem: MapProblem::NoAction,
        message: format!("no action leads from {} to {}", word(from), word(to)),
        remedy: "undo the change of state, bring the record to another state there, or add the action to the mapping"
            .to_owned(),
    }
}

/// A state as a person calls it: a text without quotes.
fn word(state: ValueRef<'_>) -> String {
    match state.to_value() {
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    }
}
