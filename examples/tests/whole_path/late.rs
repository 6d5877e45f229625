//! What comes too late or from another time: queued values that outlive their record, hints that are faster than their
//! record, clocks that disagree, schemas that change between two runs.

use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::Fault;
use seamless_core::connector::{Connector, RefusalKind};
use seamless_core::mapper::{ConflictPolicy, DeletePolicy};
use seamless_core::model::{ErrorKind, Field, FieldKind, RecordId, Side, Value};
use seamless_mapping::{Mapping, copy};

use super::world::{World, approve, as_it_is, crm, erp, yes};

fn pair(world: &World) -> (RecordId, RecordId) {
    let a = world.account("a1", "C1", "Adatum", "1", "");
    // Another one stays, so that no side is ever empty.
    world.account("b1", "B1", "Fabrikam", "2", "");
    world.settle();
    let mut rows = world.erp.rows("Customer").into_iter();
    let number = Value::text("C1");
    let customer = rows.find(|row| world.erp_value(&row.id, "No.") == number).unwrap();
    (a, customer.id)
}

fn names(world: &World) -> Vec<String> {
    let rows = world.erp.rows("Customer").into_iter();
    let text = |value: Value| value.to_string().trim_matches('"').to_owned();
    let mut names: Vec<String> = rows.map(|row| text(world.erp_value(&row.id, "Name"))).collect();
    names.sort();
    names
}

#[test]
fn h77_a_write_that_failed_is_not_repeated_with_the_value_of_that_time() {
    let world = World::new();
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("old"))]).unwrap();
    world.erp.fail_next(Fault::WriteFails(ErrorKind::Unavailable));
    drop(block_on(world.integration.run(approve)));
    world.crm.edit("account", &a, &[("name", Value::text("new"))]).unwrap();
    let writes = world.erp.counts().ops;
    world.pass(Duration::from_secs(7200));
    world.settle();
    assert_eq!(world.erp_value(&c, "Name"), Value::text("new"));
    assert_eq!(world.erp.counts().ops, writes + 1, "the old value was never sent again");
}

#[test]
fn h77_a_write_that_failed_does_not_outlive_the_delete_of_its_record() {
    // The record was to be changed, or made; the write fails in each way; then it is deleted.
    let faults = [
        Fault::WriteFails(ErrorKind::Unavailable),
        Fault::Refused(RefusalKind::Invalid { field: None }),
        Fault::LostRequest,
        Fault::LostReply,
    ];
    for fault in faults {
        for made in [false, true] {
            let world = World::new();
            let (mut a, _) = pair(&world);
            if made {
                a = world.account("a2", "C2", "Contoso", "2", "");
            } else {
                world.crm.edit("account", &a, &[("name", Value::text("Contoso"))]).unwrap();
            }
            world.erp.fail_next(fault.clone());
            let plan = world.plan();
            drop(block_on(world.integration.apply(yes(&plan))));
            world.crm.delete("account", &a).unwrap();
            for _ in 0..3 {
                world.pass(Duration::from_secs(7200));
                drop(block_on(world.integration.run(approve)));
            }
            world.settle();
            let left: &[&str] = if made { &["Adatum", "Fabrikam"] } else { &["Fabrikam"] };
            assert_eq!(names(&world), left, "{fault:?} {made}: {:#?}", world.waiting());
            assert!(world.waiting().is_empty(), "{fault:?} {made}: {:#?}", world.waiting());
        }
    }
}

/// It waits for a person who corrects it; whoever deletes it has done so.
#[test]
fn h77_what_waits_about_a_record_that_never_had_a_partner_ends_when_it_is_deleted() {
    for feeds in [true, false] {
        let world = World::of(crm(&|can| can.changes = feeds), erp(&as_it_is));
        pair(&world);
        // Too long for the right side; and a number that two records there have.
        let long = world.account("a2", "C2", &"Adatum ".repeat(16), "1", "");
        for _ in 0..4 {
            world.run();
            world.pass(Duration::from_secs(2 * 3600));
        }
        assert_eq!(world.waiting().len(), 1, "{:#?}", world.waiting());
        world.crm.delete("account", &long).unwrap();
        world.settle();
        assert!(world.waiting().is_empty(), "{feeds}: {:#?}", world.waiting());
    }
}

