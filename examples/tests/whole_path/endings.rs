//! Pairs that ended with consent: what was deleted stays deleted, however often and however anew the sides are read,
//! until a user brings a record back (I24).

use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{RecordId, Side, Value};
use seamless_core::plan::PairStatus;
use seamless_mapping::declaration::IfMissing;
use seamless_mapping::{Mapping, copy, lookup};

use super::players::approve_all;
use super::world::{World, as_it_is, crm, erp};

/// What is deleted on the left is deleted on the right; what is deleted on the right leaves the left alone.
fn mapping(rules: &[(&str, &str)]) -> Mapping {
    let mut link = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .on_delete(Side::Right, DeletePolicy::Unlink);
    for (left, right) in rules {
        link = link.rule(copy(left, right));
    }
    link.done().build().unwrap()
}

/// Mappings that read other fields, in another order.
const MAPPINGS: [&[(&str, &str)]; 3] = [
    &[("accountnumber", "No."), ("name", "Name")],
    &[("phone", "Phone No."), ("accountnumber", "No."), ("name", "Name")],
    &[("accountnumber", "No."), ("name", "Name"), ("web", "Home Page")],
];

const THINGS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Delete(Side, usize),
    Edit(Side, usize),
    BringBack(Side, usize),
    Run,
    ReadAnew,
    Hint(Side, usize),
    Restart,
    Remap(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    let of = (side, 0..THINGS);
    prop_oneof![
        3 => of.clone().prop_map(|(side, thing)| Step::Delete(side, thing)),
        2 => of.clone().prop_map(|(side, thing)| Step::Edit(side, thing)),
        2 => of.clone().prop_map(|(side, thing)| Step::BringBack(side, thing)),
        5 => Just(Step::Run),
        2 => Just(Step::ReadAnew),
        1 => of.prop_map(|(side, thing)| Step::Hint(side, thing)),
        1 => Just(Step::Restart),
        1 => (0..MAPPINGS.len()).prop_map(Step::Remap),
    ]
}

struct Scene {
    world: World,
    /// Whether a user made the record of a side and no pair of it has ended since: it may be made on the other side.
    wanted: [[bool; 2]; THINGS],
    /// Whether both were there after the last run.
    paired: [bool; THINGS],
    /// Whether a user ended the pair and no run has seen it.
    ending: [bool; THINGS],
    /// Whether the left one stayed behind when the right one was deleted: it is left alone under its id.
    left_alone: [bool; THINGS],
    serial: usize,
}

impl Scene {
    fn new() -> Self {
        let world = World::mapped(crm(&as_it_is), erp(&as_it_is), mapping(MAPPINGS[0]));
        for thing in 0..THINGS {
            world.account(&format!("a{thing}"), &format!("C{thing}"), "Adatum", "1", "");
        }
        world.settle();
        Self {
            world,
            wanted: [[false; 2]; THINGS],
            paired: [true; THINGS],
            ending: [false; THINGS],
            left_alone: [false; THINGS],
            serial: 0,
        }
    }

    fn find(&self, side: Side, thing: usize) -> Option<RecordId> {
        let (entity, field) = of(side);
        let (system, number) = (self.world.system(side), Value::text(&format!("C{thing}")));
        let mut rows = system.rows(entity).into_iter();
        rows.find(|row| system.value(entity, &row.id, field).as_ref() == Some(&number)).map(|row| row.id)
    }

    /// Whether the left one's pair goes on: a person was asked about the deletion, or it was not seen yet.
    fn is_open(&self, thing: usize) -> bool {
        let ids = [RecordId::text(&format!("a{thing}"))];
        let marks = block_on(self.world.store.marks_of(&"customers".into(), Side::Left, &ids)).unwrap();
        marks.into_iter().flatten().any(|mark| mark.status != PairStatus::Ended)
    }

    fn there(&self) -> [[bool; 2]; THINGS] {
        std::array::from_fn(|thing| Side::BOTH.map(|side| self.find(side, thing).is_some()))
    }

