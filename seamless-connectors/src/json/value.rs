//! JSON texts <-> values, by the kind of a field: numbers keep their digits. Lists are not here: what a line of one is, only
//! its format knows. The doors are [`push`] and [`json_of`].

use seamless_core::model::{
    FieldKind, KeyPart, RecordBuilder, RecordId, Reference, SetValue, Value, ValueRef,
};
use serde_json::value::RawValue;

use super::quoted;
use crate::cell::{option, push_text, text_of, whole};

/// Puts what a JSON text stands for into the next slot of a record.
///
/// Errors: words for what is wrong; the slot is not filled then.
pub(crate) fn push(builder: &mut RecordBuilder, kind: &FieldKind, json: &str) -> Result<(), String> {
    let number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let string = || -> Result<String, String> {
        serde_json::from_str(json).map_err(|_| "the value has another type than its field".to_owned())
    };
    match kind {
        _ if json == "null" => builder.push_value(ValueRef::Null),
        FieldKind::Bool => match json {
            "true" | "false" => builder.push_value(ValueRef::Bool(json == "true")),
            _ => return Err("neither true nor false".to_owned()),
        },
        FieldKind::Int | FieldKind::Float if number => push_text(builder, kind, json, false)?,
        FieldKind::Int | FieldKind::Float => return Err("not a number".to_owned()),
        FieldKind::Decimal { .. } if number => push_text(builder, kind, json, false)?,
        FieldKind::Option { .. } if number => builder.push_value(ValueRef::Int(whole(json)?)),
        FieldKind::Option { .. } => builder.push_value(ValueRef::Text(&string()?)),
        FieldKind::Set { options } => {
            let members: Vec<&RawValue> =
                serde_json::from_str(json).map_err(|_| "the value of a set is an array".to_owned())?;
            let mut values = Vec::with_capacity(members.len());
            for member in members {
                let member = member.get();
                values.push(match serde_json::from_str::<String>(member) {
                    Ok(text) => match option(options, &text) {
                        // A string stays one, also where the set has a number that is written alike.
                        Value::Int(_) => Value::text(&text),
                        value => value,
                    },
                    Err(_) => Value::Int(whole(member)?),
                });
            }
            builder.push_value(ValueRef::Set(&SetValue::new(values)));
        }
        FieldKind::Reference { targets } => {
            let [entity] = targets.as_slice() else {
                return Err("a reference to one of several entities cannot be read".to_owned());
            };
            let id = if number { RecordId::int(whole(json)?) } else { RecordId::text(&string()?) };
            let reference = Reference { entity: entity.clone(), id };
            builder.push_value(ValueRef::Reference(&std::sync::Arc::new(reference)));
        }
        _ => push_text(builder, kind, &string()?, false)?,
    }
    Ok(())
}

/// A value as JSON.
///
/// Errors: words for why it cannot be written.
pub(crate) fn json_of(value: ValueRef<'_>) -> Result<String, String> {
    Ok(match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Decimal(_) => text_of(value)?,
        // Display of a float never uses an exponent and is the shortest text that reads back; a whole one stays a
        // number.
        ValueRef::Float(_) => text_of(value)?,
        ValueRef::Set(set) => {
            let members: Result<Vec<String>, String> =
                set.members().iter().map(|member| json_of(member.as_ref())).collect();
            format!("[{}]", members?.join(","))
        }
        ValueRef::Reference(reference) => match reference.id.parts().as_slice() {
            [KeyPart::Int(key)] => key.to_string(),
            [KeyPart::Text(key)] => quoted(key),
            _ => return Err("the record referred to has a key of several parts".to_owned()),
        },
        other => quoted(&text_of(other)?),
    })
}
