//! Writing: one request for each operation, in their order, and what its answer proves.

use std::num::NonZeroU32;

use reqwest::header::{HeaderName, IF_NONE_MATCH};
use seamless_core::connector::{
    Expects, Lookup, Proof, Refusal, RefusalKind, Target, Verb, Versioned, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    EntityName, Error, ErrorKind, FieldName, Record, RecordId, Result, Retry, Version,
};

use super::declaration::{Call, ExpectBy, Resource};
use super::read::lookup;
use super::record::{Body, Wanted, holds, id_in_path, id_of, id_of_text, read, row};
use super::system::{Said, System, said};
use crate::http::{Answer, Request, Sent};
use crate::json::{Members, quoted, utf8};

/// Operations in one call: they are sent one by one, so that more would only make one call longer.
pub(super) const BATCH_MAX: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

/// Writes a batch.
pub(super) async fn write(
    system: &System,
    entity: &EntityName,
    batch: &WriteBatch,
) -> Result<Vec<WriteOutcome>> {
    let resource = system.resource(entity)?;
    let can = system.capabilities(resource);
    if batch.ops.len() > BATCH_MAX.get() as usize {
        return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
            .at("entity", entity)
            .with_remedy(format!("at most {BATCH_MAX} are taken")));
    }
    for op in &batch.ops {
        let declared = match &op.verb {
            Verb::Create => can.create,
            Verb::Update => can.update,
            Verb::Delete(_) => can.delete,
            Verb::Action(name) => resource.actions.contains_key(name),
        };
        let conditional = matches!(op.expects, Expects::Version(_) | Expects::Values(_));
        if !declared || conditional && !can.conditional_update {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the declaration does not say how this is written",
            )
            .at("entity", entity)
            .at("verb", verb_name(&op.verb)));
        }
    }
    let mut outcomes = Vec::with_capacity(batch.ops.len());
    for op in &batch.ops {
        outcomes.push(one(system, resource, op).await);
    }
    Ok(outcomes)
}

fn verb_name(verb: &Verb) -> String {
    match verb {
        Verb::Create => "create".to_owned(),
        Verb::Update => "update".to_owned(),
        Verb::Delete(_) => "delete".to_owned(),
        Verb::Action(name) => name.to_string(),
    }
}

fn refused(why: RefusalKind, error: Error) -> WriteOutcome {
    WriteOutcome::Refused(Refusal { why, error })
}

async fn one(system: &System, resource: &Resource, op: &WriteOp) -> WriteOutcome {
    let expected = match expected(system, resource, op).await {
        Ok(version) => version,
        Err(outcome) => return *outcome,
    };
    let request = match request(system, resource, op, expected.as_ref()) {
        Ok(request) => request,
        Err(outcome) => return *outcome,
    };
    match system.http.send(request).await {
        Err(failed) if failed.sent == Sent::No => refused(RefusalKind::Unavailable, failed.error),
        Err(failed) => WriteOutcome::Ambiguous(failed.error),
        Ok(answer) => came_to(system, resource, op, &answer),
    }
}

/// The version that an operation expects. Expected values are compared with a reading, whose version is the one that the
/// write then names: what changes in between is refused. A record that is there is none that is missing.
async fn expected(
    system: &System,
    resource: &Resource,
    op: &WriteOp,
) -> Result<Option<Version>, Box<WriteOutcome>> {
    let stale = || {
        let error = Error::new(ErrorKind::Conflict, "the record does not hold what was expected");
        Box::new(refused(RefusalKind::Stale, error))
    };
    let nothing = Record::absent(&resource.shape);
    let (values, id, one) = match (&op.expects, &op.target, &resource.one) {
        (Expects::Version(version), ..) => return Ok(Some(version.clone())),
        (Expects::Values(values), Target::Existing(id), Some(one)) => (values, id, one),
        (Expects::Missing, Target::Existing(id), Some(one)) => (&nothing, id, one),
        _ => return Ok(None),
    };
    let unsent = |error: Error| Box::new(refused(RefusalKind::Unavailable, error));
    let wanted = Wanted::new(resource, values.shape()).map_err(|name| {
        Box::new(refused(
            RefusalKind::Invalid { field: Some(name.into()) },
            Error::data("there is no such field"),
        ))
    })?;
    match lookup(system, resource, &wanted, one, id).await.map_err(unsent)? {
        Lookup::Found(_) if op.expects == Expects::Missing => Err(stale()),
        Lookup::Found(found) if !holds(&found.record, values) => Err(stale()),
        Lookup::Found(found) if found.version.is_some() => Ok(found.version),
        Lookup::Found(_) => Err(unsent(Error::data("the record has no version where the declaration says"))),
        // Deleting what is not there is done by the same request.
        _ => Ok(None),
    }
}

