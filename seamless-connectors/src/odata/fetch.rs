//! Looking records up, by id and by the values of fields: many in one request, as readings inside a batch. What comes back is
//! matched by what it holds and not by its place, so that a service which compares without regard to capitals finds no
//! other record than the one asked for.

use std::collections::HashMap;

use seamless_core::connector::{FetchBy, FetchQuery, GoneProof, Lookup, Versioned};
use seamless_core::model::{Error, ErrorKind, RecordId, Result, Value};

use super::batch::{Fared, Part, Reply, send};
use super::json::utf8;
use super::query::{Query, holds, is};
use super::rows::{Bad, Row, Wanted, row};
use super::service::{Service, listing};
use super::set::Set;
use crate::http::status;

/// Records in one reading at most: databases have limits for the parts of a condition.
const TERMS_MAX: usize = 50;
/// Bytes of a filter at most.
const FILTER_BYTES_MAX: usize = 6_000;
/// Pages of one reading that are followed at most.
const PAGES_MAX: usize = 10_000;
/// Records that one key is said to have, at most.
const SEVERAL_MAX: usize = 1_000;

/// Looks records up.
///
/// Errors: a field that is not there or cannot be searched; the service does not answer.
pub(super) async fn fetch(service: &Service, query: &FetchQuery) -> Result<Vec<Lookup>> {
    let set = service.set(&query.entity)?;
    let set = &*set;
    let wanted = Wanted::new(set, &query.shape)?;
    match &query.by {
        FetchBy::Ids(ids) => {
            let found = by_ids(service, set, &wanted, ids).await?;
            let answer = |id: &RecordId| match found.get(id) {
                Some(Ok(row)) => Ok(Lookup::Found(row.found.clone())),
                Some(Err(bad)) => Err(unreadable(set, bad)),
                None if set.capabilities.gone_not_hidden => Ok(Lookup::Gone(GoneProof {
                    id: id.clone(),
                    seen: format!("{id} is not in {}", set.name),
                })),
                None => Ok(Lookup::Hidden),
            };
            ids.iter().map(answer).collect()
        }
        FetchBy::Key { fields, values } => {
            let places = fields.iter().map(|name| set.place(name)).collect::<Result<Vec<_>>>()?;
            by_key(service, set, &wanted, &places, values).await
        }
    }
}

fn unreadable(set: &Set, bad: &Bad) -> Error {
    let error = Error::data(format!("a record cannot be read: {}", bad.problem)).at("entity", &set.name);
    match &bad.id {
        Some(id) => error.at("record", id),
        None => error,
    }
}

/// Records by id. One that is not in the answer is not there, or not shown.
pub(super) async fn by_ids(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    ids: &[RecordId],
) -> Result<HashMap<RecordId, Result<Row, Bad>>> {
    let mut asked: Vec<&RecordId> = ids.iter().collect();
    asked.sort();
    asked.dedup();
    // A key that the set cannot hold has no record.
    let terms: Vec<String> = asked.iter().filter_map(|id| is(set, id)).collect();
    let mut found = HashMap::new();
    for row in search(service, set, wanted, &[], &terms).await? {
        let id = match &row {
            Ok(row) => Some(row.found.id.clone()),
            Err(bad) => bad.id.clone(),
        };
        if let Some(id) = id {
            found.insert(id, row);
        }
    }
    Ok(found)
}

async fn by_key(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    places: &[usize],
    values: &[Vec<Value>],
) -> Result<Vec<Lookup>> {
    let mut terms = Vec::with_capacity(values.len());
    for row in values {
        let term = holds(set, places, row).map_err(|problem| {
            Error::new(ErrorKind::Unsupported, format!("records cannot be searched: {problem}"))
                .at("entity", &set.name)
                .with_remedy("match by a field that holds a text, a number, a date or a reference")
        })?;
        terms.push(term);
    }
    terms.sort();
    terms.dedup();
    // The fields that are searched by are read too: what came back is matched by them.
    let names = set.columns.iter().enumerate().filter(|(place, column)| {
        places.contains(place) || wanted.shape.slot(column.field.name.as_str()).is_some()
    });
    let shape = seamless_core::model::Shape::new(names.map(|(_, column)| column.field.name.clone()))?;
    let both = Wanted::new(set, &shape)?;
    let mut found: HashMap<Vec<Value>, Vec<Versioned>> = HashMap::new();
    let mut broken = None;
    for row in search(service, set, &both, places, &terms).await? {
        match row {
            Ok(row) => {
                let key = places.iter().filter_map(|place| set.columns.get(*place)).map(|column| {
                    let held = row.found.record.field(column.field.name.as_str()).value();
                    held.map_or(Value::Null, |held| held.to_value())
                });
                let alike = found.entry(key.collect()).or_default();
                if alike.len() < SEVERAL_MAX && !alike.iter().any(|known| known.id == row.found.id) {
                    alike.push(row.found);
                }
            }
            Err(bad) => broken = Some(bad),
        }
    }
    if let Some(bad) = broken {
        return Err(unreadable(set, &bad));
    }
    let answer = |row: &Vec<Value>| match found.get(row).map(Vec::as_slice) {
        None | Some([]) => Lookup::Hidden,
        Some([one]) => {
            let record = one.record.reshaped(&wanted.shape);
            Lookup::Found(Versioned { record, ..one.clone() })
        }
        Some(several) => Lookup::Several(several.iter().map(|one| one.id.clone()).collect()),
    };
    Ok(values.iter().map(answer).collect())
}

