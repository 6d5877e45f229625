//! Values that hold several things, of which both sides changed some: put together. The door is [`merged`].

use crate::model::{Sides, Value};

use super::reconcile::Case;
use super::{lines, set};

/// The values that put both sides' edits together.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// What is to be written to each side, as that side writes such values; `None` where the side holds it already.
    pub write: Sides<Option<Value>>,
}

/// The merged values of a group: sets member by member, keyed lists line by line. `None` where its values are neither,
/// or where both sides did different things to the same line, so that they cannot be merged.
pub fn merged(case: &Case<'_>, group: usize) -> Option<Merged> {
    set::merged(case, group).or_else(|| lines::merged(case, group))
}
