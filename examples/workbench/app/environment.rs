//! An environment file: which connectors the sides have there, and the values of parameters.
//!
//! ```yaml
//! connectors:
//!   crm: { kind: sqlite, path: crm.db }
//!   erp: { kind: sqlite, path: "${env:ERP_DB}" }
//! parameters: { house: HOUSE }
//! ```
//!
//! Of a mapping that is used once for each company, `companies` says what is different for each; the rest holds for all:
//!
//! ```yaml
//! connectors:
//!   crm: { kind: sqlite, path: crm.db }
//!   erp: { kind: sqlite }
//! companies:
//!   house: { connectors: { erp: { path: house.db } }, parameters: { company_id: 1 } }
//! ```
//!
//! `${env:NAME}` and `${file:PATH}` stand inside texts for what the machine holds, and `$${` for `${`. They are put in
//! after the file was read, so that no secret can change what the file says, and those of a connector only when it is
//! opened, so that what reads no system needs no secrets. The doors are [`Environment::read`] and
//! [`Environment::config`].

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use seamless_connectors::secrets;
use seamless_core::document::{
    Diagnostic, Diagnostics, Document, Fields, Literal, Node, Report, did_you_mean,
};
use seamless_core::model::{Decimal, Value};
use seamless_core::secret::SecretSource;
use seamless_mapping::{Companies, Mapping, ParameterValues};
use serde_json::{Map, Number, Value as Json};

use super::failure::Failure;
use super::snapshots::Shelf;

/// An environment that was read: for all companies, or for one ([`Environment::of`]).
pub(crate) struct Environment {
    pub(crate) connectors: Vec<ConnectorEntry>,
    pub(crate) parameters: ParameterValues,
    /// The company that it is of.
    pub(crate) company: Option<String>,
    companies: Vec<Company>,
    document: Document,
}

/// What is different for a company.
struct Company {
    name: String,
    connectors: Vec<ConnectorEntry>,
    parameters: ParameterValues,
}

/// What an environment says of one side's connector.
#[derive(Clone)]
pub(crate) struct ConnectorEntry {
    pub(crate) side: String,
    /// A company need not repeat the kind.
    kind: Option<String>,
    /// Whether it is a system of one company alone.
    pub(crate) own: bool,
}

/// What references of a file are looked up with.
#[derive(Clone, Copy)]
pub(crate) struct Lookups<'a> {
    /// Environment variables and files.
    pub(crate) secrets: &'a dyn SecretSource,
    /// What relative paths are relative to.
    pub(crate) folder: &'a Path,
}

