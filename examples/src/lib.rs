//! Shared by the examples.

/// The program of the page about the simulated world, so that it is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/simulated-world.md")]
mod simulated_world {}
