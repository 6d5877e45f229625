//! Actions: what a mapping says of the verbs of a system, checked against its rules and, where there are schemas, against
//! what the systems declare. The doors are [`compile`] and [`check_schema`].

use seamless_core::document::did_you_mean;
use seamless_core::mapper::{SideActions, StateAction};
use seamless_core::model::{ActionName, Entity, EntityAction, FieldKind, FieldName, Side, Sides, Value};

use super::LinkCx;
use super::fit::{self, entity};
use crate::declaration::{RuleDecl, TypeDecl};
use crate::finding::Findings;
use crate::rules::convert;

/// Actions of a side at most: more than a person can keep apart.
const ACTIONS_MAX: usize = 64;

/// The actions of a link as the engine takes them: states are of the kind of their field.
pub(crate) fn compile(cx: &LinkCx<'_>, findings: &mut Findings) -> Sides<SideActions> {
    Sides::new(Side::Left, Side::Right).map(|side| {
        let declared = cx.link.actions.of(side);
        check(cx, side, declared, findings);
        let state = |field: &FieldName, state: &Value| {
            let kind = kind_of(cx, side, field);
            kind.and_then(|kind| convert::literal_as(state, kind)).unwrap_or_else(|| state.clone())
        };
        let steps = declared.steps.iter().map(|step| StateAction {
            from: step.from.iter().map(|from| state(&step.field, from)).collect(),
            to: state(&step.field, &step.to),
            ..step.clone()
        });
        let starts = declared.starts.iter().map(|(field, value)| (field.clone(), state(field, value)));
        SideActions { steps: steps.collect(), starts: starts.collect() }
    })
}

/// What a field of states holds: what a schema says, else what its rule declares.
fn kind_of(cx: &LinkCx<'_>, side: Side, field: &FieldName) -> Option<TypeDecl> {
    let alone = |rule: &&RuleDecl| rule.fields.of(side).as_slice() == std::slice::from_ref(field);
    let declared = || cx.link.rules.iter().find(alone).and_then(|rule| *rule.types.of(side));
    fit::type_in_schema(cx, side, field).or_else(declared)
}

/// Whether actions move a field of a side.
pub(crate) fn moves(cx: &LinkCx<'_>, side: Side, field: &FieldName) -> bool {
    cx.link.actions.of(side).steps.iter().any(|step| step.field == *field)
}

fn check(cx: &LinkCx<'_>, side: Side, declared: &SideActions, findings: &mut Findings) {
    let name = cx.side_name(side);
    if declared.steps.len() > ACTIONS_MAX {
        let message = format!("{} actions of {name}", declared.steps.len());
        let help = format!("at most {ACTIONS_MAX} actions of a side can be in a link");
        findings.error("too-many-actions", cx.place("actions"), message, &help);
        return;
    }
    for (at, step) in declared.steps.iter().enumerate() {
        let StateAction { name: action, field, from, to, .. } = step;
        if action.as_str().trim().is_empty() || field.as_str().trim().is_empty() || from.is_empty() {
            let message = format!(
                "an action of {name} does not say what it is called, which field it moves or from where"
            );
            let help = "write `release: { field: Status, from: Open, to: Released }`";
            findings.error("action-empty", cx.place("actions"), message, help);
        }
        if from.contains(to) {
            let message = format!("{action} of {name} leads from {to} to where it begins");
            findings.error("action-circle", cx.place("actions"), message, "name another state");
        }
        let earlier = declared.steps.iter().take(at);
        let mut same = earlier.filter(|other| other.name == *action && other.field == *field);
        if same.any(|other| other.from.iter().any(|state| from.contains(state))) {
            let message = format!("{action} of {name} leads from one state to two");
            let help = "an action that the system decides about itself cannot be planned";
            findings.error("action-twice", cx.place("actions"), message, help);
        }
    }
    for (field, _) in &declared.starts {
        if !moves(cx, side, field) {
            let message = format!("{field} of {name} is moved by no action");
            let help = "`starts` says the first state of a field that `actions` move";
            findings.error("start-unmoved", cx.place("starts"), message, help);
        }
    }
    check_rules(cx, side, findings);
}

/// A state is settled by its action, and other fields by the update: a rule cannot wait for both.
fn check_rules(cx: &LinkCx<'_>, side: Side, findings: &mut Findings) {
    for (at, rule) in cx.link.rules.iter().enumerate().filter(|(_, rule)| rule.writes(side)) {
        let fields = rule.fields.of(side);
        let Some(moved) = fields.iter().find(|field| moves(cx, side, field)) else { continue };
        if fields.len() > 1 {
            let message = format!("the rule writes {moved}, which actions move, together with other fields");
            let help = "give the state a rule of its own";
            findings.error("action-mixed", cx.rule_place(at, None), message, help);
        }
    }
}

