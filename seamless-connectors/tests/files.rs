//! What only files do: rows that cannot be read, bytes that are left alone, files that somebody else writes.
#![cfg(all(feature = "csv", feature = "jsonl"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use seamless_connectors::csv::{Csv, CsvConfig};
use seamless_connectors::jsonl::{Jsonl, JsonlConfig};
use seamless_core::connector::{
    Change, Connector, DeleteGround, End, Expects, FetchBy, FetchQuery, Lookup, Page, ReadQuery, Target,
    Verb, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, ErrorKind, FieldName, Record, RecordId, Shape, Value, Version, record,
};

struct Files {
    folder: tempfile::TempDir,
    connector: Arc<dyn Connector>,
    fields: Vec<FieldName>,
    file: PathBuf,
}

fn csv(text: impl AsRef<[u8]>) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.csv");
    std::fs::write(&file, text).unwrap();
    let connector = Arc::new(Csv::open(CsvConfig::new(folder.path())).unwrap());
    with_fields(folder, connector, file)
}

const JSON_SCHEMA: &str = r#"{"name": "t", "key": ["id"], "fields": [
    {"name": "id", "type": "text"}, {"name": "n", "type": "int"}, {"name": "d", "type": "decimal"},
    {"name": "r", "type": "reference", "targets": ["t"]}, {"name": "at", "type": "instant"},
    {"name": "s", "type": "set", "options": {"options": []}}]}"#;

fn jsonl(text: impl AsRef<[u8]>) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.jsonl");
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("t.schema.json"), JSON_SCHEMA).unwrap();
    let connector = Arc::new(Jsonl::open(JsonlConfig::new(folder.path())).unwrap());
    with_fields(folder, connector, file)
}

fn with_fields(folder: tempfile::TempDir, connector: Arc<dyn Connector>, file: PathBuf) -> Files {
    let schema = block_on(connector.discover(&["t".into()])).unwrap();
    let fields = schema.entity("t").unwrap().fields.iter().map(|field| field.name.clone()).collect();
    Files { folder, connector, fields, file }
}

impl Files {
    fn shape(&self) -> Arc<Shape> {
        Shape::new(self.fields.iter().cloned()).unwrap()
    }

    fn query(&self, page_records_max: usize) -> ReadQuery {
        let condition = Condition::Always;
        ReadQuery { entity: "t".into(), shape: self.shape(), condition, after: None, page_records_max }
    }

    fn pages(&self) -> Vec<Page> {
        block_on(async {
            self.connector.read(self.query(2)).await.unwrap().map(Result::unwrap).collect().await
        })
    }

    fn lines(&self) -> Vec<String> {
        let line = |change: &Change| match change {
            Change::Upsert(found) => format!("{} {}", found.id, found.record.to_json()),
            Change::Deleted(tombstone) => format!("{} gone", tombstone.id),
            Change::Broken { id, place, problem } => format!("broken {id:?} {place}: {problem}"),
        };
        self.pages().iter().flat_map(|page| &page.changes).map(line).collect()
    }

    fn version(&self, id: &str) -> Version {
        let Lookup::Found(found) = self.look_up(&[id]).remove(0) else { panic!() };
        found.version.unwrap()
    }

    fn look_up(&self, ids: &[&str]) -> Vec<Lookup> {
        let by = FetchBy::Ids(ids.iter().map(|id| RecordId::text(id)).collect());
        block_on(self.connector.fetch(FetchQuery { entity: "t".into(), shape: self.shape(), by })).unwrap()
    }

    fn write(&self, ops: Vec<WriteOp>) -> Vec<String> {
        block_on(self.write_meanwhile(ops))
    }

