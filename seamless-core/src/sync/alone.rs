//! Deciding the records of a link that have no pair: the partner that matching found, or that the other side knows by
//! key, or none; then a new pair, a create, or a parked record. The door is [`decide_unpaired`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::FutureExt;
use futures::future::try_join_all;
use futures::lock::Mutex;

use crate::connector::{FetchBy, Lookup, Versioned};
use crate::model::{Bits, FieldName, Presence, RecordId, Result, Side, Sides, Truth, Value};
use crate::plan::{
    Attention, Basis, Body, Effect, Entry, EntryKey, Half, Pair, PairStatus, ParkReason, Parked, Rank,
    Situation, decide,
};

use super::area;
use super::deciding::{Deciding, PAGE_PAIRS, Page};
use super::keys::gives_up_match;
use super::lookup::resolve;
use super::making::{BATCH_ROWS, SpillPages};
use super::merging::survives;
use super::progress::Meter;
use crate::store::SpillRow;

/// Decides the records that have no pair: new pairs, creates, parked groups.
pub(super) async fn decide_unpaired(deciding: &Deciding<'_>) -> Result<()> {
    let total = u64::from(deciding.pulled.left.unpaired) + u64::from(deciding.pulled.right.unpaired);
    let mut meter = deciding.meter(Some(total));
    for side in Side::BOTH {
        let reading = Mutex::new((Reading::new(deciding, side), &mut meter));
        // What one page found by key the next ones must not find again.
        let at_once = if asks_by_key(deciding, side) { 1 } else { deciding.pages_at_once() };
        let each = (0..at_once).map(|_| decide_pages(deciding, side, &reading).boxed());
        try_join_all(each).await?;
    }
    meter.end();
    Ok(())
}

/// Decides page after page until none is left, beside others that do the same.
async fn decide_pages(
    deciding: &Deciding<'_>,
    side: Side,
    reading: &Mutex<(Reading<'_>, &mut Meter<'_>)>,
) -> Result<()> {
    loop {
        deciding.making.pulse().await?;
        let page = {
            let mut reading = reading.lock().await;
            let (reading, meter) = &mut *reading;
            let Some(page) = reading.next().await? else { return Ok(()) };
            meter.add(page.len());
            page
        };
        decide_page(deciding, side, page).await?;
    }
}

/// What is known of a record without a pair before it is decided.
struct Candidate {
    record: Versioned,
    partner: Option<(u16, Versioned)>,
    ambiguous: Option<Ambiguity>,
}

impl Candidate {
    /// Whether it is worth deciding what becomes of the record: not where several may be its partner.
    const fn may_be_decided(&self) -> bool {
        matches!(self.ambiguous, None | Some(Ambiguity::Unanswered(_)))
    }
}

enum Ambiguity {
    /// It matches several by this line.
    Several(u16),
    /// The record that it matches has a partner.
    Taken(u16, RecordId),
    /// The other side did not say whether it has a match by this line: creating one now could be a duplicate.
    Unanswered(u16),
    /// Its scope, or that of the record that it matches, looks at another record, which does not say: by this line, where it
    /// matches one.
    Unseen(Option<u16>),
    /// It matches nothing that is known, and the other side is never sure to show everything: creating one could be a
    /// duplicate, whenever it is done.
    Unsure,
}

/// A record without a pair as it was spilled, and what matching found of it.
struct Unpaired {
    row: SpillRow,
    matched: Option<Vec<u8>>,
    ambiguous: Option<Vec<u8>>,
}

/// Reads one side's records and what matching found of them: all three come in the order of ids.
struct Reading<'a> {
    records: SpillPages<'a>,
    matched: SpillPages<'a>,
    ambiguous: SpillPages<'a>,
}

