//! The port to time. The core knows no runtime: it awaits, and time comes from here.

mod timer;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::model::Timestamp;

/// What time it is, and waiting.
///
/// Layers, leases and the loop of a host use it; the pure floors never do: what they need of time comes in as an
/// argument.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Wall time. It may jump in both directions: for records of what happened, never for measuring.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment. Never goes back: for measuring and for the ends of leases.
    fn elapsed(&self) -> Duration;

    /// Waits at least this long of [`Clock::elapsed`]. Dropping the future is harmless.
    async fn sleep(&self, wait: Duration);
}

/// The machine's clock. All who sleep share one thread of the clock, which begins with the first of them and ends with the
/// clock; a sleep that is dropped leaves nothing behind. A host with a runtime may bring a [`Clock`] of its own.
#[derive(Debug)]
pub struct SystemClock {
    started: std::time::Instant,
    timer: timer::Timer,
}

impl SystemClock {
    /// A clock whose elapsed time begins now.
    pub fn new() -> Self {
        Self { started: std::time::Instant::now(), timer: timer::Timer::default() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos())
            .unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        self.timer.sleep(wait).await;
    }
}
