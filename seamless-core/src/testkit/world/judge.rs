//! The oracle at the moment of a write: what the engine does, held against what users did. It believes the chronicle and the
//! systems, and nothing that the engine says. What can only be judged when all is quiet is `quiet`'s. The doors are the
//! methods that `accept` calls.

use super::chronicle::{Holder, REFERENCE, Spot, Thing, is_blank, tag};
use super::finding::Harm;
use super::switches::Blank;
use super::table::{Row, Values, number_of};
use super::universe::Universe;
use crate::connector::WriteOp;
use crate::model::{FieldName, Presence, RecordId, Side, Value};

/// One value that the engine puts into a carried field.
struct Put<'a> {
    side: Side,
    thing: Thing,
    field: usize,
    holder: &'a Holder,
    before: &'a Value,
    after: &'a Value,
    /// What was sent, of which the system made what stands there now.
    sent: &'a Value,
    /// Whether the same operation came before.
    is_repeated: bool,
}

impl Universe {
    /// I26, and nothing is written to a copy of an environment.
    pub(super) fn judge_intent(&mut self, side: Side, op: &WriteOp) {
        self.chronicle.writes_seen += 1;
        if !self.chronicle.intended.contains(&op.id) {
            self.found(Harm::NoIntent, "I26", side, true, format!("operation {} was sent", op.id));
        }
        if self.systems.of(side).is_clone {
            self.found(Harm::WroteToClone, "I25", side, true, format!("operation {} was sent", op.id));
        }
    }

    /// The carried fields of a side, by place.
    fn carried_names(&self, side: Side, kind: usize) -> Vec<FieldName> {
        let carried = self.kinds.get(kind).map(|kind| kind.carried.as_slice()).unwrap_or_default();
        carried.iter().map(|carried| carried.field.of(side).clone()).collect()
    }

    pub(super) fn judge_update(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        op: &WriteOp,
        before: &Row,
        after: &Values,
    ) {
        let Some(thing) = before.thing.map(|number| (kind, number)) else { return };
        let holder: Holder = (side, kind, id.clone());
        let carried = self.carried_names(side, kind);
        let is_repeated = self.chronicle.sent.contains(&op.id);
        for (name, presence) in op.patch.fields() {
            let Some(sent) = presence.value().map(|value| value.to_value()) else { continue };
            let was = before.value(name.as_str()).clone();
            let is = after.get(name).cloned().unwrap_or(Value::Null);
            if let Some(field) = carried.iter().position(|carried| carried == name) {
                let (before, after, sent) = (&was, &is, &sent);
                let put = Put { side, thing, field, holder: &holder, before, after, sent, is_repeated };
                self.judge_put(&put);
            } else {
                self.judge_other(side, thing, &holder, name, &was, &is, is_repeated);
            }
        }
    }

