//! A state store that keeps something else than it is told.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::model::{LinkId, PartitionId, PlanId, Presence, RecordId, Result, Side, Timestamp, Value};
use seamless_core::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use seamless_core::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, MemoryStore, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow,
    StateStore,
};
use seamless_core::testkit::world::VirtualClock;

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFlaw {
    /// Keeps bases that no side ever held.
    WrongBases,
    /// Shows a pair twice.
    TwoPartners,
    /// Keeps how an entry ended, and not what that means for a pair that is there already.
    LosesPairs,
    /// Forgets what people decided.
    ForgetsDecisions,
    /// Gives the other side the win.
    TurnsDecisions,
}

#[derive(Debug)]
pub(crate) struct BrokenStore {
    inner: MemoryStore,
    flaw: StoreFlaw,
}

impl BrokenStore {
    pub(crate) fn open(flaw: StoreFlaw, clock: &Arc<VirtualClock>) -> Arc<dyn StateStore> {
        Arc::new(Self { inner: MemoryStore::new(clock.clone()), flaw })
    }

    fn broken(&self, mut commit: Commit) -> Commit {
        match self.flaw {
            StoreFlaw::WrongBases => {
                for (_, pair) in &mut commit.pairs {
                    if let Some(slot) = pair.base.right.shape().slot("Name") {
                        let nobody = Value::text("v77777 nobody");
                        pair.base.right = pair.base.right.with([(slot, Presence::Value(nobody.as_ref()))]);
                    }
                }
            }
            StoreFlaw::LosesPairs => commit.pairs.retain(|(_, pair)| pair.revision < 2),
            StoreFlaw::TwoPartners | StoreFlaw::ForgetsDecisions | StoreFlaw::TurnsDecisions => {}
        }
        commit
    }
}

macro_rules! passed_on {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl StateStore for BrokenStore {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                self.inner.$name($($arg),*).await
            })*

            async fn commit(&self, lease: &Lease, plan: &PlanId, commit: Commit) -> Result<()> {
                self.inner.commit(lease, plan, self.broken(commit)).await
            }

            async fn resolutions(&self, link: &LinkId) -> Result<Vec<Resolution>> {
                let mut kept = self.inner.resolutions(link).await?;
                match self.flaw {
                    StoreFlaw::ForgetsDecisions => kept.clear(),
                    StoreFlaw::TurnsDecisions => {
                        kept.iter_mut().for_each(|resolution| resolution.take = resolution.take.other());
                    }
                    _ => {}
                }
                Ok(kept)
            }

            async fn marks(&self, link: &LinkId, side: Side, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
                let mut page = self.inner.marks(link, side, scan).await?;
                if self.flaw == StoreFlaw::TwoPartners {
                    page.rows.extend(page.rows.last().cloned());
                }
                Ok(page)
            }
        }
    };
}

passed_on! {
    bind(binding: &Binding) -> Bound;
    rebind(lease: &Lease, binding: &Binding, at: Timestamp) -> ();
    rehome(lease: &Lease, binding: &Binding, at: Timestamp) -> ();
    seal_key() -> SealKey;
    revision() -> u64;
    lease(partition: &PartitionId, worker: &str, lasts: Duration) -> Option<Lease>;
    renew(lease: &Lease, lasts: Duration) -> ();
    release(lease: &Lease) -> ();
    pair_count(link: &LinkId) -> u64;
    marks_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Option<Mark>>;
    pairs_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Option<Pair>>;
    watched(link: &LinkId, scan: Scan<RecordId>) -> PageOf<Mark>;
    feed(link: &LinkId, side: Side) -> Option<Feed>;
    notify(link: &LinkId, hints: &[Attention]) -> ();
    attention(link: &LinkId, until: Option<Timestamp>, scan: Scan<(Side, RecordId)>) -> PageOf<Attention>;
    attention_of(link: &LinkId, side: Side, ids: &[RecordId]) -> Vec<Vec<Attention>>;
    resolve(resolutions: &[(LinkId, Resolution)], at: Timestamp) -> ();
    draft(lease: &Lease, head: &PlanHead) -> ();
    spill(lease: &Lease, plan: &PlanId, area: Area, rows: Vec<SpillRow>) -> ();
    spilled(plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> PageOf<SpillRow>;
    spilled_of(plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;
    entries(plan: &PlanId, parts: EntryParts, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    finish(lease: &Lease, plan: &PlanId, trailer: &Trailer) -> ();
    discard(lease: &Lease, plan: &PlanId) -> ();
    plan(plan: &PlanId) -> Option<PlanRow>;
    adopted(partition: &PartitionId) -> Option<PlanId>;
    adopt(lease: &Lease, approval: &Approval) -> ();
    open_intents(plan: &PlanId, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    complete(lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> ();
    set_pause(pause: Option<&Pause>, by: &str, at: Timestamp) -> ();
    pause() -> Option<Pause>;
    journal(scan: Scan<u64>) -> PageOf<JournalLine>;
    put_entries(lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> ();
    intend(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Vec<EntryState>;
    withdraw(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> ();
}
