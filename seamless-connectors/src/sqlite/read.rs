//! Rows to records: pages of an enumeration, pages of changes, look-ups. Pages go by key (`key > last key`), never by
//! offset, so that rows that come and go meanwhile shift nothing. The doors are [`page`] and [`fetch`].
//!
//! Cost: one pass over the page; a record is built straight from SQLite's own buffers.

use std::sync::Arc;

use rusqlite::types::Value as Bound;
use rusqlite::{Connection, Row, params_from_iter};
use seamless_core::connector::{
    Change, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Page, ReadQuery, Versioned,
};
use seamless_core::model::{
    Condition, Error, ErrorKind, KeyPart, RecordBuilder, RecordId, Result, Shape, Truth, Value, Version,
};

use super::catalogue::{Feeding, Table};
use super::cursor::feed;
use super::error::from_sqlite;
use super::values::{bound, bound_part, key_part, push, stamp};
use crate::place::Place;
use crate::sql::keyset::behind;
use crate::sql::quote::quoted;

/// Bytes of records in one page at most, so that a page of large texts stays small in rows; a single larger record is
/// a page of its own.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Rows without a usable key that are reported one by one; the rest is one line.
const KEYLESS_SHOWN_MAX: usize = 100;

/// Records that a key may match before the answer is cut: more only says "several" again.
const SEVERAL_MAX: usize = 20;

/// What is asked of each row, and in which order it comes.
pub(super) struct Selection<'a> {
    table: &'a Table,
    shape: &'a Arc<Shape>,
    fields: Vec<usize>,
    /// `SELECT .. FROM .. WHERE key = ?`
    by_id: String,
}

/// A row that cannot be a record.
pub(super) struct Broken {
    pub(super) id: Option<RecordId>,
    pub(super) place: String,
    pub(super) problem: String,
}

