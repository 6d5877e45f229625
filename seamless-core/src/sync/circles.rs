//! Moves in a tree of records that make a circle together: one side puts A below B, the other one B below A. Each move is
//! right by itself, and both systems would hold the circle when both were carried. So a move that would close one is
//! parked, on both sides, and each tree stays as it is until a person moves one of the two or decides. A circle that one
//! side made by itself is carried as it is: that side allows it.
//!
//! Walked upwards from the new parent through the tree as this plan would leave it, all moves of a page at once: a look-up
//! per level. No tree is held in memory. The door is [`part_circles`].

use std::collections::{HashMap, HashSet};

use crate::connector::{FetchBy, Lookup};
use crate::mapper::{Answer, Ask, ConflictPolicy, Resolved};
use crate::model::{Bits, FieldName, Planned, Presence, Record, RecordId, Result, Side, Sides, ValueRef};
use crate::plan::{
    Action, Attention, AttentionWhy, Body, Change, Effect, Entry, EntryKey, FieldChange, Pair, PairStatus,
    ParkReason, Parked, ParkedAs, PlannedRef, PlannedTarget, PlannedVerb, Rank,
};

use super::deciding::Deciding;
use super::lookup::partners;

/// Levels of a tree that are walked up. A circle of more records than that is not found.
const LEVELS_MAX: usize = 100;

/// After every other effect about a record.
const PART: u16 = 4000;

/// A record that is put below another one of its own entity.
struct Move {
    /// The place of the entry.
    at: usize,
    group: usize,
    to: Side,
    slots: Sides<usize>,
    record: RecordId,
    parent: Node,
    /// The field, and the new parent as the plan names it.
    field: FieldName,
}

/// Where a walk stands.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Walk {
    /// The place of the move.
    of: usize,
    node: Node,
    /// Whether it went over an edge that only the written side has.
    own: bool,
}

/// A record above another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// On the side that is written.
    Here(RecordId),
    /// On the other side; its partner is made by this plan.
    Coming(RecordId),
}

/// Takes moves that would make a circle out of a page of decisions, and parks them.
pub(super) async fn part_circles(deciding: &Deciding<'_>, entries: &mut Vec<Entry>) -> Result<()> {
    let mut parted = false;
    for to in Side::BOTH {
        let moves = moves_of(deciding, entries, to);
        if moves.is_empty() {
            continue;
        }
        for one in circles(deciding, to, &moves).await? {
            let parked = park(deciding, entries, one).await?;
            entries.extend(parked);
            parted = true;
        }
    }
    if !parted {
        return Ok(());
    }
    entries.retain(|entry| entry.action().is_none_or(|action| !is_empty_update(action)));
    Ok(())
}

fn is_empty_update(action: &Action) -> bool {
    action.verb == PlannedVerb::Update && action.changes.is_empty()
}

/// The updates of a page that put a record of a side below another one.
fn moves_of(deciding: &Deciding<'_>, entries: &[Entry], to: Side) -> Vec<Move> {
    let mut moves = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(action) = entry.action().filter(|action| action.side == to) else { continue };
        let (PlannedVerb::Update, PlannedTarget::Existing(record)) = (&action.verb, &action.target) else {
            continue;
        };
        for change in action.changes.iter() {
            let Some(parent) = parent_of(deciding, action, change) else { continue };
            let Some(slot) = deciding.link.shape(to).slot(change.field.as_str()) else { continue };
            let groups = deciding.link.groups().iter();
            let Some(group) = groups.clone().position(|group| group.slots.of(to).contains(&slot)) else {
                continue;
            };
            // A parent that several fields say together is not walked.
            let slots = groups.skip(group).map(|group| (&*group.slots.left, &*group.slots.right)).next();
            let Some(([left], [right])) = slots else { continue };
            let (slots, record, field) = (Sides::new(*left, *right), record.clone(), change.field.clone());
            moves.push(Move { at, group, to, slots, record, parent, field });
        }
    }
    moves
}

/// The record of its own entity that a change puts a record below.
fn parent_of(deciding: &Deciding<'_>, action: &Action, change: Change<'_>) -> Option<Node> {
    let spec = deciding.link.spec();
    match change.after {
        PlannedRef::Known(ValueRef::Reference(reference))
            if reference.entity == *spec.entity.of(action.side) =>
        {
            Some(Node::Here(reference.id.clone()))
        }
        PlannedRef::ResultOf(makes) => {
            action.waits_for.iter().find(|wait| wait.action == makes).and_then(|wait| {
                let Ask::Partner { link, id, .. } = &wait.ask;
                (*link == spec.id).then(|| Node::Coming(id.clone()))
            })
        }
        PlannedRef::Known(_) | PlannedRef::TargetDecides => None,
    }
}

