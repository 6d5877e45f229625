//! The published kit over tables of several shapes, with exactly the cases that cannot be run on each.

use std::collections::BTreeSet;
use std::future::ready;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use seamless_connectors::postgres::{Postgres, PostgresConfig, TableConfig};
use seamless_core::Result;
use seamless_core::connector::{Connector, Finding, Requirement};
use seamless_core::model::{FieldName, KeyPart, Presence, Record, RecordId, Value, ValueRef};
use seamless_core::secret::Secret;
use seamless_core::testkit::connector_kit::{AnotherUser, Bench, check_connector};

use crate::proxy::Proxy;
use crate::psql::{Psql, literal};
use crate::{Db, config_of, db_alone, variable};

/// Another user of a table.
struct User {
    table: String,
    keys: Vec<String>,
    clerk: Mutex<Psql>,
    late: Mutex<Psql>,
    /// Whether the connector's account is not the owner of the table, who cannot be kept from anything.
    may_hide: bool,
}

impl User {
    fn sql(&self, id: &RecordId, values: &Record) -> String {
        let value = |value: ValueRef<'_>| match value {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Text(text) => literal(text),
            ValueRef::Bool(value) => value.to_string(),
            other => literal(&other.to_value().to_string()),
        };
        let sets: Vec<String> = values
            .fields()
            .filter_map(|(name, said)| match said {
                Presence::Value(said) => {
                    Some(format!("\"{}\" = {}", name.as_str().replace('"', "\"\""), value(said)))
                }
                _ => None,
            })
            .collect();
        format!("UPDATE {} SET {} WHERE {}", self.table, sets.join(", "), self.key(id))
    }

    fn key(&self, id: &RecordId) -> String {
        let parts = id.parts();
        let key = self.keys.iter().zip(&parts).map(|(key, part)| match part {
            KeyPart::Int(number) => format!("{key} = {number}"),
            KeyPart::Text(text) => format!("{key} = {}", literal(text)),
        });
        key.collect::<Vec<_>>().join(" AND ")
    }
}

#[async_trait]
impl AnotherUser for User {
    async fn edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        self.clerk.lock().unwrap().run(&self.sql(id, values));
        Ok(true)
    }

    async fn hide(&self, id: &RecordId, hidden: bool) -> Result<bool> {
        let (table, key) = (&self.table, self.key(id));
        let sql = match hidden {
            true => format!(
                "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON {table} USING (NOT ({key}))"
            ),
            false => format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; DROP POLICY p ON {table}"),
        };
        if self.may_hide {
            self.clerk.lock().unwrap().run(&sql);
        }
        Ok(self.may_hide)
    }

    async fn deny(&self, field: &FieldName, denied: bool) -> Result<bool> {
        let (table, names) = (&self.table, self.clerk.lock().unwrap().run(&format!(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = '{}'::regclass \
             AND attnum > 0 AND attname <> {}",
            self.table.replace('\'', "''"), literal(field.as_str()),
        )));
        let sql = match denied {
            true => format!(
                "REVOKE SELECT ON {table} FROM clerk; GRANT SELECT ({}) ON {table} TO clerk",
                names[0]
            ),
            false => format!("GRANT SELECT ON {table} TO clerk"),
        };
        if self.may_hide {
            self.clerk.lock().unwrap().run(&sql);
        }
        Ok(self.may_hide)
    }

    async fn begin_edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        let sql = self.sql(id, values);
        self.late.lock().unwrap().run(&format!("BEGIN; {sql}"));
        Ok(true)
    }

    async fn commit(&self) -> Result<()> {
        self.late.lock().unwrap().run("COMMIT");
        Ok(())
    }
}

/// Nothing fails, nothing is left behind, and exactly these cases cannot be run on this table.
fn check(bench: &Bench, skipped: &[&[&str]]) {
    let report = block_on(check_connector(bench));
    assert!(report.is_conformant() && report.left_behind.is_empty(), "{report}");
    let found: BTreeSet<&str> = report.skipped_cases().into_iter().collect();
    let expected: BTreeSet<&str> = skipped.concat().into_iter().collect();
    assert_eq!(found, expected, "{report}");
}

/// A bench over a table: two clients, another user, connections that are cut, secrets, a configuration that cannot work.
fn bench(db: &Db, table: &str, keys: &[&str], declared: TableConfig) -> Bench {
    bench_of(db, db.config(), table, keys, declared)
}

