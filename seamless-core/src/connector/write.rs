//! Writing: operations with their preconditions, and one outcome per operation.

use std::time::Duration;

use super::capability::WriteKind;
use super::change::{AbsenceProof, Versioned};
use crate::model::{ActionId, ActionName, Error, FieldName, Record, RecordId, Version};

/// One operation.
#[derive(Clone, Debug)]
pub struct WriteOp {
    /// The id of the action that this carries out; the idempotency key where the system takes one. The same id is
    /// sent again when the same action is retried.
    pub id: ActionId,
    /// The record.
    pub target: Target,
    /// What to do.
    pub verb: Verb,
    /// The values to send. A field that is absent is not sent; an unreadable one never occurs.
    pub patch: Record,
    /// What must hold at the target for the operation to happen.
    pub expects: Expects,
}

/// The record that an operation concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A record that is there.
    Existing(RecordId),
    /// A record that is to be made. The id, where the client chooses it.
    New(Option<RecordId>),
}

/// What an operation does. The verb carries no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make the record.
    Create,
    /// Change the patch's fields and no others.
    Update,
    /// Delete the record, on this ground.
    Delete(DeleteGround),
    /// Do one of the system's own verbs (release, reopen, post).
    Action(ActionName),
}

/// Why a record may be deleted. There is no delete without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteGround {
    /// Its partner is proven absent, and the link's policy says to follow.
    Absent(AbsenceProof),
    /// Its partner left the link's scope, and the link's policy says to follow.
    LeftScope,
    /// The action that made it is undone.
    Undo(ActionId),
    /// A person's data is erased, at the wish of somebody named.
    Erasure {
        /// Who asked.
        by: String,
    },
}

/// What must hold at the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Expects {
    /// Nothing: the system has no conditional writes.
    Anything,
    /// No such record is there yet.
    Missing,
    /// The record has this version.
    Version(Version),
    /// These fields hold these values; absent fields are not looked at.
    Values(Record),
}

/// Operations on one entity, at most the connector's `batch_max`. No two concern the same record.
#[derive(Clone, Debug, Default)]
pub struct WriteBatch {
    /// The operations. They are independent: one that fails does not undo the others.
    pub ops: Vec<WriteOp>,
    /// What is not to be set off, by the names of [`Trigger`](super::Trigger)s that can be bypassed. The engine sends no others.
    pub bypass: Vec<String>,
}

impl WriteBatch {
    /// A batch that sets off what it does.
    pub fn of(ops: impl IntoIterator<Item = WriteOp>) -> Self {
        Self { ops: ops.into_iter().collect(), bypass: Vec::new() }
    }
}

impl Verb {
    /// What kind of write it is.
    pub fn kind(&self) -> WriteKind {
        match self {
            Verb::Create => WriteKind::Create,
            Verb::Update => WriteKind::Update,
            Verb::Delete(_) => WriteKind::Delete,
            Verb::Action(_) => WriteKind::Action,
        }
    }
}

/// What became of an operation.
#[derive(Debug)]
pub enum WriteOutcome {
    /// It happened.
    Applied {
        /// The record; of a create, its new id.
        id: RecordId,
        /// What is proven of the state that it made.
        proof: Proof,
    },
    /// It did not happen.
    Refused(Refusal),
    /// Nobody knows whether it happened: a time-out, a lost connection, a server error.
    Ambiguous(Error),
}

/// What is proven of the state that a write made.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// The record as this very write stored it.
    Stored(Versioned),
    /// The version that this very write made.
    Version(Version),
    /// Nothing.
    None,
}

/// Why an operation did not happen.
#[derive(Debug)]
pub struct Refusal {
    /// What kind of refusal.
    pub why: RefusalKind,
    /// The system's words or ours, with what a person can do.
    pub error: Error,
}

/// The kinds of refusal that the engine treats differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The precondition did not hold: somebody changed the record.
    Stale,
    /// The record is not there.
    Missing,
    /// A unique key is taken, by this record where the system says.
    KeyTaken {
        /// The record that has the key.
        by: Option<RecordId>,
    },
    /// The values are not accepted, because of this field where the system says.
    Invalid {
        /// The field.
        field: Option<FieldName>,
    },
    /// Not allowed.
    Forbidden,
    /// Too many calls; wait this long where the system says.
    Throttled {
        /// How long.
        wait: Option<Duration>,
    },
    /// The system is not able to now, and certainly did nothing.
    Unavailable,
}
