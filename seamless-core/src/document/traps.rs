//! What YAML allows and this project refuses, because it surprises people.
//!
//! Each function looks at one thing that was read and says whether it is a trap, with the spelling
//! that works. What YAML itself refuses is explained in [`syntax`](super::syntax). Knows nothing of
//! the order of events. There is no single door; [`read`](super::read) asks.

use super::diagnostic::{Diagnostic, excerpt};
use super::node::{Node, NodeKind, ScalarStyle};
use super::source::Span;
use super::spelling::{escape, is_printable, quoted, quoted_at};

/// How far the end of a text in parentheses is looked for.
const CUT_CHARACTERS_MAX: usize = 200;

/// A word after `!`: YAML takes it for a type.
pub(super) fn tag(text: &str, span: Span, in_flow: bool) -> Diagnostic {
    let tag = text.get(span.start..span.end).unwrap_or("!");
    Diagnostic::error("tag", span, format!("`{}` at the start of a value is a YAML tag", excerpt(tag))).help(
        as_text(text, span.start, in_flow)
            .unwrap_or_else(|| "remove it, or put the whole text in quotes".to_owned()),
    )
}

/// A word after `&`: YAML takes it for a name that other places may repeat.
pub(super) fn anchor(text: &str, span: Span, in_flow: bool) -> Diagnostic {
    let name = text.get(span.start..span.end).unwrap_or("&");
    Diagnostic::error("anchor", span, format!("`{}` at the start of a value is a YAML anchor", excerpt(name)))
        .help(text_or_repeat(text, span.start, in_flow))
}

/// A word after `*`: YAML takes it for a repetition of what `&` named.
pub(super) fn alias(text: &str, span: Span, in_flow: bool) -> Diagnostic {
    let name = text.get(span.start..span.end).unwrap_or("*");
    Diagnostic::error("alias", span, format!("`{}` at the start of a value is a YAML alias", excerpt(name)))
        .help(text_or_repeat(text, span.start, in_flow))
}

/// The second document of a text.
pub(super) fn second_document(span: Span) -> Diagnostic {
    Diagnostic::error("second-document", span, "a second document begins here").help(
        "one file holds one document: move this part to a file of its own, or remove the `---` or `...`",
    )
}

/// A key that cannot be one.
pub(super) fn key(text: &str, key: &Node) -> Option<Diagnostic> {
    let spelling = text.get(key.span.start..key.span.end).unwrap_or("");
    let bracketed = match &key.kind {
        NodeKind::Sequence(_) | NodeKind::Mapping(_) => true,
        NodeKind::Scalar { text, style: ScalarStyle::Plain } if text == "<<" => {
            return Some(
                Diagnostic::error("merge-key", key.span, "`<<` would merge another mapping into this one")
                    .help("write the entries out; if the text is meant, write `'<<'`"),
            );
        }
        NodeKind::Scalar { text, style: ScalarStyle::Plain } if text.is_empty() => {
            return Some(
                Diagnostic::error("missing-key", key.span, "there is no key before the `:`").help(
                    "write a key, or `''` for the empty one; a value that begins with `:` needs quotes",
                ),
            );
        }
        NodeKind::Scalar { .. } => false,
    };
    bracketed.then(|| {
        let one_line = !spelling.contains(['\n', '\r']) && spelling.chars().count() <= 60;
        let help = if one_line && !spelling.is_empty() {
            format!("as a text it is {}", quoted(spelling))
        } else {
            "give it a text as its key, and put what stands here behind it".to_owned()
        };
        Diagnostic::error("key-kind", key.span, "a key must be a text, not a list or a mapping").help(help)
    })
}

/// A key without `:`, such as the pieces of `{ x in (A, B) }` and `{a:1}`.
pub(super) fn without_value(text: &str, key: &Node, in_flow: bool) -> Option<Diagnostic> {
    let rest = text.get(key.span.end..).unwrap_or("");
    if rest.trim_start().starts_with(':') {
        return None;
    }
    let name = key.text()?;
    let refused =
        Diagnostic::error("key-without-value", key.span, format!("the key `{}` has no value", excerpt(name)));
    let plain = matches!(key.kind, NodeKind::Scalar { style: ScalarStyle::Plain, .. });
    Some(match name.split_once(':') {
        Some((name, value)) if plain && !name.is_empty() && !value.is_empty() => {
            refused.help(format!("put a blank after the colon: `{}: {}`", excerpt(name), excerpt(value)))
        }
        _ if in_flow => refused.help(format!(
            "braces hold `key: value`; a list is written in brackets: `[{}]`, a text in braces is quoted",
            excerpt(text.get(key.span.start..key.span.end).unwrap_or(name)),
        )),
        _ => refused.help(format!("write `{}: value`, or `{0}:` for nothing", excerpt(name))),
    })
}

/// A plain text that a comma cut in the middle of its parentheses: `[x in (A, B)]` is two items.
///
/// The finding's span is the whole text that was meant, so that its other pieces can stay quiet.
pub(super) fn cut_by_comma(text: &str, node: &Node) -> Option<Diagnostic> {
    let piece = node.plain_text()?;
    if !piece.contains('(') {
        return None;
    }
    let mut open = unclosed(piece, 0)?;
    let rest = text.get(node.span.end..)?;
    if !rest.trim_start().starts_with(',') {
        return None;
    }
    // Looking further would cost the square of a long line.
    for (at, character) in rest.char_indices().take(CUT_CHARACTERS_MAX) {
        match character {
            '\n' | '\r' => return None,
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            let end = node.span.end + at + 1;
            let help = as_text(text, node.span.start, true);
            let refused = Diagnostic::error(
                "cut-by-comma",
                Span::new(node.span.start, end),
                "inside braces and brackets the comma ends this text in the middle of its parentheses",
            )
            .help(help.unwrap_or_else(|| "put the whole text in quotes".to_owned()));
            return Some(refused);
        }
    }
    None
}

