//! The file of an overlay: typed changes to a template, each under the id of the link or rule that it speaks of.
//!
//! Knows its shape, not whether what it speaks of is there: that is seen when it is laid over a template. The door is
//! [`Overlay::read`].

use std::sync::Arc;

use seamless_core::document::{Diagnostics, Document, Node, Report, did_you_mean};

use super::keys::{LINK_CHANGE, MOVE, OPTION_CHANGE, OVERLAY, RULE_CHANGE};
use super::part::Part;
use crate::notation::keys::{Keys, LINK, RULE};

/// One layer of changes to a template.
#[derive(Clone, Debug)]
pub struct Overlay {
    pub(super) document: Arc<Document>,
    pub(super) id: String,
    pub(super) template: Part,
    pub(super) version: Part,
    pub(super) integration: Option<Part>,
    pub(super) parameters: Vec<(Part, Part)>,
    pub(super) variants: Vec<(Part, Part)>,
    pub(super) links: Vec<Change<LinkEdit>>,
    pub(super) add_links: Vec<Part>,
}

/// What is done to a link or rule.
#[derive(Clone, Debug)]
pub(super) struct Change<E> {
    /// The key that names it.
    pub(super) key: Part,
    pub(super) what: What<E>,
}

#[derive(Clone, Debug)]
pub(super) enum What<E> {
    /// It is left out.
    Disable,
    /// Another one stands in its place, under the same id.
    Replace(Part),
    /// Parts of it change.
    Edit(E),
}

/// Changes inside of a link.
#[derive(Clone, Debug, Default)]
pub(super) struct LinkEdit {
    pub(super) keys: KeyEdit,
    pub(super) rules: RuleEdits,
    pub(super) tests: Vec<Part>,
    pub(super) without_tests: Vec<Part>,
}

/// Keys that get another value, and keys that are taken away.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyEdit {
    pub(super) set: Vec<(Part, Part)>,
    pub(super) unset: Vec<Part>,
}

/// Changes to a list of rules: those of a link, or of the lines of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleEdits {
    pub(super) changes: Vec<Change<RuleEdit>>,
    pub(super) add: Vec<Part>,
}

/// Changes inside of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleEdit {
    pub(super) keys: KeyEdit,
    pub(super) add_options: Vec<Part>,
    pub(super) remove_options: Vec<Part>,
    pub(super) place: Option<Place>,
    pub(super) lines: RuleEdits,
}

/// Where a rule is moved.
#[derive(Clone, Debug)]
pub(super) enum Place {
    First,
    Last,
    After(Part),
}

impl<E> Change<E> {
    /// The id of the link or rule.
    pub(super) fn id(&self) -> &str {
        self.key.text().unwrap_or("")
    }
}

impl Overlay {
    /// Reads the text of an overlay; `name` is what findings call it.
    ///
    /// Errors: everything that is wrong with the shape of the file, each with its place. Total: no text makes it panic.
    pub fn read(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let document = Arc::new(Document::parse(name, text)?);
        let mut keys = Keys::of(&document, document.root(), OVERLAY)?;
        let id = keys.require_as("overlay", Node::as_str).map(str::to_owned);
        let part = |node: &Node| node.as_str().map(|_| Part::of(&document, node));
        let template = keys.require_as("template", part);
        let version = keys.require_as("version", part);
        keys.text("note");
        let integration = keys.take_as("integration", part);
        let entries = |node: &Node| node.as_mapping().map(|_| Part::of(&document, node).entries().to_vec());
        let parameters = keys.take_as("parameters", entries).unwrap_or_default();
        let variants = keys.take_as("variants", entries).unwrap_or_default();
        let links = keys.take_as("links", entries).unwrap_or_default();
        let mut changes = Vec::with_capacity(links.len());
        for (key, value) in links {
            let read = change(&key, &value, link_edit);
            changes.extend(keys.report().accept(read));
        }
        let add_links = keys.take_as("add_links", |node| items(&document, node)).unwrap_or_default();
        let overlay = id.zip(template).zip(version).map(|((id, template), version)| Self {
            document: Arc::clone(&document),
            id,
            template,
            version,
            integration,
            parameters,
            variants,
            links: changes,
            add_links,
        });
        keys.finish_with(overlay)
    }

    /// What the layer is called.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the template that it changes.
    pub fn template(&self) -> &str {
        self.template.text().unwrap_or("")
    }

    /// The version of the template that it was written against.
    pub fn version(&self) -> &str {
        self.version.text().unwrap_or("")
    }

    /// Its text, as it was read.
    pub fn text(&self) -> &str {
        self.document.text()
    }
}

fn items(document: &Arc<Document>, node: &Node) -> Result<Vec<Part>, seamless_core::document::Diagnostic> {
    node.as_sequence().map(|items| items.iter().map(|item| Part::of(document, item)).collect())
}

/// `disable`, or `{ replace: .. }` and nothing else, or changes of parts.
fn change<E>(
    key: &Part,
    value: &Part,
    edit: impl FnOnce(&Part, &mut Report) -> E,
) -> Result<Change<E>, Diagnostics> {
    if value.text() == Some("disable") {
        return Ok(Change { key: key.clone(), what: What::Disable });
    }
    if !value.is_map() {
        let message = format!("this is no change of `{}`", key.text().unwrap_or(""));
        let help = "write `disable`, or what changes: `{ set: { .. } }`, `{ replace: .. }`";
        return Err(value.origin.error("overlay-change", message, help.to_owned()));
    }
    if let Some(replaced) = value.get("replace") {
        if let Some((other, _)) = value.entries().iter().find(|(key, _)| key.text() != Some("replace")) {
            let message = format!("`{}` stands beside `replace`", other.text().unwrap_or(""));
            let help = "write all of it into what replaces it".to_owned();
            return Err(other.origin.error("two-operations", message, help));
        }
        return Ok(Change { key: key.clone(), what: What::Replace(replaced.clone()) });
    }
    let mut report = Report::new();
    let edit = edit(value, &mut report);
    report.into_result().map(|()| Change { key: key.clone(), what: What::Edit(edit) })
}

