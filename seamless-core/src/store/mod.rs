//! Floor 4: state. The port [`StateStore`] and its stores: in memory, and SQLite as the embedded default.
//!
//! It knows how rows are kept, and not what a base or an entry means to a run. `form` has the stored types and their
//! versions, `refuse` the checks that both stores share. The doors are [`MemoryStore::new`] and `SqliteStore::open`.

pub mod form;
mod memory;
#[cfg(feature = "sqlite")]
mod migrate;
mod port;
mod refuse;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use memory::MemoryStore;
pub use port::{
    Approval, Area, Attention, AttentionKind, AttentionWhy, Binding, Bound, Commit, Ending, EntryParts,
    EntryRow, EntryState, JournalLine, Lease, Mark, PageOf, Pair, PairStatus, Pause, PlanRow, PlanState,
    Resolution, Scan, SealKey, SpillRow, StateStore,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteStore, WORKING_BYTES};

#[cfg(all(test, feature = "sqlite"))]
mod compare_tests;
#[cfg(test)]
mod test_kit;
