//! How a decision is written down: preconditions, derived ids, names of attempts, places.

use std::collections::BTreeSet;

use super::fixture::{Scene, Told, conflict, parked, versioned};
use crate::merge::tests::fixture::{Op, TestMapper, copy};
use crate::model::{ActionId, Planned, Side, Slot, Value, Version};
use crate::plan::decide::attempt_name;
use crate::plan::{Action, Attempt, AttentionWhy, FieldChange, ParkedAs, PlannedExpects, Provenance};

const A1: &str = r#"{"name":"a","phone":"1"}"#;
const B1: &str = r#"{"name":"b","phone":"1"}"#;

fn two() -> TestMapper {
    TestMapper::new([copy("name"), copy("phone")])
}

/// The left changed the name.
fn edited() -> Scene {
    Scene::new(two(), [A1, A1], [B1, A1])
}

fn action(scene: &Scene) -> Action {
    scene.decide().entries.remove(0).action().unwrap().clone()
}

#[test]
fn a_write_expects_what_the_system_can_check() {
    let expects = |version: Option<&str>, conditional| {
        let mut scene = edited();
        let mut record = versioned(&scene.link, Side::Right, A1);
        record.version = version.map(Version::new);
        scene.half.right = Told::There(record);
        scene.capabilities.right.conditional_update = conditional;
        action(&scene).expects
    };
    assert_eq!(expects(Some("w"), true), PlannedExpects::Version(Version::new("w")));
    assert_eq!(expects(None, true), PlannedExpects::Before);
    assert_eq!(expects(Some("w"), false), PlannedExpects::Anything);
    assert_eq!(expects(None, false), PlannedExpects::Anything);
}

