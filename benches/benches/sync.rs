//! First sync and re-runs between two SQLite databases of customers of 20 fields, with durable intents, a sealed plan
//! written to a file and bases stored, beside a raw loop over the same SQLite library in the same run.
//!
//! ```text
//! cargo bench -p seamless-benches --bench sync                        100,000 records, ids in order and random
//! cargo bench -p seamless-benches --bench sync -- --check             the same; exits non-zero past a limit
//! cargo bench -p seamless-benches --bench sync -- --memory 1000000    peak memory of a first sync and of a re-run
//! cargo bench -p seamless-benches --bench sync -- --prepare 100000 F  fills folder F, for a profiler to watch
//! cargo bench -p seamless-benches --bench sync -- --stage 0 F         one first sync in it
//! ```
//!
//! The left database holds all records, the right one half of them; one matched pair in a hundred differs in a field
//! that both sides filled (a conflict). Times are wall time of one run in a fresh folder; quote the ratios.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use rusqlite::{Connection, params_from_iter};
use seamless_connectors::sqlite::{Sqlite, SqliteConfig, TableConfig};
use seamless_core::clock::SystemClock;
use seamless_core::store::SqliteStore;
use seamless_core::sync::{Event, Integration, NoObserver, Observer, Phase, Plan};
use seamless_mapping::{Mapping, copy};

#[derive(Clone, Copy, PartialEq)]
enum Ids {
    Ordered,
    Random,
}

const TEXTS: usize = 12;

/// One matched pair in a hundred conflicts.
const CONFLICT_EVERY: u64 = 200;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let number = |name: &str| {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1)?.parse::<u64>().ok()
    };
    if let Some(records) = number("--memory") {
        return memory(records);
    }
    if let Some(records) = number("--prepare") {
        let folder = PathBuf::from(args.last().unwrap());
        std::fs::create_dir_all(&folder).unwrap();
        return fill(&folder, records, Ids::Ordered, CONFLICT_EVERY);
    }
    if let Some(stage) = number("--stage") {
        return child(stage, Path::new(args.last().unwrap()));
    }
    let records = number("--records").unwrap_or(100_000);
    let mut failed = false;
    for (ids, limit) in [(Ids::Ordered, 3.0), (Ids::Random, 5.0)] {
        failed |= first_and_again(records, ids, limit * records as f64 / 100_000.0);
    }
    if failed && args.iter().any(|arg| arg == "--check") {
        std::process::exit(1);
    }
}

fn first_and_again(records: u64, ids: Ids, limit: f64) -> bool {
    let folder = folder();
    let what = if ids == Ids::Ordered { "ids in order" } else { "random ids on the right" };
    println!("\n{records} records, {what}");
    fill(&folder, records, ids, CONFLICT_EVERY);
    let raw = raw_copy(&folder);
    let report = |name: &str, took: Duration, limit: f64, ratio: bool| {
        let seconds = took.as_secs_f64();
        let verdict = if seconds <= limit { "within" } else { "OVER" };
        let mut line = format!("  {name:<44} {seconds:>8.3} s   limit {limit:.3} s, {verdict}");
        if ratio {
            write!(line, "   {:.1} x the raw copy", seconds / raw.as_secs_f64()).unwrap();
        }
        println!("{line}");
        seconds > limit
    };
    println!("  {:<44} {:>8.3} s", "raw copy of one table (same library)", raw.as_secs_f64());
    let phases = Arc::new(Phases::default());
    let integration = integration(&folder, true, phases.clone());
    let began = Instant::now();
    let plan = plan_into_file(&integration, &folder);
    let planned = began.elapsed();
    let approved = plan.approve("bench", &[]).unwrap();
    let counts = plan.trailer().counts.values().next().cloned().unwrap_or_default();
    // A plan holds its integration, and with it the state's file.
    drop(plan);
    block_on(integration.apply(approved)).unwrap();
    let total = began.elapsed();
    println!("  {:<44} {:>8.3} s", "  of it: plan, into a file", planned.as_secs_f64());
    phases.print();
    println!("  {:<44} {:>8.3} s", "  of it: apply", (total - planned).as_secs_f64());
    assert_eq!(counts.create.right, records / 2, "half of the records are created");
    assert_eq!(counts.conflict, records / CONFLICT_EVERY, "one matched pair in a hundred conflicts");
    let mut failed = report("first sync", total, limit, true);
    // The first run after the first sync settles what is left; it is not the steady state.
    settle(&integration);
    let began = Instant::now();
    let plan = block_on(integration.plan()).unwrap();
    failed |= report("re-run, row-version cursors: plan", began.elapsed(), 0.020, false);
    assert!(plan.is_empty());
    drop((plan, integration));
    let full = self::integration(&folder, false, Arc::new(NoObserver));
    settle(&full);
    let began = Instant::now();
    let plan = block_on(full.plan()).unwrap();
    failed |= report("re-run, both tables enumerated: plan", began.elapsed(), 0.8, false);
    assert!(plan.is_empty());
    std::fs::remove_dir_all(&folder).unwrap();
    failed
}

