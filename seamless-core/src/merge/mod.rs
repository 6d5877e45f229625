//! Floor 2: what two edits of a pair of records mean. Pure: no I/O, no clock, no randomness, no async.
//!
//! Vocabulary. A pair has two *bases*: what each side held when they last agreed. A side *changed* where the
//! canonical form of what it holds now differs from that of its own base. `R` holds where the two sides are
//! consistent: carrying one over gives what the other holds. Rules that share a field form a *group*, the unit of
//! conflict and commit. A [`Verdict`] says of each group one [`Judgement`].
//!
//! The doors: [`CompiledLink::compile`] once per link, then [`Reconciler::reconcile`] once per pair that was looked
//! at; [`ThreeWay`] is the reconciler that ships. A verdict names sides, not values: [`CompiledLink::carry_group`],
//! [`conflict`] and [`merged`] give the values of the groups that need them.
//!
//! What this floor does not know: how a value is converted (the [`Mapper`](crate::mapper::Mapper) carries), whether
//! a record exists at all (deletes and scope are the plan's), and what was written.
//!
//! Source: Balasubramaniam and Pierce, "What is a File Synchronizer?"; a base *per side* as a lossy target demands.

mod conflict;
mod diff;
mod groups;
mod joined;
mod judge;
mod keyed;
mod layout;
mod lines;
mod lossy;
mod merged;
mod observe;
mod reconcile;
mod set;
mod three_way;
mod verdict;
mod ways;

pub use conflict::{Conflict, Edit, conflict};
pub use diff::diff;
pub use groups::{Group, RULES_MAX};
pub use joined::CompiledLink;
pub use keyed::{KeyedLine, LineJudgement, merge_keyed};
pub use lossy::{LossyForm, lossy_form};
pub use merged::{Merged, merged};
pub use reconcile::{Case, Reconciler};
pub use three_way::ThreeWay;
pub use verdict::{AgreeReason, CarryReason, ConflictReason, Judgement, KeptReason, Verdict};
pub use ways::Detour;

#[cfg(test)]
pub(crate) mod tests;
