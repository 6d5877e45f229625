//! The template between Dataverse with Dynamics 365 Sales and Business Central: complete as its page says, put together for
//! every combination of its switches, and looked at against what both systems have.
//!
//! The two schemas are snapshots of ours with the facts of the fields that the template maps; lines stand in lists of their
//! record, so the number of the document is not one of their fields.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cronus;

use std::collections::{BTreeMap, BTreeSet};

use seamless_core::mapper::{Direction, Mapper};
use seamless_core::model::{Schema, Sides, Value};
use seamless_mapping::declaration::{KindDecl, MappingDecl, RuleDecl};
use seamless_mapping::notation::{declarations, lint_each};
use seamless_mapping::snapshot::read_schema;
use seamless_mapping::template::{Choices, Overlay, Template, compose, shipped};
use seamless_mapping::{
    Companies, CompileOptions, Finding, Gravity, LintOptions, LoadOptions, ParameterValues, lint, run_tests,
};

use cronus::company;

const PAGE: &str = include_str!("../../docs/dynamics365-sales--business-central.md");
const DATAVERSE: &str = include_str!("data/template/dataverse.json");
const BUSINESS_CENTRAL: &str = include_str!("data/template/business_central.json");

fn template() -> Template {
    let one = shipped().iter().find(|one| one.name.starts_with("dynamics365")).unwrap();
    Template::read(one.name, one.text).unwrap_or_else(|found| panic!("{found}"))
}

fn schemas() -> Sides<Schema> {
    let read = |name, text| read_schema(name, text).unwrap_or_else(|error| panic!("{error}"));
    Sides::new(read("dataverse.json", DATAVERSE), read("business_central.json", BUSINESS_CENTRAL))
}

fn choices(given: &[(&str, &str)]) -> Choices {
    given.iter().map(|(variant, choice)| ((*variant).to_owned(), (*choice).to_owned())).collect()
}

/// Everything that the template can carry, as far as choices do not exclude each other.
fn most() -> Choices {
    choices(&[("ownership", "person"), ("orders", "both_ways"), ("optional_fields", "carried")])
}

fn declared(overlays: &[Overlay], choices: &Choices) -> MappingDecl {
    let composed = compose(&template(), overlays, choices).unwrap_or_else(|found| panic!("{found}"));
    declarations("m", composed.text(), &company()).unwrap_or_else(|found| panic!("{found}"))
}

fn linted(declared: &MappingDecl, schemas: &Sides<Schema>) -> Vec<Finding> {
    let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
    lint(declared, &LintOptions { compile, capabilities: None })
}

fn of<'f>(found: &'f [Finding], code: &'f str) -> impl Iterator<Item = &'f Finding> {
    found.iter().filter(move |one| one.code == code)
}

/// Link and rule that a finding speaks of.
fn rule_of<'d>(declared: &'d MappingDecl, found: &Finding) -> (&'d str, &'d RuleDecl) {
    let link = &declared.links[found.place.link.unwrap()];
    let rule = &link.rules[found.place.rule.unwrap()];
    match (&rule.kind, found.place.line) {
        (KindDecl::Lines(lines), Some(line)) => (link.id.as_str(), &lines.rules[line]),
        _ => (link.id.as_str(), rule),
    }
}

/// The links that are there with each answer; written by hand.
#[test]
fn each_switch_brings_and_takes_away_its_links() {
    const ALWAYS: &[&str] = &[
        "companies",
        "contacts",
        "currencies",
        "customers",
        "invoices",
        "items",
        "opportunities",
        "resources",
        "vendors",
    ];
    const WITH: &[(&str, &str, &[&str])] = &[
        ("ownership", "person", &["salespeople"]),
        ("units", "codes", &["item-prices", "resource-prices", "units"]),
        (
            "units",
            "groups",
            &[
                "item-groups",
                "item-unit-prices",
                "item-units",
                "resource-groups",
                "resource-unit-prices",
                "resource-units",
                "unit-groups",
            ],
        ),
        ("terms", "coupled", &["payment-terms", "shipment-methods", "shipping-agents"]),
        ("prices", "lists", &["price-list-lines", "price-lists"]),
        ("prices", "groups", &["price-group-lines", "price-groups"]),
        ("orders", "released", &["released-orders"]),
        ("orders", "both_ways", &["orders"]),
    ];
    let all = template().combinations(100);
    assert_eq!(all.len(), 96, "five switches, one of them with three answers, and the optional fields");
    for choices in all {
        let taken = WITH.iter().filter(|(variant, choice, _)| choices[*variant] == *choice);
        let wanted: BTreeSet<&str> =
            ALWAYS.iter().chain(taken.flat_map(|(_, _, links)| links.iter())).copied().collect();
        let declared = declared(&[], &choices);
        let links: BTreeSet<&str> = declared.links.iter().map(|link| link.id.as_str()).collect();
        assert_eq!(links, wanted, "{choices:?}");
    }
}

