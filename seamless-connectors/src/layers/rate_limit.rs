//! Rate limit: so many calls a second, so many a day, of which people keep a share.
//!
//! A call waits for its turn. Where the system asks for patience ([`Throttled`](ErrorKind::Throttled), as an error or as the
//! refusal of an operation) nothing is sent before the time that it names, and afterwards it goes slower, and faster again while
//! calls go well. A wait that is longer than [`RateLimits::wait_max`] is refused with an error that says when it goes on: so is
//! everything once the quota of the day is used up. Such an error of a write says, as every `Err` does, that nothing was sent.
//!
//! A call of the connector port counts one, each page too; what a connector makes of it may be several requests. The count of
//! the day is this process's: tell it what others used ([`RateLimits::used_today`]).
//!
//! Gives up: nothing.

use std::fmt;
use std::future::Future;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use seamless_core::clock::Clock;
use seamless_core::connector::{Connector, Layer};
use seamless_core::model::{Error, ErrorKind, Result, Retry};

use super::around::{Answer, Around, Call, Wrapped, about, patience};
use super::meter::{Meter, Wait};

/// How much may be asked of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Calls a second, on the average. `None`: no limit.
    pub per_second: Option<NonZeroU32>,
    /// Calls at once after a rest.
    pub burst: NonZeroU32,
    /// Calls a day. `None`: no limit.
    pub per_day: Option<NonZeroU64>,
    /// Of a hundred calls a day, so many are left to people and other programs; rounded in their favour.
    pub reserve_percent: u8,
    /// Calls of this day that were made before, by an earlier process or by somebody else.
    pub used_today: u64,
    /// When the system's day begins, after midnight UTC.
    pub day_begins: Duration,
    /// The longest wait that is kept; what would have to wait longer is refused.
    pub wait_max: Duration,
}

impl Default for RateLimits {
    /// No limit but the system's own words, with waits up to a minute.
    fn default() -> Self {
        Self {
            per_second: None,
            burst: NonZeroU32::MIN,
            per_day: None,
            reserve_percent: 0,
            used_today: 0,
            day_begins: Duration::ZERO,
            wait_max: Duration::from_secs(60),
        }
    }
}

/// The layer. Connectors that one value of it wraps share its limits.
#[derive(Clone, Debug)]
pub struct RateLimit {
    turnstile: Arc<Turnstile>,
}

impl RateLimit {
    /// A layer that waits by this clock.
    pub fn new(clock: Arc<dyn Clock>, limits: RateLimits) -> Self {
        Self { turnstile: Arc::new(Turnstile { clock, limits, meter: Mutex::new(Meter::new(limits)) }) }
    }
}

impl Layer for RateLimit {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Wrapped::over(inner, &self.turnstile)
    }
}

struct Turnstile {
    clock: Arc<dyn Clock>,
    limits: RateLimits,
    meter: Mutex<Meter>,
}

impl fmt::Debug for Turnstile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limits.fmt(f)
    }
}

impl Turnstile {
    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. A caller that is dropped while it waits took nothing.
    async fn turn(&self, call: Call<'_>) -> Result<()> {
        let began = self.clock.elapsed();
        loop {
            let elapsed = self.clock.elapsed();
            let taken = self.meter().take(elapsed, self.clock.now());
            let why = match taken {
                Ok(()) => return Ok(()),
                Err(why) => why,
            };
            let (Wait::Rate(wait) | Wait::Asked(wait) | Wait::Quota { wait, .. }) = why;
            if elapsed.saturating_sub(began).saturating_add(wait) > self.limits.wait_max {
                return Err(about(self.refused(why), call).with_retry(Retry::After(wait)));
            }
            self.clock.sleep(wait).await;
        }
    }

    fn refused(&self, why: Wait) -> Error {
        let throttled = |message| Error::new(ErrorKind::Throttled, message);
        match why {
            Wait::Rate(wait) => throttled(format!("too many calls wait for their turn, this one {wait:?}"))
                .with_remedy("make fewer calls at once, or raise `per_second` or `wait_max`"),
            Wait::Asked(wait) => throttled(format!("the system asked for patience, for {wait:?} more"))
                .with_remedy("it goes on by itself after that time"),
            Wait::Quota { goes_on, .. } => {
                let RateLimits { per_day, reserve_percent, .. } = self.limits;
                let per_day = per_day.map_or(0, NonZeroU64::get);
                throttled(format!(
                    "the calls of this day are used up: {per_day}, of which {reserve_percent} % are left to people"
                ))
                .with_remedy(format!(
                    "it goes on at {}; otherwise raise `per_day` or lower `reserve_percent`",
                    goes_on.format("%Y-%m-%dT%H:%M:%SZ")
                ))
            }
        }
    }
}

impl Around for Turnstile {
    async fn around<T: Answer>(
        &self,
        call: Call<'_>,
        work: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        self.turn(call).await?;
        let answer = work.await;
        match patience(&answer) {
            Some(wait) => self.meter().throttled(self.clock.elapsed(), wait),
            None if answer.is_ok() => self.meter().went_well(),
            None => {}
        }
        answer
    }
}
