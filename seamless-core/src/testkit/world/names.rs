//! What records are called: users change the field that records are matched by, also to what another record was called
//! before, and two records change names. What they were called on which side, and what becomes of it. The doors are
//! [`Universe::rename`], [`Universe::swap`] and [`Universe::judge_name`].

use std::collections::{BTreeMap, BTreeSet};

use super::chronicle::{Holder, Thing, tag};
use super::finding::Harm;
use super::quiet::Waiting;
use super::table::{Values, number_of};
use super::universe::Universe;
use super::users::name_of;
use crate::model::{FieldName, RecordId, Side, Value};

/// Stands for the name among the carried fields of a kind.
pub(super) const NAME: usize = usize::MAX - 1;

/// What the chronicle knows of names; each is known by its number.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// What a thing was called on a side at any time.
    called: BTreeSet<(Thing, Side, usize)>,
    /// Names that users gave to records that had others, as long as nobody has taken them back.
    given: BTreeMap<(Thing, usize), Side>,
    /// Names that a user took from a record: they must not come back there.
    banned: BTreeSet<(Holder, usize)>,
}

/// A name's number, as values have it.
pub(super) fn number_as_tag(name: &Value) -> Option<u32> {
    number_of(name).and_then(|number| u32::try_from(number).ok())
}

impl Universe {
    /// The field that a side has its names in.
    pub(super) fn name_field(&self, side: Side, kind: usize) -> Option<FieldName> {
        Some(self.kinds.get(kind)?.named_by.of(side).clone())
    }

    /// What a record is called.
    pub(super) fn name_at(&self, side: Side, kind: usize, id: &RecordId) -> Option<Value> {
        let field = self.name_field(side, kind)?;
        Some(self.systems.of(side).row(kind, id)?.value(field.as_str()).clone())
    }

    /// Whether users of a kind rename records: the mapping carries names, and they are no keys.
    fn has_renames(&self, kind: usize) -> bool {
        let Some(described) = self.kinds.get(kind) else { return false };
        let is_key = |side: Side| described.entity.of(side).key.contains(described.named_by.of(side));
        described.name_rule.is_some() && !Side::BOTH.into_iter().any(is_key)
    }

    /// The records of a side that are called so, those that are deleted and keep their names among them.
    pub(super) fn bearers(&self, side: Side, kind: usize, name: &Value) -> Vec<(RecordId, Option<usize>)> {
        let Some(field) = self.name_field(side, kind) else { return Vec::new() };
        let system = self.systems.of(side);
        let Some(table) = system.tables.get(kind) else { return Vec::new() };
        let kept = table.bin.iter().filter(|_| system.switches.soft_delete);
        let rows = table.now.rows.iter().chain(kept);
        let called = rows.filter(|(_, row)| row.value(field.as_str()) == name);
        called.map(|(id, row)| (id.clone(), row.thing)).collect()
    }

    /// What a user calls the record of a thing that he makes: as it is called on the other side, or by its first name.
    /// `None`: another thing is called so, or nobody can say.
    pub(super) fn name_for_new(&self, side: Side, thing: Thing) -> Option<Value> {
        let (kind, number) = thing;
        let name = match self.find(side.other(), thing) {
            Some(id) => {
                let name = self.name_at(side.other(), kind, &id)?;
                number_of(&name).map(|_| name)?
            }
            None => name_of(number),
        };
        let is_free = self.is_free_for(thing, &name);
        is_free.then_some(name)
    }

    /// Whether no other thing is called so anywhere.
    pub(super) fn is_free_for(&self, thing: Thing, name: &Value) -> bool {
        let root = self.chronicle.root(thing);
        let is_it = |number: usize| self.chronicle.root((thing.0, number)) == root;
        Side::BOTH
            .into_iter()
            .all(|side| self.bearers(side, thing.0, name).iter().all(|(_, of)| of.is_some_and(is_it)))
    }

    /// The thing that a record of this name, which the engine makes, stands for: that of its values, or the one that is
    /// called so on the other side.
    pub(super) fn thing_of_new(
        &self,
        side: Side,
        kind: usize,
        name: &Value,
        values: &Values,
    ) -> Option<Thing> {
        let number = number_of(name)?;
        if self.chronicle.names.given.is_empty() && self.chronicle.names.banned.is_empty() {
            return Some((kind, number));
        }
        let mut tags = values.values().filter_map(tag);
        let written = tags.find_map(|tag| self.chronicle.written.get(&tag).map(|(thing, _, _)| *thing));
        if let Some(thing) = written.filter(|thing| thing.0 == kind) {
            return Some(thing);
        }
        let now = self.bearers(side.other(), kind, name).first().and_then(|(_, of)| *of);
        let ever = self.chronicle.names.called.iter().find(|(thing, on, called)| {
            thing.0 == kind
                && *on == side.other()
                && *called == number
                && self.records_of(side, *thing).is_empty()
        });
        now.map(|number| (kind, number)).or(ever.map(|(thing, _, _)| *thing)).or(Some((kind, number)))
    }

