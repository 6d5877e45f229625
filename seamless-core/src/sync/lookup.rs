//! Looking up what mappers ask for, a page at a time: partners that pairs know, and partners that this plan provides. What a
//! system must be asked is [`super::seeking`]'s.

use std::collections::{BTreeMap, BTreeSet};

use crate::mapper::{Answer, Ask, Resolved, Seek};
use crate::merge::CompiledLink;
use crate::model::{LinkId, Record, RecordId, Result, Side};
use crate::plan::{Attention, AttentionWhy, PairStatus};
use crate::store::Mark;

use super::area::{self, Upcoming};
use super::making::Making;
use super::pull::is_back;
use super::seeking::seek;

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
        let mut sought: BTreeSet<Seek> = BTreeSet::new();
        for (from, record) in records.iter().copied() {
            let (asks, seeks) = link.mapper().references(from, record, &resolved).into_parts();
            sought.extend(seeks.into_iter().filter(|seek| resolved.found(seek).is_none()));
            for ask in asks {
                if resolved.knows(&ask) {
                    continue;
                }
                let Ask::Partner { link, side, id } = ask;
                let ids = asked.entry((link, side)).or_default();
                ids.push(id);
            }
        }
        if asked.is_empty() && sought.is_empty() {
            break;
        }
        seek(making, sought, &mut resolved).await?;
        for ((link, side), mut ids) in asked {
            ids.sort();
            ids.dedup();
            partners(making, &link, side, ids, &mut resolved).await?;
        }
    }
    Ok(resolved)
}

pub(super) async fn partners(
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
        let ask = Ask::Partner { link: link.clone(), side, id };
        let answer = match (coming, mark) {
            (Some(content), _) => match Upcoming::decode(&content)? {
                Upcoming::There(partner) => Answer::Paired(partner),
                Upcoming::Created(action) => Answer::Planned(action),
                Upcoming::Nobody => Answer::Unpaired,
                Upcoming::Resting(partner) => {
                    resolved.insert_resting(ask, partner);
                    continue;
                }
            },
            (None, _) if redirected.is_some() => redirected.unwrap_or(Answer::Unpaired),
            (None, Some(mark)) if matches!(mark.status, PairStatus::Frozen(_)) => {
                resolved.insert_resting(ask, mark.ids.of(side.other()).clone());
                continue;
            }
            (None, Some(mark)) if mark.status != PairStatus::Ended => {
                Answer::Paired(mark.ids.of(side.other()).clone())
            }
            (None, _) => Answer::Unpaired,
        };
        resolved.insert(ask, answer);
    }
    Ok(())
}

/// The answers about records that earlier plans found merged, or whose partners were: as long as asked. Nothing is
/// looked up where no pair ended and none is open.
async fn redirected(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    ids: &[RecordId],
    marks: &[Option<Mark>],
) -> Result<Vec<Option<Answer>>> {
    let mut answers = vec![None; ids.len()];
    taken_over(making, link, side, marks, &mut answers).await?;
    ask_a_person(making, link, side, ids, marks, &mut answers).await?;
    Ok(answers)
}

/// A record that is gone and whose partner goes on with another one was merged into that one.
async fn taken_over(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    marks: &[Option<Mark>],
    answers: &mut [Option<Answer>],
) -> Result<()> {
    let gone = marks.iter().enumerate().filter_map(|(at, mark)| {
        let mark = mark.as_ref().filter(|mark| is_back(side, mark))?;
        Some((at, mark.ids.of(side.other()).clone()))
    });
    let (places, partners): (Vec<usize>, Vec<RecordId>) = gone.unzip();
    if partners.is_empty() {
        return Ok(());
    }
    let now = making.store().marks_of(link, side.other(), &partners).await?;
    for ((at, partner), now) in places.into_iter().zip(partners).zip(now) {
        let goes_on = now.is_some_and(|now| now.status != PairStatus::Ended);
        if let (true, Some(answer)) = (goes_on, answers.get_mut(at)) {
            *answer = Some(Answer::Paired(partner));
        }
    }
    Ok(())
}

/// Pairs that are parked because one of their records was merged into one that has a partner: that is the partner of
/// the record that is gone, and the other one has none for now.
async fn ask_a_person(
    making: &Making<'_>,
    link: &LinkId,
    side: Side,
    ids: &[RecordId],
    marks: &[Option<Mark>],
    answers: &mut [Option<Answer>],
) -> Result<()> {
    let (store, other) = (making.store(), side.other());
    let watched = ids.iter().zip(marks).enumerate().filter_map(|(at, (id, mark))| {
        let mark = mark.as_ref().filter(|mark| mark.watch && mark.status != PairStatus::Ended)?;
        Some((at, (id.clone(), mark.ids.of(other).clone())))
    });
    let (places, pairs): (Vec<usize>, Vec<(RecordId, RecordId)>) = watched.unzip();
    if places.is_empty() {
        return Ok(());
    }
    let (own, partners): (Vec<RecordId>, Vec<RecordId>) = pairs.into_iter().unzip();
    let own = store.attention_of(link, side, &own).await?;
    let partners = store.attention_of(link, other, &partners).await?;
    let mut survivors = Vec::new();
    for ((at, own), partner) in places.into_iter().zip(own).zip(partners) {
        match (survivor(&own), survivor(&partner), answers.get_mut(at)) {
            (Some(_), _, Some(answer)) => *answer = Some(Answer::Unpaired),
            (None, Some(into), Some(_)) => survivors.push((at, into)),
            _ => {}
        }
    }
    if survivors.is_empty() {
        return Ok(());
    }
    let into: Vec<RecordId> = survivors.iter().map(|(_, into)| into.clone()).collect();
    let now = store.marks_of(link, side, &into).await?;
    for ((at, _), now) in survivors.into_iter().zip(now) {
        let live = now.filter(|now| now.status != PairStatus::Ended);
        if let (Some(live), Some(answer)) = (live, answers.get_mut(at)) {
            *answer = Some(Answer::Paired(live.ids.of(other).clone()));
        }
    }
    Ok(())
}

/// The record that a parked item says a pair's record was merged into.
fn survivor(open: &[Attention]) -> Option<RecordId> {
    open.iter().find_map(|attention| match &attention.why {
        AttentionWhy::Parked { reason, .. } => reason.merged_into().cloned(),
        _ => None,
    })
}
