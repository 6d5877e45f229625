//! Scripts in which a side shows for a while what it held before, made short by the world: each for something that was wrong
//! once.

use super::found::played;

/// What was shown late was taken for an edit of the other side, and carried back, in turn, until a user's edit was nowhere.
#[test]
fn i11_what_a_side_held_before_our_write_is_no_edit_however_long_it_is_shown() {
    for script in [
        "
        left: full lag=200 cap=1
        right: full lag=160
        right create 1.0
        left create 1.0
        ",
        "
        left: no-complete-enumeration lag=120
        right: full lag=120
        left create 0.1
        right create 0.1
        ",
        "
        left: full lag=120
        right: full lag=200
        run
        run
        run
        left create 0.0
        run
        left edit 0.0 2
        run
        run
        ",
    ] {
        let outcome = played(script);
        assert_eq!(outcome.findings, [], "{script}");
    }
}

/// It waited, was shown, and waited on.
#[test]
fn what_waits_to_be_seen_is_over_when_it_is_seen() {
    let outcome = played(
        "
        left: full
        right: full lag=200
        left create 0.0
        run
        left edit 0.0 1
        run
        left edit 0.0 1
        run
        ",
    );
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.writes, 3);
}

/// The answer was lost, the second one was put off, and the next plan made the record under another id.
#[test]
fn i25_a_create_that_cannot_be_sent_again_now_may_have_been_done_all_the_same() {
    let outcome = played(
        "
        left: full lag=200
        right: full
        left fault lost-reply
        left fault unavailable
        right create 1.0
        run
          at 15 right edit 1.0 1
        ",
    );
    assert_eq!(outcome.violation(), None);
    assert_eq!(outcome.writes, 1);
}

/// A create that arrived late was laid at the door of who could not know better when it was sent.
#[test]
fn i25_a_create_that_was_under_way_before_a_user_made_the_record_is_no_duplicate() {
    let outcome = played(
        "
        left: full lag=60
        right: full
        left fault late-request
        left fault unavailable
        run
          at 10 left create 0.0
          at 31 right create 0.0
        left expire
        run
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A record that was made while the engine made another one has that as its twin, though an earlier one was deleted.
#[test]
fn i25_two_records_that_were_made_at_once_are_the_users_own_affair() {
    let outcome = played(
        "
        left: full
        right: least lag=140
        left create 1.1
        left delete 1.1
        run
          at 9 right create 1.1
          at 7 left create 1.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A record that the plan had just deleted was shown once more, and made again on the other side.
#[test]
fn i12_what_was_deleted_and_is_still_shown_is_not_made_again() {
    let outcome = played(
        "
        left: full
        right: full lag=80
        left create 0.1
        run
          at 60 left create 0.1
          at 51 left delete 0.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// A partner was proven to be gone, and a look-up that lags and so proves nothing made another question of it.
#[test]
fn i7_what_is_proven_to_be_gone_is_asked_about_once() {
    let outcome = played(
        "
        left: full lag=180 late-commit=250
        right: full
        left create 1.0
        run
        left edit 1.0 2
        run
        left begin 1.0 1
        left delete 1.0
        run
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Neither record could be seen any more, and each was asked about by itself.
#[test]
fn i7_where_neither_record_is_shown_one_question_is_enough() {
    let outcome = played(
        "
        left: full lag=200
        right: least
        things: 2
        right create 0.1
        run
          at 55 right delete 0.1
        run
        left delete 0.1
        ",
    );
    assert_eq!(outcome.violation(), None);
}

/// Stamps that are coarse are the same after a write as before: what shows the write was waited for, and an edit of the
/// other side, and the question that was open, waited with it.
#[test]
fn i9_what_shows_the_last_write_is_not_waited_for_whatever_its_version() {
    for script in [
        "
        right: full stamp-versions=1000 lag=200
        left create 1.1
        run
        left edit 1.1 1
        run
        left edit 1.1 1
        right fault fetch-unanswered
        run
        ",
        "
        right: full stamp-versions=1000 lag=40
        run
        run
          at 54 right create 0.0
          at 11 left create 1.1
        left create 0.0
        run
        right fault fetch-unanswered
        run
        ",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}
