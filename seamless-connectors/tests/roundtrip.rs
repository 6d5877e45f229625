//! What is written reads back: any values, any connector, against a model that is a plain map.
#![cfg(all(feature = "csv", feature = "jsonl", feature = "sqlite"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use seamless_connectors::csv::{Csv, CsvConfig};
use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::connector::{
    Change, Connector, DeleteGround, Expects, ReadQuery, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, Decimal, Entity, Field, FieldKind, FieldName, Presence, RecordId, Shape, Value,
    record,
};

const KEY: &str = "No.";
const NAME: &str = "Name";
const CREDIT: &str = "Credit Limit (LCY)";
const ACTIVE: &str = "active";
const SINCE: &str = "since";
const COUNT: &str = "count";
const ODD: &str = "select \"x\", \u{1f600}; --";
const FIELDS: [&str; 7] = [KEY, NAME, CREDIT, ACTIVE, SINCE, COUNT, ODD];

type System = Arc<dyn Connector>;

fn entity() -> Entity {
    let text = |length_max| FieldKind::Text { length_max };
    let fields = [
        (KEY, text(None)),
        (NAME, text(Some(50))),
        (CREDIT, FieldKind::Decimal { precision: Some(18), scale: Some(2) }),
        (ACTIVE, FieldKind::Bool),
        (SINCE, FieldKind::Date),
        (COUNT, FieldKind::Int),
        (ODD, text(None)),
    ];
    let fields = fields.into_iter().map(|(name, kind)| Field::new(name, kind)).collect();
    Entity {
        name: "t".into(),
        label: None,
        fields,
        key: vec![KEY.into()],
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

fn systems(folder: &Path) -> Vec<System> {
    let config = MemoryConfig::new("m").entity(EntityConfig::new(entity()).ids(Ids::Key));
    let memory: Arc<dyn Connector> = Arc::new(Memory::new(config).unwrap());
    let header: Vec<String> =
        FIELDS.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    std::fs::write(folder.join("t.csv"), header.join(",")).unwrap();
    std::fs::write(folder.join("t.jsonl"), "").unwrap();
    std::fs::write(folder.join("t.schema.json"), serde_json::to_string(&entity()).unwrap()).unwrap();
    let kinds =
        ["TEXT PRIMARY KEY NOT NULL", "VARCHAR(50)", "DECTEXT(18,2)", "BOOLEAN", "DATE", "INTEGER", "TEXT"];
    let columns: Vec<String> =
        header.iter().zip(kinds).map(|(name, kind)| format!("{name} {kind}")).collect();
    let database = rusqlite::Connection::open(folder.join("t.db")).unwrap();
    database.execute_batch(&format!("CREATE TABLE t ({})", columns.join(", "))).unwrap();
    let csv: Arc<dyn Connector> = Arc::new(Csv::open(CsvConfig::new(folder)).unwrap());
    let jsonl: Arc<dyn Connector> = Arc::new(Jsonl::open(JsonlConfig::new(folder)).unwrap());
    let sqlite: Arc<dyn Connector> = Arc::new(Sqlite::open(SqliteConfig::new(folder.join("t.db"))).unwrap());
    vec![memory, csv, jsonl, sqlite]
}

fn op(key: &str, verb: Verb, values: &[(&str, Value)], serial: usize) -> WriteOp {
    let id = RecordId::text(key);
    let (target, expects) = match verb {
        Verb::Create => (Target::New(Some(id)), Expects::Missing),
        _ => (Target::Existing(id), Expects::Anything),
    };
    let shape = Shape::new(values.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    let patch =
        record(&shape, values.iter().map(|(name, value)| ((*name).into(), value.clone().into()))).unwrap();
    WriteOp { id: ActionId::derive(&[&serial.to_le_bytes()]), target, verb, patch, expects }
}

/// What a system holds, in small pages.
fn contents(system: &System) -> Model {
    let shape = Shape::new(FIELDS.map(FieldName::from)).unwrap();
    let query = ReadQuery {
        entity: "t".into(),
        shape,
        condition: Condition::Always,
        after: None,
        page_records_max: 7,
    };
    let pages: Vec<_> =
        block_on(async { system.read(query).await.unwrap().map(Result::unwrap).collect().await });
    let found = pages.into_iter().flat_map(|page| page.changes).map(|change| match change {
        Change::Upsert(found) => found,
        other => panic!("{other:?}"),
    });
    found
        .map(|found| {
            let said = found.record.fields().filter_map(|(name, presence)| match presence {
                Presence::Value(value) if name.as_str() != KEY => Some((name.to_string(), value.to_value())),
                _ => None,
            });
            (found.id.clone(), said.collect())
        })
        .collect()
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof!["\\PC{0,12}", "[\"',;\r\n\\\\ \u{feff}N0]{0,8}"].prop_map(|text| Value::text(&text))
}

/// A field and a value that it can hold.
fn said() -> impl Strategy<Value = (&'static str, Value)> {
    let credit = (-10i64.pow(17)..10i64.pow(17), 0u8..=2).prop_map(|(number, scale)| {
        // Eighteen digits, two of them after the point: fewer before it.
        Value::Decimal(Decimal::new(number / 10, scale))
    });
    let date = (1i32..3_000_000)
        .prop_map(|days| Value::Date(chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap()));
    prop_oneof![
        (Just(NAME), text()),
        (Just(ODD), text()),
        (Just(CREDIT), credit),
        (Just(ACTIVE), any::<bool>().prop_map(Value::Bool)),
        (Just(SINCE), date),
        (Just(COUNT), any::<i64>().prop_map(Value::Int)),
        (proptest::sample::select(&FIELDS[1..]), Just(Value::Null)),
    ]
}

type Model = BTreeMap<RecordId, BTreeMap<String, Value>>;

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(40))]

    /// Creates, updates and deletes in batches, on all four systems; each holds what the model holds, written as it was.
    #[test]
    fn every_system_holds_what_was_written(
        batches in proptest::collection::vec(
            proptest::collection::btree_map("[a-zé\",]{1,3}", (0u8..3, proptest::collection::vec(said(), 0..4)), 1..5),
            1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for system in systems(folder.path()) {
            let (mut model, mut serial) = (Model::new(), 0);
            for batch in &batches {
                let mut ops = Vec::new();
                let mut happen = Vec::new();
                for (key, (verb, values)) in batch {
                    let values: Vec<(&str, Value)> =
                        values.iter().cloned().collect::<BTreeMap<_, _>>().into_iter().collect();
                    serial += 1;
                    let id = RecordId::text(key);
                    let named = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                    match verb {
                        0 => {
                            ops.push(op(key, Verb::Create, &values, serial));
                            happen.push(!model.contains_key(&id));
                            model.entry(id).or_insert_with(|| {
                                let nothing = FIELDS[1..].iter().map(|name| ((*name).to_owned(), Value::Null));
                                nothing.chain(named).collect()
                            });
                        }
                        1 => {
                            ops.push(op(key, Verb::Update, &values, serial));
                            happen.push(model.contains_key(&id));
                            model.entry(id).and_modify(|held| held.extend(named)).or_default();
                            model.retain(|_, held| !held.is_empty());
                        }
                        _ => {
                            ops.push(op(key, Verb::Delete(DeleteGround::LeftScope), &[], serial));
                            happen.push(true);
                            model.remove(&id);
                        }
                    }
                }
                let outcomes = block_on(system.write(&"t".into(), WriteBatch::of(ops))).unwrap();
                let applied: Vec<bool> = outcomes.iter()
                    .map(|outcome| matches!(outcome, WriteOutcome::Applied { .. })).collect();
                prop_assert_eq!(applied, happen);
                let held = contents(&system);
                // Equality of values is numeric; the scale that was written must stay, too.
                let scale = |model: &Model| -> Vec<String> {
                    model.values().map(|held| format!("{:?}", held[CREDIT])).collect()
                };
                prop_assert_eq!(scale(&held), scale(&model));
                prop_assert_eq!(&held, &model, "{:?}", system.info());
            }
        }
    }
}
