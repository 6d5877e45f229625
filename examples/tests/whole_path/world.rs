//! Two systems in memory, a mapping between them, and short ways to say what people do.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::FutureExt;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::connector::{Capabilities, UniqueKey};
use seamless_core::mapper::{DeletePolicy, Mapper};
use seamless_core::model::{
    Entity, Field, FieldKind, LinkId, Normaliser, RecordId, Reference, Result, Side, Sides, Value,
};
use seamless_core::plan::Rank;
use seamless_core::plan::render::TextOptions;
use seamless_core::store::{Attention, MemoryStore, StateStore};
use seamless_core::sync::{Approved, Integration, IntegrationBuilder, Options, Plan, RunReport};
use seamless_mapping::declaration::IfMissing;
use seamless_mapping::{Mapping, copy, lookup};

use super::clock::ManualClock;
use super::gate::{Gate, GatedConnector, gated_store};

pub(crate) struct World {
    pub(crate) crm: Memory,
    pub(crate) erp: Memory,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) links: Vec<Arc<dyn Mapper>>,
    pub(crate) integration: Integration,
    /// Of every process that starts from here on.
    pub(crate) options: Options,
}

pub(crate) fn text(name: &str, length_max: u32) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(length_max) })
}

fn entity(name: &str, key: &str, fields: Vec<Field>) -> Entity {
    Entity {
        name: name.into(),
        label: None,
        fields,
        key: vec![key.into()],
        unique: vec![],
        actions: Vec::new(),
    }
}

/// What a test changes about what a system can do.
pub(crate) type Change<'a> = &'a dyn Fn(&mut Capabilities);

pub(crate) fn as_it_is(_: &mut Capabilities) {}

/// The left system: its clients can choose ids.
pub(crate) fn crm(change: Change<'_>) -> Memory {
    let account = entity(
        "account",
        "accountid",
        vec![
            text("accountid", 40),
            text("accountnumber", 20),
            text("name", 160),
            text("phone", 50),
            text("web", 200),
            text("note", 100),
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
            text("note", 100),
            Field::new("account", FieldKind::Reference { targets: vec!["account".into()] }),
        ],
    );
    let of = |entity| EntityConfig::new(entity).capable(change);
    Memory::new(MemoryConfig::new("crm").entity(of(account)).entity(of(contact))).unwrap()
}

/// The right system: it counts its ids and refuses a second record with the same number or mail address.
pub(crate) fn erp(change: Change<'_>) -> Memory {
    erp_called("erp", change)
}

/// A system of the same kind under another identity.
pub(crate) fn erp_called(name: &str, change: Change<'_>) -> Memory {
    let customer = entity(
        "Customer",
        "id",
        vec![
            Field::new("id", FieldKind::Int),
            text("No.", 20),
            text("Name", 100),
            text("Phone No.", 30),
            text("Home Page", 80),
            text("Memo", 100),
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
            text("Memo", 100),
            Field::new("Company", FieldKind::Reference { targets: vec!["Customer".into()] }),
        ],
    );
    let of = |entity, key: &str| {
        let unique = |can: &mut Capabilities| {
            can.unique_key = UniqueKey::Fields(vec![key.into()]);
            can.idempotency_key = false;
        };
        EntityConfig::new(entity).capable(unique).capable(change)
    };
    let config = MemoryConfig::new(name).entity(of(customer, "No.")).entity(of(contact, "E-Mail"));
    Memory::new(config).unwrap()
}

pub(crate) fn mapping() -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(Duration::from_secs(3600))
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
        .sweep_every(Duration::from_secs(3600))
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

