//! Values that may be the system's own doing, and writes that come back.

use super::fixture::{Scene, Told, bits, conflict, parked, versioned};
use crate::connector::WriteReturns;
use crate::mapper::{Answer, Ask, ConflictPolicy, Direction, DriftPolicy, Rule};
use crate::merge::LossyForm;
use crate::merge::tests::fixture::{Op, TestMapper, computed, copy};
use crate::model::{
    ActionId, CanonicalForm, Comparison, Condition, Normaliser, RecordId, Side, Sides, Value, Version,
};
use crate::plan::decide::with_proven;
use crate::plan::returns::{Sending, note_write};
use crate::plan::{AttentionWhy, Body, Effect, ParkReason, Parked, ParkedAs, Suspicion};

const LONG: &str = r#"{"name":"abcdef","phone":"1"}"#;
const CUT: &str = r#"{"name":"abcd","phone":"1"}"#;
const EDIT: &str = r#"{"name":"xyz","phone":"1"}"#;

const ASKS: &str = r#"park right r1 [name] suspected_form: name is "abcd": "abcdef" was sent, this is it cut to 4 characters"#;
const CARRIED: &str = r#"update left l1 if Version(Version("lv")): Changed, name "abcdef" -> "abcd" by name (Changed); settles 0"#;

fn one(change: impl FnOnce(&mut Rule)) -> TestMapper {
    let mut rule = copy("name");
    change(&mut rule);
    TestMapper::new([rule, copy("phone")])
}

/// What the left has was sent to the right and acknowledged; the right shows something else.
fn sent(mapper: TestMapper, now: [&str; 2]) -> Scene {
    Scene::new(mapper, [LONG, LONG], now).pair_with(|pair| {
        pair.trail.acknowledged.right = bits(&[0]);
        pair.trail.written.right = bits(&[0]);
    })
}

fn suspicion(scene: &Scene) -> Parked {
    let entries = scene.decide().entries;
    let parked = entries.into_iter().find_map(|entry| match entry.body {
        Body::Effect(Effect::Park(parked)) => Some(parked),
        _ => None,
    });
    parked.unwrap()
}

/// A group that is suspected already.
fn suspected(rules: &[&str]) -> AttentionWhy {
    AttentionWhy::Parked {
        reason: ParkedAs::Suspected,
        rules: rules.iter().map(|rule| (*rule).into()).collect(),
        message: "in other words".into(),
        remedy: String::new(),
        suspicion: Some(Suspicion {
            field: "name".into(),
            form: LossyForm::Rounded { least: 0, most: 1 },
            sent: "0".into(),
        }),
    }
}

// Catches: what the system made of our write carried back as if somebody had typed it.
#[test]
fn a_value_that_may_be_the_form_of_what_was_sent_is_asked_about() {
    sent(one(|_| ()), [LONG, CUT]).expect(&[ASKS]);
    let left = Scene::new(one(|_| ()), [LONG, LONG], [CUT, LONG])
        .pair_with(|pair| pair.trail.acknowledged.left = bits(&[0]));
    left.expect(&[
        r#"park left l1 [name] suspected_form: name is "abcd": "abcdef" was sent, this is it cut to 4 characters"#,
    ]);
    let parked = suspicion(&sent(one(|_| ()), [LONG, CUT]));
    let mut canonical = Vec::new();
    Value::text("abcdef").as_ref().write_canonical(&mut canonical);
    let form = LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(4)]));
    let sent = blake3::hash(&canonical).to_hex().chars().take(16).collect();
    assert_eq!(parked.why, ParkReason::Suspected(Suspicion { field: "name".into(), form, sent }));
    assert!(parked.remedy.ends_with("declare the form of the field"), "{}", parked.remedy);
}

