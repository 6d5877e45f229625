//! The connections to a server: a few, kept open, each used by one call at a time. A call that is dropped half-way has its
//! statement cancelled at the server, and its connection is not used again. Knows PostgreSQL and no record. The door is
//! [`Client::run`].

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use seamless_core::connector::ConnectorInfo;
use seamless_core::model::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row, RowStream, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::catalogue::{Catalogue, Server, load, server};
use super::config::PostgresConfig;
use super::error::{Fault, of_connecting};
use super::tls;
use crate::io::Io;

/// Connections at once: reading goes on while batches are written and people's hosts run several links, and a server has
/// about a hundred for everybody.
const CONNECTIONS_MAX: usize = 4;

/// Prepared statements that a connection keeps: one per query shape and table in use.
const STATEMENTS_MAX: usize = 128;

/// Where the configuration says nothing.
const STATEMENT_TIMEOUT_MS: u32 = 60_000;
const CONNECT_TIMEOUT_MS: u32 = 10_000;

/// How much longer than the server we wait for the answer that it stopped a statement.
const GRACE: Duration = Duration::from_secs(5);

/// How long asking the server to stop a statement may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// A connected database.
pub(super) struct Client {
    inner: Arc<Inner>,
    io: Io,
}

struct Inner {
    config: PostgresConfig,
    info: ConnectorInfo,
    tls: Option<MakeRustlsConnect>,
    server: Server,
    catalogue: Mutex<Known>,
    idle: Mutex<Vec<Open>>,
    permits: Arc<Semaphore>,
}

struct Known {
    catalogue: Arc<Catalogue>,
    /// The server said that something is not as the catalogue has it.
    is_stale: bool,
}

/// What a call does with a connection.
pub(super) type Work<T> =
    Box<dyn for<'a> Fn(&'a mut Session, &'a Catalogue) -> BoxFuture<'a, Result<T, Fault>> + Send + Sync>;

impl Client {
    /// Connects and reads the catalogue. Blocks for the time that takes.
    pub(super) fn open(config: PostgresConfig) -> Result<Self> {
        if config.statement_timeout_ms == Some(0) || config.connect_timeout_ms == Some(0) {
            return Err(Error::configuration("a time-out of nothing would wait for ever, or not at all")
                .with_remedy(
                    "set statement_timeout_ms and connect_timeout_ms to at least 1, or leave them out",
                ));
        }
        let io = Io::start("seamless-postgres")?;
        let inner = io.block(async move {
            let tls = tls::connector(&config.tls)?;
            let mut session = Session::of(connect(&config, tls.as_ref()).await?, &config, tls.as_ref());
            let doing = "reading the schema";
            let server = server(&mut session).await.map_err(|fault| fault.told(doing))?;
            let catalogue = load(&mut session, &config, &server).await.map_err(|fault| fault.told(doing))?;
            let info = ConnectorInfo {
                system: "postgres".to_owned(),
                identity: config.identity.clone().unwrap_or_else(|| identity(&config, &server)),
                label: config
                    .label
                    .clone()
                    .unwrap_or_else(|| format!("{} on {}", server.database, config.host)),
            };
            Ok(Arc::new(Inner {
                info,
                tls,
                server,
                catalogue: Mutex::new(Known { catalogue: Arc::new(catalogue), is_stale: false }),
                idle: Mutex::new(session.take().into_iter().collect()),
                permits: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
                config,
            }))
        })?;
        Ok(Self { inner, io })
    }

    pub(super) fn info(&self) -> &ConnectorInfo {
        &self.inner.info
    }

    /// The catalogue as it was last read.
    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.inner.known().catalogue)
    }

    /// Reads the catalogue anew.
    pub(super) async fn refreshed(&self) -> Result<Arc<Catalogue>> {
        self.inner.known().is_stale = true;
        self.run("reading the schema", Box::new(|_, _| Box::pin(async { Ok(()) }))).await?;
        Ok(self.catalogue())
    }

    /// Does something over a connection. A connection that turns out to be gone, and a schema that turns out to be another
    /// one, are met once by doing it again: `work` says so ([`Fault::passes`]) only where nothing has happened.
    pub(super) async fn run<T: Send + 'static>(&self, doing: &'static str, work: Work<T>) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        self.io
            .run(async move {
                match inner.attempt(&work).await {
                    Err(fault) if fault.passes() => inner.attempt(&work).await,
                    other => other,
                }
                .map_err(|fault| fault.told(doing))
            })
            .await
    }
}