#[test]
fn h77_a_request_that_arrives_after_its_record_was_deleted_brings_nothing_back() {
    let world = World::new();
    let (a, _) = pair(&world);
    world.crm.edit("account", &a, &[("name", Value::text("late"))]).unwrap();
    world.erp.fail_next(Fault::LateRequest);
    drop(block_on(world.integration.run(approve)));
    world.crm.delete("account", &a).unwrap();
    world.pass(Duration::from_secs(7200));
    world.settle();
    assert_eq!(world.erp.count("Customer"), 1);
    world.erp.deliver_late();
    world.settle();
    assert_eq!((world.erp.count("Customer"), world.crm.count("account")), (1, 1));
}

#[test]
fn h99_a_hint_that_comes_before_its_record_can_be_seen_is_kept_until_it_can() {
    for known in [true, false] {
        let world = World::new();
        let (a, c) = pair(&world);
        let id = if known {
            world.crm.hide("account", &a, true).unwrap();
            world.crm.edit("account", &a, &[("name", Value::text("Contoso"))]).unwrap();
            a
        } else {
            let id = world.account("a2", "C2", "Contoso", "2", "");
            world.crm.hide("account", &id, true).unwrap();
            id
        };
        let version = world.crm.get("account", &id).unwrap().version;
        assert!(version.is_some());
        block_on(world.integration.notify(
            &"customers".into(),
            Side::Left,
            std::slice::from_ref(&id),
            version,
        ))
        .unwrap();
        for _ in 0..3 {
            world.pass(Duration::from_secs(60));
            world.run();
        }
        // It shows up without a place in the feed: without the hint the next sweep would find it.
        world.crm.hide("account", &id, false).unwrap();
        world.pass(Duration::from_secs(60));
        world.settle();
        assert!(
            names(&world).contains(&"Contoso".to_owned()),
            "{known}: {:?} {:#?}",
            names(&world),
            world.waiting()
        );
        assert!(world.erp.get("Customer", &c).is_some());
    }
}

fn newest(skew: Option<Duration>) -> Mapping {
    let policy = skew.map_or(ConflictPolicy::Park, |skew| ConflictPolicy::Newest { skew });
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name").on_conflict(policy))
        .done()
        .build()
        .unwrap()
}

/// Edits one side only or both, each at the time of its own clock.
fn at_times(skew: Option<Duration>, left: &str, right: &str, both: bool) -> (World, RecordId, RecordId) {
    let world = World::mapped(crm(&as_it_is), erp(&as_it_is), newest(skew));
    let (a, c) = pair(&world);
    world.crm.set_time(Some(left.parse().unwrap()));
    world.erp.set_time(Some(right.parse().unwrap()));
    world.erp.edit("Customer", &c, &[("Name", Value::text("right"))]).unwrap();
    if both {
        world.crm.edit("account", &a, &[("name", Value::text("left"))]).unwrap();
    } else {
        world.crm.touch("account", &a).unwrap();
    }
    world.settle();
    (world, a, c)
}

