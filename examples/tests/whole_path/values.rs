//! Values that a system makes, changes, shows late or writes in its own way: over the whole path, with records of many
//! kinds of fields.

use std::time::Duration;

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::mapper::DriftPolicy;
use seamless_core::model::{
    Decimal, Entity, Field, FieldKind, Instant, Normaliser, Presence, Record, RecordId, Side, Value,
};
use seamless_mapping::{LinkBuilder, Mapping, copy};

use super::world::{World, text};

fn entity(name: &str) -> Entity {
    let decimal = || FieldKind::Decimal { precision: None, scale: None };
    let fields = vec![
        text("id", 60),
        text("mail", 80),
        text("name", 80),
        Field::new("due", FieldKind::Date),
        Field::new("seen", FieldKind::Instant),
        Field::new("count", FieldKind::Int),
        Field::new("amount", decimal()),
        Field::new("base amount", decimal()),
        Field { computed: true, ..Field::new("total", decimal()) },
    ];
    Entity {
        name: name.into(),
        label: None,
        fields,
        key: vec!["id".into()],
        unique: vec![],
        actions: Vec::new(),
    }
}

fn system(name: &str, of: &str, change: impl FnOnce(EntityConfig) -> EntityConfig) -> Memory {
    Memory::new(MemoryConfig::new(name).entity(change(EntityConfig::new(entity(of))))).unwrap()
}

fn mapping(change: impl FnOnce(LinkBuilder) -> LinkBuilder) -> Mapping {
    let link = Mapping::builder("crm", "erp")
        .link("people", "person", "Person")
        .two_way()
        .match_on([("mail", "mail")])
        .sweep_every(Duration::from_secs(3600));
    let link = change(link).rule(copy("name", "name")).rule(copy("due", "due"));
    link.rule(copy("seen", "seen"))
        .rule(copy("count", "count"))
        .rule(copy("amount", "amount"))
        .done()
        .build()
        .unwrap()
}

fn as_given(link: LinkBuilder) -> LinkBuilder {
    link.rule(copy("mail", "mail"))
}

fn world(right: impl FnOnce(EntityConfig) -> EntityConfig) -> World {
    World::mapped(system("crm", "person", |it| it), system("erp", "Person", right), mapping(as_given))
}

fn person(world: &World, values: &[(&str, Value)]) -> RecordId {
    world.crm.insert("person", Some(RecordId::text("p1")), values).unwrap()
}

fn left(world: &World, id: &RecordId, field: &str) -> Value {
    world.crm.value("person", id, field).unwrap()
}

fn right(world: &World, field: &str) -> Value {
    let rows = world.erp.rows("Person");
    assert_eq!(rows.len(), 1);
    world.erp.value("Person", &rows[0].id, field).unwrap()
}

