//! Seamless core.
pub mod clock;
pub mod connector;
#[cfg(feature = "document")]
pub mod document;
pub mod mapper;
pub mod merge;
pub mod model;
pub mod plan;
pub mod secret;
pub mod store;
pub mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;
pub use model::{Error, ErrorKind, Result, Retry};
pub use sync::Integration;
