//! The users of a simulated world: how a deed is done, and what the chronicle hears of it. Knows nothing of the engine.
//! The doors are [`Universe::act`] and [`Universe::happens`].

use std::sync::Arc;
use std::time::Duration;

use super::chronicle::{REFERENCE, Thing, is_blank, tag};
use super::deed::{Deed, Event, What};
use super::system::Open;
use super::table::Values;
use super::universe::Universe;
use crate::model::{Decimal, Field, FieldKind, FieldName, RecordId, Reference, Side, Value};

/// What stands behind the number of a text: cases, blanks and letters that systems make something of.
const FILLERS: [&str; 4] = ["Adatum Works", "contoso ltd ", "Fabrikam", "näkki oy"];

/// Fractions that no rounding carries over to the next number.
const FRACTIONS: [&str; 3] = ["125", "25", "375"];

/// What a user types into a field of this kind.
pub(super) fn typed(tag: u32, field: &Field) -> Value {
    let at = usize::try_from(tag).unwrap_or_default();
    match &field.kind {
        FieldKind::Int => Value::Int(i64::from(tag)),
        FieldKind::Decimal { .. } => {
            let fraction = FRACTIONS.get(at % FRACTIONS.len()).copied().unwrap_or("25");
            Decimal::parse(&format!("{tag}.{fraction}")).map_or(Value::Int(i64::from(tag)), Value::Decimal)
        }
        FieldKind::Text { length_max } => {
            let filler = FILLERS.get(at % FILLERS.len()).copied().unwrap_or_default();
            let length = length_max.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
            let text: String = format!("v{tag} {filler}").chars().take(length).collect();
            Value::text(&text)
        }
        _ => Value::Null,
    }
}

pub(super) fn name_of(thing: usize) -> Value {
    Value::text(&format!("c{thing}"))
}

impl Universe {
    /// Does what a user does, where it can be done.
    pub(super) fn act(&mut self, deed: &Deed) {
        self.story.tell(|| format!("  {deed}"));
        let Deed { side, kind, thing, what } = *deed;
        let Some(fields) = self.kinds.get(kind).map(|kind| kind.carried.len()) else { return };
        let thing: Thing = (kind, thing);
        *self.deeds.entry(thing).or_default() += 1;
        let found = self.find(side, thing);
        let at = |field: usize| field % fields.max(1);
        match (what, found) {
            (What::Create, None) => self.create(side, thing),
            (What::Undelete, None) => self.undelete(side, thing),
            (What::Edit(field), Some(id)) => {
                let tag = self.chronicle.fresh(thing, at(field), side);
                self.put(side, thing, &id, at(field), Some(tag), false);
            }
            (What::Silent(field), Some(id)) => {
                let tag = self.chronicle.fresh(thing, at(field), side);
                self.put(side, thing, &id, at(field), Some(tag), true);
            }
            (What::Clear(field), Some(id)) => self.put(side, thing, &id, at(field), None, false),
            (What::Both(field), Some(id)) => {
                let Some(other) = self.find(side.other(), thing) else { return };
                let tag = self.chronicle.fresh(thing, at(field), side);
                self.chronicle.twins.insert(tag);
                self.put(side, thing, &id, at(field), Some(tag), false);
                self.put(side.other(), thing, &other, at(field), Some(tag), false);
            }
            (What::Back(field), Some(id)) => self.goes_back(side, thing, &id, at(field)),
            (What::Copy(field), Some(id)) => self.copies(side, thing, &id, at(field)),
            (What::Begin(field), Some(id)) => self.begin(side, thing, id, at(field)),
            (What::Refer(to), Some(id)) => self.refer(side, thing, &id, Some(to)),
            (What::Unrefer, Some(id)) => self.refer(side, thing, &id, None),
            (What::Note, Some(id)) => self.note(side, thing, &id),
            (What::Delete, Some(id)) => self.delete(side, thing, &id),
            (What::Merge(into), Some(id)) => self.merge(side, thing, &id, (kind, into)),
            (What::Touch, Some(id)) => {
                let values = self.systems.of(side).row(kind, &id).map(|row| row.values.clone());
                self.save(side, kind, &id, values.unwrap_or_default());
            }
            (What::Hide, Some(id)) => self.hide(side, kind, &id, true),
            (What::Show, Some(id)) => self.hide(side, kind, &id, false),
            (What::Rename(number), Some(id)) => self.rename(side, thing, &id, number),
            (What::Swap(with), Some(id)) => self.swap(side, thing, &id, (kind, with)),
            (What::Look | What::Resolve | What::Hint, _) => self.asked.push_back(*deed),
            (What::Deny(field), _) => self.deny(side, kind, at(field), true),
            (What::Allow(field), _) => self.deny(side, kind, at(field), false),
            _ => {}
        }
    }

