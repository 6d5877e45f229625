//! A constant, put on one side whatever the other side holds. Gives nothing back, so it is one-way by nature.

use seamless_core::model::{Side, Value, ValueRef};

use super::{Carrier, Cell, Made, Making, Trouble};

#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) to: Side,
    pub(crate) value: Value,
}

impl Carrier for Constant {
    fn carries(&self, to: Side) -> bool {
        to == self.to
    }

    fn lossless(&self) -> bool {
        true
    }

    fn lend<'v>(&'v self, to: Side, _: &[ValueRef<'v>], _: &'v mut String) -> Option<ValueRef<'v>> {
        (to == self.to).then(|| self.value.as_ref())
    }

    fn make(&self, to: Side, _values: &[ValueRef<'_>], _cx: &Making<'_>) -> Result<Made, Trouble> {
        Ok(Made::One(if to == self.to { Cell::known(self.value.clone()) } else { Cell::Keep }))
    }
}
