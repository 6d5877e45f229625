//! The feed of changes, in passes. A pass notes where the next one is to begin, then reads by key all rows that changed since
//! it began itself, then what was deleted. What changes during a pass comes again with the next one. The doors are
//! [`mark_now`] and [`page`].
//!
//! **What is committed late is not missed.** A transaction may begin before a pass, and commit after it. The next pass begins
//! at the oldest transaction that was still running when this one began (the lower end of the server's snapshot), not behind
//! the newest that was seen: whatever was not to be seen is at or beyond it.
//! A feed of numbers (`trusted`) begins behind a number only when all transactions have ended that ran when the number
//! was the greatest; until then rows come again.
//!
//! **Long numbers.** A row keeps the lower 32 bits of its transaction. They are compared by age, which PostgreSQL counts from
//! the present, with the age of the mark. A mark that is further back than ages reach, or ahead of the server (a backup was
//! restored), is expired; a row that was frozen longer ago than ages reach may come again, and none is left out.

use seamless_core::connector::{Change, Cursor, End, Page, ReadQuery};
use seamless_core::model::{Error, ErrorKind, RecordId, Result};

use super::catalogue::{Feeding, Table};
use super::client::{Bound, Session};
use super::cursor::{Mark, Marks, Stage, feed};
use super::deletions;
use super::error::Fault;
use super::read::{PageRead, rows_behind};
use super::rows::Selection;
use crate::place::Place;

/// Transactions that a mark may lie behind. Ages are numbers of 31 bits.
const BEHIND_MAX: i64 = (1 << 31) - (1 << 24);

/// Transactions that a mark may lie ahead of what a statement knows.
const AHEAD_MAX: i64 = 1 << 20;

impl Feeding {
    /// How many numbers a mark has: the transaction; for numbers the number behind which rows are read, and a transaction
    /// with the greatest number at its time; for stamps the greatest stamp in microseconds.
    fn marks(self) -> usize {
        match self {
            Feeding::Transaction | Feeding::Stamped(_) => 1,
            Feeding::Number(_) => 4,
            Feeding::Modified(_) => 2,
        }
    }
}

/// What the server says at the beginning of a pass.
struct Now {
    /// Transactions before this one have ended.
    ended_before: i64,
    /// No transaction has this number yet.
    beyond: i64,
    /// The greatest number or stamp that can be seen.
    greatest: Option<i64>,
}

async fn now(session: &mut Session, table: &Table, feeding: Feeding) -> Result<Now, Fault> {
    let column = |place: usize| {
        table.columns.get(place).map_or("NULL".to_owned(), |column| format!("t.{}", column.quoted))
    };
    let greatest = match feeding {
        Feeding::Transaction | Feeding::Stamped(_) => None,
        Feeding::Number(place) => Some(format!("max({})::int8", column(place))),
        Feeding::Modified(place) => Some(format!(
            "(extract(epoch FROM max({}) FILTER (WHERE isfinite({}))) * 1000000)::int8",
            column(place),
            column(place)
        )),
    };
    let greatest = match greatest {
        Some(greatest) => format!("(SELECT {greatest} FROM {}{} AS t)", table.only, table.name),
        None => "NULL::int8".to_owned(),
    };
    let sql = format!(
        "SELECT pg_snapshot_xmin(s)::text::int8, pg_snapshot_xmax(s)::text::int8, {greatest} \
         FROM (SELECT pg_current_snapshot() AS s) AS o"
    );
    let rows = session.rows(&sql, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::new(ErrorKind::Internal, "the server tells no snapshot"))?;
    Ok(Now { ended_before: row.try_get(0)?, beyond: row.try_get(1)?, greatest: row.try_get(2)? })
}

/// Where a pass that begins after one from `before` begins.
fn marks(feeding: Feeding, before: Option<&Marks>, now: &Now) -> Marks {
    match feeding {
        Feeding::Transaction | Feeding::Stamped(_) => vec![now.ended_before],
        Feeding::Modified(_) => vec![now.ended_before, now.greatest.unwrap_or(i64::MIN)],
        Feeding::Number(_) => {
            let greatest = now.greatest.unwrap_or(i64::MIN);
            let behind = match before.map(Vec::as_slice) {
                // Everything that ran when that number was the greatest has ended, and can be seen by now.
                Some([_, _, beyond, number]) if now.ended_before >= *beyond => *number,
                Some([_, behind, ..]) => *behind,
                // Of what ran before the first look nothing is known but that it may hold any number.
                _ if now.ended_before == now.beyond => greatest,
                _ => i64::MIN,
            };
            vec![now.ended_before, behind, now.beyond, greatest]
        }
    }
}

/// The mark of changes that is taken before an enumeration begins.
pub(super) async fn mark_now(session: &mut Session, table: &Table) -> Result<Option<RecordId>, Fault> {
    let Some(feeding) = table.feeding else { return Ok(None) };
    let now = now(session, table, feeding).await?;
    Ok(Some(Mark::Before { from: marks(feeding, None, &now) }.written()))
}

