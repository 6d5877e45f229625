//! Links: the two entities that a mapping joins, how their records are matched, and what creation, deletion and
//! leaving the scope mean for the other side.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actions::SideActions;
use crate::model::{CanonicalForm, Condition, EntityName, FieldName, FormSpec, LinkId, Side, Sides, Value};

/// What a mapping says of a link, apart from its rules.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSpec {
    /// The stable id.
    pub id: LinkId,
    /// The entity of each side.
    pub entity: Sides<EntityName>,
    /// What the link does at all.
    pub mode: LinkMode,
    /// Which records of each side take part.
    pub scope: Sides<Condition>,
    /// When a record of a side may be written by the rules: a document that was released or posted is not changed from
    /// outside. Rules over the fields that the condition names are not bound by it, since they say the state; nor are creates,
    /// deletes, and what a lifecycle policy sets.
    pub writable: Sides<Condition>,
    /// The system's own verbs that move the states of each side's records.
    pub actions: Sides<SideActions>,
    /// How records without a pair are matched: lines in priority order, every field of a line must agree.
    pub matching: Vec<MatchLine>,
    /// Whether records are created on a side for partners that it lacks.
    pub create: Sides<bool>,
    /// What happens on the *other* side when a record of this side is deleted.
    pub on_delete: Sides<DeletePolicy>,
    /// What happens on the *other* side when a record of this side leaves the scope.
    pub on_leave: Sides<LeavePolicy>,
    /// What each side makes of its values.
    pub forms: Sides<FormSpec>,
    /// Links whose records this link refers to: they come first.
    pub depends_on: Vec<LinkId>,
    /// How often everything is enumerated although a feed of changes exists: some changes move no stamp.
    pub sweep_every: Option<Duration>,
    /// Limits that stop a plan.
    pub limits: GuardLimits,
}

impl LinkSpec {
    /// What policies set in records of a side when the partner is gone or leaves the scope.
    pub fn set_by_policies(&self, side: Side) -> impl Iterator<Item = &(FieldName, Value)> {
        let by_delete = match self.on_delete.of(side.other()) {
            DeletePolicy::Set(values) => values.as_slice(),
            DeletePolicy::Park | DeletePolicy::Unlink | DeletePolicy::Delete | DeletePolicy::Restore => &[],
        };
        let by_leave = match self.on_leave.of(side.other()) {
            LeavePolicy::Set(values) => values.as_slice(),
            LeavePolicy::Park | LeavePolicy::Delete | LeavePolicy::Freeze => &[],
        };
        by_delete.iter().chain(by_leave)
    }
}

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkMode {
    /// Nothing; it is not even read.
    Off,
    /// It is read and planned; nothing is written, nowhere.
    Observe,
    /// Records are matched and paired; no field is written.
    CoupleOnly,
    /// Values go to this side only.
    To(Side),
    /// Values go both ways.
    TwoWay,
}

impl LinkMode {
    /// Whether records of a side may be written.
    pub fn writes(self, to: Side) -> bool {
        match self {
            LinkMode::Off | LinkMode::Observe | LinkMode::CoupleOnly => false,
            LinkMode::To(side) => side == to,
            LinkMode::TwoWay => true,
        }
    }
}

/// One way of recognising that two records stand for the same thing.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchLine {
    /// The fields that must agree, all of them. A record in which one of them is blank is not matched by this line.
    pub fields: Vec<MatchField>,
}

/// One agreement of a match line.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchField {
    /// The field of each side.
    pub field: Sides<FieldName>,
    /// When two values agree. Values of different kinds agree when they are written alike.
    pub same_when: CanonicalForm,
}

/// What happens on the other side when a record is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletePolicy {
    /// A person decides.
    Park,
    /// The pair ends; the other record stays as it is and is not created anew.
    Unlink,
    /// The other record is deleted too, given a proof and within the limits.
    Delete,
    /// These fields of the other record are set (deactivate, block).
    Set(Vec<(FieldName, Value)>),
    /// The deleted record is created again from the other one.
    Restore,
}

/// What happens on the other side when a record leaves the scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeavePolicy {
    /// The pair is frozen with its bases; nothing is written until the record comes back.
    Freeze,
    /// The other record is deleted, within the limits.
    Delete,
    /// These fields of the other record are set.
    Set(Vec<(FieldName, Value)>),
    /// A person decides.
    Park,
}

/// Limits that stop a plan before it hurts. A limit that is not given does not guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardLimits {
    /// Deletes on a side, in percent of its pairs, at most. Never stops fewer than `deletes_free` deletes.
    pub deletes_percent_max: Option<u8>,
    /// So many deletes on a side are always allowed.
    pub deletes_free: u32,
    /// Changed pairs, in percent of all, at most; does not apply to a first sync. Never stops fewer than
    /// `changes_free` pairs.
    pub changes_percent_max: Option<u8>,
    /// So many changed pairs are always allowed.
    pub changes_free: u32,
    /// A side that enumerates fewer than this percentage of its known pairs stops the plan.
    pub shrink_percent_max: Option<u8>,
}

impl GuardLimits {
    /// What a mapping file gets when it says nothing: half of the records (rclone's bisync uses the same share),
    /// with a handful of deletes always free.
    pub const USUAL: GuardLimits = GuardLimits {
        deletes_percent_max: Some(50),
        deletes_free: 10,
        changes_percent_max: None,
        changes_free: 10,
        shrink_percent_max: Some(50),
    };
}
