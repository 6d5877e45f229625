//! Values of a plan: known now, or only when the plan is applied.

use serde::{Deserialize, Serialize};

use super::identity::ActionId;
use super::value::{Value, ValueRef};

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

impl Planned {
    /// The same, borrowed.
    pub fn as_ref(&self) -> PlannedRef<'_> {
        match self {
            Planned::Known(value) => PlannedRef::Known(value.as_ref()),
            Planned::ResultOf(action) => PlannedRef::ResultOf(*action),
            Planned::TargetDecides => PlannedRef::TargetDecides,
        }
    }
}

/// A [`Planned`], borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlannedRef<'a> {
    /// See [`Planned::Known`].
    Known(ValueRef<'a>),
    /// See [`Planned::ResultOf`].
    ResultOf(ActionId),
    /// See [`Planned::TargetDecides`].
    TargetDecides,
}

impl<'a> PlannedRef<'a> {
    /// The value, where it is known.
    pub fn known(self) -> Option<ValueRef<'a>> {
        match self {
            PlannedRef::Known(value) => Some(value),
            PlannedRef::ResultOf(_) | PlannedRef::TargetDecides => None,
        }
    }

    /// An owned copy.
    pub fn to_planned(self) -> Planned {
        match self {
            PlannedRef::Known(value) => Planned::Known(value.to_value()),
            PlannedRef::ResultOf(action) => Planned::ResultOf(action),
            PlannedRef::TargetDecides => Planned::TargetDecides,
        }
    }
}
