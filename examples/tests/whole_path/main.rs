//! The whole path over systems in memory: what people do on both sides, what a run makes of it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bases;
mod clock;
mod concurrency;
mod control;
mod crash;
mod cursors;
mod decisions;
mod deletes;
mod doubts;
mod endings;
mod feeds;
mod gate;
mod hard_cases;
mod identity;
mod intents;
mod keys;
mod late;
mod ledger;
mod level;
mod lossy;
mod lost_fields;
mod merges;
mod picture;
mod plans;
mod players;
mod relations;
mod remap;
mod returns;
mod schedules;
mod search;
mod symmetry;
mod trees;
mod values;
mod watched;
mod world;
