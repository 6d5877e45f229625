//! Fields that a system does not have any more: what rests, what goes on, and what becomes of it when they come back.

use std::time::Duration;

use futures::executor::block_on;
use seamless_core::connector::Connector;
use seamless_core::model::{Entity, ErrorKind, Field, FieldName, LinkId, Normaliser, RecordId, Side, Value};
use seamless_core::plan::ParkedAs;
use seamless_core::store::{Attention, AttentionWhy};

use seamless_mapping::{Mapping, copy, declaration::RuleDecl};

use super::world::{World, reference};

/// An entity of a system as it was, for the day on which it gets its fields back.
fn schema(world: &World, side: Side, entity: &str) -> Entity {
    let schema = block_on(world.system(side).discover(&[entity.into()])).unwrap();
    schema.entities.values().next().unwrap().clone()
}

fn without(mut entity: Entity, field: &str) -> Entity {
    entity.fields.retain(|known| known.name.as_str() != field);
    entity
}

fn renamed(mut entity: Entity, field: &str, name: &str) -> Entity {
    let known: &mut Field = entity.fields.iter_mut().find(|known| known.name.as_str() == field).unwrap();
    known.name = FieldName::new(name);
    entity
}

fn notices(world: &World) -> Vec<String> {
    let told = |(_, attention): (LinkId, Attention)| match attention.why {
        AttentionWhy::Parked { reason: ParkedAs::FieldGone, message, remedy, .. } => {
            assert!(!remedy.is_empty());
            message
        }
        other => panic!("{other:?}"),
    };
    world.waiting().into_iter().map(told).collect()
}

/// Two pairs and a contact of one of them.
fn three(world: &World) -> (RecordId, RecordId, RecordId) {
    let adatum = world.account("a1", "10000", "Adatum", "555-01", "adatum.example");
    let bellows = world.account("a2", "20000", "Bellows", "555-02", "bellows.example");
    world.contact("c1", "ann@adatum.example", "Ann", Some(&adatum));
    world.settle();
    let customers = world.erp.rows("Customer");
    (adatum, bellows, customers[0].id.clone())
}

#[test]
fn h115_only_the_rule_of_a_field_that_is_gone_rests_and_it_goes_on_when_the_field_is_back() {
    let world = World::new();
    let (adatum, bellows, customer) = three(&world);
    let whole = schema(&world, Side::Right, "Customer");
    world.erp.set_schema(renamed(whole.clone(), "Home Page", "Web Site")).unwrap();
    world.crm.edit("account", &adatum, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.crm.edit("account", &bellows, &[("web", Value::text("new.bellows.example"))]).unwrap();
    let new = world.account("a3", "30000", "Contoso", "555-03", "contoso.example");
    let contact = world.crm.rows("contact")[0].id.clone();
    world.crm.edit("contact", &contact, &[("fullname", Value::text("Anna"))]).unwrap();
    world.settle();
    assert_eq!(
        notices(&world),
        ["Customer of erp has no field Home Page any more; the rule web=Home Page rests"],
        "one notice, however many records"
    );
    // Everything else went on: an edit, a new record, the other link.
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp.count("Customer"), 3);
    let person = world.erp.rows("Contact")[0].id.clone();
    assert_eq!(world.erp.value("Contact", &person, "Name"), Some(Value::text("Anna")));
    assert_eq!(world.crm_value(&new, "web"), Value::text("contoso.example"));
    // Sweeps delete nothing and say nothing more.
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!((world.crm.count("account"), notices(&world).len()), (3, 1));
    // The column gets its old name back, empty; what it held is what the pairs last agreed on.
    world.erp.set_schema(whole).unwrap();
    world.settle();
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    let pages = world.erp.rows("Customer").into_iter().map(|row| world.erp_value(&row.id, "Home Page"));
    let expected = ["adatum.example", "new.bellows.example", "contoso.example"];
    assert_eq!(pages.collect::<Vec<_>>(), expected.map(Value::text));
    assert_eq!(world.crm_value(&adatum, "web"), Value::text("adatum.example"), "nobody cleared it");
}

