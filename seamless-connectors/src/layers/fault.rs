//! Fault: a connector that goes wrong on purpose, by a script or by chance with a seed, for tests of hosts: does the host get
//! over a lost answer, a stream that stops, a system that is down?
//!
//! Gives up, as a network does: that calls succeed, that a stream ends with an end, that a record comes once (a page may come
//! twice). It never lies about what happened: a lost answer is called ambiguous, what was not sent is refused or fails.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seamless_core::clock::Clock;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Layer, Lookup, Page, PageStream, ReadQuery,
    Requirement, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::around::CallKind;
use super::dice::Dice;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The call is not made and fails like this.
    Fails(ErrorKind),
    /// The call is made and its answer is lost: a write is ambiguous, anything else is unavailable.
    AnswerLost,
    /// The call is not made, and nobody can tell: a write is ambiguous, anything else is unavailable.
    RequestLost,
    /// The call is made after this time.
    Late(Duration),
    /// The stream stops here without an end. For a call that is no page: as a lost answer.
    CutOff,
    /// The page comes twice. For a call that is no page: nothing.
    Twice,
}

/// How often what goes wrong, of a thousand calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chances {
    /// [`Trouble::Fails`], as unavailable.
    pub fails: u32,
    /// [`Trouble::AnswerLost`].
    pub answer_lost: u32,
    /// [`Trouble::RequestLost`].
    pub request_lost: u32,
    /// [`Trouble::CutOff`].
    pub cut_off: u32,
    /// [`Trouble::Twice`].
    pub twice: u32,
    /// [`Trouble::Late`].
    pub late: u32,
    /// How late.
    pub late_by: Duration,
}

impl Default for Chances {
    /// Nothing goes wrong.
    fn default() -> Self {
        Self {
            fails: 0,
            answer_lost: 0,
            request_lost: 0,
            cut_off: 0,
            twice: 0,
            late: 0,
            late_by: Duration::ZERO,
        }
    }
}

impl Chances {
    /// Everything goes wrong this often.
    pub fn all(per_mille: u32) -> Self {
        Self {
            fails: per_mille,
            answer_lost: per_mille,
            request_lost: per_mille,
            cut_off: per_mille,
            twice: per_mille,
            late: per_mille,
            late_by: Duration::from_secs(1),
        }
    }
}

/// Troubles that are kept for [`Fault::happened`]; later ones happen and are counted only.
const HAPPENED_MAX: usize = 10_000;

/// The layer. Connectors that one value of it wraps share its script.
#[derive(Clone, Debug)]
pub struct Fault {
    script: Arc<Script>,
}

impl Fault {
    /// Troubles by chance: the same seed and the same calls give the same troubles.
    pub fn seeded(clock: Arc<dyn Clock>, seed: u64, chances: Chances) -> Self {
        Self::new(clock, Plan::Chance(Dice::new(seed), chances))
    }

    /// Troubles by number: the call of this number, from 0 and each page counted, goes wrong like this.
    pub fn script(clock: Arc<dyn Clock>, troubles: impl IntoIterator<Item = (u64, Trouble)>) -> Self {
        Self::new(clock, Plan::Numbered(troubles.into_iter().collect()))
    }

    fn new(clock: Arc<dyn Clock>, plan: Plan) -> Self {
        Self { script: Arc::new(Script { clock, plan, state: Mutex::default() }) }
    }

    /// What went wrong so far, with the number of the call; the first ten thousand.
    pub fn happened(&self) -> Vec<(u64, CallKind, Trouble)> {
        self.script.state().happened.clone()
    }

    /// How many calls there were, each page counted.
    pub fn calls(&self) -> u64 {
        self.script.state().calls
    }
}

impl Layer for Fault {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Faulty { inner, script: Arc::clone(&self.script) })
    }
}

#[derive(Debug)]
enum Plan {
    Chance(Dice, Chances),
    Numbered(BTreeMap<u64, Trouble>),
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    happened: Vec<(u64, CallKind, Trouble)>,
}

#[derive(Debug)]
struct Script {
    clock: Arc<dyn Clock>,
    plan: Plan,
    state: Mutex<State>,
}