impl<'a> Reading<'a> {
    fn new(deciding: &Deciding<'a>, side: Side) -> Self {
        let pages = |area, rows_max| SpillPages::new(deciding.making, area, rows_max);
        let place = deciding.place;
        Self {
            records: pages(area::unpaired(place, side), PAGE_PAIRS),
            matched: pages(area::matched(place, side), BATCH_ROWS),
            ambiguous: pages(area::ambiguous(place, side), BATCH_ROWS),
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Unpaired>>> {
        let Some(rows) = self.records.next().await? else { return Ok(None) };
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let matched = self.matched.under(&row.key).await?;
            let ambiguous = self.ambiguous.under(&row.key).await?;
            page.push(Unpaired { row, matched, ambiguous });
        }
        Ok(Some(page))
    }
}

async fn decide_page(deciding: &Deciding<'_>, side: Side, rows: Vec<Unpaired>) -> Result<()> {
    let making = deciding.making;
    let ids = rows.iter().map(|one| area::id_of(&one.row.key)).collect::<Result<Vec<_>>>()?;
    let survives = survives(deciding, side, &ids).await?;
    // Those that take the place of merged records have their partners.
    let rows = rows.into_iter().zip(survives).filter(|(_, survives)| !survives).map(|(row, _)| row);
    let mut candidates = candidates(deciding, side, rows.collect()).await?;
    leave_out_deleted(deciding, side, &mut candidates).await?;
    find_unseen(deciding, side, &mut candidates);
    look_up_partners(deciding, side, &mut candidates).await?;
    let mut asked = Vec::with_capacity(candidates.len() * 2);
    for candidate in candidates.iter().filter(|candidate| candidate.may_be_decided()) {
        asked.push((side, &candidate.record.record));
        asked.extend(candidate.partner.iter().map(|(_, partner)| (side.other(), &partner.record)));
    }
    let resolved = resolve(making, deciding.link, &asked).await?;
    let open = what_is_open(deciding, side, &candidates).await?;
    let context = deciding.context();
    let referred = making.is_referred_to(&deciding.link.spec().id);
    let may_create = deciding.pulled.of(side.other()).complete || knows_all(deciding, side.other());
    let mut page = Page::default();
    for (candidate, open) in candidates.iter().zip(&open) {
        let Candidate { record, partner, ambiguous } = candidate;
        if let Some(ambiguity) = ambiguous.as_ref().filter(|_| !candidate.may_be_decided()) {
            page.entries.extend(park_ambiguous(deciding, side, candidate, ambiguity, open));
            continue;
        }
        if partner.is_none() && !may_create && ambiguous.is_none() {
            // Where a full reading can be complete the next one decides; otherwise nothing ever would.
            if !making.inner.capabilities(deciding.link, side.other()).complete_enumeration {
                page.entries.extend(park_ambiguous(deciding, side, candidate, &Ambiguity::Unsure, open));
            }
            continue;
        }
        let other = partner.as_ref().map(|(_, partner)| partner);
        let half = |of: Side| match (of == side, other) {
            (true, _) => Half::There(record),
            (false, Some(partner)) => Half::There(partner),
            (false, None) => Half::None,
        };
        let rebased = Bits::new();
        let situation = Situation {
            pair: None,
            line: partner.as_ref().map(|(line, _)| *line),
            half: Sides::new(half(Side::Left), half(Side::Right)),
            resolved: Sides::new(&resolved, &resolved),
            rebased: &rebased,
            resolutions: &[],
            open,
            read_since: Sides::new(false, false),
            check_all: false,
        };
        let mut halves = Sides::default();
        *halves.of_mut(side) = Some(record);
        *halves.of_mut(side.other()) = other;
        let decision = decide(&context, &situation);
        match ambiguous {
            None => deciding.gather(&mut page, decision, &halves, referred),
            // Whether it has a match or not, what it would be made as was refused, and stays so.
            Some(_) if decision.refused => {}
            Some(ambiguity) => {
                page.entries.extend(park_ambiguous(deciding, side, candidate, ambiguity, open))
            }
        }
    }
    deciding.put(page).await
}

/// Records of which it cannot be seen whether they take part are neither paired nor made: they wait.
fn find_unseen(deciding: &Deciding<'_>, side: Side, candidates: &mut [Candidate]) {
    for candidate in candidates.iter_mut().filter(|candidate| candidate.ambiguous.is_none()) {
        let waits = |of: Side, record: &Versioned| deciding.link.scope_waits(of, &record.record);
        candidate.ambiguous = match &candidate.partner {
            _ if waits(side, &candidate.record) => Some(Ambiguity::Unseen(None)),
            Some((line, partner)) if waits(side.other(), partner) => Some(Ambiguity::Unseen(Some(*line))),
            _ => continue,
        };
        candidate.partner = None;
    }
}

/// Whether a side was enumerated to its end by an earlier run, and its changes have been read since.
fn knows_all(deciding: &Deciding<'_>, side: Side) -> bool {
    let pulled = deciding.pulled.of(side);
    !pulled.full && pulled.feed.enumerated_at.is_some()
}

async fn candidates(deciding: &Deciding<'_>, side: Side, rows: Vec<Unpaired>) -> Result<Vec<Candidate>> {
    let (store, plan, place) = (deciding.making.store(), deciding.making.plan(), deciding.place);
    let mut found = Vec::with_capacity(rows.len());
    let mut partner_keys = Vec::new();
    for Unpaired { row, matched, ambiguous } in rows {
        let matched = match matched {
            // Those with a partner were decided with the left.
            Some(_) if side == Side::Right => continue,
            Some(content) => Some(area::matched_of(&content)?),
            None => None,
        };
        partner_keys.extend(matched.iter().map(|(_, id)| id.as_bytes().to_vec()));
        let record = area::unpaired_content(&row.content, deciding.link.shape(side))?.1;
        found.push((record, matched, ambiguous));
    }
    partner_keys.sort();
    let others = store.spilled_of(plan, area::unpaired(place, side.other()), &partner_keys).await?;
    let mut partners: HashMap<Vec<u8>, Versioned> = HashMap::with_capacity(others.len());
    for (key, content) in partner_keys.into_iter().zip(others) {
        if let Some(content) = content {
            let shape = deciding.link.shape(side.other());
            partners.insert(key, area::unpaired_content(&content, shape)?.1);
        }
    }
    Ok(found
        .into_iter()
        .map(|(record, matched, ambiguous)| Candidate {
            record,
            partner: matched.and_then(|(line, id)| Some((line, partners.remove(id.as_bytes())?))),
            ambiguous: ambiguous.map(|line| match line.as_slice() {
                [low, high, ..] => Ambiguity::Several(u16::from_le_bytes([*low, *high])),
                _ => Ambiguity::Several(0),
            }),
        })
        .collect())
}

/// What is open about candidates and the partners that were found for them.
async fn what_is_open(
    deciding: &Deciding<'_>,
    side: Side,
    candidates: &[Candidate],
) -> Result<Vec<Vec<Attention>>> {
    if deciding.quiet {
        return Ok(vec![Vec::new(); candidates.len()]);
    }
    let (store, link) = (deciding.making.store(), &deciding.link.spec().id);
    let ids: Vec<RecordId> = candidates.iter().map(|candidate| candidate.record.id.clone()).collect();
    let mut open = store.attention_of(link, side, &ids).await?;
    let found = candidates.iter().zip(&mut open).filter_map(|(candidate, open)| {
        candidate.partner.as_ref().map(|(_, partner)| (partner.id.clone(), open))
    });
    let (ids, of): (Vec<RecordId>, Vec<&mut Vec<Attention>>) = found.unzip();
    let more = store.attention_of(link, side.other(), &ids).await?;
    of.into_iter().zip(more).for_each(|(open, more)| open.extend(more));
    Ok(open)
}

/// Where reading lags, a record that we deleted can be shown for a while as it was before: it is no new one.
async fn leave_out_deleted(
    deciding: &Deciding<'_>,
    side: Side,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    if candidates.is_empty() || deciding.capabilities.of(side).consistent_read {
        return Ok(());
    }
    let ids: Vec<RecordId> = candidates.iter().map(|candidate| candidate.record.id.clone()).collect();
    let pairs = deciding.making.store().pairs_of(&deciding.link.spec().id, side, &ids).await?;
    let is_deleted = |candidate: &Candidate, pair: Option<Pair>| {
        let ended = pair.filter(|pair| pair.status == PairStatus::Ended);
        ended
            .zip(candidate.record.version.as_ref())
            .is_some_and(|(pair, version)| pair.trail.replaced.of(side).contains(version))
    };
    let known = std::mem::take(candidates).into_iter().zip(pairs);
    let kept = known.filter_map(|(candidate, pair)| (!is_deleted(&candidate, pair)).then_some(candidate));
    candidates.extend(kept);
    Ok(())
}

/// Whether a side's records can have partners that this run did not read: not where the other side was enumerated and
/// nothing was paired before.
fn asks_by_key(deciding: &Deciding<'_>, side: Side) -> bool {
    let pairs_before = deciding.making.pairs_before.get(usize::from(deciding.place)).copied().unwrap_or(0);
    !deciding.pulled.of(side.other()).complete || pairs_before > 0
}

/// Asks the other side by key for partners that this run did not read: records that did not change since, or that
/// have a partner already.
async fn look_up_partners(deciding: &Deciding<'_>, side: Side, candidates: &mut [Candidate]) -> Result<()> {
    if !asks_by_key(deciding, side) {
        return Ok(());
    }
    let mut found_now: Vec<(usize, RecordId)> = Vec::new();
    for (line, spec) in deciding.link.spec().matching.iter().enumerate() {
        let line = u16::try_from(line).unwrap_or(u16::MAX);
        let asking: Vec<usize> = (0..candidates.len())
            .filter(|at| {
                candidates.get(*at).is_some_and(|known| known.partner.is_none() && known.ambiguous.is_none())
            })
            .collect();
        let mut rows = Vec::new();
        let mut asked = Vec::new();
        for at in asking {
            let Some(candidate) = candidates.get(at) else { continue };
            let values = spec.fields.iter().map(|field| {
                match candidate.record.record.field(field.field.of(side).as_str()) {
                    Presence::Value(value) if !value.is_blank() => Some(value.to_value()),
                    _ => None,
                }
            });
            if let Some(values) = values.collect::<Option<Vec<Value>>>() {
                rows.push(values);
                asked.push(at);
            }
        }
        if rows.is_empty() {
            continue;
        }
        let fields: Vec<FieldName> =
            spec.fields.iter().map(|field| field.field.of(side.other()).clone()).collect();
        let by = FetchBy::Key { fields: fields.clone(), values: rows };
        let answers = deciding.fetch(side.other(), by).await?;
        for (at, answer) in asked.into_iter().zip(answers) {
            let ambiguity = match answer {
                Lookup::Found(found) => judge_found(deciding, side.other(), line, found).await?,
                Lookup::Several(found) => {
                    deciding.making.inner.doubt_key(deciding.link, side.other(), &fields, &found);
                    Some(Err(Ambiguity::Several(line)))
                }
                Lookup::Unanswered => Some(Err(Ambiguity::Unanswered(line))),
                Lookup::Gone(_) | Lookup::Hidden => None,
            };
            let Some(candidate) = candidates.get_mut(at) else { continue };
            match ambiguity {
                Some(Ok(found)) => {
                    found_now.push((at, found.id.clone()));
                    candidate.partner = Some((line, found));
                }
                Some(Err(ambiguity)) => candidate.ambiguous = Some(ambiguity),
                None => {}
            }
        }
    }
    one_partner_each(candidates);
    found_once(deciding, side, candidates, found_now).await
}

/// A record that was found for a candidate of an earlier page has its partner: who finds it too is parked. Pages come in
/// the order of ids, so it is the same one in every plan.
async fn found_once(
    deciding: &Deciding<'_>,
    side: Side,
    candidates: &mut [Candidate],
    mut found: Vec<(usize, RecordId)>,
) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    found.sort_by(|(_, one), (_, other)| one.cmp(other));
    let (making, area) = (deciding.making, area::found(deciding.place, side.other()));
    let keys: Vec<Vec<u8>> = found.iter().map(|(_, id)| id.as_bytes().to_vec()).collect();
    let before = making.store().spilled_of(making.plan(), area, &keys).await?;
    let mut rows = Vec::new();
    for ((at, id), before) in found.into_iter().zip(before) {
        if before.is_none() {
            rows.push(area::row(&id, Vec::new()));
            continue;
        }
        let Some(candidate) = candidates.get_mut(at) else { continue };
        if let Some((line, _)) = candidate.partner.take() {
            candidate.ambiguous = Some(Ambiguity::Taken(line, id));
        }
    }
    making.spill(area, rows).await
}

