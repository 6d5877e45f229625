//! What a system says of its API, as an author wrote it down: entities with their fields, the calls that read and write them, and
//! how lists go on. Pure; sends nothing. The door is [`Api::parse`].

mod call;
mod field;
mod part;
mod pointer;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use seamless_core::model::{ActionName, Entity, EntityName, FieldName, Shape};

pub(crate) use call::Call;
pub(crate) use field::Moments;
pub(crate) use pointer::Pointer;

/// An API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    /// What people call the system.
    pub(crate) name: Option<String>,
    /// The root of the API, unless the configuration names another.
    pub(crate) url: Option<String>,
    /// Headers that every request has.
    pub(crate) headers: Vec<(String, String)>,
    /// What there is.
    pub(crate) resources: BTreeMap<EntityName, Resource>,
}

/// An entity and the calls that it is read and written by.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) entity: Entity,
    /// All fields.
    pub(crate) shape: Arc<Shape>,
    /// Of each field, where it stands in a record.
    pub(crate) columns: Vec<Column>,
    /// The field that is the id.
    pub(crate) key: usize,
    pub(crate) list: Option<Call>,
    /// Where the records of a list stand in an answer.
    pub(crate) records: Pointer,
    /// How a list goes on.
    pub(crate) paging: Paging,
    /// How many records of a list are asked for at once.
    pub(crate) size: Option<Size>,
    /// Whether a list that came to its end left out no record that is there.
    pub(crate) complete: bool,
    pub(crate) one: Option<Call>,
    /// Where a record stands in an answer of one.
    pub(crate) record: Pointer,
    /// A parameter of lists that takes several ids.
    pub(crate) ids: Option<Ids>,
    /// Parameters of lists that take the value of a field.
    pub(crate) find: BTreeMap<FieldName, String>,
    pub(crate) changes: Option<Changes>,
    /// The field that says when a record was last changed.
    pub(crate) modified: Option<usize>,
    pub(crate) deleted: Option<Deleted>,
    /// Statuses that say of a record that it is gone, and not that it is hidden.
    pub(crate) gone: Vec<u16>,
    pub(crate) create: Option<Call>,
    pub(crate) update: Option<Call>,
    pub(crate) delete: Option<Call>,
    pub(crate) actions: BTreeMap<ActionName, Call>,
    /// Where the fields of a record stand in what is sent.
    pub(crate) body: Pointer,
    /// Whether a write gives the stored record back.
    pub(crate) returns: bool,
    pub(crate) version: Option<VersionBy>,
    /// The header that takes the id of an operation.
    pub(crate) idempotency: Option<String>,
    /// Whether a reading sees every write that ended before.
    pub(crate) consistent: bool,
    pub(crate) errors: Errors,
}

/// Where a field stands and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) at: Pointer,
    pub(crate) moments: Moments,
}

/// How a list goes on after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paging {
    /// It does not: everything comes at once.
    None,
    /// By the number of the page.
    Page { send: String, first: u64, more: Option<Pointer> },
    /// By the number of records before it.
    Offset { send: String, more: Option<Pointer> },
    /// By a word that the page before gave.
    Cursor { send: String, next: Pointer },
    /// By the id of the last record.
    After { send: String, more: Option<Pointer> },
    /// By the address in the header `Link` with `rel="next"`.
    Link,
    /// By an address in the page before.
    Next { next: Pointer },
    /// By the headers `Range` and `Content-Range`.
    Range { unit: String },
}

/// How many records are asked for at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// The parameter; none where ranges say it.
    pub(crate) send: Option<String>,
    pub(crate) max: usize,
}

/// A parameter that takes several ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) send: String,
    pub(crate) separator: String,
    pub(crate) max: usize,
}

/// A parameter of lists that leaves out what did not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    pub(crate) send: String,
    pub(crate) form: Since,
    /// How far a reading goes back: a change can be stored with an older stamp than one that was shown already.
    pub(crate) overlap: Duration,
}

/// How a moment is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// `2024-02-29T23:59:59Z`.
    Rfc3339,
    /// `2024-02-29`.
    Date,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
}

/// How a list shows a record that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) at: Pointer,
    /// The JSON texts that say so; where none is named, anything but `null` and `false`.
    pub(crate) is: Vec<String>,
}

/// Where the version of a record stands, and how a write names the one that it expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VersionBy {
    pub(crate) at: Pointer,
    pub(crate) expect: ExpectBy,
}

/// How a write names the version that it expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ExpectBy {
    /// By a header.
    Header(String),
    /// By the same member in what is sent.
    Body,
}

/// Where an answer that refuses says why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Errors {
    pub(crate) message: Option<Pointer>,
    pub(crate) code: Option<Pointer>,
    pub(crate) field: Option<Pointer>,
    /// Codes that say that a unique value is taken.
    pub(crate) taken: Vec<String>,
    /// Codes that say that the record was changed meanwhile.
    pub(crate) stale: Vec<String>,
}
