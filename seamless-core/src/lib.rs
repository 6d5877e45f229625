//! Seamless core.

pub mod model;
