//! SQL text that a database tells of itself (checks, triggers, defaults) as tokens. Understands quotes, comments and
//! nesting; what the tokens mean is each connector's to say. The door is [`tokens`].

/// What square brackets are in a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brackets {
    /// They quote an identifier.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    Quote,
    /// They hold the members or the place of an array.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    Array,
}

/// One token of SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A bare word: a keyword or an identifier.
    Word(String),
    /// An identifier in quotes, back quotes or brackets.
    Quoted(String),
    /// A text literal.
    Text(String),
    /// A number as it was written.
    Number(String),
    /// Any other character.
    Symbol(char),
}

impl Token {
    /// Whether it is this keyword.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether it names this table or column.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    pub(crate) fn names(&self, name: &str) -> bool {
        matches!(self, Token::Word(word) | Token::Quoted(word) if word.eq_ignore_ascii_case(name))
    }

    pub(crate) fn symbol(&self, symbol: char) -> bool {
        *self == Token::Symbol(symbol)
    }
}

/// Cuts SQL text into tokens. Total: text that never closes a quote or comment ends there.
pub(crate) fn tokens(sql: &str, brackets: Brackets) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = match first {
            c if c.is_whitespace() => after,
            '-' if after.starts_with('-') => after.split_once('\n').map_or("", |(_, rest)| rest),
            '/' if after.starts_with('*') => after.split_once("*/").map_or("", |(_, rest)| rest),
            '\'' => {
                let (text, rest) = until_close(after, '\'');
                tokens.push(Token::Text(text));
                rest
            }
            '"' | '`' => {
                let (text, rest) = until_close(after, first);
                tokens.push(Token::Quoted(text));
                rest
            }
            '[' if brackets == Brackets::Quote => {
                let (text, rest) = after.split_once(']').unwrap_or((after, ""));
                tokens.push(Token::Quoted(text.to_owned()));
                rest
            }
            c if c.is_ascii_digit() => {
                let (number, rest) = split_while(rest, |c| c.is_ascii_alphanumeric() || c == '.');
                tokens.push(Token::Number(number.to_owned()));
                rest
            }
            c if is_word(c) => {
                let (word, rest) = split_while(rest, |c| is_word(c) || c.is_ascii_digit());
                tokens.push(Token::Word(word.to_owned()));
                rest
            }
            other => {
                tokens.push(Token::Symbol(other));
                after
            }
        };
    }
    tokens
}

fn is_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_ascii_alphabetic() || !c.is_ascii()
}

fn split_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// The text up to the closing quote; a doubled quote is one of it.
fn until_close(text: &str, close: char) -> (String, &str) {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(close) {
        out.push_str(before);
        match after.strip_prefix(close) {
            Some(again) => {
                out.push(close);
                rest = again;
            }
            None => return (out, after),
        }
    }
    out.push_str(rest);
    (out, "")
}

/// A literal of SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
}

/// Reads one literal, sign and parentheses included; `None` when there is more than that or something else.
pub(crate) fn literal(tokens: &[Token]) -> Option<Literal> {
    let mut tokens = tokens;
    // A loop: how deep parentheses are nested is the file's to say, and must not cost stack.
    while let [Token::Symbol('('), inner @ .., Token::Symbol(')')] = tokens {
        tokens = inner;
    }
    match tokens {
        [Token::Text(text)] => Some(Literal::Text(text.clone())),
        [Token::Number(number)] => Some(Literal::Number(number.clone())),
        [Token::Symbol('-'), Token::Number(number)] => Some(Literal::Number(format!("-{number}"))),
        [Token::Symbol('+'), Token::Number(number)] => Some(Literal::Number(number.clone())),
        [word] if word.is("null") => Some(Literal::Null),
        [word] if word.is("true") => Some(Literal::Bool(true)),
        [word] if word.is("false") => Some(Literal::Bool(false)),
        _ => None,
    }
}

/// The tokens of a parenthesis that begins here, and what comes after it.
pub(crate) fn group(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    if !tokens.first()?.symbol('(') {
        return None;
    }
    let mut depth = 0usize;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((tokens.get(1..place)?, tokens.get(place + 1..)?));
        }
    }
    None
}

/// Splits at a separator outside of parentheses.
pub(crate) fn split(tokens: &[Token], at: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
    let (mut depth, mut parts, mut from) = (0i32, Vec::new(), 0);
    for (place, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            token if depth == 0 && at(token) => {
                parts.push(tokens.get(from..place).unwrap_or_default());
                from = place + 1;
            }
            _ => {}
        }
    }
    parts.push(tokens.get(from..).unwrap_or_default());
    parts
}

/// The parts of a condition that must all hold. Where another operator may bind an `AND` (`OR`, `BETWEEN .. AND`, `CASE`),
/// the condition is one part: a half of it does not have to hold.
pub(crate) fn conjuncts(body: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    let binds = |token: &Token| ["or", "between", "case"].iter().any(|word| token.is(word));
    for token in body {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            token if depth == 0 && binds(token) => return vec![body],
            _ => {}
        }
    }
    split(body, |token| token.is("and"))
}
