//! An OData service (version 4.0 or 4.01) as a system: SAP, Dynamics 365, Business Central and many others, by configuration.
//!
//! **What it reads.** `$metadata` says which entity sets there are, their keys, types, lengths, precision, enumerations and allowed
//! values, what is computed, immutable, required, and what refers to what ([`edmx`]). A property whose value has parts or is
//! a collection, and a stream, is left out. A record whose value is not what its property declares is broken: it is
//! reported with its place, never read in part.
//!
//! **Identity of records** is the key, GUIDs in small letters.
//!
//! **What it can do**, per entity set, from the metadata and the configuration:
//!
//! | capability | |
//! |---|---|
//! | C1 conditional update | where records have an ETag (`etag`, or `Core.OptimisticConcurrency`); checked at the first use, and taken back where the service ignores it |
//! | C2 writes return | the stored record; taken back where nothing comes |
//! | C3 unique key | the client chooses the id where the key is one text or GUID; otherwise alternate keys, or the key's own |
//! | C4 | where `consistent_read` says so |
//! | C5 tombstones | with `changes: delta` |
//! | C6 | read by key, by stable links, or with `changes: delta` |
//! | C7 low-water mark | never |
//! | C8 | where `proves_absence` says so |
//! | changes | `changes: modified` (a stamp, read again from a little before) or `delta` (links of the service) |
//!
//! **Exactness.** Numbers are read from their text and written as texts where the service takes them so; none passes through a
//! binary number. What a property would cut, round or refuse is refused before it is sent.
//!
//! **Requests.** A page is one request, a look-up of many records is one, and so is a batch of writes, within the limits of the service;
//! [`OData::traffic`] counts them, with the operations inside batches.
//!
//! **Safety.** Credentials go to the configured origin only, also by links and redirects. Writes are never redirected or repeated. Every
//! wait has an end and every answer a limit. A write that was sent goes on when its future is dropped, and the next
//! call waits for it.
//!
//! Not here: the mapping, retries, and lists of children (`docs/connectors/odata.md` has what is missing).

mod batch;
mod config;
mod connector;
mod cursor;
pub mod edmx;
mod error;
mod fetch;
mod json;
mod literal;
mod outcome;
mod query;
mod read;
mod rows;
mod schema;
mod service;
mod set;
mod stamp;
mod values;
mod write;

pub use config::{BatchForm, Changes, ODataConfig, Paging, Profile, SetConfig};
pub use connector::OData;
pub use schema::entity;

pub use crate::http::auth::Auth;
pub use crate::http::traffic::Traffic;
