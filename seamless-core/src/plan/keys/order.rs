//! The order in which records can hand unique values on: each after the one that it takes its value from, and where
//! they wait for each other in a ring, one of them lets go first.
//!
//! Kahn's topological order, in which a node's step is the longest way to it. When nothing is free any more, a ring is
//! found by following who waits for whom, and the node of it that most others wait for is cut. Linear in nodes and
//! edges, apart from one walk per ring. It knows numbers, not entries. The door is [`place`].

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::plan::entry::Rank;

/// An entry that gives up a unique value which another entry takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNode {
    /// The nodes whose values it takes.
    pub takes_from: Vec<usize>,
    /// Whether the entry can be written before the creates of the plan: it waits for none of them, and nothing that
    /// refers to its record stands in its way.
    pub can_move: bool,
    /// Whether its values can be given up ahead of it, by temporary ones.
    pub can_release: bool,
}

/// Where an entry goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It is written at this rank.
    At(Rank),
    /// It lets go by a temporary value first and is written where it stands.
    Releases,
    /// It stays where it stands, and who takes its value is refused: it can neither move nor let go.
    Stuck,
}

/// Places every node. The same nodes give the same places; every node comes after those that it takes from have given
/// up what it takes, unless one of these is stuck.
pub fn place(nodes: &[KeyNode]) -> Vec<Placement> {
    let mut order = Order {
        nodes,
        waits_for: Vec::with_capacity(nodes.len()),
        wanted_by: vec![Vec::new(); nodes.len()],
        steps: vec![0; nodes.len()],
        places: vec![None; nodes.len()],
        free: BTreeSet::new(),
    };
    for (node, known) in nodes.iter().enumerate() {
        let givers: BTreeSet<usize> =
            known.takes_from.iter().copied().filter(|giver| *giver < nodes.len() && *giver != node).collect();
        order.waits_for.push(givers.len());
        if givers.is_empty() {
            order.free.insert(node);
        }
        for giver in givers {
            if let Some(wanted) = order.wanted_by.get_mut(giver) {
                wanted.push(node);
            }
        }
    }
    order.run();
    order.places.into_iter().map(|place| place.unwrap_or(Placement::Stuck)).collect()
}

struct Order<'a> {
    nodes: &'a [KeyNode],
    /// How many of the nodes that a node takes from are not placed yet.
    waits_for: Vec<usize>,
    wanted_by: Vec<Vec<usize>>,
    /// The step at which a node can be written at the earliest.
    steps: Vec<u8>,
    places: Vec<Option<Placement>>,
    free: BTreeSet<usize>,
}

impl Order<'_> {
    fn run(&mut self) {
        let mut first = 0;
        loop {
            while let Some(node) = self.free.pop_first() {
                self.put(node);
            }
            while self.places.get(first).is_some_and(Option::is_some) {
                first += 1;
            }
            if first >= self.nodes.len() {
                return;
            }
            self.cut(first);
        }
    }

    /// Places a node that waits for nothing.
    fn put(&mut self, node: usize) {
        let (Some(known), Some(step)) = (self.nodes.get(node), self.steps.get(node).copied()) else { return };
        let place = match step {
            _ if !known.can_move || step > Rank::MOVE_KEYS_STEPS => match known.can_release {
                true => Placement::Releases,
                false => Placement::Stuck,
            },
            0 => Placement::At(Rank::ReleaseKeys),
            step => Placement::At(Rank::MoveKeys(step)),
        };
        self.done(node, place);
    }

    fn done(&mut self, node: usize, place: Placement) {
        let Some(slot) = self.places.get_mut(node) else { return };
        *slot = Some(place);
        self.free.remove(&node);
        let next = match place {
            Placement::At(Rank::MoveKeys(step)) => step.saturating_add(1),
            Placement::At(_) | Placement::Releases | Placement::Stuck => 1,
        };
        for taker in self.wanted_by.get_mut(node).map(std::mem::take).unwrap_or_default() {
            if self.places.get(taker).is_some_and(Option::is_some) {
                continue;
            }
            let (Some(waits), Some(step)) = (self.waits_for.get_mut(taker), self.steps.get_mut(taker)) else {
                continue;
            };
            *waits = waits.saturating_sub(1);
            *step = (*step).max(next);
            if *waits == 0 {
                self.free.insert(taker);
            }
        }
    }

    /// Every node that is left waits. From one of them the way along who waits for whom ends in a ring: its first node
    /// that can lets go.
    fn cut(&mut self, from: usize) {
        let mut way: Vec<usize> = vec![from];
        let mut met: BTreeSet<usize> = way.iter().copied().collect();
        let ring = loop {
            let at = way.last().copied().unwrap_or(from);
            let givers = self.nodes.get(at).map(|node| node.takes_from.as_slice()).unwrap_or_default();
            let open = |giver: &&usize| **giver != at && matches!(self.places.get(**giver), Some(None));
            let Some(giver) = givers.iter().filter(open).min().copied() else { break vec![at] };
            if !met.insert(giver) {
                let begin = way.iter().position(|known| *known == giver).unwrap_or(0);
                break way.split_off(begin);
            }
            way.push(giver);
        };
        let can = |node: &&usize| self.nodes.get(**node).is_some_and(|known| known.can_release);
        // The more wait for it, the more rings end with it. The fewest that would do for all rings is more than is
        // worth finding: rings share records only where an entity has several unique fields.
        let wanted = |node: &usize| self.wanted_by.get(*node).map_or(0, Vec::len);
        match ring.iter().filter(can).min_by_key(|node| (Reverse(wanted(node)), **node)).copied() {
            Some(node) => self.done(node, Placement::Releases),
            None => self.done(ring.iter().min().copied().unwrap_or(from), Placement::Stuck),
        }
    }
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
