//! Laying one overlay over a mapping: every operation finds what it speaks of, or says what is nearest.
//!
//! All operations of a layer speak of what was there before it, so their order does not matter. Knows no variants and no
//! files. The door is [`lay`].

use seamless_core::document::{Diagnostics, Report, did_you_mean, nearest};
use seamless_core::model::Sides;

use super::moved::moved;
use super::overlay::{KeyEdit, LinkEdit, Overlay, RuleEdit, RuleEdits, What};
use super::part::{Origin, Part, PartKind};
use super::rule;

/// What a template has only under another choice: which link or rule, and which choice.
pub(super) type LeftOut = Vec<(String, String)>;

/// Lays an overlay over the mapping below it.
pub(super) fn lay(
    mapping: &mut Part,
    overlay: &Overlay,
    sides: &Sides<String>,
    left_out: &LeftOut,
) -> Result<(), Diagnostics> {
    let mut report = Report::new();
    if let Some(name) = &overlay.integration {
        mapping.set(&Part::word(&name.origin, "integration"), name.clone());
    }
    parameters(mapping, overlay, &mut report);
    let mut layer = Layer { sides, left_out, report };
    if let Some(links) = mapping.get_mut("links").and_then(Part::items_mut) {
        layer.links(links, overlay);
    }
    layer.report.into_result()
}

/// The id of a link.
pub(super) fn link_id(link: &Part) -> Option<&str> {
    link.get("id").and_then(Part::text)
}

/// The name of a test.
pub(super) fn test_name(test: &Part) -> &str {
    test.get("name").and_then(Part::text).unwrap_or("")
}

/// A value of its own gives a parameter that is there another default; a map declares one that is not.
fn parameters(mapping: &mut Part, overlay: &Overlay, report: &mut Report) {
    for (key, value) in &overlay.parameters {
        let name = key.text().unwrap_or("");
        let declared = mapping.get("parameters").and_then(|all| all.get(name)).is_some();
        if value.is_map() && declared {
            report.append(already_there(&key.origin, "parameter", name, false));
            continue;
        }
        if !value.is_map() && !declared {
            let known: Vec<&str> = mapping
                .get("parameters")
                .map_or(&[][..], Part::entries)
                .iter()
                .filter_map(|(key, _)| key.text())
                .collect();
            let declare = || format!("declare it: `{name}: {{ type: text, default: .. }}`");
            let help = did_you_mean(name, known.iter().copied()).unwrap_or_else(declare);
            let message = format!("there is no parameter `{name}` to be set");
            report.append(key.origin.error("overlay-missing", message, help));
            continue;
        }
        if mapping.get("parameters").is_none() {
            let none = Part::made(&key.origin, PartKind::Map(Vec::new()));
            mapping.set(&Part::word(&key.origin, "parameters"), none);
        }
        let Some(all) = mapping.get_mut("parameters") else { continue };
        match all.get_mut(name).filter(|_| declared) {
            Some(declared) => declared.set(&Part::word(&key.origin, "default"), value.clone()),
            None => all.set(key, value.clone()),
        }
    }
}

struct Layer<'a> {
    sides: &'a Sides<String>,
    left_out: &'a LeftOut,
    report: Report,
}

