//! The order of nodes that take from each other, against a check of every edge by the times of writing.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::{KeyNode, Placement, place};
use crate::plan::entry::Rank;

fn nodes() -> impl Strategy<Value = Vec<KeyNode>> {
    (1..30_usize).prop_flat_map(|count| {
        let node = (vec(0..count, 0..3), 0..8_u8, 0..8_u8);
        vec(node, count).prop_map(|nodes| {
            let node = |(takes_from, moves, releases): (Vec<usize>, u8, u8)| KeyNode {
                takes_from,
                can_move: moves > 0,
                can_release: releases > 0,
            };
            nodes.into_iter().map(node).collect()
        })
    })
}

/// When a node gives up what it has, and when it takes what it is to have.
fn times(place: Placement) -> (u32, u32) {
    let last = u32::from(Rank::Update.number());
    match place {
        Placement::At(rank) => (u32::from(rank.number()), u32::from(rank.number())),
        Placement::Releases => (u32::from(Rank::ReleaseKeys.number()), last),
        Placement::Stuck => (last, last),
    }
}

fn depth(nodes: &[KeyNode], node: usize, way: &mut Vec<usize>) -> Option<u8> {
    if way.contains(&node) {
        return None;
    }
    way.push(node);
    let mut deepest = 0;
    for giver in nodes[node].takes_from.iter().filter(|giver| **giver != node) {
        deepest = deepest.max(depth(nodes, *giver, way)? + 1);
    }
    way.pop();
    Some(deepest)
}

proptest! {
    // Catches: a value that is taken at the moment at which it is given up, or before; a node that moves or lets go
    // and cannot.
    #[test]
    fn every_node_takes_after_the_giver_gave_up(nodes in nodes()) {
        let places = place(&nodes);
        prop_assert_eq!(places.len(), nodes.len());
        for (node, known) in nodes.iter().enumerate() {
            match places[node] {
                Placement::At(_) => prop_assert!(known.can_move),
                Placement::Releases => prop_assert!(known.can_release),
                Placement::Stuck => prop_assert!(!known.can_release),
            }
            let (_, takes) = times(places[node]);
            for giver in known.takes_from.iter().filter(|giver| **giver != node) {
                let (gives, _) = times(places[*giver]);
                prop_assert!(gives < takes || places[*giver] == Placement::Stuck, "{node} takes from {giver}: {places:?}");
            }
        }
    }

    // Catches: a temporary value where the order alone would do.
    #[test]
    fn who_waits_for_no_ring_and_can_move_does_not_let_go(nodes in nodes()) {
        let places = place(&nodes);
        let free: Vec<bool> = nodes.iter().map(|node| node.can_move).collect();
        for (node, found) in places.iter().enumerate() {
            let reaches_stuck = |node: usize| {
                let (mut open, mut met) = (vec![node], vec![false; nodes.len()]);
                while let Some(at) = open.pop() {
                    if !std::mem::replace(&mut met[at], true) {
                        open.extend(&nodes[at].takes_from);
                    }
                }
                (0..nodes.len()).any(|at| met[at] && !free[at])
            };
            let deep = depth(&nodes, node, &mut Vec::new());
            if !reaches_stuck(node) && let Some(deep) = deep && deep <= Rank::MOVE_KEYS_STEPS {
                let rank = if deep == 0 { Rank::ReleaseKeys } else { Rank::MoveKeys(deep) };
                prop_assert_eq!(*found, Placement::At(rank));
            }
        }
    }

    #[test]
    fn a_ring_of_any_length_lets_go_as_seldom_as_its_steps_allow(count in 2..60_usize, start in any::<usize>()) {
        let usual = KeyNode { can_move: true, can_release: true, ..KeyNode::default() };
        // Numbered in steps that visit everybody, so that neighbours are far apart.
        let stride = (1..count).filter(|step| gcd(*step, count) == 1).nth(start % count.min(3)).unwrap_or(1);
        let mut nodes = vec![usual; count];
        for at in 0..count {
            nodes[at * stride % count].takes_from = vec![(at + 1) * stride % count];
        }
        let places = place(&nodes);
        let released = places.iter().filter(|place| **place == Placement::Releases).count();
        prop_assert_eq!(released, count.div_ceil(usize::from(Rank::MOVE_KEYS_STEPS) + 1));
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn node(takes_from: &[usize]) -> KeyNode {
    KeyNode { takes_from: takes_from.to_vec(), can_move: true, can_release: true }
}

#[test]
fn a_giver_that_is_not_there_is_waited_for_by_nobody() {
    assert_eq!(place(&[node(&[1])]), [Placement::At(Rank::ReleaseKeys)]);
    assert_eq!(place(&[node(&[0])]), [Placement::At(Rank::ReleaseKeys)], "nor is a node itself");
}

// Catches: a node that lets go although it only waits for a ring, because most others wait for it.
#[test]
fn of_a_ring_the_node_that_most_wait_for_lets_go_and_none_before_it() {
    // 0 waits for the ring of 1 and 2; 3, 4 and 5 wait for 0.
    let nodes = [node(&[1]), node(&[2]), node(&[1]), node(&[0]), node(&[0]), node(&[0])];
    let moves = |step| Placement::At(Rank::MoveKeys(step));
    assert_eq!(place(&nodes), [moves(1), Placement::Releases, moves(1), moves(2), moves(2), moves(2)]);
}

// Catches: a node that takes from itself as well, cut although the ring is elsewhere.
#[test]
fn a_node_that_takes_from_itself_is_no_ring() {
    let nodes = [node(&[0, 1]), node(&[2]), node(&[1])];
    let places = place(&nodes);
    assert_ne!(places[0], Placement::Releases);
    assert_eq!(places.iter().filter(|place| **place == Placement::Releases).count(), 1);
}
