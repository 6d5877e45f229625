//! The one stack that is recommended around a connector over a network: what it does, in the order in which a call meets it.
//!
//! | what you get | by |
//! |---|---|
//! | what the host asked is counted once, however often it was made | [`observe`](super::observe), outermost |
//! | a hiccup is no failed run, and an outage is not multiplied | [`retry`](super::retry) |
//! | the system is not asked for more at once than it likes; the wait between two attempts takes no permit | [`concurrency`](super::concurrency) |
//! | no more calls a second and a day than allowed, repetitions counted; a call that has its turn is sent at once, since its permit is there | [`rate_limit`](super::rate_limit) |
//! | nothing hangs; the system is measured and not our own queues, so that only a write that was really sent is called ambiguous | [`timeout`](super::timeout), innermost |
//!
//! Every wait has an end: a permit comes free since every call has a time-out, and a turn is refused where it is far away.
//!
//! Gives up what [`retry`](super::retry) gives up, and nothing else. The door is [`standard`], or [`Standard`] where a host reads
//! the counts or lets several connectors share the limits.
//!
//! ```
//! use std::num::{NonZeroU32, NonZeroUsize};
//! use std::sync::Arc;
//! use futures::executor::block_on;
//! use seamless_connectors::layers::{CallKind, Options, Standard};
//! use seamless_connectors::memory::{Memory, MemoryConfig};
//! use seamless_core::clock::SystemClock;
//! use seamless_core::connector::{Connector, ConnectorExt};
//!
//! let mut options = Options { calls_max: NonZeroUsize::new(4).unwrap(), ..Options::default() };
//! options.rate.per_second = NonZeroU32::new(20);
//! let stack = Standard::new(Arc::new(SystemClock::new()), options);
//! let erp: Arc<dyn Connector> = Arc::new(Memory::new(MemoryConfig::new("erp"))?);
//! let erp = erp.layer(&stack);
//! assert!(block_on(erp.entities())?.is_empty());
//! assert_eq!(stack.observed().of(CallKind::Entities).begun, 1);
//! # Ok::<(), seamless_core::Error>(())
//! ```

use std::num::NonZeroUsize;
use std::sync::Arc;

use seamless_core::clock::Clock;
use seamless_core::connector::{Connector, ConnectorExt, Layer};

use super::concurrency::Concurrency;
use super::observe::{Observe, Observed};
use super::rate_limit::{RateLimit, RateLimits};
use super::retry::{Retries, Retry};
use super::timeout::{Timeout, Timeouts};

/// Calls at once, where nobody says otherwise: what most APIs bear from one client.
const CALLS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);

/// The settings of the stack. The defaults suit an API over a network of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often a call is made again.
    pub retries: Retries,
    /// Decides the jitter of the waits; different processes should have different ones.
    pub seed: u64,
    /// Calls under way at once.
    pub calls_max: NonZeroUsize,
    /// Calls a second and a day.
    pub rate: RateLimits,
    /// How long is waited for an answer.
    pub timeouts: Timeouts,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retries: Retries::default(),
            seed: u64::from(std::process::id()),
            calls_max: CALLS_MAX,
            rate: RateLimits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// The stack. Connectors that one value of it wraps share permits, limits and counts.
#[derive(Clone, Debug)]
pub struct Standard {
    observe: Observe,
    retry: Retry,
    concurrency: Concurrency,
    rate: RateLimit,
    timeout: Timeout,
}

impl Standard {
    /// A stack that waits by this clock.
    pub fn new(clock: Arc<dyn Clock>, options: Options) -> Self {
        let Options { retries, seed, calls_max, rate, timeouts } = options;
        Self {
            observe: Observe::new(Arc::clone(&clock)),
            retry: Retry::new(Arc::clone(&clock), retries, seed),
            concurrency: Concurrency::new(calls_max),
            rate: RateLimit::new(Arc::clone(&clock), rate),
            timeout: Timeout::new(clock, timeouts),
        }
    }

    /// What the host asked so far, and what came.
    pub fn observed(&self) -> Observed {
        self.observe.observed()
    }
}

impl Layer for Standard {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        inner
            .layer(&self.timeout)
            .layer(&self.rate)
            .layer(&self.concurrency)
            .layer(&self.retry)
            .layer(&self.observe)
    }
}

/// Wraps a connector into the recommended stack.
pub fn standard(inner: Arc<dyn Connector>, clock: Arc<dyn Clock>, options: Options) -> Arc<dyn Connector> {
    inner.layer(&Standard::new(clock, options))
}
