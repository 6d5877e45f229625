//! The store in memory: the reference that other stores are compared with. Simple, complete, not durable.
//!
//! Everything is in ordered maps behind one lock; a call checks all it may refuse, then changes the maps, so that a
//! refused call changes nothing. It does not know files. Its door is [`MemoryStore::new`].

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound as Until;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::port::{
    Approval, Area, Attention, AttentionKind, Binding, Bound, Commit, EntryParts, EntryRow, EntryState,
    JournalLine, Lease, Mark, PageOf, Pair, PairStatus, Pause, PlanRow, PlanState, Resolution, Scan, SealKey,
    SpillRow, StateStore,
};
use super::refuse;
use crate::clock::Clock;
use crate::model::{LinkId, PartitionId, PlanId, RecordId, Result, RuleId, Side, Sides, Timestamp};
use crate::plan::{Entry, EntryKey, Feed, PlanHead, Trailer};

/// A store in memory. Everything is lost when it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

type Ids = (RecordId, RecordId);
type AttentionKey = (Side, RecordId, AttentionKind, Vec<RuleId>);

#[derive(Debug)]
struct State {
    seal_key: SealKey,
    revision: u64,
    binding: Option<Binding>,
    partitions: BTreeMap<PartitionId, (u64, Option<refuse::Holder>)>,
    links: BTreeMap<LinkId, LinkState>,
    plans: BTreeMap<PlanId, PlanKept>,
    pause: Option<Pause>,
    journal: Vec<JournalLine>,
}

#[derive(Debug, Default)]
struct LinkState {
    pairs: BTreeMap<Ids, Pair>,
    by_right: BTreeSet<Ids>,
    feeds: BTreeMap<Side, Feed>,
    attention: BTreeMap<AttentionKey, Attention>,
    resolutions: BTreeMap<(RecordId, RecordId, RuleId), Resolution>,
}

#[derive(Debug)]
struct PlanKept {
    row: PlanRow,
    entries: BTreeMap<EntryKey, EntryRow>,
    spill: BTreeMap<Area, BTreeMap<Vec<u8>, Vec<u8>>>,
    ended_at: Option<Timestamp>,
}

impl MemoryStore {
    /// An empty store whose leases end by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            seal_key: SealKey(random_key()),
            revision: 0,
            binding: None,
            partitions: BTreeMap::new(),
            links: BTreeMap::new(),
            plans: BTreeMap::new(),
            pause: None,
            journal: Vec::new(),
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// Forgets plans that ended before a moment, with their entries: pairs and journal stay. Returns how many.
    pub fn prune(&self, before: Timestamp) -> usize {
        let mut state = self.lock();
        let known = state.plans.len();
        state.plans.retain(|_, plan| plan.ended_at.is_none_or(|at| at >= before));
        known - state.plans.len()
    }

    /// What a crash of the process does to a store that keeps the rest: drafts and leases are gone.
    #[cfg(test)]
    pub(super) fn crash(&self) {
        let mut state = self.lock();
        state.plans.retain(|_, plan| plan.row.state != PlanState::Draft);
        state.partitions.values_mut().for_each(|(_, holder)| *holder = None);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A call that panicked has changed nothing yet or all: checks come first.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, for a call under a lease.
    fn under(&self, lease: &Lease) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        let (epoch, holder) = match state.partitions.get(&lease.partition) {
            Some((epoch, holder)) => (*epoch, holder.as_ref()),
            None => (0, None),
        };
        refuse::check_lease(lease, epoch, holder, self.clock.elapsed())?;
        Ok(state)
    }
}

impl State {
    fn link(&mut self, link: &LinkId) -> &mut LinkState {
        self.links.entry(link.clone()).or_default()
    }

    fn plan_in(&mut self, lease: &Lease, plan: &PlanId, needed: PlanState) -> Result<&mut PlanKept> {
        let kept = self.plans.get_mut(plan).ok_or_else(|| refuse::no_plan(plan))?;
        refuse::check_partition(lease, plan, &kept.row.head.partition)?;
        refuse::check_state(plan, kept.row.state, needed)?;
        Ok(kept)
    }

    fn adopted(&self, partition: &PartitionId) -> Option<PlanId> {
        self.plans
            .values()
            .find(|plan| plan.row.state == PlanState::Adopted && plan.row.head.partition == *partition)
            .map(|plan| plan.row.head.id.clone())
    }

