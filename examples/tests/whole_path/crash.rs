//! Crashes by enumeration: one small script of edits, and a run that dies at every step that it awaits, or whose
//! every write meets a fault. Whatever happens, starting again and going on ends where an undisturbed run ends.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::Fault;
use seamless_core::connector::{Capabilities, Order, UniqueKey, WriteReturns};
use seamless_core::model::{ErrorKind, RecordId, Value};

use super::gate::Gate;
use super::picture::{duplicates, picture, waiting};
use super::world::{World, approve, as_it_is, crm, erp, erp_called, mapping, reference, reordered};

/// Two systems in step, and then a morning of work on both sides: edits of both sides, a conflict, new records that
/// refer to each other in a circle, a deletion.
pub(crate) fn morning(left: &dyn Fn(&mut Capabilities), right: &dyn Fn(&mut Capabilities)) -> World {
    let world = World::of(crm(left), erp(right));
    let a1 = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let a2 = world.account("a2", "C2", "Contoso", "555-02", "contoso.example");
    let a3 = world.account("a3", "C3", "Fabrikam", "555-03", "fabrikam.example");
    world.contact("p1", "ann@adatum.example", "Ann", Some(&a1));
    world.settle();
    let by_number = |number: &str| {
        let rows = world.erp.rows("Customer").into_iter();
        let mut rows = rows.filter(|row| world.erp_value(&row.id, "No.") == Value::text(number));
        rows.next().unwrap().id
    };
    let edit_left = |id: &RecordId, field: &str, value: &str| {
        world.crm.edit("account", id, &[(field, Value::text(value))]).unwrap();
    };
    let edit_right = |number: &str, field: &str, value: &str| {
        world.erp.edit("Customer", &by_number(number), &[(field, Value::text(value))]).unwrap();
    };
    edit_left(&a1, "phone", "555-11");
    edit_right("C1", "Home Page", "www.adatum.example");
    edit_left(&a3, "name", "Fabrikam Ltd");
    edit_right("C3", "Name", "Fabrikam Inc");
    world.crm.delete("account", &a2).unwrap();
    let a4 = world.account("a4", "C4", "Northwind", "555-04", "northwind.example");
    let p4 = world.contact("p4", "bob@northwind.example", "Bob", Some(&a4));
    world.crm.edit("account", &a4, &[("owner", reference("contact", &p4))]).unwrap();
    world.customer("C5", "Tailspin", "555-05", "tailspin.example");
    world
}

/// Goes on until nothing is left to do, whatever had to be put off.
pub(crate) fn go_on(world: &World) {
    for _ in 0..6 {
        world.pass(Duration::from_secs(2 * 3600));
        if world.run().plans.len() == 1 {
            break;
        }
    }
    world.settle();
}

pub(crate) fn steps_of(world: &World) -> usize {
    let gate = Gate::open();
    block_on(world.gated(&gate).run(approve)).unwrap();
    gate.passed()
}

/// A run that dies at every `stride`-th step: 1 where it is about every step, more where it is about another kind of
/// system, since each step is a world of its own.
fn every_crash(stride: usize, left: &dyn Fn(&mut Capabilities), right: &dyn Fn(&mut Capabilities)) {
    every_crash_of(stride, &|| morning(left, right));
}

fn every_crash_of(stride: usize, morning: &dyn Fn() -> World) {
    let undisturbed = morning();
    let steps = steps_of(&undisturbed);
    go_on(&undisturbed);
    let expected = (picture(&undisturbed), waiting(&undisturbed));
    assert!(steps > 100, "{steps} steps are no run");
    for step in (0..steps).step_by(stride) {
        let mut world = morning();
        assert!(world.run_until(step).is_none(), "the run ended before step {step}");
        go_on(&world);
        assert_eq!(duplicates(&world), Vec::<String>::new(), "crash at step {step}");
        assert_eq!((picture(&world), waiting(&world)), expected, "crash at step {step} of {steps}");
    }
}

#[test]
fn i27_a_crash_at_any_step_changes_nothing_in_the_end() {
    every_crash(1, &as_it_is, &as_it_is);
}

// Catches: a batch that is committed late, and something that depended on it and did not wait.
#[test]
fn i27_a_crash_at_any_step_changes_nothing_between_batches_of_one() {
    let one = |can: &mut Capabilities| can.batch_max = NonZeroU32::MIN;
    every_crash_of(2, &|| {
        let mut world = morning(&one, &one);
        world.options.commit_entries_max = 1;
        world.restart();
        world
    });
}

#[test]
fn i27_a_crash_at_any_step_changes_nothing_where_writes_return_nothing() {
    let silent = |can: &mut Capabilities| can.write_returns = WriteReturns::Nothing;
    every_crash(3, &silent, &silent);
}

#[test]
fn i27_a_crash_at_any_step_changes_nothing_without_feeds_and_order() {
    let plain = |can: &mut Capabilities| {
        can.changes = false;
        can.tombstones = false;
        can.low_water = false;
        can.order = Order::Unspecified;
        can.idempotency_key = false;
    };
    every_crash(3, &plain, &plain);
}

