//! Options that only some records may have: which table holds depends on another field of the record. One rule for each
//! type of record, each with a condition.

use std::sync::Arc;

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Value};
use seamless_core::sync::Integration;

use super::host::{integration, parked, run, settle};

const MAPPING: &str = "
integration: kinds
sides: { crm: memory, erp: memory }
links:
  - id: contacts
    crm: contact
    erp: Partner
    match: [ name = Name ]
    rules:
      - name <-> Name
      - type <-> Type
      - id: rank-of-customers
        crm: rank
        erp: Rank
        flow: both
        options: [ 1 <-> A, 2 <-> B ]
        when: { crm: 'type == \"customer\"', erp: 'Type == \"customer\"' }
      - id: rank-of-vendors
        crm: rank
        erp: Rank
        flow: both
        options: [ 3 <-> A, 4 <-> B ]
        when: { crm: 'type == \"vendor\"', erp: 'Type == \"vendor\"' }
";

struct World {
    crm: Memory,
    erp: Memory,
    integration: Integration,
}

fn system(name: &str, entity: &str, names: [&str; 3], rank: FieldKind) -> Memory {
    let text = |name: &str| Field::new(name, FieldKind::Text { length_max: None });
    let fields = vec![text(names[0]), text(names[1]), Field::new(names[2], rank)];
    let entity =
        Entity { name: entity.into(), label: None, fields, key: vec![], unique: vec![], actions: Vec::new() };
    Memory::new(MemoryConfig::new(name).entity(EntityConfig::new(entity))).unwrap()
}

fn world() -> World {
    let crm = system("crm", "contact", ["name", "type", "rank"], FieldKind::Int);
    let erp = system("erp", "Partner", ["Name", "Type", "Rank"], FieldKind::Text { length_max: None });
    let sides = (("crm", Arc::new(crm.clone()) as _), ("erp", Arc::new(erp.clone()) as _));
    World { integration: integration(sides.0, sides.1, MAPPING), crm, erp }
}

impl World {
    fn contact(&self, name: &str, kind: &str, rank: i64) {
        let values = [("name", Value::text(name)), ("type", Value::text(kind)), ("rank", Value::Int(rank))];
        self.crm.insert("contact", None, &values).unwrap();
    }

    fn partner(&self, name: &str) -> RecordId {
        let mut rows = self.erp.rows("Partner").into_iter().map(|row| row.id);
        rows.find(|id| self.erp.value("Partner", id, "Name") == Some(Value::text(name))).unwrap()
    }

    fn rank(&self, name: &str) -> Value {
        self.erp.value("Partner", &self.partner(name), "Rank").unwrap()
    }
}

// Catches: a table that is read without looking at whose record it is.
#[test]
fn h88_an_option_means_what_its_table_says_for_records_of_this_type() {
    let world = world();
    world.contact("Adatum", "customer", 2);
    world.contact("Berg", "vendor", 3);
    settle(&world.integration);
    assert_eq!((world.rank("Adatum"), world.rank("Berg")), (Value::text("B"), Value::text("A")));
    world.erp.edit("Partner", &world.partner("Berg"), &[("Rank", Value::text("B"))]).unwrap();
    settle(&world.integration);
    let ranks: Vec<Value> = world
        .crm
        .rows("contact")
        .into_iter()
        .map(|row| world.crm.value("contact", &row.id, "rank").unwrap())
        .collect();
    assert_eq!(ranks, [Value::Int(2), Value::Int(4)]);
}

#[test]
fn h88_an_option_of_another_type_is_parked_with_its_name_and_nothing_is_written() {
    let world = world();
    world.contact("Adatum", "customer", 3);
    run(&world.integration);
    assert!(world.rank("Adatum").is_blank());
    let waiting = parked(&world.integration);
    assert!(
        waiting.len() == 1 && waiting[0].contains("rank: the value 3 is not in the table"),
        "{waiting:?}"
    );
}
