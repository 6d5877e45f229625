//! Writing decisions down as entries: updates, parked items, effects, with their keys, bases and derived ids.

use crate::connector::Versioned;
use crate::mapper::{Ask, MapError, MapProblem};
use crate::model::{ActionId, Bits, Record, RecordId, RuleId, Side, Sides};

use super::{Deciding, Deferred, Writing};
use crate::plan::changes::PlannedRef;
use crate::plan::entry::{
    Action, Basis, Body, Effect, Entry, EntryKey, ParkReason, Parked, PlannedExpects, PlannedTarget,
    PlannedVerb, Provenance, Rank, Reason,
};
use crate::plan::known::AttentionWhy;
use crate::plan::parking::{Attempt, ParkedAs};

impl Deciding<'_> {
    /// Writes down what was gathered for a side as one update; nothing where nothing is sent. Fields stand in the order
    /// of the shape, so that the same decision gives the same bytes.
    pub(super) fn update(
        &mut self,
        side: Side,
        record: Option<&Versioned>,
        writing: Writing,
        reason: Reason,
    ) {
        let Some(record) = record else { return };
        if writing.changes.is_empty() {
            return;
        }
        let entry = self.update_entry(side, record, writing, self.expects(side, record), reason);
        self.push(entry);
    }

    /// The same as an entry, under a precondition.
    pub(super) fn update_entry(
        &self,
        side: Side,
        record: &Versioned,
        mut writing: Writing,
        expects: PlannedExpects,
        reason: Reason,
    ) -> Entry {
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
            changes: writing.changes.into(),
            expects,
            reason,
            waits_for: writing.waits,
        };
        self.action_entry(Rank::Update, side, record, action, writing.settles)
    }

    /// A group cannot be carried: it waits for the end of the plan, or for a person. Other groups go on.
    pub(super) fn cannot_carry(
        &mut self,
        group: usize,
        to: Side,
        creates: Option<ActionId>,
        error: &MapError,
    ) {
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

    /// Parks the rules of a group on the side that the value comes from, since it is corrected there.
    pub(super) fn park_group(&mut self, group: usize, to: Side, error: &MapError) {
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

    /// Parks a record as a whole.
    pub(super) fn park_record(&mut self, side: Side, why: ParkReason, message: String, remedy: String) {
        let id = self.id_of(side);
        self.park(Parked { side, id, rules: Vec::new(), why, message, remedy });
    }

    /// Parks, unless the same thing is parked already.
    pub(super) fn park(&mut self, parked: Parked) {
        self.park_seen(parked, Sides::default());
    }

    /// The same, with what was seen of records that may prove an earlier write.
    pub(super) fn park_seen(&mut self, parked: Parked, observed: Sides<Option<Record>>) {
        self.parked.extend(parked.rules.iter().cloned());
        let known = self.situation.open.iter().any(|attention| {
            matches!(&attention.why, AttentionWhy::Parked { rules, message, .. }
                if *rules == parked.rules && *message == parked.message)
        });
        if !known {
            self.push_effect(Effect::Park(parked), Bits::new(), observed);
        }
    }

    /// The precondition of a write to a record: its version, or else the fields as they were read. None where the
    /// system cannot check one (C1); the head of the plan then says what can be lost.
    pub(super) fn expects(&self, side: Side, record: &Versioned) -> PlannedExpects {
        match (&record.version, self.cx.capabilities.of(side).conditional_update) {
            (Some(version), true) => PlannedExpects::Version(version.clone()),
            (None, true) => PlannedExpects::Before,
            (_, false) => PlannedExpects::Anything,
        }
    }

    pub(super) fn effect(&mut self, effect: Effect, settles: Bits) {
        self.push_effect(effect, settles, Sides::default());
    }

    /// Adds an effect. It is placed by the left record where there is one; parts keep several effects of a record apart.
    pub(super) fn push_effect(&mut self, effect: Effect, settles: Bits, observed: Sides<Option<Record>>) {
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

    /// Adds an action on a record that is there.
    pub(super) fn push_action(
        &mut self,
        rank: Rank,
        side: Side,
        record: &Versioned,
        action: Action,
        settles: Bits,
    ) {
        let entry = self.action_entry(rank, side, record, action, settles);
        self.push(entry);
    }

    fn action_entry(
        &self,
        rank: Rank,
        side: Side,
        record: &Versioned,
        action: Action,
        settles: Bits,
    ) -> Entry {
        let observed = self.situation.half.map(|half| half.there().map(|versioned| versioned.record.clone()));
        Entry {
            key: self.key(rank, side, record.id.clone(), 0),
            link: self.cx.link.spec().id.clone(),
            ids: self.ids(),
            basis: self.basis(),
            observed,
            settles,
            body: Body::Act(action),
        }
    }

    /// Adds an entry, unless it is an attempt that was refused before.
    pub(super) fn push(&mut self, entry: Entry) {
        match entry.action().is_some_and(|action| self.was_refused(action)) {
            true => self.decision.refused = true,
            false => self.decision.entries.push(entry),
        }
    }

    /// Whether this very attempt was refused before and is parked, and nobody asked for another one.
    pub(super) fn was_refused(&self, action: &Action) -> bool {
        let open = self.situation.open;
        if open.is_empty() || open.iter().any(|attention| matches!(attention.why, AttentionWhy::Hint { .. }))
        {
            return false;
        }
        let name = attempt_name(action);
        open.iter().any(|attention| match &attention.why {
            AttentionWhy::Parked { reason: ParkedAs::AmbiguousCreate, .. } => {
                action.verb == PlannedVerb::Create
            }
            AttentionWhy::Parked { reason: ParkedAs::Refused(attempt), .. } => *attempt == Some(name),
            _ => false,
        })
    }

    /// The place of an entry. Deletes run through the links backwards: what refers to a record goes before it.
    pub(super) fn key(&self, rank: Rank, side: Side, id: RecordId, part: u16) -> EntryKey {
        let link = match rank {
            Rank::Delete => self.cx.links.saturating_sub(1).saturating_sub(self.cx.place),
            _ => self.cx.place,
        };
        EntryKey { rank, link, side, id, part }
    }

    pub(super) fn basis(&self) -> Basis {
        let version = |side: Side| self.situation.half.of(side).there().and_then(|half| half.version.clone());
        Basis {
            pair_revision: self.situation.pair.map(|pair| pair.revision),
            versions: Sides::new(version(Side::Left), version(Side::Right)),
        }
    }

    pub(super) fn ids(&self) -> Sides<Option<RecordId>> {
        Sides::new(self.id_of(Side::Left), self.id_of(Side::Right))
    }

    pub(super) fn id_of(&self, side: Side) -> Option<RecordId> {
        let there = self.situation.half.of(side).there().map(|versioned| versioned.id.clone());
        there.or_else(|| self.situation.pair.map(|pair| pair.ids.of(side).clone()))
    }

    pub(super) fn rule_ids(&self, group: usize) -> Vec<RuleId> {
        let rules = self.cx.link.rules();
        let members =
            self.cx.link.groups().get(group).map(|group| group.rules.as_slice()).unwrap_or_default();
        members.iter().filter_map(|rule| rules.get(usize::from(rule.0))).map(|rule| rule.id.clone()).collect()
    }

    /// The id of an action on a record, derived: the same observations under the same configuration give the same id,
    /// so that a create which is sent again is the same create.
    pub(super) fn action_id(&self, side: Side, id: &RecordId, part: &str) -> ActionId {
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
pub fn attempt_name(action: &Action) -> Attempt {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[u8::from(action.side == Side::Right)]);
    let mut bytes = Vec::with_capacity(256);
    for change in action.changes.iter() {
        bytes.extend_from_slice(change.field.as_str().as_bytes());
        bytes.push(0);
        match &change.after {
            PlannedRef::Known(value) => value.write_canonical(&mut bytes),
            PlannedRef::ResultOf(action) => bytes.extend_from_slice(action.as_bytes()),
            PlannedRef::TargetDecides => bytes.push(0),
        }
    }
    hasher.update(&bytes);
    if let PlannedVerb::Action { name, .. } = &action.verb {
        hasher.update(b"action ");
        hasher.update(name.as_str().as_bytes());
    }
    Attempt(hasher.finalize().as_bytes().first_chunk().copied().unwrap_or_default())
}
