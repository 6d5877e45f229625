//! A state from a backup under systems that went on.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures::executor::block_on;
use seamless_core::model::{RecordId, Value};
use seamless_core::store::{MemoryStore, SqliteStore};

use super::world::{World, approve};

const COUNT: usize = 30;

/// Pairs in step, with their state in a file.
fn in_step(file: &Path) -> (World, Vec<RecordId>) {
    let mut world = World::new();
    open(&mut world, file);
    let account = |place: usize| {
        world.account(&format!("a{place:02}"), &format!("{:05}", 10_000 + place), "Adatum", "", "")
    };
    let ids = (0..COUNT).map(account).collect();
    world.settle();
    (world, ids)
}

fn open(world: &mut World, file: &Path) {
    world.store = Arc::new(SqliteStore::open(file, world.clock.clone()).unwrap());
    world.restart();
}

/// Closes the state, so that its file is whole.
fn close(world: &mut World) {
    world.store = Arc::new(MemoryStore::new(world.clock.clone()));
    world.restart();
}

fn name_all(world: &World, ids: &[RecordId], name: &str) {
    for id in ids {
        world.crm.edit("account", id, &[("name", Value::text(name))]).unwrap();
    }
}

#[test]
fn a_state_from_a_backup_is_noticed_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (file, backup) = (folder.path().join("state.db"), folder.path().join("backup.db"));
    let (mut world, ids) = in_step(&file);
    close(&mut world);
    fs::copy(&file, &backup).unwrap();
    open(&mut world, &file);
    name_all(&world, &ids[..20], "Adatum Ltd");
    world.settle();
    // The state goes back; a person sets a name to what it was then.
    close(&mut world);
    open(&mut world, &backup);
    world.crm.edit("account", &ids[0], &[("name", Value::text("Adatum"))]).unwrap();
    let plan = world.plan();
    let guards: Vec<_> = plan.trailer().guards.iter().map(|trip| trip.guard.to_string()).collect();
    assert_eq!(guards, ["customers.older_state"]);
    assert!(
        plan.trailer().guards[0].found.starts_with("19 of 20 pairs"),
        "{}",
        plan.trailer().guards[0].found
    );
    let report = block_on(world.integration.run(approve)).unwrap();
    assert!(report.plans[0].2.is_none(), "nobody overrode it");
    assert_eq!(world.crm_value(&ids[0], "name"), Value::text("Adatum"), "the edit is still there");
    // The newest state goes on.
    close(&mut world);
    open(&mut world, &file);
    world.settle();
    let customer = world.erp.rows("Customer")[0].id.clone();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Adatum"));
}

#[test]
fn what_people_type_on_both_sides_is_no_older_state() {
    let folder = tempfile::tempdir().unwrap();
    let (world, ids) = in_step(&folder.path().join("state.db"));
    name_all(&world, &ids[..12], "Adatum Ltd");
    for row in world.erp.rows("Customer").iter().take(12) {
        world.erp.edit("Customer", &row.id, &[("Name", Value::text("Adatum Ltd"))]).unwrap();
    }
    name_all(&world, &ids[12..25], "Adatum Inc");
    world.settle();
    assert!(world.waiting().is_empty());
}
