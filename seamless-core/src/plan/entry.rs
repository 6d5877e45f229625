//! Entries of a plan: actions at a system, and effects on our own state. A run does nothing else.
//!
//! The order of a plan *is* the order of its [`EntryKey`]s, so that entries may be decided in any order, spilled, and
//! read back sorted. Everything here is data; deciding is [`super::decide`]'s, doing is the sync floor's.

use std::fmt;

use serde::{Serialize, Serializer};

use super::changes::Changes;
use super::known::Suspicion;
use crate::connector::AbsenceProof;
use crate::mapper::{Ask, MapProblem};
use crate::model::{
    ActionId, ActionName, Bits, FieldName, LinkId, Planned, Record, RecordId, RuleId, Side, Sides, Slot,
    Timestamp, Value, Version,
};

/// The static order of what a plan does; see [`EntryKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Effects that only change our state: pairs, agreements, conflicts, parked items.
    State,
    /// Actions that make records writable, step by step, before anything is written to them: from 1 to
    /// [`Rank::ACTION_STEPS`].
    Open(u8),
    /// Writes that free a unique value which another action of the plan takes, and take none themselves.
    ReleaseKeys,
    /// Updates that take a unique value which an earlier rank freed, and free one for a later: step by step, from 1 to
    /// [`Rank::MOVE_KEYS_STEPS`].
    MoveKeys(u8),
    /// Creates, in the order of links.
    Create,
    /// Updates.
    Update,
    /// Updates that set references which could not be set before.
    PatchReferences,
    /// Deletes, in the reverse order of links.
    Delete,
    /// Actions that bring records to the state that is wanted, step by step, when everything is written: from 1 to
    /// [`Rank::ACTION_STEPS`].
    Act(u8),
    /// Cursors, last.
    Cursor,
}

impl Rank {
    /// Steps of [`Rank::MoveKeys`]: that many records can hand their unique values on, one to the next, without a
    /// temporary value. Each step is a batch of its own, so more would make long chains slow.
    pub const MOVE_KEYS_STEPS: u8 = 9;

    /// Actions that can follow one another on a record: before it is written, and after. Each step is a batch of its own.
    pub const ACTION_STEPS: u8 = 9;

    /// All ranks, in order.
    pub const ALL: [Rank; 34] = [
        Rank::State,
        Rank::Open(1),
        Rank::Open(2),
        Rank::Open(3),
        Rank::Open(4),
        Rank::Open(5),
        Rank::Open(6),
        Rank::Open(7),
        Rank::Open(8),
        Rank::Open(9),
        Rank::ReleaseKeys,
        Rank::MoveKeys(1),
        Rank::MoveKeys(2),
        Rank::MoveKeys(3),
        Rank::MoveKeys(4),
        Rank::MoveKeys(5),
        Rank::MoveKeys(6),
        Rank::MoveKeys(7),
        Rank::MoveKeys(8),
        Rank::MoveKeys(9),
        Rank::Create,
        Rank::Update,
        Rank::PatchReferences,
        Rank::Delete,
        Rank::Act(1),
        Rank::Act(2),
        Rank::Act(3),
        Rank::Act(4),
        Rank::Act(5),
        Rank::Act(6),
        Rank::Act(7),
        Rank::Act(8),
        Rank::Act(9),
        Rank::Cursor,
    ];

    /// The number that stands for it in the bytes of a key; grows with the order.
    pub const fn number(self) -> u8 {
        match self {
            Rank::State => 10,
            Rank::Open(step) => 10 + step,
            Rank::ReleaseKeys => 20,
            Rank::MoveKeys(step) => 20 + step,
            Rank::Create => 30,
            Rank::Update => 40,
            Rank::PatchReferences => 50,
            Rank::Delete => 60,
            Rank::Act(step) => 70 + step,
            Rank::Cursor => 90,
        }
    }

