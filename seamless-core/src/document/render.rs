//! A finding as text: headline, source line with the place underlined, related places, help.
//!
//! Knows no colours and no terminal. The underline counts characters, so it may sit beside its place
//! on lines with wide or combining characters; the headline's column is exact. The door is
//! [`render`].

use std::fmt;

use super::diagnostic::Located;
use super::source::{Source, Span, floor_boundary};

/// How many characters of a line are shown before the place, and how many from its start on: a
/// document on a single line must not flood the screen.
const BEFORE_CHARACTERS_MAX: usize = 80;
const AFTER_CHARACTERS_MAX: usize = 80;

pub(super) fn render(out: &mut fmt::Formatter<'_>, located: &Located) -> fmt::Result {
    let diagnostic = located.diagnostic();
    let source = located.source();
    out.write_str(&located.headline())?;
    render_line(out, source, diagnostic.span, '^', "")?;
    for (span, label) in &diagnostic.related {
        render_line(out, source, *span, '-', label)?;
    }
    if let Some(help) = &diagnostic.help {
        write!(out, "\n  help: {help}")?;
    }
    Ok(())
}

/// The line that holds the start of `span`, and under it the part of `span` on that line.
fn render_line(
    out: &mut fmt::Formatter<'_>,
    source: &Source,
    span: Span,
    mark: char,
    label: &str,
) -> fmt::Result {
    let text = source.text();
    if text.is_empty() {
        return Ok(());
    }
    let start = floor_boundary(text, span.start);
    let line = source.line_span(start);
    // A place on the line break itself is shown behind the line.
    let start = start.min(line.end);
    let end = floor_boundary(text, span.end).clamp(start, line.end);
    let (number, _) = source.line_of(start);

    // Only what is shown is looked at: the line may be the whole of a large document.
    let before = source.slice(Span::new(line.start, start)).trim_start_matches('\u{feff}');
    let cut = before.char_indices().rev().nth(BEFORE_CHARACTERS_MAX - 1).map_or(0, |(at, _)| at);
    let mut shown = String::from(if cut > 0 { "…" } else { "" });
    shown.extend(before.get(cut..).unwrap_or("").chars().map(visible));
    let margin = shown.chars().count();
    let mut rest = source.slice(Span::new(start, line.end)).chars();
    shown.extend(rest.by_ref().take(AFTER_CHARACTERS_MAX).map(visible));
    if rest.next().is_some() {
        shown.push('…');
    }
    let marked = source.slice(Span::new(start, end));
    let underline = marked.chars().take(AFTER_CHARACTERS_MAX).count().max(1);

    let number = number.to_string();
    let gutter = " ".repeat(number.len());
    let marks: String = std::iter::repeat_n(mark, underline).collect();
    write!(out, "\n {gutter} |\n {number} | {}", shown.trim_end())?;
    write!(out, "\n {gutter} | {}{marks}", " ".repeat(margin))?;
    if !label.is_empty() {
        write!(out, " {label}")?;
    }
    Ok(())
}

/// One column for each character: tabs become blanks, and what could reorder or hide the line shows.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        character if character.is_control() => '\u{fffd}',
        character => character,
    }
}

#[cfg(test)]
mod tests {
    use crate::document::{Diagnostic, Document, Span};

    #[test]
    fn a_finding_is_headline_line_underline_related_and_help() {
        let document = Document::parse("m.yaml", "a: 1\nbrüder: zwei\n").unwrap();
        let shown = Diagnostic::error("wrong-kind", Span::new(14, 18), "expected a number")
            .related(Span::new(0, 1), "as here")
            .help("write `2`")
            .within(&document)
            .to_string();
        assert_eq!(
            shown,
            "m.yaml:2:9: error[wrong-kind]: expected a number\n   |\n 2 | brüder: zwei\n   |         ^^^^\n   |\n 1 | a: 1\n   | - as here\n  help: write `2`"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_place_only() {
        let document = Document::parse("m", &format!("{}: {}", "k".repeat(500), "v".repeat(500))).unwrap();
        let shown = Diagnostic::error("x", Span::new(502, 1002), "m").within(&document).to_string();
        assert!(shown.lines().all(|line| line.chars().count() < 180), "{shown}");
        assert!(shown.contains("kkk: vvv"), "{shown}");
    }

    #[test]
    fn places_outside_the_text_or_inside_a_character_are_shown_without_panic() {
        let document = Document::parse("m", "ä: ö\n").unwrap();
        for start in 0..10 {
            for end in start..10 {
                let shown = Diagnostic::error("x", Span { start, end }, "m").within(&document).to_string();
                assert!(shown.contains('^'));
            }
        }
    }
}
