//! The published kit over entity sets of different kinds: GUIDs as keys, texts, keys of two parts, verbs of the system.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::odata::OData;
use seamless_core::connector::Connector;
use seamless_core::model::{KeyPart, RecordId};
use seamless_core::testkit::connector_kit::{Bench, cases, check_connector};
use serde_json::{Value as Json, json};

use super::wire::proxy;
use super::{config, guid, unique, url};

/// What needs an administrator, who can hide what others see.
const ALONE: &[&str] = &["schema.unreadable", "absence.hidden"];
/// What is declared is not refused.
const WRITES: &[&str] = &["refuse.update", "refuse.delete", "refuse.create"];
const COMPLETE: &[&str] = &["paging.partial"];
const NO_ORDER: &[&str] = &["paging.order"];
const NO_IDEMPOTENCY: &[&str] = &["write.same_id_create", "write.same_id_update"];
const NO_FEED: &[&str] = &[
    "feed.updates",
    "feed.creates",
    "feed.only_changes",
    "feed.tombstones",
    "feed.no_tombstones",
    "feed.came_back",
    "feed.hidden",
    "feed.low_water",
    "feed.late_commit",
];
/// A feed by stamps.
const FEED: &[&str] = &["feed.none", "feed.tombstones", "feed.hidden", "feed.late_commit"];
const NO_ACTIONS: &[&str] = &["action.missing", "action.stale"];
/// CAP has no multi-select and no unique field beside its keys, takes bodies of 100 kB, and keeps 15 digits of a binary number.
const NOWHERE: &[&str] = &["write.unique_value", "values.large", "values.float", "values.sets"];
/// Keys are GUIDs or have two parts.
const NO_HOSTILE: &[&str] = &["write.hostile_ids"];
/// Kinds of values that only accounts have.
const PLAIN: &[&str] =
    &["refuse.required", "values.yes_no", "values.dates", "values.bytes", "values.options"];
const NO_WHOLE: &[&str] = &["values.whole"];
const NO_DECIMAL: &[&str] = &["values.decimal", "refuse.too_many_digits"];
/// What is so of every set.
const ALL: &[&[&str]] = &[ALONE, WRITES, COMPLETE, NO_ORDER, NO_IDEMPOTENCY, NOWHERE];

/// A bench of a set behind a proxy that can cut connections.
fn bench(entity: &str, set: Json) -> Bench {
    let root: String = url();
    let rest = root.strip_prefix("http://").expect("the server is on loopback");
    let (host, path) = rest.split_once('/').unwrap();
    let (port, cutter) = proxy(host.to_owned());
    let settings = json!({ "url": format!("http://127.0.0.1:{port}/{path}"), "sets": { entity: set } });
    let wrong = json!({
        "sets": { entity: {} },
        "auth": { "kind": "basic", "user": "sync", "password": "wrong-but-secret" },
    });
    let open = |settings: Json| {
        move || {
            ready(
                OData::open(config(settings.clone())).map(|service| Arc::new(service) as Arc<dyn Connector>),
            )
        }
    };
    Bench::new(entity, open(settings))
        .scratch(format!("kit{}", unique() % 100_000))
        .counts_utf16()
        .wire(cutter)
        .secrets(["sync-pw", "c3luYzpzeW5jLXB3", "wrong-but-secret"])
        .misconfigured(open(wrong))
}

/// Nothing fails, nothing is left behind, and exactly the cases of these groups cannot be run on this set.
fn check(bench: &Bench, skipped: &[&[&str]]) {
    let report = block_on(check_connector(bench));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    let found: BTreeSet<&str> = report.skipped_cases().into_iter().collect();
    assert_eq!(found, skipped.concat().into_iter().collect(), "{report}");
    assert_eq!(report.lines.len(), cases().count());
}

fn guids(bench: Bench, range: u16) -> Bench {
    let run = unique() << 16;
    let id = move |number: u64| guid(range, (run + number) & 0xffff_ffff_ffff);
    bench.ids(id).absent_ids(move |number| guid(range + 1, (run + number) & 0xffff_ffff_ffff))
}

#[test]
fn accounts_conform_with_every_kind_of_value_and_a_feed() {
    // One server with one clock: no change is stored with an older stamp than one that was shown.
    let set = json!({ "changes": "modified", "modified": "modifiedAt", "modified_window_ms": 0 });
    // Not `rating`: CAP on SQLite keeps 15 digits of a binary number and answers 200.
    let fields = [
        "name",
        "kind",
        "status",
        "creditLimit",
        "employees",
        "turnover",
        "active",
        "founded",
        "opens",
        "lastVisit",
        "seal",
        "website",
        "notes",
        "accountNo",
    ];
    let bench = guids(bench("Accounts", set), 0x1000).writes(fields);
    check(&bench, &[ALL, &[FEED, NO_ACTIONS, NO_HOSTILE]].concat());
}

#[test]
fn contacts_conform_with_a_stamp_as_their_version() {
    let bench = guids(bench("Contacts", json!({})), 0x2000).writes(["firstName", "lastName", "email"]);
    check(&bench, &[ALL, &[NO_FEED, NO_ACTIONS, NO_HOSTILE, PLAIN, NO_WHOLE, NO_DECIMAL]].concat());
}

#[test]
fn products_conform_with_texts_as_keys() {
    let bench = bench("Products", json!({})).writes(["title", "price", "stock"]);
    check(&bench, &[ALL, &[NO_FEED, NO_ACTIONS, PLAIN]].concat());
}

#[test]
fn prices_conform_with_a_key_of_two_parts() {
    let absent = |number: u64| {
        let parts = [KeyPart::Text(format!("nobody-{number}").into()), KeyPart::Text("2024-01-01".into())];
        RecordId::of_parts(&parts)
    };
    let bench = bench("Prices", json!({})).writes(["amount", "note"]).absent_ids(absent);
    check(&bench, &[ALL, &[NO_FEED, NO_ACTIONS, NO_HOSTILE, PLAIN, NO_WHOLE]].concat());
}

#[test]
fn orders_conform_with_verbs_of_the_system() {
    let bench = guids(bench("Orders", json!({})), 0x3000).writes(["orderNo", "total"]);
    check(&bench, &[ALL, &[NO_FEED, NO_HOSTILE, PLAIN, NO_WHOLE]].concat());
}

#[test]
fn a_set_that_is_only_read_conforms() {
    let id = RecordId::text("P000001");
    let settings = json!({ "read_only": true });
    let open = move || {
        ready(OData::open(config(settings.clone())).map(|service| Arc::new(service) as Arc<dyn Connector>))
    };
    let report = block_on(check_connector(&Bench::new("Products", open).nominate([id])));
    assert!(report.is_conformant() && report.passed() > 20, "{report}");
}