impl Layer<'_> {
    fn links(&mut self, links: &mut Vec<Part>, overlay: &Overlay) {
        let ids: Vec<String> = links.iter().map(|link| link_id(link).unwrap_or("").to_owned()).collect();
        let mut now: Vec<Option<Part>> = links.drain(..).map(Some).collect();
        for change in &overlay.links {
            let place = ids.iter().position(|id| id == change.id());
            let Some(slot) = place.and_then(|place| now.get_mut(place)) else {
                self.missing(&change.key, "link", change.id(), &ids);
                continue;
            };
            match &change.what {
                What::Disable => *slot = None,
                What::Replace(with) => *slot = self.report.accept(link_with_id(with, change.id())),
                What::Edit(edit) => {
                    if let Some(link) = slot {
                        self.link(link, change.id(), edit);
                    }
                }
            }
        }
        links.extend(now.into_iter().flatten());
        let mut added: Vec<&str> = Vec::new();
        for link in &overlay.add_links {
            let Some(id) = link_id(link) else {
                let help = "write `id: ..`, the entities of both sides, and `match`".to_owned();
                let message = "this link has no id".to_owned();
                self.report.append(link.origin.error("overlay-change", message, help));
                continue;
            };
            let twice = added.contains(&id) || overlay.links.iter().any(|change| change.id() == id);
            if twice || ids.iter().any(|known| known == id) {
                self.report.append(already_there(&link.origin, "link", id, twice));
            } else {
                added.push(id);
                links.push(link.clone());
            }
        }
    }

    fn link(&mut self, link: &mut Part, id: &str, edit: &LinkEdit) {
        self.keys(link, &edit.keys, &format!("the link `{id}`"));
        if edit.rules.changes.len() + edit.rules.add.len() > 0 {
            let rules = list_mut(link, "rules");
            if let Some(rules) = rules {
                self.rules(rules, &edit.rules, id);
            }
        }
        self.tests(link, id, edit);
    }

    fn tests(&mut self, link: &mut Part, id: &str, edit: &LinkEdit) {
        if edit.tests.is_empty() && edit.without_tests.is_empty() {
            return;
        }
        let Some(tests) = list_mut(link, "tests") else { return };
        for name in &edit.without_tests {
            let text = name.text().unwrap_or("");
            match tests.iter().position(|test| test_name(test) == text) {
                Some(place) => drop(tests.remove(place)),
                None => {
                    let known: Vec<&str> = tests.iter().map(test_name).collect();
                    let message = format!("the link `{id}` has no test `{text}`");
                    let help = suggestion(text, &known, "tests");
                    self.report.append(name.origin.error("overlay-missing", message, help));
                }
            }
        }
        for test in &edit.tests {
            let name = test_name(test);
            if tests.iter().any(|known| test_name(known) == name) {
                self.report.append(already_there(&test.origin, "test", name, false));
            } else {
                tests.push(test.clone());
            }
        }
    }

    /// Keys of a link, which stand in the link itself.
    fn keys(&mut self, of: &mut Part, edit: &KeyEdit, words: &str) {
        for (key, value) in &edit.set {
            of.set(key, value.clone());
        }
        for key in &edit.unset {
            let name = key.text().unwrap_or("");
            if of.remove(name).is_none() {
                let known: Vec<&str> = of.entries().iter().filter_map(|(key, _)| key.text()).collect();
                let message = format!("{words} has no `{name}` to be taken away");
                let help = suggestion(name, &known, "keys");
                self.report.append(key.origin.error("overlay-missing", message, help));
            }
        }
    }

    /// The rules of a link, or those of the lines of a rule; `within` says which.
    fn rules(&mut self, rules: &mut Vec<Part>, edits: &RuleEdits, within: &str) {
        let id_of = |rule: &Part| rule::id(rule, self.sides).unwrap_or_default();
        let ids: Vec<String> = rules.iter().map(id_of).collect();
        let mut now: Vec<Option<Part>> = rules.drain(..).map(Some).collect();
        for change in &edits.changes {
            let place = ids.iter().position(|id| id == change.id());
            let Some(slot) = place.and_then(|place| now.get_mut(place)) else {
                self.missing(&change.key, "rule", &format!("{within} / {}", change.id()), &ids);
                continue;
            };
            match &change.what {
                What::Disable => *slot = None,
                What::Replace(with) => *slot = self.report.accept(self.rule_with_id(with, change.id())),
                What::Edit(edit) => {
                    if let Some(rule) = slot {
                        self.rule(rule, change.id(), edit, within);
                    }
                }
            }
        }
        let mut listed: Vec<(String, Part)> =
            ids.iter().cloned().zip(now).filter_map(|(id, rule)| Some((id, rule?))).collect();
        let mut added: Vec<String> = Vec::new();
        for rule in &edits.add {
            let Some(id) = rule::id(rule, self.sides) else {
                self.report.append(no_rule(&rule.origin));
                continue;
            };
            let twice = added.contains(&id) || edits.changes.iter().any(|change| change.id() == id);
            if twice || ids.contains(&id) {
                self.report.append(already_there(&rule.origin, "rule", &id, twice));
            } else {
                added.push(id.clone());
                listed.push((id, rule.clone()));
            }
        }
        let placed = moved(listed, &edits.changes);
        rules.extend(self.report.accept(placed).unwrap_or_default());
    }

    fn rule(&mut self, rule: &mut Part, id: &str, edit: &RuleEdit, within: &str) {
        for (key, value) in edit.keys.set.iter().filter(|(key, _)| key.text() == Some("flow")) {
            if value.text().is_none_or(|flow| !self.is_flow(flow)) {
                let Sides { left, right } = self.sides;
                let help = format!("write `both`, `to_{left}` or `to_{right}`");
                let message = "this is no direction".to_owned();
                self.report.append(value.origin.error("unknown-word", message, help));
                continue;
            }
            let _ = key;
            rule::set_flow(rule, value, self.sides);
        }
        let (plain, lines) = (!edit.keys.is_empty(), &edit.lines);
        let tables = !(edit.add_options.is_empty() && edit.remove_options.is_empty());
        if !plain && !tables && lines.changes.is_empty() && lines.add.is_empty() {
            return;
        }
        // A rule that a sentence alone is becomes one with options; its id does not change by that.
        let Some(options) = rule::options_mut(rule) else { return };
        let others = |(key, _): &&(Part, Part)| key.text() != Some("flow");
        let keys = KeyEdit {
            set: edit.keys.set.iter().filter(others).cloned().collect(),
            unset: edit.keys.unset.clone(),
        };
        self.keys(options, &keys, &format!("the rule `{id}`"));
        if tables {
            self.options(options, id, edit);
        }
        if !(lines.changes.is_empty() && lines.add.is_empty()) {
            match options.get_mut("rules").and_then(Part::items_mut) {
                Some(rules) => self.rules(rules, lines, &format!("{within} / {id}")),
                None => {
                    let at = lines.changes.first().map(|change| &change.key).or(lines.add.first());
                    let message = format!("the rule `{id}` has no rules for lines");
                    let finding = at.map(|at| {
                        at.origin.error("overlay-missing", message, "give it some by `replace`".to_owned())
                    });
                    finding.into_iter().for_each(|finding| self.report.append(finding));
                }
            }
        }
    }

    fn is_flow(&self, word: &str) -> bool {
        let Sides { left, right } = self.sides;
        word == "both" || word == format!("to_{left}") || word == format!("to_{right}")
    }

    fn options(&mut self, options: &mut Part, id: &str, edit: &RuleEdit) {
        let Some(rows) = options.get_mut("options").and_then(Part::items_mut) else {
            let at = edit.add_options.first().or(edit.remove_options.first());
            let message = format!("the rule `{id}` has no table of options");
            let help = "give it one with `set: { options: [ .. ] }`".to_owned();
            let finding = at.map(|at| at.origin.error("overlay-missing", message, help));
            return finding.into_iter().for_each(|finding| self.report.append(finding));
        };
        for removed in &edit.remove_options {
            let row = rule::row(removed, self.sides);
            match rows.iter().position(|known| row.is_some() && rule::row(known, self.sides) == row) {
                Some(place) => drop(rows.remove(place)),
                None => {
                    let known: Vec<String> = rows
                        .iter()
                        .filter_map(|row| rule::row(row, self.sides))
                        .map(|row| row.to_string())
                        .collect();
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let shown = row.map_or_else(|| "this".to_owned(), |row| format!("`{row}`"));
                    let message = format!("{shown} is no line of the options of `{id}`");
                    let help = suggestion(&shown, &known, "lines");
                    self.report.append(removed.origin.error("overlay-missing", message, help));
                }
            }
        }
        for added in &edit.add_options {
            let row = rule::row(added, self.sides);
            if row.is_some() && rows.iter().any(|known| rule::row(known, self.sides) == row) {
                let row = row.map(|row| row.to_string()).unwrap_or_default();
                self.report.append(already_there(&added.origin, "line", &row, false));
            } else {
                rows.push(added.clone());
            }
        }
    }

    /// A rule that stands in for another one has its id, said where its fields would make another one.
    fn rule_with_id(&self, with: &Part, id: &str) -> Result<Part, Diagnostics> {
        match rule::id(with, self.sides) {
            Some(own) if own == id => Ok(with.clone()),
            Some(own) if rule::option(with, "id").is_some() => Err(other_id(&with.origin, &own, id)),
            Some(_) => {
                let mut with = with.clone();
                let origin = with.origin.clone();
                if let Some(options) = rule::options_mut(&mut with) {
                    options.set(&Part::word(&origin, "id"), Part::name(&origin, id));
                }
                Ok(with)
            }
            None => Err(no_rule(&with.origin)),
        }
    }

    /// `path` is how it would stand among what is left out under other choices.
    fn missing(&mut self, key: &Part, what: &str, path: &str, known: &[String]) {
        let id = key.text().unwrap_or("");
        let message = format!("there is no {what} `{id}` to be changed");
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let elsewhere = self.left_out.iter().find(|(left, _)| left == path);
        let help = match elsewhere {
            Some((_, condition)) => format!("the template has it only with {condition}"),
            None if id == "states" => {
                "the table of states is changed with `set: { states: { .. } }` of the link".to_owned()
            }
            None => suggestion(id, &names, if what == "link" { "links" } else { "rules" }),
        };
        self.report.append(key.origin.error("overlay-missing", message, help));
    }
}

