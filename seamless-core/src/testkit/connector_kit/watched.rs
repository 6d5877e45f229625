//! The connector through which every call of the kit goes: it keeps the ledger, and asks again where the system asks for
//! patience. Knows no case.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;

use super::ledger::Ledger;
use crate::clock::Clock;
use crate::connector::{
    Capabilities, Change, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery,
    Refusal, RefusalKind, Requirement, Target, Verb, WriteBatch, WriteOutcome,
};
use crate::model::{EntityName, Error, ErrorKind, Result, Retry, Schema};

/// How often a call is made that the system has no time for.
const ATTEMPTS_MAX: u32 = 8;

/// A connector whose errors are searched for secrets, which deletes nothing that the run did not make, and which waits
/// where the system asks for patience.
pub(super) struct Watched {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) secrets: Arc<[String]>,
    /// What waits where the system asks for patience, and how long at most.
    pub(super) clock: Arc<dyn Clock>,
    pub(super) patience: Duration,
}

/// That of the connector alone: the kit searches it for the secrets that stand here.
impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Watched {
    /// Whether a call is made again: the system asked for patience, and not too often. Waits as long as it asked.
    async fn again(&self, attempt: u32, retry: Option<Retry>) -> bool {
        let Some(retry) = retry.filter(|_| attempt < ATTEMPTS_MAX) else { return false };
        let wait = match retry {
            Retry::After(wait) => wait.min(self.patience),
            _ => self.patience / ATTEMPTS_MAX,
        };
        self.clock.sleep(wait).await;
        true
    }

    fn hear<T>(&self, call: &str, result: Result<T>) -> Result<T> {
        if let Err(error) = &result {
            hear_error(&self.ledger, &self.secrets, call, error);
        }
        result
    }
}

impl Watched {
    /// Sends a batch; operations that the system had no time for are sent again.
    async fn write_patiently(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let mut rest = batch;
        let mut outcomes: Vec<WriteOutcome> = Vec::new();
        // Where in the answer the outcomes of the rest belong; at first everywhere.
        let mut places: Option<Vec<usize>> = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answer = self.hear("write", self.inner.write(entity, rest.clone()).await);
            let retry = match answer {
                Err(_) if self.again(attempt, throttled(&answer)).await => continue,
                Err(error) => return Err(error),
                Ok(found) => {
                    let retry = found.iter().find_map(asks_for_patience);
                    match &places {
                        None => outcomes = found,
                        Some(places) => {
                            for (place, found) in places.iter().zip(found) {
                                if let Some(slot) = outcomes.get_mut(*place) {
                                    *slot = found;
                                }
                            }
                        }
                    }
                    retry
                }
            };
            if !self.again(attempt, retry).await {
                return Ok(outcomes);
            }
            let known = places.unwrap_or_else(|| (0..outcomes.len()).collect());
            let waiting = |place: &usize| outcomes.get(*place).and_then(asks_for_patience).is_some();
            let (kept, ops) = known.into_iter().zip(rest.ops).filter(|(place, _)| waiting(place)).unzip();
            (places, rest) = (Some(kept), WriteBatch { ops, bypass: rest.bypass });
        }
    }
}

/// When to send an operation again, where the system asked for patience.
fn asks_for_patience(outcome: &WriteOutcome) -> Option<Retry> {
    match outcome {
        WriteOutcome::Refused(Refusal { why: RefusalKind::Throttled { wait }, .. }) => {
            Some(wait.map_or(Retry::Later, Retry::After))
        }
        _ => None,
    }
}

/// When to call again, where the system asked for patience.
fn throttled<T>(result: &Result<T>) -> Option<Retry> {
    let error = result.as_ref().err().filter(|error| error.kind() == ErrorKind::Throttled)?;
    Some(error.retry())
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
        let mut attempt = 0;
        let pages = loop {
            let pages = self.hear("read", self.inner.read(query.clone()).await);
            attempt += 1;
            if !self.again(attempt, throttled(&pages)).await {
                break pages?;
            }
        };
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
        let mut attempt = 0;
        loop {
            let found = self.hear("fetch", self.inner.fetch(query.clone()).await);
            attempt += 1;
            if !self.again(attempt, throttled(&found)).await {
                return found;
            }
        }
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
        let outcomes = self.write_patiently(entity, batch).await?;
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
