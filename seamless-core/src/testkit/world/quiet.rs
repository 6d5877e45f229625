//! The oracle when a run has ended, and when all is quiet: what waits, what differs, what is lost. It looks at the two
//! systems and the chronicle; of the engine it reads only what it tells its host, and the pairs that it keeps. The doors are
//! the methods that `play` calls.

use std::collections::BTreeSet;

use super::chronicle::{REFERENCE, Thing, is_blank, tag};
use super::finding::Harm;
use super::names::NAME;
use super::switches::{Blank, Switches};
use super::universe::Universe;
use crate::model::{LinkId, RecordId, RuleId, Side, Sides, Value};
use crate::store::{Attention, AttentionWhy, Mark, Pair, PairStatus};

/// What waits, as the engine tells its host.
pub(super) type Waiting = Vec<(LinkId, Attention)>;

/// What is kept of a link.
pub(super) type Kept = (Vec<Mark>, Vec<Pair>);

pub(super) fn waits(
    waiting: &Waiting,
    link: &LinkId,
    side: Side,
    id: &RecordId,
    rule: Option<&RuleId>,
) -> bool {
    let of_record = waiting.iter().filter(|(of, row)| of == link && row.side == side && row.id == *id);
    of_record.into_iter().any(|(_, row)| match &row.why {
        AttentionWhy::Conflict { rules, .. } => rule.is_some_and(|rule| rules.contains(rule)),
        AttentionWhy::Parked { rules, .. } => {
            rules.is_empty() || rule.is_some_and(|rule| rules.contains(rule))
        }
        AttentionWhy::Hint { .. } | AttentionWhy::Retry { .. } => false,
    })
}

/// Whether two values mean the same, given what the two systems make of values.
fn agree(left: &Value, right: &Value, systems: Sides<&Switches>, same: fn(&Value, &Value) -> bool) -> bool {
    let stored = |side: Side, value: &Value| systems.of(side).stored(value.clone());
    let blanks = Side::BOTH.into_iter().any(|side| systems.of(side).blank != Blank::Apart);
    if blanks && is_blank(left) && is_blank(right) {
        return true;
    }
    let there = |value: &Value| stored(Side::Right, value);
    let back = |value: &Value| stored(Side::Left, value);
    same(left, right)
        || same(&there(left), right)
        || same(left, &back(right))
        || same(&back(&there(left)), left) && same(&there(left), &there(right))
        || same(&there(&back(right)), right) && same(&back(left), &back(right))
}

impl Universe {
    fn switches(&self) -> Sides<&Switches> {
        self.systems.as_ref().map(|system| &system.switches)
    }

    /// Whether a carried field of the two records of a thing means the same on both sides.
    fn is_agreed(&self, thing: Thing, field: usize, ids: &Sides<RecordId>) -> bool {
        let kind = thing.0;
        let rows =
            Sides::new(self.systems.left.row(kind, &ids.left), self.systems.right.row(kind, &ids.right));
        let (Some(left), Some(right), Some(described)) = (rows.left, rows.right, self.kinds.get(kind)) else {
            return false;
        };
        if field == REFERENCE {
            let Some(reference) = &described.reference else { return true };
            let root =
                |target: Option<usize>| target.map(|target| self.chronicle.root((reference.to, target)));
            return root(self.target(Side::Left, kind, left)) == root(self.target(Side::Right, kind, right));
        }
        if field == NAME {
            let name =
                |side: Side, row: &super::table::Row| row.value(described.named_by.of(side).as_str()).clone();
            return name(Side::Left, left) == name(Side::Right, right);
        }
        let Some(carried) = described.carried.get(field) else { return true };
        let value = |side: Side, row: &super::table::Row| row.value(carried.field.of(side).as_str()).clone();
        let (left, right) = (value(Side::Left, left), value(Side::Right, right));
        let is_form = |side: Side, made: &Value, other: &Value| {
            self.chronicle.is_form(thing, (field, side, tag(made), tag(other)))
        };
        is_form(Side::Left, &left, &right)
            || is_form(Side::Right, &right, &left)
            || agree(&left, &right, self.switches(), carried.same)
    }

