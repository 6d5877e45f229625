//! Printing, ids and changes of texts, on what the rest of the crate reads.

use std::sync::Arc;

use proptest::prelude::*;
use seamless_core::document::Document;
use seamless_core::model::Sides;

use super::edit::{self, Step};
use super::part::{Part, PartKind};
use super::print::{flow, print};
use super::rule;
use crate::declaration::MappingDecl;
use crate::notation::{ParameterValues, declarations};

const CUSTOMERS: &str = include_str!("../../tests/data/customers.yaml");
const REFERENCE: &str = include_str!("../../../docs/mapping.md");

fn part(text: &str) -> Part {
    let document = Arc::new(Document::parse("t", text).unwrap());
    Part::of(&document, document.root())
}

/// A part that nothing of is copied letter by letter.
fn remade(part: &Part) -> Part {
    let kind = match &part.kind {
        PartKind::Scalar { text, style } => PartKind::Scalar { text: text.clone(), style: *style },
        PartKind::List(items) => PartKind::List(items.iter().map(remade).collect()),
        PartKind::Map(entries) => {
            PartKind::Map(entries.iter().map(|(key, value)| (remade(key), remade(value))).collect())
        }
    };
    Part::made(&part.origin, kind)
}

/// Whole files of the reference, and the mapping that the tests of this crate load.
fn files() -> Vec<&'static str> {
    let blocks = REFERENCE.split("```yaml").skip(1).filter_map(|block| block.split_once('\n'));
    let texts = blocks.filter_map(|(_, rest)| rest.split("```").next());
    texts
        .filter(|text| !text.trim_start().starts_with('#') && !text.trim_start().starts_with('-'))
        .chain([CUSTOMERS])
        .collect()
}

#[test]
fn what_is_printed_is_read_as_what_it_was() {
    let mut read = 0;
    for text in files() {
        let original = Document::parse("t", text).unwrap();
        for part in [part(text), remade(&part(text))] {
            let printed = print(&part).text;
            let again = Document::parse("t", &printed).unwrap_or_else(|found| panic!("{found}"));
            assert!(original.root().same_content(again.root()), "{printed}");
            read += 1;
        }
    }
    assert!(read > 10, "{read}");
}

/// Texts as people write them, and as nobody does.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 .,:#'\"`\\-+<>=(){}\\[\\]!&*%@|?\\\\/$~]{0,12}",
        "\\PC{0,8}",
        prop::sample::select(vec![
            "",
            "~",
            "null",
            "true",
            "1",
            "-1",
            "007",
            "1.5",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "---",
            "...",
            "<<",
            "?",
            "- ",
            "\u{feff}a",
            "\u{85}",
            "\u{2028}",
            "a\nb",
            "a\tb",
            " a",
            "a ",
            "a:",
            "`a -> b`",
            "E-Mail 2",
            "No.",
        ])
        .prop_map(str::to_owned),
    ]
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Json;
    let leaf = text().prop_map(Json::String);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entries = prop::collection::btree_map(text(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Json::Array),
            entries.prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

/// A tree of parts with the same texts; a scalar is plain where the bits say so.
fn of_json(json: &serde_json::Value, plain: &mut impl FnMut() -> bool) -> Part {
    use serde_json::Value as Json;
    let origin = part("x").origin;
    match json {
        Json::Array(items) => {
            Part::made(&origin, PartKind::List(items.iter().map(|item| of_json(item, plain)).collect()))
        }
        Json::Object(entries) => {
            let entries =
                entries.iter().map(|(key, value)| (Part::quoted(&origin, key), of_json(value, plain)));
            Part::made(&origin, PartKind::Map(entries.collect()))
        }
        other => {
            let text = other.as_str().unwrap_or_default();
            if plain() { Part::word(&origin, text) } else { Part::quoted(&origin, text) }
        }
    }
}

proptest! {
    // Catches: a text that is printed without quotes and read as something else, in lines and in brackets.
    #[test]
    fn any_tree_is_read_as_what_was_printed(json in tree(), bits in any::<u64>()) {
        let mut bits = bits;
        let mut plain = || { bits = bits.rotate_left(1); bits & 1 == 1 };
        let tree = of_json(&serde_json::json!({ "k": json }), &mut plain);
        for text in [print(&tree).text, flow(&tree)] {
            let read = Document::parse("t", &text);
            let read = read.unwrap_or_else(|found| panic!("{found}\n{text}"));
            let read = Part::of(&Arc::new(read.clone()), read.root());
            prop_assert!(alike(&tree, &read), "{}", text);
        }
    }
}

/// Whether the texts are the same; what no document can hold without quotes may have come into some.
fn alike(made: &Part, read: &Part) -> bool {
    match (&made.kind, &read.kind) {
        (PartKind::List(items), PartKind::List(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(a, b)| alike(a, b))
        }
        (PartKind::Map(entries), PartKind::Map(others)) => {
            entries.len() == others.len()
                && entries.iter().zip(others).all(|((a, x), (b, y))| alike(a, b) && alike(x, y))
        }
        (PartKind::Scalar { text: a, .. }, PartKind::Scalar { text: b, .. }) => {
            let nothing = |text: &str| matches!(text, "" | "null");
            let plain = made.is_plain();
            let special = matches!(a.as_str(), "" | "~" | "null" | "true" | "1" | "-1" | "1.5");
            (a == b || plain && nothing(a) && nothing(b))
                && (read.is_plain() || !(plain && special))
                && (plain || !read.is_plain())
        }
        _ => false,
    }
}

fn sides(mapping: &MappingDecl) -> Sides<String> {
    mapping.sides.as_ref().map(|side| side.name.clone())
}

#[test]
fn the_id_of_a_rule_as_it_is_written_is_that_of_its_declaration() {
    let mut rules = 0;
    for text in files() {
        let Ok(declared) = declarations("t", text, &ParameterValues::new()) else { continue };
        let written = part(text);
        for (link, of) in written.get("links").unwrap().items().iter().zip(&declared.links) {
            let parts = link.get("rules").map_or(&[][..], Part::items);
            let ids: Vec<String> =
                parts.iter().filter_map(|part| rule::id(part, &sides(&declared))).collect();
            let wanted: Vec<String> = of.rules.iter().map(|rule| rule.stable_id().to_string()).collect();
            // The table of states is a rule that stands elsewhere.
            let wanted: Vec<String> = wanted.into_iter().filter(|id| id != "states").collect();
            assert_eq!(ids, wanted);
            rules += ids.len();
        }
    }
    assert!(rules > 15, "{rules}");
}

proptest! {
    #[test]
    fn the_id_of_any_rule_is_that_of_its_declaration(
        left in prop::collection::vec(text(), 1..3),
        right in prop::collection::vec(text(), 1..3),
        arrow in prop::sample::select(vec!["<->", "->", "<-"]),
        long in any::<bool>(),
        constant in any::<bool>(),
    ) {
        let quoted = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" + ");
        let rule = match (long, constant) {
            (false, false) => serde_json::json!(format!("{} {arrow} {}", quoted(&left), quoted(&right))),
            (false, true) => serde_json::json!(format!("const {} -> {}", left[0], quoted(&right))),
            (true, false) => serde_json::json!({ "l": left, "r": right }),
            (true, true) => serde_json::json!({ "const": "c", "r": right }),
        };
        let link = serde_json::json!({ "id": "x", "l": "A", "r": "B", "match": "none", "rules": [rule] });
        let file = serde_json::json!({ "integration": "i", "sides": { "l": "a", "r": "b" }, "links": [link] }).to_string();
        if let Ok(declared) = declarations("t", &file, &ParameterValues::new()) {
            let written = part(&file);
            let item = &written.get("links").unwrap().items()[0].get("rules").unwrap().items()[0];
            // A parameter in a name is put in later; there is none here, so `$${` is all that differs.
            if !file.contains("${") {
                let id = rule::id(item, &sides(&declared));
                prop_assert_eq!(id, Some(declared.links[0].rules[0].stable_id().to_string()));
            }
        }
    }
}

