//! `for_each`: a file that is read once for each company, with the company's parameters.
//!
//! A company is loaded by its parameters alone: those of `for_each`, and `company`, its name. So everything that takes
//! parameters takes a company. The doors are [`load_each`] and [`lint_each`].

use std::collections::BTreeMap;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report};
use seamless_core::model::{Side, Sides, Value};

use super::keys::{COMPANY, FOR_EACH, Keys, OF_COMPANY};
use super::parameters::{ParameterValues, Parameters};
use super::{LoadOptions, Loaded, declarations, lint_with, load};
use crate::compile::CompileOptions;
use crate::declaration::{ForEachDecl, MappingDecl, SideDecl};
use crate::lint::{LintOptions, companies::overlaps};

/// The companies of an environment, by their names, and what each says of its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Companies {
    /// Parameters that hold for all of them.
    pub all: ParameterValues,
    /// Those of each, which come before.
    pub each: BTreeMap<String, ParameterValues>,
}

impl Companies {
    /// What a company is loaded with: the parameters that hold for all, its own, and its name.
    pub fn parameters(&self, company: &str) -> ParameterValues {
        let mut parameters = self.all.clone();
        let own = self.each.get(company).into_iter().flatten();
        parameters.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        parameters.insert(COMPANY.to_owned(), Value::text(company));
        parameters
    }
}

/// Loads a mapping once for each company. One integration, one partition and one state belong to each: the integration is
/// called `NAME.COMPANY` ([`MappingDecl::integration`]). Give each a store of its own, so that no two share a pair or a base.
///
/// What is wrong with one company keeps no other from being loaded. Errors, per company: those of [`load`].
pub fn load_each(
    name: &str,
    text: &str,
    companies: &Companies,
    compile: &CompileOptions<'_>,
) -> BTreeMap<String, Result<Loaded, Diagnostics>> {
    let one = |company: &String| {
        let options = LoadOptions { parameters: companies.parameters(company), compile: compile.clone() };
        (company.clone(), load(name, text, &options))
    };
    companies.each.keys().map(one).collect()
}

/// What [`lint_file`](super::lint_file) says of the copy of one company, and where the records of the shared side that it
/// takes are those of another company too. `None` where there is nothing to say.
pub fn lint_each(
    name: &str,
    text: &str,
    companies: &Companies,
    company: &str,
    options: &LintOptions<'_>,
) -> Option<Diagnostics> {
    let others = companies.each.keys().filter(|other| *other != company);
    // A company that cannot be read is told of where it is looked at itself.
    let others: Vec<MappingDecl> =
        others.filter_map(|other| declarations(name, text, &companies.parameters(other)).ok()).collect();
    lint_with(name, text, &companies.parameters(company), options, |declared, findings| {
        overlaps(declared, &others, &options.compile, findings);
    })
}

/// Whether a company can be called so: its name is part of the names of files.
pub(crate) fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()) && name.chars().all(word)
}

/// `{ company: { side: erp, parameters: .. } }`, and the company that the parameters name.
pub(super) fn read(
    document: &Document,
    node: &Node,
    sides: &Sides<SideDecl>,
    given: &ParameterValues,
    known: &mut Parameters,
    report: &mut Report,
) -> Option<ForEachDecl> {
    let mut keys = report.accept(Keys::of(document, node, FOR_EACH))?;
    let inner = keys.require(COMPANY);
    keys.fields.finish_into(report);
    let inner = inner?;
    let mut keys = report.accept(Keys::of(document, inner, OF_COMPANY))?;
    let side = keys.require_as("side", |node| side(node, sides));
    let note = keys.text("note");
    let company = company(document, inner, given, known, keys.report());
    let parameters = match keys.take("parameters") {
        Some(node) => {
            let missing = "give it one for each company in the environment, or a `default` here";
            known.read(document, node, given, missing, keys.report())
        }
        None => Some(Vec::new()),
    };
    keys.fields.finish_into(report);
    Some(ForEachDecl { side: side?, parameters: parameters?, note, company: company?, divided: Vec::new() })
}

fn side(node: &Node, sides: &Sides<SideDecl>) -> Result<Side, Diagnostic> {
    let name = node.as_str()?;
    let found = Side::BOTH.into_iter().find(|side| sides.of(*side).name == name);
    found.ok_or_else(|| {
        let help =
            format!("write {} or {}: the side where each is a system", sides.left.name, sides.right.name);
        Diagnostic::error("unknown-side", node.span, format!("no side is called `{name}`")).help(help)
    })
}

/// The company that is loaded, which is also a parameter.
fn company(
    document: &Document,
    node: &Node,
    given: &ParameterValues,
    known: &mut Parameters,
    report: &mut Report,
) -> Option<String> {
    if known.has(COMPANY) {
        let message = format!("`{COMPANY}` is the name of the company; no parameter can be called so");
        report.push(
            document,
            Diagnostic::error("parameter-name", node.span, message).help("give it another name"),
        );
        return None;
    }
    let refused = |message: String, help: &str| {
        Diagnostic::error("company-missing", node.span, message).help(help.to_owned())
    };
    let name = match given.get(COMPANY) {
        Some(Value::Text(name)) if is_name(name) => name.to_string(),
        Some(other) => {
            let message = format!("a company cannot be called {other}");
            let help = "use small letters, digits, `-` and `_`: files are called after it";
            report.push(document, refused(message, help));
            return None;
        }
        None => {
            let message = "the mapping is used once for each company, and no company is named".to_owned();
            let help = "name companies in the environment; in Rust call `load_each`, or give the parameter `company`";
            report.push(document, refused(message, help));
            return None;
        }
    };
    known.add(COMPANY, Value::text(&name));
    Some(name)
}

/// Whether the scope of a link on the shared side is written with a parameter of the company.
pub(super) fn divides(link: &Node, shared: &str, for_each: &ForEachDecl) -> bool {
    let scope = link.get("scope").and_then(|scope| scope.get(shared)).and_then(Node::text).unwrap_or("");
    let own = for_each.parameters.iter().map(|parameter| parameter.name.as_str());
    own.chain([COMPANY]).any(|name| scope.contains(&format!("${{{name}}}")))
}
