//! Feeds of changes and enumerations, as odd as real systems give them: nothing is lost between two readings, nothing is
//! deleted because a reading did not show it, and nothing is written because only a version moved.

use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::connector::{Connector, WriteReturns};
use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{Entity, RecordId, Side, Value};
use seamless_core::sync::Options;
use seamless_mapping::{Mapping, copy};

use super::world::{Change, World, approve, as_it_is, crm, erp};

fn mapping(sweep: Option<Duration>) -> Mapping {
    let link = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"));
    let link = match sweep {
        Some(every) => link.sweep_every(every),
        None => link,
    };
    link.done().build().unwrap()
}

/// Three pairs, pages of one record, and no sweep unless it is said.
fn world(left: Change<'_>, sweep: Option<Duration>) -> World {
    scene(crm(left), sweep)
}

fn scene(crm: Memory, sweep: Option<Duration>) -> World {
    let mut world = World::mapped(crm, erp(&as_it_is), mapping(sweep));
    let options = Options { page_records_max: 1, ..Options::default() };
    world.integration = world.builder().options(options).build().unwrap();
    for number in 1..=3 {
        world.account(&format!("a{number}"), &format!("C{number}"), "Adatum", "", "");
    }
    world.settle();
    world
}

fn id(number: usize) -> RecordId {
    RecordId::text(&format!("a{number}"))
}

fn name(world: &World, number: usize) -> Value {
    let mut rows = world.erp.rows("Customer").into_iter();
    let number = Value::text(&format!("C{number}"));
    let row = rows.find(|row| world.erp_value(&row.id, "No.") == number).unwrap();
    world.erp_value(&row.id, "Name")
}

fn rename(system: &Memory, number: usize, name: &str) {
    system.edit("account", &id(number), &[("name", Value::text(name))]).unwrap();
}

fn writes(world: &World) -> u64 {
    world.crm.counts().ops + world.erp.counts().ops
}

#[test]
fn h27_i28_a_change_that_is_committed_behind_the_cursor_is_found() {
    let world = world(&as_it_is, None);
    world.crm.begin_edit("account", &id(1), &[("name", Value::text("Contoso"))]).unwrap();
    rename(&world.crm, 2, "Northwind");
    world.settle();
    assert_eq!(name(&world, 2), Value::text("Northwind"));
    world.settle();
    world.crm.commit_begun().unwrap();
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Contoso"));
}

#[test]
fn h27_where_no_low_water_is_known_the_next_sweep_finds_it() {
    let world = world(&|can| can.low_water = false, Some(Duration::from_secs(3600)));
    world.crm.begin_edit("account", &id(1), &[("name", Value::text("Contoso"))]).unwrap();
    rename(&world.crm, 2, "Northwind");
    world.settle();
    world.crm.commit_begun().unwrap();
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Adatum"), "the cursor has passed it");
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Contoso"));
}

#[test]
fn h28_a_record_that_is_made_while_everything_is_read_has_a_partner_after_the_next_run() {
    let world = world(&as_it_is, None);
    for page in 0..4 {
        world.crm.expire_cursors();
        // Its id comes before all that were read already.
        world.crm.before_page(page, move |crm| {
            let values = [("accountnumber", Value::text(&format!("N{page}"))), ("name", Value::text("New"))];
            crm.insert("account", Some(RecordId::text(&format!("a0{page}"))), &values).unwrap();
        });
        world.run();
        world.settle();
        assert_eq!(world.erp.count("Customer"), 4 + usize::try_from(page).unwrap());
    }
}

#[test]
fn h30_h26_a_record_that_is_changed_while_changes_are_read_is_carried_with_its_newest_values() {
    // One stamp for all of them, and pages that are smaller than their number.
    for page in 0..3 {
        for edited in 1..=3 {
            let world = world(&as_it_is, None);
            world.crm.set_time(Some("2026-01-01T00:00:00Z".parse().unwrap()));
            (1..=3).for_each(|number| rename(&world.crm, number, "Contoso"));
            world.crm.before_page(page, move |crm| rename(crm, edited, "Northwind"));
            world.run();
            world.settle();
            for number in 1..=3 {
                let expected = if number == edited { "Northwind" } else { "Contoso" };
                assert_eq!(name(&world, number), Value::text(expected), "page {page}, record {edited}");
            }
        }
    }
}

#[test]
fn h25_changes_with_one_stamp_are_found_also_when_one_comes_after_the_reading() {
    let world = world(&as_it_is, None);
    world.crm.set_time(Some("2026-01-01T00:00:00Z".parse().unwrap()));
    for (number, new) in [(1, "Contoso"), (2, "Northwind"), (3, "Fabrikam")] {
        rename(&world.crm, number, new);
        world.settle();
        assert_eq!(name(&world, number), Value::text(new));
    }
    rename(&world.crm, 1, "Tailspin");
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Tailspin"));
}

/// A row that moves behind the pages that were read, so that its neighbour is never shown.
#[test]
fn h31_pages_by_offset_that_skip_a_record_delete_nothing() {
    for claims in [false, true] {
        let account = EntityConfig::new(entity()).paged_by_offset();
        // The system may even claim that its enumerations are complete: what was not seen is looked up before it counts.
        let account = account.capable(|can| can.complete_enumeration = claims);
        let config = MemoryConfig::new("crm").entity(account);
        let world = scene(Memory::new(config).unwrap(), None);
        world.crm.expire_cursors();
        world.crm.before_page(1, |crm| rename(crm, 1, "Contoso"));
        world.run();
        world.settle();
        assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (3, 3), "{claims}");
        rename(&world.crm, 2, "Northwind");
        world.settle();
        assert_eq!(name(&world, 2), Value::text("Northwind"));
        assert_eq!(name(&world, 1), Value::text("Contoso"));
        assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    }
}

