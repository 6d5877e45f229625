//! A store that keeps its word in everything but one thing, and the one thing is named after the case that must catch it.
//! Around a truthful store in memory.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::model::{LinkId, PartitionId, PlanId, Presence, RecordId, Side, Timestamp, Value};
use seamless_core::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use seamless_core::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, MemoryStore, PageOf, Pair, PairStatus, Pause, PlanRow, PlanState, Resolution, Scan, SealKey,
    SpillRow, StateStore,
};
use seamless_core::{ErrorKind, Result};

/// What the liar remembers.
#[derive(Debug, Default)]
struct Memo {
    lease: Option<Lease>,
    put: BTreeSet<EntryKey>,
    spilled: BTreeSet<Vec<u8>>,
    read: bool,
    busy: bool,
    feed: Option<Feed>,
}

#[derive(Debug)]
pub(crate) struct Dishonest {
    honest: Arc<MemoryStore>,
    lie: &'static str,
    memo: Mutex<Memo>,
}

impl Dishonest {
    /// Truthful where the lie is empty.
    pub(crate) fn new(honest: Arc<MemoryStore>, lie: &'static str) -> Self {
        Self { honest, lie, memo: Mutex::default() }
    }

    fn lies(&self, about: &str) -> bool {
        self.lie == about
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap()
    }

    /// The lease that a call is made under: whatever is shown, the newest one counts.
    fn under(&self, lease: &Lease) -> Lease {
        match (&self.memo().lease, self.lie) {
            (Some(newest), "lease.fenced" | "lease.same_worker" | "together.taken_over") => newest.clone(),
            _ => lease.clone(),
        }
    }

    /// A refusal that is not made.
    fn pass<T: Default>(&self, about: &str, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if self.lies(about) && error.kind() == ErrorKind::Conflict => Ok(T::default()),
            other => other,
        }
    }
}

