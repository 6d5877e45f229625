//! Situations in a few words, and decisions as text. The doors are [`Scene::new`] and [`Scene::story`].

use std::sync::Arc;

use crate::connector::{AbsenceProof, Capabilities, GoneProof, Versioned};
use crate::mapper::Resolved;
use crate::merge::tests::fixture::TestMapper;
use crate::merge::{CompiledLink, ThreeWay};
use crate::model::{Bits, LinkId, Planned, Record, RecordId, RuleId, Side, Sides, Timestamp, Version};
use crate::plan::decide::{
    DecideContext, Decision, Deferred, Half, Situation, conflict_message, decide, decide_deferred,
};
use crate::plan::{
    Action, Attention, AttentionWhy, Body, Effect, Entry, Pair, PairStatus, ParkedAs, PlannedGround,
    PlannedTarget, PlannedVerb, Resolution, Trail, park_name,
};

/// What one side says, with its record in the test's hands.
#[derive(Clone, Debug)]
pub(super) enum Told {
    There(Versioned),
    Survivor(Versioned),
    Merged(&'static str, Option<&'static str>),
    Gone,
    Hidden,
    None,
}

/// A situation with all that it borrows. Records are `l1` and `r1`, at the versions `lv` and `rv`.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) link: Arc<CompiledLink>,
    pub(super) pair: Option<Pair>,
    pub(super) half: Sides<Told>,
    pub(super) line: Option<u16>,
    pub(super) resolved: Sides<Resolved>,
    pub(super) rebased: Bits,
    pub(super) resolutions: Vec<Resolution>,
    pub(super) open: Vec<Attention>,
    pub(super) read_since: Sides<bool>,
    pub(super) check_all: bool,
    pub(super) capabilities: Sides<Capabilities>,
    pub(super) deletes: bool,
    pub(super) rests: Bits,
    pub(super) back: Sides<Bits>,
    pub(super) decided: Vec<LinkId>,
    pub(super) configuration: &'static str,
}

pub(super) fn at(second: i64) -> Timestamp {
    chrono::DateTime::from_timestamp(second, 0).unwrap()
}

pub(super) fn bits(places: &[usize]) -> Bits {
    places.iter().copied().collect()
}

pub(super) fn versioned(link: &CompiledLink, side: Side, text: &str) -> Versioned {
    let (id, version) = match side {
        Side::Left => ("l1", "lv"),
        Side::Right => ("r1", "rv"),
    };
    Versioned {
        id: RecordId::text(id),
        version: Some(Version::new(version)),
        modified: None,
        record: Record::from_json(text).unwrap().reshaped(link.shape(side)),
    }
}

