//! Orders whose lines the ERP numbers itself. No rule names the number: lines are told apart by what they are of, or by what
//! they say, a new line is sent without a number, and the number that the server gave stays with its line. Nothing is
//! written a second time when it shows.

use std::sync::Arc;

use async_trait::async_trait;
use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchQuery, Lookup, PageStream, ReadQuery, WriteBatch, WriteOp,
    WriteOutcome, WriteReturns,
};
use seamless_core::model::{
    Entity, EntityName, Field, FieldKind, FieldName, Presence, Record, RecordId, Result, Schema, Shape, Slot,
    Value, record,
};
use seamless_core::sync::Integration;

use super::host::{integration, settle};

const MAPPING: &str = "
integration: numbered
sides: { shop: memory, erp: memory }
links:
  - id: orders
    shop: order
    erp: sales
    match: [ number = no ]
    rules:
      - number <-> no
      - positions <-> lines: { key: KEY, rules: [ product <-> item, amount <-> quantity ] }
";

/// A server that numbers the lines of what it is sent, and keeps the numbers that they have.
#[derive(Debug)]
struct Numbers(Memory);

fn number(line: &Record) -> Option<i64> {
    match line.field("line_no").to_slot() {
        Slot::Value(Value::Int(number)) => Some(number),
        _ => None,
    }
}

