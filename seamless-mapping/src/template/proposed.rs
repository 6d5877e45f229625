//! What `fit` proposes, written into an overlay: every operation with its evidence as a comment above it.
//!
//! Each operation is tried: where the layers with it are refused, or more is found about them than without it, it is not
//! written but named with the reason. Nothing that the overlay says already is written over. What a person must decide
//! stands as comments at the top. Decides nothing about systems: that is `fit`'s. The door is [`proposed`].
//!
//! Cost: putting together the mapping twice and loading it twice for each operation.

use seamless_core::document::Diagnostics;
use seamless_core::model::{LinkId, Schema, Sides};

use super::Choices;
use super::answered::Answering;
use super::compose::compose;
use super::edit;
use super::overlay::Overlay;
use super::read::Template;
use crate::compile::CompileOptions;
use crate::finding::Gravity;
use crate::fit::{Answer, Difference, Expected, FitInput, FitReport, Operation, Setting, What, fit};
use crate::notation::{LoadOptions, declarations};
use crate::suggest::Samples;
use crate::testing::run_tests;

/// How often it is looked what is left: an operation may show what it was covered by.
const PASSES_MAX: usize = 8;

/// What proposals are written into.
#[derive(Clone, Copy, Debug)]
pub struct Proposing<'a> {
    /// The template.
    pub template: &'a Template,
    /// All layers that lie over it, the lowest first.
    pub overlays: &'a [Overlay],
    /// Which of them is written: its place among them. Where there is none at that place, nothing is written.
    pub layer: usize,
    /// Parameters and functions. Its schemas are not looked at.
    pub options: &'a LoadOptions<'a>,
    /// What the systems had, as for `fit`.
    pub expected: Sides<Expected<'a>>,
    /// What they have now.
    pub now: Sides<&'a Schema>,
    /// Values of some records of both systems, as for `fit`.
    pub samples: Option<Sides<&'a Samples>>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    /// The text of the overlay. It is the old one, byte for byte, where there was nothing to write.
    pub text: String,
    /// What was written, in the order in which it was.
    pub written: Vec<Answer>,
    /// What stays for a person, in words: what `fit` still finds, operations that the layers do not bear, and tests of the
    /// mapping that fail now.
    pub open: Vec<String>,
}

/// Writes what `fit` proposes into an overlay.
///
/// Errors: layers that cannot be put together, or read as a mapping, as they are. Total: never panics.
pub fn proposed(input: &Proposing<'_>) -> Result<Proposed, Diagnostics> {
    let Some(layer) = input.overlays.get(input.layer) else {
        return Ok(Proposed { text: String::new(), written: Vec::new(), open: Vec::new() });
    };
    let overlays = input.overlays.to_vec();
    let found = Found::of(input, &overlays)?;
    let failed = found.failing.clone();
    let name = layer.document.name();
    let mut writing = Writing { input, name, overlays, found, written: Vec::new(), refused: Vec::new() };
    let mut report = writing.fit()?;
    for _ in 0..PASSES_MAX {
        let before = writing.written.len();
        writing.pass(&report)?;
        if writing.written.len() == before {
            break;
        }
        report = writing.fit()?;
    }
    let mut open: Vec<String> = report.differences.iter().filter(|one| is_open(one)).map(in_words).collect();
    open.extend(writing.refused.iter().map(|(answer, reason)| {
        format!("{}: {} is not written: {reason}", answer.link, what(&answer.operation))
    }));
    let failing = writing.found.failing.iter().filter(|test| !failed.contains(test));
    open.extend(failing.map(|(link, name)| {
        format!("{link}: the test `{name}` fails with this; leave it out under `without_tests`, and write it anew under `tests`")
    }));
    let text = with_open(name, writing.text().to_owned(), &open);
    Ok(Proposed { text, written: writing.written, open })
}

/// An overlay that is being written.
struct Writing<'a> {
    input: &'a Proposing<'a>,
    /// What the overlay is called.
    name: &'a str,
    /// All layers, this one as it is by now.
    overlays: Vec<Overlay>,
    found: Found,
    written: Vec<Answer>,
    refused: Vec<(Answer, String)>,
}

