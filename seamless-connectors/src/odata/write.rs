//! Writing: operations are checked here, then sent in as few requests as the limits allow, each with an outcome of its own.
//!
//! **Preconditions.** An update, a delete and an action carry `If-Match` with the record's ETag; without one `*`, so that a
//! service which makes a record where there is none does not. Where values are expected, the record is read (all of a
//! batch in one request) and its ETag is sent: what was edited in between is refused by the service.
//!
//! **Whether `If-Match` is heeded** is tried once for each set, before the first write that relies on it ([`tags_are_heeded`]).
//!
//! **Duplicates.** Some services answer a create with a key that is taken by a server error. After such an answer the key is
//! looked up: where its record is there, the key is taken, by that record (which can be this very one: the engine knows
//! its own by its id).

use std::collections::HashMap;

use reqwest::Method;
use seamless_core::connector::{
    Expects, Proof, RefusalKind, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, KeyPart, Presence, RecordId, Result, ValueRef};

use super::batch::{Fared, Part, Reply, send};
use super::fetch::by_ids;
use super::json::quoted;
use super::literal::address;
use super::outcome::{invalid, not_done, outcome, refusal};
use super::rows::{Bad, Row, Wanted};
use super::service::{JSON, Service};
use super::set::{Column, Flaw, Set};
use super::values::{key_part, member, of_key};

/// A tag that no service gives.
const NO_TAG: &str = "W/\"seamless-asks-whether-tags-are-heeded\"";
const EXACT: &str = "application/json;IEEE754Compatible=true";
const PLAIN: &str = "application/json";

/// Writes a batch; one outcome for each operation.
///
/// Errors: no such set, nothing may be written, too many operations. Nothing of the batch happened then.
pub(super) async fn write(
    service: &Service,
    entity: &EntityName,
    batch: &WriteBatch,
) -> Result<Vec<WriteOutcome>> {
    let set = service.set(entity)?;
    let set = &*set;
    let max = set.capabilities.batch_max.get() as usize;
    if !set.capabilities.is_writable() && set.actions.is_empty() {
        return Err(Error::new(ErrorKind::Unsupported, "this entity set is only read").at("entity", entity));
    }
    if batch.ops.len() > max {
        return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
            .at("entity", entity)
            .with_remedy(format!("at most {max} are taken")));
    }
    let wanted = Wanted::all(set)?;
    let mut outcomes: Vec<Option<WriteOutcome>> = batch.ops.iter().map(|op| refused_here(set, op)).collect();
    let read = before(service, set, &wanted, &batch.ops, &outcomes).await?;
    if batch.ops.iter().any(is_conditional) && !set.learnt.tags_are_checked() {
        tags_are_heeded(service, set, &batch.ops).await?;
    }
    let mut parts = Vec::new();
    let mut places = Vec::new();
    for (place, op) in batch.ops.iter().enumerate() {
        let Some(slot) = outcomes.get_mut(place) else { continue };
        if slot.is_some() {
            continue;
        }
        match part(set, op, &read) {
            Ok(part) => {
                parts.push(part);
                places.push(place);
            }
            Err(outcome) => *slot = Some(*outcome),
        }
    }
    let mut doubtful = Vec::new();
    for (place, fared) in places.into_iter().zip(send(service, &parts, true).await) {
        let (Some(slot), Some(op)) = (outcomes.get_mut(place), batch.ops.get(place)) else { continue };
        *slot = Some(match fared {
            Fared::Answered(reply) => {
                if op.verb == Verb::Create && may_be_taken(&reply) && key_of_new(set, op).is_some() {
                    doubtful.push(place);
                }
                outcome(service, set, &wanted, op, &reply)
            }
            Fared::NotDone(error) => not_done(error.at("entity", &set.name)),
            Fared::Unknown(error) => WriteOutcome::Ambiguous(error.at("entity", &set.name)),
        });
    }
    taken(service, set, &batch.ops, &doubtful, &mut outcomes).await;
    let missing = || not_done(Error::new(ErrorKind::Internal, "an operation was forgotten"));
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
}

