//! Files of records, and the schemas beside them: pages of any size give the same records, each is found by its id, a place
//! names a line of the file, and a write changes its record and no other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::csv::{Csv, CsvConfig};
use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
use seamless_core::connector::{
    Change, Connector, Cursor, Expects, FetchBy, FetchQuery, Lookup, Page, ReadQuery, Verb, Versioned,
    WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, Entity, EntityName, ErrorKind, FieldKind, FieldName, Presence, RecordId, Result,
    Schema, Shape, Value, record,
};

use super::{Target, nothing, refused};

/// CSV files.
pub(crate) const CSV: Target = Target { name: "csv", run: csv, made: nothing, words: CSV_WORDS };

/// JSON Lines; the first line is the schema beside the file.
pub(crate) const JSONL: Target = Target { name: "jsonl", run: jsonl, made: nothing, words: JSONL_WORDS };

/// Schemas beside files.
pub(crate) const SIDECAR: Target =
    Target { name: "sidecar", run: sidecar, made: nothing, words: JSONL_WORDS };

const CSV_WORDS: &[&str] = &[
    ",",
    ";",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    "\\N",
    "\u{feff}",
    ":text key",
    ":int key",
    ":decimal(18,2)",
    ":float",
    ":bool",
    ":date",
    ":time",
    ":local",
    ":instant",
    ":bytes",
    " required",
    "2024-02-29",
    "23:59:59.999999999",
    "2024-02-29T23:59:59Z",
    "2024-02-29 10:00:00+00:99",
    "0000-01-01T00:00:00+23:59",
    "00ff",
    "+f",
    "-0",
    "1e308",
    "inf",
    "9223372036854775808",
    "0.10",
    "4294967296",
];

const JSONL_WORDS: &[&str] = &[
    "{\"",
    "\":",
    "}",
    "[",
    "]",
    ",",
    "\n",
    "null",
    "true",
    "1e400",
    "-0",
    "9223372036854775808",
    "\"type\":\"text\"",
    "\"type\":\"int\"",
    "\"type\":\"decimal\"",
    "\"type\":\"list\",\"entity\":\"",
    "\"type\":\"set\"",
    "\"key\":[\"",
    "\"fields\":[",
    "\"length_max\":4294967295",
    "\"type\":\"reference\",\"targets\":[\"t\"]",
    "\\u0000",
    "\\ud800",
    "\"required\":true",
    "\"2024-02-29\"",
    "\"+f\"",
    "\u{feff}",
    "  ",
];

/// Records that are written back.
const WRITTEN_MAX: usize = 2;

fn csv(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), bytes).unwrap();
    let plain = CsvConfig::new(folder.path());
    let other = CsvConfig { delimiter: ';', null: "\\N".to_owned(), ..plain.clone() };
    for config in [plain, other] {
        std::fs::write(folder.path().join("t.csv"), bytes).unwrap();
        opened(Csv::open(config).map(|csv| Arc::new(csv) as Arc<dyn Connector>), folder.path());
    }
}

fn jsonl(bytes: &[u8]) {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (schema, records) = bytes.split_at(line);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.schema.json"), schema).unwrap();
    std::fs::write(folder.path().join("line.schema.json"), LINE_SCHEMA).unwrap();
    std::fs::write(folder.path().join("t.jsonl"), records.get(1..).unwrap_or_default()).unwrap();
    let opening = Jsonl::open(JsonlConfig::new(folder.path()));
    opened(opening.map(|jsonl| Arc::new(jsonl) as Arc<dyn Connector>), folder.path());
}

/// Child records for schemas that name them.
const LINE_SCHEMA: &str =
    r#"{"name":"line","fields":[{"name":"no","type":"int"},{"name":"item","type":"text"}]}"#;

fn sidecar(bytes: &[u8]) {
    if let Ok(entity) = serde_json::from_slice::<Entity>(bytes) {
        let text = serde_json::to_string(&entity).unwrap();
        assert_eq!(serde_json::from_str::<Entity>(&text).unwrap(), entity, "{text}");
    }
    let lines = b"{\"no\":\"1\",\"name\":\"Adatum\",\"a\":1,\"b\":[1,2],\"c\":null}\n{\"no\":2}\n";
    jsonl(
        &[bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>().concat().as_slice(), b"\n", lines].concat(),
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.schema.json"), bytes).unwrap();
    std::fs::write(folder.path().join("t.csv"), "no,name,a:int,b,c\n1,Adatum,1,x;y,\n2,,,,\n").unwrap();
    opened(
        Csv::open(CsvConfig::new(folder.path())).map(|csv| Arc::new(csv) as Arc<dyn Connector>),
        folder.path(),
    );
}

fn opened(connector: Result<Arc<dyn Connector>>, folder: &Path) {
    let connector = match connector {
        Ok(connector) => connector,
        Err(error) => return refused(&error, false),
    };
    let name = EntityName::from("t");
    match block_on(connector.discover(std::slice::from_ref(&name))) {
        Ok(schema) => tried(&*connector, &schema, &name, folder),
        Err(error) => refused(&error, false),
    }
}

fn tried(connector: &dyn Connector, schema: &Schema, name: &EntityName, folder: &Path) {
    let text = serde_json::to_string(schema).unwrap();
    assert_eq!(&serde_json::from_str::<Schema>(&text).unwrap(), schema, "{text}");
    let entity = schema.entity(name.as_str()).unwrap();
    let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone())).unwrap();
    let read = |after: Option<Cursor>, most: usize| pages(connector, name, &shape, after, most);
    let all = match read(None, 1000) {
        Ok(pages) => changes(&pages),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Limit, "{error:?}");
            return;
        }
    };
    let single = read(None, 1).unwrap();
    assert_eq!(changes(&single), all);
    let lines = ["t.csv", "t.jsonl"].iter().filter_map(|file| std::fs::read(folder.join(file)).ok());
    let lines = lines.map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count() + 1).max().unwrap();
    all.iter().for_each(|change| placed(change, lines));
    let twice = all.iter().any(|change| matches!(change, Change::Broken { id: Some(_), .. }));
    if let Some(page) = single.first().filter(|_| !twice && all.len() > 1) {
        assert_eq!(changes(&read(Some(page.cursor.clone()), 1000).unwrap()), all[page.changes.len()..]);
    }
    let found: Vec<Versioned> = all.iter().filter_map(upserted).cloned().collect();
    let ids: Vec<RecordId> = found.iter().map(|found| found.id.clone()).collect();
    let by = FetchBy::Ids(ids.clone());
    let query = FetchQuery { entity: name.clone(), shape: Arc::clone(&shape), by };
    let looked_up = block_on(connector.fetch(query)).unwrap();
    assert_eq!(looked_up.len(), ids.len());
    for (lookup, found) in looked_up.iter().zip(&found) {
        match lookup {
            Lookup::Found(again) => assert_eq!(again, found),
            other => assert!(matches!(other, Lookup::Unanswered) && twice, "{other:?} for {found:?}"),
        }
    }
    if !twice {
        found.iter().take(WRITTEN_MAX).for_each(|found| written(connector, entity, &shape, found, &read));
    }
}