    /// The fields of a kind: its carried ones, its reference, and the name where users may change it.
    pub(super) fn fields(&self, kind: usize) -> Vec<(usize, RuleId)> {
        let Some(described) = self.kinds.get(kind) else { return Vec::new() };
        let carried = described.carried.iter().enumerate().map(|(at, carried)| (at, carried.rule.clone()));
        let reference = described.reference.iter().map(|reference| (REFERENCE, reference.rule.clone()));
        let name = described.name_rule.iter().map(|rule| (NAME, rule.clone()));
        carried.chain(reference).chain(name).collect()
    }

    /// The two records of a thing, where each side has exactly one.
    pub(super) fn both(&self, thing: Thing) -> Option<Sides<RecordId>> {
        self.only(thing, &|_, _| true)
    }

    /// The two records of a thing that are not left out, where each side has exactly one.
    fn only(&self, thing: Thing, is_in: &dyn Fn(Side, &RecordId) -> bool) -> Option<Sides<RecordId>> {
        let of = |side: Side| {
            let mut found = self.records_of(side, thing).into_iter().filter(|id| is_in(side, id));
            found.next().filter(|_| found.next().is_none())
        };
        Some(Sides::new(of(Side::Left)?, of(Side::Right)?))
    }

    fn all_things(&self) -> Vec<Thing> {
        (0..self.kinds.len()).flat_map(|kind| (0..self.things).map(move |thing| (kind, thing))).collect()
    }

    /// A run said that nothing was left to do: what agrees now is agreed, and was seen to be.
    pub(super) fn settles(&mut self, waiting: &Waiting) {
        let began = self.chronicle.run_began;
        for thing in self.all_things() {
            let Some(ids) = self.both(thing).filter(|_| !self.chronicle.is_tangled(thing)) else { continue };
            let born = |side: Side| {
                let holder = (side, thing.0, ids.of(side).clone());
                let born = self.chronicle.born.get(&holder).copied();
                let shown = self.chronicle.shown.get(&holder).copied();
                // What was hidden all the time nobody can have paired.
                let is_known = self.chronicle.made.contains(&holder) || shown >= born;
                is_known && born.is_none_or(|born| born < began)
            };
            let Some(link) = self.kinds.get(thing.0).map(|kind| kind.link.clone()) else { continue };
            // What waits as a whole may be no pair yet.
            let alone = Side::BOTH.into_iter().any(|side| waits(waiting, &link, side, ids.of(side), None));
            if !born(Side::Left) || !born(Side::Right) {
                // Nobody can have seen both yet: what they hold may agree, and is not agreed.
                continue;
            }
            if !alone {
                self.chronicle.settled.insert(thing);
            }
            // Nobody can look for the partner of what is hidden.
            let mut is_clear = !alone && !self.is_hidden(thing);
            for (field, rule) in self.fields(thing.0) {
                let is_open =
                    Side::BOTH.into_iter().any(|side| waits(waiting, &link, side, ids.of(side), Some(&rule)));
                is_clear &= !is_open && self.is_agreed(thing, field, &ids);
                // What nobody shows is agreed by nobody.
                if !is_open && self.is_shown(thing.0, field, &ids) && self.is_agreed(thing, field, &ids) {
                    // What a user typed after the last reading agrees, and nobody has seen it.
                    let is_unseen = Side::BOTH.into_iter().any(|side| {
                        self.chronicle.is_unseen(&((side, thing.0, ids.of(side).clone()), field))
                    });
                    if field != NAME && !is_unseen {
                        self.are_in_step(thing, field, &ids);
                    }
                    self.chronicle.is_clean(thing, field, began);
                }
            }
            if is_clear {
                self.is_clear(thing);
            }
        }
    }

