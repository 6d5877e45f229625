//! Entries as lines of JSON: views over what a plan holds, with keys in a stable order.
//!
//! A line says what an entry does and what it relies on, so that a person or a program can judge it. What was observed
//! on both sides is not printed: it is our state's business, and it is larger than the entry. Nor is what goes without
//! saying, which is half of a create: a change without `before` is one of a field of which nothing was known, as of
//! every field of a new record, and where all values of an action come from one place, the action says `from` and its
//! changes do not. Lines are written and never read back into entries; applying a plan takes its entries from the state
//! store.

use serde::ser::{SerializeMap, SerializeSeq, SerializeStruct};
use serde::{Serialize, Serializer};

use super::changes::{Change, Changes, PlannedRef};
use super::entry::{
    Action, Basis, Body, ConflictView, Effect, Entry, Feed, ParkReason, Parked, PlannedExpects,
    PlannedGround, PlannedTarget, PlannedVerb, Reason, Wait,
};
use super::parking::park_name;
use crate::connector::AbsenceProof;
use crate::mapper::{Ask, MapProblem};
use crate::model::{ActionId, Bits, FieldName, Presence, RecordId, Side, Sides, Slot, Version};

/// An entry as a line of a plan shows it: `{"entry":{..}}` without the line's end.
#[derive(Clone, Copy, Debug)]
pub struct EntryLine<'a>(pub &'a Entry);

impl Serialize for EntryLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        one(serializer, "entry", &EntryView(self.0))
    }
}

/// An object with one key.
fn one<S: Serializer, T: Serialize + ?Sized>(s: S, key: &'static str, value: &T) -> Result<S::Ok, S::Error> {
    let mut map = s.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

struct EntryView<'a>(&'a Entry);

impl Serialize for EntryView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Entry { key, link, ids, basis, observed: _, settles, body } = self.0;
        let mut out = serializer.serialize_struct("entry", 9)?;
        out.serialize_field("rank", &key.rank)?;
        out.serialize_field("link", link)?;
        out.serialize_field("side", &key.side)?;
        out.serialize_field("id", &key.id)?;
        out.serialize_field("part", &key.part)?;
        out.serialize_field("ids", ids)?;
        out.serialize_field("basis", &BasisView(basis))?;
        if !settles.is_empty() {
            out.serialize_field("settles", &BitsView(settles))?;
        }
        match body {
            Body::Act(action) => out.serialize_field("action", &ActionView(action))?,
            Body::Effect(effect) => out.serialize_field("effect", &EffectView(effect))?,
        }
        out.end()
    }
}

struct BitsView<'a>(&'a Bits);

impl Serialize for BitsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

struct BasisView<'a>(&'a Basis);

impl Serialize for BasisView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Basis { pair_revision, versions } = self.0;
        let mut out = serializer.serialize_struct("basis", 2)?;
        out.serialize_field("pair_revision", pair_revision)?;
        out.serialize_field("versions", versions)?;
        out.end()
    }
}

/// The same text as the id's own, without going through formatting: half of what an action's line costs otherwise.
struct IdView<'a>(&'a ActionId);

impl Serialize for IdView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [b'0'; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0.as_bytes()) {
            if let [high, low] = pair {
                (*high, *low) = (hex_digit(byte >> 4), hex_digit(byte & 15));
            }
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' - 10 + value }
}

struct ActionView<'a>(&'a Action);

impl Serialize for ActionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Action { id, side, target, verb, changes, expects, reason, waits_for } = self.0;
        let mut out = serializer.serialize_struct("action", 12)?;
        out.serialize_field("id", &IdView(id))?;
        out.serialize_field("side", side)?;
        out.serialize_field("target", &TargetView(target))?;
        match verb {
            PlannedVerb::Create => out.serialize_field("verb", "create")?,
            PlannedVerb::Update => out.serialize_field("verb", "update")?,
            PlannedVerb::Delete(ground) => {
                out.serialize_field("verb", "delete")?;
                out.serialize_field("ground", &GroundView(ground))?;
            }
            PlannedVerb::Action { name, back } => {
                out.serialize_field("verb", "action")?;
                out.serialize_field("action", name)?;
                if let Some(back) = back {
                    out.serialize_field("back", back)?;
                }
            }
        }
        out.serialize_field("reason", reason_name(reason))?;
        out.serialize_field("expects", &ExpectsView(expects))?;
        if let [from] = changes.origins() {
            out.serialize_field("from", from)?;
        }
        if !changes.is_empty() {
            out.serialize_field("changes", &ChangesView(changes))?;
        }
        if !waits_for.is_empty() {
            out.serialize_field("waits_for", &Each(waits_for, WaitView))?;
        }
        out.end()
    }
}