fn settle(integration: &Integration) {
    for _ in 0..4 {
        let plan = block_on(integration.plan()).unwrap();
        let empty = plan.is_empty();
        block_on(integration.apply(plan.approve("bench", &[]).unwrap())).unwrap();
        if empty {
            return;
        }
    }
    panic!("the systems do not settle");
}

fn plan_into_file(integration: &Integration, folder: &Path) -> Plan {
    let mut file = BufWriter::new(File::create(folder.join("plan.jsonl")).unwrap());
    block_on(integration.plan_into(&mut file)).unwrap()
}

/// How long the phases of a plan took. Both sides are read at once: the longer one counts.
#[derive(Debug, Default)]
struct Phases(Mutex<Vec<(Phase, Duration)>>);

impl Observer for Phases {
    fn event(&self, event: &Event<'_>) {
        if let Event::PhaseEnded { phase, took, .. } = event {
            let mut known = self.0.lock().unwrap();
            match known.iter_mut().find(|(of, _)| of == phase) {
                Some((_, longest)) => *longest = (*longest).max(*took),
                None => known.push((*phase, *took)),
            }
        }
    }
}

impl Phases {
    fn print(&self) {
        for (phase, took) in self.0.lock().unwrap().iter().filter(|(phase, _)| *phase != Phase::Apply) {
            println!("  {:<44} {:>8.3} s", format!("      {phase}"), took.as_secs_f64());
        }
    }
}

fn integration(folder: &Path, versions: bool, observer: Arc<dyn Observer>) -> Integration {
    let open = |name: &str, table: &str| {
        let columns = TableConfig { version: versions.then(|| "ver".to_owned()), ..TableConfig::default() };
        let mut config = SqliteConfig::new(folder.join(name)).table(table, columns);
        config.identity = Some(name.to_owned());
        Arc::new(Sqlite::open(config).unwrap())
    };
    let mut link = Mapping::builder("left", "right")
        .link("customers", "customer", "client")
        .two_way()
        .match_on([("number", "number")])
        .rule(copy("number", "number"));
    for field in 0..TEXTS - 1 {
        link = link.rule(copy(&format!("t{field}"), &format!("t{field}")));
    }
    for field in ["d0", "d1", "d2", "d3", "day0", "day1", "o0", "o1"] {
        link = link.rule(copy(field, field));
    }
    let store = SqliteStore::open(folder.join("state.db"), Arc::new(SystemClock::new())).unwrap();
    Integration::builder("bench")
        .left("left", open("left.db", "customer"))
        .right("right", open("right.db", "client"))
        .links(link.done().build().unwrap().links())
        .store(Arc::new(store))
        .observer(observer)
        .build()
        .unwrap()
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("seamless-bench-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn columns() -> String {
    let mut columns = String::from("number VARCHAR(20)");
    (0..TEXTS - 1).for_each(|field| write!(columns, ", t{field} VARCHAR(60)").unwrap());
    (0..4).for_each(|field| write!(columns, ", d{field} DECTEXT(18,2)").unwrap());
    (0..2).for_each(|field| write!(columns, ", day{field} DATETEXT").unwrap());
    (0..2).for_each(|field| write!(columns, ", o{field} INTEGER").unwrap());
    columns
}

fn names() -> String {
    let columns = columns();
    columns.split(", ").filter_map(|column| column.split(' ').next()).collect::<Vec<_>>().join(", ")
}

fn create(path: &Path, table: &str, key: &str) -> Connection {
    let db = Connection::open(path).unwrap();
    let columns = columns();
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE counter (ver INTEGER NOT NULL); INSERT INTO counter VALUES (0);
         CREATE TABLE {table} ({key}, {columns}, ver INTEGER);
         CREATE INDEX {table}_ver ON {table} (ver);
         CREATE TRIGGER {table}_insert AFTER INSERT ON {table} BEGIN
             UPDATE counter SET ver = ver + 1;
             UPDATE {table} SET ver = (SELECT ver FROM counter) WHERE rowid = NEW.rowid;
         END;
         CREATE TRIGGER {table}_update AFTER UPDATE ON {table} BEGIN
             UPDATE counter SET ver = ver + 1;
             UPDATE {table} SET ver = (SELECT ver FROM counter) WHERE rowid = NEW.rowid;
         END;"
    ))
    .unwrap();
    db
}

