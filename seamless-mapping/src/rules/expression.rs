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
use crate::link_mapper::FIELDS_AT_HAND;

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

    fn lend<'v>(
        &'v self,
        to: Side,
        values: &[ValueRef<'v>],
        scratch: &'v mut String,
    ) -> Option<ValueRef<'v>> {
        let Placed { expression, places } = self.to.of(to).as_ref()?;
        let mut at_hand = [ValueRef::Null; FIELDS_AT_HAND];
        if places.len() > FIELDS_AT_HAND {
            return None;
        }
        for (cell, place) in at_hand.iter_mut().zip(places) {
            *cell = values.get(*place).copied()?;
        }
        let value = expression.lent(at_hand.get(..places.len())?, scratch)?;
        match *self.types.of(to) {
            None => Some(value),
            // Bytes are never fewer than characters.
            Some(TypeDecl::Text { length_max }) => {
                let fits = |text: &str| length_max.is_none_or(|length| text.len() <= length as usize);
                value.as_text().is_some_and(fits).then_some(value)
            }
            Some(_) => None,
        }
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
        let held = |place: &usize| values.get(*place).copied().unwrap_or(ValueRef::Null);
        let mut at_hand = [ValueRef::Null; FIELDS_AT_HAND];
        let many: Vec<ValueRef<'_>>;
        let held: &[ValueRef<'_>] = match at_hand.get_mut(..places.len()) {
            Some(cells) => {
                cells.iter_mut().zip(places).for_each(|(cell, place)| *cell = held(place));
                cells
            }
            None => {
                many = places.iter().map(held).collect();
                &many
            }
        };
        let made = expression
            .value(held)
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
