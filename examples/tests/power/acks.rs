//! The store alone: what it acknowledged before the power failed.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use rusqlite::Connection;
use seamless_core::clock::SystemClock;
use seamless_core::store::SqliteStore;

use super::SEED;
use super::days::{many, second_day};
use super::disk::Disk;
use super::noted::{Word, noted};
use super::site::Site;
use super::tape::Luck;

/// Calls whose answer says that the power may fail (`store/DESIGN.md`).
const DURABLE: [&str; 13] = [
    "bind", "rebind", "rehome", "seal_key", "lease", "notify", "resolve", "finish", "adopt", "intend",
    "withdraw", "commit", "complete",
];

/// Calls that change the file and may be lost with the power. Those of a draft are forgotten when the file is opened.
const OTHER: [&str; 3] = ["draft", "put_entries", "discard"];

/// All rows of a state as the store finds them after it was opened once, as SQL writes them.
fn rows(disk: &Disk) -> Vec<String> {
    drop(SqliteStore::open(disk.path("state"), Arc::new(SystemClock::new())).unwrap());
    let file = Connection::open(disk.path("state")).unwrap();
    file.execute_batch("PRAGMA locking_mode = EXCLUSIVE").unwrap();
    let column = |sql: &str| -> Vec<String> {
        let mut statement = file.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(std::result::Result::unwrap).collect()
    };
    assert_eq!(column("PRAGMA integrity_check"), ["ok"]);
    let mut rows = Vec::new();
    // Names and shapes that a forgotten draft left are nobody's.
    for table in column(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('name', 'shape') AND name NOT LIKE 'sqlite_%'",
    ) {
        let columns = column(&format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"));
        let sql =
            format!("SELECT '{table} ' || concat_ws(',', {}) FROM {table} ORDER BY 1", columns.join(", "));
        rows.extend(column(&sql));
    }
    rows
}

/// A run whose store notes its answers: the disk, and the calls that changed the file.
fn noted_run(day: &Disk) -> (Arc<Disk>, usize, Vec<(&'static str, usize)>) {
    let disk = Arc::new(day.copy());
    let from = disk.moment();
    let notes: Arc<Mutex<Vec<_>>> = Arc::default();
    let (noting, written) = (Arc::clone(&disk), Arc::clone(&notes));
    let listener = move |word, name| {
        if word == Word::After {
            written.lock().unwrap().push((name, noting.moment()));
        }
    };
    let site = Site::open_with(disk.folder(), |inner| noted(inner, listener)).unwrap();
    site.settle();
    let changes = |name: &str| DURABLE.contains(&name) || OTHER.contains(&name);
    let calls = notes.lock().unwrap().iter().filter(|(name, _)| changes(name)).copied().collect();
    drop(site);
    (disk, from, calls)
}

// Catches: a first page without content, which is the file of another program to who looks no further.
#[test]
fn a_state_that_was_being_made_when_the_power_failed_can_be_opened() {
    let disk = Disk::new();
    let open = |disk: &Disk| SqliteStore::open(disk.folder().join("state"), Arc::new(SystemClock::new()));
    drop(open(&disk).unwrap());
    for moment in 0..=disk.moment() {
        for draw in 0..6 {
            let luck = if draw == 0 { Luck::None } else { Luck::Drawn(SEED + draw) };
            let after = disk.after_power_loss(moment, luck);
            open(&after).unwrap_or_else(|error| panic!("power failed at {moment}, {luck:?}: {error}"));
        }
    }
}

/// Every call is there as a whole or not at all, in their order, and none that was acknowledged as durable is missing.
#[test]
fn what_was_acknowledged_survives_a_loss_of_power_and_all_else_is_there_or_not() {
    let (disk, from, calls) = noted_run(&second_day());
    let durable = calls.iter().filter(|(name, _)| DURABLE.contains(name)).count();
    assert!(durable > 20, "{durable} durable calls are no run: {calls:?}");
    let mut states = vec![rows(&disk.state_after_power_loss(from, Luck::All))];
    states.extend(calls.iter().map(|(_, moment)| rows(&disk.state_after_power_loss(*moment, Luck::All))));
    for moment in (from..=disk.moment()).step_by(2) {
        let luck = match moment % 3 {
            0 => Luck::None,
            _ => Luck::Drawn(SEED + moment as u64),
        };
        let answered = calls.iter().take_while(|(_, at)| *at <= moment).count();
        let certain =
            calls[..answered].iter().rposition(|(name, _)| DURABLE.contains(name)).map_or(0, |at| at + 1);
        let found = rows(&disk.state_after_power_loss(moment, luck));
        // The call that was not answered yet may have happened.
        let may_be = &states[certain..(answered + 2).min(states.len())];
        let last = calls[..answered].last();
        assert!(may_be.contains(&found), "power failed at {moment} after {last:?}, {luck:?}: {found:#?}");
    }
}

// Catches: a log that is begun anew before the file holds what was in it.
#[test]
fn a_checkpoint_that_is_under_way_when_the_power_fails_loses_nothing() {
    let (disk, from, calls) = noted_run(&many());
    let (opened, last) = (calls[0].1, calls.last().unwrap().1);
    let carried: Vec<usize> = (opened..last).filter(|at| disk.writes(*at, "state")).collect();
    assert!(carried.len() > 1000, "the log was never carried over while the store was open");
    let (first, done) = (carried[0], carried[carried.len() - 1]);
    let certain =
        |moment: usize| calls.iter().filter(|(name, at)| *name == "commit" && *at <= moment).count() as u64;
    let before = revision(&disk.state_after_power_loss(from, Luck::All));
    // Where it begins, in its middle, and where the log is begun anew.
    let middle = (0..carried.len()).step_by(carried.len() / 3).map(|at| carried[at]);
    let moments = [first - 1, first + 1].into_iter().chain(middle);
    let anew = (1..5).map(|more| done + more);
    for moment in moments.chain(anew) {
        let luck = if moment % 3 == 0 { Luck::None } else { Luck::Drawn(SEED + moment as u64) };
        let found = revision(&disk.state_after_power_loss(moment, luck)) - before;
        let sure = certain(moment);
        assert!(found == sure || found == sure + 1, "{moment} {luck:?}: {found} commits of {sure}");
    }
}

fn revision(disk: &Disk) -> u64 {
    use seamless_core::store::StateStore;
    let store = SqliteStore::open(disk.path("state"), Arc::new(SystemClock::new())).unwrap();
    block_on(store.revision()).unwrap()
}
