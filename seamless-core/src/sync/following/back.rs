//! Finding records by what is read along a path: from the value at its end back to the field of the record that it begins
//! with, a look-up by key for every step. Part of [`super`].
//!
//! Where a value stands in several records, as the code of a unit does that every item has, that part of the key tells
//! nothing by itself: the other parts are asked for, and what they find is looked at. Where no other part is left, or
//! several records remain, it is not answered. Cost: for a page of keys one look-up for each step of each path among their
//! fields, in pieces of [`NAMED_MAX`] different values, and one for the records themselves.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{NAMED_MAX, Shared};
use crate::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use crate::mapper::Path;
use crate::model::{
    EntityName, FieldKind, FieldName, KeyPart, Presence, Record, RecordId, Reference, Result, Shape, Value,
};

/// What a key is, as far as the system itself can be asked for it.
#[derive(Clone, Debug, Default)]
struct Row {
    /// Fields of the record, and what they hold.
    own: BTreeMap<FieldName, Value>,
    /// What is read along paths and is not said by the fields: looked at in what is found.
    read: Vec<(FieldName, Value)>,
    /// No record has this key.
    nothing: bool,
}

impl Row {
    fn pin(&mut self, field: &FieldName, value: Value) {
        // Two paths through one reference meet in one record, or in none.
        let known = self.own.entry(field.clone()).or_insert_with(|| value.clone());
        self.nothing |= *known != value;
    }

    fn holds(&self, record: &Record) -> bool {
        self.read.iter().all(|(path, wanted)| match record.field(path.as_str()) {
            Presence::Value(value) => {
                value == wanted.as_ref() || value.to_string() == wanted.as_ref().to_string()
            }
            Presence::Absent | Presence::Unreadable => false,
        })
    }
}

/// What a value at the end of a path leads back to.
#[derive(Clone)]
enum Back {
    To(Value),
    Nothing,
    Unclear,
}

/// The records that hold a value.
enum Found {
    One(RecordId),
    Nothing,
    Unclear,
}

/// What was found for a key, before it is looked at.
enum Candidates {
    Answer(Lookup),
    Among(Vec<Versioned>),
}

impl Shared {
    /// Whether a field of an entity is read along a path.
    fn along(&self, entity: &EntityName, name: &FieldName) -> Option<&Path> {
        self.paths_of(entity).iter().find(|path| path.list.is_none() && path.name == *name)
    }

    /// Looks records up by keys of which parts are read along paths; one answer per row of values. `None` where all fields are
    /// the record's own.
    ///
    /// Errors: the connector's, with the entity that was asked.
    pub(super) async fn found_along(
        &self,
        query: &FetchQuery,
        asked: &Arc<Shape>,
    ) -> Result<Option<Vec<Lookup>>> {
        let FetchBy::Key { fields, values } = &query.by else { return Ok(None) };
        let entity = &query.entity;
        if !fields.iter().any(|name| self.along(entity, name).is_some()) {
            return Ok(None);
        }
        let rows = self.rows(entity, fields, values).await?;
        let mut found = self.candidates(entity, asked, &rows).await?;
        let records = found.iter_mut().flat_map(|candidates| match candidates {
            Candidates::Answer(Lookup::Found(found)) => std::slice::from_mut(found),
            Candidates::Among(found) => found.as_mut_slice(),
            Candidates::Answer(_) => &mut [],
        });
        self.complete_all(entity, &query.shape, records.collect()).await?;
        Ok(Some(rows.iter().zip(found).map(|(row, candidates)| judged(row, candidates)).collect()))
    }

    /// Keys as the system itself knows them.
    async fn rows(
        &self,
        entity: &EntityName,
        fields: &[FieldName],
        values: &[Vec<Value>],
    ) -> Result<Vec<Row>> {
        let mut rows = vec![Row::default(); values.len()];
        let column =
            |place: usize| values.iter().map(move |row| row.get(place).cloned().unwrap_or(Value::Null));
        for (place, name) in fields.iter().enumerate() {
            if self.along(entity, name).is_none() {
                rows.iter_mut().zip(column(place)).for_each(|(row, value)| row.pin(name, value));
            }
        }
        for (place, name) in fields.iter().enumerate() {
            let Some(path) = self.along(entity, name) else { continue };
            let Some(begins) = path.begins() else { continue };
            // The field that it begins with is a part of the key itself: nothing need be looked for.
            if fields.contains(begins) {
                let read = |(row, value): (&mut Row, Value)| row.read.push((name.clone(), value));
                rows.iter_mut().zip(column(place)).for_each(read);
                continue;
            }
            let led = self.led_back(entity, path, column(place).collect()).await?;
            for ((row, back), wanted) in rows.iter_mut().zip(led).zip(column(place)) {
                match back {
                    Back::To(value) => row.pin(begins, value),
                    Back::Nothing => row.nothing = true,
                    Back::Unclear => row.read.push((name.clone(), wanted)),
                }
            }
        }
        Ok(rows)
    }

