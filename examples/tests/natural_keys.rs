//! Databases as they are: keys that people read, columns that know no NULL, values in columns that nobody maps, and
//! references in a ring. What a run makes of them, and that the run after it has nothing to do.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures::executor::block_on;
use rusqlite::Connection;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Lookup, PageStream, ReadQuery, WriteBatch,
    WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, LinkId, RecordId, Result, Schema, Side};
use seamless_core::plan::{Body, Effect};
use seamless_core::store::{MemoryStore, StateStore};
use seamless_core::sync::{Integration, Plan};
use seamless_mapping::{LoadOptions, load};

const CRM: &str = "
    CREATE TABLE account (accountid CHAR(36) PRIMARY KEY NOT NULL, number TEXT UNIQUE, name TEXT, city TEXT,
                          contact CHAR(36) REFERENCES contact (contactid));
    CREATE TABLE contact (contactid CHAR(36) PRIMARY KEY NOT NULL, email TEXT, account CHAR(36) REFERENCES account (accountid));";

/// `seen` holds what its type does not promise; nobody maps it.
const ERP: &str = "
    CREATE TABLE customer (no VARCHAR(20) PRIMARY KEY NOT NULL CHECK (length(no) BETWEEN 1 AND 20),
                           name TEXT NOT NULL DEFAULT '', city VARCHAR(10) NOT NULL DEFAULT '' CHECK (length(city) <= 10),
                           seen DATETIME DEFAULT 'yesterday', contact INTEGER REFERENCES person (id));
    CREATE TABLE person (id INTEGER PRIMARY KEY, email TEXT NOT NULL DEFAULT '', customer VARCHAR(20) REFERENCES customer (no));";

const MAPPING: &str = "
integration: natural-keys
sides: { crm: sqlite, erp: sqlite }
links:
  - id: customers
    crm: account
    erp: customer
    match: [ number = no ]
    rules:
      - number <-> no
      - name <-> name: { same_when: blank, types: { crm: text, erp: text } }
      - city <-> city: { same_when: blank, types: { crm: text, erp: text(10) } }
      - contact <-> contact: { lookup: people, if_missing: later }
  - id: people
    crm: contact
    erp: person
    match: [ email = email ]
    rules:
      - email <-> email
      - account <-> customer: { lookup: customers, if_missing: later }
";

struct World {
    _folder: tempfile::TempDir,
    crm: Connection,
    erp: Connection,
    store: Arc<dyn StateStore>,
    integration: Integration,
}

impl World {
    fn new(crm_rows: &str, erp_rows: &str) -> Self {
        Self::with(crm_rows, erp_rows, |erp| erp)
    }

    fn with(crm_rows: &str, erp_rows: &str, wrap: impl Fn(Arc<dyn Connector>) -> Arc<dyn Connector>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, tables: &str, rows: &str| {
            let path = folder.path().join(name);
            let user = Connection::open(&path).unwrap();
            user.execute_batch(tables).unwrap();
            user.execute_batch(rows).unwrap();
            let connector: Arc<dyn Connector> = Arc::new(Sqlite::open(SqliteConfig::new(&path)).unwrap());
            (user, connector)
        };
        let (crm, left) = make("crm.db", CRM, crm_rows);
        let (erp, right) = make("erp.db", ERP, erp_rows);
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
        let loaded = load("natural-keys.yaml", MAPPING, &LoadOptions::default()).unwrap();
        let integration = Integration::builder("natural-keys")
            .left("crm", left)
            .right("erp", wrap(right))
            .links(loaded.mapping.links())
            .store(store.clone())
            .build()
            .unwrap();
        Self { _folder: folder, crm, erp, store, integration }
    }

    fn plan(&self) -> Plan {
        block_on(self.integration.plan()).unwrap()
    }

    /// Runs until quiet; the plan after that is empty.
    fn settle(&self) {
        let report =
            block_on(self.integration.run(|plan| async move { plan.approve("tester", &[]).map(Some) }))
                .unwrap();
        assert!(report.quiet, "{report:?}");
        assert!(self.plan().is_empty());
    }
}

fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let found = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    found.map(std::result::Result::unwrap).collect()
}

#[test]
fn a_created_record_has_the_number_that_the_mapping_writes_and_nothing_is_empty_text() {
    let world = World::new("INSERT INTO account VALUES ('a1', 'C1', 'Adatum', NULL, NULL)", "");
    world.settle();
    assert_eq!(rows(&world.erp, "SELECT no || '|' || name || '|' || city FROM customer"), ["C1|Adatum|"]);
}