fn bench_of(db: &Db, config: PostgresConfig, table: &str, keys: &[&str], declared: TableConfig) -> Bench {
    let may_hide = config.user == "clerk";
    let proxy = Proxy::to(config.port.unwrap());
    let config = PostgresConfig { port: Some(proxy.port()), ..config.table(table, declared) };
    let wrong = PostgresConfig { password: Some(Secret::new("wr0ng-and-secret".into())), ..config.clone() };
    let open = |config: PostgresConfig| {
        move || ready(Postgres::open(config.clone()).map(|postgres| Arc::new(postgres) as Arc<dyn Connector>))
    };
    let user = User {
        table: format!("\"{table}\""),
        keys: keys.iter().map(|key| format!("\"{key}\"")).collect(),
        clerk: Mutex::new(db.another()),
        late: Mutex::new(db.another()),
        may_hide,
    };
    Bench::new(table, open(config))
        .scratch("kit")
        .another_user(user)
        .wire(proxy)
        .secrets(["only-for-tests", "wr0ng-and-secret"])
        .misconfigured(open(wrong))
}

/// What needs more than another user: hiding a row from the owner of its table, which nobody can.
const OWNER: &[&str] = &["schema.unreadable", "absence.hidden", "feed.hidden"];
/// What is declared is not refused.
const WRITES: &[&str] = &["refuse.update", "refuse.delete", "refuse.create"];
const COMPLETE: &[&str] = &["paging.partial"];
const NO_ORDER: &[&str] = &["paging.order"];
const NO_IDEMPOTENCY: &[&str] = &["write.same_id_create", "write.same_id_update"];
const NO_ACTIONS: &[&str] = &["action.missing", "action.stale"];
const ALL: &[&str] = &["feed.none"];
const NO_TOMBSTONES: &[&str] = &["feed.tombstones"];
/// Fields that a small table does not have.
const NO_BYTES_FLOATS_SETS_OPTIONS: &[&str] =
    &["values.bytes", "values.float", "values.sets", "values.options"];
const NO_NUMBERS_AND_DATES: &[&str] = &["values.whole", "values.yes_no", "values.dates"];
const NO_DECIMAL: &[&str] = &["values.decimal", "refuse.too_many_digits"];
const NO_LENGTH: &[&str] = &["values.full_length", "refuse.too_long"];
const NO_RULES: &[&str] = &["write.unique_value", "refuse.read_only", "refuse.required"];
const ONE_FIELD: &[&str] = &["conditional.holds", "proof.true", "dropped.write"];
/// No key that the kit makes up is one.
const STRICT_KEY: &[&str] = &["write.hostile_ids"];
/// What every table here has in common.
const COMMON: &[&[&str]] = &[WRITES, COMPLETE, NO_IDEMPOTENCY, NO_ACTIONS, ALL];

/// A version column that holds the transaction.
const STAMPS: &str = "
    CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.ver := pg_current_xact_id()::text::bigint; RETURN NEW; END';";

/// The account is not the owner: rows can be hidden from it and fields denied.
#[test]
fn a_text_key_in_the_order_of_bytes_with_a_proven_version() {
    let mut db = db_alone(
        "text_key",
        &format!(
            "CREATE TABLE customer (\"No.\" varchar(40) COLLATE \"C\" PRIMARY KEY, name varchar(50), credit numeric(18,2), \
             active boolean, since date, count bigint, \"select \"\"x\"\", 😀; --\" text, ver bigint); {STAMPS}
             CREATE INDEX ON customer (ver);
             CREATE TRIGGER z BEFORE INSERT OR UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION stamp();
             CREATE TABLE other (id integer PRIMARY KEY)"
        ),
    );
    let schema = db.schema.clone();
    db.user.run(&format!("GRANT USAGE ON SCHEMA {schema} TO clerk; GRANT ALL ON customer, other TO clerk"));
    let version = TableConfig { version: Some("ver".into()), ..TableConfig::default() };
    let clerk = PostgresConfig {
        schemas: Some(vec![schema]),
        ..config_of(&variable("SEAMLESS_TEST_POSTGRES_CLERK"))
    };
    check(
        &bench_of(&db, clerk, "customer", &["No."], version),
        &[COMMON, &[NO_TOMBSTONES, NO_BYTES_FLOATS_SETS_OPTIONS, &["write.unique_value", "refuse.required"]]]
            .concat(),
    );
}

