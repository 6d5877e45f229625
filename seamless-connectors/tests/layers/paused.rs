//! A clock that stands still until everybody waits for it, and a way to run futures on it. The doors are [`Paused`] and [`run`].

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::clock::Clock;
use seamless_core::model::Timestamp;

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    numbers: u64,
    sleepers: BTreeMap<(Duration, u64), Waker>,
}

/// Handles to one clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paused(Arc<Mutex<State>>);

impl Paused {
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }

    /// How many sleep.
    pub(crate) fn sleepers(&self) -> usize {
        self.0.lock().unwrap().sleepers.len()
    }

    pub(crate) fn advance(&self, by: Duration) {
        let due = {
            let mut state = self.0.lock().unwrap();
            state.elapsed += by;
            let later = (state.elapsed, u64::MAX);
            let rest = state.sleepers.split_off(&later);
            std::mem::replace(&mut state.sleepers, rest)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// To the moment at which the next sleeper wakes; false when nobody sleeps.
    fn to_next(&self) -> bool {
        let next = self.0.lock().unwrap().sleepers.keys().next().copied();
        let Some((until, _)) = next else { return false };
        let by = until.saturating_sub(self.elapsed());
        self.advance(by);
        true
    }
}

struct Sleeping<'a>(&'a Paused, Option<(Duration, u64)>);

impl Drop for Sleeping<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.1 {
            self.0.0.lock().unwrap().sleepers.remove(&key);
        }
    }
}

#[async_trait]
impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(1_767_225_600, 0).unwrap() + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().elapsed
    }

    async fn sleep(&self, wait: Duration) {
        let until = self.elapsed() + wait;
        let mut sleeping = Sleeping(self, None);
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap();
            if state.elapsed >= until {
                return Poll::Ready(());
            }
            let key = *sleeping.1.get_or_insert_with(|| {
                state.numbers += 1;
                (until, state.numbers)
            });
            state.sleepers.insert(key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs a future; the clock moves when nothing else can.
pub(crate) fn run<T>(clock: &Paused, future: impl Future<Output = T>) -> T {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        while !woken.0.swap(false, Ordering::SeqCst) {
            assert!(clock.to_next(), "it waits for something that never comes");
        }
    }
}

/// Polls a future so many times and drops it; whether it ended.
pub(crate) fn polled<T>(polls: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let waker = Waker::noop();
    (0..polls).any(|_| future.as_mut().poll(&mut Context::from_waker(waker)).is_ready())
}
