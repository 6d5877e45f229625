//! Reading lists, page by page, and records by name.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDateTime;
use reqwest::Method;
use seamless_core::connector::{
    Change, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Order, Page, ReadQuery, Tombstone,
    Versioned,
};
use seamless_core::model::{Error, ErrorKind, FieldName, Presence, RecordId, Result, Timestamp, Value};
use serde_json::value::RawValue;

use super::cursor::{Next, Place};
use super::declaration::{Call, Changes, Resource, Since};
use super::paging::{Came, after, ask};
use super::record::{Wanted, id_in_path, id_of, is_deleted, read, row, stamp, word};
use super::system::System;
use crate::http::{Answer, Request};
use crate::json::{Members, elements, utf8};

/// Records in a page of a reading for a fetch.
const FETCH_PAGE_RECORDS: usize = 1_000;

/// A page of a list, as it came.
struct Listed {
    answer: Answer,
}

/// Notices a list that leads back to a page that it had already: one place is remembered, and another one after twice as many
/// pages (R. P. Brent, An improved Monte Carlo factorization algorithm, BIT 20, 1980). Constant memory, whatever the length
/// of the circle.
#[derive(Debug, Default)]
pub(super) struct Circle {
    kept: Option<u64>,
    since: u64,
    power: u64,
}

impl Circle {
    /// Whether this place was there before.
    pub(super) fn closes(&mut self, next: &Next) -> bool {
        let mut hasher = DefaultHasher::new();
        next.hash(&mut hasher);
        let place = hasher.finish();
        if self.kept == Some(place) {
            return true;
        }
        self.since += 1;
        if self.since > self.power {
            (self.kept, self.since, self.power) = (Some(place), 0, self.power.max(1).saturating_mul(2));
        }
        false
    }
}

/// What a reading keeps from page to page.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) query: ReadQuery,
    pub(super) serial: u64,
    circle: Mutex<Circle>,
}

impl Reading {
    pub(super) fn new(system: &System, query: ReadQuery) -> Self {
        let serial = system.enumerations.fetch_add(1, Ordering::Relaxed);
        Self { query, serial, circle: Mutex::default() }
    }
}

/// The fields that are asked for.
///
/// Errors: [`ErrorKind::Configuration`] for a field that is not declared.
pub(super) fn wanted(resource: &Resource, shape: &Arc<seamless_core::model::Shape>) -> Result<Wanted> {
    Wanted::new(resource, shape).map_err(|name| {
        Error::configuration("the declaration has no such field")
            .at("entity", &resource.entity.name)
            .at("field", name)
    })
}

/// The next page of a reading.
pub(super) async fn page(system: &System, reading: &Reading, mut place: Place) -> Result<Page> {
    let query = &reading.query;
    let resource = system.resource(&query.entity)?;
    let wanted = wanted(resource, &query.shape)?;
    let root = system.http.base().url().as_str();
    let at = |error: Error| error.at("entity", &query.entity);
    let extra = match (&resource.changes, place.all, &place.since) {
        (Some(changes), false, Some(since)) => Some((changes.send.clone(), sent(changes, since)?)),
        _ => None,
    };
    let Listed { answer } =
        list(system, resource, &place.next, query.page_records_max, extra.as_slice()).await.map_err(at)?;
    if place.all && place.next == Next::First && resource.changes.is_some() {
        // By the system's own clock and before its first record was read: what changes meanwhile comes again.
        place.since = answer.header("date").and_then(http_date).map(text_of);
    }
    let body = utf8(&answer.body).map_err(at)?;
    let rows = rows(resource, body).map_err(at)?;
    let mut changes = Vec::with_capacity(rows.len());
    for held in &rows {
        let read = row(held.get());
        if let Some(stamp) = read.as_ref().ok().and_then(|row| stamp(resource, row)).map(text_of)
            && place.seen.as_ref().is_none_or(|seen| *seen < stamp)
        {
            place.seen = Some(stamp);
        }
        changes.push(change(resource, &wanted, read));
    }
    let next = following(resource, &place.next, &answer, body, &rows).map_err(at)?;
    let Some(next) = next else {
        let serial = reading.serial;
        return Ok(end(root, resource, query, place, changes, serial));
    };
    if reading.circle.lock().unwrap_or_else(PoisonError::into_inner).closes(&next) {
        return Err(at(Error::data("the list leads back to a page that it had already")
            .with_remedy("check `page` in the declaration; the system may ignore the parameter")));
    }
    place.next = next;
    Ok(Page { changes, cursor: place.cursor(root, &query.entity), end: None })
}

