//! Texts of a tap's settings that may stand in no error, and an identity that is made without them. Knows no process. The
//! doors are [`Scrub`] and [`identity`].

use serde_json::Value as Json;

use super::config::SingerConfig;

/// Shorter texts are not taken out: `no` or `id` would take every message apart, and are no secrets.
const SECRET_BYTES_MIN: usize = 4;

/// Parts of names of settings that speak of a secret.
const SECRET_NAMES: &[&str] =
    &["password", "passwd", "secret", "token", "key", "credential", "auth", "private", "cert", "pin"];

/// What is taken out of a tap's words: every text and number of its settings, whatever its name, and the values of the
/// environment variables that it was given.
#[derive(Clone)]
pub(super) struct Scrub {
    /// The longest first, so that a text inside of another one leaves no rest of it.
    texts: Vec<String>,
}

impl Scrub {
    pub(super) fn new(config: &SingerConfig) -> Self {
        let mut texts = Vec::new();
        collect(&config.config.0, &mut texts);
        texts.extend(config.variables.iter().filter_map(|name| std::env::var(name).ok()));
        // A text of several lines (a key) may be told line by line, and a text may be told as JSON writes it.
        let lines: Vec<String> =
            texts.iter().flat_map(|text| text.lines().map(|line| line.trim().to_owned())).collect();
        let escaped = texts.iter().filter_map(|text| serde_json::to_string(text).ok());
        let escaped: Vec<String> = escaped.map(|json| json.trim_matches('"').to_owned()).collect();
        texts.extend(lines);
        texts.extend(escaped);
        texts.retain(|text| text.len() >= SECRET_BYTES_MIN);
        texts.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        texts.dedup();
        Self { texts }
    }

    /// The text without any of them.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.texts {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), "***");
            }
        }
        clean
    }
}

impl std::fmt::Debug for Scrub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scrub(***)")
    }
}

fn collect(json: &Json, texts: &mut Vec<String>) {
    match json {
        Json::String(text) => texts.push(text.clone()),
        Json::Number(number) => texts.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => members.values().for_each(|value| collect(value, texts)),
        Json::Null | Json::Bool(_) => {}
    }
}

/// The identity of what a tap reads: a digest of the command and of the settings whose names do not speak of secrets. A
/// token that is renewed leaves it as it is; so does another account that only a token tells apart.
pub(super) fn identity(config: &SingerConfig) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(&config.program());
    config.args.iter().for_each(|arg| add(arg));
    let mut open = Vec::new();
    paths(&config.config.0, "", &mut open);
    open.sort();
    for (path, value) in open {
        add(&path);
        add(&value);
    }
    let digest = hasher.finalize().to_hex();
    format!("singer:{}:{}", config.program(), digest.get(..16).unwrap_or_default())
}

fn paths(json: &Json, at: &str, open: &mut Vec<(String, String)>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                let lower = name.to_lowercase();
                if !SECRET_NAMES.iter().any(|secret| lower.contains(secret)) {
                    paths(value, &format!("{at}/{name}"), open);
                }
            }
        }
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                paths(item, &format!("{at}/{place}"), open);
            }
        }
        Json::String(text) => open.push((at.to_owned(), bare(text))),
        leaf => open.push((at.to_owned(), leaf.to_string())),
    }
}

/// An address without the user, the password and the parameters in it; any other text as it is.
fn bare(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Scrub, identity};
    use crate::singer::SingerConfig;

    #[test]
    fn every_text_of_the_settings_is_taken_out_in_every_form() {
        let key = "-----BEGIN\nMIIBUgIBADAN\n-----END";
        let settings =
            json!({ "password": "s3cr\"et", "nested": [{ "pin": 123456 }], "key": key, "no": "id" });
        let scrub = Scrub::new(&SingerConfig::new("tap", settings));
        let told = "login s3cr\"et or \"s3cr\\\"et\" failed with 123456: id, MIIBUgIBADAN";
        let clean = scrub.clean(told);
        for secret in ["s3cr", "123456", "MIIB"] {
            assert!(!clean.contains(secret), "{clean}");
        }
        assert!(clean.contains("failed") && clean.contains("id"), "{clean}");
        assert!(!format!("{scrub:?}").contains("s3cr"));
    }

    #[test]
    fn a_new_secret_is_the_same_system_and_another_host_is_not() {
        let of = |settings| identity(&SingerConfig::new("/opt/tap-x", settings));
        let one = of(json!({ "host": "a", "access_token": "1", "nested": { "b": 1, "a": 2 } }));
        assert_eq!(one, of(json!({ "nested": { "a": 2, "b": 1 }, "host": "a", "access_token": "2" })));
        assert_ne!(one, of(json!({ "host": "b", "access_token": "1", "nested": { "b": 1, "a": 2 } })));
        assert!(one.starts_with("singer:tap-x:"), "{one}");
        let url = |url: &str| of(json!({ "sqlalchemy_url": url }));
        assert_eq!(url("pg://u:one@host/db?sslpassword=1"), url("pg://u:two@host/db"));
        assert_ne!(url("pg://u:one@host/db"), url("pg://u:one@host/other"));
    }
}
