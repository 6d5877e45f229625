//! The words of a rendering: nouns for reasons, provenance, parking and ranks, as a business user says them. Each
//! takes the names of the two sides, since nobody thinks in left and right.

use crate::mapper::MapProblem;
use crate::model::{Side, Sides};
use crate::plan::{ConflictWhy, Counts, ParkReason, PlannedExpects, PlannedGround, Provenance, Rank, Reason};

/// Names of both sides.
pub(super) type Names = Sides<String>;

pub(super) fn rank(rank: Rank, name: &str) -> String {
    match rank {
        Rank::State => format!("nothing is written, records of {name}"),
        Rank::Open(1) => format!("first in {name}: actions that open records, so that they can be written"),
        Rank::Open(step) => format!("first in {name}, step {step}: actions that open records"),
        Rank::ReleaseKeys => format!("first in {name}: unique values become free that other records take"),
        Rank::MoveKeys(step) => {
            format!(
                "then in {name}, step {step}: unique values are taken that became free, others become free"
            )
        }
        Rank::Create => format!("create in {name}"),
        Rank::Update => format!("update in {name}"),
        Rank::PatchReferences => format!("update in {name}, to set references that had to wait"),
        Rank::Delete => format!("delete in {name}"),
        Rank::Act(1) => format!("then in {name}: actions"),
        Rank::Act(step) => format!("then in {name}, step {step}: actions"),
        Rank::Cursor => format!("where reading of {name} goes on"),
    }
}

pub(super) fn reason(reason: &Reason, names: &Names, side: Side) -> String {
    let (here, there) = (names.of(side), names.of(side.other()));
    match reason {
        Reason::Changed => format!("changed in {there}"),
        Reason::NoPartner => format!("new in {there}"),
        Reason::FirstLink => "the two records were joined".to_owned(),
        Reason::LateReference => "a record that it refers to is there now".to_owned(),
        Reason::PartnerGone => format!("its partner in {there} is gone"),
        Reason::PartnerLeftScope => format!("its partner in {there} left the filter"),
        Reason::Restore => format!("it was deleted in {here}, and is restored"),
        Reason::Resolution => "a person decided".to_owned(),
        Reason::ReleaseKey => {
            "it gives up a unique value for a moment, because another record takes it".to_owned()
        }
        Reason::State => format!("a step to the state that it has in {there}"),
        Reason::Opened => "opened for a moment, because it is not written in its state".to_owned(),
        Reason::ClosedAgain => "brought back to the state that it had".to_owned(),
    }
}

pub(super) fn provenance(from: &Provenance, names: &Names, side: Side) -> String {
    let (here, there) = (names.of(side), names.of(side.other()));
    match from {
        Provenance::Changed => format!("changed in {there}"),
        Provenance::Created => format!("as in {there}"),
        Provenance::FilledBlank => format!("blank in {here}, filled from {there}"),
        Provenance::FirstLinkAuthority => format!("{there} decides when records are joined"),
        Provenance::PolicyOverwrote => {
            format!("changed in both, {there} wins; the edit in {here} is overwritten")
        }
        Provenance::Restored => format!("edited in {here}, restored from {there}"),
        Provenance::Resolved { by } => format!("decided by {by}"),
        Provenance::Merged => "merged from both".to_owned(),
        Provenance::Lifecycle => "set by the rule for what happens to the partner".to_owned(),
        Provenance::Released => "temporary, until a later step of this plan".to_owned(),
        Provenance::OnTheWay => "on the way, until the next step of this plan".to_owned(),
        Provenance::Opened => "open, until a later step of this plan".to_owned(),
        Provenance::AsBefore => "as it was before it was opened".to_owned(),
    }
}

/// Whether an edit of a person is overwritten, knowingly.
pub(super) fn overwrites(from: &Provenance) -> bool {
    matches!(from, Provenance::PolicyOverwrote | Provenance::Restored)
}

pub(super) fn ground(ground: &PlannedGround, there: &str) -> String {
    match ground {
        PlannedGround::Absent(_) => format!("{there} proves that it is gone"),
        PlannedGround::LeftScope => format!("in {there} it does not pass the filter any more"),
    }
}

/// `None` where there is nothing to say.
pub(super) fn expects(expects: &PlannedExpects) -> Option<&'static str> {
    match expects {
        PlannedExpects::Anything => None,
        PlannedExpects::Missing => Some("only if it is not there yet"),
        PlannedExpects::Version(_) | PlannedExpects::Before => Some("only if nobody changed it since"),
        PlannedExpects::Released { .. } | PlannedExpects::AsLeft => {
            Some("only if nobody changed it since this plan did")
        }
    }
}

pub(super) fn conflict(why: ConflictWhy) -> &'static str {
    match why {
        ConflictWhy::BothChanged => "changed in both",
        ConflictWhy::FirstLink => "two existing records were joined, and differ",
        ConflictWhy::Drift => "edited where it is only written to",
    }
}

