//! Drafts: what rules make of the fields of a target. Texts lie behind each other in one buffer, so that a rule that hands a
//! text on allocates nothing, and a draft that is used again allocates nothing at all. Knows no rules. The door is
//! [`Draft::over`].

use std::sync::Arc;

use crate::model::{ActionId, Planned, PlannedRef, Presence, Record, Shape, Value, ValueRef};

/// Target fields that a rule fills. A field that a rule does not touch stays as it is.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    current: &'a Record,
    planned: Vec<(usize, Held)>,
    /// Which slots below 64 are planned, as bits: nearly always tells that one is new.
    low: u64,
    /// The texts of what is planned.
    text: String,
    scratch: String,
}

/// What is planned for a slot.
#[derive(Clone, Debug)]
enum Held {
    /// From one byte of the texts to before another.
    Text(usize, usize),
    Value(Value),
    ResultOf(ActionId),
    TargetDecides,
}

impl<'a> Draft<'a> {
    /// A draft over the target record as it is. For a create: a record about which nothing was said.
    pub fn over(current: &'a Record) -> Self {
        Self { current, planned: Vec::new(), low: 0, text: String::new(), scratch: String::new() }
    }

    /// Forgets what was planned, for the next record. The room for it is kept.
    pub fn clear(&mut self) {
        self.planned.clear();
        self.low = 0;
        self.text.clear();
    }

    /// The shape of the target.
    pub fn shape(&self) -> &Arc<Shape> {
        self.current.shape()
    }

    /// What the target holds before: what a rule needs that writes only part of a field, or that must keep what it
    /// cannot see.
    #[inline]
    pub fn current(&self, slot: usize) -> Presence<'a> {
        self.current.get(slot)
    }

    /// What the target holds before, by name.
    pub fn current_field(&self, field: &str) -> Presence<'a> {
        self.current.field(field)
    }

    /// Plans a value for a slot; a later one replaces an earlier one. Slots beyond the shape are left out.
    pub fn set(&mut self, slot: usize, value: Planned) {
        let held = match value {
            Planned::Known(value) => Held::Value(value),
            Planned::ResultOf(action) => Held::ResultOf(action),
            Planned::TargetDecides => Held::TargetDecides,
        };
        self.hold(slot, held);
    }

    /// Plans a known value for a slot.
    pub fn set_known(&mut self, slot: usize, value: Value) {
        self.hold(slot, Held::Value(value));
    }

    /// Plans a known value for a slot that belongs to somebody else: a text is copied behind the others, and nothing is
    /// allocated where the draft has room.
    #[inline]
    pub fn set_lent(&mut self, slot: usize, value: ValueRef<'_>) {
        match value {
            ValueRef::Text(text) => self.set_text(slot, text),
            other => self.hold(slot, Held::Value(other.to_value())),
        }
    }

    /// Plans a text for a slot, which is copied behind the others.
    #[inline]
    pub fn set_text(&mut self, slot: usize, text: &str) {
        let from = self.text.len();
        self.text.push_str(text);
        self.hold(slot, Held::Text(from, self.text.len()));
    }

    #[inline]
    fn hold(&mut self, slot: usize, held: Held) {
        if slot >= self.current.shape().len() {
            return;
        }
        let bit = if slot < 64 { 1 << slot } else { 0 };
        if bit != 0 && self.low & bit == 0 {
            self.low |= bit;
            self.planned.push((slot, held));
            return;
        }
        match self.planned.iter_mut().find(|(known, _)| *known == slot) {
            Some((_, planned)) => *planned = held,
            None => self.planned.push((slot, held)),
        }
    }

    #[inline]
    fn lent<'s>(&'s self, held: &'s Held) -> PlannedRef<'s> {
        match held {
            Held::Text(from, to) => {
                PlannedRef::Known(ValueRef::Text(self.text.get(*from..*to).unwrap_or_default()))
            }
            Held::Value(value) => PlannedRef::Known(value.as_ref()),
            Held::ResultOf(action) => PlannedRef::ResultOf(*action),
            Held::TargetDecides => PlannedRef::TargetDecides,
        }
    }

    /// What was planned, by slot, in the order in which slots were first set.
    #[inline]
    pub fn planned(&self) -> impl ExactSizeIterator<Item = (usize, PlannedRef<'_>)> {
        self.planned.iter().map(|(slot, held)| (*slot, self.lent(held)))
    }

    /// What was planned behind the first so many slots: what rules planned since there were so many.
    pub fn planned_since(&self, slots: usize) -> impl ExactSizeIterator<Item = (usize, PlannedRef<'_>)> {
        let since = self.planned.get(slots..).unwrap_or_default();
        since.iter().map(|(slot, held)| (*slot, self.lent(held)))
    }

    /// Forgets all but the first so many slots that were planned: what a rule left that failed half-way.
    pub fn forget_since(&mut self, slots: usize) {
        for (slot, _) in self.planned.drain(slots.min(self.planned.len())..) {
            if slot < 64 {
                self.low &= !(1 << slot);
            }
        }
    }

    /// What is planned for a slot.
    pub fn get(&self, slot: usize) -> Option<PlannedRef<'_>> {
        self.planned.iter().find(|(known, _)| *known == slot).map(|(_, held)| self.lent(held))
    }

    /// Takes what was planned.
    pub fn into_planned(self) -> Vec<(usize, Planned)> {
        let Self { planned, text, .. } = self;
        let taken = |held| match held {
            Held::Text(from, to) => Planned::Known(Value::text(text.get(from..to).unwrap_or_default())),
            Held::Value(value) => Planned::Known(value),
            Held::ResultOf(action) => Planned::ResultOf(action),
            Held::TargetDecides => Planned::TargetDecides,
        };
        planned.into_iter().map(|(slot, held)| (slot, taken(held))).collect()
    }

    /// Whether the target holds no value in a slot before, be it null.
    #[inline]
    pub fn is_unsaid(&self, slot: usize) -> bool {
        !self.current.holds(slot)
    }

    /// A text for a rule to put a value together in. What stands there means nothing; its room is used again by the next
    /// rule.
    #[inline]
    pub fn scratch(&mut self) -> &mut String {
        &mut self.scratch
    }
}

