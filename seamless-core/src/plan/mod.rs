//! Floor 3: plans. Cases in, entries out; matching, order, guards, guarantee level, seal and rendering. Pure and
//! deterministic: no I/O, no clock, no randomness.

mod decide;
mod entry;
pub mod guarantee;
pub mod guard;
mod head;
mod json;
pub mod keys;
mod known;
pub mod matching;
mod propose;
pub mod render;
pub mod returns;
#[cfg(test)]
mod samples;
pub mod seal;
mod tally;

pub use decide::{
    DecideContext, Decision, Deferred, Half, Situation, attempt_name, conflict_message, decide,
    decide_deferred, with_proven,
};
pub use entry::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange, ParkReason,
    Parked, PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
pub use guarantee::{Guarantee, Holding, guarantees};
pub use guard::{GuardFigures, GuardInput, GuardTrip, guards};
pub use head::{Counts, PlanHead, SystemIdentity, Trailer};
pub use json::{EntryLine, park_name};
pub use known::{
    Attention, AttentionWhy, GONE, Pair, PairStatus, Resolution, Return, Suspicion, Trail, merged_into,
    merged_reason,
};
pub use matching::{Group, MatchKey, MatchRow, Matcher, Member, Members, match_key};
pub use propose::{FormProposal, Proposals};
pub use seal::{Closing, Sealer, Verifier};
pub use tally::Tally;
