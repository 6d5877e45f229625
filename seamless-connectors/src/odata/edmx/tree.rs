//! What a metadata document says, as data. Knows no XML. Types are named by namespace and name: `crm.Account`.

use std::collections::BTreeMap;

use super::annotations::Annotations;

/// A metadata document.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Edmx {
    /// The version of the protocol: `4.0`, `4.01`; `2.0` or `3.0` of the older ones.
    pub version: String,
    /// Entity types by qualified name.
    pub entity_types: BTreeMap<String, EntityType>,
    /// Complex types by qualified name.
    pub complex_types: BTreeMap<String, ComplexType>,
    /// Enumerations by qualified name.
    pub enums: BTreeMap<String, EnumType>,
    /// What a name of its own stands for: its type, with facets.
    pub type_definitions: BTreeMap<String, Property>,
    /// Actions and functions. One name can stand for several, bound to different types.
    pub operations: Vec<Operation>,
    /// Entity sets, in the document's order.
    pub entity_sets: Vec<EntitySet>,
    /// Singletons, in the document's order.
    pub singletons: Vec<Singleton>,
    /// Actions and functions that are called at the root.
    pub imports: Vec<Import>,
    /// Targets of annotations that the document does not have.
    pub unplaced: Vec<String>,
}

impl Edmx {
    /// Whether it is version 4.
    pub fn is_v4(&self) -> bool {
        self.version.starts_with('4')
    }

    /// An entity type and its base types, the most basic first. They are no circle: [`super::parse`] refuses one.
    pub fn lineage<'a>(&'a self, name: &str) -> Vec<&'a EntityType> {
        let mut found: Vec<&EntityType> = Vec::new();
        let mut next = self.entity_types.get(name);
        while let Some(of) = next {
            found.push(of);
            next = of.base.as_ref().and_then(|base| self.entity_types.get(base));
            if found.len() > self.entity_types.len() {
                break;
            }
        }
        found.reverse();
        found
    }

    /// The key of an entity type, or of the base type that declares it.
    pub fn key(&self, name: &str) -> &[String] {
        self.lineage(name).iter().map(|of| of.key.as_slice()).find(|key| !key.is_empty()).unwrap_or_default()
    }

    /// The properties of an entity type and its base types.
    pub fn properties<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Property> {
        self.lineage(name).into_iter().flat_map(|of| &of.properties)
    }

    /// The navigation properties of an entity type and its base types.
    pub fn navigation<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Navigation> {
        self.lineage(name).into_iter().flat_map(|of| &of.navigation)
    }

    /// Properties of all entity and complex types.
    pub fn property_count(&self) -> usize {
        let entities = self.entity_types.values().map(|of| of.properties.len());
        entities.chain(self.complex_types.values().map(|of| of.properties.len())).sum()
    }
}

/// An entity type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EntityType {
    /// Its name without its namespace.
    pub name: String,
    /// Its base type, qualified.
    pub base: Option<String>,
    /// Whether only types that are made of it have entities.
    pub is_abstract: bool,
    /// Whether an entity can have properties that are not declared.
    pub is_open: bool,
    /// Whether an entity is a stream of bytes with properties.
    pub has_stream: bool,
    /// Names of the properties of its key; paths for those inside complex ones. Empty where a base type declares it.
    pub key: Vec<String>,
    /// Its own properties, in order.
    pub properties: Vec<Property>,
    /// Its own navigation properties, in order.
    pub navigation: Vec<Navigation>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// A complex type: values with parts and without a key.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ComplexType {
    /// Its name without its namespace.
    pub name: String,
    /// Its base type, qualified.
    pub base: Option<String>,
    /// Its own properties, in order.
    pub properties: Vec<Property>,
    /// Its own navigation properties, in order.
    pub navigation: Vec<Navigation>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// A type as it is referred to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeRef {
    /// Its name, qualified: `Edm.String`, `crm.Account`.
    pub name: String,
    /// Whether there are many of it.
    pub is_collection: bool,
}

/// Digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// The document does not say.
    #[default]
    Unsaid,
    /// So many at most.
    Digits(u32),
    /// As many as the precision allows (`variable`), or a decimal floating point number (`floating`).
    Variable,
}

/// A property.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: TypeRef,
    /// Whether it can be null.
    pub nullable: bool,
    /// Characters or bytes at most; `None`: `max`, or not said.
    pub length_max: Option<u32>,
    /// Significant digits of a decimal, or digits of a second.
    pub precision: Option<u32>,
    /// Digits of a decimal after the point.
    pub scale: Scale,
    /// What it holds when a new entity says nothing.
    pub default: Option<String>,
    /// Whether it is part of the entity's version (`ConcurrencyMode="Fixed"` of the older versions).
    pub is_version: bool,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// Two properties that hold the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Constraint {
    /// The property here.
    pub property: String,
    /// The property there.
    pub referenced: String,
}

/// A navigation property: from an entity to others.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Navigation {
    /// Its name.
    pub name: String,
    /// The type at the other end.
    pub kind: TypeRef,
    /// Whether there can be nothing at the other end.
    pub nullable: bool,
    /// The way back, where there is one.
    pub partner: Option<String>,
    /// Whether what is at the other end is part of this entity.
    pub contains: bool,
    /// What happens to the other end when this entity is deleted: `Cascade`, `None`, `SetNull`, `SetDefault`.
    pub on_delete: Option<String>,
    /// Which properties hold the key of the other end.
    pub constraints: Vec<Constraint>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// An enumeration.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EnumType {
    /// Its name without its namespace.
    pub name: String,
    /// What its members are numbers of: `Edm.Int32` where nothing else is said.
    pub underlying: String,
    /// Whether a value is several members together.
    pub is_flags: bool,
    /// Its members, in order.
    pub members: Vec<EnumMember>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// A member of an enumeration.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EnumMember {
    /// Its name.
    pub name: String,
    /// Its number.
    pub value: i64,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// Whether an operation changes something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OperationKind {
    /// It can.
    #[default]
    Action,
    /// It does not.
    Function,
}

/// An action or a function.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Operation {
    /// Its name, qualified.
    pub name: String,
    /// Which of the two.
    pub kind: OperationKind,
    /// Whether its first parameter is what it is called on.
    pub is_bound: bool,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What comes back.
    pub returns: Option<TypeRef>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// A parameter of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: TypeRef,
    /// Whether it can be null.
    pub nullable: bool,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// Where a navigation property of a set leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// The navigation property, a path.
    pub path: String,
    /// The entity set.
    pub target: String,
}

/// An entity set.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EntitySet {
    /// Its name.
    pub name: String,
    /// The type of its entities, qualified.
    pub entity_type: String,
    /// Where its navigation properties lead.
    pub bindings: Vec<Binding>,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// A single entity at the root.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Singleton {
    /// Its name.
    pub name: String,
    /// Its type, qualified.
    pub entity_type: String,
    /// What is noted of it.
    pub annotations: Annotations,
}

/// An operation at the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Import {
    /// The name that it is called by.
    pub name: String,
    /// The operation, qualified; of the older versions its own name.
    pub operation: String,
    /// Which kind.
    pub kind: OperationKind,
}
