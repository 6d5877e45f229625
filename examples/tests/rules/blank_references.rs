//! Blank references over whole runs: a blank code stands for the currency of the house, whichever side says it first; and a
//! reference that is blank because nobody ever filled it clears nothing.

use std::sync::Arc;

use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Reference, Value};
use seamless_core::sync::Integration;

use super::host::{integration, parked, run, settle};

const MAPPING: &str = "
integration: blanks
sides: { crm: memory, erp: memory }
links:
  - id: currencies
    crm: currency
    erp: Currency
    mode: couple_only
    match: [ code = Code ]
  - id: people
    crm: contact
    erp: Contact
    mode: couple_only
    match: [ name = Name ]
  - id: customers
    crm: account
    erp: Customer
    create: { crm: true, erp: true }
    match: [ name = Name ]
    rules:
      - name <-> Name
      - currency <-> Currency Code:
          lookup: currencies
          types: { erp: text }
          if_blank: { crm: { use: eur } }
      - contact <-> Contact No.: { lookup: people, types: { erp: text } }
";

fn text(name: &str) -> Field {
    Field::new(name, FieldKind::Text { length_max: None })
}

fn refers(name: &str, to: &str) -> Field {
    Field::new(name, FieldKind::Reference { targets: vec![to.into()] })
}

fn entity(name: &str, fields: Vec<Field>, key: &[&str]) -> EntityConfig {
    let key = key.iter().map(|field| (*field).into()).collect();
    let entity = Entity { name: name.into(), label: None, fields, key, unique: vec![], actions: Vec::new() };
    EntityConfig::new(entity)
}

struct World {
    crm: Memory,
    erp: Memory,
    integration: Integration,
}

impl World {
    fn new() -> Self {
        let account = vec![text("name"), refers("currency", "currency"), refers("contact", "contact")];
        let crm = MemoryConfig::new("crm")
            .entity(entity("currency", vec![text("code")], &[]))
            .entity(entity("contact", vec![text("name")], &[]))
            .entity(entity("account", account, &[]));
        let customer = vec![text("Name"), text("Currency Code"), text("Contact No.")];
        let erp = MemoryConfig::new("erp")
            .entity(entity("Currency", vec![text("Code")], &["Code"]).ids(Ids::Key))
            .entity(entity("Contact", vec![text("No."), text("Name")], &["No."]).ids(Ids::Key))
            .entity(entity("Customer", customer, &[]));
        let (crm, erp) = (Memory::new(crm).unwrap(), Memory::new(erp).unwrap());
        for code in ["EUR", "USD"] {
            let id = RecordId::text(&code.to_lowercase());
            crm.insert("currency", Some(id), &[("code", Value::text(code))]).unwrap();
        }
        // The house lists its own currency as nothing.
        erp.insert("Currency", None, &[("Code", Value::text("USD"))]).unwrap();
        crm.insert("contact", Some(RecordId::text("ann")), &[("name", Value::text("Ann"))]).unwrap();
        for (no, name) in [("K1", "Ann"), ("K9", "Bob")] {
            let values = [("No.", Value::text(no)), ("Name", Value::text(name))];
            erp.insert("Contact", None, &values).unwrap();
        }
        let sides = (("crm", Arc::new(crm.clone()) as _), ("erp", Arc::new(erp.clone()) as _));
        let integration = integration(sides.0, sides.1, MAPPING);
        Self { crm, erp, integration }
    }

    fn account(&self, values: &[(&str, Value)]) -> RecordId {
        let name = ("name", Value::text("Adatum"));
        self.crm.insert("account", None, &[&[name], values].concat()).unwrap()
    }

    fn customer(&self, values: &[(&str, Value)]) -> RecordId {
        let name = ("Name", Value::text("Adatum"));
        self.erp.insert("Customer", None, &[&[name], values].concat()).unwrap()
    }

    /// The currency of the only account, and the code of the only customer.
    fn currencies(&self) -> (Value, Value) {
        let one = |system: &Memory, entity: &str, field: &str| {
            let id = system.rows(entity)[0].id.clone();
            system.value(entity, &id, field).unwrap()
        };
        (one(&self.crm, "account", "currency"), one(&self.erp, "Customer", "Currency Code"))
    }
}

