//! What is fuzzed: one function a target, which takes any bytes and panics where a law does not hold. The tests of this
//! folder and the coverage-guided runs of `fuzz/` call the same functions. `docs/fuzzing.md` says what each holds.
//!
//! A target knows nothing of who calls it, draws nothing and keeps nothing between two calls but what it made once.

pub(crate) mod cursors;
pub(crate) mod documents;
pub(crate) mod expressions;
pub(crate) mod files;
pub(crate) mod forms;
pub(crate) mod mappings;
pub(crate) mod plans;
pub(crate) mod published;
pub(crate) mod schemas;
pub(crate) mod scripts;
pub(crate) mod states;
pub(crate) mod templates;
pub(crate) mod values;

use seamless_core::document::{Diagnostics, Located};
use seamless_core::model::{Error, ErrorKind};

/// A target: its name, which is that of its folder of inputs, and what it does.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// The name.
    pub(crate) name: &'static str,
    /// Tries bytes; panics where a law does not hold.
    pub(crate) run: fn(&[u8]),
    /// Inputs that are made and not stored.
    pub(crate) made: fn() -> Vec<Vec<u8>>,
    /// Words of the format.
    pub(crate) words: &'static [&'static str],
}

/// Nothing is made.
pub(crate) fn nothing() -> Vec<Vec<u8>> {
    Vec::new()
}

/// All of them.
pub(crate) const ALL: &[Target] = &[
    documents::TARGET,
    mappings::MAPPING,
    mappings::SENTENCE,
    mappings::CONDITION,
    expressions::TARGET,
    plans::TARGET,
    scripts::TARGET,
    values::DECIMAL,
    values::JSON,
    values::KEY,
    forms::TARGET,
    files::CSV,
    files::JSONL,
    files::SIDECAR,
    cursors::TARGET,
    schemas::TARGET,
    published::TARGET,
    states::FLIPPED,
    states::ROWS,
    templates::TARGET,
];

/// A refusal that a person can act upon: of none of the kinds that name a broken promise, with words, and with a remedy
/// where `remedy` says so.
pub(crate) fn refused(error: &Error, remedy: bool) {
    assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert!(!error.message().trim().is_empty(), "{error:?}");
    assert!(!remedy || error.remedy().is_some_and(|words| !words.trim().is_empty()), "no remedy: {error:?}");
}

/// Findings about a document: each has a place inside of it, words on one line and, where it is an error, a help.
pub(crate) fn findings(found: &Diagnostics) {
    assert!(found.len() > 0);
    found.iter().for_each(finding);
    assert!(!found.to_string().is_empty());
}

fn finding(located: &Located) {
    let (text, finding) = (located.source().text(), located.diagnostic());
    let inside = |start: usize, end: usize| text.get(start..end).is_some();
    assert!(inside(finding.span.start, finding.span.end), "{finding:?} is outside of {} bytes", text.len());
    assert!(finding.related.iter().all(|(span, _)| inside(span.start, span.end)), "{finding:?}");
    assert!(!finding.message.trim().is_empty() && !finding.message.contains('\n'), "{finding:?}");
    let help = finding.help.is_some() || SAID.contains(&finding.code);
    assert!(!finding.is_error() || help, "no help: {finding:?}");
}

/// Codes whose message names what is expected, so that a help would say it again.
const SAID: [&str; 3] = ["wrong-kind", "missing-field", "parameter-type"];
