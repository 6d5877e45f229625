//! Conditions: `statecode == 0 and not blank(name)`, compiled to the core's tree.
//!
//! Grammar, loosest first: `or` (`||`), `and` (`&&`), `not` (`!`), then a comparison `field == value` (also `!=` `<`
//! `<=` `>` `>=`), `field in [value, ..]`, `blank(field)`, `true`, or a condition in parentheses. A field is a bare
//! word, or stands in backticks or double quotes: `` `Credit Limit (LCY)` > 0 ``. A value is a number, `true`, `false`,
//! a bare word, a text in single or double quotes, `${parameter}`, or `date(2024-01-31)`. Apart from bare words and
//! backticks this is a part of CEL.
//!
//! A text has at most [`SOURCE_BYTES_MAX`] bytes and is nested at most as deep as the core allows, so that reading,
//! evaluating and dropping it cannot exhaust the stack. The door is [`condition`].

use std::ops::Range;

use seamless_core::document::{Diagnostic, Node};
use seamless_core::model::{Comparison, Condition, DEPTH_MAX, FieldName, Value};

use super::sentence::Word;
use super::value::{Reader, bare};
use crate::words::{Piece, pieces};

/// Bytes of a condition at most: what a person still reads.
pub const SOURCE_BYTES_MAX: usize = 4096;

