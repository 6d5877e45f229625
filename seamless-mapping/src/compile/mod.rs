//! From what an author declared to mappers that the engine can run: every check, every default.
//!
//! Knows no files and no systems. With schemas it checks names, types, lengths and option sets too; without them it
//! believes the declared types. The door is [`compile`]. Defaults, stated in `docs/mapping.md`: conflicts park; a
//! first link fills blanks for two-way rules and takes the giving side's value for one-way rules; drift parks; deletes
//! park; a record that leaves the scope freezes its pair; records are created wherever values may go.

pub(crate) mod actions;
pub(crate) mod embed;
pub(crate) mod fit;
mod group;
pub(crate) mod lines;
pub(crate) mod link;
mod lookup;
mod money;
mod named;
mod order;
mod pack;
pub(crate) mod paths;
mod rule;
pub(crate) mod scope;

use std::sync::Arc;

use seamless_core::mapper::Mapper;
use seamless_core::model::{Fingerprint, LinkId, Schema, Side, Sides};

use crate::declaration::MappingDecl;
use crate::finding::{Finding, Findings, Place, Refused};
use crate::link_mapper::LinkMapper;
use crate::rules::custom::Functions;

/// What a mapping is compiled with.
#[derive(Clone, Debug, Default)]
pub struct CompileOptions<'a> {
    /// The functions that rules and conflict policies may name.
    pub functions: Functions,
    /// What the systems say they have. Without schemas the declared types are believed.
    pub schemas: Option<Sides<&'a Schema>>,
}

/// A checked mapping: one mapper per link.
#[derive(Clone, Debug)]
pub struct Mapping {
    declared: MappingDecl,
    links: Vec<Arc<LinkMapper>>,
    cycles: Vec<Vec<LinkId>>,
    warnings: Vec<Finding>,
}

impl Mapping {
    /// What the author declared.
    pub fn declared(&self) -> &MappingDecl {
        &self.declared
    }

    /// The mappers, a link after those that it refers to; links of a cycle in the order of declaration.
    pub fn links(&self) -> Vec<Arc<dyn Mapper>> {
        self.links.iter().map(|link| Arc::clone(link) as Arc<dyn Mapper>).collect()
    }

    /// The mappers by their own type, in the same order.
    pub fn mappers(&self) -> &[Arc<LinkMapper>] {
        &self.links
    }

    /// The mapper of a link.
    pub fn link(&self, id: &str) -> Option<Arc<LinkMapper>> {
        self.links.iter().find(|mapper| mapper.link().id.as_str() == id).cloned()
    }

    /// Links that refer to each other in a ring: their references are patched after the records are created.
    pub fn cycles(&self) -> &[Vec<LinkId>] {
        &self.cycles
    }

    /// What is odd but usable.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The digest of everything that decides what is carried: ids of links, entities and the digests of their rules.
    pub fn digest(&self) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"seamless mapping 1");
        let mut links: Vec<_> = self.links.iter().collect();
        links.sort_by(|a, b| a.link().id.cmp(&b.link().id));
        for mapper in links {
            let link = mapper.link();
            for part in [link.id.as_str(), link.entity.left.as_str(), link.entity.right.as_str()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
            hasher.update(&(mapper.rules().len() as u64).to_le_bytes());
            for rule in mapper.rules() {
                hasher.update(&rule.digest);
            }
        }
        fingerprint(&hasher)
    }
}

pub(crate) fn fingerprint(hasher: &blake3::Hasher) -> Fingerprint {
    let mut digest = Fingerprint::default();
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// Links of a mapping at most: finding their order and their rings takes time with the third power of their number.
pub(crate) const LINKS_MAX: usize = 256;

/// Checks a declaration and makes its mappers.
///
/// Errors: everything that is wrong, in the order of the declaration, each with what to write instead.
pub fn compile(declared: &MappingDecl, options: &CompileOptions<'_>) -> Result<Mapping, Refused> {
    let mut findings = Findings::default();
    if declared.links.len() > LINKS_MAX {
        let place = Place { link: Some(LINKS_MAX), key: Some("id"), ..Place::default() };
        let message =
            format!("the mapping has {} links, at most {LINKS_MAX} can be in one", declared.links.len());
        let help = "divide it: an integration for each group of links that refer to each other";
        findings.error("too-many-links", place, message, help);
        return Err(Refused { findings: findings.list });
    }
    check_names(declared, &mut findings);
    let mut links = Vec::new();
    for (at, link) in declared.links.iter().enumerate() {
        let cx = LinkCx { mapping: declared, options, at, link };
        if let Some(mapper) = link::compile(&cx, &mut findings) {
            links.push(mapper);
        }
    }
    if findings.has_errors() {
        return Err(Refused { findings: findings.list });
    }
    let (order, cycles) = order::sorted(&links);
    let links = order.into_iter().filter_map(|at| links.get(at).cloned()).map(Arc::new).collect();
    Ok(Mapping { declared: declared.clone(), links, cycles, warnings: findings.list })
}

fn check_names(declared: &MappingDecl, findings: &mut Findings) {
    let names = declared.sides.as_ref().map(|side| side.name.as_str());
    for side in Side::BOTH {
        if names.of(side).trim().is_empty() {
            findings.error("side-name", Place::default(), "a side has no name", "name both sides");
        }
    }
    if names.left == names.right {
        let message = format!("both sides are called {}", names.left);
        findings.error("side-name", Place::default(), message, "give them different names");
    }
    for (at, link) in declared.links.iter().enumerate() {
        if declared.links.iter().take(at).any(|earlier| earlier.id == link.id) {
            let place = Place { link: Some(at), key: Some("id"), ..Place::default() };
            findings.error(
                "duplicate-link",
                place,
                format!("two links are called {}", link.id),
                "state hangs on the id: give each link its own",
            );
        }
    }
}

/// A link being compiled, and what it is compiled with.
pub(crate) struct LinkCx<'a> {
    pub(crate) mapping: &'a MappingDecl,
    pub(crate) options: &'a CompileOptions<'a>,
    pub(crate) at: usize,
    pub(crate) link: &'a crate::declaration::LinkDecl,
}

impl LinkCx<'_> {
    /// Whether it is the rules of a line or of a row that are compiled, as a link of their own.
    pub(crate) fn is_inner(&self) -> bool {
        self.mapping.links.get(self.at).is_some_and(|link| link.id != self.link.id)
    }

    pub(crate) fn side_name(&self, side: Side) -> &str {
        &self.mapping.sides.of(side).name
    }

    pub(crate) fn place(&self, key: &'static str) -> Place {
        Place {
            link: Some(self.at),
            key: Some(key),
            words: format!("link {}", self.link.id),
            ..Place::default()
        }
    }

    pub(crate) fn rule_place(&self, rule: usize, key: Option<&'static str>) -> Place {
        let id = self.link.rules.get(rule).map(crate::declaration::RuleDecl::stable_id);
        let words = match id {
            Some(id) => format!("link {}, rule {id}", self.link.id),
            None => format!("link {}", self.link.id),
        };
        Place { link: Some(self.at), rule: Some(rule), line: None, key, words }
    }
}
