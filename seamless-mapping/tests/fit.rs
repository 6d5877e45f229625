//! Whether a mapping still fits: every difference that touches it is named, and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod schemas;

use std::collections::BTreeSet;

use proptest::prelude::*;
use seamless_core::model::{FieldName, Schema, Side, Sides};
use seamless_mapping::fit::{Difference, Expected, What};
use seamless_mapping::notation::declarations;
use seamless_mapping::{FitInput, FitReport, Gravity, Mapping, copy, fit};

use schemas::schema;

const WAS: &str = "account: *accountid int, name text(160), fax text(50), address1_line1 text(80), address1_city text(80), \
                   address1_name text(80), address2_city text(80), credit decimal(18;4), since date, owner ref[user|team], \
                   terms option[1=Net_30|4=Net_60|5=Prepaid], zip text(20), memo text(100), kind text(3) !";
const ERP: &str = "Customer: *No. text(20), Name text(100), Fax No. text(30), Address text(100), City text(30), Credit decimal(18;2), \
                   Since date, Salesperson text(20), Terms text(10), Post Code text(20), Memo text(100)";
const MAPPING: &str = "
integration: t
sides: { crm: a, erp: b }
links:
  - id: customers
    crm: account
    erp: Customer
    scope: { crm: not blank(zip) }
    match: [name = Name]
    rules:
      - name <-> Name
      - fax <-> Fax No.
      - address1_line1 <-> Address
      - address1_city <-> City: { id: city }
      - credit <-> Credit: { round: half_up }
      - since -> Since
      - memo -> Memo
      - terms <-> Terms: { options: [ 1 <-> 30D, 4 <-> 60D ] }
";

fn report(now: &str) -> FitReport {
    fitted(MAPPING, Some(&schema(WAS)), &schema(now))
}

fn fitted(mapping: &str, was: Option<&Schema>, now: &Schema) -> FitReport {
    let mapping = declarations("m.yaml", mapping, &Default::default()).unwrap();
    let erp = schema(ERP);
    let was = was.map_or(Expected::Unknown, Expected::Whole);
    fit(&FitInput {
        mapping: &mapping,
        expected: Sides::new(was, Expected::Whole(&erp)),
        now: Sides::new(now, &erp),
        samples: None,
    })
}

fn of<'r>(report: &'r FitReport, field: &str) -> Vec<&'r Difference> {
    let named = |one: &&Difference| one.field.as_ref().is_some_and(|name| name.as_str() == field);
    report.differences.iter().filter(named).collect()
}

fn only<'r>(report: &'r FitReport, field: &str) -> &'r Difference {
    let found = of(report, field);
    assert_eq!(found.len(), 1, "{field} in {report:#?}");
    found[0]
}

#[test]
fn where_nothing_changed_there_is_nothing_to_say() {
    assert_eq!(report(WAS), FitReport::default());
}

#[test]
fn a_field_that_is_called_something_else_is_proposed_with_score_and_evidence_and_keeps_its_id() {
    let report = report(&WAS.replace("credit decimal", "creditlimit decimal"));
    let found = only(&report, "credit");
    let What::Renamed { to, score, evidence } = &found.what else { panic!("{found:?}") };
    assert_eq!(to.as_str(), "creditlimit");
    assert!(*score > 0.8 && evidence.starts_with("names alike"), "{evidence}");
    assert_eq!(found.gravity, Gravity::Error);
    assert_eq!(found.rules, ["credit=Credit".into()]);
    assert_eq!(
        found.proposal,
        "write creditlimit for credit; keep `id: credit=Credit`, so that its bases survive"
    );
    // By its label, where the names have nothing in common.
    let labelled = WAS.replace("fax text(50)", "fax text(50) \"Fax number\"");
    let now = WAS.replace("fax text(50)", "x17 text(50) \"Fax number\"");
    let report = fitted(MAPPING, Some(&schema(&labelled)), &schema(&now));
    assert!(
        matches!(&only(&report, "fax").what, What::Renamed { to, .. } if to.as_str() == "x17"),
        "{report:#?}"
    );
}

