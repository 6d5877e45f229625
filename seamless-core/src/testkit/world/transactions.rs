//! I22: how an entry ended, the pair that it is about with its bases, and what is open are one transaction. The state is
//! read before and after every commit and held against the entries that ended in it; what the engine asked the store to do
//! is not believed. The doors are [`Concern::of`], [`Concern::read`] and [`torn`].

use std::collections::{BTreeMap, BTreeSet};

use super::chronicle::tag;
use super::kind::Kind;
use crate::model::{FieldName, LinkId, PlanId, Record, RecordId, Result, RuleId, Side, Sides};
use crate::plan::{Action, Body, Effect, Entry, Feed, PlannedVerb};
use crate::store::{
    Attention, AttentionWhy, Commit, EntryParts, EntryState, Pair, PairStatus, Scan, StateStore,
};

/// A pair by its link and its two records.
type PairName = (LinkId, Sides<RecordId>);

/// What a commit may touch: the records that its entries name and those of the pairs that it keeps.
pub(super) struct Concern {
    plan: PlanId,
    records: BTreeSet<(LinkId, Side, RecordId)>,
    feeds: BTreeSet<(LinkId, Side)>,
}

/// The state of what a commit may touch, at one moment.
#[derive(Debug, Default)]
pub(super) struct Moment {
    pairs: BTreeMap<PairName, Pair>,
    open: BTreeMap<(LinkId, Side, RecordId), Vec<Attention>>,
    feeds: BTreeMap<(LinkId, Side), Option<Feed>>,
    /// By the bytes of their keys; after a commit only.
    states: BTreeMap<Vec<u8>, EntryState>,
}

/// An entry and how it ended.
pub(super) type Ended = (Entry, EntryState);

impl Concern {
    pub(super) fn of(plan: &PlanId, ended: &[Ended], commit: &Commit) -> Self {
        let mut records = BTreeSet::new();
        let mut feeds = BTreeSet::new();
        for (entry, state) in ended {
            let named = named_by(entry, state);
            records.extend(named.into_iter().map(|(side, id)| (entry.link.clone(), side, id)));
            if let Body::Effect(Effect::Cursor { side, .. }) = &entry.body {
                feeds.insert((entry.link.clone(), *side));
            }
        }
        for (link, pair) in &commit.pairs {
            records.extend(Side::BOTH.map(|side| (link.clone(), side, pair.ids.of(side).clone())));
        }
        Self { plan: plan.clone(), records, feeds }
    }

    /// Reads the state as it is now.
    ///
    /// Errors: the store's.
    pub(super) async fn read(&self, store: &dyn StateStore) -> Result<Moment> {
        let mut moment = Moment::default();
        for (link, side, id) in &self.records {
            let ids = std::slice::from_ref(id);
            if let Some(pair) = store.pairs_of(link, *side, ids).await?.into_iter().flatten().next() {
                moment.pairs.insert((link.clone(), pair.ids.clone()), pair);
            }
            let open = store.attention_of(link, *side, ids).await?.into_iter().flatten().collect();
            moment.open.insert((link.clone(), *side, id.clone()), open);
        }
        for (link, side) in &self.feeds {
            moment.feeds.insert((link.clone(), *side), store.feed(link, *side).await?);
        }
        Ok(moment)
    }

    /// Reads the state as it is now, with where the entries of the plan stand.
    ///
    /// Errors: the store's.
    pub(super) async fn read_with_entries(&self, store: &dyn StateStore) -> Result<Moment> {
        let mut moment = self.read(store).await?;
        let mut after = None;
        loop {
            let page = store.entries(&self.plan, EntryParts::Shown, Scan { after, rows_max: 1000 }).await?;
            after = page.rows.last().map(|row| row.entry.key.clone());
            moment.states.extend(page.rows.into_iter().map(|row| (row.entry.key.to_bytes(), row.state)));
            if !page.more {
                return Ok(moment);
            }
        }
    }
}

