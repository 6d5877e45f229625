//! The live catalogue of a database file: tables, keys, references, proofs by triggers. Reads the file's own
//! description of itself and no rows. The door is [`Catalogue::load`].

use std::collections::BTreeMap;

use rusqlite::Connection;
use seamless_core::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use seamless_core::model::{
    Entity, EntityName, Error, ErrorKind, Field, FieldKind, FieldName, Result, Value,
};

use super::config::{SqliteConfig, TableConfig};
use super::ddl;
use super::error::from_sqlite;
use super::schema::{affinity, apply_checks, default_value, field_kind};
use super::triggers::{Proven, proves};
use super::values::{Affinity, Kind, kind_of};
use crate::sql::quote::quoted;

/// Operations in one transaction at most: enough to make the commit's cost small, few enough to let others write.
const BATCH_OPS_MAX: u32 = 2000;

/// What a database file says of itself, at one version of its schema.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) schema_version: i64,
    pub(super) tables: BTreeMap<EntityName, Table>,
}

/// One table or view.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) entity: Entity,
    /// In the order of the entity's fields.
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
    pub(super) feeding: Option<Feeding>,
    pub(super) version: Option<usize>,
    pub(super) modified: Option<usize>,
    /// Sets of columns that are unique together, the key not counted.
    pub(super) unique: Vec<Vec<usize>>,
    pub(super) capabilities: Capabilities,
}

#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) affinity: Affinity,
    /// The column cannot be null and is empty text by default: that is how it says nothing.
    pub(super) empty_is_nothing: bool,
}

/// How a row is addressed.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// The quoted names; empty where rows cannot be addressed.
    pub(super) names: Vec<String>,
    /// The columns, where they are columns and not the rowid.
    pub(super) columns: Vec<usize>,
    /// Whether it is always one whole number.
    pub(super) is_rowid: bool,
    /// Whether only the configuration says that it is unique.
    pub(super) is_claimed: bool,
}

/// The column by which changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feeding {
    /// Whole numbers that only grow over the table.
    Version(usize),
    /// Stamps of a clock.
    Modified(usize),
}

impl Feeding {
    pub(super) fn column(self) -> usize {
        match self {
            Feeding::Version(column) | Feeding::Modified(column) => column,
        }
    }
}

/// What the file says of a table, before it is understood.
struct Raw {
    name: String,
    is_view: bool,
    without_rowid: bool,
    strict: bool,
    sql: String,
    columns: Vec<RawColumn>,
    indexes: Vec<RawIndex>,
    references: Vec<(String, String, Option<String>)>,
}

struct RawColumn {
    name: String,
    declared: String,
    not_null: bool,
    default: Option<String>,
    key_place: i64,
    hidden: i64,
}

struct RawIndex {
    is_key: bool,
    columns: Vec<(i64, String)>,
}

impl Raw {
    fn key(&self) -> Vec<usize> {
        let mut key: Vec<(i64, usize)> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.key_place > 0)
            .map(|(place, column)| (column.key_place, place))
            .collect();
        key.sort_unstable();
        key.into_iter().map(|(_, place)| place).collect()
    }

    /// Whether its one key column is another name of the rowid.
    fn key_is_rowid(&self) -> bool {
        !self.without_rowid && self.key().len() == 1 && !self.indexes.iter().any(|index| index.is_key)
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The name by which the rowid can be asked for, where no column hides it.
    fn rowid_name(&self) -> Option<&'static str> {
        ["rowid", "_rowid_", "oid"].into_iter().find(|name| self.column(name).is_none())
    }
}

/// The file's counter of schema changes: one number, a microsecond.
pub(super) fn schema_version(connection: &Connection) -> Result<i64> {
    let read = || connection.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0));
    read().map_err(|error| from_sqlite(&error, "reading the schema"))
}

