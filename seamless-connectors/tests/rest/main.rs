//! The REST connector without a real service: a help desk on loopback that the conformance kit examines, lists of every kind,
//! and servers that do what no server should.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod declared;
mod desk;
mod hostile;
mod kit;
mod lists;
#[path = "../loopback/mod.rs"]
mod loopback;
mod writes;

use futures::StreamExt;
use futures::executor::block_on;
use loopback::Server;
use seamless_connectors::rest::{Rest, RestConfig};
use seamless_core::connector::{Change, Connector, Cursor, End, Page, ReadQuery};
use seamless_core::model::{Condition, Result, Shape};
use serde_json::json;

/// What must never be seen anywhere but in a request to the configured host.
pub(crate) const SECRET: &str = "hunter2-S3cret";

/// The configuration for a server on loopback: short waits and small limits.
pub(crate) fn config(url: &str) -> RestConfig {
    serde_json::from_value(json!({
        "declaration": "desk.yaml",
        "url": url,
        "auth": { "kind": "bearer", "token": SECRET },
        "connect_timeout_ms": 2_000,
        "idle_timeout_ms": 400,
        "timeout_ms": 3_000,
        "answer_bytes_max": 16 << 20,
    }))
    .unwrap()
}

pub(crate) fn open(server: &Server, declaration: &str) -> Rest {
    Rest::declared("desk.yaml", declaration, config(&server.url)).unwrap_or_else(|error| panic!("{error}"))
}

/// A list of `t` with `id` and `name`, that goes on like this.
pub(crate) fn listing(page: &str) -> String {
    format!(
        "connector: rest\nentities:\n  t:\n    key: id\n    list: GET t?all=1\n    one: GET t/{{id}}\n    page: {page}\n    \
         fields: {{ id: int, name: text }}\n"
    )
}

pub(crate) fn query(after: Option<Cursor>, size: usize) -> ReadQuery {
    ReadQuery {
        entity: "t".into(),
        shape: Shape::new(["name".into()]).unwrap(),
        condition: Condition::Always,
        after,
        page_records_max: size,
    }
}

pub(crate) fn pages(rest: &Rest, query: ReadQuery) -> Vec<Result<Page>> {
    block_on(async { rest.read(query).await.unwrap().collect().await })
}

/// The ids of a reading, and how it ended.
pub(crate) fn ids(pages: Vec<Result<Page>>) -> (Vec<i64>, Option<End>) {
    let (mut ids, mut end) = (Vec::new(), None);
    for page in pages {
        let page = page.unwrap();
        for change in page.changes {
            match change {
                Change::Upsert(row) => ids.push(row.id.as_int().unwrap()),
                other => panic!("{other:?}"),
            }
        }
        end = page.end;
    }
    (ids, end)
}
