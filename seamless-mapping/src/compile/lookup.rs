//! A lookup: the links that it goes through and the entities of their sides, or the field that records are known by.

use std::sync::Arc;

use seamless_core::document::did_you_mean;
use seamless_core::model::{EntityName, LinkId, RecordId, Side, Sides, Value, ValueRef};

use super::rule::{self, RuleCx};
use super::{fit, named};
use crate::declaration::{BlankReference, IfMissing, LookupDecl, LookupThrough, LookupVia, TypeDecl};
use crate::finding::Findings;
use crate::rules::Carrier;
use crate::rules::blank::Blanks;
use crate::rules::lookup::{Lookup, Target, Through};

/// Parts that a key can have at most: as many as the widest keys of business systems, and no list of them.
pub(super) const KEY_PARTS_MAX: usize = 16;

pub(super) fn compile(
    rcx: &RuleCx<'_, '_>,
    lookup: &LookupDecl,
    findings: &mut Findings,
) -> Option<Arc<dyn Carrier>> {
    if let LookupVia::ByField(by) = &lookup.via {
        rule::one_each(rcx, "a lookup by a field", findings)?;
        return named::compile(rcx, by, lookup, findings).map(|named| named as Arc<dyn Carrier>);
    }
    let widths = widths(rcx, lookup, findings)?;
    let mut targets = Vec::new();
    match &lookup.via {
        LookupVia::ByField(_) => {}
        LookupVia::Link(link) => {
            let entity = linked(rcx, link, "lookup", findings)?.map(Some);
            targets.push(Target { entity, through: Through::Link(link.clone()) });
        }
        LookupVia::AnyOf(links) => {
            if links.is_empty() {
                let message = "the lookup names no link".to_owned();
                rcx.error(findings, "lookup-links", "lookup", message, "name a link");
                return None;
            }
            for link in links {
                let entity = linked(rcx, link, "lookup", findings)?.map(Some);
                targets.push(Target { entity, through: Through::Link(link.clone()) });
            }
        }
        LookupVia::ByEntity(entities) => {
            // The entities that the author names are of one side: the one whose references have several targets.
            let mut named: Option<Side> = None;
            for (entity, through) in entities {
                let LookupThrough::Link(link) = through else { continue };
                let linked = linked(rcx, link, "lookup", findings)?;
                let side = Side::BOTH.into_iter().find(|side| linked.of(*side) == entity);
                let Some(side) = side else {
                    let message =
                        format!("the link {link} joins {} and {}, not {entity}", linked.left, linked.right);
                    rcx.error(findings, "lookup-entity", "lookup", message, "name the link of that entity");
                    return None;
                };
                named = named.or(Some(side));
                targets.push(Target { entity: linked.map(Some), through: Through::Link(link.clone()) });
            }
            let Some(named) = named else {
                let message = "the lookup names no link".to_owned();
                rcx.error(findings, "lookup-links", "lookup", message, "name a link for at least one entity");
                return None;
            };
            for (entity, through) in entities {
                let through = match through {
                    LookupThrough::Link(_) => continue,
                    LookupThrough::Keep => Through::Keep,
                    LookupThrough::Null => Through::Null,
                };
                let mut sides = Sides::new(None, None);
                *sides.of_mut(named) = Some(entity.clone());
                targets.push(Target { entity: sides, through });
            }
        }
    }
    check_parts(rcx, &targets, &widths, findings)?;
    let blanks = Blanks { policies: lookup.if_blank.clone(), ..Blanks::cleared() };
    let mut made =
        Lookup { targets, types: rcx.types, if_missing: lookup.if_missing.clone(), blanks, widths };
    made.blanks.two_way = rcx.two_way();
    for side in Side::BOTH {
        if let BlankReference::Use(key) = lookup.if_blank.of(side) {
            *made.blanks.written.of_mut(side) = Some(stands_for_blank(rcx, &made, side, key, findings)?);
        }
    }
    Some(Arc::new(made))
}

