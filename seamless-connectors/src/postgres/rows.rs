//! Rows to records: what is asked of a table, and what its answers mean. Knows the order of columns in an answer and no page.
//! The door is [`Selection`].

use std::sync::Arc;

use seamless_core::connector::Versioned;
use seamless_core::model::{
    Error, ErrorKind, FieldName, KeyPart, Presence, RecordBuilder, RecordId, Result, Shape, Version,
};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::catalogue::{Table, VersionBy};
use super::client::Bound;
use super::values::{bound_part, key_part, push, stamp};
use crate::sql::keyset::listed;

/// How far beyond the transactions that a statement knows the one of its own row can be.
const AHEAD_MAX: u64 = 1 << 20;

/// The bytes of a value as they came, whatever their type.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The bytes at a place of a row.
pub(super) fn raw(row: &Row, place: usize) -> Option<&[u8]> {
    row.try_get::<_, Raw<'_>>(place).ok().and_then(|raw| raw.0)
}

/// A row that cannot be a record.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) id: Option<RecordId>,
    pub(super) place: String,
    pub(super) problem: String,
}

/// What is asked of each row: the fields of a shape, the key, the version, the modified stamp.
pub(super) struct Selection<'a> {
    pub(super) table: &'a Table,
    shape: &'a Arc<Shape>,
    fields: Vec<usize>,
    /// The columns as SQL; the table is called `t`.
    pub(super) columns: String,
}

impl<'a> Selection<'a> {
    /// The columns of a shape.
    ///
    /// Errors: a field that the table lacks, or a table whose rows cannot be addressed.
    pub(super) fn new(table: &'a Table, shape: &'a Arc<Shape>) -> Result<Self> {
        let name = &table.entity.name;
        if table.key.columns.is_empty() {
            return Err(Error::new(ErrorKind::Unsupported, "the rows of this table or view have no key")
                .at("entity", name)
                .with_remedy(
                    "give the table a primary key, or name key columns in the connection's configuration",
                ));
        }
        let fields = shape.names().iter().map(|field| place_of(table, field)).collect::<Result<Vec<_>>>()?;
        let column = |place: &usize| table.columns.get(*place);
        let mut columns: Vec<String> =
            fields.iter().filter_map(column).map(|column| column.selected("t")).collect();
        columns.extend(table.key.columns.iter().filter_map(column).map(|column| column.selected("t")));
        // The second is what the transaction, of which a row keeps the lower half only, is completed by.
        let (version, beyond) = match table.version {
            Some(VersionBy::Transaction) => {
                ("t.xmin".to_owned(), "(SELECT pg_snapshot_xmax(pg_current_snapshot()))")
            }
            Some(VersionBy::Column(place)) => {
                let column = column(&place).map_or("NULL".to_owned(), |column| column.selected("t"));
                (format!("{column}::text"), "NULL")
            }
            None => ("NULL".to_owned(), "NULL"),
        };
        columns.push(version);
        columns.push(beyond.to_owned());
        let modified = table.modified.and_then(|place| table.columns.get(place));
        columns.push(modified.map_or("NULL".to_owned(), |column| column.selected("t")));
        Ok(Self { table, shape, fields, columns: listed(&columns) })
    }

    /// `"public"."customer" AS t`, without rows of children.
    pub(super) fn from(&self) -> String {
        format!("{}{} AS t", self.table.only, self.table.name)
    }

    fn key_at(&self) -> usize {
        self.fields.len()
    }

    /// The id of a row; `None` where its key cannot be one.
    pub(super) fn id(&self, row: &Row) -> Option<RecordId> {
        let mut parts = Vec::with_capacity(self.table.key.columns.len());
        for (offset, place) in self.table.key.columns.iter().enumerate() {
            parts.push(key_part(self.table.columns.get(*place)?.kind, raw(row, self.key_at() + offset)?)?);
        }
        match parts.as_slice() {
            [KeyPart::Int(key)] => Some(RecordId::int(*key)),
            [KeyPart::Text(key)] => Some(RecordId::text(key)),
            parts => Some(RecordId::of_parts(parts)),
        }
    }

    /// The version of a row.
    pub(super) fn version(&self, row: &Row) -> Option<Version> {
        let at = self.key_at() + self.table.key.columns.len();
        match self.table.version? {
            VersionBy::Column(_) => Some(Version::new(std::str::from_utf8(raw(row, at)?).ok()?)),
            VersionBy::Transaction => {
                let short = u32::from_be_bytes(raw(row, at)?.try_into().ok()?);
                let beyond = u64::from_be_bytes(raw(row, at + 1)?.try_into().ok()?);
                Some(Version::new(completed(short, beyond).to_string()))
            }
        }
    }