/// A list, each element through its view.
struct Each<'a, T, V>(&'a [T], fn(&'a T) -> V);

impl<'a, T, V: Serialize> Serialize for Each<'a, T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

struct TargetView<'a>(&'a PlannedTarget);

impl Serialize for TargetView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            PlannedTarget::Existing(id) => one(serializer, "existing", id),
            PlannedTarget::New => serializer.serialize_str("new"),
            PlannedTarget::CreatedBy(wait) => one(serializer, "created_by", &WaitView(wait)),
        }
    }
}

struct WaitView<'a>(&'a Wait);

impl Serialize for WaitView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Wait { action, ask } = self.0;
        let mut out = serializer.serialize_struct("wait", 2)?;
        out.serialize_field("action", &IdView(action))?;
        out.serialize_field("ask", &AskView(ask))?;
        out.end()
    }
}

struct AskView<'a>(&'a Ask);

impl Serialize for AskView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Partner<'a> {
            link: &'a crate::model::LinkId,
            side: Side,
            id: &'a RecordId,
        }
        let Ask::Partner { link, side, id } = self.0;
        one(serializer, "partner_of", &Partner { link, side: *side, id })
    }
}

struct GroundView<'a>(&'a PlannedGround);

impl Serialize for GroundView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tombstone<'a> {
            id: &'a RecordId,
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<&'a Version>,
            #[serde(skip_serializing_if = "Option::is_none")]
            merged_into: Option<&'a RecordId>,
        }
        #[derive(Serialize)]
        struct Gone<'a> {
            id: &'a RecordId,
            seen: &'a str,
        }
        match self.0 {
            PlannedGround::LeftScope => serializer.serialize_str("left_scope"),
            PlannedGround::Absent(AbsenceProof::Tombstone(proof)) => {
                let (version, merged_into) = (proof.version.as_ref(), proof.merged_into.as_ref());
                one(serializer, "tombstone", &Tombstone { id: &proof.id, version, merged_into })
            }
            PlannedGround::Absent(AbsenceProof::Gone(proof)) => {
                one(serializer, "gone", &Gone { id: &proof.id, seen: &proof.seen })
            }
        }
    }
}

struct ExpectsView<'a>(&'a PlannedExpects);

impl Serialize for ExpectsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            PlannedExpects::Anything => serializer.serialize_str("anything"),
            PlannedExpects::Missing => serializer.serialize_str("missing"),
            PlannedExpects::Before => serializer.serialize_str("before"),
            PlannedExpects::Version(version) => one(serializer, "version", version),
            PlannedExpects::Released { fields } => one(serializer, "released", fields),
            PlannedExpects::AsLeft => serializer.serialize_str("as_left"),
        }
    }
}

struct ChangesView<'a>(&'a Changes);

impl Serialize for ChangesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let each = self.0.origins().len() > 1;
        let mut out = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|change| out.serialize_element(&ChangeView { change, each }))?;
        out.end()
    }
}

struct ChangeView<'a> {
    change: Change<'a>,
    /// Whether the values of the action come from several places.
    each: bool,
}

impl Serialize for ChangeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Change { rule, field, before, after, from } = &self.change;
        let mut out = serializer.serialize_struct("change", 5)?;
        out.serialize_field("field", field)?;
        if *before != Presence::Absent {
            out.serialize_field("before", before)?;
        }
        out.serialize_field("after", &PlannedView(after))?;
        if self.each {
            out.serialize_field("from", from)?;
        }
        if let Some(rule) = rule {
            out.serialize_field("rule", rule)?;
        }
        out.end()
    }
}

/// As [`Planned`](crate::model::Planned) is written.
struct PlannedView<'a>(&'a PlannedRef<'a>);

impl Serialize for PlannedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            PlannedRef::Known(value) => one(serializer, "known", value),
            PlannedRef::ResultOf(action) => one(serializer, "result_of", &IdView(action)),
            PlannedRef::TargetDecides => serializer.serialize_str("target_decides"),
        }
    }
}

