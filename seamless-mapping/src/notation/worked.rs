//! Expressions of a file: the text of an expression with its parameters, and the place of what is wrong in it.

use seamless_core::document::{Diagnostic, Node};

use super::value::Reader;
use crate::expression::Expression;

/// Reads an expression.
pub(crate) fn expression(reader: &Reader<'_>, node: &Node) -> Result<Expression, Diagnostic> {
    let text = node.as_str().map_err(|_| {
        node.refused("an expression")
            .help("write it as one text in quotes; where YAML stumbles, below the key after `|`")
    })?;
    Expression::parse_with(text, &|text| reader.parameters.put_in(text)).map_err(|problem| {
        let span = reader.document.span_in(node, problem.range);
        Diagnostic::error("expression", span, problem.message).maybe_help(problem.help)
    })
}
