//! JSON is read as what it says: trees printed here come back the same.
//!
//! Characters that YAML does not print are escaped, as JSON allows: unescaped they are refused.

use proptest::prelude::*;

use crate::document::spelling::is_printable;
use crate::document::{Document, Literal, Node};

#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

/// How a tree is laid out: blanks between tokens, and whether characters beyond ASCII are escaped.
#[derive(Clone, Debug)]
struct Layout {
    blank: String,
    ascii: bool,
}

fn print(json: &Json, layout: &Layout, out: &mut String) {
    out.push_str(&layout.blank);
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Json::Number(digits) => out.push_str(digits),
        Json::Text(text) => print_text(text, layout.ascii, out),
        Json::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                print(item, layout, out);
            }
            out.push_str(&layout.blank);
            out.push(']');
        }
        Json::Map(entries) => {
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(&layout.blank);
                print_text(key, layout.ascii, out);
                out.push_str(&layout.blank);
                out.push(':');
                print(value, layout, out);
            }
            out.push_str(&layout.blank);
            out.push('}');
        }
    }
}

fn print_text(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '/' if ascii => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            _ if !is_printable(character) || character < ' ' || (ascii && !character.is_ascii()) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn back(node: &Node) -> Json {
    if let Ok(items) = node.as_sequence() {
        return Json::List(items.iter().map(back).collect());
    }
    if let Ok(entries) = node.entries() {
        return Json::Map(entries.map(|entry| (entry.name.to_owned(), back(entry.value))).collect());
    }
    match node.as_literal().unwrap() {
        Literal::Null => Json::Null,
        Literal::Bool(truth) => Json::Bool(truth),
        Literal::Number(digits) => Json::Number(digits.to_owned()),
        Literal::Text(text) => Json::Text(text.to_owned()),
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[-:,#&*!|>'\"%@` {}\\[\\]\\\\a~?\t\n\r\u{85}\u{a0}\u{2028}\u{feff}\u{7f}]{0,12}",
        Just("null".to_owned()),
        Just("---".to_owned()),
        Just("<<".to_owned()),
    ]
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,9})?([eE][-+]?[0-9]{1,3})?".prop_map(Json::Number),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            proptest::collection::btree_map(text(), inner, 0..5)
                .prop_map(|entries| Json::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn printed_json_reads_back_to_the_same_tree(json in tree(), blank in "[ \t\n\r]{0,3}", ascii: bool) {
        let mut text = String::new();
        print(&json, &Layout { blank, ascii }, &mut text);
        let oracle: Result<serde_json::Value, _> = serde_json::from_str(&text);
        // A number beyond a float is JSON, though not for every reader.
        prop_assert!(oracle.is_ok() || text.contains(['e', 'E']), "the test prints no JSON: {}", text);
        match Document::parse("t.json", &text) {
            Ok(document) => prop_assert_eq!(back(document.root()), json, "{}", text),
            Err(diagnostics) => prop_assert!(false, "{}\n{:?}", diagnostics, text),
        }
    }
}

#[test]
fn a_long_text_on_one_line_is_no_obstacle() {
    let long = "x".repeat(100_000);
    let document = Document::parse("t", &format!("{{\"a\": [\"{long}\", 1], \"b\": \"{long}\"}}")).unwrap();
    assert_eq!(document.root().get("b").unwrap().as_str(), Ok(long.as_str()));
}
