//! The spelling that works: what an author probably meant, in quotes.
//!
//! Looks at the text around a place, not at the tree, because the tree could not be read. A guess is
//! only ever shown as help. The doors are [`quoted`] and [`quoted_at`].

/// Longer values are not repeated in a help.
const SUGGESTION_CHARACTERS_MAX: usize = 80;

/// `text` in quotes: single ones where they need no escapes.
pub(super) fn quoted(text: &str) -> String {
    let single = !text.contains('\'');
    let double = !text.contains(['"', '\\']);
    if text.contains(|character: char| character.is_control() || !is_printable(character)) {
        return escaped(text);
    }
    match (single, double) {
        (true, _) => format!("'{text}'"),
        (false, true) => format!("\"{text}\""),
        (false, false) => format!("'{}'", text.replace('\'', "''")),
    }
}

/// Whether a character may stand in a document as itself: YAML's `c-printable`.
///
/// JSON has a few more, the controls from U+007F to U+009F and the two noncharacters U+FFFE and
/// U+FFFF; the parser refuses them even in quotes, so they have to be escaped there.
pub(super) fn is_printable(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => !other.is_control(),
    }
}

/// The escape of a character in double quotes.
pub(super) fn escape(character: char) -> String {
    match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        other => match u32::from(other) {
            code @ ..0x100 => format!("\\x{code:02X}"),
            code @ ..0x1_0000 => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        },
    }
}

/// `text` in double quotes with escapes.
fn escaped(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '\u{fffe}' | '\u{ffff}' => quoted.push_str(&escape(character)),
            control if control.is_control() => quoted.push_str(&escape(control)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// The value or key that starts at `start`, in quotes; none when nothing sensible is there.
///
/// It ends with its line, or in braces and brackets at a comma or a closing one outside parentheses,
/// and a key ends at its colon.
pub(super) fn quoted_at(text: &str, start: usize, in_flow: bool) -> Option<String> {
    let (before, rest) = around(text, start)?;
    let in_flow = in_flow || open_brackets(before) > 0;
    let is_key = is_key_place(before) || (in_flow && before.trim_end().ends_with(['{', ',']));
    let value = rest.get(..length(rest, in_flow, is_key))?.trim();
    let sensible = !value.is_empty() && value.chars().count() <= SUGGESTION_CHARACTERS_MAX;
    sensible.then(|| quoted(value))
}

/// The text of the line before and from `offset`.
pub(super) fn around(text: &str, offset: usize) -> Option<(&str, &str)> {
    let (before, after) = text.split_at_checked(offset)?;
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let end = after.find(['\n', '\r']).unwrap_or(after.len());
    Some((before.get(start..)?, after.get(..end)?))
}

/// Where in a line the value begins whose middle is at `before.len()`: after the first `: ` outside
/// quotes, or after the dashes of lists.
pub(super) fn value_start(before: &str) -> usize {
    let mut start = before.len() - before.trim_start_matches([' ', '\t', '\u{feff}']).len();
    while let Some(rest) = before.get(start..).and_then(|rest| rest.strip_prefix("- ")) {
        start = before.len() - rest.trim_start_matches(' ').len();
    }
    let line = before.get(start..).unwrap_or("");
    let mut quote = None;
    let mut previous = ' ';
    for (at, character) in line.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'') && at == 0 => quote = Some(character),
            None if character == ' ' && previous == ':' => {
                let rest = line.get(at..).unwrap_or("");
                return start + at + (rest.len() - rest.trim_start_matches(' ').len());
            }
            None => {}
        }
        previous = character;
    }
    start
}

fn is_key_place(before: &str) -> bool {
    before.chars().all(|character| matches!(character, ' ' | '\t' | '-' | '?' | '\u{feff}'))
}

/// Brackets and braces of a line that are open at its end, quotes not regarded.
pub(super) fn open_brackets(before: &str) -> usize {
    before.chars().fold(0usize, |open, character| match character {
        '[' | '{' => open + 1,
        ']' | '}' => open.saturating_sub(1),
        _ => open,
    })
}

fn length(rest: &str, in_flow: bool, is_key: bool) -> usize {
    let mut parentheses = 0usize;
    // Where it ends if parentheses turn out to be no pairs.
    let mut first_end = None;
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let ends_word = characters.peek().is_none_or(|(_, next)| *next == ' ');
        let ends = match character {
            '(' => {
                parentheses += 1;
                false
            }
            ')' => {
                parentheses = parentheses.saturating_sub(1);
                false
            }
            ',' | ']' | '}' => in_flow && at > 0,
            ':' => is_key && ends_word,
            _ => false,
        };
        if ends && parentheses == 0 {
            return at;
        }
        if ends {
            first_end = first_end.or(Some(at));
        }
    }
    first_end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{quoted, quoted_at, value_start};
    use crate::document::Document;

    #[test]
    fn quotes_are_chosen_so_that_no_escape_is_needed_where_possible() {
        assert_eq!(quoted("50%"), "'50%'");
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("it's \"so\""), "'it''s \"so\"'");
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
    }

    proptest! {
        #[test]
        fn what_is_suggested_reads_back_as_the_text(
            text in prop_oneof![any::<String>(), "[a'\"\\\\\n\t \u{0}\u{7f}\u{85}\u{fffe}\u{feff}]{0,6}"],
        ) {
            for spelling in [format!("a: {}", quoted(&text)), format!("[{}]", quoted(&text))] {
                let document = Document::parse("t", &spelling).unwrap();
                let read = document.root().get("a").or_else(|| document.root().as_sequence().ok()?.first());
                prop_assert_eq!(read.unwrap().text(), Some(text.as_str()));
            }
        }
    }

    #[test]
    fn a_value_ends_where_its_author_would_end_it() {
        assert_eq!(quoted_at("a: @x y", 3, false).as_deref(), Some("'@x y'"));
        assert_eq!(quoted_at("- @x: y", 2, false).as_deref(), Some("'@x'"));
        assert_eq!(quoted_at("{a: @x, b: c}", 4, false).as_deref(), Some("'@x'"));
        assert_eq!(quoted_at("[x in (A, B), y]", 1, true).as_deref(), Some("'x in (A, B)'"));
        assert_eq!(quoted_at("a: ", 3, false), None);
        assert_eq!(quoted_at("ä", 1, false), None);
    }

    #[test]
    fn a_value_begins_behind_its_key() {
        assert_eq!(value_start("a: b"), 3);
        assert_eq!(value_start("  - - a b:  c"), 12);
        assert_eq!(value_start("'x: y': z"), 8);
        assert_eq!(value_start("\"Foo\" bar"), 0);
        assert_eq!(value_start("- \"Foo\" bar"), 2);
    }
}
