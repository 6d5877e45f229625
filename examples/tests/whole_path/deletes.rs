//! Deletions, records that leave and come back, readings that are not whole.

use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::Fault;
use seamless_core::mapper::{DeletePolicy, LeavePolicy};
use seamless_core::model::{Comparison, Condition, ErrorKind, RecordId, Side, Value};
use seamless_mapping::{Mapping, copy};

use super::world::{World, approve, as_it_is, crm, erp};

/// One pair in step: an account and its customer.
fn pair(world: &World) -> (RecordId, RecordId) {
    let a = world.account("a1", "C1", "Adatum", "1", "adatum.example");
    world.settle();
    (a, world.erp.rows("Customer")[0].id.clone())
}

/// What waits, when everything that was put off has been looked at.
fn parked(world: &World) -> usize {
    world.pass(Duration::from_secs(1));
    world.settle();
    world.waiting().len()
}

#[test]
fn h60_a_record_that_was_edited_here_and_deleted_there_stays_and_a_person_is_asked() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.delete("account", &a).unwrap();
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Inc"));
    assert_eq!(world.crm.count("account"), 0);
    assert_eq!(parked(&world), 1);
}

#[test]
fn h60_an_edit_between_the_plan_and_the_delete_saves_the_record() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.delete("account", &a).unwrap();
    let edited = c.clone();
    world.erp.before_next_write(move |erp| {
        erp.edit("Customer", &edited, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    });
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Inc"));
    assert_eq!(parked(&world), 1);
}

#[test]
fn h61_deleted_on_both_sides_ends_the_pair_without_a_write() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.delete("account", &a).unwrap();
    world.erp.delete("Customer", &c).unwrap();
    let before = world.erp.counts().ops;
    world.settle();
    assert_eq!(world.erp.counts().ops, before);
    assert_eq!(block_on(world.store.pair_count(&"customers".into())).unwrap(), 0);
}

#[test]
fn h62_deleted_and_made_again_with_the_same_number_is_another_record() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.delete("account", &a).unwrap();
    world.settle();
    assert_eq!(world.erp.count("Customer"), 0);
    world.account("a9", "C1", "Adatum again", "9", "");
    world.settle();
    let rows = world.erp.rows("Customer");
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0].id, c);
    assert_eq!(world.erp_value(&rows[0].id, "Name"), Value::text("Adatum again"));
}

#[test]
fn h63_deleting_what_is_gone_already_is_done() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.delete("account", &a).unwrap();
    world.erp.before_next_write(move |erp| {
        erp.delete("Customer", &c).unwrap();
    });
    world.settle();
    assert_eq!(parked(&world), 0, "{:?}", world.waiting());
}

#[test]
fn h64_an_update_of_a_record_that_went_away_is_judged_anew() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.erp.before_next_write(move |erp| {
        erp.delete("Customer", &c).unwrap();
    });
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp.count("Customer"), 0);
    assert_eq!(parked(&world), 1, "{:?}", world.waiting());
}

#[test]
fn h66_h33_a_reading_that_was_cut_off_plans_nothing_and_moves_no_cursor() {
    let world = World::new();
    for number in 0..5 {
        world.account(&format!("a{number}"), &format!("C{number}"), "Adatum", "1", "");
    }
    world.settle();
    let feed = || block_on(world.store.feed(&"customers".into(), Side::Left)).unwrap();
    let before = feed();
    world.crm.edit("account", &RecordId::text("a1"), &[("name", Value::text("Adatum Ltd"))]).unwrap();
    for fault in [Fault::CutOff(0), Fault::ReadFailsAfter(0, ErrorKind::Unavailable)] {
        // The contacts are read first, the accounts second.
        world.crm.fail_next(Fault::CutOff(usize::MAX));
        world.crm.fail_next(fault);
        assert!(block_on(world.integration.run(approve)).is_err());
        assert_eq!(feed(), before);
        assert_eq!(world.erp.count("Customer"), 5);
    }
    world.settle();
    let names = world.erp.rows("Customer").into_iter().map(|row| world.erp_value(&row.id, "Name"));
    assert_eq!(names.filter(|name| *name == Value::text("Adatum Ltd")).count(), 1);
}

#[test]
fn h69_a_record_that_is_hidden_is_not_deleted_and_goes_on_when_it_is_shown_again() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    world.crm.hide("account", &a, true).unwrap();
    world.pass(Duration::from_secs(2 * 3600));
    world.settle();
    assert_eq!(world.erp.count("Customer"), 2);
    assert_eq!(parked(&world), 1);
    world.crm.hide("account", &a, false).unwrap();
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(parked(&world), 0, "{:?}", world.waiting());
}

#[test]
fn h34_h36_an_expired_cursor_means_reading_everything_and_deleting_only_what_is_proven_gone() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    world.crm.expire_cursors();
    world.settle();
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (2, 2));
    world.crm.expire_cursors();
    world.crm.delete("account", &a).unwrap();
    world.settle();
    assert!(world.erp.get("Customer", &c).is_none(), "asked by id, it is gone");
    assert_eq!(world.erp.count("Customer"), 1);
}

#[test]
fn h76_made_and_deleted_between_two_runs_is_nothing() {
    let world = World::new();
    pair(&world);
    let brief = world.account("a2", "C2", "Contoso", "2", "");
    world.crm.delete("account", &brief).unwrap();
    assert!(world.plan().is_empty());
    world.settle();
    assert_eq!(world.erp.count("Customer"), 1);
}

/// Customers of which only those with an address on the web take part on the left.
fn scoped(on_leave: LeavePolicy) -> World {
    let active =
        Condition::Compare { field: "web".into(), is: Comparison::NotEqual, value: Value::text("left") };
    let mapping = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .match_on([("accountnumber", "No.")])
        .scope(Side::Left, active)
        .on_leave(Side::Left, on_leave)
        .on_delete(Side::Left, DeletePolicy::Delete)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .build()
        .unwrap();
    World::mapped(crm(&as_it_is), erp(&as_it_is), mapping)
}

#[test]
fn h71_a_record_that_leaves_the_scope_freezes_and_goes_on_when_it_comes_back() {
    let world = scoped(LeavePolicy::Freeze);
    let (a, c) = pair(&world);
    let leave = [("web", Value::text("left")), ("name", Value::text("Adatum Ltd"))];
    world.crm.edit("account", &a, &leave).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum"));
    world.crm.edit("account", &a, &[("web", Value::text("back"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp.count("Customer"), 1);
}

#[test]
fn h72_leaving_the_scope_can_block_the_partner_instead() {
    let world = scoped(LeavePolicy::Set(vec![("Memo".into(), Value::text("blocked"))]));
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("web", Value::text("left"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Memo"), Value::text("blocked"));
}
