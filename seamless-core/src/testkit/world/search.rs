//! Looking for a seed that fails, and making its script short: steps, deeds and switches are left out one after the other
//! as long as it still fails. The doors are [`search`] and [`shrink`].

use std::fmt;

use super::dice::Dice;
use super::draw::Weather;
use super::finding::{Finding, Tally};
use super::kind::Subject;
use super::laws::{crash_law, mirror_law, order_law};
use super::play::{Outcome, play};
use super::script::{Run, Script, Step};
use crate::model::{Result, Side};

/// What playing many scripts came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Scripts that were played.
    pub scripts: u64,
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
    /// How often each harm was done.
    pub tally: Tally,
    /// The first seed that failed, with the shortest script that was found for it.
    pub failure: Option<Failure>,
}

impl Figures {
    /// Adds what a script came to.
    pub fn add(&mut self, outcome: &Outcome) {
        self.scripts += 1;
        self.edits += outcome.edits;
        self.writes += outcome.writes;
        self.runs += outcome.runs;
        self.crashes += outcome.crashes;
        self.faults += outcome.faults;
        self.tally.join(&outcome.tally);
    }
}

/// A script in which something happened whose absence was promised. Displayed with what replays it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The shortest script that was found.
    pub script: Script,
    /// What happens in it.
    pub finding: Finding,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} fails: {}", self.seed, self.finding)?;
        writeln!(f, "the script, to be pasted into `Script::parse(..)` and played:")?;
        write!(f, "{}", self.script)
    }
}

/// What is done with each seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A schedule is played, with everything that the weather has.
    Schedules,
    /// Records in step are edited on both sides, and the plan must be the same whatever order they come in; then nothing is
    /// left to do after a few runs. See [`order_law`].
    Planner,
    /// The same is played with the two systems changed over, and must end in the mirrored picture. See [`mirror_law`].
    Mirror,
    /// A schedule is played with processes that die and without, and must end in the same picture. See [`crash_law`].
    Crashes,
}

impl Mode {
    /// The script of a seed.
    pub fn draw(self, subject: &Subject, weather: &Weather, seed: u64) -> Script {
        match self {
            Mode::Schedules => Script::draw(seed, subject.kinds.len(), weather),
            Mode::Planner | Mode::Mirror => Script::draw_graph(seed, subject.kinds.len(), weather),
            Mode::Crashes => dying(Script::draw(seed, subject.kinds.len(), weather), seed),
        }
    }

    /// Plays a script in this mode.
    ///
    /// Errors: as [`play`].
    pub fn play(self, subject: &Subject, script: &Script) -> Result<Outcome> {
        match self {
            Mode::Schedules => play(subject, script),
            Mode::Planner => order_law(subject, script),
            Mode::Mirror => mirror_law(subject, script),
            Mode::Crashes => crash_law(subject, script),
        }
    }
}

/// Steps of a run at most, as far as scripts of few records go.
const RUN_STEPS_MAX: usize = 400;

/// Lets half of the runs of a script die, wherever they are then.
fn dying(mut script: Script, seed: u64) -> Script {
    let mut dice = Dice::new(seed);
    for step in &mut script.steps {
        if let Step::Run(run) = step {
            run.crash = dice.once_in(2).then(|| u64::try_from(dice.below(RUN_STEPS_MAX)).unwrap_or(0));
        }
    }
    script
}

/// Plays the scripts of these seeds. The first failure is made short; after it no further seed is played.
///
/// Errors: as [`play`].
pub fn search(
    subject: &Subject,
    weather: &Weather,
    mode: Mode,
    seeds: impl IntoIterator<Item = u64>,
) -> Result<Figures> {
    let mut figures = Figures::default();
    for seed in seeds {
        let script = mode.draw(subject, weather, seed);
        let outcome = mode.play(subject, &script)?;
        figures.add(&outcome);
        if let Some(finding) = outcome.violation() {
            let (script, finding) =
                shrink(&script, finding.clone(), |script| mode.play(subject, script).ok());
            figures.failure = Some(Failure { seed, script, finding });
            break;
        }
    }
    Ok(figures)
}

/// The shortest script that still does the same harm, as far as leaving out one thing after the other finds it. Plays
/// about as many scripts as the script has parts, several times over.
pub fn shrink(
    script: &Script,
    finding: Finding,
    mut plays: impl FnMut(&Script) -> Option<Outcome>,
) -> (Script, Finding) {
    let (mut script, mut finding) = (script.clone(), finding);
    loop {
        let mut is_shorter = false;
        let mut at = 0;
        // What is left out changes what is to be tried next, so that the list is made anew each time.
        while let Some(shorter) = shorter(&script, at) {
            let same = plays(&shorter).and_then(|outcome| {
                let mut owed = outcome.findings.into_iter().filter(|found| found.owed);
                owed.find(|found| found.harm == finding.harm)
            });
            match same {
                Some(same) => {
                    (script, finding, is_shorter) = (shorter, same, true);
                }
                None => at += 1,
            }
        }
        if !is_shorter {
            return (script, finding);
        }
    }
}

/// The script with one thing left out: halves of the steps first, then single steps, deeds, crashes, switches.
fn shorter(script: &Script, at: usize) -> Option<Script> {
    let steps = script.steps.len();
    let mut at = at;
    for size in [steps / 2, steps / 4, 1] {
        if size == 0 {
            continue;
        }
        let chunks = steps.div_ceil(size);
        if at < chunks {
            let left_out = (steps.saturating_sub((at + 1) * size))..(steps - at * size);
            let mut shorter = script.clone();
            shorter.steps.drain(left_out);
            return Some(shorter);
        }
        at -= chunks;
    }
    for (place, step) in script.steps.iter().enumerate() {
        let Step::Run(run) = step else { continue };
        let mut simpler: Vec<Run> = (0..run.deeds.len())
            .map(|deed| {
                let mut run = run.clone();
                run.deeds.remove(deed);
                run
            })
            .collect();
        if run.crash.is_some() {
            simpler.push(Run { crash: None, ..run.clone() });
        }
        if at < simpler.len() {
            let mut shorter = script.clone();
            if let (Some(step), Some(run)) = (shorter.steps.get_mut(place), simpler.into_iter().nth(at)) {
                *step = Step::Run(run);
            }
            return Some(shorter);
        }
        at -= simpler.len();
    }
    for side in Side::BOTH {
        let simpler = script.systems.of(side).simpler();
        if at < simpler.len() {
            let mut shorter = script.clone();
            if let Some(switches) = simpler.into_iter().nth(at) {
                *shorter.systems.of_mut(side) = switches;
            }
            return Some(shorter);
        }
        at -= simpler.len();
    }
    let flags = [
        Script { cautious: false, ..script.clone() },
        Script { things: script.things.min(2), ..script.clone() },
    ];
    flags.into_iter().filter(|shorter| shorter != script).nth(at)
}