    fn log(&mut self, at: Timestamp, what: &str, by: &str, plan: Option<&PlanId>, note: String) {
        let number = self.journal.len() as u64 + 1;
        let (what, by, plan) = (what.to_owned(), by.to_owned(), plan.cloned());
        self.journal.push(JournalLine { number, at, what, by, plan, note });
    }
}

impl LinkState {
    /// The pairs of a record, ended ones included.
    fn pairs_with<'a>(&'a self, side: Side, id: &RecordId) -> Box<dyn Iterator<Item = &'a Pair> + 'a> {
        let id = id.clone();
        // Nothing sorts before an id's own bytes without following it, so a range from (id, least) is all of the id.
        let from = (id.clone(), least());
        match side {
            Side::Left => Box::new(
                self.pairs.range(from..).take_while(move |((left, _), _)| *left == id).map(|(_, pair)| pair),
            ),
            Side::Right => Box::new(
                self.by_right
                    .range(from..)
                    .take_while(move |(right, _)| *right == id)
                    .filter_map(|(right, left)| self.pairs.get(&(left.clone(), right.clone()))),
            ),
        }
    }

    /// The pair that speaks for a record.
    fn pair_of(&self, side: Side, id: &RecordId) -> Option<&Pair> {
        self.pairs_with(side, id).fold(None, |best, pair| match best {
            Some(known) if !refuse::speaks((pair.status, pair.revision), (known.status, known.revision)) => {
                best
            }
            _ => Some(pair),
        })
    }

    /// The ids of a side after a key, each once, at most so many.
    fn ids_after(&self, side: Side, after: Option<&RecordId>, ids_max: usize) -> Vec<RecordId> {
        let start = (after.cloned().unwrap_or_else(least), least());
        let ids: Box<dyn Iterator<Item = &RecordId> + '_> = match side {
            Side::Left => Box::new(self.pairs.range(start..).map(|((left, _), _)| left)),
            Side::Right => Box::new(self.by_right.range(start..).map(|(right, _)| right)),
        };
        let mut found: Vec<RecordId> = Vec::new();
        for id in ids {
            if found.len() == ids_max {
                break;
            }
            if Some(id) != after && found.last() != Some(id) {
                found.push(id.clone());
            }
        }
        found
    }
}

/// An id before all others.
fn least() -> RecordId {
    RecordId::of_parts(&[])
}

fn mark(pair: &Pair) -> Mark {
    Mark { ids: pair.ids.clone(), status: pair.status, fingerprint: pair.fingerprint, watch: pair.watch }
}

