//! Every connector of this crate, examined with the published kit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod memory_bench;
#[cfg(all(feature = "singer", unix))]
mod tap;

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;

use futures::executor::block_on;
use memory_bench::{ENTITY, FIELDS, MemoryUser, MemoryWire, entity, rich};
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_connectors::option_sets::OptionSets;
use seamless_core::Result;
use seamless_core::connector::{Capabilities, Connector, ConnectorExt, Order, UniqueKey, WriteReturns};
use seamless_core::model::{
    CanonicalForm, Entity, Field, FieldKind, Normaliser, OptionItem, OptionSet, RecordId, Value,
};
use seamless_core::testkit::Report;
use seamless_core::testkit::connector_kit::{Bench, cases, check_connector};

/// Ten megabytes.
const LARGE: usize = 10 << 20;

fn bench<C: Connector>(open: impl Fn() -> Result<C> + Send + Sync + 'static) -> Bench {
    bench_of(ENTITY, open)
}

fn bench_of<C: Connector>(entity: &str, open: impl Fn() -> Result<C> + Send + Sync + 'static) -> Bench {
    let open = move || ready(open().map(|connector| Arc::new(connector) as Arc<dyn Connector>));
    Bench::new(entity, open).scratch("kit").large_text_bytes(LARGE)
}

/// Every kind of field that a file can hold. Files know no unique values.
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
fn rich_file() -> Entity {
    let mut entity = rich();
    entity.fields.iter_mut().for_each(|field| field.unique = false);
    entity
}

/// What needs somebody who can do more than a client, and secrets.
const ALONE: &[&str] = &[
    "schema.unreadable",
    "absence.hidden",
    "feed.hidden",
    "feed.late_commit",
    "secrets.nowhere",
    "secrets.log",
    "torn.read",
    "torn.fetch",
    "torn.request",
    "torn.answer",
];
/// What is declared is not refused.
const WRITES: &[&str] = &["refuse.update", "refuse.delete", "refuse.create"];
const COMPLETE: &[&str] = &["paging.partial"];
const NO_ORDER: &[&str] = &["paging.order"];
const NO_IDEMPOTENCY: &[&str] = &["write.same_id_create", "write.same_id_update"];
const NO_VERSION: &[&str] = &["conditional.stale_version", "version.moves"];
const NO_FEED: &[&str] = &[
    "feed.updates",
    "feed.creates",
    "feed.only_changes",
    "feed.tombstones",
    "feed.no_tombstones",
    "feed.came_back",
    "feed.low_water",
];
/// A feed without tombstones, of a system that chooses ids.
const FEED: &[&str] = &["feed.none", "feed.tombstones", "feed.came_back"];
/// What the plain entity does not have.
const PLAIN: &[&str] = &[
    "write.unique_value",
    "refuse.required",
    "values.bytes",
    "values.float",
    "values.sets",
    "values.options",
];
const NO_READ_ONLY: &[&str] = &["refuse.read_only"];
/// An entity without verbs of its own.
const NO_ACTIONS: &[&str] = &["action.missing", "action.stale"];

/// Nothing fails, nothing is left behind, and exactly the cases of these groups cannot be run on this system.
fn check(bench: &Bench, skipped: &[&[&str]]) {
    check_with_actions(bench, &[skipped, &[NO_ACTIONS]].concat());
}

fn check_with_actions(bench: &Bench, skipped: &[&[&str]]) {
    let report = block_on(check_connector(bench));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    let found: BTreeSet<&str> = report.skipped_cases().into_iter().collect();
    assert_eq!(found, skipped.concat().into_iter().collect(), "{report}");
    assert_eq!(report.lines.len(), cases().count());
}

fn memory(entities: Vec<EntityConfig>) -> (Memory, Bench) {
    let config = entities.into_iter().fold(MemoryConfig::new("x"), MemoryConfig::entity);
    let memory = Memory::new(config).unwrap();
    let (clone, user, wire) = (memory.clone(), MemoryUser(memory.clone()), MemoryWire(memory.clone()));
    (memory, bench(move || Ok(clone.clone())).another_user(user).wire(wire))
}

