//! What can be promised, given what the two systems can do: one table, read by the engine, plan heads, documentation
//! and test oracles alike.

use serde::{Deserialize, Serialize};

use crate::connector::Capability;
use crate::model::{LinkId, Side};

/// What holds of an invariant at a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// It always holds.
    Holds,
    /// It can be broken, and when it is, a report says so.
    Reported,
    /// It can be broken without anybody noticing.
    NotPromised,
}

/// What a side's capabilities mean for one invariant of one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantee {
    /// The link.
    pub link: LinkId,
    /// The side that is written or read.
    pub side: Side,
    /// The invariant: `I10`.
    pub invariant: String,
    /// What holds.
    pub holding: Holding,
    /// The capability whose absence lowers it.
    pub lacks: Option<Capability>,
    /// The consequence, in words, for a business user.
    pub words: String,
}
