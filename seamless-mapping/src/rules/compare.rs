//! Two values that each side works out by itself and that must agree: compared, and never written.
//!
//! A difference beyond the tolerance is what the rule cannot carry, so it is parked with both values in its words, and is
//! over when a later reading shows that they agree. Domain: numbers. Where one side says nothing there is nothing to compare.

use seamless_core::model::{Decimal, Presence, Side, Value, ValueRef};

use super::convert::convert;
use super::{Carrier, Cell, Made, Making, Trouble};
use crate::declaration::TypeDecl;

#[derive(Debug)]
pub(crate) struct Compare {
    pub(crate) tolerance: Decimal,
}

fn number(value: ValueRef<'_>) -> Result<Option<Decimal>, Trouble> {
    match convert(value, TypeDecl::DECIMAL, None, None)? {
        Value::Decimal(number) => Ok(Some(number)),
        _ => Ok(None),
    }
}

impl Carrier for Compare {
    fn carries(&self, _to: Side) -> bool {
        true
    }

    fn lossless(&self) -> bool {
        false
    }

    fn wipes_out(&self, _to: Side) -> bool {
        // Nothing is ever written.
        true
    }

    fn make(&self, _to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        let Some(Presence::Value(current)) = cx.current.first().copied() else {
            return Ok(Made::One(Cell::Keep));
        };
        let (Some(here), Some(there)) = (number(value)?, number(current)?) else {
            return Ok(Made::One(Cell::Keep));
        };
        let apart = here.checked_sub(&there).map(|apart| apart.abs());
        if apart.as_ref().is_some_and(|apart| *apart <= self.tolerance) {
            return Ok(Made::One(Cell::Keep));
        }
        let apart = apart.map_or_else(|| "too far".to_owned(), |apart| apart.normalised().to_string());
        let message = format!(
            "{} here and {} on the other side are {apart} apart, {} is allowed",
            here.normalised(),
            there.normalised(),
            self.tolerance.normalised()
        );
        Err(Trouble::unmappable(value, message, "find out which side is wrong: this value is never written"))
    }
}
