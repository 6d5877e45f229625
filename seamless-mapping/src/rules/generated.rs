//! A key that one side issues, as from a number series: a new record there is made without it, and what the side gave it is
//! written back to the other one.
//!
//! Domain: towards the issuer, values that are there; a blank one is left to the issuer where a record is made, and parks
//! otherwise, since nobody takes a number back. Away from it: everything that a copy carries.

use seamless_core::model::{Planned, Side, ValueRef};

use super::copy::Copy;
use super::{Carrier, Cell, Made, Making, Trouble};

#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) issuer: Side,
    pub(crate) copy: Copy,
}

impl Carrier for Generated {
    fn carries(&self, to: Side) -> bool {
        self.copy.carries(to)
    }

    fn lossless(&self) -> bool {
        // Nothing there becomes a number here.
        false
    }

    fn wipes_out(&self, to: Side) -> bool {
        self.copy.wipes_out(to)
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let value = values.first().copied().unwrap_or(ValueRef::Null);
        if to != self.issuer || !value.is_blank() {
            return self.copy.make(to, values, cx);
        }
        if cx.creating {
            return Ok(Made::One(Cell::Set(Planned::TargetDecides)));
        }
        let message = "it is blank here, and the other side issued a number";
        Err(Trouble::unmappable(value, message, "enter the number again: it is not taken back"))
    }
}
