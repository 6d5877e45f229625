//! One entity that stands for two of the other side: an account of the CRM is a customer or a vendor of the ERP, as a field
//! says. Two links share the account, each with a scope of its own; what is created says which it is; what changes over
//! leaves one link and enters the other; and who refers to an account means whichever of the two it is.

use std::sync::Arc;

use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::model::{
    Entity, EntityName, Field, FieldKind, OptionItem, OptionSet, RecordId, Reference, Value,
};
use seamless_core::sync::Integration;

use super::host::{integration, parked, settle};

const MAPPING: &str = "
integration: one-for-two
sides: { crm: memory, erp: memory }
links:
  - id: customers
    crm: account
    erp: Customer
    scope: { crm: kind == 1 }
    match: [ name = Name ]
    rules: [ name <-> Name ]
  - id: vendors
    crm: account
    erp: Vendor
    scope: { crm: kind == 2 }
    match: [ name = Name ]
    rules: [ name <-> Name ]
  - id: papers
    crm: paper
    erp: Document
    match: [ title = Title ]
    rules:
      - title <-> Title
      - account <-> Partner: { lookup: [ customers, vendors ] }
";

const CUSTOMER: i64 = 1;
const VENDOR: i64 = 2;
const COMPETITOR: i64 = 3;

fn text(name: &str) -> Field {
    Field::new(name, FieldKind::Text { length_max: None })
}

fn reference(name: &str, targets: &[&str]) -> Field {
    let targets = targets.iter().map(|target| EntityName::from(*target)).collect();
    Field::new(name, FieldKind::Reference { targets })
}

fn entity(name: &str, fields: Vec<Field>) -> EntityConfig {
    EntityConfig::new(Entity {
        name: name.into(),
        label: None,
        fields,
        key: vec![],
        unique: vec![],
        actions: Vec::new(),
    })
}

struct World {
    crm: Memory,
    erp: Memory,
    integration: Integration,
}

impl World {
    fn new() -> Self {
        Self::with(MAPPING)
    }

    fn with(mapping: &str) -> Self {
        let option = |value: i64| OptionItem { value: Value::Int(value), label: None, active: true };
        let options = [CUSTOMER, VENDOR, COMPETITOR].map(option).to_vec();
        let kind = Field::new("kind", FieldKind::Option { options: OptionSet { options, closed: true } });
        let crm = MemoryConfig::new("crm")
            .entity(entity("account", vec![text("name"), kind]))
            .entity(entity("paper", vec![text("title"), reference("account", &["account"])]));
        let erp = MemoryConfig::new("erp")
            .entity(entity("Customer", vec![text("Name")]))
            .entity(entity("Vendor", vec![text("Name")]))
            .entity(entity("Document", vec![text("Title"), reference("Partner", &["Customer", "Vendor"])]));
        let (crm, erp) = (Memory::new(crm).unwrap(), Memory::new(erp).unwrap());
        let integration =
            integration(("crm", Arc::new(crm.clone())), ("erp", Arc::new(erp.clone())), mapping);
        Self { crm, erp, integration }
    }

    /// Runs until quiet; the run after that writes nothing.
    fn settle(&self) {
        settle(&self.integration);
    }

    fn waiting(&self) -> Vec<String> {
        parked(&self.integration)
    }

    fn account(&self, name: &str, kind: Option<i64>) -> RecordId {
        let kind = kind.map_or(Value::Null, Value::Int);
        self.crm.insert("account", None, &[("name", Value::text(name)), ("kind", kind)]).unwrap()
    }

    fn is_now(&self, account: &RecordId, kind: i64) {
        self.crm.edit("account", account, &[("kind", Value::Int(kind))]).unwrap();
    }

    fn paper(&self, title: &str, account: &RecordId) -> RecordId {
        let account = Value::Reference(Reference { entity: "account".into(), id: account.clone() }.into());
        self.crm.insert("paper", None, &[("title", Value::text(title)), ("account", account)]).unwrap()
    }

