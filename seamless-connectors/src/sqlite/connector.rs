//! The connector port over a SQLite database: calls become jobs of the client. Keeps nothing of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome, paged,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::catalogue::Catalogue;
use super::client::{Client, Lane};
use super::config::SqliteConfig;
use super::cursor::feed;
use super::read::{fetch, mark_now, page};
use super::write::write;
use crate::place::Place;

/// A connected SQLite database. Clones share the connections, which close when the last clone is dropped.
#[derive(Clone)]
pub struct Sqlite {
    client: Arc<Client>,
    enumerations: Arc<AtomicU64>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sqlite").field(&self.client.info.identity).finish()
    }
}

impl Sqlite {
    /// Opens the file and reads its schema. Blocks the thread for the milliseconds that this takes; everything after
    /// runs on two threads of the connector's own.
    ///
    /// Errors: the file is not there ([`ErrorKind::NotFound`]), is no database or damaged ([`ErrorKind::Corrupt`]), is
    /// locked ([`ErrorKind::Unavailable`]); the configuration names a table or column that is not there.
    pub fn open(config: SqliteConfig) -> Result<Self> {
        Ok(Self { client: Arc::new(Client::open(config)?), enumerations: Arc::default() })
    }
}

#[async_trait]
impl Connector for Sqlite {
    fn info(&self) -> &ConnectorInfo {
        &self.client.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let catalogue = self.client.catalogue();
        catalogue.tables.get(entity).map(|table| table.capabilities.clone()).unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let list = |catalogue: &Catalogue| catalogue.tables.keys().cloned().collect();
        self.client.run(Lane::Read, move |_, catalogue| Ok(list(catalogue))).await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let entities = entities.to_vec();
        self.client
            .run(Lane::Read, move |_, catalogue| {
                let mut schema = Schema::default();
                for name in entities {
                    let entity = catalogue.table(&name)?.entity.clone();
                    schema.entities.insert(name, entity);
                }
                Ok(schema)
            })
            .await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let query = Arc::new(query);
        let started = query.after.is_none();
        let first = {
            let query = Arc::clone(&query);
            self.client
                .run(Lane::Read, move |connection, catalogue| {
                    let table = catalogue.table(&query.entity)?;
                    super::read::Selection::new(table, &query.shape)?;
                    let feed = feed(&query.entity, table.feeding);
                    Ok(match &query.after {
                        Some(cursor) => Place::read(cursor, &feed)?.cursor(&feed),
                        // The mark is taken before the first row is read: what changes meanwhile comes again.
                        None => Place::All { mark: mark_now(connection, table)?, key: None }.cursor(&feed),
                    })
                })
                .await?
        };
        let serial = self.enumerations.fetch_add(1, Ordering::Relaxed);
        let client = Arc::clone(&self.client);
        Ok(paged(Some(first), move |after| {
            let (client, query) = (Arc::clone(&client), Arc::clone(&query));
            async move {
                client
                    .run(Lane::Read, move |connection, catalogue| {
                        let table = catalogue.table(&query.entity)?;
                        let feed = feed(&query.entity, table.feeding);
                        let place = match &after {
                            Some(cursor) => Place::read(cursor, &feed)?,
                            None => Place::All { mark: None, key: None },
                        };
                        page(connection, table, &query, place, started, serial)
                    })
                    .await
            }
        }))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.client
            .run(Lane::Read, move |connection, catalogue| {
                fetch(connection, catalogue.table(&query.entity)?, &query)
            })
            .await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let entity = entity.clone();
        self.client
            .run(Lane::Write, move |connection, catalogue| {
                let table = catalogue.table(&entity)?;
                let max = table.capabilities.batch_max.get() as usize;
                if !table.capabilities.is_writable() {
                    return Err(Error::new(ErrorKind::Unsupported, "this table or view is only read")
                        .at("entity", &entity));
                }
                if batch.ops.len() > max {
                    return Err(Error::new(
                        ErrorKind::Limit,
                        format!("{} operations at once", batch.ops.len()),
                    )
                    .at("entity", &entity)
                    .with_remedy(format!("at most {max} are taken")));
                }
                // The batch comes back to the thread that made it: freed here, it would make both wait.
                write(connection, table, &batch.ops).map(|outcomes| (outcomes, batch))
            })
            .await
            .map(|(outcomes, _)| outcomes)
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let need = need.clone();
        self.client.run(Lane::Read, move |_, catalogue| Ok(checked(catalogue, &need))).await
    }
}

fn checked(catalogue: &Catalogue, need: &Requirement) -> Finding {
    let unmet = |evidence: String, remedy: &str| Finding::Unmet {
        evidence,
        remedy: remedy.to_owned(),
        can_provision: false,
    };
    match need {
        Requirement::Reachable => Finding::Met("the file is open and its schema was read".to_owned()),
        Requirement::Readable(entity) => match catalogue.tables.get(entity) {
            None => unmet(format!("there is no table {entity}"), "create it, or correct the name"),
            Some(table) if table.key.names.is_empty() => {
                unmet(format!("the view {entity} has no key"), "name its key columns in the configuration")
            }
            Some(_) => Finding::Met(format!("{entity} is there")),
        },
        Requirement::Writable(entity) => match catalogue.tables.get(entity) {
            None => unmet(format!("there is no table {entity}"), "create it, or correct the name"),
            Some(table) if !table.capabilities.is_writable() => unmet(
                format!("{entity} is a view, or the database is opened read-only"),
                "name a table, or open it to write",
            ),
            Some(_) => Finding::Met(format!("{entity} takes writes")),
        },
        Requirement::Field(entity, field) => {
            let table = catalogue.tables.get(entity);
            if table.is_some_and(|table| table.entity.field(field.as_str()).is_some()) {
                Finding::Met(format!("{entity} has the column {field}"))
            } else {
                unmet(format!("{entity} has no column {field}"), "add it, or correct the name")
            }
        }
        other => Finding::Unknown(format!("this connector cannot check {other:?}")),
    }
}
