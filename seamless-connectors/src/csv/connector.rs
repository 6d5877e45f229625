//! The connector port over a folder of CSV files: every call goes to the folder. Keeps nothing of its own.

use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Result, Schema};

use super::config::CsvConfig;
use super::format::CsvFormat;
use crate::files::folder::Folder;

/// A folder of CSV files, connected. Clones share the threads that read and write.
#[derive(Clone, Debug)]
pub struct Csv {
    folder: Arc<Folder>,
}

impl Csv {
    /// Connects a folder or file. Blocks for the time it takes to list it and to read the first lines.
    ///
    /// Errors: the folder is not there; a delimiter that cannot be one; a schema for a file that is not there.
    pub fn open(config: CsvConfig) -> Result<Self> {
        let format = CsvFormat { delimiter: config.delimiter()?, null: config.null.clone() };
        Ok(Self { folder: Arc::new(Folder::open(config.folder(), Arc::new(format))?) })
    }
}

#[async_trait]
impl Connector for Csv {
    fn info(&self) -> &ConnectorInfo {
        &self.folder.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.folder.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.folder.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.folder.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.folder.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.folder.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.folder.write(entity, batch).await
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.folder.check(need).await
    }
}
