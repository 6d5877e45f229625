//! Looking up what mappers ask for, a page at a time: partners that pairs know, and partners that this plan provides.

use std::collections::BTreeMap;

use crate::mapper::{Answer, Ask, Resolved};
use crate::merge::CompiledLink;
use crate::model::{LinkId, Record, RecordId, Result, Side};
use crate::plan::PairStatus;

use super::area::{self, Upcoming};
use super::making::Making;

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
    let upcoming = match making.inner.place(link) {
        Some((place, _)) => {
            let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
            making.store().spilled_of(making.plan(), area::upcoming(place, side), &keys).await?
        }
        None => vec![None; ids.len()],
    };
    for ((id, mark), coming) in ids.into_iter().zip(known).zip(upcoming) {
        let answer = match (coming, mark) {
            (Some(content), _) => match Upcoming::decode(&content)? {
                Upcoming::There(partner) => Answer::Paired(partner),
                Upcoming::Created(action) => Answer::Planned(action),
            },
            (None, Some(mark)) if mark.status != PairStatus::Ended => {
                Answer::Paired(mark.ids.of(side.other()).clone())
            }
            (None, _) => Answer::Unpaired,
        };
        resolved.insert(Ask::Partner { link: link.clone(), side, id }, answer);
    }
    Ok(())
}
