//! The schema that is found: types, lengths, option sets, keys, references, privileges, and what can be done with each table.

use futures::executor::block_on;
use seamless_connectors::postgres::{Postgres, PostgresConfig, TableConfig};
use seamless_core::connector::{Capabilities, Connector, End, FetchBy, FetchQuery, Lookup, Order, UniqueKey};
use seamless_core::model::{EntityName, ErrorKind, Field, FieldKind, RecordId, Shape};

use crate::{config_of, create, db, entity, pages, read, told, update, variable, write};

/// A field in one line: its kind and what is special about it.
fn line(field: &Field) -> String {
    let mut line = format!("{}: {}", field.name, field.kind);
    if let FieldKind::Option { options } = &field.kind {
        let values: Vec<String> = options.options.iter().map(|option| option.value.to_string()).collect();
        line.push_str(&format!(" of {}{}", values.join(", "), if options.closed { "" } else { ", open" }));
    }
    for (is, word) in [
        (field.required, "required"),
        (field.read_only, "read-only"),
        (field.computed, "computed"),
        (field.unique, "unique"),
    ] {
        if is {
            line.push_str(&format!(", {word}"));
        }
    }
    if let Some(default) = &field.default {
        line.push_str(&format!(", default {default}"));
    }
    if let Some(label) = &field.label {
        line.push_str(&format!(" -- {label}"));
    }
    line
}

#[test]
fn a_rich_schema_is_found_as_it_is() {
    let db = db(
        "schema",
        r#"CREATE TYPE mood AS ENUM ('glad', 'so ''so''');
        CREATE DOMAIN code AS varchar(10) NOT NULL CHECK (VALUE IN ('a', 'b'));
        CREATE DOMAIN short AS text CHECK (length(VALUE) <= 12);
        CREATE TABLE terms (code text PRIMARY KEY, days integer NOT NULL DEFAULT 30);
        CREATE TABLE customer (
            "No." varchar(20) PRIMARY KEY,
            "Name, ""quoted"" 😀" varchar(50) NOT NULL,
            credit numeric(18,2) DEFAULT 1.50,
            terms text REFERENCES terms,
            parent varchar(20) REFERENCES customer,
            mood mood DEFAULT 'glad', code code, short short, nick public.citext, fixed char(3),
            status integer NOT NULL DEFAULT 1 CHECK (status IN (1, 2)),
            email varchar(200) UNIQUE CHECK (char_length(email) <= 80),
            shout text GENERATED ALWAYS AS (upper("No.")) STORED,
            no bigint GENERATED ALWAYS AS IDENTITY, serial serial, small smallint, f4 real, f8 double precision,
            at timestamptz(3), local timestamp, day date, opens time, raw bytea, doc jsonb, text json, ok boolean NOT NULL DEFAULT false,
            id uuid DEFAULT gen_random_uuid(), tags text[], span interval, address inet,
            a integer, b integer, UNIQUE (a, b), CHECK (a > 0 OR b IN (1, 2)));
        CREATE UNIQUE INDEX part ON customer (a) WHERE a > 1;
        CREATE UNIQUE INDEX expression ON customer (lower(email));
        COMMENT ON TABLE customer IS 'People who buy';
        COMMENT ON COLUMN customer.credit IS 'Credit limit';"#,
    );
    let postgres = db.open();
    let customer = entity(&postgres, "customer");
    let found: Vec<String> = customer.fields.iter().map(line).collect();
    assert_eq!(
        found,
        [
            "No.: text(20), required",
            "Name, \"quoted\" 😀: text(50), required",
            "credit: decimal(18, 2), default 1.50 -- Credit limit",
            "terms: reference to terms",
            "parent: reference to customer",
            "mood: option of \"glad\", \"so 'so'\", default \"glad\"",
            "code: option of \"a\", \"b\", required",
            "short: text(12)",
            "nick: text",
            "fixed: text(3)",
            "status: option of 1, 2, default 1",
            "email: text(80), unique",
            "shout: text, read-only, computed",
            "no: int, read-only, computed",
            "serial: int",
            "small: int",
            "f4: float",
            "f8: float",
            "at: instant",
            "local: local date and time",
            "day: date",
            "opens: time",
            "raw: bytes",
            "doc: text",
            "text: text",
            "ok: yes/no, default no",
            "id: text(36)",
            "tags: text, read-only",
            "span: text, read-only",
            "address: text, read-only",
            "a: int",
            "b: int",
        ]
    );
    assert_eq!(customer.label.as_deref(), Some("People who buy"));
    assert_eq!(customer.key, ["No.".into()]);
    assert_eq!(customer.unique, [vec!["a".into(), "b".into()]]);
    let can = postgres.capabilities(&"customer".into());
    assert_eq!(can.unique_key, UniqueKey::Fields(vec!["email".into()]));
    assert_eq!(postgres.capabilities(&"terms".into()).unique_key, UniqueKey::ClientChosenId);
}

