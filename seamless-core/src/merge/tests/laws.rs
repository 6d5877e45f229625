//! Laws over random rules and records.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

use crate::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule, WriteOn};
use crate::merge::{CompiledLink, Judgement};
use crate::model::{Bits, CanonicalForm, Condition, Normaliser, Side, Sides, Timestamp};

use super::fixture::{Op, Pair, TestMapper, copy, field, pair};

/// A rule and the values of its fields: both bases, both current ones.
type Column = (Rule, [&'static str; 4]);

const HELD: [&str; 11] =
    ["0", "", "a", "b", "A", "abcd", "abcx", "-", "!", r#"{"set":["x","y"]}"#, r#"{"set":["y","z"]}"#];

fn side() -> impl Strategy<Value = Side> {
    select(Side::BOTH.to_vec())
}

fn rule() -> impl Strategy<Value = Rule> {
    let direction = prop_oneof![2 => Just(Direction::TwoWay), 1 => side().prop_map(Direction::To)];
    let conflict = prop_oneof![
        Just(ConflictPolicy::Park),
        side().prop_map(ConflictPolicy::Take),
        Just(ConflictPolicy::Newest { skew: Duration::from_secs(2) }),
        Just(ConflictPolicy::Merge),
        Just(ConflictPolicy::Custom("choose".to_owned())),
    ];
    let first = prop_oneof![
        Just(FirstLinkPolicy::FillBlanks),
        side().prop_map(FirstLinkPolicy::Take),
        Just(FirstLinkPolicy::Park)
    ];
    let drift = select(vec![DriftPolicy::Keep, DriftPolicy::Restore, DriftPolicy::Park]);
    let on = prop_oneof![4 => Just(WriteOn::Always), 1 => Just(WriteOn::Create)];
    let form = prop_oneof![
        3 => Just(CanonicalForm::exact()),
        1 => select(vec![Normaliser::Case, Normaliser::EmptyIsNull, Normaliser::Truncated(3)])
            .prop_map(|step| CanonicalForm::new([step])),
    ];
    (direction, conflict, first, drift, on, form).prop_map(
        |(direction, on_conflict, first_link, on_drift, on, same_when)| Rule {
            direction,
            on_conflict,
            first_link,
            on_drift,
            on,
            same_when,
            ..copy("f")
        },
    )
}

fn columns(most: usize) -> impl Strategy<Value = Vec<Column>> {
    // A third of the values repeat the base, so that quiet, one-sided and two-sided cases are all frequent.
    let values = (select(HELD.to_vec()), select(HELD.to_vec()), select(HELD.to_vec()), any::<[bool; 3]>())
        .prop_map(|(base, left, right, [own_base, moves_left, moves_right])| {
            let base_right = if own_base { right } else { base };
            [
                base,
                base_right,
                if moves_left { left } else { base },
                if moves_right { right } else { base_right },
            ]
        });
    proptest::collection::vec((rule(), values), 1..most)
}

/// The link of these rules, each with fields of its own; every other one lower-cases what the right holds.
fn link_of(rules: impl IntoIterator<Item = Rule>, mirrored: bool, custom: Option<Side>) -> Arc<CompiledLink> {
    let rules: Vec<Rule> = rules.into_iter().enumerate().map(|(place, rule)| renamed(&rule, place)).collect();
    let count = rules.len();
    let mut mapper = TestMapper::new(rules);
    for place in (0..count).filter(|place| place % 2 == 1) {
        let side = if mirrored { Side::Left } else { Side::Right };
        mapper = mapper.form(side, &name(place), [Normaliser::Case]);
    }
    mapper.with(|mapper| mapper.custom = custom).link()
}

fn name(place: usize) -> String {
    format!("f{place}")
}

fn renamed(rule: &Rule, place: usize) -> Rule {
    let field = vec![name(place).as_str().into()];
    Rule { id: name(place).as_str().into(), fields: Sides::new(field.clone(), field), ..rule.clone() }
}

fn mirrored(rule: &Rule) -> Rule {
    Rule {
        direction: rule.direction.mirrored(),
        on_conflict: rule.on_conflict.mirrored(),
        first_link: rule.first_link.mirrored(),
        fields: rule.fields.clone().mirrored(),
        ..rule.clone()
    }
}

fn pair_of<'a>(link: &'a CompiledLink, columns: &[Column], [bl, br, l, r]: [usize; 4]) -> Pair<'a> {
    let text = |which: usize| {
        let fields = columns.iter().enumerate();
        let fields = fields.filter_map(|(place, (_, values))| field(&name(place), values[which]));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    pair(link, [&text(bl), &text(br)], [&text(l), &text(r)])
}

const STRAIGHT: [usize; 4] = [0, 1, 2, 3];

fn stamps(apart: i64) -> Sides<Option<Timestamp>> {
    Sides::new(DateTime::from_timestamp(1_000 + apart, 0), DateTime::from_timestamp(1_000, 0))
}

proptest! {
    // I16. Catches: a side that is preferred where no policy names it; a direction or form read from the wrong side.
    #[test]
    fn i16_mirrored_sides_and_policies_give_the_mirrored_verdict(
        columns in columns(6), apart in -4i64..4, check_all in any::<bool>(), custom in proptest::option::of(side()),
        rebased in proptest::collection::vec(0usize..6, 0..2)
    ) {
        let rules = || columns.iter().map(|(rule, _)| rule.clone());
        let link = link_of(rules(), false, custom);
        let turned = link_of(rules().map(|rule| mirrored(&rule)), true, custom.map(Side::other));
        let mut straight = pair_of(&link, &columns, STRAIGHT);
        let mut mirror = pair_of(&turned, &columns, [1, 0, 3, 2]);
        (straight.modified, mirror.modified) = (stamps(apart), stamps(apart).mirrored());
        for pair in [&mut straight, &mut mirror] {
            pair.check_all = check_all;
            pair.rebased = rebased.iter().copied().collect();
        }
        for (group, (found, turned)) in straight.judgements().into_iter().zip(mirror.judgements()).enumerate() {
            let [_, _, left, right] = columns[group].1;
            let unsaid = |held: &str| held == "-" || held == "!";
            if unsaid(left) && unsaid(right) {
                // When neither side said it, the left one is named.
                prop_assert_eq!((found, turned), (Judgement::Unknown(Side::Left), Judgement::Unknown(Side::Left)));
            } else {
                prop_assert_eq!(found.mirrored(), turned, "{:?}", columns[group]);
            }
        }
    }

    // I13. Catches: a group judged by another group's values, bits of one word that leak into the next, a second path
    // (past 64 groups) that judges otherwise than the first.
    #[test]
    fn i13_a_group_is_judged_by_its_own_fields_alone_however_many_there_are(
        columns in columns(5), apart in -4i64..4, check_all in any::<bool>(), copies in 20usize..50,
        rebased in any::<[bool; 4]>()
    ) {
        let alone: Vec<Judgement> = columns.iter().zip(rebased).map(|(column, rebased)| {
            let column = [column.clone()];
            let link = link_of([column[0].0.clone()], false, Some(Side::Right));
            let mut pair = pair_of(&link, &column, STRAIGHT);
            (pair.modified, pair.check_all) = (stamps(apart), check_all);
            pair.rebased = Bits::of_word(u64::from(rebased));
            pair.judgements()[0]
        }).collect();
        let many: Vec<Column> = columns.iter().cycle().take(columns.len() * copies).cloned().collect();
        let rules = many.iter().enumerate().map(|(place, (rule, _))| renamed(rule, place));
        let link = TestMapper::new(rules).with(|mapper| mapper.custom = Some(Side::Right)).link();
        let mut pair = pair_of(&link, &many, STRAIGHT);
        (pair.modified, pair.check_all) = (stamps(apart), check_all);
        pair.rebased = (0..many.len()).filter(|group| rebased[group % columns.len()]).collect();
        for (group, found) in pair.judgements().into_iter().enumerate() {
            prop_assert_eq!(found, alone[group % columns.len()], "{}: {:?}", group, many[group]);
        }
    }

    // I7, I15. Catches: a carry after which the pair is not at rest (a base that is compared in the wrong form, a
    // short form that flows back), and a conflict that disturbs its neighbours.
    #[test]
    fn i07_after_doing_what_was_decided_nothing_is_left_but_what_was_left_open(
        columns in columns(6), apart in -4i64..4
    ) {
        let rules = columns.iter().enumerate().map(|(place, (rule, _))| renamed(rule, place));
        let mut mapper = TestMapper::new(rules);
        for place in 0..columns.len() {
            // The right cuts to three characters, as a smaller system does.
            mapper = mapper.form(Side::Right, &name(place), [Normaliser::Truncated(3)]);
        }
        let link = mapper.with(|mapper| mapper.custom = Some(Side::Left)).link();
        let mut pair = pair_of(&link, &columns, STRAIGHT);
        (pair.modified, pair.check_all) = (stamps(apart), true);
        let before = pair.judgements();
        pair.apply();
        for (group, (before, after)) in before.into_iter().zip(pair.judgements()).enumerate() {
            let open = matches!(before, Judgement::Conflict(_) | Judgement::Unknown(_) | Judgement::Diverged);
            let expected = if open { before } else { Judgement::Settled };
            prop_assert_eq!(after, expected, "was {:?}: {:?}", before, columns[group]);
        }
    }

    // I15. Catches: a conflict that is remembered instead of judged anew.
    #[test]
    fn i15_a_conflict_vanishes_when_a_side_reverts_or_the_sides_agree(columns in columns(4), back in side()) {
        let link = link_of(columns.iter().map(|(rule, _)| rule.clone()), false, None);
        let pair = pair_of(&link, &columns, STRAIGHT);
        let conflicts = pair.verdict().conflicts();
        let mut reverted = pair_of(&link, &columns, STRAIGHT);
        let base = reverted.base.of(back).clone();
        *reverted.current.of_mut(back) = base.unwrap();
        for group in conflicts.iter() {
            let both = !matches!(pair.judgements()[group], Judgement::Conflict(crate::merge::ConflictReason::FirstLink));
            let after = reverted.judgements()[group];
            let settled_by_direction =
                matches!(after, Judgement::Conflict(crate::merge::ConflictReason::Drift)) && columns[group].0.direction != Direction::TwoWay;
            prop_assert!(!both || settled_by_direction || !matches!(after, Judgement::Conflict(_)), "{:?}", after);
            let agreed = [columns[group].1[0], columns[group].1[1], columns[group].1[2], columns[group].1[2]];
            let column = [(columns[group].0.clone(), agreed)];
            let alone = link_of([column[0].0.clone()], false, None);
            let after = pair_of(&alone, &column, STRAIGHT).judgements()[0];
            prop_assert!(after.moves_bases() || after == Judgement::Settled, "{:?}", after);
        }
    }

    // I6. Catches: a write, or even an entry, for a pair in which nothing changed.
    #[test]
    fn i06_where_both_sides_hold_their_bases_nothing_is_decided(columns in columns(8)) {
        let link = link_of(columns.iter().map(|(rule, _)| rule.clone()), false, None);
        let pair = pair_of(&link, &columns, [0, 1, 0, 1]);
        for (group, judgement) in pair.judgements().into_iter().enumerate() {
            let said = columns[group].1[..2].iter().all(|held| *held != "-" && *held != "!");
            if said { prop_assert_eq!(judgement, Judgement::Settled); }
        }
    }

    // Two rules that share a field are one group: what one of them cannot do, neither does. Catches: a copy rule that
    // is compared directly although it shares a field.
    #[test]
    fn rules_that_share_a_field_move_together(values in proptest::array::uniform4(0usize..5)) {
        const TEXT: [&str; 5] = ["0", "", "a", "b", "A"];
        let held = |place: usize| TEXT[values[place]];
        let fan = Rule { fields: Sides::new(vec!["f0".into()], vec!["f1".into()]), id: "fan".into(), direction: Direction::To(Side::Right), ..copy("f0") };
        let link = TestMapper::new([Rule { direction: Direction::To(Side::Right), ..copy("f0") }, fan]).link();
        prop_assert_eq!(link.groups().len(), 1);
        let left = |place: usize| format!("{{{}}}", field("f0", held(place)).unwrap());
        let right = |place: usize| format!("{{{},{}}}", field("f0", held(place)).unwrap(), field("f1", held(place + 1)).unwrap());
        let base_right = format!("{{{},{}}}", field("f0", held(0)).unwrap(), field("f1", held(0)).unwrap());
        let found = pair(&link, [&left(0), &base_right], [&left(1), &right(2)]).judgements()[0];
        let (moved_left, moved_right) = (held(1) != held(0), held(2) != held(0) || held(3) != held(0));
        let same = held(1) == held(2) && held(1) == held(3);
        let expected = match (moved_left, moved_right, same) {
            (false, false, _) => Judgement::Settled,
            (true, true, true) => Judgement::Agree(crate::merge::AgreeReason::SameChange),
            (true, false, _) => Judgement::Carry { to: Side::Right, why: crate::merge::CarryReason::Changed },
            (false, true, _) => Judgement::Conflict(crate::merge::ConflictReason::Drift),
            (true, true, false) => Judgement::Conflict(crate::merge::ConflictReason::BothChanged),
        };
        prop_assert_eq!(found, expected);
    }
}

// Catches: a condition looked at on the wrong side, or an unknown one taken for out.
#[test]
fn a_rule_carries_only_from_a_record_that_it_applies_to() {
    let when = Condition::Compare {
        field: "kind".into(),
        is: crate::model::Comparison::Equal,
        value: crate::model::Value::text("person"),
    };
    let rule = Rule { when: Sides::new(when, Condition::Always), ..copy("f") };
    let link = TestMapper::new([rule]).link();
    let judge = |kind: &str, left: &str, right: &str| {
        let left = format!(
            "{{{}}}",
            [field("f", left), field("kind", kind)].into_iter().flatten().collect::<Vec<_>>().join(",")
        );
        let right = format!("{{{}}}", field("f", right).unwrap());
        pair(&link, [r#"{"f":"a","kind":"person"}"#, r#"{"f":"a"}"#], [&left, &right]).judgements()[0]
    };
    let to = |to| Judgement::Carry { to, why: crate::merge::CarryReason::Changed };
    assert_eq!(judge("person", "b", "a"), to(Side::Right));
    assert_eq!(judge("firm", "b", "a"), Judgement::NotApplied);
    assert_eq!(judge("-", "b", "a"), Judgement::Unknown(Side::Left));
    assert_eq!(judge("firm", "a", "b"), to(Side::Left));
    assert_eq!(judge("firm", "a", "a"), Judgement::Settled);
}

// Catches: a rule without fields on one side that counts as blank there, or as never consistent.
#[test]
fn a_constant_fills_what_is_blank_and_is_restored_where_the_policy_says_so() {
    let rule = Rule {
        direction: Direction::To(Side::Right),
        first_link: FirstLinkPolicy::FillBlanks,
        on_drift: DriftPolicy::Restore,
        ..super::fixture::computed("type", &[], &["type"])
    };
    let link = TestMapper::new([rule]).with(|mapper| mapper.ops = vec![Op::Constant("C")]).link();
    let judge = |base: &str, right: &str| {
        pair(&link, if base.is_empty() { ["", ""] } else { ["{}", base] }, ["{}", right]).judgements()[0]
    };
    let carry = |why| Judgement::Carry { to: Side::Right, why };
    assert_eq!(judge("", r#"{"type":null}"#), carry(crate::merge::CarryReason::FirstLinkFill));
    assert_eq!(judge("", r#"{"type":"C"}"#), Judgement::Agree(crate::merge::AgreeReason::FirstLink));
    assert_eq!(judge("", r#"{"type":"X"}"#), Judgement::Conflict(crate::merge::ConflictReason::FirstLink));
    assert_eq!(judge(r#"{"type":"C"}"#, r#"{"type":"X"}"#), carry(crate::merge::CarryReason::Restored));
}

// I32. Catches: the base of a changed rule that is still used, or the bases of its neighbours that are not.
#[test]
fn i32_only_a_changed_rule_loses_its_base() {
    let link = TestMapper::new([copy("a"), copy("b")]).link();
    let row = r#"{"a":"1","b":"1"}"#;
    let mut pair = pair(&link, [row, row], [r#"{"a":"2","b":"2"}"#, row]);
    pair.rebased = Bits::of_word(1);
    let carry = Judgement::Carry { to: Side::Right, why: crate::merge::CarryReason::Changed };
    assert_eq!(pair.judgements(), [Judgement::Conflict(crate::merge::ConflictReason::FirstLink), carry]);
    let conflict = pair.ask(|case| crate::merge::conflict(case, 0));
    assert_eq!(conflict.left().base, None);
}
