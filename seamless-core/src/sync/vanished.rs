//! What is open about records that are not there any more and never had a partner: a duplicate that was removed, a row that
//! could not be read and was deleted. Nothing would ever look at it again. Knows nothing of records in pairs: a pair whose
//! record is missing is decided about. The doors are [`close_vanished`], after everything was read, and [`close_gone`], where
//! a tombstone or a look-up proves it. Both make the same entry, so that a record which both speak of has one.

use std::collections::HashSet;

use crate::merge::CompiledLink;
use crate::model::{Bits, RecordId, Result, Side, Sides};
use crate::plan::{
    Attention, AttentionWhy, Basis, Body, Effect, Entry, EntryKey, PairStatus, ParkedAs, Rank,
};
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
        let here = page.rows.into_iter().filter(|row| row.side == side && !broken.contains(&row.id));
        let mut ids: Vec<RecordId> = here.map(|row| row.id).collect();
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
        close(making, place, link, side, gone.map(|(id, _)| id).collect(), Known::NotShown).await?;
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
    close(making, place, link, side, gone, Known::Proven).await
}

/// Ends what is open about records that never had a partner and are known to be out of the scope: they take no part.
pub(super) async fn close_left(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    left: Vec<RecordId>,
) -> Result<()> {
    close(making, place, link, side, left, Known::NotShown).await
}

/// How it is known that records are gone.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// A reading of everything did not show them.
    NotShown,
    /// A tombstone or a look-up says so.
    Proven,
}

async fn close(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    gone: Vec<RecordId>,
    known: Known,
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let open = making.store().attention_of(&link.spec().id, side, &gone).await?;
    let over = gone.into_iter().zip(open).filter(|(_, open)| ends(open, known));
    making.put_entries(over.map(|(id, _)| over_now(place, link, side, id)).collect()).await
}

/// Whether what is open about a record ends with it. What may have been created is there or not, whatever became of the
/// record that it was made from. Hints alone may be faster than their record. What cannot be read has no id of its own at
/// times: only a reading of everything tells that it is gone.
fn ends(open: &[Attention], known: Known) -> bool {
    let stays = |open: &Attention| match &open.why {
        AttentionWhy::Parked { reason: ParkedAs::AmbiguousCreate | ParkedAs::FieldGone, .. } => true,
        AttentionWhy::Parked { reason: ParkedAs::Broken, .. } => known == Known::Proven,
        AttentionWhy::Parked { .. } => false,
        AttentionWhy::Hint { .. } | AttentionWhy::Conflict { .. } | AttentionWhy::Retry { .. } => false,
    };
    let is_hint = |open: &Attention| matches!(open.why, AttentionWhy::Hint { .. });
    !open.iter().all(is_hint) && !open.iter().any(stays)
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
