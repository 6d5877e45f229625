//! Playing a script: processes that start, run and die, users who act in between, and the oracle that is asked after every
//! run and when all is quiet. The door is [`play`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::{Either, select};

use super::chronicle::Thing;
use super::deed::{Deed, Event};
use super::desk::Desk;
use super::finding::{Finding, Harm, Tally};
use super::kind::{Process, Subject};
use super::port::Port;
use super::quiet::Kept;
use super::script::{Run, Script, Step};
use super::story;
use super::universe::{Agenda, Shared, Universe};
use super::witness::{Witness, witnessed};
use crate::model::{Error, ErrorKind, LinkId, Result, Side};
use crate::plan::is_of_identity;
use crate::store::{Attention, AttentionWhy, Scan, StateStore};
use crate::sync::{Approved, Integration, Plan, RunReport};
use crate::testkit::Around;

/// Runs after which everything must have become quiet.
const RUNS_TO_QUIET_MAX: usize = 16;

/// Between two of those, so much passes that everything that was put off is due.
const BETWEEN: Duration = Duration::from_secs(2 * 3600);

/// What a played script came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every harm that was done, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// How often.
    pub tally: Tally,
    /// Values that users wrote.
    pub edits: u64,
    /// Operations that the engine sent.
    pub writes: u64,
    /// Runs.
    pub runs: u64,
    /// Runs that were broken off.
    pub crashes: u64,
    /// Faults that were ordered.
    pub faults: u64,
    /// What both systems hold in the end, without ids and stamps.
    pub picture: Vec<String>,
}

impl Outcome {
    /// The first harm whose absence was promised.
    pub fn violation(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.owed)
    }

    /// Adds what always has to hold and did not.
    pub(super) fn add(&mut self, harm: Harm, invariant: &'static str, words: String) {
        self.find(Finding { harm, invariant, side: Side::Left, owed: true, words });
    }

    /// Adds a finding.
    pub(super) fn find(&mut self, finding: Finding) {
        self.tally.add(&finding);
        self.findings.push(finding);
    }
}

/// Plays a script.
///
/// Errors: the subject's integration or store cannot be built; its mapping does not carry both ways what the kinds name; the
/// script speaks of kinds or things that are not there. What goes wrong in runs is no error: it is judged.
pub fn play(subject: &Subject, script: &Script) -> Result<Outcome> {
    let mut player = Player::new(subject, script)?;
    player.all(script)?;
    Ok(player.outcome())
}

/// Plays a script and tells what happened, a line for each deed, call and planned entry: for who reads a failure.
///
/// Errors: as [`play`].
pub fn tell(subject: &Subject, script: &Script) -> Result<(Outcome, Vec<String>)> {
    let mut player = Player::new(subject, script)?;
    player.world.lock().story.begin();
    player.all(script)?;
    let story = std::mem::take(&mut player.world.lock().story);
    Ok((player.outcome(), story.into_lines()))
}

/// A world in which a script is played.
pub(super) struct Player<'a> {
    subject: &'a Subject,
    cautious: bool,
    pub(super) world: Shared,
    store: Arc<Around<Witness>>,
    pub(super) integration: Integration,
    outcome: Outcome,
    /// Whether the last run was stopped by a guard.
    is_guarded: bool,
}

impl<'a> Player<'a> {
    pub(super) fn new(subject: &'a Subject, script: &Script) -> Result<Self> {
        script.check(subject.kinds.len())?;
        let universe = Universe::new(&subject.kinds, &script.systems, &script.silent(), script.things);
        let clock = Arc::clone(&universe.clock);
        let world = Shared::new(universe);
        let store = Arc::new(witnessed((subject.open)(&clock)?, &world));
        let integration = start(subject, &world, &store)?;
        world.lock().desk = Some(Desk::new(&integration, &subject.kinds, &store.inner));
        Ok(Self {
            subject,
            cautious: script.cautious,
            world,
            store,
            integration,
            outcome: Outcome::default(),
            is_guarded: false,
        })
    }

