//! A system whose search lags behind its writes: what is not found by key may be there.

use std::time::Duration;

use seamless_connectors::memory::Fault;
use seamless_core::connector::{Capabilities, UniqueKey};
use seamless_core::model::{RecordId, Value};
use seamless_core::plan::ParkedAs;
use seamless_core::store::AttentionWhy;
use seamless_core::sync::Options;
use seamless_mapping::{Mapping, copy};

use super::world::{World, as_it_is, crm, erp};

/// A customer is created, the answer is lost, and search does not show the record.
fn lost(change: &dyn Fn(&mut Capabilities)) -> World {
    let world = World::of(crm(&as_it_is), erp(change));
    world.account("a1", "10000", "Adatum", "555-01", "adatum.example");
    world.erp.stop_search("Customer", true).unwrap();
    world.erp.fail_next(Fault::LostReply);
    world.run();
    assert_eq!(world.erp.count("Customer"), 1);
    world
}

#[test]
fn h29_a_record_that_search_does_not_show_yet_is_not_made_again() {
    let world = lost(&as_it_is);
    for _ in 0..3 {
        world.pass(Duration::from_secs(3601));
        world.run();
        assert_eq!(world.erp.count("Customer"), 1);
    }
    world.erp.stop_search("Customer", false).unwrap();
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!(world.erp.count("Customer"), 1);
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h29_where_no_key_is_enforced_not_finding_it_proves_nothing() {
    let keyless = |can: &mut Capabilities| can.unique_key = UniqueKey::None;
    let world = lost(&keyless);
    for stopped in [true, true, false] {
        world.erp.stop_search("Customer", stopped).unwrap();
        world.pass(Duration::from_secs(3601));
        world.run();
        assert_eq!((world.erp.count("Customer"), world.crm.count("account")), (1, 1));
    }
    // It was read meanwhile and matched: whether search showed it does not matter.
    let asks =
        |why: &AttentionWhy| matches!(why, AttentionWhy::Parked { reason: ParkedAs::AmbiguousCreate, .. });
    assert!(world.waiting().iter().all(|(_, open)| !asks(&open.why)), "{:#?}", world.waiting());
}

#[test]
fn h29_a_record_that_search_does_not_show_is_not_deleted() {
    let world = World::new();
    world.account("a1", "10000", "Adatum", "555-01", "adatum.example");
    world.settle();
    world.erp.stop_search("Customer", true).unwrap();
    let customer = world.erp.rows("Customer")[0].id.clone();
    world.erp.touch("Customer", &customer).unwrap();
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!((world.erp.count("Customer"), world.crm.count("account")), (1, 1));
}

/// The account of a new customer is made while accounts are read, behind the page that was just given, and search is late:
/// neither shows it. Catches: that nothing was found taken for nothing being there.
#[test]
fn h29_h51_nothing_is_created_where_neither_reading_nor_search_is_sure_to_show_what_is_there() {
    let mut world = World::mapped(crm(&|can| can.complete_enumeration = false), erp(&as_it_is), customers());
    world.options = Options { page_records_max: 1, ..Options::default() };
    world.restart();
    world.account("b1", "C1", "Adatum", "", "");
    world.account("b2", "C2", "Fabrikam", "", "");
    world.settle();
    world.customer("C9", "Contoso", "", "");
    world.crm.stop_search("account", true).unwrap();
    world.crm.before_page(1, |crm| {
        let values = [("accountnumber", Value::text("C9")), ("name", Value::text("Contoso"))];
        crm.insert("account", Some(RecordId::text("a1")), &values).unwrap();
    });
    world.pass(Duration::from_secs(3601));
    world.run();
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (3, 3));
    world.crm.stop_search("account", false).unwrap();
    world.pass(Duration::from_secs(3601));
    world.settle();
    assert_eq!((world.crm.count("account"), world.erp.count("Customer")), (3, 3));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

fn customers() -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .done()
        .build()
        .unwrap()
}
