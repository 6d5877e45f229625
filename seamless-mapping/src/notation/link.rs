//! A link of a file, key by key.
//!
//! Knows the shape of the file, not what makes sense: that is the compiler's. The door is [`link`].

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report, Span};
use seamless_core::mapper::{GuardLimits, MatchField, MatchLine};
use seamless_core::model::{CanonicalForm, Condition, FieldName, FormSpec, LinkId, ScaleBy, Side, Sides};

use super::actions;
use super::condition::condition;
use super::keys::{FORM_SCALE, Keys, LIMITS, LINK, MATCH_LINE};
use super::lifecycle::Lifecycle;
use super::path::paths;
use super::policy::{self, PerSide, per_side};
use super::rule::{RulePlaces, rule};
use super::sentence::{Operator, Sentence, has_operator};
use super::test::test;
use super::value::Reader;
use crate::declaration::{LinkDecl, Matching};

/// Where the parts of a link stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct LinkPlaces {
    pub(crate) span: Span,
    pub(crate) keys: Vec<(String, Span)>,
    pub(crate) rules: Vec<RulePlaces>,
}

/// A link, and where its parts stand.
pub(crate) struct ReadLink {
    pub(crate) declared: LinkDecl,
    pub(crate) places: LinkPlaces,
}

/// Reads one item of `links`.
pub(crate) fn link(reader: &Reader<'_>, node: &Node) -> Result<ReadLink, Diagnostics> {
    let mut keys = Keys::of(reader.document, node, LINK)?;
    let id = keys.require_as("id", Node::as_str).map(LinkId::from);
    let left = keys.fields.require_as(reader.sides.left, |node| reader.entity(node));
    let right = keys.fields.require_as(reader.sides.right, |node| reader.entity(node));
    let named = id.zip(left.zip(right));
    // Reading goes on without them, so that everything that is wrong is heard at once.
    let (id, (left, right)) = named.clone().unwrap_or_else(|| ("".into(), ("".into(), "".into())));
    let mut declared = LinkDecl::new(id, left, right);
    declared.note = keys.text("note");
    if let Some(mode) = keys.take_as("mode", |node| policy::mode(reader, node)) {
        declared.mode = mode;
    }
    read_conditions(reader, &mut keys, "scope", &mut declared.scope);
    read_conditions(reader, &mut keys, "writable", &mut declared.writable);
    actions::read(reader, &mut keys, &mut declared);
    if let Some(read) = keys.take_with("paths", |_, node| paths(reader, node)) {
        declared.paths = read;
    }
    if let Some(shares) = keys.take_as("shares", links) {
        declared.shares = shares;
    }
    declared.matching = keys.take_with("match", |_, node| matching(reader, node));
    declared.create = keys.take_with("create", |_, node| create(reader, node));
    declared.on_conflict = keys.take_with("on_conflict", |_, node| policy::conflict(reader, node));
    declared.first_link = keys.take_as("first_link", |node| policy::first_link(reader, node));
    declared.on_drift = keys.take_as("on_drift", policy::drift);
    declared.sweep_every = keys.take_as("sweep", policy::duration);
    if let Some(limits) = keys.take_with("limits", limits) {
        declared.limits = limits;
    }
    if let Some(node) = keys.take("forms") {
        read_forms(reader, node, &mut declared, keys.report());
    }
    let mut places = LinkPlaces { span: node.span, keys: spans(node), rules: Vec::new() };
    if let Some(id) = node.get("id") {
        places.span = id.span;
    }
    read_lifecycle(reader, node, &mut keys, &mut declared, &mut places);
    if let Some(rules) = keys.take_as("rules", Node::as_sequence) {
        for item in rules {
            if let Some(read) = keys.report().accept(rule(reader, item)) {
                declared.rules.push(read.declared);
                places.rules.push(read.places);
            }
        }
    }
    for item in keys.take_as("tests", Node::as_sequence).unwrap_or(&[]) {
        let read = keys.report().accept(test(reader, item));
        declared.tests.extend(read);
    }
    let read = named.map(|_| ReadLink { declared, places });
    keys.finish_with(read)
}

fn spans(node: &Node) -> Vec<(String, Span)> {
    let entries = node.as_mapping().unwrap_or(&[]);
    entries.iter().map(|(key, _)| (key.text().unwrap_or("").to_owned(), key.span)).collect()
}