/// The request of an operation; otherwise what becomes of it unsent.
fn request(
    system: &System,
    resource: &Resource,
    op: &WriteOp,
    expected: Option<&Version>,
) -> Result<Request, Box<WriteOutcome>> {
    let invalid = |field: Option<FieldName>, problem: String| {
        let error = match &field {
            Some(field) => Error::data(problem).at("field", field),
            None => Error::data(problem),
        };
        Box::new(refused(RefusalKind::Invalid { field }, error))
    };
    let missing = || {
        Box::new(refused(RefusalKind::Missing, Error::new(ErrorKind::NotFound, "no record has such an id")))
    };
    let call: Option<&Call> = match &op.verb {
        Verb::Create => resource.create.as_ref(),
        Verb::Update => resource.update.as_ref(),
        Verb::Delete(_) => resource.delete.as_ref(),
        Verb::Action(name) => resource.actions.get(name),
    };
    let call = call.ok_or_else(|| invalid(None, "the declaration does not say how".to_owned()))?;
    let id = match &op.target {
        Target::Existing(id) => Some(id_in_path(resource, id).ok_or_else(missing)?),
        Target::New(Some(id)) => Some(
            id_in_path(resource, id).ok_or_else(|| invalid(None, "no record can have this id".to_owned()))?,
        ),
        Target::New(None) if call.names_record() => {
            return Err(invalid(None, "the caller has to choose the id".to_owned()));
        }
        Target::New(None) => None,
    };
    let url = system.address(call, id.as_deref(), &[]);
    let url = url.map_err(|error| Box::new(refused(RefusalKind::Invalid { field: None }, error)))?;
    let mut request = system.request(call.method.clone(), url);
    request.changes = true;
    let mut body = Body::of(resource, &op.patch).map_err(|(field, problem)| invalid(Some(field), problem))?;
    if let (Verb::Create, Target::New(Some(_)), Some(text)) = (&op.verb, &op.target, &id)
        && let Some(column) = resource.columns.get(resource.key)
    {
        let number = resource
            .entity
            .fields
            .get(resource.key)
            .is_some_and(|field| field.kind == seamless_core::model::FieldKind::Int);
        body.put(&column.at, if number { text.clone() } else { quoted(text) });
    }
    let mut put_header = |name: &str, value: String| {
        if let Ok(name) = name.parse::<HeaderName>() {
            request.headers.push((name, value));
        }
    };
    match (expected, &resource.version) {
        (Some(version), Some(by)) => match &by.expect {
            ExpectBy::Header(name) => put_header(name, version.as_str().to_owned()),
            ExpectBy::Body => {
                let number = version
                    .as_str()
                    .parse::<i64>()
                    .is_ok_and(|number| number.to_string() == version.as_str());
                body.put(&by.at, if number { version.as_str().to_owned() } else { quoted(version.as_str()) });
            }
        },
        (None, Some(by))
            if op.expects == Expects::Missing
                && call.names_record()
                && matches!(by.expect, ExpectBy::Header(_)) =>
        {
            put_header(IF_NONE_MATCH.as_str(), "*".to_owned());
        }
        _ => {}
    }
    if let Some(name) = &resource.idempotency {
        let key: String = op.id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        put_header(name, key);
    }
    if matches!(op.verb, Verb::Create | Verb::Update) {
        request = request.header("content-type", "application/json");
        request.body = Some(body.json_in(&resource.body).into_bytes());
    }
    Ok(request)
}

