//! Answers to writes -> outcomes: what happened, what surely did not, and what nobody knows. Pure but for the words of the
//! service.

use std::time::{Duration, SystemTime};

use seamless_core::connector::{
    Expects, Proof, Refusal, RefusalKind, Target, Verb, WriteOp, WriteOutcome, WriteReturns,
};
use seamless_core::model::{Error, ErrorKind, FieldName, RecordId, Retry, Version};
use serde_json::value::RawValue;

use super::batch::Reply;
use super::error::said;
use super::fetch::failed;
use super::json::utf8;
use super::literal::id_of_address;
use super::rows::{Wanted, row};
use super::service::Service;
use super::set::{Flaw, Set};
use crate::http::retry_after::wait;
use crate::http::status::{Fate, fate};

/// A refusal of an operation.
pub(super) fn refusal(why: RefusalKind, error: Error) -> WriteOutcome {
    WriteOutcome::Refused(Refusal { why, error })
}

/// A refusal because of a value, found here.
pub(super) fn invalid(set: &Set, field: &FieldName, problem: String) -> WriteOutcome {
    let error = Error::data(problem).at("entity", &set.name).at("field", field);
    refusal(RefusalKind::Invalid { field: Some(field.clone()) }, error)
}

/// An operation that was surely not done, for this reason.
pub(super) fn not_done(error: Error) -> WriteOutcome {
    let why = match error.kind() {
        ErrorKind::Throttled => RefusalKind::Throttled {
            wait: match error.retry() {
                Retry::After(wait) => Some(wait),
                _ => None,
            },
        },
        ErrorKind::Permission => RefusalKind::Forbidden,
        ErrorKind::Data | ErrorKind::Limit => RefusalKind::Invalid { field: None },
        _ => RefusalKind::Unavailable,
    };
    refusal(why, error)
}

/// What an answer says of an operation.
pub(super) fn outcome(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    op: &WriteOp,
    reply: &Reply,
) -> WriteOutcome {
    let asks = reply.header("retry-after").and_then(|header| wait(header, SystemTime::now().into()));
    match fate(reply.status, asks.is_some()) {
        Fate::Done => applied(set, wanted, op, reply),
        Fate::NotDone => refused(service, set, op, reply, asks),
        Fate::Unknown => WriteOutcome::Ambiguous(place(set, op, failed(service, reply))),
    }
}

fn place(set: &Set, op: &WriteOp, error: Error) -> Error {
    let error = error.at("entity", &set.name);
    match &op.target {
        Target::Existing(id) | Target::New(Some(id)) => error.at("record", id),
        Target::New(None) => error,
    }
}

fn applied(set: &Set, wanted: &Wanted, op: &WriteOp, reply: &Reply) -> WriteOutcome {
    let returned = utf8(&reply.body).ok().filter(|body| body.trim_start().starts_with('{'));
    let held = returned.and_then(|body| serde_json::from_str::<&RawValue>(body).ok());
    let stored = held.and_then(|held| row(set, wanted, held).ok());
    let known = match (&op.target, &op.verb) {
        (Target::Existing(id), _) => Some(id.clone()),
        (Target::New(_), _) => stored.as_ref().map(|stored| stored.found.id.clone()).or_else(|| {
            let address = reply.header("odata-entityid").or(reply.header("location"))?;
            id_of_address(set, address)
        }),
    };
    let Some(id) = known.or_else(|| chosen(op)) else {
        return WriteOutcome::Ambiguous(
            Error::data("a record was made, and the answer does not say which").at("entity", &set.name),
        );
    };
    let wants_proof = set.capabilities.write_returns == WriteReturns::Stored;
    let proof = match (&op.verb, stored) {
        (Verb::Delete(_), _) => Proof::None,
        (_, Some(stored)) if stored.found.id == id && wants_proof => Proof::Stored(stored.found),
        (Verb::Action(_), _) => Proof::None,
        _ => {
            if wants_proof {
                set.learnt.add(Flaw::NothingReturned, &set.name);
            }
            match reply.header("etag").filter(|_| set.etag && wants_proof) {
                Some(tag) => Proof::Version(Version::new(tag)),
                None => Proof::None,
            }
        }
    };
    WriteOutcome::Applied { id, proof }
}

