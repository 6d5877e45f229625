//! The fields that a link uses, as they were and as they are.

use std::collections::BTreeSet;

use seamless_core::model::{Condition, Field, FieldKind, FieldName};

use super::uses::Used;
use super::{Difference, SideOf, What, moved, operation, options};
use crate::compile::link::create;
use crate::declaration::{RuleDecl, TypeDecl};
use crate::finding::Gravity;
use crate::suggest::{KnownField, comparable, likeness};

/// Fields less alike than this are not taken for one that was renamed.
const RENAMED_MIN: f64 = 0.82;

/// The same where nothing says which fields came: any field could be the one.
const RENAMED_BLINDLY_MIN: f64 = 0.92;

pub(super) fn fields(side: &SideOf<'_, '_>) -> Vec<Difference> {
    let mut found = gone(side);
    for name in side.uses.names() {
        if let Some(now) = side.now.field(name.as_str()) {
            changed(side, now, &side.uses.used(name), &mut found);
        }
    }
    now_required(side, &mut found);
    found
}

/// Fields that are used and are not there: renamed, moved into a record of their own, or missing.
fn gone(side: &SideOf<'_, '_>) -> Vec<Difference> {
    let missing: Vec<&FieldName> =
        side.uses.names().filter(|name| side.now.field(name.as_str()).is_none()).collect();
    let renamed = renamed(side, &missing);
    let moves = moved::moves(side.expected, side.now, &missing);
    let mut found = Vec::new();
    for name in missing {
        let used = side.uses.used(name);
        let words = used.words();
        if let Some((_, to, score, evidence)) = renamed.iter().find(|(from, ..)| *from == name) {
            let what = What::Renamed { to: to.clone(), score: *score, evidence: evidence.clone() };
            let message = format!("{name} is gone, {to} looks like it ({evidence}); {words} cannot work");
            let ids: Vec<String> = used.rules.iter().map(|rule| rule.id.to_string()).collect();
            let keep = match ids.as_slice() {
                [] => String::new(),
                [id] => format!("; keep `id: {id}`, so that its bases survive"),
                _ => format!("; keep the ids of its rules ({}), so that their bases survive", ids.join(", ")),
            };
            let proposal = format!("write {to} for {name}{keep}");
            let told = side.difference(Some(name), what, Gravity::Error, message, proposal);
            found.push(told.answered_by(operation::renamed(side, &used, name, to)));
        } else if let Some(one) = moves.iter().find(|one| one.fields.contains(name)) {
            let what = What::Moved { to: one.to.clone(), entities: one.entities.clone() };
            let message = format!(
                "{name} is gone with {} others like it, and {} came; {words} cannot work",
                one.fields.len().saturating_sub(1),
                one.to
            );
            found.push(side.difference(Some(name), what, Gravity::Error, message, one.proposal()));
        } else {
            let message = format!("{name} is gone; {words} cannot work");
            let proposal = if used.rules.is_empty() {
                "let the integration's user see the field, or use another one".to_owned()
            } else {
                "let the integration's user see the field, map another one, or take the rule out".to_owned()
            };
            let told = side.difference(Some(name), What::Missing, Gravity::Error, message, proposal);
            found.push(told.answered_by(operation::missing(side, &used)));
        }
    }
    found
}

type Renamed<'n> = (&'n FieldName, FieldName, f64, String);

/// What each missing field may be called now, best first, each once.
fn renamed<'n>(side: &SideOf<'_, '_>, missing: &[&'n FieldName]) -> Vec<Renamed<'n>> {
    let came: Vec<KnownField<'_>> = side
        .now
        .fields
        .iter()
        .filter(|field| match side.expected {
            Some(expected) if side.whole => expected.field(field.name.as_str()).is_none(),
            _ => side.uses.used(&field.name).is_empty(),
        })
        .map(KnownField::of)
        .collect();
    let least = if side.expected.is_some() && side.whole { RENAMED_MIN } else { RENAMED_BLINDLY_MIN };
    let mut scored = Vec::new();
    for name in missing {
        let known = side.expected.and_then(|entity| entity.field(name.as_str()));
        for candidate in &came {
            // Of a field that nobody knows, the kind of the candidate is as good as any.
            let stand_in = Field::new((*name).clone(), candidate.field.kind.clone());
            let was = KnownField::of(known.unwrap_or(&stand_in));
            if let Some((score, evidence)) =
                likeness(&was, candidate, true).filter(|(score, _)| *score >= least)
            {
                scored.push((*name, candidate.field.name.clone(), score, evidence));
            }
        }
    }
    scored.sort_by(|a, b| b.2.total_cmp(&a.2));
    let (mut from, mut to) = (BTreeSet::new(), BTreeSet::new());
    scored.retain(|(name, candidate, ..)| {
        let free = !from.contains(name) && !to.contains(candidate);
        if free {
            from.insert(*name);
            to.insert(candidate.clone());
        }
        free
    });
    scored
}

