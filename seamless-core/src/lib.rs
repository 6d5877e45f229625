//! Seamless core.
#[cfg(feature = "document")]
pub mod document;
