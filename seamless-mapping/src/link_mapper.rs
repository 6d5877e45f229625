//! The mapper of one link: what every kind of rule has in common when a value is carried.
//!
//! Knows records, drafts and the rule's scope of application; what becomes of a value is its
//! [carrier](crate::rules)'s to say. One law is kept here for all kinds: a target that, carried back, means what the
//! source means is left alone (`i05_a_target_that_already_means_it_is_kept`).
//!
//! Cost: slots are looked up once per shape; what remains is the carrier's work and one comparison.

use std::sync::Arc;

use seamless_core::mapper::{
    Ask, Draft, LinkSpec, MapContext, MapError, MapProblem, Mapper, References, Resolved, Rule, Seek,
    Settlement, WriteOn,
};
use seamless_core::model::{
    CanonicalForm, EntityName, FieldName, Planned, Presence, Record, RuleId, RuleIndex, Side, Sides, Slot,
    Truth, Value, ValueRef,
};

use crate::declaration::{RuleDecl, TypeDecl};
use crate::rules::custom::Functions;
use crate::rules::{Carrier, Cell, Made, Making, Trouble};
use crate::slots::SlotCache;

/// A compiled rule beside what the engine sees of it.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    pub(crate) carrier: Arc<dyn Carrier>,
    /// When two values of a field of the rule count as the same: the rule's equivalence and the side's form.
    pub(crate) forms: Sides<Vec<CanonicalForm>>,
    /// What the fields of the rule hold, where that is known.
    pub(crate) types: Sides<Option<TypeDecl>>,
}

/// The mapper of one link, made by [`compile`](crate::compile).
#[derive(Clone, Debug)]
pub struct LinkMapper {
    link: LinkSpec,
    rules: Vec<Rule>,
    compiled: Vec<CompiledRule>,
    functions: Functions,
    /// The rules that follow from the scope, after those of the author.
    implied: Vec<RuleDecl>,
    slots: Arc<Sides<SlotCache>>,
}

impl LinkMapper {
    pub(crate) fn new(link: LinkSpec, rules: Vec<(Rule, CompiledRule)>, functions: Functions) -> Self {
        let (rules, compiled) = rules.into_iter().unzip();
        Self { link, rules, compiled, functions, implied: Vec::new(), slots: Arc::default() }
    }

    pub(crate) fn with_implied(self, implied: Vec<RuleDecl>) -> Self {
        Self { implied, ..self }
    }

    /// The rules that follow from the scope: what a record that is created must hold to be in it.
    pub(crate) fn implied(&self) -> &[RuleDecl] {
        &self.implied
    }

    /// The same with another carrier for a rule.
    #[cfg(test)]
    pub(crate) fn with_carrier(
        &self,
        rule: usize,
        wrap: impl FnOnce(Arc<dyn Carrier>) -> Arc<dyn Carrier>,
    ) -> LinkMapper {
        let mut changed = self.clone();
        if let Some(compiled) = changed.compiled.get_mut(rule) {
            compiled.carrier = wrap(Arc::clone(&compiled.carrier));
        }
        changed
    }

    /// A rule by its stable id.
    pub fn rule(&self, id: &str) -> Option<(RuleIndex, &Rule)> {
        let at = self.rules.iter().position(|rule| rule.id.as_str() == id)?;
        Some((RuleIndex(u16::try_from(at).ok()?), self.rules.get(at)?))
    }

    /// Whether carrying a rule to a side a second time wipes out the first, as its kind declares (I3). False where a
    /// target keeps something of what it was given before, and for a rule that the link does not have.
    pub fn wipes_out(&self, rule: RuleIndex, to: Side) -> bool {
        self.compiled.get(usize::from(rule.0)).is_some_and(|compiled| compiled.carrier.wipes_out(to))
    }

    /// What a field of a side holds, where a rule of one field per side says it.
    pub(crate) fn type_of(&self, side: Side, field: &FieldName) -> Option<TypeDecl> {
        let mut rules = self.rules.iter().zip(&self.compiled);
        rules.find_map(|(rule, compiled)| match rule.fields.of(side).as_slice() {
            [only] if only == field => *compiled.types.of(side),
            _ => None,
        })
    }

    /// The rules of the lines of a field that holds a list.
    pub(crate) fn of_lines(&self, side: Side, field: &FieldName) -> Option<&LinkMapper> {
        let mut rules = self.rules.iter().zip(&self.compiled);
        rules.find_map(|(rule, compiled)| match rule.fields.of(side).as_slice() {
            [only] if only == field => compiled.carrier.of_lines(),
            _ => None,
        })
    }

