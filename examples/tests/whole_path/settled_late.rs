//! Batches that are settled while the next one is written, over SQLite and with batches as small as they come: dropped
//! at every await, with commits that fail, replies that are lost and pauses in between.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::executor::block_on;
use seamless_connectors::memory::Fault;
use seamless_core::connector::{Capabilities, RefusalKind, UniqueKey};
use seamless_core::model::{ErrorKind, RecordId, Value};
use seamless_core::plan::ParkedAs;
use seamless_core::store::{AttentionWhy, Scan, SqliteStore};
use seamless_core::sync::Integration;

use super::crash::{go_on, morning};
use super::gate::Gate;
use super::picture::{duplicates, picture, waiting};
use super::world::{World, approve, as_it_is, crm, erp};

fn on_sqlite(world: &mut World, commit_entries_max: usize) {
    world.store = Arc::new(SqliteStore::open_in_memory(world.clock.clone()).unwrap());
    world.options.commit_entries_max = commit_entries_max;
    world.restart();
}

/// Runs until the gate is shut, and drops the run there; whether it was dropped. Calls of the store that are under way
/// go on, as they do behind a dropped future.
fn dropped_at(integration: &Integration, gate: &Gate) -> bool {
    let mut run = pin!(integration.run(approve));
    block_on(std::future::poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(false),
        Poll::Pending if gate.is_shut() => Poll::Ready(true),
        Poll::Pending => Poll::Pending,
    }))
}

fn unsure(world: &World) -> usize {
    let is_unsure =
        |why: &AttentionWhy| matches!(why, AttentionWhy::Parked { reason: ParkedAs::AmbiguousCreate, .. });
    world.waiting().iter().filter(|(_, row)| is_unsure(&row.why)).count()
}

/// New accounts whose fate on the other side nobody can find out: no key, and nothing to match by.
fn unknowable(commit_entries_max: usize, keyless: bool) -> World {
    let change = move |can: &mut Capabilities| {
        can.idempotency_key = false;
        if keyless {
            can.unique_key = UniqueKey::None;
        }
    };
    let mut world = World::of(crm(&as_it_is), erp(&change));
    on_sqlite(&mut world, commit_entries_max);
    // A batch of another kind before them, so that pages begin anywhere.
    world.account("a0", "C0", "Adatum", "1", "");
    world.customer("C0", "Adatum", "1", "");
    for place in 0..7 {
        let id = format!("n{place}");
        let values = [("name", Value::text(&format!("New {place}")))];
        world.crm.insert("account", Some(RecordId::text(&id)), &values).unwrap();
    }
    world
}

// Catches: batches whose halves are more than the whole, and a key that is not sent.
#[test]
fn no_more_creates_are_in_doubt_after_a_crash_than_are_committed_at_once() {
    for keyless in [true, false] {
        for commit_entries_max in 1..=3 {
            let undisturbed = unknowable(commit_entries_max, keyless);
            let gate = Gate::open();
            assert!(!dropped_at(&undisturbed.gated(&gate), &gate));
            assert_eq!(undisturbed.erp.count("Customer"), 8);
            let mut most = 0;
            // What comes before is not about writes.
            for step in (gate.passed() / 3..gate.passed()).step_by(3) {
                let mut world = unknowable(commit_entries_max, keyless);
                let gate = Gate::stopping_after(step);
                assert!(dropped_at(&world.gated(&gate), &gate), "step {step}");
                world.restart();
                go_on(&world);
                let names: Vec<Value> =
                    world.erp.rows("Customer").iter().map(|row| world.erp_value(&row.id, "Name")).collect();
                let double =
                    names.iter().filter(|name| names.iter().filter(|other| other == name).count() > 1);
                assert_eq!(double.count(), 0, "{keyless} {commit_entries_max} step {step}: {names:?}");
                most = most.max(unsure(&world));
            }
            assert!(most <= commit_entries_max, "{keyless}: {most} in doubt of {commit_entries_max}");
        }
    }
}

// Catches: the answers of a batch that was sent while the commit of the one before failed.
#[test]
fn a_commit_that_fails_leaves_only_its_own_batch_in_doubt() {
    let (commit_entries_max, batch) = (4, 2);
    let undisturbed = unknowable(commit_entries_max, true);
    let gate = Gate::open();
    block_on(undisturbed.gated(&gate).run(approve)).unwrap();
    let mut most = 0;
    for commit in 0..gate.commits() {
        let world = unknowable(commit_entries_max, true);
        let gate = Gate::losing_commit(commit, false);
        let failed = block_on(world.gated(&gate).run(approve)).unwrap_err();
        assert_eq!(failed.message(), "the commit was lost");
        let plan = block_on(world.integration.status()).unwrap().applying.unwrap();
        let open = block_on(world.store.open_intents(&plan, Scan::first(100))).unwrap().rows.len();
        assert!(open <= batch, "commit {commit}: {open} in doubt of {batch}");
        most = most.max(open);
        go_on(&world);
        assert!(unsure(&world) <= open);
    }
    assert_eq!(most, batch, "no commit of a batch of creates ever failed");
}

