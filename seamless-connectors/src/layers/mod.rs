//! Layers: connectors around a connector, each for one concern. A host chooses; nothing here is on by itself.
//!
//! | layer | effect | gives up |
//! |---|---|---|
//! | [`standard`](mod@standard) | the recommended stack: observe, retry, concurrency, rate limit, time-out | as retry |
//! | [`retry`] | what failed for now is made again, within a budget | an enumeration that was reopened is not complete |
//! | [`rate_limit`] | calls a second and a day; people keep a share | nothing |
//! | [`concurrency`] | so many calls under way at once | nothing |
//! | [`timeout`] | nothing is waited for longer than this | nothing |
//! | [`observe`] | counts, spans and events, without values | nothing |
//! | [`mask`] | fields whose values never leave the system | those fields |
//! | [`restrict`] | only these entities and fields, or no writes | the rest |
//! | [`capture`] | writes are kept and seen by later reads, and never sent: a rehearsal | the order of enumerations, what only the system knows |
//! | [`cassette`] | calls and answers recorded to a file, and replayed without the system | replaying: that the system changes |
//! | [`fault`] | goes wrong by a script, for tests of hosts | that calls succeed |
//!
//! The layer that is named last is the outermost one ([`ConnectorExt::layer`](seamless_core::connector::ConnectorExt::layer)).
//! A layer's state (permits, limits, counts) belongs to the value: connectors that one value wraps share it. Any order keeps the
//! contract, and any future may be dropped at any await; what order does to the effect is told in [`standard`](mod@standard).
//!
//! No layer knows a runtime: time comes from a [`Clock`](seamless_core::clock::Clock), chance from a seed.

mod around;
mod budget;
pub mod capture;
pub mod cassette;
pub mod concurrency;
mod dice;
pub mod fault;
pub mod mask;
mod meter;
pub mod observe;
pub mod rate_limit;
pub mod restrict;
pub mod retry;
pub(crate) mod settings;
pub mod standard;
pub mod timeout;
mod veil;

pub use around::CallKind;
pub use budget::Budget;
pub use capture::{Capture, Captured};
pub use cassette::{Matching, Recorded, Recording, Replay, Scrub};
pub use concurrency::Concurrency;
pub use fault::{Chances, Fault, Trouble};
pub use mask::{Mask, Masked};
pub use observe::{Calls, Observe, Observed};
pub use rate_limit::{RateLimit, RateLimits};
pub use restrict::Restrict;
pub use retry::{Retries, Retry};
pub use standard::{Options, Standard, standard};
pub use timeout::{Timeout, Timeouts};
