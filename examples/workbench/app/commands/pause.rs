//! `pause`: keeps applying from going on, and ends that. Needs the state only: systems may be down.

use futures::executor::block_on;
use seamless_core::clock::{Clock, SystemClock};
use seamless_core::store::Pause;
use serde_json::json;

use crate::app::Outcome;
use crate::app::cli::{Global, PauseArgs};
use crate::app::failure::Failure;
use crate::app::host::Host;
use crate::app::project::{Project, by};

pub(crate) fn run(args: &PauseArgs, global: &Global, host: &mut Host<'_>) -> Result<Outcome, Failure> {
    let project = Project::load(global, host)?;
    let store = project.store()?;
    let (who, at) = (by(global, host), SystemClock::new().now());
    let pause = match &args.why {
        Some(why) if !args.end => Some(Pause { by: who.clone(), at, why: why.clone() }),
        _ => None,
    };
    let before = block_on(store.pause())?;
    if pause.is_some() || before.is_some() {
        block_on(store.set_pause(pause.as_ref(), &who, at))?;
    }
    if global.json {
        host.json(&json!({ "pause": pause }))?;
    } else if pause.is_some() {
        host.line("Paused. End it with `workbench pause --end`.")?;
    } else if before.is_none() {
        host.line("There was no pause.")?;
    } else {
        host.line("The pause has ended; what was stopped goes on with `workbench run`.")?;
    }
    Ok(Outcome::Done)
}
