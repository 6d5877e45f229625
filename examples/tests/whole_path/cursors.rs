//! Cursors: where the next reading begins is never behind something that nobody read (I28).

use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use seamless_connectors::memory::Fault;
use seamless_core::model::{ErrorKind, RecordId, Side, Value};
use seamless_core::sync::Options;
use seamless_mapping::{Mapping, copy};

use super::world::{World, approve, as_it_is, crm, erp};

/// Without a sweep: only the feeds of changes carry anything over.
fn mapping() -> Mapping {
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .done()
        .build()
        .unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Edit(Side, usize),
    New(Side),
    Run,
    /// A plan is made and nobody applies it.
    OnlyPlan,
    Faulty(Side, Fault),
    Crashing(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    let fault = prop_oneof![
        (0usize..4).prop_map(Fault::CutOff),
        (0usize..4).prop_map(|pages| Fault::ReadFailsAfter(pages, ErrorKind::Unavailable)),
        Just(Fault::FetchFails(ErrorKind::Unavailable)),
        Just(Fault::FetchUnanswered),
        Just(Fault::WriteFails(ErrorKind::Unavailable)),
    ];
    prop_oneof![
        6 => (side.clone(), 0usize..4).prop_map(|(side, thing)| Step::Edit(side, thing)),
        2 => side.clone().prop_map(Step::New),
        1 => Just(Step::Run),
        2 => Just(Step::OnlyPlan),
        4 => (side, fault).prop_map(|(side, fault)| Step::Faulty(side, fault)),
        1 => (0usize..120).prop_map(Step::Crashing),
    ]
}

const FIELDS: [(&str, &str, &str); 2] = [("account", "accountnumber", "name"), ("Customer", "No.", "Name")];

fn of(side: Side) -> (&'static str, &'static str, &'static str) {
    FIELDS[usize::from(side == Side::Right)]
}

struct Scene {
    world: World,
    serial: usize,
    things: usize,
}

impl Scene {
    fn new() -> Self {
        let world = World::mapped(crm(&as_it_is), erp(&as_it_is), mapping());
        let mut scene = Self { world, serial: 0, things: 0 };
        scene.small_pages();
        (0..3).for_each(|_| scene.create(Side::Left));
        scene.world.settle();
        scene
    }

    /// Pages of one record, so that a reading can break off anywhere.
    fn small_pages(&mut self) {
        let options = Options { page_records_max: 1, ..Options::default() };
        self.world.integration = self.world.builder().options(options).build().unwrap();
    }

    fn create(&mut self, side: Side) {
        let (entity, number, name) = of(side);
        let values = [
            (number, Value::text(&format!("C{}", self.things))),
            (name, Value::text(&format!("new {}", self.things))),
        ];
        let id = (side == Side::Left).then(|| RecordId::text(&format!("a{}", self.things)));
        self.world.system(side).insert(entity, id, &values).unwrap();
        self.things += 1;
    }

    /// The names by number.
    fn names(&self, side: Side) -> Vec<(String, String)> {
        let (entity, number, name) = of(side);
        let rows = self.world.system(side).rows(entity).into_iter();
        let text =
            |row: &RecordId, field| self.world.system(side).value(entity, row, field).unwrap().to_string();
        let mut names: Vec<_> = rows.map(|row| (text(&row.id, number), text(&row.id, name))).collect();
        names.sort();
        names
    }

    fn edit(&mut self, side: Side, thing: usize) {
        let (entity, number, name) = of(side);
        let wanted = Value::text(&format!("C{thing}"));
        let system = self.world.system(side);
        let mut rows = system.rows(entity).into_iter();
        let found = rows.find(|row| system.value(entity, &row.id, number).as_ref() == Some(&wanted));
        if let Some(row) = found {
            self.serial += 1;
            system.edit(entity, &row.id, &[(name, Value::text(&format!("v{}", self.serial)))]).unwrap();
        }
    }

    /// The numbers of the records that wait: both sides were edited.
    fn waiting(&self) -> Vec<String> {
        let rows = self.world.waiting().into_iter();
        let number = |side: Side, id: &RecordId| {
            let (entity, number, _) = of(side);
            self.world.system(side).value(entity, id, number).map(|value| value.to_string())
        };
        rows.filter_map(|(_, row)| number(row.side, &row.id)).collect()
    }

    fn enumerated_at(&self) -> Vec<Option<seamless_core::model::Timestamp>> {
        let feed = |side| block_on(self.world.store.feed(&"customers".into(), side)).unwrap();
        Side::BOTH.into_iter().map(|side| feed(side).and_then(|feed| feed.enumerated_at)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Readings break off, plans are thrown away, runs die: every change is carried over by the feeds alone.
    #[test]
    fn i28_the_cursor_never_passes_what_was_not_read(steps in prop::collection::vec(step(), 1..25)) {
        let mut scene = Scene::new();
        let enumerated = scene.enumerated_at();
        for step in &steps {
            match step {
                Step::Edit(side, thing) => scene.edit(*side, *thing),
                Step::New(side) => scene.create(*side),
                Step::Run => drop(block_on(scene.world.integration.run(approve))),
                Step::OnlyPlan => drop(block_on(scene.world.integration.plan())),
                Step::Faulty(side, fault) => {
                    scene.world.system(*side).fail_next(fault.clone());
                    drop(block_on(scene.world.integration.run(approve)));
                }
                Step::Crashing(at) => {
                    let died = scene.world.run_until(*at).is_none();
                    scene.world.pass(Duration::from_secs(if died { 600 } else { 1 }));
                    scene.small_pages();
                }
            }
        }
        scene.world.crm.fail_no_more();
        scene.world.erp.fail_no_more();
        for _ in 0..6 {
            scene.world.pass(Duration::from_secs(7200));
            block_on(scene.world.integration.run(approve)).unwrap();
        }
        prop_assert_eq!(scene.enumerated_at(), enumerated, "everything was read anew: the feeds are not what is tested");
        let waiting = scene.waiting();
        let others = |side: Side| -> Vec<_> {
            scene.names(side).into_iter().filter(|(number, _)| !waiting.contains(number)).collect()
        };
        prop_assert_eq!(others(Side::Left), others(Side::Right), "{:?}", waiting);
        let numbers = |side| scene.names(side).into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        prop_assert_eq!(numbers(Side::Left), numbers(Side::Right));
    }
}