    fn judge_put(&mut self, put: &Put<'_>) {
        let Put { side, thing, field, holder, before, after, sent, is_repeated } = *put;
        let kind = thing.0;
        let spot: Spot = (holder.clone(), field);
        let (old, new) = (tag(before), tag(after));
        let place = format!("{} of {}.{} on the {side}", self.field_name(side, kind, field), kind, thing.1);
        let is_unseen = self.chronicle.is_unseen(&spot);
        let is_decided = self.chronicle.consents.contains(&(spot.clone(), old, new));
        if is_decided {
            self.chronicle.replaced.extend(old);
        }
        if is_unseen && old != new {
            let owed = self.promises.owes(kind, "I10", side);
            if !owed {
                self.chronicle.forgiven.extend(old);
            }
            let words = format!("{after} replaced {before}, which nobody had seen, in {place}");
            self.found(Harm::LostUpdate, "I10", side, owed, words);
        } else if new.is_some_and(|new| {
            !is_decided
                && self.chronicle.banned.contains(&(spot.clone(), new))
                && !self.chronicle.twins.contains(&new)
        }) {
            let owed = self.promises.owes(kind, "I10", side)
                && self.promises.owes_both(kind, "I21")
                && self.promises.owes_both(kind, "I20")
                && (self.promises.owes_both(kind, "I27") || !self.is_doubted(thing));
            self.chronicle.forgiven.extend(old.filter(|_| !owed));
            let words =
                format!("{after} came back in {place}, where a user had replaced it; {before} was there");
            self.found(Harm::LostUpdate, "I10", side, owed, words);
        } else {
            self.judge_given_way(thing, &spot, (old, new), before);
        }
        let is_same =
            before == after || (old.is_some() && old == new) || (is_blank(before) && is_blank(after));
        // Another kind of nothing, where a user put it into the other side: that both are one here shows when it is written.
        let is_edited = || {
            let edited = |id: RecordId| self.chronicle.edits.contains_key(&((side.other(), kind, id), field));
            self.chronicle.is_dirty(thing, field, side.other())
                || self.records_of(side.other(), thing).into_iter().any(edited)
        };
        let is_other_blank = is_blank(before) && is_blank(sent) && before != sent && is_edited();
        if is_same && !is_other_blank && !is_repeated && !is_unseen && !is_decided {
            // That a system keeps nothing in another form is learnt by writing nothing there once.
            let is_learnt = is_blank(before) && sent != before;
            // A copy that came late is overwritten with itself where nothing can say "only if it is as it was".
            let is_race = self.is_late_and_unseen(&spot) && !self.promises.owes(kind, "I10", side);
            let is_excused = is_race || is_learnt && self.systems.of(side).switches.blank != Blank::Apart;
            let owed = !is_excused
                && self.promises.owes_both(kind, "I21")
                && self.promises.owes_both(kind, "I20")
                && self.promises.owes_both(kind, "I7");
            let words = format!("{after} was written over {before} in {place}");
            self.found(Harm::EchoWrite, "I21", side, owed, words);
        }
        self.judge_origin(side, thing, field, after, &place);
        let root = self.chronicle.root(thing);
        self.chronicle.held.insert((root, field, side, new));
        self.chronicle.acknowledged.insert((root, field, side, new));
        self.chronicle.edits.remove(&spot);
        // What was decided is carried out: it says nothing of what is typed there from now on.
        self.chronicle.consents.remove(&(spot.clone(), old, new));
        self.is_sent(thing, field, side, new);
        if self.is_late {
            self.comes_late(spot);
        }
        self.come_in_step(thing, holder, field, new);
    }

    /// I12: what is written was held by the other side, for this field of this thing.
    fn judge_origin(&mut self, side: Side, thing: Thing, field: usize, after: &Value, place: &str) {
        let tag = tag(after);
        if tag.is_none() && !is_blank(after) {
            let words = format!("nobody wrote {after}, which stands in {place}");
            self.found(Harm::Invention, "I12", side, true, words);
        } else if !self.chronicle.was_held(thing, field, side.other(), tag) {
            let words = format!("{after} was written to {place}, and the other side never held it there");
            self.found(Harm::Invention, "I12", side, true, words);
        }
    }

    /// A field that is not among the carried ones: the reference, the name, or one that is nobody's business.
    #[allow(clippy::too_many_arguments)]
    fn judge_other(
        &mut self,
        side: Side,
        thing: Thing,
        holder: &Holder,
        name: &FieldName,
        before: &Value,
        after: &Value,
        is_repeated: bool,
    ) {
        let kind = thing.0;
        let Some(described) = self.kinds.get(kind) else { return };
        if described.named_by.of(side) == name {
            return self.judge_name(side, thing, holder, (before, after));
        }
        let reference = described.reference.clone().filter(|reference| reference.field.of(side) == name);
        let Some(reference) = reference else {
            let words = format!("{name} of {kind}.{} on the {side} was set to {after}", thing.1);
            self.found(Harm::Touched, "I13", side, true, words);
            return;
        };
        let spot: Spot = (holder.clone(), REFERENCE);
        let is_unseen = self.chronicle.is_unseen(&spot);
        if is_unseen && before != after {
            let owed = self.promises.owes(kind, "I10", side);
            let words = format!("{before} of {kind}.{} on the {side} was replaced unseen", thing.1);
            self.found(Harm::LostUpdate, "I10", side, owed, words);
        }
        let target = |value: &Value| self.mark_of_target(kind, self.thing_at(side, reference.to, value));
        let (old, new) = (target(before), target(after));
        if !is_unseen {
            self.judge_given_way(thing, &spot, (old, new), before);
        }
        self.come_in_step(thing, holder, REFERENCE, new);
        self.is_sent(thing, REFERENCE, side, new);
        if before == after && !is_repeated && !is_unseen {
            let owed = self.promises.owes_both(kind, "I21");
            let words = format!("{after} was written to {kind}.{} on the {side} again", thing.1);
            self.found(Harm::EchoWrite, "I21", side, owed, words);
        }
        self.judge_target(side, thing, reference.to, after);
        self.chronicle.edits.remove(&spot);
    }

