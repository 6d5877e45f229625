//! Fields with the rules that ask for them: what actions that change the same fields share.

use std::sync::Arc;

use super::error::Result;
use super::identity::{FieldName, RuleId};
use super::record::Shape;

/// The fields that an action changes, in order, each with the rule that asks for it.
///
/// Made once and shared, because plans hold the same list a million times: to count each name up and down is most of
/// what an action costs, and two threads that count one wait for each other.
#[derive(Debug)]
pub struct RuledFields {
    shape: Arc<Shape>,
    rules: Box<[Option<RuleId>]>,
    /// Whether they are all fields of a shape that others share.
    of_shape: bool,
}

impl RuledFields {
    /// These fields.
    ///
    /// Errors: as of [`Shape::new`], a name twice among them.
    pub fn new(fields: impl IntoIterator<Item = (Option<RuleId>, FieldName)>) -> Result<Arc<Self>> {
        let (rules, names): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        Ok(Arc::new(Self { shape: Shape::new(names)?, rules: rules.into(), of_shape: false }))
    }

    /// Fields of a shape, by slot; none where they are not all of it. Records of that shape then fit as they are.
    pub fn of_shape(shape: &Arc<Shape>, rules: Vec<Option<RuleId>>) -> Option<Arc<Self>> {
        let whole = rules.len() == shape.len();
        whole.then(|| Arc::new(Self { shape: Arc::clone(shape), rules: rules.into(), of_shape: true }))
    }

    /// The fields, as the shape of a record of them.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// Whether they are all fields of a shape that others share ([`of_shape`](Self::of_shape)).
    pub fn are_of_shape(&self) -> bool {
        self.of_shape
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// A field and its rule, by its place; `None` for the rule where a lifecycle policy asks.
    pub fn get(&self, place: usize) -> Option<(Option<&RuleId>, &FieldName)> {
        Some((self.rules.get(place)?.as_ref(), self.shape.name(place)?))
    }

    /// The fields with their rules, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&RuleId>, &FieldName)> {
        self.rules.iter().map(Option::as_ref).zip(self.shape.names())
    }
}

impl PartialEq for RuledFields {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules && self.shape == other.shape
    }
}

impl Eq for RuledFields {}
