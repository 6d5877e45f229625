//! Values as they stand in a file: their kind follows how they are written, unless a type is declared.
//!
//! Without quotes, `true`, `false` and numbers are what they look like; everything else, and everything in quotes, is
//! text. `blank` is the word for nothing. Kinds that have no spelling of their own are written as in JSON records:
//! `{ date: 2024-02-29 }`. The doors are [`literal`], [`Reader::value`] and [`Reader::word_value`].

use seamless_core::document::{Diagnostic, Document, Literal, Node, NodeKind, ScalarStyle};
use seamless_core::model::{EntityName, FieldName, Record, Shape, Sides, Slot, Value, record};

use super::parameters::Parameters;
use super::sentence::Word;
use crate::declaration::OptionKey;

/// What every part of the reader needs: the document, what the sides are called, and the parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'d> {
    pub(crate) document: &'d Document,
    pub(crate) sides: Sides<&'d str>,
    pub(crate) parameters: &'d Parameters,
}

/// A scalar by how it is written.
pub(crate) fn literal(node: &Node) -> Result<Value, Diagnostic> {
    match node.as_literal()? {
        Literal::Null => Err(node
            .refused("a value")
            .help("write `blank` where nothing is meant, `\"\"` for an empty text")),
        Literal::Bool(truth) => Ok(Value::Bool(truth)),
        Literal::Number(digits) => {
            number(digits).ok_or_else(|| node.refused("a number that can be kept exactly"))
        }
        Literal::Text(text) => Ok(Value::text(text)),
    }
}

/// A number in JSON's grammar: whole numbers are whole, all others decimals. Never a float.
pub(crate) fn number(digits: &str) -> Option<Value> {
    if digits.contains(['.', 'e', 'E']) {
        return digits.parse().ok().map(Value::Decimal);
    }
    digits.parse().map(Value::Int).ok().or_else(|| digits.parse().ok().map(Value::Decimal))
}

/// A bare word of a sentence or condition as a value.
pub(crate) fn bare(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            // 007 is a code, not a number.
            let plain = digits == "0" || digits.starts_with("0.") || !digits.starts_with('0');
            let numeric = plain && digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.ends_with('.');
            numeric.then(|| number(text)).flatten().unwrap_or_else(|| Value::text(text))
        }
    }
}

