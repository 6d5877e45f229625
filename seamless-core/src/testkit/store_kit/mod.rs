//! The conformance kit for state stores: what any store must do, as a table of cases over the [`StateStore`] port. The doors
//! are [`check_store`] and [`cases`].
//!
//! An author says how to make a fresh store and, for stores that outlive their process, how to crash and reopen one
//! ([`StoreBench`]). Every case gets a store of its own and a clock that the kit moves, so nothing waits. A store that keeps
//! nothing skips the cases of reopening; a run in which nothing passed is a failure.
//!
//! ```
//! use std::sync::Arc;
//! use seamless_core::clock::Clock;
//! use seamless_core::store::{MemoryStore, StateStore};
//! use seamless_core::testkit::store_kit::{StoreBench, check_store};
//!
//! struct InMemory;
//!
//! #[async_trait::async_trait]
//! impl StoreBench for InMemory {
//!     async fn fresh(&self, clock: Arc<dyn Clock>) -> seamless_core::Result<Arc<dyn StateStore>> {
//!         Ok(Arc::new(MemoryStore::new(clock)))
//!     }
//! }
//!
//! let report = futures::executor::block_on(check_store(&InMemory));
//! assert!(report.is_conformant(), "{report}");
//! ```

mod cases;
mod material;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use material::ManualClock;

use super::report::{Line, Report};
use super::verdict::{Held, Outcome, Stop, skip};
use crate::clock::Clock;
use crate::model::Result;
use crate::store::StateStore;

/// How stores come about.
#[async_trait]
pub trait StoreBench: Send + Sync {
    /// A fresh, empty store that goes by this clock.
    async fn fresh(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn StateStore>>;

    /// Ends the store as a killed process does, without closing anything, and opens what it left behind. `None`: it keeps
    /// nothing. The kit holds no other handle to the store.
    async fn crashed(
        &self,
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Arc<dyn StateStore>>> {
        let _ = (store, clock);
        Ok(None)
    }
}

/// What a case works with: a fresh store and its clock.
pub(in crate::testkit::store_kit) struct Stand<'a> {
    bench: &'a dyn StoreBench,
    store: Arc<dyn StateStore>,
    clock: Arc<ManualClock>,
}

impl Stand<'_> {
    fn parts(&self) -> (&dyn StateStore, &ManualClock) {
        (&*self.store, &self.clock)
    }

    /// The store after a crash. What it was before is gone.
    async fn crash(&mut self) -> Held {
        // In its place for a moment a store that nobody asks anything.
        let idle: Arc<dyn StateStore> = Arc::new(crate::store::MemoryStore::new(self.clock.clone()));
        let store = std::mem::replace(&mut self.store, idle);
        let reopened = self.bench.crashed(store, self.clock.clone()).await?;
        self.store = reopened.ok_or_else(|| skip("the store keeps nothing beyond its process"))?;
        Ok(())
    }
}

/// One case of the table.
pub struct Case {
    name: &'static str,
    says: &'static str,
    body: for<'a, 'b> fn(&'a mut Stand<'b>) -> BoxFuture<'a, Held>,
}

impl Case {
    /// Its name; it stays the same from version to version.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What must hold, in one sentence.
    pub fn says(&self) -> &'static str {
        self.says
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Case").field(&self.name).finish()
    }
}

/// The table: every case, in the order in which they run.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    cases::ALL.iter().flat_map(|part| part.iter())
}

/// Runs every case, each on a fresh store.
pub async fn check_store(bench: &dyn StoreBench) -> Report {
    check_cases(bench, |_| true).await
}

/// Runs the cases that are picked.
pub async fn check_cases(bench: &dyn StoreBench, pick: impl Fn(&Case) -> bool) -> Report {
    let mut report = Report { subject: "a state store".to_owned(), ..Report::default() };
    for Case { name, says, body } in cases().filter(|case| pick(case)) {
        let clock = ManualClock::new();
        let held = match bench.fresh(clock.clone()).await {
            Err(error) => Err(Stop::from(error)),
            Ok(store) => {
                report.subject = format!("state store {}", kind_of(&store));
                body(&mut Stand { bench, store, clock }).await
            }
        };
        let outcome = match Outcome::from(held) {
            // What a check compares is seen; what was promised is what the case says.
            Outcome::Failed { declared, observed, paste } if declared.is_empty() => {
                Outcome::Failed { declared: (*says).to_owned(), observed, paste }
            }
            other => other,
        };
        report.lines.push(Line { case: name, says, outcome });
    }
    report
}

/// The name of the store's type, as its Debug output begins.
fn kind_of(store: &dyn fmt::Debug) -> String {
    let text = format!("{store:?}");
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// A part of the table: name, what it says, body.
macro_rules! table {
    ($($name:literal $says:literal => $body:ident;)*) => {
        pub(in crate::testkit::store_kit) const CASES: &[$crate::testkit::store_kit::Case] = &[
            $($crate::testkit::store_kit::Case { name: $name, says: $says, body: |stand| Box::pin($body(stand)) }),*
        ];
    };
}
use table;

/// Ends the case where two things are not the same.
macro_rules! same {
    ($found:expr, $due:expr $(,)?) => {
        match (&$found, &$due) {
            (found, due) => {
                if *found != *due {
                    let observed = format!(
                        "{} is {} where {} was due",
                        stringify!($found),
                        $crate::testkit::verdict::brief(found),
                        $crate::testkit::verdict::brief(due)
                    );
                    return Err($crate::testkit::verdict::broken("", observed));
                }
            }
        }
    };
}
use same;

/// Ends the case where something does not hold.
macro_rules! ensure {
    ($holds:expr $(,)?) => {
        if !$holds {
            return Err($crate::testkit::verdict::broken("", concat!("not so: ", stringify!($holds))));
        }
    };
}
use ensure;