    /// The names of an entity, sorted.
    fn names(&self, entity: &str) -> Vec<String> {
        let (system, field) = match entity {
            "account" => (&self.crm, "name"),
            _ => (&self.erp, "Name"),
        };
        let name = |id: &RecordId| system.value(entity, id, field).unwrap().as_ref().to_string();
        let mut names: Vec<String> = system.rows(entity).iter().map(|row| name(&row.id)).collect();
        names.sort();
        names
    }

    /// What kind of account each name is.
    fn kinds(&self) -> Vec<(String, Value)> {
        let of = |id: &RecordId| {
            let value = |field: &str| self.crm.value("account", id, field).unwrap();
            (value("name").as_ref().to_string(), value("kind"))
        };
        let mut kinds: Vec<(String, Value)> =
            self.crm.rows("account").iter().map(|row| of(&row.id)).collect();
        kinds.sort_by(|a, b| a.0.cmp(&b.0));
        kinds
    }

    /// Whom the only document is about: `Customer Adatum`.
    fn partner(&self) -> String {
        let document = self.erp.rows("Document").remove(0).id;
        match self.erp.value("Document", &document, "Partner").unwrap() {
            Value::Reference(reference) => {
                let name = self.erp.value(reference.entity.as_str(), &reference.id, "Name").unwrap();
                format!("{} {}", reference.entity, name.as_ref())
            }
            other => format!("{}", other.as_ref()),
        }
    }
}

#[test]
fn an_account_is_what_its_kind_says_and_what_is_created_says_what_it_is() {
    let world = World::new();
    world.account("Adatum", Some(CUSTOMER));
    world.account("Berg", Some(VENDOR));
    world.account("Contoso", Some(COMPETITOR));
    world.account("Dahl", None);
    world.erp.insert("Customer", None, &[("Name", Value::text("Eva"))]).unwrap();
    world.erp.insert("Vendor", None, &[("Name", Value::text("Fritz"))]).unwrap();
    world.settle();
    assert_eq!(world.names("Customer"), ["\"Adatum\"", "\"Eva\""]);
    assert_eq!(world.names("Vendor"), ["\"Berg\"", "\"Fritz\""]);
    let expected = [
        ("\"Adatum\"", Value::Int(CUSTOMER)),
        ("\"Berg\"", Value::Int(VENDOR)),
        ("\"Contoso\"", Value::Int(COMPETITOR)),
        ("\"Dahl\"", Value::Null),
        ("\"Eva\"", Value::Int(CUSTOMER)),
        ("\"Fritz\"", Value::Int(VENDOR)),
    ];
    assert_eq!(world.kinds(), expected.map(|(name, kind)| (name.to_owned(), kind)));
    assert_eq!(world.waiting(), [""; 0]);
}

