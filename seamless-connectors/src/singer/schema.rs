//! JSON Schema, as taps use it, to kinds of fields. Knows no values. The door is [`field`].

use seamless_core::model::{Decimal, Field, FieldKind, OptionItem, OptionSet, Value};
use serde_json::Value as Json;

/// Schemas inside of `anyOf` and `oneOf` at most, one in another.
const DEPTH_MAX: usize = 8;

/// A property as a field, and whether values that are no strings are kept as JSON.
pub(super) fn field(name: &str, property: &Json) -> (Field, bool) {
    let mut kinds = Vec::new();
    collect(property, &mut kinds, 0);
    let (kind, as_json) = one_of(kinds);
    let label = property.get("title").and_then(Json::as_str).map(str::to_owned);
    (Field { label, read_only: true, ..Field::new(name, kind) }, as_json)
}

/// A kind that one of a property's types stands for. `None`: an object, an array, anything at all.
fn collect(property: &Json, kinds: &mut Vec<Option<FieldKind>>, depth: usize) {
    for word in ["anyOf", "oneOf"] {
        if let Some(Json::Array(variants)) = property.get(word)
            && depth < DEPTH_MAX
        {
            variants.iter().for_each(|variant| collect(variant, kinds, depth + 1));
            return;
        }
    }
    let types: Vec<&str> = match property.get("type").unwrap_or(property) {
        Json::String(one) => vec![one],
        Json::Array(several) => several.iter().filter_map(Json::as_str).collect(),
        _ => vec!["any"],
    };
    for word in types.into_iter().filter(|word| *word != "null") {
        let kind = match word {
            "boolean" => Some(FieldKind::Bool),
            "integer" => Some(options(property).unwrap_or(FieldKind::Int)),
            "number" => Some(FieldKind::Decimal { precision: None, scale: scale(property) }),
            "string" => Some(text(property)),
            _ => None,
        };
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
}

/// One kind for all of a property's types.
fn one_of(kinds: Vec<Option<FieldKind>>) -> (FieldKind, bool) {
    let is_text = |kind: &Option<FieldKind>| {
        matches!(kind, Some(FieldKind::Text { .. } | FieldKind::Date | FieldKind::Time | FieldKind::Instant))
    };
    let is_number =
        |kind: &Option<FieldKind>| matches!(kind, Some(FieldKind::Int | FieldKind::Decimal { .. }));
    match kinds.as_slice() {
        [Some(kind)] => (kind.clone(), false),
        [] => (FieldKind::Text { length_max: None }, true),
        // A date, or a text where it is none: what singer-python makes of dates that it cannot be sure of.
        several if several.iter().all(is_text) => (FieldKind::Text { length_max: None }, false),
        several if several.iter().all(is_number) => {
            (FieldKind::Decimal { precision: None, scale: None }, false)
        }
        _ => (FieldKind::Text { length_max: None }, true),
    }
}

fn text(property: &Json) -> FieldKind {
    match property.get("format").and_then(Json::as_str) {
        Some("date-time") => FieldKind::Instant,
        Some("date") => FieldKind::Date,
        Some("time") => FieldKind::Time,
        Some("singer.decimal") => FieldKind::Decimal { precision: None, scale: None },
        _ => options(property).unwrap_or_else(|| FieldKind::Text { length_max: length(property) }),
    }
}

fn length(property: &Json) -> Option<u32> {
    property.get("maxLength").and_then(Json::as_u64).and_then(|length| u32::try_from(length).ok())
}

/// Digits after the point, where numbers are multiples of a power of ten.
fn scale(property: &Json) -> Option<u32> {
    let step = match property.get("multipleOf")? {
        Json::Number(step) => Decimal::parse(&step.to_string()).ok()?.normalised(),
        _ => return None,
    };
    (0..=38u8).find(|scale| step == Decimal::new(1, *scale)).map(u32::from)
}

/// A closed set of options, where all of them are texts or all whole numbers.
fn options(property: &Json) -> Option<FieldKind> {
    let Json::Array(items) = property.get("enum")? else { return None };
    let values: Option<Vec<Value>> = items
        .iter()
        .filter(|item| !item.is_null())
        .map(|item| match item {
            Json::String(text) => Some(Value::text(text)),
            Json::Number(number) => number.as_i64().map(Value::Int),
            _ => None,
        })
        .collect();
    let values = values.filter(|values| !values.is_empty())?;
    let texts = values.iter().filter(|value| matches!(value, Value::Text(_))).count();
    (texts == 0 || texts == values.len()).then(|| {
        let option = |value: Value| OptionItem { value, label: None, active: true };
        FieldKind::Option {
            options: OptionSet { options: values.into_iter().map(option).collect(), closed: true },
        }
    })
}

#[cfg(test)]
mod tests {
    use seamless_core::model::FieldKind;
    use serde_json::json;

    use super::field;

    #[test]
    fn types_formats_and_limits_become_kinds() {
        let text = || FieldKind::Text { length_max: None };
        let decimal = |scale| FieldKind::Decimal { precision: None, scale };
        let table = [
            (json!({ "type": ["null", "string"] }), text(), false),
            (
                json!({ "type": ["string", "null"], "maxLength": 50 }),
                FieldKind::Text { length_max: Some(50) },
                false,
            ),
            (json!({ "type": "string", "format": "date-time" }), FieldKind::Instant, false),
            (json!({ "type": ["null", "string"], "format": "date" }), FieldKind::Date, false),
            (json!({ "type": ["null", "string"], "format": "time" }), FieldKind::Time, false),
            (json!({ "type": ["null", "string"], "format": "uuid" }), text(), false),
            (json!({ "type": ["null", "string"], "format": "singer.decimal" }), decimal(None), false),
            (json!({ "type": ["null", "integer"] }), FieldKind::Int, false),
            (json!({ "type": "number" }), decimal(None), false),
            (json!({ "type": ["null", "number"], "multipleOf": 0.01 }), decimal(Some(2)), false),
            (json!({ "type": ["null", "number"], "multipleOf": 1e-10 }), decimal(Some(10)), false),
            (json!({ "type": ["null", "number"], "multipleOf": 0.25 }), decimal(None), false),
            (json!({ "type": ["integer", "number"] }), decimal(None), false),
            (json!({ "type": "boolean" }), FieldKind::Bool, false),
            (json!({ "type": ["null", "object"], "properties": {} }), text(), true),
            (json!({ "type": ["null", "array"], "items": { "type": "string" } }), text(), true),
            (json!({ "type": ["null", "string", "integer"] }), text(), true),
            (json!({}), text(), true),
            (json!(true), text(), true),
            (json!({ "type": "null" }), text(), true),
            (json!({ "anyOf": [{ "type": "null" }, { "type": "integer" }] }), FieldKind::Int, false),
            (
                json!({ "anyOf": [{ "type": "string", "format": "date-time" }, { "type": ["string", "null"] }] }),
                text(),
                false,
            ),
            (json!({ "oneOf": [{ "type": "object" }, { "type": "string" }] }), text(), true),
            (json!({ "type": "string", "enum": ["a", 1] }), text(), false),
        ];
        for (property, kind, as_json) in table {
            let (found, json) = field("x", &property);
            assert_eq!((&found.kind, json), (&kind, as_json), "{property}");
            assert!(found.read_only);
        }
        let (grade, _) = field("x", &json!({ "type": ["null", "string"], "enum": ["a", "b", null] }));
        let FieldKind::Option { options } = grade.kind else { panic!() };
        assert!(options.closed && options.options.len() == 2);
    }
}
