//! A system that stores values in a form of its own, at every level of what its writes return: what it made of a value
//! is never carried back as if somebody had typed it, an edit is, and a person is asked once.

use futures::executor::block_on;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::connector::WriteReturns;
use seamless_core::mapper::DriftPolicy;
use seamless_core::model::{
    CanonicalForm, Condition, Entity, Field, FieldKind, Normaliser, RecordId, Side, Value,
};
use seamless_core::plan::ParkedAs;
use seamless_core::plan::render::{Show, TextOptions};
use seamless_core::store::{Attention, AttentionWhy};
use seamless_mapping::{Mapping, copy};

use super::world::{World, text};

/// A left system that keeps what it gets.
pub(crate) fn plain() -> Memory {
    Memory::new(MemoryConfig::new("crm").entity(EntityConfig::new(entity("account", "accountid")))).unwrap()
}

/// A right system that cuts names to ten characters, rounds limits to two digits, and folds the case of cities.
pub(crate) fn lossy(returns: WriteReturns) -> Memory {
    let customer = EntityConfig::new(entity("Customer", "id"))
        .capable(|can| can.write_returns = returns)
        .stores_as("name", CanonicalForm::new([Normaliser::Truncated(10)]))
        .stores_as("limit", CanonicalForm::new([Normaliser::Scale(2)]))
        .stores_as("city", CanonicalForm::new([Normaliser::Case]));
    Memory::new(MemoryConfig::new("erp").entity(customer)).unwrap()
}

fn entity(name: &str, key: &str) -> Entity {
    let limit = FieldKind::Decimal { precision: None, scale: None };
    let fields = vec![
        text(key, 60),
        text("number", 20),
        text("name", 100),
        text("city", 100),
        Field::new("limit", limit),
        text("phone", 30),
    ];
    Entity {
        name: name.into(),
        label: None,
        fields,
        key: vec![key.into()],
        unique: vec![],
        actions: Vec::new(),
    }
}

pub(crate) fn mapping(forms: &[(&str, Normaliser)]) -> Mapping {
    let mut link = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("number", "number")])
        .rule(copy("number", "number"))
        .rule(copy("name", "name"))
        .rule(copy("city", "city"))
        .rule(copy("limit", "limit"))
        .rule(copy("phone", "phone"));
    for (field, form) in forms {
        link = link.form(Side::Right, field, [form.clone()]);
    }
    link.done().build().unwrap()
}

fn world(returns: WriteReturns) -> World {
    World::mapped(plain(), lossy(returns), mapping(&[]))
}

const LONG: &str = "Adatum Corporation";

fn account(world: &World, number: &str, name: &str) -> RecordId {
    let values = [
        ("number", Value::text(number)),
        ("name", Value::text(name)),
        ("city", Value::text("Berlin")),
        ("limit", Value::Decimal("10.456".parse().unwrap())),
        ("phone", Value::text("1")),
    ];
    world.crm.insert("account", Some(RecordId::text(&format!("a{number}"))), &values).unwrap()
}

/// The partner of an account: the record with its number.
fn customer(world: &World, number: &str) -> RecordId {
    let mut rows = world.erp.rows("Customer").into_iter();
    let number = Value::text(number);
    rows.find(|row| world.erp_value(&row.id, "number") == number).unwrap().id
}

fn suspects(world: &World) -> Vec<Attention> {
    let rows = world.waiting().into_iter().map(|(_, row)| row);
    rows.filter(|row| matches!(&row.why, AttentionWhy::Parked { reason: ParkedAs::Suspected, .. })).collect()
}

fn resolve(world: &World, id: &RecordId, rule: &str, take: Side) {
    let (link, rule) = ("customers".into(), rule.into());
    block_on(world.integration.resolve(&link, Side::Left, id, &rule, take, "ann")).unwrap();
}

