//! Elements -> the tree. The door is [`parse`].

use std::collections::BTreeMap;

use seamless_core::model::Result;

use super::annotations::{Annotations, inside};
use super::older;
use super::place::{Names, place};
use super::tree::{
    Binding, ComplexType, Constraint, Edmx, EntitySet, EntityType, EnumMember, EnumType, Import, Navigation,
    Operation, OperationKind, Parameter, Property, Scale, Singleton, TypeRef,
};
use super::xml::{self, Element, wrong};

/// Reads a metadata document.
///
/// Errors ([`ErrorKind::Data`](seamless_core::ErrorKind::Data), [`ErrorKind::Limit`](seamless_core::ErrorKind::Limit)):
/// it is no XML or cut off; no metadata document; an attribute is missing or cannot be read; a name stands for two types; types are
/// their own base types; a base type or the type of a set is not there. Each names a line. What it does not know is passed over.
pub fn parse(document: &str) -> Result<Edmx> {
    let root = xml::read(document)?;
    if root.name != "Edmx" {
        return Err(wrong(
            root.line,
            format!("the root is {:?} and not Edmx: is this $metadata?", root.name),
        ));
    }
    let services: Vec<&Element> = root.children("DataServices").collect();
    let schemas: Vec<&Element> = services.iter().flat_map(|services| services.children("Schema")).collect();
    let mut edmx = Edmx { version: version(&root, &services), ..Edmx::default() };
    let mut names = Names::default();
    for include in root.children("Reference").flat_map(|reference| reference.children("Include")) {
        if let Some(alias) = include.attribute("Alias") {
            names.add(alias, include.needs("Namespace")?);
        }
    }
    for schema in &schemas {
        let namespace = schema.needs("Namespace")?;
        if let Some(alias) = schema.attribute("Alias") {
            names.add(alias, namespace);
        }
        for using in schema.children("Using") {
            if let (Some(alias), Some(of)) = (using.attribute("Alias"), using.attribute("Namespace")) {
                names.add(alias, of);
            }
        }
    }
    let mut lines = BTreeMap::new();
    for schema in &schemas {
        read_schema(&mut edmx, schema, &names, &mut lines)?;
    }
    if !edmx.is_v4() {
        older::associations(&mut edmx, &schemas, &names)?;
    }
    for schema in &schemas {
        for outer in schema.children("Annotations") {
            let target = names.full_target(outer.needs("Target")?);
            if !place(&mut edmx, &target, inside(outer, &names)?) {
                edmx.unplaced.push(target);
            }
        }
    }
    check(&edmx, &lines)?;
    Ok(edmx)
}

/// The version of the protocol. Older documents call the envelope 1.0 and say theirs beside it.
fn version(root: &Element, services: &[&Element]) -> String {
    let envelope = root.attribute("Version").unwrap_or("4.0");
    if envelope.starts_with('4') {
        return envelope.to_owned();
    }
    let said = services.iter().find_map(|services| {
        services.attribute("MaxDataServiceVersion").or(services.attribute("DataServiceVersion"))
    });
    said.unwrap_or("2.0").to_owned()
}

fn read_schema(
    edmx: &mut Edmx,
    schema: &Element,
    names: &Names,
    lines: &mut BTreeMap<String, usize>,
) -> Result<()> {
    let namespace = schema.needs("Namespace")?;
    for child in &schema.children {
        let mut named = || -> Result<(String, String)> {
            let name = child.needs("Name")?;
            let full = format!("{namespace}.{name}");
            if let Some(line) = lines.insert(full.clone(), child.line) {
                return Err(wrong(child.line, format!("{full} is a type of line {line} already")));
            }
            Ok((name.to_owned(), full))
        };
        match child.name.as_str() {
            "EntityType" => {
                let (name, full) = named()?;
                edmx.entity_types.insert(full, entity_type(child, name, names)?);
            }
            "ComplexType" => {
                let (name, full) = named()?;
                edmx.complex_types.insert(full, complex_type(child, name, names)?);
            }
            "EnumType" => {
                let (name, full) = named()?;
                edmx.enums.insert(full, enum_type(child, name, names)?);
            }
            "TypeDefinition" => {
                let (_, full) = named()?;
                edmx.type_definitions.insert(full, property(child, child.needs("UnderlyingType")?, names)?);
            }
            "Action" | "Function" => edmx.operations.push(operation(child, namespace, names)?),
            "EntityContainer" => container(edmx, child, names)?,
            _ => {}
        }
    }
    Ok(())
}

