//! A clock that only a test moves.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::clock::Clock;
use seamless_core::model::Timestamp;

/// 2026-01-01T00:00:00Z, where every world begins.
const BEGIN: i64 = 1_767_225_600;

#[derive(Debug, Default)]
pub(crate) struct ManualClock {
    passed: Mutex<Duration>,
}

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let passed = self.elapsed();
        let seconds = BEGIN + i64::try_from(passed.as_secs()).unwrap();
        Timestamp::from_timestamp(seconds, passed.subsec_nanos()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A sleeper moves the clock itself.
    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
    }
}
