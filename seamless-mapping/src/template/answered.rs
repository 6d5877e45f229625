//! One operation of `fit` as a change of an overlay's text.
//!
//! Reads the rule that it speaks of from the mapping that the layers make, so that a rule which is replaced says all that
//! it said. Does not see whether what comes out can be laid over the template. The door is [`Answering::with`].

use std::sync::Arc;

use seamless_core::document::Document;
use seamless_core::model::{FieldName, RuleId, Side, Sides, Value};

use super::edit::{self, Path, Step};
use super::layer::link_id;
use super::part::{Origin, Part, PartKind, is_more_than_text};
use super::proposed::link_path;
use super::rule;
use crate::declaration::TypeDecl;
use crate::fit::{Answer, Operation, RulePath, Setting};
use crate::notation::rule::{ARROWS, EXAMPLE};
use crate::notation::sentence::Sentence;

/// An overlay that is changed.
pub(super) struct Answering<'a> {
    pub(super) text: &'a str,
    /// What the template and its layers make, up to this one.
    pub(super) mapping: &'a Part,
    pub(super) sides: &'a Sides<String>,
}

impl Answering<'_> {
    /// The text with an operation more and its evidence above it.
    ///
    /// Errors: why it cannot be written, in words.
    pub(super) fn with(&self, answer: &Answer) -> Result<String, String> {
        let evidence = [format!("# {}", edit::one_line(&answer.evidence))];
        let path = |rule: &RulePath| rule_path(answer, rule);
        match &answer.operation {
            Operation::Disable { rule } => {
                let path = path(rule);
                self.unsaid(&path)?;
                self.put(&path, &self.word("disable"), &evidence)
            }
            Operation::Set { rule, setting } => {
                let (key, value) = self.setting(setting, &self.rule(answer, rule)?);
                let mut last = path(rule);
                last.extend([key_step("set"), key_step(key)]);
                match setting {
                    // Of the other side the layers may have said something, which is kept.
                    Setting::Type { side, .. } => {
                        let of_side = key_step(self.sides.of(*side));
                        self.unsaid(&last.iter().cloned().chain([of_side]).collect::<Path>())?;
                    }
                    _ => self.unsaid(&last)?,
                }
                // Two keys may answer one difference: it is said once.
                let told = edit::comments(self.text, &path(rule)).map_err(unreadable)?;
                let evidence =
                    if evidence.iter().all(|line| told.contains(line)) { &[][..] } else { &evidence };
                self.put(&last, &value, evidence)
            }
            Operation::Rename { rule, side, from, to } => {
                self.renamed(&path(rule), &self.rule(answer, rule)?, *side, (from, to), &evidence)
            }
            Operation::RemoveOption { rule, side, value } => {
                let rows = self.rows(answer, rule, *side, value)?;
                self.options(&path(rule), &rows, &[], &evidence)
            }
            Operation::RetireOption { rule, side, value } => {
                let rows = self.rows(answer, rule, *side, value)?;
                let writes = |row: &&Part| {
                    rule::row(row, self.sides).is_some_and(|row| row.to.is_none_or(|to| to == *side))
                };
                let rows: Vec<Part> = rows.iter().filter(writes).cloned().collect();
                let both = rows.iter().filter_map(|row| rule::row(row, self.sides));
                let away: Vec<Part> = both
                    .filter(|row| row.to.is_none())
                    .map(|row| self.line(&row.values, Some(side.other())))
                    .collect();
                self.options(&path(rule), &rows, &away, &evidence)
            }
            Operation::AddOption { rule, values } => {
                let line = self.line(&values.as_ref().map(as_row_value), None);
                self.options(&path(rule), &[], &[line], &evidence)
            }
            Operation::Add { within, field, only_to } => {
                let mut list = link_path(&answer.link);
                list.extend(within.iter().flat_map(|rule| [key_step("rules"), key_step(rule.as_str())]));
                list.push(key_step("add"));
                let sentence = self.sentence(field, *only_to);
                let head = rule::head(&sentence, self.sides).map(|head| head.fields);
                if head != Some(field.as_ref().map(|name| vec![escaped(name)])) {
                    return Err("these names cannot stand in a sentence".to_owned());
                }
                self.push(self.text, &list, &sentence, &evidence)
            }
        }
    }

    fn put(&self, path: &[Step], value: &Part, evidence: &[String]) -> Result<String, String> {
        let text = edit::put(self.text, path, value).map_err(unreadable)?;
        edit::comment(&text, path, evidence).map_err(unreadable)
    }

    fn push(&self, text: &str, list: &[Step], item: &Part, evidence: &[String]) -> Result<String, String> {
        let text = edit::push(text, list, item).map_err(unreadable)?;
        let last = edit::items(&text, list).map_err(unreadable)?.saturating_sub(1);
        let place: Path = list.iter().cloned().chain([Step::Item(last)]).collect();
        edit::comment(&text, &place, evidence).map_err(unreadable)
    }

    /// Lines of a table that come and go.
    fn options(
        &self,
        rule: &[Step],
        out: &[Part],
        into: &[Part],
        evidence: &[String],
    ) -> Result<String, String> {
        let list =
            |key: &str| rule.iter().cloned().chain([key_step("options"), key_step(key)]).collect::<Path>();
        let mut text = self.text.to_owned();
        for (key, lines) in [("remove", out), ("add", into)] {
            for line in lines {
                text = self.push(&text, &list(key), line, evidence)?;
            }
        }
        Ok(text)
    }

    /// A rule that names another field, in place of all that the overlay said of it: what that did is in it.
    fn renamed(
        &self,
        path: &[Step],
        rule: &Part,
        side: Side,
        (from, to): (&FieldName, &FieldName),
        evidence: &[String],
    ) -> Result<String, String> {
        let moved: Path = path.iter().cloned().chain([key_step("move")]).collect();
        self.unsaid(&moved)?;
        let mut renamed = rule.clone();
        let id = rule::id(rule, self.sides).unwrap_or_default();
        let was = rule::head(rule, self.sides).map(|head| head.fields).unwrap_or_default();
        self.rename(&mut renamed, side, from, to).ok_or_else(|| format!("the rule does not name {from}"))?;
        let mut wanted = was;
        wanted
            .of_mut(side)
            .iter_mut()
            .filter(|name| **name == escaped(from))
            .for_each(|name| *name = escaped(to));
        if rule::head(&renamed, self.sides).map(|head| head.fields) != Some(wanted) {
            return Err(format!("{to} cannot stand in its sentence"));
        }
        // Said, so that whoever reads the overlay sees that the rule is the same one.
        if let Some(options) = rule::options_mut(&mut renamed).filter(|options| options.get("id").is_none()) {
            options.set(&self.word("id"), Part::name(&self.origin(), &id));
        }
        let replace = Part::made(&self.origin(), PartKind::Map(vec![(self.word("replace"), renamed)]));
        let mut comments = edit::comments(self.text, path).map_err(unreadable)?;
        comments.retain(|comment| !evidence.contains(comment));
        comments.extend_from_slice(evidence);
        let text = edit::remove(self.text, path).map_err(unreadable)?;
        let text = edit::put(&text, path, &replace).map_err(unreadable)?;
        edit::comment(&text, path, &comments).map_err(unreadable)
    }

    fn rename(&self, rule: &mut Part, side: Side, from: &FieldName, to: &FieldName) -> Option<()> {
        let (from, to) = (escaped(from), escaped(to));
        let Some(text) = rule::sentence(rule).and_then(Part::text).map(str::to_owned) else {
            let names = rule.get_mut(self.sides.of(side))?;
            let origin = names.origin.clone();
            if names.is_list() {
                let item = names.items_mut()?.iter_mut().find(|name| name.text() == Some(&from))?;
                *item = Part::name(&origin, &to);
            } else {
                *names = Part::name(&origin, &to);
            }
            return Some(());
        };
        let read = Sentence::read(&text, ARROWS, EXAMPLE).ok()?;
        let words = if side == Side::Left { &read.left } else { &read.right };
        let word = words.iter().find(|word| word.text == from)?;
        let mut changed = text.clone();
        changed.replace_range(word.range.clone(), &in_sentence(&to));
        let sentence = Part::word(&self.origin(), &changed);
        if rule.text().is_some() {
            *rule = sentence;
            return Some(());
        }
        let entry = rule.entries_mut()?.iter_mut().find(|(key, _)| key.text() == Some(&text))?;
        entry.0 = sentence;
        Some(())
    }

    /// The rule as the layers make it.
    fn rule(&self, answer: &Answer, path: &RulePath) -> Result<Part, String> {
        let gone = || format!("the layers have no rule {} under this id", path.rule);
        let links = self.mapping.get("links").map_or(&[][..], Part::items);
        let link = links.iter().find(|link| link_id(link) == Some(answer.link.as_str())).ok_or_else(gone)?;
        let find = |rules: Option<&Part>, id: &RuleId| {
            let rules = rules.map_or(&[][..], Part::items);
            rules.iter().find(|rule| rule::id(rule, self.sides).as_deref() == Some(id.as_str())).cloned()
        };
        let rules = link.get("rules");
        let found = match &path.within {
            Some(list) => {
                let list = find(rules, list).ok_or_else(gone)?;
                find(rule::option(&list, "rules"), &path.rule)
            }
            None => find(rules, &path.rule),
        };
        found.ok_or_else(gone)
    }

    /// The lines of the table of a rule that have a value on a side.
    fn rows(&self, answer: &Answer, path: &RulePath, side: Side, value: &Value) -> Result<Vec<Part>, String> {
        let rule = self.rule(answer, path)?;
        let rows = rule::option(&rule, "options").map_or(&[][..], Part::items);
        let (quoted, bare) = (as_row_value(value), value.to_string());
        let is_it = |row: &&Part| {
            rule::row(row, self.sides).is_some_and(|row| {
                let said = row.values.of(side);
                *said == quoted || *said == bare
            })
        };
        let found: Vec<Part> = rows.iter().filter(is_it).cloned().collect();
        if found.is_empty() { Err(format!("its table has no line with {value}")) } else { Ok(found) }
    }

    /// What the overlay says of something already is not written over.
    fn unsaid(&self, path: &[Step]) -> Result<(), String> {
        let document = Document::parse("overlay", self.text).map_err(unreadable)?;
        match edit::is_there(document.root(), path) {
            true => Err("the overlay says something of it already".to_owned()),
            false => Ok(()),
        }
    }

    fn setting(&self, setting: &Setting, rule: &Part) -> (&'static str, Part) {
        match setting {
            Setting::Truncate => ("too_long", self.word("truncate")),
            Setting::Round => ("round", self.word("half_up")),
            Setting::OnlyTo(side) => ("flow", self.word(&format!("to_{}", self.sides.of(*side)))),
            Setting::Type { side, kind } => {
                let said = rule::option(rule, "types").filter(|types| types.is_map()).cloned();
                let none = || Part::made(&self.origin(), PartKind::Map(Vec::new()));
                let mut types = said.unwrap_or_else(none);
                let side = Part::name(&self.origin(), self.sides.of(*side));
                types.set(&side, self.word(&type_word(*kind)));
                ("types", types)
            }
        }
    }

    fn sentence(&self, field: &Sides<FieldName>, only_to: Option<Side>) -> Part {
        let words = field.as_ref().map(|name| in_sentence(&escaped(name)));
        self.word(&format!("{} {} {}", words.left, arrow(only_to), words.right))
    }

    fn line(&self, values: &Sides<String>, to: Option<Side>) -> Part {
        self.word(&format!("{} {} {}", values.left, arrow(to), values.right))
    }

    fn word(&self, text: &str) -> Part {
        Part::word(&self.origin(), text)
    }

    /// What is made here comes from nowhere: it counts to the mapping as a whole.
    fn origin(&self) -> Origin {
        Origin { document: Arc::clone(&self.mapping.origin.document), span: self.mapping.origin.span }
    }
}

