//! SQLite's storage <-> values, by what a column declares. What is lost: nothing on reading (a value that does not fit
//! its declaration is refused, in words); on writing a column with numeric affinity keeps about 15 digits, and more is
//! refused. The doors are [`push`] and [`bound`].

use std::sync::Arc;

use rusqlite::types::{Value as Bound, ValueRef as Held};
use seamless_core::model::{
    Decimal, EntityName, FieldKind, Instant, KeyPart, RecordBuilder, RecordId, Reference, Shape, Slot,
    Timestamp, Value, ValueRef,
};

use crate::iso::{date, four_digit_year, instant, instant_text, local, no_leap, time};
use crate::sql::token::Literal;

/// How a column's storage is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Decimal,
    Float,
    Text,
    Date,
    Time,
    Local,
    Instant,
    Bytes,
    Option,
    Reference(EntityName),
}

/// What SQLite does to values that are stored in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    fn makes_numbers(self) -> bool {
        !matches!(self, Affinity::Text | Affinity::Blob)
    }
}

/// How the storage of a field of this kind is read.
pub(super) fn kind_of(kind: &FieldKind) -> Kind {
    match kind {
        FieldKind::Bool => Kind::Bool,
        FieldKind::Int => Kind::Int,
        FieldKind::Decimal { .. } => Kind::Decimal,
        FieldKind::Float => Kind::Float,
        FieldKind::Date => Kind::Date,
        FieldKind::Time => Kind::Time,
        FieldKind::LocalDateTime => Kind::Local,
        FieldKind::Instant => Kind::Instant,
        FieldKind::Bytes { .. } => Kind::Bytes,
        FieldKind::Option { .. } => Kind::Option,
        FieldKind::Reference { targets } => match targets.first() {
            Some(target) => Kind::Reference(target.clone()),
            None => Kind::Text,
        },
        _ => Kind::Text,
    }
}

