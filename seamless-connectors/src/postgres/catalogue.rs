//! The live catalogue of a database: tables and views with their columns, keys, constraints and triggers, as `pg_catalog`
//! tells them. Reads no rows of tables. The door is [`load`]; `schema` says what the parts mean.

use std::collections::{BTreeMap, HashMap};

use seamless_core::connector::Capabilities;
use seamless_core::model::{Entity, EntityName, Error, ErrorKind, Result};

use super::client::Session;
use super::config::PostgresConfig;
use super::error::Fault;
use super::schema;
use super::triggers::Trigger;
use super::values::Column;

/// What a database says of itself at one time.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) tables: BTreeMap<EntityName, Table>,
}

impl Catalogue {
    pub(super) fn table(&self, entity: &EntityName) -> Result<&Table> {
        self.tables.get(entity).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the database has no such table or view, or does not show it")
                .at("entity", entity)
        })
    }
}

/// One table or view.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) oid: u32,
    /// `"public"."customer"`.
    pub(super) name: String,
    /// `"public"`.
    pub(super) schema: String,
    /// `ONLY` where rows of children must not show.
    pub(super) only: &'static str,
    pub(super) entity: Entity,
    /// In the order of the entity's fields.
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
    pub(super) feeding: Option<Feeding>,
    /// How the state of a row is told apart from another one of it.
    pub(super) version: Option<VersionBy>,
    pub(super) modified: Option<usize>,
    /// How far a feed of stamps goes back, in seconds.
    pub(super) overlap_seconds: u32,
    /// Columns by the name of the constraint or index that they are under.
    pub(super) constraints: HashMap<String, Vec<usize>>,
    /// Whether something runs after a write and may change the row once more.
    pub(super) has_after: bool,
    /// Whether deletions are logged.
    pub(super) log: Log,
    pub(super) capabilities: Capabilities,
}

/// How a row is addressed.
#[derive(Clone, Debug, Default)]
pub(super) struct Key {
    /// The columns; empty where rows cannot be addressed.
    pub(super) columns: Vec<usize>,
    /// As pages are ordered: `t."a"`, with another collation where an index has it.
    pub(super) ordered: Vec<String>,
    /// Whether only the configuration says that it is unique.
    pub(super) is_claimed: bool,
}

/// What changes are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feeding {
    /// The transaction that wrote the row, as the server keeps it with every row.
    Transaction,
    /// A column that holds the transaction that wrote the row: an index finds what changed.
    Stamped(usize),
    /// A column of numbers that grow, by the word of the configuration.
    Number(usize),
    /// Stamps of a clock.
    Modified(usize),
}

/// What a version is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionBy {
    /// The transaction that wrote the row.
    Transaction,
    /// A column.
    Column(usize),
}

/// Whether deletions are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    /// Nobody asked for it.
    NotWanted,
    /// It is wanted and there.
    There,
    /// It is wanted and not there.
    Missing,
    /// It is wanted and cannot be had for this table.
    Impossible,
}

/// What the server says of itself.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) identity: Option<u64>,
    pub(super) database_oid: u32,
    pub(super) database: String,
    pub(super) in_recovery: bool,
    /// Whether text without a collation of its own is in the order of its bytes.
    pub(super) byte_order: bool,
    pub(super) utf8: bool,
}

/// A table before it is understood.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) row_security: bool,
    pub(super) has_rules: bool,
    pub(super) label: Option<String>,
    pub(super) may_delete: bool,
    /// Whether the account may read the whole table, and so what the server keeps with each row.
    pub(super) may_read_all: bool,
    pub(super) columns: Vec<RawColumn>,
    pub(super) indexes: Vec<RawIndex>,
    pub(super) references: Vec<RawReference>,
    /// Definitions of checks with the names of their columns.
    pub(super) checks: Vec<String>,
    pub(super) constraints: Vec<(String, Vec<i16>)>,
    pub(super) triggers: Vec<Trigger>,
    /// Triggers of ours that log deletions.
    pub(super) logs: bool,
}

#[derive(Debug)]
pub(super) struct RawColumn {
    pub(super) number: i16,
    pub(super) name: String,
    pub(super) not_null: bool,
    pub(super) identity: String,
    pub(super) generated: bool,
    pub(super) default: Option<String>,
    pub(super) type_oid: u32,
    pub(super) modifier: i32,
    pub(super) collation: u32,
    pub(super) label: Option<String>,
    pub(super) may_read: bool,
    pub(super) may_insert: bool,
    pub(super) may_update: bool,
}

