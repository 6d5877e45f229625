//! A wrong inverse in each kind of rule, and what notices it.
//!
//! Wrong ones cannot be declared of kinds that make their own inverse; here the carrier of such a rule is replaced by one
//! that does something else on the way back.

use std::sync::Arc;

use seamless_core::mapper::Ask;
use seamless_core::model::{Comparison, Condition, EntityName, Planned, Side, Sides, Value, ValueRef};

use super::{Law, RuleLaws, check_rule_laws};
use crate::declaration::{OptionKey, RuleDecl, SplitAt, TypeDecl};
use crate::expression::Expression;
use crate::link_mapper::LinkMapper;
use crate::rules::{Carrier, Cell, Made, Making, Trouble};
use crate::{
    Closures, CompileOptions, Functions, Mapping, both, constant, copy, custom, embed, expression, join,
    lines, lookup, only_right, options,
};

/// What a wrong inverse does to the values that the right one makes.
type Wrong = fn(Vec<Value>) -> Vec<Value>;

/// A carrier that does something wrong on the way to a side.
#[derive(Debug)]
struct Planted {
    inner: Arc<dyn Carrier>,
    to: Side,
    wrong: Wrong,
}

impl Carrier for Planted {
    fn carries(&self, to: Side) -> bool {
        self.inner.carries(to)
    }

    fn lossless(&self) -> bool {
        self.inner.lossless()
    }

    fn wipes_out(&self, to: Side) -> bool {
        self.inner.wipes_out(to)
    }

    fn is_identity(&self) -> bool {
        self.inner.is_identity()
    }

    fn of_lines(&self) -> Option<&LinkMapper> {
        self.inner.of_lines()
    }

    fn pointed_at(&self, side: Side) -> Vec<EntityName> {
        self.inner.pointed_at(side)
    }

