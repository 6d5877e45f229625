//! Sentences such as `firstname + lastname <-> Contact Name`: names between operators.
//!
//! Operators stand alone between blanks, so that a name may hold anything, blanks too: `Phone No.`, `Credit Limit
//! (LCY)`, `E-Mail 2`, `Country/Region Code`. A name that holds an operator, or begins or ends with a blank, is put
//! in backticks or double quotes. Knows no meaning of the names. The doors are [`Sentence::parse`] and
//! [`has_operator`].

use std::ops::Range;

use seamless_core::document::{Diagnostic, Document, Node};

/// A name or value of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Whether it stood in quotes of the sentence: then it is a text, never a number or a keyword.
    pub(crate) quoted: bool,
    pub(crate) range: Range<usize>,
}

/// What stands between two groups of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Both,
    Right,
    Left,
    Equal,
}

impl Operator {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Operator::Both => "<->",
            Operator::Right => "->",
            Operator::Left => "<-",
            Operator::Equal => "=",
        }
    }
}

/// Two groups of words and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    pub(crate) left: Vec<Word>,
    pub(crate) operator: Operator,
    pub(crate) right: Vec<Word>,
    /// Where the operator stands in the text.
    pub(crate) at: Range<usize>,
}

/// Why a text is no sentence.
#[derive(Debug)]
pub(crate) struct NoSentence {
    range: Range<usize>,
    message: String,
    help: Option<String>,
}

enum Piece {
    Word(Word),
    Plus(Range<usize>),
    Operator(Operator, Range<usize>),
}

/// Whether a text holds one of the operators, outside quotes.
pub(crate) fn has_operator(text: &str, operators: &[Operator]) -> bool {
    let Ok(pieces) = pieces(text, operators) else { return false };
    pieces.iter().any(|piece| matches!(piece, Piece::Operator(..)))
}

impl Sentence {
    /// Reads a sentence in which one of the operators stands once. `expected` is an example for the help.
    pub(crate) fn parse(
        document: &Document,
        node: &Node,
        operators: &[Operator],
        expected: &str,
    ) -> Result<Self, Diagnostic> {
        // A sentence is wanted whatever YAML takes the scalar for: `1 <-> 30D` is plain text anyway.
        let text = node.text().ok_or_else(|| node.refused(&format!("a sentence such as `{expected}`")))?;
        Self::read(text, operators, expected).map_err(|NoSentence { range, message, help }| {
            Diagnostic::error("sentence", document.span_in(node, range), message).maybe_help(help)
        })
    }

    /// Reads a sentence from its text alone.
    pub(crate) fn read(text: &str, operators: &[Operator], expected: &str) -> Result<Self, NoSentence> {
        let like = || Some(format!("write it like `{expected}`"));
        let at = |range: Range<usize>, message: String, help| NoSentence { range, message, help };
        let pieces = pieces(text, operators).map_err(|(range, message)| at(range, message, like()))?;
        let mut sides: [Vec<Word>; 2] = [Vec::new(), Vec::new()];
        let mut operator = None;
        let mut word_expected = true;
        for piece in pieces {
            let [left, right] = &mut sides;
            let side = if operator.is_none() { left } else { right };
            match piece {
                Piece::Word(word) => {
                    side.push(word);
                    word_expected = false;
                }
                Piece::Plus(range) | Piece::Operator(_, range) if word_expected => {
                    let message =
                        format!("a name is missing before `{}`", text.get(range.clone()).unwrap_or(""));
                    return Err(at(range, message, like()));
                }
                Piece::Plus(_) => word_expected = true,
                Piece::Operator(_, range) if operator.is_some() => {
                    let message = "a sentence has one arrow, this is a second one".to_owned();
                    let help = Some("put a name that holds an arrow in backticks".to_owned());
                    return Err(at(range, message, help));
                }
                Piece::Operator(found, range) => {
                    operator = Some((found, range));
                    word_expected = true;
                }
            }
        }
        let Some((operator, place)) = operator else {
            let help = near_miss(text, operators, expected);
            return Err(at(0..text.len(), no_operator(text, operators), help));
        };
        if word_expected {
            return Err(at(text.len()..text.len(), "a name is missing at the end".to_owned(), like()));
        }
        let [left, right] = sides;
        Ok(Self { left, operator, right, at: place })
    }
}

