//! Committing a batch while the next one is written, and making the one after that ready meanwhile: the side that is
//! written, this process and the store work at once. Part of applying; the doors are [`Applying::make_way`],
//! [`Applying::put_off`] and [`Applying::take_late`], and `send_next` in `acting`.
//!
//! While a batch is written, the outcomes of the one before are committed, and only then the intents of the one after
//! made durable. Each goes on before anything that could depend on it: a batch of another rank, link or side, one that
//! speaks of the same pairs, one that uses what other actions made, the end of the plan. At a pause or an error what
//! happened is committed, and the intents of what was not sent are taken back. Where a commit fails, what the next batch
//! was answered meanwhile is committed all the same. A crash leaves the intents of two batches open instead of one; so
//! creates whose fate nobody could find out go in batches of half the size ([`batch_entries_max`]), and no more of them
//! than else are in doubt. Where one at a time is committed nothing waits.

use std::collections::HashSet;

use futures::join;

use crate::connector::{Capabilities, UniqueKey};
use crate::model::{FieldName, LinkId, PlanId, RecordId, Result, Side};
use crate::plan::{Entry, PlannedRef, Rank};
use crate::store::{Commit, Lease, StateStore};

use super::acting::Acted;
use super::applying::{Applying, is_create};
use super::fate::Ready;
use super::pair_now::{PairsNow, pair_key};

/// What the entries of one batch have in common. Effects of both sides are one batch: their side is left.
pub(super) type Kind = (Rank, LinkId, Side);

/// What a batch came to and is not committed yet.
pub(super) struct Late {
    came_to: CameTo,
    /// The kind of its batch.
    of: Kind,
    pairs: HashSet<(Side, RecordId)>,
}

/// Actions that have ended.
pub(super) type Spent = Vec<Ready>;

/// What a batch came to.
pub(super) enum CameTo {
    /// Outcomes of actions, of which nothing is made yet.
    Acted(Acted),
    Commit(Commit),
}

impl CameTo {
    fn entries(&self) -> usize {
        match self {
            CameTo::Acted(acted) => acted.commit.endings.len() + acted.ready.len(),
            CameTo::Commit(commit) => commit.endings.len(),
        }
    }
}

/// A commit that is under way once it is polled; nothing where none waited.
pub(super) struct Committing<'a> {
    late: Option<(Commit, Spent)>,
    store: &'a dyn StateStore,
    lease: &'a Lease,
    plan: &'a PlanId,
}

impl Committing<'_> {
    pub(super) async fn done(self) -> Result<()> {
        match self.late {
            Some((commit, spent)) => {
                // The store is at work before the memory of what was sent is given back.
                let committing = self.store.commit(self.lease, self.plan, commit);
                let (committed, ()) = join!(committing, async { drop(spent) });
                committed
            }
            None => Ok(()),
        }
    }
}

impl<'a> Applying<'a> {
    /// Sends and commits what waits where these entries could depend on it.
    pub(super) async fn make_way(&mut self, entries: &[Entry]) -> Result<()> {
        let next = self.next.as_ref().map(|next| (&next.of, &next.now));
        if next.is_some_and(|(of, now)| depend(entries, of, |pair| now.contains_key(pair))) {
            self.send_next(None).await?;
        }
        let late = self.late.as_ref();
        match late.is_some_and(|late| depend(entries, &late.of, |pair| late.pairs.contains(pair))) {
            true => self.take_late().done().await,
            false => Ok(()),
        }
    }

