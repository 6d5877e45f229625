//! Servers that do what no server should: the connector ends in time, leaks no credential, and says what was wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use seamless_core::connector::{Change, Connector, End, FetchBy, FetchQuery};
use seamless_core::model::{ErrorKind, RecordId, Shape};

use super::loopback::{Reply, Server, say};
use super::{SECRET, listing, open, pages, query};

/// The error of reading from such a server.
fn error(page: &str, reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> String {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| reply(count.fetch_add(1, Ordering::Relaxed)));
    let rest = open(&server, &listing(page));
    let last = pages(&rest, query(None, 5)).pop().unwrap();
    let error = last.expect_err("no server should do that");
    let shown = format!("{error:?} {}", error.message_with_causes());
    assert!(!shown.contains(SECRET), "{shown}");
    shown
}

#[test]
fn slow_endless_huge_and_broken_answers_end_in_an_error() {
    for (reply, said) in [
        (Reply::Hang, "in time"),
        (Reply::Drip, "in time"),
        (Reply::Endless, "longer than"),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n[".to_vec()), "longer than"),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[".to_vec()), "cut off"),
        (Reply::Raw(b"nonsense\r\n\r\n".to_vec()), "before an answer came"),
        (say(200, "[{]"), "no list"),
        (say(200, "{}"), "no list"),
        (say(200, "\"[]\""), "no list"),
        (Reply::Say(200, vec![], b"[\xff]".to_vec()), "UTF-8"),
    ] {
        let shown = error("none", move |_| reply.clone());
        assert!(shown.contains(said), "{said}: {shown}");
    }
}

#[test]
fn a_list_that_leads_in_a_circle_ends() {
    let circle = |count: usize| {
        let next = ["b", "c", "d", "b"][count.min(4) % 4];
        say(200, &format!(r#"{{"items":[{{"id":1,"name":"x"}}],"next":"{next}"}}"#))
    };
    let page = "{ by: cursor, send: c, next: /next }\n    records: /items";
    // Three pages in a circle after one before it; and one page that leads to itself.
    assert!(
        error(page, move |count| circle(if count == 0 { 0 } else { 1 + (count - 1) % 3 }))
            .contains("leads back")
    );
    assert!(error(page, move |_| circle(0)).contains("leads back"));
}

#[test]
fn no_credential_goes_to_another_host() {
    let thief = Arc::new(Server::start(|_| say(200, "[]")));
    let url = thief.url.clone();
    let links =
        move |_: usize| say(200, r#"[{"id":1,"name":"x"}]"#).with("link", &format!("<{url}t>; rel=next"));
    assert!(error("link", links).contains("another host"));
    let url = thief.url.clone();
    let redirects = move |_: usize| say(302, "").with("location", &url);
    assert!(error("none", redirects).contains("another host"));
    assert_eq!(thief.seen().len(), 0);
}

#[test]
fn a_record_that_lies_about_its_type_is_broken_and_the_others_are_read() {
    let server = Server::start(|_| {
        say(
            200,
            r#"[{"id":1,"name":"a"},{"id":"x","name":"b"},{"id":3,"name":7},{"name":"d"},5,{"id":"6","name":null}]"#,
        )
    });
    let rest = open(&server, &listing("none"));
    let mut pages = pages(&rest, query(None, 50));
    let page = pages.remove(0).unwrap();
    let told: Vec<String> = page
        .changes
        .iter()
        .map(|change| match change {
            Change::Upsert(row) => row.id.to_string(),
            Change::Broken { id, problem, .. } => {
                format!("{}: {problem}", id.as_ref().map_or("?".to_owned(), RecordId::to_string))
            }
            Change::Deleted(_) => panic!(),
        })
        .collect();
    assert_eq!(told.len(), 6);
    assert_eq!((told[0].as_str(), told[5].as_str()), ("1", "6"));
    assert!(told[1].starts_with("?: the id"), "{told:?}");
    assert!(told[2].starts_with("3: name: "), "{told:?}");
    assert!(told[3].starts_with("?: the record has no id"), "{told:?}");
    assert!(matches!(page.end, Some(End::Complete(_))));
}

#[test]
fn a_system_that_lets_nobody_in_says_so_without_the_secret() {
    let server =
        Server::start(|seen| say(401, &format!("{{\"you sent\": {:?}}}", seen.header("authorization"))));
    let rest = open(&server, &listing("none"));
    let shape = Shape::new(["name".into()]).unwrap();
    let by = FetchBy::Ids(vec![RecordId::int(1)]);
    let error = block_on(rest.fetch(FetchQuery { entity: "t".into(), shape, by })).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Permission);
    let shown = format!("{error:?} {}", error.message_with_causes());
    assert!(shown.contains("check `auth`") && !shown.contains(SECRET), "{shown}");
}
