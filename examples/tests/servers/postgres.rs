//! Whole runs between SQLite and a real PostgreSQL, both ways. `.ci/servers/postgres start DIR` starts one; this fails where
//! `SEAMLESS_TEST_POSTGRES` is not set. What came of it is asked by `psql` and by SQLite's own library.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Command;
use std::sync::Arc;

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_connectors::postgres::{Postgres, PostgresConfig, TableConfig, Tls};
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::connector::{Connector, Finding, Requirement};
use seamless_core::plan::render::TextOptions;
use seamless_core::secret::Secret;
use seamless_core::store::SqliteStore;
use seamless_core::sync::{Integration, Plan};
use seamless_mapping::{LoadOptions, load};

const CRM: &str = "
    CREATE TABLE account (accountid CHAR(36) PRIMARY KEY NOT NULL, number TEXT UNIQUE, name TEXT, credit DECTEXT(18,2),
                          since DATE, state INTEGER CHECK (state IN (0, 1)));
    CREATE TABLE contact (contactid CHAR(36) PRIMARY KEY NOT NULL, email TEXT UNIQUE,
                          account CHAR(36) REFERENCES account (accountid));";

const ERP: &str = "
    CREATE TYPE status AS ENUM ('open', 'blocked');
    CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, no varchar(20) NOT NULL UNIQUE, name varchar(60),
                           credit numeric(18,2), since date, status status);
    CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE,
                         customer bigint REFERENCES customer DEFERRABLE INITIALLY DEFERRED)";

const MAPPING: &str = "
integration: sqlite-postgres
sides: { crm: sqlite, erp: postgres }
links:
  - id: customers
    crm: account
    erp: customer
    match: [ number = no ]
    lifecycle: { crm deleted: delete, erp deleted: delete }
    rules:
      - number <-> no
      - name <-> name
      - credit <-> credit
      - since <-> since
      - state <-> status: { options: [ 0 <-> open, 1 <-> blocked ] }
  - id: people
    crm: contact
    erp: person
    match: [ email = email ]
    lifecycle: { crm deleted: delete, erp deleted: delete }
    rules:
      - email <-> email
      - account <-> customer: { lookup: customers, if_missing: later }
";

const ROWS: usize = 3_000;

fn url() -> String {
    std::env::var("SEAMLESS_TEST_POSTGRES")
        .expect("SEAMLESS_TEST_POSTGRES: start a server with `.ci/servers/postgres start DIR` and evaluate what it prints")
}

fn psql(sql: &str) -> String {
    let out = Command::new("psql")
        .args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql, &url()])
        .env("PGOPTIONS", "-c search_path=t_whole -c client_min_messages=warning")
        .output()
        .expect("psql, of the package postgresql-client");
    assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim_end().to_owned()
}

fn config() -> PostgresConfig {
    let url = url();
    let parts: Vec<&str> = url.split(['/', ':', '@', '?', '=']).filter(|part| !part.is_empty()).collect();
    let [_, user, password, host, port, database, ..] = parts[..] else { panic!("no URL") };
    let ca = url.split_once("sslrootcert=").expect("a certificate").1;
    let log = || TableConfig { tombstones: true, ..TableConfig::default() };
    PostgresConfig {
        port: Some(port.parse().unwrap()),
        password: Some(Secret::new(password.to_owned())),
        tls: Tls::Ca(ca.into()),
        schemas: Some(vec!["t_whole".into()]),
        ..PostgresConfig::new(host, database, user).table("customer", log()).table("person", log())
    }
}

fn text(plan: &Plan) -> String {
    block_on(plan.text(TextOptions::default())).unwrap()
}

/// One plan after the other until nothing is left to do; how many did something.
fn run(integration: &Integration) -> usize {
    for count in 0..4 {
        let plan = block_on(integration.plan()).unwrap();
        if plan.is_empty() {
            return count;
        }
        let text = text(&plan);
        let guards: Vec<_> = plan.trailer().guards.iter().map(|trip| trip.guard.clone()).collect();
        let applied = block_on(integration.apply(plan.approve("tester", &guards).unwrap())).unwrap();
        assert_eq!(applied.dropped_count, 0, "{:?}\n{text}", applied.dropped);
    }
    panic!("there is always something to do: {}", text(&block_on(integration.plan()).unwrap()));
}

/// What both sides say of all customers and people, in one form.
fn both(crm: &Connection) -> (Vec<String>, Vec<String>) {
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = crm.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut left = rows(
        "SELECT number || '|' || coalesce(name, '-') || '|' || coalesce(credit, '-') || '|' || coalesce(since, '-') || '|' \
         || CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'blocked' ELSE '-' END FROM account",
    );
    left.extend(rows(
        "SELECT c.email || '|' || coalesce(a.number, '-') FROM contact c LEFT JOIN account a ON a.accountid = c.account",
    ));
    let mut right: Vec<String> = psql(
        "SELECT no || '|' || coalesce(name, '-') || '|' || coalesce(credit::text, '-') || '|' || coalesce(since::text, '-') \
         || '|' || coalesce(status::text, '-') FROM customer UNION ALL \
         SELECT email || '|' || coalesce(no, '-') FROM person LEFT JOIN customer ON customer.id = customer",
    )
    .lines()
    .map(str::to_owned)
    .collect();
    left.sort();
    right.sort();
    (left, right)
}

