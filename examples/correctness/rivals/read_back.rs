//! The rule of engines that read a record again after they wrote it, and take whatever stands there for what they wrote: the
//! usual advice where systems change what they store. The door is [`ReadBack`].
//!
//! It is a connector around another one: what each write proves is what the record holds a moment later. Everything else is
//! the engine's own, preconditions among it.

use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchBy, FetchQuery, Lookup, PageStream, Proof, ReadQuery,
    WriteBatch, WriteOutcome, WriteReturns,
};
use seamless_core::model::{EntityName, RecordId, Result, Schema, Shape};

/// A connector whose writes are read back blindly.
#[derive(Debug)]
pub(crate) struct ReadBack {
    inner: Arc<dyn Connector>,
}

impl ReadBack {
    /// Wraps a connector.
    pub(crate) fn around(inner: Arc<dyn Connector>) -> Arc<Self> {
        Arc::new(Self { inner })
    }

    /// What a record holds now.
    async fn read_again(
        &self,
        entity: &EntityName,
        id: &RecordId,
        shape: &Arc<Shape>,
    ) -> Result<Option<Proof>> {
        let query = FetchQuery {
            entity: entity.clone(),
            shape: Arc::clone(shape),
            by: FetchBy::Ids(vec![id.clone()]),
        };
        Ok(match self.inner.fetch(query).await?.pop() {
            Some(Lookup::Found(found)) => Some(Proof::Stored(found)),
            _ => None,
        })
    }
}

#[async_trait]
impl Connector for ReadBack {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        Capabilities { write_returns: WriteReturns::Stored, ..self.inner.capabilities(entity) }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.inner.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.inner.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let shapes: Vec<Arc<Shape>> = batch.ops.iter().map(|op| Arc::clone(op.patch.shape())).collect();
        let mut written = self.inner.write(entity, batch).await?;
        for (outcome, shape) in written.iter_mut().zip(&shapes) {
            let WriteOutcome::Applied { id, proof } = outcome else { continue };
            // A read that fails leaves what the write itself said.
            if let Ok(Some(seen)) = self.read_again(entity, id, shape).await {
                *proof = seen;
            }
        }
        Ok(written)
    }
}
