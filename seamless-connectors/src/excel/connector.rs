//! The connector port over a workbook: every call goes to the folder of one file. Keeps nothing of its own.

use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::config::ExcelConfig;
use super::format::ExcelFormat;
use crate::files::folder::Folder;

/// A workbook, connected. Clones share the threads that read and write.
#[derive(Clone, Debug)]
pub struct Excel {
    folder: Arc<Folder>,
}

impl Excel {
    /// Connects a workbook. Blocks for the time it takes to read its list of sheets and their headers.
    ///
    /// Errors: the file is not there, or is no workbook of this format; the configuration names a sheet that is not there, or a header row of 0.
    pub fn open(config: ExcelConfig) -> Result<Self> {
        if !config.path.is_file() {
            return Err(Error::new(ErrorKind::NotFound, "there is no such workbook")
                .at("path", config.path.display())
                .with_remedy("name one file; a folder of workbooks is as many systems"));
        }
        if let Some((sheet, _)) = config.header_rows.iter().find(|(_, row)| **row == 0) {
            return Err(Error::configuration("rows are counted from 1").at("entity", sheet));
        }
        let format = ExcelFormat::new(&config);
        Ok(Self { folder: Arc::new(Folder::open(config.folder(), Arc::new(format))?) })
    }
}

#[async_trait]
impl Connector for Excel {
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
