//! A value worked out from fields of the other side, by an expression for each side that is written.
//!
//! Domain: values for which the expression has a value that the target's type can say. Whether what is worked out there
//! and back is the same again is its author's to know; a target that, carried back, makes what the source holds is left
//! alone.

use seamless_core::model::{Side, Sides, ValueRef};

use super::convert::convert;
use super::copy::fitted;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::{CopyDecl, TypeDecl};
use crate::expression::Expression;

/// An expression, and where its fields stand among those of the rule.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) expression: Expression,
    pub(crate) places: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Worked {
    /// The expression for each side that is written.
    pub(crate) to: Sides<Option<Placed>>,
    pub(crate) types: Sides<Option<TypeDecl>>,
}

impl Carrier for Worked {
    fn carries(&self, to: Side) -> bool {
        self.to.of(to).is_some()
    }

    fn lossless(&self) -> bool {
        false
    }

    fn wipes_out(&self, to: Side) -> bool {
        // Back and forth may differ: then what is there already decides whether it is left alone.
        self.to.of(to.other()).is_none()
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], _cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        let Some(Placed { expression, places }) = self.to.of(to) else {
            return Err(Trouble::unmappable(
                value,
                "nothing says how it is worked out",
                "add an `expression`",
            ));
        };
        let held: Vec<ValueRef<'_>> =
            places.iter().map(|place| values.get(*place).copied().unwrap_or(ValueRef::Null)).collect();
        let made = expression
            .value(&held)
            .map_err(|problem| Trouble::unmappable(value, problem.message, problem.remedy))?;
        match *self.types.of(to) {
            Some(kind) => {
                let made = convert(made.as_ref(), kind, None, None)?;
                fitted(&CopyDecl::default(), made, kind).map(|made| Made::One(Cell::known(made)))
            }
            None => Ok(Made::One(Cell::known(made))),
        }
    }
}