impl Scene {
    /// A pair with these bases, or none where they are empty, and what both sides hold now.
    pub(super) fn new(mapper: TestMapper, base: [&str; 2], now: [&str; 2]) -> Self {
        let link = mapper.link();
        let can = Capabilities { conditional_update: true, create: true, ..Capabilities::default() };
        let half = Sides::new(
            Told::There(versioned(&link, Side::Left, now[0])),
            Told::There(versioned(&link, Side::Right, now[1])),
        );
        let pair = (!base[0].is_empty()).then(|| {
            let held = |side: Side, text| versioned(&link, side, text).record;
            let base = Sides::new(held(Side::Left, base[0]), held(Side::Right, base[1]));
            Pair {
                ids: Sides::new(RecordId::text("l1"), RecordId::text("r1")),
                status: PairStatus::Linked,
                revision: 4,
                plan: None,
                trail: Trail::default(),
                fingerprint: Sides::new(
                    link.fingerprint(Side::Left, &base.left),
                    link.fingerprint(Side::Right, &base.right),
                ),
                base,
                version: Sides::default(),
                watch: false,
                configuration: String::new(),
            }
        });
        Self {
            link,
            pair,
            half,
            line: None,
            resolved: Sides::default(),
            rebased: Bits::new(),
            resolutions: Vec::new(),
            open: Vec::new(),
            read_since: Sides::new(false, false),
            check_all: false,
            capabilities: Sides::new(can.clone(), can),
            deletes: true,
            rests: Bits::new(),
            back: Sides::default(),
            decided: Vec::new(),
            configuration: "c",
        }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn half(self, side: Side, told: Told) -> Self {
        self.with(|scene| *scene.half.of_mut(side) = told)
    }

    pub(super) fn pair_with(self, change: impl FnOnce(&mut Pair)) -> Self {
        self.with(|scene| change(scene.pair.as_mut().unwrap()))
    }

    /// Something is open about the left record.
    pub(super) fn open(self, why: AttentionWhy) -> Self {
        let item = Attention { side: Side::Left, id: RecordId::text("l1"), why, due: at(0), since: at(0) };
        self.with(|scene| scene.open.push(item))
    }

    /// A person decided about a rule, and saw what both sides hold now.
    pub(super) fn resolved(self, rule: &str, take: Side) -> Self {
        let seen = |side: Side| match self.half.of(side) {
            Told::There(record) => self.link.fingerprint(side, &record.record),
            _ => panic!("the {side} record is not there"),
        };
        let resolution = Resolution {
            ids: Sides::new(RecordId::text("l1"), RecordId::text("r1")),
            rule: rule.into(),
            take,
            by: "kim".into(),
            seen: Sides::new(seen(Side::Left), seen(Side::Right)),
        };
        self.with(|scene| scene.resolutions.push(resolution))
    }

    /// Asks with what is the same for every situation of the link.
    fn ask<T>(&self, ask: impl FnOnce(&DecideContext<'_>) -> T) -> T {
        ask(&DecideContext {
            link: &self.link,
            place: 2,
            links: 6,
            reconciler: &ThreeWay,
            capabilities: &self.capabilities,
            configuration: self.configuration,
            deletes: self.deletes,
            rests: &self.rests,
            back: &self.back,
            decided: &self.decided,
        })
    }

    pub(super) fn decide(&self) -> Decision {
        let proofs = Sides::new("l1", "r1").map(|id| {
            AbsenceProof::Gone(GoneProof { id: RecordId::text(id), seen: format!("{id} is not there") })
        });
        let names = self.half.as_ref().map(|told| match told {
            Told::Merged(into, partner) => Some((RecordId::text(into), partner.map(RecordId::text))),
            _ => None,
        });
        let half = |side: Side| match (self.half.of(side), names.of(side)) {
            (Told::There(record), _) => Half::There(record),
            (Told::Survivor(record), _) => Half::Survivor(record),
            (Told::Merged(..), Some((into, partner))) => Half::Merged { into, partner: partner.as_ref() },
            (Told::Gone, _) => Half::Gone(proofs.of(side)),
            (Told::Hidden, _) => Half::Hidden,
            (Told::Merged(..) | Told::None, _) => Half::None,
        };
        let situation = Situation {
            pair: self.pair.as_ref(),
            line: self.line,
            half: Sides::new(half(Side::Left), half(Side::Right)),
            resolved: self.resolved.as_ref(),
            rebased: &self.rebased,
            resolutions: &self.resolutions,
            open: &self.open,
            read_since: self.read_since,
            check_all: self.check_all,
        };
        self.ask(|cx| decide(cx, &situation))
    }

    /// Carries what was deferred, from the left: to the right record where there is one.
    pub(super) fn decide_deferred(&self, deferred: &Deferred) -> Option<Entry> {
        let there = |side: Side| match self.half.of(side) {
            Told::There(record) => Some(record),
            _ => None,
        };
        let (to, from) = (deferred.to, deferred.to.other());
        self.ask(|cx| {
            let source = there(from).unwrap();
            let resolved = self.resolved.of(to);
            decide_deferred(cx, deferred, source, there(to), self.pair.as_ref(), resolved, &self.open)
        })
    }

    /// What is decided, a line for each entry and each group that is deferred.
    pub(super) fn story(&self) -> Vec<String> {
        let decision = self.decide();
        let entries = decision.entries.iter().map(told);
        entries.chain(decision.deferred.iter().map(deferred)).collect()
    }

    #[track_caller]
    pub(super) fn expect(&self, expected: &[&str]) {
        assert_eq!(self.story(), expected);
    }
}

pub(super) fn parked(reason: ParkedAs, rules: &[&str], message: &str) -> AttentionWhy {
    AttentionWhy::Parked {
        reason,
        rules: names(rules),
        message: message.into(),
        remedy: String::new(),
        suspicion: None,
    }
}

pub(super) fn conflict(rules: &[&str], message: &str) -> AttentionWhy {
    AttentionWhy::Conflict { rules: names(rules), message: message.into() }
}

fn names(rules: &[&str]) -> Vec<RuleId> {
    rules.iter().map(|rule| (*rule).into()).collect()
}

fn deferred(deferred: &Deferred) -> String {
    let Deferred { group, to, creates, contested } = deferred;
    let creates = if creates.is_some() { " of the new record" } else { "" };
    let contested = if *contested { ", contested" } else { "" };
    format!("group {group}{creates} waits for the end, to {to}{contested}")
}

fn listed(items: impl IntoIterator<Item = impl ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

/// An entry: what it does, and the groups that it settles.
pub(in crate::plan) fn told(entry: &Entry) -> String {
    let body = match &entry.body {
        Body::Act(action) => acts(action),
        Body::Effect(effect) => effects(effect),
    };
    match entry.settles.is_empty() {
        true => body,
        false => format!("{body}; settles {}", listed(entry.settles.iter())),
    }
}

fn acts(action: &Action) -> String {
    let verb = match &action.verb {
        PlannedVerb::Create => "create".to_owned(),
        PlannedVerb::Update => "update".to_owned(),
        PlannedVerb::Action { name, .. } => name.to_string(),
        PlannedVerb::Delete(PlannedGround::LeftScope) => "delete (left the scope)".to_owned(),
        PlannedVerb::Delete(PlannedGround::Absent(proof)) => format!("delete ({} is gone)", proof.id()),
    };
    let target = match &action.target {
        PlannedTarget::Existing(id) => id.to_string(),
        PlannedTarget::New => "new".to_owned(),
        PlannedTarget::CreatedBy(wait) => format!("the record made by {}", wait.action),
    };
    let changes: String = action
        .changes
        .iter()
        .map(|change| {
            let change = change.to_owned();
            let after = match &change.after {
                Planned::Known(value) => value.to_string(),
                Planned::ResultOf(action) => format!("the id that {action} makes"),
                Planned::TargetDecides => "what the target decides".to_owned(),
            };
            let rule = change.rule.as_ref().map_or("no rule", |rule| rule.as_str());
            format!(", {} {} -> {after} by {rule} ({:?})", change.field, change.before, change.from)
        })
        .collect();
    let waits: String = action.waits_for.iter().map(|wait| format!(", waits for {:?}", wait.ask)).collect();
    format!("{verb} {} {target} if {:?}: {:?}{changes}{waits}", action.side, action.expects, action.reason)
}

fn effects(effect: &Effect) -> String {
    match effect {
        Effect::OpenConflict(view) => {
            format!("conflict {} {:?}: {}", listed(&view.rules), view.why, conflict_message(view))
        }
        Effect::CloseConflict { rules } => format!("over: {}", listed(rules)),
        Effect::Diverged { rules } => format!("diverged: {}", listed(rules)),
        Effect::Park(parked) => {
            let id = parked.id.as_ref().map_or_else(String::new, |id| format!(" {id}"));
            let rules = listed(&parked.rules);
            format!("park {}{id} [{rules}] {}: {}", parked.side, park_name(&parked.why), parked.message)
        }
        Effect::Relink { into } => {
            let of = |side: Side| Some(format!("the {side} record is {} now", into.of(side).as_ref()?));
            listed(Side::BOTH.into_iter().filter_map(of))
        }
        other => format!("{other:?}"),
    }
}

/// What an entry says of itself: place, records, what it relies on, what was seen.
pub(in crate::plan) fn frame(entry: &Entry) -> String {
    let key = &entry.key;
    let ids = entry.ids.as_ref().map(|id| id.as_ref().map_or("-".to_owned(), |id| id.to_string()));
    let basis = &entry.basis;
    let version = |side: Side| basis.versions.of(side).as_ref().map_or("-", |version| version.as_str());
    let seen = entry.observed.as_ref().map(|record| match record {
        None => "-".to_owned(),
        Some(record) => listed(record.fields().map(|(name, held)| format!("{name}={}", held.to_slot()))),
    });
    let revision = basis.pair_revision.map_or("-".to_owned(), |revision| revision.to_string());
    format!(
        "{} {} {} {} {} of {}: {} {}; since {revision} {} {}; saw [{}] [{}]",
        key.rank,
        key.link,
        key.side,
        key.id,
        key.part,
        entry.link,
        ids.left,
        ids.right,
        version(Side::Left),
        version(Side::Right),
        seen.left,
        seen.right
    )
}
