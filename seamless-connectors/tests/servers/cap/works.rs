//! What a set-up of this server shows beside the kit: many pages, digits, batches with bad records, edits at once, requests
//! that are too large, and what is taken back because the server does not do it.

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::odata::OData;
use seamless_core::connector::{
    Change, Connector, End, Expects, FetchBy, FetchQuery, Lookup, Page, Proof, ReadQuery, RefusalKind,
    WriteOutcome,
};
use seamless_core::model::{Condition, FieldKind, Record, RecordId, Shape, Value, Version};
use serde_json::json;

use super::{create, decimal, delete, guid, open, patch, unique, update, write};

fn query(entity: &str, fields: &[&str], size: usize) -> ReadQuery {
    ReadQuery {
        entity: entity.into(),
        shape: Shape::new(fields.iter().map(|name| (*name).into())).unwrap(),
        condition: Condition::Always,
        after: None,
        page_records_max: size,
    }
}

async fn pages(service: &OData, query: ReadQuery) -> Vec<Page> {
    service.read(query).await.unwrap().map(|page| page.unwrap()).collect().await
}

fn ids(pages: &[Page]) -> Vec<RecordId> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let of = |change: &Change| match change {
        Change::Upsert(found) => found.id.clone(),
        other => panic!("{other:?}"),
    };
    changes.map(of).collect()
}

fn version(outcome: &WriteOutcome) -> Version {
    match outcome {
        WriteOutcome::Applied { proof: Proof::Stored(stored), .. } => stored.version.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: &WriteOutcome) -> &RefusalKind {
    match outcome {
        WriteOutcome::Refused(refusal) => &refusal.why,
        other => panic!("{other:?}"),
    }
}

/// The server has 1200 products and more than one page of its own.
#[test]
fn many_records_are_read_once_each_and_a_page_is_a_request() {
    block_on(async {
        for (paging, size) in [("key", 100), ("key", 1000), ("server", 100), ("server", 1000)] {
            let service = open(json!({ "sets": { "Products": { "paging": paging } } }));
            let before = service.traffic();
            let found = pages(&service, query("Products", &["title", "price"], size)).await;
            let mut seen = ids(&found);
            let seeded = seen.iter().filter(|id| id.as_text().is_some_and(|id| id.starts_with("P0"))).count();
            assert_eq!(seeded, 1200, "{paging} {size}");
            let count = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), count, "each record comes once");
            let spent = service.traffic().since(&before).requests;
            println!("{count} records by {paging} in pages of {size}: {spent} requests");
            assert!(spent <= (count / size) as u64 + 2, "{spent} requests");
            let complete = matches!(found.last().unwrap().end, Some(End::Complete(_)));
            assert_eq!(complete, paging == "key", "links that are counted from the start promise nothing");
        }
    });
}

/// 0.1 and its like pass through no binary number, and whole numbers keep all digits.
#[test]
fn digits_come_back_as_they_were_sent() {
    block_on(async {
        let service = open(json!({}));
        let id = guid(0x7001, unique() & 0xffff_ffff_ffff);
        for (money, whole) in [("1234567890123.45", i64::MAX), ("0.07", (1 << 53) + 1), ("-0.01", i64::MIN)] {
            let values = [
                ("name", Value::text("digits")),
                ("creditLimit", decimal(money)),
                ("turnover", Value::Int(whole)),
            ];
            let made = write(&service, "Accounts", vec![create(&id, &values)]).await;
            let WriteOutcome::Applied { proof: Proof::Stored(stored), .. } = &made[0] else {
                panic!("{made:?}")
            };
            for held in [stored.record.field("creditLimit"), stored.record.field("turnover")] {
                let said = held.value().unwrap().to_value();
                assert!(said == decimal(money) || said == Value::Int(whole), "{said:?}");
            }
            write(&service, "Accounts", vec![delete(&id)]).await;
        }
    });
}

