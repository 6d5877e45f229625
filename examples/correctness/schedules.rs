//! Drawing schedules from seeds and playing each under every rule, on several threads. Knows nothing of how it is shown. The
//! doors are [`drawn`] and [`play_all`].

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use seamless_core::model::{Result, Sides};
use seamless_core::testkit::world::{
    Failure, Figures, Finding, Level, Mode, Script, Subject, Weather, shrink, tell,
};

use crate::rules::{Rule, Store};

/// Steps of a schedule at most; with what users do in runs it is half as long again.
const STEPS_MAX: usize = 24;

/// Seeds that a thread takes at a time.
const CHUNK: u64 = 8;

/// What is drawn, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// One system can do everything, the other one lacks something; faults end, and it must become quiet
    Schedules,
    /// The same, and users type values again that stood there before, or that the other side holds
    Repeats,
    /// As `schedules`, and both systems may lack something
    Any,
    /// Faults go on to the end: nothing may be harmed
    Unbounded,
    /// One graph is edited twice: the plan is the same in any order of records, and then nothing is left
    Planner,
    /// The two systems change places: it must end in the mirrored picture
    Mirror,
    /// The same schedule with processes that die and without must end in the same picture
    Crashes,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Schedules => "schedules",
            Kind::Repeats => "repeats",
            Kind::Any => "any",
            Kind::Unbounded => "unbounded",
            Kind::Planner => "planner",
            Kind::Mirror => "mirror",
            Kind::Crashes => "crashes",
        }
    }

    fn mode(self) -> Mode {
        match self {
            Kind::Schedules | Kind::Repeats | Kind::Any | Kind::Unbounded => Mode::Schedules,
            Kind::Planner => Mode::Planner,
            Kind::Mirror => Mode::Mirror,
            Kind::Crashes => Mode::Crashes,
        }
    }

    /// Nothing goes wrong and nobody acts in between, where two plays are compared.
    fn weather(self, levels: Sides<Vec<Level>>) -> Weather {
        let usual = Weather { levels, steps_max: STEPS_MAX, ..Weather::default() };
        let calm = |levels| Weather {
            levels,
            oddities_max: 0,
            faults: false,
            rushes: false,
            upheavals: false,
            silent: false,
            ..Weather::default()
        };
        let all = || Sides::new(Level::ALL.to_vec(), Level::ALL.to_vec());
        match self {
            Kind::Schedules => usual,
            Kind::Repeats => Weather { repeats: true, ..usual },
            Kind::Any | Kind::Crashes => Weather { levels: all(), ..usual },
            Kind::Unbounded => Weather { unbounded: true, ..usual },
            Kind::Planner => calm(Sides::new(vec![Level::NoOrder], vec![Level::NoOrder])),
            Kind::Mirror => calm(all()),
        }
    }
}

/// What is to be played.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) kind: Kind,
    pub(crate) threads: usize,
    pub(crate) rules: Vec<Rule>,
    pub(crate) store: Store,
    /// The rule that must do no harm whose absence is promised.
    pub(crate) held: Rule,
}

/// What it came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    /// By rule, and by what one of the two systems can do.
    pub(crate) figures: BTreeMap<(Rule, Level), Figures>,
    /// The seeds under which the held rule failed, with what was found first.
    pub(crate) failed: BTreeMap<u64, Finding>,
}

impl Played {
    fn add(&mut self, order: &Order, seed: u64, subjects: &[(Rule, Subject)]) -> Result<()> {
        for (rule, subject) in subjects {
            let (level, script) = drawn(order.kind, subject, seed);
            let outcome = order.kind.mode().play(subject, &script)?;
            self.figures.entry((*rule, level)).or_default().add(&outcome);
            if *rule == order.held
                && let Some(finding) = outcome.violation()
            {
                self.failed.insert(seed, finding.clone());
            }
        }
        Ok(())
    }

    fn join(&mut self, other: Played) {
        for (key, figures) in other.figures {
            join(self.figures.entry(key).or_default(), &figures);
        }
        self.failed.extend(other.failed);
    }

