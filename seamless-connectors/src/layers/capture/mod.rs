//! Capture: writes are not sent. They are kept, answered as the system would answer them by its schema, and seen by every later
//! read and look-up: a rehearsal of a real run on real data. The captured writes can be listed.
//!
//! - Kinds, lengths, options, required and read-only fields, unique values, preconditions and missing records are judged by the
//!   live schema and the live records. A new record has the id that the client chose or its key says, otherwise one that no
//!   system gives: a text `captured-7`, or a whole number near the least that there is.
//! - A field that a captured write set shows its value until somebody changes that field in the system: then the system's
//!   value shows.
//! - Feeds and enumerations show captured writes behind what the system says; cursors of runs without this layer are taken, and
//!   cursors of this layer are worthless without it.
//!
//! Gives up: the order of an enumeration (declared away); a filter, once anything was captured (more is returned); what only the
//! system itself knows, which are its rules beyond the schema, templates, computed fields, the effects of actions of which the
//! schema says nothing, and what else its writes set off; stamps of captured changes. What was captured lives in memory, up to
//! [`Capture::WRITES_MAX`] writes. A user whose edit in the system would have met ours is not seen as a conflict of the write.

mod book;
mod connector;
mod judge;
mod reading;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seamless_core::connector::{Connector, Layer, WriteOp};
use seamless_core::model::{EntityName, RecordId};

use book::Book;
use connector::Capturing;

/// The layer. Connectors that one value of it wraps see the same captured writes; they must be connectors to one system.
#[derive(Clone, Default)]
pub struct Capture {
    state: Arc<Mutex<Book>>,
}

/// A write that was captured.
#[derive(Clone, Debug)]
pub struct Captured {
    /// The entity.
    pub entity: EntityName,
    /// The operation, as it would have been sent.
    pub op: WriteOp,
    /// The record that it was answered with; of a create, the new id.
    pub id: RecordId,
}

impl Capture {
    /// Writes that are kept at most; one more is refused as a limit.
    pub const WRITES_MAX: usize = 100_000;

    /// Captures, with nothing captured yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The writes that would have happened, in their order.
    pub fn captured(&self) -> Vec<Captured> {
        self.book().writes().to_vec()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("writes", &self.book().writes().len()).finish()
    }
}

impl Layer for Capture {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Capturing { inner, capture: self.clone() })
    }
}
