//! JSON <-> values, by what a column declares. What is lost: nothing. On reading, what does not fit its declaration is refused
//! in words; on writing, what the column would round, cut or turn into something else. Numbers are read from their text,
//! whether they come as numbers or, as exact services send them, as texts. The doors are [`push`] and [`member`].

use std::sync::Arc;

use chrono::Timelike;
use seamless_core::model::{
    Decimal, FieldKind, KeyPart, Presence, Record, RecordBuilder, RecordId, Reference, SetValue, Shape,
    Value, ValueRef,
};
use serde_json::value::RawValue;

use super::json::{Members, elements, quoted, text};
use super::set::{Children, Column, Wire};
use crate::fits::misfit;
use crate::http::base64;
use crate::iso::{date, four_digit_year, instant, instant_text, no_leap, time};

/// Puts what a member holds into the next slot of a record.
///
/// Errors: words for what is wrong; the slot is not filled then.
pub(super) fn push(builder: &mut RecordBuilder, column: &Column, held: &RawValue) -> Result<(), String> {
    let value = value(column, held)?;
    builder.push_value(value.as_ref());
    Ok(())
}

/// What a member holds.
pub(super) fn value(column: &Column, held: &RawValue) -> Result<Value, String> {
    let json = held.get();
    if json == "null" {
        return Ok(Value::Null);
    }
    if let FieldKind::Reference { targets } = &column.field.kind {
        let entity = targets.first().ok_or("the field refers to nothing")?.clone();
        let part = key_part(&column.wire, held)?;
        return Ok(Value::Reference(Arc::new(Reference { entity, id: RecordId::of_parts(&[part]) })));
    }
    let said = || text(held).ok_or_else(|| unlike(&column.wire, json));
    Ok(match &column.wire {
        Wire::Bool => match json {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(unlike(&column.wire, json)),
        },
        Wire::Int(min, max) => {
            let number = whole(held).ok_or_else(|| unlike(&column.wire, json))?;
            if !(min..=max).contains(&&number) {
                return Err(format!("{number} is beyond what the field declares"));
            }
            Value::Int(number)
        }
        Wire::Decimal => Value::Decimal(decimal(held).ok_or_else(|| unlike(&column.wire, json))?),
        Wire::Float => Value::Float(float(held).ok_or_else(|| unlike(&column.wire, json))?),
        Wire::Text | Wire::Enum(_) => Value::Text(said()?.into()),
        Wire::Guid => Value::Text(guid(&said()?).ok_or("the text is no GUID")?.into()),
        Wire::Date => Value::Date(date(said()?.as_bytes()).ok_or("the text is no date like 2024-02-29")?),
        Wire::Time => Value::Time(time(said()?.as_bytes()).ok_or("the text is no time like 23:59:59")?),
        Wire::Instant(_) => Value::Instant(
            instant(said()?.as_bytes()).ok_or("the text is no moment like 2024-02-29T23:59:59Z")?,
        ),
        Wire::Bytes => {
            Value::Bytes(base64::decoded(&said()?).ok_or("the text is not bytes in base 64")?.into())
        }
        Wire::Flags(_) => {
            let said = said()?;
            let members =
                said.split(',').map(str::trim).filter(|member| !member.is_empty() && *member != "0");
            Value::Set(SetValue::new(members.map(Value::text)))
        }
        Wire::List(children) => {
            let items = elements(held).ok_or_else(|| unlike(&column.wire, json))?;
            let shape = Shape::new(children.names.iter().cloned()).map_err(|problem| problem.to_string())?;
            let line = |(place, item): (usize, &RawValue)| {
                line(children, &shape, item).map_err(|problem| format!("record {}: {problem}", place + 1))
            };
            Value::List(items.into_iter().enumerate().map(line).collect::<Result<Vec<_>, _>>()?.into())
        }
    })
}

/// A record of a list. What the list says by itself is absent, so that a record is the same wherever it was read.
fn line(children: &Children, shape: &Arc<Shape>, held: &RawValue) -> Result<Record, String> {
    let members = Members::read(held.get()).map_err(|_| "it is no object".to_owned())?;
    let mut builder = RecordBuilder::new(shape);
    for (place, column) in children.columns.iter().enumerate() {
        let name = column.field.name.as_str();
        match members.get(name).filter(|_| !children.implied.contains(&place)) {
            Some(held) => push(&mut builder, column, held).map_err(|problem| format!("{name}: {problem}"))?,
            None => builder.push(Presence::Absent),
        }
    }
    Ok(builder.finish())
}

