//! What a host does to runs: pausing, cancelling, running twice, taking over, hinting.

use std::time::Duration;

use futures::executor::block_on;
use futures::future::FutureExt;
use seamless_core::model::{Error, ErrorKind, RecordId, Side, Value};
use seamless_core::plan::render::TextOptions;
use seamless_core::sync::{Cancel, Options};
use seamless_mapping::{Mapping, copy};

use super::gate::Gate;
use super::world::{World, approve};

/// A world with three records to create, each in a commit of its own.
fn three(world: &mut World) {
    for number in ["1", "2", "3"] {
        world.account(&format!("a{number}"), &format!("C{number}"), "Adatum", number, "");
    }
    let options = Options { commit_entries_max: 1, ..Options::default() };
    world.integration = world.builder().options(options).build().unwrap();
}

#[test]
fn a_pause_stops_between_two_batches_and_resuming_goes_on() {
    let mut world = World::new();
    three(&mut world);
    let pausing = world.integration.clone();
    world.erp.before_next_write(move |_| {
        pausing.pause("ann", "month end").now_or_never().unwrap().unwrap();
    });
    let report = world.run();
    assert!(report.plans[0].2.as_ref().unwrap().paused);
    assert_eq!(world.erp.count("Customer"), 1);
    assert!(world.run().plans[0].2.as_ref().unwrap().paused, "a run does not go on by itself");
    assert_eq!(world.erp.count("Customer"), 1);
    block_on(world.integration.end_pause("ann")).unwrap();
    let applied = block_on(world.integration.resume()).unwrap().unwrap();
    assert!(!applied.paused);
    assert_eq!(world.erp.count("Customer"), 3);
    world.settle();
}

