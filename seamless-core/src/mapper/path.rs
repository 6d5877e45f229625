//! Paths: values that stand in other records and are read through references, as if they were fields of the record that
//! refers. Knows no systems: who reads along a path completes records with it. The door is [`Path`].

use std::fmt;

use serde::Serialize;

use super::link::LinkSpec;
use super::rule::Rule;
use crate::model::{EntityName, Error, FieldName, Result, Side};

/// Steps of a path at most: each is a question to the system for every page that is read.
pub const PATH_STEPS_MAX: usize = 4;

/// A value that is read through references, one after the other.
///
/// What it gives: the value of the last field; null where a reference on the way is blank, since then nothing is there; and
/// unreadable where a record on the way is gone, not shown or of another entity, or where it does not say. Nothing is ever
/// written to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Path {
    /// What rules and conditions call it: a field that the system itself does not have.
    pub name: FieldName,
    /// The field whose lines it is read from; `None`: the record itself.
    pub list: Option<FieldName>,
    /// The references, the first of the record itself. One at least, [`PATH_STEPS_MAX`] at most.
    pub steps: Vec<Step>,
    /// The field of the last record.
    pub field: FieldName,
}

/// One reference of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Step {
    /// The field that refers.
    pub field: FieldName,
    /// The entity of the record that it refers to.
    pub entity: EntityName,
}

impl Path {
    /// The field of the record, or of its lines, that the path begins with.
    pub fn begins(&self) -> Option<&FieldName> {
        self.steps.first().map(|step| &step.field)
    }

    /// The field that is read of the record that a step leads to.
    pub fn read_after(&self, step: usize) -> Option<&FieldName> {
        if step >= self.steps.len() {
            return None;
        }
        Some(self.steps.get(step + 1).map_or(&self.field, |next| &next.field))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| write!(f, "{} -> {}, ", step.field, step.entity))?;
        self.field.fmt(f)
    }
}

/// Checks the paths of a side against the link that uses them.
///
/// Errors (configuration): a path without steps or with too many, one that something writes to.
pub(crate) fn check(spec: &LinkSpec, rules: &[Rule], side: Side, paths: &[Path]) -> Result<()> {
    for path in paths {
        let refused = |message: String, remedy: &str| {
            Err(Error::configuration(message)
                .at("link", &spec.id)
                .at("field", &path.name)
                .with_remedy(remedy))
        };
        if path.steps.is_empty() || path.steps.len() > PATH_STEPS_MAX {
            let message = format!("a path has {} steps", path.steps.len());
            return refused(message, &format!("it has one at least and {PATH_STEPS_MAX} at most"));
        }
        if path.list.is_some() {
            continue;
        }
        let writes = |rule: &Rule| rule.direction.allows(side) && rule.fields.of(side).contains(&path.name);
        if let Some(rule) = rules.iter().find(|rule| writes(rule)) {
            let message = format!("the rule {} writes to what is read through references", rule.id);
            return refused(message, "let it go the other way only");
        }
        if spec.set_by_policies(side).any(|(field, _)| *field == path.name) {
            let message = "a policy sets what is read through references".to_owned();
            return refused(message, "set a field of the record");
        }
    }
    Ok(())
}
