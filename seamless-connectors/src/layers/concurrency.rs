//! Concurrency: at most so many calls are under way at once, so that a system is not asked for more than it likes.
//!
//! A reading takes a permit for each page while the page is under way, and none while it lies idle: two readings that are read
//! in turns never wait for each other. A page that was begun and is neither awaited any more nor dropped keeps its permit, so drop
//! streams that you turn away from.
//!
//! Gives up: nothing. Whoever waits longest is not always the next one: a permit that comes free is taken by whoever is polled
//! first, so that a caller that was told and does not come holds nobody up.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use seamless_core::connector::{Connector, Layer};
use seamless_core::model::Result;

use super::around::{Answer, Around, Call, Wrapped};

/// The layer. Connectors that one value of it wraps share its permits.
#[derive(Clone, Debug)]
pub struct Concurrency {
    gate: Arc<Gate>,
}

impl Concurrency {
    /// At most so many calls under way at once.
    pub fn new(calls_max: NonZeroUsize) -> Self {
        let state = State { free: calls_max.get(), waiting: BTreeMap::new(), numbers: 0 };
        Self { gate: Arc::new(Gate { calls_max, state: Mutex::new(state) }) }
    }
}

impl Layer for Concurrency {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Wrapped::over(inner, &self.gate)
    }
}

/// Counts permits.
struct Gate {
    calls_max: NonZeroUsize,
    state: Mutex<State>,
}

struct State {
    free: usize,
    /// Who waits; the host's own tasks bound them.
    waiting: BTreeMap<u64, Waker>,
    numbers: u64,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Concurrency").field("calls_max", &self.calls_max).finish()
    }
}

impl Gate {
    /// Nothing that holds the lock can panic half-way through a change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Around for Gate {
    async fn around<T: Answer>(
        &self,
        _: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let permit = Entering { gate: self, number: None }.await;
        let answer = work.await;
        drop(permit);
        answer
    }
}

/// The right to make a call. Dropping it gives it back.
struct Permit<'a>(&'a Gate);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.free += 1;
        // All of them: one that is told alone and never polled again would hold up the others.
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }
}

struct Entering<'a> {
    gate: &'a Gate,
    number: Option<u64>,
}

impl<'a> Future for Entering<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Permit<'a>> {
        let gate = self.gate;
        let mut state = gate.state();
        if let Some(free) = state.free.checked_sub(1) {
            state.free = free;
            if let Some(number) = self.number.take() {
                state.waiting.remove(&number);
            }
            return Poll::Ready(Permit(gate));
        }
        let number = *self.number.get_or_insert_with(|| {
            state.numbers += 1;
            state.numbers
        });
        state.waiting.insert(number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.gate.state().waiting.remove(&number);
        }
    }
}