#[test]
fn h01_h42_i20_what_a_system_makes_of_a_value_is_held_and_never_carried_back_where_writes_return_nothing() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    world.settle();
    assert_eq!(suspects(&world).len(), 3, "{:#?}", world.waiting());
    let customer = customer(&world, "1");
    assert_eq!(world.erp_value(&customer, "name"), Value::text("Adatum Cor"));
    // Nothing of it comes back, whatever else happens, and the other fields go on both ways.
    world.crm.edit("account", &a, &[("phone", Value::text("2"))]).unwrap();
    world.settle();
    assert_eq!(world.erp_value(&customer, "phone"), Value::text("2"));
    world.erp.edit("Customer", &customer, &[("phone", Value::text("3"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "phone"), Value::text("3"));
    assert_eq!(world.crm_value(&a, "name"), Value::text(LONG));
    assert_eq!(world.crm_value(&a, "city"), Value::text("Berlin"));
    assert_eq!(world.crm_value(&a, "limit"), Value::Decimal("10.456".parse().unwrap()));
}

#[test]
fn i20_a_version_that_the_write_made_proves_what_became_of_it_and_nobody_is_asked() {
    for returns in [WriteReturns::Version, WriteReturns::Stored] {
        let world = world(returns);
        let a = account(&world, "1", LONG);
        world.settle();
        assert!(world.waiting().is_empty(), "{returns:?}: {:#?}", world.waiting());
        let id = customer(&world, "1");
        assert_eq!(world.crm_value(&a, "name"), Value::text(LONG), "{returns:?}");
        // From then on the stored form is the base: an edit there is one, even one that shortens.
        world.erp.edit("Customer", &id, &[("name", Value::text("Adatum"))]).unwrap();
        world.settle();
        assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"), "{returns:?}");
    }
}

#[test]
fn h94_i20_an_edit_between_the_write_and_the_next_reading_is_not_swallowed() {
    for returns in [WriteReturns::Nothing, WriteReturns::Version, WriteReturns::Stored] {
        let world = world(returns);
        let a = account(&world, "1", "Adatum");
        world.settle();
        world.crm.edit("account", &a, &[("name", Value::text(LONG))]).unwrap();
        let plan = world.plan();
        block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
        let id = customer(&world, "1");
        world.erp.edit("Customer", &id, &[("name", Value::text("Contoso"))]).unwrap();
        world.settle();
        assert_eq!(world.crm_value(&a, "name"), Value::text("Contoso"), "{returns:?}");
    }
}

#[test]
fn a_genuine_edit_flows_at_once_and_ends_the_suspicion() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    world.settle();
    let id = customer(&world, "1");
    world.erp.edit("Customer", &id, &[("name", Value::text("Contoso"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Contoso"));
    assert!(
        !suspects(&world).iter().any(|row| format!("{row:?}").contains("name=name")),
        "{:#?}",
        world.waiting()
    );
}

#[test]
fn a_suspicion_is_one_notice_in_one_plan_and_says_in_words_what_it_is() {
    let world = world(WriteReturns::Nothing);
    account(&world, "1", LONG);
    world.run();
    let notices: Vec<String> = suspects(&world).iter().map(|row| format!("{row:?}")).collect();
    assert_eq!(notices.len(), 3);
    for _ in 0..3 {
        // Every full reading looks at it again, and no plan says it again.
        world.pass(std::time::Duration::from_secs(24 * 3600));
        world.crm.expire_cursors();
        world.erp.expire_cursors();
        let plan = world.plan();
        assert!(plan.is_empty(), "{}", world.text(&plan));
        world.run();
    }
    let still: Vec<String> = suspects(&world).iter().map(|row| format!("{row:?}")).collect();
    assert_eq!(still, notices);
    assert!(notices.iter().any(|row| row.contains("cut to 10 characters")), "{notices:#?}");
    assert!(notices.iter().any(|row| row.contains("rounded to 2 digits")), "{notices:#?}");
    assert!(notices.iter().any(|row| row.contains("in another case")), "{notices:#?}");
}

#[test]
fn the_systems_form_is_accepted_without_a_write() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    world.settle();
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    for rule in ["name=name", "city=city", "limit=limit"] {
        resolve(&world, &a, rule, Side::Left);
    }
    world.settle();
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before);
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    assert_eq!(world.crm_value(&a, "name"), Value::text(LONG));
    // What is held there is the base now: shortening it is an edit.
    let id = customer(&world, "1");
    world.erp.edit("Customer", &id, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"));
}

#[test]
fn an_edit_that_looked_like_a_form_flows_once_a_person_says_so() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", "Adatum Inc");
    let plan = world.plan();
    block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
    let id = customer(&world, "1");
    // Nothing has shown since the write that the name was stored as it was sent.
    world.erp.edit("Customer", &id, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum Inc"), "it waits");
    resolve(&world, &a, "name=name", Side::Right);
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"));
    assert!(!suspects(&world).iter().any(|row| format!("{row:?}").contains("name=name")));
}

/// A plan that read the record after the write, and found nothing, has seen it: nothing about it is suspect any more.
#[test]
fn what_was_read_as_it_was_sent_is_not_suspect_any_more() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", "Adatum Inc");
    world.settle();
    let id = customer(&world, "1");
    world.erp.edit("Customer", &id, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"));
    assert!(!suspects(&world).iter().any(|row| format!("{row:?}").contains("name=name")));
}

/// Where reading lags, it proves nothing that the record did not show up: only what was seen of it does.
#[test]
fn where_reading_lags_only_what_was_seen_counts() {
    let slow = lossy(WriteReturns::Nothing);
    slow.set_capabilities("Customer", |can| can.low_water = false).unwrap();
    let world = World::mapped(plain(), slow, mapping(&[]));
    let a = account(&world, "1", "Adatum Inc");
    world.settle();
    let id = customer(&world, "1");
    // A commit about the record takes note of what was seen of it.
    world.erp.edit("Customer", &id, &[("phone", Value::text("2"))]).unwrap();
    world.settle();
    world.erp.edit("Customer", &id, &[("name", Value::text("Adatum"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "name"), Value::text("Adatum"));
    let b = account(&world, "2", "Contoso In");
    world.settle();
    let id = customer(&world, "2");
    world.erp.edit("Customer", &id, &[("name", Value::text("Contoso"))]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&b, "name"), Value::text("Contoso In"), "it waits");
}

#[test]
fn a_new_value_of_the_sender_waits_too_and_goes_over_when_its_side_is_meant() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    world.settle();
    world.crm.edit("account", &a, &[("name", Value::text("Contoso Limited"))]).unwrap();
    world.settle();
    let id = customer(&world, "1");
    assert_eq!(world.erp_value(&id, "name"), Value::text("Adatum Cor"));
    resolve(&world, &a, "name=name", Side::Left);
    world.settle();
    assert_eq!(world.erp_value(&id, "name"), Value::text("Contoso Li"));
    assert_eq!(world.crm_value(&a, "name"), Value::text("Contoso Limited"));
}

#[test]
fn a_declared_form_ends_every_suspicion_and_asks_no_more() {
    let mut world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    let b = account(&world, "2", "Northwind Traders");
    world.settle();
    assert_eq!(suspects(&world).len(), 6);
    world.remap(mapping(&[
        ("name", Normaliser::Truncated(10)),
        ("limit", Normaliser::Scale(2)),
        ("city", Normaliser::Case),
    ]));
    let before = (world.crm.counts().ops, world.erp.counts().ops);
    world.pass(std::time::Duration::from_secs(60));
    world.settle();
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
    assert_eq!((world.crm.counts().ops, world.erp.counts().ops), before);
    assert_eq!(world.crm_value(&a, "name"), Value::text(LONG));
    world.crm.edit("account", &b, &[("name", Value::text("Northwind Sellers"))]).unwrap();
    world.settle();
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn a_one_way_rule_that_restores_does_not_fight_the_systems_form() {
    let mapping = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("number", "number")])
        .rule(copy("number", "number"))
        .rule(copy("name", "name").to_right().on_drift(DriftPolicy::Restore))
        .done()
        .build()
        .unwrap();
    let world = World::mapped(plain(), lossy(WriteReturns::Nothing), mapping);
    account(&world, "1", LONG);
    world.settle();
    assert_eq!(world.erp.counts().ops, 1, "it was written once");
    assert_eq!(suspects(&world).len(), 1);
}

#[test]
fn two_records_propose_the_form_in_the_plan_and_in_the_status() {
    let world = world(WriteReturns::Nothing);
    account(&world, "1", LONG);
    world.settle();
    assert!(block_on(world.integration.status()).unwrap().forms.is_empty(), "one record proves nothing");
    account(&world, "2", LONG);
    world.settle();
    assert!(block_on(world.integration.status()).unwrap().forms.is_empty(), "nor does the same value twice");
    account(&world, "3", "Northwind Traders");
    world.run();
    let forms = block_on(world.integration.status()).unwrap().forms;
    assert_eq!(forms.len(), 1, "{forms:#?}");
    assert_eq!((forms[0].field.as_str(), forms[0].side, forms[0].records), ("name", Side::Right, 3));
    assert_eq!(
        forms[0].words("erp"),
        "erp seems to store name of customers cut to 10 characters (3 records); declare it in the mapping under \
         forms, erp: `name: truncated(10)`, or decide record by record"
    );
}

/// The plan in which the second record turns up says so; the plans after it do not.
#[test]
fn a_form_is_proposed_by_the_plan_that_finds_it_and_not_again() {
    let world = world(WriteReturns::Nothing);
    let a = account(&world, "1", LONG);
    account(&world, "2", "Northwind Traders");
    let plan = world.plan();
    block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
    let plan = world.plan();
    let text = world.text(&plan);
    assert!(text.contains("erp seems to store name of customers cut to 10 characters (2 records)"), "{text}");
    assert!(text.contains("waits: it may be the system's own form of what was sent"), "{text}");
    assert!(text.contains("this is it cut to 10 characters"), "{text}");
    let masked = TextOptions { show: Show::Masked, ..TextOptions::default() };
    let masked = block_on(plan.text(masked)).unwrap();
    assert!(masked.contains("it may be the system's own form"), "{masked}");
    assert!(!masked.contains("Adatum"), "{masked}");
    block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
    world.crm.edit("account", &a, &[("phone", Value::text("2"))]).unwrap();
    let plan = world.plan();
    assert!(!world.text(&plan).contains("seems to store"));
}

/// Another mapping may read the fields in another order, or more of them: a base is found by its field.
#[test]
fn i32_a_base_is_that_of_its_field_whatever_rules_come_before_it() {
    let with = |rules: &[&'static str]| {
        let mut link = Mapping::builder("crm", "erp")
            .link("customers", "account", "Customer")
            .two_way()
            .match_on([("number", "number")]);
        for rule in rules {
            link = link.rule(copy(rule, rule));
        }
        link.done().build().unwrap()
    };
    let mut world = World::mapped(plain(), lossy(WriteReturns::Nothing), with(&["number", "name"]));
    let a = account(&world, "1", LONG);
    account(&world, "2", "Adatum");
    world.settle();
    assert_eq!(suspects(&world).len(), 1);
    world.remap(with(&["phone", "number", "city", "name"]));
    world.pass(std::time::Duration::from_secs(60));
    world.run();
    // The new rules fill what is blank; what was known of the others is known still.
    let names = suspects(&world).into_iter().filter(|row| format!("{row:?}").contains("name=name"));
    assert_eq!(names.count(), 1, "{:#?}", world.waiting());
    assert_eq!(world.crm_value(&a, "name"), Value::text(LONG));
    assert_eq!(world.crm_value(&a, "number"), Value::text("1"));
    assert_eq!(world.erp_value(&customer(&world, "1"), "phone"), Value::text("1"));
    let is_conflict = |why: &AttentionWhy| matches!(why, AttentionWhy::Conflict { .. });
    assert!(!world.waiting().iter().any(|(_, row)| is_conflict(&row.why)), "{:#?}", world.waiting());
}

/// A version proves what a write became only if the write made it. One that was read with other fields does not, or
/// an edit would become the base without anybody having been asked.
#[test]
fn i20_a_version_that_was_only_seen_proves_nothing() {
    let world = world(WriteReturns::Version);
    let a = account(&world, "1", "Adatum");
    world.settle();
    let id = customer(&world, "1");
    world.crm.edit("account", &a, &[("name", Value::text("Contoso Ltd"))]).unwrap();
    let plan = world.plan();
    block_on(world.integration.apply(plan.approve("tester", &[]).unwrap())).unwrap();
    let edits = [("name", Value::text("Contoso")), ("phone", Value::text("2"))];
    world.erp.edit("Customer", &id, &edits).unwrap();
    world.settle();
    // The phone went over, and with it a newer version was seen. The name waits, in this run and in later ones.
    assert_eq!(world.crm_value(&a, "phone"), Value::text("2"));
    for phone in ["3", "4"] {
        assert_eq!(suspects(&world).len(), 1, "{:#?}", world.waiting());
        world.erp.edit("Customer", &id, &[("phone", Value::text(phone))]).unwrap();
        world.settle();
    }
    assert_eq!(world.crm_value(&a, "name"), Value::text("Contoso Ltd"));
}

/// A rule that does not apply yet holds it too: once it applies, the form would look like an edit.
#[test]
fn the_systems_form_waits_where_the_rule_does_not_apply_to_it_yet() {
    let applies = Condition::Blank("phone".into());
    let mapping = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("number", "number")])
        .rule(copy("number", "number"))
        .rule(copy("name", "name").when(Side::Right, applies))
        .rule(copy("phone", "phone"))
        .done()
        .build()
        .unwrap();
    let world = World::mapped(plain(), lossy(WriteReturns::Nothing), mapping);
    let a = account(&world, "1", LONG);
    world.settle();
    assert_eq!(suspects(&world).len(), 1, "{:#?}", world.waiting());
    let id = customer(&world, "1");
    world.erp.edit("Customer", &id, &[("phone", Value::Null)]).unwrap();
    world.settle();
    assert_eq!(world.crm_value(&a, "phone"), Value::Null);
    assert_eq!(world.crm_value(&a, "name"), Value::text(LONG));
    assert_eq!(suspects(&world).len(), 1);
}
