//! Power that fails, disks that are full or do not answer, under whole runs between two SQLite databases over the SQLite
//! store: everything that SQLite tells its files goes through a disk of our own (`disk`), and what may be left of it
//! is made from what that disk was told (`tape`, which says what is modelled and what is not). What is there in the end
//! is read by SQL (`site`).
//!
//! `loss`: a run whose power fails anywhere, and again while it recovers, ends like one that nobody disturbed. `acks`:
//! what the store acknowledged is there after a loss of power, and of everything else all or nothing. `faults`: a disk
//! that is full or broken at any call is said, and nothing is lost by it; `spilled`: so it is with the working file of a
//! plan in the making.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acks;
mod days;
mod disk;
mod draw;
mod faults;
mod loss;
mod noted;
// What tests over the real file system need of it is not needed here.
#[allow(dead_code)]
mod site;
mod spilled;
mod tape;

/// Draws begin here; a failure names the draw that showed it.
const SEED: u64 = 2026;
