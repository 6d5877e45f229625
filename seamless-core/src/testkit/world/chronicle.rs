//! What happened in a simulated world, as the world itself saw it: who wrote which value where, who saw what, who made
//! and deleted which record. The engine cannot see it and nothing here comes from the engine. The judging is `judge`'s.

use std::collections::{BTreeMap, BTreeSet};

use super::doubt::Doubts;
use super::finding::Finding;
use super::names::Names;
use crate::model::{ActionId, RecordId, Side, Value};

/// Stands for the carried reference among the carried fields of a kind.
pub(super) const REFERENCE: usize = usize::MAX;

/// A record of a side.
pub(super) type Holder = (Side, usize, RecordId);

/// A field of a record of a side: the place of the field among the carried ones.
pub(super) type Spot = (Holder, usize);

/// What a side put into a field of a thing itself, and what the other side held there.
pub(super) type Form = (Thing, usize, Side, Option<u32>, Option<u32>);

/// A thing: its kind and its number.
pub(super) type Thing = (usize, usize);

/// The number at the front of a value: who wrote it. `None`: nothing stands there.
pub(super) fn tag(value: &Value) -> Option<u32> {
    match value {
        Value::Text(text) => {
            let digits = text.trim_start().strip_prefix(['v', 'V'])?;
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            digits.get(..end)?.parse().ok()
        }
        Value::Int(number) => u32::try_from(*number).ok(),
        Value::Decimal(number) => {
            let text = number.to_string();
            text.split('.').next()?.parse().ok()
        }
        _ => None,
    }
}

/// Whether nothing stands there.
pub(super) fn is_blank(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value, Value::Text(text) if text.is_empty())
}