fn no_rule(origin: &Origin) -> Diagnostics {
    let help = "write `name <-> Name`, or the long form".to_owned();
    origin.error("overlay-change", "this is no rule".to_owned(), help)
}

/// The list under a key, made where it is not there.
fn list_mut<'p>(of: &'p mut Part, key: &str) -> Option<&'p mut Vec<Part>> {
    if of.get(key).is_none_or(|part| !part.is_list()) {
        let origin = of.origin.clone();
        of.set(&Part::word(&origin, key), Part::made(&origin, PartKind::List(Vec::new())));
    }
    of.get_mut(key)?.items_mut()
}

fn link_with_id(with: &Part, id: &str) -> Result<Part, Diagnostics> {
    match link_id(with) {
        Some(own) if own == id => Ok(with.clone()),
        Some(own) => Err(other_id(&with.origin, own, id)),
        None if with.is_map() => {
            let mut with = with.clone();
            let origin = with.origin.clone();
            with.set(&Part::word(&origin, "id"), Part::name(&origin, id));
            Ok(with)
        }
        None => Err(with.origin.error(
            "overlay-change",
            "this is no link".to_owned(),
            "write the keys of a link".to_owned(),
        )),
    }
}

fn other_id(origin: &Origin, own: &str, id: &str) -> Diagnostics {
    let message = format!("what replaces `{id}` has the id `{own}`");
    origin.error("overlay-id", message, format!("leave the id out, or write `{id}`"))
}

fn already_there(origin: &Origin, what: &str, id: &str, twice: bool) -> Diagnostics {
    if twice {
        let message = format!("the {what} `{id}` is changed twice in this overlay");
        return origin.error("two-operations", message, "write all of it in one place".to_owned());
    }
    let help = match what {
        "line" | "test" => "leave it out".to_owned(),
        "parameter" => format!("set it: `{id}: VALUE`"),
        _ => format!("change it under `{what}s`, by its id"),
    };
    origin.error("overlay-exists", format!("there is a {what} `{id}` already"), help)
}

/// The nearest name, or all of them where they are few.
fn suggestion(name: &str, known: &[&str], what: &str) -> String {
    const NAMES_MAX: usize = 12;
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return format!("did you mean `{nearest}`?");
    }
    let shown: Vec<String> = known.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = if known.len() > NAMES_MAX { ", .." } else { "" };
    match shown.is_empty() {
        true => format!("there are no {what}: take it out"),
        false => format!("the {what} are {}{more}", shown.join(", ")),
    }
}

impl KeyEdit {
    fn is_empty(&self) -> bool {
        self.set.iter().all(|(key, _)| key.text() == Some("flow")) && self.unset.is_empty()
    }
}
