//! What the tests of stores share: a clock that is moved by hand, and small heads, entries and pairs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::port::{Approval, Lease, Pair, PairStatus, StateStore};
use crate::clock::Clock;
use crate::model::{
    Bits, FieldName, LinkId, PartitionId, PlanId, Record, RecordBuilder, RecordId, Shape, Side, Sides,
    Timestamp, Value,
};
use crate::plan::{Basis, Body, Effect, Entry, EntryKey, PlanHead, Rank, SystemIdentity, Trail, Trailer};

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub(super) struct ManualClock(Mutex<Duration>);

impl ManualClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        at(1_000_000) + *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 500).unwrap()
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
    let shape = Shape::new([FieldName::from("name"), FieldName::from("fax")]).unwrap();
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

/// Takes the partition and has a plan of these entries adopted.
pub(super) async fn adopted(store: &dyn StateStore, plan: &str, records: &[&str]) -> (Lease, PlanId) {
    let partition = partition();
    let lease = store.lease(&partition, "w", Duration::from_secs(60)).await.unwrap().unwrap();
    let revision = store.revision().await.unwrap();
    let name = PlanId::from(plan);
    store.draft(&lease, &head(plan, &partition, revision)).await.unwrap();
    store.put_entries(&lease, &name, records.iter().map(|record| entry(record)).collect()).await.unwrap();
    store.finish(&lease, &name, &trailer("d")).await.unwrap();
    store.adopt(&lease, &approval(plan, "d")).await.unwrap();
    (lease, name)
}
