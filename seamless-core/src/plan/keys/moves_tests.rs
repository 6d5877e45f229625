//! Which unique values an entry gives up and takes.

use std::sync::Arc;

use super::{Given, KeyMoves, StandIn, UniqueSets};
use crate::connector::{AbsenceProof, Capabilities, GoneProof, UniqueKey};
use crate::merge::CompiledLink;
use crate::merge::tests::fixture::{TestMapper, copy};
use crate::model::{
    ActionId, Bits, Entity, Field, FieldKind, Normaliser, Planned, Record, RecordId, Side, Slot, Value,
};
use crate::plan::{
    Body, Effect, Entry, FieldChange, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Rank, Reason,
    samples,
};

const HELD: &str = r#"{"no":"n1","name":"Ada","town":"Bonn"}"#;

fn link() -> Arc<CompiledLink> {
    let rules = [copy("no"), copy("name"), copy("town")];
    TestMapper::new(rules).form(Side::Right, "no", [Normaliser::Case]).link()
}

fn text(name: &str, required: bool) -> Field {
    Field { required, ..Field::new(name, FieldKind::Text { length_max: None }) }
}

fn entity(key: &[&str], unique: &[&[&str]]) -> Entity {
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Entity {
        name: "customer".into(),
        label: None,
        fields: vec![text("no", true), text("name", true), text("town", false)],
        key: names(key),
        unique: unique.iter().map(|set| names(set)).collect(),
        actions: Vec::new(),
    }
}

fn sets(entity: &Entity) -> UniqueSets {
    UniqueSets::of(Some(entity), &Capabilities::default(), link().shape(Side::Right))
}

fn changes(fields: &[(&str, Planned)]) -> Vec<FieldChange> {
    fields
        .iter()
        .map(|(field, after)| samples::change(field, Slot::Absent, after.clone(), Provenance::Changed))
        .collect()
}

