//! Links that refer to each other in a ring, and which look-up waits so that the ring can be written at all.
//!
//! The engine writes the links of a ring one after the other; a reference to a link that comes later is left out when the
//! record is created and set by a later step. The order is the engine's own
//! ([`links_in_order`](seamless_core::mapper::links_in_order)).

use seamless_core::mapper::links_in_order;
use seamless_core::model::{LinkId, Side};

use super::LintOptions;
use crate::compile::{LinkCx, fit, lines};
use crate::declaration::{IfMissing, LinkDecl, LookupDecl, LookupThrough, LookupVia, MappingDecl, RuleDecl};
use crate::finding::Findings;

/// A look-up of one link that goes through another.
struct Edge {
    from: usize,
    rule: usize,
    to: usize,
}

pub(super) fn check(declared: &MappingDecl, options: &LintOptions<'_>, findings: &mut Findings) {
    let links = &declared.links;
    let edges = edges(links);
    let needs: Vec<(&LinkId, Vec<LinkId>)> = links
        .iter()
        .enumerate()
        .map(|(at, link)| {
            (
                &link.id,
                edges.iter().filter(|edge| edge.from == at).filter_map(|edge| id(links, edge.to)).collect(),
            )
        })
        .collect();
    let needs: Vec<(&LinkId, &[LinkId])> = needs.iter().map(|(id, needs)| (*id, needs.as_slice())).collect();
    let order = links_in_order(&needs);
    let place = |link: usize| order.iter().position(|at| *at == link).unwrap_or(usize::MAX);
    for edge in &edges {
        let in_ring = reaches(&edges, links.len(), edge.to, edge.from);
        if !in_ring || place(edge.to) < place(edge.from) {
            continue;
        }
        let Some(link) = links.get(edge.from) else { continue };
        let cx = LinkCx { mapping: declared, options: &options.compile, at: edge.from, link };
        tell(&cx, edge, &edges, links, findings);
    }
}

fn tell(cx: &LinkCx<'_>, edge: &Edge, edges: &[Edge], links: &[LinkDecl], findings: &mut Findings) {
    let (Some(rule), Some(other)) = (cx.link.rules.get(edge.rule), links.get(edge.to)) else { return };
    let back = way(edges, links, edge.to, edge.from);
    let message = format!(
        "{} and {} refer to each other (back by {back}): this reference is left out when a record is created, and set \
         when {} is written",
        cx.link.id, other.id, other.id
    );
    let help = "nothing to do; a first run of such links may take two rounds";
    findings.note("reference-cycle", cx.rule_place(edge.rule, Some("lookup")), message, help);
    for to in Side::BOTH.into_iter().filter(|side| rule.direction.allows(*side)) {
        check_deferred(cx, edge.rule, rule, to, findings);
    }
}

/// A reference that is set later must be able to wait.
fn check_deferred(cx: &LinkCx<'_>, at: usize, rule: &RuleDecl, to: Side, findings: &mut Findings) {
    if let Some(field) = fit::first_field(cx, rule, to).filter(|field| field.required) {
        let message = format!(
            "{} of {} must have a value when a record is created, and in this ring it is set afterwards",
            field.name,
            cx.side_name(to)
        );
        let help = "give the field a constant on create, or take the look-up the other way out of the ring";
        findings.warning("cycle-required", cx.rule_place(at, Some("lookup")), message, help);
    }
    for lookup in lines::lookups(rule) {
        let lost = match lookup.if_missing.of(to) {
            IfMissing::Later | IfMissing::Park => continue,
            IfMissing::Null => "cleared",
            IfMissing::Use(_) => "set to the value that stands for missing ones",
        };
        let message = format!(
            "in this ring the record that it refers to often has no partner yet: {} is then {lost}, and stays so \
             until the record changes again",
            cx.side_name(to)
        );
        let help = "write `if_missing: later`";
        findings.warning("cycle-loses-reference", cx.rule_place(at, Some("if_missing")), message, help);
    }
}

/// How one link comes back to another, in words.
fn way(edges: &[Edge], links: &[LinkDecl], from: usize, to: usize) -> String {
    let mut steps: Vec<(usize, Option<usize>, Option<usize>)> = vec![(from, None, None)];
    let mut next = 0;
    while let Some((link, _, _)) = steps.get(next).copied() {
        if link == to {
            break;
        }
        for (number, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.from == link) {
            if steps.iter().all(|(known, _, _)| *known != edge.to) {
                steps.push((edge.to, Some(next), Some(number)));
            }
        }
        next += 1;
    }
    let mut words = Vec::new();
    let mut at = steps.iter().position(|(link, _, _)| *link == to);
    while let Some((_, before, edge)) = at.and_then(|at| steps.get(at)) {
        if let Some(edge) = edge.and_then(|edge| edges.get(edge))
            && let Some(link) = links.get(edge.from)
        {
            let rule = link.rules.get(edge.rule).map(|rule| rule.stable_id().to_string());
            words.push(format!("{} of {}", rule.unwrap_or_default(), link.id));
        }
        at = *before;
    }
    words.reverse();
    words.join(", then ")
}

fn id(links: &[LinkDecl], at: usize) -> Option<LinkId> {
    links.get(at).map(|link| link.id.clone())
}

/// Whether a link needs another, directly or through others.
fn reaches(edges: &[Edge], links: usize, from: usize, to: usize) -> bool {
    let mut seen = vec![false; links];
    let mut open = vec![from];
    while let Some(link) = open.pop() {
        if link == to {
            return true;
        }
        let Some(mark) = seen.get_mut(link).filter(|seen| !**seen) else { continue };
        *mark = true;
        open.extend(edges.iter().filter(|edge| edge.from == link).map(|edge| edge.to));
    }
    false
}

fn edges(links: &[LinkDecl]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (from, link) in links.iter().enumerate() {
        for (rule, declared) in link.rules.iter().enumerate() {
            for through in lines::lookups(declared).into_iter().flat_map(through) {
                // A record that refers to its own entity is ordered within the link.
                let to = links.iter().position(|other| other.id == *through).filter(|to| *to != from);
                edges.extend(to.map(|to| Edge { from, rule, to }));
            }
        }
    }
    edges
}

fn through(lookup: &LookupDecl) -> Vec<&LinkId> {
    match &lookup.via {
        LookupVia::Link(link) => vec![link],
        LookupVia::ByField(_) => Vec::new(),
        LookupVia::AnyOf(links) => links.iter().collect(),
        LookupVia::ByEntity(entities) => entities
            .iter()
            .filter_map(|(_, through)| match through {
                LookupThrough::Link(link) => Some(link),
                LookupThrough::Keep | LookupThrough::Null => None,
            })
            .collect(),
    }
}
