//! Published lists of entities, brought into a [`Schema`].
//!
//! The words for types are those of AL tables and of the Common Data Model. Knows no files.

use std::collections::BTreeMap;

use seamless_core::model::{
    Entity, EntityName, Error, Field, FieldKind, FieldName, OptionItem, OptionSet, Schema, Value,
};
use serde::Deserialize;

/// The system whose web services send options by their names, and not by the numbers that its tables hold.
const NAMES_OPTIONS: &str = "business_central";

/// Characters of a GUID as it is written.
const GUID_CHARACTERS: u32 = 36;

/// Characters of a formula of dates as it is written.
const DATE_FORMULA_CHARACTERS: u32 = 32;

/// An entity as it is published.
#[derive(Debug, Deserialize)]
pub(super) struct PublishedEntity {
    entity: String,
    #[serde(default)]
    system: Option<String>,
    #[serde(default, alias = "proxy_table")]
    cdm_entity: Option<String>,
    #[serde(default)]
    primary_key: Vec<String>,
    fields: Vec<PublishedField>,
}

#[derive(Debug, Deserialize)]
struct PublishedField {
    name: String,
    #[serde(default, alias = "proxy_name")]
    cdm_name: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    max_length: Option<u32>,
    #[serde(default)]
    precision: Option<u32>,
    #[serde(default)]
    scale: Option<u32>,
    #[serde(default)]
    required: Option<bool>,
    #[serde(default)]
    required_level: Option<String>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    key: Option<bool>,
    #[serde(default)]
    field_class: Option<String>,
    #[serde(default)]
    obsolete_state: Option<String>,
    #[serde(default)]
    external_type: Option<String>,
    #[serde(default)]
    options: Vec<PublishedOption>,
    #[serde(default, rename = "enum")]
    of_enum: Option<PublishedEnum>,
    #[serde(default)]
    reference_to: Option<PublishedTargets>,
    #[serde(default)]
    init_value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PublishedOption {
    value: i64,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    name: Option<String>,
    /// Whether the system says the option by its name.
    #[serde(skip)]
    by_name: bool,
}

impl PublishedOption {
    /// What the system holds where the option is chosen.
    fn held(&self) -> Value {
        match &self.name {
            Some(name) if self.by_name => Value::text(name),
            _ => Value::Int(self.value),
        }
    }
}

#[derive(Debug, Deserialize)]
struct PublishedEnum {
    #[serde(default)]
    extensible: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PublishedTargets {
    /// Entities by the names that their publisher gives them.
    Entities(Vec<String>),
    /// A table relation: `"CRM Contact".ContactId`, with conditions in between.
    Relation(String),
}

/// Brings published entities into a schema.
///
/// Errors: an entity or field without a name, two entities of one name, a type that is not known.
pub(super) fn schema(file: &str, published: Vec<PublishedEntity>) -> Result<Schema, Error> {
    let names: BTreeMap<String, EntityName> = published
        .iter()
        .filter_map(|entity| Some((entity.cdm_entity.clone()?, entity.entity.as_str().into())))
        .collect();
    let mut schema = Schema::default();
    for published in published {
        let name = EntityName::from(published.entity.as_str());
        let wrong = |message: String| Error::configuration(message).at("file", file);
        if published.entity.trim().is_empty() {
            return Err(wrong("an entity has no name".to_owned()));
        }
        let entity =
            entity(published, &names).map_err(|error| error.at("file", file).at("entity", name.as_str()))?;
        if schema.entities.insert(name.clone(), entity).is_some() {
            return Err(wrong(format!("the entity {name} stands there twice")));
        }
    }
    Ok(schema)
}

fn entity(published: PublishedEntity, names: &BTreeMap<String, EntityName>) -> Result<Entity, Error> {
    let PublishedEntity { entity, system, cdm_entity, primary_key, mut fields } = published;
    for option in fields.iter_mut().flat_map(|field| &mut field.options) {
        option.by_name = system.as_deref() == Some(NAMES_OPTIONS);
    }
    let is_key = |field: &PublishedField| {
        let by_name = |key: &String| *key == field.name || Some(key) == field.cdm_name.as_ref();
        primary_key.iter().any(by_name) || (primary_key.is_empty() && field.key == Some(true))
    };
    let place = |field: &&PublishedField| {
        let by_name = |key: &String| *key == field.name || Some(key) == field.cdm_name.as_ref();
        primary_key.iter().position(by_name)
    };
    let mut keys: Vec<&PublishedField> = fields.iter().filter(|field| is_key(field)).collect();
    keys.sort_by_key(place);
    let key = keys.iter().map(|field| FieldName::from(field.name.as_str())).collect();
    let made = fields.iter().filter(|field| holds_a_value(field)).map(|published| {
        field(published, is_key(published), names).map_err(|error| error.at("field", &published.name))
    });
    let fields = made.collect::<Result<Vec<Field>, Error>>()?;
    Ok(Entity {
        name: entity.into(),
        label: cdm_entity,
        fields,
        key,
        unique: Vec::new(),
        actions: Vec::new(),
    })
}

/// Filters are questions, not values; what was removed is not there.
fn holds_a_value(field: &PublishedField) -> bool {
    field.field_class.as_deref() != Some("FlowFilter") && field.obsolete_state.as_deref() != Some("Removed")
}

fn field(
    published: &PublishedField,
    is_key: bool,
    names: &BTreeMap<String, EntityName>,
) -> Result<Field, Error> {
    if published.name.trim().is_empty() {
        return Err(Error::configuration("a field has no name"));
    }
    let kind = kind(published, names)?;
    let computed = published.field_class.as_deref() == Some("FlowField");
    // What the system itself insists on it also fills: ids, owners, stamps.
    let required = match published.required_level.as_deref() {
        Some(level) => level == "required",
        None => published.required == Some(true) && !(is_key && published.kind == "guid"),
    };
    let mut field = Field::new(published.name.as_str(), kind);
    field.label = published.label.clone().filter(|label| !label.trim().is_empty());
    field.required = required;
    field.read_only = published.read_only == Some(true);
    field.computed = computed;
    field.default = published.init_value.as_deref().and_then(|text| default(text, published, &field.kind));
    Ok(field)
}

fn kind(published: &PublishedField, names: &BTreeMap<String, EntityName>) -> Result<FieldKind, Error> {
    let text = |length_max: Option<u32>| FieldKind::Text { length_max };
    Ok(match published.kind.as_str() {
        "guid" | "lookup" | "entityId" => match targets(published, names) {
            targets if !targets.is_empty() => FieldKind::Reference { targets },
            _ => text(Some(GUID_CHARACTERS)),
        },
        "option" | "listLookup" | "listLookupCorrelated" => FieldKind::Option { options: options(published) },
        "bool" | "boolean" => FieldKind::Bool,
        "int32" | "int64" | "integer" | "bigInteger" | "cdsVersionNumber" | "timezone" => FieldKind::Int,
        "decimal" | "currency" | "baseCurrency" => {
            FieldKind::Decimal { precision: published.precision, scale: published.scale }
        }
        "double" | "latitude" | "longitude" => FieldKind::Float,
        "date" => FieldKind::Date,
        "time" => FieldKind::Time,
        "datetime" | "dateTime" => FieldKind::Instant,
        "blob" if published.external_type.as_deref() == Some("Memo") => text(published.max_length),
        "blob" | "media" | "mediaset" => FieldKind::Bytes { length_max: None },
        "dateformula" => text(published.max_length.or(Some(DATE_FORMULA_CHARACTERS))),
        "string" | "string(code)" | "name" | "addressLine" | "phone" | "email" | "city"
        | "stateOrProvince" | "country" | "county" | "postalCode" | "url" | "firstName" | "middleName"
        | "lastName" | "fullName" | "tickerSymbol" | "governmentId" => text(published.max_length),
        other => {
            let message = format!("the type `{other}` is not known");
            return Err(Error::configuration(message).with_remedy(
                "write one of string, int32, int64, decimal, double, bool, option, date, time, datetime, guid, blob",
            ));
        }
    })
}

fn options(published: &PublishedField) -> OptionSet {
    let items = published.options.iter().filter(|option| !is_nothing(option)).map(|option| OptionItem {
        value: option.held(),
        label: option.label.clone().or_else(|| option.name.clone()).filter(|label| !label.trim().is_empty()),
        active: true,
    });
    let options: Vec<OptionItem> = items.collect();
    // Extensions add values to an extensible enum: what is published is not all that there can be.
    let closed = !options.is_empty() && !published.of_enum.as_ref().is_some_and(|of| of.extensible);
    OptionSet { options, closed }
}

/// Tables that stand for another system's write its null as an option of their own; by name, a blank one is nothing.
fn is_nothing(option: &PublishedOption) -> bool {
    if option.by_name && option.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return true;
    }
    option.value < 0 && option.label.as_deref().unwrap_or("").trim().is_empty()
}

fn targets(published: &PublishedField, names: &BTreeMap<String, EntityName>) -> Vec<EntityName> {
    let named = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_lowercase().into());
    match &published.reference_to {
        Some(PublishedTargets::Entities(entities)) => entities.iter().map(|name| named(name)).collect(),
        // A quoted table is pointed at where a field follows: `"CRM Contact".ContactId`.
        Some(PublishedTargets::Relation(relation)) => {
            let pieces: Vec<&str> = relation.split('"').collect();
            let quoted = pieces.iter().zip(pieces.iter().skip(1)).skip(1).step_by(2);
            quoted.filter(|(_, next)| next.starts_with('.')).map(|(table, _)| named(table)).collect()
        }
        None => Vec::new(),
    }
}

fn default(text: &str, published: &PublishedField, kind: &FieldKind) -> Option<Value> {
    let bare = text.trim_matches(|c| c == '"' || c == '\'');
    match kind {
        FieldKind::Option { options } => {
            let named = published.options.iter().find(|option| option.name.as_deref() == Some(bare))?;
            let value = named.held();
            options.contains(&value).then_some(value)
        }
        FieldKind::Bool => bare.parse().ok().map(Value::Bool),
        FieldKind::Int => bare.parse().ok().map(Value::Int),
        FieldKind::Decimal { .. } => bare.parse().ok().map(Value::Decimal),
        FieldKind::Text { .. } if !bare.is_empty() => Some(Value::text(bare)),
        _ => None,
    }
}