/// A condition per side; a side of which nothing is said keeps what it has.
fn read_conditions(
    reader: &Reader<'_>,
    keys: &mut Keys<'_>,
    key: &'static str,
    declared: &mut Sides<Condition>,
) {
    let read = keys.take_with(key, |document, node| {
        let Sides { left, right } = reader.sides;
        match per_side(reader, node, |node| condition(reader, node))? {
            PerSide::Each(each) => Ok(each),
            PerSide::Both(_) => {
                let message = format!("`{key}` does not say which side it speaks of");
                let help = format!("write `{left}: ..` or `{right}: ..` below it");
                Err(Diagnostic::error("which-side", node.span, message).help(help).within(document))
            }
        }
    });
    if let Some(Sides { left, right }) = read {
        declared.left = left.unwrap_or(declared.left.clone());
        declared.right = right.unwrap_or(declared.right.clone());
    }
}

/// The ids of links.
fn links(node: &Node) -> Result<Vec<LinkId>, Diagnostic> {
    node.as_sequence()?.iter().map(|link| link.as_str().map(LinkId::from)).collect()
}

fn create(reader: &Reader<'_>, node: &Node) -> Result<Sides<bool>, Diagnostics> {
    match per_side(reader, node, Node::as_bool)? {
        PerSide::Both(both) => Ok(Sides::new(both, both)),
        PerSide::Each(Sides { left: Some(left), right: Some(right) }) => Ok(Sides::new(left, right)),
        PerSide::Each(_) => {
            let Sides { left, right } = reader.sides;
            let finding = Diagnostic::error("create-sides", node.span, "`create` speaks of one side only");
            let help = format!("write `{{ {left}: true, {right}: false }}`");
            Err(finding.help(help).within(reader.document))
        }
    }
}

const EQUALS: &[Operator] = &[Operator::Equal];
const MATCH_EXAMPLE: &str = "accountnumber = No.";

fn matching(reader: &Reader<'_>, node: &Node) -> Result<Matching, Diagnostics> {
    if node.text() == Some("none") {
        return Ok(Matching::Nothing);
    }
    let help = format!("write lines such as `- {MATCH_EXAMPLE}`, or `match: none`");
    let items = node.as_sequence().map_err(|finding| finding.help(help).within(reader.document))?;
    let mut report = Report::new();
    let lines = items.iter().filter_map(|item| report.accept(match_line(reader, item))).collect();
    report.into_result().map(|()| Matching::Lines(lines))
}

fn match_line(reader: &Reader<'_>, node: &Node) -> Result<MatchLine, Diagnostics> {
    let document = reader.document;
    let (sentence, same_when) = match node.as_mapping() {
        Ok([(key, value)]) if key.text().is_some_and(|text| has_operator(text, EQUALS)) => {
            let mut keys = Keys::of(document, value, MATCH_LINE)?;
            let same_when = keys.take_as("same_when", policy::same_when);
            (key, keys.finish_with(Some(same_when.unwrap_or_default()))?)
        }
        _ => (node, CanonicalForm::exact()),
    };
    let read = || {
        let Sentence { left, right, .. } = Sentence::parse(document, sentence, EQUALS, MATCH_EXAMPLE)?;
        if left.len() != right.len() {
            let message = format!("{} fields are compared with {}", left.len(), right.len());
            return Err(Diagnostic::error("match-width", sentence.span, message)
                .help("write as many fields on the left of `=` as on the right: `a + b = c + d`"));
        }
        let pairs = left.iter().zip(&right).map(|(left, right)| {
            let field = Sides::new(reader.word_field(sentence, left)?, reader.word_field(sentence, right)?);
            Ok(MatchField { field, same_when: same_when.clone() })
        });
        Ok(MatchLine { fields: pairs.collect::<Result<_, Diagnostic>>()? })
    };
    read().map_err(|finding: Diagnostic| finding.within(document))
}

