//! What the checks of a table or domain say of one column, as `pg_get_constraintdef` writes them. What is not understood is
//! passed over. The door is [`checks`].

use crate::sql::token::{Brackets, Literal, Token, conjuncts, group, literal, split, tokens};

/// What a check says of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It is one of these.
    OneOf { column: String, values: Vec<Literal> },
    /// It has so many characters at most.
    LengthMax { column: String, max: u32 },
}

/// The name by which the check of a domain speaks of its value.
pub(super) const DOMAIN_VALUE: &str = "VALUE";

/// Conditions inside of each other that are looked through: people write one or two.
const NESTED_MAX: usize = 8;

/// What `CHECK (..)` says of single columns.
pub(super) fn checks(definition: &str) -> Vec<Check> {
    let tokens = without_casts(tokens(definition, Brackets::Array));
    let Some((first, rest)) = tokens.split_first() else { return Vec::new() };
    match group(rest) {
        Some((body, _)) if first.is("check") => parts(body, NESTED_MAX),
        _ => Vec::new(),
    }
}

fn parts(body: &[Token], deeper: usize) -> Vec<Check> {
    let Some(deeper) = deeper.checked_sub(1) else { return Vec::new() };
    conjuncts(body)
        .into_iter()
        .flat_map(|part| match group(part) {
            Some((inner, [])) => parts(inner, deeper),
            _ => check(part, deeper).into_iter().collect(),
        })
        .collect()
}

fn check(part: &[Token], deeper: usize) -> Option<Check> {
    let deeper = deeper.checked_sub(1)?;
    if let Some((inner, [])) = group(part) {
        return match conjuncts(inner).as_slice() {
            [one] => check(one, deeper),
            _ => None,
        };
    }
    // A null passes every check, so `x IS NULL OR ..` says no more than the rest.
    if let Some(place) = top_level(part, "or") {
        let (before, after) = (part.get(..place)?, part.get(place + 1..)?);
        let named = is_null(before)?;
        return check(after, deeper).filter(|check| match check {
            Check::OneOf { column, .. } | Check::LengthMax { column, .. } => *column == named,
        });
    }
    if let [length, rest @ ..] = part
        && ["length", "char_length", "character_length"].iter().any(|name| length.is(name))
    {
        let (column, after) = group(rest)?;
        let max = match after {
            [Token::Symbol('<'), Token::Symbol('='), number @ ..] => of_number(number)?,
            [Token::Symbol('<'), number @ ..] => of_number(number)?.checked_sub(1)?,
            _ => return None,
        };
        return Some(Check::LengthMax { column: column_of(column)?, max });
    }
    let equals = part.iter().position(|token| token.symbol('='))?;
    let (column, after) = (column_of(part.get(..equals)?)?, part.get(equals + 1..)?);
    let values = match after {
        [any, rest @ ..] if any.is("any") => {
            let (mut list, []) = group(rest)? else { return None };
            while let Some((inner, [])) = group(list) {
                list = inner;
            }
            let [array, Token::Symbol('['), members @ .., Token::Symbol(']')] = list else { return None };
            if !array.is("array") {
                return None;
            }
            split(members, |token| token.symbol(',')).into_iter().map(literal).collect::<Option<_>>()?
        }
        one => vec![literal(one)?],
    };
    Some(Check::OneOf { column, values })
}

fn of_number(tokens: &[Token]) -> Option<u32> {
    match literal(tokens)? {
        Literal::Number(number) => number.parse().ok(),
        _ => None,
    }
}

/// Where a keyword stands outside of parentheses, once; `None` where it does not or stands there again.
fn top_level(part: &[Token], keyword: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut found = None;
    for (place, token) in part.iter().enumerate() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            token if depth == 0 && token.is(keyword) => {
                if found.is_some() {
                    return None;
                }
                found = Some(place);
            }
            _ => {}
        }
    }
    found
}

/// The column of `x IS NULL`.
fn is_null(part: &[Token]) -> Option<String> {
    let mut part = part;
    while let Some((inner, [])) = group(part) {
        part = inner;
    }
    match part {
        [column @ .., is, null] if is.is("is") && null.is("null") => column_of(column),
        _ => None,
    }
}

fn column_of(part: &[Token]) -> Option<String> {
    let mut part = part;
    while let Some((inner, [])) = group(part) {
        part = inner;
    }
    match part {
        [Token::Word(name) | Token::Quoted(name)] => Some(name.clone()),
        _ => None,
    }
}

/// Tokens without `::type`, `::type(n)` and `::type[]`: what a value is made of the same family of types for a comparison.
pub(super) fn without_casts(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = tokens.as_slice();
    while let [first, after @ ..] = rest {
        match rest {
            [Token::Symbol(':'), Token::Symbol(':'), after @ ..] => rest = behind_type(after),
            _ => {
                kept.push(first.clone());
                rest = after;
            }
        }
    }
    kept
}