#[test]
fn a_side_that_knows_no_null_does_not_fill_the_other_with_empty_texts() {
    let world = World::new("", "INSERT INTO customer (no, name) VALUES ('C1', 'Adatum')");
    world.settle();
    assert_eq!(rows(&world.crm, "SELECT name || '|' || (city IS NULL) FROM account"), ["Adatum|1"]);
    world.erp.execute_batch("UPDATE customer SET name = ''").unwrap();
    world.settle();
    assert_eq!(rows(&world.crm, "SELECT coalesce(name, 'NULL') FROM account"), ["NULL"]);
}

#[test]
fn a_column_that_nobody_maps_keeps_nobody_from_writing() {
    let world = World::new(
        "INSERT INTO account VALUES ('a1', 'C1', 'Adatum', 'Berlin', NULL)",
        "INSERT INTO customer (no, name, city) VALUES ('C1', 'Adatum', 'Berlin')",
    );
    world.settle();
    world.crm.execute_batch("UPDATE account SET city = 'Bonn'").unwrap();
    world.settle();
    assert_eq!(rows(&world.erp, "SELECT city || '|' || seen FROM customer"), ["Bonn|yesterday"]);
}

/// Writes and does not say so, once.
#[derive(Debug)]
struct LosesAReply(Arc<dyn Connector>, AtomicBool);

#[async_trait]
impl Connector for LosesAReply {
    fn info(&self) -> &ConnectorInfo {
        self.0.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.0.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.0.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.0.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let outcomes = self.0.write(entity, batch).await?;
        if self.1.swap(true, Ordering::Relaxed) {
            return Ok(outcomes);
        }
        let lost = || WriteOutcome::Ambiguous(Error::new(ErrorKind::Unavailable, "no reply"));
        Ok(outcomes.into_iter().map(|_| lost()).collect())
    }
}

#[test]
fn a_create_with_a_lost_reply_finds_its_record_by_the_number_that_it_wrote() {
    let world = World::with("INSERT INTO account VALUES ('a1', 'C1', 'Adatum', NULL, NULL)", "", |erp| {
        Arc::new(LosesAReply(erp, AtomicBool::new(false)))
    });
    let plan = world.plan();
    let applied = block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
    assert_eq!((applied.written, applied.dropped_count), (1, 0), "{:?}", applied.dropped);
    world.settle();
    assert_eq!(rows(&world.erp, "SELECT no FROM customer"), ["C1"]);
    assert_eq!(rows(&world.crm, "SELECT number FROM account"), ["C1"]);
}

#[test]
fn references_in_a_ring_between_joined_records_are_no_conflict() {
    let world = World::new(
        "INSERT INTO account VALUES ('a1', 'C1', 'Adatum', NULL, NULL);
         INSERT INTO contact VALUES ('p1', 'ann@adatum.example', 'a1'), ('p2', 'bob@adatum.example', 'a1');
         UPDATE account SET contact = 'p1';",
        "INSERT INTO customer (no, name) VALUES ('C1', 'Adatum');
         INSERT INTO person VALUES (7, 'ann@adatum.example', 'C1'), (8, 'bob@adatum.example', 'C1');
         UPDATE customer SET contact = 7;",
    );
    let plan = world.plan();
    let conflicts: u64 = plan.trailer().counts.values().map(|counts| counts.conflict).sum();
    assert_eq!((conflicts, plan.trailer().writes()), (0, 0));
    world.settle();

    // Where they do differ, the plan that knows the partners says so.
    world.crm.execute_batch("UPDATE account SET contact = 'p2'").unwrap();
    world.erp.execute_batch("UPDATE customer SET contact = NULL").unwrap();
    let mut conflicts = 0;
    block_on(world.plan().each(|entry| {
        conflicts += usize::from(matches!(entry.body, Body::Effect(Effect::OpenConflict(_))));
        Ok(())
    }))
    .unwrap();
    assert_eq!(conflicts, 1);
}

