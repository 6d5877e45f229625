//! Documents in YAML and JSON: what is read has its places, is read alike when it is written as JSON, and whatever another
//! reader takes for JSON is read too, as the same.

use seamless_core::document::{Document, Literal, Node, NodeKind};
use serde_json::{Number, Value as Json};

use super::{Target, findings, nothing};

/// Documents.
pub(crate) const TARGET: Target = Target { name: "document", run, made: nothing, words: WORDS };

/// Words of YAML and JSON.
pub(crate) const WORDS: &[&str] = &[
    ": ",
    "- ",
    "? ",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "\\u0000",
    "\\ud800",
    "\n",
    "\r\n",
    "\t",
    " #",
    "&a ",
    "*a",
    "!!str ",
    "|\n  ",
    ">-\n  ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\u{feff}",
    "\u{85}",
    "null",
    "~",
    "true",
    "1e400",
    "-0",
    "0x1F",
    "<<: ",
    "@",
    "`",
];

/// Why a text that is JSON may be refused: what the reader documents as refused, and its limits.
const REFUSED: [&str; 8] = [
    "byte-order-mark",
    "control-character",
    "depth",
    "document-bytes",
    "duplicate-key",
    "key-length",
    "nodes",
    "merge-key",
];

fn run(bytes: &[u8]) {
    let read = Document::parse_bytes("f", bytes);
    match &read {
        Ok(document) => {
            places(document.text(), document.root());
            document.warnings().iter().for_each(findings);
            let json = json_of(document.root());
            match Document::parse("again", &json) {
                Ok(again) => assert_eq!(json_of(again.root()), json),
                // Escapes count: a key can be too long for its limit as JSON only.
                Err(found) => assert!(found.iter().all(long), "{found}\nof {json}"),
            }
        }
        Err(found) => {
            assert!(found.has_errors());
            findings(found);
        }
    }
    let Ok(json) = serde_json::from_slice::<Json>(bytes) else { return };
    match &read {
        Ok(document) => same(document.root(), &json),
        Err(found) => {
            let named = found.iter().filter(|located| located.diagnostic().is_error());
            let odd = named.map(|located| located.diagnostic().code).find(|code| !REFUSED.contains(code));
            assert_eq!(odd, None, "JSON is refused: {found}");
        }
    }
}

fn long(located: &seamless_core::document::Located) -> bool {
    located.diagnostic().code == "key-length"
}

/// Children lie in their parents, one after another.
fn places(text: &str, node: &Node) {
    assert!(text.get(node.span.start..node.span.end).is_some(), "{node:?}");
    let children: Vec<&Node> = match &node.kind {
        NodeKind::Scalar { .. } => Vec::new(),
        NodeKind::Sequence(items) => items.iter().collect(),
        NodeKind::Mapping(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
    };
    let mut before = node.span.start;
    for child in children {
        assert!(child.span.start >= before && child.span.end <= node.span.end, "{child:?} in {node:?}");
        before = child.span.end;
        places(text, child);
    }
}

/// A tree as JSON: what is plain and a number, a truth value or nothing is that, everything else is text.
pub(crate) fn json_of(node: &Node) -> String {
    match &node.kind {
        NodeKind::Sequence(items) => {
            let items: Vec<String> = items.iter().map(json_of).collect();
            format!("[{}]", items.join(","))
        }
        NodeKind::Mapping(entries) => {
            let entry = |(key, value): &(Node, Node)| format!("{}:{}", quoted(text(key)), json_of(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        NodeKind::Scalar { .. } => match node.as_literal() {
            Ok(Literal::Null) => "null".to_owned(),
            Ok(Literal::Bool(truth)) => truth.to_string(),
            Ok(Literal::Number(number)) if serde_json::from_str::<Number>(number).is_ok() => {
                number.to_owned()
            }
            _ => quoted(text(node)),
        },
    }
}

fn text(node: &Node) -> &str {
    node.text().unwrap_or_default()
}

/// A text of JSON; what the reader only takes as an escape is one.
fn quoted(text: &str) -> String {
    let escaped = serde_json::to_string(text).unwrap();
    let odd = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}');
    escaped.chars().fold(String::new(), |mut out, c| {
        if odd(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

/// What another reader of JSON found.
fn same(node: &Node, json: &Json) {
    match (json, &node.kind) {
        (Json::Object(members), NodeKind::Mapping(entries)) => {
            assert_eq!(members.len(), entries.len(), "{node:?}");
            members.iter().for_each(|(name, member)| same(node.get(name).unwrap(), member));
        }
        (Json::Array(items), NodeKind::Sequence(nodes)) => {
            assert_eq!(items.len(), nodes.len(), "{node:?}");
            nodes.iter().zip(items).for_each(|(node, item)| same(node, item));
        }
        (Json::String(text), NodeKind::Scalar { .. }) => assert_eq!(node.as_str().ok(), Some(text.as_str())),
        (Json::Null, _) => assert!(node.is_null(), "{node:?}"),
        (Json::Bool(truth), _) => assert_eq!(node.as_bool().ok(), Some(*truth)),
        (Json::Number(number), _) => {
            let (read, theirs): (f64, f64) =
                (node.as_number().unwrap().parse().unwrap(), number.as_f64().unwrap());
            // The other reader is in a hurry about the last digit.
            assert!((read - theirs).abs() <= read.abs() * 1e-12, "{node:?} is not {theirs}");
        }
        _ => panic!("{node:?} is not {json}"),
    }
}
