//! A lookup: the links that it goes through and the entities of their sides, or the field that records are known by.

use std::sync::Arc;

use seamless_core::document::did_you_mean;
use seamless_core::model::{EntityName, LinkId, Side, Sides};

use super::named;
use super::rule::{self, RuleCx};
use crate::declaration::{LookupDecl, LookupThrough, LookupVia};
use crate::finding::Findings;
use crate::rules::Carrier;
use crate::rules::lookup::{Lookup, Target, Through};

pub(super) fn compile(
    rcx: &RuleCx<'_, '_>,
    lookup: &LookupDecl,
    findings: &mut Findings,
) -> Option<Arc<dyn Carrier>> {
    rule::one_each(rcx, "a lookup", findings)?;
    if let LookupVia::ByField(by) = &lookup.via {
        return named::compile(rcx, by, lookup, findings).map(|named| named as Arc<dyn Carrier>);
    }
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
    Some(Arc::new(Lookup { targets, types: rcx.types, if_missing: lookup.if_missing.clone() }))
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