fn edit_right(world: &World, values: &[(&str, Value)]) {
    let id = world.erp.rows("Person")[0].id.clone();
    world.erp.edit("Person", &id, values).unwrap();
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn later(world: &World) {
    world.pass(Duration::from_secs(3601));
    world.settle();
}

fn ops(world: &World) -> u64 {
    world.crm.counts().ops + world.erp.counts().ops
}

#[test]
fn h06_addresses_that_differ_in_case_are_one_person_and_stay_as_they_were_given() {
    let same = |link: LinkBuilder| {
        link.form(Side::Left, "mail", [Normaliser::Email])
            .form(Side::Right, "mail", [Normaliser::Email])
            .rule(copy("mail", "mail"))
    };
    let systems = (system("crm", "person", |it| it), system("erp", "Person", |it| it));
    let world = World::mapped(systems.0, systems.1, mapping(same));
    let a = person(&world, &[("mail", Value::text("Ann@Adatum.example"))]);
    let other = [("mail", Value::text("ann@adatum.example")), ("name", Value::text("Ann"))];
    world.erp.insert("Person", None, &other).unwrap();
    world.settle();
    assert_eq!((world.crm.count("person"), world.erp.count("Person")), (1, 1));
    assert_eq!(left(&world, &a, "name"), Value::text("Ann"));
    assert_eq!(left(&world, &a, "mail"), Value::text("Ann@Adatum.example"));
    assert_eq!(right(&world, "mail"), Value::text("ann@adatum.example"));
    // Another case is no edit, another address is one.
    let before = ops(&world);
    world.crm.edit("person", &a, &[("mail", Value::text("ANN@adatum.example"))]).unwrap();
    world.settle();
    assert_eq!(ops(&world), before);
    world.crm.edit("person", &a, &[("mail", Value::text("Ann@Contoso.example"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "mail"), Value::text("Ann@Contoso.example"));
}

#[test]
fn h14_what_a_template_puts_into_a_new_record_is_a_base_and_is_not_fought() {
    let world = world(|it| it.on_create("name", Value::text("New customer")));
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("name", Value::text("Ann"))]);
    world.settle();
    assert_eq!(right(&world, "name"), Value::text("New customer"), "it is never written again");
    assert_eq!(world.erp.counts().ops, 1);
    // Either side's next edit goes over.
    edit_right(&world, &[("name", Value::text("Bea"))]);
    world.settle();
    assert_eq!(left(&world, &a, "name"), Value::text("Bea"));
    world.crm.edit("person", &a, &[("name", Value::text("Ann"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "name"), Value::text("Ann"));
}

/// The amount on the right is the total of the left, which formulas change without a stamp.
#[test]
fn h15_a_formula_that_changes_without_a_stamp_is_carried_by_the_sweep_and_never_written() {
    let built = Mapping::builder("crm", "erp")
        .link("people", "person", "Person")
        .two_way()
        .match_on([("mail", "mail")])
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("mail", "mail"))
        .rule(copy("total", "amount").to_right().on_drift(DriftPolicy::Restore))
        .done()
        .build()
        .unwrap();
    let world = World::mapped(system("crm", "person", |it| it), system("erp", "Person", |it| it), built);
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("total", decimal("1.50"))]);
    world.settle();
    assert_eq!(right(&world, "amount"), decimal("1.50"));
    world.crm.edit_unnoticed("person", &a, &[("total", decimal("2.50"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "amount"), decimal("1.50"));
    later(&world);
    assert_eq!(right(&world, "amount"), decimal("2.50"));
    // Somebody who edits its copy does not write to the formula.
    edit_right(&world, &[("amount", decimal("9"))]);
    world.settle();
    assert_eq!(left(&world, &a, "total"), decimal("2.50"));
    assert_eq!(right(&world, "amount"), decimal("2.50"));
    assert_eq!(world.crm.counts().ops, 0);
}

/// In base currency: half of it.
fn halved(record: &Record) -> Value {
    match record.field("amount") {
        Presence::Value(value) if !value.is_null() => {
            let amount: Decimal = value.to_value().to_string().parse().unwrap();
            let half: Decimal = "0.5".parse().unwrap();
            Value::Decimal(amount.checked_mul(&half).unwrap())
        }
        _ => Value::Null,
    }
}

#[test]
fn h16_an_amount_that_the_system_works_out_follows_and_nobody_writes_it() {
    let systems =
        (system("crm", "person", |it| it), system("erp", "Person", |it| it.computes("total", halved)));
    let built = mapping(|link| {
        link.rule(copy("mail", "mail"))
            .rule(copy("base amount", "total").to_left().on_drift(DriftPolicy::Restore))
    });
    let world = World::mapped(systems.0, systems.1, built);
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("amount", decimal("10"))]);
    world.settle();
    assert_eq!(right(&world, "total"), decimal("5"));
    world.crm.edit("person", &a, &[("amount", decimal("20"))]).unwrap();
    let before = ops(&world);
    world.settle();
    assert_eq!(right(&world, "total"), decimal("10"));
    assert_eq!(left(&world, &a, "base amount"), decimal("10"));
    assert_eq!(ops(&world), before + 2, "the amount there, what was worked out back");
    assert_eq!(left(&world, &a, "amount"), decimal("20"));
    // A rate that changes moves no stamp.
    let id = world.erp.rows("Person")[0].id.clone();
    world.erp.edit_unnoticed("Person", &id, &[("mail", Value::text("a@b.example"))]).unwrap();
    later(&world);
    assert_eq!(ops(&world), before + 2);
}