/// The same mapping with its rules in another order: what a plan says by number means something else.
pub(crate) fn reordered() -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(Duration::from_secs(3600))
        .rule(
            lookup("owner", "Primary Contact", "contacts")
                .if_missing(Side::Right, IfMissing::Later)
                .if_missing(Side::Left, IfMissing::Later),
        )
        .rule(copy("web", "Home Page"))
        .rule(copy("phone", "Phone No.").same_when([Normaliser::Digits]))
        .rule(copy("name", "Name"))
        .rule(copy("accountnumber", "No."))
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .sweep_every(Duration::from_secs(3600))
        .rule(
            lookup("account", "Company", "customers")
                .if_missing(Side::Right, IfMissing::Later)
                .if_missing(Side::Left, IfMissing::Later),
        )
        .rule(copy("fullname", "Name"))
        .rule(copy("email", "E-Mail"))
        .done()
        .build()
        .unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(crm(&as_it_is), erp(&as_it_is))
    }

    pub(crate) fn of(crm: Memory, erp: Memory) -> Self {
        Self::mapped(crm, erp, mapping())
    }

    pub(crate) fn mapped(crm: Memory, erp: Memory, mapping: Mapping) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store: Arc<dyn StateStore> = Arc::new(MemoryStore::new(clock.clone()));
        let links = mapping.links();
        let systems = Sides::new(&crm, &erp);
        let integration = builder(&systems, &links, &store, &clock).build().unwrap();
        Self { crm, erp, clock, store, links, integration, options: Options::default() }
    }

    pub(crate) fn builder(&self) -> IntegrationBuilder {
        let systems = Sides::new(&self.crm, &self.erp);
        builder(&systems, &self.links, &self.store, &self.clock).options(self.options.clone())
    }

    /// The same systems and state under another mapping: what a new version of the configuration meets.
    pub(crate) fn remap(&mut self, mapping: Mapping) {
        self.links = mapping.links();
        self.restart();
    }

    /// What a process that starts again has: the state and the systems, nothing else.
    pub(crate) fn restart(&mut self) {
        self.integration = self.builder().build().unwrap();
    }

    /// An integration whose every step passes a gate.
    pub(crate) fn gated(&self, gate: &Gate) -> Integration {
        let connector =
            |inner: &Memory| Arc::new(GatedConnector { inner: inner.clone(), gate: gate.clone() });
        self.builder()
            .left("crm", connector(&self.crm))
            .right("erp", connector(&self.erp))
            .store(gated_store(self.store.clone(), gate))
            .build()
            .unwrap()
    }

    /// A run that crashes after so many steps; `None` when it did, and the process started again.
    pub(crate) fn run_until(&mut self, steps: usize) -> Option<Result<RunReport>> {
        let integration = self.gated(&Gate::stopping_after(steps));
        let ran = integration.run(approve).now_or_never();
        if ran.is_none() {
            self.restart();
        }
        ran
    }

    pub(crate) fn plan(&self) -> Plan {
        block_on(self.integration.plan()).unwrap()
    }

    /// The plan as text, for messages of failing tests.
    pub(crate) fn text(&self, plan: &Plan) -> String {
        block_on(plan.text(TextOptions::default())).unwrap()
    }

    /// The ranks of a plan's actions, in its order.
    pub(crate) fn ranks(&self, plan: &Plan) -> Vec<Rank> {
        let mut ranks = Vec::new();
        block_on(plan.each(|entry| {
            ranks.extend(entry.action().map(|_| entry.key.rank));
            Ok(())
        }))
        .unwrap();
        ranks
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

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn waiting(&self) -> Vec<(LinkId, Attention)> {
        block_on(self.integration.status()).unwrap().waiting
    }

    pub(crate) fn system(&self, side: Side) -> &Memory {
        match side {
            Side::Left => &self.crm,
            Side::Right => &self.erp,
        }
    }

    pub(crate) fn account(&self, id: &str, number: &str, name: &str, phone: &str, web: &str) -> RecordId {
        let values = [
            ("accountnumber", Value::text(number)),
            ("name", Value::text(name)),
            ("phone", Value::text(phone)),
            ("web", Value::text(web)),
        ];
        self.crm.insert("account", Some(RecordId::text(id)), &values).unwrap()
    }

    pub(crate) fn customer(&self, number: &str, name: &str, phone: &str, web: &str) -> RecordId {
        let values = [
            ("No.", Value::text(number)),
            ("Name", Value::text(name)),
            ("Phone No.", Value::text(phone)),
            ("Home Page", Value::text(web)),
        ];
        self.erp.insert("Customer", None, &values).unwrap()
    }

    pub(crate) fn contact(&self, id: &str, mail: &str, name: &str, account: Option<&RecordId>) -> RecordId {
        let account = account.map_or(Value::Null, |account| reference("account", account));
        let values = [("email", Value::text(mail)), ("fullname", Value::text(name)), ("account", account)];
        self.crm.insert("contact", Some(RecordId::text(id)), &values).unwrap()
    }

    pub(crate) fn crm_value(&self, id: &RecordId, field: &str) -> Value {
        self.crm.value("account", id, field).unwrap()
    }

    pub(crate) fn erp_value(&self, id: &RecordId, field: &str) -> Value {
        self.erp.value("Customer", id, field).unwrap()
    }
}

fn builder(
    systems: &Sides<&Memory>,
    links: &[Arc<dyn Mapper>],
    store: &Arc<dyn StateStore>,
    clock: &Arc<ManualClock>,
) -> IntegrationBuilder {
    Integration::builder("test")
        .left("crm", Arc::new(systems.left.clone()))
        .right("erp", Arc::new(systems.right.clone()))
        .links(links.to_vec())
        .store(store.clone())
        .clock(clock.clone())
}

pub(crate) fn reference(entity: &str, id: &RecordId) -> Value {
    Value::Reference(Arc::new(Reference { entity: entity.into(), id: id.clone() }))
}

pub(crate) async fn approve(plan: Plan) -> Result<Option<Approved>> {
    Ok(plan.approve("tester", &[]).ok())
}

pub(crate) fn yes(plan: &Plan) -> Approved {
    plan.approve("tester", &[]).unwrap()
}