fn entity_type(element: &Element, name: String, names: &Names) -> Result<EntityType> {
    let mut key = Vec::new();
    for part in element.children("Key").flat_map(|key| key.children("PropertyRef")) {
        key.push(part.needs("Name")?.to_owned());
    }
    Ok(EntityType {
        name,
        base: element.attribute("BaseType").map(|base| names.full(base)),
        is_abstract: flag(element, "Abstract", false)?,
        is_open: flag(element, "OpenType", false)?,
        has_stream: flag(element, "HasStream", false)?,
        key,
        properties: properties(element, names)?,
        navigation: navigation(element, names)?,
        annotations: noted(element, names)?,
    })
}

fn complex_type(element: &Element, name: String, names: &Names) -> Result<ComplexType> {
    Ok(ComplexType {
        name,
        base: element.attribute("BaseType").map(|base| names.full(base)),
        properties: properties(element, names)?,
        navigation: navigation(element, names)?,
        annotations: noted(element, names)?,
    })
}

fn properties(element: &Element, names: &Names) -> Result<Vec<Property>> {
    element.children("Property").map(|child| property(child, child.needs("Type")?, names)).collect()
}

fn property(element: &Element, kind: &str, names: &Names) -> Result<Property> {
    let scale = match element.attribute("Scale") {
        None => Scale::Unsaid,
        Some(said) if said.eq_ignore_ascii_case("variable") || said.eq_ignore_ascii_case("floating") => {
            Scale::Variable
        }
        Some(_) => number(element, "Scale")?.map_or(Scale::Unsaid, Scale::Digits),
    };
    let length_max = match element.attribute("MaxLength") {
        Some(said) if said.eq_ignore_ascii_case("max") => None,
        _ => number(element, "MaxLength")?,
    };
    Ok(Property {
        name: element.needs("Name")?.to_owned(),
        kind: names.kind(kind),
        nullable: flag(element, "Nullable", true)?,
        length_max,
        precision: number(element, "Precision")?,
        scale,
        default: element.attribute("DefaultValue").map(str::to_owned),
        is_version: element.attribute("ConcurrencyMode") == Some("Fixed"),
        annotations: noted(element, names)?,
    })
}

fn navigation(element: &Element, names: &Names) -> Result<Vec<Navigation>> {
    let mut found = Vec::new();
    for child in element.children("NavigationProperty") {
        let mut constraints = Vec::new();
        for constraint in child.children("ReferentialConstraint") {
            constraints.push(Constraint {
                property: constraint.needs("Property")?.to_owned(),
                referenced: constraint.needs("ReferencedProperty")?.to_owned(),
            });
        }
        let on_delete = child.children("OnDelete").next().and_then(|on| on.attribute("Action"));
        found.push(Navigation {
            name: child.needs("Name")?.to_owned(),
            // The older versions say it by an association.
            kind: child.attribute("Type").map_or_else(TypeRef::default, |kind| names.kind(kind)),
            nullable: flag(child, "Nullable", true)?,
            partner: child.attribute("Partner").map(str::to_owned),
            contains: flag(child, "ContainsTarget", false)?,
            on_delete: on_delete.map(str::to_owned),
            constraints,
            annotations: noted(child, names)?,
        });
    }
    Ok(found)
}

fn enum_type(element: &Element, name: String, names: &Names) -> Result<EnumType> {
    let is_flags = flag(element, "IsFlags", false)?;
    let mut members: Vec<EnumMember> = Vec::new();
    for child in element.children("Member") {
        let counted = i64::try_from(members.len()).unwrap_or(i64::MAX);
        let value = match child.attribute("Value") {
            Some(text) => text.trim().parse().map_err(|_| {
                wrong(child.line, format!("{text:?} is no number of a member of an enumeration"))
            })?,
            None if is_flags => {
                return Err(wrong(child.line, "a member of an enumeration of flags has no value"));
            }
            None => counted,
        };
        members.push(EnumMember {
            name: child.needs("Name")?.to_owned(),
            value,
            annotations: noted(child, names)?,
        });
    }
    Ok(EnumType {
        name,
        underlying: element.attribute("UnderlyingType").unwrap_or("Edm.Int32").to_owned(),
        is_flags,
        members,
        annotations: noted(element, names)?,
    })
}

