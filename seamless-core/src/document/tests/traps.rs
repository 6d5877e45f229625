//! Every trap by name: where it is told, under which code, and the spelling that is offered.

use crate::document::Document;

/// The one finding of a text, as `line:column code | help`.
fn finding(text: &str) -> String {
    let diagnostics = match Document::parse("t", text) {
        Ok(document) => document.warnings().unwrap(),
        Err(diagnostics) => diagnostics,
    };
    let told: Vec<String> = diagnostics
        .iter()
        .map(|located| {
            let place = located.line_column();
            let diagnostic = located.diagnostic();
            let help = diagnostic.help.as_deref().unwrap_or("");
            format!("{}:{} {} | {help}", place.line, place.column, diagnostic.code)
        })
        .collect();
    told.join("\n")
}

/// Each text is told of once, and its help contains the last part.
fn check(cases: &[(&str, &str, &str)]) {
    for (text, place_and_code, help) in cases {
        let told = finding(text);
        assert!(told.starts_with(&format!("{place_and_code} | ")), "{text:?} told {told}");
        assert!(!told.contains('\n'), "{text:?} told more than once: {told}");
        assert!(told.contains(help), "{text:?} told {told}");
    }
}

#[test]
fn tag_instead_of_text() {
    check(&[
        ("when: !active\nb: 1", "1:7 tag", "write it in quotes: '!active'"),
        ("when: !active and x", "1:7 tag", "'!active and x'"),
        ("{when: !active, b: 1}", "1:8 tag", "'!active'"),
        ("a: ! b", "1:4 tag", "'! b'"),
        ("a: !!str 5", "1:4 tag", "'!!str 5'"),
        ("!a b: c", "1:1 tag", "'!a b'"),
        ("a: !x\n  b: c", "1:4 tag", "'!x'"),
    ]);
}

#[test]
fn anchor_and_alias_instead_of_text() {
    check(&[
        ("a: &Co", "1:4 anchor", "'&Co'"),
        ("a: & Co", "1:4 reserved-character", "'& Co'"),
        ("a: *b", "1:4 alias", "'*b'; anchors and aliases are not read, repeat the content"),
        ("a: *", "1:4 reserved-character", "'*'"),
        ("- *a", "1:3 alias", "'*a'"),
    ]);
}

#[test]
fn aliases_cannot_multiply_a_document() {
    let told = finding("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]");
    assert_eq!(told.lines().count(), 6, "{told}");
}

#[test]
fn merge_key() {
    check(&[("<<: {a: b}", "1:1 merge-key", "'<<'")]);
    assert!(Document::parse("t", "'<<': x").is_ok());
}

#[test]
fn second_document() {
    check(&[
        ("a: b\n---\nc: d", "2:1 second-document", "`---`"),
        ("a: b\n...\nc: d", "3:1 second-document", "`...`"),
    ]);
    assert!(Document::parse("t", "---\na: b\n...\n").is_ok());
}

#[test]
fn duplicate_keys_however_they_are_quoted() {
    check(&[
        ("a: 1\nb: 2\n'a': 3", "3:1 duplicate-key", "remove one"),
        ("{\"a\": 1, \"\\u0061\": 2}", "1:10 duplicate-key", "remove one"),
        ("1: x\n'1': y", "2:1 duplicate-key", ""),
    ]);
    assert!(Document::parse("t", "a: {a: {a: 1}}\nA: 1").is_ok());
}

#[test]
fn keys_that_are_no_texts() {
    check(&[
        ("[a]: b", "1:1 key-kind", "'[a]'"),
        ("? [a]\n: b", "1:3 key-kind", "'[a]'"),
        ("{{a: b}: c}", "1:2 key-kind", "'{a: b}'"),
        (": x", "1:1 missing-key", "''"),
    ]);
}