fn to(entity: &str, id: &str) -> Value {
    Value::Reference(Reference { entity: entity.into(), id: RecordId::text(id) }.into())
}

#[test]
fn a_blank_code_and_the_currency_of_the_house_are_one_thing_whoever_says_it_first() {
    // A new customer without a code; a new account in the currency of the house; both there, and nobody says anything, or one does.
    type Begin = fn(&World);
    let begins: [Begin; 4] = [
        |world| drop(world.customer(&[("Currency Code", Value::text(""))])),
        |world| drop(world.account(&[("currency", to("currency", "eur"))])),
        |world| {
            world.account(&[]);
            world.customer(&[]);
        },
        |world| {
            world.account(&[("currency", to("currency", "eur"))]);
            world.customer(&[]);
        },
    ];
    for (place, begin) in begins.into_iter().enumerate() {
        let world = World::new();
        begin(&world);
        settle(&world.integration);
        let (there, here) = world.currencies();
        // Two records that say nothing are left as they are.
        let expected = if place == 2 { Value::Null } else { to("currency", "eur") };
        assert_eq!(there, expected, "{place}");
        assert!(here.is_blank(), "{place}: {here}");
        assert_eq!(parked(&world.integration), [""; 0], "{place}");
        // From one currency to the other and back, from either side.
        let (account, customer) =
            (world.crm.rows("account")[0].id.clone(), world.erp.rows("Customer")[0].id.clone());
        world.erp.edit("Customer", &customer, &[("Currency Code", Value::text("USD"))]).unwrap();
        settle(&world.integration);
        assert_eq!(world.currencies().0, to("currency", "usd"), "{place}");
        world.crm.edit("account", &account, &[("currency", to("currency", "eur"))]).unwrap();
        settle(&world.integration);
        assert!(world.currencies().1.is_blank(), "{place}");
        world.crm.edit("account", &account, &[("currency", to("currency", "usd"))]).unwrap();
        settle(&world.integration);
        assert_eq!(world.currencies().1, Value::text("USD"), "{place}");
        // Who clears the side that has a record for blank is asked: blank means another currency on the other side.
        world.crm.edit("account", &account, &[("currency", Value::Null)]).unwrap();
        run(&world.integration);
        assert_eq!(world.currencies(), (Value::Null, Value::text("USD")), "{place}");
        let waiting = parked(&world.integration);
        assert!(waiting.len() == 1 && waiting[0].contains("this side was cleared"), "{place}: {waiting:?}");
    }
}

// Catches: a contact of the other side, whom this side cannot even name, that is cleared because nothing stands here.
#[test]
fn a_reference_that_was_never_filled_clears_nothing_and_one_that_is_cleared_does() {
    let world = World::new();
    let account = world.account(&[]);
    let customer = world.customer(&[("Contact No.", Value::text("K9"))]);
    run(&world.integration);
    let contact = || world.erp.value("Customer", &customer, "Contact No.").unwrap();
    assert_eq!(contact(), Value::text("K9"), "nobody has cleared anything");
    let waiting = parked(&world.integration);
    assert!(waiting.len() == 1 && waiting[0].contains("Contact K9 in contact"), "{waiting:?}");
    // An edit of another field carries no blank either.
    world.crm.edit("account", &account, &[("name", Value::text("Adatum AG"))]).unwrap();
    run(&world.integration);
    assert_eq!(contact(), Value::text("K9"));
    // A contact that is coupled is cleared by whoever clears it.
    world.erp.edit("Customer", &customer, &[("Contact No.", Value::text("K1"))]).unwrap();
    settle(&world.integration);
    assert_eq!(world.crm.value("account", &account, "contact"), Some(to("contact", "ann")));
    world.crm.edit("account", &account, &[("contact", Value::Null)]).unwrap();
    settle(&world.integration);
    assert!(contact().is_blank());
    assert_eq!(parked(&world.integration), [""; 0]);
}
