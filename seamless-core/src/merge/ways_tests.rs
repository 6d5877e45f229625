//! Ways through states: against a search that knows no better than to try everything.

use proptest::prelude::*;

use super::{Detour, STEPS_MAX, detour, way};
use crate::mapper::StateAction;
use crate::model::{Value, ValueRef};

fn same(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    a == b
}

fn action(at: usize, (from, to, opens): (Vec<i64>, i64, bool)) -> StateAction {
    StateAction {
        name: format!("a{at}").as_str().into(),
        field: "state".into(),
        from: from.into_iter().map(Value::Int).collect(),
        to: Value::Int(to),
        opens,
    }
}

/// Actions among six states.
fn actions() -> impl Strategy<Value = Vec<StateAction>> {
    let one = (prop::collection::vec(0i64..6, 1..3), 0i64..6, any::<bool>());
    prop::collection::vec(one, 0..9)
        .prop_map(|all| all.into_iter().enumerate().map(|(at, one)| action(at, one)).collect())
}

/// The fewest actions between each two states, by shortening ways until none becomes shorter (Bellman and Ford); a number
/// that no way has where there is none.
fn distances(actions: &[StateAction]) -> [[usize; 6]; 6] {
    let mut far = [[99; 6]; 6];
    (0..6).for_each(|state| far[state][state] = 0);
    let number = |state: &Value| match state {
        Value::Int(state) => usize::try_from(*state).unwrap(),
        _ => unreachable!(),
    };
    for _ in 0..6 {
        for start in &mut far {
            for action in actions {
                for from in &action.from {
                    let (from, to) = (number(from), number(&action.to));
                    start[to] = start[to].min(start[from] + 1);
                }
            }
        }
    }
    far
}

/// Whether a chain of actions leads from a state to another one.
fn leads(chain: &[&StateAction], from: i64, to: i64) -> bool {
    let mut at = Value::Int(from);
    chain.iter().all(|action| {
        let can = action.from.contains(&at);
        at = action.to.clone();
        can
    }) && (chain.last().map_or(Value::Int(from), |last| last.to.clone()) == Value::Int(to))
}

fn refs(actions: &[StateAction]) -> Vec<&StateAction> {
    actions.iter().collect()
}

proptest! {
    // Catches: a way that is longer than it must be, one that cannot be gone, one that is not found.
    #[test]
    fn the_way_between_two_states_is_the_shortest(actions in actions(), from in 0i64..6, to in 0i64..6) {
        let far = distances(&actions)[usize::try_from(from).unwrap()][usize::try_from(to).unwrap()];
        let (at, wanted) = (Value::Int(from), Value::Int(to));
        match way(&refs(&actions), at.as_ref(), wanted.as_ref(), same) {
            Some(way) => {
                prop_assert_eq!(way.len(), far);
                prop_assert!(leads(&way, from, to));
            }
            None => prop_assert_eq!(far, 99),
        }
    }

    // Catches: a record that is opened by an action that may not open, one that is opened where nothing leads back, one that
    // is opened although the way passes a state in which it is written.
    #[test]
    fn a_detour_passes_a_state_that_is_written_and_ends_where_it_should(
        actions in actions(),
        from in 0i64..6,
        to in 0i64..6,
        open in 0i64..6,
        wanted in any::<bool>(),
    ) {
        let opening: Vec<StateAction> = actions.iter().filter(|action| action.opens).cloned().collect();
        let place = |state: i64| usize::try_from(state).unwrap();
        let (far, near) = (distances(&actions), distances(&opening));
        let (at, end) = (Value::Int(from), Value::Int(to));
        let is_written = |state: &Value| *state == Value::Int(open);
        prop_assume!(from != open);
        let found = detour(&refs(&actions), (at.as_ref(), end.as_ref()), wanted, is_written, same);
        let can_open = near[place(from)][place(open)] < 99 && far[place(open)][place(to)] < 99;
        match found {
            Some(Detour { open: first, then, on_the_way }) => {
                prop_assert!(!first.is_empty() && leads(&first, from, open) && leads(&then, open, to));
                match on_the_way {
                    // No longer than the way that is wanted anyway.
                    true => prop_assert!(wanted && first.len() + then.len() == far[place(from)][place(to)]),
                    false => {
                        prop_assert!(first.iter().all(|action| action.opens));
                        let least = near[place(from)][place(open)] + far[place(open)][place(to)];
                        prop_assert_eq!(first.len() + then.len(), least);
                    }
                }
            }
            None => prop_assert!(!can_open),
        }
    }
}

#[test]
fn a_way_of_more_steps_than_a_plan_has_is_none() {
    let long = |steps: usize| -> Vec<StateAction> {
        let step =
            |at: usize| action(at, (vec![i64::try_from(at).unwrap()], i64::try_from(at + 1).unwrap(), false));
        (0..steps).map(step).collect()
    };
    let (first, last) = (Value::Int(0), |steps: usize| Value::Int(i64::try_from(steps).unwrap()));
    let (most, more) = (long(STEPS_MAX), long(STEPS_MAX + 1));
    assert!(way(&refs(&most), first.as_ref(), last(STEPS_MAX).as_ref(), same).is_some());
    assert!(way(&refs(&more), first.as_ref(), last(STEPS_MAX + 1).as_ref(), same).is_none());
    assert_eq!(STEPS_MAX, usize::from(crate::plan::Rank::ACTION_STEPS));
}

#[test]
fn of_two_ways_of_one_length_that_of_the_earlier_action_is_taken() {
    let actions =
        [action(0, (vec![0], 1, false)), action(1, (vec![0], 1, false)), action(2, (vec![1], 2, false))];
    let (from, to) = (Value::Int(0), Value::Int(2));
    let way = way(&refs(&actions), from.as_ref(), to.as_ref(), same).unwrap();
    let names: Vec<&str> = way.iter().map(|action| action.name.as_str()).collect();
    assert_eq!(names, ["a0", "a2"]);
}