    async fn write_meanwhile(&self, ops: Vec<WriteOp>) -> Vec<String> {
        let outcomes = self.connector.write(&"t".into(), WriteBatch::of(ops)).await.unwrap();
        let line = |outcome: &WriteOutcome| match outcome {
            WriteOutcome::Applied { id, .. } => format!("applied {id}"),
            WriteOutcome::Refused(refusal) => format!("{:?}", refusal.why),
            WriteOutcome::Ambiguous(error) => format!("ambiguous {error}"),
        };
        outcomes.iter().map(line).collect()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.file).unwrap()
    }
}

fn op(target: Target, verb: Verb, json: &str, expects: Expects) -> WriteOp {
    WriteOp {
        id: ActionId::derive(&[json.as_bytes()]),
        target,
        verb,
        patch: Record::from_json(json).unwrap(),
        expects,
    }
}

fn update(id: &str, json: &str) -> WriteOp {
    op(Target::Existing(RecordId::text(id)), Verb::Update, json, Expects::Anything)
}

fn create(json: &str) -> WriteOp {
    op(Target::New(None), Verb::Create, json, Expects::Missing)
}

fn delete(id: &str) -> WriteOp {
    op(Target::Existing(RecordId::text(id)), Verb::Delete(DeleteGround::LeftScope), "{}", Expects::Anything)
}

const HEADER: &str = "id:text(9) key,n:int,\"d:decimal(18,2)\",x";

#[test]
fn rows_that_cannot_be_read_are_named_by_line_and_the_rest_is_read() {
    let rows = "a,1,1.10,\"two\nlines\"\n\nb,one,,x\nc,1\nd,1,2,x,y\n,1,2,x\ne,1,2,\"x\"y\na,2,,\nf,,,\n";
    let mut bytes = format!("\u{feff}{HEADER}\r\n{rows}").into_bytes();
    bytes.extend_from_slice(b"g,1,,\xff\nh,-5,0.00,\"q\"\"q\"");
    let files = csv(bytes);
    assert_eq!(
        files.lines(),
        [
            r#"a {"id":"a","n":1,"d":{"decimal":"1.10"},"x":"two\nlines"}"#,
            r#"broken Some([Text("b")]) t.csv line 5: n: not a whole number of 64 bits"#,
            "broken None t.csv line 6: the row has 2 cells, the header 4",
            "broken None t.csv line 7: the row has 5 cells, the header 4",
            "broken None t.csv line 8: the key is blank",
            "broken None t.csv line 9: there is text behind a closing quote",
            r#"broken Some([Text("a")]) t.csv line 10: its key came before in this file"#,
            r#"f {"id":"f","n":null,"d":null,"x":null}"#,
            "broken None t.csv line 12: the row is not valid UTF-8",
            r#"h {"id":"h","n":-5,"d":{"decimal":"0.00"},"x":"q\"q"}"#,
        ]
    );
    assert!(matches!(files.pages().last().unwrap().end, Some(End::Complete(_))));
    // Some rows have no id that could be told, so nobody is proven gone.
    let found = files.look_up(&["f", "nobody", "b", "a"]);
    assert!(matches!(found[0], Lookup::Found(_)));
    assert_eq!(found[1..], [Lookup::Unanswered, Lookup::Unanswered, Lookup::Unanswered]);
}