/// The records that an entry is about.
fn named_by(entry: &Entry, state: &EntryState) -> BTreeSet<(Side, RecordId)> {
    let mut named = BTreeSet::from([(entry.key.side, entry.key.id.clone())]);
    let mut name = |side: Side, id: Option<&RecordId>| named.extend(id.map(|id| (side, id.clone())));
    Side::BOTH.into_iter().for_each(|side| name(side, entry.ids.of(side).as_ref()));
    match (&entry.body, state) {
        (Body::Act(action), EntryState::Applied { id, .. }) => name(action.side, id.as_ref()),
        (Body::Effect(Effect::Relink { into }), _) => {
            Side::BOTH.into_iter().for_each(|side| name(side, into.of(side).as_ref()));
        }
        (Body::Effect(Effect::Park(parked)), _) => name(parked.side, parked.id.as_ref()),
        _ => {}
    }
    // The key of a create names the record that it is made from, under the side that is written.
    if let Body::Act(action) = &entry.body
        && action.verb == PlannedVerb::Create
        && entry.ids.of(entry.key.side).as_ref() != Some(&entry.key.id)
    {
        named.remove(&(entry.key.side, entry.key.id.clone()));
    }
    named
}

/// What a commit tore apart, in words.
pub(super) fn torn(
    concern: &Concern,
    ended: &[Ended],
    kinds: &[Kind],
    before: &Moment,
    after: &Moment,
    went_well: bool,
) -> Vec<String> {
    if !went_well {
        let is_same = before.pairs == after.pairs && before.open == after.open;
        return if is_same { Vec::new() } else { vec!["a commit that failed changed the state".to_owned()] };
    }
    let judge = Judge { plan: &concern.plan, ended, kinds, before, after };
    let of_entries = ended.iter().enumerate().filter_map(|(at, ended)| {
        let problem = judge.entry(at, ended)?;
        Some(format!("{} of {} ended, and {problem}", name(&ended.0), ended.0.link))
    });
    of_entries.chain(judge.moved_alone()).collect()
}

fn name(entry: &Entry) -> String {
    let what = match &entry.body {
        Body::Act(action) => match action.verb {
            PlannedVerb::Create => "a create",
            PlannedVerb::Update => "an update",
            PlannedVerb::Delete(_) => "a delete",
            PlannedVerb::Action { .. } => "an action",
        },
        Body::Effect(_) => "an effect",
    };
    format!("{what} for {} {}", entry.key.side, entry.key.id)
}

struct Judge<'a> {
    plan: &'a PlanId,
    ended: &'a [Ended],
    kinds: &'a [Kind],
    before: &'a Moment,
    after: &'a Moment,
}

