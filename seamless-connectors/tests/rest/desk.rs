//! A help desk with an API of its own, on loopback: tickets with ids that it counts, versions, stamps, deletions that show among
//! the changes, and keys of operations that are done once. Its memory is a table of JSON texts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use seamless_core::Result;
use seamless_core::testkit::connector_kit::{Torn, Wire};
use serde_json::value::RawValue;

use super::loopback::{Reply, Seen, Server, say};

/// What people would write for it.
pub(crate) const DECLARATION: &str = "
connector: rest
name: Desk
defaults:
  records: /data
  page: { by: cursor, send: cursor, next: /meta/next, size: { send: limit, max: 100 } }
  errors: { message: /error/message, code: /error/code, field: /error/field, taken: [taken], stale: [stale] }
entities:
  ticket:
    label: Ticket
    key: id
    list: GET tickets
    one: GET tickets/{id}
    create: POST tickets
    update: PATCH tickets/{id}
    delete: DELETE tickets/{id}
    find: { subject: subject }
    unique: [subject]
    modified: updated_at
    changes: { send: updated_since, overlap_s: 5 }
    deleted: { at: /deleted }
    gone: [404, 410]
    version: { at: /version, header: If-Match }
    returns: record
    idempotency: Idempotency-Key
    sees_writes: true
    fields:
      id: int read_only
      subject: text(200)
      note: text
      count: int
      price: decimal(18,4)
      due: date
      at: instant
      open: bool
      state: { options: { new: New, done: Done }, label: State }
      city: { is: text(30), at: /address/city }
      updated_at: instant read_only
";

type Fields = BTreeMap<String, Box<RawValue>>;

struct Ticket {
    fields: Fields,
    version: u64,
    updated_ms: i64,
    deleted: bool,
}

#[derive(Default)]
struct State {
    tickets: BTreeMap<i64, Ticket>,
    last: i64,
    done: BTreeMap<String, (u16, String)>,
    clock_ms: i64,
}

/// The desk.
pub(crate) struct Desk {
    pub(crate) server: Server,
    cut: Arc<Mutex<Option<Torn>>>,
}

/// Who cuts its connections.
pub(crate) struct Scissors(Arc<Mutex<Option<Torn>>>);

#[async_trait]
impl Wire for Scissors {
    async fn cut(&self, torn: Torn) -> Result<bool> {
        *self.0.lock().unwrap() = Some(torn);
        Ok(true)
    }
}

/// Whether the connection of this request is the one that is cut.
fn is_cut(torn: Torn, seen: &Seen) -> bool {
    let of_list = seen.method == "GET" && seen.target.starts_with("/api/tickets?");
    match torn {
        Torn::Read => of_list,
        Torn::Fetch => seen.method == "GET" && !of_list,
        _ => seen.method != "GET",
    }
}

const BEGIN_MS: i64 = 1_750_000_000_000;

impl Desk {
    pub(crate) fn open() -> Self {
        let state = Arc::new(Mutex::new(State { clock_ms: BEGIN_MS, ..State::default() }));
        let cut: Arc<Mutex<Option<Torn>>> = Arc::default();
        let cutting = Arc::clone(&cut);
        let server = Server::start(move |seen| {
            let mut state = state.lock().unwrap();
            let torn = cutting.lock().unwrap().take_if(|torn| is_cut(*torn, seen));
            if torn == Some(Torn::Request) {
                return Reply::Raw(Vec::new());
            }
            let now = text(state.clock_ms);
            // HTTP has whole seconds: the header says the second that has begun.
            let reply = state.answer(seen);
            if let (Some(_), Reply::Say(..)) = (torn, &reply) {
                return Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"da".to_vec());
            }
            let at = chrono::DateTime::parse_from_rfc3339(&now).unwrap();
            reply.with("date", &at.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
        });
        Self { server, cut }
    }

    pub(crate) fn wire(&self) -> Scissors {
        Scissors(Arc::clone(&self.cut))
    }
}