fn reason_name(reason: &Reason) -> &'static str {
    match reason {
        Reason::Changed => "changed",
        Reason::NoPartner => "no_partner",
        Reason::FirstLink => "first_link",
        Reason::LateReference => "late_reference",
        Reason::PartnerGone => "partner_gone",
        Reason::PartnerLeftScope => "partner_left_scope",
        Reason::Restore => "restore",
        Reason::Resolution => "resolution",
        Reason::ReleaseKey => "release_key",
        Reason::State => "state",
        Reason::Opened => "opened",
        Reason::ClosedAgain => "closed_again",
    }
}

struct EffectView<'a>(&'a Effect);

impl Serialize for EffectView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Effect::Link { line } => one(serializer, "link", &Line { line: *line }),
            Effect::Agree => serializer.serialize_str("agree"),
            Effect::OpenConflict(view) => one(serializer, "open_conflict", &ConflictJson(view)),
            Effect::CloseConflict { rules } => one(serializer, "close_conflict", &Rules { rules }),
            Effect::Park(parked) => one(serializer, "park", &ParkedView(parked)),
            Effect::EndPair { gone } => one(serializer, "end_pair", &Gone { gone }),
            Effect::Freeze { side } => one(serializer, "freeze", &OfSide { side: *side }),
            Effect::Thaw => serializer.serialize_str("thaw"),
            Effect::Relink { into } => one(serializer, "relink", &Into { into }),
            Effect::Diverged { rules } => one(serializer, "diverged", &Rules { rules }),
            Effect::Cursor { side, feed } => one(serializer, "cursor", &CursorView { side: *side, feed }),
        }
    }
}

#[derive(Serialize)]
struct Line {
    line: u16,
}

#[derive(Serialize)]
struct Rules<'a> {
    rules: &'a [crate::model::RuleId],
}

#[derive(Serialize)]
struct Gone<'a> {
    gone: &'a Sides<bool>,
}

#[derive(Serialize)]
struct Into<'a> {
    into: &'a Sides<Option<RecordId>>,
}

#[derive(Serialize)]
struct OfSide {
    side: Side,
}

struct CursorView<'a> {
    side: Side,
    feed: &'a Feed,
}

impl Serialize for CursorView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Feed { cursor, enumerated_at, enumerated } = self.feed;
        let mut out = serializer.serialize_struct("cursor", 4)?;
        out.serialize_field("side", &self.side)?;
        out.serialize_field("after", &cursor.as_ref().map(|cursor| Hex(cursor.as_bytes())))?;
        out.serialize_field("enumerated_at", enumerated_at)?;
        out.serialize_field("enumerated", enumerated)?;
        out.end()
    }
}

/// Bytes in hexadecimal: a cursor is opaque, and need not be text.
struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

struct ConflictJson<'a>(&'a ConflictView);

impl Serialize for ConflictJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ConflictView { rules, why, fields } = self.0;
        let mut out = serializer.serialize_struct("conflict", 4)?;
        out.serialize_field("rules", rules)?;
        out.serialize_field("why", why)?;
        out.serialize_field("left", &Each(&fields.left, HeldView))?;
        out.serialize_field("right", &Each(&fields.right, HeldView))?;
        out.end()
    }
}

struct HeldView<'a>(&'a (FieldName, Slot, Slot));

impl Serialize for HeldView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (field, base, current) = self.0;
        let mut out = serializer.serialize_struct("held", 3)?;
        out.serialize_field("field", field)?;
        out.serialize_field("base", base)?;
        out.serialize_field("current", current)?;
        out.end()
    }
}

struct ParkedView<'a>(&'a Parked);

impl Serialize for ParkedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Parked { side, id, rules, why, message, remedy } = self.0;
        let mut out = serializer.serialize_struct("parked", 8)?;
        out.serialize_field("side", side)?;
        out.serialize_field("id", id)?;
        if !rules.is_empty() {
            out.serialize_field("rules", rules)?;
        }
        out.serialize_field("why", park_name(why))?;
        if let ParkReason::Map(MapProblem::Waiting(ask)) = why {
            out.serialize_field("waits_for", &AskView(ask))?;
        }
        if let ParkReason::Merged { into } = why {
            out.serialize_field("merged_into", into)?;
        }
        if let ParkReason::Suspected(suspicion) = why {
            out.serialize_field("suspicion", suspicion)?;
        }
        out.serialize_field("message", message)?;
        out.serialize_field("remedy", remedy)?;
        out.end()
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
