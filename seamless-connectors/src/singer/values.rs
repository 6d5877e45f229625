//! What a tap writes for a field to a value: exact, or words for what is wrong. Knows kinds, no streams. The doors are
//! [`push`] and [`key_part`].

use std::sync::Arc;

use seamless_core::model::{
    Decimal, FieldKind, KeyPart, RecordBuilder, RecordId, Reference, SetValue, Value, ValueRef,
};
use serde_json::value::RawValue;

use crate::cell::{option, push_text, text_of, whole};

/// Puts what a JSON text stands for into the next slot. Where a field holds JSON, what is no string is kept as JSON without
/// blanks.
///
/// Errors: words for what is wrong, without the value; the slot is not filled then.
pub(super) fn push(
    builder: &mut RecordBuilder,
    kind: &FieldKind,
    as_json: bool,
    json: &str,
) -> Result<(), String> {
    let number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let string = || -> Result<String, String> {
        serde_json::from_str(json).map_err(|_| format!("{} where {} was said to be", what(json), a(kind)))
    };
    match kind {
        _ if json == "null" => builder.push_value(ValueRef::Null),
        FieldKind::Text { .. } if as_json && !json.starts_with('"') => {
            builder.push_value(ValueRef::Text(&compact(json)));
        }
        FieldKind::Bool => match json {
            "true" | "false" => builder.push_value(ValueRef::Bool(json == "true")),
            _ => return Err(format!("{} where true or false was said to be", what(json))),
        },
        FieldKind::Int if number => builder.push_value(ValueRef::Int(integer(json)?)),
        FieldKind::Decimal { .. } | FieldKind::Float if number => push_text(builder, kind, json, false)?,
        // Some taps write decimals as strings, so that nobody rounds them.
        FieldKind::Decimal { .. } => push_text(builder, kind, &string()?, false)?,
        FieldKind::Int | FieldKind::Float => {
            return Err(format!("{} where {} was said to be", what(json), a(kind)));
        }
        FieldKind::Date => push_text(builder, kind, day(&string()?), false)?,
        FieldKind::Option { .. } if number => builder.push_value(ValueRef::Int(integer(json)?)),
        FieldKind::Option { .. } => builder.push_value(ValueRef::Text(&string()?)),
        FieldKind::Set { options } => {
            let items: Vec<&RawValue> =
                serde_json::from_str(json).map_err(|_| "the value of a set is an array".to_owned())?;
            let mut members = Vec::with_capacity(items.len());
            for item in items {
                members.push(match serde_json::from_str::<String>(item.get()) {
                    Ok(text) => match option(options, &text) {
                        // A string stays one, also where the set has a number that is written alike.
                        Value::Int(_) => Value::text(&text),
                        value => value,
                    },
                    Err(_) => Value::Int(whole(item.get())?),
                });
            }
            builder.push_value(ValueRef::Set(&SetValue::new(members)));
        }
        FieldKind::Reference { targets } => {
            let [entity] = targets.as_slice() else {
                return Err("a reference to one of several entities cannot be read".to_owned());
            };
            let id = if number { RecordId::int(integer(json)?) } else { RecordId::text(&string()?) };
            builder.push_value(ValueRef::Reference(&Arc::new(Reference { entity: entity.clone(), id })));
        }
        FieldKind::List { .. } => return Err("a tap's records have no child records".to_owned()),
        _ => push_text(builder, kind, &string()?, false)?,
    }
    Ok(())
}

/// A whole number, also as `5.0` or `5e3`: languages with one type of number write them so.
fn integer(json: &str) -> Result<i64, String> {
    if let Ok(number) = whole(json) {
        return Ok(number);
    }
    Decimal::parse(json)
        .ok()
        .and_then(|number| number.to_i64_exact())
        .ok_or_else(|| "not a whole number of 64 bits".to_owned())
}

/// The day of a text that says midnight where a day was said to be: many taps write days as moments.
fn day(text: &str) -> &str {
    let Some((day, clock)) = text.split_once(['T', ' ']) else { return text };
    let clock = clock.trim_end_matches('Z').trim_end_matches("+00:00");
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let midnight = clock == "00:00:00" && fraction.bytes().all(|digit| digit == b'0');
    if midnight { day } else { text }
}

/// JSON without the blanks between its parts; numbers and strings as they were written.
pub(super) fn compact(json: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            quoted = c == '"';
        }
        text.push(c);
    }
    text
}

