//! An entry that lets go first: what the first of the two writes, what the second expects, and what is settled between.

use std::sync::Arc;

use super::release;
use crate::connector::Capabilities;
use crate::merge::CompiledLink;
use crate::merge::tests::fixture::{Op, TestMapper, computed, copy};
use crate::model::{ActionId, Entity, Field, FieldKind, Planned, Record, RecordId, Side, Value};
use crate::plan::decide::tests::fixture::{frame, told};
use crate::plan::keys::UniqueSets;
use crate::plan::{
    Body, Effect, Entry, PlannedExpects, PlannedTarget, PlannedVerb, Provenance, Rank, Reason, samples,
};

fn link() -> Arc<CompiledLink> {
    let rules = [copy("no"), copy("name"), computed("kind", &["kind"], &["kind"])];
    let options = Op::Options(&[("k", "K")]);
    TestMapper::new(rules).with(|mapper| mapper.ops[2] = options).link()
}

fn sets(link: &CompiledLink) -> UniqueSets {
    let text =
        |name: &str, required| Field { required, ..Field::new(name, FieldKind::Text { length_max: None }) };
    let entity = Entity {
        name: "customer".into(),
        label: None,
        fields: vec![text("no", true), text("name", true), text("kind", false)],
        key: vec![],
        unique: vec![vec!["kind".into()], vec!["name".into()], vec!["no".into()]],
        actions: Vec::new(),
    };
    UniqueSets::of(Some(&entity), &Capabilities::default(), link.shape(Side::Right))
}

const KIND: u64 = 1;
const NAME: u64 = 2;
const NO: u64 = 4;

fn record(link: &CompiledLink, side: Side, text: &str) -> Record {
    Record::from_json(text).unwrap().reshaped(link.shape(side))
}

/// All three fields change on the right.
fn entry(link: &CompiledLink) -> Entry {
    let mut action = samples::action(
        Side::Right,
        PlannedVerb::Update,
        PlannedTarget::Existing(RecordId::text("r1")),
        Reason::Changed,
    );
    let change = |field: &str, before: &str, after: &str| {
        let mut change = samples::change(
            field,
            samples::text(before),
            Planned::Known(Value::text(after)),
            Provenance::Changed,
        );
        change.rule = Some(field.into());
        change
    };
    action.changes = vec![change("no", "1", "2"), change("name", "a", "b"), change("kind", "K", "M")].into();
    action.expects = PlannedExpects::Before;
    action.waits_for = vec![samples::wait()];
    let mut entry = samples::entry(Rank::Update, Side::Right, "r1", Body::Act(action));
    entry.key.link = 3;
    entry.ids.left = Some(RecordId::text("l1"));
    entry.observed.left = Some(record(link, Side::Left, r#"{"no":"2","name":"b","kind":"m"}"#));
    entry.observed.right = Some(record(link, Side::Right, r#"{"no":"1","name":"a","kind":"K"}"#));
    entry
}

fn temporary() -> String {
    let id = ActionId::derive(&[ActionId::derive(&[b"sample"]).as_bytes(), b"release"]);
    let digits = id.to_string().to_uppercase();
    format!("TMP-{digits}").chars().take(20).collect()
}

// Catches: a temporary value that counts as an edit, a final one that nobody expects, a set that does not let go.
#[test]
fn who_lets_go_writes_something_temporary_and_then_what_was_meant() {
    let link = link();
    let made = release(&sets(&link), &link, 7, &entry(&link), NO).unwrap();
    let stands = temporary();
    assert_eq!(
        told(&made.first),
        format!(r#"update right r1 if Before: ReleaseKey, no "1" -> "{stands}" by no (Released); settles 0"#)
    );
    assert_eq!(
        frame(&made.first),
        format!(
            r#"release_keys 7 right r1 0 of customers: l1 r1; since - - -; saw [no="{stands}" name="b" kind="m"] [no="1" name="a" kind="K"]"#
        )
    );
    let then = made.then.action().unwrap();
    let own = entry(&link);
    assert_eq!(then.expects, PlannedExpects::Released { fields: vec!["no".into()] });
    let (then_changes, own_changes) = (then.changes.to_vec(), own.action().unwrap().changes.to_vec());
    assert_eq!(then_changes[0].before, samples::text(&stands));
    assert_eq!(then_changes[1..], own_changes[1..]);
    assert_eq!(
        (&made.then.key, &made.then.settles, &made.then.observed),
        (&own.key, &own.settles, &own.observed)
    );
    assert_eq!((then.id, &then.waits_for), (own.action().unwrap().id, &own.action().unwrap().waits_for));
    assert_ne!(made.first.action().unwrap().id, then.id);
}

#[test]
fn every_set_that_is_wanted_lets_go() {
    let link = link();
    let made = release(&sets(&link), &link, 7, &entry(&link), NO | NAME).unwrap();
    let stands = temporary();
    assert_eq!(
        told(&made.first),
        format!(
            r#"update right r1 if Before: ReleaseKey, no "1" -> "{stands}" by no (Released), name "a" -> "{stands}" by name (Released); settles 0 1"#
        )
    );
    let fields = vec!["no".into(), "name".into()];
    assert_eq!(made.then.action().unwrap().expects, PlannedExpects::Released { fields });
    let far = release(&sets(&link), &link, 7, &entry(&link), 1 << 40);
    assert_eq!(far, None, "there is no such set");
    assert_eq!(release(&sets(&link), &link, 7, &entry(&link), 0), None, "nothing is wanted");
}

// Catches: a base of the other side that looks like what it held all along.
#[test]
fn what_means_nothing_on_the_other_side_is_nothing_there() {
    let link = link();
    let made = release(&sets(&link), &link, 7, &entry(&link), KIND).unwrap();
    assert_eq!(
        told(&made.first),
        r#"update right r1 if Before: ReleaseKey, kind "K" -> (nothing) by kind (Released); settles 2"#
    );
    assert!(
        frame(&made.first).ends_with(r#"saw [no="2" name="b" kind=(nothing)] [no="1" name="a" kind="K"]"#)
    );
}

#[test]
fn an_entry_that_writes_no_record_that_was_seen_does_not_let_go() {
    let link = link();
    let effect = samples::entry(Rank::State, Side::Right, "r1", Body::Effect(Effect::Agree));
    assert_eq!(release(&sets(&link), &link, 7, &effect, NO), None);
    let mut unseen = entry(&link);
    unseen.observed.right = None;
    assert_eq!(release(&sets(&link), &link, 7, &unseen, NO), None);
    let mut other = entry(&link);
    if let Body::Act(action) = &mut other.body {
        action.changes = action.changes.to_vec().split_off(1).into();
    }
    assert_eq!(
        release(&sets(&link), &link, 7, &other, NO),
        None,
        "what it does not set would stay temporary"
    );
}
