//! The file of a template.
//!
//! Knows its shape; whether the mapping in it makes sense is the loader's to say, once it is composed. The door is
//! [`Template::read`].

use std::sync::Arc;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Fields, Node, Report};
use seamless_core::model::{Schema, Side, Sides};

use super::Choices;
use super::expects::{self, Expected};
use super::keys::{PREREQUISITE, TEMPLATE};
use super::part::{Part, PartKind};
use super::variant::{self, OnlyWith, Variant, variants};
use crate::notation::keys::{FILE, Keys};
use crate::notation::policy::unknown_word;
use crate::notation::sides;

/// A published mapping of two systems.
#[derive(Clone, Debug)]
pub struct Template {
    pub(super) document: Arc<Document>,
    id: String,
    version: String,
    description: Option<String>,
    sides: Sides<String>,
    variants: Vec<Variant>,
    expects: Sides<Vec<Expected>>,
    prerequisites: Vec<(Prerequisite, OnlyWith)>,
}

/// Something that must be true before a template is used. It is data here: nothing carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    /// Its stable id.
    pub id: String,
    /// The side on which it is done; `None` where it concerns both.
    pub side: Option<Side>,
    /// What is to be done.
    pub what: String,
    /// Who does it.
    pub who: String,
    /// How it is seen to be done.
    pub confirmed_by: String,
}

impl Template {
    /// Reads the text of a template; `name` is what findings call it.
    ///
    /// Errors: everything that is wrong with the shape of the file, each with its place. What is wrong with the mapping
    /// in it comes out when it is composed and loaded. Total: no text makes it panic.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let document = Arc::new(Document::parse(name, text)?);
        let mut keys = Keys::of(&document, document.root(), TEMPLATE)?;
        let id = keys.require_as("template", Node::as_str).map(str::to_owned);
        let version = keys.require_as("version", Node::as_str).map(str::to_owned);
        let description = keys.text("description");
        let names = keys.require("sides").and_then(|node| keys.report().accept(sides(&document, node)));
        let variants = keys.take_with("variants", variants).unwrap_or_default();
        let sides = names.map(|sides| sides.map(|side| side.name));
        let expects = match (keys.take("expects"), &sides) {
            (Some(node), Some(sides)) => read_expects(&document, node, sides, &variants, keys.report()),
            _ => Sides::default(),
        };
        let items = keys.take_as("prerequisites", Node::as_sequence).unwrap_or(&[]);
        let mut prerequisites = Vec::new();
        for item in items {
            let read = sides.as_ref().map(|sides| prerequisite(&document, item, sides, &variants));
            prerequisites.extend(read.and_then(|read| keys.report().accept(read)));
        }
        for key in ["integration", "parameters", "for_each", "note"] {
            keys.take(key);
        }
        let links = keys.require_as("links", Node::as_sequence).unwrap_or(&[]);
        for link in links {
            conditions(&Part::of(&document, link), &variants, keys.report());
        }
        let template = id.zip(version).zip(sides).map(|((id, version), sides)| Self {
            document: Arc::clone(&document),
            id,
            version,
            description,
            sides,
            variants,
            expects,
            prerequisites,
        });
        keys.finish_with(template)
    }

    /// The stable id that overlays name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version, as its author writes it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is for.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// What the two sides are called.
    pub fn sides(&self) -> &Sides<String> {
        &self.sides
    }

    /// The questions that it asks.
    pub fn variants(&self) -> &[Variant] {
        &self.variants
    }

    /// Every way to answer them, the defaults first; at most so many.
    pub fn combinations(&self, at_most: usize) -> Vec<Choices> {
        variant::combinations(&self.variants, at_most)
    }

    /// The choices that hold: those that are given, the defaults of all others.
    pub fn choices(&self, given: &Choices) -> Choices {
        let default = |variant: &Variant| (variant.name.clone(), variant.default.clone());
        let mut choices: Choices = self.variants.iter().map(default).collect();
        choices.extend(given.clone());
        choices
    }

    /// What the systems are expected to have under some choices: a schema of just that. Says nothing of keys, unique
    /// fields and labels that it does not name.
    pub fn expected(&self, given: &Choices) -> Sides<Schema> {
        let choices = self.choices(given);
        self.expects.as_ref().map(|expected| expects::schema(expected, &choices))
    }

    /// What must be true before it is used under some choices.
    pub fn prerequisites(&self, given: &Choices) -> Vec<&Prerequisite> {
        let choices = self.choices(given);
        let there = self.prerequisites.iter().filter(|(_, only_with)| only_with.holds(&choices));
        there.map(|(prerequisite, _)| prerequisite).collect()
    }

    /// The part of it that is a mapping file, conditions still in it.
    pub(super) fn mapping(&self) -> Part {
        let root = Part::of(&self.document, self.document.root());
        let of_mapping = |key: &str| FILE.contains(&key) && key != "version";
        let mut entries: Vec<(Part, Part)> =
            root.entries().iter().filter(|(key, _)| key.text().is_some_and(of_mapping)).cloned().collect();
        if root.get("integration").is_none()
            && let Some(id) = root.get("template")
        {
            entries.insert(0, (Part::word(&id.origin, "integration"), id.clone()));
        }
        Part::made(&root.origin, PartKind::Map(entries))
    }
}

