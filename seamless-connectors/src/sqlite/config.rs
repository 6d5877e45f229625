//! How a SQLite database is connected. Knows nothing of what is in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A SQLite database file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The file.
    pub path: PathBuf,
    /// Refuses every write.
    #[serde(default)]
    pub read_only: bool,
    /// Makes the file when it is not there. Without it a mistyped path is an error, not an empty system.
    #[serde(default)]
    pub create: bool,
    /// The identity that state is bound to, in place of the one made of path and file number.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it; the file's name where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
    /// The tables and views to show; all of them where nothing is said.
    #[serde(default)]
    pub entities: Option<Vec<String>>,
    /// What is to be known of single tables.
    #[serde(default)]
    pub tables: BTreeMap<String, TableConfig>,
    /// How long a call waits for another writer, in milliseconds; 5,000 where nothing is said.
    #[serde(default)]
    pub busy_timeout_ms: Option<u32>,
}

impl SqliteConfig {
    /// A database that is there already, everything else by default.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Says what is to be known of a table.
    #[must_use]
    pub fn table(mut self, name: &str, table: TableConfig) -> Self {
        self.tables.insert(name.to_owned(), table);
        self
    }
}

/// What is to be known of one table or view.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// The column of whole numbers that moves on every insert and update.
    #[serde(default)]
    pub version: Option<String>,
    /// The column that says when a row was last changed.
    #[serde(default)]
    pub modified: Option<String>,
    /// Takes the configuration's word that the version column grows over the whole table on every insert and update,
    /// without proof by triggers.
    #[serde(default)]
    pub trusted: bool,
    /// The key of a view, or of a table that declares none.
    #[serde(default)]
    pub key: Vec<String>,
}
