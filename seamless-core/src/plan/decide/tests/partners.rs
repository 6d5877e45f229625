//! A record that has no partner, or whose partner is gone, hidden, merged or out of the scope; references that come late.

use super::fixture::{Scene, Told, bits, conflict, frame, parked, told, versioned};
use crate::mapper::{Answer, Ask, DeletePolicy, Direction, LeavePolicy, LinkMode};
use crate::merge::tests::fixture::{Op, TestMapper, copy};
use crate::model::{ActionId, Comparison, Condition, RecordId, Side, Sides, Value};
use crate::plan::decide::Deferred;
use crate::plan::{PairStatus, ParkedAs};

const A1: &str = r#"{"name":"a","phone":"1"}"#;
const B1: &str = r#"{"name":"b","phone":"1"}"#;

fn two() -> TestMapper {
    TestMapper::new([copy("name"), copy("phone")])
}

/// A record of one side without a pair.
fn alone(side: Side, mapper: TestMapper) -> Scene {
    Scene::new(mapper, ["", ""], [A1, A1]).half(side.other(), Told::None)
}

fn in_scope(side: Side, mapper: TestMapper) -> TestMapper {
    let named = Condition::Compare { field: "name".into(), is: Comparison::Equal, value: Value::text("a") };
    mapper.with(|mapper| *mapper.spec.scope.of_mut(side) = named)
}

#[test]
fn a_record_without_a_partner_gets_one() {
    let created = |side: Side| {
        format!(
            r#"create {side} new if Missing: NoPartner, name (not said) -> "a" by name (Created), phone (not said) -> "1" by phone (Created); settles 0 1"#
        )
    };
    for side in Side::BOTH {
        let scene = alone(side, two());
        scene.expect(&[&created(side.other())]);
        let frames: Vec<String> = scene.decide().entries.iter().map(frame).collect();
        let expected = match side {
            Side::Left => {
                r#"create 2 right l1 0 of customer: l1 -; since - lv -; saw [name="a" phone="1"] [-]"#
            }
            Side::Right => {
                r#"create 2 left r1 0 of customer: - r1; since - - rv; saw [-] [name="a" phone="1"]"#
            }
        };
        assert_eq!(frames, [expected]);
    }
}

