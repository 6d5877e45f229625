//! Records that a system merged: what the tombstones of this plan say, before the pairs of a link are decided. A pair
//! whose record was merged goes on with the survivor where that has no partner; where it has one, a person is asked.
//! Whoever refers to the record that is gone means the survivor from now on.
//!
//! Not here: merged values of sets, which the merge floor makes. The door is [`find_merges`]; [`merged_of`] and
//! [`survives`] tell what it found.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::connector::{FetchBy, Lookup, Versioned};
use crate::model::{RecordId, Result, Side};
use crate::plan::PairStatus;
use crate::store::Mark;

use super::area::{self, Merged, Missing, Upcoming};
use super::deciding::{Deciding, PAGE_PAIRS};
use super::making::SpillPages;
use super::pull::is_back;

/// Merges in a row that are followed: a record that was merged into one that was merged in turn.
const MERGES_IN_A_ROW_MAX: usize = 16;

/// Whether any merge of a side's records was found.
pub(super) type AnyMerged = AtomicBool;

/// Looks through what is missing for records of pairs that were merged into others.
pub(super) async fn find_merges(deciding: &Deciding<'_>) -> Result<()> {
    for side in Side::BOTH {
        let mut reading = SpillPages::new(deciding.making, area::missing(deciding.place, side), PAGE_PAIRS);
        while let Some(rows) = reading.next().await? {
            deciding.making.pulse().await?;
            for row in &rows {
                let loser = area::id_of(&row.key)?;
                if let Missing::Tombstone(tombstone) = Missing::decode(&loser, &row.content)?
                    && let Some(into) = tombstone.merged_into
                {
                    find_merge(deciding, side, loser, into).await?;
                }
            }
        }
    }
    Ok(())
}

/// What became of these records by merges: as long as asked, in the order asked.
pub(super) async fn merged_of(
    deciding: &Deciding<'_>,
    side: Side,
    ids: &[RecordId],
) -> Result<Vec<Option<Merged>>> {
    if !deciding.merged.of(side).load(Ordering::Relaxed) {
        return Ok(vec![None; ids.len()]);
    }
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    let merged = area::merged(deciding.place, side);
    let rows = deciding.making.store().spilled_of(deciding.making.plan(), merged, &keys).await?;
    let decode = |content: Option<Vec<u8>>| {
        content.map(|content| Merged::decode(&content, deciding.link.shape(side))).transpose()
    };
    rows.into_iter().map(decode).collect()
}

/// Records that were to take the place of merged ones, in pairs whose other record turned out to be gone as well: they
/// are records without a pair like any other.
pub(super) async fn give_up_places(deciding: &Deciding<'_>, survivors: Vec<(Side, RecordId)>) -> Result<()> {
    for (side, id) in survivors {
        let row = area::row(&id, Vec::new());
        deciding.making.spill(area::survivors(deciding.place, side), vec![row]).await?;
    }
    Ok(())
}

/// Whether these records take the place of others in pairs of this plan, so that they need no partner.
pub(super) async fn survives(deciding: &Deciding<'_>, side: Side, ids: &[RecordId]) -> Result<Vec<bool>> {
    if !deciding.merged.of(side).load(Ordering::Relaxed) {
        return Ok(vec![false; ids.len()]);
    }
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    let survivors = area::survivors(deciding.place, side);
    let rows = deciding.making.store().spilled_of(deciding.making.plan(), survivors, &keys).await?;
    Ok(rows.into_iter().map(|row| row.is_some_and(|partner| !partner.is_empty())).collect())
}

/// Merges are few, so each is looked at by itself.
async fn find_merge(deciding: &Deciding<'_>, side: Side, loser: RecordId, into: RecordId) -> Result<()> {
    let Some(mark) = mark_of(deciding, side, &loser).await?.filter(|mark| mark.status != PairStatus::Ended)
    else {
        return Ok(());
    };
    let into = last_survivor(deciding, side, &loser, into).await?;
    let partner = mark.ids.of(side.other());
    let known = mark_of(deciding, side, &into).await?.filter(|mark| !is_back(side, mark));
    let merged = match known {
        Some(mark) if mark.status == PairStatus::Ended => Merged::Asks { into, partner: None },
        Some(mark) => Merged::Asks { into, partner: Some(mark.ids.of(side.other()).clone()) },
        None => match is_there(deciding, side.other(), partner).await? {
            Some(false) => return Ok(()),
            Some(true) => alone(deciding, side, &loser, into).await?,
            // The system says of the merge once, so it is kept as a question.
            None => Merged::Asks { into, partner: None },
        },
    };
    deciding.merged.of(side).store(true, Ordering::Relaxed);
    refer(deciding, side, &loser, partner, &merged).await?;
    let content = merged.encode()?;
    deciding.making.spill(area::merged(deciding.place, side), vec![area::row(&loser, content)]).await
}

