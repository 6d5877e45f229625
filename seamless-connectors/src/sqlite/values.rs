//! SQLite's storage <-> values, by what a column declares. What is lost: nothing on reading (a value that does not fit
//! its declaration is refused, in words); on writing a column with numeric affinity keeps about 15 digits, and more is
//! refused. The doors are [`push`] and [`bound`].

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Timelike};
use rusqlite::types::{Value as Bound, ValueRef as Held};
use seamless_core::model::{
    Decimal, EntityName, FieldKind, Instant, KeyPart, RecordBuilder, RecordId, Reference, Shape, Slot,
    Timestamp, Value, ValueRef,
};

use super::ddl::Literal;

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
            let at = instant(bytes).ok_or("the text is not a moment such as 2024-02-29T23:59:59Z")?;
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

/// When a row was last changed, from a stamp column: text (without a zone: universal time) or seconds since 1970.
pub(super) fn stamp(held: Held<'_>) -> Option<Timestamp> {
    match held {
        Held::Text(bytes) => instant(bytes).map(|at| at.utc),
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

fn four_digit_year(day: NaiveDate) -> Result<NaiveDate, String> {
    if (0..=9999).contains(&day.year()) { Ok(day) } else { Err("the year has no four digits".to_owned()) }
}

fn no_leap(time: NaiveTime) -> Result<NaiveTime, String> {
    if time.nanosecond() < 1_000_000_000 { Ok(time) } else { Err("SQLite has no leap seconds".to_owned()) }
}

fn instant_text(at: Instant) -> Result<String, String> {
    let offset = at.offset_minutes.and_then(|minutes| chrono::FixedOffset::east_opt(i32::from(minutes) * 60));
    no_leap(at.utc.time())?;
    Ok(match offset {
        Some(offset) => {
            let local = at.utc.with_timezone(&offset);
            four_digit_year(local.date_naive())?;
            local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
        }
        None => {
            four_digit_year(at.utc.date_naive())?;
            at.utc.to_rfc3339_opts(SecondsFormat::AutoSi, true)
        }
    })
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

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| match digit {
        b'0'..=b'9' => sum.checked_mul(10)?.checked_add(u32::from(digit - b'0')),
        _ => None,
    })
}

/// `2024-02-29`
pub(super) fn date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = i32::try_from(number(&[*y1, *y2, *y3, *y4])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[*m1, *m2])?, number(&[*d1, *d2])?)
}

/// `23:59`, `23:59:59`, `23:59:59.123456789`
pub(super) fn time(text: &[u8]) -> Option<NaiveTime> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let (seconds, nanos) = match rest {
        [] => (0, 0),
        [b':', s1, s2] => (number(&[*s1, *s2])?, 0),
        [b':', s1, s2, b'.', fraction @ ..] if (1..=9).contains(&fraction.len()) => {
            let scale = 10u32.pow(9 - u32::try_from(fraction.len()).ok()?);
            (number(&[*s1, *s2])?, number(fraction)? * scale)
        }
        _ => return None,
    };
    NaiveTime::from_hms_nano_opt(number(&[*h1, *h2])?, number(&[*m1, *m2])?, seconds, nanos)
}

/// `2024-02-29 23:59:59` or with a `T`
pub(super) fn local(text: &[u8]) -> Option<NaiveDateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let [b' ' | b'T' | b't', clock @ ..] = rest else { return None };
    Some(NaiveDateTime::new(date(day)?, time(clock)?))
}

/// `2024-02-29T23:59:59Z`, `.. +02:00`; without a zone it is universal time, as SQLite's own functions write it.
pub(super) fn instant(text: &[u8]) -> Option<Instant> {
    let (at, offset) = match text {
        [rest @ .., b'Z' | b'z'] => (rest, None),
        [rest @ .., sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let minutes = number(&[*h1, *h2])?.checked_mul(60)?.checked_add(number(&[*m1, *m2])?)?;
            let minutes = i16::try_from(minutes).ok().filter(|minutes| *minutes < 24 * 60)?;
            (rest, Some(if *sign == b'-' { -minutes } else { minutes }))
        }
        rest => (rest, None),
    };
    let at = local(at.trim_ascii_end())?.and_utc();
    let shift = chrono::TimeDelta::minutes(i64::from(offset.unwrap_or(0)));
    Some(Instant { utc: at.checked_sub_signed(shift)?, offset_minutes: offset })
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime};
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use seamless_core::model::{Instant, Timestamp};

    use super::{date, instant, instant_text, local, time};

    proptest! {
        #[test]
        fn dates_and_times_read_as_chrono_reads_them(days in 1i32..3_000_000, seconds in 0u32..86400, nanos in 0u32..1_000_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let clock = NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos).unwrap();
            prop_assert_eq!(date(day.to_string().as_bytes()), Some(day));
            prop_assert_eq!(time(clock.format("%H:%M:%S%.f").to_string().as_bytes()), Some(clock));
            let at = day.and_time(clock);
            prop_assert_eq!(local(at.format("%Y-%m-%dT%H:%M:%S%.9f").to_string().as_bytes()), Some(at));
        }

        #[test]
        fn a_moment_keeps_how_it_was_written(seconds in 0i64..4_000_000_000, offset in proptest::option::of(-839i16..840)) {
            let at = Instant { utc: Timestamp::from_timestamp(seconds, 0).unwrap(), offset_minutes: offset };
            let read = instant(instant_text(at).unwrap().as_bytes()).unwrap();
            prop_assert_eq!(read, at);
            prop_assert_eq!(read.offset_minutes, offset);
        }

        #[test]
        fn other_bytes_are_refused(bytes in any::<Vec<u8>>()) {
            prop_assert!(date(&bytes).is_none() || bytes.len() == 10);
            time(&bytes);
            instant(&bytes);
        }
    }

    #[test]
    fn near_misses_are_refused() {
        for text in ["2023-02-29", "2024-2-9", "2024-02-29 ", "24:00", "23:59:60", "12:00:00.", "2024-02-29"]
        {
            assert!(time(text.as_bytes()).is_none() && local(text.as_bytes()).is_none(), "{text}");
        }
        assert!(date(b"2023-02-29").is_none() && local(b"2024-02-29 10:00:00Z").is_none());
    }
}
