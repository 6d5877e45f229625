//! A cell, and a row of cells as the raw record that versions are made of and that is handed from reading to writing. Knows no
//! XML and no fields. The doors are [`line()`] and [`cells`].
//!
//! A row is a JSON array from column A on: `null` is a cell without anything; texts, numbers and yes/no are themselves;
//! `{"d":..}` is a number with the format of a day or time, `{"i":..}` a day as text, `{"e":..}` an error, `{"m":0}` a merged
//! cell that is not the first; what a formula gave stands in an array of its own. A row without anything is an empty line.

use std::fmt::Write as _;

use serde_json::value::RawValue;

/// Rows and columns that Excel has.
pub(super) const ROWS_MAX: u32 = 1_048_576;
pub(super) const COLUMNS_MAX: u32 = 16_384;

/// What a cell holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Held {
    #[default]
    Nothing,
    Text(String),
    Number(f64),
    /// A number with the format of a day or a time.
    Day(f64),
    /// A day or time as text: cells of the type `d`.
    Iso(String),
    Bool(bool),
    Error(String),
    /// Merged with a cell to the left or above, which shows for this one too.
    Merged,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    pub(super) held: Held,
    /// Whether a formula worked it out.
    pub(super) formula: bool,
}

impl Cell {
    pub(super) fn of(held: Held) -> Self {
        Self { held, formula: false }
    }

    fn is_blank(&self) -> bool {
        self.held == Held::Nothing && !self.formula
    }
}

/// `B7`: a column counted from 0, a row from 1.
pub(super) fn address(column: usize, row: u64) -> String {
    format!("{}{row}", column_name(column))
}

/// `B`
pub(super) fn column_name(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).unwrap_or_default()));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// Column (from 0) and row (from 1) of `B7`; `None` for what Excel does not have.
pub(super) fn place(address: &str) -> Option<(u32, u32)> {
    let address = address.trim_matches('$');
    let digits = address.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = address.split_at_checked(digits)?;
    let letters = letters.trim_end_matches('$');
    let column = letters.bytes().try_fold(0u32, |sum, letter| match letter {
        b'A'..=b'Z' => sum.checked_mul(26)?.checked_add(u32::from(letter - b'A') + 1),
        _ => None,
    })?;
    let row: u32 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
    let fits = (1..=COLUMNS_MAX).contains(&column) && (1..=ROWS_MAX).contains(&row);
    fits.then(|| (column - 1, row))
}

/// A range `B7:C9` of cells, or one cell: columns from 0, rows from 1, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) first: (u32, u32),
    pub(super) last: (u32, u32),
}

impl Area {
    pub(super) fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        Some(Self { first: place(first)?, last: place(last)? })
    }

    pub(super) fn has(&self, column: u32, row: u32) -> bool {
        (self.first.0..=self.last.0).contains(&column) && (self.first.1..=self.last.1).contains(&row)
    }
}

impl std::fmt::Display for Area {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |(column, row): (u32, u32)| address(column as usize, u64::from(row));
        write!(f, "{}:{}", end(self.first), end(self.last))
    }
}

/// A row as a line, without its end.
pub(super) fn line(cells: &[Cell]) -> String {
    let last = cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1);
    let cells = cells.get(..last).unwrap_or_default();
    if cells.is_empty() {
        return String::new();
    }
    let mut line = String::from("[");
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            line.push(',');
        }
        if cell.formula {
            line.push('[');
        }
        // Writing to a string cannot fail, nor can a text be no JSON.
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let _ = match &cell.held {
            Held::Nothing => write!(line, "null"),
            Held::Text(text) => write!(line, "{}", quoted(text)),
            Held::Number(number) => write!(line, "{}", shortest(*number)),
            Held::Day(number) => write!(line, "{{\"d\":{}}}", shortest(*number)),
            Held::Iso(text) => write!(line, "{{\"i\":{}}}", quoted(text)),
            Held::Bool(yes) => write!(line, "{yes}"),
            Held::Error(text) => write!(line, "{{\"e\":{}}}", quoted(text)),
            Held::Merged => write!(line, "{{\"m\":0}}"),
        };
        if cell.formula {
            line.push(']');
        }
    }
    line.push(']');
    line
}