fn day(commit_entries_max: usize) -> World {
    let mut world = morning(&as_it_is, &as_it_is);
    // The pairs are in the memory store: read anew.
    on_sqlite(&mut world, commit_entries_max);
    world
}

fn busy(commit_entries_max: usize, can: &dyn Fn(&mut Capabilities)) -> World {
    let mut world = World::of(crm(can), erp(can));
    on_sqlite(&mut world, commit_entries_max);
    let ids: Vec<_> =
        (0..9).map(|at| world.account(&format!("a{at}"), &format!("C{at}"), "Adatum", "1", "")).collect();
    world.settle();
    for (at, id) in ids.iter().enumerate().take(6) {
        world.crm.edit("account", id, &[("name", Value::text(&format!("left {at}")))]).unwrap();
    }
    for row in world.erp.rows("Customer").into_iter().skip(2) {
        let name = world.erp_value(&row.id, "No.").to_string();
        world.erp.edit("Customer", &row.id, &[("Home Page", Value::text(&format!("right {name}")))]).unwrap();
    }
    for id in &ids[7..] {
        world.crm.delete("account", id).unwrap();
    }
    for at in 0..5 {
        world.account(&format!("n{at}"), &format!("N{at}"), "New", "2", "");
        world.customer(&format!("M{at}"), "New", "2", "");
    }
    world
}

fn ends(make: &dyn Fn() -> World, stride: usize) {
    let undisturbed = make();
    let gate = Gate::open();
    assert!(!dropped_at(&undisturbed.gated(&gate), &gate));
    go_on(&undisturbed);
    let expected = (picture(&undisturbed), waiting(&undisturbed));
    for step in (0..gate.passed()).step_by(stride) {
        let mut world = make();
        let gate = Gate::stopping_after(step);
        assert!(dropped_at(&world.gated(&gate), &gate), "step {step}");
        // The same process goes on, with the store that still works on what was asked of it.
        world.restart();
        go_on(&world);
        assert_eq!(duplicates(&world), Vec::<String>::new(), "step {step}");
        assert_eq!((picture(&world), waiting(&world)), expected, "step {step}");
    }
    for commit in 0..gate.commits() {
        for happens in [false, true] {
            let mut world = make();
            let gate = Gate::losing_commit(commit, happens);
            drop(block_on(world.gated(&gate).run(approve)));
            world.restart();
            go_on(&world);
            assert_eq!(duplicates(&world), Vec::<String>::new(), "commit {commit} {happens}");
            assert_eq!((picture(&world), waiting(&world)), expected, "commit {commit} {happens}");
        }
    }
}

#[test]
fn i27_a_run_over_sqlite_that_is_dropped_anywhere_or_loses_a_commit_ends_the_same() {
    for commit_entries_max in [2, 3] {
        ends(&|| busy(commit_entries_max, &as_it_is), 7);
    }
    ends(&|| day(2), 9);
}

#[test]
fn i27_nor_where_nothing_but_a_key_tells() {
    let plain = |can: &mut Capabilities| {
        can.idempotency_key = false;
        can.tombstones = false;
    };
    ends(&|| busy(4, &plain), 9);
}

#[test]
fn i25_faults_at_every_write_of_small_batches_lose_and_double_nothing() {
    let faults = [
        Fault::LostReply,
        Fault::LostRequest,
        Fault::LateRequest,
        Fault::Refused(RefusalKind::Unavailable),
        Fault::RefusedAt(1, RefusalKind::Throttled { wait: Some(Duration::from_secs(5)) }),
        Fault::WriteFails(ErrorKind::Unavailable),
    ];
    let undisturbed = busy(2, &as_it_is);
    let gate = Gate::open();
    block_on(undisturbed.gated(&gate).run(approve)).unwrap();
    go_on(&undisturbed);
    let expected = (picture(&undisturbed), waiting(&undisturbed));
    for fault in faults {
        for write in 0..gate.writes() {
            let world = busy(2, &as_it_is);
            let gate = Gate::faulty(write, fault.clone());
            drop(block_on(world.gated(&gate).run(approve)));
            world.crm.deliver_late();
            world.erp.deliver_late();
            go_on(&world);
            assert_eq!(duplicates(&world), Vec::<String>::new(), "{fault:?} at {write}");
            assert_eq!((picture(&world), waiting(&world)), expected, "{fault:?} at {write}");
        }
    }
}

// A create without a value of its key can be found out by nothing: its lost reply is no reason to send it again.
#[test]
fn i25_a_create_without_a_value_of_its_key_is_not_sent_twice() {
    for number in [None, Some(Value::Null), Some(Value::text(""))] {
        let change = |can: &mut Capabilities| can.idempotency_key = false;
        let world = World::of(crm(&as_it_is), erp(&change));
        world.account("a0", "C0", "Adatum", "1", "");
        world.settle();
        let values = number.iter().map(|number| ("accountnumber", number.clone()));
        let values: Vec<_> = values.chain([("name", Value::text("New"))]).collect();
        world.crm.insert("account", Some(RecordId::text("n0")), &values).unwrap();
        world.erp.fail_next(Fault::LostReply);
        drop(block_on(world.integration.run(approve)));
        go_on(&world);
        assert_eq!(world.erp.count("Customer"), 2, "{number:?}");
    }
}
