//! Unique values that change hands within a plan. Updates and deletes that give one up or take one are kept back until
//! every link is decided. Then it is found who takes what from whom, and each entry gets the rank at which it can be
//! written.
//!
//! Here it is found who takes what from whom; the order that follows is the plan floor's ([`crate::plan::keys`]). The
//! doors are [`keep_back`] while links are decided, and [`settle_keys`] after that.
//!
//! Memory: an edge per value that changes hands, up to `Options::key_moves_max` for each entity. Where there are more,
//! they are spilled, and every record that can lets go of its value first: more writes, the same result.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::connector::Versioned;
use crate::merge::CompiledLink;
use crate::model::{Presence, RecordId, Result, Schema, Side, Sides};
use crate::plan::keys::{Given, KeyMoves, KeyNode, Placement, UniqueSets, UniqueValue, place, release};
use crate::plan::{Body, Entry, EntryKey, PlannedTarget, PlannedVerb, Rank, match_key};
use crate::store::{EntryParts, Scan, SpillRow};

use super::area;
use super::deciding::{Deciding, PAGE_PAIRS};
use super::making::{BATCH_ROWS, Making, SpillPages};

/// What is known of the unique values of one side of a link while its plan is made.
#[derive(Debug, Default)]
pub(super) struct SideKeys {
    sets: OnceLock<UniqueSets>,
    /// Whether any entry was kept back.
    any: AtomicBool,
}

/// A unique value that changes hands.
struct Edge {
    /// Who takes it; `None` for a record that the plan creates.
    taker: Option<EntryKey>,
    giver: EntryKey,
    /// The place of its set in the giver's sets.
    set: u8,
    can_move: bool,
    can_release: bool,
}

/// Where those entries go whose values others take.
enum Places {
    Few(BTreeMap<EntryKey, (Placement, u64)>),
    /// More than are held in memory: who is wanted stands in the spill.
    Many,
}

/// Takes the entries that move unique values out of a page and keeps them back; the others are given back.
pub(super) async fn keep_back(deciding: &Deciding<'_>, entries: Vec<Entry>) -> Result<Vec<Entry>> {
    let mut rest = Vec::with_capacity(entries.len());
    let mut movers = Sides::<Vec<SpillRow>>::default();
    let mut given = Sides::<Vec<SpillRow>>::default();
    for entry in entries {
        let Some(side) = may_move(&entry) else {
            rest.push(entry);
            continue;
        };
        let moves = sets(deciding, side).await.moves(deciding.link, &entry);
        if moves == KeyMoves::default() {
            rest.push(entry);
            continue;
        }
        movers.of_mut(side).push(area::mover_row(deciding.link, &entry)?);
        let can_move = can_move(deciding, &entry);
        given.of_mut(side).extend(moves.gives.into_iter().map(|Given { set, value, can_release }| {
            area::Given { set, can_move, can_release, by: entry.key.clone() }.encode(&value)
        }));
    }
    for side in Side::BOTH {
        if movers.of(side).is_empty() {
            continue;
        }
        deciding.keys.of(side).any.store(true, Ordering::Relaxed);
        let rows = std::mem::take(movers.of_mut(side));
        deciding.making.spill(area::movers(deciding.place, side), rows).await?;
        let rows = std::mem::take(given.of_mut(side));
        deciding.making.spill(area::given(shared_place(deciding, side), side), rows).await?;
    }
    Ok(rest)
}

