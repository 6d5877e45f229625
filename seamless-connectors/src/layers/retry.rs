//! Retry: a call that failed for now is made again, later and later, so that a hiccup of a system is no failed run.
//!
//! - A reading goes on at the cursor of its last page; no page comes twice and none is lost. A stream that was cut off is
//!   reopened too. A look-up is made again for the records that were not answered, and for no others.
//! - A write is made again only where surely nothing was done: the call failed as a whole, or operations were refused as
//!   [`Throttled`](RefusalKind::Throttled) or [`Unavailable`](RefusalKind::Unavailable). What nobody knows of is sent again,
//!   under the same id, only where the connector declares idempotency keys; what is refused then is still called ambiguous, since
//!   the refusal says nothing of the first time.
//! - The wait that a system names is kept; where it is longer than [`Retries::wait_max`] the error goes up at once, and says when
//!   to come back. Otherwise waits double, with jitter, so that callers do not come back together.
//! - A [`Budget`] bounds what is made again over all calls together.
//!
//! Gives up: an enumeration that had to be reopened in the middle ends as `Partial` and never as `Complete`: what it proves of
//! records that were not seen is lost, and the next run reads again. Retry in one place of a stack only; around this layer the
//! engine repeats records across runs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seamless_core::clock::Clock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, End, FetchBy, FetchQuery, Finding, Layer, Lookup, Page,
    PageStream, ReadQuery, Refusal, RefusalKind, Requirement, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, Result, Retry as When, Schema};

use super::budget::{Budget, Purse};
use super::dice::Dice;

/// How often, and after what wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// How often a call is made, the first time included. 1: never again.
    pub attempts_max: u32,
    /// The wait before the second time; it doubles with each time.
    pub delay: Duration,
    /// The longest wait of our own.
    pub delay_max: Duration,
    /// The longest wait that is kept where the system names one. A longer one is the caller's to keep.
    pub wait_max: Duration,
    /// How much may be made again, all calls together.
    pub budget: Budget,
}

impl Default for Retries {
    /// Four times, after half a second, one and two; waits of a system up to a minute; a fifth of the calls.
    fn default() -> Self {
        Self {
            attempts_max: 4,
            delay: Duration::from_millis(500),
            delay_max: Duration::from_secs(30),
            wait_max: Duration::from_secs(60),
            budget: Budget::default(),
        }
    }
}

/// The layer. Connectors that one value of it wraps share its budget.
#[derive(Clone, Debug)]
pub struct Retry {
    patience: Arc<Patience>,
}

impl Retry {
    /// A layer that waits by this clock. The seed decides the jitter; processes should have different ones.
    pub fn new(clock: Arc<dyn Clock>, retries: Retries, seed: u64) -> Self {
        let purse = Mutex::new(Purse::new(retries.budget, clock.elapsed()));
        Self { patience: Arc::new(Patience { clock, retries, purse, dice: Dice::new(seed) }) }
    }
}

impl Layer for Retry {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Retrying { inner, patience: Arc::clone(&self.patience) })
    }
}

/// Decides whether a call is made again, and waits.
#[derive(Debug)]
struct Patience {
    clock: Arc<dyn Clock>,
    retries: Retries,
    purse: Mutex<Purse>,
    dice: Dice,
}

impl Patience {
    /// A call is made for the first time.
    fn first(&self) {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner).earn();
    }

    /// Waits and says yes, or says no. `made`: how often the call was made.
    async fn again(&self, made: u32, when: When) -> bool {
        match self.wait(made, when) {
            Some(wait) => {
                self.clock.sleep(wait).await;
                true
            }
            None => false,
        }
    }

    fn wait(&self, made: u32, when: When) -> Option<Duration> {
        let Retries { attempts_max, delay, delay_max, wait_max, budget: _ } = self.retries;
        if made >= attempts_max {
            return None;
        }
        let doublings = made.saturating_sub(1).min(20);
        let own = delay.saturating_mul(1 << doublings).min(delay_max);
        let wait = match when {
            When::Never => return None,
            When::After(told) if told > wait_max => return None,
            // Never earlier than the system said.
            When::After(told) => told.max(own / 2).saturating_add(self.dice.up_to(own / 2)),
            When::Later => (own / 2).saturating_add(self.dice.up_to(own / 2)),
        };
        let mut purse = self.purse.lock().unwrap_or_else(PoisonError::into_inner);
        purse.spend(self.clock.elapsed()).then_some(wait)
    }
}