/// Reads names with ` + ` between them, and no arrow. `expected` is an example for the help.
pub(crate) fn names(document: &Document, node: &Node, expected: &str) -> Result<Vec<Word>, Diagnostic> {
    let text = node.text().ok_or_else(|| node.refused(&format!("names such as `{expected}`")))?;
    let refused = |range: Range<usize>, message: String| {
        let finding = Diagnostic::error("sentence", document.span_in(node, range), message);
        finding.help(format!("write it like `{expected}`"))
    };
    let mut words = Vec::new();
    let mut word_expected = true;
    for piece in pieces(text, &[]).map_err(|(range, message)| refused(range, message))? {
        match piece {
            Piece::Word(word) => {
                words.push(word);
                word_expected = false;
            }
            Piece::Plus(range) | Piece::Operator(_, range) if word_expected => {
                return Err(refused(range, "a name is missing before `+`".to_owned()));
            }
            Piece::Plus(_) | Piece::Operator(..) => word_expected = true,
        }
    }
    if word_expected {
        return Err(refused(text.len()..text.len(), "a name is missing at the end".to_owned()));
    }
    Ok(words)
}

fn no_operator(text: &str, operators: &[Operator]) -> String {
    let wanted: Vec<String> = operators.iter().map(|operator| format!("`{}`", operator.text())).collect();
    format!("no {} stands in `{}`", wanted.join(" or "), text.chars().take(40).collect::<String>())
}

/// What was probably meant by a sentence without an operator.
fn near_miss(text: &str, operators: &[Operator], expected: &str) -> Option<String> {
    for known in operators {
        let arrow = known.text();
        if let Some(at) = text.find(arrow) {
            let (before, after) = (text.get(..at)?.trim(), text.get(at + arrow.len()..)?.trim());
            return Some(format!("put blanks around the operator: `{before} {arrow} {after}`"));
        }
    }
    for (wrong, right) in [("<=>", "<->"), ("<-->", "<->"), ("-->", "->"), ("=>", "->"), ("<--", "<-")] {
        if text.contains(wrong) && operators.iter().any(|operator| operator.text() == right) {
            return Some(format!("write `{right}`"));
        }
    }
    Some(format!("write it like `{expected}`"))
}

type Refusal = (Range<usize>, String);

/// Cuts a text into names and operators.
fn pieces(text: &str, operators: &[Operator]) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Vec::new();
    let mut at = 0;
    // The name being collected: from its first to its last chunk, blanks between them included.
    let mut open: Option<Range<usize>> = None;
    while let Some(start) = next_non_blank(text, at) {
        if open.is_none()
            && let Some(quote) =
                text.get(start..).and_then(|rest| rest.chars().next()).filter(|c| is_quote(*c))
        {
            let word = quoted(text, start, quote)?;
            at = word.range.end;
            pieces.push(Piece::Word(word));
            if let Some(after) = next_non_blank(text, at) {
                let end = chunk_end(text, after);
                let chunk = text.get(after..end).unwrap_or("");
                if chunk != "+" && operator_of(chunk, operators).is_none() {
                    return Err((after..end, "after a quoted name an operator is expected".to_owned()));
                }
            }
            continue;
        }
        let end = chunk_end(text, start);
        let chunk = text.get(start..end).unwrap_or("");
        let operator = operator_of(chunk, operators);
        if operator.is_none() && chunk != "+" {
            open = Some(open.map_or(start..end, |open| open.start..end));
        } else {
            pieces.extend(open.take().map(|range| Piece::Word(plain(text, range))));
            pieces.push(match operator {
                Some(operator) => Piece::Operator(operator, start..end),
                None => Piece::Plus(start..end),
            });
        }
        at = end;
    }
    pieces.extend(open.take().map(|range| Piece::Word(plain(text, range))));
    Ok(pieces)
}

