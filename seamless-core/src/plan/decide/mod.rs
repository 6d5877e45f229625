//! Deciding: one situation of one link in, the entries that follow from it out.
//!
//! A [`Situation`] is everything that was observed of one pair or of one record without a pair. The door is
//! [`decide`]. It knows no I/O, clock or order of arrival: the same situation gives the same entries, and entries of
//! different situations never depend on each other except by [`Wait`].
//!
//! Where it is decided: two records that are there (`pair.rs`); a record that has no partner, or whose partner is gone,
//! hidden or merged (`partner.rs`); states that actions move (`steps.rs`); values that may be the system's own doing, which are parked (`suspect.rs`). How a
//! decision is written down: `entries.rs`.

mod entries;
mod pair;
mod partner;
mod rebase;
mod steps;
mod suspect;

use crate::connector::{AbsenceProof, Capabilities, Versioned};
use crate::mapper::Resolved;
use crate::merge::{CompiledLink, Reconciler};
use crate::model::{ActionId, Bits, LinkId, RecordId, RuleId, Side, Sides};

use crate::plan::entry::{Entry, FieldChange, Wait};
use crate::plan::known::{Attention, Pair, Resolution};
pub use entries::attempt_name;
pub use pair::conflict_message;
use steps::{Move, Shut};
pub use suspect::with_proven;

/// What is the same for every situation of a link.
#[derive(Clone, Copy, Debug)]
pub struct DecideContext<'a> {
    /// The link.
    pub link: &'a CompiledLink,
    /// Its place in dependency order.
    pub place: u16,
    /// How many links there are.
    pub links: u16,
    /// Who merges.
    pub reconciler: &'a dyn Reconciler,
    /// What each side can do.
    pub capabilities: &'a Sides<Capabilities>,
    /// The digest of the configuration; part of every action's id.
    pub configuration: &'a str,
    /// Whether anything may be deleted: not in a run with a changed configuration.
    pub deletes: bool,
    /// Groups that rest, because a side does not have a field of theirs any more: nothing is carried, agreed or opened,
    /// what is open about them stays open, and a record that is created goes without them.
    pub rests: &'a Bits,
    /// Per side, the slots of fields that it did not have and that are there again. One that was made anew is empty, and
    /// nobody cleared it.
    pub back: &'a Sides<Bits>,
    /// Links that have been decided before this one in the same plan; a partner in another link may still appear.
    pub decided: &'a [LinkId],
}

/// What was observed of one pair or one record.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The pair, where there is one.
    pub pair: Option<&'a Pair>,
    /// The match line by which two records without a pair were matched.
    pub line: Option<u16>,
    /// What each side says of its record.
    pub half: Sides<Half<'a>>,
    /// What was looked up for carrying *to* a side.
    pub resolved: Sides<&'a Resolved>,
    /// Groups whose bases are not to be used, because a rule of theirs changed.
    pub rebased: &'a Bits,
    /// Decisions of people about this pair's conflicts.
    pub resolutions: &'a [Resolution],
    /// What is open about this pair's records.
    pub open: &'a [Attention],
    /// Whether each side was read by a completed plan since the pair was last committed. It then showed its base: any
    /// other value would have led to a newer commit or to an open item.
    pub read_since: Sides<bool>,
    /// Whether consistency is checked where nothing changed.
    pub check_all: bool,
}

/// What one side says of its record.
#[derive(Clone, Copy, Debug)]
pub enum Half<'a> {
    /// It is there.
    There(&'a Versioned),
    /// The pair's record was merged into this one, which has no partner: it stands for the former from now on.
    Survivor(&'a Versioned),
    /// It was merged into another record that has a partner of its own, or cannot be had.
    Merged {
        /// That record.
        into: &'a RecordId,
        /// Its partner, where one is known.
        partner: Option<&'a RecordId>,
    },
    /// It is gone, and this proves it.
    Gone(&'a AbsenceProof),
    /// It was asked for and neither shown nor proven to be gone.
    Hidden,
    /// There is none: the other side's record has no partner.
    None,
}

impl<'a> Half<'a> {
    fn there(self) -> Option<&'a Versioned> {
        match self {
            Half::There(versioned) | Half::Survivor(versioned) => Some(versioned),
            Half::Merged { .. } | Half::Gone(_) | Half::Hidden | Half::None => None,
        }
    }
}

/// What was decided about a situation.
#[derive(Debug, Default)]
pub struct Decision {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Groups that wait for a partner which a later link of the same plan may provide: to be carried when all links
    /// have been decided.
    pub deferred: Vec<Deferred>,
    /// Whether a write was left out because this very attempt was refused before.
    pub refused: bool,
}

/// A group that could not be carried yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Deferred {
    /// The group.
    pub group: usize,
    /// The side that would be written.
    pub to: Side,
    /// The action that creates the target, where it is new.
    pub creates: Option<ActionId>,
    /// Whether both sides hold a value. Only when the partner is known can it be told whether they mean the same, so
    /// this plan sends nothing and the next one decides; where there is no partner still, it waits by name.
    pub contested: bool,
}

