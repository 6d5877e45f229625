//! What compiling a link gives: shapes, groups, forms, digests, and refusals.

use crate::mapper::{ConflictPolicy, Direction, LinkMode, MatchField, MatchLine, Rule};
use crate::merge::{RULES_MAX, diff};
use crate::model::{
    CanonicalForm, Comparison, Condition, ErrorKind, Normaliser, Record, RuleIndex, ScaleBy, Side, Sides,
    Truth, Value,
};

use super::fixture::{TestMapper, computed, copy, pair};

fn names(link: &crate::merge::CompiledLink, side: Side) -> Vec<String> {
    link.shape(side).names().iter().map(|name| name.as_str().to_owned()).collect()
}

fn is(field: &str, value: &str) -> Condition {
    Condition::Compare { field: field.into(), is: Comparison::Equal, value: Value::text(value) }
}

#[test]
fn a_shape_reads_rules_first_then_conditions_then_what_only_matching_needs() {
    let matched =
        MatchField { field: Sides::new("ext".into(), "f0".into()), same_when: CanonicalForm::exact() };
    let mapper = TestMapper::new([
        copy("f0"),
        Rule { when: Sides::new(is("kind", "x"), Condition::Always), ..copy("f1") },
    ])
    .with(|mapper| {
        mapper.spec.scope.left = is("active", "yes");
        mapper.spec.matching = vec![MatchLine { fields: vec![matched] }];
        mapper.spec.forms.left.scales.push(ScaleBy {
            amount: "f1".into(),
            by: "currency".into(),
            scales: [].into(),
            otherwise: 2,
        });
    });
    let link = mapper.link();
    assert_eq!(names(&link, Side::Left), ["f0", "f1", "active", "kind", "currency", "ext"]);
    assert_eq!(names(&link, Side::Right), ["f0", "f1"]);
    assert_eq!((link.watched(Side::Left), link.watched(Side::Right)), (5, 2));
    let row = |text: &str| Record::from_json(text).unwrap().reshaped(link.shape(Side::Left));
    let (a, b) =
        (row(r#"{"f0":"1","active":"yes","ext":"1"}"#), row(r#"{"f0":"1","active":"yes","ext":"2"}"#));
    // Catches: a fingerprint of all that is read, which would look at pairs for a field that decides nothing.
    assert_eq!(link.fingerprint(Side::Left, &a), link.fingerprint(Side::Left, &b));
    let c = row(r#"{"f0":"1","active":"no","ext":"1"}"#);
    assert_ne!(link.fingerprint(Side::Left, &a), link.fingerprint(Side::Left, &c));
    assert_eq!([link.scope(Side::Left, &a), link.scope(Side::Left, &c)], [Truth::In, Truth::Out]);
    assert_eq!(diff(link.forms(Side::Left), &a, &b).iter().collect::<Vec<_>>(), [5]);
}

#[test]
fn a_side_s_forms_and_its_rule_s_equivalence_are_one_form() {
    let rule = Rule { same_when: CanonicalForm::new([Normaliser::Case]), ..copy("f") };
    let link = TestMapper::new([rule]).form(Side::Right, "f", [Normaliser::Trim]).link();
    assert_eq!(link.forms(Side::Left).slot(0).to_string(), "case");
    assert_eq!(link.forms(Side::Right).slot(0).to_string(), "case, trim");
}

// Catches: groups that only look at one side, and chains that are not followed to their end.
#[test]
fn rules_that_share_a_field_on_either_side_are_one_group() {
    let link = TestMapper::new([
        copy("alone"),
        computed("ab", &["a"], &["b"]),
        copy("also alone"),
        computed("cd", &["c"], &["d"]),
        computed("ad", &["a"], &["d", "e"]),
    ])
    .link();
    let rules: Vec<Vec<u16>> =
        link.groups().iter().map(|group| group.rules.iter().map(|rule| rule.0).collect()).collect();
    assert_eq!(rules, [vec![0], vec![1, 3, 4], vec![2]]);
    assert_eq!([0, 1, 2, 3, 4].map(|rule| link.group_of(RuleIndex(rule))), [0, 1, 2, 1, 1]);
    assert_eq!(link.groups().iter().map(|group| group.copy).collect::<Vec<_>>(), [true, false, true]);
    let slots = &link.groups()[1].slots;
    assert_eq!((slots.left.clone(), slots.right.clone()), (vec![1, 3], vec![1, 3, 4]));
}

#[test]
fn rules_of_one_group_that_disagree_are_refused_by_name() {
    let one = computed("first", &["a"], &["b"]);
    let other = || computed("second", &["a"], &["c"]);
    let refused = |other: Rule| {
        let error = TestMapper::new([one.clone(), other]).compile().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    let text = refused(Rule { on_conflict: ConflictPolicy::Take(Side::Left), ..other() });
    assert!(text.contains("rules first and second") && text.contains("in a conflict"), "{text}");
    let to = |side| Rule { direction: Direction::To(side), ..other() };
    let text = TestMapper::new([to(Side::Left), to(Side::Right)]).compile().unwrap_err().to_string();
    assert!(text.contains("where values go"), "{text}");
    // One way and both ways: one way.
    let link = TestMapper::new([one.clone(), to(Side::Right)]).link();
    assert_eq!(link.groups()[0].direction, Direction::To(Side::Right));
}

#[test]
fn the_mode_of_a_link_narrows_where_values_go() {
    let link = TestMapper::new([copy("f"), Rule { direction: Direction::To(Side::Left), ..copy("g") }])
        .with(|mapper| mapper.spec.mode = LinkMode::To(Side::Right))
        .link();
    let allowed = |group| (link.allows(group, Side::Left), link.allows(group, Side::Right));
    assert_eq!((allowed(0), allowed(1), allowed(2)), ((false, true), (false, false), (false, false)));
}

#[test]
fn the_digest_covers_whatever_decides() {
    let base = || TestMapper::new([copy("f")]);
    let digest = |mapper: TestMapper| mapper.link().digest();
    let same = digest(base());
    assert_eq!(
        digest(base().with(|mapper| mapper.spec.sweep_every = Some(std::time::Duration::from_secs(1)))),
        same
    );
    let others = [
        base().with(|mapper| mapper.rules[0].digest = [1; 16]),
        base().with(|mapper| mapper.rules[0].on_conflict = ConflictPolicy::Take(Side::Left)),
        base().with(|mapper| mapper.spec.scope.right = is("a", "b")),
        base().with(|mapper| mapper.spec.create.left = false),
        base().form(Side::Left, "f", [Normaliser::Trim]),
    ];
    for other in others {
        assert_ne!(digest(other), same);
    }
}

#[test]
fn a_link_without_rules_compiles_and_judges_nothing() {
    let link = TestMapper::new([]).link();
    assert!(link.groups().is_empty());
    assert!(super::fixture::pair(&link, ["", ""], ["{}", "{}"]).verdict().is_empty());
}

#[test]
fn a_link_has_so_many_rules_and_no_more() {
    let rules = |count: usize| TestMapper::new((0..count).map(|place| copy(&format!("f{place}"))));
    assert_eq!(rules(RULES_MAX).link().groups().len(), RULES_MAX);
    // One more, of fields that are there already: it is the rules that are too many.
    let more = rules(RULES_MAX).with(|mapper| {
        let again = Rule { id: "again".into(), ..copy("f0") };
        mapper.rules.push(again);
        mapper.ops.push(mapper.ops[0].clone());
    });
    let error = more.compile().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    assert!(error.remedy().is_some_and(|remedy| remedy.contains(&RULES_MAX.to_string())), "{error}");
}

// Catches: a field beyond the first word that is not compared, or one that is said to differ in its form.
#[test]
fn two_records_differ_in_the_slots_of_any_number_of_fields() {
    for count in [3, 64, 65, 70] {
        let mapper = TestMapper::new((0..count).map(|place| copy(&format!("f{place}"))));
        let link = mapper.form(Side::Left, "f1", [Normaliser::Case]).link();
        let last = count - 1;
        let row = |one: &str, end: &str| {
            let text = |place| {
                if place == 1 {
                    one
                } else if place == last {
                    end
                } else {
                    "x"
                }
            };
            let fields = (0..count).map(|place| format!(r#""f{place}":"{}""#, text(place)));
            let json = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            Record::from_json(&json).unwrap().reshaped(link.shape(Side::Left))
        };
        let differ = |a: &Record, b: &Record| diff(link.forms(Side::Left), a, b).iter().collect::<Vec<_>>();
        let row_a = row("a", "y");
        assert_eq!(differ(&row_a, &row("a", "y")), [] as [usize; 0]);
        assert_eq!(differ(&row_a, &row("A", "y")), [] as [usize; 0]);
        assert_eq!(differ(&row_a, &row("b", "y")), [1]);
        assert_eq!(differ(&row_a, &row("b", "z")), [1, last]);
    }
}

// Catches: a consistency that is known although nothing was said, or no rule applies.
#[test]
fn whether_two_sides_are_consistent_is_not_known_where_nothing_was_said() {
    let consistent = |mapper: TestMapper, left: &str, right: &str| {
        let link = mapper.link();
        let case = pair(&link, ["", ""], [left, right]);
        case.ask(|case| link.consistent(0, case.current.left, case.current.right, &case.context))
    };
    let (a, b) = (r#"{"f":"a","kind":"y"}"#, r#"{"f":"b","kind":"y"}"#);
    for rule in [copy("f"), computed("f", &["f"], &["f"])] {
        let one = |left: &str, right: &str| consistent(TestMapper::new([rule.clone()]), left, right);
        assert_eq!([one(a, a), one(a, b)], [Some(true), Some(false)]);
        assert_eq!([one(a, "{}"), one("{}", a), one("{}", "{}")], [None; 3]);
        assert_eq!(one(a, r#"{"f":{"unreadable":true}}"#), None);
    }
    let rule = Rule {
        direction: Direction::To(Side::Right),
        when: Sides::new(is("kind", "x"), Condition::Always),
        ..computed("f", &["f"], &["f"])
    };
    assert_eq!(consistent(TestMapper::new([rule]), a, b), None, "the rule does not apply");
}
