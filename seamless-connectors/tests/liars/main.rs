//! Tests of the kit: for every case a connector that lies about just that, and must be caught. The same system without the
//! lie passes the case. A case without a liar fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod dishonest;
#[path = "../memory_bench/mod.rs"]
mod memory_bench;

use std::collections::BTreeSet;
use std::future::{poll_fn, ready};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use dishonest::{Dishonest, Memo, SECRET};
use futures::executor::block_on;
use memory_bench::{ENTITY, MemoryUser, MemoryWire, entity, rich};
use seamless_connectors::memory::{EntityConfig, Fault, Ids, Memory, MemoryConfig, full_capabilities};
use seamless_core::clock::Clock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Lookup, Order, PageStream, Proof, ReadQuery,
    RefusalKind, UniqueKey, Verb, WriteBatch, WriteOutcome, WriteReturns,
};
use seamless_core::model::{Entity, EntityName, Field, FieldKind, RecordId, Schema, Timestamp, Value};
use seamless_core::testkit::connector_kit::{Bench, cases, check_cases, check_connector};
use seamless_core::testkit::{Outcome, Report};
use seamless_core::{ErrorKind, Result};

/// Waits by being asked a thousand times: what has not answered then never will.
#[derive(Debug)]
struct Impatient;

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {
        let mut left = 1000;
        poll_fn(|context| {
            left -= 1;
            if left == 0 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// The name of no lie.
const TRUTH: &str = "";

/// The system that a case is about. It can everything, but for what the case needs not to be declared, and for what the liar
/// declares though the system cannot.
fn system(case: &str, lie: &str) -> Memory {
    let lied = lie != TRUTH;
    let mut rich = rich();
    if case == "refuse.required" {
        rich.fields.push(Field { required: true, ..Field::new("must", FieldKind::Int) });
    }
    let mut config = EntityConfig::new(rich).ids(Ids::Key);
    if case == "cursors.changed_between_pages" && lied {
        config = config.paged_by_offset();
    }
    if case.starts_with("action.") {
        config = config.acts("mark", |_| Ok(vec![("count".into(), Value::Int(7))]));
    }
    let config = config.capable(|can| match case {
        "paging.partial" => can.complete_enumeration = false,
        "refuse.update" => can.update = false,
        "refuse.delete" => can.delete = false,
        "refuse.create" => can.create = false,
        "feed.none" => can.changes = false,
        "feed.late_commit" => can.low_water = !lied,
        "feed.no_tombstones" => can.tombstones = lied,
        _ => {}
    });
    let other = EntityConfig::new(Entity { name: "other".into(), ..entity() });
    Memory::new(MemoryConfig::new("x").entity(config).entity(other)).unwrap()
}

fn bench(system: &Memory, lie: &'static str) -> Bench {
    let (memory, memo) = (system.clone(), Arc::<std::sync::Mutex<Memo>>::default());
    let open = move || {
        let connector: Arc<dyn Connector> = Arc::new(Dishonest::new(memory.clone(), lie, &memo));
        ready(Ok(connector))
    };
    Bench::new(ENTITY, open)
        .scratch("kit")
        .another_user(MemoryUser(system.clone()))
        .wire(MemoryWire(system.clone()))
        .secrets([SECRET])
        .patience(Arc::new(Impatient), Duration::from_secs(1))
}

/// Runs one case against the truth and against the lie.
fn is_caught(name: &'static str) {
    let one = |lie| {
        let report = block_on(check_cases(&bench(&system(name, lie), lie), |case| case.name() == name));
        (report.outcome(name).unwrap().clone(), report)
    };
    let (honest, report) = one(TRUTH);
    assert_eq!(honest, Outcome::Passed, "the truth is refuted: {report}");
    let (lying, report) = one(name);
    let Outcome::Failed { declared, .. } = lying else { panic!("the lie is not seen: {report}") };
    // A promise is broken; it is not that some call failed by the way.
    assert_ne!(declared, "the call succeeds", "{report}");
}

macro_rules! liars {
    ($($test:ident $name:literal,)*) => {
        $(#[test] fn $test() { is_caught($name); })*

        #[test]
        fn every_case_has_a_liar() {
            let liars: BTreeSet<&str> = [$($name),*].into();
            let table: BTreeSet<&str> = cases().map(|case| case.name()).collect();
            assert_eq!(liars, table, "a case without a liar is not known to see anything");
            assert_eq!(table.len(), cases().count(), "names are given once");
        }
    };
}

liars!(
    schema_unreadable "schema.unreadable",
    fetch_many "fetch.many",
    write_unique_value "write.unique_value",
    values_float "values.float",
    values_sets "values.sets",
    feed_hidden "feed.hidden",
    schema_identity "schema.identity",
    schema_entities "schema.entities",
    schema_fields "schema.fields",
    schema_values "schema.values",
    schema_unknown_entity "schema.unknown_entity",
    schema_unknown_field "schema.unknown_field",
    schema_check "schema.check",
    paging_limit "paging.limit",
    paging_once "paging.once",
    paging_none_lost "paging.none_lost",
    paging_end "paging.end",
    paging_order "paging.order",
    paging_complete "paging.complete",
    paging_partial "paging.partial",
    paging_shape "paging.shape",
    paging_filter "paging.filter",
    cursors_resume "cursors.resume",
    cursors_resumed_is_not_complete "cursors.resumed_is_not_complete",
    cursors_again "cursors.again",
    cursors_foreign "cursors.foreign",
    cursors_other_entity "cursors.other_entity",
    cursors_changed_between_pages "cursors.changed_between_pages",
    fetch_order "fetch.order",
    fetch_same "fetch.same",
    fetch_by_key "fetch.by_key",
    fetch_hostile "fetch.hostile",
    absence_never "absence.never",
    absence_deleted "absence.deleted",
    absence_hidden "absence.hidden",
    write_created "write.created",
    write_patch "write.patch",
    write_null "write.null",
    write_deleted "write.deleted",
    write_partial_batch "write.partial_batch",
    write_missing "write.missing",
    write_batch_max "write.batch_max",
    write_key_taken "write.key_taken",
    write_upsert "write.upsert",
    write_same_id_create "write.same_id_create",
    write_same_id_update "write.same_id_update",
    write_hostile_ids "write.hostile_ids",
    write_together "write.together",
    refuse_update "refuse.update",
    refuse_delete "refuse.delete",
    refuse_create "refuse.create",
    refuse_action "refuse.action",
    action_missing "action.missing",
    action_stale "action.stale",
    refuse_unknown_field "refuse.unknown_field",
    refuse_wrong_kind "refuse.wrong_kind",
    refuse_too_long "refuse.too_long",
    refuse_too_many_digits "refuse.too_many_digits",
    refuse_read_only "refuse.read_only",
    refuse_key "refuse.key",
    refuse_required "refuse.required",
    conditional_stale_values "conditional.stale_values",
    conditional_stale_version "conditional.stale_version",
    conditional_stale_delete "conditional.stale_delete",
    conditional_holds "conditional.holds",
    conditional_race "conditional.race",
    version_moves "version.moves",
    proof_returned "proof.returned",
    proof_true "proof.true",
    proof_created "proof.created",
    read_consistent "read.consistent",
    values_text "values.text",
    values_unicode "values.unicode",
    values_empty "values.empty",
    values_full_length "values.full_length",
    values_large "values.large",
    values_decimal "values.decimal",
    values_whole "values.whole",
    values_yes_no "values.yes_no",
    values_dates "values.dates",
    values_bytes "values.bytes",
    values_options "values.options",
    feed_updates "feed.updates",
    feed_creates "feed.creates",
    feed_only_changes "feed.only_changes",
    feed_none "feed.none",
    feed_tombstones "feed.tombstones",
    feed_no_tombstones "feed.no_tombstones",
    feed_came_back "feed.came_back",
    feed_low_water "feed.low_water",
    feed_late_commit "feed.late_commit",
    dropped_read "dropped.read",
    dropped_resume "dropped.resume",
    dropped_fetch "dropped.fetch",
    dropped_write "dropped.write",
    torn_read "torn.read",
    torn_fetch "torn.fetch",
    torn_request "torn.request",
    torn_answer "torn.answer",
    secrets_nowhere "secrets.nowhere",
    secrets_log "secrets.log",
);

#[test]
fn the_truth_is_not_refuted() {
    let report = block_on(check_connector(&bench(&system("", TRUTH), TRUTH)));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
}

#[test]
fn a_false_claim_is_answered_with_what_to_paste() {
    let report = block_on(check_connector(&bench(&system("", TRUTH), "feed.tombstones")));
    let Some(Outcome::Failed { declared, observed, paste }) = report.outcome("feed.tombstones") else {
        panic!("{report}");
    };
    assert_eq!((declared.as_str(), paste.as_deref()), ("tombstones: true", Some("tombstones: false,")));
    assert!(observed.contains("no tombstone came"), "{observed}");
    let also = report.lines.iter().filter(|line| line.outcome.is_failed()).map(|line| line.case);
    assert_eq!(also.collect::<Vec<_>>(), ["cursors.changed_between_pages", "feed.tombstones"], "{report}");
}

/// A system with these capabilities, and a connector to it that declares others.
fn declared(real: Capabilities, declared: &Capabilities) -> Report {
    let ids = if real.unique_key == UniqueKey::None { Ids::Counted } else { Ids::Key };
    let config = EntityConfig::new(rich()).ids(ids).capable(|can| *can = real);
    let memory = Memory::new(MemoryConfig::new("x").entity(config)).unwrap();
    let (honest, declared) = (memory.clone(), declared.clone());
    let open = move || {
        let connector: Arc<dyn Connector> = Arc::new(Dishonest::declaring(honest.clone(), declared.clone()));
        ready(Ok(connector))
    };
    let bench = Bench::new(ENTITY, open).scratch("kit").another_user(MemoryUser(memory));
    block_on(check_connector(&bench))
}

fn pasted(report: &Report) -> BTreeSet<&str> {
    let paste = |outcome| match outcome {
        &Outcome::Failed { paste: Some(ref paste), .. } => Some(paste.as_str()),
        _ => None,
    };
    report.lines.iter().filter_map(|line| paste(&line.outcome)).collect()
}

type Change = fn(&mut Capabilities);

#[test]
fn what_a_system_cannot_do_and_is_declared_is_answered_with_its_correction() {
    let lacks: [(Change, &str); 14] = [
        (|can| can.conditional_update = false, "conditional_update: false,"),
        (|can| can.write_returns = WriteReturns::Nothing, "write_returns: WriteReturns::Nothing,"),
        (|can| can.write_returns = WriteReturns::Version, "write_returns: WriteReturns::Version,"),
        (|can| can.unique_key = UniqueKey::None, "unique_key: UniqueKey::None,"),
        (|can| can.tombstones = false, "tombstones: false,"),
        (|can| can.complete_enumeration = false, "complete_enumeration: false,"),
        (|can| can.low_water = false, "low_water: false,"),
        (|can| can.gone_not_hidden = false, "gone_not_hidden: false,"),
        (|can| can.changes = false, "changes: false,"),
        (|can| can.order = Order::Unspecified, "order: Order::Unspecified,"),
        (|can| can.create = false, "create: false,"),
        (|can| can.update = false, "update: false,"),
        (|can| can.delete = false, "delete: false,"),
        (|can| can.idempotency_key = false, "idempotency_key: false,"),
    ];
    for (lack, paste) in lacks {
        let mut real = full_capabilities();
        lack(&mut real);
        let report = declared(real, &full_capabilities());
        assert!(pasted(&report).contains(paste), "{paste} is not among the corrections: {report}");
    }
    let real = Capabilities { batch_max: NonZeroU32::new(130).unwrap(), ..full_capabilities() };
    let report = declared(real, &full_capabilities());
    assert_eq!(
        pasted(&report),
        ["batch_max: NonZeroU32::new(125).unwrap_or(NonZeroU32::MIN),"].into(),
        "{report}"
    );
    // Reading by id never lags in memory: a connector that caches stands for that (`read_consistent`).
}

#[test]
fn what_a_system_does_and_is_not_declared_is_answered_with_its_correction() {
    let undeclared: [(Change, &str); 9] = [
        (|can| can.write_returns = WriteReturns::Nothing, "write_returns: WriteReturns::Stored,"),
        (|can| can.tombstones = false, "tombstones: true,"),
        (|can| can.complete_enumeration = false, "complete_enumeration: true,"),
        (|can| can.low_water = false, "low_water: true,"),
        (|can| can.gone_not_hidden = false, "gone_not_hidden: true,"),
        (|can| can.changes = false, "changes: true,"),
        (|can| can.create = false, "create: true,"),
        (|can| can.update = false, "update: true,"),
        (|can| can.delete = false, "delete: true,"),
    ];
    for (hide, paste) in undeclared {
        let mut less = full_capabilities();
        hide(&mut less);
        let report = declared(full_capabilities(), &less);
        assert!(pasted(&report).contains(paste), "{paste} is not among the corrections: {report}");
    }
}

/// Says of every create that it made the record that has been there for years.
#[derive(Debug)]
struct Usurper(Memory);

#[async_trait]
impl Connector for Usurper {
    fn info(&self) -> &ConnectorInfo {
        self.0.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        Capabilities { unique_key: UniqueKey::None, ..self.0.capabilities(entity) }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.0.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.0.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if batch.ops.iter().any(|op| op.verb == Verb::Create) {
            let old = || WriteOutcome::Applied { id: RecordId::text("old"), proof: Proof::None };
            return Ok(batch.ops.iter().map(|_| old()).collect());
        }
        self.0.write(entity, batch).await
    }
}

#[test]
fn no_record_is_deleted_that_was_there_before_whatever_the_connector_says_of_it() {
    let memory = system("", TRUTH);
    let values = [("grade", Value::Int(1)), ("mail", Value::text("old@adatum.example"))];
    memory.insert(ENTITY, Some(RecordId::text("old")), &values).unwrap();
    let before = memory.rows(ENTITY);
    let honest = memory.clone();
    let open = move || ready(Ok(Arc::new(Usurper(honest.clone())) as Arc<dyn Connector>));
    let report = block_on(check_connector(&Bench::new(ENTITY, open).scratch("kit")));
    assert!(report.failed() > 0, "{report}");
    assert_eq!(memory.rows(ENTITY).len(), 1);
    assert_eq!(memory.rows(ENTITY)[0].id, before[0].id);
}

/// A connector that implements the reading methods and no others.
#[derive(Debug)]
struct Reader(Memory);

#[async_trait]
impl Connector for Reader {
    fn info(&self) -> &ConnectorInfo {
        self.0.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let can = self.0.capabilities(entity);
        let (write_returns, unique_key) = (WriteReturns::Nothing, UniqueKey::None);
        let can =
            Capabilities { create: false, update: false, delete: false, conditional_update: false, ..can };
        Capabilities { write_returns, unique_key, idempotency_key: false, ..can }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.0.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.0.fetch(query).await
    }
}

#[test]
fn a_connector_that_only_reads_implements_only_reading() {
    let memory = system("", TRUTH);
    for number in 0..30 {
        let mail = Value::text(&format!("{number}@adatum.example"));
        let values = [("grade", Value::Int(1)), ("mail", mail), ("count", Value::Int(number))];
        memory.insert(ENTITY, Some(RecordId::text(&format!("C{number}"))), &values).unwrap();
    }
    let before = memory.rows(ENTITY);
    let honest = memory.clone();
    let open = move || ready(Ok(Arc::new(Reader(honest.clone())) as Arc<dyn Connector>));
    // A scratch namespace helps nobody who cannot write.
    let report = block_on(check_connector(&Bench::new(ENTITY, open).scratch("kit")));
    assert!(report.is_conformant() && report.passed() > 25, "{report}");
    for refused in ["refuse.create", "refuse.update", "refuse.delete"] {
        assert_eq!(report.outcome(refused), Some(&Outcome::Passed), "{report}");
    }
    assert_eq!(memory.rows(ENTITY), before);
}

#[test]
fn records_that_were_there_before_are_there_after_as_they_were() {
    let memory = system("", TRUTH);
    for number in 0..40 {
        let mail = Value::text(&format!("{number}@adatum.example"));
        let values = [("grade", Value::Int(1)), ("mail", mail), ("count", Value::Int(number))];
        memory.insert(ENTITY, Some(RecordId::text(&format!("kit{number}"))), &values).unwrap();
    }
    let before = memory.rows(ENTITY);
    let report = block_on(check_connector(&bench(&memory, TRUTH)));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    assert_eq!(memory.rows(ENTITY), before);
}

#[test]
fn a_system_that_asks_for_patience_gets_it() {
    let memory = system("", TRUTH);
    let throttled = || RefusalKind::Throttled { wait: None };
    for _ in 0..3 {
        memory.fail_next(Fault::WriteFails(ErrorKind::Throttled));
        memory.fail_next(Fault::Refused(throttled()));
        memory.fail_next(Fault::RefusedAt(2, throttled()));
        memory.fail_next(Fault::FetchFails(ErrorKind::Throttled));
    }
    let report = block_on(check_connector(&bench(&memory, TRUTH)));
    assert!(report.is_conformant(), "{report}");
}
