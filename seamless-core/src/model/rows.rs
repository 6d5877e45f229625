//! One row of a list of child records, chosen by a condition: which one it is, and what counts of it. Part of
//! [`super::canon`]. The door is [`RowForm::choose`].

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::canon::CanonicalForm;
use super::condition::{Condition, Truth};
use super::identity::FieldName;
use super::record::Record;
use super::value::{Presence, Value};

/// Which row is meant where several fit the condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// None: a person decides. Loses time.
    Park,
    /// The one with the lowest value of this field; none where several share it, or all are blank. Never looks at the
    /// others.
    Lowest(FieldName),
}

/// What counts of a list of which one row is meant: the fields of that row that are carried, each in its form. Other
/// rows and other fields mean nothing. A row without a value in any of the fields is as good as none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowForm {
    /// Which rows fit.
    pub condition: Condition,
    /// Which of several that fit.
    pub several: Several,
    /// The fields that are carried, each with its form.
    pub fields: Vec<(FieldName, CanonicalForm)>,
}

/// The row of a list that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// No row fits.
    Nothing,
    /// The row at this place.
    Row(usize),
    /// So many fit, and none of them is the one.
    Several(usize),
    /// Whether the row at this place fits cannot be told: a field that decides was not said.
    Unknown(usize),
}

const CHOSEN: u8 = 0;
const UNDECIDED: u8 = 1;

impl RowForm {
    /// The row of a list that is meant. Cost: the condition once per row.
    pub fn choose(&self, rows: &[Record]) -> Choice {
        let mut fitting: Vec<usize> = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            match self.condition.holds(row) {
                Truth::In => fitting.push(place),
                Truth::Out => {}
                Truth::Unknown => return Choice::Unknown(place),
            }
        }
        match (fitting.as_slice(), &self.several) {
            ([], _) => Choice::Nothing,
            ([one], _) => Choice::Row(*one),
            (several, Several::Park) => Choice::Several(several.len()),
            (several, Several::Lowest(field)) => lowest(rows, several, field),
        }
    }

    /// The canonical form of a list; `None` where it cannot be told which row is meant, so that the list stays as it is.
    pub(super) fn apply(&self, rows: &[Record]) -> Option<Value> {
        let mut bytes = Vec::new();
        match self.choose(rows) {
            Choice::Nothing => return Some(Value::Null),
            Choice::Row(place) => {
                let row = rows.get(place)?;
                if self.is_blank(row) {
                    return Some(Value::Null);
                }
                bytes.push(CHOSEN);
                self.write(row, &mut bytes);
            }
            Choice::Several(_) => {
                // None is meant, so all of them count, in whatever order they come.
                let mut written: Vec<Vec<u8>> = Vec::new();
                for row in rows.iter().filter(|row| self.condition.holds(row) == Truth::In) {
                    let mut bytes = Vec::new();
                    self.write(row, &mut bytes);
                    written.push(bytes);
                }
                written.sort();
                bytes.push(UNDECIDED);
                for row in written {
                    bytes.extend_from_slice(&(row.len() as u64).to_le_bytes());
                    bytes.extend_from_slice(&row);
                }
            }
            Choice::Unknown(_) => return None,
        }
        // Of another kind than a list, so that what was made is not taken for a list of rows again.
        Some(Value::Bytes(bytes.into()))
    }

    /// Whether a row says nothing in the fields that are carried.
    pub fn is_blank(&self, row: &Record) -> bool {
        self.fields.iter().all(|(field, form)| match row.field(field.as_str()) {
            Presence::Value(value) => form.apply(value).is_blank(),
            Presence::Absent => true,
            Presence::Unreadable => false,
        })
    }

    fn write(&self, row: &Record, bytes: &mut Vec<u8>) {
        for (field, form) in &self.fields {
            let value = match row.field(field.as_str()) {
                Presence::Value(value) => Some(form.apply(value)),
                Presence::Absent => Some(Value::Null),
                Presence::Unreadable => None,
            };
            match value {
                // Blank is one thing here: nearly every rule writes blank text as nothing.
                Some(value) if value.is_blank() => bytes.push(0),
                Some(value) => {
                    bytes.push(1);
                    value.as_ref().write_canonical(bytes);
                }
                None => bytes.push(2),
            }
        }
    }
}

fn lowest(rows: &[Record], fitting: &[usize], field: &FieldName) -> Choice {
    let valued = |place: &usize| {
        let value = rows.get(*place)?.field(field.as_str()).value().filter(|value| !value.is_blank())?;
        Some((value.to_value(), *place))
    };
    let mut valued: Vec<(Value, usize)> = fitting.iter().filter_map(valued).collect();
    valued.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    match valued.as_slice() {
        [] => Choice::Several(fitting.len()),
        [(first, _), (second, _), ..] if first.total_cmp(second).is_eq() => Choice::Several(fitting.len()),
        [(_, place), ..] => Choice::Row(*place),
    }
}

impl Eq for RowForm {}

impl Hash for RowForm {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.several.hash(state);
        self.fields.hash(state);
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
