//! Systems that do not take everything: a record that is refused waits with a reason, the others go on, and what was refused
//! is not sent again and again.

use seamless_core::testkit::world::{Harm, Outcome, Script, Subject, play};

use super::subject::subject;

fn played(subject: &Subject, script: &str) -> Outcome {
    play(subject, &Script::parse(script).unwrap()).unwrap()
}

/// Records of a side in the end.
fn records(outcome: &Outcome, side: &str) -> usize {
    outcome.picture.iter().filter(|line| line.starts_with(side)).count()
}

#[test]
fn i30_a_record_that_is_refused_waits_and_the_others_go_on() {
    // Values of the left that the right does not take, in some of three records that the left makes.
    for rule in ["narrow=11", "short=11", "required", "picky"] {
        let script = format!(
            "right: full {rule}\nthings: 3\nleft create 0.0\nleft create 0.1\nleft create 0.2\nrun\n\
             left edit 0.0 0\nleft edit 0.1 1\nleft clear 0.2 2\nrun\nrun\nrun\n"
        );
        let outcome = played(&subject(), &script);
        assert_eq!(outcome.findings, [], "{rule}");
        assert_eq!(records(&outcome, "left"), 3, "{rule}");
        assert!(records(&outcome, "right") > 0, "{rule}: {:#?}", outcome.picture);
    }
    // The fifth value that is written is one of those: it stays where it was typed, and comes with nothing else.
    let script = "right: full picky\nleft create 0.0\nleft create 1.0\nleft edit 0.0 0\n";
    let outcome = played(&subject(), script);
    assert_eq!(outcome.findings, []);
    assert_eq!(records(&outcome, "right 0"), 0, "{:#?}", outcome.picture);
    assert_eq!(records(&outcome, "right 1"), 1, "{:#?}", outcome.picture);
}

#[test]
fn i30_what_is_refused_is_not_sent_for_ever() {
    let script = format!("right: full narrow=5\nleft create 0.0\n{}", "run\nwait 8000\n".repeat(12));
    assert_eq!(played(&subject(), &script).findings, []);
    let found = played(&super::broken::that_asks_again(), &script).findings;
    assert!(found.iter().any(|found| found.owed && found.harm == Harm::Unsettled), "{found:#?}");
}

/// The hint stayed, and the same create was sent with every plan.
#[test]
fn i30_who_asks_for_another_try_of_what_is_refused_gets_one_and_not_one_with_every_plan() {
    let script =
        format!("left: full narrow=8\nright create 1.1\nright hint 1.1\n{}", "run\nwait 8000\n".repeat(12));
    assert_eq!(played(&subject(), &script).findings, []);
}
