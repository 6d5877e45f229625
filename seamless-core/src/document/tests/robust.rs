//! Whatever text comes: no panic, and every place lies in the text on character boundaries.

use proptest::prelude::*;

use crate::document::{Document, Node, NodeKind, ScalarStyle, Span};

fn inside(text: &str, span: Span) -> bool {
    text.get(span.start..span.end).is_some()
}

/// Children lie in their parents, one after another, and plain texts are what their place says.
fn check_places(text: &str, node: &Node) -> Result<(), TestCaseError> {
    prop_assert!(inside(text, node.span), "{:?} in {:?}", node.span, text);
    let children: Vec<&Node> = match &node.kind {
        NodeKind::Scalar { text: value, style: ScalarStyle::Plain } => {
            let written = &text[node.span.start..node.span.end];
            if !written.contains(['\n', '\r']) {
                prop_assert_eq!(written, value);
            }
            return Ok(());
        }
        NodeKind::Scalar { style: ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, .. } => {
            let written = &text[node.span.start..node.span.end];
            let quote = written.chars().next();
            prop_assert!(matches!(quote, Some('"' | '\'')) && written.len() > 1);
            prop_assert_eq!(quote, written.chars().next_back());
            return Ok(());
        }
        NodeKind::Scalar { .. } => return Ok(()),
        NodeKind::Sequence(items) => items.iter().collect(),
        NodeKind::Mapping(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
    };
    let mut before = node.span.start;
    for child in children {
        prop_assert!(
            child.span.start >= before && child.span.end <= node.span.end,
            "{:?} in {:?}",
            child,
            text
        );
        before = child.span.end;
        check_places(text, child)?;
    }
    Ok(())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let diagnostics = match Document::parse("t", text) {
        Ok(document) => {
            check_places(text, document.root())?;
            document.warnings()
        }
        Err(diagnostics) => {
            prop_assert!(diagnostics.has_errors());
            Some(diagnostics)
        }
    };
    if let Some(diagnostics) = diagnostics {
        for located in &diagnostics {
            let diagnostic = located.diagnostic();
            prop_assert!(inside(text, diagnostic.span), "{:?} of {:?}", diagnostic, text);
            prop_assert!(diagnostic.related.iter().all(|(span, _)| inside(text, *span)));
        }
        prop_assert!(diagnostics.to_string().starts_with("t:"));
    }
    Ok(())
}

/// Pieces that meet each other rarely in texts of random characters.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "ä", "😀", ": ", ":", "- ", "-", "? ", ", ", "[", "]", "{", "}", "(", ")", "'", "\"", "\\",
        "\n", "\n  ", "\n    ", "\r", "\r\n", "\t", " ", " #", "# ", "&a ", "*a", "!b ", "!", "|", ">",
        "|-\n  ", "%", "@", "`", "~", "<<", "---\n", "...\n", "\u{feff}", "\u{85}", "\0", "null", "1.0",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_text_of_yaml_s_own_characters_is_read_or_refused(text in pieces()) {
        check(&text)?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Err(diagnostics) = Document::parse_bytes("t", &bytes) {
            prop_assert!(diagnostics.to_string().starts_with("t:"));
        }
    }

    /// A value on one line is exactly the text after the colon, or its author hears of it: nothing is
    /// dropped or cut in silence. In quotes as suggested it is read for sure.
    #[test]
    fn a_value_is_its_text_or_something_is_said(value in "[-a:?, ()#&*!|>'\"%@`~\u{e4}]{1,10}") {
        let value = value.trim();
        if value.is_empty() || value.starts_with(['\'', '"', '#']) {
            return Ok(());
        }
        let spellings = [format!("k: {value}\n"), format!("{{k: {value}}}"), format!("- k: {value}")];
        for (at, spelling) in spellings.iter().enumerate() {
            if at == 1 && value.contains(',') {
                continue;
            }
            match Document::parse("t", spelling) {
                Ok(document) if document.warnings().is_none() => {
                    // Only a comment that is marked by a blank or a bare `#` may be dropped.
                    let comment = value.split(" #").next().unwrap_or("").trim_end();
                    let root = document.root();
                    let mapping = root.as_sequence().map_or(root, |items| &items[0]);
                    prop_assert_eq!(mapping.get("k").and_then(Node::text), Some(comment), "{}", spelling);
                }
                Ok(_) => {}
                Err(diagnostics) => {
                    let first = diagnostics.iter().next().map(|located| located.diagnostic().clone()).unwrap();
                    let Some(help) = first.help.as_deref().and_then(|help| help.split_once("in quotes: ")) else {
                        continue;
                    };
                    let offered = help.1.split("; anchors").next().unwrap_or("");
                    let quoted = Document::parse("t", &format!("k: {offered}"));
                    prop_assert!(quoted.is_ok(), "{} for {}", offered, spelling);
                    let quoted = quoted.unwrap();
                    let read = quoted.root().get("k").and_then(Node::text).unwrap_or("");
                    prop_assert!(value.contains(read) && !read.is_empty(), "{} for {}", offered, spelling);
                    if at == 0 && first.span.start == 3 {
                        prop_assert_eq!(read, value, "{} for {}", offered, spelling);
                    }
                }
            }
        }
    }

    /// The same for keys.
    #[test]
    fn a_key_is_its_text_or_something_is_said(key in "[-a:?, ()#&*!|>'\"%@`~\u{e4}]{1,10}") {
        let key = key.trim();
        // With a key of its own inside, as an item of a list or behind `?` it is another document.
        let other = key.contains(": ") || key.ends_with(':') || key.starts_with("- ") || key.starts_with("? ");
        if key.is_empty() || key.starts_with(['\'', '"', '#']) || key.contains(" #") || other {
            return Ok(());
        }
        if let Ok(document) = Document::parse("t", &format!("{key}: v\n")) {
            prop_assert_eq!(document.root().get(key).and_then(Node::text), Some("v"), "{}", key);
        }
    }
}
