//! What must not stand in a cassette: secret texts wherever they stand, and the values of named fields. Knows no call; it
//! works on the JSON text of a line. The doors are [`Scrub`] and [`Scrub::text`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use seamless_core::model::{EntityName, Error, ErrorKind, FieldName, Result};
use seamless_core::secret::Secret;

/// Shorter secrets are refused: blanking them out would blank out ordinary text, and they would be guessed anyway.
const SECRET_CHARS_MIN: usize = 6;

/// What stands where a secret stood.
const SCRUBBED: &str = "***";

/// What a recording leaves out. A replay needs the same to find what was recorded.
#[derive(Clone, Default)]
pub struct Scrub {
    /// The longest first, so that one that holds another one is scrubbed whole.
    secrets: Vec<Secret>,
    fields: BTreeMap<EntityName, BTreeSet<FieldName>>,
}

impl fmt::Debug for Scrub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrub").field("secrets", &self.secrets.len()).field("fields", &self.fields).finish()
    }
}

impl Scrub {
    /// Leaves nothing out: for systems that hold no secrets and no personal data.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Leaves this text out wherever it stands, also as hexadecimal digits. Other encodings of it (base64, percent) are not
    /// looked for: name them as secrets of their own.
    ///
    /// Errors: a secret of fewer than six characters.
    pub fn secret(mut self, secret: Secret) -> Result<Self> {
        if secret.reveal().chars().count() < SECRET_CHARS_MIN {
            return Err(Error::configuration(format!(
                "a secret of fewer than {SECRET_CHARS_MIN} characters cannot be told from other text"
            ))
            .with_remedy("use a longer secret, or mask the fields that hold it"));
        }
        self.secrets.push(secret);
        self.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        Ok(self)
    }

    /// Leaves the values of this field out: they read as unreadable. Keys that records are looked up by and conditions too;
    /// record ids not.
    #[must_use]
    pub fn field(mut self, entity: impl Into<EntityName>, field: impl Into<FieldName>) -> Self {
        self.fields.entry(entity.into()).or_default().insert(field.into());
        self
    }

    pub(super) fn masks(&self, entity: &EntityName, field: &FieldName) -> bool {
        self.fields.get(entity).is_some_and(|fields| fields.contains(field))
    }

    /// A JSON text without the secrets.
    ///
    /// Errors: a secret stands where it cannot be taken out; the error does not show it.
    pub(super) fn text(&self, json: String) -> Result<String> {
        if self.secrets.is_empty() {
            return Ok(json);
        }
        let mut clean = String::with_capacity(json.len());
        let mut rest = json.as_str();
        while let Some(first) = rest.chars().next() {
            let (token, after) = match first {
                '"' => string(rest),
                '-' | '0'..='9' => {
                    let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                    rest.split_at_checked(end.unwrap_or(rest.len()))
                }
                other => rest.split_at_checked(other.len_utf8()),
            }
            .ok_or_else(left)?;
            match first {
                '"' => clean.push_str(&self.string(token)?),
                _ if token.len() > 1 && self.secrets.iter().any(|secret| token.contains(secret.reveal())) => {
                    clean.push_str(&format!("\"{SCRUBBED}\""));
                }
                _ => clean.push_str(token),
            }
            rest = after;
        }
        if self.holds_any(&clean) { Err(left()) } else { Ok(clean) }
    }

    /// A string literal without the secrets.
    fn string(&self, token: &str) -> Result<String> {
        let text: String = serde_json::from_str(token).map_err(|_| left())?;
        let mut clean = text.clone();
        for secret in &self.secrets {
            clean = clean.replace(secret.reveal(), SCRUBBED);
            let digits = hex(secret.reveal());
            // Zeros, so that it is hexadecimal still.
            clean = clean.replace(&digits, &"0".repeat(digits.len()));
        }
        if clean == text {
            return Ok(token.to_owned());
        }
        serde_json::to_string(&clean).map_err(|_| left())
    }

    fn holds_any(&self, json: &str) -> bool {
        self.secrets.iter().any(|secret| {
            let secret = secret.reveal();
            let escaped = serde_json::to_string(secret).unwrap_or_default();
            let escaped = escaped.get(1..escaped.len().saturating_sub(1)).unwrap_or_default();
            json.contains(secret)
                || (!escaped.is_empty() && json.contains(escaped))
                || json.contains(&hex(secret))
        })
    }
}

fn left() -> Error {
    Error::new(
        ErrorKind::Internal,
        "a secret stands where it cannot be taken out, so nothing is recorded any more",
    )
    .with_remedy("choose another secret for the recording, or mask the field")
}

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// The string literal that a text begins with, and the rest.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return text.split_at_checked(place + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
    use seamless_core::secret::Secret;
    use serde_json::json;

    use super::Scrub;

    fn scrub(secret: &str) -> Scrub {
        Scrub::nothing().secret(Secret::new(secret.to_owned())).unwrap()
    }

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands_and_the_rest_stays_as_it_is() {
        let scrub = scrub("s\"cr\\et1");
        let json =
            json!({ "a s\"cr\\et1": ["x s\"cr\\et1 s\"cr\\et1", 7, null], "b": "73226372" }).to_string();
        let clean = scrub.text(json).unwrap();
        assert_eq!(clean, r#"{"a ***":["x *** ***",7,null],"b":"73226372"}"#);
        assert_eq!(scrub.text(r#"{"n":"\u0041"}"#.to_owned()).unwrap(), r#"{"n":"\u0041"}"#);
        assert_eq!(
            self::scrub("123456").text(r#"[91234567,"3132333435 36","313233343536"]"#.to_owned()).unwrap(),
            r#"["***","3132333435 36","000000000000"]"#
        );
    }

    #[test]
    fn short_secrets_are_refused_and_none_is_printed() {
        assert!(Scrub::nothing().secret(Secret::new("12345".to_owned())).is_err());
        assert!(!format!("{:?}", scrub("hunter22")).contains("hunter22"));
    }

    proptest! {
        #[test]
        fn no_line_holds_the_secret_and_a_line_without_it_is_untouched(
            secret in "[a-c\"\\\\é*]{6,8}", before in "[a-c\"\\\\é*]{0,9}", after in "[a-c\"\\\\é*]{0,9}", number in 0u64..99,
        ) {
            let scrub = scrub(&secret);
            let plain = json!([before, number]).to_string();
            if !before.contains(&secret) && !plain.contains(&secret) {
                prop_assert_eq!(scrub.text(plain.clone()).unwrap(), plain);
            }
            let json = json!({ "k": format!("{before}{secret}{after}"), "n": number }).to_string();
            // It may be refused, it may not be let through.
            if let Ok(clean) = scrub.text(json) {
                let read: serde_json::Value = serde_json::from_str(&clean).unwrap();
                prop_assert!(!read["k"].as_str().unwrap().contains(&secret) && !clean.contains(&secret));
            }
        }
    }
}