/// The last page: what it proves, and where changes go on.
fn end(
    root: &str,
    resource: &Resource,
    query: &ReadQuery,
    place: Place,
    changes: Vec<Change>,
    serial: u64,
) -> Page {
    let from = |since: Option<String>| since.map(|since| Place::changes(since).cursor(root, &query.entity));
    if !place.all {
        let newest = place.since.max(place.seen);
        let cursor = from(newest).unwrap_or_else(|| Place::all().cursor(root, &query.entity));
        return Page { changes, cursor, end: Some(End::CaughtUp { low_water: None }) };
    }
    let changes_from = from(place.since.clone());
    let cursor = changes_from.clone().unwrap_or_else(|| place.cursor(root, &query.entity));
    let complete = resource.complete && query.after.is_none();
    let end = match complete {
        true => End::Complete(Enumeration {
            id: format!("{}-{serial}", query.entity),
            order: Order::Unspecified,
            changes_from,
        }),
        false => End::Partial,
    };
    Page { changes, cursor, end: Some(end) }
}

fn change(resource: &Resource, wanted: &Wanted, row: Result<Members<'_>, String>) -> Change {
    if let Ok(row) = &row
        && is_deleted(resource, row)
        && let Ok(id) = id_of(resource, row)
    {
        return Change::Deleted(Tombstone { id, version: None, merged_into: None });
    }
    match row.map_err(|problem| (None, problem)).and_then(|row| read(resource, wanted, &row)) {
        Ok(versioned) => Change::Upsert(versioned),
        Err((id, problem)) => {
            let place = match &id {
                Some(id) => format!("{} {id}", resource.entity.name),
                None => format!("a record of {}", resource.entity.name),
            };
            Change::Broken { id, place, problem }
        }
    }
}

async fn list(
    system: &System,
    resource: &Resource,
    next: &Next,
    records_max: usize,
    extra: &[(String, String)],
) -> Result<Listed> {
    let call = resource.list.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "records of this entity are not listed")
            .with_remedy("say in the declaration how they are: `list`")
    })?;
    let asked = ask(resource, next, records_max);
    let parameters: Vec<(&str, &str)> =
        asked.parameters.iter().chain(extra).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let own = system.address(call, None, &parameters)?;
    let url = match &asked.address {
        Some(address) => system.http.base().link(&own, address)?,
        None => own,
    };
    let mut request: Request = system.request(call.method.clone(), url);
    if let Some(range) = asked.range {
        request = request.header("range", range);
    }
    let answer = system.http.send(request).await?;
    // Beyond the last record: an empty page.
    if answer.status == 416 {
        let answer = Answer { body: b"[]".to_vec(), status: 200, ..answer };
        return Ok(Listed { answer });
    }
    if !answer.is_done() {
        return Err(system.refused(&answer, &resource.errors));
    }
    Ok(Listed { answer })
}

/// The records of a list.
fn rows<'a>(resource: &Resource, body: &'a str) -> Result<Vec<&'a RawValue>> {
    if body.trim().is_empty() {
        return Ok(Vec::new());
    }
    let refused = || {
        Error::data("the answer holds no list where the declaration says")
            .with_remedy("check `records` in the declaration")
    };
    let held = match resource.records.steps() {
        [] => body.trim(),
        // A range beyond the end has no envelope.
        _ if body == "[]" => body,
        _ => resource.records.find(body).ok_or_else(refused)?,
    };
    if held == "null" {
        return Ok(Vec::new());
    }
    let raw: &RawValue = serde_json::from_str(held).map_err(|_| refused())?;
    elements(raw).ok_or_else(refused)
}

fn following(
    resource: &Resource,
    this: &Next,
    answer: &Answer,
    body: &str,
    rows: &[&RawValue],
) -> Result<Option<Next>> {
    let last = rows.last().and_then(|held| row(held.get()).ok()).and_then(|row| id_of(resource, &row).ok());
    let last = last.and_then(|id| id_in_path(resource, &id));
    let came = Came {
        body,
        records: rows.len(),
        last,
        link: answer.header("link"),
        range: answer.header("content-range"),
    };
    let next = after(resource, this, &came).map_err(Error::data)?;
    // A relative address is meant from where it stood.
    Ok(match next {
        Some(Next::Address(address)) => {
            let full = answer.url.join(&address).map_err(|problem| {
                Error::data("the address of the next page cannot be read").caused_by(problem)
            })?;
            Some(Next::Address(full.into()))
        }
        next => next,
    })
}

