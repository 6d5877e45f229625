//! Time of a simulated world: it stands still until the world moves it. Knows nothing of what happens at what time. The
//! door is [`VirtualClock`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::model::Timestamp;

/// 2026-01-01T00:00:00Z, where every world begins.
const BEGIN: i64 = 1_767_225_600;

/// A clock that only its world moves. Sleeping moves it, too: nobody waits.
#[derive(Debug, Default)]
pub struct VirtualClock {
    passed: Mutex<Duration>,
}

impl VirtualClock {
    /// Moves time forward.
    pub fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = self.elapsed();
        let seconds = BEGIN.saturating_add(i64::try_from(passed.as_secs()).unwrap_or(i64::MAX / 4));
        Timestamp::from_timestamp(seconds, passed.subsec_nanos()).unwrap_or_default()
    }

    fn elapsed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn sleep(&self, wait: Duration) {
        self.advance(wait);
    }
}
