//! The mapper of one link: what every kind of rule has in common when a value is carried.
//!
//! Knows records, drafts and the rule's scope of application; what becomes of a value is its
//! [carrier](crate::rules)'s to say. One law is kept here for all kinds: a target that, carried back, means what the
//! source means is left alone (`i05_a_target_that_already_means_it_is_kept`).
//!
//! Cost: slots are looked up once per shape; what remains is the carrier's work and one comparison.

use std::sync::Arc;

use seamless_core::mapper::{
    Ask, Draft, LinkSpec, MapContext, MapError, MapProblem, Mapper, Path, References, Resolved, Rule, Seek,
    Settlement, WriteOn,
};
use seamless_core::model::{
    CanonicalForm, Condition, EntityName, FieldName, Planned, Presence, Record, RuleId, RuleIndex, Side,
    Sides, Slot, Truth, ValueRef,
};

use crate::declaration::{RuleDecl, TypeDecl};
use crate::rules::custom::Functions;
use crate::rules::{Carrier, Cell, Made, Making, Trouble};
use crate::slots::SlotCache;

/// Fields of a rule that are gathered without an allocation.
pub(crate) const FIELDS_AT_HAND: usize = 4;

/// A compiled rule beside what the engine sees of it.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    pub(crate) carrier: Arc<dyn Carrier>,
    /// When two values of a field of the rule count as the same: the rule's equivalence and the side's form.
    pub(crate) forms: Sides<Vec<CanonicalForm>>,
    /// What the fields of the rule hold, where that is known.
    pub(crate) types: Sides<Option<TypeDecl>>,
}

/// Of a rule of one field per side, how many bytes a text has at most that goes to a side as it is.
type HandsOn = Sides<Option<usize>>;

/// The mapper of one link, made by [`compile`](crate::compile).
#[derive(Clone, Debug)]
pub struct LinkMapper {
    link: LinkSpec,
    rules: Vec<Rule>,
    compiled: Vec<CompiledRule>,
    hands_on: Vec<HandsOn>,
    functions: Functions,
    /// The rules that follow from the scope, after those of the author.
    implied: Vec<RuleDecl>,
    /// What is read through references, in lines as well.
    paths: Sides<Vec<Path>>,
    slots: Arc<Sides<SlotCache>>,
}

impl LinkMapper {
    pub(crate) fn new(link: LinkSpec, rules: Vec<(Rule, CompiledRule)>, functions: Functions) -> Self {
        let (rules, compiled): (Vec<Rule>, Vec<CompiledRule>) = rules.into_iter().unzip();
        let hands_on = rules.iter().zip(&compiled).map(|(rule, compiled)| hands_on(rule, compiled)).collect();
        Self {
            link,
            rules,
            compiled,
            hands_on,
            functions,
            implied: Vec::new(),
            paths: Sides::default(),
            slots: Arc::default(),
        }
    }

    pub(crate) fn with_paths(self, paths: Sides<Vec<Path>>) -> Self {
        Self { paths, ..self }
    }

