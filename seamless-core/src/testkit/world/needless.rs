//! What has to be true in the world for something to wait for a person: an engine that asks about everything would do no
//! other harm. Judged when all is quiet, over everything that waits. Conflicts are judged by `quiet`. The door is
//! [`Universe::judge_questions`].

use std::collections::BTreeSet;

use super::chronicle::{Thing, is_blank, tag};
use super::finding::Harm;
use super::quiet::Waiting;
use super::table::Row;
use super::universe::Universe;
use crate::connector::WriteReturns;
use crate::model::{RecordId, RuleId, Side, Value};
use crate::plan::ParkedAs;
use crate::store::{Attention, AttentionWhy};

/// Something in the world that is worth a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    /// A side does not take what the other one holds.
    NotTaken,
    /// The account may not read a field, or might not at some time.
    Denied,
    /// A record of the thing is hidden.
    Hidden,
    /// A side has no record of the thing, or a user deleted one.
    Gone,
    /// What the record refers to has no partner.
    Unpaired,
    /// There are two records of one thing or of one name, or were.
    Several,
    /// A side is never sure to show all its records.
    NeverAll,
    /// A side shows for a while what it held before.
    Lags,
    /// A write of the thing was refused, or failed.
    Failed,
    /// What became of a write of the thing was not known at some time.
    Doubted,
    /// A record of the thing was merged.
    Merged,
    /// What stands there has the writer of what was sent there, and nothing proves what the system made of that.
    PerhapsForm,
    /// The same value was written there more than once.
    WrittenAgain,
    /// What both sides point at, taken together, leads back to the record.
    Circle,
}

/// What each reason to wait needs: one of these grounds. A reason without any has no place in this world, which knows no
/// scopes, loses no fields and breaks no records.
const fn grounds(reason: &ParkedAs) -> &'static [Ground] {
    match reason {
        ParkedAs::Unmappable | ParkedAs::DoesNotFit => &[Ground::NotTaken],
        ParkedAs::NotKnown => &[Ground::Denied, Ground::Hidden],
        ParkedAs::Waiting => &[Ground::Unpaired],
        // Where a partner is gone and that waits as well, whoever takes its place has to wait for that.
        ParkedAs::Ambiguous => &[Ground::Several, Ground::NeverAll, Ground::Gone],
        // Where no tombstone says so, a record that was merged is only gone.
        ParkedAs::PartnerGone | ParkedAs::EditedAndDeleted => &[Ground::Gone, Ground::Merged],
        ParkedAs::Hidden => &[Ground::Hidden, Ground::Gone, Ground::Merged],
        ParkedAs::Lagging => &[Ground::Lags],
        ParkedAs::Refused(_) => &[Ground::Failed],
        ParkedAs::AmbiguousCreate => &[Ground::Doubted],
        ParkedAs::Merged { .. } => &[Ground::Merged],
        ParkedAs::Suspected => &[Ground::PerhapsForm],
        ParkedAs::Returned => &[Ground::WrittenAgain],
        ParkedAs::Circle => &[Ground::Circle],
        ParkedAs::Broken | ParkedAs::LeftScope | ParkedAs::FieldGone | ParkedAs::Opened { .. } => &[],
    }
}

/// How often a value is written to one place before it may be asked about.
const WRITTEN_MIN: u32 = 2;

/// What waits: the record, its thing, and the fields that it is about.
struct Question<'a> {
    side: Side,
    thing: Thing,
    id: &'a RecordId,
    fields: Vec<usize>,
    waiting: &'a Waiting,
}

impl Universe {
    /// I9: what waits for a person has a reason to.
    pub(super) fn judge_questions(&mut self, waiting: &Waiting) {
        for (link, row) in waiting {
            let AttentionWhy::Parked { reason, rules, message, .. } = &row.why else { continue };
            let Some(kind) = self.kinds.iter().position(|kind| kind.link == *link) else { continue };
            let Some(thing) = self.thing_at_id(row.side, kind, &row.id) else { continue };
            let fields = self.fields(kind).into_iter().filter(|(_, rule)| rules.contains(rule));
            let fields = fields.map(|(field, _)| field).collect();
            let question = Question { side: row.side, thing, id: &row.id, fields, waiting };
            // What a record was asked about before it could not be looked into any more stays until it can.
            if !rules.is_empty() && self.waits_as_a_whole(waiting, thing) {
                continue;
            }
            if grounds(reason).iter().any(|ground| self.is_true(*ground, &question)) {
                continue;
            }
            let owed = !self.promises.is_lying()
                && self.promises.owes_both(kind, "I9")
                && self.promises.owes_both(kind, "I18");
            let names: Vec<&str> = rules.iter().map(RuleId::as_str).collect();
            let words = format!(
                "{} [{}] of {kind}.{} on the {}: {message}",
                reason.name(),
                names.join(", "),
                thing.1,
                row.side
            );
            self.found(Harm::NeedlessQuestion, "I9", row.side, owed, words);
        }
    }