/// A small generator with a fixed seed, the same on every machine (SplitMix64).
fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn values(record: u64, conflict: bool) -> Vec<String> {
    let mut state = record;
    let mut row = vec![format!("C{record:08}")];
    for field in 0..TEXTS - 1 {
        let length = 8 + (mix(&mut state) % 33) as usize;
        let mut text = String::with_capacity(length + 16);
        while text.len() < length {
            write!(text, "{:x} ", mix(&mut state)).unwrap();
        }
        text.truncate(length);
        if conflict && field == 3 {
            text = format!("other {record}");
        }
        row.push(text.trim_end().to_owned());
    }
    (0..4).for_each(|_| row.push(format!("{}.{:02}", mix(&mut state) % 100_000, mix(&mut state) % 100)));
    (0..2).for_each(|_| {
        row.push(format!(
            "20{:02}-{:02}-{:02}",
            mix(&mut state) % 25,
            1 + mix(&mut state) % 12,
            1 + mix(&mut state) % 28
        ))
    });
    (0..2).for_each(|_| row.push((mix(&mut state) % 7).to_string()));
    row
}

/// `conflict_every`: how many records there are for each one that both sides filled differently; even.
fn fill(folder: &Path, records: u64, ids: Ids, conflict_every: u64) {
    let left = create(&folder.join("left.db"), "customer", "id INTEGER PRIMARY KEY");
    let key = match ids {
        Ids::Ordered => "id INTEGER PRIMARY KEY",
        Ids::Random => "id CHAR(36) PRIMARY KEY",
    };
    let right = create(&folder.join("right.db"), "client", key);
    left.execute_batch("BEGIN").unwrap();
    right.execute_batch("BEGIN").unwrap();
    {
        let marks = vec!["?"; TEXTS + 8].join(", ");
        let names = names();
        let mut into_left =
            left.prepare(&format!("INSERT INTO customer (id, {names}) VALUES (?, {marks})")).unwrap();
        let mut into_right =
            right.prepare(&format!("INSERT INTO client (id, {names}) VALUES (?, {marks})")).unwrap();
        for record in 0..records {
            let mut row = values(record, false);
            row.insert(0, (record + 1).to_string());
            into_left.execute(params_from_iter(&row)).unwrap();
            if record % 2 == 0 {
                let mut row = values(record, record % conflict_every == 0);
                let mut state = record ^ 0xABCD;
                let id = match ids {
                    Ids::Ordered => (record + 1).to_string(),
                    Ids::Random => format!("{:016x}{:016x}", mix(&mut state), mix(&mut state)),
                };
                row.insert(0, id);
                into_right.execute(params_from_iter(&row)).unwrap();
            }
        }
    }
    left.execute_batch("COMMIT").unwrap();
    right.execute_batch("COMMIT").unwrap();
}

/// What the machine needs at least: reading one table and writing it into another database.
fn raw_copy(folder: &Path) -> Duration {
    let began = Instant::now();
    let from = Connection::open(folder.join("left.db")).unwrap();
    let to = create(&folder.join("raw.db"), "copy", "id INTEGER PRIMARY KEY");
    to.execute_batch("BEGIN").unwrap();
    {
        let names = names();
        let marks = vec!["?"; TEXTS + 9].join(", ");
        let mut into = to.prepare(&format!("INSERT INTO copy (id, {names}) VALUES ({marks})")).unwrap();
        let mut read = from.prepare(&format!("SELECT id, {names} FROM customer ORDER BY id")).unwrap();
        let mut rows = read.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells =
                (0..TEXTS + 9).map(|at| rusqlite::types::Value::try_from(row.get_ref(at).unwrap()).unwrap());
            into.execute(params_from_iter(cells)).unwrap();
        }
    }
    to.execute_batch("COMMIT").unwrap();
    began.elapsed()
}

fn memory(records: u64) {
    let folder = folder();
    // A conflict in ten records: what waits must not be held in memory either.
    fill(&folder, records, Ids::Random, 10);
    for (stage, name) in [
        (0, "first sync"),
        (1, "settling"),
        (2, "re-run, cursors"),
        (3, "settling, enumerated"),
        (4, "re-run, enumerated"),
    ] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--stage", &stage.to_string()])
            .arg(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print!("{records} records, {name:<22} {}", String::from_utf8_lossy(&output.stdout));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn child(stage: u64, folder: &Path) {
    let began = Instant::now();
    let integration = integration(folder, stage < 3, Arc::new(NoObserver));
    let plan = match stage {
        0 => plan_into_file(&integration, folder),
        _ => block_on(integration.plan()).unwrap(),
    };
    if stage != 2 && stage != 4 {
        block_on(integration.apply(plan.approve("bench", &[]).unwrap())).unwrap();
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!(
        "{:>8.2} s   {}",
        began.elapsed().as_secs_f64(),
        peak.split_whitespace().collect::<Vec<_>>().join(" ")
    );
}
