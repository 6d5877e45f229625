//! Parts as a text that says the same, with the place that each line came from.
//!
//! Block style, a line for every entry, but for brackets that were written on one line and not changed. The door is
//! [`print`].

use std::fmt::Write as _;

use seamless_core::document::{Diagnostic, Diagnostics, Located, Report, ScalarStyle, Span};

use super::part::{Origin, Part, PartKind};

/// A text that was put together, and where its pieces came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Printed {
    pub(super) text: String,
    /// Pieces of the text in their order, each with its place.
    spots: Vec<(Span, Origin)>,
}

/// Prints the entries of a map.
pub(super) fn print(root: &Part) -> Printed {
    let mut printed = Printed::default();
    printed.entries(root.entries(), 0);
    printed
}

/// A part as a block that follows its key or dash: ` value`, or lines that are indented so far.
pub(super) fn block(part: &Part, indent: usize) -> String {
    let mut printed = Printed::default();
    printed.value(part, indent);
    printed.text.trim_end_matches('\n').to_owned()
}

/// A part as an item of a list that is indented so far, without a line break at its end.
pub(super) fn item(part: &Part, indent: usize) -> String {
    let mut printed = Printed::default();
    printed.item(part, indent);
    printed.text.trim_end_matches('\n').to_owned()
}

/// A key, without its colon.
pub(super) fn key(part: &Part) -> String {
    let mut printed = Printed::default();
    printed.scalar(part, true);
    printed.text
}

/// A part in brackets, on one line.
pub(super) fn flow(part: &Part) -> String {
    let mut printed = Printed::default();
    printed.flow(part);
    printed.text
}

impl Printed {
    /// Where each line came from: the place of the first piece on it.
    pub(super) fn line_origins(&self) -> Vec<Option<&Origin>> {
        let mut start = 0;
        let mut origins = Vec::new();
        for line in self.text.split_inclusive('\n') {
            let end = start + line.len();
            let first = self.spots.partition_point(|(span, _)| span.start < start);
            let spot = self.spots.get(first).filter(|(span, _)| span.start < end);
            origins.push(spot.map(|(_, origin)| origin));
            start = end;
        }
        origins
    }

    /// Findings about the text as findings about the documents that it came from.
    pub(super) fn relocated(&self, findings: &Diagnostics) -> Option<Diagnostics> {
        let mut report = Report::new();
        for located in findings {
            self.relocate(located, &mut report);
        }
        report.into_diagnostics()
    }

    fn relocate(&self, located: &Located, report: &mut Report) {
        let found = located.diagnostic();
        let Some((span, origin)) = self.origin_of(found.span) else {
            return;
        };
        let mut moved = Diagnostic { span, related: Vec::new(), ..found.clone() };
        for (place, label) in &found.related {
            match self.origin_of(*place) {
                Some((span, of)) if std::sync::Arc::ptr_eq(&of.document, &origin.document) => {
                    moved.related.push((span, label.clone()));
                }
                Some((_, of)) => moved.message.push_str(&format!(" ({label}: {})", of.place())),
                None => {}
            }
        }
        report.push(&origin.document, moved);
    }

    /// The piece that holds the beginning of a span, and the place of the span in the document of the piece.
    fn origin_of(&self, span: Span) -> Option<(Span, &Origin)> {
        let after = self.spots.partition_point(|(spot, _)| spot.start <= span.start);
        let (spot, origin) = self.spots.get(after.saturating_sub(1))?;
        let piece = self.text.get(spot.start..spot.end);
        let letter_by_letter = piece == Some(origin.document.slice(origin.span)) && span.start >= spot.start;
        if letter_by_letter && span.end <= spot.end {
            let at = origin.span.start + (span.start - spot.start);
            return Some((Span::new(at, at + (span.end - span.start)), origin));
        }
        Some((origin.span, origin))
    }

    fn piece(&mut self, text: &str, origin: &Origin) {
        let start = self.text.len();
        self.text.push_str(text);
        self.spots.push((Span::new(start, self.text.len()), origin.clone()));
    }