/// What comes behind the name of a type.
fn behind_type(mut rest: &[Token]) -> &[Token] {
    let after_name = ["varying", "precision", "without", "with", "time", "zone"];
    let mut first = true;
    loop {
        rest = match rest {
            [Token::Word(_) | Token::Quoted(_), after @ ..] if first => after,
            [Token::Word(word), after @ ..] if after_name.contains(&word.to_ascii_lowercase().as_str()) => {
                after
            }
            [Token::Symbol('.'), Token::Word(_) | Token::Quoted(_), after @ ..] => after,
            [Token::Symbol('('), Token::Number(_), Token::Symbol(')'), after @ ..] => after,
            [
                Token::Symbol('('),
                Token::Number(_),
                Token::Symbol(','),
                Token::Number(_),
                Token::Symbol(')'),
                after @ ..,
            ] => after,
            [Token::Symbol('['), Token::Symbol(']'), after @ ..] => after,
            _ => return rest,
        };
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Check, Literal, checks};

    fn one_of(column: &str, values: &[&str]) -> Check {
        let values = values.iter().map(|value| Literal::Text((*value).to_owned())).collect();
        Check::OneOf { column: column.into(), values }
    }

    // The left sides are what PostgreSQL 15 prints for the checks that people write.
    #[test]
    fn checks_are_understood_as_the_server_prints_them() {
        let numbers = |values: &[&str]| {
            values.iter().map(|value| Literal::Number((*value).to_owned())).collect::<Vec<_>>()
        };
        for (definition, found) in [
            ("CHECK ((st = ANY (ARRAY['a'::text, 'b''c'::text])))", vec![one_of("st", &["a", "b'c"])]),
            (
                "CHECK (((st2)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
                vec![one_of("st2", &["x", "y"])],
            ),
            (
                "CHECK ((\"odd, name\" = ANY (ARRAY[1, '-2'::integer, 3])))",
                vec![Check::OneOf {
                    column: "odd, name".into(),
                    values: vec![
                        Literal::Number("1".into()),
                        Literal::Text("-2".into()),
                        Literal::Number("3".into()),
                    ],
                }],
            ),
            ("CHECK ((grade = 1))", vec![Check::OneOf { column: "grade".into(), values: numbers(&["1"]) }]),
            ("CHECK ((char_length(a) <= 5))", vec![Check::LengthMax { column: "a".into(), max: 5 }]),
            (
                "CHECK (((length((v)::text) < 3) AND (n > (0)::numeric)))",
                vec![Check::LengthMax { column: "v".into(), max: 2 }],
            ),
            (
                "CHECK (((k IS NULL) OR ((k)::text = ANY ((ARRAY['x'::character varying(4)])::text[]))))",
                vec![one_of("k", &["x"])],
            ),
            (
                "CHECK (((VALUE)::text = ANY (ARRAY['new'::text, 'old'::text])))",
                vec![one_of("VALUE", &["new", "old"])],
            ),
        ] {
            assert_eq!(checks(definition), found, "{definition}");
        }
    }

    // Catches: a closed set of options that the table does not hold to.
    #[test]
    fn half_of_a_condition_says_nothing() {
        for definition in [
            "CHECK (((b = 1) OR (a = ANY (ARRAY[1, 2]))))",
            "CHECK (((b IS NULL) OR (a = ANY (ARRAY[1, 2]))))",
            "CHECK (((a IS NULL) OR (a = 1) OR (b = 2)))",
            "CHECK ((a <> ALL (ARRAY[1, 2])))",
            "CHECK ((NOT (a = ANY (ARRAY[1, 2]))))",
            "CHECK ((lower(a) = ANY (ARRAY['x'::text])))",
            "CHECK ((a = ANY (allowed())))",
            "CHECK (CASE WHEN b THEN (a = 1) ELSE true END)",
            "CHECK ((a >= 1))",
            "CHECK ((a <= length(b)))",
            "CHECK ((a = b))",
        ] {
            assert_eq!(checks(definition), [], "{definition}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}", odd in "[()'\"\\[\\]:=,/*\\- a-zA-Z]{0,80}") {
            checks(&format!("CHECK {text}"));
            checks(&format!("CHECK ({odd}"));
            checks(&format!("CHECK (({odd}))"));
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        for (open, close) in [("(", ")"), ("((a IS NULL) OR (", "))"), ("(a = 1 AND (", "))")] {
            let (open, close) = (open.repeat(50_000), close.repeat(50_000));
            checks(&format!("CHECK ({open}a = 1{close})"));
        }
    }
}
