//! Parameters: what differs from environment to environment, put into values after they were read.
//!
//! `${name}` is replaced inside names and values, never inside keys, ids, operators or policies: what an environment
//! says cannot change what a sentence means. A value that is nothing but `${name}` has the parameter's type. `$${` is
//! a literal `${`. The door is [`Parameters::read`].

use std::collections::BTreeMap;

use seamless_core::document::{Diagnostic, Diagnostics, Document, Node, Report, Span, did_you_mean};
use seamless_core::model::Value;

use super::keys::{Keys, PARAMETER};
use super::policy::type_named;
use super::value::literal;
use crate::declaration::{ParameterDecl, TypeDecl};
use crate::rules::convert;

/// What an environment says of parameters, by name.
pub type ParameterValues = BTreeMap<String, Value>;

/// The names that may be written, and their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    names: Vec<String>,
    values: BTreeMap<String, Value>,
}

impl Parameters {
    /// Reads declarations and gives each its value. `missing` says what is to be done about one that has none.
    pub(crate) fn read(
        &mut self,
        document: &Document,
        node: &Node,
        given: &ParameterValues,
        missing: &str,
        report: &mut Report,
    ) -> Option<Vec<ParameterDecl>> {
        let entries = report.check(document, node.as_mapping())?;
        let mut read = Vec::new();
        for (key, value) in entries {
            let name = key.text().unwrap_or("");
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                let finding = Diagnostic::error("parameter-name", key.span, "not a name for a parameter");
                report.push(document, finding.help("use letters, digits and `_`"));
                continue;
            }
            if self.names.iter().any(|known| known == name) {
                let message = format!("there is a parameter `{name}` already");
                let finding = Diagnostic::error("parameter-name", key.span, message);
                report.push(document, finding.help("give one of them another name"));
                continue;
            }
            let Some(declared) = report.accept(read_one(document, name, value)) else { continue };
            let given = given.get(name).or(declared.default.as_ref());
            match given {
                None => {
                    let message = format!("the parameter `{name}` has no value");
                    report.push(
                        document,
                        Diagnostic::error("parameter-missing", key.span, message).help(missing),
                    );
                }
                Some(given) => match convert::literal_as(given, declared.kind) {
                    Some(given) => drop(self.values.insert(name.to_owned(), given)),
                    None => {
                        let message = format!(
                            "the parameter `{name}` is given as {}, it is declared as {}",
                            given.kind(),
                            declared.kind.name()
                        );
                        report.push(document, Diagnostic::error("parameter-type", key.span, message));
                    }
                },
            }
            self.names.push(name.to_owned());
            read.push(declared);
        }
        Some(read)
    }

    /// Adds a parameter that no file declares.
    pub(crate) fn add(&mut self, name: &str, value: Value) {
        self.names.push(name.to_owned());
        self.values.insert(name.to_owned(), value);
    }

    /// Whether a parameter of this name is known.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Names what an environment gives and nobody declares.
    pub(crate) fn check_given(
        &self,
        document: &Document,
        span: Span,
        given: &ParameterValues,
        report: &mut Report,
    ) {
        for name in given.keys().filter(|name| !self.has(name)) {
            let message = format!("the environment gives a parameter `{name}` that is not declared");
            let known = self.names.iter().map(String::as_str);
            let finding =
                Diagnostic::warning("parameter-unknown", span, message).maybe_help(did_you_mean(name, known));
            report.push(document, finding);
        }
    }

    /// A text with its parameters put in; the value of a parameter where the text is nothing else.
    ///
    /// Errors: the message of an undefined parameter, and its help.
    pub(crate) fn put_in(&self, text: &str) -> Result<Option<Value>, (String, Option<String>)> {
        if !text.contains("${") {
            return Ok(None);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = from.get(2..).unwrap_or("");
                continue;
            }
            out.push_str(before);
            let Some(end) = from.find('}') else {
                return Err((
                    "a parameter is not closed".to_owned(),
                    Some("write `${name}`, or `$${` for the characters themselves".to_owned()),
                ));
            };
            let name = from.get(2..end).unwrap_or("");
            let Some(value) = self.values.get(name) else {
                let known = self.names.iter().map(String::as_str);
                let help = did_you_mean(name, known)
                    .unwrap_or_else(|| format!("declare it: `parameters: {{ {name}: {{ type: text }} }}`"));
                return Err((format!("no parameter is called `{name}`"), Some(help)));
            };
            rest = from.get(end + 1..).unwrap_or("");
            if out.is_empty() && rest.is_empty() && at == 0 {
                return Ok(Some(value.clone()));
            }
            match value {
                Value::Text(text) => out.push_str(text),
                other => out.push_str(&other.to_string()),
            }
        }
        out.push_str(rest);
        Ok(Some(Value::text(&out)))
    }
}

fn read_one(document: &Document, name: &str, node: &Node) -> Result<ParameterDecl, Diagnostics> {
    let mut keys = Keys::of(document, node, PARAMETER)?;
    let kind = keys.take_as("type", type_named).unwrap_or(TypeDecl::TEXT);
    let description = keys.text("description");
    let default = keys.take_as("default", literal);
    let declared = ParameterDecl { name: name.to_owned(), kind, description, default };
    keys.finish_with(Some(declared))
}
