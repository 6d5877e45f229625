//! Every layer around a system in memory that passes the kit: nothing fails, and what is skipped is what is skipped without the
//! layer, and what its page gives up.

use std::collections::BTreeSet;
use std::future::ready;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::{Arc, OnceLock};

use futures::executor::block_on;
use proptest::prelude::{Just, ProptestConfig, Strategy, proptest};
use seamless_connectors::layers::{
    Capture, Chances, Concurrency, Fault, Mask, Masked, Observe, Options, RateLimit, RateLimits, Recording,
    Restrict, Retries, Retry, Scrub, Standard, Timeout, Timeouts,
};
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::clock::Clock;
use seamless_core::connector::{Connector, ConnectorExt, Layer};
use seamless_core::model::{Entity, RecordId, Value};
use seamless_core::testkit::Report;
use seamless_core::testkit::connector_kit::{Bench, check_connector};
use seamless_core::testkit::world::VirtualClock;

use crate::memory_bench::{ENTITY, MemoryUser, MemoryWire, entity, rich};

fn system() -> Memory {
    let rich =
        EntityConfig::new(rich()).ids(Ids::Key).acts("mark", |_| Ok(vec![("count".into(), Value::Int(7))]));
    let other = EntityConfig::new(Entity { name: "other".into(), ..entity() });
    Memory::new(MemoryConfig::new("x").entity(rich).entity(other)).unwrap()
}

/// With a hand beside the connector, or without.
fn examine(layers: Vec<Arc<dyn Layer>>, beside: bool) -> Report {
    let memory = system();
    for number in 0..25 {
        let values = [("grade", Value::Int(1)), ("count", Value::Int(number))];
        memory.insert(ENTITY, Some(RecordId::text(&format!("there {number}"))), &values).unwrap();
    }
    let inner = memory.clone();
    let open = move || {
        let connector: Arc<dyn Connector> = Arc::new(inner.clone());
        ready(Ok(layers.iter().fold(connector, |connector, layer| connector.layer(&**layer))))
    };
    let bench = Bench::new(ENTITY, open).scratch("kit");
    let bench = match beside {
        true => bench.another_user(MemoryUser(memory.clone())).wire(MemoryWire(memory)),
        false => bench,
    };
    block_on(check_connector(&bench))
}

/// Nothing fails, and exactly these cases are skipped beside those that are skipped without layers.
fn conforms(layers: Vec<Arc<dyn Layer>>, beside: bool, given_up: &[&str]) {
    static WITHOUT: [OnceLock<Report>; 2] = [const { OnceLock::new() }; 2];
    let without = WITHOUT[usize::from(beside)].get_or_init(|| examine(Vec::new(), beside));
    let report = examine(layers, beside);
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    let mut skipped: BTreeSet<&str> = report.skipped_cases().into_iter().collect();
    for known in without.skipped_cases() {
        assert!(skipped.remove(known), "{known} is not skipped with the layer: {report}");
    }
    assert_eq!(skipped, given_up.iter().copied().collect(), "{report}");
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::default())
}

fn harmless() -> Vec<Arc<dyn Layer>> {
    let limits = RateLimits {
        per_second: NonZeroU32::new(50),
        per_day: NonZeroU64::new(1_000_000),
        ..RateLimits::default()
    };
    vec![
        Arc::new(Retry::new(clock(), Retries::default(), 7)),
        Arc::new(RateLimit::new(clock(), limits)),
        // As many as the kit makes at once, so that none is told to wait for itself.
        Arc::new(Concurrency::new(NonZeroUsize::MIN)),
        Arc::new(Timeout::new(clock(), Timeouts::default())),
        Arc::new(Observe::new(clock())),
        Arc::new(Fault::script(clock(), [])),
        Arc::new(Fault::seeded(clock(), 1, Chances { late: 100, ..Chances::all(0) })),
        Arc::new(Mask::new()),
        Arc::new(Restrict::default()),
        Arc::new(Standard::new(clock(), Options::default())),
    ]
}

#[test]
fn every_layer_that_gives_nothing_up_passes_the_whole_kit() {
    for layer in harmless() {
        conforms(vec![layer], true, &[]);
    }
}

#[test]
fn a_recording_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::create(folder.path().join("x.jsonl"), Scrub::nothing()).unwrap();
    conforms(vec![Arc::new(recording.clone())], true, &[]);
    assert!(recording.finish().unwrap().lines > 1000);
}

#[test]
fn a_rehearsal_gives_up_the_order_and_nothing_else_of_the_kit() {
    conforms(vec![Arc::new(Capture::new())], false, &["paging.order"]);
}

#[test]
fn masked_and_restricted_entities_are_conformant_in_what_is_left() {
    let unreadable =
        Mask::new().field(ENTITY, "mail", Masked::Unreadable).field(ENTITY, "tags", Masked::Unreadable);
    conforms(vec![Arc::new(unreadable)], true, &["values.sets", "write.unique_value"]);
    let left_out = Mask::new().field(ENTITY, "mail", Masked::LeftOut).field(ENTITY, "photo", Masked::LeftOut);
    conforms(vec![Arc::new(left_out)], true, &["values.bytes", "write.unique_value"]);
    let fields = rich().fields.into_iter().map(|field| field.name).filter(|name| name.as_str() != "mail");
    conforms(
        vec![Arc::new(Restrict::default().fields(ENTITY, fields).entity("other"))],
        true,
        &["write.unique_value"],
    );
}

#[test]
fn a_connection_that_only_reads_is_conformant() {
    let report = examine(vec![Arc::new(Restrict::read_only())], true);
    assert!(report.is_conformant() && report.passed() >= 25, "{report}");
}

fn orders() -> impl Strategy<Value = Vec<usize>> {
    Just((0..harmless().len()).collect::<Vec<_>>()).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_layers_keeps_the_contract(order in orders()) {
        let layers = harmless();
        conforms(order.iter().map(|place| Arc::clone(&layers[*place])).collect(), true, &[]);
    }
}
