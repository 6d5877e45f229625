//! Recording: passes every call on and writes what was asked and answered. The door is [`Recording`].

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Layer, Lookup, PageStream, ReadQuery,
    Requirement, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Retry, Schema};
use serde_json::value::RawValue;

use super::answer::{AnswerForm, ErrorForm, PageForm, Records, finding_form, unserializable};
use super::asked::Asked;
use super::scrub::Scrub;
use super::{FORM, LINE_BYTES_MAX, LINES_MAX, Line};

/// What was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Lines of the file.
    pub lines: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// A layer that records one connector to a file. Writing a line blocks for the time that it takes.
#[derive(Clone)]
pub struct Recording {
    tape: Arc<Tape>,
}

struct Tape {
    path: PathBuf,
    scrub: Scrub,
    state: Mutex<State>,
}

struct State {
    file: BufWriter<File>,
    numbers: u64,
    known: BTreeSet<EntityName>,
    recorded: Recorded,
    has_head: bool,
    /// After the first failure nothing is written any more.
    failure: Option<Error>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("path", &self.tape.path).field("scrub", &self.tape.scrub).finish()
    }
}

impl Recording {
    /// Begins a file, readable by its owner only (on Unix; elsewhere it has the permissions of its folder).
    ///
    /// Errors: the file is there already, or cannot be made.
    pub fn create(path: impl AsRef<Path>, scrub: Scrub) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|cause| {
            Error::configuration("the cassette cannot be made")
                .at("file", path.display())
                .with_remedy("name a file that is not there yet, in a folder that is")
                .caused_by(cause)
        })?;
        let state = State {
            file: BufWriter::new(file),
            numbers: 0,
            known: BTreeSet::new(),
            recorded: Recorded::default(),
            has_head: false,
            failure: None,
        };
        Ok(Self { tape: Arc::new(Tape { path, scrub, state: Mutex::new(state) }) })
    }

    /// Ends the recording and says what came of it; calls that end later are not recorded.
    ///
    /// Errors: what first kept a line from being written. The calls themselves went on.
    pub fn finish(&self) -> Result<Recorded> {
        let mut state = self.tape.state();
        let flushed = state.file.flush();
        let ended = || Error::new(ErrorKind::Cancelled, "the recording has ended");
        if let Some(failure) = state.failure.replace(ended()) {
            return Err(failure.at("file", self.tape.path.display()));
        }
        flushed.map_err(|cause| unwritten(cause).at("file", self.tape.path.display()))?;
        Ok(state.recorded)
    }
}

impl Layer for Recording {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        let info = inner.info();
        let head = Line::Cassette {
            form: FORM,
            system: info.system.clone(),
            identity: info.identity.clone(),
            label: info.label.clone(),
        };
        self.tape.begin(&head);
        Arc::new(Taped { inner, tape: Arc::clone(&self.tape) })
    }
}

fn unwritten(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the cassette cannot be written")
        .with_retry(Retry::Never)
        .with_remedy("see that the disk has room, and record anew")
        .caused_by(cause)
}

impl Tape {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, head: &Line) {
        let mut state = self.state();
        let again = std::mem::replace(&mut state.has_head, true);
        drop(state);
        if !again {
            self.put(Ok(head));
        }
    }

    /// The number of a call that begins, after what its entity can do.
    fn call(&self, inner: &dyn Connector, entity: Option<&EntityName>) -> u64 {
        entity.into_iter().for_each(|entity| self.can(inner, entity));
        let mut state = self.state();
        state.numbers += 1;
        state.numbers
    }

    fn can(&self, inner: &dyn Connector, entity: &EntityName) {
        if self.state().known.insert(entity.clone()) {
            self.put(Ok(&Line::Can { entity: entity.clone(), can: inner.capabilities(entity) }));
        }
    }

    fn answered(&self, number: u64, asked: &Result<String>, answer: Result<AnswerForm>) {
        let line = || {
            let asked = asked.as_ref().map_err(|error| {
                Error::new(error.kind(), error.message()).with_remedy(error.remedy().unwrap_or_default())
            })?;
            let asked = RawValue::from_string(asked.clone()).map_err(unserializable)?;
            Ok(Line::Call { number, asked, answer: answer? })
        };
        match line() {
            Ok(line) => self.put(Ok(&line)),
            Err(error) => self.put(Err(error)),
        }
    }

    fn paged(&self, of: u64, page: Result<PageForm>) {
        match page {
            Ok(page) => self.put(Ok(&Line::Page { of, page })),
            Err(error) => self.put(Err(error)),
        }
    }

    /// Writes a line, or keeps why none is written any more.
    fn put(&self, line: Result<&Line>) {
        let text = line.and_then(|line| {
            let text = self.scrub.text(serde_json::to_string(line).map_err(unserializable)?)?;
            // What is scrubbed can be read back.
            let read = serde_json::from_str::<Line>(&text);
            read.map(|_| text).map_err(unserializable)
        });
        let mut state = self.state();
        if state.failure.is_some() {
            return;
        }
        let State { file, recorded, .. } = &mut *state;
        let written = text.and_then(|mut text| {
            text.push('\n');
            if text.len() > LINE_BYTES_MAX || recorded.lines >= LINES_MAX {
                let message = format!("a cassette has at most {LINES_MAX} lines of {LINE_BYTES_MAX} bytes");
                return Err(Error::new(ErrorKind::Limit, message)
                    .with_remedy("record less: fewer runs, smaller pages"));
            }
            // Each line reaches the file at once: what a crash leaves is whole lines.
            file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(unwritten)?;
            recorded.lines += 1;
            recorded.bytes += text.len() as u64;
            Ok(())
        });
        if let Err(failure) = written {
            tracing::warn!(kind = ?failure.kind(), "the recording ends early");
            state.failure = Some(failure);
        }
    }
}

