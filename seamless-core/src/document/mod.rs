//! Documents that people write: YAML 1.2 and JSON, read by one reader into one tree with places.
//!
//! Mapping files, environment files, connector declarations and sidecar schemas are read through
//! this module, so that all of them complain in the same way: file, line, column, the line itself,
//! and what to write instead.
//!
//! - [`Document::parse`] is the door; [`Node`] is the tree, [`Fields`] reads a mapping field by
//!   field, [`Diagnostic`] is what there is to say.
//! - Scalars keep their text. Nothing passes through a float, and `no` is a word; the accessors of
//!   [`Node`] give types by request.
//! - Refused, with the spelling that works, is what surprises people: tags, anchors and aliases,
//!   merge keys, second documents, duplicate keys, keys that are no texts, tabs as indentation, keys
//!   without values such as the two in `{ x in (A, B) }`, and values that begin with a character YAML
//!   keeps to itself. `Item #5` is only warned of, see [`Document::warnings`].
//! - The limits are constants here; what goes beyond is refused.
//!
//! Codes of the reader: `alias`, `anchor`, `byte-order-mark`, `colon`, `comment-in-text`,
//! `control-character`, `cut-by-comma`, `depth`, `document-bytes`, `duplicate-key`, `empty-block`,
//! `errors`, `escape`, `indentation`, `item-in-text`, `key-kind`, `key-length`, `key-without-value`,
//! `merge-key`, `missing-colon`, `missing-comma`, `missing-key`, `missing-value`, `nodes`, `not-utf8`,
//! `reserved-character`, `second-document`, `syntax`, `tab-indentation`, `tag`,
//! `text-after-bracket`, `text-after-quotes`, `unclosed-bracket`, `unclosed-quote`, `warnings`. Of the
//! accessors: `wrong-kind`. Of [`Fields`]: `missing-field`, `unknown-field`, `unreadable`.
//!
//! One thing of JSON is refused: the characters U+007F to U+009F, U+FFFE and U+FFFF unescaped in
//! texts. As escapes they are read.
//!
//! It does not know what any document means, reads no files, and does not write.

mod diagnostic;
mod fields;
mod limits;
mod nearest;
mod node;
mod read;
mod render;
mod source;
mod spelling;
mod syntax;
#[cfg(test)]
mod tests;
mod traps;
mod typed;

use std::ops::Range;
use std::sync::Arc;

pub use diagnostic::{Diagnostic, Diagnostics, Located, Report, Severity};
pub use fields::Fields;
pub use limits::{DEPTH_MAX, DOCUMENT_BYTES_MAX, ERRORS_MAX, KEY_CHARACTERS_MAX, NODES_MAX, WARNINGS_MAX};
pub use nearest::{did_you_mean, nearest};
pub use node::{Entry, Node, NodeKind, ScalarStyle};
pub use source::{LineColumn, Source, Span};
pub use typed::Literal;

use limits::Limits;

/// A document that was read: its text, its tree, and what its author should hear.
#[derive(Clone, Debug)]
pub struct Document {
    source: Arc<Source>,
    root: Node,
    warnings: Vec<Diagnostic>,
}

impl Document {
    /// Reads a text in YAML 1.2, of which JSON is a part. `name` is what diagnostics call it.
    ///
    /// A text without content is a document whose root is nothing. Fails with every finding, warnings
    /// too, in the order of their places; after a mistake in the syntax nothing further is found.
    /// Total: no text makes it panic, none exhausts the stack.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        Self::parse_within(name, text, Limits::default())
    }

    /// Reads bytes, which must be UTF-8, with or without a byte order mark.
    pub fn parse_bytes(name: &str, bytes: &[u8]) -> Result<Self, Diagnostics> {
        let limits = Limits::default();
        if bytes.len() > limits.document_bytes_max {
            return Err(too_large(name, bytes.len(), limits));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse_within(name, text, limits),
            Err(error) => {
                let at = error.valid_up_to();
                // Up to the first bad byte the replaced text has the same offsets.
                let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
                Err(Diagnostics::one(Arc::new(source), syntax::not_utf8(bytes, at)))
            }
        }
    }

    fn parse_within(name: &str, text: &str, limits: Limits) -> Result<Self, Diagnostics> {
        if text.len() > limits.document_bytes_max {
            return Err(too_large(name, text.len(), limits));
        }
        let read::Reading { root, findings } = read::read(text, limits);
        let source = Arc::new(Source::new(name, text.to_owned()));
        if findings.iter().any(Diagnostic::is_error) {
            return Err(Diagnostics::of(&source, findings));
        }
        let nothing = || Node {
            span: Span::at(text.len()),
            kind: NodeKind::Scalar { text: String::new(), style: ScalarStyle::Plain },
        };
        Ok(Self { source, root: root.unwrap_or_else(nothing), warnings: findings })
    }

    /// The name given at reading.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// The text that was read.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// The tree.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The text under a span of this document.
    pub fn slice(&self, span: Span) -> &str {
        self.source.slice(span)
    }

    /// Where a byte range of a scalar's text stands, for findings about a word of a sentence.
    ///
    /// The whole node where the text is written differently, by escapes or folded lines before the end
    /// of the range, and for ranges that are none of the text.
    pub fn span_in(&self, node: &Node, range: Range<usize>) -> Span {
        let NodeKind::Scalar { text, style } = &node.kind else { return node.span };
        let quote = usize::from(matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted));
        let start = node.span.start + quote;
        let written = self.text().get(start..start.saturating_add(range.end));
        let as_written = text.get(range.clone()).is_some() && written == text.get(..range.end);
        let inside = start + range.end + quote <= node.span.end;
        if as_written && inside { Span::new(start + range.start, start + range.end) } else { node.span }
    }

    /// Line and column of a byte offset, see [`Source::line_column`].
    pub fn line_column(&self, offset: usize) -> LineColumn {
        self.source.line_column(offset)
    }

    /// What was odd but readable.
    pub fn warnings(&self) -> Option<Diagnostics> {
        let some = !self.warnings.is_empty();
        some.then(|| Diagnostics::of(&self.source, self.warnings.clone()))
    }

    /// Name and text, shared with the diagnostics about them.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }
}

/// The text is not kept: showing a place in it would help nobody.
fn too_large(name: &str, bytes: usize, limits: Limits) -> Diagnostics {
    let message = format!("the document has {bytes} bytes, more than {}", limits.document_bytes_max);
    let finding = Diagnostic::error("document-bytes", Span::at(0), message).help("split the document");
    Diagnostics::one(Arc::new(Source::new(name, String::new())), finding)
}