    fn hide(&mut self, side: Side, kind: usize, id: &RecordId, hidden: bool) {
        let table = self.systems.of_mut(side).tables.get_mut(kind);
        if let Some(row) = table.and_then(|table| table.now.rows.get_mut(id)) {
            row.hidden = hidden;
        }
        self.chronicle.was_hidden.insert((side, kind, id.clone()));
    }

    fn deny(&mut self, side: Side, kind: usize, field: usize, denied: bool) {
        let carried = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
        let Some(name) = carried.map(|carried| carried.field.of(side).clone()) else { return };
        // What is hidden and shown again is looked at anew.
        self.hints += 1;
        if !denied {
            let tick = self.chronicle.next_tick();
            self.chronicle.allowed.insert((side, kind, field), tick);
        }
        if let Some(table) = self.systems.of_mut(side).tables.get_mut(kind) {
            if denied {
                table.denied.insert(name)
            } else {
                table.denied.remove(&name)
            };
        }
    }

    /// Saves a record with these values, noticed.
    pub(super) fn save(&mut self, side: Side, kind: usize, id: &RecordId, values: Values) {
        let tick = self.chronicle.next_tick();
        let now = self.now();
        let stamp = self.systems.of_mut(side).stamp(now, tick);
        let values = self.computed(side, kind, values);
        self.systems.of_mut(side).place(kind, id, values, stamp, now);
    }

    /// What the system works out itself.
    pub(super) fn computed(&self, side: Side, kind: usize, mut values: Values) -> Values {
        let own = self.kinds.get(kind).and_then(|kind| kind.own.of(side).clone());
        if let (true, Some(own)) = (self.systems.of(side).switches.computed, own) {
            let count = values.values().filter(|value| !is_blank(value)).count();
            values.insert(own, Value::text(&format!("{count} values")));
        }
        values
    }

    /// A user, or the system itself, puts a value into a carried field; `None`: nothing.
    pub(super) fn put(
        &mut self,
        side: Side,
        thing: Thing,
        id: &RecordId,
        field: usize,
        tag: Option<u32>,
        silent: bool,
    ) {
        let Some((_, value)) = self.value_for(side, thing.0, field, tag) else { return };
        if !silent && !self.is_taken(side, thing.0, field, &value) {
            return self.is_told(tag);
        }
        self.type_in(side, thing, id, field, value, silent);
    }

    /// A value that the system takes is put into a carried field.
    pub(super) fn type_in(
        &mut self,
        side: Side,
        thing: Thing,
        id: &RecordId,
        field: usize,
        value: Value,
        silent: bool,
    ) {
        let kind = thing.0;
        let carried = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
        let Some(name) = carried.map(|carried| carried.field.of(side).clone()) else { return };
        let Some(row) = self.systems.of(side).row(kind, id) else { return };
        let before = row.value(name.as_str()).clone();
        if is_blank(&before) && is_blank(&value) {
            return;
        }
        let mut values = row.values.clone();
        values.insert(name.clone(), value.clone());
        if silent {
            let tick = self.chronicle.next_tick();
            let now = self.now();
            let system = self.systems.of_mut(side);
            let switches = system.switches.clone();
            if let Some(table) = system.tables.get_mut(kind) {
                table.change_silently(id, Values::from([(name, value.clone())]), tick, now, &switches);
            }
        } else {
            self.save(side, kind, id, values);
        }
        let tick = self.chronicle.tick;
        self.chronicle.wrote(((side, kind, id.clone()), field), thing, &before, &value, tick);
        self.may_be_in_step(thing, field);
    }

    /// The field and what the system makes of what is typed there.
    fn value_for(
        &self,
        side: Side,
        kind: usize,
        field: usize,
        tag: Option<u32>,
    ) -> Option<(FieldName, Value)> {
        let name = self.kinds.get(kind)?.carried.get(field)?.field.of(side).clone();
        let system = self.systems.of(side);
        let typed = match tag {
            Some(tag) => typed(tag, system.tables.get(kind)?.entity.field(name.as_str())?),
            None => Value::Null,
        };
        Some((name, system.switches.stored(system.switches.fitting(typed))))
    }

    /// The system tells a user that it does not take a value: nothing was written.
    fn is_told(&mut self, tag: Option<u32>) {
        if let Some(tag) = tag {
            self.chronicle.written.remove(&tag);
        }
    }

