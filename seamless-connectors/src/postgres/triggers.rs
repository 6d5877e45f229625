//! What triggers prove of a version column, by the source of their functions. Reads text only. The door is [`proves`].
//!
//! A function proves something where it is written in PL/pgSQL and does nothing but set the column and return the row:
//! whatever else stands in it could take another way. The trigger comes before the row is written, for each row, for
//! inserts and updates, without a condition and not for some columns only, and no other trigger comes after it.

use crate::sql::token::{Brackets, Token, tokens};

/// What is proven of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proven {
    /// Nothing.
    Nothing,
    /// It moves with every insert and update.
    Moves,
    /// It is the transaction that wrote the row, in its long form that never comes again.
    Transaction,
}

/// A trigger as the catalogue has it: the bits of `tgtype` are those of PostgreSQL's `catalog/pg_trigger.h`.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub(super) bits: i16,
    pub(super) is_conditional: bool,
    pub(super) language: String,
    pub(super) source: String,
}

const ROW: i16 = 1;
const BEFORE: i16 = 2;
const INSERT: i16 = 4;
const DELETE: i16 = 8;
const UPDATE: i16 = 16;
const INSTEAD: i16 = 64;

impl Trigger {
    /// Whether it runs before rows are written and can change them.
    fn changes_rows(&self) -> bool {
        self.bits & (ROW | BEFORE) == (ROW | BEFORE) && self.bits & (INSERT | UPDATE) != 0
    }

    /// Whether it runs after something was written, so that what the statement returns is not the last word.
    pub(super) fn comes_after(&self) -> bool {
        self.bits & (BEFORE | INSTEAD) == 0
    }

    /// Whether it runs for deleted rows, before or after.
    pub(super) fn sees_deletions(&self) -> bool {
        self.bits & ROW != 0 && self.bits & DELETE != 0 && !self.is_conditional
    }
}

/// What these triggers of a table, in the order in which they run, prove of a column.
pub(super) fn proves(triggers: &[Trigger], column: &str) -> Proven {
    let Some(last) = triggers.iter().rev().find(|trigger| trigger.changes_rows()) else {
        return Proven::Nothing;
    };
    let always = last.bits & (INSERT | UPDATE) == (INSERT | UPDATE) && !last.is_conditional;
    if !always || last.language != "plpgsql" {
        return Proven::Nothing;
    }
    of_source(&last.source, column)
}

fn of_source(source: &str, column: &str) -> Proven {
    let tokens = tokens(source, Brackets::Array);
    let [begin, new, Token::Symbol('.'), target, rest @ ..] = tokens.as_slice() else {
        return Proven::Nothing;
    };
    let rest = match rest {
        [Token::Symbol(':'), Token::Symbol('='), rest @ ..] | [Token::Symbol('='), rest @ ..] => rest,
        _ => return Proven::Nothing,
    };
    let names = |token: &Token| match token {
        // A bare name means the column that is written in small letters.
        Token::Word(word) => word.to_lowercase() == column,
        Token::Quoted(word) => word == column,
        _ => false,
    };
    let Some(end) = rest.iter().position(|token| token.symbol(';')) else { return Proven::Nothing };
    let (value, after) = (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default());
    let returns = match after {
        [returns, row, Token::Symbol(';'), end]
        | [returns, row, Token::Symbol(';'), end, Token::Symbol(';')] => {
            returns.is("return") && row.is("new") && end.is("end")
        }
        _ => false,
    };
    if !(begin.is("begin") && new.is("new") && names(target) && returns) {
        return Proven::Nothing;
    }
    match value {
        [name, Token::Symbol('('), Token::Symbol(')'), casts @ ..]
            if name.is("pg_current_xact_id") && only_casts(casts) =>
        {
            Proven::Transaction
        }
        [name, Token::Symbol('('), Token::Symbol(')')] if name.is("txid_current") => Proven::Transaction,
        [name, Token::Symbol('('), Token::Text(_), Token::Symbol(')')] if name.is("nextval") => Proven::Moves,
        _ => Proven::Nothing,
    }
}

/// `::text::bigint`
fn only_casts(tokens: &[Token]) -> bool {
    let (parts, rest) = tokens.as_chunks::<3>();
    let cast = |part: &[Token; 3]| matches!(part, [Token::Symbol(':'), Token::Symbol(':'), Token::Word(_)]);
    rest.is_empty() && parts.iter().all(cast)
}

#[cfg(test)]
mod tests {
    use super::{Proven, Trigger, proves};

    fn trigger(bits: i16, source: &str) -> Trigger {
        Trigger { bits, is_conditional: false, language: "plpgsql".into(), source: source.into() }
    }

    #[test]
    fn only_a_function_that_does_nothing_else_proves_something() {
        let of = |source: &str| proves(&[trigger(1 | 2 | 4 | 16, source)], "ver");
        let body = |value: &str| format!("BEGIN\n  NEW.ver := {value};\n  RETURN NEW;\nEND");
        assert_eq!(of(&body("pg_current_xact_id()::text::bigint")), Proven::Transaction);
        assert_eq!(of(&body("txid_current()")), Proven::Transaction);
        assert_eq!(of(&body("nextval('s')")), Proven::Moves);
        assert_eq!(of("begin new.\"ver\" = nextval('s'); return new; end;"), Proven::Moves);
        for source in [
            body("old.ver + 1"),
            body("pg_current_xact_id()::text::bigint - 1"),
            "BEGIN IF NEW.a THEN NEW.ver := txid_current(); END IF; RETURN NEW; END".to_owned(),
            "BEGIN NEW.ver := txid_current(); RETURN OLD; END".to_owned(),
            "BEGIN NEW.other := txid_current(); RETURN NEW; END".to_owned(),
            "BEGIN NEW.ver := txid_current(); NEW.ver := 1; RETURN NEW; END".to_owned(),
            String::new(),
        ] {
            assert_eq!(of(&source), Proven::Nothing, "{source}");
        }
    }

    #[test]
    fn a_trigger_that_leaves_something_out_or_is_not_the_last_one_proves_nothing() {
        let source = "BEGIN NEW.ver := txid_current(); RETURN NEW; END";
        assert_eq!(proves(&[trigger(1 | 2 | 4, source)], "ver"), Proven::Nothing);
        assert_eq!(proves(&[trigger(1 | 4 | 16, source)], "ver"), Proven::Nothing);
        assert_eq!(proves(&[trigger(2 | 4 | 16, source)], "ver"), Proven::Nothing);
        let conditional = Trigger { is_conditional: true, ..trigger(23, source) };
        assert_eq!(proves(&[conditional], "ver"), Proven::Nothing);
        let other = trigger(1 | 2 | 16, "BEGIN NEW.ver := 1; RETURN NEW; END");
        assert_eq!(proves(&[trigger(23, source), other.clone()], "ver"), Proven::Nothing);
        assert_eq!(proves(&[other, trigger(23, source)], "ver"), Proven::Transaction);
    }
}
