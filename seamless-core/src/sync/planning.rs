//! Making a plan: pull both sides of every link, match, decide, put unique values in order, guard and seal. Moves
//! nothing but the draft. It knows the order of these steps and leaves each to its own file. The door is [`make_plan`].

use std::collections::{BTreeSet, HashMap};

use futures::future::BoxFuture;
use futures::{join, try_join};

use crate::connector::Connector;
use crate::mapper::WriteOn;
use crate::merge::CompiledLink;
use crate::model::{ActionName, Bits, Error, ErrorKind, LinkId, PlanId, RecordId, Result, Side, Sides};
use crate::plan::{
    Basis, Body, Closing, Effect, Entry, EntryKey, FormProposal, GuardFigures, GuardInput, GuardTrip,
    LinkActions, PlanHead, PlannedRef, PlannedVerb, Proposals, Rank, Resolution, Sealer, Trailer, guarantees,
    guards,
};
use crate::store::{Binding, Bound, EntryParts, EntryRow, Scan};

use super::alone::decide_unpaired;
use super::attention::nominate;
use super::deciding::{Deciding, decide_late, decide_pairs};
use super::integration::Inner;
use super::keys::settle_keys;
use super::making::{BATCH_ROWS, LeaseKeeper, Making};
use super::older::SameChanges;
use super::pairing::match_unpaired;
use super::plan_handle::Lines;
use super::progress::{Event, Meter, Phase};
use super::pull::{Pulled, pull};
use super::resting::{are_back, check_rest, open_notices, report, resting_groups};
use super::set_off;

/// The newest lines of the journal, in which the last plan that was applied to its end is looked for. Where it is not
/// among them, no record counts as read since its last write: that is the cautious answer.
const JOURNAL_LINES_MAX: usize = 200;

/// What was counted of a link while its plan was made.
struct LinkFigures {
    looked_at: u64,
    enumerated: Sides<Option<u64>>,
    late: u64,
}

/// Makes a plan and seals it.
///
/// Its lines are written to `out` as they are sealed.
///
/// Boxed, so that a host's executor sees a future that can be sent, whatever is inside.
pub(super) fn make_plan<'a>(
    inner: &'a Inner,
    keeper: &'a LeaseKeeper,
    out: &'a mut Lines<'_>,
) -> BoxFuture<'a, Result<(PlanHead, Trailer)>> {
    Box::pin(make(inner, keeper, out))
}

async fn make(inner: &Inner, keeper: &LeaseKeeper, out: &mut Lines<'_>) -> Result<(PlanHead, Trailer)> {
    let before = bound(inner).await?;
    let head = head(inner).await?;
    let mut pairs_before = Vec::with_capacity(inner.links.len());
    for link in &inner.links {
        pairs_before.push(inner.store.pair_count(&link.spec().id).await?);
    }
    let read_since = read_since(inner).await?;
    let making =
        Making { inner, keeper, head: &head, reconfigured: before.is_some(), read_since, pairs_before };
    making.store().draft(&keeper.lease, &head).await?;
    match fill(&making, before.as_deref(), out).await {
        Ok(trailer) => Ok((head, trailer)),
        Err(error) => {
            // The draft is worth nothing now; that giving it up fails as well is not the caller's trouble.
            if let Err(second) = making.store().discard(&keeper.lease, &head.id).await {
                tracing::debug!(%second, "the draft could not be discarded");
            }
            Err(error)
        }
    }
}

