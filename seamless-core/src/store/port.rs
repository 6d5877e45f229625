//! The port to state: pairs with their bases, plans, cursors, leases, and the spill of a plan in the making.
//!
//! What the caller may assume: a call that returned `Ok` is visible to every later call, and in a store on disk it
//! survives a loss of power where its doc says no less. What an implementer must guarantee stands at each method.
//! Dropping a future leaves a call either done or not done, never half done.
//!
//! Lists are pages by key; no cursor of a database stays open between calls. Every call that writes takes a lease
//! and fails with [`ErrorKind::Fenced`](crate::ErrorKind::Fenced) under an old epoch.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::model::{
    Fingerprint, LinkId, PartitionId, PlanId, RecordId, Result, RuleId, Side, Sides, Timestamp,
};
pub use crate::plan::{Attention, AttentionWhy, Pair, PairStatus, Resolution};
use crate::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};

/// What a store is tied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The identity of each side's system.
    pub systems: Sides<String>,
    /// The digest of the whole configuration, hexadecimal.
    pub configuration: String,
    /// Per link, the digest of what decides about its records beside its rules (entities, scope, matching).
    pub links: Vec<(LinkId, String)>,
    /// Per link and rule, the digest of the rule.
    pub rules: Vec<(LinkId, RuleId, String)>,
}

/// What binding found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The store was empty and is bound now.
    First,
    /// Everything is as it was.
    Same,
    /// The systems are the same; the configuration is another one. What it was before.
    Reconfigured(Box<Binding>),
    /// The store belongs to other systems. Nothing was changed; a person has to say that they are the same.
    Foreign(Box<Binding>),
}

/// The right to work on a partition until it ends or somebody takes it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: PartitionId,
    /// Who has it.
    pub worker: String,
    /// Higher than that of any lease of this partition before: the fencing token.
    pub epoch: u64,
}

/// A page request: rows after a key, at most so many.
#[derive(Clone, Debug)]
pub struct Scan<K> {
    /// Rows after this key; `None`: from the start.
    pub after: Option<K>,
    /// Rows at most.
    pub rows_max: usize,
}

impl<K> Scan<K> {
    /// The first page.
    pub fn first(rows_max: usize) -> Self {
        Self { after: None, rows_max }
    }

    /// The page after a key.
    pub fn after(key: K, rows_max: usize) -> Self {
        Self { after: Some(key), rows_max }
    }
}

/// A page of rows, in key order.
#[derive(Clone, Debug)]
pub struct PageOf<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

/// A pair without its bases: what a re-run reads of every pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The two records.
    pub ids: Sides<RecordId>,
    /// What the pair is now.
    pub status: PairStatus,
    /// Fingerprints of both bases.
    pub fingerprint: Sides<Fingerprint>,
    /// Whether the pair must be looked at whatever its fingerprints say: an open conflict, a parked or waiting rule.
    pub watch: bool,
}

/// One row of a spill: a key that orders it and a content that only its writer understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpillRow {
    /// The key; a later row with the same key replaces an earlier one.
    pub key: Vec<u8>,
    /// The content.
    pub content: Vec<u8>,
}

/// A named part of a plan's spill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// The place of the link in dependency order.
    pub link: u16,
    /// What is kept there; the sync floor's to name.
    pub kind: u8,
    /// The side, where one is meant.
    pub side: Option<Side>,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum EntryState {
    /// Not begun.
    Planned,
    /// Its intent is durable; the write may have happened.
    Intended {
        /// How often it was sent.
        attempts: u32,
    },
    /// It happened.
    Applied {
        /// The id of the record that was made or changed, where there is one.
        id: Option<RecordId>,
        /// When.
        at: Timestamp,
    },
    /// It did not happen and will not: the basis moved, or the write was refused.
    Dropped {
        /// Why, in words.
        why: String,
        /// When.
        at: Timestamp,
    },
}

impl EntryState {
    /// Whether the entry has ended.
    pub fn is_ended(&self) -> bool {
        matches!(self, EntryState::Applied { .. } | EntryState::Dropped { .. })
    }
}

/// An entry with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct EntryRow {
    /// The entry.
    pub entry: Entry,
    /// Where it stands.
    pub state: EntryState,
}

/// How much of each entry is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryParts {
    /// What people see of it: all but [`Entry::observed`], which is left empty. Half the cost.
    Shown,
    /// All of it.
    Whole,
}

