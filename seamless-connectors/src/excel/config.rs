//! How a workbook is connected. Knows nothing of what is in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use seamless_core::model::Entity;
use serde::{Deserialize, Serialize};

use crate::files::folder::FolderConfig;

/// A workbook (`*.xlsx`, `*.xlsm`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExcelConfig {
    /// The workbook. The name of a sheet is the name of its entity.
    pub path: PathBuf,
    /// Refuses every write.
    #[serde(default)]
    pub read_only: bool,
    /// Schemas by sheet; they come before a schema file beside the workbook (`orders.Customer.schema.json`).
    #[serde(default)]
    pub schemas: BTreeMap<String, Entity>,
    /// Key fields by sheet, in place of what the schema says.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// The row that the headers stand in, by sheet; the first where nothing is said.
    #[serde(default)]
    pub header_rows: BTreeMap<String, u32>,
    /// The identity that state is bound to, in place of the path.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it; the file's name where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
}

impl ExcelConfig {
    /// A workbook, everything else by default.
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

    /// The sheets that the configuration names: they are shown though they are hidden.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        self.schemas.keys().chain(self.keys.keys()).chain(self.header_rows.keys()).map(String::as_str)
    }
}