impl Catalogue {
    /// Reads the catalogue.
    ///
    /// Errors: the file is no database; the configuration names a table or column that is not there.
    pub(super) fn load(connection: &Connection, config: &SqliteConfig) -> Result<Self> {
        let schema_version = schema_version(connection)?;
        let doing = |error: rusqlite::Error| from_sqlite(&error, "reading the schema");
        let raws = raws(connection).map_err(doing)?;
        let triggers = triggers(connection).map_err(doing)?;
        let encoding: String =
            connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(doing)?;
        let mut tables = BTreeMap::new();
        for raw in &raws {
            if config.entities.as_ref().is_some_and(|shown| !shown.contains(&raw.name)) {
                continue;
            }
            let mine = triggers.iter().filter(|(table, _)| table.eq_ignore_ascii_case(&raw.name));
            let proofs: Vec<&str> = mine.map(|(_, sql)| sql.as_str()).collect();
            let declared = config.tables.get(&raw.name).cloned().unwrap_or_default();
            let context = Context { raws: &raws, utf8: encoding == "UTF-8", read_only: config.read_only };
            let table = context.table(raw, &declared, &proofs)?;
            tables.insert(table.entity.name.clone(), table);
        }
        let named = config.entities.iter().flatten().chain(config.tables.keys());
        for name in named {
            if !tables.contains_key(name.as_str()) {
                return Err(Error::configuration("the configuration names a table that is not there")
                    .at("entity", name)
                    .with_remedy("correct the name, or take it out of the configuration"));
            }
        }
        Ok(Self { schema_version, tables })
    }

    pub(super) fn table(&self, entity: &EntityName) -> Result<&Table> {
        self.tables.get(entity).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the database has no such table or view").at("entity", entity)
        })
    }
}

