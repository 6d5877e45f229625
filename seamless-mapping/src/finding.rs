//! What there is to say about a mapping: which link, which rule, what is wrong and what to write instead.
//!
//! The compiler knows no files; the notation turns a [`Place`] into line and column.

use std::fmt;

use serde::Serialize;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// Worth knowing: nothing is wrong, but somebody should have decided it.
    Note,
    /// Probably not what the author meant.
    Warning,
    /// The mapping cannot be used.
    Error,
}

/// Which part of a mapping a finding speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The place of the link in the declaration.
    pub link: Option<usize>,
    /// The place of the rule in its link's declaration.
    pub rule: Option<usize>,
    /// The place of the rule among those of the lines of its rule.
    pub line: Option<usize>,
    /// The key of the link or rule.
    pub key: Option<&'static str>,
    /// Link and rule in words.
    pub words: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable name in `kebab-case` that tests and tools may match on.
    pub code: &'static str,
    /// How grave it is.
    pub gravity: Gravity,
    /// What it speaks of.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// Whether the mapping cannot be used.
    pub fn is_error(&self) -> bool {
        self.gravity == Gravity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gravity = match self.gravity {
            Gravity::Note => "note",
            Gravity::Warning => "warning",
            Gravity::Error => "error",
        };
        write!(f, "{gravity}[{}]: ", self.code)?;
        if !self.place.words.is_empty() {
            write!(f, "{}: ", self.place.words)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// A mapping that cannot be used, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The findings, errors and warnings, in the order of the declaration.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.findings.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// Collects findings while the compiler goes on.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
}

impl Findings {
    pub(crate) fn error(&mut self, code: &'static str, place: Place, message: impl Into<String>, help: &str) {
        self.push(code, Gravity::Error, place, message.into(), help);
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: &str,
    ) {
        self.push(code, Gravity::Warning, place, message.into(), help);
    }

    pub(crate) fn note(&mut self, code: &'static str, place: Place, message: impl Into<String>, help: &str) {
        self.push(code, Gravity::Note, place, message.into(), help);
    }

    fn push(&mut self, code: &'static str, gravity: Gravity, place: Place, message: String, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.list.push(Finding { code, gravity, place, message, help });
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(Finding::is_error)
    }
}
