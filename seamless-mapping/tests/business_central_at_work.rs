//! The template of Business Central through what happens to it at a customer: the account loses its inline addresses, and a
//! new version comes out under an overlay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cronus;

use std::collections::BTreeSet;

use seamless_core::model::{Entity, EntityName, Field, FieldKind, Schema, Sides};
use seamless_mapping::fit::{Expected, What};
use seamless_mapping::notation::declarations;
use seamless_mapping::snapshot::read_schema;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, shipped, upgrade};
use seamless_mapping::{FitInput, FitReport, Gravity, LoadOptions, fit, run_tests};

use cronus::company;

const DATAVERSE: &str = include_str!("data/template/dataverse.json");
const BUSINESS_CENTRAL: &str = include_str!("data/template/business_central.json");
const ACCOUNT: &str = include_str!("data/template/account_inline.json");
const ADATUM: &str = include_str!("data/template/adatum.yaml");

fn text() -> &'static str {
    shipped().iter().find(|one| one.name.starts_with("dynamics365")).unwrap().text
}

fn template(text: &str) -> Template {
    Template::read("template.yaml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn overlay(text: &str) -> Overlay {
    Overlay::read("adatum.yaml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn composed(template: &Template, overlays: &[Overlay]) -> Composed {
    compose(template, overlays, &Choices::new()).unwrap_or_else(|found| panic!("{found}"))
}

fn read(name: &str, text: &str) -> Schema {
    read_schema(name, text).unwrap_or_else(|error| panic!("{error}"))
}

/// The account with its two addresses in numbered fields.
fn inline() -> Entity {
    read("account.json", ACCOUNT).entities.remove(&EntityName::from("account")).unwrap()
}

/// The account whose addresses are records: 48 columns went, one reference came.
fn moved_out() -> Entity {
    let mut account = inline();
    let before = account.fields.len();
    account.fields.retain(|field| {
        !["address1_", "address2_"].iter().any(|begin| field.name.as_str().starts_with(begin))
    });
    assert_eq!(before - account.fields.len(), 48);
    let targets = vec!["customeraddressinline".into()];
    account.fields.push(Field::new("addressid", FieldKind::Reference { targets }));
    account
}

/// Dataverse with this account.
fn dataverse(account: Entity) -> Schema {
    let mut schema = read("dataverse.json", DATAVERSE);
    schema.entities.insert(account.name.clone(), account);
    schema
}

fn fitted(expected: Sides<Expected<'_>>, crm: &Schema) -> FitReport {
    let erp = read("business_central.json", BUSINESS_CENTRAL);
    let text = composed(&template(text()), &[]).text().to_owned();
    let mapping = declarations("m", &text, &company()).unwrap();
    fit(&FitInput { mapping: &mapping, expected, now: Sides::new(crm, &erp), samples: None })
}

/// What breaks, as link and field.
fn broken(report: &FitReport) -> Vec<(String, String)> {
    let errors = report.differences.iter().filter(|one| one.gravity == Gravity::Error);
    errors.map(|one| (one.link.to_string(), one.field.as_ref().unwrap().to_string())).collect()
}

/// The fields of addresses that links of accounts name, read from the text and not by the reader.
fn named() -> Vec<(String, String)> {
    let text = composed(&template(text()), &[]).text().to_owned();
    let mut named = BTreeSet::new();
    for link in text.split("\n  - id: ").skip(1).filter(|link| link.contains("\n    crm: account\n")) {
        let id = link.lines().next().unwrap().to_owned();
        let words = link.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let fields = words.filter(|word| word.starts_with("address1_") || word.starts_with("address2_"));
        named.extend(fields.map(|field| (id.clone(), field.to_owned())));
    }
    named.into_iter().collect()
}

#[test]
fn the_account_that_the_template_was_written_for_fits() {
    let expected = template(text()).expected(&Choices::new());
    let report = fitted(expected.as_ref().map(Expected::Part), &dataverse(inline()));
    assert_eq!(broken(&report), [], "{report:#?}");
}

/// Every mapped field that went is named once for each link, and none that did not; each says which reference stands for it
/// now and what to do. So it is when the former schema is known, and when only the template says what it expects.
#[test]
fn an_account_without_inline_addresses_breaks_exactly_what_was_mapped_of_them() {
    let wanted = named();
    assert_eq!(wanted.iter().filter(|(link, _)| link == "customers").count(), 9, "{wanted:?}");
    let (was, now) = (dataverse(inline()), dataverse(moved_out()));
    let (erp, template) = (read("erp.json", BUSINESS_CENTRAL), template(text()));
    let part = template.expected(&Choices::new());
    for expected in
        [Sides::new(Expected::Whole(&was), Expected::Whole(&erp)), part.as_ref().map(Expected::Part)]
    {
        let report = fitted(expected, &now);
        let found = broken(&report);
        assert_eq!(found.len(), wanted.len(), "{found:?}");
        assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), wanted.iter().cloned().collect());
        for one in report.differences.iter().filter(|one| one.gravity == Gravity::Error) {
            assert!(matches!(&one.what, What::Moved { to, .. } if to.as_str() == "addressid"), "{one:?}");
            for words in
                ["are a record of customeraddressinline now", "give customeraddressinline a link of its own"]
            {
                assert!(one.proposal.contains(words), "{}", one.proposal);
            }
        }
    }
    let report = fitted(Sides::new(Expected::Whole(&was), Expected::Whole(&erp)), &now);
    assert!(report.differences.iter().any(|one| one.proposal.contains("48 fields (address1_*, address2_*)")));
}

