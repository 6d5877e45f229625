//! Whether a mapping still fits: the schemas that it was written for against those that are there now.
//!
//! Every difference that touches the mapping is named, with how grave it is and a proposal in words; differences that touch
//! nothing are not. What is new is compared with what the other side has and no rule carries: suggestions, with score and
//! evidence. Asks no system anything, reads no record; values that a host has read are evidence too. Without the schemas that the mapping was written for, only what
//! is missing can be told. The door is [`fit`].
//!
//! Cost: per entity the fields that went times those that came; suggestions a comparison per pair of free fields.

mod compare;
mod moved;
mod operation;
mod options;
mod uses;

use seamless_core::document::did_you_mean;
use seamless_core::model::{Entity, EntityName, FieldName, LinkId, RuleId, Schema, Side, Sides};
use serde::Serialize;

use crate::compile::{CompileOptions, LinkCx, embed, lines};
use crate::declaration::{KindDecl, LinkDecl, MappingDecl};
use crate::finding::Gravity;
use crate::suggest::{Correspondence, Samples, correspondences_by_values};

pub use operation::{Answer, Operation, RulePath, Setting};

use uses::Uses;

/// What a side had when the mapping was written.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// Nobody knows: only what is missing can be told.
    Unknown,
    /// All that it had, as a snapshot says it: what is not there came later.
    Whole(&'a Schema),
    /// What the mapping needs of it, as a template expects it: there may have been more, and what it does not say, such as
    /// a length, is not held against the system.
    Part(&'a Schema),
}

impl<'a> Expected<'a> {
    fn schema(self) -> Option<&'a Schema> {
        match self {
            Expected::Unknown => None,
            Expected::Whole(schema) | Expected::Part(schema) => Some(schema),
        }
    }
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub struct FitInput<'a> {
    /// The mapping; it need not compile.
    pub mapping: &'a MappingDecl,
    /// What the systems had when the mapping was written.
    pub expected: Sides<Expected<'a>>,
    /// What they have now.
    pub now: Sides<&'a Schema>,
    /// Values of some records of both systems, as evidence for suggestions.
    pub samples: Option<Sides<&'a Samples>>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FitReport {
    /// What differs and touches the mapping, link by link, left before right, the gravest first.
    pub differences: Vec<Difference>,
    /// Rules that may be missing, the likeliest first.
    pub suggestions: Vec<Suggestion>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The link that it touches.
    pub link: LinkId,
    /// The side that differs.
    pub side: Side,
    /// The entity.
    pub entity: EntityName,
    /// The field; `None` where the entity itself differs.
    pub field: Option<FieldName>,
    /// What of the mapping it touches: ids of rules.
    pub rules: Vec<RuleId>,
    /// Other parts of the link that it touches: `match`, `scope`.
    pub keys: Vec<&'static str>,
    /// What is different.
    pub what: What,
    /// How grave it is: an error keeps the mapping, or a rule of it, from working.
    pub gravity: Gravity,
    /// What is different, in words.
    pub message: String,
    /// What to do about it, in words.
    pub proposal: String,
    /// What an overlay can do about it; empty where a person must decide.
    pub operations: Vec<Operation>,
}

/// What is different about a field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// The entity is gone.
    EntityMissing,
    /// The field is gone.
    Missing,
    /// The field is gone, and another one looks like it.
    Renamed {
        /// The field that looks like it.
        to: FieldName,
        /// How much, from 0 to 1.
        score: f64,
        /// Why, in words.
        evidence: String,
    },
    /// The field is gone with others of its kind, and a reference to a record of its own came.
    Moved {
        /// The reference that came.
        to: FieldName,
        /// What it points at.
        entities: Vec<EntityName>,
    },
    /// It holds less than it did.
    Narrower,
    /// It holds something else.
    Retyped,
    /// It must have a value now.
    NowRequired,
    /// It cannot be written any more.
    NowReadOnly,
    /// Options are gone.
    OptionsRemoved,
    /// Options cannot be chosen any more.
    OptionsDeactivated,
    /// Options came.
    OptionsAdded,
    /// Options are called something else.
    OptionsRelabelled,
    /// Nothing is gone, but fields came that no rule carries.
    Extra {
        /// The fields.
        fields: Vec<FieldName>,
    },
}