#[test]
fn names_of_sixty_three_bytes_and_keywords_are_names() {
    let long = "é".repeat(31);
    let db = db(
        "names",
        &format!(
            r#"CREATE TABLE "select" ("table" text PRIMARY KEY, "{long}" text, "a""; DROP TABLE x; --" integer);
            INSERT INTO "select" VALUES ('k', 'v', 7); CREATE TABLE "Straße $1 '\" (id integer PRIMARY KEY)"#
        ),
    );
    let postgres = db.open();
    let fields = ["table", long.as_str(), "a\"; DROP TABLE x; --"];
    assert_eq!(read(&postgres, "select", &fields).len(), 1);
    let changed = write(
        &postgres,
        "select",
        vec![update(RecordId::text("k"), &format!(r#"{{"{long}": "w", "a\"; DROP TABLE x; --": 8}}"#))],
    );
    assert_eq!(told(&changed), ["applied k"]);
    assert_eq!(told(&write(&postgres, "Straße $1 '\\", vec![create(r#"{"id": 1}"#)])), ["applied 1"]);
}

#[test]
fn each_kind_of_relation_says_what_it_can_do() {
    let mut db = db(
        "relations",
        "CREATE TABLE plain (id integer PRIMARY KEY, name text);
         CREATE TABLE parted (id integer PRIMARY KEY, at timestamptz) PARTITION BY RANGE (id);
         CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
         CREATE VIEW seen AS SELECT id, name FROM plain;
         CREATE MATERIALIZED VIEW made AS SELECT id, name FROM plain;
         CREATE TABLE keyless (name text);
         CREATE TABLE unique_only (a integer NOT NULL, b text NOT NULL, n text, UNIQUE (a, b), UNIQUE (n));
         CREATE TABLE parent (id integer PRIMARY KEY); CREATE TABLE child (name text) INHERITS (parent);
         INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1, 'x');
         INSERT INTO parted VALUES (1, now()); INSERT INTO plain VALUES (1, 'a')",
    );
    let key = || TableConfig { key: vec!["id".into()], ..TableConfig::default() };
    let config = db
        .config()
        .table("seen", key())
        .table("made", key())
        .table("parted", TableConfig { modified: Some("at".into()), ..TableConfig::default() });
    let postgres = Postgres::open(config).unwrap();
    let names: Vec<String> =
        block_on(postgres.entities()).unwrap().iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["child", "keyless", "made", "parent", "parted", "plain", "seen", "unique_only"]);
    let can = |name: &str| postgres.capabilities(&EntityName::from(name));
    let short = |can: Capabilities| {
        let has = |is: bool, word: &str| if is { format!("{word} ") } else { String::new() };
        [
            has(can.conditional_update, "C1"),
            has(can.consistent_read, "C4"),
            has(can.complete_enumeration, "C6"),
            has(can.low_water, "C7"),
            has(can.gone_not_hidden, "C8"),
            has(can.changes, "changes"),
            has(can.create && can.update && can.delete, "writes"),
            has(can.order == Order::RecordId, "ordered"),
        ]
        .concat()
    };
    assert_eq!(short(can("plain")), "C1 C4 C6 C7 C8 changes writes ordered ");
    assert_eq!(short(can("parted")), "C1 C4 C6 C8 changes writes ordered ");
    assert_eq!(short(can("seen")), "C4 C6 ");
    assert_eq!(short(can("made")), "C6 ");
    assert_eq!(can("keyless"), Capabilities::default());
    assert_eq!(entity(&postgres, "unique_only").key, ["a".into(), "b".into()]);
    // The rows of a child are the child's.
    assert_eq!(read(&postgres, "parent", &["id"]).len(), 1);
    assert_eq!(told(&write(&postgres, "parted", vec![create(r#"{"id": 2}"#)])), ["applied 2"]);
    assert_eq!(db.user.one("SELECT count(*) FROM parted_1"), "2");
    let refused = block_on(postgres.read(crate::query("keyless", &["name"], None, 10))).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("primary key"), "{refused}");
}

#[test]
fn tables_of_other_schemas_go_by_schema_and_name() {
    let mut db = db(
        "first",
        "CREATE TABLE customer (id integer PRIMARY KEY); CREATE TABLE link (id integer PRIMARY KEY)",
    );
    db.user.run(
        "DROP SCHEMA IF EXISTS t_second CASCADE; CREATE SCHEMA t_second;
         CREATE TABLE t_second.customer (id integer PRIMARY KEY, first integer REFERENCES t_first.customer)",
    );
    let config = PostgresConfig {
        schemas: Some(vec!["t_first".into(), "t_second".into()]),
        entities: Some(vec!["customer".into(), "t_second.customer".into()]),
        ..db.config()
    };
    let postgres = Postgres::open(config).unwrap();
    let names: Vec<String> =
        block_on(postgres.entities()).unwrap().iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["customer", "t_second.customer"]);
    let second = entity(&postgres, "t_second.customer");
    assert_eq!(line(&second.fields[1]), "first: reference to customer");
    assert_eq!(told(&write(&postgres, "customer", vec![create(r#"{"id": 1}"#)])), ["applied 1"]);
}

#[test]
fn a_configuration_that_names_what_is_not_there_is_refused_by_name() {
    let db = db("misnamed", "CREATE TABLE customer (id integer PRIMARY KEY, at timestamptz, name text)");
    let refused = |config: PostgresConfig| {
        let refused = Postgres::open(config).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Configuration);
        refused.to_string()
    };
    let version = |name: &str| TableConfig { version: Some(name.into()), ..TableConfig::default() };
    assert!(refused(db.config().table("costumer", TableConfig::default())).contains("costumer"));
    assert!(refused(db.config().table("customer", version("vers"))).contains("vers"));
    assert!(refused(db.config().table("customer", version("name"))).contains("whole numbers"));
    let modified = TableConfig { modified: Some("name".into()), ..TableConfig::default() };
    assert!(refused(db.config().table("customer", modified)).contains("dates with a time"));
}

#[test]
fn what_the_account_may_not_do_is_not_declared() {
    let mut db = db(
        "rights",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text, secret text, note text);
         INSERT INTO customer VALUES (1, 'a', 's', 'n'); CREATE TABLE hidden (id integer PRIMARY KEY);
         GRANT USAGE ON SCHEMA t_rights TO clerk;
         GRANT SELECT (id, name, note), UPDATE (name) ON customer TO clerk",
    );
    let config = PostgresConfig {
        schemas: Some(vec![db.schema.clone()]),
        ..config_of(&variable("SEAMLESS_TEST_POSTGRES_CLERK"))
    };
    let postgres = Postgres::open(config).unwrap();
    assert_eq!(block_on(postgres.entities()).unwrap(), ["customer".into()]);
    let customer = entity(&postgres, "customer");
    let found: Vec<String> = customer.fields.iter().map(line).collect();
    assert_eq!(
        found,
        ["id: int, required, read-only", "name: text", "secret: text, read-only", "note: text, read-only"]
    );
    let can = postgres.capabilities(&"customer".into());
    assert_eq!((can.create, can.update, can.delete), (false, true, false));
    let read = pages(&postgres, "customer", &["name", "secret"], None, 10);
    let seamless_core::connector::Change::Upsert(found) = &read[0].changes[0] else { panic!("{read:?}") };
    assert!(found.record.field("secret").is_unreadable());
    assert_eq!(
        told(&write(&postgres, "customer", vec![update(RecordId::int(1), r#"{"name": "b"}"#)])),
        ["applied 1"]
    );
    assert_eq!(db.user.one("SELECT name FROM customer"), "b");
    let outcomes = write(&postgres, "customer", vec![update(RecordId::int(1), r#"{"note": "b"}"#)]);
    assert_eq!(told(&outcomes), ["Invalid { field: Some(\"note\") }"]);
    let outcomes = write(&postgres, "customer", vec![create(r#"{"name": "b"}"#)]);
    assert_eq!(told(&outcomes), ["Forbidden"]);
}

#[test]
fn where_a_policy_hides_rows_nothing_is_complete_and_nothing_gone() {
    let db = db(
        "policy",
        "CREATE TABLE customer (id integer PRIMARY KEY, owner text);
         INSERT INTO customer VALUES (1, 'clerk'), (2, 'boss');
         ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON customer USING (owner = current_user);
         GRANT USAGE ON SCHEMA t_policy TO clerk; GRANT ALL ON customer TO clerk",
    );
    let config = PostgresConfig {
        schemas: Some(vec![db.schema.clone()]),
        ..config_of(&variable("SEAMLESS_TEST_POSTGRES_CLERK"))
    };
    let postgres = Postgres::open(config).unwrap();
    let can = postgres.capabilities(&"customer".into());
    assert!(!can.complete_enumeration && !can.gone_not_hidden && can.changes && can.create, "{can:?}");
    let read = pages(&postgres, "customer", &["owner"], None, 10);
    assert_eq!(read.last().unwrap().end, Some(End::Partial));
    let query = FetchQuery {
        entity: "customer".into(),
        shape: Shape::new(["owner".into()]).unwrap(),
        by: FetchBy::Ids(vec![RecordId::int(2), RecordId::int(1)]),
    };
    let found = block_on(postgres.fetch(query)).unwrap();
    assert!(matches!(found.as_slice(), [Lookup::Hidden, Lookup::Found(_)]), "{found:?}");
}

#[test]
fn a_schema_that_changes_under_way_is_noticed() {
    let mut db = db(
        "moved",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a')",
    );
    let postgres = db.open();
    assert_eq!(read(&postgres, "customer", &["name"]), [r#"1 {"name":"a"}"#]);
    db.user.run("ALTER TABLE customer ALTER name TYPE varchar(10), ADD age integer DEFAULT 7");
    assert_eq!(read(&postgres, "customer", &["name"]), [r#"1 {"name":"a"}"#]);
    assert_eq!(line(&entity(&postgres, "customer").fields[1]), "name: text(10)");
    assert_eq!(read(&postgres, "customer", &["age"]), [r#"1 {"age":7}"#]);
    db.user.run("ALTER TABLE customer DROP name");
    let read = block_on(async {
        use futures::StreamExt;
        match postgres.read(crate::query("customer", &["name"], None, 10)).await {
            Err(error) => error,
            Ok(mut pages) => pages.next().await.unwrap().unwrap_err(),
        }
    });
    assert_eq!(read.kind(), ErrorKind::Configuration, "{read}");
    assert!(read.to_string().contains("name"), "{read}");
}

#[test]
fn two_connections_to_one_database_are_one_system_and_another_database_is_another() {
    let db = db("identity", "CREATE TABLE customer (id integer PRIMARY KEY)");
    let one = db.open();
    let other_host = PostgresConfig { host: "127.0.0.1".into(), ..db.config() };
    assert_eq!(one.info().identity, Postgres::open(other_host).unwrap().info().identity);
    let elsewhere = PostgresConfig {
        database: "postgres".into(),
        schemas: None,
        ..config_of(&variable("SEAMLESS_TEST_POSTGRES_ADMIN"))
    };
    assert_ne!(one.info().identity, Postgres::open(elsewhere).unwrap().info().identity);
    let named = PostgresConfig { identity: Some("erp".into()), label: Some("ERP".into()), ..db.config() };
    let named = Postgres::open(named).unwrap();
    assert_eq!((named.info().identity.as_str(), named.info().label.as_str()), ("erp", "ERP"));
}
