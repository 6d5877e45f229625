//! What a case of a kit comes to: it passed, it was skipped for a reason, or it failed. Cases stop early with a [`Stop`]; the
//! functions here make them. Knows no case.

use std::fmt::Debug;

use crate::model::Error;

/// Characters of an observation that a report shows.
const OBSERVED_CHARS_MAX: usize = 300;

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What the case says holds.
    Passed,
    /// The case was not run, or could not tell. Never a success.
    Skipped {
        /// Why.
        reason: String,
    },
    /// The system does otherwise than it declares or than the contract says.
    Failed {
        /// What was declared or promised.
        declared: String,
        /// What was seen.
        observed: String,
        /// What to declare instead, ready to paste. `None` where the contract leaves no choice: mend the connector.
        paste: Option<String>,
    },
}

impl Outcome {
    /// Whether the case failed.
    pub fn is_failed(&self) -> bool {
        matches!(self, Outcome::Failed { .. })
    }
}

/// Why a case ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Skipped(String),
    Failed { declared: String, observed: String, paste: Option<String> },
}

/// What the body of a case gives back.
pub(super) type Held = Result<(), Stop>;

/// A call that the contract says succeeds did not.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        broken("the call succeeds", format!("{:?}: {}", error.kind(), error.message_with_causes()))
    }
}

impl From<Held> for Outcome {
    fn from(held: Held) -> Self {
        match held {
            Ok(()) => Outcome::Passed,
            Err(Stop::Skipped(reason)) => Outcome::Skipped { reason },
            Err(Stop::Failed { declared, observed, paste }) => Outcome::Failed { declared, observed, paste },
        }
    }
}

/// The case cannot tell.
pub(super) fn skip(reason: impl Into<String>) -> Stop {
    Stop::Skipped(reason.into())
}

/// The contract is broken; no declaration makes it right.
pub(super) fn broken(declared: impl Into<String>, observed: impl Into<String>) -> Stop {
    Stop::Failed { declared: declared.into(), observed: observed.into(), paste: None }
}

/// A promise of the contract.
pub(super) fn hold(ok: bool, declared: &str, observed: impl FnOnce() -> String) -> Held {
    if ok { Ok(()) } else { Err(broken(declared, observed())) }
}

/// A thing as a report shows it: large values are cut.
pub(super) fn brief(thing: &impl Debug) -> String {
    let mut text = format!("{thing:?}");
    if let Some((place, _)) = text.char_indices().nth(OBSERVED_CHARS_MAX) {
        let whole = text.len();
        text.truncate(place);
        text.push_str(&format!(".. ({whole} bytes)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::brief;

    #[test]
    fn large_things_are_cut_between_characters() {
        assert!(brief(&"ä".repeat(1000)).ends_with(".. (2002 bytes)"));
        assert_eq!(brief(&1), "1");
    }
}