fn limits(document: &Document, node: &Node) -> Result<GuardLimits, Diagnostics> {
    let mut limits = GuardLimits::USUAL;
    let mut keys = Keys::of(document, node, LIMITS)?;
    if let Some(percent) = keys.take_as("deletes_percent_max", percent) {
        limits.deletes_percent_max = percent;
    }
    if let Some(percent) = keys.take_as("changes_percent_max", percent) {
        limits.changes_percent_max = percent;
    }
    if let Some(percent) = keys.take_as("shrink_percent_max", percent) {
        limits.shrink_percent_max = percent;
    }
    if let Some(count) = keys.take_as("deletes_free", count) {
        limits.deletes_free = count;
    }
    if let Some(count) = keys.take_as("changes_free", count) {
        limits.changes_free = count;
    }
    keys.finish_with(Some(limits))
}

/// A percentage, or `none` for no limit.
fn percent(node: &Node) -> Result<Option<u8>, Diagnostic> {
    if node.text() == Some("none") {
        return Ok(None);
    }
    let refused = || node.refused("a percentage from 0 to 100, or `none`");
    let percent = node.as_u64().map_err(|_| refused())?;
    u8::try_from(percent).ok().filter(|percent| *percent <= 100).map(Some).ok_or_else(refused)
}

fn count(node: &Node) -> Result<u32, Diagnostic> {
    u32::try_from(node.as_u64()?).map_err(|_| node.refused("a whole number of at most 4294967295"))
}

fn read_forms(reader: &Reader<'_>, node: &Node, declared: &mut LinkDecl, report: &mut Report) {
    let Some(mut fields) = report.accept(seamless_core::document::Fields::of(reader.document, node)) else {
        return;
    };
    for side in Side::BOTH {
        let forms = fields.take_with(reader.sides.of(side), |_, node| forms(reader, node));
        *declared.forms.of_mut(side) = forms.unwrap_or_default();
    }
    fields.finish_into(report);
}

/// What a side makes of its values, by field.
fn forms(reader: &Reader<'_>, node: &Node) -> Result<FormSpec, Diagnostics> {
    let document = reader.document;
    let mut spec = FormSpec::default();
    for entry in node.entries().map_err(|finding| finding.within(document))? {
        let field = FieldName::from(reader.text(entry.key).map_err(|finding| finding.within(document))?);
        if entry.value.is_mapping() {
            spec.scales.push(scale(reader, field, entry.value)?);
        } else {
            let form = policy::same_when(entry.value).map_err(|finding| finding.within(document))?;
            spec.fields.push((field, form));
        }
    }
    Ok(spec)
}

/// `{ scale_by: Currency Code, scales: { JPY: 0 }, otherwise: 2 }`.
fn scale(reader: &Reader<'_>, amount: FieldName, node: &Node) -> Result<ScaleBy, Diagnostics> {
    let mut keys = Keys::of(reader.document, node, FORM_SCALE)?;
    let by = keys.require_as("scale_by", |node| reader.text(node));
    let otherwise = keys.require_as("otherwise", digits);
    let scales = keys.take_as("scales", |node| {
        let scales = node.entries()?.map(|entry| Ok((entry.name.to_owned(), digits(entry.value)?)));
        scales.collect::<Result<_, Diagnostic>>()
    });
    let scale = by.zip(otherwise).map(|(by, otherwise)| ScaleBy {
        amount,
        by: by.into(),
        scales: scales.unwrap_or_default(),
        otherwise,
    });
    keys.finish_with(scale)
}

fn digits(node: &Node) -> Result<u8, Diagnostic> {
    u8::try_from(node.as_u64()?).map_err(|_| node.refused("a number of digits"))
}

fn read_lifecycle(
    reader: &Reader<'_>,
    node: &Node,
    keys: &mut Keys<'_>,
    declared: &mut LinkDecl,
    places: &mut LinkPlaces,
) {
    let lifecycle = keys.take("lifecycle");
    let states = keys.take("states").and_then(|_| {
        let entries = node.as_mapping().ok()?;
        entries.iter().find(|(key, _)| key.text() == Some("states")).map(|(key, value)| (key, value))
    });
    let read = Lifecycle::read(reader, states, lifecycle, keys.report());
    declared.on_delete = read.on_delete;
    declared.on_leave = read.on_leave;
    if let Some((rule, span)) = read.rule {
        declared.rules.push(rule);
        places.rules.push(RulePlaces { span, ..RulePlaces::default() });
    }
}