/// In how many fields the key of each side lies: one, or on one side as many as the key has parts.
fn widths(rcx: &RuleCx<'_, '_>, lookup: &LookupDecl, findings: &mut Findings) -> Option<Sides<usize>> {
    let widths = rcx.declared.fields.as_ref().map(Vec::len);
    let (narrow, wide) = (widths.left.min(widths.right), widths.left.max(widths.right));
    if narrow != 1 || wide > KEY_PARTS_MAX {
        let message = "a lookup has one field on each side, or on one of them a field for each part of a key";
        let help = format!("write a rule for each reference; a key has at most {KEY_PARTS_MAX} parts");
        rcx.error(findings, "field-count", "fields", message.to_owned(), &help);
        return None;
    }
    for side in Side::BOTH.into_iter().filter(|side| *widths.of(*side) > 1) {
        let name = rcx.cx.side_name(side);
        let one = |policy: &str| format!("`{policy}: use` stands for one field, {name} has several");
        let said = match (lookup.if_missing.of(side), lookup.if_blank.of(side)) {
            (IfMissing::Use(_), _) => "if_missing",
            (_, BlankReference::Use(_)) => "if_blank",
            _ if *rcx.types.of(side) == Some(TypeDecl::Reference) => {
                let message = format!("the fields of {name} are parts of a key, and no references");
                rcx.error(findings, "lookup-parts", "types", message, "leave the type out, or say `text`");
                return None;
            }
            _ => continue,
        };
        rcx.error(findings, "lookup-parts", said, one(said), "say another policy");
        return None;
    }
    Some(widths)
}

/// Fields that are a key together are as many as the key has parts, where a schema says it.
fn check_parts(
    rcx: &RuleCx<'_, '_>,
    targets: &[Target],
    widths: &Sides<usize>,
    findings: &mut Findings,
) -> Option<()> {
    for side in Side::BOTH.into_iter().filter(|side| *widths.of(*side) > 1) {
        for entity in targets.iter().filter_map(|target| target.entity.of(side).as_ref()) {
            let known = fit::schema(rcx.cx, side).and_then(|schema| schema.entity(entity.as_str()));
            let Some(key) = known.map(|known| &known.key).filter(|key| !key.is_empty()) else { continue };
            if key.len() != *widths.of(side) {
                let parts = key.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", ");
                let message = format!(
                    "the key of {entity} of {} is {parts}, the rule has {} fields",
                    rcx.cx.side_name(side),
                    widths.of(side)
                );
                let help = "name a field for each part, in the order of the key";
                rcx.error(findings, "lookup-parts", "fields", message, help);
                return None;
            }
        }
    }
    Some(())
}

/// The record that stands for blank on a side, as its field has it.
fn stands_for_blank(
    rcx: &RuleCx<'_, '_>,
    lookup: &Lookup,
    side: Side,
    key: &Value,
    findings: &mut Findings,
) -> Option<Value> {
    let mut entities: Vec<&Target> = Vec::new();
    for target in lookup.targets.iter().filter(|target| target.entity.of(side).is_some()) {
        if !entities.iter().any(|known| known.entity.of(side) == target.entity.of(side)) {
            entities.push(target);
        }
    }
    let [target] = entities.as_slice() else {
        let message = format!("a reference of {} has several entities", rcx.cx.side_name(side));
        let help = "a record that stands for blank is of the one entity that the lookup names";
        rcx.error(findings, "lookup-blank", "if_blank", message, help);
        return None;
    };
    let id = match key {
        Value::Int(key) => RecordId::int(*key),
        Value::Text(key) if !key.is_empty() => RecordId::text(key),
        _ => {
            let message = "the key of the record that stands for blank is missing".to_owned();
            let help = "write it as text or a whole number, or give the parameter a value";
            rcx.error(findings, "lookup-blank", "if_blank", message, help);
            return None;
        }
    };
    match lookup.written(side, target, id, ValueRef::Null) {
        Ok(written) => Some(written),
        Err(trouble) => {
            rcx.error(findings, "lookup-blank", "if_blank", trouble.message, &trouble.remedy);
            None
        }
    }
}

/// The entities of the link that a lookup names.
pub(super) fn linked(
    rcx: &RuleCx<'_, '_>,
    link: &LinkId,
    key: &'static str,
    findings: &mut Findings,
) -> Option<Sides<EntityName>> {
    let links = &rcx.cx.mapping.links;
    if let Some(found) = links.iter().find(|other| other.id == *link) {
        return Some(found.entity.clone());
    }
    let help = did_you_mean(link.as_str(), links.iter().map(|link| link.id.as_str())).unwrap_or_else(|| {
        "a lookup names the link whose pairs it goes through; `mode: couple_only` will do".to_owned()
    });
    rcx.error(findings, "unknown-link", key, format!("no link is called {link}"), &help);
    None
}
