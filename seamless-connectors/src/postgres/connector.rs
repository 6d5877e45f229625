//! The connector port over a PostgreSQL database: calls become work of the client. Keeps nothing of its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Finding, Lookup, PageStream, ReadQuery, Requirement,
    WriteBatch, WriteOutcome, paged,
};
use seamless_core::model::{EntityName, Error, ErrorKind, Result, Schema};

use super::catalogue::{Catalogue, Log};
use super::changes;
use super::client::Client;
use super::config::PostgresConfig;
use super::cursor::feed;
use super::deletions;
use super::read::{fetch, page};
use super::rows::Selection;
use super::write::write;
use crate::place::Place;

/// A connected PostgreSQL database. Clones share the connections, which close when the last clone is dropped.
#[derive(Clone)]
pub struct Postgres {
    client: Arc<Client>,
    enumerations: Arc<AtomicU64>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Postgres").field(&self.client.info().identity).finish()
    }
}

impl Postgres {
    /// Connects and reads the schema. Blocks the thread for the time that this takes; everything after runs on a thread of
    /// the connector's own, under any executor of the host.
    ///
    /// Errors: the server cannot be reached ([`ErrorKind::Unavailable`]), does not let the user in
    /// ([`ErrorKind::Permission`]), has no such database ([`ErrorKind::NotFound`]), cannot be trusted or the configuration
    /// names a table or column that is not there ([`ErrorKind::Configuration`]); it is older than PostgreSQL 13
    /// ([`ErrorKind::Unsupported`]).
    pub fn open(config: PostgresConfig) -> Result<Self> {
        Ok(Self { client: Arc::new(Client::open(config)?), enumerations: Arc::default() })
    }
}

#[async_trait]
impl Connector for Postgres {
    fn info(&self) -> &ConnectorInfo {
        self.client.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let catalogue = self.client.catalogue();
        catalogue.tables.get(entity).map(|table| table.capabilities.clone()).unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        Ok(self.client.refreshed().await?.tables.keys().cloned().collect())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let catalogue = self.client.refreshed().await?;
        let mut schema = Schema::default();
        for name in entities {
            schema.entities.insert(name.clone(), catalogue.table(name)?.entity.clone());
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let query = Arc::new(query);
        let started = query.after.is_none().then(|| self.enumerations.fetch_add(1, Ordering::Relaxed));
        let first = {
            let query = Arc::clone(&query);
            self.client
                .run(
                    "beginning to read",
                    Box::new(move |session, catalogue| {
                        let query = Arc::clone(&query);
                        Box::pin(async move {
                            let table = catalogue.table(&query.entity)?;
                            Selection::new(table, &query.shape)?;
                            let feed = feed(&query.entity, table.feeding);
                            Ok(match &query.after {
                                Some(cursor) => Place::read(cursor, &feed)?.cursor(&feed),
                                // The mark is taken before the first row is read: what changes meanwhile comes again.
                                None => {
                                    let mark = changes::mark_now(session, table).await?;
                                    Place::All { mark, key: None }.cursor(&feed)
                                }
                            })
                        })
                    }),
                )
                .await?
        };
        let client = Arc::clone(&self.client);
        Ok(paged(Some(first), move |after| {
            let (client, query) = (Arc::clone(&client), Arc::clone(&query));
            let entity = query.entity.clone();
            async move {
                client
                    .run(
                        "reading a page",
                        Box::new(move |session, catalogue| {
                            let (query, after) = (Arc::clone(&query), after.clone());
                            Box::pin(async move {
                                let table = catalogue.table(&query.entity)?;
                                let feed = feed(&query.entity, table.feeding);
                                let place = match &after {
                                    Some(cursor) => Place::read(cursor, &feed)?,
                                    None => Place::All { mark: None, key: None },
                                };
                                match place {
                                    Place::All { mark, key } => {
                                        page(session, table, &query, mark, key, started).await
                                    }
                                    Place::Changes { mark, key } => {
                                        changes::page(session, table, &query, &mark, key).await
                                    }
                                }
                            })
                        }),
                    )
                    .await
                    .map_err(|error| error.at("entity", entity))
            }
        }))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let query = Arc::new(query);
        let entity = query.entity.clone();
        self.client
            .run(
                "looking up",
                Box::new(move |session, catalogue| {
                    let query = Arc::clone(&query);
                    Box::pin(async move { fetch(session, catalogue.table(&query.entity)?, &query).await })
                }),
            )
            .await
            .map_err(|error| error.at("entity", entity))
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let (batch, entity) = (Arc::new(batch), Arc::new(entity.clone()));
        let place = Arc::clone(&entity);
        self.client
            .run(
                "writing",
                Box::new(move |session, catalogue| {
                    let (batch, entity) = (Arc::clone(&batch), Arc::clone(&entity));
                    Box::pin(async move {
                        let table = catalogue.table(&entity)?;
                        let max = table.capabilities.batch_max.get() as usize;
                        if !table.capabilities.is_writable() {
                            return Err(Error::new(
                                ErrorKind::Unsupported,
                                "this table or view is only read",
                            )
                            .into());
                        }
                        if batch.ops.len() > max {
                            let many = format!("{} operations at once", batch.ops.len());
                            return Err(Error::new(ErrorKind::Limit, many)
                                .with_remedy(format!("at most {max} are taken"))
                                .into());
                        }
                        write(session, table, &batch.ops).await
                    })
                }),
            )
            .await
            .map_err(|error| error.at("entity", place))
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let catalogue = self.client.refreshed().await?;
        Ok(checked(&catalogue, need))
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        let Requirement::Tombstones(entity) = need else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("this connector cannot provide {need:?}"),
            ));
        };
        let found = checked(&*self.client.refreshed().await?, need);
        let Finding::Unmet { can_provision: true, .. } = found else { return Ok(found) };
        let name = entity.clone();
        self.client
            .run(
                "making the log of deletions",
                Box::new(move |session, catalogue| {
                    let name = name.clone();
                    Box::pin(async move { deletions::make(session, catalogue.table(&name)?).await })
                }),
            )
            .await
            .map_err(|error| error.at("entity", entity))?;
        Ok(checked(&*self.client.refreshed().await?, need))
    }
}

