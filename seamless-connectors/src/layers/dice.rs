//! Chance with a seed, for jitter and for faults that a test orders. SplitMix64 (Steele, Lea and Flood, "Fast splittable
//! pseudorandom number generators"): good enough to spread calls, and for nothing secret.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A source of numbers that a seed decides.
#[derive(Debug)]
pub(super) struct Dice(Mutex<u64>);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(super) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A time from nothing to this.
    pub(super) fn up_to(&self, most: Duration) -> Duration {
        // The upper 32 bits as a fraction of one.
        let part = (self.next() >> 32) as f64 / f64::from(u32::MAX);
        most.mul_f64(part.clamp(0.0, 1.0))
    }

    /// True so many times in a thousand.
    pub(super) fn per_mille(&self, times: u32) -> bool {
        self.next() % 1000 < u64::from(times)
    }
}