/// Whether a record that has a partner gives up, in this plan, the values by which another one would match it.
pub(super) async fn gives_up_match(
    deciding: &Deciding<'_>,
    side: Side,
    line: u16,
    found: &Versioned,
) -> Result<bool> {
    if !deciding.keys.of(side).any.load(Ordering::Relaxed) {
        return Ok(false);
    }
    let (place, links) = (deciding.place, deciding.context().links);
    let key = |rank, link| EntryKey { rank, link, side, id: found.id.clone(), part: 0 };
    let deleted = key(Rank::Delete, links.saturating_sub(1).saturating_sub(place));
    let keys = [key(Rank::Update, place), deleted].map(|key| key.to_bytes());
    let rows =
        deciding.making.store().spilled_of(deciding.making.plan(), area::movers(place, side), &keys).await?;
    let Some(content) = rows.into_iter().flatten().next() else { return Ok(false) };
    let entry = area::mover(deciding.link, &content)?;
    let (Some(action), Some(spec)) = (entry.action(), deciding.link.spec().matching.get(usize::from(line)))
    else {
        return Ok(false);
    };
    if matches!(action.verb, PlannedVerb::Delete(_)) {
        return Ok(true);
    }
    let shape = found.record.shape();
    let changes = action.changes.iter().filter_map(|change| {
        Some((shape.slot(change.field.as_str())?, Presence::Value(change.after.known()?)))
    });
    let after = found.record.with(changes);
    let key = |record| match_key(usize::from(line), spec, side, record);
    Ok(key(&found.record) != key(&after))
}

/// Puts the entries that were kept back where they can be written.
pub(super) async fn settle_keys(making: &Making<'_>, stages: &[Deciding<'_>]) -> Result<()> {
    for side in Side::BOTH {
        let mut done = Vec::new();
        for first in stages {
            let shared = shared_place(first, side);
            if done.contains(&shared) {
                continue;
            }
            done.push(shared);
            let same: Vec<&Deciding<'_>> =
                stages.iter().filter(|other| shared_place(other, side) == shared).collect();
            if !same.iter().any(|deciding| deciding.keys.of(side).any.load(Ordering::Relaxed)) {
                continue;
            }
            let places = find_places(making, side, shared, &same).await?;
            for deciding in same {
                put_movers(deciding, side, &places).await?;
            }
        }
    }
    Ok(())
}

/// The side on which an entry could move a unique value. Creates take and never give: they are looked at in the end,
/// and only where something is given.
fn may_move(entry: &Entry) -> Option<Side> {
    let action = entry.action()?;
    let moves = match (&action.verb, &action.target) {
        (PlannedVerb::Create | PlannedVerb::Action { .. }, _) => false,
        (PlannedVerb::Update | PlannedVerb::Delete(_), target) => {
            matches!(target, PlannedTarget::Existing(_))
        }
    };
    moves.then_some(action.side)
}

/// Whether an entry can be written before everything else is: an update that waits for no create, a delete of a
/// record that nothing in the plan can refer to.
fn can_move(deciding: &Deciding<'_>, entry: &Entry) -> bool {
    match &entry.body {
        Body::Act(action) => match action.verb {
            PlannedVerb::Update => action.waits_for.is_empty(),
            PlannedVerb::Delete(_) => !deciding.making.is_referred_to(&deciding.link.spec().id),
            PlannedVerb::Create | PlannedVerb::Action { .. } => false,
        },
        Body::Effect(_) => false,
    }
}

/// The sets of unique fields of a side, asked for when the first update of a plan needs them. A system that does not
/// say gets its writes in the usual order: what is taken is then refused, and tried again.
async fn sets<'d>(deciding: &'d Deciding<'_>, side: Side) -> &'d UniqueSets {
    let known = &deciding.keys.of(side).sets;
    if let Some(sets) = known.get() {
        return sets;
    }
    let entity = deciding.link.spec().entity.of(side);
    let schema = match deciding.making.connector(side).discover(std::slice::from_ref(entity)).await {
        Ok(schema) => schema,
        Err(error) => {
            tracing::warn!(%entity, %error, "nobody knows which values are unique; writes are not put in order");
            Schema::default()
        }
    };
    let (capabilities, shape) = (deciding.capabilities.of(side), deciding.link.shape(side));
    known.get_or_init(|| UniqueSets::of(schema.entity(entity.as_str()), capabilities, shape))
}

