//! Lists of every kind, on servers that page as such systems do: nothing twice, nothing missing, an end.

use futures::executor::block_on;
use seamless_core::connector::{Connector, End, FetchBy, FetchQuery, Lookup};
use seamless_core::model::{RecordId, Shape, Value};

use super::loopback::{Reply, Seen, Server, say};
use super::{ids, listing, open, pages, query};

const RECORDS: usize = 23;

fn rows(from: usize, count: usize) -> (String, usize) {
    let to = RECORDS.min(from + count);
    let rows: Vec<String> = (from..to).map(|id| format!(r#"{{"id":{id},"name":"n{id}"}}"#)).collect();
    (format!("[{}]", rows.join(",")), to)
}

fn number(seen: &Seen, name: &str) -> Option<usize> {
    let query = seen.target.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?.parse().ok()
}

/// Reads everything of a list that goes on like this, twice: at once, and page by page with a new connector each time.
fn check(page: &str, complete: bool, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
    let server = Server::start(script);
    let declared = listing(page);
    let rest = open(&server, &declared);
    let all: Vec<i64> = (0..RECORDS as i64).collect();
    let (found, end) = ids(pages(&rest, query(None, 5)));
    assert_eq!(found, all, "{page}");
    assert_eq!(matches!(end, Some(End::Complete(_))), complete, "{page}: {end:?}");
    assert!(server.seen().iter().all(|seen| seen.target.starts_with("/api/t?all=1")), "{:?}", server.seen());
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rest = open(&server, &declared);
        let page = pages(&rest, query(after, 5)).remove(0).unwrap();
        after = Some(page.cursor.clone());
        let ended = page.end.is_some();
        found.extend(ids(vec![Ok(page)]).0);
        if ended {
            break;
        }
    }
    assert_eq!(found, all, "{page}");
    assert_eq!(server.seen().iter().filter(|seen| seen.header("authorization").is_empty()).count(), 0);
}

#[test]
fn a_list_that_comes_at_once_is_read_once() {
    check("none", true, |_| say(200, &rows(0, RECORDS).0));
}

#[test]
fn pages_by_number_are_read_until_one_is_empty() {
    check("{ by: page, send: page, size: { send: n, max: 50 } }", false, |seen| {
        // It gives less than it is asked for: a short page is no end.
        let size = number(seen, "n").unwrap().min(4);
        say(200, &rows((number(seen, "page").unwrap() - 1) * size, size).0)
    });
}

#[test]
fn offsets_count_what_came() {
    check("{ by: offset, send: skip, size: { send: n, max: 3 } }", false, |seen| {
        say(200, &rows(number(seen, "skip").unwrap_or(0), number(seen, "n").unwrap()).0)
    });
}

#[test]
fn lists_go_on_after_the_last_record() {
    check("{ by: after, send: after, size: { send: n, max: 3 } }", true, |seen| {
        say(200, &rows(number(seen, "after").map_or(0, |id| id + 1), number(seen, "n").unwrap()).0)
    });
}

#[test]
fn links_in_a_header_are_followed_as_they_are() {
    check("link", true, |seen| {
        let from = number(seen, "from").unwrap_or(0);
        let (body, to) = rows(from, 6);
        let reply = say(200, &body);
        // Relative to the address of the answer, and not the only link.
        match to < RECORDS {
            true => reply
                .with("link", &format!("<t?all=1&from=0>; rel=\"first\", <t?all=1&from={to}>; rel=\"next\"")),
            false => reply,
        }
    });
}

#[test]
fn addresses_in_the_answer_are_followed_where_they_stay_on_the_host() {
    let declared = listing("{ by: next, next: /next }").replace("page:", "records: /items\n    page:");
    let server = Server::start(|seen| {
        let (rows, to) = rows(number(seen, "from").unwrap_or(0), 10);
        let next = if to < RECORDS { format!("\"/api/t?all=1&from={to}\"") } else { "null".to_owned() };
        say(200, &format!(r#"{{"items":{rows},"next":{next}}}"#))
    });
    let (found, end) = ids(pages(&open(&server, &declared), query(None, 5)));
    assert_eq!(found.len(), RECORDS);
    assert!(matches!(end, Some(End::Complete(_))));
}

#[test]
fn ranges_are_headers() {
    check("{ by: range, unit: rows, size: { max: 7 } }", false, |seen| {
        let range = seen.header("range").strip_prefix("rows=").unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
        if from >= RECORDS {
            return say(416, "");
        }
        let (body, end) = rows(from, to + 1 - from);
        say(206, &body).with("content-range", &format!("rows {from}-{}/*", end - 1))
    });
}

#[test]
fn records_are_looked_up_by_id_one_request_each_or_several_at_once() {
    let server = Server::start(|seen| {
        let path = seen.target.trim_start_matches("/api/");
        if let Some(id) = path.strip_prefix("t/") {
            let id: usize = id.parse().unwrap();
            return if id < RECORDS {
                say(200, &format!(r#"{{"id":{id},"name":"n{id}"}}"#))
            } else {
                say(404, "")
            };
        }
        let wanted = path.split_once("ids=").unwrap().1.split(',').map(|id| id.parse::<usize>().unwrap());
        let rows: Vec<String> =
            wanted.filter(|id| *id < RECORDS).map(|id| format!(r#"{{"id":{id},"name":"n{id}"}}"#)).collect();
        say(200, &format!("[{}]", rows.join(",")))
    });
    let fetch = |declared: &str| {
        let rest = open(&server, declared);
        let ids = [3, 999, 4].map(RecordId::int).to_vec();
        let shape = Shape::new(["name".into()]).unwrap();
        let before = rest.traffic();
        let found =
            block_on(rest.fetch(FetchQuery { entity: "t".into(), shape, by: FetchBy::Ids(ids) })).unwrap();
        let named: Vec<Option<Value>> = found
            .iter()
            .map(|lookup| match lookup {
                Lookup::Found(row) => row.record.field("name").value().map(|value| value.to_value()),
                Lookup::Hidden => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(named, [Some(Value::text("n3")), None, Some(Value::text("n4"))]);
        rest.traffic().since(&before).requests
    };
    assert_eq!(fetch(&listing("none")), 3);
    assert_eq!(fetch(&listing("none").replace("page:", "ids: { send: ids }\n    page:")), 1);
}
