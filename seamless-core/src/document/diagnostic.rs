//! What is to be said about a document: where, how grave, what, and what to do about it.
//!
//! Knows no rules of its own; the reader and the consumers of documents write the messages. The door
//! is [`Diagnostic::error`], and [`Report`] collects several before anyone stops.

use std::fmt;
use std::sync::Arc;

use super::render::render;
use super::source::{Source, Span};
use super::{Document, LineColumn};

/// How grave a diagnostic is. Only errors make a reading fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what the author meant.
    Warning,
    /// Cannot be accepted.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One finding about a place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable name in `kebab-case` that tests and tools may match on.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The text it speaks of.
    pub span: Span,
    /// What is wrong, one line without a full stop.
    pub message: String,
    /// What to do about it, best with the spelling that works.
    pub help: Option<String>,
    /// Other places that explain this one, each with a short label.
    pub related: Vec<(Span, String)>,
}

impl Diagnostic {
    /// A finding that cannot be accepted.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A finding that is probably a mistake.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    /// A finding that is worth knowing.
    pub fn note(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        // A name that the message quotes may hold anything; the message stays one line.
        let message = if message.contains(char::is_control) { escaped(&message) } else { message };
        Self { code, severity, span, message, help: None, related: Vec::new() }
    }

    /// Adds what to do about it; a second help replaces the first.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to do about it where something is known to do.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Points at another place of the same document that explains this one.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Whether this finding makes a reading fail.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as an error value about `document`.
    pub fn within(self, document: &Document) -> Diagnostics {
        Diagnostics::one(Arc::clone(document.source()), self)
    }
}

/// A diagnostic with the text that it speaks of.
#[derive(Clone, Debug)]
pub struct Located {
    source: Arc<Source>,
    diagnostic: Diagnostic,
}

impl Located {
    /// The text that the spans point into.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The finding.
    pub fn diagnostic(&self) -> &Diagnostic {
        &self.diagnostic
    }

    /// Line and column of the finding.
    pub fn line_column(&self) -> LineColumn {
        self.source.line_column(self.diagnostic.span.start)
    }

    /// `file:line:column: error[code]: message`, without the source line and the help.
    pub fn headline(&self) -> String {
        let LineColumn { line, column } = self.line_column();
        let Diagnostic { code, severity, message, .. } = &self.diagnostic;
        format!("{}:{line}:{column}: {severity}[{code}]: {message}", self.source.name())
    }
}

impl fmt::Display for Located {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        render(formatter, self)
    }
}

/// One or more diagnostics, of one document or of several that are read together.
///
/// Shown, each finding is its headline, the source line with the place underlined, and its help. The
/// source lines quote the document: do not send them where its contents must not go.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// Never empty.
    list: Vec<Located>,
}

impl Diagnostics {
    pub(super) fn one(source: Arc<Source>, diagnostic: Diagnostic) -> Self {
        Self { list: vec![Located { source, diagnostic }] }
    }

    /// All findings about one text, in the order of their places. The caller has at least one.
    pub(super) fn of(source: &Arc<Source>, mut diagnostics: Vec<Diagnostic>) -> Self {
        debug_assert!(!diagnostics.is_empty(), "never empty");
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
        let locate = |diagnostic| Located { source: Arc::clone(source), diagnostic };
        Self { list: diagnostics.into_iter().map(locate).collect() }
    }

    /// The findings in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Located> {
        self.list.iter()
    }

    /// How many findings there are, at least one.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|located| located.diagnostic.is_error())
    }

    /// Adds the findings of another reading behind these.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Located;
    type IntoIter = std::slice::Iter<'d, Located>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, located) in self.iter().enumerate() {
            if at > 0 {
                formatter.write_str("\n\n")?;
            }
            located.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Collects findings while a document is read on, so that an author hears of all mistakes at once.
#[derive(Debug, Default)]
pub struct Report {
    list: Vec<Located>,
}

impl Report {
    /// A report without findings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a finding about `document`.
    pub fn push(&mut self, document: &Document, diagnostic: Diagnostic) {
        self.list.push(Located { source: Arc::clone(document.source()), diagnostic });
    }

    /// Adds the findings of a part that was read on its own.
    pub fn append(&mut self, diagnostics: Diagnostics) {
        self.list.extend(diagnostics.list);
    }

    /// Takes over the findings of another report.
    pub fn append_report(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// The value of a part that was read well; otherwise its findings are kept and reading goes on.
    pub fn accept<T>(&mut self, read: Result<T, Diagnostics>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(diagnostics) => {
                self.append(diagnostics);
                None
            }
        }
    }

    /// The value behind an accessor of `document`; otherwise its finding is kept.
    pub fn check<T>(&mut self, document: &Document, read: Result<T, Diagnostic>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(diagnostic) => {
                self.push(document, diagnostic);
                None
            }
        }
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|located| located.diagnostic.is_error())
    }

    /// Everything collected, warnings and notes too; none when there is nothing to say.
    pub fn into_diagnostics(self) -> Option<Diagnostics> {
        (!self.list.is_empty()).then_some(Diagnostics { list: self.list })
    }

    /// Success without errors. Warnings are then dropped: a caller that shows them takes
    /// [`into_diagnostics`](Self::into_diagnostics) instead.
    pub fn into_result(self) -> Result<(), Diagnostics> {
        if self.has_errors() { self.into_diagnostics().map_or(Ok(()), Err) } else { Ok(()) }
    }
}

fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// At most forty characters of a text for a message, with control characters escaped.
pub(super) fn excerpt(text: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => escaped(text.get(..end).unwrap_or(text)) + "…",
        None => escaped(text),
    }
}
