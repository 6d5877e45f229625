//! The connector port over a tap. What a run does is in `read`, what a process does in `process`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::stream;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, FetchBy, FetchQuery, Finding, Lookup, Page, PageStream,
    ReadQuery, Requirement, Versioned,
};
use seamless_core::model::{Condition, EntityName, Error, Presence, RecordId, Result, Schema, Shape, Value};
use serde_json::Value as Json;

use super::catalog::{Catalog, Stream};
use super::config::SingerConfig;
use super::cursor::State;
use super::process::{Abandon, Purpose, Tap, Watch};
use super::read::{Reading, fields};
use super::scrub::{Scrub, identity};
use crate::worker::Worker;

/// Records in one page of a run that looks records up.
const FETCH_PAGE: usize = 1_000;

/// A tap, connected. Clones share the catalog. Each call that reads is a process of its own.
#[derive(Clone, Debug)]
pub struct Singer {
    info: ConnectorInfo,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: SingerConfig,
    scrub: Scrub,
    catalog: Mutex<Arc<Catalog>>,
    /// Whether a run spoke of another schema than the catalog.
    stale: AtomicBool,
    stamp: String,
    runs: AtomicU64,
}

impl Singer {
    /// Connects a tap. Blocks for the time that it takes to say its catalog, where none is given.
    ///
    /// Errors: there is no such program; it fails, or says nothing; its catalog cannot be read; the configuration names a
    /// stream that it does not have.
    pub fn open(config: SingerConfig) -> Result<Self> {
        config.patience()?;
        let scrub = Scrub::new(&config);
        let catalog = match &config.catalog {
            Some(given) => Catalog::read(given.clone(), &config)?,
            None => {
                let abandon = Abandon::new();
                discover(&config, &scrub, abandon.watch())?
            }
        };
        let info = ConnectorInfo {
            system: "singer".to_owned(),
            identity: config.identity.clone().unwrap_or_else(|| identity(&config)),
            label: config.label.clone().unwrap_or_else(|| config.program()),
        };
        let stamp = blake3::hash(info.identity.as_bytes()).to_hex();
        let stamp = stamp.get(..16).unwrap_or_default().to_owned();
        let shared = Shared {
            config,
            scrub,
            catalog: Mutex::new(Arc::new(catalog)),
            stale: AtomicBool::new(false),
            stamp,
            runs: AtomicU64::new(1),
        };
        Ok(Self { info, shared: Arc::new(shared) })
    }

    /// Starts a run over a stream, on a thread of its own.
    async fn begin(&self, query: ReadQuery) -> Result<Run> {
        let abandon = Abandon::new();
        let (shared, watch) = (Arc::clone(&self.shared), abandon.watch());
        let worker = Worker::spawn(None::<Reading>, "seamless-singer")?;
        worker
            .run(move |reading| {
                *reading = Some(shared.start(query, watch)?);
                Ok(())
            })
            .await?;
        Ok(Run { _abandon: abandon, worker, shared: Arc::clone(&self.shared) })
    }
}

/// A run, and whoever waits for it. When it is dropped, the tap is ended on its thread; nobody waits for that.
struct Run {
    // Dropped first: the thread may be waiting for the tap.
    _abandon: Abandon,
    worker: Worker<Option<Reading>>,
    shared: Arc<Shared>,
}

impl Run {
    async fn page(&self) -> Result<Page> {
        let shared = Arc::clone(&self.shared);
        self.worker
            .run(move |reading| {
                let Some(running) = reading else {
                    return Err(Error::new(seamless_core::model::ErrorKind::Cancelled, "the run has ended"));
                };
                let page = running.page();
                if running.other_schema {
                    shared.stale.store(true, Ordering::Release);
                }
                if page.as_ref().map_or(true, |page| page.end.is_some()) {
                    *reading = None;
                }
                page
            })
            .await
    }
}

/// Asks the tap for its catalog.
fn discover(config: &SingerConfig, scrub: &Scrub, watch: Watch) -> Result<Catalog> {
    let bytes = Tap::start(config, scrub, &Purpose::Discover, watch)?.everything()?;
    let json: Json = serde_json::from_slice(&bytes).map_err(|problem| {
        Error::data("the tap's catalog is no JSON")
            .at("tap", config.program())
            .with_remedy("it may write logs to its standard output; give the catalog in the configuration")
            .caused_by(problem)
    })?;
    Catalog::read(json, config)
}