fn text_of(at: Timestamp) -> String {
    // Nine digits always, so that texts are ordered like moments.
    at.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

fn http_date(text: &str) -> Option<Timestamp> {
    let plain = text.trim().strip_suffix(" GMT")?;
    NaiveDateTime::parse_from_str(plain, "%a, %d %b %Y %H:%M:%S").ok().map(|at| at.and_utc())
}

/// The moment from which changes are asked for, as the system takes it.
fn sent(changes: &Changes, since: &str) -> Result<String> {
    let expired = || Error::new(ErrorKind::CursorExpired, "the cursor holds no moment");
    let at: Timestamp = since.parse().map_err(|_| expired())?;
    let overlap = chrono::TimeDelta::from_std(changes.overlap).map_err(|_| expired())?;
    let from = at.checked_sub_signed(overlap).unwrap_or(at);
    Ok(match changes.form {
        Since::Rfc3339 => from.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Since::Date => from.format("%Y-%m-%d").to_string(),
        Since::Unix => from.timestamp().to_string(),
        Since::UnixMillis => from.timestamp_millis().to_string(),
    })
}

/// Looks records up.
pub(super) async fn fetch(system: &System, query: &FetchQuery) -> Result<Vec<Lookup>> {
    let resource = system.resource(&query.entity)?;
    let wanted = wanted(resource, &query.shape)?;
    let at = |error: Error| error.at("entity", &query.entity);
    match (&query.by, &resource.one) {
        (FetchBy::Ids(ids), Some(one)) if resource.ids.is_none() || ids.len() == 1 => {
            let mut lookups = Vec::with_capacity(ids.len());
            for id in ids {
                lookups.push(lookup(system, resource, &wanted, one, id).await.map_err(at)?);
            }
            Ok(lookups)
        }
        (FetchBy::Ids(ids), _) => by_ids(system, resource, &wanted, ids).await.map_err(at),
        (FetchBy::Key { fields, values }, _) => {
            by_key(system, query, resource, fields, values).await.map_err(at)
        }
    }
}

pub(super) async fn lookup(
    system: &System,
    resource: &Resource,
    wanted: &Wanted,
    one: &Call,
    id: &RecordId,
) -> Result<Lookup> {
    let Some(text) = id_in_path(resource, id) else { return Ok(Lookup::Hidden) };
    let url = system.address(one, Some(&text), &[])?;
    let answer = system.http.send(system.request(one.method.clone(), url)).await?;
    let gone = |seen: String| Lookup::Gone(GoneProof { id: id.clone(), seen });
    if answer.status == 410 || resource.gone.contains(&answer.status) {
        return Ok(gone(format!("the system answers with status {}", answer.status)));
    }
    if answer.status == 404 {
        return Ok(Lookup::Hidden);
    }
    if !answer.is_done() {
        return Err(system.refused(&answer, &resource.errors));
    }
    let body = utf8(&answer.body)?;
    let Some(held) = resource.record.find(body.trim()) else { return Ok(Lookup::Hidden) };
    let row = row(held).map_err(Error::data)?;
    if is_deleted(resource, &row) {
        return Ok(match resource.gone.is_empty() {
            true => Lookup::Hidden,
            false => gone("the system shows it as deleted".to_owned()),
        });
    }
    match read(resource, wanted, &row) {
        Ok(versioned) if versioned.id == *id => Ok(Lookup::Found(versioned)),
        // Some systems answer for a record that was merged with its survivor.
        Ok(_) => Ok(Lookup::Hidden),
        Err((_, problem)) => Err(Error::data(problem).at("record", id)),
    }
}

/// Records of a list, as often as the list shows them.
async fn all_of(
    system: &System,
    resource: &Resource,
    wanted: &Wanted,
    extra: &[(String, String)],
    mut keep: impl FnMut(Versioned),
) -> Result<()> {
    let (mut next, mut circle) = (Next::First, Circle::default());
    loop {
        let Listed { answer } = list(system, resource, &next, FETCH_PAGE_RECORDS, extra).await?;
        let body = utf8(&answer.body)?;
        let rows = rows(resource, body)?;
        for held in &rows {
            if let Ok(row) = row(held.get())
                && !is_deleted(resource, &row)
                && let Ok(versioned) = read(resource, wanted, &row)
            {
                keep(versioned);
            }
        }
        match following(resource, &next, &answer, body, &rows)? {
            Some(following) if circle.closes(&following) => {
                return Err(Error::data("the list leads back to a page that it had already"));
            }
            Some(following) => next = following,
            None => return Ok(()),
        }
    }
}

/// Several records at once: by the parameter for ids, or by reading the list.
async fn by_ids(
    system: &System,
    resource: &Resource,
    wanted: &Wanted,
    ids: &[RecordId],
) -> Result<Vec<Lookup>> {
    let mut found: Vec<Option<Versioned>> = vec![None; ids.len()];
    let mut keep = |versioned: Versioned| {
        for (id, place) in ids.iter().zip(&mut found) {
            if versioned.id == *id {
                *place = Some(versioned.clone());
            }
        }
    };
    match &resource.ids {
        None => all_of(system, resource, wanted, &[], &mut keep).await?,
        Some(by) => {
            let texts: Vec<String> = ids.iter().filter_map(|id| id_in_path(resource, id)).collect();
            for some in texts.chunks(by.max) {
                let extra = [(by.send.clone(), some.join(&by.separator))];
                all_of(system, resource, wanted, &extra, &mut keep).await?;
            }
        }
    }
    Ok(found.into_iter().map(|found| found.map_or(Lookup::Hidden, Lookup::Found)).collect())
}

/// Records by the values of fields: by the parameter of a field, or by reading the list. What a system finds is compared
/// here: some search by parts of words.
async fn by_key(
    system: &System,
    query: &FetchQuery,
    resource: &Resource,
    fields: &[FieldName],
    values: &[Vec<Value>],
) -> Result<Vec<Lookup>> {
    // The fields of the key are read beside those that are asked for.
    let mut names: Vec<FieldName> = query.shape.names().to_vec();
    names.extend(fields.iter().filter(|field| query.shape.slot(field.as_str()).is_none()).cloned());
    let shape = seamless_core::model::Shape::new(names)?;
    let wanted = wanted(resource, &shape)?;
    let mut hits: Vec<Vec<Versioned>> = vec![Vec::new(); values.len()];
    let is = |versioned: &Versioned, key: &[Value]| {
        fields.iter().zip(key).all(|(field, value)| match versioned.record.field(field.as_str()) {
            Presence::Value(held) => held.to_value() == *value,
            _ => false,
        })
    };
    let searched = fields.iter().enumerate().find_map(|(at, field)| Some((at, resource.find.get(field)?)));
    match searched {
        None => {
            all_of(system, resource, &wanted, &[], |versioned| {
                for (key, hits) in values.iter().zip(&mut hits) {
                    if is(&versioned, key) {
                        hits.push(versioned.clone());
                    }
                }
            })
            .await?;
        }
        Some((at, parameter)) => {
            for (key, hits) in values.iter().zip(&mut hits) {
                let text = key.get(at).map(|value| crate::json::value::json_of(value.as_ref()));
                let Some(text) = text.and_then(Result::ok).as_deref().and_then(word) else { continue };
                let extra = [(parameter.clone(), text)];
                all_of(system, resource, &wanted, &extra, |versioned| {
                    if is(&versioned, key) {
                        hits.push(versioned);
                    }
                })
                .await?;
            }
        }
    }
    let answer = |mut hits: Vec<Versioned>| {
        hits.dedup_by(|a, b| a.id == b.id);
        match (hits.len(), hits.pop()) {
            (1, Some(mut one)) => {
                one.record = one.record.reshaped(&query.shape);
                Lookup::Found(one)
            }
            (0, _) | (_, None) => Lookup::Hidden,
            (_, Some(last)) => Lookup::Several(hits.into_iter().map(|hit| hit.id).chain([last.id]).collect()),
        }
    };
    Ok(hits.into_iter().map(answer).collect())
}

/// Whether the system answers at all: a list, or a record that nobody has.
pub(super) async fn probe(system: &System, resource: &Resource) -> Result<u16> {
    let (method, url) = match (&resource.list, &resource.one) {
        (Some(list), _) => {
            let asked = ask(resource, &Next::First, 1);
            let parameters: Vec<(&str, &str)> =
                asked.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            (list.method.clone(), system.address(list, None, &parameters)?)
        }
        (None, Some(one)) => (one.method.clone(), system.address(one, Some("0"), &[])?),
        (None, None) => (Method::GET, system.http.base().url().clone()),
    };
    let answer = system.http.send(system.request(method, url)).await?;
    match answer.status {
        401 | 403 => Err(system.refused(&answer, &resource.errors)),
        status => Ok(status),
    }
}
