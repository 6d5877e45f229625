//! Values as text, for files: exact both ways. Knows kinds of fields, no format. The doors are [`push_text`] and
//! [`text_of`].

use std::sync::Arc;

use seamless_core::model::{
    Decimal, FieldKind, OptionSet, RecordBuilder, RecordId, Reference, SetValue, Value, ValueRef,
};

use crate::iso::{date, four_digit_year, instant, instant_text, local, no_leap, time};

/// Puts what a text stands for into the next slot of a record. `number_key` says whether a reference is to a whole
/// number.
///
/// Errors: words for what is wrong; the slot is not filled then.
pub(crate) fn push_text(
    builder: &mut RecordBuilder,
    kind: &FieldKind,
    text: &str,
    number_key: bool,
) -> Result<(), String> {
    let bytes = text.as_bytes();
    match kind {
        FieldKind::Text { .. } => builder.push_value(ValueRef::Text(text)),
        FieldKind::Int => builder.push_value(ValueRef::Int(whole(text)?)),
        FieldKind::Decimal { .. } => {
            let number = Decimal::parse(text).map_err(|problem| problem.to_string())?;
            builder.push_value(ValueRef::from(&number));
        }
        FieldKind::Float => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => builder.push_value(ValueRef::Float(number)),
            _ => return Err("not a number".to_owned()),
        },
        FieldKind::Bool => match text {
            "true" | "1" => builder.push_value(ValueRef::Bool(true)),
            "false" | "0" => builder.push_value(ValueRef::Bool(false)),
            _ => return Err("neither true nor false".to_owned()),
        },
        FieldKind::Date => {
            builder.push_value(ValueRef::Date(date(bytes).ok_or("not a date such as 2024-02-29")?));
        }
        FieldKind::Time => {
            builder.push_value(ValueRef::Time(time(bytes).ok_or("not a time such as 23:59:59")?))
        }
        FieldKind::LocalDateTime => {
            let at = local(bytes).ok_or("not a time such as 2024-02-29T23:59:59 without a zone")?;
            builder.push_value(ValueRef::LocalDateTime(at));
        }
        FieldKind::Instant => {
            let at = instant(bytes).ok_or("not a moment with its zone such as 2024-02-29T23:59:59Z")?;
            builder.push_value(ValueRef::Instant(at));
        }
        FieldKind::Bytes { .. } => {
            builder.push_value(ValueRef::Bytes(&Arc::from(unhex(text).ok_or("not hexadecimal digits")?)));
        }
        FieldKind::Option { options } => builder.push_value(option(options, text).as_ref()),
        FieldKind::Set { options } => {
            let members =
                text.split(';').filter(|member| !member.is_empty()).map(|member| option(options, member));
            builder.push_value(ValueRef::Set(&SetValue::new(members)));
        }
        FieldKind::Reference { targets } => {
            let entity = match targets.as_slice() {
                [one] => one.clone(),
                _ => return Err("a reference to one of several entities cannot be read from text".to_owned()),
            };
            let id = if number_key { RecordId::int(whole(text)?) } else { RecordId::text(text) };
            builder.push_value(ValueRef::Reference(&Arc::new(Reference { entity, id })));
        }
        other => return Err(format!("a file cannot hold {other:?}")),
    }
    Ok(())
}

/// The value of an option: the one of the set that is written like this, else a whole number where all of the set
/// are, else the text.
pub(crate) fn option(options: &OptionSet, text: &str) -> Value {
    let written = |value: &Value| match value {
        Value::Text(option) => **option == *text,
        Value::Int(option) => option.to_string() == text,
        _ => false,
    };
    if let Some(option) = options.options.iter().find(|option| written(&option.value)) {
        return option.value.clone();
    }
    let numbers = !options.options.is_empty()
        && options.options.iter().all(|option| matches!(option.value, Value::Int(_)));
    match whole(text) {
        Ok(number) if numbers => Value::Int(number),
        _ => Value::text(text),
    }
}

/// A whole number as it is written by everybody: no sign but `-`, no blanks.
pub(crate) fn whole(text: &str) -> Result<i64, String> {
    let plain = !text.starts_with('+');
    text.parse().ok().filter(|_| plain).ok_or_else(|| "not a whole number of 64 bits".to_owned())
}

/// A value as text; never for null.
///
/// Errors: words for why the field cannot hold it.
pub(crate) fn text_of(value: ValueRef<'_>) -> Result<String, String> {
    Ok(match value {
        ValueRef::Text(text) => text.to_owned(),
        ValueRef::Int(number) => number.to_string(),
        ValueRef::Decimal(number) => number.to_decimal().to_string(),
        ValueRef::Float(number) if number.is_finite() => number.to_string(),
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Date(day) => four_digit_year(day)?.to_string(),
        ValueRef::Time(time) => no_leap(time)?.format("%H:%M:%S%.f").to_string(),
        ValueRef::LocalDateTime(at) => {
            four_digit_year(at.date())?;
            no_leap(at.time())?;
            at.format("%Y-%m-%dT%H:%M:%S%.f").to_string()
        }
        ValueRef::Instant(at) => instant_text(at)?,
        ValueRef::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ValueRef::Reference(reference) => match reference.id.parts().as_slice() {
            [seamless_core::model::KeyPart::Int(key)] => key.to_string(),
            [seamless_core::model::KeyPart::Text(key)] => key.to_string(),
            _ => return Err("the record referred to has a key of several parts".to_owned()),
        },
        ValueRef::Set(set) => {
            let mut members = Vec::with_capacity(set.members().len());
            for member in set.members() {
                let text = text_of(member.as_ref())?;
                if text.is_empty() || text.contains(';') {
                    return Err("a member of a set can neither be empty nor hold a semicolon".to_owned());
                }
                members.push(text);
            }
            members.join(";")
        }
        other => return Err(format!("a {} cannot be stored in this field", other.kind())),
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    // The standard library would take a sign for a digit.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}
