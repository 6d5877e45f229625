//! One thread that wakes whoever sleeps. Knows no wall time. The door is [`Timer::sleep`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Longer sleeps end after this: thirty years, which no process lasts, and no moment is out of range.
const WAIT_MAX: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Wakes sleepers. Its thread begins with the first sleep and ends when the timer is dropped.
#[derive(Debug, Default)]
pub(super) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Who waits, by the moment at which they want to be woken, and a number that tells them apart.
    sleepers: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    has_thread: bool,
    is_over: bool,
}

impl Timer {
    /// Waits at least this long. Dropping the future takes the sleeper off the list.
    pub(super) fn sleep(&self, wait: Duration) -> Sleep {
        let now = Instant::now();
        let until = now.checked_add(wait.min(WAIT_MAX)).unwrap_or(now);
        Sleep { shared: Arc::clone(&self.shared), until, number: None }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// Nothing that holds the lock can panic half-way through a change.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does.
    fn run(&self) {
        let mut state = self.state();
        while !state.is_over {
            let Some(first) = state.sleepers.keys().next().copied() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let wait = first.0.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                let due = state.sleepers.remove(&first);
                // A waker may come back to the timer.
                drop(state);
                due.into_iter().for_each(Waker::wake);
                state = self.state();
            } else {
                state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// A sleep that is under way, or has not begun.
#[derive(Debug)]
pub(super) struct Sleep {
    shared: Arc<Shared>,
    until: Instant,
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.until {
            return Poll::Ready(());
        }
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        if !state.has_thread {
            let for_thread = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name("clock".to_owned());
            if thread.spawn(move || for_thread.run()).is_err() {
                // Without a thread there is nobody to wake us: wait here, which is late rather than early.
                drop(state);
                std::thread::sleep(self.until.saturating_duration_since(Instant::now()));
                return Poll::Ready(());
            }
            state.has_thread = true;
        }
        let number = *self.number.get_or_insert_with(|| {
            state.numbers += 1;
            state.numbers
        });
        state.sleepers.insert((self.until, number), context.waker().clone());
        if state.sleepers.keys().next() == Some(&(self.until, number)) {
            shared.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.shared.state().sleepers.remove(&(self.until, number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use futures::executor::block_on;
    use futures::future::{join_all, poll_immediate};

    use super::Timer;

    const SHORT: Duration = Duration::from_millis(2);
    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn everybody_sleeps_at_least_as_long_as_asked_and_no_thread_is_taken_each() {
        let timer = Timer::default();
        let began = Instant::now();
        block_on(join_all((0..500).map(|number| timer.sleep(SHORT * (number % 3)))));
        assert!(began.elapsed() >= SHORT * 2);
        let state = timer.shared.state();
        assert!(state.has_thread && state.sleepers.is_empty());
    }

    #[test]
    fn a_sleep_that_is_dropped_leaves_nothing_behind_and_a_shorter_one_is_not_kept_waiting() {
        let timer = Timer::default();
        let mut long = Box::pin(timer.sleep(LONG));
        assert!(block_on(poll_immediate(&mut long)).is_none());
        block_on(timer.sleep(SHORT));
        assert_eq!(timer.shared.state().sleepers.len(), 1);
        drop(long);
        assert!(timer.shared.state().sleepers.is_empty());
        block_on(timer.sleep(Duration::ZERO));
        drop(timer.sleep(Duration::MAX));
    }

    #[test]
    fn the_thread_ends_with_the_timer() {
        let timer = Timer::default();
        block_on(timer.sleep(SHORT));
        let shared = Arc::downgrade(&timer.shared);
        drop(timer);
        // The thread holds the rest; it ends by itself.
        while shared.upgrade().is_some() {
            std::thread::yield_now();
        }
    }
}
