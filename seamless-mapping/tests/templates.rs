//! Templates and overlays: what is put together loads, says where each line came from, and is what the operations make of
//! the declarations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::model::FieldKind;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, upgrade};
use seamless_mapping::{LoadOptions, ParameterValues, run_tests};

const V1: &str = include_str!("data/template/sales-erp-1.yaml");
const CUSTOMER: &str = include_str!("data/template/customer.yaml");

fn v1() -> Template {
    Template::read("sales-erp-1.yaml", V1).unwrap_or_else(|found| panic!("{found}"))
}

fn overlay(text: &str) -> Overlay {
    Overlay::read("customer.yaml", text).unwrap_or_else(|found| panic!("{found}"))
}

fn with(changes: &str) -> Overlay {
    overlay(&format!("overlay: o\ntemplate: sales--erp\nversion: 1.0.0\n{changes}"))
}

fn composed(overlays: &[Overlay]) -> Composed {
    compose(&v1(), overlays, &Choices::new()).unwrap_or_else(|found| panic!("{found}"))
}

fn refused(changes: &str) -> String {
    compose(&v1(), &[with(changes)], &Choices::new()).unwrap_err().to_string()
}

fn load(composed: &Composed) {
    let loaded = composed
        .load(&LoadOptions::default())
        .unwrap_or_else(|found| panic!("{found}\n{}", composed.annotated()));
    let report = run_tests(&loaded.mapping);
    assert!(report.passed(), "{report}");
}

#[test]
fn every_combination_of_variants_loads() {
    let template = v1();
    let all = template.combinations(100);
    assert_eq!(all.len(), 4);
    for choices in all {
        load(&compose(&template, &[], &choices).unwrap());
    }
}

#[test]
fn a_customers_overlay_loads_and_every_line_says_where_it_came_from() {
    let composed = composed(&[overlay(CUSTOMER)]);
    load(&composed);
    println!("{}", composed.annotated());
    let sources = [("sales-erp-1.yaml", V1), ("customer.yaml", CUSTOMER)];
    for (line, origin) in composed.text().lines().zip(composed.lines()) {
        let origin = origin.unwrap();
        let (_, source) = sources.iter().find(|(name, _)| *name == origin.file).unwrap();
        let there = source.lines().nth(origin.line - 1).unwrap();
        let first = line.trim_start().trim_start_matches("- ").split([':', ' ', '"']).find(|word| !word.is_empty());
        assert!(there.contains(first.unwrap_or("")) || line.contains("integration"), "{line}\n{there}");
    }
    assert_eq!(composed.lines().len(), composed.text().lines().count());
}

const V2: &str = include_str!("data/template/sales-erp-2.yaml");

fn v2() -> Template {
    Template::read("sales-erp-2.yaml", V2).unwrap_or_else(|found| panic!("{found}"))
}

/// The new version gives `telephone1` another name, drops `fax`, has a line `6 <-> 14D` as the customer does, a line
/// `7 <-> 45D` where the customer has `7 <-> 90D`, and `Belgium <-> BE`; it changes the rule of the home page, which the
/// customer left out, and has a link and a rule more.
#[test]
fn a_customers_overlay_survives_an_upgrade_that_renames_drops_and_adds() {
    // By hand, from what both changed.
    let conflicts = [
        ("customers / paymenttermscode=Payment Terms Code / options", "added 7 <-> 45D", "added 7 <-> 90D"),
        (
            "customers / fax=Fax No. / rule",
            "dropped fax <-> Fax No.",
            "fax <-> Fax No. became { fax <-> Fax No.: { note: still in use } }",
        ),
    ];
    let done = upgrade(&v1(), &v2(), &[overlay(CUSTOMER)], &ParameterValues::new()).unwrap();
    let found: Vec<(String, String, String)> = done
        .conflicts
        .iter()
        .map(|conflict| (conflict.name(), conflict.template.to_string(), conflict.customer.to_string()))
        .collect();
    let named: Vec<(&str, &str, &str)> = found.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(named, conflicts);
    assert!(done.refused.is_none(), "{}", done.refused.unwrap());
    assert_eq!(
        done.notes,
        [
            "customers / paymenttermscode=Payment Terms Code / 6 <-> 14D: the template has the same line now",
            "customers / websiteurl=Home Page: the template changed it, the overlay still leaves it out",
        ]
    );
    let text = &done.overlays[0].text;
    let composed = compose(&v2(), &[overlay(text)], &Choices::new()).unwrap_or_else(|found| panic!("{found}"));
    load(&composed);
    // What is the customer's is in force, and so is what is new.
    let says = |line: &str| composed.text().lines().filter(|said| said.trim_start() == line).count();
    for line in [
        "- id: plants",
        "- id: contracts",
        "- id: regions",
        "erp: \"'K' + accountnumber\"",
        "- 7 <-> 90D",
        "- 6 <-> 14D",
        "- Switzerland <-> CH",
        "- Belgium <-> BE",
        "- fax <-> Fax No.:",
        "note: still in use",
        "default: ADATUM",
        "on_conflict: take_crm",
        "- mainphone <-> Phone No.:",
        "id: telephone1=Phone No.",
        "- id: currencies",
        "- emailaddress1 <-> E-Mail: { same_when: email }",
    ] {
        assert!(says(line) >= 1, "{line}\n{}", composed.text());
    }
    assert_eq!(says("- 7 <-> 45D") + says("- websiteurl <-> Home Page"), 0, "{}", composed.text());
    // Comments stay with what they stand above.
    for comment in CUSTOMER.lines().filter_map(|line| Some(line.get(line.find("# ")?..)?)) {
        assert!(text.contains(comment), "{comment}\n{text}");
    }
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| *line == "# Ours are longer.").unwrap();
    assert_eq!(lines[at + 1], "- fax <-> Fax No.:");
    // Everything that did not have to change stands as it stood.
    let changed = |line: &&&str| !CUSTOMER.lines().any(|before| before == **line);
    let new: Vec<&str> = text.lines().collect();
    let new: Vec<&&str> = new.iter().filter(changed).collect();
    assert!(new.len() <= 7, "{new:#?}");
}
