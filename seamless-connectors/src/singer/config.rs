//! How a tap is run. Knows nothing of what it says. The door is [`SingerConfig`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use seamless_core::model::{Error, FieldKind, Result};
use serde::Deserialize;
use serde_json::Value as Json;

/// Longest wait that a configuration can ask for: a day. A larger number is a mistake.
const SECONDS_MAX: u64 = 24 * 60 * 60;

/// A tap: the program, its own settings, and what is known of its streams.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingerConfig {
    /// The program: a path, or a name that is looked for in `PATH`.
    pub command: PathBuf,
    /// Arguments before those that every tap takes. Every user of the machine can see them: no secrets here.
    #[serde(default)]
    pub args: Vec<String>,
    /// The tap's own settings, given to it as a file (`--config`). Their texts are kept out of errors.
    #[serde(default)]
    pub config: TapSettings,
    /// The catalog, in place of asking the tap for one.
    #[serde(default)]
    pub catalog: Option<Json>,
    /// The argument before the catalog's file; old taps call it `--properties`.
    #[serde(default = "catalog_flag")]
    pub catalog_flag: String,
    /// What is known of streams, by the name in the catalog (`tap_stream_id`). Only these are shown; all where none is named.
    #[serde(default)]
    pub streams: BTreeMap<String, StreamConfig>,
    /// Names of environment variables that the tap sees, beside those that programs need to start (`PATH`, `HOME`, the
    /// language, the time zone and the folder for temporary files).
    #[serde(default)]
    pub variables: Vec<String>,
    /// The folder that the tap runs in; this process's where nothing is said.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Seconds without any output after which a tap is given up; 300 where nothing is said.
    #[serde(default = "silence_seconds")]
    pub silence_seconds: u64,
    /// Seconds that a run is waited for in all; six hours where nothing is said. Time in which nobody asks for the next page
    /// does not count.
    #[serde(default = "total_seconds")]
    pub total_seconds: u64,
    /// Milliseconds that a tap has to end by itself when its pipes are closed, before it is killed; 2,000 where nothing is said.
    #[serde(default = "grace_ms")]
    pub grace_ms: u64,
    /// The identity that state is bound to: an account, a database. Where nothing is said it is worked out from the command and the
    /// settings, without those whose names speak of secrets.
    #[serde(default)]
    pub identity: Option<String>,
    /// What people call it; the program's name where nothing is said.
    #[serde(default)]
    pub label: Option<String>,
}

/// A tap's own settings. They hold secrets: their debug print shows nothing.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct TapSettings(pub Json);

impl fmt::Debug for TapSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TapSettings(***)")
    }
}

/// What is known of one stream beside its catalog entry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// A run without a state gives every record that is there. Only who knows the tap can say that; without it a full reading
    /// proves nothing of what it did not show.
    #[serde(default)]
    pub complete: bool,
    /// Deletions come, as records with `_sdc_deleted_at`.
    #[serde(default)]
    pub tombstones: bool,
    /// How the stream is replicated, in place of what the catalog says.
    #[serde(default)]
    pub replication: Option<Replication>,
    /// The field that incremental replication goes by, in place of what the catalog says.
    #[serde(default)]
    pub replication_key: Option<String>,
    /// The key fields, in place of what the catalog says.
    #[serde(default)]
    pub key: Vec<String>,
    /// The field that says when a record was last changed.
    #[serde(default)]
    pub modified: Option<String>,
    /// Kinds of fields, in place of what the catalog says.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldKind>,
}

/// How a tap replicates a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replication {
    /// Everything, every time: no feed of changes.
    FullTable,
    /// What has a replication key beyond the last one. A change that does not move that key is never seen, nor is a deletion.
    Incremental,
    /// From the system's own log of changes.
    LogBased,
}

impl Replication {
    /// As catalogs write it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Replication::FullTable => "FULL_TABLE",
            Replication::Incremental => "INCREMENTAL",
            Replication::LogBased => "LOG_BASED",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Self> {
        [Replication::FullTable, Replication::Incremental, Replication::LogBased]
            .into_iter()
            .find(|method| method.word().eq_ignore_ascii_case(word))
    }

    /// Whether a state leads on to what changed since.
    pub(super) fn has_changes(self) -> bool {
        self != Replication::FullTable
    }
}

fn catalog_flag() -> String {
    "--catalog".to_owned()
}

fn silence_seconds() -> u64 {
    300
}

fn total_seconds() -> u64 {
    6 * 60 * 60
}

fn grace_ms() -> u64 {
    2_000
}

/// How long a tap is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) silence: Duration,
    pub(super) total: Duration,
    pub(super) grace: Duration,
}

impl SingerConfig {
    /// A tap with these settings, everything else by default.
    pub fn new(command: impl Into<PathBuf>, settings: Json) -> Self {
        Self {
            command: command.into(),
            args: Vec::new(),
            config: TapSettings(settings),
            catalog: None,
            catalog_flag: catalog_flag(),
            streams: BTreeMap::new(),
            variables: Vec::new(),
            folder: None,
            silence_seconds: silence_seconds(),
            total_seconds: total_seconds(),
            grace_ms: grace_ms(),
            identity: None,
            label: None,
        }
    }

    /// With an argument before those that every tap takes.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// With what is known of a stream.
    #[must_use]
    pub fn stream(mut self, name: impl Into<String>, stream: StreamConfig) -> Self {
        self.streams.insert(name.into(), stream);
        self
    }

    /// How long the tap is waited for.
    ///
    /// Errors: a wait of no time at all, or of more than a day.
    pub(super) fn patience(&self) -> Result<Patience> {
        for (name, seconds) in [
            ("silence_seconds", self.silence_seconds),
            ("total_seconds", self.total_seconds),
            ("grace_ms", self.grace_ms.div_ceil(1_000)),
        ] {
            if seconds == 0 || seconds > SECONDS_MAX {
                return Err(Error::configuration(format!("`{name}` is {seconds} seconds"))
                    .with_remedy(format!("take something between one second and {SECONDS_MAX}")));
            }
        }
        Ok(Patience {
            silence: Duration::from_secs(self.silence_seconds),
            total: Duration::from_secs(self.total_seconds),
            grace: Duration::from_millis(self.grace_ms),
        })
    }

    /// What people call the program.
    pub(super) fn program(&self) -> String {
        let name = self.command.file_name().unwrap_or(self.command.as_os_str());
        name.to_string_lossy().into_owned()
    }
}