struct Retrying {
    inner: Arc<dyn Connector>,
    patience: Arc<Patience>,
}

impl fmt::Debug for Retrying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Retries { attempts_max, .. } = self.patience.retries;
        f.debug_struct("Retry").field("attempts_max", &attempts_max).field("inner", &self.inner).finish()
    }
}

/// Makes a call that can be made any number of times.
macro_rules! repeated {
    ($self:ident, $call:expr) => {{
        $self.patience.first();
        let mut made = 0;
        loop {
            made += 1;
            match $call.await {
                Err(error) if $self.patience.again(made, error.retry()).await => {}
                Err(error) => break Err(tried(error, made)),
                answer => break answer,
            }
        }
    }};
}

/// An error that says how often the call was made, where that was more than once.
fn tried(error: Error, made: u32) -> Error {
    if made > 1 { error.at("attempts", made) } else { error }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Retrying {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        repeated!(self, self.inner.entities())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        repeated!(self, self.inner.discover(entities))
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let pages = repeated!(self, self.inner.read(query.clone()))?;
        let reading = Reading {
            inner: Arc::clone(&self.inner),
            patience: Arc::clone(&self.patience),
            query,
            pages: Some(pages),
            began: false,
            reopened: false,
        };
        Ok(Box::pin(stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            match reading.next().await? {
                Err(error) => Some((Err(error), None)),
                Ok(page) => {
                    let rest = page.end.is_none().then_some(reading);
                    Some((Ok(page), rest))
                }
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.patience.first();
        let mut made = 0;
        // What is asked in the end, and where its answers belong: at first everything.
        let mut rest = query.clone();
        let mut answers: Option<Vec<Lookup>> = None;
        let mut places: Vec<usize> = Vec::new();
        loop {
            made += 1;
            let when = match (self.inner.fetch(rest.clone()).await, &mut answers) {
                (Err(error), None) if self.patience.again(made, error.retry()).await => continue,
                (Err(error), None) => return Err(tried(error, made)),
                // The rest stays unanswered.
                (Err(error), Some(_)) => error.retry(),
                (Ok(found), None) => {
                    answers = Some(found);
                    When::Later
                }
                (Ok(found), Some(answers)) => {
                    for (place, found) in places.iter().zip(found) {
                        if let Some(slot) = answers.get_mut(*place) {
                            *slot = found;
                        }
                    }
                    When::Later
                }
            };
            let known = answers.as_deref().unwrap_or_default();
            let unanswered = known.iter().enumerate().filter(|(_, answer)| **answer == Lookup::Unanswered);
            places = unanswered.map(|(place, _)| place).collect();
            if places.is_empty() || !self.patience.again(made, when).await {
                return Ok(answers.unwrap_or_default());
            }
            rest = FetchQuery { by: only(&query.by, &places), ..query.clone() };
        }
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.patience.first();
        let keyed = self.inner.capabilities(entity).idempotency_key;
        let mut made = 0;
        let mut outcomes: Option<Vec<WriteOutcome>> = None;
        let mut places: Vec<usize> = Vec::new();
        let mut rest = batch.clone();
        loop {
            made += 1;
            let mut when = None;
            match (self.inner.write(entity, rest).await, &mut outcomes) {
                // By contract nothing of the batch happened.
                (Err(error), None) => {
                    if self.patience.again(made, error.retry()).await {
                        rest = batch.clone();
                        continue;
                    }
                    return Err(tried(error, made));
                }
                // What is known of the operations stays as it is.
                (Err(error), Some(_)) => when = Some(error.retry()),
                (Ok(told), None) => outcomes = Some(told),
                (Ok(told), Some(outcomes)) => {
                    for (place, told) in places.iter().zip(told) {
                        if let Some(slot) = outcomes.get_mut(*place) {
                            *slot = after(slot, told);
                        }
                    }
                }
            }
            let known = outcomes.as_deref().unwrap_or_default();
            let open = known.iter().enumerate();
            let open = open.filter_map(|(place, told)| Some((place, send_again(told, keyed)?)));
            let open: Vec<(usize, When)> = open.collect();
            let asked = when.or_else(|| open.iter().map(|(_, when)| *when).max_by_key(longest));
            let again = match asked {
                Some(when) if !open.is_empty() => self.patience.again(made, when).await,
                _ => false,
            };
            if !again {
                return Ok(outcomes.unwrap_or_default());
            }
            places = open.into_iter().map(|(place, _)| place).collect();
            let ops: Vec<WriteOp> =
                places.iter().filter_map(|place| batch.ops.get(*place).cloned()).collect();
            rest = WriteBatch { ops, bypass: batch.bypass.clone() };
        }
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        repeated!(self, self.inner.check(need))
    }

    /// Once: it changes the system, and who gets no answer does not know what it did.
    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.inner.provision(need).await
    }
}

/// Whether an operation may be sent again, and when. `keyed`: the system does the same operation once only.
fn send_again(told: &WriteOutcome, keyed: bool) -> Option<When> {
    match told {
        WriteOutcome::Applied { .. } => None,
        WriteOutcome::Ambiguous(error) => (keyed && error.retry() != When::Never).then(|| error.retry()),
        WriteOutcome::Refused(Refusal { why, .. }) => match why {
            RefusalKind::Throttled { wait } => Some(wait.map_or(When::Later, When::After)),
            RefusalKind::Unavailable => Some(When::Later),
            RefusalKind::Stale
            | RefusalKind::Missing
            | RefusalKind::KeyTaken { .. }
            | RefusalKind::Invalid { .. }
            | RefusalKind::Forbidden => None,
        },
    }
}

/// What is known of an operation that was sent again. A refusal says nothing of the time before, of which nobody knew.
fn after(before: &mut WriteOutcome, told: WriteOutcome) -> WriteOutcome {
    let unknown = || WriteOutcome::Ambiguous(Error::new(seamless_core::ErrorKind::Internal, ""));
    match (std::mem::replace(before, unknown()), told) {
        (WriteOutcome::Ambiguous(first), WriteOutcome::Refused(_)) => WriteOutcome::Ambiguous(first),
        (_, told) => told,
    }
}

fn longest(when: &When) -> Duration {
    match when {
        When::Never => Duration::ZERO,
        When::Later => Duration::from_nanos(1),
        When::After(wait) => *wait,
    }
}

/// The records at these places.
fn only(by: &FetchBy, places: &[usize]) -> FetchBy {
    match by {
        FetchBy::Ids(ids) => {
            FetchBy::Ids(places.iter().filter_map(|place| ids.get(*place).cloned()).collect())
        }
        FetchBy::Key { fields, values } => FetchBy::Key {
            fields: fields.clone(),
            values: places.iter().filter_map(|place| values.get(*place).cloned()).collect(),
        },
    }
}

/// A reading that is reopened where it was cut off.
struct Reading {
    inner: Arc<dyn Connector>,
    patience: Arc<Patience>,
    /// What is read, from behind the last page that was given.
    query: ReadQuery,
    pages: Option<PageStream>,
    /// Whether a page was given.
    began: bool,
    /// Whether it was reopened after that.
    reopened: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Page>> {
        self.patience.first();
        let mut made = 0;
        loop {
            made += 1;
            let failed = match self.step().await {
                Some(Ok(page)) => return Some(Ok(self.given(page))),
                Some(Err(error)) => Some(error),
                // It stopped without an end: it was cut off.
                None => None,
            };
            self.pages = None;
            self.reopened |= self.began;
            let when = failed.as_ref().map_or(When::Later, Error::retry);
            if !self.patience.again(made, when).await {
                return failed.map(|error| Err(tried(error, made)));
            }
        }
    }

    async fn step(&mut self) -> Option<Result<Page>> {
        if self.pages.is_none() {
            match self.inner.read(self.query.clone()).await {
                Ok(pages) => self.pages = Some(pages),
                Err(error) => return Some(Err(error)),
            }
        }
        match &mut self.pages {
            Some(pages) => pages.next().await,
            None => None,
        }
    }

    fn given(&mut self, mut page: Page) -> Page {
        self.began = true;
        self.query.after = Some(page.cursor.clone());
        if self.reopened && matches!(page.end, Some(End::Complete(_))) {
            page.end = Some(End::Partial);
        }
        page
    }
}
