//! What a host says of a system beside the declaration of its API: where it is, who we are, how long anything may take. Read
//! from JSON; unknown names are errors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::http::{Auth, Limits};

/// The configuration of a system that is read and written by a declared API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RestConfig {
    /// The file with the declaration of the API, in YAML or JSON.
    pub declaration: PathBuf,
    /// The root of the API, where it is not the one that the declaration names.
    #[serde(default)]
    pub url: Option<String>,
    /// Which environment this is. Otherwise the address; say it where an address can change, or where a copy of an
    /// environment gets the address of the original.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it. Otherwise the name in the declaration.
    #[serde(default)]
    pub label: Option<String>,
    /// Who we are.
    #[serde(default)]
    pub auth: Auth,
    /// Headers that every request has beside those of the declaration. No secrets: use `auth`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The entities that are shown. Otherwise all that are declared.
    #[serde(default)]
    pub entities: Option<Vec<String>>,
    /// Whether nothing may be written.
    #[serde(default)]
    pub read_only: bool,
    /// Bytes of an answer at most, decoded.
    #[serde(default = "answer_bytes_max")]
    pub answer_bytes_max: usize,
    /// Milliseconds until a connection is there.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Milliseconds without a byte.
    #[serde(default = "idle_timeout_ms")]
    pub idle_timeout_ms: u64,
    /// Milliseconds for a request and its answer.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// Allows an address that is not encrypted. Credentials and records can be read on the way.
    #[serde(default)]
    pub insecure_http: bool,
    /// A file with certificates of authorities that are trusted beside those of the machine.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

fn answer_bytes_max() -> usize {
    64 << 20
}

fn connect_timeout_ms() -> u64 {
    10_000
}

fn idle_timeout_ms() -> u64 {
    60_000
}

fn timeout_ms() -> u64 {
    120_000
}

impl RestConfig {
    /// The API that a file declares, with nothing else said.
    pub fn new(declaration: impl Into<PathBuf>) -> Self {
        Self {
            declaration: declaration.into(),
            url: None,
            identity: None,
            label: None,
            auth: Auth::None,
            headers: BTreeMap::new(),
            entities: None,
            read_only: false,
            answer_bytes_max: answer_bytes_max(),
            connect_timeout_ms: connect_timeout_ms(),
            idle_timeout_ms: idle_timeout_ms(),
            timeout_ms: timeout_ms(),
            insecure_http: false,
            ca_file: None,
        }
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            connect: Duration::from_millis(self.connect_timeout_ms),
            idle: Duration::from_millis(self.idle_timeout_ms),
            total: Duration::from_millis(self.timeout_ms),
            body_bytes_max: self.answer_bytes_max,
        }
    }
}