#[test]
fn a_file_that_ends_inside_a_quote_is_not_complete_and_takes_no_writes() {
    let files = csv(format!("{HEADER}\na,1,,x\nb,1,,\"x\nc,1,,x\n"));
    assert_eq!(files.lines().len(), 2);
    assert_eq!(files.pages().last().unwrap().end, Some(End::Partial));
    assert_eq!(files.look_up(&["c"]), [Lookup::Unanswered]);
    let before = files.text();
    let batch = WriteBatch::of(vec![update("a", r#"{"n":2}"#)]);
    let error = block_on(files.connector.write(&"t".into(), batch)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(files.text(), before);
}

#[test]
fn a_rewritten_csv_file_keeps_every_byte_that_no_operation_concerns() {
    let files = csv(
        "\u{feff}id:text key,n:int,x,\"more, later\"\r\na,01,\"x\",1\r\n\r\nb,2,\"y \"\"z\"\"\", 3\r\nc,3,,\"\"",
    );
    let told =
        files.write(vec![update("b", r#"{"n":7}"#), create(r#"{"id":"d","x":"a,b"}"#), delete("nobody")]);
    assert_eq!(told, ["applied b", "applied d", "applied nobody"]);
    assert_eq!(
        files.text(),
        "\u{feff}id:text key,n:int,x,\"more, later\"\r\na,01,\"x\",1\r\n\r\nb,7,\"y \"\"z\"\"\", 3\r\nc,3,,\"\"\r\nd,,\"a,b\",\r\n"
    );
    assert_eq!(files.write(vec![delete("a"), delete("d")]), ["applied a", "applied d"]);
    assert_eq!(
        files.text(),
        "\u{feff}id:text key,n:int,x,\"more, later\"\r\n\r\nb,7,\"y \"\"z\"\"\", 3\r\nc,3,,\"\"\r\n"
    );
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(files.folder.path()).unwrap().count(), 1);
}

#[test]
fn refused_operations_alone_do_not_touch_the_file() {
    let files = csv(format!("{HEADER}\na,1,,x\n"));
    let modified = || std::fs::metadata(&files.file).unwrap().modified().unwrap();
    let before = modified();
    assert_eq!(files.write(vec![update("b", r#"{"n":7}"#), delete("c")]), ["Missing", "applied c"]);
    assert_eq!(modified(), before);
}

// Catches: a record under a key that was made up here, where the plan said that the key is told nothing.
#[test]
fn a_key_that_is_told_nothing_makes_no_record() {
    let files = csv("No.:text(36) key,name\n");
    let chosen = || Target::New(Some(RecordId::text("2c1d8ab4-0000-4000-8000-000000000001")));
    let make = |json: &str| op(chosen(), Verb::Create, json, Expects::Missing);
    let told = files.write(vec![
        make(r#"{"No.":null,"name":"a"}"#),
        make(r#"{"No.":"C1","name":"b"}"#),
        make(r#"{"name":"c"}"#),
    ]);
    assert_eq!(
        told,
        ["Invalid { field: Some(\"No.\") }", "applied C1", "applied 2c1d8ab4-0000-4000-8000-000000000001"]
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_elsewhere_stays_a_link_and_the_file_is_written() {
    let files = csv("id:text(9) key,n:int\na,1\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let real = elsewhere.path().join("real.csv");
    std::fs::rename(&files.file, &real).unwrap();
    std::os::unix::fs::symlink(&real, &files.file).unwrap();
    assert_eq!(files.write(vec![update("a", r#"{"n":7}"#)]), ["applied a"]);
    assert!(std::fs::symlink_metadata(&files.file).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "id:text(9) key,n:int\na,7\n");
}

#[test]
fn null_and_empty_text_stay_apart() {
    let files = csv(format!("{HEADER}\na,1,,\"\"\nb,1,,\n"));
    assert_eq!(files.lines()[0], r#"a {"id":"a","n":1,"d":null,"x":""}"#);
    assert_eq!(files.lines()[1], r#"b {"id":"b","n":1,"d":null,"x":null}"#);
    files.write(vec![update("a", r#"{"x":null}"#), update("b", r#"{"x":""}"#)]);
    assert_eq!(files.text(), format!("{HEADER}\na,1,,\nb,1,,\"\"\n"));
}

#[test]
fn somebody_elses_edit_between_read_and_write_is_noticed_record_by_record() {
    let files = csv(format!("{HEADER}\na,1,,x\nb,1,,x\n"));
    let (a, b) = (files.version("a"), files.version("b"));
    std::fs::write(&files.file, format!("{HEADER}\na,1,,y\nb,1,,x\n")).unwrap();
    let told = files.write(vec![
        WriteOp { expects: Expects::Version(a), ..update("a", r#"{"n":2}"#) },
        WriteOp { expects: Expects::Version(b), ..update("b", r#"{"n":2}"#) },
    ]);
    assert_eq!(told, ["Stale", "applied b"]);
    assert_eq!(files.text(), format!("{HEADER}\na,1,,y\nb,2,,x\n"));
}

#[test]
fn a_file_that_is_written_to_while_it_is_read_fails_the_read_and_expires_its_cursors() {
    let files = csv(format!("{HEADER}\na,1,,x\nb,1,,x\nc,1,,x\n"));
    let cursor = block_on(async {
        let mut pages = files.connector.read(files.query(1)).await.unwrap();
        let first = pages.next().await.unwrap().unwrap();
        std::fs::write(&files.file, format!("{HEADER}\nlonger,1,,x\nb,1,,x\nc,1,,x\n")).unwrap();
        assert_eq!(pages.next().await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        assert!(pages.next().await.is_none());
        first.cursor
    });
    let query = ReadQuery { after: Some(cursor), ..files.query(1) };
    assert_eq!(block_on(files.connector.read(query)).err().unwrap().kind(), ErrorKind::CursorExpired);
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_read_to_its_former_end() {
    let files = csv(format!("{HEADER}\na,1,,x\nb,1,,x\nc,1,,x\n"));
    block_on(async {
        let mut pages = files.connector.read(files.query(1)).await.unwrap();
        pages.next().await.unwrap().unwrap();
        assert_eq!(files.write_meanwhile(vec![delete("b")]).await, ["applied b"]);
        let rest: Vec<Page> = pages.map(Result::unwrap).collect().await;
        assert_eq!(rest.iter().map(|page| page.changes.len()).sum::<usize>(), 2);
    });
    assert_eq!(files.lines().len(), 2);
}

#[test]
fn a_schema_without_a_key_or_a_column_is_told() {
    for (text, word) in [("a,b\n1,2\n", "key"), ("", "header"), ("a:int key,b:decimal(18,2)\n", "quotes")] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), text).unwrap();
        let connector = Csv::open(CsvConfig::new(folder.path())).unwrap();
        assert_eq!(connector.capabilities(&"t".into()), Default::default());
        let error = block_on(connector.discover(&["t".into()])).unwrap_err();
        assert!(error.to_string().contains(word) && error.remedy().is_some(), "{error}");
    }
    let error = Csv::open(CsvConfig::new("/no such folder")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn json_numbers_never_pass_through_a_float_and_absent_is_not_null() {
    let files = jsonl(concat!(
        "\u{feff}",
        r#"{"id":"a","n":9223372036854775807,"d":12345678901234567890.1200,"r":"b","at":"2024-03-31T02:30:00+02:00"}"#,
        "\n\n",
        r#"  {"id":"b","n":null,"d":"0.10","s":["x",1],"unknown":{"deep":[1.0]}}"#,
        "\n",
    ));
    assert_eq!(
        files.lines(),
        [
            r#"a {"id":"a","n":9223372036854775807,"d":{"decimal":"12345678901234567890.1200"},"r":{"reference":["t","b"]},"at":{"instant":"2024-03-31T02:30:00+02:00"}}"#,
            r#"b {"id":"b","n":null,"d":{"decimal":"0.10"},"s":{"set":[1,"x"]}}"#,
        ]
    );
}

#[test]
fn lines_that_cannot_be_read_are_named() {
    let files = jsonl(
        "{\"id\":\"a\"}\n[1]\n{\"id\":\"b\",\"n\":1.5}\n{\"id\":\"c\",\"n\":\"1\"}\n{\"id\":\"d\",\"id\":\"e\"}\n{\"n\":1}\n{\"id\":\"f\"\n{\"id\":\"g\",\"at\":\"2024-01-01T00:00:00\"}\n{\"id\":\"h\"}",
    );
    let lines = files.lines();
    let places: Vec<&str> = lines.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            r#"a {"id":"a"}"#,
            "broken None t.jsonl line 2",
            r#"broken Some([Text("b")]) t.jsonl line 3"#,
            r#"broken Some([Text("c")]) t.jsonl line 4"#,
            "broken None t.jsonl line 5",
            "broken None t.jsonl line 6",
            "broken None t.jsonl line 7",
            r#"broken Some([Text("g")]) t.jsonl line 8"#,
            r#"h {"id":"h"}"#,
        ]
    );
}

#[test]
fn an_updated_line_keeps_its_other_members_as_they_are_written() {
    let files = jsonl("{\"n\": 1,\"id\":\"a\", \"extra\":[1.50, {\"x\":\"\\u00e4\"}]}\n{ \"id\" : \"b\" }");
    let told = files.write(vec![
        update("a", r#"{"n":2,"d":{"decimal":"1.10"}}"#),
        create(r#"{"id":"c","n":3,"d":{"decimal":"2"},"r":null,"at":null,"s":{"set":["x"]}}"#),
    ]);
    assert_eq!(told, ["applied a", "applied c"]);
    assert_eq!(
        files.text(),
        concat!(
            "{\"n\":2,\"id\":\"a\",\"extra\":[1.50, {\"x\":\"\\u00e4\"}],\"d\":1.10}\n",
            "{ \"id\" : \"b\" }\n",
            "{\"id\":\"c\",\"n\":3,\"d\":2,\"r\":null,\"at\":null,\"s\":[\"x\"]}\n",
        )
    );
}

const ORDER_SCHEMA: &str = r#"{"name": "t", "key": ["id"], "fields": [
    {"name": "id", "type": "text"}, {"name": "lines", "type": "list", "entity": "line"}]}"#;

const LINE_SCHEMA: &str = r#"{"name": "line", "fields": [
    {"name": "no", "type": "int"}, {"name": "text", "type": "text", "length_max": 4},
    {"name": "price", "type": "decimal", "precision": 6, "scale": 2}]}"#;

fn orders(text: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.jsonl");
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("t.schema.json"), ORDER_SCHEMA).unwrap();
    std::fs::write(folder.path().join("line.schema.json"), LINE_SCHEMA).unwrap();
    let connector = Arc::new(Jsonl::open(JsonlConfig::new(folder.path())).unwrap());
    with_fields(folder, connector, file)
}

#[test]
fn lists_of_child_records_are_read_and_written_as_arrays_of_objects() {
    let files = orders(concat!(
        r#"{"id":"a","lines":[{"no":1,"price":1.50},{"no":2,"text":null}]}"#,
        "\n",
        r#"{"id":"b","lines":[]}"#,
        "\n",
        r#"{"id":"c"}"#,
        "\n"
    ));
    assert_eq!(
        files.lines(),
        [
            r#"a {"id":"a","lines":{"list":[{"no":1,"price":{"decimal":"1.50"}},{"no":2,"text":null}]}}"#,
            r#"b {"id":"b","lines":{"list":[]}}"#,
            r#"c {"id":"c"}"#,
        ]
    );
    let schema = block_on(files.connector.discover(&["t".into()])).unwrap();
    assert!(schema.entity("line").unwrap().field("price").is_some());
    let told = files.write(vec![
        update("b", r#"{"lines":{"list":[{"no":7,"text":"bolt","price":{"decimal":"2.50"}}]}}"#),
        update("c", r#"{"lines":{"list":[]}}"#),
    ]);
    assert_eq!(told, ["applied b", "applied c"]);
    assert!(
        files.text().contains(r#"{"id":"b","lines":[{"no":7,"text":"bolt","price":2.50}]}"#),
        "{}",
        files.text()
    );
    assert!(files.text().contains(r#"{"id":"c","lines":[]}"#));
}

// Catches: a member of a line that is read as nothing and lost when the list is written.
#[test]
fn a_list_that_cannot_be_read_or_written_whole_is_not_taken_in_part() {
    let files = orders(concat!(
        r#"{"id":"a","lines":[{"no":1,"colour":"red"}]}"#,
        "\n",
        r#"{"id":"b","lines":[{"no":1},{"no":1.5}]}"#,
        "\n",
        r#"{"id":"c","lines":[7]}"#,
        "\n",
        r#"{"id":"d","lines":{"no":1}}"#,
        "\n",
        r#"{"id":"e"}"#,
        "\n"
    ));
    assert_eq!(
        files.lines(),
        [
            r#"broken Some([Text("a")]) t.jsonl line 1: lines: record 1: the schema of line does not name the member colour; add it there"#,
            r#"broken Some([Text("b")]) t.jsonl line 2: lines: record 2: no: not a whole number of 64 bits"#,
            r#"broken Some([Text("c")]) t.jsonl line 3: lines: record 1: it is no object: invalid type: integer `7`, expected an object at line 1 column 1"#,
            r#"broken Some([Text("d")]) t.jsonl line 4: lines: the value of a list is an array"#,
            r#"e {"id":"e"}"#,
        ]
    );
    let before = files.text();
    for (line, problem) in [
        (r#"{"no":1,"text":"bolts"}"#, "record 1: text: the text is longer than 4 characters"),
        (
            r#"{"no":1,"price":{"decimal":"1.505"}}"#,
            "record 1: price: the number needs more than 6 digits, 2 after the point",
        ),
        (r#"{"size":1}"#, "record 1: the schema of line has no field size"),
    ] {
        let ops = vec![update("e", &format!(r#"{{"lines":{{"list":[{line}]}}}}"#))];
        let told = block_on(files.connector.write(&"t".into(), WriteBatch::of(ops))).unwrap();
        assert!(format!("{told:?}").contains(problem), "{told:?}");
    }
    assert_eq!(files.text(), before);
}

#[test]
fn a_list_without_a_schema_of_its_lines_is_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.jsonl"), "").unwrap();
    std::fs::write(folder.path().join("t.schema.json"), ORDER_SCHEMA).unwrap();
    let connector = Jsonl::open(JsonlConfig::new(folder.path())).unwrap();
    let error = block_on(connector.discover(&["t".into()])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("put line.schema.json into the folder"), "{error}");
}

// Catches: a check of the file's state and its replacement in two steps, between which another connector writes.
#[test]
fn connectors_that_write_one_file_at_once_lose_nothing_of_each_other() {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 12;
    let ids: Vec<String> = (0..WRITERS).map(|writer| format!("w{writer}")).collect();
    let files =
        csv(format!("id:text key,n:int\n{}", ids.iter().map(|id| format!("{id},0\n")).collect::<String>()));
    let shape = Shape::new(["n".into()]).unwrap();
    std::thread::scope(|scope| {
        for id in &ids {
            let (folder, shape) = (files.folder.path(), &shape);
            scope.spawn(move || {
                let connector = Csv::open(CsvConfig::new(folder)).unwrap();
                for round in 1..=ROUNDS {
                    let patch = record(shape, [("n".into(), Value::Int(round as i64).into())]).unwrap();
                    let (target, verb) = (Target::Existing(RecordId::text(id)), Verb::Update);
                    let action = ActionId::derive(&[id.as_bytes(), &round.to_le_bytes()]);
                    let op = WriteOp { id: action, target, verb, patch, expects: Expects::Anything };
                    let outcomes = block_on(connector.write(&"t".into(), WriteBatch::of(vec![op]))).unwrap();
                    assert!(matches!(outcomes[0], WriteOutcome::Applied { .. }), "{outcomes:?}");
                }
            });
        }
    });
    let text = std::fs::read_to_string(&files.file).unwrap();
    assert_eq!(text.matches(&format!(",{ROUNDS}\n")).count(), WRITERS, "{text}");
}