    /// Asks for the records of keys: a look-up for each set of fields that keys have.
    async fn candidates(
        &self,
        entity: &EntityName,
        asked: &Arc<Shape>,
        rows: &[Row],
    ) -> Result<Vec<Candidates>> {
        let mut by_fields: BTreeMap<Vec<FieldName>, Vec<usize>> = BTreeMap::new();
        let mut found: Vec<Candidates> = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            let known = match row.nothing {
                true => Lookup::Hidden,
                false => Lookup::Unanswered,
            };
            found.push(Candidates::Answer(known));
            if !row.nothing && !row.own.is_empty() {
                by_fields.entry(row.own.keys().cloned().collect()).or_default().push(place);
            }
        }
        for (fields, places) in by_fields {
            let values = places.iter().filter_map(|place| rows.get(*place));
            let values = values.map(|row| row.own.values().cloned().collect()).collect();
            let by = FetchBy::Key { fields, values };
            let query = FetchQuery { entity: entity.clone(), shape: asked.clone(), by };
            let answers = self.inner.fetch(query).await?;
            for (place, answer) in places.into_iter().zip(answers) {
                let looked_at = rows.get(place).is_some_and(|row| !row.read.is_empty());
                let candidates = match answer {
                    Lookup::Several(ids) if looked_at && ids.len() <= NAMED_MAX => {
                        Candidates::Among(self.named(entity, asked, ids).await?)
                    }
                    answer => Candidates::Answer(answer),
                };
                if let Some(slot) = found.get_mut(place) {
                    *slot = candidates;
                }
            }
        }
        Ok(found)
    }

    async fn named(
        &self,
        entity: &EntityName,
        asked: &Arc<Shape>,
        ids: Vec<RecordId>,
    ) -> Result<Vec<Versioned>> {
        let query = FetchQuery { entity: entity.clone(), shape: asked.clone(), by: FetchBy::Ids(ids) };
        let answers = self.inner.fetch(query).await?.into_iter();
        Ok(answers
            .filter_map(|answer| match answer {
                Lookup::Found(found) => Some(found),
                _ => None,
            })
            .collect())
    }

    async fn led_back(&self, entity: &EntityName, path: &Path, values: Vec<Value>) -> Result<Vec<Back>> {
        let mut column: Vec<Back> = values.into_iter().map(Back::To).collect();
        for (step, at) in path.steps.iter().enumerate().rev() {
            let Some(field) = path.read_after(step) else { continue };
            // The record that refers to the one that is found here, and whether it does so by a plain key.
            let holder = match step.checked_sub(1) {
                Some(before) => path.steps.get(before).map_or(entity, |before| &before.entity),
                None => entity,
            };
            let found = self.holders(&at.entity, field, &column).await?;
            let plain = self.is_plain(holder, &at.field).await?;
            for back in &mut column {
                let Back::To(value) = &*back else { continue };
                *back = match found.get(value) {
                    Some(Found::One(id)) => referring(&at.entity, id, plain).map_or(Back::Unclear, Back::To),
                    Some(Found::Nothing) => Back::Nothing,
                    Some(Found::Unclear) | None => Back::Unclear,
                };
            }
        }
        Ok(column)
    }

    /// The records that hold these values in a field.
    async fn holders(
        &self,
        entity: &EntityName,
        field: &FieldName,
        column: &[Back],
    ) -> Result<HashMap<Value, Found>> {
        let mut found: HashMap<Value, Found> = HashMap::new();
        let mut sought: Vec<Value> = Vec::new();
        for back in column {
            // Until it is answered nothing is known of it.
            if let Back::To(value) = back
                && found.insert(value.clone(), Found::Unclear).is_none()
            {
                sought.push(value.clone());
            }
        }
        for piece in sought.chunks(NAMED_MAX) {
            let values = piece.iter().map(|value| vec![value.clone()]).collect();
            let by = FetchBy::Key { fields: vec![field.clone()], values };
            let query = FetchQuery { entity: entity.clone(), shape: Shape::new([field.clone()])?, by };
            let answers = self.inner.fetch(query).await.map_err(|error| error.at("entity", entity))?;
            for (value, answer) in piece.iter().zip(answers) {
                let one = match answer {
                    Lookup::Found(record) => Found::One(record.id),
                    Lookup::Gone(_) | Lookup::Hidden => Found::Nothing,
                    Lookup::Several(_) | Lookup::Unanswered => Found::Unclear,
                };
                found.insert(value.clone(), one);
            }
        }
        Ok(found)
    }

    /// Whether a field refers by a plain key, as its system says; asked once.
    async fn is_plain(&self, entity: &EntityName, field: &FieldName) -> Result<bool> {
        let key = (entity.clone(), field.clone());
        if let Some(known) = self.plain.lock().map_or(None, |known| known.get(&key).copied()) {
            return Ok(known);
        }
        let schema = self.inner.discover(std::slice::from_ref(entity)).await?;
        let kind = schema.entity(entity.as_str()).and_then(|known| known.field(field.as_str()));
        let plain = kind.is_some_and(|field| !matches!(field.kind, FieldKind::Reference { .. }));
        if let Ok(mut known) = self.plain.lock() {
            known.insert(key, plain);
        }
        Ok(plain)
    }
}

/// What is said of a key: the one record that holds all of it.
fn judged(row: &Row, candidates: Candidates) -> Lookup {
    match candidates {
        Candidates::Answer(Lookup::Found(found)) if !row.holds(&found.record) => Lookup::Hidden,
        Candidates::Answer(answer) => answer,
        Candidates::Among(found) => {
            let mut holding = found.into_iter().filter(|found| row.holds(&found.record));
            match (holding.next(), holding.next()) {
                (Some(one), None) => Lookup::Found(one),
                // Perhaps not all of them were named.
                _ => Lookup::Unanswered,
            }
        }
    }
}

/// What a field holds that refers to a record; `None` where a plain field cannot name it.
fn referring(entity: &EntityName, id: &RecordId, plain: bool) -> Option<Value> {
    if !plain {
        return Some(Value::Reference(Reference { entity: entity.clone(), id: id.clone() }.into()));
    }
    match id.parts().as_slice() {
        [KeyPart::Text(key)] => Some(Value::Text(key.clone())),
        [KeyPart::Int(key)] => Some(Value::Int(*key)),
        _ => None,
    }
}
