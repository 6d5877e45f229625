//! Options that a side can choose and that lead nowhere.

use seamless_core::model::{FieldKind, Side, Value};

use crate::compile::{LinkCx, fit};
use crate::declaration::{KindDecl, OptionKey, RuleDecl, TypeDecl, UnknownPolicy};
use crate::finding::Findings;
use crate::rules::convert;

pub(super) fn check(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, findings: &mut Findings) {
    let KindDecl::Options(declared) = &rule.kind else { return };
    for to in Side::BOTH.into_iter().filter(|side| rule.direction.allows(*side)) {
        let from = to.other();
        let Some(field) = fit::first_field(cx, rule, from) else { continue };
        let FieldKind::Option { options } = &field.kind else { continue };
        let kind = TypeDecl::of_kind(&field.kind);
        let keys: Vec<&OptionKey> = declared
            .rows
            .iter()
            .filter(|row| row.direction.allows(to))
            .filter_map(|row| row.values.of(from).first())
            .collect();
        let leads = |value: &Value| {
            keys.iter().any(|key| match key {
                OptionKey::Blank => false,
                OptionKey::Is(known) => {
                    let known = kind.and_then(|kind| convert::literal_as(known, kind));
                    known.as_ref() == Some(value)
                }
            })
        };
        let missing = options.options.iter().filter(|option| option.active && !leads(&option.value));
        let mut missing: Vec<String> = missing
            .map(|option| match &option.label {
                Some(label) => format!("{} ({label})", option.value),
                None => option.value.to_string(),
            })
            .collect();
        if !field.required && !keys.contains(&&OptionKey::Blank) {
            missing.push("blank".to_owned());
        }
        if missing.is_empty() {
            continue;
        }
        let values = if missing.len() == 1 { "the value" } else { "the values" };
        let named = format!("{values} {} of {} {}", fit::some_of(&missing), cx.side_name(from), field.name);
        let place = cx.rule_place(at, Some("options"));
        match declared.unknown.of(to) {
            UnknownPolicy::Park => findings.warning(
                "option-unmapped",
                place,
                format!("{named} {} no line: records that hold one wait", has(missing.len())),
                "add lines, or say with `unknown` what the other side gets",
            ),
            UnknownPolicy::Keep => findings.note(
                "option-unmapped",
                place,
                format!("{named} {} no line: {} keeps what it has", has(missing.len()), cx.side_name(to)),
                "",
            ),
            UnknownPolicy::Use(value) => findings.note(
                "option-unmapped",
                place,
                format!("{named} {} no line and all become {value}", has(missing.len())),
                "",
            ),
        }
    }
}

fn has(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}
