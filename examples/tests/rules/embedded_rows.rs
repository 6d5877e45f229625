//! A customer with an address of its own in one folder of JSON Lines, with a table of addresses in the other: one row of the
//! table and the fields are kept in step over whole runs, and nobody touches the other rows.

use futures::executor::block_on;
use seamless_core::sync::{Integration, RunReport};
use serde_json::{Value as Json, json};

use super::host::{integration, put, run, side};

const MAPPING: &str = "
integration: addresses
sides: { shop: jsonl, erp: jsonl }
links:
  - id: customers
    shop: buyer
    erp: customer
    match: [ number = no ]
    rules:
      - number <-> no
      - street + city + land <-> addresses:
          embed: street + city + country
          where: use == billing
          rules:
            - land <-> country: { options: [ 1 <-> DE, 2 <-> AT, blank <-> blank ], types: { shop: int } }
          if_blank: POLICY
";

struct World {
    folder: tempfile::TempDir,
    integration: Integration,
}

impl World {
    fn new(policy: &str, buyers: Json, customers: Json) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |side: &str, name: &str, key: Option<&str>, fields: Json, rows: Option<&Json>| {
            let mut schema = json!({ "name": name, "fields": fields });
            if let Some(key) = key {
                schema["key"] = json!([key]);
            }
            put(folder.path(), side, &schema, rows);
        };
        let text = |name: &str| json!({ "name": name, "type": "text" });
        let fields = json!([text("number"), text("street"), text("city"), { "name": "land", "type": "int" }]);
        write("shop", "buyer", Some("number"), fields, Some(&buyers));
        let fields = json!([text("no"), { "name": "addresses", "type": "list", "entity": "address" }]);
        write("erp", "customer", Some("no"), fields, Some(&customers));
        let fields = json!([text("use"), text("street"), text("city"), text("country"), text("gate")]);
        write("erp", "address", None, fields, None);
        let mapping = MAPPING.replace("POLICY", policy);
        let integration =
            integration(("shop", side(folder.path(), "shop")), ("erp", side(folder.path(), "erp")), &mapping);
        Self { folder, integration }
    }

    fn run(&self) -> RunReport {
        run(&self.integration)
    }

    /// Runs, and runs again: nothing is left to do.
    fn settle(&self) {
        self.run();
        let again = self.run();
        assert!(again.quiet && again.plans.len() == 1, "{again:?}");
    }

    fn waiting(&self) -> usize {
        block_on(self.integration.status()).unwrap().waiting.len()
    }

    fn row(&self, name: &str) -> Json {
        let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    }

    fn buyer(&self) -> Json {
        self.row("shop/buyer.jsonl")
    }

    fn addresses(&self) -> Json {
        self.row("erp/customer.jsonl")["addresses"].clone()
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut Json)) {
        let mut row = self.row(name);
        change(&mut row);
        std::fs::write(self.folder.path().join(name), format!("{row}\n")).unwrap();
    }

    fn edit_buyer(&self, change: impl FnOnce(&mut Json)) {
        self.edit("shop/buyer.jsonl", change);
    }

    fn edit_addresses(&self, change: impl FnOnce(&mut Json)) {
        self.edit("erp/customer.jsonl", |customer| change(&mut customer["addresses"]));
    }
}

fn other() -> Json {
    json!({ "use": "shipping", "street": "Pier 1", "city": "Kiel", "country": "DE", "gate": "3" })
}

#[test]
fn fields_and_the_row_that_is_meant_follow_each_other_and_other_rows_stay() {
    let buyer = json!({ "number": "C1", "street": "Main 1", "city": "Wien", "land": 2 });
    let world = World::new("leave", json!([buyer]), json!([{ "no": "C1", "addresses": [other()] }]));
    // When the two are joined the row is missing: it is made with what the condition says.
    world.settle();
    let made = json!({ "use": "billing", "street": "Main 1", "city": "Wien", "country": "AT" });
    assert_eq!(world.addresses(), json!([other(), made]));

    world.edit_addresses(|rows| {
        rows[1]["street"] = json!("Main 2");
        rows[1]["gate"] = json!("7");
        rows[0]["city"] = json!("Bonn");
    });
    world.settle();
    assert_eq!(world.buyer()["street"], "Main 2");
    world.edit_buyer(|buyer| buyer["land"] = json!(1));
    world.settle();
    let rows = world.addresses();
    assert_eq!(rows[0]["city"], "Bonn");
    assert_eq!(
        rows[1],
        json!({ "use": "billing", "street": "Main 2", "city": "Wien", "country": "DE", "gate": "7" })
    );

    // The ERP turns the rows round and edits what nobody maps: no plan writes anything.
    world.edit_addresses(|rows| {
        *rows = json!([rows[1], rows[0]]);
        rows[0]["gate"] = json!("8");
    });
    let report = world.run();
    assert!(report.quiet && report.plans.iter().all(|plan| plan.1.writes() == 0), "{report:?}");

    // The row goes: the fields are cleared. It comes again: they are filled.
    let before = world.addresses()[0].clone();
    world.edit_addresses(|rows| *rows = json!([other()]));
    world.settle();
    assert!(world.buyer()["street"].is_null() && world.buyer()["land"].is_null(), "{}", world.buyer());
    world.edit_addresses(|rows| *rows = json!([other(), before]));
    world.settle();
    assert_eq!((world.buyer()["street"].clone(), world.waiting()), (json!("Main 2"), 0));
}

