//! The folder: which files there are, their layouts, and the connector port over them. What a record is, its format
//! knows.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream;
use seamless_core::connector::{
    Capabilities, ConnectorInfo, FetchQuery, Finding, Lookup, Order, PageStream, ReadQuery, Requirement,
    UniqueKey, WriteBatch, WriteOutcome, WriteReturns,
};
use seamless_core::model::{Entity, EntityName, Error, ErrorKind, Field, FieldKind, Result, Schema};

use super::format::{Format, Layout, disk};
use super::read::{Reading, fetch, stamp};
use super::write::{lock, write};
use crate::worker::Worker;

/// Operations in one rewriting of a file at most.
const BATCH_OPS_MAX: u32 = 10_000;

/// How often a batch begins again because another program wrote the file meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// What both formats are configured with.
#[derive(Clone, Debug, Default)]
pub(crate) struct FolderConfig {
    pub(crate) path: PathBuf,
    pub(crate) read_only: bool,
    pub(crate) schemas: BTreeMap<String, Entity>,
    pub(crate) keys: BTreeMap<String, Vec<String>>,
    pub(crate) identity: Option<String>,
    pub(crate) label: Option<String>,
}

/// A file of records.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) path: PathBuf,
    pub(super) layout: Layout,
    /// The state of the file that the layout was read from, or an earlier one.
    pub(super) stamp: String,
}

impl Table {
    pub(super) fn file(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// `customers.csv line 17`
    pub(super) fn place(&self, format: &Arc<dyn Format>, line: u64, column: Option<usize>) -> String {
        format.place(&self.file(), &self.layout, line, column)
    }
}

/// A folder of record files, or one file.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) info: ConnectorInfo,
    catalogue: Arc<Catalogue>,
    known: Mutex<BTreeMap<EntityName, bool>>,
    reader: Worker<()>,
    writer: Worker<()>,
    enumerations: AtomicU64,
}

#[derive(Debug)]
struct Catalogue {
    config: FolderConfig,
    format: Arc<dyn Format>,
}

impl Folder {
    pub(crate) fn open(config: FolderConfig, format: Arc<dyn Format>) -> Result<Self> {
        let path = config
            .path
            .canonicalize()
            .map_err(|problem| disk(problem, "finding").at("path", config.path.display()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let info = ConnectorInfo {
            system: format.name().to_owned(),
            identity: config
                .identity
                .clone()
                .unwrap_or_else(|| format!("{}:{}", format.name(), path.display())),
            label: config.label.clone().or(name).unwrap_or_else(|| format.name().to_owned()),
        };
        let config = FolderConfig { path, ..config };
        let folder = Self {
            info,
            catalogue: Arc::new(Catalogue { config, format: Arc::clone(&format) }),
            known: Mutex::default(),
            reader: Worker::spawn((), "seamless-files-read")?,
            writer: Worker::spawn((), "seamless-files-write")?,
            enumerations: AtomicU64::new(1),
        };
        let files = folder.catalogue.files()?;
        let config = &folder.catalogue.config;
        // The schema of child records belongs to no file.
        let is_of_lines = |name: &str| {
            let fields = config.schemas.values().flat_map(|entity| &entity.fields);
            fields
                .into_iter()
                .any(|field| matches!(&field.kind, FieldKind::List { entity } if entity.as_str() == name))
        };
        let missing = |names: Vec<&String>| {
            let gone = |name: &&String| !files.contains_key(name.as_str()) && !is_of_lines(name);
            names.into_iter().find(gone).cloned()
        };
        if let Some(name) = missing(config.schemas.keys().chain(config.keys.keys()).collect()) {
            return Err(
                Error::configuration("the configuration names a file that is not there").at("entity", name)
            );
        }
        folder.remember(
            files.keys().map(|name| (name.clone(), folder.catalogue.table(name).is_ok())).collect(),
        );
        Ok(folder)
    }

    fn remember(&self, known: BTreeMap<EntityName, bool>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    pub(crate) fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let usable = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(entity).copied();
        if usable != Some(true) {
            return Capabilities::default();
        }
        let writes = !self.catalogue.config.read_only;
        Capabilities {
            conditional_update: writes,
            write_returns: if writes { WriteReturns::Stored } else { WriteReturns::Nothing },
            unique_key: if writes { UniqueKey::ClientChosenId } else { UniqueKey::None },
            consistent_read: true,
            tombstones: false,
            complete_enumeration: true,
            low_water: false,
            gone_not_hidden: true,
            changes: false,
            order: Order::Unspecified,
            create: writes,
            update: writes,
            delete: writes,
            idempotency_key: false,
            batch_max: NonZeroU32::new(BATCH_OPS_MAX).unwrap_or(NonZeroU32::MIN),
            triggers: Vec::new(),
        }
    }

    pub(crate) async fn entities(&self) -> Result<Vec<EntityName>> {
        let catalogue = Arc::clone(&self.catalogue);
        let known = self
            .reader
            .run(move |()| {
                let files = catalogue.files()?;
                Ok(files.into_keys().map(|name| (name.clone(), catalogue.table(&name).is_ok())).collect())
            })
            .await?;
        let known: BTreeMap<EntityName, bool> = known;
        let names = known.keys().cloned().collect();
        self.remember(known);
        Ok(names)
    }

    pub(crate) async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let (catalogue, entities) = (Arc::clone(&self.catalogue), entities.to_vec());
        self.reader
            .run(move |()| {
                let mut schema = Schema::default();
                for name in entities {
                    let layout = catalogue.table(&name)?.layout;
                    schema.entities.extend(layout.lines);
                    schema.entities.insert(name, layout.entity);
                }
                Ok(schema)
            })
            .await
    }

    pub(crate) async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let catalogue = Arc::clone(&self.catalogue);
        let serial = self.enumerations.fetch_add(1, Ordering::Relaxed);
        let reading = self
            .reader
            .run(move |()| {
                let table = Arc::new(catalogue.table(&query.entity)?);
                Reading::begin(&catalogue.format, table, Arc::new(query), serial)
            })
            .await?;
        // A thread of its own: the stream may outlive the connector, and one slow reader delays nobody.
        let worker = Arc::new(Worker::spawn((), "seamless-files-page")?);
        Ok(Box::pin(stream::unfold(Some(reading), move |reading| {
            let worker = Arc::clone(&worker);
            async move {
                let mut reading = reading?;
                let done = worker
                    .run(move |()| {
                        let page = reading.page()?;
                        Ok((page, reading))
                    })
                    .await;
                Some(match done {
                    Err(error) => (Err(error), None),
                    Ok((page, reading)) => {
                        let rest = page.end.is_none().then_some(reading);
                        (Ok(page), rest)
                    }
                })
            }
        })))
    }