fn raws(connection: &Connection) -> rusqlite::Result<Vec<Raw>> {
    let mut list = connection.prepare(
        "SELECT t.name, t.type, t.wr, t.strict, coalesce(m.sql, '') FROM pragma_table_list AS t \
         JOIN sqlite_master AS m ON m.name = t.name AND m.type = t.type \
         WHERE t.schema = 'main' AND t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY t.name",
    )?;
    let rows = list.query_map([], |row| {
        Ok(Raw {
            name: row.get(0)?,
            is_view: row.get::<_, String>(1)? == "view",
            without_rowid: row.get(2)?,
            strict: row.get(3)?,
            sql: row.get(4)?,
            columns: Vec::new(),
            indexes: Vec::new(),
            references: Vec::new(),
        })
    })?;
    let mut raws = Vec::new();
    for raw in rows {
        let mut raw = raw?;
        match columns(connection, &raw.name) {
            Ok(columns) => raw.columns = columns,
            // A view over a table that is gone is not usable by anybody; it must not hide the rest.
            Err(problem) if raw.is_view => {
                tracing::warn!(view = raw.name, %problem, "a view that cannot be read is left out");
                continue;
            }
            Err(problem) => return Err(problem),
        }
        raw.indexes = indexes(connection, &raw.name)?;
        raw.references = references(connection, &raw.name)?;
        raws.push(raw);
    }
    Ok(raws)
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<RawColumn>> {
    let mut statement = connection.prepare(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 \
         ORDER BY cid",
    )?;
    let rows = statement.query_map([table], |row| {
        Ok(RawColumn {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            key_place: row.get(4)?,
            hidden: row.get(5)?,
        })
    })?;
    rows.collect()
}

fn indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<RawIndex>> {
    let mut list = connection.prepare(
        "SELECT name, origin FROM pragma_index_list(?) WHERE \"unique\" = 1 AND partial = 0 ORDER BY name",
    )?;
    let names: Vec<(String, String)> =
        list.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let mut indexes = Vec::new();
    for (name, origin) in names {
        let mut statement = connection.prepare(
            "SELECT cid, coalesce(coll, '') FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno",
        )?;
        let columns = statement.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        indexes.push(RawIndex { is_key: origin == "pk", columns: columns.collect::<rusqlite::Result<_>>()? });
    }
    Ok(indexes)
}

/// Foreign keys of one column: column, table, column there (where it is said).
fn references(
    connection: &Connection,
    table: &str,
) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut statement = connection.prepare(
        "SELECT min(\"from\"), min(\"table\"), min(\"to\") FROM pragma_foreign_key_list(?) \
         GROUP BY id HAVING count(*) = 1 ORDER BY id",
    )?;
    statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn triggers(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare(
        "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' AND sql IS NOT NULL ORDER BY name",
    )?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

struct Context<'a> {
    raws: &'a [Raw],
    utf8: bool,
    read_only: bool,
}

impl Context<'_> {
    fn table(&self, raw: &Raw, declared: &TableConfig, triggers: &[&str]) -> Result<Table> {
        let checks = ddl::checks(&raw.sql);
        let mut fields = Vec::with_capacity(raw.columns.len());
        for (place, column) in raw.columns.iter().enumerate() {
            let mut field = Field::new(column.name.as_str(), field_kind(&column.declared));
            apply_checks(&mut field, &checks);
            if let Some(target) = self.target(raw, &column.name) {
                field.kind = FieldKind::Reference { targets: vec![target] };
            }
            let is_rowid = raw.key_is_rowid() && raw.key() == [place];
            field.default = column.default.as_deref().and_then(|sql| default_value(&field.kind, sql));
            field.required = (column.not_null || (raw.without_rowid && column.key_place > 0))
                && column.default.is_none()
                && column.hidden == 0
                && !is_rowid;
            field.computed = column.hidden > 1;
            field.read_only = field.computed || raw.is_view;
            fields.push(field);
        }
        let columns: Vec<Column> = raw
            .columns
            .iter()
            .zip(&fields)
            .map(|(column, field)| Column {
                name: column.name.clone(),
                kind: kind_of(&field.kind),
                affinity: affinity(&column.declared, raw.strict),
                empty_is_nothing: column.not_null && field.default == Some(Value::text("")),
            })
            .collect();
        let unique = unique_sets(raw, &mut fields);
        let key = self.key(raw, declared)?;
        let key_names: Vec<FieldName> = key
            .columns
            .iter()
            .filter_map(|place| fields.get(*place))
            .map(|field| field.name.clone())
            .collect();
        let (version, feeding, modified) = feeding(raw, declared, triggers, &mut fields)?;
        let set_names = |set: &Vec<usize>| -> Vec<FieldName> {
            set.iter().filter_map(|place| fields.get(*place)).map(|field| field.name.clone()).collect()
        };
        let mut capabilities = self.capabilities(raw, &key, feeding);
        if capabilities.create {
            let single =
                |place: &usize| fields.get(*place).filter(|_| key.columns.len() == 1 && !key.is_rowid);
            let taken =
                key.columns.first().and_then(single).is_some_and(|field| takes_chosen_id(&field.kind));
            capabilities.unique_key = match (taken, unique.first()) {
                (true, _) => UniqueKey::ClientChosenId,
                (false, Some(set)) => UniqueKey::Fields(set_names(set)),
                (false, None) if !key.is_rowid => UniqueKey::Fields(key_names.clone()),
                // SQLite numbers the rows, and nothing else tells two equal ones apart.
                (false, None) => UniqueKey::None,
            };
        }
        let entity = Entity {
            name: EntityName::from(raw.name.as_str()),
            label: None,
            key: key_names,
            unique: unique.iter().filter(|set| set.len() > 1).map(set_names).collect(),
            fields,
            actions: Vec::new(),
        };
        Ok(Table { entity, columns, key, feeding, version, modified, unique, capabilities })
    }

    /// The entity that a column of one foreign key points at, where it points at that entity's one-column key.
    fn target(&self, raw: &Raw, column: &str) -> Option<EntityName> {
        let (_, table, to) = raw.references.iter().find(|(from, ..)| from.eq_ignore_ascii_case(column))?;
        let target = self.raws.iter().find(|raw| raw.name.eq_ignore_ascii_case(table))?;
        let [key] = target.key()[..] else { return None };
        let name = &target.columns.get(key)?.name;
        let fits = to.as_ref().is_none_or(|to| to.eq_ignore_ascii_case(name));
        fits.then(|| EntityName::from(target.name.as_str()))
    }

    fn key(&self, raw: &Raw, declared: &TableConfig) -> Result<Key> {
        let (columns, is_claimed) = match (raw.key(), declared.key.is_empty()) {
            (columns, _) if !columns.is_empty() => (columns, false),
            (_, false) => {
                let places = declared.key.iter().map(|name| column_named(raw, name));
                (places.collect::<Result<Vec<_>>>()?, true)
            }
            _ => (Vec::new(), false),
        };
        if columns.is_empty() {
            let rowid = (!raw.is_view).then(|| raw.rowid_name()).flatten();
            let names = rowid.map(|name| vec![name.to_owned()]).unwrap_or_default();
            return Ok(Key { names, columns, is_rowid: true, is_claimed: false });
        }
        let names = columns.iter().filter_map(|place| raw.columns.get(*place));
        let names = names.map(|column| quoted(&column.name)).collect();
        Ok(Key { names, columns, is_rowid: raw.key_is_rowid() && !is_claimed, is_claimed })
    }

    fn capabilities(&self, raw: &Raw, key: &Key, feeding: Option<Feeding>) -> Capabilities {
        if key.names.is_empty() {
            return Capabilities::default();
        }
        let binary =
            raw.indexes.iter().filter(|index| index.is_key).all(|index| {
                index.columns.iter().all(|(_, collation)| collation.eq_ignore_ascii_case("BINARY"))
            });
        let ordered = key.is_rowid || (!key.is_claimed && binary && self.utf8);
        let writes = !self.read_only && !raw.is_view && !key.is_claimed;
        Capabilities {
            conditional_update: writes,
            write_returns: if writes { WriteReturns::Stored } else { WriteReturns::Nothing },
            // Depends on what the key holds: see where the table is put together.
            unique_key: UniqueKey::None,
            consistent_read: true,
            tombstones: false,
            complete_enumeration: true,
            low_water: matches!(feeding, Some(Feeding::Version(_))),
            gone_not_hidden: true,
            changes: feeding.is_some(),
            order: if ordered { Order::RecordId } else { Order::Unspecified },
            create: writes,
            update: writes,
            delete: writes,
            idempotency_key: false,
            batch_max: std::num::NonZeroU32::new(BATCH_OPS_MAX).unwrap_or(std::num::NonZeroU32::MIN),
            triggers: Vec::new(),
        }
    }
}