    /// The path that a field of a side is.
    pub(crate) fn path(&self, side: Side, name: &FieldName) -> Option<&Path> {
        self.paths.of(side).iter().find(|path| path.list.is_none() && path.name == *name)
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
            if let Some(hands_on) = changed.hands_on.get_mut(rule) {
                *hands_on = Sides::new(None, None);
            }
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
            let known = draft.planned().filter_map(|(slot, planned)| Some((slot, planned.known()?)));
            held.with(known.map(|(slot, value)| (slot, Presence::Value(value))))
        }))
    }

    /// Nothing is known of a field, or of what a condition needs. What is read through references waits by name: the record
    /// that it is read from may be seen again without a change of this one.
    fn not_known(&self, rule: &Rule, from: Side, field: Option<&FieldName>) -> Box<MapError> {
        let path = field.and_then(|field| self.path(from, field));
        let (problem, message, remedy) = match path {
            Some(path) => {
                let through: Vec<&str> = path.steps.iter().map(|step| step.field.as_str()).collect();
                let message = format!(
                    "what it is read from, through {}, is not shown or does not say",
                    through.join(", ")
                );
                (
                    MapProblem::NotFound,
                    message,
                    "let the integration's user see those records and their fields",
                )
            }
            None => {
                let message = "the system did not say what it holds, or what the rule's condition needs";
                (MapProblem::NotKnown, message.to_owned(), "let the integration's user read the field")
            }
        };
        Box::new(MapError {
            rule: rule.id.clone(),
            field: field.cloned().unwrap_or_else(|| FieldName::from("")),
            kind: None,
            problem,
            message,
            remedy: remedy.to_owned(),
        })
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
        if let [Some(slot)] = slots
            && lend(compiled, to, values, target, *slot)
        {
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

/// See [`HandsOn`].
fn hands_on(rule: &Rule, compiled: &CompiledRule) -> HandsOn {
    let one_each = rule.fields.left.len() == 1 && rule.fields.right.len() == 1;
    Sides::new(Side::Left, Side::Right)
        .map(|to| compiled.carrier.hands_on(to).filter(|_| one_each && compiled.carrier.carries(to)))
}

/// Plans what is there: the engine sees that the sides are consistent, which an empty plan would not say.
fn keep(target: &mut Draft<'_>, slots: &[Option<usize>]) {
    for slot in slots.iter().copied().flatten() {
        if let Some(value) = target.current(slot).value() {
            target.set_lent(slot, value);
        }
    }
}

/// Plans a value that is there already, or a text put together in the draft's own room: most rules allocate nothing.
/// False where the rule must make its value.
fn lend(
    compiled: &CompiledRule,
    to: Side,
    values: &[ValueRef<'_>],
    target: &mut Draft<'_>,
    slot: usize,
) -> bool {
    let mut scratch = std::mem::take(target.scratch());
    scratch.clear();
    let lent = compiled.carrier.lend(to, values, &mut scratch);
    let is_lent = lent.is_some();
    if let Some(value) = lent {
        target.set_lent(slot, value);
    }
    *target.scratch() = scratch;
    is_lent
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

    fn paths(&self, side: Side) -> &[Path] {
        self.paths.of(side)
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
        let when = rule.when.of(from);
        match if matches!(when, Condition::Always) { Truth::In } else { when.holds(source) } {
            Truth::In => {}
            Truth::Out => return Ok(()),
            Truth::Unknown => {
                let asked = rule.when.of(from).fields();
                let reached = asked.iter().find(|field| self.path(from, field).is_some());
                return Err(self.not_known(rule, from, reached.or(rule.fields.of(from).first())));
            }
        }
        let to = from.other();
        let given = self.slots.of(from).of(from, source.shape(), &self.rules);
        let taken = self.slots.of(to).of(to, target.shape(), &self.rules);
        let given = given.get(at).map_or(&[][..], |slots| &**slots);
        let taken = taken.get(at).map_or(&[][..], |slots| &**slots);
        // Most rules hand a text on to a field of which nothing is known: nobody need be asked about it.
        if let Some(bytes_max) = self.hands_on.get(at).and_then(|hands_on| *hands_on.of(to))
            && let ([Some(given)], [Some(taken)]) = (given, taken)
            && let Some(text) = source.text(*given)
            && (1..=bytes_max).contains(&text.len())
            && target.is_unsaid(*taken)
        {
            target.set_text(*taken, text);
            return Ok(());
        }
        let mut at_hand = [ValueRef::Null; FIELDS_AT_HAND];
        let mut many = Vec::new();
        if given.len() > FIELDS_AT_HAND {
            many.resize(given.len(), ValueRef::Null);
        }
        let room =
            if many.is_empty() { at_hand.get_mut(..given.len()).unwrap_or_default() } else { &mut many };
        for ((place, slot), field) in room.iter_mut().zip(given).zip(rule.fields.of(from)) {
            match slot.map(|slot| source.get(slot)) {
                Some(Presence::Value(value)) => *place = value,
                _ => return Err(self.not_known(rule, from, Some(field))),
            }
        }
        let values: &[ValueRef<'_>] = room;
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
