//! A gate in front of everything that a run awaits: it lets a number of steps pass and then none, so that dropping
//! the run there is a crash at that step. Store and systems behind it stay what they are.
//!
//! Every call has two steps: before it reaches the other side, and before its answer comes back. Between the two the
//! call has happened and nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{
    EntityName, Error, ErrorKind, LinkId, PartitionId, PlanId, RecordId, Result, Schema, Side, Timestamp,
};
use seamless_core::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use seamless_core::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow, StateStore,
};

/// Counts steps and stops after some.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    passed: Arc<AtomicUsize>,
    stop_after: usize,
    writes: Arc<AtomicUsize>,
    fault: Option<(usize, Fault)>,
    sways: Option<Arc<AtomicU64>>,
    commits: Arc<AtomicUsize>,
    lost_commit: Option<(usize, bool)>,
}

impl Gate {
    pub(crate) fn stopping_after(stop_after: usize) -> Self {
        Self {
            passed: Arc::default(),
            stop_after,
            writes: Arc::default(),
            fault: None,
            sways: None,
            commits: Arc::default(),
            lost_commit: None,
        }
    }

    /// Lets everything through, after a number of polls that is drawn for each step: what is done at once comes in an
    /// order of its own for every seed.
    pub(crate) fn swaying(seed: u64) -> Self {
        Self { sways: Some(Arc::new(AtomicU64::new(seed))), ..Self::open() }
    }

    /// Lets everything through; the commit of this number, counted from 0, fails, although it happened or not.
    pub(crate) fn losing_commit(commit: usize, happens: bool) -> Self {
        Self { lost_commit: Some((commit, happens)), ..Self::open() }
    }

    /// Commits that were begun.
    pub(crate) fn commits(&self) -> usize {
        self.commits.load(Ordering::Relaxed)
    }

    /// Whether nothing is let through any more.
    pub(crate) fn is_shut(&self) -> bool {
        self.passed() >= self.stop_after
    }

    async fn call(&self, name: &str) -> Result<()> {
        self.step().await;
        let Some((at, false)) = self.lost_commit.filter(|_| name == "commit") else { return Ok(()) };
        self.lose(at)
    }

    /// After the call.
    async fn answer(&self, name: &str) -> Result<()> {
        self.step().await;
        if name != "commit" {
            return Ok(());
        }
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        match self.lost_commit {
            Some((at, true)) if at == number => Err(lost()),
            _ => Ok(()),
        }
    }

    fn lose(&self, at: usize) -> Result<()> {
        if self.commits() != at {
            return Ok(());
        }
        self.commits.fetch_add(1, Ordering::Relaxed);
        Err(lost())
    }

    /// Lets everything through; the write of this number, counted from 0 over both systems, meets a fault.
    pub(crate) fn faulty(write: usize, fault: Fault) -> Self {
        Self { fault: Some((write, fault)), ..Self::open() }
    }

    pub(crate) fn open() -> Self {
        Self::stopping_after(usize::MAX)
    }

    /// Steps that were let through.
    pub(crate) fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    /// Writes that were begun.
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    fn write(&self, system: &Memory) {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        if let Some((_, fault)) = self.fault.as_ref().filter(|(at, _)| *at == number) {
            system.fail_next(fault.clone());
        }
    }

    async fn step(&self) {
        if self.passed() >= self.stop_after {
            futures::future::pending::<()>().await;
        }
        if let Some(sways) = &self.sways {
            let drawn = sways.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let drawn = (drawn ^ (drawn >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 60;
            // Most steps are quick, some are overtaken by many.
            for _ in 0..(if drawn > 12 { drawn * 4 } else { drawn % 3 }) {
                yield_once().await;
            }
        }
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the commit was lost")
}

async fn yield_once() {
    let mut yielded = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[derive(Debug)]
pub(crate) struct GatedConnector {
    pub(crate) inner: Memory,
    pub(crate) gate: Gate,
}

#[async_trait]
impl Connector for GatedConnector {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.gate.step().await;
        let pages = self.inner.read(query).await?;
        let gate = self.gate.clone();
        Ok(Box::pin(pages.then(move |page| {
            let gate = gate.clone();
            async move {
                gate.step().await;
                page
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.gate.step().await;
        let found = self.inner.fetch(query).await;
        self.gate.step().await;
        found
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.gate.step().await;
        self.gate.write(&self.inner);
        let written = self.inner.write(entity, batch).await;
        self.gate.step().await;
        written
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.inner.check(need).await
    }
}

#[derive(Debug)]
pub(crate) struct GatedStore {
    pub(crate) inner: Arc<dyn StateStore>,
    pub(crate) gate: Gate,
}

/// Every method of the store: a step, the call, a step.
macro_rules! gated {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl StateStore for GatedStore {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                self.gate.call(stringify!($name)).await?;
                let answer = self.inner.$name($($arg),*).await;
                self.gate.answer(stringify!($name)).await?;
                answer
            })*
        }
    };
}

gated! {
    bind(binding: &Binding) -> Bound;
    rebind(lease: &Lease, binding: &Binding, at: Timestamp) -> ();
    rehome(lease: &Lease, binding: &Binding, at: Timestamp) -> ();
    seal_key() -> SealKey;
    revision() -> u64;
    lease(partition: &PartitionId, worker: &str, lasts: Duration) -> Option<Lease>;
    renew(lease: &Lease, lasts: Duration) -> ();
    release(lease: &Lease) -> ();
    marks(link: &LinkId, side: Side, scan: Scan<RecordId>) -> PageOf<Mark>;
    pair_count(link: &LinkId) -> u64;
    marks_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Option<Mark>>;
    pairs_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Option<Pair>>;
    watched(link: &LinkId, scan: Scan<RecordId>) -> PageOf<Mark>;
    feed(link: &LinkId, side: Side) -> Option<Feed>;
    notify(link: &LinkId, hints: &[Attention]) -> ();
    attention(link: &LinkId, until: Option<Timestamp>, scan: Scan<(Side, RecordId)>) -> PageOf<Attention>;
    attention_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Vec<Attention>>;
    resolve(resolutions: &[(LinkId, Resolution)], at: Timestamp) -> ();
    resolutions(link: &LinkId) -> Vec<Resolution>;
    draft(lease: &Lease, head: &PlanHead) -> ();
    spill(lease: &Lease, plan: &PlanId, area: Area, rows: Vec<SpillRow>) -> ();
    spilled(plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> PageOf<SpillRow>;
    spilled_of(plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;
    put_entries(lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> ();
    entries(plan: &PlanId, parts: EntryParts, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    finish(lease: &Lease, plan: &PlanId, trailer: &Trailer) -> ();
    discard(lease: &Lease, plan: &PlanId) -> ();
    plan(plan: &PlanId) -> Option<PlanRow>;
    adopted(partition: &PartitionId) -> Option<PlanId>;
    adopt(lease: &Lease, approval: &Approval) -> ();
    intend(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Vec<EntryState>;
    withdraw(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> ();
    open_intents(plan: &PlanId, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    commit(lease: &Lease, plan: &PlanId, commit: Commit) -> ();
    complete(lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> ();
    set_pause(pause: Option<&Pause>, by: &str, at: Timestamp) -> ();
    pause() -> Option<Pause>;
    journal(scan: Scan<u64>) -> PageOf<JournalLine>;
}
