//! Conditions over the fields of a record, compiled. A scope, a read query and a rule all speak this.
//!
//! Three answers: in, out, unknown. Unknown (a field that was not read or not allowed to be read decides) never
//! counts as out: nothing leaves a scope because it could not be seen. The grammar in files is the mapping
//! crate's; this is the tree that it compiles to. Depth is bounded by [`DEPTH_MAX`] so that neither evaluation nor
//! drop can exhaust the stack.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::identity::{FieldName, RecordId};
use super::record::Record;
use super::value::{Presence, Value, ValueRef};

/// Nesting of a condition at most.
pub const DEPTH_MAX: usize = 64;

/// A condition over a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Holds for every record.
    Always,
    /// A field compared with a value.
    Compare {
        /// The field.
        field: FieldName,
        /// How.
        is: Comparison,
        /// With what.
        value: Value,
    },
    /// A field is one of these values.
    OneOf {
        /// The field.
        field: FieldName,
        /// The values.
        values: Vec<Value>,
    },
    /// A field is null or empty text.
    Blank(FieldName),
    /// The opposite.
    Not(Box<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
    /// One of these holds.
    Any(Vec<Condition>),
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

/// What a condition says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    In,
    /// It does not hold.
    Out,
    /// A field that decides is absent or unreadable, or cannot be compared.
    Unknown,
}

impl Truth {
    fn of(holds: bool) -> Self {
        if holds { Truth::In } else { Truth::Out }
    }

