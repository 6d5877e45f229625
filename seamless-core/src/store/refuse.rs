//! What every store refuses, in the same words, and the small decisions that all of them take alike: which pair speaks
//! for a record, what repeats an ending, under which key an attention row stands. Pure; knows no storage.

use std::collections::BTreeMap;
use std::time::Duration;

use super::port::{
    Approval, Attention, AttentionKind, AttentionWhy, Binding, EntryState, Lease, Pair, PairStatus,
    PlanState, Resolution,
};
use crate::model::{Error, ErrorKind, LinkId, PartitionId, PlanId, RecordId, Result, RuleId, Side, Sides};
use crate::plan::{EntryKey, PlanHead, Trailer};

/// Who holds a partition, and until when by the store's clock.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) worker: String,
    pub(super) until: Duration,
}

/// Refuses a lease that is not the newest of its partition or has ended.
pub(super) fn check_lease(lease: &Lease, epoch: u64, holder: Option<&Holder>, now: Duration) -> Result<()> {
    let why = match holder {
        _ if lease.epoch != epoch => "another lease of the partition was given since",
        Some(holder) if holder.worker != lease.worker => "the lease belongs to another worker",
        Some(holder) if holder.until <= now => "the lease ended by itself",
        Some(_) => return Ok(()),
        None => "the lease was given back or its process ended",
    };
    Err(Error::new(ErrorKind::Fenced, why)
        .at("partition", &lease.partition)
        .at("worker", &lease.worker)
        .at("epoch", lease.epoch)
        .with_remedy("take the partition again and begin the run anew"))
}

/// Refuses work on a plan of another partition than the lease's.
pub(super) fn check_partition(lease: &Lease, plan: &PlanId, partition: &PartitionId) -> Result<()> {
    if lease.partition == *partition {
        return Ok(());
    }
    Err(conflict("the plan is of another partition than the lease")
        .at("plan", plan)
        .at("partition", partition))
}

/// Refuses a plan that does not stand where a call needs it.
pub(super) fn check_state(plan: &PlanId, found: PlanState, needed: PlanState) -> Result<()> {
    if found == needed {
        return Ok(());
    }
    Err(conflict(format!("the plan is {}, not {}", state_words(found), state_words(needed))).at("plan", plan))
}

/// Everything that [`StateStore::adopt`](super::StateStore::adopt) asks, beside the lease.
pub(super) fn check_adoption(
    lease: &Lease,
    approval: &Approval,
    (head, trailer, state): (&PlanHead, Option<&Trailer>, PlanState),
    adopted: Option<&PlanId>,
    revision: u64,
) -> Result<()> {
    let plan = &approval.plan;
    check_partition(lease, plan, &head.partition)?;
    check_state(plan, state, PlanState::Sealed)?;
    if trailer.is_none_or(|trailer| trailer.digest != approval.digest) {
        return Err(conflict("the approval is of another version of the plan").at("plan", plan));
    }
    if let Some(other) = adopted {
        return Err(conflict("another plan of the partition is being applied")
            .at("plan", other)
            .with_remedy("apply it to its end or abandon it first"));
    }
    if head.state_revision != revision {
        return Err(conflict("the state moved since the plan was made")
            .at("plan", plan)
            .at("made from revision", head.state_revision)
            .at("revision now", revision)
            .with_remedy("make the plan anew"));
    }
    Ok(())
}

/// Whether an ending changes an entry: not when it ended like that before, whatever the time and the words.
pub(super) fn ended(key: &EntryKey, before: &EntryState, after: &EntryState) -> Result<bool> {
    match (before, after) {
        (_, EntryState::Planned | EntryState::Intended { .. }) => {
            Err(Error::new(ErrorKind::Internal, "an ending must be applied or dropped").at("record", &key.id))
        }
        (EntryState::Planned | EntryState::Intended { .. }, _) => Ok(true),
        (EntryState::Applied { id: one, .. }, EntryState::Applied { id: other, .. }) if one == other => {
            Ok(false)
        }
        (EntryState::Dropped { .. }, EntryState::Dropped { .. }) => Ok(false),
        _ => Err(conflict("the entry ended in another way before").at("record", &key.id)),
    }
}

