//! Users change the names that records are matched by, before and after they are linked, and take names that others had.

use seamless_core::testkit::world::{Harm, Outcome, Script, play};

use super::subject::subject;

/// Three customers in step.
const THREE: &str = "
    things: 3
    left create 0.0
    left create 0.1
    right create 0.2
    run
    run
";

fn played(script: &str) -> Outcome {
    play(&subject(), &Script::parse(script).unwrap()).unwrap()
}

/// The names of a side's customers, in the order of the numbers that their first values begin with.
fn names(outcome: &Outcome, side: &str) -> Vec<String> {
    let lines = outcome.picture.iter().filter_map(|line| line.strip_prefix(&format!("{side} 0 \"")));
    let mut named: Vec<(u32, String)> = lines
        .map(|line| {
            let (name, rest) = line.split_once('"').unwrap();
            let digits = rest.split_once("\\\"v").unwrap().1.split(' ').next().unwrap();
            (digits.parse().unwrap(), name.to_owned())
        })
        .collect();
    named.sort();
    named.into_iter().map(|(_, name)| name).collect()
}

fn check(deeds: &str, expected: [&str; 3]) {
    for systems in [
        "left: full\nright: full",
        "left: no-unique-key\nright: no-unique-key",
        "left: no-feed\nright: one-by-one",
    ] {
        let outcome = played(&format!("{systems}\n{THREE}{deeds}"));
        assert_eq!(outcome.findings, [], "{systems}");
        for side in ["left", "right"] {
            assert_eq!(names(&outcome, side), expected, "{side}, {systems}: {:#?}", outcome.picture);
        }
    }
}

#[test]
fn i8_a_name_that_changes_is_carried_and_its_record_stays_what_it_is() {
    check("left rename 0.0 7\nright rename 0.2 8\nrun\n", ["c7", "c1", "c8"]);
}

#[test]
fn i8_a_name_that_another_record_had_before_is_no_sign_of_it() {
    check("left rename 0.0 7\nrun\nleft rename 0.1 0\nrun\n", ["c7", "c0", "c2"]);
    // All in one plan: what is taken must be given up first.
    check("left rename 0.0 7\nleft rename 0.1 0\nleft rename 0.2 1\nrun\n", ["c7", "c0", "c1"]);
    check("right rename 0.0 7\nright rename 0.1 0\nleft rename 0.2 8\nrun\n", ["c7", "c0", "c8"]);
}

#[test]
fn i8_two_records_change_names_on_either_side() {
    check("left swap 0.0 1\nrun\n", ["c1", "c0", "c2"]);
    check("right swap 0.0 1\nrun\n", ["c1", "c0", "c2"]);
    check("left swap 0.0 1\nleft swap 0.1 2\nrun\n", ["c1", "c2", "c0"]);
}

#[test]
fn i27_a_swap_is_carried_wherever_the_process_dies() {
    for crash in (0..140).step_by(3) {
        let outcome = played(&format!("{THREE}right swap 0.0 1\nrun crash={crash}\nrun\n"));
        assert!(outcome.violation().is_none(), "{crash}: {:#?}", outcome.findings);
        assert_eq!(names(&outcome, "left"), ["c1", "c0", "c2"], "{crash}");
    }
}

#[test]
fn i10_a_name_that_a_user_gives_meanwhile_is_not_lost() {
    for moment in 1..60 {
        let outcome = played(&format!("{THREE}left rename 0.0 7\nrun\n  at {moment} right rename 0.0 8\n"));
        assert_eq!(outcome.findings, [], "at {moment}");
        assert!(names(&outcome, "right").contains(&"c8".to_owned()), "at {moment}: {:#?}", outcome.picture);
    }
}

#[test]
fn i9_a_record_that_is_renamed_before_it_is_linked_is_another_one_to_everybody() {
    let outcome = played("left create 0.0\nright create 0.0\nleft rename 0.0 7\nrun\n");
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
    let mut both = names(&outcome, "left");
    both.sort();
    assert_eq!(both, ["c0", "c7"]);
}

/// Otherwise nothing of this would show that the oracle sees anything.
#[test]
fn i10_a_name_that_is_written_over_an_edit_or_not_at_all_is_found() {
    use super::broken::{reckless, that_drops_updates};
    let script = |script: &str| Script::parse(&format!("{THREE}{script}")).unwrap();
    let lost =
        |outcome: &Outcome| outcome.findings.iter().any(|found| found.owed && found.harm == Harm::LostUpdate);
    let raced = (1..60).filter(|moment| {
        let script = script(&format!("left rename 0.0 7\nrun\n  at {moment} right rename 0.0 8\n"));
        lost(&play(&reckless(), &script).unwrap())
    });
    assert!(raced.count() > 0);
    assert!(lost(&play(&that_drops_updates(), &script("left rename 0.0 7\nrun\n")).unwrap()));
}