fn plain(text: &str, range: Range<usize>) -> Word {
    Word { text: text.get(range.clone()).unwrap_or("").to_owned(), quoted: false, range }
}

/// A name in quotes. The closing quote is the first one that a blank or the end follows.
fn quoted(text: &str, start: usize, quote: char) -> Result<Word, Refusal> {
    let body = start + quote.len_utf8();
    let rest = text.get(body..).unwrap_or("");
    for (place, found) in rest.char_indices() {
        let after = place + found.len_utf8();
        if found == quote && rest.get(after..).is_none_or(|rest| rest.is_empty() || rest.starts_with(' ')) {
            let inner = rest.get(..place).unwrap_or("").to_owned();
            return Ok(Word { text: inner, quoted: true, range: start..body + after });
        }
    }
    Err((start..text.len(), format!("the quote {quote} is not closed")))
}

pub(crate) fn is_quote(character: char) -> bool {
    matches!(character, '`' | '"')
}

fn operator_of(chunk: &str, operators: &[Operator]) -> Option<Operator> {
    operators.iter().copied().find(|operator| operator.text() == chunk)
}

fn next_non_blank(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.find(|c: char| !c.is_whitespace()).map(|at| from + at)
}

fn chunk_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or("");
    rest.find(char::is_whitespace).map_or(text.len(), |at| start + at)
}

#[cfg(test)]
mod tests {
    use seamless_core::document::Document;

    use super::{Operator, Sentence};

    const ARROWS: &[Operator] = &[Operator::Both, Operator::Right, Operator::Left];

    fn parsed(text: &str) -> Result<(Vec<String>, &'static str, Vec<String>), String> {
        let document = Document::parse("t", &serde_json::to_string(text).unwrap()).unwrap();
        let sentence = Sentence::parse(&document, document.root(), ARROWS, "a <-> b")
            .map_err(|finding| format!("{}; {}", finding.message, finding.help.unwrap_or_default()))?;
        let texts = |words: Vec<super::Word>| words.into_iter().map(|word| word.text).collect();
        Ok((texts(sentence.left), sentence.operator.text(), texts(sentence.right)))
    }

    #[test]
    fn hostile_names_need_no_quotes_unless_they_hold_an_operator() {
        let names = [
            "No.",
            "Credit Limit (LCY)",
            "Payment Discount %",
            "E-Mail 2",
            "Country/Region Code",
            "a-b",
            "x+y",
            "Say \"hi\"",
            "<x>",
            "->x",
            "VAT Registration No.",
            "=Name",
            "it's",
            "#1",
        ];
        for name in names {
            assert_eq!(
                parsed(&format!("{name} <-> {name}")),
                Ok((vec![name.to_owned()], "<->", vec![name.to_owned()])),
            );
        }
        for name in ["a + b", "a -> b", " a ", "\"", ""] {
            assert_eq!(
                parsed(&format!("`{name}` -> x + `{name}`")),
                Ok((vec![name.to_owned()], "->", vec!["x".to_owned(), name.to_owned()])),
            );
        }
    }

    #[test]
    fn what_is_no_sentence_hears_the_spelling_that_works() {
        let table = [
            (
                "name<->Name",
                "no `<->` or `->` or `<-` stands in `name<->Name`; put blanks around the operator: `name <-> Name`",
            ),
            ("name => Name", "no `<->` or `->` or `<-` stands in `name => Name`; write `->`"),
            (
                "a -> b -> c",
                "a sentence has one arrow, this is a second one; put a name that holds an arrow in backticks",
            ),
            ("a + -> c", "a name is missing before `->`; write it like `a <-> b`"),
            ("-> c", "a name is missing before `->`; write it like `a <-> b`"),
            ("a ->", "a name is missing at the end; write it like `a <-> b`"),
            ("`a -> b", "the quote ` is not closed; write it like `a <-> b`"),
            ("`a` b -> c", "after a quoted name an operator is expected; write it like `a <-> b`"),
        ];
        for (text, expected) in table {
            assert_eq!(parsed(text).unwrap_err(), expected, "{text}");
        }
    }
}