/// Decides a situation. Pure and total.
pub fn decide(cx: &DecideContext<'_>, situation: &Situation<'_>) -> Decision {
    let mut deciding = Deciding {
        cx,
        situation,
        decision: Decision::default(),
        parts: 0,
        parked: Vec::new(),
        shut: Sides::default(),
    };
    if let (Some(left), Some(right)) = (situation.half.left.there(), situation.half.right.there()) {
        match deciding.lagging() {
            Some(side) => deciding.wait_to_see(side),
            None => deciding.both(left, right),
        }
        return deciding.decision;
    }
    match (situation.half.left, situation.half.right) {
        (Half::There(left), Half::None) => deciding.alone(Side::Left, left),
        (Half::None, Half::There(right)) => deciding.alone(Side::Right, right),
        (Half::There(left), Half::Gone(proof)) => deciding.gone(Side::Right, proof, left),
        (Half::Gone(proof), Half::There(right)) => deciding.gone(Side::Left, proof, right),
        // Whether its partner can be seen or not: systems say of a merge once, and later only that a record is gone.
        (Half::Merged { into, partner }, Half::There(_) | Half::Hidden) => {
            deciding.merged(Side::Left, into, partner)
        }
        (Half::There(_) | Half::Hidden, Half::Merged { into, partner }) => {
            deciding.merged(Side::Right, into, partner)
        }
        (Half::Survivor(survivor), Half::Hidden) => deciding.merged(Side::Left, &survivor.id, None),
        (Half::Hidden, Half::Survivor(survivor)) => deciding.merged(Side::Right, &survivor.id, None),
        (Half::Hidden, _) => deciding.hidden(Side::Left),
        (_, Half::Hidden) => deciding.hidden(Side::Right),
        (Half::None, _) | (_, Half::None) => {}
        // Neither of the two that the pair joined is there any more, whatever became of them.
        (
            Half::Gone(_) | Half::Merged { .. } | Half::Survivor(_) | Half::There(_),
            Half::Gone(_) | Half::Merged { .. } | Half::Survivor(_) | Half::There(_),
        ) => deciding.end_pair(Sides::new(true, true)),
    }
    deciding.decision
}

/// Carries a group that had to wait until every link was decided. `None` when there is nothing to send, or when what
/// it waits for is among what is `open` about the pair already.
pub fn decide_deferred(
    cx: &DecideContext<'_>,
    deferred: &Deferred,
    source: &Versioned,
    target: Option<&Versioned>,
    pair: Option<&Pair>,
    resolved: &Resolved,
    open: &[Attention],
) -> Option<Entry> {
    let (to, from) = (deferred.to, deferred.to.other());
    let half = |side: Side| match (side == from, target) {
        (true, _) => Half::There(source),
        (false, Some(target)) => Half::There(target),
        (false, None) => Half::None,
    };
    let rebased = Bits::new();
    let situation = Situation {
        pair,
        line: None,
        half: Sides::new(half(Side::Left), half(Side::Right)),
        resolved: Sides::new(resolved, resolved),
        rebased: &rebased,
        resolutions: &[],
        open,
        read_since: Sides::new(false, false),
        check_all: false,
    };
    // Parts beyond those of the first decision about the record.
    let parts = 1000 + u16::try_from(deferred.group).unwrap_or(0);
    let decision = Decision::default();
    let mut deciding =
        Deciding { cx, situation: &situation, decision, parts, parked: Vec::new(), shut: Sides::default() };
    deciding.late_reference(deferred, to, source, target);
    deciding.decision.entries.pop()
}

struct Deciding<'a> {
    cx: &'a DecideContext<'a>,
    situation: &'a Situation<'a>,
    decision: Decision,
    parts: u16,
    /// Rules that are parked by what was decided so far, newly or still.
    parked: Vec<RuleId>,
    /// Per side that would be written: groups that wait for its record to be opened. Only where actions may do that.
    shut: Sides<Vec<Shut>>,
}

/// What is gathered for one side while its groups are decided.
#[derive(Default)]
struct Writing {
    changes: Vec<FieldChange>,
    settles: Bits,
    waits: Vec<Wait>,
    /// States that actions are to lead to.
    moves: Vec<Move>,
}

#[cfg(test)]
pub(in crate::plan) mod tests;
