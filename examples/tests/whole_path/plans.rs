//! Plans as promises: making one moves nothing, applying one does nothing else, and one that was edited, is of another
//! state or is too old is refused.

use std::time::Duration;

use futures::executor::block_on;
use seamless_core::model::{ErrorKind, GuardId, RecordId, Side, Value};
use seamless_core::store::Scan;
use seamless_core::sync::Plan;
use seamless_mapping::{Mapping, copy};

use super::picture::{picture, waiting};
use super::world::{World, approve};

fn two_accounts() -> World {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "1", "adatum.example");
    world.account("a2", "C2", "Contoso", "2", "contoso.example");
    world
}

fn file(plan: &Plan) -> Vec<u8> {
    let mut bytes = Vec::new();
    block_on(plan.write_jsonl(&mut bytes)).unwrap();
    bytes
}

#[test]
fn i34_making_a_plan_moves_neither_systems_nor_pairs_nor_cursors() {
    let world = two_accounts();
    world.settle();
    let a1 = world.crm.rows("account")[0].id.clone();
    world.crm.edit("account", &a1, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.account("a3", "C3", "Fabrikam", "3", "");
    let state = || {
        let link = "customers".into();
        let marks = block_on(world.store.marks(&link, Side::Left, Scan::first(100))).unwrap().rows;
        let feeds = Side::BOTH.map(|side| block_on(world.store.feed(&link, side)).unwrap());
        (picture(&world), marks, feeds, block_on(world.store.revision()).unwrap(), world.erp.counts().ops)
    };
    let before = state();
    let plan = world.plan();
    assert_eq!(plan.trailer().writes(), 2);
    assert_eq!(state(), before);
}

#[test]
fn a_plan_that_is_written_while_it_is_made_is_the_file_that_is_written_afterwards() {
    let world = two_accounts();
    let mut bytes = Vec::new();
    let plan = block_on(world.integration.plan_into(&mut bytes)).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(file(&plan)).unwrap());
}

/// A disk that is full after so many bytes.
struct Full(usize);

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.0.min(bytes.len());
        self.0 -= room;
        if room == 0 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(room) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_plan_whose_file_cannot_be_written_is_given_up_and_can_be_made_again() {
    let world = two_accounts();
    let mut whole = Vec::new();
    block_on(world.integration.plan_into(&mut whole)).unwrap();
    for room in [0, 10, whole.len() / 2, whole.len() - 1] {
        let error = block_on(world.integration.plan_into(&mut Full(room))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "with room for {room} bytes");
    }
    assert_eq!(world.plan().trailer().writes(), 2);
}

#[test]
fn i34_applying_does_only_what_the_plan_says() {
    let world = two_accounts();
    let plan = world.plan();
    // What happens after the plan was made is the next plan's.
    world.account("a3", "C3", "Fabrikam", "3", "");
    let applied = block_on(world.integration.apply(plan.approve("ann", &[]).unwrap())).unwrap();
    assert_eq!((applied.written, applied.dropped_count), (2, 0));
    assert_eq!(world.erp.count("Customer"), 2);
    world.settle();
    assert_eq!(world.erp.count("Customer"), 3);
}

