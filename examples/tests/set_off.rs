//! What writes set off in a system: plans say it before anything is written, and what a host chose to bypass while a link is
//! loaded does not fire then, and fires ever after.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::ErrorKind;
use seamless_core::clock::SystemClock;
use seamless_core::connector::{Connector, Trigger, WriteBatch, WriteKind};
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Side, Sides, Value};
use seamless_core::plan::render::TextOptions;
use seamless_core::plan::{LinkPhase, PlanHead};
use seamless_core::store::MemoryStore;
use seamless_core::sync::{Bypass, Integration, Options};
use seamless_mapping::{LoadOptions, load};

const MAPPING: &str = "
integration: customers
sides: { crm: memory, erp: memory }
links:
  - id: customers
    crm: account
    erp: customer
    mode: to_erp
    match: [ number = number ]
    rules:
      - number -> number
      - name -> name
";

fn trigger(name: &str, on: &[WriteKind], can_bypass: bool) -> Trigger {
    Trigger { name: name.to_owned(), on: on.to_vec(), can_bypass }
}

fn system(name: &str, entity: &str, triggers: Vec<Trigger>) -> Memory {
    let text = |name| Field::new(name, FieldKind::Text { length_max: Some(40) });
    let fields = vec![Field::new("id", FieldKind::Int), text("number"), text("name")];
    let (key, label) = (vec!["id".into()], None);
    let entity = Entity { name: entity.into(), label, fields, key, unique: vec![], actions: vec![] };
    let config = EntityConfig::new(entity).capable(|can| can.triggers = triggers);
    Memory::new(MemoryConfig::new(name).entity(config)).unwrap()
}

/// Welcomes new customers, tells the warehouse, and logs, which nobody can turn off. Actions there are none.
fn erp() -> Memory {
    system(
        "erp",
        "customer",
        vec![
            trigger("welcome e-mail", &[WriteKind::Create], true),
            trigger("warehouse", &[WriteKind::Create, WriteKind::Update], true),
            trigger("audit log", &[WriteKind::Create, WriteKind::Update, WriteKind::Delete], false),
            trigger("posting", &[WriteKind::Action], true),
        ],
    )
}

fn integration(crm: &Memory, erp: &Memory, bypass: Bypass) -> Integration {
    let loaded = load("customers.yaml", MAPPING, &LoadOptions::default()).unwrap();
    Integration::builder("customers")
        .left("crm", Arc::new(crm.clone()))
        .right("erp", Arc::new(erp.clone()))
        .links(loaded.mapping.links())
        .store(Arc::new(MemoryStore::new(Arc::new(SystemClock::new()))))
        .options(Options { bypass: Sides::new(Bypass::default(), bypass), ..Options::default() })
        .build()
        .unwrap()
}

fn settle(integration: &Integration) {
    let ran = integration.run(|plan| async move { plan.approve("tester", &[]).map(Some) });
    assert!(block_on(ran).unwrap().quiet);
}

fn named(bypassed: &[&str]) -> Vec<String> {
    bypassed.iter().map(|name| (*name).to_owned()).collect()
}

fn said(head: &PlanHead) -> (Vec<&str>, Vec<&str>, Option<LinkPhase>) {
    let [set_off] = head.sets_off.as_slice() else { return (vec![], vec![], None) };
    assert_eq!(set_off.side, Side::Right);
    let fires = set_off.fires.iter().map(|trigger| trigger.name.as_str()).collect();
    (fires, set_off.bypassed.iter().map(String::as_str).collect(), Some(set_off.phase))
}

fn fired(erp: &Memory) -> Vec<String> {
    erp.fired().into_iter().map(|(name, _)| name).collect()
}

#[test]
fn what_is_bypassed_while_a_link_is_loaded_fires_ever_after_and_plans_say_both() {
    let (crm, erp) = (system("crm", "account", vec![]), erp());
    crm.insert("account", None, &[("number", Value::text("C1")), ("name", Value::text("Adatum"))]).unwrap();
    let bypass = Bypass { initial: named(&["welcome e-mail", "warehouse"]), normal: named(&["warehouse"]) };
    let integration = integration(&crm, &erp, bypass);

    let plan = block_on(integration.plan()).unwrap();
    assert_eq!(
        said(plan.head()),
        (vec!["audit log"], vec!["welcome e-mail", "warehouse"], Some(LinkPhase::Initial))
    );
    let text = block_on(plan.text(TextOptions::default())).unwrap();
    for words in [
        "customers: creates, updates, deletes in erp will fire: audit log\n",
        "customers: bypassed in erp (initial load): welcome e-mail, warehouse\n",
    ] {
        assert!(text.contains(words), "{text}");
    }
    settle(&integration);
    assert_eq!(fired(&erp), ["audit log"], "nothing else fired while it was loaded");

    crm.insert("account", None, &[("number", Value::text("C2")), ("name", Value::text("Contoso"))]).unwrap();
    crm.edit("account", &RecordId::int(1), &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let plan = block_on(integration.plan()).unwrap();
    assert_eq!(
        said(plan.head()),
        (vec!["welcome e-mail", "audit log"], vec!["warehouse"], Some(LinkPhase::Normal))
    );
    let text = block_on(plan.text(TextOptions::default())).unwrap();
    assert!(
        text.contains("customers: creates in erp will fire: welcome e-mail (can be bypassed)\n"),
        "{text}"
    );
    settle(&integration);
    let mut now = fired(&erp);
    now.sort();
    assert_eq!(now, ["audit log", "audit log", "audit log", "welcome e-mail"]);
}

/// Catches: a phase that is asked when a plan is applied and not when it was made and approved.
#[test]
fn a_plan_bypasses_what_it_said_when_it_was_approved() {
    let (crm, erp) = (system("crm", "account", vec![]), erp());
    crm.insert("account", None, &[("number", Value::text("C1"))]).unwrap();
    let integration =
        integration(&crm, &erp, Bypass { initial: named(&["welcome e-mail"]), ..Bypass::default() });
    let plan = block_on(integration.plan()).unwrap();
    let approved = plan.approve("tester", &[]).unwrap();
    block_on(integration.apply(approved)).unwrap();
    assert_eq!(fired(&erp), ["warehouse", "audit log"]);
}

#[test]
fn nothing_is_bypassed_that_nobody_chose_and_a_misspelt_name_is_refused() {
    let (crm, erp) = (system("crm", "account", vec![]), erp());
    crm.insert("account", None, &[("number", Value::text("C1"))]).unwrap();
    settle(&integration(&crm, &erp, Bypass::default()));
    assert_eq!(fired(&erp), ["welcome e-mail", "warehouse", "audit log"]);
    for wrong in ["welcome mail", "audit log"] {
        let wrong = integration(&crm, &erp, Bypass { normal: named(&[wrong]), ..Bypass::default() });
        let told = block_on(wrong.plan()).err().unwrap();
        assert!(
            told.kind() == ErrorKind::Configuration && told.to_string().contains("can be bypassed"),
            "{told}"
        );
    }
}

#[test]
fn a_system_refuses_to_bypass_what_it_cannot() {
    let erp: Arc<dyn Connector> = Arc::new(erp());
    let batch = WriteBatch { ops: vec![], bypass: named(&["audit log"]) };
    let told = block_on(erp.write(&"customer".into(), batch)).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Unsupported);
}
