//! A server that means harm, or is broken: the connector never hangs, never sends a credential elsewhere, and never holds more
//! than its limits allow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use proptest::prelude::{any, proptest};
use proptest::test_runner::Config;
use seamless_core::ErrorKind;
use seamless_core::connector::{Change, Connector, Expects, FetchBy, FetchQuery, WriteOutcome};
use seamless_core::model::{Error, Shape};
use serde_json::json;

use super::loopback::{Reply, Seen, Server, say};
use super::server::{account, guid, list};
use super::{SECRET, id, open, pages, query, serve, try_open, update, write};

/// No call of these tests may take longer: the limits are far below.
const PATIENCE: Duration = Duration::from_secs(8);

fn within<T>(call: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let answer = call();
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    answer
}

fn no_secret(error: &Error) {
    assert!(!format!("{error:?} {error}").contains(SECRET), "{error:?}");
}

/// Reads, looks up and writes against a server that does only this, and gives back the three errors.
fn all_fail(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> [Error; 2] {
    let server = serve(reply);
    let service = open(&server, json!({}));
    let read = within(|| pages(&service, query(10))).unwrap_err();
    let fetch = FetchQuery {
        entity: "Accounts".into(),
        shape: Shape::new(["name".into()]).unwrap(),
        by: FetchBy::Ids(vec![id(1)]),
    };
    let fetched = within(|| block_on(service.fetch(fetch))).unwrap_err();
    let written = within(|| write(&service, vec![update(1, "x", Expects::Anything)]));
    match &written {
        Ok(outcomes) => match &outcomes[..] {
            [WriteOutcome::Ambiguous(error)] => no_secret(error),
            [WriteOutcome::Refused(refusal)] => no_secret(&refusal.error),
            [WriteOutcome::Applied { .. }] => {}
            other => panic!("{other:?}"),
        },
        Err(error) => no_secret(error),
    }
    [&read, &fetched].into_iter().for_each(no_secret);
    [read, fetched]
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    for error in all_fail(|_| Reply::Hang) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
}

#[test]
fn a_server_that_answers_a_byte_now_and_then_is_given_up() {
    for error in all_fail(|_| Reply::Drip) {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
}

#[test]
fn an_answer_without_end_is_cut_at_the_limit() {
    for error in all_fail(|_| Reply::Endless) {
        assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");
    }
    for error in all_fail(|_| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_vec()))
    {
        assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");
    }
}

/// A few kilobytes of compressed zeros are a gigabyte: one literal, then runs of 258 of it, by hand.
fn bomb(runs: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let mut push = |code: u32, length: u32| bits.extend((0..length).rev().map(|at| code >> at & 1 == 1));
    push(0b0011_0000, 8);
    for _ in 0..runs {
        push(0b1100_0101, 8);
        push(0, 5);
    }
    push(0, 7);
    let mut bytes = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff".to_vec();
    bytes.extend(
        bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum::<u8>()),
    );
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn a_bomb_of_compressed_zeros_is_cut_at_the_limit() {
    let packed = bomb(200_000);
    assert!(packed.len() < 400_000, "50 MB in {} bytes", packed.len());
    let answer = Reply::Say(200, vec![("content-encoding".to_owned(), "gzip".to_owned())], packed);
    for error in all_fail(move |_| answer.clone()) {
        assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");
    }
}

#[test]
fn what_is_cut_off_or_no_answer_at_all_is_an_error() {
    let cut = list(&[account(1, "a")], "");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", cut.len() + 1);
    let cut = [head.as_bytes(), cut.as_bytes()].concat();
    for bytes in [cut, Vec::new(), b"\x00\x01\x02".to_vec(), b"HTTP/1.1 200 OK\r\n".to_vec()] {
        for error in all_fail(move |_| Reply::Raw(bytes.clone())) {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        }
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in
        ["", "{", "[]", "null", "\u{feff}", r#"{"value":7}"#, r#"{"value":null}"#, "<html></html>", &deep]
    {
        let body = body.to_owned();
        for error in all_fail(move |_| say(200, &body)) {
            assert_eq!(error.kind(), ErrorKind::Data, "{error:?}");
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]
    #[test]
    fn any_body_is_read_or_refused(body in any::<Vec<u8>>(), status in 200u16..600) {
        let server = serve(move |_| Reply::Say(status, Vec::new(), body.clone()));
        let service = open(&server, json!({}));
        let _ = within(|| pages(&service, query(10)));
        let _ = within(|| write(&service, vec![update(1, "x", Expects::Anything), update(2, "x", Expects::Anything)]));
    }
}

#[test]
fn no_credential_goes_to_another_host_by_redirects_or_links() {
    let thief = Server::start(|_| say(200, &list(&[account(9, "stolen")], "")));
    let foreign = thief.url.clone();
    for way in 0..4 {
        let foreign = foreign.clone();
        let server = serve(move |seen| match (way, seen.method.as_str()) {
            (0, _) => say(307, "").with("location", &format!("{foreign}Accounts")),
            (1, "GET") => {
                say(200, &list(&[account(1, "a")], &format!(r#","@odata.nextLink":"{foreign}Accounts""#)))
            }
            (2, "GET") => {
                say(200, &list(&[account(1, "a")], &format!(r#","@odata.deltaLink":"{foreign}Accounts""#)))
            }
            (3, "GET") => say(200, &list(&[account(1, "a")], r#","@odata.nextLink":"//evil.example/x""#)),
            _ => say(307, "").with("location", &format!("{foreign}$batch")),
        });
        let set =
            json!({ "Accounts": { "paging": "server", "changes": if way == 2 { "delta" } else { "none" } } });
        let service = open(&server, json!({ "sets": set }));
        let error = within(|| pages(&service, query(10))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Permission, "{way}: {error:?}");
        no_secret(&error);
        let written = within(|| write(&service, vec![update(1, "x", Expects::Anything)])).unwrap();
        assert!(matches!(&written[0], WriteOutcome::Refused(_)), "{written:?}");
    }
    assert!(thief.seen().is_empty(), "{:?}", thief.seen());
}

#[test]
fn redirects_of_a_reading_are_followed_at_the_own_host_and_have_an_end() {
    let server = serve(|seen| match seen.target.as_str() {
        target if target.starts_with("/api/moved") => say(200, &list(&[account(1, "a")], "")),
        _ => say(302, "").with("location", "/api/moved"),
    });
    assert_eq!(super::names(&pages(&open(&server, json!({})), query(10)).unwrap()), ["a"]);
    let server = serve(|_| say(302, "").with("location", "/api/round"));
    let service = open(&server, json!({}));
    assert_eq!(within(|| pages(&service, query(10))).unwrap_err().kind(), ErrorKind::Configuration);
    assert!(server.seen().len() < 8);
}

#[test]
fn links_in_a_circle_and_empty_pages_without_end_are_errors() {
    let sets = json!({ "sets": { "Accounts": { "paging": "server" } } });
    let server = serve(|seen| {
        let next = if seen.target.contains("skip=1") { 2 } else { 1 };
        say(200, &list(&[account(next, "a")], &format!(r#","@odata.nextLink":"Accounts?skip={next}""#)))
    });
    let service = open(&server, sets.clone());
    let error = within(|| pages(&service, query(10))).unwrap_err();
    assert!(error.to_string().contains("circle"), "{error}");
    assert!(server.seen().len() < 20);

    let count = Arc::new(AtomicUsize::new(0));
    let server = serve(move |_| {
        let next = count.fetch_add(1, Ordering::Relaxed);
        say(200, &list(&[], &format!(r#","@odata.nextLink":"Accounts?skip={next}""#)))
    });
    let service = open(&server, sets);
    assert_eq!(within(|| pages(&service, query(10))).unwrap_err().kind(), ErrorKind::Limit);
}

/// A server that ignores the filter would be read without end.
#[test]
fn a_server_that_ignores_the_filter_or_the_limit_is_noticed() {
    let server = serve(|_| say(200, &list(&[account(1, "a"), account(2, "b")], "")));
    let service = open(&server, json!({}));
    assert_eq!(within(|| pages(&service, query(2))).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(within(|| pages(&service, query(1))).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_record_that_lies_about_its_types_is_broken_and_the_others_go_on() {
    let odd = |members: &str| format!(r#"{{"@odata.etag":"x","id":"{}",{members}}}"#, guid(2));
    for (wrong, words) in [
        (odd(r#""name":7"#), "name"),
        (odd(r#""name":{"x":1}"#), "name"),
        (odd(r#""credit":"many""#), "credit"),
        (odd(r#""credit":true"#), "credit"),
        (r#"{"name":"no key"}"#.to_owned(), "id"),
        (r#"{"id":"no guid"}"#.to_owned(), "id"),
        ("7".to_owned(), "object"),
    ] {
        let server = serve(move |_| say(200, &list(&[account(1, "a"), wrong.clone(), account(3, "c")], "")));
        let service = open(&server, json!({}));
        let found = pages(&service, query(10)).unwrap();
        let problems: Vec<&String> = found[0]
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Broken { problem, .. } => Some(problem),
                _ => None,
            })
            .collect();
        assert!(matches!(&problems[..], [problem] if problem.contains(words)), "{problems:?}");
        assert_eq!(super::names(&found), ["a", "c"]);
    }
}

#[test]
fn no_secret_is_shown_though_the_server_says_it_back() {
    let echo = |seen: &Seen| {
        say(400, &format!(r#"{{"error":{{"message":"you sent {}"}}}}"#, seen.header("authorization")))
    };
    let plain = |_: &Seen| say(500, &format!("the password is {SECRET}"));
    for error in all_fail(echo).iter().chain(&all_fail(plain)) {
        assert!(!format!("{error:?}").contains("dTpodW50ZXIyLVMzY3JldA"), "{error:?}");
    }
}

#[test]
fn metadata_that_is_hostile_is_an_error_when_connecting() {
    let huge = format!("<Edmx>{}", "<a>".repeat(10_000));
    for document in [
        "<html>",
        "",
        "{}",
        &huge,
        r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><Edmx>&b;</Edmx>"#,
    ] {
        let document = document.to_owned();
        let server = Server::start(move |_| say(200, &document));
        let error = within(|| try_open(&server, json!({}))).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Data | ErrorKind::Limit), "{error:?}");
    }
    for reply in [Reply::Hang, Reply::Endless, Reply::Drip] {
        let server = Server::start(move |_| reply.clone());
        within(|| try_open(&server, json!({}))).unwrap_err();
    }
    let server = Server::start(|_| say(401, "no"));
    let error = try_open(&server, json!({})).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    no_secret(&error);
}
