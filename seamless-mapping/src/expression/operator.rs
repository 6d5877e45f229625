//! What operators make of values. Nothing beside a text counts as no text, nothing beside a number gives nothing.

use std::cmp::Ordering;

use seamless_core::model::{Comparison, Decimal, Value};

use super::{Arithmetic, Problem, TEXT_BYTES_MAX};

/// A number, exactly.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(number) => Some(Decimal::from_i64(*number)),
        Value::Decimal(decimal) => Some(decimal.clone()),
        _ => None,
    }
}

/// A number as a value: whole ones that came from whole numbers stay whole.
fn of_number(decimal: Decimal, whole: bool) -> Value {
    match decimal.to_i64_exact().filter(|_| whole) {
        Some(number) => Value::Int(number),
        None => Value::Decimal(decimal),
    }
}

pub(super) fn too_large() -> Problem {
    Problem::new("the number has more digits than a decimal can have", "round on the way")
}

pub(super) fn too_long() -> Problem {
    Problem::new(
        format!("the text would have more than {TEXT_BYTES_MAX} bytes"),
        "cut the field first, with `left`",
    )
}

pub(super) fn arithmetic(left: Value, how: Arithmetic, right: Value) -> Result<Value, Problem> {
    if how == Arithmetic::Plus && (matches!(left, Value::Text(_)) || matches!(right, Value::Text(_))) {
        return joined(&left, &right);
    }
    if left.is_blank() || right.is_blank() {
        return Ok(Value::Null);
    }
    let whole = matches!((&left, &right), (Value::Int(_), Value::Int(_)));
    let (Some(a), Some(b)) = (number(&left), number(&right)) else {
        let other = if number(&left).is_none() { left } else { right };
        return Err(Problem::new(
            format!("a {} is no number", other.kind()),
            "make one of it with `number`, or a text with `text`",
        ));
    };
    let made = match how {
        Arithmetic::Plus => a.checked_add(&b),
        Arithmetic::Minus => a.checked_sub(&b),
        Arithmetic::Times => a.checked_mul(&b),
    };
    made.map(|made| of_number(made, whole)).ok_or_else(too_large)
}

fn joined(left: &Value, right: &Value) -> Result<Value, Problem> {
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.to_string()),
        Value::Null => Ok(String::new()),
        other => Err(Problem::new(
            format!("a {} is put behind a text", other.kind()),
            "make a text of it with `text`",
        )),
    };
    let (mut left, right) = (text(left)?, text(right)?);
    if left.len() + right.len() > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    left.push_str(&right);
    Ok(Value::Text(left.into()))
}

pub(super) fn negative(value: &Value) -> Result<Value, Problem> {
    match value {
        Value::Null => Ok(Value::Null),
        Value::Int(number) => Ok(of_number(Decimal::from_i64(*number).negated(), true)),
        Value::Decimal(decimal) => Ok(Value::Decimal(decimal.negated())),
        other => {
            Err(Problem::new(format!("a {} has no sign", other.kind()), "make a number of it with `number`"))
        }
    }
}

/// Whether two values are equal; numbers by what they are worth, nothing and no text alike.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (number(left), number(right)) {
        (Some(a), Some(b)) => a == b,
        _ => left == right || (left.is_blank() && right.is_blank()),
    }
}

/// Nothing is neither less nor greater than anything.
pub(super) fn compare(left: &Value, is: Comparison, right: &Value) -> Result<bool, Problem> {
    match is {
        Comparison::Equal => return Ok(equal(left, right)),
        Comparison::NotEqual => return Ok(!equal(left, right)),
        Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {}
    }
    if left.is_blank() || right.is_blank() {
        return Ok(false);
    }
    let order: Ordering = match (number(left), number(right)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ if left.kind() == right.kind() => left.total_cmp(right),
        _ => {
            let message = format!("a {} is not compared with a {}", left.kind(), right.kind());
            return Err(Problem::new(message, "bring both to one kind, with `number`, `text` or `date`"));
        }
    };
    Ok(match is {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal | Comparison::NotEqual => false,
    })
}