    fn entries(&mut self, entries: &[(Part, Part)], indent: usize) {
        for (place, (key, value)) in entries.iter().enumerate() {
            if place > 0 || indent == 0 {
                self.indent(indent);
            }
            self.scalar(key, false);
            self.text.push(':');
            self.value(value, indent + 2);
        }
    }

    fn indent(&mut self, indent: usize) {
        let _ = write!(self.text, "{:indent$}", "");
    }

    /// What stands behind a key, and the end of its line.
    fn value(&mut self, part: &Part, indent: usize) {
        if let Some(written) = part.as_written() {
            self.text.push(' ');
            self.piece(written, &part.origin);
            self.text.push('\n');
            return;
        }
        match &part.kind {
            PartKind::Scalar { text, style } => {
                if !text.is_empty() || *style != ScalarStyle::Plain {
                    self.text.push(' ');
                    self.scalar(part, false);
                }
                self.text.push('\n');
            }
            PartKind::List(items) if items.is_empty() => self.text.push_str(" []\n"),
            PartKind::Map(entries) if entries.is_empty() => self.text.push_str(" {}\n"),
            PartKind::List(items) => {
                self.text.push('\n');
                for item in items {
                    self.item(item, indent);
                }
            }
            PartKind::Map(entries) => {
                self.text.push('\n');
                self.indent(indent);
                self.entries(entries, indent);
            }
        }
    }

    fn item(&mut self, part: &Part, indent: usize) {
        self.indent(indent);
        self.text.push('-');
        match &part.kind {
            PartKind::Map(entries) if !entries.is_empty() && part.as_written().is_none() => {
                self.text.push(' ');
                self.entries(entries, indent + 2);
            }
            _ => self.value(part, indent + 2),
        }
    }

    fn flow(&mut self, part: &Part) {
        if let Some(written) = part.as_written() {
            return self.piece(written, &part.origin);
        }
        match &part.kind {
            PartKind::Scalar { .. } => self.scalar(part, true),
            PartKind::List(items) => {
                self.text.push('[');
                for (place, item) in items.iter().enumerate() {
                    self.text.push_str(if place > 0 { ", " } else { "" });
                    self.flow(item);
                }
                self.text.push(']');
            }
            PartKind::Map(entries) => {
                self.text.push_str("{ ");
                for (place, (key, value)) in entries.iter().enumerate() {
                    self.text.push_str(if place > 0 { ", " } else { "" });
                    self.scalar(key, true);
                    self.text.push_str(": ");
                    self.flow(value);
                }
                self.text.push_str(" }");
            }
        }
    }

    fn scalar(&mut self, part: &Part, in_flow: bool) {
        let text = part.text().unwrap_or("");
        if part.is_plain() && is_plain_safe(text, in_flow) {
            self.piece(text, &part.origin);
        } else if part.is_plain() && text.is_empty() {
            self.piece(if in_flow { "null" } else { "" }, &part.origin);
        } else {
            self.piece(&quoted(text), &part.origin);
        }
    }
}

/// Whether a text without quotes is read back as itself.
fn is_plain_safe(text: &str, in_flow: bool) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    let second = characters.next();
    let begins = match first {
        '-' | '?' | ':' => second.is_some_and(|c| !(c.is_whitespace() || in_flow && ",[]{}".contains(c))),
        _ => !"!&*#|>@`\"'%,[]{}".contains(first),
    };
    let ends = !text.ends_with([' ', ':']) && !text.starts_with(' ');
    let inside = !text.contains(": ") && !text.contains(" #");
    let flow = !in_flow || !text.contains([',', '[', ']', '{', '}', ':', '(']);
    let plain = text.chars().all(|c| c == ' ' || !(c.is_control() || c.is_whitespace() || is_odd(c)));
    begins && ends && inside && flow && plain && text != "<<" && text != "---" && text != "..."
}

/// Characters that a document does not hold, or that look like nothing.
fn is_odd(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}')
}

/// A text in double quotes, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_odd(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
