//! Singer taps: what comes out of a run, what a run that goes wrong says, and what is left of it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod tap;

use std::process::Command;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::registry::Registry;
use seamless_connectors::singer::{Replication, Singer, SingerConfig, StreamConfig};
use seamless_core::connector::{
    Change, Connector, Cursor, End, FetchBy, FetchQuery, Lookup, Page, PageStream, ReadQuery,
};
use seamless_core::model::{
    Condition, EntityName, Error, ErrorKind, FieldKind, FieldName, RecordId, Result, Shape, Value,
};
use serde_json::{Value as Json, json};
use tap::{FakeTap, record};

fn properties() -> Json {
    json!({
        "id": { "type": ["integer", "null"] },
        "name": { "type": ["null", "string"], "maxLength": 50 },
        "price": { "type": ["number", "null"], "multipleOf": 0.01 },
        "at": { "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }] },
        "tags": { "type": ["array", "null"], "items": { "type": "string" } },
    })
}

fn named(number: i64) -> String {
    record(json!({ "id": number, "name": format!("name {number}") }))
}

fn incremental() -> StreamConfig {
    StreamConfig { replication: Some(Replication::Incremental), complete: true, ..StreamConfig::default() }
}

fn query(fields: &[&str], after: Option<Cursor>, size: usize) -> ReadQuery {
    ReadQuery {
        entity: EntityName::from("customer"),
        shape: Shape::new(fields.iter().map(|name| FieldName::from(*name))).unwrap(),
        condition: Condition::Always,
        after,
        page_records_max: size,
    }
}

fn open(config: SingerConfig) -> Singer {
    Singer::open(config).unwrap()
}

fn pages(singer: &Singer, query: ReadQuery) -> (Vec<Page>, Option<Error>) {
    block_on(async {
        let mut stream = match singer.read(query).await {
            Ok(stream) => stream,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut pages = Vec::new();
        while let Some(page) = stream.next().await {
            match page {
                Ok(page) => pages.push(page),
                Err(error) => return (pages, Some(error)),
            }
        }
        (pages, None)
    })
}

fn whole(singer: &Singer, query: ReadQuery) -> Vec<Page> {
    let (pages, error) = pages(singer, query);
    assert!(error.is_none(), "{:?}", error.map(|error| everything(&error)));
    pages
}

/// Ids of records, with `-` before those that were deleted and `!` before those that cannot be read.
fn ids(pages: &[Page]) -> Vec<String> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let id = |change: &Change| match change {
        Change::Upsert(found) => found.id.to_string(),
        Change::Deleted(tombstone) => format!("-{}", tombstone.id),
        Change::Broken { id, .. } => format!("!{}", id.as_ref().map(ToString::to_string).unwrap_or_default()),
    };
    changes.map(id).collect()
}

fn problems(pages: &[Page]) -> Vec<String> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let broken = changes.filter_map(|change| match change {
        Change::Broken { place, problem, .. } => Some(format!("{place}: {problem}")),
        _ => None,
    });
    broken.collect()
}

/// Everything that an error says, in one text.
fn everything(error: &Error) -> String {
    format!("{error} {error:?} {:?}", error.remedy())
}