async fn fill(making: &Making<'_>, before: Option<&Binding>, out: &mut Lines<'_>) -> Result<Trailer> {
    let inner = making.inner;
    let mut stages = Vec::with_capacity(inner.links.len());
    let mut figures = Vec::with_capacity(inner.links.len());
    for (place, link) in inner.links.iter().enumerate() {
        let place = u16::try_from(place).map_err(|_| too_many_links())?;
        if link.spec().mode == crate::mapper::LinkMode::Off {
            continue;
        }
        let Some(deciding) = read_link(making, place, link, before).await? else { continue };
        let looked_at = decide_pairs(&deciding).await?;
        decide_unpaired(&deciding).await?;
        put_cursors(making, &deciding).await?;
        let enumerated = deciding.pulled.as_ref().map(|pulled| pulled.complete.then_some(pulled.read));
        figures.push(LinkFigures { looked_at, enumerated, late: 0 });
        stages.push(deciding);
    }
    let all: Vec<_> = inner.links.iter().map(|link| link.spec().id.clone()).collect();
    for (deciding, figures) in stages.iter_mut().zip(&mut figures) {
        deciding.decided.clone_from(&all);
        figures.late = decide_late(deciding).await?;
    }
    settle_keys(making, &stages).await?;
    seal(making, before, &stages, &figures, out).await
}

/// Reads both sides of a link. `None` where the link rests: nothing of it is decided then, and its feeds stay where they
/// are.
async fn read_link<'a>(
    making: &'a Making<'a>,
    place: u16,
    link: &'a CompiledLink,
    before: Option<&'a Binding>,
) -> Result<Option<Deciding<'a>>> {
    let notices = open_notices(making, link).await?;
    let back = are_back(making, link, &notices).await?;
    let anew = !back.left.is_empty() || !back.right.is_empty();
    let of = |side: Side| pull(making, place, link, side, anew);
    let (left, right) = try_join!(of(Side::Left), of(Side::Right))?;
    let mut pulled = Sides::new(left, right);
    let rests = resting_groups(link, &pulled.as_ref().map(|pulled| pulled.gone.as_slice()));
    check_rest(making, link, &pulled, &rests, before)?;
    report(making, place, link, &pulled, notices).await?;
    if pulled.left.rests.is_some() || pulled.right.rests.is_some() {
        return Ok(None);
    }
    let resolutions = making.store().resolutions(&link.spec().id).await?;
    nominate(making, place, link, &resolutions, &mut pulled).await?;
    match_unpaired(making, place, link, pulled.as_ref().map(|pulled| pulled.unpaired)).await?;
    let open = making.store().attention(&link.spec().id, None, Scan::first(1)).await?;
    Ok(Some(Deciding {
        making,
        place,
        link,
        capabilities: making.capabilities(link),
        pulled,
        resolutions: by_left(resolutions),
        before,
        decided: making.decided_before(place),
        quiet: open.rows.is_empty(),
        rests,
        back,
        same_changes: SameChanges::default(),
        keys: Sides::default(),
        merged: Sides::default(),
    }))
}

/// See [`Making::read_since`].
async fn read_since(inner: &Inner) -> Result<Option<u64>> {
    let lines = inner.store.journal(Scan::first(JOURNAL_LINES_MAX)).await?.rows;
    let done = lines.into_iter().find(|line| line.what == "done").and_then(|line| line.plan);
    let Some(done) = done else { return Ok(None) };
    let row = inner.store.plan(&done).await?;
    let row = row.filter(|row| row.head.configuration == inner.configuration);
    Ok(row.map(|row| row.head.state_revision))
}

fn by_left(resolutions: Vec<Resolution>) -> HashMap<RecordId, Vec<Resolution>> {
    let mut by_left: HashMap<RecordId, Vec<Resolution>> = HashMap::new();
    for resolution in resolutions {
        by_left.entry(resolution.ids.left.clone()).or_default().push(resolution);
    }
    by_left
}

/// What the state was bound to before, where that is another configuration or other systems.
async fn bound(inner: &Inner) -> Result<Option<Box<Binding>>> {
    match inner.store.bind(&inner.binding()).await? {
        Bound::First | Bound::Same => Ok(None),
        Bound::Reconfigured(before) => Ok(Some(before)),
        Bound::Foreign(before) => {
            tracing::warn!(left = %before.systems.left, right = %before.systems.right, "the state belongs to other systems");
            Ok(Some(before))
        }
    }
}

