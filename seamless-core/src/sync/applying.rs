//! Applying a plan: its entries in key order, batch by batch: intent, write, outcome, commit. The door is
//! [`apply_plan`].
//!
//! Nothing is sent that is not an entry of the plan, and every entry ends: applied, or dropped with a reason. An
//! entry whose basis does not hold any more is dropped and its record is looked at by the next plan. What nobody
//! knows (a lost reply, a crash) is found out before anything is sent again: `fate_of` in `acting`.

use std::collections::HashMap;

use futures::future::BoxFuture;
use futures::join;

use crate::mapper::LinkMode;
use crate::merge::CompiledLink;
use crate::model::{Error, ErrorKind, LinkId, PlanId, RecordId, Result, Side, Sides, Timestamp};
use crate::plan::{
    Attention, AttentionWhy, Body, Effect, Entry, EntryKey, PairStatus, ParkReason, ParkedAs, Rank,
    Resolution, SetOff, conflict_message,
};
use crate::store::{AttentionKind, Commit, Ending, EntryRow, EntryState, Mark, PlanState, Scan, StateStore};

use super::acting::Batch;
use super::ahead::{self, Ahead};
use super::integration::Inner;
use super::late_commit::{CameTo, Late, batch_entries_max, kind, names};
use super::making::LeaseKeeper;
use super::operation::settled_rules;
use super::pair_now::{PairNow, PairsNow, has_unsettled, pair_key, put_pairs};
use super::progress::{Meter, Phase};
use super::pull::is_back;
use super::settle::{Under, Written, settle};

/// What applying a plan came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Writes that happened.
    pub written: u64,
    /// Changes of our state that happened.
    pub effects: u64,
    /// The first hundred entries that were dropped, each with its reason. The next plan looks at their records.
    pub dropped: Vec<Dropped>,
    /// How many entries were dropped in all.
    pub dropped_count: u64,
    /// Whether a pause stopped it between two batches; it goes on when it is applied again.
    pub paused: bool,
}

/// An entry of a plan that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The link.
    pub link: LinkId,
    /// The side that would have been written.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// Why, in words.
    pub why: String,
}

/// Dropped entries that a report names.
const DROPPED_NAMED_MAX: usize = 100;

/// Open intents that are found out about at once.
const RECOVERED_MAX: usize = 100;

/// Applies an adopted plan to its end, or until a pause.
///
/// Boxed, so that a host's executor sees a future that can be sent, whatever is inside.
pub(super) fn apply_plan<'a>(
    inner: &'a Inner,
    keeper: &'a LeaseKeeper,
    plan: &'a PlanId,
) -> BoxFuture<'a, Result<Applied>> {
    Box::pin(apply(inner, keeper, plan))
}

async fn apply(inner: &Inner, keeper: &LeaseKeeper, plan: &PlanId) -> Result<Applied> {
    let observer = &*inner.observer;
    let row = inner.store.plan(plan).await?;
    let made_at = row.as_ref().map(|row| row.head.made_at);
    let sets_off = row.as_ref().map(|row| row.head.sets_off.clone()).unwrap_or_default();
    let total = row.and_then(|row| row.trailer).map(|trailer| trailer.writes());
    let meter = Meter::begin(observer, &*inner.clock, Phase::Apply, None, None, total);
    let mut applying = Applying {
        inner,
        keeper,
        plan,
        made_at,
        sets_off,
        report: Applied::default(),
        meter,
        quiet: Vec::new(),
        decisions: HashMap::new(),
        batches_failed: 0,
        ahead: None,
        next: None,
        late: None,
    };
    for link in &inner.links {
        let id = &link.spec().id;
        for decision in inner.store.resolutions(id).await? {
            let of = (id.clone(), decision.ids.left.clone());
            applying.decisions.entry(of).or_default().push(decision);
        }
        let any = inner.store.attention(&link.spec().id, None, Scan::first(1)).await?;
        applying.quiet.push(any.rows.is_empty());
    }
    applying.recover_open().await?;
    applying.run().await?;
    let Applying { report, meter, .. } = applying;
    meter.end();
    if !report.paused {
        inner.store.complete(&keeper.lease, plan, PlanState::Done, inner.clock.now()).await?;
    }
    Ok(report)
}

