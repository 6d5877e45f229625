//! Scripts that the world found and made short, each for something that was wrong once.

use seamless_core::testkit::world::{Outcome, Script, play};

use super::subject::subject;

/// Plays a script with the integration that is tried.
pub(crate) fn played(script: &str) -> Outcome {
    play(&subject(), &Script::parse(script).unwrap()).unwrap()
}

/// It was neither made nor named: where a full reading is never complete, no plan could ever decide it.
#[test]
fn i9_a_record_whose_partner_may_be_out_of_sight_for_ever_waits() {
    let outcome = played(
        "
        left: no-complete-enumeration
        right: full
        right create 0.0
        ",
    );
    assert_eq!(outcome.findings, []);
}

/// The new partner was not shown yet, and what it was made from was deleted because of that.
#[test]
fn i23_where_reading_lags_gone_is_no_proof() {
    for left in ["no-feed lag=200", "no-order lag=100"] {
        let outcome = played(&format!("left: {left}\nright: full\nright create 0.0\n"));
        assert_eq!(outcome.findings, []);
    }
}

/// Both sides pointed somewhere, and what one of them pointed at was gone: the pair was put off to the next plan, in every
/// plan.
#[test]
fn i8_references_of_both_sides_wait_by_name_where_one_leads_nowhere() {
    let outcome = played(
        "
        things: 4
        right create 0.1
        left create 1.3
        run
        right create 1.1
        right refer 0.1 1
        right delete 1.3
        left refer 0.1 3
        ",
    );
    assert_eq!(outcome.findings, []);
}