    fn all(&mut self, script: &Script) -> Result<()> {
        for step in &script.steps {
            self.step(step)?;
        }
        if script.unbounded { Ok(()) } else { self.settle() }
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Deed(deed) => self.act(deed),
            Step::Event(side, event) => {
                let mut world = self.world.lock();
                world.story.tell(|| format!("{side} {}", event.name()));
                world.happens(*side, *event);
                drop(world);
                if matches!(event, Event::Clone | Event::Return) {
                    self.restart()?;
                }
            }
            Step::Fault(side, fault) => {
                self.outcome.faults += 1;
                self.world.lock().systems.of_mut(*side).faults.push_back(*fault);
            }
            Step::Wait(seconds) => self.pass(Duration::from_secs(*seconds)),
            Step::Run(run) => {
                self.run(run)?;
            }
        }
        Ok(())
    }

    fn act(&self, deed: &Deed) {
        self.world.lock().act(deed);
        block_on(self.world.decide());
    }

    fn pass(&self, time: Duration) {
        let mut world = self.world.lock();
        world.clock.advance(time);
        world.deliver(false);
    }

    fn restart(&mut self) -> Result<()> {
        self.integration = start(self.subject, &self.world, &self.store)?;
        Ok(())
    }

    /// One run of the integration; what it reported, where it came to an end.
    pub(super) fn run(&mut self, run: &Run) -> Result<Option<RunReport>> {
        self.outcome.runs += 1;
        {
            let mut world = self.world.lock();
            world.story.tell(|| "run".to_owned());
            world.agenda = Agenda { dies_after: run.crash, ..Agenda::default() };
            for (moment, deed) in &run.deeds {
                world.agenda.deeds.entry(*moment).or_default().push(*deed);
            }
            world.chronicle.run_began = world.chronicle.next_tick();
            Side::BOTH.into_iter().for_each(|side| world.systems.of_mut(side).is_cut = false);
        }
        let cautious = self.cautious;
        let integration = self.integration.clone();
        let world = self.world.clone();
        let going = Box::pin(integration.run(|plan| approve(world.clone(), plan, cautious)));
        let ran = block_on(async {
            match select(going, Box::pin(self.world.dead())).await {
                Either::Left((ran, _)) => Some(ran),
                Either::Right(((), _)) => None,
            }
        });
        // Who meant to act when the run was over already acts now.
        let late = std::mem::take(&mut self.world.lock().agenda);
        let deeds = late.deeds.into_values().flatten();
        deeds.for_each(|deed| self.act(&deed));
        match ran {
            None => {
                self.world.lock().story.tell(|| "the process dies".to_owned());
                self.outcome.crashes += 1;
                self.world.lock().dies();
                self.restart()?;
                Ok(None)
            }
            Some(Err(error)) => {
                self.failed(&error);
                Ok(None)
            }
            Some(Ok(report)) => {
                self.is_guarded = report.plans.last().is_some_and(|(_, _, applied)| applied.is_none());
                self.judge(report.quiet)?;
                Ok(Some(report))
            }
        }
    }

    /// A run may fail where a call failed; it may not break promises of its own.
    fn failed(&self, error: &Error) {
        self.world.lock().story.tell(|| format!("the run fails: {error}"));
        if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Corrupt) {
            self.world.lock().found(Harm::Unsettled, "I30", Side::Left, true, error.to_string());
        }
    }

    /// What the state keeps of each link.
    fn kept(&self) -> Result<Vec<(LinkId, Kept)>> {
        let kinds = self.subject.kinds.iter();
        kinds.map(|kind| Ok((kind.link.clone(), block_on(kept(&*self.store.inner, &kind.link))?))).collect()
    }

    fn judge(&self, is_quiet: bool) -> Result<()> {
        let waiting = block_on(self.integration.status())?.waiting;
        let kept = self.kept()?;
        let mut world = self.world.lock();
        if is_quiet {
            kept.iter().for_each(|(link, kept)| world.untangles(link, kept));
            world.settles(&waiting);
        }
        world.chronicle.is_bound |= !world.systems.left.is_clone && !world.systems.right.is_clone;
        world.judge_conflicts(&waiting);
        kept.iter().for_each(|(link, kept)| world.judge_kept(link, kept));
        Ok(())
    }

    /// Faults end; it runs until nothing is left to do, and the oracle judges what there is then.
    pub(super) fn settle(&mut self) -> Result<()> {
        for side in Side::BOTH {
            let is_clone = {
                let mut world = self.world.lock();
                let system = world.systems.of_mut(side);
                system.faults.clear();
                std::mem::take(&mut system.is_clone)
            };
            if is_clone {
                self.restart()?;
            }
        }
        let mut is_quiet = false;
        for _ in 0..RUNS_TO_QUIET_MAX {
            self.world.lock().deliver(true);
            self.world.lock().clock.advance(BETWEEN);
            let report = self.run(&Run::default())?;
            if report.is_some_and(|report| report.quiet && report.plans.len() == 1) {
                is_quiet = true;
                break;
            }
        }
        let waiting = block_on(self.integration.status())?.waiting;
        if !is_quiet {
            let is_excused = self.world.lock().promises.is_lying() || self.is_guarded && self.cautious;
            let owed = !is_excused;
            let words = format!("it does not become quiet; {} items wait", waiting.len());
            self.world.lock().found(Harm::Unsettled, "I8", Side::Left, owed, words);
            return Ok(());
        }
        self.judge_quiet()?;
        let kept = self.kept()?;
        let mut world = self.world.lock();
        world.judge_agreement(&waiting, &kept);
        world.judge_questions(&waiting);
        world.judge_lost();
        world.judge_decisions(&waiting);
        world.judge_names(&waiting);
        Ok(())
    }

    /// I7: a plan of a quiet world is empty, and nothing is written.
    fn judge_quiet(&mut self) -> Result<()> {
        let before = self.world.lock().chronicle.writes_seen;
        let plan = block_on(self.integration.plan())?;
        if !plan.is_empty() {
            let words = format!("the next plan has {} entries", plan.trailer().entries());
            self.world.lock().found(Harm::Unsettled, "I7", Side::Left, true, words);
        }
        self.run(&Run::default())?;
        let after = self.world.lock().chronicle.writes_seen;
        if after != before {
            let words = format!("{} operations were sent when nothing was left to do", after - before);
            self.world.lock().found(Harm::EchoWrite, "I7", Side::Left, true, words);
        }
        Ok(())
    }

    /// Whether an invariant always holds, of every kind at both sides.
    pub(super) fn owes(&self, invariant: &str) -> bool {
        let world = self.world.lock();
        let mut kinds = 0..world.kinds.len();
        !world.promises.is_lying() && kinds.all(|kind| world.promises.owes_both(kind, invariant))
    }

    /// The things that wait for a person.
    pub(super) fn waiting(&self) -> Result<BTreeSet<Thing>> {
        let waiting = block_on(self.integration.status())?.waiting;
        let world = self.world.lock();
        let thing = |(link, row): &(LinkId, Attention)| {
            let kind = world.kinds.iter().position(|kind| kind.link == *link)?;
            let asks = matches!(row.why, AttentionWhy::Conflict { .. } | AttentionWhy::Parked { .. });
            let number = world.systems.of(row.side).row(kind, &row.id)?.thing?;
            asks.then_some((kind, number))
        };
        Ok(waiting.iter().filter_map(thing).collect())
    }

    /// What both systems hold, one line per record, with the thing that it stands for.
    pub(super) fn lines(&self) -> Vec<(Option<Thing>, String)> {
        self.world.lock().lines()
    }

    pub(super) fn outcome(mut self) -> Outcome {
        let world = self.world.lock();
        self.outcome.findings = world.chronicle.findings.clone();
        self.outcome.findings.iter().for_each(|finding| self.outcome.tally.add(finding));
        self.outcome.edits = world.chronicle.edits_made;
        self.outcome.writes = world.chronicle.writes_seen;
        self.outcome.picture = world.picture();
        drop(world);
        self.outcome
    }
}

