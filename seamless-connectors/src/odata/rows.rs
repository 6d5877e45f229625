//! Entities in JSON -> records. One that cannot be read is named with what is wrong with it; the others go on.

use std::sync::Arc;

use seamless_core::connector::Versioned;
use seamless_core::model::{FieldName, Presence, RecordBuilder, RecordId, Result, Shape, Timestamp, Version};
use serde_json::value::RawValue;

use super::json::{Control, Members, text};
use super::set::{Feeding, Flaw, Set, Wire};
use super::values::{key_part, push};
use crate::iso::instant;

/// Which fields are wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) shape: Arc<Shape>,
    pub(super) places: Vec<usize>,
}

impl Wanted {
    /// Errors: a field that is not there.
    pub(super) fn new(set: &Set, shape: &Arc<Shape>) -> Result<Self> {
        Ok(Self { shape: Arc::clone(shape), places: set.places(shape)? })
    }

    /// No field: only which records there are.
    pub(super) fn none() -> Result<Self> {
        Ok(Self { shape: Shape::new(Vec::new())?, places: Vec::new() })
    }

    /// All fields.
    pub(super) fn all(set: &Set) -> Result<Self> {
        let names: Vec<FieldName> = set.columns.iter().map(|column| column.field.name.clone()).collect();
        let shape = Shape::new(names)?;
        Ok(Self { shape, places: (0..set.columns.len()).collect() })
    }

    /// The names to be selected: the wanted fields, the key, the stamp of the last change and these.
    pub(super) fn select(&self, set: &Set, more: &[usize]) -> String {
        let mut places: Vec<usize> = set.key.clone();
        places.extend(set.modified);
        places.extend(more);
        places.extend(&self.places);
        let mut seen = vec![false; set.columns.len()];
        let once = places
            .into_iter()
            .filter(|place| seen.get_mut(*place).is_some_and(|seen| !std::mem::replace(seen, true)));
        let columns = once.filter_map(|place| set.columns.get(place));
        let flat = columns.filter(|column| !matches!(column.wire, Wire::List(_)));
        flat.map(|column| column.field.name.as_str()).collect::<Vec<_>>().join(",")
    }

    /// The lists to be read with each record.
    pub(super) fn expand(&self, set: &Set) -> Option<String> {
        let columns = self.places.iter().filter_map(|place| set.columns.get(*place));
        let lists = columns.filter(|column| matches!(column.wire, Wire::List(_)));
        let names: Vec<&str> = lists.map(|column| column.field.name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(","))
    }
}

/// A record, with the stamp of its last change as the service wrote it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) found: Versioned,
    pub(super) stamp: Option<String>,
}

/// An entity that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Bad {
    pub(super) id: Option<RecordId>,
    pub(super) problem: String,
}

/// Reads an entity.
///
/// Errors: what is wrong with it, and its id where that can be read.
pub(super) fn row(set: &Set, wanted: &Wanted, held: &RawValue) -> Result<Row, Bad> {
    let bad = |id: Option<RecordId>, problem: String| Bad { id, problem };
    let members = Members::read(held.get()).map_err(|_| bad(None, "it is no object".to_owned()))?;
    let id = id(set, &members).map_err(|problem| bad(None, problem))?;
    let version = members.control_text("etag").filter(|tag| set.etag && !tag.is_empty());
    if set.etag && version.is_none() {
        set.learnt.add(Flaw::NoEtag, &set.name);
    }
    let stamp = set
        .modified
        .and_then(|place| set.columns.get(place))
        .map(|column| members.get(column.field.name.as_str()).and_then(text));
    if matches!(set.feeding, Feeding::Modified { .. }) && stamp == Some(None) {
        set.learnt.add(Flaw::NoFeed, &set.name);
    }
    let stamp = stamp.flatten();
    let mut builder = RecordBuilder::new(&wanted.shape);
    for place in &wanted.places {
        let Some(column) = set.columns.get(*place) else { continue };
        let name = column.field.name.as_str();
        match members.get(name) {
            Some(held) => push(&mut builder, column, held)
                .map_err(|problem| bad(Some(id.clone()), format!("{name}: {problem}")))?,
            None if is_denied(&members, name) => builder.push(Presence::Unreadable),
            None => builder.push(Presence::Absent),
        }
    }
    let found = Versioned {
        id,
        version: version.map(Version::new),
        modified: stamp.as_deref().and_then(moment),
        record: builder.finish(),
    };
    Ok(Row { found, stamp })
}

/// The id of an entity.
///
/// Errors: a part of the key is missing or is not what it declares.
pub(super) fn id(set: &Set, members: &Members<'_>) -> Result<RecordId, String> {
    let mut parts = Vec::with_capacity(set.key.len());
    for column in set.key_columns() {
        let name = column.field.name.as_str();
        let held = members.get(name).ok_or_else(|| format!("{name}, a part of the key, did not come"))?;
        parts.push(key_part(&column.wire, held).map_err(|problem| format!("{name}: {problem}"))?);
    }
    Ok(RecordId::of_parts(&parts))
}

/// Whether an entity says that a property is not shown for want of permission.
fn is_denied(members: &Members<'_>, name: &str) -> bool {
    members.iter().any(|(known, value)| {
        known.strip_prefix(name).is_some_and(|rest| {
            rest.starts_with('@') && rest.ends_with("Core.V1.Permissions") || rest == "@Core.Permissions"
        }) && matches!(text(value).as_deref(), Some("None"))
    })
}

fn moment(text: &str) -> Option<Timestamp> {
    instant(text.as_bytes()).map(|at| at.utc)
}