/// A user's record of the same key was taken for the one whose making was in doubt, and its values for edits of that.
#[test]
fn i11_a_record_that_holds_nothing_of_what_was_sent_is_matched_and_not_taken_for_ours() {
    let outcome = played(
        "
        right fault lost-request
        run
          at 53 left create 0.0
        run
          at 10 right create 0.0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// And one that a user changed since is ours all the same: what he cleared is not filled again.
#[test]
fn i10_a_record_that_was_changed_while_its_making_was_in_doubt_is_ours() {
    let outcome = played(
        "
        right: full truncate=13
        run
          at 11 left create 1.0
        right fault lost-reply
        run
          at 44 right clear 1.0 0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// Without versions a delete named no values, and an edit that nobody had read went with the record.
#[test]
fn i23_a_delete_where_there_are_no_versions_names_what_was_read() {
    let outcome = played(
        "
        left: full no-versions
        right: no-order
        things: 2
        right create 1.0
        run
          at 34 right delete 1.0
        left fault token-expired
        run
        run
          at 17 left edit 1.0 0
        ",
    );
    assert_eq!(outcome.findings, []);
}

/// The world itself said at the last page that everything was complete up to there, and a change that was committed behind
/// an earlier page was not.
#[test]
fn i28_what_is_complete_is_what_was_so_when_the_reading_began() {
    let outcome = played(
        "
        left: full
        right: full lag=100 late-commit=400 page=1
        things: 3
        left create 0.1
        right create 0.2
        run
        right begin 0.1 0
        run
          at 38 right create 0.0
        run
        right both 0.2 1
        run
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The oracle held for agreed what nobody had read, and called the conflict false in which it was then found.
#[test]
fn i13_two_records_that_nobody_has_read_agree_on_nothing() {
    let outcome = played(
        "
        left: full
        right: full null-to-empty
        things: 2
        run
        run
        right create 0.1
        run
        left fault throttled
        run
        left clear 0.1 1
        left create 1.1
        run
          at 6 left edit 1.1 3
        run
        left edit 1.1 1
        left edit 1.1 2
        run
          at 8 right edit 1.1 2
        right create 1.0
        run
        run
          at 36 left create 1.0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The field was hidden while it was written, so nobody saw what the system made of it; that a later plan read the record
/// proved nothing of the field, and its form was carried back.
#[test]
fn i20_a_form_that_is_first_seen_when_a_field_may_be_read_again_is_not_carried_back() {
    let outcome = played(
        "
        left: full upper
        right: full
        things: 3
        run
        right create 1.0
        left deny 1.2 1
        run
        left allow 1.2 1
        left clear 1.0 2
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// Each side showed for a while what it had held before, which looked like an edit, in turn and without an end.
#[test]
fn i33_a_value_is_not_carried_to_and_fro_between_two_sides_that_lag() {
    for script in [
        "
        left: full lag=100
        right: full lag=200 cap=2
        right create 1.1
        run
          at 15 left edit 1.1 3
        ",
        "
        left: no-feed lag=200
        right: full lag=140
        run
          at 24 left create 1.0
        run
        run
        right edit 1.0 3
        ",
    ] {
        let outcome = played(script);
        assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
    }
}

/// What was parked about a field was taken for over when the other side did not show the field for a while, and what the
/// system had made of our write was then carried back as an edit.
#[test]
fn i20_what_waits_is_not_over_because_a_side_hides_the_field_for_a_while() {
    let outcome = played(
        "
        left: no-feed
        right: full upper
        right fault lost-reply
        run
        left create 0.0
        run
        left deny 0.1 0
        run
        left allow 0.1 0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// What the system had cut of our own create was not recognised after its answer was lost. The record was taken for somebody
/// else's, joined without bases, and what a user cleared there was filled again.
#[test]
fn i27_a_record_in_the_form_that_the_system_keeps_is_ours_though_its_answer_was_lost() {
    let outcome = played(
        "
        right: full truncate=6
        left create 1.0
        right fault lost-reply
        run
        right clear 1.0 0
        ",
    );
    assert_eq!(outcome.findings, []);
}

/// The partner could not be seen in the plan to which the tombstone came, so the pair waited for it to be shown; the next
/// plan was told only that the record was gone, and deleted the partner.
#[test]
fn i23_a_merge_is_remembered_where_the_partner_cannot_be_seen() {
    let outcome = played(
        "
        left: full
        right: full
        things: 3
        left create 1.2
        run
          at 7 left create 1.1
        left fault fetch-unanswered
        right merge 1.1 2
        run
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// A full reading was due after the merge. It goes on behind the tombstones, which alone tell that a record was merged, and
/// by id the record was only gone. So it was where a process died that had read the tombstone.
#[test]
fn i23_a_full_reading_asks_the_feed_what_became_of_what_it_did_not_show() {
    for script in [
        "
        left: full
        right: full
        things: 2
        right create 0.0
        right create 0.1
        run
        left merge 0.1 0
        run crash=81
        ",
        "
        left: full
        right: full
        things: 2
        run
          at 38 right create 0.1
          at 19 left create 0.0
        run
        run
          at 31 left delete 0.0
          at 14 left merge 0.1 0
        ",
    ] {
        let outcome = played(script);
        assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
    }
}

/// The record was found by its key after the answer was lost, in capitals, and taken for somebody else's because no value was
/// as it was sent. It was then a first meeting of two records, in which what is cleared is filled again.
#[test]
fn i10_a_record_whose_making_was_in_doubt_is_ours_in_the_form_of_its_system() {
    let outcome = played(
        "
        left: full
        right: full upper
        things: 2
        run
        right fault lost-reply
        run
        right create 0.1
        left create 0.0
        run
        right clear 0.0 0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The user deleted the record while its partner was being made, so the partner came later than the deletion; it was deleted for
/// that, and what the user made anew got a partner of its own. The oracle took the two partners for duplicates.
#[test]
fn i25_what_is_made_anew_has_another_partner_than_what_was_deleted_while_that_was_made() {
    let outcome = played(
        "
        left: no-complete-enumeration
        right: full
        things: 2
        left create 0.0
        run
          at 12 left delete 0.0
        run
          at 21 left create 0.0
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The record was hidden from when it was made to when it was deleted. The oracle held it for one that was in step, and the
/// partner that the other side's record then got for one that came back.
#[test]
fn i24_what_was_never_shown_was_not_in_step_and_does_not_come_back() {
    let outcome = played(
        "
        left: full
        right: full
        things: 2
        run
          at 9 right create 0.1
          at 44 left create 0.1
        right hide 0.1
        run
        right delete 0.1
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// A user put null where empty text was, which is a change, and carrying it showed that both are one to the other system. The
/// oracle called that an echo.
#[test]
fn i21_another_kind_of_nothing_is_no_echo() {
    let outcome = played(
        "
        left: full
        right: full null-to-empty
        things: 3
        right create 0.2
        run
          at 57 left edit 0.2 2
          at 59 left clear 0.2 2
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The record had let go of its name to its successor and was edited before it could be deleted. A person is asked, and until
/// then it goes without: the name is the successor's.
#[test]
fn i12_what_let_go_of_its_name_and_waits_for_a_person_goes_without() {
    let outcome = played(
        "
        left: full cap=3
        right: full
        things: 2
        left create 0.0
        run
        left delete 0.0
        left create 0.0
        run
          at 22 right edit 0.0 2
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// Nobody was told of the merge, and then the survivor was deleted: the user deleted both.
#[test]
fn i23_who_deletes_the_survivor_of_a_merge_that_was_not_told_deletes_both() {
    let outcome = played(
        "
        left: no-feed
        right: full
        things: 2
        left create 0.0
        left create 0.1
        run
        run
        left merge 0.1 0
        left delete 0.0
        run
        ",
    );
    assert!(outcome.violation().is_none(), "{:#?}", outcome.findings);
}

/// The other side's value was filled in where a user had just cleared one of two values that were in conflict.
#[test]
fn i10_what_is_cleared_while_a_conflict_is_open_is_nothing_to_fill() {
    for (odd, first, cleared) in [("truncate=6", "", 1), ("round=0", "run", 2)] {
        let outcome = played(&format!(
            "
            right: full {odd}
            right fault late-request
            {first}
            right fault unavailable
            left create 0.0
            run
            right clear 0.0 {cleared}
            "
        ));
        assert_eq!(outcome.violation(), None, "{odd}");
    }
}

/// A survivor that was told of and had taken the pair over was deleted: so was the pair.
#[test]
fn i23_who_deletes_the_survivor_of_a_merge_that_was_told_deletes_both() {
    let outcome = played(
        "
        left: full late-commit=450 short=9
        right: full
        left create 1.0
        run
          at 16 right edit 1.0 3
        right create 1.1
        left begin 1.0 2
        run
        run
        run
          at 37 right merge 1.0 1
          at 52 right delete 1.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Both typed the same, one side cut it, and by the time that the field was shown the two edits were taken for settled.
#[test]
fn i13_what_was_not_shown_is_not_agreed() {
    let outcome = played(
        "
        right: full truncate=8
        run
          at 58 left create 1.1
        run
        right both 1.1 0
        left deny 1.0 2
        run
        left allow 1.0 2
        run
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// It was decided and written, and what the system made of it waits: that is another question.
#[test]
fn i15_what_a_system_may_have_made_of_a_decision_is_another_question() {
    let outcome = played(
        "
        right: least truncate=12
        run
        right create 0.0
        run
        run
          at 5 left both 0.0 1
        left resolve 0.0
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Where the other side did not answer, a refused record waited for that instead, and was then sent again.
#[test]
fn i30_what_was_refused_is_not_forgotten_because_a_look_up_has_no_answer() {
    let outcome = played(
        "
        left: least
        right: full narrow=9
        left create 0.1
        run
        right fault fetch-unanswered
        run
        ",
    );
    assert_eq!(outcome.violation(), None);
    assert_eq!(outcome.writes, 2);
}

/// Two kinds of nothing met without a base, and a person was asked to choose between them.
#[test]
fn i13_nothing_and_empty_text_are_no_conflict_when_two_records_are_joined() {
    let outcome = played(
        "
        left: full
        right: full
        left create 0.0
        left clear 0.0 1
        right create 0.0
        right clear 0.0 1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Two writes of one pair, one to each side, were refused, and each made the other one's count begin anew.
#[test]
fn i30_two_refusals_of_one_pair_are_counted_each_for_itself() {
    let outcome = played(
        "
        left: full picky
        right: full short=9
        right create 1.0
        right create 0.1
        right edit 0.1 1
        run
          at 27 left edit 0.1 1
        run
          at 30 left create 1.1
        run
          at 53 right edit 0.1 3
          at 23 left edit 1.1 0
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A create arrived although its answer was lost, a user cleared a field of it, and it was filled like a stranger's.
#[test]
fn i10_what_a_create_of_ours_may_have_made_is_not_filled_where_it_is_blank() {
    for script in [
        "
        left fault late-request
        left fault write-fails
        right create 0.1
        run
        left clear 0.1 0
        ",
        "
        left fault lost-reply
        left fault partial-batch
        run
          at 48 right create 0.1
        run
          at 14 right clear 0.1 3
        ",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}

/// One of two records was hidden while its partner was deleted and made anew: who has whom was not seen any more.
#[test]
fn i9_a_record_that_waits_is_not_the_partner_of_what_was_made_anew() {
    let outcome = played(
        "
        run
        right create 0.1
        run
        right delete 0.1
        right create 0.1
        left hide 0.1
        run
        left show 0.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A field was hidden while its record was first read after the write: the version of that read proved nothing any more.
#[test]
fn i21_the_version_of_a_write_speaks_of_what_could_not_be_seen_as_well() {
    let outcome = played(
        "
        left: writes-return-version round=0 trim
        right: full
        run
          at 16 right create 0.0
        left deny 0.1 2
        run
        left allow 0.1 2
        ",
    );
    assert_eq!(outcome.findings, []);
}

/// An automation answered the write of a record whose source was deleted and brought back just then.
#[test]
fn i8_what_an_automation_makes_of_a_write_stands_for_what_was_sent() {
    let outcome = played(
        "
        left: full
        right: full automation
        left create 1.1
        run
        right edit 1.1 0
        left edit 1.1 0
        left edit 1.1 1
        right edit 1.1 1
        run
          at 36 left resolve 1.1
        run
          at 21 left undelete 1.1
          at 14 left delete 1.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}