impl<'a> Selection<'a> {
    /// The columns of a shape.
    ///
    /// Errors: a field that the table lacks, or a view whose key is not known.
    pub(super) fn new(table: &'a Table, shape: &'a Arc<Shape>) -> Result<Self> {
        let name = &table.entity.name;
        if table.key.names.is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "the rows of this view have no key")
                .at("entity", name)
                .with_remedy("name its key columns in the connection's configuration"));
        }
        let mut fields = Vec::with_capacity(shape.len());
        for field in shape.names() {
            let place = table.columns.iter().position(|column| column.name == field.as_str());
            fields.push(place.ok_or_else(|| {
                Error::configuration("the table has no such column").at("entity", name).at("field", field)
            })?);
        }
        let mut selection = Self { table, shape, fields, by_id: String::new() };
        let equal: Vec<String> = table.key.names.iter().map(|name| format!("{name} = ?")).collect();
        selection.by_id = format!("{} WHERE {}", selection.from(), equal.join(" AND "));
        Ok(selection)
    }

    /// `"a", "b", key, version, modified, feed column`
    fn columns(&self) -> String {
        let table = self.table;
        let column = |place: Option<usize>| {
            let found = place.and_then(|place| table.columns.get(place));
            found.map_or("NULL".to_owned(), |column| quoted(&column.name))
        };
        let mut columns: Vec<String> = self.fields.iter().map(|place| column(Some(*place))).collect();
        columns.extend(table.key.names.iter().cloned());
        columns.push(column(table.version));
        columns.push(column(table.modified));
        columns.push(column(table.feeding.map(Feeding::column)));
        columns.join(", ")
    }

    fn from(&self) -> String {
        format!("SELECT {} FROM {}", self.columns(), quoted(self.table.entity.name.as_str()))
    }

    fn key_at(&self) -> usize {
        self.fields.len()
    }

    fn id(&self, row: &Row<'_>) -> rusqlite::Result<Option<RecordId>> {
        let at = self.key_at();
        if let [_] = self.table.key.names[..] {
            return Ok(key_part(row.get_ref(at)?).map(|part| match part {
                KeyPart::Int(key) => RecordId::int(key),
                KeyPart::Text(key) => RecordId::text(&key),
            }));
        }
        let mut parts = Vec::with_capacity(self.table.key.names.len());
        for place in 0..self.table.key.names.len() {
            match key_part(row.get_ref(at + place)?) {
                Some(part) => parts.push(part),
                None => return Ok(None),
            }
        }
        Ok(Some(RecordId::of_parts(&parts)))
    }

    /// A row as a record, or why it is none.
    fn record(&self, row: &Row<'_>) -> rusqlite::Result<std::result::Result<Versioned, Broken>> {
        let Some(id) = self.id(row)? else {
            let place = format!("table {}", self.table.entity.name);
            let problem = "its key is neither a whole number nor text".to_owned();
            return Ok(Err(Broken { id: None, place, problem }));
        };
        let mut builder = RecordBuilder::new(self.shape);
        for (slot, place) in self.fields.iter().enumerate() {
            let Some(column) = self.table.columns.get(*place) else { continue };
            if let Err(problem) = push(&mut builder, &column.kind, row.get_ref(slot)?) {
                let place = format!("table {} row {id}", self.table.entity.name);
                return Ok(Err(Broken {
                    id: Some(id),
                    place,
                    problem: format!("{}: {problem}", column.name),
                }));
            }
        }
        let after = self.key_at() + self.table.key.names.len();
        let version = match row.get_ref(after)? {
            rusqlite::types::ValueRef::Integer(version) => Some(Version::new(version.to_string())),
            _ => None,
        };
        let modified = stamp(row.get_ref(after + 1)?);
        Ok(Ok(Versioned { id, version, modified, record: builder.finish() }))
    }

    /// The value of the feed column.
    fn mark(&self, row: &Row<'_>) -> rusqlite::Result<Option<KeyPart>> {
        if self.table.feeding.is_none() {
            return Ok(None);
        }
        Ok(key_part(row.get_ref(self.key_at() + self.table.key.names.len() + 2)?))
    }

    /// The row with an id, read in whatever transaction is open. `None`: it is not there.
    pub(super) fn by_id(
        &self,
        connection: &Connection,
        id: &RecordId,
    ) -> rusqlite::Result<Option<std::result::Result<Versioned, Broken>>> {
        let parts = id.parts();
        if parts.len() != self.table.key.names.len() {
            return Ok(None);
        }
        let mut statement = connection.prepare_cached(&self.by_id)?;
        let mut rows = statement.query(params_from_iter(parts.iter().map(bound_part)))?;
        while let Some(row) = rows.next()? {
            // Affinity and collation find more than the very key: `'7'` for 7, `ABC` for `abc`.
            if self.id(row)?.as_ref() == Some(id) {
                return self.record(row).map(Some);
            }
        }
        Ok(None)
    }
}

/// A place of a table that had another key when the cursor was made cannot be found any more.
fn refuse_other_key(table: &Table, place: &Place) -> Result<()> {
    let (mark, key) = match place {
        Place::All { mark, key } => (mark.as_ref(), key),
        Place::Changes { mark, key } => (Some(mark), key),
    };
    let parts = table.key.names.len();
    let fits = |id: &RecordId, parts: usize| id.parts().len() == parts;
    if mark.is_none_or(|mark| fits(mark, 1)) && key.as_ref().is_none_or(|key| fits(key, parts)) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::CursorExpired, "the cursor was made when the table had another key")
        .with_remedy("read everything once; the cursor that comes with it is good"))
}

