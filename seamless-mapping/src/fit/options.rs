//! Option sets as they were and as they are.

use seamless_core::model::{Field, FieldKind, OptionItem, OptionSet, Value};

use super::uses::Used;
use super::{Difference, SideOf, What};
use crate::compile::fit::some_of;
use crate::declaration::{KindDecl, OptionKey, TypeDecl, UnknownPolicy};
use crate::finding::Gravity;
use crate::rules::convert;

pub(super) fn compare(
    side: &SideOf<'_, '_>,
    was: &Field,
    now: &Field,
    used: &Used,
    found: &mut Vec<Difference>,
) {
    let (FieldKind::Option { options: before } | FieldKind::Set { options: before }) = &was.kind else {
        return;
    };
    let (FieldKind::Option { options: after } | FieldKind::Set { options: after }) = &now.kind else {
        return;
    };
    let named = Named::of(side, now, used);
    let name = &now.name;
    let mut tell = |what: What, gravity: Gravity, message: String, proposal: &str| {
        found.push(side.difference(Some(name), what, gravity, message, proposal));
    };
    let removed: Vec<&OptionItem> =
        before.options.iter().filter(|option| !after.contains(&option.value)).collect();
    if !removed.is_empty() {
        let spoken: Vec<String> =
            removed.iter().filter(|option| named.names(&option.value)).map(|option| shown(option)).collect();
        let all: Vec<String> = removed.iter().map(|option| shown(option)).collect();
        // An open set takes values that it does not show.
        let gravity = match (spoken.is_empty(), after.closed) {
            (true, _) => Gravity::Note,
            (false, true) => Gravity::Error,
            (false, false) => Gravity::Warning,
        };
        let message = match spoken.as_slice() {
            [] => format!("{name} has no longer {}", some_of(&all)),
            spoken => format!("{name} has no longer {}, which {} names", some_of(spoken), used.words()),
        };
        tell(
            What::OptionsRemoved,
            gravity,
            message,
            "take the lines out, or let them lead away from the value only",
        );
    }
    let kept = |option: &&OptionItem| find(before, &option.value).is_some();
    let deactivated: Vec<&OptionItem> = after
        .options
        .iter()
        .filter(kept)
        .filter(|option| !option.active && find(before, &option.value).is_some_and(|was| was.active))
        .collect();
    if !deactivated.is_empty() {
        let written = deactivated.iter().any(|option| named.names(&option.value)) && used.is_written();
        let gravity = if written { Gravity::Warning } else { Gravity::Note };
        let all: Vec<String> = deactivated.iter().map(|option| shown(option)).collect();
        let message = format!("{name}: {} cannot be chosen any more", some_of(&all));
        tell(
            What::OptionsDeactivated,
            gravity,
            message,
            "let its line lead away from it only, and name another value for what it stood for",
        );
    }
    let added: Vec<&OptionItem> =
        after.options.iter().filter(|option| !before.contains(&option.value)).collect();
    if !added.is_empty() {
        let all: Vec<String> = added.iter().map(|option| shown(option)).collect();
        let waits = used.is_read() && named.parks;
        let gravity = if waits { Gravity::Warning } else { Gravity::Note };
        let then = if waits { ": records that hold one wait" } else { "" };
        let message = format!("{name} has {}, which it had not{then}", some_of(&all));
        tell(
            What::OptionsAdded,
            gravity,
            message,
            "add a line for each to `options`, or say what `unknown` means",
        );
    }
    let relabelled: Vec<String> = after
        .options
        .iter()
        .filter_map(|option| {
            let was = find(before, &option.value)?;
            let (was, is) = (was.label.as_deref()?, option.label.as_deref()?);
            (was != is).then(|| format!("{} was {was}, is {is}", option.value))
        })
        .collect();
    if !relabelled.is_empty() {
        let message = format!("{name}: {}", some_of(&relabelled));
        tell(
            What::OptionsRelabelled,
            Gravity::Note,
            message,
            "values are mapped, not labels: check that they still mean the same",
        );
    }
}

fn find<'s>(set: &'s OptionSet, value: &Value) -> Option<&'s OptionItem> {
    set.options.iter().find(|option| option.value == *value)
}

fn shown(option: &OptionItem) -> String {
    match &option.label {
        Some(label) => format!("{} ({label})", option.value),
        None => option.value.to_string(),
    }
}

/// The values of a field that the rules name.
struct Named {
    values: Vec<Value>,
    /// Whether a rule parks values that it does not name.
    parks: bool,
}

impl Named {
    fn of(side: &SideOf<'_, '_>, field: &Field, used: &Used) -> Self {
        let kind = TypeDecl::of_kind(&field.kind);
        let fitting = |value: &Value| {
            kind.and_then(|kind| convert::literal_as(value, kind)).unwrap_or_else(|| value.clone())
        };
        let mut named = Self { values: Vec::new(), parks: false };
        for by in &used.rules {
            let Some(rule) = side.cx.link.rules.get(by.at) else { continue };
            let place = rule.fields.of(side.side).iter().position(|name| *name == field.name);
            match &rule.kind {
                KindDecl::Options(options) => {
                    let keys = options.rows.iter().filter_map(|row| row.values.of(side.side).get(place?));
                    named.values.extend(keys.filter_map(|key| match key {
                        OptionKey::Is(value) => Some(fitting(value)),
                        OptionKey::Blank => None,
                    }));
                    named.parks |= *options.unknown.of(side.side.other()) == UnknownPolicy::Park;
                }
                KindDecl::Const(value) => named.values.push(fitting(value)),
                _ => {}
            }
        }
        named
    }

    fn names(&self, value: &Value) -> bool {
        self.values.contains(value)
    }
}