/// One that is refused undoes no other, in both forms of batches and without any.
#[test]
fn each_operation_of_a_batch_has_its_own_outcome() {
    block_on(async {
        for form in ["json", "multipart", "none"] {
            let service = open(json!({ "batch": form }));
            let run = unique() & 0xffff_ffff_0000;
            let id = |number: u64| guid(0x7002, run + number);
            let name = |text: &str| [("name", Value::text(text))];
            let made: Vec<_> = (0..6).map(|number| create(&id(number), &name("made"))).collect();
            let made = write(&service, "Accounts", made).await;
            let stale = version(&made[2]);
            write(&service, "Accounts", vec![update(&id(2), &name("by somebody"), Expects::Anything)]).await;
            let before = service.traffic();
            let outcomes = write(
                &service,
                "Accounts",
                vec![
                    update(&id(0), &name("zero"), Expects::Version(version(&made[0]))),
                    update(&id(99), &name("nobody"), Expects::Anything),
                    update(&id(2), &name("two"), Expects::Version(stale)),
                    create(&id(3), &name("again")),
                    update(&id(4), &[("name", Value::Null)], Expects::Anything),
                    update(&id(5), &name("five"), Expects::Version(version(&made[5]))),
                    create(&id(6), &name("six")),
                ],
            )
            .await;
            assert!(matches!(&outcomes[0], WriteOutcome::Applied { .. }), "{form}: {outcomes:?}");
            assert_eq!(refusal(&outcomes[1]), &RefusalKind::Missing, "{form}");
            assert_eq!(refusal(&outcomes[2]), &RefusalKind::Stale, "{form}");
            assert_eq!(refusal(&outcomes[3]), &RefusalKind::KeyTaken { by: Some(id(3)) }, "{form}");
            assert_eq!(refusal(&outcomes[4]), &RefusalKind::Invalid { field: Some("name".into()) }, "{form}");
            for done in [5, 6] {
                assert!(matches!(&outcomes[done], WriteOutcome::Applied { .. }), "{form}: {outcomes:?}");
            }
            println!("{form}: {:?}", service.traffic().since(&before));
            let shape = Shape::new(["name".into()]).unwrap();
            let by = FetchBy::Ids((0..7).map(id).collect());
            let found = service.fetch(FetchQuery { entity: "Accounts".into(), shape, by }).await.unwrap();
            let names: Vec<String> = found
                .iter()
                .map(|found| match found {
                    Lookup::Found(found) => found.record.text(0).unwrap_or_default().to_owned(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(names, ["zero", "made", "by somebody", "made", "made", "five", "six"], "{form}");
            write(&service, "Accounts", (0..7).map(|number| delete(&id(number))).collect()).await;
        }
    });
}

/// The server takes bodies of 100 kB. What is larger is divided, and what cannot be is refused with its field.
#[test]
fn a_batch_that_is_too_large_is_sent_in_halves() {
    block_on(async {
        let service = open(json!({ "batch_bytes_max": 10_000_000 }));
        let run = unique() & 0xffff_ffff_0000;
        let id = |number: u64| guid(0x7003, run + number);
        let note = "n".repeat(5_000);
        let values = [("name", Value::text("large")), ("notes", Value::text(&note))];
        let made: Vec<_> = (0..60).map(|number| create(&id(number), &values)).collect();
        let before = service.traffic();
        let outcomes = write(&service, "Accounts", made).await;
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Applied { .. })),
            "{outcomes:?}"
        );
        let spent = service.traffic().since(&before);
        assert!(spent.requests > 3 && spent.requests < 12, "{spent:?}");
        let huge = update(&id(0), &[("notes", Value::text(&"n".repeat(200_000)))], Expects::Anything);
        let outcomes = write(&service, "Accounts", vec![huge]).await;
        assert_eq!(refusal(&outcomes[0]), &RefusalKind::Invalid { field: Some("notes".into()) });
        write(&service, "Accounts", (0..60).map(|number| delete(&id(number))).collect()).await;
    });
}

/// Two clients expect the same state; one of them writes.
#[test]
fn of_edits_at_once_one_is_stale() {
    block_on(async {
        let (one, two) = (open(json!({})), open(json!({})));
        let id = guid(0x7004, unique() & 0xffff_ffff_ffff);
        let made = write(&one, "Accounts", vec![create(&id, &[("name", Value::text("race"))])]).await;
        let mut now = version(&made[0]);
        for round in 0..10 {
            let text = |who: &str| Value::text(&format!("{who} {round}"));
            let (a, b) = futures::future::join(
                write(
                    &one,
                    "Accounts",
                    vec![update(&id, &[("name", text("a"))], Expects::Version(now.clone()))],
                ),
                write(
                    &two,
                    "Accounts",
                    vec![update(&id, &[("name", text("b"))], Expects::Version(now.clone()))],
                ),
            )
            .await;
            let outcomes = [&a[0], &b[0]];
            let done: Vec<_> =
                outcomes.iter().filter(|outcome| matches!(outcome, WriteOutcome::Applied { .. })).collect();
            assert_eq!(done.len(), 1, "{outcomes:?}");
            now = version(done[0]);
        }
        write(&one, "Accounts", vec![delete(&id)]).await;
    });
}

