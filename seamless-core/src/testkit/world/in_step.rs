//! What a field held on each side when the two records of a thing were last in step: an edit since then gives way only
//! where somebody decided that it does, be it a value, nothing, or a reference. It knows of users, of writes and of quiet
//! runs, and not of what the engine keeps. The doors are [`Universe::judge_given_way`] and [`Universe::come_in_step`].

use std::collections::{BTreeMap, BTreeSet};

use super::chronicle::{Holder, REFERENCE, Spot, Thing, tag};
use super::finding::Harm;
use super::universe::Universe;
use crate::model::{RecordId, Side, Sides, Value};

/// Who wrote what stands in a field, or the thing that a reference points at.
pub(super) type Mark = Option<u32>;

impl Universe {
    /// I11: a write takes the place of what was there when the two were last in step, and of nothing that came since.
    pub(super) fn judge_given_way(
        &mut self,
        thing: Thing,
        spot: &Spot,
        (old, new): (Mark, Mark),
        before: &Value,
    ) -> bool {
        let (side, kind) = (spot.0.0, thing.0);
        let is_edit = self.chronicle.agreed.get(spot).is_some_and(|agreed| !agreed.contains(&old));
        let is_decided = self.chronicle.consents.contains(&(spot.clone(), old, new));
        let was_denied =
            Side::BOTH.into_iter().any(|side| self.chronicle.allowed.contains_key(&(side, kind, spot.1)));
        if !is_edit || old == new || is_decided || was_denied || self.chronicle.is_tangled(thing) {
            return false;
        }
        let owed = self.owes_edits(thing, side);
        self.chronicle.forgiven.extend(old.filter(|_| !owed));
        let words =
            format!("{before} of field {} of {kind}.{} on the {side} gave way undecided", spot.1, thing.1);
        self.found(Harm::LostUpdate, "I11", side, owed, words);
        true
    }

    /// I23, I11: a record that was edited since the two were in step is not deleted for its partner.
    pub(super) fn judge_gone_with(&mut self, thing: Thing, holder: &Holder) {
        let (side, kind, id) = holder;
        let fields = self.kinds.get(*kind).map_or(0, |kind| kind.carried.len());
        let edited = (0..fields).chain([REFERENCE]).find(|field| {
            let agreed = self.chronicle.agreed.get(&(holder.clone(), *field));
            let is_denied = self.chronicle.allowed.contains_key(&(*side, *kind, *field));
            !is_denied && agreed.is_some_and(|agreed| !agreed.contains(&self.mark(*side, *kind, id, *field)))
        });
        let Some(field) = edited.filter(|_| !self.chronicle.is_tangled(thing)) else { return };
        let owed = self.owes_edits(thing, *side);
        let words = format!("{id} ({kind}.{}) of the {side} was deleted, edited in field {field}", thing.1);
        self.found(Harm::LostUpdate, "I11", *side, owed, words);
    }

    /// Whether an edit that was shown is safe from the engine.
    fn owes_edits(&self, thing: Thing, side: Side) -> bool {
        self.promises.owes(thing.0, "I10", side)
            && self.promises.owes_both(thing.0, "I21")
            && self.promises.owes_both(thing.0, "I20")
            && !self.is_late
            && !self.promises.is_lying()
    }

    /// What was written stands there, and stands for what the other side was read with.
    pub(super) fn come_in_step(&mut self, thing: Thing, holder: &Holder, field: usize, mark: Mark) {
        self.chronicle.agreed.insert((holder.clone(), field), BTreeSet::from([mark]));
        if let Some(other) = self.only_record(holder.0.other(), thing) {
            self.chronicle.agreed.insert(((holder.0.other(), thing.0, other), field), BTreeSet::from([mark]));
        }
    }

    /// The two records hold what means the same, whoever wrote it.
    pub(super) fn are_in_step(&mut self, thing: Thing, field: usize, ids: &Sides<RecordId>) {
        for side in Side::BOTH {
            let mark = self.mark(side, thing.0, ids.of(side), field);
            self.chronicle
                .agreed
                .insert(((side, thing.0, ids.of(side).clone()), field), BTreeSet::from([mark]));
        }
    }

    /// A user's edit may bring the two in step by itself: both hold the same, or nothing.
    pub(super) fn may_be_in_step(&mut self, thing: Thing, field: usize) {
        let ids = Sides::new(self.only_record(Side::Left, thing), self.only_record(Side::Right, thing));
        let Sides { left: Some(left), right: Some(right) } = ids else { return };
        let mark = self.mark(Side::Left, thing.0, &left, field);
        if mark != self.mark(Side::Right, thing.0, &right, field) {
            return;
        }
        for (side, id) in [(Side::Left, left), (Side::Right, right)] {
            if let Some(agreed) = self.chronicle.agreed.get_mut(&((side, thing.0, id), field)) {
                agreed.insert(mark);
            }
        }
    }

    /// A record of the thing is taken away, comes back or is another one: nothing is in step.
    pub(super) fn fall_out_of_step(&mut self, thing: Thing) {
        let root = self.chronicle.root(thing);
        let of_thing: Vec<Holder> = Side::BOTH
            .into_iter()
            .flat_map(|side| self.records_of(side, root).into_iter().map(move |id| (side, thing.0, id)))
            .collect();
        let agreed = std::mem::take(&mut self.chronicle.agreed);
        let (parted, agreed) = agreed.into_iter().partition(|((holder, _), _)| of_thing.contains(holder));
        self.chronicle.agreed = agreed;
        let parted: BTreeMap<Spot, BTreeSet<Mark>> = parted;
        self.chronicle.parted.extend(parted);
    }

    fn only_record(&self, side: Side, thing: Thing) -> Option<RecordId> {
        let mut found = self.records_of(side, thing).into_iter();
        found.next().filter(|_| found.next().is_none())
    }

    pub(super) fn mark(&self, side: Side, kind: usize, id: &RecordId, field: usize) -> Mark {
        let row = self.systems.of(side).row(kind, id)?;
        if field == REFERENCE {
            return self.mark_of_target(kind, self.target(side, kind, row));
        }
        let name = self.kinds.get(kind)?.carried.get(field)?.field.of(side);
        tag(row.value(name.as_str()))
    }

    /// The thing that a reference points at, by the name that it has by now.
    pub(super) fn mark_of_target(&self, kind: usize, target: Option<usize>) -> Mark {
        let to = self.kinds.get(kind)?.reference.as_ref()?.to;
        u32::try_from(self.chronicle.root((to, target?)).1).ok()
    }
}
