//! What a system can do, per entity: data that the engine plans with, preflight reports and a kit can test.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::model::FieldName;

/// A capability that decides what can be promised. The numbers are used in messages and in the table of guarantees
/// ([`crate::plan::guarantee`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// C1: an update or delete can be made conditional on the record's version or values.
    ConditionalUpdate,
    /// C2: a write returns what was stored, or the version that it made.
    WriteReturns,
    /// C3: the target enforces a unique external key, or the client chooses the id.
    UniqueKey,
    /// C4: reading by id sees every write that ended before.
    ConsistentRead,
    /// C5: deleted records show as tombstones.
    Tombstones,
    /// C6: a full enumeration can be complete, and says so.
    CompleteEnumeration,
    /// C7: the feed of changes proves up to where it is complete.
    LowWater,
    /// C8: a record that is gone is told apart from one that is hidden.
    GoneNotHidden,
}

impl Capability {
    /// All of them, by number.
    pub const ALL: [Capability; 8] = [
        Capability::ConditionalUpdate,
        Capability::WriteReturns,
        Capability::UniqueKey,
        Capability::ConsistentRead,
        Capability::Tombstones,
        Capability::CompleteEnumeration,
        Capability::LowWater,
        Capability::GoneNotHidden,
    ];

    /// Its number: `C1` to `C8`.
    pub fn code(self) -> &'static str {
        match self {
            Capability::ConditionalUpdate => "C1",
            Capability::WriteReturns => "C2",
            Capability::UniqueKey => "C3",
            Capability::ConsistentRead => "C4",
            Capability::Tombstones => "C5",
            Capability::CompleteEnumeration => "C6",
            Capability::LowWater => "C7",
            Capability::GoneNotHidden => "C8",
        }
    }

    /// What it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Capability::ConditionalUpdate => "conditional update",
            Capability::WriteReturns => "writes return what was stored",
            Capability::UniqueKey => "unique external key or client-chosen id",
            Capability::ConsistentRead => "consistent read by id",
            Capability::Tombstones => "tombstones",
            Capability::CompleteEnumeration => "complete enumeration",
            Capability::LowWater => "low-water mark",
            Capability::GoneNotHidden => "gone is told apart from hidden",
        }
    }
}

/// What a write gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteReturns {
    /// Only that it was done.
    Nothing,
    /// The version that it made. Only where versions move with every change: an edit that leaves the version as it is would
    /// stand under the proof of this write.
    Version,
    /// The record as stored, with its version.
    Stored,
}

/// How the target keeps a create from happening twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UniqueKey {
    /// It does not.
    None,
    /// The client chooses the id, and the id is unique.
    ClientChosenId,
    /// These fields are unique together, enforced by the system.
    Fields(Vec<FieldName>),
}

/// How a full enumeration is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By the bytes of the record id.
    RecordId,
    /// In no order that means anything.
    Unspecified,
}

/// What a write does, as far as it sets things off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    /// A record is made.
    Create,
    /// Fields of a record are changed.
    Update,
    /// A record is deleted.
    Delete,
    /// One of the system's own verbs.
    Action,
}

impl WriteKind {
    /// In words, of several: `creates`.
    pub fn words(self) -> &'static str {
        match self {
            WriteKind::Create => "creates",
            WriteKind::Update => "updates",
            WriteKind::Delete => "deletes",
            WriteKind::Action => "actions",
        }
    }
}

/// Something that writes set off in the system beside the record: an e-mail, an automation, a posting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its name, by which it is bypassed and told: `welcome e-mail`, `custom plug-ins`.
    pub name: String,
    /// The writes that set it off.
    pub on: Vec<WriteKind>,
    /// Whether a batch can ask the system not to set it off ([`WriteBatch::bypass`](super::WriteBatch)).
    pub can_bypass: bool,
}

/// What a connector can do for one entity. The default can nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// C1.
    pub conditional_update: bool,
    /// C2.
    pub write_returns: WriteReturns,
    /// C3.
    pub unique_key: UniqueKey,
    /// C4.
    pub consistent_read: bool,
    /// C5.
    pub tombstones: bool,
    /// C6: whether a full enumeration can be complete.
    pub complete_enumeration: bool,
    /// C7.
    pub low_water: bool,
    /// C8.
    pub gone_not_hidden: bool,
    /// Whether [`read`](super::Connector::read) from a cursor gives only what changed since.
    pub changes: bool,
    /// The order of a full enumeration. The engine verifies it.
    pub order: Order,
    /// Whether records can be created.
    pub create: bool,
    /// Whether single fields can be updated, leaving the rest alone.
    pub update: bool,
    /// Whether records can be deleted.
    pub delete: bool,
    /// Whether the system takes the operation's id and does the same operation once only.
    pub idempotency_key: bool,
    /// Operations in one [`write`](super::Connector::write) at most.
    pub batch_max: NonZeroU32,
    /// What writes set off, as far as the connector knows. Empty says nothing, not that nothing happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            conditional_update: false,
            write_returns: WriteReturns::Nothing,
            unique_key: UniqueKey::None,
            consistent_read: false,
            tombstones: false,
            complete_enumeration: false,
            low_water: false,
            gone_not_hidden: false,
            changes: false,
            order: Order::Unspecified,
            create: false,
            update: false,
            delete: false,
            idempotency_key: false,
            batch_max: NonZeroU32::MIN,
            triggers: Vec::new(),
        }
    }
}

impl Capabilities {
    /// Everything: C1 to C8, changes, ordered enumeration, all writes, idempotency keys; one operation a batch.
    pub fn full() -> Self {
        Self {
            conditional_update: true,
            write_returns: WriteReturns::Stored,
            unique_key: UniqueKey::ClientChosenId,
            consistent_read: true,
            tombstones: true,
            complete_enumeration: true,
            low_water: true,
            gone_not_hidden: true,
            changes: true,
            order: Order::RecordId,
            create: true,
            update: true,
            delete: true,
            idempotency_key: true,
            batch_max: NonZeroU32::MIN,
            triggers: Vec::new(),
        }
    }

    /// Whether one of the numbered capabilities is there.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::ConditionalUpdate => self.conditional_update,
            Capability::WriteReturns => self.write_returns != WriteReturns::Nothing,
            Capability::UniqueKey => self.unique_key != UniqueKey::None,
            Capability::ConsistentRead => self.consistent_read,
            Capability::Tombstones => self.tombstones,
            Capability::CompleteEnumeration => self.complete_enumeration,
            Capability::LowWater => self.low_water,
            Capability::GoneNotHidden => self.gone_not_hidden,
        }
    }

    /// Whether anything can be written.
    pub fn is_writable(&self) -> bool {
        self.create || self.update || self.delete
    }
}
