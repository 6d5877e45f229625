//! Two records that are there: what is carried, agreed, opened and over, group by group.

use std::time::Duration;

use super::fixture::{Scene, Told, at, bits, conflict, frame, parked, versioned};
use crate::mapper::{
    Answer, Ask, ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, LinkMode, Rule, WriteOn,
};
use crate::merge::tests::fixture::{Op, TestMapper, computed, copy};
use crate::model::{ActionId, Comparison, Condition, Normaliser, RecordId, Side, Sides, Value};
use crate::plan::{AttentionWhy, PairStatus, ParkedAs};

const A1: &str = r#"{"name":"a","phone":"1"}"#;
const B1: &str = r#"{"name":"b","phone":"1"}"#;
const C1: &str = r#"{"name":"c","phone":"1"}"#;
const A2: &str = r#"{"name":"a","phone":"2"}"#;

fn two() -> TestMapper {
    TestMapper::new([copy("name"), copy("phone")])
}

fn one(change: impl FnOnce(&mut Rule)) -> TestMapper {
    let mut rule = copy("name");
    change(&mut rule);
    TestMapper::new([rule, copy("phone")])
}

/// Both sides changed the name.
fn quarrel(mapper: TestMapper) -> Scene {
    Scene::new(mapper, [A1, A1], [B1, C1])
}

// Catches: a group that is written to the wrong side, or settled with another one; a frame without what it relies on.
#[test]
fn each_edit_goes_to_the_other_side_and_settles_its_group() {
    let scene = Scene::new(two(), [A1, A1], [B1, A2]);
    scene.expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, phone "1" -> "2" by phone (Changed); settles 1"#,
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
    let frames: Vec<String> = scene.decide().entries.iter().map(frame).collect();
    let rest = r#"of customer: l1 r1; since 4 lv rv; saw [name="b" phone="1"] [name="a" phone="2"]"#;
    assert_eq!(frames, [format!("update 2 left l1 0 {rest}"), format!("update 2 right r1 0 {rest}")]);
    Scene::new(two(), [A1, A1], [A1, A1]).expect(&[]);
}

