//! JSON of the system <-> records, by the columns of a resource. Pure. What does not fit its declaration is refused in words,
//! both ways. The doors are [`read`], [`Body`] and [`id_of`].

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use seamless_core::connector::Versioned;
use seamless_core::model::{
    FieldKind, FieldName, Instant, KeyPart, Presence, Record, RecordBuilder, RecordId, Shape, Timestamp,
    ValueRef, Version,
};

use super::declaration::{Column, Moments, Pointer, Resource};
use crate::cell::whole;
use crate::fits::misfit;
use crate::iso::instant;
use crate::json::value::{json_of, push};
use crate::json::{Members, quoted};

/// Which fields of a resource a shape asks for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) shape: Arc<Shape>,
    /// Of each slot, the field.
    fields: Vec<usize>,
}

impl Wanted {
    /// The fields of a shape; otherwise the name that the resource does not have.
    pub(super) fn new(resource: &Resource, shape: &Arc<Shape>) -> Result<Self, String> {
        let mut fields = Vec::with_capacity(shape.len());
        for name in shape.names() {
            fields.push(resource.shape.slot(name.as_str()).ok_or_else(|| name.to_string())?);
        }
        Ok(Self { shape: Arc::clone(shape), fields })
    }
}

/// A record's JSON, taken apart once for all that is asked of it.
///
/// Errors: words for why it is no record.
pub(super) fn row(json: &str) -> Result<Members<'_>, String> {
    Members::read(json).map_err(|_| "the record is no JSON object".to_owned())
}

/// The id of a record.
///
/// Errors: words for why there is none.
pub(super) fn id_of(resource: &Resource, row: &Members<'_>) -> Result<RecordId, String> {
    let column = resource.columns.get(resource.key).ok_or("the resource has no key")?;
    let held = column.at.find_in(row).ok_or("the record has no id")?;
    let kind = resource.entity.fields.get(resource.key).map(|field| &field.kind);
    key_of(kind, held).ok_or_else(|| "the id of the record is not what is declared".to_owned())
}

fn key_of(kind: Option<&FieldKind>, held: &str) -> Option<RecordId> {
    let text = || serde_json::from_str::<String>(held).ok().filter(|text| !text.is_empty());
    match kind? {
        // Some systems write numbers as texts, some the same number both ways.
        FieldKind::Int => match held.starts_with('"') {
            true => whole(&text()?).ok().map(RecordId::int),
            false => whole(held).ok().map(RecordId::int),
        },
        _ => text().map(|text| RecordId::text(&text)),
    }
}

/// An id as it stands in a path; `None` where no record of the resource can have it.
pub(super) fn id_in_path(resource: &Resource, id: &RecordId) -> Option<String> {
    let kind = resource.entity.fields.get(resource.key).map(|field| &field.kind);
    match (kind?, id.parts().as_slice()) {
        (FieldKind::Int, [KeyPart::Int(key)]) => Some(key.to_string()),
        (FieldKind::Text { .. }, [KeyPart::Text(key)]) if !key.is_empty() => Some(key.to_string()),
        _ => None,
    }
}

/// Whether a record holds these values; what is absent is not looked at.
pub(super) fn holds(record: &Record, expected: &Record) -> bool {
    expected.fields().all(|(name, presence)| match (presence, record.field(name.as_str())) {
        (Presence::Value(expected), Presence::Value(held)) => held.to_value() == expected.to_value(),
        (Presence::Value(_), _) => false,
        _ => true,
    })
}

/// An id by its text.
pub(super) fn id_of_text(resource: &Resource, text: &str) -> Option<RecordId> {
    let kind = resource.entity.fields.get(resource.key).map(|field| &field.kind);
    match kind? {
        FieldKind::Int => whole(text).ok().map(RecordId::int),
        _ => (!text.is_empty()).then(|| RecordId::text(text)),
    }
}

/// The wanted fields of a record, its id, version and stamp.
///
/// Errors: the id as far as it is known, and words for what is wrong.
pub(super) fn read(
    resource: &Resource,
    wanted: &Wanted,
    row: &Members<'_>,
) -> Result<Versioned, (Option<RecordId>, String)> {
    let id = id_of(resource, row).map_err(|problem| (None, problem))?;
    let mut builder = RecordBuilder::new(&wanted.shape);
    for place in &wanted.fields {
        let (Some(field), Some(column)) = (resource.entity.fields.get(*place), resource.columns.get(*place))
        else {
            return Err((Some(id), "a field is not there".to_owned()));
        };
        let pushed = match column.at.find_in(row) {
            None => {
                builder.push(Presence::Absent);
                Ok(())
            }
            Some(held) => push_held(&mut builder, &field.kind, column, held),
        };
        pushed.map_err(|problem| (Some(id.clone()), format!("{}: {problem}", field.name)))?;
    }
    let version = resource.version.as_ref().and_then(|version| version.at.find_in(row)).and_then(word);
    let modified = stamp(resource, row);
    Ok(Versioned { id, version: version.map(Version::new), modified, record: builder.finish() })
}

/// The text of a JSON text or number; `None` for nothing and for what is made of parts.
pub(super) fn word(held: &str) -> Option<String> {
    match held.as_bytes().first()? {
        b'"' => serde_json::from_str(held).ok(),
        b'-' | b'0'..=b'9' => Some(held.to_owned()),
        _ => None,
    }
}

