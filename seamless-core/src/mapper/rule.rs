//! Rules: which fields of the left correspond to which of the right, and what is done when they differ.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CanonicalForm, Condition, FieldName, Fingerprint, RuleId, Side, Sides};

/// One correspondence of a link, as far as the engine must know it. How a value is carried over is the
/// [`Mapper`](super::Mapper)'s to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The stable id. Bases and conflicts hang on it.
    pub id: RuleId,
    /// The fields of each side that the rule reads and writes. Rules that share a field form one group: the unit of
    /// conflict and commit.
    pub fields: Sides<Vec<FieldName>>,
    /// How values are carried, as far as the engine can make use of it.
    pub kind: RuleKind,
    /// Where values may go.
    pub direction: Direction,
    /// When a value is sent.
    pub on: WriteOn,
    /// When two values of a field count as the same; joined with what the side's own forms say.
    pub same_when: CanonicalForm,
    /// When the rule applies to a record of a side. A rule that does not apply carries nothing.
    pub when: Sides<Condition>,
    /// What is done when both sides moved.
    pub on_conflict: ConflictPolicy,
    /// What is done with differing values that have no base: two existing records joined, or a rule added later.
    pub first_link: FirstLinkPolicy,
    /// What is done when the target of a one-way rule was edited.
    pub on_drift: DriftPolicy,
    /// Whether carrying over and back gives the same value for every value of the domain.
    pub lossless: bool,
    /// The digest of everything about the rule that decides what it carries. A rule whose digest changed has no
    /// base.
    pub digest: Fingerprint,
}

/// How values are carried, as far as the engine can make use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// One left field and one right field hold the same value: compared directly, without carrying.
    Copy,
    /// Anything else.
    Computed,
    /// Worked out from a field of a record that the giving side refers to, and carried one way. That record changes
    /// without the one that refers to it, so the value is looked at in every reading of everything.
    Followed,
}

/// Where the values of a rule may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Both ways.
    TwoWay,
    /// To this side only.
    To(Side),
}

impl Direction {
    /// Whether values may go to a side.
    pub fn allows(self, to: Side) -> bool {
        match self {
            Direction::TwoWay => true,
            Direction::To(side) => side == to,
        }
    }

    /// The same, seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Direction::TwoWay => Direction::TwoWay,
            Direction::To(side) => Direction::To(side.other()),
        }
    }
}

/// When a value is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteOn {
    /// Whenever it changed.
    Always,
    /// Only when the target record is created.
    Create,
}

/// What is done with a rule whose two sides moved apart. Each loses something; none is a default of the type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictPolicy {
    /// Nothing is written; a person decides. Loses time.
    Park,
    /// This side's value wins. Loses the other side's edit, which the journal keeps.
    Take(Side),
    /// The side that was modified later wins. Loses the earlier edit; wrong when clocks differ by more than the
    /// declared skew, inside which the conflict is parked.
    Newest {
        /// How far the two clocks may be apart. Zero only where both stamps come from one clock.
        skew: Duration,
    },
    /// Sets and keyed lists are merged element by element; an element that both changed parks.
    Merge,
    /// A registered function decides.
    Custom(String),
}

impl ConflictPolicy {
    /// The same, seen from the other side.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        match self {
            ConflictPolicy::Take(side) => ConflictPolicy::Take(side.other()),
            other => other.clone(),
        }
    }
}

/// What is done with values that differ and have no base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstLinkPolicy {
    /// A blank side is filled from the other; two values that differ park.
    FillBlanks,
    /// This side's value is carried over, blank or not. Loses the other side's.
    Take(Side),
    /// Every difference parks.
    Park,
}

impl FirstLinkPolicy {
    /// The same, seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            FirstLinkPolicy::Take(side) => FirstLinkPolicy::Take(side.other()),
            other => other,
        }
    }
}

/// What is done when the target of a one-way rule was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// The target keeps its value until the other side changes.
    Keep,
    /// The value is written again, and journalled as an overwrite of an edit.
    Restore,
    /// A person decides.
    Park,
}
