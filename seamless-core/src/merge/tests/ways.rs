//! Groups whose values can go nowhere, or about which nothing can be said.

use crate::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule};
use crate::merge::{AgreeReason, CarryReason, ConflictReason, Judgement};
use crate::model::{Comparison, Condition, Side, Sides, Value};

use super::fixture::{Op, TestMapper, computed, copy, pair};

fn persons() -> Condition {
    Condition::Compare { field: "kind".into(), is: Comparison::Equal, value: Value::text("person") }
}

/// A record of a kind; `-` does not say which.
fn row(kind: &str, value: &str) -> String {
    match kind {
        "-" => format!(r#"{{"f":"{value}"}}"#),
        kind => format!(r#"{{"f":"{value}","kind":"{kind}"}}"#),
    }
}

// Catches: a conflict that asks a person about values which no rule would carry.
#[test]
fn where_no_rule_applies_on_either_side_nobody_is_asked() {
    let rule = |policy: ConflictPolicy, first_link| Rule {
        when: Sides::new(persons(), persons()),
        on_conflict: policy,
        first_link,
        ..copy("f")
    };
    let unknown = Judgement::Unknown;
    let cases = [
        ("firm", "firm", Judgement::NotApplied),
        ("-", "firm", unknown(Side::Left)),
        ("firm", "-", unknown(Side::Right)),
        ("-", "-", unknown(Side::Left)),
    ];
    for policy in [ConflictPolicy::Park, ConflictPolicy::Take(Side::Left)] {
        for first_link in [FirstLinkPolicy::Park, FirstLinkPolicy::Take(Side::Right)] {
            let link = TestMapper::new([rule(policy.clone(), first_link)]).link();
            for (left, right, expected) in cases {
                let now = [row(left, "b"), row(right, "c")];
                let base = [row("person", "a"), row("person", "a")];
                let judged = pair(&link, [&base[0], &base[1]], [&now[0], &now[1]]).judgements();
                assert_eq!(judged, [expected], "both changed, {left} and {right}");
                let joined = pair(&link, ["", ""], [&now[0], &now[1]]).judgements();
                assert_eq!(joined, [expected], "joined, {left} and {right}");
            }
        }
    }
    let link = TestMapper::new([rule(ConflictPolicy::Park, FirstLinkPolicy::Park)]).link();
    let asked = Judgement::Conflict(ConflictReason::FirstLink);
    for (left, right) in [("person", "firm"), ("firm", "person"), ("person", "-"), ("-", "person")] {
        let judged = pair(&link, ["", ""], [&row(left, "b"), &row(right, "c")]).judgements();
        assert_eq!(judged, [asked], "{left} and {right}: one of the two could go over");
    }
}

// Catches: a difference that is wanted reported in every sweep, and one that is not passed over.
#[test]
fn a_sweep_reports_what_differs_unless_a_one_way_rule_keeps_it() {
    let swept = |direction, on_drift| {
        let rule = Rule { direction, on_drift, ..computed("f", &["f"], &["f"]) };
        let link = TestMapper::new([rule]).link();
        let (left, right) = (row("-", "a"), row("-", "b"));
        let mut case = pair(&link, [&left, &right], [&left, &right]);
        case.check_all = true;
        case.judgements()[0]
    };
    let one_way = [Direction::To(Side::Left), Direction::To(Side::Right)];
    for direction in one_way {
        assert_eq!(swept(direction, DriftPolicy::Keep), Judgement::Settled);
        assert_eq!(swept(direction, DriftPolicy::Restore), Judgement::Diverged);
        assert_eq!(swept(direction, DriftPolicy::Park), Judgement::Diverged);
    }
    assert_eq!(swept(Direction::TwoWay, DriftPolicy::Keep), Judgement::Diverged);
    assert_eq!(swept(Direction::TwoWay, DriftPolicy::Park), Judgement::Diverged);
}

// Catches: a person who is asked to choose between nothing and nothing.
#[test]
fn two_blanks_that_no_table_knows_agree() {
    let options = || {
        TestMapper::new([computed("f", &["f"], &["f"])])
            .with(|mapper| mapper.ops = vec![Op::Options(&[("a", "A")])])
    };
    let link = options().link();
    let (null, empty, a) = (r#"{"f":null}"#, r#"{"f":""}"#, r#"{"f":"a"}"#);
    let big = r#"{"f":"A"}"#;
    for now in [[null, null], [null, empty], [empty, null]] {
        assert_eq!(pair(&link, ["", ""], now).judgements(), [Judgement::Agree(AgreeReason::FirstLink)]);
        assert_eq!(pair(&link, [a, big], now).judgements(), [Judgement::Agree(AgreeReason::SameChange)]);
    }
    // A value that no table knows is no blank.
    let other = r#"{"f":"x"}"#;
    let first = Judgement::Conflict(ConflictReason::FirstLink);
    for now in [[null, other], [other, null], [other, other]] {
        assert_eq!(pair(&link, ["", ""], now).judgements(), [first], "{now:?}");
    }
    let to_right = Judgement::Carry { to: Side::Right, why: CarryReason::Changed };
    assert_eq!(pair(&link, [a, big], [null, big]).judgements(), [to_right], "only one side was cleared");
}
