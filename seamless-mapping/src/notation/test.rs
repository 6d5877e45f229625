//! The `tests` of a link: a record in, values out.
//!
//! The door is [`test`].

use seamless_core::document::{Diagnostic, Diagnostics, Literal, Node, NodeKind, ScalarStyle};
use seamless_core::model::{FieldName, KeyPart, LinkId, RecordId, Side, Slot, Value};

use super::keys::{Keys, TEST};
use super::policy::unknown_word;
use super::value::Reader;
use crate::declaration::{Expected, TestDecl};

/// What stands between the parts of a key.
const PARTS: &str = " + ";

/// Reads one test.
pub(crate) fn test(reader: &Reader<'_>, node: &Node) -> Result<TestDecl, Diagnostics> {
    let mut keys = Keys::of(reader.document, node, TEST)?;
    let name = keys.require_as("name", Node::as_str).map(str::to_owned);
    let to = keys.require_as("to", |node| side(reader, node));
    let record = keys.require_as("record", |node| fields(reader, node));
    let current = keys.take_as("current", |node| fields(reader, node));
    let creating = keys.take_as("creating", Node::as_bool).unwrap_or(current.is_none());
    let partners = keys.take_as("partners", partners).unwrap_or_default();
    let expect = keys.require_as("expect", |node| expected(reader, node));
    let read = name.zip(to).zip(record.zip(expect)).map(|((name, to), (record, expect))| TestDecl {
        name,
        to,
        record,
        current: current.unwrap_or_default(),
        creating,
        partners,
        expect,
    });
    keys.finish_with(read)
}

fn side(reader: &Reader<'_>, node: &Node) -> Result<Side, Diagnostic> {
    let found = Side::BOTH.into_iter().find(|side| node.text() == Some(*reader.sides.of(*side)));
    found.ok_or_else(|| unknown_word(node, "side", &[reader.sides.left, reader.sides.right]))
}

pub(super) fn fields(reader: &Reader<'_>, node: &Node) -> Result<Vec<(FieldName, Slot)>, Diagnostic> {
    node.entries()?.map(|entry| Ok((reader.text(entry.key)?.into(), reader.slot(entry.value)?))).collect()
}

fn expected(reader: &Reader<'_>, node: &Node) -> Result<Vec<(FieldName, Expected)>, Diagnostic> {
    let one = |node: &Node| {
        let plain = matches!(&node.kind, NodeKind::Scalar { style: ScalarStyle::Plain, .. });
        match node.text().filter(|_| plain) {
            Some("park") => Ok(Expected::Parks),
            Some("untouched") => Ok(Expected::Untouched),
            _ => reader.slot(node).map(Expected::Holds),
        }
    };
    node.entries()?.map(|entry| Ok((reader.text(entry.key)?.into(), one(entry.value)?))).collect()
}

/// `{ contacts: { c1: K001 } }`: the record c1 of the giving side has the partner K001.
pub(super) fn partners(node: &Node) -> Result<Vec<(LinkId, RecordId, RecordId)>, Diagnostic> {
    let mut partners = Vec::new();
    for link in node.entries()? {
        for pair in link.value.entries()? {
            partners.push((LinkId::from(link.name), record_id(pair.key)?, record_id(pair.value)?));
        }
    }
    Ok(partners)
}

/// A whole number without quotes is a key of that kind, everything else is text. The parts of a key are joined by ` + `; a part
/// in quotes is text.
fn record_id(node: &Node) -> Result<RecordId, Diagnostic> {
    let text = node.text().unwrap_or_default();
    if text.contains(PARTS) {
        return Ok(RecordId::of_parts(&text.split(PARTS).map(part).collect::<Vec<_>>()));
    }
    Ok(match node.as_literal()? {
        Literal::Number(digits) => match digits.parse() {
            Ok(key) => RecordId::int(key),
            Err(_) => RecordId::text(digits),
        },
        _ => RecordId::text(node.as_str()?),
    })
}

fn part(text: &str) -> KeyPart {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match (quoted, text.parse()) {
        (None, Ok(number)) => KeyPart::Int(number),
        (quoted, _) => KeyPart::Text(quoted.unwrap_or(text).into()),
    }
}

/// The key of a record as a test writes it, for comparing with a reference.
pub(crate) fn key_value(id: &RecordId) -> Value {
    match (id.as_int(), id.as_text()) {
        (Some(key), _) => Value::Int(key),
        (None, Some(key)) => Value::Text(key),
        (None, None) => Value::text(&id.to_string()),
    }
}
