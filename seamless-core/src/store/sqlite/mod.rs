//! The embedded store: one SQLite file, owned by one process and written by one thread.
//!
//! Stored form, invariants and assumptions are in `store/DESIGN.md`. Durability: everything that a run relies on
//! (leases, plans from [`finish`](StateStore::finish) on, intents, commits, endings, hints, decisions, pauses) has
//! reached the disk when its call returns; drafts and their entries survive a crash of the process only to be
//! discarded, and spills live in a temporary file without a name.
//!
//! What a call brings comes back with its answer, to the thread that made it: memory that one thread allocates and another
//! one frees makes both wait for the allocator.
//!
//! It does not know what entries and bases mean. Its door is [`SqliteStore::open`].

mod db;
pub(super) mod error;
mod fence;
mod home;
mod notes;
mod open;
mod pairs;
mod plans;
mod spill;
#[cfg(test)]
mod tests;
mod thread;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::db::Db;
use self::fence::Fence;
use self::home::Home;
use self::spill::Spill;
use self::thread::Thread;
use super::port::{
    Approval, Area, Attention, Binding, Bound, Commit, EntryParts, EntryRow, EntryState, JournalLine, Lease,
    Mark, PageOf, Pair, Pause, PlanRow, PlanState, Resolution, Scan, SealKey, SpillRow, StateStore,
};
use super::refuse;
use crate::clock::Clock;
use crate::model::{LinkId, PartitionId, PlanId, RecordId, Result, Side, Timestamp};
use crate::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};

/// Bytes of what a plan in the making works with that stay in memory; what is beyond goes into a temporary file. A re-run of
/// a million pairs stays below 64 MB with it; more made no first sync faster that was measured.
pub const WORKING_BYTES: usize = 2 << 20;

/// A store in one SQLite file.
///
/// Leases are kept in memory and end with the process: the file is locked against others as long as it is open.
/// Dropping the store waits for calls that are at work and closes the file.
#[derive(Debug)]
pub struct SqliteStore {
    thread: Thread<Db>,
    /// Has a thread of its own: a page of a plan in the making is read while entries are written.
    spill: Thread<Spill>,
    fence: Arc<Fence>,
    clock: Arc<dyn Clock>,
}

