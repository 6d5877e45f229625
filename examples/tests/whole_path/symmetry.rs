//! Plans do not depend on the order in which records came, nor on which side is called left.

use futures::executor::block_on;
use proptest::prelude::*;
use seamless_connectors::memory::{EntityConfig, Memory, MemoryConfig};
use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{Entity, Field, FieldKind, RecordId, Side, Value};
use seamless_core::plan::Counts;
use seamless_mapping::{Mapping, copy};

use super::world::{World, text};

/// A system whose records show neither versions nor stamps, so that nothing tells in which order they came.
fn system(name: &str, entity: &str) -> Memory {
    let fields = vec![Field::new("id", FieldKind::Int), text("number", 20), text("name", 80)];
    let schema = Entity {
        name: entity.into(),
        label: None,
        fields,
        key: vec!["id".into()],
        unique: vec![],
        actions: Vec::new(),
    };
    let config = EntityConfig { versions: false, modified: false, ..EntityConfig::new(schema) };
    Memory::new(MemoryConfig::new(name).entity(config)).unwrap()
}

fn mapping(left: &str, right: &str, deletes: Side) -> Mapping {
    Mapping::builder("crm", "erp")
        .link("things", left, right)
        .match_on([("number", "number")])
        .on_delete(deletes, DeletePolicy::Delete)
        .rule(copy("number", "number"))
        .rule(copy("name", "name"))
        .build()
        .unwrap()
}

/// A record: its side, its number, its name.
type Row = (Side, i64, String);

fn insert(world: &World, entities: [&str; 2], rows: &[Row]) {
    for (side, id, name) in rows {
        let entity = entities[usize::from(*side == Side::Right)];
        // Some numbers stand twice on a side, so that there are matches that cannot be decided; names tell them apart.
        let name = format!("{name}{}", id % 2);
        let values = [("number", Value::text(&format!("n{}", id / 2))), ("name", Value::text(&name))];
        world.system(*side).insert(entity, Some(RecordId::int(*id)), &values).unwrap();
    }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::btree_map((any::<bool>(), 0i64..12), "[ab]{0,1}", 0..10).prop_map(|rows| {
        let side = |left| if left { Side::Left } else { Side::Right };
        rows.into_iter().map(|((left, id), name)| (side(left), id, name)).collect()
    })
}

fn lines(world: &World) -> Vec<String> {
    let mut bytes = Vec::new();
    block_on(world.plan().write_jsonl(&mut bytes)).unwrap();
    let mut lines: Vec<String> = String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
    // The trailer is under the key of a state; its digest is that of the other lines.
    lines.pop();
    lines
}

fn mirrored(counts: &Counts) -> Counts {
    let swap =
        |sides: &seamless_core::model::Sides<u64>| seamless_core::model::Sides::new(sides.right, sides.left);
    Counts {
        act: swap(&counts.act),
        create: swap(&counts.create),
        update: swap(&counts.update),
        delete: swap(&counts.delete),
        ..counts.clone()
    }
}

/// What users do after the first run, by side and record.
fn edits() -> impl Strategy<Value = Vec<(Side, usize, Option<String>)>> {
    let edit = (any::<bool>(), 0usize..10, prop::option::of("[cd]"));
    let side = |left| if left { Side::Left } else { Side::Right };
    prop::collection::vec(edit.prop_map(move |(left, at, name)| (side(left), at, name)), 0..6)
}

fn edit(world: &World, side: Side, entity: &str, at: usize, name: Option<&String>) {
    let rows = world.system(side).rows(entity);
    // By name and number, not by id: ids are chosen by the systems.
    let mut ids: Vec<(String, RecordId)> = rows
        .iter()
        .map(|row| (format!("{:?}", row.record.fields().skip(1).collect::<Vec<_>>()), row.id.clone()))
        .collect();
    ids.sort();
    let Some((_, id)) = ids.get(at) else { return };
    match name {
        Some(name) => world.system(side).edit(entity, id, &[("name", Value::text(name))]).unwrap(),
        None => assert!(world.system(side).delete(entity, id).unwrap()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn i17_records_that_come_in_another_order_give_the_same_plan_byte_for_byte(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let plan = |rows: &[Row]| {
            let mapping = mapping("Left", "Right", Side::Left);
            let world = World::mapped(system("l", "Left"), system("r", "Right"), mapping);
            insert(&world, ["Left", "Right"], rows);
            lines(&world)
        };
        prop_assert_eq!(plan(&rows), plan(&shuffled));
    }

    #[test]
    fn i16_sides_that_change_places_give_the_mirrored_plan(rows in rows(), edits in edits()) {
        let usual = World::mapped(system("l", "Left"), system("r", "Right"), mapping("Left", "Right", Side::Left));
        let other = World::mapped(system("r", "Right"), system("l", "Left"), mapping("Right", "Left", Side::Right));
        insert(&usual, ["Left", "Right"], &rows);
        let swapped: Vec<Row> = rows.iter().map(|(side, id, name)| (side.other(), *id, name.clone())).collect();
        insert(&other, ["Right", "Left"], &swapped);
        for round in 0..2 {
            let counts = |world: &World| world.plan().trailer().counts["things"].clone();
            prop_assert_eq!(counts(&other), mirrored(&counts(&usual)), "round {}", round);
            usual.run();
            other.run();
            for (side, at, name) in &edits {
                let entity = if *side == Side::Left { "Left" } else { "Right" };
                edit(&usual, *side, entity, *at, name.as_ref());
                edit(&other, side.other(), entity, *at, name.as_ref());
            }
        }
    }
}
