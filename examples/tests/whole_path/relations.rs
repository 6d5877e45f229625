//! References and options: records that refer to their own kind, to records out of scope, to each other in a circle;
//! options that are renamed or not offered any more.

use std::time::Duration;

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::mapper::LeavePolicy;
use seamless_core::model::{
    Comparison, Condition, Entity, Field, FieldKind, OptionItem, OptionSet, RecordId, Side, Value,
};
use seamless_mapping::declaration::IfMissing;
use seamless_mapping::{Mapping, both, copy, lookup, options};

use super::world::{World, as_it_is, crm, erp, reference, text};

fn kinds(labels: [&str; 3], last_is_active: bool) -> FieldKind {
    let item = |place: usize, label: &str| OptionItem {
        value: Value::Int(i64::try_from(place).unwrap()),
        label: Some(label.to_owned()),
        active: place < 2 || last_is_active,
    };
    let options = labels.iter().enumerate().map(|(place, label)| item(place, label)).collect();
    FieldKind::Option { options: OptionSet { options, closed: true } }
}

const LABELS: [&str; 3] = ["small", "large", "public"];

fn units(name: &str, labels: [&str; 3], last_is_active: bool) -> Entity {
    let parent = FieldKind::Reference { targets: vec![name.into()] };
    let fields = vec![
        text("id", 60),
        text("code", 20),
        text("name", 80),
        Field::new("kind", kinds(labels, last_is_active)),
        Field::new("parent", parent),
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

fn system(name: &str, of: &str) -> Memory {
    Memory::new(MemoryConfig::new(name).entity(EntityConfig::new(units(of, LABELS, true)))).unwrap()
}

/// Units that refer to the units that they are part of.
pub(crate) fn tree() -> World {
    let kinds = [both(0, 0), both(1, 1), both(2, 2)];
    let parent = lookup("parent", "parent", "units")
        .if_missing(Side::Right, IfMissing::Later)
        .if_missing(Side::Left, IfMissing::Later);
    let mapping = Mapping::builder("crm", "erp")
        .link("units", "unit", "Unit")
        .two_way()
        .match_on([("code", "code")])
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("code", "code"))
        .rule(copy("name", "name"))
        .rule(options("kind", "kind", kinds))
        .rule(parent)
        .done()
        .build()
        .unwrap();
    World::mapped(system("crm", "unit"), system("erp", "Unit"), mapping)
}

pub(crate) fn unit(world: &World, code: &str, parent: Option<&str>) -> RecordId {
    let id = RecordId::text(code);
    let parent = parent.map_or(Value::Null, |parent| reference("unit", &RecordId::text(parent)));
    let values = [("code", Value::text(code)), ("kind", Value::Int(2)), ("parent", parent)];
    world.crm.insert("unit", Some(id.clone()), &values).unwrap();
    id
}

pub(crate) fn partner(world: &World, code: &str) -> RecordId {
    let mut rows = world.erp.rows("Unit").into_iter();
    let code = Value::text(code);
    rows.find(|row| world.erp.value("Unit", &row.id, "code").as_ref() == Some(&code)).unwrap().id
}

pub(crate) fn right(world: &World, code: &str, field: &str) -> Value {
    world.erp.value("Unit", &partner(world, code), field).unwrap()
}

#[test]
fn h80_a_tree_of_records_arrives_whole_in_one_run_in_whatever_order_its_records_come() {
    for reversed in [false, true] {
        let world = tree();
        let codes = ["u1", "u2", "u3", "u4", "u5", "u6", "u7"];
        let mut parents: Vec<(&str, Option<&str>)> = codes
            .iter()
            .enumerate()
            .map(|(place, code)| (*code, place.checked_sub(1).map(|up| codes[up])))
            .collect();
        if reversed {
            let up = |place: usize| codes.get(place + 1).copied();
            parents = codes.iter().enumerate().map(|(place, code)| (*code, up(place))).collect();
        }
        for (code, parent) in &parents {
            unit(&world, code, *parent);
        }
        world.settle();
        for (code, parent) in &parents {
            let expected = parent.map_or(Value::Null, |up| reference("Unit", &partner(&world, up)));
            assert_eq!(right(&world, code, "parent"), expected, "{code}");
        }
        assert!(world.erp.counts().ops <= 14, "created once, and patched at most once");
        assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    }
}

#[test]
fn h80_a_record_that_is_its_own_parent_is_one() {
    let world = tree();
    unit(&world, "u1", Some("u1"));
    world.settle();
    assert_eq!(right(&world, "u1", "parent"), reference("Unit", &partner(&world, "u1")));
}

#[test]
fn h43_a_reference_that_moves_without_its_record_is_carried_by_the_next_sweep() {
    let world = tree();
    for code in ["u1", "u2"] {
        unit(&world, code, None);
    }
    let child = unit(&world, "u3", Some("u1"));
    world.settle();
    let moved = [("parent", reference("unit", &RecordId::text("u2")))];
    world.crm.edit_unnoticed("unit", &child, &moved).unwrap();
    world.settle();
    assert_eq!(right(&world, "u3", "parent"), reference("Unit", &partner(&world, "u1")));
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!(right(&world, "u3", "parent"), reference("Unit", &partner(&world, "u2")));
}

/// Accounts with a web page only, and the contacts of any account.
fn scoped(if_missing: IfMissing) -> World {
    let active =
        Condition::Compare { field: "web".into(), is: Comparison::NotEqual, value: Value::text("none") };
    let mapping = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .scope(Side::Left, active)
        .on_leave(Side::Left, LeavePolicy::Freeze)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .rule(copy("email", "E-Mail"))
        .rule(copy("fullname", "Name"))
        .rule(
            lookup("account", "Company", "customers")
                .if_missing(Side::Right, if_missing)
                .if_missing(Side::Left, IfMissing::Later),
        )
        .done()
        .build()
        .unwrap();
    World::mapped(crm(&as_it_is), erp(&as_it_is), mapping)
}

fn company(world: &World) -> Value {
    let person = world.erp.rows("Contact")[0].id.clone();
    world.erp.value("Contact", &person, "Company").unwrap()
}

#[test]
fn h81_a_reference_to_a_record_that_left_the_scope_means_its_partner_still() {
    let world = scoped(IfMissing::Park);
    let a = world.account("a1", "C1", "Adatum", "", "adatum.example");
    world.settle();
    world.crm.edit("account", &a, &[("web", Value::text("none"))]).unwrap();
    world.settle();
    world.contact("p1", "ann@adatum.example", "Ann", Some(&a));
    world.settle();
    let customer = world.erp.rows("Customer")[0].id.clone();
    assert_eq!(company(&world), reference("Customer", &customer));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h81_a_reference_to_a_record_that_was_never_in_scope_does_what_the_author_says() {
    for (policy, waits) in [(IfMissing::Later, true), (IfMissing::Null, false), (IfMissing::Park, true)] {
        let world = scoped(policy.clone());
        let a = world.account("a1", "C1", "Adatum", "", "none");
        let p = world.contact("p1", "ann@adatum.example", "Ann", Some(&a));
        world.settle();
        assert_eq!((world.erp.count("Customer"), world.erp.count("Contact")), (0, 1), "{policy:?}");
        assert_eq!(company(&world), Value::Null, "{policy:?}");
        assert_eq!(!world.waiting().is_empty(), waits, "{policy:?}: {:#?}", world.waiting());
        assert_eq!(world.crm.value("contact", &p, "account").unwrap(), reference("account", &a));
        // The other fields go on.
        world.crm.edit("contact", &p, &[("fullname", Value::text("Anna"))]).unwrap();
        world.settle();
        let person = world.erp.rows("Contact")[0].id.clone();
        assert_eq!(world.erp.value("Contact", &person, "Name").unwrap(), Value::text("Anna"));
        // Once the account comes into scope, the reference is set; where it was cleared that was the author's choice.
        world.crm.edit("account", &a, &[("web", Value::text("adatum.example"))]).unwrap();
        world.settle();
        world.pass(Duration::from_secs(3601));
        world.settle();
        let customer = world.erp.rows("Customer")[0].id.clone();
        if policy == IfMissing::Later {
            assert_eq!(company(&world), reference("Customer", &customer));
            assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
        }
        assert_eq!(
            world.crm.value("contact", &p, "account").unwrap(),
            reference("account", &a),
            "{policy:?}"
        );
    }
}

#[test]
fn h87_an_option_that_is_not_offered_any_more_stays_where_it_is_and_is_not_written_again() {
    let world = tree();
    let one = unit(&world, "u1", None);
    world.settle();
    world.crm.set_schema(units("unit", LABELS, false)).unwrap();
    world.erp.set_schema(units("Unit", LABELS, false)).unwrap();
    world.pass(Duration::from_secs(3601));
    world.crm.edit("unit", &one, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(
        (right(&world, "u1", "name"), right(&world, "u1", "kind")),
        (Value::text("Adatum"), Value::Int(2))
    );
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    // A change to one that is offered is a change; a record that is made with the old one is refused there, alone.
    world.crm.edit("unit", &one, &[("kind", Value::Int(1))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "u1", "kind"), Value::Int(1));
}

#[test]
fn h89_labels_that_are_translated_mean_nothing() {
    let world = tree();
    unit(&world, "u1", None);
    world.settle();
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    // Even labels that are exchanged.
    world.crm.set_schema(units("unit", ["groß", "klein", "öffentlich"], true)).unwrap();
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before);
    let two = unit(&world, "u2", None);
    world.crm.edit("unit", &two, &[("kind", Value::Int(0))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "u2", "kind"), Value::Int(0));
}

/// A record of the left that says the number of one that has a partner already.
#[test]
fn h57_a_record_that_has_a_partner_is_not_given_a_second_one() {
    let world = tree();
    unit(&world, "u1", None);
    world.settle();
    let twin = [("code", Value::text("u1")), ("name", Value::text("Twin")), ("kind", Value::Int(2))];
    world.crm.insert("unit", Some(RecordId::text("x9")), &twin).unwrap();
    world.settle();
    assert_eq!(world.erp.count("Unit"), 1);
    assert_eq!(right(&world, "u1", "name"), Value::Null);
    let waiting = world.waiting();
    assert_eq!(waiting.len(), 1, "{waiting:#?}");
    assert_eq!(waiting[0].1.id, RecordId::text("x9"));
    let said = format!("{waiting:?}");
    assert!(
        said.contains(&format!("it matches {}, which has a partner already", partner(&world, "u1"))),
        "{said}"
    );
    // The pair goes on, and the question ends with the correction.
    world.crm.edit("unit", &RecordId::text("u1"), &[("name", Value::text("Adatum"))]).unwrap();
    world.crm.edit("unit", &RecordId::text("x9"), &[("code", Value::text("u9"))]).unwrap();
    world.settle();
    assert_eq!(
        (right(&world, "u1", "name"), right(&world, "u9", "name")),
        (Value::text("Adatum"), Value::text("Twin"))
    );
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}
