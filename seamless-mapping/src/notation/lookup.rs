//! Rules that translate references: `lookup`, `if_missing` and `if_blank` below the sentence.

use seamless_core::document::{Diagnostic, Node};
use seamless_core::mapper::Direction;
use seamless_core::model::{EntityName, FieldName, Side, Sides};

use super::keys::Keys;
use super::policy::{PerSide, per_side, unknown_word};
use super::rule::{for_target, used};
use super::value::Reader;
use crate::declaration::{BlankReference, IfMissing, LookupDecl, LookupThrough, LookupVia};

/// Reads the keys of a rule that looks up. `None` where something was reported.
pub(super) fn lookup(reader: &Reader<'_>, keys: &mut Keys<'_>, direction: Direction) -> Option<LookupDecl> {
    let via = keys.take_with("lookup", |document, node| {
        let read = || {
            if let Ok(links) = node.as_sequence() {
                let links = links.iter().map(|link| Ok(link.as_str()?.into()));
                return Ok(LookupVia::AnyOf(links.collect::<Result<_, Diagnostic>>()?));
            }
            let Ok(entries) = node.as_mapping() else {
                return Ok(LookupVia::Link(node.as_str()?.into()));
            };
            if let [(key, by)] = entries
                && key.text() == Some("by")
                && by.is_mapping()
            {
                return by_field(reader, by).map(LookupVia::ByField);
            }
            let entities = entries.iter().map(|(entity, through)| {
                let through = match through.text() {
                    Some("keep") => LookupThrough::Keep,
                    // YAML's nothing is the word `null` here.
                    Some("null") => LookupThrough::Null,
                    _ => LookupThrough::Link(through.as_str()?.into()),
                };
                Ok((EntityName::from(entity.text().unwrap_or("")), through))
            });
            Ok(LookupVia::ByEntity(entities.collect::<Result<_, Diagnostic>>()?))
        };
        read().map_err(|finding: Diagnostic| finding.within(document))
    });
    let if_missing = keys.take_with("if_missing", |document, node| {
        let read = per_side(reader, node, |node| if_missing(reader, node))?;
        match read {
            PerSide::Both(policy) if !matches!(policy, IfMissing::Use(_)) => {
                Ok(Sides::new(Some(policy.clone()), Some(policy)))
            }
            read => for_target(reader, document, node, "if_missing", direction, read),
        }
    });
    let if_missing = if_missing.unwrap_or_default().map(|policy| policy.unwrap_or(IfMissing::Later));
    let if_blank = keys.take_with("if_blank", |document, node| {
        let read = per_side(reader, node, |node| if_blank(reader, node))?;
        match read {
            PerSide::Both(policy) if !matches!(policy, BlankReference::Use(_)) => {
                Ok(Sides::new(Some(policy.clone()), Some(policy)))
            }
            read => for_target(reader, document, node, "if_blank", direction, read),
        }
    });
    let if_blank = if_blank.unwrap_or_default().map(|policy| policy.unwrap_or(BlankReference::Clear));
    Some(LookupDecl { via: via?, if_missing, if_blank })
}

/// `clear`, `keep`, `{ use: KEY }`.
fn if_blank(reader: &Reader<'_>, node: &Node) -> Result<BlankReference, Diagnostic> {
    if let Some(value) = used(node) {
        return reader.value(value).map(BlankReference::Use);
    }
    match node.text() {
        Some("clear") => Ok(BlankReference::Clear),
        Some("keep") => Ok(BlankReference::Keep),
        _ => Err(unknown_word(node, "policy for blank references", &["clear", "keep", "{ use: KEY }"])),
    }
}

/// `{ crm: systemuser.internalemailaddress, erp: Salesperson.E-Mail }`. An entity ends at the first dot.
fn by_field(reader: &Reader<'_>, node: &Node) -> Result<Sides<Option<(EntityName, FieldName)>>, Diagnostic> {
    let mut by = Sides::new(None, None);
    for entry in node.entries()? {
        let named = Side::BOTH.into_iter().find(|side| entry.key.text() == Some(*reader.sides.of(*side)));
        let Some(side) = named else {
            return Err(unknown_word(entry.key, "side", &[reader.sides.left, reader.sides.right]));
        };
        let text = reader.text(entry.value)?;
        let parts = text.split_once('.').filter(|(entity, field)| !entity.is_empty() && !field.is_empty());
        let Some((entity, field)) = parts else {
            let help = "write the entity, a dot and the field: `systemuser.internalemailaddress`";
            return Err(entry.value.refused("a field of an entity").help(help));
        };
        *by.of_mut(side) = Some((EntityName::from(entity), FieldName::from(field)));
    }
    Ok(by)
}

/// `later`, `null`, `park`, `{ use: VALUE }`. YAML's nothing is the word `null` here.
fn if_missing(reader: &Reader<'_>, node: &Node) -> Result<IfMissing, Diagnostic> {
    if let Some(value) = used(node) {
        return reader.value(value).map(IfMissing::Use);
    }
    match node.text() {
        Some("later") => Ok(IfMissing::Later),
        Some("null") => Ok(IfMissing::Null),
        Some("park") => Ok(IfMissing::Park),
        _ => Err(unknown_word(
            node,
            "policy for missing partners",
            &["later", "null", "park", "{ use: VALUE }"],
        )),
    }
}
