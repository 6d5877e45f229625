//! What a node means to a reader who asks for text, a truth value, a number, items or entries.
//!
//! The only place that gives scalars a type, and it never guesses: `yes`, `on` and `0x1F` are words,
//! a quoted number is text. Each refusal says what was found, what was expected and what to write.
//! The doors are the `as_` accessors of [`Node`].

use super::Document;
use super::diagnostic::{Diagnostic, excerpt};
use super::node::{Entry, Node, NodeKind, ScalarStyle};
use super::source::Span;

const CODE: &str = "wrong-kind";

/// What a scalar says where no schema tells what is expected: JSON's kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literal<'n> {
    /// Plain `null` or `~`, or left out.
    Null,
    /// Plain `true` or `false`.
    Bool(bool),
    /// A plain number of JSON's grammar, as written: `1.10` and `1e400` stay what they are.
    Number(&'n str),
    /// Anything else, so `007`, `+1`, `.5` and everything in quotes.
    Text(&'n str),
}

impl Node {
    /// The text of a scalar; numbers and words give their characters.
    ///
    /// Refuses nothing (a plain `null` or `~`, a value left out), sequences and mappings.
    pub fn as_str(&self) -> Result<&str, Diagnostic> {
        match self.text() {
            Some(text) if !self.is_null() => Ok(text),
            Some("") | None => Err(self.refused("text")),
            Some(word) => {
                Err(self.refused("text").help(format!("write `\"{word}\"` if the text `{word}` is meant")))
            }
        }
    }

    /// A plain `true` or `false`. `yes`, `no`, `on`, `off` and other cases are words.
    pub fn as_bool(&self) -> Result<bool, Diagnostic> {
        match self.plain_text() {
            Some("true") => return Ok(true),
            Some("false") => return Ok(false),
            _ => {}
        }
        let refused = self.refused("`true` or `false`");
        let word = self.text().unwrap_or("").to_lowercase();
        Err(match word.as_str() {
            "true" | "yes" | "on" | "y" => refused.help("write `true` without quotes"),
            "false" | "no" | "off" | "n" => refused.help("write `false` without quotes"),
            _ => refused,
        })
    }

    /// A plain number of JSON's grammar, as written; never passed through a float.
    pub fn as_number(&self) -> Result<&str, Diagnostic> {
        match self.plain_text() {
            Some(text) if is_number(text) => Ok(text),
            _ => Err(self.refused_number("a number")),
        }
    }

    /// A plain whole number from 0 on, in digits only.
    pub fn as_u64(&self) -> Result<u64, Diagnostic> {
        let whole = self.plain_text().filter(|text| is_whole(text) && !text.starts_with('-'));
        let Some(text) = whole else { return Err(self.refused_number("a whole number from 0 on")) };
        text.parse().map_err(|_| self.refused(&format!("a whole number of at most {}", u64::MAX)))
    }

    /// A plain whole number, in digits with at most a `-` before them.
    pub fn as_i64(&self) -> Result<i64, Diagnostic> {
        let whole = self.plain_text().filter(|text| is_whole(text));
        let Some(text) = whole else { return Err(self.refused_number("a whole number")) };
        text.parse()
            .map_err(|_| self.refused(&format!("a whole number between {} and {}", i64::MIN, i64::MAX)))
    }

    /// What a scalar says by itself; refuses sequences and mappings.
    pub fn as_literal(&self) -> Result<Literal<'_>, Diagnostic> {
        let Some(text) = self.text() else { return Err(self.refused("a single value")) };
        Ok(match self.plain_text() {
            Some("" | "~" | "null") => Literal::Null,
            Some("true") => Literal::Bool(true),
            Some("false") => Literal::Bool(false),
            Some(plain) if is_number(plain) => Literal::Number(plain),
            _ => Literal::Text(text),
        })
    }

    /// The items of a sequence.
    pub fn as_sequence(&self) -> Result<&[Node], Diagnostic> {
        match &self.kind {
            NodeKind::Sequence(items) => Ok(items),
            _ => Err(self.refused("a list").maybe_help(match self.text() {
                Some(text) if !self.is_null() && text.chars().count() <= 40 => {
                    Some(format!("write `[{}]` for a list of one", written(self, text)))
                }
                _ => None,
            })),
        }
    }

    /// The entries of a mapping as they were read.
    pub fn as_mapping(&self) -> Result<&[(Node, Node)], Diagnostic> {
        match &self.kind {
            NodeKind::Mapping(entries) => Ok(entries),
            _ => Err(self.refused("a mapping of `key: value`").maybe_help(missing_blank(self))),
        }
    }

    /// The entries of a mapping with the texts of their keys, in order.
    pub fn entries(&self) -> Result<impl Iterator<Item = Entry<'_>>, Diagnostic> {
        let entries = self.as_mapping()?;
        Ok(entries.iter().map(|(key, value)| Entry { name: key.text().unwrap_or(""), key, value }))
    }

    /// What this node is, in words for a message: ``the text `abc` ``, `a list of 3 items`, `nothing`.
    pub fn description(&self) -> String {
        match &self.kind {
            NodeKind::Scalar { text, style: ScalarStyle::Plain } => match self.as_literal() {
                Ok(Literal::Null) if text.is_empty() => "nothing".to_owned(),
                Ok(Literal::Null) => format!("nothing (`{text}`)"),
                Ok(Literal::Bool(truth)) => format!("`{truth}`"),
                Ok(Literal::Number(digits)) => format!("the number `{}`", excerpt(digits)),
                _ => format!("the text `{}`", excerpt(text)),
            },
            NodeKind::Scalar { text, style: ScalarStyle::Block } => format!("the text `{}`", excerpt(text)),
            NodeKind::Scalar { text, .. } => format!("the quoted text `{}`", excerpt(text)),
            NodeKind::Sequence(items) => format!("a list of {}", counted(items.len(), "item", "items")),
            NodeKind::Mapping(entries) => {
                format!("a mapping of {}", counted(entries.len(), "entry", "entries"))
            }
        }
    }

    /// The finding that this node is not what was expected.
    ///
    /// `expected` completes the sentence "expected ..., found ...". For consumers whose expectation
    /// no accessor covers.
    pub fn refused(&self, expected: &str) -> Diagnostic {
        Diagnostic::error(CODE, self.span, format!("expected {expected}, found {}", self.description()))
    }

    fn refused_number(&self, expected: &str) -> Diagnostic {
        self.refused(expected).maybe_help(number_help(self))
    }
}

