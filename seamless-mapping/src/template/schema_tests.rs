//! The published schemas and the reference know the keys that the readers know, no more and no fewer.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::keys::{
    CONDITIONAL, EXPECTED_ENTITY, EXPECTED_FIELD, LINK_CHANGE, MOVE, OPTION_CHANGE, OVERLAY, PREREQUISITE,
    RULE_CHANGE, TEMPLATE, VARIANT,
};
use super::{Choices, Overlay, Template, compose};
use crate::LoadOptions;
use crate::notation::keys::{LINK, RULE, RULE_LONG};

const MAPPING_SCHEMA: &str = include_str!("../../../docs/mapping.schema.json");
const TEMPLATE_SCHEMA: &str = include_str!("../../../docs/template.schema.json");
const OVERLAY_SCHEMA: &str = include_str!("../../../docs/overlay.schema.json");
const REFERENCE: &str = include_str!("../../../docs/templates.md");

fn schema(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn check(node: &Json, known: &[&[&str]]) {
    let keys: BTreeSet<&str> = node["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, known.concat().into_iter().collect::<BTreeSet<&str>>(), "{node}");
}

#[test]
fn the_schemas_have_exactly_the_keys_of_the_readers() {
    let template = schema(TEMPLATE_SCHEMA);
    let defs = &template["$defs"];
    check(&template, &[TEMPLATE]);
    check(&defs["variant"], &[VARIANT]);
    check(&defs["prerequisite"], &[PREREQUISITE]);
    check(&defs["expected_entity"], &[EXPECTED_ENTITY]);
    check(&defs["expected_field"], &[EXPECTED_FIELD]);
    check(&defs["link"], &[LINK, CONDITIONAL]);
    check(&defs["rule_options"], &[RULE, CONDITIONAL]);
    check(&defs["rule_long"], &[RULE, RULE_LONG, CONDITIONAL]);
    let overlay = schema(OVERLAY_SCHEMA);
    let defs = &overlay["$defs"];
    let without = |keys: &[&'static str], left_out: &[&str]| -> Vec<&'static str> {
        keys.iter().copied().filter(|key| !left_out.contains(key)).collect()
    };
    check(&overlay, &[OVERLAY]);
    check(&defs["link_change"], &[LINK_CHANGE]);
    check(&defs["rule_change"], &[RULE_CHANGE]);
    check(&defs["option_change"], &[OPTION_CHANGE]);
    check(&defs["move"], &[MOVE]);
    check(&defs["link_set"], &[&without(LINK, &["id", "rules", "tests"])]);
    check(&defs["rule_set"], &[&without(RULE, &["id", "rules"]), &["flow"]]);
}

/// What templates and overlays have in common with mapping files is said in the same words.
#[test]
fn the_parts_of_mapping_files_are_those_of_their_schema() {
    let mapping = schema(MAPPING_SCHEMA);
    for (text, conditional) in [(TEMPLATE_SCHEMA, true), (OVERLAY_SCHEMA, false)] {
        let mut defs = schema(text)["$defs"].clone();
        for name in ["link", "rule_options", "rule_long"].into_iter().filter(|_| conditional) {
            defs[name]["properties"].as_object_mut().unwrap().remove("only_with");
        }
        for (name, of) in mapping["$defs"].as_object().unwrap() {
            assert_eq!(&defs[name], of, "{name}");
        }
    }
}

#[test]
fn the_reference_explains_every_key() {
    let lists = [
        TEMPLATE,
        VARIANT,
        PREREQUISITE,
        EXPECTED_ENTITY,
        EXPECTED_FIELD,
        CONDITIONAL,
        OVERLAY,
        LINK_CHANGE,
        RULE_CHANGE,
        OPTION_CHANGE,
    ];
    for key in lists.concat().into_iter().chain(["after: ID"]) {
        let said = [format!("`{key}`"), format!("`{{ {key} }}`")].iter().any(|form| REFERENCE.contains(form));
        assert!(said, "docs/templates.md does not explain `{key}`");
    }
}

fn block(kind: &str) -> &'static str {
    let (_, rest) = REFERENCE.split_once(&format!("```yaml {kind}\n")).unwrap();
    rest.split("```").next().unwrap()
}

#[test]
fn the_examples_of_the_reference_load_and_pass_their_tests() {
    let template =
        Template::read("crm--erp.yaml", block("template")).unwrap_or_else(|found| panic!("{found}"));
    let overlay = Overlay::read("adatum.yaml", block("overlay")).unwrap_or_else(|found| panic!("{found}"));
    let check = |overlays: &[Overlay], choices: &Choices| {
        let composed = compose(&template, overlays, choices).unwrap_or_else(|found| panic!("{found}"));
        let loaded = composed.load(&LoadOptions::default()).unwrap_or_else(|found| panic!("{found}"));
        let report = crate::run_tests(&loaded.mapping);
        assert!(report.passed(), "{report}");
        composed
    };
    for choices in template.combinations(16) {
        check(&[], &choices);
    }
    let annotated = check(&[overlay], &Choices::new()).annotated();
    let (_, shown) = REFERENCE.split_once("```text\n").unwrap();
    let numbers = |line: &str| line.trim_end().to_owned();
    for line in shown.split("```").next().unwrap().lines() {
        assert!(annotated.lines().any(|said| numbers(said) == numbers(line)), "{line}\n{annotated}");
    }
}
