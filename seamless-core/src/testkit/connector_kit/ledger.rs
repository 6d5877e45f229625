//! What a run did to the system and what it heard from it: the records that it made (the only ones that may be deleted),
//! the records that it changed with their former values, the secrets that showed. [`Watched`] is the connector through
//! which every call of the kit goes. Knows no case.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;

use crate::connector::{
    Capabilities, Change, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery,
    Requirement, Target, Verb, WriteBatch, WriteOutcome,
};
use crate::model::{EntityName, Error, ErrorKind, Record, RecordId, Result, Schema};

#[derive(Debug, Default)]
pub(super) struct Ledger {
    inner: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    serial: u64,
    made: BTreeSet<RecordId>,
    deleted: BTreeSet<RecordId>,
    absent: BTreeSet<RecordId>,
    /// The records that were there before the run.
    foreign: BTreeSet<RecordId>,
    lent: BTreeMap<RecordId, Record>,
    leaks: BTreeSet<String>,
}

impl Ledger {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that was not given before.
    pub(super) fn serial(&self) -> u64 {
        let mut notes = self.notes();
        notes.serial += 1;
        notes.serial
    }

    /// An id that no record has: deleting it harms nothing.
    pub(super) fn absent(&self, id: RecordId) -> RecordId {
        self.notes().absent.insert(id.clone());
        id
    }

    /// Records that were there before: whatever a create says, they were not made by it.
    pub(super) fn found_there(&self, ids: impl IntoIterator<Item = RecordId>) {
        self.notes().foreign.extend(ids);
    }

    /// Whether a record was there before the run.
    pub(super) fn is_foreign(&self, id: &RecordId) -> bool {
        self.notes().foreign.contains(id)
    }

    /// A record that is about to be changed, as it is now.
    pub(super) fn lend(&self, id: &RecordId, record: Record) {
        self.notes().lent.entry(id.clone()).or_insert(record);
    }

    /// What is to be put back, forgotten here.
    pub(super) fn take_lent(&self) -> BTreeMap<RecordId, Record> {
        std::mem::take(&mut self.notes().lent)
    }

    /// The records that were made and not deleted.
    pub(super) fn standing(&self) -> Vec<RecordId> {
        let notes = self.notes();
        notes.made.difference(&notes.deleted).cloned().collect()
    }

    /// Forgets a record that cannot be deleted.
    pub(super) fn give_up(&self, id: &RecordId) {
        self.notes().deleted.insert(id.clone());
    }

    fn may_delete(&self, id: &RecordId) -> bool {
        let notes = self.notes();
        notes.made.contains(id) || notes.absent.contains(id)
    }

    fn happened(&self, verb: &Verb, target: &Target, id: &RecordId) {
        let mut notes = self.notes();
        match (verb, target) {
            // A connector that speaks of another record than the chosen one, or of one that was there before, is not
            // believed: that one is not ours to delete.
            (Verb::Create, Target::New(chosen))
                if chosen.as_ref().is_none_or(|chosen| chosen == id) && !notes.foreign.contains(id) =>
            {
                notes.deleted.remove(id);
                notes.made.insert(id.clone());
            }
            (Verb::Delete(_), Target::Existing(id)) => {
                notes.deleted.insert(id.clone());
            }
            _ => {}
        }
    }

    /// Where secrets showed.
    pub(super) fn leaks(&self) -> Vec<String> {
        self.notes().leaks.iter().cloned().collect()
    }

    /// Looks for secrets in a text.
    pub(super) fn hear(&self, secrets: &[String], place: &str, text: &str) {
        if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
            self.notes().leaks.insert(place.to_owned());
        }
    }
}

/// A connector whose errors are searched for secrets and which deletes nothing that the run did not make.
pub(super) struct Watched {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) secrets: Arc<[String]>,
}

/// That of the connector alone: the kit searches it for the secrets that stand here.
impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Watched {
    fn hear<T>(&self, call: &str, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            hear_error(&self.ledger, &self.secrets, call, error);
        }
        result
    }
}

/// Everything that a log or a report may print of an error.
pub(super) fn hear_error(ledger: &Ledger, secrets: &[String], call: &str, error: &Error) {
    ledger.hear(
        secrets,
        &format!("an error of {call}"),
        &format!("{error} {error:?} {}", error.message_with_causes()),
    );
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Watched {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.hear("entities", self.inner.entities().await)
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.hear("discover", self.inner.discover(entities).await)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let pages = self.hear("read", self.inner.read(query).await)?;
        let (ledger, secrets) = (Arc::clone(&self.ledger), Arc::clone(&self.secrets));
        Ok(Box::pin(pages.inspect(move |page| match page {
            Err(error) => hear_error(&ledger, &secrets, "read", error),
            Ok(page) => {
                for change in &page.changes {
                    if let Change::Broken { place, problem, .. } = change {
                        ledger.hear(&secrets, "a broken record", &format!("{place} {problem}"));
                    }
                }
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.hear("fetch", self.inner.fetch(query).await)
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        for op in &batch.ops {
            if let (Verb::Delete(_), Target::Existing(id)) = (&op.verb, &op.target)
                && !self.ledger.may_delete(id)
            {
                let error =
                    Error::new(ErrorKind::Internal, "the kit deletes only records that it made itself");
                return Err(error.at("record", id));
            }
        }
        let asked: Vec<_> = batch.ops.iter().map(|op| (op.verb.clone(), op.target.clone())).collect();
        let outcomes = self.hear("write", self.inner.write(entity, batch).await)?;
        for ((verb, target), outcome) in asked.iter().zip(&outcomes) {
            match outcome {
                WriteOutcome::Applied { id, .. } => self.ledger.happened(verb, target, id),
                WriteOutcome::Refused(refusal) => {
                    hear_error(&self.ledger, &self.secrets, "write", &refusal.error)
                }
                WriteOutcome::Ambiguous(error) => hear_error(&self.ledger, &self.secrets, "write", error),
            }
        }
        Ok(outcomes)
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let finding = self.hear("check", self.inner.check(need).await)?;
        self.ledger.hear(&self.secrets, "a finding of check", &format!("{finding:?}"));
        Ok(finding)
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.hear("provision", self.inner.provision(need).await)
    }
}