#[test]
fn h115_edits_that_were_made_while_a_field_was_away_are_carried_and_meet_as_edits() {
    let world = World::new();
    let (adatum, bellows, customer) = three(&world);
    let other = world.erp.rows("Customer")[1].id.clone();
    let whole = schema(&world, Side::Right, "Customer");
    let kept: Vec<(RecordId, Value)> = world
        .erp
        .rows("Customer")
        .into_iter()
        .map(|row| (row.id.clone(), world.erp_value(&row.id, "Home Page")))
        .collect();
    world.erp.set_schema(without(whole.clone(), "Home Page")).unwrap();
    world.settle();
    world.crm.edit("account", &bellows, &[("web", Value::text("left.example"))]).unwrap();
    world.crm.edit("account", &bellows, &[("phone", Value::text("555-22"))]).unwrap();
    world.settle();
    world.erp.set_schema(whole).unwrap();
    for (id, page) in kept {
        world.erp.edit_unnoticed("Customer", &id, &[("Home Page", page)]).unwrap();
    }
    // Somebody edited one before the next run, and no feed tells of the others.
    world.erp.edit_unnoticed("Customer", &customer, &[("Home Page", Value::text("right.example"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&adatum, "web"), Value::text("right.example"));
    assert_eq!(world.erp_value(&other, "Home Page"), Value::text("left.example"));
    assert_eq!(world.erp_value(&other, "Phone No."), Value::text("555-22"));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h115_a_conflict_about_a_field_that_goes_stays_open_and_is_decided_when_it_is_back() {
    let world = World::new();
    let (adatum, _, customer) = three(&world);
    world.crm.edit("account", &adatum, &[("web", Value::text("left.example"))]).unwrap();
    world.erp.edit("Customer", &customer, &[("Home Page", Value::text("right.example"))]).unwrap();
    world.settle();
    let whole = schema(&world, Side::Right, "Customer");
    world.erp.set_schema(without(whole.clone(), "Home Page")).unwrap();
    world.settle();
    assert_eq!(world.waiting().len(), 2);
    world.erp.set_schema(whole).unwrap();
    world.erp.edit_unnoticed("Customer", &customer, &[("Home Page", Value::text("right.example"))]).unwrap();
    world.settle();
    assert_eq!(world.waiting().len(), 1, "{:#?}", world.waiting());
    assert_eq!(world.crm_value(&adatum, "web"), Value::text("left.example"));
    assert_eq!(world.erp_value(&customer, "Home Page"), Value::text("right.example"));
}

#[test]
fn h115_a_link_that_matches_by_a_field_that_is_gone_rests_as_a_whole_and_the_others_go_on() {
    let world = World::new();
    let (adatum, _, customer) = three(&world);
    let whole = schema(&world, Side::Left, "account");
    let numbers: Vec<(RecordId, Value)> = world
        .crm
        .rows("account")
        .into_iter()
        .map(|row| (row.id.clone(), world.crm_value(&row.id, "accountnumber")))
        .collect();
    world.crm.set_schema(without(whole.clone(), "accountnumber")).unwrap();
    world.crm.edit("account", &adatum, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let new = [("name", Value::text("Contoso"))];
    let contoso = world.crm.insert("account", Some(RecordId::text("a3")), &new).unwrap();
    world.erp.delete("Customer", &world.erp.rows("Customer")[1].id).unwrap();
    let contact = world.contact("c2", "bea@adatum.example", "Bea", Some(&adatum));
    world.settle();
    assert_eq!(
        notices(&world),
        ["account of crm has no field accountnumber any more; the link needs it and rests"]
    );
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Adatum"));
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (3, 1));
    // The other link goes on, its references to pairs that are known included.
    let bea = world
        .erp
        .rows("Contact")
        .into_iter()
        .find(|row| row.record.field("Name").to_slot() == Value::text("Bea").into());
    let company = bea.unwrap().record.field("Company").value().unwrap().to_value();
    assert_eq!(company, reference("Customer", &customer));
    assert_eq!(world.crm.value("contact", &contact, "fullname"), Some(Value::text("Bea")));
    // A reading of everything does not end the notice, and deletes nothing.
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!((notices(&world).len(), world.crm.count("account")), (1, 3));
    world.crm.set_schema(whole).unwrap();
    for (id, number) in numbers {
        world.crm.edit_unnoticed("account", &id, &[("accountnumber", number)]).unwrap();
    }
    world.crm.edit("account", &contoso, &[("accountnumber", Value::text("30000"))]).unwrap();
    world.run();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp.count("Customer"), 2);
    let gone = |(_, attention): &(LinkId, Attention)| {
        !matches!(&attention.why, AttentionWhy::Parked { reason: ParkedAs::FieldGone, .. })
    };
    assert!(world.waiting().iter().all(gone), "{:#?}", world.waiting());
}

#[test]
fn h115_a_field_that_was_never_there_is_a_mistake_of_the_mapping() {
    let world = World::new();
    let whole = schema(&world, Side::Right, "Customer");
    world.erp.set_schema(without(whole, "Home Page")).unwrap();
    world.account("a1", "10000", "Adatum", "555-01", "adatum.example");
    let refused = block_on(world.integration.plan()).unwrap_err();
    assert!(refused.to_string().contains("no such field"), "{refused}");
    assert_eq!(world.erp.count("Customer"), 0);
}

#[test]
fn h115_i32_another_mapping_is_not_taken_over_rules_that_rest() {
    let mut world = World::new();
    let (_, bellows, _) = three(&world);
    let whole = schema(&world, Side::Right, "Customer");
    world.erp.set_schema(without(whole.clone(), "Home Page")).unwrap();
    world.settle();
    // The rule itself is another one: its base would count as one of the new rule.
    let changed = |rule: RuleDecl| {
        Mapping::builder("crm", "erp")
            .link("customers", "account", "Customer")
            .two_way()
            .match_on([("accountnumber", "No.")])
            .rule(copy("accountnumber", "No."))
            .rule(copy("name", "Name"))
            .rule(rule)
            .done()
            .build()
            .unwrap()
    };
    world.remap(changed(copy("web", "Home Page").same_when([Normaliser::Case])));
    let refused = block_on(world.integration.plan()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
    assert!(refused.to_string().contains("no field Home Page any more"), "{refused}");
    // Where only other rules changed, it rests on.
    world.remap(changed(copy("web", "Home Page")));
    world.run();
    assert_eq!(notices(&world).len(), 1);
    world.erp.set_schema(whole).unwrap();
    world.crm.edit("account", &bellows, &[("name", Value::text("Bellows Ltd"))]).unwrap();
    world.settle();
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    let pages = world.erp.rows("Customer").into_iter().map(|row| world.erp_value(&row.id, "Home Page"));
    assert_eq!(pages.collect::<Vec<_>>(), ["adatum.example", "bellows.example"].map(Value::text));
}
