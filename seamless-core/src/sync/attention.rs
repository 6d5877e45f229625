//! What must be looked at whatever the feeds say: hints, retries, parked items that wait for something, and the pairs
//! of resolved conflicts. The door is [`nominate`].

use crate::connector::{FetchBy, FetchQuery, Lookup, Versioned};
use crate::merge::CompiledLink;
use crate::model::{RecordId, Result, Side, Sides, Truth};
use crate::plan::{MatchRow, PairStatus, Resolution, match_key};
use crate::store::Scan;

use super::area;
use super::making::{BATCH_ROWS, Making};
use super::pull::{Pulled, is_back};
use super::vanished::{close_gone, close_left};

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
    let mut after = None;
    loop {
        making.pulse().await?;
        let scan = Scan { after, rows_max: BATCH_ROWS };
        let page = making.store().attention(&link.spec().id, Some(now), scan).await?;
        after = page.rows.last().map(|row| (row.side, row.id.clone()));
        for side in Side::BOTH {
            let mut ids: Vec<RecordId> =
                page.rows.iter().filter(|row| row.side == side).map(|row| row.id.clone()).collect();
            ids.dedup();
            look_at(making, place, link, side, &ids, pulled.of_mut(side)).await?;
        }
        if !page.more {
            return Ok(());
        }
    }
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
    let can_tell = making.inner.capabilities(link, side).gone_not_hidden;
    let (mut gone, mut left) = (Vec::new(), Vec::new());
    for lookup in fetch_unseen(making, place, link, side, alone).await? {
        match lookup {
            Lookup::Found(versioned) => {
                if link.scope_reaches(side) && link.scope(side, &versioned.record) == Truth::Out {
                    left.push(versioned.id.clone());
                }
                add_unpaired(making, place, link, side, &versioned, pulled).await?;
            }
            Lookup::Gone(proof) if can_tell => gone.push(proof.id),
            Lookup::Gone(_) | Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered => {}
        }
    }
    close_left(making, place, link, side, left).await?;
    close_gone(making, place, link, side, gone).await
}

async fn add_unpaired(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    versioned: &Versioned,
    pulled: &mut Pulled,
) -> Result<()> {
    if link.scope(side, &versioned.record) != Truth::In && !link.scope_waits(side, &versioned.record) {
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
