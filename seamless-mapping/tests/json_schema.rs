//! The published JSON Schema, run by a validator: an editor that uses it marks nothing that the reader takes.
//!
//! The other way round, the reader refuses nothing of what the schema takes for a key that is missing or a value of another
//! kind. What the sides are called, and so whether a key is one of them, what stands inside of sentences, whether a field exists or
//! a rule can be inverted is beyond a schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use seamless_core::document::{Document, Node, NodeKind, ScalarStyle};
use seamless_mapping::notation::declarations;
use seamless_mapping::template::{Choices, Overlay, Template, compose};
use seamless_mapping::{LoadOptions, load};
use serde_json::{Value as Json, json};

const CUSTOMERS: &str = include_str!("data/customers.yaml");
const SCHEMA: &str = include_str!("../../docs/mapping.schema.json");

const TEMPLATE: &str = include_str!("data/template/sales-erp-1.yaml");
const TEMPLATE_SCHEMA: &str = include_str!("../../docs/template.schema.json");
const OVERLAY: &str = include_str!("data/template/customer.yaml");
const OVERLAY_SCHEMA: &str = include_str!("../../docs/overlay.schema.json");

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| validator(SCHEMA));
static TEMPLATES: LazyLock<Validator> = LazyLock::new(|| validator(TEMPLATE_SCHEMA));
static OVERLAYS: LazyLock<Validator> = LazyLock::new(|| validator(OVERLAY_SCHEMA));

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

/// What an editor that knows YAML shows to the schema.
fn json_of(node: &Node) -> Json {
    match &node.kind {
        NodeKind::Mapping(entries) => {
            let entries = entries.iter();
            entries.map(|(key, value)| (key.text().unwrap_or_default().to_owned(), json_of(value))).collect()
        }
        NodeKind::Sequence(items) => items.iter().map(json_of).collect(),
        NodeKind::Scalar { .. } if node.is_null() => Json::Null,
        NodeKind::Scalar { style: ScalarStyle::Plain, .. } => {
            let text = node.text().unwrap_or_default();
            match serde_json::from_str(text) {
                Ok(value @ (Json::Bool(_) | Json::Number(_))) => value,
                _ => Json::String(text.to_owned()),
            }
        }
        NodeKind::Scalar { .. } => Json::String(node.text().unwrap_or_default().to_owned()),
    }
}

fn customers() -> Json {
    json_of(Document::parse("customers.yaml", CUSTOMERS).unwrap().root())
}

fn complaints(file: &Json) -> Vec<String> {
    complaints_of(&VALIDATOR, file)
}

fn complaints_of(validator: &Validator, file: &Json) -> Vec<String> {
    validator.iter_errors(file).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn template() -> Json {
    json_of(Document::parse("template.yaml", TEMPLATE).unwrap().root())
}

fn overlay() -> Json {
    json_of(Document::parse("overlay.yaml", OVERLAY).unwrap().root())
}

/// A template is taken when every combination of its variants loads.
fn is_template(file: &Json) -> bool {
    let Ok(template) = Template::read("t.json", &file.to_string()) else { return false };
    template.combinations(16).iter().all(|choices| {
        compose(&template, &[], choices).is_ok_and(|composed| composed.load(&LoadOptions::default()).is_ok())
    })
}

/// An overlay is taken when what it makes of its template loads.
fn is_overlay(file: &Json) -> bool {
    let template = Template::read("t.yaml", TEMPLATE).unwrap();
    let Ok(overlay) = Overlay::read("o.json", &file.to_string()) else { return false };
    compose(&template, &[overlay], &Choices::new())
        .is_ok_and(|composed| composed.load(&LoadOptions::default()).is_ok())
}

fn is_taken(file: &Json) -> bool {
    load("m.json", &file.to_string(), &LoadOptions::default()).is_ok()
}

/// The places of everything in a file, as JSON Pointers.
fn places(at: &str, node: &Json, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match node {
        Json::Object(entries) => entries.iter().for_each(|(key, value)| {
            places(&format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), value, found);
        }),
        Json::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(place, value)| places(&format!("{at}/{place}"), value, found));
        }
        _ => {}
    }
}

