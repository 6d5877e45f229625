//! What goes wrong is said as it is: nothing happened, or nobody knows; and the next call finds a whole connection.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use futures::StreamExt;
use futures::executor::block_on;
use futures::future::poll_immediate;
use seamless_connectors::postgres::{Postgres, PostgresConfig, TableConfig, Tls};
use seamless_core::connector::{Connector, WriteBatch, WriteOutcome};
use seamless_core::model::{ErrorKind, RecordId};
use seamless_core::secret::Secret;

use crate::psql::Psql;
use crate::{config_of, create, db, query, read, shared, told, update, variable, write};

fn refused(config: PostgresConfig) -> (ErrorKind, String) {
    let refused = Postgres::open(config).unwrap_err();
    let all = format!("{refused} {refused:?} {}", refused.message_with_causes());
    assert!(refused.remedy().is_some(), "{all}");
    assert!(!all.contains("only-for-tests") && !all.contains("wr0ng"), "a secret stands in {all}");
    (refused.kind(), all)
}

#[test]
fn a_connection_that_cannot_be_made_says_why_and_never_the_password() {
    let config = || config_of(&variable("SEAMLESS_TEST_POSTGRES"));
    let (kind, words) = refused(PostgresConfig { password: Some(Secret::new("wr0ng".into())), ..config() });
    assert_eq!(kind, ErrorKind::Permission, "{words}");
    let (kind, words) = refused(PostgresConfig { password: None, ..config() });
    assert_eq!(kind, ErrorKind::Permission, "{words}");
    let (kind, words) = refused(PostgresConfig { database: "nowhere".into(), ..config() });
    assert_eq!(kind, ErrorKind::NotFound, "{words}");
    let other = PathBuf::from(variable("SEAMLESS_TEST_POSTGRES_OTHER_CA"));
    let (kind, words) = refused(PostgresConfig { tls: Tls::Ca(other), ..config() });
    assert!(kind == ErrorKind::Configuration && words.contains("certificate"), "{words}");
    // The authority is none that the operating system knows.
    let (kind, words) = refused(PostgresConfig { tls: Tls::Require, ..config() });
    assert_eq!(kind, ErrorKind::Configuration, "{words}");
    let (kind, words) = refused(PostgresConfig { port: Some(1), ..config() });
    assert!(kind == ErrorKind::Unavailable && words.contains("host localhost"), "{words}");
    // A certificate is for a name, and this is another one of the same machine.
    let (kind, words) = refused(PostgresConfig { host: "127.0.0.2".into(), ..config() });
    assert!(matches!(kind, ErrorKind::Configuration | ErrorKind::Unavailable), "{words}");
}

/// Without encryption nothing is sent that could be overheard: the server's no is the end.
#[test]
fn a_server_that_does_not_encrypt_gets_no_password() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut request = [0; 8];
        client.read_exact(&mut request).unwrap();
        client.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        rest
    });
    let config = PostgresConfig { port: Some(port), ..config_of(&variable("SEAMLESS_TEST_POSTGRES")) };
    let (kind, words) = refused(config);
    assert!(kind == ErrorKind::Configuration && words.contains("does not encrypt"), "{words}");
    assert_eq!(heard.join().unwrap(), b"", "nothing more was said");
}

#[test]
fn without_encryption_it_is_only_where_the_configuration_says_so() {
    let mut db = db("plain", "CREATE TABLE customer (id integer PRIMARY KEY)");
    let plain = Postgres::open(PostgresConfig { tls: Tls::Off, ..db.config() }).unwrap();
    let encrypted = db.open();
    assert_eq!(read(&plain, "customer", &["id"]), read(&encrypted, "customer", &["id"]));
    let seen = db.user.one(
        "SELECT string_agg(DISTINCT ssl::text, ' ') FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE application_name = 'seamless'",
    );
    assert!(seen.contains("false"), "{seen}");
}

const SLOW: &str = "CREATE VIEW slow AS SELECT 1 AS id, pg_sleep(120)::text AS name";

fn slow_config(config: PostgresConfig) -> PostgresConfig {
    config.table("slow", TableConfig { key: vec!["id".into()], ..TableConfig::default() })
}

#[test]
fn a_statement_that_takes_too_long_is_stopped_and_said_so() {
    let db = db("slow", &format!("CREATE TABLE customer (id integer PRIMARY KEY, name text); {SLOW}"));
    let config = PostgresConfig { statement_timeout_ms: Some(300), ..slow_config(db.config()) };
    let postgres = Postgres::open(config).unwrap();
    let stopped = block_on(async {
        postgres.read(query("slow", &["name"], None, 10)).await.unwrap().next().await.unwrap().unwrap_err()
    });
    assert_eq!(stopped.kind(), ErrorKind::Unavailable);
    assert!(stopped.to_string().contains("too long") && stopped.to_string().contains("slow"), "{stopped}");
    assert_eq!(read(&postgres, "customer", &["name"]), Vec::<String>::new());
}

fn running(user: &mut Psql, what: &str) -> bool {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seamless' AND state = 'active' AND query LIKE '%{what}%'"
    );
    user.one(&sql) != "0"
}

/// Until the server says so; it is asked again and again, and not for ever.
fn until(user: &mut Psql, what: &str, is: bool) {
    for _ in 0..1000 {
        if running(user, what) == is {
            return;
        }
        user.run("SELECT pg_sleep(0.01)");
    }
    panic!("{what} is not {}", if is { "running" } else { "stopped" });
}

