//! Option sets as they were and as they are.

use seamless_core::model::{Field, FieldKind, OptionItem, OptionSet, Side, Sides, Value};

use super::uses::Used;
use super::{Difference, Operation, RulePath, SideOf, What};
use crate::compile::fit::{entity, some_of};
use crate::declaration::{KindDecl, OptionKey, OptionsDecl, RuleDecl, TypeDecl, UnknownPolicy};
use crate::finding::Gravity;
use crate::rules::convert;
use crate::suggest::names::plain;

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
    let mut tell = |what: What, gravity: Gravity, message: String, proposal: &str, operations| {
        found.push(side.difference(Some(name), what, gravity, message, proposal).answered_by(operations));
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
        let operations = match gravity {
            Gravity::Error => lines_out(&named, &removed),
            _ => Vec::new(),
        };
        tell(
            What::OptionsRemoved,
            gravity,
            message,
            "take the lines out, or let them lead away from the value only",
            operations,
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
        let written = deactivated.iter().any(|option| named.writes(&option.value));
        let gravity = if written { Gravity::Warning } else { Gravity::Note };
        let all: Vec<String> = deactivated.iter().map(|option| shown(option)).collect();
        let message = format!("{name}: {} cannot be chosen any more", some_of(&all));
        tell(
            What::OptionsDeactivated,
            gravity,
            message,
            "let its line lead away from it only, and name another value for what it stood for",
            lines_retired(&named, &deactivated),
        );
    }
    let came = after.options.iter().filter(|option| !before.contains(&option.value));
    let added: Vec<&OptionItem> = came.filter(|option| !named.by_all(&option.value)).collect();
    if !added.is_empty() {
        let all: Vec<String> = added.iter().map(|option| shown(option)).collect();
        let waits = used.is_read() && named.parks();
        let gravity = if waits { Gravity::Warning } else { Gravity::Note };
        let then = if waits { ": records that hold one wait" } else { "" };
        let message = format!("{name} has {}, which it had not{then}", some_of(&all));
        tell(
            What::OptionsAdded,
            gravity,
            message,
            "add a line for each to `options`, or say what `unknown` means",
            lines_added(side, &named, &added),
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
            Vec::new(),
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

/// The values of a field that the rules name, rule by rule.
struct Named<'d> {
    side: Side,
    rules: Vec<NamedBy<'d>>,
}

/// What one rule names.
struct NamedBy<'d> {
    path: RulePath,
    declared: &'d RuleDecl,
    /// The table, where it has one value per side on every line, so that a line can be told by it.
    table: Option<&'d OptionsDecl>,
    /// The values, and whether the rule may write them.
    values: Vec<(Value, bool)>,
    /// Whether it parks values that it does not name.
    parks: bool,
}

impl<'d> Named<'d> {
    fn of(side: &'d SideOf<'_, '_>, field: &Field, used: &Used) -> Self {
        let kind = TypeDecl::of_kind(&field.kind);
        let fitting = |value: &Value| {
            kind.and_then(|kind| convert::literal_as(value, kind)).unwrap_or_else(|| value.clone())
        };
        let mut rules = Vec::new();
        for by in &used.rules {
            let Some(rule) = side.cx.link.rules.get(by.at) else { continue };
            let place = rule.fields.of(side.side).iter().position(|name| *name == field.name);
            let path = RulePath { within: side.within.cloned(), rule: by.id.clone() };
            let mut named = NamedBy { path, declared: rule, table: None, values: Vec::new(), parks: false };
            let may_write = rule.direction.allows(side.side);
            match (&rule.kind, place) {
                (KindDecl::Options(options), Some(place)) => {
                    let single = rule.fields.left.len() == 1 && rule.fields.right.len() == 1;
                    named.table = single.then_some(options);
                    named.values.extend(options.rows.iter().filter_map(|row| {
                        match row.values.of(side.side).get(place)? {
                            OptionKey::Is(value) => {
                                Some((fitting(value), may_write && row.direction.allows(side.side)))
                            }
                            OptionKey::Blank => None,
                        }
                    }));
                    named.parks = *options.unknown.of(side.side.other()) == UnknownPolicy::Park;
                }
                (KindDecl::Const(value), Some(_)) => named.values.push((fitting(value), may_write)),
                _ => {}
            }
            rules.push(named);
        }
        Self { side: side.side, rules }
    }

    fn names(&self, value: &Value) -> bool {
        self.rules.iter().any(|rule| rule.names(value))
    }

    /// Whether nothing is open about a value: there are tables, and each of them has a line for it.
    fn by_all(&self, value: &Value) -> bool {
        let mut tables = self.rules.iter().filter(|rule| matches!(rule.declared.kind, KindDecl::Options(_)));
        self.names(value) && tables.all(|rule| rule.names(value))
    }

    fn writes(&self, value: &Value) -> bool {
        self.rules.iter().any(|rule| rule.writes(value))
    }

    fn parks(&self) -> bool {
        self.rules.iter().any(|rule| rule.parks)
    }
}

impl NamedBy<'_> {
    fn names(&self, value: &Value) -> bool {
        self.values.iter().any(|(named, _)| named == value)
    }

    fn writes(&self, value: &Value) -> bool {
        self.values.iter().any(|(named, written)| named == value && *written)
    }
}