#[test]
fn memory_conforms() {
    let other = Entity { name: "other".into(), ..entity() };
    let rich = EntityConfig::new(rich()).ids(Ids::Key);
    let rich = rich.acts("mark", |_| Ok(vec![("count".into(), Value::Int(7))]));
    let (_, bench) = memory(vec![rich, EntityConfig::new(other)]);
    check_with_actions(
        &bench,
        &[WRITES, COMPLETE, &["feed.none", "feed.no_tombstones", "secrets.nowhere", "secrets.log"]],
    );
}

/// A system that can hardly anything says so, and that is conformant.
#[test]
fn memory_conforms_without_any_capability() {
    let weak = EntityConfig::new(entity()).capable(|can| {
        *can = Capabilities {
            create: true,
            update: true,
            delete: true,
            batch_max: can.batch_max,
            order: Order::Unspecified,
            ..Capabilities::default()
        };
    });
    let (_, bench) = memory(vec![weak]);
    let report = check_report(&bench);
    assert!(report.passed() > 40, "{report}");
}

fn check_report(bench: &Bench) -> Report {
    let report = block_on(check_connector(bench));
    assert!(report.is_conformant(), "{report}");
    report
}

#[test]
fn memory_conforms_with_a_unique_field_and_ids_of_its_own() {
    let counted = EntityConfig::new(entity()).capable(|can| {
        can.unique_key = UniqueKey::Fields(vec!["count".into()]);
        can.write_returns = WriteReturns::Version;
        can.tombstones = false;
        can.low_water = false;
        can.gone_not_hidden = false;
    });
    let (_, bench) = memory(vec![counted]);
    let report = check_report(&bench);
    assert!(report.passed() > 45, "{report}");
}

#[test]
fn a_system_that_stores_values_in_a_form_of_its_own_conforms_where_the_bench_says_so() {
    let form = || CanonicalForm::new([Normaliser::Trim, Normaliser::EmptyIsNull]);
    let trims = EntityConfig::new(entity()).ids(Ids::Key).stores_as(FIELDS[6], form());
    let (_, bench) = memory(vec![trims]);
    check_report(&bench.clone().stores_as(FIELDS[6], form()));
    let report = block_on(check_connector(&bench));
    for refuted in ["values.text", "values.empty"] {
        assert!(report.outcome(refuted).unwrap().is_failed(), "{report}");
    }
}

#[test]
fn memory_conforms_where_it_pages_by_offset() {
    let (_, bench) = memory(vec![EntityConfig::new(entity()).ids(Ids::Key).paged_by_offset()]);
    check_report(&bench);
}

#[test]
fn a_system_that_only_reads_is_examined_by_reading() {
    let mute = EntityConfig::new(entity()).ids(Ids::Key).capable(|can| {
        (can.create, can.update, can.delete) = (false, false, false);
    });
    let (memory, _) = memory(vec![mute]);
    for number in 0..30 {
        let values = [("Name", Value::text(&format!("name {number}"))), ("count", Value::Int(number))];
        memory.insert(ENTITY, Some(RecordId::text(&format!("C{number}"))), &values).unwrap();
    }
    let clone = memory.clone();
    let open = move || ready(Ok(Arc::new(clone.clone()) as Arc<dyn Connector>));
    let report = check_report(&Bench::new(ENTITY, open));
    assert!(report.passed() > 20, "{report}");
    assert_eq!((memory.counts().ops, memory.count(ENTITY)), (2, 30), "only what must be refused was sent");
}

