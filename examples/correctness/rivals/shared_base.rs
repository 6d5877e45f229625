//! The rule of engines that remember one value per field, "the synchronised one", and hold both sides against it. The door
//! is [`SharedBase`].
//!
//! It is a state store around another one: in each pair that is kept, both bases of a copied field become the value that was
//! sent, or where nothing was sent what the left held. References keep a base per side, since the same record has another id
//! there. Everything else is the engine's own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::merge::CompiledLink;
use seamless_core::model::{LinkId, PartitionId, PlanId, Presence, RecordId, Result, Side, Timestamp, Value};
use seamless_core::plan::{Entry, EntryKey, Feed, GONE, PlanHead, Trailer};
use seamless_core::store::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, PairStatus, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow,
    StateStore,
};

/// The links of an integration by id.
pub(crate) type Links = Arc<BTreeMap<LinkId, Arc<CompiledLink>>>;

/// A state store that keeps one base for both sides.
#[derive(Debug)]
pub(crate) struct SharedBase {
    inner: Arc<dyn StateStore>,
    links: Links,
}

impl SharedBase {
    /// Wraps a state store.
    pub(crate) fn around(inner: Arc<dyn StateStore>, links: &Links) -> Arc<Self> {
        Arc::new(Self { inner, links: Arc::clone(links) })
    }

    fn shared(&self, mut commit: Commit) -> Commit {
        for (link, pair) in &mut commit.pairs {
            if let (Some(link), PairStatus::Linked) = (self.links.get(link), pair.status) {
                share(link, pair);
            }
        }
        commit
    }
}

/// Makes the two bases of a pair one.
fn share(link: &CompiledLink, pair: &mut Pair) {
    for group in link.groups().iter().filter(|group| group.copy) {
        let ([left], [right]) = (group.slots.left.as_slice(), group.slots.right.as_slice()) else { continue };
        let (of_left, of_right) = (pair.base.left.get(*left), pair.base.right.get(*right));
        let (Presence::Value(of_left), Presence::Value(of_right)) = (of_left, of_right) else { continue };
        let was_sent_left = pair.trail.written.left.contains(*left);
        let was_sent_right = pair.trail.written.right.contains(*right);
        let one: Value =
            if was_sent_left && !was_sent_right { of_right.to_value() } else { of_left.to_value() };
        pair.base.left = pair.base.left.with([(*left, Presence::Value(one.as_ref()))]);
        pair.base.right = pair.base.right.with([(*right, Presence::Value(one.as_ref()))]);
    }
    for side in Side::BOTH {
        let print = link.fingerprint(side, pair.base.of(side));
        let kept = pair.fingerprint.of_mut(side);
        if *kept != print && *kept != GONE {
            *kept = print;
            // The one base is no version of this side.
            *pair.version.of_mut(side) = None;
        }
    }
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl StateStore for SharedBase {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer> {
                self.inner.$name($($argument),*).await
            })*

            async fn commit(&self, lease: &Lease, plan: &PlanId, commit: Commit) -> Result<()> {
                self.inner.commit(lease, plan, self.shared(commit)).await
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
    complete(lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> ();
    set_pause(pause: Option<&Pause>, by: &str, at: Timestamp) -> ();
    pause() -> Option<Pause>;
    journal(scan: Scan<u64>) -> PageOf<JournalLine>;
}