    fn not(self) -> Self {
        match self {
            Truth::In => Truth::Out,
            Truth::Out => Truth::In,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl Condition {
    /// What the condition says of a record.
    pub fn holds(&self, record: &Record) -> Truth {
        match self {
            Condition::Always => Truth::In,
            Condition::Compare { field, is, value } => match record.field(field.as_str()) {
                Presence::Value(held) => compare(held, *is, value.as_ref()),
                Presence::Absent | Presence::Unreadable => Truth::Unknown,
            },
            Condition::OneOf { field, values } => match record.field(field.as_str()) {
                Presence::Value(held) => Truth::of(values.iter().any(|value| equal(held, value.as_ref()))),
                Presence::Absent | Presence::Unreadable => Truth::Unknown,
            },
            Condition::Blank(field) => match record.field(field.as_str()) {
                Presence::Value(held) => Truth::of(held.is_blank()),
                Presence::Absent | Presence::Unreadable => Truth::Unknown,
            },
            Condition::Not(inner) => inner.holds(record).not(),
            Condition::All(parts) => fold(parts, record, Truth::Out, Truth::In),
            Condition::Any(parts) => fold(parts, record, Truth::In, Truth::Out),
        }
    }

    /// The fields that decide, without repetition, in order of appearance.
    pub fn fields(&self) -> Vec<FieldName> {
        let mut fields = Vec::new();
        self.collect_fields(&mut fields);
        fields
    }

    /// What fields hold whenever the condition holds, as far as it says so by itself: a comparison with `==`, a list of
    /// one value, a blank field, and those of such that are joined by `and`. A field that is said to hold two different
    /// values stands there twice.
    pub fn equalities(&self) -> Vec<(FieldName, Value)> {
        let mut said: Vec<(FieldName, Value)> = Vec::new();
        let mut add = |field: &FieldName, value: &Value| {
            if !said.iter().any(|(known, held)| known == field && held == value) {
                said.push((field.clone(), value.clone()));
            }
        };
        match self {
            Condition::Compare { field, is: Comparison::Equal, value } => add(field, value),
            Condition::OneOf { field, values } if values.len() == 1 => {
                values.iter().for_each(|value| add(field, value));
            }
            Condition::Blank(field) => add(field, &Value::Null),
            Condition::All(parts) => {
                let each = parts.iter().flat_map(Condition::equalities);
                each.for_each(|(field, value)| add(&field, &value));
            }
            _ => {}
        }
        said
    }

    /// How deep the condition is nested; a reader refuses more than [`DEPTH_MAX`].
    pub fn depth(&self) -> usize {
        match self {
            Condition::Always | Condition::Compare { .. } | Condition::OneOf { .. } | Condition::Blank(_) => {
                1
            }
            Condition::Not(inner) => 1 + inner.depth(),
            Condition::All(parts) | Condition::Any(parts) => {
                1 + parts.iter().map(Condition::depth).max().unwrap_or(0)
            }
        }
    }

    fn collect_fields(&self, fields: &mut Vec<FieldName>) {
        match self {
            Condition::Always => {}
            Condition::Compare { field, .. } | Condition::OneOf { field, .. } | Condition::Blank(field) => {
                if !fields.contains(field) {
                    fields.push(field.clone());
                }
            }
            Condition::Not(inner) => inner.collect_fields(fields),
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.collect_fields(fields));
            }
        }
    }
}

/// `decisive` ends the fold at once, unknown beats `otherwise`.
fn fold(parts: &[Condition], record: &Record, decisive: Truth, otherwise: Truth) -> Truth {
    let mut result = otherwise;
    for part in parts {
        match part.holds(record) {
            truth if truth == decisive => return decisive,
            Truth::Unknown => result = Truth::Unknown,
            _ => {}
        }
    }
    result
}

fn equal(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    a == b || numbers(a, b).is_some_and(std::cmp::Ordering::is_eq) || refers(a, b)
}

/// Whether a reference points at the record of a plain key: what a condition can write of a record is its key.
fn refers(held: ValueRef<'_>, key: ValueRef<'_>) -> bool {
    let ValueRef::Reference(reference) = held else { return false };
    match key {
        ValueRef::Int(key) => reference.id == RecordId::int(key),
        ValueRef::Text(key) => reference.id == RecordId::text(key),
        _ => false,
    }
}

fn compare(held: ValueRef<'_>, is: Comparison, value: ValueRef<'_>) -> Truth {
    match is {
        Comparison::Equal => return Truth::of(equal(held, value)),
        Comparison::NotEqual => return Truth::of(!equal(held, value)),
        _ => {}
    }
    let order = match (held.kind() == value.kind(), held) {
        // Nothing is neither less nor greater than something.
        (_, ValueRef::Null) => return Truth::Out,
        (true, _) => Some(held.to_value().total_cmp(&value.to_value())),
        (false, _) => numbers(held, value),
    };
    let Some(order) = order else { return Truth::Unknown };
    Truth::of(match is {
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Equal | Comparison::NotEqual => false,
    })
}

/// The order of two numbers of different kinds, exactly.
fn numbers(a: ValueRef<'_>, b: ValueRef<'_>) -> Option<std::cmp::Ordering> {
    let number = |value: ValueRef<'_>| match value {
        ValueRef::Int(number) => Some(super::decimal::Decimal::from_i64(number)),
        ValueRef::Decimal(decimal) => Some(decimal.to_decimal()),
        _ => None,
    };
    Some(number(a)?.cmp(&number(b)?))
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, parts: &[Condition], word: &str| {
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    write!(f, " {word} ")?;
                }
                write!(f, "({part})")?;
            }
            Ok(())
        };
        match self {
            Condition::Always => f.write_str("always"),
            Condition::Compare { field, is, value } => write!(f, "{field} {is} {value}"),
            Condition::OneOf { field, values } => {
                write!(f, "{field} in [")?;
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Condition::Blank(field) => write!(f, "blank({field})"),
            Condition::Not(inner) => write!(f, "not ({inner})"),
            Condition::All(parts) => list(f, parts, "and"),
            Condition::Any(parts) => list(f, parts, "or"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Condition, Truth};
    use crate::model::identity::RecordId;
    use crate::model::record::{Shape, record};
    use crate::model::value::{Reference, Slot, Value};

    fn compare(field: &str, is: Comparison, value: Value) -> Condition {
        Condition::Compare { field: field.into(), is, value }
    }

    #[test]
    fn what_a_condition_says_of_fields_is_what_they_hold_whenever_it_holds() {
        let equal = |field, value| compare(field, Comparison::Equal, Value::Int(value));
        let one = Condition::OneOf { field: "b".into(), values: vec![Value::Int(2)] };
        let both = Condition::All(vec![equal("a", 1), one, Condition::Blank("c".into()), equal("a", 1)]);
        let expected = [("a".into(), Value::Int(1)), ("b".into(), Value::Int(2)), ("c".into(), Value::Null)];
        assert_eq!(both.equalities(), expected);
        assert_eq!(Condition::Any(vec![equal("a", 1), equal("b", 2)]).equalities(), []);
        assert_eq!(Condition::Not(Box::new(equal("a", 1))).equalities(), []);
        assert_eq!(Condition::All(vec![equal("a", 1), equal("a", 2)]).equalities().len(), 2);
    }

    /// A record says whose it is by a reference; a condition can only write the key of what it points at.
    #[test]
    fn a_reference_is_compared_by_the_key_of_what_it_points_at() {
        let shape = Shape::new(["house".into(), "plant".into(), "none".into()]).unwrap();
        let to = |id| Value::Reference(Reference { entity: "company".into(), id }.into());
        let fields = [
            ("house".into(), Slot::Value(to(RecordId::text("h1")))),
            ("plant".into(), Slot::Value(to(RecordId::int(7)))),
            ("none".into(), Slot::Value(Value::Null)),
        ];
        let row = record(&shape, fields).unwrap();
        let table = [
            (compare("house", Comparison::Equal, Value::text("h1")), Truth::In),
            (compare("house", Comparison::Equal, Value::text("h2")), Truth::Out),
            (compare("house", Comparison::NotEqual, Value::text("h1")), Truth::Out),
            (compare("plant", Comparison::Equal, Value::Int(7)), Truth::In),
            (compare("plant", Comparison::Equal, Value::text("7")), Truth::Out),
            (
                Condition::OneOf { field: "plant".into(), values: vec![Value::Int(6), Value::Int(7)] },
                Truth::In,
            ),
            (compare("none", Comparison::Equal, Value::text("h1")), Truth::Out),
        ];
        for (condition, expected) in table {
            assert_eq!(condition.holds(&row), expected, "{condition}");
        }
    }

    #[test]
    fn what_was_not_read_is_unknown_and_never_out() {
        let shape = Shape::new(["a".into(), "b".into(), "c".into()]).unwrap();
        let row = record(&shape, [("a".into(), Slot::Value(Value::Int(3))), ("c".into(), Slot::Unreadable)])
            .unwrap();
        let a3 = compare("a", Comparison::Equal, Value::Int(3));
        let b1 = compare("b", Comparison::Equal, Value::Int(1));
        let table = [
            (a3.clone(), Truth::In),
            (b1.clone(), Truth::Unknown),
            (Condition::Not(Box::new(b1.clone())), Truth::Unknown),
            (Condition::All(vec![a3.clone(), b1.clone()]), Truth::Unknown),
            (Condition::All(vec![Condition::Not(Box::new(a3.clone())), b1.clone()]), Truth::Out),
            (Condition::Any(vec![a3.clone(), b1.clone()]), Truth::In),
            (Condition::Blank("c".into()), Truth::Unknown),
            (compare("a", Comparison::Less, Value::Decimal("3.5".parse().unwrap())), Truth::In),
            (compare("a", Comparison::Less, Value::text("x")), Truth::Unknown),
        ];
        for (condition, expected) in table {
            assert_eq!(condition.holds(&row), expected, "{condition}");
        }
    }
}
