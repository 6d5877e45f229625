//! A small reader of the SQL that tables and triggers were made with: tokens, and the checks of a table that say
//! something about one column. Understands quotes, comments and nesting; what it does not understand it passes over.
//! The doors are [`tokens`] and [`checks`].

/// One token of SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
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
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether it names this table or column.
    pub(super) fn names(&self, name: &str) -> bool {
        matches!(self, Token::Word(word) | Token::Quoted(word) if word.eq_ignore_ascii_case(name))
    }

    pub(super) fn symbol(&self, symbol: char) -> bool {
        *self == Token::Symbol(symbol)
    }
}

/// Cuts SQL text into tokens. Total: text that never closes a quote or comment ends there.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
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
            '[' => {
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
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
}

/// Reads one literal, sign and parentheses included; `None` when there is more than that or something else.
pub(super) fn literal(tokens: &[Token]) -> Option<Literal> {
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

/// What a check says of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is one of these.
    OneOf { column: String, values: Vec<Literal> },
    /// It has so many characters at most.
    LengthMax { column: String, max: u32 },
}

/// The checks of a `CREATE TABLE` text that say something about one column; all others are passed over.
pub(super) fn checks(create: &str) -> Vec<Check> {
    let tokens = tokens(create);
    let mut found = Vec::new();
    let mut rest = tokens.as_slice();
    while let Some(place) = rest.iter().position(|token| token.is("check")) {
        rest = rest.get(place + 1..).unwrap_or_default();
        if let Some((body, after)) = group(rest) {
            conjuncts(body).into_iter().for_each(|part| found.extend(check(part, NESTED_MAX)));
            rest = after;
        }
    }
    found
}

/// The tokens of a parenthesis that begins here, and what comes after it.
pub(super) fn group(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
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
pub(super) fn split(tokens: &[Token], at: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
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
fn conjuncts(body: &[Token]) -> Vec<&[Token]> {
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

/// Conditions inside of each other that are looked through: people write one or two.
const NESTED_MAX: usize = 8;

fn check(part: &[Token], deeper: usize) -> Option<Check> {
    let deeper = deeper.checked_sub(1)?;
    if let Some((inner, [])) = group(part) {
        return match conjuncts(inner).as_slice() {
            [one] => check(one, deeper),
            _ => None,
        };
    }
    // A null passes every check, so `x IS NULL OR ..` says no more than the rest.
    if let [column, is, null, or, rest @ ..] = part
        && is.is("is")
        && null.is("null")
        && or.is("or")
    {
        return check(rest, deeper).filter(|check| match check {
            Check::OneOf { column: name, .. } | Check::LengthMax { column: name, .. } => column.names(name),
        });
    }
    match part {
        [Token::Word(column) | Token::Quoted(column), is_in, list @ ..] if is_in.is("in") => {
            let (list, []) = group(list)? else { return None };
            let values = split(list, |token| token.symbol(',')).into_iter().map(literal);
            Some(Check::OneOf { column: column.clone(), values: values.collect::<Option<_>>()? })
        }
        [length, rest @ ..] if length.is("length") => {
            let (column, after) = group(rest)?;
            let [Token::Word(column) | Token::Quoted(column)] = column else { return None };
            let max = match after {
                [Token::Symbol('<'), Token::Symbol('='), Token::Number(max)] => max.parse().ok()?,
                [Token::Symbol('<'), Token::Number(max)] => max.parse::<u32>().ok()?.checked_sub(1)?,
                _ => return None,
            };
            Some(Check::LengthMax { column: column.clone(), max })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Check, Literal, checks, tokens};

    #[test]
    fn checks_are_found_between_quotes_comments_and_nesting() {
        let sql = r#"CREATE TABLE "odd, ) name" (
            "No." TEXT PRIMARY KEY, -- CHECK ("No." IN ('comment'))
            [status code] INTEGER CHECK ([status code] IN (1, -2,3)),
            kind TEXT DEFAULT 'CHECK (kind IN (''x''))' CHECK ((kind IS NULL OR kind IN ('it''s', 'b)'))),
            /* CHECK (kind IN ('no')) */
            name TEXT CHECK (length(name) <= 50 AND name <> ''),
            memo TEXT CHECK (length("memo") < 11),
            amount DECIMAL(18,2) CHECK (amount IN (SELECT 1)) CHECK (amount > 0 OR amount IN (1)),
            CONSTRAINT "c" CHECK (`flag` IN (true, NULL))
        )"#;
        let one_of = |column: &str, values: Vec<Literal>| Check::OneOf { column: column.into(), values };
        let text = |text: &str| Literal::Text(text.into());
        let number = |text: &str| Literal::Number(text.into());
        assert_eq!(
            checks(sql),
            [
                one_of("status code", vec![number("1"), number("-2"), number("3")]),
                one_of("kind", vec![text("it's"), text("b)")]),
                Check::LengthMax { column: "name".into(), max: 50 },
                Check::LengthMax { column: "memo".into(), max: 10 },
                one_of("flag", vec![Literal::Bool(true), Literal::Null]),
            ]
        );
    }

    // Catches: a closed set of options, or a length, that the database does not hold to, because half of a condition was
    // taken for all of it.
    #[test]
    fn half_of_a_condition_says_nothing() {
        for body in [
            "b = 1 OR b = 2 AND a IN (1)",
            "b BETWEEN 1 AND a IN (1)",
            "CASE WHEN b THEN 1 AND a IN (1) AND length(a) < 5 END",
            "a IS NULL OR b = 2 AND a IN (1)",
        ] {
            assert_eq!(checks(&format!("CREATE TABLE t (a, b, CHECK ({body}))")), [], "{body}");
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        for (open, close) in [("(", ")"), ("(a IS NULL OR (", "))")] {
            let (open, close) = (open.repeat(100_000), close.repeat(100_000));
            checks(&format!("CHECK ({open}a IN (1){close})"));
            checks(&format!("CHECK (a IN ({open}1{close}))"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(sql in ".{0,80}", odd in "[()'\"\\[\\]`,/*\\- a-z]{0,80}") {
            tokens(&sql);
            checks(&format!("CHECK {odd}"));
            checks(&format!("CHECK ({odd}"));
        }
    }
}