/// The moves to a side that would close a circle there. What is parked stays where it is, so that others may close one
/// that would not have: asked again until nothing is added.
async fn circles<'m>(deciding: &Deciding<'_>, to: Side, moves: &'m [Move]) -> Result<Vec<&'m Move>> {
    let mut stay: Vec<&Move> = Vec::new();
    loop {
        let closed = walk(deciding, to, moves, &stay).await?;
        let is_new = |one: &&Move| !stay.iter().any(|known| std::ptr::eq(*known, *one));
        let closing = moves.iter().zip(closed).filter(|(_, closes)| *closes).map(|(one, _)| one);
        let new: Vec<&Move> = closing.filter(is_new).collect();
        if new.is_empty() {
            return Ok(stay);
        }
        stay.extend(new);
    }
}

/// For each move to a side, whether it would close a circle there while some of them stay.
async fn walk(deciding: &Deciding<'_>, to: Side, moves: &[Move], stay: &[&Move]) -> Result<Vec<bool>> {
    let mut closed = vec![false; moves.len()];
    let first = |(of, one): (usize, &Move)| Walk { of, node: one.parent.clone(), own: false };
    let mut walks: Vec<Walk> = moves.iter().enumerate().map(first).collect();
    for _ in 0..LEVELS_MAX {
        walks.retain(|walk| {
            let Some(one) = moves.get(walk.of) else { return false };
            let is_back = walk.node == Node::Here(one.record.clone());
            if let (true, Some(closed)) = (is_back, closed.get_mut(walk.of)) {
                *closed |= walk.own;
            }
            !is_back
        });
        if walks.is_empty() {
            break;
        }
        walks = step(deciding, to, moves, stay, walks).await?;
    }
    Ok(closed)
}

/// One level up, for every walk that has one.
async fn step(
    deciding: &Deciding<'_>,
    to: Side,
    moves: &[Move],
    stay: &[&Move],
    walks: Vec<Walk>,
) -> Result<Vec<Walk>> {
    let from = to.other();
    let known = Known::of(deciding, to, &walks).await?;
    // The parents that the other side says, as records of this side.
    let mut said = Vec::with_capacity(walks.len());
    for walk in &walks {
        let slot = moves.get(walk.of).map(|one| *one.slots.of(from));
        let record = match &walk.node {
            Node::Here(id) => known.pairs.get(id).and_then(|pair| known.there.get(pair.ids.of(from))),
            Node::Coming(id) => known.there.get(id),
        };
        said.push(record.zip(slot).and_then(|(record, slot)| self::reference(deciding, from, record, slot)));
    }
    let mut asked: Vec<RecordId> = said.iter().flatten().cloned().collect();
    asked.sort();
    asked.dedup();
    let mut resolved = Resolved::new();
    let link = &deciding.link.spec().id;
    if !asked.is_empty() {
        partners(deciding.making, link, from, asked, &mut resolved).await?;
    }
    let node_of =
        |id: RecordId| match resolved.get(&Ask::Partner { link: link.clone(), side: from, id: id.clone() }) {
            Some(Answer::Paired(partner)) => Some(Node::Here(partner.clone())),
            Some(Answer::Planned(_)) => Some(Node::Coming(id)),
            Some(Answer::Unpaired) | None => None,
        };
    let mut next = Vec::with_capacity(walks.len());
    for (Walk { of, node, own }, said) in walks.into_iter().zip(said) {
        let Some(one) = moves.get(of) else { continue };
        let there = said.and_then(node_of);
        let Node::Here(id) = node else {
            next.extend(there.map(|node| Walk { of, node, own }));
            continue;
        };
        let record = known.here.get(&id);
        let here = record.and_then(|record| reference(deciding, to, record, *one.slots.of(to)));
        let here = here.map(Node::Here);
        let is_parked = stay.iter().any(|parked| parked.record == id && parked.group == one.group);
        let goes = match known.pairs.get(&id) {
            Some(_) if is_parked => Goes::Stays,
            Some(pair) => known.goes(deciding, one, pair, here.is_some()),
            None => Goes::Stays,
        };
        let ups = match goes {
            Goes::Stays => [here, None],
            Goes::Moves => [there.clone(), None],
            Goes::MayMove if here == there => [here, None],
            Goes::MayMove => [here, there.clone()],
        };
        for up in ups.into_iter().flatten() {
            let own = own || Some(&up) != there.as_ref();
            next.push(Walk { of, node: up, own });
        }
    }
    next.sort();
    next.dedup();
    Ok(next)
}

