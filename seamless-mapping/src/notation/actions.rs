//! Actions of a file: `actions: { erp: { release: { field: Status, from: Open, to: Released } } }`, and the states that records
//! are made in: `starts: { erp: { Status: Open } }`. Knows the shape, not what makes sense. The door is [`read`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report};
use seamless_core::mapper::StateAction;
use seamless_core::model::{ActionName, FieldName, Side, Value};

use super::keys::{ACTION, Keys};
use super::value::Reader;
use crate::declaration::LinkDecl;

/// Reads both keys of a link.
pub(crate) fn read(reader: &Reader<'_>, keys: &mut Keys<'_>, declared: &mut LinkDecl) {
    if let Some(node) = keys.take("actions") {
        each_side(reader, node, keys.report(), |side, node| {
            declared.actions.of_mut(side).steps = steps(reader, node)?;
            Ok(())
        });
    }
    if let Some(node) = keys.take("starts") {
        each_side(reader, node, keys.report(), |side, node| {
            declared.actions.of_mut(side).starts = starts(reader, node)?;
            Ok(())
        });
    }
}

fn each_side(
    reader: &Reader<'_>,
    node: &Node,
    report: &mut Report,
    mut read: impl FnMut(Side, &Node) -> Result<(), Diagnostics>,
) {
    let Some(mut fields) = report.accept(Fields::of(reader.document, node)) else { return };
    for side in Side::BOTH {
        fields.take_with(reader.sides.of(side), |_, node| read(side, node));
    }
    fields.finish_into(report);
}

fn steps(reader: &Reader<'_>, node: &Node) -> Result<Vec<StateAction>, Diagnostics> {
    let entries = node.entries().map_err(|finding| finding.within(reader.document))?;
    let mut report = Report::new();
    let steps = entries.filter_map(|entry| report.accept(step(reader, entry.key, entry.value))).collect();
    report.into_result().map(|()| steps)
}

fn step(reader: &Reader<'_>, name: &Node, node: &Node) -> Result<StateAction, Diagnostics> {
    let document: &Document = reader.document;
    let name = reader.text(name).map_err(|finding| finding.within(document))?;
    let mut keys = Keys::of(document, node, ACTION)?;
    let field = keys.require_as("field", |node| reader.text(node));
    let from = keys.require_as("from", |node| states(reader, node));
    let to = keys.require_as("to", |node| reader.value(node));
    let opens = keys.take_as("opens", Node::as_bool).unwrap_or(false);
    let step = field.zip(from).zip(to).map(|((field, from), to)| StateAction {
        name: ActionName::from(name),
        field: FieldName::from(field),
        from,
        to,
        opens,
    });
    keys.finish_with(step)
}

/// A state, or a list of them.
fn states(reader: &Reader<'_>, node: &Node) -> Result<Vec<Value>, Diagnostic> {
    match node.is_scalar() {
        true => Ok(vec![reader.value(node)?]),
        false => node.as_sequence()?.iter().map(|state| reader.value(state)).collect(),
    }
}

fn starts(reader: &Reader<'_>, node: &Node) -> Result<Vec<(FieldName, Value)>, Diagnostics> {
    let entries = node.entries().map_err(|finding| finding.within(reader.document))?;
    let starts = entries.map(|entry| Ok((reader.text(entry.key)?.into(), reader.value(entry.value)?)));
    starts.collect::<Result<_, Diagnostic>>().map_err(|finding| finding.within(reader.document))
}
