//! The oracle of random schedules: a ledger of what users did. It knows nothing of how the engine works, only which
//! field means the same as which.
//!
//! Every value that a user writes is unique and names the thing that it is of. So each value found anywhere tells who
//! wrote it for what, and each value that is not found anywhere must have been replaced by a user.

use std::collections::{BTreeMap, BTreeSet};

use seamless_connectors::memory::Memory;
use seamless_core::model::{RecordId, Side, Sides, Value};

/// The kinds of things that both systems know: entity and name-giving field of each side, then the carried fields, then
/// a field that no rule carries.
pub(crate) struct Kind {
    pub(crate) link: &'static str,
    pub(crate) entity: [&'static str; 2],
    pub(crate) named_by: [&'static str; 2],
    pub(crate) carried: &'static [[&'static str; 2]],
    pub(crate) reference: [&'static str; 2],
    pub(crate) refers_to: usize,
    pub(crate) own: [&'static str; 2],
}

pub(crate) const KINDS: [Kind; 2] = [
    Kind {
        link: "customers",
        entity: ["account", "Customer"],
        named_by: ["accountnumber", "No."],
        carried: &[["name", "Name"], ["phone", "Phone No."], ["web", "Home Page"]],
        reference: ["owner", "Primary Contact"],
        refers_to: 1,
        own: ["note", "Memo"],
    },
    Kind {
        link: "contacts",
        entity: ["contact", "Contact"],
        named_by: ["email", "E-Mail"],
        carried: &[["fullname", "Name"]],
        reference: ["account", "Company"],
        refers_to: 0,
        own: ["note", "Memo"],
    },
];

pub(crate) fn of<T: Copy>(sides: [T; 2], side: Side) -> T {
    match side {
        Side::Left => sides[0],
        Side::Right => sides[1],
    }
}

/// A place where a value can stand.
type Place = (Side, usize, RecordId, String);

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    serial: usize,
    /// Who wrote a value: kind, thing, carried field.
    written: BTreeMap<String, (usize, usize, usize)>,
    /// Values that a user saw and replaced, or deleted with their record.
    replaced: BTreeSet<String>,
    /// Values that a user replaced at a place: they must not come back there.
    banned: BTreeSet<(Place, String)>,
    /// Values written while the engine was between reading and writing.
    rushed: BTreeSet<(Side, String)>,
    /// What the field that no rule carries holds.
    own: BTreeMap<Place, Value>,
    /// Records that users deleted.
    deleted: BTreeSet<(Side, usize, RecordId)>,
    /// Records that were seen.
    known: BTreeSet<(Side, usize, RecordId)>,
    pub(crate) is_rushed: bool,
}

impl Ledger {
    /// A value that nobody wrote before.
    pub(crate) fn fresh(&mut self, kind: usize, thing: usize, field: usize) -> Value {
        self.serial += 1;
        // Digits decide for phones, so that the number is what makes them unique.
        let text = match (kind, field) {
            (0, 1) => format!("({thing}) {:05}", self.serial),
            _ => format!("{}{thing} v{}", KINDS[kind].link, self.serial),
        };
        self.written.insert(text.clone(), (kind, thing, field));
        Value::text(&text)
    }

    /// A user replaces what a field holds.
    pub(crate) fn replaces(
        &mut self,
        systems: &Sides<Memory>,
        side: Side,
        kind: usize,
        id: &RecordId,
        field: &str,
    ) {
        let Some(Value::Text(before)) = systems.of(side).value(of(KINDS[kind].entity, side), id, field)
        else {
            return;
        };
        self.replaced.insert(before.to_string());
        self.banned.insert(((side, kind, id.clone(), field.to_owned()), before.to_string()));
    }

    /// A user wrote a value at a place.
    pub(crate) fn wrote(&mut self, side: Side, kind: usize, id: &RecordId, field: &str, value: &Value) {
        let Value::Text(text) = value else { return };
        self.banned.remove(&((side, kind, id.clone(), field.to_owned()), text.to_string()));
        self.replaced.remove(&**text);
        if self.is_rushed {
            self.rushed.insert((side, text.to_string()));
        }
    }

    pub(crate) fn noted(&mut self, side: Side, kind: usize, id: &RecordId, value: Value) {
        self.own.insert((side, kind, id.clone(), of(KINDS[kind].own, side).to_owned()), value);
    }

