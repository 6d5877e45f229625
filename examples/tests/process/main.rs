//! Processes over the real file system: killed again and again while users work (`killed`), with files that may not grow
//! (`limited`), with files that are pulled away from under them (`pulled`). What a loss of power leaves is in
//! `tests/power`; a process that is killed loses nothing that it wrote.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../power/draw.rs"]
mod draw;
mod killed;
mod limited;
#[path = "../power/noted.rs"]
mod noted;
mod pulled;
// What tests over a disk of our own need of it is not needed here.
#[allow(dead_code)]
#[path = "../power/site.rs"]
mod site;

/// Draws begin here.
const SEED: u64 = 2026;
