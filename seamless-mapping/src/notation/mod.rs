//! Mapping files: YAML 1.2 or JSON, read into the same declarations that the builder makes.
//!
//! [`load`] is the door: file text in, a checked [`Mapping`] out, or every finding with its line and column and what
//! to write instead. The reference of the notation is `docs/mapping.md`, its JSON Schema `docs/mapping.schema.json`.

mod actions;
mod companies;
mod condition;
mod embed;
pub(crate) mod keys;
mod lifecycle;
mod lines;
mod link;
mod lookup;
mod money;
mod parameters;
mod path;
pub(crate) mod policy;
pub(crate) mod rule;
#[cfg(test)]
mod schema_tests;
pub(crate) mod sentence;
pub(crate) mod test;
pub(crate) mod value;
mod worked;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report, Span};
use seamless_core::model::{FieldName, LinkId, RecordId, Sides, Slot};

pub use companies::{Companies, lint_each, load_each};
pub use condition::SOURCE_BYTES_MAX as CONDITION_BYTES_MAX;
pub use parameters::ParameterValues;

use keys::{FILE, Keys, is_reserved};
use link::LinkPlaces;
use parameters::Parameters;
use value::Reader;

use crate::compile::{CompileOptions, Mapping, compile};
use crate::declaration::{ForEachDecl, MappingDecl, SideDecl};
use crate::finding::{Finding, Findings, Gravity, Place};
use crate::lint::{LintOptions, lint};

/// What a file is loaded with.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions<'a> {
    /// What the environment says of parameters.
    pub parameters: ParameterValues,
    /// Functions and schemas.
    pub compile: CompileOptions<'a>,
}

/// A mapping that was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The checked mapping.
    pub mapping: Mapping,
    /// What is odd but usable.
    pub warnings: Option<Diagnostics>,
}

/// Loads a mapping from the text of a file; `name` is what findings call it.
///
/// Errors: everything that is wrong, each with its place and what to write instead. Total: no text makes it panic.
pub fn load(name: &str, text: &str, options: &LoadOptions<'_>) -> Result<Loaded, Diagnostics> {
    let document = Document::parse(name, text)?;
    let mut report = Report::new();
    if let Some(warnings) = document.warnings() {
        report.append(warnings);
    }
    let read = read(&document, &options.parameters, &mut report);
    let Some((declared, places)) = read.filter(|_| !report.has_errors()) else {
        return Err(findings_of(report, &document));
    };
    match compile(&declared, &options.compile) {
        Ok(mapping) => {
            let warnings = mapping.warnings().iter();
            warnings.for_each(|finding| report.push(&document, located(finding, &document, &places)));
            Ok(Loaded { mapping, warnings: report.into_diagnostics() })
        }
        Err(refused) => {
            let findings = refused.findings.iter();
            findings.for_each(|finding| report.push(&document, located(finding, &document, &places)));
            Err(findings_of(report, &document))
        }
    }
}

/// Everything there is to say about a mapping file, each with its place: what keeps it from being read, else what
/// [`lint`](fn@crate::lint) finds. `None` where there is nothing to say.
pub fn lint_file(
    name: &str,
    text: &str,
    parameters: &ParameterValues,
    options: &LintOptions<'_>,
) -> Option<Diagnostics> {
    lint_with(name, text, parameters, options, |_, _| {})
}

/// The same, with what else is found in the declaration.
fn lint_with(
    name: &str,
    text: &str,
    parameters: &ParameterValues,
    options: &LintOptions<'_>,
    more: impl FnOnce(&MappingDecl, &mut Findings),
) -> Option<Diagnostics> {
    let document = match Document::parse(name, text) {
        Ok(document) => document,
        Err(refused) => return Some(refused),
    };
    let mut report = Report::new();
    if let Some(warnings) = document.warnings() {
        report.append(warnings);
    }
    if let Some((declared, places)) = read(&document, parameters, &mut report) {
        let mut findings = Findings { list: lint(&declared, options) };
        more(&declared, &mut findings);
        let found = findings.list.iter();
        found.for_each(|finding| report.push(&document, located(finding, &document, &places)));
    }
    report.into_diagnostics()
}

/// Reads a record as tests of a mapping write one: `{ name: Adatum, due: { date: 2024-02-29 }, phone: null }`.
///
/// Errors: what is no such record, with its place.
pub fn record_fields(name: &str, text: &str) -> Result<Vec<(FieldName, Slot)>, Diagnostics> {
    let document = Document::parse(name, text)?;
    let parameters = Parameters::default();
    let reader = Reader { document: &document, sides: Sides::new("left", "right"), parameters: &parameters };
    test::fields(&reader, document.root()).map_err(|finding| finding.within(&document))
}

/// Reads partners as tests of a mapping write them: `{ contacts: { c1: K001 } }`.
///
/// Errors: what is no such text, with its place.
pub fn partner_pairs(name: &str, text: &str) -> Result<Vec<(LinkId, RecordId, RecordId)>, Diagnostics> {
    let document = Document::parse(name, text)?;
    test::partners(document.root()).map_err(|finding| finding.within(&document))
}

/// Reads the declarations of a file without checking what they mean.
///
/// Errors: what is no mapping file.
pub fn declarations(
    name: &str,
    text: &str,
    parameters: &ParameterValues,
) -> Result<MappingDecl, Diagnostics> {
    let document = Document::parse(name, text)?;
    let mut report = Report::new();
    match read(&document, parameters, &mut report) {
        Some((declared, _)) if !report.has_errors() => Ok(declared),
        _ => Err(findings_of(report, &document)),
    }
}

