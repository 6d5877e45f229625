//! The command line. Knows nothing of what the options do.

use std::path::PathBuf;

use clap::Parser;

use crate::rules::{Rule, Store};
use crate::schedules::Kind;

const MORE: &str = "\
Examples:
  correctness --schedules 1000 --seed 7 --threads 2
  correctness --schedules 1 --seed 4711        plays the schedule of one seed again; if it fails, says what happens
  correctness --schedules 200 --store sqlite
  correctness --schedules 0                    the scenarios only

Exit codes: 0 the held rule did no harm whose absence is promised, 1 it did, or a scenario came out otherwise
than its table says, 2 the options are wrong.

docs/simulated-world.md says what a schedule is and how harm is judged, docs/incumbent-scenarios.md where the
scenarios come from.";

/// Plays random schedules under four rules of keeping records in step, and counts the harm that each of them does
#[derive(Debug, Parser)]
#[command(name = "correctness", version, after_help = MORE)]
pub(crate) struct Arguments {
    /// How many schedules
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) schedules: u64,
    /// The seed of the first one; the next has the next seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many threads play [default: as many as the machine has]
    #[arg(long, value_name = "T")]
    pub(crate) threads: Option<usize>,
    /// What is drawn, and what is done with it
    #[arg(long, value_enum, default_value_t = Kind::Schedules)]
    pub(crate) mode: Kind,
    /// Where the state is kept
    #[arg(long, value_enum, default_value_t = Store::Memory)]
    pub(crate) store: Store,
    /// Only these rules, by commas [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "RULES")]
    pub(crate) rules: Vec<Rule>,
    /// The rule that must do no harm
    #[arg(long, value_enum, default_value_t = Rule::Seamless, value_name = "RULE")]
    pub(crate) hold: Rule,
    /// Show the other rules by capability level too
    #[arg(long)]
    pub(crate) levels: bool,
    /// Leave the published scenarios of the incumbent out
    #[arg(long)]
    pub(crate) no_scenarios: bool,
    /// Show all of them, those that end the same under both rules too
    #[arg(long)]
    pub(crate) all_scenarios: bool,
    /// Write every figure to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

impl Arguments {
    /// The rules to play, the held one among them.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let asked = |rule: &Rule| self.rules.is_empty() || self.rules.contains(rule) || *rule == self.hold;
        Rule::ALL.into_iter().filter(asked).collect()
    }

    pub(crate) fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.unwrap_or_else(all).max(1)
    }
}
