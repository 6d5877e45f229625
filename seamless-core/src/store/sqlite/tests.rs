//! The file: what survives, whose it is, and what is refused without touching it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::executor::block_on;
use rusqlite::Connection;

use super::SqliteStore;
use crate::model::{Error, ErrorKind, PlanId, Side};
use crate::store::migrate;
use crate::store::port::{Area, Commit, EntryParts, PairStatus, PlanState, Scan, SpillRow, StateStore};
use crate::store::test_kit::{ManualClock, adopted, at, entry, head, id, link, pair, partition};

fn open(path: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, ManualClock::new())
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    (folder, path)
}

/// A file with a pair in it, closed.
fn filled(path: &Path) {
    block_on(async {
        let store = open(path).unwrap();
        let (lease, plan) = adopted(&store, "p", &["a"]).await;
        let pairs = vec![(link(), pair("a", "x", PairStatus::Linked))];
        store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await.unwrap();
    });
}

#[test]
fn a_closed_file_reads_back_and_epochs_go_on() {
    let (_folder, path) = folder();
    let (key, epoch) = block_on(async {
        let store = open(&path).unwrap();
        let (lease, plan) = adopted(&store, "p", &["a"]).await;
        let pairs = vec![(link(), pair("a", "x", PairStatus::Linked))];
        store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await.unwrap();
        (store.seal_key().await.unwrap().0, lease.epoch)
    });
    block_on(async {
        let store = open(&path).unwrap();
        assert_eq!(store.seal_key().await.unwrap().0, key);
        assert_eq!(store.revision().await.unwrap(), 1);
        let found = store.pairs_of(&link(), Side::Right, &[id("x")]).await.unwrap();
        let mut expected = pair("a", "x", PairStatus::Linked);
        expected.revision = 1;
        assert_eq!(found, [Some(expected)]);
        assert_eq!(store.adopted(&partition()).await.unwrap(), Some(PlanId::from("p")));
        assert_eq!(
            store.entries(&PlanId::from("p"), EntryParts::Whole, Scan::first(9)).await.unwrap().rows[0].entry,
            entry("a")
        );
        // Whoever had it before, the process ended; its lease is no lease any more.
        let lease = store.lease(&partition(), "v", Duration::from_secs(1)).await.unwrap().unwrap();
        assert!(lease.epoch > epoch);
    });
}

#[test]
fn a_draft_does_not_outlive_its_process() {
    let (_folder, path) = folder();
    let (plan, area) = (PlanId::from("p"), Area { link: 0, kind: 0, side: None });
    block_on(async {
        let store = open(&path).unwrap();
        let lease = store.lease(&partition(), "w", Duration::from_secs(9)).await.unwrap().unwrap();
        store.draft(&lease, &head("p", &partition(), 0)).await.unwrap();
        store.put_entries(&lease, &plan, vec![entry("a")]).await.unwrap();
        store.spill(&lease, &plan, area, vec![SpillRow { key: vec![1], content: vec![2] }]).await.unwrap();
    });
    block_on(async {
        let store = open(&path).unwrap();
        assert_eq!(store.plan(&plan).await.unwrap(), None);
        assert!(store.spilled(&plan, area, Scan::first(1)).await.unwrap().rows.is_empty());
    });
    let file = Connection::open(&path).unwrap();
    let rows: i64 = file
        .query_row("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM entry_content)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(rows, 0);
}

// Every length of the log is a machine that lost power there: what is found is a state that was committed, whole.
#[test]
fn a_log_that_is_cut_anywhere_gives_a_state_that_was_committed() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let (base, log) = block_on(async {
        let (lease, plan) = adopted(&store, "p", &["a"]).await;
        for round in 0..6 {
            let row = |place: i32| {
                let name = format!("{round}-{place}");
                (link(), pair(&name, &name, PairStatus::Linked))
            };
            let pairs = (0..10).map(row).collect();
            store.commit(&lease, &plan, Commit { pairs, ..Commit::default() }).await.unwrap();
        }
        (fs::read(&path).unwrap(), fs::read(path.with_file_name("state-wal")).unwrap())
    });
    drop(store);
    let mut last = 0;
    for length in (0..log.len()).step_by(1_531).chain([log.len()]) {
        let (_folder, path) = folder();
        fs::write(&path, &base).unwrap();
        fs::write(path.with_file_name("state-wal"), &log[..length]).unwrap();
        let store = open(&path).unwrap();
        let revision = block_on(store.revision()).unwrap();
        assert_eq!(block_on(store.pair_count(&link())).unwrap(), revision * 10);
        let marks = block_on(store.marks(&link(), Side::Right, Scan::first(100))).unwrap().rows;
        assert_eq!(marks.len() as u64, revision * 10);
        assert!(revision >= last, "a longer log gives an older state");
        last = revision;
    }
    assert_eq!(last, 6);
}