    fn create(&mut self, side: Side, thing: Thing) {
        let kind = thing.0;
        let is_taken = self.systems.of(side).switches.soft_delete && self.in_bin(side, thing).is_some();
        if self.chronicle.is_merged(thing) || is_taken {
            return;
        }
        let Some(described) = self.kinds.get(kind) else { return };
        let (named_by, fields) = (described.named_by.of(side).clone(), described.carried.len());
        let Some(name) = self.name_for_new(side, thing) else { return };
        let mut values = Values::from([(named_by.clone(), name)]);
        for field in 0..fields {
            // Now and then something is left out; when, depends on all that happened so far.
            let is_said = field + 1 < fields || !self.chronicle.tick.is_multiple_of(3) || self.is_thorough;
            let switches = &self.systems.of(side).switches;
            let tag = (is_said || switches.default_on_create || switches.required)
                .then(|| self.chronicle.fresh(thing, field, side));
            if let Some((name, value)) = self.value_for(side, kind, field, tag) {
                if !self.is_taken(side, kind, field, &value) {
                    self.is_told(tag);
                    continue;
                }
                values.insert(name, value);
            }
        }
        let Some(table) = self.systems.of_mut(side).tables.get_mut(kind) else { return };
        let id = table.free_id(&values, if side == Side::Left { "l" } else { "r" });
        self.appear(side, thing, &id, values);
    }

    /// A record is there that was not.
    fn appear(&mut self, side: Side, thing: Thing, id: &RecordId, values: Values) {
        let kind = thing.0;
        if self.records_of(side, thing).iter().any(|other| other != id) {
            self.chronicle.tangle(thing);
        }
        self.save(side, kind, id, values);
        self.christen(side, thing, id);
        let tick = self.chronicle.tick;
        let holder = (side, kind, id.clone());
        self.chronicle.begins(side, thing, holder.clone(), tick);
        let Some(row) = self.systems.of(side).row(kind, id).cloned() else { return };
        let Some(described) = self.kinds.get(kind) else { return };
        let names: Vec<FieldName> =
            described.carried.iter().map(|carried| carried.field.of(side).clone()).collect();
        for (field, name) in names.iter().enumerate() {
            let spot = (holder.clone(), field);
            self.chronicle.wrote(spot, thing, &Value::Null, row.value(name.as_str()), tick);
        }
        self.chronicle.pointed.insert((self.chronicle.root(thing), side, self.target(side, kind, &row)));
    }

    fn in_bin(&self, side: Side, thing: Thing) -> Option<RecordId> {
        let bin = &self.systems.of(side).tables.get(thing.0)?.bin;
        let mut of_thing = bin.iter().filter(|(_, row)| row.thing == Some(thing.1));
        of_thing.next_back().map(|(id, _)| id.clone())
    }

    fn undelete(&mut self, side: Side, thing: Thing) {
        let Some(id) = self.in_bin(side, thing) else { return };
        let field = self.name_field(side, thing.0);
        let bin = self.systems.of(side).tables.get(thing.0).map(|table| &table.bin);
        let name = field.zip(bin).and_then(|(field, bin)| Some(bin.get(&id)?.value(field.as_str()).clone()));
        let is_free = name.is_some_and(|name| self.is_free_for(thing, &name));
        if self.chronicle.is_merged(thing) || !is_free {
            return;
        }
        let table = self.systems.of_mut(side).tables.get_mut(thing.0);
        let Some(row) = table.and_then(|table| table.bin.remove(&id)) else { return };
        let mut values = row.values;
        // What it referred to may be gone; what no rule carries starts anew.
        let described = self.kinds.get(thing.0);
        if let Some(own) = described.and_then(|kind| kind.own.of(side).clone()) {
            values.remove(&own);
        }
        if let Some(reference) = described.and_then(|kind| kind.reference.clone()) {
            values.remove(reference.field.of(side));
        }
        self.appear(side, thing, &id, values);
    }

    pub(super) fn delete(&mut self, side: Side, thing: Thing, id: &RecordId) {
        self.bury(side, thing.0, id);
        self.take_away(side, thing.0, id, None);
        let tick = self.chronicle.tick;
        self.chronicle.ends(side, thing, tick);
    }

    /// Takes a record away: of users, of the engine, of a merge.
    pub(super) fn take_away(&mut self, side: Side, kind: usize, id: &RecordId, into: Option<RecordId>) {
        if let Some(number) = self.systems.of(side).row(kind, id).and_then(|row| row.thing) {
            self.fall_out_of_step((kind, number));
        }
        let tick = self.chronicle.next_tick();
        let now = self.now();
        let stamp = self.systems.of_mut(side).stamp(now, tick);
        self.systems.of_mut(side).remove(kind, id, into, stamp, now);
        let holder = (side, kind, id.clone());
        self.chronicle.edits.retain(|(of, _), _| *of != holder);
    }