    /// A run said that nothing was left to do: things of which each side has one record again, the two of which are kept
    /// as a pair, are judged like others from here on. What either held before is nothing that they were in step with.
    pub(super) fn untangles(&mut self, link: &LinkId, (_, pairs): &Kept) {
        let Some(kind) = self.kinds.iter().position(|kind| kind.link == *link) else { return };
        for thing in (0..self.things).map(|number| (kind, number)) {
            let Some(ids) = self.both(thing).filter(|_| self.chronicle.is_tangled(thing)) else { continue };
            if pairs.iter().any(|pair| pair.status == PairStatus::Linked && pair.ids == ids) {
                self.chronicle.untangle(thing);
                self.fall_out_of_step(thing);
            }
        }
    }

    /// I13, I14: where a conflict is open, users of both sides edited the field.
    pub(super) fn judge_conflicts(&mut self, waiting: &Waiting) {
        for (link, row) in waiting {
            let AttentionWhy::Conflict { rules, message } = &row.why else { continue };
            let Some(kind) = self.kinds.iter().position(|kind| kind.link == *link) else { continue };
            let number = self.systems.of(row.side).row(kind, &row.id).and_then(|held| held.thing);
            let Some(thing) = number.map(|number| (kind, number)) else { continue };
            // The survivor of a merge comes with what it holds, which nobody edited.
            if self.chronicle.is_tangled(thing) || self.chronicle.root(thing) != thing {
                continue;
            }
            for (field, rule) in self.fields(kind) {
                let edited = |side: Side| self.chronicle.is_dirty(thing, field, side);
                if !rules.contains(&rule) || edited(Side::Left) && edited(Side::Right) {
                    continue;
                }
                let owed = !self.is_doubted(thing)
                    && !self.promises.is_lying()
                    && ["I20", "I21", "I9"].iter().all(|owed| self.promises.owes_both(kind, owed));
                let words = format!("{rule} of {kind}.{}: {message}", thing.1);
                self.found(Harm::FalseConflict, "I13", row.side, owed, words);
            }
        }
    }

    /// I19 and I25 of what the engine keeps.
    pub(super) fn judge_kept(&mut self, link: &LinkId, (marks, pairs): &Kept) {
        let Some(kind) = self.kinds.iter().position(|kind| kind.link == *link) else { return };
        for side in Side::BOTH {
            let mut seen = BTreeSet::new();
            for mark in marks.iter().filter(|mark| mark.status != PairStatus::Ended) {
                if !seen.insert(mark.ids.of(side).clone()) {
                    let words = format!("{} of the {side} has two", mark.ids.of(side));
                    self.found(Harm::TwoPartners, "I25", side, true, words);
                }
            }
        }
        for pair in pairs.iter().filter(|pair| pair.status == PairStatus::Linked) {
            for side in Side::BOTH {
                self.judge_bases(kind, side, pair);
            }
        }
    }

    fn judge_bases(&mut self, kind: usize, side: Side, pair: &Pair) {
        let table = self.systems.of(side).tables.get(kind);
        let id = pair.ids.of(side);
        let row = table.and_then(|table| table.now.rows.get(id).or_else(|| table.bin.get(id)));
        let Some(thing) = row.and_then(|row| row.thing).map(|number| (kind, number)) else { return };
        let Some(described) = self.kinds.get(kind) else { return };
        let mut unsound = Vec::new();
        for (field, carried) in described.carried.iter().enumerate() {
            let base = pair.base.of(side).field(carried.field.of(side).as_str());
            let Some(base) = base.value().map(|base| base.to_value()) else { continue };
            let root = self.chronicle.root(thing);
            let is_sent = self.chronicle.acknowledged.contains(&(root, field, side, tag(&base)));
            if !is_sent && !self.chronicle.was_held(thing, field, side, tag(&base)) {
                unsound.push(format!("{base} of {} of {kind}.{}", carried.rule, thing.1));
            }
        }
        for words in unsound {
            let owed = !self.chronicle.is_tangled(thing);
            self.found(Harm::UnsoundBase, "I19", side, owed, words);
        }
    }