/// The spelling that was probably meant by something that nearly is a number.
fn number_help(node: &Node) -> Option<String> {
    let text = node.text()?;
    if node.plain_text().is_none() {
        return is_number(text).then(|| format!("write `{text}` without quotes"));
    }
    let digits: String = text.chars().filter(|character| !matches!(character, '_' | '\'' | ' ')).collect();
    let digits = digits.strip_prefix('+').unwrap_or(&digits);
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let meant = format!("{sign}{}", if digits.is_empty() { "0" } else { digits });
    (meant != text && meant != "-0").then(|| format!("write `{meant}`"))
}

/// `a:1` where a mapping was expected.
fn missing_blank(node: &Node) -> Option<String> {
    let (key, value) = node.plain_text()?.split_once(':')?;
    let short = node.plain_text()?.chars().count() <= 60;
    (short && !key.is_empty() && !value.is_empty() && !value.starts_with(' '))
        .then(|| format!("put a blank after the colon: `{key}: {value}`"))
}

fn written(node: &Node, text: &str) -> String {
    match node.kind {
        NodeKind::Scalar { style: ScalarStyle::Plain, .. } if !text.contains([',', '[', ']', '{', '}']) => {
            text.to_owned()
        }
        _ => super::spelling::quoted(text),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Digits without a leading zero, with at most a `-` before them.
fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let led_by_zero = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && !led_by_zero && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// JSON's grammar of numbers: a whole number, perhaps a fraction, perhaps an exponent.
fn is_number(text: &str) -> bool {
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_whole(whole) && fraction.is_none_or(all_digits) && exponent.is_none_or(all_digits)
}

/// The first character of a node that may be long, for findings about the whole of it.
pub(super) fn beginning(document: &Document, node: &Node) -> Span {
    let first = document.slice(node.span).chars().next().map_or(0, char::len_utf8);
    Span::new(node.span.start, node.span.start + first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Literal, is_number};
    use crate::document::Document;

    fn read(text: &str) -> Document {
        Document::parse("t", text).unwrap()
    }

    #[test]
    fn words_that_other_readers_take_for_truth_values_are_words() {
        for word in ["no", "yes", "on", "off", "y", "n", "True", "TRUE", "Null", "NULL", "nil", "None"] {
            let document = read(word);
            assert_eq!(document.root().as_str(), Ok(word));
            assert!(document.root().as_bool().is_err());
            assert!(!document.root().is_null());
            assert_eq!(document.root().as_literal(), Ok(Literal::Text(word)));
        }
    }

    #[test]
    fn the_refusal_of_a_word_says_what_to_write() {
        let refused = read("yes").root().as_bool().unwrap_err();
        assert_eq!(refused.message, "expected `true` or `false`, found the text `yes`");
        assert_eq!(refused.help.as_deref(), Some("write `true` without quotes"));
        let refused = read("\"false\"").root().as_bool().unwrap_err();
        assert_eq!(refused.message, "expected `true` or `false`, found the quoted text `false`");
        assert_eq!(refused.help.as_deref(), Some("write `false` without quotes"));
    }

    #[test]
    fn only_three_spellings_are_nothing_and_only_without_quotes() {
        for nothing in ["a:", "a: ~", "a: null", "a: # a comment"] {
            let document = read(nothing);
            let value = document.root().get("a").unwrap();
            assert!(value.is_null(), "{nothing}");
            assert!(value.as_str().is_err());
        }
        for text in ["a: ''", "a: \"~\"", "a: 'null'"] {
            assert!(!read(text).root().get("a").unwrap().is_null(), "{text}");
        }
        let document = read("a: null");
        let refused = document.root().get("a").unwrap().as_str().unwrap_err();
        assert_eq!(refused.message, "expected text, found nothing (`null`)");
        assert_eq!(refused.help.as_deref(), Some("write `\"null\"` if the text `null` is meant"));
    }

    #[test]
    fn whole_numbers_are_digits_and_near_misses_hear_the_spelling_that_works() {
        let ask = |text: &str| read(text).root().as_u64().map_err(|refused| refused.help);
        assert_eq!(ask("0"), Ok(0));
        assert_eq!(ask("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(ask("18446744073709551616"), Err(None));
        assert_eq!(ask("007"), Err(Some("write `7`".to_owned())));
        assert_eq!(ask("+5"), Err(Some("write `5`".to_owned())));
        assert_eq!(ask("1_000"), Err(Some("write `1000`".to_owned())));
        assert_eq!(ask("'12'"), Err(Some("write `12` without quotes".to_owned())));
        assert_eq!(ask("-1"), Err(None));
        assert_eq!(ask("1.0"), Err(None));
        assert_eq!(ask("0x10"), Err(None));
        assert_eq!(ask("-"), Err(None));
        assert_eq!(read("-5").root().as_i64(), Ok(-5));
        assert_eq!(read("-9223372036854775808").root().as_i64(), Ok(i64::MIN));
        assert!(read("9223372036854775808").root().as_i64().is_err());
    }

    #[test]
    fn a_list_or_mapping_that_is_missing_says_how_to_write_one() {
        let refused = read("a, b").root().as_sequence().unwrap_err();
        assert_eq!(refused.help.as_deref(), Some("write `['a, b']` for a list of one"));
        let refused = read("[a:1]").root().as_sequence().unwrap()[0].as_mapping().unwrap_err();
        assert_eq!(refused.message, "expected a mapping of `key: value`, found the text `a:1`");
        assert_eq!(refused.help.as_deref(), Some("put a blank after the colon: `a: 1`"));
        let refused = read("[1, 2]").root().as_str().unwrap_err();
        assert_eq!(refused.message, "expected text, found a list of 2 items");
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_json(text in "[-+]?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][-+]?[0-9]{0,4})?") {
            let known = serde_json::from_str::<Box<serde_json::value::RawValue>>(&text).is_ok();
            prop_assert_eq!(is_number(&text), known);
        }
    }
}