impl Inner {
    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.catalogue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt<T>(self: &Arc<Self>, work: &Work<T>) -> Result<T, Fault> {
        let mut lease = self.lease().await?;
        let session = &mut lease.session;
        let is_stale = self.known().is_stale;
        if is_stale {
            let fresh = Arc::new(load(session, &self.config, &self.server).await?);
            *self.known() = Known { catalogue: fresh, is_stale: false };
        }
        let catalogue = Arc::clone(&self.known().catalogue);
        let answer = work(session, &catalogue).await;
        if let Err(fault) = &answer
            && fault.is_stale()
        {
            self.known().is_stale = true;
            // Statements that were prepared for the former schema are of no use.
            session.is_spent = true;
        }
        answer
    }

    async fn lease(self: &Arc<Self>) -> Result<Lease, Fault> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| Error::new(ErrorKind::Internal, "the connections are closed"))?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut open = idle();
        while open.as_ref().is_some_and(|open| open.client.is_closed()) {
            open = idle();
        }
        let open = match open {
            Some(open) => open,
            None => connect(&self.config, self.tls.as_ref()).await?,
        };
        let session = Session::of(open, &self.config, self.tls.as_ref());
        Ok(Lease { session, inner: Arc::clone(self), _permit: permit })
    }
}

/// A connection that one call has; it goes back when the call has ended in order.
struct Lease {
    session: Session,
    inner: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(open) = self.session.take() {
            self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(open);
        }
    }
}

/// An open connection.
struct Open {
    client: tokio_postgres::Client,
    statements: HashMap<String, Statement>,
}

/// A connection in use.
pub(super) struct Session {
    open: Option<Open>,
    tls: Option<MakeRustlsConnect>,
    patience: Duration,
    /// A statement is under way, or a transaction is open: whoever stops here leaves the connection in the middle.
    is_busy: bool,
    in_transaction: bool,
    /// The connection is not to be used again.
    is_spent: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        // Only what runs on a runtime can ask the server to stop; otherwise the connection just ends.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.is_busy || open.client.is_closed() {
            return;
        }
        let (token, tls) = (open.client.cancel_token(), self.tls.clone());
        runtime.spawn(async move {
            let asked = async {
                match tls {
                    Some(tls) => token.cancel_query(tls).await,
                    None => token.cancel_query(NoTls).await,
                }
            };
            if !matches!(timeout(CANCEL_TIMEOUT, asked).await, Ok(Ok(()))) {
                tracing::warn!("the server could not be asked to stop a statement that nobody waits for");
            }
            drop(open);
        });
    }
}

impl Session {
    fn of(open: Open, config: &PostgresConfig, tls: Option<&MakeRustlsConnect>) -> Self {
        let statement = config.statement_timeout_ms.unwrap_or(STATEMENT_TIMEOUT_MS);
        Self {
            open: Some(open),
            tls: tls.cloned(),
            patience: Duration::from_millis(u64::from(statement)) + GRACE,
            is_busy: false,
            in_transaction: false,
            is_spent: false,
        }
    }

    /// The connection, where it can be used by another call.
    fn take(&mut self) -> Option<Open> {
        let fit = !self.is_busy && !self.in_transaction && !self.is_spent;
        self.open.take_if(|open| fit && !open.client.is_closed())
    }

