//! An order with its lines whose create was not answered: the lines go with their order, so that sending it again, or not
//! knowing, never makes them twice.

use std::sync::Arc;

use seamless_connectors::memory::{EntityConfig, Fault, Memory, MemoryConfig};
use seamless_core::connector::UniqueKey;
use seamless_core::model::{Entity, Field, FieldKind, Shape, Slot, Value, record};
use seamless_core::sync::Integration;

use super::host::{integration, parked, run};

const MAPPING: &str = "
integration: orders
sides: { shop: memory, erp: memory }
links:
  - id: orders
    shop: order
    erp: sales
    match: [ number = no ]
    rules:
      - number <-> no
      - positions <-> lines:
          key: pos = line_no
          rules: [ amount <-> quantity ]
";

fn system(name: &str, entity: &str, [number, list]: [&str; 2], is_unique: bool) -> Memory {
    let fields = vec![
        Field::new(number, FieldKind::Text { length_max: None }),
        Field::new(list, FieldKind::List { entity: "line".into() }),
    ];
    let unique = if is_unique { vec![vec![number.into()]] } else { Vec::new() };
    let entity =
        Entity { name: entity.into(), label: None, fields, key: vec![], unique, actions: Vec::new() };
    let entity = EntityConfig::new(entity).capable(|can| {
        if !is_unique {
            can.unique_key = UniqueKey::None;
        }
    });
    Memory::new(MemoryConfig::new(name).entity(entity)).unwrap()
}

/// An order of two lines in the shop, and an ERP that has nothing.
fn world(erp_is_unique: bool) -> (Memory, Integration) {
    let shop = system("shop", "order", ["number", "positions"], true);
    let erp = system("erp", "sales", ["no", "lines"], erp_is_unique);
    let shape = Shape::new(["pos".into(), "amount".into()]).unwrap();
    let line = |pos: i64| {
        let values = [("pos", pos), ("amount", 10 * pos)];
        record(&shape, values.map(|(name, value)| (name.into(), Slot::Value(Value::Int(value))))).unwrap()
    };
    let lines = Value::List([1, 2].map(line).into_iter().collect());
    shop.insert("order", None, &[("number", Value::text("S1")), ("positions", lines)]).unwrap();
    let integration = integration(("shop", Arc::new(shop)), ("erp", Arc::new(erp.clone())), MAPPING);
    (erp, integration)
}

/// The lines of each order of the ERP: number and quantity.
fn lines(erp: &Memory) -> Vec<Vec<(Value, Value)>> {
    let of = |row: seamless_core::connector::Versioned| {
        let Slot::Value(Value::List(lines)) = row.record.field("lines").to_slot() else {
            panic!("no list: {row:?}")
        };
        let value = |line: &seamless_core::model::Record, name: &str| match line.field(name).to_slot() {
            Slot::Value(value) => value,
            other => panic!("{other:?}"),
        };
        lines.iter().map(|line| (value(line, "line_no"), value(line, "quantity"))).collect()
    };
    erp.rows("sales").into_iter().map(of).collect()
}

fn both() -> Vec<Vec<(Value, Value)>> {
    vec![[1, 2].map(|pos| (Value::Int(pos), Value::Int(10 * pos))).to_vec()]
}

// Catches: an order that is sent again because its answer was lost, or lines that are sent apart from it.
#[test]
fn h45_an_order_whose_create_was_not_answered_stands_there_once_with_each_line_once() {
    let (erp, integration) = world(true);
    erp.fail_next(Fault::LostReply);
    for _ in 0..3 {
        run(&integration);
    }
    assert_eq!((lines(&erp), parked(&integration)), (both(), vec![]));
}

#[test]
fn h45_an_order_that_did_not_arrive_is_sent_again_with_its_lines() {
    let (erp, integration) = world(true);
    erp.fail_next(Fault::LostRequest);
    for _ in 0..3 {
        run(&integration);
    }
    assert_eq!((lines(&erp), parked(&integration)), (both(), vec![]));
}

#[test]
fn h45_where_no_key_tells_whether_it_arrived_the_order_is_matched_and_its_lines_are_not_doubled() {
    let (erp, integration) = world(false);
    erp.fail_next(Fault::LostReply);
    for _ in 0..3 {
        run(&integration);
    }
    assert_eq!(lines(&erp), both());
}