/// What an answer says of an operation.
fn came_to(system: &System, resource: &Resource, op: &WriteOp, answer: &Answer) -> WriteOutcome {
    use crate::http::status::Fate;
    let absent = matches!(answer.status, 404 | 410);
    if let (true, Verb::Delete(_), Target::Existing(id)) = (absent, &op.verb, &op.target) {
        return WriteOutcome::Applied { id: id.clone(), proof: Proof::None };
    }
    match answer.fate() {
        Fate::Done => done(resource, op, answer),
        Fate::Unknown => WriteOutcome::Ambiguous(system.refused(answer, &resource.errors)),
        Fate::NotDone => {
            let said = said(&resource.errors, &answer.body);
            refused(why(resource, op, answer, &said), system.refused(answer, &resource.errors))
        }
    }
}

/// What kind of refusal a status and the system's own words are.
fn why(resource: &Resource, op: &WriteOp, answer: &Answer, said: &Said) -> RefusalKind {
    let code = said.code.as_deref();
    if code.is_some_and(|code| resource.errors.taken.iter().any(|taken| taken == code)) {
        return RefusalKind::KeyTaken { by: None };
    }
    if code.is_some_and(|code| resource.errors.stale.iter().any(|stale| stale == code)) {
        return RefusalKind::Stale;
    }
    let field = said.field.as_deref().and_then(|named| {
        // Named as the system names it: where it stands, or the name that is declared.
        let place = |field: usize| resource.columns.get(field).and_then(|column| column.at.steps().last());
        let mut fields = resource.entity.fields.iter().enumerate();
        let found = fields.find(|(slot, field)| {
            field.name.as_str() == named || place(*slot).is_some_and(|step| step == named)
        });
        found.map(|(_, field)| field.name.clone())
    });
    match answer.status {
        401 | 403 => RefusalKind::Forbidden,
        404 | 410 => RefusalKind::Missing,
        409 if matches!(op.verb, Verb::Create) => RefusalKind::KeyTaken { by: None },
        412 if matches!(op.verb, Verb::Create) => RefusalKind::KeyTaken { by: None },
        409 | 412 if resource.version.is_some() => RefusalKind::Stale,
        429 => RefusalKind::Throttled { wait: answer.wait() },
        503 => RefusalKind::Unavailable,
        _ => RefusalKind::Invalid { field },
    }
}

/// What a success proves.
fn done(resource: &Resource, op: &WriteOp, answer: &Answer) -> WriteOutcome {
    let body = utf8(&answer.body).ok().map(str::trim).filter(|body| !body.is_empty());
    let record = body.and_then(|body| resource.record.find(body)).and_then(|held| row(held).ok());
    let id = match (&op.target, &op.verb) {
        (Target::Existing(id), _) | (Target::New(Some(id)), _) => Some(id.clone()),
        (Target::New(None), _) => record
            .as_ref()
            .and_then(|record| id_of(resource, record).ok())
            .or_else(|| id_in_location(resource, answer)),
    };
    let Some(id) = id else {
        return WriteOutcome::Ambiguous(
            Error::data("the record was made, and the answer does not name its id")
                .with_remedy("say in the declaration where it stands: `record`")
                .with_retry(Retry::Never),
        );
    };
    let proof = match (record, resource.returns, &op.verb) {
        (_, _, Verb::Delete(_)) | (None, ..) | (_, false, _) => Proof::None,
        (Some(record), true, _) => match stored(resource, op, &record) {
            Some(versioned) if versioned.id == id => Proof::Stored(versioned),
            _ => Proof::None,
        },
    };
    WriteOutcome::Applied { id, proof }
}

fn stored(resource: &Resource, op: &WriteOp, record: &Members<'_>) -> Option<Versioned> {
    // Everything that is declared: the caller may ask for more than it sent.
    let wanted = Wanted::new(resource, &resource.shape).ok()?;
    let stored = read(resource, &wanted, record).ok()?;
    // A field that was sent and is not shown proves nothing about what became of it.
    let all = op.patch.fields().all(|(name, presence)| {
        presence.value().is_none() || stored.record.field(name.as_str()).value().is_some()
    });
    all.then_some(stored)
}

/// The id at the end of the header `Location`.
fn id_in_location(resource: &Resource, answer: &Answer) -> Option<RecordId> {
    let url = answer.url.join(answer.header("location")?).ok()?;
    let last = url.path_segments()?.rfind(|segment| !segment.is_empty())?.to_owned();
    let text = percent_encoding::percent_decode_str(&last).decode_utf8().ok()?;
    id_of_text(resource, &text)
}
