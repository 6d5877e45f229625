//! Scripts in which users merge records, made short by the world: each was judged wrongly once.

use super::found::played;

/// What the survivor holds was taken for what nobody edited, although a user had typed it, or the merge had put it there.
#[test]
fn i13_a_survivor_that_differs_from_an_edit_of_its_new_partner_is_a_conflict() {
    for script in [
        "
        things: 3
        right create 1.2
        run
        right edit 1.2 1
        left create 1.1
        left merge 1.2 1
        ",
        "
        right: full short=11
        left create 0.1
        left create 0.0
        right create 0.1
        run
          at 47 left merge 0.1 0
        ",
        "
        left: full narrow=11
        right: full
        run
          at 34 left create 1.1
        run
        left edit 1.1 1
        right edit 1.1 2
        run
        run
          at 25 left create 1.0
        left merge 1.1 0
        ",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}

/// What a system had made of a write was known by the name that its thing had before it was merged.
#[test]
fn i8_what_a_system_makes_of_a_write_stands_for_it_after_a_merge_as_well() {
    for script in [
        "
        left: full short=10
        right: full default
        run
        run
        run
        right create 1.0
        run
        run
        left create 0.1
        run
        right create 0.0
        right merge 0.0 1
        ",
        "
        right: full automation
        things: 3
        left create 0.1
        left create 0.2
        left merge 0.1 2
        ",
    ] {
        assert_eq!(played(script).violation(), None, "{script}");
    }
}