/// Every kind of column, every rule that a table can state, and a log of deletions.
#[test]
fn every_kind_of_column_with_a_log_of_deletions() {
    let db = db_alone(
        "rich",
        "CREATE TYPE mood AS ENUM ('glad', 'so so');
         CREATE DOMAIN grade AS integer CHECK (VALUE IN (1, 2, 3));
         CREATE TABLE rich (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, mail varchar(80) NOT NULL UNIQUE, note text,
             grade grade NOT NULL, mood mood, photo bytea, at timestamptz, opens time, due timestamp, ratio double precision,
             credit numeric(18,2), free numeric, active boolean, count bigint, small smallint, born date, must text NOT NULL,
             shout text GENERATED ALWAYS AS (upper(note)) STORED);
         CREATE TABLE other (id integer PRIMARY KEY)",
    );
    let log = TableConfig { tombstones: true, ..TableConfig::default() };
    let postgres = Postgres::open(db.config().table("rich", log.clone())).unwrap();
    let need = Requirement::Tombstones("rich".into());
    let before = block_on(postgres.check(&need)).unwrap();
    assert!(matches!(&before, Finding::Unmet { can_provision: true, .. }), "{before:?}");
    let after = block_on(postgres.provision(&need)).unwrap();
    assert!(matches!(&after, Finding::Met(_)), "{after:?}");
    check(
        &bench(&db, "rich", &["id"], log),
        &[COMMON, &[OWNER, &["values.full_length", "values.sets", "feed.no_tombstones", "feed.came_back"]]]
            .concat(),
    );
}

#[test]
fn a_key_of_several_columns() {
    let db = db_alone(
        "composite",
        "CREATE TABLE line (doc bigint, no integer, note text, amount numeric(12,4), PRIMARY KEY (doc, no));
         CREATE TABLE other (id integer PRIMARY KEY)",
    );
    let ids = |number: u64| {
        RecordId::of_parts(&[KeyPart::Int(number as i64 / 3 + 1_000), KeyPart::Int(number as i64 % 3)])
    };
    let absent = |number: u64| RecordId::of_parts(&[KeyPart::Int(-1), KeyPart::Int(number as i64)]);
    check(
        &bench(&db, "line", &["doc", "no"], TableConfig::default()).ids(ids).absent_ids(absent),
        &[
            COMMON,
            &[
                OWNER,
                NO_TOMBSTONES,
                NO_RULES,
                NO_LENGTH,
                NO_BYTES_FLOATS_SETS_OPTIONS,
                NO_NUMBERS_AND_DATES,
                STRICT_KEY,
            ],
        ]
        .concat(),
    );
}

#[test]
fn a_key_that_is_a_uuid() {
    let db = db_alone(
        "uuid_key",
        "CREATE TABLE account (accountid uuid PRIMARY KEY, name text, phone varchar(30));
         CREATE TABLE other (id integer PRIMARY KEY)",
    );
    let ids = |number: u64| RecordId::text(&format!("00000000-0000-8000-a000-{number:012x}"));
    check(
        &bench(&db, "account", &["accountid"], TableConfig::default())
            .ids(ids)
            .sample("accountid", |number| Value::text(&format!("00000000-0000-8000-b000-{number:012x}"))),
        &[
            COMMON,
            &[
                OWNER,
                NO_TOMBSTONES,
                NO_RULES,
                NO_DECIMAL,
                NO_BYTES_FLOATS_SETS_OPTIONS,
                NO_NUMBERS_AND_DATES,
                STRICT_KEY,
            ],
        ]
        .concat(),
    );
}

/// A collation of people's, where paging follows the key's own index.
#[test]
fn a_text_key_in_the_order_of_people() {
    let db = db_alone(
        "collated",
        "CREATE TABLE customer (no text COLLATE \"en-x-icu\" PRIMARY KEY, name text);
         CREATE TABLE other (id integer PRIMARY KEY)",
    );
    check(
        &bench(&db, "customer", &["no"], TableConfig::default()),
        &[
            COMMON,
            &[OWNER, NO_TOMBSTONES, NO_ORDER, NO_RULES, NO_LENGTH, NO_DECIMAL, ONE_FIELD],
            &[NO_BYTES_FLOATS_SETS_OPTIONS, NO_NUMBERS_AND_DATES],
        ]
        .concat(),
    );
}

/// A view with a key that the configuration names is read and never written.
#[test]
fn a_view_is_examined_by_reading() {
    let db = db_alone(
        "view",
        "CREATE TABLE customer (no text PRIMARY KEY, name text);
         INSERT INTO customer SELECT 'C' || n, 'name ' || n FROM generate_series(1, 40) AS n;
         CREATE VIEW names AS SELECT no, name FROM customer",
    );
    let key = TableConfig { key: vec!["no".into()], ..TableConfig::default() };
    let config = db.config().table("names", key);
    let open = move || {
        ready(Postgres::open(config.clone()).map(|postgres| Arc::new(postgres) as Arc<dyn Connector>))
    };
    let report = block_on(check_connector(&Bench::new("names", open)));
    assert!(report.is_conformant() && report.passed() > 20, "{report}");
}
