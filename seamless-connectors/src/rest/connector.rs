//! The connector port over a declared API: calls become work of the system on its thread. Keeps nothing of its own.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome, paged,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::config::RestConfig;
use super::cursor::Place;
use super::declaration::{Api, Resource};
use super::read::{Reading, fetch, page, probe, wanted};
use super::system::System;
use super::write::write;
use crate::http::traffic::Traffic;
use crate::io::Io;

/// Bytes of a declaration at most.
const DECLARATION_BYTES_MAX: u64 = 4 << 20;

/// A system that is read and written by a declared API. Clones share the client, which ends when the last clone is dropped.
#[derive(Clone)]
pub struct Rest {
    system: Arc<System>,
    io: Arc<Io>,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rest").field(&self.system.info.identity).finish()
    }
}

impl Rest {
    /// Reads the declaration that the configuration names. Nothing is sent before the first call.
    ///
    /// Errors: the file cannot be read; [`ErrorKind::Configuration`] with everything that is wrong in it, by line and column;
    /// what the configuration says cannot be.
    pub fn open(config: RestConfig) -> Result<Self> {
        let path = config.declaration.clone();
        let text = declaration(&path)?;
        Self::declared(&path.display().to_string(), &text, config)
    }

    /// As [`Rest::open`], with the text of the declaration. `name` is what messages call it.
    pub fn declared(name: &str, text: &str, config: RestConfig) -> Result<Self> {
        let api = Api::parse(name, text)
            .map_err(|wrong| Error::configuration(format!("the declaration cannot be read:\n{wrong}")))?;
        let system = Arc::new(System::new(api, &config)?);
        Ok(Self { system, io: Arc::new(Io::start("seamless-rest")?) })
    }

    /// What was sent since the connector was made.
    pub fn traffic(&self) -> Traffic {
        self.system.http.traffic()
    }
}

fn declaration(path: &Path) -> Result<String> {
    let refused = |problem: std::io::Error| {
        let kind = match problem.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Configuration,
        };
        Error::new(kind, "the declaration cannot be read")
            .at("file", path.display())
            .with_remedy("check the path in `declaration`")
            .caused_by(problem)
    };
    let length = std::fs::metadata(path).map_err(refused)?.len();
    if length > DECLARATION_BYTES_MAX {
        return Err(Error::new(ErrorKind::Limit, format!("a declaration of {length} bytes"))
            .at("file", path.display())
            .with_remedy(format!("at most {DECLARATION_BYTES_MAX} bytes are taken")));
    }
    std::fs::read_to_string(path).map_err(refused)
}

#[async_trait]
impl Connector for Rest {
    fn info(&self) -> &ConnectorInfo {
        &self.system.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.system
            .resources
            .get(entity)
            .map(|resource| self.system.capabilities(resource))
            .unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        Ok(self.system.resources.keys().cloned().collect())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let mut schema = Schema::default();
        for name in entities {
            schema.entities.insert(name.clone(), self.system.resource(name)?.entity.clone());
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let resource = self.system.resource(&query.entity)?;
        wanted(resource, &query.shape)?;
        let root = self.system.http.base().url().to_string();
        let first = match &query.after {
            Some(cursor) => Place::read(cursor, &root, &query.entity)?,
            None => Place::all(),
        };
        if !first.all && resource.changes.is_none() {
            return Err(Error::new(
                ErrorKind::CursorExpired,
                "the declaration says no more how changes are read",
            )
            .at("entity", &query.entity));
        }
        let first = first.cursor(&root, &query.entity);
        let reading = Arc::new(Reading::new(&self.system, query));
        let (system, io) = (Arc::clone(&self.system), Arc::clone(&self.io));
        Ok(paged(Some(first), move |after| {
            let (system, io, reading) = (Arc::clone(&system), Arc::clone(&io), Arc::clone(&reading));
            let root = root.clone();
            async move {
                io.run(async move {
                    let place = match &after {
                        Some(cursor) => Place::read(cursor, &root, &reading.query.entity)?,
                        None => Place::all(),
                    };
                    page(&system, &reading, place).await
                })
                .await
            }
        }))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let system = Arc::clone(&self.system);
        self.io.run(async move { fetch(&system, &query).await }).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let (system, entity) = (Arc::clone(&self.system), entity.clone());
        self.io.run(async move { write(&system, &entity, &batch).await }).await
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let (system, need) = (Arc::clone(&self.system), need.clone());
        self.io.run(async move { checked(&system, &need).await }).await
    }
}

async fn checked(system: &System, need: &Requirement) -> Result<Finding> {
    let unmet = |evidence: String, remedy: &str| Finding::Unmet {
        evidence,
        remedy: remedy.to_owned(),
        can_provision: false,
    };
    let missing =
        |entity: &EntityName| unmet(format!("{entity} is not declared"), "declare it, or correct the name");
    let readable = async |resource: &Resource| match probe(system, resource).await {
        Ok(status) if status < 500 => {
            Finding::Met(format!("{} answers with status {status}", resource.entity.name))
        }
        Ok(status) => unmet(format!("the system answers with status {status}"), "look into its own log"),
        Err(error) => {
            let remedy = error.remedy().unwrap_or("check the address and the account").to_owned();
            unmet(error.message_with_causes(), &remedy)
        }
    };
    Ok(match need {
        Requirement::Reachable => match system.resources.values().next() {
            Some(resource) => readable(resource).await,
            None => Finding::Unknown("no entity is declared".to_owned()),
        },
        Requirement::Readable(entity) => match system.resources.get(entity) {
            Some(resource) => readable(resource).await,
            None => missing(entity),
        },
        Requirement::Writable(entity) => match system.resources.get(entity) {
            None => missing(entity),
            Some(resource) if !system.capabilities(resource).is_writable() => {
                unmet(format!("no call of {entity} writes"), "declare `create`, `update` or `delete`")
            }
            // What the account may do shows when it does it: nothing is written to find out.
            Some(_) => Finding::Unknown(format!("{entity} is declared to take writes; nothing was tried")),
        },
        Requirement::Field(entity, field) => match system.resources.get(entity) {
            None => missing(entity),
            Some(resource) if resource.shape.slot(field.as_str()).is_some() => {
                Finding::Met(format!("{entity} has the field {field}"))
            }
            Some(_) => unmet(format!("{entity} has no field {field}"), "declare it, or correct the name"),
        },
        other => Finding::Unknown(format!("this connector cannot check {other:?}")),
    })
}
