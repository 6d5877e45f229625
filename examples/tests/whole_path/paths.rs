//! Values that are read through references: rules, scopes and conditions name them as fields, over one record after another.
//! What stands in another record is followed; what cannot be seen there makes a record wait, and never leave.

use std::time::Duration;

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::mapper::{DeletePolicy, LeavePolicy};
use seamless_core::model::{
    Comparison, Condition, Entity, Field, FieldKind, Presence, Record, RecordId, Shape, Side, Slot, Value,
    ValueRef, record,
};
use seamless_mapping::{Mapping, copy, lines};

use super::world::{World, as_it_is, reference, text};

const STEPS: &[(&str, &str)] =
    &[("customer", "account"), ("pricelist", "pricelist"), ("currency", "currency")];

fn refers(field: &str, to: &str) -> Field {
    Field::new(field, FieldKind::Reference { targets: vec![to.into()] })
}

fn entity(name: &str, fields: Vec<Field>) -> EntityConfig {
    let fields = [text("id", 80)].into_iter().chain(fields).collect();
    let entity = Entity {
        name: name.into(),
        label: None,
        fields,
        key: vec!["id".into()],
        unique: vec![],
        actions: vec![],
    };
    EntityConfig::new(entity).capable(as_it_is)
}

fn systems() -> (Memory, Memory) {
    let lines = |entity: &str| Field::new("lines", FieldKind::List { entity: entity.into() });
    let order = vec![text("number", 80), text("note", 80), refers("customer", "account"), lines("line")];
    let crm = MemoryConfig::new("crm")
        .entity(entity("order", order))
        .entity(entity("account", vec![text("state", 80), refers("pricelist", "pricelist")]))
        .entity(entity("pricelist", vec![refers("currency", "currency")]))
        .entity(entity("currency", vec![text("code", 80)]))
        .entity(entity("product", vec![text("unit", 80)]));
    let fields =
        vec![text("No", 80), text("Note", 80), text("Currency Code", 80), text("State", 80), lines("Line")];
    let erp = MemoryConfig::new("erp").entity(entity("Order", fields));
    (Memory::new(crm).unwrap(), Memory::new(erp).unwrap())
}

fn active() -> Condition {
    Condition::Compare { field: "customer.state".into(), is: Comparison::Equal, value: Value::text("active") }
}

/// Where the condition on the state of the customer stands.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Nowhere,
    Scope,
    When,
    Writable,
}

fn world(condition: Where) -> World {
    world_of(condition, false)
}

/// `both_ways`: whether lines go both ways.
fn world_of(condition: Where, both_ways: bool) -> World {
    let (crm, erp) = systems();
    let of_line = [copy("amount", "Quantity"), copy("product.unit", "Unit").to_right()];
    let of_lines = lines("lines", "lines", [("pos", "No")], of_line);
    let mut link = Mapping::builder("crm", "erp")
        .link("orders", "order", "Order")
        .two_way()
        .match_on([("number", "No")])
        .sweep_every(Duration::from_secs(3600))
        .path(Side::Left, "customer.pricelist.currency", STEPS, "code")
        .path(Side::Left, "customer.state", STEPS.get(..1).unwrap(), "state")
        .path_in(Side::Left, "lines", "product.unit", &[("product", "product")], "unit")
        .on_delete(Side::Left, DeletePolicy::Delete)
        .on_leave(Side::Left, LeavePolicy::Delete)
        .create(false, true)
        .rule(copy("number", "No"))
        .rule(copy("customer.pricelist.currency", "Currency Code").to_right())
        .rule(if both_ways { of_lines } else { of_lines.to_right() });
    let note = copy("note", "Note");
    link = match condition {
        Where::Nowhere => link.rule(note),
        Where::Scope => link.scope(Side::Left, active()).rule(note),
        Where::When => link.rule(note.when(Side::Left, active())),
        Where::Writable => link.writable(Side::Left, active()).rule(note),
    };
    World::mapped(crm, erp, link.done().build().unwrap())
}

/// A row of the system on the left, and a customer whose price list has a currency.
fn row(world: &World, entity: &str, id: &str, values: &[(&str, Value)]) -> RecordId {
    world.crm.insert(entity, Some(RecordId::text(id)), values).unwrap()
}

