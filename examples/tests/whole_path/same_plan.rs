//! Pages that are decided at once: whatever overtakes whatever, and whichever store the state is in, the same
//! observations give the same plan, entry by entry.

use std::sync::Arc;

use futures::executor::block_on;
use seamless_core::model::{RecordId, Side, Value};
use seamless_core::store::{EntryParts, MemoryStore, Scan, SqliteStore};
use seamless_core::sync::Integration;
use seamless_mapping::{Mapping, copy};

use super::gate::Gate;
use super::relations::{tree, unit};
use super::world::{World, approve, as_it_is, crm, erp, reference};

/// More than three pages of pairs.
const PAIRS: usize = 1_900;

/// More than three pages of records without a pair, on each side.
const ALONE: usize = 1_700;

fn number(place: usize) -> String {
    format!("C{place:05}")
}

/// Numbers that lie as unlike the order of the ids as can be.
fn scattered(place: usize) -> usize {
    place * 7_919 % 104_729
}

fn with_store(world: &mut World, sqlite: bool) {
    world.store = match sqlite {
        true => Arc::new(SqliteStore::open_in_memory(world.clock.clone()).unwrap()),
        false => Arc::new(MemoryStore::new(world.clock.clone())),
    };
    world.restart();
}

/// Pairs of all kinds, and then a day on which everything that a plan knows happened on pages far apart.
fn busy(sqlite: bool) -> World {
    let mut world = World::new();
    with_store(&mut world, sqlite);
    for place in 0..PAIRS {
        let id = format!("a{:06}", scattered(place));
        world.account(&id, &number(place), &format!("Name {place}"), "1", "");
    }
    for place in 0..40 {
        world.contact(&format!("p{place:03}"), &format!("m{place}@x.example"), "Ann", None);
    }
    world.settle();
    let accounts: Vec<RecordId> =
        (0..PAIRS).map(|place| RecordId::text(&format!("a{:06}", scattered(place)))).collect();
    let customers: Vec<RecordId> = world.erp.rows("Customer").into_iter().map(|row| row.id).collect();
    let edit = |place: usize, field: &str, value: &str| {
        world.crm.edit("account", &accounts[place], &[(field, Value::text(value))]).unwrap();
    };
    for place in (0..PAIRS).step_by(3) {
        edit(place, "name", &format!("New {place}"));
    }
    for (place, id) in customers.iter().enumerate().step_by(7) {
        world.erp.edit("Customer", id, &[("Name", Value::text(&format!("Other {place}")))]).unwrap();
    }
    // Numbers change hands in rings and chains over pages, and are given up.
    for place in 0..60 {
        edit(place * 20, "accountnumber", &number((place * 20 + 380) % 1_200));
    }
    for place in 0..30 {
        edit(1_300 + place, "accountnumber", &format!("G{place}"));
    }
    for place in 0..20 {
        world.crm.delete("account", &accounts[1_400 + place * 20]).unwrap();
        world.crm.merge("account", &accounts[1_405 + place * 20], &accounts[place]).unwrap();
    }
    for (place, account) in accounts.iter().enumerate().take(1_300).skip(5).step_by(90) {
        let owner = RecordId::text(&format!("p{:03}", place % 40));
        world.crm.edit("account", account, &[("owner", reference("contact", &owner))]).unwrap();
    }
    // New ones: alone, matched, doubled, of numbers that are given up and of numbers that are taken.
    for place in 0..ALONE {
        let id = format!("n{:06}", scattered(place));
        let number = match place % 17 {
            0 => number(1_300 + place % 30),
            1 => number(place),
            2 => "twice".to_owned(),
            _ => format!("N{place}"),
        };
        world.account(&id, &number, "New", "2", "");
    }
    for place in (0..ALONE).step_by(2) {
        let id = world.customer(&format!("N{}", scattered(place) % (2 * ALONE)), "New", "3", "");
        if place % 5 == 0 {
            let contact = world.erp.rows("Contact")[place % 40].id.clone();
            let value = reference("Contact", &contact);
            world.erp.edit("Customer", &id, &[("Primary Contact", value)]).unwrap();
        }
    }
    for place in 0..600 {
        let account = RecordId::text(&format!("n{:06}", scattered(place)));
        world.contact(&format!("q{place:03}"), &format!("q{place}@x.example"), "Bob", Some(&account));
    }
    world
}

/// Everything that is sealed, but for the id that every plan has of its own.
fn sealed(world: &World, integration: &Integration) -> Vec<String> {
    let plan = block_on(integration.plan()).unwrap();
    let mut lines = Vec::new();
    let mut after = None;
    loop {
        let scan = Scan { after, rows_max: 1_000 };
        let page = block_on(world.store.entries(plan.id(), EntryParts::Whole, scan)).unwrap();
        lines.extend(page.rows.iter().map(|row| format!("{:?}", row.entry)));
        after = page.rows.last().map(|row| row.entry.key.clone());
        if !page.more {
            break;
        }
    }
    let mut trailer = plan.trailer().clone();
    (trailer.digest, trailer.seal) = (String::new(), String::new());
    lines.push(format!("{trailer:?}"));
    lines
}

