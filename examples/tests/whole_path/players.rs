//! The users of a random schedule, and the mishaps of its runs: what a step means, and what the ledger hears of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::executor::block_on;
use futures::future::FutureExt;
use seamless_connectors::memory::{Fault, Memory};
use seamless_core::model::{RecordId, Side, Sides, Value};
use seamless_core::sync::{Approved, Plan};

use super::gate::Gate;
use super::ledger::{KINDS, Ledger, of};
use super::world::{World, reference};

/// Something that a user does with one record.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) side: Side,
    pub(crate) kind: usize,
    pub(crate) thing: usize,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Create,
    Edit(usize),
    Clear(usize),
    /// The same new value on both sides.
    EditBoth(usize),
    Refer(usize),
    ReferToNothing,
    Note,
    Delete,
    Undelete,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Deed(Deed),
    Run,
    /// Users are faster than the next write of a side.
    RunRushed(Side, Vec<Deed>),
    RunFaulty(Side, Fault),
    RunCrashing(usize),
}

/// A record that was deleted, as it was.
struct Grave {
    side: Side,
    kind: usize,
    thing: usize,
    id: RecordId,
    values: Vec<(String, Value)>,
}

/// Both systems, their users and what is known of them.
#[derive(Clone)]
pub(crate) struct Players {
    pub(crate) systems: Sides<Memory>,
    ledger: Arc<Mutex<Ledger>>,
    graves: Arc<Mutex<Vec<Grave>>>,
}

