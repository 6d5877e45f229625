//! A state store that keeps something else than it is told.

use std::sync::Arc;

use seamless_core::model::{LinkId, PlanId, Presence, RecordId, Result, Side, Timestamp, Value};
use seamless_core::plan::EntryKey;
use seamless_core::store::{
    Commit, Ending, EntryState, Lease, Mark, MemoryStore, PageOf, Resolution, Scan, StateStore,
};
use seamless_core::testkit::world::VirtualClock;
use seamless_core::testkit::{Around, Hooks};

/// What is wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFlaw {
    /// Keeps bases that no side ever held.
    WrongBases,
    /// Shows a pair twice.
    TwoPartners,
    /// Keeps how an entry ended, and not what that means for a pair that is there already.
    LosesPairs,
    /// Keeps what becomes of pairs, and not what is to be looked at.
    LosesAttention,
    /// Takes an entry for ended as soon as it is about to be sent.
    EndsWithIntent,
    /// Forgets what people decided.
    ForgetsDecisions,
    /// Gives the other side the win.
    TurnsDecisions,
}

impl StoreFlaw {
    /// An empty store with this flaw.
    pub(crate) fn open(self, clock: &Arc<VirtualClock>) -> Arc<dyn StateStore> {
        Arc::new(Around::new(Arc::new(MemoryStore::new(clock.clone())), self))
    }

    fn broken(self, mut commit: Commit) -> Commit {
        match self {
            StoreFlaw::WrongBases => {
                for (_, pair) in &mut commit.pairs {
                    if let Some(slot) = pair.base.right.shape().slot("Name") {
                        let nobody = Value::text("v77777 nobody");
                        pair.base.right = pair.base.right.with([(slot, Presence::Value(nobody.as_ref()))]);
                    }
                }
            }
            StoreFlaw::LosesPairs => commit.pairs.retain(|(_, pair)| pair.revision < 2),
            StoreFlaw::LosesAttention => commit.attention.clear(),
            // As it ended with its intent: then nobody knew which record it made.
            StoreFlaw::EndsWithIntent => {
                for ending in &mut commit.endings {
                    if let EntryState::Applied { id, .. } = &mut ending.state {
                        *id = None;
                    }
                }
            }
            StoreFlaw::TwoPartners | StoreFlaw::ForgetsDecisions | StoreFlaw::TurnsDecisions => {}
        }
        commit
    }
}

impl Hooks for StoreFlaw {
    async fn commit(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        commit: Commit,
    ) -> Result<()> {
        inner.commit(lease, plan, self.broken(commit)).await
    }

    async fn intend(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> Result<Vec<EntryState>> {
        let before = inner.intend(lease, plan, keys).await?;
        if *self == StoreFlaw::EndsWithIntent {
            let state = EntryState::Applied { id: None, at: Timestamp::MIN_UTC };
            let endings = keys.iter().map(|key| Ending { key: key.clone(), state: state.clone() });
            let commit = Commit { endings: endings.collect(), ..Commit::default() };
            inner.commit(lease, plan, commit).await?;
        }
        Ok(before)
    }

    async fn resolutions(&self, inner: &dyn StateStore, link: &LinkId) -> Result<Vec<Resolution>> {
        let mut kept = inner.resolutions(link).await?;
        match self {
            StoreFlaw::ForgetsDecisions => kept.clear(),
            StoreFlaw::TurnsDecisions => {
                kept.iter_mut().for_each(|resolution| resolution.take = resolution.take.other());
            }
            _ => {}
        }
        Ok(kept)
    }

    async fn marks(
        &self,
        inner: &dyn StateStore,
        link: &LinkId,
        side: Side,
        scan: Scan<RecordId>,
    ) -> Result<PageOf<Mark>> {
        let mut page = inner.marks(link, side, scan).await?;
        if *self == StoreFlaw::TwoPartners {
            page.rows.extend(page.rows.last().cloned());
        }
        Ok(page)
    }
}
