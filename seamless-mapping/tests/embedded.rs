//! One row of a list whose values lie in fields of the other side's record: the laws, the merge, the policies, and what a
//! file says of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::Arc;

use proptest::prelude::*;
use seamless_core::mapper::{Draft, MapContext, MapProblem, Mapper, Resolved};
use seamless_core::merge::{Case, CompiledLink, Judgement, Reconciler, ThreeWay};
use seamless_core::model::{
    Bits, EntityName, FieldName, Planned, Record, RuleIndex, Shape, Side, Sides, Slot, Value, record,
};
use seamless_mapping::{LinkMapper, LoadOptions, load};

/// A customer with an address of its own, and one with a table of addresses.
fn file(options: &str) -> String {
    format!(
        "
integration: addresses
sides: {{ crm: a, erp: b }}
links:
  - id: customers
    crm: account
    erp: Customer
    match: none
    rules:
      - street + city <-> Addresses:
          embed: Street + City
          where: Type == billing
{options}"
    )
}

fn mapper(options: &str) -> Arc<LinkMapper> {
    let loaded = load("m", &file(options), &LoadOptions::default());
    loaded.unwrap_or_else(|errors| panic!("{errors}")).mapping.link("customers").unwrap()
}

fn built(fields: &[(&str, Value)]) -> Record {
    let shape = Shape::new(fields.iter().map(|(name, _)| FieldName::from(*name))).unwrap();
    record(&shape, fields.iter().map(|(name, value)| (FieldName::from(*name), Slot::Value(value.clone()))))
        .unwrap()
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::text(text) }
}

fn account(street: &str, city: &str) -> Record {
    built(&[("street", text(street)), ("city", text(city))])
}

/// A row with a number that nobody maps.
fn row(kind: &str, street: &str, city: &str, number: i64) -> Record {
    built(&[("Type", text(kind)), ("Street", text(street)), ("City", text(city)), ("No", Value::Int(number))])
}

fn customer(rows: &[Record]) -> Record {
    built(&[("Addresses", Value::List(rows.iter().cloned().collect()))])
}