async fn head(inner: &Inner) -> Result<PlanHead> {
    let state_revision = inner.store.revision().await?;
    let made_at = inner.clock.now();
    let mut promised = Vec::new();
    for link in &inner.links {
        let spec = link.spec();
        let of = |side: Side| inner.capabilities(link, side);
        let capabilities = Sides::new(of(Side::Left), of(Side::Right));
        let names = Sides::new(inner.names.left.as_str(), inner.names.right.as_str());
        promised.extend(guarantees(&spec.id, spec.mode, names, &capabilities));
    }
    let mut hasher = blake3::Hasher::new();
    for part in [inner.partition.as_str(), &inner.configuration, &made_at.to_rfc3339()] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&state_revision.to_le_bytes());
    let digits: String = hasher.finalize().to_hex().chars().take(12).collect();
    Ok(PlanHead {
        id: PlanId::new(format!("{}-{digits}", made_at.format("%Y%m%d-%H%M%S"))),
        partition: inner.partition.clone(),
        made_at,
        systems: inner.systems(),
        configuration: inner.configuration.clone(),
        links: inner.links.iter().map(|link| link.spec().id.clone()).collect(),
        state_revision,
        guarantee: promised,
        actions: actions(inner).await,
        sets_off: set_off::of_plan(inner).await?,
    })
}

/// The actions that the mapping moves states by, and which of them the systems do not declare. A system that cannot be asked
/// now is not said to lack any: reading it says what is wrong.
async fn actions(inner: &Inner) -> Vec<LinkActions> {
    let mut found = Vec::new();
    for link in &inner.links {
        for side in Side::BOTH.into_iter().filter(|side| !link.spec().actions.of(*side).is_empty()) {
            let entity = link.spec().entity.of(side);
            let mut actions: Vec<ActionName> = Vec::new();
            for step in &link.spec().actions.of(side).steps {
                if !actions.contains(&step.name) {
                    actions.push(step.name.clone());
                }
            }
            let schema = inner.narrowed.of(side).discover(std::slice::from_ref(entity)).await.ok();
            let known = schema.as_ref().and_then(|schema| schema.entity(entity.as_str()));
            let lacks =
                |action: &&ActionName| known.is_some_and(|known| known.action(action.as_str()).is_none());
            let undeclared = actions.iter().filter(lacks).cloned().collect();
            found.push(LinkActions { link: link.spec().id.clone(), side, actions, undeclared });
        }
    }
    found
}

/// Where reading goes on: an effect like any other, and the last.
async fn put_cursors(making: &Making<'_>, deciding: &Deciding<'_>) -> Result<()> {
    let id = RecordId::text("cursor");
    let entries = Side::BOTH.into_iter().map(|side| {
        let Pulled { feed, .. } = deciding.pulled.of(side);
        Entry {
            key: EntryKey { rank: Rank::Cursor, link: deciding.place, side, id: id.clone(), part: 0 },
            link: deciding.link.spec().id.clone(),
            ids: Sides::default(),
            basis: Basis::default(),
            observed: Sides::default(),
            settles: Bits::new(),
            body: Body::Effect(Effect::Cursor { side, feed: feed.clone() }),
        }
    });
    making.put_entries(entries.collect()).await
}