#[test]
fn a_file_in_use_is_refused_with_a_remedy() {
    let (_folder, path) = folder();
    filled(&path);
    let store = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.remedy().unwrap().contains("another process has the file open"), "{error}");
    assert_eq!(block_on(store.revision()).unwrap(), 1);
}

/// What is refused stays as it is, byte by byte.
fn refused(path: &Path, kind: ErrorKind, says: &str) {
    let before = fs::read(path).unwrap();
    let error = open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert!(error.remedy().is_some(), "{error}");
    assert!(error.context().any(|(what, place)| what == "file" && place == path.display().to_string()));
    assert_eq!(fs::read(path).unwrap(), before);
    assert!(!path.with_file_name("state-wal").exists());
}

#[test]
fn files_that_are_not_ours_are_refused_and_stay_as_they_are() {
    let (_folder, path) = folder();
    fs::write(&path, "customer;name\n1;Adatum\n").unwrap();
    refused(&path, ErrorKind::Configuration, "no state file");
    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE customer (name TEXT)").unwrap();
    drop(other);
    refused(&path, ErrorKind::Configuration, "a database of another program");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA application_id = 7").unwrap();
    drop(other);
    refused(&path, ErrorKind::Configuration, "a database of another program");
}

#[test]
fn a_newer_file_is_refused_naming_both_versions() {
    let (_folder, path) = folder();
    filled(&path);
    let file = Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 99").unwrap();
    drop(file);
    refused(&path, ErrorKind::Configuration, "has version 99, this build knows versions up to 2");
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let (_folder, path) = folder();
    filled(&path);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len() % 4_096, 0);
    for length in [1, 17, 99, 100, 4_096, 5_000, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let error = open(&path).unwrap_err();
        let expected = if length < 16 { ErrorKind::Configuration } else { ErrorKind::Corrupt };
        assert_eq!(error.kind(), expected, "{length}: {error}");
        assert_eq!(fs::read(&path).unwrap(), &bytes[..length]);
    }
}

#[test]
fn damage_inside_of_the_file_is_an_error_and_never_a_panic() {
    let (_folder, path) = folder();
    filled(&path);
    let bytes = fs::read(&path).unwrap();
    for page in 1..bytes.len() / 4096 {
        let mut damaged = bytes.clone();
        damaged[page * 4096..][..4096].fill(0xa5);
        fs::write(&path, &damaged).unwrap();
        let Ok(store) = open(&path) else { continue };
        block_on(async {
            let read = [
                store.marks(&link(), Side::Left, Scan::first(9)).await.map(|_| ()),
                store.marks(&link(), Side::Right, Scan::first(9)).await.map(|_| ()),
                store.pairs_of(&link(), Side::Left, &[id("a")]).await.map(|_| ()),
                store.entries(&PlanId::from("p"), EntryParts::Whole, Scan::first(9)).await.map(|_| ()),
                store.plan(&PlanId::from("p")).await.map(|_| ()),
                store.journal(Scan::first(9)).await.map(|_| ()),
            ];
            for error in read.into_iter().filter_map(Result::err) {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
            }
        });
    }
}