/// A record that was found by key is a partner when it has none, and is in scope.
async fn judge_found(
    deciding: &Deciding<'_>,
    side: Side,
    line: u16,
    found: Versioned,
) -> Result<Option<std::result::Result<Versioned, Ambiguity>>> {
    let ids = [found.id.clone()];
    let mark = deciding.making.store().marks_of(&deciding.link.spec().id, side, &ids).await?;
    Ok(match mark.into_iter().next().flatten() {
        Some(mark) if mark.status != PairStatus::Ended => {
            match gives_up_match(deciding, side, line, &found).await? {
                // What it is matched by it gives up in this plan, and the plan sees to the order.
                true => None,
                false => Some(Err(Ambiguity::Taken(line, found.id))),
            }
        }
        _ if deciding.link.scope_waits(side, &found.record) => Some(Err(Ambiguity::Unseen(Some(line)))),
        _ if deciding.link.scope(side, &found.record) != Truth::In => None,
        _ if survives(deciding, side, &ids).await?.contains(&true) => {
            Some(Err(Ambiguity::Taken(line, found.id)))
        }
        _ => Some(Ok(found)),
    })
}

/// Two candidates of one page that found the same record: both are parked. Of several pages: [`found_once`].
fn one_partner_each(candidates: &mut [Candidate]) {
    let mut times: BTreeMap<RecordId, usize> = BTreeMap::new();
    for (_, partner) in candidates.iter().filter_map(|candidate| candidate.partner.as_ref()) {
        *times.entry(partner.id.clone()).or_default() += 1;
    }
    let several: BTreeSet<RecordId> =
        times.into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| id).collect();
    for candidate in candidates {
        if let Some((line, _)) = candidate.partner.take_if(|(_, partner)| several.contains(&partner.id)) {
            candidate.ambiguous = Some(Ambiguity::Several(line));
        }
    }
}