/// The lines of values that are gone. A constant is another one then, which a person must choose.
fn lines_out(named: &Named<'_>, removed: &[&OptionItem]) -> Vec<Operation> {
    answers(
        named,
        removed,
        |rule, value| rule.names(value),
        |rule, value, side| Operation::RemoveOption { rule, side, value },
    )
}

/// The lines that write values which cannot be chosen any more.
fn lines_retired(named: &Named<'_>, deactivated: &[&OptionItem]) -> Vec<Operation> {
    answers(
        named,
        deactivated,
        |rule, value| rule.writes(value),
        |rule, value, side| Operation::RetireOption { rule, side, value },
    )
}

fn answers(
    named: &Named<'_>,
    options: &[&OptionItem],
    concerns: impl Fn(&NamedBy<'_>, &Value) -> bool,
    operation: impl Fn(RulePath, Value, Side) -> Operation,
) -> Vec<Operation> {
    let mut operations = Vec::new();
    for option in options {
        for rule in named.rules.iter().filter(|rule| concerns(rule, &option.value)) {
            if rule.table.is_none() {
                return Vec::new();
            }
            operations.push(operation(rule.path.clone(), option.value.clone(), named.side));
        }
    }
    operations
}

/// A line for each value that came, where the other side can choose just one that is called the same and that no line has.
fn lines_added(side: &SideOf<'_, '_>, named: &Named<'_>, added: &[&OptionItem]) -> Vec<Operation> {
    let other = side.side.other();
    let mut operations = Vec::new();
    for rule in &named.rules {
        let (Some(table), [field]) = (rule.table, rule.declared.fields.of(other).as_slice()) else {
            continue;
        };
        let kind =
            entity(side.cx, other).and_then(|entity| entity.field(field.as_str())).map(|field| &field.kind);
        let Some(FieldKind::Option { options }) = kind else { continue };
        let has_line = |value: &Value| {
            let shown = value.to_string();
            table.rows.iter().any(|row| match row.values.of(other).as_slice() {
                [OptionKey::Is(named)] => named == value || named.to_string() == shown,
                _ => false,
            })
        };
        let free: Vec<&OptionItem> =
            options.options.iter().filter(|option| option.active && !has_line(&option.value)).collect();
        for option in added.iter().filter(|option| option.active && !rule.names(&option.value)) {
            let alike = free.iter().filter(|candidate| called_the_same(option, candidate));
            if let [only] = alike.collect::<Vec<_>>().as_slice() {
                let mut values = Sides::new(option.value.clone(), option.value.clone());
                *values.of_mut(other) = only.value.clone();
                operations.push(Operation::AddOption { rule: rule.path.clone(), values });
            }
        }
    }
    operations
}

fn called_the_same(one: &OptionItem, other: &OptionItem) -> bool {
    let names = |option: &OptionItem| {
        let code = matches!(option.value, Value::Text(_)).then(|| plain(&option.value.to_string()));
        let label = option.label.as_deref().map(plain);
        [code, label].into_iter().flatten().filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let others = names(other);
    names(one).iter().any(|name| others.contains(name))
}
