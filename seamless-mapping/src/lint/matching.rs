//! Whether the fields that records are matched by tell one record from another, and can be looked up.

use seamless_core::mapper::MatchLine;
use seamless_core::model::{Entity, FieldName, Side};

use crate::compile::link::create;
use crate::compile::{LinkCx, fit, paths};
use crate::declaration::Matching;
use crate::finding::Findings;

pub(super) fn check(cx: &LinkCx<'_>, findings: &mut Findings) {
    match &cx.link.matching {
        Some(Matching::Lines(lines)) => lines.iter().for_each(|line| check_line(cx, line, findings)),
        Some(Matching::Nothing) => {
            let create = create(cx);
            if create.left && create.right {
                let message = "nothing is matched and records are created on both sides";
                let help = "where both systems hold records already, each gets a second copy of the other's: add \
                            lines to `match`, unless one of them is empty";
                findings.note("match-nothing", cx.place("match"), message, help);
            }
        }
        None => {}
    }
}

fn check_line(cx: &LinkCx<'_>, line: &MatchLine, findings: &mut Findings) {
    let mut shared = Vec::new();
    let mut known = 0;
    for side in Side::BOTH {
        let Some(entity) = fit::entity(cx, side) else { continue };
        known += 1;
        let named: Vec<&FieldName> = line.fields.iter().map(|field| field.field.of(side)).collect();
        // What is read through a reference tells records apart as the reference does.
        let begins = |name: &FieldName| Some(&paths::named(cx, side, name)?.steps.first()?.0);
        let fields: Vec<&FieldName> = named.iter().map(|name| begins(name).unwrap_or(name)).collect();
        if is_unique(entity, &fields) {
            continue;
        }
        shared.push(format!("{} in {}", names(&named), cx.side_name(side)));
        if !is_indexed(entity, &fields) {
            let message = format!(
                "no key or unique set of {} begins with {}: each new record of the other side is looked up by it",
                entity.name,
                names(&fields)
            );
            let help = "have the system index it, or match by a key";
            findings.note("match-unindexed", cx.place("match"), message, help);
        }
    }
    if shared.is_empty() {
        return;
    }
    let message =
        format!("nothing says that {} is unique: records that share a value wait", shared.join(" or "));
    let help =
        "a group that is not one record of each side is parked whole: match by a unique field, or add one";
    if shared.len() == known && known == 2 {
        findings.warning("match-not-unique", cx.place("match"), message, help);
    } else {
        findings.note("match-not-unique", cx.place("match"), message, help);
    }
}

fn names(fields: &[&FieldName]) -> String {
    fields.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" + ")
}

fn is_unique(entity: &Entity, fields: &[&FieldName]) -> bool {
    let holds = |set: &Vec<FieldName>| !set.is_empty() && set.iter().all(|name| fields.contains(&name));
    holds(&entity.key)
        || entity.unique.iter().any(holds)
        || fields.iter().any(|name| entity.field(name.as_str()).is_some_and(|field| field.unique))
}

fn is_indexed(entity: &Entity, fields: &[&FieldName]) -> bool {
    let begins = |set: &Vec<FieldName>| set.first().is_some_and(|first| fields.contains(&first));
    begins(&entity.key) || entity.unique.iter().any(begins) || is_unique(entity, fields)
}
