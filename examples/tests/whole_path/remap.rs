//! What is open about a pair, and what it is based on, when things turn into others: something parked into a conflict and
//! back, and a rule into another rule.

use futures::executor::block_on;
use seamless_core::model::{RecordId, Side, Value};
use seamless_mapping::{Mapping, both, options};

use super::picture::waiting;
use super::world::World;

/// Customers with a table of values for their names.
fn table(rows: &[(&str, &str)]) -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .rule(seamless_mapping::copy("accountnumber", "No."))
        .rule(options("name", "Name", rows.iter().map(|(left, right)| both(*left, *right))))
        .done()
        .build()
        .unwrap()
}

struct Desk {
    world: World,
    left: RecordId,
    right: RecordId,
}

/// One pair in step: `a` on the left, `A` on the right.
fn desk(rows: &[(&str, &str)]) -> Desk {
    let usual = World::new();
    let world = World::mapped(usual.crm, usual.erp, table(rows));
    let left = world.account("a1", "C1", rows[0].0, "", "");
    world.settle();
    let right = world.erp.rows("Customer")[0].id.clone();
    Desk { world, left, right }
}

impl Desk {
    fn edit(&self, side: Side, value: &str) {
        let value = Value::text(value);
        match side {
            Side::Left => self.world.crm.edit("account", &self.left, &[("name", value)]).unwrap(),
            Side::Right => self.world.erp.edit("Customer", &self.right, &[("Name", value)]).unwrap(),
        }
    }

    /// Applies one plan and no more: what it says is open must be open when it is done.
    fn apply_one(&self) -> String {
        let plan = self.world.plan();
        let text = self.world.text(&plan);
        block_on(self.world.integration.apply(plan.approve("kim", &[]).unwrap())).unwrap();
        text
    }

    fn names(&self) -> [Value; 2] {
        [self.world.crm_value(&self.left, "name"), self.world.erp_value(&self.right, "Name")]
    }
}

const ROWS: [(&str, &str); 3] = [("a", "A"), ("b", "B"), ("c", "C")];

#[test]
fn what_was_parked_and_is_a_conflict_now_is_open_as_a_conflict() {
    for parked_on in Side::BOTH {
        let desk = desk(&ROWS);
        desk.edit(parked_on, "unknown");
        desk.apply_one();
        assert!(waiting(&desk.world)[0].contains("parked"), "{:?}", waiting(&desk.world));
        desk.edit(Side::Left, "b");
        desk.edit(Side::Right, "C");
        let text = desk.apply_one();
        assert_eq!(waiting(&desk.world), ["customers left conflict [\"name=Name\"]"], "{text}");
        assert!(!text.contains("is over"), "{text}");
    }
}

#[test]
fn what_was_a_conflict_and_is_parked_now_is_open_as_parked() {
    for parked_on in Side::BOTH {
        let desk = desk(&ROWS);
        desk.edit(Side::Left, "b");
        desk.edit(Side::Right, "C");
        desk.apply_one();
        assert!(waiting(&desk.world)[0].contains("conflict"), "{:?}", waiting(&desk.world));
        desk.edit(parked_on, "unknown");
        desk.edit(parked_on.other(), if parked_on == Side::Left { "A" } else { "a" });
        let text = desk.apply_one();
        let waits = waiting(&desk.world);
        assert!(waits.len() == 1 && waits[0].contains("parked"), "{waits:?}: {text}");
    }
}

// What the words of a parked value ask for: "add it to the table".
#[test]
fn i32_a_value_that_is_added_to_the_table_is_carried_and_asks_nobody() {
    let mut desk = desk(&ROWS);
    desk.edit(Side::Left, "d");
    desk.apply_one();
    assert_eq!(waiting(&desk.world).len(), 1);
    desk.world.remap(table(&[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]));
    let text = desk.apply_one();
    assert_eq!(desk.names(), [Value::text("d"), Value::text("D")], "{text}");
    assert_eq!(waiting(&desk.world), Vec::<String>::new(), "{text}");
    desk.world.settle();
}