/// What the store knows of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// The head.
    pub head: PlanHead,
    /// The trailer; `None` while it is a draft.
    pub trailer: Option<Trailer>,
    /// Where it stands.
    pub state: PlanState,
    /// Who approved it, and what they overrode.
    pub approval: Option<Approval>,
}

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Being made.
    Draft,
    /// Complete, waiting for approval.
    Sealed,
    /// Approved and being applied.
    Adopted,
    /// Every entry has ended.
    Done,
    /// Given up before it was applied to its end.
    Abandoned,
}

/// A person's yes to one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The plan.
    pub plan: PlanId,
    /// Its digest: an approval binds to what was shown.
    pub digest: String,
    /// Who said yes.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The guards that are overridden, by name.
    pub overrides: Vec<String>,
}

/// How an entry ended, for a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// The entry.
    pub key: EntryKey,
    /// How.
    pub state: EntryState,
}

/// What one transaction changes.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Entries that ended.
    pub endings: Vec<Ending>,
    /// Pairs as they are from now on. A pair that is new takes both its ids; one of them being taken is an error of
    /// kind [`Conflict`](crate::ErrorKind::Conflict) and the transaction changes nothing.
    pub pairs: Vec<(LinkId, Pair)>,
    /// Things to look at. One row per link, side, record, kind and rules; a later one replaces an earlier one.
    pub attention: Vec<(LinkId, Attention)>,
    /// Records whose attention rows of the named kinds end. Taken before `attention` is added.
    pub settled: Vec<(LinkId, Side, RecordId, AttentionKind)>,
    /// Where reading goes on.
    pub feeds: Vec<(LinkId, Side, Feed)>,
    /// Resolutions that were used or do not hold any more.
    pub resolved: Vec<(LinkId, Resolution)>,
}

/// The kinds of attention, to end them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttentionKind {
    /// Hints.
    Hint,
    /// Retries.
    Retry,
    /// Parked items.
    Parked,
    /// Conflicts.
    Conflict,
    /// All of them.
    All,
}

/// A stop that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// Its place; grows.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What happened, as a stable name: `adopted`, `done`, `paused`, `resumed`, `resolved`, `rebound`.
    pub what: String,
    /// Who.
    pub by: String,
    /// The plan, where one is concerned.
    pub plan: Option<PlanId>,
    /// In words.
    pub note: String,
}

/// The key of plan seals. Drawn once by the store; it never leaves with a plan.
#[derive(Clone)]
pub struct SealKey(pub [u8; 32]);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(***)")
    }
}

