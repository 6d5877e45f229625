//! What an author says of the system that is to be examined: how to connect, which entity, what may be written. Knows no
//! case. The door is [`Bench::new`].

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

use super::case::Tier;
use crate::clock::{Clock, SystemClock};
use crate::connector::Connector;
use crate::model::{CanonicalForm, EntityName, FieldName, Record, RecordId, Result, Value};

pub(super) type Opening = BoxFuture<'static, Result<Arc<dyn Connector>>>;
type Open = Arc<dyn Fn() -> Opening + Send + Sync>;
type IdMaker = Arc<dyn Fn(u64) -> RecordId + Send + Sync>;
type Sampler = Arc<dyn Fn(u64) -> Value + Send + Sync>;

/// Access to the system beside the connector: another user, or an administrator. What cannot be done says `false`; the
/// cases that need it are then skipped.
#[async_trait]
pub trait AnotherUser: Send + Sync + 'static {
    /// Changes fields of a record, as a user of the system does.
    async fn edit(&self, id: &RecordId, values: &Record) -> Result<bool>;

    /// Hides a record from the connector as a permission does, or shows it again.
    async fn hide(&self, id: &RecordId, hidden: bool) -> Result<bool> {
        let _ = (id, hidden);
        Ok(false)
    }

    /// Denies the connector a field of the entity, or allows it again.
    async fn deny(&self, field: &FieldName, denied: bool) -> Result<bool> {
        let _ = (field, denied);
        Ok(false)
    }

    /// Changes a record in a transaction that stays open until [`AnotherUser::commit`].
    async fn begin_edit(&self, id: &RecordId, values: &Record) -> Result<bool> {
        let _ = (id, values);
        Ok(false)
    }

    /// Commits what [`AnotherUser::begin_edit`] began.
    async fn commit(&self) -> Result<()> {
        Ok(())
    }
}

/// Where the connection of a call is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Torn {
    /// While an answer of a reading comes, if there are several behind the first one, otherwise at once.
    Read,
    /// While the answer of a look-up comes.
    Fetch,
    /// While the request of a write is sent: the system does nothing.
    Request,
    /// While the answer of a write comes: the system has done what was asked.
    Answer,
}

/// Cuts connections between the connector and its system, as a proxy in between can.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Has the connection of the next call of this kind cut, once; the call after it finds it whole. `false`: that cannot
    /// be done, and the case is skipped.
    async fn cut(&self, torn: Torn) -> Result<bool>;
}

/// The description of a system. By itself it allows reading only; [`Bench::nominate`] and [`Bench::scratch`] allow more.
///
/// The entity should be at rest while the kit runs: another user's work in between can look like a fault.
#[derive(Clone)]
pub struct Bench {
    pub(super) open: Open,
    pub(super) misconfigured: Option<Open>,
    pub(super) entity: EntityName,
    pub(super) writes: Option<Vec<FieldName>>,
    pub(super) nominated: Vec<RecordId>,
    pub(super) namespace: Option<String>,
    pub(super) ids: Option<IdMaker>,
    pub(super) absent_ids: Option<IdMaker>,
    pub(super) samples: BTreeMap<FieldName, Sampler>,
    pub(super) forms: BTreeMap<FieldName, CanonicalForm>,
    pub(super) user: Option<Arc<dyn AnotherUser>>,
    pub(super) wire: Option<Arc<dyn Wire>>,
    pub(super) secrets: Vec<String>,
    pub(super) large_text_bytes: usize,
    pub(super) counts_utf16: bool,
    pub(super) records_max: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) patience: Duration,
}

