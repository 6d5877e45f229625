//! Mapping files, the sentences of rules and the conditions: what is read means the same when it is read again and as JSON;
//! what is refused is told with a place in the file and what to write instead.

use seamless_core::document::{Document, Node, NodeKind, ScalarStyle};
use seamless_mapping::declaration::MappingDecl;
use seamless_mapping::notation::{declarations, lint_file};
use seamless_mapping::{LintOptions, LoadOptions, Matrix, ParameterValues, load, run_tests};

use super::documents::json_of;
use super::{Target, findings, nothing};

/// Whole files.
pub(crate) const MAPPING: Target = Target { name: "mapping", run: mapping, made: nothing, words: WORDS };

/// One rule of a file that is good otherwise.
pub(crate) const SENTENCE: Target = Target { name: "sentence", run: sentence, made: nothing, words: WORDS };

/// A condition in the scope and in a rule of a file that is good otherwise.
pub(crate) const CONDITION: Target =
    Target { name: "condition", run: condition, made: nothing, words: CONDITION_WORDS };

const WORDS: &[&str] = &[
    " <-> ",
    " -> ",
    " <- ",
    " = ",
    " + ",
    "const ",
    "${p}",
    "$${",
    "\"",
    "`",
    "'",
    ": ",
    "- ",
    "{ ",
    " }",
    "[",
    "]",
    ", ",
    "match: ",
    "rules: ",
    "links: ",
    "id: ",
    "scope: ",
    "same_when: ",
    "options: ",
    "blank",
    "lookup: ",
    "unknown: park",
    "if_missing: ",
    "types: ",
    "decimal(18, 2)",
    "text(20)",
    "date(2024-01-31)",
    "on_conflict: ",
    "when: ",
    "default: ",
    "tests: ",
    "join: ",
    "split: ",
    "expression: ",
    "lines: ",
    "states: ",
    "lifecycle: ",
    "null",
    "18446744073709551616",
    "-1",
    "4294967295",
    "1e400",
    "\n",
    "  ",
    "scale(255)",
    "only_on: create",
    "sweep: 1d",
];

const CONDITION_WORDS: &[&str] = &[
    "and ",
    "or ",
    "not ",
    "in ",
    "blank(",
    "date(",
    "true",
    "null",
    "==",
    "!=",
    "<=",
    ">=",
    "<",
    ">",
    "&&",
    "||",
    "!",
    "(",
    ")",
    "[",
    "]",
    ",",
    "`",
    "'",
    "\"",
    "${p}",
    "9223372036854775808",
    "-0.00",
    "date(2024-02-30)",
];

fn mapping(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        loaded(text);
    }
}

fn loaded(text: &str) {
    let loaded = match load("m", text, &LoadOptions::default()) {
        Ok(loaded) => loaded,
        Err(found) => {
            assert!(found.has_errors());
            return findings(&found);
        }
    };
    loaded.warnings.iter().for_each(findings);
    lint_file("m", text, &ParameterValues::new(), &LintOptions::default()).iter().for_each(findings);
    let matrix = Matrix::of(&loaded.mapping);
    assert_eq!(matrix.links.len(), loaded.mapping.declared().links.len());
    assert!(!matrix.to_html().contains("<script"));
    let tested = run_tests(&loaded.mapping);
    assert_eq!(tested.to_string(), run_tests(&loaded.mapping).to_string());
    let none = ParameterValues::new();
    let declared = declarations("m", text, &none).unwrap();
    assert_eq!(&declared, loaded.mapping.declared());
    let document = Document::parse("m", text).unwrap();
    // The word for nothing is one without quotes, which JSON does not have.
    if says(document.root(), "blank") {
        return;
    }
    let json = json_of(document.root());
    let as_json = match load("j", &json, &LoadOptions::default()) {
        Ok(as_json) => as_json,
        // Escapes count: a key can be too long for its limit as JSON only.
        Err(found) => {
            return assert!(found.iter().all(|one| one.diagnostic().code == "key-length"), "{found}\n{json}");
        }
    };
    assert_eq!(without_tests(as_json.mapping.declared()), without_tests(&declared));
    assert_eq!(as_json.mapping.digest(), loaded.mapping.digest());
}

/// Tests have words without quotes too (`park`, `untouched`), and decide nothing.
fn without_tests(declared: &MappingDecl) -> MappingDecl {
    let mut declared = declared.clone();
    declared.links.iter_mut().for_each(|link| link.tests.clear());
    declared
}

/// Whether a value is this word without quotes.
fn says(node: &Node, word: &str) -> bool {
    match &node.kind {
        NodeKind::Scalar { text, style } => text == word && *style == ScalarStyle::Plain,
        NodeKind::Sequence(items) => items.iter().any(|item| says(item, word)),
        NodeKind::Mapping(entries) => entries.iter().any(|(_, value)| says(value, word)),
    }
}

/// A file of one link with a text in a place of it; findings about it stay in that file.
fn sentence(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = serde_json::to_string(text).unwrap();
    loaded(&file("true", &format!("{text}, {{ {text}: {{ same_when: space }} }}")));
    loaded(&file("true", &text));
}

fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let text = serde_json::to_string(text).unwrap();
    loaded(&file(&text, &format!("{{ \"a <-> b\": {{ when: {{ r: {text} }} }} }}")));
}

fn file(scope: &str, rules: &str) -> String {
    format!(
        "integration: i
sides: {{ l: a, r: b }}
parameters: {{ p: {{ type: text, default: x y }}, n: {{ type: int, default: 7 }} }}
links:
  - id: k
    l: A
    r: B
    match: none
    scope: {{ l: {scope} }}
    rules: [ {rules} ]
"
    )
}
