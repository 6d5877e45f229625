//! From what was pulled to entries: completes each situation with the other half, the bases and the references, page
//! by page, and asks the plan floor to decide. The doors are [`decide_pairs`], [`decide_unpaired`] and
//! [`decide_late`], in this order for a link, the last one when every link went through the first two.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::connector::{AbsenceProof, Capabilities, FetchBy, FetchQuery, Lookup, Versioned};
use crate::mapper::Resolved;
use crate::merge::CompiledLink;
use crate::model::{Bits, FieldName, Presence, Record, RecordId, Result, RuleId, Side, Sides, Truth, Value};
use crate::plan::{
    Attention, Basis, Body, DecideContext, Decision, Deferred, Effect, Entry, EntryKey, Half, Pair,
    PairStatus, ParkReason, Parked, Rank, Resolution, Situation, decide, decide_deferred,
};
use crate::store::{Binding, Scan};

use super::area::{self, DeferredRow, Missing, Upcoming};
use super::integration::hex;
use super::lookup::resolve;
use super::making::Making;
use super::progress::{Meter, Phase};
use super::pull::Pulled;

/// Pairs that are completed and decided at once: two records, two bases and their references each.
const PAGE_PAIRS: usize = 500;

/// What is the same for every page of a link.
pub(super) struct Deciding<'a> {
    pub(super) making: &'a Making<'a>,
    pub(super) place: u16,
    pub(super) link: &'a CompiledLink,
    pub(super) capabilities: Sides<Capabilities>,
    pub(super) pulled: Sides<Pulled>,
    pub(super) resolutions: Vec<Resolution>,
    /// The configuration that the state was bound to before, where it is another one.
    pub(super) before: Option<&'a Binding>,
    pub(super) decided: Vec<crate::model::LinkId>,
}

/// One half of a pair as far as it is known.
enum Seen {
    There(Versioned),
    Gone(AbsenceProof),
    Hidden,
}

impl Seen {
    fn half(&self) -> Half<'_> {
        match self {
            Seen::There(versioned) => Half::There(versioned),
            Seen::Gone(proof) => Half::Gone(proof),
            Seen::Hidden => Half::Hidden,
        }
    }

    fn record(&self) -> Option<&Record> {
        match self {
            Seen::There(versioned) => Some(&versioned.record),
            Seen::Gone(_) | Seen::Hidden => None,
        }
    }
}