// Catches: a part of the observation that does not count, so that another write passes for one that was done.
#[test]
fn an_action_has_another_id_when_anything_about_it_is_another() {
    let same = action(&edited()).id;
    assert_eq!(action(&edited()).id, same);
    let mut found = BTreeSet::from([same]);
    let mut differs = |what: &str, scene: Scene| assert!(found.insert(action(&scene).id), "{what}");
    differs("configuration", edited().with(|scene| scene.configuration = "d"));
    differs("revision", edited().pair_with(|pair| pair.revision = 5));
    differs("link", {
        let other = two().with(|mapper| mapper.spec.id = "other".into());
        edited().with(|scene| scene.link = other.link())
    });
    let record = |side, text| {
        let scene = edited();
        let told = versioned(&scene.link, side, text);
        scene.half(side, Told::There(told))
    };
    differs("left", record(Side::Left, r#"{"name":"c","phone":"1"}"#));
    differs(
        "right",
        record(Side::Right, r#"{"name":null,"phone":"1"}"#).with(|scene| {
            // Not an edit: the base is the same.
            let held = versioned(&scene.link, Side::Right, r#"{"name":null,"phone":"1"}"#).record;
            scene.pair.as_mut().unwrap().base.right = held;
        }),
    );
    differs("side", Scene::new(two(), [A1, A1], [A1, B1]));
    let mut renamed = versioned(&edited().link, Side::Right, A1);
    renamed.id = crate::model::RecordId::text("r2");
    differs("record", edited().half(Side::Right, Told::There(renamed)));
    differs("what is done", edited().half(Side::Right, Told::None).with(|scene| scene.pair = None));
    // A pair that was never committed is not a pair that is not there.
    for revision in [0, 1] {
        let with = |pair: bool| {
            let scene = edited().half(Side::Right, Told::None).pair_with(|pair| pair.revision = revision);
            action(&scene.with(|scene| scene.pair = scene.pair.take().filter(|_| pair))).id
        };
        assert_ne!(with(true), with(false), "revision {revision}");
    }
}

fn change(field: &str, after: Planned) -> FieldChange {
    FieldChange { rule: None, field: field.into(), before: Slot::Absent, after, from: Provenance::Changed }
}

fn name_of(side: Side, changes: Vec<FieldChange>) -> Attempt {
    attempt_name(&Action { side, changes: changes.into(), ..action(&edited()) })
}

// Catches: two attempts that are told apart by nothing, so that the second is never made.
#[test]
fn an_attempt_is_named_by_its_side_its_fields_and_its_values() {
    let known = |text: &str| Planned::Known(Value::text(text));
    let made = |from: &[u8]| Planned::ResultOf(ActionId::derive(&[from]));
    let attempts = [
        (Side::Left, vec![change("a", known("x"))]),
        (Side::Right, vec![change("a", known("x"))]),
        (Side::Right, vec![change("b", known("x"))]),
        (Side::Right, vec![change("a", known("y"))]),
        (Side::Right, vec![change("a", made(b"x"))]),
        (Side::Right, vec![change("a", made(b"y"))]),
        (Side::Right, vec![change("a", Planned::TargetDecides)]),
        (Side::Right, vec![change("a", known("x")), change("b", known("y"))]),
        (Side::Right, vec![]),
    ];
    let names: BTreeSet<Attempt> =
        attempts.iter().map(|(side, changes)| name_of(*side, changes.clone())).collect();
    assert_eq!(names.len(), attempts.len());
    // It is kept: what was refused under an earlier version is refused under this one.
    let kept = name_of(Side::Right, vec![change("a", known("x"))]);
    assert_eq!(ParkedAs::Refused(Some(kept)).to_string(), "refused:298ce5ae14860f6b");
    let mut other_reason = action(&edited());
    other_reason.expects = PlannedExpects::Anything;
    assert_eq!(attempt_name(&other_reason), attempt_name(&action(&edited())));
}

// Catches: a refused write that is sent in every plan, and one that is never sent again.
#[test]
fn a_refused_attempt_is_not_made_again_until_something_changes_or_a_person_asks() {
    let refused = |attempt| parked(ParkedAs::Refused(attempt), &[], "refused");
    let name = attempt_name(&action(&edited()));
    let story = edited().story();
    edited().open(refused(Some(name))).expect(&[]);
    let made = |scene: Scene| assert_eq!(scene.story(), story);
    made(edited().open(refused(Some(Attempt([9; 8])))));
    made(edited().open(refused(None)));
    made(edited().open(conflict(&[], "x")));
    made(edited().open(refused(Some(name))).open(AttentionWhy::Hint { version: None }));
    made(edited().open(parked(ParkedAs::AmbiguousCreate, &[], "made, or not")));
    let alone = || Scene::new(two(), ["", ""], [A1, A1]).half(Side::Right, Told::None);
    assert_eq!(alone().story().len(), 1);
    alone().open(parked(ParkedAs::AmbiguousCreate, &[], "made, or not")).expect(&[]);
    let again = alone().open(parked(ParkedAs::AmbiguousCreate, &[], "made, or not"));
    assert_eq!(again.open(AttentionWhy::Hint { version: None }).story().len(), 1);
}

// Catches: two effects of one record under one key, of which one is lost.
#[test]
fn the_effects_of_a_record_have_parts_of_their_own() {
    let scene = Scene::new(two(), ["", ""], [A1, r#"{"name":"c","phone":"2"}"#]);
    let parts: Vec<u16> = scene.decide().entries.iter().map(|entry| entry.key.part).collect();
    assert_eq!(parts, [0, 1, 2]);
}

#[test]
fn an_effect_is_placed_by_the_left_record_where_there_is_one() {
    let waits = || two().with(|mapper| mapper.ops[0] = Op::Waits);
    let scene = |side: Side| {
        Scene::new(waits(), ["", ""], [A1, A1])
            .half(side.other(), Told::None)
            .with(|scene| scene.decided = vec!["parent".into()])
    };
    let key = |side: Side| {
        let entry = scene(side).decide().entries.remove(0);
        (entry.key.side, entry.key.id.to_string())
    };
    assert_eq!(key(Side::Left), (Side::Left, "l1".to_owned()));
    assert_eq!(key(Side::Right), (Side::Right, "r1".to_owned()));
}

#[test]
fn what_is_parked_in_the_same_words_is_not_parked_again() {
    let waits = || {
        let mapper = two().with(|mapper| mapper.ops[0] = Op::Options(&[("a", "a")]));
        let mapper = mapper.with(|mapper| mapper.rules[0].kind = crate::mapper::RuleKind::Computed);
        Scene::new(mapper, [A1, A1], [B1, A1])
    };
    let story = ["park left l1 [name] unmappable: x: does not map (a text)"];
    waits().expect(&story);
    let words = "x: does not map (a text)";
    waits().open(parked(ParkedAs::Unmappable, &["name"], words)).expect(&[]);
    waits().open(parked(ParkedAs::Unmappable, &["name"], "in other words")).expect(&story);
    waits().open(parked(ParkedAs::Unmappable, &["phone"], words)).expect(&[story[0], "over: phone"]);
    waits().open(conflict(&["name"], words)).expect(&story);
}
