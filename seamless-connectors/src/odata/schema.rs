//! The tree of a metadata document -> entity sets with their fields, and what each can do. Pure. The door is [`sets`].
//!
//! A property whose value has parts or is a collection, and a stream, is left out: it can be neither read nor written here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use seamless_core::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use seamless_core::model::{
    Entity, EntityAction, EntityName, Error, Field, FieldKind, FieldName, OptionItem, OptionSet, Result,
    Value,
};

use super::config::{Changes, ODataConfig, Paging, SetConfig};
use super::edmx::{Annotations, Edmx, EntitySet, EnumType, OperationKind, Property, Scale};
use super::literal::encoded;
use super::set::{Bound, Children, Column, Feeding, Learnt, Set, Wire};
use super::values::of_default;

const CORE: &str = "Org.OData.Core.V1";
const CAPABILITIES: &str = "Org.OData.Capabilities.V1";
const COMMON: &str = "com.sap.vocabularies.Common.v1";
/// How far a reading of changes goes back where nothing is said.
const WINDOW_MS: u64 = 10_000;
/// Types that a type definition leads through at most.
const DEFINITIONS_MAX: usize = 16;

/// The sets that are shown, by name.
///
/// Errors: the configuration names a set or a field that is not there.
pub(super) fn sets(edmx: &Edmx, config: &ODataConfig) -> Result<BTreeMap<EntityName, Set>> {
    let named = config.entities.iter().flatten().chain(config.sets.keys());
    for name in named {
        if !edmx.entity_sets.iter().any(|set| set.name == *name) {
            return Err(Error::configuration(format!("there is no entity set {name:?}"))
                .with_remedy("correct the name in `entities` or `sets`"));
        }
    }
    let shown = |set: &EntitySet| {
        config.entities.as_ref().is_none_or(|shown| shown.contains(&set.name))
            && !edmx.key(&set.entity_type).is_empty()
    };
    let reader = Reader { edmx, config, shown: edmx.entity_sets.iter().filter(|set| shown(set)).collect() };
    let mut found = BTreeMap::new();
    for set in &reader.shown {
        if let Some(made) = reader.set(set)? {
            found.insert(made.name.clone(), made);
        }
    }
    Ok(found)
}

/// What a document says of an entity set, as an entity of ours: for tools that look at metadata without a service.
/// `None` where the set has no key that can be read.
///
/// Errors: there is no set of this name.
pub fn entity(edmx: &Edmx, set: &str) -> Result<Option<Entity>> {
    let config = ODataConfig::new("https://localhost/");
    let reader = Reader { edmx, config: &config, shown: edmx.entity_sets.iter().collect() };
    let found = edmx.entity_sets.iter().find(|known| known.name == set);
    let found = found.ok_or_else(|| Error::configuration(format!("there is no entity set {set:?}")))?;
    Ok(reader.set(found)?.map(|set| set.entity))
}

struct Reader<'a> {
    edmx: &'a Edmx,
    config: &'a ODataConfig,
    shown: Vec<&'a EntitySet>,
}

