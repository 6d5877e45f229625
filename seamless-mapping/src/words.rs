//! A text of a mapping cut into signs, quoted parts and bare words: what conditions and expressions have in common. Knows
//! no grammar. The door is [`pieces`].

use std::ops::Range;

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece<S> {
    Sign(S),
    /// What stands between quotes, and the quote.
    Quoted(String, char),
    Bare(String),
}

/// The parts of a text, each with the bytes where it stands.
pub(crate) type Pieces<S> = Vec<(Piece<S>, Range<usize>)>;

/// What cannot be cut into pieces.
#[derive(Debug)]
pub(crate) struct Uncut {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// Cuts a text; of several signs that begin alike the first of the list is taken. A bare word goes on to the next blank, quote
/// or sign of `()[],=<>!&|`.
pub(crate) fn pieces<S: Copy>(text: &str, signs: &[(&str, S)]) -> Result<Pieces<S>, Uncut> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else { break };
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (piece, length) = if let Some((sign, meaning)) =
            signs.iter().find(|(sign, _)| rest.starts_with(sign))
        {
            (Piece::Sign(*meaning), sign.len())
        } else if first == '=' {
            let (message, help) = ("`=` compares nothing".to_owned(), "write `==`".to_owned());
            return Err(Uncut { range: at..at + 1, message, help });
        } else if matches!(first, '`' | '"' | '\'') {
            let body = rest.get(1..).unwrap_or("");
            let Some(length) = body.find(first) else {
                let (message, help) =
                    (format!("the quote {first} is not closed"), format!("add {first} at its end"));
                return Err(Uncut { range: at..text.len(), message, help });
            };
            (Piece::Quoted(body.get(..length).unwrap_or("").to_owned(), first), length + 2)
        } else {
            let ends = |c: char| c.is_whitespace() || "()[],=<>!&|\"'`".contains(c);
            let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or("");
            if word.is_empty() {
                // `&` or `|` alone: a sign that ends a word and is no sign of the list.
                let (message, help) = (format!("`{first}` joins nothing"), "write `and` or `or`".to_owned());
                return Err(Uncut { range: at..at + first.len_utf8(), message, help });
            }
            (Piece::Bare(word.to_owned()), word.len())
        };
        pieces.push((piece, at..at + length));
        at += length;
    }
    Ok(pieces)
}
