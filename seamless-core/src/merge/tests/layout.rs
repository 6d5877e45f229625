//! How a link is laid out so that most pairs are judged as words: what is in a word, and what must not be.

use crate::mapper::{ConflictPolicy, Direction, LinkMode, Rule, WriteOn};
use crate::merge::{CompiledLink, ConflictReason, Judgement};
use crate::model::{Comparison, Condition, ScaleBy, Side, Sides, Value};

use super::fixture::{Op, TestMapper, computed, copy, pair};

fn copies(count: usize) -> TestMapper {
    TestMapper::new((0..count).map(|place| copy(&format!("f{place}"))))
}

fn when(field: &str) -> Condition {
    Condition::Compare { field: field.into(), is: Comparison::Equal, value: Value::text("x") }
}

// Catches: a link of copies that is judged group by group, which is correct and many times as slow.
#[test]
fn groups_that_copy_are_judged_as_words() {
    let link = copies(3).link();
    assert_eq!((link.layout.plain.clone(), link.layout.parks.clone()), (vec![0b111], vec![0b111]));
    assert_eq!(link.layout.aligned, Sides::new(0b111, 0b111));
    assert!(link.layout.narrow && !link.layout.has_depends);
    let link = copies(70).link();
    assert_eq!(link.layout.plain, [u64::MAX, 0b11_1111]);
    assert_eq!(link.layout.parks, [u64::MAX, 0b11_1111]);
    assert_eq!(link.layout.aligned, Sides::new(u64::MAX, u64::MAX));
    for (mode, plain) in [
        (LinkMode::TwoWay, 0b11),
        (LinkMode::Observe, 0b11),
        (LinkMode::CoupleOnly, 0b11),
        (LinkMode::To(Side::Left), 0),
        (LinkMode::To(Side::Right), 0),
    ] {
        let link = copies(2).with(|mapper| mapper.spec.mode = mode).link();
        assert_eq!(link.layout.plain, [plain], "{mode:?}");
    }
}

// Catches: a rule with a policy, a condition or a direction of its own judged as if it had none.
#[test]
fn a_group_that_is_more_than_a_copy_is_in_no_word() {
    let one_sided = |when_left: bool| {
        let [held, always] = [when("kind"), Condition::Always];
        let when = if when_left { Sides::new(held, always) } else { Sides::new(always, held) };
        Rule { when, ..copy("f0") }
    };
    let others = [
        Rule { direction: Direction::To(Side::Right), ..copy("f0") },
        Rule { on: WriteOn::Create, ..copy("f0") },
        one_sided(true),
        one_sided(false),
        Rule { when: Sides::new(when("kind"), when("kind")), ..copy("f0") },
        computed("f0", &["f0"], &["f0"]),
    ];
    for (place, other) in others.into_iter().enumerate() {
        let link = TestMapper::new([other, copy("f1")]).link();
        assert_eq!(link.layout.plain, [0b10], "{place}");
        assert_eq!(link.layout.conditional, [(2..5).contains(&place), false], "{place}");
    }
    let takes = Rule { on_conflict: ConflictPolicy::Take(Side::Left), ..copy("f0") };
    let link = TestMapper::new([takes, copy("f1")]).link();
    assert_eq!((link.layout.plain.clone(), link.layout.parks.clone()), (vec![0b11], vec![0b10]));
    let scale = || ScaleBy { amount: "f0".into(), by: "f1".into(), scales: [].into(), otherwise: 2 };
    for side in Side::BOTH {
        let link = copies(2).with(|mapper| mapper.spec.forms.of_mut(side).scales.push(scale())).link();
        assert_eq!(link.layout.plain, [0b10], "{side}");
        assert!(link.layout.has_depends);
        assert_eq!(link.layout.depends, [vec![1], vec![]]);
    }
}