    /// The thing that a record stands for, or stood for before it was deleted.
    pub(super) fn thing_at_id(&self, side: Side, kind: usize, id: &RecordId) -> Option<Thing> {
        let table = self.systems.of(side).tables.get(kind)?;
        let row = table.now.rows.get(id).or_else(|| table.bin.get(id))?;
        row.thing.map(|number| (kind, number))
    }

    /// Whether a record of a thing waits as a whole.
    fn waits_as_a_whole(&self, waiting: &Waiting, thing: Thing) -> bool {
        let link = self.kinds.get(thing.0).map(|kind| &kind.link);
        waiting.iter().any(|(of, row)| {
            Some(of) == link
                && matches!(&row.why, AttentionWhy::Parked { rules, .. } if rules.is_empty())
                && self.thing_at_id(row.side, thing.0, &row.id) == Some(thing)
        })
    }

    fn is_true(&self, ground: Ground, of: &Question<'_>) -> bool {
        let thing = of.thing;
        let root = self.chronicle.root(thing);
        let mut sides = Side::BOTH.into_iter();
        match ground {
            Ground::NotTaken => sides.any(|side| self.is_not_taken(side, of)),
            Ground::Denied => sides.any(|side| self.was_denied(side, of)),
            Ground::Hidden => self.is_hidden(thing),
            Ground::Gone => sides.any(|side| {
                let deletions = self.chronicle.deletions.keys();
                let is_it = |of: Thing| self.chronicle.root(of) == root;
                self.records_of(side, thing).is_empty()
                    || deletions.into_iter().any(|(on, deleted)| *on == side && is_it(*deleted))
                    || self.systems.of(side).backup.is_some()
            }),
            Ground::Unpaired => sides.any(|side| self.points_at_unpaired(side, of)),
            Ground::Several => {
                self.chronicle.was_tangled(thing)
                    || sides.any(|side| {
                        let name = self.name_at(of.side, thing.0, of.id);
                        let bearers = name.map_or(0, |name| self.bearers(side, thing.0, &name).len());
                        self.records_of(side, thing).len() > 1 || bearers > 1
                    })
            }
            Ground::NeverAll => sides.any(|side| !self.promises.owes(thing.0, "I18", side)),
            Ground::Lags => sides.any(|side| self.systems.of(side).switches.lag > 0),
            Ground::Failed => self.has_failed(thing),
            Ground::Doubted => self.was_doubted(thing),
            Ground::Merged => self.chronicle.is_merged(thing) || root != thing || self.is_survivor(thing),
            Ground::PerhapsForm => of.fields.iter().any(|field| self.is_perhaps_form(*field, of)),
            Ground::WrittenAgain => of.fields.iter().any(|field| {
                let written = self
                    .chronicle
                    .times_sent
                    .range((thing, *field, Side::Left, None)..=(thing, *field, Side::Right, Some(u32::MAX)));
                written.into_iter().any(|(_, times)| *times >= WRITTEN_MIN)
            }),
            Ground::Circle => self.leads_back(thing),
        }
    }

    fn value_at(&self, side: Side, kind: usize, id: &RecordId, field: usize) -> Option<Value> {
        let name = self.kinds.get(kind)?.carried.get(field)?.field.of(side).clone();
        Some(self.systems.of(side).row(kind, id)?.value(name.as_str()).clone())
    }

    /// Whether a side would not take what a record of the other one holds.
    fn is_not_taken(&self, side: Side, of: &Question<'_>) -> bool {
        let kind = of.thing.0;
        let records = self.records_of(side.other(), of.thing);
        of.fields.iter().any(|field| {
            let mut values = records.iter().filter_map(|id| self.value_at(side.other(), kind, id, *field));
            values.any(|value| !self.is_taken(side, kind, *field, &value))
        })
    }