/// A survivor without a pair: whether it can take the loser's place.
async fn alone(deciding: &Deciding<'_>, side: Side, loser: &RecordId, into: RecordId) -> Result<Merged> {
    let (store, plan, place) = (deciding.making.store(), deciding.making.plan(), deciding.place);
    let key = [into.as_bytes().to_vec()];
    let first = |rows: Vec<Option<Vec<u8>>>| rows.into_iter().next().flatten();
    // It gets a partner of its own by matching, or one cannot be told.
    if let Some(content) = first(store.spilled_of(plan, area::matched(place, side), &key).await?) {
        let (_, partner) = area::matched_of(&content)?;
        return Ok(Merged::Asks { into, partner: Some(partner) });
    }
    if first(store.spilled_of(plan, area::ambiguous(place, side), &key).await?).is_some() {
        return Ok(Merged::Asks { into, partner: None });
    }
    // Of several that were merged into it, the first goes on with it.
    if let Some(content) = first(store.spilled_of(plan, area::survivors(place, side), &key).await?) {
        return Ok(Merged::Asks { into, partner: Some(area::id_of(&content)?) });
    }
    let Some(survivor) = there(deciding, side, &into).await? else {
        return Ok(Merged::Asks { into, partner: None });
    };
    let partner = mark_of(deciding, side, loser).await?.map(|mark| mark.ids.of(side.other()).clone());
    let content = partner.map(|partner| partner.as_bytes().to_vec()).unwrap_or_default();
    deciding.making.spill(area::survivors(place, side), vec![area::row(&into, content)]).await?;
    Ok(Merged::GoesOn(Box::new(survivor)))
}

/// Whoever refers to the record that is gone means the survivor. Its partner that is left over refers to nobody: were
/// it taken for a partner of the survivor, a child that moved with the merge would seem to be where it belongs.
async fn refer(
    deciding: &Deciding<'_>,
    side: Side,
    loser: &RecordId,
    partner: &RecordId,
    merged: &Merged,
) -> Result<()> {
    let making = deciding.making;
    if !making.is_referred_to(&deciding.link.spec().id) {
        return Ok(());
    }
    let row = |id: &RecordId, partner: &RecordId| area::row(id, Upcoming::There(partner.clone()).encode());
    let (here, there) = match merged {
        Merged::Asks { into: _, partner: other } => {
            let here = other.iter().map(|other| row(loser, other)).collect();
            (here, vec![area::row(partner, Upcoming::Nobody.encode())])
        }
        Merged::GoesOn(survivor) => {
            // Where the partner was merged as well, what took its place is the partner.
            let other = merged_of(deciding, side.other(), std::slice::from_ref(partner)).await?;
            let now = match other.into_iter().next().flatten() {
                Some(Merged::GoesOn(other)) => other.id,
                _ => partner.clone(),
            };
            let here = vec![row(loser, &now), row(&survivor.id, &now)];
            (here, vec![row(partner, &survivor.id), row(&now, &survivor.id)])
        }
    };
    making.spill(area::upcoming(deciding.place, side), here).await?;
    making.spill(area::upcoming(deciding.place, side.other()), there).await
}

/// Follows merges to the record that is left.
async fn last_survivor(
    deciding: &Deciding<'_>,
    side: Side,
    loser: &RecordId,
    mut into: RecordId,
) -> Result<RecordId> {
    for _ in 0..MERGES_IN_A_ROW_MAX {
        let missing = area::missing(deciding.place, side);
        let key = [into.as_bytes().to_vec()];
        let found = deciding.making.store().spilled_of(deciding.making.plan(), missing, &key).await?;
        let Some(content) = found.into_iter().next().flatten() else { break };
        match Missing::decode(&into, &content)? {
            Missing::Tombstone(tombstone) => match tombstone.merged_into {
                Some(next) if next != *loser => into = next,
                _ => break,
            },
            Missing::NotSeen => break,
        }
    }
    Ok(into)
}

async fn mark_of(deciding: &Deciding<'_>, side: Side, id: &RecordId) -> Result<Option<Mark>> {
    let ids = std::slice::from_ref(id);
    let marks = deciding.making.store().marks_of(&deciding.link.spec().id, side, ids).await?;
    Ok(marks.into_iter().next().flatten())
}

/// Whether the other record of a pair is there; where it was merged itself, something may stand in its place. `None` where
/// its side does not say.
async fn is_there(deciding: &Deciding<'_>, side: Side, id: &RecordId) -> Result<Option<bool>> {
    let (store, plan) = (deciding.making.store(), deciding.making.plan());
    let keys = [id.as_bytes().to_vec()];
    let missing = store.spilled_of(plan, area::missing(deciding.place, side), &keys).await?;
    if let Some(content) = missing.into_iter().next().flatten()
        && let Missing::Tombstone(tombstone) = Missing::decode(id, &content)?
    {
        return Ok(Some(tombstone.merged_into.is_some()));
    }
    let changed = store.spilled_of(plan, area::changed(deciding.place, side), &keys).await?;
    if changed.into_iter().any(|row| row.is_some()) {
        return Ok(Some(true));
    }
    let found = deciding.fetch(side, FetchBy::Ids(vec![id.clone()])).await?;
    Ok(match found.first() {
        Some(Lookup::Found(_)) => Some(true),
        Some(Lookup::Gone(_)) => Some(false),
        Some(Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered) | None => None,
    })
}

/// The record as it was read in this plan, or as it is now.
async fn there(deciding: &Deciding<'_>, side: Side, id: &RecordId) -> Result<Option<Versioned>> {
    let keys = [id.as_bytes().to_vec()];
    let unpaired = area::unpaired(deciding.place, side);
    let rows = deciding.making.store().spilled_of(deciding.making.plan(), unpaired, &keys).await?;
    if let Some(content) = rows.into_iter().next().flatten() {
        return Ok(Some(area::unpaired_content(&content, deciding.link.shape(side))?.1));
    }
    let found = deciding.fetch(side, FetchBy::Ids(vec![id.clone()])).await?;
    Ok(match found.into_iter().next() {
        Some(Lookup::Found(versioned)) => Some(versioned),
        _ => None,
    })
}
