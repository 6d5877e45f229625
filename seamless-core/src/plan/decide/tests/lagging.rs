//! A side that shows a record as it was before our last write; and what is over once both records are seen.

use super::fixture::{Scene, conflict, parked};
use crate::mapper::FirstLinkPolicy;
use crate::merge::tests::fixture::{TestMapper, copy};
use crate::model::{RuleId, Version};
use crate::plan::{AttentionWhy, ParkedAs};

const A: &str = r#"{"name":"a"}"#;
const B: &str = r#"{"name":"b"}"#;
const NOTHING: &str = r#"{"name":null}"#;

fn one() -> TestMapper {
    TestMapper::new([copy("name")])
}

/// The right record shows what our write replaced.
fn late() -> Scene {
    let scene = Scene::new(one(), [B, B], [B, A]);
    scene.pair_with(|pair| pair.trail.replaced.right = vec![Version::new("older"), Version::new("rv")])
}

// Catches: a former value that is taken for an edit and carried back.
#[test]
fn what_a_side_held_before_our_write_is_no_edit_where_its_reading_lags() {
    let waits = "park right r1 [] lagging: the right side still shows what it held before the last write";
    late().expect(&[waits]);
    // Asked once.
    let message = "the right side still shows what it held before the last write";
    late().open(parked(ParkedAs::Lagging, &[], message)).expect(&[]);
}

// Catches: an edit that gives a record back its former version, as a hash of its content does, and that nobody carries.
#[test]
fn what_a_side_held_before_our_write_is_an_edit_where_its_reading_does_not_lag_or_a_person_says_so() {
    let edit = [
        r#"update left l1 if Version(Version("lv")): Changed, name "b" -> "a" by name (Changed); settles 0"#,
    ];
    late().with(|scene| scene.capabilities.right.consistent_read = true).expect(&edit);
    late().open(AttentionWhy::Hint { version: None }).expect(&edit);
    let other = late().pair_with(|pair| pair.trail.replaced.right = vec![Version::new("older")]);
    other.expect(&edit);
}

// Catches: a side with coarse stamps that is waited for although it shows what was written.
#[test]
fn what_shows_our_write_is_not_waited_for_where_the_version_is_that_of_before() {
    let scene = Scene::new(one(), [A, A], [B, A]);
    let edit =
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#;
    scene.pair_with(|pair| pair.trail.replaced.right = vec![Version::new("rv")]).expect(&[edit]);
}

// Catches: an item that says for ever that a record cannot be seen.
#[test]
fn what_waits_to_be_seen_is_over_when_both_records_are() {
    for reason in [ParkedAs::Hidden, ParkedAs::Lagging, ParkedAs::PartnerGone, ParkedAs::EditedAndDeleted] {
        let seen = Scene::new(one(), [A, A], [A, A]).open(parked(reason, &[], "not seen"));
        seen.expect(&["Agree"]);
    }
    let other = Scene::new(one(), [A, A], [A, A]).open(parked(ParkedAs::LeftScope, &[], "it left"));
    other.expect(&[]);
}

// Catches: a value that a user cleared while it was in conflict, or in a record that our own create made, and that comes
// back.
#[test]
fn a_blank_that_may_have_been_cleared_is_not_filled() {
    let fill = || {
        let mapper = one().with(|mapper| mapper.rules[0].first_link = FirstLinkPolicy::FillBlanks);
        Scene::new(mapper, ["", ""], [A, NOTHING])
    };
    fill().expect(&[
        "Link { line: 0 }",
        r#"update right r1 if Version(Version("rv")): FirstLink, name (nothing) -> "a" by name (FilledBlank); settles 0"#,
    ]);
    let asks = [r#"conflict name FirstLink: name "a" | name (nothing)"#, "Link { line: 0 }"];
    fill().open(conflict(&["name"], "an earlier one")).expect(&asks);
    fill().open(parked(ParkedAs::AmbiguousCreate, &[], "nobody knows")).expect(&asks);
    let retry = |unanswered| {
        let (failure, rules) = ("no".to_owned(), vec![RuleId::from("name")]);
        fill().open(AttentionWhy::Retry { failures: 1, failure, rules, unanswered })
    };
    retry(true).expect(&asks);
    let filled = retry(false).decide();
    assert!(filled.entries.iter().any(|entry| entry.action().is_some()), "{filled:?}");
}
