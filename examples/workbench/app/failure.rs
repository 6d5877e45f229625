//! What goes wrong, as people and programs read it: message, place, remedy, causes. The door is [`Failure`].

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use anstyle::AnsiColor;
use seamless_core::document::Diagnostics;
use seamless_core::model::{Error, ErrorKind};
use serde_json::{Value, json};

use super::host::Host;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The SDK's own error.
    Core(Error),
    /// Findings about a file that a person wrote.
    Document(Diagnostics),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Core(error)
    }
}

impl From<Diagnostics> for Failure {
    fn from(findings: Diagnostics) -> Self {
        Failure::Document(findings)
    }
}

impl Failure {
    /// A command line or project that cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Failure::Core(Error::configuration(message))
    }

    /// A stream that cannot be written or read.
    pub(crate) fn output(cause: io::Error) -> Self {
        let error = Error::new(ErrorKind::Unavailable, "the output cannot be written");
        Failure::Core(error.caused_by(cause))
    }

    /// A file that cannot be read or written: `doing` is `reading`, `writing`.
    pub(crate) fn file(doing: &str, path: &std::path::Path, cause: io::Error) -> Self {
        let kind = match cause.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Unavailable,
        };
        let remedy = match cause.kind() {
            io::ErrorKind::InvalidData => "save the file as UTF-8",
            io::ErrorKind::IsADirectory => "a folder stands where a file is expected: give a file",
            io::ErrorKind::PermissionDenied => "give yourself the right to use the file and its folder",
            io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge => "make room on the disk",
            _ => "check that the file is there and that its folder may be used",
        };
        let error = Error::new(kind, format!("{doing} {} failed", path.display()));
        Failure::Core(error.with_remedy(remedy).caused_by(cause))
    }

    /// Says what a person can do.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        match self {
            Failure::Core(error) => Failure::Core(error.with_remedy(remedy)),
            other => other,
        }
    }

    /// Says under which option of the command line the settings stand that an error speaks of.
    pub(crate) fn with_settings(self, option: &'static str) -> Self {
        match self {
            Failure::Core(error) => {
                Failure::Core(error.at("settings", format!("{option}, as a JSON object")))
            }
            other => other,
        }
    }

    /// Tells the failure: on the error stream, and as the JSON document of the command where that was asked for.
    pub(crate) fn tell(&self, json: bool, host: &mut Host<'_>) {
        if self.is_closed_pipe() {
            return;
        }
        if json {
            // Whoever reads the document is told by the exit code that it could not be written.
            let _ = host.json(&json!({ "error": self.as_json() }));
            return;
        }
        let text = match self {
            Failure::Core(error) => {
                let word = host.styled(AnsiColor::Red.on_default().bold(), "error");
                format!("{word}: {}", error_text(error))
            }
            // Findings say their own gravity.
            Failure::Document(findings) => findings.to_string(),
        };
        host.note(text);
    }

    /// Whether the reader of a pipe went away: it knows, and nobody else needs to.
    fn is_closed_pipe(&self) -> bool {
        let Failure::Core(error) = self else { return false };
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    }

    fn as_json(&self) -> Value {
        match self {
            Failure::Core(error) => json!({
                "kind": error.kind().to_string(),
                "message": error.message(),
                "places": error.context().map(|(what, at)| json!({ "what": what, "at": at })).collect::<Vec<_>>(),
                "remedy": error.remedy(),
                "causes": causes(error),
            }),
            Failure::Document(findings) => {
                let message = findings.iter().next().map(|first| first.headline());
                json!({ "kind": "document", "message": message, "findings": findings_json(findings) })
            }
        }
    }
}

/// Findings about a file, for programs.
pub(crate) fn findings_json(findings: &Diagnostics) -> Value {
    let one = |finding: &seamless_core::document::Located| {
        let at = finding.line_column();
        let diagnostic = finding.diagnostic();
        json!({
            "file": finding.source().name(),
            "line": at.line,
            "column": at.column,
            "severity": diagnostic.severity.to_string(),
            "code": diagnostic.code,
            "message": diagnostic.message,
            "help": diagnostic.help,
        })
    };
    findings.iter().map(one).collect()
}

/// Message, places, remedy and causes, a line each.
fn error_text(error: &Error) -> String {
    let mut text = error.message().to_owned();
    for (what, at) in error.context() {
        let _ = write!(text, "\n  {what}: {at}");
    }
    for cause in causes(error) {
        let _ = write!(text, "\n  because: {cause}");
    }
    if let Some(remedy) = error.remedy() {
        let _ = write!(text, "\n  what to do: {remedy}");
    }
    text
}

fn causes(error: &Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}
