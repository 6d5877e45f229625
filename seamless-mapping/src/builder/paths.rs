//! Paths of a link under construction.

use seamless_core::model::Side;

use super::LinkBuilder;
use crate::declaration::PathDecl;

impl LinkBuilder {
    /// Names a value of a side that is read through references: each step is a field that refers and the entity that it points
    /// at, then comes the field of the last record. Rules and conditions name it like a field; nothing is written there.
    #[must_use]
    pub fn path(self, side: Side, name: &str, steps: &[(&str, &str)], field: &str) -> Self {
        self.declare_path(side, None, name, steps, field)
    }

    /// The same for the lines of a list: the rules of the lines name it.
    #[must_use]
    pub fn path_in(self, side: Side, list: &str, name: &str, steps: &[(&str, &str)], field: &str) -> Self {
        self.declare_path(side, Some(list), name, steps, field)
    }

    fn declare_path(
        mut self,
        side: Side,
        list: Option<&str>,
        name: &str,
        steps: &[(&str, &str)],
        field: &str,
    ) -> Self {
        let steps = steps.iter().map(|(field, entity)| ((*field).into(), Some((*entity).into())));
        self.link.paths.of_mut(side).push(PathDecl {
            name: name.into(),
            list: list.map(Into::into),
            steps: steps.collect(),
            field: field.into(),
        });
        self
    }
}