impl Deciding<'_> {
    fn context(&self) -> DecideContext<'_> {
        DecideContext {
            link: self.link,
            place: self.place,
            links: u16::try_from(self.making.inner.links.len()).unwrap_or(u16::MAX),
            reconciler: &*self.making.inner.reconciler,
            capabilities: &self.capabilities,
            configuration: &self.making.inner.configuration,
            deletes: !self.making.reconfigured,
            decided: &self.decided,
        }
    }

    fn meter(&self, total: Option<u64>) -> Meter<'_> {
        let inner = self.making.inner;
        Meter::begin(&*inner.observer, &*inner.clock, Phase::Decide, Some(&self.link.spec().id), None, total)
    }

    /// Groups of a pair whose bases are of rules that are not what they were.
    fn rebased(&self, pair: &Pair) -> Bits {
        let Some(before) = self.before.filter(|_| pair.configuration != self.making.inner.configuration)
        else {
            return Bits::new();
        };
        let link_id = &self.link.spec().id;
        let digest = |rule: &RuleId| {
            let known = before.rules.iter().find(|(link, id, _)| link == link_id && id == rule);
            known.map(|(_, _, digest)| digest.as_str())
        };
        let changed = |rules: &[crate::model::RuleIndex]| {
            rules
                .iter()
                .filter_map(|rule| self.link.rules().get(usize::from(rule.0)))
                .any(|rule| digest(&rule.id) != Some(hex(&rule.digest).as_str()))
        };
        let groups = self.link.groups().iter().enumerate();
        groups.filter(|(_, group)| changed(&group.rules)).map(|(place, _)| place).collect()
    }

    async fn fetch(&self, side: Side, by: FetchBy) -> Result<Vec<Lookup>> {
        let query = FetchQuery {
            entity: self.link.spec().entity.of(side).clone(),
            shape: self.link.shape(side).clone(),
            by,
        };
        let found = self.making.connector(side).fetch(query).await;
        found.map_err(|error| error.at("side", self.making.inner.names.of(side)))
    }

    /// What a side says of these records: as pulled, or asked by id.
    async fn seen(&self, side: Side, ids: &[RecordId]) -> Result<Vec<Seen>> {
        let store = self.making.store();
        let plan = self.making.plan();
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        let changed = store.spilled_of(plan, area::changed(self.place, side), &keys).await?;
        let missing = store.spilled_of(plan, area::missing(self.place, side), &keys).await?;
        let mut seen: Vec<Option<Seen>> = Vec::with_capacity(ids.len());
        let mut asked = Vec::new();
        for ((id, changed), missing) in ids.iter().zip(changed).zip(missing) {
            let missing = missing.map(|content| Missing::decode(id, &content)).transpose()?;
            seen.push(match (changed, missing) {
                (_, Some(Missing::Tombstone(tombstone))) => Some(Seen::Gone(tombstone.into())),
                (Some(content), _) => Some(Seen::There(area::versioned(&content, self.link.shape(side))?)),
                (None, _) => {
                    asked.push(id.clone());
                    None
                }
            });
        }
        let mut answers = match asked.is_empty() {
            true => Vec::new(),
            false => self.fetch(side, FetchBy::Ids(asked)).await?,
        }
        .into_iter();
        let settle = |seen: Option<Seen>| {
            seen.unwrap_or_else(|| match answers.next() {
                Some(Lookup::Found(versioned)) => Seen::There(versioned),
                Some(Lookup::Gone(proof)) => Seen::Gone(proof.into()),
                Some(Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered) | None => Seen::Hidden,
            })
        };
        Ok(seen.into_iter().map(settle).collect())
    }

    /// What is open about pairs, by left id; asked only for those that are marked.
    async fn open(&self, pairs: &[&Pair]) -> Result<HashMap<RecordId, Vec<Attention>>> {
        let mut open: HashMap<RecordId, Vec<Attention>> = HashMap::new();
        let watched: Vec<&&Pair> = pairs.iter().filter(|pair| pair.watch).collect();
        if watched.is_empty() {
            return Ok(open);
        }
        for side in Side::BOTH {
            let ids: Vec<RecordId> = watched.iter().map(|pair| pair.ids.of(side).clone()).collect();
            let found = self.making.store().attention_of(&self.link.spec().id, side, &ids).await?;
            for (pair, found) in watched.iter().zip(found) {
                open.entry(pair.ids.left.clone()).or_default().extend(found);
            }
        }
        Ok(open)
    }

    /// Writes a page of decisions into the draft.
    async fn put(&self, page: Page) -> Result<()> {
        let Page { entries, upcoming, deferred } = page;
        for side in Side::BOTH {
            let rows = upcoming.iter().filter(|(of, ..)| *of == side);
            let rows = rows.map(|(_, id, coming)| area::row(id, coming.encode())).collect();
            self.making.spill(area::upcoming(self.place, side), rows).await?;
        }
        let deferred = deferred.iter().map(DeferredRow::encode).collect::<Result<Vec<_>>>()?;
        self.making.spill(area::deferred(self.place), deferred).await?;
        self.making.put_entries(entries).await
    }

    fn gather(
        &self,
        page: &mut Page,
        decision: Decision,
        halves: &Sides<Option<&Versioned>>,
        is_referred_to: bool,
    ) {
        let Decision { entries, deferred } = decision;
        for Deferred { group, to, creates, contested } in deferred {
            let Some(source) = halves.of(to.other()) else { continue };
            page.deferred.push(DeferredRow {
                group: u16::try_from(group).unwrap_or(u16::MAX),
                to,
                creates,
                source: (*source).clone(),
                target: halves.of(to).filter(|_| !contested).cloned(),
            });
        }
        for entry in entries {
            if is_referred_to {
                page.upcoming.extend(upcoming_of(&entry));
            }
            page.entries.push(entry);
        }
    }
}