#[test]
fn h18_rights_that_are_given_later_show_old_records_and_lose_no_value() {
    let world = world(|it| it);
    world.erp.deny("Person", "name", true).unwrap();
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("name", Value::text("Ann"))]);
    let b = [("mail", Value::text("c@d.example")), ("name", Value::text("Bea"))];
    world.erp.insert("Person", None, &b).unwrap();
    world.settle();
    assert_eq!(left(&world, &a, "name"), Value::text("Ann"));
    let bea = world.crm.rows("person").into_iter().find(|row| row.id != a).unwrap().id;
    assert_eq!(left(&world, &bea, "name"), Value::Null);
    // The right moves no stamp of any record.
    world.erp.deny("Person", "name", false).unwrap();
    later(&world);
    assert_eq!(left(&world, &bea, "name"), Value::text("Bea"));
    assert_eq!(left(&world, &a, "name"), Value::text("Ann"));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h18_a_right_that_is_taken_away_clears_nothing() {
    let world = world(|it| it);
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("name", Value::text("Ann"))]);
    world.settle();
    world.erp.deny("Person", "name", true).unwrap();
    later(&world);
    edit_right(&world, &[("count", Value::Int(3))]);
    world.settle();
    assert_eq!((left(&world, &a, "name"), left(&world, &a, "count")), (Value::text("Ann"), Value::Int(3)));
    edit_right(&world, &[("name", Value::text("Anna"))]);
    world.erp.deny("Person", "name", false).unwrap();
    later(&world);
    assert_eq!(left(&world, &a, "name"), Value::text("Anna"));
}

#[test]
fn h21_long_numbers_keep_every_digit() {
    let world = world(|it| it);
    let amount = "79228162514264337593543.95033";
    let mail = ("mail", Value::text("a@b.example"));
    let a = person(&world, &[mail, ("count", Value::Int(i64::MAX)), ("amount", decimal(amount))]);
    world.settle();
    assert_eq!((right(&world, "count"), right(&world, "amount")), (Value::Int(i64::MAX), decimal(amount)));
    // Neighbours of a number that only differ in a digit which a double has not are different.
    edit_right(
        &world,
        &[("count", Value::Int(i64::MAX - 1)), ("amount", decimal("79228162514264337593543.95034"))],
    );
    world.settle();
    assert_eq!(left(&world, &a, "count"), Value::Int(i64::MAX - 1));
    assert_eq!(left(&world, &a, "amount"), decimal("79228162514264337593543.95034"));
}

#[test]
fn h22_a_day_stays_the_same_day_however_often_it_goes_round() {
    let world = world(|it| it);
    let Value::Date(mut day) = Value::Date("2026-03-20".parse().unwrap()) else { panic!("a day") };
    let a = person(&world, &[("mail", Value::text("a@b.example")), ("due", Value::Date(day))]);
    world.settle();
    for number in 1..60 {
        day = day.succ_opt().unwrap();
        let due = ("due", Value::Date(day));
        if number % 2 == 0 {
            world.crm.edit("person", &a, &[due]).unwrap();
        } else {
            edit_right(&world, &[due]);
        }
        world.settle();
        assert_eq!((left(&world, &a, "due"), right(&world, "due")), (Value::Date(day), Value::Date(day)));
    }
    // Saving without an edit does not move it either.
    let before = ops(&world);
    for _ in 0..20 {
        world.crm.touch("person", &a).unwrap();
        world.settle();
    }
    assert_eq!(ops(&world), before);
}

fn moment(text: &str) -> Value {
    Value::Instant(Instant::utc(text.parse().unwrap()))
}

#[test]
fn h38_a_system_that_keeps_whole_seconds_starts_no_loop_and_sends_nothing_back() {
    let form = seamless_core::model::CanonicalForm::new([Normaliser::Instant(0)]);
    let world = world(|it| it.stores_as("seen", form));
    let a =
        person(&world, &[("mail", Value::text("a@b.example")), ("seen", moment("2026-01-01T10:00:00.987Z"))]);
    world.settle();
    assert_eq!(right(&world, "seen"), moment("2026-01-01T10:00:00Z"));
    edit_right(&world, &[("name", Value::text("Ann"))]);
    world.settle();
    later(&world);
    assert_eq!(left(&world, &a, "seen"), moment("2026-01-01T10:00:00.987Z"));
    edit_right(&world, &[("seen", moment("2026-01-01T11:00:00Z"))]);
    world.settle();
    assert_eq!(left(&world, &a, "seen"), moment("2026-01-01T11:00:00Z"));
}

#[test]
fn h38_stamps_in_whole_seconds_hide_no_change() {
    let world = world(|it| it);
    let a = person(&world, &[("mail", Value::text("a@b.example"))]);
    world.settle();
    // Everything happens in one second of the left system, whose stamps have no smaller parts.
    world.crm.set_time(Some("2026-01-01T00:00:00Z".parse().unwrap()));
    for name in ["Ann", "Bea", "Cleo"] {
        world.crm.edit("person", &a, &[("name", Value::text(name))]).unwrap();
        world.settle();
        assert_eq!(right(&world, "name"), Value::text(name));
    }
}