fn to(entity: &str, id: &str) -> Value {
    reference(entity, &RecordId::text(id))
}

fn customer(world: &World, id: &str, list: &str) -> RecordId {
    row(world, "account", id, &[("state", Value::text("active")), ("pricelist", to("pricelist", list))])
}

fn prices(world: &World) {
    for code in ["EUR", "CHF"] {
        row(world, "currency", code, &[("code", Value::text(code))]);
        row(world, "pricelist", &format!("in {code}"), &[("currency", to("currency", code))]);
    }
}

fn order(world: &World, number: &str, customer: &str) -> RecordId {
    let values =
        [("number", Value::text(number)), ("note", Value::text("n")), ("customer", to("account", customer))];
    row(world, "order", number, &values)
}

fn right(world: &World, field: &str) -> Value {
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.value("Order", &id, field).unwrap()
}

fn later(world: &World) {
    world.pass(Duration::from_secs(2 * 3600));
}

#[test]
fn a_value_over_three_references_is_carried_and_followed_wherever_on_the_way_something_changes() {
    let world = world(Where::Nowhere);
    prices(&world);
    let ann = customer(&world, "ann", "in EUR");
    customer(&world, "bob", "in CHF");
    let one = order(&world, "A1", "ann");
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("EUR"));
    // The last record changes its value, a reference in the middle moves, the reference of the order itself moves.
    let code =
        |to: &str| world.crm.edit("currency", &RecordId::text("EUR"), &[("code", Value::text(to))]).unwrap();
    code("EURO");
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("EUR"), "nobody read the order");
    later(&world);
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("EURO"));
    world.crm.edit("account", &ann, &[("pricelist", to("pricelist", "in CHF"))]).unwrap();
    later(&world);
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("CHF"));
    world.crm.edit("account", &ann, &[("pricelist", to("pricelist", "in EUR"))]).unwrap();
    world.crm.edit("order", &one, &[("customer", to("account", "bob"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("CHF"), "an edit of the order is seen at once");
    world.crm.edit("order", &one, &[("customer", to("account", "ann"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("EURO"));
    // Where there is no reference there is no value.
    world.crm.edit("order", &one, &[("customer", Value::Null)]).unwrap();
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::Null);
    assert_eq!(world.waiting(), []);
    assert!(world.plan().is_empty());
}

// Catches: a record that is hidden on the way taken for one that holds nothing, which would empty the other side.
#[test]
fn what_is_hidden_on_the_way_makes_its_rule_wait_by_name_and_is_carried_when_it_is_shown() {
    let world = world(Where::Nowhere);
    prices(&world);
    customer(&world, "ann", "in EUR");
    let list = RecordId::text("in EUR");
    world.crm.hide("pricelist", &list, true).unwrap();
    let one = order(&world, "A1", "ann");
    world.run();
    assert_eq!(right(&world, "No"), Value::text("A1"), "the rest of the order goes over");
    assert_eq!(right(&world, "Currency Code"), Value::Null);
    let waiting = format!("{:?}", world.waiting());
    assert!(waiting.contains("through customer, pricelist, currency, is not shown"), "{waiting}");
    assert!(world.plan().is_empty(), "it is said once");
    world.crm.hide("pricelist", &list, false).unwrap();
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("EUR"));
    assert_eq!(world.waiting(), []);
    // Of a pair as well: what was carried stays, and an edit of the order goes over without it.
    world.crm.hide("pricelist", &list, true).unwrap();
    world.crm.edit("order", &one, &[("note", Value::text("new"))]).unwrap();
    later(&world);
    world.run();
    assert_eq!(right(&world, "Note"), Value::text("new"));
    assert_eq!(right(&world, "Currency Code"), Value::text("EUR"));
    assert_eq!(world.waiting().len(), 1, "{:?}", world.waiting());
    assert!(world.plan().is_empty());
    world.crm.edit("pricelist", &list, &[("currency", to("currency", "CHF"))]).unwrap();
    world.crm.hide("pricelist", &list, false).unwrap();
    world.settle();
    assert_eq!(right(&world, "Currency Code"), Value::text("CHF"));
    assert_eq!(world.waiting(), []);
}

// Catches: a record that leaves the scope, with a partner that is deleted because of it, since a record was not shown.
#[test]
fn a_scope_that_looks_at_another_record_takes_nothing_out_that_it_cannot_see() {
    let world = world(Where::Scope);
    prices(&world);
    let ann = customer(&world, "ann", "in EUR");
    let one = order(&world, "A1", "ann");
    world.settle();
    assert_eq!(world.erp.count("Order"), 1);
    let hides: [&dyn Fn(bool); 2] =
        [&|hidden| assert!(world.crm.hide("account", &ann, hidden).unwrap()), &|hidden| {
            world.crm.deny("account", "state", hidden).unwrap()
        }];
    for (round, hide) in hides.into_iter().enumerate() {
        hide(true);
        let note = Value::text(&format!("while hidden {round}"));
        world.crm.edit("order", &one, &[("note", note.clone())]).unwrap();
        later(&world);
        world.run();
        later(&world);
        world.run();
        assert_eq!(world.erp.count("Order"), 1, "nothing is deleted");
        assert_ne!(right(&world, "Note"), note, "nothing is decided");
        let waiting = format!("{:?}", world.waiting());
        assert!(waiting.contains("whether it takes part cannot be seen"), "{waiting}");
        assert_eq!(world.waiting().len(), 1, "{waiting}");
        hide(false);
        world.settle();
        assert_eq!(right(&world, "Note"), note);
        assert_eq!(world.waiting(), []);
    }
    // What says that it is out takes it out.
    world.crm.edit("account", &ann, &[("state", Value::text("closed"))]).unwrap();
    world.crm.edit("order", &one, &[("note", Value::text("last"))]).unwrap();
    world.run();
    assert_eq!(world.erp.count("Order"), 0, "the policy for records that leave");
}

#[test]
fn a_record_of_which_it_cannot_be_seen_whether_it_takes_part_is_neither_made_nor_paired_until_it_is() {
    let world = world(Where::Scope);
    prices(&world);
    for id in ["ann", "bob", "eve"] {
        let customer = customer(&world, id, "in EUR");
        world.crm.hide("account", &customer, true).unwrap();
    }
    // One has a match on the other side, which must not be made a second time; one has none; one turns out to be out.
    world.erp.insert("Order", None, &[("No", Value::text("A1"))]).unwrap();
    for (number, customer) in [("A1", "ann"), ("A2", "bob"), ("A3", "eve")] {
        order(&world, number, customer);
    }
    world.run();
    later(&world);
    world.run();
    assert_eq!(world.erp.count("Order"), 1);
    assert_eq!(right(&world, "Note"), Value::Null);
    assert_eq!(world.waiting().len(), 3, "{:?}", world.waiting());
    assert!(world.plan().is_empty(), "it is said once");
    world.crm.edit("account", &RecordId::text("eve"), &[("state", Value::text("closed"))]).unwrap();
    for id in ["ann", "bob", "eve"] {
        world.crm.hide("account", &RecordId::text(id), false).unwrap();
    }
    world.settle();
    assert_eq!(world.erp.count("Order"), 2);
    assert_eq!(world.waiting(), [], "who is out waits for nothing");
}

#[test]
fn a_condition_and_a_state_of_another_record_decide_about_a_rule_and_wait_where_they_cannot_be_seen() {
    for condition in [Where::When, Where::Writable] {
        let world = world(condition);
        prices(&world);
        let ann = customer(&world, "ann", "in EUR");
        let one = order(&world, "A1", "ann");
        world.settle();
        // Of a rule the giving record decides, of who may be written the one that is written.
        let is_given = condition == Where::When;
        let edit = |note: &str| {
            if is_given {
                return world.crm.edit("order", &one, &[("note", Value::text(note))]).unwrap();
            }
            let id = world.erp.rows("Order")[0].id.clone();
            world.erp.edit("Order", &id, &[("Note", Value::text(note))]).unwrap();
        };
        let held = || match is_given {
            true => right(&world, "Note"),
            false => world.crm.value("order", &one, "note").unwrap(),
        };
        edit("b");
        world.settle();
        assert_eq!(held(), Value::text("b"));
        world.crm.hide("account", &ann, true).unwrap();
        edit("c");
        world.run();
        assert_eq!(held(), Value::text("b"));
        let waiting = format!("{:?}", world.waiting());
        assert!(waiting.contains("customer.state"), "{waiting}");
        world.crm.hide("account", &ann, false).unwrap();
        world.settle();
        assert_eq!(held(), Value::text("c"));
        assert_eq!(world.waiting(), []);
    }
}

fn line(pos: i64, product: &str) -> Record {
    let shape = Shape::new(["pos", "amount", "product"].map(Into::into)).unwrap();
    let values = [("pos", Value::Int(pos)), ("amount", Value::Int(1)), ("product", to("product", product))];
    record(&shape, values.map(|(name, value)| (name.into(), Slot::Value(value)))).unwrap()
}

fn units(world: &World) -> Vec<Option<Value>> {
    let Value::List(lines) = right(world, "lines") else { return Vec::new() };
    let unit = |line: &Record| match line.field("Unit").to_slot() {
        Slot::Value(value) => Some(value),
        _ => None,
    };
    lines.iter().map(unit).collect()
}

#[test]
fn a_line_of_a_list_reads_through_its_reference_and_follows_the_record_there() {
    let world = world(Where::Nowhere);
    prices(&world);
    customer(&world, "ann", "in EUR");
    for (id, unit) in [("bolt", "piece"), ("rope", "metre")] {
        row(&world, "product", id, &[("unit", Value::text(unit))]);
    }
    let one = order(&world, "A1", "ann");
    let list = |lines: Vec<Record>| [("lines", Value::List(lines.into()))];
    world.crm.edit("order", &one, &list(vec![line(1, "bolt"), line(2, "rope")])).unwrap();
    world.settle();
    let text = |unit: &str| Some(Value::text(unit));
    assert_eq!(units(&world), [text("piece"), text("metre")]);
    // The product changes, a line moves to another one, and one is hidden.
    world.crm.edit("product", &RecordId::text("rope"), &[("unit", Value::text("yard"))]).unwrap();
    later(&world);
    world.settle();
    assert_eq!(units(&world), [text("piece"), text("yard")]);
    world.crm.edit("order", &one, &list(vec![line(1, "rope"), line(2, "bolt")])).unwrap();
    world.settle();
    assert_eq!(units(&world), [text("yard"), text("piece")]);
    world.crm.hide("product", &RecordId::text("bolt"), true).unwrap();
    world.crm.edit("order", &one, &list(vec![line(1, "rope"), line(3, "bolt")])).unwrap();
    world.run();
    assert_eq!(units(&world), [text("yard"), text("piece")], "the list waits as a whole");
    let waiting = format!("{:?}", world.waiting());
    assert!(waiting.contains("line 3, product.unit"), "{waiting}");
    world.crm.hide("product", &RecordId::text("bolt"), false).unwrap();
    world.settle();
    assert_eq!(units(&world), [text("yard"), text("piece")]);
    assert_eq!(world.waiting(), []);
    assert!(world.plan().is_empty());
}

// Catches: what is read along a path written back into a line, where no system has such a field.
#[test]
fn a_line_that_is_written_back_holds_nothing_of_what_was_read_through_its_reference() {
    let world = world_of(Where::Nowhere, true);
    prices(&world);
    customer(&world, "ann", "in EUR");
    row(&world, "product", "bolt", &[("unit", Value::text("piece"))]);
    let one = order(&world, "A1", "ann");
    let list = Value::List(vec![line(1, "bolt"), line(2, "bolt")].into());
    world.crm.edit("order", &one, &[("lines", list)]).unwrap();
    world.settle();
    let Value::List(held) = right(&world, "lines") else { panic!("a list") };
    let more = |line: &Record| {
        let slot = line.shape().slot("Quantity").unwrap();
        line.with([(slot, Presence::Value(ValueRef::Int(7)))])
    };
    let edited = Value::List(held.iter().map(more).collect());
    let id = world.erp.rows("Order")[0].id.clone();
    world.erp.edit("Order", &id, &[("lines", edited)]).unwrap();
    world.settle();
    let Some(Value::List(lines)) = world.crm.value("order", &one, "lines") else { panic!("a list") };
    for line in lines.iter() {
        assert_eq!(line.field("amount"), Presence::Value(ValueRef::Int(7)));
        assert_eq!(line.shape().slot("product.unit"), None, "{line:?}");
    }
    assert_eq!(units(&world), vec![Some(Value::text("piece")); 2]);
    assert_eq!(world.waiting(), []);
    assert!(world.plan().is_empty());
}

#[test]
fn where_the_field_that_a_path_begins_with_is_gone_its_rule_rests_with_one_notice() {
    let world = world(Where::Nowhere);
    prices(&world);
    customer(&world, "ann", "in EUR");
    for number in ["A1", "A2", "A3"] {
        order(&world, number, "ann");
    }
    world.settle();
    let schema = |fields: Vec<Field>| {
        let fields = [text("id", 80)].into_iter().chain(fields).collect();
        Entity {
            name: "order".into(),
            label: None,
            fields,
            key: vec!["id".into()],
            unique: vec![],
            actions: vec![],
        }
    };
    let list = Field::new("lines", FieldKind::List { entity: "line".into() });
    let without = vec![text("number", 80), text("note", 80), list.clone()];
    world.crm.set_schema(schema(without)).unwrap();
    later(&world);
    world.run();
    assert_eq!(right(&world, "Currency Code"), Value::text("EUR"));
    let waiting = format!("{:?}", world.waiting());
    assert_eq!(world.waiting().len(), 1, "one notice, and not each record: {waiting}");
    let said = "order of crm has no field customer any more; the rule customer.pricelist.currency=Currency Code rests";
    assert!(waiting.contains(said), "{waiting}");
}

/// Prices of products on the left, which refer to list and product; on the right both are plain names.
fn prices_world(list_kind: FieldKind) -> World {
    let price = vec![Field::new("list", list_kind), refers("product", "product"), text("amount", 80)];
    let crm = MemoryConfig::new("crm")
        .entity(entity("price", price))
        .entity(entity("pricelist", vec![text("name", 80)]))
        .entity(entity("product", vec![text("number", 80)]));
    let fields = vec![text("List", 80), text("Product", 80), text("Amount", 80)];
    let erp = MemoryConfig::new("erp").entity(entity("Price", fields));
    let link = Mapping::builder("crm", "erp")
        .link("prices", "price", "Price")
        .two_way()
        .match_on([("list.name", "List"), ("product.number", "Product")])
        .path(Side::Left, "list.name", &[("list", "pricelist")], "name")
        .path(Side::Left, "product.number", &[("product", "product")], "number")
        .create(false, false)
        .rule(copy("amount", "Amount"));
    let (crm, erp) = (Memory::new(crm).unwrap(), Memory::new(erp).unwrap());
    World::mapped(crm, erp, link.done().build().unwrap())
}

fn price(world: &World, id: &str, list: Value, product: &str) -> RecordId {
    row(world, "price", id, &[("list", list), ("product", to("product", product))])
}

fn priced(world: &World, list: &str, product: &str, amount: &str) {
    let values = [("List", list), ("Product", product), ("Amount", amount)];
    world.erp.insert("Price", None, &values.map(|(name, value)| (name, Value::text(value)))).unwrap();
}

// Catches: prices that find each other only where both sides were read in full, and a price of another list that is taken for
// the one that is meant.
#[test]
fn records_are_matched_by_what_their_references_stand_for_whichever_side_was_read() {
    let plain = FieldKind::Text { length_max: Some(80) };
    for (kind, list_of) in [
        (
            FieldKind::Reference { targets: vec!["pricelist".into()] },
            (|id| to("pricelist", id)) as fn(&str) -> Value,
        ),
        (plain, |id| Value::text(id)),
    ] {
        let world = prices_world(kind);
        for (id, name) in [("l1", "retail"), ("l2", "trade")] {
            row(&world, "pricelist", id, &[("name", Value::text(name))]);
        }
        for (id, number) in [("p1", "bolt"), ("p2", "rope")] {
            row(&world, "product", id, &[("number", Value::text(number))]);
        }
        // Both are read in full.
        let bolt = price(&world, "x1", list_of("l1"), "p1");
        price(&world, "x2", list_of("l2"), "p1");
        priced(&world, "retail", "bolt", "10");
        world.settle();
        assert_eq!(world.crm.value("price", &bolt, "amount"), Some(Value::text("10")));
        assert_eq!(world.crm.value("price", &RecordId::text("x2"), "amount"), Some(Value::Null));
        // What comes later is looked for on the other side, from whichever side it comes.
        priced(&world, "trade", "bolt", "8");
        world.settle();
        assert_eq!(world.crm.value("price", &RecordId::text("x2"), "amount"), Some(Value::text("8")));
        priced(&world, "trade", "rope", "3");
        priced(&world, "nobody's", "rope", "1");
        world.settle();
        let rope = price(&world, "x3", list_of("l2"), "p2");
        world.settle();
        assert_eq!(world.crm.value("price", &rope, "amount"), Some(Value::text("3")));
        assert_eq!(world.waiting(), []);
    }
}

// Catches: a price that is given to one of two lists of the same name, and one that waits although another part of its key
// tells which is meant.
#[test]
fn what_stands_in_several_records_at_the_end_of_a_path_is_looked_at_in_what_the_rest_of_the_key_finds() {
    let world = prices_world(FieldKind::Reference { targets: vec!["pricelist".into()] });
    for id in ["l1", "l2"] {
        row(&world, "pricelist", id, &[("name", Value::text("retail"))]);
    }
    for (id, number) in [("p1", "bolt"), ("p2", "rope")] {
        row(&world, "product", id, &[("number", Value::text(number))]);
    }
    let bolts =
        ["l1", "l2"].map(|list| price(&world, &format!("bolt in {list}"), to("pricelist", list), "p1"));
    let rope = price(&world, "rope", to("pricelist", "l2"), "p2");
    let amount = |id: &RecordId| world.crm.value("price", id, "amount").unwrap();
    world.settle();
    priced(&world, "retail", "rope", "3");
    priced(&world, "retail", "bolt", "10");
    world.run();
    assert_eq!(amount(&rope), Value::text("3"), "one price of a list of that name is for rope");
    assert_eq!(bolts.each_ref().map(amount), [Value::Null, Value::Null]);
    assert_eq!(world.waiting().len(), 1, "{:?}", world.waiting());
    assert!(world.plan().is_empty(), "it is said once");
    world.crm.edit("pricelist", &RecordId::text("l2"), &[("name", Value::text("trade"))]).unwrap();
    world.settle();
    assert_eq!(bolts.each_ref().map(amount), [Value::text("10"), Value::Null]);
    assert_eq!(world.waiting(), []);
}

// Catches: a price that is found by its product alone, and is of another list.
#[test]
fn what_the_rest_of_a_key_finds_is_no_match_where_the_path_says_otherwise() {
    let world = prices_world(FieldKind::Reference { targets: vec!["pricelist".into()] });
    for (id, name) in [("l1", "retail"), ("l2", "retail"), ("l3", "trade")] {
        row(&world, "pricelist", id, &[("name", Value::text(name))]);
    }
    for (id, number) in [("p1", "bolt"), ("p2", "rope")] {
        row(&world, "product", id, &[("number", Value::text(number))]);
    }
    let [retail, trade, rope] = [("x1", "l1", "p1"), ("x2", "l3", "p1"), ("x3", "l3", "p2")]
        .map(|(id, list, product)| price(&world, id, to("pricelist", list), product));
    let amount = |id: &RecordId| world.crm.value("price", id, "amount").unwrap();
    world.settle();
    // One price is for rope, in another list; two are for bolts, one of them in such a list.
    priced(&world, "retail", "rope", "3");
    priced(&world, "retail", "bolt", "10");
    world.settle();
    assert_eq!(amount(&rope), Value::Null);
    assert_eq!([amount(&retail), amount(&trade)], [Value::text("10"), Value::Null]);
    assert_eq!(world.waiting(), []);
}

// Catches: a question for each record, for each path, or for each rule.
#[test]
fn a_full_page_asks_once_for_each_entity_on_the_way() {
    let world = world(Where::Scope);
    prices(&world);
    for at in 0..600 {
        let list = if at % 2 == 0 { "in EUR" } else { "in CHF" };
        customer(&world, &format!("c{at}"), list);
        order(&world, &format!("A{at:03}"), &format!("c{at}"));
    }
    let before = world.crm.counts();
    world.settle();
    let counts = world.crm.counts();
    assert_eq!(world.erp.count("Order"), 600);
    let (asked, fetches) = (counts.lookups - before.lookups, counts.fetches - before.fetches);
    // One reading shows all orders: 600 customers, 2 price lists and 2 currencies, in a question for each entity. The second
    // plan reads what changed since, which is nothing.
    assert_eq!((asked, fetches), (604, 3), "{before:?} {counts:?}");
}
