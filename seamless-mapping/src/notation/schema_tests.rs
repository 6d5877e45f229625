//! The published JSON Schema knows the keys and words that the reader knows, no more and no fewer.

use std::collections::BTreeSet;

use seamless_core::model::Value;
use serde_json::Value as Json;

use super::keys::{
    ACTION, COMPARE, FILE, FOR_EACH, FORM_SCALE, LIMITS, LINK, MATCH_LINE, MONEY, OF_COMPANY, OPTION_LINE,
    PARAMETER, RULE, RULE_LONG, TEST,
};
use super::{LoadOptions, load};

const SCHEMA: &str = include_str!("../../../docs/mapping.schema.json");
const REFERENCE: &str = include_str!("../../../docs/mapping.md");

fn schema() -> Json {
    serde_json::from_str(SCHEMA).unwrap()
}

fn keys(node: &Json) -> BTreeSet<String> {
    node["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let schema = schema();
    let defs = &schema["$defs"];
    let long: Vec<&str> = RULE.iter().chain(RULE_LONG).copied().collect();
    let table: [(&Json, &[&str]); 15] = [
        (&schema, FILE),
        (&schema["properties"]["for_each"], FOR_EACH),
        (&defs["of_company"], OF_COMPANY),
        (&defs["parameter"], PARAMETER),
        (&defs["link"], LINK),
        (&defs["action"], ACTION),
        (&defs["match_options"], MATCH_LINE),
        (&defs["limits"], LIMITS),
        (&defs["rule_options"], RULE),
        (&defs["rule_long"], &long),
        (&defs["option_line"], OPTION_LINE),
        (&defs["form_scale"], FORM_SCALE),
        (&defs["money"], MONEY),
        (&defs["compare"], COMPARE),
        (&defs["test"], TEST),
    ];
    for (node, known) in table {
        assert_eq!(keys(node), known.iter().map(|key| (*key).to_owned()).collect(), "{node}");
    }
}

#[test]
fn every_reference_inside_the_schema_leads_somewhere() {
    fn check(root: &Json, node: &Json) {
        match node {
            Json::Object(entries) => {
                if let Some(reference) = entries.get("$ref").and_then(Json::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(root.pointer(pointer).is_some(), "{reference}");
                }
                entries.values().for_each(|value| check(root, value));
            }
            Json::Array(items) => items.iter().for_each(|item| check(root, item)),
            _ => {}
        }
    }
    let schema = schema();
    check(&schema, &schema);
}

/// What the reader says of a rule.
fn finding(rule: &str) -> String {
    let text = format!(
        "integration: i\nsides: {{ l: a, r: b }}\nlinks:\n  - {{ id: x, l: A, r: B, match: none, rules: [ {rule} ] }}"
    );
    load("m", &text, &LoadOptions::default()).map_or_else(|findings| findings.to_string(), |_| String::new())
}

#[test]
fn the_words_of_the_schema_are_words_of_the_reader() {
    let schema = schema();
    let options = &schema["$defs"]["rule_options"]["properties"];
    let mut words = 0;
    for (key, node) in options.as_object().unwrap() {
        let node = node["$ref"]
            .as_str()
            .and_then(|path| schema.pointer(path.strip_prefix('#').unwrap()))
            .unwrap_or(node);
        let Some(known) = node["enum"].as_array() else { continue };
        let beside = match key.as_str() {
            "split" => ", join: x",
            _ => "",
        };
        for word in known {
            let word = word.as_str().unwrap();
            words += 1;
            let found = finding(&format!("'a -> b': {{ {key}: {word}{beside} }}"));
            assert!(!found.contains("unknown-word"), "{key}: {word}: {found}");
        }
        let found = finding(&format!("'a -> b': {{ {key}: nonsense{beside} }}"));
        assert!(found.contains("unknown-word"), "{key}: {found}");
    }
    assert!(words > 8, "{words}");
}

/// What stands for blank means two things, by the kind of the rule.
#[test]
fn the_words_for_what_is_blank_are_those_of_the_kind_that_they_stand_beside() {
    let schema = schema();
    let of_row = &schema["$defs"]["rule_options"]["properties"]["if_blank"]["anyOf"][0]["enum"];
    let of_reference = &schema["$defs"]["if_blank"]["anyOf"][0]["enum"];
    for (known, others, beside) in
        [(of_row, of_reference, "embed: c, where: 'd == 1'"), (of_reference, of_row, "lookup: x")]
    {
        let is_known = |word: &str| {
            !finding(&format!("'a -> b': {{ if_blank: {word}, {beside} }}")).contains("unknown-word")
        };
        let words = |list: &Json| -> Vec<String> {
            list.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        assert!(words(known).iter().all(|word| is_known(word)), "{known}");
        assert!(!words(others).iter().any(|word| is_known(word)), "{others}");
        assert!(words(known).len() >= 2 && !is_known("nonsense"));
    }
    assert!(finding("'a -> b': { if_blank: keep }").contains("has `embed` or `lookup`"));
}

#[test]
fn the_patterns_of_the_schema_name_the_equivalences_and_types_of_the_reader() {
    let schema = schema();
    let pattern = |name: &str| {
        let pattern = schema["$defs"][name]["pattern"].as_str().unwrap();
        let inner = pattern.strip_prefix("^(").unwrap().strip_suffix(")$").unwrap();
        inner.split('|').map(|word| word.split("\\(").next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let names = |words: &[&str]| {
        let plain = words.iter().map(|word| word.trim_matches('"').split('(').next().unwrap().to_owned());
        plain.collect::<BTreeSet<_>>()
    };
    assert_eq!(pattern("normaliser"), names(super::policy::EQUIVALENCES));
    assert_eq!(pattern("type"), names(super::policy::TYPES));
    for word in super::policy::EQUIVALENCES {
        assert_eq!(finding(&format!("'a <-> b': {{ same_when: {word} }}")), "");
    }
}

#[test]
fn the_reference_explains_every_key() {
    for key in [
        FILE,
        FOR_EACH,
        OF_COMPANY,
        PARAMETER,
        LINK,
        MATCH_LINE,
        LIMITS,
        RULE,
        RULE_LONG,
        MONEY,
        COMPARE,
        OPTION_LINE,
        FORM_SCALE,
        TEST,
    ]
    .concat()
    {
        assert!(REFERENCE.contains(&format!("`{key}`")), "docs/mapping.md does not explain `{key}`");
    }
}

/// Every example of the reference: whole files pass their tests, parts load inside a file.
#[test]
fn the_examples_of_the_reference_load() {
    let head = "integration: i\nsides: { crm: a, erp: b }\nlinks:\n  - { id: contacts, crm: c, erp: C, match: none }\n  - \
                { id: salespeople, crm: systemuser, erp: S, match: none, mode: couple_only }\n  - id: x\n    crm: A\n    \
                erp: B\n";
    let indented = |text: &str, by: usize| {
        text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect::<String>()
    };
    let mut examples = 0;
    for block in REFERENCE.split("```yaml").skip(1) {
        let (kind, rest) = block.split_once('\n').unwrap();
        let text = rest.split("```").next().unwrap();
        let file = match kind.trim() {
            "rules" => format!("{head}    match: none\n    rules:\n{}", indented(text, 6)),
            "link" => format!("{head}{}", indented(text, 4)),
            "links" => format!("integration: i\nsides: {{ crm: a, erp: b }}\nlinks:\n{}", indented(text, 2)),
            _ if text.starts_with('#') => continue,
            _ => text.to_owned(),
        };
        examples += 1;
        // Only an example of companies knows these.
        let parameters = match kind.trim() {
            "each" => [("company", "house"), ("company_id", "H")].as_slice(),
            _ => &[],
        };
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), Value::text(value)));
        let options = LoadOptions { parameters: parameters.collect(), ..LoadOptions::default() };
        let loaded = load("example", &file, &options).unwrap_or_else(|found| panic!("{found}"));
        let report = crate::run_tests(&loaded.mapping);
        assert!(report.passed(), "{report}");
    }
    assert!(examples > 10, "{examples}");
}
