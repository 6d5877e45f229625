//! The OData connector without a real service: metadata documents of our own, one for each construct, and a server on loopback
//! that answers as a script says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod edmx;
mod honest;
mod hostile;
#[path = "../loopback/mod.rs"]
mod loopback;
mod schema;
mod server;
mod speaks;

use futures::StreamExt;
use futures::executor::block_on;
use loopback::{Reply, Seen, Server, say};
use seamless_connectors::odata::OData;
use seamless_core::connector::{
    Change, Connector, End, Expects, Page, ReadQuery, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{ActionId, Condition, Record, RecordId, Result, Shape, Slot, Value, record};
use serde_json::{Value as Json, json};
use server::{METADATA, guid};

/// What must never be seen anywhere but in a request to the configured host.
pub(crate) const SECRET: &str = "hunter2-S3cret";

/// A server that gives its metadata and answers everything else by a script.
pub(crate) fn serve(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(
        move |seen| {
            if seen.target.starts_with("/api/$metadata") { say(200, METADATA) } else { script(seen) }
        },
    )
}

/// Connects with short waits and small limits.
pub(crate) fn try_open(server: &Server, more: Json) -> Result<OData> {
    let mut all = json!({
        "url": server.url,
        "auth": { "kind": "basic", "user": "u", "password": SECRET },
        "connect_timeout_ms": 2_000,
        "idle_timeout_ms": 400,
        "timeout_ms": 1_500,
        "answer_bytes_max": 1 << 20,
    });
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    OData::open(serde_json::from_value(all).unwrap())
}

pub(crate) fn open(server: &Server, more: Json) -> OData {
    try_open(server, more).unwrap()
}

pub(crate) fn query(size: usize) -> ReadQuery {
    ReadQuery {
        entity: "Accounts".into(),
        shape: Shape::new(["name".into(), "credit".into()]).unwrap(),
        condition: Condition::Always,
        after: None,
        page_records_max: size,
    }
}

/// All pages, or the error of the first that failed.
pub(crate) fn pages(service: &OData, query: ReadQuery) -> Result<Vec<Page>> {
    block_on(async {
        let mut stream = service.read(query).await?;
        let mut pages = Vec::new();
        while let Some(page) = stream.next().await {
            pages.push(page?);
        }
        Ok(pages)
    })
}

pub(crate) fn names(pages: &[Page]) -> Vec<String> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let name = |change: &Change| match change {
        Change::Upsert(found) => found.record.field("name").value()?.as_text().map(str::to_owned),
        _ => None,
    };
    changes.filter_map(name).collect()
}

pub(crate) fn end(pages: &[Page]) -> &End {
    pages.last().unwrap().end.as_ref().unwrap()
}

pub(crate) fn id(number: u64) -> RecordId {
    RecordId::text(&guid(number))
}

pub(crate) fn patch(name: &str) -> Record {
    let shape = Shape::new(["name".into()]).unwrap();
    record(&shape, [("name".into(), Slot::Value(Value::text(name)))]).unwrap()
}

pub(crate) fn op(target: Target, verb: Verb, name: &str, expects: Expects) -> WriteOp {
    WriteOp { id: ActionId::derive(&[name.as_bytes()]), target, verb, patch: patch(name), expects }
}

pub(crate) fn update(number: u64, name: &str, expects: Expects) -> WriteOp {
    op(Target::Existing(id(number)), Verb::Update, name, expects)
}

pub(crate) fn write(service: &OData, ops: Vec<WriteOp>) -> Result<Vec<WriteOutcome>> {
    block_on(service.write(&"Accounts".into(), WriteBatch::of(ops)))
}
