//! What may be spent on calls that are made again, so that an outage is not multiplied. Pure: time comes in as an argument.
//! The door is [`Purse::spend`].

use std::time::Duration;

/// How much may be made again. Without a budget every caller that meets an outage would multiply the load of a system that
/// is just coming back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Of a hundred calls so many may be made again, on the average.
    pub percent: u32,
    /// So many may be made again at once, from rest; also the most that is saved up.
    pub spare: u32,
    /// One more is allowed each time this has passed, so that a host that calls seldom is not without any. Zero: none.
    pub regained: Duration,
}

impl Default for Budget {
    /// A fifth of the calls, ten at once, one more every ten seconds.
    fn default() -> Self {
        Self { percent: 20, spare: 10, regained: Duration::from_secs(10) }
    }
}

/// Hundredths of a call that one call costs.
const ONE: u64 = 100;

/// What is left of a budget, in hundredths of a call.
#[derive(Debug)]
pub(super) struct Purse {
    budget: Budget,
    left: u64,
    at: Duration,
}

impl Purse {
    pub(super) fn new(budget: Budget, now: Duration) -> Self {
        Self { left: u64::from(budget.spare) * ONE, budget, at: now }
    }

    /// A call is made for the first time.
    pub(super) fn earn(&mut self) {
        self.add(u64::from(self.budget.percent));
    }

    /// Takes one repetition out of the purse, if there is one.
    pub(super) fn spend(&mut self, now: Duration) -> bool {
        self.regain(now);
        match self.left.checked_sub(ONE) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    fn regain(&mut self, now: Duration) {
        let regained = self.budget.regained.as_nanos();
        if regained == 0 {
            return;
        }
        let times = now.saturating_sub(self.at).as_nanos() / regained;
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.at = self.at.saturating_add(self.budget.regained.saturating_mul(times));
        self.add(u64::from(times) * ONE);
    }

    fn add(&mut self, hundredths: u64) {
        self.left = self.left.saturating_add(hundredths).min(u64::from(self.budget.spare) * ONE);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::{any, prop_assert, proptest};

    use super::{Budget, Purse};

    proptest! {
        // Catches: a purse that fills beyond its brim, or that is filled twice by the same time.
        #[test]
        fn never_more_is_made_again_than_the_budget_says(
            percent in 0u32..150, spare in 0u32..12, regained_ms in 0u64..5000,
            steps in proptest::collection::vec((any::<bool>(), 0u64..3000), 1..200),
        ) {
            let budget = Budget { percent, spare, regained: Duration::from_millis(regained_ms) };
            let mut purse = Purse::new(budget, Duration::ZERO);
            let (mut now, mut calls, mut again) = (0u64, 0u64, 0u64);
            for (is_first, later) in steps {
                now += later;
                if is_first {
                    calls += 1;
                    purse.earn();
                } else if purse.spend(Duration::from_millis(now)) {
                    again += 1;
                }
                let by_time = now.checked_div(regained_ms).unwrap_or(0);
                prop_assert!(again * 100 <= u64::from(spare) * 100 + calls * u64::from(percent) + by_time * 100);
            }
        }
    }

    #[test]
    fn who_calls_seldom_regains_by_time() {
        let mut purse =
            Purse::new(Budget { percent: 0, spare: 1, regained: Duration::from_secs(10) }, Duration::ZERO);
        let at = Duration::from_secs;
        assert!(purse.spend(at(0)) && !purse.spend(at(9)) && purse.spend(at(10)) && !purse.spend(at(19)));
        assert!(purse.spend(at(500)) && !purse.spend(at(500)), "no more than the spare is saved");
    }
}
