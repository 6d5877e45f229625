//! When the next call may be made: a rate with bursts, a quota a day, and the patience that the system asked for. Pure: time
//! comes in as an argument. The door is [`Meter::take`].
//!
//! The rate is the generic cell rate algorithm (ITU-T I.371): one moment is kept, at which the bucket would be full again. In
//! any time T at most `burst + T * rate` calls are let through.

use std::time::Duration;

use seamless_core::model::Timestamp;

use super::rate_limit::RateLimits;

const DAY_S: i64 = 24 * 3600;
/// How many times slower than the rate it gets while the system asks for patience again and again.
const SLOWER_MAX: u32 = 16;
/// Calls that went well after which it gets faster again by half.
const WENT_WELL: u32 = 50;
/// The first wait where the system asks for patience and names no time; it doubles up to the last.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why a call has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The rate, for so long.
    Rate(Duration),
    /// The system asked for patience, for so long.
    Asked(Duration),
    /// The quota of the day is used up; it goes on at this moment, in so long.
    Quota { goes_on: Timestamp, wait: Duration },
}

#[derive(Debug)]
pub(super) struct Meter {
    limits: RateLimits,
    /// When the bucket is full again, by elapsed time.
    full_at: Duration,
    slower: u32,
    went_well: u32,
    /// Nothing is let through before, by elapsed time.
    paused_until: Duration,
    pause: Duration,
    day: Option<i64>,
    used: u64,
}

impl Meter {
    pub(super) fn new(limits: RateLimits) -> Self {
        let used = limits.used_today;
        Self {
            limits,
            full_at: Duration::ZERO,
            slower: 1,
            went_well: 0,
            paused_until: Duration::ZERO,
            pause: PAUSE,
            day: None,
            used,
        }
    }

