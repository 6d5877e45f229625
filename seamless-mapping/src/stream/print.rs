//! Values as JSON, put behind what is there already. Knows no lines.

use std::io::Write as _;

use seamless_core::model::{KeyPart, ValueRef};

use super::scan::plain;
use crate::declaration::TypeDecl;
use crate::rules::convert::convert;

/// Puts a value behind `out`. `None` where JSON has no spelling for it here: bytes, lists of records, keys of several parts,
/// a date whose year has no four digits.
pub(super) fn value(value: ValueRef<'_>, out: &mut Vec<u8>) -> Option<()> {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Bool(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
        ValueRef::Int(number) => write!(out, "{number}").ok()?,
        ValueRef::Decimal(decimal) => write!(out, "{}", decimal.to_decimal()).ok()?,
        ValueRef::Float(number) if number.is_finite() => write!(out, "{number}").ok()?,
        ValueRef::Text(characters) => text(characters, out),
        ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::LocalDateTime(_) | ValueRef::Instant(_) => {
            let written = convert(value, TypeDecl::TEXT, None, None).ok()?;
            text(written.as_ref().as_text()?, out);
        }
        ValueRef::Set(set) => {
            out.push(b'[');
            for (place, member) in set.members().iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                self::value(member.as_ref(), out)?;
            }
            out.push(b']');
        }
        ValueRef::Reference(reference) => match reference.id.parts().as_slice() {
            [KeyPart::Int(key)] => write!(out, "{key}").ok()?,
            [KeyPart::Text(key)] => text(key, out),
            _ => return None,
        },
        ValueRef::Float(_) | ValueRef::Bytes(_) | ValueRef::List(_) => return None,
    }
    Some(())
}

/// Puts a text in double quotes behind `out`.
pub(super) fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, from) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some(byte) = from.first().copied() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                // Written into a vector, which does not fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = from.get(1..).unwrap_or_default();
    }
    out.push(b'"');
}
