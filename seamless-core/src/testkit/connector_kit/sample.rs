//! Values to write: made from the schema, a different one for every number where the field allows it; and whether a value
//! that was read is one that the field can hold. Pure; knows no connector.

use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};

use crate::model::{Decimal, Field, FieldKind, Instant, OptionSet, SetValue, Value, ValueRef};

/// A value for a field; `None` where only the author can know one.
pub(super) fn sample(field: &Field, namespace: &str, number: u64) -> Option<Value> {
    let small = i64::try_from(number % 1_000_000_000).unwrap_or(0);
    let day = || NaiveDate::from_ymd_opt(2024, 1, 1)?.checked_add_days(Days::new(number % 10_000));
    let noon = || NaiveTime::from_hms_opt(12, u32::try_from(number % 60).ok()?, 7);
    Some(match &field.kind {
        FieldKind::Bool => Value::Bool(number.is_multiple_of(2)),
        FieldKind::Int => Value::Int(small),
        FieldKind::Decimal { precision, scale } => {
            let scale = scale.unwrap_or(2).min(2);
            let digits = precision.unwrap_or(9).min(9);
            let bound = 10_i64.checked_pow(digits)?.max(2);
            Value::Decimal(Decimal::new(small % bound, u8::try_from(scale).ok()?))
        }
        FieldKind::Float => Value::Float(f64::from(u32::try_from(small).ok()?) + 0.5),
        FieldKind::Text { length_max } => text_sample(namespace, number, length_max.map(|max| max as usize)),
        FieldKind::Date => Value::Date(day()?),
        FieldKind::Time => Value::Time(noon()?),
        FieldKind::LocalDateTime => Value::LocalDateTime(day()?.and_time(noon()?)),
        FieldKind::Instant => Value::Instant(Instant::utc(
            day()?.and_time(noon()?).and_utc().checked_add_signed(TimeDelta::zero())?,
        )),
        FieldKind::Bytes { length_max } => {
            let bytes = number.to_be_bytes();
            let kept = length_max.map_or(bytes.len(), |max| bytes.len().min(max as usize));
            Value::Bytes(Arc::from(bytes.get(bytes.len() - kept..)?))
        }
        FieldKind::Option { options } => option(options, number)?,
        FieldKind::Set { options } => Value::Set(SetValue::new([option(options, number)?])),
        FieldKind::Reference { .. } | FieldKind::List { .. } => return None,
    })
}

fn option(options: &OptionSet, number: u64) -> Option<Value> {
    let active: Vec<&Value> =
        options.options.iter().filter(|option| option.active).map(|option| &option.value).collect();
    let place = usize::try_from(number).ok()?.checked_rem(active.len())?;
    active.get(place).map(|value| (*value).clone())
}

/// Where space is short the number counts, not the namespace.
fn text_sample(namespace: &str, number: u64, length_max: Option<usize>) -> Value {
    let long = format!("{namespace} {number}");
    match length_max {
        Some(max) if long.chars().count() > max => {
            let digits = number.to_string();
            Value::text(digits.get(digits.len().saturating_sub(max)..).unwrap_or_default())
        }
        _ => Value::text(&long),
    }
}

/// Why a value cannot be one of this field; `None` where it can.
pub(super) fn misfit(field: &Field, value: ValueRef<'_>) -> Option<String> {
    let kind = &field.kind;
    let fits = match (kind, value) {
        (_, ValueRef::Null)
        | (FieldKind::Bool, ValueRef::Bool(_))
        | (FieldKind::Int, ValueRef::Int(_))
        | (FieldKind::Decimal { .. }, ValueRef::Int(_))
        | (FieldKind::Float, ValueRef::Float(_))
        | (FieldKind::Date, ValueRef::Date(_))
        | (FieldKind::Time, ValueRef::Time(_))
        | (FieldKind::LocalDateTime, ValueRef::LocalDateTime(_))
        | (FieldKind::Instant, ValueRef::Instant(_))
        | (FieldKind::Set { .. }, ValueRef::Set(_))
        | (FieldKind::Reference { .. }, ValueRef::Reference(_))
        | (FieldKind::List { .. }, ValueRef::List(_))
        | (FieldKind::Option { .. }, ValueRef::Int(_) | ValueRef::Text(_)) => true,
        (FieldKind::Decimal { precision, scale }, ValueRef::Decimal(decimal)) => match precision {
            Some(precision) => {
                decimal.to_decimal().fits(*precision, scale.unwrap_or(*precision).min(*precision))
            }
            None => true,
        },
        (FieldKind::Text { length_max }, ValueRef::Text(text)) => {
            length_max.is_none_or(|max| text.chars().count() <= max as usize)
        }
        (FieldKind::Bytes { length_max }, ValueRef::Bytes(bytes)) => {
            length_max.is_none_or(|max| bytes.len() <= max as usize)
        }
        _ => false,
    };
    (!fits).then(|| format!("{} holds a {} where the schema says {kind:?}", field.name, value.kind()))
}

/// A value of a kind that the field cannot hold.
pub(super) fn wrong_kind(field: &Field) -> Value {
    match field.kind {
        FieldKind::Text { .. } | FieldKind::Option { .. } => Value::Bool(true),
        _ => Value::text("not a value of this field"),
    }
}

#[cfg(test)]
mod tests {
    use super::{misfit, sample, wrong_kind};
    use crate::model::{Field, FieldKind, OptionItem, OptionSet, Value};

    #[test]
    fn samples_fit_their_fields_and_differ_from_number_to_number() {
        let option = |value| OptionItem { value: Value::Int(value), label: None, active: true };
        let options = OptionSet { options: vec![option(1), option(2)], closed: true };
        for kind in [
            FieldKind::Bool,
            FieldKind::Int,
            FieldKind::Decimal { precision: Some(3), scale: Some(2) },
            FieldKind::Decimal { precision: None, scale: None },
            FieldKind::Float,
            FieldKind::Text { length_max: Some(2) },
            FieldKind::Text { length_max: None },
            FieldKind::Date,
            FieldKind::Time,
            FieldKind::LocalDateTime,
            FieldKind::Instant,
            FieldKind::Bytes { length_max: Some(4) },
            FieldKind::Option { options: options.clone() },
            FieldKind::Set { options },
        ] {
            let field = Field::new("f", kind);
            let [one, two] = [7, 8].map(|number| sample(&field, "kit", number).unwrap());
            assert_ne!(one, two, "{field:?}");
            for value in [&one, &two] {
                assert_eq!(misfit(&field, value.as_ref()), None);
            }
            assert!(misfit(&field, wrong_kind(&field).as_ref()).is_some(), "{field:?}");
        }
    }
}