/// The record of its own entity that a record refers to in a slot.
fn reference(deciding: &Deciding<'_>, side: Side, record: &Record, slot: usize) -> Option<RecordId> {
    match record.get(slot) {
        Presence::Value(ValueRef::Reference(reference))
            if reference.entity == *deciding.link.spec().entity.of(side) =>
        {
            Some(reference.id.clone())
        }
        _ => None,
    }
}

/// What is known of the records of a level.
struct Known {
    pairs: HashMap<RecordId, Pair>,
    here: HashMap<RecordId, Record>,
    there: HashMap<RecordId, Record>,
    /// Records of the written side that are parked because of a circle already: whether this plan moves them is decided
    /// elsewhere in it.
    parked: HashSet<RecordId>,
}

/// What becomes of a record's parent on the side that is written.
enum Goes {
    Stays,
    Moves,
    MayMove,
}

impl Goes {
    fn moves_if(moves: bool) -> Self {
        if moves { Goes::Moves } else { Goes::Stays }
    }
}

impl Known {
    async fn of(deciding: &Deciding<'_>, to: Side, walks: &[Walk]) -> Result<Self> {
        let (mut ids, mut others) = (Vec::new(), Vec::new());
        for walk in walks {
            match &walk.node {
                Node::Here(id) => ids.push(id.clone()),
                Node::Coming(id) => others.push(id.clone()),
            }
        }
        ids.sort();
        ids.dedup();
        let pairs = deciding.making.store().pairs_of(&deciding.link.spec().id, to, &ids).await?;
        let live = pairs.into_iter().flatten().filter(|pair| pair.status != PairStatus::Ended);
        let pairs: HashMap<RecordId, Pair> =
            live.map(|pair| (pair.ids.of(to).clone(), pair.as_read_by(deciding.link))).collect();
        others.extend(pairs.values().map(|pair| pair.ids.of(to.other()).clone()));
        others.sort();
        others.dedup();
        Ok(Self {
            parked: parked(deciding, to, pairs.values()).await?,
            pairs,
            here: shown(deciding, to, ids).await?,
            there: shown(deciding, to.other(), others).await?,
        })
    }

    /// What becomes of a pair's record on the written side: it keeps its parent where it was moved there, or nobody moved
    /// it; as the policy or a person says where both did.
    fn goes(&self, deciding: &Deciding<'_>, one: &Move, pair: &Pair, has_parent: bool) -> Goes {
        let (link, to) = (deciding.link, one.to);
        let now = Sides::new(
            self.of_side(Side::Left, to).get(&pair.ids.left),
            self.of_side(Side::Right, to).get(&pair.ids.right),
        );
        let Sides { left: Some(left), right: Some(right) } = now else { return Goes::Stays };
        let now = Sides::new(left, right);
        let rules = link.groups().get(one.group).map(|group| group.rules.as_slice()).unwrap_or_default();
        let decided = deciding.resolutions.get(&pair.ids.left).into_iter().flatten().find(|decided| {
            let of_group = |rule: &crate::model::RuleIndex| {
                link.rules().get(usize::from(rule.0)).is_some_and(|rule| rule.id == decided.rule)
            };
            let holds = |side: Side| *decided.seen.of(side) == link.fingerprint(side, now.of(side));
            rules.iter().any(of_group) && Side::BOTH.into_iter().all(holds)
        });
        if let Some(decided) = decided {
            return Goes::moves_if(decided.take != to);
        }
        let base = |side: Side| pair.base.of(side);
        let said = |side: Side| base(side).get(*one.slots.of(side)).value().is_some();
        if !said(Side::Left) || !said(Side::Right) {
            // Without bases it is a first link, which fills what is blank.
            return Goes::moves_if(!has_parent);
        }
        let changed = |side: Side| !link.forms(side).same_slot(*one.slots.of(side), base(side), now.of(side));
        match (changed(to), changed(to.other())) {
            (false, true) if self.parked.contains(pair.ids.of(to)) => Goes::MayMove,
            (false, true) => Goes::moves_if(link.allows(one.group, to)),
            (true, true) => match link.groups().get(one.group).map(|group| &group.on_conflict) {
                Some(ConflictPolicy::Take(side)) => Goes::moves_if(*side != to),
                _ => Goes::Stays,
            },
            (_, false) => Goes::Stays,
        }
    }