    /// I12 and I31 of a reference.
    fn judge_target(&mut self, side: Side, thing: Thing, to: usize, after: &Value) {
        let target = match after {
            Value::Reference(held) => {
                let table = self.systems.of(side).tables.get(to);
                let row =
                    table.and_then(|table| table.now.rows.get(&held.id).or_else(|| table.bin.get(&held.id)));
                match row.and_then(|row| row.thing) {
                    Some(number) => Some(number),
                    None => {
                        let words =
                            format!("{after} of {}.{} on the {side} points at nothing", thing.0, thing.1);
                        return self.found(Harm::Invention, "I31", side, true, words);
                    }
                }
            }
            _ => None,
        };
        if !self.chronicle.was_pointed(thing, side.other(), target, to) {
            let words = format!(
                "{after} was written to {}.{} on the {side}, and the other side never pointed there",
                thing.0, thing.1
            );
            self.found(Harm::Invention, "I12", side, true, words);
        }
        let root = self.chronicle.root(thing);
        self.chronicle.pointed.insert((root, side, target));
    }

    fn field_name(&self, side: Side, kind: usize, field: usize) -> String {
        let carried = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
        carried.map_or(String::new(), |carried| carried.field.of(side).to_string())
    }

    /// I24, I25 and I12 of a record that the engine made.
    pub(super) fn judge_create(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        op: &WriteOp,
        thing: Option<Thing>,
        defaulted: Option<usize>,
    ) {
        let Some(thing) = thing else {
            let words = format!("record {id} of the {side} was made for nothing that there is");
            return self.found(Harm::Invention, "I12", side, true, words);
        };
        let holder: Holder = (side, kind, id.clone());
        let label = format!("{kind}.{} on the {side}", thing.1);
        let root = self.chronicle.root(thing);
        self.judge_duplicate(side, thing, id, op, &label);
        let deleted = self.chronicle.deleted.get(&(side.other(), thing)).copied();
        let is_gone = self.records_of(side.other(), thing).is_empty();
        // A plan that goes on after a crash was made before the process died: nobody knew then what came later.
        let planned = self.chronicle.planned.get(&op.id).copied().unwrap_or(self.chronicle.run_began);
        let came_from_nothing = is_gone && deleted.is_none_or(|at| at < planned);
        if came_from_nothing || self.chronicle.ended.contains(&(side, root)) {
            let is_unclear = self.is_doubted(thing) || self.chronicle.is_tangled(thing);
            let owed = ["I21", "I23"].iter().all(|owed| self.promises.owes_both(kind, owed)) && !is_unclear;
            self.found(Harm::Resurrection, "I24", side, owed, format!("{id} was made for {label}"));
        }
        self.chronicle.made.insert(holder.clone());
        let tick = self.chronicle.tick;
        self.chronicle.born.insert(holder.clone(), tick);
        self.chronicle.first_born.entry(holder.clone()).or_insert(tick);
        let Some(row) = self.systems.of(side).row(kind, id).cloned() else { return };
        for (field, name) in self.carried_names(side, kind).into_iter().enumerate() {
            let value = row.value(name.as_str()).clone();
            let sent =
                op.patch.field(name.as_str()).value().map(|value| value.to_value()).unwrap_or(Value::Null);
            self.chronicle.acknowledged.insert((root, field, side, tag(&sent)));
            if defaulted == Some(field) {
                self.chronicle.wrote((holder.clone(), field), thing, &Value::Null, &value, tick);
                continue;
            }
            // What is not said is null, which is no invention.
            if op.patch.field(name.as_str()) != Presence::Absent {
                self.judge_origin(side, thing, field, &value, &label);
            }
            self.chronicle.held.insert((root, field, side, tag(&value)));
            if op.patch.field(name.as_str()) != Presence::Absent {
                self.come_in_step(thing, &holder, field, tag(&sent));
            }
        }
        self.judge_uncarried(side, thing, id, op, &row);
    }

