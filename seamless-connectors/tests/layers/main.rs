//! What layers promise: each passes the kit around a system in memory but for what its page gives up, in any order, whatever
//! is dropped; and the laws of each. Time stands still: nothing here waits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../memory_bench/mod.rs"]
mod memory_bench;

mod capture;
mod cassette;
mod conformance;
mod dropped;
mod paused;
mod retry;
mod scripted;
mod waits;
mod world;
