//! A mapping against the schemas of both systems: names, types, lengths, option sets, what must be filled.
//!
//! Asks no system anything; the schemas are given. What a schema does not say is not held against the mapping. The
//! doors are [`types`], for one rule, and [`check_link`].

use std::collections::HashSet;

use seamless_core::document::did_you_mean;
use seamless_core::model::{Entity, Field, FieldKind, FieldName, OptionSet, Schema, Side, Sides, Value};

use super::LinkCx;
use super::link::{create, lifecycle_sets};
use crate::declaration::{CopyDecl, KindDecl, Matching, OptionKey, RuleDecl, TooLong, TypeDecl};
use crate::finding::{Findings, Place};
use crate::rules::convert;
use crate::rules::copy::Choices;

pub(crate) fn schema<'a>(cx: &LinkCx<'a>, side: Side) -> Option<&'a Schema> {
    cx.options.schemas.as_ref().map(|schemas| *schemas.of(side))
}

/// The entity of the link on a side, where there is a schema and it has one.
pub(crate) fn entity<'a>(cx: &LinkCx<'a>, side: Side) -> Option<&'a Entity> {
    schema(cx, side)?.entity(cx.link.entity.of(side).as_str())
}

pub(crate) fn first_field<'a>(cx: &LinkCx<'a>, declared: &RuleDecl, side: Side) -> Option<&'a Field> {
    match declared.fields.of(side).as_slice() {
        [field] => entity(cx, side)?.field(field.as_str()),
        _ => None,
    }
}

/// What the fields of a rule hold: what is declared, with the limits that the schema adds; else what the schema says.
pub(crate) fn types(
    cx: &LinkCx<'_>,
    at: usize,
    declared: &RuleDecl,
    findings: &mut Findings,
) -> Sides<Option<TypeDecl>> {
    Sides::new(Side::Left, Side::Right).map(|side| {
        let said = declared.types.of(side).as_ref().copied();
        let field = first_field(cx, declared, side);
        let known = field.and_then(|field| TypeDecl::of_kind(&field.kind));
        match (said, known) {
            (Some(said), Some(known)) if said.same_kind(known) => Some(stricter(said, known)),
            // A reference kept as a plain key is what `types` is for.
            (Some(said), Some(known)) => {
                let message = format!(
                    "the field of {} is declared as {}, it is {}",
                    cx.side_name(side),
                    said.name(),
                    known.name()
                );
                findings.error("type-declared", cx.rule_place(at, Some("types")), message, "correct `types`");
                Some(said)
            }
            (said, known) => said.or(known),
        }
    })
}

/// What a field holds, where a schema says it.
pub(super) fn type_in_schema(cx: &LinkCx<'_>, side: Side, field: &FieldName) -> Option<TypeDecl> {
    entity(cx, side)?.field(field.as_str()).and_then(|field| TypeDecl::of_kind(&field.kind))
}

/// What the sides of a rule can choose from, where a schema says that they take nothing else.
pub(crate) fn choices(cx: &LinkCx<'_>, declared: &RuleDecl) -> Sides<Option<Choices>> {
    Sides::new(Side::Left, Side::Right).map(|side| match &first_field(cx, declared, side)?.kind {
        FieldKind::Option { options } => Choices::of(options),
        _ => None,
    })
}

fn stricter(said: TypeDecl, known: TypeDecl) -> TypeDecl {
    let least = |a: Option<u32>, b: Option<u32>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    match (said, known) {
        (TypeDecl::Text { length_max: a }, TypeDecl::Text { length_max: b }) => {
            TypeDecl::Text { length_max: least(a, b) }
        }
        (
            TypeDecl::Decimal { precision, scale },
            TypeDecl::Decimal { precision: known_precision, scale: known_scale },
        ) => TypeDecl::Decimal {
            precision: least(precision, known_precision),
            scale: least(scale, known_scale),
        },
        (said, _) => said,
    }
}

