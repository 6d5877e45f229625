//! People decide what is open, at any moment and now and then without knowing the newest values. A decision speaks of what
//! was seen and of nothing else.

use seamless_core::testkit::world::{Harm, Outcome, Script, Subject, play};

use super::broken_store::StoreFlaw;
use super::subject::subject;

/// A customer whose name both sides have changed, and the conflict is open.
const QUARREL: &str = "
    left create 0.0
    run
    run
    left edit 0.0 0
    right edit 0.0 0
    run
";

fn played(subject: &Subject, script: &str) -> Outcome {
    play(subject, &Script::parse(&format!("{QUARREL}{script}")).unwrap()).unwrap()
}

/// How many records hold this in a carried field, in the end.
fn holders(outcome: &Outcome, value: &str) -> usize {
    outcome.picture.iter().filter(|line| line.contains(&format!("{value} "))).count()
}

#[test]
fn i15_a_decision_ends_a_conflict_at_whatever_moment_of_a_run_it_is_made() {
    // v1 and v2 are what the record was made with; v3 was written on the left then, v4 on the right.
    for (side, value) in [("left", "v3"), ("right", "v4")] {
        for moment in 1..60 {
            let outcome = played(&subject(), &format!("run\n  at {moment} {side} resolve 0.0\n"));
            assert_eq!(outcome.findings, [], "at {moment}");
            assert_eq!(holders(&outcome, value), 2, "at {moment}: {:#?}", outcome.picture);
        }
    }
}

#[test]
fn i11_an_edit_that_nobody_saw_who_decided_is_not_lost_by_the_decision() {
    for (loser, winner) in [("right", "left"), ("left", "right")] {
        let script = format!("left look 0.0\n{loser} edit 0.0 0\n{winner} resolve 0.0\nrun\n");
        let outcome = played(&subject(), &script);
        assert_eq!(outcome.findings, []);
        assert_eq!(holders(&outcome, "v5"), 1, "{:#?}", outcome.picture);
        for moment in 1..60 {
            let script = format!("{winner} resolve 0.0\nrun\n  at {moment} {loser} edit 0.0 0\n");
            let outcome = played(&subject(), &script);
            assert_eq!(outcome.findings, [], "at {moment}");
            assert!(holders(&outcome, "v5") > 0, "at {moment}: {:#?}", outcome.picture);
        }
    }
}

#[test]
fn i15_a_decision_that_is_not_carried_out_or_turned_round_is_found() {
    let script = "left resolve 0.0\nrun\n";
    assert_eq!(played(&subject(), script).findings, [], "the script does no harm by itself");
    for (flaw, harm) in
        [(StoreFlaw::ForgetsDecisions, Harm::Unsettled), (StoreFlaw::TurnsDecisions, Harm::LostUpdate)]
    {
        let broken = subject().store(move |clock| Ok(flaw.open(clock)));
        let found = played(&broken, script).findings;
        assert!(found.iter().any(|found| found.owed && found.harm == harm), "{flaw:?}: {found:#?}");
    }
}

/// A decision was carried out, the process died before it knew, and a user cleared what had been written: that is what the
/// field held when the two were last in step. Catches: what was decided is written again over the user's edit.
#[test]
fn i10_an_edit_of_what_a_decision_wrote_is_seen_though_nobody_knows_that_it_wrote() {
    for died_after in 150..260 {
        let script = format!(
            "
            left: no-feed
            right: full
            left create 1.1
            run
            run
            left edit 1.1 3
            right edit 1.1 3
            run
            right resolve 1.1
            run crash={died_after}
            left clear 1.1 1
            "
        );
        let outcome = play(&subject(), &Script::parse(&script).unwrap()).unwrap();
        assert_eq!(outcome.violation(), None, "{script}");
    }
}

/// A decision about a reference speaks of what both sides pointed at.
#[test]
fn i15_a_reference_that_gives_way_as_it_was_decided_is_no_loss() {
    let script = "
        left: full
        right: full
        things: 4
        right create 0.2
        left create 0.3
        left create 1.0
        run
        left refer 1.0 2
        right refer 1.0 3
        run
        right resolve 1.0
        ";
    let outcome = play(&subject(), &Script::parse(script).unwrap()).unwrap();
    assert_eq!(outcome.findings, []);
}

/// Both sides came to hold the same after the last reading of a run, and one cleared it before the next: nobody saw it.
#[test]
fn i11_what_both_held_and_nobody_saw_is_not_what_they_were_in_step_with() {
    let script = "
        left: full
        right: full
        things: 2
        right create 0.1
        run
        run
          at 35 right both 0.1 2
        left clear 0.1 2
        ";
    let outcome = play(&subject(), &Script::parse(script).unwrap()).unwrap();
    assert_eq!(outcome.violation(), None);
}
