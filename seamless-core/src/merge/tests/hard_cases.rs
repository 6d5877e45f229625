//! Cases that broke real products, as far as judging one pair decides them. Each is a link, what was, what is, and
//! what must be said; every check also asserts that the sweep finds nothing else.

use crate::mapper::{ConflictPolicy, Direction, DriftPolicy, FirstLinkPolicy, Rule};
use crate::merge::{
    AgreeReason, CarryReason, CompiledLink, ConflictReason, Judgement, KeyedLine, LineJudgement, conflict,
    merge_keyed, merged,
};
use crate::model::{CanonicalForm, Normaliser, ScaleBy, Side, Sides, Slot, Timestamp, Value};

use super::fixture::{Op, TestMapper, computed, copy, pair};

const SETTLED: Judgement = Judgement::Settled;
const SAME: Judgement = Judgement::Agree(AgreeReason::SameChange);
const THERE: Judgement = Judgement::Agree(AgreeReason::AlreadyThere);
const TO_LEFT: Judgement = Judgement::Carry { to: Side::Left, why: CarryReason::Changed };
const TO_RIGHT: Judgement = Judgement::Carry { to: Side::Right, why: CarryReason::Changed };
const BOTH: Judgement = Judgement::Conflict(ConflictReason::BothChanged);

fn check(link: &CompiledLink, base: [&str; 2], current: [&str; 2], expected: &[Judgement]) {
    let mut case = pair(link, base, current);
    assert_eq!(case.judgements(), expected, "{base:?} -> {current:?}");
    case.check_all = true;
    assert_eq!(case.judgements(), expected, "the sweep of {base:?} -> {current:?}");
}

fn one(form: impl IntoIterator<Item = Normaliser>) -> std::sync::Arc<CompiledLink> {
    TestMapper::new([copy("f")]).form(Side::Right, "f", form).link()
}