/// Puts what a column holds into the next slot of a record.
///
/// Errors: words for what is wrong, when it is not what the column declares; the slot is not filled then.
#[inline]
pub(super) fn push(builder: &mut RecordBuilder, kind: &Kind, held: Held<'_>) -> Result<(), String> {
    match (kind, held) {
        (_, Held::Null) => builder.push_value(ValueRef::Null),
        (Kind::Int | Kind::Option, Held::Integer(number)) => builder.push_value(ValueRef::Int(number)),
        (Kind::Text | Kind::Option, Held::Text(bytes)) => builder.push_value(ValueRef::Text(utf8(bytes)?)),
        (Kind::Text, Held::Integer(number)) => builder.push_value(ValueRef::Text(&number.to_string())),
        (Kind::Text, Held::Real(number)) => {
            builder.push_value(ValueRef::Text(&decimal_of(number)?.to_string()));
        }
        (Kind::Bool, Held::Integer(number @ (0 | 1))) => builder.push_value(ValueRef::Bool(number == 1)),
        (Kind::Bool, Held::Text(bytes)) if bytes.eq_ignore_ascii_case(b"true") => {
            builder.push_value(ValueRef::Bool(true));
        }
        (Kind::Bool, Held::Text(bytes)) if bytes.eq_ignore_ascii_case(b"false") => {
            builder.push_value(ValueRef::Bool(false));
        }
        (Kind::Int, Held::Real(number)) => match Decimal::from_f64_shortest(number)
            .filter(|_| number.abs() < 9_007_199_254_740_992.0)
            .and_then(|number| number.to_i64_exact())
        {
            Some(number) => builder.push_value(ValueRef::Int(number)),
            None => return Err(format!("{number} is not a whole number")),
        },
        (Kind::Decimal, Held::Integer(number)) => {
            builder.push_value(ValueRef::from(&Decimal::from_i64(number)));
        }
        (Kind::Decimal, Held::Real(number)) => builder.push_value(ValueRef::from(&decimal_of(number)?)),
        (Kind::Decimal, Held::Text(bytes)) => {
            let number = Decimal::parse(utf8(bytes)?).map_err(|problem| problem.to_string())?;
            builder.push_value(ValueRef::from(&number));
        }
        (Kind::Float, Held::Real(number)) => builder.push_value(ValueRef::Float(number)),
        (Kind::Float, Held::Integer(number)) if number.unsigned_abs() <= 1 << 53 => {
            builder.push_value(ValueRef::Float(number as f64));
        }
        (Kind::Date, Held::Text(bytes)) => {
            let day = date(bytes).ok_or("the text is not a date such as 2024-02-29")?;
            builder.push_value(ValueRef::Date(day));
        }
        (Kind::Time, Held::Text(bytes)) => {
            let time = time(bytes).ok_or("the text is not a time such as 23:59:59")?;
            builder.push_value(ValueRef::Time(time));
        }
        (Kind::Local, Held::Text(bytes)) => {
            let at =
                local(bytes).ok_or("the text is not a time such as 2024-02-29 23:59:59 without a zone")?;
            builder.push_value(ValueRef::LocalDateTime(at));
        }
        (Kind::Instant, Held::Text(bytes)) => {
            let at = moment(bytes).ok_or("the text is not a moment such as 2024-02-29T23:59:59Z")?;
            builder.push_value(ValueRef::Instant(at));
        }
        (Kind::Bytes, Held::Blob(bytes)) => builder.push_value(ValueRef::Bytes(&Arc::from(bytes))),
        (Kind::Reference(entity), Held::Integer(key)) => {
            let reference = Reference { entity: entity.clone(), id: RecordId::int(key) };
            builder.push_value(ValueRef::Reference(&Arc::new(reference)));
        }
        (Kind::Reference(entity), Held::Text(bytes)) => {
            let reference = Reference { entity: entity.clone(), id: RecordId::text(utf8(bytes)?) };
            builder.push_value(ValueRef::Reference(&Arc::new(reference)));
        }
        (kind, held) => return Err(format!("{} is stored where {kind:?} is declared", held.data_type())),
    }
    Ok(())
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "the text is not valid UTF-8".to_owned())
}

fn decimal_of(number: f64) -> Result<Decimal, String> {
    Decimal::from_f64_shortest(number).ok_or_else(|| format!("{number} is not a number"))
}

/// One part of a record's key; `None` when a key cannot hold what is stored.
pub(super) fn key_part(held: Held<'_>) -> Option<KeyPart> {
    match held {
        Held::Integer(key) => Some(KeyPart::Int(key)),
        Held::Text(bytes) => Some(KeyPart::Text(std::str::from_utf8(bytes).ok()?.into())),
        Held::Null | Held::Real(_) | Held::Blob(_) => None,
    }
}

/// A part of a key, to be bound.
pub(super) fn bound_part(part: &KeyPart) -> Bound {
    match part {
        KeyPart::Int(key) => Bound::Integer(*key),
        KeyPart::Text(key) => Bound::Text(key.to_string()),
    }
}

/// A moment; without a zone it is universal time, as SQLite's own functions write it.
fn moment(bytes: &[u8]) -> Option<Instant> {
    instant(bytes).or_else(|| local(bytes).map(|at| Instant::utc(at.and_utc())))
}

/// When a row was last changed, from a stamp column: text (without a zone: universal time) or seconds since 1970.
pub(super) fn stamp(held: Held<'_>) -> Option<Timestamp> {
    match held {
        Held::Text(bytes) => moment(bytes).map(|at| at.utc),
        Held::Integer(seconds) => Timestamp::from_timestamp(seconds, 0),
        _ => None,
    }
}

