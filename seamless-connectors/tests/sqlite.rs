//! What only SQLite does: the schema it finds, rows that cannot be read, proofs by triggers, constraints, locks.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use proptest::prelude::{any, prop_assert_eq, proptest};
use rusqlite::Connection;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig, TableConfig};
use seamless_core::connector::{
    Change, Connector, Cursor, DeleteGround, End, Expects, FetchBy, FetchQuery, Lookup, Order, Page, Proof,
    ReadQuery, Target, UniqueKey, Verb, Versioned, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, Entity, EntityName, ErrorKind, FieldKind, FieldName, KeyPart, Record, RecordId,
    Reference, Shape, Value,
};

struct Db {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
    user: Connection,
}

fn db(sql: &str) -> Db {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let user = Connection::open(&path).unwrap();
    user.execute_batch(sql).unwrap();
    Db { _folder: folder, path, user }
}

impl Db {
    fn config(&self) -> SqliteConfig {
        SqliteConfig::new(&self.path)
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(self.config()).unwrap()
    }
}

fn entity(sqlite: &Sqlite, name: &str) -> Entity {
    let schema = block_on(sqlite.discover(&[name.into()])).unwrap();
    schema.entity(name).unwrap().clone()
}

fn pages(sqlite: &Sqlite, table: &str, fields: &[&str], after: Option<Cursor>, page: usize) -> Vec<Page> {
    let shape = Shape::new(fields.iter().map(|field| FieldName::from(*field))).unwrap();
    let (entity, condition) = (table.into(), Condition::Always);
    let query = ReadQuery { entity, shape, condition, after, page_records_max: page };
    block_on(async { sqlite.read(query).await.unwrap().map(Result::unwrap).collect().await })
}

/// Every change as one line.
fn lines(pages: &[Page]) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Upsert(found) => format!("{} {}", found.id, found.record.to_json()),
        Change::Deleted(tombstone) => format!("{} gone", tombstone.id),
        Change::Broken { id, place, problem } => format!("broken {id:?} {place}: {problem}"),
    };
    pages.iter().flat_map(|page| &page.changes).map(line).collect()
}

fn read(sqlite: &Sqlite, table: &str, fields: &[&str]) -> Vec<String> {
    lines(&pages(sqlite, table, fields, None, 2))
}

fn changes_from(pages: &[Page]) -> Option<Cursor> {
    match &pages.last().unwrap().end {
        Some(End::Complete(all)) => all.changes_from.clone(),
        other => panic!("{other:?}"),
    }
}

fn op(target: Target, verb: Verb, json: &str) -> WriteOp {
    let id = ActionId::derive(&[json.as_bytes()]);
    WriteOp { id, target, verb, patch: Record::from_json(json).unwrap(), expects: Expects::Anything }
}

fn create(json: &str) -> WriteOp {
    op(Target::New(None), Verb::Create, json)
}

fn update(id: RecordId, json: &str) -> WriteOp {
    op(Target::Existing(id), Verb::Update, json)
}

fn write(sqlite: &Sqlite, table: &str, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
    block_on(sqlite.write(&EntityName::from(table), WriteBatch::of(ops))).unwrap()
}

/// Outcomes in short.
fn told(outcomes: &[WriteOutcome]) -> Vec<String> {
    let line = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Applied { id, .. } => format!("applied {id}"),
        WriteOutcome::Refused(refusal) => format!("{:?}", refusal.why),
        WriteOutcome::Ambiguous(error) => format!("ambiguous {error}"),
    };
    outcomes.iter().map(line).collect()
}

