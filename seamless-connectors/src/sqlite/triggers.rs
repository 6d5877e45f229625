//! What triggers prove of a column. Reads SQL text only; the database is `catalogue`'s. The door is [`proves`].

use super::ddl::tokens;
use crate::sql::token::{Token, group, split};

/// What the triggers of a table prove of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proven {
    /// Nothing.
    Nothing,
    /// It moves on every insert and update of its row.
    MovesPerRow,
    /// It takes its values from a counter outside the table, so that it grows over the whole table.
    GrowsOverTable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Insert,
    Update,
}

/// What these triggers (their SQL text) prove of a column of a table.
pub(super) fn proves<'a>(triggers: impl IntoIterator<Item = &'a str>, table: &str, column: &str) -> Proven {
    let (mut insert, mut update) = (Proven::Nothing, Proven::Nothing);
    for sql in triggers {
        let Some((event, proven)) = proven(&tokens(sql), table, column) else { continue };
        match event {
            Event::Insert => insert = insert.max(proven),
            Event::Update => update = update.max(proven),
        }
    }
    insert.min(update)
}

fn proven(tokens: &[Token], table: &str, column: &str) -> Option<(Event, Proven)> {
    let after = tokens.iter().position(|token| token.is("after"))?;
    let rest = tokens.get(after + 1..)?;
    // `UPDATE OF x` and `WHEN (..)` leave out some updates: no proof.
    let (event, rest) = match rest {
        [event, on, target, rest @ ..] if on.is("on") && target.names(table) => {
            let event = if event.is("insert") {
                Event::Insert
            } else if event.is("update") {
                Event::Update
            } else {
                return None;
            };
            (event, rest)
        }
        _ => return None,
    };
    let body = match rest {
        [each, row, what, begin, body @ ..] if each.is("for") && row.is("each") && what.is("row") => {
            begin.is("begin").then_some(body)?
        }
        [begin, body @ ..] if begin.is("begin") => body,
        _ => return None,
    };
    let statements = split(body, |token| token.symbol(';'));
    let best = statements.into_iter().filter_map(|statement| sets(statement, table, column)).max()?;
    Some((event, best))
}

/// What one statement of a trigger's body proves: `UPDATE table SET column = expression WHERE ..`.
fn sets(statement: &[Token], table: &str, column: &str) -> Option<Proven> {
    let [update, target, set, rest @ ..] = statement else { return None };
    if !(update.is("update") && target.names(table) && set.is("set")) {
        return None;
    }
    let assignments = split(rest, |token| token.is("where") || token.is("from"));
    let value = split(assignments.first()?, |token| token.symbol(',')).into_iter().find_map(|part| {
        let [target, equals, value @ ..] = part else { return None };
        (target.names(column) && equals.symbol('=')).then_some(value)
    })?;
    Some(if from_elsewhere(value, table) { Proven::GrowsOverTable } else { Proven::MovesPerRow })
}

/// Whether an expression is one sub-query over another table.
fn from_elsewhere(value: &[Token], table: &str) -> bool {
    let Some((query, rest)) = group(value) else { return false };
    let plain = rest.iter().all(|token| matches!(token, Token::Symbol('+') | Token::Number(_)));
    let from = query.iter().position(|token| token.is("from"));
    let origin = from.and_then(|place| query.get(place + 1));
    plain
        && query.first().is_some_and(|token| token.is("select"))
        && origin
            .is_some_and(|origin| matches!(origin, Token::Word(_) | Token::Quoted(_)) && !origin.names(table))
        && !query.iter().any(|token| token.names(table))
}

#[cfg(test)]
mod tests {
    use super::{Proven, proves};

    fn prove(update: &str, value: &str) -> Proven {
        let body =
            format!("BEGIN UPDATE clock SET n = n + 1; UPDATE t SET ver = {value} WHERE id = new.id; END");
        let insert = format!("CREATE TRIGGER a AFTER INSERT ON t {body}");
        let update = format!("CREATE TRIGGER \"after\" {update} {body}");
        proves([insert.as_str(), update.as_str()], "t", "ver")
    }

    #[test]
    fn only_a_counter_outside_the_table_grows_over_the_table() {
        let always = "AFTER UPDATE ON t FOR EACH ROW";
        assert_eq!(prove(always, "(SELECT n FROM clock)"), Proven::GrowsOverTable);
        assert_eq!(prove("AFTER UPDATE ON \"T\"", "(SELECT n FROM clock)"), Proven::GrowsOverTable);
        assert_eq!(prove(always, "(SELECT max(ver) + 1 FROM t)"), Proven::MovesPerRow);
        assert_eq!(prove(always, "old.ver + 1"), Proven::MovesPerRow);
        assert_eq!(prove("AFTER UPDATE OF name ON t", "(SELECT n FROM clock)"), Proven::Nothing);
        assert_eq!(prove("AFTER UPDATE ON t WHEN new.x > 1", "(SELECT n FROM clock)"), Proven::Nothing);
        assert_eq!(prove("BEFORE UPDATE ON t", "(SELECT n FROM clock)"), Proven::Nothing);
        assert_eq!(prove("AFTER UPDATE ON other", "(SELECT n FROM clock)"), Proven::Nothing);
    }

    #[test]
    fn updates_without_inserts_prove_nothing() {
        let update = "CREATE TRIGGER a AFTER UPDATE ON t BEGIN UPDATE t SET ver = (SELECT n FROM c); END";
        assert_eq!(proves([update], "t", "ver"), Proven::Nothing);
    }
}