/// Every combination is put together, loaded, ordered, tested and looked at: no error, no ring, and only warnings that are
/// known beforehand.
#[test]
fn every_combination_of_the_switches_is_in_order_and_has_nothing_wrong_with_it() {
    // Lengths that differ; names that nothing says to be unique; options that an overlay adds; what only new records get,
    // which an overlay that creates wants; groups of units, which nothing tells apart for sure.
    const KNOWN: &[&str] =
        &["lossy-length", "match-not-unique", "option-unmapped", "never-written", "guarantee-lowered"];
    let (template, schemas) = (template(), schemas());
    for choices in template.combinations(100) {
        let composed = compose(&template, &[], &choices).unwrap();
        let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
        let loaded = composed.load(&LoadOptions { parameters: company(), compile });
        let mapping = loaded.unwrap_or_else(|found| panic!("{choices:?}: {found}")).mapping;
        let report = run_tests(&mapping);
        assert!(report.passed(), "{choices:?}: {report}");
        assert!(mapping.cycles().is_empty(), "{choices:?}: {:?}", mapping.cycles());
        let order: Vec<_> = mapping.mappers().iter().map(|link| link.link().id.clone()).collect();
        for (at, link) in mapping.mappers().iter().enumerate() {
            for needed in &link.link().depends_on {
                let before = order.iter().position(|id| id == needed);
                assert!(before.is_some_and(|before| before < at), "{needed} before {}", link.link().id);
            }
        }
        for one in linted(mapping.declared(), &schemas) {
            let known = one.gravity == Gravity::Note || KNOWN.contains(&one.code);
            assert!(known, "{choices:?}: {one}");
        }
    }
}

/// In the published original 51 rows that go both ways join fields of different lengths. They are all here, and each is
/// named.
#[test]
fn the_51_two_way_rows_of_different_lengths_are_named() {
    let declared = declared(&[], &most());
    let found = linted(&declared, &schemas());
    let mut of_link: BTreeMap<&str, usize> = BTreeMap::new();
    for one in of(&found, "lossy-length") {
        let (link, rule) = rule_of(&declared, one);
        // What a line without a product is called is code in the original, and no row.
        let is_row = rule.stable_id().as_str() != "productdescription=Description";
        if rule.direction == Direction::TwoWay && is_row {
            *of_link.entry(link).or_default() += 1;
        }
    }
    // By hand, from the lengths that both publish.
    let wanted = [
        ("contacts", 15),
        ("customers", 11),
        ("opportunities", 1),
        ("orders", 11),
        ("salespeople", 2),
        ("vendors", 11),
    ];
    assert_eq!(of_link, wanted.into());
    assert_eq!(of_link.values().sum::<usize>(), 51);
}

/// The template has no ring, since people refer to a company that is only coupled. A site that lets them refer to the
/// customer closes the ring of the original; then it is said which reference waits, and which would be lost.
#[test]
fn where_contacts_refer_to_customers_the_reference_that_breaks_the_ring_is_named() {
    let ring = |more: &str| {
        let text = format!(
            "overlay: o\ntemplate: dynamics365-sales--business-central\nversion: 0.4.0\nlinks:\n  companies: disable\n  \
             opportunities: disable\n  contacts:\n    rules:\n      parentcustomerid=Company No.:\n        set: {{ lookup: {{ account: \
             customers, contact: keep }} }}\n{more}"
        );
        let overlay = Overlay::read("o.yaml", &text).unwrap_or_else(|found| panic!("{found}"));
        let declared = declared(&[overlay], &Choices::new());
        let found = linted(&declared, &schemas());
        let named = |code: &str| -> Vec<(String, String)> {
            let rule = |one| {
                let (link, rule) = rule_of(&declared, one);
                (format!("{link} / {}", rule.stable_id()), one.message.clone())
            };
            of(&found, code).map(rule).collect()
        };
        (named("reference-cycle"), named("cycle-loses-reference"))
    };
    let (waits, lost) = ring("");
    let [(rule, message)] = &waits[..] else { panic!("{waits:?}") };
    assert_eq!(rule, "customers / primarycontactid=Primary Contact No.");
    assert!(message.contains("parentcustomerid=Company No. of contacts"), "{message}");
    assert!(lost.is_empty(), "{lost:?}");
    let (_, lost) = ring(
        "  customers:\n    rules:\n      primarycontactid=Primary Contact No.:\n        set: { if_missing: \"null\" }\n",
    );
    assert_eq!(lost.len(), 2, "once for each side: {lost:?}");
    assert!(lost.iter().all(|(rule, _)| rule.starts_with("customers / primarycontactid")), "{lost:?}");
}

