//! Templates and overlays: what is put together loads, says where each line came from, and is what the operations make of
//! the declarations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::model::FieldKind;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose};
use seamless_mapping::{LoadOptions, run_tests};

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
