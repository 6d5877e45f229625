//! Every connector of this crate, examined with the published kit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::Result;
use seamless_core::connector::{Capabilities, Connector, Order, UniqueKey, WriteReturns};
use seamless_core::model::{Entity, Field, FieldKind, OptionItem, OptionSet, Record, RecordId, Value};
use seamless_core::testkit::connector_kit::{AnotherUser, Bench, Report, cases, check_connector};

/// A hostile name for an entity.
const ENTITY: &str = "Cust \"omer\" $(x) 'LCY'";

const KEY: &str = "No.";
/// Hostile names of fields; the key first.
const FIELDS: [&str; 7] =
    [KEY, "Name", "Credit Limit (LCY)", "active", "since", "count", "select \"x\", \u{1f600}; --"];

/// Ten megabytes.
const LARGE: usize = 10 << 20;

fn entity() -> Entity {
    let text = |length_max| FieldKind::Text { length_max };
    let kinds = [
        text(Some(20)),
        text(Some(50)),
        FieldKind::Decimal { precision: Some(18), scale: Some(2) },
        FieldKind::Bool,
        FieldKind::Date,
        FieldKind::Int,
        text(None),
    ];
    let mut fields: Vec<Field> = FIELDS.into_iter().zip(kinds).map(|(name, kind)| Field::new(name, kind)).collect();
    fields[0].required = true;
    Entity { name: ENTITY.into(), label: None, fields, key: vec![KEY.into()], unique: Vec::new() }
}

fn bench<C: Connector>(open: impl Fn() -> Result<C> + Send + Sync + 'static) -> Bench {
    let open = move || ready(open().map(|connector| Arc::new(connector) as Arc<dyn Connector>));
    Bench::new(ENTITY, open).scratch("kit").large_text_bytes(LARGE)
}

/// Nothing fails, nothing is left behind, and exactly these cases cannot be run on this system.
fn check(bench: &Bench, skipped: &[&str]) -> Report {
    let report = block_on(check_connector(bench));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    assert_eq!(report.skipped_cases(), skipped, "{report}");
    assert_eq!(report.lines.len(), cases().count());
    report
}

/// A user of a system in memory, who can do what the connector cannot.
#[derive(Clone)]
struct MemoryUser(Memory);

fn named(values: &Record) -> Vec<(&str, Value)> {
    let said = values.fields().filter_map(|(name, value)| Some((name.as_str(), value.value()?.to_value())));
    said.collect()
}

#[async_trait]
impl AnotherUser for MemoryUser {
    async fn edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        self.0.edit(ENTITY, id, &named(values)).map(|()| true)
    }

    async fn hide(&self, id: &RecordId, hidden: bool) -> Result<bool> {
        self.0.hide(ENTITY, id, hidden)
    }

    async fn begin_edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        self.0.begin_edit(ENTITY, id, &named(values)).map(|()| true)
    }

    async fn commit(&self) -> Result<()> {
        self.0.commit_begun()
    }
}

fn memory(entities: Vec<EntityConfig>) -> (Memory, Bench) {
    let config = entities.into_iter().fold(MemoryConfig::new("x"), MemoryConfig::entity);
    let memory = Memory::new(config).unwrap();
    let (clone, user) = (memory.clone(), MemoryUser(memory.clone()));
    (memory, bench(move || Ok(clone.clone())).another_user(user))
}

/// What every kind of field and every rule of a schema looks like, beside what the files can hold.
fn rich() -> Entity {
    let mut entity = entity();
    let option = |value: i64| OptionItem { value: Value::Int(value), label: None, active: value != 3 };
    let options = OptionSet { options: vec![option(1), option(2), option(3)], closed: true };
    let more = [
        Field { required: true, ..Field::new("grade", FieldKind::Option { options: options.clone() }) },
        Field::new("tags", FieldKind::Set { options }),
        Field::new("photo", FieldKind::Bytes { length_max: None }),
        Field::new("at", FieldKind::Instant),
        Field::new("opens", FieldKind::Time),
        Field::new("due", FieldKind::LocalDateTime),
        Field { read_only: true, ..Field::new("balance", FieldKind::Int) },
        Field { unique: true, ..Field::new("mail", FieldKind::Text { length_max: Some(80) }) },
    ];
    entity.fields.extend(more);
    entity
}

#[test]
fn memory_conforms() {
    let other = Entity { name: "other".into(), ..entity() };
    let (_, bench) = memory(vec![EntityConfig::new(rich()).ids(Ids::Key), EntityConfig::new(other)]);
    let skipped = [
        "paging.partial",
        "refuse.update",
        "refuse.delete",
        "refuse.create",
        "feed.none",
        "feed.no_tombstones",
        "secrets.nowhere",
    ];
    check(&bench, &skipped);
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
    let records = |memory: &Memory| memory.rows(ENTITY).into_iter().map(|row| (row.id, row.record)).collect::<Vec<_>>();
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

    use super::{ENTITY, FIELDS, KEY, bench, check};

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

    fn examine(with_version: bool, decimal: &str, without_rowid: bool, skipped: &[&str]) {
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

    #[test]
    fn sqlite_conforms_with_a_version_column() {
        examine(true, "DECIMAL(18,2)", false, &[]);
    }

    #[test]
    fn sqlite_conforms_without_a_version_column() {
        examine(false, "DECTEXT(18,2)", true, &[]);
    }
}

#[cfg(feature = "csv")]
mod csv {
    use seamless_connectors::csv::{Csv, CsvConfig};

    use super::{ENTITY, FIELDS, bench, check, entity};

    fn examine(delimiter: char, null: &str, typed_header: bool, skipped: &[&str]) {
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
        check(&bench(move || Csv::open(config.clone())), skipped);
    }

    #[test]
    fn csv_conforms_with_a_schema() {
        examine(',', "", false, &[]);
    }

    #[test]
    fn csv_conforms_with_a_typed_header() {
        examine(';', "\\N", true, &[]);
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
    check(&bench(move || Jsonl::open(config.clone())), &[]);
}
