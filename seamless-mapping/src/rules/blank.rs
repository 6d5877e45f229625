//! What a blank reference means: nothing, no change, or a record that stands for it.
//!
//! A record that stands for blank on one side is carried to the other side as blank, and blank comes back as that record. So
//! clearing the side that has such a record says nothing that the other side could hold: it parks.

use seamless_core::model::{RecordId, Side, Sides, Value, ValueRef};

use super::{Cell, Made, Trouble};
use crate::declaration::BlankReference;

/// The policies of a rule for blank references, and the records that stand for blank as their side writes them.
#[derive(Clone, Debug)]
pub(crate) struct Blanks {
    pub(crate) policies: Sides<BlankReference>,
    /// What [`BlankReference::Use`] is in the side's field.
    pub(crate) written: Sides<Option<Value>>,
    pub(crate) two_way: bool,
}

impl Blanks {
    /// Blank on one side is blank on the other.
    pub(crate) fn cleared() -> Self {
        let policies = Sides::new(BlankReference::Clear, BlankReference::Clear);
        Self { policies, written: Sides::new(None, None), two_way: true }
    }

    pub(crate) fn lossless(&self) -> bool {
        self.policies.left == BlankReference::Clear && self.policies.right == BlankReference::Clear
    }

    /// A side that keeps what it has remembers it, and so does one whose reference means the same as a blank one.
    pub(crate) fn wipes_out(&self, to: Side) -> bool {
        *self.policies.of(to) != BlankReference::Keep && self.written.of(to.other()).is_none()
    }

    /// Whether a reference of a side is the record that stands for blank there.
    pub(crate) fn is_blank(&self, side: Side, value: ValueRef<'_>) -> bool {
        match (self.written.of(side), value) {
            (None, _) => false,
            (Some(Value::Reference(known)), ValueRef::Reference(value)) => known == value,
            (Some(known), value) => key(known.as_ref()).is_some_and(|known| key(value) == Some(known)),
        }
    }

    /// What a side of so many fields gets when the other side is blank.
    pub(crate) fn made(&self, to: Side, value: ValueRef<'_>, width: usize) -> Result<Made, Trouble> {
        match (self.policies.of(to), self.written.of(to)) {
            (BlankReference::Keep, _) => Ok(each(width, &Cell::Keep)),
            (_, Some(written)) => Ok(Made::One(Cell::known(written.clone()))),
            _ if self.two_way && self.written.of(to.other()).is_some() => {
                let message = "this side was cleared, but a record stands here for blank";
                Err(Trouble::unmappable(value, message, "choose a record"))
            }
            _ => Ok(nothing(width)),
        }
    }
}

/// Blank in so many fields.
pub(crate) fn nothing(width: usize) -> Made {
    each(width, &Cell::known(Value::Null))
}

fn each(width: usize, cell: &Cell) -> Made {
    match width {
        0 | 1 => Made::One(cell.clone()),
        several => Made::Many(vec![cell.clone(); several]),
    }
}

/// A plain key as a record's.
fn key(value: ValueRef<'_>) -> Option<RecordId> {
    match value {
        ValueRef::Text(key) => Some(RecordId::text(key)),
        ValueRef::Int(key) => Some(RecordId::int(key)),
        _ => None,
    }
}