fn read_expects(
    document: &Arc<Document>,
    node: &Node,
    sides: &Sides<String>,
    variants: &[Variant],
    report: &mut Report,
) -> Sides<Vec<Expected>> {
    let mut all = Sides::default();
    let Some(mut fields) = report.accept(Fields::of(document, node)) else { return all };
    for side in Side::BOTH {
        let read = fields.take_with(sides.of(side), |_, node| expects::expected(document, node, variants));
        *all.of_mut(side) = read.unwrap_or_default();
    }
    fields.finish_into(report);
    all
}

fn prerequisite(
    document: &Arc<Document>,
    node: &Node,
    sides: &Sides<String>,
    variants: &[Variant],
) -> Result<(Prerequisite, OnlyWith), Diagnostics> {
    let mut keys = Keys::of(document, node, PREREQUISITE)?;
    let text = |keys: &mut Keys<'_>, key| keys.require_as(key, Node::as_str).map(str::to_owned);
    let id = text(&mut keys, "id");
    let what = text(&mut keys, "what");
    let who = text(&mut keys, "who");
    let confirmed_by = text(&mut keys, "confirmed_by");
    let side = keys.take_as("side", |node| {
        let found = Side::BOTH.into_iter().find(|side| node.text() == Some(sides.of(*side).as_str()));
        found.ok_or_else(|| unknown_word(node, "side", &[&sides.left, &sides.right]))
    });
    let condition = keys.take("only_with").map(|node| Part::of(document, node));
    let only_with = keys.report().accept(OnlyWith::of(condition.as_ref(), variants));
    let said = id.zip(what).zip(who.zip(confirmed_by)).zip(only_with);
    let read = said.map(|(((id, what), (who, confirmed_by)), only_with)| {
        (Prerequisite { id, side, what, who, confirmed_by }, only_with)
    });
    keys.finish_with(read)
}

/// Checks every condition of a link and its rules.
fn conditions(link: &Part, variants: &[Variant], report: &mut Report) {
    report.accept(OnlyWith::of(link.get("only_with"), variants));
    let rules = link.get("rules").map_or(&[][..], Part::items);
    rules.iter().for_each(|rule| rule_conditions(rule, variants, report));
}

fn rule_conditions(rule: &Part, variants: &[Variant], report: &mut Report) {
    report.accept(OnlyWith::of(super::rule::option(rule, "only_with"), variants));
    let lines = super::rule::option(rule, "rules").map_or(&[][..], Part::items);
    lines.iter().for_each(|rule| rule_conditions(rule, variants, report));
}

/// The finding that a word of an overlay or template is none of those that are known.
pub(super) fn unknown(part: &Part, code: &'static str, message: String, help: String) -> Diagnostics {
    Diagnostic::error(code, part.origin.span, message).help(help).within(&part.origin.document)
}