impl Bench {
    /// A system of which one entity is examined. `open` makes a connector to it each time it is called: the kit takes two,
    /// so that one is another client of the same system.
    pub fn new<F, Fut>(entity: impl Into<EntityName>, open: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Connector>>> + Send + 'static,
    {
        Self {
            open: Arc::new(move || Box::pin(open())),
            misconfigured: None,
            entity: entity.into(),
            writes: None,
            nominated: Vec::new(),
            namespace: None,
            ids: None,
            absent_ids: None,
            samples: BTreeMap::new(),
            forms: BTreeMap::new(),
            user: None,
            wire: None,
            secrets: Vec::new(),
            large_text_bytes: 1 << 20,
            counts_utf16: false,
            records_max: 5_000,
            clock: Arc::new(SystemClock::new()),
            patience: Duration::from_secs(30),
        }
    }

    /// These records may be changed. They get their former values back.
    #[must_use]
    pub fn nominate(mut self, ids: impl IntoIterator<Item = RecordId>) -> Self {
        self.nominated.extend(ids);
        self
    }

    /// Records may be made, and those are deleted again. The name begins the ids and texts of the records that are made;
    /// take another one when a run left records behind.
    #[must_use]
    pub fn scratch(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only these fields may be written. Otherwise: every field that the schema shows as writable, but for the key,
    /// references and lists.
    #[must_use]
    pub fn writes<N: Into<FieldName>>(mut self, fields: impl IntoIterator<Item = N>) -> Self {
        self.writes = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// How ids of new records are chosen, where the client chooses them: a different one for every number. Otherwise: the
    /// namespace and the number as text, or a number beyond 900,000,000 where the key is a whole number.
    #[must_use]
    pub fn ids(mut self, make: impl Fn(u64) -> RecordId + Send + Sync + 'static) -> Self {
        self.ids = Some(Arc::new(make));
        self
    }

    /// Ids that no record has and that are well formed. Otherwise they are made as new ids are.
    #[must_use]
    pub fn absent_ids(mut self, make: impl Fn(u64) -> RecordId + Send + Sync + 'static) -> Self {
        self.absent_ids = Some(Arc::new(make));
        self
    }

    /// How values of a field are made: a different one for every number where the field allows it. Needed for references,
    /// and for fields with rules that the schema does not show.
    #[must_use]
    pub fn sample(
        mut self,
        field: impl Into<FieldName>,
        make: impl Fn(u64) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.samples.insert(field.into(), Arc::new(make));
        self
    }

    /// What the system makes of a field's values when it stores them. A mapping of this system declares the same.
    #[must_use]
    pub fn stores_as(mut self, field: impl Into<FieldName>, form: CanonicalForm) -> Self {
        self.forms.insert(field.into(), form);
        self
    }

    /// Access beside the connector. Without it the other user is a second client.
    #[must_use]
    pub fn another_user(mut self, user: impl AnotherUser) -> Self {
        self.user = Some(Arc::new(user));
        self
    }

    /// Who can cut connections. Without it nothing is known of what the connector says then.
    #[must_use]
    pub fn wire(mut self, wire: impl Wire) -> Self {
        self.wire = Some(Arc::new(wire));
        self
    }

    /// Texts that stand in the configuration and must stand in no output: passwords, tokens, keys.
    #[must_use]
    pub fn secrets<S: Into<String>>(mut self, secrets: impl IntoIterator<Item = S>) -> Self {
        self.secrets.extend(secrets.into_iter().map(Into::into));
        self
    }

    /// How to make a connector that cannot work, with the secrets in its configuration (a wrong address, a password that
    /// is not accepted): its errors are searched for them.
    #[must_use]
    pub fn misconfigured<F, Fut>(mut self, open: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Arc<dyn Connector>>> + Send + 'static,
    {
        self.misconfigured = Some(Arc::new(move || Box::pin(open())));
        self
    }

    /// How long the large text is. Otherwise 1 MiB.
    #[must_use]
    pub fn large_text_bytes(mut self, bytes: usize) -> Self {
        self.large_text_bytes = bytes;
        self
    }

    /// The system counts a text in units of UTF-16, as many do (JavaScript, .NET, SQL Server): a character beyond the
    /// 65,536 first ones takes two. The schema cannot say that, so a mapping's check of lengths lets such a text through, and the system
    /// refuses it.
    #[must_use]
    pub fn counts_utf16(mut self) -> Self {
        self.counts_utf16 = true;
        self
    }

    /// Records that the kit reads of the entity at most; where there are more, cases that read all of them are skipped.
    /// Otherwise 5,000.
    #[must_use]
    pub fn records_max(mut self, records: usize) -> Self {
        self.records_max = records;
        self
    }

    /// The clock, and how long the kit waits for an answer that may never come and for a system that asks for patience.
    /// Otherwise the machine's, and 30 seconds.
    #[must_use]
    pub fn patience(mut self, clock: Arc<dyn Clock>, patience: Duration) -> Self {
        (self.clock, self.patience) = (clock, patience);
        self
    }

    /// What a run may do.
    pub fn tier(&self) -> Tier {
        match (&self.namespace, self.nominated.as_slice()) {
            (Some(_), _) => Tier::Scratch,
            (None, []) => Tier::ReadOnly,
            (None, _) => Tier::NominatedRecords,
        }
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench")
            .field("entity", &self.entity)
            .field("tier", &self.tier())
            .finish_non_exhaustive()
    }
}
