//! PostgreSQL's binary forms -> values, and values -> the texts that are bound. What is lost: nothing. What cannot be
//! carried (infinite dates and numbers, NaN as a decimal, 24:00) is refused in words on reading; what a column would
//! round or cut is refused on writing. The doors are [`push`], [`key_part`] and [`bound`].
//!
//! Every value is bound as text and made what it is by the server (`$1::text::date`): one form for single rows and for
//! arrays of them, and none of it ever stands in the text of a statement.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use seamless_core::model::{
    Decimal, EntityName, Instant, KeyPart, OptionSet, Presence, RecordBuilder, RecordId, Reference,
    Timestamp, Value, ValueRef,
};

use super::numeric;
use crate::iso;

/// How the values of a column travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    /// A whole number of so many bytes.
    Int(u8),
    Decimal,
    Float4,
    Float8,
    /// Text, enums among it.
    Text,
    /// Text that is filled up with blanks, which say nothing.
    Blank,
    Json,
    Jsonb,
    Uuid,
    Date,
    Time,
    Local,
    Instant,
    Bytes,
    /// What has no kind here: shown as the text that the server makes of it, and only read.
    Shown,
}

/// What is to be known of a column to carry its values.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// The name as SQL.
    pub(super) quoted: String,
    pub(super) kind: Kind,
    /// The type that a bound text is made, as SQL, without a length: a length would cut without a word.
    pub(super) base: String,
    /// Digits of a second that the column keeps.
    pub(super) second_digits: u32,
    pub(super) reference: Option<EntityName>,
    /// The labels of an enum.
    pub(super) labels: Option<OptionSet>,
    /// The column cannot be null and is empty text by default: that is how it says nothing.
    pub(super) empty_is_nothing: bool,
    /// Whether the server compares values of it for equality.
    pub(super) comparable: bool,
    /// Whether the account may read it.
    pub(super) is_readable: bool,
}

impl Column {
    /// `$1::text::date` of a text that is bound or held in an array.
    pub(super) fn made(&self, text: &str) -> String {
        format!("{text}::{}", self.base)
    }

    /// The column as it is selected.
    pub(super) fn selected(&self, alias: &str) -> String {
        match self.kind {
            _ if !self.is_readable => "NULL".to_owned(),
            Kind::Shown => format!("{alias}.{}::text", self.quoted),
            _ => format!("{alias}.{}", self.quoted),
        }
    }

    /// `t."a" = ..` of a text that is bound or held in an array.
    pub(super) fn equals(&self, alias: &str, text: &str) -> String {
        match self.comparable {
            true => format!("{alias}.{} = {}", self.quoted, self.made(text)),
            false => format!("{alias}.{}::text = {text}", self.quoted),
        }
    }
}

/// A value as it came.
enum Held<'a> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
    Date(NaiveDate),
    Time(NaiveTime),
    Local(NaiveDateTime),
    Instant(Timestamp),
    Bytes(&'a [u8]),
}

/// Puts what a column holds into the next slot of a record.
///
/// Errors: words for what is wrong with it; the slot is not filled then.
pub(super) fn push(builder: &mut RecordBuilder, column: &Column, raw: Option<&[u8]>) -> Result<(), String> {
    if !column.is_readable {
        builder.push(Presence::Unreadable);
        return Ok(());
    }
    let Some(raw) = raw else {
        builder.push_value(ValueRef::Null);
        return Ok(());
    };
    if let Some(entity) = &column.reference {
        let part = key_part(column.kind, raw).ok_or("it cannot be the key of a record")?;
        let reference = Reference { entity: entity.clone(), id: RecordId::of_parts(&[part]) };
        builder.push_value(ValueRef::Reference(&Arc::new(reference)));
        return Ok(());
    }
    match held(column.kind, raw)? {
        Held::Bool(value) => builder.push_value(ValueRef::Bool(value)),
        Held::Int(value) => builder.push_value(ValueRef::Int(value)),
        Held::Float(value) => builder.push_value(ValueRef::Float(value)),
        Held::Decimal(value) => builder.push_value(ValueRef::from(&value)),
        Held::Text(value) => builder.push_value(ValueRef::Text(&value)),
        Held::Date(value) => builder.push_value(ValueRef::Date(value)),
        Held::Time(value) => builder.push_value(ValueRef::Time(value)),
        Held::Local(value) => builder.push_value(ValueRef::LocalDateTime(value)),
        Held::Instant(value) => builder.push_value(ValueRef::Instant(Instant::utc(value))),
        Held::Bytes(value) => builder.push_value(ValueRef::Bytes(&Arc::from(value))),
    }
    Ok(())
}