/// The case of an account whose inline addresses became records.
#[test]
fn numbered_fields_that_became_a_record_are_named_one_by_one_with_the_way_to_carry_them() {
    let now = WAS
        .replace("address1_line1 text(80), address1_city text(80), ", "")
        .replace("address1_name text(80), address2_city text(80), ", "addressid ref[customeraddress], ");
    let report = report(&now);
    let errors: Vec<&str> = report
        .differences
        .iter()
        .filter(|one| one.gravity == Gravity::Error)
        .map(|one| one.field.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(errors, ["address1_city", "address1_line1"], "{report:#?}");
    let city = only(&report, "address1_city");
    assert!(matches!(&city.what, What::Moved { to, .. } if to.as_str() == "addressid"));
    assert_eq!(city.rules, ["city".into()]);
    assert_eq!(
        city.proposal,
        "4 fields (address1_*, address2_*) are a record of customeraddress now, to which addressid points: give \
         customeraddress a link of its own that carries what these rules carried, choose by a condition which record \
         stands for which of the numbered fields, and carry addressid with a `lookup` through that link; until then take \
         these rules out"
    );
    let extra: Vec<&Difference> = report.differences.iter().filter(|one| one.field.is_none()).collect();
    assert!(matches!(&extra[0].what, What::Extra { fields } if fields == &["addressid".into()]), "{extra:?}");
}

#[test]
fn a_field_that_is_used_to_match_or_by_a_condition_is_missed_as_well() {
    let report = report(&WAS.replace(" zip text(20),", ""));
    let found = only(&report, "zip");
    assert_eq!((&found.what, found.gravity), (&What::Missing, Gravity::Error));
    assert_eq!(found.keys, ["scope"]);
    let none = fitted(MAPPING, Some(&schema(WAS)), &schema("contact: *id int"));
    assert_eq!(none.differences[0].what, What::EntityMissing);
    assert!(!none.fits());
}

#[test]
fn narrower_retyped_required_and_read_only_fields_are_told_apart() {
    let now = WAS
        .replace("name text(160)", "name text(60)")
        .replace("credit decimal(18;4)", "credit decimal(18;2) c")
        .replace("since date", "since text(10)")
        .replace("zip text(20)", "zip text(20), industry text(10) !");
    let report = report(&now);
    assert_eq!(
        (&only(&report, "name").what, only(&report, "name").gravity),
        (&What::Narrower, Gravity::Warning)
    );
    assert_eq!(only(&report, "name").message, "name was text(160), it is text(60): longer values wait");
    let credit: Vec<&What> = of(&report, "credit").into_iter().map(|one| &one.what).collect();
    assert_eq!(credit, [&What::NowReadOnly, &What::Narrower]);
    assert_eq!(only(&report, "since").what, What::Retyped);
    let industry = only(&report, "industry");
    assert_eq!((&industry.what, industry.gravity), (&What::NowRequired, Gravity::Error));
    assert!(industry.proposal.contains("const VALUE -> industry"));
}

#[test]
fn a_target_that_only_gives_may_become_narrower_and_read_only() {
    let report = report(
        &WAS.replace("since date", "since date r")
            .replace("memo text(100)", "memo text(50)")
            .replace("fax text(50)", "fax text(50) !"),
    );
    assert!(of(&report, "memo").is_empty(), "{report:#?}");
    assert!(of(&report, "since").is_empty(), "{report:#?}");
    assert_eq!(only(&report, "fax").gravity, Gravity::Warning);
}

#[test]
fn options_that_came_went_or_are_called_something_else_are_named_by_what_they_do() {
    let options = "option[1=Net_30|4=Net_60|5=Prepaid]";
    let change = |now: &str| report(&WAS.replace(options, now));
    let gone = change("option[4=Net_60|5=Prepaid]");
    let one = only(&gone, "terms");
    assert_eq!((&one.what, one.gravity), (&What::OptionsRemoved, Gravity::Error));
    assert_eq!(one.message, "terms has no longer 1 (Net 30), which rule terms=Terms names");
    assert_eq!(only(&change("option[1=Net_30|4=Net_60]"), "terms").gravity, Gravity::Note);
    assert_eq!(only(&change("option[4=Net_60|5=Prepaid] ~"), "terms").gravity, Gravity::Warning);
    let inactive = change("option[-1=Net_30|4=Net_60|5=Prepaid]");
    assert_eq!(
        (&only(&inactive, "terms").what, only(&inactive, "terms").gravity),
        (&What::OptionsDeactivated, Gravity::Warning)
    );
    let added = change("option[1=Net_30|4=Net_60|5=Prepaid|7=Net_90]");
    assert_eq!(
        only(&added, "terms").message,
        "terms has 7 (Net 90), which it had not: records that hold one wait"
    );
    let called = change("option[1=Net_30_days|4=Net_60|5=Prepaid]");
    assert_eq!(
        (&only(&called, "terms").what, only(&called, "terms").gravity),
        (&What::OptionsRelabelled, Gravity::Note)
    );
}

#[test]
fn what_came_is_compared_with_what_the_other_side_has_and_nobody_carries() {
    let report =
        report(&WAS.replace("zip text(20)", "zip text(20), salesperson_code text(20), colour text(9)"));
    assert!(report.fits());
    let found: Vec<(&str, &str)> =
        report.suggestions.iter().map(|one| (one.field.left.as_str(), one.field.right.as_str())).collect();
    assert_eq!(found, [("salesperson_code", "Salesperson")]);
    assert!(report.suggestions[0].score >= 0.82 && !report.suggestions[0].evidence.is_empty());
    // What nobody knows to be new is suggested whatever it is.
    let erp = schema(ERP);
    let mapping = declarations("m.yaml", MAPPING, &Default::default()).unwrap();
    let now = schema(WAS);
    let unknown = Sides::new(Expected::Unknown, Expected::Unknown);
    let blind =
        fit(&FitInput { mapping: &mapping, expected: unknown, now: Sides::new(&now, &erp), samples: None });
    assert!(blind.suggestions.iter().any(|one| one.field.left.as_str() == "zip"), "{:#?}", blind.suggestions);
    assert!(blind.differences.is_empty(), "{:#?}", blind.differences);
}

#[test]
fn without_the_schemas_that_it_was_written_for_what_is_gone_is_still_named() {
    let now = schema(&WAS.replace("fax text(50), ", "").replace("since date", "since int"));
    let text = MAPPING.replace("- since -> Since", "- since -> Since: { types: { crm: date } }");
    let report = fitted(&text, None, &now);
    assert_eq!(only(&report, "fax").what, What::Missing);
    assert_eq!(only(&report, "since").what, What::Retyped);
}

#[test]
fn lines_of_a_list_are_compared_as_well() {
    let mapping = "
integration: t
sides: { crm: a, erp: b }
links:
  - id: orders
    crm: order
    erp: Order
    match: none
    rules:
      - lines <-> Lines:
          key: no = No.
          rules: [text <-> Text]
";
    let mapping = declarations("m.yaml", mapping, &Default::default()).unwrap();
    let was = schema("order: *id int, lines list[line]\nline: *no int, text text(300)");
    let now = schema("order: *id int, lines list[line]\nline: *no int");
    let erp = schema("Order: *id int, Lines list[Line]\nLine: *No. int, Text text(300)");
    let report = fit(&FitInput {
        mapping: &mapping,
        expected: Sides::new(Expected::Whole(&was), Expected::Whole(&erp)),
        now: Sides::new(&now, &erp),
        samples: None,
    });
    let found = only(&report, "text");
    assert_eq!((&found.what, &found.rules[..]), (&What::Missing, &["lines=Lines: text=Text".into()][..]));
    assert_eq!(found.link, "orders".into());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes and whatever is mapped: the fields that break are those that are mapped and gone, each once.
    #[test]
    fn exactly_the_mapped_fields_that_went_are_named(
        gone in prop::collection::btree_set(0usize..40, 0..40),
        mapped in prop::collection::btree_set(0usize..40, 0..40),
        to_left in any::<bool>(),
        known in any::<bool>(),
    ) {
        // Names of which none is like another.
        let name = |at: usize| format!("{}{}", ["q", "zz", "kk", "w", "yy"][at % 5].repeat(1 + at / 5), (b'a' + (at % 26) as u8) as char);
        let text = |fields: &BTreeSet<usize>| {
            let fields: Vec<String> = fields.iter().map(|at| format!("{} text(9)", name(*at))).collect();
            format!("account: *id int, {}", if fields.is_empty() { "none int".to_owned() } else { fields.join(", ") })
        };
        let all: BTreeSet<usize> = (0..40).collect();
        let left: BTreeSet<usize> = all.difference(&gone).copied().collect();
        let (was, now) = (schema(&text(&all)), schema(&text(&left)));
        let other = schema(&text(&all));
        let mut link = Mapping::builder("l", "r").link("link", "account", "account").match_nothing();
        for at in &mapped {
            let rule = copy(&name(*at), &name(*at));
            link = link.rule(if to_left { rule.to_left() } else { rule });
        }
        let declared = link.done().declare();
        let of = |schema| if known { Expected::Whole(schema) } else { Expected::Unknown };
        let expected = Sides::new(of(&was), of(&other));
        let report = fit(&FitInput { mapping: &declared, expected, now: Sides::new(&now, &other), samples: None });
        let broken: Vec<&FieldName> = report.differences.iter()
            .filter(|one| one.gravity == Gravity::Error && one.side == Side::Left)
            .filter_map(|one| one.field.as_ref()).collect();
        let wanted: BTreeSet<FieldName> = mapped.intersection(&gone).map(|at| name(*at).as_str().into()).collect();
        prop_assert_eq!(broken.len(), wanted.len(), "{:?}", broken);
        prop_assert_eq!(broken.into_iter().cloned().collect::<BTreeSet<_>>(), wanted);
        prop_assert!(report.differences.iter().all(|one| one.side == Side::Left || one.gravity != Gravity::Error));
    }
}