fn is_conditional(op: &WriteOp) -> bool {
    op.verb != Verb::Create && matches!(op.expects, Expects::Version(_) | Expects::Values(_))
}

/// What is refused without asking the service.
fn refused_here(set: &Set, op: &WriteOp) -> Option<WriteOutcome> {
    let can = &set.capabilities;
    let allowed = match &op.verb {
        Verb::Create => can.create,
        Verb::Update => can.update,
        Verb::Delete(_) => can.delete,
        Verb::Action(name) => set.actions.iter().any(|action| action.name == name.as_str()),
    };
    if !allowed {
        let error =
            Error::new(ErrorKind::Unsupported, "the entity set does not do this").at("entity", &set.name);
        return Some(refusal(RefusalKind::Forbidden, error));
    }
    if !matches!(op.verb, Verb::Create | Verb::Update) {
        return None;
    }
    let is_new = op.verb == Verb::Create;
    for (name, said) in op.patch.fields() {
        let Presence::Value(value) = said else { continue };
        let Some((place, column)) = set.column(name.as_str()) else {
            return Some(invalid(set, name, "there is no such field".to_owned()));
        };
        let is_key = set.key.contains(&place);
        let closed = column.field.read_only || (!is_new && (is_key || column.immutable));
        if closed {
            let why = if is_key { "the key of a record is not changed" } else { "the field is told nothing" };
            return Some(invalid(set, name, why.to_owned()));
        }
        if let Err(problem) = member(column, value, set.numbers_as_text) {
            return Some(invalid(set, name, problem));
        }
    }
    None
}

type Read = HashMap<RecordId, Result<Row, Bad>>;

/// The records whose state decides: of operations that expect values, or that a record is not there. One request.
async fn before(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    ops: &[WriteOp],
    outcomes: &[Option<WriteOutcome>],
) -> Result<Read> {
    let mut ids = Vec::new();
    for (op, outcome) in ops.iter().zip(outcomes) {
        if let (Target::Existing(id), None, Expects::Values(_) | Expects::Missing) =
            (&op.target, outcome, &op.expects)
        {
            ids.push(id.clone());
        }
    }
    if ids.is_empty() { Ok(HashMap::new()) } else { by_ids(service, set, wanted, &ids).await }
}

/// Finds out whether the service heeds `If-Match`: an update of nothing under a tag that no record has must be refused. One
/// request for a set, once in a process. A service that takes it has changed nothing, except perhaps its own stamp of the
/// last change; the set says from then on that its updates are not conditional, and what relied on it is refused as stale, so
/// that the next plan is made without it.
///
/// Errors: the service cannot be asked.
async fn tags_are_heeded(service: &Service, set: &Set, ops: &[WriteOp]) -> Result<()> {
    if !set.capabilities.update || !set.etag || set.learnt.is(Flaw::IfMatchIgnored) {
        return Ok(());
    }
    let target = ops.iter().filter(|op| is_conditional(op)).find_map(|op| match &op.target {
        Target::Existing(id) => address(set, id),
        Target::New(_) => None,
    });
    let Some(url) = target else { return Ok(()) };
    let probe = Part {
        method: Method::PATCH,
        url,
        headers: vec![("content-type", PLAIN.to_owned()), ("if-match", NO_TAG.to_owned())],
        body: Some("{}".to_owned()),
    };
    match send(service, &[probe], true).await.pop() {
        Some(Fared::Answered(reply)) => match reply.status {
            200..=299 => set.learnt.add(Flaw::IfMatchIgnored, &set.name),
            // A record that is gone says nothing about tags.
            404 | 410 | 429 | 500..=599 => {}
            _ => set.learnt.saw_a_tag_refused(),
        },
        Some(Fared::NotDone(error) | Fared::Unknown(error)) => return Err(error.at("entity", &set.name)),
        None => {}
    }
    Ok(())
}

