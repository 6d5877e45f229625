//! The connector against SAP CAP, a server that none of us wrote. `.ci/servers/cap start DIR` installs and starts it and says
//! what to export. Without `SEAMLESS_TEST_CAP` these tests fail: they do not pretend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod conformance;
mod cost;
mod wire;
mod works;

use std::time::{SystemTime, UNIX_EPOCH};

use seamless_connectors::odata::{OData, ODataConfig};
use seamless_core::connector::{
    Connector, DeleteGround, Expects, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{ActionId, Record, RecordId, Shape, Slot, Value, record};
use serde_json::{Value as Json, json};

/// The root of the service.
pub(crate) fn url() -> String {
    std::env::var("SEAMLESS_TEST_CAP").expect(
        "SEAMLESS_TEST_CAP names the server: run `.ci/servers/cap start DIR` and export what it prints",
    )
}

/// A configuration of the server, with more settings.
pub(crate) fn config(more: Json) -> ODataConfig {
    let mut all = json!({
        "url": url(),
        "identity": "cap",
        "auth": { "kind": "basic", "user": "sync", "password": "sync-pw" },
        "defaults": { "consistent_read": true, "proves_absence": true },
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

pub(crate) fn open(more: Json) -> OData {
    OData::open(config(more)).unwrap()
}

/// A number that no earlier run had.
pub(crate) fn unique() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

/// A GUID of a number, in a range of its own.
pub(crate) fn guid(range: u16, number: u64) -> RecordId {
    RecordId::text(&format!("5ea31e55-{range:04x}-8000-a000-{number:012x}"))
}

pub(crate) fn patch(values: &[(&str, Value)]) -> Record {
    let shape = Shape::new(values.iter().map(|(name, _)| (*name).into())).unwrap();
    record(&shape, values.iter().map(|(name, value)| ((*name).into(), Slot::Value(value.clone())))).unwrap()
}

pub(crate) fn op(target: Target, verb: Verb, patch: Record, expects: Expects) -> WriteOp {
    WriteOp { id: ActionId::derive(&[&unique().to_le_bytes()]), target, verb, patch, expects }
}

pub(crate) fn create(id: &RecordId, values: &[(&str, Value)]) -> WriteOp {
    op(Target::New(Some(id.clone())), Verb::Create, patch(values), Expects::Missing)
}

pub(crate) fn update(id: &RecordId, values: &[(&str, Value)], expects: Expects) -> WriteOp {
    op(Target::Existing(id.clone()), Verb::Update, patch(values), expects)
}

pub(crate) fn delete(id: &RecordId) -> WriteOp {
    op(Target::Existing(id.clone()), Verb::Delete(DeleteGround::LeftScope), patch(&[]), Expects::Anything)
}

/// Writes in batches as large as the set takes.
pub(crate) async fn write(service: &OData, entity: &str, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
    let max = service.capabilities(&entity.into()).batch_max.get() as usize;
    let mut outcomes = Vec::new();
    for ops in ops.chunks(max) {
        outcomes.extend(service.write(&entity.into(), WriteBatch::of(ops.to_vec())).await.unwrap());
    }
    outcomes
}

pub(crate) fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}