    fn ask(&self, to: Side, values: &[ValueRef<'_>], out: &mut Vec<Ask>) {
        self.inner.ask(to, values, out);
    }

    fn make(&self, to: Side, values: &[ValueRef<'_>], cx: &Making<'_>) -> Result<Made, Trouble> {
        let made = self.inner.make(to, values, cx)?;
        if to != self.to {
            return Ok(made);
        }
        let known: Option<Vec<Value>> = made
            .cells()
            .iter()
            .map(|cell| match cell {
                Cell::Set(Planned::Known(value)) => Some(value.clone()),
                _ => None,
            })
            .collect();
        let Some(known) = known else { return Ok(made) };
        Ok(Made::Many((self.wrong)(known).into_iter().map(Cell::known).collect()))
    }
}

fn mapping(rule: &RuleDecl) -> Mapping {
    let shout = Closures::new("1")
        .to_right(|values| Ok(vec![Value::text(&values[0].as_text().unwrap_or("").to_uppercase())]))
        .to_left(|values| Ok(vec![Value::text(&values[0].as_text().unwrap_or("").to_lowercase())]));
    let functions = Functions::new().rule("shout", shout);
    Mapping::builder("l", "r")
        .link("people", "person", "Person")
        .match_nothing()
        .link("link", "L", "R")
        .match_nothing()
        .rule(rule.clone())
        .build_with(&CompileOptions { functions, schemas: None })
        .unwrap()
}

fn tried(rule: &RuleDecl, planted: Option<Wrong>) -> RuleLaws {
    let mapper = mapping(rule).link("link").unwrap();
    let mapper = match planted {
        Some(wrong) => mapper.with_carrier(0, |inner| Arc::new(Planted { inner, to: Side::Left, wrong })),
        None => LinkMapper::clone(&mapper),
    };
    check_rule_laws(&mapper, rule, &[]).unwrap()
}

fn first(values: &[Value]) -> &Value {
    values.first().unwrap()
}

fn longer(values: Vec<Value>) -> Vec<Value> {
    values.iter().map(|value| Value::text(&format!("{}!", value.as_ref().as_text().unwrap_or("")))).collect()
}

fn next(values: Vec<Value>) -> Vec<Value> {
    match first(&values) {
        Value::Int(number) => vec![Value::Int(number.wrapping_add(1))],
        Value::Null => vec![Value::Int(4)],
        other => vec![other.clone()],
    }
}

fn swapped(mut values: Vec<Value>) -> Vec<Value> {
    values.reverse();
    values
}

fn always_a(_: Vec<Value>) -> Vec<Value> {
    vec![Value::text("a")]
}

fn one_off(values: Vec<Value>) -> Vec<Value> {
    match first(&values) {
        Value::Decimal(decimal) => vec![Value::Decimal((decimal.to_string() + "1").parse().unwrap())],
        other => vec![other.clone()],
    }
}

fn without_lines(_: Vec<Value>) -> Vec<Value> {
    vec![Value::List(Arc::default())]
}

fn billing() -> Condition {
    Condition::Compare { field: "kind".into(), is: Comparison::Equal, value: Value::text("billing") }
}

fn parsed(text: &str) -> Expression {
    Expression::parse(text).unwrap()
}

/// Every kind that goes both ways, in a right spelling, and a wrong inverse for it.
fn kinds() -> Vec<(&'static str, RuleDecl, Wrong)> {
    let scale2 = TypeDecl::Decimal { precision: Some(6), scale: Some(2) };
    let holds = |rule: RuleDecl, left, right| rule.holds(Side::Left, left).holds(Side::Right, right);
    let terms =
        [both(1, "30D"), only_right(5, "30D"), both(4, "60D"), both(OptionKey::Blank, OptionKey::Blank)];
    vec![
        ("copy", holds(copy("a", "b"), TypeDecl::TEXT, TypeDecl::TEXT), longer),
        ("a number as text", holds(copy("a", "b"), TypeDecl::TEXT, TypeDecl::Int), longer),
        ("a number of fewer digits", holds(copy("a", "b"), TypeDecl::DECIMAL, scale2), one_off),
        ("a default", copy("a", "b").default_on(Side::Right, "X"), longer),
        ("options", options("a", "b", terms), next),
        ("join", join(["a", "c"], "b", " ").split(SplitAt::Last), swapped),
        ("lookup", holds(lookup("a", "b", "people"), TypeDecl::TEXT, TypeDecl::TEXT), always_a),
        ("lookup of references", lookup("a", "b", "people"), |_| vec![Value::Null]),
        ("expression", expression(["a"], "b", parsed("upper(a)")).back(parsed("lower(b)")), longer),
        ("lines", lines("a", "b", [("no", "No")], [copy("note", "Note")]), without_lines),
        ("embed", embed(["a", "c"], "b", ["street", "city"], billing()), swapped),
        ("custom", custom("shout", ["a"], ["b"]), longer),
    ]
}

#[test]
fn every_kind_of_rule_keeps_its_laws() {
    for (name, rule, _) in kinds() {
        let laws = tried(&rule, None);
        assert!(laws.counter_examples.is_empty(), "{name}: {:#?}", laws.counter_examples);
        assert!(!laws.is_untried(), "{name}: {laws:?}");
    }
    let laws = tried(&constant(Side::Right, "b", "CRM"), None);
    assert!(laws.counter_examples.is_empty() && !laws.is_untried(), "{laws:?}");
}

#[test]
fn a_wrong_inverse_is_caught_in_every_kind_of_rule() {
    for (name, rule, wrong) in kinds() {
        let laws = tried(&rule, Some(wrong));
        let broken: Vec<Law> = laws.counter_examples.iter().map(|example| example.law).collect();
        assert!(broken.contains(&Law::PutGet), "{name}: {broken:?}");
    }
}

/// With memory each side keeps what it has: a wrong inverse is noticed by the law that forgets, and by no other.
#[test]
fn what_remembers_does_not_notice_a_wrong_inverse() {
    for (name, rule, wrong) in kinds().into_iter().filter(|(name, ..)| ["options", "join"].contains(name)) {
        let laws = tried(&rule, Some(wrong));
        let with_memory = laws.counter_examples.iter().filter(|example| example.law == Law::GetPut);
        assert_eq!(with_memory.count(), 0, "{name}");
    }
}

#[test]
fn a_wrong_rule_of_a_line_is_caught_in_its_list_and_by_itself() {
    let wrong = expression(["note"], "Note", parsed("upper(note)")).back(parsed("Note + '!'"));
    let report = crate::check_laws(&mapping(&lines("a", "b", [("no", "No")], [wrong])), &[]);
    let broken = report.rules.iter().filter(|rule| !rule.counter_examples.is_empty());
    assert_eq!(broken.map(|rule| rule.rule.as_str()).collect::<Vec<_>>(), ["a=b", "a=b: note=Note"]);
    let text = report.text(Sides::new("l", "r"));
    assert!(text.contains("l holds a = [{note: \"a\", no: \"a\"}]"), "{text}");
}

#[test]
fn a_counter_example_is_small_and_says_what_happened() {
    let rule = expression(["a"], "b", parsed("round(a * 1.5, 1)"))
        .back(parsed("divide(b, 1.5, 1)"))
        .holds(Side::Left, TypeDecl::DECIMAL)
        .holds(Side::Right, TypeDecl::DECIMAL);
    let laws = tried(&rule, None);
    let example = laws.counter_examples.iter().find(|example| example.law == Law::PutGet).unwrap();
    assert_eq!(
        example.lines(Sides::new("crm", "erp")),
        [
            "broken: what comes back makes the same again",
            "crm holds a = 1.235",
            "erp is made b = 1.9",
            "crm is made a = 1.3",
            "erp is made b = 2.0",
            "erp should be b = 1.9",
        ]
    );
    let many = laws.counter_examples.iter().filter(|one| one.law == Law::PutGet).count();
    assert!(many <= 2 * super::EXAMPLES_MAX, "{many}");
}
