//! Our stores, examined with the published kit; and tests of the kit: for every case a store that lies about just that, and
//! must be caught. A case without a liar fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod dishonest;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dishonest::Dishonest;
use futures::executor::block_on;
use seamless_core::Result;
use seamless_core::clock::Clock;
use seamless_core::plan::Trailer;
use seamless_core::store::{MemoryStore, StateStore};
use seamless_core::testkit::store_kit::{StoreBench, cases, check_cases, check_store};
use seamless_core::testkit::{Outcome, Report};

struct InMemory;

#[async_trait]
impl StoreBench for InMemory {
    async fn fresh(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(MemoryStore::new(clock)))
    }
}

/// Nothing fails, and exactly the cases of these names cannot be run.
fn check(bench: &dyn StoreBench, skipped: &str) {
    let report: Report = block_on(check_store(bench));
    assert!(report.is_conformant(), "{report}");
    let expected =
        cases().map(|case| case.name()).filter(|name| !skipped.is_empty() && name.starts_with(skipped));
    assert_eq!(report.skipped_cases(), expected.collect::<Vec<_>>(), "{report}");
    assert_eq!(report.lines.len(), cases().count());
}

#[test]
fn the_store_in_memory_conforms() {
    check(&InMemory, "crash.");
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use seamless_core::store::SqliteStore;

    use super::{Arc, Clock, Result, StateStore, StoreBench, async_trait, check};

    /// Stores in files, each in a folder of its own.
    struct InFiles {
        folder: tempfile::TempDir,
        count: AtomicUsize,
    }

    impl InFiles {
        fn next(&self) -> PathBuf {
            let path = self.folder.path().join(self.count.fetch_add(1, Ordering::Relaxed).to_string());
            std::fs::create_dir(&path).unwrap();
            path
        }

        fn last(&self) -> PathBuf {
            self.folder.path().join((self.count.load(Ordering::Relaxed) - 1).to_string())
        }
    }

    #[async_trait]
    impl StoreBench for InFiles {
        async fn fresh(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>> {
            Ok(Arc::new(SqliteStore::open(self.next().join("state"), clock)?))
        }

        /// What a killed process leaves behind is what its files hold while it is still at work.
        async fn crashed(
            &self,
            store: Arc<dyn StateStore>,
            clock: Arc<dyn Clock>,
        ) -> Result<Option<Arc<dyn StateStore>>> {
            let (before, after) = (self.last(), self.next());
            for file in std::fs::read_dir(before).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), after.join(file.file_name())).unwrap();
            }
            drop(store);
            Ok(Some(Arc::new(SqliteStore::open(after.join("state"), clock)?)))
        }
    }

    #[test]
    fn the_store_in_a_file_conforms() {
        check(&InFiles { folder: tempfile::tempdir().unwrap(), count: AtomicUsize::new(0) }, "");
    }

    /// SQLite without a file.
    struct OutOfFiles;

    #[async_trait]
    impl StoreBench for OutOfFiles {
        async fn fresh(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>> {
            Ok(Arc::new(SqliteStore::open_in_memory(clock)?))
        }
    }

    #[test]
    fn the_store_in_a_database_without_a_file_conforms() {
        check(&OutOfFiles, "crash.");
    }
}

/// The name of no lie.
const TRUTH: &str = "";

/// Stores that lie about one thing. What they keep outlives them.
struct Liars(&'static str);

#[async_trait]
impl StoreBench for Liars {
    async fn fresh(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(Dishonest::new(Arc::new(MemoryStore::new(clock)), self.0)))
    }

    async fn crashed(
        &self,
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Arc<dyn StateStore>>> {
        Ok(Some(match self.0 {
            TRUTH => store,
            // It completed what was not finished.
            "crash.draft" => {
                let lease = store.lease(&"customers".into(), "w", Duration::from_secs(60)).await?.unwrap();
                let trailer = Trailer { digest: "d".into(), ..Trailer::default() };
                store.finish(&lease, &"p".into(), &trailer).await?;
                store
            }
            // It kept nothing.
            _ => Arc::new(MemoryStore::new(clock)),
        }))
    }
}

fn is_caught(name: &'static str) {
    let one = |lie| {
        let report = block_on(check_cases(&Liars(lie), |case| case.name() == name));
        (report.outcome(name).unwrap().clone(), report)
    };
    let (honest, report) = one(TRUTH);
    assert_eq!(honest, Outcome::Passed, "the truth is refuted: {report}");
    let (lying, report) = one(name);
    assert!(lying.is_failed(), "the lie is not seen: {report}");
}

macro_rules! liars {
    ($($test:ident $name:literal,)*) => {
        $(#[test] fn $test() { is_caught($name); })*

        #[test]
        fn every_case_has_a_liar() {
            let liars: BTreeSet<&str> = [$($name),*].into();
            let table: BTreeSet<&str> = cases().map(|case| case.name()).collect();
            assert_eq!(liars, table, "a case without a liar is not known to see anything");
            assert_eq!(table.len(), cases().count(), "names are given once");
        }
    };
}

liars!(
    pair_pages "pair.pages",
    pair_asked "pair.asked",
    pair_watched "pair.watched",
    pair_values "pair.values",
    open_asked "open.asked",
    lease_partitions "lease.partitions",
    plan_row "plan.row",
    plan_parts "plan.parts",
    lease_fenced "lease.fenced",
    lease_epochs "lease.epochs",
    lease_same_worker "lease.same_worker",
    commit_atomic "commit.atomic",
    commit_twice "commit.twice",
    commit_ends_others "commit.ends_others",
    commit_done "commit.done",
    commit_intents "commit.intents",
    commit_withdrawn "commit.withdrawn",
    plan_approved_only "plan.approved_only",
    plan_second_pass "plan.second_pass",
    plan_spill "plan.spill",
    plan_spill_goes_on "plan.spill_goes_on",
    plan_drafts "plan.drafts",
    pair_one "pair.one",
    pair_ended "pair.ended",
    pair_history "pair.history",
    open_hints "open.hints",
    open_replaced "open.replaced",
    open_not_torn "open.not_torn",
    open_resolution "open.resolution",
    note_pause "note.pause",
    note_journal "note.journal",
    note_binding "note.binding",
    note_rehomed "note.rehomed",
    together_lease "together.lease",
    together_commits "together.commits",
    together_taken_over "together.taken_over",
    together_feed "together.feed",
    dropped_commit "dropped.commit",
    crash_committed "crash.committed",
    crash_intents "crash.intents",
    crash_sealed "crash.sealed",
    crash_draft "crash.draft",
    crash_lease "crash.lease",
    crash_binding "crash.binding",
    crash_told "crash.told",
    crash_twice "crash.twice",
);