fn text(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn refuse(status: u16, code: &str, field: &str) -> Reply {
    say(
        status,
        &format!(r#"{{"error":{{"code":"{code}","message":"the desk says {code}","field":"{field}"}}}}"#),
    )
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.header("authorization") != format!("Bearer {}", super::SECRET) {
            return refuse(401, "who", "");
        }
        let key = seen.header("idempotency-key").to_owned();
        if let Some((status, body)) = self.done.get(&key) {
            return say(*status, body);
        }
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let rest = path.strip_prefix("/api/tickets").unwrap_or("/?").trim_start_matches('/');
        let reply = match (seen.method.as_str(), rest) {
            ("GET", "") => return self.list(query),
            ("POST", "") => self.create(&seen.body),
            (_, "?") => return refuse(404, "path", ""),
            (method, id) => match id.parse() {
                Ok(id) => self.one(method, id, seen),
                Err(_) => refuse(404, "absent", ""),
            },
        };
        if let (Reply::Say(status @ 200..=299, _, body), false) = (&reply, key.is_empty()) {
            self.done.insert(key, (*status, String::from_utf8(body.clone()).unwrap()));
        }
        reply
    }

    fn tick(&mut self) -> i64 {
        self.clock_ms += 1_500;
        self.clock_ms
    }

    fn json(&self, id: i64) -> String {
        let ticket = &self.tickets[&id];
        let mut members = vec![
            format!(r#""id":{id}"#),
            format!(r#""version":"v{}""#, ticket.version),
            format!(r#""updated_at":"{}""#, text(ticket.updated_ms)),
            format!(r#""deleted":{}"#, ticket.deleted),
        ];
        members.extend(ticket.fields.iter().map(|(name, value)| format!("{name:?}:{value}")));
        format!("{{{}}}", members.join(","))
    }

    fn list(&self, query: &str) -> Reply {
        let of = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        let after: i64 =
            of("cursor").map_or(0, |cursor| cursor.trim_start_matches("after-").parse().unwrap());
        let limit: usize = of("limit").map_or(10, |limit| limit.parse().unwrap());
        let since = of("updated_since")
            .map(|since| chrono::DateTime::parse_from_rfc3339(since).unwrap().timestamp_millis());
        let subject = of("subject").map(|subject| serde_json::to_string(subject).unwrap());
        let shown = self.tickets.range(after + 1..).filter(|(_, ticket)| match since {
            Some(since) => ticket.updated_ms >= since,
            None => !ticket.deleted,
        });
        let mut shown = shown.filter(|(_, ticket)| {
            subject
                .as_ref()
                .is_none_or(|subject| ticket.fields.get("subject").is_some_and(|is| is.get() == subject))
        });
        let page: Vec<i64> = shown.by_ref().take(limit).map(|(id, _)| *id).collect();
        let more = shown.next().is_some();
        let next = match page.last() {
            Some(last) if more => format!("\"after-{last}\""),
            _ => "null".to_owned(),
        };
        let rows: Vec<String> = page.iter().map(|id| self.json(*id)).collect();
        say(200, &format!(r#"{{"data":[{}],"meta":{{"next":{next}}}}}"#, rows.join(",")))
    }

    fn problem(&self, id: Option<i64>, fields: &Fields) -> Option<Reply> {
        let subject = fields.get("subject").filter(|subject| subject.get() != "null")?;
        let taken = self.tickets.iter().any(|(other, ticket)| {
            Some(*other) != id
                && !ticket.deleted
                && ticket.fields.get("subject").is_some_and(|is| is.get() == subject.get())
        });
        taken.then(|| refuse(422, "taken", "subject"))
    }

    fn create(&mut self, body: &str) -> Reply {
        let Ok(fields) = serde_json::from_str::<Fields>(body) else { return refuse(400, "json", "") };
        if let Some(problem) = self.problem(None, &fields) {
            return problem;
        }
        self.last += 1;
        let updated_ms = self.tick();
        self.tickets.insert(self.last, Ticket { fields, version: 1, updated_ms, deleted: false });
        say(201, &self.json(self.last))
    }

    fn one(&mut self, method: &str, id: i64, seen: &Seen) -> Reply {
        let Some(ticket) = self.tickets.get(&id) else { return refuse(404, "absent", "") };
        if ticket.deleted {
            return refuse(410, "gone", "");
        }
        let expects = seen.header("if-match");
        if method != "GET" && !expects.is_empty() && expects != format!("v{}", ticket.version) {
            return refuse(412, "stale", "");
        }
        match method {
            "GET" => say(200, &self.json(id)),
            "PATCH" => {
                let Ok(fields) = serde_json::from_str::<Fields>(&seen.body) else {
                    return refuse(400, "json", "");
                };
                if let Some(problem) = self.problem(Some(id), &fields) {
                    return problem;
                }
                let updated_ms = self.tick();
                let ticket = self.tickets.get_mut(&id).unwrap();
                ticket.fields.extend(fields);
                (ticket.version, ticket.updated_ms) = (ticket.version + 1, updated_ms);
                say(200, &self.json(id))
            }
            "DELETE" => {
                let updated_ms = self.tick();
                let ticket = self.tickets.get_mut(&id).unwrap();
                (ticket.deleted, ticket.version, ticket.updated_ms) = (true, ticket.version + 1, updated_ms);
                say(204, "")
            }
            _ => refuse(405, "method", ""),
        }
    }
}
