//! The PostgreSQL connector against a real server. `.ci/servers/postgres start DIR` starts one and says where it is; these
//! tests fail where `SEAMLESS_TEST_POSTGRES` is not set, and never pass by not running.
//!
//! What the connector says is held against `psql`, which is none of ours. Each test has a schema of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod conformance;
mod faults;
mod feeds;
mod proxy;
mod psql;
mod schema;
mod values;
mod writes;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::StreamExt;
use futures::executor::block_on;
use psql::Psql;
use seamless_connectors::postgres::{Postgres, PostgresConfig, Tls};
use seamless_core::connector::{
    Change, Connector, Cursor, DeleteGround, End, Expects, Page, ReadQuery, Target, Verb, WriteBatch,
    WriteOp, WriteOutcome,
};
use seamless_core::model::{ActionId, Condition, Entity, EntityName, FieldName, Record, RecordId, Shape};
use seamless_core::secret::Secret;

/// What a variable of the environment says of the server.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: start a server with `.ci/servers/postgres start DIR` and evaluate what it prints")
    })
}

/// Where the server is, for the connector.
fn config_of(url: &str) -> PostgresConfig {
    let rest = url.strip_prefix("postgres://").expect("a URL");
    let (account, rest) = rest.split_once('@').expect("an account");
    let (user, password) = account.split_once(':').expect("a password");
    let (host, rest) = rest.split_once(':').expect("a port");
    let (port, rest) = rest.split_once('/').expect("a database");
    let (database, ca) = rest.split_once("?sslrootcert=").expect("a certificate");
    PostgresConfig {
        port: Some(port.parse().unwrap()),
        password: Some(Secret::new(password.to_owned())),
        tls: Tls::Ca(ca.into()),
        ..PostgresConfig::new(host, database, user)
    }
}

/// A transaction that is open anywhere in the cluster makes what was written since come again in every feed: tests that count
/// what comes run alone.
static QUIET: RwLock<()> = RwLock::new(());

/// Beside whom a test runs.
enum Turn {
    Alone { _turn: RwLockWriteGuard<'static, ()> },
    BesideOthers { _turn: RwLockReadGuard<'static, ()> },
}

/// A schema of the database, and a user who works in it.
struct Db {
    schema: String,
    user: Psql,
    _turn: Turn,
}

/// Makes a schema with these tables, for a test that runs beside others.
fn db(name: &str, sql: &str) -> Db {
    let turn = QUIET.read().unwrap_or_else(PoisonError::into_inner);
    made(name, sql, Turn::BesideOthers { _turn: turn })
}

/// Makes a schema with these tables, for a test that runs alone.
fn db_alone(name: &str, sql: &str) -> Db {
    let turn = QUIET.write().unwrap_or_else(PoisonError::into_inner);
    made(name, sql, Turn::Alone { _turn: turn })
}

fn made(name: &str, sql: &str, turn: Turn) -> Db {
    let schema = format!("t_{name}");
    let mut user = Psql::connect(&variable("SEAMLESS_TEST_POSTGRES"));
    user.run(&format!(
        "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; SET search_path = {schema}, public"
    ));
    user.run(sql);
    Db { schema, user, _turn: turn }
}

impl Db {
    fn config(&self) -> PostgresConfig {
        PostgresConfig {
            schemas: Some(vec![self.schema.clone()]),
            ..config_of(&variable("SEAMLESS_TEST_POSTGRES"))
        }
    }

    fn open(&self) -> Postgres {
        Postgres::open(self.config()).unwrap()
    }

    /// Another user, in the same schema.
    fn another(&self) -> Psql {
        let mut other = Psql::connect(&variable("SEAMLESS_TEST_POSTGRES"));
        other.run(&format!("SET search_path = {}, public", self.schema));
        other
    }
}

fn entity(postgres: &Postgres, name: &str) -> Entity {
    let schema = block_on(postgres.discover(&[name.into()])).unwrap();
    schema.entity(name).unwrap().clone()
}

fn query(table: &str, fields: &[&str], after: Option<Cursor>, page: usize) -> ReadQuery {
    let shape = Shape::new(fields.iter().map(|field| FieldName::from(*field))).unwrap();
    ReadQuery { entity: table.into(), shape, condition: Condition::Always, after, page_records_max: page }
}

fn pages(postgres: &Postgres, table: &str, fields: &[&str], after: Option<Cursor>, page: usize) -> Vec<Page> {
    let query = query(table, fields, after, page);
    block_on(async { postgres.read(query).await.unwrap().map(Result::unwrap).collect().await })
}

/// Every change as one line.
fn lines(pages: &[Page]) -> Vec<String> {
    let line = |change: &Change| match change {
        Change::Upsert(found) => format!("{} {}", found.id, found.record.to_json()),
        Change::Deleted(tombstone) => format!("{} gone", tombstone.id),
        Change::Broken { id, place, problem } => format!("broken {id:?} {place}: {problem}"),
    };
    pages.iter().flat_map(|page| &page.changes).map(line).collect()
}

fn read(postgres: &Postgres, table: &str, fields: &[&str]) -> Vec<String> {
    lines(&pages(postgres, table, fields, None, 2))
}

/// Where reading of changes begins after these pages.
fn next(pages: &[Page]) -> Cursor {
    match &pages.last().unwrap().end {
        Some(End::Complete(all)) => all.changes_from.clone().unwrap(),
        Some(End::CaughtUp { low_water }) => {
            low_water.clone().unwrap_or_else(|| pages.last().unwrap().cursor.clone())
        }
        other => panic!("{other:?}"),
    }
}

fn op(target: Target, verb: Verb, json: &str) -> WriteOp {
    let id = ActionId::derive(&[json.as_bytes()]);
    WriteOp { id, target, verb, patch: Record::from_json(json).unwrap(), expects: Expects::Anything }
}

fn create(json: &str) -> WriteOp {
    op(Target::New(None), Verb::Create, json)
}

fn update(id: RecordId, json: &str) -> WriteOp {
    op(Target::Existing(id), Verb::Update, json)
}

fn delete(id: RecordId) -> WriteOp {
    op(Target::Existing(id), Verb::Delete(DeleteGround::LeftScope), "{}")
}

fn write(postgres: &Postgres, table: &str, ops: Vec<WriteOp>) -> Vec<WriteOutcome> {
    block_on(postgres.write(&EntityName::from(table), WriteBatch::of(ops))).unwrap()
}

/// Outcomes in short.
fn told(outcomes: &[WriteOutcome]) -> Vec<String> {
    let line = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Applied { id, .. } => format!("applied {id}"),
        WriteOutcome::Refused(refusal) => format!("{:?}", refusal.why),
        WriteOutcome::Ambiguous(error) => format!("ambiguous {error}"),
    };
    outcomes.iter().map(line).collect()
}

fn shared(postgres: &Postgres) -> Arc<dyn Connector> {
    Arc::new(postgres.clone())
}
