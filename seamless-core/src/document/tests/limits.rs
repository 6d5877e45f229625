//! Limits are met with their names, never with a crash.

use crate::document::limits::Limits;
use crate::document::{
    DEPTH_MAX, DOCUMENT_BYTES_MAX, Diagnostics, Document, ERRORS_MAX, KEY_CHARACTERS_MAX, WARNINGS_MAX,
};

fn codes(refused: &Diagnostics) -> Vec<&'static str> {
    refused.iter().map(|located| located.diagnostic().code).collect()
}

#[test]
fn ten_thousand_levels_are_refused_without_exhausting_the_stack() {
    let indented: String = (0..3_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    for text in
        ["[".repeat(10_000), "{a: ".repeat(10_000), "- ".repeat(10_000), "? ".repeat(10_000), indented]
    {
        let refused = Document::parse("t", &text).unwrap_err();
        assert_eq!(codes(&refused), ["depth"], "{}", &text[..8]);
        assert!(refused.to_string().contains(&DEPTH_MAX.to_string()));
    }
}

#[test]
fn the_last_level_is_read_and_levels_of_both_styles_add_up() {
    let nested = |dashes: usize, brackets: usize| {
        format!("{}{}{}", "- ".repeat(dashes), "[".repeat(brackets), "]".repeat(brackets))
    };
    let half = DEPTH_MAX / 2;
    for (dashes, brackets) in [(0, DEPTH_MAX), (half, half), (DEPTH_MAX - 1, 1)] {
        assert!(Document::parse("t", &nested(dashes, brackets)).is_ok());
        assert_eq!(codes(&Document::parse("t", &nested(dashes, brackets + 1)).unwrap_err()), ["depth"]);
    }
}

#[test]
fn parts_are_counted() {
    let limits = Limits { nodes_max: 7, ..Limits::default() };
    assert!(Document::parse_within("t", "[a, {b: c}, d]", limits).is_ok(), "six parts");
    assert!(Document::parse_within("t", "[a, {b: c}, d, e]", limits).is_ok(), "seven parts");
    let refused = Document::parse_within("t", "[a, {b: c}, d, e, f]", limits).unwrap_err();
    assert_eq!(codes(&refused), ["nodes"]);
}

#[test]
fn bytes_are_counted() {
    let text = " ".repeat(DOCUMENT_BYTES_MAX + 1);
    for refused in
        [Document::parse("t", &text).unwrap_err(), Document::parse_bytes("t", text.as_bytes()).unwrap_err()]
    {
        let shown = refused.to_string();
        assert!(
            shown.starts_with("t:1:1: error[document-bytes]: the document has 16777217 bytes"),
            "{shown}"
        );
    }
}

#[test]
fn keys_are_measured() {
    let key = "k".repeat(KEY_CHARACTERS_MAX);
    assert!(Document::parse("t", &format!("{key}: 1")).is_ok());
    for text in [format!("{key}k: 1"), format!("{{\"{key}k\": 1}}")] {
        assert_eq!(codes(&Document::parse("t", &text).unwrap_err()), ["key-length"]);
    }
}

#[test]
fn findings_are_bounded_and_the_reader_hears_so() {
    let refused = Document::parse("t", &"- !a b\n".repeat(ERRORS_MAX * 2)).unwrap_err();
    assert_eq!(refused.len(), ERRORS_MAX + 1);
    assert_eq!(codes(&refused).last(), Some(&"errors"));
    let refused = Document::parse("t", &"a: b\n".repeat(ERRORS_MAX * 2)).unwrap_err();
    assert_eq!(refused.len(), ERRORS_MAX + 1);
    let warned = Document::parse("t", &"- a #b\n".repeat(WARNINGS_MAX + 20)).unwrap().warnings().unwrap();
    assert_eq!(warned.len(), WARNINGS_MAX + 1);
    assert!(
        warned.to_string().ends_with("there are 20 more warnings") || warned.to_string().contains("20 more")
    );
}

#[test]
fn many_comments_are_no_obstacle() {
    let text = format!("a: b\n{}c:\n{}  - d\n", "# x\n".repeat(5_000), "  # y\n".repeat(5_000));
    assert!(Document::parse("t", &text).is_ok());
}