#[test]
fn i32_where_the_former_bases_mean_something_else_now_a_person_is_asked_until_he_answers() {
    let mut desk = desk(&ROWS);
    desk.edit(Side::Left, "b");
    desk.world.remap(table(&[("a", "C"), ("b", "B"), ("c", "A")]));
    for round in ["1", "2", "3"] {
        // The record is read again, and judged again.
        desk.world.crm.edit("account", &desk.left, &[("phone", Value::text(round))]).unwrap();
        let text = desk.apply_one();
        assert_eq!(desk.names(), [Value::text("b"), Value::text("A")], "{text}");
        assert_eq!(waiting(&desk.world), ["customers left conflict [\"name=Name\"]"], "{text}");
    }
    let (link, rule) = ("customers".into(), "name=Name".into());
    let decided = desk.world.integration.resolve(&link, Side::Left, &desk.left, &rule, Side::Left, "kim");
    block_on(decided).unwrap();
    let text = desk.apply_one();
    assert_eq!(desk.names(), [Value::text("b"), Value::text("B")], "{text}");
    assert_eq!(waiting(&desk.world), Vec::<String>::new(), "{text}");
    desk.world.settle();
}

#[test]
fn what_waits_ends_with_the_record_that_it_is_about() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "", "");
    world.customer("C1", "Adatum", "", "");
    let twin = world.account("a2", "C1", "Adatum", "", "");
    world.run();
    assert_eq!(waiting(&world).len(), 3, "{:?}", waiting(&world));
    world.pass(std::time::Duration::from_secs(7200));
    world.settle();
    assert_eq!(waiting(&world).len(), 3, "{:?}", waiting(&world));
    world.crm.delete("account", &twin).unwrap();
    block_on(world.integration.notify(&"customers".into(), Side::Left, &[twin], None)).unwrap();
    world.pass(std::time::Duration::from_secs(7200));
    let text = world.text(&world.plan());
    assert!(text.contains("it is gone"), "{text}");
    world.run();
    assert_eq!(waiting(&world), Vec::<String>::new(), "{text}");
    world.settle();
}

/// Two records that are joined by their number, with what each holds as its name; nothing where it says nothing.
fn joined(rows: &[(&str, &str)], left: Option<&str>, right: Option<&str>) -> Desk {
    let usual = World::new();
    let world = World::mapped(usual.crm, usual.erp, table(rows));
    let values = |number: &'static str, name: &'static str, value: Option<&str>| {
        let named = value.map(|value| (name, Value::text(value)));
        [(number, Value::text("C1"))].into_iter().chain(named).collect::<Vec<_>>()
    };
    let a = world.crm.insert("account", None, &values("accountnumber", "name", left)).unwrap();
    let c = world.erp.insert("Customer", None, &values("No.", "Name", right)).unwrap();
    world.settle();
    Desk { world, left: a, right: c }
}

#[test]
fn nothing_and_nothing_agree_also_where_the_table_has_no_line_for_blank() {
    let rows = [("a", "A"), ("b", "B")];
    for (left, right) in [(None, None), (Some(""), None), (None, Some("")), (Some(""), Some(""))] {
        let desk = joined(&rows, left, right);
        assert!(desk.world.waiting().is_empty(), "{:#?}", desk.world.waiting());
        assert_eq!((desk.world.crm.counts().ops, desk.world.erp.counts().ops), (0, 0));
        // What comes later is an edit like any other.
        desk.edit(Side::Left, "b");
        desk.world.settle();
        assert_eq!(desk.names(), [Value::text("b"), Value::text("B")]);
        // Both clear it: nobody is asked either.
        desk.edit(Side::Left, "");
        desk.edit(Side::Right, "");
        desk.world.settle();
        assert!(desk.world.waiting().is_empty(), "{:#?}", desk.world.waiting());
    }
    // Something and nothing is not that.
    let desk = joined(&rows, Some("z"), None);
    assert_eq!(desk.world.waiting().len(), 1);
}
