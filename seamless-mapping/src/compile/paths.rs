//! Paths of a link: the entities on the way, what the last field holds, and that nothing is written to what is read along
//! one. Where schemas are given every step is looked up in them. The doors are [`compile`] and [`ends`].

use seamless_core::document::did_you_mean;
use seamless_core::mapper::{Direction, LinkMode, PATH_STEPS_MAX, Path, Step};
use seamless_core::model::{Entity, Field, FieldKind, FieldName, Schema, Side, Sides};

use super::link::lifecycle_sets;
use super::{LinkCx, fit};
use crate::declaration::{KindDecl, Matching, PathDecl, RuleDecl};
use crate::finding::Findings;

/// The path that a field of the record of a side is called by.
pub(crate) fn named<'a>(cx: &LinkCx<'a>, side: Side, name: &FieldName) -> Option<&'a PathDecl> {
    cx.link.paths.of(side).iter().find(|path| path.list.is_none() && path.name == *name)
}

/// The field that a path ends with, where schemas say it.
pub(crate) fn ends<'a>(cx: &LinkCx<'a>, side: Side, path: &PathDecl) -> Option<&'a Field> {
    let schema = fit::schema(cx, side)?;
    let mut entity = fit::entity(cx, side)?;
    for step in &path.steps {
        entity = next(schema, entity, step).ok()?;
    }
    entity.field(path.field.as_str())
}

/// What a rule reads along paths, in its fields and in its condition: another path makes it another rule.
pub(super) fn read_by(cx: &LinkCx<'_>, rule: &RuleDecl) -> Vec<String> {
    let mut read = Vec::new();
    for side in Side::BOTH {
        let fields = rule.fields.of(side).iter().cloned().chain(rule.when.of(side).fields());
        read.extend(fields.filter_map(|field| named(cx, side, &field)).map(|path| format!("{side} {path}")));
    }
    read
}

/// A step that leads nowhere: what is wrong, and what to write instead.
struct Lost {
    code: &'static str,
    message: String,
    help: String,
}

/// The entity that a step leads to.
fn next<'a>(
    schema: &'a Schema,
    from: &Entity,
    (name, to): &(FieldName, Option<seamless_core::model::EntityName>),
) -> Result<&'a Entity, Lost> {
    let lost = |code, message, help: Option<String>| {
        Err(Lost { code, message, help: help.unwrap_or_else(|| "correct the name".to_owned()) })
    };
    let Some(field) = from.field(name.as_str()) else {
        let help = did_you_mean(name.as_str(), from.fields.iter().map(|field| field.name.as_str()));
        return lost("unknown-field", format!("{} has no field {name}", from.name), help);
    };
    let targets = match &field.kind {
        FieldKind::Reference { targets } => targets.as_slice(),
        // A reference kept as a plain key: its author says what it points at.
        _ if to.is_some() => &[],
        other => {
            let help = "name a field that refers to a record, or say which: `field -> entity`".to_owned();
            return lost(
                "path-step",
                format!("{name} of {} is {other}, and refers to nothing", from.name),
                Some(help),
            );
        }
    };
    let known = targets.iter().map(|target| target.as_str());
    let entity = match (to, targets) {
        (Some(to), targets) if targets.is_empty() || targets.contains(to) => to,
        (Some(to), _) => {
            let help =
                did_you_mean(to.as_str(), known).unwrap_or_else(|| format!("it points at {}", of(targets)));
            return lost("path-step", format!("{name} of {} does not point at {to}", from.name), Some(help));
        }
        (None, [only]) => only,
        (None, []) => {
            let help = format!("say which entity it points at: `{name} -> entity`");
            return lost("path-entity", format!("the schema does not say what {name} points at"), Some(help));
        }
        (None, several) => {
            let help = format!("say which one is meant: `{name} -> {}`", first(several));
            return lost("path-entity", format!("{name} can point at {}", of(several)), Some(help));
        }
    };
    match schema.entity(entity.as_str()) {
        Some(entity) => Ok(entity),
        None => {
            let help = did_you_mean(entity.as_str(), schema.entities.keys().map(|name| name.as_str()));
            lost("unknown-entity", format!("there is no entity {entity}"), help)
        }
    }
}

fn of(targets: &[seamless_core::model::EntityName]) -> String {
    targets.iter().map(|target| target.as_str()).collect::<Vec<_>>().join(", ")
}

fn first(targets: &[seamless_core::model::EntityName]) -> &str {
    targets.first().map_or("entity", |target| target.as_str())
}

/// Checks the paths of a link; those that are wrong are left out.
pub(super) fn compile(cx: &LinkCx<'_>, findings: &mut Findings) -> Sides<Vec<Path>> {
    Sides::new(Side::Left, Side::Right).map(|side| {
        let declared = cx.link.paths.of(side);
        let mut paths: Vec<Path> = Vec::new();
        for (at, path) in declared.iter().enumerate() {
            let earlier = declared.iter().take(at);
            if earlier.into_iter().any(|other| other.name == path.name && other.list == path.list) {
                let message = format!("two paths of {} are called {}", cx.side_name(side), path.name);
                findings.error("duplicate-path", cx.place("paths"), message, "give one of them another name");
            }
            // Those of lines are checked with the rules of the lines, which name them.
            if path.list.is_none() {
                check(cx, side, path, findings);
                paths.extend(compiled(cx, side, path, findings));
            } else {
                check_list(cx, side, path, findings);
            }
        }
        paths
    })
}