/// Reads a condition.
pub(crate) fn condition(reader: &Reader<'_>, node: &Node) -> Result<Condition, Diagnostic> {
    let text = node.as_str().map_err(|_| {
        node.refused("a condition").help("write it as one text; where YAML stumbles, below the key after `|`")
    })?;
    if text.len() > SOURCE_BYTES_MAX {
        let message = format!("the condition has {} bytes, more than {SOURCE_BYTES_MAX}", text.len());
        return Err(
            Diagnostic::error("condition-length", node.span, message).help("list values with `in [..]`")
        );
    }
    let at = |range: Range<usize>, message: String, help: Option<String>| {
        Diagnostic::error("condition", reader.document.span_in(node, range), message).maybe_help(help)
    };
    let tokens = tokens(text).map_err(|refusal| at(refusal.range, refusal.message, refusal.help))?;
    let mut parser = Parser { reader, node, tokens: &tokens, next: 0, end: text.len(), depth: 0 };
    let parsed = parser.any();
    let parsed = parsed.and_then(|condition| match parser.peek() {
        // A level of the text makes up to three levels of the tree.
        None if condition.depth() > DEPTH_MAX => Err(too_deep(0..text.len())),
        None => Ok(condition),
        Some(token) => Err(Refusal::new(
            token.range.clone(),
            "the condition ends before this",
            "join two conditions by `and` or `or`; put a name that holds a blank in backticks",
        )),
    });
    parsed.map_err(|refusal| at(refusal.range, refusal.message, refusal.help))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Open,
    Close,
    ListOpen,
    ListClose,
    Comma,
    And,
    Or,
    Not,
    In,
    Is(Comparison),
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Mark(Mark),
    /// A word as it stands.
    Bare(String),
    /// In backticks, or in double quotes where a field is meant.
    Quoted(String, char),
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

#[derive(Debug)]
struct Refusal {
    range: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Refusal {
    fn new(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { range, message: message.into(), help: Some(help.into()) }
    }
}

fn too_deep(range: Range<usize>) -> Refusal {
    let message = format!("the condition is nested deeper than {DEPTH_MAX}");
    Refusal::new(range, message, "list values with `in [..]`, or split it")
}

const MARKS: &[(&str, Mark)] = &[
    ("==", Mark::Is(Comparison::Equal)),
    ("!=", Mark::Is(Comparison::NotEqual)),
    ("<=", Mark::Is(Comparison::LessOrEqual)),
    (">=", Mark::Is(Comparison::GreaterOrEqual)),
    ("<", Mark::Is(Comparison::Less)),
    (">", Mark::Is(Comparison::Greater)),
    ("&&", Mark::And),
    ("||", Mark::Or),
    ("!", Mark::Not),
    ("(", Mark::Open),
    (")", Mark::Close),
    ("[", Mark::ListOpen),
    ("]", Mark::ListClose),
    (",", Mark::Comma),
];

fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let pieces = pieces(text, MARKS).map_err(|uncut| Refusal::new(uncut.range, uncut.message, uncut.help))?;
    let token = |(piece, range): (Piece<Mark>, Range<usize>)| {
        let kind = match piece {
            Piece::Sign(mark) => Kind::Mark(mark),
            Piece::Quoted(text, quote) => Kind::Quoted(text, quote),
            Piece::Bare(word) => match word.as_str() {
                "and" => Kind::Mark(Mark::And),
                "or" => Kind::Mark(Mark::Or),
                "not" => Kind::Mark(Mark::Not),
                "in" => Kind::Mark(Mark::In),
                _ => Kind::Bare(word),
            },
        };
        Token { kind, range }
    };
    Ok(pieces.into_iter().map(token).collect())
}

struct Parser<'a, 'd> {
    reader: &'a Reader<'d>,
    node: &'a Node,
    tokens: &'a [Token],
    next: usize,
    end: usize,
    depth: usize,
}

impl<'a> Parser<'a, '_> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn take_mark(&mut self, mark: Mark) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == Kind::Mark(mark));
        self.next += usize::from(found);
        found
    }

    fn here(&self) -> Range<usize> {
        self.peek().map_or(self.end..self.end, |token| token.range.clone())
    }

    fn any(&mut self) -> Result<Condition, Refusal> {
        let mut parts = vec![self.all()?];
        while self.take_mark(Mark::Or) {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, Refusal> {
        let mut parts = vec![self.unary()?];
        while self.take_mark(Mark::And) {
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, Condition::All))
    }

    fn unary(&mut self) -> Result<Condition, Refusal> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_deep(self.here()));
        }
        let condition = self.primary();
        self.depth -= 1;
        condition
    }

    fn primary(&mut self) -> Result<Condition, Refusal> {
        if self.take_mark(Mark::Not) {
            return Ok(Condition::Not(Box::new(self.unary()?)));
        }
        if self.take_mark(Mark::Open) {
            let inner = self.any()?;
            return self.closed(Mark::Close, ")").map(|()| inner);
        }
        let start = self.here();
        let is_call =
            matches!(self.tokens.get(self.next + 1), Some(token) if token.kind == Kind::Mark(Mark::Open));
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Bare(word)) if word == "blank" && is_call => {
                self.next += 2;
                let field = self.field()?;
                return self.closed(Mark::Close, ")").map(|()| Condition::Blank(field));
            }
            Some(Kind::Bare(word)) if is_call => {
                let message = format!("no function is called `{word}`");
                return Err(Refusal::new(
                    start,
                    message,
                    "there is `blank(field)`; put a name with parentheses in backticks",
                ));
            }
            Some(Kind::Bare(word)) if word == "true" && !self.compares_next() => {
                self.next += 1;
                return Ok(Condition::Always);
            }
            _ => {}
        }
        let field = self.field()?;
        match self.take().map(|token| &token.kind) {
            Some(Kind::Mark(Mark::Is(is))) => Ok(Condition::Compare { field, is: *is, value: self.value()? }),
            Some(Kind::Mark(Mark::In)) => Ok(Condition::OneOf { field, values: self.list()? }),
            _ => {
                self.next -= 1;
                let help = "compare it: `field == value`, `field in [a, b]` or `blank(field)`; put a name that holds \
                            a blank in backticks";
                Err(Refusal::new(self.here(), format!("after `{field}` a comparison is expected"), help))
            }
        }
    }

    fn compares_next(&self) -> bool {
        let next = self.tokens.get(self.next + 1);
        next.is_some_and(|token| matches!(token.kind, Kind::Mark(Mark::Is(_) | Mark::In)))
    }

    fn field(&mut self) -> Result<FieldName, Refusal> {
        let range = self.here();
        match self.take().map(|token| &token.kind) {
            Some(Kind::Bare(name)) => self.put_in(name, range).map(|name| match name {
                Value::Text(name) => FieldName::new(name),
                other => FieldName::from(other.to_string()),
            }),
            Some(Kind::Quoted(name, '`' | '"')) => Ok(FieldName::from(name.as_str())),
            _ => Err(Refusal::new(range, "a field is expected here", "put a hostile name in backticks")),
        }
    }

    fn list(&mut self) -> Result<Vec<Value>, Refusal> {
        if !self.take_mark(Mark::ListOpen) {
            return Err(Refusal::new(
                self.here(),
                "a list is expected after `in`",
                "write `field in [a, b]`",
            ));
        }
        let mut values = vec![self.value()?];
        while self.take_mark(Mark::Comma) {
            values.push(self.value()?);
        }
        self.closed(Mark::ListClose, "]").map(|()| values)
    }

    fn value(&mut self) -> Result<Value, Refusal> {
        let range = self.here();
        match self.take().map(|token| &token.kind) {
            Some(Kind::Quoted(text, '\'' | '"')) => self.put_in(text, range).map(|value| match value {
                Value::Text(_) => value,
                // In quotes even a parameter of another type is meant as text.
                other => Value::text(&other.to_string()),
            }),
            Some(Kind::Bare(word)) if word == "null" || word == "blank" => {
                Err(Refusal::new(range, format!("nothing is compared with `{word}`"), "write `blank(field)`"))
            }
            Some(Kind::Bare(word)) if word == "date" && self.take_mark(Mark::Open) => {
                let day = self.here();
                let date = match self.take().map(|token| &token.kind) {
                    Some(Kind::Bare(text) | Kind::Quoted(text, _)) => text.parse().ok().map(Value::Date),
                    _ => None,
                };
                let date = date.ok_or_else(|| Refusal::new(day, "not a date", "write `date(2024-01-31)`"))?;
                self.closed(Mark::Close, ")").map(|()| date)
            }
            Some(Kind::Bare(word)) => {
                let value = self.put_in(word, range)?;
                Ok(match value {
                    Value::Text(text) if !word.contains("${") => bare(&text),
                    value => value,
                })
            }
            _ => Err(Refusal::new(range, "a value is expected here", "put a text in single quotes")),
        }
    }

    fn put_in(&self, text: &str, range: Range<usize>) -> Result<Value, Refusal> {
        let word = Word { text: text.to_owned(), quoted: true, range };
        self.reader.word_value(self.node, &word).map_err(|finding| Refusal {
            range: word.range.clone(),
            message: finding.message,
            help: finding.help,
        })
    }

    fn closed(&mut self, mark: Mark, sign: &str) -> Result<(), Refusal> {
        if self.take_mark(mark) {
            return Ok(());
        }
        Err(Refusal::new(
            self.here(),
            format!("`{sign}` is expected here"),
            format!("close what is open with `{sign}`"),
        ))
    }
}