/// A field that is used, there and not as it was.
fn changed(side: &SideOf<'_, '_>, now: &Field, used: &Used, found: &mut Vec<Difference>) {
    let name = &now.name;
    let was = side.expected.and_then(|entity| entity.field(name.as_str()));
    let words = used.words();
    let mut tell = |what: What, gravity: Gravity, message: String, proposal: &str, operations| {
        found.push(side.difference(Some(name), what, gravity, message, proposal).answered_by(operations));
    };
    match was {
        Some(was) => {
            if is_retyped(&was.kind, &now.kind) {
                let message =
                    format!("{name} was {}, it is {}; {words} must be looked at", was.kind, now.kind);
                let proposal =
                    "declare how the values are carried now: `types`, `format`, `options` or `lookup`";
                tell(What::Retyped, Gravity::Error, message, proposal, Vec::new());
            } else if let Some(less) =
                narrower(&was.kind, &now.kind, side.whole).filter(|_| used.is_written())
            {
                let (operations, said) = operation::narrower(side, used, &was.kind, &now.kind);
                let (gravity, then) = match said {
                    true => (Gravity::Note, "its rules say what becomes of values that do not fit"),
                    false => (Gravity::Warning, less),
                };
                let message = format!("{name} was {}, it is {}: {then}", was.kind, now.kind);
                let proposal = match said {
                    true => "nothing need be done",
                    false => {
                        "say what is done with values that do not fit: `too_long: truncate`, `round: half_up`, or let them wait"
                    }
                };
                tell(What::Narrower, gravity, message, proposal, operations);
            }
            let writable = |field: &Field| !field.read_only && !field.computed;
            if writable(was) && !writable(now) && used.is_written() {
                let why = if now.computed {
                    "is worked out by the system now"
                } else {
                    "cannot be written any more"
                };
                let message = format!("{name} {why}; {words} write it");
                tell(
                    What::NowReadOnly,
                    Gravity::Error,
                    message,
                    "let the rule go the other way only, or take it out",
                    operation::read_only(side, used),
                );
            }
            options::compare(side, was, now, used, found);
        }
        None => {
            for by in &used.rules {
                let declared = side.cx.link.rules.get(by.at);
                let said = declared.and_then(|rule| said_type(rule, side, name));
                let is = TypeDecl::of_kind(&now.kind);
                if let (Some(rule), Some(said), Some(is)) = (declared, said, is)
                    && !said.same_kind(is)
                {
                    let message = format!(
                        "{name} is declared as {} by rule {}, it is {}",
                        said.name(),
                        by.id,
                        now.kind
                    );
                    let operations = vec![operation::retyped(side, rule, is)];
                    tell(What::Retyped, Gravity::Error, message, "correct `types` of the rule", operations);
                }
            }
        }
    }
}

/// What a rule says that its only field of a side holds. A reference that is kept as a key is said so on purpose.
fn said_type(rule: &RuleDecl, side: &SideOf<'_, '_>, name: &FieldName) -> Option<TypeDecl> {
    match rule.fields.of(side.side).as_slice() {
        [only] if only == name => *rule.types.of(side.side),
        _ => None,
    }
}

fn is_retyped(was: &FieldKind, now: &FieldKind) -> bool {
    match (was, now) {
        (FieldKind::Reference { targets: was }, FieldKind::Reference { targets: now }) => {
            // What it could point at must still be there.
            was.iter().any(|target| !now.contains(target))
        }
        (FieldKind::List { entity: was }, FieldKind::List { entity: now }) => was != now,
        (FieldKind::Bytes { .. }, FieldKind::Bytes { .. })
        | (FieldKind::Set { .. }, FieldKind::Set { .. }) => false,
        (FieldKind::Option { .. }, FieldKind::Option { .. }) => false,
        (was, now) => match (TypeDecl::of_kind(was), TypeDecl::of_kind(now)) {
            (Some(was), Some(now)) => !was.same_kind(now),
            _ => !comparable(was, now),
        },
    }
}

/// What does not fit any more, in words. Where only a part is known, no limit said is no limit known.
fn narrower(was: &FieldKind, now: &FieldKind, whole: bool) -> Option<&'static str> {
    let more = |was: &Option<u32>, now: &u32| was.map_or(whole, |was| was > *now);
    match (was, now) {
        (FieldKind::Text { length_max: was }, FieldKind::Text { length_max: Some(now) })
        | (FieldKind::Bytes { length_max: was }, FieldKind::Bytes { length_max: Some(now) })
            if more(was, now) =>
        {
            Some("longer values wait")
        }
        (
            FieldKind::Decimal { precision: was_precision, scale: was_scale },
            FieldKind::Decimal { precision, scale },
        ) => {
            let less = |was: &Option<u32>, now: &Option<u32>| now.is_some_and(|now| more(was, &now));
            (less(was_precision, precision) || less(was_scale, scale)).then_some("values of more digits wait")
        }
        _ => None,
    }
}

/// Fields that must have a value when a record is created, and had not to.
fn now_required(side: &SideOf<'_, '_>, found: &mut Vec<Difference>) {
    if !*create(side.cx).of(side.side) {
        return;
    }
    let Some(expected) = side.expected else { return };
    for field in side.now.fields.iter().filter(|field| field.required) {
        let was = expected.field(field.name.as_str()).is_some_and(|was| was.required);
        if was || field.default.is_some() || field.read_only || field.computed {
            continue;
        }
        let used = side.uses.used(&field.name);
        let always = |rule: &super::uses::UsedBy| {
            let declared = side.cx.link.rules.get(rule.at);
            rule.writes && declared.is_some_and(|rule| *rule.when.of(side.side.other()) == Condition::Always)
        };
        let (gravity, message, proposal) = if used.rules.iter().any(always) {
            (
                Gravity::Warning,
                format!(
                    "{} must have a value now; records for which its rule gives none are refused",
                    field.name
                ),
                "give the rule a `default`".to_owned(),
            )
        } else {
            (
                Gravity::Error,
                format!(
                    "{} must have a value now, and no rule gives it one: creates are refused",
                    field.name
                ),
                format!("add a rule for it, or a constant: `const VALUE -> {}`", field.name),
            )
        };
        found.push(side.difference(Some(&field.name), What::NowRequired, gravity, message, proposal));
    }
}