#[test]
fn references_in_a_ring_that_differ_when_records_are_joined_are_parked_by_the_next_plan() {
    let world = World::new(
        "INSERT INTO account VALUES ('a1', 'C1', 'Adatum', NULL, NULL);
         INSERT INTO contact VALUES ('p1', 'ann@adatum.example', 'a1'), ('p2', 'bob@adatum.example', 'a1');
         UPDATE account SET contact = 'p1';",
        "INSERT INTO customer (no, name) VALUES ('C1', 'Adatum');
         INSERT INTO person VALUES (7, 'ann@adatum.example', 'C1'), (8, 'bob@adatum.example', 'C1');
         UPDATE customer SET contact = 8;",
    );
    world.settle();
    assert_eq!(block_on(world.integration.status()).unwrap().waiting.len(), 1);
    assert_eq!(rows(&world.crm, "SELECT contact FROM account"), ["p1"]);
    assert_eq!(rows(&world.erp, "SELECT CAST(contact AS TEXT) FROM customer"), ["8"]);
}

#[test]
fn what_stays_parked_is_neither_over_nor_parked_again() {
    let world = World::new("INSERT INTO account VALUES ('a1', 'C1', 'Adatum', 'Berlin', NULL)", "");
    world.settle();
    world.crm.execute_batch("UPDATE account SET city = 'Llanfairpwllgwyngyll'").unwrap();
    world.settle();
    assert!(world.plan().is_empty());
    world.crm.execute_batch("UPDATE account SET name = 'Adatum Ltd'").unwrap();
    world.settle();
    assert_eq!(block_on(world.integration.status()).unwrap().waiting.len(), 1);
}

#[test]
fn a_decision_that_was_applied_is_used_up_and_the_pair_rests() {
    let world = World::new(
        "INSERT INTO account VALUES ('a1', 'C1', 'Adatum', 'Berlin', NULL)",
        "INSERT INTO customer (no, name, city) VALUES ('C1', 'Adatum', 'Bonn')",
    );
    world.settle();
    let (link, id) = (LinkId::new("customers"), RecordId::text("a1"));
    block_on(world.integration.resolve(&link, Side::Left, &id, &"city=city".into(), Side::Right, "ann"))
        .unwrap();
    world.settle();
    assert_eq!(rows(&world.crm, "SELECT city FROM account"), ["Bonn"]);
    assert_eq!(block_on(world.store.resolutions(&link)).unwrap(), []);
    assert_eq!(world.plan().trailer().counts[&link].looked_at, 0);
}

fn waiting(world: &World) -> Vec<String> {
    let open = block_on(world.integration.status()).unwrap().waiting;
    let told = |(link, open): (LinkId, seamless_core::store::Attention)| match open.why {
        seamless_core::store::AttentionWhy::Parked { message, .. } => format!("{link}: {message}"),
        other => panic!("{other:?}"),
    };
    open.into_iter().map(told).collect()
}

#[test]
fn h115_columns_and_tables_that_go_while_a_program_runs_rest_what_needs_them() {
    let world = World::new(
        "INSERT INTO account VALUES ('a1', 'C1', 'Adatum', 'Berlin', NULL);
         INSERT INTO contact VALUES ('p1', 'ann@adatum.example', 'a1')",
        "",
    );
    world.settle();
    world.erp.execute_batch("ALTER TABLE customer RENAME COLUMN city TO town").unwrap();
    world.crm.execute_batch("UPDATE account SET name = 'Adatum Ltd', city = 'Bonn'").unwrap();
    world.settle();
    assert_eq!(
        waiting(&world),
        ["customers: customer of erp has no field city any more; the rule city=city rests"]
    );
    assert_eq!(rows(&world.erp, "SELECT name || '|' || town FROM customer"), ["Adatum Ltd|Berlin"]);
    world.erp.execute_batch("ALTER TABLE customer RENAME COLUMN town TO city").unwrap();
    world.settle();
    assert_eq!(rows(&world.erp, "SELECT city FROM customer"), ["Bonn"]);
    // A table that goes rests its link, and nothing is taken for deleted.
    world.erp.execute_batch("ALTER TABLE person RENAME TO people").unwrap();
    world
        .crm
        .execute_batch("UPDATE account SET city = 'Ulm'; UPDATE contact SET email = 'a@adatum.example'")
        .unwrap();
    world.settle();
    let told = waiting(&world);
    assert!(told.len() == 1 && told[0].starts_with("people: person of erp cannot be read"), "{told:?}");
    assert_eq!(rows(&world.erp, "SELECT city FROM customer"), ["Ulm"]);
    world.erp.execute_batch("ALTER TABLE people RENAME TO person").unwrap();
    world.settle();
    assert_eq!(rows(&world.erp, "SELECT email FROM person"), ["a@adatum.example"]);
    assert_eq!((waiting(&world), rows(&world.crm, "SELECT email FROM contact").len()), (Vec::new(), 1));
}