// Catches: fields in the order of rules, or a field that keeps its value sent all the same.
#[test]
fn an_update_holds_what_differs_in_the_order_of_the_shape() {
    let names = || {
        let rules = [copy("phone"), computed("names", &["first", "last"], &["full"])];
        TestMapper::new(rules).with(|mapper| mapper.ops[1] = Op::Names)
    };
    let left = r#"{"first":"Ada","last":"King","phone":"1"}"#;
    let right = r#"{"full":"Ada King","phone":"1"}"#;
    Scene::new(names(), [left, right], [left, r#"{"full":"Ada Byron","phone":"2"}"#]).expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, phone "1" -> "2" by phone (Changed), last "King" -> "Byron" by names (Changed); settles 0 1"#,
    ]);
    // A temporary order of groups: the shape's decides.
    let shuffled = names().with(|mapper| {
        mapper.rules.swap(0, 1);
        mapper.ops.swap(0, 1);
        let last = mapper.rules[0].fields.left.pop().unwrap();
        mapper.rules[1].fields.left[0] = "a".into();
        mapper.rules[0].fields.left.push(last);
    });
    let [left, right] = [r#"{"first":"Ada","last":"King","a":"1"}"#, r#"{"full":"Ada King","phone":"1"}"#];
    Scene::new(shuffled, [left, right], [left, r#"{"full":"Eve Byron","phone":"2"}"#]).expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, first "Ada" -> "Eve" by names (Changed), last "King" -> "Byron" by names (Changed), a "1" -> "2" by phone (Changed); settles 0 1"#,
    ]);
}

// Catches: a rule that is named for a field of another rule of its group.
#[test]
fn each_change_names_the_rule_that_asks_for_the_field() {
    let rules = [computed("one", &["x"], &["p"]), computed("two", &["x"], &["q"])];
    let mapper = TestMapper::new(rules);
    let base = [r#"{"x":"a"}"#, r#"{"p":"a","q":"a"}"#];
    Scene::new(mapper, base, [r#"{"x":"b"}"#, base[1]]).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, p "a" -> "b" by one (Changed), q "a" -> "b" by two (Changed); settles 0"#,
    ]);
}

#[test]
fn two_matched_records_become_a_pair_that_settles_what_agrees() {
    let first = |policy| one(move |rule| rule.first_link = policy);
    let scene = Scene::new(two(), ["", ""], [A1, C1]).with(|scene| scene.line = Some(3));
    scene.expect(&[r#"conflict name FirstLink: name "a" | name "c""#, "Link { line: 3 }; settles 1"]);
    let frames: Vec<String> = scene.decide().entries.iter().map(frame).collect();
    assert_eq!(
        frames,
        [
            "state 2 left l1 0 of customer: l1 r1; since - lv rv; saw [-] [-]",
            r#"state 2 left l1 1 of customer: l1 r1; since - lv rv; saw [name="a" phone="1"] [name="c" phone="1"]"#,
        ]
    );
    let blank = r#"{"name":null,"phone":"1"}"#;
    Scene::new(first(FirstLinkPolicy::FillBlanks), ["", ""], [A1, blank]).expect(&[
        "Link { line: 0 }; settles 1",
        r#"update right r1 if Version(Version("rv")): FirstLink, name (nothing) -> "a" by name (FilledBlank); settles 0"#,
    ]);
    Scene::new(first(FirstLinkPolicy::Take(Side::Right)), ["", ""], [A1, C1]).expect(&[
        "Link { line: 0 }; settles 1",
        r#"update left l1 if Version(Version("lv")): FirstLink, name "a" -> "c" by name (FirstLinkAuthority); settles 0"#,
    ]);
}

// Catches: bases that stay where both sides came to mean the same, or that move where nothing was agreed.
#[test]
fn what_agrees_without_a_write_is_remembered() {
    let scene = Scene::new(two(), [A1, A1], [B1, B1]);
    scene.expect(&["Agree; settles 0"]);
    assert_eq!(
        frame(&scene.decide().entries[0]),
        r#"state 2 left l1 0 of customer: l1 r1; since 4 lv rv; saw [name="b" phone="1"] [name="b" phone="1"]"#
    );
    // The rule is for new records only: the difference stays, and is known from now on.
    Scene::new(one(|rule| rule.on = WriteOn::Create), [A1, A1], [B1, A1]).expect(&["Agree; settles 0"]);
}

// Catches: a value that the target holds already in a form of its own, sent again.
#[test]
fn a_group_that_would_send_nothing_agrees() {
    let mapper = || {
        let names = computed("names", &["first", "last"], &["full"]);
        TestMapper::new([names]).with(|mapper| mapper.ops[0] = Op::Names)
    };
    let base = [r#"{"first":"Ada","last":"King"}"#, r#"{"full":"Ada King"}"#];
    let now = [r#"{"first":"ADA","last":"King"}"#, r#"{"full":"ADA King"}"#];
    let scene = Scene::new(mapper(), base, now);
    scene.expect(&["Agree; settles 0"]);
    let resolved = Scene::new(
        one(|rule| rule.on_conflict = ConflictPolicy::Take(Side::Left)).form(
            Side::Right,
            "name",
            [Normaliser::Truncated(1)],
        ),
        [A1, A1],
        [r#"{"name":"bx","phone":"1"}"#, r#"{"name":"by","phone":"1"}"#],
    );
    resolved.expect(&["Agree; settles 0"]);
}

#[test]
fn a_conflict_is_opened_once_and_shows_both_edits() {
    let story = [r#"conflict name BothChanged: name "a" -> "b" | name "a" -> "c""#];
    quarrel(two()).expect(&story);
    let shown = r#"name "a" -> "b" | name "a" -> "c""#;
    quarrel(two()).open(conflict(&["name"], shown)).expect(&[]);
    quarrel(two()).open(conflict(&["name"], "in other words")).expect(&story);
    quarrel(two()).open(conflict(&["phone"], shown)).expect(&[story[0], "over: phone"]);
}

#[test]
fn an_edited_target_of_a_one_way_rule_is_restored_kept_or_asked_about() {
    let drifts = |policy| {
        let mapper = one(|rule| (rule.direction, rule.on_drift) = (Direction::To(Side::Right), policy));
        Scene::new(mapper, [A1, A1], [A1, C1])
    };
    drifts(DriftPolicy::Park).expect(&[r#"conflict name Drift: name "a" -> "a" | name "a" -> "c""#]);
    drifts(DriftPolicy::Keep).expect(&["Agree; settles 0"]);
    drifts(DriftPolicy::Restore).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "c" -> "a" by name (Restored); settles 0"#,
    ]);
}

// Catches: a write that overwrites an edit and does not say so.
#[test]
fn an_edit_that_loses_by_policy_is_overwritten_by_name() {
    let loses = r#"update right r1 if Version(Version("rv")): Changed, name "c" -> "b" by name (PolicyOverwrote); settles 0"#;
    let policies = [
        ConflictPolicy::Take(Side::Left),
        ConflictPolicy::Newest { skew: Duration::from_secs(1) },
        ConflictPolicy::Custom("choose".into()),
    ];
    for policy in policies {
        let mapper = one(|rule| rule.on_conflict = policy).with(|mapper| mapper.custom = Some(Side::Left));
        let scene = quarrel(mapper).with(|scene| {
            for (side, second) in [(Side::Left, 9), (Side::Right, 3)] {
                let Told::There(record) = scene.half.of_mut(side) else { panic!("it is there") };
                record.modified = Some(at(second));
            }
        });
        scene.expect(&[loses]);
    }
}

// Catches: a person's word about another rule, or about values that nobody showed, taken for this one's.
#[test]
fn a_conflict_ends_as_a_person_decided_about_what_is_held() {
    let taken = |take| quarrel(two()).resolved("name", take);
    taken(Side::Left).expect(&[
        r#"update right r1 if Version(Version("rv")): Resolution, name "c" -> "b" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    taken(Side::Right).expect(&[
        r#"update left l1 if Version(Version("lv")): Resolution, name "b" -> "c" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    let stays = [r#"conflict name BothChanged: name "a" -> "b" | name "a" -> "c""#];
    quarrel(two()).resolved("phone", Side::Left).expect(&stays);
    for side in Side::BOTH {
        let stale = taken(Side::Left).with(|scene| *scene.resolutions[0].seen.of_mut(side) = [7; 16]);
        stale.expect(&stays);
    }
}

// Catches: the bases moved while the other side still lacks what was merged.
#[test]
fn sets_of_both_sides_are_merged_one_side_a_plan() {
    let set = |members: &str| format!(r#"{{"name":{{"set":[{members}]}},"phone":"1"}}"#);
    let merges = |left: &str, right: &str| {
        let mapper = one(|rule| rule.on_conflict = ConflictPolicy::Merge);
        let base = set(r#""x""#);
        Scene::new(mapper, [&base, &base], [&set(left), &set(right)])
    };
    let both = merges(r#""x","y""#, r#""x","z""#).story();
    assert_eq!(both.len(), 1);
    assert!(both[0].starts_with("update left l1 if Version(Version(\"lv\")): Changed, name "), "{both:?}");
    assert!(both[0].ends_with("by name (Merged)"), "{both:?}");
    let left = merges(r#""x""#, r#""x","z""#).story();
    assert!(left[0].starts_with("update left") && left[0].ends_with("(Changed); settles 0"), "{left:?}");
    let merged = |side: &str, left: &str, right: &str| {
        let story = merges(left, right).story();
        assert!(story[0].starts_with(&format!("update {side} ")), "{story:?}");
        assert!(story[0].ends_with("by name (Merged); settles 0"), "{story:?}");
    };
    merged("right", r#""x","y","z""#, r#""x","z""#);
    merged("left", r#""x","z""#, r#""x","y","z""#);
}

#[test]
fn a_frozen_pair_whose_records_are_back_in_scope_thaws() {
    let scene =
        Scene::new(two(), [A1, A1], [B1, A1]).pair_with(|pair| pair.status = PairStatus::Frozen(Side::Left));
    scene.expect(&[
        "Thaw",
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
}

// Catches: a pair that goes on with a survivor and leaves out whose record it was, or which.
#[test]
fn a_pair_goes_on_with_the_record_that_its_own_was_merged_into() {
    for side in Side::BOTH {
        let scene = Scene::new(two(), [A1, A1], [A1, A1]);
        let mut survivor = versioned(&scene.link, side, B1);
        survivor.id = RecordId::text("s");
        let scene = scene.half(side, Told::Survivor(survivor));
        let decision = scene.decide();
        let (place, update) = match side {
            Side::Left => (
                "s",
                r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
            ),
            Side::Right => (
                "l1",
                r#"update left l1 if Version(Version("lv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
            ),
        };
        scene.expect(&[&format!("the {side} record is s now"), update]);
        assert_eq!(
            frame(&decision.entries[0]),
            format!("state 2 left {place} 0 of customer: l1 r1; since 4 lv rv; saw [-] [-]")
        );
        // What is opened next does not take the place of that entry.
        let frozen = scene.pair_with(|pair| pair.status = PairStatus::Frozen(Side::Left));
        assert_eq!(frozen.decide().entries[1].key.part, 1);
    }
}

fn is_kind() -> Condition {
    Condition::Compare { field: "kind".into(), is: Comparison::Equal, value: Value::text("k") }
}

/// A link whose rule applies where a field that nobody carries says so.
fn with_kind() -> TestMapper {
    one(|rule| rule.when = Sides::new(is_kind(), Condition::Always))
}

// Catches: a pair that is looked at in every run because of a field that is only looked at.
#[test]
fn a_change_of_a_field_that_nobody_carries_is_remembered() {
    let kind = |kind: &str, name: &str| format!(r#"{{"name":"{name}","phone":"1","kind":{kind}}}"#);
    let scene = |now: &str| Scene::new(with_kind(), [&kind(r#""k""#, "a"), A1], [now, A1]);
    scene(&kind(r#""m""#, "a")).expect(&["Agree"]);
    scene(&kind(r#""k""#, "a")).expect(&[]);
    // What was not said is nothing to remember, and what is carried has its own entry.
    scene(A1).expect(&[]);
    scene(&kind(r#""k""#, "b")).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
    scene(&kind(r#""m""#, "b")).expect(&["Agree"]);
}

fn parent() -> TestMapper {
    one(|_| {}).with(|mapper| {
        mapper.rules[0].kind = crate::mapper::RuleKind::Computed;
        mapper.ops[0] = Op::Partner("parents");
    })
}

fn ask(id: &str) -> Ask {
    Ask::Partner { link: "parents".into(), side: Side::Left, id: RecordId::text(id) }
}

#[test]
fn a_reference_to_a_record_that_the_plan_makes_waits_for_it() {
    let makes = ActionId::derive(&[b"makes b"]);
    let mut scene = Scene::new(parent(), [A1, A1], [B1, A1]);
    scene.resolved.right.insert(ask("b"), Answer::Planned(makes));
    scene.resolved.right.insert(ask("x"), Answer::Unpaired);
    let expected = format!(
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> the id that {makes} makes by name (Changed), waits for {:?}; settles 0"#,
        ask("b")
    );
    scene.expect(&[&expected]);
}

#[test]
fn the_same_wait_is_named_once() {
    let makes = ActionId::derive(&[b"makes b"]);
    let mapper = TestMapper::new([computed("x", &["x"], &["p"]), computed("y", &["y"], &["q"])])
        .with(|mapper| mapper.ops = vec![Op::Partner("parents"); 2]);
    let base = [r#"{"x":"a","y":"a"}"#, r#"{"p":"a","q":"a"}"#];
    let mut scene = Scene::new(mapper, base, [r#"{"x":"b","y":"b"}"#, base[1]]);
    scene.resolved.right.insert(ask("b"), Answer::Planned(makes));
    let story = scene.story();
    assert_eq!(story[0].matches("waits for").count(), 1, "{story:?}");
    assert_eq!(story[0].matches("the id that").count(), 2, "{story:?}");
}

// Catches: a reference parked although the link that it waits for is decided later in the same plan.
#[test]
fn a_group_waits_for_a_link_that_is_decided_later() {
    let scene = Scene::new(parent(), [A1, A1], [B1, A1]);
    scene.expect(&["group 0 waits for the end, to right"]);
    let decided = scene.clone().with(|scene| scene.decided = vec!["parents".into()]);
    decided.expect(&["park left l1 [name] waiting: x: does not map"]);
    // Both changed: whether they mean the same cannot be told yet.
    let scene = Scene::new(parent(), [A1, A1], [B1, C1]);
    scene.expect(&["group 0 waits for the end, to left, contested"]);
    let decided = scene.clone().with(|scene| scene.decided = vec!["parents".into()]);
    decided.expect(&[r#"conflict name BothChanged: name "a" -> "b" | name "a" -> "c""#]);
    let to_right = parent().with(|mapper| mapper.spec.mode = LinkMode::To(Side::Right)).with(|mapper| {
        mapper.rules[0].on_drift = DriftPolicy::Park;
    });
    Scene::new(to_right, [A1, A1], [A1, C1]).expect(&["group 0 waits for the end, to right, contested"]);
}

// Catches: a conflict that stays open when it is over, or is over because its group was not looked at.
#[test]
fn what_is_open_is_over_when_nothing_is_left_of_it() {
    let over = |scene: Scene| {
        scene
            .open(conflict(&["name"], "it was"))
            .open(AttentionWhy::Hint { version: None })
            .open(parked(ParkedAs::Unmappable, &["name"], "was parked"))
            .open(parked(ParkedAs::LeftScope, &[], "as a whole"))
    };
    let quiet = Scene::new(two(), [A1, A1], [A1, A1]);
    over(quiet.clone()).expect(&["over: name name"]);
    over(Scene::new(two(), [A1, A1], [B1, B1])).expect(&["Agree; settles 0", "over: name name"]);
    // A write of the rule ends it when it is done.
    over(Scene::new(two(), [A1, A1], [B1, A1])).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
    over(Scene::new(two(), [A1, A1], [A1, B1])).expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
    over(quarrel(two())).expect(&[r#"conflict name BothChanged: name "a" -> "b" | name "a" -> "c""#]);
    over(Scene::new(two(), [A1, A1], [r#"{"phone":"1"}"#, A1])).expect(&[]);
    over(quiet.with(|scene| scene.rests = bits(&[0]))).expect(&[]);
    over(Scene::new(parent(), [A1, A1], [B1, A1])).expect(&["group 0 waits for the end, to right"]);
    let decided =
        over(Scene::new(parent(), [A1, A1], [B1, A1])).with(|scene| scene.decided = vec!["parents".into()]);
    decided.expect(&["park left l1 [name] waiting: x: does not map"]);
}

#[test]
fn a_group_that_rests_is_not_carried_and_its_neighbour_is() {
    let scene = Scene::new(two(), [A1, A1], [r#"{"name":"b","phone":"2"}"#, A1]);
    let story = [
        r#"update right r1 if Version(Version("rv")): Changed, phone "1" -> "2" by phone (Changed); settles 1"#,
    ];
    scene.with(|scene| scene.rests = bits(&[0])).expect(&story);
}

#[test]
fn a_difference_that_nobody_made_is_reported_when_everything_is_checked() {
    let scene = Scene::new(two(), [A1, C1], [A1, C1]);
    scene.expect(&[]);
    scene.with(|scene| scene.check_all = true).expect(&["diverged: name"]);
}

// Catches: a base that is used although its rule means something else now; one that is dropped although it does not.
#[test]
fn a_base_of_another_rule_is_used_where_it_means_the_same() {
    let rebased = |base, now| Scene::new(two(), base, now).with(|scene| scene.rebased = bits(&[0]));
    rebased([A1, A1], [B1, A1]).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "a" -> "b" by name (Changed); settles 0"#,
    ]);
    rebased([A1, C1], [B1, C1]).expect(&[r#"conflict name FirstLink: name "b" | name "c""#]);
    // The rule did not change, so its bases count whatever they are.
    Scene::new(two(), [A1, C1], [B1, C1]).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "c" -> "b" by name (Changed); settles 0"#,
    ]);
}

// Catches: a field that was lost and made anew taken for one that somebody cleared, and the other way round.
#[test]
fn a_field_that_is_back_and_blank_was_cleared_by_nobody() {
    let blank = r#"{"name":null,"phone":"1"}"#;
    let fills = || one(|rule| rule.first_link = FirstLinkPolicy::FillBlanks);
    let back = |base, now| Scene::new(fills(), base, now).with(|scene| scene.back.right = bits(&[0]));
    back([A1, A1], [A1, blank]).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name (nothing) -> "a" by name (FilledBlank); settles 0"#,
    ]);
    let cleared = [
        r#"update left l1 if Version(Version("lv")): Changed, name "a" -> (nothing) by name (Changed); settles 0"#,
    ];
    Scene::new(fills(), [A1, A1], [A1, blank]).expect(&cleared);
    // The other field is back, this one was cleared.
    back([A1, A1], [A1, blank]).with(|scene| scene.back.right = bits(&[1])).expect(&cleared);
    back([A1, A1], [A1, C1]).expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, name "a" -> "c" by name (Changed); settles 0"#,
    ]);
    // It was blank before: what the left has now is an edit.
    back([blank, blank], [A1, blank]).expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name (nothing) -> "a" by name (Changed); settles 0"#,
    ]);
}