impl Environment {
    /// Reads `environments/<name>.yaml` of a project.
    ///
    /// Errors: no such environment, with those that there are; every finding about the file with its place.
    pub(crate) fn read(folder: &Path, name: &str, lookups: Lookups<'_>) -> Result<Self, Failure> {
        let path = folder.join("environments").join(format!("{name}.yaml"));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Err(unknown(folder, name)),
            Err(cause) => return Err(Failure::file("reading", &path, cause)),
        };
        let document = Document::parse_bytes(&path.display().to_string(), &bytes)?;
        let mut fields = Fields::of(&document, document.root())?;
        let connectors =
            fields.require_with("connectors", |document, node| connectors(document, node, false));
        let parameters = fields.take_with("parameters", |document, node| parameters(document, node, lookups));
        let parameters = parameters.unwrap_or_default();
        let companies = fields.take_with("companies", |document, node| companies(document, node, lookups));
        let companies = companies.unwrap_or_default();
        let connectors = fields.finish_with(connectors)?;
        Ok(Self { connectors, parameters, company: None, companies, document })
    }

    /// The names of its companies, in the order of the file.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.companies.iter().map(|company| company.name.as_str()).collect()
    }

    /// What its companies say of parameters; `None` where it has none.
    pub(crate) fn companies(&self) -> Option<Companies> {
        let each = self.companies.iter().map(|company| (company.name.clone(), company.parameters.clone()));
        (!self.companies.is_empty()).then(|| Companies { all: self.parameters.clone(), each: each.collect() })
    }

    /// The environment of one company. Without a name it stays as it is where there is no company.
    ///
    /// Errors: no such company; none was named where there are some.
    pub(crate) fn of(mut self, company: Option<&str>) -> Result<Self, Failure> {
        let Some(name) = company else {
            return match self.names().as_slice() {
                [] => Ok(self),
                names => Err(Failure::usage("there are several companies")
                    .remedy(format!("say which with --company: {}", names.join(", ")))),
            };
        };
        let Some(companies) = self.companies() else {
            return Err(Failure::usage(format!("there is no company `{name}`: the environment has none"))
                .remedy("leave --company out, or write `companies` into the environment"));
        };
        let Some(own) = self.companies.iter().find(|company| company.name == name) else {
            let known = self.names();
            let remedy = did_you_mean(name, known.iter().copied())
                .unwrap_or_else(|| format!("the companies are {}", known.join(", ")));
            return Err(Failure::usage(format!("there is no company `{name}`")).remedy(remedy));
        };
        for entry in &own.connectors {
            match self.connectors.iter_mut().find(|known| known.side == entry.side) {
                Some(known) => {
                    known.own = true;
                    known.kind = entry.kind.clone().or_else(|| known.kind.take());
                }
                None => self.connectors.push(entry.clone()),
            }
        }
        self.parameters = companies.parameters(name);
        self.company = Some(name.to_owned());
        Ok(self)
    }

    /// Where its snapshots are kept.
    pub(crate) fn shelf(&self, project: &Path) -> Shelf {
        let own = self.connectors.iter().filter(|entry| entry.own).map(|entry| entry.side.clone());
        match &self.company {
            Some(company) => Shelf::of_company(project, company, own.collect()),
            None => Shelf::of(project),
        }
    }

    /// What the environment says of a side's connector.
    ///
    /// Errors: it says nothing of the side.
    pub(crate) fn connector(&self, side: &str) -> Result<&ConnectorEntry, Failure> {
        self.connectors.iter().find(|entry| entry.side == side).ok_or_else(|| {
            let known = self.connectors.iter().map(|entry| entry.side.as_str());
            let help = did_you_mean(side, known)
                .unwrap_or_else(|| format!("write `{side}: {{ kind: .. }}` below `connectors`"));
            let message = format!("the environment has no connector for the side `{side}` of the mapping");
            let finding = Diagnostic::error("connector-missing", self.span_of("connectors"), message);
            finding.help(help).within(&self.document).into()
        })
    }

    /// The configuration of a side's connector, its references put in.
    ///
    /// Errors: a reference to what is not there, with its place.
    pub(crate) fn config(&self, side: &str, lookups: Lookups<'_>) -> Result<Json, Failure> {
        Ok(Json::Object(self.settings(side, self.company.as_deref(), Some(lookups))?))
    }

    /// The settings of a side's connector: what holds for all, then what a company says itself.
    fn settings(
        &self,
        side: &str,
        company: Option<&str>,
        lookups: Option<Lookups<'_>>,
    ) -> Result<Map<String, Json>, Diagnostics> {
        let root = self.document.root();
        let own = company.and_then(|company| root.get("companies")?.get(company));
        let mut report = Report::new();
        let mut config = Map::new();
        for at in [Some(root), own].into_iter().flatten() {
            let node = at.get("connectors").and_then(|node| node.get(side));
            let entries = node.and_then(|node| node.as_mapping().ok()).unwrap_or(&[]);
            for (key, value) in entries.iter().filter(|(key, _)| key.text() != Some("kind")) {
                if let Some(value) = report.accept(to_json(&self.document, value, lookups)) {
                    config.insert(key.text().unwrap_or_default().to_owned(), value);
                }
            }
        }
        report.into_result().map(|()| config)
    }

    /// The kind of a side's connector.
    ///
    /// Errors: nothing says it.
    pub(crate) fn kind(&self, side: &str) -> Result<&str, Failure> {
        self.connector(side)?.kind.as_deref().ok_or_else(|| {
            let message = format!("nothing says what kind the connector of `{side}` is");
            let finding = Diagnostic::error("connector-missing", self.span_of("connectors"), message);
            let help = format!("write `{side}: {{ kind: .. }}` below `connectors`, of the company or of all");
            finding.help(help).within(&self.document).into()
        })
    }

    /// Says where in the file a connector stands that cannot be opened because of what the file says.
    pub(crate) fn refused(&self, side: &str, error: &seamless_core::Error) -> Failure {
        let root = self.document.root();
        let own = self.company.as_deref().and_then(|company| root.get("companies")?.get(company));
        let at = own.and_then(|own| own.get("connectors")?.get(side));
        let at = at.or_else(|| root.get("connectors")?.get(side));
        let span = at.map_or_else(|| self.span_of("connectors"), |node| node.span);
        let finding = Diagnostic::error("connector", span, error.message());
        finding.maybe_help(error.remedy().map(str::to_owned)).within(&self.document).into()
    }

    /// Refuses connectors and parameters that the mapping knows nothing of: a name that is written wrong would otherwise
    /// leave the default in force without anybody noticing.
    pub(crate) fn check_names(&self, mapping: &Mapping) -> Result<(), Failure> {
        let declared = mapping.declared();
        let sides = declared.sides.as_ref().map(|side| side.name.as_str());
        let of_companies = declared.for_each.iter().flat_map(|each| &each.parameters);
        let parameters: Vec<&str> =
            declared.parameters.iter().chain(of_companies).map(|one| &*one.name).collect();
        let mut report = Report::new();
        let root = self.document.root();
        self.check_known(root, "connectors", "side", &[sides.left, sides.right], &mut report);
        self.check_known(root, "parameters", "parameter", &parameters, &mut report);
        let entries = root.get("companies").and_then(|node| node.entries().ok()).into_iter().flatten();
        let Some(for_each) = &declared.for_each else {
            for entry in entries {
                let message = "the mapping is not used once for each company";
                let help = "write `for_each` into the mapping, or take `companies` out here";
                report
                    .push(&self.document, Diagnostic::error("companies", entry.key.span, message).help(help));
            }
            return Ok(report.into_result()?);
        };
        let (own, mut seen) = (*sides.of(for_each.side), Vec::new());
        for entry in entries {
            self.check_known(entry.value, "connectors", "side of each company", &[own], &mut report);
            self.check_known(entry.value, "parameters", "parameter", &parameters, &mut report);
            let Some(mut settings) = report.accept(self.settings(own, Some(entry.name), None)) else {
                continue;
            };
            // What people call a system makes it no other one.
            settings.remove("label");
            if let Some((other, _)) = seen.iter().find(|(_, known)| *known == settings) {
                let message = format!("the {own} of `{}` is that of `{other}`", entry.name);
                let help = "give each company the settings that tell its system from the others";
                report
                    .push(&self.document, Diagnostic::error("companies", entry.key.span, message).help(help));
            }
            seen.push((entry.name, settings));
        }
        Ok(report.into_result()?)
    }

    fn check_known(&self, at: &Node, key: &str, what: &str, known: &[&str], report: &mut Report) {
        let entries = at.get(key).and_then(|node| node.entries().ok());
        for entry in entries.into_iter().flatten().filter(|entry| !known.contains(&entry.name)) {
            let help = did_you_mean(entry.name, known.iter().copied()).unwrap_or_else(|| match known {
                [] => format!("remove it: the mapping has no {what}"),
                known => format!("the mapping has {}", known.join(", ")),
            });
            let message = format!("the mapping has no {what} `{}`", entry.name);
            let finding = Diagnostic::error("unknown-name", entry.key.span, message).help(help);
            report.push(&self.document, finding);
        }
    }

    fn span_of(&self, key: &str) -> seamless_core::document::Span {
        let entries = self.document.root().as_mapping().unwrap_or(&[]);
        let found = entries.iter().find(|(name, _)| name.text() == Some(key));
        found.map_or(self.document.root().span, |(name, _)| name.span)
    }
}

