//! A table of values: option sets that differ, states made of several fields.
//!
//! Domain: the values that a line of the table leads away from. Of several lines with the same value on one side only
//! one leads away from it, which is checked when the mapping is compiled: that one is the representative. A target
//! that already means the source's value keeps its own (`h91_many_to_one_keeps_what_was_there`).

use seamless_core::model::{CanonicalForm, DecimalRef, Side, Sides, Value, ValueRef};

use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{OptionKey, OptionRow, OptionsDecl, UnknownPolicy};

/// Lines of a table at most: they are looked through one after the other. More of them are records, and a `lookup`.
pub(crate) const ROWS_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Options {
    rows: Vec<OptionRow>,
    /// When two values of a field count as the same, per field.
    forms: Sides<Vec<CanonicalForm>>,
    unknown: Sides<UnknownPolicy>,
    lossless: bool,
    /// Whether all values of a side that lead to the other lead to different ones.
    one_to_one: Sides<bool>,
}

impl Options {
    pub(crate) fn new(declared: &OptionsDecl, forms: Sides<Vec<CanonicalForm>>) -> Self {
        let both_ways = declared
            .rows
            .iter()
            .all(|row| row.direction.allows(Side::Left) && row.direction.allows(Side::Right));
        let parks = |policy: &UnknownPolicy| *policy == UnknownPolicy::Park;
        let lossless = both_ways && parks(&declared.unknown.left) && parks(&declared.unknown.right);
        let one_to_one = |side: Side| {
            let made = declared.rows.iter().filter(|row| row.direction.allows(side.other()));
            let made: Vec<_> = made.map(|row| row.values.of(side.other())).collect();
            made.iter().enumerate().all(|(at, values)| !made.iter().take(at).any(|other| other == values))
        };
        let one_to_one = Sides::new(one_to_one(Side::Left), one_to_one(Side::Right));
        Self { rows: declared.rows.clone(), forms, unknown: declared.unknown.clone(), lossless, one_to_one }
    }
}

impl OptionKey {
    /// Whether a field holds it, in the form in which the field's values are compared.
    pub(crate) fn holds(&self, value: ValueRef<'_>, form: &CanonicalForm) -> bool {
        match self {
            OptionKey::Blank => value.is_blank(),
            OptionKey::Is(wanted) => match (wanted, value) {
                // A column of a database may give a code as 1.0 that people write 1.
                (Value::Int(wanted), ValueRef::Decimal(decimal)) => is_whole(decimal, *wanted),
                _ => form.same(wanted.as_ref(), value),
            },
        }
    }

    fn lent(&self) -> ValueRef<'_> {
        match self {
            OptionKey::Blank => ValueRef::Null,
            OptionKey::Is(value) => value.as_ref(),
        }
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            OptionKey::Blank => Value::Null,
            OptionKey::Is(value) => value.clone(),
        }
    }
}

fn is_whole(decimal: DecimalRef<'_>, wanted: i64) -> bool {
    decimal.to_decimal().to_i64_exact() == Some(wanted)
}

impl std::fmt::Display for OptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OptionKey::Blank => f.write_str("blank"),
            OptionKey::Is(value) => write!(f, "{value}"),
        }
    }
}

impl Carrier for Options {
    fn carries(&self, to: Side) -> bool {
        self.rows.iter().any(|row| row.direction.allows(to))
    }

    fn lossless(&self) -> bool {
        self.lossless
    }

    fn wipes_out(&self, to: Side) -> bool {
        let stands_for_unknown = matches!(self.unknown.of(to.other()), UnknownPolicy::Use(_));
        *self.one_to_one.of(to) && !stands_for_unknown && *self.unknown.of(to) != UnknownPolicy::Keep
    }

    fn lend<'v>(&'v self, to: Side, values: &[ValueRef<'v>], _: &'v mut String) -> Option<ValueRef<'v>> {
        match (self.row(to, values).map(|row| row.values.of(to).as_slice()), self.unknown.of(to)) {
            (Some([key]), _) => Some(key.lent()),
            (None, UnknownPolicy::Use(value)) => Some(value.as_ref()),
            _ => None,
        }
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], _cx: &Making<'_>) -> Result<Made, Trouble> {
        let from = to.other();
        if let Some(row) = self.row(to, values) {
            return Ok(match row.values.of(to).as_slice() {
                [key] => Made::One(Cell::known(key.to_value())),
                keys => Made::Many(keys.iter().map(|key| Cell::known(key.to_value())).collect()),
            });
        }
        match self.unknown.of(to) {
            UnknownPolicy::Use(value) => Ok(Made::One(Cell::known(value.clone()))),
            UnknownPolicy::Keep => Ok(self.kept(to)),
            UnknownPolicy::Park => Err(self.unknown(from, values)),
        }
    }
}

impl Options {
    /// The line that leads from these values to a side.
    fn row(&self, to: Side, values: &[ValueRef<'_>]) -> Option<&OptionRow> {
        let from = to.other();
        let forms = self.forms.of(from);
        self.rows.iter().filter(|row| row.direction.allows(to)).find(|row| {
            let keys = row.values.of(from);
            keys.len() == values.len()
                && keys.iter().zip(values).zip(forms).all(|((key, value), form)| key.holds(*value, form))
        })
    }

    fn kept(&self, to: Side) -> Made {
        let width = self.rows.first().map_or(1, |row| row.values.of(to).len());
        Made::Many(vec![Cell::Keep; width])
    }

    fn unknown(&self, from: Side, values: &[ValueRef<'_>]) -> Trouble {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        let other_kind = self.rows.iter().any(|row| {
            row.values.of(from).iter().zip(values).any(|(key, value)| match key {
                OptionKey::Is(wanted) => {
                    written(wanted.as_ref()) == written(*value) && wanted.as_ref() != *value
                }
                OptionKey::Blank => false,
            })
        });
        let message = match values {
            [] => "nothing to look up in the table".to_owned(),
            [value] if value.is_blank() => "blank is not in the table".to_owned(),
            [value] => format!("the value {value} is not in the table"),
            values => {
                let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
                format!("the combination {} is not in the table", shown.join(", "))
            }
        };
        let remedy = if other_kind {
            "the table has it as another kind: put texts in quotes, or declare `types`".to_owned()
        } else if value.is_blank() {
            "add `blank <-> blank` to the table, or say what `unknown` means".to_owned()
        } else {
            "add it to the table, or say what `unknown` means".to_owned()
        };
        Trouble::unmappable(value, message, remedy)
    }
}

fn written(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => text.to_owned(),
        other => other.to_string(),
    }
}
