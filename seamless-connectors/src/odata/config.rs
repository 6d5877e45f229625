//! What a host says of a service: where it is, who we are, which entity sets are shown and what is known of them that their
//! metadata does not say. Read from JSON; unknown names are errors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use seamless_core::model::{Error, Result};
use serde::Deserialize;

use crate::http::{Auth, Limits};

/// The configuration of an OData service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ODataConfig {
    /// The root of the service: where `$metadata` is.
    pub url: String,
    /// What stands between the root and the entity sets, percent-encoded: `companies(0f..)`.
    #[serde(default)]
    pub path: Option<String>,
    /// Which environment this is. Otherwise the address and the path; say it where an address can change, or where a copy
    /// of an environment gets the address of the original.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it. Otherwise the host's name.
    #[serde(default)]
    pub label: Option<String>,
    /// Who we are.
    #[serde(default)]
    pub auth: Auth,
    /// Headers that every request has. No secrets: use `auth`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is known of the kind of service.
    #[serde(default)]
    pub profile: Profile,
    /// The entity sets that are shown. Otherwise all that have a key.
    #[serde(default)]
    pub entities: Option<Vec<String>>,
    /// What is so for every entity set.
    #[serde(default)]
    pub defaults: SetConfig,
    /// What is so for an entity set; it counts before `defaults`.
    #[serde(default)]
    pub sets: BTreeMap<String, SetConfig>,
    /// Whether nothing may be written.
    #[serde(default)]
    pub read_only: bool,
    /// How several operations are sent in one request. Otherwise JSON is tried, then multipart, then one by one.
    #[serde(default)]
    pub batch: BatchForm,
    /// Operations in one batch at most.
    #[serde(default = "batch_operations_max")]
    pub batch_operations_max: u32,
    /// Bytes of a batch at most. Servers refuse what is too large; then halves are sent.
    #[serde(default = "batch_bytes_max")]
    pub batch_bytes_max: usize,
    /// Records in a page at most, whatever is asked for.
    #[serde(default = "page_records_max")]
    pub page_records_max: usize,
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

fn batch_operations_max() -> u32 {
    100
}

fn batch_bytes_max() -> usize {
    90_000
}

fn page_records_max() -> usize {
    1_000
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

impl ODataConfig {
    /// A service at this address, with nothing said of it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            path: None,
            identity: None,
            label: None,
            auth: Auth::None,
            headers: BTreeMap::new(),
            profile: Profile::Generic,
            entities: None,
            defaults: SetConfig::default(),
            sets: BTreeMap::new(),
            read_only: false,
            batch: BatchForm::Auto,
            batch_operations_max: batch_operations_max(),
            batch_bytes_max: batch_bytes_max(),
            page_records_max: page_records_max(),
            answer_bytes_max: answer_bytes_max(),
            connect_timeout_ms: connect_timeout_ms(),
            idle_timeout_ms: idle_timeout_ms(),
            timeout_ms: timeout_ms(),
            insecure_http: false,
            ca_file: None,
        }
    }

    /// Says who we are.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Says what is so for an entity set.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, set: SetConfig) -> Self {
        self.sets.insert(name.into(), set);
        self
    }

    /// What holds for an entity set: what is said of it, then what is said of all, then what the profile knows.
    pub(super) fn of(&self, set: &str) -> SetConfig {
        let own = self.sets.get(set).cloned().unwrap_or_default();
        own.or(&self.defaults).or(&self.profile.defaults())
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            connect: Duration::from_millis(self.connect_timeout_ms),
            idle: Duration::from_millis(self.idle_timeout_ms),
            total: Duration::from_millis(self.timeout_ms),
            body_bytes_max: self.answer_bytes_max,
        }
    }

    /// Errors: limits of nothing, a path that cannot be one.
    pub(super) fn check(&self) -> Result<()> {
        if self.batch_operations_max == 0 || self.batch_bytes_max == 0 || self.page_records_max == 0 {
            return Err(Error::configuration("a limit of 0")
                .with_remedy("batch_operations_max, batch_bytes_max and page_records_max are 1 at least"));
        }
        let path = self.path.as_deref().unwrap_or_default();
        if path.starts_with('/')
            || path.contains([' ', '?', '#'])
            || path.contains("..")
            || path.contains("//")
        {
            return Err(Error::configuration("`path` is no path below the root of the service").with_remedy(
                "write it as it is sent, without a slash at its beginning: companies(0f..), %20 for a blank",
            ));
        }
        Ok(())
    }
}

