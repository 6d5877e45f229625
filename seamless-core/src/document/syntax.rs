//! What the parser refuses, in words that say what to write.
//!
//! Looks at the parser's reason and at the text around its place. Knows nothing of the tree. The door
//! is [`explain`].

use granit_parser::{ErrorKind, ScanError};

use super::diagnostic::{Diagnostic, excerpt};
use super::limits::{DEPTH_MAX, KEY_CHARACTERS_MAX};
use super::source::{Span, floor_boundary};
use super::spelling::{around, open_brackets, quoted, quoted_at, value_start};
use super::traps;

/// The finding for a parser's refusal. `in_flow` tells whether braces or brackets are open.
pub(super) fn explain(text: &str, error: &ScanError, in_flow: bool) -> Diagnostic {
    let finding = reason(text, error, in_flow);
    // Nobody is left without anything to do, also where nothing better is known.
    let help = finding.help.clone().unwrap_or_else(|| ANYWHERE.to_owned());
    finding.help(help)
}

/// What is worth trying whatever the parser stumbled over.
const ANYWHERE: &str = "put texts that hold signs of YAML in quotes, and close every bracket and quote above";

fn reason(text: &str, error: &ScanError, in_flow: bool) -> Diagnostic {
    let at = floor_boundary(text, error.marker().byte_offset().unwrap_or(text.len()));
    let place = character_at(text, at);
    let quote_it = || quoted_at(text, at, in_flow).map(|meant| format!("write it in quotes: {meant}"));
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(place),
        ErrorKind::UnexpectedCharacter { character } => reserved(*character, place).maybe_help(quote_it()),
        ErrorKind::DirectiveDisallowed => {
            Diagnostic::error("reserved-character", place, "a line cannot begin with `%`").help(
                quote_it().map_or_else(
                    || "directives such as `%YAML` are not read".to_owned(),
                    |help| format!("{help}; directives such as `%YAML` are not read"),
                ),
            )
        }
        ErrorKind::MissingAnchorOrAliasName => {
            let character = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('*');
            reserved(character, place).maybe_help(quote_it())
        }
        ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator => leading_indicator(text, at, in_flow),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            let help = if in_flow || around(text, at).is_some_and(|(before, _)| open_brackets(before) > 0) {
                Some(
                    "a `,` or `:` is missing before it, or the whole text needs the other kind of quotes"
                        .to_owned(),
                )
            } else {
                whole_value(text, at).map(|meant| format!("quote the whole text: {meant}"))
            };
            Diagnostic::error("text-after-quotes", place, "there is text after the closing quote")
                .maybe_help(help)
        }
        ErrorKind::UnclosedQuotedScalar => unclosed_quote(text, at, in_flow),
        ErrorKind::UnclosedFlowCollection { open } => {
            let close = if *open == '[' { ']' } else { '}' };
            let help = format!(
                "add `{close}`, or put a text that begins with `{open}` in quotes; ` #` begins a comment even here"
            );
            Diagnostic::error("unclosed-bracket", place, format!("`{open}` is never closed")).help(help)
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            Diagnostic::error("unclosed-bracket", place, format!("`{open}` is closed by `{close}`"))
                .help("close in the reverse order of opening; texts that hold brackets need quotes")
        }
        ErrorKind::MisplacedFlowCollectionEnd => {
            Diagnostic::error("reserved-character", place, "this bracket closes nothing")
                .maybe_help(quote_it())
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate
        | ErrorKind::InvalidUnicodeEscape => {
            Diagnostic::error("escape", place, "this text in double quotes holds an escape that is none")
                .help("write a backslash as `\\\\`, or use single quotes, where nothing is escaped")
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => tab(text, at, place),
        ErrorKind::BomInsideDocument => {
            Diagnostic::error("byte-order-mark", place, "a byte order mark stands inside the document")
                .help("remove the invisible character U+FEFF; it is common where files were joined")
        }
        ErrorKind::MappingValueNotAllowed => value_not_allowed(text, at, place),
        ErrorKind::CommentInterceptedScalar => comment_inside_text(place),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedBlockSequenceEntry => stray(text, at, place),
        ErrorKind::SimpleKeyExpected => {
            Diagnostic::error("missing-colon", line_rest(text, at), "a `:` is missing")
                .help("write `key: value`; a text over several lines is indented deeper than its key")
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            separator(text, at, place)
        }
        ErrorKind::ExpectedDocumentStart
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent => {
            Diagnostic::error("indentation", place, "this line is indented less than what it belongs to")
                .help("give entries of one mapping or list the same indentation")
        }
        ErrorKind::InvalidColonPlacement | ErrorKind::FlowMappingValueAdjacentCollection => {
            Diagnostic::error("colon", place, "inside brackets a `:` cannot stand here")
                .help("a bracket above may not be closed; ` #` begins a comment even inside brackets")
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEof
        | ErrorKind::ExpectedNodeContent
            if !place.is_empty() =>
        {
            Diagnostic::error("missing-value", place, "a value is missing before this").help(
                "remove what is too much; a text that begins with it needs quotes, `''` is the empty text",
            )
        }
        other => Diagnostic::error("syntax", place, other.to_string()),
    }
}

/// The finding for nesting beyond [`DEPTH_MAX`].
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("depth", span, format!("lists and mappings are nested deeper than {DEPTH_MAX}"))
        .help("split the document; no document of this project needs such a depth")
}

