//! Counting entries: the one place that says what an entry counts as.

use std::collections::BTreeMap;

use super::entry::{Action, Body, Effect, Entry, PlannedVerb};
use super::head::Counts;
use crate::model::{LinkId, Side};

/// Counts per link, added up entry by entry. Costs one look-up in a small map per entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<LinkId, Counts>,
}

impl Tally {
    /// Nothing counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts an entry. Cursors are not counted: every plan moves them.
    pub fn add(&mut self, entry: &Entry) {
        let counts = self.of_mut(&entry.link);
        match &entry.body {
            Body::Act(Action { side, verb, .. }) => {
                let sides = match verb {
                    PlannedVerb::Create => &mut counts.create,
                    PlannedVerb::Update => &mut counts.update,
                    PlannedVerb::Delete(_) => &mut counts.delete,
                    PlannedVerb::Action { .. } => &mut counts.act,
                };
                *sides.of_mut(*side) += 1;
            }
            Body::Effect(effect) => match effect {
                Effect::Link { .. } | Effect::Relink { .. } => counts.link += 1,
                Effect::Agree => counts.agree += 1,
                Effect::OpenConflict(_) => counts.conflict += 1,
                Effect::Park(_) => counts.parked += 1,
                Effect::EndPair { .. } => counts.ended += 1,
                Effect::Diverged { .. } => counts.diverged += 1,
                Effect::CloseConflict { .. } => counts.closed += 1,
                Effect::Freeze { .. } | Effect::Thaw => counts.scope += 1,
                Effect::Cursor { .. } => {}
            },
        }
    }

    /// Says how many pairs of a link were known before the plan, and how many were looked at: entries do not tell.
    pub fn seen(&mut self, link: &LinkId, pairs: u64, looked_at: u64) {
        let counts = self.of_mut(link);
        counts.pairs = pairs;
        counts.looked_at = looked_at;
    }

    /// What was counted, by link; a link without entries that was not [`Tally::seen`] is not there.
    pub fn counts(&self) -> &BTreeMap<LinkId, Counts> {
        &self.counts
    }

    /// Deletes on a side of a link: what guards look at.
    pub fn deletes(&self, link: &LinkId, side: Side) -> u64 {
        self.counts.get(link).map_or(0, |counts| *counts.delete.of(side))
    }

    /// Takes what was counted.
    pub fn into_counts(self) -> BTreeMap<LinkId, Counts> {
        self.counts
    }

    fn of_mut(&mut self, link: &LinkId) -> &mut Counts {
        self.counts.entry(link.clone()).or_default()
    }
}