/// A constant that is a record must be one that the field can point at.
fn check_record(
    cx: &LinkCx<'_>,
    at: usize,
    rule: &RuleDecl,
    side: Side,
    value: &Value,
    findings: &mut Findings,
) {
    let Value::Reference(record) = value else { return };
    let kind = first_field(cx, rule, side).map(|field| &field.kind);
    let help = match kind {
        Some(FieldKind::Reference { targets }) if targets.is_empty() || targets.contains(&record.entity) => {
            return;
        }
        Some(FieldKind::Reference { targets }) => {
            let targets: Vec<&str> = targets.iter().map(|entity| entity.as_str()).collect();
            format!("name one of {}", targets.join(", "))
        }
        Some(_) => "take `record_of` out: the field holds plain values".to_owned(),
        None => return,
    };
    let message =
        format!("the field of {} does not point at records of {}", cx.side_name(side), record.entity);
    findings.error("const-record", cx.rule_place(at, Some("record_of")), message, &help);
}

/// Checks everything of a link that schemas can tell.
pub(crate) fn check_link(cx: &LinkCx<'_>, findings: &mut Findings) {
    for side in Side::BOTH {
        let Some(schema) = schema(cx, side) else { continue };
        let name = cx.link.entity.of(side);
        let Some(entity) = schema.entity(name.as_str()) else {
            let message = format!("{} has no entity {name}", cx.side_name(side));
            let help = did_you_mean(name.as_str(), schema.entities.keys().map(|name| name.as_str()));
            let help =
                help.unwrap_or_else(|| "correct the name, or let the integration's user see it".to_owned());
            findings.error("unknown-entity", cx.place("entity"), message, &help);
            continue;
        };
        check_names(cx, side, entity, findings);
        check_targets(cx, side, entity, findings);
        check_required(cx, side, entity, findings);
    }
    for (at, rule) in cx.link.rules.iter().enumerate() {
        match &rule.kind {
            KindDecl::Copy(copy) => check_copy(cx, at, rule, copy, findings),
            KindDecl::Options(options) => {
                for side in Side::BOTH {
                    let keys = options.rows.iter().filter_map(|row| match row.values.of(side).as_slice() {
                        [OptionKey::Is(value)] => Some((value, row.direction.allows(side))),
                        _ => None,
                    });
                    check_options(cx, at, rule, side, keys, findings);
                }
            }
            KindDecl::Const(value) => {
                let side = if rule.fields.left.is_empty() { Side::Right } else { Side::Left };
                check_options(cx, at, rule, side, std::iter::once((value, true)), findings);
                check_record(cx, at, rule, side, value, findings);
            }
            KindDecl::Join(_)
            | KindDecl::Pack(_)
            | KindDecl::Lookup(_)
            | KindDecl::Lines(_)
            | KindDecl::Embed(_)
            | KindDecl::Expression(_)
            | KindDecl::Money(_)
            | KindDecl::Compare(_)
            | KindDecl::Generated(_)
            | KindDecl::Custom(_) => {}
        }
    }
}

fn check_names(cx: &LinkCx<'_>, side: Side, entity: &Entity, findings: &mut Findings) {
    let mut check = |field: &FieldName, place: Place| {
        if entity.field(field.as_str()).is_none() {
            let message = format!("{} of {} has no field {field}", entity.name, cx.side_name(side));
            let help = did_you_mean(field.as_str(), entity.fields.iter().map(|field| field.name.as_str()));
            let help =
                help.unwrap_or_else(|| "correct the name, or let the integration's user see it".to_owned());
            findings.error("unknown-field", place, message, &help);
        }
    };
    for (at, rule) in cx.link.rules.iter().enumerate() {
        rule.fields.of(side).iter().for_each(|field| check(field, cx.rule_place(at, Some("fields"))));
        rule.when.of(side).fields().iter().for_each(|field| check(field, cx.rule_place(at, Some("when"))));
    }
    cx.link.scope.of(side).fields().iter().for_each(|field| check(field, cx.place("scope")));
    cx.link.writable.of(side).fields().iter().for_each(|field| check(field, cx.place("writable")));
    if let Some(Matching::Lines(lines)) = &cx.link.matching {
        for field in lines.iter().flat_map(|line| &line.fields) {
            check(field.field.of(side), cx.place("match"));
        }
    }
    cx.link.forms.of(side).fields.iter().for_each(|(field, _)| check(field, cx.place("forms")));
    for scale in &cx.link.forms.of(side).scales {
        check(&scale.amount, cx.place("forms"));
        check(&scale.by, cx.place("forms"));
    }
    lifecycle_sets(cx, side).iter().for_each(|(field, _)| check(field, cx.place("lifecycle")));
}