    /// I25: whether a record was made for a thing that the engine knew a record of. Where nothing keeps a create from
    /// happening twice the engine may not know of a record; but it knows what it sent, and does not send it again.
    fn judge_duplicate(&mut self, side: Side, thing: Thing, id: &RecordId, op: &WriteOp, label: &str) {
        let kind = thing.0;
        let others: Vec<RecordId> =
            self.records_of(side, thing).into_iter().filter(|other| other != id).collect();
        // A record whose partner a user deleted is on its way out, and no duplicate of what the user made anew.
        let deletion = self.chronicle.deletions.get(&(side.other(), thing)).copied().unwrap_or_default();
        let sources = self.records_of(side.other(), thing);
        let known = others.iter().find(|other| {
            let other: Holder = (side, kind, (*other).clone());
            let born = |of: &Holder| self.chronicle.first_born.get(of).copied().unwrap_or_default();
            // Nor if it was under way when the partner was deleted: what it is made from now came later than itself.
            let is_later =
                |id: &RecordId| born(&(side.other(), kind, id.clone())) > deletion.max(born(&other));
            let is_anew = deletion > 0 && !sources.is_empty() && sources.iter().all(is_later);
            if born(&other) < deletion || is_anew {
                return false;
            }
            let born = self.chronicle.born.get(&other).copied().unwrap_or_default();
            // What is hidden now and was never paired may well be made again.
            let hidden = self.systems.of(side).row(kind, &other.2).is_some_and(|row| row.hidden);
            self.chronicle.made.contains(&other)
                || !hidden && self.chronicle.shown.get(&other).is_some_and(|shown| *shown >= born)
        });
        match known {
            Some(_) if self.chronicle.is_tangled(thing) => {}
            // It was under way before the engine could know of what a user made.
            Some(other) if self.is_late && !self.chronicle.made.contains(&(side, kind, other.clone())) => {
                self.chronicle.tangle(thing);
            }
            Some(other) => {
                let table = self.systems.of(side).tables.get(kind);
                let is_again = table.is_some_and(|table| table.done.contains_key(&op.id));
                // What is known was made or shown: whoever makes it again forgot it, whether the system would notice or not.
                let owed = self.promises.owes(kind, "I25", side)
                    || !self.promises.is_lying()
                        && (is_again || !self.is_doubted(thing) && self.promises.owes_both(kind, "I21"));
                let words = format!("{id} was made for {label}, where {other} was known");
                self.found(Harm::Duplicate, "I25", side, owed, words);
                self.chronicle.tangle(thing);
            }
            None if others.iter().any(|other| {
                let born = self.chronicle.first_born.get(&(side, kind, other.clone())).copied();
                self.is_named(side, kind, other) && born.unwrap_or_default() >= deletion
            }) =>
            {
                self.chronicle.tangle(thing);
            }
            None => {}
        }
    }

    /// Whether a record has the name of its thing, and not a temporary one.
    fn is_named(&self, side: Side, kind: usize, id: &RecordId) -> bool {
        let named_by = self.kinds.get(kind).map(|kind| kind.named_by.of(side));
        let row = self.systems.of(side).row(kind, id);
        row.zip(named_by).is_some_and(|(row, name)| number_of(row.value(name.as_str())).is_some())
    }

