//! Pages of an enumeration, and look-ups. Pages go by key, never by offset, so that rows that come and go meanwhile shift
//! nothing. The doors are [`page`] and [`fetch`]; pages of changes are in `changes`.

use std::collections::HashMap;

use seamless_core::connector::{
    Change, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Page, ReadQuery, Versioned,
};
use seamless_core::model::{Condition, Error, ErrorKind, FieldName, RecordId, Result, Truth, Value};

use super::catalogue::Table;
use super::client::{Bound, Session};
use super::cursor::feed;
use super::error::Fault;
use super::rows::{Broken, Selection, bound_key, key_arrays, numbered, place_of, unnested};
use super::values::{Column, bound};
use crate::place::Place;
use crate::sql::keyset::{behind, listed};

/// Bytes of records in one page at most, so that a page of large texts stays small in rows; a single larger record is
/// a page of its own.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Records that a key may match before the answer is cut: more only says "several" again.
const SEVERAL_MAX: usize = 20;

/// Records that are looked up by one statement.
const LOOK_UPS_MAX: usize = 1000;

/// What a page holds so far.
#[derive(Default)]
pub(super) struct PageRead {
    pub(super) changes: Vec<Change>,
    pub(super) last: Option<RecordId>,
    pub(super) ended: bool,
}

/// The columns of the key.
fn key_columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.key.columns.iter().filter_map(|place| table.columns.get(*place))
}

/// A place of a table that had another key when the cursor was made cannot be found any more.
pub(super) fn key_of_place(table: &Table, key: Option<&RecordId>) -> Result<Option<Vec<String>>> {
    let Some(key) = key else { return Ok(None) };
    bound_key(table, key).map(Some).ok_or_else(|| {
        Error::new(ErrorKind::CursorExpired, "the cursor was made when the table had another key")
            .at("entity", &table.entity.name)
            .with_remedy("read everything once; the cursor that comes with it is good")
    })
}

/// The rows behind a key that meet a condition, a page of them, in the order of the key. `bounds` are the parameters of the
/// condition, from `$1` on.
pub(super) async fn rows_behind(
    session: &mut Session,
    selection: &Selection<'_>,
    query: &ReadQuery,
    key: Option<&RecordId>,
    condition: &str,
    bounds: Vec<Bound>,
) -> Result<PageRead, Fault> {
    let table = selection.table;
    let mut bounds = bounds;
    let mut conditions = vec![condition.to_owned()];
    if table.key.is_claimed {
        conditions.extend(key_columns(table).map(|column| format!("t.{} IS NOT NULL", column.quoted)));
    }
    if let Some(key) = key_of_place(table, key)? {
        let marks: Vec<String> = key_columns(table)
            .enumerate()
            .map(|(at, column)| column.made(&format!("${}::text", bounds.len() + at + 1)))
            .collect();
        conditions.push(behind(&table.key.ordered, &marks));
        bounds.extend(key.into_iter().map(Bound::text));
    }
    let limit = query.page_records_max.max(1);
    let sql = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT ${}::text::int8",
        selection.columns,
        selection.from(),
        conditions.join(" AND "),
        listed(&table.key.ordered),
        bounds.len() + 1,
    );
    bounds.push(Bound::text(limit));
    let mut read = PageRead { last: key.cloned(), ..PageRead::default() };
    let (mut count, mut bytes) = (0, 0);
    session
        .walk(&sql, &bounds, |row| {
            count += 1;
            match selection.record(&row) {
                Ok(found) => {
                    bytes += found.record.heap_bytes();
                    read.last = Some(found.id.clone());
                    let out = query.condition != Condition::Always
                        && query.condition.holds(&found.record) == Truth::Out;
                    if !out {
                        read.changes.push(Change::Upsert(found));
                    }
                }
                Err(Broken { id, place, problem }) => {
                    if id.is_some() {
                        read.last.clone_from(&id);
                    }
                    read.changes.push(Change::Broken { id, place, problem });
                }
            }
            bytes < PAGE_BYTES_MAX
        })
        .await?;
    read.ended = count < limit && bytes < PAGE_BYTES_MAX;
    if read.last.as_ref() == key && !read.ended {
        // A page of nothing but rows without an id would be read for ever.
        let error = Error::data("a page holds only rows whose key cannot be an id");
        return Err(error.at("entity", &table.entity.name).into());
    }
    Ok(read)
}