    /// A record stands for a thing, whatever it is called; what it is called is noted.
    pub(super) fn christen(&mut self, side: Side, thing: Thing, id: &RecordId) {
        let row =
            self.systems.of_mut(side).tables.get_mut(thing.0).and_then(|table| table.now.rows.get_mut(id));
        if let Some(row) = row {
            row.thing = Some(thing.1);
        }
        let Some(number) = self.name_at(side, thing.0, id).as_ref().and_then(number_of) else { return };
        self.chronicle.names.called.insert((thing, side, number));
    }

    /// A user calls a record otherwise. Who is not linked yet gets a name that nobody had: otherwise it would be another
    /// thing's record that it is matched with, and rightly so.
    pub(super) fn rename(&mut self, side: Side, thing: Thing, id: &RecordId, number: usize) {
        let (kind, name) = (thing.0, name_of(number));
        if !self.has_renames(kind) || !self.bearers(side, kind, &name).is_empty() {
            return;
        }
        let is_settled = |of: &Self, thing: Thing| of.chronicle.settled.contains(&of.chronicle.root(thing));
        let others = self.bearers(side.other(), kind, &name);
        let are_settled = others
            .iter()
            .all(|(_, of)| of.is_some_and(|of| (kind, of) == thing || is_settled(self, (kind, of))));
        if !are_settled {
            return;
        }
        if !is_settled(self, thing) {
            let is_known = number < self.things
                || self
                    .chronicle
                    .names
                    .called
                    .iter()
                    .any(|(of, _, called)| of.0 == kind && *called == number);
            if is_known {
                return;
            }
            if !self.records_of(side.other(), thing).is_empty() {
                self.chronicle.tangle(thing);
            }
        }
        self.name(side, thing, id, name);
    }

    /// Two records of a side, both of them linked, change names.
    pub(super) fn swap(&mut self, side: Side, thing: Thing, id: &RecordId, with: Thing) {
        let Some(other) = self.find(side, with).filter(|other| other != id) else { return };
        let is_settled = |thing: Thing| self.chronicle.settled.contains(&self.chronicle.root(thing));
        if !self.has_renames(thing.0) || !is_settled(thing) || !is_settled(with) {
            return;
        }
        let names = (self.name_at(side, thing.0, id), self.name_at(side, thing.0, &other));
        let (Some(one), Some(another)) = names else { return };
        if number_of(&one).is_none() || number_of(&another).is_none() {
            return;
        }
        self.name(side, thing, id, another);
        self.name(side, with, &other, one);
    }

    fn name(&mut self, side: Side, thing: Thing, id: &RecordId, name: Value) {
        let (kind, root) = (thing.0, self.chronicle.root(thing));
        let holder: Holder = (side, kind, id.clone());
        let Some(field) = self.name_field(side, kind) else { return };
        let Some(mut values) = self.systems.of(side).row(kind, id).map(|row| row.values.clone()) else {
            return;
        };
        let before = values.insert(field, name.clone()).unwrap_or(Value::Null);
        self.save(side, kind, id, values);
        self.christen(side, thing, id);
        let tick = self.chronicle.tick;
        let names = &mut self.chronicle.names;
        if let Some(before) = number_of(&before) {
            names.given.remove(&(root, before));
            names.banned.insert((holder.clone(), before));
        }
        if let Some(number) = number_of(&name) {
            names.given.insert((root, number), side);
            names.banned.remove(&(holder.clone(), number));
        }
        self.chronicle.dirty.insert((root, NAME, side), tick);
        self.chronicle.edits.insert((holder, NAME), tick);
    }

    /// A user deletes a record, and what it is called goes with it.
    pub(super) fn unname(&mut self, side: Side, thing: Thing, id: &RecordId) {
        let root = self.chronicle.root(thing);
        if let Some(number) = self.name_at(side, thing.0, id).as_ref().and_then(number_of) {
            self.chronicle.names.given.remove(&(root, number));
        }
    }

