//! The story, chapter by chapter. Each file tells a part of it; [`Story`] is what they hand on.

pub(crate) mod crash;
mod discover;
mod first_link;
mod people;
mod plans;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::executor::block_on;
use seamless_core::sync::Plan;

use crate::systems::Systems;
use crate::terminal::{good, number};
use crate::watch::Watch;
use crate::world::expect::Expectations;
use crate::world::{Outcome, World};

/// Who says yes in this story.
pub(crate) const APPROVER: &str = "you";

/// What one chapter hands to the next.
pub(crate) struct Story {
    folder: PathBuf,
    world: World,
    expected: Expectations,
    watch: Arc<Watch>,
    /// Plans that did not do exactly what they should have.
    surprises: usize,
}

/// Tells it all; true when the end state is what it should be.
pub(crate) fn tell(folder: PathBuf, world: World) -> Outcome<bool> {
    let expected = Expectations::after_first_link(&world.truth);
    let mut story = Story { folder, world, expected, watch: Arc::default(), surprises: 0 };
    discover::two_systems(&story)?;
    let systems = story.open()?;
    discover::what_they_say(&systems);
    first_link::plan(&mut story, &systems)?;
    people::at_work(&mut story, &systems)?;
    let systems = crash::killed_and_resumed(&mut story, systems)?;
    verdict::at_rest(&mut story, &systems)?;
    // The state is closed before the last words: what they name can be opened.
    drop(systems);
    verdict::by_sql(&story)
}

impl Story {
    fn open(&self) -> Outcome<Systems> {
        Systems::open(&self.folder, self.watch.clone(), None)
    }

    fn plan(&self, systems: &Systems) -> Outcome<Plan> {
        let plan = block_on(systems.integration.plan())?;
        self.watch.tell();
        Ok(plan)
    }

    /// Says yes to a plan and applies it.
    fn apply(&self, systems: &Systems, plan: &Plan) -> Outcome<()> {
        let began = Instant::now();
        let applied = block_on(systems.integration.apply(plan.approve(APPROVER, &[])?))?;
        self.watch.tell();
        let seconds = began.elapsed().as_secs_f64();
        good(format!(
            "applied in {seconds:.1} s: {} writes, {} changes of our own state, {} dropped",
            number(applied.written),
            number(applied.effects),
            number(applied.dropped_count)
        ));
        Ok(())
    }

    /// Plans and applies until nothing is left: references and agreements of new records settle in a second plan.
    fn settle(&self, systems: &Systems) -> Outcome<bool> {
        let report =
            block_on(systems.integration.run(|plan| async move { plan.approve(APPROVER, &[]).map(Some) }))?;
        self.watch.tell();
        Ok(report.quiet)
    }
}