pub(super) struct Applying<'a> {
    pub(super) inner: &'a Inner,
    pub(super) keeper: &'a LeaseKeeper,
    pub(super) plan: &'a PlanId,
    made_at: Option<Timestamp>,
    /// What the plan's writes set off and leave out.
    pub(super) sets_off: Vec<SetOff>,
    pub(super) report: Applied,
    pub(super) meter: Meter<'a>,
    /// Per link: whether nothing was open about any of its records when applying began.
    quiet: Vec<bool>,
    /// What people decided before applying began, by the link and the left record.
    pub(super) decisions: HashMap<(LinkId, RecordId), Vec<Resolution>>,
    pub(super) batches_failed: u32,
    /// Entries that come next, while a plan is gone through.
    pub(super) ahead: Option<Ahead<'a>>,
    /// A batch whose intents are durable, while it waits to be sent: until the next one comes, which is made ready
    /// meanwhile.
    pub(super) next: Option<Batch>,
    /// What the last batch came to, while it waits to be committed.
    pub(super) late: Option<Late>,
}

impl Applying<'_> {
    pub(super) fn store(&self) -> &dyn StateStore {
        &*self.inner.store
    }

    async fn pulse(&self) -> Result<()> {
        self.inner.cancel.check()?;
        self.keeper.keep(self.store(), &*self.inner.clock, self.inner.options.lease).await
    }

    async fn run(&mut self) -> Result<()> {
        let gone_through = self.go_through().await;
        // What happened is committed whatever stopped the rest, and what was not sent is as if it had not been intended.
        self.withdraw_next().await;
        let committed = self.take_late().done().await;
        gone_through.and(committed)
    }

    async fn go_through(&mut self) -> Result<()> {
        let rows_max = self.inner.options.commit_entries_max;
        self.ahead = Some(Ahead::new(&*self.inner.store, self.plan, rows_max));
        loop {
            self.pulse().await?;
            if self.store().pause().await?.is_some() {
                self.report.paused = true;
                return Ok(());
            }
            let Some(ahead) = &mut self.ahead else { return Ok(()) };
            let Some(page) = ahead.next().await? else { return self.send_next(None).await };
            let mut waiting: Vec<Entry> = Vec::new();
            for EntryRow { entry, state } in page {
                if state.is_ended() {
                    continue;
                }
                let same = waiting.first().is_none_or(|first| same_batch(first, &entry));
                if !same {
                    self.batch(std::mem::take(&mut waiting)).await?;
                }
                waiting.push(entry);
            }
            self.batch(waiting).await?;
        }
    }

    async fn recover_open(&mut self) -> Result<()> {
        let mut meter: Option<Meter<'_>> = None;
        let mut after: Option<EntryKey> = None;
        loop {
            // What was found out about is not open any more: the store reads on behind it.
            let page = self.store().open_intents(self.plan, Scan { after, rows_max: RECOVERED_MAX }).await?;
            after = page.rows.last().map(|row| row.entry.key.clone());
            if page.rows.is_empty() {
                if let Some(meter) = meter {
                    meter.end();
                }
                return Ok(());
            }
            let (observer, clock) = (&*self.inner.observer, &*self.inner.clock);
            let meter =
                meter.get_or_insert_with(|| Meter::begin(observer, clock, Phase::Recover, None, None, None));
            meter.add(page.rows.len());
            let mut rows = page.rows.into_iter().map(|row| row.entry).peekable();
            while let Some(entry) = rows.next() {
                let mut batch = vec![entry];
                while let Some(next) =
                    rows.next_if(|next| batch.first().is_some_and(|first| same_batch(first, next)))
                {
                    batch.push(next);
                }
                self.pulse().await?;
                self.recover(batch).await?;
            }
        }
    }

    async fn batch(&mut self, entries: Vec<Entry>) -> Result<()> {
        let Some(first) = entries.first() else { return Ok(()) };
        let (rank, side) = (first.key.rank, first.key.side);
        let link = self.link(&first.link)?;
        self.make_way(&entries).await?;
        if link.spec().mode == LinkMode::Observe {
            let mut commit = Commit::default();
            for entry in &entries {
                self.drop_entry(entry, "the link is only observed", &mut commit);
            }
            return self.commit(commit).await;
        }
        match rank {
            Rank::State => self.effects(&link, entries).await,
            Rank::Cursor => self.cursors(entries).await,
            Rank::Open(_)
            | Rank::ReleaseKeys
            | Rank::MoveKeys(_)
            | Rank::Create
            | Rank::Update
            | Rank::PatchReferences
            | Rank::Delete
            | Rank::Act(_) => {
                // What was seen to be false is not relied on.
                let capabilities = self.inner.capabilities(&link, side);
                let size = batch_entries_max(&entries, &capabilities, self.inner.options.commit_entries_max);
                let mut entries = entries;
                while !entries.is_empty() {
                    let rest = entries.split_off(size.min(entries.len()));
                    self.pulse().await?;
                    self.act(entries).await?;
                    entries = rest;
                }
                Ok(())
            }
        }
    }

    pub(super) fn link(&self, id: &LinkId) -> Result<std::sync::Arc<CompiledLink>> {
        let known = self.inner.place(id).map(|(_, link)| link.clone());
        known.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "the plan speaks of a link that the configuration does not have")
                .at("link", id)
                .with_remedy("make a new plan")
        })
    }

    /// The pairs that entries speak of, with what is open about them.
    pub(super) async fn load(&self, link: &CompiledLink, entries: &[Entry]) -> Result<PairsNow> {
        let id = &link.spec().id;
        let mut now = PairsNow::with_capacity(entries.len());
        for side in Side::BOTH {
            let mut ids: Vec<RecordId> =
                entries.iter().filter_map(pair_key).filter(|(of, _)| *of == side).map(|(_, id)| id).collect();
            ids.sort();
            ids.dedup();
            if ids.is_empty() {
                continue;
            }
            let pairs = self.store().pairs_of(id, side, &ids).await?;
            let quiet = self.is_quiet(link) && pairs.iter().flatten().all(|pair| !pair.watch);
            let open = match quiet {
                true => vec![Vec::new(); ids.len()],
                false => self.store().attention_of(id, side, &ids).await?,
            };
            for ((id, pair), open) in ids.into_iter().zip(pairs).zip(open) {
                let pair = pair.filter(|pair| pair.status != PairStatus::Ended);
                let pair = pair.map(|pair| pair.as_read_by(link));
                now.insert((side, id), PairNow { pair, open, ..PairNow::default() });
            }
        }
        // What is open about the other half of a pair.
        for ((side, _), pair_now) in &mut now {
            let Some(pair) = pair_now.pair.as_ref().filter(|pair| pair.watch) else { continue };
            let other = [pair.ids.of(side.other()).clone()];
            let found = self.store().attention_of(id, side.other(), &other).await?;
            pair_now.open.extend(found.into_iter().flatten());
        }
        if !self.is_quiet(link) {
            self.load_joined(link, entries, &mut now).await?;
        }
        Ok(now)
    }

    /// What is open about the right records that become halves of new pairs: entries name these by their left ones.
    async fn load_joined(&self, link: &CompiledLink, entries: &[Entry], now: &mut PairsNow) -> Result<()> {
        let joined = entries.iter().filter_map(|entry| match &entry.body {
            Body::Effect(Effect::Link { .. }) => Some((pair_key(entry)?, entry.ids.right.clone()?)),
            _ => None,
        });
        let (keys, ids): (Vec<(Side, RecordId)>, Vec<RecordId>) = joined.unzip();
        if ids.is_empty() {
            return Ok(());
        }
        let open = self.store().attention_of(&link.spec().id, Side::Right, &ids).await?;
        for (key, open) in keys.into_iter().zip(open) {
            if let Some(pair_now) = now.get_mut(&key) {
                pair_now.open.extend(open);
            }
        }
        Ok(())
    }

    fn is_quiet(&self, link: &CompiledLink) -> bool {
        let place = self.inner.place(&link.spec().id).map(|(place, _)| usize::from(place));
        place.and_then(|place| self.quiet.get(place)).copied().unwrap_or(false)
    }

    /// Whether what an entry relies on still holds. Commits of the same plan do not unsettle it.
    pub(super) fn basis_holds(&self, entry: &Entry, now: &PairsNow) -> std::result::Result<(), &'static str> {
        let pair = pair_key(entry).and_then(|key| now.get(&key)).and_then(|now| now.pair.as_ref());
        let same_plan = pair.is_some_and(|pair| pair.plan.as_ref() == Some(self.plan));
        match (entry.basis.pair_revision, pair) {
            (Some(revision), Some(pair)) if pair.revision == revision || same_plan => Ok(()),
            (Some(_), Some(_)) => Err("the pair changed since the plan was made"),
            (Some(_), None) => Err("the pair is not there any more"),
            (None, None) => Ok(()),
            (None, Some(_)) if same_plan && !is_create(entry) => Ok(()),
            (None, Some(_)) => Err("the record has a partner since the plan was made"),
        }
    }

    async fn effects(&mut self, link: &CompiledLink, entries: Vec<Entry>) -> Result<()> {
        let mut now = self.load(link, &entries).await?;
        let mut coming = self.ahead.take();
        // The store reads on and commits while these are settled: its parts are polled first, the shorter one before.
        let late = self.take_late();
        let ((), committed, mut commit) = join!(ahead::fill(&mut coming), late.done(), async {
            self.settle_effects(link, &entries, &mut now)
        });
        committed?;
        self.ahead = coming;
        let (of, names) = (entries.first().map(kind), names(&now));
        put_pairs(link, now, &mut commit);
        match of {
            Some(of) => self.put_off(of, names, CameTo::Commit(commit)).await,
            None => Ok(()),
        }
    }

    fn settle_effects(&mut self, link: &CompiledLink, entries: &[Entry], now: &mut PairsNow) -> Commit {
        let mut commit = Commit::default();
        for entry in entries {
            match self.basis_holds(entry, now) {
                Err(why) => {
                    self.drop_entry(entry, why, &mut commit);
                    self.look_again(entry, false, &mut commit);
                }
                Ok(()) => {
                    self.effect(link, entry, now, &mut commit);
                    self.report.effects += 1;
                }
            }
        }
        commit
    }

    fn effect(&mut self, link: &CompiledLink, entry: &Entry, now: &mut PairsNow, commit: &mut Commit) {
        let Body::Effect(effect) = &entry.body else { return };
        let at = self.inner.clock.now();
        if let Effect::Relink { into } = effect {
            self.relink(link, entry, into, now, commit);
            commit.endings.push(self.applied(entry, None, at));
            return;
        }
        let pair_now = pair_key(entry).map(|key| now.entry(key).or_default());
        let attention = match effect {
            Effect::Park(parked) => {
                let id = parked.id.clone().unwrap_or_else(|| entry.key.id.clone());
                let reason = ParkedAs::from(&parked.why);
                Some(Attention {
                    side: parked.side,
                    id,
                    due: if reason.ends_by_itself() { at } else { never() },
                    why: AttentionWhy::Parked {
                        reason,
                        rules: parked.rules.clone(),
                        message: parked.message.clone(),
                        remedy: parked.remedy.clone(),
                        suspicion: match &parked.why {
                            ParkReason::Suspected(suspicion) => Some(suspicion.clone()),
                            _ => None,
                        },
                    },
                    since: at,
                })
            }
            Effect::OpenConflict(view) => Some(Attention {
                side: entry.key.side,
                id: entry.key.id.clone(),
                why: AttentionWhy::Conflict { rules: view.rules.clone(), message: conflict_message(view) },
                due: never(),
                since: at,
            }),
            _ => None,
        };
        match pair_now {
            Some(pair_now) => {
                match effect {
                    // The record is not there any more: nothing about it is open.
                    Effect::CloseConflict { rules } if rules.is_empty() => {
                        pair_now.open.clear();
                        let (side, id) = (entry.key.side, entry.key.id.clone());
                        commit.settled.push((link.spec().id.clone(), side, id, AttentionKind::All));
                    }
                    Effect::CloseConflict { rules } => pair_now.close(rules),
                    Effect::Link { .. } | Effect::EndPair { .. } => pair_now.close_whole_record(),
                    Effect::Agree => pair_now.close_seen(),
                    _ => {}
                }
                if let Some(attention) = attention {
                    pair_now.open_up(attention);
                }
                self.settle(link, entry, pair_now, None);
                self.use_decisions(link, entry, commit);
            }
            None => commit.attention.extend(attention.map(|attention| (link.spec().id.clone(), attention))),
        }
        commit.endings.push(self.applied(entry, None, at));
    }

    /// Moves a pair as an entry that ended well moves it.
    pub(super) fn settle(
        &self,
        link: &CompiledLink,
        entry: &Entry,
        pair_now: &mut PairNow,
        written: Option<Written<'_>>,
    ) {
        let restores = is_create(entry) && pair_now.pair.is_some();
        if restores {
            pair_now.ended = pair_now.pair.take().map(Box::new);
        }
        let under = Under { link, plan: self.plan, configuration: &self.inner.configuration, watch: false };
        if let Some(mut pair) = settle(under, entry, pair_now.pair.as_ref(), written) {
            pair.watch =
                pair.status != PairStatus::Ended && (!pair_now.open.is_empty() || has_unsettled(link, &pair));
            pair_now.pair = Some(pair);
            pair_now.changed = true;
        }
    }

    /// Decisions about groups that an entry settles have done their work: without them the pair rests again.
    pub(super) fn use_decisions(&self, link: &CompiledLink, entry: &Entry, commit: &mut Commit) {
        let Sides { left: Some(left), right: Some(right) } = &entry.ids else { return };
        let id = &link.spec().id;
        let Some(decisions) = self.decisions.get(&(id.clone(), left.clone())) else { return };
        let settled = settled_rules(link, entry);
        let used = decisions.iter().filter(|made| made.ids.right == *right && settled.contains(&made.rule));
        commit.resolved.extend(used.map(|made| (id.clone(), made.clone())));
    }

    pub(super) fn applied(&self, entry: &Entry, id: Option<RecordId>, at: Timestamp) -> Ending {
        Ending { key: entry.key.clone(), state: EntryState::Applied { id, at } }
    }

    async fn cursors(&mut self, entries: Vec<Entry>) -> Result<()> {
        let mut commit = Commit::default();
        let at = self.inner.clock.now();
        for entry in &entries {
            if let Body::Effect(Effect::Cursor { side, feed }) = &entry.body {
                commit.feeds.push((entry.link.clone(), *side, feed.clone()));
            }
            commit.endings.push(self.applied(entry, None, at));
        }
        if let Some(first) = entries.first() {
            self.looked_at(&first.link, &mut commit).await?;
        }
        self.commit(commit).await
    }

    /// Ends the hints and retries about pairs that the plan looked at: it took up whatever was due before it was made,
    /// and what it could not do is due since. Those about records without a pair end when they get one. A hint that
    /// names a version is kept: whether it was reached cannot be told from here.
    async fn looked_at(&self, link: &LinkId, commit: &mut Commit) -> Result<()> {
        let Some(made_at) = self.made_at else { return Ok(()) };
        let mut after = None;
        loop {
            let scan = Scan { after, rows_max: self.inner.options.commit_entries_max };
            let page = self.store().attention(link, Some(made_at), scan).await?;
            after = page.rows.last().map(|row| (row.side, row.id.clone()));
            for side in Side::BOTH {
                let due = page.rows.iter().filter(|row| row.side == side && row.due < made_at);
                let due: Vec<(RecordId, AttentionKind)> = due
                    .filter_map(|row| match row.why {
                        AttentionWhy::Retry { .. } => Some((row.id.clone(), AttentionKind::Retry)),
                        AttentionWhy::Hint { version: None } => Some((row.id.clone(), AttentionKind::Hint)),
                        _ => None,
                    })
                    .collect();
                let ids: Vec<RecordId> = due.iter().map(|(id, _)| id.clone()).collect();
                let marks = self.store().marks_of(link, side, &ids).await?;
                let is_known = |mark: &Mark| !is_back(side, mark);
                let paired =
                    due.into_iter().zip(marks).filter(|(_, mark)| mark.as_ref().is_some_and(is_known));
                commit.settled.extend(paired.map(|((id, kind), _)| (link.clone(), side, id, kind)));
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    pub(super) async fn commit(&mut self, commit: Commit) -> Result<()> {
        if commit.endings.is_empty() && commit.pairs.is_empty() && commit.attention.is_empty() {
            return Ok(());
        }
        self.meter.add(commit.endings.len());
        self.store().commit(&self.keeper.lease, self.plan, commit).await
    }

    pub(super) fn drop_entry(&mut self, entry: &Entry, why: &str, commit: &mut Commit) {
        let at = self.inner.clock.now();
        self.report.dropped_count += 1;
        if self.report.dropped.len() < DROPPED_NAMED_MAX {
            self.report.dropped.push(Dropped {
                link: entry.link.clone(),
                side: entry.key.side,
                id: entry.key.id.clone(),
                why: why.to_owned(),
            });
        }
        let state = EntryState::Dropped { why: why.to_owned(), at };
        commit.endings.push(Ending { key: entry.key.clone(), state });
    }

    /// The next plan looks at the record whatever the feeds say. `unanswered`: a create of it was sent, and may have arrived.
    pub(super) fn look_again(&self, entry: &Entry, unanswered: bool, commit: &mut Commit) {
        let Some((side, id)) = pair_key(entry) else { return };
        let now = self.inner.clock.now();
        let (failure, rules) = (String::new(), Vec::new());
        let why = AttentionWhy::Retry { failures: 0, failure, rules, unanswered };
        commit.attention.push((entry.link.clone(), Attention { side, id, why, due: now, since: now }));
    }
}

pub(super) fn is_create(entry: &Entry) -> bool {
    entry.action().is_some_and(|action| action.verb == crate::plan::PlannedVerb::Create)
}

fn same_batch(a: &Entry, b: &Entry) -> bool {
    (a.key.rank, a.key.link, a.key.side) == (b.key.rank, b.key.link, b.key.side)
        || (a.key.rank == Rank::State && b.key.rank == Rank::State && a.key.link == b.key.link)
}

/// Later than any run: what waits for a person or for its own record.
pub(super) fn never() -> Timestamp {
    Timestamp::MAX_UTC
}