impl What {
    /// Its name, for programs and tables.
    pub fn code(&self) -> &'static str {
        match self {
            What::EntityMissing => "entity-missing",
            What::Missing => "missing",
            What::Renamed { .. } => "renamed",
            What::Moved { .. } => "moved",
            What::Narrower => "narrower",
            What::Retyped => "retyped",
            What::NowRequired => "now-required",
            What::NowReadOnly => "now-read-only",
            What::OptionsRemoved => "options-removed",
            What::OptionsDeactivated => "options-deactivated",
            What::OptionsAdded => "options-added",
            What::OptionsRelabelled => "options-relabelled",
            What::Extra { .. } => "extra",
        }
    }
}

/// A rule that may be missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The link that it would stand in.
    pub link: LinkId,
    /// The fields.
    pub field: Sides<FieldName>,
    /// How likely, from 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub evidence: String,
    /// The rule, as an overlay adds it.
    pub operation: Operation,
}

impl FitReport {
    /// Whether nothing keeps the mapping from working.
    pub fn fits(&self) -> bool {
        self.differences.iter().all(|difference| difference.gravity != Gravity::Error)
    }

    /// What an overlay can do about all of it, each with the words that it is told with.
    pub fn answers(&self) -> Vec<Answer> {
        let answer = |link: &LinkId, operation: &Operation, evidence: &str| Answer {
            link: link.clone(),
            operation: operation.clone(),
            evidence: evidence.to_owned(),
        };
        let of_differences = self.differences.iter().flat_map(|one| {
            one.operations.iter().map(|operation| answer(&one.link, operation, &one.message))
        });
        let suggested = self.suggestions.iter().map(|one| {
            answer(&one.link, &one.operation, &format!("suggested, {:.2}: {}", one.score, one.evidence))
        });
        of_differences.chain(suggested).collect()
    }
}

/// Compares what a mapping was written for with what is there. Total.
pub fn fit(input: &FitInput<'_>) -> FitReport {
    let options = CompileOptions { schemas: Some(input.now), ..CompileOptions::default() };
    let mut report = FitReport::default();
    for (at, link) in input.mapping.links.iter().enumerate() {
        let cx = LinkCx { mapping: input.mapping, options: &options, at, link };
        one_link(&cx, input, &link.id, None, &mut report);
    }
    report
}

/// What is compared of one side of a link.
struct SideOf<'a, 'b> {
    cx: &'a LinkCx<'b>,
    link: &'a LinkId,
    /// The rule of the list whose lines are compared.
    within: Option<&'a RuleId>,
    side: Side,
    expected: Option<&'a Entity>,
    /// Whether there was nothing but what is expected.
    whole: bool,
    now: &'a Entity,
    uses: Uses,
}

impl SideOf<'_, '_> {
    fn difference(
        &self,
        field: Option<&FieldName>,
        what: What,
        gravity: Gravity,
        message: String,
        proposal: impl Into<String>,
    ) -> Difference {
        let used = field.map(|field| self.uses.used(field)).unwrap_or_default();
        let before = self.within.map(|list| format!("{list}: ")).unwrap_or_default();
        Difference {
            link: self.link.clone(),
            side: self.side,
            entity: self.now.name.clone(),
            field: field.cloned(),
            rules: used.rules.iter().map(|rule| RuleId::from(format!("{before}{}", rule.id))).collect(),
            keys: used.keys,
            what,
            gravity,
            message,
            proposal: proposal.into(),
            operations: Vec::new(),
        }
    }
}

impl Difference {
    fn answered_by(self, operations: Vec<Operation>) -> Self {
        Self { operations, ..self }
    }
}

fn one_link(
    cx: &LinkCx<'_>,
    input: &FitInput<'_>,
    id: &LinkId,
    within: Option<&RuleId>,
    report: &mut FitReport,
) {
    let link: &LinkDecl = cx.link;
    let mut entities: Sides<Option<&Entity>> = Sides::default();
    let mut came: Sides<Vec<FieldName>> = Sides::default();
    for side in Side::BOTH {
        let name = link.entity.of(side);
        let now = *input.now.of(side);
        let known = *input.expected.of(side);
        let expected = known.schema().and_then(|schema| schema.entity(name.as_str()));
        let Some(entity) = now.entity(name.as_str()) else {
            report.differences.push(entity_missing(cx, id, side, now));
            continue;
        };
        *entities.of_mut(side) = Some(entity);
        let (whole, uses) = (matches!(known, Expected::Whole(_)), Uses::of(cx, side));
        let side_of = SideOf { cx, link: id, within, side, expected, whole, now: entity, uses };
        let mut found = compare::fields(&side_of);
        let extra = extra(&side_of);
        // A template names what it needs: that a system has more is no news, but may be worth a rule.
        if whole && !extra.is_empty() {
            found.push(told_extra(&side_of, &extra));
        }
        *came.of_mut(side) = extra;
        found.sort_by_key(|difference| std::cmp::Reverse(difference.gravity));
        report.differences.extend(found);
    }
    if let (Some(left), Some(right)) = (entities.left, entities.right) {
        let suggested = suggest(cx, input, Sides::new(left, right), &came);
        report.suggestions.extend(suggested.into_iter().map(|found| suggestion(id, within, found)));
    }
    for (at, rule) in link.rules.iter().enumerate() {
        let inner = match &rule.kind {
            KindDecl::Lines(declared) => lines::inner_link(cx, at, rule, declared),
            KindDecl::Embed(declared) => embed::inner_link(cx, at, rule, declared),
            _ => None,
        };
        if let Some(inner) = inner {
            let inner = LinkCx { link: &inner, ..*cx };
            one_link(&inner, input, id, Some(&rule.stable_id()), report);
        }
    }
}