    /// A run after which nothing stands on a side that no user wanted there.
    fn run(&mut self) -> Result<(), TestCaseError> {
        let before = self.there();
        self.world.pass(Duration::from_secs(7200));
        block_on(self.world.integration.run(approve_all)).unwrap();
        for (thing, (before, after)) in before.iter().zip(self.there()).enumerate() {
            if std::mem::take(&mut self.ending[thing]) {
                self.left_alone[thing] |= before[0] && !before[1];
            }
            for side in 0..2 {
                let came = !before[side] && after[side];
                prop_assert!(!came || self.wanted[thing][1 - side], "I24: C{thing} is there again");
            }
            self.paired[thing] = after[0] && after[1];
            // Under its own id; a partner that was made for the right one has another.
            let own = self.find(Side::Left, thing) == Some(RecordId::text(&format!("a{thing}")));
            self.left_alone[thing] &= !(self.paired[thing] && own);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Run => self.run()?,
            Step::Delete(side, thing) => {
                if let Some(id) = self.find(*side, *thing) {
                    self.world.system(*side).delete(of(*side).0, &id).unwrap();
                    self.wanted[*thing][place(*side)] = false;
                    if std::mem::take(&mut self.paired[*thing]) {
                        self.wanted[*thing] = [false; 2];
                        self.ending[*thing] = true;
                    }
                }
            }
            Step::Edit(side, thing) => {
                if let Some(id) = self.find(*side, *thing) {
                    self.serial += 1;
                    let field = if *side == Side::Left { "name" } else { "Name" };
                    let values = [(field, Value::text(&format!("v{}", self.serial)))];
                    self.world.system(*side).edit(of(*side).0, &id, &values).unwrap();
                }
            }
            Step::BringBack(side, thing) => {
                // A record that is deleted and made anew under its id between two runs was edited, as far as anybody
                // can tell.
                self.run()?;
                if self.find(*side, *thing).is_none() {
                    let open = self.is_open(*thing);
                    // On the left under the id that it had, as an undelete does.
                    match side {
                        Side::Left => {
                            self.world.account(&format!("a{thing}"), &format!("C{thing}"), "Back", "1", "")
                        }
                        Side::Right => self.world.customer(&format!("C{thing}"), "Back", "1", ""),
                    };
                    self.wanted[*thing][place(*side)] =
                        *side == Side::Right || !(self.left_alone[*thing] || open);
                }
            }
            Step::ReadAnew => {
                self.world.crm.expire_cursors();
                self.world.erp.expire_cursors();
                self.run()?;
            }
            Step::Hint(side, thing) => {
                let id = self.find(*side, *thing).unwrap_or_else(|| RecordId::text(&format!("a{thing}")));
                block_on(self.world.integration.notify(&"customers".into(), *side, &[id], None)).unwrap();
            }
            Step::Restart => self.world.restart(),
            Step::Remap(rules) => {
                self.world.remap(mapping(MAPPINGS[*rules]));
                self.run()?;
            }
        }
        Ok(())
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Right)
}

fn of(side: Side) -> (&'static str, &'static str) {
    if side == Side::Left { ("account", "accountnumber") } else { ("Customer", "No.") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i24_what_was_deleted_with_consent_stays_deleted_until_a_user_brings_it_back(
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let mut scene = Scene::new();
        for step in &steps {
            scene.step(step)?;
        }
        for _ in 0..4 {
            scene.run()?;
        }
        // What a user brought back has a partner, or somebody is asked.
        for (thing, there) in scene.there().iter().enumerate() {
            let alone = (0..2).any(|side| there[side] && scene.wanted[thing][side] && !there[1 - side]);
            prop_assert!(
                !alone || !scene.world.waiting().is_empty(),
                "C{thing} was brought back and has no partner"
            );
        }
    }
}

/// Catches: the partner that a record had before its pair ended taken for one that it has.
#[test]
fn i24_i31_a_record_whose_partner_was_deleted_has_none_that_a_reference_could_point_at() {
    let customers = Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Right, DeletePolicy::Unlink)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"));
    let mapping = customers
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .rule(copy("email", "E-Mail"))
        .rule(lookup("account", "Company", "customers").if_missing(Side::Right, IfMissing::Later))
        .done()
        .build()
        .unwrap();
    let world = World::mapped(crm(&as_it_is), erp(&as_it_is), mapping);
    let account = world.account("a1", "C1", "Adatum", "", "");
    world.settle();
    let customer = world.erp.rows("Customer")[0].id.clone();
    world.erp.delete("Customer", &customer).unwrap();
    world.settle();
    assert_eq!(world.crm.count("account"), 1, "what is deleted on the right leaves the left alone");
    world.contact("p1", "ann@adatum.example", "Ann", Some(&account));
    world.settle();
    let [person] = world.erp.rows("Contact").try_into().expect("the contact is made without its company");
    assert_eq!(world.erp.value("Contact", &person.id, "Company"), Some(Value::Null));
    assert_eq!(world.waiting().len(), 1, "{:#?}", world.waiting());
}