impl SqliteStore {
    /// Opens the store in a file, or makes it, readable by its owner only. Drafts that a crash left are discarded; a
    /// file of an older version is brought to this one. Blocks.
    ///
    /// Errors: `Unavailable` when another process has the file open or it cannot be written; `Configuration` when it
    /// is another program's or of a newer version; `Corrupt` when it is damaged. Nothing is changed then.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::open_with_working_bytes(path, clock, WORKING_BYTES)
    }

    /// As [`SqliteStore::open`]; of what a plan in the making works with this many bytes at most stay in memory, in place
    /// of [`WORKING_BYTES`]: for hosts with little memory, or with much and large first syncs. With 0 all of it goes into
    /// a temporary file.
    ///
    /// Errors: as of [`SqliteStore::open`].
    pub fn open_with_working_bytes(
        path: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
        working_bytes: usize,
    ) -> Result<Self> {
        let path = path.as_ref();
        // Names that SQLite takes for something else than a file (`:memory:`, `file:..`) are files here.
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let opened = Self::start(open::open(path)?, clock, Some(path), working_bytes);
        opened.map_err(|error| error.at("file", path.display()))
    }

    /// A store in memory that is SQLite all the same: for tests, and for rehearsals that must not leave a file.
    pub fn open_in_memory(clock: Arc<dyn Clock>) -> Result<Self> {
        Self::start(open::open_in_memory()?, clock, None, WORKING_BYTES)
    }

    fn start(
        file: rusqlite::Connection,
        clock: Arc<dyn Clock>,
        path: Option<&Path>,
        working_bytes: usize,
    ) -> Result<Self> {
        let fence = Arc::new(Fence::default());
        let mut db = Db::new(file, Arc::clone(&clock), Arc::clone(&fence))?;
        // Only now is the log beside it for certain.
        db.home = path.map(Home::of).unwrap_or_default();
        let spill = Spill::new(open::open_spill()?, working_bytes);
        Ok(Self {
            thread: Thread::start("seamless-store", db)?,
            spill: Thread::start("seamless-spill", spill)?,
            fence,
            clock,
        })
    }

    /// Gives back the room of these plans, and of all that are drafts no more.
    async fn drop_spills(&self, gone: Vec<PlanId>) -> Result<()> {
        let fence = Arc::clone(&self.fence);
        let stays = move |plan: &PlanId| fence.is_draft(plan) && !gone.contains(plan);
        self.spill.call(move |spill| spill.keep(stays)).await
    }

    /// Gives back the room of plans that ended. That a plan ended is durable by now, so a failure is none of it: the
    /// next plan that ends or begins tries again.
    async fn give_back_room(&self) {
        if let Err(error) = self.drop_spills(Vec::new()).await {
            tracing::warn!(%error, "the room of a plan that ended could not be given back yet");
        }
    }

    /// Forgets plans that ended before a moment, with their entries and the values in them: pairs and journal stay.
    /// Returns how many.
    pub async fn prune(&self, before: Timestamp) -> Result<usize> {
        self.thread.call(move |db| db.prune(before)).await
    }
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn bind(&self, binding: &Binding) -> Result<Bound> {
        let binding = binding.clone();
        self.thread.call(move |db| db.bind(&binding)).await
    }

    async fn rebind(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        let (lease, binding) = (lease.clone(), binding.clone());
        self.thread.call(move |db| db.rebind(&lease, &binding, at)).await
    }

    async fn rehome(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        let (lease, binding) = (lease.clone(), binding.clone());
        self.thread.call(move |db| db.rehome(&lease, &binding, at)).await
    }

    async fn seal_key(&self) -> Result<SealKey> {
        self.thread.call(|db| db.seal_key()).await
    }

    async fn revision(&self) -> Result<u64> {
        self.thread.call(|db| Ok(db.revision)).await
    }

    async fn lease(&self, partition: &PartitionId, worker: &str, lasts: Duration) -> Result<Option<Lease>> {
        let (partition, worker) = (partition.clone(), worker.to_owned());
        self.thread.call(move |db| db.lease(&partition, &worker, lasts)).await
    }

    async fn renew(&self, lease: &Lease, lasts: Duration) -> Result<()> {
        let lease = lease.clone();
        self.thread.call(move |db| db.renew(&lease, lasts)).await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = lease.clone();
        self.thread
            .call(move |db| {
                db.release(&lease);
                Ok(())
            })
            .await
    }

    async fn marks(&self, link: &LinkId, side: Side, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        let link = link.clone();
        self.thread.call(move |db| db.marks(&link, side, &scan)).await
    }

    async fn pair_count(&self, link: &LinkId) -> Result<u64> {
        let link = link.clone();
        self.thread.call(move |db| db.pair_count(&link)).await
    }

    async fn marks_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Mark>>> {
        let (link, ids) = (link.clone(), ids.to_vec());
        self.thread.call(move |db| db.marks_of(&link, side, &ids)).await
    }

    async fn pairs_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Pair>>> {
        let (link, ids) = (link.clone(), ids.to_vec());
        self.thread.call(move |db| db.pairs_of(&link, side, &ids)).await
    }

    async fn watched(&self, link: &LinkId, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        let link = link.clone();
        self.thread.call(move |db| db.watched(&link, &scan)).await
    }

    async fn feed(&self, link: &LinkId, side: Side) -> Result<Option<Feed>> {
        let link = link.clone();
        self.thread.call(move |db| db.feed(&link, side)).await
    }

    async fn notify(&self, link: &LinkId, hints: &[Attention]) -> Result<()> {
        let (link, hints) = (link.clone(), hints.to_vec());
        self.thread.call(move |db| db.notify(&link, &hints)).await
    }

    async fn attention(
        &self,
        link: &LinkId,
        until: Option<Timestamp>,
        scan: Scan<(Side, RecordId)>,
    ) -> Result<PageOf<Attention>> {
        let link = link.clone();
        self.thread.call(move |db| db.attention(&link, until, &scan)).await
    }

    async fn attention_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Vec<Attention>>> {
        let (link, ids) = (link.clone(), ids.to_vec());
        self.thread.call(move |db| db.attention_of(&link, side, &ids)).await
    }

    async fn resolve(&self, resolutions: &[(LinkId, Resolution)], at: Timestamp) -> Result<()> {
        let resolutions = resolutions.to_vec();
        self.thread.call(move |db| db.resolve(&resolutions, at)).await
    }

    async fn resolutions(&self, link: &LinkId) -> Result<Vec<Resolution>> {
        let link = link.clone();
        self.thread.call(move |db| db.resolutions(&link)).await
    }

    async fn draft(&self, lease: &Lease, head: &PlanHead) -> Result<()> {
        let (lease, head) = (lease.clone(), head.clone());
        let gone = self.thread.call(move |db| db.draft(&lease, &head)).await?;
        self.drop_spills(gone).await
    }

    async fn spill(&self, lease: &Lease, plan: &PlanId, area: Area, rows: Vec<SpillRow>) -> Result<()> {
        if !self.fence.admits(lease, plan, self.clock.elapsed()) {
            let (lease, plan) = (lease.clone(), plan.clone());
            self.thread.call(move |db| db.check_spill(&lease, &plan)).await?;
        }
        let (fence, plan) = (Arc::clone(&self.fence), plan.clone());
        let put = move |spill: &mut Spill| match fence.is_draft(&plan) {
            true => spill.put(&plan, area, &rows).map(|()| rows),
            false => Err(refuse::no_plan(&plan)),
        };
        self.spill.call(put).await.map(drop)
    }

    async fn spilled(&self, plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> Result<PageOf<SpillRow>> {
        let plan = plan.clone();
        self.spill.call(move |spill| spill.scan(&plan, area, &scan)).await
    }

    async fn spilled_of(&self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let (plan, keys) = (plan.clone(), keys.to_vec());
        self.spill.call(move |spill| spill.of(&plan, area, &keys)).await
    }

    async fn put_entries(&self, lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> Result<()> {
        let (lease, plan) = (lease.clone(), plan.clone());
        let put = move |db: &mut Db| db.put_entries(&lease, &plan, &entries).map(|()| entries);
        self.thread.call(put).await.map(drop)
    }

    async fn entries(
        &self,
        plan: &PlanId,
        parts: EntryParts,
        scan: Scan<EntryKey>,
    ) -> Result<PageOf<EntryRow>> {
        let plan = plan.clone();
        match parts {
            // Whoever shows entries has as much to do with each as the store has to read it.
            EntryParts::Shown => self.thread.call(move |db| db.entries(&plan, &scan)?.read(parts)).await,
            EntryParts::Whole => self.thread.call(move |db| db.entries(&plan, &scan)).await?.read(parts),
        }
    }

    async fn finish(&self, lease: &Lease, plan: &PlanId, trailer: &Trailer) -> Result<()> {
        let (lease, plan, trailer) = (lease.clone(), plan.clone(), trailer.clone());
        self.thread.call(move |db| db.finish(&lease, &plan, &trailer)).await?;
        self.give_back_room().await;
        Ok(())
    }

    async fn discard(&self, lease: &Lease, plan: &PlanId) -> Result<()> {
        let (lease, plan) = (lease.clone(), plan.clone());
        self.thread.call(move |db| db.discard(&lease, &plan)).await?;
        self.give_back_room().await;
        Ok(())
    }

    async fn plan(&self, plan: &PlanId) -> Result<Option<PlanRow>> {
        let plan = plan.clone();
        self.thread.call(move |db| db.plan(&plan)).await
    }

    async fn adopted(&self, partition: &PartitionId) -> Result<Option<PlanId>> {
        let partition = partition.clone();
        self.thread.call(move |db| db.adopted(&partition)).await
    }

    async fn adopt(&self, lease: &Lease, approval: &Approval) -> Result<()> {
        let (lease, approval) = (lease.clone(), approval.clone());
        self.thread.call(move |db| db.adopt(&lease, &approval)).await
    }

    async fn intend(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<Vec<EntryState>> {
        let (lease, plan, keys) = (lease.clone(), plan.clone(), keys.to_vec());
        self.thread.call(move |db| db.intend(&lease, &plan, &keys)).await
    }

    async fn withdraw(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()> {
        let (lease, plan, keys) = (lease.clone(), plan.clone(), keys.to_vec());
        self.thread.call(move |db| db.withdraw(&lease, &plan, &keys)).await
    }

    async fn open_intents(&self, plan: &PlanId, scan: Scan<EntryKey>) -> Result<PageOf<EntryRow>> {
        let plan = plan.clone();
        self.thread.call(move |db| db.open_intents(&plan, &scan)).await?.read(EntryParts::Whole)
    }

    async fn commit(&self, lease: &Lease, plan: &PlanId, commit: Commit) -> Result<()> {
        let (lease, plan) = (lease.clone(), plan.clone());
        self.thread.call(move |db| db.commit(&lease, &plan, commit)).await.map(drop)
    }

    async fn complete(&self, lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> Result<()> {
        let (lease, plan) = (lease.clone(), plan.clone());
        self.thread.call(move |db| db.complete(&lease, &plan, state, at)).await
    }

    async fn set_pause(&self, pause: Option<&Pause>, by: &str, at: Timestamp) -> Result<()> {
        let (pause, by) = (pause.cloned(), by.to_owned());
        self.thread.call(move |db| db.set_pause(pause.as_ref(), &by, at)).await
    }

    async fn pause(&self) -> Result<Option<Pause>> {
        self.thread.call(|db| db.pause()).await
    }

    async fn journal(&self, scan: Scan<u64>) -> Result<PageOf<JournalLine>> {
        self.thread.call(move |db| db.journal(&scan)).await
    }
}
