//! What a mapping does with one given record, field by field: what it holds now, which rule reads it, what it becomes, or
//! why it waits, or why nothing is written.
//!
//! Pure: the record, its partner and what references resolve to are given; the rules are those that a run uses. It says
//! what carrying gives, not what a plan would decide: conflicts, bases and guards are the engine's. The door is
//! [`explain`].

mod given;
mod words;

use seamless_core::mapper::{Draft, MapContext, MapError, Resolved, Rule, WriteOn};
use seamless_core::merge::CompiledLink;
use seamless_core::model::{
    ActionName, Condition, Entity, FieldName, PlannedRef, Presence, Record, RuleId, RuleIndex, Side, Slot,
    Truth, Value,
};

pub use given::{given_record, partners};

use crate::declaration::{LinkDecl, RuleDecl};

/// What is explained: a record of one side, and what is known of the other.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The link.
    pub link: &'a CompiledLink,
    /// What its author declared: how each rule is said in words.
    pub declared: Option<&'a LinkDecl>,
    /// The side that the record is on.
    pub from: Side,
    /// The record, in the link's shape of its side.
    pub source: &'a Record,
    /// Its partner, in the shape of the other side; nothing where it would be created.
    pub target: Option<&'a Record>,
    /// What references resolve to.
    pub resolved: &'a Resolved,
    /// What the other system has: which of its fields no rule speaks of.
    pub entity: Option<&'a Entity>,
}

/// One way of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The side that the record is on.
    pub from: Side,
    /// Whether the record takes part in the link.
    pub scope: Truth,
    /// Whether the other side's record would be created.
    pub creating: bool,
    /// What each rule makes of it, in the order of the rules.
    pub rules: Vec<ExplainedRule>,
    /// Fields of the other side that nothing writes on this way, each with the reason.
    pub untouched: Vec<(FieldName, Untouched)>,
    /// How many fields of the other side no rule speaks of, where its schema was given.
    pub in_no_rule: Option<usize>,
}

/// What one rule makes of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedRule {
    /// The rule.
    pub rule: RuleId,
    /// How it carries, in words; empty where the declaration is not known.
    pub how: String,
    /// What it reads.
    pub read: Vec<(FieldName, Slot)>,
    /// What it writes.
    pub written: Vec<Target>,
    /// Why it carries nothing, where it is not its turn.
    pub rests: Option<Rests>,
    /// Why its value waits.
    pub trouble: Option<Box<MapError>>,
}

/// A field of the other side.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The field.
    pub field: FieldName,
    /// What it holds now.
    pub now: Slot,
    /// What it holds afterwards.
    pub then: Then,
}

/// What becomes of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// It stays: nothing is said, or both mean the same.
    Same,
    /// It becomes this.
    Becomes(Slot),
    /// These actions of the system bring it to this, one after the other.
    Moves {
        /// What it holds in the end.
        to: Slot,
        /// The actions.
        by: Vec<ActionName>,
    },
    /// It is to become this, and no action of the system leads there: it waits.
    NoWay(Slot),
    /// It becomes the id of a record that is created first.
    CreatedId,
    /// The system decides.
    SystemDecides,
}

/// Why a rule carries nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Rests {
    /// It goes the other way only.
    OtherWay,
    /// It speaks when a record is created, and this one is there.
    OnlyOnCreate,
    /// Its condition does not hold.
    ConditionOut(Condition),
    /// Whether its condition holds cannot be said: a field was not read.
    ConditionUnknown(Condition),
}

/// Why a field of the other side is not written on this way.
#[derive(Clone, Debug, PartialEq)]
pub enum Untouched {
    /// Its rule carries nothing here.
    Rests(RuleId, Rests),
    /// Its rule waits.
    Waits(RuleId),
    /// It is only looked at: to match, or by a condition.
    LookedAt,
}

/// Explains one way of one record. Total; the cost is that of carrying it once.
pub fn explain(subject: &Subject<'_>) -> Explained {
    let Subject { link, declared, from, source, target, resolved, entity } = *subject;
    let to = from.other();
    let blank = Record::absent(link.shape(to));
    let current = target.unwrap_or(&blank);
    let context =
        MapContext { resolved, target_entity: link.spec().entity.of(to), creating: target.is_none() };
    let said = |rule: &Rule| -> Option<&RuleDecl> {
        declared?.rules.iter().find(|declared| declared.stable_id() == rule.id)
    };
    let rules: Vec<ExplainedRule> = link
        .rules()
        .iter()
        .zip(0..)
        .map(|(rule, index)| {
            one_rule(link, (RuleIndex(index), rule, said(rule)), (from, source), current, &context)
        })
        .collect();
    Explained {
        from,
        scope: link.scope(from, source),
        creating: target.is_none(),
        untouched: untouched(link, to, &rules),
        in_no_rule: entity.map(|entity| {
            let named = |name: &FieldName| link.shape(to).slot(name.as_str()).is_some();
            entity.fields.iter().filter(|field| !named(&field.name)).count()
        }),
        rules,
    }
}