fn checked(catalogue: &Catalogue, need: &Requirement) -> Finding {
    let unmet = |evidence: String, remedy: &str| Finding::Unmet {
        evidence,
        remedy: remedy.to_owned(),
        can_provision: false,
    };
    let missing = |entity: &EntityName| {
        unmet(
            format!("there is no table {entity} that this account may read"),
            "create it, grant SELECT on it, or correct the name",
        )
    };
    match need {
        Requirement::Reachable => Finding::Met("the server answers and its schema was read".to_owned()),
        Requirement::Readable(entity) => match catalogue.tables.get(entity) {
            None => missing(entity),
            Some(table) if table.key.columns.is_empty() => unmet(
                format!("{entity} has no key"),
                "give the table a primary key, or name its key columns in the configuration",
            ),
            Some(_) => Finding::Met(format!("{entity} is there")),
        },
        Requirement::Writable(entity) => match catalogue.tables.get(entity) {
            None => missing(entity),
            Some(table) if !table.capabilities.is_writable() => unmet(
                format!(
                    "{entity} is a view, has no primary key, may not be written by this account, or the connection is read-only"
                ),
                "name a table with a key, grant INSERT, UPDATE and DELETE on it, or connect to write",
            ),
            Some(_) => Finding::Met(format!("{entity} takes writes")),
        },
        Requirement::Field(entity, field) => {
            let table = catalogue.tables.get(entity);
            if table.is_some_and(|table| table.entity.field(field.as_str()).is_some()) {
                Finding::Met(format!("{entity} has the column {field}"))
            } else {
                unmet(
                    format!("{entity} has no column {field} that this account may read"),
                    "add it, grant SELECT on it, or correct the name",
                )
            }
        }
        Requirement::Tombstones(entity) => match catalogue.tables.get(entity).map(|table| (table, table.log))
        {
            None => missing(entity),
            Some((_, Log::There)) => Finding::Met(format!("deletions of {entity} are logged")),
            Some((_, Log::NotWanted)) => unmet(
                format!("the configuration does not ask for the log of deletions of {entity}"),
                "set `tombstones: true` for the table",
            ),
            Some((_, Log::Impossible)) => unmet(
                format!("{entity} is no ordinary table with a primary key"),
                "deletions are found by full readings",
            ),
            Some((_, Log::Missing)) => Finding::Unmet {
                evidence: format!("deletions of {entity} are not logged"),
                remedy: format!(
                    "have the owner of the table make the log `{}` and its triggers (provision)",
                    deletions::TABLE
                ),
                can_provision: true,
            },
        },
        other => Finding::Unknown(format!("this connector cannot check {other:?}")),
    }
}
