//! The statement that makes a row.

use super::catalogue::Table;
use crate::sql::quote::{marks, quoted};

/// A statement that makes a row, and the names of the columns that it sets.
pub(super) struct Insert {
    pub(super) columns: Vec<String>,
    pub(super) sql: String,
    /// Whether the key is the rowid: then SQLite tells it by itself, and need not make a table of what is returned.
    pub(super) by_rowid: bool,
}

impl Insert {
    pub(super) fn of(table: &Table, columns: &[&str]) -> Self {
        let into = quoted(table.entity.name.as_str());
        let what = match columns.len() {
            0 => "DEFAULT VALUES".to_owned(),
            count => format!("({}) VALUES ({})", columns.join(", "), marks(count)),
        };
        let by_rowid = table.key.is_rowid && table.key.names.len() == 1;
        let mut sql = format!("INSERT INTO {into} {what}");
        if !by_rowid {
            sql.push_str(" RETURNING ");
            sql.push_str(&table.key.names.join(", "));
        }
        Self { columns: columns.iter().map(|name| (*name).to_owned()).collect(), sql, by_rowid }
    }
}
