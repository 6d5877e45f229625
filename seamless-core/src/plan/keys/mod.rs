//! Unique values that move between records of one plan: who gives one up, who takes it, and in which order that can be
//! written. Where records would wait for each other in a ring, one of them takes a temporary value first.
//!
//! It knows entries and the sets of fields that are unique together. It does not know how entries are stored, nor which
//! there are: the sync floor finds who takes what from whom. The doors, in the order of their use:
//! [`UniqueSets::moves`] per entry, [`place`] over those that concern each other, [`release`] for an entry that must
//! let go first.

mod order;
mod release;
mod unique;

pub use order::{KeyNode, Placement, place};
pub(in crate::plan) use release::standing_for;
pub use release::{Released, release};
pub use unique::{Given, KeyMoves, UniqueSets, UniqueValue};
