//! Asking systems what mappers look up by a field: what a record that is referred to holds, and which record holds a value. A
//! page of records asks once per entity and field. The door is [`seek`].

use std::collections::{BTreeMap, BTreeSet};

use crate::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use crate::mapper::{Found, Resolved, Seek};
use crate::model::{EntityName, FieldName, KeyPart, Presence, Result, Shape, Side, Value, ValueRef};

use super::making::Making;

/// Records that one query names at most: what a system must take in one call is bounded.
const NAMED_MAX: usize = 500;

/// Answers what a page of records asks the systems. Costs a query per entity, field and [`NAMED_MAX`] different questions.
///
/// Errors: the connector's, with the field and the entity.
pub(super) async fn seek(making: &Making<'_>, sought: BTreeSet<Seek>, resolved: &mut Resolved) -> Result<()> {
    let mut by_field: BTreeMap<(Side, EntityName, FieldName, bool), Vec<Seek>> = BTreeMap::new();
    for seek in sought {
        let key = match &seek {
            Seek::Field { side, entity, field, .. } => (*side, entity.clone(), field.clone(), false),
            Seek::Record { side, entity, field, .. } => (*side, entity.clone(), field.clone(), true),
        };
        by_field.entry(key).or_default().push(seek);
    }
    for ((side, entity, field, _), seeks) in by_field {
        let shape = Shape::new([field.clone()])?;
        for seeks in seeks.chunks(NAMED_MAX) {
            let query = FetchQuery { entity: entity.clone(), shape: shape.clone(), by: named(&field, seeks) };
            let found = making.connector(side).fetch(query).await.map_err(|error| {
                error.at("side", making.inner.names.of(side)).at("entity", &entity).at("field", &field)
            })?;
            let mut found = found.into_iter();
            for seek in seeks {
                let answer = answer(seek, found.next().unwrap_or(Lookup::Unanswered));
                resolved.insert_found(seek.clone(), answer);
            }
        }
    }
    Ok(())
}

/// The records that questions of one kind are about.
fn named(field: &FieldName, seeks: &[Seek]) -> FetchBy {
    let ids = seeks.iter().filter_map(|seek| match seek {
        Seek::Field { id, .. } => Some(id.clone()),
        Seek::Record { .. } => None,
    });
    let values = seeks.iter().filter_map(|seek| match seek {
        Seek::Record { value: KeyPart::Text(text), .. } => Some(vec![Value::Text(text.clone())]),
        Seek::Record { value: KeyPart::Int(number), .. } => Some(vec![Value::Int(*number)]),
        Seek::Field { .. } => None,
    });
    let values: Vec<Vec<Value>> = values.collect();
    match values.is_empty() {
        true => FetchBy::Ids(ids.collect()),
        false => FetchBy::Key { fields: vec![field.clone()], values },
    }
}

fn answer(seek: &Seek, lookup: Lookup) -> Found {
    match (seek, lookup) {
        (Seek::Field { field, .. }, Lookup::Found(Versioned { record, .. })) => {
            match record.field(field.as_str()) {
                Presence::Value(value) => Found::Value(ValueRef::to_value(value)),
                Presence::Absent | Presence::Unreadable => Found::Unsaid,
            }
        }
        (Seek::Record { .. }, Lookup::Found(found)) => Found::Record(found.id),
        (_, Lookup::Several(_)) => Found::Several,
        (_, Lookup::Gone(_) | Lookup::Hidden) => Found::Nothing,
        (_, Lookup::Unanswered) => Found::Unsaid,
    }
}
