//! Tests of guards: tables at each limit, and what must hold of any figures.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::{GuardFigures, GuardInput, GuardTrip, guards, is_of_identity};
use crate::mapper::GuardLimits;
use crate::model::{Side, Sides};

const LIMITS: GuardLimits = GuardLimits {
    deletes_percent_max: Some(50),
    deletes_free: 10,
    changes_percent_max: Some(50),
    changes_free: 10,
    shrink_percent_max: Some(50),
};

fn figures(name: &str) -> GuardFigures {
    GuardFigures { name: name.into(), deletes: 0, enumerated: None, identity_changed: false }
}

fn quiet(pairs: u64) -> GuardInput {
    GuardInput { pairs, sides: Sides::new(figures("crm"), figures("erp")), ..GuardInput::default() }
}

fn names(limits: &GuardLimits, input: &GuardInput) -> Vec<String> {
    guards(&"customers".into(), limits, input).iter().map(|trip| trip.guard.to_string()).collect()
}

fn check(expected: &[&str], change: impl Fn(&mut GuardInput)) {
    let mut input = quiet(100);
    change(&mut input);
    assert_eq!(names(&LIMITS, &input), expected, "{input:?}");
}

// Catches: `>=` for `>` at a limit, the free number counted as too many, a limit that guards when it is not given.
#[test]
fn h68_more_deletes_than_the_limit_stop_the_plan() {
    check(&[], |input| input.sides.right.deletes = 50);
    check(&["customers.deletes.right"], |input| input.sides.right.deletes = 51);
    check(&["customers.deletes.left"], |input| input.sides.left.deletes = 51);
    check(&[], |input| (input.pairs, input.sides.right.deletes) = (10, 10));
    check(&["customers.deletes.right"], |input| (input.pairs, input.sides.right.deletes) = (11, 11));
    let mut input = quiet(100);
    input.sides.right.deletes = 100;
    assert!(names(&GuardLimits { deletes_percent_max: None, ..LIMITS }, &input).is_empty());
    assert!(names(&GuardLimits { deletes_percent_max: Some(100), ..LIMITS }, &input).is_empty());
}

// Catches: an empty side that needs a limit to be noticed, or that is told when nothing is known of it.
#[test]
fn h65_an_empty_side_stops_the_plan_and_can_be_overridden() {
    check(&["customers.empty.left"], |input| input.sides.left.enumerated = Some(0));
    check(&[], |input| (input.pairs, input.sides.left.enumerated) = (0, Some(0)));
    check(&[], |input| input.sides.left.enumerated = None);
    let mut input = quiet(1);
    input.sides.left.enumerated = Some(0);
    let trips = guards(&"customers".into(), &GuardLimits { shrink_percent_max: None, ..LIMITS }, &input);
    assert_eq!(trips.len(), 1);
    assert!(trips[0].remedy.ends_with("override customers.empty.left for this plan"), "{}", trips[0].remedy);
}

// Catches: `<=` for `<` at the limit; a side that was restored or hidden by lost permissions passing unseen.
#[test]
fn h69_h110_a_side_that_lost_most_of_its_records_stops_the_plan() {
    check(&[], |input| input.sides.right.enumerated = Some(50));
    check(&["customers.shrunken.right"], |input| input.sides.right.enumerated = Some(49));
    check(&[], |input| input.sides.right.enumerated = Some(500));
}

// Catches: H66/H67, an enumeration that did not end being taken for a small side.
#[test]
fn h66_h67_a_reading_that_did_not_end_says_nothing_of_size() {
    check(&[], |input| input.sides.right.enumerated = None);
}

// Catches: the first sync being stopped because all of it changes, or `>=` for `>`.
#[test]
fn more_changes_than_the_limit_stop_the_plan_but_not_a_first_sync() {
    check(&[], |input| input.changed = 50);
    check(&["customers.changes"], |input| input.changed = 51);
    check(&[], |input| (input.changed, input.first_sync) = (100, true));
    check(&[], |input| (input.pairs, input.changed) = (10, 10));
}

// Catches: a delete that slips through after a filter was edited.
#[test]
fn h70_i32_a_changed_configuration_allows_no_delete() {
    check(&[], |input| input.configuration_changed = true);
    check(&["customers.configuration.right"], |input| {
        input.configuration_changed = true;
        input.sides.right.deletes = 1;
    });
}

// Catches: guards that look away when state is built anew.
#[test]
fn h117_guards_also_look_at_a_first_sync() {
    let expected = ["customers.identity.left", "customers.empty.left", "customers.deletes.right"];
    check(&expected, |input| {
        input.first_sync = true;
        input.sides.left.enumerated = Some(0);
        input.sides.left.identity_changed = true;
        input.sides.right.deletes = 60;
    });
}

// Catches: words without the figure or the limit.
#[test]
fn words_say_the_figure_and_the_limit() {
    let mut input = quiet(300);
    input.sides.right.deletes = 151;
    let trips = guards(&"customers".into(), &LIMITS, &input);
    assert_eq!(
        trips[0].found,
        "151 of 300 records would be deleted in erp: 50.3 %, at most 50 % are allowed"
    );
    assert_eq!(trips[0].side, Some(Side::Right));
    input.pairs = 0;
    let trips = guards(&"customers".into(), &LIMITS, &input);
    assert!(trips[0].found.contains("more than 100 %"), "{}", trips[0].found);
}

