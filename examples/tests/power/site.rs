//! Two databases and the state of their integration in one folder: what users do there, a run, and what is there in the end.
//! What is there is read by SQL alone, and knows nothing of the SDK.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::connector::Connector;
use seamless_core::model::Result;
use seamless_core::store::{SqliteStore, StateStore};
use seamless_core::sync::{Integration, Options, RunReport};
use seamless_mapping::{LoadOptions, load};

const MAPPING: &str = "
integration: power
sides: { crm: sqlite, erp: sqlite }
links:
  - id: customers
    crm: account
    erp: customer
    match: [ number = no ]
    lifecycle: { crm deleted: delete, erp deleted: delete }
    rules:
      - number <-> no
      - name <-> name
      - phone <-> phone
      - contact <-> contact: { lookup: people, if_missing: later }
  - id: people
    crm: contact
    erp: person
    match: [ email = email ]
    rules:
      - email <-> email
      - account <-> customer: { lookup: customers, if_missing: later }
  - { id: notes, crm: note, erp: memo, mode: to_erp, match: none, rules: [ text -> text ] }
";

/// Tables of both sides; triggers note every write of anybody in the same transaction.
const CRM: &str = "
    CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT UNIQUE, name TEXT, phone TEXT,
                          contact INTEGER REFERENCES contact (id));
    CREATE TABLE contact (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, account INTEGER REFERENCES account (id));
    CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
    CREATE TABLE noted (what TEXT);
    CREATE TRIGGER a1 AFTER INSERT ON account BEGIN INSERT INTO noted VALUES ('account made ' || new.number); END;
    CREATE TRIGGER a2 AFTER UPDATE ON account BEGIN INSERT INTO noted VALUES ('account ' || new.number || ' ' ||
        coalesce(new.name, '-') || ' ' || coalesce(new.phone, '-')); END;
    CREATE TRIGGER a3 AFTER DELETE ON account BEGIN INSERT INTO noted VALUES ('account gone ' || old.number); END;
    CREATE TRIGGER c1 AFTER INSERT ON contact BEGIN INSERT INTO noted VALUES ('contact made ' || new.email); END;
    CREATE TRIGGER c2 AFTER UPDATE ON contact BEGIN INSERT INTO noted VALUES ('contact ' || new.email); END;";

const ERP: &str = "
    CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, no TEXT UNIQUE, name TEXT, phone TEXT,
                           contact INTEGER REFERENCES person (id));
    CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, customer INTEGER REFERENCES customer (id));
    CREATE TABLE memo (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);
    CREATE TABLE noted (what TEXT);
    CREATE TRIGGER a1 AFTER INSERT ON customer BEGIN INSERT INTO noted VALUES ('customer made ' || new.no); END;
    CREATE TRIGGER a2 AFTER UPDATE ON customer BEGIN INSERT INTO noted VALUES ('customer ' || new.no || ' ' ||
        coalesce(new.name, '-') || ' ' || coalesce(new.phone, '-')); END;
    CREATE TRIGGER a3 AFTER DELETE ON customer BEGIN INSERT INTO noted VALUES ('customer gone ' || old.no); END;
    CREATE TRIGGER c1 AFTER INSERT ON person BEGIN INSERT INTO noted VALUES ('person made ' || new.email); END;
    CREATE TRIGGER c2 AFTER UPDATE ON person BEGIN INSERT INTO noted VALUES ('person ' || new.email); END;";

/// Systems and state of a folder, opened by one process.
pub(crate) struct Site {
    pub(crate) integration: Integration,
}

impl Site {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, |store| store)
    }

    /// The store as a test wants to see it.
    pub(crate) fn open_with(
        folder: &Path,
        wrap: impl FnOnce(Arc<dyn StateStore>) -> Arc<dyn StateStore>,
    ) -> Result<Self> {
        // Nothing stays in memory that a disk could lose.
        let clock = Arc::new(SystemClock::new());
        let store = SqliteStore::open_with_working_bytes(folder.join("state"), clock, 0)?;
        let store = wrap(Arc::new(store));
        let connect = |name: &str| -> Result<Arc<dyn Connector>> {
            let identity = Some(name.to_owned());
            let config = SqliteConfig { identity, ..SqliteConfig::new(folder.join(format!("{name}.db"))) };
            Ok(Arc::new(Sqlite::open(config)?))
        };
        let mapping = load("power.yaml", MAPPING, &LoadOptions::default()).unwrap().mapping;
        // Batches and pages as small as they come; what failed is tried again at once.
        let options = Options {
            page_records_max: 4,
            commit_entries_max: 3,
            retry_delay: Duration::ZERO,
            failures_max: 100,
            ..Options::default()
        };
        let builder =
            Integration::builder("power").left("crm", connect("crm")?).right("erp", connect("erp")?);
        let integration = builder.links(mapping.links()).store(store).options(options).build()?;
        Ok(Self { integration })
    }

    pub(crate) fn run(&self) -> Result<RunReport> {
        block_on(self.integration.run(|plan| async move { plan.approve("tester", &[]).map(Some) }))
    }

    /// Runs until nothing is left to do.
    pub(crate) fn settle(&self) {
        for _ in 0..6 {
            let report = self.run().unwrap();
            if report.quiet && report.plans.len() == 1 {
                return;
            }
        }
        panic!("after six runs there is still something to do");
    }
}