// Catches: a record that is made although the link, its scope or the target does not have it so.
#[test]
fn a_record_is_made_only_where_everything_allows_it() {
    let made = |scene: &Scene| !scene.story().is_empty();
    for side in Side::BOTH {
        let to = side.other();
        let with = |change: &dyn Fn(&mut TestMapper)| alone(side, two().with(|mapper| change(mapper)));
        assert!(made(&with(&|_| ())));
        assert!(!made(&with(&|mapper| *mapper.spec.create.of_mut(to) = false)));
        assert!(made(&with(&|mapper| *mapper.spec.create.of_mut(side) = false)));
        assert!(!made(&alone(side, two()).with(|scene| scene.capabilities.of_mut(to).create = false)));
        assert!(made(&alone(side, two()).with(|scene| scene.capabilities.of_mut(side).create = false)));
        assert!(!made(&with(&|mapper| mapper.spec.mode = LinkMode::To(side))));
        assert!(made(&with(&|mapper| mapper.spec.mode = LinkMode::To(to))));
        assert!(made(&with(&|mapper| mapper.spec.mode = LinkMode::Observe)));
        assert!(!made(&with(&|mapper| mapper.spec.mode = LinkMode::CoupleOnly)));
        let scoped = |held: &str| {
            let mut scene = alone(side, in_scope(side, two()));
            *scene.half.of_mut(side) = Told::There(versioned(&scene.link, side, held));
            made(&scene)
        };
        assert!(scoped(A1) && !scoped(B1) && !scoped(r#"{"phone":"1"}"#));
    }
}

#[test]
fn a_new_record_goes_without_what_cannot_be_carried_now() {
    let parent = || {
        two().with(|mapper| {
            mapper.rules[0].kind = crate::mapper::RuleKind::Computed;
            mapper.ops[0] = Op::Partner("parents");
        })
    };
    let rest =
        r#"create right new if Missing: NoPartner, phone (not said) -> "1" by phone (Created); settles 1"#;
    let scene = alone(Side::Left, parent());
    scene.expect(&[rest, "group 0 of the new record waits for the end, to right"]);
    let deferred = scene.decide().deferred.remove(0);
    assert_eq!(deferred.creates, scene.decide().entries[0].action().map(|action| action.id));
    let decided = scene.with(|scene| scene.decided = vec!["parents".into()]);
    decided.expect(&["park left l1 [name] waiting: x: does not map", rest]);
    // What is not known of the source is no reason to ask anybody.
    alone(Side::Left, two())
        .with(|scene| scene.half.left = Told::There(versioned(&scene.link, Side::Left, r#"{"phone":"1"}"#)))
        .expect(&[rest]);
    alone(Side::Left, two()).with(|scene| scene.rests = bits(&[0])).expect(&[rest]);
    let to_left = two().with(|mapper| mapper.rules[0].direction = Direction::To(Side::Left));
    alone(Side::Left, to_left).expect(&[rest]);
}

// Catches: fields of a new record in the order of rules.
#[test]
fn a_new_record_has_its_fields_in_the_order_of_the_shape() {
    let mapper = two().with(|mapper| {
        let names = crate::merge::tests::fixture::computed("names", &["full"], &["first", "last"]);
        mapper.rules = vec![names, copy("phone")];
        mapper.rules[0].fields = Sides::new(vec!["last".into(), "first".into()], vec!["full".into()]);
        mapper.ops[0] = Op::Names;
        // The shape has `first` before `last`, the rule fills `last` before `first`.
        mapper.rules.insert(0, crate::merge::tests::fixture::computed("early", &["first"], &["full"]));
        mapper.ops.insert(0, Op::Names);
        mapper.rules[0].fields = Sides::new(vec!["first".into(), "last".into()], vec!["full".into()]);
        mapper.rules[0].direction = Direction::To(Side::Left);
        mapper.rules[1].when = Sides::new(Condition::Always, Condition::Always);
    });
    let scene = Scene::new(mapper, ["", ""], [r#"{"phone":"1"}"#, r#"{"full":"a b","phone":"1"}"#]);
    let story = scene.half(Side::Left, Told::None).story();
    let place = |field: &str| story[0].find(field).unwrap();
    assert!(place(" first ") < place(" last ") && place(" last ") < place(" phone "), "{story:?}");
}

/// The left record is gone.
fn gone(policy: DeletePolicy) -> Scene {
    gone_on(Side::Left, policy)
}

fn gone_on(side: Side, policy: DeletePolicy) -> Scene {
    let mapper = two().with(|mapper| *mapper.spec.on_delete.of_mut(side) = policy);
    Scene::new(mapper, [A1, A1], [A1, A1]).half(side, Told::Gone)
}

/// The same, and the other record was edited.
fn gone_and_edited(policy: DeletePolicy) -> Scene {
    let scene = gone(policy);
    let edited = versioned(&scene.link, Side::Right, B1);
    scene.half(Side::Right, Told::There(edited))
}

fn blocks() -> Vec<(crate::model::FieldName, Value)> {
    vec![("phone".into(), Value::text("gone"))]
}

fn one_way(scene: Scene, to: Side) -> Scene {
    let on_delete = scene.link.spec().on_delete.clone();
    let on_leave = scene.link.spec().on_leave.clone();
    let scope = scene.link.spec().scope.clone();
    let mapper = two().with(|mapper| {
        (mapper.spec.on_delete, mapper.spec.on_leave, mapper.spec.scope) = (on_delete, on_leave, scope);
        mapper.spec.mode = LinkMode::To(to);
    });
    Scene { link: mapper.link(), ..scene }
}

const EDITED: &str =
    "park right r1 [] edited_and_deleted: deleted on the left side while it was edited on the right side";

// Catches: each policy taken for another one; a delete without a proof, over an edit, or where none is allowed.
#[test]
fn what_a_deletion_means_is_the_policys_to_say() {
    let asks = "park right r1 [] partner_gone: deleted on the left side";
    let deletes = r#"delete (l1 is gone) right r1 if Version(Version("rv")): PartnerGone"#;
    let ended = "EndPair { gone: Sides { left: true, right: false } }";
    let restored = r#"create left new if Missing: Restore, name (not said) -> "a" by name (Created), phone (not said) -> "1" by phone (Created); settles 0 1"#;
    let blocked = r#"update right r1 if Version(Version("rv")): PartnerGone, phone "1" -> "gone" by no rule (Lifecycle)"#;
    gone(DeletePolicy::Park).expect(&[asks]);
    gone(DeletePolicy::Unlink).expect(&[ended]);
    gone(DeletePolicy::Delete).expect(&[deletes]);
    gone(DeletePolicy::Restore).expect(&[restored]);
    gone(DeletePolicy::Set(blocks())).expect(&[blocked]);

    gone_and_edited(DeletePolicy::Park).expect(&[EDITED]);
    gone_and_edited(DeletePolicy::Unlink).expect(&[ended]);
    gone_and_edited(DeletePolicy::Delete).expect(&[EDITED]);
    gone_and_edited(DeletePolicy::Set(blocks())).expect(&[EDITED]);
    let restored = restored.replace(r#""a""#, r#""b""#);
    gone_and_edited(DeletePolicy::Restore).expect(&[&restored]);

    let mut nothing_deleted = gone(DeletePolicy::Delete);
    nothing_deleted.deletes = false;
    nothing_deleted.expect(&[asks]);
    for policy in [DeletePolicy::Delete, DeletePolicy::Set(blocks())] {
        one_way(gone(policy.clone()), Side::Left).expect(&[asks]);
        assert_ne!(one_way(gone(policy), Side::Right).story(), [asks]);
    }
    one_way(gone(DeletePolicy::Restore), Side::Right).expect(&[asks]);
    assert_ne!(one_way(gone(DeletePolicy::Restore), Side::Left).story(), [asks]);
}

#[test]
fn a_deletion_on_the_right_concerns_the_left() {
    gone_on(Side::Right, DeletePolicy::Park)
        .expect(&["park left l1 [] partner_gone: deleted on the right side"]);
    gone_on(Side::Right, DeletePolicy::Delete)
        .expect(&[r#"delete (r1 is gone) left l1 if Version(Version("lv")): PartnerGone"#]);
    gone_on(Side::Right, DeletePolicy::Unlink)
        .expect(&["EndPair { gone: Sides { left: false, right: true } }"]);
}

#[test]
fn what_asks_about_a_deletion_says_what_can_be_done() {
    let remedy = |scene: &Scene| match &scene.decide().entries[0].body {
        crate::plan::Body::Effect(crate::plan::Effect::Park(parked)) => parked.remedy.clone(),
        other => panic!("{other:?}"),
    };
    let mut scene = gone(DeletePolicy::Park);
    assert_eq!(remedy(&scene), "delete its partner too, or unlink the pair");
    scene.deletes = false;
    assert!(remedy(&scene).starts_with("the configuration changed"));
}

// Catches: deletes in the order of creates.
#[test]
fn deletes_run_through_the_links_backwards() {
    let frames: Vec<String> = gone(DeletePolicy::Delete).decide().entries.iter().map(frame).collect();
    assert_eq!(
        frames,
        [r#"delete 3 right r1 0 of customer: l1 r1; since 4 - rv; saw [-] [name="a" phone="1"]"#]
    );
}

// Catches: a lifecycle value that is written again in every run, or a pair that never ends.
#[test]
fn what_a_policy_sets_is_set_once() {
    let set = vec![("phone".into(), Value::text("1"))];
    gone(DeletePolicy::Set(set.clone())).expect(&["EndPair { gone: Sides { left: true, right: false } }"]);
    gone_on(Side::Right, DeletePolicy::Set(set.clone()))
        .expect(&["EndPair { gone: Sides { left: false, right: true } }"]);
    let some = vec![("phone".into(), Value::text("1")), ("name".into(), Value::text("x"))];
    gone(DeletePolicy::Set(some)).expect(&[
        r#"update right r1 if Version(Version("rv")): PartnerGone, name "a" -> "x" by no rule (Lifecycle)"#,
    ]);
    left(LeavePolicy::Set(set)).expect(&["Freeze { side: Left }"]);
}

/// The left record left the scope.
fn left(policy: LeavePolicy) -> Scene {
    let mapper = in_scope(Side::Left, two()).with(|mapper| mapper.spec.on_leave.left = policy);
    Scene::new(mapper, [A1, A1], [B1, A1])
}

#[test]
fn what_a_record_means_that_left_the_scope_is_the_policys_to_say() {
    let asks = "park right r1 [] left_scope: its partner left the scope on the left side";
    let frozen = "Freeze { side: Left }";
    left(LeavePolicy::Park).expect(&[asks]);
    left(LeavePolicy::Freeze).expect(&[frozen]);
    left(LeavePolicy::Delete)
        .expect(&[r#"delete (left the scope) right r1 if Version(Version("rv")): PartnerLeftScope"#]);
    left(LeavePolicy::Set(blocks())).expect(&[
        r#"update right r1 if Version(Version("rv")): PartnerLeftScope, phone "1" -> "gone" by no rule (Lifecycle)"#,
    ]);
    left(LeavePolicy::Delete).with(|scene| scene.deletes = false).expect(&[asks]);
    for policy in [LeavePolicy::Park, LeavePolicy::Delete, LeavePolicy::Set(blocks())] {
        one_way(left(policy.clone()), Side::Left).expect(&[frozen]);
        left(policy.clone()).pair_with(|pair| pair.status = PairStatus::Frozen(Side::Left)).expect(&[]);
        left(policy.clone()).pair_with(|pair| pair.status = PairStatus::Ended).expect(&[]);
        left(policy).with(|scene| scene.pair = None).expect(&[]);
    }
    let mapper = in_scope(Side::Right, two()).with(|mapper| mapper.spec.on_leave.right = LeavePolicy::Park);
    Scene::new(mapper, [A1, A1], [A1, B1])
        .expect(&["park left l1 [] left_scope: its partner left the scope on the right side"]);
}

#[test]
fn a_record_that_neither_shows_nor_is_proven_gone_is_asked_about() {
    let pair = || Scene::new(two(), [A1, A1], [A1, A1]);
    let asks = "park right r1 [] hidden: its partner l1 cannot be seen on the left side";
    pair().half(Side::Left, Told::Hidden).expect(&[asks]);
    pair()
        .half(Side::Right, Told::Hidden)
        .expect(&["park left l1 [] hidden: its partner r1 cannot be seen on the right side"]);
    pair().half(Side::Left, Told::Hidden).half(Side::Right, Told::Gone).expect(&[asks]);
    pair()
        .half(Side::Left, Told::Gone)
        .half(Side::Right, Told::Hidden)
        .expect(&["park left l1 [] hidden: its partner r1 cannot be seen on the right side"]);
    pair().half(Side::Left, Told::Hidden).with(|scene| scene.pair = None).expect(&[]);
}

// Catches: a pair of which neither record is shown, asked about once for each of them; a question that is open about one
// side, taken for the answer about the other.
#[test]
fn a_pair_of_which_neither_record_is_shown_is_asked_about_once() {
    let neither =
        Scene::new(two(), [A1, A1], [A1, A1]).half(Side::Left, Told::Hidden).half(Side::Right, Told::Hidden);
    neither.clone().expect(&["park right r1 [] hidden: its partner l1 cannot be seen on the left side"]);
    let waits = |scene: Scene| scene.open(parked(ParkedAs::Hidden, &[], "its partner r1 cannot be seen"));
    waits(neither.clone()).expect(&[]);
    assert_eq!(neither.open(parked(ParkedAs::Refused(None), &[], "refused")).story().len(), 1);
    let left = Scene::new(two(), [A1, A1], [A1, A1]).half(Side::Left, Told::Hidden);
    assert_eq!(waits(left).story().len(), 1);
}

// Catches: a pair that ended, or that waits for the word about a merge, asked about again.
#[test]
fn a_pair_that_ended_or_waits_for_a_merge_is_left_alone() {
    let halves = [Told::Gone, Told::Hidden, Told::Merged("s", None)];
    for half in halves {
        let scene = Scene::new(two(), [A1, A1], [A1, A1]).half(Side::Left, half);
        assert_eq!(scene.story().len(), 1);
        scene.clone().pair_with(|pair| pair.status = PairStatus::Ended).expect(&[]);
        scene.clone().with(|scene| scene.pair = None).expect(&[]);
        let merged = ParkedAs::Merged { into: RecordId::text("s") };
        scene.clone().open(parked(merged, &[], "merged")).expect(&[]);
        assert_eq!(scene.clone().open(parked(ParkedAs::Hidden, &[], "hidden")).story().len(), 1);
        assert_eq!(scene.open(conflict(&[], "x")).story().len(), 1);
    }
}

#[test]
fn a_record_that_was_merged_into_one_with_a_partner_is_asked_about() {
    let pair = || Scene::new(two(), [A1, A1], [A1, A1]);
    let remedies = |scene: Scene| -> Vec<String> {
        let effects = scene.decide().entries;
        let remedy = |entry: &crate::plan::Entry| match &entry.body {
            crate::plan::Body::Effect(crate::plan::Effect::Park(parked)) => parked.remedy.clone(),
            other => panic!("{other:?}"),
        };
        effects.iter().map(remedy).collect()
    };
    let merged = pair().half(Side::Left, Told::Merged("s", Some("p")));
    let asks =
        "park right r1 [] merged: its partner was merged into s on the left side, which has the partner p";
    merged.expect(&[asks]);
    assert_eq!(remedies(merged.clone()), ["merge it into p too, or delete it; nothing is deleted by itself"]);
    merged.half(Side::Right, Told::Hidden).expect(&[asks]);
    let lone = pair().half(Side::Right, Told::Merged("s", None));
    let asks = "park left l1 [] merged: its partner was merged into s on the right side, which cannot take its place";
    lone.expect(&[asks]);
    assert_eq!(remedies(lone.clone()), ["delete it too, or unlink the pair; nothing is deleted by itself"]);
    lone.half(Side::Left, Told::Hidden).expect(&[asks]);
}

// Catches: a survivor whose other side cannot be seen taken for a record that is gone, or forgotten.
#[test]
fn a_survivor_whose_partner_cannot_be_seen_is_asked_about() {
    for side in Side::BOTH {
        let scene = Scene::new(two(), [A1, A1], [A1, A1]);
        let mut survivor = versioned(&scene.link, side, A1);
        survivor.id = RecordId::text("s");
        let scene = scene.half(side, Told::Survivor(survivor)).half(side.other(), Told::Hidden);
        let other = side.other();
        let id = if side == Side::Left { "r1" } else { "l1" };
        scene.expect(&[&format!(
            "park {other} {id} [] merged: its partner was merged into s on the {side} side, which cannot take its place"
        )]);
    }
}

#[test]
fn a_pair_of_which_nothing_is_left_ends() {
    let pair = || Scene::new(two(), [A1, A1], [A1, A1]).half(Side::Left, Told::Gone);
    let ended = ["EndPair { gone: Sides { left: true, right: true } }"];
    pair().half(Side::Right, Told::Gone).expect(&ended);
    pair().half(Side::Right, Told::Merged("s", None)).expect(&ended);
    let survivor = versioned(&pair().link, Side::Right, A1);
    pair().half(Side::Right, Told::Survivor(survivor)).expect(&ended);
    pair().half(Side::Right, Told::None).expect(&[]);
    let over = pair().half(Side::Right, Told::Gone).pair_with(|pair| pair.status = PairStatus::Ended);
    over.expect(&[]);
    pair().half(Side::Right, Told::Gone).with(|scene| scene.pair = None).expect(&[]);
}

fn late(contested: bool, creates: Option<ActionId>) -> Deferred {
    Deferred { group: 1, to: Side::Right, creates, contested }
}

fn late_scene() -> Scene {
    let mapper = two().with(|mapper| {
        mapper.rules[1].kind = crate::mapper::RuleKind::Computed;
        mapper.ops[1] = Op::Partner("parents");
    });
    let mut scene = Scene::new(mapper, [A1, A1], [r#"{"name":"a","phone":"2"}"#, A1]);
    let ask = Ask::Partner { link: "parents".into(), side: Side::Left, id: RecordId::text("2") };
    scene.resolved.right.insert(ask, Answer::Paired(RecordId::text("p2")));
    scene
}

// Catches: a late reference that is settled, placed or expected as another entry is.
#[test]
fn a_reference_that_came_late_is_written_by_itself() {
    let scene = late_scene();
    let entry = scene.decide_deferred(&late(false, None)).unwrap();
    assert_eq!(
        told(&entry),
        r#"update right r1 if Version(Version("rv")): LateReference, phone "1" -> "p2" by phone (Changed); settles 1"#
    );
    let saw = r#"saw [name="a" phone="2"] [name="a" phone="1"]"#;
    assert_eq!(
        frame(&entry),
        format!("patch_references 2 right l1 1 of customer: l1 r1; since 4 lv rv; {saw}")
    );
    let mut other = late_scene();
    other.half.left = Told::There(versioned(&other.link, Side::Left, r#"{"name":"b","phone":"2"}"#));
    let other = other.decide_deferred(&late(false, None)).unwrap();
    assert_ne!(other.action().unwrap().id, entry.action().unwrap().id);
}

#[test]
fn a_reference_of_a_record_that_the_plan_makes_follows_it() {
    let makes = ActionId::derive(&[b"makes"]);
    let scene = late_scene().with(|scene| (scene.pair, scene.half.right) = (None, Told::None));
    let entry = scene.decide_deferred(&late(false, Some(makes))).unwrap();
    assert_eq!(
        told(&entry),
        format!(
            r#"update right the record made by {makes} if Anything: LateReference, phone (not said) -> "p2" by phone (Changed); settles 1"#
        )
    );
    assert_eq!(
        frame(&entry),
        r#"patch_references 2 right l1 1 of customer: l1 -; since - lv -; saw [name="a" phone="2"] [-]"#
    );
    let crate::plan::PlannedTarget::CreatedBy(wait) = &entry.action().unwrap().target else { panic!() };
    let own = Ask::Partner { link: "customer".into(), side: Side::Left, id: RecordId::text("l1") };
    assert_eq!(wait.ask, own);
    assert_eq!(scene.decide_deferred(&late(false, None)), None, "nothing says which record it is");
}

#[test]
fn a_reference_that_did_not_come_is_parked_once() {
    let scene = late_scene().with(|scene| scene.resolved.right = crate::mapper::Resolved::new());
    let entry = scene.decide_deferred(&late(false, None)).unwrap();
    assert_eq!(told(&entry), "park left l1 [phone] waiting: x: does not map");
    assert_eq!(
        frame(&entry),
        "state 2 left l1 1001 of customer: l1 r1; since 4 lv rv; saw [-] [-]",
        "beyond the parts of the first decision"
    );
    let again = scene.open(parked(ParkedAs::Waiting, &["phone"], "x: does not map"));
    assert_eq!(again.decide_deferred(&late(false, None)), None);
}

#[test]
fn a_late_reference_sends_nothing_where_it_is_contested_or_there() {
    assert_eq!(late_scene().decide_deferred(&late(true, None)), None);
    let mut there = late_scene();
    there.half.right = Told::There(versioned(&there.link, Side::Right, r#"{"name":"a","phone":"p2"}"#));
    assert_eq!(there.decide_deferred(&late(false, None)), None);
}