#[test]
fn an_account_that_changes_over_leaves_one_link_and_enters_the_other() {
    let world = World::new();
    let account = world.account("Adatum", Some(CUSTOMER));
    world.settle();
    world.is_now(&account, VENDOR);
    world.settle();
    assert_eq!(
        (world.names("Customer"), world.names("Vendor")),
        (vec!["\"Adatum\"".into()], vec!["\"Adatum\"".to_owned()])
    );
    // The customer that it was rests: neither side of the pair is written.
    world.crm.edit("account", &account, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.settle();
    assert_eq!(
        (world.names("Customer"), world.names("Vendor")),
        (vec!["\"Adatum\"".into()], vec!["\"Adatum Ltd\"".to_owned()])
    );
    // It comes back to the one that it had.
    world.is_now(&account, CUSTOMER);
    world.settle();
    assert_eq!(
        (world.names("Customer"), world.names("Vendor")),
        (vec!["\"Adatum Ltd\"".into()], vec!["\"Adatum Ltd\"".to_owned()])
    );
    assert_eq!((world.crm.count("account"), world.waiting().len()), (1, 0));
    // And is neither: both rest.
    world.is_now(&account, COMPETITOR);
    world.crm.edit("account", &account, &[("name", Value::text("A"))]).unwrap();
    world.settle();
    assert_eq!(world.names("Customer"), ["\"Adatum Ltd\""]);
    assert_eq!((world.crm.count("account"), world.waiting().len()), (1, 0));
}

#[test]
fn an_account_that_changes_over_is_matched_where_there_is_a_record_for_it() {
    let world = World::new();
    let account = world.account("Adatum", Some(CUSTOMER));
    world.settle();
    world.erp.insert("Vendor", None, &[("Name", Value::text("Adatum"))]).unwrap();
    world.is_now(&account, VENDOR);
    world.settle();
    assert_eq!((world.crm.count("account"), world.erp.count("Vendor")), (1, 1));
}

#[test]
fn who_refers_to_an_account_means_whichever_of_the_two_it_is() {
    let world = World::new();
    let account = world.account("Adatum", Some(VENDOR));
    let paper = world.paper("P1", &account);
    // In the plan that creates both.
    world.settle();
    assert_eq!(world.partner(), "Vendor \"Adatum\"");
    // In the plan in which it changes over, and from then on.
    world.is_now(&account, CUSTOMER);
    world.crm.edit("paper", &paper, &[("title", Value::text("P2"))]).unwrap();
    world.settle();
    let other = world.account("Berg", Some(CUSTOMER));
    let to = |id: &RecordId| Value::Reference(Reference { entity: "account".into(), id: id.clone() }.into());
    world.crm.edit("paper", &paper, &[("account", to(&other))]).unwrap();
    world.settle();
    assert_eq!(world.partner(), "Customer \"Berg\"");
    world.crm.edit("paper", &paper, &[("account", to(&account))]).unwrap();
    world.settle();
    assert_eq!((world.partner(), world.waiting().len()), ("Customer \"Adatum\"".to_owned(), 0));

    // And back: a document about a vendor is about the account that it is.
    let vendor = world.erp.insert("Vendor", None, &[("Name", Value::text("Fritz"))]).unwrap();
    let document = world.erp.rows("Document").remove(0).id;
    let partner = Value::Reference(Reference { entity: "Vendor".into(), id: vendor }.into());
    world.erp.edit("Document", &document, &[("Partner", partner)]).unwrap();
    world.settle();
    let Some(Value::Reference(found)) = world.crm.value("paper", &paper, "account") else { panic!() };
    assert_eq!(world.crm.value("account", &found.id, "name"), Some(Value::text("Fritz")));
}

#[test]
fn a_reference_to_an_account_that_is_neither_waits_until_it_is_one() {
    let world = World::new();
    let account = world.account("Adatum", Some(COMPETITOR));
    world.paper("P1", &account);
    world.settle();
    assert_eq!(world.partner(), "(nothing)");
    assert_eq!(world.waiting().len(), 1, "{:?}", world.waiting());
    world.is_now(&account, CUSTOMER);
    world.settle();
    assert_eq!((world.partner(), world.waiting().len()), ("Customer \"Adatum\"".to_owned(), 0));
}

#[test]
fn an_account_that_two_links_claim_has_a_partner_in_both_and_nobody_guesses_which_is_meant() {
    let world = World::with(&MAPPING.replace("kind == 2", "\"kind in [1, 2]\""));
    let account = world.account("Adatum", Some(CUSTOMER));
    world.paper("P1", &account);
    world.settle();
    assert_eq!((world.erp.count("Customer"), world.erp.count("Vendor")), (1, 1));
    let waiting = world.waiting();
    assert!(
        waiting.len() == 1 && waiting[0].contains("different partners in the links customers and vendors"),
        "{waiting:?}"
    );
    assert_eq!(world.partner(), "(nothing)");
}