fn reserved(character: char, place: Span) -> Diagnostic {
    let message = match character {
        '`' => "a text cannot begin with a backtick".to_owned(),
        _ => format!("a text cannot begin with `{character}`"),
    };
    Diagnostic::error("reserved-character", place, message)
}

/// `> 5`, `| x`, `? x` and `- x` where a value is.
fn leading_indicator(text: &str, at: usize, in_flow: bool) -> Diagnostic {
    let character = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('-');
    let message = match character {
        '>' | '|' => {
            format!("`{character}` begins a text of several lines, so nothing may follow it on its line")
        }
        '-' => "a list cannot begin on the line of its key".to_owned(),
        _ => format!("a text cannot begin with `{character}`"),
    };
    let meant =
        quoted_at(text, at, in_flow).map(|meant| format!("if it is a text write it in quotes: {meant}"));
    let help = match (character, meant) {
        ('-', Some(meant)) => Some(format!("put each `- item` on a line of its own; {meant}")),
        (_, meant) => meant,
    };
    Diagnostic::error("reserved-character", character_at(text, at), message).maybe_help(help)
}

fn unclosed_quote(text: &str, at: usize, in_flow: bool) -> Diagnostic {
    let quote = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('"');
    let meant = quoted_at(text, at, in_flow);
    let help = match meant {
        Some(meant) => format!("add the closing quote, or if the text begins with it write {meant}"),
        None => "add the closing quote".to_owned(),
    };
    Diagnostic::error(
        "unclosed-quote",
        character_at(text, at),
        format!("the quote `{quote}` is never closed"),
    )
    .help(help)
}

/// A colon where no key can be: a second one on the line, or a line that continues the one above.
fn value_not_allowed(text: &str, at: usize, place: Span) -> Diagnostic {
    let Some((before, _)) = around(text, at) else {
        return Diagnostic::error("colon", place, "a `:` cannot stand here");
    };
    if before.chars().count() > KEY_CHARACTERS_MAX {
        return key_too_long(place);
    }
    let start = value_start(before);
    let key_on_this_line = before.get(..start).is_some_and(|head| head.trim_end().ends_with(':'));
    if key_on_this_line {
        let help = whole_value(text, at)
            .map(|meant| format!("if it belongs to the text write it in quotes: {meant}"));
        return Diagnostic::error("colon", place, "there is a second `: ` in this entry").maybe_help(help);
    }
    Diagnostic::error("indentation", place, "this line continues the text of the line above, so it cannot have a key")
        .help("indent it like the entries it belongs to; the line above may lack its `: `, or its value needs quotes")
}

