//! Replaying: a connector that answers as was recorded. Knows no system. The door is [`Replay::open`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::answer::{AnswerForm, PageForm, damaged};
use super::asked::Asked;
use super::scrub::Scrub;
use super::{FORM, Known, LINE_BYTES_MAX, LINES_MAX, Line};

/// Bytes of a cassette at most: it is replayed from memory.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Characters of a call that an error shows, and that calls are compared by to find the nearest.
const SHOWN_CHARS_MAX: usize = 400;

/// Whether the order of calls must be that of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Each call must be the next one that was recorded. Strict: it also fails where the host only asks in another order.
    InOrder,
    /// A call is answered as the first one of the same words that was not replayed yet, or as the last one of them. Loses: that a
    /// question comes before or after another one goes unnoticed.
    AnyOrder,
}

/// A connector that answers from a cassette.
pub struct Replay {
    info: ConnectorInfo,
    known: Known,
    scrub: Scrub,
    matching: Matching,
    calls: Vec<Call>,
    /// The calls of the same words, in the order in which they began.
    alike: BTreeMap<String, Vec<usize>>,
    state: Mutex<State>,
}

struct Call {
    asked: String,
    answer: AnswerForm,
    pages: Arc<[PageForm]>,
}

#[derive(Default)]
struct State {
    /// The next call, in order.
    next: usize,
    /// The calls that were replayed.
    done: BTreeSet<usize>,
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("identity", &self.info.identity)
            .field("calls", &self.calls.len())
            .field("matching", &self.matching)
            .finish_non_exhaustive()
    }
}

impl Replay {
    /// Reads a cassette. `scrub` must be that of the recording.
    ///
    /// Errors: a file that cannot be read; one of another form, or damaged, with the line; one that is too large.
    pub fn open(path: impl AsRef<Path>, scrub: Scrub, matching: Matching) -> Result<Self> {
        let path = path.as_ref();
        let read = || {
            let file = File::open(path).map_err(|cause| {
                Error::configuration("the cassette cannot be read")
                    .with_remedy("name a file that a recording made")
                    .caused_by(cause)
            })?;
            Self::of(BufReader::new(file), scrub, matching)
        };
        read().map_err(|error| error.at("file", path.display()))
    }

    fn of(reader: impl BufRead, scrub: Scrub, matching: Matching) -> Result<Self> {
        let mut lines = Lines { reader: reader.take(FILE_BYTES_MAX), number: 0 };
        let Some(Line::Cassette { form, system, identity, label }) = lines.next()? else {
            return Err(damaged("it does not begin as one"));
        };
        if form != FORM {
            let message = format!("the cassette has form {form}, and {FORM} is read here");
            return Err(Error::new(ErrorKind::Corrupt, message).with_remedy("record it anew"));
        }
        let (mut known, mut calls) = (Known::new(), BTreeMap::new());
        let mut pages = BTreeMap::<u64, Vec<PageForm>>::new();
        while let Some(line) = lines.next()? {
            match line {
                Line::Cassette { .. } => return Err(damaged("it begins twice")),
                Line::Can { entity, can } => {
                    known.insert(entity, can);
                }
                Line::Call { number, asked, answer } => {
                    calls.insert(number, (asked.get().to_owned(), answer));
                }
                Line::Page { of, page } => pages.entry(of).or_default().push(page),
            }
        }
        let calls = calls.into_iter().map(|(number, (asked, answer))| {
            let pages = pages.remove(&number).unwrap_or_default().into();
            Call { asked, answer, pages }
        });
        let calls: Vec<Call> = calls.collect();
        let mut alike = BTreeMap::<String, Vec<usize>>::new();
        for (place, call) in calls.iter().enumerate() {
            alike.entry(call.asked.clone()).or_default().push(place);
        }
        let info = ConnectorInfo { system, identity, label };
        Ok(Self { info, known, scrub, matching, calls, alike, state: Mutex::default() })
    }

    /// How many recorded calls were not replayed yet.
    pub fn left(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.calls.len() - state.done.len()
    }

