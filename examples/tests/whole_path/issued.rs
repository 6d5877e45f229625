//! Keys that one side issues, as from a number series: the record is made without one, and the same run writes what it got
//! to the other side. No number is used up by a plan, by a crash or by a lost answer.

use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Fault, Memory, MemoryConfig};
use seamless_core::connector::{Capabilities, UniqueKey, WriteReturns};
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Side, Value};
use seamless_mapping::{Mapping, copy, generated};

use super::crash::{go_on, steps_of};
use super::world::{Change, World, as_it_is, text, yes};

fn system(name: &str, entity: &str, key: &str, fields: [&str; 2], change: Change<'_>) -> Memory {
    let [mail, called] = fields;
    let key_field = Field { required: true, ..text(key, 40) };
    let schema = Entity {
        name: entity.into(),
        label: None,
        fields: vec![
            key_field,
            text(mail, 80),
            text(called, 80),
            Field::new("accountnumber", FieldKind::Text { length_max: Some(20) }),
        ],
        key: vec![key.into()],
        unique: vec![],
        actions: Vec::new(),
    };
    Memory::new(MemoryConfig::new(name).entity(EntityConfig::new(schema).capable(change))).unwrap()
}

/// A system that keeps its customers under numbers that it counts, and finds them by their mail address.
fn erp(change: Change<'_>) -> Memory {
    let unique = |can: &mut Capabilities| {
        can.unique_key = UniqueKey::Fields(vec!["E-Mail".into()]);
        can.idempotency_key = false;
        change(can);
    };
    system("erp", "Customer", "No.", ["E-Mail", "Name"], &unique)
}

fn mapping(two_way: bool) -> Mapping {
    let number = generated("accountnumber", "No.", Side::Right);
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("mail", "E-Mail")])
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("mail", "E-Mail"))
        .rule(copy("name", "Name"))
        .rule(if two_way { number } else { number.to_left() })
        .done()
        .build()
        .unwrap()
}

fn world(two_way: bool, left: Change<'_>, right: Change<'_>) -> World {
    let crm = system("crm", "account", "accountid", ["mail", "name"], left);
    World::mapped(crm, erp(right), mapping(two_way))
}

fn person(world: &World, mail: &str) -> RecordId {
    let values = [("mail", Value::text(mail)), ("name", Value::text("Ann"))];
    world.crm.insert("account", None, &values).unwrap()
}

/// The numbers of the right by mail address, and those that the left holds for them: the same, each once.
fn numbers(world: &World) -> Vec<(String, String, String)> {
    let shown = |value: Option<Value>| match value {
        Some(Value::Text(text)) => text.to_string(),
        other => format!("{other:?}"),
    };
    let left: Vec<(String, String)> = world
        .crm
        .rows("account")
        .into_iter()
        .map(|row| {
            let of = |field: &str| shown(world.crm.value("account", &row.id, field));
            (of("mail"), of("accountnumber"))
        })
        .collect();
    let mut all: Vec<(String, String, String)> = world
        .erp
        .rows("Customer")
        .into_iter()
        .map(|row| {
            let of = |field: &str| shown(world.erp.value("Customer", &row.id, field));
            let here = left.iter().find(|(mail, _)| *mail == of("E-Mail"));
            (of("E-Mail"), of("No."), here.map_or("nobody".to_owned(), |(_, number)| number.clone()))
        })
        .collect();
    all.sort();
    all
}

fn told(rows: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let row =
        |(mail, number): &(&str, &str)| ((*mail).to_owned(), (*number).to_owned(), (*number).to_owned());
    rows.iter().map(row).collect()
}

