//! Watching a run: events for progress bars, logs and alerts.

use std::fmt;
use std::time::Duration;

use crate::connector::Capability;
use crate::model::{LinkId, Side};
use crate::plan::GuardTrip;

/// Receives what happens while a plan is made or applied.
///
/// Called from any task; must return at once. It decides nothing: losing events changes nothing.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// An observer that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn event(&self, _event: &Event<'_>) {}
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Finding out what became of writes that a crash left open.
    Recover,
    /// Reading a side.
    Pull,
    /// Matching records without a pair.
    Match,
    /// Deciding.
    Decide,
    /// Ordering, counting and sealing.
    Seal,
    /// Applying.
    Apply,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Recover => "recover",
            Phase::Pull => "read",
            Phase::Match => "match",
            Phase::Decide => "decide",
            Phase::Seal => "seal",
            Phase::Apply => "apply",
        })
    }
}

/// What happens in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A phase began.
    PhaseBegan {
        /// Which.
        phase: Phase,
        /// Of which link, where it has one.
        link: Option<&'a LinkId>,
        /// Of which side, where it has one.
        side: Option<Side>,
        /// How many steps it will have, where known.
        total: Option<u64>,
    },
    /// A phase went on. Both sides of a link are read at once: their events come mixed.
    Progress {
        /// Which.
        phase: Phase,
        /// Of which link, where it has one.
        link: Option<&'a LinkId>,
        /// Of which side, where it has one.
        side: Option<Side>,
        /// Steps done.
        done: u64,
        /// Steps in all, where known.
        total: Option<u64>,
        /// Steps in a second so far.
        per_second: f64,
        /// Time that remains at this rate, where the total is known.
        remaining: Option<Duration>,
    },
    /// A phase ended.
    PhaseEnded {
        /// Which.
        phase: Phase,
        /// Of which link, where it has one.
        link: Option<&'a LinkId>,
        /// Of which side, where it has one.
        side: Option<Side>,
        /// Steps done.
        done: u64,
        /// How long it took.
        took: Duration,
    },
    /// A guard stops the plan.
    GuardTripped(&'a GuardTrip),
    /// A record could not be written and is tried again later, or waits for a person.
    RecordFailed {
        /// The link.
        link: &'a LinkId,
        /// The side that was written.
        side: Side,
        /// What happened, in words.
        message: &'a str,
        /// Whether it waits for a person.
        parked: bool,
    },
    /// A declared capability turned out false; the guarantee is lower than the plan's head says. Sent once for a side's
    /// entity, until the process ends.
    GuaranteeLowered {
        /// The link.
        link: &'a LinkId,
        /// The side.
        side: Side,
        /// The capability.
        capability: Capability,
        /// What was seen, in words.
        message: &'a str,
    },
}

/// Measures one phase and tells the observer.
pub(super) struct Meter<'a> {
    observer: &'a dyn Observer,
    clock: &'a dyn crate::clock::Clock,
    phase: Phase,
    link: Option<&'a LinkId>,
    side: Option<Side>,
    began: Duration,
    told: Duration,
    done: u64,
    total: Option<u64>,
}

/// Events of one phase are at least this far apart: a person sees no more, and a fast phase is not slowed down.
const EVENT_EVERY: Duration = Duration::from_millis(50);

impl<'a> Meter<'a> {
    pub(super) fn begin(
        observer: &'a dyn Observer,
        clock: &'a dyn crate::clock::Clock,
        phase: Phase,
        link: Option<&'a LinkId>,
        side: Option<Side>,
        total: Option<u64>,
    ) -> Self {
        observer.event(&Event::PhaseBegan { phase, link, side, total });
        let began = clock.elapsed();
        Self { observer, clock, phase, link, side, began, told: began, done: 0, total }
    }

    pub(super) fn add(&mut self, steps: usize) {
        self.done += steps as u64;
        let now = self.clock.elapsed();
        if now.saturating_sub(self.told) < EVENT_EVERY {
            return;
        }
        self.told = now;
        let seconds = now.saturating_sub(self.began).as_secs_f64().max(1e-6);
        let per_second = self.done as f64 / seconds;
        let remaining = self.total.filter(|_| per_second > 0.0).map(|total| {
            Duration::from_secs_f64((total.saturating_sub(self.done) as f64 / per_second).min(1e9))
        });
        let Self { phase, link, side, done, total, .. } = *self;
        self.observer.event(&Event::Progress { phase, link, side, done, total, per_second, remaining });
    }

    pub(super) fn end(self) {
        let took = self.clock.elapsed().saturating_sub(self.began);
        let Self { phase, link, side, done, .. } = self;
        self.observer.event(&Event::PhaseEnded { phase, link, side, done, took });
    }
}
