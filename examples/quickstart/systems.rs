//! The two systems, the mapping and the state put together: all that a host has to write to use the SDK.
//!
//! Door: [`Systems::open`].

use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::clock::SystemClock;
use seamless_core::connector::{Connector, ConnectorExt, Layer};
use seamless_core::model::{EntityName, Schema, Side, Sides};
use seamless_core::store::{SqliteStore, StateStore};
use seamless_core::sync::{Integration, Observer, Options};
use seamless_mapping::{CompileOptions, LoadOptions, Loaded, load};

use crate::world::Outcome;

/// The mapping of the story, as the file in the folder says it.
pub(crate) const MAPPING: &str = include_str!("integration.yaml");
/// The files of the folder that the SDK uses.
pub(crate) const MAPPING_FILE: &str = "integration.yaml";
pub(crate) const STATE_FILE: &str = "state/demo.db";

/// Entries in a commit of a run that is going to be killed: enough batches to be killed between.
const SMALL_BATCH: usize = 200;

/// Both systems as they say they are, and the integration over them.
pub(crate) struct Systems {
    pub(crate) schemas: Sides<Schema>,
    pub(crate) loaded: Loaded,
    pub(crate) integration: Integration,
}

impl Systems {
    /// Connects to both databases of a folder, asks for their schemas, checks the mapping against them and opens the
    /// state. `layer` wraps the connector of the CRM, which then gets small batches.
    pub(crate) fn open(
        folder: &Path,
        observer: Arc<dyn Observer>,
        layer: Option<&dyn Layer>,
    ) -> Outcome<Self> {
        let crm: Arc<dyn Connector> = Arc::new(Sqlite::open(SqliteConfig::new(folder.join("crm.db")))?);
        let crm = match layer {
            Some(layer) => crm.layer(layer),
            None => crm,
        };
        let erp: Arc<dyn Connector> = Arc::new(Sqlite::open(SqliteConfig::new(folder.join("erp.db")))?);
        let schemas = Sides::new(block_on(discover(&*crm))?, block_on(discover(&*erp))?);
        let text = std::fs::read_to_string(folder.join(MAPPING_FILE))?;
        let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
        let loaded = load(MAPPING_FILE, &text, &LoadOptions { compile, ..LoadOptions::default() })?;
        let declared = loaded.mapping.declared();
        let store: Arc<dyn StateStore> =
            Arc::new(SqliteStore::open(folder.join(STATE_FILE), Arc::new(SystemClock::new()))?);
        let integration = Integration::builder(&declared.integration)
            .left(&declared.sides.left.name, crm)
            .right(&declared.sides.right.name, erp)
            .links(loaded.mapping.links())
            .store(store)
            .observer(observer)
            .options(match layer {
                Some(_) => Options { commit_entries_max: SMALL_BATCH, ..Options::default() },
                None => Options::default(),
            })
            .build()?;
        Ok(Self { schemas, loaded, integration })
    }

    /// What the mapping calls a side.
    pub(crate) fn name(&self, side: Side) -> &str {
        self.integration.side_names().of(side)
    }
}

async fn discover(connector: &dyn Connector) -> seamless_core::model::Result<Schema> {
    let entities: Vec<EntityName> = connector.entities().await?;
    connector.discover(&entities).await
}
