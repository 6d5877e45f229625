//! Edits while the engine works, echoes, conflicts, records that fail.

use futures::executor::block_on;
use seamless_connectors::memory::Fault;
use seamless_core::connector::RefusalKind;
use seamless_core::model::{RecordId, Side, Value};

use super::world::{World, reference};

fn pair(world: &World) -> (RecordId, RecordId) {
    let a = world.account("a1", "C1", "Adatum", "1", "adatum.example");
    world.settle();
    (a, world.erp.rows("Customer")[0].id.clone())
}

#[test]
fn h93_an_edit_between_reading_and_writing_is_not_overwritten() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let edited = c.clone();
    world.erp.before_next_write(move |erp| {
        erp.edit("Customer", &edited, &[("Home Page", Value::text("www.adatum.example"))]).unwrap();
    });
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp_value(&c, "Home Page"), Value::text("www.adatum.example"));
    assert_eq!(world.crm_value(&a, "web"), Value::text("www.adatum.example"));
}

#[test]
fn h93_two_edits_of_one_field_at_that_moment_are_a_conflict() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let edited = c.clone();
    world.erp.before_next_write(move |erp| {
        erp.edit("Customer", &edited, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    });
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Inc"));
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Ltd"));
    assert!(!world.waiting().is_empty());
}

#[test]
fn h95_h96_h97_the_echo_of_a_write_is_silent_and_an_edit_on_top_of_it_is_not() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.run();
    // The record stands in the right side's feed because of our write, and a user edits it right after.
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum GmbH"))]).unwrap();
    let plan = world.plan();
    assert_eq!(plan.trailer().writes(), 1, "{}", world.text(&plan));
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum GmbH"));
}

#[test]
fn h101_the_same_edit_on_both_sides_writes_nothing() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("phone", Value::text("555-77"))]).unwrap();
    world.erp.edit("Customer", &c, &[("Phone No.", Value::text("(555) 77"))]).unwrap();
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    world.settle();
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before);
    assert!(world.waiting().is_empty());
}

#[test]
fn h103_applied_then_crashed_then_edited_loses_nothing() {
    let mut world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let writes = world.erp.counts().ops;
    // The last step before the reply: the write happened and nobody knows.
    let mut steps = 0;
    while world.erp.counts().ops == writes {
        assert!(world.run_until(steps).is_none());
        steps += 1;
    }
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum GmbH"))]).unwrap();
    world.settle();
    let names = (world.crm_value(&a, "name"), world.erp_value(&c, "Name"));
    assert_eq!(names.1, Value::text("Adatum GmbH"));
    let merged = names.0 == names.1;
    let reported = names.0 == Value::text("Adatum Ltd") && !world.waiting().is_empty();
    assert!(merged || reported, "{names:?} {:?}", world.waiting());
}

#[test]
fn h105_i15_a_conflict_that_goes_on_is_reported_once_and_with_its_newest_values() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    world.settle();
    assert_eq!(world.waiting().len(), 1);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum SE"))]).unwrap();
    world.settle();
    let waiting = world.waiting();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert!(format!("{waiting:?}").contains("Adatum SE"), "{waiting:?}");
    // It is over when a side takes its base back.
    world.crm.edit("account", &a, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Inc"));
    assert!(world.waiting().is_empty(), "{:?}", world.waiting());
}

#[test]
fn a_resolution_is_void_when_a_side_moved_after_it() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    world.settle();
    let rule = "name=Name".into();
    let link = "customers".into();
    block_on(world.integration.resolve(&link, Side::Left, &a, &rule, Side::Left, "ann")).unwrap();
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum AG"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum AG"));
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Ltd"));
    assert_eq!(world.waiting().len(), 1);
}

#[test]
fn h113_one_refused_record_of_a_batch_fails_alone() {
    let world = World::new();
    for number in ["1", "2", "3"] {
        world.account(&format!("a{number}"), &format!("C{number}"), "Adatum", number, "");
    }
    world.erp.fail_next(Fault::RefusedAt(1, RefusalKind::Invalid { field: None }));
    let report = world.run();
    assert_eq!(world.erp.count("Customer"), 2);
    let applied = report.plans[0].2.as_ref().unwrap();
    assert_eq!((applied.written, applied.dropped_count), (2, 1));
}

