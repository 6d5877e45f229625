//! The scenarios as a table and as JSON: their rule beside ours. The doors are [`show`] and [`json`].

use serde_json::{Value, json};

use super::{LEFT_OUT, Ran};
use crate::terminal::{bad, lines, number, say, sentences, title};

fn count(of: usize) -> String {
    number(u64::try_from(of).unwrap_or(u64::MAX))
}

/// Prints what became of the scenarios: those that the two rules end differently, or all.
pub(crate) fn show(ran: &[Ran], all: bool) {
    title("The incumbent's own published scenarios, under its rule and under ours");
    say(
        "Situations of the tests in microsoft/BCApps, restated. Left is its own system. `->` is written to the right, \
         `<-` to the left; runs are apart by `/`. docs/incumbent-scenarios.md has all of them.",
        0,
    );
    let shown = ran.iter().filter(|ran| all || ran.differs());
    let rows: Vec<Vec<String>> = shown
        .map(|ran| {
            let scenario = ran.scenario;
            vec![format!("{}: {}", scenario.situation, scenario.script), ran.theirs.clone(), ran.ours.clone()]
        })
        .collect();
    sentences(&["situation", "their rule", "our rule"], &rows);
    let differing = ran.iter().filter(|ran| ran.differs()).count();
    let left_out: usize = LEFT_OUT.iter().map(|(_, tests)| tests.len()).sum();
    say(
        &format!(
            "{} scenarios were run under both rules: {} end differently, {} the same{}. {} tests of the same files are left \
             out:",
            count(ran.len()),
            count(differing),
            count(ran.len() - differing),
            if all { "" } else { ", which are not shown (--all-scenarios)" },
            count(left_out),
        ),
        0,
    );
    for (reason, tests) in LEFT_OUT {
        lines(format!("{:>5}  {reason}", tests.len()));
    }
    for ran in ran.iter().filter(|ran| !ran.is_as_said()) {
        let said = ran.scenario;
        bad(format!(
            "{} came out otherwise than its table says: their rule `{}` for `{}`, ours `{}` for `{}`",
            said.test, ran.theirs, said.theirs, ran.ours, said.ours
        ));
    }
}

/// Everything about the scenarios.
pub(crate) fn json(ran: &[Ran]) -> Value {
    let row = |ran: &Ran| {
        let said = ran.scenario;
        json!({
            "file": said.file,
            "test": said.test,
            "situation": said.situation,
            "mapping": said.mapping,
            "script": said.script,
            "theirs": ran.theirs,
            "ours": ran.ours,
            "as_said": ran.is_as_said(),
        })
    };
    let left_out = LEFT_OUT.iter().map(|(reason, tests)| json!({ "reason": reason, "tests": tests }));
    json!({
        "ran": ran.iter().map(row).collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
    })
}
