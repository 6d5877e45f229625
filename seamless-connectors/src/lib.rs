//! Connectors of the Seamless SDK: each folder speaks to one kind of system and implements
//! [`Connector`](seamless_core::connector::Connector).
//!
//! | module | system | feature |
//! |---|---|---|
//! | [`memory`] | records in this process, for tests and hosts | always |
//! | [`csv`] | a folder of CSV files | `csv` |
//! | [`jsonl`] | a folder of JSON Lines files | `jsonl` |
//! | `excel` | an Excel workbook | `excel` |
//! | [`sqlite`] | any SQLite database file | `sqlite` |
//! | `postgres` | a PostgreSQL database | `postgres` |
//! | `odata` | an OData service (version 4) | `odata` |
//! | `rest` | a system with a REST API, by declaration | `rest` |
//! | `singer` | any Singer tap, as a child process; only read | `singer` |
//!
//! Beside them: [`layers`] around a connector (retry, limits, rehearsal, recording, faults), [`option_sets`], a layer that shows option sets as entities, [`registry`], connectors from configuration, and [`secrets`], what such configuration refers to.
//!
//! Connectors decide nothing: they read, fetch, write, and say truthfully what they can do. They never depend on the
//! mapping crate, and no type of a library that they use shows in their interface.
//!
//! The mental model. A connector has a truthful list of what it can do per entity
//! ([`Capabilities`](seamless_core::connector::Capabilities)), and behaves accordingly. It reads pages with cursors,
//! answers one [`Lookup`](seamless_core::connector::Lookup) per record asked for, and one
//! [`WriteOutcome`](seamless_core::connector::WriteOutcome) per operation. That a record was not seen proves nothing.
//!
//! ```
//! use futures::executor::block_on;
//! use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
//! use seamless_core::connector::{Connector, FetchBy, FetchQuery, Lookup};
//! use seamless_core::model::{Entity, Field, FieldKind, Shape, Value};
//!
//! let fields = vec![Field::new("no", FieldKind::Int), Field::new("name", FieldKind::Text { length_max: None })];
//! let customer =
//!     Entity { name: "customer".into(), label: None, fields, key: vec!["no".into()], unique: vec![], actions: vec![] };
//! let erp = Memory::new(MemoryConfig::new("erp").entity(EntityConfig::new(customer)))?;
//! let id = erp.insert("customer", None, &[("name", Value::text("Adatum"))])?;
//! erp.delete("customer", &id)?;
//!
//! let query = FetchQuery {
//!     entity: "customer".into(),
//!     shape: Shape::new(["name".into()])?,
//!     by: FetchBy::Ids(vec![id]),
//! };
//! // It tells gone from hidden, so it proves that the record is gone.
//! assert!(matches!(block_on(erp.fetch(query))?.as_slice(), [Lookup::Gone(_)]));
//! # Ok::<(), seamless_core::Error>(())
//! ```
//!
//! How to write one: `docs/connector-guide.md` of the repository.

#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl", feature = "rest", feature = "singer"))]
mod cell;
#[cfg(feature = "csv")]
pub mod csv;
#[cfg(any(feature = "csv", feature = "excel", feature = "rest"))]
mod declared;
#[cfg(feature = "excel")]
pub mod excel;
#[cfg(any(feature = "csv", feature = "excel", feature = "jsonl", feature = "singer"))]
mod files;
mod fits;
#[cfg(feature = "http")]
// The feature by itself has no user, and not every user needs all of it.
#[cfg_attr(not(feature = "odata"), allow(dead_code, unused_imports, unreachable_pub))]
mod http;
#[cfg(any(feature = "http", feature = "postgres"))]
#[cfg_attr(not(any(feature = "odata", feature = "postgres")), allow(dead_code))]
mod io;
#[cfg(any(
    feature = "sqlite",
    feature = "csv",
    feature = "excel",
    feature = "jsonl",
    feature = "singer",
    feature = "postgres",
    feature = "odata",
    feature = "rest"
))]
mod iso;
#[cfg(any(feature = "jsonl", feature = "odata", feature = "rest"))]
#[cfg_attr(not(feature = "odata"), allow(dead_code))]
mod json;
#[cfg(feature = "jsonl")]
pub mod jsonl;
pub mod layers;
pub mod memory;
#[cfg(feature = "odata")]
pub mod odata;
pub mod option_sets;
mod place;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod registry;
#[cfg(feature = "rest")]
pub mod rest;
pub mod secrets;
#[cfg(feature = "singer")]
pub mod singer;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "sqlite", feature = "csv", feature = "excel", feature = "jsonl", feature = "singer"))]
mod worker;

/// The example of the guide for authors of connectors, so that it is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/connector-guide.md")]
mod guide {}
