//! `run`: plans, asks and applies until nothing is left to do; once, or in rounds.

use std::time::{Duration, Instant};

use futures::executor::block_on;
use seamless_core::ErrorKind;
use seamless_core::store::AttentionWhy;
use seamless_core::sync::{Plan, RunReport, Status};
use serde_json::json;

use super::apply::{approve, remaining};
use crate::app::Outcome;
use crate::app::cli::{Global, RunArgs};
use crate::app::companies::{self, Ended};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Opened, Project};
use crate::app::show;

pub(crate) fn run(args: &RunArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let all =
        |host: &mut Host<'_>| companies::each(global, host, &mut |global, host| round(args, global, host));
    let Some(every) = args.every else { return all(host) };
    let mut last = Outcome::Done;
    while !host.cancel.is_cancelled() {
        match all(host) {
            Ok(outcome) => last = outcome,
            Err(Failure::Core(error)) if error.kind() == ErrorKind::Cancelled => break,
            // A system that is down now may be up in the next round; a file that is wrong may be corrected.
            Err(failure) => failure.tell(global.json, host),
        }
        wait(every, host);
    }
    Ok(last)
}

/// Waits, looking up often enough that Ctrl-C is obeyed at once.
fn wait(every: Duration, host: &Host<'_>) {
    let until = Instant::now() + every;
    while !host.cancel.is_cancelled() && Instant::now() < until {
        std::thread::sleep(until.saturating_duration_since(Instant::now()).min(Duration::from_millis(100)));
    }
}

/// One round. Opens everything anew: the mapping may have been edited, and others use the state in between.
fn round(args: &RunArgs, global: &Global, host: &mut Host<'_>) -> Result<Ended, Failure> {
    let mut project = Project::load(global, host)?;
    let opened = project.open(global, host)?;
    let report = drive(args, global, &opened, host)?;
    opened.watcher.take_notes().into_iter().for_each(|note| host.note(note));
    let status = block_on(opened.integration.status())?;
    if global.json {
        let plans = report.plans.iter().map(|(plan, trailer, applied)| {
            let applied = applied.as_ref().map(|applied| show::applied_json(applied, &project.names));
            json!({ "plan": plan, "counts": trailer.counts, "applied": applied })
        });
        host.json(&json!({ "quiet": report.quiet, "plans": plans.collect::<Vec<_>>() }))?;
    } else {
        for (_, _, applied) in report.plans.iter().filter(|(_, trailer, _)| trailer.entries() > 0) {
            match applied {
                Some(applied) => show::applied(applied, &project.names, host)?,
                None => {
                    host.line("Not approved; nothing was written.")?;
                    return Ok(Outcome::Changes.into());
                }
            }
        }
        host.line(ending(&report, &status))?;
    }
    let outcome = match remaining(&status) {
        _ if paused(&report) => Outcome::Changes,
        Outcome::Done if !report.quiet => Outcome::Changes,
        outcome => outcome,
    };
    let applied = report.plans.iter().filter_map(|(_, _, applied)| applied.as_ref());
    let (written, dropped) =
        applied.fold((0, 0), |(done, dropped), one| (done + one.written, dropped + one.dropped_count));
    let counts = vec![("written", written), ("dropped", dropped), ("waiting", status.waiting.len() as u64)];
    Ok(Ended { outcome, counts })
}

fn paused(report: &RunReport) -> bool {
    report.plans.last().is_some_and(|(_, _, applied)| applied.as_ref().is_some_and(|applied| applied.paused))
}

/// What remains, in one line.
fn ending(report: &RunReport, status: &Status) -> String {
    if let Some(pause) = status.pause.as_ref().filter(|_| paused(report)) {
        let (by, why) = (show::name(&pause.by), show::name(&pause.why));
        return format!("Paused by {by}: {why}. Nothing more is applied until `workbench pause --end`.");
    }
    let (mut conflicts, mut parked, mut again) = (0, 0, 0);
    for (_, attention) in &status.waiting {
        match attention.why {
            AttentionWhy::Conflict { .. } => conflicts += 1,
            AttentionWhy::Parked { .. } => parked += 1,
            AttentionWhy::Retry { .. } | AttentionWhy::Hint { .. } => again += 1,
        }
    }
    let waits: Vec<String> = [
        (conflicts, show::counted(conflicts, "conflict")),
        (parked, show::counted(parked, "parked item")),
        (again, format!("{again} to be tried again")),
    ]
    .into_iter()
    .filter_map(|(count, words)| (count > 0).then_some(words))
    .collect();
    match (report.quiet, waits.is_empty()) {
        (true, true) => "Nothing is left to do.".to_owned(),
        (true, false) => {
            format!("Nothing is left to do but what waits: {}; see `workbench status`.", waits.join(", "))
        }
        (false, _) => "More is left to do: run again.".to_owned(),
    }
}

/// Plans and applies until a plan is empty or refused.
///
/// The SDK's own loop asks inside of its future; a person is asked between futures here, because showing a plan reads
/// its entries from the state.
fn drive(
    args: &RunArgs,
    global: &Global,
    opened: &Opened,
    host: &mut Host<'_>,
) -> Result<RunReport, Failure> {
    let mut report = RunReport::default();
    let mut cursors_only = |plan: Plan| async move {
        Ok(plan.is_empty().then(|| plan.approve("workbench", &[]).ok()).flatten())
    };
    for _ in 0..PLANS_MAX {
        // Goes on with what was left, takes what only moves cursors, and stops at the first plan that needs a yes.
        let mut ran = block_on(opened.integration.run(&mut cursors_only))?;
        report.quiet = ran.quiet;
        let asked = match ran.plans.last() {
            Some((_, _, None)) => ran.plans.pop(),
            _ => None,
        };
        report.plans.append(&mut ran.plans);
        let Some((id, trailer, _)) = asked else { return Ok(report) };
        let plan = block_on(opened.integration.plan_by_id(&id))?;
        let Some(approved) = approve(&plan, &args.approval, global, host)? else {
            report.plans.push((id, trailer, None));
            return Ok(report);
        };
        let applied = block_on(opened.integration.apply(approved))?;
        let paused = applied.paused;
        report.plans.push((id, trailer, Some(applied)));
        if paused {
            return Ok(report);
        }
    }
    Ok(report)
}

/// Plans of one round at most: a mapping whose sides never agree must not write for ever.
const PLANS_MAX: u32 = 4;