#[test]
fn nominated_records_get_their_values_back_and_no_others_are_touched() {
    let (memory, _) = memory(vec![EntityConfig::new(rich()).ids(Ids::Key)]);
    for number in 0..6 {
        let values = [
            ("Name", Value::text(&format!("name {number}"))),
            ("grade", Value::Int(1)),
            ("mail", Value::text(&format!("{number}@adatum.example"))),
        ];
        memory.insert(ENTITY, Some(RecordId::text(&format!("C{number}"))), &values).unwrap();
    }
    let records =
        |memory: &Memory| memory.rows(ENTITY).into_iter().map(|row| (row.id, row.record)).collect::<Vec<_>>();
    let (before, versions) = (records(&memory), memory.rows(ENTITY));
    let (clone, user) = (memory.clone(), MemoryUser(memory.clone()));
    let open = move || ready(Ok(Arc::new(clone.clone()) as Arc<dyn Connector>));
    let nominated = [RecordId::text("C1"), RecordId::text("C2")];
    let report = check_report(&Bench::new(ENTITY, open).nominate(nominated.clone()).another_user(user));
    assert!(report.passed() > 50 && report.left_behind.is_empty(), "{report}");
    assert_eq!(records(&memory), before);
    for (was, is) in versions.iter().zip(memory.rows(ENTITY)) {
        assert_eq!(was.version == is.version, !nominated.contains(&is.id), "{}", is.id);
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rusqlite::Connection;
    use seamless_connectors::sqlite::{Sqlite, SqliteConfig, TableConfig};

    use super::memory_bench::{ENTITY, FIELDS, KEY};
    use super::{
        ALONE, COMPLETE, FEED, NO_FEED, NO_IDEMPOTENCY, NO_READ_ONLY, NO_VERSION, PLAIN, WRITES, bench,
        bench_of, check,
    };

    fn quoted(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn create_table(with_version: bool, decimal: &str, without_rowid: bool) -> String {
        let table = quoted(ENTITY);
        let [key, name, credit, active, since, count, odd] = FIELDS.map(quoted);
        let mut sql = format!(
            "CREATE TABLE {table} ({key} VARCHAR(20) PRIMARY KEY NOT NULL, {name} VARCHAR(50), \
             {credit} {decimal}, {active} BOOLEAN, {since} DATE, {count} INTEGER, {odd} TEXT, ver INTEGER){};",
            if without_rowid { " WITHOUT ROWID" } else { "" }
        );
        if with_version {
            let key = quoted(KEY);
            let body = format!(
                "BEGIN UPDATE clock SET n = n + 1; UPDATE {table} SET ver = (SELECT n FROM clock) \
                 WHERE {key} = new.{key}; END;"
            );
            sql.push_str("CREATE TABLE clock (n INTEGER); INSERT INTO clock VALUES (0);");
            sql.push_str(&format!("CREATE TRIGGER i AFTER INSERT ON {table} {body}"));
            sql.push_str(&format!("CREATE TRIGGER u AFTER UPDATE ON {table} {body}"));
        }
        sql
    }

    fn examine(with_version: bool, decimal: &str, without_rowid: bool, skipped: &[&[&str]]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let sql = create_table(with_version, decimal, without_rowid);
        let database = Connection::open(&path).unwrap();
        database.execute_batch(&sql).unwrap();
        database.execute_batch("CREATE TABLE other (id INTEGER PRIMARY KEY)").unwrap();
        let mut config = SqliteConfig::new(path);
        if with_version {
            let version = TableConfig { version: Some("ver".into()), ..TableConfig::default() };
            config = config.table(ENTITY, version);
        }
        let fields = FIELDS.into_iter().filter(|name| *name != KEY);
        check(&bench(move || Sqlite::open(config.clone())).writes(fields), skipped);
    }

    /// Every kind of column, and every rule that a table can state.
    #[test]
    fn sqlite_conforms_with_every_kind_of_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let sql = "CREATE TABLE rich (id INTEGER PRIMARY KEY, mail VARCHAR(80) NOT NULL UNIQUE, note TEXT, \
                   grade INTEGER NOT NULL CHECK (grade IN (1, 2, 3)), photo BLOB, at INSTANT, opens TIME, due TIMESTAMP, \
                   ratio REAL, credit DECTEXT(18,2), active BOOLEAN, count INTEGER, born DATE, must TEXT NOT NULL, \
                   shout TEXT GENERATED ALWAYS AS (upper(note)) VIRTUAL, ver INTEGER); \
                   CREATE TABLE clock (n INTEGER); INSERT INTO clock VALUES (0); \
                   CREATE TRIGGER i AFTER INSERT ON rich BEGIN UPDATE clock SET n = n + 1; \
                   UPDATE rich SET ver = (SELECT n FROM clock) WHERE id = new.id; END; \
                   CREATE TRIGGER u AFTER UPDATE ON rich BEGIN UPDATE clock SET n = n + 1; \
                   UPDATE rich SET ver = (SELECT n FROM clock) WHERE id = new.id; END;";
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let version = TableConfig { version: Some("ver".into()), ..TableConfig::default() };
        let config = SqliteConfig::new(path).table("rich", version);
        let skipped = [ALONE, WRITES, COMPLETE, NO_IDEMPOTENCY, FEED, &["values.full_length", "values.sets"]];
        check(&bench_of("rich", move || Sqlite::open(config.clone())), &skipped);
    }

    #[test]
    fn sqlite_conforms_with_a_version_column() {
        let skipped = [ALONE, WRITES, COMPLETE, NO_IDEMPOTENCY, FEED, PLAIN];
        examine(true, "DECIMAL(18,2)", false, &skipped);
    }

    #[test]
    fn sqlite_conforms_without_a_version_column() {
        let skipped = [ALONE, WRITES, COMPLETE, NO_IDEMPOTENCY, NO_FEED, NO_VERSION, NO_READ_ONLY, PLAIN];
        examine(false, "DECTEXT(18,2)", true, &skipped);
    }
}

/// What files declare not to do.
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl"))]
const FILES: &[&[&str]] = &[ALONE, WRITES, COMPLETE, NO_ORDER, NO_IDEMPOTENCY, NO_FEED];

#[cfg(feature = "csv")]
mod csv {
    use seamless_connectors::csv::{Csv, CsvConfig};

    use super::memory_bench::{ENTITY, FIELDS, entity};
    use super::{FILES, NO_READ_ONLY, PLAIN, bench, check, rich_file};

    fn examine(delimiter: char, null: &str, typed_header: bool) {
        let folder = tempfile::tempdir().unwrap();
        let kinds = ["text(20) key", "text(50)", "decimal(18,2)", "bool", "date", "int", "text"];
        let kinds = kinds.map(|kind| if typed_header { format!(":{kind}") } else { String::new() });
        let cells =
            FIELDS.iter().zip(kinds).map(|(name, kind)| format!("\"{}{kind}\"", name.replace('"', "\"\"")));
        let header = cells.collect::<Vec<_>>().join(&delimiter.to_string());
        std::fs::write(folder.path().join(format!("{ENTITY}.csv")), header).unwrap();
        std::fs::write(folder.path().join("other.csv"), "id:text(20) key\n").unwrap();
        let mut config = CsvConfig { delimiter, null: null.to_owned(), ..CsvConfig::new(folder.path()) };
        if !typed_header {
            config.schemas.insert(ENTITY.to_owned(), entity());
        }
        check(&bench(move || Csv::open(config.clone())), &[FILES, &[PLAIN, NO_READ_ONLY]].concat());
    }

    #[test]
    fn csv_conforms_with_every_kind_of_field() {
        let folder = tempfile::tempdir().unwrap();
        let names = rich_file()
            .fields
            .iter()
            .map(|field| format!("\"{}\"", field.name.as_str().replace('"', "\"\"")))
            .collect::<Vec<_>>();
        std::fs::write(folder.path().join(format!("{ENTITY}.csv")), names.join(",")).unwrap();
        let mut config = CsvConfig::new(folder.path());
        config.schemas.insert(ENTITY.to_owned(), rich_file());
        check(
            &bench(move || Csv::open(config.clone())),
            &[FILES, &[&["cursors.other_entity", "write.unique_value"]]].concat(),
        );
    }

    #[test]
    fn csv_conforms_with_a_schema() {
        examine(',', "", false);
    }

    #[test]
    fn csv_conforms_with_a_typed_header() {
        examine(';', "\\N", true);
    }
}

#[cfg(feature = "jsonl")]
#[test]
fn jsonl_conforms() {
    use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(format!("{ENTITY}.jsonl")), "").unwrap();
    let schema = serde_json::to_string(&entity()).unwrap();
    std::fs::write(folder.path().join(format!("{ENTITY}.schema.json")), schema).unwrap();
    let other = Entity { name: "other".into(), ..entity() };
    std::fs::write(folder.path().join("other.jsonl"), "").unwrap();
    std::fs::write(folder.path().join("other.schema.json"), serde_json::to_string(&other).unwrap()).unwrap();
    let config = JsonlConfig::new(folder.path());
    check(&bench(move || Jsonl::open(config.clone())), &[FILES, &[PLAIN, NO_READ_ONLY]].concat());
}