    /// The rank of a number.
    pub const fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            10 => Rank::State,
            11..=19 => Rank::Open(number - 10),
            20 => Rank::ReleaseKeys,
            21..=29 => Rank::MoveKeys(number - 20),
            30 => Rank::Create,
            40 => Rank::Update,
            50 => Rank::PatchReferences,
            60 => Rank::Delete,
            71..=79 => Rank::Act(number - 70),
            90 => Rank::Cursor,
            _ => return None,
        })
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rank::State => f.write_str("state"),
            Rank::Open(step) => write!(f, "open_{step}"),
            Rank::ReleaseKeys => f.write_str("release_keys"),
            Rank::MoveKeys(step) => write!(f, "move_keys_{step}"),
            Rank::Create => f.write_str("create"),
            Rank::Update => f.write_str("update"),
            Rank::PatchReferences => f.write_str("patch_references"),
            Rank::Delete => f.write_str("delete"),
            Rank::Act(step) => write!(f, "act_{step}"),
            Rank::Cursor => f.write_str("cursor"),
        }
    }
}

impl Serialize for Rank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The place of an entry in its plan: rank, link, side, record, part, in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// What kind of step it is.
    pub rank: Rank,
    /// The place of the link in dependency order; counted backwards for deletes.
    pub link: u16,
    /// The side that is written; for effects, the side that the id is of.
    pub side: Side,
    /// The record: of a create, the one that it is created from.
    pub id: RecordId,
    /// Tells several entries about one record apart.
    pub part: u16,
}

impl EntryKey {
    /// The key as bytes whose order is the key's order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.id.as_bytes().len() + 6);
        bytes.push(self.rank.number());
        bytes.extend_from_slice(&self.link.to_be_bytes());
        bytes.push(match self.side {
            Side::Left => 0,
            Side::Right => 1,
        });
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.part.to_be_bytes());
        bytes
    }

    /// Reads a key back; `None` when the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[rank, link_high, link_low, side], rest) = bytes.split_first_chunk::<4>()?;
        let (id, part) = rest.split_last_chunk::<2>()?;
        Some(Self {
            rank: Rank::of_number(rank)?,
            link: u16::from_be_bytes([link_high, link_low]),
            side: match side {
                0 => Side::Left,
                1 => Side::Right,
                _ => return None,
            },
            id: RecordId::from_bytes(id)?,
            part: u16::from_be_bytes(*part),
        })
    }
}

/// One entry of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place.
    pub key: EntryKey,
    /// The link.
    pub link: LinkId,
    /// The records of the pair, as far as they are there when the plan is made.
    pub ids: Sides<Option<RecordId>>,
    /// What the entry relies on; when it does not hold any more, the entry is dropped and reported.
    pub basis: Basis,
    /// What each side held when the plan was made; `None` where nothing was there or it does not matter. Commits take
    /// the bases of settled groups from here and from the outcome of the write.
    pub observed: Sides<Option<Record>>,
    /// The groups of rules whose bases move when the entry ends well.
    pub settles: Bits,
    /// What it does.
    pub body: Body,
}

/// What an entry relies on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Basis {
    /// The revision of the pair in our state; `None`: there is no such pair.
    pub pair_revision: Option<u64>,
    /// The version of each side's record.
    pub versions: Sides<Option<Version>>,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Writes to a system.
    Act(Action),
    /// Changes only our state.
    Effect(Effect),
}

/// A write to one side.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The id: derived, so that the same observations give the same one. Also the idempotency key.
    pub id: ActionId,
    /// The side that is written.
    pub side: Side,
    /// The record that is written.
    pub target: PlannedTarget,
    /// What is done.
    pub verb: PlannedVerb,
    /// Field by field, in the order of the target's shape.
    pub changes: Changes,
    /// The precondition that the write carries, where the target takes one.
    pub expects: PlannedExpects,
    /// Why.
    pub reason: Reason,
    /// Actions whose results this one uses.
    pub waits_for: Vec<Wait>,
}

/// The record that an action concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedTarget {
    /// A record that is there.
    Existing(RecordId),
    /// A record that the action makes.
    New,
    /// The record that an earlier action of this plan makes.
    CreatedBy(Wait),
}

/// What an action does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedVerb {
    /// Make the record.
    Create,
    /// Change fields.
    Update,
    /// Delete the record, on this ground.
    Delete(PlannedGround),
    /// Do a verb of the system, which moves the one field that the changes name.
    Action {
        /// What the system calls it.
        name: ActionName,
        /// Of a record that is open for a moment only: the state that it is to be brought back to. It is kept with the record
        /// until it is.
        back: Option<Value>,
    },
}

/// Why a record may be deleted; a delete cannot be written down without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedGround {
    /// Its partner is proven absent.
    Absent(AbsenceProof),
    /// Its partner left the scope.
    LeftScope,
}

