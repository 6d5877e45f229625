//! Lists of child records whose two sides both changed: merged line by line, as [`merge_keyed`] decides. The door is
//! [`merged`].
//!
//! Whether a side changed a line is asked in that side's own terms; the keys of all lines, and whether both sides hold
//! the same, in the left's, to which the lines of the right are carried. What comes out is carried back over what the
//! right holds, so that what a rule cannot see of a line stays.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::{FieldName, LineForm, LineKey, Planned, Presence, Record, Side, Sides, Value, ValueRef};

use super::keyed::{LineJudgement, merge_keyed};
use super::merged::Merged;
use super::reconcile::Case;

/// A group that is one rule between one list of each side.
struct Lists<'a> {
    case: &'a Case<'a>,
    group: usize,
    slots: Sides<usize>,
    forms: Sides<&'a LineForm>,
}

type Lines = Arc<[Record]>;

/// What lines of one key become.
enum Taken {
    /// Those of this side.
    From(Side),
    /// This one, of both.
    Line(Record),
}

/// A line of one of the four lists.
struct Line<'l> {
    side: Side,
    /// In the left's terms.
    key: Option<LineKey>,
    /// As its side holds it.
    held: &'l Record,
    /// As the left would hold it.
    left: &'l Record,
}

/// The merged lists of a group; `None` where its values are no keyed lists, where both sides did different things to a
/// line, or where lines cannot be carried.
pub(super) fn merged(case: &Case<'_>, group: usize) -> Option<Merged> {
    let slots = &case.link.groups().get(group)?.slots;
    let ([left], [right]) = (slots.left.as_slice(), slots.right.as_slice()) else { return None };
    let slots = Sides::new(*left, *right);
    let form = |side: Side| case.link.forms(side).slot(*slots.of(side)).lines();
    let forms = Sides::new(form(Side::Left)?, form(Side::Right)?);
    Lists { case, group, slots, forms }.merged()
}

