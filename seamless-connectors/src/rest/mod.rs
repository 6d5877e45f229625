//! A system with a REST API, by declaration: a YAML file says which entities there are, which calls read and write them, how
//! lists go on, where deletions and versions show, and how refusals are worded. Nothing of a system is written in Rust.
//!
//! ```
//! use seamless_connectors::rest::{Rest, RestConfig};
//! use seamless_core::connector::Connector;
//!
//! const DESK: &str = "
//! connector: rest
//! name: Desk
//! url: https://desk.example/api/v2/
//! defaults:
//!   records: /data
//!   page: { by: cursor, send: cursor, next: /meta/next, size: { send: limit, max: 100 } }
//! entities:
//!   ticket:
//!     key: id
//!     list: GET tickets
//!     one: GET tickets/{id}
//!     create: POST tickets
//!     update: PATCH tickets/{id}
//!     delete: DELETE tickets/{id}
//!     modified: updated_at
//!     changes: { send: updated_since }
//!     fields:
//!       id: int read_only
//!       subject: text(200) required
//!       state: { options: { open: Open, closed: Closed } }
//!       city: { is: text(30), at: /address/city }
//!       updated_at: instant read_only
//! ";
//! let desk = Rest::declared("desk.yaml", DESK, RestConfig::new("desk.yaml"))?;
//! assert!(desk.capabilities(&"ticket".into()).changes);
//! # Ok::<(), seamless_core::Error>(())
//! ```
//!
//! The keys of the file are in `docs/connectors/rest.md` of the repository.
//!
//! **What it can do** follows from what is declared, entity by entity:
//!
//! | capability | |
//! |---|---|
//! | C1 conditional update | with `version`, which a write names in a header or in what is sent |
//! | C2 writes return | the record, with `returns: record` |
//! | C3 unique key | the client chooses the id where `create` has `{id}` in its path; otherwise the first of `unique` |
//! | C4 consistent read | where `sees_writes: true` says so |
//! | C5 tombstones | with `deleted` and `changes`, where the list shows what was deleted |
//! | C6 complete enumeration | where a list goes on by what it showed (`cursor`, `after`, `link`, `next`) or at once; where it counts (`page`, `offset`, `range`) only with `complete: true`, since what is deleted meanwhile moves a record over the edge of a page |
//! | C7 low-water mark | never: stamps are given before they are stored |
//! | C8 gone is told apart from hidden | with `gone`, the statuses that say so |
//! | changes | with `modified` and `changes`; reading goes back by `overlap_s` |
//! | idempotency keys | with `idempotency`, the header that takes them |
//!
//! What a declaration says and a system does not do is found out by the conformance kit, not by this connector.
//!
//! **Changes begin** at the moment of the header `Date` of the first answer of a full reading: by the system's own clock, before
//! its first record was read. A system that sends none is read in full each time. A stamp that is empty until the first update
//! leaves new records out of changes: such a field is no `modified`.
//!
//! **Cost.** A write is one request. Records by id are one request each, or one for several with `ids`. Records by the value of a
//! field are one request each with `find`, and the whole list without it; nor can any be found by id where there is neither `one`
//! nor `ids` but by reading the list.
//!
//! Not here: what a system means; retries and limits of calls, which are layers'.

mod config;
mod connector;
mod cursor;
mod declaration;
mod paging;
mod read;
mod record;
mod system;
mod write;

pub use crate::http::auth::Auth;
pub use crate::http::traffic::Traffic;
pub use config::RestConfig;
pub use connector::Rest;