/// The partners that an entry provides, for both sides.
fn upcoming_of(entry: &Entry) -> Vec<(Side, RecordId, Upcoming)> {
    match (&entry.body, &entry.ids) {
        (Body::Effect(Effect::Link { .. }), Sides { left: Some(left), right: Some(right) }) => vec![
            (Side::Left, left.clone(), Upcoming::There(right.clone())),
            (Side::Right, right.clone(), Upcoming::There(left.clone())),
        ],
        (Body::Act(action), ids) if action.verb == crate::plan::PlannedVerb::Create => {
            let from = action.side.other();
            ids.of(from).iter().map(|id| (from, id.clone(), Upcoming::Created(action.id))).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Default)]
struct Page {
    entries: Vec<Entry>,
    upcoming: Vec<(Side, RecordId, Upcoming)>,
    deferred: Vec<DeferredRow>,
}

/// Decides every pair that something nominated; gives back how many were looked at.
pub(super) async fn decide_pairs(deciding: &Deciding<'_>) -> Result<u64> {
    let making = deciding.making;
    let referred = making.is_referred_to(&deciding.link.spec().id);
    let mut meter = deciding.meter(None);
    let mut after = None;
    let mut looked_at = 0;
    loop {
        making.pulse().await?;
        let scan = Scan { after, rows_max: PAGE_PAIRS };
        let rows = making.store().spilled(making.plan(), area::look(deciding.place), scan).await?;
        after = rows.rows.last().map(|row| row.key.clone());
        let ids = rows.rows.iter().map(|row| area::id_of(&row.key)).collect::<Result<Vec<_>>>()?;
        let pairs = making.store().pairs_of(&deciding.link.spec().id, Side::Left, &ids).await?;
        let pairs: Vec<Pair> =
            pairs.into_iter().flatten().filter(|pair| pair.status != PairStatus::Ended).collect();
        looked_at += pairs.len() as u64;
        meter.add(pairs.len());
        decide_page(deciding, &pairs, referred).await?;
        if !rows.more {
            break;
        }
    }
    meter.end();
    Ok(looked_at)
}

async fn decide_page(deciding: &Deciding<'_>, pairs: &[Pair], referred: bool) -> Result<()> {
    let ids = |side: Side| pairs.iter().map(|pair| pair.ids.of(side).clone()).collect::<Vec<_>>();
    let left = deciding.seen(Side::Left, &ids(Side::Left)).await?;
    let right = deciding.seen(Side::Right, &ids(Side::Right)).await?;
    let records = left
        .iter()
        .filter_map(|seen| seen.record().map(|record| (Side::Left, record)))
        .chain(right.iter().filter_map(|seen| seen.record().map(|record| (Side::Right, record))));
    let resolved = resolve(deciding.making, deciding.link, records).await?;
    let open = deciding.open(&pairs.iter().collect::<Vec<_>>()).await?;
    let context = deciding.context();
    let mut page = Page::default();
    for ((pair, left), right) in pairs.iter().zip(&left).zip(&right) {
        let rebased = deciding.rebased(pair);
        let resolutions: Vec<Resolution> =
            deciding.resolutions.iter().filter(|resolution| resolution.ids == pair.ids).cloned().collect();
        let situation = Situation {
            pair: Some(pair),
            line: None,
            half: Sides::new(left.half(), right.half()),
            resolved: Sides::new(&resolved, &resolved),
            rebased: &rebased,
            resolutions: &resolutions,
            open: open.get(&pair.ids.left).map(Vec::as_slice).unwrap_or_default(),
            check_all: deciding.making.inner.options.check_all || deciding.making.reconfigured,
        };
        let halves = Sides::new(there(left), there(right));
        deciding.gather(&mut page, decide(&context, &situation), &halves, referred);
    }
    deciding.put(page).await
}

fn there(seen: &Seen) -> Option<&Versioned> {
    match seen {
        Seen::There(versioned) => Some(versioned),
        Seen::Gone(_) | Seen::Hidden => None,
    }
}

/// Decides the records that have no pair: new pairs, creates, parked groups.
pub(super) async fn decide_unpaired(deciding: &Deciding<'_>) -> Result<()> {
    let total = u64::from(deciding.pulled.left.unpaired) + u64::from(deciding.pulled.right.unpaired);
    let mut meter = deciding.meter(Some(total));
    for side in Side::BOTH {
        let mut after = None;
        loop {
            deciding.making.pulse().await?;
            let scan = Scan { after, rows_max: PAGE_PAIRS };
            let unpaired = area::unpaired(deciding.place, side);
            let rows = deciding.making.store().spilled(deciding.making.plan(), unpaired, scan).await?;
            after = rows.rows.last().map(|row| row.key.clone());
            let shape = deciding.link.shape(side);
            let records = rows.rows.iter().map(|row| Ok(area::unpaired_content(&row.content, shape)?.1));
            let records = records.collect::<Result<Vec<_>>>()?;
            meter.add(records.len());
            decide_unpaired_page(deciding, side, records).await?;
            if !rows.more {
                break;
            }
        }
    }
    meter.end();
    Ok(())
}

/// What is known of a record without a pair before it is decided.
struct Candidate {
    record: Versioned,
    partner: Option<(u16, Versioned)>,
    ambiguous: Option<Ambiguity>,
}

enum Ambiguity {
    /// It matches several by this line.
    Several(u16),
    /// The record that it matches has a partner.
    Taken(u16, RecordId),
    /// The other side did not say whether it has a match by this line: creating one now could be a duplicate.
    Unanswered(u16),
}

async fn decide_unpaired_page(deciding: &Deciding<'_>, side: Side, records: Vec<Versioned>) -> Result<()> {
    let making = deciding.making;
    let mut candidates = candidates(deciding, side, records).await?;
    if side == Side::Right {
        // Those with a partner were decided with the left.
        candidates.retain(|candidate| candidate.partner.is_none());
    }
    look_up_partners(deciding, side, &mut candidates).await?;
    let asked = candidates.iter().filter(|candidate| candidate.ambiguous.is_none()).flat_map(|candidate| {
        let partner = candidate.partner.iter().map(|(_, partner)| (side.other(), &partner.record));
        std::iter::once((side, &candidate.record.record)).chain(partner)
    });
    let resolved = resolve(making, deciding.link, asked).await?;
    let ids: Vec<RecordId> = candidates.iter().map(|candidate| candidate.record.id.clone()).collect();
    let open = making.store().attention_of(&deciding.link.spec().id, side, &ids).await?;
    let context = deciding.context();
    let referred = making.is_referred_to(&deciding.link.spec().id);
    let may_create = deciding.pulled.of(side.other()).complete || knows_all(deciding, side.other());
    let mut page = Page::default();
    for (candidate, open) in candidates.iter().zip(&open) {
        if let Some(ambiguity) = &candidate.ambiguous {
            page.entries.extend(park_ambiguous(deciding, side, candidate, ambiguity, open));
            continue;
        }
        let Candidate { record, partner, .. } = candidate;
        if partner.is_none() && !may_create {
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
            check_all: false,
        };
        let mut halves = Sides::default();
        *halves.of_mut(side) = Some(record);
        *halves.of_mut(side.other()) = other;
        deciding.gather(&mut page, decide(&context, &situation), &halves, referred);
    }
    deciding.put(page).await
}

/// Whether a side was enumerated to its end by an earlier run, and its changes have been read since.
fn knows_all(deciding: &Deciding<'_>, side: Side) -> bool {
    let pulled = deciding.pulled.of(side);
    !pulled.full && pulled.feed.enumerated_at.is_some()
}

async fn candidates(deciding: &Deciding<'_>, side: Side, records: Vec<Versioned>) -> Result<Vec<Candidate>> {
    let (store, plan, place) = (deciding.making.store(), deciding.making.plan(), deciding.place);
    let keys: Vec<Vec<u8>> = records.iter().map(|record| record.id.as_bytes().to_vec()).collect();
    let matched = store.spilled_of(plan, area::matched(place, side), &keys).await?;
    let ambiguous = store.spilled_of(plan, area::ambiguous(place, side), &keys).await?;
    let matched =
        matched.into_iter().map(|content| content.map(|content| area::matched_of(&content)).transpose());
    let matched = matched.collect::<Result<Vec<_>>>()?;
    let mut partner_keys: Vec<Vec<u8>> =
        matched.iter().flatten().map(|(_, id)| id.as_bytes().to_vec()).collect();
    partner_keys.sort();
    let others = store.spilled_of(plan, area::unpaired(place, side.other()), &partner_keys).await?;
    let mut partners: HashMap<Vec<u8>, Versioned> = HashMap::with_capacity(others.len());
    for (key, content) in partner_keys.into_iter().zip(others) {
        if let Some(content) = content {
            let shape = deciding.link.shape(side.other());
            partners.insert(key, area::unpaired_content(&content, shape)?.1);
        }
    }
    let rows = records.into_iter().zip(matched).zip(ambiguous);
    Ok(rows
        .map(|((record, matched), ambiguous)| Candidate {
            record,
            partner: matched.and_then(|(line, id)| Some((line, partners.remove(id.as_bytes())?))),
            ambiguous: ambiguous.map(|line| match line.as_slice() {
                [low, high, ..] => Ambiguity::Several(u16::from_le_bytes([*low, *high])),
                _ => Ambiguity::Several(0),
            }),
        })
        .collect())
}

/// Asks the other side by key for partners that this run did not read: records that did not change since, or that
/// have a partner already. Not needed where the other side was enumerated and nothing was paired before.
async fn look_up_partners(deciding: &Deciding<'_>, side: Side, candidates: &mut [Candidate]) -> Result<()> {
    let pairs_before = deciding.making.pairs_before.get(usize::from(deciding.place)).copied().unwrap_or(0);
    if deciding.pulled.of(side.other()).complete && pairs_before == 0 {
        return Ok(());
    }
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
        let answers = deciding.fetch(side.other(), FetchBy::Key { fields, values: rows }).await?;
        for (at, answer) in asked.into_iter().zip(answers) {
            let ambiguity = match answer {
                Lookup::Found(found) => judge_found(deciding, side.other(), line, found).await?,
                Lookup::Several(_) => Some(Err(Ambiguity::Several(line))),
                Lookup::Unanswered => Some(Err(Ambiguity::Unanswered(line))),
                Lookup::Gone(_) | Lookup::Hidden => None,
            };
            let Some(candidate) = candidates.get_mut(at) else { continue };
            match ambiguity {
                Some(Ok(found)) => candidate.partner = Some((line, found)),
                Some(Err(ambiguity)) => candidate.ambiguous = Some(ambiguity),
                None => {}
            }
        }
    }
    one_partner_each(candidates);
    Ok(())
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
        Some(mark) if mark.status != PairStatus::Ended => Some(Err(Ambiguity::Taken(line, found.id))),
        _ if deciding.link.scope(side, &found.record) != Truth::In => None,
        _ => Some(Ok(found)),
    })
}