    /// I10 to I12 of a name that the engine writes. One that is no thing's is a temporary one; that it does not stay is
    /// judged when all is quiet.
    pub(super) fn judge_name(
        &mut self,
        side: Side,
        thing: Thing,
        holder: &Holder,
        (before, after): (&Value, &Value),
    ) {
        let (kind, root) = (thing.0, self.chronicle.root(thing));
        let spot = (holder.clone(), NAME);
        let (old, new) = (number_of(before), number_of(after));
        let is_decided =
            self.chronicle.consents.contains(&(spot.clone(), number_as_tag(before), number_as_tag(after)));
        let owed = self.promises.owes(kind, "I10", side);
        let label = format!("the name of {kind}.{} on the {side}", thing.1);
        self.is_sent(thing, NAME, side, number_as_tag(after));
        if self.chronicle.is_unseen(&spot) && before != after {
            self.chronicle.names.given.retain(|(of, number), _| *of != root || owed || Some(*number) != old);
            let words = format!("{after} replaced {before}, which nobody had seen, in {label}");
            self.found(Harm::LostUpdate, "I10", side, owed, words);
        }
        if let Some(number) = new {
            let is_banned = self.chronicle.names.banned.contains(&(holder.clone(), number));
            if is_banned && before != after && !is_decided {
                let owed = owed
                    && !self.is_doubted(thing)
                    && ["I20", "I21", "I27"].iter().all(|owed| self.promises.owes_both(kind, owed));
                let words = format!("{after} came back in {label}, where a user had replaced it");
                self.found(Harm::LostUpdate, "I10", side, owed, words);
            }
            if !self.was_called(thing, side.other(), number) {
                let words = format!("{after} was written to {label}, which nobody ever called so");
                self.found(Harm::Invention, "I12", side, true, words);
            }
            self.chronicle.names.called.insert((thing, side, number));
        }
        if let (true, Some(old)) = (is_decided, old) {
            self.chronicle.names.given.remove(&(root, old));
        }
        self.chronicle.edits.remove(&spot);
    }

    fn was_called(&self, thing: Thing, side: Side, number: usize) -> bool {
        let root = self.chronicle.root(thing);
        let mut called = self.chronicle.names.called.iter();
        called.any(|(of, on, name)| (*on, *name) == (side, number) && self.chronicle.root(*of) == root)
    }

    /// I12: no temporary name stays, and no record is called as no user called it. I11: a name that a user gave stands on
    /// one of the sides, unless somebody gave another one.
    pub(super) fn judge_names(&mut self, waiting: &Waiting) {
        let (mut odd, mut stands) = (Vec::new(), BTreeSet::new());
        for side in Side::BOTH {
            for kind in 0..self.kinds.len() {
                let Some(field) = self.name_field(side, kind) else { continue };
                for (id, row) in self.systems.of(side).rows(kind) {
                    let name = row.value(field.as_str());
                    let thing = row.thing.map(|number| (kind, number));
                    match (thing, number_of(name)) {
                        (Some(thing), Some(number)) if self.was_called(thing, side, number) => {
                            stands.insert((self.chronicle.root(thing), number));
                        }
                        _ => {
                            // What a record that let go of its name could not be given back is known, and it is asked.
                            let waits = waiting.iter().any(|(_, open)| {
                                let waiting = self.systems.of(open.side).row(kind, &open.id);
                                waiting.is_some_and(|waiting| waiting.thing == row.thing)
                            });
                            odd.push((side, waits, format!("{id} is called {name}")));
                        }
                    }
                }
            }
        }
        for (side, waits, words) in odd {
            let owed = !waits && !self.promises.is_lying();
            self.found(Harm::Invention, "I12", side, owed, words);
        }
        let given = self.chronicle.names.given.iter();
        let lost =
            given.filter(|((thing, number), _)| !stands.contains(&(self.chronicle.root(*thing), *number)));
        let lost: Vec<((Thing, usize), Side)> = lost.map(|(of, side)| (*of, *side)).collect();
        for ((thing, number), side) in lost {
            let owed = !self.promises.is_lying()
                && !self.chronicle.is_tangled(thing)
                && self.promises.owes_both(thing.0, "I10")
                && self.promises.owes_both(thing.0, "I11");
            let words = format!("{}.{} was called c{number} on the {side}, and is not", thing.0, thing.1);
            self.found(Harm::LostUpdate, "I11", side, owed, words);
        }
    }
}
