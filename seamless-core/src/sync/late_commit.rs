//! Committing a batch while the next one is written: what a batch came to waits until the store would otherwise be idle.
//! Part of applying; the doors are [`Applying::make_way`], [`Applying::put_off`] and [`Applying::take_late`].
//!
//! At most one batch waits. It is committed before anything that could depend on it: a batch of another rank, link or
//! side, one that speaks of the same pairs, one that uses what other actions made, the end of the plan, a pause, an
//! error. A crash meanwhile leaves the intents of two batches open instead of one; so creates whose fate nobody could
//! find out never wait.

use std::collections::HashSet;

use crate::connector::{Capabilities, UniqueKey};
use crate::model::{LinkId, PlanId, RecordId, Result, Side};
use crate::plan::{Entry, Rank};
use crate::store::{Commit, Lease, StateStore};

use super::applying::Applying;
use super::pair_now::{PairsNow, pair_key};

/// What the entries of one batch have in common. Effects of both sides are one batch: their side is left.
pub(super) type Kind = (Rank, LinkId, Side);

/// What a batch came to and is not committed yet.
pub(super) struct Late {
    commit: Commit,
    /// The kind of its batch.
    of: Kind,
    pairs: HashSet<(Side, RecordId)>,
}

/// A commit that is under way once it is polled; nothing where none waited.
pub(super) struct Committing<'a> {
    late: Option<Late>,
    store: &'a dyn StateStore,
    lease: &'a Lease,
    plan: &'a PlanId,
}

impl Committing<'_> {
    pub(super) async fn done(self) -> Result<()> {
        match self.late {
            Some(late) => self.store.commit(self.lease, self.plan, late.commit).await,
            None => Ok(()),
        }
    }
}

impl<'a> Applying<'a> {
    /// Commits what waits where these entries could depend on it.
    pub(super) async fn make_way(&mut self, entries: &[Entry]) -> Result<()> {
        let Some(late) = &self.late else { return Ok(()) };
        let depends = |entry: &Entry| {
            let pair = pair_key(entry);
            kind(entry) != late.of
                || pair.is_none_or(|pair| late.pairs.contains(&pair))
                || entry.action().is_some_and(|action| !action.waits_for.is_empty())
        };
        match entries.iter().any(depends) {
            true => self.take_late().done().await,
            false => Ok(()),
        }
    }

    /// Takes what waits, to be committed beside something else.
    pub(super) fn take_late(&mut self) -> Committing<'a> {
        let late = self.late.take();
        Committing { late, store: &*self.inner.store, lease: &self.keeper.lease, plan: self.plan }
    }

    /// Lets what a batch came to wait, or commits it where it must not.
    pub(super) async fn put_off(
        &mut self,
        of: Kind,
        pairs: HashSet<(Side, RecordId)>,
        commit: Commit,
    ) -> Result<()> {
        let (rank, link, side) = &of;
        let link = self.link(link)?;
        // What was seen to be false is not relied on: nobody would find out about these creates.
        if !may_wait(*rank, &self.inner.capabilities(&link, *side)) {
            return self.commit(commit).await;
        }
        self.take_late().done().await?;
        self.meter.add(commit.endings.len());
        self.late = Some(Late { commit, of, pairs });
        Ok(())
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

fn may_wait(rank: Rank, capabilities: &Capabilities) -> bool {
    match rank {
        Rank::State | Rank::Update | Rank::Delete => true,
        Rank::Create => capabilities.idempotency_key || capabilities.unique_key != UniqueKey::None,
        Rank::ReleaseKeys | Rank::MoveKeys(_) | Rank::PatchReferences | Rank::Cursor => false,
    }
}
