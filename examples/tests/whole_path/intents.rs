//! What is durable when: the intent before the write (I26), and an outcome together with all that it changes (I22).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::executor::block_on;
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::connector::WriteBatch;
use seamless_core::model::{ErrorKind, Presence, RecordId, Result, Side, Value};
use seamless_core::plan::{Body, Effect, Entry, Pair, PairStatus, PlannedRef, PlannedVerb};
use seamless_core::store::{Approval, Commit, EntryParts, EntryState, Lease, Scan, StateStore};
use seamless_core::testkit::{Around, Hooks};

use super::crash::{go_on, morning, steps_of};
use super::watched::{Watched, Watcher};
use super::world::{World, approve, as_it_is};

/// Looks into the state before a system is written, and writes down what has no intent there.
#[derive(Debug)]
struct Notary {
    store: Arc<dyn StateStore>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    writes: usize,
    without_intent: Vec<String>,
}

#[async_trait]
impl Watcher for Notary {
    async fn before(&self, _: &Memory, batch: &WriteBatch) -> Result<()> {
        let plan = self.store.adopted(&"test".into()).await?.expect("a plan is being applied");
        let open = self.store.open_intents(&plan, Scan::first(10_000)).await?.rows;
        let intended: Vec<_> = open.iter().filter_map(|row| Some(row.entry.action()?.id)).collect();
        let mut seen = self.seen.lock().unwrap();
        seen.writes += batch.ops.len();
        let without = batch.ops.iter().filter(|op| !intended.contains(&op.id));
        seen.without_intent.extend(without.map(|op| format!("{:?} {:?}", op.verb, op.target)));
        Ok(())
    }
}

#[test]
fn i26_no_write_is_sent_whose_intent_is_not_durable_and_every_intent_ends() {
    let faults = [
        None,
        Some(Fault::LostReply),
        Some(Fault::LostRequest),
        Some(Fault::WriteFails(ErrorKind::Unavailable)),
    ];
    for fault in faults {
        let world = morning(&as_it_is, &as_it_is);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let notary = |inner: &Memory| {
            let watcher = Notary { store: world.store.clone(), seen: seen.clone() };
            Arc::new(Watched { inner: inner.clone(), watcher })
        };
        let integration =
            world.builder().left("crm", notary(&world.crm)).right("erp", notary(&world.erp)).build().unwrap();
        fault.iter().for_each(|fault| {
            world.crm.fail_next(fault.clone());
            world.erp.fail_next(fault.clone());
        });
        let report = block_on(integration.run(approve)).unwrap();
        for (plan, _, _) in &report.plans {
            let open = block_on(world.store.open_intents(plan, Scan::first(100))).unwrap().rows;
            assert!(open.is_empty(), "{fault:?}: {open:?}");
            let rows =
                block_on(world.store.entries(plan, EntryParts::Whole, Scan::first(10_000))).unwrap().rows;
            assert!(rows.iter().all(|row| row.state.is_ended()), "{fault:?}");
        }
        let seen = seen.lock().unwrap();
        assert!(seen.writes > 5, "{fault:?}: {} writes are no run", seen.writes);
        assert_eq!(seen.without_intent, Vec::<String>::new(), "{fault:?}");
    }
}

/// What an entry that ended well must have left in the state, and one that did not must not.
fn left_in_state(entry: &Entry, pair: Option<&Pair>) -> Option<bool> {
    let live = pair.filter(|pair| pair.status != PairStatus::Ended);
    match &entry.body {
        Body::Act(action) => Some(match action.verb {
            PlannedVerb::Create => live.is_some(),
            PlannedVerb::Delete(_) => live.is_none(),
            PlannedVerb::Update | PlannedVerb::Action { .. } => {
                let base = live?.base.of(action.side);
                action.changes.iter().all(|change| match change.after {
                    PlannedRef::Known(value) => base.field(change.field.as_str()) == Presence::Value(value),
                    // What a reference became is known only from the record that was made.
                    PlannedRef::ResultOf(_) | PlannedRef::TargetDecides => {
                        base.field(change.field.as_str()).value().is_some_and(|value| !value.is_null())
                    }
                })
            }
        }),
        Body::Effect(Effect::Link { .. }) => Some(live.is_some()),
        Body::Effect(_) => None,
    }
}

fn check(world: &World, step: usize) -> usize {
    let Some(plan) = block_on(world.store.adopted(&"test".into())).unwrap() else { return 0 };
    let rows = block_on(world.store.entries(&plan, EntryParts::Whole, Scan::first(10_000))).unwrap().rows;
    let mut checked = 0;
    for row in rows {
        let entry = &row.entry;
        let named = Side::BOTH.into_iter().find_map(|side| Some((side, entry.ids.of(side).clone()?)));
        let Some((side, id)) = named else { continue };
        let pairs = block_on(world.store.pairs_of(&entry.link, side, &[id])).unwrap();
        let Some(left) = left_in_state(entry, pairs[0].as_ref()) else { continue };
        checked += 1;
        let applied = matches!(row.state, EntryState::Applied { .. });
        assert_eq!(applied, left, "crash at step {step}: {:?} {:?} {:#?}", row.state, entry.body, pairs[0]);
    }
    checked
}

/// Wherever a run dies, an entry has ended and its pair has moved, or neither has.
#[test]
fn i22_an_outcome_and_what_it_changes_are_one_transaction() {
    let undisturbed = morning(&as_it_is, &as_it_is);
    let steps = steps_of(&undisturbed);
    let mut checked = 0;
    for step in 0..steps {
        let mut world = morning(&as_it_is, &as_it_is);
        assert!(world.run_until(step).is_none());
        checked += check(&world, step);
        if step % 16 == 0 {
            go_on(&world);
        }
    }
    assert!(checked > 500, "{checked} entries are no crash test");
}

/// A store in which a pair moves once after a plan was adopted, as none that conforms lets it: another worker commits under
/// a lease that has ended.
#[derive(Debug, Default)]
struct MovesOnce {
    moved: AtomicBool,
}

impl Hooks for MovesOnce {
    async fn adopt(&self, inner: &dyn StateStore, lease: &Lease, approval: &Approval) -> Result<()> {
        inner.adopt(lease, approval).await?;
        let (link, ids) = ("customers".into(), [RecordId::text("a1")]);
        let pair = inner.pairs_of(&link, Side::Left, &ids).await?.into_iter().flatten().next();
        if let Some(pair) = pair.filter(|_| !self.moved.swap(true, Ordering::Relaxed)) {
            let pairs = vec![(link, Pair { plan: None, ..pair })];
            inner.commit(lease, &approval.plan, Commit { pairs, ..Commit::default() }).await?;
        }
        Ok(())
    }
}

#[test]
fn i34_an_entry_whose_pair_moved_since_the_plan_is_dropped_and_looked_at_again() {
    let world = World::new();
    world.account("a1", "C1", "Adatum", "1", "");
    world.settle();
    world.crm.edit("account", &RecordId::text("a1"), &[("name", Value::text("Contoso"))]).unwrap();
    let store = Arc::new(Around::new(world.store.clone(), MovesOnce::default()));
    let integration = world.builder().store(store).build().unwrap();
    let plan = block_on(integration.plan()).unwrap();
    let applied = block_on(integration.apply(plan.approve("ann", &[]).unwrap())).unwrap();
    assert_eq!((applied.written, applied.dropped_count), (0, 1), "{:?}", applied.dropped);
    let customer = world.erp.rows("Customer")[0].id.clone();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Adatum"));
    world.settle();
    assert_eq!(world.erp_value(&customer, "Name"), Value::text("Contoso"));
}