/// The next version: the main phone of customers gets another name under its id, their fax is not carried any more, and
/// there are two payment terms more, of which one is what the customer has added and one is not.
fn next() -> Template {
    let text = text();
    let at = text.find("  - id: customers\n").unwrap();
    let (before, rest) = text.split_at(at);
    let (customers, after) = rest.split_at(rest.find("  - id: vendors\n").unwrap());
    let mut changed = customers.to_owned();
    for (was, is) in [
        ("- telephone1 <-> Phone No.\n", "- mainphone <-> Phone No.: { id: telephone1=Phone No. }\n"),
        ("      - fax <-> Fax No.\n", ""),
        ("4 <-> NET60, blank", "4 <-> NET60, 5 <-> 21D, 6 <-> 45D, blank"),
        ("      - websiteurl <-> Home Page\n", "      - websiteurl <-> Home Page: { same_when: case }\n"),
    ] {
        assert_eq!(changed.matches(was).count(), 1, "{was}");
        changed = changed.replace(was, is);
    }
    template(&format!("{before}{changed}{after}").replace("version: 0.3.0", "version: 0.4.0"))
}

#[test]
fn the_overlay_of_a_customer_survives_the_next_version_with_the_conflicts_that_a_person_would_name() {
    let (old, new) = (template(text()), next());
    let before = composed(&old, &[overlay(ADATUM)]);
    let loads = |composed: &Composed| {
        let loaded = composed
            .load(&LoadOptions { parameters: company(), ..LoadOptions::default() })
            .unwrap_or_else(|found| panic!("{found}"));
        let report = run_tests(&loaded.mapping);
        assert!(report.passed(), "{report}");
    };
    loads(&before);
    let done = upgrade(&old, &new, &[overlay(ADATUM)], &company()).unwrap();
    let found: Vec<(String, String, String)> = done
        .conflicts
        .iter()
        .map(|one| (one.name(), one.template.to_string(), one.customer.to_string()))
        .collect();
    // By hand: both gave the option 6 a meaning; the customer still uses the fax.
    let wanted = [
        ("customers / paymenttermscode=Payment Terms Code / options", "added 6 <-> 45D", "added 6 <-> 90D"),
        (
            "customers / fax=Fax No. / rule",
            "dropped fax <-> Fax No.",
            "fax <-> Fax No. became { fax <-> Fax No.: { note: still in use } }",
        ),
    ];
    let named: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(named, wanted);
    assert!(done.refused.is_none(), "{}", done.refused.unwrap());
    let after = composed(&new, &[overlay(&done.overlays[0].text)]);
    loads(&after);
    let says = |text: &str, line: &str| text.lines().any(|said| said.trim_start() == line);
    // The customer's: three tables, the prefix, two terms, the country, the fax, the drift of the phone; and what is new.
    for line in [
        "- id: plants",
        "- id: contracts",
        "- id: regions",
        "erp: \"'K' + accountnumber\"",
        "- 5 <-> 21D",
        "- 6 <-> 90D",
        "- Switzerland <-> CH",
        "note: still in use",
        "- mainphone <-> Phone No.:",
        "on_conflict: take_crm",
    ] {
        assert!(says(after.text(), line), "{line}\n{}", after.text());
    }
    assert!(!says(after.text(), "- 6 <-> 45D"));
    assert!(
        !after.text().contains("websiteurl <-> Home Page: { same_when: case }"),
        "the customer left it out"
    );
}