// Catches: a share of all pairs instead of those that changed; a handful of equal edits that stops a plan.
#[test]
fn same_changes_in_most_of_the_pairs_that_changed_stop_the_plan() {
    check(&[], |input| input.same_changes = 10);
    check(&["customers.older_state"], |input| input.same_changes = 11);
    check(&[], |input| (input.same_changes, input.changed) = (11, 11));
    check(&["customers.older_state"], |input| (input.same_changes, input.changed) = (12, 11));
}

// Catches: any guard taken for the one that says which system it is.
#[test]
fn only_the_guard_of_a_system_is_of_identity() {
    let mut input = quiet(100);
    input.sides.left.identity_changed = true;
    input.sides.left.deletes = 60;
    let trips = guards(&"customers".into(), &LIMITS, &input);
    assert_eq!(trips.iter().map(is_of_identity).collect::<Vec<_>>(), [true, false]);
    let of = |change: &dyn Fn(&mut GuardTrip)| {
        let mut trip = trips[0].clone();
        change(&mut trip);
        is_of_identity(&trip)
    };
    assert!(!of(&|trip| trip.side = Some(Side::Right)));
    assert!(!of(&|trip| trip.side = None));
    assert!(!of(&|trip| trip.link = None));
    assert!(!of(&|trip| trip.link = Some("contacts".into())));
}

fn limits() -> impl Strategy<Value = GuardLimits> {
    let percent = || proptest::option::of(0u8..=100);
    (percent(), 0u32..20, percent(), 0u32..20, percent()).prop_map(
        |(deletes_percent_max, deletes_free, changes_percent_max, changes_free, shrink_percent_max)| {
            GuardLimits {
                deletes_percent_max,
                deletes_free,
                changes_percent_max,
                changes_free,
                shrink_percent_max,
            }
        },
    )
}

fn input() -> impl Strategy<Value = GuardInput> {
    let side = |name: &'static str| {
        (0u64..60, proptest::option::of(0u64..60), any::<bool>()).prop_map(
            move |(deletes, enumerated, identity_changed)| GuardFigures {
                name: name.into(),
                deletes,
                enumerated,
                identity_changed,
            },
        )
    };
    (0u64..60, 0u64..60, 0u64..60, any::<bool>(), any::<bool>(), side("crm"), side("erp")).prop_map(
        |(pairs, changed, same_changes, first_sync, configuration_changed, left, right)| GuardInput {
            pairs,
            changed,
            same_changes,
            first_sync,
            configuration_changed,
            sides: Sides::new(left, right),
        },
    )
}

proptest! {
    // Catches: a guard that trips where nothing happens.
    #[test]
    fn a_plan_that_does_nothing_trips_nothing(limits in limits(), pairs in 0u64..60, first: bool, changed: bool) {
        let mut input = quiet(pairs);
        (input.first_sync, input.configuration_changed) = (first, changed);
        input.sides.left.enumerated = Some(pairs);
        prop_assert!(guards(&"x".into(), &limits, &input).is_empty());
    }

    // Catches: a limit that is compared the wrong way round. Less is expected of a side with a lower shrink limit.
    #[test]
    fn a_looser_limit_never_adds_a_trip(
        limits in limits(), input in input(), a in 0u8..=100, b in 0u32..20, which in 0usize..5
    ) {
        let mut looser = limits;
        match which {
            0 => looser.deletes_percent_max = limits.deletes_percent_max.map(|most| most.saturating_add(a)),
            1 => looser.deletes_free += b,
            2 => looser.changes_percent_max = limits.changes_percent_max.map(|most| most.saturating_add(a)),
            3 => looser.changes_free += b,
            _ => looser.shrink_percent_max = limits.shrink_percent_max.map(|least| least.saturating_sub(a)),
        }
        let strict = names(&limits, &input);
        prop_assert!(names(&looser, &input).iter().all(|name| strict.contains(name)));
    }

    // Catches: a figure that is taken from the other side.
    #[test]
    fn i16_mirrored_figures_give_mirrored_trips(limits in limits(), input in input()) {
        let mirrored = GuardInput { sides: input.sides.clone().mirrored(), ..input.clone() };
        let swap = |name: String| match (name.strip_suffix(".left"), name.strip_suffix(".right")) {
            (Some(stem), _) => format!("{stem}.right"),
            (_, Some(stem)) => format!("{stem}.left"),
            _ => name,
        };
        let mut found: Vec<String> = names(&limits, &mirrored).into_iter().map(swap).collect();
        let mut expected = names(&limits, &input);
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }

    // Catches: overflow at figures of any size.
    #[test]
    fn figures_of_any_size_are_compared_exactly(deletes: u64, pairs: u64, percent in 0u8..=100) {
        let mut input = quiet(pairs);
        input.sides.left.deletes = deletes;
        let limits = GuardLimits {
            deletes_percent_max: Some(percent), deletes_free: 0, changes_percent_max: None, changes_free: 0,
            shrink_percent_max: None,
        };
        let exact = deletes as f64 / pairs as f64 * 100.0;
        let trips = !names(&limits, &input).is_empty();
        // The oracle is not exact: only where it is far from the limit does it judge.
        if (exact - f64::from(percent)).abs() > 1e-6 * exact.abs().max(1.0) {
            prop_assert_eq!(trips, exact > f64::from(percent));
        }
    }
}
