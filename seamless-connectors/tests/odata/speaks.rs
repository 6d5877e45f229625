//! What is sent and how answers are taken: links, headers, tokens, patience, batches, literals.

use std::sync::Mutex;
use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::odata::ODataConfig;
use seamless_connectors::registry::Registry;
use seamless_core::ErrorKind;
use seamless_core::connector::{
    Connector, Expects, FetchBy, FetchQuery, Lookup, Proof, ReadQuery, RefusalKind, Target, Verb,
    WriteOutcome,
};
use seamless_core::model::{Comparison, Condition, Retry, Shape, Value};
use serde_json::{Value as Json, json};

use super::loopback::{Reply, Seen, Server, say};
use super::server::{account, guid, list};
use super::{SECRET, id, names, op, open, pages, query, serve, update, write};

const SERVER_PAGES: &str = r#"{"sets":{"Accounts":{"paging":"server"}}}"#;

/// A server that begins anew where a link comes without the headers of the first request.
#[test]
fn links_relative_absolute_and_encoded_are_followed_with_the_headers_of_the_first_request() {
    for form in [
        "Accounts?$skiptoken=%20a%2Bb",
        "Accounts?%24skiptoken=%20a%2Bb",
        "/api/Accounts?$skiptoken=%20a%2Bb",
        "ABSOLUTE",
    ] {
        let server = serve(move |seen| {
            let same = seen.header("prefer").contains("odata.maxpagesize=2")
                && seen.header("accept").contains("IEEE754Compatible=true")
                && seen.header("x-company") == "CRONUS";
            if !same {
                return say(400, r#"{"error":{"message":"other headers"}}"#);
            }
            if seen.target.contains("$skiptoken= a+b") {
                return say(200, &list(&[account(3, "c")], ""));
            }
            let host = seen.header("host");
            let link = form.replace("ABSOLUTE", &format!("http://{host}/api/Accounts?$skiptoken=%20a%2Bb"));
            say(200, &list(&[account(1, "a"), account(2, "b")], &format!(r#","@odata.nextLink":"{link}""#)))
        });
        let mut settings: Json = serde_json::from_str(SERVER_PAGES).unwrap();
        settings["headers"] = json!({ "x-company": "CRONUS" });
        let service = open(&server, settings);
        assert_eq!(names(&pages(&service, query(2)).unwrap()), ["a", "b", "c"], "{form}");
    }
}

/// What the server gives too much of is kept for the next page, and a cursor in the midst of it is good.
#[test]
fn a_page_is_never_larger_than_asked_for_and_any_cursor_goes_on() {
    let server = serve(|seen| {
        if seen.target.contains("skip") {
            return say(200, &list(&[account(4, "d"), account(5, "e")], ""));
        }
        let rows = [account(1, "a"), account(2, "b"), account(3, "c")];
        say(200, &list(&rows, r#","@odata.nextLink":"Accounts?$skip=3""#))
    });
    let service = open(&server, serde_json::from_str(SERVER_PAGES).unwrap());
    let found = pages(&service, query(2)).unwrap();
    assert_eq!(found.iter().map(|page| page.changes.len()).collect::<Vec<_>>(), [2, 1, 2]);
    assert_eq!(server.seen_of("GET").len(), 3, "the metadata and one request for each page of the server");
    for (place, page) in found.iter().enumerate().take(2) {
        let rest = pages(&service, ReadQuery { after: Some(page.cursor.clone()), ..query(10) }).unwrap();
        assert_eq!(names(&rest), [["c", "d", "e"].as_slice(), &["d", "e"]][place]);
    }
}

#[test]
fn a_token_against_forged_requests_is_fetched_when_it_is_asked_for_with_its_cookie() {
    let server = serve(|seen| match seen.method.as_str() {
        "GET" if seen.header("x-csrf-token") == "fetch" => say(200, "{}")
            .with("x-csrf-token", "t0ken")
            .with("set-cookie", "session=s3ss10n; Path=/; HttpOnly"),
        "PATCH" if seen.header("x-csrf-token") == "t0ken" && seen.header("cookie") == "session=s3ss10n" => {
            say(200, &account(1, "x"))
        }
        "PATCH" => say(403, "{}").with("x-csrf-token", "Required"),
        _ => say(200, &list(&[account(1, "a")], "")),
    });
    let service = open(&server, json!({}));
    for _ in 0..2 {
        let outcomes = write(&service, vec![update(1, "x", Expects::Anything)]).unwrap();
        assert!(matches!(&outcomes[0], WriteOutcome::Applied { .. }), "{outcomes:?}");
    }
    assert_eq!(server.seen_of("PATCH").len(), 3, "the token is kept");
    let server = serve(|seen| match seen.method.as_str() {
        "PATCH" => say(403, "{}").with("x-csrf-token", "Required"),
        _ => say(200, "{}"),
    });
    let outcomes = write(&open(&server, json!({})), vec![update(1, "x", Expects::Anything)]).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Refused(refusal) if refusal.why == RefusalKind::Forbidden));
}

#[test]
fn h118_a_system_that_asks_for_patience_is_not_asked_again_and_its_wait_is_passed_on() {
    let busy = |status: u16| move |_: &Seen| say(status, "{}").with("retry-after", "17");
    let seconds = Duration::from_secs(17);
    let wait = Some(seconds);
    for status in [429, 503] {
        let server = serve(busy(status));
        let service = open(&server, json!({}));
        assert_eq!(pages(&service, query(10)).unwrap_err().retry(), Retry::After(seconds));
        let before = server.seen().len();
        let outcomes =
            write(&service, (0..100).map(|number| update(number, "x", Expects::Anything)).collect()).unwrap();
        assert_eq!(outcomes.len(), 100);
        for outcome in &outcomes {
            let WriteOutcome::Refused(refusal) = outcome else { panic!("{outcome:?}") };
            let due = if status == 429 { RefusalKind::Throttled { wait } } else { RefusalKind::Unavailable };
            assert_eq!(refusal.why, due);
        }
        assert_eq!(server.seen().len(), before + 1);
    }
    // Without the header nobody knows whether a machine in between had passed it on.
    let server = serve(|_| say(503, ""));
    let outcomes = write(&open(&server, json!({})), vec![update(1, "x", Expects::Anything)]).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Ambiguous(_)), "{outcomes:?}");
}

#[test]
fn a_status_says_what_became_of_a_write() {
    let invalid = |field: Option<&str>| RefusalKind::Invalid { field: field.map(Into::into) };
    let target = r#"{"error":{"code":"x","message":"no","target":"name"}}"#;
    for (status, body, due) in [
        (400, "{}", Some(invalid(None))),
        (400, target, Some(invalid(Some("name")))),
        (422, target, Some(invalid(Some("name")))),
        (401, "", Some(RefusalKind::Forbidden)),
        (403, "", Some(RefusalKind::Forbidden)),
        (404, "", Some(RefusalKind::Missing)),
        (412, "", Some(RefusalKind::Missing)),
        (413, "", Some(invalid(Some("name")))),
        (428, "", Some(invalid(None))),
        (500, target, None),
        (502, "", None),
        (504, "", None),
    ] {
        let server = serve(move |_| say(status, body));
        let outcomes = write(&open(&server, json!({})), vec![update(1, "x", Expects::Anything)]).unwrap();
        match (&outcomes[0], due) {
            (WriteOutcome::Refused(refusal), Some(due)) => assert_eq!(refusal.why, due, "{status}"),
            (WriteOutcome::Ambiguous(_), None) => {}
            (other, due) => panic!("{status}: {other:?}, {due:?} was due"),
        }
    }
}

/// A server error after a create: the key is looked up before anybody is told that nobody knows.
#[test]
fn a_create_that_fails_is_a_taken_key_only_where_its_record_is_there() {
    let key = id(7);
    for there in [true, false] {
        let server = serve(move |seen| match seen.method.as_str() {
            "POST" => say(500, "{}"),
            _ => say(200, &list(&there.then(|| account(7, "older")).into_iter().collect::<Vec<_>>(), "")),
        });
        let made = op(Target::New(Some(key.clone())), Verb::Create, "new", Expects::Missing);
        let outcomes = write(&open(&server, json!({})), vec![made]).unwrap();
        match (&outcomes[0], there) {
            (WriteOutcome::Refused(refusal), true) => {
                assert_eq!(refusal.why, RefusalKind::KeyTaken { by: Some(key.clone()) });
            }
            (WriteOutcome::Ambiguous(_), false) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The form of batches is found out once, and what was refused for its form was not done.
#[test]
fn a_service_without_batches_is_asked_one_by_one() {
    let server = serve(|seen| match seen.method.as_str() {
        "POST" if seen.header("content-type").starts_with("application/json") => say(415, "{}"),
        "POST" => say(404, "{}"),
        "PATCH" => say(200, &account(if seen.target.contains(&guid(1)) { 1 } else { 2 }, "x")),
        _ => say(200, &list(&[], "")),
    });
    let service = open(&server, json!({}));
    for _ in 0..2 {
        let outcomes =
            write(&service, vec![update(1, "x", Expects::Anything), update(2, "x", Expects::Anything)])
                .unwrap();
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Applied { .. })),
            "{outcomes:?}"
        );
    }
    assert_eq!((server.seen_of("POST").len(), server.seen_of("PATCH").len()), (2, 4));
}

#[test]
fn an_operation_that_a_batch_does_not_answer_is_one_that_nobody_knows_of() {
    let server = serve(|seen| match seen.method.as_str() {
        "POST" => {
            say(200, &format!(r#"{{"responses":[{{"id":"0","status":200,"body":{}}}]}}"#, account(1, "x")))
        }
        _ => say(200, &list(&[], "")),
    });
    let ops = vec![update(1, "x", Expects::Anything), update(2, "x", Expects::Anything)];
    let outcomes = write(&open(&server, json!({})), ops).unwrap();
    assert!(matches!(&outcomes[0], WriteOutcome::Applied { proof: Proof::Stored(_), .. }));
    assert!(matches!(&outcomes[1], WriteOutcome::Ambiguous(_)));
}

#[test]
fn no_value_of_a_query_is_anything_but_a_value() {
    let server = serve(|_| say(200, &list(&[], "")));
    let service = open(&server, json!({ "batch": "none" }));
    let hostile = "x' or '1' eq '1&$top=5#+%20\"";
    let condition =
        Condition::Compare { field: "name".into(), is: Comparison::Equal, value: Value::text(hostile) };
    pages(&service, ReadQuery { condition, ..query(10) }).unwrap();
    let by = FetchBy::Key { fields: vec!["name".into()], values: vec![vec![Value::text(hostile)]] };
    let shape = Shape::new(["credit".into()]).unwrap();
    let found = block_on(service.fetch(FetchQuery { entity: "Accounts".into(), shape, by })).unwrap();
    assert!(matches!(found[..], [Lookup::Hidden]));
    for seen in &server.seen()[1..] {
        assert!(seen.target.contains("name eq 'x'' or ''1'' eq ''1&$top=5#+%20\"'"), "{}", seen.target);
        assert!(!seen.target.contains("&$top=5&") && seen.target.matches("$filter=").count() == 1);
    }
}

/// A server that compares without regard to capitals finds other records than the one asked for.
#[test]
fn what_comes_back_is_matched_by_what_it_holds() {
    let server =
        serve(|_| say(200, &list(&[account(1, "ADATUM"), account(2, "Adatum"), account(3, "Adatum")], "")));
    let service = open(&server, json!({ "batch": "none" }));
    let by = FetchBy::Key {
        fields: vec!["name".into()],
        values: ["ADATUM", "Adatum", "adatum"].map(|name| vec![Value::text(name)]).to_vec(),
    };
    let shape = Shape::new(["credit".into()]).unwrap();
    let found = block_on(service.fetch(FetchQuery { entity: "Accounts".into(), shape, by })).unwrap();
    let [Lookup::Found(one), Lookup::Several(ids), Lookup::Hidden] = &found[..] else { panic!("{found:?}") };
    assert!(one.id == id(1) && ids[..] == [id(2), id(3)] && one.record.shape().len() == 1);
}

#[test]
fn h107_a_token_is_fetched_once_for_all_and_again_when_it_is_refused() {
    let given = Mutex::new(0);
    let tokens = Server::start(move |seen| {
        assert!(seen.body.contains("grant_type=client_credentials") && seen.body.contains("client_secret="));
        *given.lock().unwrap() += 1;
        say(200, &format!(r#"{{"access_token":"token-{}","expires_in":3600}}"#, given.lock().unwrap()))
    });
    let old = Mutex::new(false);
    let server = serve(move |seen| match seen.header("authorization") {
        "Bearer token-1" if seen.target.contains("$top=7") || *old.lock().unwrap() => {
            *old.lock().unwrap() = true;
            say(401, "{}")
        }
        "Bearer token-1" | "Bearer token-2" => say(200, &list(&[account(1, "a")], "")),
        other => panic!("{other}"),
    });
    let auth = json!({
        "kind": "client_credentials",
        "token_url": format!("{}token", tokens.url),
        "client_id": "c",
        "client_secret": SECRET,
        "scope": "x/.default",
    });
    let service = open(&server, json!({ "auth": auth }));
    block_on(async {
        use futures::StreamExt;
        let reads = (0..5).map(|_| async { service.read(query(9)).await.unwrap().collect::<Vec<_>>().await });
        futures::future::join_all(reads).await;
    });
    assert_eq!(tokens.seen().len(), 1);
    assert_eq!(names(&pages(&service, query(7)).unwrap()), ["a"]);
    assert_eq!(tokens.seen().len(), 2);
    assert!(!format!("{service:?}").contains(SECRET));
}

#[test]
fn a_configuration_that_cannot_be_says_what_is_wrong() {
    for (json, words) in [
        (json!({ "url": "http://erp.example/" }), "encrypted"),
        (json!({ "url": "https://u:pw@erp.example/" }), "password"),
        (json!({ "url": "https://erp.example/", "path": "../x" }), "path"),
        (json!({ "url": "https://erp.example/", "batch_operations_max": 0 }), "limit"),
    ] {
        let config: ODataConfig = serde_json::from_value(json).unwrap();
        let error = seamless_connectors::odata::OData::open(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(words), "{error}");
    }
    let server = serve(|_| Reply::Hang);
    for more in [
        json!({ "entities": ["Account"] }),
        json!({ "sets": { "Acounts": {} } }),
        json!({ "sets": { "Accounts": { "modified": "chnged" } } }),
        json!({ "sets": { "Accounts": { "changes": "modified" } } }),
    ] {
        assert_eq!(super::try_open(&server, more).unwrap_err().kind(), ErrorKind::Configuration);
    }
    assert!(serde_json::from_value::<ODataConfig>(json!({ "url": "x", "pagesize": 1 })).is_err());
}

/// Catches: a setting that the registry does not know, and a name further down that nobody reads.
#[test]
fn every_setting_of_a_configuration_is_known_to_the_registry() {
    let server = serve(|_| say(200, &list(&[], "")));
    let set = json!({
        "paging": "server_stable", "changes": "none", "modified": "changed", "modified_window_ms": 5, "etag": true,
        "client_ids": true, "consistent_read": true, "proves_absence": true, "returns": true, "plain": ["name"],
        "children": [], "read_only_fields": ["credit"], "binds": false, "numbers_as_text": true,
    });
    let all = json!({
        "url": server.url, "path": "", "identity": "i", "label": "l", "auth": { "kind": "none" }, "headers": { "x": "y" },
        "profile": "generic", "entities": ["Accounts"], "defaults": set, "sets": { "Accounts": set }, "read_only": false,
        "batch": "auto", "batch_operations_max": 5, "batch_bytes_max": 1000, "page_records_max": 5,
        "answer_bytes_max": 100_000, "connect_timeout_ms": 1000, "idle_timeout_ms": 1000, "timeout_ms": 1000,
        "insecure_http": true, "ca_file": null,
    });
    let service = Registry::standard().open("odata", all.clone()).unwrap();
    assert_eq!(service.info().identity, "i");
    for (wrong, words) in [("profle", "did you mean \"profile\"?"), ("colour", "there are ")] {
        let mut more = all.clone();
        more[wrong] = json!(1);
        let told = Registry::standard().open("odata", more).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    let mut nested = all;
    nested["sets"]["Accounts"]["pagin"] = json!("key");
    let told = Registry::standard().open("odata", nested).unwrap_err().to_string();
    assert!(told.contains("pagin"), "{told}");
}