/// The precondition of a planned write.
#[derive(Clone, Debug, PartialEq)]
pub enum PlannedExpects {
    /// None: the target has no conditional writes, or there is nothing yet.
    Anything,
    /// No such record is there.
    Missing,
    /// The record has this version.
    Version(Version),
    /// The changed fields hold what the plan saw (`before` of each change).
    Before,
    /// The record is as an earlier action of this plan left it, which wrote temporary values to these fields: it has
    /// the version that this write made or, where none is known, the changed fields hold their `before`.
    Released {
        /// The fields that hold a temporary value.
        fields: Vec<FieldName>,
    },
    /// The record is as the earlier actions of this plan on it left it: it has the version that the last of them made or, where
    /// none is known, the changed fields hold their `before`.
    AsLeft,
}

/// A wait for an action of the same plan that creates the partner of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// The creating action.
    pub action: ActionId,
    /// What it answers: the partner of this record.
    pub ask: Ask,
}

/// One field of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// The rule that asks for it; `None` for a value that a lifecycle policy sets.
    pub rule: Option<RuleId>,
    /// The field of the side that is written.
    pub field: FieldName,
    /// What it holds before.
    pub before: Slot,
    /// What is sent.
    pub after: Planned,
    /// Where the value comes from.
    pub from: Provenance,
}

/// Where a planned value comes from: a rule applied to values that were read, or a named constant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The other side moved since the last agreed sync.
    Changed,
    /// The partner is new: every mapped field is carried.
    Created,
    /// Two existing records were joined and this field was blank.
    FilledBlank,
    /// Two existing records were joined and the mapping names the authority.
    FirstLinkAuthority,
    /// Both sides moved and the rule's policy took the other side; this side's edit is overwritten.
    PolicyOverwrote,
    /// The target of a one-way rule had been edited and the rule restores it; that edit is overwritten.
    Restored,
    /// A person resolved a conflict.
    Resolved {
        /// Who.
        by: String,
    },
    /// Sets or lists of both sides were merged.
    Merged,
    /// A lifecycle policy sets it.
    Lifecycle,
    /// A temporary value, so that another record can take the unique one: null where the field may be empty, else a
    /// constant derived from the action. The final value follows in the same plan.
    Released,
    /// A state on the way to the one that is wanted. A later step of the same plan leads on.
    OnTheWay,
    /// A state in which the record can be written. A later step of the same plan brings it to the one that it is to have.
    Opened,
    /// The state that the record had before it was opened.
    AsBefore,
}

/// Why an action is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Fields of the other side changed.
    Changed,
    /// The record has no partner yet.
    NoPartner,
    /// Two existing records were joined.
    FirstLink,
    /// References that could not be set before.
    LateReference,
    /// The partner is gone.
    PartnerGone,
    /// The partner left the scope.
    PartnerLeftScope,
    /// The record was deleted and policy restores it.
    Restore,
    /// A person resolved a conflict.
    Resolution,
    /// Another action of the plan takes a unique value that the record still has.
    ReleaseKey,
    /// A step to the state that the other side says.
    State,
    /// The record is not written in the state that it is in.
    Opened,
    /// The record was opened to be written, and is brought back.
    ClosedAgain,
}

/// A change of our state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Two existing records are one pair from now on.
    Link {
        /// The match line, counted from 0.
        line: u16,
    },
    /// Groups agree although nobody wrote: their bases become what both sides hold.
    Agree,
    /// Groups are in conflict. The bases stay.
    OpenConflict(ConflictView),
    /// Groups are no longer in conflict without anybody writing: a side reverted, or both agree.
    CloseConflict {
        /// The rules of the groups; none: the record is gone and never had a partner, everything about it ends.
        rules: Vec<RuleId>,
    },
    /// Something waits for a person, for another record, or for a change of its own record. It is looked at again
    /// when one of the pair's records is read; what can end by itself is looked at by every plan.
    Park(Parked),
    /// The pair ends: both records are gone, or one is and the policy leaves nothing to write.
    EndPair {
        /// Which sides' records are gone.
        gone: Sides<bool>,
    },
    /// A record left the scope: the pair freezes with its bases.
    Freeze {
        /// The side whose record left.
        side: Side,
    },
    /// A frozen pair's record came back.
    Thaw,
    /// A record of a known pair was merged into another one that had no partner: the pair goes on with that one. The
    /// entry names the records as they were.
    Relink {
        /// Per side, the record that the former one was merged into.
        into: Sides<Option<RecordId>>,
    },
    /// Neither side moved and yet they differ; reported, not repaired.
    Diverged {
        /// The rules of the groups.
        rules: Vec<RuleId>,
    },
    /// Reading of a side goes on from here.
    Cursor {
        /// The side.
        side: Side,
        /// What the next run knows of the feed.
        feed: Feed,
    },
}

