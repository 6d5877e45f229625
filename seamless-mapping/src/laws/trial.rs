//! One rule on trial: its values carried there and back, and what came of each law.

use std::sync::Arc;

use seamless_core::mapper::{Answer, Ask, Direction, Found, Mapper, Resolved, Seek};
use seamless_core::model::{
    CanonicalForm, FieldName, KeyPart, LinkId, Planned, Presence, Record, RecordId, RuleId, RuleIndex, Shape,
    Side, Sides, Slot, Value, ValueRef, record,
};

use super::values::Pools;
use super::{
    CounterExample, EXAMPLES_MAX, Happened, Law, RuleLaws, SOURCES_MAX, Sample, Step, TARGETS_MAX, kind_name,
};
use crate::declaration::RuleDecl;
use crate::link_mapper::LinkMapper;
use crate::rules::{Cell, Making};

/// Values that the law of two carries is tried on: it takes three of them at a time.
const THREES_MAX: usize = 12;

/// Values of a rule's fields on a side, in the rule's order.
type Tuple = Vec<Value>;

pub(super) struct Trial<'a> {
    mapper: &'a LinkMapper,
    rule: usize,
    declared: &'a RuleDecl,
    shapes: Sides<Option<Arc<Shape>>>,
    tuples: Sides<Vec<Tuple>>,
    resolved: Resolved,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        mapper: &'a LinkMapper,
        rule: usize,
        declared: &'a RuleDecl,
        samples: &[&Sample],
    ) -> Self {
        let pools = Pools::of(mapper, rule, declared);
        let tuples = Sides::new(Side::Left, Side::Right).map(|side| {
            let fields = declared.fields.of(side);
            let mut tuples = pools.tuples(side, SOURCES_MAX);
            // What really stands there comes after what is small: the first counter-example is to be read.
            for sample in samples.iter().filter(|sample| sample.side == side) {
                let held = fields
                    .iter()
                    .map(|field| sample.record.field(field.as_str()).value().map(ValueRef::to_value));
                tuples.extend(held.collect::<Option<Tuple>>().filter(|tuple| !tuple.is_empty()));
            }
            tuples
        });
        let shape = |side: Side| Shape::new(declared.fields.of(side).iter().cloned()).ok();
        let mut trial = Self {
            mapper,
            rule,
            declared,
            shapes: Sides::new(shape(Side::Left), shape(Side::Right)),
            tuples,
            resolved: Resolved::new(),
        };
        trial.resolve();
        trial
    }

    /// Every record that a value refers to has a partner, and each its own.
    fn resolve(&mut self) {
        let mut asks = Vec::new();
        for from in Side::BOTH {
            for tuple in self.tuples.of(from) {
                let values: Vec<ValueRef<'_>> = tuple.iter().map(Value::as_ref).collect();
                self.mapper.ask_of(self.rule, from.other(), &values, &mut asks);
            }
        }
        for ask in asks {
            let Ask::Partner { link, side, id } = ask;
            let partner = partner(&id);
            let back = Ask::Partner { link: link.clone(), side: side.other(), id: partner.clone() };
            self.resolved.insert(back, Answer::Paired(id.clone()));
            self.resolved.insert(Ask::Partner { link, side, id }, Answer::Paired(partner));
        }
        // What is found by one question can lead to the next.
        for _ in 0..2 {
            let mut seeks = Vec::new();
            for from in Side::BOTH {
                for tuple in self.tuples.of(from) {
                    let values: Vec<ValueRef<'_>> = tuple.iter().map(Value::as_ref).collect();
                    self.mapper.seek_of(self.rule, from.other(), &values, &self.resolved, &mut seeks);
                }
            }
            for seek in seeks {
                let found = found(&seek);
                self.resolved.insert_found(seek, found);
            }
        }
    }

    pub(super) fn run(&self, link: &LinkId, rule: RuleId) -> RuleLaws {
        let two_way = self.declared.direction == Direction::TwoWay;
        let mut laws = RuleLaws {
            link: link.clone(),
            rule,
            kind: kind_name(&self.declared.kind),
            tried: Sides::new(0, 0),
            carried: Sides::new(0, 0),
            laws: if two_way {
                vec![Law::Settles, Law::GetPut, Law::PutGet, Law::Preimage]
            } else {
                vec![Law::Settles, Law::Preimage]
            },
            counter_examples: Vec::new(),
        };
        if two_way && self.mapper.rules().get(self.rule).is_some_and(|rule| rule.lossless) {
            laws.laws.push(Law::Lossless);
        }
        let index = u16::try_from(self.rule).map(RuleIndex);
        let wipes = |to: Side| index.is_ok_and(|index| self.mapper.wipes_out(index, to));
        if Side::BOTH.into_iter().any(|to| self.declared.direction.allows(to) && wipes(to)) {
            laws.laws.push(Law::WipesOut);
        }
        for from in Side::BOTH.into_iter().filter(|from| self.declared.direction.allows(from.other())) {
            self.one_way(from, two_way, &mut laws);
            if wipes(from.other()) {
                self.check_wipes_out(from, &mut laws);
            }
        }
        laws.counter_examples.sort_by_key(|example| (example.law, example.from == Side::Right));
        laws
    }

    fn one_way(&self, from: Side, two_way: bool, laws: &mut RuleLaws) {
        let to = from.other();
        let mut sources = self.tuples.of(from).clone();
        if self.declared.fields.of(from).is_empty() {
            // A constant reads nothing.
            sources = vec![Vec::new()];
        }
        for source in &sources {
            *laws.tried.of_mut(from) += 1;
            if self.made(to, source).is_some() {
                *laws.carried.of_mut(from) += 1;
            }
            if two_way {
                self.check_put_get(from, source, laws);
            }
            for target in self.tuples.of(to).iter().take(TARGETS_MAX) {
                self.check_with_memory(from, source, target, two_way, laws);
            }
        }
    }

    /// There and back without memory, and there again.
    fn check_put_get(&self, from: Side, source: &Tuple, laws: &mut RuleLaws) {
        let to = from.other();
        let Some(made) = self.made(to, source) else { return };
        // What stands for many values need not lead back; who remembers keeps what he has.
        let Some(back) = self.made(from, &made) else { return };
        if laws.laws.contains(&Law::Lossless) && !self.same(from, &back, source) {
            let steps =
                [(from, source, Happened::Held), (to, &made, Happened::Made), (from, &back, Happened::Made)];
            self.broken(laws, Law::Lossless, from, &steps, source);
        }
        if self.same(from, &back, source) {
            return;
        }
        let again = self.made(to, &back);
        if again.as_ref().is_none_or(|again| !self.same(to, again, &made)) {
            let again = again.unwrap_or_default();
            let steps = [
                (from, source, Happened::Held),
                (to, &made, Happened::Made),
                (from, &back, Happened::Made),
                (to, &again, Happened::Made),
            ];
            self.broken(laws, Law::PutGet, from, &steps, &made);
        }
    }

    fn check_with_memory(
        &self,
        from: Side,
        source: &Tuple,
        target: &Tuple,
        two_way: bool,
        laws: &mut RuleLaws,
    ) {
        let to = from.other();
        let Some(carried) = self.carried(from, source, target) else { return };
        let begin = [(from, source, Happened::Held), (to, target, Happened::Held)];
        let steps = |more: &[(Side, &'_ Tuple, Happened)]| -> Vec<(Side, Tuple, Happened)> {
            begin.iter().chain(more).map(|(side, tuple, what)| (*side, (*tuple).clone(), *what)).collect()
        };
        let mut tell = |law: Law, more: &[(Side, &Tuple, Happened)], wanted: &Tuple| {
            let steps = steps(more);
            let steps: Vec<(Side, &Tuple, Happened)> =
                steps.iter().map(|(side, tuple, what)| (*side, tuple, *what)).collect();
            self.broken(laws, law, from, &steps, wanted);
        };
        if self.made(from, target).is_some_and(|meant| two_way && self.same(from, &meant, source))
            && !self.same(to, &carried, target)
        {
            tell(Law::Preimage, &[(to, &carried, Happened::Carried)], target);
        }
        match self.carried(from, source, &carried) {
            Some(again) if self.same(to, &again, &carried) => {}
            again => {
                let again = again.unwrap_or_default();
                let more = [(to, &carried, Happened::Carried), (to, &again, Happened::Carried)];
                tell(Law::Settles, &more, &carried);
            }
        }
        if !two_way {
            return;
        }
        match self.carried(to, &carried, source) {
            Some(back) if self.same(from, &back, source) => {}
            back => {
                let back = back.unwrap_or_default();
                let more = [(to, &carried, Happened::Carried), (from, &back, Happened::Carried)];
                tell(Law::GetPut, &more, source);
            }
        }
    }

    /// Two carries, of which the second alone must have made the same.
    fn check_wipes_out(&self, from: Side, laws: &mut RuleLaws) {
        let to = from.other();
        let sources: Vec<&Tuple> = self.tuples.of(from).iter().take(THREES_MAX).collect();
        for target in self.tuples.of(to).iter().take(THREES_MAX) {
            for second in &sources {
                let Some(alone) = self.carried(from, second, target) else { continue };
                for first in &sources {
                    let Some(before) = self.carried(from, first, target) else { continue };
                    let Some(both) = self.carried(from, second, &before) else { continue };
                    if !self.same(to, &both, &alone) {
                        let steps = [
                            (to, target, Happened::Held),
                            (from, *first, Happened::Held),
                            (to, &before, Happened::Carried),
                            (from, *second, Happened::Held),
                            (to, &both, Happened::Carried),
                        ];
                        self.broken(laws, Law::WipesOut, from, &steps, &alone);
                    }
                }
            }
        }
    }

    /// What the rule makes with nothing there; `None` where it parks or keeps.
    fn made(&self, to: Side, values: &Tuple) -> Option<Tuple> {
        let values: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        let making = Making { resolved: &self.resolved, current: &[], creating: true };
        let made = self.mapper.make_of(self.rule, to, &values, &making)?.ok()?;
        let known = made.cells().iter().map(|cell| match cell {
            Cell::Set(Planned::Known(value)) => Some(value.clone()),
            Cell::Set(_) | Cell::Keep => None,
        });
        known.collect()
    }

    /// What a target becomes that holds something; `None` where the rule parks.
    fn carried(&self, from: Side, source: &Tuple, target: &Tuple) -> Option<Tuple> {
        let to = from.other();
        let shape = self.shapes.of(to).as_ref()?;
        let fields = self.declared.fields.of(to).iter().cloned();
        let held = record(shape, fields.zip(target.iter().cloned().map(Slot::Value))).ok()?;
        let values: Vec<ValueRef<'_>> = source.iter().map(Value::as_ref).collect();
        let written: Record =
            self.mapper.carry_values(self.rule, from, &values, &held, &self.resolved)?.ok()?;
        self.declared
            .fields
            .of(to)
            .iter()
            .map(|field| written.field(field.as_str()).value().map(ValueRef::to_value))
            .collect()
    }

    /// Equal in the rule's equivalence; null and blank text are alike, since every kind but a copy writes blank as null.
    fn same(&self, side: Side, a: &Tuple, b: &Tuple) -> bool {
        let forms = self.mapper.forms_of(self.rule, side);
        let others = self.mapper.forms_of(self.rule, side.other());
        a.len() == b.len()
            && a.iter().zip(b).enumerate().all(|(at, (a, b))| {
                let (a, b) = (Presence::Value(a.as_ref()), Presence::Value(b.as_ref()));
                let blank = |value: Presence<'_>| value.value().is_some_and(ValueRef::is_blank);
                let is_same =
                    |form: Option<&CanonicalForm>| form.is_some_and(|form| form.same_presence(a, b));
                (blank(a) && blank(b))
                    || is_same(forms.get(at))
                    || (self.mapper.is_identity(self.rule) && is_same(others.get(at)))
            })
    }

    fn broken(
        &self,
        laws: &mut RuleLaws,
        law: Law,
        from: Side,
        steps: &[(Side, &Tuple, Happened)],
        wanted: &Tuple,
    ) {
        let known = laws.counter_examples.iter().filter(|example| example.law == law && example.from == from);
        if known.count() >= EXAMPLES_MAX {
            return;
        }
        let last = steps.last().map_or(from, |(side, _, _)| *side);
        let step = |(side, values, what): &(Side, &Tuple, Happened)| Step {
            side: *side,
            values: self.named(*side, values),
            what: *what,
        };
        laws.counter_examples.push(CounterExample {
            law,
            from,
            steps: steps.iter().map(step).collect(),
            wanted: self.named(last, wanted),
        });
    }

    fn named(&self, side: Side, values: &Tuple) -> Vec<(FieldName, Value)> {
        self.declared.fields.of(side).iter().cloned().zip(values.iter().cloned()).collect()
    }
}

/// What a made-up system answers: a record is known by its key.
fn found(seek: &Seek) -> Found {
    match seek {
        Seek::Field { id, .. } => Found::Value(match id.parts().as_slice() {
            [KeyPart::Int(key)] => Value::Int(*key),
            [KeyPart::Text(key)] => Value::Text(key.clone()),
            _ => Value::Null,
        }),
        Seek::Record { value: KeyPart::Int(key), .. } => Found::Record(RecordId::int(*key)),
        Seek::Record { value: KeyPart::Text(key), .. } => Found::Record(RecordId::text(key)),
    }
}

/// A partner of a made-up record: each record has one of its own, and is that one's partner.
fn partner(id: &RecordId) -> RecordId {
    const MARK: char = '\u{2032}';
    let parts = id.parts().into_iter().map(|part| match part {
        KeyPart::Int(key) => KeyPart::Int(key ^ 1),
        KeyPart::Text(key) => match key.strip_suffix(MARK) {
            Some(short) => KeyPart::Text(short.into()),
            None => KeyPart::Text(format!("{key}{MARK}").into()),
        },
    });
    RecordId::of_parts(&parts.collect::<Vec<_>>())
}
