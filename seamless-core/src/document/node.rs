//! The tree that YAML and JSON are read into.
//!
//! A scalar is text in some style, nothing more: `no` is a word, `1.10` and `1e400` keep their
//! digits. It becomes a truth value or a number only when a reader asks for one, see
//! [`typed`](super::typed). Knows nothing of the texts' syntax. The door is [`Node::get`].

use super::source::Span;

/// A part of a document and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it stands. Quoted scalars include their quotes, block scalars are their lines without
    /// the `|` or `>`, sequences and mappings reach from their first to their last character, a value
    /// left out is the empty place where it could stand.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Text, with escapes and folded lines already resolved.
    Scalar {
        /// The text. A value left out is the empty plain scalar.
        text: String,
        /// How it was written.
        style: ScalarStyle,
    },
    /// Items in order.
    Sequence(Vec<Node>),
    /// Entries in order. In a document that was read, keys are scalars and no two have the same text.
    Mapping(Vec<(Node, Node)>),
}

/// How a scalar was written. Only plain ones may be asked for nothing, a truth value or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// In `'single'` quotes.
    SingleQuoted,
    /// In `"double"` quotes, as all text of JSON.
    DoubleQuoted,
    /// In lines under `|` or `>`.
    Block,
}

/// An entry of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'n> {
    /// The text of the key, exactly as meant; hostile names such as `No.` are texts like any other.
    pub name: &'n str,
    /// The key.
    pub key: &'n Node,
    /// The value.
    pub value: &'n Node,
}

impl Node {
    /// The value under `name`; none for a name that is not there, and for nodes that are no mapping.
    ///
    /// Cost: one comparison for each entry before it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.mapping().iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// The text of a scalar of any style; none for sequences and mappings.
    ///
    /// For the text that a document *means* use [`as_str`](Self::as_str), which refuses `null`.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } => Some(text),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// Whether this is nothing: a plain `null` or `~`, or a value left out. Quoted they are texts,
    /// and so are `Null`, `NULL` and `nil`.
    pub fn is_null(&self) -> bool {
        matches!(self.plain_text(), Some("" | "~" | "null"))
    }

    /// Whether this is a scalar, nothing included.
    pub fn is_scalar(&self) -> bool {
        matches!(self.kind, NodeKind::Scalar { .. })
    }

    /// Whether this is a sequence.
    pub fn is_sequence(&self) -> bool {
        matches!(self.kind, NodeKind::Sequence(_))
    }

    /// Whether this is a mapping.
    pub fn is_mapping(&self) -> bool {
        matches!(self.kind, NodeKind::Mapping(_))
    }

    /// Whether both say the same, wherever and in whichever scalar style they are written.
    ///
    /// Plain and not plain do differ, because `1` may be asked for a number and `"1"` may not.
    /// Entries of mappings are compared in order. Recurses as deep as the trees are.
    pub fn same_content(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (NodeKind::Scalar { text, style }, NodeKind::Scalar { text: other_text, style: other_style }) => {
                let plain = *style == ScalarStyle::Plain;
                text == other_text && plain == (*other_style == ScalarStyle::Plain)
            }
            (NodeKind::Sequence(items), NodeKind::Sequence(others)) => {
                items.len() == others.len()
                    && items.iter().zip(others).all(|(item, other)| item.same_content(other))
            }
            (NodeKind::Mapping(entries), NodeKind::Mapping(others)) => {
                entries.len() == others.len()
                    && entries.iter().zip(others).all(|((key, value), (other_key, other_value))| {
                        key.same_content(other_key) && value.same_content(other_value)
                    })
            }
            _ => false,
        }
    }

    /// The text of a scalar without quotes.
    pub(super) fn plain_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, style: ScalarStyle::Plain } => Some(text),
            _ => None,
        }
    }

    fn mapping(&self) -> &[(Node, Node)] {
        match &self.kind {
            NodeKind::Mapping(entries) => entries,
            _ => &[],
        }
    }
}