/// What is written must be writable.
fn check_targets(cx: &LinkCx<'_>, side: Side, entity: &Entity, findings: &mut Findings) {
    for (at, rule) in cx.link.rules.iter().enumerate() {
        if !rule.writes(side) {
            continue;
        }
        for name in rule.fields.of(side) {
            let Some(field) = entity.field(name.as_str()) else { continue };
            let why = match (field.read_only, field.computed) {
                (true, _) => "cannot be written",
                (_, true) => "is worked out by the system",
                _ => continue,
            };
            let message = format!("{name} of {} {why}", cx.side_name(side));
            findings.error(
                "read-only-target",
                cx.rule_place(at, Some("flow")),
                message,
                "make the rule one-way, from this field",
            );
        }
    }
}

/// A record that lacks what the system insists on is refused when it is created.
fn check_required(cx: &LinkCx<'_>, side: Side, entity: &Entity, findings: &mut Findings) {
    if !*create(cx).of(side) {
        return;
    }
    for field in &entity.fields {
        let filled = !field.required || field.read_only || field.computed || field.default.is_some();
        let issued = |rule: &RuleDecl| rule.kind == KindDecl::Generated(side);
        let written = |rule: &RuleDecl| {
            (rule.writes(side) || issued(rule)) && rule.fields.of(side).contains(&field.name)
        };
        if filled || cx.link.rules.iter().any(written) {
            continue;
        }
        let message = format!(
            "{} of {} must be filled when a record is created, and no rule does",
            field.name,
            cx.side_name(side)
        );
        let help = format!("add a rule for it, or a constant: `const VALUE -> {}`", field.name);
        findings.warning("required-unmapped", cx.place("rules"), message, &help);
    }
}

fn check_copy(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, copy: &CopyDecl, findings: &mut Findings) {
    for to in Side::BOTH {
        if !rule.direction.allows(to) {
            continue;
        }
        let (Some(source), Some(target)) = (first_field(cx, rule, to.other()), first_field(cx, rule, to))
        else {
            continue;
        };
        check_room(cx, at, (source, target), to, copy, findings);
        if let (FieldKind::Option { options: from }, FieldKind::Option { options: into }) =
            (&source.kind, &target.kind)
        {
            let known: HashSet<String> = into.options.iter().map(|option| option.value.to_string()).collect();
            let lost = from.options.iter().filter(|option| option.active);
            let lost: Vec<String> =
                lost.map(|option| option.value.to_string()).filter(|value| !known.contains(value)).collect();
            if !lost.is_empty() && into.closed {
                let message = format!("{} does not have the values {}", target.name, some_of(&lost));
                let help = "map them with `options`, or those records park";
                findings.warning("options-differ", cx.rule_place(at, None), message, help);
            }
        }
        if matches!(source.kind, FieldKind::List { .. }) || matches!(target.kind, FieldKind::List { .. }) {
            let message = "child records cannot be copied as one value".to_owned();
            findings.error(
                "list-copy",
                cx.rule_place(at, None),
                message,
                "say with `key` and `rules` what is carried of a line, or give the children a link of their own",
            );
        }
    }
}

/// Values that a message names; the rest is counted.
const VALUES_NAMED: usize = 12;