fn operation(element: &Element, namespace: &str, names: &Names) -> Result<Operation> {
    let mut parameters = Vec::new();
    for child in element.children("Parameter") {
        parameters.push(Parameter {
            name: child.needs("Name")?.to_owned(),
            kind: names.kind(child.needs("Type")?),
            nullable: flag(child, "Nullable", true)?,
            annotations: noted(child, names)?,
        });
    }
    let returns = element.children("ReturnType").next().and_then(|returns| returns.attribute("Type"));
    let kind = if element.name == "Action" { OperationKind::Action } else { OperationKind::Function };
    Ok(Operation {
        name: format!("{namespace}.{}", element.needs("Name")?),
        kind,
        is_bound: flag(element, "IsBound", false)?,
        parameters,
        returns: returns.map(|kind| names.kind(kind)),
        annotations: noted(element, names)?,
    })
}

fn container(edmx: &mut Edmx, element: &Element, names: &Names) -> Result<()> {
    for child in &element.children {
        match child.name.as_str() {
            "EntitySet" => {
                let mut bindings = Vec::new();
                for binding in child.children("NavigationPropertyBinding") {
                    let target = binding.needs("Target")?;
                    bindings.push(Binding {
                        path: binding.needs("Path")?.to_owned(),
                        target: target.rsplit_once('/').map_or(target, |(_, target)| target).to_owned(),
                    });
                }
                let kind = child.attribute("EntityType").or(child.attribute("Type"));
                let kind = kind.ok_or_else(|| wrong(child.line, "an entity set without a type"))?;
                edmx.entity_sets.push(EntitySet {
                    name: child.needs("Name")?.to_owned(),
                    entity_type: names.full(kind),
                    bindings,
                    annotations: noted(child, names)?,
                });
            }
            "Singleton" => edmx.singletons.push(Singleton {
                name: child.needs("Name")?.to_owned(),
                entity_type: names.full(child.needs("Type")?),
                annotations: noted(child, names)?,
            }),
            "ActionImport" | "FunctionImport" => {
                let name = child.needs("Name")?;
                let is_action = child.name == "ActionImport"
                    || child.attribute("HttpMethod").is_some_and(|method| method != "GET");
                let operation = child.attribute("Action").or(child.attribute("Function")).unwrap_or(name);
                edmx.imports.push(Import {
                    name: name.to_owned(),
                    operation: names.full(operation),
                    kind: if is_action { OperationKind::Action } else { OperationKind::Function },
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Annotations of an element: those inside it, and what SAP's older services say by attributes.
fn noted(element: &Element, names: &Names) -> Result<Annotations> {
    let mut found = inside(element, names)?;
    older::attributes(element, &mut found);
    Ok(found)
}

pub(super) fn flag(element: &Element, name: &str, otherwise: bool) -> Result<bool> {
    match element.attribute(name) {
        None => Ok(otherwise),
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => Err(wrong(element.line, format!("{name} is {other:?}, neither true nor false"))),
    }
}

fn number(element: &Element, name: &str) -> Result<Option<u32>> {
    match element.attribute(name) {
        None => Ok(None),
        Some(text) => match text.trim().parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(wrong(element.line, format!("{name} is {text:?}, which is no number"))),
        },
    }
}

/// Types that others are made of are there and are no circle; sets have a type that is there.
fn check(edmx: &Edmx, lines: &BTreeMap<String, usize>) -> Result<()> {
    let line = |name: &str| lines.get(name).copied().unwrap_or(1);
    let entities = edmx.entity_types.iter().map(|(name, of)| (name, of.base.as_ref()));
    let bases: BTreeMap<&String, Option<&String>> =
        entities.chain(edmx.complex_types.iter().map(|(name, of)| (name, of.base.as_ref()))).collect();
    for name in bases.keys() {
        let (mut steps, mut next) = (0, bases.get(name).copied().flatten());
        while let Some(base) = next {
            steps += 1;
            let Some(of) = bases.get(base) else {
                return Err(wrong(line(name), format!("{name} is made of {base}, which is not there")));
            };
            if steps > bases.len() {
                return Err(wrong(line(name), format!("{name} is its own base type")));
            }
            next = *of;
        }
    }
    for set in &edmx.entity_sets {
        if !edmx.entity_types.contains_key(&set.entity_type) {
            let what = format!("the entity set {} is of {}, which is not there", set.name, set.entity_type);
            return Err(wrong(1, what));
        }
    }
    Ok(())
}

impl Names {
    /// The target of annotations with the namespace in place of an alias: `self.Account/name`.
    fn full_target(&self, target: &str) -> String {
        match target.split_once('/') {
            Some((first, rest)) => format!("{}/{rest}", self.full(first)),
            None => self.full(target),
        }
    }
}
