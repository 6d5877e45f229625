//! How a PostgreSQL database is connected. Knows nothing of what is in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use seamless_core::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A PostgreSQL database. Its password is shown neither by `Debug` nor when it is written; what was written is read back
/// with the password `***`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// The server's name or address. Its certificate must be for this name.
    pub host: String,
    /// The port; 5432 where nothing is said.
    #[serde(default)]
    pub port: Option<u16>,
    /// The database.
    pub database: String,
    /// Who connects.
    pub user: String,
    /// The password, where the server asks for one.
    #[serde(default, serialize_with = "masked", deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// Whether the connection is encrypted, and whom it trusts.
    #[serde(default)]
    pub tls: Tls,
    /// The schemas whose tables are shown; `public` where nothing is said. Tables of the first one go by their name, those
    /// of others by `schema.table`.
    #[serde(default)]
    pub schemas: Option<Vec<String>>,
    /// The tables and views to show; all of them where nothing is said.
    #[serde(default)]
    pub entities: Option<Vec<String>>,
    /// What is to be known of single tables, by their name as an entity.
    #[serde(default)]
    pub tables: BTreeMap<String, TableConfig>,
    /// Refuses every write; the server is told so as well.
    #[serde(default)]
    pub read_only: bool,
    /// The identity that state is bound to, in place of the one that the server tells.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it; database and host where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
    /// How long a statement may take, in milliseconds; 60,000 where nothing is said.
    #[serde(default)]
    pub statement_timeout_ms: Option<u32>,
    /// How long connecting may take, in milliseconds; 10,000 where nothing is said.
    #[serde(default)]
    pub connect_timeout_ms: Option<u32>,
}

impl PostgresConfig {
    /// A database without a password, everything else by default.
    pub fn new(host: impl Into<String>, database: impl Into<String>, user: impl Into<String>) -> Self {
        Self { host: host.into(), database: database.into(), user: user.into(), ..Self::default() }
    }

    /// Says what is to be known of a table.
    #[must_use]
    pub fn table(mut self, name: &str, table: TableConfig) -> Self {
        self.tables.insert(name.to_owned(), table);
        self
    }
}

/// Whether a connection is encrypted, and whom it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Encrypted, with a certificate that an authority of the operating system vouches for.
    #[default]
    Require,
    /// Encrypted, with a certificate that an authority of this PEM file vouches for.
    Ca(PathBuf),
    /// Not encrypted: everybody in between reads and changes what is sent.
    Off,
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
    /// How far behind the last stamp of `modified` reading goes back, in seconds: the longest that a transaction that
    /// writes here takes. 300 where nothing is said.
    #[serde(default)]
    pub overlap_seconds: Option<u32>,
    /// Takes the configuration's word that the version column grows over the whole table on every insert and update,
    /// without proof by a trigger.
    #[serde(default)]
    pub trusted: bool,
    /// The key of a view, or of a table that declares none.
    #[serde(default)]
    pub key: Vec<String>,
    /// Whether deletions are to show, by the log that `provision` makes.
    #[serde(default)]
    pub tombstones: bool,
}

#[allow(clippy::ref_option)]
fn masked<S: Serializer>(password: &Option<Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    password.as_ref().map(|_| "***").serialize(serializer)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{PostgresConfig, Tls};

    #[test]
    fn a_configuration_is_read_and_never_shows_its_password() {
        let json = r#"{"host": "db", "database": "erp", "user": "kim", "password": "t0psecret", "tls": {"ca": "ca.pem"}}"#;
        let config: PostgresConfig = serde_json::from_str(json).unwrap();
        assert_eq!(config.password.as_ref().unwrap().reveal(), "t0psecret");
        assert_eq!(config.tls, Tls::Ca("ca.pem".into()));
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("t0psecret") && shown.contains("***"), "{shown}");
    }

    #[test]
    fn what_is_not_known_is_refused_and_encryption_is_the_default() {
        let json = |more: &str| format!(r#"{{"host": "db", "database": "erp", "user": "kim"{more}}}"#);
        let plain: PostgresConfig = serde_json::from_str(&json("")).unwrap();
        assert_eq!(plain.tls, Tls::Require);
        for more in [r#", "tsl": "off""#, r#", "tls": "maybe""#, r#", "tables": {"a": {"versoin": "x"}}"#] {
            assert!(serde_json::from_str::<PostgresConfig>(&json(more)).is_err(), "{more}");
        }
    }
}
