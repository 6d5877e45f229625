//! A small reader of the SQL that tables were made with: the checks of a table that say something about one column. What
//! it does not understand it passes over. The doors are [`tokens`] and [`checks`].

use crate::sql::token::{self, Brackets, Literal, Token, conjuncts, group, literal, split};

/// Cuts SQL text into tokens, as SQLite does.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    token::tokens(sql, Brackets::Quote)
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
