//! What a table's catalogue entries mean: fields, keys, option sets, what can be done. Pure; knows no connection. The door
//! is [`understood`].

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;

use seamless_core::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use seamless_core::model::{Entity, EntityName, Error, Field, FieldKind, FieldName, Result, Value};

use super::catalogue::{Catalogue, Feeding, Key, Log, Raw, RawColumn, RawType, Server, Table, VersionBy};
use super::checks::{Check, DOMAIN_VALUE, checks};
use super::columns::{CHOSEN_ID_CHARACTERS, apply, default_value, enum_options, kinds};
use super::config::{PostgresConfig, TableConfig};
use super::deletions;
use super::triggers::{Proven, proves};
use super::values::{Column, Kind};
use crate::sql::quote::quoted;

/// Operations in one transaction at most: enough to make the commit's cost small, few enough to let others write.
const BATCH_OPS_MAX: u32 = 2000;

/// Domains over domains that are looked through.
const DOMAINS_MAX: usize = 16;

/// How far behind the last stamp a feed of stamps goes back, where the configuration says nothing: the longest that a
/// transaction usually takes.
const OVERLAP_SECONDS: u32 = 300;

/// The collations that are in the order of bytes: `C` and `POSIX`, with the numbers that they have in every database.
const BYTE_COLLATIONS: [u32; 2] = [950, 951];
/// The collation of the database.
const DEFAULT_COLLATION: u32 = 100;

/// What the tables mean.
///
/// Errors: the configuration names a table or column that is not there.
pub(super) fn understood(
    raws: Vec<Raw>,
    types: &HashMap<u32, RawType>,
    config: &PostgresConfig,
    server: &Server,
    schemas: &[String],
) -> Result<Catalogue> {
    let names: HashMap<u32, String> = raws.iter().map(|raw| (raw.oid, entity_name(raw, schemas))).collect();
    let context = Context { raws: &raws, names: &names, types, config, server };
    let mut tables = BTreeMap::new();
    for raw in &raws {
        let Some(name) = names.get(&raw.oid).filter(|_| raw.name != deletions::TABLE) else { continue };
        if config.entities.as_ref().is_some_and(|shown| !shown.contains(name)) {
            continue;
        }
        let declared = config.tables.get(name).cloned().unwrap_or_default();
        if let Some(other) =
            tables.insert(EntityName::from(name.as_str()), context.table(raw, name, &declared)?)
        {
            return Err(Error::configuration("two tables have the same name as entities")
                .at("entity", &other.entity.name)
                .with_remedy("show one of the two schemas, or rename a table"));
        }
    }
    let named = config.entities.iter().flatten().chain(config.tables.keys());
    for name in named {
        if !tables.contains_key(name.as_str()) {
            return Err(Error::configuration("the configuration names a table that is not there")
                .at("entity", name)
                .with_remedy("correct the name, show its schema, or let the user read it"));
        }
    }
    Ok(Catalogue { tables })
}

/// Tables of the first schema go by their name, others by schema and name.
fn entity_name(raw: &Raw, schemas: &[String]) -> String {
    match schemas.first() {
        Some(first) if *first == raw.schema => raw.name.clone(),
        _ => format!("{}.{}", raw.schema, raw.name),
    }
}

struct Context<'a> {
    raws: &'a [Raw],
    names: &'a HashMap<u32, String>,
    types: &'a HashMap<u32, RawType>,
    config: &'a PostgresConfig,
    server: &'a Server,
}

/// A column's type with the domains around it taken off.
struct Base<'a> {
    kind: &'a RawType,
    modifier: i32,
    not_null: bool,
    default: Option<&'a str>,
    checks: Vec<Check>,
}