#[test]
fn values_are_exact_and_a_field_that_did_not_come_is_absent() {
    let lines = [
        record(json!({})).replace(
            "{}",
            r#"{ "id": 1, "name": "Adatum", "price": 1.10, "at": "2024-02-29T10:00:00+02:00", "tags": ["a", 1.50] }"#,
        ),
        record(json!({})).replace("{}", r#"{ "id": 2, "price": 12345678901234567890.12, "name": null }"#),
    ];
    let tap = FakeTap::new(properties(), &lines);
    let singer = open(tap.config(StreamConfig {
        complete: true,
        modified: Some("at".into()),
        ..StreamConfig::default()
    }));
    let read = whole(&singer, query(&["name", "price", "at", "tags"], None, 10));
    assert!(matches!(read.last().unwrap().end, Some(End::Complete(_))));
    let Change::Upsert(one) = &read[0].changes[0] else { panic!() };
    let Change::Upsert(two) = &read[0].changes[1] else { panic!() };
    assert_eq!(one.id, RecordId::int(1));
    assert_eq!(one.record.field("price").value().unwrap().to_string(), "1.10");
    assert_eq!(one.record.field("tags").value().unwrap().to_value(), Value::text(r#"["a",1.50]"#));
    assert_eq!(one.modified.unwrap().to_rfc3339(), "2024-02-29T08:00:00+00:00");
    assert_eq!(two.record.field("price").value().unwrap().to_string(), "12345678901234567890.12");
    assert!(two.record.field("name").value().unwrap().is_null());
    assert!(two.record.field("at").is_absent());
    let schema = block_on(singer.discover(&["customer".into()])).unwrap();
    let entity = schema.entity("customer").unwrap();
    assert_eq!(entity.field("price").unwrap().kind, FieldKind::Decimal { precision: None, scale: Some(2) });
    assert_eq!(entity.key, [FieldName::from("id")]);
}

#[test]
fn a_cursor_is_the_last_state_and_records_behind_it_come_again() {
    let state = |value: &str| format!("{{\"type\":\"STATE\",\"value\":{value}}}");
    let lines =
        [state("{}"), named(1), named(2), "STATE".into(), named(3), named(4), "STATE".into(), state("null")];
    let tap = FakeTap::new(properties(), &lines);
    let singer = open(tap.config(incremental()));
    let read = whole(&singer, query(&["name"], None, 1));
    assert_eq!(ids(&read), ["1", "2", "3", "4"]);
    let rest = |page: usize| ids(&whole(&singer, query(&["name"], Some(read[page].cursor.clone()), 10)));
    assert_eq!(rest(0), ["1", "2", "3", "4"], "no state came before the end of the first page");
    assert_eq!(rest(2), ["3", "4"]);
    let Some(End::Complete(all)) = &read.last().unwrap().end else { panic!() };
    let after = whole(&singer, query(&["name"], all.changes_from.clone(), 10));
    assert!(ids(&after).is_empty());
    assert_eq!(after.last().unwrap().end, Some(End::CaughtUp { low_water: None }));
}

#[test]
fn what_comes_later_is_a_change_and_a_deletion_is_a_tombstone_and_the_last_sighting_counts() {
    let gone = record(json!({ "id": 1, "_sdc_deleted_at": "2024-03-01T00:00:00Z" }));
    let alive = record(json!({ "id": 2, "name": "new", "_sdc_deleted_at": null }));
    let lines = [named(1), named(2), "STATE".into(), named(2), alive, gone, "STATE".into()];
    let tap = FakeTap::new(properties(), &lines);
    let known = StreamConfig { tombstones: true, ..incremental() };
    let singer = open(tap.config(known));
    assert!(singer.capabilities(&"customer".into()).tombstones);
    let from = Cursor::new({
        let read = whole(&singer, query(&["name"], None, 2));
        let bytes = String::from_utf8(read[0].cursor.as_bytes().to_vec()).unwrap();
        // The first page ended before the first state; this is the state behind it.
        bytes.replace("\n-", "\n{\"at\":3}").into_bytes()
    });
    let read = whole(&singer, query(&["name"], Some(from), 10));
    assert_eq!(ids(&read), ["2", "-1"]);
    let Change::Upsert(found) = &read[0].changes[0] else { panic!() };
    assert_eq!(found.record.field("name").value().unwrap().to_value(), Value::text("new"));
}

#[test]
fn what_cannot_be_read_is_named_by_its_line_and_the_rest_goes_on() {
    let lines = [
        named(1),
        record(json!({ "id": 2, "name": 5 })),
        r#"{"type":"RECORD","stream":"customer","record":{"id":NaN}}"#.to_owned(),
        record(json!({ "name": "no key" })),
        record(json!({ "id": 3, "price": "12,50" })),
        String::new(),
        named(4),
    ];
    let tap = FakeTap::new(properties(), &lines);
    let singer = open(tap.config(StreamConfig { complete: true, ..StreamConfig::default() }));
    let read = whole(&singer, query(&["name", "price"], None, 10));
    assert_eq!(ids(&read), ["1", "!2", "!", "!", "!3", "4"]);
    let told = problems(&read);
    for (told, words) in told.iter().zip([
        "customer line 3: name: a number where a text",
        "customer line 4: the line is no Singer message",
        "customer line 5: id: the key is blank",
        "customer line 6: price: ",
    ]) {
        assert!(told.starts_with(words), "{told}");
    }
    assert_eq!(told.len(), 4);
    assert_eq!(read.last().unwrap().end, Some(End::Partial), "a line may have been any record");
    // Another field is not concerned.
    assert_eq!(ids(&whole(&singer, query(&["name"], None, 10)))[4], "3");
}

#[test]
fn a_line_of_other_bytes_or_without_an_end_is_named_and_not_kept() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    let endless = "head -c 40000000 /dev/zero | tr '\\0' x\nprintf '\\n{\"type\":\"RECORD\\377\"}\\n'\n";
    tap.runs_then(&format!("{endless}tail -n 1 \"$dir/messages\""));
    let singer = open(tap.config(StreamConfig::default()));
    let read = whole(&singer, query(&["name"], None, 10));
    assert_eq!(ids(&read), ["1", "!", "!"], "one record of one key came twice");
    let told = problems(&read);
    assert!(
        told[0].contains("line 3: the line is longer")
            && told[1].contains("line 4: ")
            && told[1].contains("UTF-8"),
        "{told:?}"
    );
}

#[test]
fn what_is_no_message_of_the_protocol_is_refused_by_name() {
    let batch = r#"{"type":"BATCH","stream":"customer","manifest":["file:///x"]}"#.to_owned();
    for (line, kind, words) in [
        (batch, ErrorKind::Unsupported, "of the type BATCH"),
        ("INFO: 4 records".to_owned(), ErrorKind::Data, "not only messages"),
    ] {
        let tap = FakeTap::new(properties(), &[named(1), line, named(2)]);
        let (read, error) = pages(&open(tap.config(StreamConfig::default())), query(&["name"], None, 1));
        let error = error.unwrap();
        assert_eq!((ids(&read), error.kind()), (vec!["1".to_owned()], kind));
        assert!(everything(&error).contains(words) && everything(&error).contains("line 3"), "{error}");
        assert!(read.iter().all(|page| page.end.is_none()));
    }
}

#[test]
fn a_tap_that_fails_cuts_the_feed_off_and_tells_why_without_its_settings() {
    let tap = FakeTap::new(properties(), &[named(1), "STATE".into(), named(2)]);
    tap.runs_then("echo 'old trouble' >&2; echo \"login with s3cret-of-the-tap refused\" >&2; exit 3");
    let singer = open(tap.config(incremental()));
    let (read, error) = pages(&singer, query(&["name"], None, 1));
    let told = everything(&error.unwrap());
    assert_eq!(ids(&read), ["1", "2"]);
    assert!(read.iter().all(|page| page.end.is_none()), "no end is said");
    assert!(told.contains("exit status: 3") && told.contains("login with *** refused"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    // What was read before is not lost.
    tap.runs_then("");
    assert_eq!(ids(&whole(&singer, query(&["name"], Some(read[1].cursor.clone()), 9))), ["2"]);
    assert!(!format!("{singer:?}").contains("s3cret"));
}

#[test]
fn a_tap_that_is_killed_or_not_there_or_says_no_catalog_is_an_error() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    tap.runs_then("kill -9 $$");
    let (_, error) = pages(&open(tap.config(StreamConfig::default())), query(&["name"], None, 9));
    assert!(everything(&error.unwrap()).contains("signal: 9"));
    let nowhere =
        Singer::open(SingerConfig::new("/nowhere/tap-x", json!({ "token": "t0ken-t0ken" }))).unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
    assert!(nowhere.remedy().is_some() && !everything(&nowhere).contains("t0ken"), "{nowhere}");
    tap.put("catalog.json", b"INFO starting\n{}");
    let told = Singer::open(tap.config(StreamConfig::default())).unwrap_err();
    assert!(told.to_string().contains("catalog"), "{told}");
}

#[test]
fn a_tap_that_hangs_is_given_up() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    tap.runs_then("exec sleep 600");
    let config = SingerConfig { silence_seconds: 1, grace_ms: 1, ..tap.config(StreamConfig::default()) };
    let (_, error) = pages(&open(config), query(&["name"], None, 9));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(everything(&error).contains("silence_seconds"), "{error}");
    tap.runs("while :; do echo '{\"type\":\"STATE\",\"value\":{}}'; sleep 0.1; done");
    let config = SingerConfig { total_seconds: 1, grace_ms: 1, ..tap.config(StreamConfig::default()) };
    let (_, error) = pages(&open(config), query(&["name"], None, 9));
    assert!(everything(&error.unwrap()).contains("total_seconds"));
}

/// Waits until there is no such process, not even one that nobody has waited for.
fn ends(pid: &str) {
    let gone =
        format!("n=0; while kill -0 {pid} 2>/dev/null; do n=$((n+1)); [ $n -lt 20000000 ] || exit 1; done");
    assert!(
        Command::new("sh").args(["-c", &gone]).status().unwrap().success(),
        "process {pid} is still there"
    );
}

/// The first page of a run of a tap that never ends, and the tap's process.
fn first_page(tap: &FakeTap, singer: &Singer) -> (PageStream, String) {
    let mut stream = block_on(singer.read(query(&["name"], None, 2))).unwrap();
    let page = block_on(stream.next()).unwrap().unwrap();
    assert_eq!(ids(&[page]), ["1", "2"]);
    let pid = std::fs::read_to_string(tap.path("pid")).unwrap();
    (stream, pid.trim().to_owned())
}

#[test]
fn a_stream_that_is_dropped_ends_its_tap_and_leaves_nothing_behind() {
    let tap = FakeTap::new(properties(), &[named(1), named(2)]);
    for endless in
        ["exec sleep 600", "while :; do tail -n 2 \"$dir/messages\" || exit; done", "exec yes INFO"]
    {
        tap.runs(&format!(
            "echo $$ > \"$dir/pid\"; echo \"$config\" > \"$dir/file\"; cat \"$dir/messages\"; {endless}"
        ));
        let singer = open(SingerConfig { grace_ms: 1, ..tap.config(StreamConfig::default()) });
        let (mut stream, pid) = first_page(&tap, &singer);
        if endless.contains("sleep") {
            // The next page is begun, and its thread waits for the tap.
            let mut next = stream.next();
            let waker = futures::task::noop_waker();
            let mut context = std::task::Context::from_waker(&waker);
            assert!(std::future::Future::poll(std::pin::Pin::new(&mut next), &mut context).is_pending());
        }
        drop(stream);
        ends(&pid);
        let file = std::fs::read_to_string(tap.path("file")).unwrap();
        while std::path::Path::new(file.trim()).exists() {
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_settings_are_for_this_user_only_and_the_tap_sees_no_other_variables() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    let look = "ls -l \"$config\" \"$catalog\" | cut -c1-10 > \"$dir/modes\"; cat \"$config\" > \"$dir/settings\"; env > \"$dir/env\"; ps -o args= -p $$ > \"$dir/args\"; ";
    tap.runs(&format!("{look} cat \"$dir/messages\""));
    let config =
        SingerConfig { variables: vec!["CARGO_MANIFEST_DIR".into()], ..tap.config(StreamConfig::default()) };
    whole(&open(config), query(&["name"], None, 9));
    let saw = |name: &str| std::fs::read_to_string(tap.path(name)).unwrap();
    assert_eq!(saw("modes"), "-rw-------\n-rw-------\n");
    let settings: Json = serde_json::from_str(&saw("settings")).unwrap();
    assert_eq!(settings["password"], "s3cret-of-the-tap");
    assert!(!saw("args").contains("s3cret"));
    let env = saw("env");
    assert!(env.contains("CARGO_MANIFEST_DIR=") && env.contains("PATH="), "{env}");
    assert!(!env.contains("CARGO_PKG_NAME"), "{env}");
}

#[test]
fn another_schema_in_a_run_is_ours_after_the_next_discovery() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    let singer = open(tap.config(StreamConfig::default()));
    let mut more = properties();
    more["mail"] = json!({ "type": "string" });
    tap.says(more.clone());
    let known = |singer: &Singer| {
        let schema = block_on(singer.discover(&["customer".into()])).unwrap();
        schema.entity("customer").unwrap().field("mail").is_some()
    };
    whole(&singer, query(&["name"], None, 9));
    assert!(!known(&singer), "the run spoke of the schema of the catalog");
    let schema = json!({ "type": "SCHEMA", "stream": "customer", "schema": { "properties": more }, "key_properties": ["id"] });
    let with_mail = record(json!({ "id": 2, "name": "x", "mail": "x@adatum.example" }));
    tap.put("messages", format!("{schema}\n{with_mail}\n").as_bytes());
    assert_eq!(ids(&whole(&singer, query(&["name"], None, 9))), ["2"]);
    assert!(known(&singer));
    let other_key = schema.to_string().replace("[\"id\"]", "[\"name\"]");
    tap.put("messages", format!("{other_key}\n").as_bytes());
    let (_, error) = pages(&singer, query(&["name"], None, 9));
    assert!(error.unwrap().to_string().contains("another key"));
}

#[test]
fn records_are_looked_up_by_a_run_over_all_of_them() {
    let gone = record(json!({ "id": 3, "_sdc_deleted_at": "2024-03-01T00:00:00Z" }));
    let lines = [
        named(1),
        record(json!({ "id": 2, "name": "name 1" })),
        named(3),
        named(4),
        gone,
        record(json!({ "id": 5, "name": 5 })),
    ];
    let tap = FakeTap::new(properties(), &lines);
    let singer = open(tap.config(StreamConfig::default()));
    let fetch = |by: FetchBy| -> Result<Vec<Lookup>> {
        let shape = query(&["id"], None, 1).shape;
        block_on(singer.fetch(FetchQuery { entity: "customer".into(), shape, by }))
    };
    let found = fetch(FetchBy::Ids([4, 3, 9].map(RecordId::int).to_vec())).unwrap();
    let [Lookup::Found(four), Lookup::Hidden, Lookup::Hidden] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(four.record.field("id").value().unwrap().to_value(), Value::Int(4));
    let by = |name: &str| FetchBy::Key { fields: vec!["name".into()], values: vec![vec![Value::text(name)]] };
    assert_eq!(fetch(by("name 1")).unwrap(), [Lookup::Several(vec![RecordId::int(1), RecordId::int(2)])]);
    assert!(matches!(fetch(by("name 4")).unwrap().as_slice(), [Lookup::Found(_)]));
    assert_eq!(fetch(by("nobody")).unwrap(), [Lookup::Unanswered], "the name of record 5 cannot be read");
}

#[test]
fn what_a_stream_does_not_have_is_named() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    let singer = open(tap.config(StreamConfig::default()));
    let (_, error) = pages(&singer, query(&["nothing"], None, 9));
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("nothing"), "{error}");
    for bytes in [&b""[..], b"singer 1 x 8 customer\n-"] {
        let (_, error) = pages(&singer, query(&["name"], Some(Cursor::new(bytes)), 9));
        assert_eq!(error.unwrap().kind(), ErrorKind::CursorExpired);
    }
    let config = SingerConfig { silence_seconds: 0, ..tap.config(StreamConfig::default()) };
    assert!(Singer::open(config).unwrap_err().to_string().contains("silence_seconds"));
}

#[test]
fn a_tap_is_opened_from_a_configuration_and_settings_that_are_wrong_are_named() {
    let tap = FakeTap::new(properties(), &[named(1)]);
    let mut config = json!({
        "command": "sh", "args": [tap.path("tap.sh")], "config": { "token": "t0ken-t0ken" }, "catalog": null,
        "catalog_flag": "--properties", "variables": [], "folder": tap.path("."), "silence_seconds": 9, "total_seconds": 9,
        "grace_ms": 9, "identity": "shop-42", "label": "Shop",
        "streams": { "customer": { "complete": true, "tombstones": true, "replication": "log_based", "replication_key": "id",
                                   "key": ["id"], "modified": "at", "fields": { "name": { "type": "int" } } } },
    });
    let open = |config: &Json| Registry::standard().open("singer", config.clone());
    let singer = open(&config).unwrap();
    assert_eq!((singer.info().identity.as_str(), singer.info().label.as_str()), ("shop-42", "Shop"));
    let can = singer.capabilities(&"customer".into());
    assert!(can.tombstones && can.complete_enumeration && can.changes && !can.is_writable());
    let schema = block_on(singer.discover(&["customer".into()])).unwrap();
    assert_eq!(schema.entity("customer").unwrap().field("name").unwrap().kind, FieldKind::Int);
    config["streams"]["customer"]["replicaton"] = json!("full_table");
    let told = open(&config).unwrap_err();
    assert!(everything(&told).contains("replicaton") && !everything(&told).contains("t0ken"), "{told}");
    config["streams"] = json!({ "custmer": {} });
    let told = open(&config).unwrap_err();
    assert!(told.remedy().is_some_and(|remedy| remedy.contains("customer")), "{told}");
}
