//! A server that says yes to what it does not do: the connector notices, and declares less from then on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use seamless_core::ErrorKind;
use seamless_core::connector::{
    Change, Connector, End, Expects, Proof, RefusalKind, Target, Verb, WriteOutcome, WriteReturns,
};
use seamless_core::model::Version;
use serde_json::json;

use super::loopback::{Reply, Seen, Server, say};
use super::server::{METADATA, account, guid, list};
use super::{end, id, names, op, open, pages, query, serve, update, write};

fn version() -> Expects {
    Expects::Version(Version::new("W/\"former\""))
}

/// A server that takes every write, whatever its precondition says.
fn ignores_if_match(seen: &Seen) -> Reply {
    match seen.method.as_str() {
        "GET" => say(200, &list(&[account(1, "a"), account(2, "b")], "")),
        _ => say(200, &account(1, "written")),
    }
}

#[test]
fn where_if_match_is_ignored_nothing_is_written_under_it_and_updates_are_not_conditional_any_more() {
    let server = serve(ignores_if_match);
    let service = open(&server, json!({ "batch": "none" }));
    let entity = "Accounts".into();
    assert!(service.capabilities(&entity).conditional_update);
    let outcomes = write(&service, vec![update(1, "ours", version()), update(2, "ours", version())]).unwrap();
    for outcome in &outcomes {
        let WriteOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
        assert_eq!(refusal.why, RefusalKind::Stale);
        assert!(refusal.error.to_string().contains("If-Match"), "{}", refusal.error);
    }
    assert!(!service.capabilities(&entity).conditional_update);
    // Only the question was sent, and it changes nothing.
    let sent = server.seen_of("PATCH");
    assert!(
        sent.len() == 1 && sent[0].body == "{}" && sent[0].header("if-match") != "W/\"former\"",
        "{sent:?}"
    );
    // The next plan asks for nothing, and is written.
    let outcomes = write(&service, vec![update(1, "ours", Expects::Anything)]).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Applied { .. }), "{outcomes:?}");
}

/// A server that heeds tags is asked once, and never again.
#[test]
fn where_if_match_is_heeded_one_question_is_asked_and_the_writes_go_on() {
    let server = serve(|seen| match (seen.method.as_str(), seen.header("if-match")) {
        ("PATCH", "W/\"former\"") => say(200, &account(1, "written")),
        ("PATCH", _) => say(412, "{}"),
        _ => say(200, &list(&[account(1, "a")], "")),
    });
    let service = open(&server, json!({ "batch": "none" }));
    for _ in 0..2 {
        let outcomes = write(&service, vec![update(1, "ours", version())]).unwrap();
        assert!(
            matches!(&outcomes[0], WriteOutcome::Applied { proof: Proof::Stored(_), .. }),
            "{outcomes:?}"
        );
    }
    assert_eq!(server.seen_of("PATCH").len(), 3);
    let stale = Expects::Version(Version::new("W/\"older\""));
    let outcomes = write(&service, vec![update(1, "ours", stale)]).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Stale));
    assert!(service.capabilities(&"Accounts".into()).conditional_update);
}