#[derive(Debug, Default)]
pub(super) struct Chronicle {
    /// Grows with everything that happens.
    pub(super) tick: u64,
    /// The last tag that was given.
    serial: u32,
    /// What each tag was written for, and by a user of which side.
    pub(super) written: BTreeMap<u32, (Thing, usize, Side)>,
    /// Tags that a user had before their eyes and replaced.
    pub(super) replaced: BTreeSet<u32>,
    /// Tags that a user put away with their record, or that a restored backup took away.
    pub(super) buried: BTreeSet<(Holder, u32)>,
    /// Tags that a user replaced there: they must not come back there.
    pub(super) banned: BTreeSet<(Spot, u32)>,
    /// Tags that users wrote on both sides.
    pub(super) twins: BTreeSet<u32>,
    /// Tags that were overwritten unseen, where that is allowed.
    pub(super) forgiven: BTreeSet<u32>,
    /// What records were called.
    pub(super) names: Names,
    /// What a field of a record held when the two records of its thing were last in step, and since then at moments at
    /// which both held the same: whether anybody saw those is not known.
    pub(super) agreed: BTreeMap<Spot, BTreeSet<Option<u32>>>,
    /// The same of records whose partner was taken away since, or is another one.
    pub(super) parted: BTreeMap<Spot, BTreeSet<Option<u32>>>,
    /// What people decided: where which value may give way to which, seen as they saw both.
    pub(super) consents: BTreeSet<(Spot, Option<u32>, Option<u32>)>,
    /// When a user edited a spot last, while the edit stands there.
    pub(super) edits: BTreeMap<Spot, u64>,
    /// What stood in a spot before the edits that nobody has seen.
    origins: BTreeMap<Spot, Option<u32>>,
    /// What users replaced in a spot, as it stood there.
    formers: BTreeMap<(Spot, u32), Value>,
    /// When the engine read a record last.
    pub(super) read: BTreeMap<Holder, u64>,
    /// Until when the engine has seen a record.
    pub(super) shown: BTreeMap<Holder, u64>,
    /// When users of a side edited a field last, until the two sides agree.
    pub(super) dirty: BTreeMap<(Thing, usize, Side), u64>,
    /// What a field of a thing held on a side at any time.
    pub(super) held: BTreeSet<(Thing, usize, Side, Option<u32>)>,
    /// What the engine sent for a field of a thing of a side.
    pub(super) acknowledged: BTreeSet<(Thing, usize, Side, Option<u32>)>,
    /// What a side put into a field itself when the engine made the record, and what the other side held there.
    pub(super) forms: BTreeSet<Form>,
    /// Things that a side's reference of a thing pointed at at any time.
    pub(super) pointed: BTreeSet<(Thing, Side, Option<usize>)>,
    /// Records that the engine made.
    pub(super) made: BTreeSet<Holder>,
    /// When a record came to be there.
    pub(super) born: BTreeMap<Holder, u64>,
    /// Things whose tombstone was shown.
    pub(super) stones_shown: BTreeSet<(Side, Thing)>,
    /// Records that were hidden at some time: feeds may have passed them.
    pub(super) was_hidden: BTreeSet<Holder>,
    /// When a record was first there.
    pub(super) first_born: BTreeMap<Holder, u64>,
    /// When users of a side deleted a thing last, if it is not there again.
    pub(super) deleted: BTreeMap<(Side, Thing), u64>,
    /// When users of a side deleted a thing last, whether it is there again or not.
    pub(super) deletions: BTreeMap<(Side, Thing), u64>,
    /// Things that were merged into another one, told by the system or not.
    merged: BTreeMap<Thing, (usize, bool)>,
    /// When a carried field of a kind of a side was shown again.
    pub(super) allowed: BTreeMap<(Side, usize, usize), u64>,
    /// Things of which the users themselves made more than one record, or that merging made one of.
    tangled: BTreeSet<Thing>,
    /// Things that were so at some time.
    was_tangled: BTreeSet<Thing>,
    /// Things that were in step on both sides at the end of a quiet run.
    pub(super) settled: BTreeSet<Thing>,
    /// Things that a user of a side deleted after they were in step, and that no user brought back.
    pub(super) ended: BTreeSet<(Side, Thing)>,
    /// Operations whose intent is durable.
    pub(super) intended: BTreeSet<ActionId>,
    /// When the run began that planned an operation last.
    pub(super) planned: BTreeMap<ActionId, u64>,
    /// Operations that reached a system.
    pub(super) sent: BTreeSet<ActionId>,
    /// When the run began that goes on.
    pub(super) run_began: u64,
    /// Whether the state has met both environments themselves.
    pub(super) is_bound: bool,
    /// What became of which write is not known: conflicts may then be reported that are none.
    pub(super) doubts: Doubts,
    /// How often what was sent for a field of a thing to a side.
    pub(super) times_sent: BTreeMap<(Thing, usize, Side, Option<u32>), u32>,
    pub(super) findings: Vec<Finding>,
    pub(super) edits_made: u64,
    pub(super) writes_seen: u64,
}

