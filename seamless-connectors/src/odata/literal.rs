//! Values in addresses: literals of the query language, keys in parentheses, and what is percent-encoded. Everything that
//! comes from a value goes through here; nothing is put into an address as it is. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use seamless_core::model::{KeyPart, RecordId, ValueRef};

use super::set::{Column, Set, Wire};
use super::values::{guid, key_part_of_text};
use crate::iso::{four_digit_year, instant, instant_text, no_leap};

/// What is sent as it is. A blank becomes `%20` and never `+`, which only forms take for one.
const KEPT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'(')
    .remove(b')')
    .remove(b'\'')
    .remove(b',')
    .remove(b'$')
    .remove(b':')
    .remove(b'=');

/// A text as it stands in a part of a path, or as the value of a query option.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &KEPT).to_string()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A value as a literal, not encoded.
///
/// Errors: words for why a column cannot be compared with it.
pub(super) fn literal(column: &Column, value: ValueRef<'_>) -> Result<String, String> {
    Ok(match (&column.wire, value) {
        (_, ValueRef::Null) => "null".to_owned(),
        (Wire::Bool, ValueRef::Bool(value)) => value.to_string(),
        (Wire::Int(..), ValueRef::Int(number)) => number.to_string(),
        (Wire::Decimal, ValueRef::Int(number)) => number.to_string(),
        (Wire::Decimal, ValueRef::Decimal(number)) => number.to_decimal().to_string(),
        (Wire::Text, ValueRef::Text(text)) => quoted(text),
        (Wire::Guid, ValueRef::Text(text)) => guid(text).ok_or("the text is no GUID")?,
        (Wire::Date, ValueRef::Date(day)) => four_digit_year(day)?.to_string(),
        (Wire::Time, ValueRef::Time(time)) => no_leap(time)?.format("%H:%M:%S%.f").to_string(),
        (Wire::Instant(_), ValueRef::Instant(at)) => instant_text(at)?,
        (Wire::Enum(name), ValueRef::Text(member)) => format!("{name}{}", quoted(member)),
        (_, ValueRef::Reference(reference)) => match reference.id.parts().as_slice() {
            [one] => part(&column.wire, one).ok_or("the key of the record referred to does not fit")?,
            _ => return Err("the record referred to has a key of several parts".to_owned()),
        },
        (_, other) => return Err(format!("a {} cannot be searched for", other.kind())),
    })
}

/// A part of a key as a literal, not encoded; `None` where a column cannot hold it.
pub(super) fn part(wire: &Wire, part: &KeyPart) -> Option<String> {
    match (wire, part) {
        (Wire::Int(min, max), KeyPart::Int(key)) => (min..=max).contains(&key).then(|| key.to_string()),
        (Wire::Text, KeyPart::Text(key)) => Some(quoted(key)),
        (Wire::Enum(name), KeyPart::Text(key)) => Some(format!("{name}{}", quoted(key))),
        (_, KeyPart::Text(key)) => match key_part_of_text(wire, key)? {
            KeyPart::Text(key) => Some(key.to_string()),
            KeyPart::Int(_) => None,
        },
        _ => None,
    }
}

/// The literals of a record's key, not encoded; `None` where the set cannot hold such a key.
pub(super) fn parts(set: &Set, id: &RecordId) -> Option<Vec<String>> {
    let parts = id.parts();
    if parts.len() != set.key.len() {
        return None;
    }
    set.key_columns().zip(&parts).map(|(column, key)| part(&column.wire, key)).collect()
}

/// The address of a record below the root, encoded; `None` where the set cannot hold such a key.
pub(super) fn address(set: &Set, id: &RecordId) -> Option<String> {
    let parts = parts(set, id)?;
    let key = match parts.as_slice() {
        [one] => one.clone(),
        several => {
            let named = set.key_columns().zip(several);
            named.map(|(column, text)| format!("{}={text}", column.field.name)).collect::<Vec<_>>().join(",")
        }
    };
    Some(format!("{}({})", set.path, encoded(&key)))
}

/// The id of a record by its address, as an answer names it: `https://a.example/Accounts(11..)`. `None` where it is no
/// address of a record of the set.
pub(super) fn id_of_address(set: &Set, address: &str) -> Option<RecordId> {
    let address = percent_decode_str(address).decode_utf8().ok()?;
    // A key can have anything in it, so the end is looked for from behind and the beginning from the set's name.
    let begin = address.find(&format!("{}(", set.name)).map(|at| at + set.name.as_str().len() + 1);
    let inner = address.strip_suffix(')')?.get(begin?..)?;
    let parts = match set.key.as_slice() {
        [_] => {
            let column = set.key_columns().next()?;
            let named = format!("{}=", column.field.name);
            vec![of_literal(&column.wire, inner.strip_prefix(&named).unwrap_or(inner))?]
        }
        _ => {
            let pieces = split(inner);
            let piece = |column: &Column| {
                let named = format!("{}=", column.field.name);
                of_literal(&column.wire, pieces.iter().find_map(|piece| piece.strip_prefix(&named))?)
            };
            set.key_columns().map(piece).collect::<Option<Vec<_>>>()?
        }
    };
    Some(RecordId::of_parts(&parts))
}

/// Pieces between commas that stand in no quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut pieces, mut from, mut inside) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => inside = !inside,
            b',' if !inside => {
                pieces.push(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(text.get(from..).unwrap_or_default());
    pieces
}

fn of_literal(wire: &Wire, text: &str) -> Option<KeyPart> {
    match wire {
        Wire::Text | Wire::Enum(_) => {
            let begin = text.find('\'')?;
            let inner = text.get(begin + 1..)?.strip_suffix('\'')?;
            Some(KeyPart::Text(inner.replace("''", "'").into()))
        }
        wire => key_part_of_text(wire, text),
    }
}

/// Whether a text is a moment as a literal: what is put back into an address as it came must be one.
pub(super) fn is_moment(text: &str) -> bool {
    instant(text.as_bytes()).is_some()
}