/// CAP gives no delta links. That is noticed at the first full reading, and nothing is promised from then on.
#[test]
fn a_feed_that_is_not_there_is_taken_back() {
    block_on(async {
        let service = open(json!({ "sets": { "Products": { "changes": "delta" } } }));
        assert!(
            service.capabilities(&"Products".into()).changes
                && service.capabilities(&"Products".into()).tombstones
        );
        let found = pages(&service, query("Products", &["title"], 1000)).await;
        assert!(ids(&found).len() >= 1200);
        let can = service.capabilities(&"Products".into());
        assert!(!can.changes && !can.tombstones);
        let Some(End::Complete(whole)) = &found.last().unwrap().end else { panic!("{:?}", found.last()) };
        assert!(whole.changes_from.is_none());
    });
}

/// An order and its lines are one record: made, read, changed and emptied in one write each.
#[test]
fn lines_are_written_and_read_with_their_order() {
    block_on(async {
        let service = open(json!({ "sets": { "Orders": { "children": ["items"] } } }));
        let entity = service.discover(&["Orders".into()]).await.unwrap();
        let items = entity.entity("Orders").unwrap().field("items").unwrap();
        assert_eq!(items.kind, FieldKind::List { entity: "Orders_items".into() });
        let id = guid(0x7005, unique() & 0xffff_ffff_ffff);
        let line = |pos: i64, qty: &str| patch(&[("pos", Value::Int(pos)), ("qty", decimal(qty))]);
        let lines = |lines: Vec<Record>| ("items", Value::List(lines.into()));
        let held = async || {
            let shape = Shape::new(["orderNo".into(), "items".into()]).unwrap();
            let by = FetchBy::Ids(vec![id.clone()]);
            let found = service.fetch(FetchQuery { entity: "Orders".into(), shape, by }).await.unwrap();
            let [Lookup::Found(found)] = &found[..] else { panic!("{found:?}") };
            let Some(Value::List(lines)) = found.record.field("items").value().map(|value| value.to_value())
            else {
                panic!("{found:?}")
            };
            let text = |line: &Record, name: &str| line.field(name).value().unwrap().to_string();
            let mut lines: Vec<_> = lines.iter().map(|line| (text(line, "pos"), text(line, "qty"))).collect();
            lines.sort();
            (found.version.clone().unwrap(), lines)
        };
        let pair = |pos: &str, qty: &str| (pos.to_owned(), qty.to_owned());
        let made =
            create(&id, &[("orderNo", Value::text("O-1")), lines(vec![line(1, "1.5"), line(2, "2.25")])]);
        let made = write(&service, "Orders", vec![made]).await;
        let (first, read) = held().await;
        assert_eq!(read, [pair("1", "1.500"), pair("2", "2.250")]);
        assert_eq!(version(&made[0]), first);
        let edit =
            update(&id, &[lines(vec![line(2, "7"), line(3, "0.001")])], Expects::Version(first.clone()));
        let edited = write(&service, "Orders", vec![edit.clone()]).await;
        let (second, read) = held().await;
        assert_eq!(read, [pair("2", "7.000"), pair("3", "0.001")]);
        assert!(version(&edited[0]) == second && second != first);
        assert_eq!(refusal(&write(&service, "Orders", vec![edit]).await[0]), &RefusalKind::Stale);
        let wrong = update(&id, &[lines(vec![line(4, "0.0001")])], Expects::Anything);
        let refused = write(&service, "Orders", vec![wrong]).await;
        assert_eq!(refusal(&refused[0]), &RefusalKind::Invalid { field: Some("items".into()) });
        write(&service, "Orders", vec![update(&id, &[lines(Vec::new())], Expects::Anything)]).await;
        assert_eq!(held().await.1, []);
        write(&service, "Orders", vec![delete(&id)]).await;
    });
}
