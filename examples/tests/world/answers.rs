//! Scripts in which an answer was lost, and what became of the write was judged wrongly once.

use seamless_core::testkit::world::Harm;

use super::found::played;

/// The system had rounded what was sent, which looked like an edit of somebody else's; then a user cleared it, and the
/// field was as it had been before the write.
#[test]
fn i10_a_write_without_an_answer_was_done_where_the_system_holds_a_form_of_it() {
    let outcome = played(
        "
        right: full round=0
        things: 3
        right fault lost-reply
        run
        right create 0.2
        run
          at 28 left edit 0.2 2
        run
          at 51 right clear 0.2 2
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// The version that a write shows is shared by later changes where versions are coarse stamps, and proves nothing of a
/// field that was not shown.
#[test]
fn i8_a_coarse_stamp_proves_nothing_of_what_was_not_shown() {
    let outcome = played(
        "
        right: full stamp-versions=1000
        left create 0.1
        left fault token-expired
        run
        right deny 0.1 0
        run
        right allow 0.1 0
        right clear 0.1 3
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// That a reference could not be set, because neither record was made, made the count of the failure begin anew.
#[test]
fn i30_what_waits_for_a_record_that_is_refused_does_not_make_its_own_count_begin_anew() {
    let outcome = played(
        "
        left: no-feed
        right: full short=13
        run
          at 39 left create 0.1
          at 13 left create 1.1
        left refer 0.1 1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A create that was refused for good is no create that may have happened: what is blank is filled.
#[test]
fn i13_what_was_refused_for_good_is_a_strangers_when_somebody_makes_it() {
    let outcome = played(
        "
        left: full short=9
        right: full
        right create 1.0
        right deny 1.0 0
        run
        right allow 1.0 0
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A user had put another kind of nothing there, the write of it was put off, and in between it counted as agreed.
#[test]
fn i21_another_kind_of_nothing_is_no_echo_however_late_it_is_written() {
    let outcome = played(
        "
        left: full
        right: full null-to-empty default
        left create 1.0
        left fault throttled
        run
        right clear 1.0 1
        run
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A decision was made, another one took its place, and then both sides held again what the first had been about.
#[test]
fn i15_the_last_decision_is_the_one_that_counts() {
    let outcome = played(
        "
        run
        left create 1.0
        run
        right edit 1.0 3
        left clear 1.0 3
        run
        right resolve 1.0
        run
          at 10 left edit 1.0 3
        left resolve 1.0
        left clear 1.0 1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A create was not answered and then put off, and its record came late; what a user had cleared since was filled again.
/// Catches: that an earlier sending had no answer is forgotten with the refusal of the next one.
#[test]
fn i10_what_a_user_cleared_since_a_create_without_an_answer_is_not_filled_again() {
    let on_the_left = "
        left: full
        right: full
        things: 2
        right fault late-request
        right fault partial-batch
        run
          at 11 left create 0.1
        run
          at 11 left clear 0.1 0
        ";
    let on_the_right = "
        left: full
        right: full
        things: 2
        right fault late-request
        left fault fetch-fails
        right fault unavailable
        run
          at 3 left create 1.1
          at 59 right clear 1.1 2
        ";
    for script in [on_the_left, on_the_right] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}

/// A side that never shows everything had not shown what it made of a value, and the plan in between counted as a reading.
#[test]
fn i21_a_part_that_is_read_says_nothing_of_the_rest() {
    let outcome = played(
        "
        left: full
        right: writes-return-version truncate=11 cap=1
        things: 2
        left create 0.0
        right create 0.0
        right create 0.1
        right clear 0.1 1
        left create 0.1
        run
        right edit 0.1 3
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A field was hidden when its record was read for the first time since it was made, and what the system had made of the value
/// looked like a user's edit when it was shown with a later change. Catches: a reading that hid it, taken for one that showed
/// it as it was sent.
#[test]
fn i20_what_a_reading_hid_is_not_known_to_be_stored_as_it_was_sent() {
    for level in ["writes-return-version", "writes-return-nothing"] {
        for (form, field) in [("upper", 1), ("round=0", 2)] {
            let script = format!(
                "
                left: full
                right: {level} {form}
                things: 2
                left create 0.1
                right deny 0.1 {field}
                run
                right allow 0.1 {field}
                right begin 0.1 {}
                ",
                3 - field
            );
            assert_eq!(played(&script).violation(), None, "{script}");
        }
    }
}

/// A copy of an update that came late stands there when the update is sent again, and nothing was read in between. A system
/// that can say "only if it is as it was" refuses the second one; without that nobody can know.
#[test]
fn i21_what_comes_late_is_written_twice_only_where_an_update_has_no_condition() {
    let script = |left: &str| {
        format!(
            "
            left: {left}
            right: full
            things: 3
            left create 0.2
            run
            right silent 0.2 2
            left fault late-request
            right edit 0.2 3
            run
              at 17 left edit 0.2 3
            "
        )
    };
    let echoes = |left: &str| -> Vec<bool> {
        let found = played(&script(left)).findings.into_iter();
        found.filter(|found| found.harm == Harm::EchoWrite).map(|found| found.owed).collect()
    };
    assert_eq!(echoes("no-conditional-update"), [false]);
    assert!(echoes("full").is_empty());
}

/// The plan that goes on had been made before the record was deleted: nobody could know.
#[test]
fn i24_a_plan_that_a_crash_interrupted_is_judged_by_what_was_known_when_it_was_made() {
    for script in [
        "
        run
          at 45 right create 0.1
          at 37 left create 0.0
        run crash=178
        left delete 0.0
        ",
        "
        unbounded
        left create 0.0
        run crash=169
        left delete 0.0
        run
        ",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}

/// What a system had cut was shown under the version of the write while the other record was not, and edited after that: it
/// was no proof then, and was carried back.
#[test]
fn i21_what_proves_a_write_counts_while_its_partner_cannot_be_seen() {
    for crash in ["", " crash=235"] {
        let script = format!(
            "
            left: writes-return-version truncate=8
            right: full
            right fault fetch-unanswered
            run
            right fault fetch-unanswered
            right create 1.0
            run{crash}
            left edit 1.0 2
            run
            "
        );
        assert_eq!(played(&script).violation(), None, "{script}");
    }
}

/// An unanswered create had arrived in a cut form while its source was hidden: nobody could tell it from a user's.
#[test]
fn i13_a_create_without_an_answer_is_in_doubt_as_long_as_its_source_is_hidden() {
    let outcome = played(
        "
        right: full truncate=6
        left fault partial-batch
        right fault late-request
        right fault unavailable
        left create 1.1
        run crash=325
        left hide 1.1
        run
        left show 1.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Both fields stood as a form that the system may have made of them; a user then edited both, and the other side did not
/// take one of the new values. What was suspected of the former values was still asked about.
#[test]
fn i9_what_was_suspected_of_a_value_is_over_where_the_next_one_is_refused() {
    let outcome = played(
        "
        left: least upper
        right: full short=13
        things: 2
        run
        right create 1.0
        run
        left edit 1.0 0
        left edit 1.0 1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// The record was found by its key and held nothing else of what was sent, since a user had cleared the rest: it was taken for
/// somebody else's, and what is blank in such a one was filled.
#[test]
fn i10_a_record_that_holds_only_the_key_of_what_was_sent_may_be_ours_and_was_perhaps_cleared() {
    let outcome = played(
        "
        left: full
        right: full
        things: 2
        right fault lost-reply
        right fault fetch-fails
        left create 1.1
        run
        right clear 1.1 2
        ",
    );
    assert_eq!(outcome.violation(), None);
}