/// An operation as it is sent; the error is its outcome where it is not.
fn part(set: &Set, op: &WriteOp, read: &Read) -> Result<Part, Box<WriteOutcome>> {
    if let (Verb::Create, Target::New(_)) = (&op.verb, &op.target) {
        return create(set, op);
    }
    let Target::Existing(id) = &op.target else {
        return Err(Box::new(not_done(Error::new(ErrorKind::Internal, "an operation without its record"))));
    };
    let missing = || {
        let error = Error::new(ErrorKind::Conflict, "the record is not there")
            .at("entity", &set.name)
            .at("record", id);
        Box::new(match op.verb {
            Verb::Delete(_) => WriteOutcome::Applied { id: id.clone(), proof: Proof::None },
            _ => refusal(RefusalKind::Missing, error),
        })
    };
    let Some(address) = address(set, id) else { return Err(missing()) };
    let tag = tag(set, op, id, read).map_err(|why| match why {
        Unmet::Missing => missing(),
        Unmet::Stale(what) => {
            let error = Error::new(ErrorKind::Conflict, what).at("entity", &set.name).at("record", id);
            Box::new(refusal(RefusalKind::Stale, error))
        }
    })?;
    let mut headers = vec![("accept", JSON.to_owned()), ("if-match", tag)];
    let (method, url, body) = match &op.verb {
        Verb::Delete(_) => (Method::DELETE, address, None),
        Verb::Action(name) => {
            let action = set.actions.iter().find(|action| action.name == name.as_str());
            let called = action.map_or(name.as_str(), |action| action.qualified.as_str());
            if action.is_some_and(|action| action.returns_record) {
                headers.push(("prefer", "return=representation".to_owned()));
            }
            headers.push(("content-type", PLAIN.to_owned()));
            (Method::POST, format!("{address}/{called}"), Some("{}".to_owned()))
        }
        _ => {
            headers.push(("content-type", content_type(set)));
            headers.push(("prefer", "return=representation".to_owned()));
            (Method::PATCH, address, Some(body(set, op, None)?))
        }
    };
    Ok(Part { method, url, headers, body })
}

fn content_type(set: &Set) -> String {
    if set.numbers_as_text { EXACT } else { PLAIN }.to_owned()
}

enum Unmet {
    Missing,
    Stale(&'static str),
}

/// What `If-Match` says for an operation.
fn tag(set: &Set, op: &WriteOp, id: &RecordId, read: &Read) -> Result<String, Unmet> {
    let ignored = set.learnt.is(Flaw::IfMatchIgnored);
    match &op.expects {
        Expects::Anything => Ok("*".to_owned()),
        Expects::Version(_) if ignored => Err(Unmet::Stale(
            "the service ignores If-Match, so that an edit could be overwritten; the next plan says so",
        )),
        Expects::Version(version) => Ok(version.as_str().to_owned()),
        Expects::Missing => match read.get(id) {
            Some(_) => Err(Unmet::Stale("the record is there")),
            None => Err(Unmet::Missing),
        },
        Expects::Values(expected) => {
            let Some(Ok(row)) = read.get(id) else { return Err(Unmet::Missing) };
            let held = &row.found.record;
            let differs = expected.fields().any(|(name, said)| match said {
                Presence::Value(_) => held.field(name.as_str()) != said,
                Presence::Absent | Presence::Unreadable => false,
            });
            if differs {
                return Err(Unmet::Stale("somebody changed the record"));
            }
            Ok(match &row.found.version {
                Some(version) if !ignored => version.as_str().to_owned(),
                _ => "*".to_owned(),
            })
        }
    }
}

fn create(set: &Set, op: &WriteOp) -> Result<Part, Box<WriteOutcome>> {
    let key = match &op.target {
        Target::New(Some(id)) => Some(id),
        _ => None,
    };
    Ok(Part {
        method: Method::POST,
        url: set.path.clone(),
        headers: vec![
            ("accept", JSON.to_owned()),
            ("content-type", content_type(set)),
            ("prefer", "return=representation".to_owned()),
        ],
        body: Some(body(set, op, key)?),
    })
}

/// The values of an operation as JSON. The key of a new record is what its fields say, otherwise what was chosen.
fn body(set: &Set, op: &WriteOp, key: Option<&RecordId>) -> Result<String, Box<WriteOutcome>> {
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, said) in op.patch.fields() {
        let (Presence::Value(value), Some((_, column))) = (said, set.column(name.as_str())) else { continue };
        let written = member(column, value, set.numbers_as_text);
        members.push(written.map_err(|problem| Box::new(invalid(set, name, problem)))?);
    }
    if let Some(id) = key {
        let parts = id.parts();
        if parts.len() != set.key.len() {
            let error = Error::data("the chosen key has another number of parts").at("entity", &set.name);
            return Err(Box::new(refusal(RefusalKind::Invalid { field: None }, error.at("record", id))));
        }
        for (column, part) in set.key_columns().zip(&parts) {
            let name = &column.field.name;
            if members.iter().any(|(known, _)| known == name.as_str()) {
                continue;
            }
            members.push(
                key_member(set, column, part).map_err(|problem| Box::new(invalid(set, name, problem)))?,
            );
        }
    }
    let text: Vec<String> = members.iter().map(|(name, json)| format!("{}:{json}", quoted(name))).collect();
    Ok(format!("{{{}}}", text.join(",")))
}