    pub(crate) async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let catalogue = Arc::clone(&self.catalogue);
        self.reader.run(move |()| fetch(&catalogue.format, &catalogue.table(&query.entity)?, &query)).await
    }

    pub(crate) async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        if self.catalogue.config.read_only {
            return Err(Error::new(ErrorKind::Unsupported, "these files are only read").at("entity", entity));
        }
        if batch.ops.len() > BATCH_OPS_MAX as usize {
            return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
                .at("entity", entity)
                .with_remedy(format!("at most {BATCH_OPS_MAX} are taken")));
        }
        let (catalogue, entity) = (Arc::clone(&self.catalogue), entity.clone());
        self.writer
            .run(move |()| {
                let path = catalogue.path(&entity)?;
                let _lock = lock(&path)?;
                if let Some(why) = catalogue.format.unwritable(&path) {
                    return Err(why.at("entity", &entity));
                }
                for _ in 0..ATTEMPTS_MAX {
                    let table = catalogue.table(&entity)?;
                    if let Some(outcomes) = write(&catalogue.format, &table, &batch.ops)? {
                        return Ok(outcomes);
                    }
                }
                Err(Error::new(ErrorKind::Unavailable, "another program keeps writing the file")
                    .at("entity", &entity)
                    .with_remedy("end the other program's work first"))
            })
            .await
    }

    pub(crate) async fn check(&self, need: &Requirement) -> Result<Finding> {
        let (catalogue, need) = (Arc::clone(&self.catalogue), need.clone());
        self.reader.run(move |()| Ok(catalogue.check(&need))).await
    }
}

impl Catalogue {
    /// The files there are, by the name of their entity.
    fn files(&self) -> Result<BTreeMap<EntityName, PathBuf>> {
        let path = &self.config.path;
        let mut files = BTreeMap::new();
        let mut add = |path: &Path| -> Result<()> {
            if self.format.is_named(path) && path.is_file() {
                files.extend(self.format.entities(path)?.into_iter().map(|name| (name, path.to_owned())));
            }
            Ok(())
        };
        if path.is_file() {
            add(path)?;
            return Ok(files);
        }
        for found in std::fs::read_dir(path).map_err(|problem| disk(problem, "listing"))? {
            let found = found.map_err(|problem| disk(problem, "listing"))?;
            add(&found.path())?;
        }
        Ok(files)
    }

