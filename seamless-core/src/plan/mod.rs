//! Floor 3: plans. Cases in, entries out; matching, order, guards, guarantee level, seal and rendering. Pure and
//! deterministic: no I/O, no clock, no randomness.

mod decide;
mod entry;
pub mod guarantee;
pub mod guard;
mod head;
mod known;

pub use decide::{
    DecideContext, Decision, Deferred, Half, Situation, conflict_message, decide, decide_deferred,
};
pub use entry::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange, ParkReason,
    Parked, PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
pub use guarantee::{Guarantee, Holding};
pub use guard::GuardTrip;
pub use head::{Counts, PlanHead, SystemIdentity, Trailer};
pub use known::{Attention, AttentionWhy, Pair, PairStatus, Resolution};
