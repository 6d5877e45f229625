//! The core of the Seamless SDK: what two-way integrations between business systems are made of.
//!
//! A host builds an [`Integration`] from two connectors ([`connector::Connector`]), the mappings of its links
//! ([`mapper::Mapper`]) and a state store ([`store::StateStore`]). Then it makes a plan, shows it, approves it and
//! applies it:
//!
//! ```text
//! pull -> match -> decide (pure) -> seal / approve -> apply (intent -> write -> outcome -> commit) -> cursor
//! ```
//!
//! The mental model. A *link* joins two entities, a *pair* two records of them. A pair keeps a *base* per side: what that
//! side held when both last agreed. What moved against its base is an edit. One edit is carried over, two that differ are
//! a *conflict* of the rules that share the field, and of nothing else. Whatever cannot be decided is *parked* with its
//! cause and a remedy. Making a plan moves nothing; only an approved plan is applied, and exactly that.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 5 | [`sync`] | a run, and what a host calls |
//! | 4 | [`store`] | state: the port, in memory, in one SQLite file |
//! | 3 | [`plan`] | plans: matching, deciding, guards, guarantees, seal, text; pure |
//! | 2 | [`merge`] | the three-way merge; pure |
//! | 1 | [`connector`], [`mapper`], [`clock`], [`secret`] | the ports |
//! | 0 | [`model`], `document` | values, records, schemas, names; documents with positions |
//!
//! Each floor imports from those below it only. The core knows no async runtime and no process-wide state.
//!
//! What the two systems can do decides what can be promised. It is computed, and stands at the head of every plan:
//!
//! ```
//! use seamless_core::connector::Capabilities;
//! use seamless_core::mapper::LinkMode;
//! use seamless_core::model::{Side, Sides};
//! use seamless_core::plan::{Holding, guarantees};
//!
//! let strong = Capabilities { conditional_update: true, update: true, ..Capabilities::default() };
//! let weak = Capabilities { update: true, ..Capabilities::default() };
//! let names = Sides::new("crm", "erp");
//! let promised = guarantees(&"customers".into(), LinkMode::TwoWay, names, &Sides::new(strong, weak));
//! let no_lost_update = |side: Side| {
//!     promised.iter().find(|row| row.invariant == "I10" && row.side == side).map(|row| row.holding)
//! };
//! assert_eq!(no_lost_update(Side::Left), Some(Holding::Holds));
//! assert_eq!(no_lost_update(Side::Right), Some(Holding::NotPromised));
//! ```

pub mod clock;
pub mod connector;
#[cfg(feature = "document")]
pub mod document;
pub mod mapper;
pub mod merge;
pub mod model;
pub mod plan;
pub mod secret;
pub mod store;
pub mod sync;
#[cfg(feature = "testkit")]
pub mod testkit;
pub use model::{Error, ErrorKind, Result, Retry};
pub use sync::Integration;