#[test]
fn the_schema_is_read_from_the_file() {
    let db = db(r#"CREATE TABLE terms (code TEXT PRIMARY KEY, days INT NOT NULL DEFAULT 30) STRICT;
        CREATE TABLE customer (
            "No." VARCHAR(20) PRIMARY KEY NOT NULL,
            name NVARCHAR(50) NOT NULL,
            credit DECIMAL(18,2) DEFAULT 1.50,
            terms TEXT REFERENCES terms(code),
            parent TEXT REFERENCES customer,
            status INTEGER DEFAULT 1 CHECK (status IN (1, 2)),
            email TEXT UNIQUE CHECK (length(email) <= 80),
            shout TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
            at TIMESTAMPTZ, a INT, b INT, UNIQUE (a, b));
        CREATE UNIQUE INDEX part ON customer (a) WHERE a > 1;
        CREATE VIEW names AS SELECT name FROM customer;"#);
    let sqlite = db.open();
    assert_eq!(block_on(sqlite.entities()).unwrap(), ["customer", "names", "terms"].map(EntityName::from));
    let customer = entity(&sqlite, "customer");
    let kind = |name: &str| customer.field(name).unwrap().kind.clone();
    assert_eq!(customer.key, [FieldName::from("No.")]);
    assert_eq!(customer.unique, [[FieldName::from("a"), FieldName::from("b")]]);
    assert_eq!(kind("name"), FieldKind::Text { length_max: Some(50) });
    assert!(customer.field("name").unwrap().required && !customer.field("a").unwrap().required);
    assert_eq!(kind("terms"), FieldKind::Reference { targets: vec!["terms".into()] });
    assert_eq!(kind("parent"), FieldKind::Reference { targets: vec!["customer".into()] });
    assert!(
        matches!(kind("status"), FieldKind::Option { options } if options.closed && options.options.len() == 2)
    );
    assert_eq!(kind("email"), FieldKind::Text { length_max: Some(80) });
    assert!(customer.field("email").unwrap().unique && !customer.field("a").unwrap().unique);
    let shout = customer.field("shout").unwrap();
    assert!(shout.computed && shout.read_only);
    assert_eq!(customer.field("credit").unwrap().default, Some(Value::Decimal("1.50".parse().unwrap())));
    assert_eq!(kind("at"), FieldKind::Instant);
    let terms = entity(&sqlite, "terms");
    assert!(!terms.field("days").unwrap().required);
    assert!(!sqlite.capabilities(&"names".into()).is_writable());
}

#[test]
fn a_row_that_does_not_hold_what_it_declares_is_broken_and_never_read_in_part() {
    let db = db(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, d DATE, b BOOLEAN, x TEXT);
         INSERT INTO t VALUES (1, 1, '2024-02-29', 1, 'a'), (2, 'abc', NULL, 0, 'b'), (3, 3, '2023-02-29', 0, 'c'),
             (4, 4, NULL, 2, 'd'), (5, 5, NULL, 1, CAST(x'ff41' AS TEXT)), (6, 6, NULL, NULL, NULL);",
    );
    let sqlite = db.open();
    let seen = read(&sqlite, "t", &["n", "d", "b", "x"]);
    assert_eq!(seen.len(), 6);
    assert_eq!(seen[0], r#"1 {"n":1,"d":{"date":"2024-02-29"},"b":true,"x":"a"}"#);
    for (line, field) in seen[1..5].iter().zip(["n", "d", "b", "x"]) {
        assert!(line.starts_with("broken Some([Int(") && line.contains(&format!(": {field}: ")), "{line}");
        assert!(line.contains("table t row "), "{line}");
    }
    assert_eq!(seen[5], r#"6 {"n":6,"d":null,"b":null,"x":null}"#);
    // A field that is not asked for cannot break a record.
    assert!(read(&sqlite, "t", &["d"])[1].starts_with("2 "));
    let by = FetchBy::Ids(vec![RecordId::int(2), RecordId::int(1), RecordId::int(9)]);
    let query = FetchQuery { entity: "t".into(), shape: Shape::new(["n".into()]).unwrap(), by };
    let found = block_on(sqlite.fetch(query)).unwrap();
    assert_eq!(found[0], Lookup::Unanswered);
    assert!(matches!(found[1], Lookup::Found(_)) && matches!(found[2], Lookup::Gone(_)));
}

#[test]
fn rows_without_a_usable_key_are_reported_and_lose_nobody_else() {
    let db = db("CREATE TABLE t (k TEXT PRIMARY KEY, x TEXT);
         INSERT INTO t VALUES (NULL, 'a'), ('b', 'b'), (x'00', 'c'), (NULL, 'd'), ('e', 'e');");
    let seen = read(&db.open(), "t", &["x"]);
    assert_eq!(seen.iter().filter(|line| line.starts_with("broken None")).count(), 3);
    assert_eq!(seen.iter().filter(|line| !line.starts_with("broken")).count(), 2);
}

#[test]
fn an_id_is_the_very_key_whatever_affinity_and_collation_say() {
    let db = db("CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, x TEXT);
         INSERT INTO t VALUES ('abc', 'a'), ('7', 'b'), ('ABD', 'c'), ('abe', 'd');");
    let sqlite = db.open();
    assert_eq!(sqlite.capabilities(&"t".into()).order, Order::Unspecified);
    assert_eq!(read(&sqlite, "t", &["x"]).len(), 4);
    let by = FetchBy::Ids(vec![RecordId::text("ABC"), RecordId::int(7), RecordId::text("7")]);
    let query = FetchQuery { entity: "t".into(), shape: Shape::new(["x".into()]).unwrap(), by };
    let found = block_on(sqlite.fetch(query)).unwrap();
    assert!(matches!(found[0], Lookup::Gone(_)) && matches!(found[1], Lookup::Gone(_)));
    assert!(matches!(found[2], Lookup::Found(_)));
    let outcomes =
        write(&sqlite, "t", vec![update(RecordId::int(7), r#"{"x":"z"}"#), create(r#"{"k":"ABC"}"#)]);
    assert_eq!(told(&outcomes), ["Missing", r#"KeyTaken { by: Some([Text("abc")]) }"#]);
}

#[test]
fn composite_keys_and_keyless_tables_are_read_in_order_and_written() {
    let db = db("CREATE TABLE line (doc TEXT, no INT, item TEXT, PRIMARY KEY (doc, no)) WITHOUT ROWID;
         INSERT INTO line VALUES ('A', 10, 'x'), ('A', 9, 'y'), ('B', -1, 'z');
         CREATE TABLE log (rowid TEXT, what TEXT); INSERT INTO log VALUES ('r', 'a'), ('r', 'b');");
    let sqlite = db.open();
    assert_eq!(sqlite.capabilities(&"line".into()).order, Order::RecordId);
    let seen = lines(&pages(&sqlite, "line", &["item"], None, 1));
    assert_eq!(seen, [r#"A / 9 {"item":"y"}"#, r#"A / 10 {"item":"x"}"#, r#"B / -1 {"item":"z"}"#]);
    let key = RecordId::of_parts(&[KeyPart::Text("C".into()), KeyPart::Int(1)]);
    let made =
        write(&sqlite, "line", vec![op(Target::New(Some(key.clone())), Verb::Create, r#"{"item":"new"}"#)]);
    assert!(matches!(&made[0], WriteOutcome::Applied { id, .. } if *id == key));
    assert_eq!(read(&sqlite, "log", &["what"]), [r#"1 {"what":"a"}"#, r#"2 {"what":"b"}"#]);
    let made =
        write(&sqlite, "log", vec![create(r#"{"what":"c"}"#), update(RecordId::int(1), r#"{"what":"A"}"#)]);
    assert_eq!(told(&made), ["applied 3", "applied 1"]);
    assert_eq!(read(&sqlite, "log", &["what"])[0], r#"1 {"what":"A"}"#);
}

#[test]
fn a_view_has_records_only_with_a_key_that_is_one() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, g TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'a');
         CREATE VIEW v AS SELECT id, g FROM t;");
    let query = |shape: Arc<Shape>| ReadQuery {
        entity: "v".into(),
        shape,
        condition: Condition::Always,
        after: None,
        page_records_max: 1,
    };
    let shape = Shape::new(["g".into()]).unwrap();
    let error = block_on(db.open().read(query(shape.clone()))).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let keyed = |key: &str| {
        let table = TableConfig { key: vec![key.into()], ..TableConfig::default() };
        Sqlite::open(db.config().table("v", table)).unwrap()
    };
    assert_eq!(read(&keyed("id"), "v", &["g"]), [r#"1 {"g":"a"}"#, r#"2 {"g":"a"}"#]);
    let error =
        block_on(async { keyed("g").read(query(shape)).await.unwrap().next().await.unwrap().unwrap_err() });
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn constraints_are_told_apart_and_undo_nothing_else() {
    let db = db("CREATE TABLE p (code TEXT PRIMARY KEY NOT NULL); INSERT INTO p VALUES ('P');
         CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT NOT NULL, u TEXT UNIQUE, c INT CHECK (c > 0),
             p TEXT REFERENCES p (code), a INT, b INT, UNIQUE (a, b));
         INSERT INTO t VALUES (1, 'one', 'U', 1, 'P', 1, 2);");
    let sqlite = db.open();
    let outcomes = write(
        &sqlite,
        "t",
        vec![
            create(r#"{"n":"new","p":{"reference":["p","P"]}}"#),
            create(r#"{"u":"x"}"#),
            create(r#"{"n":"x","u":"U"}"#),
            create(r#"{"n":"x","c":0}"#),
            create(r#"{"n":"x","p":{"reference":["p","Q"]}}"#),
            create(r#"{"n":"x","a":1,"b":2}"#),
            update(RecordId::int(2), r#"{"u":"U"}"#),
            update(RecordId::int(1), r#"{"n":null}"#),
            update(RecordId::int(1), r#"{"n":"uno"}"#),
        ],
    );
    let invalid = |field: &str| format!("Invalid {{ field: Some({field:?}) }}");
    let taken = "KeyTaken { by: Some([Int(1)]) }".to_owned();
    assert_eq!(
        told(&outcomes),
        [
            "applied 2".to_owned(),
            invalid("n"),
            taken.clone(),
            invalid("c"),
            invalid("p"),
            taken.clone(),
            taken,
            invalid("n"),
            "applied 1".to_owned()
        ]
    );
    let reference = Reference { entity: "p".into(), id: RecordId::text("P") };
    let found = &pages(&sqlite, "t", &["n", "p"], None, 10)[0].changes[1];
    let Change::Upsert(Versioned { record, .. }) = found else { panic!("{found:?}") };
    assert_eq!(record.field("p").value().unwrap().to_value(), Value::Reference(Arc::new(reference)));
    assert_eq!(read(&sqlite, "t", &["n"]), [r#"1 {"n":"uno"}"#, r#"2 {"n":"new"}"#]);
}

#[test]
fn who_rolls_the_transaction_back_takes_nobody_along() {
    let db = db("CREATE TABLE p (id INTEGER PRIMARY KEY);
         CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, p INT REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER no AFTER INSERT ON t WHEN new.n = 13 BEGIN SELECT RAISE(ROLLBACK, 'thirteen'); END;");
    let sqlite = db.open();
    let number = |n: i64| create(&format!(r#"{{"n":{n}}}"#));
    let outcomes = write(&sqlite, "t", vec![number(1), number(13), number(2)]);
    assert_eq!(told(&outcomes), ["applied 1", "Invalid { field: None }", "applied 2"]);
    let dangling = create(r#"{"p":{"reference":["p",9]}}"#);
    let outcomes = write(&sqlite, "t", vec![number(3), dangling, number(4)]);
    assert_eq!(told(&outcomes), ["applied 3", "Invalid { field: None }", "applied 4"]);
    assert_eq!(read(&sqlite, "t", &["n"]).len(), 4);
}

#[test]
fn a_write_returns_what_triggers_made_of_it() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, v INT);
         CREATE TRIGGER shout AFTER UPDATE ON t BEGIN UPDATE t SET n = upper(new.n) WHERE id = new.id; END;
         INSERT INTO t VALUES (1, 'a', 0);");
    let outcomes = write(&db.open(), "t", vec![update(RecordId::int(1), r#"{"n":"b"}"#)]);
    let [WriteOutcome::Applied { proof: Proof::Stored(stored), .. }] = &outcomes[..] else { panic!() };
    assert_eq!(stored.record.to_json(), r#"{"id":1,"n":"B","v":0}"#);
}

#[test]
fn a_number_that_the_column_would_round_is_refused() {
    let db =
        db("CREATE TABLE t (id INTEGER PRIMARY KEY, loose DECIMAL(30,2), exact DECTEXT(30,2), s STRING);");
    let sqlite = db.open();
    let outcomes = write(
        &sqlite,
        "t",
        vec![
            create(r#"{"loose":{"decimal":"12345678901234567890.12"}}"#),
            create(r#"{"exact":{"decimal":"12345678901234567890.12"},"loose":{"decimal":"1.10"},"s":"x"}"#),
            create(r#"{"s":"007"}"#),
        ],
    );
    assert_eq!(
        told(&outcomes),
        [r#"Invalid { field: Some("loose") }"#, "applied 1", r#"Invalid { field: Some("s") }"#]
    );
    let seen = read(&sqlite, "t", &["loose", "exact", "s"]);
    assert_eq!(
        seen,
        [r#"1 {"loose":{"decimal":"1.1"},"exact":{"decimal":"12345678901234567890.12"},"s":"x"}"#]
    );
}

#[test]
fn a_file_that_is_not_there_or_no_database_is_told_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let error = Sqlite::open(SqliteConfig::new(&path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!path.exists());
    std::fs::write(
        &path,
        "this is a text file, and long enough to have a header that SQLite looks at, surely",
    )
    .unwrap();
    let error = Sqlite::open(SqliteConfig::new(&path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.remedy().is_some());
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let config = db.config().table("u", TableConfig::default());
    assert_eq!(Sqlite::open(config).unwrap_err().kind(), ErrorKind::Configuration);
}

#[test]
fn a_locked_database_is_unavailable_and_nothing_happened() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1);");
    let sqlite = Sqlite::open(SqliteConfig { busy_timeout_ms: Some(1), ..db.config() }).unwrap();
    db.user.execute_batch("BEGIN IMMEDIATE; UPDATE t SET n = 2").unwrap();
    let batch = WriteBatch::of(vec![update(RecordId::int(1), r#"{"n":3}"#)]);
    let error = block_on(sqlite.write(&"t".into(), batch.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.remedy().is_some());
    db.user.execute_batch("COMMIT").unwrap();
    // A reader that has not ended makes the commit itself fail.
    db.user.execute_batch("BEGIN; SELECT * FROM t").unwrap();
    let error = block_on(sqlite.write(&"t".into(), batch.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    db.user.execute_batch("COMMIT").unwrap();
    assert_eq!(read(&sqlite, "t", &["n"]), [r#"1 {"n":2}"#]);
    assert_eq!(told(&block_on(sqlite.write(&"t".into(), batch)).unwrap()), ["applied 1"]);
}

#[test]
fn a_read_only_connection_writes_nothing_and_says_so() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1);");
    let sqlite = Sqlite::open(SqliteConfig { read_only: true, ..db.config() }).unwrap();
    assert!(!sqlite.capabilities(&"t".into()).is_writable());
    let batch = WriteBatch::of(vec![create("{}")]);
    assert_eq!(block_on(sqlite.write(&"t".into(), batch)).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(read(&sqlite, "t", &["n"]).len(), 1);
}

#[test]
fn a_schema_that_changes_meanwhile_is_seen() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1);");
    let sqlite = db.open();
    assert!(entity(&sqlite, "t").field("later").is_none());
    db.user
        .execute_batch("ALTER TABLE t ADD COLUMN later VARCHAR(9) DEFAULT 'x'; CREATE TABLE u (id INT)")
        .unwrap();
    assert_eq!(entity(&sqlite, "t").field("later").unwrap().kind, FieldKind::Text { length_max: Some(9) });
    assert_eq!(read(&sqlite, "t", &["later"]), [r#"1 {"later":"x"}"#]);
    assert_eq!(block_on(sqlite.entities()).unwrap().len(), 2);
}

// Catches: a promise to take chosen ids, which are texts of 36 characters, for a key that numbers its rows or is shorter.
#[test]
fn only_a_key_that_can_hold_a_chosen_id_takes_one() {
    let db = db("CREATE TABLE uuid (id CHAR(36) PRIMARY KEY);
        CREATE TABLE code (code VARCHAR(20) PRIMARY KEY, name TEXT);
        CREATE TABLE numbered (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE numbered_unique (id INTEGER PRIMARY KEY, code TEXT UNIQUE);
        CREATE TABLE composite (a TEXT, b INT, PRIMARY KEY (a, b));");
    let sqlite = db.open();
    let key = |table: &str| sqlite.capabilities(&table.into()).unique_key;
    let fields = |names: &[&str]| UniqueKey::Fields(names.iter().map(|name| (*name).into()).collect());
    assert_eq!(key("uuid"), UniqueKey::ClientChosenId);
    assert_eq!(key("code"), fields(&["code"]));
    assert_eq!(key("numbered"), UniqueKey::None);
    assert_eq!(key("numbered_unique"), fields(&["code"]));
    assert_eq!(key("composite"), fields(&["a", "b"]));
}

// Catches: a row under a key that was made up here, where the plan said that the key is told nothing.
#[test]
fn a_key_that_is_told_nothing_makes_no_row() {
    let db = db(r#"CREATE TABLE t ("No." TEXT PRIMARY KEY, name TEXT)"#);
    let sqlite = db.open();
    let chosen = RecordId::text("2c1d8ab4-0000-4000-8000-000000000001");
    let make = |json: &str| op(Target::New(Some(chosen.clone())), Verb::Create, json);
    let ops = [r#"{"No.":null,"name":"a"}"#, r#"{"No.":"C1","name":"b"}"#, r#"{"name":"c"}"#].map(make);
    let outcomes = told(&block_on(sqlite.write(&"t".into(), WriteBatch::of(ops))).unwrap());
    assert!(outcomes[0].contains("No."), "{outcomes:?}");
    assert_eq!(outcomes[1..], ["applied C1".to_owned(), format!("applied {chosen}")]);
}

#[test]
fn the_identity_is_the_file_and_not_its_contents() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let copy = db.path.with_file_name("copy.db");
    std::fs::copy(&db.path, &copy).unwrap();
    let (one, again) = (db.open(), db.open());
    let other = Sqlite::open(SqliteConfig::new(copy)).unwrap();
    assert_eq!(one.info().identity, again.info().identity);
    assert_ne!(one.info().identity, other.info().identity);
}

/// A table with a feed column that is set to `value` by triggers.
fn fed(value: &str) -> Db {
    let body = format!("BEGIN UPDATE clock SET n = n + 1; UPDATE t SET v = {value} WHERE id = new.id; END;");
    db(&format!(
        "CREATE TABLE clock (n INT); INSERT INTO clock VALUES (0);
         CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, v);
         CREATE TRIGGER i AFTER INSERT ON t {body} CREATE TRIGGER u AFTER UPDATE ON t {body}"
    ))
}

#[test]
fn changes_need_a_proof_or_trust() {
    let version =
        |trusted: bool| TableConfig { version: Some("v".into()), trusted, ..TableConfig::default() };
    let modified = TableConfig { modified: Some("v".into()), ..TableConfig::default() };
    let table = [
        ("(SELECT n FROM clock)", version(false), (true, true)),
        ("(SELECT max(v) + 1 FROM t)", version(false), (false, false)),
        ("(SELECT max(v) + 1 FROM t)", version(true), (true, true)),
        ("coalesce(old.v, 0) + 1", version(false), (false, false)),
        ("strftime('%Y-%m-%d %H:%M:%f', 'now')", modified, (true, false)),
    ];
    for (value, config, expected) in table {
        let db = fed(&value.replace("old.v", "new.v"));
        let sqlite = Sqlite::open(db.config().table("t", config)).unwrap();
        let can = sqlite.capabilities(&"t".into());
        assert_eq!((can.changes, can.low_water), expected, "{value}");
        assert!(entity(&sqlite, "t").field("v").unwrap().read_only);
    }
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY, v INT)");
    let sqlite = Sqlite::open(db.config().table("t", version(false))).unwrap();
    assert!(!sqlite.capabilities(&"t".into()).changes);
}

#[test]
fn a_modified_stamp_is_read_again_from_the_last_one_on() {
    let db = fed("strftime('%Y-%m-%d', 'now')");
    let config = TableConfig { modified: Some("v".into()), ..TableConfig::default() };
    let sqlite = Sqlite::open(db.config().table("t", config)).unwrap();
    db.user.execute_batch("INSERT INTO t (n) VALUES (1), (2)").unwrap();
    let from = changes_from(&pages(&sqlite, "t", &["n"], None, 10)).unwrap();
    db.user.execute_batch("UPDATE t SET n = 3 WHERE id = 1").unwrap();
    let seen = pages(&sqlite, "t", &["n"], Some(from), 1);
    assert_eq!(lines(&seen), [r#"1 {"n":3}"#, r#"2 {"n":2}"#]);
    assert_eq!(seen.last().unwrap().end, Some(End::CaughtUp { low_water: None }));
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]

    /// Applying the changes of each run to a copy, and dropping what a look-up says is gone, keeps the copy equal to
    /// the table: whatever users do between and during the runs, at any page size.
    #[test]
    fn changes_keep_a_copy_equal(
        runs in proptest::collection::vec(
            (proptest::collection::vec((0u8..4, 1i64..12, any::<i32>()), 0..12), 1usize..6), 1..6),
    ) {
        let db = fed("(SELECT n FROM clock)");
        let config = TableConfig { version: Some("v".into()), ..TableConfig::default() };
        let sqlite = Sqlite::open(db.config().table("t", config)).unwrap();
        let mut from = changes_from(&pages(&sqlite, "t", &["n"], None, 3)).unwrap();
        let mut copy: BTreeMap<i64, i64> = BTreeMap::new();
        let edit = |(what, id, n): &(u8, i64, i32)| {
            let sql = match what {
                0 => "INSERT OR IGNORE INTO t (id, n) VALUES (?1, ?2)",
                1 => "UPDATE t SET n = ?2 WHERE id = ?1",
                2 => "INSERT INTO t (id, n) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = ?2",
                _ => "DELETE FROM t WHERE id = ?1 AND ?2 IS NOT NULL",
            };
            db.user.execute(sql, (id, n)).unwrap();
        };
        let shape = Shape::new(["n".into()]).unwrap();
        for (edits, page) in &runs {
            let (before, during) = edits.split_at(edits.len() / 2);
            before.iter().for_each(edit);
            let query = ReadQuery {
                entity: "t".into(), shape: shape.clone(), condition: Condition::Always,
                after: Some(from.clone()), page_records_max: *page,
            };
            let mut during = during.iter();
            let pages: Vec<Page> = block_on(async {
                let mut stream = sqlite.read(query).await.unwrap();
                let mut pages = Vec::new();
                while let Some(page) = stream.next().await {
                    pages.push(page.unwrap());
                    during.next().into_iter().for_each(edit);
                }
                pages
            });
            for change in pages.iter().flat_map(|page| &page.changes) {
                let Change::Upsert(found) = change else { panic!("{change:?}") };
                let Some(Value::Int(n)) = found.record.field("n").value().map(|n| n.to_value()) else { panic!() };
                copy.insert(found.id.as_int().unwrap(), n);
            }
            during.for_each(edit);
            let Some(End::CaughtUp { low_water: Some(mark) }) = pages.last().unwrap().end.clone() else { panic!() };
            from = mark;
        }
        let rest = lines(&pages(&sqlite, "t", &["n"], Some(from), 100));
        for line in rest {
            let (id, json) = line.split_once(' ').unwrap();
            let n = json.trim_start_matches("{\"n\":").trim_end_matches('}').parse().unwrap();
            copy.insert(id.parse().unwrap(), n);
        }
        let ids: Vec<RecordId> = copy.keys().map(|id| RecordId::int(*id)).collect();
        let by = FetchBy::Ids(ids);
        let found = block_on(sqlite.fetch(FetchQuery { entity: "t".into(), shape, by })).unwrap();
        let gone: Vec<i64> = copy.keys().zip(&found).filter(|(_, found)| matches!(found, Lookup::Gone(_)))
            .map(|(id, _)| *id).collect();
        gone.iter().for_each(|id| { copy.remove(id); });
        let mut held = db.user.prepare("SELECT id, n FROM t").unwrap();
        let rows = held.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let table: BTreeMap<i64, i64> = rows.map(Result::unwrap).collect();
        prop_assert_eq!(copy, table);
    }
}

#[test]
fn deleting_needs_a_ground_and_the_row_then_is_proven_gone() {
    let db = db("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);");
    let sqlite = db.open();
    let ground = Verb::Delete(DeleteGround::LeftScope);
    let outcomes = write(&sqlite, "t", vec![op(Target::Existing(RecordId::int(1)), ground, "{}")]);
    assert_eq!(told(&outcomes), ["applied 1"]);
    let by = FetchBy::Ids(vec![RecordId::int(1)]);
    let query = FetchQuery { entity: "t".into(), shape: Shape::new(["id".into()]).unwrap(), by };
    assert!(
        matches!(&block_on(sqlite.fetch(query)).unwrap()[0], Lookup::Gone(proof) if proof.seen.contains("row 1"))
    );
}

#[test]
fn a_refused_operation_leaves_nothing_behind() {
    let db = db("CREATE TABLE f (k PRIMARY KEY NOT NULL DEFAULT 1.5, x TEXT);
         CREATE TABLE t (id INTEGER PRIMARY KEY, n INT);
         CREATE TRIGGER no AFTER INSERT ON t WHEN new.n = 13 BEGIN SELECT RAISE(FAIL, 'thirteen'); END;");
    let sqlite = db.open();
    let outcomes = write(&sqlite, "f", vec![create(r#"{"x":"a"}"#), create(r#"{"k":"b"}"#)]);
    assert_eq!(told(&outcomes), ["Invalid { field: None }", "applied b"]);
    let outcomes = write(&sqlite, "t", vec![create(r#"{"n":13}"#), create(r#"{"n":1}"#)]);
    assert_eq!(told(&outcomes), ["Invalid { field: None }", "applied 1"]);
    assert_eq!((read(&sqlite, "f", &["x"]).len(), read(&sqlite, "t", &["n"]).len()), (1, 1));
}