/// The accounts of the left system.
fn entity() -> Entity {
    let mut schema = block_on(crm(&as_it_is).discover(&["account".into()])).unwrap();
    schema.entities.remove("account").unwrap()
}

#[test]
fn h32_each_entity_has_a_cursor_of_its_own() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "", "");
    let p = world.contact("p1", "ann@adatum.example", "Ann", Some(&a));
    world.settle();
    let person = world.erp.rows("Contact")[0].id.clone();
    // The accounts and the contacts are changed in turn, before and between the pages of both.
    for page in 0..4 {
        let name = format!("Ann {page}");
        let (contact, account, new) = (p.clone(), a.clone(), Value::text(&name));
        world.crm.before_page(page, move |crm| {
            crm.edit("contact", &contact, &[("fullname", new.clone())]).unwrap();
            crm.edit("account", &account, &[("name", new)]).unwrap();
        });
        world.crm.edit("account", &a, &[("name", Value::text("Adatum"))]).unwrap();
        block_on(world.integration.run(approve)).unwrap();
        world.settle();
        assert_eq!(world.erp.value("Contact", &person, "Name").unwrap(), Value::text(&name), "{page}");
        assert_eq!(world.erp.rows("Customer").len(), 1);
        assert_eq!(world.erp_value(&world.erp.rows("Customer")[0].id, "Name"), Value::text(&name), "{page}");
    }
}

#[test]
fn h35_a_quiet_entity_of_a_busy_system_does_not_let_its_cursor_grow_old() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "", "");
    world.contact("p1", "ann@adatum.example", "Ann", Some(&a));
    world.settle();
    world.crm.keep_changes(Some(10));
    let enumerated = |world: &World| {
        block_on(world.store.feed(&"contacts".into(), Side::Left)).unwrap().unwrap().enumerated_at
    };
    let before = enumerated(&world);
    for round in 0..10 {
        world.pass(Duration::from_secs(60));
        for edit in 0..4 {
            let new = format!("Adatum {round} {edit}");
            world.crm.edit("account", &a, &[("name", Value::text(&new))]).unwrap();
        }
        world.run();
    }
    assert_eq!(enumerated(&world), before, "the contacts were read anew");
    let old = world.crm.edit("contact", &RecordId::text("p1"), &[("fullname", Value::text("Anna"))]);
    old.unwrap();
    world.settle();
    let person = world.erp.rows("Contact")[0].id.clone();
    assert_eq!(world.erp.value("Contact", &person, "Name").unwrap(), Value::text("Anna"));
    // It is what the memory forgets that is tested: so many changes without a run are too many.
    for _ in 0..20 {
        world.crm.edit("account", &a, &[("name", Value::text("Contoso"))]).unwrap();
    }
    world.pass(Duration::from_secs(1));
    world.run();
    assert_ne!(enumerated(&world), before);
}

#[test]
fn h39_h40_versions_and_stamps_that_move_without_content_write_nothing() {
    let world = world(&as_it_is, Some(Duration::from_secs(3600)));
    let before = writes(&world);
    for _ in 0..2 {
        for number in 1..=3 {
            assert!(world.crm.touch("account", &id(number)).unwrap());
        }
        for row in world.erp.rows("Customer") {
            assert!(world.erp.touch("Customer", &row.id).unwrap());
        }
        world.settle();
        world.pass(Duration::from_secs(3601));
        world.settle();
    }
    assert_eq!(writes(&world), before);
}

#[test]
fn h40_a_version_that_moves_between_reading_and_writing_costs_a_plan_and_no_value() {
    let world = world(&as_it_is, None);
    rename(&world.crm, 1, "Contoso");
    let customer = world.erp.rows("Customer")[0].id.clone();
    world.erp.before_next_write(move |erp| {
        erp.touch("Customer", &customer).unwrap();
    });
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Contoso"));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h41_content_that_moves_without_a_version_is_found_by_the_next_sweep() {
    let world = world(&as_it_is, Some(Duration::from_secs(3600)));
    world.crm.edit_unnoticed("account", &id(1), &[("name", Value::text("Contoso"))]).unwrap();
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Adatum"));
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Contoso"));
}

/// The version that was read is still the version: only the values show that somebody was there.
#[test]
fn h41_an_edit_that_no_version_shows_is_not_overwritten_once_it_was_seen() {
    let world = world(&as_it_is, Some(Duration::from_secs(3600)));
    let customer = world.erp.rows("Customer")[0].id.clone();
    world.erp.edit_unnoticed("Customer", &customer, &[("Name", Value::text("Northwind"))]).unwrap();
    rename(&world.crm, 1, "Contoso");
    world.settle();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Northwind"));
    assert_eq!(world.waiting().len(), 1, "{:#?}", world.waiting());
}

#[test]
fn h20_records_without_any_version_are_compared_by_their_content() {
    let bare = EntityConfig { versions: false, modified: false, ..EntityConfig::new(entity()) };
    let account = bare.capable(|can| {
        can.changes = false;
        can.conditional_update = false;
        can.write_returns = WriteReturns::Nothing;
    });
    let config = MemoryConfig::new("crm").entity(account);
    let world = scene(Memory::new(config).unwrap(), None);
    let before = writes(&world);
    world.settle();
    assert_eq!(writes(&world), before, "nothing looks changed");
    rename(&world.crm, 1, "Contoso");
    world.settle();
    assert_eq!(name(&world, 1), Value::text("Contoso"));
    let customer = world.erp.rows("Customer")[1].id.clone();
    world.erp.edit("Customer", &customer, &[("Name", Value::text("Northwind"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&id(2), "name"), Value::text("Northwind"));
    assert_eq!(world.crm.count("account"), 3);
}
