//! What is known from earlier runs: pairs with their bases, what is open about records, and what people decided.
//!
//! A plan is made from these and from what is observed now. The store keeps them; `settle` of the sync floor moves
//! them. Everything here is data.

use serde::{Deserialize, Serialize};

use crate::merge::{CompiledLink, LossyForm};
use crate::model::{
    Bits, FieldName, Fingerprint, PlanId, Record, RecordId, RuleId, Side, Sides, Timestamp, Version,
};

use super::parking::ParkedAs;

/// What a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    /// The two records are kept in step.
    Linked,
    /// This side's record left the scope; bases are kept, nothing is written.
    Frozen(Side),
    /// The pair ended with consent; its records are not paired or created anew by themselves.
    Ended,
}

/// Stands for the fingerprint of a record that was gone when its pair ended, under every mapping: a record of that id
/// that is there later is there anew.
pub const GONE: Fingerprint = [0; 16];

/// A pair with both bases.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The two records.
    pub ids: Sides<RecordId>,
    /// What the pair is now.
    pub status: PairStatus,
    /// Moves with every commit that touches the pair.
    pub revision: u64,
    /// The plan that touched the pair last: its own commits do not unsettle it.
    pub plan: Option<PlanId>,
    /// Each side's base: the fields as that side held or acknowledged them at the last agreed sync. A field that is
    /// absent has no base yet.
    pub base: Sides<Record>,
    /// How the bases came about, where that matters later.
    pub trail: Trail,
    /// Fingerprints of both bases; [`GONE`] for a side that was gone when the pair ended.
    pub fingerprint: Sides<Fingerprint>,
    /// The version of each side that the base was read or written at. None where it would be the version of a part
    /// only: a record that shows this version holds what the base's last write made of it.
    pub version: Sides<Option<Version>>,
    /// See [`Mark::watch`](crate::store::Mark::watch).
    pub watch: bool,
    /// The configuration that the bases are of, hexadecimal.
    pub configuration: String,
}

impl Pair {
    /// The pair as a link reads its records: what was kept under another mapping, in other fields or another order of
    /// them, by field. A field that has no base is absent. Costs a comparison of field names where nothing changed.
    #[must_use]
    pub fn as_read_by(mut self, link: &CompiledLink) -> Pair {
        for side in Side::BOTH {
            let (shape, kept) = (link.shape(side), self.base.of(side).shape().clone());
            if kept.names() == shape.names() {
                continue;
            }
            let moved = |slots: &Bits| -> Bits {
                slots.iter().filter_map(|slot| shape.slot(kept.name(slot)?.as_str())).collect()
            };
            let Trail { acknowledged, written, .. } = &mut self.trail;
            *acknowledged.of_mut(side) = moved(acknowledged.of(side));
            *written.of_mut(side) = moved(written.of(side));
            *self.base.of_mut(side) = self.base.of(side).reshaped(shape);
        }
        self
    }
}

/// How the bases of a pair came about. Slots are those of the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// Fields whose base is what was sent and acknowledged, but not yet seen as stored: the side may keep the value in
    /// another form.
    pub acknowledged: Sides<Bits>,
    /// Fields whose base is what we wrote, or what the side made of it: an edit against it may answer our write. One that
    /// is acknowledged and not among these was hidden when its record was read since: what it shows first may still be
    /// what the side made of our write.
    pub written: Sides<Bits>,
    /// Groups in which our writes were answered so far, see [`super::returns`]. Empty for nearly every pair.
    pub returns: Vec<Return>,
    /// The versions that the last writes of a plan replaced: a side whose reading lags and that shows one of them shows
    /// what it held before.
    pub replaced: Sides<Vec<Version>>,
}

/// A group of rules in which one side answers what is written to the other, or to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// The first rule of the group.
    pub rule: RuleId,
    /// Hashes of the values that either side held or was sent since that began, each with how often it was sent since
    /// the last new value.
    pub values: Vec<(u64, u8)>,
}

/// What makes a value suspect: it may be what the system made of what was sent, and nobody typed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// The field of the side that holds it.
    pub field: FieldName,
    /// The form that explains it.
    pub form: LossyForm,
    /// What was sent, hashed, hexadecimal: the same value from several records tells no more than from one.
    pub sent: String,
}

/// Something to look at in the next plan, whatever the feeds say: a hint, a retry, a parked item, a resolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// The side of the record.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// Why it is to be looked at.
    pub why: AttentionWhy,
    /// Not before.
    pub due: Timestamp,
    /// Since when.
    pub since: Timestamp,
}

impl Attention {
    /// Whether a record that is made like this one may be the work of a create of ours that nobody answered for.
    pub fn may_have_arrived(&self) -> bool {
        match &self.why {
            AttentionWhy::Retry { unanswered, .. } => *unanswered,
            AttentionWhy::Parked { reason, .. } => *reason == ParkedAs::AmbiguousCreate,
            AttentionWhy::Hint { .. } | AttentionWhy::Conflict { .. } => false,
        }
    }
}

/// Why a record is to be looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum AttentionWhy {
    /// A webhook or a person named it. Kept until the record was read at or after this version.
    Hint {
        /// The version, where the hint named one.
        version: Option<Version>,
    },
    /// A write failed and is tried again.
    Retry {
        /// How often it failed.
        failures: u32,
        /// The failure, to see whether it is the same one.
        failure: String,
        /// The rules that were to be written: two writes of one pair, one to each side, fail each for itself.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleId>,
        /// Whether the write is a create that was sent before without an answer: its record may be there, or come yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unanswered: bool,
    },
    /// It waits for a person.
    Parked {
        /// Why.
        reason: ParkedAs,
        /// The rules that are concerned.
        rules: Vec<RuleId>,
        /// In words.
        message: String,
        /// What a person can do.
        remedy: String,
        /// The form that a side may keep the value in, where that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspicion: Option<Suspicion>,
    },
    /// An open conflict.
    Conflict {
        /// The rules of the group.
        rules: Vec<RuleId>,
        /// What it is about, as text.
        message: String,
    },
}

/// A person's decision about an open conflict. It holds for the values that were shown; when a side moves, the
/// conflict is open again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The pair.
    pub ids: Sides<RecordId>,
    /// One of the group's rules.
    pub rule: RuleId,
    /// The side whose value wins.
    pub take: Side,
    /// Who decided.
    pub by: String,
    /// Fingerprint of what each side held when it was decided.
    pub seen: Sides<Fingerprint>,
}

#[cfg(test)]
#[path = "known_tests.rs"]
mod tests;