#[derive(Debug)]
pub(super) struct RawIndex {
    pub(super) name: String,
    pub(super) is_key: bool,
    pub(super) columns: Vec<i16>,
    pub(super) collations: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct RawReference {
    pub(super) column: i16,
    pub(super) table: u32,
    pub(super) column_there: i16,
}

/// A type, as far as columns use it.
#[derive(Clone, Debug)]
pub(super) struct RawType {
    pub(super) name: String,
    pub(super) schema: String,
    pub(super) kind: String,
    pub(super) base: u32,
    pub(super) modifier: i32,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) labels: Vec<String>,
    pub(super) checks: Vec<String>,
}

const SERVER: &str = "SELECT d.oid, d.datname::text, pg_is_in_recovery(), pg_encoding_to_char(d.encoding)::text, \
    d.datcollate::text IN ('C', 'POSIX') AND coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c', \
    current_setting('server_version_num')::int4, \
    has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') \
    FROM pg_database d WHERE d.datname = current_database()";

const TABLES: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text, row_security_active(c.oid), \
    c.relhasrules, obj_description(c.oid, 'pg_class'), has_table_privilege(c.oid, 'DELETE'), \
    has_table_privilege(c.oid, 'SELECT') \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname::text = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition \
    AND c.relpersistence <> 't' AND has_schema_privilege(n.oid, 'USAGE') \
    AND has_any_column_privilege(c.oid, 'SELECT') ORDER BY 2, 3";

const COLUMNS: &str = "SELECT a.attrelid, a.attnum, a.attname::text, a.attnotnull, a.attidentity::text, \
    a.attgenerated::text <> '', pg_get_expr(d.adbin, d.adrelid), a.atttypid, a.atttypmod, a.attcollation, \
    col_description(a.attrelid, a.attnum), \
    has_column_privilege(a.attrelid, a.attnum, 'SELECT'), has_column_privilege(a.attrelid, a.attnum, 'INSERT'), \
    has_column_privilege(a.attrelid, a.attnum, 'UPDATE') \
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";

const TYPES: &str = "WITH RECURSIVE used (oid) AS (SELECT DISTINCT atttypid FROM pg_attribute \
    WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped \
    UNION SELECT t.typbasetype FROM used u JOIN pg_type t ON t.oid = u.oid WHERE t.typtype = 'd') \
    SELECT t.oid, t.typname::text, n.nspname::text, t.typtype::text, t.typbasetype, t.typtypmod, t.typnotnull, \
    t.typdefault, ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), \
    ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c' \
    AND k.convalidated ORDER BY k.conname) \
    FROM used JOIN pg_type t ON t.oid = used.oid JOIN pg_namespace n ON n.oid = t.typnamespace";

/// A deferrable constraint holds at the end of a transaction only, which is enough for a key.
const INDEXES: &str = "SELECT i.indrelid, c.relname::text, i.indisprimary, \
    (SELECT array_agg(k ORDER BY n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (k, n) WHERE n <= i.indnkeyatts), \
    (SELECT array_agg(k ORDER BY n) FROM unnest(i.indcollation::oid[]) WITH ORDINALITY AS u (k, n) \
    WHERE n <= i.indnkeyatts) \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
    ORDER BY i.indrelid, c.relname";

const CONSTRAINTS: &str = "SELECT k.conrelid, k.conname::text, k.contype::text, coalesce(k.conkey, '{}'), k.confrelid, \
    k.confkey, k.convalidated, CASE k.contype WHEN 'c' THEN pg_get_constraintdef(k.oid) END \
    FROM pg_constraint k WHERE k.conrelid = ANY ($1) AND k.contype IN ('c', 'f', 'p', 'u', 'x') \
    ORDER BY k.conrelid, k.conname";

const TRIGGERS: &str = "SELECT t.tgrelid, t.tgtype, t.tgqual IS NOT NULL OR array_length(t.tgattr::int2[], 1) > 0, \
    l.lanname::text, p.prosrc, p.proname::text = $2 AND p.pronamespace = c.relnamespace \
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid \
    JOIN pg_language l ON l.oid = p.prolang \
    WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') ORDER BY t.tgrelid, t.tgname";

/// The least version of the server that is understood: its long transaction numbers came then.
const VERSION_MIN: i32 = 130_000;

/// What the server says of itself.
pub(super) async fn server(session: &mut Session) -> Result<Server, Fault> {
    let rows = session.ask(SERVER, &[]).await?;
    let row = rows
        .first()
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the server does not name the database"))?;
    if row.try_get::<_, i32>(5)? < VERSION_MIN {
        let error = Error::new(ErrorKind::Unsupported, "the server is older than PostgreSQL 13");
        return Err(error.with_remedy("connect to a newer one").into());
    }
    let mut identity = None;
    if row.try_get::<_, bool>(6)? {
        let rows = session.ask("SELECT system_identifier FROM pg_control_system()", &[]).await?;
        identity = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
    }
    Ok(Server {
        identity: identity.map(i64::cast_unsigned),
        database_oid: row.try_get(0)?,
        database: row.try_get(1)?,
        in_recovery: row.try_get(2)?,
        utf8: row.try_get::<_, String>(3)? == "UTF8",
        byte_order: row.try_get(4)?,
    })
}

