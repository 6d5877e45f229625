//! Floor 4: state. The port [`StateStore`] and its stores: in memory, and SQLite as the embedded default.

pub mod form;
mod memory;
mod port;
mod refuse;

pub use memory::MemoryStore;
pub use port::{
    Approval, Area, Attention, AttentionKind, AttentionWhy, Binding, Bound, Commit, Ending, EntryRow,
    EntryState, JournalLine, Lease, Mark, PageOf, Pair, PairStatus, Pause, PlanRow, PlanState, Resolution,
    Scan, SealKey, SpillRow, StateStore,
};