fn findings_of(report: Report, document: &Document) -> Diagnostics {
    report.into_diagnostics().unwrap_or_else(|| {
        Diagnostic::error("unreadable", document.root().span, "this is no mapping file").within(document)
    })
}

fn read(
    document: &Document,
    given: &ParameterValues,
    report: &mut Report,
) -> Option<(MappingDecl, Vec<LinkPlaces>)> {
    let mut keys = report.accept(Keys::of(document, document.root(), FILE))?;
    if let Some(version) = keys.take_as("version", Node::as_u64)
        && version != 1
    {
        let span = document.root().get("version").map_or(Span::at(0), |node| node.span);
        let message = format!("version {version} of the notation is not known");
        keys.push(Diagnostic::error("version", span, message).help("write `version: 1`, or leave it out"));
    }
    let integration = keys.require_as("integration", Node::as_str).map(str::to_owned);
    let note = keys.text("note");
    let sides = keys.require("sides").and_then(|node| keys.report().accept(sides(document, node)));
    let mut known = Parameters::default();
    let parameters = match keys.take("parameters") {
        Some(node) => {
            let missing = "give it one in the environment, or a `default` here";
            known.read(document, node, given, missing, keys.report())
        }
        None => Some(Vec::new()),
    };
    let each = keys.take("for_each").zip(sides.as_ref());
    let mut for_each = each
        .and_then(|(node, sides)| companies::read(document, node, sides, given, &mut known, keys.report()));
    let at = ["parameters", "for_each"].iter().find_map(|key| document.root().get(key));
    if let Some(at) = at {
        known.check_given(document, at.span, given, keys.report());
    }
    let links = keys.require_as("links", Node::as_sequence);
    let read = match (integration, sides, parameters, links) {
        (Some(mut integration), Some(sides), Some(parameters), Some(links)) => {
            let names = sides.as_ref().map(|side| side.name.as_str());
            let reader = Reader { document, sides: names, parameters: &known };
            let mut declared = Vec::new();
            let mut places = Vec::new();
            for item in links {
                if let Some(read) = keys.report().accept(link::link(&reader, item)) {
                    if let Some(for_each) = &mut for_each
                        && companies::divides(item, names.of(for_each.shared()), for_each)
                    {
                        for_each.divided.push(read.declared.id.clone());
                    }
                    declared.push(read.declared);
                    places.push(read.places);
                }
            }
            if let Some(for_each) = &for_each {
                integration = ForEachDecl::integration(&integration, &for_each.company);
            }
            let mapping = MappingDecl {
                integration,
                sides: sides.clone(),
                parameters,
                for_each,
                note,
                links: declared,
            };
            Some((mapping, places))
        }
        _ => None,
    };
    keys.fields.finish_into(report);
    read
}

/// `{ crm: dynamics-sales, erp: business-central }`: names and systems, the first is left.
pub(crate) fn sides(document: &Document, node: &Node) -> Result<Sides<SideDecl>, Diagnostics> {
    let example = "write two names, each with its system: `{ crm: dynamics-sales, erp: business-central }`";
    let entries = node.as_mapping().map_err(|finding| finding.help(example).within(document))?;
    let [left, right] = entries else {
        let message = format!("a mapping has two sides, this has {}", entries.len());
        return Err(Diagnostic::error("sides", node.span, message).help(example).within(document));
    };
    let side = |(key, value): &(Node, Node)| {
        let name = key.text().unwrap_or("");
        let word = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !word || is_reserved(name) {
            let message = format!("a side cannot be called `{name}`");
            return Err(Diagnostic::error("side-name", key.span, message)
                .help("use a short word in small letters, such as `crm`, that is no key of this file")
                .within(document));
        }
        let system = value.as_str().map_err(|finding| finding.within(document))?;
        Ok(SideDecl { name: name.to_owned(), system: system.to_owned() })
    };
    Ok(Sides::new(side(left)?, side(right)?))
}

/// A finding of the compiler with its line and column.
fn located(finding: &Finding, document: &Document, places: &[LinkPlaces]) -> Diagnostic {
    let span = span_of(&finding.place, places).unwrap_or_else(|| Span::at(document.root().span.start));
    let diagnostic = match finding.gravity {
        Gravity::Error => Diagnostic::error(finding.code, span, finding.message.clone()),
        Gravity::Warning => Diagnostic::warning(finding.code, span, finding.message.clone()),
        Gravity::Note => Diagnostic::note(finding.code, span, finding.message.clone()),
    };
    diagnostic.maybe_help(finding.help.clone())
}

/// The narrowest place that is known: the key, the rule, the link.
fn span_of(place: &Place, places: &[LinkPlaces]) -> Option<Span> {
    let link = places.get(place.link?)?;
    let keyed = |keys: &[(String, Span)]| {
        let key = place.key?;
        keys.iter().find(|(name, _)| name == key).map(|(_, span)| *span)
    };
    match place.rule {
        Some(rule) => {
            let rule = link.rules.get(rule)?;
            // A rule that follows from the key of a list stands nowhere: the list does.
            let rule = place.line.and_then(|line| rule.lines.get(line)).unwrap_or(rule);
            Some(keyed(&rule.keys).unwrap_or(rule.span))
        }
        None => Some(keyed(&link.keys).unwrap_or(link.span)),
    }
}