fn compiled(cx: &LinkCx<'_>, side: Side, path: &PathDecl, findings: &mut Findings) -> Option<Path> {
    let (name, place) = (cx.side_name(side), cx.place("paths"));
    if path.steps.is_empty() || path.steps.len() > PATH_STEPS_MAX {
        let message = format!("the path {} of {name} has {} steps", path.name, path.steps.len());
        let help = format!(
            "a path has one at least and {PATH_STEPS_MAX} at most: each is a question for every page"
        );
        findings.error("path-long", place, message, &help);
        return None;
    }
    let mut at = fit::schema(cx, side).zip(fit::entity(cx, side));
    let mut steps = Vec::with_capacity(path.steps.len());
    for step in &path.steps {
        let found = match at {
            Some((schema, entity)) => match next(schema, entity, step) {
                Ok(next) => {
                    at = Some((schema, next));
                    Some(next.name.clone())
                }
                Err(Lost { code, message, help }) => {
                    findings.error(
                        code,
                        place,
                        format!("the path {} of {name}: {message}", path.name),
                        &help,
                    );
                    return None;
                }
            },
            None => step.1.clone(),
        };
        let Some(entity) = found else {
            let message = format!("nothing says what {} of the path {} points at", step.0, path.name);
            let help = format!("write `{} -> entity`, or give the schemas of both systems", step.0);
            findings.error("path-entity", place, message, &help);
            return None;
        };
        steps.push(Step { field: step.0.clone(), entity });
    }
    if let Some((_, entity)) = at
        && entity.field(path.field.as_str()).is_none()
    {
        let message =
            format!("the path {} of {name}: {} has no field {}", path.name, entity.name, path.field);
        let help = did_you_mean(path.field.as_str(), entity.fields.iter().map(|field| field.name.as_str()));
        findings.error(
            "unknown-field",
            place,
            message,
            &help.unwrap_or_else(|| "correct the name".to_owned()),
        );
        return None;
    }
    Some(Path { name: path.name.clone(), list: None, steps, field: path.field.clone() })
}

/// A path is a name for something that is read, and for nothing else.
fn check(cx: &LinkCx<'_>, side: Side, path: &PathDecl, findings: &mut Findings) {
    let (name, place) = (cx.side_name(side), cx.place("paths"));
    let is_it = |field: &FieldName| *field == path.name;
    if fit::entity(cx, side).is_some_and(|entity| entity.field(path.name.as_str()).is_some()) {
        let message = format!("{} of {name} has a field {} of its own", cx.link.entity.of(side), path.name);
        findings.error("path-shadows", place.clone(), message, "give the path another name");
    }
    for (at, rule) in cx.link.rules.iter().enumerate() {
        if rule.fields.of(side).iter().any(is_it) && writes(cx, rule, side) {
            let message =
                format!("{} of {name} is read through references, and nothing is written there", path.name);
            let help = "write an arrow, away from it";
            findings.error("path-written", cx.rule_place(at, Some("flow")), message, help);
        }
        if rule.fields.of(side).iter().any(is_it)
            && matches!(rule.kind, KindDecl::Lines(_) | KindDecl::Embed(_))
        {
            let message = format!("{} of {name} is one value that is read through references", path.name);
            let help = "give the records that hold the list a link of their own";
            findings.error("path-list", cx.rule_place(at, Some("fields")), message, help);
        }
    }
    if lifecycle_sets(cx, side).into_iter().any(|(field, _)| is_it(field)) {
        let message =
            format!("{} of {name} is read through references, and nothing is written there", path.name);
        findings.error("path-written", cx.place("lifecycle"), message, "set a field of the record");
    }
    if !is_used(cx, side, path) {
        let message = format!("nothing names the path {} of {name}", path.name);
        findings.warning("path-unused", place, message, "name it in a rule or a condition, or leave it out");
    } else if cx.link.sweep_every.is_none() {
        let message = format!(
            "a change of the record that {} is read from is noticed when everything is read",
            path.name
        );
        findings.note("path-sweep", cx.place("sweep"), message, "say how often that is: `sweep: 1d`");
    }
}

fn writes(cx: &LinkCx<'_>, rule: &RuleDecl, side: Side) -> bool {
    let narrowed = match (cx.link.mode, rule.direction) {
        (LinkMode::To(to), Direction::TwoWay) => Direction::To(to),
        (_, direction) => direction,
    };
    narrowed.allows(side)
}

fn is_used(cx: &LinkCx<'_>, side: Side, path: &PathDecl) -> bool {
    let of_link = cx.link.scope.of(side).fields().into_iter().chain(cx.link.writable.of(side).fields());
    let of_rules = cx
        .link
        .rules
        .iter()
        .flat_map(|rule| rule.fields.of(side).iter().cloned().chain(rule.when.of(side).fields()));
    let of_match = match &cx.link.matching {
        Some(Matching::Lines(lines)) => lines.as_slice(),
        _ => &[],
    };
    let of_match = of_match.iter().flat_map(|line| &line.fields).map(|field| field.field.of(side).clone());
    of_link.chain(of_rules).chain(of_match).any(|field| field == path.name)
}

/// The list must be one that a rule carries line by line.
fn check_list(cx: &LinkCx<'_>, side: Side, path: &PathDecl, findings: &mut Findings) {
    let Some(list) = &path.list else { return };
    let carries = |rule: &RuleDecl| {
        matches!(rule.kind, KindDecl::Lines(_))
            && rule.fields.of(side).as_slice() == std::slice::from_ref(list)
    };
    if !cx.link.rules.iter().any(carries) {
        let message = format!(
            "no rule carries the lines of {list} of {}, where the path {} begins",
            cx.side_name(side),
            path.name
        );
        let help = "name the field of a rule with `key` and `rules`";
        findings.error("path-list", cx.place("paths"), message, help);
    }
}
