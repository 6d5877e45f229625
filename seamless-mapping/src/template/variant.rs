//! Variants: named choices that exclude each other, and the parts of a template that are there only under one.
//!
//! Knows nothing of links and rules. The doors are [`variants`] and [`OnlyWith::of`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report, did_you_mean};

use super::Choices;
use super::keys::VARIANT;
use super::part::Part;
use crate::notation::keys::Keys;

/// A question that a template asks, with answers that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name: `ownership`.
    pub name: String,
    /// What the question is.
    pub description: Option<String>,
    /// The answers there are, at least two.
    pub choices: Vec<Choice>,
    /// The answer where nobody gives one.
    pub default: String,
}

/// An answer to a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its name: `team`.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
}

impl Variant {
    /// Whether there is a choice of this name.
    pub fn has(&self, choice: &str) -> bool {
        self.choices.iter().any(|known| known.name == choice)
    }
}

/// Reads `variants`.
pub(super) fn variants(document: &Document, node: &Node) -> Result<Vec<Variant>, Diagnostics> {
    let mut report = Report::new();
    let entries = node.entries().map_err(|finding| finding.within(document))?;
    let variants =
        entries.filter_map(|entry| report.accept(variant(document, entry.name, entry.value))).collect();
    report.into_result().map(|()| variants)
}

fn variant(document: &Document, name: &str, node: &Node) -> Result<Variant, Diagnostics> {
    let mut keys = Keys::of(document, node, VARIANT)?;
    let description = keys.text("description");
    let choices = keys.require_as("choices", choices);
    let default = keys.require_as("default", |node| node.as_str().map(|word| (word.to_owned(), node.span)));
    let variant = choices.zip(default).and_then(|(choices, (default, span))| {
        let variant = Variant { name: name.to_owned(), description, choices, default };
        if variant.has(&variant.default) {
            return Some(variant);
        }
        let message = format!("`{}` is no choice of `{name}`", variant.default);
        keys.push(Diagnostic::error("variant-choice", span, message).help(known(&variant, &variant.default)));
        None
    });
    keys.finish_with(variant)
}

/// `[team, person]`, or `{ team: what it means, person: .. }`.
fn choices(node: &Node) -> Result<Vec<Choice>, Diagnostic> {
    let choice = |name: &str, description: Option<&str>| Choice {
        name: name.to_owned(),
        description: description.map(str::to_owned),
    };
    let choices: Vec<Choice> = if node.is_mapping() {
        let entries = node.entries()?.map(|entry| {
            let description = if entry.value.is_null() { None } else { Some(entry.value.as_str()?) };
            Ok(choice(entry.name, description))
        });
        entries.collect::<Result<_, Diagnostic>>()?
    } else {
        let items = node.as_sequence()?.iter().map(|item| Ok(choice(item.as_str()?, None)));
        items.collect::<Result<_, Diagnostic>>()?
    };
    if choices.len() < 2 {
        let message = "a variant has at least two choices";
        return Err(Diagnostic::error("variant-choice", node.span, message)
            .help("write `[team, person]`, or `{ team: what it means, person: .. }`"));
    }
    Ok(choices)
}

/// The choices that a wrong one may have been meant to be.
pub(super) fn known(variant: &Variant, wrong: &str) -> String {
    let names = || variant.choices.iter().map(|choice| choice.name.as_str());
    did_you_mean(wrong, names())
        .unwrap_or_else(|| format!("the choices are {}", names().collect::<Vec<_>>().join(", ")))
}

/// A choice that is taken of a variant must be one of those that there are.
pub(super) fn check(variants: &[Variant], name: &str, choice: &str) -> Result<(), (String, String)> {
    let Some(variant) = variants.iter().find(|variant| variant.name == name) else {
        let names = || variants.iter().map(|variant| variant.name.as_str());
        let help = did_you_mean(name, names()).unwrap_or_else(|| match variants {
            [] => "it has no variants".to_owned(),
            _ => format!("its variants are {}", names().collect::<Vec<_>>().join(", ")),
        });
        return Err((format!("the template has no variant `{name}`"), help));
    };
    if variant.has(choice) {
        return Ok(());
    }
    Err((format!("`{choice}` is no choice of `{name}`"), known(variant, choice)))
}

/// A condition on variants: `{ ownership: team }`, `{ orders: [legacy, both_ways] }`. All of its lines must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OnlyWith {
    needs: Vec<(String, Vec<String>)>,
}

impl OnlyWith {
    /// Reads the condition of a part; without one it always holds.
    pub(super) fn of(part: Option<&Part>, variants: &[Variant]) -> Result<Self, Diagnostics> {
        let Some(part) = part else { return Ok(Self::default()) };
        if !part.is_map() {
            let message = "`only_with` names variants and choices".to_owned();
            let help = "write `only_with: { ownership: team }`".to_owned();
            return Err(part.origin.error("only-with", message, help));
        }
        let mut needs = Vec::new();
        for (key, value) in part.entries() {
            let name = key.text().unwrap_or("");
            let one = std::slice::from_ref(value);
            let parts = if value.is_list() { value.items() } else { one };
            let mut choices = Vec::new();
            for part in parts {
                let choice = part.text().unwrap_or("");
                check(variants, name, choice)
                    .map_err(|(message, help)| part.origin.error("only-with", message, help))?;
                choices.push(choice.to_owned());
            }
            needs.push((name.to_owned(), choices));
        }
        Ok(Self { needs })
    }

    /// Whether it holds with these choices.
    pub(super) fn holds(&self, choices: &Choices) -> bool {
        self.needs
            .iter()
            .all(|(variant, any)| choices.get(variant).is_some_and(|choice| any.contains(choice)))
    }
}

impl std::fmt::Display for OnlyWith {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let needs = self.needs.iter().map(|(variant, any)| format!("{variant}: {}", any.join(" or ")));
        f.write_str(&needs.collect::<Vec<_>>().join(", "))
    }
}

/// Every way to answer all variants, at most so many; the defaults come first.
pub(super) fn combinations(variants: &[Variant], at_most: usize) -> Vec<Choices> {
    let mut all = vec![Choices::new()];
    for variant in variants {
        let rest = variant.choices.iter().map(|choice| &choice.name).filter(|name| **name != variant.default);
        let names: Vec<&String> = std::iter::once(&variant.default).chain(rest).collect();
        let with = |choices: &Choices, name: &String| {
            let mut choices = choices.clone();
            choices.insert(variant.name.clone(), name.clone());
            choices
        };
        all = names.iter().flat_map(|name| all.iter().map(|choices| with(choices, name))).collect();
        all.truncate(at_most);
    }
    all
}