#[test]
fn a_number_that_one_side_issues_is_written_back_by_the_same_run() {
    for two_way in [false, true] {
        let world = world(two_way, &as_it_is, &as_it_is);
        person(&world, "a@b.example");
        person(&world, "b@b.example");
        let report = world.run();
        assert!(report.quiet);
        assert_eq!(numbers(&world), told(&[("a@b.example", "1"), ("b@b.example", "2")]), "{two_way}");
        // The first plan says that another one follows, and what the target is to decide.
        let trailer = &report.plans[0].1;
        assert_eq!((trailer.runs_to_quiet, report.plans.len()), (2, 3));
        world.settle();
        // A record that the issuer makes has its number from the beginning.
        world.erp.insert("Customer", None, &[("E-Mail", Value::text("c@b.example"))]).unwrap();
        world.settle();
        assert_eq!(numbers(&world)[2], ("c@b.example".into(), "3".into(), "3".into()));
    }
}

#[test]
fn a_plan_uses_no_number_up() {
    let world = world(true, &as_it_is, &as_it_is);
    person(&world, "a@b.example");
    for _ in 0..3 {
        let plan = world.plan();
        assert!(world.text(&plan).contains("(erp decides)"), "{}", world.text(&plan));
        assert_eq!(plan.trailer().runs_to_quiet, 2);
    }
    assert_eq!(world.erp.count("Customer"), 0);
    world.settle();
    assert_eq!(numbers(&world), told(&[("a@b.example", "1")]));
}

/// A crash at every step, also between the record that was made and the number that is written back.
fn every_crash(two_way: bool, left: Change<'_>, right: Change<'_>) {
    let morning = || {
        let world = world(two_way, left, right);
        person(&world, "a@b.example");
        world.settle();
        person(&world, "b@b.example");
        person(&world, "c@b.example");
        world
    };
    let undisturbed = morning();
    let steps = steps_of(&undisturbed);
    go_on(&undisturbed);
    let expected = numbers(&undisturbed);
    assert_eq!(expected, told(&[("a@b.example", "1"), ("b@b.example", "2"), ("c@b.example", "3")]));
    for step in 0..steps {
        let mut world = morning();
        assert!(world.run_until(step).is_none(), "the run ended before step {step}");
        go_on(&world);
        assert_eq!(numbers(&world), expected, "crash at step {step} of {steps}: {:?}", world.waiting());
        assert_eq!(world.waiting(), [], "crash at step {step}");
    }
}

#[test]
fn a_crash_between_the_record_and_its_number_loses_no_number_and_issues_none_twice() {
    every_crash(false, &as_it_is, &as_it_is);
    every_crash(true, &as_it_is, &as_it_is);
}

#[test]
fn a_crash_issues_no_number_twice_where_writes_return_nothing() {
    let silent = |can: &mut Capabilities| can.write_returns = WriteReturns::Nothing;
    every_crash(true, &silent, &silent);
    every_crash(false, &silent, &silent);
}

#[test]
fn h44_a_create_whose_answer_is_lost_issues_one_number() {
    for two_way in [false, true] {
        for fault in [Fault::LostReply, Fault::LostRequest, Fault::LateRequest] {
            let world = world(two_way, &as_it_is, &as_it_is);
            person(&world, "a@b.example");
            world.erp.fail_next(fault.clone());
            world.run();
            world.erp.deliver_late();
            go_on(&world);
            assert_eq!(numbers(&world), told(&[("a@b.example", "1")]), "{fault:?} {two_way}");
        }
    }
}

#[test]
fn a_key_that_is_there_already_is_sent_and_one_that_was_cleared_is_not_taken_back() {
    let world = world(true, &as_it_is, &as_it_is);
    let a = person(&world, "a@b.example");
    world.settle();
    world.crm.edit("account", &a, &[("accountnumber", Value::Null)]).unwrap();
    world.run();
    assert_eq!(world.erp.count("Customer"), 1);
    assert_eq!(numbers(&world)[0].1, "1");
    let waiting = format!("{:?}", world.waiting());
    assert!(waiting.contains("issued a number"), "{waiting}");
    // Entered again it is over.
    world.crm.edit("account", &a, &[("accountnumber", Value::text("1"))]).unwrap();
    world.settle();
    assert_eq!(world.waiting(), []);
    let plan = world.plan();
    block_on(world.integration.apply(yes(&plan))).unwrap();
}