fn one_rule(
    link: &CompiledLink,
    (index, rule, declared): (RuleIndex, &Rule, Option<&RuleDecl>),
    (from, source): (Side, &Record),
    current: &Record,
    context: &MapContext<'_>,
) -> ExplainedRule {
    let to = from.other();
    let read = rule.fields.of(from).iter();
    let mut explained = ExplainedRule {
        rule: rule.id.clone(),
        how: words::along(
            declared.map(words::how).unwrap_or_default(),
            rule.fields.of(from),
            link.mapper().paths(from),
        ),
        read: read.map(|field| (field.clone(), source.field(field.as_str()).to_slot())).collect(),
        written: Vec::new(),
        rests: rests(rule, (from, source), context.creating),
        trouble: None,
    };
    if explained.rests.is_some() {
        return explained;
    }
    let mut draft = Draft::over(current);
    explained.trouble = link.mapper().carry(index, from, source, &mut draft, context).err();
    for field in rule.fields.of(to) {
        let Some(slot) = current.shape().slot(field.as_str()) else { continue };
        let now = current.get(slot);
        let then = match draft.get(slot) {
            None => Then::Same,
            Some(PlannedRef::Known(value)) => {
                let same = link.forms(to).slot(slot).same_presence(now, Presence::Value(value));
                match same {
                    true => Then::Same,
                    false => becomes(link, (to, slot), now, &value.to_value(), context.creating),
                }
            }
            Some(PlannedRef::TargetDecides) => Then::SystemDecides,
            Some(PlannedRef::ResultOf(_)) => Then::CreatedId,
        };
        explained.written.push(Target { field: field.clone(), now: now.to_slot(), then });
    }
    explained
}

/// What becomes of a field that is to hold another value: written, or moved by the actions of its system.
fn becomes(
    link: &CompiledLink,
    (to, slot): (Side, usize),
    now: Presence<'_>,
    value: &Value,
    creating: bool,
) -> Then {
    let then = Slot::Value(value.clone());
    let from = match creating {
        true => link.start(to, slot).map(Value::as_ref),
        false => now.value(),
    };
    let Some(from) = from.filter(|_| link.is_moved(to, slot)) else { return Then::Becomes(then) };
    match link.way(to, slot, from, value.as_ref()) {
        Some(way) => {
            Then::Moves { to: then, by: way.into_iter().map(|action| action.name.clone()).collect() }
        }
        None => Then::NoWay(then),
    }
}

fn rests(rule: &Rule, (from, source): (Side, &Record), creating: bool) -> Option<Rests> {
    let condition = rule.when.of(from);
    if !rule.direction.allows(from.other()) {
        return Some(Rests::OtherWay);
    }
    if rule.on == WriteOn::Create && !creating {
        return Some(Rests::OnlyOnCreate);
    }
    match condition.holds(source) {
        Truth::In => None,
        Truth::Out => Some(Rests::ConditionOut(condition.clone())),
        Truth::Unknown => Some(Rests::ConditionUnknown(condition.clone())),
    }
}

fn untouched(link: &CompiledLink, to: Side, rules: &[ExplainedRule]) -> Vec<(FieldName, Untouched)> {
    let mut untouched = Vec::new();
    for name in link.shape(to).names() {
        let of_field =
            || link.rules().iter().zip(rules).filter(|(rule, _)| rule.fields.of(to).contains(name));
        if of_field().any(|(_, explained)| explained.rests.is_none() && explained.trouble.is_none()) {
            continue;
        }
        let why = of_field().find_map(|(_, explained)| match (&explained.rests, &explained.trouble) {
            (Some(rests), _) => Some(Untouched::Rests(explained.rule.clone(), rests.clone())),
            (None, Some(_)) => Some(Untouched::Waits(explained.rule.clone())),
            (None, None) => None,
        });
        untouched.push((name.clone(), why.unwrap_or(Untouched::LookedAt)));
    }
    untouched
}
