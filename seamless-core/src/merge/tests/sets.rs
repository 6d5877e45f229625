//! Sets member by member, asked directly: what is written to each side, and where nothing is.

use crate::mapper::{ConflictPolicy, Rule};
use crate::merge::merged;
use crate::model::{CanonicalForm, Normaliser, SetValue, Side, Sides, Value};

use super::fixture::{TestMapper, copy, pair};

/// What is written to the left and to the right.
fn writes(form: &[Normaliser], base: [&str; 2], now: [&str; 2]) -> Option<[Option<Value>; 2]> {
    let rule = Rule {
        on_conflict: ConflictPolicy::Merge,
        same_when: CanonicalForm::new(form.iter().cloned()),
        ..copy("f")
    };
    let link = TestMapper::new([rule]).link();
    let row = |text: &str| format!(r#"{{"f":{text}}}"#);
    let (base, now) = (base.map(row), now.map(row));
    let case = pair(&link, [&base[0], &base[1]], [&now[0], &now[1]]);
    let Sides { left, right } = case.ask(|case| merged(case, 0))?.write;
    Some([left, right])
}

fn set(members: &[&str]) -> Value {
    Value::Set(SetValue::new(members.iter().copied().map(Value::text)))
}

fn of_sets(base: [&str; 2], now: [&str; 2]) -> Option<[Option<Value>; 2]> {
    let text = |members: &str| {
        let members: Vec<String> =
            members.chars().map(|member| format!("{:?}", member.to_string())).collect();
        format!(r#"{{"set":[{}]}}"#, members.join(","))
    };
    let (base, now) = (base.map(text), now.map(text));
    writes(&[], [&base[0], &base[1]], [&now[0], &now[1]])
}

// Catches: a side that is written what it holds already.
#[test]
fn only_the_side_that_lacks_something_is_written() {
    assert_eq!(of_sets(["x", "x"], ["xyz", "xz"]), Some([None, Some(set(&["x", "y", "z"]))]));
    assert_eq!(of_sets(["x", "x"], ["xz", "xyz"]), Some([Some(set(&["x", "y", "z"])), None]));
    assert_eq!(of_sets(["xq", "xq"], ["x", "xq"]), Some([None, Some(set(&["x"]))]));
    assert_eq!(of_sets(["xq", "xq"], ["xq", "x"]), Some([Some(set(&["x"])), None]));
    assert_eq!(of_sets(["x", "x"], ["xy", "xy"]), Some([None, None]));
    assert_eq!(of_sets(["xq", "xq"], ["xa", "qb"]), Some([Some(set(&["a", "b"])), Some(set(&["a", "b"]))]));
}

// Catches: bases that differ, as after a rule that let them differ, read as if they were one.
#[test]
fn a_member_that_a_side_put_in_stays_whatever_the_other_took_out() {
    for side in Side::BOTH {
        let both = |added: &'static str, removed: &'static str| match side {
            Side::Left => [added, removed],
            Side::Right => [removed, added],
        };
        let found = of_sets(both("", "x"), both("x", "")).unwrap();
        let expected = both_of(side, None, Some(set(&["x"])));
        assert_eq!(found, expected, "{side}");
    }
}

fn both_of(side: Side, first: Option<Value>, second: Option<Value>) -> [Option<Value>; 2] {
    match side {
        Side::Left => [first, second],
        Side::Right => [second, first],
    }
}

#[test]
fn a_side_that_holds_nothing_is_written_as_its_field_holds_such_values() {
    let (null, a) = ("null", r#"{"set":["a"]}"#);
    assert_eq!(writes(&[], [null, null], [null, a]), Some([Some(set(&["a"])), None]));
    let as_text = Some([Some(Value::text("a")), None]);
    assert_eq!(writes(&[Normaliser::Set], [null, null], [null, a]), as_text);
    // Members that are no texts are a set in any case.
    let number = r#"{"set":[1]}"#;
    let one = Value::Set(SetValue::new([Value::Int(1)]));
    assert_eq!(writes(&[Normaliser::Set], [null, null], [null, number]), Some([Some(one), None]));
    assert_eq!(writes(&[], [null, null], [null, null]), None, "nothing says that it is a set");
    assert_eq!(writes(&[], [null, null], [null, "5"]), None);
}
