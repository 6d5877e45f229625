//! An entity set as this connector works with it: its columns, how each is written on the wire, and what the set can do. Pure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use seamless_core::connector::{Capabilities, WriteReturns};
use seamless_core::model::{Entity, EntityName, Error, ErrorKind, Field, FieldName, Result, Shape};

/// How a value stands on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wire {
    Bool,
    /// A whole number between these.
    Int(i64, i64),
    Decimal,
    Float,
    Text,
    Guid,
    Date,
    Time,
    /// A moment, with so many digits of a second.
    Instant(Option<u32>),
    Bytes,
    /// A member of an enumeration, by its qualified name.
    Enum(String),
    /// Several members of one, with commas between.
    Flags(String),
    /// Records of another set, inside of this one.
    List(Arc<Children>),
}

/// The records of a list.
#[derive(Debug, PartialEq)]
pub(super) struct Children {
    pub(super) columns: Vec<Column>,
    /// The fields of the columns, in their order.
    pub(super) names: Vec<FieldName>,
    /// Places of the columns that the list says by itself: the key of the record that it is in.
    pub(super) implied: Vec<usize>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) field: Field,
    pub(super) wire: Wire,
    /// The navigation property and the path of the set that a reference is written by as a link.
    pub(super) bind: Option<(String, String)>,
    /// Whether only a new record can be told it.
    pub(super) immutable: bool,
}

/// How changes are read, with what is needed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Feeding {
    None,
    Modified { column: usize, window_ms: u64 },
    Delta,
}

/// A bound action.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) name: String,
    /// As it is called: with its namespace.
    pub(super) qualified: String,
    /// Whether the record comes back.
    pub(super) returns_record: bool,
}

/// An entity set.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) name: EntityName,
    /// Its address below the root.
    pub(super) path: String,
    pub(super) entity: Entity,
    /// As the fields of the entity.
    pub(super) columns: Vec<Column>,
    /// Places of the key's columns.
    pub(super) key: Vec<usize>,
    pub(super) by_key: bool,
    pub(super) feeding: Feeding,
    /// The column with the stamp of the last change.
    pub(super) modified: Option<usize>,
    pub(super) etag: bool,
    pub(super) numbers_as_text: bool,
    pub(super) actions: Vec<Bound>,
    pub(super) capabilities: Capabilities,
    pub(super) learnt: Arc<Learnt>,
}

impl Set {
    /// What the set can do, less what turned out false.
    pub(super) fn can(&self) -> Capabilities {
        let mut can = self.capabilities.clone();
        if self.learnt.is(Flaw::IfMatchIgnored) || self.learnt.is(Flaw::NoEtag) {
            can.conditional_update = false;
        }
        if self.learnt.is(Flaw::NoFeed) {
            (can.changes, can.tombstones) = (false, false);
        }
        if self.learnt.is(Flaw::NothingReturned) {
            can.write_returns = WriteReturns::Nothing;
        }
        can
    }

    pub(super) fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.field.name.as_str() == name)
    }

    /// The columns of a shape, in its order.
    ///
    /// Errors: a field that is not there, by name.
    pub(super) fn places(&self, shape: &Shape) -> Result<Vec<usize>> {
        shape.names().iter().map(|name| self.place(name)).collect()
    }

    pub(super) fn place(&self, name: &FieldName) -> Result<usize> {
        self.column(name.as_str()).map(|(place, _)| place).ok_or_else(|| {
            Error::configuration("there is no such field")
                .at("entity", &self.name)
                .at("field", name)
                .with_remedy("correct the name; a property that is a collection or has parts is not shown")
        })
    }

    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|place| self.columns.get(*place))
    }
}

/// What turned out to be otherwise than declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A write with a tag that no record has was taken.
    IfMatchIgnored,
    /// Records came without a tag.
    NoEtag,
    /// Changes are not told apart from everything.
    NoFeed,
    /// Writes gave nothing back.
    NothingReturned,
}

impl Flaw {
    fn bit(self) -> u8 {
        match self {
            Flaw::IfMatchIgnored => 1,
            Flaw::NoEtag => 2,
            Flaw::NoFeed => 4,
            Flaw::NothingReturned => 8,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Flaw::IfMatchIgnored => "the service ignores If-Match: updates are not conditional from now on",
            Flaw::NoEtag => "records come without an ETag: updates are not conditional from now on",
            Flaw::NoFeed => "the service does not tell changes apart: everything is read from now on",
            Flaw::NothingReturned => "writes return nothing: what was stored is read from now on",
        }
    }
}

/// That a tag which no record has was refused.
const TAGS_ARE_CHECKED: u8 = 128;

/// What was seen of a set since the connector was made. Only grows.
#[derive(Debug, Default)]
pub(super) struct Learnt(AtomicU8);

impl Learnt {
    pub(super) fn is(&self, flaw: Flaw) -> bool {
        self.0.load(Ordering::Relaxed) & flaw.bit() != 0
    }

    pub(super) fn add(&self, flaw: Flaw, set: &EntityName) {
        if self.0.fetch_or(flaw.bit(), Ordering::Relaxed) & flaw.bit() == 0 {
            tracing::warn!(entity = %set, "{}", flaw.words());
        }
    }

    /// Whether it was seen that a stale tag is refused.
    pub(super) fn tags_are_checked(&self) -> bool {
        self.0.load(Ordering::Relaxed) & TAGS_ARE_CHECKED != 0
    }

    pub(super) fn saw_a_tag_refused(&self) {
        self.0.fetch_or(TAGS_ARE_CHECKED, Ordering::Relaxed);
    }
}

/// The error about a set that is not there.
pub(super) fn no_such(name: &EntityName) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such entity set, or it has no key, or it is not shown")
        .at("entity", name)
        .with_remedy("correct the name, or add it to `entities`")
}
