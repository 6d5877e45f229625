//! The whole of a simulated world under one lock: two systems, what happened, what is still to happen. It knows when things
//! happen; what users do is `users`', what the engine is shown and does `serve`'s and `accept`'s, what that means `judge`'s.
//! The door is [`Universe::moment`].

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::task::AtomicWaker;

use super::chronicle::{Chronicle, Thing};
use super::clock::VirtualClock;
use super::deed::Deed;
use super::desk::{Desk, View};
use super::finding::{Finding, Harm};
use super::kind::Kind;
use super::promises::Promises;
use super::story::{self, Story};
use super::switches::Switches;
use super::system::System;
use super::table::Row;
use crate::clock::Clock;
use crate::model::{RecordId, Side, Sides};

/// Every call of the port takes so long.
const CALL: Duration = Duration::from_millis(10);

/// What is to happen in the run that goes on.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// Deeds by the number of the moment, counted over both systems from the start of the run.
    pub(super) deeds: BTreeMap<u64, Vec<Deed>>,
    /// Moments that have passed.
    pub(super) moments: u64,
    /// Steps after which the process dies; state store and systems are behind one gate.
    pub(super) dies_after: Option<u64>,
    /// Steps that have passed.
    pub(super) steps: u64,
}

#[derive(Debug)]
pub(super) struct Universe {
    pub(super) kinds: Vec<Kind>,
    pub(super) systems: Sides<System>,
    pub(super) chronicle: Chronicle,
    pub(super) promises: Promises,
    pub(super) agenda: Agenda,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) things: usize,
    /// Where people decide what waits for them.
    pub(super) desk: Option<Desk>,
    /// What is still to be done there.
    pub(super) asked: VecDeque<Deed>,
    /// What was looked at there and is not decided.
    pub(super) views: BTreeMap<Thing, Vec<View>>,
    /// How often the same values of a record were refused, by side, and how much users had done with it before.
    pub(super) refusals: BTreeMap<(Side, String), (usize, usize)>,
    /// How often users of either side did anything with a thing.
    pub(super) deeds: BTreeMap<Thing, usize>,
    /// How often there was a reason for another try: somebody asked, or a field was hidden or shown.
    pub(super) hints: usize,
    /// What was decided there.
    pub(super) decisions: Vec<(Thing, View)>,
    /// Whether what arrives was sent long ago.
    pub(super) is_late: bool,
    /// Whether nobody hears the answer to what arrives.
    pub(super) is_unheard: bool,
    /// What happens, for who reads it.
    pub(super) story: Story,
    /// Whether users say everything of a record that they make, so that they do the same whatever the integration did.
    pub(super) is_thorough: bool,
}

impl Universe {
    pub(super) fn new(
        kinds: &[Kind],
        switches: &Sides<Switches>,
        silent: &Sides<bool>,
        things: usize,
    ) -> Self {
        let system = |side: Side| System::new(side, switches.of(side), kinds, *silent.of(side));
        let systems = Sides::new(system(Side::Left), system(Side::Right));
        let promises = Promises::new(kinds, &systems);
        Self {
            kinds: kinds.to_vec(),
            systems,
            chronicle: Chronicle::default(),
            promises,
            agenda: Agenda::default(),
            clock: Arc::new(VirtualClock::default()),
            things,
            desk: None,
            asked: VecDeque::new(),
            views: BTreeMap::new(),
            decisions: Vec::new(),
            refusals: BTreeMap::new(),
            hints: 0,
            deeds: BTreeMap::new(),
            is_late: false,
            is_unheard: false,
            story: Story::default(),
            is_thorough: false,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// A moment at which anything can happen: before a call of the port reaches its system, and before its answer comes
    /// back.
    pub(super) fn moment(&mut self) {
        self.clock.advance(CALL);
        self.agenda.moments += 1;
        self.deliver(false);
        let due = self.agenda.deeds.remove(&self.agenda.moments);
        due.into_iter().flatten().for_each(|deed| self.act(&deed));
    }

    /// Lets happen what is due by now, or everything: writes that arrive late, transactions that are committed.
    pub(super) fn deliver(&mut self, all: bool) {
        let now = self.now();
        for side in Side::BOTH {
            let system = self.systems.of_mut(side);
            let (late, kept) =
                std::mem::take(&mut system.late).into_iter().partition(|late| all || late.due <= now);
            system.late = kept;
            let (open, kept) =
                std::mem::take(&mut system.open).into_iter().partition(|open| all || open.due <= now);
            system.open = kept;
            let (late, open): (Vec<_>, Vec<_>) = (late, open);
            for late in late {
                // Nobody hears the answer.
                (self.is_late, self.is_unheard) = (true, true);
                let outcome = self.accept(side, late.kind, &late.op);
                (self.is_late, self.is_unheard) = (false, false);
                self.story
                    .tell(|| format!("  late: {}", story::write(side, &late.op, &outcome).trim_start()));
            }
            open.into_iter().for_each(|open| self.commit(side, open));
        }
    }

    /// The records of a side that stand for a thing, under any name that it had.
    pub(super) fn records_of(&self, side: Side, thing: Thing) -> Vec<RecordId> {
        let root = self.chronicle.root(thing);
        let is_it =
            |row: &Row| row.thing.is_some_and(|number| self.chronicle.root((thing.0, number)) == root);
        let rows = self.systems.of(side).rows(thing.0);
        rows.filter(|(_, row)| is_it(row)).map(|(id, _)| id.clone()).collect()
    }

    /// The record of a side that stands for a thing.
    pub(super) fn find(&self, side: Side, thing: Thing) -> Option<RecordId> {
        let mut rows = self.systems.of(side).rows(thing.0);
        rows.find(|(_, row)| row.thing == Some(thing.1)).map(|(id, _)| id.clone())
    }

    /// Notes a harm.
    pub(super) fn found(
        &mut self,
        harm: Harm,
        invariant: &'static str,
        side: Side,
        owed: bool,
        words: String,
    ) {
        let finding = Finding { harm, invariant, side, owed, words };
        self.story.tell(|| format!("  found: {finding}"));
        if !self.chronicle.findings.contains(&finding) {
            self.chronicle.findings.push(finding);
        }
    }
}

/// The world as its connectors, its store and its player hold it.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    universe: Arc<Mutex<Universe>>,
    death: Arc<Death>,
}

#[derive(Debug, Default)]
struct Death {
    waker: AtomicWaker,
}

impl Shared {
    pub(super) fn new(universe: Universe) -> Self {
        Self { universe: Arc::new(Mutex::new(universe)), death: Arc::default() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Universe> {
        self.universe.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step of the process: when it is to die here, this never returns.
    pub(super) async fn step(&self) {
        self.decide().await;
        let dies = {
            let mut universe = self.lock();
            let dies = universe.agenda.dies_after.is_some_and(|after| universe.agenda.steps >= after);
            universe.agenda.steps += 1;
            dies
        };
        if dies {
            self.death.waker.wake();
            futures::future::pending::<()>().await;
        }
    }

    /// Ends when the process dies.
    pub(super) async fn dead(&self) {
        futures::future::poll_fn(|context| {
            self.death.waker.register(context.waker());
            let universe = self.lock();
            let is_dead = universe.agenda.dies_after.is_some_and(|after| universe.agenda.steps > after);
            if is_dead { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