fn held(kind: Kind, raw: &[u8]) -> Result<Held<'_>, String> {
    Ok(match kind {
        Kind::Bool => Held::Bool(byte(raw)? != 0),
        Kind::Int(2) => Held::Int(i64::from(i16::from_be_bytes(exact(raw)?))),
        Kind::Int(4) => Held::Int(i64::from(i32::from_be_bytes(exact(raw)?))),
        Kind::Int(_) => Held::Int(i64::from_be_bytes(exact(raw)?)),
        Kind::Decimal => Held::Decimal(numeric::decode(raw)?),
        Kind::Float4 => Held::Float(widened(f32::from_be_bytes(exact(raw)?))),
        Kind::Float8 => Held::Float(f64::from_be_bytes(exact(raw)?)),
        Kind::Text | Kind::Json | Kind::Shown => Held::Text(Cow::Borrowed(utf8(raw)?)),
        Kind::Blank => Held::Text(Cow::Borrowed(utf8(raw)?.trim_end_matches(' '))),
        Kind::Jsonb => match raw.split_first() {
            Some((1, text)) => Held::Text(Cow::Borrowed(utf8(text)?)),
            _ => return Err("jsonb of another version".to_owned()),
        },
        Kind::Uuid => Held::Text(Cow::Owned(uuid_text(&exact(raw)?))),
        Kind::Date => Held::Date(day(i32::from_be_bytes(exact(raw)?))?),
        Kind::Time => Held::Time(time_of(i64::from_be_bytes(exact(raw)?))?),
        Kind::Local => Held::Local(moment(i64::from_be_bytes(exact(raw)?))?),
        Kind::Instant => Held::Instant(moment(i64::from_be_bytes(exact(raw)?))?.and_utc()),
        Kind::Bytes => Held::Bytes(raw),
    })
}

fn exact<const N: usize>(raw: &[u8]) -> Result<[u8; N], String> {
    <[u8; N]>::try_from(raw).map_err(|_| format!("{} bytes where {N} are due", raw.len()))
}

fn byte(raw: &[u8]) -> Result<u8, String> {
    exact::<1>(raw).map(|[byte]| byte)
}

fn utf8(raw: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(raw).map_err(|_| "the text is not valid UTF-8".to_owned())
}

/// The number that people see: 0.1 of four bytes is 0.1 and not 0.10000000149011612.
fn widened(value: f32) -> f64 {
    if value.is_finite() { value.to_string().parse().unwrap_or(f64::from(value)) } else { f64::from(value) }
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
        );
    }
    text
}

/// The day from which PostgreSQL counts.
fn epoch() -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2000, 1, 1)
}

fn day(days: i32) -> Result<NaiveDate, String> {
    let shifted = |epoch: NaiveDate| match days {
        0.. => epoch.checked_add_days(Days::new(u64::from(days.unsigned_abs()))),
        _ => epoch.checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
    };
    match days {
        i32::MAX | i32::MIN => Err("an infinite date cannot be carried".to_owned()),
        _ => epoch().and_then(shifted).ok_or_else(|| "the date is too far away".to_owned()),
    }
}

fn time_of(micros: i64) -> Result<NaiveTime, String> {
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let parts = (u32::try_from(seconds), u32::try_from(rest * 1_000));
    let time = match parts {
        (Ok(seconds), Ok(nanos)) => NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos),
        _ => None,
    };
    time.ok_or_else(|| "24:00 is no time of a day".to_owned())
}

fn moment(micros: i64) -> Result<NaiveDateTime, String> {
    match micros {
        i64::MAX | i64::MIN => Err("an infinite time cannot be carried".to_owned()),
        _ => epoch()
            .and_then(|epoch| {
                epoch.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::microseconds(micros))
            })
            .ok_or_else(|| "the time is too far away".to_owned()),
    }
}