    /// Whether a side hides one of the fields, or any field where the question is about the record, or did so.
    fn was_denied(&self, side: Side, of: &Question<'_>) -> bool {
        let kind = of.thing.0;
        let fields = self.kinds.get(kind).map_or(0, |kind| kind.carried.len());
        let is_meant = |field: &usize| of.fields.is_empty() || of.fields.contains(field);
        (0..fields).filter(is_meant).any(|field| {
            self.is_denied(kind, field) || self.chronicle.allowed.contains_key(&(side, kind, field))
        })
    }

    /// Whether what the record of a side refers to is gone, has not one record on each side, or waits itself.
    fn points_at_unpaired(&self, side: Side, of: &Question<'_>) -> bool {
        let kind = of.thing.0;
        let Some(to) = self.kinds.get(kind).and_then(|kind| Some(kind.reference.as_ref()?.to)) else {
            return false;
        };
        let rows = self.records_of(side, of.thing).into_iter();
        let mut rows = rows.filter_map(|id| self.systems.of(side).row(kind, &id));
        if rows.any(|row| self.points_at_deleted(side, kind, row)) {
            return true;
        }
        let records = self.records_of(side, of.thing).into_iter();
        let mut targets = records.filter_map(|id| {
            let target = self.target(side, kind, self.systems.of(side).row(kind, &id)?)?;
            Some((to, target))
        });
        targets.any(|target| {
            let waits = |row: &Attention| self.thing_at_id(row.side, to, &row.id) == Some(target);
            let link = self.kinds.get(to).map(|kind| &kind.link);
            self.both(target).is_none()
                || self.is_hidden(target)
                || of.waiting.iter().any(|(on, row)| Some(on) == link && waits(row))
        })
    }

    /// Whether a row refers to a record that is not there any more; its thing may have another record by now.
    fn points_at_deleted(&self, side: Side, kind: usize, row: &Row) -> bool {
        let Some(reference) = self.kinds.get(kind).and_then(|kind| kind.reference.as_ref()) else {
            return false;
        };
        match row.value(reference.field.of(side).as_str()) {
            Value::Reference(held) => self.systems.of(side).row(reference.to, &held.id).is_none(),
            _ => false,
        }
    }

    fn is_survivor(&self, thing: Thing) -> bool {
        (0..self.things).any(|other| other != thing.1 && self.chronicle.root((thing.0, other)) == thing)
    }

    /// Whether nothing proves what the system made of what was sent, and it may be this.
    fn is_perhaps_form(&self, field: usize, of: &Question<'_>) -> bool {
        let (side, kind) = (of.side, of.thing.0);
        let Some(value) = self.value_at(side, kind, of.id, field) else { return false };
        let root = self.chronicle.root(of.thing);
        let was_sent = self.chronicle.acknowledged.contains(&(root, field, side, tag(&value)));
        let truth = self.systems.of(side).truth.get(kind);
        // A version proves what a write came to until somebody changes anything else in the record.
        let returns_it = truth.is_some_and(|can| can.write_returns == WriteReturns::Stored);
        let is_unproven = !returns_it
            || self.was_doubted(of.thing)
            || self.is_denied(kind, field)
            || self.chronicle.allowed.contains_key(&(side, kind, field));
        is_unproven && (was_sent || is_blank(&value) || self.was_doubted(of.thing))
    }

    /// Whether references of both sides, taken together, lead from a thing back to it.
    fn leads_back(&self, thing: Thing) -> bool {
        let next = |of: Thing| -> Vec<Thing> {
            let Some(to) = self.kinds.get(of.0).and_then(|kind| Some(kind.reference.as_ref()?.to)) else {
                return Vec::new();
            };
            let on = |side: Side| self.records_of(side, of).into_iter().map(move |id| (side, id));
            let records = Side::BOTH.into_iter().flat_map(on);
            let targets = records
                .filter_map(|(side, id)| self.target(side, of.0, self.systems.of(side).row(of.0, &id)?));
            targets.map(|target| (to, target)).collect()
        };
        let (mut seen, mut open) = (BTreeSet::new(), next(thing));
        while let Some(of) = open.pop() {
            if of == thing {
                return true;
            }
            if seen.insert(of) {
                open.extend(next(of));
            }
        }
        false
    }

    /// Counts what is sent to a field of a thing, or to its reference or name.
    pub(super) fn is_sent(&mut self, thing: Thing, field: usize, side: Side, mark: Option<u32>) {
        *self.chronicle.times_sent.entry((thing, field, side, mark)).or_default() += 1;
    }
}
