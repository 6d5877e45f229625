//! Looking up what mappers ask for, a page at a time: partners that pairs know, and partners that this plan provides.

use std::collections::BTreeMap;

use crate::mapper::{Answer, Ask, Resolved};
use crate::merge::CompiledLink;
use crate::model::{LinkId, Record, RecordId, Result, Side};
use crate::plan::{Attention, AttentionWhy, PairStatus, merged_into};
use crate::store::Mark;

use super::area::{self, Upcoming};
use super::making::Making;
use super::pull::is_back;

/// Rounds of questions at most: a path over this many references is as long as any mapping has.
const ROUNDS_MAX: usize = 4;

/// Answers every question that carrying from these records asks.
pub(super) async fn resolve(
    making: &Making<'_>,
    link: &CompiledLink,
    records: &[(Side, &Record)],
) -> Result<Resolved> {
    let mut resolved = Resolved::new();
    for _ in 0..ROUNDS_MAX {
        let mut asked: BTreeMap<(LinkId, Side), Vec<RecordId>> = BTreeMap::new();
        for (from, record) in records.iter().copied() {
            let references = link.mapper().references(from, record, &resolved);
            for ask in references.into_asks() {
                if resolved.knows(&ask) {
                    continue;
                }
                let Ask::Partner { link, side, id } = ask;
                let ids = asked.entry((link, side)).or_default();
                ids.push(id);
            }
        }
        if asked.is_empty() {
            break;
        }
        for ((link, side), mut ids) in asked {
            ids.sort();
            ids.dedup();
            partners(making, &link, side, ids, &mut resolved).await?;
        }
    }
    Ok(resolved)
}

async fn partners(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    ids: Vec<RecordId>,
    resolved: &mut Resolved,
) -> Result<()> {
    let known = making.store().marks_of(link, side, &ids).await?;
    let redirected = redirected(making, link, side, &ids, &known).await?;
    let upcoming = match making.inner.place(link) {
        Some((place, _)) => {
            let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
            making.store().spilled_of(making.plan(), area::upcoming(place, side), &keys).await?
        }
        None => vec![None; ids.len()],
    };
    for (((id, mark), coming), redirected) in ids.into_iter().zip(known).zip(upcoming).zip(redirected) {
        let answer = match (coming, mark) {
            (Some(content), _) => match Upcoming::decode(&content)? {
                Upcoming::There(partner) => Answer::Paired(partner),
                Upcoming::Created(action) => Answer::Planned(action),
                Upcoming::Nobody => Answer::Unpaired,
            },
            (None, _) if redirected.is_some() => redirected.unwrap_or(Answer::Unpaired),
            (None, Some(mark)) if mark.status != PairStatus::Ended => {
                Answer::Paired(mark.ids.of(side.other()).clone())
            }
            (None, _) => Answer::Unpaired,
        };
        resolved.insert(Ask::Partner { link: link.clone(), side, id }, answer);
    }
    Ok(())
}

/// The answers about records that earlier plans found merged, or whose partners were: as long as asked. Nothing is
/// looked up where nothing was merged and no pair is open.
async fn redirected(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    ids: &[RecordId],
    marks: &[Option<Mark>],
) -> Result<Vec<Option<Answer>>> {
    let mut redirected = Vec::with_capacity(ids.len());
    for (id, mark) in ids.iter().zip(marks) {
        redirected.push(match mark {
            Some(mark) if mark.status == PairStatus::Ended => taken_over(making, link, side, mark).await?,
            Some(mark) if mark.watch => waits_for_a_merge(making, link, side, id, mark).await?,
            _ => None,
        });
    }
    Ok(redirected)
}

/// A record that is gone and whose partner goes on with another one was merged into that one.
async fn taken_over(making: &Making<'_>, link: &LinkId, side: Side, mark: &Mark) -> Result<Option<Answer>> {
    let is_gone = is_back(side, mark);
    if !is_gone {
        return Ok(None);
    }
    let partner = mark.ids.of(side.other());
    let now = making.store().marks_of(link, side.other(), std::slice::from_ref(partner)).await?;
    let goes_on = now.into_iter().flatten().any(|now| now.status != PairStatus::Ended);
    Ok(goes_on.then(|| Answer::Paired(partner.clone())))
}

/// The pair is parked because one of its records was merged into one that has a partner: that is the partner of the
/// record that is gone, and the other one has none for now.
async fn waits_for_a_merge(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    id: &RecordId,
    mark: &Mark,
) -> Result<Option<Answer>> {
    let store = making.store();
    let survivor = |open: Vec<Vec<Attention>>| {
        open.into_iter().flatten().find_map(|attention| match &attention.why {
            AttentionWhy::Parked { reason, .. } => merged_into(reason),
            _ => None,
        })
    };
    if survivor(store.attention_of(link, side, std::slice::from_ref(id)).await?).is_some() {
        return Ok(Some(Answer::Unpaired));
    }
    let other = side.other();
    let partner = std::slice::from_ref(mark.ids.of(other));
    let Some(into) = survivor(store.attention_of(link, other, partner).await?) else { return Ok(None) };
    let now = store.marks_of(link, side, &[into]).await?;
    let live = now.into_iter().flatten().find(|now| now.status != PairStatus::Ended);
    Ok(live.map(|live| Answer::Paired(live.ids.of(other).clone())))
}