fn park_ambiguous(
    deciding: &Deciding<'_>,
    side: Side,
    candidate: &Candidate,
    ambiguity: &Ambiguity,
    open: &[Attention],
) -> Option<Entry> {
    let of_line = |line: &u16, message: &str| format!("{message} (match line {})", line + 1);
    let message = match ambiguity {
        Ambiguity::Several(line) => of_line(line, "several records match; none is chosen"),
        Ambiguity::Taken(line, id) => of_line(line, &format!("it matches {id}, which has a partner already")),
        Ambiguity::Unanswered(line) => of_line(line, "the other side did not say whether a record matches"),
        Ambiguity::Unseen(None) => deciding.link.scope_unseen(side),
        Ambiguity::Unseen(Some(line)) => {
            of_line(line, "whether the record that it matches takes part cannot be seen")
        }
        Ambiguity::Unsure => {
            "nothing that is known matches, and the other side is never sure to show all its records"
                .to_owned()
        }
    };
    let remedy = match ambiguity {
        Ambiguity::Several(_) | Ambiguity::Taken(..) => {
            "remove or correct the duplicate; then exactly one record matches"
        }
        Ambiguity::Unseen(_) => "let the integration's account see the records that the scope looks at",
        Ambiguity::Unanswered(_) => "nothing, if the other side answers again: every plan asks it",
        Ambiguity::Unsure => {
            "make the record on the other side, where it is missing; then the two are paired"
        }
    };
    let known = open.iter().any(|attention| {
        matches!(&attention.why, crate::plan::AttentionWhy::Parked { message: shown, .. } if *shown == message)
    });
    if known {
        return None;
    }
    let id = candidate.record.id.clone();
    let parked = Parked {
        side,
        id: Some(id.clone()),
        rules: Vec::new(),
        why: match ambiguity {
            Ambiguity::Unseen(_) => ParkReason::Hidden,
            _ => ParkReason::Ambiguous,
        },
        message,
        remedy: remedy.to_owned(),
    };
    let mut ids = Sides::default();
    *ids.of_mut(side) = Some(id.clone());
    Some(Entry {
        key: EntryKey { rank: Rank::State, link: deciding.place, side, id, part: 0 },
        link: deciding.link.spec().id.clone(),
        ids,
        basis: Basis::default(),
        observed: Sides::default(),
        settles: Bits::new(),
        body: Body::Effect(Effect::Park(parked)),
    })
}
