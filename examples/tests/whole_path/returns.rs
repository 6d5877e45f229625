//! Automations that answer every write: a run never writes the same value again and again (I33).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use seamless_core::mapper::{ConflictPolicy, DriftPolicy};
use seamless_core::model::{RecordId, Side, Sides, Value};
use seamless_core::plan::ParkedAs;
use seamless_core::store::AttentionWhy;
use seamless_mapping::{Mapping, copy};

use super::world::{World, as_it_is, crm, erp};

fn mapping(one_way: bool) -> Mapping {
    let name = match one_way {
        true => copy("name", "Name").to_right().on_drift(DriftPolicy::Restore),
        false => copy("name", "Name"),
    }
    .on_conflict(ConflictPolicy::Take(Side::Left));
    Mapping::builder("crm", "erp")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .rule(copy("accountnumber", "No."))
        .rule(name)
        .rule(copy("phone", "Phone No."))
        .done()
        .build()
        .unwrap()
}

/// One record on both sides, and what an automation of each side makes of a value that is written there.
struct Duel {
    world: World,
    ids: Sides<RecordId>,
    answers: Sides<BTreeMap<String, String>>,
}

const FIELDS: [(&str, &str); 2] = [("account", "name"), ("Customer", "Name")];

fn of(side: Side) -> (&'static str, &'static str) {
    FIELDS[usize::from(side == Side::Right)]
}

impl Duel {
    fn new(one_way: bool, answers: Sides<BTreeMap<String, String>>) -> Self {
        let world = World::mapped(crm(&as_it_is), erp(&as_it_is), mapping(one_way));
        let left = world.account("a1", "C1", "start", "1", "");
        let right = world.customer("C1", "start", "1", "");
        world.settle();
        Self { world, ids: Sides::new(left, right), answers }
    }

    fn value(&self, side: Side) -> String {
        let (entity, field) = of(side);
        let value = self.world.system(side).value(entity, self.ids.of(side), field).unwrap();
        value.to_string().trim_matches('"').to_owned()
    }

    fn edit(&self, side: Side, value: &str) {
        let (entity, field) = of(side);
        let values = [(field, Value::text(value))];
        self.world.system(side).edit(entity, self.ids.of(side), &values).unwrap();
    }

    /// A run, and then the automations see what it wrote. Gives back what was written.
    fn round(&self) -> Vec<(Side, String)> {
        let before = Side::BOTH.map(|side| self.value(side));
        self.world.pass(Duration::from_secs(60));
        self.world.run();
        let held = Side::BOTH.into_iter().map(|side| (side, self.value(side)));
        let written: Vec<_> =
            held.zip(before).filter(|((_, after), before)| after != before).map(|(now, _)| now).collect();
        for (side, value) in &written {
            if let Some(answer) = self.answers.of(*side).get(value).filter(|answer| *answer != value) {
                self.edit(*side, answer);
            }
        }
        written
    }

    fn waits(&self) -> bool {
        let waiting = self.world.waiting();
        waiting
            .iter()
            .any(|(_, row)| matches!(&row.why, AttentionWhy::Parked { reason: ParkedAs::Returned, .. }))
    }
}

fn answer(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

#[test]
fn h104_i33_an_automation_that_reverts_our_write_is_not_fought() {
    let duel = Duel::new(true, Sides::new(BTreeMap::new(), answer(&[("new", "old")])));
    duel.edit(Side::Left, "new");
    let written: usize = (0..8).map(|_| duel.round().len()).sum();
    assert_eq!(written, 2, "once, and once again when the answer was seen");
    assert!(duel.waits(), "{:#?}", duel.world.waiting());
    // The other fields go on, and a new value of the sender does.
    let phone = [("phone", Value::text("2"))];
    duel.world.crm.edit("account", &duel.ids.left, &phone).unwrap();
    duel.round();
    assert_eq!(duel.world.erp_value(&duel.ids.right, "Phone No."), Value::text("2"));
    assert_eq!(duel.value(Side::Right), "old");
    duel.edit(Side::Left, "newest");
    assert_eq!(duel.round(), [(Side::Right, "newest".to_owned())]);
    duel.round();
    assert!(!duel.waits(), "{:#?}", duel.world.waiting());
}

#[test]
fn i33_two_systems_that_rewrite_each_others_values_come_to_rest_and_say_so() {
    let answers = Sides::new(answer(&[("FOO", "foo")]), answer(&[("foo", "FOO")]));
    let duel = Duel::new(false, answers);
    duel.edit(Side::Left, "foo");
    let written: usize = (0..20).map(|_| duel.round().len()).sum();
    assert!(written <= 6, "{written} writes");
    assert!(duel.waits(), "{:#?}", duel.world.waiting());
    duel.world.settle();
    // A person who says whose value is meant has it written once more.
    let (link, rule) = ("customers".into(), "name=Name".into());
    let resolve =
        duel.world.integration.resolve(&link, Side::Left, &duel.ids.left, &rule, Side::Right, "ann");
    block_on(resolve).unwrap();
    let right = duel.value(Side::Right);
    assert_eq!(duel.round(), [(Side::Left, right)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever finite automations two systems have: no value is written to a side more than twice while neither side
    /// takes a value that it has not had since a user last typed something, and writing ends.
    #[test]
    fn i33_no_value_is_written_again_and_again(
        one_way in any::<bool>(),
        left in prop::collection::btree_map("[a-d]", "[a-d]", 0..4),
        right in prop::collection::btree_map("[a-d]", "[a-d]", 0..4),
        typed in prop::collection::vec((any::<bool>(), "[a-d]", 1usize..12), 1..4),
    ) {
        let duel = Duel::new(one_way, Sides::new(left, right));
        for (on_left, value, rounds) in &typed {
            let side = if *on_left { Side::Left } else { Side::Right };
            duel.edit(side, value);
            let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::new());
            for _ in 0..*rounds {
                watch(&duel, &mut seen, &mut counts)?;
            }
        }
        let (mut seen, mut counts) = (BTreeSet::new(), BTreeMap::new());
        let last = (0..40).filter(|_| watch(&duel, &mut seen, &mut counts).unwrap() > 0).count();
        prop_assert!(last < 40, "it never rests");
    }
}

/// One round under the eyes of the oracle: how much was written.
fn watch(
    duel: &Duel,
    seen: &mut BTreeSet<(Side, String)>,
    counts: &mut BTreeMap<(Side, String), u32>,
) -> Result<usize, TestCaseError> {
    for side in Side::BOTH {
        if seen.insert((side, duel.value(side))) {
            counts.clear();
        }
    }
    let written = duel.round();
    for write in &written {
        let count = counts.entry(write.clone()).or_default();
        *count += 1;
        prop_assert!(*count <= 2, "{write:?} was written {count} times");
        seen.insert(write.clone());
    }
    Ok(written.len())
}