    /// A user puts away what a record holds, and knows it.
    fn bury(&mut self, side: Side, kind: usize, id: &RecordId) {
        let Some(row) = self.systems.of(side).row(kind, id) else { return };
        let thing = row.thing;
        let tags: Vec<u32> = row.values.values().filter_map(tag).collect();
        self.chronicle.buried.extend(tags.into_iter().map(|tag| ((side, kind, id.clone()), tag)));
        if let Some(number) = thing {
            self.unname(side, (kind, number), id);
        }
    }

    fn merge(&mut self, side: Side, thing: Thing, id: &RecordId, into: Thing) {
        let Some(winner) = self.find(side, into).filter(|winner| winner != id) else { return };
        let told = self.systems.of(side).switches.redirect;
        self.bury(side, thing.0, id);
        self.take_away(side, thing.0, id, told.then(|| winner.clone()));
        let tick = self.chronicle.tick;
        if !told {
            self.chronicle.ends(side, thing, tick);
        }
        self.chronicle.merges(thing, into, told);
        // To whoever had the loser for a partner every field is edited: the survivor holds its own values.
        for (field, _) in self.fields(thing.0) {
            self.chronicle.dirty.insert((self.chronicle.root(into), field, side), tick);
        }
        // The system points at the survivor what pointed at the loser.
        for kind in 0..self.kinds.len() {
            let Some(reference) = self.kinds.get(kind).and_then(|kind| kind.reference.clone()) else {
                continue;
            };
            if reference.to != thing.0 {
                continue;
            }
            let points = |row: &super::table::Row| match row.value(reference.field.of(side).as_str()) {
                Value::Reference(held) => held.id == *id,
                _ => false,
            };
            let rows = self.systems.of(side).rows(kind).filter(|(_, row)| points(row));
            let found: Vec<_> = rows.map(|(id, row)| (id.clone(), row.thing)).collect();
            for (from, thing) in found {
                if let Some(number) = thing {
                    self.refer(side, (kind, number), &from, Some(into.1));
                }
            }
        }
    }

    fn refer(&mut self, side: Side, thing: Thing, id: &RecordId, to: Option<usize>) {
        let Some(reference) = self.kinds.get(thing.0).and_then(|kind| kind.reference.clone()) else { return };
        let target = match to {
            Some(to) => match self.find(side, (reference.to, to)) {
                Some(target) => Some(target),
                None => return,
            },
            None => None,
        };
        let entity = self.systems.of(side).tables.get(reference.to).map(|table| table.entity.name.clone());
        let (Some(row), Some(entity)) = (self.systems.of(side).row(thing.0, id), entity) else { return };
        let value = target.map_or(Value::Null, |id| Value::Reference(Arc::new(Reference { entity, id })));
        if *row.value(reference.field.of(side).as_str()) == value {
            return;
        }
        let mut values = row.values.clone();
        values.insert(reference.field.of(side).clone(), value);
        self.save(side, thing.0, id, values);
        let tick = self.chronicle.tick;
        let root = self.chronicle.root(thing);
        self.chronicle.dirty.insert((root, REFERENCE, side), tick);
        self.chronicle.pointed.insert((root, side, to));
        self.chronicle.edits.insert(((side, thing.0, id.clone()), REFERENCE), tick);
        self.may_be_in_step(thing, REFERENCE);
    }

    /// The thing that a record's reference points at.
    pub(super) fn target(&self, side: Side, kind: usize, row: &super::table::Row) -> Option<usize> {
        let reference = self.kinds.get(kind)?.reference.as_ref()?;
        self.thing_at(side, reference.to, row.value(reference.field.of(side).as_str()))
    }

    /// The thing of a kind that a reference points at.
    pub(super) fn thing_at(&self, side: Side, to: usize, reference: &Value) -> Option<usize> {
        match reference {
            Value::Reference(held) => {
                let table = self.systems.of(side).tables.get(to)?;
                let target = table.now.rows.get(&held.id).or_else(|| table.bin.get(&held.id))?;
                target.thing
            }
            _ => None,
        }
    }

