//! What is open about records that are not there any more and never had a partner: a duplicate that was removed, a row that
//! could not be read and was deleted. Nothing would ever look at it again. Knows nothing of records in pairs: a pair whose
//! record is missing is decided about. The doors are [`close_vanished`], after everything was read, and [`close_gone`], where
//! a tombstone or a look-up proves it. Both make the same entry, so that a record which both speak of has one.

use std::collections::HashSet;

use crate::merge::CompiledLink;
use crate::model::{Bits, RecordId, Result, Side, Sides};
use crate::plan::{Attention, AttentionWhy, Basis, Body, Effect, Entry, EntryKey, PairStatus, Rank};
use crate::store::Scan;

use super::area;
use super::making::Making;

/// Open items that are looked through at once.
const PAGE_ROWS: usize = 500;

/// After the effects that a record of a pair can have, before the parking of unreadable records.
const PART: u16 = 1999;

/// Ends what is open about a side's records that have no partner and that a complete enumeration has not shown, neither
/// as records of the link nor as `broken` ones. A record that left the scope is one of them: it takes no part any more.
pub(super) async fn close_vanished(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    broken: &HashSet<RecordId>,
) -> Result<()> {
    let (store, id) = (making.store(), &link.spec().id);
    let mut after = None;
    loop {
        let page = store.attention(id, None, Scan { after, rows_max: PAGE_ROWS }).await?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        let mut ids: Vec<RecordId> = page
            .rows
            .into_iter()
            .filter(|row| row.side == side && !broken.contains(&row.id) && !outlives(&row.why))
            .map(|row| row.id)
            .collect();
        ids.dedup();
        let marks = store.marks_of(id, side, &ids).await?;
        let alone = ids
            .into_iter()
            .zip(marks)
            .filter(|(_, mark)| mark.as_ref().is_none_or(|mark| mark.status == PairStatus::Ended));
        let alone: Vec<RecordId> = alone.map(|(id, _)| id).collect();
        let keys: Vec<Vec<u8>> = alone.iter().map(|id| id.as_bytes().to_vec()).collect();
        let shown = store.spilled_of(making.plan(), area::unpaired(place, side), &keys).await?;
        let gone = alone.into_iter().zip(shown).filter(|(_, shown)| shown.is_none());
        let entries = gone.map(|(id, _)| over_now(place, link, side, id)).collect();
        making.put_entries(entries).await?;
        if !page.more {
            return Ok(());
        }
    }
}

/// Ends what is open about records that never had a partner and are proven gone.
pub(super) async fn close_gone(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    gone: Vec<RecordId>,
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let open = making.store().attention_of(&link.spec().id, side, &gone).await?;
    let ends = |open: &[Attention]| {
        !open.is_empty() && !open.iter().any(|open| outlives(&open.why) || is_broken(&open.why))
    };
    let over = gone.into_iter().zip(open).filter(|(_, open)| ends(open));
    making.put_entries(over.map(|(id, _)| over_now(place, link, side, id)).collect()).await
}

/// What does not end with its record: what may have been created is there or not, whatever became of the record that it
/// was made from; and a hint may be faster than its record.
fn outlives(why: &AttentionWhy) -> bool {
    match why {
        AttentionWhy::Parked { reason, .. } => reason == "ambiguous_create",
        AttentionWhy::Hint { .. } => true,
        AttentionWhy::Conflict { .. } | AttentionWhy::Retry { .. } => false,
    }
}

/// What cannot be read has no id at times: only a reading of everything tells that it is gone.
fn is_broken(why: &AttentionWhy) -> bool {
    matches!(why, AttentionWhy::Parked { reason, .. } if reason == "broken")
}

fn over_now(place: u16, link: &CompiledLink, side: Side, id: RecordId) -> Entry {
    let mut ids = Sides::default();
    *ids.of_mut(side) = Some(id.clone());
    Entry {
        key: EntryKey { rank: Rank::State, link: place, side, id, part: PART },
        link: link.spec().id.clone(),
        ids,
        basis: Basis::default(),
        observed: Sides::default(),
        settles: Bits::new(),
        body: Body::Effect(Effect::CloseConflict { rules: Vec::new() }),
    }
}
