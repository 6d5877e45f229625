//! Paths of a link: per side a name for each, and the references on the way with the field at the end.

use seamless_core::document::{Diagnostic, Diagnostics, Node};
use seamless_core::model::{EntityName, FieldName, Sides};

use super::policy::{PerSide, per_side};
use super::sentence::{Operator, Sentence, has_operator};
use super::value::Reader;
use crate::declaration::PathDecl;

const TO: &[Operator] = &[Operator::Right];
const EXAMPLE: &str = "customer -> account";
const WHOLE: &str = "price currency: [customer -> account, pricelist -> pricelevel, currency]";

/// Reads `paths`.
pub(crate) fn paths(reader: &Reader<'_>, node: &Node) -> Result<Sides<Vec<PathDecl>>, Diagnostics> {
    match per_side(reader, node, |node| of_side(reader, node))? {
        PerSide::Each(each) => Ok(each.map(Option::unwrap_or_default)),
        PerSide::Both(_) => {
            let Sides { left, right } = reader.sides;
            let finding =
                Diagnostic::error("which-side", node.span, "`paths` does not say which side it speaks of");
            let help = format!("write `{left}: ..` or `{right}: ..` below it");
            Err(finding.help(help).within(reader.document))
        }
    }
}

/// Paths by name; below the name of a list those of its lines.
fn of_side(reader: &Reader<'_>, node: &Node) -> Result<Vec<PathDecl>, Diagnostic> {
    let mut paths = Vec::new();
    for entry in node.entries().map_err(|finding| finding.help(format!("write it like `{WHOLE}`")))? {
        let name = FieldName::from(reader.text(entry.key)?);
        if entry.value.is_mapping() {
            for line in entry.value.entries()? {
                let of_line = FieldName::from(reader.text(line.key)?);
                paths.push(path(reader, of_line, Some(name.clone()), line.value)?);
            }
        } else {
            paths.push(path(reader, name, None, entry.value)?);
        }
    }
    Ok(paths)
}

fn path(
    reader: &Reader<'_>,
    name: FieldName,
    list: Option<FieldName>,
    node: &Node,
) -> Result<PathDecl, Diagnostic> {
    let like = |finding: Diagnostic| finding.help(format!("write it like `{WHOLE}`"));
    let items = node.as_sequence().map_err(like)?;
    let Some((last, steps)) = items.split_last().filter(|(_, steps)| !steps.is_empty()) else {
        let finding =
            Diagnostic::error("path-short", node.span, "a path has references and a field at its end");
        return Err(like(finding));
    };
    if last.text().is_some_and(|text| has_operator(text, TO)) {
        let message = "the last part of a path is the field that is read";
        return Err(like(Diagnostic::error("path-end", last.span, message)));
    }
    let steps = steps.iter().map(|item| step(reader, item)).collect::<Result<_, _>>()?;
    Ok(PathDecl { name, list, steps, field: reader.text(last)?.into() })
}

/// `customer -> account`, or `customer` where the schema says what it points at.
fn step(reader: &Reader<'_>, node: &Node) -> Result<(FieldName, Option<EntityName>), Diagnostic> {
    if !node.text().is_some_and(|text| has_operator(text, TO)) {
        return Ok((reader.text(node)?.into(), None));
    }
    let Sentence { left, right, .. } = Sentence::parse(reader.document, node, TO, EXAMPLE)?;
    let ([field], [entity]) = (left.as_slice(), right.as_slice()) else {
        let finding = Diagnostic::error("sentence", node.span, "a step has one field and one entity");
        return Err(finding.help(format!("write it like `{EXAMPLE}`")));
    };
    let entity = reader.word_field(node, entity)?;
    Ok((reader.word_field(node, field)?, Some(entity.as_str().into())))
}
