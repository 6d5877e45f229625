//! A tap for tests: a shell script that writes prepared messages, and goes on behind the state that it is given.
#![allow(clippy::unwrap_used, dead_code)]

use std::path::PathBuf;

use seamless_connectors::singer::{SingerConfig, StreamConfig};
use serde_json::{Value as Json, json};

/// What every script does with its arguments. `$config`, `$catalog` and `$state` are the files then.
const HEAD: &str = r#"
dir=$(dirname "$0")
while [ $# -gt 0 ]; do
    case "$1" in
        --discover) cat "$dir/catalog.json"; exit 0 ;;
        --config) config=$2; shift ;;
        --catalog) catalog=$2; shift ;;
        --state) state=$2; shift ;;
    esac
    shift
done
"#;

/// Writes the schema, then the messages behind the state. A state says after how many messages it came.
const MESSAGES: &str = r#"
from=0
if [ -n "$state" ]; then from=$(sed 's/.*"at":\([0-9]*\).*/\1/' "$state"); fi
head -n 1 "$dir/messages"
tail -n "+$((from + 2))" "$dir/messages"
"#;

/// A folder with the script in it.
pub(crate) struct FakeTap {
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn record(json: Json) -> String {
    json!({ "type": "RECORD", "stream": "customer", "record": json }).to_string()
}

impl FakeTap {
    /// A tap of one stream with these properties, keyed by `id`, that writes these lines behind its schema. `STATE` stands for
    /// a state of its place.
    pub(crate) fn new<S: AsRef<str>>(properties: Json, lines: &[S]) -> Self {
        let tap = Self { folder: tempfile::tempdir().unwrap() };
        tap.says(properties.clone());
        let schema = json!({ "type": "SCHEMA", "stream": "customer", "schema": { "properties": properties }, "key_properties": ["id"] });
        let mut messages = format!("{schema}\n");
        for (place, line) in lines.iter().enumerate() {
            match line.as_ref() {
                "STATE" => {
                    messages.push_str(&json!({ "type": "STATE", "value": { "at": place + 1 } }).to_string())
                }
                line => messages.push_str(line),
            }
            messages.push('\n');
        }
        tap.put("messages", messages.as_bytes());
        tap.runs(MESSAGES);
        tap
    }

    /// The catalog from now on.
    pub(crate) fn says(&self, properties: Json) {
        let of = |name: &str| {
            json!({ "tap_stream_id": name, "stream": name, "schema": { "type": "object", "properties": properties },
                    "metadata": [{ "breadcrumb": [], "metadata": { "table-key-properties": ["id"] } }] })
        };
        self.put("catalog.json", json!({ "streams": [of("customer"), of("other")] }).to_string().as_bytes());
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the script does with a run, in place of writing the messages.
    pub(crate) fn runs(&self, body: &str) {
        self.put("tap.sh", format!("{HEAD}{body}").as_bytes());
    }

    /// Writes the messages, then does this.
    pub(crate) fn runs_then(&self, body: &str) {
        self.runs(&format!("{MESSAGES}{body}"));
    }

    /// The tap with settings, and what is known of its stream.
    pub(crate) fn config(&self, known: StreamConfig) -> SingerConfig {
        let settings = json!({ "password": "s3cret-of-the-tap", "start": "2024-01-01" });
        SingerConfig::new("sh", settings)
            .arg(self.path("tap.sh").to_str().unwrap())
            .stream("customer", known)
            .stream("other", StreamConfig::default())
    }
}
