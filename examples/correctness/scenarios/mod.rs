//! Situations from the incumbent's own published tests, restated in our words and run under its rule and under ours. What
//! its tests expect was read in `microsoft/BCApps` (MIT licence) at commit `c3414ed`; nothing of them is copied. The doors
//! are [`run`] and [`LEFT_OUT`].
//!
//! Left is the incumbent's own system, right the one that it is integrated with. Its rule keeps stamps: so that it sees them
//! here, each record has a stamp that users move, which no rule carries.

mod conflicts;
mod deletions;
mod jobs;
mod left_out;
mod records;
mod script;
mod show;
mod stage;
mod transfers;

use seamless_core::model::Result;

pub(crate) use left_out::LEFT_OUT;
pub(crate) use show::{json, show};

/// One situation, and what must come of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    /// The file that the test is in, without its ending.
    pub(crate) file: &'static str,
    /// The name of its procedure.
    pub(crate) test: &'static str,
    /// What it is about, in our words.
    pub(crate) situation: &'static str,
    /// How the two records are mapped; see `script::Settings`.
    pub(crate) mapping: &'static str,
    /// What happens; see `script::Statement`.
    pub(crate) script: &'static str,
    /// What its test says that becomes of it, in the words of `stage`.
    pub(crate) theirs: &'static str,
    /// What becomes of it under our rule.
    pub(crate) ours: &'static str,
}

/// A scenario, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    pub(crate) scenario: Scenario,
    pub(crate) theirs: String,
    pub(crate) ours: String,
}

impl Ran {
    /// Whether the two rules end differently.
    pub(crate) fn differs(&self) -> bool {
        self.theirs != self.ours
    }

    /// Whether both came out as the table says.
    pub(crate) fn is_as_said(&self) -> bool {
        self.theirs == self.scenario.theirs && self.ours == self.scenario.ours
    }
}

/// Runs every scenario under both rules.
///
/// Errors: a scenario that says what is not known, or whose run fails; named with its test.
pub(crate) fn run() -> Result<Vec<Ran>> {
    let rows = [conflicts::ROWS, records::ROWS, deletions::ROWS, transfers::ROWS, jobs::ROWS];
    let ran = rows.into_iter().flatten().map(|scenario| {
        let by = |by| {
            stage::played(by, scenario.mapping, scenario.script)
                .map_err(|error| error.at("test", scenario.test))
        };
        Ok(Ran { scenario: *scenario, theirs: by(stage::By::Theirs)?, ours: by(stage::By::Ours)? })
    });
    ran.collect()
}
