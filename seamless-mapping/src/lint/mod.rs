//! What a careful colleague would say about a mapping before it is used: everything that the compiler finds, and what is
//! no mistake but should have been decided.
//!
//! Asks no system anything: schemas and capabilities are given, live or from snapshots. What they do not say is not
//! held against the mapping. Works on the declaration, so that a mapping that cannot be compiled is looked at as far
//! as it goes. The door is [`lint`]; [`lint_file`](crate::notation::lint_file) gives line and column.
//!
//! Cost: rules times fields of their entities, links to the third power.

mod carried;
mod cycles;
mod matching;
mod options;
mod promises;
mod room;
mod scopes;
mod targets;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use seamless_core::connector::Capabilities;
use seamless_core::model::{EntityName, Sides};

use crate::compile::{CompileOptions, LINKS_MAX, LinkCx, compile, embed, lines};
use crate::declaration::{KindDecl, MappingDecl};
use crate::finding::{Finding, Findings, Place};

/// What the entities of a system can do.
pub type CapabilitiesByEntity = BTreeMap<EntityName, Capabilities>;

/// What a mapping is looked at with. The more is known, the more is found.
#[derive(Clone, Debug, Default)]
pub struct LintOptions<'a> {
    /// Functions, and what the systems have.
    pub compile: CompileOptions<'a>,
    /// What the systems can do: which guarantees are lowered.
    pub capabilities: Option<Sides<&'a CapabilitiesByEntity>>,
}

/// Everything there is to say about a mapping, in the order of the declaration: errors, warnings and notes.
pub fn lint(declared: &MappingDecl, options: &LintOptions<'_>) -> Vec<Finding> {
    let mut findings = Findings {
        list: match compile(declared, &options.compile) {
            Ok(mapping) => mapping.warnings().to_vec(),
            Err(refused) => refused.findings,
        },
    };
    // What is too large to be compiled is too large to be looked at.
    if declared.links.len() > LINKS_MAX {
        return findings.list;
    }
    for (at, link) in declared.links.iter().enumerate() {
        let cx = LinkCx { mapping: declared, options: &options.compile, at, link };
        matching::check(&cx, &mut findings);
        rules(&cx, &mut findings);
        targets::check_creates(&cx, &mut findings);
        targets::check_lifecycle(&cx, &mut findings);
        targets::check_actions(&cx, &mut findings);
        carried::check(&cx, &mut findings);
        promises::check(&cx, options.capabilities, &mut findings);
    }
    scopes::check(declared, &options.compile, &mut findings);
    cycles::check(declared, options, &mut findings);
    let mut list = findings.list;
    // What speaks of the whole link comes before its rules; of one place the gravest first.
    list.sort_by_key(|finding| {
        let Place { link, rule, line, .. } = finding.place;
        (link, rule, line, Reverse(finding.gravity))
    });
    list
}

/// What can be said of each rule by itself, those of lines among them.
fn rules(cx: &LinkCx<'_>, findings: &mut Findings) {
    for (at, rule) in cx.link.rules.iter().enumerate() {
        room::check(cx, at, rule, findings);
        options::check(cx, at, rule, findings);
        targets::check_blank(cx, at, rule, findings);
        targets::check_states(cx, at, rule, findings);
        let link = match &rule.kind {
            KindDecl::Lines(declared) => lines::inner_link(cx, at, rule, declared),
            KindDecl::Embed(declared) => embed::inner_link(cx, at, rule, declared),
            _ => None,
        };
        if let Some(link) = link {
            let inner = LinkCx { link: &link, ..*cx };
            let mut found = Findings::default();
            rules(&inner, &mut found);
            for mut finding in found.list {
                finding.place = lines::placed(cx, at, finding.place);
                findings.list.push(finding);
            }
        }
    }
}
