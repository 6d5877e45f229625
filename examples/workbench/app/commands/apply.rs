//! `apply`: reads a plan file, asks, applies exactly that plan.

use std::fs::File;
use std::io::BufReader;

use futures::executor::block_on;
use seamless_core::ErrorKind;
use seamless_core::model::GuardId;
use seamless_core::plan::render::TextOptions;
use seamless_core::sync::{Approved, Plan, Status};
use serde_json::json;

use super::plan::show_text;
use crate::app::Outcome;
use crate::app::cli::{ApplyArgs, ApprovalArgs, Global};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, by};
use crate::app::show;

pub(crate) fn run(args: &ApplyArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let file = File::open(&args.file).map_err(|cause| Failure::file("reading", &args.file, cause))?;
    let mut project = Project::load(global, host)?;
    let opened = project.open(global, host)?;
    let plan = block_on(opened.integration.open_plan(&mut BufReader::new(file)))?;
    check_overrides(&plan, &args.approval)?;
    let Some(approved) = approve(&plan, &args.approval, global, host)? else {
        host.note("Not approved; nothing was written.");
        return Ok(Outcome::Changes);
    };
    let applied = block_on(opened.integration.apply(approved))?;
    opened.watcher.take_notes().into_iter().for_each(|note| host.note(note));
    if global.json {
        host.json(&json!({ "plan": plan.id(), "applied": show::applied_json(&applied, &project.names) }))?;
    } else {
        show::applied(&applied, &project.names, host)?;
    }
    if applied.dropped_count > 0 || applied.paused {
        return Ok(Outcome::Changes);
    }
    Ok(remaining(&block_on(opened.integration.status())?))
}

/// Whether anything waits for a person.
pub(crate) fn remaining(status: &Status) -> Outcome {
    let waits = status.waiting.iter().any(|(_, attention)| show::waits_for_person(&attention.why));
    if waits { Outcome::Waiting } else { Outcome::Done }
}

/// Refuses the name of a guard that does not stop the plan: it is another one than was meant.
fn check_overrides(plan: &Plan, args: &ApprovalArgs) -> Result<(), Failure> {
    let trips = &plan.trailer().guards;
    let unknown = |name: &&String| !trips.iter().any(|trip| trip.guard.as_str() == name.as_str());
    if let Some(name) = args.overrides.iter().find(unknown) {
        let stops: Vec<&str> = trips.iter().map(|trip| trip.guard.as_str()).collect();
        let remedy = match stops.as_slice() {
            [] => "leave --override out: no guard stops this plan".to_owned(),
            stops => format!("the plan is stopped by {}", stops.join(", ")),
        };
        return Err(Failure::usage(format!("no guard `{name}` stops this plan")).remedy(remedy));
    }
    Ok(())
}

/// Gets a yes to a plan: from `--yes`, or from the person who reads its text. `None` for a no.
///
/// Errors: guards that are not overridden, each with what it found; nobody to ask.
pub(crate) fn approve(
    plan: &Plan,
    args: &ApprovalArgs,
    global: &Global,
    host: &mut Host<'_>,
) -> Result<Option<Approved>, Failure> {
    let overrides: Vec<GuardId> = args.overrides.iter().map(|name| GuardId::from(name.as_str())).collect();
    let approved = plan.approve(&by(global, host), &overrides).map_err(|error| guarded(plan, error))?;
    if args.yes {
        return Ok(Some(approved));
    }
    if host.asks && !global.json {
        let options = TextOptions { colour: host.colour, ..TextOptions::default() };
        show_text(plan, options, host)?;
    }
    Ok(host.ask("Apply this plan?")?.then_some(approved))
}

/// The error of a plan that guards stop, with what each of them found.
fn guarded(plan: &Plan, error: seamless_core::Error) -> Failure {
    if error.kind() != ErrorKind::Guarded {
        return error.into();
    }
    let found: Vec<String> =
        plan.trailer().guards.iter().map(|trip| format!("{}: {}", trip.guard, trip.found)).collect();
    let names: Vec<String> =
        plan.trailer().guards.iter().map(|trip| format!("--override {}", trip.guard)).collect();
    let error = seamless_core::Error::new(ErrorKind::Guarded, error.message().to_owned());
    let remedy = format!("read the plan; if that is what you want, give {}", names.join(" "));
    error.at("found", found.join("; ")).with_remedy(remedy).into()
}