fn rule_path(answer: &Answer, rule: &RulePath) -> Path {
    let mut path = link_path(&answer.link);
    for id in rule.within.iter().chain([&rule.rule]) {
        path.extend([key_step("rules"), key_step(id.as_str())]);
    }
    path
}

fn key_step(key: &str) -> Step {
    Step::Key(key.to_owned())
}

fn arrow(to: Option<Side>) -> &'static str {
    match to {
        None => "<->",
        Some(Side::Right) => "->",
        Some(Side::Left) => "<-",
    }
}

/// A name of a system as files write it: what looks like a parameter is none.
fn escaped(name: &FieldName) -> String {
    name.as_str().replace("${", "$${")
}

/// A name as a word of a sentence: in quotes where it could be read as something else.
fn in_sentence(name: &str) -> String {
    let safe = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && !name.ends_with(' ')
        && !name.contains("  ")
        && !name.split(' ').any(|chunk| matches!(chunk, "+" | "=" | "->" | "<-" | "<->" | "const" | "blank"));
    let quote = if name.contains('`') { '"' } else { '`' };
    if safe { name.to_owned() } else { format!("{quote}{name}{quote}") }
}

/// A value as a line of a table has it: a text that looks like something else is in quotes.
fn as_row_value(value: &Value) -> String {
    let text = match value {
        Value::Text(text) => text.to_string(),
        other => return other.to_string(),
    };
    let bare = !is_more_than_text(&text) && in_sentence(&text) == text;
    let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(' ');
    if bare || (starts_with_digit && !is_more_than_text(&text)) { text } else { format!("`{text}`") }
}

fn type_word(kind: TypeDecl) -> String {
    match kind {
        TypeDecl::Text { length_max: Some(length) } => format!("text({length})"),
        TypeDecl::Decimal { precision: Some(precision), scale: Some(scale) } => {
            format!("decimal({precision}, {scale})")
        }
        other => other.name().to_owned(),
    }
}

fn unreadable(findings: seamless_core::document::Diagnostics) -> String {
    let first = findings.iter().next();
    first.map_or_else(|| "it cannot be read".to_owned(), |one| one.diagnostic().message.clone())
}
