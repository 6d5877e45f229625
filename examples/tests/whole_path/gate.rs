//! A gate in front of everything that a run awaits: it lets a number of steps pass and then none, so that dropping
//! the run there is a crash at that step. Store and systems behind it stay what they are.
//!
//! Every call has two steps: before it reaches the other side, and before its answer comes back. Between the two the
//! call has happened and nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use futures::StreamExt;
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};
use seamless_core::store::StateStore;
use seamless_core::testkit::{Around, Hooks};

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

/// A store behind a gate.
pub(crate) fn gated_store(inner: Arc<dyn StateStore>, gate: &Gate) -> Arc<Around<Gate>> {
    Arc::new(Around::new(inner, gate.clone()))
}

/// Every call of the store: a step, the call, a step.
impl Hooks for Gate {
    async fn before(&self, call: &'static str) -> Result<()> {
        self.step().await;
        let Some((at, false)) = self.lost_commit.filter(|_| call == "commit") else { return Ok(()) };
        self.lose(at)
    }

    async fn after(&self, call: &'static str, _went_well: bool) -> Result<()> {
        self.step().await;
        if call != "commit" {
            return Ok(());
        }
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        match self.lost_commit {
            Some((at, true)) if at == number => Err(lost()),
            _ => Ok(()),
        }
    }
}
