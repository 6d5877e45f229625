//! What a mapping does with a record, in words: that it is what happens, and that it is said plainly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::merge::CompiledLink;
use seamless_core::model::{Side, Sides, Slot, Truth};
use seamless_mapping::declaration::Expected;
use seamless_mapping::explain::{
    Explained, Rests, Subject, Then, Untouched, explain, given_record, partners,
};
use seamless_mapping::notation::{partner_pairs, record_fields};
use seamless_mapping::{LoadOptions, Mapping, Matrix, load, run_tests};

const TEXT: &str = r#"
integration: crm-erp
sides: { crm: dynamics-sales, erp: business-central }
links:
  - id: contacts
    crm: contact
    erp: Contact
    match: none
    mode: couple_only
  - id: customers
    crm: account
    erp: Customer
    scope: { crm: kind == 3 }
    match: [accountnumber = No.]
    rules:
      - name <-> Name: { types: { crm: text, erp: text(6) } }
      - terms <-> Payment Terms: { options: [ 1 <-> 30D, 4 <-> 60D ] }
      - first + last <-> Contact: { join: " ", split: at_last }
      - limit <- Credit Limit
      - const CRM -> Source Code: { only_on: create }
      - vat -> VAT No.: { when: { crm: kind == 4 } }
      - contact <-> Primary Contact: { lookup: contacts, types: { crm: text, erp: text } }
"#;

fn mapping(text: &str) -> Mapping {
    load("m.yaml", text, &LoadOptions::default()).unwrap().mapping
}

fn explained(mapping: &Mapping, link: &str, values: &str, partner: Option<&str>, pairs: &str) -> Explained {
    let mapper = mapping.link(link).unwrap();
    let compiled = CompiledLink::compile(mapper.clone()).unwrap();
    let record = |side: Side, text: &str| {
        given_record(&mapper, side, compiled.shape(side), &record_fields("values", text).unwrap()).unwrap()
    };
    let (source, target) = (record(Side::Left, values), partner.map(|text| record(Side::Right, text)));
    let resolved = partners(Side::Left, &partner_pairs("pairs", pairs).unwrap());
    let declared = mapping.declared().links.iter().find(|declared| declared.id.as_str() == link);
    explain(&Subject {
        link: &compiled,
        declared,
        from: Side::Left,
        source: &source,
        target: target.as_ref(),
        resolved: &resolved,
        entity: None,
    })
}

#[test]
fn every_field_is_said_with_its_rule_and_what_becomes_of_it() {
    let values =
        "{ kind: 3, name: Adatum, terms: 4, first: Anna, last: Berg, limit: 5, vat: X, contact: c1 }";
    let partner = "{ Name: Litwa, Payment Terms: 30D, Contact: Anna Berg, Credit Limit: 7, Source Code: ERP, VAT No.: Y, Primary Contact: K2 }";
    let said = explained(&mapping(TEXT), "customers", values, Some(partner), "{ contacts: { c1: K1 } }");
    assert_eq!(said.scope, Truth::In);
    assert_eq!(
        said.sentences(Sides::new("crm", "erp")),
        [
            "name (\"Adatum\"), copied: Name of erp becomes \"Adatum\", it is \"Litwa\".",
            "terms (4), looked up in a table of 2 lines: Payment Terms of erp becomes \"60D\", it is \"30D\".",
            "first (\"Anna\") and last (\"Berg\"), joined with \" \", taken apart at the last: Contact of erp means the \
             same already (\"Anna Berg\").",
            "contact (\"c1\"), translated through the pairs of contacts: Primary Contact of erp becomes \"K1\", it is \
             \"K2\".",
            "Credit Limit of erp is not touched: the rule limit=Credit Limit goes the other way only.",
            "Source Code of erp is not touched: the rule =Source Code speaks only when a record is created.",
            "VAT No. of erp is not touched: the rule vat=VAT No. does not apply (kind == 4).",
            "No. of erp is not touched: it is only looked at, by matching or a condition.",
        ]
    );
}

#[test]
fn what_waits_is_said_with_the_reason_and_the_remedy() {
    let values =
        "{ kind: 3, name: Fabrikam, terms: 9, first: Anna, last: { unreadable: true }, vat: X, contact: c9 }";
    let said = explained(&mapping(TEXT), "customers", values, None, "{}");
    let sentences = said.sentences(Sides::new("crm", "erp"));
    assert_eq!(
        sentences[0],
        "name (\"Fabrikam\"), copied: it is parked, name: 8 characters, but the other side takes 6; shorten it, or \
         declare `too_long: truncate`."
    );
    assert!(
        sentences[1].contains("it is parked, terms: the value 9 is not in the table"),
        "{}",
        sentences[1]
    );
    assert!(sentences[2].contains("nothing is known, last: the system did not say"), "{}", sentences[2]);
    assert_eq!(sentences[3], "A constant: Source Code of erp becomes \"CRM\".");
    assert!(
        sentences[4].contains("it waits, contact: the record that it refers to has no partner yet"),
        "{}",
        sentences[4]
    );
    let problems: Vec<_> = said.rules.iter().filter_map(|rule| rule.problem()).collect();
    assert_eq!(problems, ["does_not_fit", "unmappable", "not_known", "waiting"]);
}

