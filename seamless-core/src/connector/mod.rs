//! Floor 1: the port to a system. A connector author implements [`Connector`]; everything else of this module is
//! what its methods speak of.
//!
//! A connector reads, fetches, writes, and says truthfully what it can do ([`Capabilities`]). It makes no
//! decisions: it does not merge, match or guess, and knows nothing of the other side.

mod capability;
mod change;
mod layer;
mod paged;
mod require;
mod write;

use std::fmt;

use async_trait::async_trait;

pub use capability::{Capabilities, Capability, Order, Trigger, UniqueKey, WriteKind, WriteReturns};
pub use change::{
    AbsenceProof, Change, Cursor, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Page, PageStream,
    ReadQuery, Tombstone, Versioned,
};
pub use layer::{ConnectorExt, Layer};
pub use paged::paged;
pub use require::{Finding, Requirement};
pub use write::{
    DeleteGround, Expects, Proof, Refusal, RefusalKind, Target, Verb, WriteBatch, WriteOp, WriteOutcome,
};

use crate::model::{EntityName, Error, ErrorKind, Result, Schema};

/// Which system and which environment of it a connector is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorInfo {
    /// What kind of system: `sqlite`, `csv`.
    pub system: String,
    /// Which one: an organisation id, a company id, a database's own id. State is bound to it: two environments
    /// have two identities, a copy of an environment should have another one where the system can say so.
    pub identity: String,
    /// What people call it, for messages.
    pub label: String,
}

/// A system that records are read from and written to.
///
/// Every method can be called from any task, in any number at once. A connector holds no lock that one call leaves
/// taken when its future is dropped.
///
/// Cancellation: dropping the future of a read or fetch loses nothing. Dropping the future of a write leaves its
/// operations ambiguous; the engine finds out what became of them.
///
/// Errors: each names the entity and, where it can, the record or field; none holds a secret or a whole response.
#[async_trait]
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Which system and environment this is. Known once the connector was made; never changes.
    fn info(&self) -> &ConnectorInfo;

    /// What this connector, as it is configured and connected, can do for an entity. Pure and cheap. An unknown
    /// entity can nothing.
    fn capabilities(&self, entity: &EntityName) -> Capabilities;

    /// The entities there are, sorted by name.
    async fn entities(&self) -> Result<Vec<EntityName>>;

    /// The live schema of these entities, option sets included.
    ///
    /// Errors: [`ErrorKind::NotFound`] names the entity that is not there.
    async fn discover(&self, entities: &[EntityName]) -> Result<Schema>;

    /// Reads changes since a cursor, or all records.
    ///
    /// - Every record has the query's shape; a field that the system did not return is absent, one that it refused
    ///   is unreadable, and neither is ever null.
    /// - Every page carries the cursor from which reading goes on after it. Reading the same range again gives the
    ///   records as they are then; nothing that changed in between is lost.
    /// - A stream that ends without an [`End`] was cut off. `Complete` is said only by an enumeration that began at
    ///   the start and met no error.
    /// - A record may come more than once; the later sighting counts.
    ///
    /// Errors: [`ErrorKind::CursorExpired`] when the cursor is too old or not this connector's;
    /// [`ErrorKind::Configuration`] for a field that the entity does not have: the engine then asks [`Connector::discover`]
    /// which fields there are, and reads those.
    async fn read(&self, query: ReadQuery) -> Result<PageStream>;

    /// Looks named records up: one answer per record asked for, in the order asked for.
    ///
    /// `Gone` is said only where the system tells gone from hidden (C8).
    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>>;

    /// Writes; one outcome per operation, in the operations' order.
    ///
    /// - An update sends the patch's fields and touches no other.
    /// - A precondition that does not hold gives [`RefusalKind::Stale`] and changes nothing.
    /// - Deleting what is gone already is `Applied`.
    /// - What the batch asks to bypass is not set off; a name that is not declared as bypassable is refused, as `Err`.
    /// - `Err` means that nothing of this batch happened. Who cannot know says `Ambiguous`, per operation.
    ///
    /// The default refuses: a connector that only reads need not implement it.
    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let _ = batch;
        Err(Error::new(ErrorKind::Unsupported, "this connector only reads").at("entity", entity))
    }

    /// Checks a prerequisite and changes nothing. The default does not know.
    async fn check(&self, need: &Requirement) -> Result<Finding> {
        Ok(Finding::Unknown(format!("this connector cannot check {need:?}")))
    }

    /// Makes a prerequisite true, changing the system. Only called when a person asked for it. The default refuses.
    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        Err(Error::new(ErrorKind::Unsupported, format!("this connector cannot provide {need:?}")))
    }
}