    /// A user deletes a record, and knows what it holds.
    pub(crate) fn deletes(&mut self, systems: &Sides<Memory>, side: Side, kind: usize, id: &RecordId) {
        for pair in KINDS[kind].carried {
            self.replaces(systems, side, kind, id, of(*pair, side));
        }
        self.deleted.insert((side, kind, id.clone()));
        let own = (side, kind, id.clone(), of(KINDS[kind].own, side).to_owned());
        self.own.remove(&own);
    }

    /// A record is there that a user made.
    pub(crate) fn created(&mut self, side: Side, kind: usize, id: &RecordId) {
        self.deleted.remove(&(side, kind, id.clone()));
    }

    /// What must hold after every run, quiet or not: nothing came back, nothing was invented, nothing was touched that
    /// is none of the engine's business, nothing exists twice.
    pub(crate) fn check_always(&mut self, systems: &Sides<Memory>, overwrites: [bool; 2]) {
        for (place, value) in &self.own {
            let (side, kind, id, field) = place;
            let system = systems.of(*side);
            if system.get(of(KINDS[*kind].entity, *side), id).is_some() {
                let now = system.value(of(KINDS[*kind].entity, *side), id, field);
                assert_eq!(now.as_ref(), Some(value), "I13: {place:?} was touched");
            }
        }
        for (number, kind) in KINDS.iter().enumerate() {
            for side in Side::BOTH {
                let mut names = BTreeSet::new();
                for row in systems.of(side).rows(of(kind.entity, side)) {
                    self.known.insert((side, number, row.id.clone()));
                    let value = |field| systems.of(side).value(of(kind.entity, side), &row.id, field);
                    let name = value(of(kind.named_by, side)).unwrap();
                    assert!(names.insert(name.to_string()), "I25: {side} {name} exists twice");
                    for (at, pair) in kind.carried.iter().enumerate() {
                        let field = of(*pair, side);
                        let Some(Value::Text(text)) = value(field) else { continue };
                        let by = self.written.get(&*text);
                        let by = by.unwrap_or_else(|| panic!("I12: nobody wrote {text:?} at {side} {name}"));
                        assert_eq!(
                            (by.0, by.2),
                            (number, at),
                            "I12: {text:?} stands at {side} {name} {field}"
                        );
                        assert!(name.to_string().contains(&format!("c{}", by.1)), "I12: {text:?} at {name}");
                        let place = (side, number, row.id.clone(), field.to_owned());
                        let rushed = overwrites[usize::from(side == Side::Right)];
                        let came_back = self.banned.contains(&(place, text.to_string()));
                        assert!(!came_back || rushed, "I10: {text:?} came back at {side} {name} {field}");
                    }
                }
            }
        }
    }

    /// What must hold of values when all is quiet: each one that a user wrote stands somewhere, or a user replaced it.
    pub(crate) fn check_lost(&self, systems: &Sides<Memory>, overwrites: [bool; 2]) {
        let mut stands = BTreeSet::new();
        for kind in &KINDS {
            for side in Side::BOTH {
                for row in systems.of(side).rows(of(kind.entity, side)) {
                    let texts =
                        row.record.fields().filter_map(|(_, value)| match value.value()?.to_value() {
                            Value::Text(text) => Some(text.to_string()),
                            _ => None,
                        });
                    stands.extend(texts);
                }
            }
        }
        for text in self.written.keys().filter(|text| !stands.contains(*text)) {
            let rushed = Side::BOTH.into_iter().any(|side| {
                overwrites[usize::from(side == Side::Right)] && self.rushed.contains(&(side, text.clone()))
            });
            assert!(self.replaced.contains(text) || rushed, "I11: {text:?} is lost");
        }
    }

    /// Records that are gone without a user having deleted them.
    pub(crate) fn gone(&self, systems: &Sides<Memory>) -> Vec<(Side, usize, RecordId)> {
        let is_gone = |known: &&(Side, usize, RecordId)| {
            let (side, kind, id) = known;
            systems.of(*side).get(of(KINDS[*kind].entity, *side), id).is_none()
                && !self.deleted.contains(known)
        };
        self.known.iter().filter(is_gone).cloned().collect()
    }

    pub(crate) fn was_deleted(&self, side: Side, kind: usize, id: &RecordId) -> bool {
        self.deleted.contains(&(side, kind, id.clone()))
    }
}
