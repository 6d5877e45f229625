//! What can be promised, given what the two systems can do: one table, read by the engine, plan heads, documentation
//! and test oracles alike. The doors are [`PROMISES`], [`guarantees`] and [`markdown`].
//!
//! Only invariants whose promise depends on a capability have rows; every other one always holds. Nothing here knows
//! a connector's name: words are about "the side", and the name of the side is put in.

use serde::{Deserialize, Serialize};

use crate::connector::{Capabilities, Capability};
use crate::mapper::LinkMode;
use crate::model::{LinkId, Side, Sides};

/// What holds of an invariant at a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// It always holds.
    Holds,
    /// It can be broken, and when it is, a report says so.
    Reported,
    /// It can be broken without anybody noticing.
    NotPromised,
}

impl Holding {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Holding::Holds => "holds",
            Holding::Reported => "reported",
            Holding::NotPromised => "not promised",
        }
    }
}

/// What a side's capabilities mean for one invariant of one link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantee {
    /// The link.
    pub link: LinkId,
    /// The side that is written or read.
    pub side: Side,
    /// The invariant: `I10`.
    pub invariant: String,
    /// What holds.
    pub holding: Holding,
    /// The capability whose absence lowers it.
    pub lacks: Option<Capability>,
    /// The consequence, in words, for a business user.
    pub words: String,
}

/// When a row of the table concerns a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Records of the side are updated.
    Updated,
    /// Records are created on the side.
    Created,
    /// Records of the side are deleted.
    Deleted,
    /// Records of the side are created, updated or deleted.
    Written,
    /// The side's changes matter: they are carried over, or observed.
    Carried,
    /// The side's changes matter, and they are read from a feed of changes.
    Feed,
    /// Deletions on the side can mean something for records of the other side.
    Followed,
    /// The side is read at all.
    Read,
}

impl Concerns {
    /// Whether a row concerns this side of a link.
    pub fn applies(self, mode: LinkMode, side: Side, capabilities: &Capabilities) -> bool {
        let written = mode.writes(side);
        let carried = match mode {
            LinkMode::Off => false,
            LinkMode::Observe | LinkMode::CoupleOnly => true,
            LinkMode::To(_) | LinkMode::TwoWay => mode.writes(side.other()),
        };
        match self {
            Concerns::Updated => written && capabilities.update,
            Concerns::Created => written && capabilities.create,
            Concerns::Deleted => written && capabilities.delete,
            Concerns::Written => written && capabilities.is_writable(),
            Concerns::Carried => carried,
            Concerns::Feed => carried && capabilities.changes,
            Concerns::Followed => mode.writes(side.other()),
            Concerns::Read => mode != LinkMode::Off,
        }
    }

    /// In words, for the table.
    fn words(self) -> &'static str {
        match self {
            Concerns::Updated => "is updated",
            Concerns::Created => "is created in",
            Concerns::Deleted => "is deleted from",
            Concerns::Written => "is written",
            Concerns::Carried => "has changes that are carried over",
            Concerns::Feed => "has a feed of changes",
            Concerns::Followed => "has deletions that the other side can follow",
            Concerns::Read => "is read",
        }
    }
}

/// One row: what an invariant needs of a side, and what is left of it without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The invariant: `I10`.
    pub invariant: &'static str,
    /// The sides that the row is about.
    pub concerns: Concerns,
    /// What is needed: *any one* of these suffices. A promise that needs two has two rows.
    pub needs: &'static [Capability],
    /// What holds with it.
    pub with: Holding,
    /// What holds without.
    pub without: Holding,
    /// The consequence with it, for a business user; `{side}` stands for the side's name, `{other}` for the other's.
    pub words_with: &'static str,
    /// The consequence without, in the same way.
    pub words_without: &'static str,
}

impl Promise {
    /// Whether a side has what the row needs.
    pub fn is_met(&self, capabilities: &Capabilities) -> bool {
        self.needs.iter().any(|need| capabilities.has(*need))
    }
}

