//! Writing in bulk: a good batch takes a handful of statements, a bad record does not spoil the others, and each refusal names
//! its reason.

use futures::executor::block_on;
use seamless_connectors::postgres::Postgres;
use seamless_core::connector::{Connector, Expects, Proof, RefusalKind, WriteBatch, WriteOp, WriteOutcome};
use seamless_core::model::{RecordId, Value};

use crate::{create, db, delete, told, update, write};

fn statements(user: &mut crate::Psql, like: &str) -> i64 {
    user.one(&format!("SELECT count(*) FROM seen WHERE what LIKE '{like}'")).parse().unwrap()
}

#[test]
fn bad_records_of_a_batch_are_refused_and_all_others_are_written() {
    let mut db = db(
        "bulk",
        "CREATE TABLE parent (id integer PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE customer (id integer PRIMARY KEY, name varchar(20) NOT NULL, mail text UNIQUE, parent integer REFERENCES parent,
             n integer CONSTRAINT positive CHECK (n > 0));
         INSERT INTO customer VALUES (900, 'holder', 'taken', 1, 1)",
    );
    let postgres = db.open();
    let mut ops: Vec<WriteOp> = (0..300)
        .map(|n| create(&format!(r#"{{"id": {n}, "name": "n{n}", "mail": "m{n}", "n": 1}}"#)))
        .collect();
    ops[7] = create(r#"{"id": 7, "name": "x", "mail": "taken", "n": 1}"#);
    ops[100] = create(r#"{"id": 100, "mail": "m100", "n": 1}"#);
    ops[101] = create(r#"{"id": 101, "name": "x", "mail": "m101", "n": 0}"#);
    ops[299] = create(r#"{"id": 5, "name": "x", "mail": "m299", "n": 1}"#);
    let outcomes = write(&postgres, "customer", ops);
    let told = told(&outcomes);
    for (place, line) in told.iter().enumerate() {
        let expected = match place {
            7 => "KeyTaken { by: Some([Int(900)]) }".to_owned(),
            100 => r#"Invalid { field: Some("name") }"#.to_owned(),
            101 => r#"Invalid { field: Some("n") }"#.to_owned(),
            299 => "KeyTaken { by: Some([Int(5)]) }".to_owned(),
            _ => format!("applied {place}"),
        };
        assert_eq!(*line, expected, "{place}");
    }
    assert_eq!(db.user.one("SELECT count(*) FROM customer"), "297");
    assert_eq!(
        db.user.one("SELECT count(*) FROM customer WHERE id < 300 AND name = 'n' || id AND mail = 'm' || id"),
        "296"
    );
}

#[test]
fn a_good_batch_is_one_statement_for_each_verb() {
    let mut db = db(
        "few",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); CREATE TABLE seen (what text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = t_few AS
         'BEGIN INSERT INTO seen VALUES (TG_OP); RETURN NULL; END';
         CREATE TRIGGER n AFTER INSERT OR UPDATE OR DELETE ON customer FOR EACH STATEMENT EXECUTE FUNCTION note()",
    );
    let postgres = db.open();
    let made: Vec<WriteOp> = (0..500).map(|n| create(&format!(r#"{{"id": {n}, "name": "n{n}"}}"#))).collect();
    assert!(
        write(&postgres, "customer", made).iter().all(|made| matches!(made, WriteOutcome::Applied { .. }))
    );
    assert_eq!(statements(&mut db.user, "INSERT"), 1);
    let mut ops: Vec<WriteOp> = (0..250).map(|n| update(RecordId::int(n), r#"{"name": "new"}"#)).collect();
    ops.extend((250..500).map(|n| delete(RecordId::int(n))));
    assert!(
        write(&postgres, "customer", ops).iter().all(|made| matches!(made, WriteOutcome::Applied { .. }))
    );
    assert_eq!((statements(&mut db.user, "UPDATE"), statements(&mut db.user, "DELETE")), (1, 1));
    assert_eq!(db.user.one("SELECT count(*), min(name), max(id) FROM customer"), "250|new|249");
}

/// Numbers that the server gives go to the records that they were given for.
#[test]
fn each_of_many_new_rows_gets_its_own_id() {
    let mut db = db(
        "identity_ids",
        "CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, n integer)",
    );
    let postgres = db.open();
    let made: Vec<WriteOp> =
        (0..400).map(|n| create(&format!(r#"{{"name": "n{n}", "n": {}}}"#, n % 3))).collect();
    for (place, outcome) in write(&postgres, "customer", made).iter().enumerate() {
        let WriteOutcome::Applied { id, proof: Proof::Stored(stored) } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            stored.record.field("name").value().unwrap().to_value(),
            Value::text(&format!("n{place}"))
        );
        assert_eq!(
            db.user.one(&format!("SELECT name FROM customer WHERE id = {}", id.as_int().unwrap())),
            format!("n{place}")
        );
    }
}

#[test]
fn unique_values_that_change_hands_are_written_in_the_order_that_is_given() {
    let mut db = db(
        "hands",
        "CREATE TABLE customer (id integer PRIMARY KEY, code text UNIQUE);
         INSERT INTO customer VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    let postgres = db.open();
    let ops = vec![
        update(RecordId::int(1), r#"{"code": "free"}"#),
        update(RecordId::int(2), r#"{"code": "a"}"#),
        delete(RecordId::int(3)),
        create(r#"{"id": 4, "code": "c"}"#),
    ];
    let outcomes = write(&postgres, "customer", ops);
    assert_eq!(told(&outcomes), ["applied 1", "applied 2", "applied 3", "applied 4"]);
    assert_eq!(db.user.run("SELECT * FROM customer ORDER BY id"), ["1|free", "2|a", "4|c"]);
}

#[test]
fn a_constraint_that_only_the_commit_checks_refuses_the_offender_alone() {
    let mut db = db(
        "deferred",
        "CREATE TABLE parent (id integer PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE customer (id integer PRIMARY KEY, parent integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    );
    let postgres = db.open();
    let ops = vec![create(r#"{"id": 1}"#), op_with_parent(&postgres, 2, 77), op_with_parent(&postgres, 3, 1)];
    let outcomes = write(&postgres, "customer", ops);
    assert_eq!(told(&outcomes), ["applied 1", "Invalid { field: None }", "applied 3"]);
    assert_eq!(db.user.run("SELECT id FROM customer ORDER BY id"), ["1", "3"]);
}

fn op_with_parent(_: &Postgres, id: i64, parent: i64) -> WriteOp {
    use seamless_core::model::{FieldName, Reference, Shape, Slot, record};
    let mut op = create(&format!("{{\"id\": {id}}}"));
    let reference = Reference { entity: "parent".into(), id: RecordId::int(parent) };
    let shape = Shape::new(["id".into(), "parent".into()]).unwrap();
    let fields: [(FieldName, Slot); 2] = [
        ("id".into(), Slot::Value(Value::Int(id))),
        ("parent".into(), Slot::Value(Value::Reference(reference.into()))),
    ];
    op.patch = record(&shape, fields).unwrap();
    op
}

#[test]
fn a_reference_that_points_at_nothing_is_refused_with_its_field() {
    let db = db(
        "dangling",
        "CREATE TABLE parent (id integer PRIMARY KEY); INSERT INTO parent VALUES (1);
         CREATE TABLE customer (id integer PRIMARY KEY, name text, parent integer REFERENCES parent)",
    );
    let postgres = db.open();
    let outcomes =
        write(&postgres, "customer", vec![op_with_parent(&postgres, 2, 77), op_with_parent(&postgres, 3, 1)]);
    assert_eq!(told(&outcomes), [r#"Invalid { field: Some("parent") }"#, "applied 3"]);
    let outcomes = write(&postgres, "parent", vec![delete(RecordId::int(1))]);
    assert!(
        matches!(&outcomes[0], WriteOutcome::Refused(refusal) if matches!(refusal.why, RefusalKind::Invalid { .. }))
    );
}

/// What triggers make of a row after it was written is what is proven.
#[test]
fn the_proof_of_a_write_is_what_triggers_leave() {
    let mut db = db(
        "after",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text, shout text);
         CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql SET search_path = t_after AS
         'BEGIN UPDATE customer SET shout = upper(NEW.name) WHERE id = NEW.id; RETURN NULL; END';
         CREATE TRIGGER a AFTER INSERT OR UPDATE OF name ON customer FOR EACH ROW EXECUTE FUNCTION shout();
         CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not here''; END';
         CREATE TRIGGER b BEFORE INSERT ON customer FOR EACH ROW WHEN (NEW.id = 13) EXECUTE FUNCTION no();
         CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER c BEFORE INSERT ON customer FOR EACH ROW WHEN (NEW.id = 14) EXECUTE FUNCTION nothing();
         CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM 1 FROM nowhere; RETURN NEW; END';
         CREATE TRIGGER d BEFORE INSERT ON customer FOR EACH ROW WHEN (NEW.id = 15) EXECUTE FUNCTION lost()",
    );
    let postgres = db.open();
    let ops = vec![
        create(r#"{"id": 1, "name": "a"}"#),
        create(r#"{"id": 13, "name": "b"}"#),
        create(r#"{"id": 14, "name": "c"}"#),
        create(r#"{"id": 15, "name": "c"}"#),
        create(r#"{"id": 2, "name": "d"}"#),
    ];
    let outcomes = write(&postgres, "customer", ops);
    let invalid = "Invalid { field: None }";
    assert_eq!(told(&outcomes), ["applied 1", invalid, invalid, invalid, "applied 2"]);
    let WriteOutcome::Applied { proof: Proof::Stored(stored), .. } = &outcomes[0] else {
        panic!("{outcomes:?}")
    };
    assert_eq!(stored.record.field("shout").value().unwrap().to_value(), Value::text("A"));
    let version: u64 = stored.version.as_ref().unwrap().as_str().parse().unwrap();
    assert_eq!(db.user.one("SELECT xmin FROM customer WHERE id = 1"), version.to_string());
}

/// Nobody can come between a precondition and its write.
#[test]
fn a_row_that_somebody_else_holds_is_waited_for_and_then_found_changed() {
    let mut db = db(
        "held",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a')",
    );
    let postgres = db.open();
    let mut other = db.another();
    other.run("BEGIN; UPDATE customer SET name = 'theirs' WHERE id = 1");
    let mut op = update(RecordId::int(1), r#"{"name": "ours"}"#);
    op.expects = Expects::Values(seamless_core::model::Record::from_json(r#"{"name": "a"}"#).unwrap());
    let writing = std::thread::spawn({
        let postgres = postgres.clone();
        move || block_on(postgres.write(&"customer".into(), WriteBatch::of(vec![op]))).unwrap()
    });
    // The server says when the write waits for the lock; it is asked again and again, and not for ever.
    let waits =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'";
    let waiting = (0..1000).any(|_| {
        db.user.run("SELECT pg_sleep(0.01)");
        db.user.one(waits) != "0"
    });
    assert!(waiting, "the row is locked before it is compared");
    other.run("COMMIT");
    assert_eq!(told(&writing.join().unwrap()), ["Stale"]);
    assert_eq!(db.user.one("SELECT name FROM customer"), "theirs");
}
