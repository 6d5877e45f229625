//! What operators make of values. Nothing beside a text counts as no text, nothing beside a number gives nothing.

use std::cmp::Ordering;

use seamless_core::model::{Comparison, Decimal, Value, ValueRef};

use super::{Arithmetic, Problem, TEXT_BYTES_MAX, Worth};

/// A number, exactly.
pub(super) fn number(value: ValueRef<'_>) -> Option<Decimal> {
    match value {
        ValueRef::Int(number) => Some(Decimal::from_i64(number)),
        ValueRef::Decimal(decimal) => Some(decimal.to_decimal()),
        _ => None,
    }
}

/// A number as a value: whole ones that came from whole numbers stay whole.
fn of_number(decimal: Decimal, whole: bool) -> Worth<'static> {
    match decimal.to_i64_exact().filter(|_| whole) {
        Some(number) => Worth::Lent(ValueRef::Int(number)),
        None => Worth::Made(Value::Decimal(decimal)),
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

pub(super) fn arithmetic(
    left: Worth<'_>,
    how: Arithmetic,
    right: ValueRef<'_>,
) -> Result<Worth<'static>, Problem> {
    let of_texts = matches!(left.as_ref(), ValueRef::Text(_)) || matches!(right, ValueRef::Text(_));
    if how == Arithmetic::Plus && of_texts {
        return joined(left, right);
    }
    let left = left.as_ref();
    if left.is_blank() || right.is_blank() {
        return Ok(Worth::Lent(ValueRef::Null));
    }
    let whole = matches!((left, right), (ValueRef::Int(_), ValueRef::Int(_)));
    let (Some(a), Some(b)) = (number(left), number(right)) else {
        let other = if number(left).is_none() { left } else { right };
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

/// A text that was made by the expression grows in place.
fn joined(left: Worth<'_>, right: ValueRef<'_>) -> Result<Worth<'static>, Problem> {
    fn text(value: ValueRef<'_>) -> Result<&str, Problem> {
        match value {
            ValueRef::Text(text) => Ok(text),
            ValueRef::Null => Ok(""),
            other => Err(Problem::new(
                format!("a {} is put behind a text", other.kind()),
                "make a text of it with `text`",
            )),
        }
    }
    let (before, right) = (text(left.as_ref())?, text(right)?);
    if before.len() + right.len() > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    Ok(Worth::Text(match left {
        Worth::Text(mut left) => {
            left.push_str(right);
            left
        }
        left => [text(left.as_ref())?, right].concat(),
    }))
}

pub(super) fn negative(value: ValueRef<'_>) -> Result<Worth<'static>, Problem> {
    match value {
        ValueRef::Null => Ok(Worth::Lent(ValueRef::Null)),
        ValueRef::Int(number) => Ok(of_number(Decimal::from_i64(number).negated(), true)),
        ValueRef::Decimal(decimal) => Ok(Worth::Made(Value::Decimal(decimal.to_decimal().negated()))),
        other => {
            Err(Problem::new(format!("a {} has no sign", other.kind()), "make a number of it with `number`"))
        }
    }
}

/// Whether two values are equal; numbers by what they are worth, nothing and no text alike.
pub(super) fn equal(left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    match (number(left), number(right)) {
        (Some(a), Some(b)) => a == b,
        _ => left == right || (left.is_blank() && right.is_blank()),
    }
}

/// Nothing is neither less nor greater than anything.
pub(super) fn compare(left: ValueRef<'_>, is: Comparison, right: ValueRef<'_>) -> Result<bool, Problem> {
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
        _ if left.kind() == right.kind() => left.to_value().total_cmp(&right.to_value()),
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
