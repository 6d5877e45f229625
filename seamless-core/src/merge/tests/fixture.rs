//! Links and pairs for the tests of this floor: a mapper written by hand, records written as JSON.

use std::sync::Arc;

use crate::mapper::{
    Answer, Ask, ConflictPolicy, Direction, Draft, DriftPolicy, FirstLinkPolicy, GuardLimits, LinkMode,
    LinkSpec, MapContext, MapError, MapProblem, Mapper, References, Resolved, Rule, RuleKind, Settlement,
    WriteOn,
};
use crate::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay, Verdict};
use crate::model::{
    Bits, CanonicalForm, Condition, EntityName, FieldName, LineForm, LinkId, Normaliser, Planned, Presence,
    Record, RecordId, Result, RuleIndex, Shape, Side, Sides, Slot, Timestamp, Value, ValueKind,
};

/// How a rule of the test mapper carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// The value as it is.
    Copy,
    /// First and last name on the left, one name on the right.
    Names,
    /// A value that the target always has.
    Constant(&'static str),
    /// Left to right by this list, right to left by the first that fits, keeping what fits already.
    Options(&'static [(&'static str, &'static str)]),
    /// Always fails: the reference waits.
    Waits,
    /// A reference: the partner, in this link, of the record that the text names.
    Partner(&'static str),
    /// A list, line by line: these fields, of which the first tells the lines apart. What is not named of a line stays.
    Lines(&'static [(&'static str, &'static str)]),
}

#[derive(Debug)]
pub(crate) struct TestMapper {
    pub(crate) spec: LinkSpec,
    pub(crate) rules: Vec<Rule>,
    pub(crate) ops: Vec<Op>,
    pub(crate) custom: Option<Side>,
}

impl TestMapper {
    /// A link of these rules that copies; change what a test needs, then [`TestMapper::link`].
    pub(crate) fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules: Vec<Rule> = rules.into_iter().collect();
        let spec = LinkSpec {
            id: LinkId::from("customer"),
            entity: Sides::new(EntityName::from("account"), EntityName::from("customer")),
            mode: LinkMode::TwoWay,
            scope: Sides::new(Condition::Always, Condition::Always),
            matching: Vec::new(),
            create: Sides::new(true, true),
            on_delete: Sides::new(crate::mapper::DeletePolicy::Park, crate::mapper::DeletePolicy::Park),
            writable: Sides::new(Condition::Always, Condition::Always),
            actions: Sides::default(),
            on_leave: Sides::new(crate::mapper::LeavePolicy::Park, crate::mapper::LeavePolicy::Park),
            forms: Sides::default(),
            depends_on: Vec::new(),
            sweep_every: None,
            limits: GuardLimits::USUAL,
        };
        Self { spec, ops: vec![Op::Copy; rules.len()], rules, custom: None }
    }

    pub(crate) fn form(
        mut self,
        side: Side,
        field: &str,
        form: impl IntoIterator<Item = Normaliser>,
    ) -> Self {
        self.spec.forms.of_mut(side).fields.push((field.into(), CanonicalForm::new(form)));
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn compile(self) -> Result<Arc<CompiledLink>> {
        CompiledLink::compile(Arc::new(self))
    }

    pub(crate) fn link(self) -> Arc<CompiledLink> {
        self.compile().unwrap()
    }
}

/// A two-way copy rule between fields of the same name that parks whenever it can.
pub(crate) fn copy(field: &str) -> Rule {
    rule(field, &[field], &[field], RuleKind::Copy)
}

pub(crate) fn computed(id: &str, left: &[&str], right: &[&str]) -> Rule {
    rule(id, left, right, RuleKind::Computed)
}

fn rule(id: &str, left: &[&str], right: &[&str], kind: RuleKind) -> Rule {
    let fields = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Rule {
        id: id.into(),
        fields: Sides::new(fields(left), fields(right)),
        kind,
        direction: Direction::TwoWay,
        on: WriteOn::Always,
        same_when: CanonicalForm::exact(),
        when: Sides::new(Condition::Always, Condition::Always),
        on_conflict: ConflictPolicy::Park,
        first_link: FirstLinkPolicy::Park,
        on_drift: DriftPolicy::Park,
        lossless: true,
        digest: [0; 16],
    }
}

impl Mapper for TestMapper {
    fn link(&self) -> &LinkSpec {
        &self.spec
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn references(&self, _: Side, _: &Record, _: &Resolved) -> References {
        References::none()
    }

    fn carry(
        &self,
        index: RuleIndex,
        from: Side,
        source: &Record,
        target: &mut Draft<'_>,
        cx: &MapContext<'_>,
    ) -> Result<(), Box<MapError>> {
        let (rule, op) = (&self.rules[usize::from(index.0)], &self.ops[usize::from(index.0)]);
        let fields = rule.fields.of(from);
        let text = |place: usize| {
            let value = source.field(fields[place].as_str()).value();
            value.and_then(|value| value.as_text()).unwrap_or_default().to_owned()
        };
        let to = rule.fields.of(from.other());
        let slot = |place: usize, draft: &Draft<'_>| draft.shape().slot(to[place].as_str()).unwrap();
        let fail = |problem| {
            Box::new(MapError {
                rule: rule.id.clone(),
                field: "x".into(),
                kind: None,
                problem,
                message: "does not map".into(),
                remedy: "map it".into(),
            })
        };
        match op {
            Op::Copy => match source.field(fields[0].as_str()) {
                Presence::Value(value) => target.set_known(slot(0, target), value.to_value()),
                _ => return Err(fail(MapProblem::NotKnown)),
            },
            Op::Names if from == Side::Left => {
                target.set_known(slot(0, target), Value::text(&format!("{} {}", text(0), text(1))));
            }
            Op::Names => {
                let full = text(0);
                let (first, last) = full.split_once(' ').ok_or_else(|| fail(MapProblem::Unmappable))?;
                target.set_known(slot(0, target), Value::text(first));
                target.set_known(slot(1, target), Value::text(last));
            }
            Op::Constant(value) => target.set_known(slot(0, target), Value::text(value)),
            Op::Options(pairs) => {
                let held = text(0);
                let fits: Vec<&str> = match from {
                    Side::Left => pairs.iter().filter(|(left, _)| *left == held).map(|pair| pair.1).collect(),
                    Side::Right => {
                        pairs.iter().filter(|(_, right)| *right == held).map(|pair| pair.0).collect()
                    }
                };
                let place = slot(0, target);
                let now = target.current(place).value().and_then(|value| value.as_text()).unwrap_or_default();
                let chosen = fits.iter().find(|fit| **fit == now).or(fits.first());
                let unmappable =
                    || Box::new(MapError { kind: Some(ValueKind::Text), ..*fail(MapProblem::Unmappable) });
                let chosen = Value::text(chosen.ok_or_else(unmappable)?);
                target.set_known(place, chosen);
            }
            Op::Waits => {
                let ask = Ask::Partner { link: "parent".into(), side: from, id: RecordId::int(1) };
                return Err(fail(MapProblem::Waiting(ask)));
            }
            Op::Lines(pairs) => {
                let place = slot(0, target);
                let lists = (source.field(fields[0].as_str()), target.current(place));
                let list = |held: Presence<'_>| held.value().and_then(LineForm::lines_of);
                let lines = list(lists.0).ok_or_else(|| fail(MapProblem::NotKnown))?;
                let mut held: Vec<Record> = list(lists.1).unwrap_or_default().to_vec();
                let carried: Arc<[Record]> =
                    lines.iter().map(|line| carried_line(pairs, from, line, &mut held)).collect();
                target.set_known(place, Value::List(carried));
            }
            Op::Partner(link) => {
                let ask = Ask::Partner { link: (*link).into(), side: from, id: RecordId::text(&text(0)) };
                let partner = match cx.resolved.get(&ask) {
                    Some(Answer::Paired(id)) => Planned::Known(Value::text(&id.to_string())),
                    Some(Answer::Planned(action)) => Planned::ResultOf(*action),
                    Some(Answer::Unpaired) | None => return Err(fail(MapProblem::Waiting(ask))),
                };
                target.set(slot(0, target), partner);
            }
        }
        Ok(())
    }

    fn settle(&self, rule: RuleIndex, name: &str, left: &[Slot], right: &[Slot]) -> Option<Settlement> {
        assert_eq!(name, "choose");
        let fields = &self.rules[usize::from(rule.0)].fields;
        for (values, fields) in [(left, &fields.left), (right, &fields.right)] {
            assert_eq!(values.len(), fields.len(), "a value for each field of the rule");
            assert!(values.iter().all(|value| *value != Slot::Absent), "{values:?}");
        }
        self.custom.map(Settlement::Take)
    }
}

/// A line as the other side holds it, over the one that it holds under the same key.
fn carried_line(pairs: &[(&str, &str)], from: Side, line: &Record, held: &mut Vec<Record>) -> Record {
    let named = pairs.iter().map(|(left, right)| match from {
        Side::Left => (*left, *right),
        Side::Right => (*right, *left),
    });
    let named: Vec<(&str, &str)> = named.collect();
    let (own, there) = named[0];
    let known = held.iter().position(|other| other.field(there) == line.field(own));
    let mut fields: Vec<(FieldName, Slot)> =
        named.iter().map(|(own, there)| (FieldName::from(*there), line.field(own).to_slot())).collect();
    if let Some(known) = known {
        let known = held.remove(known);
        let unnamed =
            known.fields().filter(|(name, _)| named.iter().all(|(_, there)| *there != name.as_str()));
        fields.extend(unnamed.map(|(name, held)| (name.clone(), held.to_slot())));
    }
    let shape = Shape::new(fields.iter().map(|(name, _)| name.clone())).unwrap();
    crate::model::record(&shape, fields).unwrap()
}

/// A pair: records as JSON, fields that are not named are absent; no base where its text is empty.
pub(crate) struct Pair<'a> {
    pub(crate) link: &'a CompiledLink,
    pub(crate) base: Sides<Option<Record>>,
    pub(crate) current: Sides<Record>,
    pub(crate) modified: Sides<Option<Timestamp>>,
    pub(crate) check_all: bool,
    pub(crate) rebased: Bits,
}

/// A field as the tests write it: `-` not said, `0` nothing, `!` refused, `{x}` JSON, otherwise text.
pub(crate) fn field(name: &str, held: &str) -> Option<String> {
    Some(match held {
        "-" => return None,
        "0" => format!(r#""{name}":null"#),
        "!" => format!(r#""{name}":{{"unreadable":true}}"#),
        json if json.starts_with('{') => format!(r#""{name}":{json}"#),
        text => format!(r#""{name}":"{text}""#),
    })
}

/// `base` and `current`: left, then right.
pub(crate) fn pair<'a>(link: &'a CompiledLink, base: [&str; 2], current: [&str; 2]) -> Pair<'a> {
    let read = |side: Side, text: &str| Record::from_json(text).unwrap().reshaped(link.shape(side));
    let base_of = |side: Side, text: &str| (!text.is_empty()).then(|| read(side, text));
    Pair {
        link,
        base: Sides::new(base_of(Side::Left, base[0]), base_of(Side::Right, base[1])),
        current: Sides::new(read(Side::Left, current[0]), read(Side::Right, current[1])),
        modified: Sides::default(),
        check_all: false,
        rebased: Bits::new(),
    }
}

impl Pair<'_> {
    /// Asks with the pair as a case.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let resolved = Resolved::new();
        let entity = &self.link.spec().entity;
        let context =
            |side: Side| MapContext { resolved: &resolved, target_entity: entity.of(side), creating: false };
        ask(&Case {
            link: self.link,
            base: self.base.as_ref().map(Option::as_ref),
            current: self.current.as_ref(),
            modified: self.modified,
            context: Sides::new(context(Side::Left), context(Side::Right)),
            check_all: self.check_all,
            rebased: &self.rebased,
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.ask(|case| ThreeWay.reconcile(case))
    }

    pub(crate) fn judgements(&self) -> Vec<Judgement> {
        let verdict = self.verdict();
        (0..verdict.len()).map(|group| verdict.judgement(group)).collect()
    }

    /// Does what the verdict says, as if every write were stored as the forms of its side make it; the bases of what
    /// was settled become what is held.
    pub(crate) fn apply(&mut self) {
        let verdict = self.verdict();
        for (group, judgement) in verdict.loud().collect::<Vec<_>>() {
            let writes: Vec<(Side, Vec<(usize, Planned)>)> = match judgement {
                Judgement::Carry { to, .. } => vec![(to, self.carried(group, to))],
                Judgement::Merge => {
                    let merged = self.ask(|case| crate::merge::merged(case, group)).unwrap();
                    let slots = &self.link.groups()[group].slots;
                    let write = |side: Side| {
                        let value = merged.write.of(side).clone();
                        (
                            side,
                            value
                                .map(|value| (slots.of(side)[0], Planned::Known(value)))
                                .into_iter()
                                .collect(),
                        )
                    };
                    vec![write(Side::Left), write(Side::Right)]
                }
                judgement if judgement.moves_bases() => Vec::new(),
                _ => continue,
            };
            for (side, planned) in writes {
                for (slot, value) in planned {
                    let Planned::Known(value) = value else { panic!("a value was not known") };
                    let form = self.link.forms(side).slot(slot).clone();
                    let stored = form.apply(value.as_ref());
                    let record = self.current.of(side).with([(slot, Presence::Value(stored.as_ref()))]);
                    *self.current.of_mut(side) = record;
                }
            }
            for side in Side::BOTH {
                let current = self.current.of(side);
                let base = self.base.of(side).clone().unwrap_or_else(|| Record::absent(current.shape()));
                let slots = &self.link.groups()[group].slots;
                let now = slots.of(side).iter().map(|slot| (*slot, current.get(*slot)));
                let base = base.with(now);
                *self.base.of_mut(side) = Some(base);
            }
            self.rebased.remove(group);
        }
    }

    fn carried(&self, group: usize, to: Side) -> Vec<(usize, Planned)> {
        let from = to.other();
        self.ask(|case| {
            let (source, target) = (*case.current.of(from), *case.current.of(to));
            self.link.carry_group(group, from, source, target, case.context.of(to)).unwrap()
        })
    }

    /// What a side holds in a field, as text.
    pub(crate) fn held(&self, side: Side, field: &str) -> String {
        self.current.of(side).field(field).to_slot().to_string()
    }
}