    fn note(&mut self, side: Side, thing: Thing, id: &RecordId) {
        let Some(own) = self.kinds.get(thing.0).and_then(|kind| kind.own.of(side).clone()) else { return };
        if self.systems.of(side).switches.computed {
            return;
        }
        let value = Value::text(&format!("note {}", self.chronicle.tick));
        let Some(row) = self.systems.of(side).row(thing.0, id) else { return };
        let mut values = row.values.clone();
        values.insert(own, value);
        self.save(side, thing.0, id, values);
    }

    fn begin(&mut self, side: Side, thing: Thing, id: RecordId, field: usize) {
        let tick = self.chronicle.tick;
        let now = self.now();
        let stamp = self.systems.of_mut(side).stamp(now, tick);
        let system = self.systems.of_mut(side);
        let due = now + Duration::from_millis(system.switches.late_commit);
        let (kind, number) = thing;
        system.open.push(Open { kind, id, thing: number, field, sequence: stamp.sequence, due, tick });
    }

    /// A transaction is committed: its change has the place in the feed that it got when it began, unless somebody was
    /// there in between, for whom a real system would have made it wait.
    pub(super) fn commit(&mut self, side: Side, open: Open) {
        let thing = (open.kind, open.thing);
        let now = self.now();
        self.systems.of_mut(side).committed.push((open.sequence, now));
        let Some(row) = self.systems.of(side).row(open.kind, &open.id) else { return };
        let is_first = row.tick <= open.tick;
        let tag = self.chronicle.fresh(thing, open.field, side);
        self.put(side, thing, &open.id, open.field, Some(tag), false);
        if !is_first {
            return;
        }
        let system = self.systems.of_mut(side);
        let Some(table) = system.tables.get_mut(open.kind) else { return };
        let Some(row) = table.now.rows.get_mut(&open.id) else { return };
        table.now.feed.remove(&row.place);
        (row.place, row.version) = (open.sequence, open.sequence);
        table.now.feed.insert(open.sequence, open.id);
    }

    /// Something happens to a whole system.
    pub(super) fn happens(&mut self, side: Side, event: Event) {
        let now = self.now();
        let system = self.systems.of_mut(side);
        match event {
            Event::Backup => {
                system.backup = Some(system.tables.iter().map(|table| table.now.clone()).collect());
            }
            Event::Expire => system.epoch += 1,
            // A state that never met the environment itself would belong to the copy.
            Event::Clone => system.is_clone = self.chronicle.is_bound,
            Event::Return => system.is_clone = false,
            Event::Restore => self.restore(side, now),
        }
    }

    fn restore(&mut self, side: Side, now: Duration) {
        let Some(backup) = self.systems.of(side).backup.clone() else { return };
        self.systems.of_mut(side).epoch += 1;
        self.chronicle.agreed.clear();
        self.chronicle.parted.clear();
        self.systems.of_mut(side).open.clear();
        for (kind, content) in backup.into_iter().enumerate() {
            let Some(before) = self.systems.of(side).tables.get(kind).map(|table| table.now.clone()) else {
                continue;
            };
            let tick = self.chronicle.next_tick();
            let gone = before.rows.iter().filter(|(id, _)| !content.rows.contains_key(*id));
            gone.for_each(|(id, _)| self.bury(side, kind, id));
            let system = self.systems.of_mut(side);
            let switches = system.switches.clone();
            let mut content = content;
            content.rows.values_mut().for_each(|row| row.tick = tick);
            content.sequence = system.sequence;
            if let Some(table) = system.tables.get_mut(kind) {
                table.restore(content.clone(), now, &switches);
            }
            for (id, row) in &content.rows {
                self.comes_back(side, kind, id, row, before.rows.get(id), tick);
            }
        }
    }

    /// What a backup holds stands there again, as if somebody had typed it.
    fn comes_back(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        row: &super::table::Row,
        before: Option<&super::table::Row>,
        tick: u64,
    ) {
        let (Some(number), Some(described)) = (row.thing, self.kinds.get(kind)) else { return };
        let thing = (kind, number);
        let holder = (side, kind, id.clone());
        let names: Vec<FieldName> =
            described.carried.iter().map(|carried| carried.field.of(side).clone()).collect();
        if before.is_none() {
            self.chronicle.begins(side, thing, holder.clone(), tick);
        }
        for (field, name) in names.iter().enumerate() {
            let was = before.map_or(&Value::Null, |before| before.value(name.as_str()));
            let is = row.value(name.as_str());
            if was != is || before.is_none() {
                self.chronicle.wrote((holder.clone(), field), thing, was, is, tick);
            }
        }
        let root = self.chronicle.root(thing);
        self.chronicle.dirty.insert((root, REFERENCE, side), tick);
        self.chronicle.pointed.insert((root, side, self.target(side, kind, row)));
    }
}
