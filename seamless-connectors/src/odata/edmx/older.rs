//! What only versions 2 and 3 say: associations behind navigation properties, and SAP's notes as attributes
//! (`sap:label`, `sap:creatable`). Both become what version 4 says.

use std::collections::BTreeMap;

use seamless_core::model::Result;

use super::annotations::{Annotations, Expression};
use super::place::Names;
use super::tree::{Constraint, Edmx, TypeRef};
use super::xml::Element;

struct Association<'a> {
    /// Types and multiplicities by role.
    ends: BTreeMap<&'a str, (String, &'a str)>,
    /// The dependent role, and its properties with those that they refer to.
    dependent: Option<(&'a str, Vec<Constraint>)>,
}

/// Gives navigation properties the types and constraints of their associations.
///
/// Errors: an association or its end lacks an attribute.
pub(super) fn associations(edmx: &mut Edmx, schemas: &[&Element], names: &Names) -> Result<()> {
    let mut known: BTreeMap<String, Association<'_>> = BTreeMap::new();
    for schema in schemas {
        let namespace = schema.needs("Namespace")?;
        for element in schema.children("Association") {
            known.insert(format!("{namespace}.{}", element.needs("Name")?), association(element, names)?);
        }
    }
    for schema in schemas {
        let namespace = schema.needs("Namespace")?;
        for element in schema.children("EntityType") {
            let full = format!("{namespace}.{}", element.needs("Name")?);
            for child in element.children("NavigationProperty") {
                let (Some(relation), Some(role)) =
                    (child.attribute("Relationship"), child.attribute("ToRole"))
                else {
                    continue;
                };
                let Some(association) = known.get(&names.full(relation)) else { continue };
                let Some((kind, multiplicity)) = association.ends.get(role) else { continue };
                let name = child.needs("Name")?;
                let of = edmx.entity_types.get_mut(&full);
                let found = of.and_then(|of| of.navigation.iter_mut().find(|found| found.name == name));
                let Some(found) = found else { continue };
                found.kind = TypeRef { name: kind.clone(), is_collection: *multiplicity == "*" };
                found.nullable = *multiplicity != "1";
                if let Some((dependent, constraints)) = &association.dependent
                    && child.attribute("FromRole") == Some(dependent)
                {
                    found.constraints = constraints.clone();
                }
            }
        }
    }
    Ok(())
}

fn association<'a>(element: &'a Element, names: &Names) -> Result<Association<'a>> {
    let mut ends = BTreeMap::new();
    for end in element.children("End") {
        let role = end.attribute("Role").unwrap_or_default();
        ends.insert(role, (names.full(end.needs("Type")?), end.attribute("Multiplicity").unwrap_or("0..1")));
    }
    let constraint = element.children("ReferentialConstraint").next();
    let dependent = constraint.and_then(|constraint| {
        let side = |name| constraint.children.iter().find(|child: &&Element| child.name == name);
        let properties =
            |side: &'a Element| side.children("PropertyRef").filter_map(|of| of.attribute("Name"));
        let (principal, dependent) = (side("Principal")?, side("Dependent")?);
        let pairs = properties(dependent).zip(properties(principal)).map(|(property, referenced)| {
            Constraint { property: property.to_owned(), referenced: referenced.to_owned() }
        });
        Some((dependent.attribute("Role")?, pairs.collect()))
    });
    Ok(Association { ends, dependent })
}

/// What SAP's older services say by attributes.
pub(super) fn attributes(element: &Element, found: &mut Annotations) {
    let is = |name: &str, value: &str| element.attribute(name) == Some(value);
    if let Some(label) = element.attribute("label") {
        found.add("com.sap.vocabularies.Common.v1.Label".to_owned(), Expression::Text(label.to_owned()));
    }
    let mut denied = |term: &str, part: &str| {
        let parts = BTreeMap::from([(part.to_owned(), Expression::Bool(false))]);
        let record = Expression::Record { parts, annotations: Annotations::default() };
        found.add(format!("Org.OData.Capabilities.V1.{term}"), record);
    };
    match element.name.as_str() {
        "EntitySet" => {
            if is("creatable", "false") {
                denied("InsertRestrictions", "Insertable");
            }
            if is("updatable", "false") {
                denied("UpdateRestrictions", "Updatable");
            }
            if is("deletable", "false") {
                denied("DeleteRestrictions", "Deletable");
            }
        }
        "Property" => match (is("creatable", "false"), is("updatable", "false")) {
            (true, true) => found.add("Org.OData.Core.V1.Computed".to_owned(), Expression::Bool(true)),
            (false, true) => found.add("Org.OData.Core.V1.Immutable".to_owned(), Expression::Bool(true)),
            _ => {}
        },
        _ => {}
    }
}
