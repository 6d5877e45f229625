//! The host's state store behind a gate: every call is a step at which the process can die, before it and after it. It also
//! hears which intents are durable, and has every commit judged (`transactions`). The door is [`witnessed`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::finding::Harm;
use super::transactions::{Concern, Ended, torn};
use super::universe::Shared;
use crate::model::{PlanId, Result, Side};
use crate::plan::{Entry, EntryKey};
use crate::store::{Commit, EntryState, Lease, StateStore};
use crate::testkit::{Around, Hooks};

/// The entries of plans by place.
type Entries = Mutex<BTreeMap<(PlanId, EntryKey), Entry>>;

#[derive(Debug)]
pub(super) struct Witness {
    world: Shared,
    entries: Entries,
}

/// A store with a witness.
pub(super) fn witnessed(inner: Arc<dyn StateStore>, world: &Shared) -> Around<Witness> {
    Around::new(inner, Witness { world: world.clone(), entries: Entries::default() })
}

impl Witness {
    /// What a call said, before it happens.
    fn heard(&self, plan: &PlanId, entries: &[Entry]) {
        let mut known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(entries.iter().map(|entry| ((plan.clone(), entry.key.clone()), entry.clone())));
        let chronicle = &mut self.world.lock().chronicle;
        let planned = entries.iter().filter_map(|entry| Some((entry.action()?.id, chronicle.run_began)));
        chronicle.planned.extend(planned.collect::<Vec<_>>());
    }

    /// The intents of these entries are durable.
    fn intended(&self, plan: &PlanId, keys: &[EntryKey]) {
        let known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries: Vec<&Entry> =
            keys.iter().filter_map(|key| known.get(&(plan.clone(), key.clone()))).collect();
        let mut world = self.world.lock();
        world.chronicle.intended.extend(entries.iter().filter_map(|entry| Some(entry.action()?.id)));
        entries.into_iter().for_each(|entry| world.sets_out(entry));
    }

    /// The intents of these entries were taken back.
    fn withdrawn(&self, plan: &PlanId, keys: &[EntryKey]) {
        let known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entries: Vec<&Entry> =
            keys.iter().filter_map(|key| known.get(&(plan.clone(), key.clone()))).collect();
        let ids: Vec<_> = entries.iter().filter_map(|entry| Some(entry.action()?.id)).collect();
        let mut world = self.world.lock();
        world.chronicle.intended.retain(|id| !ids.contains(id));
        world.have_ended(entries.into_iter());
    }

    /// The entries that end with a commit.
    fn ended(&self, plan: &PlanId, commit: &Commit) -> Vec<Ended> {
        let known = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: &EntryKey| known.get(&(plan.clone(), key.clone())).cloned();
        let ended = commit.endings.iter().filter_map(|ending| Some((of(&ending.key)?, ending.state.clone())));
        ended.collect()
    }
}

impl Hooks for Witness {
    async fn before(&self, _call: &'static str) -> Result<()> {
        self.world.step().await;
        Ok(())
    }

    async fn after(&self, _call: &'static str, _went_well: bool) -> Result<()> {
        self.world.step().await;
        Ok(())
    }

    async fn put_entries(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        entries: Vec<Entry>,
    ) -> Result<()> {
        self.heard(plan, &entries);
        inner.put_entries(lease, plan, entries).await
    }

    async fn intend(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> Result<Vec<EntryState>> {
        let answer = inner.intend(lease, plan, keys).await;
        if answer.is_ok() {
            self.intended(plan, keys);
        }
        answer
    }

    async fn withdraw(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> Result<()> {
        self.withdrawn(plan, keys);
        inner.withdraw(lease, plan, keys).await
    }

    async fn commit(
        &self,
        inner: &dyn StateStore,
        lease: &Lease,
        plan: &PlanId,
        commit: Commit,
    ) -> Result<()> {
        let ended = self.ended(plan, &commit);
        let concern = Concern::of(plan, &ended, &commit);
        let before = concern.read(inner).await;
        let answer = inner.commit(lease, plan, commit).await;
        // A store that cannot be read is judged by what becomes of the run.
        if let (Ok(before), Ok(after)) = (before, concern.read_with_entries(inner).await) {
            let mut world = self.world.lock();
            if answer.is_ok() {
                world.have_ended(ended.iter().map(|(entry, _)| entry));
            }
            for words in torn(&concern, &ended, &world.kinds, &before, &after, answer.is_ok()) {
                world.found(Harm::TornCommit, "I22", Side::Left, true, words);
            }
        }
        answer
    }
}
