//! A link as declared. Options say "the author did not say"; the defaults are applied when it is compiled.

use std::time::Duration;

use seamless_core::mapper::{
    ConflictPolicy, DeletePolicy, DriftPolicy, FirstLinkPolicy, GuardLimits, LeavePolicy, LinkMode,
    MatchLine, SideActions,
};
use seamless_core::model::{Condition, EntityName, FormSpec, LinkId, Sides};

use super::path::PathDecl;
use super::rule::RuleDecl;
use super::test::TestDecl;

/// A link as its author declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkDecl {
    /// The stable id.
    pub id: LinkId,
    /// The entity of each side.
    pub entity: Sides<EntityName>,
    /// What it does at all.
    pub mode: LinkMode,
    /// Which records of each side take part.
    pub scope: Sides<Condition>,
    /// When a record of each side may be written by the rules.
    pub writable: Sides<Condition>,
    /// The verbs of each side's system that move the states of its records.
    pub actions: Sides<SideActions>,
    /// The values of each side that are read through references.
    pub paths: Sides<Vec<PathDecl>>,
    /// Links that may pair the same records of an entity that both have.
    pub shares: Vec<LinkId>,
    /// How records without a pair are matched. Must be said, even if it is that nothing is matched.
    pub matching: Option<Matching>,
    /// Whether records are created on a side. Not said: where the mode lets values go.
    pub create: Option<Sides<bool>>,
    /// What happens on the other side when a record of this side is deleted. Not said: a person decides.
    pub on_delete: Sides<Option<DeletePolicy>>,
    /// What happens on the other side when a record of this side leaves the scope. Not said: the pair freezes.
    pub on_leave: Sides<Option<LeavePolicy>>,
    /// What each side makes of its values.
    pub forms: Sides<FormSpec>,
    /// How often everything is enumerated although there is a feed of changes.
    pub sweep_every: Option<Duration>,
    /// Limits that stop a plan.
    pub limits: GuardLimits,
    /// The policy of rules that say nothing of conflicts. Not said: park.
    pub on_conflict: Option<ConflictPolicy>,
    /// The policy of rules that say nothing of first links. Not said: fill blanks for two-way rules, the giving
    /// side's value for one-way rules.
    pub first_link: Option<FirstLinkPolicy>,
    /// The policy of one-way rules that say nothing of drift. Not said: park.
    pub on_drift: Option<DriftPolicy>,
    /// The rules.
    pub rules: Vec<RuleDecl>,
    /// Tests of the rules, run by [`run_tests`](crate::run_tests).
    pub tests: Vec<TestDecl>,
    /// For people who read reports.
    pub note: Option<String>,
}

/// How records without a pair are matched.
#[derive(Clone, Debug, PartialEq)]
pub enum Matching {
    /// Nothing is matched: every record without a pair is new, or somebody couples by hand.
    Nothing,
    /// Lines in priority order.
    Lines(Vec<MatchLine>),
}

impl LinkDecl {
    /// A two-way link without rules, of which nothing else was said.
    pub fn new(id: impl Into<LinkId>, left: impl Into<EntityName>, right: impl Into<EntityName>) -> Self {
        Self {
            id: id.into(),
            entity: Sides::new(left.into(), right.into()),
            mode: LinkMode::TwoWay,
            scope: Sides::new(Condition::Always, Condition::Always),
            writable: Sides::new(Condition::Always, Condition::Always),
            actions: Sides::default(),
            paths: Sides::default(),
            shares: Vec::new(),
            matching: None,
            create: None,
            on_delete: Sides::new(None, None),
            on_leave: Sides::new(None, None),
            forms: Sides::default(),
            sweep_every: None,
            limits: GuardLimits::USUAL,
            on_conflict: None,
            first_link: None,
            on_drift: None,
            rules: Vec::new(),
            tests: Vec::new(),
            note: None,
        }
    }
}