#[test]
fn records_without_a_tag_take_the_conditional_update_back() {
    let server = serve(|_| say(200, &list(&[format!(r#"{{"id":"{}","name":"a"}}"#, guid(1))], "")));
    let service = open(&server, json!({}));
    assert!(service.capabilities(&"Accounts".into()).conditional_update);
    pages(&service, query(10)).unwrap();
    assert!(!service.capabilities(&"Accounts".into()).conditional_update);
}

#[test]
fn writes_that_return_nothing_prove_nothing_and_say_so_from_then_on() {
    let server = serve(|seen| match seen.method.as_str() {
        "GET" => say(200, &list(&[account(1, "a")], "")),
        _ => say(204, ""),
    });
    let service = open(&server, json!({ "batch": "none" }));
    let outcomes = write(&service, vec![update(1, "x", Expects::Anything)]).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Applied { proof: Proof::None, .. }), "{outcomes:?}");
    assert_eq!(service.capabilities(&"Accounts".into()).write_returns, WriteReturns::Nothing);
    // A create without its record and without an address: nobody knows which record it is.
    let made = op(Target::New(None), Verb::Create, "new", Expects::Missing);
    assert!(matches!(&write(&service, vec![made]).unwrap()[0], WriteOutcome::Ambiguous(_)));
}

fn delta_service(tokens: fn(&Seen) -> Reply) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        if seen.target.contains("$deltatoken") {
            return tokens(seen);
        }
        assert!(seen.header("prefer").contains("odata.track-changes"), "{seen:?}");
        say(
            200,
            &list(&[account(1, "a"), account(2, "b")], r#","@odata.deltaLink":"Accounts?$deltatoken=1""#),
        )
    }
}

const DELTA: &str = r#"{"sets":{"Accounts":{"changes":"delta"}}}"#;

fn changes_from(service: &seamless_connectors::odata::OData) -> seamless_core::connector::Cursor {
    let found = pages(service, query(1)).unwrap();
    assert_eq!(names(&found), ["a", "b"]);
    match end(&found) {
        End::Complete(whole) => whole.changes_from.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn delta_links_give_what_changed_and_what_was_deleted() {
    let server = serve(delta_service(|seen| {
        let new = seen.target.contains("=1");
        let removed = [
            format!(r#"{{"@removed":{{"reason":"deleted"}},"id":"{}"}}"#, guid(2)),
            format!(
                r#"{{"@odata.context":"$metadata#Accounts/$deletedEntity","id":"Accounts({})","reason":"deleted"}}"#,
                guid(3)
            ),
            // Out of sight proves nothing.
            format!(r#"{{"@removed":{{"reason":"changed"}},"id":"{}"}}"#, guid(4)),
        ];
        let mut rows = vec![account(1, "edited")];
        rows.extend(removed);
        if !new {
            rows.clear();
        }
        say(
            200,
            &format!(
                r#"{{"@odata.context":"$metadata#Accounts/$delta","value":[{}],"@odata.deltaLink":"Accounts?$deltatoken=2"}}"#,
                rows.join(",")
            ),
        )
    }));
    let service = open(&server, serde_json::from_str(DELTA).unwrap());
    let from = changes_from(&service);
    for size in [1, 2, 10] {
        let found =
            pages(&service, seamless_core::connector::ReadQuery { after: Some(from.clone()), ..query(size) })
                .unwrap();
        assert!(found.iter().all(|page| page.changes.len() <= size));
        assert_eq!(names(&found), ["edited"]);
        let buried: Vec<_> = found
            .iter()
            .flat_map(|page| &page.changes)
            .filter_map(|change| match change {
                Change::Deleted(tombstone) => Some(tombstone.id.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(buried, [id(2), id(3)]);
        assert!(matches!(end(&found), End::CaughtUp { low_water: None }));
        let next = found.last().unwrap().cursor.clone();
        let quiet = pages(&service, seamless_core::connector::ReadQuery { after: Some(next), ..query(size) })
            .unwrap();
        assert!(quiet.iter().all(|page| page.changes.is_empty()));
    }
}

#[test]
fn a_delta_token_that_is_too_old_or_ignored_is_an_expired_cursor() {
    let gone: fn(&Seen) -> Reply = |_| say(410, "{}");
    let bad: fn(&Seen) -> Reply = |_| say(400, "{}");
    // Everything once more, with 200: what looks like a change of every record is none.
    let ignored: fn(&Seen) -> Reply = |_| {
        say(
            200,
            &list(&[account(1, "a"), account(2, "b")], r#","@odata.deltaLink":"Accounts?$deltatoken=2""#),
        )
    };
    for (tokens, stays) in [(gone, true), (bad, true), (ignored, false)] {
        let server = serve(delta_service(tokens));
        let service = open(&server, serde_json::from_str(DELTA).unwrap());
        let from = changes_from(&service);
        let query = seamless_core::connector::ReadQuery { after: Some(from), ..query(10) };
        assert_eq!(pages(&service, query).unwrap_err().kind(), ErrorKind::CursorExpired);
        let can = service.capabilities(&"Accounts".into());
        assert_eq!((can.changes, can.tombstones), (stays, stays));
    }
}

#[test]
fn a_stamp_that_is_empty_takes_the_feed_back() {
    let server = serve(|_| {
        let row = format!(r#"{{"@odata.etag":"x","id":"{}","name":"a","changed":null}}"#, guid(1));
        say(200, &list(&[row], ""))
    });
    let service =
        open(&server, json!({ "sets": { "Accounts": { "changes": "modified", "modified": "changed" } } }));
    assert!(service.capabilities(&"Accounts".into()).changes);
    let found = pages(&service, query(10)).unwrap();
    assert!(matches!(end(&found), End::Complete(whole) if whole.changes_from.is_none()));
    assert!(!service.capabilities(&"Accounts".into()).changes);
}

/// A property is dropped and another one comes, while we are connected.
#[test]
fn the_schema_is_live_and_a_field_that_is_gone_is_named() {
    let moved = Arc::new(AtomicBool::new(false));
    let is_moved = Arc::clone(&moved);
    let server = Server::start(move |seen| {
        let moved = is_moved.load(Ordering::Relaxed);
        if seen.target.starts_with("/api/$metadata") {
            let now = METADATA.replace(r#"Name="credit""#, r#"Name="limit""#);
            return say(200, if moved { &now } else { METADATA });
        }
        if moved && seen.target.contains("credit") {
            say(400, "{}")
        } else {
            say(200, &list(&[account(1, "a")], ""))
        }
    });
    let service = open(&server, json!({}));
    assert_eq!(names(&pages(&service, query(10)).unwrap()), ["a"]);
    moved.store(true, Ordering::Relaxed);
    let error = pages(&service, query(10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("credit"), "{error}");
    let schema = block_on(service.discover(&["Accounts".into()])).unwrap();
    let entity = schema.entity("Accounts").unwrap();
    assert!(entity.field("limit").is_some() && entity.field("credit").is_none());
}