/// What the schema of a side says of its actions. A schema that declares none may say nothing of them: that is a note of the
/// lint, and the head of a plan tells.
pub(crate) fn check_schema(cx: &LinkCx<'_>, side: Side, findings: &mut Findings) {
    let Some(known) = entity(cx, side) else { return };
    let declared = cx.link.actions.of(side);
    let mut seen: Vec<&ActionName> = Vec::new();
    for step in &declared.steps {
        if known.actions.is_empty() {
            break;
        }
        let Some(action) = known.action(step.name.as_str()) else {
            if !seen.contains(&&step.name) {
                unknown(cx, side, known, &step.name, findings);
            }
            seen.push(&step.name);
            continue;
        };
        check_action(cx, side, step, action, findings);
    }
    check_states(cx, side, known, findings);
    check_start(cx, side, known, findings);
}

fn unknown(cx: &LinkCx<'_>, side: Side, known: &Entity, name: &ActionName, findings: &mut Findings) {
    let message = format!("{} of {} has no action {name}", known.name, cx.side_name(side));
    let names: Vec<&str> = known.actions.iter().map(|action| action.name.as_str()).collect();
    let help = did_you_mean(name.as_str(), names.iter().copied());
    let help = help.unwrap_or_else(|| format!("it has {}", names.join(", ")));
    findings.error("unknown-action", cx.place("actions"), message, &help);
}

fn check_action(
    cx: &LinkCx<'_>,
    side: Side,
    step: &StateAction,
    known: &EntityAction,
    findings: &mut Findings,
) {
    let kind = kind_of(cx, side, &step.field);
    let typed = |state: &Value| {
        kind.and_then(|kind| convert::literal_as(state, kind)).unwrap_or_else(|| state.clone())
    };
    let field = known.field.as_ref().filter(|field| **field != step.field);
    let to = known.to.as_ref().filter(|to| **to != typed(&step.to));
    let from = step.from.iter().find(|from| !known.from.is_empty() && !known.from.contains(&typed(from)));
    let otherwise = [
        field.map(|field| format!("it moves {field}")),
        to.map(|to| format!("it leads to {to}")),
        from.map(|from| format!("it is not possible in {from}")),
    ];
    for found in otherwise.into_iter().flatten() {
        let message = format!("{} of {}: {found}", step.name, cx.side_name(side));
        let help = "say what the system says of it";
        findings.error("action-differs", cx.place("actions"), message, help);
    }
}

/// States must be values of their field.
fn check_states(cx: &LinkCx<'_>, side: Side, known: &Entity, findings: &mut Findings) {
    let declared = cx.link.actions.of(side);
    let named = declared
        .steps
        .iter()
        .flat_map(|step| step.from.iter().chain([&step.to]).map(|state| ("actions", &step.field, state)));
    let starts = declared.starts.iter().map(|(field, state)| ("starts", field, state));
    let mut said: Vec<(&FieldName, Value)> = Vec::new();
    for (key, field, state) in named.chain(starts) {
        let Some(found) = known.field(field.as_str()) else { continue };
        let FieldKind::Option { options } = &found.kind else { continue };
        let kind = TypeDecl::of_kind(&found.kind);
        let state = kind.and_then(|kind| convert::literal_as(state, kind)).unwrap_or_else(|| state.clone());
        let is_known = options.options.iter().any(|option| option.value == state);
        if is_known || !options.closed || said.contains(&(field, state.clone())) {
            continue;
        }
        let message = format!("{field} of {} has no value {state}", cx.side_name(side));
        findings.error("unknown-option", cx.place(key), message, "name a value of its option set");
        said.push((field, state));
    }
}

/// A state that no client may write cannot be sent with a new record either.
fn check_start(cx: &LinkCx<'_>, side: Side, known: &Entity, findings: &mut Findings) {
    if !*super::link::create(cx).of(side) {
        return;
    }
    let declared = cx.link.actions.of(side);
    for field in declared.fields() {
        let Some(found) = known.field(field.as_str()).filter(|field| field.read_only) else { continue };
        let is_sent =
            cx.link.rules.iter().any(|rule| rule.writes(side) && rule.fields.of(side).contains(field));
        if !is_sent || declared.start(field.as_str()).is_some() {
            continue;
        }
        let message = format!(
            "{field} of {} cannot be written, and nothing says what new records have",
            cx.side_name(side)
        );
        let state = found.default.as_ref().map_or("STATE".to_owned(), ToString::to_string);
        let help =
            format!("say the first state: `starts: {{ {}: {{ {field}: {state} }} }}`", cx.side_name(side));
        findings.error("start-missing", cx.place("starts"), message, &help);
    }
}