/// What an entry's state is once its intent is durable; `None` when it has ended.
pub(super) fn intended(before: &EntryState) -> Option<EntryState> {
    match before {
        EntryState::Planned => Some(EntryState::Intended { attempts: 1 }),
        EntryState::Intended { attempts } => {
            Some(EntryState::Intended { attempts: attempts.saturating_add(1) })
        }
        EntryState::Applied { .. } | EntryState::Dropped { .. } => None,
    }
}

/// What an entry's state is once its last intent is taken back.
pub(super) fn withdrawn(before: &EntryState) -> EntryState {
    match before {
        EntryState::Intended { attempts: 0 | 1 } => EntryState::Planned,
        EntryState::Intended { attempts } => EntryState::Intended { attempts: attempts - 1 },
        other => other.clone(),
    }
}

/// The pair rows of a commit in the order in which they are taken: of the same pair only the last, ended ones first,
/// since they free their ids.
pub(super) fn rows_to_take(rows: Vec<(LinkId, Pair)>) -> Vec<(LinkId, Pair)> {
    let mut last: BTreeMap<(LinkId, RecordId, RecordId), Pair> = BTreeMap::new();
    for (link, row) in rows {
        last.insert((link, row.ids.left.clone(), row.ids.right.clone()), row);
    }
    let mut rows: Vec<(LinkId, Pair)> = last.into_iter().map(|((link, ..), row)| (link, row)).collect();
    rows.sort_by_key(|(_, row)| row.status != PairStatus::Ended);
    rows
}

/// Whether a pair with these figures speaks for a record rather than another one does: a pair that has not ended, or
/// else the one that was touched last.
pub(super) fn speaks(
    (status, revision): (PairStatus, u64),
    (other_status, other_revision): (PairStatus, u64),
) -> bool {
    let live = status != PairStatus::Ended;
    let other_live = other_status != PairStatus::Ended;
    (live, revision) > (other_live, other_revision)
}

/// The error of a pair whose id is another pair's.
pub(super) fn taken(link: &LinkId, side: Side, ids: &Sides<RecordId>, by: &RecordId) -> Error {
    conflict("the record is in another pair already")
        .at("link", link)
        .at("side", side)
        .at("record", ids.of(side))
        .at("paired with", by)
}

/// The kind of an attention row.
pub(super) fn kind(why: &AttentionWhy) -> AttentionKind {
    match why {
        AttentionWhy::Hint { .. } => AttentionKind::Hint,
        AttentionWhy::Retry { .. } => AttentionKind::Retry,
        AttentionWhy::Parked { .. } => AttentionKind::Parked,
        AttentionWhy::Conflict { .. } => AttentionKind::Conflict,
    }
}

/// The rules that tell an attention row from others of its record and kind, in a stable order.
pub(super) fn rules(why: &AttentionWhy) -> Vec<RuleId> {
    match why {
        AttentionWhy::Hint { .. } => Vec::new(),
        AttentionWhy::Retry { rules, .. }
        | AttentionWhy::Parked { rules, .. }
        | AttentionWhy::Conflict { rules, .. } => {
            let mut rules = rules.clone();
            rules.sort();
            rules.dedup();
            rules
        }
    }
}

/// Refuses other kinds of attention than hints where no lease is needed.
pub(super) fn check_hint(hint: &Attention) -> Result<()> {
    match &hint.why {
        AttentionWhy::Hint { .. } => Ok(()),
        _ => Err(Error::configuration("only hints can be given without a lease").at("record", &hint.id)),
    }
}

/// Cuts rows that are sorted by a key into a page: at most so many, but never between two rows of the same key; a key
/// whose rows alone are more than that has a page of its own.
pub(super) fn whole_keys<T, K: PartialEq>(
    mut rows: Vec<T>,
    rows_max: usize,
    key: impl Fn(&T) -> K,
) -> (Vec<T>, bool) {
    let Some(over) = rows.get(rows_max) else { return (rows, false) };
    let over = key(over);
    let first_of_over = rows.iter().position(|row| key(row) == over).unwrap_or(0);
    let cut = match first_of_over {
        0 => rows.iter().take_while(|row| key(row) == over).count(),
        at => at,
    };
    let more = rows.len() > cut;
    rows.truncate(cut);
    (rows, more)
}

