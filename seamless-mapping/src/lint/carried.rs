//! What the systems hold and nothing carries: fields, files, notes and other records that belong to an entity.

use std::collections::BTreeSet;

use seamless_core::mapper::LinkMode;
use seamless_core::model::{Entity, Field, FieldKind, FieldName, Schema, Side};

use crate::compile::link::lifecycle_sets;
use crate::compile::{LinkCx, fit};
use crate::declaration::Matching;
use crate::finding::Findings;

pub(super) fn check(cx: &LinkCx<'_>, findings: &mut Findings) {
    for from in Side::BOTH {
        let carried = match cx.link.mode {
            LinkMode::Off | LinkMode::Observe | LinkMode::CoupleOnly => false,
            LinkMode::To(to) => to != from,
            LinkMode::TwoWay => true,
        };
        let Some(entity) = fit::entity(cx, from).filter(|_| carried) else { continue };
        let used = used(cx, from);
        let own = entity.fields.iter().filter(|field| !used.contains(&field.name) && is_data(entity, field));
        let (files, fields): (Vec<&Field>, Vec<&Field>) =
            own.partition(|field| matches!(field.kind, FieldKind::Bytes { .. }));
        if !fields.is_empty() {
            let message = format!(
                "{} of {} fields of {} {} are in no rule: {}",
                fields.len(),
                entity.fields.len(),
                cx.side_name(from),
                entity.name,
                named(&fields)
            );
            let help = "what they hold stays where it is; `fit` proposes rules for those that look alike";
            findings.note("not-carried", cx.place("rules"), message, help);
        }
        if !files.is_empty() {
            let message = format!("files and pictures of {} are not carried: {}", entity.name, named(&files));
            let help = "no rule carries bytes as large as files: move them by other means";
            findings.note("files-not-carried", cx.place("rules"), message, help);
        }
        if let Some(schema) = fit::schema(cx, from) {
            check_children(cx, from, schema, entity, findings);
        }
    }
}

fn named(fields: &[&Field]) -> String {
    fit::some_of(&fields.iter().map(|field| field.name.to_string()).collect::<Vec<_>>())
}

/// Everything that the link speaks of on a side.
fn used(cx: &LinkCx<'_>, side: Side) -> BTreeSet<FieldName> {
    let mut used = BTreeSet::new();
    for rule in &cx.link.rules {
        used.extend(rule.fields.of(side).iter().cloned());
        used.extend(rule.when.of(side).fields());
    }
    used.extend(cx.link.scope.of(side).fields());
    used.extend(cx.link.writable.of(side).fields());
    used.extend(cx.link.actions.of(side).fields().into_iter().cloned());
    if let Some(Matching::Lines(lines)) = &cx.link.matching {
        used.extend(lines.iter().flat_map(|line| &line.fields).map(|field| field.field.of(side).clone()));
    }
    used.extend(lifecycle_sets(cx, side).into_iter().map(|(field, _)| field.clone()));
    let paths = cx.link.paths.of(side).iter();
    used.extend(paths.filter_map(|path| path.steps.first()).map(|(field, _)| field.clone()));
    used
}

/// Whether people fill a field: not the key, nor what the system works out or stamps.
fn is_data(entity: &Entity, field: &Field) -> bool {
    !field.read_only && !field.computed && !entity.key.contains(&field.name)
}

/// Records that point at an entity and are in no link.
fn check_children(cx: &LinkCx<'_>, side: Side, schema: &Schema, entity: &Entity, findings: &mut Findings) {
    let linked = |other: &Entity| {
        let of_link = cx.mapping.links.iter().any(|link| *link.entity.of(side) == other.name);
        let of_list = schema
            .entities
            .values()
            .flat_map(|known| &known.fields)
            .any(|field| matches!(&field.kind, FieldKind::List { entity } if *entity == other.name));
        of_link || of_list
    };
    let points = |other: &Entity| {
        other.fields.iter().any(|field| match &field.kind {
            FieldKind::Reference { targets } => targets.contains(&entity.name),
            _ => false,
        })
    };
    let children: Vec<&Entity> = schema
        .entities
        .values()
        .filter(|other| other.name != entity.name && points(other) && !linked(other))
        .collect();
    if children.is_empty() {
        return;
    }
    let (notes, others): (Vec<&Entity>, Vec<&Entity>) =
        children.into_iter().partition(|child| is_note(child));
    let names = |children: &[&Entity]| {
        fit::some_of(&children.iter().map(|child| child.name.to_string()).collect::<Vec<_>>())
    };
    let help = "give them a link of their own, or tell those who will look for them in the other system";
    if !notes.is_empty() {
        let message = format!("notes and attachments of {} are not carried: {}", entity.name, names(&notes));
        findings.warning("notes-not-carried", cx.place("rules"), message, help);
    }
    if !others.is_empty() {
        let message = format!("records of {} point at {} and are in no link", names(&others), entity.name);
        findings.note("records-not-carried", cx.place("rules"), message, help);
    }
}

/// Words by which systems call notes and attachments.
const NOTES: &[&str] = &["annotation", "attachment", "comment", "document", "file", "note", "recordlink"];

fn is_note(entity: &Entity) -> bool {
    let name: String =
        entity.name.as_str().to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    NOTES.iter().any(|word| name.contains(word))
}
