//! Floor 3: plans. Situations in, entries out. Pure and deterministic: no I/O, no clock, no randomness, no async.
//!
//! Vocabulary. A *situation* is all that was observed of one pair, or of one record without a pair. An *entry* is what
//! follows: an *action* writes to a system, an *effect* changes only our own state. A plan is a head, its entries in
//! the order of their keys, and a trailer.
//!
//! | module | what it says |
//! |---|---|
//! | [`matching`] | which records without a pair belong together |
//! | `decide` | what follows from a situation |
//! | `entry`, `changes`, `known` | entries and what they send; pairs, open items and decisions of earlier runs |
//! | [`keys`] | in which order unique values can change hands |
//! | [`returns`] | when the same value was written often enough |
//! | `propose` | which form a system seems to keep a field in |
//! | [`guarantee`], [`guard`] | what can be promised; what stops a plan |
//! | `head`, `tally`, [`seal`] | the two ends, the counts, the digest and the seal |
//! | `json`, [`render`] | a plan as lines of JSON, and as text |
//!
//! The doors, in the order of a run: [`match_key`] and [`Matcher`], [`decide`](fn@decide) and [`decide_deferred`],
//! [`keys::place`], [`guards`], [`Sealer`].

mod changes;
mod decide;
mod entry;
pub mod guarantee;
pub mod guard;
mod head;
mod json;
pub mod keys;
mod known;
pub mod matching;
mod parking;
mod propose;
pub mod render;
pub mod returns;
#[cfg(test)]
mod samples;
pub mod seal;
mod tally;

pub use changes::{Change, Changes, ChangesBuilder, PlannedRef};
pub(crate) use changes::{ChangesParts, Later};
pub use decide::{
    DecideContext, Decision, Deferred, Half, Situation, attempt_name, conflict_message, decide,
    decide_deferred, with_proven,
};
pub use entry::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, FieldChange, ParkReason,
    Parked, PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, Wait,
};
pub use guarantee::{Guarantee, Holding, guarantees};
pub use guard::{GuardFigures, GuardInput, GuardTrip, guards, is_of_identity};
pub use head::{Counts, LinkActions, LinkPhase, PlanHead, SetOff, SystemIdentity, Trailer};
pub use json::EntryLine;
pub use known::{Attention, AttentionWhy, GONE, Pair, PairStatus, Resolution, Return, Suspicion, Trail};
pub use matching::{Group, MatchKey, MatchRow, Matcher, Member, Members, match_key};
pub use parking::{Attempt, ParkedAs, UnknownReason, park_name, state_of};
pub use propose::{FormProposal, Proposals};
pub use seal::{Closing, Sealer, Verifier};
pub use tally::Tally;