/// A part of a key. A number that is whole is one whatever it is declared as, since ids are declared as numbers.
pub(super) fn key_part(value: ValueRef<'_>) -> Option<KeyPart> {
    Some(match value {
        ValueRef::Null | ValueRef::Text("") => return None,
        ValueRef::Int(key) => KeyPart::Int(key),
        ValueRef::Text(key) => KeyPart::Text(key.into()),
        ValueRef::Decimal(number) => {
            let number = number.to_decimal().normalised();
            match number.to_i64_exact() {
                Some(whole) => KeyPart::Int(whole),
                None => KeyPart::Text(number.to_string().into()),
            }
        }
        // One moment is one key, whatever zone it is told in.
        ValueRef::Instant(at) => KeyPart::Text(at.utc.to_rfc3339().into()),
        other => KeyPart::Text(text_of(other).ok()?.into()),
    })
}

fn what(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}

fn a(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Int => "a whole number".to_owned(),
        FieldKind::Decimal { .. } | FieldKind::Float => "a number".to_owned(),
        other => format!("a {other}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use seamless_core::model::{FieldKind, FieldName, KeyPart, RecordBuilder, Shape, Value};

    use super::{compact, key_part, push};

    fn read(kind: &FieldKind, as_json: bool, json: &str) -> Result<Value, String> {
        let shape = Shape::new([FieldName::from("x")]).unwrap();
        let mut builder = RecordBuilder::new(&shape);
        push(&mut builder, kind, as_json, json)?;
        let record = builder.finish();
        Ok(record.get(0).value().unwrap().to_value())
    }

    #[test]
    fn numbers_keep_their_digits_and_changed_types_are_named() {
        let decimal = FieldKind::Decimal { precision: None, scale: None };
        let text = FieldKind::Text { length_max: None };
        for digits in ["1.10", "12345678901234567890.123456789012", "-0.00", "9007199254740993"] {
            let Value::Decimal(number) = read(&decimal, false, digits).unwrap() else { panic!() };
            assert_eq!(number.to_string(), digits.replace("-0.00", "0.00"));
        }
        assert_eq!(read(&decimal, false, "\"1.10\"").unwrap(), read(&decimal, false, "1.10").unwrap());
        assert_eq!(read(&FieldKind::Int, false, "5.0").unwrap(), Value::Int(5));
        assert_eq!(read(&FieldKind::Int, false, "5e3").unwrap(), Value::Int(5000));
        assert_eq!(read(&text, true, "{ \"a\" : 1.10 }").unwrap(), Value::text("{\"a\":1.10}"));
        assert_eq!(read(&text, true, "\"as it is\"").unwrap(), Value::text("as it is"));
        for (kind, json, words) in [
            (&FieldKind::Int, "5.5", "whole number"),
            (&FieldKind::Int, "9223372036854775808", "64 bits"),
            (&FieldKind::Int, "\"5\"", "a text where a whole number"),
            (&text, "5", "a number where a text"),
            (&text, "{}", "an object where a text"),
            (&FieldKind::Bool, "\"true\"", "a text where true or false"),
            (&decimal, "[1]", "an array where a number"),
            (&FieldKind::Instant, "\"2024-02-29T10:00:00\"", "zone"),
        ] {
            let told = read(kind, false, json).unwrap_err();
            assert!(told.contains(words), "{json}: {told}");
        }
        assert_eq!(read(&text, false, "null").unwrap(), Value::Null);
    }

    #[test]
    fn a_day_may_be_written_as_its_midnight_and_no_other_time_is_cut_off() {
        let day = |text: &str| read(&FieldKind::Date, false, &format!("\"{text}\""));
        for text in
            ["2024-02-29", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000+00:00", "2024-02-29 00:00:00"]
        {
            assert_eq!(day(text).unwrap(), day("2024-02-29").unwrap(), "{text}");
        }
        for text in ["2024-02-29T00:00:01Z", "2024-02-29T00:00:00+02:00", "2024-02-30"] {
            assert!(day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_the_same_however_its_number_is_written() {
        let decimal = FieldKind::Decimal { precision: None, scale: None };
        for json in ["7", "7.0", "7.00", "0.7e1"] {
            let value = read(&decimal, false, json).unwrap();
            assert_eq!(key_part(value.as_ref()), Some(KeyPart::Int(7)), "{json}");
        }
        assert_eq!(key_part(Value::text("").as_ref()), None);
        assert_eq!(key_part(Value::Null.as_ref()), None);
    }

    proptest! {
        #[test]
        fn json_without_blanks_means_the_same(text in any::<String>(), number in any::<i64>()) {
            let json = serde_json::json!({ "a": [text, number, { "b\\\" c": null }] });
            let pretty = serde_json::to_string_pretty(&json).unwrap();
            prop_assert_eq!(compact(&pretty), json.to_string());
        }
    }
}