impl Writing<'_> {
    fn text(&self) -> &str {
        self.overlays.get(self.input.layer).map_or("", Overlay::text)
    }

    fn fit(&self) -> Result<FitReport, Diagnostics> {
        let composed = compose(self.input.template, &self.overlays, &Choices::new())?;
        let mapping = declarations("mapping", composed.text(), &self.input.options.parameters)?;
        let Proposing { expected, now, samples, .. } = *self.input;
        Ok(fit(&FitInput { mapping: &mapping, expected, now, samples }))
    }

    /// Tries everything that a report proposes; also what was refused before, which another operation may have cleared.
    fn pass(&mut self, report: &FitReport) -> Result<(), Diagnostics> {
        self.refused.clear();
        let mut answers = report.answers();
        let both: Vec<Answer> = answers.iter().filter(|one| goes_nowhere(one, &answers)).cloned().collect();
        answers.iter_mut().filter(|one| both.contains(one)).for_each(leave_out);
        answers.sort_by_key(|answer| rank(&answer.operation));
        for answer in answers {
            let same = |known: &Answer| known.link == answer.link && known.operation == answer.operation;
            let tried = self.refused.iter().any(|(known, _)| same(known));
            if tried || self.written.iter().any(|known| is_settled_by(&answer, known)) {
                continue;
            }
            match self.attempt(&answer)? {
                Ok((overlays, found)) => {
                    (self.overlays, self.found) = (overlays, found);
                    self.written.push(answer);
                }
                Err(reason) => self.refused.push((answer, reason)),
            }
        }
        Ok(())
    }

    /// The layers with an operation more, and what is found about them; or why it is not written.
    fn attempt(&self, answer: &Answer) -> Result<Result<(Vec<Overlay>, Found), String>, Diagnostics> {
        let Self { input, name, overlays, found, .. } = self;
        // What higher layers do to a rule is not said again by this one.
        let below = overlays.get(..=input.layer).unwrap_or(overlays);
        let composed = compose(input.template, below, &Choices::new())?;
        let answering =
            Answering { text: self.text(), mapping: &composed.mapping, sides: input.template.sides() };
        let tried = answering.with(answer).and_then(|text| {
            let read = Overlay::read(name, &text).map_err(|findings| first(&findings))?;
            let mut overlays = overlays.clone();
            if let Some(slot) = overlays.get_mut(input.layer) {
                *slot = read;
            }
            let now = Found::of(input, &overlays).map_err(|findings| first(&findings))?;
            now.no_worse_than(found).map(|()| (overlays, now))
        });
        Ok(tried)
    }
}

/// Whether a rule may write neither side any more.
fn goes_nowhere(answer: &Answer, all: &[Answer]) -> bool {
    let Operation::Set { rule, setting: Setting::OnlyTo(side) } = &answer.operation else { return false };
    let other = Operation::Set { rule: rule.clone(), setting: Setting::OnlyTo(side.other()) };
    all.iter().any(|one| one.link == answer.link && one.operation == other)
}

fn leave_out(answer: &mut Answer) {
    if let Operation::Set { rule, .. } = &answer.operation {
        answer.operation = Operation::Disable { rule: rule.clone() };
    }
}

/// Rules that are left out need nothing more; one that names another field is written with all else that it says.
fn rank(operation: &Operation) -> u8 {
    match operation {
        Operation::Disable { .. } => 0,
        Operation::Set { .. }
        | Operation::RemoveOption { .. }
        | Operation::RetireOption { .. }
        | Operation::AddOption { .. } => 1,
        Operation::Rename { .. } => 2,
        Operation::Add { .. } => 3,
    }
}

fn is_settled_by(answer: &Answer, known: &Answer) -> bool {
    let left_out = match &known.operation {
        Operation::Disable { rule } => Some(rule),
        _ => None,
    };
    let same_rule = match &answer.operation {
        Operation::Disable { rule }
        | Operation::Set { rule, .. }
        | Operation::Rename { rule, .. }
        | Operation::RemoveOption { rule, .. }
        | Operation::RetireOption { rule, .. }
        | Operation::AddOption { rule, .. } => left_out == Some(rule),
        Operation::Add { .. } => false,
    };
    answer.link == known.link && (same_rule || answer.operation == known.operation)
}

/// What the loader says of the layers: without schemas, and against what the systems have now.
struct Found {
    alone: Option<Diagnostics>,
    against: Option<Diagnostics>,
    /// The tests of the mapping that fail, as far as it can be loaded at all: link and name.
    failing: Vec<(LinkId, String)>,
}

