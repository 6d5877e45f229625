//! Reading: pages of changes, cursors, and what is known of what is *not* there.
//!
//! Absence is a typed fact. Not being in a list proves nothing; only a [`Tombstone`] and a [`GoneProof`] do, and
//! only the connector can make them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;

use crate::model::{
    Condition, EntityName, FieldName, Record, RecordId, Result, Shape, Timestamp, Value, Version,
};

/// A record as a system holds it, with its id and what the system says of its state.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    /// The native key.
    pub id: RecordId,
    /// The version, where the system has one.
    pub version: Option<Version>,
    /// When the system says that the record was last changed. For people and for "newest wins" on one clock; never
    /// for finding out what changed.
    pub modified: Option<Timestamp>,
    /// The fields that were asked for.
    pub record: Record,
}

/// A place in a feed, opaque to everyone but the connector that made it. Versioned by that connector, which refuses
/// foreign ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(Arc<[u8]>);

impl Cursor {
    /// Takes a connector's bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The connector's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({})", String::from_utf8_lossy(&self.0))
    }
}

/// What to read.
#[derive(Clone, Debug)]
pub struct ReadQuery {
    /// The entity.
    pub entity: EntityName,
    /// The fields; every record of the answer has this shape.
    pub shape: Arc<Shape>,
    /// What the records must satisfy. A connector that cannot filter by it returns more, never less. The engine
    /// asks for [`Condition::Always`] when it reads changes: a record that left the filter would vanish unseen.
    pub condition: Condition,
    /// Where to go on; `None`: a full enumeration from the start.
    pub after: Option<Cursor>,
    /// Records in a page at most.
    pub page_records_max: usize,
}

/// What a feed says of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The record is there and holds this.
    Upsert(Versioned),
    /// The record was deleted.
    Deleted(Tombstone),
    /// A record could not be read (a broken line of a file); it is parked with these words, the feed goes on.
    Broken {
        /// The record, where even that is known.
        id: Option<RecordId>,
        /// Where it stands: `customers.csv line 17`.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// The system's own word that a record was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The record.
    pub id: RecordId,
    /// Its last version, where the system says.
    pub version: Option<Version>,
    /// The record that it was merged into, where the system says.
    pub merged_into: Option<RecordId>,
}

/// A page of a feed.
#[derive(Clone, Debug)]
pub struct Page {
    /// The changes, in the feed's order.
    pub changes: Vec<Change>,
    /// Where to go on after this page.
    pub cursor: Cursor,
    /// Whether and how the feed ended here. A stream that stops without one was cut off.
    pub end: Option<End>,
}

/// How a feed ended. Only these speak of what was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A feed of changes ended. Everything up to the low-water mark has been seen (C7); without one, up to the
    /// last page's cursor as far as the system can say.
    CaughtUp {
        /// Where the next read must begin at the latest.
        low_water: Option<Cursor>,
    },
    /// A full enumeration ended: every record that is there and visible was in it (C6).
    Complete(Enumeration),
    /// A full enumeration ended, but the system cannot promise that nothing was missed.
    Partial,
}

/// A complete enumeration: it nominates what was not seen, and proves nothing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Its id: a resumed enumeration is another one, and the prefix that it did not see is not missing.
    pub id: String,
    /// The order in which the records came.
    pub order: super::Order,
    /// Where reading of changes can begin afterwards; `None` where the system has no feed of changes.
    pub changes_from: Option<Cursor>,
}

/// A stream of pages. Dropping it loses nothing.
pub type PageStream = Pin<Box<dyn Stream<Item = Result<Page>> + Send>>;

/// What to fetch: named records, explicit fields.
#[derive(Clone, Debug)]
pub struct FetchQuery {
    /// The entity.
    pub entity: EntityName,
    /// The fields; every record of the answer has this shape.
    pub shape: Arc<Shape>,
    /// Which records.
    pub by: FetchBy,
}

/// How the records of a fetch are named.
#[derive(Clone, Debug)]
pub enum FetchBy {
    /// By id.
    Ids(Vec<RecordId>),
    /// By the values of fields; one answer per row of values. A key that matches several records is
    /// [`Lookup::Several`].
    Key {
        /// The fields.
        fields: Vec<FieldName>,
        /// One value per field, per record asked for.
        values: Vec<Vec<Value>>,
    },
}

/// What is known of a record that was asked for by name.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// It is there.
    Found(Versioned),
    /// It is not there any more, and the system can tell that from being hidden (C8).
    Gone(GoneProof),
    /// The system has no such record, or does not show it.
    Hidden,
    /// A key matched several records.
    Several(Vec<RecordId>),
    /// No answer was had for this one.
    Unanswered,
}

/// Proof that a record is gone. Public to make, because connectors make it; only a conformance kit can test whether
/// one tells the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoneProof {
    /// The record.
    pub id: RecordId,
    /// What was seen, in words: `row 17 is not in table account`.
    pub seen: String,
}

/// A proof that a record is absent: the only ground on which its partner can be deleted *because* of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsenceProof {
    /// The system reported the deletion.
    Tombstone(Tombstone),
    /// The system, asked by id, says that it is gone.
    Gone(GoneProof),
}

impl AbsenceProof {
    /// The record that is absent.
    pub fn id(&self) -> &RecordId {
        match self {
            AbsenceProof::Tombstone(tombstone) => &tombstone.id,
            AbsenceProof::Gone(proof) => &proof.id,
        }
    }
}
