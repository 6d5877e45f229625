//! Trees of records that are moved on both sides: two moves that make a circle together.

use futures::executor::block_on;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use seamless_core::model::{LinkId, RecordId, RuleId, Side, Value};
use seamless_core::plan::ParkedAs;
use seamless_core::store::{Attention, AttentionWhy};

use super::relations::{partner, right, tree, unit};
use super::world::{World, reference};

/// Puts a unit below another one, or at the top.
fn put(world: &World, side: Side, code: &str, below: Option<&str>) {
    let (entity, id) = match side {
        Side::Left => ("unit", RecordId::text(code)),
        Side::Right => ("Unit", partner(world, code)),
    };
    let parent = below.map_or(Value::Null, |below| match side {
        Side::Left => reference("unit", &RecordId::text(below)),
        Side::Right => reference("Unit", &partner(world, below)),
    });
    world.system(side).edit(entity, &id, &[("parent", parent)]).unwrap();
}

/// The code of the unit above another one.
fn above(world: &World, side: Side, code: &str) -> Option<String> {
    let parent = match side {
        Side::Left => world.crm.value("unit", &RecordId::text(code), "parent").unwrap(),
        Side::Right => right(world, code, "parent"),
    };
    let Value::Reference(parent) = parent else { return None };
    let entity = if side == Side::Left { "unit" } else { "Unit" };
    match world.system(side).value(entity, &parent.id, "code") {
        Some(Value::Text(code)) => Some(code.to_string()),
        other => panic!("{other:?}"),
    }
}

fn both_above(world: &World, code: &str) -> (Option<String>, Option<String>) {
    (above(world, Side::Left, code), above(world, Side::Right, code))
}

fn circles(world: &World) -> Vec<String> {
    let told = |(_, attention): (LinkId, Attention)| match attention.why {
        AttentionWhy::Parked { reason: ParkedAs::Circle, message, .. } => message,
        other => panic!("{other:?}"),
    };
    world.waiting().into_iter().map(told).collect()
}

fn some(code: &str) -> Option<String> {
    Some(code.to_owned())
}

/// Two units, put below each other, each on one side.
fn crossed() -> World {
    let world = tree();
    for code in ["u1", "u2"] {
        unit(&world, code, None);
    }
    world.settle();
    put(&world, Side::Left, "u1", Some("u2"));
    put(&world, Side::Right, "u2", Some("u1"));
    world.settle();
    world
}

#[test]
fn h83_two_moves_that_make_a_circle_wait_and_end_when_one_of_them_is_taken_back() {
    let world = crossed();
    assert_eq!(both_above(&world, "u1"), (some("u2"), None));
    assert_eq!(both_above(&world, "u2"), (None, some("u1")));
    let told = circles(&world);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("parent would make a circle: it was moved in crm"), "{told:#?}");
    assert!(told[1].contains("parent would make a circle: it was moved in erp"), "{told:#?}");
    // Other fields of the same records go on.
    world.crm.edit("unit", &RecordId::text("u1"), &[("name", Value::text("One"))]).unwrap();
    world.settle();
    assert_eq!(right(&world, "u1", "name"), Value::text("One"));
    assert_eq!(circles(&world), told);
    put(&world, Side::Right, "u2", None);
    world.settle();
    assert_eq!(both_above(&world, "u1"), (some("u2"), some("u2")));
    assert_eq!(both_above(&world, "u2"), (None, None));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

#[test]
fn h83_a_circle_ends_when_a_person_decides_for_one_side() {
    for take in Side::BOTH {
        let world = crossed();
        let rule = world.integration.links().next().unwrap().rules().last().unwrap().id.clone();
        let decide = |code: &str| {
            let (link, rule): (LinkId, RuleId) = ("units".into(), rule.clone());
            let id = RecordId::text(code);
            block_on(world.integration.resolve(&link, Side::Left, &id, &rule, take, "kim")).unwrap();
        };
        decide("u1");
        decide("u2");
        world.settle();
        let (one, two) = match take {
            Side::Left => (some("u2"), None),
            Side::Right => (None, some("u1")),
        };
        assert_eq!(both_above(&world, "u1"), (one.clone(), one), "{take}");
        assert_eq!(both_above(&world, "u2"), (two.clone(), two), "{take}");
        assert!(world.waiting().is_empty(), "{take}: {:#?}", world.waiting());
    }
}

#[test]
fn h83_a_circle_that_goes_through_a_new_record_waits_too() {
    let world = tree();
    for code in ["u1", "u2", "u3"] {
        unit(&world, code, None);
    }
    world.settle();
    unit(&world, "n1", Some("u2"));
    put(&world, Side::Left, "u1", Some("n1"));
    put(&world, Side::Right, "u2", Some("u3"));
    put(&world, Side::Right, "u3", Some("u1"));
    world.settle();
    assert_eq!(both_above(&world, "n1"), (some("u2"), some("u2")), "it is made, and where it belongs");
    assert_eq!(both_above(&world, "u1"), (some("n1"), None));
    assert_eq!(above(&world, Side::Left, "u2"), None);
    assert!(!circles(&world).is_empty());
}

#[test]
fn h83_a_circle_that_one_side_made_by_itself_is_carried() {
    let world = tree();
    for code in ["u1", "u2"] {
        unit(&world, code, None);
    }
    world.settle();
    put(&world, Side::Left, "u1", Some("u2"));
    put(&world, Side::Left, "u2", Some("u1"));
    world.settle();
    assert_eq!(both_above(&world, "u1"), (some("u2"), some("u2")));
    assert_eq!(both_above(&world, "u2"), (some("u1"), some("u1")));
    assert!(world.waiting().is_empty(), "{:#?}", world.waiting());
}

const CODES: [&str; 6] = ["u1", "u2", "u3", "u4", "u5", "u6"];

/// Whether a side holds a circle. Knows nothing of plans.
fn has_circle(world: &World, side: Side) -> bool {
    CODES.iter().any(|code| {
        let mut up = above(world, side, code);
        for _ in 0..CODES.len() {
            let Some(parent) = up else { return false };
            if parent == *code {
                return true;
            }
            up = above(world, side, &parent);
        }
        false
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // Catches: a walk that stops at a record which the plan moves, or that looks at one side only.
    #[test]
    fn h83_whatever_is_moved_on_both_sides_no_side_gets_a_circle_that_nobody_made(
        moves in proptest::collection::vec((any::<bool>(), 0..CODES.len(), 0..=CODES.len()), 1..14),
        runs in proptest::collection::vec(any::<bool>(), 14),
    ) {
        let world = tree();
        for code in CODES {
            unit(&world, code, None);
        }
        world.settle();
        for ((left, moved, below), run) in moves.into_iter().zip(runs) {
            let side = if left { Side::Left } else { Side::Right };
            let before = above(&world, side, CODES[moved]);
            put(&world, side, CODES[moved], CODES.get(below).copied());
            if has_circle(&world, side) {
                // A system that keeps trees refuses that.
                put(&world, side, CODES[moved], before.as_deref());
            }
            if run {
                world.settle();
                prop_assert!(!has_circle(&world, Side::Left) && !has_circle(&world, Side::Right));
            }
        }
        world.settle();
        prop_assert!(!has_circle(&world, Side::Left) && !has_circle(&world, Side::Right));
        let apart = CODES.iter().filter(|code| {
            let (left, right) = both_above(&world, code);
            left != right
        });
        // Where they differ somebody is asked.
        prop_assert!(world.waiting().len() >= apart.count());
    }
}