/// Payment terms, shipment methods and shipping agents as they are published: a table mapping towards Dataverse each, whose
/// only row goes the same way once, and the other way twice.
#[test]
fn the_two_rows_that_go_against_their_table_mapping_are_named() {
    const PUBLISHED: &str = "
integration: published
sides: { crm: dataverse, erp: business-central }
links:
  - { id: PAYMENT TERMS, crm: account, erp: Payment Terms, mode: to_crm, match: none, create: false, rules: [ { crm: paymenttermscode, erp: Code, flow: to_crm } ] }
  - { id: SHIPMENT METHOD, crm: account, erp: Shipment Method, mode: to_crm, match: none, create: false, rules: [ { crm: address1_freighttermscode, erp: Code, flow: to_erp } ] }
  - { id: SHIPPING AGENT, crm: account, erp: Shipping Agent, mode: to_crm, match: none, create: false, rules: [ { crm: address1_shippingmethodcode, erp: Code, flow: to_erp } ] }
";
    let declared = declarations("published.yaml", PUBLISHED, &ParameterValues::new()).unwrap();
    let found = lint(&declared, &LintOptions::default());
    let named: Vec<&str> = of(&found, "never-written").map(|one| rule_of(&declared, one).0).collect();
    assert_eq!(named, ["SHIPMENT METHOD", "SHIPPING AGENT"], "{found:#?}");
}

/// What the template has under any choice: links, `link / rule` and `link / rule: line`, and how many rules and keys of lines
/// stand under each.
fn there() -> (BTreeSet<String>, BTreeMap<String, usize>) {
    let mut names = BTreeSet::new();
    let mut keys: BTreeMap<String, usize> = BTreeMap::new();
    for choices in template().combinations(100) {
        for link in declared(&[], &choices).links {
            names.insert(link.id.to_string());
            for rule in &link.rules {
                let name = format!("{} / {}", link.id, rule.stable_id());
                // An amount with its currency is two rows in one rule.
                if let KindDecl::Money(_) = &rule.kind {
                    keys.insert(link.id.to_string(), 1);
                }
                if let KindDecl::Lines(lines) = &rule.kind {
                    names.extend(lines.rules.iter().map(|line| format!("{name}: {}", line.stable_id())));
                    keys.insert(name.clone(), lines.key.len());
                }
                names.insert(name);
            }
        }
    }
    let under = |name: &String| {
        let lines = format!("{name}: ");
        let rules = format!("{name} / ");
        let of_lines = names.iter().filter(|one| one.starts_with(&lines)).count();
        let of_link = names.iter().filter(|one| one.starts_with(&rules) && !one.contains(": ")).count();
        (name.clone(), of_lines + of_link + keys.get(name).copied().unwrap_or(0))
    };
    let counts = names.iter().map(under).collect();
    (names, counts)
}

/// The rows of the tables of the page with so many columns, without their heads.
fn rows(columns: usize) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&str> {
        line.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect()
    };
    let rows = PAGE.lines().filter(|line| line.starts_with("| ")).map(cells);
    rows.filter(|row| row.len() == columns).skip(1).collect()
}

