//! Values of a plan: known now, or only when the plan is applied.

use serde::{Deserialize, Serialize};

use super::identity::ActionId;
use super::value::Value;

/// What a planned write sends for a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned {
    /// This value.
    Known(Value),
    /// The id of the record that an action of the same plan creates.
    ResultOf(ActionId),
    /// Nothing is sent: the target decides (a number series, a default).
    TargetDecides,
}
