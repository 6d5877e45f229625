//! What a case comes to: it passed, it was skipped for a reason, or it failed. Cases stop early with a [`Stop`]; the
//! functions here make them. Knows no connector.

use std::fmt::Debug;

use crate::connector::Capabilities;
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
pub(in crate::testkit) enum Stop {
    Skipped(String),
    Failed { declared: String, observed: String, paste: Option<String> },
}

/// What the body of a case gives back.
pub(in crate::testkit) type Held = Result<(), Stop>;

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
pub(in crate::testkit) fn skip(reason: impl Into<String>) -> Stop {
    Stop::Skipped(reason.into())
}

/// The contract is broken; no declaration makes it right.
pub(in crate::testkit) fn broken(declared: impl Into<String>, observed: impl Into<String>) -> Stop {
    Stop::Failed { declared: declared.into(), observed: observed.into(), paste: None }
}

/// A promise of the contract.
pub(in crate::testkit) fn hold(ok: bool, declared: &str, observed: impl FnOnce() -> String) -> Held {
    if ok { Ok(()) } else { Err(broken(declared, observed())) }
}

/// A declared capability; `instead` makes of the declaration what it should be.
pub(super) fn claim(
    ok: bool,
    can: &Capabilities,
    instead: impl FnOnce(&mut Capabilities),
    observed: impl FnOnce() -> String,
) -> Held {
    if ok {
        return Ok(());
    }
    let mut right = can.clone();
    instead(&mut right);
    let (before, after) = (lines(can), lines(&right));
    let differing = |of: &[String], other: &[String]| -> String {
        let lines = of.iter().filter(|line| !other.contains(line)).map(String::as_str);
        lines.collect::<Vec<_>>().join(" ")
    };
    let declared = differing(&before, &after);
    let declared = declared.trim_end_matches(',').to_owned();
    let paste = differing(&after, &before);
    if paste.is_empty() {
        // It is declared as it is; what was seen breaks the contract all the same.
        return Err(broken("what the declaration says", observed()));
    }
    Err(Stop::Failed { declared, observed: observed(), paste: Some(paste) })
}

/// A declaration as the lines that an author writes.
fn lines(can: &Capabilities) -> Vec<String> {
    let Capabilities {
        conditional_update,
        write_returns,
        unique_key,
        consistent_read,
        tombstones,
        complete_enumeration,
        low_water,
        gone_not_hidden,
        changes,
        order,
        create,
        update,
        delete,
        idempotency_key,
        batch_max,
    } = can;
    vec![
        format!("conditional_update: {conditional_update},"),
        format!("write_returns: WriteReturns::{write_returns:?},"),
        format!("unique_key: UniqueKey::{unique_key:?},"),
        format!("consistent_read: {consistent_read},"),
        format!("tombstones: {tombstones},"),
        format!("complete_enumeration: {complete_enumeration},"),
        format!("low_water: {low_water},"),
        format!("gone_not_hidden: {gone_not_hidden},"),
        format!("changes: {changes},"),
        format!("order: Order::{order:?},"),
        format!("create: {create},"),
        format!("update: {update},"),
        format!("delete: {delete},"),
        format!("idempotency_key: {idempotency_key},"),
        format!("batch_max: NonZeroU32::new({batch_max}).unwrap_or(NonZeroU32::MIN),"),
    ]
}

/// A thing as a report shows it: large values are cut.
pub(in crate::testkit) fn brief(thing: &impl Debug) -> String {
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
    use super::{Outcome, brief, claim};
    use crate::connector::Capabilities;

    #[test]
    fn a_false_claim_says_what_to_paste_and_nothing_else() {
        let can = Capabilities { tombstones: true, changes: true, ..Capabilities::default() };
        let refuted = claim(false, &can, |can| can.tombstones = false, || "none came".to_owned());
        let expected = Outcome::Failed {
            declared: "tombstones: true".into(),
            observed: "none came".into(),
            paste: Some("tombstones: false,".into()),
        };
        assert_eq!(Outcome::from(refuted), expected);
        assert_eq!(Outcome::from(claim(true, &can, |_| (), String::new)), Outcome::Passed);
    }

    #[test]
    fn large_things_are_cut_between_characters() {
        assert!(brief(&"ä".repeat(1000)).ends_with(".. (2002 bytes)"));
        assert_eq!(brief(&1), "1");
    }
}
