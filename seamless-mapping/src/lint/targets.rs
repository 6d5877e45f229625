//! What a target needs and does not get: values that may be blank, records that would be created without any.

use seamless_core::mapper::{LinkMode, WriteOn};
use seamless_core::model::{Condition, Field, Side, Sides, Value};

use crate::compile::link::{create, lifecycle_sets};
use crate::compile::{LinkCx, actions, fit};
use crate::declaration::{KindDecl, OptionKey, RuleDecl};
use crate::finding::Findings;

/// A field that must have a value, made from one that may have none.
pub(super) fn check_blank(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, findings: &mut Findings) {
    for to in Side::BOTH.into_iter().filter(|side| rule.direction.allows(*side)) {
        let Some(target) = fit::first_field(cx, rule, to).filter(|field| field.required) else { continue };
        if target.read_only || target.computed {
            continue;
        }
        let from = to.other();
        let Some(entity) = fit::entity(cx, from) else { continue };
        let names = rule.fields.of(from);
        let all_may_be_blank = !names.is_empty()
            && names.iter().all(|name| {
                entity.field(name.as_str()).is_some_and(|field| !field.required && !entity.key.contains(name))
            });
        let filled = match &rule.kind {
            KindDecl::Copy(copy) => copy.default.of(to).is_some(),
            KindDecl::Const(_)
            | KindDecl::Expression(_)
            | KindDecl::Custom(_)
            | KindDecl::Compare(_)
            | KindDecl::Generated(_)
            | KindDecl::Lines(_)
            | KindDecl::Embed(_) => true,
            KindDecl::Options(_)
            | KindDecl::Join(_)
            | KindDecl::Pack(_)
            | KindDecl::Money(_)
            | KindDecl::Lookup(_) => false,
        };
        let conditional = *rule.when.of(from) != Condition::Always;
        if !filled && (all_may_be_blank || conditional) {
            let why = if conditional {
                "the rule does not always apply".to_owned()
            } else {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                format!("{} of {} may be blank", names.join(" and "), cx.side_name(from))
            };
            let message = format!("{} of {} must have a value, and {why}", target.name, cx.side_name(to));
            let help =
                "such records are refused by the system: add a `default`, or leave them out with `scope`";
            findings.note("required-from-optional", cx.rule_place(at, None), message, help);
        }
    }
}

/// Fields that a deletion or a leaving record sets must be writable as well.
pub(super) fn check_lifecycle(cx: &LinkCx<'_>, findings: &mut Findings) {
    for side in Side::BOTH {
        let Some(entity) = fit::entity(cx, side) else { continue };
        for (name, _) in lifecycle_sets(cx, side) {
            let fixed =
                |field: &&Field| (field.read_only || field.computed) && !actions::moves(cx, side, name);
            let Some(field) = entity.field(name.as_str()).filter(fixed) else {
                continue;
            };
            let message =
                format!("`lifecycle` sets {} of {}, which cannot be written", field.name, cx.side_name(side));
            let help = "set another field, or park";
            findings.warning("lifecycle-read-only", cx.place("lifecycle"), message, help);
        }
    }
}

/// Records that are created on a side to which no rule leads.
pub(super) fn check_creates(cx: &LinkCx<'_>, findings: &mut Findings) {
    for side in Side::BOTH {
        let creates = *create(cx).of(side) && cx.link.mode != LinkMode::Observe;
        let writes = |rule: &RuleDecl| rule.writes(side);
        if !creates || cx.link.rules.iter().any(writes) {
            continue;
        }
        let message =
            format!("records are created in {}, and no rule gives them a value", cx.side_name(side));
        let help = match cx.link.mode {
            LinkMode::TwoWay => format!("say `mode: to_{}`, or `create`", cx.side_name(side.other())),
            _ => "add rules, or say `create: false`".to_owned(),
        };
        findings.warning("creates-empty", cx.place("create"), message, &help);
    }
    let never =
        |rule: &RuleDecl| rule.on == WriteOn::Create && cx.link.create == Some(Sides::new(false, false));
    for (at, _) in cx.link.rules.iter().enumerate().filter(|(_, rule)| never(rule)) {
        let message = "the rule gives values on create only, and the link creates nothing";
        findings.warning(
            "never-written",
            cx.rule_place(at, Some("only_on")),
            message,
            "change `create` or the rule",
        );
    }
}

/// Actions of which the schema says nothing: whether the system has them is seen when one is done.
pub(super) fn check_actions(cx: &LinkCx<'_>, findings: &mut Findings) {
    for side in Side::BOTH.into_iter().filter(|side| !cx.link.actions.of(*side).is_empty()) {
        let Some(entity) = fit::entity(cx, side).filter(|entity| entity.actions.is_empty()) else { continue };
        let message = format!("{} of {} declares no actions", entity.name, cx.side_name(side));
        let help = "see whether the system has them: what needs one is refused there, and waits";
        findings.note("actions-undeclared", cx.place("actions"), message, help);
    }
}

/// States that a rule asks for and no action leads to: records that are to become them wait.
pub(super) fn check_states(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, findings: &mut Findings) {
    let KindDecl::Options(options) = &rule.kind else { return };
    for side in Side::BOTH.into_iter().filter(|side| rule.writes(*side)) {
        let [field] = rule.fields.of(side).as_slice() else { continue };
        if !actions::moves(cx, side, field) {
            continue;
        }
        let declared = cx.link.actions.of(side);
        let leads = |state: &Value| {
            let mut steps = declared.steps.iter().filter(|step| step.field == *field);
            steps.any(|step| step.to == *state) || declared.start(field.as_str()) == Some(state)
        };
        let wanted = options.rows.iter().filter(|row| row.direction.allows(side));
        let wanted = wanted.filter_map(|row| match row.values.of(side).as_slice() {
            [OptionKey::Is(state)] if !leads(state) => Some(state.to_string()),
            _ => None,
        });
        let lost: Vec<String> = wanted.collect();
        if !lost.is_empty() {
            let message = format!("no action of {} leads to {}", cx.side_name(side), fit::some_of(&lost));
            let help = "add the action, or let that value flow the other way only; such records wait";
            findings.warning("unreachable-state", cx.rule_place(at, Some("options")), message, help);
        }
    }
}
