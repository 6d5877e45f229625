//! A connector that reads what there is: where a system does not have a field any more, it reads the others, and the
//! field is absent in every record. Without it one renamed column would stop every link of an integration. Knows nothing
//! of links or rules: what rests because of a missing field is `resting`'s to say. The door is [`Narrowing`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;

use crate::connector::{
    Capabilities, Change, Connector, ConnectorInfo, Expects, FetchQuery, Finding, Lookup, Page, PageStream,
    ReadQuery, Requirement, WriteBatch, WriteOutcome,
};
use crate::model::{EntityName, Error, ErrorKind, FieldName, Presence, Record, Result, Schema, Shape};

/// See the module's page. Every read asks for all fields first, so a field that comes back is seen at once. The schema is
/// asked for only after the system refused to read.
#[derive(Debug)]
pub(super) struct Narrowing {
    inner: Arc<dyn Connector>,
    /// Per entity, the fields that were asked for and that it does not have.
    gone: Mutex<BTreeMap<EntityName, BTreeSet<FieldName>>>,
}

impl Narrowing {
    pub(super) fn over(inner: Arc<dyn Connector>) -> Self {
        Self { inner, gone: Mutex::default() }
    }

    /// The fields of a shape that an entity did not have when it was last read.
    pub(super) fn gone(&self, entity: &EntityName, shape: &Shape) -> Vec<FieldName> {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(gone) = gone.get(entity) else { return Vec::new() };
        shape.names().iter().filter(|name| gone.contains(*name)).cloned().collect()
    }

    fn lacks_any(&self, entity: &EntityName) -> bool {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.get(entity).is_some_and(|gone| !gone.is_empty())
    }

    /// A record without the fields that are not there, and of which it says nothing. One of which it says something stays:
    /// that the system refuses it is an answer.
    fn without_gone(&self, entity: &EntityName, record: &Record) -> Result<Record> {
        let gone = self.gone(entity, record.shape());
        let says = |name: &FieldName| record.field(name.as_str()) != Presence::Absent;
        let names = record.shape().names().iter().filter(|name| !gone.contains(*name) || says(name));
        Ok(record.reshaped(&Shape::new(names.cloned())?))
    }

    /// Remembers which fields of a shape there are and which not.
    fn remember(&self, entity: &EntityName, shape: &Shape, gone_now: &[FieldName]) {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if gone_now.is_empty() && !gone.contains_key(entity) {
            return;
        }
        let of = gone.entry(entity.clone()).or_default();
        shape.names().iter().for_each(|name| {
            of.remove(name);
        });
        of.extend(gone_now.iter().cloned());
    }

    /// The fields of a shape without those that are not there, after the system refused to read them all.
    ///
    /// Errors: the refusal, where the schema does not explain it.
    async fn narrowed(&self, entity: &EntityName, shape: &Arc<Shape>, refused: Error) -> Result<Arc<Shape>> {
        let Ok(schema) = self.inner.discover(std::slice::from_ref(entity)).await else { return Err(refused) };
        let Some(known) = schema.entities.get(entity) else { return Err(refused) };
        let is_there = |name: &FieldName| known.fields.iter().any(|field| field.name == *name);
        let (there, gone): (Vec<FieldName>, Vec<FieldName>) =
            shape.names().iter().cloned().partition(is_there);
        if gone.is_empty() {
            return Err(refused);
        }
        tracing::warn!(%entity, ?gone, "the system does not have these fields any more");
        self.remember(entity, shape, &gone);
        Shape::new(there)
    }
}

/// Whether a refusal to read can be about the fields that were asked for. What passes by itself is not.
fn may_be_about_fields(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::Unavailable
            | ErrorKind::Throttled
            | ErrorKind::CursorExpired
            | ErrorKind::Cancelled
            | ErrorKind::Fenced
            | ErrorKind::Limit
    )
}

/// A stream whose first page is there: some systems refuse only then.
async fn begun(pages: Result<PageStream>) -> Result<PageStream> {
    let mut pages = pages?;
    match pages.next().await {
        Some(page) => Ok(Box::pin(stream::iter([Ok(page?)]).chain(pages))),
        None => Ok(Box::pin(stream::empty())),
    }
}

fn widened(mut page: Page, shape: &Arc<Shape>) -> Page {
    for change in &mut page.changes {
        if let Change::Upsert(found) = change {
            found.record = found.record.reshaped(shape);
        }
    }
    page
}

#[async_trait]
impl Connector for Narrowing {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.inner.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let refused = match begun(self.inner.read(query.clone()).await).await {
            Ok(pages) => {
                self.remember(&query.entity, &query.shape, &[]);
                return Ok(pages);
            }
            Err(error) if may_be_about_fields(&error) => error,
            Err(error) => return Err(error),
        };
        let shape = self.narrowed(&query.entity, &query.shape, refused).await?;
        let full = query.shape.clone();
        let pages = begun(self.inner.read(ReadQuery { shape, ..query }).await).await?;
        Ok(Box::pin(pages.map(move |page| page.map(|page| widened(page, &full)))))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let gone = self.gone(&query.entity, &query.shape);
        let shape = if gone.is_empty() {
            match self.inner.fetch(query.clone()).await {
                Err(error) if may_be_about_fields(&error) => {
                    self.narrowed(&query.entity, &query.shape, error).await?
                }
                answered => return answered,
            }
        } else {
            Shape::new(query.shape.names().iter().filter(|name| !gone.contains(*name)).cloned())?
        };
        let full = query.shape.clone();
        let mut found = self.inner.fetch(FetchQuery { shape, ..query }).await?;
        for lookup in &mut found {
            if let Lookup::Found(found) = lookup {
                found.record = found.record.reshaped(&full);
            }
        }
        Ok(found)
    }

    async fn write(&self, entity: &EntityName, mut batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if !self.lacks_any(entity) {
            return self.inner.write(entity, batch).await;
        }
        for op in &mut batch.ops {
            op.patch = self.without_gone(entity, &op.patch)?;
            if let Expects::Values(values) = &op.expects {
                op.expects = Expects::Values(self.without_gone(entity, values)?);
            }
        }
        self.inner.write(entity, batch).await
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.inner.check(need).await
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        self.inner.provision(need).await
    }
}