#[test]
fn a_record_outside_of_the_scope_is_said_to_be_left_alone() {
    let said = explained(&mapping(TEXT), "customers", "{ kind: 4, name: A, vat: X }", None, "{}");
    assert_eq!(said.scope, Truth::Out);
    assert!(said.sentences(Sides::new("crm", "erp"))[0].starts_with("The record is outside"));
    let unknown = explained(&mapping(TEXT), "customers", "{ name: A }", None, "{}");
    assert!(
        unknown.sentences(Sides::new("crm", "erp"))[0]
            .starts_with("Whether the record takes part cannot be said")
    );
    assert!(
        unknown
            .untouched
            .iter()
            .any(|(_, why)| matches!(why, Untouched::Rests(_, Rests::ConditionUnknown(_))))
    );
}

#[test]
fn a_field_that_the_link_does_not_read_is_refused_with_the_nearest_one() {
    let mapping = mapping(TEXT);
    let mapper = mapping.link("customers").unwrap();
    let compiled = CompiledLink::compile(mapper.clone()).unwrap();
    let fields = record_fields("values", "{ nam: A }").unwrap();
    let refused = given_record(&mapper, Side::Left, compiled.shape(Side::Left), &fields).unwrap_err();
    assert!(refused.starts_with("the link reads no field nam") && refused.contains("name"), "{refused}");
}

/// What is explained is what happens: the tests that stand in a mapping were written by hand.
#[test]
fn an_explanation_says_what_the_tests_of_a_mapping_expect() {
    let mapping = mapping(include_str!("data/customers.yaml"));
    assert!(run_tests(&mapping).passed());
    let mut checked = 0;
    for link in &mapping.declared().links {
        for test in &link.tests {
            let mapper = mapping.link(link.id.as_str()).unwrap();
            let compiled = CompiledLink::compile(mapper.clone()).unwrap();
            let from = test.to.other();
            let record =
                |side: Side, fields| given_record(&mapper, side, compiled.shape(side), fields).unwrap();
            let (source, target) = (record(from, &test.record), record(test.to, &test.current));
            let resolved = partners(from, &test.partners);
            let said = explain(&Subject {
                link: &compiled,
                declared: Some(link),
                from,
                source: &source,
                target: (!test.creating).then_some(&target),
                resolved: &resolved,
                entity: None,
            });
            for (field, expected) in &test.expect {
                checked += 1;
                let of_field = || {
                    said.rules
                        .iter()
                        .flat_map(|rule| rule.written.iter().map(move |target| (rule, target)))
                        .filter(|(_, target)| target.field == *field)
                };
                let becomes = of_field().find_map(|(_, target)| match &target.then {
                    Then::Becomes(Slot::Value(value)) => Some(value.to_string()),
                    _ => None,
                });
                match expected {
                    Expected::Parks => {
                        assert!(of_field().any(|(rule, _)| rule.trouble.is_some()), "{} {field}", test.name)
                    }
                    Expected::Untouched => assert_eq!(becomes, None, "{} {field}", test.name),
                    Expected::Holds(Slot::Value(value)) => {
                        let now = target.field(field.as_str()).value().map(|value| value.to_string());
                        let then = becomes.or(now).unwrap_or_default();
                        let plain = |text: &str| {
                            text.trim_matches('"').trim_end_matches('0').trim_end_matches('.').to_owned()
                        };
                        let wanted = value.to_string();
                        assert!(
                            plain(&then) == plain(&wanted) || then.contains(wanted.trim_matches('"')),
                            "{} {field}: {then} {wanted}",
                            test.name
                        );
                    }
                    Expected::Holds(_) => {}
                }
            }
        }
    }
    assert!(checked > 10, "{checked}");
}

// Catches: a blank that is said to be copied, and a page that does not say that two values became one.
#[test]
fn what_a_blank_reference_means_is_said_of_a_record_and_in_the_matrix() {
    const BLANKS: &str = "
integration: blanks
sides: { crm: a, erp: b }
links:
  - { id: currencies, crm: currency, erp: Currency, mode: couple_only, match: none }
  - id: customers
    crm: account
    erp: Customer
    match: none
    rules:
      - currency <-> Currency Code: { lookup: currencies, types: { erp: text }, if_blank: { crm: { use: eur } } }
      - contact -> Contact: { lookup: currencies, types: { erp: text }, if_blank: keep }
";
    let mapping = mapping(BLANKS);
    let values = "{ currency: { reference: [currency, eur] }, contact: null }";
    let said = explained(&mapping, "customers", values, Some("{ Currency Code: USD, Contact: K1 }"), "{}");
    assert_eq!(
        said.sentences(Sides::new("crm", "erp")),
        [
            "currency (currency eur), translated through the pairs of currencies, \"eur\" standing for blank: Currency Code \
             of erp becomes (nothing), it is \"USD\".",
            "contact ((nothing)), translated through the pairs of currencies, but not where it is blank: Contact of erp means \
             the same already (\"K1\").",
        ]
    );
    let losses: Vec<String> = Matrix::of(&mapping).links[1].rows.iter().map(|row| row.loss.clone()).collect();
    assert!(losses[0].contains("blank and \"eur\" of crm are the same"), "{losses:?}");
    assert!(losses[1].contains("a reference that is cleared stays in erp"), "{losses:?}");
}
