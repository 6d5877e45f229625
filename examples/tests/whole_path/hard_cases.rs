//! Hard cases that need the whole path, each named after its number in `docs/hard-cases.md`.

use futures::executor::block_on;
use seamless_core::model::{Side, Value};

use super::world::{World, reference};

#[test]
fn h100_edits_of_different_fields_of_one_record_merge_without_conflict() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let c = world.customer("C1", "Adatum", "555 01", "adatum.example");
    world.settle();
    world.crm.edit("account", &a, &[("phone", Value::text("555-02"))]).unwrap();
    world.erp.edit("Customer", &c, &[("Home Page", Value::text("www.adatum.example"))]).unwrap();
    let plan = world.plan();
    assert_eq!(plan.trailer().writes(), 2, "{}", world.text(&plan));
    assert_eq!(plan.trailer().waiting(), 0);
    world.settle();
    assert_eq!(world.erp_value(&c, "Phone No."), Value::text("555-02"));
    assert_eq!(world.crm_value(&a, "web"), Value::text("www.adatum.example"));
}

#[test]
fn a_new_record_is_created_on_the_other_side_once() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    world.customer("C2", "Contoso", "1", "");
    world.settle();
    assert_eq!(world.erp.count("Customer"), 2);
    assert_eq!(world.crm.count("account"), 2);
}

#[test]
fn i15_a_conflict_parks_its_field_only_and_a_resolution_ends_it() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let c = world.customer("C1", "Adatum", "555-01", "adatum.example");
    world.settle();
    world.crm.edit("account", &a, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.erp.edit("Customer", &c, &[("Name", Value::text("Adatum Inc"))]).unwrap();
    world.crm.edit("account", &a, &[("phone", Value::text("777"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&c, "Phone No."), Value::text("777"));
    assert_eq!(world.erp_value(&c, "Name"), Value::text("Adatum Inc"));
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Ltd"));
    let link = "customers".into();
    let status = block_on(world.integration.status()).unwrap();
    assert_eq!(status.waiting.len(), 1, "{:?}", status.waiting);
    let rule = "name=Name".into();
    block_on(world.integration.resolve(&link, Side::Left, &a, &rule, Side::Right, "ann")).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Inc"));
    assert!(block_on(world.integration.status()).unwrap().waiting.is_empty());
}

#[test]
fn h79_circular_references_are_created_without_and_patched_after() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let contact = world
        .crm
        .insert(
            "contact",
            Some(seamless_core::model::RecordId::text("p1")),
            &[
                ("email", Value::text("ann@adatum.example")),
                ("fullname", Value::text("Ann")),
                ("account", reference("account", &a)),
            ],
        )
        .unwrap();
    world.crm.edit("account", &a, &[("owner", reference("contact", &contact))]).unwrap();
    world.settle();
    let customer = &world.erp.rows("Customer")[0];
    let person = &world.erp.rows("Contact")[0];
    assert_eq!(world.erp_value(&customer.id, "Primary Contact"), reference("Contact", &person.id));
    assert_eq!(
        world.erp.value("Contact", &person.id, "Company").unwrap(),
        reference("Customer", &customer.id)
    );
}

#[test]
fn a_deleted_record_takes_its_partner_along_only_as_the_policy_says() {
    let world = World::new();
    let a = world.account("a1", "C1", "Adatum", "555-01", "adatum.example");
    let b = world.account("a2", "C2", "Contoso", "2", "");
    world.settle();
    assert_eq!(world.erp.count("Customer"), 2);
    world.crm.delete("account", &a).unwrap();
    world.settle();
    assert_eq!(world.erp.count("Customer"), 1);
    // The other way round the policy parks.
    let c = world.erp.rows("Customer")[0].id.clone();
    world.erp.delete("Customer", &c).unwrap();
    world.settle();
    assert_eq!(world.crm.count("account"), 1);
    assert!(world.crm.get("account", &b).is_some());
    assert_eq!(block_on(world.integration.status()).unwrap().waiting.len(), 1);
}