/// The first link that has the same entity on a side: its place names what is shared.
fn shared_place(deciding: &Deciding<'_>, side: Side) -> u16 {
    let entity = deciding.link.spec().entity.of(side);
    let links = &deciding.making.inner.links;
    let first =
        links.iter().position(|link: &std::sync::Arc<CompiledLink>| link.spec().entity.of(side) == entity);
    first.and_then(|place| u16::try_from(place).ok()).unwrap_or(deciding.place)
}

async fn find_places(making: &Making<'_>, side: Side, shared: u16, same: &[&Deciding<'_>]) -> Result<Places> {
    let mut found = Found { making, side, shared, edges: Vec::new(), many: false };
    for deciding in same {
        found.movers(deciding).await?;
        found.creates(deciding).await?;
    }
    let Found { edges, many, .. } = found;
    Ok(if many { Places::Many } else { Places::Few(few(edges)) })
}

/// Who takes what from whom, as far as it was found.
struct Found<'a> {
    making: &'a Making<'a>,
    side: Side,
    shared: u16,
    edges: Vec<Edge>,
    many: bool,
}

impl Found<'_> {
    async fn movers(&mut self, deciding: &Deciding<'_>) -> Result<()> {
        let mut reading = SpillPages::new(self.making, area::movers(deciding.place, self.side), PAGE_PAIRS);
        while let Some(rows) = reading.next().await? {
            self.making.pulse().await?;
            let mut takes = Vec::new();
            for row in &rows {
                let entry = area::mover(deciding.link, &row.content)?;
                let moves = sets(deciding, self.side).await.moves(deciding.link, &entry);
                takes.extend(moves.takes.into_iter().map(|value| (Some(entry.key.clone()), value)));
            }
            self.add(takes).await?;
        }
        Ok(())
    }

    async fn creates(&mut self, deciding: &Deciding<'_>) -> Result<()> {
        // Nothing sorts before an id without parts, and no record has one.
        let nothing = RecordId::of_parts(&[]);
        let (link, side) = (deciding.place, self.side);
        let mut after = EntryKey { rank: Rank::Create, link, side, id: nothing, part: 0 };
        let is_ours = |key: &EntryKey| (key.rank, key.link, key.side) == (Rank::Create, link, side);
        loop {
            self.making.pulse().await?;
            let scan = Scan::after(after, BATCH_ROWS);
            let page = self.making.store().entries(self.making.plan(), EntryParts::Shown, scan).await?;
            let ours = page.rows.iter().take_while(|row| is_ours(&row.entry.key));
            let mut takes = Vec::new();
            for row in ours {
                let moves = sets(deciding, self.side).await.moves(deciding.link, &row.entry);
                takes.extend(moves.takes.into_iter().map(|value| (None, value)));
            }
            self.add(takes).await?;
            match page.rows.last() {
                Some(last) if page.more && is_ours(&last.entry.key) => after = last.entry.key.clone(),
                _ => return Ok(()),
            }
        }
    }

    /// Finds who gives up what is taken.
    async fn add(&mut self, mut takes: Vec<(Option<EntryKey>, UniqueValue)>) -> Result<()> {
        takes.sort_by_key(|(_, value)| *value);
        let keys: Vec<Vec<u8>> = takes.iter().map(|(_, value)| value.to_vec()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let (store, plan) = (self.making.store(), self.making.plan());
        let given = store.spilled_of(plan, area::given(self.shared, self.side), &keys).await?;
        for ((taker, _), content) in takes.into_iter().zip(given) {
            let Some(content) = content else { continue };
            let area::Given { set, can_move, can_release, by } = area::Given::decode(&content)?;
            if taker.as_ref().is_some_and(|taker| taker.id == by.id) {
                continue;
            }
            self.edges.push(Edge { taker, giver: by, set, can_move, can_release });
        }
        if self.many || self.edges.len() > self.making.inner.options.key_moves_max {
            self.many = true;
            let wanted = self.edges.drain(..).map(|edge| area::wanted_row(&edge.giver, edge.set)).collect();
            self.making.spill(area::wanted(self.shared, self.side), wanted).await?;
        }
        Ok(())
    }
}

