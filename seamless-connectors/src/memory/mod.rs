//! A system that lives in this process: records by id, versions, tombstones, a feed of changes. For tests of hosts
//! and of the SDK itself, and for small data that a host already holds.
//!
//! What it can do is what it is told to be able to do, and it behaves truthfully to that: a system that is declared
//! without conditional updates does overwrite, one without C2 returns nothing, one without C8 calls a deleted record
//! hidden. So a test sees the same losses that a weak system would cause. Users' edits are made directly
//! ([`Memory::insert`], [`Memory::edit`], [`Memory::delete`]); faults are ordered for the next call
//! ([`Memory::fail_next`]).
//!
//! It can be as odd as real systems are: versions that move alone or not at all, transactions that are committed late,
//! pages by offset, templates and computed fields, feeds that forget ([`Memory::touch`], [`Memory::edit_unnoticed`],
//! [`Memory::begin_edit`], [`Memory::keep_changes`], [`EntityConfig`]).
//!
//! Reading by id does not lag, even where C4 is declared away; look-ups by key do when they are told to
//! ([`Memory::stop_search`]).
//!
//! ```
//! use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
//! use seamless_core::model::{Entity, Field, FieldKind, RecordId, Value};
//!
//! let customer = Entity {
//!     name: "customer".into(),
//!     label: None,
//!     fields: vec![Field::new("no", FieldKind::Int), Field::new("name", FieldKind::Text { length_max: Some(50) })],
//!     key: vec!["no".into()],
//!     unique: Vec::new(),
//!     actions: Vec::new(),
//! };
//! let crm = Memory::new(MemoryConfig::new("crm").entity(EntityConfig::new(customer)))?;
//! let id = crm.insert("customer", None, &[("name", Value::text("Adatum"))])?;
//! assert_eq!(id, RecordId::int(1));
//! # Ok::<(), seamless_core::Error>(())
//! ```

mod action;
mod client;
mod config;
mod connector;
mod cursor;
mod fault;
mod odd;
mod table;

pub use action::{ActionConfig, Deed};
pub use client::{Counts, Memory};
pub use config::{Computation, EntityConfig, Ids, Lock, MemoryConfig, Paging, full_capabilities};
pub use fault::Fault;
