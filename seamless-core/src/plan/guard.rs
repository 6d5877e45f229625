//! Guards: limits over the whole plan that stop it before it hurts.

use serde::{Deserialize, Serialize};

use crate::model::{GuardId, LinkId, Side};

/// A guard that stops a plan. A person can override it by name, for this one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardTrip {
    /// The name to override it by: `customers.deletes.right`.
    pub guard: GuardId,
    /// The link; `None` for a guard of the whole plan.
    pub link: Option<LinkId>,
    /// The side that is concerned.
    pub side: Option<Side>,
    /// What was found, with the figure and the limit.
    pub found: String,
    /// What a person can do.
    pub remedy: String,
}