impl Found {
    fn of(input: &Proposing<'_>, overlays: &[Overlay]) -> Result<Self, Diagnostics> {
        let composed = compose(input.template, overlays, &Choices::new())?;
        let alone = LoadOptions {
            parameters: input.options.parameters.clone(),
            compile: CompileOptions { schemas: None, ..input.options.compile.clone() },
        };
        let against = LoadOptions {
            parameters: alone.parameters.clone(),
            compile: CompileOptions { schemas: Some(input.now), ..alone.compile.clone() },
        };
        let (alone, against) = (composed.load(&alone), composed.load(&against));
        let tests = against.as_ref().or(alone.as_ref()).map(|loaded| run_tests(&loaded.mapping).outcomes);
        let failing = tests.unwrap_or_default().into_iter().filter(|test| !test.failures.is_empty());
        let failing = failing.map(|test| (test.link, test.name)).collect();
        Ok(Self { alone: alone.err(), against: against.err(), failing })
    }

    fn no_worse_than(&self, before: &Self) -> Result<(), String> {
        let count = |found: &Option<Diagnostics>| found.as_ref().map_or(0, Diagnostics::len);
        for (now, was) in [(&self.alone, &before.alone), (&self.against, &before.against)] {
            if let Some(findings) = now.as_ref().filter(|_| count(now) > count(was)) {
                return Err(unlike(findings, was.as_ref()));
            }
        }
        Ok(())
    }
}

/// The first finding that was not there before.
fn unlike(findings: &Diagnostics, before: Option<&Diagnostics>) -> String {
    let known = |message: &str| {
        before.is_some_and(|before| before.iter().any(|one| one.diagnostic().message == message))
    };
    let new = findings.iter().find(|one| !known(&one.diagnostic().message));
    new.map_or_else(|| first(findings), |one| one.diagnostic().message.clone())
}

fn first(findings: &Diagnostics) -> String {
    let first = findings.iter().next();
    first.map_or_else(|| "it is refused".to_owned(), |one| one.diagnostic().message.clone())
}

/// Whether a person must look at it. What only may be of use is in the report.
fn is_open(one: &Difference) -> bool {
    one.gravity > Gravity::Note || matches!(one.what, What::OptionsRelabelled)
}

fn in_words(one: &Difference) -> String {
    let Difference { link, entity, message, proposal, .. } = one;
    format!("{link}, {entity}: {message}; {proposal}")
}

fn what(operation: &Operation) -> String {
    match operation {
        Operation::Disable { rule } => format!("leaving out the rule {}", rule.rule),
        Operation::Set { rule, .. } => format!("another value for a key of the rule {}", rule.rule),
        Operation::Rename { rule, from, to, .. } => {
            format!("{to} for {from} in the rule {}", rule.rule)
        }
        Operation::RemoveOption { rule, value, .. } => {
            format!("taking {value} out of the options of {}", rule.rule)
        }
        Operation::RetireOption { rule, value, .. } => {
            format!("letting {value} lead away only in the options of {}", rule.rule)
        }
        Operation::AddOption { rule, values } => {
            format!("{} and {} as options of {}", values.left, values.right, rule.rule)
        }
        Operation::Add { field, .. } => format!("a rule for {} and {}", field.left, field.right),
    }
}

/// Comments at the top of a text; each that is not there yet, where it has room for comments.
fn with_open(name: &str, text: String, open: &[String]) -> String {
    const HEAD: &str = "# For a person to decide:";
    if text.trim_start().starts_with('{') {
        return text;
    }
    let mut lines: Vec<String> = Vec::new();
    for one in open {
        let line = format!("# - {}", edit::one_line(one));
        if !lines.contains(&line) && !text.lines().any(|known| known == line) {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        return text;
    }
    let rest = text.strip_prefix(HEAD).and_then(|rest| rest.strip_prefix('\n')).unwrap_or(&text);
    let whole = format!("{HEAD}\n{}\n{rest}", lines.join("\n"));
    // Where a text cannot begin with comments, it stays without them.
    if Overlay::read(name, &whole).is_ok() { whole } else { text }
}

/// The path of a link in an overlay.
pub(super) fn link_path(link: &LinkId) -> edit::Path {
    vec![edit::Step::Key("links".to_owned()), edit::Step::Key(link.to_string())]
}