fn entry(verb: PlannedVerb, target: PlannedTarget, fields: &[(&str, Planned)]) -> Entry {
    let link = link();
    let mut action = samples::action(Side::Right, verb, target, Reason::Changed);
    action.changes = changes(fields).into();
    let mut entry = samples::entry(Rank::Update, Side::Right, "r1", Body::Act(action));
    let held = Record::from_json(HELD).unwrap().reshaped(link.shape(Side::Right));
    // The other side holds something else.
    let other = Record::from_json(r#"{"no":"n7","name":"x","town":"y"}"#).unwrap();
    entry.observed.left = Some(other.reshaped(link.shape(Side::Left)));
    entry.observed.right = Some(held);
    entry
}

fn known(value: &str) -> Planned {
    Planned::Known(Value::text(value))
}

fn existing() -> PlannedTarget {
    PlannedTarget::Existing(RecordId::text("r1"))
}

fn update(fields: &[(&str, Planned)]) -> Entry {
    entry(PlannedVerb::Update, existing(), fields)
}

fn create(fields: &[(&str, Planned)]) -> Entry {
    entry(PlannedVerb::Create, PlannedTarget::New, fields)
}

fn delete() -> Entry {
    let gone = GoneProof { id: RecordId::text("l1"), seen: String::new() };
    entry(PlannedVerb::Delete(PlannedGround::Absent(AbsenceProof::Gone(gone))), existing(), &[])
}

fn moves(sets: &UniqueSets, entry: &Entry) -> KeyMoves {
    sets.moves(&link(), entry)
}

fn nothing() -> KeyMoves {
    KeyMoves::default()
}

// Catches: a value that is given and not taken, or the other way round; one that is not moved at all.
#[test]
fn an_entry_gives_what_the_record_has_and_takes_what_it_is_to_have() {
    let sets = sets(&entity(&[], &[&["no"]]));
    assert!(!sets.is_empty());
    let renumbered = moves(&sets, &update(&[("no", known("n2"))]));
    let (made, gone) = (moves(&sets, &create(&[("no", known("n2"))])), moves(&sets, &delete()));
    assert_eq!(made.gives, []);
    assert_eq!(made.takes.len(), 1);
    assert_eq!(renumbered.takes, made.takes);
    assert_eq!(gone.takes, [] as [super::UniqueValue; 0]);
    assert_eq!(gone.gives.len(), 1);
    assert_eq!(renumbered.gives, gone.gives);
    assert_ne!(renumbered.gives[0].value, renumbered.takes[0]);
    assert_eq!(renumbered.gives[0], Given { set: 0, value: renumbered.gives[0].value, can_release: true });
    // Back again: what is taken is what was given.
    assert_eq!(moves(&sets, &create(&[("no", known("n1"))])).takes, [renumbered.gives[0].value]);
}

#[test]
fn what_leaves_a_unique_value_as_it_is_moves_nothing() {
    let sets = sets(&entity(&[], &[&["no"]]));
    assert_eq!(moves(&sets, &update(&[("name", known("Eve"))])), nothing());
    assert_eq!(moves(&sets, &update(&[("no", known("N1"))])), nothing(), "the same in the system's form");
    assert_eq!(moves(&sets, &create(&[("name", known("Eve"))])), nothing());
    assert_eq!(moves(&sets, &create(&[("no", Planned::TargetDecides)])), nothing());
    let wait = PlannedTarget::CreatedBy(samples::wait());
    assert_eq!(moves(&sets, &entry(PlannedVerb::Update, wait, &[("no", known("n2"))])), nothing());
    let effect = samples::entry(Rank::State, Side::Right, "r1", Body::Effect(Effect::Agree));
    assert_eq!(moves(&sets, &effect), nothing());
    let made = Planned::ResultOf(ActionId::derive(&[b"x"]));
    let unknown = moves(&sets, &update(&[("no", made)]));
    assert_eq!((unknown.gives.len(), unknown.takes.len()), (1, 0), "what it is to have is not known");
    let cleared = moves(&sets, &update(&[("no", Planned::Known(Value::Null))]));
    assert_eq!((cleared.gives.len(), cleared.takes.len()), (1, 0), "nothing is nobody's");
}

// Catches: a set of which one field is left out, or two that are taken for each other.
#[test]
fn the_values_of_a_set_are_one_value() {
    let sets = sets(&entity(&[], &[&["no", "town"]]));
    let moved = moves(&sets, &update(&[("town", known("Kiel"))]));
    assert_eq!((moved.gives.len(), moved.takes.len()), (1, 1));
    let same = |fields: &[(&str, Planned)]| moves(&sets, &create(fields)).takes;
    assert_eq!(same(&[("no", known("n1")), ("town", known("Kiel"))]), moved.takes);
    assert_eq!(same(&[("no", known("N1")), ("town", known("Bonn"))]), [moved.gives[0].value]);
    assert_ne!(same(&[("no", known("n1K")), ("town", known("iel"))]), moved.takes);
    assert_eq!(same(&[("no", known("n1"))]), [] as [super::UniqueValue; 0], "half of a value is none");
    let of_one = |field: &str| {
        let sets = super::UniqueSets::of(
            Some(&entity(&[], &[&[field]])),
            &Capabilities::default(),
            link().shape(Side::Right),
        );
        moves(&sets, &create(&[(field, known("v"))])).takes
    };
    assert_ne!(of_one("name"), of_one("town"), "the same text in two fields");
}

// Catches: a set that nobody looks at, or one whose values cannot be told.
#[test]
fn sets_come_from_the_schema_and_the_connector_and_are_there_once() {
    let places = |entity: Option<&Entity>, capabilities: &Capabilities| {
        let sets = UniqueSets::of(entity, capabilities, link().shape(Side::Right));
        let slots = |set: &super::UniqueSet| set.slots.iter().map(|(slot, _)| *slot).collect::<Vec<_>>();
        sets.sets.iter().map(slots).collect::<Vec<_>>()
    };
    let none = Capabilities::default();
    assert_eq!(places(None, &none), [] as [Vec<usize>; 0]);
    assert!(UniqueSets::of(None, &none, link().shape(Side::Right)).is_empty());
    assert_eq!(places(Some(&entity(&[], &[])), &none), [] as [Vec<usize>; 0], "no native key is no set");
    assert_eq!(places(Some(&entity(&["no"], &[&["no"], &["name", "town"]])), &none), [vec![1, 2], vec![0]]);
    assert_eq!(places(Some(&entity(&[], &[&["no", "not read"]])), &none), [] as [Vec<usize>; 0]);
    let mut single = entity(&[], &[]);
    single.fields[1].unique = true;
    assert_eq!(places(Some(&single), &none), [vec![1]]);
    let external = Capabilities { unique_key: UniqueKey::Fields(vec!["town".into()]), ..none };
    assert_eq!(places(Some(&single), &external), [vec![1], vec![2]]);
    assert_eq!(places(None, &external), [vec![2]]);
}

// Catches: a temporary value in a native key, in a field that the entry does not set, or where nothing would do.
#[test]
fn the_field_that_gives_way_is_one_that_is_set_and_best_an_empty_one() {
    let stands = |entity: &Entity, is_deleted: bool, changed: &[usize]| {
        let changed: Bits = changed.iter().copied().collect();
        sets(entity).stand_in(0, is_deleted, &changed)
    };
    let pair = entity(&[], &[&["no", "name", "town"]]);
    let any = StandIn::Text { characters_max: None };
    assert_eq!(stands(&pair, false, &[0, 1, 2]), Some((2, StandIn::Nothing)));
    assert_eq!(stands(&pair, false, &[0, 1]), Some((0, any)));
    assert_eq!(stands(&pair, false, &[1]), Some((1, any)));
    assert_eq!(stands(&pair, false, &[]), None);
    assert_eq!(stands(&pair, true, &[]), Some((2, StandIn::Nothing)));
    assert_eq!(stands(&entity(&["no"], &[]), false, &[0]), None, "another native key is another record");
    assert_eq!(sets(&pair).stand_in(1, true, &Bits::new()), None);
    let native = sets(&entity(&["no"], &[]));
    let moved = native.moves(&link(), &update(&[("no", known("n2"))]));
    assert!(!moved.gives[0].can_release);
}