/// Two candidates of one page that found the same record: both are parked.
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
    let (line, message) = match ambiguity {
        Ambiguity::Several(line) => (line, "several records match; none is chosen".to_owned()),
        Ambiguity::Taken(line, id) => (line, format!("it matches {id}, which has a partner already")),
        Ambiguity::Unanswered(line) => {
            (line, "the other side did not say whether a record matches".to_owned())
        }
    };
    let message = format!("{message} (match line {})", line + 1);
    let remedy = match ambiguity {
        Ambiguity::Several(_) | Ambiguity::Taken(..) => {
            "remove or correct the duplicate; then exactly one record matches"
        }
        Ambiguity::Unanswered(_) => "nothing, if the other side answers again: every plan asks it",
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
        why: ParkReason::Ambiguous,
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

/// Carries what had to wait until every link was decided.
pub(super) async fn decide_late(deciding: &Deciding<'_>) -> Result<u64> {
    let making = deciding.making;
    let shapes = [deciding.link.shape(Side::Left), deciding.link.shape(Side::Right)];
    let mut after = None;
    let mut decided = 0;
    loop {
        making.pulse().await?;
        let scan = Scan { after, rows_max: PAGE_PAIRS };
        let rows = making.store().spilled(making.plan(), area::deferred(deciding.place), scan).await?;
        after = rows.rows.last().map(|row| row.key.clone());
        let late =
            rows.rows.iter().map(|row| DeferredRow::decode(row, shapes)).collect::<Result<Vec<_>>>()?;
        decided += late.len() as u64;
        let asked = late.iter().map(|row| (row.to.other(), &row.source.record));
        let resolved: Resolved = resolve(making, deciding.link, asked).await?;
        let context = deciding.context();
        let mut entries = Vec::new();
        for row in &late {
            let pair = late_pair(deciding, row).await?;
            let target = row.target.as_ref();
            let deferred = Deferred {
                group: usize::from(row.group),
                to: row.to,
                creates: row.creates,
                // A row that neither has a target nor makes one is only counted.
                contested: target.is_none() && row.creates.is_none(),
            };
            let open = late_open(deciding, row).await?;
            entries.extend(decide_deferred(
                &context,
                &deferred,
                &row.source,
                target,
                pair.as_ref(),
                &resolved,
                &open,
            ));
        }
        making.put_entries(entries).await?;
        if !rows.more {
            return Ok(decided);
        }
    }
}

async fn late_pair(deciding: &Deciding<'_>, row: &DeferredRow) -> Result<Option<Pair>> {
    if row.target.is_none() {
        return Ok(None);
    }
    let ids = [row.source.id.clone()];
    let pairs = deciding.making.store().pairs_of(&deciding.link.spec().id, row.to.other(), &ids).await?;
    Ok(pairs.into_iter().next().flatten().filter(|pair| pair.status != PairStatus::Ended))
}

/// What is open about the records of a group that waited: what is parked already is not parked again.
async fn late_open(deciding: &Deciding<'_>, row: &DeferredRow) -> Result<Vec<Attention>> {
    let (store, link) = (deciding.making.store(), &deciding.link.spec().id);
    let mut open = Vec::new();
    for (side, record) in [(row.to.other(), Some(&row.source)), (row.to, row.target.as_ref())] {
        let Some(record) = record else { continue };
        let found = store.attention_of(link, side, std::slice::from_ref(&record.id)).await?;
        open.extend(found.into_iter().flatten());
    }
    Ok(open)
}
