//! The laws of carrying, tried on every rule of a mapping: with values made up for its kinds, and with records that are
//! given. What breaks a law is shown as small as it was found.
//!
//! With `get` carrying to one side and `put` to the other:
//!
//! | law | what holds |
//! |---|---|
//! | [`Law::Settles`] | what was carried, carried again, changes nothing |
//! | [`Law::GetPut`] | after carrying, the way back leaves the record that was read as it was (I1) |
//! | [`Law::PutGet`] | what arrives, taken back by somebody who remembers nothing, is what was read, or makes the same again (I2) |
//! | [`Law::Preimage`] | a target that already means the value is left alone (I5) |
//! | [`Law::Lossless`] | a rule that calls itself lossless gives the value back to somebody who remembers nothing |
//! | [`Law::WipesOut`] | where the rule says so, a second carry leaves nothing of the first (I3) |
//!
//! `PutGet` is the one that a wrong inverse breaks: with memory each side keeps what it has, and nobody notices. Values that
//! a rule parks are outside of its domain and break nothing. Conditions and `only_on` are not looked at: a law holds of
//! what a rule makes, whenever it applies. Pure. The door is [`check_laws`].
//!
//! Cost: per rule and direction at most [`SOURCES_MAX`] sources times [`TARGETS_MAX`] targets.

mod show;
#[cfg(test)]
mod tests;
mod trial;
mod values;

use seamless_core::mapper::Mapper;
use seamless_core::model::{FieldName, LinkId, Record, RuleId, Side, Sides, Value};

use crate::compile::Mapping;
use crate::declaration::{KindDecl, RuleDecl};
use crate::link_mapper::LinkMapper;

/// Sources that are tried per rule and direction, at most.
pub const SOURCES_MAX: usize = 400;

/// Targets that each source meets, at most.
pub const TARGETS_MAX: usize = 24;

/// Counter-examples that are kept per rule, law and direction: the first ones are the smallest.
const EXAMPLES_MAX: usize = 3;

/// A law of carrying. See the module's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// What was carried, carried again, changes nothing.
    Settles,
    /// After carrying, the way back changes nothing.
    GetPut,
    /// What arrives, taken back, is what was read, or makes the same again.
    PutGet,
    /// A target that already means the value is left alone.
    Preimage,
    /// Without memory the value comes back.
    Lossless,
    /// A second carry leaves nothing of the first.
    WipesOut,
}

/// A record that a mapping is tried on.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The link.
    pub link: LinkId,
    /// The side that the record is on.
    pub side: Side,
    /// The record; fields of rules that it does not hold are made up.
    pub record: Record,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LawReport {
    /// One per rule, in the order of the declaration; the rules of a list follow it.
    pub rules: Vec<RuleLaws>,
}

/// What came of it for a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleLaws {
    /// The link.
    pub link: LinkId,
    /// The rule; of a rule of lines, that of its list before it.
    pub rule: RuleId,
    /// What kind of rule it is: `copy`, `options`.
    pub kind: &'static str,
    /// Values that were tried, by the side that they come from.
    pub tried: Sides<usize>,
    /// Values that were carried; the others are outside of the rule's domain.
    pub carried: Sides<usize>,
    /// The laws that were tried.
    pub laws: Vec<Law>,
    /// What breaks a law, the smallest first.
    pub counter_examples: Vec<CounterExample>,
}

/// Values with which a law does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct CounterExample {
    /// The law.
    pub law: Law,
    /// The side of the first value.
    pub from: Side,
    /// What was held and made, in the order in which it happened.
    pub steps: Vec<Step>,
    /// What the last step should have been.
    pub wanted: Vec<(FieldName, Value)>,
}

/// A step of a counter-example.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The side.
    pub side: Side,
    /// What it holds then.
    pub values: Vec<(FieldName, Value)>,
    /// What happened.
    pub what: Happened,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was there before.
    Held,
    /// The rule made it, knowing what was there.
    Carried,
    /// The rule made it, with nothing there.
    Made,
}

impl LawReport {
    /// Whether no law was broken.
    pub fn holds(&self) -> bool {
        self.rules.iter().all(|rule| rule.counter_examples.is_empty())
    }
}

impl RuleLaws {
    /// Whether, of a side that values go from, none that was tried is one that the rule carries: nothing is known then.
    pub fn is_untried(&self) -> bool {
        let (tried, carried) = (&self.tried, &self.carried);
        let none = |side: Side| *tried.of(side) > 0 && *carried.of(side) == 0;
        let tries = || (tried.left == 0 && tried.right == 0) || Side::BOTH.into_iter().any(none);
        // What only compares makes nothing that a law could speak of.
        self.kind != "compare" && tries()
    }
}

/// Tries the laws on every rule of a mapping.
///
/// Total: what a rule parks counts as outside of its domain. The values are the same every time.
pub fn check_laws(mapping: &Mapping, samples: &[Sample]) -> LawReport {
    let mut rules = Vec::new();
    for link in &mapping.declared().links {
        let Some(mapper) = mapping.link(link.id.as_str()) else { continue };
        let given: Vec<&Sample> = samples.iter().filter(|sample| sample.link == link.id).collect();
        check_rules(&mapper, &link.id, &link.rules, "", &given, &mut rules);
    }
    LawReport { rules }
}

fn check_rules(
    mapper: &LinkMapper,
    link: &LinkId,
    declared: &[RuleDecl],
    before: &str,
    samples: &[&Sample],
    rules: &mut Vec<RuleLaws>,
) {
    for rule in declared {
        let id = rule.stable_id();
        let Some((index, _)) = mapper.rule(id.as_str()) else { continue };
        let trial = trial::Trial::new(mapper, usize::from(index.0), rule, samples);
        rules.push(trial.run(link, RuleId::from(format!("{before}{id}"))));
        let inner = match &rule.kind {
            KindDecl::Lines(lines) => Some(&lines.rules),
            KindDecl::Embed(embed) => Some(&embed.rules),
            _ => None,
        };
        if let Some(declared) = inner
            && let Some(inner) = mapper.of_lines_of(usize::from(index.0))
        {
            check_rules(inner, link, declared, &format!("{id}: "), &[], rules);
        }
    }
}

/// Tries the laws on one rule of a link: for a host that writes rules in Rust and tests them one by one.
pub fn check_rule_laws(mapper: &LinkMapper, declared: &RuleDecl, samples: &[Sample]) -> Option<RuleLaws> {
    let (index, _) = mapper.rule(declared.stable_id().as_str())?;
    let samples: Vec<&Sample> = samples.iter().collect();
    let trial = trial::Trial::new(mapper, usize::from(index.0), declared, &samples);
    Some(trial.run(&mapper.link().id, declared.stable_id()))
}

/// The name of a kind of rule, as its key in a mapping file.
pub(crate) fn kind_name(kind: &KindDecl) -> &'static str {
    match kind {
        KindDecl::Copy(_) => "copy",
        KindDecl::Const(_) => "const",
        KindDecl::Options(_) => "options",
        KindDecl::Join(_) => "join",
        KindDecl::Pack(_) => "pack",
        KindDecl::Lookup(_) => "lookup",
        KindDecl::Expression(_) => "expression",
        KindDecl::Lines(_) => "lines",
        KindDecl::Money(_) => "money",
        KindDecl::Compare(_) => "compare",
        KindDecl::Generated(_) => "generated",
        KindDecl::Embed(_) => "embed",
        KindDecl::Custom(_) => "custom",
    }
}
