//! Real taps, which `.ci/servers/singer` installs: what they read is what is there, and a state leads on. Fails without them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::PathBuf;
use std::process::Command;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::singer::{Replication, Singer, SingerConfig, StreamConfig};
use seamless_core::connector::{Change, Connector, Cursor, End, Page, ReadQuery};
use seamless_core::model::{Condition, EntityName, FieldKind, FieldName, Presence, Shape, Value};
use serde_json::json;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: evaluate what .ci/servers/singer install DIR and .ci/servers/postgres start DIR print"))
}

fn read(singer: &Singer, entity: &str, fields: &[&str], after: Option<Cursor>) -> Vec<Page> {
    let query = ReadQuery {
        entity: EntityName::from(entity),
        shape: Shape::new(fields.iter().map(|name| FieldName::from(*name))).unwrap(),
        condition: Condition::Always,
        after,
        page_records_max: 100,
    };
    block_on(async {
        let mut pages = Vec::new();
        let mut stream = singer.read(query).await.unwrap();
        while let Some(page) = stream.next().await {
            pages.push(page.unwrap());
        }
        pages
    })
}

fn plain(presence: Presence<'_>) -> String {
    match presence.value().map(|value| value.to_value()) {
        None => "-".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Text(text)) => text.to_string(),
        Some(other) => other.to_string(),
    }
}

/// Records as text: `id | field | ..`, absent fields as `-`.
fn rows(pages: &[Page]) -> Vec<String> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let row = |change: &Change| match change {
        Change::Upsert(found) => {
            found.record.fields().map(|(_, value)| plain(value)).collect::<Vec<_>>().join(" | ")
        }
        other => panic!("{other:?}"),
    };
    changes.map(row).collect()
}