/// The table of promises: invariant x capability.
pub const PROMISES: &[Promise] = &[
    Promise {
        invariant: "I7",
        concerns: Concerns::Updated,
        needs: &[Capability::WriteReturns],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "a value that {side} stores in another form than it was sent is not sent again",
        words_without: "a value that {side} stores in another form than it was sent shows up in the next plan: \
                        its writes do not return what was stored",
    },
    Promise {
        invariant: "I9",
        concerns: Concerns::Carried,
        needs: &[Capability::LowWater, Capability::CompleteEnumeration],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "every change in {side} is noticed, at the latest by a full reading",
        words_without: "a change in {side} can stay unnoticed: neither its feed of changes nor a full reading is \
                        sure to show everything",
    },
    Promise {
        invariant: "I9",
        concerns: Concerns::Read,
        needs: &[Capability::Tombstones, Capability::CompleteEnumeration],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "a record that is deleted in {side} is noticed",
        words_without: "a record that is deleted in {side} is not noticed until its partner in {other} changes: \
                        deletions are not shown, and a full reading is not sure to be complete",
    },
    Promise {
        invariant: "I10",
        concerns: Concerns::Updated,
        needs: &[Capability::ConditionalUpdate],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "no edit made in {side} is overwritten unseen",
        words_without: "edits made in {side} within the write window can be overwritten, and an update that arrives \
                        late in that window is sent twice: it has no conditional update",
    },
    Promise {
        invariant: "I11",
        concerns: Concerns::Deleted,
        needs: &[Capability::ConditionalUpdate],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "a record of {side} that was just edited is not deleted",
        words_without: "an edit made in {side} right before the record is deleted there is lost with it: it has no \
                        conditional delete",
    },
    Promise {
        invariant: "I18",
        concerns: Concerns::Read,
        needs: &[Capability::CompleteEnumeration],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "a difference to {side} that no change announced is found by the next full reading",
        words_without: "a difference to {side} that no change announced can stay unnoticed: a full reading is not \
                        sure to be complete",
    },
    Promise {
        invariant: "I19",
        concerns: Concerns::Updated,
        needs: &[Capability::WriteReturns],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "what {side} stored of a write is known",
        words_without: "what {side} stored of a write is assumed to be what was sent, and marked so, until the \
                        record is read again: its writes return nothing",
    },
    Promise {
        invariant: "I20",
        concerns: Concerns::Updated,
        needs: &[Capability::WriteReturns],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "what {side} makes of a written value is told apart from an edit",
        words_without: "what {side} makes of a written value (cut, rounded) cannot be told from an edit: it is \
                        shown as one, or as a suspected change of form",
    },
    Promise {
        invariant: "I21",
        concerns: Concerns::Updated,
        needs: &[Capability::ConsistentRead],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "our own write to {side} is never taken for an edit",
        words_without: "right after a write {side} can still show the old value, which then looks like an edit and \
                        is planned back: its reading lags. Where the other side's does as well, an edit can be undone \
                        by it",
    },
    Promise {
        invariant: "I23",
        concerns: Concerns::Followed,
        needs: &[Capability::Tombstones, Capability::GoneNotHidden],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "a record of {other} is only deleted when its partner in {side} is proven gone",
        words_without: "no record of {other} is deleted because its partner in {side} is missing, a person is \
                        asked: {side} does not tell gone from hidden",
    },
    Promise {
        invariant: "I25",
        concerns: Concerns::Created,
        needs: &[Capability::UniqueKey],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "no record is created twice in {side}",
        words_without: "a create in {side} whose answer is lost waits for a person, lest it is done twice: it has \
                        no unique external key",
    },
    Promise {
        invariant: "I27",
        concerns: Concerns::Created,
        needs: &[Capability::UniqueKey],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "after an interruption, creates in {side} go on where they were",
        words_without: "after an interruption, a create in {side} that was under way may wait for a person: it has \
                        no unique external key to find it by",
    },
    Promise {
        invariant: "I27",
        concerns: Concerns::Written,
        needs: &[Capability::ConsistentRead],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "after an interruption, what became of a write to {side} is found out",
        words_without: "after an interruption, what became of a write to {side} may not be found out, and the \
                        record waits for a person: its reading lags",
    },
    Promise {
        invariant: "I28",
        concerns: Concerns::Feed,
        needs: &[Capability::LowWater],
        with: Holding::Holds,
        without: Holding::Reported,
        words_with: "no change in {side} is passed over, however late it is stored",
        words_without: "a change in {side} that is stored later than the safety window is only carried over after \
                        the next full reading: its feed does not prove up to where it is complete",
    },
    Promise {
        invariant: "I29",
        concerns: Concerns::Carried,
        needs: &[Capability::LowWater, Capability::CompleteEnumeration],
        with: Holding::Holds,
        without: Holding::NotPromised,
        words_with: "a lost notification from {side} only costs time",
        words_without: "a change in {side} whose notification is lost can stay unnoticed: nothing else is sure to \
                        show it",
    },
];

/// What holds for a link, row by row in the table's order, left before right. Rows that do not concern a side of the
/// link are left out.
pub fn guarantees(
    link: &LinkId,
    mode: LinkMode,
    names: Sides<&str>,
    capabilities: &Sides<Capabilities>,
) -> Vec<Guarantee> {
    let mut found = Vec::new();
    for side in Side::BOTH {
        let has = capabilities.of(side);
        for promise in PROMISES.iter().filter(|promise| promise.concerns.applies(mode, side, has)) {
            let met = promise.is_met(has);
            let words = if met { promise.words_with } else { promise.words_without };
            found.push(Guarantee {
                link: link.clone(),
                side,
                invariant: promise.invariant.to_owned(),
                holding: if met { promise.with } else { promise.without },
                lacks: if met { None } else { promise.needs.first().copied() },
                words: named(words, names.of(side), names.of(side.other())),
            });
        }
    }
    found
}

/// A sentence of the table with the names of the sides in it: every plan says them all.
fn named(words: &str, side: &str, other: &str) -> String {
    let mut text = String::with_capacity(words.len() + side.len() + other.len());
    let mut parts = words.split('{');
    text.extend(parts.next());
    for part in parts {
        match (part.strip_prefix("side}"), part.strip_prefix("other}")) {
            (Some(rest), _) => text.extend([side, rest]),
            (_, Some(rest)) => text.extend([other, rest]),
            (None, None) => text.extend(["{", part]),
        }
    }
    text
}

/// The table as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from(
        "| invariant | where a side | needs | with it | without it | what that means |\n\
         |---|---|---|---|---|---|\n",
    );
    for promise in PROMISES {
        let needs: Vec<String> =
            promise.needs.iter().map(|need| format!("{} ({})", need.code(), need.words())).collect();
        let words = named(promise.words_without, "this side", "the other side");
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {words} |\n",
            promise.invariant,
            promise.concerns.words(),
            needs.join(" or "),
            promise.with.words(),
            promise.without.words(),
        ));
    }
    text
}

#[cfg(test)]
#[path = "guarantee_tests.rs"]
mod tests;
