//! How a folder of JSON Lines files is connected. Knows nothing of what is in them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use seamless_core::model::Entity;
use serde::{Deserialize, Serialize};

use crate::files::folder::FolderConfig;

/// A folder of JSON Lines files (`*.jsonl`), or one file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonlConfig {
    /// The folder of the files, or one file. The name of a file without its extension is the name of its entity.
    pub path: PathBuf,
    /// Refuses every write.
    #[serde(default)]
    pub read_only: bool,
    /// Schemas by entity; they come before a schema file beside the records (`customer.schema.json`).
    #[serde(default)]
    pub schemas: BTreeMap<String, Entity>,
    /// Key fields by entity, in place of what the schema says.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// The identity that state is bound to, in place of the path.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it; the folder's name where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
}

impl JsonlConfig {
    /// A folder or file, everything else by default.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    pub(super) fn folder(&self) -> FolderConfig {
        FolderConfig {
            path: self.path.clone(),
            read_only: self.read_only,
            schemas: self.schemas.clone(),
            keys: self.keys.clone(),
            identity: self.identity.clone(),
            label: self.label.clone(),
        }
    }
}
