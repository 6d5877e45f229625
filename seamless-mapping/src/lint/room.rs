//! What a rule loses although it says so: cut texts, rounded numbers, kinds that cannot say everything.
//!
//! What is lost without a word is the compiler's to find; here it is named, so that whoever signs knows of it.

use seamless_core::mapper::Direction;
use seamless_core::model::{Field, FieldKind, Side, Value};

use crate::compile::{LinkCx, fit};
use crate::declaration::{JoinDecl, KindDecl, RuleDecl, TypeDecl};
use crate::finding::Findings;
use crate::rules::convert;

pub(super) fn check(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, findings: &mut Findings) {
    for to in Side::BOTH.into_iter().filter(|side| rule.direction.allows(*side)) {
        match &rule.kind {
            KindDecl::Copy(copy) => {
                let (Some(source), Some(target)) =
                    (fit::first_field(cx, rule, to.other()), fit::first_field(cx, rule, to))
                else {
                    continue;
                };
                for squeeze in fit::room((source, target), copy).into_iter().filter(|one| one.decided) {
                    let help = if rule.direction == Direction::TwoWay {
                        "let the side with more room own the field with an arrow, or widen the other"
                    } else {
                        ""
                    };
                    findings.note(squeeze.code, cx.rule_place(at, None), squeeze.message, help);
                }
                check_kinds(cx, at, rule, to, (source, target), findings);
            }
            KindDecl::Join(join) => check_join(cx, at, rule, join, to, findings),
            KindDecl::Const(value) => {
                let Some(FieldKind::Text { length_max: Some(room) }) =
                    fit::first_field(cx, rule, to).map(|field| &field.kind)
                else {
                    continue;
                };
                let length = match value {
                    Value::Text(text) => text.chars().count(),
                    _ => 0,
                };
                if length > *room as usize {
                    let message = format!("the constant has {length} characters, the field takes {room}");
                    let help = "shorten it: every record would be refused";
                    findings.warning("const-too-long", cx.rule_place(at, Some("const")), message, help);
                }
            }
            KindDecl::Options(_)
            | KindDecl::Pack(_)
            | KindDecl::Lookup(_)
            | KindDecl::Expression(_)
            | KindDecl::Lines(_)
            | KindDecl::Money(_)
            | KindDecl::Compare(_)
            | KindDecl::Generated(_)
            | KindDecl::Embed(_)
            | KindDecl::Custom(_) => {}
        }
    }
}

/// Kinds of which only some values can be said in the other.
fn check_kinds(
    cx: &LinkCx<'_>,
    at: usize,
    rule: &RuleDecl,
    to: Side,
    (source, target): (&Field, &Field),
    findings: &mut Findings,
) {
    let shape = |kind: &FieldKind| match kind {
        FieldKind::Bytes { .. } => Some("bytes"),
        FieldKind::Set { .. } => Some("a set"),
        _ => None,
    };
    if shape(&source.kind) != shape(&target.kind) && rule.types.left.is_none() && rule.types.right.is_none() {
        let message = format!(
            "{} is {}, {} is {}: what is copied is refused by the system",
            source.name, source.kind, target.name, target.kind
        );
        let help = "carry it with a function (`custom`), or say with `types` what the connector gives";
        findings.warning("kinds-differ", cx.rule_place(at, None), message, help);
    }
    let said = |side: Side, field: &Field| rule.types.of(side).or_else(|| TypeDecl::of_kind(&field.kind));
    let (Some(from), Some(into)) = (said(to.other(), source), said(to, target)) else { return };
    if from.same_kind(into) || !convert::possible(from, into) {
        return;
    }
    let partial = match (from, into) {
        (TypeDecl::Text { .. }, _) => Some("only texts that can be read as that are carried"),
        (TypeDecl::Decimal { .. }, TypeDecl::Int) => Some("only whole numbers are carried"),
        (TypeDecl::Int, TypeDecl::Bool) => Some("only 0 and 1 are carried"),
        (TypeDecl::Float, _) | (_, TypeDecl::Float) => Some("a binary number does not keep every decimal"),
        _ => None,
    };
    if let Some(partial) = partial {
        let message = format!(
            "{} holds {}, {} holds {}: {partial}",
            source.name,
            from.name(),
            target.name,
            into.name()
        );
        let help = "other values park; map them with `options` or an `expression` where that is not enough";
        findings.note("partial-type", cx.rule_place(at, None), message, help);
    }
}

/// Parts that together are longer than the whole may be.
fn check_join(
    cx: &LinkCx<'_>,
    at: usize,
    rule: &RuleDecl,
    join: &JoinDecl,
    to: Side,
    findings: &mut Findings,
) {
    let whole = match (rule.fields.left.len(), rule.fields.right.len()) {
        (2.., 1) => Side::Right,
        (1, 2..) => Side::Left,
        _ => return,
    };
    if to != whole {
        return;
    }
    let Some(entity) = fit::entity(cx, whole.other()) else { return };
    let Some(FieldKind::Text { length_max: Some(room) }) =
        fit::first_field(cx, rule, whole).map(|field| &field.kind)
    else {
        return;
    };
    let mut length = 0_usize;
    for name in rule.fields.of(whole.other()) {
        match entity.field(name.as_str()).map(|field| &field.kind) {
            Some(FieldKind::Text { length_max: Some(part) }) => length += *part as usize,
            _ => return,
        }
    }
    length += join.separator.chars().count() * (rule.fields.of(whole.other()).len() - 1);
    if length > *room as usize {
        let message = format!("the parts can have {length} characters together, the whole takes {room}");
        let help = "longer ones are refused by the system: widen the field, or join fewer";
        findings.warning("lossy-length", cx.rule_place(at, Some("join")), message, help);
    }
}