#[test]
fn a_reading_that_is_dropped_does_not_go_on_at_the_server() {
    let mut db = db("dropped", &format!("CREATE TABLE customer (id integer PRIMARY KEY, name text); {SLOW}"));
    let postgres = Postgres::open(slow_config(db.config())).unwrap();
    let mut pages = block_on(postgres.read(query("slow", &["name"], None, 10))).unwrap();
    let mut page = pages.next();
    assert!(block_on(poll_immediate(&mut page)).is_none());
    until(&mut db.user, "dropped%slow", true);
    drop(page);
    drop(pages);
    until(&mut db.user, "dropped%slow", false);
    assert_eq!(read(&postgres, "customer", &["name"]), Vec::<String>::new());
}

/// What waits for the end of the transaction is run before the commit is sent; meanwhile the server process is ended.
#[test]
fn a_write_whose_server_process_ends_before_the_commit_did_nothing_and_the_next_call_works() {
    let mut db = db(
        "lost",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a');
         CREATE TABLE slowly (id integer PRIMARY KEY, name text); INSERT INTO slowly VALUES (1, 'a');
         CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER s AFTER UPDATE ON slowly DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
             WHEN (NEW.name = 'slow') EXECUTE FUNCTION sleeps()",
    );
    let postgres = db.open();
    let connector = shared(&postgres);
    // What runs before the commit is known to be undone: the whole call is made again, and waits again.
    let mut admin = Psql::connect(&variable("SEAMLESS_TEST_POSTGRES_ADMIN"));
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'seamless' \
               AND state = 'active' AND query LIKE 'SET CONSTRAINTS%'";
    let writing = std::thread::spawn(move || {
        let ops = vec![update(RecordId::int(1), r#"{"name": "slow"}"#)];
        block_on(connector.write(&"slowly".into(), WriteBatch::of(ops)))
    });
    for _ in 0..2 {
        until(&mut db.user, "SET CONSTRAINTS", true);
        admin.run(end);
        until(&mut db.user, "SET CONSTRAINTS", false);
    }
    let lost = writing.join().unwrap().unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Unavailable, "nothing happened, and that is known: {lost}");
    assert_eq!(db.user.one("SELECT name FROM slowly"), "a");
    assert_eq!(
        told(&write(&postgres, "customer", vec![update(RecordId::int(1), r#"{"name": "b"}"#)])),
        ["applied 1"]
    );
}

/// The commit waits for another transaction, because of a unique constraint that is deferred; then the wire is cut behind it: the server has done what was asked, and its answer does not come.
#[test]
fn a_commit_whose_answer_is_cut_off_is_ambiguous_and_the_next_call_works() {
    use crate::proxy::Proxy;
    let mut db = db(
        "cut",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text);
         ALTER TABLE customer ADD code text, ADD CONSTRAINT u UNIQUE (code) DEFERRABLE INITIALLY DEFERRED",
    );
    let proxy = Proxy::to(db.config().port.unwrap());
    let config = PostgresConfig { port: Some(proxy.port()), ..db.config() };
    let postgres = Postgres::open(config).unwrap();
    let mut other = db.another();
    other.run("BEGIN; INSERT INTO customer VALUES (1, 'x', 'same')");
    let writing = std::thread::spawn({
        let postgres = postgres.clone();
        move || {
            let ops = vec![create(r#"{"id": 2, "name": "a", "code": "same"}"#)];
            block_on(postgres.write(&"customer".into(), WriteBatch::of(ops)))
        }
    });
    until(&mut db.user, "COMMIT", true);
    block_on(seamless_core::testkit::connector_kit::Wire::cut(
        &proxy,
        seamless_core::testkit::connector_kit::Torn::Answer,
    ))
    .unwrap();
    other.run("ROLLBACK");
    let outcomes = writing.join().unwrap().unwrap();
    assert!(
        matches!(&outcomes[..], [WriteOutcome::Ambiguous(error)] if error.kind() == ErrorKind::Unavailable),
        "{outcomes:?}"
    );
    assert_eq!(db.user.one("SELECT count(*) FROM customer WHERE id = 2"), "1", "it had happened");
    assert_eq!(told(&write(&postgres, "customer", vec![create(r#"{"id": 3, "name": "b"}"#)])), ["applied 3"]);
}

#[test]
fn a_read_only_connection_writes_nothing() {
    let mut db = db(
        "read_only",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a')",
    );
    let postgres = Postgres::open(PostgresConfig { read_only: true, ..db.config() }).unwrap();
    assert!(!postgres.capabilities(&"customer".into()).is_writable());
    let ops = vec![update(RecordId::int(1), r#"{"name": "b"}"#)];
    let refused = block_on(postgres.write(&"customer".into(), WriteBatch::of(ops))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(db.user.one("SELECT name FROM customer"), "a");
}

#[test]
fn a_server_that_ended_all_connections_is_connected_to_again() {
    let db = db(
        "again",
        "CREATE TABLE customer (id integer PRIMARY KEY, name text); INSERT INTO customer VALUES (1, 'a')",
    );
    let postgres = db.open();
    assert_eq!(read(&postgres, "customer", &["name"]).len(), 1);
    let mut admin = Psql::connect(&variable("SEAMLESS_TEST_POSTGRES_ADMIN"));
    admin.run(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'seamless' AND query LIKE '%t_again%'",
    );
    assert_eq!(read(&postgres, "customer", &["name"]).len(), 1);
    assert_eq!(
        told(&write(&postgres, "customer", vec![update(RecordId::int(1), r#"{"name": "b"}"#)])),
        ["applied 1"]
    );
}
