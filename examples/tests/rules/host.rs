//! A host of an integration in memory, as every file here needs it.

use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
use seamless_core::clock::SystemClock;
use seamless_core::connector::Connector;
use seamless_core::store::{AttentionWhy, MemoryStore};
use seamless_core::sync::{Integration, RunReport};
use seamless_mapping::{LoadOptions, load};
use serde_json::Value as Json;

/// An integration of two sides under a mapping, with a state in memory.
pub(crate) fn integration(
    left: (&str, Arc<dyn Connector>),
    right: (&str, Arc<dyn Connector>),
    mapping: &str,
) -> Integration {
    let loaded = load("mapping.yaml", mapping, &LoadOptions::default());
    let links = loaded.unwrap_or_else(|errors| panic!("{errors}")).mapping.links();
    Integration::builder("rules")
        .left(left.0, left.1)
        .right(right.0, right.1)
        .links(links)
        .store(Arc::new(MemoryStore::new(Arc::new(SystemClock::new()))))
        .build()
        .unwrap()
}

pub(crate) fn run(integration: &Integration) -> RunReport {
    block_on(integration.run(|plan| async move { plan.approve("tester", &[]).map(Some) })).unwrap()
}

/// Runs until quiet; the run after that writes nothing.
pub(crate) fn settle(integration: &Integration) {
    run(integration);
    let again = run(integration);
    assert!(again.quiet && again.plans.iter().all(|plan| plan.1.writes() == 0), "{again:?}");
}

/// What is parked: link, message and remedy.
pub(crate) fn parked(integration: &Integration) -> Vec<String> {
    let open = block_on(integration.status()).unwrap().waiting.into_iter();
    open.map(|(link, open)| match open.why {
        AttentionWhy::Parked { message, remedy, .. } => format!("{link}: {message}; {remedy}"),
        other => panic!("{other:?}"),
    })
    .collect()
}

/// Writes an entity of a folder of JSON Lines: its schema, and its rows where it has some of its own.
pub(crate) fn put(folder: &Path, side: &str, schema: &Json, rows: Option<&Json>) {
    let (at, name) = (folder.join(side), schema["name"].as_str().unwrap());
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join(format!("{name}.schema.json")), schema.to_string()).unwrap();
    if let Some(rows) = rows {
        let lines: String = rows.as_array().unwrap().iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(at.join(format!("{name}.jsonl")), lines).unwrap();
    }
}

/// A folder of JSON Lines as a side.
pub(crate) fn side(folder: &Path, side: &str) -> Arc<dyn Connector> {
    Arc::new(Jsonl::open(JsonlConfig::new(folder.join(side))).unwrap())
}
