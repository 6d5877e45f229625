//! Prerequisites: what must be true of a system before a link can run, and what checking found.

use crate::model::{EntityName, FieldName};

/// Something that a link needs of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// The system answers and lets us in.
    Reachable,
    /// The entity is there and can be read.
    Readable(EntityName),
    /// Records of the entity can be written.
    Writable(EntityName),
    /// The entity has this field.
    Field(EntityName, FieldName),
    /// Deletions of the entity's records show as tombstones (C5).
    Tombstones(EntityName),
}

/// What checking a requirement found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is met; the evidence in words.
    Met(String),
    /// It is not met.
    Unmet {
        /// What was seen.
        evidence: String,
        /// What to do about it.
        remedy: String,
        /// Whether [`provision`](super::Connector::provision) can do that.
        can_provision: bool,
    },
    /// It could not be found out.
    Unknown(String),
}
