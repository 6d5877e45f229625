//! The host's state store behind a gate: every call is a step at which the process can die, before it and after it. It also
//! hears which intents are durable, and keeps nothing else. The door is [`Witness`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::universe::Shared;
use crate::model::{ActionId, LinkId, PartitionId, PlanId, RecordId, Result, Side, Timestamp};
use crate::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use crate::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow, StateStore,
};

/// The operations of plans that were not given up, by place.
type Actions = Arc<Mutex<BTreeMap<(PlanId, EntryKey), ActionId>>>;

#[derive(Clone, Debug)]
pub(super) struct Witness {
    pub(super) inner: Arc<dyn StateStore>,
    world: Shared,
    actions: Actions,
}

impl Witness {
    pub(super) fn new(inner: Arc<dyn StateStore>, world: &Shared) -> Self {
        Self { inner, world: world.clone(), actions: Actions::default() }
    }

    /// What a call said, before it happens.
    fn heard(&self, plan: &PlanId, entries: &[Entry]) {
        let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if let Some(action) = entry.action() {
                actions.insert((plan.clone(), entry.key.clone()), action.id);
            }
        }
    }

    /// The intents of these entries were taken back.
    fn withdrawn(&self, plan: &PlanId, keys: &[EntryKey]) {
        let actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<_> =
            keys.iter().filter_map(|key| actions.get(&(plan.clone(), key.clone())).copied()).collect();
        self.world.lock().chronicle.intended.retain(|id| !ids.contains(id));
    }

    /// The intents of these entries are durable.
    fn intended(&self, plan: &PlanId, keys: &[EntryKey]) {
        let actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        let ids = keys.iter().filter_map(|key| actions.get(&(plan.clone(), key.clone())).copied());
        self.world.lock().chronicle.intended.extend(ids);
    }
}

macro_rules! witnessed {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl StateStore for Witness {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                self.world.step().await;
                let answer = self.inner.$name($($arg),*).await;
                self.world.step().await;
                answer
            })*

            async fn put_entries(&self, lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> Result<()> {
                self.world.step().await;
                self.heard(plan, &entries);
                let answer = self.inner.put_entries(lease, plan, entries).await;
                self.world.step().await;
                answer
            }

            async fn intend(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<Vec<EntryState>> {
                self.world.step().await;
                let answer = self.inner.intend(lease, plan, keys).await;
                if answer.is_ok() {
                    self.intended(plan, keys);
                }
                self.world.step().await;
                answer
            }

            async fn withdraw(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()> {
                self.world.step().await;
                self.withdrawn(plan, keys);
                let answer = self.inner.withdraw(lease, plan, keys).await;
                self.world.step().await;
                answer
            }
        }
    };
}

witnessed! {
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
    entries(plan: &PlanId, parts: EntryParts, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    finish(lease: &Lease, plan: &PlanId, trailer: &Trailer) -> ();
    discard(lease: &Lease, plan: &PlanId) -> ();
    plan(plan: &PlanId) -> Option<PlanRow>;
    adopted(partition: &PartitionId) -> Option<PlanId>;
    adopt(lease: &Lease, approval: &Approval) -> ();
    open_intents(plan: &PlanId, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
    commit(lease: &Lease, plan: &PlanId, commit: Commit) -> ();
    complete(lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> ();
    set_pause(pause: Option<&Pause>, by: &str, at: Timestamp) -> ();
    pause() -> Option<Pause>;
    journal(scan: Scan<u64>) -> PageOf<JournalLine>;
}