fn changes_from(pages: &[Page]) -> Option<Cursor> {
    match pages.last().unwrap().end.clone() {
        Some(End::Complete(all)) => all.changes_from,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tap_jsonl_is_read_exactly_and_its_state_leads_on() {
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.jsonl");
    let lines = "{\"id\":1,\"name\":\"Adatum\",\"price\":1.5,\"at\":\"2024-02-29T10:00:00Z\",\"n\":{\"a\":[1,2]}}\n{\"id\":2,\"name\":null,\"price\":null,\"at\":null,\"n\":null}\n";
    std::fs::write(&one, lines).unwrap();
    let settings =
        json!({ "path": folder.path().join("*.jsonl"), "stream_name": "customer", "primary_keys": ["id"] });
    let known = StreamConfig { complete: true, ..StreamConfig::default() };
    let singer = Singer::open(
        SingerConfig::new(variable("SEAMLESS_TEST_TAP_JSONL"), settings).stream("customer", known),
    )
    .unwrap();
    let schema = block_on(singer.discover(&["customer".into()])).unwrap();
    assert_eq!(schema.entity("customer").unwrap().field("at").unwrap().kind, FieldKind::Instant);
    let fields = ["id", "name", "price", "at", "n"];
    let first = read(&singer, "customer", &fields, None);
    let [adatum, second] =
        ["1 | Adatum | 1.5 | 2024-02-29T10:00:00Z | {\"a\":[1,2]}", "2 | null | null | null | null"];
    assert_eq!(rows(&first), [adatum, second]);
    let state = changes_from(&first);
    // The tap compares whole seconds, so a file of the same second comes again; one of a later second alone does.
    let hour = std::time::SystemTime::now() + std::time::Duration::from_secs(3_600);
    let two = folder.path().join("two.jsonl");
    std::fs::write(&two, "{\"id\":3,\"name\":\"new\",\"price\":2,\"at\":null,\"n\":null}\n").unwrap();
    std::fs::File::options().write(true).open(&two).unwrap().set_modified(hour).unwrap();
    let second_read = read(&singer, "customer", &fields, state);
    assert_eq!(second_read.last().unwrap().end, Some(End::CaughtUp { low_water: None }));
    let found = rows(&second_read);
    assert!(found.contains(&"3 | new | 2 | null | null".to_owned()), "{found:?}");
}

/// What an address of a server says, as the tests of PostgreSQL write it.
fn server() -> (String, String, String, String, String) {
    let url = variable("SEAMLESS_TEST_POSTGRES");
    let rest = url.strip_prefix("postgres://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (password, rest) = rest.split_once('@').unwrap();
    let (host, rest) = rest.split_once(':').unwrap();
    let (port, rest) = rest.split_once('/').unwrap();
    let database = rest.split('?').next().unwrap();
    let text = str::to_owned;
    (text(user), text(password), text(host), text(port), text(database))
}

fn sql(statements: &str) {
    let (user, password, host, port, database) = server();
    let done = Command::new("psql")
        .env("PGPASSWORD", password)
        .args([
            "-h",
            &host,
            "-p",
            &port,
            "-U",
            &user,
            "-d",
            &database,
            "-qv",
            "ON_ERROR_STOP=1",
            "-c",
            statements,
        ])
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn tap_postgres_is_read_to_the_last_digit_and_its_state_leads_on() {
    let schema = format!("tap_{}", std::process::id());
    sql(&format!(
        "CREATE SCHEMA {schema}; CREATE TABLE {schema}.item (id int PRIMARY KEY, name varchar(50) NOT NULL, price numeric(18,2), \
         huge numeric, at timestamptz, born date, ok boolean, big bigint, more jsonb, moved int NOT NULL); \
         INSERT INTO {schema}.item VALUES \
         (1, 'Adatum ü', 1.10, 12345678901234567890.123456789012, '2024-02-29 10:00:00.5+02', '2024-02-29', true, 9007199254740993, '{{\"a\": 1.10}}', 1), \
         (2, 'x', null, null, null, null, null, null, null, 2)"
    ));
    let (user, password, host, port, database) = server();
    let settings = json!({ "host": host, "port": port.parse::<u16>().unwrap(), "user": user, "password": password, "database": database,
                           "filter_schemas": [schema] });
    let stream = format!("{schema}-item");
    let known = StreamConfig {
        complete: true,
        replication: Some(Replication::Incremental),
        replication_key: Some("moved".into()),
        ..StreamConfig::default()
    };
    let config = SingerConfig::new(PathBuf::from(variable("SEAMLESS_TEST_TAP_POSTGRES")), settings);
    let singer = Singer::open(config.clone().stream(&stream, known)).unwrap();
    let fields = ["id", "name", "price", "huge", "at", "born", "ok", "big", "more"];
    let first = read(&singer, &stream, &fields, None);
    assert_eq!(
        rows(&first),
        [
            "1 | Adatum ü | 1.10 | 12345678901234567890.123456789012 | 2024-02-29T08:00:00.500+00:00 | 2024-02-29 | yes | 9007199254740993 | {\"a\":1.10}",
            "2 | x | null | null | null | null | null | null | null",
        ]
    );
    sql(&format!("UPDATE {schema}.item SET name = 'y', moved = 3 WHERE id = 1"));
    let second = read(&singer, &stream, &["id", "name"], changes_from(&first));
    let found = rows(&second);
    // The tap shows what has the last key again.
    assert!(
        found.contains(&"1 | y".to_owned()) && !found.iter().any(|row| row.contains("Adatum")),
        "{found:?}"
    );
    let third = read(&singer, &stream, &["id", "name"], Some(second.last().unwrap().cursor.clone()));
    assert_eq!(rows(&third), ["1 | y"]);
    // A password that is wrong is told without it.
    let mut wrong = config;
    wrong.config.0["password"] = json!("not-the-pa55word");
    let told = Singer::open(wrong).unwrap_err();
    let told = format!("{told} {told:?} {:?}", told.remedy());
    assert!(told.contains("password authentication failed") && !told.contains("not-the-pa55word"), "{told}");
    sql(&format!("DROP SCHEMA {schema} CASCADE"));
}