/// All records that one of the terms holds for.
async fn search(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    more: &[usize],
    terms: &[String],
) -> Result<Vec<Result<Row, Bad>>> {
    let select = wanted.select(set, more);
    let mut groups = groups(terms);
    let mut rows = Vec::new();
    // A group that the service refuses is asked for once more, term by term: one text that it cannot take in a filter must
    // not hide the others.
    for round in 0..2 {
        let parts: Vec<Part> = groups
            .iter()
            .map(|group| {
                let filter = group.iter().map(|term| format!("({term})")).collect::<Vec<_>>().join(" or ");
                let query = Query::new(select.clone()).expanded(wanted.expand(set)).with("$filter", filter);
                Part::get(query.of(set))
            })
            .collect();
        let mut refused: Vec<&[String]> = Vec::new();
        for (group, fared) in groups.iter().zip(send(service, &parts, false).await) {
            match fared {
                Fared::NotDone(error) | Fared::Unknown(error) => return Err(error.at("entity", &set.name)),
                Fared::Answered(reply) => match reply.status {
                    200 => rows.extend(listed(service, set, wanted, &reply).await?),
                    400 | 404 | 422 if round == 0 && group.len() > 1 => {
                        refused.extend(group.chunks(1));
                    }
                    400 | 422 if group.iter().all(|term| is_hostile(term)) => {}
                    _ => return Err(failed(service, &reply).at("entity", &set.name)),
                },
            }
        }
        groups = refused;
        if groups.is_empty() {
            break;
        }
    }
    Ok(rows)
}

/// Whether a term has characters that services refuse in a filter: no record has such a key there.
fn is_hostile(term: &str) -> bool {
    term.chars().any(char::is_control) || term.ends_with(" eq ''")
}

fn groups(terms: &[String]) -> Vec<&[String]> {
    let (mut groups, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (place, term) in terms.iter().enumerate() {
        if place > from && (place - from >= TERMS_MAX || bytes + term.len() > FILTER_BYTES_MAX) {
            groups.push(terms.get(from..place).unwrap_or_default());
            (from, bytes) = (place, 0);
        }
        bytes += term.len() + 6;
    }
    groups.extend(terms.get(from..).filter(|rest| !rest.is_empty()));
    groups
}

/// The records of a list, with those of the pages that follow it.
async fn listed(
    service: &Service,
    set: &Set,
    wanted: &Wanted,
    reply: &Reply,
) -> Result<Vec<Result<Row, Bad>>> {
    let list = listing(utf8(&reply.body)?).map_err(|error| error.at("entity", &set.name))?;
    let mut rows: Vec<Result<Row, Bad>> = list.rows.iter().map(|held| row(set, wanted, held)).collect();
    let mut next = list.next;
    // Links inside a batch begin at the root.
    let mut from = service.http.base().url().clone();
    for _ in 0..PAGES_MAX {
        let Some(link) = next else { return Ok(rows) };
        let url = service.linked(&from, &link)?;
        if url == from {
            break;
        }
        let answer = service.read(service.reading(url, None, false)).await?;
        let list = listing(utf8(&answer.body)?)?;
        rows.extend(list.rows.iter().map(|held| row(set, wanted, held)));
        (next, from) = (list.next, answer.url.clone());
    }
    Err(Error::data("the links of the service lead in a circle").at("entity", &set.name))
}

/// The error that an answer inside a batch is.
pub(super) fn failed(service: &Service, reply: &Reply) -> Error {
    let (kind, remedy) = status::kind(reply.status);
    Error::new(kind, format!("the system answered with status {}", reply.status))
        .with_remedy(remedy)
        .caused_by(service.words(&reply.body))
}