/// One part of a record's key; `None` when a key cannot hold what is stored.
pub(super) fn key_part(kind: Kind, raw: &[u8]) -> Option<KeyPart> {
    let text = |text: &str| Some(KeyPart::Text(text.into()));
    match held(kind, raw).ok()? {
        Held::Int(number) => Some(KeyPart::Int(number)),
        Held::Text(value) => text(&value),
        Held::Float(_) => None,
        Held::Bool(value) => text(&written(ValueRef::Bool(value))?),
        // Equal keys have equal ids, however many zeros they are written with.
        Held::Decimal(value) => text(&value.normalised().to_string()),
        // Other years have no form here that reads back; a row with such a key is broken, never gone.
        Held::Date(value) if four_digits(value) => text(&written(ValueRef::Date(value))?),
        Held::Time(value) => text(&written(ValueRef::Time(value))?),
        Held::Local(value) if four_digits(value.date()) => text(&written(ValueRef::LocalDateTime(value))?),
        Held::Instant(value) if four_digits(value.date_naive()) => {
            text(&written(ValueRef::Instant(Instant::utc(value)))?)
        }
        Held::Date(_) | Held::Local(_) | Held::Instant(_) => None,
        Held::Bytes(value) => text(&hexadecimal(value)),
    }
}

/// The text that is bound for a part of a key; `None` where no row can have such a key in this column.
pub(super) fn bound_part(column: &Column, part: &KeyPart) -> Option<String> {
    let text = match (column.kind, part) {
        (Kind::Int(bytes), KeyPart::Int(number)) => {
            return in_range(bytes, *number).then(|| number.to_string());
        }
        (Kind::Int(_), _) | (_, KeyPart::Int(_)) => return None,
        (_, KeyPart::Text(text)) => text,
    };
    let same = |value: Option<String>| value.filter(|value| value.as_str() == &**text);
    match column.kind {
        Kind::Text | Kind::Json | Kind::Jsonb | Kind::Shown => {
            let known = column.labels.as_ref().is_none_or(|labels| labels.contains(&Value::text(text)));
            (known && !text.contains('\0')).then(|| text.to_string())
        }
        Kind::Blank => (!text.contains('\0') && !text.ends_with(' ')).then(|| text.to_string()),
        Kind::Uuid => is_uuid(text).then(|| text.to_string()),
        Kind::Bool => matches!(&**text, "true" | "false").then(|| text.to_string()),
        Kind::Decimal => same(Decimal::parse(text).ok().map(|number| number.normalised().to_string())),
        Kind::Date => same(iso::date(text.as_bytes()).and_then(|day| written(ValueRef::Date(day)))),
        Kind::Time => same(iso::time(text.as_bytes()).and_then(|time| written(ValueRef::Time(time)))),
        Kind::Local => same(iso::local(text.as_bytes()).and_then(|at| written(ValueRef::LocalDateTime(at)))),
        Kind::Instant => same(
            iso::instant(text.as_bytes()).and_then(|at| written(ValueRef::Instant(Instant::utc(at.utc)))),
        ),
        Kind::Bytes => {
            let digits = text.strip_prefix("\\x")?;
            let fits = digits.len().is_multiple_of(2)
                && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            fits.then(|| text.to_string())
        }
        Kind::Float4 | Kind::Float8 | Kind::Int(_) => None,
    }
}

fn four_digits(day: NaiveDate) -> bool {
    (1..=9999).contains(&day.year())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

fn in_range(bytes: u8, number: i64) -> bool {
    match bytes {
        2 => i16::try_from(number).is_ok(),
        4 => i32::try_from(number).is_ok(),
        _ => true,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2 + 2);
    text.push_str("\\x");
    for byte in bytes {
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
        );
    }
    text
}