impl Reader<'_> {
    fn set(&self, set: &EntitySet) -> Result<Option<Set>> {
        let config = self.config.of(&set.name);
        let key_names = self.edmx.key(&set.entity_type);
        let mut columns = Vec::new();
        for property in self.edmx.properties(&set.entity_type) {
            if let Some(column) = self.column(set, property, &config) {
                columns.push(column);
            }
        }
        for name in config.children.iter().flatten() {
            columns.push(self.list(set, name)?);
        }
        let find = |name: &str| columns.iter().position(|column: &Column| column.field.name.as_str() == name);
        let key: Option<Vec<usize>> = key_names.iter().map(|name| find(name)).collect();
        let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(None) };
        let field_named = |name: &String, setting: &str| {
            find(name).ok_or_else(|| {
                Error::configuration(format!("there is no field {name:?}"))
                    .at("entity", &set.name)
                    .at("setting", setting)
            })
        };
        for name in config.plain.iter().chain(&config.read_only_fields).flatten() {
            field_named(name, "plain, read_only_fields")?;
        }
        let modified = match &config.modified {
            // A default is for the sets that have the field.
            Some(name) => match self.config.sets.get(&set.name).and_then(|own| own.modified.as_ref()) {
                Some(_) => Some(field_named(name, "modified")?),
                None => find(name),
            },
            None => None,
        };
        let actions = self.actions(set);
        let paging = config.paging.unwrap_or_else(|| self.paging(set, &columns, &key));
        let feeding = match (config.changes.unwrap_or(Changes::None), modified) {
            (Changes::Delta, _) => Feeding::Delta,
            (Changes::Modified, Some(column)) => {
                Feeding::Modified { column, window_ms: config.modified_window_ms.unwrap_or(WINDOW_MS) }
            }
            (Changes::Modified, None)
                if self.config.sets.get(&set.name).is_some_and(|own| own.changes.is_some()) =>
            {
                return Err(Error::configuration(
                    "changes are read by `modified`, and no such field is named",
                )
                .at("entity", &set.name)
                .with_remedy(
                    "name the field that says when a record was last changed: modified: modifiedAt",
                ));
            }
            (Changes::None | Changes::Modified, _) => Feeding::None,
        };
        let etag =
            config.etag.unwrap_or_else(|| set.annotations.has(&format!("{CORE}.OptimisticConcurrency")));
        let unique = self.unique(set, &columns);
        let entity = Entity {
            name: set.name.as_str().into(),
            label: label(&set.annotations).or_else(|| {
                self.edmx.entity_types.get(&set.entity_type).and_then(|of| label(&of.annotations))
            }),
            fields: columns.iter().map(|column| column.field.clone()).collect(),
            key: key.iter().filter_map(|place| columns.get(*place)).map(|of| of.field.name.clone()).collect(),
            unique,
            actions: actions.iter().map(|action| EntityAction::named(action.name.as_str())).collect(),
        };
        let capabilities = self.capabilities(set, &config, &columns, &key, &entity, paging, &feeding, etag);
        let prefix = self.config.path.as_deref().unwrap_or_default();
        let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Ok(Some(Set {
            name: entity.name.clone(),
            path: format!("{prefix}{slash}{}", encoded(&set.name)),
            entity,
            columns,
            key,
            by_key: paging == Paging::Key && feeding != Feeding::Delta,
            feeding,
            modified,
            etag,
            numbers_as_text: config.numbers_as_text.unwrap_or(true),
            actions,
            capabilities,
            learnt: Arc::new(Learnt::default()),
        }))
    }

    fn paging(&self, set: &EntitySet, columns: &[Column], key: &[usize]) -> Paging {
        let compared = key.iter().filter_map(|place| columns.get(*place)).all(|column| {
            matches!(column.wire, Wire::Int(..) | Wire::Text | Wire::Guid | Wire::Date | Wire::Instant(_))
        });
        let denied = set.annotations.denies(&format!("{CAPABILITIES}.FilterRestrictions"), "Filterable")
            || set.annotations.denies(&format!("{CAPABILITIES}.SortRestrictions"), "Sortable");
        if compared && !denied { Paging::Key } else { Paging::Server }
    }

    #[allow(clippy::too_many_arguments)]
    fn capabilities(
        &self,
        set: &EntitySet,
        config: &SetConfig,
        columns: &[Column],
        key: &[usize],
        entity: &Entity,
        paging: Paging,
        feeding: &Feeding,
        etag: bool,
    ) -> Capabilities {
        let denied = |term: &str, part: &str| {
            self.config.read_only || set.annotations.denies(&format!("{CAPABILITIES}.{term}"), part)
        };
        let chosen = match key {
            [place] => columns.get(*place).is_some_and(|column| {
                let room = match column.field.kind {
                    FieldKind::Text { length_max } => length_max.is_none_or(|max| max >= 36),
                    _ => false,
                };
                !column.field.read_only && room
            }),
            _ => false,
        };
        let told = key.iter().filter_map(|place| columns.get(*place)).all(|column| !column.field.read_only);
        let unique_key = match (config.client_ids.unwrap_or(true), chosen, entity.unique.first()) {
            (true, true, _) => UniqueKey::ClientChosenId,
            (_, _, Some(fields)) => UniqueKey::Fields(fields.clone()),
            (true, false, None) if told => UniqueKey::Fields(entity.key.clone()),
            _ => UniqueKey::None,
        };
        Capabilities {
            triggers: Vec::new(),
            conditional_update: etag,
            write_returns: match config.returns.unwrap_or(true) {
                true => WriteReturns::Stored,
                false => WriteReturns::Nothing,
            },
            unique_key,
            consistent_read: config.consistent_read.unwrap_or(false),
            tombstones: *feeding == Feeding::Delta,
            complete_enumeration: paging != Paging::Server || *feeding == Feeding::Delta,
            low_water: false,
            gone_not_hidden: config.proves_absence.unwrap_or(false),
            changes: *feeding != Feeding::None,
            order: Order::Unspecified,
            create: !denied("InsertRestrictions", "Insertable"),
            update: !denied("UpdateRestrictions", "Updatable"),
            delete: !denied("DeleteRestrictions", "Deletable"),
            idempotency_key: false,
            batch_max: NonZeroU32::new(self.config.batch_operations_max).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// A property as a column; `None` where it is left out.
    fn column(&self, set: &EntitySet, property: &Property, config: &SetConfig) -> Option<Column> {
        if property.kind.is_collection {
            return None;
        }
        let (property, kind) = self.resolved(property)?;
        let is_key = self.edmx.key(&set.entity_type).contains(&property.name);
        let (wire, mut field_kind) = self.kind(&property, &kind)?;
        if let Some(options) = allowed(&property.annotations, &wire) {
            field_kind = FieldKind::Option { options };
        }
        let plain = config.plain.iter().flatten().any(|name| *name == property.name);
        let reference = (!is_key && !plain).then(|| self.reference(set, &property.name)).flatten();
        let mut bind = None;
        if let Some((navigation, target)) = reference {
            field_kind = FieldKind::Reference { targets: vec![target.as_str().into()] };
            bind = config.binds.unwrap_or(false).then_some((navigation, target));
        }
        let notes = &property.annotations;
        let core = |term: &str| notes.has(&format!("{CORE}.{term}"));
        let control = notes.text(&format!("{COMMON}.FieldControl")).unwrap_or_default();
        let permissions = match notes.get(&format!("{CORE}.Permissions")) {
            Some(said) => said.as_text(),
            None => None,
        };
        let computed = core("Computed");
        let denied = permissions.is_some_and(|said| matches!(said, "Read" | "None"));
        let read_only = computed
            || denied
            || control == "ReadOnly"
            || config.read_only_fields.iter().flatten().any(|name| *name == property.name);
        let generated = is_key && (computed || core("ComputedDefaultValue"));
        let default = property.default.as_deref().and_then(|text| of_default(&wire, text));
        let required = (!property.nullable || control == "Mandatory") && !generated && !read_only;
        let mut field = Field::new(property.name.as_str(), field_kind);
        field.label = label(notes);
        field.required = required;
        field.read_only = read_only;
        field.computed = computed;
        field.default = default;
        Some(Column { field, wire, bind, immutable: core("Immutable") && !computed })
    }

    /// A navigation property as a list of the records of its set.
    fn list(&self, set: &EntitySet, name: &str) -> Result<Column> {
        let wrong = |what: &str| {
            Error::configuration(format!("{name:?}, a list of children, {what}"))
                .at("entity", &set.name)
                .at("setting", "children")
        };
        let navigation = self.edmx.navigation(&set.entity_type).find(|known| known.name == *name);
        let navigation = navigation.ok_or_else(|| wrong("is no navigation property"))?;
        if !navigation.kind.is_collection {
            return Err(wrong("leads to one record only"));
        }
        let bound = set.bindings.iter().find(|binding| binding.path == *name);
        let target = self.shown.iter().find(|set| match bound {
            Some(binding) => set.name == binding.target,
            None => set.entity_type == navigation.kind.name,
        });
        let target = target.ok_or_else(|| wrong("leads to no entity set that is shown"))?;
        let config = self.config.of(&target.name);
        let properties = self.edmx.properties(&target.entity_type);
        let columns: Vec<Column> =
            properties.filter_map(|property| self.column(target, property, &config)).collect();
        let back = navigation.partner.as_ref().and_then(|partner| {
            self.edmx.navigation(&target.entity_type).find(|known| known.name == *partner)
        });
        let implied = back.map(|back| back.constraints.as_slice()).unwrap_or_default();
        let is_implied = |column: &Column| {
            implied.iter().any(|constraint| constraint.property == column.field.name.as_str())
        };
        let children = Children {
            names: columns.iter().map(|column| column.field.name.clone()).collect(),
            implied: columns.iter().enumerate().filter(|(_, of)| is_implied(of)).map(|(at, _)| at).collect(),
            columns,
        };
        let kind = FieldKind::List { entity: target.name.as_str().into() };
        let mut field = Field::new(name, kind);
        field.label = label(&navigation.annotations);
        Ok(Column { field, wire: Wire::List(Arc::new(children)), bind: None, immutable: false })
    }

    /// A property with the type that its type definition stands for.
    fn resolved(&self, property: &Property) -> Option<(Property, String)> {
        let mut found = property.clone();
        for _ in 0..DEFINITIONS_MAX {
            let Some(definition) = self.edmx.type_definitions.get(&found.kind.name) else {
                let kind = found.kind.name.clone();
                return Some((found, kind));
            };
            found.kind = definition.kind.clone();
            found.length_max = found.length_max.or(definition.length_max);
            found.precision = found.precision.or(definition.precision);
            if found.scale == Scale::Unsaid {
                found.scale = definition.scale;
            }
        }
        None
    }

    fn kind(&self, property: &Property, kind: &str) -> Option<(Wire, FieldKind)> {
        let text = |length_max| FieldKind::Text { length_max };
        let int = |min: i64, max: i64| (Wire::Int(min, max), FieldKind::Int);
        Some(match kind.strip_prefix("Edm.") {
            Some("String") => (Wire::Text, text(property.length_max)),
            Some("Boolean") => (Wire::Bool, FieldKind::Bool),
            Some("Byte") => int(0, 255),
            Some("SByte") => int(-128, 127),
            Some("Int16") => int(i64::from(i16::MIN), i64::from(i16::MAX)),
            Some("Int32") => int(i64::from(i32::MIN), i64::from(i32::MAX)),
            Some("Int64") => int(i64::MIN, i64::MAX),
            Some("Decimal") => {
                let scale = match (property.scale, property.precision) {
                    (Scale::Digits(digits), _) => Some(digits),
                    // Nothing said is none, by the standard; of a decimal without a precision nobody means it.
                    (Scale::Unsaid, Some(_)) if self.edmx.is_v4() => Some(0),
                    _ => None,
                };
                (Wire::Decimal, FieldKind::Decimal { precision: property.precision, scale })
            }
            Some("Double" | "Single") => (Wire::Float, FieldKind::Float),
            Some("Guid") => (Wire::Guid, text(Some(36))),
            Some("Date") => (Wire::Date, FieldKind::Date),
            Some("TimeOfDay" | "Time") => (Wire::Time, FieldKind::Time),
            Some("DateTimeOffset") => (Wire::Instant(property.precision), FieldKind::Instant),
            Some("Binary") => (Wire::Bytes, FieldKind::Bytes { length_max: property.length_max }),
            Some("Duration") => (Wire::Text, text(None)),
            Some(_) => return None,
            None => {
                let of = self.edmx.enums.get(kind)?;
                let options = members(of);
                match of.is_flags {
                    true => (Wire::Flags(kind.to_owned()), FieldKind::Set { options }),
                    false => (Wire::Enum(kind.to_owned()), FieldKind::Option { options }),
                }
            }
        })
    }

    /// The navigation property and the set that a property refers to by the key of its records.
    fn reference(&self, set: &EntitySet, property: &str) -> Option<(String, String)> {
        self.edmx.navigation(&set.entity_type).find_map(|navigation| {
            let [constraint] = navigation.constraints.as_slice() else { return None };
            if constraint.property != property || navigation.kind.is_collection {
                return None;
            }
            let [key] = self.edmx.key(&navigation.kind.name) else { return None };
            if *key != constraint.referenced {
                return None;
            }
            let bound = set.bindings.iter().find(|binding| binding.path == navigation.name);
            let target = match bound {
                Some(binding) => self.shown.iter().find(|set| set.name == binding.target),
                None => {
                    let mut of_type = self.shown.iter().filter(|set| set.entity_type == navigation.kind.name);
                    let first = of_type.next();
                    first.filter(|_| of_type.next().is_none())
                }
            };
            target.map(|target| (navigation.name.clone(), target.name.clone()))
        })
    }

    /// Sets of properties that are said to be unique.
    fn unique(&self, set: &EntitySet, columns: &[Column]) -> Vec<Vec<FieldName>> {
        let of = self.edmx.entity_types.get(&set.entity_type).map(|of| &of.annotations);
        let terms = [format!("{CORE}.AlternateKeys"), "OData.Community.Keys.V1.AlternateKeys".to_owned()];
        let said =
            terms.iter().filter_map(|term| of.and_then(|of| of.get(term)).or(set.annotations.get(term)));
        let mut found = Vec::new();
        for key in said.flat_map(|said| said.items()) {
            let parts = key.part("Key").map(|parts| parts.items()).unwrap_or_default();
            let names: Option<Vec<FieldName>> = parts
                .iter()
                .map(|part| {
                    let name = part.part("Name")?.as_text()?;
                    let known = columns.iter().find(|column| column.field.name.as_str() == name)?;
                    Some(known.field.name.clone())
                })
                .collect();
            found.extend(names.filter(|names| !names.is_empty()));
        }
        found
    }

    /// Actions that are called on one record and need nothing else.
    fn actions(&self, set: &EntitySet) -> Vec<Bound> {
        let lineage: Vec<String> = {
            let mut names = vec![set.entity_type.clone()];
            let mut next = self.edmx.entity_types.get(&set.entity_type).and_then(|of| of.base.clone());
            while let Some(base) = next {
                next = self.edmx.entity_types.get(&base).and_then(|of| of.base.clone());
                names.push(base);
            }
            names
        };
        let mut found: Vec<Bound> = Vec::new();
        for operation in &self.edmx.operations {
            let Some((binding, rest)) = operation.parameters.split_first() else { continue };
            let fits = operation.kind == OperationKind::Action
                && operation.is_bound
                && !binding.kind.is_collection
                && lineage.contains(&binding.kind.name)
                && rest.iter().all(|parameter| parameter.nullable);
            let name = operation.name.rsplit_once('.').map_or(operation.name.as_str(), |(_, name)| name);
            if fits && !found.iter().any(|known| known.name == name) {
                let returns = operation.returns.as_ref();
                found.push(Bound {
                    name: name.to_owned(),
                    qualified: operation.name.clone(),
                    returns_record: returns
                        .is_some_and(|returns| !returns.is_collection && lineage.contains(&returns.name)),
                });
            }
        }
        found
    }
}

fn label(notes: &Annotations) -> Option<String> {
    let said = notes.text(&format!("{COMMON}.Label")).or(notes.text(&format!("{CORE}.Description")));
    said.map(str::to_owned)
}

fn members(of: &EnumType) -> OptionSet {
    let option = |member: &super::edmx::EnumMember| OptionItem {
        value: Value::text(&member.name),
        label: label(&member.annotations),
        active: true,
    };
    OptionSet { options: of.members.iter().map(option).collect(), closed: true }
}

/// The options of a property by its allowed values; `None` where there are none, or they are no whole numbers or texts.
fn allowed(notes: &Annotations, wire: &Wire) -> Option<OptionSet> {
    let items = notes.get("Org.OData.Validation.V1.AllowedValues")?.items();
    let mut options = Vec::new();
    for item in items {
        let text = item.part("Value")?.as_text()?;
        let value = match wire {
            Wire::Int(..) => Value::Int(text.parse().ok()?),
            Wire::Text => Value::text(text),
            _ => return None,
        };
        let name = match item {
            super::edmx::Expression::Record { annotations, .. } => label(annotations)
                .or_else(|| annotations.text(&format!("{CORE}.SymbolicName")).map(str::to_owned)),
            _ => None,
        };
        options.push(OptionItem { value, label: name, active: true });
    }
    (!options.is_empty()).then_some(OptionSet { options, closed: true })
}