/// Where reading of a side stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Where reading of changes goes on; `None`: everything is enumerated.
    pub cursor: Option<crate::connector::Cursor>,
    /// When everything was last enumerated.
    pub enumerated_at: Option<Timestamp>,
    /// How many records the last enumeration saw.
    pub enumerated: u64,
}

/// A conflict as people see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictView {
    /// The rules of the group.
    pub rules: Vec<RuleId>,
    /// Why it is one.
    pub why: ConflictWhy,
    /// Per side: each field with its base (absent: none) and its current value.
    pub fields: Sides<Vec<(FieldName, Slot, Slot)>>,
}

/// Why a group is in conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictWhy {
    /// Both sides moved since the last agreed sync.
    BothChanged,
    /// Two existing records were joined, and the values differ.
    FirstLink,
    /// The target of a one-way rule was edited.
    Drift,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// The side of the record that waits.
    pub side: Side,
    /// The record; `None` when not even that is known.
    pub id: Option<RecordId>,
    /// The rules that are concerned; empty: the whole record.
    pub rules: Vec<RuleId>,
    /// Why.
    pub why: ParkReason,
    /// In words.
    pub message: String,
    /// What a person can do.
    pub remedy: String,
}

/// Why something waits.
#[derive(Clone, Debug, PartialEq)]
pub enum ParkReason {
    /// A value cannot be carried.
    Map(MapProblem),
    /// The record matches several, or its match is taken.
    Ambiguous,
    /// A record could not be read.
    Broken,
    /// The partner is gone and the policy asks.
    PartnerGone,
    /// One side was deleted while the other was edited.
    EditedAndDeleted,
    /// The partner cannot be seen and nothing proves that it is gone.
    Hidden,
    /// A side whose reading lags shows what it held before our last write.
    Lagging,
    /// The target refused the write in the same way as often as the options allow (`failures_max`, usually twice).
    Refused,
    /// Nobody knows whether a create happened, and the target does not tell.
    AmbiguousCreate,
    /// The partner left the scope and the policy asks.
    LeftScope,
    /// The partner was merged into a record that has a partner of its own, or that cannot take its place. A person
    /// decides whether the two records here are one as well.
    Merged {
        /// The record that the partner was merged into.
        into: RecordId,
    },
    /// A side holds another value than it was sent, which may be its own form of it.
    Suspected(Suspicion),
    /// The same value was written several times and changed back each time; see [`super::returns`].
    Returned,
    /// Not a record: a side does not have a field any more that the mapping speaks of.
    FieldGone,
    /// The record was moved in a tree, and another one on the other side so that the two moves make a circle together.
    Circle,
}

impl Entry {
    /// The action, where the entry is one.
    pub fn action(&self) -> Option<&Action> {
        match &self.body {
            Body::Act(action) => Some(action),
            Body::Effect(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

    use super::{EntryKey, Rank};
    use crate::model::{RecordId, Side};

    fn key() -> impl Strategy<Value = EntryKey> {
        (0..Rank::ALL.len(), 0u16..3, any::<bool>(), "[a-b]{0,2}", 0u16..3).prop_map(
            |(rank, link, left, id, part)| EntryKey {
                rank: Rank::ALL[rank],
                link,
                side: if left { Side::Left } else { Side::Right },
                id: RecordId::text(&id),
                part,
            },
        )
    }

    proptest! {
        // Catches: an id whose bytes are a prefix of another's sorting by the part that follows.
        #[test]
        fn the_order_of_keys_is_the_order_of_their_bytes(a in key(), b in key()) {
            prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), a.cmp(&b));
            prop_assert_eq!(EntryKey::from_bytes(&a.to_bytes()), Some(a));
        }
    }
}