#[test]
fn a_number_that_lost_digits_is_asked_about_in_words_that_fit() {
    let number = |number: &str| format!(r#"{{"name":{{"decimal":"{number}"}},"phone":"1"}}"#);
    let (long, cut) = (number("1.29"), number("1.2"));
    let scene = Scene::new(one(|_| ()), [&long, &long], [&long, &cut])
        .pair_with(|pair| pair.trail.acknowledged.right = bits(&[0]));
    let parked = suspicion(&scene);
    assert!(parked.remedy.ends_with("let the rule round as the system does"), "{}", parked.remedy);
}

#[test]
fn an_edit_that_no_form_explains_is_carried() {
    let edit = sent(one(|_| ()), [LONG, EDIT]).story();
    assert!(edit[0].starts_with("update left") && edit.len() == 1, "{edit:?}");
    // Seen as it was sent: what is there now came later.
    Scene::new(one(|_| ()), [LONG, LONG], [LONG, CUT]).expect(&[CARRIED]);
    sent(one(|_| ()), [LONG, CUT]).with(|scene| scene.read_since.right = true).expect(&[CARRIED]);
    sent(one(|_| ()), [LONG, CUT]).with(|scene| scene.read_since.left = true).expect(&[ASKS]);
    let nothing = r#"{"name":{"unreadable":true},"phone":"1"}"#;
    sent(one(|_| ()), [LONG, nothing]).expect(&["Agree"]);
    sent(one(|_| ()), [LONG, CUT])
        .with(|scene| scene.pair = None)
        .expect(&[r#"conflict name FirstLink: name "abcdef" | name "abcd""#, "Link { line: 0 }; settles 1"]);
}

// Catches: a reading that hid the field, taken for one that showed it as it was sent.
#[test]
fn what_was_hidden_when_its_record_was_read_is_asked_about_when_it_is_shown() {
    let hidden = r#"{"name":{"unreadable":true},"phone":"1"}"#;
    let versions_only = |scene: &mut Scene| scene.capabilities.right.write_returns = WriteReturns::Version;
    sent(one(|_| ()), [LONG, hidden]).with(versions_only).expect(&["Agree"]);
    let was_hidden = |now: &str| {
        sent(one(|_| ()), [LONG, now])
            .pair_with(|pair| pair.trail.written.right = bits(&[]))
            .with(versions_only)
            .with(|scene| scene.read_since.right = true)
    };
    was_hidden(hidden).expect(&[]);
    was_hidden(CUT).expect(&[ASKS]);
    was_hidden(LONG).expect(&["Agree"]);
}

// Catches: a question that a later reading answers by itself.
#[test]
fn what_is_suspected_already_stays_so_however_often_it_is_read() {
    let read = || sent(one(|_| ()), [LONG, CUT]).with(|scene| scene.read_since.right = true);
    read().open(suspected(&["name"])).expect(&[ASKS]);
    read().open(suspected(&["phone"])).expect(&["over: phone", CARRIED]);
    read().open(parked(ParkedAs::Suspected, &["name"], "without the form")).expect(&[CARRIED]);
    read().open(conflict(&["name"], "x")).expect(&[CARRIED]);
}

// Catches: one field that was seen, or that no form explains, hidden behind a suspect one.
#[test]
fn one_field_that_was_edited_makes_its_whole_group_an_edit() {
    let group = || TestMapper::new([computed("one", &["x"], &["p"]), computed("two", &["x"], &["q"])]);
    let (left, base) = (r#"{"x":"abcdef"}"#, r#"{"p":"abcdef","q":"abcdef"}"#);
    let scene = |now: &str, acknowledged: &[usize]| {
        Scene::new(group(), [left, base], [left, now])
            .pair_with(|pair| pair.trail.acknowledged.right = bits(acknowledged))
            .story()
            .remove(0)
    };
    let both = r#"{"p":"abcd","q":"abc"}"#;
    assert!(
        scene(both, &[0, 1]).contains(r#"suspected_form: p is "abcd""#),
        "the first that changed is named"
    );
    assert!(scene(r#"{"p":"abcdef","q":"abc"}"#, &[1]).contains(r#"suspected_form: q is "abc""#));
    assert!(scene(both, &[0]).starts_with("update left"));
    assert!(scene(both, &[1]).starts_with("update left"));
    assert!(scene(r#"{"p":"abcd","q":"xyz"}"#, &[0, 1]).starts_with("update left"));
}

#[test]
fn a_group_whose_rule_changed_has_no_suspicion() {
    let scene = sent(one(|_| ()), [LONG, CUT]).with(|scene| scene.rebased = bits(&[0]));
    // The bases mean the same under the rule as it is, so they count.
    scene.expect(&[ASKS]);
    let apart = Scene::new(one(|_| ()), [EDIT, LONG], [EDIT, CUT])
        .pair_with(|pair| pair.trail.acknowledged.right = bits(&[0]))
        .with(|scene| scene.rebased = bits(&[0]));
    apart.expect(&[r#"conflict name FirstLink: name "xyz" | name "abcd""#]);
}

// Catches: a person's word done the wrong way round, or a write of what is there.
#[test]
fn a_person_says_whose_value_is_meant() {
    let decided = |take| sent(one(|_| ()), [LONG, CUT]).resolved("name", take);
    decided(Side::Left).expect(&["Agree; settles 0"]);
    let edited = r#"update left l1 if Version(Version("lv")): Resolution, name "abcdef" -> "abcd" by name (Resolved { by: "kim" }); settles 0"#;
    decided(Side::Right).expect(&[edited]);
    // The other side moved on as well: its value is not what was sent.
    sent(one(|_| ()), [EDIT, CUT]).resolved("name", Side::Left).expect(&[
        r#"update right r1 if Version(Version("rv")): Resolution, name "abcd" -> "xyz" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    sent(one(|_| ()), [EDIT, CUT]).expect(&[ASKS]);
    // Values do not go there: what is held is the base from now on.
    let one_way =
        |policy| one(move |rule| (rule.direction, rule.on_drift) = (Direction::To(Side::Right), policy));
    sent(one_way(DriftPolicy::Park), [LONG, CUT]).resolved("name", Side::Right).expect(&["Agree; settles 0"]);
}

// Catches: a form of what was sent that is restored, kept or asked about as an edit is.
#[test]
fn whatever_would_follow_from_an_edit_a_suspect_is_asked_about_first() {
    let one_way =
        |policy| one(move |rule| (rule.direction, rule.on_drift) = (Direction::To(Side::Right), policy));
    sent(one_way(DriftPolicy::Restore), [LONG, CUT]).expect(&[ASKS]);
    sent(one_way(DriftPolicy::Park), [LONG, CUT]).expect(&[ASKS]);
    sent(one_way(DriftPolicy::Keep), [LONG, CUT]).expect(&["Agree; settles 0"]);
    let takes = |side| one(move |rule| rule.on_conflict = ConflictPolicy::Take(side));
    sent(takes(Side::Right), [EDIT, CUT]).expect(&[ASKS]);
    // The suspect value is overwritten by an edit: nothing of it is carried.
    let overwritten = sent(takes(Side::Left), [EDIT, CUT]).story();
    assert!(overwritten[0].contains("PolicyOverwrote"), "{overwritten:?}");
    let never = || {
        let is = Condition::Compare { field: "phone".into(), is: Comparison::Equal, value: Value::text("9") };
        one(move |rule| rule.when = Sides::new(Condition::Always, is))
    };
    sent(never(), [LONG, CUT]).expect(&[ASKS]);
    sent(one(|_| ()), [r#"{"phone":"1"}"#, CUT]).expect(&[ASKS]);
    // Nothing of the name changed.
    sent(never(), [LONG, LONG]).expect(&[]);
}

#[test]
fn a_record_at_the_version_that_our_write_made_holds_what_the_write_came_to() {
    let scene =
        || sent(one(|_| ()), [LONG, CUT]).pair_with(|pair| pair.version.right = Some(Version::new("rv")));
    scene().expect(&["Agree; settles 0"]);
    scene().pair_with(|pair| pair.version.right = Some(Version::new("before"))).expect(&[ASKS]);
    let edited_left = scene().with(|scene| {
        scene.half.left = Told::There(versioned(&scene.link, Side::Left, EDIT));
    });
    edited_left.expect(&[
        r#"update right r1 if Version(Version("rv")): Changed, name "abcd" -> "xyz" by name (Changed); settles 0"#,
    ]);
    scene().pair_with(|pair| pair.base.right = pair.base.right.clone()).expect(&["Agree; settles 0"]);

    let scene =
        scene().with(|scene| scene.half.right = Told::There(versioned(&scene.link, Side::Right, CUT)));
    let (pair, Told::There(now)) = (scene.pair.clone().unwrap(), scene.half.right) else { panic!() };
    let proven = with_proven(&pair, Side::Right, &now).unwrap();
    assert_eq!(proven.field("name").to_slot().to_string(), r#""abcd""#);
    assert_eq!(with_proven(&pair, Side::Left, &now), None);
    let mut unsaid = now.clone();
    unsaid.record = versioned(&scene.link, Side::Right, r#"{"name":{"unreadable":true},"phone":"2"}"#).record;
    let proven = with_proven(&pair, Side::Right, &unsaid).unwrap();
    assert_eq!(proven, pair.base.right, "what it does not say, and what was not sent, stays as it was");
    let mut seen = pair.clone();
    seen.trail.acknowledged.right = bits(&[]);
    assert_eq!(with_proven(&seen, Side::Right, &now), None);
}

// Catches: a base that is proven for one group, taken for all of them.
#[test]
fn only_what_the_write_changed_is_newly_known() {
    let scene = sent(one(|_| ()), [LONG, CUT]).pair_with(|pair| {
        pair.trail.acknowledged.right = bits(&[0, 1]);
        pair.version.right = Some(Version::new("rv"));
    });
    scene.expect(&["Agree; settles 0"]);
}

/// A pair whose values come back: what the right shows was sent to the left as often as may be.
fn comes_back(mapper: TestMapper, decided: bool) -> Scene {
    let mut scene = Scene::new(mapper, [LONG, LONG], [LONG, EDIT])
        .pair_with(|pair| pair.trail.written = Sides::new(bits(&[0]), bits(&[0])));
    let pair = scene.pair.as_mut().unwrap();
    let (Told::There(left), Told::There(right)) = (&scene.half.left, &scene.half.right) else { panic!() };
    let value = Value::text("xyz");
    let mut returns = Vec::new();
    for _ in 0..2 {
        let sending = Sending { group: 0, to: Side::Left, values: &[(0, value.as_ref())] };
        let now = Sides::new(&left.record, &right.record);
        note_write(&scene.link, pair, &now, sending, decided, &mut returns);
    }
    pair.trail.returns = returns;
    scene
}

#[test]
fn a_write_that_comes_back_is_parked_until_a_person_says_whose_value_is_meant() {
    let asks = r#"park left l1 [name] returned: name is "abcdef" again, whatever is written"#;
    comes_back(one(|_| ()), false).expect(&[asks]);
    comes_back(one(|_| ()), true).expect(&[
        r#"update left l1 if Version(Version("lv")): Changed, name "abcdef" -> "xyz" by name (Changed); settles 0"#,
    ]);
    comes_back(one(|_| ()), false).resolved("name", Side::Right).expect(&[
        r#"update left l1 if Version(Version("lv")): Resolution, name "abcdef" -> "xyz" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    comes_back(one(|_| ()), false).resolved("name", Side::Left).expect(&[
        r#"update right r1 if Version(Version("rv")): Resolution, name "xyz" -> "abcdef" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    comes_back(one(|_| ()), false).resolved("phone", Side::Left).expect(&[asks]);
}

#[test]
fn a_write_whose_value_is_not_known_is_not_one_that_comes_back() {
    let refers = one(|_| ()).with(|mapper| {
        mapper.rules[0].kind = crate::mapper::RuleKind::Computed;
        mapper.ops[0] = Op::Partner("parents");
    });
    let mut scene = comes_back(refers, false);
    let ask = Ask::Partner { link: "parents".into(), side: Side::Right, id: RecordId::text("xyz") };
    scene.resolved.left.insert(ask, Answer::Planned(ActionId::derive(&[b"makes"])));
    assert!(scene.story()[0].starts_with("update left"), "{:?}", scene.story());
    // What cannot be carried is parked for that.
    scene.resolved.left = crate::mapper::Resolved::new();
    scene.decided = vec!["parents".into()];
    scene.expect(&["park right r1 [name] waiting: x: does not map"]);
}

// Catches: a move that a person decided about parked again; a decision used up by an edit that has nothing to do with it.
#[test]
fn a_move_that_would_close_a_circle_is_made_when_a_person_says_so() {
    let moved = || Scene::new(one(|_| ()), [LONG, LONG], [LONG, EDIT]);
    let decided = r#"update left l1 if Version(Version("lv")): Resolution, name "abcdef" -> "xyz" by name (Resolved { by: "kim" }); settles 0"#;
    let edited = r#"update left l1 if Version(Version("lv")): Changed, name "abcdef" -> "xyz" by name (Changed); settles 0"#;
    let circle = |rules: &[&str]| parked(ParkedAs::Circle, rules, "a circle");
    moved().open(circle(&["name"])).resolved("name", Side::Right).expect(&[decided]);
    moved().open(circle(&["name"])).resolved("name", Side::Left).expect(&[
        r#"update right r1 if Version(Version("rv")): Resolution, name "xyz" -> "abcdef" by name (Resolved { by: "kim" }); settles 0"#,
    ]);
    moved().open(circle(&["name"])).expect(&[edited]);
    moved().resolved("name", Side::Right).expect(&[edited]);
    moved().open(circle(&["phone"])).resolved("name", Side::Right).expect(&["over: phone", edited]);
    moved().open(parked(ParkedAs::Hidden, &["name"], "x")).resolved("name", Side::Right).expect(&[edited]);
}