/// The next page of an enumeration or of changes. `started` says that an enumeration began at the start with this
/// read, so that its end may be complete.
pub(super) fn page(
    connection: &Connection,
    table: &Table,
    query: &ReadQuery,
    place: Place,
    started: bool,
    serial: u64,
) -> Result<Page> {
    refuse_other_key(table, &place).map_err(|error| error.at("entity", &query.entity))?;
    let selection = Selection::new(table, &query.shape)?;
    let doing = |error: rusqlite::Error| from_sqlite(&error, "reading a page").at("entity", &query.entity);
    match place {
        Place::All { mark, key } => {
            let mut changes = Vec::new();
            if key.is_none() {
                refuse_several(connection, table).map_err(doing)??;
                changes = keyless(connection, table).map_err(doing)?;
            }
            let read = records(connection, &selection, query, key.as_ref(), changes).map_err(doing)?;
            Ok(end_of_records(table, query, read, mark, started, serial))
        }
        Place::Changes { mark, key } => {
            let Some(feeding) = table.feeding else {
                return Err(Error::new(
                    ErrorKind::CursorExpired,
                    "the table has no feed of changes any more",
                )
                .at("entity", &query.entity));
            };
            let read = changes(connection, &selection, query, feeding, &mark, key.as_ref()).map_err(doing)?;
            let feed = feed(&query.entity, table.feeding);
            let cursor = match (&read.last, read.ended) {
                (Some(last), false) => Place::Changes { mark: read.mark, key: Some(last.clone()) },
                _ => Place::Changes { mark: read.mark, key: None },
            }
            .cursor(&feed);
            let low_water = table.capabilities.low_water.then(|| cursor.clone());
            let end = read.ended.then_some(End::CaughtUp { low_water });
            Ok(Page { changes: read.changes, cursor, end })
        }
    }
}

fn end_of_records(
    table: &Table,
    query: &ReadQuery,
    read: PageRead,
    mark: Option<RecordId>,
    started: bool,
    serial: u64,
) -> Page {
    let feed = feed(&query.entity, table.feeding);
    let changes_from = mark
        .clone()
        .filter(|_| table.feeding.is_some())
        .map(|mark| Place::Changes { mark, key: None }.cursor(&feed));
    let cursor = match (&changes_from, read.ended) {
        (Some(changes_from), true) => changes_from.clone(),
        _ => Place::All { mark, key: read.last }.cursor(&feed),
    };
    let end = read.ended.then(|| {
        if !started {
            return End::Partial;
        }
        let id = format!("{} {serial}", query.entity);
        End::Complete(Enumeration { id, order: table.capabilities.order, changes_from })
    });
    Page { changes: read.changes, cursor, end }
}

struct PageRead {
    changes: Vec<Change>,
    mark: RecordId,
    last: Option<RecordId>,
    ended: bool,
}

/// Rows with a key that can be an id: whole numbers and text. The others are reported by [`keyless`].
fn keyed(table: &Table) -> String {
    if table.key.is_rowid {
        return "1".to_owned();
    }
    let parts: Vec<String> =
        table.key.names.iter().map(|name| format!("typeof({name}) IN ('integer', 'text')")).collect();
    parts.join(" AND ")
}

fn records(
    connection: &Connection,
    selection: &Selection<'_>,
    query: &ReadQuery,
    after: Option<&RecordId>,
    changes: Vec<Change>,
) -> rusqlite::Result<PageRead> {
    let table = selection.table;
    let keys = table.key.names.join(", ");
    let parts = after.map(RecordId::parts).unwrap_or_default();
    let beyond = behind(&table.key.names, &vec!["?"; parts.len()]);
    let sql = format!("{} WHERE {} AND {beyond} ORDER BY {keys} LIMIT ?", selection.from(), keyed(table));
    let limit = i64::try_from(query.page_records_max.max(1)).unwrap_or(i64::MAX);
    let bounds = parts.iter().map(bound_part).chain([Bound::Integer(limit)]);
    let begin = PageRead { changes, mark: RecordId::int(0), last: after.cloned(), ended: false };
    walk(connection, selection, &sql, bounds.collect(), limit, begin, |read, change, _| {
        let out = match &change {
            Change::Upsert(found) if query.condition != Condition::Always => {
                query.condition.holds(&found.record) == Truth::Out
            }
            _ => false,
        };
        if !out {
            read.changes.push(change);
        }
    })
}