async fn yield_once() {
    let mut done = false;
    poll_fn(|context| {
        if done {
            return Poll::Ready(());
        }
        done = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl StateStore for Dishonest {
    async fn bind(&self, binding: &Binding) -> Result<Bound> {
        let found = self.honest.bind(binding).await?;
        Ok(if self.lies("note.binding") { Bound::Same } else { found })
    }

    async fn rebind(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        self.honest.rebind(&self.under(lease), binding, at).await
    }

    async fn rehome(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        if self.lies("note.rehomed") {
            return Ok(());
        }
        self.honest.rehome(&self.under(lease), binding, at).await
    }

    async fn seal_key(&self) -> Result<SealKey> {
        self.honest.seal_key().await
    }

    async fn revision(&self) -> Result<u64> {
        self.honest.revision().await
    }

    async fn lease(&self, partition: &PartitionId, worker: &str, lasts: Duration) -> Result<Option<Lease>> {
        if self.lies("together.lease") {
            // Looks, and then takes.
            let free = !self.memo().busy;
            yield_once().await;
            if !free {
                return Ok(None);
            }
            self.memo().busy = true;
            let epoch = self.memo().lease.as_ref().map_or(0, |lease| lease.epoch) + 1;
            let lease = Lease { partition: partition.clone(), worker: worker.to_owned(), epoch };
            self.memo().lease = Some(lease.clone());
            return Ok(Some(lease));
        }
        if self.lies("lease.partitions") && self.memo().lease.is_some() {
            return Ok(None);
        }
        let given = self.honest.lease(partition, worker, lasts).await?;
        if given.is_some() {
            self.memo().lease.clone_from(&given);
        }
        Ok(given)
    }

    async fn renew(&self, lease: &Lease, lasts: Duration) -> Result<()> {
        match self.honest.renew(&self.under(lease), lasts).await {
            Err(_) if self.lies("lease.epochs") || self.lies("together.lease") => Ok(()),
            other => other,
        }
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        if self.lies("together.lease") {
            self.memo().busy = false;
        }
        self.honest.release(lease).await
    }

    async fn marks(&self, link: &LinkId, side: Side, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        let mut page = self.honest.marks(link, side, scan).await?;
        if self.lies("pair.pages") && page.more {
            page.rows.pop();
        }
        Ok(page)
    }

    async fn pair_count(&self, link: &LinkId) -> Result<u64> {
        self.honest.pair_count(link).await
    }

    async fn marks_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Mark>>> {
        let mut marks = self.honest.marks_of(link, side, ids).await?;
        if self.lies("pair.history") {
            for mark in &mut marks {
                mark.take_if(|mark| mark.status == PairStatus::Ended);
            }
        }
        Ok(marks)
    }

    async fn pairs_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Pair>>> {
        let mut pairs = self.honest.pairs_of(link, side, ids).await?;
        match self.lie {
            "pair.asked" => pairs.sort_by_key(Option::is_none),
            "pair.values" => {
                for pair in pairs.iter_mut().flatten() {
                    pair.base.left = pair.base.left.with([(1, Presence::Value(Value::Null.as_ref()))]);
                }
            }
            _ => {}
        }
        Ok(pairs)
    }

    async fn watched(&self, link: &LinkId, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        match self.lies("pair.watched") {
            true => self.honest.marks(link, Side::Left, scan).await,
            false => self.honest.watched(link, scan).await,
        }
    }

    async fn feed(&self, link: &LinkId, side: Side) -> Result<Option<Feed>> {
        // One place for both sides.
        match self.lies("together.feed") {
            true => Ok(self.memo().feed.clone()),
            false => self.honest.feed(link, side).await,
        }
    }

    async fn notify(&self, link: &LinkId, hints: &[Attention]) -> Result<()> {
        self.honest.notify(link, hints).await
    }

    async fn attention(
        &self,
        link: &LinkId,
        until: Option<Timestamp>,
        scan: Scan<(Side, RecordId)>,
    ) -> Result<PageOf<Attention>> {
        let rows_max = scan.rows_max;
        let mut page = self.honest.attention(link, until, scan).await?;
        match self.lie {
            "open.hints" => page.rows.extend(page.rows.clone()),
            "open.not_torn" => page.rows.truncate(rows_max),
            _ => {}
        }
        Ok(page)
    }

    async fn attention_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Vec<Attention>>> {
        let mut found = self.honest.attention_of(link, side, ids).await?;
        if self.lies("open.asked") {
            found.reverse();
            found.rotate_left(1);
        }
        Ok(found)
    }

    async fn resolve(&self, resolutions: &[(LinkId, Resolution)], at: Timestamp) -> Result<()> {
        self.honest.resolve(resolutions, at).await
    }

    async fn resolutions(&self, link: &LinkId) -> Result<Vec<Resolution>> {
        self.honest.resolutions(link).await
    }

    async fn draft(&self, lease: &Lease, head: &PlanHead) -> Result<()> {
        self.honest.draft(&self.under(lease), head).await
    }

    async fn spill(&self, lease: &Lease, plan: &PlanId, area: Area, mut rows: Vec<SpillRow>) -> Result<()> {
        match self.lie {
            "plan.spill" => rows.retain(|row| self.memo().spilled.insert(row.key.clone())),
            "plan.spill_goes_on" if self.memo().read => rows.clear(),
            _ => {}
        }
        self.honest.spill(&self.under(lease), plan, area, rows).await
    }

    async fn spilled(&self, plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> Result<PageOf<SpillRow>> {
        self.memo().read = true;
        self.honest.spilled(plan, area, scan).await
    }

    async fn spilled_of(&self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.honest.spilled_of(plan, area, keys).await
    }

    async fn put_entries(&self, lease: &Lease, plan: &PlanId, mut entries: Vec<Entry>) -> Result<()> {
        if self.lies("plan.second_pass") {
            entries.retain(|entry| self.memo().put.insert(entry.key.clone()));
        }
        self.honest.put_entries(&self.under(lease), plan, entries).await
    }

    async fn entries(
        &self,
        plan: &PlanId,
        parts: EntryParts,
        scan: Scan<EntryKey>,
    ) -> Result<PageOf<EntryRow>> {
        let parts = if self.lies("plan.parts") { EntryParts::Shown } else { parts };
        self.honest.entries(plan, parts, scan).await
    }

    async fn finish(&self, lease: &Lease, plan: &PlanId, trailer: &Trailer) -> Result<()> {
        self.honest.finish(&self.under(lease), plan, trailer).await
    }

    async fn discard(&self, lease: &Lease, plan: &PlanId) -> Result<()> {
        match self.lies("plan.drafts") {
            true => Ok(()),
            false => self.honest.discard(&self.under(lease), plan).await,
        }
    }

    async fn plan(&self, plan: &PlanId) -> Result<Option<PlanRow>> {
        let mut row = self.honest.plan(plan).await?;
        if let Some(row) = &mut row
            && self.lies("commit.ends_others")
        {
            row.state = PlanState::Sealed;
        }
        if let Some(row) = &mut row
            && self.lies("plan.row")
        {
            row.approval = None;
        }
        Ok(row)
    }

    async fn adopted(&self, partition: &PartitionId) -> Result<Option<PlanId>> {
        self.honest.adopted(partition).await
    }

    async fn adopt(&self, lease: &Lease, approval: &Approval) -> Result<()> {
        self.pass("plan.approved_only", self.honest.adopt(&self.under(lease), approval).await)
    }

    async fn intend(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<Vec<EntryState>> {
        let states = self.honest.intend(&self.under(lease), plan, keys).await?;
        Ok(match self.lies("commit.intents") {
            true => states.iter().map(|_| EntryState::Planned).collect(),
            false => states,
        })
    }

    async fn withdraw(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()> {
        match self.lies("commit.withdrawn") {
            true => Ok(()),
            false => self.honest.withdraw(&self.under(lease), plan, keys).await,
        }
    }

    async fn open_intents(&self, plan: &PlanId, scan: Scan<EntryKey>) -> Result<PageOf<EntryRow>> {
        self.honest.open_intents(plan, scan).await
    }

    async fn commit(&self, lease: &Lease, plan: &PlanId, mut commit: Commit) -> Result<()> {
        if self.lies("together.taken_over") {
            yield_once().await;
        }
        let lease = &self.under(lease);
        match self.lie {
            // Two transactions where one was promised.
            "commit.atomic" | "dropped.commit" => {
                let endings = std::mem::take(&mut commit.endings);
                self.honest.commit(lease, plan, Commit { endings, ..Commit::default() }).await?;
                yield_once().await;
            }
            "together.commits" => {
                // One that comes while another is under way is lost.
                if std::mem::replace(&mut self.memo().busy, true) {
                    return Ok(());
                }
                yield_once().await;
                self.memo().busy = false;
            }
            "together.feed" => {
                let last = commit.feeds.last().map(|(_, _, feed)| feed.clone());
                let mut memo = self.memo();
                memo.feed = last.or(memo.feed.take());
            }
            "open.replaced" => commit.settled.clear(),
            "open.resolution" => {
                for (link, used) in &mut commit.resolved {
                    if let Some(kept) = self.honest.resolutions(link).await?.into_iter().next() {
                        *used = kept;
                    }
                }
            }
            "pair.ended" => commit.pairs.sort_by_key(|(_, pair)| pair.status != PairStatus::Ended),
            _ => {}
        }
        if self.lies("pair.ended") {
            // Rows are taken one by one, in the wrong order.
            for row in commit.pairs.drain(..).rev() {
                self.honest.commit(lease, plan, Commit { pairs: vec![row], ..Commit::default() }).await?;
            }
        }
        let done = self.honest.commit(lease, plan, commit).await;
        self.pass("commit.twice", self.pass("pair.one", done))
    }

    async fn complete(&self, lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> Result<()> {
        self.pass("commit.done", self.honest.complete(&self.under(lease), plan, state, at).await)
    }

    async fn set_pause(&self, pause: Option<&Pause>, by: &str, at: Timestamp) -> Result<()> {
        match self.lies("note.pause") {
            true => Ok(()),
            false => self.honest.set_pause(pause, by, at).await,
        }
    }

    async fn pause(&self) -> Result<Option<Pause>> {
        self.honest.pause().await
    }

    async fn journal(&self, scan: Scan<u64>) -> Result<PageOf<JournalLine>> {
        let mut page = self.honest.journal(scan).await?;
        if self.lies("note.journal") {
            page.rows.reverse();
        }
        Ok(page)
    }
}
