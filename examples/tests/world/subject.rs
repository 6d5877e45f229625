//! The integration that is tried in the simulated world: that of the report on correctness, whose users change names as well.

#[path = "../../correctness/subject.rs"]
mod shared;

use std::sync::Arc;
use std::time::Duration;

use seamless_core::mapper::Mapper;
use seamless_core::model::Result;
use seamless_core::sync::{Integration, IntegrationBuilder};
use seamless_core::testkit::world::{Kind, Process, Subject};
use shared::SWEEP;

/// What both systems know.
pub(crate) fn kinds() -> Vec<Kind> {
    shared::kinds().into_iter().map(Kind::renames).collect()
}

pub(crate) fn builder(process: &Process) -> IntegrationBuilder {
    built(process, SWEEP)
}

/// The integration with its mapping changed.
pub(crate) fn mapped(
    process: &Process,
    change: impl FnOnce(Vec<Arc<dyn Mapper>>) -> Vec<Arc<dyn Mapper>>,
) -> IntegrationBuilder {
    bare(process).links(change(shared::mapping(SWEEP).unwrap().links()))
}

fn built(process: &Process, sweep: Duration) -> IntegrationBuilder {
    bare(process).links(shared::mapping(sweep).unwrap().links())
}

/// Both systems, the state and the clock, and no mapping yet.
fn bare(process: &Process) -> IntegrationBuilder {
    Integration::builder("world")
        .left("left", process.left.clone())
        .right("right", process.right.clone())
        .store(process.store.clone())
        .clock(Arc::clone(&process.clock) as Arc<_>)
}

pub(crate) fn integration(process: &Process) -> Result<Integration> {
    builder(process).build()
}

/// The same with the two systems changed over.
pub(crate) fn mirror(process: &Process) -> IntegrationBuilder {
    Integration::builder("world")
        .left("right", process.left.clone())
        .right("left", process.right.clone())
        .links(shared::mirrored().unwrap().links())
        .store(process.store.clone())
        .clock(Arc::clone(&process.clock) as Arc<_>)
}

pub(crate) fn subject() -> Subject {
    Subject::new(kinds(), integration).unwrap().mirrored_by(|process| mirror(process).build())
}

/// The same without sweeps: what a feed shows once must be enough. Longer than any schedule takes.
pub(crate) fn unswept() -> Subject {
    let never = Duration::from_secs(365 * 24 * 3600);
    Subject::new(kinds(), move |process| built(process, never).build()).unwrap()
}