    /// I8, I9: when all is quiet, every record has a partner or waits, and every field agrees or waits. Of a thing of which
    /// there are several records those are judged that are kept as a pair.
    pub(super) fn judge_agreement(&mut self, waiting: &Waiting, kept: &[(LinkId, Kept)]) {
        for thing in self.all_things() {
            let kind = thing.0;
            let Some(link) = self.kinds.get(kind).map(|kind| kind.link.clone()) else { continue };
            if self.is_hidden(thing) {
                continue;
            }
            // A feed is only begun where a full reading was complete: without that, what is deleted or changed silently
            // can stay unnoticed.
            let owed = !self.promises.is_lying()
                && self.promises.owes_both(kind, "I9")
                && self.promises.owes_both(kind, "I18");
            if self.chronicle.is_tangled(thing) {
                let pairs = kept.iter().filter(|(of, _)| *of == link).flat_map(|(_, (_, pairs))| pairs);
                let linked = pairs.filter(|pair| pair.status == PairStatus::Linked);
                let of_thing = linked.filter(|pair| self.are_of(thing, &pair.ids));
                for ids in of_thing.map(|pair| pair.ids.clone()).collect::<Vec<_>>() {
                    self.judge_fields(waiting, &link, thing, &ids, owed);
                }
                continue;
            }
            let waits =
                |side: Side, id: &RecordId, rule: Option<&RuleId>| waits(waiting, &link, side, id, rule);
            let ids = self.both(thing).or_else(|| self.only(thing, &|side, id| !waits(side, id, None)));
            if let Some(ids) = ids {
                self.judge_fields(waiting, &link, thing, &ids, owed);
                continue;
            }
            for side in Side::BOTH {
                let alone = self.records_of(side, thing);
                for id in alone.iter().filter(|id| !waits(side, id, None)) {
                    let words = format!(
                        "{id} ({kind}.{}) of the {side} has no partner and waits for nobody",
                        thing.1
                    );
                    self.found(Harm::Disagreement, "I9", side, owed, words);
                }
            }
        }
    }

    /// Whether both records are there, and that of the left stands for this thing and no other.
    fn are_of(&self, thing: Thing, ids: &Sides<RecordId>) -> bool {
        let row = |side: Side| self.systems.of(side).row(thing.0, ids.of(side));
        row(Side::Left).is_some_and(|row| row.thing == Some(thing.1)) && row(Side::Right).is_some()
    }

    /// I8: every field of two records that are a pair agrees or waits.
    fn judge_fields(
        &mut self,
        waiting: &Waiting,
        link: &LinkId,
        thing: Thing,
        ids: &Sides<RecordId>,
        owed: bool,
    ) {
        let kind = thing.0;
        for (field, rule) in self.fields(kind) {
            let waits = |rule: Option<&RuleId>| {
                Side::BOTH.into_iter().any(|side| waits(waiting, link, side, ids.of(side), rule))
            };
            if waits(Some(&rule)) {
                // What waits as a whole may have its conflict with a partner that is gone.
                if !waits(None) {
                    self.judge_open(waiting, link, (thing, field), &rule, ids, owed);
                }
                continue;
            }
            if self.is_denied(kind, field) || self.is_agreed(thing, field, ids) {
                continue;
            }
            let words = format!("{rule} of {kind}.{}: {}", thing.1, self.shown_both(kind, field, ids));
            self.found(Harm::Disagreement, "I8", Side::Left, owed, words);
        }
    }

    /// I14, I15: no conflict is open about a field in which both sides hold the same.
    fn judge_open(
        &mut self,
        waiting: &Waiting,
        link: &LinkId,
        (thing, field): (Thing, usize),
        rule: &RuleId,
        ids: &Sides<RecordId>,
        owed: bool,
    ) {
        let is_of = |side: Side, row: &Attention| row.side == side && row.id == *ids.of(side);
        let open = waiting.iter().any(|(of, row)| {
            let is_here = *of == *link && Side::BOTH.into_iter().any(|side| is_of(side, row));
            is_here
                && matches!(&row.why, AttentionWhy::Conflict { rules, .. } if rules.iter().all(|of| of == rule))
        });
        let held = self.held_by_both(thing.0, field, ids);
        if open && held.is_some_and(|held| held.left == held.right) && !self.is_denied(thing.0, field) {
            let words = format!("{rule} of {}.{} is the same on both sides", thing.0, thing.1);
            self.found(Harm::FalseConflict, "I14", Side::Left, owed, words);
        }
    }

