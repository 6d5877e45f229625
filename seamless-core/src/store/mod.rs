//! Floor 4: state. The port [`StateStore`] and its stores: in memory, and SQLite as the embedded default.

mod port;

pub use crate::plan::{Attention, AttentionWhy, Pair, PairStatus, Resolution};
pub use port::{
    Approval, Area, AttentionKind, Binding, Bound, Commit, Ending, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pause, PlanRow, PlanState, Scan, SealKey, SpillRow, StateStore,
};
