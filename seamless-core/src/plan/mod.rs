//! Floor 3: plans. Cases in, entries out; matching, order, guards, guarantee level, seal and rendering. Pure and
//! deterministic: no I/O, no clock, no randomness.

mod entry;
pub mod guarantee;
pub mod guard;
mod head;

pub use entry::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange, ParkReason,
    Parked, PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
pub use guarantee::{Guarantee, Holding};
pub use guard::GuardTrip;
pub use head::{Counts, PlanHead, SystemIdentity, Trailer};