fn changes(
    connection: &Connection,
    selection: &Selection<'_>,
    query: &ReadQuery,
    feeding: Feeding,
    mark: &RecordId,
    key: Option<&RecordId>,
) -> rusqlite::Result<PageRead> {
    let table = selection.table;
    let column = table.columns.get(feeding.column()).map(|column| quoted(&column.name)).unwrap_or_default();
    let keys = table.key.names.join(", ");
    let behind_last = || {
        let names: Vec<&str> =
            std::iter::once(column.as_str()).chain(table.key.names.iter().map(String::as_str)).collect();
        behind(&names, &vec!["?"; names.len()])
    };
    // A version belongs to one moment; of a stamp there may be more to come, so its rows are read again.
    let (storage, beyond) = match (feeding, key) {
        (Feeding::Version(_), None) => ("integer", format!("{column} > ?")),
        (Feeding::Modified(_), None) => ("text", format!("{column} >= ?")),
        (Feeding::Version(_), Some(_)) => ("integer", behind_last()),
        (Feeding::Modified(_), Some(_)) => ("text", behind_last()),
    };
    let sql = format!(
        "{} WHERE {} AND typeof({column}) = '{storage}' AND {beyond} ORDER BY {column}, {keys} LIMIT ?",
        selection.from(),
        keyed(table),
    );
    let limit = i64::try_from(query.page_records_max.max(1)).unwrap_or(i64::MAX);
    let parts = mark.parts().into_iter().take(1).chain(key.map(RecordId::parts).unwrap_or_default());
    let bounds = parts.map(|part| bound_part(&part)).chain([Bound::Integer(limit)]).collect();
    let begin = PageRead { changes: Vec::new(), mark: mark.clone(), last: key.cloned(), ended: false };
    walk(connection, selection, &sql, bounds, limit, begin, |read, change, mark| {
        read.changes.push(change);
        if let Some(mark) = mark {
            read.mark = RecordId::of_parts(&[mark]);
        }
    })
}

/// Walks the rows of a page; a page that was filled, by number or by bytes, does not end the feed.
fn walk(
    connection: &Connection,
    selection: &Selection<'_>,
    sql: &str,
    bounds: Vec<Bound>,
    limit: i64,
    mut read: PageRead,
    mut take: impl FnMut(&mut PageRead, Change, Option<KeyPart>),
) -> rusqlite::Result<PageRead> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(bounds))?;
    let (mut count, mut bytes) = (0i64, 0usize);
    while let Some(row) = rows.next()? {
        count += 1;
        let change = match selection.record(row)? {
            Ok(found) => {
                bytes += found.record.heap_bytes();
                read.last = Some(found.id.clone());
                Change::Upsert(found)
            }
            Err(Broken { id, place, problem }) => {
                if id.is_some() {
                    read.last.clone_from(&id);
                }
                Change::Broken { id, place, problem }
            }
        };
        take(&mut read, change, selection.mark(row)?);
        if bytes >= PAGE_BYTES_MAX {
            return Ok(read);
        }
    }
    read.ended = count < limit;
    Ok(read)
}

/// The mark of changes now: the greatest value of the feed column.
pub(super) fn mark_now(connection: &Connection, table: &Table) -> Result<Option<RecordId>> {
    let Some(feeding) = table.feeding else { return Ok(None) };
    let column = table.columns.get(feeding.column()).map(|column| quoted(&column.name)).unwrap_or_default();
    let (storage, least) = match feeding {
        Feeding::Version(_) => ("integer", RecordId::int(i64::MIN)),
        Feeding::Modified(_) => ("text", RecordId::text("")),
    };
    let name = quoted(table.entity.name.as_str());
    let sql = format!("SELECT max({column}) FROM {name} WHERE typeof({column}) = '{storage}'");
    let read = || -> rusqlite::Result<Option<KeyPart>> {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        Ok(rows.next()?.map(|row| row.get_ref(0)).transpose()?.and_then(key_part))
    };
    let found = read().map_err(|error| from_sqlite(&error, "reading the last version"))?;
    Ok(Some(found.map_or(least, |part| RecordId::of_parts(&[part]))))
}

