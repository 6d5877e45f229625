//! What must be looked at whatever the feeds say: hints, retries, parked items that wait for something, and the pairs
//! of resolved conflicts; and the end of what is open about records that are gone. The doors are [`nominate`] and
//! [`end_of_gone`].

use crate::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use crate::merge::CompiledLink;
use crate::model::{Bits, RecordId, Result, Side, Sides, Truth};
use crate::plan::{
    Attention, AttentionWhy, Basis, Body, Effect, Entry, EntryKey, MatchRow, PairStatus, Rank, Resolution,
    match_key,
};
use crate::store::Scan;

use super::area;
use super::making::{BATCH_ROWS, Making};
use super::pull::{Pulled, is_back};

/// Adds everything that is due to what the plan looks at.
pub(super) async fn nominate(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    resolutions: &[Resolution],
    pulled: &mut Sides<Pulled>,
) -> Result<()> {
    let resolved = resolutions.iter().map(|resolution| area::row(&resolution.ids.left, Vec::new()));
    making.spill(area::look(place), resolved.collect()).await?;
    let now = making.inner.clock.now();
    // Where everything was read, what is not due is looked through as well: no tombstone tells of records that are gone.
    let until = if pulled.left.full || pulled.right.full { None } else { Some(now) };
    let mut after = None;
    loop {
        making.pulse().await?;
        let scan = Scan { after, rows_max: BATCH_ROWS };
        let page = making.store().attention(&link.spec().id, until, scan).await?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        for side in Side::BOTH {
            let pulled = pulled.of_mut(side);
            let rows = page.rows.iter().filter(|row| row.side == side);
            let (due, later): (Vec<_>, Vec<_>) = rows.partition(|row| row.due <= now);
            let mut ids: Vec<RecordId> = due.into_iter().map(|row| row.id.clone()).collect();
            ids.dedup();
            look_at(making, place, link, side, &ids, pulled).await?;
            if pulled.full {
                let mut ids: Vec<RecordId> = later.into_iter().map(|row| row.id.clone()).collect();
                ids.dedup();
                look_for_gone(making, place, link, side, ids).await?;
            }
        }
        if !page.more {
            return Ok(());
        }
    }
}

/// Of records that are not due: those that were never paired and were not seen, whether they are gone.
async fn look_for_gone(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    ids: Vec<RecordId>,
) -> Result<()> {
    let marks = making.store().marks_of(&link.spec().id, side, &ids).await?;
    let alone = ids.into_iter().zip(marks).filter(|(_, mark)| mark.is_none());
    let alone = alone.map(|(id, _)| id).collect();
    let mut gone = Vec::new();
    for lookup in fetch_unseen(making, place, link, side, alone).await? {
        if let Lookup::Gone(proof) = lookup {
            gone.push(proof.id);
        }
    }
    end_of_gone(making, place, link, side, gone, NOT_DUE).await
}

/// Asks the side for those of the records that its reading did not show as unpaired.
async fn fetch_unseen(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    ids: Vec<RecordId>,
) -> Result<Vec<Lookup>> {
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    let known = making.store().spilled_of(making.plan(), area::unpaired(place, side), &keys).await?;
    let asked: Vec<RecordId> =
        ids.into_iter().zip(known).filter(|(_, known)| known.is_none()).map(|(id, _)| id).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let query = FetchQuery {
        entity: link.spec().entity.of(side).clone(),
        shape: link.shape(side).clone(),
        by: FetchBy::Ids(asked),
    };
    making.connector(side).fetch(query).await
}

async fn look_at(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    ids: &[RecordId],
    pulled: &mut Pulled,
) -> Result<()> {
    let marks = making.store().marks_of(&link.spec().id, side, ids).await?;
    let (mut look, mut alone) = (Vec::new(), Vec::new());
    for (id, mark) in ids.iter().zip(marks) {
        match mark {
            Some(mark) if mark.status != PairStatus::Ended => {
                look.push(area::row(&mark.ids.left, Vec::new()))
            }
            Some(mark) if !is_back(side, &mark) => {}
            Some(_) | None => alone.push(id.clone()),
        }
    }
    making.spill(area::look(place), look).await?;
    let mut gone = Vec::new();
    for lookup in fetch_unseen(making, place, link, side, alone).await? {
        match lookup {
            Lookup::Found(versioned) => {
                add_unpaired(making, place, link, side, &versioned, pulled).await?;
            }
            Lookup::Gone(proof) => gone.push(proof.id),
            Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered => {}
        }
    }
    end_of_gone(making, place, link, side, gone, LOOKED_UP).await
}

/// The part of an entry about a record that a look-up proved gone.
const LOOKED_UP: u16 = 3001;
/// The part of an entry about a record that was not due, and is gone.
const NOT_DUE: u16 = 3002;
/// The part of an entry about a record that the feed said to be gone.
pub(super) const FEED_SAYS: u16 = 3000;

/// Ends what is open about records that are gone and never had a partner: it would wait for ever for nobody.
pub(super) async fn end_of_gone(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    gone: Vec<RecordId>,
    part: u16,
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let id = &link.spec().id;
    let open = making.store().attention_of(id, side, &gone).await?;
    let open = gone.into_iter().zip(open).filter(|(_, open)| !open.is_empty() && !open.iter().any(outlives));
    let entries = open.map(|(gone, _)| {
        let mut ids = Sides::default();
        *ids.of_mut(side) = Some(gone.clone());
        Entry {
            key: EntryKey { rank: Rank::State, link: place, side, id: gone, part },
            link: id.clone(),
            ids,
            basis: Basis::default(),
            observed: Sides::default(),
            settles: Bits::new(),
            body: Body::Effect(Effect::CloseConflict { rules: Vec::new() }),
        }
    });
    making.put_entries(entries.collect()).await
}

/// What does not end with its record: what cannot be read has no id at times and is reported by every reading; what may
/// have been created is there or not whatever became of the record that it was made from; and a hint may be faster than
/// its record.
fn outlives(open: &Attention) -> bool {
    match &open.why {
        AttentionWhy::Parked { reason, .. } => reason == "broken" || reason == "ambiguous_create",
        AttentionWhy::Hint { .. } => true,
        AttentionWhy::Conflict { .. } | AttentionWhy::Retry { .. } => false,
    }
}

async fn add_unpaired(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    versioned: &Versioned,
    pulled: &mut Pulled,
) -> Result<()> {
    if link.scope(side, &versioned.record) != Truth::In {
        return Ok(());
    }
    let ordinal = pulled.unpaired;
    pulled.unpaired += 1;
    making.spill(area::unpaired(place, side), vec![area::unpaired_row(ordinal, versioned)?]).await?;
    for (line, spec) in link.spec().matching.iter().enumerate() {
        let Some(key) = match_key(line, spec, side, &versioned.record) else { continue };
        let row = MatchRow { key, side, id: versioned.id.clone(), ordinal: u64::from(ordinal) };
        making.spill(area::keys(place, line), vec![area::key_row(&row)]).await?;
    }
    Ok(())
}