fn rows(customer: &Record) -> Vec<Record> {
    match customer.field("Addresses").to_slot() {
        Slot::Value(Value::List(rows)) => rows.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn carried(
    mapper: &LinkMapper,
    from: Side,
    source: &Record,
    target: &Record,
) -> Result<Record, (MapProblem, String)> {
    let entity = EntityName::from("x");
    let cx = MapContext { resolved: &Resolved::new(), target_entity: &entity, creating: false };
    let mut draft = Draft::over(target);
    mapper
        .carry(RuleIndex(0), from, source, &mut draft, &cx)
        .map_err(|error| (error.problem.clone(), error.to_string()))?;
    let planned = draft.into_planned().into_iter().map(|(slot, planned)| match planned {
        Planned::Known(value) => (slot, Slot::Value(value)),
        other => panic!("{other:?}"),
    });
    let planned: Vec<(usize, Slot)> = planned.collect();
    Ok(target.with(planned.iter().map(|(slot, value)| (*slot, value.as_presence()))))
}

#[test]
fn the_row_that_is_meant_is_written_and_every_other_stays() {
    let mapper = mapper("");
    let other = row("shipping", "Pier 1", "Kiel", 7);
    let held = customer(&[other.clone(), row("billing", "Main 1", "Ulm", 8)]);
    let written = carried(&mapper, Side::Left, &account("Main 2", "Ulm"), &held).unwrap();
    assert_eq!(rows(&written), [other.clone(), row("billing", "Main 2", "Ulm", 8)]);
    // A row that is missing is made with what the condition says.
    let written =
        carried(&mapper, Side::Left, &account("Main 2", ""), &customer(std::slice::from_ref(&other)))
            .unwrap();
    let [first, made] = rows(&written).try_into().unwrap();
    assert_eq!(first, other);
    assert_eq!(made.field("Type").to_slot(), Slot::Value(Value::text("billing")));
    assert_eq!(made.field("Street").to_slot(), Slot::Value(Value::text("Main 2")));
    assert!(made.field("No").is_absent());
    let back = carried(&mapper, Side::Right, &held, &account("", "")).unwrap();
    assert_eq!(back, account("Main 1", "Ulm"));
    let none = carried(&mapper, Side::Right, &customer(&[other]), &account("x", "y")).unwrap();
    assert_eq!(none, account("", ""));
}

#[test]
fn blank_fields_leave_delete_or_blank_the_row_as_the_author_says() {
    let held = customer(&[row("shipping", "Pier 1", "Kiel", 7), row("billing", "Main 1", "Ulm", 8)]);
    let blank = account("", "");
    let of = |policy: &str| {
        carried(&mapper(&format!("          if_blank: {policy}\n")), Side::Left, &blank, &held)
    };
    assert_eq!(rows(&of("delete").unwrap()), [row("shipping", "Pier 1", "Kiel", 7)]);
    assert_eq!(rows(&of("blank").unwrap())[1], row("billing", "", "", 8));
    // A rule that does not apply plans nothing.
    assert_eq!(of("leave").unwrap(), held);
    assert_eq!(carried(&mapper(""), Side::Left, &blank, &held).unwrap(), held);
}

#[test]
fn several_rows_that_fit_park_unless_one_of_them_is_named() {
    let held = customer(&[row("billing", "Main 1", "Ulm", 9), row("billing", "Main 2", "Ulm", 8)]);
    let (problem, error) = carried(&mapper(""), Side::Right, &held, &account("", "")).unwrap_err();
    assert_eq!(problem, MapProblem::Unmappable);
    assert!(error.contains("2 rows are Type == \"billing\"") && error.contains("lowest"), "{error}");
    assert!(carried(&mapper(""), Side::Left, &account("x", ""), &held).is_err());
    let lowest = mapper("          several: { lowest: No }\n");
    assert_eq!(carried(&lowest, Side::Right, &held, &account("", "")).unwrap(), account("Main 2", "Ulm"));
    let written = carried(&lowest, Side::Left, &account("Main 3", "Ulm"), &held).unwrap();
    assert_eq!(rows(&written), [row("billing", "Main 1", "Ulm", 9), row("billing", "Main 3", "Ulm", 8)]);
}

#[test]
fn what_cannot_be_seen_of_rows_is_not_decided() {
    let mapper = mapper("");
    let silent = customer(&[built(&[("Street", text("Main 1")), ("City", text("Ulm"))])]);
    let (problem, error) = carried(&mapper, Side::Right, &silent, &account("", "")).unwrap_err();
    assert_eq!(problem, MapProblem::NotKnown, "{error}");
    let shape = Shape::new([FieldName::from("Addresses")]).unwrap();
    let hidden = record(&shape, [(FieldName::from("Addresses"), Slot::Unreadable)]).unwrap();
    let (_, error) = carried(&mapper, Side::Left, &account("x", ""), &hidden).unwrap_err();
    assert!(error.contains("nobody can see"), "{error}");
}

fn verdict(
    mapper: &Arc<LinkMapper>,
    base: Option<(&Record, &Record)>,
    left: &Record,
    right: &Record,
) -> Judgement {
    let link = CompiledLink::compile(Arc::clone(mapper) as Arc<dyn Mapper>).unwrap();
    let nothing = Resolved::new();
    let entity = EntityName::from("x");
    let context = || MapContext { resolved: &nothing, target_entity: &entity, creating: false };
    let rebased = Bits::new();
    let case = Case {
        link: &link,
        base: Sides::new(base.map(|base| base.0), base.map(|base| base.1)),
        current: Sides::new(left, right),
        modified: Sides::new(None, None),
        context: Sides::new(context(), context()),
        check_all: true,
        rebased: &rebased,
    };
    ThreeWay.reconcile(&case).judgement(0)
}

#[test]
fn only_what_the_rule_names_of_the_row_is_an_edit() {
    let mapper = mapper("");
    let other = |city: &str| row("shipping", "Pier 1", city, 7);
    let of = |street: &str, number: i64, city: &str| {
        customer(&[other(city), row("billing", street, "Ulm", number)])
    };
    let (left, right) = (account("Main 1", "Ulm"), of("Main 1", 8, "Kiel"));
    let base = Some((&left, &right));
    let judged = |left: &Record, right: &Record| verdict(&mapper, base, left, right);
    assert_eq!(judged(&left, &of("Main 1", 9, "Bonn")), Judgement::Settled);
    let carry = |judgement: Judgement, side: Side| {
        assert!(matches!(judgement, Judgement::Carry { to, .. } if to == side), "{judgement:?}");
    };
    carry(judged(&account("Main 2", "Ulm"), &of("Main 1", 9, "Bonn")), Side::Right);
    carry(judged(&left, &of("Main 2", 8, "Kiel")), Side::Left);
    carry(judged(&left, &customer(&[other("Kiel")])), Side::Left);
    let both = judged(&account("Main 2", "Ulm"), &of("Main 3", 8, "Kiel"));
    assert!(matches!(both, Judgement::Conflict(_)), "{both:?}");
    let same = judged(&account("Main 2", "Ulm"), &of("Main 2", 8, "Kiel"));
    assert!(matches!(same, Judgement::Agree(_)), "{same:?}");
    // Cleared fields leave the row alone.
    assert_eq!(judged(&account("", ""), &right), Judgement::NotApplied);
}

#[test]
fn when_records_are_joined_a_list_without_the_row_is_filled_and_so_are_blank_fields() {
    let mapper = mapper("");
    let other = row("shipping", "Pier 1", "Kiel", 7);
    let whole = customer(&[other.clone(), row("billing", "Main 1", "Ulm", 8)]);
    for (left, right, to) in [
        (account("Main 1", "Ulm"), customer(std::slice::from_ref(&other)), Side::Right),
        (account("Main 1", "Ulm"), customer(&[other.clone(), row("billing", "", "", 8)]), Side::Right),
        (account("", ""), whole.clone(), Side::Left),
    ] {
        let judgement = verdict(&mapper, None, &left, &right);
        assert!(matches!(judgement, Judgement::Carry { to: side, .. } if side == to), "{judgement:?}");
    }
    let judgement = verdict(&mapper, None, &account("Main 2", "Ulm"), &whole);
    assert!(matches!(judgement, Judgement::Conflict(_)), "{judgement:?}");
    let judgement = verdict(&mapper, None, &account("", ""), &customer(&[other]));
    assert!(matches!(judgement, Judgement::Agree(_)), "{judgement:?}");
}

#[test]
fn the_rules_of_the_row_carry_what_is_not_the_same() {
    let text = file("").replace("street + city", "street + number + land + city").replace(
        "embed: Street + City",
        "embed: Street + Country + City\n          rules:\n            - street + number <-> Street: { join: \" \", split: at_last }\n            - land <-> Country: { options: [ 1 <-> DE, 2 <-> AT, blank <-> blank ] }",
    );
    let mapper = load("m", &text, &LoadOptions::default()).unwrap().mapping.link("customers").unwrap();
    let source = built(&[
        ("street", Value::text("Main")),
        ("number", Value::text("1")),
        ("land", Value::Int(2)),
        ("city", Value::text("Wien")),
    ]);
    let written = carried(&mapper, Side::Left, &source, &customer(&[])).unwrap();
    let [made] = rows(&written).try_into().unwrap();
    assert_eq!(made.field("Street").to_slot(), Slot::Value(Value::text("Main 1")));
    assert_eq!(made.field("Country").to_slot(), Slot::Value(Value::text("AT")));
    assert_eq!(carried(&mapper, Side::Right, &written, &source.with([])).unwrap(), source);
    let unknown = source.with([(2, seamless_core::model::Presence::Value(Value::Int(9).as_ref()))]);
    let (_, error) = carried(&mapper, Side::Left, &unknown, &customer(&[])).unwrap_err();
    assert!(error.starts_with("land: the value 9"), "{error}");
}

fn refused(text: &str) -> String {
    match load("m", text, &LoadOptions::default()) {
        Ok(_) => panic!("it was taken:\n{text}"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn a_file_hears_what_is_wrong_with_the_row() {
    let two_rules = format!(
        "{}      - street2 + city2 <-> Addresses: {{ embed: Street + City, where: Type == shipping }}\n",
        file("")
    );
    for (text, code) in [
        (file("").replace("street + city", "street"), "embed-side"),
        (file("").replace("embed: Street + City", "embed: { crm: Street }"), "embed-fields"),
        (file("").replace("embed: Street + City", "embed: Street"), "embed-width"),
        (file("").replace("          where: Type == billing\n", ""), "embed-where"),
        (file("").replace("Type == billing", "City == Ulm"), "embed-moves"),
        (file("          make: { Street: x }\n"), "embed-moves"),
        (file("").replace("Type == billing", "Type in [billing, main]"), "embed-make"),
        (file("          make: { Type: shipping }\n"), "embed-make"),
        (file("          rules:\n            - nobody <-> Street\n"), "embed-field"),
        (
            file("          rules:\n            - street <-> Street: { on_conflict: take_crm }\n"),
            "lines-policy",
        ),
        (file("          same_when: case\n"), "lines-values"),
        (two_rules, "embed-shared"),
        (file("          if_blank: clear\n"), "unknown-word"),
        (file("          several: first\n"), "unknown-word"),
        (file("").replace("embed: Street + City", "embed: Street +"), "sentence"),
        (
            file("")
                .replace("embed: Street + City\n          where: Type == billing", "where: Type == billing"),
            "misplaced-key",
        ),
    ] {
        let found = refused(&text);
        assert!(found.contains(code), "{code}: {found}");
    }
    // Where the condition does not say it, the author says what such a row holds.
    let text = file("          make: { Type: main }\n").replace("Type == billing", "Type in [billing, main]");
    load("m", &text, &LoadOptions::default()).unwrap();
    let text = file("").replace("Type == billing", "Type in [billing, main]").replace("<->", "<-");
    load("m", &text, &LoadOptions::default()).unwrap();
}

/// The billing row, if there is one, as a model knows it.
type Address = Option<(String, String)>;

fn of_model(address: &Address) -> Record {
    address.as_ref().map_or_else(|| account("", ""), |(street, city)| account(street, city))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// GetPut and PutGet over lists that hold other rows as well, beside a model that knows one address.
    ///
    /// Catches: a value that is lost or put into another row, another row or a field of the row that is touched, a row that
    /// is made twice, a place in the list that moves.
    #[test]
    fn an_embedded_row_comes_back_and_the_rest_of_the_list_stays(
        street in prop_oneof![1 => Just(String::new()), 2 => "[a-z ]{0,3}"],
        city in prop_oneof![1 => Just(String::new()), 2 => "[a-z]{0,3}"],
        held in proptest::option::of(("[a-z]{0,3}", "[a-z]{0,3}")),
        before in proptest::collection::vec(("shipping|private|", "[a-z]{0,2}"), 0..3),
        after in proptest::collection::vec(("shipping|private|", "[a-z]{0,2}"), 0..3),
        policy in prop_oneof![Just("leave"), Just("delete"), Just("blank")],
    ) {
        let mapper = mapper(&format!("          if_blank: {policy}\n"));
        let others = |rows: &[(String, String)], from: i64| -> Vec<Record> {
            rows.iter().zip(from..).map(|((kind, city), no)| row(kind, "s", city, no)).collect()
        };
        let (before, after) = (others(&before, 10), others(&after, 20));
        let middle: Vec<Record> = held.iter().map(|(street, city)| row("billing", street, city, 1)).collect();
        let list = customer(&[before.clone(), middle, after.clone()].concat());
        let source = account(&street, &city);
        let written = carried(&mapper, Side::Left, &source, &list).unwrap();

        let blank = street.is_empty() && city.is_empty();
        let told: Address = match (blank, policy) {
            (false, _) => Some((street.clone(), city.clone())),
            (true, "leave") => held.clone(),
            (true, _) => None,
        };
        let nothing = account("", "");
        prop_assert_eq!(carried(&mapper, Side::Right, &written, &nothing).unwrap(), of_model(&told));
        prop_assert_eq!(carried(&mapper, Side::Left, &source, &written).unwrap(), written.clone());
        let is_billing = |row: &Record| row.field("Type").to_slot() == Slot::Value(Value::text("billing"));
        let (billing, rest): (Vec<Record>, Vec<Record>) = rows(&written).into_iter().partition(is_billing);
        prop_assert_eq!(rest, [before, after].concat());
        let removed = blank && policy == "delete" && held.as_ref().is_some_and(|(a, b)| !a.is_empty() || !b.is_empty());
        let rows_expected = if removed { 0 } else { usize::from(held.is_some() || !blank) };
        prop_assert_eq!(billing.len(), rows_expected);
        if let (Some(_), [row]) = (&held, billing.as_slice()) {
            prop_assert_eq!(row.field("No").to_slot(), Slot::Value(Value::Int(1)));
        }
    }
}