    /// Lets one call through, or says what it has to wait for. `elapsed` never goes back; `now` is wall time.
    pub(super) fn take(&mut self, elapsed: Duration, now: Timestamp) -> Result<(), Wait> {
        let today = self.turn_day(now);
        if let Some(allowed) = self.allowed()
            && self.used >= allowed
        {
            let begins = (today + 1).saturating_mul(DAY_S).saturating_add(self.day_begins_s());
            let goes_on = Timestamp::from_timestamp(begins, 0).unwrap_or(now);
            let wait = (goes_on - now).to_std().unwrap_or_default();
            return Err(Wait::Quota { goes_on, wait });
        }
        if let Some(wait) = self.paused_until.checked_sub(elapsed).filter(|wait| !wait.is_zero()) {
            return Err(Wait::Asked(wait));
        }
        if let Some(gap) = self.gap() {
            // While the system is slow for us there are no bursts.
            let burst = if self.slower > 1 { 1 } else { self.limits.burst.get() };
            let from = self.full_at.max(elapsed);
            let opens = from.saturating_sub(gap.saturating_mul(burst - 1));
            if let Some(wait) = opens.checked_sub(elapsed).filter(|wait| !wait.is_zero()) {
                return Err(Wait::Rate(wait));
            }
            self.full_at = from.saturating_add(gap);
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The system asked for patience, for so long where it says.
    pub(super) fn throttled(&mut self, elapsed: Duration, wait: Option<Duration>) {
        let wait = wait.unwrap_or_else(|| {
            let pause = self.pause;
            self.pause = (pause * 2).min(PAUSE_MAX);
            pause
        });
        self.paused_until = self.paused_until.max(elapsed.saturating_add(wait));
        self.slower = (self.slower * 2).min(SLOWER_MAX);
        self.went_well = 0;
    }

    /// A call went well.
    pub(super) fn went_well(&mut self) {
        self.pause = PAUSE;
        self.went_well += 1;
        if self.went_well >= WENT_WELL {
            self.went_well = 0;
            self.slower = (self.slower / 2).max(1);
        }
    }

    /// Calls that a day may have; the rest is left to people.
    fn allowed(&self) -> Option<u64> {
        let per_day = self.limits.per_day?.get();
        let reserve = u64::from(self.limits.reserve_percent.min(100));
        let kept = per_day / 100 * reserve + (per_day % 100 * reserve).div_ceil(100);
        Some(per_day - kept)
    }

    fn gap(&self) -> Option<Duration> {
        let per_second = self.limits.per_second?.get();
        // Rounded up: never faster than the rate.
        let nanos = 1_000_000_000u64.div_ceil(u64::from(per_second)) * u64::from(self.slower);
        Some(Duration::from_nanos(nanos))
    }

    fn day_begins_s(&self) -> i64 {
        i64::try_from(self.limits.day_begins.as_secs()).unwrap_or(0)
    }

    /// Which day it is; a new one begins with an empty count. A clock that goes back does not bring an old day back.
    fn turn_day(&mut self, now: Timestamp) -> i64 {
        let today = (now.timestamp() - self.day_begins_s()).div_euclid(DAY_S);
        let known = *self.day.get_or_insert(today);
        if today > known {
            self.day = Some(today);
            self.used = 0;
        }
        today.max(known)
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroU64};
    use std::time::Duration;

    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use seamless_core::model::Timestamp;

    use super::{Meter, Wait};
    use crate::layers::RateLimits;

    fn at(ms: u64) -> (Duration, Timestamp) {
        let elapsed = Duration::from_millis(ms);
        (elapsed, Timestamp::from_timestamp(1_767_225_600, 0).unwrap() + elapsed)
    }

    proptest! {
        // The oracle counts in every window between two calls that were let through.
        #[test]
        fn no_window_holds_more_than_the_rate_and_the_burst(
            per_second in 1u32..50, burst in 1u32..8, asked in proptest::collection::vec(0u64..200, 1..200),
        ) {
            let limits = RateLimits {
                per_second: NonZeroU32::new(per_second),
                burst: NonZeroU32::new(burst).unwrap(),
                ..RateLimits::default()
            };
            let mut meter = Meter::new(limits);
            let (mut now, mut through) = (0, Vec::<u64>::new());
            for later in asked {
                now += later;
                let (elapsed, wall) = at(now);
                match meter.take(elapsed, wall) {
                    Ok(()) => through.push(now),
                    Err(Wait::Rate(wait)) => {
                        // It waits no longer than one call takes, and then it is let through.
                        prop_assert!(wait <= Duration::from_nanos(1_000_000_000u64.div_ceil(u64::from(per_second))));
                        let mut later = meter_copy(&meter);
                        prop_assert!(later.take(elapsed + wait, wall).is_ok());
                    }
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
            }
            for (first, from) in through.iter().enumerate() {
                for (last, to) in through.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u64;
                    let most = u64::from(burst) * 1000 + (to - from) * u64::from(per_second);
                    prop_assert!(count * 1000 <= most + 999, "{count} in {} ms", to - from);
                }
            }
        }

        #[test]
        fn no_day_has_more_than_its_share_and_people_keep_theirs(
            per_day in 1u64..300, reserve in 0u8..=100, begins_h in 0u64..24,
            asked in proptest::collection::vec((any::<bool>(), 0u64..20_000_000), 1..300),
        ) {
            let limits = RateLimits {
                per_day: NonZeroU64::new(per_day),
                reserve_percent: reserve,
                day_begins: Duration::from_secs(begins_h * 3600),
                ..RateLimits::default()
            };
            let mut meter = Meter::new(limits);
            let (mut now, mut days) = (0u64, std::collections::BTreeMap::<i64, u64>::new());
            for (jumps, later) in asked {
                now += if jumps { later } else { 1 };
                let (elapsed, wall) = at(now);
                let day = (wall.timestamp() - begins_h as i64 * 3600).div_euclid(86_400);
                match meter.take(elapsed, wall) {
                    Ok(()) => *days.entry(day).or_default() += 1,
                    Err(Wait::Quota { goes_on, wait }) => {
                        prop_assert_eq!(goes_on, wall + wait);
                        prop_assert_eq!((goes_on.timestamp() - begins_h as i64 * 3600).rem_euclid(86_400), 0);
                        prop_assert!(wait <= Duration::from_secs(86_400));
                    }
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
            }
            let most = (per_day * (100 - u64::from(reserve))) / 100;
            for count in days.values() {
                prop_assert!(*count <= most);
            }
        }
    }

    fn meter_copy(meter: &Meter) -> Meter {
        Meter {
            limits: meter.limits,
            full_at: meter.full_at,
            slower: meter.slower,
            went_well: meter.went_well,
            paused_until: meter.paused_until,
            pause: meter.pause,
            day: meter.day,
            used: meter.used,
        }
    }

    #[test]
    fn it_follows_the_system_and_gets_faster_again() {
        let limits = RateLimits { per_second: NonZeroU32::new(10), ..RateLimits::default() };
        let mut meter = Meter::new(limits);
        let take = |meter: &mut Meter, ms| {
            let (elapsed, wall) = at(ms);
            meter.take(elapsed, wall)
        };
        assert_eq!(take(&mut meter, 0), Ok(()));
        meter.throttled(at(0).0, Some(Duration::from_secs(3)));
        assert_eq!(take(&mut meter, 1000), Err(Wait::Asked(Duration::from_secs(2))));
        assert_eq!(take(&mut meter, 3000), Ok(()));
        assert_eq!(take(&mut meter, 3100), Err(Wait::Rate(Duration::from_millis(100))), "half as fast");
        (0..50).for_each(|_| meter.went_well());
        assert_eq!(take(&mut meter, 3200), Ok(()));
        assert_eq!(take(&mut meter, 3300), Ok(()), "as fast as before");
        // Without a time the waits double.
        for seconds in [1, 2, 4] {
            meter.throttled(at(4000).0, None);
            let Err(Wait::Asked(wait)) = take(&mut meter, 4000) else { panic!("it goes on") };
            assert_eq!(wait, Duration::from_secs(seconds));
        }
    }

    #[test]
    fn a_clock_that_goes_back_brings_no_quota_back() {
        let limits = RateLimits { per_day: NonZeroU64::new(2), used_today: 1, ..RateLimits::default() };
        let mut meter = Meter::new(limits);
        let (elapsed, today) = at(0);
        let tomorrow = today + Duration::from_secs(86_400);
        assert!(meter.take(elapsed, today).is_ok() && meter.take(elapsed, today).is_err());
        assert!(meter.take(elapsed, tomorrow).is_ok() && meter.take(elapsed, tomorrow).is_ok());
        assert!(meter.take(elapsed, today).is_err(), "the count of the later day goes on");
    }
}