fn unknown(folder: &Path, name: &str) -> Failure {
    let known = names(folder);
    let remedy = match known.as_slice() {
        [] => "write one, or let `workbench init` write a project".to_owned(),
        known => format!("the environments are {}", known.join(", ")),
    };
    Failure::usage(format!("there is no environment `{name}` in {}", folder.join("environments").display()))
        .remedy(remedy)
}

/// The names of a project's environments, sorted.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder.join("environments")) else { return Vec::new() };
    let name = |path: PathBuf| {
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        path.file_stem().filter(|_| is_yaml).map(|stem| stem.to_string_lossy().into_owned())
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| name(entry.path())).collect();
    names.sort();
    names
}

fn connectors(document: &Document, node: &Node, own: bool) -> Result<Vec<ConnectorEntry>, Diagnostics> {
    let mut report = Report::new();
    let mut entries = Vec::new();
    for entry in node.entries().map_err(|finding| finding.within(document))? {
        let one = || -> Result<ConnectorEntry, Diagnostics> {
            let mut fields = Fields::of(document, entry.value)?;
            let kind = fields.take_as("kind", Node::as_str).map(str::to_owned);
            // The rest is the connector's own: it says what it does not know.
            fields.take_rest();
            fields.finish_with(Some(ConnectorEntry { side: entry.name.to_owned(), kind, own }))
        };
        entries.extend(report.accept(one()));
    }
    report.into_result().map(|()| entries)
}