#[test]
fn h114_i30_what_fails_twice_in_the_same_way_waits_for_a_person_and_the_others_go_on() {
    let world = World::new();
    // A name that is too long for the right side is refused there however often it is sent.
    world.account("a1", "C1", &"Adatum ".repeat(16), "1", "");
    world.account("a2", "C2", "Contoso", "2", "");
    for _ in 0..4 {
        world.run();
        world.pass(std::time::Duration::from_secs(2 * 3600));
    }
    assert_eq!(world.erp.count("Customer"), 1);
    let tried = world.erp.counts().ops;
    world.settle();
    assert_eq!(world.erp.counts().ops, tried, "it is not tried again by itself");
    assert_eq!(world.waiting().len(), 1, "{:?}", world.waiting());
    world.crm.edit("account", &RecordId::text("a1"), &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.erp.count("Customer"), 2);
    assert!(world.waiting().is_empty(), "{:?}", world.waiting());
}

#[test]
fn h53_a_key_that_a_third_record_holds_is_reported_with_that_record() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "1", "");
    world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    world.crm.edit("account", &a, &[("accountnumber", Value::text("C2"))]).unwrap();
    for _ in 0..4 {
        world.run();
        world.pass(std::time::Duration::from_secs(2 * 3600));
    }
    assert_eq!(world.erp.count("Customer"), 2);
    let waiting = format!("{:?}", world.waiting());
    assert!(waiting.contains("taken"), "{waiting}");
}

#[test]
fn h54_two_records_that_swap_a_unique_value_lose_nothing() {
    let world = World::new();
    let one = world.account("a1", "C1", "Adatum", "1", "");
    let two = world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    world.crm.edit("account", &one, &[("accountnumber", Value::text("C2"))]).unwrap();
    world.crm.edit("account", &two, &[("accountnumber", Value::text("C1"))]).unwrap();
    world.settle();
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (2, 2));
    assert_eq!(world.crm_value(&one, "accountnumber"), Value::text("C2"));
    let name = |number: &str| {
        let rows = world.erp.rows("Customer").into_iter();
        let mut of = rows.filter(|row| world.erp_value(&row.id, "No.") == Value::text(number));
        of.next().map(|row| world.erp_value(&row.id, "Name"))
    };
    let swapped = name("C2") == Some(Value::text("Adatum")) && name("C1") == Some(Value::text("Contoso"));
    assert!(swapped && world.waiting().is_empty(), "{:?}", world.waiting());
}

#[test]
fn h52_the_same_number_on_both_sides_before_the_first_run_is_one_thing_with_conflicts_field_by_field() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let c = world.customer("C1", "Adatum Inc", "(555) 01", "");
    world.settle();
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (1, 1));
    assert_eq!(world.erp_value(&c, "Home Page"), Value::text("adatum.example"));
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Inc"));
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"));
    assert_eq!(world.waiting().len(), 1);
}

#[test]
fn h50_a_record_that_matches_two_is_parked_with_both_and_none_is_chosen() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "1", "");
    world.account("a2", "C1", "Adatum again", "2", "");
    let c = world.customer("C1", "Adatum", "1", "");
    world.settle();
    assert_eq!(world.erp.count("Customer"), 1);
    assert_eq!(block_on(world.store.pair_count(&"customers".into())).unwrap(), 0);
    assert_eq!(world.waiting().len(), 3, "{:?}", world.waiting());
    // Correcting the duplicate is enough.
    world.crm.edit("account", &RecordId::text("a2"), &[("accountnumber", Value::text("C2"))]).unwrap();
    world.settle();
    assert_eq!(world.erp.count("Customer"), 2);
    assert!(world.erp.get("Customer", &c).is_some());
    assert!(world.waiting().is_empty(), "{:?}", world.waiting());
}

#[test]
fn h78_i31_a_reference_waits_for_its_target_and_is_set_when_it_is_linked() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "1", "");
    // A mail address that is too long for the other side is refused there.
    let mail = format!("{}@adatum.example", "ann".repeat(25));
    let p = world.contact("p1", &mail, "Ann", None);
    world.crm.edit("account", &a, &[("owner", reference("contact", &p))]).unwrap();
    for _ in 0..3 {
        world.run();
        world.pass(std::time::Duration::from_secs(2 * 3600));
    }
    let c = world.erp.rows("Customer")[0].id.clone();
    assert_eq!(world.erp_value(&c, "Primary Contact"), Value::Null);
    world.crm.edit("contact", &p, &[("email", Value::text("ann@adatum.example"))]).unwrap();
    world.settle();
    let person = world.erp.rows("Contact")[0].id.clone();
    assert_eq!(world.erp_value(&c, "Primary Contact"), reference("Contact", &person));
    assert!(world.waiting().is_empty(), "{:?}", world.waiting());
}