    /// The recorded call that answers this one.
    fn find(&self, asked: &Asked<'_>) -> Result<&Call> {
        let asked = asked.text(&self.scrub)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match self.matching {
            Matching::InOrder => {
                Some(state.next).filter(|next| self.calls.get(*next).is_some_and(|call| call.asked == asked))
            }
            Matching::AnyOrder => self.alike.get(&asked).and_then(|alike| {
                let fresh = alike.iter().find(|place| !state.done.contains(place));
                fresh.or(alike.last()).copied()
            }),
        };
        if let Some(place) = place {
            state.done.insert(place);
            state.next = place + 1;
        }
        let next = state.next;
        drop(state);
        place.and_then(|place| self.calls.get(place)).ok_or_else(|| self.unknown(&asked, next))
    }

    fn unknown(&self, asked: &str, next: usize) -> Error {
        let error =
            Error::new(ErrorKind::NotFound, format!("the cassette has no such call: {}", shown(asked)));
        let other = match self.matching {
            Matching::InOrder => self.calls.get(next).map(|call| ("the next one that was recorded is", call)),
            Matching::AnyOrder => {
                let asked = shown(asked);
                let alike = self.calls.iter().map(|call| (strsim::jaro(&shown(&call.asked), &asked), call));
                let nearest = alike.max_by(|(a, _), (b, _)| a.total_cmp(b));
                nearest.map(|(_, call)| ("the nearest one that was recorded is", call))
            }
        };
        error.with_remedy(match other {
            Some((which, call)) => format!("record anew; {which} {}", shown(&call.asked)),
            None => "record anew; nothing more was recorded".to_owned(),
        })
    }
}

/// The beginning of a call.
fn shown(asked: &str) -> String {
    match asked.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}..", asked.get(..end).unwrap_or_default()),
        None => asked.to_owned(),
    }
}

struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<Line>> {
        self.number += 1;
        let mut line = Vec::new();
        let most = LINE_BYTES_MAX as u64 + 1;
        let unreadable =
            |cause| Error::new(ErrorKind::Unavailable, "the cassette cannot be read").caused_by(cause);
        (&mut self.reader).take(most).read_until(b'\n', &mut line).map_err(unreadable)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') || self.number > LINES_MAX {
            // A line that a crash cut off, one that is too long, or a file that is.
            let what = format!("line {} has no end, or the file is too large", self.number);
            return Err(damaged(&what));
        }
        let read = serde_json::from_slice(&line);
        read.map(Some).map_err(|cause| damaged(&format!("line {}", self.number)).caused_by(cause))
    }
}

/// The answer of a kind, or the error that was recorded.
macro_rules! answer {
    ($call:expr, $form:pat => $value:expr) => {
        match &$call.answer {
            AnswerForm::Failed(error) => Err(error.error()),
            $form => $value,
            _ => Err(damaged("a call has the answer of another one")),
        }
    };
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Replay {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.known.get(entity).cloned().unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        answer!(self.find(&Asked::Entities)?, AnswerForm::Entities(entities) => Ok(entities.clone()))
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        answer!(self.find(&Asked::Discover(entities))?, AnswerForm::Schema(schema) => Ok(schema.clone()))
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let call = self.find(&Asked::read(&query, &self.scrub))?;
        answer!(call, AnswerForm::Opened => Ok(()))?;
        let (pages, shape) = (Arc::clone(&call.pages), query.shape);
        Ok(Box::pin(stream::unfold(Some(0), move |place| {
            let (pages, shape) = (Arc::clone(&pages), Arc::clone(&shape));
            async move {
                let place: usize = place?;
                let Some(form) = pages.get(place) else {
                    let error = Error::new(ErrorKind::NotFound, "the recording of this reading ends here");
                    return Some((Err(error.with_remedy("record it to its end")), None));
                };
                let page = form.page(&shape)?;
                let goes_on = page.as_ref().is_ok_and(|page| page.end.is_none());
                Some((page, goes_on.then_some(place + 1)))
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let call = self.find(&Asked::fetch(&query, &self.scrub))?;
        answer!(call, AnswerForm::Lookups(found) => found.iter().map(|form| form.lookup(&query.shape)).collect())
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let call = self.find(&Asked::write(entity, &batch, &self.scrub))?;
        answer!(call, AnswerForm::Outcomes(told) => told.iter().map(|form| form.outcome()).collect())
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        answer!(self.find(&Asked::check(need))?, AnswerForm::Finding(finding) => Ok(finding.finding()))
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        answer!(self.find(&Asked::provision(need))?, AnswerForm::Finding(finding) => Ok(finding.finding()))
    }
}
