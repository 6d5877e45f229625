//! The text of a document under its name, and where a byte offset lies in it.
//!
//! Knows nothing of YAML. The door is [`Source::line_column`].

use std::sync::OnceLock;

/// A byte range `start..end` of a document's text.
///
/// Spans made by the reader lie on character boundaries and inside the text. An empty span marks a
/// place where something could have been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte, never before `start`.
    pub end: usize,
}

impl Span {
    /// The range from `start` to `end`; an end before the start is read as an empty span at `start`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// The empty span at `offset`.
    pub fn at(offset: usize) -> Self {
        Self { start: offset, end: offset }
    }

    /// Whether the span covers no text.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A place in a text as people count: both numbers start at 1, columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// The line, counted by line feeds, carriage returns, or the two together.
    pub line: usize,
    /// The character in the line; a byte order mark is not counted.
    pub column: usize,
}

/// A named text. Shared by a [`Document`](super::Document) and the diagnostics about it.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    /// Filled on the first question: most documents are read without a complaint.
    line_starts: OnceLock<Vec<usize>>,
}

impl Source {
    pub(super) fn new(name: &str, text: String) -> Self {
        Self { name: name.to_owned(), text, line_starts: OnceLock::new() }
    }

    /// The name that diagnostics show, commonly a path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text under `span`; empty for a span that does not lie in this text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// Line and column of a byte offset; offsets inside a character count as its start, offsets
    /// beyond the text as its end.
    ///
    /// The first call reads the whole text once, later ones cost a binary search and one line.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let offset = floor_boundary(&self.text, offset);
        let (line, start) = self.line_of(offset);
        let before = self.text.get(start..offset).unwrap_or("");
        let before = if start == 0 { before.strip_prefix('\u{feff}').unwrap_or(before) } else { before };
        LineColumn { line, column: before.chars().count() + 1 }
    }

    /// The span, without its line break, of the line that holds `offset`.
    pub fn line_span(&self, offset: usize) -> Span {
        let (line, start) = self.line_of(floor_boundary(&self.text, offset));
        let end = self.line_starts().get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or("");
        Span::new(start, start + text.trim_end_matches(['\n', '\r']).len())
    }

    /// The 1-based line of an offset, and where that line starts.
    pub(super) fn line_of(&self, offset: usize) -> (usize, usize) {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        (line, starts.get(line - 1).copied().unwrap_or(0))
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| line_starts(&self.text))
    }
}

/// The nearest character boundary at or before `offset`, inside the text.
pub(super) fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        let followed_by_feed = matches!(bytes.peek(), Some((_, b'\n')));
        if byte == b'\n' || (byte == b'\r' && !followed_by_feed) {
            starts.push(at + 1);
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::{LineColumn, Source};

    fn at(text: &str, offset: usize) -> (usize, usize) {
        let LineColumn { line, column } = Source::new("t", text.to_owned()).line_column(offset);
        (line, column)
    }

    #[test]
    fn columns_count_characters_and_every_kind_of_line_break_counts_once() {
        let text = "äb\ncd\r\nef\rg";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, 1), (1, 1), "inside a character is its start");
        assert_eq!(at(text, 2), (1, 2));
        assert_eq!(at(text, 4), (2, 1));
        assert_eq!(at(text, 8), (3, 1));
        assert_eq!(at(text, 11), (4, 1));
        assert_eq!(at(text, 4000), (4, 2), "beyond the text is its end");
        assert_eq!(at("", 0), (1, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        assert_eq!(at("\u{feff}ab", 3), (1, 1));
        assert_eq!(at("\u{feff}ab", 4), (1, 2));
    }
}
