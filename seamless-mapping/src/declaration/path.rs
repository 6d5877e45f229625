//! A path as declared: a name for a value that stands in another record.

use std::fmt;

use seamless_core::model::{EntityName, FieldName};

/// A value that is read through references, as its author declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathDecl {
    /// What rules and conditions call it.
    pub name: FieldName,
    /// The field whose lines it is read from; `None`: the record itself.
    pub list: Option<FieldName>,
    /// The references, the first of the record itself, each with the entity that it points at; not said: the one that the
    /// schema says.
    pub steps: Vec<(FieldName, Option<EntityName>)>,
    /// The field of the last record.
    pub field: FieldName,
}

impl fmt::Display for PathDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (field, entity) in &self.steps {
            match entity {
                Some(entity) => write!(f, "{field} -> {entity}, ")?,
                None => write!(f, "{field}, ")?,
            }
        }
        self.field.fmt(f)
    }
}