/// Reads the catalogue.
///
/// Errors: the configuration names a table or column that is not there.
pub(super) async fn load(
    session: &mut Session,
    config: &PostgresConfig,
    server: &Server,
) -> Result<Catalogue, Fault> {
    let schemas = config.schemas.clone().unwrap_or_else(|| vec!["public".to_owned()]);
    let mut raws = tables(session, &schemas).await?;
    let oids: Vec<u32> = raws.iter().map(|raw| raw.oid).collect();
    let place: HashMap<u32, usize> = oids.iter().enumerate().map(|(place, oid)| (*oid, place)).collect();
    let at = |oid: u32| place.get(&oid).copied();
    for row in session.ask(COLUMNS, &[&oids]).await? {
        let column = RawColumn {
            number: row.try_get(1)?,
            name: row.try_get(2)?,
            not_null: row.try_get(3)?,
            identity: row.try_get(4)?,
            generated: row.try_get(5)?,
            default: row.try_get(6)?,
            type_oid: row.try_get(7)?,
            modifier: row.try_get(8)?,
            collation: row.try_get(9)?,
            label: row.try_get(10)?,
            may_read: row.try_get(11)?,
            may_insert: row.try_get(12)?,
            may_update: row.try_get(13)?,
        };
        if let Some(raw) = at(row.try_get(0)?).and_then(|place| raws.get_mut(place)) {
            raw.columns.push(column);
        }
    }
    for row in session.ask(INDEXES, &[&oids]).await? {
        let index = RawIndex {
            name: row.try_get(1)?,
            is_key: row.try_get(2)?,
            columns: row.try_get(3)?,
            collations: row.try_get(4)?,
        };
        if let Some(raw) = at(row.try_get(0)?).and_then(|place| raws.get_mut(place)) {
            raw.indexes.push(index);
        }
    }
    for row in session.ask(CONSTRAINTS, &[&oids]).await? {
        let Some(raw) = at(row.try_get(0)?).and_then(|place| raws.get_mut(place)) else { continue };
        let (name, kind, columns): (String, String, Vec<i16>) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        if kind == "f"
            && let ([column], Some([there])) =
                (&columns[..], row.try_get::<_, Option<Vec<i16>>>(5)?.as_deref())
        {
            raw.references.push(RawReference {
                column: *column,
                table: row.try_get(4)?,
                column_there: *there,
            });
        }
        if let (Some(definition), true) = (row.try_get(7)?, row.try_get(6)?) {
            raw.checks.push(definition);
        }
        raw.constraints.push((name, columns));
    }
    for row in session.ask(TRIGGERS, &[&oids, &super::deletions::FUNCTION]).await? {
        let Some(raw) = at(row.try_get(0)?).and_then(|place| raws.get_mut(place)) else { continue };
        let trigger = Trigger {
            bits: row.try_get(1)?,
            is_conditional: row.try_get::<_, Option<bool>>(2)?.unwrap_or(false),
            language: row.try_get(3)?,
            source: row.try_get(4)?,
        };
        if row.try_get(5)? {
            raw.logs |= trigger.sees_deletions();
        } else {
            raw.triggers.push(trigger);
        }
    }
    let types = types(session, &oids).await?;
    Ok(schema::understood(raws, &types, config, server, &schemas)?)
}

async fn tables(session: &mut Session, schemas: &Vec<String>) -> Result<Vec<Raw>, Fault> {
    let mut raws = Vec::new();
    for row in session.ask(TABLES, &[schemas]).await? {
        raws.push(Raw {
            oid: row.try_get(0)?,
            schema: row.try_get(1)?,
            name: row.try_get(2)?,
            kind: row.try_get(3)?,
            row_security: row.try_get(4)?,
            has_rules: row.try_get(5)?,
            label: row.try_get(6)?,
            may_delete: row.try_get(7)?,
            may_read_all: row.try_get(8)?,
            columns: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
            checks: Vec::new(),
            constraints: Vec::new(),
            triggers: Vec::new(),
            logs: false,
        });
    }
    Ok(raws)
}

async fn types(session: &mut Session, oids: &Vec<u32>) -> Result<HashMap<u32, RawType>, Fault> {
    let mut types = HashMap::new();
    for row in session.ask(TYPES, &[oids]).await? {
        let found = RawType {
            name: row.try_get(1)?,
            schema: row.try_get(2)?,
            kind: row.try_get(3)?,
            base: row.try_get(4)?,
            modifier: row.try_get(5)?,
            not_null: row.try_get(6)?,
            default: row.try_get(7)?,
            labels: row.try_get(8)?,
            checks: row.try_get(9)?,
        };
        types.insert(row.try_get(0)?, found);
    }
    Ok(types)
}