fn unlike(wire: &Wire, json: &str) -> String {
    let is = match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "yes or no",
        _ => "a number",
    };
    let due = match wire {
        Wire::Bool => "yes or no",
        Wire::Int(..) => "a whole number",
        Wire::Decimal => "a decimal",
        Wire::Float => "a number",
        Wire::List(_) => "an array",
        _ => "a text",
    };
    format!("{is} came where {due} was declared")
}

/// The text of a number, whether it is one or a text of one.
fn digits(held: &RawValue) -> Option<String> {
    match held.get().as_bytes().first()? {
        b'"' => text(held),
        b'-' | b'0'..=b'9' => Some(held.get().to_owned()),
        _ => None,
    }
}

fn decimal(held: &RawValue) -> Option<Decimal> {
    Decimal::parse(&digits(held)?).ok()
}

fn whole(held: &RawValue) -> Option<i64> {
    let digits = digits(held)?;
    digits.parse().ok().or_else(|| Decimal::parse(&digits).ok()?.to_i64_exact())
}

fn float(held: &RawValue) -> Option<f64> {
    match digits(held)?.as_str() {
        "INF" => Some(f64::INFINITY),
        "-INF" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
            digits.parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

/// A GUID in small letters: two ways to write one are one key.
pub(super) fn guid(text: &str) -> Option<String> {
    let groups: Vec<&str> = text.split('-').collect();
    let right = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    right.then(|| text.to_ascii_lowercase())
}

/// What a member of a key holds.
pub(super) fn key_part(wire: &Wire, held: &RawValue) -> Result<KeyPart, String> {
    let json = held.get();
    let wrong = || unlike(wire, json);
    match wire {
        Wire::Int(..) => whole(held).map(KeyPart::Int).ok_or_else(wrong),
        Wire::Decimal => Ok(KeyPart::Text(decimal(held).ok_or_else(wrong)?.normalised().to_string().into())),
        Wire::Bool if matches!(json, "true" | "false") => Ok(KeyPart::Text(json.into())),
        wire => key_part_of_text(wire, &text(held).ok_or_else(wrong)?)
            .ok_or_else(|| "a key that is not what it declares".to_owned()),
    }
}

/// A part of a key by its text; `None` where a column cannot hold it.
pub(super) fn key_part_of_text(wire: &Wire, text: &str) -> Option<KeyPart> {
    Some(match wire {
        Wire::Int(..) => KeyPart::Int(text.parse().ok()?),
        Wire::Text | Wire::Enum(_) => KeyPart::Text(text.into()),
        Wire::Guid => KeyPart::Text(guid(text)?.into()),
        Wire::Decimal => KeyPart::Text(Decimal::parse(text).ok()?.normalised().to_string().into()),
        Wire::Bool => matches!(text, "true" | "false").then(|| KeyPart::Text(text.into()))?,
        Wire::Date => date(text.as_bytes()).map(|_| KeyPart::Text(text.into()))?,
        Wire::Time => time(text.as_bytes()).map(|_| KeyPart::Text(text.into()))?,
        Wire::Instant(_) => instant(text.as_bytes()).map(|_| KeyPart::Text(text.into()))?,
        Wire::Float | Wire::Bytes | Wire::Flags(_) | Wire::List(_) => return None,
    })
}

/// A part of a key as a value of its column.
pub(super) fn of_key(column: &Column, part: &KeyPart) -> Option<Value> {
    let json = match part {
        KeyPart::Int(key) => key.to_string(),
        KeyPart::Text(key) if column.wire == Wire::Bool => key.to_string(),
        KeyPart::Text(key) => quoted(key),
    };
    let held: &RawValue = serde_json::from_str(&json).ok()?;
    value(column, held).ok()
}

/// The member that a value is written as: its name and its JSON.
///
/// Errors: words for why the column would not keep the value.
pub(super) fn member(
    column: &Column,
    value: ValueRef<'_>,
    numbers_as_text: bool,
) -> Result<(String, String), String> {
    if let Some(problem) = misfit(&column.field, value) {
        return Err(problem);
    }
    let name = column.field.name.to_string();
    if let Some((navigation, set)) = &column.bind {
        let name = format!("{navigation}@odata.bind");
        return match value {
            ValueRef::Null => Ok((name, "null".to_owned())),
            value => {
                let key = super::literal::literal(column, value)?;
                Ok((name, quoted(&format!("/{set}({key})"))))
            }
        };
    }
    Ok((name, json(column, value, numbers_as_text)?))
}

fn json(column: &Column, value: ValueRef<'_>, numbers_as_text: bool) -> Result<String, String> {
    let number = |digits: String| if numbers_as_text { quoted(&digits) } else { digits };
    Ok(match (&column.wire, value) {
        (_, ValueRef::Null) => "null".to_owned(),
        (Wire::Bool, ValueRef::Bool(value)) => value.to_string(),
        (Wire::Int(min, max), ValueRef::Int(value)) => {
            if !(min..=max).contains(&&value) {
                return Err(format!("the number is not between {min} and {max}"));
            }
            if *min == i64::MIN { number(value.to_string()) } else { value.to_string() }
        }
        (Wire::Decimal, ValueRef::Int(value)) => number(value.to_string()),
        (Wire::Decimal, ValueRef::Decimal(value)) => number(value.to_decimal().to_string()),
        (Wire::Float, ValueRef::Float(value)) => match value {
            value if value.is_nan() => quoted("NaN"),
            f64::INFINITY => quoted("INF"),
            f64::NEG_INFINITY => quoted("-INF"),
            value => serde_json::to_string(&value).map_err(|problem| problem.to_string())?,
        },
        (Wire::Text | Wire::Enum(_), ValueRef::Text(text)) => quoted(text),
        (Wire::Guid, ValueRef::Text(text)) => quoted(&guid(text).ok_or("the text is no GUID")?),
        (Wire::Date, ValueRef::Date(day)) => quoted(&four_digit_year(day)?.to_string()),
        (Wire::Time, ValueRef::Time(time)) => quoted(&no_leap(time)?.format("%H:%M:%S%.f").to_string()),
        (Wire::Instant(precision), ValueRef::Instant(at)) => {
            let kept = precision.unwrap_or(9).min(9);
            if at.utc.nanosecond() % 10u32.pow(9 - kept) != 0 {
                return Err(format!("the field keeps {kept} digits of a second"));
            }
            quoted(&instant_text(at)?)
        }
        (Wire::Bytes, ValueRef::Bytes(bytes)) => quoted(&base64::for_addresses(bytes)),
        (Wire::Flags(_), ValueRef::Set(set)) => {
            let members: Option<Vec<&str>> =
                set.members().iter().map(|member| member.as_ref().as_text()).collect();
            quoted(&members.ok_or("a member of the set is no text")?.join(","))
        }
        (Wire::List(children), ValueRef::List(records)) => {
            let written = |(place, record): (usize, &Record)| {
                line_json(children, record, numbers_as_text)
                    .map_err(|problem| format!("record {}: {problem}", place + 1))
            };
            let records: Vec<String> = records.iter().enumerate().map(written).collect::<Result<_, _>>()?;
            format!("[{}]", records.join(","))
        }
        (wire, ValueRef::Reference(reference)) => match reference.id.parts().as_slice() {
            [KeyPart::Int(key)] if matches!(wire, Wire::Int(..)) => key.to_string(),
            [KeyPart::Text(key)] if !matches!(wire, Wire::Int(..)) => {
                match key_part_of_text(wire, key).ok_or("the key of the record referred to does not fit")? {
                    KeyPart::Text(key) => quoted(&key),
                    KeyPart::Int(key) => key.to_string(),
                }
            }
            _ => return Err("the key of the record referred to does not fit".to_owned()),
        },
        (_, other) => return Err(format!("a {} cannot be stored in this field", other.kind())),
    })
}

/// A record of a list as JSON. What the service works out itself, and what the list says, is left out.
fn line_json(children: &Children, record: &Record, numbers_as_text: bool) -> Result<String, String> {
    let mut members = Vec::new();
    for (name, said) in record.fields() {
        let Presence::Value(value) = said else { continue };
        let known = children.columns.iter().enumerate().find(|(_, column)| column.field.name == *name);
        let (place, column) = known.ok_or_else(|| format!("{name}: there is no such field"))?;
        if column.field.read_only || children.implied.contains(&place) {
            continue;
        }
        let (name, json) =
            member(column, value, numbers_as_text).map_err(|problem| format!("{name}: {problem}"))?;
        members.push(format!("{}:{json}", quoted(&name)));
    }
    Ok(format!("{{{}}}", members.join(",")))
}

/// The value of a default as a metadata document writes it; `None` where the column could not hold it.
pub(super) fn of_default(wire: &Wire, written: &str) -> Option<Value> {
    Some(match wire {
        Wire::Bool => Value::Bool(written.parse().ok()?),
        Wire::Int(..) => Value::Int(written.parse().ok()?),
        Wire::Decimal => Value::Decimal(Decimal::parse(written).ok()?),
        Wire::Text | Wire::Enum(_) => Value::text(written),
        Wire::Date => Value::Date(date(written.as_bytes())?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use seamless_core::model::{Decimal, Field, FieldKind, Instant, Value};

    use super::{member, value};
    use crate::odata::set::{Column, Wire};

    fn column(wire: Wire, kind: FieldKind) -> Column {
        Column { field: Field::new("f", kind), wire, bind: None, immutable: false }
    }

    fn read(column: &Column, json: &str) -> Result<Value, String> {
        value(column, serde_json::from_str(json).unwrap())
    }

    fn money() -> Column {
        column(Wire::Decimal, FieldKind::Decimal { precision: None, scale: None })
    }

    const INT64: Wire = Wire::Int(i64::MIN, i64::MAX);

    proptest! {
        // Catches: a number that passes through a binary one.
        #[test]
        fn numbers_are_exact_however_they_are_written(mantissa in any::<i64>(), scale in 0u8..18) {
            let number = Decimal::new(mantissa, scale);
            for json in [number.to_string(), format!("\"{number}\"")] {
                prop_assert_eq!(read(&money(), &json), Ok(Value::Decimal(number.clone())));
            }
            for as_text in [true, false] {
                let written = member(&money(), Value::Decimal(number.clone()).as_ref(), as_text).unwrap().1;
                prop_assert_eq!(read(&money(), &written), Ok(Value::Decimal(number.clone())));
                let whole = column(INT64, FieldKind::Int);
                let written = member(&whole, Value::Int(mantissa).as_ref(), as_text).unwrap().1;
                prop_assert_eq!(read(&whole, &written), Ok(Value::Int(mantissa)));
            }
        }

        #[test]
        fn texts_and_bytes_read_back(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let (texts, blobs) = (
                column(Wire::Text, FieldKind::Text { length_max: None }),
                column(Wire::Bytes, FieldKind::Bytes { length_max: None }),
            );
            for (column, value) in [(texts, Value::text(&text)), (blobs, Value::Bytes(bytes.into()))] {
                let written = member(&column, value.as_ref(), true).unwrap().1;
                prop_assert_eq!(read(&column, &written), Ok(value));
            }
        }

        #[test]
        fn binary_numbers_read_back_to_the_bit(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            let floats = column(Wire::Float, FieldKind::Float);
            let written = member(&floats, Value::Float(number).as_ref(), true).unwrap().1;
            prop_assert_eq!(read(&floats, &written), Ok(Value::Float(number)));
        }
    }

    #[test]
    fn a_server_that_lies_about_types_is_noticed() {
        let flag = column(Wire::Bool, FieldKind::Bool);
        let text = column(Wire::Text, FieldKind::Text { length_max: None });
        let whole = column(INT64, FieldKind::Int);
        for (column, json) in [
            (&flag, "1"),
            (&flag, "\"true\""),
            (&text, "7"),
            (&text, "{}"),
            (&text, "[\"x\"]"),
            (&whole, "1.5"),
            (&whole, "9223372036854775808"),
            (&whole, "true"),
            (&money(), "\"12,50\""),
            (&money(), "false"),
        ] {
            assert!(read(column, json).is_err(), "{json}");
        }
        assert_eq!(read(&whole, "1e3"), Ok(Value::Int(1000)));
    }

    #[test]
    fn what_a_column_would_round_is_refused() {
        let small = column(Wire::Int(-128, 127), FieldKind::Int);
        assert!(member(&small, Value::Int(128).as_ref(), true).is_err());
        let seconds = column(Wire::Instant(Some(0)), FieldKind::Instant);
        let at = |text: &str| Value::Instant(Instant::utc(text.parse().unwrap()));
        assert!(member(&seconds, at("2024-02-29T12:00:00.5Z").as_ref(), true).is_err());
        assert_eq!(
            member(&seconds, at("2024-02-29T12:00:00Z").as_ref(), true).unwrap().1,
            "\"2024-02-29T12:00:00Z\""
        );
        let key = column(Wire::Guid, FieldKind::Text { length_max: Some(36) });
        assert!(member(&key, Value::text("x").as_ref(), true).is_err());
    }
}
