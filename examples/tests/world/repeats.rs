//! Users who type what was typed before, doubts that are of one thing, and things that users made twice: what the oracle may
//! excuse, and for how long.

use seamless_core::testkit::world::{Harm, Outcome, Script, play};

use super::broken::{Wrong, check_merge};
use super::subject::subject;

fn played(script: &str) -> Outcome {
    play(&subject(), &Script::parse(script).unwrap()).unwrap()
}

/// How many records hold this in a carried field, in the end.
fn holders(outcome: &Outcome, value: &str) -> usize {
    outcome.picture.iter().filter(|line| line.contains(&format!("{value} "))).count()
}

/// Two systems in step: v1 and v2 are what the record was made with, v4 was written over v1.
const IN_STEP: &str = "left create 0.0\nrun\nright edit 0.0 2\nleft edit 0.0 0\nrun\nrun\n";

#[test]
fn i9_a_former_value_that_is_typed_again_is_carried_like_any_other() {
    for side in ["left", "right"] {
        let outcome = played(&format!("{IN_STEP}left edit 0.0 0\nrun\nrun\n{side} back 0.0 0\nrun\n"));
        assert_eq!(outcome.findings, []);
        assert_eq!(holders(&outcome, if side == "left" { "v4" } else { "v5" }), 2, "{:#?}", outcome.picture);
    }
}

#[test]
fn i13_an_edit_that_was_taken_back_before_anybody_looked_is_none() {
    let outcome = played(&format!("{IN_STEP}left edit 0.0 0\nleft back 0.0 0\nright edit 0.0 0\nrun\n"));
    assert_eq!(outcome.findings, []);
    assert_eq!(holders(&outcome, "v6"), 2, "{:#?}", outcome.picture);
}

#[test]
fn i14_a_conflict_ends_when_one_side_types_what_the_other_one_did() {
    for side in ["left", "right"] {
        let quarrel = "left edit 0.0 0\nright edit 0.0 0\nrun\n";
        let outcome = played(&format!("{IN_STEP}{quarrel}{side} copy 0.0 0\nrun\n"));
        assert_eq!(outcome.findings, []);
        assert_eq!(holders(&outcome, if side == "left" { "v6" } else { "v5" }), 2, "{:#?}", outcome.picture);
    }
}

/// A value of the other side that a user copied and took back before anybody looked was banned there, although it stands on
/// the other side still; what takes back an unseen edit was taken for a new value.
#[test]
fn i13_what_is_copied_and_taken_back_unseen_is_as_it_was() {
    for script in [
        "left create 0.0\nrun\nright edit 0.0 3\nleft copy 0.0 3\nleft back 0.0 3\n",
        "left create 0.1\nrun\nright edit 0.1 1\nleft copy 0.1 1\nrun\n  at 4 right back 0.1 1\n",
        "left create 0.2\nright create 1.2\nrun\n  at 37 left edit 1.2 2\nright copy 1.2 2\nrun\n  at 12 left back 1.2 2\n",
        "left create 1.0\nrun\nleft edit 1.0 0\nright delete 1.0\nleft back 1.0 2\n",
    ] {
        assert_eq!(played(&format!("things: 3\n{script}")).findings, [], "{script}");
    }
}

/// A conflict ends when a side goes back to what both were in step with, and so does the question about a record that was
/// edited while its partner was deleted: the other side's deed is carried.
#[test]
fn i14_who_goes_back_gives_way_to_the_other_side() {
    for script in [
        "left: full upper\nleft create 0.0\nrun\nright edit 0.0 3\nleft copy 0.0 3\nrun\nleft back 0.0 3\n",
        "right: full short=9\nright create 1.0\nrun\nleft edit 1.0 0\nright copy 1.0 2\nrun\n  at 27 left back 1.0 2\n",
        "left create 1.0\nrun\nleft edit 1.0 0\nright delete 1.0\nrun\nleft back 1.0 2\n",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}

/// Catches: an oracle that takes a value for safe because it was replaced long ago.
#[test]
fn i11_a_former_value_that_is_typed_again_and_gives_way_undecided_is_found() {
    let script = "left edit 0.0 0\nrun\nleft edit 0.0 0\nrun\nrun\nleft back 0.0 0\nrun\nrun\n";
    check_merge(
        Wrong::Overwrites,
        &format!("{script}right edit 0.0 0\nrun\nrun\nright back 0.0 0\nleft edit 0.0 0\nrun\n"),
        Harm::LostUpdate,
    );
}

/// Catches: one lost answer that excuses every conflict of the schedule.
#[test]
fn i13_a_doubt_about_one_record_excuses_no_other() {
    let script = "run\nright fault lost-reply\nleft create 0.1\nrun\nleft edit 0.0 0\nrun\n";
    check_merge(Wrong::Quarrels, script, Harm::FalseConflict);
}

/// Catches: a merge after which nothing of the two things is looked at any more.
#[test]
fn i18_what_users_merged_is_judged_as_the_pairs_that_are_kept() {
    let merged = "left create 0.1\nrun\nrun\nleft merge 0.0 1\nrun\n";
    check_merge(Wrong::Agrees, &format!("{merged}left edit 0.1 0\nrun\n"), Harm::Disagreement);
    let one_each = format!("{merged}right delete 0.0\nrun\nrun\nrun\n");
    check_merge(Wrong::Quarrels, &format!("{one_each}left edit 0.1 0\nrun\n"), Harm::FalseConflict);
}
