//! From what was pulled to entries: completes each situation with the other half, the bases and the references, page
//! by page, and asks the plan floor to decide. The doors are [`decide_pairs`], for records without a pair
//! [`super::alone::decide_unpaired`], and [`decide_late`], in this order for a link, the last one when every link went
//! through the first two.

use std::collections::HashMap;

use futures::FutureExt;
use futures::future::try_join_all;
use futures::lock::Mutex;

use crate::connector::{
    AbsenceProof, Capabilities, Capability, FetchBy, FetchQuery, Lookup, Versioned, WriteReturns,
};
use crate::mapper::Resolved;
use crate::merge::CompiledLink;
use crate::model::{Bits, LinkId, Record, RecordId, Result, RuleId, Side, Sides, hex};
use crate::plan::{
    Attention, Body, DecideContext, Decision, Deferred, Effect, Entry, Half, Pair, PairStatus, Reason,
    Resolution, Situation, decide, decide_deferred,
};
use crate::store::{Binding, SpillRow};

use super::area::{self, DeferredRow, Merged, Missing, Upcoming};
use super::circles::part_circles;
use super::keys::{SideKeys, keep_back};
use super::lookup::resolve;
use super::making::{Making, SpillPages};
use super::merging::{AnyMerged, find_merges, give_up_places, merged_of};
use super::older::SameChanges;
use super::progress::{Meter, Phase};
use super::pull::Pulled;

/// Pairs that are completed and decided at once: two records, two bases and their references each.
pub(super) const PAGE_PAIRS: usize = 500;

/// Pages that are decided at once: while one waits for the store, another is worked on.
const PAGES_AT_ONCE: usize = 6;

/// What is the same for every page of a link.
pub(super) struct Deciding<'a> {
    pub(super) making: &'a Making<'a>,
    pub(super) place: u16,
    pub(super) link: &'a CompiledLink,
    pub(super) capabilities: Sides<Capabilities>,
    pub(super) pulled: Sides<Pulled>,
    /// What people decided, by the left record.
    pub(super) resolutions: HashMap<RecordId, Vec<Resolution>>,
    /// The configuration that the state was bound to before, where it is another one.
    pub(super) before: Option<&'a Binding>,
    pub(super) decided: Vec<LinkId>,
    /// Whether nothing is open about any record of the link.
    pub(super) quiet: bool,
    /// See [`DecideContext::rests`].
    pub(super) rests: Bits,
    /// See [`DecideContext::back`].
    pub(super) back: Sides<Bits>,
    pub(super) same_changes: SameChanges,
    pub(super) keys: Sides<SideKeys>,
    pub(super) merged: Sides<AnyMerged>,
}

/// One half of a pair as far as it is known.
enum Seen {
    There(Versioned),
    Survivor(Versioned),
    Merged { into: RecordId, partner: Option<RecordId> },
    Gone(AbsenceProof),
    Hidden,
}

impl Seen {
    fn half(&self) -> Half<'_> {
        match self {
            Seen::There(versioned) => Half::There(versioned),
            Seen::Survivor(versioned) => Half::Survivor(versioned),
            Seen::Merged { into, partner } => Half::Merged { into, partner: partner.as_ref() },
            Seen::Gone(proof) => Half::Gone(proof),
            Seen::Hidden => Half::Hidden,
        }
    }

    fn record(&self) -> Option<&Record> {
        match self {
            Seen::There(versioned) | Seen::Survivor(versioned) => Some(&versioned.record),
            Seen::Merged { .. } | Seen::Gone(_) | Seen::Hidden => None,
        }
    }
}