/// The text to be bound for a value of a column; `None` is null.
///
/// Errors: words for why the column would not keep the value.
pub(super) fn bound(column: &Column, value: ValueRef<'_>) -> Result<Option<String>, String> {
    let refused = |value: ValueRef<'_>| format!("a {} cannot be stored in this column", value.kind());
    if let (Some(_), ValueRef::Reference(reference)) = (&column.reference, value) {
        return match reference.id.parts().as_slice() {
            [part] => bound_part(column, part)
                .map(Some)
                .ok_or_else(|| "no record has a key like that of the record referred to".to_owned()),
            _ => Err("the record referred to has a key of several parts".to_owned()),
        };
    }
    let text = match (column.kind, value) {
        (_, ValueRef::Null) if column.empty_is_nothing => return Ok(Some(String::new())),
        (_, ValueRef::Null) => return Ok(None),
        (Kind::Int(bytes), ValueRef::Int(number)) if !in_range(bytes, number) => {
            return Err(format!("the number does not fit into {bytes} bytes"));
        }
        (Kind::Int(_) | Kind::Decimal, ValueRef::Int(number)) => number.to_string(),
        (Kind::Decimal, ValueRef::Decimal(number)) => number.to_decimal().to_string(),
        (Kind::Float8, ValueRef::Float(number)) => float(number),
        (Kind::Float4, ValueRef::Float(number)) => {
            #[allow(clippy::cast_possible_truncation)]
            let narrow = number as f32;
            if number.is_nan() || widened(narrow).to_bits() == number.to_bits() {
                float(widened(narrow))
            } else {
                return Err("the column keeps about seven digits, and the number has more".to_owned());
            }
        }
        (Kind::Text | Kind::Blank | Kind::Json | Kind::Jsonb, ValueRef::Text(text)) => {
            kept_text(column.kind, text)?;
            text.to_owned()
        }
        (Kind::Uuid, ValueRef::Text(text)) if is_uuid(text) => text.to_owned(),
        (Kind::Uuid, ValueRef::Text(_)) => {
            return Err("the text is no UUID in small letters, such as 00000000-0000-8000-a000-000000000000"
                .to_owned());
        }
        (Kind::Time, ValueRef::Time(time)) => kept(column, time).and_then(|()| text_of(value))?,
        (Kind::Local, ValueRef::LocalDateTime(at)) => {
            kept(column, at.time()).and_then(|()| text_of(value))?
        }
        (Kind::Instant, ValueRef::Instant(at)) => {
            kept(column, at.utc.time()).and_then(|()| text_of(value))?
        }
        (Kind::Bool, ValueRef::Bool(_)) | (Kind::Date, ValueRef::Date(_)) => text_of(value)?,
        (Kind::Bytes, ValueRef::Bytes(bytes)) => hexadecimal(bytes),
        (_, other) => return Err(refused(other)),
    };
    Ok(Some(text))
}

fn kept_text(kind: Kind, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("PostgreSQL stores no character zero in text".to_owned());
    }
    match kind {
        Kind::Blank if text.ends_with(' ') => {
            Err("the column does not tell blanks at the end from those that it is filled up with".to_owned())
        }
        Kind::Json | Kind::Jsonb if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() => {
            Err("the text is no JSON".to_owned())
        }
        _ => Ok(()),
    }
}

/// A time whose fraction the column keeps.
fn kept(column: &Column, time: NaiveTime) -> Result<(), String> {
    let time = iso::no_leap(time)?;
    let unit = 10_u32.checked_pow(9_u32.saturating_sub(column.second_digits.min(6))).unwrap_or(1);
    match time.nanosecond() % unit {
        0 => Ok(()),
        _ => Err(format!(
            "the column keeps {} digits of a second, and the time has more",
            column.second_digits
        )),
    }
}

fn text_of(value: ValueRef<'_>) -> Result<String, String> {
    written(value).ok_or_else(|| format!("a {} cannot be written", value.kind()))
}

fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{number:e}")
    }
}

/// The text of a value as every server reads it, whatever its settings; also the text of a part of a key.
fn written(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Date(day) => {
            let (text, era) = dated(day);
            format!("{text}{era}")
        }
        ValueRef::Time(time) => time.format("%H:%M:%S%.f").to_string(),
        ValueRef::LocalDateTime(at) => {
            let (text, era) = dated(at.date());
            format!("{text} {}{era}", at.time().format("%H:%M:%S%.f"))
        }
        ValueRef::Instant(at) => {
            let at: DateTime<_> = at.utc;
            let (text, era) = dated(at.date_naive());
            format!("{text} {}Z{era}", at.time().format("%H:%M:%S%.f"))
        }
        _ => return None,
    })
}

/// A day, and the words for an era before ours.
fn dated(day: NaiveDate) -> (String, &'static str) {
    let (year, era) = match day.year() {
        year @ 1.. => (year, ""),
        year => (1 - year, " BC"),
    };
    (format!("{year:04}-{:02}-{:02}", day.month(), day.day()), era)
}