fn companies(document: &Document, node: &Node, lookups: Lookups<'_>) -> Result<Vec<Company>, Diagnostics> {
    let mut report = Report::new();
    let mut companies = Vec::new();
    for entry in node.entries().map_err(|finding| finding.within(document))? {
        let one = || -> Result<Company, Diagnostics> {
            let mut fields = Fields::of(document, entry.value)?;
            let own = |document: &Document, node: &Node| connectors(document, node, true);
            let connectors = fields.take_with("connectors", own).unwrap_or_default();
            let given = |document: &Document, node: &Node| parameters(document, node, lookups);
            let parameters = fields.take_with("parameters", given).unwrap_or_default();
            fields.finish_with(Some(Company { name: entry.name.to_owned(), connectors, parameters }))
        };
        companies.extend(report.accept(one()));
    }
    report.into_result().map(|()| companies)
}

fn to_json(document: &Document, node: &Node, lookups: Option<Lookups<'_>>) -> Result<Json, Diagnostics> {
    if let Ok(entries) = node.as_mapping() {
        let one = |(key, value): &(Node, Node)| {
            Ok((key.text().unwrap_or_default().to_owned(), to_json(document, value, lookups)?))
        };
        return Ok(Json::Object(entries.iter().map(one).collect::<Result<_, Diagnostics>>()?));
    }
    if let Ok(items) = node.as_sequence() {
        return items.iter().map(|item| to_json(document, item, lookups)).collect();
    }
    Ok(match node.as_literal().map_err(|finding| finding.within(document))? {
        Literal::Null => Json::Null,
        Literal::Bool(flag) => Json::Bool(flag),
        Literal::Number(text) => match serde_json::from_str::<Number>(text) {
            Ok(number) => Json::Number(number),
            Err(_) => Json::String(text.to_owned()),
        },
        Literal::Text(text) => Json::String(match lookups {
            Some(lookups) => filled(document, node, text, lookups)?,
            None => text.to_owned(),
        }),
    })
}

fn parameters(
    document: &Document,
    node: &Node,
    lookups: Lookups<'_>,
) -> Result<ParameterValues, Diagnostics> {
    let mut values = ParameterValues::new();
    for entry in node.entries().map_err(|finding| finding.within(document))? {
        let value = match entry.value.as_literal().map_err(|finding| finding.within(document))? {
            Literal::Null => Value::Null,
            Literal::Bool(flag) => Value::Bool(flag),
            Literal::Number(text) => match (text.parse::<i64>(), Decimal::parse(text)) {
                (Ok(number), _) => Value::Int(number),
                (_, Ok(number)) => Value::Decimal(number),
                _ => Value::text(text),
            },
            Literal::Text(text) => Value::text(&filled(document, entry.value, text, lookups)?),
        };
        values.insert(entry.name.to_owned(), value);
    }
    Ok(values)
}

/// A text with its references put in.
fn filled(document: &Document, node: &Node, text: &str, lookups: Lookups<'_>) -> Result<String, Diagnostics> {
    block_on(secrets::filled(text, lookups.secrets)).map_err(|error| {
        let finding = Diagnostic::error("reference", node.span, error.message());
        finding.maybe_help(error.remedy().map(str::to_owned)).within(document)
    })
}
