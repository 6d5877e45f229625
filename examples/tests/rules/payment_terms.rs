//! Payment terms: an option set of the CRM against a table of codes of the ERP. The options are shown as records, a link
//! couples them with the codes by their words, and customers translate one into the other through its pairs. A code that no
//! option stands for is named, and carried as soon as somebody adds the option.

use std::sync::Arc;

use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_connectors::option_sets::OptionSets;
use seamless_core::connector::{Connector, ConnectorExt};
use seamless_core::model::{Entity, Field, FieldKind, OptionItem, OptionSet, RecordId, Value};
use seamless_core::sync::Integration;

use super::host::{integration, parked, settle};

const MAPPING: &str = "
integration: payment-terms
sides: { crm: memory, erp: memory }
links:
  - id: payment_terms
    crm: account.paymenttermscode
    erp: Payment Terms
    mode: couple_only
    match:
      - label = Description: { same_when: [case, space] }
  - id: customers
    crm: account
    erp: Customer
    match: [ name = Name ]
    rules:
      - name <-> Name
      - paymenttermscode <-> Payment Terms Code:
          lookup: payment_terms
          types: { crm: int, erp: text }
          if_missing: POLICY
";

fn text(name: &str) -> Field {
    Field::new(name, FieldKind::Text { length_max: None })
}

fn account(options: &[(i64, &str)]) -> Entity {
    let option = |(value, label): &(i64, &str)| OptionItem {
        value: Value::Int(*value),
        label: Some((*label).to_owned()),
        active: true,
    };
    let options = OptionSet { options: options.iter().map(option).collect(), closed: true };
    let terms = Field::new("paymenttermscode", FieldKind::Option { options });
    Entity {
        name: "account".into(),
        label: None,
        fields: vec![text("name"), terms],
        key: vec![],
        unique: vec![],
        actions: Vec::new(),
    }
}

struct World {
    crm: Memory,
    erp: Memory,
    integration: Integration,
}

impl World {
    fn new(policy: &str) -> Self {
        let options = [(1, "Net 30 days"), (4, "Net 60 days")];
        let crm = Memory::new(MemoryConfig::new("crm").entity(EntityConfig::new(account(&options)))).unwrap();
        let fields = vec![text("Code"), text("Description")];
        let key = vec!["Code".into()];
        let codes = Entity {
            name: "Payment Terms".into(),
            label: None,
            fields,
            key,
            unique: vec![],
            actions: Vec::new(),
        };
        let fields = vec![text("Name"), text("Payment Terms Code")];
        let customer = Entity {
            name: "Customer".into(),
            label: None,
            fields,
            key: vec![],
            unique: vec![],
            actions: Vec::new(),
        };
        let erp = MemoryConfig::new("erp")
            .entity(EntityConfig::new(codes).ids(Ids::Key))
            .entity(EntityConfig::new(customer));
        let erp = Memory::new(erp).unwrap();
        for (code, description) in [("30D", "Net 30 days"), ("60D", "net  60 days"), ("90D", "Net 90 days")] {
            let values = [("Code", Value::text(code)), ("Description", Value::text(description))];
            erp.insert("Payment Terms", None, &values).unwrap();
        }
        let inner: Arc<dyn Connector> = Arc::new(crm.clone());
        let mapping = MAPPING.replace("POLICY", policy);
        let integration = integration(
            ("crm", inner.layer(&OptionSets::of([("account", "paymenttermscode")]))),
            ("erp", Arc::new(erp.clone())),
            &mapping,
        );
        Self { crm, erp, integration }
    }

    fn settle(&self) {
        settle(&self.integration);
    }

    fn waiting(&self) -> Vec<String> {
        parked(&self.integration)
    }

    fn account(&self, name: &str, terms: Option<i64>) -> RecordId {
        let terms = terms.map_or(Value::Null, Value::Int);
        self.crm.insert("account", None, &[("name", Value::text(name)), ("paymenttermscode", terms)]).unwrap()
    }

    fn customer(&self, name: &str, code: &str) -> RecordId {
        let values = [("Name", Value::text(name)), ("Payment Terms Code", Value::text(code))];
        self.erp.insert("Customer", None, &values).unwrap()
    }

    fn terms_of(&self, account: &RecordId) -> Value {
        self.crm.value("account", account, "paymenttermscode").unwrap()
    }

    fn code_of(&self, customer: &RecordId) -> Value {
        self.erp.value("Customer", customer, "Payment Terms Code").unwrap()
    }

    fn only(&self, system: &Memory, entity: &str) -> RecordId {
        system.rows(entity).remove(0).id
    }
}

#[test]
fn h90_options_and_codes_are_translated_through_the_pairs_of_their_words() {
    let world = World::new("park");
    let account = world.account("Adatum", Some(4));
    world.settle();
    let customer = world.only(&world.erp, "Customer");
    assert_eq!(world.code_of(&customer), Value::text("60D"));
    world.erp.edit("Customer", &customer, &[("Payment Terms Code", Value::text("30D"))]).unwrap();
    world.settle();
    assert_eq!(world.terms_of(&account), Value::Int(1));
    world.crm.edit("account", &account, &[("paymenttermscode", Value::Null)]).unwrap();
    world.settle();
    assert!(world.code_of(&customer).is_blank());
    // A code that nobody uses and no option stands for is nobody's trouble, and no option was made or changed.
    assert_eq!(world.waiting(), [""; 0]);
    // Words may be changed afterwards: the two are coupled by then.
    world.crm.set_schema(self::account(&[(1, "Thirty days"), (4, "Sixty days")])).unwrap();
    world.crm.edit("account", &account, &[("paymenttermscode", Value::Int(4))]).unwrap();
    world.settle();
    assert_eq!(world.code_of(&customer), Value::text("60D"));
}

#[test]
fn a_code_that_no_option_stands_for_is_named_until_somebody_adds_the_option() {
    let world = World::new("later");
    world.customer("Berg", "90D");
    world.settle();
    let account = world.only(&world.crm, "account");
    assert_eq!(world.terms_of(&account), Value::Null);
    let waiting = world.waiting();
    assert!(
        waiting.len() == 1
            && waiting[0].contains("no partner yet: Payment Terms 90D in account.paymenttermscode"),
        "{waiting:?}"
    );
    let options = [(1, "Net 30 days"), (4, "Net 60 days"), (9, "Net 90 days")];
    world.crm.set_schema(self::account(&options)).unwrap();
    world.settle();
    assert_eq!((world.terms_of(&account), world.waiting().len()), (Value::Int(9), 0));
}

#[test]
fn what_an_unknown_code_becomes_is_the_authors_to_say() {
    for (policy, becomes) in [("null", Value::Null), ("{ crm: { use: 1 }, erp: park }", Value::Int(1))] {
        let world = World::new(policy);
        let customer = world.customer("Berg", "90D");
        world.settle();
        assert_eq!(world.terms_of(&world.only(&world.crm, "account")), becomes, "{policy}");
        assert_eq!(
            world.code_of(&customer),
            Value::text("90D"),
            "{policy}: what it stands for comes not back"
        );
        assert_eq!(world.waiting(), [""; 0], "{policy}");
    }
}
