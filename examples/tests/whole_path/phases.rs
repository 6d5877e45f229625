//! Documents whose state says who may write them: a draft is the left's, a released one the right's, a posted one nobody's.

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::mapper::ConflictPolicy;
use seamless_core::model::{Comparison, Condition, Entity, RecordId, Side, Value};
use seamless_mapping::{Mapping, both, copy, options};

use super::world::{World, text, yes};

fn system(name: &str, entity: &str, fields: [&str; 4]) -> Memory {
    let fields = ["id"].iter().chain(&fields).map(|field| text(field, 80)).collect();
    let schema = Entity {
        name: entity.into(),
        label: None,
        fields,
        key: vec!["id".into()],
        unique: vec![],
        actions: Vec::new(),
    };
    Memory::new(MemoryConfig::new(name).entity(EntityConfig::new(schema))).unwrap()
}

fn is(field: &str, value: &str) -> Condition {
    Condition::Compare { field: field.into(), is: Comparison::Equal, value: Value::text(value) }
}

fn world() -> World {
    let states = [both("0", "Open"), both("3", "Released"), both("4", "Posted")];
    let mapping = Mapping::builder("crm", "erp")
        .link("orders", "order", "Order")
        .two_way()
        .match_on([("number", "No.")])
        .writable(Side::Left, is("state", "3"))
        .writable(Side::Right, is("Status", "Open"))
        .rule(copy("number", "No."))
        .rule(options("state", "Status", states))
        .rule(copy("note", "Note"))
        .rule(copy("goods", "Goods").on_conflict(ConflictPolicy::Take(Side::Right)))
        .done()
        .build()
        .unwrap();
    let crm = system("crm", "order", ["number", "state", "note", "goods"]);
    World::mapped(crm, system("erp", "Order", ["No.", "Status", "Note", "Goods"]), mapping)
}

fn order(world: &World, state: &str) -> RecordId {
    let values = ["number", "state", "note", "goods"].into_iter().zip(["A1", state, "x", "1"]);
    let values: Vec<(&str, Value)> = values.map(|(field, value)| (field, Value::text(value))).collect();
    world.crm.insert("order", None, &values).unwrap()
}

fn left(world: &World, field: &str) -> Value {
    let id = world.crm.rows("order")[0].id.clone();
    world.crm.value("order", &id, field).unwrap()
}

fn right(world: &World, field: &str) -> Value {
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.value("Order", &id, field).unwrap()
}

fn edit_left(world: &World, field: &str, value: &str) {
    let id = world.crm.rows("order")[0].id.clone();
    world.crm.edit("order", &id, &[(field, Value::text(value))]).unwrap();
}

fn edit_right(world: &World, field: &str, value: &str) {
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.edit("Order", &id, &[(field, Value::text(value))]).unwrap();
}

#[test]
fn the_owner_of_a_phase_writes_and_the_other_side_waits() {
    let world = world();
    order(&world, "0");
    world.settle();
    // A draft: the left's edits go over, the right's wait.
    edit_left(&world, "note", "y");
    world.settle();
    assert_eq!(right(&world, "Note"), Value::text("y"));
    edit_right(&world, "Goods", "2");
    world.run();
    assert_eq!(left(&world, "goods"), Value::text("1"));
    assert!(format!("{:?}", world.waiting()).contains("is not written now"), "{:?}", world.waiting());
    assert!(world.plan().is_empty(), "it is said once");
    // Released with an edit: both go over in one plan, and what waited for it comes with the next.
    edit_left(&world, "note", "z");
    edit_left(&world, "state", "3");
    let plan = world.plan();
    block_on(world.integration.apply(yes(&plan))).unwrap();
    assert_eq!((right(&world, "Note"), right(&world, "Status")), (Value::text("z"), Value::text("Released")));
    world.settle();
    assert_eq!(left(&world, "goods"), Value::text("2"));
    assert_eq!(world.waiting(), []);
    // Released: the right's edits go over, the left's wait, and go over when the record is opened again.
    edit_right(&world, "Note", "from the right");
    world.settle();
    assert_eq!(left(&world, "note"), Value::text("from the right"));
    edit_left(&world, "goods", "3");
    world.run();
    assert_eq!(right(&world, "Goods"), Value::text("2"));
    assert_eq!(world.waiting().len(), 1);
    edit_right(&world, "Status", "Open");
    world.run();
    world.settle();
    assert_eq!((right(&world, "Goods"), left(&world, "state")), (Value::text("3"), Value::text("0")));
    assert_eq!(world.waiting(), []);
}

#[test]
fn a_posted_document_is_written_by_nobody_and_an_edit_that_is_undone_is_over() {
    let world = world();
    order(&world, "0");
    world.settle();
    edit_right(&world, "Status", "Posted");
    world.settle();
    assert_eq!(left(&world, "state"), Value::text("4"), "its state is carried all the same");
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    edit_left(&world, "note", "late");
    edit_right(&world, "Goods", "9");
    world.run();
    assert_eq!((right(&world, "Note"), left(&world, "goods")), (Value::text("x"), Value::text("1")));
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before);
    // Both moved, and the policy takes the right's: that may not be written either.
    edit_left(&world, "goods", "7");
    world.run();
    assert_eq!(left(&world, "goods"), Value::text("7"));
    edit_left(&world, "note", "x");
    edit_left(&world, "goods", "9");
    world.settle();
    assert_eq!(world.waiting(), [], "the one was undone, the other side says the same");
}

#[test]
fn two_posted_documents_that_agree_are_joined_and_a_new_one_is_made_in_any_state() {
    let world = world();
    order(&world, "4");
    let values = [("No.", "A1"), ("Status", "Posted"), ("Note", "x"), ("Goods", "1")];
    let values: Vec<(&str, Value)> =
        values.into_iter().map(|(field, value)| (field, Value::text(value))).collect();
    world.erp.insert("Order", None, &values).unwrap();
    world.settle();
    assert_eq!((world.waiting(), world.erp.counts().ops), (vec![], 0));
    let values = [("No.", "A2"), ("Status", "Posted"), ("Note", "new")];
    let values: Vec<(&str, Value)> =
        values.into_iter().map(|(field, value)| (field, Value::text(value))).collect();
    world.erp.insert("Order", None, &values).unwrap();
    world.settle();
    assert_eq!(world.crm.count("order"), 2);
    assert_eq!(world.waiting(), []);
}
