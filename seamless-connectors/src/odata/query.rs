//! Addresses of readings from typed parts: what is selected, filtered, sorted. Pure. A filter that cannot be said exactly is
//! left out or made wider, never narrower.

use seamless_core::model::{Comparison, Condition, FieldName, RecordId, Value};

use super::literal::{encoded, literal, parts};
use super::set::{Set, Wire};

/// The options of a query, in order; values are not encoded yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    pub(super) fn new(select: String) -> Self {
        Self(vec![("$select", select)])
    }

    #[must_use]
    pub(super) fn with(mut self, option: &'static str, value: impl Into<String>) -> Self {
        self.0.push((option, value.into()));
        self
    }

    /// Adds a filter where there is one.
    #[must_use]
    pub(super) fn filtered(self, filter: Option<String>) -> Self {
        match filter {
            Some(filter) => self.with("$filter", filter),
            None => self,
        }
    }

    /// Adds what is read with each record, where there is something.
    #[must_use]
    pub(super) fn expanded(self, lists: Option<String>) -> Self {
        match lists {
            Some(lists) => self.with("$expand", lists),
            None => self,
        }
    }

    /// The address below the root.
    pub(super) fn of(&self, set: &Set) -> String {
        let options: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        match options.is_empty() {
            true => set.path.clone(),
            false => format!("{}?{}", set.path, options.join("&")),
        }
    }
}

/// The names of the key, as an order.
pub(super) fn key_order(set: &Set) -> String {
    set.key_columns().map(|column| column.field.name.as_str()).collect::<Vec<_>>().join(",")
}

/// `key > id`, part by part; `None` where the set cannot hold such a key.
pub(super) fn after(set: &Set, id: &RecordId) -> Option<String> {
    let literals = parts(set, id)?;
    let names: Vec<&str> = set.key_columns().map(|column| column.field.name.as_str()).collect();
    let mut alternatives = Vec::new();
    for place in 0..names.len() {
        let mut terms: Vec<String> =
            names.iter().zip(&literals).take(place).map(|(name, text)| format!("{name} eq {text}")).collect();
        terms.push(format!("{} gt {}", names.get(place)?, literals.get(place)?));
        alternatives.push(terms.join(" and "));
    }
    Some(match alternatives.as_slice() {
        [one] => one.clone(),
        several => several.iter().map(|term| format!("({term})")).collect::<Vec<_>>().join(" or "),
    })
}

/// The record with this id; `None` where the set cannot hold such a key.
pub(super) fn is(set: &Set, id: &RecordId) -> Option<String> {
    let literals = parts(set, id)?;
    let names = set.key_columns().map(|column| column.field.name.as_str());
    Some(
        names.zip(literals).map(|(name, text)| format!("{name} eq {text}")).collect::<Vec<_>>().join(" and "),
    )
}

/// Records whose fields have these values.
///
/// Errors: words for why a column cannot be searched.
pub(super) fn holds(set: &Set, places: &[usize], values: &[Value]) -> Result<String, String> {
    let mut terms = Vec::new();
    for (place, value) in places.iter().zip(values) {
        let column = set.columns.get(*place).ok_or("there is no such column")?;
        terms.push(format!("{} eq {}", column.field.name, literal(column, value.as_ref())?));
    }
    Ok(terms.join(" and "))
}

/// Both of two filters.
pub(super) fn both(one: Option<String>, two: Option<String>) -> Option<String> {
    match (one, two) {
        (Some(one), Some(two)) => Some(format!("({one}) and ({two})")),
        (one, two) => one.or(two),
    }
}

/// A condition as a filter that lets through what satisfies it, and perhaps more; `None` where nothing can be said.
pub(super) fn filter(set: &Set, condition: &Condition) -> Option<String> {
    match condition {
        Condition::Always | Condition::Not(_) => None,
        Condition::All(inner) => {
            inner.iter().filter_map(|one| filter(set, one)).fold(None, |all, one| both(all, Some(one)))
        }
        Condition::Any(inner) => {
            let terms: Option<Vec<String>> = inner.iter().map(|one| filter(set, one)).collect();
            terms.filter(|terms| !terms.is_empty()).map(|terms| any(&terms))
        }
        Condition::OneOf { field, values } => {
            let terms: Option<Vec<String>> =
                values.iter().map(|value| compared(set, field, Comparison::Equal, value)).collect();
            terms.filter(|terms| !terms.is_empty()).map(|terms| any(&terms))
        }
        Condition::Compare { field, is, value } => compared(set, field, *is, value),
        Condition::Blank(field) => {
            let (_, column) = set.column(field.as_str())?;
            let name = &column.field.name;
            Some(match column.wire {
                Wire::Text => format!("({name} eq null or {name} eq '')"),
                Wire::Bytes | Wire::Flags(_) | Wire::List(_) => return None,
                _ => format!("{name} eq null"),
            })
        }
    }
}

fn any(terms: &[String]) -> String {
    terms.iter().map(|term| format!("({term})")).collect::<Vec<_>>().join(" or ")
}

fn compared(set: &Set, field: &FieldName, is: Comparison, value: &Value) -> Option<String> {
    let (_, column) = set.column(field.as_str())?;
    let ordered = matches!(column.wire, Wire::Int(..) | Wire::Decimal | Wire::Date);
    let operator = match is {
        Comparison::Equal => "eq",
        // What is not equal to a text in capitals depends on the server's collation, which may let through less.
        Comparison::NotEqual => return None,
        Comparison::Less if ordered => "lt",
        Comparison::LessOrEqual if ordered => "le",
        Comparison::Greater if ordered => "gt",
        Comparison::GreaterOrEqual if ordered => "ge",
        _ => return None,
    };
    // A moment is left out: services keep other digits of a second than we write.
    if matches!(column.wire, Wire::Instant(_) | Wire::Time | Wire::Float) || matches!(value, Value::Null) {
        return None;
    }
    let literal = literal(column, value.as_ref()).ok()?;
    Some(format!("{} {operator} {literal}", column.field.name))
}
