//! Processes whose files may not grow beyond a size, over the real file system: state, log, a CSV file as the target and a
//! database as the other one. The limit is that of a shell that starts this program again; what exceeds it fails as on
//! a full disk.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_connectors::csv::{Csv, CsvConfig};
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::model::Result;
use seamless_core::store::SqliteStore;
use seamless_core::sync::{Integration, Options};
use seamless_mapping::{LoadOptions, load};

const CHILD: &str = "SEAMLESS_TEST_LIMITED";

const MAPPING: &str = "
integration: limited
sides: { crm: sqlite, shop: csv }
links:
  - { id: customers, crm: account, shop: customer, match: [ number = no ], rules: [ number <-> no, name <-> name ] }
";

/// Kilobytes that a file may have: from what a state needs to what the largest file here has.
const LIMITS: [u32; 12] = [4, 16, 48, 80, 96, 128, 160, 224, 320, 640, 1300, 2600];

/// Kilobytes of the CSV file: more than state and log have, so that it is the first that has no room at times.
const LONG: usize = 1800;

fn make(folder: &Path) {
    let database = Connection::open(folder.join("crm.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE account (id INTEGER PRIMARY KEY, number TEXT UNIQUE, name TEXT);
             WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 40)
             INSERT INTO account (number, name) SELECT printf('C%03d', n), 'Adatum ' || n FROM n;",
        )
        .unwrap();
    std::fs::create_dir(folder.join("shop")).unwrap();
    // A column that nobody maps makes it long.
    let rows: String = (0..20).map(|at| format!("D{at:03},Shop {at},\n")).collect();
    let text = format!("no,name,note\n{rows}D999,Long,{}\n", "x".repeat(LONG * 1024));
    std::fs::write(folder.join("shop/customer.csv"), text).unwrap();
}

fn run(folder: &Path) -> Result<Vec<String>> {
    let crm = Sqlite::open(SqliteConfig::new(folder.join("crm.db")))?;
    let keys = [("customer".to_owned(), vec!["no".to_owned()])].into();
    let shop = Csv::open(CsvConfig { keys, ..CsvConfig::new(folder.join("shop")) })?;
    let store = SqliteStore::open(folder.join("state"), Arc::new(SystemClock::new()))?;
    let mapping = load("limited.yaml", MAPPING, &LoadOptions::default()).unwrap().mapping;
    let options = Options { retry_delay: std::time::Duration::ZERO, failures_max: 100, ..Options::default() };
    let builder = Integration::builder("limited").left("crm", Arc::new(crm)).right("shop", Arc::new(shop));
    let integration = builder.links(mapping.links()).store(Arc::new(store)).options(options).build()?;
    let report = block_on(integration.run(|plan| async move { plan.approve("tester", &[]).map(Some) }))?;
    let applied = report.plans.into_iter().filter_map(|(_, _, applied)| applied);
    Ok(applied.flat_map(|applied| applied.dropped).map(|dropped| dropped.why).collect())
}

/// Not a test but the child: where nobody started it as one it has nothing to do.
#[test]
fn child_that_is_limited() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    match run(Path::new(&folder)) {
        Ok(dropped) => dropped.into_iter().for_each(|why| println!("dropped: {why}")),
        Err(error) => println!("failed: {} | {error} | {:?}", error.kind(), error.remedy()),
    }
    println!("the child is done");
}

/// What the child says under a limit in kilobytes.
fn limited(folder: &Path, kilobytes: Option<u32>) -> String {
    // Blocks of 512 bytes; a signal that nobody takes would end the process instead of failing its call.
    let limit = kilobytes.map_or_else(|| "unlimited".to_owned(), |size| (size * 2).to_string());
    let run = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"", "sh", &limit])
        .arg(std::env::current_exe().unwrap())
        .args(["limited::child_that_is_limited", "--exact", "--nocapture"])
        .env(CHILD, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success() && said.contains("the child is done"),
        "{kilobytes:?}: {said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    said
}

#[test]
fn a_file_that_may_not_grow_is_said_and_where_it_may_again_the_run_goes_on() {
    let (mut state, mut shop, mut well) = (0, 0, 0);
    for limit in LIMITS {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        make(folder);
        let file = || std::fs::read_to_string(folder.join("shop/customer.csv")).unwrap();
        let before = file();
        let said = limited(folder, Some(limit));
        let about = |words: &str| said.lines().any(|line| line.contains(words));
        if about("failed: ") {
            assert!(about("state file"), "{limit}: {said}");
            assert!(about("check the disk") || about("room"), "{limit}: {said}");
            state += 1;
        } else if about("dropped: ") {
            assert!(about("writing the file failed") && about("raise the quota or limit"), "{limit}: {said}");
            assert!(file() == before, "{limit}: the file was half written");
            shop += 1;
        } else {
            well += 1;
        }
        let beside = std::fs::read_dir(folder.join("shop")).unwrap().count();
        assert_eq!(beside, 1, "{limit}: something was left beside the file");
        let said = limited(folder, None);
        assert!(!said.contains("failed: ") && !said.contains("dropped: "), "{limit}: {said}");
        let database = Connection::open(folder.join("crm.db")).unwrap();
        let mut statement =
            database.prepare("SELECT number || ',' || name FROM account ORDER BY number").unwrap();
        let crm: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(std::result::Result::unwrap).collect();
        let shop = file();
        let mut shop: Vec<&str> = shop.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().0).collect();
        shop.sort_unstable();
        assert_eq!(crm, shop, "{limit}");
        assert_eq!(crm.len(), 61, "{limit}");
    }
    println!("state {state}, shop {shop}, well {well}");
    assert!(state > 0 && shop > 0 && well > 0, "not every file ever had no room: {state} {shop} {well}");
}