/// Places the entries whose values others take.
fn few(edges: Vec<Edge>) -> BTreeMap<EntryKey, (Placement, u64)> {
    let mut givers: BTreeMap<EntryKey, (KeyNode, u64)> = BTreeMap::new();
    for edge in &edges {
        let usual = || (KeyNode { can_move: true, can_release: true, ..KeyNode::default() }, 0);
        let (node, wanted) = givers.entry(edge.giver.clone()).or_insert_with(usual);
        node.can_move &= edge.can_move;
        node.can_release &= edge.can_release;
        *wanted |= 1_u64.checked_shl(u32::from(edge.set)).unwrap_or(0);
    }
    let numbers: BTreeMap<EntryKey, usize> =
        givers.keys().enumerate().map(|(number, key)| (key.clone(), number)).collect();
    for Edge { taker, giver, .. } in &edges {
        let taker = taker.as_ref().and_then(|taker| givers.get_mut(taker));
        if let (Some((node, _)), Some(giver)) = (taker, numbers.get(giver)) {
            node.takes_from.push(*giver);
        }
    }
    let (keys, rest): (Vec<EntryKey>, Vec<(KeyNode, u64)>) = givers.into_iter().unzip();
    let (nodes, wanted): (Vec<KeyNode>, Vec<u64>) = rest.into_iter().unzip();
    keys.into_iter().zip(place(&nodes).into_iter().zip(wanted)).collect()
}

async fn put_movers(deciding: &Deciding<'_>, side: Side, places: &Places) -> Result<()> {
    let making = deciding.making;
    let known = sets(deciding, side).await;
    let mut reading = SpillPages::new(making, area::movers(deciding.place, side), PAGE_PAIRS);
    while let Some(rows) = reading.next().await? {
        making.pulse().await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut entry = area::mover(deciding.link, &row.content)?;
            let placed = match places {
                Places::Few(places) => places.get(&entry.key).copied(),
                Places::Many => place_alone(deciding, side, known, &entry).await?,
            };
            match placed {
                None | Some((Placement::Stuck, _)) => entries.push(entry),
                Some((Placement::At(rank), _)) => {
                    (entry.key.rank, entry.key.link) = (rank, deciding.place);
                    entries.push(entry);
                }
                Some((Placement::Releases, wanted)) => {
                    match release(known, deciding.link, deciding.place, &entry, wanted) {
                        Some(released) => entries.extend([released.first, released.then]),
                        None => entries.push(entry),
                    }
                }
            }
        }
        making.put_entries(entries).await?;
    }
    Ok(())
}

/// Places an entry without knowing the others: if anything of it is wanted, it lets go first.
async fn place_alone(
    deciding: &Deciding<'_>,
    side: Side,
    known: &UniqueSets,
    entry: &Entry,
) -> Result<Option<(Placement, u64)>> {
    let moves = known.moves(deciding.link, entry);
    let keys: Vec<Vec<u8>> =
        moves.gives.iter().map(|given| area::wanted_row(&entry.key, given.set).key).collect();
    let wanted = area::wanted(shared_place(deciding, side), side);
    let found = deciding.making.store().spilled_of(deciding.making.plan(), wanted, &keys).await?;
    let (mut sets, mut can_release) = (0, true);
    for (given, _) in moves.gives.iter().zip(found).filter(|(_, found)| found.is_some()) {
        sets |= 1_u64.checked_shl(u32::from(given.set)).unwrap_or(0);
        can_release &= given.can_release;
    }
    Ok(match sets {
        0 => None,
        _ if moves.takes.is_empty() && can_move(deciding, entry) => {
            Some((Placement::At(Rank::ReleaseKeys), sets))
        }
        _ if can_release => Some((Placement::Releases, sets)),
        _ => Some((Placement::Stuck, sets)),
    })
}
