//! A system that says another identity than the one that the state was made with: a copy of an environment, or the same
//! system that was moved.

use std::sync::Arc;

use futures::FutureExt;
use futures::executor::block_on;
use seamless_connectors::memory::Memory;
use seamless_core::model::{ErrorKind, GuardId, Value};
use seamless_core::sync::Integration;

use super::gate::{Gate, GatedConnector, gated_store};
use super::world::{World, approve, as_it_is, erp_called};

/// The state and the left system, with another right system.
fn with_right(world: &World, right: &Memory) -> Integration {
    world.builder().right("erp", Arc::new(right.clone())).build().unwrap()
}

/// A system with other identity that holds what the right one holds.
fn moved(world: &World) -> Memory {
    let other = erp_called("moved erp", &as_it_is);
    for row in world.erp.rows("Customer") {
        let fields = ["No.", "Name", "Phone No.", "Home Page"];
        let values = fields.map(|field| (field, world.erp_value(&row.id, field)));
        other.insert("Customer", None, &values).unwrap();
    }
    other
}

fn two() -> World {
    let world = World::new();
    world.account("a1", "10000", "Adatum", "555-01", "adatum.example");
    world.account("a2", "20000", "Bellows", "555-02", "bellows.example");
    world.settle();
    world
}

fn guards(plan: &seamless_core::sync::Plan) -> Vec<GuardId> {
    plan.trailer().guards.iter().map(|trip| trip.guard.clone()).collect()
}

#[test]
fn a_plan_for_a_system_of_another_identity_is_stopped_and_can_be_overridden_by_name() {
    let world = two();
    let other = moved(&world);
    let integration = with_right(&world, &other);
    let plan = block_on(integration.plan()).unwrap();
    assert_eq!(guards(&plan), ["customers.identity.right".into(), "contacts.identity.right".into()]);
    assert!(plan.trailer().guards[0].found.contains("erp is not the system that the pairs were made with"));
    for some in [&[][..], &["customers.identity.right".into()][..]] {
        assert_eq!(plan.approve("kim", some).unwrap_err().kind(), ErrorKind::Guarded);
    }
    // A run that overrides nothing does nothing, and the former system goes on.
    assert!(block_on(integration.run(approve)).unwrap().plans[0].2.is_none());
    assert_eq!(other.counts().ops, 0);
    world.settle();
    // Once a person said that it is the same, it is: the pairs go on with their bases, and nothing is written.
    let plan = block_on(integration.plan()).unwrap();
    let approved = plan.approve("kim", &guards(&plan)).unwrap();
    block_on(integration.apply(approved)).unwrap();
    assert_eq!(other.counts().ops, 0);
    other.edit("Customer", &other.rows("Customer")[0].id, &[("Name", Value::text("Adatum Ltd"))]).unwrap();
    let report = block_on(integration.run(approve)).unwrap();
    assert!(report.quiet, "{report:?}");
    let names: Vec<Value> =
        world.crm.rows("account").iter().map(|row| world.crm_value(&row.id, "name")).collect();
    assert_eq!(names, [Value::text("Adatum Ltd"), Value::text("Bellows")]);
    assert_eq!((world.crm.count("account"), other.count("Customer")), (2, 2));
    // The override was for one plan: now the former system is the other one.
    let plan = world.plan();
    assert_eq!(guards(&plan).len(), 2, "{:?}", guards(&plan));
    let journal = block_on(world.store.journal(seamless_core::store::Scan::first(50))).unwrap().rows;
    assert!(journal.iter().any(|line| line.what == "rehomed" && line.note.contains("moved erp")));
}

#[test]
fn an_empty_copy_of_an_environment_deletes_nothing_even_when_a_person_insists() {
    let world = two();
    let copy = erp_called("sandbox", &as_it_is);
    let integration = with_right(&world, &copy);
    let plan = block_on(integration.plan()).unwrap();
    assert!(guards(&plan).contains(&"customers.empty.right".into()), "{:?}", guards(&plan));
    block_on(integration.apply(plan.approve("kim", &guards(&plan)).unwrap())).unwrap();
    assert_eq!(world.crm.count("account"), 2);
}

#[test]
fn a_plan_that_was_made_before_another_identity_was_accepted_is_not_applied() {
    let world = two();
    world.account("a3", "30000", "Contoso", "555-03", "contoso.example");
    let former = world.plan();
    let other = moved(&world);
    let integration = with_right(&world, &other);
    let plan = block_on(integration.plan()).unwrap();
    block_on(integration.apply(plan.approve("kim", &guards(&plan)).unwrap())).unwrap();
    let refused = block_on(world.integration.apply(former.approve("kim", &[]).unwrap())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused}");
    assert_eq!(world.erp.count("Customer"), 2);
}

// Catches: a crash between the yes and what it means for the state. The plan would be gone on with, its cursors would be
// those of the new system, and the former one would be read on from them without a word.
#[test]
fn i27_a_crash_after_another_identity_was_accepted_leaves_no_state_of_two_systems() {
    let overridden = |world: &World, other: &Memory, steps: usize| {
        let gate = Gate::stopping_after(steps);
        let right = Arc::new(GatedConnector { inner: other.clone(), gate: gate.clone() });
        let store = gated_store(world.store.clone(), &gate);
        let integration = world.builder().right("erp", right).store(store).build().unwrap();
        let run = integration.run(|plan| async move { Ok(plan.approve("kim", &guards(&plan)).ok()) });
        (run.now_or_never().is_some(), gate.passed())
    };
    let world = two();
    let (ended, steps) = overridden(&world, &moved(&world), usize::MAX);
    assert!(ended && steps > 30);
    let mut gone_on = 0;
    for step in 0..steps {
        let world = two();
        let other = moved(&world);
        assert!(!overridden(&world, &other, step).0);
        let integration = with_right(&world, &other);
        let left = block_on(integration.status()).unwrap().applying.is_some();
        if !left {
            continue;
        }
        gone_on += 1;
        block_on(integration.resume()).unwrap().unwrap();
        let plan = block_on(integration.plan()).unwrap();
        assert_eq!(guards(&plan), [], "crash at step {step}: the same is asked again");
        assert_eq!(
            guards(&world.plan()).len(),
            2,
            "crash at step {step}: the former system is the other one now"
        );
    }
    assert!(gone_on > 5, "{gone_on}");
}
