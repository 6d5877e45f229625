//! Writes that come back: what counts as an answer, what is counted, when it is enough.

use std::sync::Arc;

use super::{SAME_WRITES_MAX, Sending, VALUES_MAX, may_write, note_write};
use crate::merge::CompiledLink;
use crate::merge::tests::fixture::{TestMapper, computed, copy};
use crate::model::{Bits, Record, RecordId, Side, Sides, Value};
use crate::plan::{Pair, PairStatus, Return, Trail};

/// A pair that last agreed on `a`, with what was counted.
struct Story {
    link: Arc<CompiledLink>,
    pair: Pair,
}

impl Story {
    fn new(written: Sides<&[usize]>) -> Self {
        Self::of(TestMapper::new([copy("name"), copy("phone")]), written)
    }

    fn of(mapper: TestMapper, written: Sides<&[usize]>) -> Self {
        let link = mapper.link();
        let base = |side: Side| record(&link, side, "a");
        let pair = Pair {
            ids: Sides::new(RecordId::text("l1"), RecordId::text("r1")),
            status: PairStatus::Linked,
            revision: 1,
            plan: None,
            base: Sides::new(base(Side::Left), base(Side::Right)),
            trail: Trail {
                written: written.map(|slots| slots.iter().copied().collect::<Bits>()),
                ..Trail::default()
            },
            fingerprint: Sides::default(),
            version: Sides::default(),
            watch: false,
            configuration: String::new(),
        };
        Self { link, pair }
    }

    fn ask<T>(
        &self,
        now: [&str; 2],
        to: Side,
        value: &str,
        ask: impl FnOnce(&Sides<&Record>, Sending<'_>) -> T,
    ) -> T {
        let left = record(&self.link, Side::Left, now[0]);
        let right = record(&self.link, Side::Right, now[1]);
        let value = Value::text(value);
        ask(&Sides::new(&left, &right), Sending { group: 0, to, values: &[(0, value.as_ref())] })
    }

    /// Notes a write of the name; gives how often each value was sent.
    fn note(&mut self, now: [&str; 2], to: Side, value: &str) -> Vec<u8> {
        self.note_as(now, to, value, false)
    }

    fn note_as(&mut self, now: [&str; 2], to: Side, value: &str, decided: bool) -> Vec<u8> {
        let mut returns = self.pair.trail.returns.clone();
        self.ask(now, to, value, |now, sending| {
            note_write(&self.link, &self.pair, now, sending, decided, &mut returns);
        });
        self.pair.trail.returns = returns;
        let known = self.pair.trail.returns.iter().find(|known| known.rule.as_str() == "name");
        known.map(|known| known.values.iter().map(|(_, writes)| *writes).collect()).unwrap_or_default()
    }

    fn may(&self, now: [&str; 2], to: Side, value: &str) -> bool {
        self.ask(now, to, value, |now, sending| may_write(&self.link, &self.pair, now, sending))
    }
}

/// A record whose fields all hold the text, but the phone, which never changes.
fn record(link: &CompiledLink, side: Side, text: &str) -> Record {
    let fields = link.shape(side).names().iter();
    let held = fields
        .map(|name| format!("{:?}:{:?}", name.as_str(), if name.as_str() == "phone" { "1" } else { text }));
    let held = held.collect::<Vec<_>>().join(",");
    Record::from_json(&format!("{{{held}}}")).unwrap().reshaped(link.shape(side))
}

fn both() -> Sides<&'static [usize]> {
    Sides::new(&[0], &[0])
}

// Catches: an answer that counts as nothing, or the write that it answers left out.
#[test]
fn counting_begins_with_the_first_answer_and_the_write_that_it_answers() {
    let mut story = Story::new(both());
    // What was written to the right, what both hold, what is sent: in this order.
    assert_eq!(story.note(["a", "b"], Side::Left, "b"), [1, 0, 0, 1]);
    assert!(story.may(["a", "b"], Side::Left, "b"));
    assert_eq!(story.note(["a", "b"], Side::Left, "b"), [1, 0, 0, 2]);
    assert!(!story.may(["a", "b"], Side::Left, "b"), "it was sent {SAME_WRITES_MAX} times");
    assert!(story.may(["a", "b"], Side::Left, "x"), "another value was never sent");
    assert!(story.may(["a", "c"], Side::Left, "b"), "the right holds what nobody saw");
    assert!(story.may(["c", "b"], Side::Left, "b"), "the left holds what nobody saw");
    assert!(story.may(["a", "a"], Side::Left, "b"), "nobody answers");
}