#[test]
fn h46_without_a_unique_key_a_crash_makes_no_duplicate_and_says_so_where_it_cannot_know() {
    let keyless = |can: &mut Capabilities| {
        can.unique_key = UniqueKey::None;
        can.idempotency_key = false;
    };
    let undisturbed = morning(&keyless, &keyless);
    let steps = steps_of(&undisturbed);
    go_on(&undisturbed);
    let expected = picture(&undisturbed);
    for step in (0..steps).step_by(2) {
        let mut world = morning(&keyless, &keyless);
        assert!(world.run_until(step).is_none());
        go_on(&world);
        assert_eq!(duplicates(&world), Vec::<String>::new(), "crash at step {step}");
        let says = waiting(&world).iter().any(|line| line.contains("ambiguous_create"));
        assert!(picture(&world) == expected || says, "crash at step {step}: {:#?}", picture(&world));
    }
}

#[test]
fn i32_what_a_crash_left_is_not_applied_under_another_mapping() {
    let undisturbed = morning(&as_it_is, &as_it_is);
    let steps = steps_of(&undisturbed);
    go_on(&undisturbed);
    // The first plan under another mapping deletes nothing, so what became of C2 differs.
    let pictured = |world: &World| {
        picture(world).into_iter().filter(|line| !line.contains("\"C2\"")).collect::<Vec<_>>()
    };
    let expected = pictured(&undisturbed);
    let (mut given_up, mut refused) = (0, 0);
    for step in 0..steps {
        let mut world = morning(&as_it_is, &as_it_is);
        world.run_until(step);
        let left = block_on(world.integration.status()).unwrap().applying;
        world.remap(reordered());
        match block_on(world.integration.run(approve)) {
            Ok(report) => {
                let went_on = report.plans.iter().any(|(plan, _, _)| Some(plan) == left.as_ref());
                assert!(!went_on, "crash at step {step}");
                given_up += usize::from(left.is_some());
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "crash at step {step}: {error}");
                assert!(
                    error.remedy().is_some_and(|remedy| remedy.contains("put the mapping back")),
                    "{error}"
                );
                refused += 1;
                world.remap(mapping());
                go_on(&world);
                world.remap(reordered());
            }
        }
        go_on(&world);
        assert_eq!(duplicates(&world), Vec::<String>::new(), "crash at step {step}");
        assert_eq!(pictured(&world), expected, "crash at step {step} of {steps}");
    }
    assert!(given_up > 10 && refused > 0, "{given_up} given up, {refused} refused of {steps}");
}

#[test]
fn i34_a_plan_is_applied_to_the_systems_that_it_was_made_for_and_to_no_others() {
    let world = morning(&as_it_is, &as_it_is);
    let plan = world.plan();
    let elsewhere = |world: &World| {
        let other = Arc::new(erp_called("another erp", &as_it_is));
        world.builder().right("erp", other).build().unwrap()
    };
    let other = elsewhere(&world);
    let error = block_on(other.apply(plan.approve("kim", &[]).unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let status = block_on(other.status()).unwrap();
    assert_eq!(status.applying, None, "a plan that was refused is not approved either");
    let crashed = (0..steps_of(&world)).find_map(|step| {
        let mut world = morning(&as_it_is, &as_it_is);
        world.run_until(step);
        let left = block_on(world.integration.status()).unwrap().applying;
        left.map(|left| (world, left))
    });
    let (world, left) = crashed.unwrap();
    let other = elsewhere(&world);
    for error in [block_on(other.resume()).unwrap_err(), block_on(other.run(approve)).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
    assert_eq!(block_on(other.status()).unwrap().applying, Some(left));
}

/// Runs with one faulty write after the other.
fn every_write(fault: &Fault) {
    let undisturbed = morning(&as_it_is, &as_it_is);
    let gate = Gate::open();
    block_on(undisturbed.gated(&gate).run(approve)).unwrap();
    go_on(&undisturbed);
    let expected = (picture(&undisturbed), waiting(&undisturbed));
    assert!(gate.writes() >= 5, "{} writes are no run", gate.writes());
    for write in 0..gate.writes() {
        let world = morning(&as_it_is, &as_it_is);
        let faulty = Gate::faulty(write, fault.clone());
        block_on(world.gated(&faulty).run(approve)).unwrap();
        world.crm.deliver_late();
        world.erp.deliver_late();
        go_on(&world);
        assert_eq!(duplicates(&world), Vec::<String>::new(), "{fault:?} at write {write}");
        assert_eq!((picture(&world), waiting(&world)), expected, "{fault:?} at write {write}");
    }
}

#[test]
fn h44_create_with_lost_response_is_not_repeated() {
    every_write(&Fault::LostReply);
}

#[test]
fn a_lost_request_is_sent_again() {
    every_write(&Fault::LostRequest);
}

#[test]
fn a_request_that_arrives_late_changes_nothing() {
    every_write(&Fault::LateRequest);
}

#[test]
fn a_write_that_fails_as_a_whole_is_tried_again() {
    every_write(&Fault::WriteFails(ErrorKind::Unavailable));
}
