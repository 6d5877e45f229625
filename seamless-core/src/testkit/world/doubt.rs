//! What became of a write is not known for a while, or it came to nothing: which things that concerns, and since which copy
//! that came late. A doubt is of the thing that was written, and ends when a quiet run finds its two records in step. Knows
//! nothing of what the engine makes of it. The doors are the methods that `port`, `witness` and `quiet` call.

use std::collections::{BTreeMap, BTreeSet};

use super::chronicle::{Spot, Thing};
use super::table::Values;
use super::universe::Universe;
use crate::connector::{Target, WriteOp};
use crate::model::{ActionId, Side};
use crate::plan::Entry;

/// What the chronicle knows of doubts. Things are by the name that they have by now.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Nobody can know what became of a write of these.
    open: BTreeSet<Thing>,
    /// Nor could anybody at some time.
    ever: BTreeSet<Thing>,
    /// A write of these was refused, or failed.
    failed: BTreeSet<Thing>,
    /// Writes whose intent is durable and whose end is not: what a process leaves behind that dies.
    under_way: BTreeMap<ActionId, Thing>,
    /// When a copy that came late changed a field last.
    late: BTreeMap<Spot, u64>,
}

impl Universe {
    /// The thing that an operation is about: by its record, or by what is sent.
    pub(super) fn thing_of_op(&self, side: Side, kind: usize, op: &WriteOp) -> Option<Thing> {
        if let Target::Existing(id) = &op.target {
            let table = self.systems.of(side).tables.get(kind)?;
            let row = table.now.rows.get(id).or_else(|| table.bin.get(id))?;
            return row.thing.map(|number| (kind, number));
        }
        let said = op.patch.fields();
        let values: Values =
            said.filter_map(|(name, said)| Some((name.clone(), said.value()?.to_value()))).collect();
        let name = values.get(self.kinds.get(kind)?.named_by.of(side))?.clone();
        self.thing_of_new(side, kind, &name, &values)
    }

    /// The thing that an entry of a plan is about.
    fn thing_of_entry(&self, entry: &Entry) -> Option<Thing> {
        let kind = self.kinds.iter().position(|kind| kind.link == entry.link)?;
        Side::BOTH.into_iter().find_map(|side| {
            let table = self.systems.of(side).tables.get(kind)?;
            let id = entry.ids.of(side).as_ref()?;
            let row = table.now.rows.get(id).or_else(|| table.bin.get(id))?;
            row.thing.map(|number| (kind, number))
        })
    }

    fn doubt(&mut self, things: Vec<Thing>) {
        for thing in things {
            let root = self.chronicle.root(thing);
            self.chronicle.doubts.open.insert(root);
            self.chronicle.doubts.ever.insert(root);
        }
    }

    /// These operations were not answered.
    pub(super) fn are_unanswered(&mut self, side: Side, kind: usize, ops: &[WriteOp]) {
        let things = ops.iter().filter_map(|op| self.thing_of_op(side, kind, op)).collect();
        self.doubt(things);
        self.come_to_nothing(side, kind, ops);
    }

    /// These operations were refused, or failed.
    pub(super) fn come_to_nothing(&mut self, side: Side, kind: usize, ops: &[WriteOp]) {
        let things: Vec<Thing> = ops.iter().filter_map(|op| self.thing_of_op(side, kind, op)).collect();
        for thing in things {
            let root = self.chronicle.root(thing);
            self.chronicle.doubts.failed.insert(root);
        }
    }

    /// The intent of an entry is durable.
    pub(super) fn sets_out(&mut self, entry: &Entry) {
        let action = entry.action().map(|action| action.id);
        if let (Some(action), Some(thing)) = (action, self.thing_of_entry(entry)) {
            self.chronicle.doubts.under_way.insert(action, thing);
        }
    }

    /// Entries have ended, or their intent was taken back.
    pub(super) fn have_ended<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) {
        for entry in entries {
            if let Some(action) = entry.action() {
                self.chronicle.doubts.under_way.remove(&action.id);
            }
        }
    }

    /// The process died: what was under way may have happened or not.
    pub(super) fn dies(&mut self) {
        let things = self.chronicle.doubts.under_way.values().copied().collect();
        self.doubt(things);
    }

    /// A quiet run found the two records of a thing in step. What is still on its way keeps the doubt.
    pub(super) fn is_clear(&mut self, thing: Thing) {
        let root = self.chronicle.root(thing);
        let is_of = |side: Side| {
            let mut late = self.systems.of(side).late.iter();
            late.any(|late| {
                let of = self.thing_of_op(side, late.kind, &late.op);
                of.is_some_and(|of| self.chronicle.root(of) == root)
            })
        };
        if !Side::BOTH.into_iter().any(is_of) {
            self.chronicle.doubts.open.remove(&root);
        }
    }

    /// Whether nobody can know what became of a write of a thing.
    pub(super) fn is_doubted(&self, thing: Thing) -> bool {
        self.chronicle.doubts.open.contains(&self.chronicle.root(thing))
    }

    /// Whether nobody could know it at some time.
    pub(super) fn was_doubted(&self, thing: Thing) -> bool {
        self.chronicle.doubts.ever.contains(&self.chronicle.root(thing))
    }

    /// Whether a write of a thing was refused, or failed.
    pub(super) fn has_failed(&self, thing: Thing) -> bool {
        self.chronicle.doubts.failed.contains(&self.chronicle.root(thing))
    }

    /// A copy that comes late changes a field, which is seen from the next change of its record on.
    pub(super) fn comes_late(&mut self, spot: Spot) {
        let tick = self.chronicle.tick.saturating_add(1);
        self.chronicle.doubts.late.insert(spot, tick);
    }

    /// Whether what stands there came late, and nobody has seen it since.
    pub(super) fn is_late_and_unseen(&self, spot: &Spot) -> bool {
        let shown = self.chronicle.shown.get(&spot.0).copied().unwrap_or_default();
        self.chronicle.doubts.late.get(spot).is_some_and(|late| *late > shown)
    }
}