impl Context<'_> {
    fn table(&self, raw: &Raw, name: &str, declared: &TableConfig) -> Result<Table> {
        let is_table = matches!(raw.kind.as_str(), "r" | "p");
        let table_checks: Vec<Check> = raw.checks.iter().flat_map(|definition| checks(definition)).collect();
        let mut fields = Vec::new();
        let mut columns = Vec::new();
        let mut places: HashMap<i16, usize> = HashMap::new();
        for column in &raw.columns {
            let Some(base) = self.base(column) else { continue };
            let (field, carried) = self.column(raw, column, &base, &table_checks, is_table);
            places.insert(column.number, columns.len());
            fields.push(field);
            columns.push(carried);
        }
        let set = |numbers: &[i16]| -> Option<Vec<usize>> {
            numbers.iter().map(|number| places.get(number).copied()).collect()
        };
        let mut unique: Vec<Vec<usize>> = Vec::new();
        for index in raw.indexes.iter().filter(|index| !index.is_key) {
            let Some(found) = set(&index.columns) else { continue };
            if let [one] = found[..]
                && let Some(field) = fields.get_mut(one)
            {
                field.unique = true;
            }
            unique.push(found);
        }
        unique.sort();
        unique.dedup();
        let key = self.key(raw, declared, &fields, &columns, &set, is_table)?;
        unique.retain(|set| *set != key.columns);
        let (version, feeding, modified) = self.feeding(raw, declared, &mut fields, &columns)?;
        let constraints =
            raw.constraints.iter().filter_map(|(name, numbers)| Some((name.clone(), set(numbers)?)));
        let of_indexes =
            raw.indexes.iter().filter_map(|index| Some((index.name.clone(), set(&index.columns)?)));
        let names_of = |set: &Vec<usize>| -> Vec<FieldName> {
            set.iter().filter_map(|place| fields.get(*place)).map(|field| field.name.clone()).collect()
        };
        let log = log(raw, declared, &key);
        let mut capabilities = self.capabilities(raw, &key, &columns, feeding, log);
        if capabilities.create {
            capabilities.unique_key = unique_key(raw, &key, &fields, &columns, &unique);
        }
        let entity = Entity {
            name: EntityName::from(name),
            label: raw.label.clone(),
            key: names_of(&key.columns),
            unique: unique.iter().filter(|set| set.len() > 1).map(names_of).collect(),
            fields,
            actions: Vec::new(),
        };
        Ok(Table {
            oid: raw.oid,
            name: format!("{}.{}", quoted(&raw.schema), quoted(&raw.name)),
            schema: quoted(&raw.schema),
            only: if raw.kind == "r" { "ONLY " } else { "" },
            entity,
            columns,
            key,
            feeding,
            version,
            modified,
            overlap_seconds: declared.overlap_seconds.unwrap_or(OVERLAP_SECONDS),
            constraints: constraints.chain(of_indexes).collect(),
            has_after: raw.has_rules || raw.triggers.iter().any(|trigger| trigger.comes_after()),
            log,
            capabilities,
        })
    }

    fn base(&self, column: &RawColumn) -> Option<Base<'_>> {
        let mut kind = self.types.get(&column.type_oid)?;
        let mut base = Base {
            kind,
            modifier: column.modifier,
            not_null: column.not_null,
            default: None,
            checks: Vec::new(),
        };
        for _ in 0..DOMAINS_MAX {
            if kind.kind != "d" {
                break;
            }
            base.not_null |= kind.not_null;
            base.default = base.default.or(kind.default.as_deref());
            base.checks.extend(kind.checks.iter().flat_map(|definition| checks(definition)));
            if base.modifier < 0 {
                base.modifier = kind.modifier;
            }
            kind = self.types.get(&kind.base)?;
        }
        base.kind = kind;
        Some(base)
    }

    fn column(
        &self,
        raw: &Raw,
        column: &RawColumn,
        base: &Base<'_>,
        table_checks: &[Check],
        is_table: bool,
    ) -> (Field, Column) {
        let (kind, mut field_kind) = kinds(base.kind, base.modifier);
        let labels = (base.kind.kind == "e").then(|| enum_options(&base.kind.labels));
        if let Some(options) = &labels {
            field_kind = FieldKind::Option { options: options.clone() };
        }
        let own = table_checks.iter().map(|check| (check, column.name.as_str()));
        let of_domain = base.checks.iter().map(|check| (check, DOMAIN_VALUE));
        for (check, name) in own.chain(of_domain) {
            apply(&mut field_kind, kind, check, name);
        }
        let reference = self.target(raw, column);
        if let Some(target) = &reference {
            field_kind = FieldKind::Reference { targets: vec![target.clone()] };
        }
        let default = column.default.as_deref().or(base.default);
        let mut field = Field::new(column.name.as_str(), field_kind);
        field.label.clone_from(&column.label);
        field.default = match (column.generated, &field.kind) {
            (true, _) | (_, FieldKind::Reference { .. }) => None,
            _ => default.and_then(|sql| default_value(kind, sql)),
        };
        let made = default.is_some() || !column.identity.is_empty() || column.generated;
        field.computed = column.generated || column.identity == "a";
        let may_write = column.may_insert || column.may_update;
        field.read_only = field.computed || !is_table || kind == Kind::Shown || !may_write;
        field.required = is_table && base.not_null && !made;
        let empty_is_nothing = field.default == Some(Value::text("")) && base.not_null && !field.read_only;
        let carried = Column {
            name: column.name.clone(),
            quoted: quoted(&column.name),
            kind,
            base: format!("{}.{}", quoted(&base.kind.schema), quoted(&base.kind.name)),
            second_digits: u32::try_from(base.modifier).map_or(6, |digits| digits.min(6)),
            reference,
            labels,
            empty_is_nothing,
            comparable: !matches!(kind, Kind::Shown | Kind::Json),
            is_readable: column.may_read,
        };
        (field, carried)
    }

    /// The entity that a foreign key of one column points at, where it points at that entity's key of one column.
    fn target(&self, raw: &Raw, column: &RawColumn) -> Option<EntityName> {
        let reference = raw.references.iter().find(|reference| reference.column == column.number)?;
        let there = self.raws.iter().find(|raw| raw.oid == reference.table)?;
        let key = there.indexes.iter().find(|index| index.is_key)?;
        let name = self.names.get(&there.oid)?;
        let shown = self.config.entities.as_ref().is_none_or(|shown| shown.contains(name));
        (shown && key.columns == [reference.column_there]).then(|| EntityName::from(name.as_str()))
    }

    fn key(
        &self,
        raw: &Raw,
        declared: &TableConfig,
        fields: &[Field],
        columns: &[Column],
        set: &impl Fn(&[i16]) -> Option<Vec<usize>>,
        is_table: bool,
    ) -> Result<Key> {
        let not_null = |numbers: &[i16]| {
            numbers
                .iter()
                .all(|number| raw.columns.iter().any(|column| column.number == *number && column.not_null))
        };
        let carried = |places: &Vec<usize>| {
            places.iter().filter_map(|place| columns.get(*place)).all(|column| {
                let kind = column.kind;
                column.is_readable && !matches!(kind, Kind::Float4 | Kind::Float8 | Kind::Json | Kind::Shown)
            })
        };
        // The key that the table declares, or else a unique index without nulls: the shortest, then the first by name.
        let indexes = raw.indexes.iter().filter(|_| is_table);
        let mut candidates: Vec<_> =
            indexes.filter(|index| index.is_key || not_null(&index.columns)).collect();
        candidates.sort_by_key(|index| (!index.is_key, index.columns.len()));
        let found =
            candidates.into_iter().find_map(|index| Some((index, set(&index.columns).filter(carried)?)));
        let (places, is_claimed) = match found {
            Some((_, places)) => (places, false),
            None => {
                let places = declared.key.iter().map(|name| column_named(raw, fields, name));
                (places.collect::<Result<Vec<_>>>()?, true)
            }
        };
        let numbers: Vec<i16> = places
            .iter()
            .filter_map(|place| columns.get(*place))
            .filter_map(|column| raw.columns.iter().find(|raw| raw.name == column.name))
            .map(|column| column.number)
            .collect();
        // Another unique index over the same columns may be in the order of bytes where the key's own is not.
        let bytewise = |place: usize, collation: u32| {
            columns.get(place).is_some_and(|column| column.kind != Kind::Text || self.is_bytewise(collation))
        };
        let by_bytes = raw.indexes.iter().any(|index| {
            index.columns == numbers
                && places.iter().zip(&index.collations).all(|(place, collation)| bytewise(*place, *collation))
        });
        let ordered = places.iter().filter_map(|place| columns.get(*place)).map(|column| {
            let own = raw.columns.iter().find(|raw| raw.name == column.name).map_or(0, |raw| raw.collation);
            match column.kind {
                Kind::Text if by_bytes && column.labels.is_none() && !self.is_bytewise(own) && own != 0 => {
                    format!("t.{} COLLATE \"C\"", column.quoted)
                }
                _ => format!("t.{}", column.quoted),
            }
        });
        Ok(Key { ordered: ordered.collect(), columns: places, is_claimed })
    }

    fn is_bytewise(&self, collation: u32) -> bool {
        BYTE_COLLATIONS.contains(&collation) || (collation == DEFAULT_COLLATION && self.server.byte_order)
    }

    /// Whether pages by this key come in the order of the ids' bytes.
    fn is_ordered(&self, raw: &Raw, key: &Key, columns: &[Column]) -> bool {
        key.columns.iter().zip(&key.ordered).all(|(place, sql)| {
            let Some(column) = columns.get(*place) else { return false };
            let collation =
                raw.columns.iter().find(|raw| raw.name == column.name).map_or(0, |raw| raw.collation);
            match column.kind {
                Kind::Int(_) | Kind::Uuid => true,
                Kind::Text if column.labels.is_none() && self.server.utf8 => {
                    // citext compares small letters, whatever its collation says.
                    let is_plain = column.base.ends_with("\"text\"") || column.base.ends_with("\"varchar\"");
                    is_plain && (sql.ends_with("COLLATE \"C\"") || self.is_bytewise(collation))
                }
                _ => false,
            }
        })
    }

    fn capabilities(
        &self,
        raw: &Raw,
        key: &Key,
        columns: &[Column],
        feeding: Option<Feeding>,
        log: Log,
    ) -> Capabilities {
        if key.columns.is_empty() {
            return Capabilities::default();
        }
        let is_table = matches!(raw.kind.as_str(), "r" | "p");
        let writes = !self.config.read_only && !self.server.in_recovery && is_table && !key.is_claimed;
        let may = |allowed: fn(&RawColumn) -> bool| raw.columns.iter().any(allowed);
        let (create, update) =
            (writes && may(|column| column.may_insert), writes && may(|column| column.may_update));
        // Rows are locked before they are deleted, which takes the privilege to update them.
        let delete = writes && raw.may_delete && may(|column| column.may_update);
        let any = create || update || delete;
        Capabilities {
            triggers: Vec::new(),
            conditional_update: update || delete,
            write_returns: if any { WriteReturns::Stored } else { WriteReturns::Nothing },
            // Depends on what the key holds: see where the table is put together.
            unique_key: UniqueKey::None,
            // A standby lags, and so does a materialised view.
            consistent_read: !self.server.in_recovery && raw.kind != "m",
            // A row that a policy hides could have been made anew under the id.
            tombstones: log == Log::There && feeding.is_some() && !raw.row_security,
            // Policies hide rows without a word.
            complete_enumeration: !raw.row_security,
            low_water: matches!(
                feeding,
                Some(Feeding::Transaction | Feeding::Stamped(_) | Feeding::Number(_))
            ),
            gone_not_hidden: is_table && !raw.row_security && !self.server.in_recovery,
            changes: feeding.is_some(),
            order: if self.is_ordered(raw, key, columns) && !key.is_claimed {
                Order::RecordId
            } else {
                Order::Unspecified
            },
            create,
            update,
            delete,
            idempotency_key: false,
            batch_max: NonZeroU32::new(BATCH_OPS_MAX).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The version, what changes are found by, the modified column.
    #[allow(clippy::type_complexity)]
    fn feeding(
        &self,
        raw: &Raw,
        declared: &TableConfig,
        fields: &mut [Field],
        columns: &[Column],
    ) -> Result<(Option<VersionBy>, Option<Feeding>, Option<usize>)> {
        let named =
            |name: &Option<String>| name.as_ref().map(|name| column_named(raw, fields, name)).transpose();
        let (version, modified) = (named(&declared.version)?, named(&declared.modified)?);
        let number =
            |place: usize| columns.get(place).is_some_and(|column| matches!(column.kind, Kind::Int(_)));
        if let Some(place) = version.filter(|place| !number(*place)) {
            return Err(Error::configuration("the version column does not hold whole numbers")
                .at("entity", &raw.name)
                .at("field", columns.get(place).map_or("", |column| &column.name)));
        }
        let stamps = |place: usize| {
            columns.get(place).is_some_and(|column| matches!(column.kind, Kind::Instant | Kind::Local))
        };
        if let Some(place) = modified.filter(|place| !stamps(*place)) {
            return Err(Error::configuration("the modified column does not hold dates with a time")
                .at("entity", &raw.name)
                .at("field", columns.get(place).map_or("", |column| &column.name)));
        }
        let is_plain = raw.kind == "r";
        let has_transaction = is_plain && raw.may_read_all;
        let proven = version
            .and_then(|place| columns.get(place))
            .map_or(Proven::Nothing, |column| proves(&raw.triggers, &column.name));
        if proven > Proven::Nothing
            && let Some(field) = version.and_then(|place| fields.get_mut(place))
        {
            (field.computed, field.read_only, field.required) = (true, true, false);
        }
        // The transaction of a row is kept by ordinary tables only; views and partitioned tables have none to ask for.
        let feeding = match (version, modified) {
            (Some(place), _) if is_plain && proven == Proven::Transaction => Some(Feeding::Stamped(place)),
            (Some(place), _) if declared.trusted => Some(Feeding::Number(place)),
            _ if has_transaction => Some(Feeding::Transaction),
            (_, Some(place)) => Some(Feeding::Modified(place)),
            _ => None,
        };
        let by_column = proven > Proven::Nothing || declared.trusted;
        let version = match version.filter(|_| by_column) {
            Some(place) => Some(VersionBy::Column(place)),
            None => has_transaction.then_some(VersionBy::Transaction),
        };
        Ok((version, feeding, modified))
    }
}

fn log(raw: &Raw, declared: &TableConfig, key: &Key) -> Log {
    match declared.tombstones {
        false => Log::NotWanted,
        true if raw.kind != "r" || key.is_claimed || !raw.indexes.iter().any(|index| index.is_key) => {
            Log::Impossible
        }
        true if raw.logs => Log::There,
        true => Log::Missing,
    }
}

fn unique_key(
    raw: &Raw,
    key: &Key,
    fields: &[Field],
    columns: &[Column],
    unique: &[Vec<usize>],
) -> UniqueKey {
    let names = |set: &Vec<usize>| -> Vec<FieldName> {
        set.iter().filter_map(|place| fields.get(*place)).map(|field| field.name.clone()).collect()
    };
    let takes_chosen = match key.columns[..] {
        [one] => columns.get(one).is_some_and(|column| {
            match (column.kind, fields.get(one).map(|field| &field.kind)) {
                (Kind::Uuid, Some(FieldKind::Text { .. })) => true,
                (Kind::Text, Some(FieldKind::Text { length_max })) => {
                    length_max.is_none_or(|length| length >= CHOSEN_ID_CHARACTERS)
                }
                _ => false,
            }
        }),
        _ => false,
    };
    let made_by_server = key.columns.iter().any(|place| {
        let name = columns.get(*place).map(|column| &column.name);
        raw.columns.iter().any(|column| {
            Some(&column.name) == name && (!column.identity.is_empty() || column.default.is_some())
        })
    });
    match (takes_chosen, unique.first()) {
        (true, _) => UniqueKey::ClientChosenId,
        (false, Some(set)) => UniqueKey::Fields(names(set)),
        (false, None) if !made_by_server => UniqueKey::Fields(names(&key.columns)),
        // The server numbers the rows, and nothing else tells two equal ones apart.
        (false, None) => UniqueKey::None,
    }
}

fn column_named(raw: &Raw, fields: &[Field], name: &str) -> Result<usize> {
    let may_read = raw.columns.iter().any(|column| column.name == name && column.may_read);
    fields.iter().position(|field| may_read && field.name.as_str() == name).ok_or_else(|| {
        Error::configuration("the configuration names a column that is not there or may not be read")
            .at("entity", &raw.name)
            .at("field", name)
    })
}
