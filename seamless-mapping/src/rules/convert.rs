//! Conversions between kinds of values: exact, or refused with the reason.
//!
//! Nothing is guessed: text becomes a number only if all of it is one, a decimal becomes a whole number only if it is
//! whole, and a date never meets a time zone. What a target kind cannot say is `Unmappable`, what it has no room for
//! is `DoesNotFit`. The door is [`convert`]; [`possible`] says beforehand what can succeed at all.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use seamless_core::model::{Decimal, Instant, Value, ValueKind, ValueRef};

use super::Trouble;
use crate::declaration::TypeDecl;

/// Whether values of one kind can become values of another, at least some of them.
pub(crate) fn possible(from: TypeDecl, to: TypeDecl) -> bool {
    use TypeDecl::{Bool, Date, Decimal, Float, Instant, Int, LocalDateTime, Text, Time};
    from.same_kind(to)
        || matches!(
            (from, to),
            (Text { .. }, Bool | Int | Decimal { .. } | Float | Date | Time | LocalDateTime | Instant)
                | (Bool | Int | Decimal { .. } | Float | Date | Time | LocalDateTime | Instant, Text { .. })
                | (Int, Bool | Decimal { .. })
                | (Bool, Int)
                | (Decimal { .. }, Int | Float)
                | (Float, Decimal { .. })
        )
}

/// Whether every value comes back as it was, without anybody remembering it. Text has many spellings of a number.
pub(crate) fn comes_back(from: TypeDecl, to: TypeDecl) -> bool {
    let texts = [from, to].iter().filter(|kind| matches!(kind, TypeDecl::Text { .. })).count();
    let floats = [from, to].iter().any(|kind| matches!(kind, TypeDecl::Float));
    from.same_kind(to) || (texts == 0 && !floats)
}

/// The value as a value of another kind. Null stays null; blank text becomes null where the target is no text.
pub(crate) fn convert(
    value: ValueRef<'_>,
    to: TypeDecl,
    read: Option<&str>,
    write: Option<&str>,
) -> Result<Value, Trouble> {
    if already(value, to) {
        return Ok(value.to_value());
    }
    match (value, to) {
        (_, TypeDecl::Text { .. }) => to_text(value, write).map(|text| Value::Text(text.into())),
        (ValueRef::Text(text), _) => {
            if text.trim().is_empty() {
                return Ok(Value::Null);
            }
            of_text(text.trim(), to, read).ok_or_else(|| not_readable(value, to, read))
        }
        (ValueRef::Int(number), TypeDecl::Decimal { .. }) => Ok(Value::Decimal(Decimal::from_i64(number))),
        (ValueRef::Int(0), TypeDecl::Bool) => Ok(Value::Bool(false)),
        (ValueRef::Int(1), TypeDecl::Bool) => Ok(Value::Bool(true)),
        (ValueRef::Int(_), TypeDecl::Bool) => {
            Err(Trouble::unmappable(value, "only 0 and 1 are yes or no", "correct it, or map it as options"))
        }
        (ValueRef::Bool(truth), TypeDecl::Int) => Ok(Value::Int(i64::from(truth))),
        (ValueRef::Decimal(decimal), TypeDecl::Int) => match decimal.to_decimal().to_i64_exact() {
            Some(number) => Ok(Value::Int(number)),
            None => Err(Trouble::does_not_fit(
                value,
                "the number is not whole, or too large for a whole number",
                "correct it, or map the field to a decimal",
            )),
        },
        (ValueRef::Decimal(decimal), TypeDecl::Float) => float_of(value, &decimal.to_decimal()),
        (ValueRef::Float(number), TypeDecl::Decimal { .. }) => match Decimal::from_f64_shortest(number) {
            Some(decimal) => Ok(Value::Decimal(decimal)),
            None => Err(Trouble::unmappable(value, "infinite or not a number", "correct it")),
        },
        _ => Err(wrong_kind(value, to)),
    }
}

/// Whether the value is of the kind, or null, or of a kind that no declaration speaks of.
fn already(value: ValueRef<'_>, to: TypeDecl) -> bool {
    matches!(
        (value, to),
        (ValueRef::Null, _)
            | (ValueRef::Bool(_), TypeDecl::Bool)
            | (ValueRef::Int(_), TypeDecl::Int)
            | (ValueRef::Decimal(_), TypeDecl::Decimal { .. })
            | (ValueRef::Float(_), TypeDecl::Float)
            | (ValueRef::Text(_), TypeDecl::Text { .. })
            | (ValueRef::Date(_), TypeDecl::Date)
            | (ValueRef::Time(_), TypeDecl::Time)
            | (ValueRef::LocalDateTime(_), TypeDecl::LocalDateTime)
            | (ValueRef::Instant(_), TypeDecl::Instant)
            | (ValueRef::Reference(_), TypeDecl::Reference)
    )
}

fn wrong_kind(value: ValueRef<'_>, to: TypeDecl) -> Trouble {
    let message = format!("a {} cannot become a value of type {}", value.kind(), to.name());
    Trouble::unmappable(value, message, "correct the declared type, or map the field with a function")
}