// Catches: what SQLite has no code of its own for taken for a mistake of this SDK.
#[test]
fn a_format_of_tables_that_sqlite_does_not_know_is_damage() {
    let (_folder, path) = folder();
    filled(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[47] = 27;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(open(&path).unwrap_err().kind(), ErrorKind::Corrupt);
}

// Catches: a state that lives in memory, and is gone with the process, because of its name.
#[test]
fn a_name_that_sqlite_has_another_meaning_for_is_a_file_all_the_same() {
    // Only a name without a folder before it could be taken for something else.
    for name in [":memory:", "file:state?mode=memory"].map(Path::new) {
        let store = open(name).unwrap();
        let is_there = name.exists();
        drop(store);
        let length = fs::metadata(name).map(|file| file.len());
        let _ = fs::remove_file(name);
        assert!(is_there && length.is_ok_and(|length| length > 0), "{name:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_is_pulled_away_is_not_written_on() {
    for end in ["state", "state-wal"] {
        let (_folder, path) = folder();
        filled(&path);
        let store = open(&path).unwrap();
        fs::remove_file(path.with_file_name(end)).unwrap();
        let error = block_on(store.lease(&partition(), "w", Duration::from_secs(9))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(end) && error.remedy().is_some(), "{error}");
        assert_eq!(block_on(store.revision()).unwrap(), 1);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _) = folder();
    let path = folder.path().join("missing/state");
    let error = open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("missing/state"), "{error}");
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = folder();
    filled(&path);
    let _store = open(&path).unwrap();
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 2, "the log lies beside the file");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn an_older_file_is_brought_to_the_newer_layout_with_what_is_in_it() {
    let (_folder, path) = folder();
    let old = "CREATE TABLE pair (left_id BLOB, right_id BLOB); INSERT INTO pair VALUES (x'01', x'02')";
    let new = "ALTER TABLE pair ADD COLUMN watch INTEGER NOT NULL DEFAULT 1; CREATE TABLE more (a)";
    let version =
        |file: &Connection| -> i64 { file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap() };
    let mut file = Connection::open(&path).unwrap();
    migrate::upgrade(&mut file, &[old]).unwrap();
    drop(file);
    let mut file = Connection::open(&path).unwrap();
    assert_eq!(version(&file), 1);
    // A step that fails leaves the file at its version, without the steps before it.
    let error = migrate::upgrade(&mut file, &[old, new, "CREATE TABLE pair (a)"]).unwrap_err();
    assert!(error.message().contains("it is as it was"), "{error}");
    assert_eq!(version(&file), 1);
    assert!(file.prepare("SELECT * FROM more").is_err());
    migrate::upgrade(&mut file, &[old, new]).unwrap();
    assert_eq!(version(&file), 2);
    let row: (Vec<u8>, i64) =
        file.query_row("SELECT left_id, watch FROM pair", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(row, (vec![1], 1));
    migrate::upgrade(&mut file, &[old, new]).unwrap();
    let error = migrate::upgrade(&mut file, &[old]).unwrap_err();
    assert!(error.message().contains("has version 2, this build knows versions up to 1"), "{error}");
}

// A released step may not change under the files that took it: add a new one.
#[test]
fn released_steps_are_what_they_were() {
    let digests: Vec<String> =
        migrate::STEPS.iter().map(|step| blake3::hash(step.as_bytes()).to_hex()[..16].to_owned()).collect();
    assert_eq!(digests, ["6e8e9ea50e2eb770", "378bff350ea28ffd"]);
}

#[test]
fn a_call_that_panics_ends_the_store_and_not_the_process() {
    let store = SqliteStore::open_in_memory(ManualClock::new()).unwrap();
    let error = block_on(store.thread.call(|_| -> crate::Result<()> { panic!("on purpose") })).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(block_on(store.revision()).unwrap_err().kind(), ErrorKind::Internal);
}

#[test]
fn a_dropped_call_is_done_or_not_done_and_the_next_one_works() {
    let (_folder, path) = folder();
    let store = open(&path).unwrap();
    let partition = partition();
    let lease = store.lease(&partition, "w", Duration::from_secs(9));
    futures::pin_mut!(lease);
    let waker = futures::task::noop_waker();
    // Begun and given up: the job is in the queue.
    let _ = lease.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    let next = block_on(store.lease(&partition, "w", Duration::from_secs(9))).unwrap().unwrap();
    assert_eq!(next.epoch, 2);
}

#[test]
fn pruned_plans_are_gone_with_their_values_and_pairs_stay() {
    let (_folder, path) = folder();
    filled(&path);
    block_on(async {
        let store = open(&path).unwrap();
        let lease = store.lease(&partition(), "w", Duration::from_secs(9)).await.unwrap().unwrap();
        let plan = PlanId::from("p");
        assert_eq!(store.prune(at(100)).await.unwrap(), 0);
        store.complete(&lease, &plan, PlanState::Abandoned, at(50)).await.unwrap();
        assert_eq!(store.prune(at(50)).await.unwrap(), 0);
        assert_eq!(store.prune(at(51)).await.unwrap(), 1);
        assert_eq!(store.plan(&plan).await.unwrap(), None);
        assert_eq!(store.pair_count(&link()).await.unwrap(), 1);
        let found = store.pairs_of(&link(), Side::Left, &[id("a")]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().plan, Some(plan));
    });
    let file = Connection::open(&path).unwrap();
    let rows: i64 = file
        .query_row("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM entry_content)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(rows, 0);
}
