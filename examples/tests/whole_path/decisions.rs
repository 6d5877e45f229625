//! What people decide about conflicts, many at once.

use futures::executor::block_on;
use seamless_core::model::{ErrorKind, RecordId, Side, Value};
use seamless_core::sync::Choice;

use super::world::World;

/// Pairs that are in conflict about their names.
fn quarrels(count: usize) -> (World, Vec<RecordId>) {
    let world = World::new();
    let number = |place: usize| format!("{:05}", 10_000 + place);
    let ids: Vec<RecordId> = (0..count)
        .map(|place| world.account(&format!("a{place}"), &number(place), "Adatum", "", ""))
        .collect();
    world.settle();
    for (place, id) in ids.iter().enumerate() {
        world.crm.edit("account", id, &[("name", Value::text(&format!("left {place}")))]).unwrap();
    }
    for row in world.erp.rows("Customer") {
        world.erp.edit("Customer", &row.id, &[("Name", Value::text("right"))]).unwrap();
    }
    world.settle();
    assert_eq!(world.waiting().len(), count);
    (world, ids)
}

fn choice(id: &RecordId, take: Side) -> Choice {
    Choice { link: "customers".into(), side: Side::Left, id: id.clone(), rule: "name=Name".into(), take }
}

#[test]
fn many_decisions_take_a_look_up_per_side_and_page_and_hold_like_single_ones() {
    let (world, ids) = quarrels(600);
    let take = |place: usize| Side::BOTH[place % 2];
    let choices: Vec<Choice> = ids.iter().enumerate().map(|(place, id)| choice(id, take(place))).collect();
    let revision = block_on(world.store.revision()).unwrap();
    let chosen = block_on(world.integration.resolve_many(&choices, "kim")).unwrap();
    assert_eq!((chosen.kept, chosen.refused.len()), (600, 0));
    assert_eq!(block_on(world.store.revision()).unwrap(), revision, "deciding moves no pair");
    // One of them moves before the next plan: its decision is void.
    world.crm.edit("account", &ids[0], &[("name", Value::text("moved"))]).unwrap();
    world.settle();
    assert_eq!(world.waiting().len(), 1);
    for (place, id) in ids.iter().enumerate().skip(1) {
        let name = if take(place) == Side::Left { format!("left {place}") } else { "right".to_owned() };
        assert_eq!(world.crm_value(id, "name"), Value::text(&name));
    }
}

#[test]
fn a_decision_that_cannot_be_made_is_named_and_the_others_are_kept() {
    let (world, ids) = quarrels(3);
    world.erp.delete("Customer", &world.erp.rows("Customer")[2].id).unwrap();
    let choices = [
        choice(&RecordId::text("nobody"), Side::Left),
        choice(&ids[0], Side::Left),
        Choice { rule: "no rule".into(), ..choice(&ids[1], Side::Left) },
        Choice { link: "no link".into(), ..choice(&ids[1], Side::Left) },
        choice(&ids[2], Side::Left),
        // Decided anew: the last one counts.
        choice(&ids[0], Side::Right),
    ];
    let chosen = block_on(world.integration.resolve_many(&choices, "kim")).unwrap();
    let refused: Vec<usize> = chosen.refused.iter().map(|(place, _)| *place).collect();
    assert_eq!((chosen.kept, refused), (2, vec![0, 2, 3, 4]));
    assert!(chosen.refused.iter().all(|(_, why)| why.kind() == ErrorKind::NotFound));
    world.run();
    assert_eq!(world.crm_value(&ids[0], "name"), Value::text("right"));
}
