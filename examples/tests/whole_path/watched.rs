//! A memory system whose writes pass somebody who watches; everything else is passed on.

use std::fmt;

use async_trait::async_trait;
use seamless_connectors::memory::Memory;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Result, Schema};

/// Who watches writes. `system` is the one that is written.
#[async_trait]
pub(crate) trait Watcher: fmt::Debug + Send + Sync + 'static {
    async fn before(&self, system: &Memory, batch: &WriteBatch) -> Result<()>;

    fn after(&self, _system: &Memory) {}
}

#[derive(Debug)]
pub(crate) struct Watched<W> {
    pub(crate) inner: Memory,
    pub(crate) watcher: W,
}

#[async_trait]
impl<W: Watcher> Connector for Watched<W> {
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
        self.inner.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.inner.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.watcher.before(&self.inner, &batch).await?;
        let outcomes = self.inner.write(entity, batch).await;
        self.watcher.after(&self.inner);
        outcomes
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.inner.check(need).await
    }
}
