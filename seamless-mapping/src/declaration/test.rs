//! A test of a mapping: a record in, values out, without any system.

use seamless_core::model::{FieldName, LinkId, RecordId, Side, Slot};

/// A record of one side, and what the other side must become.
#[derive(Clone, Debug, PartialEq)]
pub struct TestDecl {
    /// What it shows.
    pub name: String,
    /// The side that values go to.
    pub to: Side,
    /// The record of the giving side; fields that are not named are not known.
    pub record: Vec<(FieldName, Slot)>,
    /// What the taking side holds before; nothing is known of a record that is created.
    pub current: Vec<(FieldName, Slot)>,
    /// Whether the taking side's record is being created.
    pub creating: bool,
    /// Partners of records of the giving side: link, record, partner.
    pub partners: Vec<(LinkId, RecordId, RecordId)>,
    /// What must come out, per field of the taking side.
    pub expect: Vec<(FieldName, Expected)>,
}

/// What must come out for a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// The field holds this afterwards.
    Holds(Slot),
    /// Its rule parks.
    Parks,
    /// Nothing is written to it.
    Untouched,
}