/// The shortest text that reads back as the number.
pub(super) fn shortest(number: f64) -> String {
    // With an exponent where it is shorter: JSON and Excel read both.
    let (plain, exponent) = (format!("{number}"), format!("{number:e}"));
    if plain.len() <= exponent.len() + 4 { plain } else { exponent }
}

/// The cells of a line. Numbers are read from their text, since a JSON reader may round them.
pub(super) fn cells(line: &str) -> Option<Vec<Cell>> {
    let items: Vec<&RawValue> = serde_json::from_str(line).ok()?;
    items.into_iter().map(|item| cell(item.get())).collect()
}

fn cell(json: &str) -> Option<Cell> {
    if let Some(inner) = json.strip_prefix('[') {
        return Some(Cell { held: held(inner.strip_suffix(']')?)?, formula: true });
    }
    Some(Cell::of(held(json)?))
}

fn held(json: &str) -> Option<Held> {
    let text = |json: &str| serde_json::from_str::<String>(json).ok();
    Some(match json.as_bytes().first()? {
        b'n' => Held::Nothing,
        b't' | b'f' => Held::Bool(json == "true"),
        b'"' => Held::Text(text(json)?),
        b'{' => {
            let (name, value) = json.strip_prefix('{')?.strip_suffix('}')?.split_once(':')?;
            match name {
                "\"d\"" => Held::Day(value.parse().ok()?),
                "\"i\"" => Held::Iso(text(value)?),
                "\"e\"" => Held::Error(text(value)?),
                "\"m\"" => Held::Merged,
                _ => return None,
            }
        }
        _ => Held::Number(json.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    use super::{Area, Cell, Held, address, cells, line, place};

    fn any_cell() -> impl Strategy<Value = Cell> {
        let number = any::<f64>().prop_filter("a number", |number| number.is_finite());
        let held = prop_oneof![
            Just(Held::Nothing),
            ".{0,9}".prop_map(Held::Text),
            number.clone().prop_map(Held::Number),
            number.prop_map(Held::Day),
            ".{0,9}".prop_map(Held::Iso),
            any::<bool>().prop_map(Held::Bool),
            ".{0,9}".prop_map(Held::Error),
            Just(Held::Merged),
        ];
        (held, any::<bool>()).prop_map(|(held, formula)| Cell { held, formula })
    }

    proptest! {
        #[test]
        fn a_row_reads_back_to_the_bit(row in proptest::collection::vec(any_cell(), 0..6)) {
            let text = line(&row);
            prop_assert!(!text.contains(['\n', '\r']));
            let mut read = if text.is_empty() { Vec::new() } else { cells(&text).unwrap() };
            read.resize(row.len(), Cell::default());
            prop_assert_eq!(read, row);
        }

        #[test]
        fn an_address_reads_back(column in 0u32..16_384, row in 1u32..1_048_577) {
            prop_assert_eq!(place(&address(column as usize, u64::from(row))), Some((column, row)));
        }
    }

    #[test]
    fn addresses_are_those_that_excel_has() {
        assert_eq!(
            (address(0, 1), address(26, 7), address(16_383, 1)),
            ("A1".into(), "AA7".into(), "XFD1".into())
        );
        for wrong in ["", "A", "7", "A0", "XFE1", "A1048577", "a1", "A+1", "A1B", "ZZZZZZZZZ1"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
        let area = Area::read("$B$2:C4").unwrap();
        assert!(area.has(1, 2) && area.has(2, 4) && !area.has(0, 2) && !area.has(1, 5));
        assert_eq!(area.to_string(), "B2:C4");
    }
}