/// An error of kind conflict.
pub(super) fn conflict(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Conflict, message)
}

/// The error of a plan that is not there.
pub(super) fn no_plan(plan: &PlanId) -> Error {
    Error::new(ErrorKind::NotFound, "the store has no such plan").at("plan", plan)
}

/// The error of an entry that is not there.
pub(super) fn no_entry(plan: &PlanId, key: &EntryKey) -> Error {
    Error::new(ErrorKind::NotFound, "the plan has no such entry").at("plan", plan).at("record", &key.id)
}

/// The error of completing a plan as done while entries have not ended.
pub(super) fn entries_open(plan: &PlanId) -> Error {
    conflict("the plan has entries that have not ended").at("plan", plan)
}

/// Refuses to end a plan in a state that is no end.
pub(super) fn check_end(plan: &PlanId, state: PlanState) -> Result<&'static str> {
    match state {
        PlanState::Done => Ok("done"),
        PlanState::Abandoned => Ok("abandoned"),
        PlanState::Draft | PlanState::Sealed | PlanState::Adopted => {
            Err(Error::new(ErrorKind::Internal, "a plan ends as done or abandoned").at("plan", plan))
        }
    }
}

fn state_words(state: PlanState) -> &'static str {
    match state {
        PlanState::Draft => "being made",
        PlanState::Sealed => "waiting for approval",
        PlanState::Adopted => "being applied",
        PlanState::Done => "done",
        PlanState::Abandoned => "given up",
    }
}

/// Whether a new binding differs from the one that a store has.
///
/// Errors: the store has none, or belongs to other systems.
pub(super) fn rebinds(known: Option<&Binding>, binding: &Binding) -> Result<bool> {
    match known {
        None => Err(conflict("the store is not tied to any systems yet")),
        Some(known) if known.systems != binding.systems => {
            Err(conflict("the store belongs to other systems")
                .with_remedy("use another store for these systems"))
        }
        Some(known) => Ok(known != binding),
    }
}

/// Whether a store must be tied to other systems.
///
/// Errors: it has no binding yet.
pub(super) fn rehomes(known: Option<&Binding>, binding: &Binding) -> Result<bool> {
    match known {
        None => Err(conflict("the store is not tied to any systems yet")),
        Some(known) => Ok(known != binding),
    }
}

/// The journal's words for that.
pub(super) fn rehomed_words(known: Option<&Binding>, binding: &Binding) -> String {
    let was = known.map(|known| format!("{} and {}", known.systems.left, known.systems.right));
    let Binding { systems, .. } = binding;
    format!("{} and {}, not {} any more", systems.left, systems.right, was.unwrap_or_default())
}

/// Refuses to make a plan anew under the id of one that is being applied or is another partition's.
pub(super) fn check_redraft(lease: &Lease, known: &PlanHead, state: PlanState) -> Result<()> {
    check_partition(lease, &known.id, &known.partition)?;
    match state {
        PlanState::Adopted => Err(conflict("the same plan is being applied").at("plan", &known.id)),
        PlanState::Draft | PlanState::Sealed | PlanState::Done | PlanState::Abandoned => Ok(()),
    }
}

/// The journal's words for a resolution.
pub(super) fn resolved_words(link: &LinkId, resolution: &Resolution) -> String {
    let Resolution { ids, rule, take, .. } = resolution;
    format!("{link}, rule {rule}: {} and {}: the {take} side wins", ids.left, ids.right)
}

/// The journal's words for an approval.
pub(super) fn adopted_words(approval: &Approval) -> String {
    match approval.overrides.as_slice() {
        [] => String::new(),
        overrides => format!("overrides {}", overrides.join(", ")),
    }
}