    fn of_side(&self, side: Side, to: Side) -> &HashMap<RecordId, Record> {
        if side == to { &self.here } else { &self.there }
    }
}

async fn parked(
    deciding: &Deciding<'_>,
    to: Side,
    pairs: impl Iterator<Item = &Pair> + Send,
) -> Result<HashSet<RecordId>> {
    let watched: Vec<&Pair> = pairs.filter(|pair| pair.watch).collect();
    let mut parked = HashSet::new();
    for side in Side::BOTH {
        let ids: Vec<RecordId> = watched.iter().map(|pair| pair.ids.of(side).clone()).collect();
        let open = deciding.making.store().attention_of(&deciding.link.spec().id, side, &ids).await?;
        let is_circle =
            |open: &Attention| matches!(open.why, AttentionWhy::Parked { reason: ParkedAs::Circle, .. });
        let found = watched.iter().zip(open).filter(|(_, open)| open.iter().any(is_circle));
        parked.extend(found.map(|(pair, _)| pair.ids.of(to).clone()));
    }
    Ok(parked)
}

async fn shown(deciding: &Deciding<'_>, side: Side, ids: Vec<RecordId>) -> Result<HashMap<RecordId, Record>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found =
        deciding.fetch(side, FetchBy::Ids(ids)).await?.into_iter().filter_map(|lookup| match lookup {
            Lookup::Found(found) => Some((found.id, found.record)),
            _ => None,
        });
    Ok(found.collect())
}

/// Takes a move out of its entry and parks it; nothing where it is parked in the same words already.
async fn park(deciding: &Deciding<'_>, entries: &mut [Entry], one: &Move) -> Result<Option<Entry>> {
    let link = deciding.link;
    let Some(entry) = entries.get_mut(one.at) else { return Ok(None) };
    let Body::Act(action) = &mut entry.body else { return Ok(None) };
    let shape = link.shape(one.to);
    let is_of_group = |change: &FieldChange| shape.slot(change.field.as_str()) == Some(*one.slots.of(one.to));
    let mut left_over = action.changes.to_vec();
    left_over.retain(|change| !is_of_group(change));
    action.waits_for.retain(|wait| {
        left_over
            .iter()
            .any(|change| matches!(&change.after, Planned::ResultOf(makes) if *makes == wait.action))
    });
    action.changes = left_over.into();
    entry.settles.remove(one.group);
    let from = one.to.other();
    let Some(id) = entry.ids.of(from).clone() else { return Ok(None) };
    let rules = link.groups().get(one.group).map(|group| group.rules.as_slice()).unwrap_or_default();
    let rules: Vec<_> = rules
        .iter()
        .filter_map(|rule| link.rules().get(usize::from(rule.0)))
        .map(|rule| rule.id.clone())
        .collect();
    let names = &deciding.making.inner.names;
    let below = match &one.parent {
        Node::Here(parent) => format!("{parent}, which is below it there"),
        Node::Coming(parent) => format!("what {parent} becomes there, which is below it"),
    };
    let message = format!(
        "{} would make a circle: it was moved in {}, and in {} its new parent would be {below}",
        one.field,
        names.of(from),
        names.of(one.to)
    );
    let key = |id: &RecordId, side: Side| EntryKey {
        rank: Rank::State,
        link: deciding.place,
        side,
        id: id.clone(),
        part: PART.saturating_add(u16::try_from(one.group).unwrap_or(0)),
    };
    let open = deciding.making.store().attention_of(&link.spec().id, from, std::slice::from_ref(&id)).await?;
    let is_known = |open: &Attention| {
        matches!(&open.why, AttentionWhy::Parked { rules: of, message: shown, .. }
            if *of == rules && *shown == message)
    };
    if open.iter().flatten().any(is_known) {
        return Ok(None);
    }
    let (side, of) = match &entry.ids.left {
        Some(left) => (Side::Left, left.clone()),
        None => (from, id.clone()),
    };
    let parked = Parked {
        side: from,
        id: Some(id),
        rules,
        why: ParkReason::Circle,
        message,
        remedy: "move one of the two elsewhere, on either side; or decide for one side, for both records"
            .to_owned(),
    };
    Ok(Some(Entry {
        key: key(&of, side),
        link: entry.link.clone(),
        ids: entry.ids.clone(),
        basis: entry.basis.clone(),
        observed: Sides::default(),
        settles: Bits::new(),
        body: Body::Effect(Effect::Park(parked)),
    }))
}