/// Something where the next entry should begin: text behind brackets, behind a comment, or
/// indented like nothing before.
fn stray(text: &str, at: usize, place: Span) -> Diagnostic {
    let before = around(text, at).map_or("", |(before, _)| before);
    if before.trim_end().ends_with([']', '}']) {
        let help = whole_value(text, at).map(|meant| format!("quote the whole text: {meant}"));
        return Diagnostic::error("text-after-bracket", place, "there is text after the closing bracket")
            .maybe_help(help);
    }
    let line_above = text.get(..at - before.len()).and_then(|above| above.lines().next_back()).unwrap_or("");
    if line_above.trim_start().starts_with('#') && !before.is_empty() {
        return comment_inside_text(place);
    }
    Diagnostic::error("indentation", place, "this is neither an entry of the mapping or list above nor part of it")
        .help("give entries of one mapping or list the same indentation, and write them as `key: value` or `- item`")
}

fn separator(text: &str, at: usize, place: Span) -> Diagnostic {
    let long = text
        .get(at.saturating_sub(KEY_CHARACTERS_MAX)..at)
        .is_some_and(|key| !key.contains(['\n', '\r', ',']));
    if long && at > KEY_CHARACTERS_MAX && text.get(at..).is_some_and(|rest| rest.starts_with(':')) {
        return key_too_long(place);
    }
    Diagnostic::error("missing-comma", place, "a comma or the closing bracket is missing before this")
        .help("separate with `,`, and put texts that hold brackets, quotes or `: ` in quotes")
}

fn key_too_long(place: Span) -> Diagnostic {
    Diagnostic::error(
        "key-length",
        place,
        format!("the key before this is longer than {KEY_CHARACTERS_MAX} characters"),
    )
    .help("give it a shorter key; a long text is a value, behind a key and a `:`")
}

fn comment_inside_text(place: Span) -> Diagnostic {
    Diagnostic::error(
        "comment-in-text",
        place,
        "the text above ended at the comment, so it cannot go on here",
    )
    .help("move the comment away, or put the whole text in quotes")
}

/// The tab of the line that was refused: the parser's place is often beside it.
fn tab(text: &str, at: usize, place: Span) -> Diagnostic {
    let lines = [at, text.get(at..).and_then(|rest| rest.find('\n')).map_or(at, |feed| at + feed + 1)];
    for offset in lines {
        let Some((before, rest)) = around(text, offset) else { continue };
        let start = offset - before.len();
        let line = text.get(start..offset + rest.len()).unwrap_or("");
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent).and_then(|indent| indent.find('\t')) {
            return traps::tab_indentation(Span::new(start + tab, start + tab + 1));
        }
    }
    Diagnostic::error("tab-indentation", place, "a tab cannot stand here").help("write blanks in its place")
}

/// The value of the line that holds `at`, all of it, in quotes.
fn whole_value(text: &str, at: usize) -> Option<String> {
    let (before, rest) = around(text, at)?;
    let value = format!("{before}{rest}");
    let value = value.get(value_start(before)..)?.trim();
    // Quotes around the whole were meant to be quotes: `'it's'` is the text `it's`.
    let value = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    (!value.is_empty() && value.chars().count() <= 80).then(|| quoted(value))
}

fn character_at(text: &str, at: usize) -> Span {
    let length = text.get(at..).and_then(|rest| rest.chars().next());
    let length = length.filter(|character| !matches!(character, '\n' | '\r')).map_or(0, char::len_utf8);
    Span::new(at, at + length)
}

fn line_rest(text: &str, at: usize) -> Span {
    let length = around(text, at).map_or(0, |(_, rest)| rest.trim_end().len());
    Span::new(at, at + length)
}

/// The finding for a text that is not UTF-8 from byte `at` on.
pub(super) fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let message = match bytes.get(at) {
        Some(byte) => format!("the byte 0x{byte:02X} at offset {at} is not UTF-8"),
        None => format!("the text ends inside a character at offset {at}"),
    };
    let help = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the file is in UTF-16, save it as UTF-8",
        _ => "save the file as UTF-8; it is probably in an older encoding such as Windows-1252",
    };
    Diagnostic::error("not-utf8", Span::new(at, at + '\u{fffd}'.len_utf8()), excerpt(&message)).help(help)
}