impl Judge<'_> {
    /// What is not as an entry's end says that it is.
    fn entry(&self, at: usize, (entry, state): &Ended) -> Option<String> {
        let kept = self.after.states.get(&entry.key.to_bytes());
        if !kept.is_some_and(EntryState::is_ended) {
            return Some(format!("it is kept as {kept:?}"));
        }
        if let EntryState::Dropped { .. } = state {
            let open = named_by(entry, state).into_iter().any(|(side, id)| self.is_open(entry, side, &id));
            return (!open).then(|| "it was dropped, and nothing looks at its record again".to_owned());
        }
        match &entry.body {
            Body::Act(action) => self.action(entry, state, action),
            Body::Effect(effect) => self.effect(at, entry, state, effect),
        }
    }

    fn is_open(&self, entry: &Entry, side: Side, id: &RecordId) -> bool {
        let open = self.after.open.get(&(entry.link.clone(), side, id.clone()));
        open.is_some_and(|open| !open.is_empty())
    }

    /// The pair of an entry as it is after the commit: of all records that the entry names, where it names both.
    fn pair(&self, entry: &Entry, state: &EntryState) -> Option<(&Pair, Option<&Pair>)> {
        let named = named_by(entry, state);
        let is_it = |ids: &Sides<RecordId>| {
            Side::BOTH.into_iter().all(|side| {
                let mut of_side = named.iter().filter(|(of, _)| *of == side).peekable();
                of_side.peek().is_none() || of_side.any(|(_, id)| id == ids.of(side))
            })
        };
        let mut pairs = self.after.pairs.iter();
        let (pair_name, pair) = pairs.find(|((link, ids), _)| *link == entry.link && is_it(ids))?;
        Some((pair, self.before.pairs.get(pair_name)))
    }

    /// The pair of an entry, which must have moved.
    fn moved(
        &self,
        entry: &Entry,
        state: &EntryState,
    ) -> std::result::Result<(&Pair, Option<&Pair>), String> {
        let Some((pair, before)) = self.pair(entry, state) else {
            return Err("no pair is kept for it".to_owned());
        };
        let has_moved = before.is_none_or(|before| before.revision < pair.revision);
        match has_moved && pair.plan.as_ref() == Some(self.plan) {
            true => Ok((pair, before)),
            false => Err("its pair is as it was before".to_owned()),
        }
    }

    fn action(&self, entry: &Entry, state: &EntryState, action: &Action) -> Option<String> {
        let (pair, before) = match self.moved(entry, state) {
            Ok(moved) => moved,
            Err(problem) => return Some(problem),
        };
        if matches!(action.verb, PlannedVerb::Delete(_)) {
            return (pair.status != PairStatus::Ended).then(|| "its pair has not ended".to_owned());
        }
        if pair.status == PairStatus::Ended {
            return None;
        }
        // Of several entries about a pair the last one tells what the base is.
        let is_last = !self.ended.iter().any(|(other, _)| other.key > entry.key && other.ids == entry.ids);
        let carried = action.changes.iter().filter_map(|change| Some((change, change.rule?)));
        carried.filter(|_| is_last).find_map(|(change, rule)| {
            let sent = tag(&change.after.known()?.to_value());
            let base = held(pair.base.of(action.side), change.field.as_str());
            let was = before.and_then(|before| held(before.base.of(action.side), change.field.as_str()));
            if sent.is_some() && Some(sent) != was && base == was {
                return Some(format!("the base of {} is what it was before", change.field));
            }
            let from = action.side.other();
            let field = self.field_of(entry, rule, from)?;
            let seen = held(entry.observed.of(from).as_ref()?, &field)?;
            let base = held(pair.base.of(from), &field);
            (base != Some(seen)).then(|| format!("the base of {field} is not what was carried"))
        })
    }

    /// The carried field of a rule.
    fn field_of(&self, entry: &Entry, rule: &RuleId, side: Side) -> Option<String> {
        let kind = self.kinds.iter().find(|kind| kind.link == entry.link)?;
        let carried = kind.carried.iter().find(|carried| carried.rule == *rule)?;
        Some(carried.field.of(side).to_string())
    }

    fn effect(&self, at: usize, entry: &Entry, state: &EntryState, effect: &Effect) -> Option<String> {
        let status = |wanted: fn(PairStatus) -> bool| match self.moved(entry, state) {
            Ok((pair, _)) => (!wanted(pair.status)).then(|| format!("its pair is {:?}", pair.status)),
            Err(problem) => Some(problem),
        };
        // What ends in the same commit may be opened before and closed after.
        let is_overtaken = self.ended.iter().skip(at + 1).any(|(other, _)| {
            other.link == entry.link
                && Side::BOTH
                    .into_iter()
                    .any(|side| other.ids.of(side).is_some() && other.ids.of(side) == entry.ids.of(side))
        });
        match effect {
            Effect::Cursor { side, feed } => {
                let kept = self.after.feeds.get(&(entry.link.clone(), *side));
                (kept != Some(&Some(feed.clone()))).then(|| "reading goes on elsewhere".to_owned())
            }
            _ if is_overtaken => None,
            Effect::Link { .. } => status(|status| status == PairStatus::Linked).or_else(|| {
                // A record that waited for want of a partner has one.
                self.open(entry, state, &[])
                    .is_none()
                    .then(|| "a record of its pair waits as a whole".to_owned())
            }),
            Effect::Agree | Effect::Diverged { .. } => status(|_| true),
            Effect::EndPair { .. } => status(|status| status == PairStatus::Ended),
            Effect::Freeze { .. } => status(|status| matches!(status, PairStatus::Frozen(_))),
            Effect::Thaw => status(|status| status == PairStatus::Linked),
            Effect::OpenConflict(view) => self.open(entry, state, &view.rules),
            Effect::Park(parked) => self.open(entry, state, &parked.rules),
            Effect::CloseConflict { rules } if !rules.is_empty() => {
                self.open(entry, state, rules).is_none().then(|| "what it closed is open".to_owned())
            }
            Effect::CloseConflict { .. } | Effect::Relink { .. } => None,
        }
    }

    /// Whether a conflict or a parked item about these rules is open.
    fn open(&self, entry: &Entry, state: &EntryState, rules: &[RuleId]) -> Option<String> {
        let is_it = |row: &Attention| match &row.why {
            AttentionWhy::Conflict { rules: of, .. } | AttentionWhy::Parked { rules: of, .. } => of == rules,
            AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => false,
        };
        let named = named_by(entry, state).into_iter();
        let mut open = named.filter_map(|(side, id)| self.after.open.get(&(entry.link.clone(), side, id)));
        let is_open = open.any(|rows| rows.iter().any(is_it));
        (!is_open).then(|| "what it opened is not open".to_owned())
    }

    /// Pairs that moved although no entry that ended is about them.
    fn moved_alone(&self) -> impl Iterator<Item = String> {
        let moved = self.after.pairs.iter().filter(|(name, pair)| self.before.pairs.get(name) != Some(pair));
        moved.filter_map(|((link, ids), pair)| {
            let before = self.before.pairs.get(&(link.clone(), ids.clone()));
            let is_about = |(entry, state): &&Ended| {
                entry.link == *link && named_by(entry, state).iter().any(|(side, id)| ids.of(*side) == id)
            };
            let has_moved = before.is_none_or(|before| {
                (&before.base, &before.version, before.status) != (&pair.base, &pair.version, pair.status)
            });
            let mut about = self.ended.iter().filter(is_about);
            let is_told = about.any(|(entry, state)| {
                let is_dropped = matches!(state, EntryState::Dropped { .. });
                !has_moved
                    || matches!(state, EntryState::Applied { .. })
                    || is_dropped && is_overtaken(entry, before, pair)
            });
            (!is_told).then(|| {
                format!("the pair of {} and {} of {link} moved without an outcome", ids.left, ids.right)
            })
        })
    }
}

/// Whether nothing moved but the bases of what an update would have written, to what was there before: of an update of
/// which nobody knows whether it happened, and that somebody overtook.
fn is_overtaken(entry: &Entry, before: Option<&Pair>, after: &Pair) -> bool {
    let (Some(action), Some(before)) = (entry.action(), before) else { return false };
    let side = action.side;
    let is_held = |field: &FieldName| {
        let change = action.changes.field(field.as_str());
        let held = after.base.of(side).field(field.as_str());
        held == before.base.of(side).field(field.as_str())
            || change.is_some_and(|change| change.before == held)
    };
    action.verb == PlannedVerb::Update
        && before.base.of(side.other()) == after.base.of(side.other())
        && before.version.of(side.other()) == after.version.of(side.other())
        && after.version.of(side).is_none()
        && before.status == after.status
        && after.base.of(side).shape().names().iter().all(is_held)
}

/// Who wrote what a record says of a field; nothing where it says nothing.
fn held(record: &Record, field: &str) -> Option<Option<u32>> {
    record.field(field).value().map(|value| tag(&value.to_value()))
}