    /// What a row holds in one of the shape's slots, by itself: a broken field elsewhere says nothing of it.
    pub(super) fn slot_equals(&self, row: &Row, slot: usize, expected: Presence<'_>) -> bool {
        let Some(column) = self.fields.get(slot).and_then(|place| self.table.columns.get(*place)) else {
            return false;
        };
        let Some(name) = self.shape.name(slot) else { return false };
        let Ok(shape) = Shape::new([name.clone()]) else { return false };
        let mut builder = RecordBuilder::new(&shape);
        push(&mut builder, column, raw(row, slot)).is_ok() && builder.finish().get(0) == expected
    }

    /// A row as a record, or why it is none.
    pub(super) fn record(&self, row: &Row) -> std::result::Result<Versioned, Broken> {
        let name = &self.table.entity.name;
        let Some(id) = self.id(row) else {
            let problem = "its key is nothing, or cannot be an id".to_owned();
            return Err(Broken { id: None, place: format!("table {name}"), problem });
        };
        let mut builder = RecordBuilder::new(self.shape);
        for (slot, place) in self.fields.iter().enumerate() {
            let Some(column) = self.table.columns.get(*place) else { continue };
            if let Err(problem) = push(&mut builder, column, raw(row, slot)) {
                let (place, problem) =
                    (format!("table {name} row {id}"), format!("{}: {problem}", column.name));
                return Err(Broken { id: Some(id), place, problem });
            }
        }
        let modified =
            self.table.modified.and_then(|place| self.table.columns.get(place)).and_then(|column| {
                stamp(column.kind, raw(row, self.key_at() + self.table.key.columns.len() + 2))
            });
        Ok(Versioned { version: self.version(row), modified, record: builder.finish(), id })
    }

    /// `t."key" = u.k0::type` for keys that are unnested as `u`.
    pub(super) fn has_key(&self) -> String {
        let columns = self.table.key.columns.iter().filter_map(|place| self.table.columns.get(*place));
        let equal: Vec<String> =
            columns.enumerate().map(|(at, column)| column.equals("t", &format!("u.k{at}"))).collect();
        equal.join(" AND ")
    }
}

/// `unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (k0, k1, n)`
pub(super) fn unnested(names: &[String]) -> String {
    let arrays: Vec<String> = (1..=names.len()).map(|number| format!("${number}::text[]")).collect();
    format!("unnest({}) WITH ORDINALITY AS u ({}, n)", listed(&arrays), listed(names))
}

/// `k0, k1`
pub(super) fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}{number}")).collect()
}

/// The place of a field's column.
pub(super) fn place_of(table: &Table, field: &FieldName) -> Result<usize> {
    table.columns.iter().position(|column| column.name == field.as_str()).ok_or_else(|| {
        Error::configuration("the table has no such column")
            .at("entity", &table.entity.name)
            .at("field", field)
    })
}

/// The texts that are bound for a key; `None` where no row can have it.
pub(super) fn bound_key(table: &Table, id: &RecordId) -> Option<Vec<String>> {
    let parts = id.parts();
    if parts.len() != table.key.columns.len() {
        return None;
    }
    let columns = table.key.columns.iter().map(|place| table.columns.get(*place));
    columns.zip(&parts).map(|(column, part)| bound_part(column?, part)).collect()
}

/// Keys as arrays to bind, one array for each part.
pub(super) fn key_arrays(parts: usize, keys: &[Vec<String>]) -> Vec<Bound> {
    let part = |at: usize| keys.iter().map(|key| key.get(at).cloned()).collect();
    (0..parts).map(|at| Bound::Many(part(at))).collect()
}

/// A transaction in its long form, of the lower half that a row keeps and a number that is greater than it or little less.
/// A row that was written so long ago that the lower half comes again seems to be younger than it is: its version then
/// moves by itself, once in four thousand million transactions, and never stays where the row was written anew.
fn completed(short: u32, beyond: u64) -> u64 {
    let span = 1_u64 << 32;
    let whole = (beyond & !(span - 1)) | u64::from(short);
    if whole > beyond + AHEAD_MAX {
        // Before the first span there is none: what is there is from before an upgrade.
        whole.checked_sub(span).unwrap_or(whole)
    } else if whole + span <= beyond + AHEAD_MAX {
        whole + span
    } else {
        whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::{AHEAD_MAX, completed};

    proptest! {
        // Catches: a version that comes again after four thousand million transactions.
        #[test]
        fn a_transaction_is_completed_while_its_lower_half_is_its_own(beyond in 1_u64..1 << 50, back in 0_u64..(1 << 32) - AHEAD_MAX) {
            let transaction = beyond.saturating_sub(back);
            prop_assert_eq!(completed(transaction as u32, beyond), transaction);
        }

        #[test]
        fn a_transaction_of_the_statement_itself_is_beyond_what_it_knows(beyond in any::<u32>(), ahead in 0_u64..AHEAD_MAX) {
            let beyond = u64::from(beyond) + (7 << 32);
            prop_assert_eq!(completed((beyond + ahead) as u32, beyond), beyond + ahead);
        }
    }
}