fn path(words: &str) -> Vec<Step> {
    let step = |word: &str| word.parse().map_or_else(|_| Step::Key(word.to_owned()), Step::Item);
    words.split('/').map(step).collect()
}

const TEXT: &str = "\
# head
a: 1

# about b
b:
  # about c
  c: { x: 1, y: 2 } # behind c
  # about d
  d:
    - one
    # about two
    - two: 2
      three: 3
e: [1, 2]
";

#[test]
fn parts_are_cut_out_with_their_comments_and_nothing_else_changes() {
    let removed = |at: &str| edit::remove(TEXT, &path(at)).unwrap();
    assert_eq!(removed("b/c"), TEXT.replace("  # about c\n  c: { x: 1, y: 2 } # behind c\n", ""));
    assert_eq!(removed("b/c/x"), TEXT.replace("x: 1, ", ""));
    assert_eq!(removed("b/c/y"), TEXT.replace(", y: 2", ""));
    assert_eq!(removed("b/d/0"), TEXT.replace("    - one\n", ""));
    assert_eq!(removed("b/d/1"), TEXT.replace("    # about two\n    - two: 2\n      three: 3\n", ""));
    assert_eq!(removed("b/d/1/two"), TEXT.replace("two: 2\n      three", "three"));
    assert_eq!(removed("e/0"), TEXT.replace("[1, 2]", "[2]"));
    assert_eq!(removed("nowhere"), TEXT);
    let alone = edit::remove(&removed("b/d/1"), &path("b/d/0")).unwrap();
    assert!(!alone.contains("d:") && alone.contains("behind c"), "{alone}");
}

#[test]
fn parts_are_put_where_they_belong() {
    let put = |at: &str, new: &str| edit::put(TEXT, &path(at), &remade(&part(new))).unwrap();
    assert_eq!(put("a", "2"), TEXT.replace("a: 1", "a: 2"));
    assert_eq!(put("b/c", "{ z: 3 }"), TEXT.replace("c: { x: 1, y: 2 } #", "c:\n    z: 3 #"));
    assert_eq!(put("b/c/z", "3"), TEXT.replace("y: 2 }", "y: 2, z: 3 }"));
    assert_eq!(put("b/f", "[x]"), TEXT.replace("      three: 3\n", "      three: 3\n  f:\n    - x\n"));
    assert_eq!(put("g/h/i", "1"), format!("{TEXT}g:\n  h:\n    i: 1\n"));
    let push = |at: &str, new: &str| edit::push(TEXT, &path(at), &remade(&part(new))).unwrap();
    assert_eq!(push("e", "3"), TEXT.replace("[1, 2]", "[1, 2, 3]"));
    assert_eq!(push("b/d", "x"), TEXT.replace("      three: 3\n", "      three: 3\n    - x\n"));
    assert_eq!(push("g", "x"), format!("{TEXT}g:\n  - x\n"));
    assert_eq!(edit::comments(TEXT, &path("b/c")).unwrap(), ["# about c", "# behind c"]);
    let above = edit::comment(TEXT, &path("b/d"), &["# more".to_owned()]).unwrap();
    assert_eq!(above, TEXT.replace("  d:\n", "  # more\n  d:\n"));
}