/// A value to be bound for a column.
///
/// Errors: words for why the column would not keep the value.
pub(super) fn bound(kind: &Kind, affinity: Affinity, value: ValueRef<'_>) -> Result<Bound, String> {
    Ok(match (kind, value) {
        (_, ValueRef::Null) => Bound::Null,
        (Kind::Bool, ValueRef::Bool(value)) => Bound::Integer(i64::from(value)),
        (Kind::Int, ValueRef::Int(number)) | (Kind::Option, ValueRef::Int(number)) => Bound::Integer(number),
        (Kind::Text | Kind::Option, ValueRef::Text(text)) => {
            Bound::Text(kept_text(affinity, text)?.to_owned())
        }
        (Kind::Decimal, ValueRef::Int(number)) => bound_decimal(affinity, &Decimal::from_i64(number))?,
        (Kind::Decimal, ValueRef::Decimal(number)) => bound_decimal(affinity, &number.to_decimal())?,
        (Kind::Float, ValueRef::Float(number)) if number.is_nan() => {
            return Err("SQLite stores no NaN".to_owned());
        }
        (Kind::Float, ValueRef::Float(number)) => Bound::Real(number),
        (Kind::Date, ValueRef::Date(day)) => Bound::Text(four_digit_year(day)?.to_string()),
        (Kind::Time, ValueRef::Time(time)) => Bound::Text(no_leap(time)?.format("%H:%M:%S%.f").to_string()),
        (Kind::Local, ValueRef::LocalDateTime(at)) => {
            four_digit_year(at.date())?;
            no_leap(at.time())?;
            Bound::Text(at.format("%Y-%m-%d %H:%M:%S%.f").to_string())
        }
        (Kind::Instant, ValueRef::Instant(at)) => Bound::Text(instant_text(at)?),
        (Kind::Bytes, ValueRef::Bytes(bytes)) => Bound::Blob(bytes.to_vec()),
        (Kind::Reference(_), ValueRef::Reference(reference)) => match reference.id.parts().as_slice() {
            [part] => bound_part(part),
            _ => return Err("the record referred to has a key of several parts".to_owned()),
        },
        (_, other) => return Err(format!("a {} cannot be stored in this column", other.kind())),
    })
}

fn kept_text(affinity: Affinity, text: &str) -> Result<&str, String> {
    let trimmed = text.trim();
    let like_number = trimmed.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if affinity.makes_numbers() && like_number && trimmed.parse::<f64>().is_ok() {
        return Err(
            "the column's declared type would turn this text into a number; declare it TEXT".to_owned()
        );
    }
    Ok(text)
}

fn bound_decimal(affinity: Affinity, number: &Decimal) -> Result<Bound, String> {
    if !affinity.makes_numbers() {
        return Ok(Bound::Text(number.to_string()));
    }
    if let Some(whole) = number.to_i64_exact()
        && affinity != Affinity::Real
    {
        return Ok(Bound::Integer(whole));
    }
    let float = number.to_f64_lossy();
    match Decimal::from_f64_shortest(float) {
        Some(kept) if kept == *number => Ok(Bound::Real(float)),
        _ => Err("the column's declared type does not keep all digits; declare it DECTEXT".to_owned()),
    }
}

/// The value of a default's literal; `None` where the column could not hold it.
pub(super) fn of_literal(kind: &Kind, literal: &Literal) -> Option<Value> {
    let shape = Shape::new(["x".into()]).ok()?;
    let mut builder = RecordBuilder::new(&shape);
    let held = match literal {
        Literal::Null => Held::Null,
        Literal::Bool(value) => Held::Integer(i64::from(*value)),
        Literal::Text(text) => Held::Text(text.as_bytes()),
        Literal::Number(number) => match (number.parse::<i64>(), kind) {
            (Ok(number), _) => Held::Integer(number),
            (Err(_), Kind::Decimal) => Held::Text(number.as_bytes()),
            (Err(_), _) => Held::Real(number.parse().ok()?),
        },
    };
    push(&mut builder, kind, held).ok()?;
    match builder.finish().get(0).to_slot() {
        Slot::Value(value) => Some(value),
        Slot::Absent | Slot::Unreadable => None,
    }
}
