//! Seamless core.
pub mod clock;
pub mod connector;
pub mod mapper;
pub mod merge;
pub mod model;
pub mod secret;
pub use model::{Error, ErrorKind, Result, Retry};
