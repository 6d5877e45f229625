//! Actions: the verbs of a system that move a record from state to state, as a mapping names them.

use serde::{Deserialize, Serialize};

use crate::model::{ActionName, FieldName, Value};

/// What moves the states of a side's records. A field that is named here is never written by an update there: where it is to
/// change, the plan has the actions that lead from what it holds to what it is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideActions {
    /// The actions, in the order of declaration: of two ways of one length the earlier is taken.
    pub steps: Vec<StateAction>,
    /// The states that records are made in. A field that stands here is not sent with a new record; one that does not is, and
    /// the system is to take it.
    pub starts: Vec<(FieldName, Value)>,
}

impl SideActions {
    /// Whether nothing is moved by actions.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The fields that actions move, each once, in order.
    pub fn fields(&self) -> Vec<&FieldName> {
        let mut fields: Vec<&FieldName> = Vec::new();
        for step in &self.steps {
            if !fields.contains(&&step.field) {
                fields.push(&step.field);
            }
        }
        fields
    }

    /// The state that a record is made in, where the mapping says it.
    pub fn start(&self, field: &str) -> Option<&Value> {
        self.starts.iter().find(|(name, _)| name.as_str() == field).map(|(_, value)| value)
    }
}

/// One action of a system: a step from a state to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateAction {
    /// What the system calls it.
    pub name: ActionName,
    /// The field that says the state.
    pub field: FieldName,
    /// The states that it can be done in.
    pub from: Vec<Value>,
    /// The state that it leads to.
    pub to: Value,
    /// Whether it may be done for the sake of an edit alone: a record that is not written in its state is opened, written and
    /// brought to the state that it had. Without it the edit waits.
    pub opens: bool,
}