/// A key from the randomness that the standard library seeds its hash maps with.
pub(super) fn random_key() -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for round in 0..8_u64 {
        hasher.update(&RandomState::new().hash_one(round).to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn page<T>(mut rows: Vec<T>, rows_max: usize) -> PageOf<T> {
    let more = rows.len() > rows_max;
    rows.truncate(rows_max);
    PageOf { rows, more }
}

fn from<K: Clone>(after: Option<&K>) -> Until<K> {
    after.map_or(Until::Unbounded, |key| Until::Excluded(key.clone()))
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn bind(&self, binding: &Binding) -> Result<Bound> {
        let mut state = self.lock();
        Ok(match &state.binding {
            None => {
                state.binding = Some(binding.clone());
                Bound::First
            }
            Some(known) if known == binding => Bound::Same,
            Some(known) if known.systems == binding.systems => Bound::Reconfigured(Box::new(known.clone())),
            Some(known) => Bound::Foreign(Box::new(known.clone())),
        })
    }

    async fn rebind(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        let mut state = self.under(lease)?;
        if !refuse::rebinds(state.binding.as_ref(), binding)? {
            return Ok(());
        }
        state.binding = Some(binding.clone());
        state.revision += 1;
        state.log(at, "rebound", &lease.worker, None, format!("configuration {}", binding.configuration));
        Ok(())
    }

    async fn rehome(&self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        let mut state = self.under(lease)?;
        if refuse::rehomes(state.binding.as_ref(), binding)? {
            let words = refuse::rehomed_words(state.binding.as_ref(), binding);
            state.binding = Some(binding.clone());
            state.revision += 1;
            state.log(at, "rehomed", &lease.worker, None, words);
        }
        Ok(())
    }

    async fn seal_key(&self) -> Result<SealKey> {
        Ok(self.lock().seal_key.clone())
    }

    async fn revision(&self) -> Result<u64> {
        Ok(self.lock().revision)
    }

    async fn lease(&self, partition: &PartitionId, worker: &str, lasts: Duration) -> Result<Option<Lease>> {
        let now = self.clock.elapsed();
        let mut state = self.lock();
        let (epoch, holder) = state.partitions.entry(partition.clone()).or_default();
        if holder.as_ref().is_some_and(|holder| holder.worker != worker && holder.until > now) {
            return Ok(None);
        }
        *epoch += 1;
        *holder = Some(refuse::Holder { worker: worker.to_owned(), until: now.saturating_add(lasts) });
        Ok(Some(Lease { partition: partition.clone(), worker: worker.to_owned(), epoch: *epoch }))
    }

    async fn renew(&self, lease: &Lease, lasts: Duration) -> Result<()> {
        let mut state = self.under(lease)?;
        if let Some((_, Some(holder))) = state.partitions.get_mut(&lease.partition) {
            holder.until = self.clock.elapsed().saturating_add(lasts);
        }
        Ok(())
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        if let Ok(mut state) = self.under(lease)
            && let Some((_, holder)) = state.partitions.get_mut(&lease.partition)
        {
            *holder = None;
        }
        Ok(())
    }

    async fn marks(&self, link: &LinkId, side: Side, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        let mut state = self.lock();
        let link = state.link(link);
        let ids =
            page(link.ids_after(side, scan.after.as_ref(), scan.rows_max.saturating_add(1)), scan.rows_max);
        let rows = ids.rows.iter().filter_map(|id| link.pair_of(side, id)).map(mark).collect();
        Ok(PageOf { rows, more: ids.more })
    }

    async fn pair_count(&self, link: &LinkId) -> Result<u64> {
        let mut state = self.lock();
        let live = state.link(link).pairs.values().filter(|pair| pair.status != PairStatus::Ended);
        Ok(live.count() as u64)
    }

    async fn marks_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Mark>>> {
        let mut state = self.lock();
        let link = state.link(link);
        Ok(ids.iter().map(|id| link.pair_of(side, id).map(mark)).collect())
    }

    async fn pairs_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Option<Pair>>> {
        let mut state = self.lock();
        let link = state.link(link);
        Ok(ids.iter().map(|id| link.pair_of(side, id).cloned()).collect())
    }

    async fn watched(&self, link: &LinkId, scan: Scan<RecordId>) -> Result<PageOf<Mark>> {
        let mut state = self.lock();
        let rows = state.link(link).pairs.values();
        let rows = rows.filter(|pair| pair.watch && pair.status != PairStatus::Ended);
        let rows = rows.filter(|pair| scan.after.as_ref().is_none_or(|after| pair.ids.left > *after));
        Ok(page(rows.map(mark).collect(), scan.rows_max))
    }

    async fn feed(&self, link: &LinkId, side: Side) -> Result<Option<Feed>> {
        Ok(self.lock().link(link).feeds.get(&side).cloned())
    }

    async fn notify(&self, link: &LinkId, hints: &[Attention]) -> Result<()> {
        hints.iter().try_for_each(refuse::check_hint)?;
        let mut state = self.lock();
        let kept = &mut state.link(link).attention;
        for hint in hints {
            let row = kept.entry(attention_key(hint)).or_insert_with(|| hint.clone());
            if row.why != hint.why {
                *row = hint.clone();
            }
        }
        Ok(())
    }

    async fn attention(
        &self,
        link: &LinkId,
        until: Option<Timestamp>,
        scan: Scan<(Side, RecordId)>,
    ) -> Result<PageOf<Attention>> {
        let mut state = self.lock();
        let rows = state.link(link).attention.values();
        let due = rows.filter(|row| until.is_none_or(|until| row.due <= until));
        let after = scan.after.as_ref().map(|(side, id)| (*side, id));
        let rows = due.filter(|row| after.is_none_or(|after| (row.side, &row.id) > after)).cloned().collect();
        let (rows, more) =
            refuse::whole_keys(rows, scan.rows_max, |row: &Attention| (row.side, row.id.clone()));
        Ok(PageOf { rows, more })
    }

    async fn attention_of(&self, link: &LinkId, side: Side, ids: &[RecordId]) -> Result<Vec<Vec<Attention>>> {
        let mut state = self.lock();
        let rows = &state.link(link).attention;
        let of =
            |id: &RecordId| rows.values().filter(|row| row.side == side && row.id == *id).cloned().collect();
        Ok(ids.iter().map(of).collect())
    }

    async fn resolve(&self, resolutions: &[(LinkId, Resolution)], at: Timestamp) -> Result<()> {
        let mut state = self.lock();
        for (link, resolution) in resolutions {
            let Resolution { ids, rule, by, .. } = resolution;
            let key = (ids.left.clone(), ids.right.clone(), rule.clone());
            state.link(link).resolutions.insert(key, resolution.clone());
            state.log(at, "resolved", by, None, refuse::resolved_words(link, resolution));
        }
        Ok(())
    }

    async fn resolutions(&self, link: &LinkId) -> Result<Vec<Resolution>> {
        Ok(self.lock().link(link).resolutions.values().cloned().collect())
    }

    async fn draft(&self, lease: &Lease, head: &PlanHead) -> Result<()> {
        let mut state = self.under(lease)?;
        refuse::check_partition(lease, &head.id, &head.partition)?;
        if let Some(known) = state.plans.get(&head.id) {
            refuse::check_redraft(lease, &known.row.head, known.row.state)?;
        }
        let left_behind =
            |plan: &PlanKept| plan.row.state == PlanState::Draft && plan.row.head.partition == head.partition;
        state.plans.retain(|_, plan| !left_behind(plan));
        let row = PlanRow { head: head.clone(), trailer: None, state: PlanState::Draft, approval: None };
        let kept = PlanKept { row, entries: BTreeMap::new(), spill: BTreeMap::new(), ended_at: None };
        state.plans.insert(head.id.clone(), kept);
        Ok(())
    }

    async fn spill(&self, lease: &Lease, plan: &PlanId, area: Area, rows: Vec<SpillRow>) -> Result<()> {
        let mut state = self.under(lease)?;
        let plan = state.plan_in(lease, plan, PlanState::Draft)?;
        plan.spill.entry(area).or_default().extend(rows.into_iter().map(|row| (row.key, row.content)));
        Ok(())
    }

    async fn spilled(&self, plan: &PlanId, area: Area, scan: Scan<Vec<u8>>) -> Result<PageOf<SpillRow>> {
        let state = self.lock();
        let Some(rows) = state.plans.get(plan).and_then(|plan| plan.spill.get(&area)) else {
            return Ok(PageOf { rows: Vec::new(), more: false });
        };
        let rows = rows.range((from(scan.after.as_ref()), Until::Unbounded));
        let rows = rows.take(scan.rows_max.saturating_add(1));
        let rows = rows.map(|(key, content)| SpillRow { key: key.clone(), content: content.clone() });
        Ok(page(rows.collect(), scan.rows_max))
    }

    async fn spilled_of(&self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let state = self.lock();
        let rows = state.plans.get(plan).and_then(|plan| plan.spill.get(&area));
        Ok(keys.iter().map(|key| rows.and_then(|rows| rows.get(key)).cloned()).collect())
    }

    async fn put_entries(&self, lease: &Lease, plan: &PlanId, entries: Vec<Entry>) -> Result<()> {
        let mut state = self.under(lease)?;
        let plan = state.plan_in(lease, plan, PlanState::Draft)?;
        for entry in entries {
            plan.entries.insert(entry.key.clone(), EntryRow { entry, state: EntryState::Planned });
        }
        Ok(())
    }

    async fn entries(
        &self,
        plan: &PlanId,
        parts: EntryParts,
        scan: Scan<EntryKey>,
    ) -> Result<PageOf<EntryRow>> {
        let mut page = self.entries_where(plan, scan, |_| true)?;
        if parts == EntryParts::Shown {
            page.rows.iter_mut().for_each(|row| row.entry.observed = Sides::default());
        }
        Ok(page)
    }

    async fn finish(&self, lease: &Lease, plan: &PlanId, trailer: &Trailer) -> Result<()> {
        let mut state = self.under(lease)?;
        if let Some(known) = state.plans.get(plan)
            && known.row.state == PlanState::Sealed
            && known.row.trailer.as_ref() == Some(trailer)
        {
            return refuse::check_partition(lease, plan, &known.row.head.partition);
        }
        let plan = state.plan_in(lease, plan, PlanState::Draft)?;
        plan.row.trailer = Some(trailer.clone());
        plan.row.state = PlanState::Sealed;
        plan.spill.clear();
        Ok(())
    }

    async fn discard(&self, lease: &Lease, plan: &PlanId) -> Result<()> {
        let now = self.clock.now();
        let mut state = self.under(lease)?;
        let Some(kept) = state.plans.get_mut(plan) else { return Ok(()) };
        refuse::check_partition(lease, plan, &kept.row.head.partition)?;
        match kept.row.state {
            PlanState::Adopted => return Err(refuse::conflict("the plan is being applied").at("plan", plan)),
            PlanState::Done | PlanState::Abandoned => {}
            PlanState::Sealed => {
                kept.row.state = PlanState::Abandoned;
                kept.ended_at = Some(now);
            }
            PlanState::Draft => {
                state.plans.remove(plan);
            }
        }
        Ok(())
    }

    async fn plan(&self, plan: &PlanId) -> Result<Option<PlanRow>> {
        Ok(self.lock().plans.get(plan).map(|plan| plan.row.clone()))
    }

    async fn adopted(&self, partition: &PartitionId) -> Result<Option<PlanId>> {
        Ok(self.lock().adopted(partition))
    }

    async fn adopt(&self, lease: &Lease, approval: &Approval) -> Result<()> {
        let mut state = self.under(lease)?;
        let (adopted, revision) = (state.adopted(&lease.partition), state.revision);
        let plan = state.plans.get_mut(&approval.plan).ok_or_else(|| refuse::no_plan(&approval.plan))?;
        let row = &mut plan.row;
        let known = (&row.head, row.trailer.as_ref(), row.state);
        refuse::check_adoption(lease, approval, known, adopted.as_ref(), revision)?;
        row.state = PlanState::Adopted;
        row.approval = Some(approval.clone());
        let note = refuse::adopted_words(approval);
        state.log(approval.at, "adopted", &approval.by, Some(&approval.plan), note);
        Ok(())
    }

    async fn intend(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<Vec<EntryState>> {
        let mut state = self.under(lease)?;
        let kept = state.plan_in(lease, plan, PlanState::Adopted)?;
        if let Some(unknown) = keys.iter().find(|key| !kept.entries.contains_key(key)) {
            return Err(refuse::no_entry(plan, unknown));
        }
        let mut before = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(row) = kept.entries.get_mut(key) else { continue };
            before.push(row.state.clone());
            if let Some(intended) = refuse::intended(&row.state) {
                row.state = intended;
            }
        }
        Ok(before)
    }

    async fn withdraw(&self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()> {
        let mut state = self.under(lease)?;
        let kept = state.plan_in(lease, plan, PlanState::Adopted)?;
        for key in keys {
            if let Some(row) = kept.entries.get_mut(key) {
                row.state = refuse::withdrawn(&row.state);
            }
        }
        Ok(())
    }

    async fn open_intents(&self, plan: &PlanId, scan: Scan<EntryKey>) -> Result<PageOf<EntryRow>> {
        self.entries_where(plan, scan, |state| matches!(state, EntryState::Intended { .. }))
    }

    async fn commit(&self, lease: &Lease, plan: &PlanId, commit: Commit) -> Result<()> {
        let now = self.clock.now();
        let mut state = self.under(lease)?;
        let Commit { mut endings, pairs, attention, settled, feeds, resolved } = commit;
        endings.sort_by(|one, other| one.key.cmp(&other.key));
        let kept = state.plan_in(lease, plan, PlanState::Adopted)?;
        let mut ends: BTreeMap<EntryKey, EntryState> = BTreeMap::new();
        for ending in endings {
            let row = kept.entries.get(&ending.key).ok_or_else(|| refuse::no_entry(plan, &ending.key))?;
            let before = ends.get(&ending.key).unwrap_or(&row.state);
            if refuse::ended(&ending.key, before, &ending.state)? {
                ends.insert(ending.key, ending.state);
            }
        }
        let pairs = refuse::rows_to_take(pairs);
        state.check_pairs(&pairs)?;
        // Nothing below can fail.
        state.revision += 1;
        let revision = state.revision;
        if let Some(kept) = state.plans.get_mut(plan) {
            for (key, ending) in ends {
                if let Some(row) = kept.entries.get_mut(&key) {
                    row.state = ending;
                }
            }
        }
        for (link, mut pair) in pairs {
            let link = state.link(&link);
            pair.revision = revision;
            let Sides { left, right } = pair.ids.clone();
            link.by_right.insert((right.clone(), left.clone()));
            link.pairs.insert((left, right), pair);
        }
        for (link, side, id, kind) in settled {
            let ends = |key: &AttentionKey| {
                key.0 == side && key.1 == id && (kind == AttentionKind::All || key.2 == kind)
            };
            state.link(&link).attention.retain(|key, _| !ends(key));
        }
        for (link, row) in attention {
            state.link(&link).attention.insert(attention_key(&row), row);
        }
        for (link, side, feed) in feeds {
            state.link(&link).feeds.insert(side, feed);
        }
        for (link, used) in resolved {
            state.link(&link).resolutions.retain(|_, kept| *kept != used);
        }
        for other in state.plans.values_mut() {
            if other.row.state == PlanState::Sealed && other.row.head.partition == lease.partition {
                other.row.state = PlanState::Abandoned;
                other.ended_at = Some(now);
            }
        }
        Ok(())
    }

    async fn complete(&self, lease: &Lease, plan: &PlanId, state: PlanState, at: Timestamp) -> Result<()> {
        let what = refuse::check_end(plan, state)?;
        let mut kept_state = self.under(lease)?;
        let known = kept_state.plans.get(plan).ok_or_else(|| refuse::no_plan(plan))?;
        if known.row.state == state && known.row.approval.is_some() {
            return refuse::check_partition(lease, plan, &known.row.head.partition);
        }
        let kept = kept_state.plan_in(lease, plan, PlanState::Adopted)?;
        if state == PlanState::Done && kept.entries.values().any(|row| !row.state.is_ended()) {
            return Err(refuse::entries_open(plan));
        }
        kept.row.state = state;
        kept.ended_at = Some(at);
        kept_state.log(at, what, &lease.worker, Some(plan), String::new());
        Ok(())
    }

    async fn set_pause(&self, pause: Option<&Pause>, by: &str, at: Timestamp) -> Result<()> {
        let mut state = self.lock();
        let what = if pause.is_some() { "paused" } else { "resumed" };
        if pause.is_some() || state.pause.is_some() {
            state.pause = pause.cloned();
            state.log(at, what, by, None, pause.map(|pause| pause.why.clone()).unwrap_or_default());
        }
        Ok(())
    }

    async fn pause(&self) -> Result<Option<Pause>> {
        Ok(self.lock().pause.clone())
    }

    async fn journal(&self, scan: Scan<u64>) -> Result<PageOf<JournalLine>> {
        let state = self.lock();
        let lines = state.journal.iter().rev();
        let lines = lines.filter(|line| scan.after.is_none_or(|after| line.number < after));
        Ok(page(lines.take(scan.rows_max.saturating_add(1)).cloned().collect(), scan.rows_max))
    }
}

impl MemoryStore {
    fn entries_where(
        &self,
        plan: &PlanId,
        scan: Scan<EntryKey>,
        wanted: impl Fn(&EntryState) -> bool,
    ) -> Result<PageOf<EntryRow>> {
        let state = self.lock();
        let kept = state.plans.get(plan).ok_or_else(|| refuse::no_plan(plan))?;
        let rows = kept.entries.range((from(scan.after.as_ref()), Until::Unbounded)).map(|(_, row)| row);
        let rows = rows.filter(|row| wanted(&row.state)).take(scan.rows_max.saturating_add(1));
        Ok(page(rows.cloned().collect(), scan.rows_max))
    }
}

impl State {
    /// Refuses rows after which a record would be in two pairs. `rows`: as [`refuse::rows_to_take`] gives them.
    fn check_pairs(&self, rows: &[(LinkId, Pair)]) -> Result<()> {
        let mut status: BTreeMap<(&LinkId, &RecordId, &RecordId), PairStatus> = BTreeMap::new();
        for (link, row) in rows {
            status.insert((link, &row.ids.left, &row.ids.right), row.status);
        }
        let mut taken: BTreeMap<(&LinkId, Side, &RecordId), &RecordId> = BTreeMap::new();
        for (link, row) in rows.iter().filter(|(_, row)| row.status != PairStatus::Ended) {
            for side in Side::BOTH {
                let (id, partner) = (row.ids.of(side), row.ids.of(side.other()));
                if let Some(by) = taken.insert((link, side, id), partner) {
                    return Err(refuse::taken(link, side, &row.ids, by));
                }
                let Some(known) = self.links.get(link) else { continue };
                let other = known.pairs_with(side, id).find(|pair| {
                    let key = (link, &pair.ids.left, &pair.ids.right);
                    let after = status.get(&key).copied().unwrap_or(pair.status);
                    after != PairStatus::Ended && pair.ids != row.ids
                });
                if let Some(other) = other {
                    return Err(refuse::taken(link, side, &row.ids, other.ids.of(side.other())));
                }
            }
        }
        Ok(())
    }
}

fn attention_key(row: &Attention) -> AttentionKey {
    (row.side, row.id.clone(), refuse::kind(&row.why), refuse::rules(&row.why))
}