/// When a record says that it was last changed.
pub(super) fn stamp(resource: &Resource, row: &Members<'_>) -> Option<Timestamp> {
    let column = resource.columns.get(resource.modified?)?;
    moment(column.moments, column.at.find_in(row)?)
}

fn moment(form: Moments, held: &str) -> Option<Timestamp> {
    match form {
        Moments::Text => instant(word(held)?.as_bytes()).map(|at| at.utc),
        Moments::Unix => Utc.timestamp_opt(whole(held).ok()?, 0).single(),
        Moments::UnixMillis => Utc.timestamp_millis_opt(whole(held).ok()?).single(),
    }
}

fn push_held(
    builder: &mut RecordBuilder,
    kind: &FieldKind,
    column: &Column,
    held: &str,
) -> Result<(), String> {
    if column.moments == Moments::Text || held == "null" {
        return push(builder, kind, held);
    }
    let at = moment(column.moments, held).ok_or("not a moment as a number since 1970")?;
    builder.push_value(ValueRef::Instant(Instant::utc(at)));
    Ok(())
}

/// Whether a list shows this record as one that was deleted.
pub(super) fn is_deleted(resource: &Resource, row: &Members<'_>) -> bool {
    let Some(deleted) = &resource.deleted else { return false };
    let Some(held) = deleted.at.find_in(row) else { return false };
    match deleted.is.as_slice() {
        [] => !matches!(held, "null" | "false"),
        named => named.iter().any(|is| is == held),
    }
}

/// What is sent: a tree of members, since fields can stand in objects of their own.
#[derive(Debug, Default)]
pub(super) struct Body(Vec<(String, Member)>);

#[derive(Debug)]
enum Member {
    Json(String),
    Object(Body),
}

impl Body {
    /// The fields that a patch says something of.
    ///
    /// Errors: the field that cannot be written, and why.
    pub(super) fn of(resource: &Resource, patch: &Record) -> Result<Self, (FieldName, String)> {
        let mut body = Body::default();
        for (name, presence) in patch.fields() {
            let Presence::Value(value) = presence else { continue };
            let wrong = |problem: String| (name.clone(), problem);
            let slot = resource.shape.slot(name.as_str());
            let found =
                slot.and_then(|slot| resource.entity.fields.get(slot).zip(resource.columns.get(slot)));
            let (field, column) = found.ok_or_else(|| wrong("there is no such field".to_owned()))?;
            if field.read_only {
                return Err(wrong("the system is not told this field".to_owned()));
            }
            if let Some(problem) = misfit(field, value) {
                return Err(wrong(problem));
            }
            body.put(&column.at, written(column, value).map_err(wrong)?);
        }
        Ok(body)
    }

    /// Puts a JSON text at a place.
    pub(super) fn put(&mut self, at: &Pointer, json: String) {
        self.put_steps(at.steps(), json);
    }

    fn put_steps(&mut self, steps: &[String], json: String) {
        let Some((step, rest)) = steps.split_first() else { return };
        let place = self.0.iter().position(|(name, _)| name == step);
        if rest.is_empty() {
            match place.and_then(|place| self.0.get_mut(place)) {
                Some((_, member)) => *member = Member::Json(json),
                None => self.0.push((step.clone(), Member::Json(json))),
            }
            return;
        }
        let place = place.unwrap_or_else(|| {
            self.0.push((step.clone(), Member::Object(Body::default())));
            self.0.len() - 1
        });
        if let Some((_, member)) = self.0.get_mut(place) {
            if matches!(member, Member::Json(_)) {
                *member = Member::Object(Body::default());
            }
            if let Member::Object(inner) = member {
                inner.put_steps(rest, json);
            }
        }
    }

    /// As JSON, inside of the objects that lead to a place.
    pub(super) fn json_in(&self, at: &Pointer) -> String {
        let own = self.json();
        at.steps().iter().rev().fold(own, |inner, step| format!("{{{}:{inner}}}", quoted(step)))
    }

    fn json(&self) -> String {
        let members = self.0.iter().map(|(name, member)| {
            let json = match member {
                Member::Json(json) => json.clone(),
                Member::Object(inner) => inner.json(),
            };
            format!("{}:{json}", quoted(name))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

fn written(column: &Column, value: ValueRef<'_>) -> Result<String, String> {
    match (column.moments, value) {
        (Moments::Text, value) => json_of(value),
        (_, ValueRef::Null) => Ok("null".to_owned()),
        (Moments::Unix, ValueRef::Instant(Instant { utc: at, .. })) => (at.timestamp_subsec_nanos() == 0)
            .then(|| at.timestamp().to_string())
            .ok_or_else(|| "the system keeps whole seconds".to_owned()),
        (Moments::UnixMillis, ValueRef::Instant(Instant { utc: at, .. })) => {
            (at.timestamp_subsec_nanos() % 1_000_000 == 0)
                .then(|| at.timestamp_millis().to_string())
                .ok_or_else(|| "the system keeps milliseconds".to_owned())
        }
        (_, other) => Err(format!("a {} cannot be stored in this field", other.kind())),
    }
}
