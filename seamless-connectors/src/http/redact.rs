//! What of a request and an answer may be shown: by allow-list. Addresses without their query, of a body an excerpt
//! without secrets and without characters that a terminal obeys.

use seamless_core::secret::Secret;
use url::Url;

/// Characters of a system's own words at most, in an error.
const EXCERPT_CHARS_MAX: usize = 300;
/// Bytes of a body that are looked at for it.
const LOOKED_AT_BYTES_MAX: usize = 8 * 1024;
/// Secrets shorter than this are not searched for: they would take ordinary words out.
const SECRET_BYTES_MIN: usize = 4;

/// An address for people: origin and path. What is asked for stands in the query, and may be anybody's data.
pub(crate) fn shown(url: &Url) -> String {
    let path: String = url.path().chars().take(EXCERPT_CHARS_MAX).collect();
    format!("{}{path}", url.origin().ascii_serialization())
}

/// The beginning of a text, as one line, without these secrets.
pub(crate) fn excerpt(text: &[u8], secrets: &[Secret]) -> String {
    let mut text =
        String::from_utf8_lossy(text.get(..LOOKED_AT_BYTES_MAX.min(text.len())).unwrap_or_default())
            .into_owned();
    for secret in secrets.iter().filter(|secret| secret.reveal().len() >= SECRET_BYTES_MIN) {
        text = text.replace(secret.reveal(), "***");
    }
    let cut = text.chars().count() > EXCERPT_CHARS_MAX;
    let mut line: String = text
        .chars()
        .take(EXCERPT_CHARS_MAX)
        .map(|c| if c.is_control() || is_direction(c) { ' ' } else { c })
        .collect();
    // A secret that the end cuts through.
    for secret in secrets.iter().map(Secret::reveal).filter(|secret| secret.len() >= SECRET_BYTES_MIN) {
        let begun = (SECRET_BYTES_MIN..secret.len())
            .rev()
            .filter_map(|length| secret.get(..length))
            .find(|begin| line.ends_with(begin));
        if let Some(begin) = begun {
            line.truncate(line.len() - begin.len());
            line.push_str("***");
        }
    }
    if cut { format!("{line}...") } else { line }
}

/// Characters that change the direction of what stands beside them.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};
    use seamless_core::secret::Secret;

    use super::{excerpt, shown};

    #[test]
    fn an_address_is_shown_without_what_was_asked_for() {
        let url = url::Url::parse("https://a.example/odata/Accounts?$filter=name eq 'Adatum'").unwrap();
        assert_eq!(shown(&url), "https://a.example/odata/Accounts");
    }

    proptest! {
        #[test]
        fn no_secret_is_in_an_excerpt(before in ".{0,320}", after in ".{0,20}") {
            let secret = Secret::new("hunter2-S3cret".to_owned());
            let text = format!("{before}hunter2-S3cret{after}");
            let shown = excerpt(text.as_bytes(), std::slice::from_ref(&secret));
            prop_assert!(!shown.contains("hunter2-S3cret"));
            prop_assert!(!shown.contains("hunter2"), "{shown}");
            prop_assert!(shown.chars().all(|c| !c.is_control()));
        }
    }

    #[test]
    fn an_excerpt_is_short() {
        assert!(excerpt("x".repeat(1 << 20).as_bytes(), &[]).len() < 400);
    }
}
