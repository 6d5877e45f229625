//! The published kit, on the desk.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::rest::Rest;
use seamless_core::connector::Connector;
use seamless_core::testkit::connector_kit::{Bench, cases, check_connector};

use super::desk::{DECLARATION, Desk};
use super::{SECRET, config};

/// What needs somebody who can do more than a client, or what the desk has not.
const SKIPPED: &[&str] = &[
    "schema.unreadable",
    "paging.order",
    "paging.partial",
    "cursors.other_entity",
    "absence.hidden",
    "write.unique_value",
    "refuse.update",
    "refuse.delete",
    "refuse.create",
    "refuse.required",
    "action.missing",
    "action.stale",
    "values.bytes",
    "values.float",
    "values.sets",
    "feed.none",
    "feed.no_tombstones",
    "feed.came_back",
    "feed.hidden",
    "feed.late_commit",
];

#[test]
fn the_desk_conforms() {
    let desk = Desk::open();
    let url = desk.server.url.clone();
    let open = move |config| {
        ready(
            Rest::declared("desk.yaml", DECLARATION, config).map(|rest| Arc::new(rest) as Arc<dyn Connector>),
        )
    };
    let wrong = {
        let mut config = config(&url.replace("/api/", "/nowhere/"));
        config.identity = Some("nowhere".to_owned());
        config
    };
    let right = config(&url);
    let bench = Bench::new("ticket", move || open(right.clone()))
        .misconfigured(move || open(wrong.clone()))
        .secrets([SECRET])
        .wire(desk.wire())
        .scratch("kit")
        .large_text_bytes(1 << 20);
    let report = block_on(check_connector(&bench));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    let found: BTreeSet<&str> = report.skipped_cases().into_iter().collect();
    assert_eq!(found, SKIPPED.iter().copied().collect(), "{report}");
    assert_eq!(report.lines.len(), cases().count());
}
