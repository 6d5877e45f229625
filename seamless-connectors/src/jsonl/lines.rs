//! Lists of child records in a line of JSON: an array of objects, by the schema of the child's entity. Knows nothing of
//! files. The doors are [`push`] and [`json_of`].

use seamless_core::model::{Entity, Presence, Record, RecordBuilder, Shape, Value};
use serde_json::value::RawValue;

use super::format;
use crate::fits::misfit;
use crate::json::value;
use crate::json::{Members, quoted};

/// Puts the records that a JSON text holds into the next slot.
///
/// Errors: what cannot be read, with the number of the line in the list. A member that the schema does not name is one
/// of them: the list is written as a whole, so it would be lost.
pub(super) fn push(builder: &mut RecordBuilder, entity: &Entity, json: &str) -> Result<(), String> {
    let items: Vec<&RawValue> =
        serde_json::from_str(json).map_err(|_| "the value of a list is an array".to_owned())?;
    let shape = shape(entity)?;
    let line = |(place, item): (usize, &&RawValue)| {
        line(entity, &shape, item.get()).map_err(|problem| format!("record {}: {problem}", place + 1))
    };
    let lines: Vec<Record> = items.iter().enumerate().map(line).collect::<Result<_, _>>()?;
    builder.push_value(Value::List(lines.into()).as_ref());
    Ok(())
}

fn shape(entity: &Entity) -> Result<std::sync::Arc<Shape>, String> {
    Shape::new(entity.fields.iter().map(|field| field.name.clone())).map_err(|problem| problem.to_string())
}

fn line(entity: &Entity, shape: &std::sync::Arc<Shape>, json: &str) -> Result<Record, String> {
    let members: Members<'_> =
        serde_json::from_str(json).map_err(|problem| format!("it is no object: {problem}"))?;
    let mut slots: Vec<Option<&RawValue>> = vec![None; shape.len()];
    for (name, value) in members.iter() {
        let slot = shape.slot(name).and_then(|place| slots.get_mut(place));
        let slot = slot.ok_or_else(|| {
            format!("the schema of {} does not name the member {name}; add it there", entity.name)
        })?;
        if slot.replace(value).is_some() {
            return Err(format!("the member {name} is there twice"));
        }
    }
    let mut builder = RecordBuilder::new(shape);
    for (field, slot) in entity.fields.iter().zip(slots) {
        match slot {
            None => builder.push(Presence::Absent),
            Some(value) => format::push_json(&mut builder, field, value.get(), None)
                .map_err(|problem| format!("{}: {problem}", field.name))?,
        }
    }
    Ok(builder.finish())
}

/// A list as JSON. What a line says nothing of has no member.
///
/// Errors: the number of the line, the field and what does not fit there.
pub(super) fn json_of(entity: &Entity, lines: &[Record]) -> Result<String, String> {
    let mut json = String::from("[");
    for (place, line) in lines.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        write_line(entity, line, &mut json).map_err(|problem| format!("record {}: {problem}", place + 1))?;
    }
    json.push(']');
    Ok(json)
}

fn write_line(entity: &Entity, line: &Record, json: &mut String) -> Result<(), String> {
    json.push('{');
    let mut first = true;
    for (name, presence) in line.fields() {
        let Presence::Value(value) = presence else { continue };
        let field = entity
            .field(name.as_str())
            .ok_or_else(|| format!("the schema of {} has no field {name}", entity.name))?;
        if let Some(problem) = misfit(field, value) {
            return Err(format!("{name}: {problem}"));
        }
        if !std::mem::take(&mut first) {
            json.push(',');
        }
        json.push_str(&quoted(name.as_str()));
        json.push(':');
        json.push_str(&value::json_of(value)?);
    }
    json.push('}');
    Ok(())
}