/// Changes one field of a record: it reads back, and everything else is as it was.
fn written(
    connector: &dyn Connector,
    entity: &Entity,
    shape: &Arc<Shape>,
    found: &Versioned,
    read: &impl Fn(Option<Cursor>, usize) -> Result<Vec<Page>>,
) {
    let key = |name: &FieldName| entity.key.contains(name);
    let free = |field: &&seamless_core::model::Field| {
        matches!(field.kind, FieldKind::Text { .. })
            && !key(&field.name)
            && !field.read_only
            && !field.computed
    };
    let Some(field) = entity.fields.iter().find(free) else { return };
    let before = by_id(&changes(&read(None, 1000).unwrap()));
    let value = Value::text("a\"b,;\r\n\u{feff}\\N ");
    let patch = Shape::new([field.name.clone()]).unwrap();
    let patch =
        record(&patch, [(field.name.clone(), seamless_core::model::Slot::Value(value.clone()))]).unwrap();
    let now = before.get(&found.id).and_then(|found| found.version.clone()).unwrap();
    let op = WriteOp {
        id: ActionId::from_bytes([1; 16]),
        target: seamless_core::connector::Target::Existing(found.id.clone()),
        verb: Verb::Update,
        patch,
        expects: Expects::Version(now),
    };
    let outcomes = match block_on(connector.write(&entity.name, WriteBatch::of(vec![op]))) {
        Ok(outcomes) => outcomes,
        // A file that ends inside of a record is not written, since its end is not known.
        Err(error) => {
            refused(&error, true);
            return assert_eq!(by_id(&changes(&read(None, 1000).unwrap())), before);
        }
    };
    let after = by_id(&changes(&read(None, 1000).unwrap()));
    match outcomes.first().unwrap() {
        WriteOutcome::Applied { id, .. } => {
            assert_eq!(id, &found.id);
            let held = after.get(id).unwrap();
            for name in shape.names() {
                let (is, was) = (held.record.field(name.as_str()), before[id].record.field(name.as_str()));
                if name == &field.name {
                    assert_eq!(is, Presence::Value(value.as_ref()));
                } else {
                    assert_eq!(is, was, "{name} changed too");
                }
            }
            let others = |all: &BTreeMap<RecordId, Versioned>| {
                all.iter().filter(|(other, _)| *other != id).map(|(_, held)| held.clone()).collect::<Vec<_>>()
            };
            assert_eq!(others(&after), others(&before));
        }
        WriteOutcome::Refused(refusal) => {
            refused(&refusal.error, false);
            assert_eq!(after, before);
        }
        WriteOutcome::Ambiguous(error) => panic!("nobody interfered: {error:?}"),
    }
}

fn by_id(all: &[Change]) -> BTreeMap<RecordId, Versioned> {
    all.iter().filter_map(upserted).map(|found| (found.id.clone(), found.clone())).collect()
}

fn upserted(change: &Change) -> Option<&Versioned> {
    match change {
        Change::Upsert(found) => Some(found),
        _ => None,
    }
}

fn placed(change: &Change, lines: usize) {
    if let Change::Broken { place, problem, .. } = change {
        let line: usize = place.rsplit(' ').next().unwrap().parse().unwrap();
        assert!((1..=lines).contains(&line) && !problem.is_empty(), "{place} of {lines}: {problem}");
    }
}

/// Every page, to the end or to an error.
pub(crate) fn pages(
    connector: &dyn Connector,
    entity: &EntityName,
    shape: &Arc<Shape>,
    after: Option<Cursor>,
    most: usize,
) -> Result<Vec<Page>> {
    let query = ReadQuery {
        entity: entity.clone(),
        shape: Arc::clone(shape),
        condition: Condition::Always,
        after,
        page_records_max: most,
    };
    block_on(async {
        let mut stream = connector.read(query).await?;
        let mut pages = Vec::new();
        while let Some(page) = stream.next().await {
            pages.push(page?);
            assert!(pages.len() < 100_000, "it does not end");
        }
        Ok(pages)
    })
}

/// The changes of pages.
pub(crate) fn changes(pages: &[Page]) -> Vec<Change> {
    pages.iter().flat_map(|page| page.changes.clone()).collect()
}