/// The next page of an enumeration. `started` says that it began at the start with this read, so that its end may be
/// complete.
pub(super) async fn page(
    session: &mut Session,
    table: &Table,
    query: &ReadQuery,
    mark: Option<RecordId>,
    key: Option<RecordId>,
    started: Option<u64>,
) -> Result<Page, Fault> {
    let selection = Selection::new(table, &query.shape)?;
    let mut keyless = Vec::new();
    if key.is_none() && table.key.is_claimed {
        refuse_several(session, table).await?;
        keyless = rows_without_key(session, table).await?;
    }
    let mut read = rows_behind(session, &selection, query, key.as_ref(), "1 = 1", Vec::new()).await?;
    keyless.append(&mut read.changes);
    let feed = feed(&query.entity, table.feeding);
    let changes_from = mark
        .clone()
        .filter(|_| table.feeding.is_some())
        .map(|mark| Place::Changes { mark, key: None }.cursor(&feed));
    let cursor = match (&changes_from, read.ended) {
        (Some(changes_from), true) => changes_from.clone(),
        _ => Place::All { mark, key: read.last }.cursor(&feed),
    };
    let end = read.ended.then(|| match started {
        Some(serial) if table.capabilities.complete_enumeration => End::Complete(Enumeration {
            id: format!("{} {serial}", query.entity),
            order: table.capabilities.order,
            changes_from,
        }),
        _ => End::Partial,
    });
    Ok(Page { changes: keyless, cursor, end })
}

/// A key that only the configuration claims must be one, or rows would get lost between pages.
async fn refuse_several(session: &mut Session, table: &Table) -> Result<(), Fault> {
    let keys: Vec<&str> = key_columns(table).map(|column| column.quoted.as_str()).collect();
    let sql = format!("SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1 LIMIT 1", table.name, listed(&keys));
    if session.rows(&sql, &[]).await?.is_empty() {
        return Ok(());
    }
    Err(Error::configuration("several rows have the same key")
        .at("entity", &table.entity.name)
        .with_remedy("name key columns that are unique together")
        .into())
}

/// Rows whose key is nothing: a claimed key allows them, an id does not.
async fn rows_without_key(session: &mut Session, table: &Table) -> Result<Vec<Change>, Fault> {
    let nothing: Vec<String> =
        key_columns(table).map(|column| format!("{} IS NULL", column.quoted)).collect();
    let sql = format!("SELECT count(*) FROM {} WHERE {}", table.name, nothing.join(" OR "));
    let rows = session.rows(&sql, &[]).await?;
    let count: i64 = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    let broken = |count: i64| Change::Broken {
        id: None,
        place: format!("table {}", table.entity.name),
        problem: format!("{count} rows have no key"),
    };
    Ok((count > 0).then(|| broken(count)).into_iter().collect())
}