fn link_edit(value: &Part, report: &mut Report) -> LinkEdit {
    known_keys(value, LINK_CHANGE, report);
    let list = |key: &str, report: &mut Report| list(value, key, report);
    LinkEdit {
        keys: key_edit(value, &[LINK], &["id", "rules", "tests"], report),
        rules: rule_edits(value, report),
        tests: list("tests", report),
        without_tests: list("without_tests", report),
    }
}

/// `rules` and `add`, of a link or of the lines of a rule.
fn rule_edits(value: &Part, report: &mut Report) -> RuleEdits {
    let mut changes = Vec::new();
    if let Some(rules) = value.get("rules") {
        if !rules.is_map() {
            let message = "changes of rules stand under their ids".to_owned();
            let help =
                "write `rules: { name=Name: { set: { .. } } }`; new rules stand under `add`".to_owned();
            report.append(rules.origin.error("overlay-change", message, help));
        }
        for (key, value) in rules.entries() {
            changes.extend(report.accept(change(key, value, rule_edit)));
        }
    }
    RuleEdits { changes, add: list(value, "add", report) }
}

fn rule_edit(value: &Part, report: &mut Report) -> RuleEdit {
    known_keys(value, RULE_CHANGE, report);
    let mut edit = RuleEdit {
        keys: key_edit(value, &[RULE, &["flow"]], &["id", "rules"], report),
        lines: rule_edits(value, report),
        ..RuleEdit::default()
    };
    if let Some(options) = value.get("options") {
        if !options.is_map() {
            let message = "lines of an option table are added or removed".to_owned();
            let help = "write `options: { add: [6 <-> 14D], remove: [4 <-> 60D] }`; a whole table stands under `set`";
            report.append(options.origin.error("overlay-change", message, help.to_owned()));
        }
        known_keys(options, OPTION_CHANGE, report);
        edit.add_options = list(options, "add", report);
        edit.remove_options = list(options, "remove", report);
        let twice = |(key, _): &&(Part, Part)| key.text() == Some("options");
        if let Some((key, _)) = edit.keys.set.iter().find(twice) {
            let message = "the table of options is set and changed".to_owned();
            let help = "write all lines under `set`, or those that change under `options`".to_owned();
            report.append(key.origin.error("two-operations", message, help));
        }
    }
    edit.place = value.get("move").and_then(|part| place(part, report));
    edit
}

fn place(part: &Part, report: &mut Report) -> Option<Place> {
    known_keys(part, MOVE, report);
    match (part.text(), part.get("after")) {
        (Some("first"), _) => Some(Place::First),
        (Some("last"), _) => Some(Place::Last),
        (_, Some(after)) if after.text().is_some() => Some(Place::After(after.clone())),
        _ => {
            let message = "this is no place for a rule".to_owned();
            let help = "write `move: first`, `move: last` or `move: { after: name=Name }`".to_owned();
            report.append(part.origin.error("overlay-move", message, help));
            None
        }
    }
}

fn key_edit(value: &Part, known: &[&[&str]], never: &[&str], report: &mut Report) -> KeyEdit {
    let mut edit = KeyEdit::default();
    if let Some(set) = value.get("set") {
        if !set.is_map() {
            let message = "`set` gives keys another value".to_owned();
            let help = "write `set: { same_when: case }`".to_owned();
            report.append(set.origin.error("overlay-change", message, help));
        }
        edit.set = set.entries().to_vec();
    }
    edit.unset = list(value, "unset", report);
    let known = known.concat();
    let keys = edit.set.iter().map(|(key, _)| key).chain(&edit.unset);
    for key in keys {
        let name = key.text().unwrap_or("");
        if never.contains(&name) {
            let message = format!("`{name}` is not set by an overlay");
            let help = match name {
                "id" => "an id stays what it is: state hangs on it",
                "rules" => "write `rules` and `add` beside `set`",
                _ => "write `tests` and `without_tests` beside `set`",
            };
            report.append(key.origin.error("overlay-set", message, help.to_owned()));
        }
        // The entity of a side stands under the side's name, which only the template knows.
        let looks_known = known.contains(&name) || known.contains(&"match");
        if !looks_known {
            let nearest = did_you_mean(name, known.iter().copied());
            let help = nearest.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            let message = format!("a rule has no key `{name}`");
            report.append(key.origin.error("overlay-set", message, help));
        }
    }
    for key in &edit.unset {
        if let Some((twice, _)) = edit.set.iter().find(|(set, _)| set.text() == key.text()) {
            let message = format!("`{}` is set and unset", twice.text().unwrap_or(""));
            report.append(twice.origin.error("two-operations", message, "keep one".to_owned()));
        }
    }
    edit
}

fn list(value: &Part, key: &str, report: &mut Report) -> Vec<Part> {
    let Some(part) = value.get(key) else { return Vec::new() };
    if !part.is_list() {
        let message = format!("`{key}` is a list");
        let help = format!("write `{key}: [ .. ]`, or a line with `- ` for each");
        report.append(part.origin.error("overlay-change", message, help));
    }
    part.items().to_vec()
}

fn known_keys(value: &Part, known: &[&str], report: &mut Report) {
    for (key, _) in value.entries() {
        let name = key.text().unwrap_or("");
        if !known.contains(&name) {
            let nearest = did_you_mean(name, known.iter().copied());
            let help = nearest.unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            report.append(key.origin.error("unknown-field", format!("unknown field `{name}`"), help));
        }
    }
}