fn chosen(op: &WriteOp) -> Option<RecordId> {
    match &op.target {
        Target::Existing(id) | Target::New(Some(id)) => Some(id.clone()),
        Target::New(None) => None,
    }
}

fn refused(
    service: &Service,
    set: &Set,
    op: &WriteOp,
    reply: &Reply,
    asks: Option<Duration>,
) -> WriteOutcome {
    let error = place(set, op, failed(service, reply));
    let conditional = matches!(op.expects, Expects::Version(_) | Expects::Values(_));
    let why = match (reply.status, &op.verb) {
        // It is gone already.
        (404 | 410, Verb::Delete(_)) => {
            return match chosen(op) {
                Some(id) => WriteOutcome::Applied { id, proof: Proof::None },
                None => WriteOutcome::Ambiguous(error),
            };
        }
        // The set was there when it was read: a record that is referred to is not.
        (404 | 410, Verb::Create) => RefusalKind::Invalid { field: blamed(set, op, reply) },
        (404 | 410, _) => RefusalKind::Missing,
        (412, Verb::Delete(_)) if !conditional => {
            // `If-Match: *` holds for every record that is there.
            return match chosen(op) {
                Some(id) => WriteOutcome::Applied { id, proof: Proof::None },
                None => WriteOutcome::Ambiguous(error),
            };
        }
        (412, Verb::Create) => RefusalKind::KeyTaken { by: chosen(op) },
        (412, _) if !conditional => RefusalKind::Missing,
        (412, _) => {
            set.learnt.saw_a_tag_refused();
            RefusalKind::Stale
        }
        (409, Verb::Create) => RefusalKind::KeyTaken { by: None },
        (409, _) if conditional => RefusalKind::Stale,
        (409, _) => RefusalKind::KeyTaken { by: None },
        (401 | 403, _) => RefusalKind::Forbidden,
        (405 | 501, _) => RefusalKind::Forbidden,
        (429, _) => RefusalKind::Throttled { wait: asks },
        (408 | 503, _) => RefusalKind::Unavailable,
        (413, _) => RefusalKind::Invalid { field: longest(set, op) },
        (300..=399, _) => RefusalKind::Forbidden,
        _ => RefusalKind::Invalid { field: blamed(set, op, reply) },
    };
    refusal(why, error)
}

/// The field that the service blames; of those that it names the first that was sent.
fn blamed(set: &Set, op: &WriteOp, reply: &Reply) -> Option<FieldName> {
    let targets = said(&reply.body)?.targets;
    let names = targets.iter().map(|target| target.rsplit(['/', '.']).next().unwrap_or(target));
    let known: Vec<&FieldName> =
        names.filter_map(|name| set.column(name).map(|(_, column)| &column.field.name)).collect();
    let sent = |name: &&&FieldName| !op.patch.field(name.as_str()).is_absent();
    known.iter().find(sent).or(known.first()).map(|name| (*name).clone())
}

/// The longest text that was sent: what makes a request too large.
fn longest(set: &Set, op: &WriteOp) -> Option<FieldName> {
    let texts = op.patch.fields().filter_map(|(name, said)| {
        let length = match said.value()? {
            seamless_core::model::ValueRef::Text(text) => text.len(),
            seamless_core::model::ValueRef::Bytes(bytes) => bytes.len(),
            _ => return None,
        };
        Some((length, name))
    });
    let longest = texts.max_by_key(|(length, _)| *length)?;
    set.column(longest.1.as_str()).map(|(_, column)| column.field.name.clone())
}