#[test]
fn a_value_that_was_not_seen_begins_anew() {
    let mut story = Story::new(both());
    story.note(["a", "b"], Side::Left, "b");
    story.note(["a", "b"], Side::Left, "b");
    assert_eq!(story.note(["a", "c"], Side::Left, "c"), [0, 0, 0, 0, 0, 1]);
    assert!(story.may(["a", "c"], Side::Left, "c"));
    assert!(story.may(["a", "b"], Side::Left, "b"), "it counts from there");
    let mut both_new = Story::new(both());
    both_new.note(["a", "b"], Side::Left, "b");
    assert_eq!(both_new.note(["c", "d"], Side::Left, "b"), [0, 0, 0, 1, 0, 0]);
}

// Catches: an edit of a person taken for an answer, or an answer for an edit.
#[test]
fn a_side_answers_where_its_base_was_written_by_us() {
    let counted = |written, now: [&str; 2], to| Story::new(written).note(now, to, "z");
    assert_eq!(counted(both(), ["a", "a"], Side::Left), [] as [u8; 0], "nothing changed");
    assert_eq!(counted(Sides::new(&[0], &[]), ["a", "b"], Side::Left), [] as [u8; 0]);
    assert_eq!(counted(Sides::new(&[], &[0]), ["a", "b"], Side::Left), [1, 0, 0, 1]);
    assert_eq!(counted(Sides::new(&[0], &[]), ["b", "a"], Side::Right), [1, 0, 0, 1]);
    assert_eq!(
        counted(Sides::new(&[0], &[]), ["b", "c"], Side::Right),
        [] as [u8; 0],
        "the right is an edit"
    );
    assert_eq!(counted(both(), ["b", "c"], Side::Right), [1, 1, 0, 0, 1]);
    assert_eq!(counted(Sides::new(&[1], &[1]), ["a", "b"], Side::Left), [] as [u8; 0], "another field was");
}

// Catches: one field of a group that we wrote standing for all of them.
#[test]
fn every_field_that_changed_must_have_been_written_by_us() {
    let group = || TestMapper::new([computed("name", &["x"], &["p"]), computed("two", &["x"], &["q"])]);
    let counted = |written| Story::of(group(), written).note(["a", "b"], Side::Left, "b");
    assert_eq!(counted(Sides::new(&[], &[0, 1])), [1, 0, 0, 1]);
    assert_eq!(counted(Sides::new(&[], &[0])), [] as [u8; 0]);
}

#[test]
fn a_side_that_goes_back_to_what_was_seen_answers_whoever_wrote_its_base() {
    let mut story = Story::new(both());
    story.note(["a", "b"], Side::Left, "b");
    story.note(["a", "b"], Side::Left, "b");
    story.pair.trail.written = Sides::default();
    assert!(!story.may(["a", "b"], Side::Left, "b"));
    assert_eq!(story.note(["a", "b"], Side::Left, "b"), [1, 0, 0, 3]);
    // It goes to a value that nobody saw: an edit, and the counting ends.
    assert_eq!(story.note(["a", "c"], Side::Left, "c"), [] as [u8; 0]);
}

// Catches: a count that goes on although a person decided.
#[test]
fn a_person_who_decides_ends_the_counting() {
    let mut story = Story::new(both());
    story.note(["a", "b"], Side::Left, "b");
    assert_eq!(story.note_as(["a", "b"], Side::Left, "b", true), [] as [u8; 0]);
    assert_eq!(story.note_as(["a", "b"], Side::Left, "b", true), [] as [u8; 0]);
    assert_eq!(story.note(["a", "b"], Side::Left, "b"), [1, 0, 0, 1]);
    assert_eq!(story.note(["a", "a"], Side::Left, "b"), [] as [u8; 0], "nobody answered");
}

#[test]
fn the_groups_of_a_pair_are_counted_apart() {
    let mut story = Story::new(both());
    let other = Return { rule: "phone".into(), values: vec![(7, 2)] };
    story.pair.trail.returns.push(other.clone());
    assert!(story.may(["a", "b"], Side::Left, "b"));
    assert_eq!(story.note(["a", "b"], Side::Left, "b"), [1, 0, 0, 1]);
    assert_eq!(story.note_as(["a", "b"], Side::Left, "b", true), [] as [u8; 0]);
    assert_eq!(story.pair.trail.returns, [other]);
}

// Catches: a pair that grows for ever, or one that forgets what it saw last.
#[test]
fn the_oldest_values_are_forgotten() {
    let mut story = Story::new(both());
    let values: Vec<String> = (0..40).map(|number| format!("v{number}")).collect();
    for value in &values {
        let counted = story.note(["a", value], Side::Left, value);
        assert!(counted.len() <= VALUES_MAX, "{counted:?}");
        assert_eq!(counted.last(), Some(&1));
    }
    assert_eq!(story.pair.trail.returns[0].values.len(), VALUES_MAX);
    let last = values.last().unwrap();
    // What the left holds was forgotten with the oldest, so it is seen anew.
    assert!(story.may(["a", last], Side::Left, last));
    story.note(["a", last], Side::Left, last);
    story.note(["a", last], Side::Left, last);
    assert!(!story.may(["a", last], Side::Left, last));
}
