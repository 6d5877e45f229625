//! Users who type what was typed before: a former value of the field once more, or what stands on the other side. Such a value
//! still tells who wrote it first, and no longer when; so the chronicle hears that it counts anew. Knows nothing of the
//! engine. The doors are [`Universe::goes_back`] and [`Universe::copies`].

use std::mem::discriminant;

use super::chronicle::{Spot, Thing, tag};
use super::universe::Universe;
use crate::model::{RecordId, Side, Value};

impl Universe {
    /// A user types the value again that stood there before, and that a user had replaced.
    pub(super) fn goes_back(&mut self, side: Side, thing: Thing, id: &RecordId, field: usize) {
        let spot: Spot = ((side, thing.0, id.clone()), field);
        let now = self.mark(side, thing.0, id, field);
        if let Some(former) = self.chronicle.former(&spot, now) {
            self.types_again(side, thing, id, field, former);
        }
    }

    /// A user types what stands in the other side's record, where both fields are of one kind.
    pub(super) fn copies(&mut self, side: Side, thing: Thing, id: &RecordId, field: usize) {
        let kind = thing.0;
        let Some(described) = self.kinds.get(kind) else { return };
        let Some(names) = described.carried.get(field).map(|carried| carried.field.clone()) else { return };
        let of = |on: Side| described.entity.of(on).field(names.of(on).as_str());
        let (Some(here), Some(there)) = (of(side), of(side.other())) else { return };
        let is_one_kind = discriminant(&here.kind) == discriminant(&there.kind);
        let Some(other) = self.find(side.other(), thing).filter(|_| is_one_kind) else { return };
        let row = self.systems.of(side.other()).row(kind, &other);
        let Some(value) = row.map(|row| row.value(names.of(side.other()).as_str()).clone()) else { return };
        if tag(&value).is_some() && tag(&value) != self.mark(side, kind, id, field) {
            self.types_again(side, thing, id, field, value);
        }
    }

    fn types_again(&mut self, side: Side, thing: Thing, id: &RecordId, field: usize, value: Value) {
        let Some(tag) = tag(&value) else { return };
        let switches = &self.systems.of(side).switches;
        let value = switches.stored(switches.fitting(value));
        if self.is_taken(side, thing.0, field, &value) {
            self.chronicle.counts_anew(&((side, thing.0, id.clone()), field), tag);
            self.type_in(side, thing, id, field, value, false);
        }
    }
}