/// Why something waits, and what a person can do, without a value.
pub(super) fn parked(why: &ParkReason) -> (&'static str, &'static str) {
    match why {
        ParkReason::Map(MapProblem::Unmappable) => {
            ("a value has no counterpart", "add the value to the mapping, or correct it in its system")
        }
        ParkReason::Map(MapProblem::DoesNotFit) => {
            ("a value does not fit", "shorten or correct it in its system")
        }
        ParkReason::Map(MapProblem::NotKnown) => {
            ("a value cannot be read", "give the account of the integration the right to read the field")
        }
        ParkReason::Map(MapProblem::Waiting(_)) => {
            ("it refers to a record that has no partner yet", "nothing, unless that record waits too")
        }
        ParkReason::Map(MapProblem::NotNow) => (
            "the record that it goes to is in a state in which it is not written",
            "nothing, if that record is opened again; else undo the edit, or decide it",
        ),
        ParkReason::Map(MapProblem::NoAction) => (
            "no action of its system leads to the state that is wanted",
            "nothing, if that record comes to another state; else undo the change of state, or add the action to the mapping",
        ),
        ParkReason::Map(MapProblem::NotFound) => (
            "a record that it names by a field is not there, or not alone",
            "make that record, or name another one",
        ),
        ParkReason::Ambiguous => (
            "it matches several records, or its match is taken",
            "join the right two records by hand, or correct the fields that they are matched by",
        ),
        ParkReason::Broken => ("it could not be read", "repair it in its system"),
        ParkReason::PartnerGone => {
            ("its partner was deleted", "decide whether it is deleted too, kept, or restored")
        }
        ParkReason::EditedAndDeleted => {
            ("it was edited while its partner was deleted", "decide which of the two is meant")
        }
        ParkReason::Hidden => (
            "its partner cannot be seen, and nothing proves that it is gone",
            "check the permissions of the integration's account",
        ),
        ParkReason::Lagging => (
            "it is still shown as it was before our last write",
            "nothing, if its system shows the write later; a hint takes what it shows for an edit",
        ),
        ParkReason::Refused => {
            ("the system refused it twice in the same way", "see what the system said, and correct it there")
        }
        ParkReason::AmbiguousCreate => (
            "nobody knows whether it was created",
            "look it up in the system, and join the two records or delete the copy",
        ),
        ParkReason::Merged { .. } => (
            "its partner was merged into another record",
            "merge the two records here as well, or delete the one that is too many",
        ),
        ParkReason::LeftScope => {
            ("its partner left the filter", "decide whether it is kept, changed or deleted")
        }
        ParkReason::Suspected(_) => (
            "it may be the system's own form of what was sent, so it is not carried back",
            "decide: the other side's value is meant (it is the system's form), or this one's (somebody edited it); \
             or declare the form",
        ),
        ParkReason::Returned => (
            "the same value was written again and again, and did not stay",
            "find out what changes it back there, or decide which side's value is meant",
        ),
        ParkReason::Circle => (
            "two moves, one on each side, would make a circle of records",
            "move one of the two records elsewhere, or decide for one side, for both records",
        ),
        ParkReason::FieldGone => (
            "the system does not have a field any more that the mapping speaks of",
            "give the system the field back, or change the mapping",
        ),
    }
}

pub(super) fn runs(runs_to_quiet: u32) -> String {
    match runs_to_quiet {
        0 => "Nothing is to be done.".to_owned(),
        1 => "After 1 run nothing remains to be done, if nobody edits.".to_owned(),
        runs => format!("After {runs} runs nothing remains to be done, if nobody edits."),
    }
}

/// What a link's counts say, in one line; `nothing to do` when all of them are zero.
pub(super) fn counts(counts: &Counts, names: &Names) -> String {
    let Counts {
        create,
        update,
        delete,
        act,
        link,
        agree,
        conflict,
        parked,
        diverged,
        ended,
        closed,
        scope,
        looked_at: _,
        pairs: _,
    } = counts;
    let mut parts = Vec::new();
    for (sides, what) in [(create, "create"), (update, "update"), (delete, "delete")] {
        for side in Side::BOTH {
            let count = *sides.of(side);
            if count > 0 {
                parts.push(format!("{what} {count} in {}", names.of(side)));
            }
        }
    }
    for side in Side::BOTH {
        match *act.of(side) {
            0 => {}
            1 => parts.push(format!("1 action in {}", names.of(side))),
            count => parts.push(format!("{count} actions in {}", names.of(side))),
        }
    }
    for (count, one, many) in [
        (*link, "new pair", "new pairs"),
        (*agree, "agreement", "agreements"),
        (*conflict, "conflict", "conflicts"),
        (*parked, "item waits", "items wait"),
        (*diverged, "unexplained difference", "unexplained differences"),
        (*ended, "pair ends", "pairs end"),
        (*closed, "waiting item is over", "waiting items are over"),
        (*scope, "pair leaves or enters the scope", "pairs leave or enter the scope"),
    ] {
        match count {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            count => parts.push(format!("{count} {many}")),
        }
    }
    if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
}