#[test]
fn what_becomes_of_the_row_when_the_fields_are_cleared_is_the_authors_to_say() {
    let one = json!({ "use": "billing", "street": "Main 1", "city": "Wien", "country": "AT", "gate": "7" });
    for (policy, then) in [
        ("leave", json!([other(), one])),
        ("delete", json!([other()])),
        (
            "blank",
            json!([other(), { "use": "billing", "street": null, "city": null, "country": null, "gate": "7" }]),
        ),
    ] {
        let buyer = json!({ "number": "C1", "street": "Main 1", "city": "Wien", "land": 2 });
        let world = World::new(policy, json!([buyer]), json!([{ "no": "C1", "addresses": [other(), one] }]));
        world.settle();
        world.edit_buyer(|buyer| {
            *buyer = json!({ "number": "C1", "street": null, "city": null, "land": null });
        });
        world.settle();
        assert_eq!((world.addresses(), world.waiting()), (then, 0), "{policy}");
        // A new address is a new row, or the same one.
        world.edit_buyer(|buyer| buyer["street"] = json!("Main 9"));
        world.settle();
        let rows = world.addresses();
        let meant = rows.as_array().unwrap().iter().filter(|row| row["use"] == "billing").collect::<Vec<_>>();
        assert_eq!((meant.len(), meant[0]["street"].clone()), (1, json!("Main 9")), "{policy}");
    }
}

#[test]
fn a_customer_that_is_new_on_either_side_brings_its_address() {
    let buyers = json!([
        { "number": "C1", "street": "Main 1", "city": "Wien", "land": 2 },
        { "number": "C2", "street": null, "city": null, "land": null }
    ]);
    let world = World::new("leave", buyers, json!([]));
    world.settle();
    let text = std::fs::read_to_string(world.folder.path().join("erp/customer.jsonl")).unwrap();
    let made: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(made[0]["addresses"][0]["use"], "billing");
    // Blank fields make no row.
    assert!(made[1]["addresses"].as_array().is_none_or(Vec::is_empty), "{}", made[1]);

    let row = json!({ "use": "billing", "street": "Main 1", "city": "Wien", "country": "AT" });
    let world = World::new("leave", json!([]), json!([{ "no": "C1", "addresses": [other(), row] }]));
    world.settle();
    assert_eq!(world.buyer(), json!({ "number": "C1", "street": "Main 1", "city": "Wien", "land": 2 }));
}

#[test]
fn an_address_that_both_sides_edited_waits_as_one_and_so_do_two_rows_that_fit() {
    let row = json!({ "use": "billing", "street": "Main 1", "city": "Wien", "country": "AT" });
    let buyer = json!({ "number": "C1", "street": "Main 1", "city": "Wien", "land": 2 });
    let world = World::new("leave", json!([buyer]), json!([{ "no": "C1", "addresses": [row] }]));
    world.settle();
    world.edit_buyer(|buyer| buyer["street"] = json!("Main 2"));
    world.edit_addresses(|rows| rows[0]["city"] = json!("Graz"));
    world.settle();
    assert_eq!(world.waiting(), 1, "half of one address and half of another is nobody's");
    assert_eq!(
        (world.buyer()["city"].clone(), world.addresses()[0]["street"].clone()),
        (json!("Wien"), json!("Main 1"))
    );
    world.edit_buyer(|buyer| buyer["city"] = json!("Graz"));
    world.edit_addresses(|rows| rows[0]["street"] = json!("Main 2"));
    world.settle();
    assert_eq!(world.waiting(), 0);

    world.edit_addresses(|rows| {
        let second = json!({ "use": "billing", "street": "Main 3", "city": "Linz", "country": "AT" });
        *rows = json!([rows[0], second]);
    });
    world.settle();
    assert_eq!((world.waiting(), world.buyer()["street"].clone()), (1, json!("Main 2")));
    world.edit_addresses(|rows| *rows = json!([rows[1]]));
    world.settle();
    assert_eq!((world.waiting(), world.buyer()["street"].clone()), (0, json!("Main 3")));
}