#[derive(Clone, Debug)]
enum Change {
    Replace(Json),
    Remove,
    Add(&'static str, Json),
}

fn change() -> impl Strategy<Value = Change> {
    let value = select(vec![
        json!(null),
        json!(true),
        json!(7),
        json!(1.5),
        json!(""),
        json!("all"),
        json!("name <-> Name"),
        json!([]),
        json!(["case"]),
        json!({}),
        json!({ "crm": "x" }),
        json!({ "crm": null, "erp": [1] }),
    ]);
    let key = select(vec![
        "note",
        "id",
        "mode",
        "scope",
        "when",
        "zzz",
        "types",
        "same_when",
        "flow",
        "use",
        "only_on",
        "sweep",
        "limits",
        "default",
        "x-team",
        "unknown",
        "on_conflict",
        "first_link",
        "if_missing",
        "only_with",
        "replace",
        "set",
        "unset",
        "add",
        "tests",
        "move",
        "options",
        "required",
        "variants",
    ]);
    prop_oneof![
        2 => value.clone().prop_map(Change::Replace),
        1 => Just(Change::Remove),
        2 => (key, value).prop_map(|(key, value)| Change::Add(key, value)),
    ]
}

/// Changes one place; gives up where the change does not fit it.
fn changed(mut file: Json, at: &str, change: &Change) -> Option<Json> {
    match change {
        Change::Replace(value) => *file.pointer_mut(at)? = value.clone(),
        Change::Remove => {
            let (parent, key) = at.rsplit_once('/')?;
            match file.pointer_mut(parent)? {
                Json::Object(entries) => drop(entries.remove(&key.replace("~1", "/").replace("~0", "~"))?),
                Json::Array(items) => drop(items.remove(key.parse().ok()?)),
                _ => return None,
            }
        }
        Change::Add(key, value) => {
            file.pointer_mut(at)?.as_object_mut()?.insert((*key).to_owned(), value.clone());
        }
    }
    Some(file)
}

fn with_changes(mut file: Json, changes: &[(Index, Change)]) -> Json {
    for (at, change) in changes {
        let mut all = Vec::new();
        places("", &file, &mut all);
        let at = at.get(&all).clone();
        file = changed(file.clone(), &at, change).unwrap_or(file);
    }
    file
}

#[test]
fn templates_and_overlays_are_valid() {
    assert_eq!(complaints_of(&TEMPLATES, &template()), Vec::<String>::new());
    assert_eq!(complaints_of(&OVERLAYS, &overlay()), Vec::<String>::new());
    assert!(is_template(&template()) && is_overlay(&overlay()), "the same files as JSON");
}

#[test]
fn files_of_all_kinds_of_rules_are_valid() {
    let file = customers();
    assert_eq!(complaints(&file), Vec::<String>::new());
    assert!(is_taken(&file), "the same file as JSON");
}

#[test]
fn what_a_schema_can_know_it_refuses() {
    for (at, value) in [
        ("/links/2/mode", json!("sideways")),
        ("/links/2/limits/deletes_percent_max", json!("many")),
        ("/links/2/rules/0", json!(7)),
        ("/links", json!({})),
        ("/zzz", json!(1)),
    ] {
        let mut file = customers();
        match file.pointer_mut(at) {
            Some(place) => *place = value,
            None => drop(file.as_object_mut().unwrap().insert("zzz".to_owned(), value)),
        }
        assert!(!complaints(&file).is_empty() && !is_taken(&file), "{at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    // Catches: a key, a word or a shorthand that the reader takes and the schema does not know.
    #[test]
    fn what_the_reader_takes_the_schema_takes(
        changes in prop::collection::vec((any::<Index>(), change()), 1..3)
    ) {
        let file = with_changes(customers(), &changes);
        if is_taken(&file) {
            prop_assert_eq!(complaints(&file), Vec::<String>::new(), "{}", file);
        }
    }

    // Catches: a key that the schema has and the reader does not know, one that it forgets to require, a kind that it does not
    // say.
    #[test]
    fn what_the_schema_takes_the_reader_refuses_for_no_structure(
        changes in prop::collection::vec((any::<Index>(), change()), 1..3)
    ) {
        let file = with_changes(customers(), &changes);
        if complaints(&file).is_empty()
            && let Err(found) = declarations("m.json", &file.to_string(), &Default::default())
        {
            // What the sides are called is the file's to say.
            let of_side = |message: &str| ["`crm`", "`erp`"].iter().any(|side| message.contains(side));
            let blamed = found.iter().map(|one| one.diagnostic()).any(|one| {
                one.code == "wrong-kind" || (one.code == "missing-field" && !of_side(&one.message))
            });
            prop_assert!(!blamed, "{}\n{}", found, file);
        }
    }

    #[test]
    fn what_the_reader_of_templates_takes_their_schema_takes(
        changes in prop::collection::vec((any::<Index>(), change()), 1..3)
    ) {
        let file = with_changes(template(), &changes);
        if is_template(&file) {
            prop_assert_eq!(complaints_of(&TEMPLATES, &file), Vec::<String>::new(), "{}", file);
        }
    }

    #[test]
    fn what_the_reader_of_overlays_takes_their_schema_takes(
        changes in prop::collection::vec((any::<Index>(), change()), 1..3)
    ) {
        let file = with_changes(overlay(), &changes);
        if is_overlay(&file) {
            prop_assert_eq!(complaints_of(&OVERLAYS, &file), Vec::<String>::new(), "{}", file);
        }
    }
}
