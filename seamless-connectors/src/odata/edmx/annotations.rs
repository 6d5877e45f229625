//! Annotations: what a document notes of a type, a property or a set, by the term's full name
//! (`Org.OData.Core.V1.Computed`). Only constants are read; a path or a call is kept as what it is and not worked out.

use std::collections::BTreeMap;

use seamless_core::model::Result;

use super::place::Names;
use super::xml::Element;

/// What an annotation says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Expression {
    /// Yes or no.
    Bool(bool),
    /// A number, a text, a date: as it is written.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// Members of an enumeration, without the name of their type.
    Members(Vec<String>),
    /// Where a value stands.
    Path(String),
    /// Several.
    Collection(Vec<Expression>),
    /// Parts by name; what is noted of the record itself stands beside them.
    Record {
        /// The parts.
        parts: BTreeMap<String, Expression>,
        /// What is noted of the record.
        annotations: Annotations,
    },
    /// Something that is worked out by the service.
    Other,
}

impl Expression {
    /// A number, text or member, as it is written.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Expression::Text(text) | Expression::Number(text) | Expression::Path(text) => Some(text),
            Expression::Members(members) => members.first().map(String::as_str),
            _ => None,
        }
    }

    /// A part of a record.
    pub fn part(&self, name: &str) -> Option<&Expression> {
        match self {
            Expression::Record { parts, .. } => parts.get(name),
            _ => None,
        }
    }

    /// The members of a collection; of anything else nothing.
    pub fn items(&self) -> &[Expression] {
        match self {
            Expression::Collection(items) => items,
            _ => &[],
        }
    }
}

/// What is noted of one thing, by the term's full name, `#` and its qualifier where it has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations(BTreeMap<String, Expression>);

impl Annotations {
    /// What a term says.
    pub fn get(&self, term: &str) -> Option<&Expression> {
        self.0.get(term)
    }

    /// Whether a term is noted and does not say no.
    pub fn has(&self, term: &str) -> bool {
        self.0.get(term).is_some_and(|said| *said != Expression::Bool(false))
    }

    /// The text of a term.
    pub fn text(&self, term: &str) -> Option<&str> {
        self.0.get(term).and_then(Expression::as_text)
    }

    /// Whether a term, a record, says no to one of its parts: `Insertable` of `InsertRestrictions`.
    pub fn denies(&self, term: &str, part: &str) -> bool {
        let said = self.0.get(term).and_then(|said| said.part(part).or(Some(said)));
        said == Some(&Expression::Bool(false))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The terms, sorted.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Adds one by its full name. What stood inline is not replaced.
    pub(super) fn add(&mut self, term: String, said: Expression) {
        self.0.entry(term).or_insert(said);
    }

    pub(super) fn add_all(&mut self, others: Annotations) {
        others.0.into_iter().for_each(|(term, said)| self.add(term, said));
    }
}

/// The annotations that stand inside an element.
pub(super) fn inside(element: &Element, names: &Names) -> Result<Annotations> {
    let mut found = Annotations::default();
    for child in element.children("Annotation") {
        let term = names.full(child.needs("Term")?);
        let qualifier = child.attribute("Qualifier").or(element.attribute("Qualifier"));
        let term = match qualifier {
            Some(qualifier) => format!("{term}#{qualifier}"),
            None => term,
        };
        found.add(term, expression(child, names)?);
    }
    Ok(found)
}

/// What an element says, by an attribute or by what stands in it. An annotation that says nothing says yes.
fn expression(element: &Element, names: &Names) -> Result<Expression> {
    for (name, value) in &element.attributes {
        let said = match name.as_str() {
            "Bool" => Expression::Bool(value == "true" || value == "1"),
            "String" | "Date" | "DateTimeOffset" | "Duration" | "Guid" | "TimeOfDay" | "Binary" => {
                Expression::Text(value.clone())
            }
            "Int" | "Decimal" | "Float" => Expression::Number(value.clone()),
            "EnumMember" => members(value),
            "Path" | "PropertyPath" | "NavigationPropertyPath" | "AnnotationPath" | "ModelElementPath" => {
                Expression::Path(value.clone())
            }
            _ => continue,
        };
        return Ok(said);
    }
    let inner = element.children.iter().find(|child| child.name != "Annotation");
    match inner {
        None => Ok(Expression::Bool(true)),
        Some(child) => nested(child, names),
    }
}

fn nested(element: &Element, names: &Names) -> Result<Expression> {
    let text = || element.text.trim().to_owned();
    Ok(match element.name.as_str() {
        "Collection" => {
            let items = element.children.iter().map(|child| nested(child, names));
            Expression::Collection(items.collect::<Result<_>>()?)
        }
        "Record" => {
            let mut parts = BTreeMap::new();
            for part in element.children("PropertyValue") {
                parts.insert(part.needs("Property")?.to_owned(), expression(part, names)?);
            }
            Expression::Record { parts, annotations: inside(element, names)? }
        }
        "Bool" => Expression::Bool(text() == "true"),
        "String" | "Date" | "DateTimeOffset" | "Duration" | "Guid" | "TimeOfDay" | "Binary" => {
            Expression::Text(element.text.clone())
        }
        "Int" | "Decimal" | "Float" => Expression::Number(text()),
        "EnumMember" => members(&text()),
        "Path" | "PropertyPath" | "NavigationPropertyPath" | "AnnotationPath" | "ModelElementPath" => {
            Expression::Path(text())
        }
        _ => Expression::Other,
    })
}

/// `ns.Type/A ns.Type/B`
fn members(text: &str) -> Expression {
    let names = text.split_whitespace().map(|name| name.rsplit_once('/').map_or(name, |(_, name)| name));
    Expression::Members(names.map(str::to_owned).collect())
}
