//! Fields from header cells: `Credit Limit (LCY):decimal(18,2) required`. The door is [`header_field`].

use seamless_core::model::{Field, FieldKind};

use crate::declared::kind;

/// A header cell as a field, and whether it is part of the key. A cell without a kind that is known is a text field
/// with the whole cell as its name.
pub(crate) fn header_field(cell: &str) -> (Field, bool) {
    typed(cell).unwrap_or_else(|| (Field::new(cell, FieldKind::Text { length_max: None }), false))
}

/// Whether a header cell ends in the middle of `:decimal(18,2)`: the comma there divides cells, too.
#[cfg(feature = "csv")]
pub(crate) fn cut_kind(cell: &str) -> bool {
    cell.rsplit_once(":decimal(").is_some_and(|(_, rest)| !rest.contains(')'))
}

fn typed(cell: &str) -> Option<(Field, bool)> {
    let (name, rest) = cell.rsplit_once(':')?;
    let (declared, words) = match rest.find(')') {
        Some(end) => rest.split_at_checked(end + 1)?,
        None => rest.split_once(' ').unwrap_or((rest, "")),
    };
    let mut field = Field::new(name, kind(declared.trim())?);
    let mut key = false;
    for word in words.split_whitespace() {
        match word {
            "key" => {
                key = true;
                field.required = true;
            }
            "required" => field.required = true,
            _ => return None,
        }
    }
    Some((field, key))
}

#[cfg(test)]
mod tests {
    use super::header_field;
    use seamless_core::model::FieldKind;

    #[test]
    fn header_cells_are_fields_and_names_may_hold_anything() {
        let table = [
            ("Name", "Name", FieldKind::Text { length_max: None }, false),
            ("No.:text(20) key", "No.", FieldKind::Text { length_max: Some(20) }, true),
            ("a:b:int", "a:b", FieldKind::Int, false),
            ("time 12:30", "time 12:30", FieldKind::Text { length_max: None }, false),
            (
                "x:decimal(18, 2) required",
                "x",
                FieldKind::Decimal { precision: Some(18), scale: Some(2) },
                false,
            ),
            ("x:text(", "x:text(", FieldKind::Text { length_max: None }, false),
            ("x:int maybe", "x:int maybe", FieldKind::Text { length_max: None }, false),
        ];
        for (cell, name, kind, key) in table {
            let (field, is_key) = header_field(cell);
            assert_eq!((field.name.as_str(), &field.kind, is_key), (name, &kind, key), "{cell}");
        }
    }
}