#[test]
fn i34_what_cannot_be_done_as_planned_is_dropped_and_named() {
    let world = two_accounts();
    world.settle();
    let a1 = world.crm.rows("account")[0].id.clone();
    let c1 = world.erp.rows("Customer")[0].id.clone();
    world.crm.edit("account", &a1, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    let plan = world.plan();
    world.erp.edit("Customer", &c1, &[("Memo", Value::text("a call"))]).unwrap();
    let applied = block_on(world.integration.apply(plan.approve("ann", &[]).unwrap())).unwrap();
    assert_eq!((applied.written, applied.dropped_count), (0, 1));
    assert!(applied.dropped[0].why.contains("changed"), "{:?}", applied.dropped);
    world.settle();
    assert_eq!(world.erp_value(&c1, "Name"), Value::text("Adatum Ltd"));
}

#[test]
fn a_plan_file_comes_back_as_it_was_and_an_edited_one_is_refused() {
    let world = two_accounts();
    let plan = world.plan();
    let bytes = file(&plan);
    let opened = block_on(world.integration.open_plan(&mut bytes.as_slice())).unwrap();
    assert_eq!(opened.id(), plan.id());
    let text = String::from_utf8(bytes).unwrap();
    let edited = text.replacen("Adatum", "Adatvm", 1);
    assert_ne!(edited, text);
    assert!(block_on(world.integration.open_plan(&mut edited.as_bytes())).is_err());
    let cut: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    assert!(block_on(world.integration.open_plan(&mut cut.as_bytes())).is_err());
}

#[test]
fn a_plan_of_another_state_is_refused() {
    let bytes = file(&two_accounts().plan());
    let other = two_accounts();
    assert!(block_on(other.integration.open_plan(&mut bytes.as_slice())).is_err());
}

#[test]
fn a_plan_that_the_state_has_moved_past_is_refused() {
    let world = two_accounts();
    let old = world.plan();
    world.pass(Duration::from_secs(60));
    world.settle();
    let error = block_on(world.integration.apply(old.approve("ann", &[]).unwrap())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(world.erp.count("Customer"), 2);
}

#[test]
fn h65_an_empty_side_stops_a_plan_until_a_person_overrides_it_by_name_for_this_plan() {
    let world = two_accounts();
    world.settle();
    for row in world.crm.rows("account") {
        world.crm.delete("account", &row.id).unwrap();
    }
    world.pass(Duration::from_secs(2 * 3600));
    let report = world.run();
    assert!(!report.quiet);
    assert_eq!(world.erp.count("Customer"), 2, "nothing happens without a yes");
    let guard: GuardId = "customers.empty.left".into();
    let plan = world.plan();
    assert_eq!(plan.approve("ann", &[]).unwrap_err().kind(), ErrorKind::Guarded);
    let overridden = plan.approve("ann", std::slice::from_ref(&guard)).unwrap();
    // The yes is to this plan; the next one asks again.
    world.pass(Duration::from_secs(1));
    let next = world.plan();
    assert_eq!(next.approve("ann", &[]).unwrap_err().kind(), ErrorKind::Guarded);
    drop(overridden);
    block_on(world.integration.apply(next.approve("ann", &[guard]).unwrap())).unwrap();
    assert_eq!(world.erp.count("Customer"), 0);
}

/// The mapping of customers with another form for phones, or with what the usual one says.
fn customers(phone_digits: bool) -> Mapping {
    use seamless_core::mapper::DeletePolicy;
    use seamless_core::model::Normaliser;
    let phone = copy("phone", "Phone No.");
    let phone = if phone_digits { phone.same_when([Normaliser::Digits]) } else { phone };
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .rule(phone)
        .build()
        .unwrap()
}

#[test]
fn h70_i32_another_mapping_deletes_nothing_at_first_and_keeps_the_bases_of_rules_that_stay() {
    let usual = World::new();
    let mut world = World::mapped(usual.crm, usual.erp, customers(true));
    let a1 = world.account("a1", "C1", "Adatum", "555-01", "");
    world.account("a2", "C2", "Contoso", "2", "");
    let c1 = world.customer("C1", "Adatum", "(555) 01", "");
    world.settle();
    world.crm.edit("account", &a1, &[("name", Value::text("Adatum Ltd"))]).unwrap();
    world.crm.delete("account", &RecordId::text("a2")).unwrap();
    world.remap(customers(false));
    world.pass(Duration::from_secs(60));
    let plan = world.plan();
    let counts = &plan.trailer().counts["customers"];
    assert_eq!((counts.delete.left, counts.delete.right), (0, 0), "{}", world.text(&plan));
    // The name's rule is as it was: the edit is one, and flows. The phone's is not: two values without a base.
    assert_eq!((counts.update.right, counts.conflict), (1, 1), "{}", world.text(&plan));
    world.run();
    assert_eq!(world.erp_value(&c1, "Name"), Value::text("Adatum Ltd"));
    assert_eq!(world.erp_value(&c1, "Phone No."), Value::text("(555) 01"));
}

/// Every order of three rules, and every place for a fourth: a base belongs to its field, wherever that stands.
#[test]
fn i32_rules_in_another_order_keep_their_bases() {
    let fields = [("accountnumber", "No."), ("name", "Name"), ("phone", "Phone No.")];
    let mapped = |order: &[(&str, &str)]| {
        let link = Mapping::builder("crm", "erp").link("customers", "account", "Customer").two_way();
        let link = link.match_on([("accountnumber", "No.")]);
        order.iter().fold(link, |link, (left, right)| link.rule(copy(left, right))).done().build().unwrap()
    };
    let mut orders = vec![vec![1, 0, 2], vec![2, 1, 0], vec![1, 2, 0], vec![2, 0, 1]];
    orders.extend([vec![3, 0, 1, 2], vec![0, 3, 1, 2], vec![0, 1, 3, 2], vec![0, 2], vec![2, 1]]);
    for order in orders {
        let usual = World::new();
        let mut world = World::mapped(usual.crm, usual.erp, mapped(&fields));
        let a1 = world.account("a1", "C1", "Adatum", "555-01", "");
        let a2 = world.account("a2", "C2", "C2", "C2", "");
        world.settle();
        let c1 = world.erp.rows("Customer")[0].id.clone();
        world.crm.edit("account", &a1, &[("phone", Value::text("Adatum"))]).unwrap();
        world.erp.edit("Customer", &c1, &[("Name", Value::text("C1"))]).unwrap();
        world.crm.edit("account", &a2, &[("phone", Value::text("555-02"))]).unwrap();
        let all = [fields[0], fields[1], fields[2], ("web", "Home Page")];
        let chosen: Vec<(&str, &str)> = order.iter().map(|place| all[*place]).collect();
        world.remap(mapped(&chosen));
        let text = world.text(&world.plan());
        world.run();
        let has = |field: usize| order.contains(&field);
        let name = if has(1) { "C1" } else { "Adatum" };
        assert_eq!(world.crm_value(&a1, "name"), Value::text(name), "{order:?}: {text}");
        assert_eq!(world.erp_value(&c1, "Name"), Value::text("C1"), "{order:?}: {text}");
        assert_eq!(world.crm_value(&a1, "phone"), Value::text("Adatum"), "{order:?}: {text}");
        assert_eq!(world.erp_value(&c1, "Phone No."), Value::text("Adatum"), "{order:?}: {text}");
        // The fourth is new: what differs there has no base, and waits.
        let waits = waiting(&world);
        assert!(waits.iter().all(|line| line.contains("web")), "{order:?}: {waits:?}: {text}");
    }
}

#[test]
fn h111_state_of_other_systems_is_refused() {
    use seamless_connectors::memory::{Memory, MemoryConfig};
    let world = two_accounts();
    world.settle();
    let clone = Memory::new(MemoryConfig::new("a copy of crm")).unwrap();
    let other = world.builder().left("crm", std::sync::Arc::new(clone)).build().unwrap();
    let error = block_on(other.run(approve)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.remedy().is_some());
}