fn same(make: &dyn Fn(bool) -> World, entries_min: usize) {
    let mut expected: Option<Vec<String>> = None;
    for sqlite in [false, true] {
        let world = make(sqlite);
        for seed in 0..6 {
            let made = sealed(&world, &world.gated(&Gate::swaying(seed * 77)));
            assert!(made.len() > entries_min, "{} entries", made.len());
            let expected = expected.get_or_insert_with(|| made.clone());
            let differs = expected.iter().zip(&made).find(|(one, other)| one != other);
            assert_eq!(differs, None, "sqlite {sqlite}, seed {seed}");
            assert_eq!(expected.len(), made.len(), "sqlite {sqlite}, seed {seed}");
        }
    }
}

#[test]
fn i17_whatever_overtakes_whatever_the_plan_is_the_same() {
    same(&busy, 3_000);
}

#[test]
fn i17_the_first_plan_of_all_is_the_same_too() {
    let make = |sqlite| {
        let mut world = World::new();
        with_store(&mut world, sqlite);
        for place in 0..ALONE {
            world.account(&format!("a{:06}", scattered(place)), &number(place), "Name", "1", "");
            world.customer(&number(place * 2), "Name", "2", "");
        }
        for place in 0..1_200 {
            let account = RecordId::text(&format!("a{:06}", scattered(place)));
            world.contact(&format!("q{place:04}"), &format!("q{place}@x.example"), "Bob", Some(&account));
        }
        world
    };
    same(&make, 3_000);
}

#[test]
fn i17_a_tree_over_several_pages_gives_the_same_plan() {
    let make = |sqlite| {
        let mut world = tree();
        with_store(&mut world, sqlite);
        let code = |place: usize| format!("u{:05}", scattered(place));
        for place in 0..1_600 {
            unit(&world, &code(place), None);
        }
        world.settle();
        for place in 1..1_600 {
            let parent = reference("unit", &RecordId::text(&code(place / 2)));
            world.crm.edit("unit", &RecordId::text(&code(place)), &[("parent", parent)]).unwrap();
        }
        for (place, row) in world.system(Side::Right).rows("Unit").into_iter().enumerate().skip(1).step_by(9)
        {
            let below = world.erp.rows("Unit")[(place * 5) % 1_600].id.clone();
            world.erp.edit("Unit", &row.id, &[("parent", reference("Unit", &below))]).unwrap();
        }
        for place in 0..1_100 {
            unit(&world, &format!("v{:05}", scattered(place)), Some(&code(place)));
        }
        world
    };
    same(&make, 1_500);
}

// Two records find the same partner by different lines. Where both are decided with the same page both are parked; that
// there are hundreds of others between them must not make two pairs of one record.
#[test]
fn two_records_pages_apart_that_find_the_same_partner_are_not_both_paired_with_it() {
    for between in [0, 1_200] {
        let mapping = Mapping::builder("crm", "erp")
            .link("customers", "account", "Customer")
            .to_right()
            .match_on([("accountnumber", "No.")])
            .match_on([("web", "Home Page")])
            .rule(copy("accountnumber", "No."))
            .rule(copy("name", "Name"))
            .rule(copy("web", "Home Page"))
            .done()
            .build()
            .unwrap();
        let world = World::mapped(crm(&as_it_is), erp(&as_it_is), mapping);
        world.account("a", "C1", "Adatum", "", "");
        let customer = world.customer("C2", "Contoso", "", "contoso.example");
        world.settle();
        world.account("b", "C2", "Contoso", "", "");
        for place in 0..between {
            world.account(&format!("c{place:05}"), &number(1_000 + place), "Between", "", "");
        }
        world.account("d", "C3", "Contoso Ltd", "", "contoso.example");
        let ran = block_on(world.integration.run(approve));
        assert!(ran.is_ok(), "{between}: {ran:?}");
        let marks = block_on(world.store.marks(&"customers".into(), Side::Left, Scan::first(5_000))).unwrap();
        let pairs = marks.rows.iter().filter(|mark| mark.ids.right == customer).count();
        // What is not its partner is parked, or has one of its own once nothing is found any more.
        let both = ["b", "d"].map(RecordId::text);
        let paired = marks.rows.iter().filter(|mark| both.contains(&mark.ids.left)).count();
        let parked = world.waiting().len();
        assert!(pairs <= 1 && paired + parked == 2, "{between}: {pairs} pairs, {:#?}", world.waiting());
    }
}