fn entity_missing(cx: &LinkCx<'_>, id: &LinkId, side: Side, now: &Schema) -> Difference {
    let name = cx.link.entity.of(side);
    let near = did_you_mean(name.as_str(), now.entities.keys().map(EntityName::as_str));
    Difference {
        link: id.clone(),
        side,
        entity: name.clone(),
        field: None,
        rules: Vec::new(),
        keys: vec!["entity"],
        what: What::EntityMissing,
        gravity: Gravity::Error,
        message: format!("{} has no entity {name} any more", cx.side_name(side)),
        proposal: near.unwrap_or_else(|| "let the integration's user see it, or say `mode: off`".to_owned()),
        operations: Vec::new(),
    }
}

/// Fields that came and that no rule carries.
fn extra(side: &SideOf<'_, '_>) -> Vec<FieldName> {
    let Some(expected) = side.expected else { return Vec::new() };
    let came = side.now.fields.iter().filter(|field| expected.field(field.name.as_str()).is_none());
    came.map(|field| field.name.clone()).filter(|field| side.uses.used(field).is_empty()).collect()
}

/// One difference for all of them.
fn told_extra(side: &SideOf<'_, '_>, came: &[FieldName]) -> Difference {
    let named: Vec<String> = came.iter().map(ToString::to_string).collect();
    let message =
        format!("{} has fields that it had not: {}", side.now.name, crate::compile::fit::some_of(&named));
    let what = What::Extra { fields: came.to_vec() };
    let proposal =
        "nothing need be done; see the suggestions for those that look like a field of the other side";
    side.difference(None, what, Gravity::Note, message, proposal)
}

/// Proposes rules for fields that no rule has. Where it is known what came, one of the two must have come.
fn suggest(
    cx: &LinkCx<'_>,
    input: &FitInput<'_>,
    entities: Sides<&Entity>,
    came: &Sides<Vec<FieldName>>,
) -> Vec<(Correspondence, Option<Side>)> {
    let uses = Sides::new(Uses::of(cx, Side::Left), Uses::of(cx, Side::Right));
    let free = |side: Side, field: &FieldName| uses.of(side).used(field).rules.is_empty();
    let found = correspondences_by_values(entities, free, input.samples);
    let known = |side: Side| input.expected.of(side).schema().is_some();
    let is_news = |found: &Correspondence| {
        let is_new = |side: Side| known(side) && came.of(side).contains(found.field.of(side));
        (!known(Side::Left) && !known(Side::Right)) || Side::BOTH.into_iter().any(is_new)
    };
    let writable = |found: &Correspondence, side: Side| {
        let field = entities.of(side).field(found.field.of(side).as_str());
        field.is_some_and(|field| !field.read_only && !field.computed)
    };
    let with_direction =
        |found: Correspondence| match (writable(&found, Side::Left), writable(&found, Side::Right)) {
            (true, true) => Some((found, None)),
            (true, false) => Some((found, Some(Side::Left))),
            (false, true) => Some((found, Some(Side::Right))),
            // Nobody could write either of them.
            (false, false) => None,
        };
    found.into_iter().filter(is_news).filter_map(with_direction).collect()
}

fn suggestion(id: &LinkId, within: Option<&RuleId>, found: (Correspondence, Option<Side>)) -> Suggestion {
    let (Correspondence { field, score, evidence }, only_to) = found;
    let operation = Operation::Add { within: within.cloned(), field: field.clone(), only_to };
    Suggestion { link: id.clone(), field, score, evidence, operation }
}