#[cfg(feature = "jsonl")]
#[test]
fn jsonl_conforms_with_every_kind_of_field() {
    use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(format!("{ENTITY}.jsonl")), "").unwrap();
    let schema = serde_json::to_string(&rich_file()).unwrap();
    std::fs::write(folder.path().join(format!("{ENTITY}.schema.json")), schema).unwrap();
    let config = JsonlConfig::new(folder.path());
    check(
        &bench(move || Jsonl::open(config.clone())),
        &[FILES, &[&["cursors.other_entity", "write.unique_value"]]].concat(),
    );
}

#[cfg(feature = "excel")]
mod excel {
    use rust_xlsxwriter::Workbook;
    use seamless_connectors::excel::{Excel, ExcelConfig};
    use seamless_core::model::Entity;

    use super::memory_bench::entity;
    use super::{FILES, NO_READ_ONLY, PLAIN, bench_of, check, rich_file};

    /// As hostile as Excel allows.
    const SHEET: &str = "Cust 'omer' $(x), LCY & <Söhne>";

    fn examine(entity: Entity, skipped: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.xlsx");
        let mut workbook = Workbook::new();
        for name in [SHEET, "other"] {
            let sheet = workbook.add_worksheet();
            sheet.set_name(name).unwrap();
            for (column, field) in (0u16..).zip(&entity.fields) {
                sheet.write_string(0, column, field.name.as_str()).unwrap();
            }
        }
        workbook.save(&path).unwrap();
        let mut config = ExcelConfig::new(path);
        let entity = Entity { name: SHEET.into(), ..entity };
        config.schemas.insert("other".to_owned(), entity.clone());
        config.schemas.insert(SHEET.to_owned(), entity);
        // A cell holds 32,767 characters, so that the large text is refused.
        let skipped = [FILES, &[skipped, &["values.large"]]].concat();
        check(&bench_of(SHEET, move || Excel::open(config.clone())), &skipped);
    }