impl Shared {
    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What makes the states of a stream worthless when it changes.
    fn stamp(&self, stream: &Stream) -> String {
        let key = stream.replication_key.as_deref().unwrap_or_default();
        let digest = blake3::hash(format!("{} {key}", stream.replication.word()).as_bytes()).to_hex();
        format!("{}-{}", self.stamp, digest.get(..8).unwrap_or_default())
    }

    fn start(&self, query: ReadQuery, watch: Watch) -> Result<Reading> {
        let catalog = self.catalog();
        let stream = catalog.stream(&query.entity)?;
        fields(&stream, &query.shape)?;
        let stamp = self.stamp(&stream);
        let state = match &query.after {
            Some(cursor) => State::read(cursor, &stamp, &query.entity)?,
            None => State::Start,
        };
        let selected = catalog.selecting(&stream, query.shape.names());
        let purpose = Purpose::Sync { catalog: &selected, state: state.json() };
        let tap = Tap::start(&self.config, &self.scrub, &purpose, watch)?;
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        Reading::new(tap, stream, query, state, stamp, run)
    }

    fn check(&self, need: &Requirement) -> Finding {
        let unmet = |evidence: String, remedy: &str| Finding::Unmet {
            evidence,
            remedy: remedy.to_owned(),
            can_provision: false,
        };
        let catalog = self.catalog();
        let readable = |entity: &EntityName| catalog.stream(entity);
        match need {
            Requirement::Reachable => Finding::Met(format!("{} said its catalog", self.config.program())),
            Requirement::Readable(entity) => match readable(entity) {
                Ok(_) => Finding::Met(format!("the catalog has the stream {entity}")),
                Err(error) => {
                    unmet(error.to_string(), "correct the name, or the configuration of the stream")
                }
            },
            Requirement::Writable(entity) => unmet(
                format!("{entity} is read by a tap"),
                "a tap only reads: write through another connector",
            ),
            Requirement::Field(entity, field) => match readable(entity) {
                Ok(stream) if stream.shape.slot(field.as_str()).is_some() => {
                    Finding::Met(format!("{entity} has the field {field}"))
                }
                Ok(_) => unmet(format!("{entity} has no field {field}"), "select it in the tap's settings"),
                Err(error) => {
                    unmet(error.to_string(), "correct the name, or the configuration of the stream")
                }
            },
            other => Finding::Unknown(format!("this connector cannot check {other:?}")),
        }
    }
}

