//! Every connector, the same cases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod kit;

use std::sync::Arc;

use kit::{ACTIVE, COUNT, CREDIT, KEY, NAME, ODD, SINCE, Subject, check_connector};
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::model::{Entity, Field, FieldKind};

/// A hostile name for an entity.
const ENTITY: &str = "Cust \"omer\" $(x) 'LCY'";

fn entity() -> Entity {
    let text = |length_max| FieldKind::Text { length_max };
    Entity {
        name: ENTITY.into(),
        label: None,
        fields: vec![
            Field { required: true, ..Field::new(KEY, text(Some(20))) },
            Field::new(NAME, text(Some(50))),
            Field::new(CREDIT, FieldKind::Decimal { precision: Some(18), scale: Some(2) }),
            Field::new(ACTIVE, FieldKind::Bool),
            Field::new(SINCE, FieldKind::Date),
            Field::new(COUNT, FieldKind::Int),
            Field::new(ODD, text(None)),
        ],
        key: vec![KEY.into()],
        unique: Vec::new(),
    }
}

#[test]
fn memory_conforms() {
    let fresh = || {
        let memory = Memory::new(MemoryConfig::new("x").entity(EntityConfig::new(entity()).ids(Ids::Key)));
        let memory = memory.unwrap();
        Subject {
            connector: Arc::new(memory.clone()),
            other: Arc::new(memory),
            entity: ENTITY.into(),
            tells_empty_from_null: true,
        }
    };
    assert!(check_connector(&fresh) > 20);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::Arc;

    use rusqlite::Connection;
    use seamless_connectors::sqlite::{Sqlite, SqliteConfig, TableConfig};

    use super::ENTITY;
    use super::kit::{ACTIVE, COUNT, CREDIT, KEY, NAME, ODD, SINCE, Subject, check_connector};

    fn quoted(name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn create_table(with_version: bool, decimal: &str, without_rowid: bool) -> String {
        let table = quoted(ENTITY);
        let [key, name, credit, active, since, count, odd] =
            [KEY, NAME, CREDIT, ACTIVE, SINCE, COUNT, ODD].map(quoted);
        let mut sql = format!(
            "CREATE TABLE {table} ({key} VARCHAR(20) PRIMARY KEY NOT NULL, {name} VARCHAR(50), \
             {credit} {decimal}, {active} BOOLEAN, {since} DATE, {count} INTEGER, {odd} TEXT, ver INTEGER){};",
            if without_rowid { " WITHOUT ROWID" } else { "" }
        );
        if with_version {
            let body = format!(
                "BEGIN UPDATE clock SET n = n + 1; UPDATE {table} SET ver = (SELECT n FROM clock) \
                 WHERE {key} = new.{key}; END;"
            );
            sql.push_str("CREATE TABLE clock (n INTEGER); INSERT INTO clock VALUES (0);");
            sql.push_str(&format!("CREATE TRIGGER i AFTER INSERT ON {table} {body}"));
            sql.push_str(&format!("CREATE TRIGGER u AFTER UPDATE ON {table} {body}"));
        }
        sql
    }

    fn check(with_version: bool, decimal: &str, without_rowid: bool) {
        let folder = tempfile::tempdir().unwrap();
        let count = std::cell::Cell::new(0);
        let fresh = || {
            count.set(count.get() + 1);
            let path = folder.path().join(format!("{}.db", count.get()));
            let sql = create_table(with_version, decimal, without_rowid);
            Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
            let mut config = SqliteConfig::new(path);
            if with_version {
                let version = TableConfig { version: Some("ver".into()), ..TableConfig::default() };
                config = config.table(ENTITY, version);
            }
            let open = || Arc::new(Sqlite::open(config.clone()).unwrap());
            Subject { connector: open(), other: open(), entity: ENTITY.into(), tells_empty_from_null: true }
        };
        assert!(check_connector(&fresh) > 20);
    }

    #[test]
    fn sqlite_conforms_with_a_version_column() {
        check(true, "DECIMAL(18,2)", false);
    }

    #[test]
    fn sqlite_conforms_without_a_version_column() {
        check(false, "DECTEXT(18,2)", true);
    }
}

#[cfg(feature = "csv")]
mod csv {
    use std::sync::Arc;

    use seamless_connectors::csv::{Csv, CsvConfig};

    use super::kit::{FIELDS, Subject, check_connector};
    use super::{ENTITY, entity};

    fn check(delimiter: char, null: &str, typed_header: bool) {
        let folder = tempfile::tempdir().unwrap();
        let count = std::cell::Cell::new(0);
        let fresh = || {
            count.set(count.get() + 1);
            let path = folder.path().join(count.get().to_string());
            std::fs::create_dir(&path).unwrap();
            let kinds = ["text(20) key", "text(50)", "decimal(18,2)", "bool", "date", "int", "text"];
            let kinds = kinds.map(|kind| if typed_header { format!(":{kind}") } else { String::new() });
            let cells = FIELDS
                .iter()
                .zip(kinds)
                .map(|(name, kind)| format!("\"{}{kind}\"", name.replace('"', "\"\"")));
            let header = cells.collect::<Vec<_>>().join(&delimiter.to_string());
            std::fs::write(path.join(format!("{ENTITY}.csv")), header).unwrap();
            let mut config = CsvConfig { delimiter, null: null.to_owned(), ..CsvConfig::new(path) };
            if !typed_header {
                config.schemas.insert(ENTITY.to_owned(), entity());
            }
            let open = || Arc::new(Csv::open(config.clone()).unwrap());
            Subject { connector: open(), other: open(), entity: ENTITY.into(), tells_empty_from_null: true }
        };
        assert!(check_connector(&fresh) > 20);
    }

    #[test]
    fn csv_conforms_with_a_schema() {
        check(',', "", false);
    }

    #[test]
    fn csv_conforms_with_a_typed_header() {
        check(';', "\\N", true);
    }
}

#[cfg(feature = "jsonl")]
#[test]
fn jsonl_conforms() {
    use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let fresh = || {
        count.set(count.get() + 1);
        let path = folder.path().join(count.get().to_string());
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join(format!("{ENTITY}.jsonl")), "").unwrap();
        let schema = serde_json::to_string(&entity()).unwrap();
        std::fs::write(path.join(format!("{ENTITY}.schema.json")), schema).unwrap();
        let open = || Arc::new(Jsonl::open(JsonlConfig::new(&path)).unwrap());
        Subject { connector: open(), other: open(), entity: ENTITY.into(), tells_empty_from_null: true }
    };
    assert!(check_connector(&fresh) > 20);
}
