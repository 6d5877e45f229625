//! What the tree holds: exact texts, exact places.

use crate::document::NodeKind;
use crate::document::{Document, Literal, Node, ScalarStyle, Span};

fn read(text: &str) -> Document {
    Document::parse("t", text).unwrap()
}

#[test]
fn hostile_names_keep_their_exact_text_in_every_notation() {
    let names = [
        "No.",
        "Credit Limit (LCY)",
        "Payment Discount %",
        "E-Mail 2",
        "Bal. at Date",
        "Größe/Höhe",
        "👩‍👩‍👧 family",
        "it's",
        "a \"quoted\" one",
        "VAT % (incl.)",
        "$metadata",
        "a.b->c",
        "true",
        "1.10",
        "07",
    ];
    for name in names {
        let json = serde_json::to_string(name).unwrap();
        for text in [
            format!("{name}: x"),
            format!("- {name}: x"),
            format!("{{ {name}: x }}"),
            format!("{{{json}: x}}"),
            format!("? {name}\n: x"),
            format!("{json}: x"),
        ] {
            let document = read(&text);
            let mapping = document.root().as_sequence().map_or(document.root(), |items| &items[0]);
            let entry = mapping.entries().unwrap().next().unwrap();
            assert_eq!(entry.name, name, "{text}");
            assert_eq!(mapping.get(name).and_then(Node::text), Some("x"));
            if entry.key.plain_text().is_some() {
                assert_eq!(document.slice(entry.key.span), name);
            }
        }
    }
}

#[test]
fn numbers_keep_their_text() {
    for number in ["1.10", "1e400", "-0", "0.1000", "123456789012345678901234567890.5", "-1E-7"] {
        let document = read(number);
        assert_eq!(document.root().as_number(), Ok(number));
        assert_eq!(document.root().as_str(), Ok(number));
        assert_eq!(document.root().as_literal(), Ok(Literal::Number(number)));
    }
    for text in ["007", "+1", ".5", "5.", "0x1F", "1_000", "1,5", "12:30", "NaN", ".inf", "2024-01-01"] {
        let document = read(text);
        assert_eq!(document.root().as_str(), Ok(text));
        assert_eq!(document.root().as_literal(), Ok(Literal::Text(text)));
        assert!(document.root().as_number().is_err());
    }
}

#[test]
fn places_are_exact_for_every_kind_of_node() {
    let text = "ä:\n  - 'b'\n  - [c, {d: e}]\n\nf:\n# end\n";
    let document = read(text);
    let root = document.root();
    assert_eq!(document.slice(root.span), "ä:\n  - 'b'\n  - [c, {d: e}]\n\nf:");
    let list = root.get("ä").unwrap();
    assert_eq!(document.slice(list.span), "- 'b'\n  - [c, {d: e}]");
    let items = list.as_sequence().unwrap();
    assert_eq!(document.slice(items[0].span), "'b'");
    assert_eq!(document.slice(items[1].span), "[c, {d: e}]");
    assert_eq!(document.slice(items[1].as_sequence().unwrap()[1].span), "{d: e}");
    let left_out = root.get("f").unwrap();
    assert_eq!(left_out.span, Span::at(text.find("f:").unwrap() + 2));
    assert!(left_out.is_null());
    // The colon is the first character of the next key.
    let document = read("? a\n:b: c\n");
    let entries = document.root().as_mapping().unwrap();
    assert_eq!(document.slice(entries[1].0.span), ":b");
    assert!(entries[0].1.is_null() && entries[0].1.span.end <= entries[1].0.span.start);
}

#[test]
fn texts_of_several_lines() {
    let document = read("a: |\n  x\n   y\n\nb: >-\n  c\n  d\ne: f\n  g\n");
    let value = |name: &str| document.root().get(name).unwrap();
    assert_eq!(value("a").as_str(), Ok("x\n y\n"));
    assert_eq!(value("b").as_str(), Ok("c d"));
    assert_eq!(value("e").as_str(), Ok("f g"));
    assert_eq!(document.slice(value("a").span), "x\n   y");
    assert!(matches!(value("b").kind, NodeKind::Scalar { style: ScalarStyle::Block, .. }));
}

#[test]
fn a_text_without_content_is_nothing() {
    for text in ["", "\n\n", "# only a comment\n", "\u{feff}", "---\n", "--- # x\n...\n"] {
        assert!(read(text).root().is_null(), "{text:?}");
    }
}

#[test]
fn content_is_compared_without_places_but_with_what_may_be_asked() {
    let same = |left: &str, right: &str| read(left).root().same_content(read(right).root());
    assert!(same("a: [1, 'x']\n", "# c\na:\n- 1\n- \"x\"\n"));
    assert!(!same("a: 1", "a: '1'"));
    assert!(!same("[a]", "[a, b]"));
    assert!(!same("{a: 1, b: 2}", "{b: 2, a: 1}"));
}
#[test]
fn a_part_of_a_text_has_its_own_place_unless_the_writing_differs() {
    let part = |text: &str, range: std::ops::Range<usize>| {
        let document = read(text);
        let span = document.span_in(document.root().get("a").unwrap(), range);
        document.slice(span).to_owned()
    };
    assert_eq!(part("a: name <-> Größe", 9..16), "Größe");
    assert_eq!(part("a: 'name <-> No.'", 9..12), "No.");
    assert_eq!(part("a: \"name <-> No.\"", 9..12), "No.");
    assert_eq!(part("a: |\n  name\n  no\n", 0..4), "name");
    assert_eq!(part("a: b\n  c", 0..1), "b");
    assert_eq!(part("a: b\n  c", 2..3), "b\n  c", "folded: the whole");
    assert_eq!(part("a: \"x\\ty\"", 2..3), "\"x\\ty\"", "escaped: the whole");
    assert_eq!(part("a: [b]", 0..1), "[b]");
    assert_eq!(part("a: b", 3..9), "b", "beyond the text: the whole");
    assert_eq!(part("a: Größe", 0..3), "Größe", "inside a character: the whole");
}