/// The port to state. See the module's page.
#[async_trait]
pub trait StateStore: fmt::Debug + Send + Sync + 'static {
    /// Ties the store to systems and configuration, or says what differs. Resets nothing, changes nothing unless it
    /// is the first time.
    async fn bind(&self, binding: &Binding) -> Result<Bound>;

    /// Takes a new configuration for the same systems. Bases stay; the journal says so.
    async fn rebind(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()>;

    /// Ties the store to other systems, since a person said that they are the ones: a system that was moved, or got another
    /// identity. Pairs, bases and everything that is open stay. Moves the revision, so that no plan for the former systems
    /// can be approved any more. The journal names the systems.
    ///
    /// Errors: of kind [`ErrorKind::Conflict`](crate::model::ErrorKind::Conflict) where the store has no binding yet.
    async fn rehome(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()>;

    /// The key of seals: the same for the store's whole life.
    async fn seal_key(&self) -> Result<SealKey>;

    /// The revision of the state: moves with every commit.
    async fn revision(&self) -> Result<u64>;

    /// Takes a partition for a while, with a higher epoch than ever before; `None` while another worker holds it. A
    /// lease that is never released ends by itself.
    async fn lease(&self, partition: &PartitionId, worker: &str, lasts: Duration) -> Result<Option<Lease>>;

    /// Prolongs a lease. Need not survive a crash: a lease may end with its process.
    async fn renew(&self, lease: &Lease, lasts: Duration) -> Result<()>;

    /// Gives a lease back; nothing happens when it ended before.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// The marks of a link's pairs, in the order of the side's ids, ended pairs included.
    async fn marks(&self, link: &LinkId, side: Side, scan: Scan<RecordId>) -> Result<PageOf<Mark>>;

    /// How many pairs of a link are linked or frozen.
    async fn pair_count(&self, link: &LinkId) -> Result<u64>;

    /// The marks of these records of a side: as long as asked, in the order asked. A record that was in several pairs
    /// over time has the one that has not ended, or else the last.
    async fn marks_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Mark>>>;

    /// The pairs of these records of a side with their bases: as long as asked, in the order asked; otherwise as
    /// [`StateStore::marks_of`].
    async fn pairs_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Pair>>>;

    /// The marks of pairs that must be looked at, by left id.
    async fn watched(&self, link: &LinkId, scan: Scan<RecordId>) -> Result<PageOf<Mark>>;

    /// Where reading of a side stands; `None` before the first run.
    async fn feed(&self, link: &LinkId, side: Side) -> Result<Option<Feed>>;

    /// Adds hints. Needs no lease; the same hint again has no further effect.
    async fn notify(&self, link: &LinkId, hints: &[Attention]) -> Result<()>;

    /// What is to be looked at and due by now, by side and record. With `until` none: everything.
    async fn attention(
        &self,
        link: &LinkId,
        until: Option<Timestamp>,
        scan: Scan<(Side, RecordId)>,
    ) -> Result<PageOf<Attention>>;

    /// Everything that is open about these records of a side: as long as asked, in the order asked.
    async fn attention_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Vec<Attention>>>;

    /// Keeps people's decisions for the next plan, all of them in one transaction. Needs no lease; a later one for the same
    /// group replaces an earlier one.
    async fn resolve(&self, resolutions: &[(LinkId, Resolution)], at: Timestamp) -> Result<()>;

    /// The decisions about a link's conflicts that no plan has used yet.
    async fn resolutions(&self, link: &LinkId) -> Result<Vec<Resolution>>;

    /// Begins a plan in the making; drafts of the same partition that were left behind are discarded. Like all of a
    /// draft it need not survive a crash, which discards it.
    async fn draft(&self, lease: &Lease, head: &PlanHead) -> Result<()>;

    /// Adds rows to a draft's spill. Not durable: a crash discards the draft.
    async fn spill(&self, lease: &Lease, plan: &PlanId, area: Area, rows: Vec<SpillRow>) -> Result<()>;

    /// Rows of an area, in key order.
    async fn spilled(&self, plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> Result<PageOf<SpillRow>>;

    /// The contents under these keys: as long as asked, in the order asked.
    async fn spilled_of(&self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Puts entries into a draft; one with the same key is replaced. They need not survive a crash before
    /// [`StateStore::finish`].
    async fn put_entries(&self, lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> Result<()>;

    /// Entries of a plan in key order, with where they stand.
    async fn entries(
        &self,
        plan: &PlanId,
        parts: EntryParts,
        scan: Scan<EntryKey>,
    ) -> Result<PageOf<EntryRow>>;

    /// Completes a draft: it is sealed, its spill is dropped, and head, entries and trailer are durable.
    async fn finish(&self, lease: &Lease, plan: &PlanId, trailer: &Trailer) -> Result<()>;

    /// Gives a plan up that is not being applied. An unknown plan is given up already.
    async fn discard(&self, lease: &Lease, plan: &PlanId) -> Result<()>;

    /// What is known of a plan.
    async fn plan(&self, plan: &PlanId) -> Result<Option<PlanRow>>;

    /// The plan of a partition that is being applied.
    async fn adopted(&self, partition: &PartitionId) -> Result<Option<PlanId>>;

    /// Begins to apply a plan. Errors: `Conflict` when the state moved since the plan was made, when another plan of
    /// the partition is being applied, or when the plan is not sealed or the digest is not the approval's.
    async fn adopt(&self, lease: &Lease, approval: &Approval) -> Result<()>;

    /// Makes the intent of entries durable before their writes are sent: returns, per key, where the entry stood
    /// before. Ended entries stay ended.
    async fn intend(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<Vec<EntryState>>;

    /// Takes back intents of entries that were not sent: each is what it was before it was intended the last time. One that
    /// is not intended stays as it is.
    async fn withdraw(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()>;

    /// Entries whose intent is durable and whose end is not, in key order.
    async fn open_intents(&self, plan: &PlanId, scan: Scan<EntryKey>) -> Result<PageOf<EntryRow>>;

    /// One transaction: all of it or nothing, durable when it returns. The same ending twice changes nothing.
    async fn commit(&self, lease: &Lease, plan: &PlanId, commit: Commit) -> Result<()>;

    /// Ends a plan that is being applied.
    async fn complete(&self, lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> Result<()>;

    /// Asks a running apply to stop between batches, or (with none) to go on. Needs no lease; journalled.
    async fn set_pause(&self, pause: Option<&Pause>, by: &str, at: Timestamp) -> Result<()>;

    /// The pause that is in force.
    async fn pause(&self) -> Result<Option<Pause>>;

    /// Lines of the journal, newest first: lines before a number.
    async fn journal(&self, scan: Scan<u64>) -> Result<PageOf<JournalLine>>;
}
