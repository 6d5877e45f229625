//! What a cell says to a field, and what a value is in a cell: exact both ways, or words for what is wrong. Knows no
//! sheets. The doors are [`push`] and [`held`].

use chrono::NaiveTime;
use seamless_core::model::{Decimal, FieldKind, RecordBuilder, Value, ValueRef};

use super::cells::{Held, shortest};
use super::serial::Calendar;
use crate::cell::{option, push_text, text_of};

/// Digits of a number that Excel shows and keeps.
const DIGITS_MAX: u32 = 15;

/// Units of UTF-16 in one cell at most: Excel's own limit.
const TEXT_UNITS_MAX: usize = 32_767;

const TOO_MANY_DIGITS: &str = "Excel keeps 15 digits of a number";

/// Puts what a cell says into the next slot.
///
/// Errors: words for what is wrong; the slot is not filled then.
pub(super) fn push(
    builder: &mut RecordBuilder,
    kind: &FieldKind,
    held: &Held,
    calendar: Calendar,
    number_key: bool,
) -> Result<(), String> {
    match (kind, held) {
        (_, Held::Nothing) => builder.push_value(ValueRef::Null),
        (_, Held::Error(error)) => return Err(format!("the cell holds the error {error}")),
        (_, Held::Merged) => {
            return Err("the cell is merged with another one, so whose value it is cannot be told".to_owned());
        }
        (FieldKind::Bool, Held::Bool(yes)) => builder.push_value(ValueRef::Bool(*yes)),
        (FieldKind::Int, Held::Number(number)) => builder.push_value(ValueRef::Int(whole(*number)?)),
        (FieldKind::Decimal { .. }, Held::Number(number)) => {
            builder.push_value(ValueRef::from(&decimal(*number)?));
        }
        (FieldKind::Float, Held::Number(number)) => builder.push_value(ValueRef::Float(*number)),
        (FieldKind::Date, Held::Day(serial)) => {
            let at = calendar.read(*serial).ok_or("a day that there never was")?;
            if at.time() != NaiveTime::MIN {
                return Err("a day with a time where a day was said to be".to_owned());
            }
            builder.push_value(ValueRef::Date(at.date()));
        }
        (FieldKind::LocalDateTime, Held::Day(serial)) => {
            let at = calendar.read(*serial).ok_or("a day that there never was")?;
            builder.push_value(ValueRef::LocalDateTime(at));
        }
        (FieldKind::Time, Held::Day(serial)) => {
            let time = Calendar::read_time(*serial).ok_or("not a time within a day")?;
            builder.push_value(ValueRef::Time(time));
        }
        (FieldKind::Date | FieldKind::LocalDateTime | FieldKind::Time, Held::Iso(text)) => {
            push_text(builder, kind, text, false)?;
        }
        (FieldKind::Option { .. }, Held::Number(number)) => {
            builder.push_value(ValueRef::Int(whole(*number)?))
        }
        (FieldKind::Option { options }, Held::Text(text)) => match option(options, text) {
            // A text stays one, also where the set has a number that is written alike.
            Value::Int(_) => builder.push_value(ValueRef::Text(text)),
            value => builder.push_value(value.as_ref()),
        },
        (FieldKind::Reference { .. }, Held::Number(number)) => {
            push_text(builder, kind, &whole(*number)?.to_string(), number_key)?;
        }
        (FieldKind::Reference { .. }, Held::Text(_)) if number_key => {
            return Err("a text where the key is a number".to_owned());
        }
        (FieldKind::Text { .. }, held) => builder.push_value(ValueRef::Text(&told(held, calendar)?)),
        (FieldKind::Set { .. }, Held::Number(number)) => {
            push_text(builder, kind, &whole(*number)?.to_string(), false)?;
        }
        (
            FieldKind::Instant
            | FieldKind::Bytes { .. }
            | FieldKind::Set { .. }
            | FieldKind::Reference { .. },
            Held::Text(text),
        ) => push_text(builder, kind, text, number_key)?,
        (kind, held) => return Err(format!("{} where {kind} was said to be", what(held))),
    }
    Ok(())
}

