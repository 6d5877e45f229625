//! A state store around another one, for tests: what is done before and after each call, and the calls that can be told
//! otherwise. Whoever watches, stops or breaks a store writes that and no list of calls. Knows nothing of why. The doors are
//! [`Around`] and [`Hooks`].

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::{LinkId, PartitionId, PlanId, RecordId, Result, Side, Timestamp};
use crate::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use crate::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow, StateStore,
};

/// What a store around another one does beside passing calls on. Each method has a default that does nothing else.
///
/// A call is named as its method of [`StateStore`] is.
pub trait Hooks: fmt::Debug + Send + Sync + 'static {
    /// Before a call. An error is the answer of the call, which is not made.
    fn before(&self, _call: &'static str) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// After a call that was made: whether it went well. An error takes the place of its answer.
    fn after(&self, _call: &'static str, _went_well: bool) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Instead of [`StateStore::marks`].
    fn marks(
        &self,
        inner: &dyn StateStore,
        link: &LinkId,
        side: Side,
        scan: Scan<RecordId>,
    ) -> impl Future<Output = Result<PageOf<Mark>>> + Send {
        async move { inner.marks(link, side, scan).await }
    }

    /// Instead of [`StateStore::resolutions`].
    fn resolutions(
        &self,
        inner: &dyn StateStore,
        link: &LinkId,
    ) -> impl Future<Output = Result<Vec<Resolution>>> + Send {
        async move { inner.resolutions(link).await }
    }

    /// Instead of [`StateStore::put_entries`].
    fn put_entries(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        entries: Vec<Entry>,
    ) -> impl Future<Output = Result<()>> + Send {
        async move { inner.put_entries(lease, plan, entries).await }
    }

    /// Instead of [`StateStore::adopt`].
    fn adopt(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        approval: &Approval,
    ) -> impl Future<Output = Result<()>> + Send {
        async move { inner.adopt(lease, approval).await }
    }

    /// Instead of [`StateStore::intend`].
    fn intend(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> impl Future<Output = Result<Vec<EntryState>>> + Send {
        async move { inner.intend(lease, plan, keys).await }
    }

    /// Instead of [`StateStore::withdraw`].
    fn withdraw(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> impl Future<Output = Result<()>> + Send {
        async move { inner.withdraw(lease, plan, keys).await }
    }

    /// Instead of [`StateStore::commit`].
    fn commit(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        commit: Commit,
    ) -> impl Future<Output = Result<()>> + Send {
        async move { inner.commit(lease, plan, commit).await }
    }
}

/// A state store around another one.
#[derive(Debug)]
pub struct Around<H> {
    /// The store that calls are passed on to.
    pub inner: Arc<dyn StateStore>,
    /// What is done beside that.
    pub hooks: H,
}

impl<H: Hooks> Around<H> {
    /// Puts hooks around a store.
    pub fn new(inner: Arc<dyn StateStore>, hooks: H) -> Self {
        Self { inner, hooks }
    }
}

/// Every method of the store between its two hooks. First those that are passed on as they are, then those that the hooks
/// can tell otherwise.
macro_rules! between {
    (
        passed { $($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)* }
        told { $($told:ident($($of:ident: $type:ty),*) -> $gives:ty;)* }
    ) => {
        #[async_trait]
        impl<H: Hooks> StateStore for Around<H> {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                self.hooks.before(stringify!($name)).await?;
                let answer = self.inner.$name($($arg),*).await;
                self.hooks.after(stringify!($name), answer.is_ok()).await?;
                answer
            })*

            $(async fn $told(&self, $($of: $type),*) -> Result<$gives> {
                self.hooks.before(stringify!($told)).await?;
                let answer = self.hooks.$told(&*self.inner, $($of),*).await;
                self.hooks.after(stringify!($told), answer.is_ok()).await?;
                answer
            })*
        }
    };
}

between! {
    passed {
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
        open_intents(plan: &PlanId, scan: Scan<EntryKey>) -> PageOf<EntryRow>;
        complete(lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> ();
        set_pause(pause: Option<&Pause>, by: &str, at: Timestamp) -> ();
        pause() -> Option<Pause>;
        journal(scan: Scan<u64>) -> PageOf<JournalLine>;
    }
    told {
        marks(link: &LinkId, side: Side, scan: Scan<RecordId>) -> PageOf<Mark>;
        resolutions(link: &LinkId) -> Vec<Resolution>;
        put_entries(lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> ();
        adopt(lease: &Lease, approval: &Approval) -> ();
        intend(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Vec<EntryState>;
        withdraw(lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> ();
        commit(lease: &Lease, plan: &PlanId, commit: Commit) -> ();
    }
}
