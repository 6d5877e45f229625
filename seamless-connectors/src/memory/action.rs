//! Actions of a system in memory: its own verbs, as a host registers them by name. Pure: a function over the record as it is.

use seamless_core::connector::{Refusal, RefusalKind};
use seamless_core::model::{
    ActionName, EntityAction, Error, ErrorKind, FieldName, Record, RecordBuilder, Result, Shape, Value,
};

use super::table::refuse;

/// What an action makes of a record: the fields that it sets, whether clients may write them or not; or, in words, why it is
/// refused.
pub type Deed = fn(&Record) -> std::result::Result<Vec<(FieldName, Value)>, String>;

/// An action of an entity.
#[derive(Clone, Debug)]
pub struct ActionConfig {
    /// What the schema says of it.
    pub declared: EntityAction,
    /// What it does; `None`: it moves the field from one of the states to the other, as declared.
    pub does: Option<Deed>,
}

/// What the action of this name makes of a record: the fields to set.
pub(super) fn values_of(
    actions: &[ActionConfig],
    name: &ActionName,
    record: &Record,
) -> std::result::Result<Record, Refusal> {
    let Some(action) = actions.iter().find(|action| action.declared.name == *name) else {
        let error = Error::new(ErrorKind::Unsupported, format!("there is no action {name}"));
        return Err(refuse(RefusalKind::Forbidden, error));
    };
    let invalid = |problem: String| {
        let field = action.declared.field.clone();
        refuse(RefusalKind::Invalid { field }, Error::data(problem))
    };
    let values = match action.does {
        Some(does) => does(record).map_err(invalid)?,
        None => moved(&action.declared, record).map_err(invalid)?,
    };
    set(values).map_err(|error| refuse(RefusalKind::Invalid { field: None }, error))
}

fn set(values: Vec<(FieldName, Value)>) -> Result<Record> {
    let shape = Shape::new(values.iter().map(|(field, _)| field.clone()))?;
    let mut record = RecordBuilder::new(&shape);
    values.iter().for_each(|(_, value)| record.push_value(value.as_ref()));
    Ok(record.finish())
}

fn moved(declared: &EntityAction, record: &Record) -> std::result::Result<Vec<(FieldName, Value)>, String> {
    let EntityAction { name, field: Some(field), from, to: Some(to) } = declared else {
        return Err(format!("{} does nothing", declared.name));
    };
    let held = record.field(field.as_str()).value().map(|held| held.to_value());
    match held {
        Some(held) if from.contains(&held) => Ok(vec![(field.clone(), to.clone())]),
        Some(held) => Err(format!("{name} is not possible: {field} is {held}")),
        None => Err(format!("{name} is not possible: {field} is not said")),
    }
}