impl Deciding<'_> {
    pub(super) fn context(&self) -> DecideContext<'_> {
        DecideContext {
            link: self.link,
            place: self.place,
            links: u16::try_from(self.making.inner.links.len()).unwrap_or(u16::MAX),
            reconciler: &*self.making.inner.reconciler,
            capabilities: &self.capabilities,
            configuration: &self.making.inner.configuration,
            deletes: !self.making.reconfigured,
            rests: &self.rests,
            back: &self.back,
            decided: &self.decided,
        }
    }

    pub(super) fn meter(&self, total: Option<u64>) -> Meter<'_> {
        let inner = self.making.inner;
        Meter::begin(&*inner.observer, &*inner.clock, Phase::Decide, Some(&self.link.spec().id), None, total)
    }

    /// Whether a side was read, without lag and without a gap, by a plan that was made after the pair was last touched. That
    /// tells of what could be read: where a side returns what it stores, and did not return this, it may not have shown it
    /// to that plan either. A side whose full reading never is complete begins no feed, and shows each plan a part.
    fn read_since(&self, side: Side, pair: &Pair) -> bool {
        let can = self.capabilities.of(side);
        let whole = can.consistent_read && can.complete_enumeration && (can.low_water || !can.changes);
        let returns = can.write_returns == WriteReturns::Stored;
        whole && !returns && self.making.read_since.is_some_and(|revision| revision >= pair.revision)
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

    pub(super) async fn fetch(&self, side: Side, by: FetchBy) -> Result<Vec<Lookup>> {
        let query = FetchQuery {
            entity: self.link.spec().entity.of(side).clone(),
            shape: self.link.shape(side).clone(),
            by,
        };
        let found = self.making.connector(side).fetch(query).await;
        let mut found = found.map_err(|error| error.at("side", self.making.inner.names.of(side)))?;
        if !self.making.inner.capabilities(self.link, side).gone_not_hidden {
            // What cannot be told apart proves nothing, whatever the connector calls it.
            for gone in found.iter_mut().filter(|found| matches!(found, Lookup::Gone(_))) {
                *gone = Lookup::Hidden;
            }
        }
        Ok(found)
    }

    /// How many pages are decided at once. Where records refer to others of their own entity, be it through another link,
    /// a page sees what those before it provide: the same observations give the same plan only if they come one after the
    /// other.
    pub(super) fn pages_at_once(&self) -> usize {
        let spec = self.link.spec();
        let is_own = |id: &LinkId| {
            let other = self.making.inner.place(id).map(|(_, link)| link.spec());
            other.is_some_and(|other| {
                Side::BOTH.iter().any(|side| other.entity.of(*side) == spec.entity.of(*side))
            })
        };
        if spec.depends_on.iter().any(is_own) { 1 } else { PAGES_AT_ONCE }
    }

    /// What a side says of these records: as pulled, or asked by id.
    async fn seen(&self, side: Side, ids: &[RecordId]) -> Result<Vec<Seen>> {
        let store = self.making.store();
        let plan = self.making.plan();
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
        let changed = store.spilled_of(plan, area::changed(self.place, side), &keys).await?;
        let missing = store.spilled_of(plan, area::missing(self.place, side), &keys).await?;
        let merged = merged_of(self, side, ids).await?;
        let mut seen: Vec<Option<Seen>> = Vec::with_capacity(ids.len());
        let (mut asked, mut passed_over) = (Vec::new(), Vec::new());
        for (((id, changed), missing), merged) in ids.iter().zip(changed).zip(missing).zip(merged) {
            let missing = missing.map(|content| Missing::decode(id, &content)).transpose()?;
            if let Some(merged) = merged {
                seen.push(Some(match merged {
                    Merged::GoesOn(survivor) => Seen::Survivor(*survivor),
                    Merged::Asks { into, partner } => Seen::Merged { into, partner },
                }));
                continue;
            }
            seen.push(match (changed, missing) {
                (_, Some(Missing::Tombstone(tombstone))) => Some(Seen::Gone(tombstone.into())),
                (Some(content), _) => Some(Seen::There(area::versioned(&content, self.link.shape(side))?)),
                (None, missing) => {
                    passed_over.push(missing.is_some());
                    asked.push(id.clone());
                    None
                }
            });
        }
        let answers = match asked.is_empty() {
            true => Vec::new(),
            false => self.fetch(side, FetchBy::Ids(asked)).await?,
        };
        if self.pulled.of(side).complete && passed_over.contains(&true) {
            self.doubt_reading(side, &answers, &passed_over).await?;
        }
        let mut answers = answers.into_iter();
        let settle = |seen: Option<Seen>| {
            seen.unwrap_or_else(|| match answers.next() {
                Some(Lookup::Found(versioned)) => Seen::There(versioned),
                Some(Lookup::Gone(proof)) => Seen::Gone(proof.into()),
                Some(Lookup::Hidden | Lookup::Several(_) | Lookup::Unanswered) | None => Seen::Hidden,
            })
        };
        Ok(seen.into_iter().map(settle).collect())
    }

    /// A record that a complete reading passed over, and that is there as it was, was left out: no capability of
    /// reading everything.
    async fn doubt_reading(&self, side: Side, answers: &[Lookup], passed_over: &[bool]) -> Result<()> {
        let found = answers.iter().zip(passed_over).filter(|(_, passed_over)| **passed_over);
        let found: Vec<&Versioned> = found
            .filter_map(|(answer, _)| match answer {
                Lookup::Found(versioned) => Some(versioned),
                _ => None,
            })
            .collect();
        let ids: Vec<RecordId> = found.iter().map(|versioned| versioned.id.clone()).collect();
        let marks = self.making.store().marks_of(&self.link.spec().id, side, &ids).await?;
        for (found, mark) in found.into_iter().zip(marks) {
            let print = self.link.fingerprint(side, &found.record);
            // One that changed may have come back in between.
            if mark.is_some_and(|mark| *mark.fingerprint.of(side) == print) {
                let message = format!("record {} is there, and a complete reading did not show it", found.id);
                self.making.inner.doubt(self.link, side, Capability::CompleteEnumeration, &message);
                return Ok(());
            }
        }
        Ok(())
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
    pub(super) async fn put(&self, page: Page) -> Result<()> {
        let Page { entries, upcoming, deferred } = page;
        for side in Side::BOTH {
            let rows = upcoming.iter().filter(|(of, ..)| *of == side);
            let rows = rows.map(|(_, id, coming)| area::row(id, coming.encode())).collect();
            self.making.spill(area::upcoming(self.place, side), rows).await?;
        }
        let deferred = deferred.iter().map(DeferredRow::encode).collect::<Result<Vec<_>>>()?;
        self.making.spill(area::deferred(self.place), deferred).await?;
        let entries = keep_back(self, entries).await?;
        self.making.put_entries(entries).await
    }

    /// Adds a decision to a page: its entries, the partners that they provide to other links, and what must wait.
    pub(super) fn gather(
        &self,
        page: &mut Page,
        decision: Decision,
        halves: &Sides<Option<&Versioned>>,
        is_referred_to: bool,
    ) {
        let Decision { entries, deferred, refused: _ } = decision;
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
        (Body::Effect(Effect::Thaw), Sides { left: Some(left), right: Some(right) }) => vec![
            (Side::Left, left.clone(), Upcoming::There(right.clone())),
            (Side::Right, right.clone(), Upcoming::There(left.clone())),
        ],
        (body, Sides { left: Some(left), right: Some(right) }) if leaves_scope(body) => vec![
            (Side::Left, left.clone(), Upcoming::Resting(right.clone())),
            (Side::Right, right.clone(), Upcoming::Resting(left.clone())),
        ],
        (Body::Act(action), ids) if action.verb == crate::plan::PlannedVerb::Create => {
            let from = action.side.other();
            ids.of(from).iter().map(|id| (from, id.clone(), Upcoming::Created(action.id))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a pair rests once the entry is applied, because one of its records left the scope.
fn leaves_scope(body: &Body) -> bool {
    match body {
        Body::Effect(effect) => matches!(effect, Effect::Freeze { .. }),
        Body::Act(action) => action.reason == Reason::PartnerLeftScope,
    }
}

/// What was decided about some records and is not in the draft yet.
#[derive(Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    upcoming: Vec<(Side, RecordId, Upcoming)>,
    deferred: Vec<DeferredRow>,
}

/// Decides every pair that something nominated; gives back how many were looked at.
pub(super) async fn decide_pairs(deciding: &Deciding<'_>) -> Result<u64> {
    let making = deciding.making;
    find_merges(deciding).await?;
    let referred = making.is_referred_to(&deciding.link.spec().id);
    let mut meter = deciding.meter(None);
    let looked_at = {
        let pages = SpillPages::new(making, area::look(deciding.place), PAGE_PAIRS);
        let reading = Mutex::new((pages, &mut meter));
        let each = (0..deciding.pages_at_once()).map(|_| decide_pages(deciding, referred, &reading).boxed());
        try_join_all(each).await?.into_iter().sum()
    };
    meter.end();
    Ok(looked_at)
}

/// Decides page after page until none is left, beside others that do the same; gives back how many pairs there were.
async fn decide_pages(
    deciding: &Deciding<'_>,
    referred: bool,
    reading: &Mutex<(SpillPages<'_>, &mut Meter<'_>)>,
) -> Result<u64> {
    let mut looked_at = 0;
    loop {
        deciding.making.pulse().await?;
        let page = {
            let mut reading = reading.lock().await;
            let (reading, meter) = &mut *reading;
            let Some(page) = reading.next().await? else { return Ok(looked_at) };
            meter.add(page.len());
            page
        };
        looked_at += decide_page(deciding, page, referred).await?;
    }
}

/// Decides a page; gives back how many pairs it had.
async fn decide_page(deciding: &Deciding<'_>, rows: Vec<SpillRow>, referred: bool) -> Result<u64> {
    let ids = rows.iter().map(|row| area::id_of(&row.key)).collect::<Result<Vec<_>>>()?;
    let pairs = deciding.making.store().pairs_of(&deciding.link.spec().id, Side::Left, &ids).await?;
    let pairs = pairs.into_iter().flatten().filter(|pair| pair.status != PairStatus::Ended);
    let pairs: Vec<Pair> = pairs.map(|pair| pair.as_read_by(deciding.link)).collect();
    let ids = |side: Side| pairs.iter().map(|pair| pair.ids.of(side).clone()).collect::<Vec<_>>();
    let left = deciding.seen(Side::Left, &ids(Side::Left)).await?;
    let right = deciding.seen(Side::Right, &ids(Side::Right)).await?;
    let records: Vec<(Side, &Record)> = left
        .iter()
        .filter_map(|seen| seen.record().map(|record| (Side::Left, record)))
        .chain(right.iter().filter_map(|seen| seen.record().map(|record| (Side::Right, record))))
        .collect();
    let resolved = resolve(deciding.making, deciding.link, &records).await?;
    let open = deciding.open(&pairs.iter().collect::<Vec<_>>()).await?;
    let context = deciding.context();
    let (mut page, mut no_place) = (Page::default(), Vec::new());
    for ((pair, left), right) in pairs.iter().zip(&left).zip(&right) {
        let rebased = deciding.rebased(pair);
        let decided = deciding.resolutions.get(&pair.ids.left).into_iter().flatten();
        let resolutions: Vec<Resolution> =
            decided.filter(|resolution| resolution.ids == pair.ids).cloned().collect();
        let situation = Situation {
            pair: Some(pair),
            line: None,
            half: Sides::new(left.half(), right.half()),
            resolved: Sides::new(&resolved, &resolved),
            rebased: &rebased,
            resolutions: &resolutions,
            open: match is_relinked(left, right) {
                // What is open about the former records ends with them; what still is opens anew.
                true => &[],
                false => open.get(&pair.ids.left).map(Vec::as_slice).unwrap_or_default(),
            },
            read_since: Sides::new(
                deciding.read_since(Side::Left, pair),
                deciding.read_since(Side::Right, pair),
            ),
            check_all: deciding.making.inner.options.check_all || deciding.making.reconfigured,
        };
        let halves = Sides::new(there(left), there(right));
        if !is_relinked(left, right) {
            no_place.extend(survivor(left).map(|id| (Side::Left, id)));
            no_place.extend(survivor(right).map(|id| (Side::Right, id)));
        }
        let decision = decide(&context, &situation);
        deciding.same_changes.see(deciding.link, pair, &halves, &decision);
        deciding.gather(&mut page, decision, &halves, referred);
    }
    give_up_places(deciding, no_place).await?;
    part_circles(deciding, &mut page.entries).await?;
    deciding.put(page).await?;
    Ok(pairs.len() as u64)
}

fn survivor(seen: &Seen) -> Option<RecordId> {
    match seen {
        Seen::Survivor(versioned) => Some(versioned.id.clone()),
        Seen::There(_) | Seen::Merged { .. } | Seen::Gone(_) | Seen::Hidden => None,
    }
}

fn there(seen: &Seen) -> Option<&Versioned> {
    match seen {
        Seen::There(versioned) | Seen::Survivor(versioned) => Some(versioned),
        Seen::Merged { .. } | Seen::Gone(_) | Seen::Hidden => None,
    }
}

fn is_relinked(left: &Seen, right: &Seen) -> bool {
    let survives = survivor(left).is_some() || survivor(right).is_some();
    survives && there(left).is_some() && there(right).is_some()
}

/// Carries what had to wait until every link was decided.
pub(super) async fn decide_late(deciding: &Deciding<'_>) -> Result<u64> {
    let making = deciding.making;
    let shapes = [deciding.link.shape(Side::Left), deciding.link.shape(Side::Right)];
    let mut decided = 0;
    let mut reading = SpillPages::new(making, area::deferred(deciding.place), PAGE_PAIRS);
    while let Some(rows) = reading.next().await? {
        making.pulse().await?;
        let late = rows.iter().map(|row| DeferredRow::decode(row, shapes)).collect::<Result<Vec<_>>>()?;
        decided += late.len() as u64;
        let asked: Vec<_> = late.iter().map(|row| (row.to.other(), &row.source.record)).collect();
        let resolved: Resolved = resolve(making, deciding.link, &asked).await?;
        let context = deciding.context();
        let mut entries = Vec::new();
        for row in &late {
            let pair = late_pair(deciding, row).await?;
            let target = row.target.as_ref();
            let deferred = Deferred {
                group: usize::from(row.group),
                to: row.to,
                creates: row.creates,
                // A row that neither has a target nor makes one is of two records that both hold a value.
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
        part_circles(deciding, &mut entries).await?;
        making.put_entries(entries).await?;
    }
    Ok(decided)
}

async fn late_pair(deciding: &Deciding<'_>, row: &DeferredRow) -> Result<Option<Pair>> {
    // A record that this plan makes has no pair yet.
    if row.creates.is_some() {
        return Ok(None);
    }
    let ids = [row.source.id.clone()];
    let pairs = deciding.making.store().pairs_of(&deciding.link.spec().id, row.to.other(), &ids).await?;
    let pair = pairs.into_iter().next().flatten().filter(|pair| pair.status != PairStatus::Ended);
    Ok(pair.map(|pair| pair.as_read_by(deciding.link)))
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