/// When a row was last changed, from a stamp column; without a zone it is universal time.
pub(super) fn stamp(kind: Kind, raw: Option<&[u8]>) -> Option<Timestamp> {
    match held(kind, raw?).ok()? {
        Held::Instant(at) => Some(at),
        Held::Local(at) => Some(at.and_utc()),
        Held::Date(day) => Some(day.and_time(NaiveTime::MIN).and_utc()),
        _ => None,
    }
}

/// The value that a text of the catalogue (an option, a default) stands for in a column of this kind; `None` where it is
/// not understood.
pub(super) fn of_text(kind: Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Bool => match text {
            "true" | "t" => Value::Bool(true),
            "false" | "f" => Value::Bool(false),
            _ => return None,
        },
        Kind::Int(_) => Value::Int(text.parse().ok()?),
        Kind::Decimal => Value::Decimal(Decimal::parse(text).ok()?),
        Kind::Text => Value::text(text),
        Kind::Date => Value::Date(iso::date(text.as_bytes())?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use seamless_core::model::{KeyPart, RecordBuilder, Shape, Value, ValueRef};

    use super::{Column, Kind, bound, bound_part, key_part, push};

    fn column(kind: Kind) -> Column {
        Column {
            name: "c".into(),
            quoted: "\"c\"".into(),
            kind,
            base: "x".into(),
            second_digits: 6,
            reference: None,
            labels: None,
            empty_is_nothing: false,
            comparable: true,
            is_readable: true,
        }
    }

    fn read(kind: Kind, raw: &[u8]) -> Result<Value, String> {
        let shape = Shape::new(["c".into()]).unwrap();
        let mut builder = RecordBuilder::new(&shape);
        push(&mut builder, &column(kind), Some(raw))?;
        Ok(builder.finish().get(0).value().unwrap().to_value())
    }

    #[test]
    fn what_cannot_be_carried_is_refused_in_words() {
        for (kind, raw) in [
            (Kind::Date, i32::MAX.to_be_bytes().to_vec()),
            (Kind::Date, i32::MIN.to_be_bytes().to_vec()),
            (Kind::Date, 2_000_000_000_i32.to_be_bytes().to_vec()),
            (Kind::Instant, i64::MAX.to_be_bytes().to_vec()),
            (Kind::Local, i64::MIN.to_be_bytes().to_vec()),
            (Kind::Local, (i64::MAX - 1).to_be_bytes().to_vec()),
            (Kind::Time, 86_400_000_000_i64.to_be_bytes().to_vec()),
            (Kind::Text, vec![0xff]),
            (Kind::Int(4), vec![1]),
            (Kind::Jsonb, b"\x02{}".to_vec()),
        ] {
            assert!(read(kind, &raw).is_err(), "{kind:?} {raw:?}");
        }
    }

    #[test]
    fn a_small_float_is_the_number_that_people_see() {
        assert_eq!(read(Kind::Float4, &0.1_f32.to_be_bytes()), Ok(Value::Float(0.1)));
        assert_eq!(bound(&column(Kind::Float4), ValueRef::Float(0.1)), Ok(Some("1e-1".into())));
        assert!(bound(&column(Kind::Float4), ValueRef::Float(0.123_456_789)).is_err());
    }

    #[test]
    fn a_key_that_no_row_can_have_is_known_without_asking() {
        let text = |text: &str| KeyPart::Text(text.into());
        for (kind, part, fits) in [
            (Kind::Int(2), KeyPart::Int(40_000), false),
            (Kind::Int(8), KeyPart::Int(40_000), true),
            (Kind::Int(8), text("' OR 1=1"), false),
            (Kind::Text, KeyPart::Int(7), false),
            (Kind::Text, text("a\0"), false),
            (Kind::Uuid, text("00000000-0000-8000-a000-00000000000A"), false),
            (Kind::Uuid, text("00000000-0000-8000-a000-00000000000a"), true),
            (Kind::Date, text("2024-02-29"), true),
            (Kind::Date, text("2024-02-30"), false),
            (Kind::Date, text("'; --"), false),
            (Kind::Bytes, text("\\x0a"), true),
            (Kind::Bytes, text("\\x0A"), false),
            (Kind::Decimal, text("1.1"), true),
            (Kind::Decimal, text("1.10"), false),
        ] {
            assert_eq!(bound_part(&column(kind), &part).is_some(), fits, "{kind:?} {part:?}");
        }
        assert_eq!(key_part(Kind::Date, &59_i32.to_be_bytes()), Some(text("2000-02-29")));
    }
}
