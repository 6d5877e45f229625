//! What a service says of a failure: its code, its words and the property that it blames. Knows no operation.

use serde_json::value::RawValue;

use super::json::{Members, elements, text, utf8};

/// Details of one failure that are looked at, at most.
const DETAILS_MAX: usize = 32;

/// A failure in the service's own words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: String,
    pub(super) message: String,
    /// What it blames, as it names it; the most general first.
    pub(super) targets: Vec<String>,
}

/// What a body says; `None` where it is not in the form of the standard.
pub(super) fn said(body: &[u8]) -> Option<Said> {
    let members = Members::read(utf8(body).ok()?).ok()?;
    let error = Members::read(members.get("error").or(members.get("odata.error"))?.get()).ok()?;
    let mut said = Said {
        code: error.get("code").and_then(words).unwrap_or_default(),
        message: error.get("message").and_then(words).unwrap_or_default(),
        targets: error.get("target").and_then(text).into_iter().collect(),
    };
    for detail in error.get("details").and_then(elements).unwrap_or_default().into_iter().take(DETAILS_MAX) {
        let Ok(detail) = Members::read(detail.get()) else { continue };
        said.targets.extend(detail.get("target").and_then(text));
        if let Some(message) = detail.get("message").and_then(words)
            && !said.message.contains(&message)
        {
            said.message.push_str("; ");
            said.message.push_str(&message);
        }
    }
    Some(said)
}

/// A text, a number, or the text of an older service: `{"lang": "en", "value": ".."}`.
fn words(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => text(value),
        b'{' => Members::read(value.get()).ok()?.get("value").and_then(text),
        b'0'..=b'9' => Some(value.get().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, said};

    #[test]
    fn words_and_targets_are_found_in_new_and_old_forms() {
        let new = br#"{"error":{"code":"MULTIPLE","message":"Several","target":"a",
            "details":[{"code":"1","message":"Too long","target":"name"},{"message":"Missing","target":"x/no"}]}}"#;
        let found = said(new).unwrap();
        assert_eq!(found.message, "Several; Too long; Missing");
        assert_eq!(found.targets, ["a", "name", "x/no"]);
        let old = br#"{"error":{"code":"005","message":{"lang":"en","value":"No"}}}"#;
        assert_eq!(said(old), Some(Said { code: "005".into(), message: "No".into(), targets: vec![] }));
        for none in [&b"<html>"[..], b"{}", b"", b"\xff", b"[1]"] {
            assert_eq!(said(none), None);
        }
    }
}
