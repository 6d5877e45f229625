//! The template of Business Central through what happens to it at a customer: the account loses its inline addresses, and a
//! new version comes out under an overlay.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cronus;

use std::collections::{BTreeMap, BTreeSet};

use seamless_core::mapper::Mapper;
use seamless_core::model::{
    Decimal, Entity, EntityName, Field, FieldKind, FieldName, Schema, Shape, Sides, Slot, Truth, Value,
    ValueRef, record,
};
use seamless_mapping::fit::{Expected, What};
use seamless_mapping::notation::declarations;
use seamless_mapping::snapshot::read_schema;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, shipped, upgrade};
use seamless_mapping::{
    Closures, CompileOptions, CustomRefusal, FitInput, FitReport, Functions, Gravity, LoadOptions, fit,
    run_tests,
};

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
    template(&format!("{before}{changed}{after}").replace("version: 0.4.0", "version: 0.5.0"))
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

/// An overlay that has records made says what state they begin in, and by which actions they leave it.
const MAKES: &str = r#"
overlay: makes
template: dynamics365-sales--business-central
version: 0.4.0
variants: { orders: released }
links:
  items:
    set:
      create: { crm: true, erp: false }
      actions:
        crm:
          publish: { field: statecode, from: [2, 3], to: 0 }
          retire: { field: statecode, from: 0, to: 1 }
          activate: { field: statecode, from: 1, to: 0 }
      starts: { crm: { statecode: 2 } }
  invoices:
    set:
      create: { crm: true, erp: false }
      actions:
        crm:
          pay: { field: statecode, from: 0, to: 2 }
          cancel: { field: statecode, from: 0, to: 3 }
      starts: { crm: { statecode: 0 } }
  released-orders:
    set:
      create: { crm: true, erp: false }
      actions:
        crm:
          submit: { field: statecode, from: 0, to: 1 }
      starts: { crm: { statecode: 0 } }
    tests:
      - name: an order that is made is submitted, in the list of its currency or in that of the house
        to: crm
        record: { No.: "1001", Posting Description: Order 1001, Doc. No. Occurrence: 1, Currency Code: "", "Sales Lines": [] }
        partners: {}
        expect: { name: Order 1001, statecode: 1, pricelevelid: { reference: [pricelevel, pl1] } }
"#;

// Catches: a state that is sent with a new record, where the system makes every record in its first state; a product that
// is active before it has a price.
#[test]
fn an_overlay_that_makes_records_says_by_which_actions_they_come_to_their_states() {
    let (crm, erp) = (dataverse(inline()), read("business_central.json", BUSINESS_CENTRAL));
    let compile = CompileOptions { schemas: Some(Sides::new(&crm, &erp)), ..CompileOptions::default() };
    let loaded = composed(&template(text()), &[overlay(MAKES)])
        .load(&LoadOptions { parameters: company(), compile })
        .unwrap_or_else(|found| panic!("{found}"));
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
    let order: Vec<String> = loaded.mapping.mappers().iter().map(|link| link.link().id.to_string()).collect();
    let place = |id: &str| order.iter().position(|known| known == id).unwrap();
    assert!(place("items") < place("item-prices"), "{order:?}");
    for (link, starts, steps) in [("items", 2, 3), ("invoices", 0, 2), ("released-orders", 0, 1)] {
        let link = loaded.mapping.link(link).unwrap();
        let actions = &link.link().actions.left;
        assert_eq!(actions.start("statecode"), Some(&Value::Int(starts)), "{}", link.link().id);
        assert_eq!(actions.steps.len(), steps, "{}", link.link().id);
    }
}

/// The one piece of code that is a function: it knows what stands in a table that refers to the currency.
fn rates() -> Functions {
    let rates = BTreeMap::from([("USD", "0.92"), ("CHF", "1.04")]);
    let rate = move |values: &[ValueRef<'_>]| {
        let code = values.first().and_then(|code| code.as_text()).unwrap_or_default();
        let rate = rates.get(code).and_then(|rate| rate.parse::<Decimal>().ok());
        rate.map(|rate| vec![Value::Decimal(rate)]).ok_or_else(|| CustomRefusal {
            message: format!("{code} has no exchange rate"),
            remedy: "enter one for today or earlier".to_owned(),
        })
    };
    Functions::new().rule("exchange_rate", Closures::new("1").to_left(rate))
}

#[test]
fn the_exchange_rate_of_a_new_currency_is_what_a_function_of_the_host_says() {
    const RATES: &str = r#"
overlay: rates
template: dynamics365-sales--business-central
version: 0.4.0
links:
  currencies:
    set: { create: { crm: true, erp: false } }
    add:
      - exchangerate <- Code: { custom: exchange_rate }
    tests:
      - name: a new currency has a rate and the precision of the organisation
        to: crm
        record: { Code: USD, Symbol: $, Description: US dollar }
        expect: { isocurrencycode: USD, exchangerate: { decimal: "0.92" }, currencyprecision: 2 }
      - name: without a rate a person is asked
        to: crm
        record: { Code: JPY, Symbol: "", Description: Yen }
        expect: { exchangerate: park, currencysymbol: JPY }
"#;
    let composed = composed(&template(text()), &[overlay(RATES)]);
    let compile = CompileOptions { functions: rates(), ..CompileOptions::default() };
    let loaded = composed
        .load(&LoadOptions { parameters: company(), compile })
        .unwrap_or_else(|found| panic!("{found}"));
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
    // A host that does not have it is told so, and not at night.
    let refused =
        composed.load(&LoadOptions { parameters: company(), ..LoadOptions::default() }).unwrap_err();
    assert!(refused.to_string().contains("no function is called exchange_rate"), "{refused}");
}

// Catches: a group of a resource that is taken for that of the item of the same number, which the names alone tell.
#[test]
fn groups_of_items_and_of_resources_are_told_apart_by_their_names() {
    let groups = Choices::from([("units".to_owned(), "groups".to_owned())]);
    let composed = compose(&template(text()), &[], &groups).unwrap_or_else(|found| panic!("{found}"));
    let loaded = composed
        .load(&LoadOptions { parameters: company(), ..LoadOptions::default() })
        .unwrap_or_else(|found| panic!("{found}"));
    let scoped = |link: &str, field: &str, name: &str| {
        let shape = Shape::new([FieldName::from(field)]).unwrap();
        let group = record(&shape, [(field.into(), Slot::Value(Value::text(name)))]).unwrap();
        loaded.mapping.link(link).unwrap().link().scope.left.holds(&group) == Truth::In
    };
    for (name, of_item, of_resource) in [
        ("ITEM 1000 UOM GR", true, false),
        ("ITEM  UOM GR", true, false),
        ("RESOURCE 1000 UOM GR", false, true),
        ("NAV PCS", false, false),
        ("ITEMS", false, false),
        ("Default Unit", false, false),
    ] {
        for (link, field) in [("item-groups", "name"), ("item-units", "group.name")] {
            assert_eq!(scoped(link, field, name), of_item, "{link}: {name}");
        }
        for (link, field) in [("resource-groups", "name"), ("resource-units", "group.name")] {
            assert_eq!(scoped(link, field, name), of_resource, "{link}: {name}");
        }
    }
}