#[test]
fn the_page_counts_every_row_of_the_24_table_mappings() {
    let (_, counts) = there();
    let rows = rows(6);
    assert_eq!(rows.len(), 24);
    let number = |text: &str| text.parse::<usize>().unwrap_or_else(|_| panic!("{text}"));
    for row in &rows {
        let link = row[1].trim_matches('`');
        if link.is_empty() {
            continue;
        }
        assert_eq!(counts[link], number(row[3]) + number(row[4]), "{link}");
        assert_eq!(number(row[2]) == number(row[3]), row[5].is_empty(), "{link}");
    }
    let sum = |column: usize| rows.iter().map(|row| number(row[column])).sum::<usize>();
    assert_eq!((sum(2), sum(3)), (230, 216));
    assert!(PAGE.contains("Of 230 rows 216 are said. Nine say"));
    let left = rows.iter().flat_map(|row| row[5].split(", "));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for one in left.filter(|one| !one.is_empty() && !one.contains("options") && *one != "the same") {
        *times.entry(one).or_default() += 1;
    }
    let kinds = ["kind of owner", "kind of company", "kind of customer"].map(|kind| times.remove(kind));
    assert_eq!(kinds, [Some(7), Some(1), Some(1)]);
    let refused = ["number of the product", "currency of a line"].map(|what| times.remove(what));
    assert_eq!(refused, [Some(2), Some(1)]);
    assert_eq!(times.values().sum::<usize>(), 2);
    for (what, times) in times {
        assert!(PAGE.contains(&format!("| {what} | {times} | ")), "{what}");
    }
}

#[test]
fn the_page_classes_each_of_the_83_pieces_of_code_and_names_what_is_there() {
    /// What a row that is not said yet waits for.
    const MISSING: &[&str] = &[
        "actions of a line",
        "associations between records",
        "lines that no line stands for",
        "options that are made",
        "paths from a record that a look-up found",
        "records that are made for a line",
        "values of records that refer to this one",
    ];
    let (names, _) = there();
    let template = template();
    let variants = template.variants().iter().map(|variant| variant.name.as_str());
    let keys = [
        "only_with",
        "states",
        "lifecycle",
        "match",
        "scope",
        "custom",
        "create",
        "write_in_product",
        "actions",
        "paths",
    ];
    let parameters = ["currency_precision"];
    let prerequisites = ["salespeople-in-team"];
    let keys: BTreeSet<&str> = variants.chain(keys).chain(parameters).chain(prerequisites).collect();
    let mut of_mapping: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of_class: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows(4) {
        let [mapping, what, class, ours] = row[..] else { panic!("{row:?}") };
        *of_mapping.entry(mapping).or_default() += 1;
        *of_class.entry(class).or_default() += 1;
        let named_there: Vec<&str> = ours.split('`').skip(1).step_by(2).collect();
        // What is said is said by a rule, a link or a key of it, under exactly this name.
        if class == "notation" {
            assert!(
                named_there.iter().any(|name| names.contains(*name)),
                "{mapping}, {what}: no rule is named"
            );
            for name in named_there.iter().filter(|name| name.contains(" / ")) {
                assert!(names.contains(*name), "{mapping}, {what}: {name}");
            }
        }
        for name in named_there {
            // What an overlay would add is no name of the template.
            let added = class == "function" && name.contains(" <- ");
            let known = added || names.iter().any(|one| one.starts_with(name)) || keys.contains(name);
            assert!(known, "{mapping}, {what}: {name}");
        }
        let named = ours.split([';', ':', ',']).next().unwrap().trim();
        let waits = MISSING.iter().any(|missing| named.starts_with(missing));
        assert_eq!(class == "not yet", waits, "{mapping}, {what}: {ours}");
    }
    let wanted = [
        ("CONTACT", 5),
        ("CURRENCY", 4),
        ("CUSTOMER", 10),
        ("CUSTPRCGRP-PRICE", 2),
        ("ITEM UOM", 2),
        ("ITEM-PRODUCT", 6),
        ("OPPORTUNITY", 2),
        ("PAYMENT TERMS", 3),
        ("PLHEADER-PRICE", 2),
        ("PLLINE-PRODPRICE", 2),
        ("POSTEDSALESINV-INV", 6),
        ("POSTEDSALESLINE-INV", 3),
        ("RESOURCE UOM", 2),
        ("RESOURCE-PRODUCT", 3),
        ("SALESORDER-ORDER", 12),
        ("SALESPEOPLE", 3),
        ("SALESPRC-PRODPRICE", 2),
        ("SHIPMENT METHOD", 1),
        ("SHIPPING AGENT", 1),
        ("SOLINE-ORDERDETAIL", 5),
        ("UNIT GROUP", 2),
        ("UNIT OF MEASURE", 2),
        ("VENDOR", 3),
    ];
    assert_eq!(of_mapping, wanted.into());
    assert_eq!(of_class.values().sum::<usize>(), 83);
    assert_eq!(of_class, [("function", 1), ("none needed", 12), ("not yet", 11), ("notation", 59)].into());
    for (class, count) in of_class {
        let mut word = class.to_owned();
        word[..1].make_ascii_uppercase();
        assert!(PAGE.contains(&format!("*{word}* ({count})")), "{class}");
    }
}

