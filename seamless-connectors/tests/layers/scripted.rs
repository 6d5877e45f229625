//! A connector that answers by a script and counts what was applied: the oracle of what retry may do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchBy, FetchQuery, Lookup, PageStream, Proof, ReadQuery,
    Refusal, RefusalKind, WriteBatch, WriteOutcome,
};
use seamless_core::model::{ActionId, EntityName, Error, ErrorKind, RecordId, Result, Retry, Schema};

/// What becomes of an operation or a looked-up record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Applied,
    Throttled,
    Unavailable,
    Stale,
    /// It happened, and the answer is lost.
    UnknownDone,
    /// It did not happen, and nobody can tell.
    UnknownNotDone,
}

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How often each operation was applied.
    pub(crate) applied: BTreeMap<ActionId, u32>,
    /// How often each was sent.
    pub(crate) sent: BTreeMap<ActionId, u32>,
    /// The records that each look-up asked for.
    pub(crate) asked: Vec<Vec<RecordId>>,
    pub(crate) calls: u32,
}

#[derive(Debug)]
pub(crate) struct Scripted {
    info: ConnectorInfo,
    pub(crate) keyed: bool,
    /// What comes of things, one after the other; when it is used up everything is applied.
    pub(crate) fates: Mutex<VecDeque<Fate>>,
    /// Calls that fail as a whole before the script goes on.
    pub(crate) failures: Mutex<VecDeque<(ErrorKind, Option<Duration>)>>,
    pub(crate) seen: Mutex<Seen>,
}

impl Scripted {
    pub(crate) fn new(
        keyed: bool,
        fates: impl IntoIterator<Item = Fate>,
        failures: impl IntoIterator<Item = (ErrorKind, Option<Duration>)>,
    ) -> Arc<Self> {
        Arc::new(Self {
            info: ConnectorInfo {
                system: "script".into(),
                identity: "script".into(),
                label: "script".into(),
            },
            keyed,
            fates: Mutex::new(fates.into_iter().collect()),
            failures: Mutex::new(failures.into_iter().collect()),
            seen: Mutex::default(),
        })
    }

    fn fate(&self) -> Fate {
        self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Applied)
    }

    fn begin(&self) -> Result<()> {
        self.seen.lock().unwrap().calls += 1;
        match self.failures.lock().unwrap().pop_front() {
            None => Ok(()),
            Some((kind, None)) => Err(Error::new(kind, "the script says so")),
            Some((kind, Some(wait))) => {
                Err(Error::new(kind, "the script says so").with_retry(Retry::After(wait)))
            }
        }
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the answer was lost")
}

#[async_trait]
impl Connector for Scripted {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, _: &EntityName) -> Capabilities {
        Capabilities { idempotency_key: self.keyed, ..Capabilities::full() }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.begin().map(|()| Vec::new())
    }

    async fn discover(&self, _: &[EntityName]) -> Result<Schema> {
        self.begin().map(|()| Schema::default())
    }

    async fn read(&self, _: ReadQuery) -> Result<PageStream> {
        self.begin()?;
        Err(Error::new(ErrorKind::Unsupported, "nothing is read here"))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.begin()?;
        let FetchBy::Ids(ids) = query.by else { return Ok(Vec::new()) };
        self.seen.lock().unwrap().asked.push(ids.clone());
        Ok(ids
            .iter()
            .map(|id| match self.fate() {
                Fate::Applied => Lookup::Several(vec![id.clone()]),
                Fate::Stale => Lookup::Hidden,
                _ => Lookup::Unanswered,
            })
            .collect())
    }

    async fn write(&self, _: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.begin()?;
        let outcomes = batch.ops.iter().map(|op| {
            let fate = self.fate();
            let mut seen = self.seen.lock().unwrap();
            *seen.sent.entry(op.id).or_default() += 1;
            let before = seen.applied.get(&op.id).copied().unwrap_or(0);
            let again = self.keyed && before > 0;
            if matches!(fate, Fate::Applied | Fate::UnknownDone) && !again {
                *seen.applied.entry(op.id).or_default() += 1;
            }
            let refused =
                |why, kind| WriteOutcome::Refused(Refusal { why, error: Error::new(kind, "refused") });
            match fate {
                Fate::Applied => WriteOutcome::Applied { id: RecordId::int(1), proof: Proof::None },
                Fate::UnknownDone | Fate::UnknownNotDone => WriteOutcome::Ambiguous(lost()),
                Fate::Throttled => refused(RefusalKind::Throttled { wait: None }, ErrorKind::Throttled),
                Fate::Unavailable => refused(RefusalKind::Unavailable, ErrorKind::Unavailable),
                Fate::Stale => refused(RefusalKind::Stale, ErrorKind::Conflict),
            }
        });
        Ok(outcomes.collect())
    }
}