impl Chronicle {
    pub(super) fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }

    /// A tag that nobody wrote before.
    pub(super) fn fresh(&mut self, thing: Thing, field: usize, side: Side) -> u32 {
        self.serial += 1;
        self.edits_made += 1;
        self.written.insert(self.serial, (thing, field, side));
        self.serial
    }

    /// The thing that a thing is by now.
    pub(super) fn root(&self, thing: Thing) -> Thing {
        let mut root = thing;
        // A chain of merges is not longer than there are things.
        for _ in 0..self.merged.len() {
            match self.merged.get(&root) {
                Some((into, _)) => root = (thing.0, *into),
                None => break,
            }
        }
        root
    }

    pub(super) fn is_merged(&self, thing: Thing) -> bool {
        self.merged.contains_key(&thing)
    }

    /// Whether a thing was merged into another one and the system said so.
    pub(super) fn was_told(&self, thing: Thing) -> bool {
        self.merged.get(&thing).is_some_and(|(_, told)| *told)
    }

    pub(super) fn merges(&mut self, loser: Thing, winner: Thing, told: bool) {
        self.merged.insert(loser, (winner.1, told));
        self.tangle(winner);
    }

    /// Users made more than one record of a thing.
    pub(super) fn tangle(&mut self, thing: Thing) {
        let root = self.root(thing);
        self.tangled.insert(root);
        self.was_tangled.insert(root);
    }

    /// Each side has one record of a thing again, and the two are a pair.
    pub(super) fn untangle(&mut self, thing: Thing) {
        let root = self.root(thing);
        let kept = std::mem::take(&mut self.tangled);
        self.tangled = kept.into_iter().filter(|of| self.root(*of) != root).collect();
    }

    pub(super) fn is_tangled(&self, thing: Thing) -> bool {
        self.tangled.contains(&thing) || self.tangled.contains(&self.root(thing))
    }

    pub(super) fn was_tangled(&self, thing: Thing) -> bool {
        self.was_tangled.contains(&thing) || self.was_tangled.contains(&self.root(thing))
    }

    /// A user, or the system itself, put a value there.
    pub(super) fn wrote(&mut self, spot: Spot, thing: Thing, before: &Value, after: &Value, tick: u64) {
        let (old, new) = (tag(before), tag(after));
        if let Some(old) = old.filter(|old| Some(*old) != new) {
            self.replaced.insert(old);
            // What nobody saw there comes from the other side, if it comes; and who goes back to what the two were in step with
            // gives way to that side.
            if !self.is_unseen(&spot) && !self.was_in_step(&spot, new) {
                self.banned.insert((spot.clone(), old));
            }
            self.formers.insert((spot.clone(), old), before.clone());
        }
        if let Some(new) = new {
            self.banned.remove(&(spot.clone(), new));
            self.buried.remove(&(spot.0.clone(), new));
        }
        let side = spot.0.0;
        let root = self.root(thing);
        self.dirty.insert((root, spot.1, side), tick);
        self.held.insert((root, spot.1, side, new));
        let origin = match self.origins.get(&spot) {
            Some(origin) if self.is_unseen(&spot) => *origin,
            _ => old,
        };
        self.origins.insert(spot.clone(), origin);
        // Who takes back what nobody has seen leaves what was seen before.
        if new.is_some() && new == origin {
            self.edits.remove(&spot);
        } else {
            self.edits.insert(spot, tick);
        }
    }

    /// The youngest value that a user replaced in a spot and that does not stand there.
    pub(super) fn former(&self, spot: &Spot, now: Option<u32>) -> Option<Value> {
        let mut replaced = self.formers.range((spot.clone(), 0)..=(spot.clone(), u32::MAX));
        replaced.rfind(|((_, tag), _)| Some(*tag) != now).map(|(_, value)| value.clone())
    }

    /// A user types a value in a spot that was typed before. Whoever replaced it or put it away before did so to what was
    /// typed then; from here on it must not be lost, and may go wherever an edit may go. What the two sides were last in
    /// step with is no edit when it is typed again, and gives way to the other side's; so it is with what takes back an edit
    /// that nobody has seen.
    pub(super) fn counts_anew(&mut self, spot: &Spot, tag: u32) {
        self.banned.retain(|(_, banned)| *banned != tag);
        let takes_back = self.is_unseen(spot) && self.origins.get(spot) == Some(&Some(tag));
        if !takes_back && !self.was_in_step(spot, Some(tag)) {
            self.replaced.remove(&tag);
            self.buried.retain(|(_, buried)| *buried != tag);
        }
    }

    /// Whether this is what the two sides were last in step with, also where one of them is gone since.
    fn was_in_step(&self, spot: &Spot, mark: Option<u32>) -> bool {
        let agreed = self.agreed.get(spot).or_else(|| self.parted.get(spot));
        mark.is_some() && agreed.is_some_and(|agreed| agreed.contains(&mark))
    }

    /// Whether the field held this on the side at any time, under any name that the thing had.
    pub(super) fn was_held(&self, thing: Thing, field: usize, side: Side, tag: Option<u32>) -> bool {
        self.held.contains(&(thing, field, side, tag))
            || self.held.iter().any(|(of, at, on, held)| {
                (*at, *on, *held) == (field, side, tag) && self.root(*of) == self.root(thing)
            })
    }

    /// Whether a user edited the field on the side since the two sides agreed about it, under any name that the thing had.
    pub(super) fn is_dirty(&self, thing: Thing, field: usize, side: Side) -> bool {
        let root = self.root(thing);
        self.dirty.keys().any(|(of, at, on)| (*at, *on) == (field, side) && self.root(*of) == root)
    }

    /// Both sides agree about the field: what was edited in it before a time is carried.
    pub(super) fn is_clean(&mut self, thing: Thing, field: usize, since: u64) {
        let root = self.root(thing);
        let dirty = std::mem::take(&mut self.dirty);
        let stays = |of: Thing, at: usize, tick: u64| at != field || tick >= since || self.root(of) != root;
        self.dirty = dirty.into_iter().filter(|((of, at, _), tick)| stays(*of, *at, *tick)).collect();
    }

    /// Whether what stands in the field is what the system itself made of what was written there, under any name that the
    /// thing had.
    pub(super) fn is_form(&self, thing: Thing, what: (usize, Side, Option<u32>, Option<u32>)) -> bool {
        let root = self.root(thing);
        self.forms.iter().any(|(of, field, side, made, other)| {
            (*field, *side, *made, *other) == what && self.root(*of) == root
        })
    }

    /// Whether the reference pointed at this on the side at any time.
    pub(super) fn was_pointed(&self, thing: Thing, side: Side, at: Option<usize>, to: usize) -> bool {
        let same = |held: Option<usize>| match (held, at) {
            (Some(held), Some(at)) => self.root((to, held)) == self.root((to, at)),
            (held, at) => held == at,
        };
        let root = self.root(thing);
        self.pointed.iter().any(|(of, on, held)| *on == side && self.root(*of) == root && same(*held))
    }

    /// The engine sees a record as it is.
    pub(super) fn shows(&mut self, holder: Holder, tick: u64) {
        self.read.insert(holder.clone(), self.tick);
        let shown = self.shown.entry(holder).or_default();
        *shown = (*shown).max(tick);
    }

    /// Whether a user's edit stands there that the engine has not seen.
    pub(super) fn is_unseen(&self, spot: &Spot) -> bool {
        let shown = self.shown.get(&spot.0).copied().unwrap_or_default();
        self.edits.get(spot).is_some_and(|edited| *edited > shown)
    }

    /// Whether any edit of a record stands that the engine has not seen.
    pub(super) fn has_unseen(&self, holder: &Holder) -> bool {
        let shown = self.shown.get(holder).copied().unwrap_or_default();
        let spots = self.edits.range((holder.clone(), 0)..=(holder.clone(), usize::MAX));
        spots.into_iter().any(|(_, edited)| *edited > shown)
    }

    /// A user brings a thing back, or makes it anew.
    pub(super) fn begins(&mut self, side: Side, thing: Thing, holder: Holder, tick: u64) {
        let root = self.root(thing);
        self.first_born.entry(holder.clone()).or_insert(tick);
        self.born.insert(holder, tick);
        self.deleted.remove(&(side, root));
        self.ended.retain(|(_, ended)| *ended != root);
        self.settled.remove(&root);
    }

    /// A user deletes a thing.
    pub(super) fn ends(&mut self, side: Side, thing: Thing, tick: u64) {
        let root = self.root(thing);
        self.deleted.insert((side, thing), tick);
        self.deletions.insert((side, thing), tick);
        if self.settled.contains(&root) {
            self.ended.insert((side, root));
        }
    }
}
