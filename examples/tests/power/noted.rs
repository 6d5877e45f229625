//! A store that tells of every call. It changes nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::model::{LinkId, PartitionId, PlanId, RecordId, Result, Side, Timestamp};
use seamless_core::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};
use seamless_core::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow, StateStore,
};

/// What is told of a call before it is made and once it went well: its name.
pub(crate) struct Listener(pub(crate) Box<dyn Fn(&'static str) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) inner: Arc<dyn StateStore>,
    pub(crate) listener: Listener,
}

/// Every method of the store: word of it, the call, and word of it where it went well.
macro_rules! noted {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl StateStore for Noted {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                (self.listener.0)(concat!("before ", stringify!($name)));
                let answer = self.inner.$name($($arg),*).await?;
                (self.listener.0)(stringify!($name));
                Ok(answer)
            })*
        }
    };
}

noted! {
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