    #[test]
    fn excel_conforms() {
        examine(entity(), &[PLAIN, NO_READ_ONLY].concat());
    }

    #[test]
    fn excel_conforms_with_every_kind_of_field() {
        examine(rich_file(), &["write.unique_value"]);
    }
}

#[cfg(all(feature = "singer", unix))]
mod singer {
    use std::collections::BTreeSet;
    use std::future::ready;
    use std::sync::Arc;

    use futures::executor::block_on;
    use seamless_connectors::singer::{Replication, Singer, SingerConfig, StreamConfig};
    use seamless_core::connector::Connector;
    use seamless_core::testkit::connector_kit::{Bench, cases, check_connector};
    use serde_json::json;

    use super::tap::{FakeTap, record};

    fn examine(known: &StreamConfig, skipped: &[&str]) {
        let properties = json!({
            "id": { "type": "integer" },
            "name": { "type": ["null", "string"], "maxLength": 50 },
            "price": { "type": ["number", "null"] },
            "active": { "type": ["boolean", "null"] },
            "grade": { "type": ["string", "null"], "enum": ["a", "b", null] },
            "at": { "type": ["string", "null"], "format": "date-time" },
            "more": { "type": ["object", "null"] },
        });
        let mut lines = Vec::new();
        for number in 1..=30 {
            lines.push(record(json!({
                "id": number, "name": format!("name {}", number % 7), "price": number, "active": number % 2 == 0,
                "grade": if number % 3 == 0 { json!(null) } else { json!("b") },
                "at": "2024-02-29T10:00:00+01:00", "more": { "a": [number] },
            })));
            if number % 10 == 0 {
                lines.push("STATE".to_owned());
            }
        }
        let tap = FakeTap::new(properties, &lines);
        let config = tap.config(known.clone());
        let open = move || ready(Singer::open(config.clone()).map(|tap| Arc::new(tap) as Arc<dyn Connector>));
        let wrong = || SingerConfig::new("/nowhere/tap", json!({ "password": "s3cret-of-the-tap" }));
        let wrong = move || ready(Singer::open(wrong()).map(|tap| Arc::new(tap) as Arc<dyn Connector>));
        let bench = Bench::new("customer", open).secrets(["s3cret-of-the-tap"]).misconfigured(wrong);
        let report = block_on(check_connector(&bench));
        assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
        let read: BTreeSet<&str> =
            report.skipped_cases().into_iter().filter(|case| !WRITES.contains(case)).collect();
        assert_eq!(read, skipped.iter().copied().collect(), "{report}");
        assert_eq!(report.lines.len(), cases().count());
    }