/// The next page of changes.
pub(super) async fn page(
    session: &mut Session,
    table: &Table,
    query: &ReadQuery,
    mark: &RecordId,
    key: Option<RecordId>,
) -> Result<Page, Fault> {
    let expired = |what: &str| {
        let error = Error::new(ErrorKind::CursorExpired, what).at("entity", &query.entity);
        error.with_remedy("read everything once; the cursor that comes with it is good")
    };
    let Some(feeding) = table.feeding else {
        return Err(expired("the table has no feed of changes any more").into());
    };
    let Some(mark) = Mark::read(mark, feeding.marks()) else {
        return Err(expired("the cursor was not made by this feed").into());
    };
    let (stage, from, next) = match mark {
        Mark::Before { from } => {
            let now = now(session, table, feeding).await?;
            let transaction = from.first().copied().unwrap_or_default();
            if transaction > now.beyond.saturating_add(AHEAD_MAX) {
                return Err(
                    expired("the server knows less than when the cursor was made; it was restored").into()
                );
            }
            if now.beyond.saturating_sub(transaction) > BEHIND_MAX {
                return Err(expired("the cursor is too old").into());
            }
            let next = marks(feeding, Some(&from), &now);
            (Stage::Rows, from, next)
        }
        Mark::In { stage, from, next } => (stage, from, next),
    };
    let feed = feed(&query.entity, table.feeding);
    let place = |stage, key: Option<RecordId>| {
        let mark = Mark::In { stage, from: from.clone(), next: next.clone() }.written();
        Place::Changes { mark, key }.cursor(&feed)
    };
    let done =
        || Place::Changes { mark: Mark::Before { from: next.clone() }.written(), key: None }.cursor(&feed);
    let has_log = table.capabilities.tombstones;
    let (changes, cursor, ended) = match stage {
        Stage::Rows => {
            let read = changed(session, table, query, feeding, &from, key.as_ref()).await?;
            match (read.ended, has_log) {
                (false, _) => (read.changes, place(Stage::Rows, read.last), false),
                (true, true) => (read.changes, place(Stage::Deletions, None), false),
                (true, false) => (read.changes, done(), true),
            }
        }
        // The log was taken away in the middle of a pass.
        Stage::Deletions if !has_log => (Vec::new(), done(), true),
        Stage::Deletions => {
            let from = from.first().copied().unwrap_or_default();
            let (changes, last) = deletions::read(
                session,
                table,
                from,
                key.and_then(|key| key.as_int()),
                query.page_records_max,
            )
            .await?;
            match last {
                Some(last) => (changes, place(Stage::Deletions, Some(RecordId::int(last))), false),
                None => (changes, done(), true),
            }
        }
    };
    Ok(finished(table, changes, cursor, ended))
}

fn finished(table: &Table, changes: Vec<Change>, cursor: Cursor, ended: bool) -> Page {
    let low_water = table.capabilities.low_water.then(|| cursor.clone());
    Page { changes, cursor, end: ended.then_some(End::CaughtUp { low_water }) }
}

/// A page of the rows that changed.
async fn changed(
    session: &mut Session,
    table: &Table,
    query: &ReadQuery,
    feeding: Feeding,
    from: &Marks,
    key: Option<&RecordId>,
) -> Result<PageRead, Fault> {
    let column =
        |place: usize| table.columns.get(place).map(|column| column.quoted.as_str()).unwrap_or_default();
    let (condition, bound) = match (feeding, from.as_slice()) {
        (Feeding::Transaction, [transaction, ..]) => {
            let lower = transaction & i64::from(u32::MAX);
            ("age(t.xmin) <= (SELECT age($1::text::xid))".to_owned(), lower.to_string())
        }
        (Feeding::Stamped(place), [transaction, ..]) => {
            (format!("t.{} >= $1::text::int8", column(place)), transaction.to_string())
        }
        (Feeding::Number(place), [_, number, ..]) => {
            (format!("t.{} > $1::text::int8", column(place)), number.to_string())
        }
        (Feeding::Modified(place), [_, micros]) => {
            let back = i64::from(table.overlap_seconds).saturating_mul(1_000_000);
            let kind = table.columns.get(place).map(|column| column.base.as_str()).unwrap_or_default();
            let from = micros.saturating_sub(back);
            let condition = match *micros {
                i64::MIN => "$1::text IS NOT NULL".to_owned(),
                // Without a zone the stamp counts from the same moment, as universal time.
                _ if kind.ends_with("\"timestamp\"") => {
                    format!(
                        "t.{} >= timestamp 'epoch' + ($1::text || ' microseconds')::interval",
                        column(place)
                    )
                }
                _ => format!(
                    "t.{} >= timestamptz 'epoch' + ($1::text || ' microseconds')::interval",
                    column(place)
                ),
            };
            (condition, from.to_string())
        }
        _ => return Err(Error::new(ErrorKind::Internal, "a mark of another feed").into()),
    };
    let selection = Selection::new(table, &query.shape)?;
    rows_behind(session, &selection, query, key, &condition, vec![Bound::text(bound)]).await
}

#[cfg(test)]
mod tests {
    use super::{Feeding, Now, marks};

    // Catches: a number that a transaction drew before it was seen to run, and committed after a greater one was read.
    #[test]
    fn numbers_are_passed_only_when_all_have_ended_that_ran_at_the_time() {
        let now = |ended_before, beyond, greatest| Now { ended_before, beyond, greatest: Some(greatest) };
        let feeding = Feeding::Number(0);
        // Transaction 100 runs and holds the number 5; number 6 is there.
        let first = marks(feeding, None, &now(100, 102, 6));
        assert_eq!(first, [100, i64::MIN, 102, 6]);
        let second = marks(feeding, Some(&first), &now(100, 103, 7));
        assert_eq!(second, [100, i64::MIN, 103, 7], "100 runs still: nothing is passed");
        let third = marks(feeding, Some(&second), &now(103, 104, 8));
        assert_eq!(third, [103, 7, 104, 8], "all that ran at the second look have ended");
        assert_eq!(marks(feeding, None, &now(9, 9, 4)), [9, 4, 9, 4], "nothing runs");
    }
}
