//! Parts of documents that remember where they were written, and can be put together to a new document.
//!
//! Knows nothing of links and rules. The doors are [`Part::of`] and [`Part::entries_mut`].

use std::sync::Arc;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, NodeKind, ScalarStyle, Span};

/// Where a part was written.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) document: Arc<Document>,
    pub(super) span: Span,
}

impl Origin {
    /// An error about this place.
    pub(super) fn error(&self, code: &'static str, message: String, help: String) -> Diagnostics {
        Diagnostic::error(code, self.span, message).help(help).within(&self.document)
    }

    /// `file:line`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.document.name(), self.document.line_column(self.span.start).line)
    }
}

/// A node with its origin. Two parts are equal when they say the same, wherever they stand.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) origin: Origin,
    pub(super) kind: PartKind,
    /// Whether it is as its document has it, so that it may be copied letter by letter.
    intact: bool,
}

/// What a part is.
#[derive(Clone, Debug)]
pub(super) enum PartKind {
    Scalar { text: String, style: ScalarStyle },
    List(Vec<Part>),
    Map(Vec<(Part, Part)>),
}

impl Part {
    /// A node of a document. Recursion is as deep as the tree, which its reader bounds.
    pub(super) fn of(document: &Arc<Document>, node: &Node) -> Self {
        let kind = match &node.kind {
            NodeKind::Scalar { text, style } => PartKind::Scalar { text: text.clone(), style: *style },
            NodeKind::Sequence(items) => {
                PartKind::List(items.iter().map(|item| Part::of(document, item)).collect())
            }
            NodeKind::Mapping(entries) => PartKind::Map(
                entries
                    .iter()
                    .map(|(key, value)| (Part::of(document, key), Part::of(document, value)))
                    .collect(),
            ),
        };
        Self { origin: Origin { document: Arc::clone(document), span: node.span }, kind, intact: true }
    }

    /// A part that no document has, counted to the place that it follows from.
    pub(super) fn made(origin: &Origin, kind: PartKind) -> Self {
        Self { origin: origin.clone(), kind, intact: false }
    }

    /// A text without quotes.
    pub(super) fn word(origin: &Origin, text: &str) -> Self {
        Self::made(origin, PartKind::Scalar { text: text.to_owned(), style: ScalarStyle::Plain })
    }

    /// A name: without quotes unless it would be nothing then.
    pub(super) fn name(origin: &Origin, text: &str) -> Self {
        if matches!(text, "" | "~" | "null") { Self::quoted(origin, text) } else { Self::word(origin, text) }
    }

    /// A text in quotes.
    pub(super) fn quoted(origin: &Origin, text: &str) -> Self {
        Self::made(origin, PartKind::Scalar { text: text.to_owned(), style: ScalarStyle::DoubleQuoted })
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            PartKind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, PartKind::Scalar { style: ScalarStyle::Plain, .. })
    }

    pub(super) fn items(&self) -> &[Part] {
        match &self.kind {
            PartKind::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.kind, PartKind::List(_))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.kind, PartKind::Map(_))
    }

    pub(super) fn entries(&self) -> &[(Part, Part)] {
        match &self.kind {
            PartKind::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Part> {
        self.entries().iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// The items, to be changed; none where it is no list.
    pub(super) fn items_mut(&mut self) -> Option<&mut Vec<Part>> {
        self.intact = false;
        match &mut self.kind {
            PartKind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, to be changed; none where it is no map.
    pub(super) fn entries_mut(&mut self) -> Option<&mut Vec<(Part, Part)>> {
        self.intact = false;
        match &mut self.kind {
            PartKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key, to be changed.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Part> {
        let entries = self.entries_mut()?;
        entries.iter_mut().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// Gives a key of a map a value, in its place where it is there, at the end where not.
    pub(super) fn set(&mut self, key: &Part, value: Part) {
        let Some(entries) = self.entries_mut() else { return };
        match entries.iter_mut().find(|(known, _)| known.text() == key.text()) {
            Some(entry) => *entry = (key.clone(), value),
            None => entries.push((key.clone(), value)),
        }
    }

    /// Takes a key out of a map. A map without the key stays as it was written.
    pub(super) fn remove(&mut self, name: &str) -> Option<Part> {
        self.get(name)?;
        let entries = self.entries_mut()?;
        let at = entries.iter().position(|(key, _)| key.text() == Some(name))?;
        Some(entries.remove(at).1)
    }

    /// Brackets on one line as their author wrote them; none where anything in them was changed.
    pub(super) fn as_written(&self) -> Option<&str> {
        let bracketed = !matches!(self.kind, PartKind::Scalar { .. });
        let written = self.origin.document.slice(self.origin.span);
        (self.intact && bracketed && written.starts_with(['{', '[']) && !written.contains(['\n', '\r']))
            .then_some(written)
    }

    /// Whether both say the same, wherever and in whichever style they are written; the order of a map's entries
    /// does not count, nor do quotes around what is a text without them too.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (PartKind::Scalar { text, .. }, PartKind::Scalar { text: other_text, .. }) => {
                text == other_text && (self.is_plain() == other.is_plain() || !is_more_than_text(text))
            }
            (PartKind::List(items), PartKind::List(others)) => {
                items.len() == others.len() && items.iter().zip(others).all(|(item, other)| item.same(other))
            }
            (PartKind::Map(entries), PartKind::Map(others)) => {
                entries.len() == others.len()
                    && entries.iter().all(|(key, value)| {
                        key.text().and_then(|key| other.get(key)).is_some_and(|other| value.same(other))
                    })
            }
            _ => false,
        }
    }
}

/// Whether a text without quotes means something else than in quotes: a number, a truth value, nothing, or a word that
/// stands where a value could.
pub(super) fn is_more_than_text(text: &str) -> bool {
    let word = matches!(text, "" | "~" | "null" | "blank" | "park" | "untouched");
    word || !matches!(crate::notation::value::bare(text), seamless_core::model::Value::Text(_))
}
