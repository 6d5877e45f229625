//! Values are exact both ways, held against what `psql` shows and takes; what cannot be carried is broken and named.

use std::sync::Mutex;

use futures::executor::block_on;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};
use proptest::test_runner::{Config, TestCaseError};
use seamless_connectors::postgres::Postgres;
use seamless_core::connector::{Change, Connector, Expects, Target, Verb, WriteBatch, WriteOp, WriteOutcome};
use seamless_core::model::{
    ActionId, Decimal, FieldName, Instant, Record, RecordId, Shape, Slot, Value, record,
};

use crate::{Db, db, lines, pages, told, update, write};

const COLUMNS: [&str; 10] = ["n", "t", "d", "l", "i", "h", "b", "f", "g", "k"];

fn table(name: &str) -> Db {
    db(
        name,
        "CREATE TABLE v (id bigint PRIMARY KEY, n numeric, t text, d date, l timestamp, i timestamptz, h time, b bytea, \
         f double precision, g real, k bigint)",
    )
}

struct World {
    postgres: Postgres,
    db: Mutex<Db>,
    ids: std::sync::atomic::AtomicI64,
}

fn world(name: &str) -> World {
    let db = table(name);
    World { postgres: db.open(), db: Mutex::new(db), ids: 1.into() }
}

impl World {
    fn id(&self) -> i64 {
        self.ids.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// Writes through the connector; what `psql` then shows.
    fn shown(&self, column: &str, value: Value, show: &str) -> Result<String, TestCaseError> {
        let id = self.id();
        let shape = Shape::new(["id".into(), FieldName::from(column)]).unwrap();
        let fields =
            [("id".into(), Slot::Value(Value::Int(id))), (FieldName::from(column), Slot::Value(value))];
        let patch: Record = record(&shape, fields).unwrap();
        let action = ActionId::derive(&[&id.to_le_bytes()]);
        let op = WriteOp {
            id: action,
            target: Target::New(None),
            verb: Verb::Create,
            patch,
            expects: Expects::Missing,
        };
        let outcomes = write(&self.postgres, "v", vec![op]);
        prop_assert_eq!(told(&outcomes), vec![format!("applied {id}")]);
        Ok(self.db.lock().unwrap().user.one(&format!("SELECT {show} FROM v WHERE id = {id}")))
    }

    /// Writes through `psql`; what the connector then reads.
    fn read(&self, column: &str, sql: &str) -> Value {
        let id = self.id();
        self.db.lock().unwrap().user.run(&format!("INSERT INTO v (id, {column}) VALUES ({id}, {sql})"));
        let shape = Shape::new([FieldName::from(column)]).unwrap();
        let by = seamless_core::connector::FetchBy::Ids(vec![RecordId::int(id)]);
        let query = seamless_core::connector::FetchQuery { entity: "v".into(), shape, by };
        match block_on(self.postgres.fetch(query)).unwrap().remove(0) {
            seamless_core::connector::Lookup::Found(found) => {
                found.record.field(column).value().unwrap().to_value()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn cases(count: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(count) }
}

fn number() -> impl Strategy<Value = String> {
    ("-?", "0|[1-9][0-9]{0,60}", "[0-9]{0,60}").prop_map(|(sign, whole, part)| match part.as_str() {
        "" => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{part}"),
    })
}

#[test]
fn decimals_are_exact_to_the_last_digit() {
    let world = world("decimals");
    proptest!(cases(200), |(text in number())| {
        let number: Decimal = text.parse().unwrap();
        // The server drops the sign of zero as we do.
        prop_assert_eq!(world.shown("n", Value::Decimal(number.clone()), "n::text")?, number.to_string());
        let Value::Decimal(read) = world.read("n", &text) else { panic!("no decimal") };
        prop_assert_eq!(read.to_string(), number.to_string());
    });
}

#[test]
fn texts_are_exact_to_the_last_character() {
    let world = world("texts");
    proptest!(cases(150), |(text in "[^\\x00]{0,40}")| {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(world.shown("t", Value::text(&text), "encode(convert_to(t, 'UTF8'), 'hex')")?, hex.clone());
        prop_assert_eq!(world.read("t", &format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")), Value::text(&text));
    });
}

#[test]
fn days_and_times_are_exact_to_the_microsecond() {
    let world = world("times");
    // 200 BC to AD 9999.
    proptest!(cases(120), |(days in -73_000i32..3_652_059, micros in 0i64..86_400_000_000)| {
        let day = chrono::NaiveDate::from_num_days_from_ce_opt(days).unwrap();
        let time = chrono::NaiveTime::from_num_seconds_from_midnight_opt(
            (micros / 1_000_000) as u32, (micros % 1_000_000 * 1000) as u32).unwrap();
        let at = day.and_time(time);
        let since = (day - chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()).num_days();
        let epoch = since * 86_400_000_000 + micros;
        let count = |column: &str| format!("(extract(epoch FROM {column}) * 1000000)::bigint");
        prop_assert_eq!(world.shown("d", Value::Date(day), "d - date '1970-01-01'")?, since.to_string());
        prop_assert_eq!(world.shown("h", Value::Time(time), &count("h"))?, micros.to_string());
        prop_assert_eq!(world.shown("l", Value::LocalDateTime(at), &count("l"))?, epoch.to_string());
        prop_assert_eq!(world.shown("i", Value::Instant(Instant::utc(at.and_utc())), &count("i"))?, epoch.to_string());
        prop_assert_eq!(world.read("d", &format!("date '1970-01-01' + {since}")), Value::Date(day));
        let micros_after = format!("interval '{epoch} microseconds'");
        prop_assert_eq!(world.read("l", &format!("timestamp '1970-01-01' + {micros_after}")), Value::LocalDateTime(at));
        prop_assert_eq!(
            world.read("i", &format!("timestamptz '1970-01-01 00:00:00Z' + {micros_after}")),
            Value::Instant(Instant::utc(at.and_utc()))
        );
    });
}

#[test]
fn bytes_numbers_and_floats_are_exact() {
    let world = world("others");
    proptest!(cases(100), |(bytes in any::<Vec<u8>>(), float in any::<f64>(), small in any::<f32>(), whole in any::<i64>())| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(world.shown("b", Value::Bytes(bytes.clone().into()), "encode(b, 'hex')")?, hex.clone());
        prop_assert_eq!(world.read("b", &format!("decode('{hex}', 'hex')")), Value::Bytes(bytes.into()));
        prop_assert_eq!(world.shown("k", Value::Int(whole), "k")?, whole.to_string());
        if float.is_finite() {
            let bits: String = float.to_be_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(world.shown("f", Value::Float(float), "encode(float8send(f), 'hex')")?, bits);
            prop_assert_eq!(world.read("f", &format!("'{float:e}'")), Value::Float(float));
        }
        if small.is_finite() {
            let bits: String = small.to_be_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let seen: f64 = small.to_string().parse().unwrap();
            prop_assert_eq!(world.shown("g", Value::Float(seen), "encode(float4send(g), 'hex')")?, bits);
        }
    });
}

#[test]
fn what_cannot_be_carried_is_broken_and_named_and_the_rest_is_read() {
    let mut db = table("broken");
    db.user.run(
        "INSERT INTO v (id, n) VALUES (1, 'NaN'), (2, 'Infinity'), (3, 1.0); INSERT INTO v (id, d) VALUES (4, 'infinity');
         INSERT INTO v (id, i) VALUES (5, '-infinity'); INSERT INTO v (id, h) VALUES (6, '24:00')",
    );
    let postgres = db.open();
    let found = lines(&pages(&postgres, "v", &COLUMNS, None, 4));
    assert_eq!(found.len(), 6, "{found:#?}");
    for (line, words) in found.iter().zip([
        "table v row 1: n: NaN is not a number",
        "table v row 2: n: an infinite number",
        "3 {",
        "table v row 4: d: an infinite date",
        "table v row 5: i: an infinite time",
        "table v row 6: h: 24:00",
    ]) {
        assert!(line.contains(words), "{line} has not {words}");
    }
    // What is broken elsewhere in a row keeps nobody from reading and writing the rest of it.
    let rest = pages(&postgres, "v", &["t"], None, 10);
    assert!(rest[0].changes.iter().all(|change| matches!(change, Change::Upsert(_))), "{rest:?}");
    let outcomes = write(&postgres, "v", vec![update(RecordId::int(1), r#"{"t": "x"}"#)]);
    assert_eq!(told(&outcomes), ["applied 1"]);
    assert_eq!(db.user.one("SELECT t || ' ' || n FROM v WHERE id = 1"), "x NaN");
}

#[test]
fn what_a_column_would_round_or_cut_is_refused_with_its_name() {
    let mut db = db(
        "refused",
        "CREATE TABLE v (id integer PRIMARY KEY, n numeric(6,2), s varchar(3), c char(3), at timestamp(3), i2 smallint, \
         g real, j jsonb, u uuid, x public.citext); INSERT INTO v (id) VALUES (1)",
    );
    let postgres = db.open();
    for (name, json) in [
        ("s", r#"{"s": "abc "}"#),
        ("c", r#"{"c": "a "}"#),
        ("i2", r#"{"i2": 40000}"#),
        ("j", r#"{"j": "{"}"#),
        ("u", r#"{"u": "no"}"#),
        ("x", "{\"x\": \"a\\u0000b\"}"),
    ] {
        let outcomes = write(&postgres, "v", vec![update(RecordId::int(1), json)]);
        assert_eq!(told(&outcomes), [format!("Invalid {{ field: Some({name:?}) }}")], "{json}");
    }
    let at =
        chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().and_hms_micro_opt(1, 2, 3, 456_700).unwrap();
    for (name, value) in [
        ("n", Value::Decimal("1.005".parse().unwrap())),
        ("at", Value::LocalDateTime(at)),
        ("g", Value::Float(0.123_456_789)),
    ] {
        let shape = Shape::new([FieldName::from(name)]).unwrap();
        let mut op = update(RecordId::int(1), "{}");
        op.patch = record(&shape, [(FieldName::from(name), Slot::Value(value))]).unwrap();
        let outcomes = block_on(postgres.write(&"v".into(), WriteBatch::of(vec![op]))).unwrap();
        assert_eq!(told(&outcomes), [format!("Invalid {{ field: Some({name:?}) }}")]);
    }
    assert_eq!(db.user.one("SELECT row(v.*)::text FROM v"), "(1,,,,,,,,,)");
    let outcomes = write(
        &postgres,
        "v",
        vec![update(
            RecordId::int(1),
            r#"{"c": "a", "j": "{\"b\":1,\"a\":[1.10]}", "x": "MiXed", "s": "äöü"}"#,
        )],
    );
    let WriteOutcome::Applied { proof: seamless_core::connector::Proof::Stored(stored), .. } = &outcomes[0]
    else {
        panic!("{outcomes:?}")
    };
    let held = |name: &str| stored.record.field(name).value().unwrap().to_value();
    assert_eq!(
        [held("c"), held("x"), held("s")],
        [Value::text("a"), Value::text("MiXed"), Value::text("äöü")]
    );
    assert_eq!(
        held("j"),
        Value::text(r#"{"a": [1.10], "b": 1}"#),
        "jsonb has a form of its own, which shows"
    );
}
