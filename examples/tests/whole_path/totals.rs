//! Totals that each side works out by itself: a difference is reported once, nothing is written, and it ends by itself.

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Side, Value};
use seamless_mapping::declaration::MoneyPart;
use seamless_mapping::{Mapping, compare, copy, money};

use super::world::{World, text};

fn system(name: &str, entity: &str, fields: [&str; 4]) -> Memory {
    let [mail, price, currency, total] = fields;
    let amount = |name: &str| Field::new(name, FieldKind::Decimal { precision: Some(18), scale: Some(4) });
    let schema = Entity {
        name: entity.into(),
        label: None,
        fields: vec![text("id", 40), text(mail, 80), amount(price), text(currency, 10), amount(total)],
        key: vec!["id".into()],
        unique: vec![],
        actions: Vec::new(),
    };
    Memory::new(MemoryConfig::new(name).entity(EntityConfig::new(schema))).unwrap()
}

fn world() -> World {
    let amount = [("price", MoneyPart::Amount), ("currency", MoneyPart::Currency)];
    let priced = [("Unit Price", MoneyPart::Amount), ("Currency Code", MoneyPart::Currency)];
    let mapping = Mapping::builder("crm", "erp")
        .link("quotes", "quote", "Quote")
        .two_way()
        .match_on([("mail", "E-Mail")])
        .rule(copy("mail", "E-Mail"))
        .rule(money(amount, priced).local_currency(Side::Right, "EUR"))
        .rule(compare("total", "Amount", "0.01".parse().unwrap()))
        .done()
        .build()
        .unwrap();
    let crm = system("crm", "quote", ["mail", "price", "currency", "total"]);
    World::mapped(crm, system("erp", "Quote", ["E-Mail", "Unit Price", "Currency Code", "Amount"]), mapping)
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

fn quote(world: &World, price: &str, currency: &str, total: &str) -> RecordId {
    let values = [
        ("mail", Value::text("a@b.example")),
        ("price", decimal(price)),
        ("currency", Value::text(currency)),
        ("total", decimal(total)),
    ];
    world.crm.insert("quote", None, &values).unwrap()
}

fn right(world: &World, field: &str) -> Value {
    let id = world.erp.rows("Quote")[0].id.clone();
    world.erp.value("Quote", &id, field).unwrap()
}

fn edit_right(world: &World, field: &str, value: Value) {
    let id = world.erp.rows("Quote")[0].id.clone();
    world.erp.edit("Quote", &id, &[(field, value)]).unwrap();
}

#[test]
fn h16_a_total_is_never_written_and_a_difference_is_reported_until_it_is_over() {
    let world = world();
    let a = quote(&world, "10", "EUR", "11.90");
    world.settle();
    assert_eq!(right(&world, "Amount"), Value::Null, "a record is made without a total");
    // The other system worked it out, a cent beside: that is allowed.
    edit_right(&world, "Amount", decimal("11.91"));
    world.settle();
    assert_eq!(world.waiting(), []);
    edit_right(&world, "Amount", decimal("12.00"));
    world.run();
    let waiting = format!("{:?}", world.waiting());
    assert!(waiting.contains("0.1 apart, 0.01 is allowed"), "{waiting}");
    assert_eq!(world.waiting().len(), 1);
    // Said once: the next plan has nothing to say, and the other rules go on.
    let plan = world.plan();
    assert!(plan.is_empty(), "{}", world.text(&plan));
    world.crm.edit("quote", &a, &[("price", decimal("12"))]).unwrap();
    world.run();
    assert_eq!(right(&world, "Unit Price"), decimal("12"));
    // Whoever corrects it ends it.
    world.crm.edit("quote", &a, &[("total", decimal("12"))]).unwrap();
    world.settle();
    assert_eq!(world.waiting(), []);
    assert_eq!(world.crm.value("quote", &a, "total"), Some(decimal("12")));
    assert_eq!(world.crm.counts().ops, 0, "nothing was ever written there");
}

#[test]
fn h03_an_amount_and_its_currency_move_together() {
    let world = world();
    let a = quote(&world, "10.50", "EUR", "0");
    world.settle();
    assert_eq!(
        (right(&world, "Unit Price"), right(&world, "Currency Code")),
        (decimal("10.50"), Value::Null)
    );
    // One side changes the amount, the other the currency: neither is carried without the other, a person is asked.
    world.crm.edit("quote", &a, &[("price", decimal("11"))]).unwrap();
    edit_right(&world, "Currency Code", Value::text("USD"));
    world.run();
    assert_eq!(world.waiting().len(), 1, "{:?}", world.waiting());
    assert_eq!(
        (right(&world, "Unit Price"), right(&world, "Currency Code")),
        (decimal("10.50"), Value::text("USD"))
    );
    assert_eq!(world.crm.value("quote", &a, "currency"), Some(Value::text("EUR")));
    // Yen have no digits after the point: what has some waits.
    edit_right(&world, "Currency Code", Value::Null);
    world.settle();
    assert_eq!(right(&world, "Unit Price"), decimal("11"));
    world.crm.edit("quote", &a, &[("price", decimal("11.5")), ("currency", Value::text("JPY"))]).unwrap();
    world.run();
    assert_eq!((right(&world, "Unit Price"), right(&world, "Currency Code")), (decimal("11"), Value::Null));
    world.crm.edit("quote", &a, &[("price", decimal("1150"))]).unwrap();
    world.settle();
    assert_eq!(
        (right(&world, "Unit Price"), right(&world, "Currency Code")),
        (decimal("1150"), Value::text("JPY"))
    );
}
