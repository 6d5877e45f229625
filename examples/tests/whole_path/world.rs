//! Two systems in memory, a mapping between them, and short ways to say what people do.

use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use seamless_core::clock::SystemClock;
use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{Entity, Field, FieldKind, Normaliser, RecordId, Side, Value};
use seamless_core::plan::render::TextOptions;
use seamless_core::store::{MemoryStore, StateStore};
use seamless_core::sync::{Approved, Integration, Plan, RunReport};
use seamless_mapping::declaration::IfMissing;
use seamless_mapping::{Mapping, copy, lookup};

pub(crate) struct World {
    pub(crate) crm: Memory,
    pub(crate) erp: Memory,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) integration: Integration,
}

fn text(name: &str, length_max: u32) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(length_max) })
}

fn entity(name: &str, key: &str, fields: Vec<Field>) -> Entity {
    Entity { name: name.into(), label: None, fields, key: vec![key.into()], unique: vec![] }
}

pub(crate) fn crm() -> Memory {
    let account = entity(
        "account",
        "accountid",
        vec![
            text("accountid", 40),
            text("accountnumber", 20),
            text("name", 160),
            text("phone", 50),
            text("web", 200),
            Field::new("owner", FieldKind::Reference { targets: vec!["contact".into()] }),
        ],
    );
    let contact = entity(
        "contact",
        "contactid",
        vec![
            text("contactid", 40),
            text("email", 100),
            text("fullname", 160),
            Field::new("account", FieldKind::Reference { targets: vec!["account".into()] }),
        ],
    );
    let of = |entity| EntityConfig::new(entity).ids(Ids::Key);
    Memory::new(MemoryConfig::new("crm").entity(of(account)).entity(of(contact))).unwrap()
}

pub(crate) fn erp() -> Memory {
    let customer = entity(
        "Customer",
        "id",
        vec![
            Field::new("id", FieldKind::Int),
            text("No.", 20),
            text("Name", 100),
            text("Phone No.", 30),
            text("Home Page", 80),
            Field::new("Primary Contact", FieldKind::Reference { targets: vec!["Contact".into()] }),
        ],
    );
    let contact = entity(
        "Contact",
        "id",
        vec![
            Field::new("id", FieldKind::Int),
            text("E-Mail", 80),
            text("Name", 100),
            Field::new("Company", FieldKind::Reference { targets: vec!["Customer".into()] }),
        ],
    );
    let of = |entity| {
        EntityConfig::new(entity).capable(|can| can.unique_key = seamless_core::connector::UniqueKey::None)
    };
    Memory::new(MemoryConfig::new("erp").entity(of(customer)).entity(of(contact))).unwrap()
}

pub(crate) fn mapping() -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .rule(copy("phone", "Phone No.").same_when([Normaliser::Digits]))
        .rule(copy("web", "Home Page"))
        .rule(
            lookup("owner", "Primary Contact", "contacts")
                .if_missing(Side::Right, IfMissing::Later)
                .if_missing(Side::Left, IfMissing::Later),
        )
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .rule(copy("email", "E-Mail"))
        .rule(copy("fullname", "Name"))
        .rule(
            lookup("account", "Company", "customers")
                .if_missing(Side::Right, IfMissing::Later)
                .if_missing(Side::Left, IfMissing::Later),
        )
        .done()
        .build()
        .unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::new(Arc::new(SystemClock::new())));
        Self::with(crm(), erp(), store)
    }

    pub(crate) fn with(crm: Memory, erp: Memory, store: Arc<dyn StateStore>) -> Self {
        let integration = Integration::builder("test")
            .left("crm", Arc::new(crm.clone()))
            .right("erp", Arc::new(erp.clone()))
            .links(mapping().links())
            .store(store.clone())
            .build()
            .unwrap();
        Self { crm, erp, store, integration }
    }

    pub(crate) fn plan(&self) -> Plan {
        block_on(self.integration.plan()).unwrap()
    }

    /// The plan as text, for messages of failing tests.
    pub(crate) fn text(&self, plan: &Plan) -> String {
        block_on(plan.text(TextOptions::default())).unwrap()
    }

    pub(crate) fn run(&self) -> RunReport {
        block_on(self.integration.run(approve)).unwrap()
    }

    /// Runs until quiet and checks that then a plan is empty and sends nothing.
    pub(crate) fn settle(&self) {
        let report = self.run();
        assert!(report.quiet, "{:?}", report.plans);
        let before = (self.crm.counts().ops, self.erp.counts().ops);
        let plan = self.plan();
        assert!(plan.is_empty(), "{}", self.text(&plan));
        assert_eq!((self.crm.counts().ops, self.erp.counts().ops), before);
    }

    pub(crate) fn account(&self, id: &str, number: &str, name: &str, phone: &str, web: &str) -> RecordId {
        let values = [
            ("accountnumber", Value::text(number)),
            ("name", Value::text(name)),
            ("phone", Value::text(phone)),
            ("web", Value::text(web)),
            ("owner", Value::Null),
        ];
        self.crm.insert("account", Some(RecordId::text(id)), &values).unwrap()
    }

    pub(crate) fn customer(&self, number: &str, name: &str, phone: &str, web: &str) -> RecordId {
        let values = [
            ("No.", Value::text(number)),
            ("Name", Value::text(name)),
            ("Phone No.", Value::text(phone)),
            ("Home Page", Value::text(web)),
            ("Primary Contact", Value::Null),
        ];
        self.erp.insert("Customer", None, &values).unwrap()
    }

    pub(crate) fn crm_value(&self, id: &RecordId, field: &str) -> Value {
        self.crm.value("account", id, field).unwrap()
    }

    pub(crate) fn erp_value(&self, id: &RecordId, field: &str) -> Value {
        self.erp.value("Customer", id, field).unwrap()
    }
}

pub(crate) fn approve(plan: &Plan) -> Option<Approved> {
    plan.approve("tester", &[]).ok()
}