fn one_or(mut parts: Vec<Condition>, many: impl FnOnce(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Condition::Always,
    }
}

#[cfg(test)]
mod tests {
    use seamless_core::document::Document;
    use seamless_core::model::Sides;

    use super::super::parameters::Parameters;
    use super::super::value::Reader;
    use super::condition;

    fn read(text: &str) -> String {
        let document = Document::parse("t", &serde_json::to_string(text).unwrap()).unwrap();
        let parameters = Parameters::default();
        let reader = Reader { document: &document, sides: Sides::new("crm", "erp"), parameters: &parameters };
        match condition(&reader, document.root()) {
            Ok(condition) => condition.to_string(),
            Err(finding) => format!("{}; {}", finding.message, finding.help.unwrap_or_default()),
        }
    }

    #[test]
    fn conditions_are_read_as_written() {
        let table = [
            ("customertypecode == 3", "customertypecode == 3"),
            ("a == 1 and b != 2 or not blank(c)", "((a == 1) and (b != 2)) or (not (blank(c)))"),
            ("a == 1 && (b < 2.50 || !(c >= 'x y'))", "(a == 1) and ((b < 2.50) or (not (c >= \"x y\")))"),
            ("`Credit Limit (LCY)` > 0", "Credit Limit (LCY) > 0"),
            ("\"E-Mail 2\" == \"a@b\"", "E-Mail 2 == \"a@b\""),
            ("No. in [10, '10', 007, A-1, true]", "No. in [10, \"10\", \"007\", \"A-1\", yes]"),
            ("since >= date(2024-02-29)", "since >= 2024-02-29"),
            ("true", "always"),
            ("true == true", "true == yes"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_hears_why() {
        let table = [
            ("a = 1", "`=` compares nothing; write `==`"),
            ("a == 1 & b == 2", "`&` joins nothing; write `and` or `or`"),
            ("|", "`|` joins nothing; write `and` or `or`"),
            ("a == null", "nothing is compared with `null`; write `blank(field)`"),
            (
                "a == 1 b == 2",
                "the condition ends before this; join two conditions by `and` or `or`; put a name that holds a blank in backticks",
            ),
            (
                "empty(a)",
                "no function is called `empty`; there is `blank(field)`; put a name with parentheses in backticks",
            ),
            ("a in (1, 2)", "a list is expected after `in`; write `field in [a, b]`"),
            ("(a == 1", "`)` is expected here; close what is open with `)`"),
            ("a == 'x", "the quote ' is not closed; add ' at its end"),
            ("a == date(31.1.2024)", "not a date; write `date(2024-01-31)`"),
            ("a == ${x}", "no parameter is called `x`; declare it: `parameters: { x: { type: text } }`"),
            ("and", "a field is expected here; put a hostile name in backticks"),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), expected, "{text}");
        }
        assert!(read("a").starts_with("after `a` a comparison is expected"));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |depth: usize| format!("{}a == 1{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(read(&nested(10)), "a == 1");
        assert!(read(&nested(2000)).starts_with("the condition is nested deeper"));
        assert!(
            read(&format!("{}a == 1", "not ".repeat(1000))).starts_with("the condition is nested deeper")
        );
        assert!(read(&"a".repeat(5000)).starts_with("the condition has 5000 bytes"));
        let wide = vec!["a == 1"; 300].join(" or ");
        assert!(read(&wide).starts_with("(a == 1) or (a == 1)"));
    }

    proptest::proptest! {
        #[test]
        fn every_text_of_signs_is_answered(text in "[-ab ()\\[\\]=<>!&|\"'`,.$\\{\\}0-9]{1,40}") {
            proptest::prop_assert!(!read(&text).is_empty());
        }
    }
}