/// Two databases without a record.
pub(crate) fn empty(folder: &Path) {
    user(folder, "crm", CRM);
    user(folder, "erp", ERP);
}

/// What a user does, as one transaction that is on the disk when it returns.
pub(crate) fn user(folder: &Path, name: &str, sql: &str) {
    let database = Connection::open(folder.join(format!("{name}.db"))).unwrap();
    database.execute_batch(&format!("PRAGMA synchronous = EXTRA; BEGIN IMMEDIATE; {sql} COMMIT;")).unwrap();
}

/// What a user does to one record, while an integration may be at work; whether there was such a record.
pub(crate) fn edit(folder: &Path, name: &str, sql: &str) -> bool {
    let database = Connection::open(folder.join(format!("{name}.db"))).unwrap();
    database.busy_timeout(Duration::from_secs(60)).unwrap();
    database.execute(sql, []).unwrap() == 1
}

fn lines(folder: &Path, name: &str, sql: &str) -> Vec<String> {
    let database = Connection::open(folder.join(name)).unwrap();
    // A log without shared memory beside it: this is the only connection.
    database.execute_batch("PRAGMA locking_mode = EXCLUSIVE").unwrap();
    let intact: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(intact, "ok", "{name}");
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(std::result::Result::unwrap).collect()
}

/// Notes have no key, so nobody can find out whether one arrived: each is there once, or a person is asked about it. How
/// many are asked about.
pub(crate) fn notes_asked_about(folder: &Path) -> usize {
    let crm = lines(folder, "crm.db", "SELECT text FROM note ORDER BY text");
    let erp = lines(folder, "erp.db", "SELECT text FROM memo ORDER BY text");
    assert!(erp.is_sorted_by(|one, other| one < other), "a note is there twice: {erp:?}");
    assert!(erp.iter().all(|text| crm.contains(text)), "nobody wrote one of {erp:?}");
    let missing = crm.iter().filter(|text| !erp.contains(text)).count();
    let asked = lines(
        folder,
        "state",
        "SELECT content FROM attention JOIN name ON name.id = link AND name = 'notes' AND content LIKE '%ambiguous_create%'",
    );
    assert!(missing <= asked.len(), "{missing} notes are missing and {} asked about", asked.len());
    asked.len()
}

/// All that is there: records without the ids that systems give, each write of anybody, what is open in the state.
pub(crate) fn picture(folder: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let lines = |name: &str, sql: &str| lines(folder, name, sql);
    BTreeMap::from([
        (
            "accounts",
            lines(
                "crm.db",
                "SELECT concat_ws('|', number, name, phone, email) FROM account LEFT JOIN contact ON contact.id = contact
                 ORDER BY number",
            ),
        ),
        (
            "customers",
            lines(
                "erp.db",
                "SELECT concat_ws('|', no, name, phone, email) FROM customer LEFT JOIN person ON person.id = contact
                 ORDER BY no",
            ),
        ),
        (
            "contacts",
            lines(
                "crm.db",
                "SELECT concat_ws('|', email, number) FROM contact LEFT JOIN account ON account.id = account ORDER BY email",
            ),
        ),
        (
            "people",
            lines(
                "erp.db",
                "SELECT concat_ws('|', email, no) FROM person LEFT JOIN customer ON customer.id = customer ORDER BY email",
            ),
        ),
        ("writes to the crm", lines("crm.db", "SELECT what FROM noted ORDER BY what")),
        ("writes to the erp", lines("erp.db", "SELECT what FROM noted ORDER BY what")),
        ("open intents", lines("state", "SELECT hex(key) FROM entry WHERE state = 3")),
        ("open plans", lines("state", "SELECT 'plan ' || id FROM plan WHERE state IN (0, 2)")),
        ("open questions", lines("state", "SELECT hex(rules) || kind FROM attention JOIN name ON name.id = link AND name <> 'notes' ORDER BY 1")),
    ])
}
