//! The two ends of a plan: its head, known when it begins, and its trailer, known when it is complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::guarantee::Guarantee;
use super::guard::GuardTrip;
use super::propose::FormProposal;
use crate::connector::Trigger;
use crate::model::{ActionName, LinkId, PartitionId, PlanId, Side, Sides, Timestamp};

/// What a plan is about: written first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanHead {
    /// The id, derived from what the plan was made of.
    pub id: PlanId,
    /// The partition.
    pub partition: PartitionId,
    /// When it was made, by the host's clock.
    pub made_at: Timestamp,
    /// The identity of each side's system and environment.
    pub systems: Sides<SystemIdentity>,
    /// The digest of the configuration: mapping, filters, policies. Hexadecimal.
    pub configuration: String,
    /// The links, in dependency order.
    pub links: Vec<LinkId>,
    /// The state revision that the plan was made from; it moves with every commit.
    pub state_revision: u64,
    /// What the two systems allow us to promise, per link and side.
    pub guarantee: Vec<Guarantee>,
    /// The actions of the systems that the mapping moves states by, of links that have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<LinkActions>,
    /// What writes of the plan set off in the systems, of sides that declare any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets_off: Vec<SetOff>,
}

/// Whether a link is filled for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPhase {
    /// No plan of the link was applied to its end yet: its records are loaded.
    Initial,
    /// Ever after.
    Normal,
}

impl LinkPhase {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            LinkPhase::Initial => "initial load",
            LinkPhase::Normal => "normal",
        }
    }
}

/// What writes of a link set off on a side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetOff {
    /// The link.
    pub link: LinkId,
    /// The side.
    pub side: Side,
    /// The phase that what is bypassed was chosen for.
    pub phase: LinkPhase,
    /// What will fire, with the writes of the link that set it off.
    pub fires: Vec<Trigger>,
    /// What will not: the writes ask the system to leave it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bypassed: Vec<String>,
}

/// The actions by which a mapping moves the states of a side's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkActions {
    /// The link.
    pub link: LinkId,
    /// The side.
    pub side: Side,
    /// The actions, each once, in the order of the mapping.
    pub actions: Vec<ActionName>,
    /// Those among them that the system does not declare: what needs one is refused there, and waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undeclared: Vec<ActionName>,
}

/// A system as the head names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemIdentity {
    /// The name that the mapping gives the side.
    pub side: String,
    /// What kind of system.
    pub system: String,
    /// Which one.
    pub identity: String,
    /// What people call it.
    pub label: String,
}

/// What a plan came to: written last, with the seal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trailer {
    /// Counts per link.
    pub counts: BTreeMap<LinkId, Counts>,
    /// Guards that stop the plan, unless a person overrides them by name.
    pub guards: Vec<GuardTrip>,
    /// Forms that the systems seem to keep values in, where this plan found one more sign of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<FormProposal>,
    /// Runs after which nothing remains to be done, if nobody edits: usually one, more where references wait.
    pub runs_to_quiet: u32,
    /// The digest of every line before the trailer, hexadecimal.
    pub digest: String,
    /// The keyed digest of head, entries and counts, hexadecimal; its key never leaves the state store.
    pub seal: String,
}

/// Counts of one link, per side where a side is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Creates.
    pub create: Sides<u64>,
    /// Updates.
    pub update: Sides<u64>,
    /// Deletes.
    pub delete: Sides<u64>,
    /// Actions of the systems' own: release, reopen, post.
    #[serde(default, skip_serializing_if = "is_none")]
    pub act: Sides<u64>,
    /// New pairs of existing records, those that go on with a survivor of a merge among them.
    pub link: u64,
    /// Agreements that only move bases.
    pub agree: u64,
    /// Open conflicts.
    pub conflict: u64,
    /// Parked items.
    pub parked: u64,
    /// Divergences found.
    pub diverged: u64,
    /// Pairs that end.
    pub ended: u64,
    /// Conflicts and parked rules that are over without a write.
    #[serde(default)]
    pub closed: u64,
    /// Pairs that freeze because a record left the scope, or thaw because it came back.
    #[serde(default)]
    pub scope: u64,
    /// Pairs that were looked at.
    pub looked_at: u64,
    /// Pairs known before this plan.
    pub pairs: u64,
}

fn is_none(counts: &Sides<u64>) -> bool {
    counts.left == 0 && counts.right == 0
}

impl Counts {
    /// Writes to either side.
    pub fn writes(&self) -> u64 {
        [&self.create, &self.update, &self.delete, &self.act]
            .iter()
            .map(|sides| sides.left + sides.right)
            .sum()
    }
}

impl Trailer {
    /// Entries that change anything but cursors.
    pub fn entries(&self) -> u64 {
        let of = |counts: &Counts| {
            let Counts { link, agree, conflict, parked, diverged, ended, closed, scope, .. } = counts;
            counts.writes() + link + agree + conflict + parked + diverged + ended + closed + scope
        };
        self.counts.values().map(of).sum()
    }

    /// Writes in the whole plan.
    pub fn writes(&self) -> u64 {
        self.counts.values().map(Counts::writes).sum()
    }

    /// Conflicts and parked items in the whole plan.
    pub fn waiting(&self) -> u64 {
        self.counts.values().map(|counts| counts.conflict + counts.parked).sum()
    }
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