#[test]
fn two_databases_come_into_step_and_stay_there() {
    psql(&format!("DROP SCHEMA IF EXISTS t_whole CASCADE; CREATE SCHEMA t_whole; {ERP}"));
    let folder = tempfile::tempdir().unwrap();
    let crm = Connection::open(folder.path().join("crm.db")).unwrap();
    crm.execute_batch(CRM).unwrap();
    crm.execute_batch(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ROWS})
         INSERT INTO account SELECT printf('00000000-0000-8000-a000-%012d', n), printf('C%05d', n), 'Firm ' || n || ' ''ü\"',
             printf('%d.%02d', n, n % 100), date('2000-01-01', n || ' days'), n % 2 FROM n;
         INSERT INTO contact SELECT replace(accountid, 'a000', 'b000'), number || '@adatum.example', accountid FROM account
             WHERE state = 1;"
    ))
    .unwrap();
    // Half of them are there already, a few of them otherwise.
    psql(
        "INSERT INTO customer (no, name, credit, since, status) SELECT 'C' || lpad(n::text, 5, '0'), 'Firm ' || n || ' ''ü\"', \
         n + (n % 100) / 100.0, date '2000-01-01' + n, (ARRAY['open', 'blocked'])[n % 2 + 1]::status \
         FROM generate_series(1, 1500) AS n; INSERT INTO customer (no, name) VALUES ('E1', 'Only here')",
    );
    let postgres = Postgres::open(config()).unwrap();
    for table in ["customer", "person"] {
        let made = block_on(postgres.provision(&Requirement::Tombstones(table.into()))).unwrap();
        assert!(matches!(made, Finding::Met(_)), "{made:?}");
    }
    let store = SqliteStore::open(folder.path().join("state.db"), Arc::new(SystemClock::new())).unwrap();
    let loaded = load("sqlite-postgres.yaml", MAPPING, &LoadOptions::default()).unwrap();
    let left: Arc<dyn Connector> =
        Arc::new(Sqlite::open(SqliteConfig::new(folder.path().join("crm.db"))).unwrap());
    let integration = Integration::builder("sqlite-postgres")
        .left("crm", left)
        .right("erp", Arc::new(postgres) as Arc<dyn Connector>)
        .links(loaded.mapping.links())
        .store(Arc::new(store))
        .build()
        .unwrap();
    let runs = run(&integration);
    assert!((1..=2).contains(&runs), "{runs} plans");
    let (left, right) = both(&crm);
    assert_eq!(left, right);
    assert_eq!(left.len(), ROWS + ROWS / 2 + 1);

    // Edits on both sides, a new record on each, a deletion on each; then nothing is left to do.
    crm.execute_batch(
        "UPDATE account SET name = 'Renamed', credit = '0.10' WHERE number = 'C00007';
         UPDATE account SET state = 1 WHERE number = 'C00008';
         INSERT INTO account (accountid, number, name) VALUES ('00000000-0000-8000-a000-00000000ffff', 'NEW', 'New one');
         INSERT INTO contact VALUES ('00000000-0000-8000-b000-00000000ffff', 'new@adatum.example', '00000000-0000-8000-a000-00000000ffff');
         DELETE FROM contact WHERE email = 'C00003@adatum.example';",
    )
    .unwrap();
    psql(
        "UPDATE customer SET since = '1999-12-31' WHERE no = 'C00007'; UPDATE customer SET name = 'Theirs' WHERE no = 'C02000'; \
         INSERT INTO customer (no, name, credit) VALUES ('E2', 'Another', 12345678901234.56); \
         DELETE FROM person WHERE email = 'C00005@adatum.example'",
    );
    let runs = run(&integration);
    assert!((1..=2).contains(&runs), "{runs} plans");
    let (left, right) = both(&crm);
    assert_eq!(left, right);
    for line in [
        "C00007|Renamed|0.10|1999-12-31|blocked",
        "E2|Another|12345678901234.56|-|-",
        "NEW|New one|-|-|-",
        "new@adatum.example|NEW",
    ] {
        assert!(left.contains(&line.to_owned()), "{line}");
    }
    for gone in ["C00003@adatum.example|", "C00005@adatum.example|"] {
        assert!(!left.iter().any(|line| line.starts_with(gone)), "{gone}");
    }
    assert!(block_on(integration.plan()).unwrap().is_empty());
}
