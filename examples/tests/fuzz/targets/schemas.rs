//! SQLite databases whose tables were made by anybody: whatever a declaration says, the fields are the columns, what is
//! claimed of a field is what SQLite holds to, and rows are read or named as unreadable.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::connector::Connector;
use seamless_core::model::{Entity, FieldKind, Schema, Shape, Value};

use super::files::pages;
use super::{Target, nothing, refused};

/// What stands in a `CREATE TABLE t (..`, to the end.
pub(crate) const TARGET: Target = Target { name: "schema", run, made: nothing, words: WORDS };

const WORDS: &[&str] = &[
    "CHECK (",
    "PRIMARY KEY",
    " IN (",
    "length(",
    ") <= 5",
    ") < 5",
    " AND ",
    " OR ",
    " IS NULL OR ",
    "BETWEEN 1 AND ",
    "CASE WHEN 1 THEN ",
    " END",
    "NOT ",
    "UNIQUE",
    "NOT NULL",
    "DEFAULT ",
    "'",
    "\"",
    "`",
    "[",
    "]",
    "--",
    "/*",
    "*/",
    "\n",
    "INTEGER",
    "DECIMAL(18,2)",
    "VARCHAR(4294967296)",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "BLOB",
    "ANY",
    "COLLATE NOCASE",
    "REFERENCES t",
    "WITHOUT ROWID",
    "STRICT",
    "GENERATED ALWAYS AS (",
    "VIRTUAL",
    "STORED",
    "x'00'",
    "1e400",
    "-1",
    "9223372036854775808",
    "(",
    ")",
    ",",
    "é",
    "\u{202e}",
    "rowid",
    "CONSTRAINT c ",
    "FOREIGN KEY (a) REFERENCES u (b)",
];

/// Values that no table of the inputs has among its options.
const STRANGERS: [&str; 2] = ["\u{1}zz", "987654321987"];

fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; CREATE TABLE u (b INT PRIMARY KEY)",
        )
        .unwrap();
    if database.execute(&format!("CREATE TABLE t ({text}"), []).is_err() {
        return;
    }
    let _ = database.execute("INSERT INTO t DEFAULT VALUES", []);
    match Sqlite::open(SqliteConfig::new(&path)) {
        Ok(system) => tried(&system, &database),
        Err(error) => refused(&error, false),
    }
}

fn tried(system: &Sqlite, database: &Connection) {
    let name = seamless_core::model::EntityName::from("t");
    let schema = match futures::executor::block_on(system.discover(std::slice::from_ref(&name))) {
        Ok(schema) => schema,
        Err(error) => return refused(&error, false),
    };
    let text = serde_json::to_string(&schema).unwrap();
    assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema, "{text}");
    let entity = schema.entity("t").unwrap();
    let names: Vec<String> = columns(database);
    let fields: Vec<String> = entity.fields.iter().map(|field| field.name.to_string()).collect();
    assert!(fields.iter().all(|field| names.contains(field)), "{fields:?} of {names:?}");
    held(entity, database);
    let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone())).unwrap();
    if let Err(error) = pages(system, &name, &Arc::clone(&shape), None, 10) {
        refused(&error, false);
    }
}

fn columns(database: &Connection) -> Vec<String> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_xinfo('t')").unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// A closed set of options is one that the database refuses to leave.
fn held(entity: &Entity, database: &Connection) {
    for field in &entity.fields {
        let FieldKind::Option { options } = &field.kind else { continue };
        for stranger in STRANGERS {
            let known = options.options.iter().any(|option| match &option.value {
                Value::Int(number) => number.to_string() == stranger,
                Value::Text(text) => **text == *stranger,
                _ => false,
            });
            let value = stranger.parse().map_or_else(|_| Sql::Text(stranger.to_owned()), Sql::Integer);
            let column = field.name.as_str().replace('"', "\"\"");
            let taken = database.execute(&format!("INSERT INTO t (\"{column}\") VALUES (?)"), [value]);
            assert!(known || !options.closed || taken.is_err(), "{field:?} took {stranger:?}");
        }
    }
}