impl Players {
    pub(crate) fn new(world: &World) -> Self {
        let systems = Sides::new(world.crm.clone(), world.erp.clone());
        Self { systems, ledger: Arc::default(), graves: Arc::default() }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn graves(&self) -> MutexGuard<'_, Vec<Grave>> {
        self.graves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record of a side that stands for a thing.
    pub(crate) fn find(&self, side: Side, kind: usize, thing: usize) -> Option<RecordId> {
        let (entity, named_by) = (of(KINDS[kind].entity, side), of(KINDS[kind].named_by, side));
        let system = self.systems.of(side);
        let mut rows = system.rows(entity).into_iter();
        rows.find(|row| system.value(entity, &row.id, named_by) == Some(name(thing))).map(|row| row.id)
    }

    /// Does it, where it can be done.
    pub(crate) fn act(&self, deed: &Deed) {
        let Deed { side, kind, thing, ref what } = *deed;
        let found = self.find(side, kind, thing);
        match (what, found) {
            (What::Create, None) => self.create(side, kind, thing),
            (What::Undelete, None) => self.undelete(side, kind, thing),
            (What::Edit(field), Some(id)) => {
                let at = field % KINDS[kind].carried.len();
                let value = self.ledger().fresh(kind, thing, at);
                self.put(side, kind, &id, of(KINDS[kind].carried[at], side), value);
            }
            (What::Clear(field), Some(id)) => {
                let field = of(KINDS[kind].carried[field % KINDS[kind].carried.len()], side);
                self.put(side, kind, &id, field, Value::Null);
            }
            (What::EditBoth(field), Some(id)) => {
                let Some(other) = self.find(side.other(), kind, thing) else { return };
                let at = field % KINDS[kind].carried.len();
                let value = self.ledger().fresh(kind, thing, at);
                self.put(side, kind, &id, of(KINDS[kind].carried[at], side), value.clone());
                let field = of(KINDS[kind].carried[at], side.other());
                self.ledger().wrote_twice(&value);
                self.put(side.other(), kind, &other, field, value);
            }
            (What::Refer(to), Some(id)) => {
                let other = KINDS[kind].refers_to;
                let Some(target) = self.find(side, other, *to) else { return };
                let value = reference(of(KINDS[other].entity, side), &target);
                self.put(side, kind, &id, of(KINDS[kind].reference, side), value);
            }
            (What::ReferToNothing, Some(id)) => {
                self.put(side, kind, &id, of(KINDS[kind].reference, side), Value::Null);
            }
            (What::Note, Some(id)) => {
                let value = Value::text(&format!("note {kind} {thing}"));
                self.put(side, kind, &id, of(KINDS[kind].own, side), value.clone());
                self.ledger().noted(side, kind, &id, value);
            }
            (What::Delete, Some(id)) => self.delete(side, kind, thing, &id),
            _ => {}
        }
    }

    fn put(&self, side: Side, kind: usize, id: &RecordId, field: &str, value: Value) {
        let mut ledger = self.ledger();
        ledger.replaces(&self.systems, side, kind, id, field);
        self.systems.of(side).edit(of(KINDS[kind].entity, side), id, &[(field, value.clone())]).unwrap();
        ledger.wrote(side, kind, id, field, &value);
    }

    fn create(&self, side: Side, kind: usize, thing: usize) {
        let mut ledger = self.ledger();
        let mut values = vec![(of(KINDS[kind].named_by, side), name(thing))];
        for (at, pair) in KINDS[kind].carried.iter().enumerate() {
            values.push((of(*pair, side), ledger.fresh(kind, thing, at)));
        }
        // The left system's clients choose ids; no id is ever used for two things.
        let id = (side == Side::Left).then(|| RecordId::text(&values[1].1.to_string()));
        let id = self.systems.of(side).insert(of(KINDS[kind].entity, side), id, &values).unwrap();
        for (field, value) in &values[1..] {
            ledger.wrote(side, kind, &id, field, value);
        }
        ledger.created(side, kind, &id);
    }

    fn delete(&self, side: Side, kind: usize, thing: usize, id: &RecordId) {
        let mut ledger = self.ledger();
        let held = self.systems.of(side).get(of(KINDS[kind].entity, side), id).unwrap();
        let values = held.record.fields().filter_map(|(field, value)| {
            let value = value.value()?.to_value();
            (value != Value::Null).then(|| (field.as_str().to_owned(), value))
        });
        self.graves().push(Grave { side, kind, thing, id: id.clone(), values: values.collect() });
        ledger.deletes(&self.systems, side, kind, id);
        self.systems.of(side).delete(of(KINDS[kind].entity, side), id).unwrap();
    }

    fn undelete(&self, side: Side, kind: usize, thing: usize) {
        let mut graves = self.graves();
        let same = |grave: &Grave| (grave.side, grave.kind, grave.thing) == (side, kind, thing);
        let Some(at) = graves.iter().rposition(same) else { return };
        let grave = graves.remove(at);
        let mut ledger = self.ledger();
        let own = of(KINDS[kind].own, side);
        let values: Vec<(&str, Value)> = grave
            .values
            .iter()
            .filter(|(field, _)| field != own)
            .map(|(field, value)| (field.as_str(), value.clone()))
            .collect();
        self.systems.of(side).insert(of(KINDS[kind].entity, side), Some(grave.id.clone()), &values).unwrap();
        for (field, value) in values.iter().filter(|(field, _)| *field != of(KINDS[kind].named_by, side)) {
            ledger.wrote(side, kind, &grave.id, field, value);
        }
        ledger.created(side, kind, &grave.id);
    }

    /// Has users do things right before a side is written next.
    fn rush(&self, side: Side, deeds: Vec<Deed>) {
        let players = self.clone();
        self.systems.of(side).before_next_write(move |_| {
            players.ledger().is_rushed = true;
            deeds.iter().for_each(|deed| players.act(deed));
            players.ledger().is_rushed = false;
        });
    }

    fn nobody_rushes(&self) {
        for side in Side::BOTH {
            self.systems.of(side).before_next_write(|_| {});
        }
    }

    /// Does a step. A run may fail: what it leaves is the next run's to clear up.
    pub(crate) fn step(&self, world: &mut World, step: &Step) {
        match step {
            // Two creates of one thing at one moment are two records by the users' own doing, and a plan that a crash
            // left half-way is such a moment.
            Step::Deed(Deed { what: What::Create | What::Undelete, .. }) if is_half_way(world) => return,
            Step::Deed(deed) => return self.act(deed),
            Step::Run => {}
            Step::RunRushed(side, deeds) => self.rush(*side, deeds.clone()),
            Step::RunFaulty(side, fault) => self.systems.of(*side).fail_next(fault.clone()),
            Step::RunCrashing(steps) => {
                let integration = world.gated(&Gate::stopping_after(*steps));
                if integration.run(approve_all).now_or_never().is_none() {
                    world.restart();
                }
                return self.nobody_rushes();
            }
        }
        // What a fault broke off is reported as an error and gone on with later.
        let _ = block_on(world.integration.run(approve_all));
        self.nobody_rushes();
    }
}

fn is_half_way(world: &World) -> bool {
    block_on(world.integration.status()).unwrap().applying.is_some()
}

fn name(thing: usize) -> Value {
    Value::text(&format!("c{thing}"))
}

/// Says yes to everything, guards included: the schedule's users mean what they do.
pub(crate) async fn approve_all(plan: Plan) -> seamless_core::Result<Option<Approved>> {
    let guards: Vec<_> = plan.trailer().guards.iter().map(|trip| trip.guard.clone()).collect();
    Ok(plan.approve("tester", &guards).ok())
}
