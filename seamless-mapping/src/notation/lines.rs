//! Rules over lists of child records: `key` and `rules` below the sentence that names both lists.

use seamless_core::document::{Diagnostic, Node, Report};
use seamless_core::model::{FieldName, Sides};

use super::keys::Keys;
use super::rule::{RulePlaces, rule};
use super::sentence::{Operator, Sentence};
use super::value::Reader;
use crate::declaration::{LinesDecl, RuleDecl};

const EQUALS: &[Operator] = &[Operator::Equal];
const EXAMPLE: &str = "line_no = Line No.";

/// Reads `key` and `rules`. `None` where something was reported.
pub(crate) fn lines(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    places: &mut Vec<RulePlaces>,
) -> Option<LinesDecl> {
    let span = keys.fields.node().get("rules").map_or(keys.fields.node().span, |node| node.span);
    let said = keys.fields.node().get("key").is_some();
    let key = keys.take_as("key", |node| key(reader, node));
    if !said {
        let finding = Diagnostic::error("lines-key", span, "nothing says what tells the lines apart");
        let help = "write `key: line_no = Line No.` with fields that tell one line from another, or `key: none` where \
                    only what lines say does";
        keys.push(finding.help(help));
    }
    Some(LinesDecl { key: key.unwrap_or_default(), rules: rules(reader, keys, places)? })
}

/// Reads `rules`. `None` where there are none, or something was reported.
pub(crate) fn rules(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    places: &mut Vec<RulePlaces>,
) -> Option<Vec<RuleDecl>> {
    keys.take_with("rules", |document, node| {
        let items = node.as_sequence().map_err(|finding| finding.within(document))?;
        let mut report = Report::new();
        let mut rules = Vec::with_capacity(items.len());
        for read in items.iter().filter_map(|item| report.accept(rule(reader, item))) {
            rules.push(read.declared);
            places.push(read.places);
        }
        report.into_result().map(|()| rules)
    })
}

fn key(reader: &Reader<'_>, node: &Node) -> Result<Vec<Sides<FieldName>>, Diagnostic> {
    if node.text() == Some("none") {
        return Ok(Vec::new());
    }
    let Sentence { left, right, .. } = Sentence::parse(reader.document, node, EQUALS, EXAMPLE)?;
    if left.len() != right.len() {
        let message = format!("{} fields are compared with {}", left.len(), right.len());
        return Err(Diagnostic::error("match-width", node.span, message)
            .help("write as many fields on the left of `=` as on the right: `a + b = c + d`"));
    }
    let pairs = left.iter().zip(&right);
    pairs
        .map(|(left, right)| Ok(Sides::new(reader.word_field(node, left)?, reader.word_field(node, right)?)))
        .collect()
}