    /// The rules of the lines of a rule over lists, or of the row that a rule embeds.
    pub(crate) fn of_lines_of(&self, rule: usize) -> Option<&LinkMapper> {
        self.compiled.get(rule)?.carrier.of_lines()
    }

    /// When two values of each field of a rule count as the same, in the rule's order.
    pub(crate) fn forms_of(&self, rule: usize, side: Side) -> &[CanonicalForm] {
        self.compiled.get(rule).map_or(&[], |compiled| compiled.forms.of(side))
    }

    /// Whether a rule holds the same value on both sides, so that it can be compared directly.
    pub(crate) fn is_identity(&self, rule: usize) -> bool {
        self.compiled.get(rule).is_some_and(|compiled| compiled.carrier.is_identity())
    }

    /// What the fields of a rule hold, where one type holds for a side.
    pub(crate) fn types_of(&self, rule: usize) -> Sides<Option<TypeDecl>> {
        self.compiled.get(rule).map_or_else(|| Sides::new(None, None), |compiled| compiled.types)
    }

    /// What makes the values of a rule.
    pub(crate) fn carrier(&self, rule: usize) -> Option<&Arc<dyn Carrier>> {
        self.compiled.get(rule).map(|compiled| &compiled.carrier)
    }

    /// Why a value was not carried, with the rule and the field.
    pub(crate) fn told(&self, rule: usize, from: Side, trouble: Trouble) -> Box<MapError> {
        match self.rules.get(rule) {
            Some(rule) => Box::new(told(rule, from, trouble)),
            None => Box::new(unknown_rule(RuleIndex(u16::try_from(rule).unwrap_or(u16::MAX)))),
        }
    }

    /// The entities that the references of a rule can point at on a side.
    pub(crate) fn pointed_at(&self, rule: &RuleId, side: Side) -> Vec<EntityName> {
        let at = self.rules.iter().position(|known| known.id == *rule);
        let compiled = at.and_then(|at| self.compiled.get(at));
        compiled.map(|compiled| compiled.carrier.pointed_at(side)).unwrap_or_default()
    }

