//! Cursors that callers hand back, as any bytes: a connector refuses what it did not make as an expired cursor, or reads on
//! from it and comes to an end, and shows no record that it does not have.

use std::sync::Arc;

use seamless_connectors::csv::{Csv, CsvConfig};
use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_connectors::sqlite::{Sqlite, SqliteConfig, TableConfig};
use seamless_core::connector::{Change, Connector, Cursor};
use seamless_core::model::{Entity, EntityName, ErrorKind, Field, FieldKind, Shape, Value};

use super::files::{changes, pages};
use super::{Target, refused};

/// Cursors. The first byte says of which system; with its highest bit, that the words before the place are true ones.
pub(crate) const TARGET: Target = Target { name: "cursor", run, made, words: WORDS };

const WORDS: &[&str] = &[
    " ",
    "-",
    "all",
    "changes",
    "01",
    "017fffffffffffffff",
    "0180000000000000ff",
    "01ffffffffffffffff",
    "0200",
    "02ff00",
    " t",
    "none",
    "version",
    "csv 1",
    "jsonl 1",
    "sqlite 1",
    "memory 1",
    "+1",
];

/// Systems of the same three records, and the folder that they live in.
struct Systems {
    all: Vec<(&'static str, Arc<dyn Connector>)>,
    _folder: tempfile::TempDir,
}

thread_local! {
    static SYSTEMS: Systems = Systems::new();
}

impl Systems {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir(path.join("csv")).unwrap();
        std::fs::create_dir(path.join("jsonl")).unwrap();
        std::fs::write(path.join("csv/t.csv"), "no:int key,name\n1,a\n2,\"b\nc\"\n3,d\n").unwrap();
        let json: String = (1..4).map(|no| format!("{{\"no\":{no},\"name\":\"a\"}}\n")).collect();
        std::fs::write(path.join("jsonl/t.jsonl"), json).unwrap();
        std::fs::write(path.join("jsonl/t.schema.json"), serde_json::to_string(&entity()).unwrap()).unwrap();
        let database = rusqlite::Connection::open(path.join("t.db")).unwrap();
        let rows = "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
                    INSERT INTO w VALUES ('a', 1, 'x'), ('a', 2, 'y'), ('b', 1, 'z');";
        let tables = "CREATE TABLE t (no INTEGER PRIMARY KEY, name TEXT, version INTEGER NOT NULL);
                      CREATE TABLE w (part TEXT, no INTEGER, name TEXT, PRIMARY KEY (part, no)) WITHOUT ROWID;";
        database.execute_batch(&format!("{tables}{rows}")).unwrap();
        let versioned =
            TableConfig { version: Some("version".to_owned()), trusted: true, ..TableConfig::default() };
        let config = SqliteConfig::new(path.join("t.db")).table("t", versioned);
        let memory = Memory::new(MemoryConfig::new("m").entity(EntityConfig::new(entity()))).unwrap();
        for name in ["a", "b", "c"] {
            memory.insert("t", None, &[("name", Value::text(name))]).unwrap();
        }
        let sqlite: Arc<dyn Connector> = Arc::new(Sqlite::open(config).unwrap());
        let all: Vec<(&'static str, Arc<dyn Connector>)> = vec![
            ("t", Arc::new(memory)),
            ("t", Arc::new(Csv::open(CsvConfig::new(path.join("csv"))).unwrap())),
            ("t", Arc::new(Jsonl::open(JsonlConfig::new(path.join("jsonl"))).unwrap())),
            ("t", Arc::clone(&sqlite)),
            ("w", sqlite),
        ];
        Self { all, _folder: folder }
    }
}

fn entity() -> Entity {
    let fields =
        vec![Field::new("no", FieldKind::Int), Field::new("name", FieldKind::Text { length_max: None })];
    Entity {
        name: "t".into(),
        label: None,
        fields,
        key: vec!["no".into()],
        unique: Vec::new(),
        actions: Vec::new(),
    }
}

fn run(bytes: &[u8]) {
    let Some((which, rest)) = bytes.split_first() else { return };
    SYSTEMS.with(|systems| {
        let (name, connector) = &systems.all[usize::from(which & 0x7f) % systems.all.len()];
        tried(&**connector, &EntityName::from(*name), which & 0x80 != 0, rest);
    });
}

fn tried(connector: &dyn Connector, name: &EntityName, begun: bool, rest: &[u8]) {
    let shape = Shape::new(["no".into(), "name".into()]).unwrap();
    let all = pages(connector, name, &shape, None, 2).unwrap();
    let mut bytes = if begun { words(&all[0].cursor) } else { Vec::new() };
    bytes.extend_from_slice(rest);
    match pages(connector, name, &shape, Some(Cursor::new(bytes)), 2) {
        Err(error) => {
            refused(&error, true);
            assert_eq!(error.kind(), ErrorKind::CursorExpired, "{error:?}");
        }
        Ok(found) => {
            assert!(found.len() <= 4, "{} pages of three records", found.len());
            let known = changes(&all);
            // A place within a file is trusted: nothing in the file says where a record begins.
            let file = matches!(connector.info().system.as_str(), "csv" | "jsonl");
            let invented = changes(&found).into_iter().find(|change| !known.contains(change));
            assert!(file || invented.is_none(), "{invented:?}");
            assert!(changes(&found).iter().all(|change| !matches!(change, Change::Deleted(_))));
        }
    }
}

/// The first words of a cursor: connector, format and stamp.
fn words(cursor: &Cursor) -> Vec<u8> {
    let text = String::from_utf8_lossy(cursor.as_bytes()).into_owned();
    let words: Vec<&str> = text.split(' ').take(3).collect();
    format!("{} ", words.join(" ")).into_bytes()
}

fn made() -> Vec<Vec<u8>> {
    let shape = Shape::new(["no".into(), "name".into()]).unwrap();
    SYSTEMS.with(|systems| {
        let mut made = Vec::new();
        for (which, (name, connector)) in systems.all.iter().enumerate() {
            let pages = pages(&**connector, &EntityName::from(*name), &shape, None, 2).unwrap();
            for page in pages {
                let begun = words(&page.cursor).len();
                let rest = page.cursor.as_bytes()[begun..].to_vec();
                made.push([vec![which as u8 | 0x80], rest].concat());
            }
        }
        made
    })
}