/// What a call that was not troubled away comes to.
enum Goes {
    /// It is made.
    On,
    /// It is made, and its answer is lost.
    Unheard,
    /// The page comes twice.
    Twice,
    /// It is not made, and nobody can tell.
    Lost,
    /// The stream stops.
    Stops,
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, call: CallKind) -> Option<Trouble> {
        let mut state = self.state();
        let number = state.calls;
        state.calls += 1;
        let trouble = match &self.plan {
            Plan::Numbered(troubles) => troubles.get(&number).copied(),
            Plan::Chance(dice, chances) => {
                let Chances { fails, answer_lost, request_lost, cut_off, twice, late, late_by } = *chances;
                // One throw for each, so that the later ones do not hang on the earlier ones.
                let thrown = [
                    (fails, Trouble::Fails(ErrorKind::Unavailable)),
                    (answer_lost, Trouble::AnswerLost),
                    (request_lost, Trouble::RequestLost),
                    (cut_off, Trouble::CutOff),
                    (twice, Trouble::Twice),
                    (late, Trouble::Late(late_by)),
                ]
                .map(|(chance, trouble)| dice.per_mille(chance).then_some(trouble));
                thrown.into_iter().flatten().next()
            }
        }?;
        if state.happened.len() < HAPPENED_MAX {
            state.happened.push((number, call, trouble));
        }
        Some(trouble)
    }

    async fn meets(&self, call: CallKind) -> Result<Goes> {
        let is_page = call == CallKind::Page;
        Ok(match self.draw(call) {
            None => Goes::On,
            Some(Trouble::Fails(kind)) => return Err(ordered(kind, call)),
            Some(Trouble::AnswerLost) => Goes::Unheard,
            Some(Trouble::RequestLost) => Goes::Lost,
            Some(Trouble::CutOff) => {
                if is_page {
                    Goes::Stops
                } else {
                    Goes::Unheard
                }
            }
            Some(Trouble::Twice) => {
                if is_page {
                    Goes::Twice
                } else {
                    Goes::On
                }
            }
            Some(Trouble::Late(by)) => {
                self.clock.sleep(by).await;
                Goes::On
            }
        })
    }

    /// Around a call whose loss is an error.
    async fn through<T>(&self, call: CallKind, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        match self.meets(call).await? {
            Goes::On | Goes::Twice => work.await,
            Goes::Unheard => {
                let _ = work.await?;
                Err(ordered(ErrorKind::Unavailable, call))
            }
            Goes::Lost | Goes::Stops => Err(ordered(ErrorKind::Unavailable, call)),
        }
    }
}

fn ordered(kind: ErrorKind, call: CallKind) -> Error {
    Error::new(kind, "it goes wrong, as the test ordered").at("call", call.name())
}

struct Faulty {
    inner: Arc<dyn Connector>,
    script: Arc<Script>,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("inner", &self.inner).finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Faulty {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.script.through(CallKind::Entities, self.inner.entities()).await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.script.through(CallKind::Discover, self.inner.discover(entities)).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let pages = self.script.through(CallKind::Read, self.inner.read(query)).await?;
        let state = Some((pages, None::<Page>));
        let script = Arc::clone(&self.script);
        Ok(Box::pin(stream::unfold(state, move |state| {
            let script = Arc::clone(&script);
            async move {
                let (mut pages, again) = state?;
                if let Some(page) = again {
                    let rest = page.end.is_none().then_some((pages, None));
                    return Some((Ok(page), rest));
                }
                let goes = match script.meets(CallKind::Page).await {
                    Ok(goes) => goes,
                    Err(error) => return Some((Err(error), None)),
                };
                if let Goes::Stops = goes {
                    return None;
                }
                if let Goes::Lost | Goes::Unheard = goes {
                    return Some((Err(ordered(ErrorKind::Unavailable, CallKind::Page)), None));
                }
                match pages.next().await? {
                    Err(error) => Some((Err(error), None)),
                    // An end comes once, so the first of the two is without it.
                    Ok(page) => match goes {
                        Goes::Twice => {
                            let first = Page { end: None, ..page.clone() };
                            Some((Ok(first), Some((pages, Some(page)))))
                        }
                        _ => {
                            let rest = page.end.is_none().then_some((pages, None));
                            Some((Ok(page), rest))
                        }
                    },
                }
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.script.through(CallKind::Fetch, self.inner.fetch(query)).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let lost = |count: usize| -> Vec<WriteOutcome> {
            let lost = || ordered(ErrorKind::Unavailable, CallKind::Write).at("entity", entity);
            std::iter::repeat_with(|| WriteOutcome::Ambiguous(lost())).take(count).collect()
        };
        let count = batch.ops.len();
        match self.script.meets(CallKind::Write).await? {
            Goes::On | Goes::Twice => self.inner.write(entity, batch).await,
            Goes::Unheard => {
                // What surely did not happen may be called unknown; the other way round it may not.
                let _ = self.inner.write(entity, batch).await;
                Ok(lost(count))
            }
            Goes::Lost | Goes::Stops => Ok(lost(count)),
        }
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.script.through(CallKind::Check, self.inner.check(need)).await
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.script.through(CallKind::Provision, self.inner.provision(need)).await
    }
}