impl Lists<'_> {
    fn merged(&self) -> Option<Merged> {
        let current = &self.case.current;
        let held = Sides::new(self.held(Side::Left, current.left)?, self.held(Side::Right, current.right)?);
        let together = self.together(&held)?;
        let then =
            self.carried(Side::Left, &self.with_list(Side::Left, current.left, &together), current.right)?;
        let write = |side: Side, then: &Lines| {
            let form = self.case.link.forms(side).slot(*self.slots.of(side));
            let same = form.same(ValueRef::List(then), ValueRef::List(held.of(side)));
            (!same).then(|| Value::List(Arc::clone(then)))
        };
        Some(Merged { write: Sides::new(write(Side::Left, &together), write(Side::Right, &then)) })
    }

    fn held(&self, side: Side, record: &Record) -> Option<Lines> {
        LineForm::lines_of(record.get(*self.slots.of(side)).value()?)
    }

    fn with_list(&self, side: Side, record: &Record, lines: &Lines) -> Record {
        record.with([(*self.slots.of(side), Presence::Value(ValueRef::List(lines)))])
    }

    /// The list of a record as the other side would hold it.
    fn carried(&self, from: Side, source: &Record, target: &Record) -> Option<Lines> {
        let context = self.case.context.of(from.other());
        let planned = self.case.link.carry_group(self.group, from, source, target, context).ok()?;
        match planned.as_slice() {
            [(_, Planned::Known(value))] => LineForm::lines_of(value.as_ref()),
            _ => None,
        }
    }

    /// The lines of both sides together as the left holds such lines: in the order of the left, what the right added
    /// after them.
    fn together(&self, held: &Sides<Lines>) -> Option<Lines> {
        let (base, current) = (&self.case.base, &self.case.current);
        let (base_left, base_right) = (base.left?, base.right?);
        let bases = Sides::new(self.held(Side::Left, base_left)?, self.held(Side::Right, base_right)?);
        // Over a list without lines every line is new, so that they come in the order of the right.
        let nothing = self.with_list(Side::Left, current.left, &Lines::default());
        let alone = self.carried(Side::Right, current.right, &nothing)?;
        let alone_before = self.carried(Side::Right, base_right, &nothing)?;
        let right = self.carried(Side::Right, current.right, current.left)?;
        let mut kept: BTreeMap<Option<LineKey>, VecDeque<&Record>> = BTreeMap::new();
        right.iter().for_each(|line| kept.entry(self.key(line)).or_default().push_back(line));
        let own = |line| Line { side: Side::Left, key: self.key(line), held: line, left: line };
        let theirs = |(held, alone)| Line { side: Side::Right, key: self.key(alone), held, left: alone };
        let left_lines =
            Sides::new(bases.left.iter().map(own).collect(), held.left.iter().map(own).collect());
        let before: Vec<Line<'_>> = bases.right.iter().zip(alone_before.iter()).map(theirs).collect();
        let now = held.right.iter().zip(alone.iter()).map(theirs).map(|mut line| {
            // As the left would hold it, what no rule names of it kept.
            line.left = kept.get_mut(&line.key).and_then(VecDeque::pop_front).unwrap_or(line.left);
            line
        });
        let now: Vec<Line<'_>> = now.collect();
        let Sides { left: left_before, right: left_now }: Sides<Vec<Line<'_>>> = left_lines;
        self.decided(Sides::new(&left_before, &before), Sides::new(&left_now, &now))
    }

    /// A line that both sides edited, as the left would hold it: the fields that are decided by themselves each by its
    /// policy, all others together. `None` where none are, where the line is not one on each side, or where what is decided
    /// together was edited by both.
    fn part_by_part(
        &self,
        left: (&[&Line<'_>], &[&Line<'_>]),
        right: (&[&Line<'_>], &[&Line<'_>]),
    ) -> Option<Record> {
        let own = self.forms.as_ref().map(|form| form.own());
        let (([base_left], [now_left]), ([base_right], [now_right])) = (left, right) else { return None };
        if own.left.is_empty() || own.left.len() != own.right.len() {
            return None;
        }
        let lines = Sides::new((base_left.held, now_left.held), (base_right.held, now_right.held));
        let changed = |side: Side, counts: &dyn Fn(&FieldName) -> bool| {
            let (base, now) = *lines.of(side);
            !self.forms.of(side).same_in(base, now, counts)
        };
        let decided = |counts: Sides<&dyn Fn(&FieldName) -> bool>, take: Option<Side>| match (
            changed(Side::Left, *counts.of(Side::Left)),
            changed(Side::Right, *counts.of(Side::Right)),
        ) {
            (_, false) => Some(Side::Left),
            (false, true) => Some(Side::Right),
            (true, true) if self.forms.left.same_in(now_left.left, now_right.left, counts.left) => {
                Some(Side::Left)
            }
            (true, true) => take,
        };
        let is_own =
            |side: Side, field: &FieldName| own.of(side).iter().any(|part| part.fields.contains(field));
        let rest = |side: Side| move |field: &FieldName| !is_own(side, field);
        let (of_left, of_right) = (rest(Side::Left), rest(Side::Right));
        let mut made = match decided(Sides::new(&of_left, &of_right), None)? {
            Side::Left => now_left.left.clone(),
            Side::Right => now_right.left.clone(),
        };
        for (left, right) in own.left.iter().zip(own.right) {
            let of_left = |field: &FieldName| left.fields.contains(field);
            let of_right = |field: &FieldName| right.fields.contains(field);
            let from = match decided(Sides::new(&of_left, &of_right), left.take)? {
                Side::Left => now_left.left,
                Side::Right => now_right.left,
            };
            let slots =
                left.fields.iter().filter_map(|field| made.shape().slot(field.as_str()).zip(Some(field)));
            let values: Vec<(usize, Presence<'_>)> =
                slots.map(|(slot, field)| (slot, from.field(field.as_str()))).collect();
            made = made.with(values);
        }
        Some(made)
    }

    fn key(&self, line: &Record) -> Option<LineKey> {
        self.forms.left.key_of(line)
    }

    fn decided(&self, base: Sides<&Vec<Line<'_>>>, current: Sides<&Vec<Line<'_>>>) -> Option<Lines> {
        let same = |a: &Line<'_>, b: &Line<'_>| match a.side == b.side {
            true => self.forms.of(a.side).same(a.held, b.held),
            false => self.forms.left.same(a.left, b.left),
        };
        let (bases, currents) = (base.map(Vec::as_slice), current.map(Vec::as_slice));
        let units = merge_keyed(bases, currents, |line| line.key.clone(), same);
        let by_key = current.map(|lines| {
            let mut units: BTreeMap<&Option<LineKey>, Vec<&Line<'_>>> = BTreeMap::new();
            lines.iter().for_each(|line| units.entry(&line.key).or_default().push(line));
            units
        });
        let lines =
            |side: Side, key: &Option<LineKey>| by_key.of(side).get(key).map_or(&[][..], Vec::as_slice);
        let before = base.map(|lines| {
            let mut units: BTreeMap<&Option<LineKey>, Vec<&Line<'_>>> = BTreeMap::new();
            lines.iter().for_each(|line| units.entry(&line.key).or_default().push(line));
            units
        });
        let lines_before =
            |side: Side, key: &Option<LineKey>| before.of(side).get(key).map_or(&[][..], Vec::as_slice);
        let mut taken_from: BTreeMap<Option<LineKey>, Taken> = BTreeMap::new();
        for unit in units {
            let agree = || {
                let (left, right) = (lines(Side::Left, &unit.key), lines(Side::Right, &unit.key));
                left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b))
            };
            let taken = match unit.judgement {
                LineJudgement::Agree | LineJudgement::Carry { to: Side::Right } => Taken::From(Side::Left),
                LineJudgement::Carry { to: Side::Left } => Taken::From(Side::Right),
                LineJudgement::Settled if agree() => Taken::From(Side::Left),
                LineJudgement::Conflict => {
                    let of = |side: Side| (lines_before(side, &unit.key), lines(side, &unit.key));
                    Taken::Line(self.part_by_part(of(Side::Left), of(Side::Right))?)
                }
                // Lines that differed before either side changed anything are a question of their own.
                LineJudgement::Settled => return None,
            };
            taken_from.insert(unit.key, taken);
        }
        let mut together = Vec::with_capacity(current.left.len().max(current.right.len()));
        for line in current.left.iter().chain(current.right.iter()) {
            // Lines with the same key come together, where the first of them stands.
            match taken_from.remove_entry(&line.key) {
                Some((key, Taken::From(side))) => {
                    together.extend(lines(side, &key).iter().map(|line| line.left.clone()));
                }
                Some((_, Taken::Line(line))) => together.push(line),
                None => {}
            }
        }
        Some(together.into())
    }
}