fn start(subject: &Subject, world: &Shared, store: &Arc<Around<Witness>>) -> Result<Integration> {
    let process = Process {
        left: Arc::new(Port::new(world, Side::Left)),
        right: Arc::new(Port::new(world, Side::Right)),
        store: store.clone(),
        clock: Arc::clone(&world.lock().clock),
    };
    subject.start(&process)
}

async fn approve(world: Shared, plan: Plan, cautious: bool) -> Result<Option<Approved>> {
    if world.lock().story.is_told() {
        plan.each(|entry| {
            if let Some(words) = story::entry(entry) {
                world.lock().story.tell(|| words);
            }
            Ok(())
        })
        .await?;
    }
    let trips = &plan.trailer().guards;
    // Whoever approves knows which systems they are, and that a copy is none of them.
    let guards: Vec<_> =
        trips.iter().filter(|trip| !is_of_identity(trip)).map(|trip| trip.guard.clone()).collect();
    Ok(plan.approve("the world", if cautious { &[] } else { &guards }).ok())
}

/// What the state keeps of a link. Small worlds fit into a page.
async fn kept(store: &dyn StateStore, link: &LinkId) -> Result<Kept> {
    let marks = store.marks(link, Side::Left, Scan::first(1000)).await?.rows;
    let ids: Vec<_> = marks.iter().map(|mark| mark.ids.left.clone()).collect();
    let pairs = store.pairs_of(link, Side::Left, &ids).await?;
    Ok((marks, pairs.into_iter().flatten().collect()))
}

impl Universe {
    /// What both systems hold, one line per record, without ids and stamps.
    fn picture(&self) -> Vec<String> {
        self.lines().into_iter().map(|(_, line)| line).collect()
    }

    /// The same with the thing that each record stands for, in the order of the lines.
    fn lines(&self) -> Vec<(Option<Thing>, String)> {
        let mut lines = Vec::new();
        for side in Side::BOTH {
            for (kind, described) in self.kinds.iter().enumerate() {
                for (_, row) in self.systems.of(side).rows(kind) {
                    let values: Vec<String> = described
                        .carried
                        .iter()
                        .map(|carried| row.value(carried.field.of(side).as_str()).to_string())
                        .collect();
                    let name = row.value(described.named_by.of(side).as_str());
                    let target = self.target(side, kind, row);
                    let thing = row.thing.map(|number| (kind, number));
                    lines.push((thing, format!("{side} {kind} {name}: {values:?} -> {target:?}")));
                }
            }
        }
        lines.sort_by(|(_, one), (_, other)| one.cmp(other));
        lines
    }
}