    /// What a rule asks of values, whatever its condition says.
    pub(crate) fn ask_of(&self, rule: usize, to: Side, values: &[ValueRef<'_>], asks: &mut Vec<Ask>) {
        if let Some(compiled) = self.compiled.get(rule) {
            compiled.carrier.ask(to, values, asks);
        }
    }

    /// Whether any rule asks a system.
    pub(crate) fn seeks(&self) -> bool {
        self.compiled.iter().any(|compiled| compiled.carrier.seeks())
    }

    /// What a rule must ask a system about values, whatever its condition says.
    pub(crate) fn seek_of(
        &self,
        rule: usize,
        to: Side,
        values: &[ValueRef<'_>],
        resolved: &Resolved,
        seeks: &mut Vec<Seek>,
    ) {
        if let Some(compiled) = self.compiled.get(rule) {
            compiled.carrier.seek(to, values, resolved, seeks);
        }
    }

    /// What a rule makes of values with nothing there, whatever its condition says; `None` where it cannot carry that way.
    pub(crate) fn make_of(
        &self,
        rule: usize,
        to: Side,
        values: &[ValueRef<'_>],
        cx: &Making<'_>,
    ) -> Option<Result<Made, Trouble>> {
        let compiled = self.compiled.get(rule).filter(|compiled| compiled.carrier.carries(to))?;
        Some(compiled.carrier.make(to, values, cx))
    }

    /// What a target becomes that holds the fields of a rule in its order, whatever its condition says; `None` where it
    /// cannot carry that way.
    pub(crate) fn carry_values(
        &self,
        rule: usize,
        from: Side,
        values: &[ValueRef<'_>],
        held: &Record,
        resolved: &Resolved,
    ) -> Option<Result<Record, Trouble>> {
        let (rule, compiled) = self.rules.get(rule).zip(self.compiled.get(rule))?;
        if !compiled.carrier.carries(from.other()) {
            return None;
        }
        let slots: Vec<Option<usize>> = (0..held.shape().len()).map(Some).collect();
        let target_entity = self.link.entity.of(from.other());
        let cx = MapContext { resolved, target_entity, creating: false };
        let mut draft = Draft::over(held);
        let carried = Self::carry_known(rule, compiled, from, values, (&mut draft, &slots), &cx);
        Some(carried.map(|()| {
            let planned = draft.into_planned().into_iter().filter_map(|(slot, planned)| match planned {
                Planned::Known(value) => Some((slot, value)),
                Planned::ResultOf(_) | Planned::TargetDecides => None,
            });
            let planned: Vec<(usize, Value)> = planned.collect();
            held.with(planned.iter().map(|(slot, value)| (*slot, Presence::Value(value.as_ref()))))
        }))
    }

    fn carry_known(
        rule: &Rule,
        compiled: &CompiledRule,
        from: Side,
        values: &[ValueRef<'_>],
        (target, slots): (&mut Draft<'_>, &[Option<usize>]),
        cx: &MapContext<'_>,
    ) -> Result<(), Trouble> {
        let to = from.other();
        let one: [Presence<'_>; 1];
        let many: Vec<Presence<'_>>;
        let held = |slot: &Option<usize>| slot.map_or(Presence::Absent, |slot| target.current(slot));
        let current: &[Presence<'_>] = if let [slot] = slots {
            one = [held(slot)];
            &one
        } else {
            many = slots.iter().map(held).collect();
            &many
        };
        if means_already(compiled, from, values, current, cx.resolved) {
            keep(target, slots);
            return Ok(());
        }
        let making = Making { resolved: cx.resolved, current, creating: cx.creating };
        let cells = match compiled.carrier.make(to, values, &making)? {
            Made::One(cell) => return set(rule, to, target, slots.first().copied().flatten(), cell),
            Made::Many(cells) => cells,
        };
        // A rule must not have written its first field when its second is missing.
        if let Some(missing) = slots.iter().position(Option::is_none) {
            return Err(no_field(rule, to, missing));
        }
        for (slot, cell) in slots.iter().zip(cells) {
            set(rule, to, target, *slot, cell)?;
        }
        Ok(())
    }
}

/// Plans what is there: the engine sees that the sides are consistent, which an empty plan would not say.
fn keep(target: &mut Draft<'_>, slots: &[Option<usize>]) {
    for slot in slots.iter().copied().flatten() {
        if let Some(value) = target.current(slot).value().map(ValueRef::to_value) {
            target.set_known(slot, value);
        }
    }
}

fn set(
    rule: &Rule,
    to: Side,
    target: &mut Draft<'_>,
    slot: Option<usize>,
    cell: Cell,
) -> Result<(), Trouble> {
    match (cell, slot) {
        (Cell::Keep, _) => Ok(()),
        (Cell::Set(planned), Some(slot)) => {
            target.set(slot, planned);
            Ok(())
        }
        (Cell::Set(_), None) => Err(no_field(rule, to, 0)),
    }
}

fn no_field(rule: &Rule, to: Side, at: usize) -> Trouble {
    let field = rule.fields.of(to).get(at).map_or("", FieldName::as_str);
    Trouble {
        field: 0,
        kind: None,
        problem: MapProblem::Unmappable,
        message: format!("the other side's record has no field {field}"),
        remedy: "read that field, or correct the rule".to_owned(),
    }
}

/// Whether the target, carried back, means what the source means.
fn means_already(
    compiled: &CompiledRule,
    from: Side,
    values: &[ValueRef<'_>],
    current: &[Presence<'_>],
    resolved: &Resolved,
) -> bool {
    let forms = compiled.forms.of(from);
    if compiled.carrier.is_identity() {
        return compiled.same_directly(values, current);
    }
    // Asked before anything is gathered: a record that is created holds nothing, and most rules go one way or know it all.
    if values.is_empty() || current.is_empty() || !compiled.carrier.carries(from) {
        return false;
    }
    if current.iter().any(|presence| presence.value().is_none()) {
        return false;
    }
    let held: Vec<ValueRef<'_>> = current.iter().filter_map(|presence| presence.value()).collect();
    let making = Making { resolved, current: &[], creating: false };
    let Ok(back) = compiled.carrier.make(from, &held, &making) else { return false };
    back.cells().len() == values.len()
        && back.cells().iter().zip(values).zip(forms).all(|((cell, value), form)| match cell {
            Cell::Set(Planned::Known(back)) => form.same(back.as_ref(), *value),
            Cell::Set(Planned::ResultOf(_) | Planned::TargetDecides) | Cell::Keep => false,
        })
}

impl CompiledRule {
    /// Whether two values are the same to either side.
    fn same_directly(&self, values: &[ValueRef<'_>], current: &[Presence<'_>]) -> bool {
        values.iter().zip(current).enumerate().all(|(at, (value, current))| {
            let Some(current) = current.value() else { return false };
            let same =
                |side: Side| self.forms.of(side).get(at).is_some_and(|form| form.same(current, *value));
            same(Side::Left) || same(Side::Right)
        })
    }
}

impl Mapper for LinkMapper {
    fn link(&self) -> &LinkSpec {
        &self.link
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn references(&self, from: Side, source: &Record, resolved: &Resolved) -> References {
        let mut references = References::none();
        let mut asks = Vec::new();
        // Asked of every record that is decided: most links have no rule that asks.
        let asking = self
            .rules
            .iter()
            .zip(&self.compiled)
            .filter(|(_, compiled)| compiled.carrier.asks() || compiled.carrier.seeks());
        let mut seeks = Vec::new();
        for (rule, compiled) in asking {
            if !rule.direction.allows(from.other()) || rule.when.of(from).holds(source) == Truth::Out {
                continue;
            }
            let fields = rule.fields.of(from);
            let values: Vec<_> =
                fields.iter().filter_map(|field| source.field(field.as_str()).value()).collect();
            if values.len() == fields.len() {
                compiled.carrier.ask(from.other(), &values, &mut asks);
                compiled.carrier.seek(from.other(), &values, resolved, &mut seeks);
            }
        }
        let unknown = seeks.into_iter().filter(|seek| resolved.found(seek).is_none());
        unknown.for_each(|seek| references.seek(seek));
        asks.into_iter().filter(|ask| !resolved.knows(ask)).for_each(|ask| references.ask(ask));
        references
    }

    fn carry(
        &self,
        rule: RuleIndex,
        from: Side,
        source: &Record,
        target: &mut Draft<'_>,
        cx: &MapContext<'_>,
    ) -> Result<(), Box<MapError>> {
        let at = usize::from(rule.0);
        let Some((rule, compiled)) = self.rules.get(at).zip(self.compiled.get(at)) else {
            return Err(Box::new(unknown_rule(rule)));
        };
        if rule.on == WriteOn::Create && !cx.creating {
            return Ok(());
        }
        match rule.when.of(from).holds(source) {
            Truth::In => {}
            Truth::Out => return Ok(()),
            Truth::Unknown => return Err(not_known(rule, rule.fields.of(from).first())),
        }
        let to = from.other();
        let given = self.slots.of(from).of(from, source.shape(), &self.rules);
        let taken = self.slots.of(to).of(to, target.shape(), &self.rules);
        let given = given.get(at).map_or(&[][..], |slots| &**slots);
        let taken = taken.get(at).map_or(&[][..], |slots| &**slots);
        let one: [ValueRef<'_>; 1];
        let mut many = Vec::new();
        let known = |slot: &Option<usize>| slot.and_then(|slot| source.get(slot).value());
        let values: &[ValueRef<'_>] = if let [slot] = given {
            let Some(value) = known(slot) else { return Err(not_known(rule, rule.fields.of(from).first())) };
            one = [value];
            &one
        } else {
            many.reserve(given.len());
            for (slot, field) in given.iter().zip(rule.fields.of(from)) {
                many.push(known(slot).ok_or_else(|| not_known(rule, Some(field)))?);
            }
            &many
        };
        Self::carry_known(rule, compiled, from, values, (target, taken), cx)
            .map_err(|trouble| Box::new(told(rule, from, trouble)))
    }

    fn settle(&self, _rule: RuleIndex, name: &str, left: &[Slot], right: &[Slot]) -> Option<Settlement> {
        self.functions.settle(name, left, right)
    }
}

fn told(rule: &Rule, from: Side, trouble: Trouble) -> MapError {
    let Trouble { field, kind, problem, message, remedy } = trouble;
    let field = field_named(rule, from, field);
    MapError { rule: rule.id.clone(), field, kind, problem, message, remedy }
}

/// The source field; of a rule that has none, its first target field.
fn field_named(rule: &Rule, from: Side, at: usize) -> FieldName {
    let field = rule.fields.of(from).get(at).or_else(|| rule.fields.of(from.other()).first());
    field.cloned().unwrap_or_else(|| FieldName::from(""))
}

fn not_known(rule: &Rule, field: Option<&FieldName>) -> Box<MapError> {
    Box::new(MapError {
        rule: rule.id.clone(),
        field: field.cloned().unwrap_or_else(|| FieldName::from("")),
        kind: None,
        problem: MapProblem::NotKnown,
        message: "the system did not say what it holds, or what the rule's condition needs".to_owned(),
        remedy: "let the integration's user read the field".to_owned(),
    })
}

fn unknown_rule(rule: RuleIndex) -> MapError {
    MapError {
        rule: RuleId::from(""),
        field: FieldName::from(""),
        kind: None,
        problem: MapProblem::Unmappable,
        message: format!("the link has no rule number {}", rule.0),
        remedy: "ask for a rule of this link".to_owned(),
    }
}