/// Rows whose key is null, a fraction or bytes: SQLite allows them, an id does not.
fn keyless(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Change>> {
    if table.key.is_rowid {
        return Ok(Vec::new());
    }
    let name = quoted(table.entity.name.as_str());
    let sql = format!("SELECT {} FROM {name} WHERE NOT ({})", table.key.names.join(", "), keyed(table));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let (mut broken, mut more) = (Vec::new(), 0u64);
    let mut say = |problem: String| {
        broken.push(Change::Broken { id: None, place: format!("table {}", table.entity.name), problem });
    };
    let mut shown = 0;
    while rows.next()?.is_some() {
        shown += 1;
        if shown > KEYLESS_SHOWN_MAX {
            more += 1;
        } else {
            say("its key is neither a whole number nor text".to_owned());
        }
    }
    if more > 0 {
        say(format!("{more} more rows whose key is neither a whole number nor text"));
    }
    Ok(broken)
}

/// A key that only the configuration claims must be one, or rows would get lost between pages.
fn refuse_several(connection: &Connection, table: &Table) -> rusqlite::Result<Result<()>> {
    if !table.key.is_claimed {
        return Ok(Ok(()));
    }
    let (keys, name) = (table.key.names.join(", "), quoted(table.entity.name.as_str()));
    let sql = format!("SELECT 1 FROM {name} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1");
    let several = connection.prepare_cached(&sql)?.exists([])?;
    Ok(if several {
        Err(Error::configuration("several rows have the same key")
            .at("entity", &table.entity.name)
            .with_remedy("name key columns that are unique together"))
    } else {
        Ok(())
    })
}

/// Looks records up: one answer per record asked for, in that order.
pub(super) fn fetch(connection: &Connection, table: &Table, query: &FetchQuery) -> Result<Vec<Lookup>> {
    let selection = Selection::new(table, &query.shape)?;
    let doing = |error: rusqlite::Error| from_sqlite(&error, "looking up").at("entity", &query.entity);
    match &query.by {
        FetchBy::Ids(ids) => {
            let look_up = |id: &RecordId| -> rusqlite::Result<Lookup> {
                Ok(match selection.by_id(connection, id)? {
                    Some(found) => answered(found),
                    None => Lookup::Gone(GoneProof {
                        id: id.clone(),
                        seen: format!("row {id} is not in table {}", table.entity.name),
                    }),
                })
            };
            ids.iter().map(look_up).collect::<rusqlite::Result<_>>().map_err(doing)
        }
        FetchBy::Key { fields, values } => {
            let mut columns = Vec::with_capacity(fields.len());
            for field in fields {
                let place = table.columns.iter().position(|column| column.name == field.as_str());
                columns.push(place.ok_or_else(|| {
                    Error::configuration("the table has no such column")
                        .at("entity", &query.entity)
                        .at("field", field)
                })?);
            }
            values
                .iter()
                .map(|key| by_key(connection, &selection, &columns, key))
                .collect::<rusqlite::Result<_>>()
                .map_err(doing)
        }
    }
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

fn by_key(
    connection: &Connection,
    selection: &Selection<'_>,
    columns: &[usize],
    key: &[Value],
) -> rusqlite::Result<Lookup> {
    let table = selection.table;
    let mut bounds = Vec::with_capacity(key.len());
    for (place, value) in columns.iter().zip(key) {
        let Some(column) = table.columns.get(*place) else { continue };
        match bound(&column.kind, column.affinity, value.as_ref()) {
            Ok(value) if value != Bound::Null => bounds.push(value),
            // What the column cannot hold, no row has; and a key of which a part is missing names nobody.
            _ => return Ok(Lookup::Hidden),
        }
    }
    let names = columns.iter().filter_map(|place| table.columns.get(*place));
    let equal: Vec<String> = names.map(|column| format!("{} = ?", quoted(&column.name))).collect();
    if equal.is_empty() || bounds.len() != equal.len() {
        return Ok(Lookup::Hidden);
    }
    let sql = format!("{} WHERE {} LIMIT {SEVERAL_MAX}", selection.from(), equal.join(" AND "));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(bounds))?;
    let (mut ids, mut found) = (Vec::new(), Lookup::Hidden);
    while let Some(row) = rows.next()? {
        let record = selection.record(row)?;
        let id = match &record {
            Ok(found) => Some(found.id.clone()),
            Err(broken) => broken.id.clone(),
        };
        ids.extend(id);
        found = answered(record);
    }
    if ids.len() > 1 {
        ids.sort();
        found = Lookup::Several(ids);
    }
    Ok(found)
}