#[test]
fn h37_a_clock_that_is_wrong_decides_nothing_unless_the_author_asked_for_it() {
    let minute = Some(Duration::from_secs(60));
    // An edit is carried whatever the clocks say, also one that seems older than the other side's last touch.
    for skew in [None, minute] {
        let (world, a, _) = at_times(skew, "2031-01-01T00:00:00Z", "2019-01-01T00:00:00Z", false);
        assert_eq!(world.crm_value(&a, "name"), Value::text("right"));
    }
    // A conflict waits, by default and inside of the skew.
    for (skew, right) in [(None, "2026-01-01T10:00:00Z"), (minute, "2026-01-01T09:00:59Z")] {
        let (world, a, c) = at_times(skew, "2026-01-01T09:00:00Z", right, true);
        assert_eq!(
            (world.crm_value(&a, "name"), world.erp_value(&c, "Name")),
            (Value::text("left"), Value::text("right"))
        );
        assert_eq!(world.waiting().len(), 1, "{:#?}", world.waiting());
    }
    // Beyond it the later one wins, as the author said.
    for (left, right, wins) in [
        ("2026-01-01T09:00:00Z", "2026-01-01T09:01:01Z", "right"),
        ("2026-01-01T09:01:01Z", "2026-01-01T09:00:00Z", "left"),
    ] {
        let (world, a, c) = at_times(minute, left, right, true);
        assert_eq!(
            (world.crm_value(&a, "name"), world.erp_value(&c, "Name")),
            (Value::text(wins), Value::text(wins))
        );
    }
}

/// The accounts of the left system without a field, or with one more.
fn change_fields(world: &World, change: impl FnOnce(&mut Vec<Field>)) {
    let mut schema = block_on(world.crm.discover(&["account".into()])).unwrap();
    let mut account = schema.entities.remove("account").unwrap();
    change(&mut account.fields);
    world.crm.set_schema(account).unwrap();
}

fn copied(pairs: &[(&'static str, &'static str)]) -> Mapping {
    let link = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")]);
    let link = pairs.iter().fold(link, |link, (left, right)| link.rule(copy(left, right)));
    link.done().build().unwrap()
}

const NUMBER: (&str, &str) = ("accountnumber", "No.");
const NAME: (&str, &str) = ("name", "Name");
const WEB: (&str, &str) = ("web", "Home Page");

#[test]
fn a_mapped_field_that_goes_away_is_named_and_nothing_is_cleared_or_deleted() {
    let mut world = World::mapped(crm(&as_it_is), erp(&as_it_is), copied(&[NUMBER, NAME, WEB]));
    let (a, c) = pair(&world);
    world.crm.edit("account", &a, &[("web", Value::text("adatum.example"))]).unwrap();
    world.settle();
    change_fields(&world, |fields| fields.retain(|field| field.name.as_str() != "web"));
    world.crm.edit("account", &a, &[("name", Value::text("Contoso"))]).unwrap();
    let writes = world.erp.counts().ops;
    world.settle();
    assert!(format!("{:?}", world.waiting()).contains("no field web any more"), "{:?}", world.waiting());
    assert_eq!((world.erp.counts().ops, world.erp.count("Customer")), (writes + 1, 2));
    // Without its rule nobody is asked any more, and what was held there stays.
    world.remap(copied(&[NUMBER, NAME]));
    world.settle();
    assert!(world.waiting().is_empty(), "{:?}", world.waiting());
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Contoso"));
    assert_eq!(world.erp_value(&c, "Home Page"), Value::text("adatum.example"));
    assert_eq!(world.erp.counts().ops, writes + 1);
}

#[test]
fn a_field_that_comes_changes_nothing_before_it_is_mapped() {
    let mut world = World::mapped(crm(&as_it_is), erp(&as_it_is), copied(&[NUMBER, NAME]));
    let (a, c) = pair(&world);
    let writes = world.erp.counts().ops;
    change_fields(&world, |fields| fields.insert(2, Field::new("fax", FieldKind::Text { length_max: None })));
    world.settle();
    world.crm.edit("account", &a, &[("fax", Value::text("555"))]).unwrap();
    world.settle();
    assert_eq!(world.erp.counts().ops, writes);
    world.remap(copied(&[("fax", "Memo"), NUMBER, NAME]));
    world.pass(Duration::from_secs(60));
    world.settle();
    assert_eq!(world.erp_value(&c, "Memo"), Value::text("555"));
    assert_eq!((world.erp.counts().ops, world.crm.counts().ops), (writes + 1, 0));
}