fn key_member(set: &Set, column: &Column, part: &KeyPart) -> Result<(String, String), String> {
    let value = of_key(column, part).ok_or("the chosen key does not fit")?;
    member(column, value.as_ref(), set.numbers_as_text)
}

/// Whether an answer can mean that the key is taken, though it does not say so.
fn may_be_taken(reply: &Reply) -> bool {
    matches!(reply.status, 400 | 409 | 412 | 422 | 500..=599)
}

/// The id that a new record has, where it is known before.
fn key_of_new(set: &Set, op: &WriteOp) -> Option<RecordId> {
    let mut parts = Vec::with_capacity(set.key.len());
    let chosen = match &op.target {
        Target::New(Some(id)) => id.parts(),
        _ => Vec::new(),
    };
    for (place, column) in set.key_columns().enumerate() {
        let said = op.patch.field(column.field.name.as_str()).value().filter(|value| !value.is_null());
        parts.push(match said {
            Some(value) => part_of(column, value)?,
            None => chosen.get(place)?.clone(),
        });
    }
    Some(RecordId::of_parts(&parts))
}

fn part_of(column: &Column, value: ValueRef<'_>) -> Option<KeyPart> {
    let (_, json) = member(column, value, false).ok()?;
    let held: &serde_json::value::RawValue = serde_json::from_str(&json).ok()?;
    key_part(&column.wire, held).ok()
}

/// Says of creates that failed, and whose key is taken, that it is.
async fn taken(
    service: &Service,
    set: &Set,
    ops: &[WriteOp],
    doubtful: &[usize],
    outcomes: &mut [Option<WriteOutcome>],
) {
    let keys: Vec<(usize, RecordId)> =
        doubtful.iter().filter_map(|place| Some((*place, key_of_new(set, ops.get(*place)?)?))).collect();
    if keys.is_empty() {
        return;
    }
    let ids: Vec<RecordId> = keys.iter().map(|(_, id)| id.clone()).collect();
    let Ok(wanted) = Wanted::none() else { return };
    // Without an answer nothing more is known, and the outcomes stay as they are.
    let Ok(found) = by_ids(service, set, &wanted, &ids).await else { return };
    for (place, id) in keys.into_iter().filter(|(_, id)| found.contains_key(id)) {
        if let Some(slot) = outcomes.get_mut(place) {
            let error =
                Error::new(ErrorKind::Conflict, "the key is taken").at("entity", &set.name).at("record", &id);
            *slot = Some(refusal(RefusalKind::KeyTaken { by: Some(id) }, error));
        }
    }
}