/// The second pass: counts, digest, guards, seal.
async fn seal(
    making: &Making<'_>,
    before: Option<&Binding>,
    stages: &[Deciding<'_>],
    figures: &[LinkFigures],
    out: &mut Lines<'_>,
) -> Result<Trailer> {
    let inner = making.inner;
    let key = making.store().seal_key().await?;
    let mut sealer = Sealer::new(&key.0);
    out.put(sealer.head(making.head)?)?;
    let mut meter = Meter::begin(&*inner.observer, &*inner.clock, Phase::Seal, None, None, None);
    let (mut proposals, mut suspected) = (Proposals::new(), BTreeSet::new());
    let rows = |after| {
        making.store().entries(making.plan(), EntryParts::Shown, Scan { after, rows_max: BATCH_ROWS })
    };
    let mut answers = false;
    let mut page = rows(None).await?;
    loop {
        making.pulse().await?;
        meter.add(page.rows.len());
        let mut seal = |rows: &[EntryRow]| {
            rows.iter().try_for_each(|row| {
                answers |= leaves_to_target(&row.entry);
                if proposals.entry(&row.entry) {
                    suspected.insert(row.entry.link.clone());
                }
                out.put(sealer.entry(&row.entry)?)
            })
        };
        if !page.more {
            seal(&page.rows)?;
            break;
        }
        // The store reads on while these are sealed: its part is polled first.
        let after = page.rows.last().map(|row| row.entry.key.clone());
        let (next, sealed) = join!(rows(after), async { seal(&page.rows) });
        sealed?;
        page = next?;
    }
    let mut trips: Vec<GuardTrip> = Vec::new();
    let mut seen = Vec::new();
    for (deciding, figures) in stages.iter().zip(figures) {
        let spec = deciding.link.spec();
        let pairs = making.pairs_before.get(usize::from(deciding.place)).copied().unwrap_or(0);
        let counts = sealer.tally().counts().get(&spec.id).cloned().unwrap_or_default();
        answers |= answers_back(deciding.link, &counts.create);
        let side = |side: Side| GuardFigures {
            name: inner.names.of(side).clone(),
            deletes: *counts.delete.of(side),
            enumerated: *figures.enumerated.of(side),
            identity_changed: before
                .is_some_and(|before| *before.systems.of(side) != inner.connectors.of(side).info().identity),
        };
        let input = GuardInput {
            pairs,
            changed: counts.update.left + counts.update.right + counts.act.left + counts.act.right,
            same_changes: deciding.same_changes.count(),
            first_sync: pairs == 0,
            configuration_changed: making.reconfigured,
            sides: Sides::new(side(Side::Left), side(Side::Right)),
        };
        trips.extend(guards(&spec.id, &spec.limits, &input));
        seen.push((spec.id.clone(), pairs, figures.looked_at));
    }
    for trip in &trips {
        inner.observer.event(&Event::GuardTripped(trip));
    }
    let late: u64 = figures.iter().map(|figures| figures.late).sum();
    let forms = with_known(making, proposals, suspected).await?;
    let closing =
        Closing { guards: trips, forms, runs_to_quiet: if late > 0 || answers { 2 } else { 1 }, seen };
    let (trailer, _) = sealer.finish(closing)?;
    out.end(&trailer)?;
    making.store().finish(making.lease(), making.plan(), &trailer).await?;
    meter.end();
    Ok(trailer)
}

/// Whether a new record gets a value of its own system, which the next plan carries back: a key from a number series.
fn leaves_to_target(entry: &Entry) -> bool {
    let made = entry.action().filter(|action| action.verb == PlannedVerb::Create);
    made.is_some_and(|action| {
        action.changes.known().is_none()
            && action.changes.iter().any(|change| change.after == PlannedRef::TargetDecides)
    })
}

/// Whether new records of a side hold what only goes away from it: nobody knows it before they are made.
fn answers_back(link: &CompiledLink, made: &Sides<u64>) -> bool {
    let back = |group: usize, side: Side| link.allows(group, side.other()) && !link.allows(group, side);
    let always = |group: usize| link.groups().get(group).is_some_and(|group| group.on == WriteOn::Always);
    let groups = 0..link.groups().len();
    Side::BOTH
        .into_iter()
        .filter(|side| *made.of(*side) > 0)
        .any(|side| groups.clone().any(|group| always(group) && back(group, side)))
}

/// What the suspicions of this plan and the open ones of their links propose. A plan without a new one says nothing:
/// what it would say was said.
async fn with_known(
    making: &Making<'_>,
    mut proposals: Proposals,
    links: BTreeSet<LinkId>,
) -> Result<Vec<FormProposal>> {
    for link in &links {
        let mut after = None;
        loop {
            let scan = Scan { after, rows_max: BATCH_ROWS };
            let page = making.store().attention(link, None, scan).await?;
            page.rows.iter().for_each(|row| proposals.attention(link, row));
            after = page.rows.last().map(|row| (row.side, row.id.clone()));
            if !page.more {
                break;
            }
        }
    }
    Ok(proposals.proposed())
}

fn too_many_links() -> Error {
    Error::new(ErrorKind::Limit, "more links than an integration can have")
        .with_remedy("divide the integration")
}