#[cfg(test)]
mod tests {
    use super::Draft;
    use crate::model::{Planned, PlannedRef, Record, Shape, Value, ValueRef};

    // Catches: a text that moves under those planned after it, and one that a later value of its slot does not replace.
    #[test]
    fn what_was_lent_is_what_is_taken_whatever_was_planned_since() {
        let shape = Shape::new(["a".into(), "b".into(), "c".into()]).unwrap();
        let nothing = Record::absent(&shape);
        let mut draft = Draft::over(&nothing);
        draft.set_lent(1, ValueRef::Text("Zürich"));
        draft.set_lent(0, ValueRef::Int(5));
        draft.set_lent(2, ValueRef::Text(""));
        draft.set_lent(1, ValueRef::Text("Köln"));
        draft.set_lent(3, ValueRef::Text("beyond the shape"));
        draft.set(0, Planned::TargetDecides);
        assert_eq!(draft.get(1), Some(PlannedRef::Known(ValueRef::Text("Köln"))));
        let lent: Vec<_> = draft.planned().map(|(slot, planned)| (slot, planned.to_planned())).collect();
        let expected = [
            (1, Planned::Known(Value::text("Köln"))),
            (0, Planned::TargetDecides),
            (2, Planned::Known(Value::text(""))),
        ];
        assert_eq!(lent, expected);
        let since: Vec<usize> = draft.planned_since(2).map(|(slot, _)| slot).collect();
        assert_eq!(since, [2]);
        assert_eq!(draft.clone().into_planned(), expected);
        draft.forget_since(1);
        assert_eq!(draft.get(2), None);
        draft.set_text(2, "again");
        assert_eq!(draft.get(2), Some(PlannedRef::Known(ValueRef::Text("again"))));
        draft.clear();
        assert_eq!(draft.planned().len(), 0);
        draft.set_lent(2, ValueRef::Text("new"));
        assert_eq!(draft.into_planned(), [(2, Planned::Known(Value::text("new")))]);
    }
}