    /// The figures of a rule over all levels.
    pub(crate) fn of_rule(&self, rule: Rule) -> Figures {
        let mut sum = Figures::default();
        let of_rule = self.figures.iter().filter(|((of, _), _)| *of == rule);
        of_rule.for_each(|(_, figures)| join(&mut sum, figures));
        sum
    }
}

fn join(sum: &mut Figures, other: &Figures) {
    sum.scripts += other.scripts;
    sum.edits += other.edits;
    sum.writes += other.writes;
    sum.runs += other.runs;
    sum.crashes += other.crashes;
    sum.faults += other.faults;
    sum.tally.join(&other.tally);
}

/// The schedule of a seed. Usually one system can do everything, the other what its level says; they take turns in being
/// left.
pub(crate) fn drawn(kind: Kind, subject: &Subject, seed: u64) -> (Level, Script) {
    let count = u64::try_from(Level::ALL.len()).unwrap_or(1);
    let place = usize::try_from(seed % count).unwrap_or_default();
    let level = Level::ALL.get(place).copied().unwrap_or(Level::Full);
    let levels = Sides::new(vec![Level::Full], vec![level]);
    let levels = if (seed / count).is_multiple_of(2) { levels } else { levels.mirrored() };
    let script = kind.mode().draw(subject, &kind.weather(levels), seed);
    let level = match kind {
        Kind::Schedules | Kind::Repeats | Kind::Unbounded => level,
        Kind::Any | Kind::Planner | Kind::Mirror | Kind::Crashes => script.systems.right.level,
    };
    (level, script)
}

/// Plays every schedule under every rule. `done` is told how many schedules have been played so far.
///
/// Errors: an integration that cannot be built; what goes wrong in a schedule is no error.
pub(crate) fn play_all(order: &Order, done: impl Fn(u64) + Sync) -> Result<Played> {
    let subjects: Vec<(Rule, Subject)> =
        order.rules.iter().map(|rule| Ok((*rule, rule.subject(order.store)?))).collect::<Result<_>>()?;
    let (next, ready) = (AtomicU64::new(0), AtomicU64::new(0));
    let all = Mutex::new(Ok(Played::default()));
    thread::scope(|scope| {
        for _ in 0..order.threads.max(1) {
            scope.spawn(|| {
                let own = play_share(order, &subjects, &next, &ready, &done);
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                match (&mut *all, own) {
                    (Ok(all), Ok(own)) => all.join(own),
                    (Ok(_), Err(error)) => *all = Err(error),
                    (Err(_), _) => {}
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What one thread plays: chunks of seeds, until none is left.
fn play_share(
    order: &Order,
    subjects: &[(Rule, Subject)],
    next: &AtomicU64,
    ready: &AtomicU64,
    done: &(impl Fn(u64) + Sync),
) -> Result<Played> {
    let mut own = Played::default();
    loop {
        let from = next.fetch_add(CHUNK, Ordering::Relaxed);
        if from >= order.count {
            return Ok(own);
        }
        let until = (from + CHUNK).min(order.count);
        for place in from..until {
            own.add(order, order.first + place, subjects)?;
        }
        let chunk = until - from;
        done(ready.fetch_add(chunk, Ordering::Relaxed) + chunk);
    }
}

/// The lowest failure with the shortest script that still fails.
///
/// Errors: as [`play_all`].
pub(crate) fn shortest(order: &Order, played: &Played) -> Result<Option<Failure>> {
    let Some((seed, finding)) = played.failed.first_key_value() else { return Ok(None) };
    let (seed, finding) = (*seed, finding.clone());
    let subject = order.held.subject(order.store)?;
    let (_, script) = drawn(order.kind, &subject, seed);
    let (script, finding) = shrink(&script, finding, |script| order.kind.mode().play(&subject, script).ok());
    Ok(Some(Failure { seed, script, finding }))
}

/// What happens in a script under the held rule, line by line.
///
/// Errors: as [`play_all`].
pub(crate) fn story(order: &Order, script: &Script) -> Result<Vec<String>> {
    let (_, story) = tell(&order.held.subject(order.store)?, script)?;
    Ok(story)
}