    /// What the two records of a thing hold in a carried field.
    fn held_by_both(&self, kind: usize, field: usize, ids: &Sides<RecordId>) -> Option<Sides<&Value>> {
        let name = &self.kinds.get(kind)?.carried.get(field)?.field;
        let held =
            |side: Side| Some(self.systems.of(side).row(kind, ids.of(side))?.value(name.of(side).as_str()));
        Some(Sides::new(held(Side::Left)?, held(Side::Right)?))
    }

    fn shown_both(&self, kind: usize, field: usize, ids: &Sides<RecordId>) -> String {
        let value = |side: Side| {
            let described = self.kinds.get(kind)?;
            let name = match described.carried.get(field) {
                Some(carried) => carried.field.of(side),
                None if field == NAME => described.named_by.of(side),
                None => described.reference.as_ref()?.field.of(side),
            };
            Some(self.systems.of(side).row(kind, ids.of(side))?.value(name.as_str()).to_string())
        };
        format!("{:?} and {:?}", value(Side::Left), value(Side::Right))
    }

    pub(super) fn is_hidden(&self, thing: Thing) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let ids = self.records_of(side, thing);
            ids.iter().any(|id| self.systems.of(side).row(thing.0, id).is_some_and(|row| row.hidden))
        })
    }

    /// Whether a carried field is shown on both sides, and was read since it was hidden last.
    fn is_shown(&self, kind: usize, field: usize, ids: &Sides<RecordId>) -> bool {
        let is_read = |side: Side| {
            let allowed = self.chronicle.allowed.get(&(side, kind, field)).copied().unwrap_or_default();
            let read = self.chronicle.read.get(&(side, kind, ids.of(side).clone())).copied();
            allowed == 0 || read.unwrap_or_default() > allowed
        };
        !self.is_denied(kind, field) && Side::BOTH.into_iter().all(is_read)
    }

    pub(super) fn is_denied(&self, kind: usize, field: usize) -> bool {
        let carried = self.kinds.get(kind).and_then(|kind| kind.carried.get(field));
        carried.is_some_and(|carried| {
            Side::BOTH.into_iter().any(|side| {
                let table = self.systems.of(side).tables.get(kind);
                table.is_some_and(|table| table.denied.contains(carried.field.of(side)))
            })
        })
    }

    /// I11: every value that a user wrote stands somewhere, or a user replaced it or put it away.
    pub(super) fn judge_lost(&mut self) {
        let mut stands = BTreeSet::new();
        for side in Side::BOTH {
            for kind in 0..self.kinds.len() {
                stands.extend(
                    self.systems.of(side).rows(kind).flat_map(|(_, row)| row.values.values().filter_map(tag)),
                );
            }
        }
        let buried: BTreeSet<u32> = self.chronicle.buried.iter().map(|(_, tag)| *tag).collect();
        let lost = self.chronicle.written.iter().filter(|(tag, _)| {
            !stands.contains(*tag)
                && !self.chronicle.replaced.contains(*tag)
                && !buried.contains(*tag)
                && !self.chronicle.forgiven.contains(*tag)
        });
        let lost: Vec<(u32, (Thing, usize, Side))> = lost.map(|(tag, of)| (*tag, *of)).collect();
        for (tag, (thing, field, side)) in lost {
            // What was overwritten unseen, where that is allowed, is forgiven by itself.
            let owed = !self.promises.is_lying()
                // Two sides that both show former values can undo an edit between them.
                && Side::BOTH.into_iter().any(|side| self.promises.owes(thing.0, "I21", side));
            let words = format!(
                "v{tag}, which was written on the {side} into field {field} of {}.{}, is gone",
                thing.0, thing.1
            );
            self.found(Harm::LostUpdate, "I11", side, owed, words);
        }
    }
}