#[test]
fn tabs_as_indentation() {
    check(&[
        ("a:\n\tb: c", "2:1 tab-indentation", "blanks"),
        ("\ta: b", "1:1 tab-indentation", "blanks"),
        ("a:\n  b: 1\n\tc: 2", "3:1 tab-indentation", "blanks"),
        ("a:\n  \t- b", "2:3 tab-indentation", "blanks"),
    ]);
    assert!(Document::parse("t", "{\n\t\"a\":\t[\n\t\t1\n\t]\n}\n").is_ok(), "JSON may");
}

#[test]
fn comma_inside_parentheses_in_braces_and_brackets() {
    check(&[
        ("{ x in (A, B) }", "1:3 cut-by-comma", "'x in (A, B)'"),
        ("when: [x in (A, B), y]", "1:8 cut-by-comma", "'x in (A, B)'"),
        ("{ when: x in (A, B), y: 1 }", "1:9 cut-by-comma", "'x in (A, B)'"),
        ("{ f(a, b(c, d), e): 1 }", "1:3 cut-by-comma", "'f(a, b(c, d), e)'"),
    ]);
    let long = format!("{{ x in ({}, B) }}", "A".repeat(400));
    check(&[(&long, "1:3 cut-by-comma", "put the whole text in quotes")]);
    assert!(Document::parse("t", "{ Credit Limit (LCY): limit, b: (x) }").is_ok());
    assert!(Document::parse("t", "[':(', b]").is_ok());
}

#[test]
fn a_told_text_stays_quiet_and_hides_nothing_else() {
    let told = finding("a: 1\na: 2\nw: { x in (A, B), y in (A, B), c }\n");
    let codes: Vec<&str> = told.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(codes, ["duplicate-key", "cut-by-comma", "cut-by-comma", "key-without-value"], "{told}");
}

#[test]
fn braces_with_keys_that_have_no_value() {
    check(&[
        ("{ a: 1, b }", "1:9 key-without-value", "`[b]`"),
        ("{a:1}", "1:2 key-without-value", "put a blank after the colon: `a: 1`"),
        ("? a\nb: c", "1:3 key-without-value", "`a:` for nothing"),
    ]);
    assert!(Document::parse("t", "{ a: , b:, \"c\":}").is_ok(), "nothing may be said with a colon");
}

#[test]
fn text_that_a_comment_cuts() {
    check(&[
        ("a: Item #5\n", "1:9 comment-in-text", "write 'Item #5', otherwise put a blank"),
        ("a: x\n # c\n y", "3:2 comment-in-text", "move the comment away"),
    ]);
    for harmless in ["a: b # c", "a: b ## c", "a: 'b' #c", "a: b#c", "#a\nb: c #"] {
        assert!(Document::parse("t", harmless).unwrap().warnings().is_none(), "{harmless}");
    }
}

#[test]
fn text_that_begins_with_a_quote() {
    check(&[
        ("a: \"Foo\" bar", "1:10 text-after-quotes", "'\"Foo\" bar'"),
        ("a: 'it's'", "1:8 text-after-quotes", "\"it's\""),
        ("a: 'tis\nb: c", "1:4 unclosed-quote", "\"'tis\""),
        ("{\"a\" 1}", "1:6 text-after-quotes", "`,` or `:` is missing"),
        ("a: \"C:\\q\"", "1:4 escape", "single quotes"),
    ]);
}

#[test]
fn text_that_begins_with_a_bracket() {
    check(&[
        ("a: [x] y", "1:8 text-after-bracket", "'[x] y'"),
        ("a: {x: y} z", "1:11 text-after-bracket", "'{x: y} z'"),
        ("a: [x\nb: c", "2:2 colon", "bracket above may not be closed"),
        ("a: [x", "1:4 unclosed-bracket", "add `]`"),
        ("a: [x}", "1:4 unclosed-bracket", "reverse order"),
        ("a: ]", "1:4 reserved-character", "']'"),
        ("[1,,2]", "1:4 missing-value", ""),
        ("{'a': 1 'b': 2}", "1:12 missing-comma", "separate with `,`"),
    ]);
}