pub(crate) fn some_of(values: &[String]) -> String {
    let named = values.get(..VALUES_NAMED).unwrap_or(values).join(", ");
    match values.len().saturating_sub(VALUES_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Says where what the source can hold does not fit into the target and the rule says nothing of it.
fn check_room(
    cx: &LinkCx<'_>,
    at: usize,
    fields: (&Field, &Field),
    to: Side,
    copy: &CopyDecl,
    findings: &mut Findings,
) {
    for squeeze in room(fields, copy).into_iter().filter(|squeeze| !squeeze.decided) {
        let help = match squeeze.code {
            "lossy-scale" => {
                format!("if rounding is right, say `round: half_up` (towards {})", cx.side_name(to))
            }
            "lossy-length" => "if cutting is right, say `too_long: truncate`".to_owned(),
            _ => "let the target have as many digits, or accept that larger values wait".to_owned(),
        };
        findings.warning(squeeze.code, cx.rule_place(at, None), squeeze.message, &help);
    }
}

/// A target that has less room than its source.
pub(crate) struct Squeeze {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Whether the rule says what is done then.
    pub(crate) decided: bool,
}

/// Where what the source can hold does not fit into the target.
pub(crate) fn room((source, target): (&Field, &Field), copy: &CopyDecl) -> Vec<Squeeze> {
    let mut found = Vec::new();
    match (&source.kind, &target.kind) {
        (FieldKind::Text { length_max: long }, FieldKind::Text { length_max: Some(short) })
            if long.is_none_or(|long| long > *short) =>
        {
            let long = long.map_or_else(|| "any number of".to_owned(), |long| long.to_string());
            let decided = copy.too_long == TooLong::Truncate;
            let then = if decided { "are cut, and what is cut stays on one side" } else { "park" };
            let message = format!(
                "{} takes {short} characters, {} can hold {long}: longer values {then}",
                target.name, source.name
            );
            found.push(Squeeze { code: "lossy-length", message, decided });
        }
        (
            FieldKind::Decimal { precision: many, scale: fine },
            FieldKind::Decimal { precision: few, scale: coarse },
        ) => {
            if let Some(coarse) = coarse.filter(|coarse| fine.is_none_or(|fine| fine > *coarse)) {
                let decided = copy.round.is_some();
                let then = if decided { "are rounded, and their digits stay on one side" } else { "park" };
                let message =
                    format!("{} keeps {coarse} digits after the point: finer values {then}", target.name);
                found.push(Squeeze { code: "lossy-scale", message, decided });
            }
            let whole = |precision: &Option<u32>, scale: &Option<u32>| {
                precision.map(|precision| precision.saturating_sub(scale.unwrap_or(0)))
            };
            if let (Some(from), Some(into)) = (whole(many, fine), whole(few, coarse))
                && from > into
            {
                let message = format!(
                    "{} has {into} digits before the point, {} can have {from}: larger values park",
                    target.name, source.name
                );
                found.push(Squeeze { code: "lossy-precision", message, decided: false });
            }
        }
        _ => {}
    }
    found
}

/// Values that a rule names must be in the option set of their field; those that are written must be active.
fn check_options<'v>(
    cx: &LinkCx<'_>,
    at: usize,
    rule: &RuleDecl,
    side: Side,
    values: impl Iterator<Item = (&'v Value, bool)>,
    findings: &mut Findings,
) {
    let Some(field) = first_field(cx, rule, side) else { return };
    let FieldKind::Option { options } = &field.kind else { return };
    let kind = TypeDecl::of_kind(&field.kind);
    for (value, written) in values {
        let value = kind.and_then(|kind| convert::literal_as(value, kind)).unwrap_or_else(|| value.clone());
        let place = cx.rule_place(at, Some("options"));
        let Some(option) = options.options.iter().find(|option| option.value == value) else {
            let message = format!("{} of {} has no value {value}", field.name, cx.side_name(side));
            let help = known_values(&value, options);
            if options.closed {
                findings.error("unknown-option", place, message, &help);
            } else {
                findings.warning("unknown-option", place, message, &help);
            }
            continue;
        };
        if written && !option.active {
            let message = format!("the value {value} of {} cannot be chosen any more", field.name);
            findings.warning("inactive-option", place, message, "lead away from it only");
        }
    }
}

fn known_values(value: &Value, options: &OptionSet) -> String {
    const SHOWN_MAX: usize = 8;
    let written: Vec<String> = options
        .options
        .iter()
        .map(|option| match &option.value {
            Value::Text(text) => text.to_string(),
            other => other.to_string(),
        })
        .collect();
    let wanted = match value {
        Value::Text(text) => text.to_string(),
        other => other.to_string(),
    };
    if let Some(option) =
        options.options.iter().find(|option| option.label.as_deref() == Some(wanted.as_str()))
    {
        return format!("write the value {}, not its label", option.value);
    }
    did_you_mean(&wanted, written.iter().map(String::as_str)).unwrap_or_else(|| {
        let shown: Vec<&str> = written.iter().take(SHOWN_MAX).map(String::as_str).collect();
        let more = if written.len() > SHOWN_MAX { ", .." } else { "" };
        format!("it has {}{more}", shown.join(", "))
    })
}
