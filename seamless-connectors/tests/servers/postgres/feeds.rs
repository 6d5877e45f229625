//! The feeds of changes: nothing that is committed late is missed, whatever changes are found by; deletions show by the log.

use futures::executor::block_on;
use seamless_connectors::postgres::{Postgres, TableConfig};
use seamless_core::connector::{Connector, Cursor, End, Finding, Requirement};
use seamless_core::model::{ErrorKind, RecordId};

use crate::{Db, db_alone, delete, lines, next, pages, query, told, write};

fn changes(postgres: &Postgres, from: &Cursor, page: usize) -> (Vec<String>, Cursor) {
    let pages = pages(postgres, "customer", &["name"], Some(from.clone()), page);
    (lines(&pages), next(&pages))
}

fn start(postgres: &Postgres) -> Cursor {
    next(&pages(postgres, "customer", &["name"], None, 100))
}

/// A transaction that began before a pass, changed a row and commits after it; another one committed in between.
fn late(mut db: Db, declared: TableConfig) {
    let postgres = Postgres::open(db.config().table("customer", declared)).unwrap();
    db.user.run("INSERT INTO customer (id, name) SELECT n, 'n' || n FROM generate_series(1, 20) AS n");
    let from = start(&postgres);
    let mut late = db.another();
    late.run("BEGIN; SAVEPOINT s; UPDATE customer SET name = 'late' WHERE id = 3");
    late.run("RELEASE s; INSERT INTO customer (id, name) VALUES (30, 'late too')");
    db.user.run("UPDATE customer SET name = 'early' WHERE id = 4");
    let (seen, from) = changes(&postgres, &from, 3);
    assert!(seen.contains(&r#"4 {"name":"early"}"#.to_owned()), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("late")), "{seen:?}");
    db.user.run("UPDATE customer SET name = 'later' WHERE id = 5");
    let (_, from) = changes(&postgres, &from, 3);
    late.run("COMMIT");
    let (seen, from) = changes(&postgres, &from, 3);
    for line in [r#"3 {"name":"late"}"#, r#"30 {"name":"late too"}"#] {
        assert!(seen.contains(&line.to_owned()), "{line} was missed: {seen:?}");
    }
    // In the end it is quiet: what was seen does not come for ever.
    let (_, from) = changes(&postgres, &from, 3);
    let (seen, _) = changes(&postgres, &from, 3);
    assert!(seen.len() <= 2, "{seen:?}");
}

#[test]
fn what_is_committed_late_is_not_missed_by_the_transaction_of_a_row() {
    let db = db_alone("late_xmin", "CREATE TABLE customer (id integer PRIMARY KEY, name text)");
    late(db, TableConfig::default());
}

#[test]
fn what_is_committed_late_is_not_missed_by_a_column_that_holds_the_transaction() {
    let db = db_alone(
        "late_stamp",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text, ver bigint);
         CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN NEW.ver := pg_current_xact_id()::text::bigint; RETURN NEW; END';
         CREATE TRIGGER z BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION stamp()",
    );
    late(db, TableConfig { version: Some("ver".into()), ..TableConfig::default() });
}

#[test]
fn what_is_committed_late_is_not_missed_by_numbers_of_a_sequence() {
    let db = db_alone(
        "late_number",
        "CREATE SEQUENCE numbers; CREATE TABLE customer (id integer PRIMARY KEY, name text, ver bigint);
         CREATE FUNCTION number() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN NEW.ver := nextval(''numbers''); RETURN NEW; END';
         CREATE TRIGGER z BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION number()",
    );
    late(db, TableConfig { version: Some("ver".into()), trusted: true, ..TableConfig::default() });
}

/// The stamps are those of the beginning of the transaction, and go back less than the overlap.
#[test]
fn what_is_committed_late_is_not_missed_within_the_overlap_of_a_modified_column() {
    let mut db = db_alone(
        "late_modified",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text, at timestamptz DEFAULT now()) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF customer FOR VALUES FROM (0) TO (1000);
         INSERT INTO customer VALUES (1, 'old', now() - interval '1 day'), (2, 'new', now() - interval '1 minute')",
    );
    let declared =
        TableConfig { modified: Some("at".into()), overlap_seconds: Some(3600), ..TableConfig::default() };
    let postgres = Postgres::open(db.config().table("customer", declared)).unwrap();
    let first = pages(&postgres, "customer", &["name"], None, 100);
    let from = next(&first);
    db.user.run("INSERT INTO customer VALUES (3, 'late', now() - interval '30 minutes')");
    let pages = pages(&postgres, "customer", &["name"], Some(from), 1);
    assert_eq!(lines(&pages), [r#"2 {"name":"new"}"#, r#"3 {"name":"late"}"#]);
    assert_eq!(pages.last().unwrap().end, Some(End::CaughtUp { low_water: None }), "a clock proves nothing");
}

fn logged(name: &str, sql: &str) -> (Db, Postgres) {
    let db = db_alone(name, sql);
    let log = TableConfig { tombstones: true, ..TableConfig::default() };
    let postgres = Postgres::open(db.config().table("customer", log)).unwrap();
    assert!(!postgres.capabilities(&"customer".into()).tombstones);
    let need = Requirement::Tombstones("customer".into());
    assert!(matches!(block_on(postgres.provision(&need)).unwrap(), Finding::Met(_)));
    assert!(
        matches!(block_on(postgres.provision(&need)).unwrap(), Finding::Met(_)),
        "once more does no harm"
    );
    assert!(postgres.capabilities(&"customer".into()).tombstones);
    (db, postgres)
}

#[test]
fn deletions_show_and_what_came_back_is_there() {
    let (mut db, postgres) = logged(
        "log",
        "CREATE TABLE customer (a text, b date, name text, PRIMARY KEY (a, b));
         INSERT INTO customer SELECT 'c' || n, date '2024-01-01' + n, 'x' FROM generate_series(1, 9) AS n",
    );
    let names = block_on(postgres.entities()).unwrap();
    assert_eq!(names, ["customer".into()], "the log is no entity");
    let from = start(&postgres);
    db.user.run("DELETE FROM customer WHERE a IN ('c1', 'c2', 'c3')");
    db.user.run("INSERT INTO customer VALUES ('c2', '2024-01-03', 'back')");
    db.user.run("UPDATE customer SET a = 'moved' WHERE a = 'c4'");
    let (seen, from) = changes(&postgres, &from, 2);
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(
        sorted(seen),
        [
            r#"c1/2024-01-02 gone"#,
            r#"c2/2024-01-03 {"name":"back"}"#,
            r#"c3/2024-01-04 gone"#,
            r#"c4/2024-01-05 gone"#,
            r#"moved/2024-01-05 {"name":"x"}"#,
        ]
        .map(|line| line.replace('/', &separator()))
    );
    db.user.run("TRUNCATE customer");
    let (seen, _) = changes(&postgres, &from, 3);
    let gone = seen.iter().filter(|line| line.ends_with(" gone")).count();
    assert!(gone >= 7, "{seen:?}");
}

/// What stands between the parts of an id when it is shown.
fn separator() -> String {
    use seamless_core::model::KeyPart;
    let id = RecordId::of_parts(&[KeyPart::Text("a".into()), KeyPart::Text("b".into())]).to_string();
    id[1..id.len() - 1].to_owned()
}

#[test]
fn a_deletion_that_is_committed_late_is_not_missed() {
    let (db, postgres) = logged(
        "log_late",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a'), (2, 'b')",
    );
    let from = start(&postgres);
    let mut late = db.another();
    late.run("BEGIN; DELETE FROM customer WHERE id = 1");
    assert_eq!(told(&write(&postgres, "customer", vec![delete(RecordId::int(2))])), ["applied 2"]);
    let (seen, from) = changes(&postgres, &from, 10);
    assert_eq!(seen.iter().filter(|line| line.ends_with("gone")).collect::<Vec<_>>(), ["2 gone"]);
    late.run("COMMIT");
    let (seen, _) = changes(&postgres, &from, 10);
    assert!(seen.contains(&"1 gone".to_owned()), "{seen:?}");
}

/// The log's triggers may be switched off or dropped: then nothing is declared that does not hold.
#[test]
fn a_log_that_is_switched_off_is_not_declared() {
    let (mut db, postgres) = logged("log_off", "CREATE TABLE customer (id integer PRIMARY KEY, name text)");
    db.user.run("ALTER TABLE customer DISABLE TRIGGER seamless_deleted");
    let need = Requirement::Tombstones("customer".into());
    let found = block_on(postgres.check(&need)).unwrap();
    assert!(matches!(&found, Finding::Unmet { can_provision: true, .. }), "{found:?}");
    assert!(!postgres.capabilities(&"customer".into()).tombstones);
}

#[test]
fn a_cursor_from_the_future_of_a_restored_server_is_expired() {
    let db = db_alone("future", "CREATE TABLE customer (id integer PRIMARY KEY, name text)");
    let postgres = db.open();
    let cursor = String::from_utf8(start(&postgres).as_bytes().to_vec()).unwrap();
    // The mark is the hexadecimal digits of two numbers; the second is the transaction.
    let mut words: Vec<String> = cursor.split(' ').map(str::to_owned).collect();
    let mark = words.iter().position(|word| word.len() == 36).unwrap();
    words[mark].replace_range(20..24, "0fff");
    let cursor = Cursor::new(words.join(" ").into_bytes());
    let expired = block_on(async {
        use futures::StreamExt;
        let mut pages = postgres.read(query("customer", &["name"], Some(cursor), 10)).await.unwrap();
        pages.next().await.unwrap().unwrap_err()
    });
    assert_eq!(expired.kind(), ErrorKind::CursorExpired, "{expired}");
}