#[test]
fn a_link_is_narrow_where_groups_and_watched_fields_of_both_sides_fit_one_word() {
    let narrow = |mapper: TestMapper| mapper.link().layout.narrow;
    assert!(narrow(copies(64)));
    assert!(!narrow(copies(65)));
    for side in Side::BOTH {
        let watches =
            |count: usize| copies(count).with(|mapper| *mapper.spec.scope.of_mut(side) = when("kind"));
        assert!(narrow(watches(63)), "{side}");
        assert!(!narrow(watches(64)), "{side}: 64 groups, 65 fields to watch");
    }
}

/// A rule of two left fields and one right one, then so many copies: on the left they stand one place further on.
fn shifted(copies: usize) -> std::sync::Arc<CompiledLink> {
    let names = computed("names", &["first", "last"], &["full"]);
    let rules = std::iter::once(names).chain((0..copies).map(|place| copy(&format!("f{place}"))));
    TestMapper::new(rules).with(|mapper| mapper.ops[0] = Op::Names).link()
}

fn rows(texts: &[String], names: [&str; 2]) -> [String; 2] {
    let fields: String =
        texts.iter().enumerate().map(|(place, text)| format!(r#","f{place}":"{text}""#)).collect();
    let [first, last] = names;
    [
        format!(r#"{{"first":"{first}","last":"{last}"{fields}}}"#),
        format!(r#"{{"full":"{first} {last}"{fields}}}"#),
    ]
}

// Catches: the change of a field counted for the group whose number the field's slot has.
#[test]
fn the_change_of_a_field_is_that_of_its_group_wherever_it_stands() {
    let to_right = Judgement::Carry { to: Side::Right, why: crate::merge::CarryReason::Changed };
    let settled = Judgement::Settled;
    let link = shifted(2);
    let texts = ["a".to_owned(), "b".to_owned()];
    let base = rows(&texts, ["Ann", "Li"]);
    let judge = |texts: &[String], names| {
        let [left, _] = rows(texts, names);
        pair(&link, [&base[0], &base[1]], [&left, &base[1]]).judgements()
    };
    assert_eq!(judge(&texts, ["Ann", "Ho"]), [to_right, settled, settled]);
    assert_eq!(judge(&texts, ["Bo", "Li"]), [to_right, settled, settled]);
    assert_eq!(judge(&["x".to_owned(), "b".to_owned()], ["Ann", "Li"]), [settled, to_right, settled]);
    assert_eq!(judge(&["a".to_owned(), "x".to_owned()], ["Ann", "Li"]), [settled, settled, to_right]);
}

// Catches: many groups compared slot by slot although their slots are not the same on both sides.
#[test]
fn groups_whose_fields_stand_elsewhere_on_one_side_are_compared_by_field() {
    for count in [4, 63] {
        let link = shifted(count);
        let texts = |edit: &dyn Fn(usize) -> String| (0..count).map(edit).collect::<Vec<_>>();
        let base = rows(&texts(&|_| "base".to_owned()), ["Ann", "Li"]);
        // What the left holds in a slot is what the right holds in the same slot, of another field.
        let [left, _] = rows(&texts(&|place| format!("v{place}")), ["Ann", "Li"]);
        let [_, right] = rows(&texts(&|place| format!("v{}", place as i64 - 1)), ["Ann", "Li"]);
        let judged = pair(&link, [&base[0], &base[1]], [&left, &right]).judgements();
        let both = Judgement::Conflict(ConflictReason::BothChanged);
        assert_eq!(judged[0], Judgement::Settled);
        assert!(judged[1..].iter().all(|judgement| *judgement == both), "{judged:?}");
        // And the same texts in the same fields agree.
        let [_, right] = rows(&texts(&|place| format!("v{place}")), ["Ann", "Li"]);
        let judged = pair(&link, [&base[0], &base[1]], [&left, &right]).judgements();
        let same = Judgement::Agree(crate::merge::AgreeReason::SameChange);
        assert!(judged[1..].iter().all(|judgement| *judgement == same), "{judged:?}");
    }
}
