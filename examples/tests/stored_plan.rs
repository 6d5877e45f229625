//! A host's own test of its mapping: the plan over made-up data is the one that somebody has read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::store::MemoryStore;
use seamless_core::sync::{Integration, Plan};
use seamless_core::testkit::{assert_plan, stable_text};
use seamless_mapping::{Mapping, copy};

/// The first plan over the two databases of the embed example, in a folder of its own.
fn plan(folder: &std::path::Path) -> Plan {
    let database = |name: &str, sql: &str| {
        rusqlite::Connection::open(folder.join(name)).unwrap().execute_batch(sql).unwrap();
        Arc::new(Sqlite::open(SqliteConfig::new(folder.join(name))).unwrap())
    };
    let mapping = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("number", "No.")])
        .rule(copy("number", "No."))
        .rule(copy("name", "Name"))
        .rule(copy("phone", "Phone No."))
        .build()
        .unwrap();
    let integration = Integration::builder("test")
        .left("crm", database("crm.db", include_str!("../embed/crm.sql")))
        .right("erp", database("erp.db", include_str!("../embed/erp.sql")))
        .links(mapping.links())
        .store(Arc::new(MemoryStore::new(Arc::new(SystemClock::new()))))
        .build()
        .unwrap();
    block_on(integration.plan()).unwrap()
}

#[test]
fn the_first_plan_is_the_one_that_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let stored = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stored_plan.txt");
    block_on(assert_plan(&plan(folder.path()), stored)).unwrap();
}

// Catches: an id, a time or a path that makes every run's text another one.
#[test]
fn two_runs_over_the_same_data_give_the_same_text() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let texts = [one.path(), other.path()].map(|folder| block_on(stable_text(&plan(folder))).unwrap());
    assert_eq!(texts[0], texts[1]);
}