impl Reader<'_> {
    /// A scalar value with its parameters put in.
    pub(crate) fn value(&self, node: &Node) -> Result<Value, Diagnostic> {
        match self.put_in(node)? {
            Some(value) => Ok(value),
            None => literal(node),
        }
    }

    /// A text with its parameters put in; numbers and words give their characters.
    pub(crate) fn text(&self, node: &Node) -> Result<String, Diagnostic> {
        match self.put_in(node)? {
            Some(Value::Text(text)) => Ok(text.to_string()),
            Some(other) => Ok(other.to_string()),
            None => node.as_str().map(str::to_owned),
        }
    }

    pub(crate) fn entity(&self, node: &Node) -> Result<EntityName, Diagnostic> {
        self.text(node).map(EntityName::from)
    }

    fn put_in(&self, node: &Node) -> Result<Option<Value>, Diagnostic> {
        let Some(text) = node.text() else { return Ok(None) };
        self.parameters.put_in(text).map_err(|(message, help)| undefined(node.span, message, help))
    }

    /// A word of a sentence as a value.
    pub(crate) fn word_value(&self, node: &Node, word: &Word) -> Result<Value, Diagnostic> {
        match self.word_parameters(node, word)? {
            Some(value) => Ok(value),
            None if word.quoted => Ok(Value::text(&word.text)),
            None => Ok(bare(&word.text)),
        }
    }

    /// A word of a sentence as the name of a field.
    pub(crate) fn word_field(&self, node: &Node, word: &Word) -> Result<FieldName, Diagnostic> {
        match self.word_parameters(node, word)? {
            Some(Value::Text(text)) => Ok(FieldName::new(text)),
            Some(other) => Ok(FieldName::from(other.to_string())),
            None => Ok(FieldName::from(word.text.as_str())),
        }
    }

    fn word_parameters(&self, node: &Node, word: &Word) -> Result<Option<Value>, Diagnostic> {
        let place = self.document.span_in(node, word.range.clone());
        self.parameters.put_in(&word.text).map_err(|(message, help)| undefined(place, message, help))
    }

    /// A word of an option line: `blank`, or a value.
    pub(crate) fn word_option(&self, node: &Node, word: &Word) -> Result<OptionKey, Diagnostic> {
        if !word.quoted && word.text == "blank" {
            return Ok(OptionKey::Blank);
        }
        self.word_value(node, word).map(OptionKey::Is)
    }

    /// A scalar of an option line: `blank`, or a value.
    pub(crate) fn option(&self, node: &Node) -> Result<OptionKey, Diagnostic> {
        let plain = matches!(&node.kind, NodeKind::Scalar { style: ScalarStyle::Plain, .. });
        if plain && node.text() == Some("blank") {
            return Ok(OptionKey::Blank);
        }
        self.value(node).map(OptionKey::Is)
    }

    /// What a field of a test record holds: a scalar, `null`, or a kind of JSON's records.
    pub(crate) fn slot(&self, node: &Node) -> Result<Slot, Diagnostic> {
        if node.is_null() {
            return Ok(Slot::Value(Value::Null));
        }
        if node.is_scalar() {
            return self.value(node).map(Slot::Value);
        }
        if let Ok(items) = node.as_sequence() {
            let lines = items.iter().map(|item| self.line(item)).collect::<Result<_, _>>()?;
            return Ok(Slot::Value(Value::List(lines)));
        }
        let json = json_of(node);
        serde_json::from_value(json).map_err(|cause| {
            let message = format!("not a value: {cause}");
            Diagnostic::error("test-value", node.span, message).help(
                "write a scalar, or one of `{ date: .. }`, `{ decimal: .. }`, `{ instant: .. }`, `{ local: .. }`, \
                 `{ reference: [entity, id] }`, `{ set: [..] }`, or `[ { .. } ]` for lines",
            )
        })
    }

    /// A line of a list: a record in a record.
    fn line(&self, node: &Node) -> Result<Record, Diagnostic> {
        let fields = node.entries()?.map(|entry| Ok((self.text(entry.key)?.into(), self.slot(entry.value)?)));
        let fields: Vec<(FieldName, Slot)> = fields.collect::<Result<_, Diagnostic>>()?;
        let refused = |cause: seamless_core::Error| {
            Diagnostic::error("test-value", node.span, cause.to_string())
                .help("name each field of a line once")
        };
        let shape = Shape::new(fields.iter().map(|(name, _)| name.clone())).map_err(refused)?;
        record(&shape, fields).map_err(refused)
    }
}

fn undefined(span: seamless_core::document::Span, message: String, help: Option<String>) -> Diagnostic {
    Diagnostic::error("undefined-parameter", span, message).maybe_help(help)
}

/// A node as JSON. The content of a tagged kind is text, whatever it looks like; recursion is as deep as the tree,
/// which its reader bounds.
fn json_of(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.kind {
        NodeKind::Sequence(items) => Json::Array(items.iter().map(json_of).collect()),
        NodeKind::Mapping(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| {
                    let name = key.text().unwrap_or("").to_owned();
                    let content = match (name.as_str(), value.text()) {
                        ("absent" | "unreadable", _) | (_, None) => json_of(value),
                        (_, Some(text)) => Json::String(text.to_owned()),
                    };
                    (name, content)
                })
                .collect(),
        ),
        NodeKind::Scalar { text, .. } => match node.as_literal() {
            Ok(Literal::Null) => Json::Null,
            Ok(Literal::Bool(truth)) => Json::Bool(truth),
            Ok(Literal::Number(digits)) => {
                digits.parse::<i64>().map_or_else(|_| Json::String(text.clone()), Json::from)
            }
            _ => Json::String(text.clone()),
        },
    }
}