    /// I31, and I13: what was sent beside the carried fields.
    fn judge_uncarried(&mut self, side: Side, thing: Thing, id: &RecordId, op: &WriteOp, row: &Row) {
        let Some(described) = self.kinds.get(thing.0).cloned() else { return };
        let known = |name: &FieldName| {
            described.named_by.of(side) == name
                || described.carried.iter().any(|carried| carried.field.of(side) == name)
                || described.entity.of(side).key.contains(name)
        };
        for (name, presence) in op.patch.fields() {
            let Some(value) = presence.value().map(|value| value.to_value()) else { continue };
            match &described.reference {
                Some(reference) if reference.field.of(side) == name => {
                    self.judge_target(side, thing, reference.to, &value);
                    let target = self.mark_of_target(thing.0, self.thing_at(side, reference.to, &value));
                    self.come_in_step(thing, &(side, thing.0, id.clone()), REFERENCE, target);
                }
                _ if known(name) || value == Value::Null => {}
                _ => {
                    let words = format!("{name} of {}.{} on the {side} was set to {value}", thing.0, thing.1);
                    self.found(Harm::Touched, "I13", side, true, words);
                }
            }
        }
        let root = self.chronicle.root(thing);
        let target = self.target(side, thing.0, row);
        self.chronicle.pointed.insert((root, side, target));
    }

    /// I23, and I11 of a record that is deleted with an edit that nobody saw.
    pub(super) fn judge_delete(&mut self, side: Side, kind: usize, id: &RecordId, row: &Row) {
        let Some(thing) = row.thing.map(|number| (kind, number)) else { return };
        let (other, label) = (side.other(), format!("{id} ({kind}.{}) of the {side}", thing.1));
        let holder: Holder = (side, kind, id.clone());
        self.judge_gone_with(thing, &holder);
        if self.chronicle.has_unseen(&holder) {
            let owed = self.promises.owes(kind, "I11", side);
            if !owed {
                self.chronicle.forgiven.extend(row.values.values().filter_map(tag));
            }
            self.found(
                Harm::LostUpdate,
                "I11",
                side,
                owed,
                format!("{label} was deleted with an edit unseen"),
            );
        }
        let partners = self.records_of(other, thing);
        // Where a user deleted the partner and made another record of the same thing since, that one is not the partner.
        let deletion = self.chronicle.deletions.get(&(other, thing)).copied().unwrap_or_default();
        let older = partners.iter().any(|partner| {
            let partner: Holder = (other, kind, partner.clone());
            let tick = |map: &std::collections::BTreeMap<Holder, u64>| {
                map.get(&partner).copied().unwrap_or_default()
            };
            tick(&self.chronicle.born) < self.chronicle.run_began
                && tick(&self.chronicle.first_born) <= deletion.max(1)
                || deletion == 0
        });
        let root = self.chronicle.root(thing);
        // Who deletes the survivor of a merge that nobody was told of deletes both.
        let is_deleted = deletion > 0 || self.chronicle.deletions.contains_key(&(other, root));
        // A merge is told by a tombstone; who reads everything instead of the feed is told nothing.
        let told = self.chronicle.was_told(thing)
            && self.chronicle.stones_shown.contains(&(other, thing))
            && !self.chronicle.deleted.contains_key(&(other, root));
        let truth = self.systems.of(other).truth.get(kind);
        let can_prove = truth.is_some_and(|can| can.tombstones || can.gone_not_hidden);
        let problem = if older && !self.chronicle.is_tangled(thing) {
            Some("its partner is there")
        } else if told {
            Some("its partner was merged into another one")
        } else if !is_deleted && partners.is_empty() {
            Some("no user deleted its partner")
        } else if !can_prove {
            Some("that its partner is gone cannot be proven")
        } else {
            None
        };
        if let Some(problem) = problem {
            let owed = !self.promises.is_lying();
            self.found(Harm::WrongDelete, "I23", other, owed, format!("{label} was deleted: {problem}"));
        }
    }
}
