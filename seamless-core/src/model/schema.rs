//! Schemas: the entities, fields, option sets and keys of a system, as discovered live or kept as a snapshot.
//!
//! A schema says what there is. What a system can *do* is its connector's to say
//! ([`Capabilities`](crate::connector::Capabilities)).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::identity::{ActionName, EntityName, FieldName};
use super::value::Value;

/// The entities of a system, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    /// The entities.
    pub entities: BTreeMap<EntityName, Entity>,
}

impl Schema {
    /// An entity by name.
    pub fn entity(&self, name: &str) -> Option<&Entity> {
        self.entities.get(name)
    }
}

/// One entity: a table, a resource, a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    /// Its name in the system.
    pub name: EntityName,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its fields, in the system's order.
    pub fields: Vec<Field>,
    /// Its native key, most significant field first. Empty where the system does not say.
    #[serde(default)]
    pub key: Vec<FieldName>,
    /// Other sets of fields whose values are unique together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<FieldName>>,
    /// The system's own verbs for its records (release, reopen, post), in the system's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<EntityAction>,
}

impl Entity {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.as_str() == name)
    }

    /// An action by name.
    pub fn action(&self, name: &str) -> Option<&EntityAction> {
        self.actions.iter().find(|action| action.name.as_str() == name)
    }
}

/// A verb of a system for records of an entity. What it moves is said as far as the system tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityAction {
    /// Its name in the system.
    pub name: ActionName,
    /// The field that says the state which it moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<FieldName>,
    /// The states that it can be done in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Value>,
    /// The state that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl EntityAction {
    /// An action of which only the name is known.
    pub fn named(name: impl Into<ActionName>) -> Self {
        Self { name: name.into(), field: None, from: Vec::new(), to: None }
    }
}

/// One field of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name in the system.
    pub name: FieldName,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it holds.
    #[serde(flatten)]
    pub kind: FieldKind,
    /// Whether a record must have a value here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether the system refuses to be told a value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether the system works the value out itself; it may change without the record's version changing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub computed: bool,
    /// Whether no two records may have the same value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// What the system puts here on create when it is told nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Field {
    /// A field of a kind: not required, writable, not unique, without a default.
    pub fn new(name: impl Into<FieldName>, kind: FieldKind) -> Self {
        Self {
            name: name.into(),
            label: None,
            kind,
            required: false,
            read_only: false,
            computed: false,
            unique: false,
            default: None,
        }
    }
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldKind {
    /// Yes or no.
    Bool,
    /// A whole number.
    Int,
    /// An exact decimal.
    Decimal {
        /// Significant digits at most; `None`: unbounded or unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        precision: Option<u32>,
        /// Digits after the point at most; `None`: unbounded or unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scale: Option<u32>,
    },
    /// A binary floating point number.
    Float,
    /// Text.
    Text {
        /// Characters (Unicode scalar values) at most; `None`: unbounded or unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length_max: Option<u32>,
    },
    /// A day of the calendar.
    Date,
    /// A time of day.
    Time,
    /// A wall clock without a zone.
    LocalDateTime,
    /// A moment.
    Instant,
    /// Bytes.
    Bytes {
        /// Bytes at most; `None`: unbounded or unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        length_max: Option<u32>,
    },
    /// A reference to a record of one of these entities.
    Reference {
        /// What it can point at.
        targets: Vec<EntityName>,
    },
    /// One value of an option set.
    Option {
        /// The values there are.
        options: OptionSet,
    },
    /// Several values of an option set.
    Set {
        /// The values there are.
        options: OptionSet,
    },
    /// Child records.
    List {
        /// The entity of the children.
        entity: EntityName,
    },
}

/// In a few words: `text(160)`, `reference to contact`.
impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldKind::Bool => f.write_str("yes/no"),
            FieldKind::Int => f.write_str("int"),
            FieldKind::Decimal { precision: Some(precision), scale: Some(scale) } => {
                write!(f, "decimal({precision}, {scale})")
            }
            FieldKind::Decimal { .. } => f.write_str("decimal"),
            FieldKind::Float => f.write_str("float"),
            FieldKind::Text { length_max: Some(length) } => write!(f, "text({length})"),
            FieldKind::Text { length_max: None } => f.write_str("text"),
            FieldKind::Date => f.write_str("date"),
            FieldKind::Time => f.write_str("time"),
            FieldKind::LocalDateTime => f.write_str("local date and time"),
            FieldKind::Instant => f.write_str("instant"),
            FieldKind::Bytes { .. } => f.write_str("bytes"),
            FieldKind::Reference { targets } => {
                let targets: Vec<&str> = targets.iter().map(EntityName::as_str).collect();
                write!(f, "reference to {}", targets.join(" or "))
            }
            FieldKind::Option { .. } => f.write_str("option"),
            FieldKind::Set { .. } => f.write_str("set"),
            FieldKind::List { entity } => write!(f, "list of {entity}"),
        }
    }
}

/// The values that a field can take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OptionSet {
    /// The values, in the system's order.
    pub options: Vec<OptionItem>,
    /// Whether the system refuses other values.
    #[serde(default)]
    pub closed: bool,
}

impl OptionSet {
    /// Whether a value is one of the set, active or not.
    pub fn contains(&self, value: &Value) -> bool {
        self.options.iter().any(|option| option.value == *value)
    }
}

/// One value of an option set. Mapped by value, never by label: labels are translated and reworded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionItem {
    /// What is stored: a whole number or text.
    pub value: Value,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it can be chosen anew. Old records may still hold one that cannot.
    pub active: bool,
}
