//! The connector port over an OData service. Every call runs on the connector's own thread, so that it works under any
//! executor. Keeps nothing but which writes nobody waits for any more.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::channel::oneshot;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome, paged,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::config::ODataConfig;
use super::cursor::{cursor, place};
use super::fetch::fetch;
use super::read::Reading;
use super::service::Service;
use super::write::write;
use crate::http::traffic::Traffic;
use crate::io::Io;

/// Writes that nobody waits for any more and that are remembered, at most. A host that drops more at once is not slowed down.
const ORPHANS_MAX: usize = 64;

/// A connected OData service. Clones share the client; its thread ends with the last of them.
#[derive(Clone)]
pub struct OData {
    service: Arc<Service>,
    io: Arc<Io>,
    orphans: Arc<Orphans>,
}

impl fmt::Debug for OData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OData").field(&self.service.info.identity).finish()
    }
}

impl OData {
    /// Connects: reads `$metadata`. Blocks the calling thread for the time that this takes, under any executor; a host that
    /// does not want that calls [`OData::connect`].
    ///
    /// Errors: the configuration cannot be; the service cannot be reached ([`ErrorKind::Unavailable`]), does not let us
    /// in ([`ErrorKind::Permission`]), or speaks no version 4 ([`ErrorKind::Unsupported`]); its metadata cannot be read.
    pub fn open(config: ODataConfig) -> Result<Self> {
        let io = Io::start("seamless-odata")?;
        let service = io.block(Service::connect(config))?;
        Ok(Self::of(service, io))
    }

    /// Connects as [`OData::open`] does, without blocking.
    ///
    /// Errors: as [`OData::open`].
    pub async fn connect(config: ODataConfig) -> Result<Self> {
        let io = Io::start("seamless-odata")?;
        let service = io.run(Service::connect(config)).await?;
        Ok(Self::of(service, io))
    }

    fn of(service: Service, io: Io) -> Self {
        Self { service: Arc::new(service), io: Arc::new(io), orphans: Arc::default() }
    }

    /// What was sent since the connector was made: what a quota is spent on.
    pub fn traffic(&self) -> Traffic {
        self.service.http.traffic()
    }

    /// Runs work on the thread, behind the writes that nobody waits for any more: what they did must be seen.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Service>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        self.orphans.end().await;
        let service = Arc::clone(&self.service);
        self.io.run(async move { work(service).await }).await
    }
}

/// Writes whose callers went away. A request that was sent is done by the service whoever waits for it, so it is not torn off;
/// and the next call waits for its end, because a reading that overtook it would show what is not so a moment later.
#[derive(Debug, Default)]
struct Orphans(Mutex<Vec<oneshot::Receiver<()>>>);

impl Orphans {
    async fn end(&self) {
        loop {
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match next {
                // Its thread ended: so did the write.
                Some(write) => drop(write.await),
                None => return,
            }
        }
    }

    fn add(&self, write: oneshot::Receiver<()>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < ORPHANS_MAX {
            held.push(write);
        }
    }
}

/// Becomes an orphan when it is dropped before its end.
struct Awaited {
    orphans: Arc<Orphans>,
    ended: Option<oneshot::Receiver<()>>,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            self.orphans.add(ended);
        }
    }
}

#[async_trait]
impl Connector for OData {
    fn info(&self) -> &ConnectorInfo {
        &self.service.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.service.sets().get(entity).map(|set| set.can()).unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        Ok(self.service.sets().keys().cloned().collect())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let entities = entities.to_vec();
        self.run(move |service| async move {
            service.refresh().await?;
            let mut schema = Schema::default();
            for name in entities {
                let entity = service.set(&name)?.entity.clone();
                schema.entities.insert(name, entity);
            }
            Ok(schema)
        })
        .await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let serial = self.service.enumerations.fetch_add(1, Ordering::Relaxed);
        let entity = query.entity.clone();
        let reading = Arc::new(Reading::new(query, serial));
        let begun = Arc::clone(&reading);
        let first = self.run(move |service| async move { begun.begin(&service).await }).await?;
        let first = cursor(&*self.service.set(&entity)?, &first);
        let this = self.clone();
        Ok(paged(Some(first), move |after| {
            let (this, reading, entity) = (this.clone(), Arc::clone(&reading), entity.clone());
            async move {
                this.run(move |service| async move {
                    let set = service.set(&entity)?;
                    let after =
                        after.ok_or_else(|| Error::new(ErrorKind::Internal, "a page without a place"))?;
                    let place = place(&set, &after)?;
                    let page = reading.page(&service, place).await;
                    match page {
                        Err(error) => Err(reading.why(&service, error).await.at("entity", &entity)),
                        page => page,
                    }
                })
                .await
            }
        }))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.run(move |service| async move { fetch(&service, &query).await }).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.orphans.end().await;
        let (service, entity) = (Arc::clone(&self.service), entity.clone());
        let (end, ended) = oneshot::channel();
        let answer = self.io.start_work(async move {
            let outcomes = write(&service, &entity, &batch).await;
            // Nobody need wait for it.
            let _ = end.send(());
            outcomes
        });
        let mut awaited = Awaited { orphans: Arc::clone(&self.orphans), ended: Some(ended) };
        let outcomes = answer.await;
        awaited.ended = None;
        outcomes.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the connector's thread ended")))
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let need = need.clone();
        self.run(move |service| async move { checked(&service, &need).await }).await
    }
}

async fn checked(service: &Service, need: &Requirement) -> Result<Finding> {
    let unmet = |evidence: String, remedy: &str| Finding::Unmet {
        evidence,
        remedy: remedy.to_owned(),
        can_provision: false,
    };
    let absent = |entity: &EntityName| {
        unmet(format!("there is no entity set {entity}"), "correct the name, or add it to `entities`")
    };
    Ok(match need {
        Requirement::Reachable => {
            let url = service.http.base().below("$metadata")?;
            let request =
                service.with_headers(crate::http::Request::get(url).header("accept", "application/xml"));
            match service.read(request).await {
                Ok(_) => Finding::Met("the service answers and lets us in".to_owned()),
                Err(error) => unmet(error.to_string(), error.remedy().unwrap_or("try again")),
            }
        }
        Requirement::Readable(entity) => match service.sets().get(entity) {
            None => absent(entity),
            Some(set) => {
                let url = service.http.base().below(&format!("{}?$top=1", set.path))?;
                match service.read(service.reading(url, Some(1), false)).await {
                    Ok(_) => Finding::Met(format!("{entity} was read")),
                    Err(error) => unmet(error.to_string(), error.remedy().unwrap_or("try again")),
                }
            }
        },
        Requirement::Writable(entity) => match service.sets().get(entity) {
            None => absent(entity),
            Some(set) if set.capabilities.is_writable() => Finding::Unknown(format!(
                "{entity} is said to take writes; whether this account may is seen at the first one"
            )),
            Some(_) => {
                unmet(format!("{entity} takes no writes"), "name another entity set, or another account")
            }
        },
        Requirement::Field(entity, field) => match service.sets().get(entity) {
            Some(set) if set.column(field.as_str()).is_some() => {
                Finding::Met(format!("{entity} has the property {field}"))
            }
            Some(_) => unmet(format!("{entity} has no property {field}"), "add it, or correct the name"),
            None => absent(entity),
        },
        other => Finding::Unknown(format!("this connector cannot check {other:?}")),
    })
}
