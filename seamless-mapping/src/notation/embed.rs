//! Rules that embed one row of a list: `embed`, `where`, `several`, `make`, `if_blank` and `rules` below the sentence that names the
//! fields and the list.

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node};
use seamless_core::model::{Condition, FieldName, Several, Side, Sides, Value};

use super::condition::condition;
use super::keys::Keys;
use super::lines::rules;
use super::policy::{PerSide, per_side, unknown_word};
use super::rule::RulePlaces;
use super::sentence::names;
use super::value::Reader;
use crate::declaration::{EmbedDecl, IfBlank};

const EXAMPLE: &str = "Street + City";

/// Reads the keys of a rule that embeds. `None` where something was reported.
pub(crate) fn embed(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    places: &mut Vec<RulePlaces>,
) -> Option<EmbedDecl> {
    let row = keys.take_with("embed", |document, node| {
        match per_side(reader, node, |node| fields(reader, node))? {
            PerSide::Both(fields) => Ok((None, fields)),
            PerSide::Each(Sides { left: Some(fields), right: None }) => Ok((Some(Side::Left), fields)),
            PerSide::Each(Sides { left: None, right: Some(fields) }) => Ok((Some(Side::Right), fields)),
            PerSide::Each(_) => {
                let message = "the row is on one side, this names both";
                Err(Diagnostic::error("which-side", node.span, message).within(document))
            }
        }
    });
    let condition = keys.take_as("where", |node| condition(reader, node));
    let several = keys.take_as("several", |node| several(reader, node));
    let make = keys.take_with("make", |document, node| make(reader, document, node));
    let if_blank = keys.take_as("if_blank", if_blank);
    let rules = rules(reader, keys, places);
    let (list, fields) = row?;
    Some(EmbedDecl {
        list,
        fields,
        condition: condition.unwrap_or(Condition::Always),
        several: several.unwrap_or(Several::Park),
        make: make.unwrap_or_default(),
        if_blank: if_blank.unwrap_or(IfBlank::Leave),
        rules: rules.unwrap_or_default(),
    })
}

fn fields(reader: &Reader<'_>, node: &Node) -> Result<Vec<FieldName>, Diagnostic> {
    names(reader.document, node, EXAMPLE)?.iter().map(|word| reader.word_field(node, word)).collect()
}

/// `park`, `{ lowest: FIELD }`.
fn several(reader: &Reader<'_>, node: &Node) -> Result<Several, Diagnostic> {
    if let Ok([(key, field)]) = node.as_mapping()
        && key.text() == Some("lowest")
    {
        return reader.text(field).map(|field| Several::Lowest(field.into()));
    }
    match node.text() {
        Some("park") => Ok(Several::Park),
        _ => Err(unknown_word(node, "policy for several rows", &["park", "{ lowest: FIELD }"])),
    }
}

fn make(
    reader: &Reader<'_>,
    document: &Document,
    node: &Node,
) -> Result<Vec<(FieldName, Value)>, Diagnostics> {
    let entries = node.as_mapping().map_err(|finding| finding.within(document))?;
    let one = |(field, value): &(Node, Node)| {
        let name = FieldName::from(reader.text(field)?);
        Ok((name, reader.value(value)?))
    };
    entries.iter().map(one).collect::<Result<_, Diagnostic>>().map_err(|finding| finding.within(document))
}

fn if_blank(node: &Node) -> Result<IfBlank, Diagnostic> {
    match node.text() {
        Some("leave") => Ok(IfBlank::Leave),
        Some("delete") => Ok(IfBlank::Delete),
        Some("blank") => Ok(IfBlank::Blank),
        _ => Err(unknown_word(node, "policy for blank fields", &["leave", "delete", "blank"])),
    }
}