/// The rows with these ids, by id. What cannot be an id here is not asked for.
pub(super) async fn by_ids(
    session: &mut Session,
    selection: &Selection<'_>,
    ids: &[&RecordId],
    lock: bool,
) -> Result<HashMap<RecordId, tokio_postgres::Row>, Fault> {
    let table = selection.table;
    let keys: Vec<Vec<String>> = ids.iter().filter_map(|id| bound_key(table, id)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    // Locks are taken in the order of keys, so that two batches do not wait for each other in a ring.
    let tail = match lock {
        true => format!(" ORDER BY {} FOR UPDATE OF t", listed(&table.key.ordered)),
        false => String::new(),
    };
    let sql = format!(
        "SELECT {} FROM {} JOIN {} ON {}{tail}",
        selection.columns,
        selection.from(),
        unnested(&numbered("k", table.key.columns.len())),
        selection.has_key(),
    );
    let rows = session.rows(&sql, &key_arrays(table.key.columns.len(), &keys)).await?;
    // A collation may find more than the very key: `ABC` for `abc`. Such a row has another id.
    Ok(rows.into_iter().filter_map(|row| Some((selection.id(&row)?, row))).collect())
}

/// Looks records up: one answer per record asked for, in that order.
pub(super) async fn fetch(
    session: &mut Session,
    table: &Table,
    query: &FetchQuery,
) -> Result<Vec<Lookup>, Fault> {
    let selection = Selection::new(table, &query.shape)?;
    match &query.by {
        FetchBy::Ids(ids) => {
            let mut answers = Vec::with_capacity(ids.len());
            for part in ids.chunks(LOOK_UPS_MAX) {
                let asked: Vec<&RecordId> = part.iter().collect();
                let found = by_ids(session, &selection, &asked, false).await?;
                let missing = asked.iter().any(|id| !found.contains_key(id));
                let proves =
                    missing && table.capabilities.gone_not_hidden && !hides_rows(session, table).await?;
                answers.extend(part.iter().map(|id| match found.get(id) {
                    Some(row) => answered(selection.record(row)),
                    None if proves => Lookup::Gone(GoneProof {
                        id: id.clone(),
                        seen: format!("row {id} is not in table {}", table.entity.name),
                    }),
                    None => Lookup::Hidden,
                }));
            }
            Ok(answers)
        }
        FetchBy::Key { fields, values } => {
            let columns = columns_of(table, fields)?;
            let mut answers = Vec::with_capacity(values.len());
            for part in values.chunks(LOOK_UPS_MAX) {
                answers.extend(by_keys(session, &selection, &columns, part).await?);
            }
            Ok(answers)
        }
    }
}

/// Whether a policy hides rows now: one that was made after the catalogue was read must not make rows look gone.
async fn hides_rows(session: &mut Session, table: &Table) -> Result<bool, Fault> {
    let sql = "SELECT row_security_active($1::text::oid)";
    let rows = session.rows(sql, &[Bound::text(table.oid)]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(true))
}

fn columns_of<'a>(table: &'a Table, fields: &[FieldName]) -> Result<Vec<&'a Column>> {
    let places = fields.iter().map(|field| place_of(table, field)).collect::<Result<Vec<_>>>()?;
    Ok(places.into_iter().filter_map(|place| table.columns.get(place)).collect())
}

fn answered(found: std::result::Result<Versioned, Broken>) -> Lookup {
    match found {
        Ok(found) => Lookup::Found(found),
        Err(Broken { place, problem, .. }) => {
            tracing::warn!(place, problem, "a row cannot be read");
            Lookup::Unanswered
        }
    }
}

async fn by_keys(
    session: &mut Session,
    selection: &Selection<'_>,
    columns: &[&Column],
    keys: &[Vec<Value>],
) -> Result<Vec<Lookup>, Fault> {
    // What a column cannot hold, no row has; and a key of which a part is missing names nobody.
    let texts = |key: &Vec<Value>| -> Option<Vec<String>> {
        let bind = |(column, value): (&&Column, &Value)| match value.as_ref().is_null() {
            true => None,
            false => bound(column, value.as_ref()).ok().flatten(),
        };
        let texts: Option<Vec<String>> = columns.iter().zip(key).map(bind).collect();
        texts.filter(|texts| texts.len() == columns.len() && !texts.is_empty())
    };
    let mut asked = Vec::new();
    let mut answers: Vec<Lookup> = keys.iter().map(|_| Lookup::Hidden).collect();
    let mut places = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        if let Some(texts) = texts(key) {
            asked.push(texts);
            places.push(place);
        }
    }
    if asked.is_empty() {
        return Ok(answers);
    }
    let equal: Vec<String> =
        columns.iter().enumerate().map(|(at, column)| column.equals("t", &format!("u.k{at}"))).collect();
    let sql = format!(
        "SELECT r.*, u.n FROM {}, LATERAL (SELECT {} FROM {} WHERE {} LIMIT {SEVERAL_MAX}) AS r",
        unnested(&numbered("k", columns.len())),
        selection.columns,
        selection.from(),
        equal.join(" AND "),
    );
    let rows = session.rows(&sql, &key_arrays(columns.len(), &asked)).await?;
    let mut found: HashMap<usize, Vec<tokio_postgres::Row>> = HashMap::new();
    for row in rows {
        let number: i64 = row.try_get(row.len().saturating_sub(1))?;
        let place = usize::try_from(number).ok().and_then(|number| places.get(number.checked_sub(1)?));
        if let Some(place) = place {
            found.entry(*place).or_default().push(row);
        }
    }
    for (place, rows) in found {
        let Some(answer) = answers.get_mut(place) else { continue };
        let mut ids: Vec<RecordId> = rows.iter().filter_map(|row| selection.id(row)).collect();
        *answer = match rows.as_slice() {
            [one] => answered(selection.record(one)),
            _ => {
                ids.sort();
                Lookup::Several(ids)
            }
        };
    }
    Ok(answers)
}