fn line(fields: &[(&str, Value)]) -> Record {
    let shape = Shape::new(fields.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    record(&shape, fields.iter().map(|(name, value)| (FieldName::from(*name), Slot::Value(value.clone()))))
        .unwrap()
}

fn numbered(mut op: WriteOp) -> WriteOp {
    let Slot::Value(Value::List(lines)) = op.patch.field("lines").to_slot() else { return op };
    let mut last = lines.iter().filter_map(number).max().unwrap_or(0);
    let given = lines.iter().map(|one| {
        if number(one).is_some() {
            return one.clone();
        }
        last += 10_000;
        let others = one.fields().filter(|(name, _)| name.as_str() != "line_no");
        let known = others.filter_map(|(name, held)| Some((name.as_str(), held.value()?.to_value())));
        line(&known.chain([("line_no", Value::Int(last))]).collect::<Vec<_>>())
    });
    let given = Value::List(given.collect());
    let slot = op.patch.shape().slot("lines").unwrap();
    op.patch = op.patch.with([(slot, Presence::Value(given.as_ref()))]);
    op
}

#[async_trait]
impl Connector for Numbers {
    fn info(&self) -> &ConnectorInfo {
        self.0.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        self.0.capabilities(entity)
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.0.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.0.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.0.read(query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.0.fetch(query).await
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.0.write(entity, WriteBatch::of(batch.ops.into_iter().map(numbered))).await
    }
}

struct World {
    shop: Memory,
    erp: Memory,
    order: RecordId,
    integration: Integration,
}

/// A line of the shop, with an id of its own that nobody maps.
fn position(product: &str, amount: i64, id: i64) -> Record {
    line(&[("product", Value::text(product)), ("amount", Value::Int(amount)), ("id", Value::Int(id))])
}

impl World {
    fn new(key: &str, returns: WriteReturns, positions: &[Record]) -> Self {
        let side = |system: &str, entity: &str, number: &str, list: &str| {
            let fields = vec![
                Field::new(number, FieldKind::Text { length_max: None }),
                Field::new(list, FieldKind::List { entity: "line".into() }),
            ];
            let unique = vec![vec![FieldName::from(number)]];
            let schema =
                Entity { name: entity.into(), label: None, fields, key: vec![], unique, actions: Vec::new() };
            Memory::new(MemoryConfig::new(system).entity(EntityConfig::new(schema))).unwrap()
        };
        let (shop, erp) = (side("shop", "order", "number", "positions"), side("erp", "sales", "no", "lines"));
        erp.set_capabilities("sales", |can| can.write_returns = returns).unwrap();
        let list = Value::List(positions.iter().cloned().collect());
        let values = [("number", Value::text("S1")), ("positions", list)];
        let order = shop.insert("order", None, &values).unwrap();
        let mapping = MAPPING.replace("KEY", key);
        let integration =
            integration(("shop", Arc::new(shop.clone())), ("erp", Arc::new(Numbers(erp.clone()))), &mapping);
        let world = Self { shop, erp, order, integration };
        world.settle();
        world
    }

    /// Runs once; the run after that writes nothing, and nothing waits.
    fn settle(&self) {
        settle(&self.integration);
        assert!(block_on(self.integration.status()).unwrap().waiting.is_empty());
    }

    fn order_now(&self, positions: &[Record]) {
        let list = Value::List(positions.iter().cloned().collect());
        self.shop.edit("order", &self.order, &[("positions", list)]).unwrap();
    }

    fn held(&self) -> Vec<Record> {
        let id = self.erp.rows("sales").remove(0).id;
        match self.erp.value("sales", &id, "lines") {
            Some(Value::List(lines)) => lines.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    /// The lines of the ERP: item, quantity, number, and what somebody wrote beside it.
    fn lines(&self) -> Vec<(String, i64, i64, String)> {
        let text = |line: &Record, name: &str| match line.field(name).to_slot() {
            Slot::Value(Value::Text(text)) => text.to_string(),
            _ => String::new(),
        };
        let int = |line: &Record, name: &str| match line.field(name).to_slot() {
            Slot::Value(Value::Int(number)) => number,
            other => panic!("{name}: {other:?}"),
        };
        let told = |line: &Record| {
            (text(line, "item"), int(line, "quantity"), int(line, "line_no"), text(line, "bin"))
        };
        self.held().iter().map(told).collect()
    }

    /// Somebody in the ERP changes the lines.
    fn edit(&self, change: impl FnOnce(Vec<Record>) -> Vec<Record>) {
        let id = self.erp.rows("sales").remove(0).id;
        let list = Value::List(change(self.held()).into_iter().collect());
        self.erp.edit("sales", &id, &[("lines", list)]).unwrap();
    }

    /// Somebody in the ERP writes a bin beside each line: A, B, C.
    fn write_bins(&self) {
        self.edit(|lines| {
            let with_bin = |(line, bin): (&Record, char)| {
                let held = line.fields().filter(|(name, _)| name.as_str() != "bin");
                let held = held.filter_map(|(name, held)| Some((name.as_str(), held.value()?.to_value())));
                self::line(&held.chain([("bin", Value::text(&bin.to_string()))]).collect::<Vec<_>>())
            };
            lines.iter().zip('A'..).map(with_bin).collect()
        });
        self.settle();
    }
}

fn told(lines: &[(&str, i64, i64, &str)]) -> Vec<(String, i64, i64, String)> {
    lines
        .iter()
        .map(|(item, quantity, no, bin)| ((*item).to_owned(), *quantity, *no, (*bin).to_owned()))
        .collect()
}

#[test]
fn the_numbers_of_the_server_come_without_a_second_write_and_stay_with_their_lines() {
    for returns in [WriteReturns::Stored, WriteReturns::Version, WriteReturns::Nothing] {
        for key in ["product = item", "none"] {
            let world = World::new(key, returns, &[position("A", 2, 1), position("B", 1, 2)]);
            assert_eq!(
                world.lines(),
                told(&[("A", 2, 10_000, ""), ("B", 1, 20_000, "")]),
                "{returns:?} {key}"
            );
            world.write_bins();
            // An edit, a new line, and another order of the lines.
            world.order_now(&[position("C", 7, 3), position("B", 1, 2), position("A", 5, 1)]);
            world.settle();
            let mut lines = world.lines();
            lines.sort();
            let expected = [("A", 5, 10_000, "A"), ("B", 1, 20_000, "B"), ("C", 7, 30_000, "")];
            // Without a key the line that is edited is whichever is left; what all lines say is right.
            match key {
                "none" => {
                    let says = |lines: Vec<(String, i64, i64, String)>| {
                        lines.into_iter().map(|(item, quantity, ..)| (item, quantity)).collect::<Vec<_>>()
                    };
                    assert!(lines.contains(&told(&expected)[1]), "{lines:?}");
                    assert_eq!(says(lines), says(told(&expected)), "{returns:?}");
                }
                _ => assert_eq!(lines, told(&expected), "{returns:?}"),
            }
        }
    }
}

#[test]
fn of_two_lines_of_one_product_the_one_that_says_the_same_stays() {
    for key in ["product = item", "none"] {
        let world = World::new(key, WriteReturns::Nothing, &[position("A", 2, 1), position("A", 3, 2)]);
        world.write_bins();
        world.order_now(&[position("A", 3, 2)]);
        world.settle();
        assert_eq!(world.lines(), told(&[("A", 3, 20_000, "B")]), "{key}");
        world.order_now(&[position("A", 9, 2)]);
        world.settle();
        assert_eq!(world.lines(), told(&[("A", 9, 20_000, "B")]), "{key}");
    }
}

#[test]
fn a_line_of_the_erp_comes_to_the_shop_without_its_number_and_renumbered_lines_are_no_edit() {
    for key in ["product = item", "none"] {
        let world = World::new(key, WriteReturns::Stored, &[position("A", 2, 1)]);
        let more =
            line(&[("item", Value::text("B")), ("quantity", Value::Int(4)), ("line_no", Value::Int(15_000))]);
        world.edit(|lines| [lines, vec![more]].concat());
        world.settle();
        let Some(Value::List(positions)) = world.shop.value("order", &world.order, "positions") else {
            panic!()
        };
        assert_eq!(positions.len(), 2);
        assert_eq!(positions[0], position("A", 2, 1), "what nobody maps stays");
        assert!(positions[1].field("line_no").is_absent());
        let version = world.shop.get("order", &world.order).unwrap().version;
        world.edit(|lines| {
            let renumbered = |(line, no): (&Record, i64)| {
                let slot = line.shape().slot("line_no").unwrap();
                line.with([(slot, Presence::Value(Value::Int(no * 100).as_ref()))])
            };
            lines.iter().zip(1..).map(renumbered).collect()
        });
        world.settle();
        assert_eq!(world.shop.get("order", &world.order).unwrap().version, version, "{key}");
        assert_eq!(world.lines(), told(&[("A", 2, 100, ""), ("B", 4, 200, "")]), "{key}");
    }
}
