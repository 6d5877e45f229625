//! What the engine promises, tried at random and counted, beside three other rules that play the same schedules.
//!
//! ```text
//! cargo run --release --example correctness -- --schedules 2000 --seed 1
//! ```
//!
//! Each schedule is a small simulated world of `seamless_core::testkit::world`: two systems with oddities, users who act at
//! any moment, calls that go wrong, processes that die, and an oracle that knows who wrote what. It is played under the
//! engine's rule and under three rivals (`rivals/`), so that the difference is seen in one run. Then the situations of the
//! incumbent's own published tests are run under its rule and under ours (`scenarios/`).

mod arguments;
mod report;
mod rivals;
mod rules;
mod scenarios;
mod schedules;
mod subject;
mod terminal;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};

use arguments::Arguments;
use schedules::{Order, Played};
use terminal::{Progress, bad, good, lines, number};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            bad(format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether all is as it should be.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut document = serde_json::Map::new();
    let mut is_good = true;
    if arguments.schedules > 0 {
        let (figures, held) = play(arguments)?;
        document.insert("schedules".to_owned(), figures);
        is_good &= held;
    }
    if !arguments.no_scenarios {
        let ran = scenarios::run()?;
        scenarios::show(&ran, arguments.all_scenarios);
        document.insert("scenarios".to_owned(), scenarios::json(&ran));
        is_good &= ran.iter().all(scenarios::Ran::is_as_said);
    }
    if let Some(file) = &arguments.json {
        write_json(file, &Value::Object(document))?;
    }
    Ok(is_good)
}

/// Plays the schedules and shows what they came to.
fn play(arguments: &Arguments) -> Result<(Value, bool), Box<dyn Error>> {
    let order = Order {
        first: arguments.seed,
        count: arguments.schedules,
        kind: arguments.mode,
        threads: arguments.threads(),
        rules: arguments.rules(),
        store: arguments.store,
        held: arguments.hold,
    };
    let progress = Progress::of(order.count);
    let played = schedules::play_all(&order, |done| progress.at(done))?;
    let took = progress.end();
    report::show(&order, &played, arguments.levels);
    let failure = schedules::shortest(&order, &played)?;
    let mut figures = report::json(&order, &played, took);
    if let (Some(failure), Some(figures)) = (&failure, figures.as_object_mut()) {
        let script = failure.script.to_string();
        let found = json!({ "seed": failure.seed, "finding": failure.finding.to_string(), "script": script });
        figures.insert("failure".to_owned(), found);
    }
    lines("");
    if let Some(failure) = &failure {
        bad(format!("{} schedules fail under the rule {}", failures(&played), order.held.name()));
        for (seed, finding) in played.failed.iter().take(FAILURES_SHOWN) {
            lines(format!("  seed {seed}: {finding}"));
        }
        lines("");
        lines(failure);
        if order.count == 1 {
            lines("what happens in it:");
            schedules::story(&order, &failure.script)?.into_iter().for_each(lines);
        }
    }
    end_line(&order, &played, took);
    Ok((figures, failure.is_none()))
}

/// Failing seeds that are named, each with its first finding.
const FAILURES_SHOWN: usize = 20;

fn failures(played: &Played) -> String {
    number(u64::try_from(played.failed.len()).unwrap_or(u64::MAX))
}

/// What was done, how fast, and with what end.
fn end_line(order: &Order, played: &Played, took: Duration) {
    let held = played.of_rule(order.held);
    let seconds = took.as_secs_f64().max(0.001);
    let plays = order.count * u64::try_from(order.rules.len()).unwrap_or(1);
    let text = format!(
        "{} schedules, mode {}, seeds {} to {}, {} rules, store {}: {:.1} s on {} threads, {:.0} schedules and {:.0} plays a second. \
         {} edits, {} faults, {} crashes. {} schedules with harm under the rule {}.",
        number(order.count),
        order.kind.name(),
        order.first,
        order.first + order.count.saturating_sub(1),
        order.rules.len(),
        order.store.name(),
        seconds,
        order.threads,
        rate(order.count, seconds),
        rate(plays, seconds),
        number(held.edits),
        number(held.faults),
        number(held.crashes),
        failures(played),
        order.held.name(),
    );
    if played.failed.is_empty() { good(text) } else { bad(text) }
}

#[allow(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

fn write_json(file: &Path, document: &Value) -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_string_pretty(document)?;
    std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(())
}