    /// Takes what waits, to be committed beside something else.
    pub(super) fn take_late(&mut self) -> Committing<'a> {
        let late = self.late.take().map(|late| match late.came_to {
            CameTo::Acted(acted) => self.end_all(acted),
            CameTo::Commit(commit) => (commit, Spent::new()),
        });
        Committing { late, store: &*self.inner.store, lease: &self.keeper.lease, plan: self.plan }
    }

    /// Whether a batch of this kind may wait while the next one is made ready, and the next one for its answers.
    pub(super) fn may_overlap(&self, rank: Rank) -> bool {
        may_wait(rank) && self.inner.options.commit_entries_max > 1
    }

    /// Lets what a batch came to wait, or commits it where it must not.
    pub(super) async fn put_off(
        &mut self,
        of: Kind,
        pairs: HashSet<(Side, RecordId)>,
        came_to: CameTo,
    ) -> Result<()> {
        self.take_late().done().await?;
        self.meter.add(came_to.entries());
        let one_by_one = self.inner.options.commit_entries_max < 2;
        let waits = may_wait(of.0) && !(one_by_one && self.stays_in_doubt(&came_to, of.2));
        self.late = Some(Late { came_to, of, pairs });
        match waits {
            true => Ok(()),
            false => self.take_late().done().await,
        }
    }

    /// Whether a crash would leave anything that nobody could find out about.
    fn stays_in_doubt(&self, came_to: &CameTo, side: Side) -> bool {
        let CameTo::Acted(acted) = came_to else { return false };
        let capabilities = self.inner.capabilities(&acted.link, side);
        acted.ready.iter().any(|one| !can_be_found(&one.entry, &capabilities))
    }
}

/// Whether entries could depend on a batch: they are of another kind, speak of a pair of it, or use what it makes.
fn depend(entries: &[Entry], of: &Kind, has: impl Fn(&(Side, RecordId)) -> bool) -> bool {
    entries.iter().any(|entry| {
        !is_of_kind(entry, of)
            || pair_key(entry).is_none_or(|pair| has(&pair))
            || entry.action().is_some_and(|action| !action.waits_for.is_empty())
    })
}

fn is_of_kind(entry: &Entry, (rank, link, side): &Kind) -> bool {
    entry.key.rank == *rank && (*rank == Rank::State || entry.key.side == *side) && (entry.link == *link)
}

/// How many entries go in one batch: what the target takes at once, what is committed at once, and half of that where
/// nobody could find out what became of creates.
pub(super) fn batch_entries_max(
    entries: &[Entry],
    capabilities: &Capabilities,
    commit_entries_max: usize,
) -> usize {
    let target = usize::try_from(capabilities.batch_max.get()).unwrap_or(usize::MAX);
    let ours = match entries.iter().all(|entry| can_be_found(entry, capabilities)) {
        true => commit_entries_max,
        false => commit_entries_max / 2,
    };
    target.min(ours).max(1)
}

/// Whether it can be found out after a crash what became of an action, or sent again. Of a create without a value of its
/// key the key tells nothing.
fn can_be_found(entry: &Entry, capabilities: &Capabilities) -> bool {
    let Some(action) = entry.action().filter(|_| is_create(entry)) else { return true };
    let is_sent = |field: &FieldName| {
        action.changes.field(field.as_str()).is_some_and(|change| match change.after {
            PlannedRef::Known(value) => !value.is_blank(),
            PlannedRef::ResultOf(_) => true,
            PlannedRef::TargetDecides => false,
        })
    };
    capabilities.idempotency_key
        || match &capabilities.unique_key {
            UniqueKey::ClientChosenId => true,
            UniqueKey::Fields(fields) => fields.iter().all(is_sent),
            UniqueKey::None => false,
        }
}

/// The names of the pairs of a batch.
pub(super) fn names(now: &PairsNow) -> HashSet<(Side, RecordId)> {
    now.keys().cloned().collect()
}

pub(super) fn kind(entry: &Entry) -> Kind {
    let side = if entry.key.rank == Rank::State { Side::Left } else { entry.key.side };
    (entry.key.rank, entry.link.clone(), side)
}

fn may_wait(rank: Rank) -> bool {
    match rank {
        Rank::State | Rank::Create | Rank::Update | Rank::Delete => true,
        Rank::Open(_)
        | Rank::ReleaseKeys
        | Rank::MoveKeys(_)
        | Rank::PatchReferences
        | Rank::Act(_)
        | Rank::Cursor => false,
    }
}