// Catches: one shared base, or a comparison in the left's form alone.
#[test]
fn h01_the_short_form_of_a_side_that_truncates_never_flows_back() {
    let link = one([Normaliser::Truncated(5)]);
    let base = [r#"{"f":"abcdefgh"}"#, r#"{"f":"abcde"}"#];
    check(&link, base, base, &[SETTLED]);
    check(&link, base, [r#"{"f":"abcdefXX"}"#, r#"{"f":"abcde"}"#], &[THERE]);
    check(&link, base, [r#"{"f":"abXdefgh"}"#, r#"{"f":"abcde"}"#], &[TO_RIGHT]);
    check(&link, base, [r#"{"f":"abcdefgh"}"#, r#"{"f":"abcX"}"#], &[TO_LEFT]);
}

#[test]
fn h02_a_rounded_number_is_written_once() {
    let link = one([Normaliser::Scale(2)]);
    let (fine, rounded) = (r#"{"f":{"decimal":"25.875"}}"#, r#"{"f":{"decimal":"25.88"}}"#);
    check(&link, [fine, rounded], [fine, rounded], &[SETTLED]);
    check(&link, ["", ""], [fine, rounded], &[Judgement::Agree(AgreeReason::FirstLink)]);
    let mut case = pair(&link, [r#"{"f":{"decimal":"1"}}"#; 2], [fine, r#"{"f":{"decimal":"1"}}"#]);
    case.apply();
    assert_eq!(case.held(Side::Right, "f"), "25.88");
    assert_eq!(case.held(Side::Left, "f"), "25.875");
    assert!(case.verdict().is_quiet());
}

// Catches: "raw equal, therefore canonically equal" when the currency of the row moved.
#[test]
fn h03_an_amount_means_something_else_when_its_currency_changes() {
    let scale = || ScaleBy {
        amount: "amount".into(),
        by: "currency".into(),
        scales: [("JPY".to_owned(), 0)].into(),
        otherwise: 2,
    };
    for amount in [copy("amount"), computed("amount", &["amount"], &["amount"])] {
        let link = TestMapper::new([amount, copy("currency")])
            .with(|mapper| mapper.spec.forms.right.scales.push(scale()))
            .with(|mapper| mapper.spec.forms.left.scales.push(scale()))
            .link();
        check_amounts(&link);
    }
}

// Catches: a currency that counts only where both sides' forms look at it.
#[test]
fn h03_one_side_that_rounds_by_currency_is_enough() {
    for side in Side::BOTH {
        let scale = ScaleBy {
            amount: "amount".into(),
            by: "currency".into(),
            scales: [("JPY".to_owned(), 0)].into(),
            otherwise: 2,
        };
        let link = TestMapper::new([copy("amount"), copy("currency")])
            .with(|mapper| mapper.spec.forms.of_mut(side).scales.push(scale))
            .link();
        let row = |amount: &str, currency: &str| {
            format!(r#"{{"amount":{{"decimal":"{amount}"}},"currency":"{currency}"}}"#)
        };
        let (fine, yen) = (row("100.4", "JPY"), row("100", "JPY"));
        check(&link, [&fine, &yen], [&fine, &yen], &[SETTLED, SETTLED]);
        let apart = [row("100.4", "EUR"), row("100", "EUR")];
        let mut case = pair(&link, [&apart[0], &apart[1]], [&apart[0], &apart[1]]);
        case.check_all = true;
        assert_eq!(case.judgements(), [Judgement::Diverged, SETTLED], "{side}");
    }
}

fn check_amounts(link: &CompiledLink) {
    let row = |amount: &str, currency: &str| {
        format!(r#"{{"amount":{{"decimal":"{amount}"}},"currency":"{currency}"}}"#)
    };
    let (fine, yen, euro) = (row("100.4", "JPY"), row("100", "JPY"), row("100.4", "EUR"));
    check(link, [&fine, &yen], [&fine, &yen], &[SETTLED, SETTLED]);
    // The same number in another currency: it goes over together with the currency, although the right, still in
    // yen, would call both the same.
    check(link, [&fine, &yen], [&euro, &yen], &[TO_RIGHT, TO_RIGHT]);
    check(link, [&fine, &yen], [&euro, &row("100", "EUR")], &[TO_RIGHT, SAME]);
    // While it is open what the currency is, the amount waits with it.
    check(link, [&fine, &yen], [&euro, &row("100", "USD")], &[BOTH, BOTH]);
    let mut case = pair(link, [&fine, &yen], [&euro, &yen]);
    case.apply();
    case.check_all = true;
    assert!(case.verdict().is_quiet());
}

#[test]
fn h05_h07_h08_what_a_system_does_to_a_text_is_no_edit() {
    for (form, left, right) in [
        (Normaliser::Case, "abc", "ABC"),
        (Normaliser::Unicode, "e\u{301}", "\u{e9}"),
        (Normaliser::Trim, "abc", "abc "),
    ] {
        let json = |text: &str| format!(r#"{{"f":"{text}"}}"#);
        check(&one([form]), [&json(left), &json(left)], [&json(left), &json(right)], &[SETTLED]);
        let kept = [json(left), json(right)];
        check(&one([]), [&kept[0], &kept[0]], [&kept[0], &kept[1]], &[TO_LEFT]);
    }
}

#[test]
fn h10_h13_empty_is_nothing_only_where_that_is_declared() {
    let (nothing, empty, zero) = (r#"{"f":null}"#, r#"{"f":""}"#, r#"{"f":0}"#);
    check(&one([Normaliser::EmptyIsNull]), [nothing, nothing], [nothing, empty], &[SETTLED]);
    check(&one([]), [nothing, nothing], [nothing, empty], &[TO_LEFT]);
    check(&one([Normaliser::ZeroIsNull]), [nothing, nothing], [nothing, zero], &[SETTLED]);
}

#[test]
fn h11_a_field_that_is_not_sent_is_not_cleared() {
    check(&one([]), [r#"{"f":"a"}"#; 2], ["{}", r#"{"f":"a"}"#], &[Judgement::Unknown(Side::Left)]);
    check(&one([]), [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#, "{}"], &[Judgement::Unknown(Side::Right)]);
}

// Catches: null treated as nothing to say.
#[test]
fn h12_a_clear_is_an_edit_that_is_carried_and_can_conflict() {
    let base = [r#"{"f":"a"}"#; 2];
    check(&one([]), base, [r#"{"f":null}"#, r#"{"f":"a"}"#], &[TO_RIGHT]);
    check(&one([]), base, [r#"{"f":null}"#, r#"{"f":"b"}"#], &[BOTH]);
    check(&one([]), base, [r#"{"f":null}"#, r#"{"f":null}"#], &[SAME]);
}

#[test]
fn h17_what_may_not_be_read_stays_and_its_neighbours_go_on() {
    let link = TestMapper::new([copy("a"), copy("b")]).link();
    let base = [r#"{"a":"1","b":"1"}"#; 2];
    let hidden = r#"{"a":{"unreadable":true},"b":"2"}"#;
    check(&link, base, [hidden, base[1]], &[Judgement::Unknown(Side::Left), TO_RIGHT]);
    // A base that could not be read is none; once it can be read the values are compared.
    let rule = Rule { first_link: FirstLinkPolicy::FillBlanks, ..copy("a") };
    let link = TestMapper::new([rule, copy("b")]).link();
    let differs = r#"{"a":"2","b":"1"}"#;
    let first = Judgement::Conflict(ConflictReason::FirstLink);
    check(&link, [r#"{"a":{"unreadable":true},"b":"1"}"#, base[1]], [differs, base[1]], &[first, SETTLED]);
}

#[test]
fn h52_h108_records_joined_without_bases_conflict_field_by_field() {
    let fill = |field: &str| Rule { first_link: FirstLinkPolicy::FillBlanks, ..copy(field) };
    let link = TestMapper::new(["same", "differs", "blank"].map(fill)).link();
    let left = r#"{"same":"x","differs":"1","blank":""}"#;
    let right = r#"{"same":"x","differs":"2","blank":"filled"}"#;
    let expected = [
        Judgement::Agree(AgreeReason::FirstLink),
        Judgement::Conflict(ConflictReason::FirstLink),
        Judgement::Carry { to: Side::Left, why: CarryReason::FirstLinkFill },
    ];
    check(&link, ["", ""], [left, right], &expected);
    // One half of the bases is no base.
    check(&link, [left, ""], [left, right], &expected);
}

#[test]
fn h78_a_reference_that_waits_is_carried_once_it_can_be() {
    let rule =
        Rule { first_link: FirstLinkPolicy::FillBlanks, ..computed("parent", &["parent"], &["parent"]) };
    let link = TestMapper::new([rule]).with(|mapper| mapper.ops = vec![Op::Waits]).link();
    let (none, some) = (r#"{"parent":null}"#, r#"{"parent":"p1"}"#);
    let fill = Judgement::Carry { to: Side::Right, why: CarryReason::FirstLinkFill };
    check(&link, ["", ""], [some, none], &[fill]);
    let case = pair(&link, ["", ""], [some, none]);
    let error = case.ask(|case| {
        let (left, right) = (case.current.left, case.current.right);
        link.carry_group(0, Side::Left, left, right, &case.context.right).unwrap_err()
    });
    assert!(matches!(error.problem, crate::mapper::MapProblem::Waiting(_)));
    // That it cannot be known is not reported as a divergence.
    check(&link, [some, none], [some, none], &[SETTLED]);
}

// Catches: taking the first counterpart of a value where the one that is held fits too.
#[test]
fn h91_a_value_that_fits_already_is_not_replaced_by_its_representative() {
    let pairs: &[(&str, &str)] = &[("lead", "open"), ("prospect", "open"), ("won", "closed")];
    let link = TestMapper::new([computed("status", &["status"], &["status"])])
        .with(|mapper| mapper.ops = vec![Op::Options(pairs)])
        .link();
    let row = |status: &str| format!(r#"{{"status":"{status}"}}"#);
    let (lead, prospect, won, open, closed) =
        (row("lead"), row("prospect"), row("won"), row("open"), row("closed"));
    check(&link, [&prospect, &open], [&prospect, &open], &[SETTLED]);
    check(&link, [&prospect, &open], [&lead, &open], &[THERE]);
    check(&link, [&won, &closed], [&won, &open], &[TO_LEFT]);
}

#[test]
fn h85_h92_sets_merge_member_by_member_in_the_way_each_side_writes_them() {
    let rule = Rule {
        on_conflict: ConflictPolicy::Merge,
        same_when: CanonicalForm::new([Normaliser::Set, Normaliser::Case]),
        ..copy("tags")
    };
    let link = TestMapper::new([rule]).link();
    let base = [r#"{"tags":"a;b;c"}"#, r#"{"tags":{"set":["A","B","C"]}}"#];
    // Order and case mean nothing.
    check(&link, base, [r#"{"tags":"c; b;A"}"#, base[1]], &[SETTLED]);
    // The left took a away and put d in, the right took b away and put e in.
    let mut case = pair(&link, base, [r#"{"tags":"b;c;d"}"#, r#"{"tags":{"set":["A","C","E"]}}"#]);
    assert_eq!(case.judgements(), [Judgement::Merge]);
    let found = case.ask(|case| merged(case, 0)).unwrap();
    let text = Value::text("c;d;E");
    let set = Value::Set(crate::model::SetValue::new(["C", "E", "d"].map(Value::text)));
    assert_eq!(found.write, Sides::new(Some(text), Some(set)));
    case.apply();
    case.check_all = true;
    assert!(case.verdict().is_quiet());
    // Taking the last member away leaves an empty set, not nothing said.
    let case = pair(&link, [r#"{"tags":"a"}"#; 2], [r#"{"tags":null}"#, r#"{"tags":"a;b"}"#]);
    let found = case.ask(|case| merged(case, 0)).unwrap();
    assert_eq!(found.write, Sides::new(Some(Value::text("b")), Some(Value::text("b"))));
    // A text that no form calls a set is atomic.
    let link = TestMapper::new([Rule { on_conflict: ConflictPolicy::Merge, ..copy("tags") }]).link();
    check(&link, [r#"{"tags":"a"}"#; 2], [r#"{"tags":"b"}"#, r#"{"tags":"c"}"#], &[BOTH]);
}

#[test]
fn h84_lines_that_share_a_key_are_one_atomic_unit() {
    type Line = (Option<u8>, &'static str);
    let merge = |base: [&[Line]; 2], current: [&[Line]; 2]| {
        let lines = merge_keyed(
            Sides::new(base[0], base[1]),
            Sides::new(current[0], current[1]),
            |line| line.0,
            |a, b| a.1 == b.1,
        );
        lines.into_iter().map(|KeyedLine { key, judgement }| (key, judgement)).collect::<Vec<_>>()
    };
    let line = |key: u8, text: &'static str| (Some(key), text);
    let (to_left, to_right) =
        (LineJudgement::Carry { to: Side::Left }, LineJudgement::Carry { to: Side::Right });
    // Each side edits a line of its own; the left removes one; both add the same one.
    let base = [line(1, "x"), line(2, "y"), line(3, "z")];
    let left = [line(1, "X"), line(2, "y"), line(4, "n")];
    let right = [line(2, "Y"), line(1, "x"), line(3, "z"), line(4, "n")];
    let expected =
        [(Some(1), to_right), (Some(2), to_left), (Some(3), to_right), (Some(4), LineJudgement::Agree)];
    assert_eq!(merge([&base, &base], [&left, &right]), expected);
    // An edit of a line that the other side removed.
    let found = merge([&[line(1, "x")], &[line(1, "x")]], [&[], &[line(1, "X")]]);
    assert_eq!(found, [(Some(1), LineJudgement::Conflict)]);
    // Two lines with one key: an edit of either is an edit of both, and two such edits conflict.
    let twice = [line(7, "x"), line(7, "y"), line(8, "k")];
    let found = merge(
        [&twice, &twice],
        [&[line(7, "X"), line(7, "y"), line(8, "k")], &[line(7, "x"), line(7, "Y"), line(8, "K")]],
    );
    assert_eq!(found, [(Some(7), LineJudgement::Conflict), (Some(8), to_left)]);
    // Lines without a key likewise, beside those that have one.
    let found = merge([&[(None, "x")], &[(None, "x")]], [&[(None, "x"), (None, "y")], &[(None, "x")]]);
    assert_eq!(found, [(None, to_right)]);
}

// The case of the incumbent: fax edited in one system, home page in the other.
#[test]
fn h100_edits_of_different_fields_merge_without_conflict() {
    let link = TestMapper::new([copy("fax"), copy("page")]).link();
    let base = [r#"{"fax":"1","page":"p"}"#; 2];
    check(&link, base, [r#"{"fax":"2","page":"p"}"#, r#"{"fax":"1","page":"q"}"#], &[TO_RIGHT, TO_LEFT]);
}

#[test]
fn h101_the_same_edit_on_both_sides_is_adopted_without_a_write() {
    check(&one([]), [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#; 2], &[SAME]);
    check(&one([Normaliser::Case]), [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#, r#"{"f":"B"}"#], &[SAME]);
}

// I18. Catches: a sweep that trusts equal bases.
#[test]
fn h102_sides_that_differ_although_neither_changed_are_reported_as_diverged() {
    let sides = [r#"{"f":"a"}"#, r#"{"f":"b"}"#];
    let link = one([]);
    let mut case = pair(&link, sides, sides);
    assert!(case.verdict().is_quiet());
    case.check_all = true;
    assert_eq!(case.judgements(), [Judgement::Diverged]);
}

#[test]
fn h102_a_computed_rule_is_swept_too() {
    let link = TestMapper::new([computed("name", &["first", "last"], &["name"])])
        .with(|mapper| mapper.ops = vec![Op::Names])
        .link();
    let (left, right, other) =
        (r#"{"first":"Ann","last":"Li"}"#, r#"{"name":"Ann Li"}"#, r#"{"name":"Bo Li"}"#);
    check(&link, [left, right], [left, right], &[SETTLED]);
    let mut case = pair(&link, [left, other], [left, other]);
    case.check_all = true;
    assert_eq!(case.judgements(), [Judgement::Diverged]);
    // Two fields of one group, one edited on each side, are one conflict; a change that is there already is none.
    check(&link, [left, right], [r#"{"first":"Ann","last":"Ho"}"#, other], &[BOTH]);
    check(&link, [left, right], [r#"{"first":"Bo","last":"Li"}"#, other], &[SAME]);
    check(&link, [left, right], [r#"{"first":"Bo","last":"Li"}"#, right], &[TO_RIGHT]);
}

#[test]
fn h104_the_target_of_a_one_way_rule_that_was_edited_follows_its_policy() {
    let judge = |on_drift: DriftPolicy| {
        let rule = Rule { direction: Direction::To(Side::Right), on_drift, ..copy("f") };
        let link = TestMapper::new([rule]).link();
        let mut case = pair(&link, [r#"{"f":"a"}"#; 2], [r#"{"f":"a"}"#, r#"{"f":"b"}"#]);
        let first = case.judgements()[0];
        case.apply();
        case.check_all = true;
        (first, case.judgements()[0], case.held(Side::Right, "f"))
    };
    let restored = Judgement::Carry { to: Side::Right, why: CarryReason::Restored };
    let kept = Judgement::Kept(crate::merge::KeptReason::Drift);
    let drift = Judgement::Conflict(ConflictReason::Drift);
    assert_eq!(judge(DriftPolicy::Keep), (kept, SETTLED, "\"b\"".to_owned()));
    assert_eq!(judge(DriftPolicy::Restore), (restored, SETTLED, "\"a\"".to_owned()));
    assert_eq!(judge(DriftPolicy::Park), (drift, drift, "\"b\"".to_owned()));
}

#[test]
fn a_conflict_shows_what_each_side_held_and_holds() {
    let link = one([]);
    let case = pair(&link, [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#, r#"{"f":null}"#]);
    let found = case.ask(|case| conflict(case, 0));
    let slot = |value: Value| vec![Slot::Value(value)];
    assert_eq!(found.left().base, Some(slot(Value::text("a"))));
    assert_eq!(
        (&found.left().current, &found.right().current),
        (&slot(Value::text("b")), &slot(Value::Null))
    );
}

#[test]
fn a_custom_policy_decides_or_parks() {
    let judge = |custom: Option<Side>| {
        let rule = Rule { on_conflict: ConflictPolicy::Custom("choose".to_owned()), ..copy("f") };
        let link = TestMapper::new([rule]).with(|mapper| mapper.custom = custom).link();
        pair(&link, [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#, r#"{"f":"c"}"#]).judgements()[0]
    };
    let took = |to: Side| Judgement::Carry { to, why: CarryReason::CustomTook };
    assert_eq!(judge(Some(Side::Left)), took(Side::Right));
    assert_eq!(judge(Some(Side::Right)), took(Side::Left));
    assert_eq!(judge(None), BOTH);
}

#[test]
fn a_custom_policy_decides_a_group_whose_rules_all_choose_the_same_side() {
    let policy = || ConflictPolicy::Custom("choose".to_owned());
    let rules = [
        Rule { on_conflict: policy(), ..copy("f") },
        Rule { on_conflict: policy(), ..computed("f to g", &["f"], &["g"]) },
    ];
    let link = TestMapper::new(rules).with(|mapper| mapper.custom = Some(Side::Left)).link();
    let judged =
        pair(&link, [r#"{"f":"a"}"#, r#"{"f":"a","g":"a"}"#], [r#"{"f":"b"}"#, r#"{"f":"c","g":"c"}"#]);
    assert_eq!(judged.judgements(), [Judgement::Carry { to: Side::Right, why: CarryReason::CustomTook }]);
}

#[test]
fn the_newest_wins_only_where_more_lies_between_than_the_clocks_may_be_apart() {
    let skew = std::time::Duration::from_secs(5);
    let rule = Rule { on_conflict: ConflictPolicy::Newest { skew }, ..copy("f") };
    let link = TestMapper::new([rule]).link();
    let judge = |left: i64, right: i64| {
        let mut case = pair(&link, [r#"{"f":"a"}"#; 2], [r#"{"f":"b"}"#, r#"{"f":"c"}"#]);
        case.modified = Sides::new(left, right).map(Timestamp::from_timestamp_millis);
        case.judgements()[0]
    };
    let took = |to: Side| Judgement::Carry { to, why: CarryReason::NewestTook };
    assert_eq!(judge(5000, 0), BOTH);
    assert_eq!(judge(0, 5000), BOTH);
    assert_eq!(judge(5001, 0), took(Side::Right));
    assert_eq!(judge(0, 5001), took(Side::Left));
}

mod keyed_laws {
    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

    use super::{KeyedLine, LineJudgement, Sides, merge_keyed};

    fn list() -> impl Strategy<Value = Vec<(Option<u8>, bool)>> {
        proptest::collection::vec((proptest::option::of(0u8..3), any::<bool>()), 0..5)
    }

    proptest! {
        #[test]
        fn i16_keyed_merge_mirrors(base_left in list(), left in list(), base_right in list(), right in list()) {
            let merge = |base: [&Vec<_>; 2], current: [&Vec<_>; 2]| merge_keyed(
                Sides::new(&base[0][..], &base[1][..]), Sides::new(&current[0][..], &current[1][..]),
                |line: &(Option<u8>, bool)| line.0, |a, b| a.1 == b.1,
            );
            let mirror = |line: KeyedLine<u8>| KeyedLine { judgement: match line.judgement {
                LineJudgement::Carry { to } => LineJudgement::Carry { to: to.other() },
                same => same,
            }, ..line };
            let straight = merge([&base_left, &base_right], [&left, &right]);
            let turned = merge([&base_right, &base_left], [&right, &left]);
            prop_assert_eq!(straight, turned.into_iter().map(mirror).collect::<Vec<_>>());
            let settled = merge([&left, &right], [&left, &right]);
            prop_assert_eq!(settled.iter().all(|line| line.judgement == LineJudgement::Settled), true);
        }
    }
}