/// Characters of the ids that callers choose: they are written like a UUID.
const CHOSEN_ID_CHARACTERS: u32 = 36;

/// Whether a key of one column of this kind can hold an id that the caller chose. A number cannot: its next one is
/// SQLite's to find.
fn takes_chosen_id(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Text { length_max } => length_max.is_none_or(|length| length >= CHOSEN_ID_CHARACTERS),
        _ => false,
    }
}

fn unique_sets(raw: &Raw, fields: &mut [Field]) -> Vec<Vec<usize>> {
    let mut sets = Vec::new();
    for index in raw.indexes.iter().filter(|index| !index.is_key) {
        // An index over an expression has no column number; it constrains, but not by fields.
        let set: Option<Vec<usize>> =
            index.columns.iter().map(|(column, _)| usize::try_from(*column).ok()).collect();
        // Column numbers count hidden columns; ordinary tables have none.
        let Some(set) = set.filter(|set| set.iter().all(|place| *place < fields.len())) else { continue };
        if let [one] = set[..]
            && let Some(field) = fields.get_mut(one)
        {
            field.unique = true;
        }
        sets.push(set);
    }
    sets.sort();
    sets.dedup();
    sets
}

/// The version column, the column by which changes are found, the modified column.
fn feeding(
    raw: &Raw,
    declared: &TableConfig,
    triggers: &[&str],
    fields: &mut [Field],
) -> Result<(Option<usize>, Option<Feeding>, Option<usize>)> {
    let place = |name: &Option<String>| name.as_ref().map(|name| column_named(raw, name)).transpose();
    let (version, modified) = (place(&declared.version)?, place(&declared.modified)?);
    let proven = |column: Option<usize>| -> Proven {
        let name = column.and_then(|column| raw.columns.get(column)).map(|column| column.name.as_str());
        name.map_or(Proven::Nothing, |name| proves(triggers.iter().copied(), &raw.name, name))
    };
    let of_version = if declared.trusted { Proven::GrowsOverTable } else { proven(version) };
    let of_modified = proven(modified);
    for (column, proof) in [(version, of_version), (modified, of_modified)] {
        if proof > Proven::Nothing
            && let Some(field) = column.and_then(|column| fields.get_mut(column))
        {
            field.computed = true;
            field.read_only = true;
            field.required = false;
        }
    }
    if version.is_some() && of_version < Proven::GrowsOverTable {
        tracing::warn!(
            table = raw.name,
            "no triggers prove that the version column grows over the whole table; it is read in full every time"
        );
    }
    let feeding = match (version, modified) {
        (Some(column), _) if of_version == Proven::GrowsOverTable => Some(Feeding::Version(column)),
        (_, Some(column)) if of_modified > Proven::Nothing => Some(Feeding::Modified(column)),
        _ => None,
    };
    Ok((version.filter(|_| of_version > Proven::Nothing), feeding, modified))
}

fn column_named(raw: &Raw, name: &str) -> Result<usize> {
    raw.column(name).ok_or_else(|| {
        Error::configuration("the configuration names a column that is not there")
            .at("entity", &raw.name)
            .at("field", name)
    })
}