#[async_trait]
impl Connector for Singer {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let Ok(stream) = self.shared.catalog().stream(entity) else { return Capabilities::default() };
        Capabilities {
            complete_enumeration: stream.known.complete,
            tombstones: stream.known.tombstones,
            changes: stream.replication.has_changes(),
            ..Capabilities::default()
        }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        Ok(self.shared.catalog().names())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        if self.shared.config.catalog.is_none() && self.shared.stale.load(Ordering::Acquire) {
            let abandon = Abandon::new();
            let (shared, watch) = (Arc::clone(&self.shared), abandon.watch());
            let worker = Worker::spawn((), "seamless-singer")?;
            let fresh = worker.run(move |()| discover(&shared.config, &shared.scrub, watch)).await?;
            *self.shared.catalog.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
            self.shared.stale.store(false, Ordering::Release);
        }
        let catalog = self.shared.catalog();
        let mut schema = Schema::default();
        for name in entities {
            schema.entities.insert(name.clone(), catalog.stream(name)?.entity.clone());
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let run = self.begin(query).await?;
        Ok(Box::pin(stream::unfold(Some(run), |run| async move {
            let run = run?;
            Some(match run.page().await {
                Err(error) => (Err(error), None),
                Ok(page) => {
                    let rest = page.end.is_none().then_some(run);
                    (Ok(page), rest)
                }
            })
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let stream = self.shared.catalog().stream(&query.entity)?;
        fields(&stream, &query.shape)?;
        let mut names = query.shape.names().to_vec();
        if let FetchBy::Key { fields: key, .. } = &query.by {
            names.extend(key.iter().filter(|name| query.shape.slot(name.as_str()).is_none()).cloned());
        }
        let read = ReadQuery {
            entity: query.entity.clone(),
            shape: Shape::new(names)?,
            condition: Condition::Always,
            after: None,
            page_records_max: FETCH_PAGE,
        };
        let nothing = match &query.by {
            FetchBy::Ids(ids) => ids.is_empty(),
            FetchBy::Key { values, .. } => values.is_empty(),
        };
        if nothing {
            return Ok(Vec::new());
        }
        let run = self.begin(read).await?;
        let mut found = Found::of(&query);
        loop {
            let page = run.page().await?;
            let last = page.end.is_some();
            page.changes.into_iter().for_each(|change| found.take(change));
            if last {
                return Ok(found.answers(&query));
            }
        }
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        Ok(self.shared.check(need))
    }
}

/// What a run showed of the records that were asked for. The later sighting of a record counts.
struct Found<'a> {
    query: &'a FetchQuery,
    /// Records that were asked for by id, or that had a key that was asked for at some time; `None`: cannot be read.
    seen: HashMap<RecordId, Option<Versioned>>,
    /// What is asked for: ids, or keys.
    ids: std::collections::HashSet<&'a RecordId>,
    keys: std::collections::HashSet<&'a [Value]>,
    /// A line that names no record may have been any of them.
    unreadable: bool,
}

impl<'a> Found<'a> {
    fn of(query: &'a FetchQuery) -> Self {
        let (mut ids, mut keys) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        match &query.by {
            FetchBy::Ids(asked) => ids.extend(asked),
            FetchBy::Key { values, .. } => keys.extend(values.iter().map(Vec::as_slice)),
        }
        Self { query, seen: HashMap::new(), ids, keys, unreadable: false }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Upsert(found) => {
                let asked = match &self.query.by {
                    FetchBy::Ids(_) => self.ids.contains(&found.id),
                    FetchBy::Key { .. } => {
                        self.key(&found).is_some_and(|key| self.keys.contains(key.as_slice()))
                    }
                };
                if asked {
                    self.seen.insert(found.id.clone(), Some(found));
                } else {
                    self.seen.remove(&found.id);
                }
            }
            Change::Deleted(tombstone) => {
                self.seen.remove(&tombstone.id);
            }
            Change::Broken { id: Some(id), .. } => {
                // Of its fields nothing is known, nor whether it has a key that was asked for.
                self.unreadable |= matches!(self.query.by, FetchBy::Key { .. });
                if self.ids.contains(&id) {
                    self.seen.insert(id, None);
                }
            }
            Change::Broken { id: None, .. } => self.unreadable = true,
        }
    }

    fn key(&self, found: &Versioned) -> Option<Vec<Value>> {
        let FetchBy::Key { fields, .. } = &self.query.by else { return None };
        let value = |name: &seamless_core::model::FieldName| match found.record.field(name.as_str()) {
            Presence::Value(value) if !value.is_null() => Some(value.to_value()),
            _ => None,
        };
        fields.iter().map(value).collect()
    }

    fn shown(&self, found: &Versioned) -> Lookup {
        let record = found.record.reshaped(&self.query.shape);
        Lookup::Found(Versioned { record, ..found.clone() })
    }

    fn answers(&self, query: &FetchQuery) -> Vec<Lookup> {
        let missing = || if self.unreadable { Lookup::Unanswered } else { Lookup::Hidden };
        match &query.by {
            FetchBy::Ids(ids) => ids
                .iter()
                .map(|id| match self.seen.get(id) {
                    Some(Some(found)) => self.shown(found),
                    Some(None) => Lookup::Unanswered,
                    None => missing(),
                })
                .collect(),
            FetchBy::Key { values, .. } => {
                let mut by_key: HashMap<Vec<Value>, Vec<&Versioned>> = HashMap::new();
                for found in self.seen.values().flatten() {
                    if let Some(key) = self.key(found) {
                        by_key.entry(key).or_default().push(found);
                    }
                }
                let answer = |key: &Vec<Value>| match by_key.get(key).map(Vec::as_slice) {
                    None | Some([]) => missing(),
                    Some([one]) => self.shown(one),
                    Some(several) => {
                        let mut ids: Vec<RecordId> = several.iter().map(|found| found.id.clone()).collect();
                        ids.sort();
                        Lookup::Several(ids)
                    }
                };
                values.iter().map(answer).collect()
            }
        }
    }
}
