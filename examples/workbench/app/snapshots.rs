//! What the systems had when somebody looked last: a schema and what it can do, per side. A company's own system has a
//! folder of its own; the shared one is looked at for all. Knows the files, nothing of connectors. The door is [`Shelf`].

use std::fs;
use std::path::{Path, PathBuf};

use seamless_core::connector::Connector;
use seamless_core::model::{Error, ErrorKind, Schema, Sides};
use seamless_mapping::lint::CapabilitiesByEntity;

use super::failure::Failure;
use super::files::write_text;

/// Where the snapshots of a project, or of one of its companies, are kept.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    /// The company, and the sides on which it is a system of its own.
    own: Option<(String, Vec<String>)>,
}

impl Shelf {
    /// That of a project without companies.
    pub(crate) fn of(project: &Path) -> Self {
        Self { folder: project.join("schemas"), own: None }
    }

    /// That of a company.
    pub(crate) fn of_company(project: &Path, company: &str, sides: Vec<String>) -> Self {
        Self { own: Some((company.to_owned(), sides)), ..Self::of(project) }
    }

    fn file(&self, side: &str, ending: &str) -> PathBuf {
        let folder = match &self.own {
            Some((company, sides)) if sides.iter().any(|own| own == side) => self.folder.join(company),
            _ => self.folder.clone(),
        };
        folder.join(format!("{side}{ending}"))
    }

    /// Where the snapshot of a side is kept.
    pub(crate) fn path(&self, side: &str) -> PathBuf {
        self.file(side, ".json")
    }

    fn capabilities_path(&self, side: &str) -> PathBuf {
        self.file(side, ".capabilities.json")
    }

    /// The snapshot of a side; `None` where none was taken.
    pub(crate) fn schema(&self, side: &str) -> Result<Option<Schema>, Failure> {
        let path = self.path(side);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Failure::file("reading", &path, cause)),
        };
        let wrong = |cause: serde_json::Error| {
            Error::configuration(format!("{} is no schema", path.display()))
                .with_remedy("delete it, then let `workbench discover` write it again")
                .caused_by(cause)
        };
        Ok(Some(serde_json::from_str(&text).map_err(wrong)?))
    }

    /// Both snapshots, where both can be read.
    pub(crate) fn both(&self, names: &Sides<String>) -> Option<Sides<Schema>> {
        let read = |name: &String| self.schema(name).ok().flatten();
        Some(Sides::new(read(&names.left)?, read(&names.right)?))
    }

    /// Keeps what a system has, and what it can do.
    pub(crate) fn keep(&self, side: &str, connector: &dyn Connector, schema: &Schema) -> Result<(), Failure> {
        let path = self.path(side);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(|cause| Failure::file("making", folder, cause))?;
        write_text(&path, &schema_text(schema)?)?;
        let text = serde_json::to_string_pretty(&capabilities(connector, schema)).map_err(|cause| {
            Error::new(ErrorKind::Internal, "capabilities cannot be written as JSON").caused_by(cause)
        })?;
        write_text(&self.capabilities_path(side), &(text + "\n"))
    }

    /// What was kept of what a system can do; nothing where it was not, or is of another version: it only adds to what is
    /// found.
    pub(crate) fn capabilities(&self, side: &str) -> Option<CapabilitiesByEntity> {
        serde_json::from_str(&fs::read_to_string(self.capabilities_path(side)).ok()?).ok()
    }
}

/// A schema as a snapshot is written.
pub(crate) fn schema_text(schema: &Schema) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(schema).map_err(|cause| {
        Error::new(ErrorKind::Internal, "a schema cannot be written as JSON").caused_by(cause)
    })?;
    Ok(text + "\n")
}

/// What a connector says that it can do, entity by entity.
pub(crate) fn capabilities(connector: &dyn Connector, schema: &Schema) -> CapabilitiesByEntity {
    schema.entities.keys().map(|name| (name.clone(), connector.capabilities(name))).collect()
}
