//! Observe: what was called, how often, how long it took and what came, as spans and events of `tracing` and as a struct that
//! a host reads. Names and numbers only: no values, no record ids, no words of an error.
//!
//! Each call is a span `connector` (with `call`, `entity`, `system`) and ends with an event: `debug` for an answer, `warn` for
//! an error with its kind. Calls that are dropped are counted as such.
//!
//! Gives up: nothing. Outermost it counts what the host asked, innermost what the system was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seamless_core::clock::Clock;
use seamless_core::connector::{Connector, Layer};
use seamless_core::model::{ErrorKind, Result};
use tracing::Instrument;

use super::around::{Answer, Around, Call, CallKind, Wrapped};

/// What was called and what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Calls by their kind.
    pub calls: BTreeMap<CallKind, Calls>,
    /// Errors by their kind, those of whole calls.
    pub errors: Vec<(ErrorKind, u64)>,
    /// Pages that came.
    pub pages: u64,
    /// Records in them.
    pub records: u64,
    /// Tombstones in them.
    pub tombstones: u64,
    /// Records in them that could not be read.
    pub broken: u64,
    /// Records that were looked up.
    pub looked_up: u64,
    /// Those among them that were found.
    pub found: u64,
    /// Those among them that were not answered.
    pub unanswered: u64,
    /// Operations that were sent.
    pub ops: u64,
    /// Operations that happened.
    pub applied: u64,
    /// Operations that did not.
    pub refused: u64,
    /// Operations of which nobody knows.
    pub ambiguous: u64,
}

/// Calls of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Begun.
    pub begun: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Dropped before they ended.
    pub dropped: u64,
    /// The time that they took together, of those that ended. Calls that overlap count each.
    pub time: Duration,
}

impl Observed {
    /// Calls of a kind.
    pub fn of(&self, kind: CallKind) -> Calls {
        self.calls.get(&kind).copied().unwrap_or_default()
    }

    /// How many errors of a kind there were.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.errors.iter().find(|(known, _)| *known == kind).map_or(0, |(_, count)| *count)
    }

    fn error(&mut self, kind: ErrorKind) {
        match self.errors.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((kind, 1)),
        }
    }
}

/// The layer. Connectors that one value of it wraps are counted together.
#[derive(Clone, Debug)]
pub struct Observe {
    book: Arc<Book>,
}

impl Observe {
    /// A layer that measures by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { book: Arc::new(Book { clock, observed: Mutex::default() }) }
    }

    /// What was seen so far.
    pub fn observed(&self) -> Observed {
        self.book.observed().clone()
    }
}

impl Layer for Observe {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Wrapped::over(inner, &self.book)
    }
}

struct Book {
    clock: Arc<dyn Clock>,
    observed: Mutex<Observed>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observe")
    }
}

impl Book {
    fn observed(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Around for Book {
    async fn around<T: Answer>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let name = call.kind.name();
        let span = match call.entity {
            Some(entity) => tracing::debug_span!("connector", call = name, entity = %entity),
            None => tracing::debug_span!("connector", call = name),
        };
        self.timed(call, work).instrument(span).await
    }
}

impl Book {
    async fn timed<T: Answer>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let began = self.clock.elapsed();
        {
            let mut observed = self.observed();
            observed.calls.entry(call.kind).or_default().begun += 1;
            observed.ops += call.ops as u64;
        }
        let mut open = Open { book: self, kind: call.kind, is_over: false };
        let answer = work.await;
        open.is_over = true;
        let time = self.clock.elapsed().saturating_sub(began);
        let mut observed = self.observed();
        let calls = observed.calls.entry(call.kind).or_default();
        calls.time = calls.time.saturating_add(time);
        match &answer {
            Ok(answer) => {
                answer.count(&mut observed);
                drop(observed);
                tracing::debug!(call = call.kind.name(), ops = call.ops, ?time, "answered");
            }
            Err(error) => {
                calls.failed += 1;
                observed.error(error.kind());
                drop(observed);
                tracing::warn!(call = call.kind.name(), kind = ?error.kind(), ?time, "failed");
            }
        }
        answer
    }
}

/// A call that is under way.
struct Open<'a> {
    book: &'a Book,
    kind: CallKind,
    is_over: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.book.observed().calls.entry(self.kind).or_default().dropped += 1;
        }
    }
}