/// What is known of an entity set beside its metadata. What is left out is decided by the defaults of the configuration,
/// then by its profile, then as said here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SetConfig {
    /// How all records are read. Otherwise by key, where the key has values that can be compared.
    #[serde(default)]
    pub paging: Option<Paging>,
    /// How changes are read. Otherwise not at all.
    #[serde(default)]
    pub changes: Option<Changes>,
    /// The field that says when a record was last changed.
    #[serde(default)]
    pub modified: Option<String>,
    /// How far a reading of changes goes back, in milliseconds: a change can be stored with an older stamp than one that was
    /// shown already. Otherwise 10,000.
    #[serde(default)]
    pub modified_window_ms: Option<u64>,
    /// Whether entities have an ETag that moves with every change and is checked. Otherwise as the metadata says
    /// (`Core.OptimisticConcurrency`).
    #[serde(default)]
    pub etag: Option<bool>,
    /// Whether a client chooses the key of a new record. Otherwise where the key is one text or GUID that is not computed.
    #[serde(default)]
    pub client_ids: Option<bool>,
    /// Whether a reading sees every write that ended before. Otherwise not.
    #[serde(default)]
    pub consistent_read: Option<bool>,
    /// Whether the account sees every record, so that one that is not found is gone. Otherwise not.
    #[serde(default)]
    pub proves_absence: Option<bool>,
    /// Whether a write gives the stored record back. Otherwise yes; where it turns out false, what is declared is lowered.
    #[serde(default)]
    pub returns: Option<bool>,
    /// Fields that are shown as what they hold, though they refer to records of another set.
    #[serde(default)]
    pub plain: Option<Vec<String>>,
    /// Navigation properties that are shown as lists of child records: they are read with their record (`$expand`), and written
    /// with it as a whole. Only where the service writes what stands inside a record (deep insert and deep update).
    #[serde(default)]
    pub children: Option<Vec<String>>,
    /// Fields that may be told nothing, beside those that the metadata names.
    #[serde(default)]
    pub read_only_fields: Option<Vec<String>>,
    /// Whether references are written as links (`name@odata.bind`) and not as the property that holds the key.
    #[serde(default)]
    pub binds: Option<bool>,
    /// Whether decimals and 64-bit numbers are written as texts, as `IEEE754Compatible` says. Otherwise yes: a server
    /// that reads them as binary numbers would round them.
    #[serde(default)]
    pub numbers_as_text: Option<bool>,
}

impl SetConfig {
    fn or(self, other: &SetConfig) -> SetConfig {
        SetConfig {
            paging: self.paging.or(other.paging),
            changes: self.changes.or(other.changes),
            modified: self.modified.or_else(|| other.modified.clone()),
            modified_window_ms: self.modified_window_ms.or(other.modified_window_ms),
            etag: self.etag.or(other.etag),
            client_ids: self.client_ids.or(other.client_ids),
            consistent_read: self.consistent_read.or(other.consistent_read),
            proves_absence: self.proves_absence.or(other.proves_absence),
            returns: self.returns.or(other.returns),
            plain: self.plain.or_else(|| other.plain.clone()),
            children: self.children.or_else(|| other.children.clone()),
            read_only_fields: self.read_only_fields.or_else(|| other.read_only_fields.clone()),
            binds: self.binds.or(other.binds),
            numbers_as_text: self.numbers_as_text.or(other.numbers_as_text),
        }
    }
}

/// How all records of a set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Paging {
    /// In the order of the key, each page after the last key. Complete whatever changes meanwhile.
    Key,
    /// By the links that the server gives. Complete only where they are not counted from the start: `server_stable`.
    Server,
    /// As `server`, where the server's links go on after a record and not after a number of records.
    ServerStable,
}

/// How changes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Changes {
    /// Not at all: all records are read each time.
    None,
    /// By the field `modified`. Deletions do not show.
    Modified,
    /// By the links of the service (`odata.track-changes`). Deletions show.
    Delta,
}

/// How several operations are sent in one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BatchForm {
    /// What the service takes.
    #[default]
    Auto,
    /// As JSON (version 4.01).
    Json,
    /// As parts of one message.
    Multipart,
    /// Not at all: one request each.
    None,
}

/// What is known of a kind of service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// Nothing but the standard.
    #[default]
    Generic,
    /// Dynamics 365 Sales and other apps on Dataverse: `https://org.crm.dynamics.com/api/data/v9.2/`.
    #[serde(rename = "dynamics365-sales")]
    Dynamics365Sales,
    /// Business Central, API v2.0, with `path: companies(id)`.
    BusinessCentral,
}

impl Profile {
    fn defaults(self) -> SetConfig {
        match self {
            Profile::Generic => SetConfig::default(),
            Profile::Dynamics365Sales => SetConfig {
                paging: Some(Paging::ServerStable),
                modified: Some("modifiedon".to_owned()),
                etag: Some(true),
                client_ids: Some(true),
                consistent_read: Some(true),
                binds: Some(true),
                numbers_as_text: Some(false),
                ..SetConfig::default()
            },
            Profile::BusinessCentral => SetConfig {
                paging: Some(Paging::ServerStable),
                modified: Some("lastModifiedDateTime".to_owned()),
                etag: Some(true),
                client_ids: Some(false),
                consistent_read: Some(true),
                ..SetConfig::default()
            },
        }
    }

    /// How the service takes several operations in one request.
    pub(super) fn batch(self) -> BatchForm {
        match self {
            Profile::Generic => BatchForm::Auto,
            Profile::Dynamics365Sales => BatchForm::Multipart,
            Profile::BusinessCentral => BatchForm::Json,
        }
    }
}