/// What a cell is as text: a number by its digits, a day as ISO 8601.
fn told(held: &Held, calendar: Calendar) -> Result<String, String> {
    Ok(match held {
        Held::Text(text) | Held::Iso(text) => text.clone(),
        Held::Number(number) => decimal(*number)?.to_string(),
        Held::Bool(yes) => yes.to_string(),
        Held::Day(serial) => {
            let at = match calendar.read(*serial) {
                Some(at) => at,
                None => {
                    let time = Calendar::read_time(*serial).ok_or("a day that there never was")?;
                    return text_of(ValueRef::Time(time));
                }
            };
            if at.time() == NaiveTime::MIN {
                text_of(ValueRef::Date(at.date()))?
            } else {
                text_of(ValueRef::LocalDateTime(at))?
            }
        }
        Held::Nothing | Held::Error(_) | Held::Merged => return Err("the cell says nothing".to_owned()),
    })
}

fn whole(number: f64) -> Result<i64, String> {
    decimal(number)?.to_i64_exact().ok_or_else(|| "not a whole number".to_owned())
}

/// The number that a cell stands for: what Excel shows when it shows all that it has.
fn decimal(number: f64) -> Result<Decimal, String> {
    let decimal = Decimal::from_f64_shortest(number).ok_or("not a number")?;
    if decimal.normalised().digits() > DIGITS_MAX {
        return Err(format!(
            "{TOO_MANY_DIGITS}, and this one has more: {}; round it there (=ROUND(..)), or declare the field as float",
            shortest(number)
        ));
    }
    Ok(decimal)
}

fn what(held: &Held) -> &'static str {
    match held {
        Held::Nothing => "nothing",
        Held::Text(_) => "a text",
        Held::Number(_) => "a number (one that is a day has the format of one)",
        Held::Day(_) | Held::Iso(_) => "a day or time",
        Held::Bool(_) => "true or false",
        Held::Error(_) => "an error",
        Held::Merged => "a merged cell",
    }
}

/// What a value is in a cell.
///
/// Errors: words for why no cell can hold it.
pub(super) fn held(value: ValueRef<'_>, calendar: Calendar) -> Result<Held, String> {
    Ok(match value {
        ValueRef::Null => Held::Nothing,
        ValueRef::Bool(yes) => Held::Bool(yes),
        ValueRef::Int(number) => Held::Number(exact(&Decimal::from_i64(number))?),
        ValueRef::Decimal(number) => Held::Number(exact(&number.to_decimal())?),
        ValueRef::Float(number) if number.is_finite() => Held::Number(number),
        ValueRef::Date(day) => {
            let serial = calendar.write(day.and_time(NaiveTime::MIN));
            Held::Day(serial.ok_or("the workbook's calendar does not have this day")?)
        }
        ValueRef::LocalDateTime(at) => {
            let serial = calendar.write(at);
            Held::Day(serial.ok_or(
                "the workbook's calendar does not have this day, or the time is finer than milliseconds",
            )?)
        }
        ValueRef::Time(time) => {
            Held::Day(Calendar::write_time(time).ok_or("Excel keeps milliseconds of a time")?)
        }
        ValueRef::Reference(reference) => match reference.id.as_int() {
            Some(key) => Held::Number(exact(&Decimal::from_i64(key))?),
            None => Held::Text(fitting(text_of(value)?)?),
        },
        other => Held::Text(fitting(text_of(other)?)?),
    })
}

/// The floating point number that stands for a decimal, where it stands for no other.
fn exact(number: &Decimal) -> Result<f64, String> {
    let lossy = number.to_f64_lossy();
    let same = Decimal::from_f64_shortest(lossy).is_some_and(|back| back == *number);
    if !same || number.normalised().digits() > DIGITS_MAX {
        return Err(TOO_MANY_DIGITS.to_owned());
    }
    Ok(lossy)
}

fn fitting(text: String) -> Result<String, String> {
    let units = if text.len() <= TEXT_UNITS_MAX { text.len() } else { text.encode_utf16().count() };
    if units > TEXT_UNITS_MAX {
        return Err(format!("a cell holds {TEXT_UNITS_MAX} characters at most"));
    }
    Ok(text)
}