#[test]
fn a_cancelled_run_stops_and_the_next_one_goes_on() {
    let mut world = World::new();
    three(&mut world);
    let cancel = Cancel::new();
    let options = Options { commit_entries_max: 1, ..Options::default() };
    let cancelled = world.builder().options(options).cancel(cancel.clone()).build().unwrap();
    world.erp.before_next_write(move |_| cancel.cancel());
    let error = block_on(cancelled.run(approve)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(world.erp.count("Customer"), 1);
    world.settle();
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn h112_of_two_runs_at_once_the_second_is_refused_and_takes_over_only_when_the_lease_ends() {
    let mut world = World::new();
    three(&mut world);
    // The first dies in the middle of its work, and its lease stays.
    let first = world.gated(&Gate::stopping_after(120));
    assert!(first.run(approve).now_or_never().is_none());
    let options = Options { worker: "second".to_owned(), ..Options::default() };
    let second = world.builder().options(options).build().unwrap();
    let refused = block_on(second.run(approve)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert!(refused.remedy().is_some());
    world.pass(Options::default().lease + Duration::from_secs(1));
    assert!(block_on(second.run(approve)).unwrap().quiet);
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn h47_a_run_that_was_taken_over_writes_nothing_into_the_state_any_more() {
    let mut world = World::new();
    three(&mut world);
    let clock = world.clock.clone();
    let options = Options { worker: "second".to_owned(), ..Options::default() };
    let second = world.builder().options(options).build().unwrap();
    // While the first writes, so much time passes that the second takes over and does all the work.
    world.erp.before_next_write(move |_| {
        clock.advance(Duration::from_secs(600));
        second.run(approve).now_or_never().unwrap().unwrap();
    });
    let error = block_on(world.integration.run(approve)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    world.restart();
    world.settle();
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn a_person_may_think_longer_than_the_lease_lasts_and_look_at_the_plan_meanwhile() {
    let mut world = World::new();
    three(&mut world);
    let clock = world.clock.clone();
    let report = block_on(world.integration.run(|plan| {
        clock.advance(Options::default().lease * 3);
        async move {
            assert!(plan.text(TextOptions::default()).await?.contains("3"));
            plan.approve("tester", &[]).map(Some)
        }
    }))
    .unwrap();
    assert!(report.quiet);
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn a_person_who_answers_after_another_run_is_told_that_the_state_moved() {
    let mut world = World::new();
    three(&mut world);
    let (clock, second) = (world.clock.clone(), world.builder().build().unwrap());
    let error = block_on(world.integration.run(|plan| {
        clock.advance(Options::default().lease * 3);
        let second = second.clone();
        async move {
            assert!(second.run(approve).await?.quiet);
            plan.approve("tester", &[]).map(Some)
        }
    }))
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn what_approving_says_ends_the_run() {
    let mut world = World::new();
    three(&mut world);
    let error =
        block_on(world.integration.run(|_| async { Err(Error::data("nobody is there")) })).unwrap_err();
    assert_eq!(error.message(), "nobody is there");
    assert_eq!(world.erp.count("Customer"), 0);
    world.settle();
}

#[test]
fn more_match_lines_than_there_is_room_for_are_refused_when_the_integration_is_built() {
    let world = World::new();
    let mut link = Mapping::builder("crm", "erp").link("many", "account", "Customer");
    for line in 0..101 {
        link = link.match_on([(format!("a{line}").as_str(), format!("b{line}").as_str())]);
    }
    let mapping = link.rule(copy("name", "Name")).done().build().unwrap();
    let error = world.builder().links(mapping.links()).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.remedy().is_some());
}

/// A host may hand any of these to an executor of many threads.
#[test]
fn what_an_integration_promises_can_be_sent_between_threads() {
    fn sent<T>(future: impl Future<Output = T> + Send + 'static) -> T {
        block_on(future)
    }
    let mut world = World::new();
    three(&mut world);
    let of = || world.integration.clone();
    let one = of();
    let plan = sent(async move { one.plan().await }).unwrap();
    let (one, mut text) = (plan.clone(), String::new());
    sent(async move { one.render(&mut text, TextOptions::default()).await }).unwrap();
    let (one, mut file) = (plan.clone(), Vec::new());
    sent(async move { one.write_jsonl(&mut file).await }).unwrap();
    let (one, mut file) = (of(), Vec::new());
    sent(async move { one.plan_into(&mut file).await }).unwrap();
    let (one, approved) = (of(), world.plan().approve("tester", &[]).unwrap());
    sent(async move { one.apply(approved).await }).unwrap();
    let one = of();
    assert!(sent(async move { one.resume().await }).unwrap().is_none());
    let one = of();
    assert!(sent(async move { one.run(approve).await }).unwrap().quiet);
    let one = of();
    assert!(sent(async move { one.status().await }).unwrap().waiting.is_empty());
    let one = of();
    let forever: Box<dyn Future<Output = _> + Send> =
        Box::new(async move { one.run_every(Duration::from_secs(1), approve, |_| true).await });
    drop(forever);
}

#[test]
fn h98_i29_hints_decide_nothing_however_often_late_or_wrong_they_are() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "1", "");
    world.settle();
    let hint = |side, id: RecordId| {
        block_on(world.integration.notify(&"customers".into(), side, &[id], None)).unwrap();
    };
    let held = (world.crm.rows("account"), world.erp.rows("Customer"));
    for _ in 0..3 {
        hint(Side::Left, a.clone());
        hint(Side::Left, RecordId::text("nobody"));
        hint(Side::Right, RecordId::int(99));
        world.settle();
    }
    assert_eq!((world.crm.rows("account"), world.erp.rows("Customer")), held);
    // The hint came after the edit, the edit is read as it is now.
    world.crm.edit("account", &a, &[("name", Value::text("older"))]).unwrap();
    hint(Side::Left, a.clone());
    world.crm.edit("account", &a, &[("name", Value::text("newest"))]).unwrap();
    hint(Side::Left, a);
    world.settle();
    let customer = world.erp.rows("Customer")[0].id.clone();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("newest"));
}
