//! What is owed in a world: the table of promises, read before anything happens. The oracle asks here whether a harm is a
//! violation. The door is [`Promises::owes`].

use super::kind::Kind;
use super::system::System;
use crate::mapper::LinkMode;
use crate::model::{Side, Sides};
use crate::plan::{Guarantee, Holding, guarantees};

/// What is promised for each kind.
#[derive(Debug)]
pub(super) struct Promises {
    kinds: Vec<Vec<Guarantee>>,
    lying: Sides<bool>,
}

impl Promises {
    /// Reads the table for what the systems can do in truth.
    pub(super) fn new(kinds: &[Kind], systems: &Sides<System>) -> Self {
        let of = |(at, kind): (usize, &Kind)| {
            let truth = systems.as_ref().map(|system| system.truth.get(at).cloned().unwrap_or_default());
            guarantees(&kind.link, LinkMode::TwoWay, Sides::new("left", "right"), &truth)
        };
        let lying =
            systems.as_ref().map(|system| system.truth.iter().any(|truth| system.switches.is_lying(truth)));
        Self { kinds: kinds.iter().enumerate().map(of).collect(), lying }
    }

    /// Whether an invariant always holds for a kind at a side. What has no row in the table always holds; where a system
    /// declares what is not so, nothing is owed that a row speaks of.
    pub(super) fn owes(&self, kind: usize, invariant: &str, side: Side) -> bool {
        let mut rows = self.kinds.get(kind).into_iter().flatten();
        let rows: Vec<_> = rows.by_ref().filter(|row| row.invariant == invariant).collect();
        if rows.is_empty() {
            return true;
        }
        let is_lying = self.lying.left || self.lying.right;
        !is_lying && rows.iter().filter(|row| row.side == side).all(|row| row.holding == Holding::Holds)
    }

    /// Whether an invariant always holds for a kind at both sides.
    pub(super) fn owes_both(&self, kind: usize, invariant: &str) -> bool {
        Side::BOTH.into_iter().all(|side| self.owes(kind, invariant, side))
    }

    /// Whether a side declares what is not so.
    pub(super) fn is_lying(&self) -> bool {
        self.lying.left || self.lying.right
    }
}