    fn path(&self, entity: &EntityName) -> Result<PathBuf> {
        self.files()?.remove(entity).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there is no such file")
                .at("entity", entity)
                .at("folder", self.config.path.display())
        })
    }

    fn table(&self, entity: &EntityName) -> Result<Table> {
        let mut table = self.table_alone(entity)?;
        for field in table.layout.entity.fields.clone() {
            if let FieldKind::List { entity: lines } = &field.kind {
                let schema = self.schema_of_lines(entity, &field, lines)?;
                table.layout.lines.insert(lines.clone(), schema);
            }
            let FieldKind::Reference { targets } = &field.kind else { continue };
            for target in targets {
                let number = match self.table_alone(target) {
                    Ok(found) => found
                        .layout
                        .key
                        .first()
                        .and_then(|key| found.layout.entity.fields.get(*key))
                        .is_some_and(|field| field.kind == FieldKind::Int),
                    Err(_) => false,
                };
                if number {
                    table.layout.number_keys.insert(target.clone());
                }
            }
        }
        Ok(table)
    }

    /// The schema of child records, declared or in a file of its own: `order_line.schema.json`.
    fn schema_of_lines(&self, entity: &EntityName, field: &Field, lines: &EntityName) -> Result<Entity> {
        let at = |error: Error| error.at("entity", entity).at("field", &field.name);
        if !self.format.has_lists() {
            return Err(at(Error::configuration("a file of this format holds no child records")));
        }
        let folder =
            if self.config.path.is_file() { self.config.path.parent() } else { Some(&*self.config.path) };
        let declared = match self.config.schemas.get(lines.as_str()) {
            Some(declared) => Some(declared.clone()),
            // A name with a path in it is not looked for.
            None if lines.as_str().contains(['/', '\\']) => None,
            None => {
                let beside = folder.map(|folder| folder.join(lines.as_str()).with_extension("schema.json"));
                beside.map(|beside| sidecar(&beside)).transpose()?.flatten()
            }
        };
        let declared = declared.ok_or_else(|| {
            at(Error::configuration(format!("nothing says which fields a record of {lines} has")))
                .with_remedy(format!("put {lines}.schema.json into the folder, or its schema into `schemas`"))
        })?;
        if let Some(inner) = declared.fields.iter().find(|field| matches!(field.kind, FieldKind::List { .. }))
        {
            return Err(at(Error::configuration("child records have no child records of their own"))
                .at("list", &inner.name));
        }
        Ok(Entity { name: lines.clone(), ..declared })
    }

    fn table_alone(&self, entity: &EntityName) -> Result<Table> {
        let path = self.path(entity)?;
        let declared = match self.config.schemas.get(entity.as_str()) {
            Some(declared) => Some(declared.clone()),
            None => match self.format.sidecar(&path, entity) {
                Some(beside) => sidecar(&beside)?,
                None => None,
            },
        };
        let declared = declared.map(|declared| Entity { name: entity.clone(), ..declared });
        let key = self.config.keys.get(entity.as_str()).map(Vec::as_slice).unwrap_or_default();
        let stamp =
            stamp(&File::open(&path).map_err(|problem| disk(problem, "opening").at("entity", entity))?)?;
        let layout =
            self.format.layout(&path, entity, declared, key).map_err(|error| error.at("entity", entity))?;
        Ok(Table { path, layout, stamp })
    }

    fn check(&self, need: &Requirement) -> Finding {
        let unmet = |evidence: String, remedy: &str| Finding::Unmet {
            evidence,
            remedy: remedy.to_owned(),
            can_provision: false,
        };
        match need {
            Requirement::Reachable => match self.files() {
                Ok(files) => Finding::Met(format!("{} files", files.len())),
                Err(error) => unmet(error.to_string(), "check the path"),
            },
            Requirement::Readable(entity) => match self.table(entity) {
                Ok(table) => Finding::Met(format!("{} is there", table.file())),
                Err(error) => unmet(error.to_string(), "put the file there, with its schema"),
            },
            Requirement::Writable(entity) => match self.table(entity) {
                Ok(_) if self.config.read_only => unmet(
                    "the configuration only reads".to_owned(),
                    "take `read_only` out of the configuration",
                ),
                Ok(table) => match std::fs::metadata(&table.path) {
                    Ok(found) if found.permissions().readonly() => {
                        unmet(format!("{} may not be written", table.file()), "allow this user to write it")
                    }
                    _ => Finding::Met(format!("{} takes writes", table.file())),
                },
                Err(error) => unmet(error.to_string(), "put the file there, with its schema"),
            },
            Requirement::Field(entity, field) => match self.table(entity) {
                Ok(table) if table.layout.shape.slot(field.as_str()).is_some() => {
                    Finding::Met(format!("{entity} has the field {field}"))
                }
                Ok(_) => unmet(format!("{entity} has no field {field}"), "add it to the schema"),
                Err(error) => unmet(error.to_string(), "put the file there, with its schema"),
            },
            other => Finding::Unknown(format!("this connector cannot check {other:?}")),
        }
    }
}

/// The schema in a file, if there is one.
fn sidecar(beside: &Path) -> Result<Option<Entity>> {
    let text = match std::fs::read_to_string(beside) {
        Ok(text) => text,
        Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(problem) => return Err(disk(problem, "reading").at("path", beside.display())),
    };
    serde_json::from_str(&text).map(Some).map_err(|problem| {
        Error::configuration("the schema file cannot be read").at("path", beside.display()).caused_by(problem)
    })
}