#[test]
fn text_that_begins_with_a_reserved_character() {
    check(&[
        ("a: @x y", "1:4 reserved-character", "'@x y'"),
        ("a: `x`", "1:4 reserved-character", "'`x`'"),
        ("a: %x", "1:4 reserved-character", "'%x'"),
        ("- %", "1:3 reserved-character", "'%'"),
        ("%x: y", "1:1 reserved-character", "'%x'"),
        ("%YAML 1.2\n---\na: b", "1:1 reserved-character", "directives"),
        ("a: > 5", "1:4 reserved-character", "'> 5'"),
        ("a: >", "1:4 empty-block", "'>'"),
        ("a: |-\nb: c", "1:4 empty-block", "'|'"),
        ("a: >= 5", "1:4 reserved-character", "'>= 5'"),
        ("a: | x", "1:4 reserved-character", "'| x'"),
        ("a: ? x", "1:4 reserved-character", "'? x'"),
        ("a: - x", "1:4 reserved-character", "'- x'"),
        ("a: , b", "1:4 missing-value", "quotes"),
        ("a: [@x, b]", "1:5 reserved-character", "'@x'"),
        ("{a: @x in (b, c), d: e}", "1:5 reserved-character", "'@x in (b, c)'"),
    ]);
}

#[test]
fn colons_inside_text() {
    check(&[
        ("a: b: c", "1:5 colon", "'b: c'"),
        ("- a: b: c", "1:7 colon", "'b: c'"),
        ("a: b:", "1:5 colon", "'b:'"),
    ]);
    assert!(Document::parse("t", "a: http://b:80/c\nd: 12:30").is_ok());
}

#[test]
fn lines_that_are_indented_like_nothing_else() {
    check(&[
        ("a: b\n c: d", "2:3 indentation", "indent it like"),
        ("a\nb: c", "2:2 indentation", "may lack its `: `"),
        ("  a: b\n c: d", "2:2 indentation", "same indentation"),
        ("a: b\n- c", "2:3 indentation", "same indentation"),
        ("a:\n    - b\n  - c", "3:3 indentation", "same indentation"),
        ("a:\n  - b\n   - c", "3:4 item-in-text", "indent it like the items"),
        ("key: value\nother", "2:1 missing-colon", "key: value"),
    ]);
}

#[test]
fn invisible_characters() {
    check(&[
        ("a: b\0c", "1:5 control-character", "\\x00"),
        ("{\"a\": \"\u{7f}\"}", "1:8 control-character", "\\x7F"),
        ("a: '\u{fffe}'", "1:5 control-character", "\\uFFFE"),
        ("a: b\n\u{feff}c: d", "2:1 byte-order-mark", "U+FEFF"),
    ]);
    assert!(Document::parse("t", "\u{feff}a: b").is_ok(), "one at the beginning is usual");
}

#[test]
fn bytes_that_are_not_utf8() {
    let told = Document::parse_bytes("t", b"a: b\nc: M\xfcller").unwrap_err().to_string();
    assert!(told.starts_with("t:2:5: error[not-utf8]: the byte 0xFC at offset 9 is not UTF-8"), "{told}");
    let told = Document::parse_bytes("t", b"a: \xe2\x82").unwrap_err().to_string();
    assert!(told.contains("0xE2 at offset 3"), "{told}");
    let told = Document::parse_bytes("t", b"\xff\xfea\0").unwrap_err().to_string();
    assert!(told.contains("UTF-16"), "{told}");
    assert!(Document::parse_bytes("t", "\u{feff}a: ü".as_bytes()).is_ok());
}

#[test]
fn several_mistakes_are_told_at_once_in_order() {
    let told = finding("a: !x\n<<: y\na: Item #1\nb: *c\nb: [d\n");
    let codes: Vec<&str> = told.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(codes, ["tag", "merge-key", "comment-in-text", "alias", "unclosed-bracket"], "{told}");
}