fn not_readable(value: ValueRef<'_>, to: TypeDecl, read: Option<&str>) -> Trouble {
    let spelling = match (to, read) {
        (_, Some(format)) => format!("written as {format}"),
        (TypeDecl::Bool, None) => "written true or false".to_owned(),
        (TypeDecl::Date, None) => "written like 2024-02-29".to_owned(),
        (TypeDecl::Time, None) => "written like 23:59:59".to_owned(),
        (TypeDecl::LocalDateTime, None) => "written like 2024-02-29T23:59:59".to_owned(),
        (TypeDecl::Instant, None) => "written like 2024-02-29T23:59:59Z".to_owned(),
        _ => "written in digits".to_owned(),
    };
    let message = format!("the text is not of type {} {spelling}", to.name());
    Trouble::unmappable(value, message, "correct the value, or declare the `format` it is written in")
}

fn float_of(value: ValueRef<'_>, decimal: &Decimal) -> Result<Value, Trouble> {
    let number = decimal.to_f64_lossy();
    // A float stands for the decimal that its shortest text gives; if that is another one, digits would be lost.
    if Decimal::from_f64_shortest(number).is_some_and(|back| back == *decimal) {
        return Ok(Value::Float(number));
    }
    let message = "the number has more digits than a floating point number keeps";
    Err(Trouble::does_not_fit(value, message, "round it, or map the field to a decimal"))
}

fn to_text(value: ValueRef<'_>, write: Option<&str>) -> Result<String, Trouble> {
    Ok(match value {
        ValueRef::Bool(truth) => truth.to_string(),
        ValueRef::Int(number) => number.to_string(),
        ValueRef::Decimal(decimal) => decimal.to_decimal().to_string(),
        ValueRef::Float(number) => match Decimal::from_f64_shortest(number) {
            Some(decimal) => decimal.to_string(),
            None => return Err(Trouble::unmappable(value, "infinite or not a number", "correct it")),
        },
        ValueRef::Date(date) => written(value, date.format(write.unwrap_or("%Y-%m-%d")))?,
        ValueRef::Time(time) => written(value, time.format(write.unwrap_or("%H:%M:%S%.f")))?,
        ValueRef::LocalDateTime(at) => written(value, at.format(write.unwrap_or("%Y-%m-%dT%H:%M:%S%.f")))?,
        ValueRef::Instant(at) => match write {
            Some(format) => written(value, at.utc.format(format))?,
            None => at.utc.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        },
        _ => return Err(wrong_kind(value, TypeDecl::TEXT)),
    })
}

/// Writing a date by a format is only known to fail when it is done.
fn written(value: ValueRef<'_>, shown: impl std::fmt::Display) -> Result<String, Trouble> {
    use std::fmt::Write as _;
    let mut text = String::new();
    match write!(text, "{shown}") {
        Ok(()) => Ok(text),
        Err(_) => Err(Trouble::unmappable(
            value,
            "the declared `format` asks for what the value does not have",
            "use only parts that the field's type has",
        )),
    }
}

fn of_text(text: &str, to: TypeDecl, read: Option<&str>) -> Option<Value> {
    match to {
        TypeDecl::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        TypeDecl::Int => text.parse().ok().map(Value::Int),
        TypeDecl::Decimal { .. } => text.parse().ok().map(Value::Decimal),
        TypeDecl::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        TypeDecl::Date => {
            let date = match read {
                Some(format) => NaiveDate::parse_from_str(text, format),
                None => text.parse(),
            };
            date.ok().map(Value::Date)
        }
        TypeDecl::Time => {
            let time = match read {
                Some(format) => NaiveTime::parse_from_str(text, format),
                None => text.parse(),
            };
            time.ok().map(Value::Time)
        }
        TypeDecl::LocalDateTime => {
            let at = match read {
                Some(format) => NaiveDateTime::parse_from_str(text, format),
                None => text.parse(),
            };
            at.ok().map(Value::LocalDateTime)
        }
        TypeDecl::Instant => {
            let at = match read {
                // A format without a zone is read as universal time, as it is written.
                Some(format) => DateTime::parse_from_str(text, format)
                    .map(|at| at.with_timezone(&Utc))
                    .or_else(|_| NaiveDateTime::parse_from_str(text, format).map(|at| at.and_utc())),
                None => DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)),
            };
            at.ok().map(|utc| Value::Instant(Instant::utc(utc)))
        }
        TypeDecl::Text { .. } | TypeDecl::Reference => None,
    }
}

/// Whether a format can be read back; said at compile time, with a probe.
pub(crate) fn format_is_valid(format: &str) -> bool {
    use chrono::format::{Item, StrftimeItems};
    !format.is_empty() && StrftimeItems::new(format).all(|item| !matches!(item, Item::Error))
}

/// The kinds a literal of a mapping may have where a type is declared; `None` where it is of none of them.
pub(crate) fn literal_as(value: &Value, to: TypeDecl) -> Option<Value> {
    match (value.kind(), to) {
        // A code such as 30 in a field of texts is the text 30; the digits are kept as they were written.
        (ValueKind::Int | ValueKind::Decimal | ValueKind::Bool, TypeDecl::Text { .. })
        | (ValueKind::Int, TypeDecl::Decimal { .. })
        | (ValueKind::Text, TypeDecl::Date | TypeDecl::Time | TypeDecl::LocalDateTime | TypeDecl::Instant) => {
            convert(value.as_ref(), to, None, None).ok()
        }
        _ => already(value.as_ref(), to).then(|| value.clone()),
    }
}