/// A plain text that goes on with a line that looks like an item: it is indented like none.
pub(super) fn item_in_text(text: &str, node: &Node) -> Option<Diagnostic> {
    node.plain_text()?;
    let written = text.get(node.span.start..node.span.end)?;
    let mut offset = node.span.start;
    for line in written.split_inclusive(['\n', '\r']) {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if offset > node.span.start && line.get(indent..)?.starts_with("- ") {
            let place = Span::new(offset + indent, offset + indent + 1);
            let message = "this line looks like an item of a list but continues the text above";
            let help = "indent it like the items it belongs to, or put the whole text in quotes";
            return Some(Diagnostic::error("item-in-text", place, message).help(help));
        }
        offset += line.len();
    }
    None
}

/// A plain text that goes on after ` #`, which begins a comment: `Item #5` is `Item`.
///
/// A blank after `#` shows that a comment is meant.
pub(super) fn cut_by_comment(text: &str, node: &Node) -> Option<Diagnostic> {
    let piece = node.plain_text().filter(|piece| !piece.is_empty())?;
    let rest = text.get(node.span.end..)?;
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let comment = rest.get(blanks..)?.strip_prefix('#')?;
    if !comment.starts_with(char::is_alphanumeric) {
        return None;
    }
    let comment = comment.split(['\n', '\r']).next().unwrap_or("").trim_end();
    let span = Span::new(node.span.end + blanks, node.span.end + blanks + 1 + comment.len());
    let message = format!("`{}` is a comment, the text before it ends", excerpt(&format!("#{comment}")));
    let short = piece.chars().count() + comment.chars().count() <= 80 && !piece.contains('\n');
    let help = if short {
        let meant = quoted(&format!("{piece}{}#{comment}", rest.get(..blanks)?));
        format!("if it belongs to the text write {meant}, otherwise put a blank after the `#`")
    } else {
        "if it belongs to the text put the whole in quotes, otherwise put a blank after the `#`".to_owned()
    };
    Some(Diagnostic::warning("comment-in-text", span, message).help(help))
}

/// A tab before the first thing of a line in block style.
pub(super) fn tab_before(text: &str, start: usize) -> Option<Diagnostic> {
    let before = text.get(..start)?;
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let indent = before.get(line_start..)?;
    let tab = indent.find('\t')?;
    indent
        .chars()
        .all(|character| matches!(character, ' ' | '\t' | '-' | '?'))
        .then(|| tab_indentation(Span::new(line_start + tab, line_start + tab + 1)))
}

pub(super) fn tab_indentation(span: Span) -> Diagnostic {
    Diagnostic::error("tab-indentation", span, "a tab is used for indentation")
        .help("indent with blanks; only inside braces and brackets, so in JSON, tabs may stand")
}

/// A key that was there before.
pub(super) fn duplicate(name: &str, first: Span, again: Span) -> Diagnostic {
    Diagnostic::error("duplicate-key", again, format!("the key `{}` is there twice", excerpt(name)))
        .related(first, "first here")
        .help("remove one of them")
}

/// A character that no document may hold unescaped.
pub(super) fn unprintable(text: &str) -> Option<Diagnostic> {
    let (at, character) = text.char_indices().find(|(_, character)| !is_printable(*character))?;
    let message =
        format!("the invisible character U+{:04X} may not stand in a document", u32::from(character));
    let help = format!("remove it, or write it in double quotes as `\"{}\"`", escape(character));
    let span = Span::new(at, at + character.len_utf8());
    Some(Diagnostic::error("control-character", span, message).help(help))
}

/// A text of several lines without a line: `a: >` means the empty text.
pub(super) fn empty_block(text: &str, span: Span) -> Option<Diagnostic> {
    // The parser's place is the header at the end of a text, and what follows it elsewhere.
    let begins_here = text.get(span.start..)?.starts_with(['|', '>']);
    let at = if begins_here { span.start } else { text.get(..span.start)?.rfind(['|', '>'])? };
    let indicator = text.get(at..=at)?;
    let message = format!("`{indicator}` begins a text of several lines, but none follows");
    let help = format!("write '{indicator}' if the character is meant, `''` for the empty text");
    Some(Diagnostic::error("empty-block", Span::new(at, at + 1), message).help(help))
}

fn as_text(text: &str, start: usize, in_flow: bool) -> Option<String> {
    quoted_at(text, start, in_flow).map(|meant| format!("write it in quotes: {meant}"))
}

fn text_or_repeat(text: &str, start: usize, in_flow: bool) -> String {
    let meant = as_text(text, start, in_flow).unwrap_or_else(|| "put a text in quotes".to_owned());
    format!("{meant}; anchors and aliases are not read, repeat the content instead")
}

/// How many parentheses stay open in a text, if any.
fn unclosed(piece: &str, open: usize) -> Option<usize> {
    let open = piece.chars().fold(open, |open, character| match character {
        '(' => open + 1,
        ')' => open.saturating_sub(1),
        _ => open,
    });
    (open > 0).then_some(open)
}