    /// Waits for an answer of the server, and not for ever. Whoever drops the future leaves the session busy.
    async fn asked<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut Open) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Fault> {
        let lost = || Error::new(ErrorKind::Internal, "the connection was given back already");
        let open = self.open.as_mut().ok_or_else(lost)?;
        self.is_busy = true;
        let answer = timeout(self.patience, ask(open)).await.map_err(|_| Fault::Silent)?;
        self.is_busy = false;
        answer.map_err(Fault::from)
    }

    /// The rows of a question that is asked once, with typed parameters.
    pub(super) async fn ask(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Fault> {
        self.asked(async |open| open.client.query(sql, parameters).await).await
    }

    /// The rows of a statement, prepared once, whose parameters are all texts or arrays of texts.
    pub(super) async fn rows(&mut self, sql: &str, texts: &[Bound]) -> Result<Vec<Row>, Fault> {
        let mut all = Vec::new();
        self.walk(sql, texts, |row| {
            all.push(row);
            true
        })
        .await?;
        Ok(all)
    }

    /// Takes rows as they come, until one is the last that is wanted. What the server would still send is cancelled.
    pub(super) async fn walk(
        &mut self,
        sql: &str,
        texts: &[Bound],
        mut take: impl FnMut(Row) -> bool,
    ) -> Result<(), Fault> {
        let stream = self
            .asked(async |open| {
                let statement = prepared(open, sql).await?;
                open.client.query_raw(&statement, texts.iter().map(Bound::to_sql)).await
            })
            .await?;
        self.is_busy = true;
        let mut stream: std::pin::Pin<Box<RowStream>> = Box::pin(stream);
        loop {
            let next = timeout(self.patience, stream.try_next()).await.map_err(|_| Fault::Silent)?;
            match next {
                Ok(Some(row)) => {
                    if !take(row) {
                        // Busy still: the connection is not used again.
                        return Ok(());
                    }
                }
                Ok(None) => {
                    self.is_busy = false;
                    return Ok(());
                }
                Err(error) => {
                    self.is_busy = false;
                    return Err(error.into());
                }
            }
        }
    }

    /// Runs commands without values and rows.
    pub(super) async fn command(&mut self, sql: &str) -> Result<(), Fault> {
        self.asked(async |open| open.client.batch_execute(sql).await).await
    }

    /// Begins a transaction. Until it is ended the connection goes back to nobody.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.in_transaction = true;
        self.command("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`.
    pub(super) async fn end(&mut self, how: &'static str) -> Result<(), Fault> {
        let ended = self.command(how).await;
        // A server that refuses a commit has rolled back.
        self.in_transaction = ended.as_ref().is_err_and(Fault::is_lost);
        ended
    }
}

/// What is bound to a parameter.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    One(Option<String>),
    Many(Vec<Option<String>>),
}

impl Bound {
    pub(super) fn text(text: impl ToString) -> Self {
        Bound::One(Some(text.to_string()))
    }

    fn to_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Bound::One(text) => text,
            Bound::Many(texts) => texts,
        }
    }
}

async fn prepared(open: &mut Open, sql: &str) -> Result<Statement, tokio_postgres::Error> {
    if let Some(known) = open.statements.get(sql) {
        return Ok(known.clone());
    }
    let statement = open.client.prepare(sql).await?;
    if open.statements.len() >= STATEMENTS_MAX {
        open.statements.clear();
    }
    open.statements.insert(sql.to_owned(), statement.clone());
    Ok(statement)
}

/// Makes a connection and sets it up. What drives it runs on the runtime until the connection ends.
async fn connect(config: &PostgresConfig, tls: Option<&MakeRustlsConnect>) -> Result<Open> {
    let limit = Duration::from_millis(u64::from(config.connect_timeout_ms.unwrap_or(CONNECT_TIMEOUT_MS)));
    let mut options = tokio_postgres::Config::new();
    options.host(&config.host);
    options.port(config.port.unwrap_or(5432));
    options.dbname(&config.database);
    options.user(&config.user);
    if let Some(password) = &config.password {
        options.password(password.reveal());
    }
    options.application_name("seamless");
    options.connect_timeout(limit);
    options.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
    let opening = async {
        let client = match tls {
            Some(tls) => {
                let (client, connection) = options.connect(tls.clone()).await?;
                drive(connection);
                client
            }
            None => {
                let (client, connection) = options.connect(NoTls).await?;
                drive(connection);
                client
            }
        };
        client.batch_execute(&settings(config)).await?;
        Ok::<_, tokio_postgres::Error>(client)
    };
    let client = timeout(limit, opening).await.map_err(|_| {
        Error::new(ErrorKind::Unavailable, "the server did not answer in time")
            .with_remedy("check host and port, or raise connect_timeout_ms")
    });
    let at = |error: Error| {
        error.at("host", &config.host).at("database", &config.database).at("user", &config.user)
    };
    let client = client.and_then(|client| client.map_err(|error| of_connecting(&error))).map_err(at)?;
    Ok(Open { client, statements: HashMap::new() })
}

fn drive<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    tokio_postgres::Connection<S, T>: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
{
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
}

/// Numbers only stand in this text.
fn settings(config: &PostgresConfig) -> String {
    let statement = config.statement_timeout_ms.unwrap_or(STATEMENT_TIMEOUT_MS);
    let mut settings = format!(
        "SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {};",
        u64::from(statement) * 2
    );
    if config.read_only {
        settings.push_str("SET default_transaction_read_only = on;");
    }
    settings
}

/// See the module's page for what that tells apart and what not.
fn identity(config: &PostgresConfig, server: &Server) -> String {
    let cluster = match server.identity {
        Some(identity) => identity.to_string(),
        None => format!("{}:{}", config.host, config.port.unwrap_or(5432)),
    };
    format!("postgres:{cluster}/{}/{}", server.database_oid, server.database)
}
