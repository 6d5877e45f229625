//! What the cases work with: a clock that is moved by hand, and small heads, entries and pairs. Knows no case.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::model::{
    Bits, ErrorKind, FieldName, LinkId, PartitionId, PlanId, Record, RecordBuilder, RecordId, Result, Shape,
    Side, Sides, Timestamp, Value,
};
use crate::plan::{Basis, Body, Effect, Entry, EntryKey, PlanHead, Rank, SystemIdentity, Trail, Trailer};
use crate::store::{
    Approval, Attention, Binding, Commit, Ending, EntryParts, EntryState, Lease, Pair, PairStatus, PlanState,
    Scan, StateStore,
};
use crate::testkit::verdict::{Stop, broken};

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub(super) struct ManualClock(Mutex<Duration>);

impl ManualClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        at(1_000_000) + *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 500).unwrap_or_default()
}

pub(super) fn link() -> LinkId {
    LinkId::from("customers")
}

pub(super) fn partition() -> PartitionId {
    PartitionId::from("customers")
}

pub(super) fn id(id: &str) -> RecordId {
    RecordId::text(id)
}

pub(super) fn head(plan: &str, partition: &PartitionId, state_revision: u64) -> PlanHead {
    let system = |side: &str| SystemIdentity {
        side: side.to_owned(),
        system: "crm".to_owned(),
        identity: "test".to_owned(),
        label: String::new(),
    };
    PlanHead {
        id: PlanId::from(plan),
        partition: partition.clone(),
        made_at: at(1),
        systems: Sides { left: system("left"), right: system("right") },
        configuration: "c0".to_owned(),
        links: vec![link()],
        state_revision,
        guarantee: Vec::new(),
        actions: Vec::new(),
        sets_off: Vec::new(),
    }
}

pub(super) fn trailer(digest: &str) -> Trailer {
    Trailer { digest: digest.to_owned(), seal: "s".to_owned(), ..Trailer::default() }
}

pub(super) fn approval(plan: &str, digest: &str) -> Approval {
    Approval {
        plan: PlanId::from(plan),
        digest: digest.to_owned(),
        by: "anna".to_owned(),
        at: at(2),
        overrides: Vec::new(),
    }
}

pub(super) fn key(record: &str) -> EntryKey {
    EntryKey { rank: Rank::State, link: 0, side: Side::Left, id: id(record), part: 0 }
}

pub(super) fn entry(record: &str) -> Entry {
    Entry {
        key: key(record),
        link: link(),
        ids: Sides { left: Some(id(record)), right: None },
        basis: Basis::default(),
        observed: Sides { left: Some(text_record(record)), right: None },
        settles: Bits::of_word(1),
        body: Body::Effect(Effect::Agree),
    }
}

pub(super) fn text_record(text: &str) -> Record {
    #[allow(clippy::expect_used, reason = "two different names are a shape")]
    let shape = Shape::new([FieldName::from("name"), FieldName::from("fax")]).expect("a shape");
    let mut record = RecordBuilder::new(&shape);
    record.push_value(Value::text(text).as_ref());
    record.finish()
}

pub(super) fn pair(left: &str, right: &str, status: PairStatus) -> Pair {
    Pair {
        ids: Sides { left: id(left), right: id(right) },
        status,
        revision: 0,
        plan: Some(PlanId::from("p")),
        base: Sides { left: text_record(left), right: text_record(right) },
        trail: Trail {
            acknowledged: Sides { left: Bits::new(), right: Bits::of_word(1) },
            ..Trail::default()
        },
        fingerprint: Sides { left: [1; 16], right: [2; 16] },
        version: Sides::default(),
        watch: false,
        configuration: "c0".to_owned(),
    }
}

/// Takes a partition for a while.
pub(super) async fn hold(store: &dyn StateStore, worker: &str, seconds: u64) -> Result<Option<Lease>, Stop> {
    Ok(store.lease(&partition(), worker, Duration::from_secs(seconds)).await?)
}

/// Takes a partition that is free.
pub(super) async fn take(store: &dyn StateStore, worker: &str, seconds: u64) -> Result<Lease, Stop> {
    hold(store, worker, seconds)
        .await?
        .ok_or_else(|| broken("a partition that nobody holds is given", "no lease"))
}

/// Takes the partition and has a plan of these entries adopted.
pub(super) async fn adopted(
    store: &dyn StateStore,
    plan: &str,
    records: &[&str],
) -> Result<(Lease, PlanId), Stop> {
    let lease = take(store, "w", 60).await?;
    let revision = store.revision().await?;
    let name = PlanId::from(plan);
    store.draft(&lease, &head(plan, &partition(), revision)).await?;
    store.put_entries(&lease, &name, records.iter().map(|record| entry(record)).collect()).await?;
    store.finish(&lease, &name, &trailer("d")).await?;
    store.adopt(&lease, &approval(plan, "d")).await?;
    Ok((lease, name))
}

/// What kind of error a call gave; `None` where it succeeded.
pub(super) fn kind<T>(result: Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

pub(super) fn applied(record: &str) -> Ending {
    Ending { key: key(record), state: EntryState::Applied { id: Some(id("r")), at: at(3) } }
}

pub(super) fn pairs(rows: &[(&str, &str, PairStatus)]) -> Commit {
    let pairs = rows.iter().map(|(left, right, status)| (link(), pair(left, right, *status))).collect();
    Commit { pairs, ..Commit::default() }
}

/// Where a plan stands; `None` where there is none.
pub(super) async fn state_of(store: &dyn StateStore, plan: &str) -> Result<Option<PlanState>, Stop> {
    Ok(store.plan(&PlanId::from(plan)).await?.map(|row| row.state))
}

/// Where the first entry of a plan stands.
pub(super) async fn first_state(store: &dyn StateStore, plan: &PlanId) -> Result<EntryState, Stop> {
    let rows = store.entries(plan, EntryParts::Whole, Scan::first(9)).await?.rows;
    rows.into_iter().next().map(|row| row.state).ok_or_else(|| broken("", "the plan has no entries"))
}

/// What is open and due.
pub(super) async fn open_things(
    store: &dyn StateStore,
    until: Option<Timestamp>,
) -> Result<Vec<Attention>, Stop> {
    Ok(store.attention(&link(), until, Scan::first(9)).await?.rows)
}

/// A binding of two systems.
pub(super) fn binding(left: &str, configuration: &str) -> Binding {
    Binding {
        systems: Sides { left: left.into(), right: "erp".into() },
        configuration: configuration.into(),
        links: vec![(link(), "l".into())],
        rules: Vec::new(),
    }
}
