//! What the two threads of a store agree on: who holds which partition, and which plans are drafts. The store's thread
//! writes it, beside the file; the spill's thread asks before it takes rows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::{PartitionId, PlanId};
use crate::store::port::Lease;
use crate::store::refuse::{Holder, check_lease};

/// Leases and drafts of one open file. Both end with the process.
#[derive(Debug, Default)]
pub(super) struct Fence(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// The newest lease of a partition, by its epoch.
    leases: HashMap<PartitionId, (u64, Holder)>,
    drafts: HashMap<PlanId, PartitionId>,
}

impl Fence {
    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing that is done under the lock can stop half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn holder(&self, partition: &PartitionId) -> Option<Holder> {
        self.held().leases.get(partition).map(|(_, holder)| holder.clone())
    }

    pub(super) fn give(&self, partition: &PartitionId, epoch: u64, holder: Holder) {
        self.held().leases.insert(partition.clone(), (epoch, holder));
    }

    pub(super) fn prolong(&self, partition: &PartitionId, until: Duration) {
        if let Some((_, holder)) = self.held().leases.get_mut(partition) {
            holder.until = until;
        }
    }

    pub(super) fn take_back(&self, partition: &PartitionId) {
        self.held().leases.remove(partition);
    }

    pub(super) fn begin_draft(&self, plan: &PlanId, partition: &PartitionId) {
        self.held().drafts.insert(plan.clone(), partition.clone());
    }

    pub(super) fn end_draft(&self, plan: &PlanId) {
        self.held().drafts.remove(plan);
    }

    pub(super) fn is_draft(&self, plan: &PlanId) -> bool {
        self.held().drafts.contains_key(plan)
    }

    /// Whether a draft takes rows under a lease. What it says no to, the file has the reason for.
    pub(super) fn admits(&self, lease: &Lease, plan: &PlanId, now: Duration) -> bool {
        let held = self.held();
        let lease_holds = held
            .leases
            .get(&lease.partition)
            .is_some_and(|(epoch, holder)| check_lease(lease, *epoch, Some(holder), now).is_ok());
        lease_holds && held.drafts.get(plan) == Some(&lease.partition)
    }
}