    /// What needs writes, an order, another user or cut connections to be examined. A tap that is cut off is in `tests/singer.rs`.
    const WRITES: &[&str] = &[
        "absence.deleted",
        "absence.hidden",
        "action.missing",
        "action.stale",
        "conditional.holds",
        "conditional.race",
        "conditional.stale_delete",
        "conditional.stale_values",
        "conditional.stale_version",
        "cursors.changed_between_pages",
        "dropped.write",
        "feed.came_back",
        "feed.creates",
        "feed.hidden",
        "feed.late_commit",
        "feed.low_water",
        "feed.no_tombstones",
        "feed.only_changes",
        "feed.tombstones",
        "feed.updates",
        "fetch.by_key",
        "paging.order",
        "proof.created",
        "proof.returned",
        "proof.true",
        "read.consistent",
        "refuse.action",
        "refuse.create",
        "refuse.key",
        "refuse.read_only",
        "refuse.required",
        "refuse.too_long",
        "refuse.too_many_digits",
        "refuse.unknown_field",
        "refuse.wrong_kind",
        "schema.unreadable",
        "torn.answer",
        "torn.fetch",
        "torn.read",
        "torn.request",
        "values.bytes",
        "values.dates",
        "values.decimal",
        "values.empty",
        "values.float",
        "values.full_length",
        "values.large",
        "values.options",
        "values.sets",
        "values.text",
        "values.unicode",
        "values.whole",
        "values.yes_no",
        "version.moves",
        "write.batch_max",
        "write.created",
        "write.deleted",
        "write.hostile_ids",
        "write.key_taken",
        "write.missing",
        "write.null",
        "write.partial_batch",
        "write.patch",
        "write.same_id_create",
        "write.same_id_update",
        "write.together",
        "write.unique_value",
        "write.upsert",
    ];

    #[test]
    fn a_tap_conforms_where_it_reads_everything_every_time() {
        examine(&StreamConfig { complete: true, ..StreamConfig::default() }, super::COMPLETE);
    }

    #[test]
    fn a_tap_conforms_where_it_goes_on_from_its_state() {
        let known = StreamConfig {
            complete: true,
            replication: Some(Replication::Incremental),
            ..StreamConfig::default()
        };
        examine(&known, &["paging.partial", "feed.none"]);
    }

    #[test]
    fn a_tap_conforms_where_nobody_says_that_it_gives_everything() {
        examine(&StreamConfig::default(), &["paging.complete"]);
    }
}

/// Options as records: read whole, looked up, never written.
#[test]
fn option_sets_conform() {
    let option = |number: i64| OptionItem { value: Value::Int(number), label: None, active: number != 2 };
    let options = OptionSet { options: [3, 1, 2, 40, 5].map(option).to_vec(), closed: true };
    let fields = vec![Field::new("terms", FieldKind::Option { options })];
    let account = Entity {
        name: "account".into(),
        label: None,
        fields,
        key: vec![],
        unique: vec![],
        actions: Vec::new(),
    };
    let memory: Arc<dyn Connector> =
        Arc::new(Memory::new(MemoryConfig::new("x").entity(EntityConfig::new(account))).unwrap());
    let shown = move || ready(Ok(memory.clone().layer(&OptionSets::of([("account", "terms")]))));
    let report = check_report(&Bench::new("account.terms", shown).scratch("kit"));
    assert!(report.passed() > 10, "{report}");
}
