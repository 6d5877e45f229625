//! Connectors of the Seamless SDK: each folder speaks to one kind of system and implements
//! [`Connector`](seamless_core::connector::Connector).
//!
//! | module | system | feature |
//! |---|---|---|
//! | [`memory`] | records in this process, for tests and hosts | always |
//! | [`csv`] | a folder of CSV files | `csv` |
//! | [`jsonl`] | a folder of JSON Lines files | `jsonl` |
//! | [`sqlite`] | any SQLite database file | `sqlite` |
//!
//! Connectors decide nothing: they read, fetch, write, and say truthfully what they can do. They never depend on the
//! mapping crate, and no type of a library that they use shows in their interface.

#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "csv", feature = "jsonl"))]
mod files;
mod fits;
#[cfg(any(feature = "sqlite", feature = "csv", feature = "jsonl"))]
mod iso;
#[cfg(feature = "jsonl")]
pub mod jsonl;
pub mod memory;
mod place;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "sqlite", feature = "csv", feature = "jsonl"))]
mod worker;