/// Catches: a link of the template that would write records of another company, and a scope that two companies share.
#[test]
fn no_two_companies_claim_a_record_and_every_link_says_whose_it_writes() {
    let mut each = std::collections::BTreeMap::new();
    each.insert("cronus".to_owned(), company());
    let mut other = company();
    other.insert("company_id".to_owned(), Value::text("c2"));
    other.insert("default_price_list".to_owned(), Value::text("pl2"));
    each.insert("adatum".to_owned(), other);
    let companies = Companies { each, ..Companies::default() };
    let schemas = schemas();
    let groups =
        choices(&[("prices", "groups"), ("units", "groups"), ("orders", "released"), ("ownership", "team")]);
    for choices in [most(), groups] {
        let composed = compose(&template(), &[], &choices).unwrap();
        let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
        let options = LintOptions { compile, capabilities: None };
        let found = lint_each("m", composed.text(), &companies, "cronus", &options);
        let of_companies: Vec<String> = found
            .iter()
            .flat_map(seamless_core::document::Diagnostics::iter)
            .filter(|one| one.diagnostic().code.starts_with("company"))
            .map(|one| one.diagnostic().message.clone())
            .collect();
        assert_eq!(of_companies, [""; 0], "{choices:?}");
    }
}

/// What the rules that a company's parameters decide make of records.
#[test]
fn owners_companies_and_local_currencies_are_those_of_the_company() {
    const OVERLAY: &str = r#"
overlay: tried
template: dynamics365-sales--business-central
version: 0.4.0
variants: { ownership: team }
links:
  customers:
    tests:
      - name: a new account is the company's and its team's
        to: crm
        record: { Name: Adatum }
        expect: { bcbi_companyid: { reference: [cdm_company, c1] }, ownerid: { reference: [team, t1] } }
      - name: a customer without a currency is in the local one
        to: crm
        record: { Currency Code: "" }
        current: { transactioncurrencyid: { reference: [transactioncurrency, usd] } }
        expect: { transactioncurrencyid: { reference: [transactioncurrency, eur] } }
      - name: an account in the local currency has a customer without one
        to: erp
        record: { transactioncurrencyid: { reference: [transactioncurrency, eur] } }
        current: { Currency Code: USD }
        expect: { Currency Code: null }
      - name: an account whose currency was cleared is asked about
        to: erp
        record: { transactioncurrencyid: null }
        current: { Currency Code: USD }
        expect: { Currency Code: park }
      - name: the owner of an account that is there stays
        to: crm
        record: { Name: Adatum }
        current: { name: Adatum }
        expect: { ownerid: untouched }
  price-lists:
    tests:
      - name: a list without a currency is in the local one
        to: crm
        record: { Code: P1, Currency Code: "" }
        expect: { transactioncurrencyid: { reference: [transactioncurrency, eur] } }
      - name: a list in another one
        to: crm
        record: { Code: P1, Currency Code: USD }
        partners: { currencies: { USD: usd } }
        expect: { transactioncurrencyid: { reference: [transactioncurrency, usd] } }
  price-list-lines:
    tests:
      - name: a price without a currency is in the local one
        to: crm
        record: { Unit Price: 10.125, Currency Code: "" }
        expect: { amount: 10.125, transactioncurrencyid: { reference: [transactioncurrency, eur] } }
      - name: a price in another one
        to: crm
        record: { Unit Price: 10, Currency Code: USD }
        partners: { currencies: { USD: usd } }
        expect: { amount: 10, transactioncurrencyid: { reference: [transactioncurrency, usd] } }
"#;
    let overlay = Overlay::read("tried.yaml", OVERLAY).unwrap_or_else(|found| panic!("{found}"));
    let composed =
        compose(&template(), &[overlay], &Choices::new()).unwrap_or_else(|found| panic!("{found}"));
    let schemas = schemas();
    let compile = CompileOptions { schemas: Some(schemas.as_ref()), ..CompileOptions::default() };
    let loaded = composed.load(&LoadOptions { parameters: company(), compile });
    let report = run_tests(&loaded.unwrap_or_else(|found| panic!("{found}")).mapping);
    assert!(report.passed(), "{report}");
    // With ownership by team the team must be said.
    let mut nobody = company();
    nobody.remove("owning_team");
    let refused = composed.load(&LoadOptions { parameters: nobody, ..LoadOptions::default() }).unwrap_err();
    assert!(refused.to_string().contains("the key of a record of team is missing"), "{refused}");
}