struct Taped {
    inner: Arc<dyn Connector>,
    tape: Arc<Tape>,
}

impl fmt::Debug for Taped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").field("path", &self.tape.path).field("inner", &self.inner).finish()
    }
}

/// The form of an answer, or of the error.
fn form<T>(answer: &Result<T>, of: impl FnOnce(&T) -> Result<AnswerForm>) -> Result<AnswerForm> {
    match answer {
        Ok(answer) => of(answer),
        Err(error) => Ok(AnswerForm::Failed(ErrorForm::of(error))),
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Taped {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.tape.can(&*self.inner, entity);
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let number = self.tape.call(&*self.inner, None);
        let answer = self.inner.entities().await;
        let said = form(&answer, |entities| Ok(AnswerForm::Entities(entities.clone())));
        self.tape.answered(number, &Asked::Entities.text(&self.tape.scrub), said);
        answer
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let number = self.tape.call(&*self.inner, None);
        let answer = self.inner.discover(entities).await;
        let said = form(&answer, |schema| Ok(AnswerForm::Schema(schema.clone())));
        self.tape.answered(number, &Asked::Discover(entities).text(&self.tape.scrub), said);
        answer
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let number = self.tape.call(&*self.inner, Some(&query.entity));
        let asked = Asked::read(&query, &self.tape.scrub).text(&self.tape.scrub);
        let entity = query.entity.clone();
        let answer = self.inner.read(query).await;
        self.tape.answered(number, &asked, form(&answer, |_| Ok(AnswerForm::Opened)));
        let tape = Arc::clone(&self.tape);
        Ok(Box::pin(stream::unfold(Some(answer?), move |pages| {
            let (tape, entity) = (Arc::clone(&tape), entity.clone());
            async move {
                let mut pages = pages?;
                let next = pages.next().await;
                let records = Records { entity: &entity, scrub: &tape.scrub };
                let (said, goes_on) = match &next {
                    None => (Ok(PageForm::CutOff), false),
                    Some(Err(error)) => (Ok(PageForm::Failed(ErrorForm::of(error))), false),
                    Some(Ok(page)) => (records.page(page), page.end.is_none()),
                };
                tape.paged(number, said);
                Some((next?, goes_on.then_some(pages)))
            }
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let number = self.tape.call(&*self.inner, Some(&query.entity));
        let asked = Asked::fetch(&query, &self.tape.scrub).text(&self.tape.scrub);
        let entity = query.entity.clone();
        let answer = self.inner.fetch(query).await;
        let records = Records { entity: &entity, scrub: &self.tape.scrub };
        self.tape.answered(number, &asked, form(&answer, |found| records.lookups(found)));
        answer
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let number = self.tape.call(&*self.inner, Some(entity));
        let asked = Asked::write(entity, &batch, &self.tape.scrub).text(&self.tape.scrub);
        let answer = self.inner.write(entity, batch).await;
        let records = Records { entity, scrub: &self.tape.scrub };
        self.tape.answered(number, &asked, form(&answer, |told| records.outcomes(told)));
        answer
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let number = self.tape.call(&*self.inner, None);
        let answer = self.inner.check(need).await;
        let said = form(&answer, |finding| Ok(finding_form(finding)));
        self.tape.answered(number, &Asked::check(need).text(&self.tape.scrub), said);
        answer
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        let number = self.tape.call(&*self.inner, None);
        let answer = self.inner.provision(need).await;
        let said = form(&answer, |finding| Ok(finding_form(finding)));
        self.tape.answered(number, &Asked::provision(need).text(&self.tape.scrub), said);
        answer
    }
}
