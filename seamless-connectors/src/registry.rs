//! Connectors from configuration: a kind by name, and its settings as JSON. Explicit: a registry is a value that a host
//! makes and fills; nothing registers itself, and no process-wide state is touched. The door is [`Registry::open`].
//!
//! ```
//! use seamless_connectors::registry::Registry;
//!
//! let registry = Registry::standard();
//! let error = registry.open("sqlte", serde_json::json!({ "path": "x.db" })).unwrap_err();
//! # #[cfg(feature = "sqlite")]
//! assert!(error.to_string().contains("did you mean \"sqlite\"?"));
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use seamless_core::clock::SystemClock;
use seamless_core::connector::{Connector, ConnectorExt};
use seamless_core::model::{Entity, Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::layers::{settings, standard};
use crate::memory::{EntityConfig, Ids, Memory, MemoryConfig};
use crate::option_sets::OptionSets;

/// How alike two names must be for one to be offered for the other; below, the guess would confuse.
const ALIKE_MIN: f64 = 0.75;

type Open = Box<dyn Fn(Json) -> Result<Arc<dyn Connector>> + Send + Sync>;

/// A setting that every kind has, beside those of the [layers](crate::layers).
const OPTION_SETS: &str = "option_sets";

struct Kind {
    settings: &'static [&'static str],
    open: Open,
}

/// Kinds of connectors by name.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<String, Kind>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}

/// A system in memory, from configuration: empty entities of these schemas, ids from the key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemorySettings {
    name: String,
    entities: Vec<Entity>,
}

impl Registry {
    /// A registry that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry of the connectors of this crate that its features switch on: `memory`, `csv`, `jsonl`, `excel`,
    /// `sqlite`, `postgres`, `odata`, `rest`, `singer`.
    pub fn standard() -> Self {
        let mut registry = Self::new();
        registry.register("memory", &["name", "entities"], |settings: MemorySettings| {
            let mut config = MemoryConfig::new(&settings.name);
            for entity in settings.entities {
                let ids = if entity.key.is_empty() { Ids::Counted } else { Ids::Key };
                config = config.entity(EntityConfig::new(entity).ids(ids));
            }
            Ok(Arc::new(Memory::new(config)?))
        });
        #[cfg(feature = "csv")]
        registry.register(
            "csv",
            &["path", "read_only", "schemas", "keys", "identity", "label", "delimiter", "null"],
            |config| Ok(Arc::new(crate::csv::Csv::open(config)?)),
        );
        #[cfg(feature = "jsonl")]
        registry.register(
            "jsonl",
            &["path", "read_only", "schemas", "keys", "identity", "label"],
            |config| Ok(Arc::new(crate::jsonl::Jsonl::open(config)?)),
        );
        #[cfg(feature = "rest")]
        registry.register(
            "rest",
            &[
                "declaration",
                "url",
                "identity",
                "label",
                "auth",
                "headers",
                "entities",
                "read_only",
                "answer_bytes_max",
                "connect_timeout_ms",
                "idle_timeout_ms",
                "timeout_ms",
                "insecure_http",
                "ca_file",
            ],
            |config| Ok(Arc::new(crate::rest::Rest::open(config)?)),
        );
        #[cfg(feature = "sqlite")]
        registry.register(
            "sqlite",
            &["path", "read_only", "create", "identity", "label", "entities", "tables", "busy_timeout_ms"],
            |config| Ok(Arc::new(crate::sqlite::Sqlite::open(config)?)),
        );
        #[cfg(feature = "postgres")]
        registry.register(
            "postgres",
            &[
                "host",
                "port",
                "database",
                "user",
                "password",
                "tls",
                "schemas",
                "entities",
                "tables",
                "read_only",
                "identity",
                "label",
                "statement_timeout_ms",
                "connect_timeout_ms",
            ],
            |config| Ok(Arc::new(crate::postgres::Postgres::open(config)?)),
        );
        #[cfg(feature = "odata")]
        registry.register(
            "odata",
            &[
                "url",
                "path",
                "identity",
                "label",
                "auth",
                "headers",
                "profile",
                "entities",
                "defaults",
                "sets",
                "read_only",
                "batch",
                "batch_operations_max",
                "batch_bytes_max",
                "page_records_max",
                "answer_bytes_max",
                "connect_timeout_ms",
                "idle_timeout_ms",
                "timeout_ms",
                "insecure_http",
                "ca_file",
            ],
            |config| Ok(Arc::new(crate::odata::OData::open(config)?)),
        );
        #[cfg(feature = "excel")]
        registry.register(
            "excel",
            &["path", "read_only", "schemas", "keys", "header_rows", "identity", "label"],
            |config| Ok(Arc::new(crate::excel::Excel::open(config)?)),
        );
        #[cfg(feature = "singer")]
        registry.register(
            "singer",
            &[
                "command",
                "args",
                "config",
                "catalog",
                "catalog_flag",
                "streams",
                "variables",
                "folder",
                "silence_seconds",
                "total_seconds",
                "grace_ms",
                "identity",
                "label",
            ],
            |config| Ok(Arc::new(crate::singer::Singer::open(config)?)),
        );
        registry
    }

    /// Adds a kind, or replaces it. `settings` are the names at the top of its configuration, for messages about names
    /// that are not among them; `C` should refuse unknown names further down (`deny_unknown_fields`).
    pub fn register<C: DeserializeOwned>(
        &mut self,
        kind: &str,
        settings: &'static [&'static str],
        open: impl Fn(C) -> Result<Arc<dyn Connector>> + Send + Sync + 'static,
    ) {
        let name = kind.to_owned();
        let open: Open = Box::new(move |json| {
            let config = serde_json::from_value(json).map_err(|problem| {
                Error::configuration(format!("the configuration cannot be read: {problem}"))
                    .at("connector", &name)
            })?;
            open(config)
        });
        self.kinds.insert(kind.to_owned(), Kind { settings, open });
    }

    /// The kinds, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Connects. Every kind takes the setting `option_sets`: fields by entity whose options are shown as records, see
    /// [`option_sets`](crate::option_sets); and `limits` and `retry`, either of which wraps the connector into the
    /// [recommended stack](mod@crate::layers::standard) on the machine's clock. May block for the time that opening a file or database takes.
    ///
    /// Errors: [`ErrorKind::NotFound`] for a kind that is not there, [`ErrorKind::Configuration`] for settings that the
    /// kind does not have or cannot read, both with what may have been meant; and what the connector itself says.
    pub fn open(&self, kind: &str, mut config: Json) -> Result<Arc<dyn Connector>> {
        let Some(found) = self.kinds.get(kind) else {
            let known: Vec<&str> = self.kinds().collect();
            return Err(Error::new(ErrorKind::NotFound, format!("there is no connector {kind:?}"))
                .with_remedy(meant(kind, &known)));
        };
        let Json::Object(settings) = &mut config else {
            return Err(
                Error::configuration("the configuration of a connector is an object").at("connector", kind)
            );
        };
        let shown = settings.remove(OPTION_SETS).map(|named| option_sets(kind, named)).transpose()?;
        let (limits, retry) = (settings.remove(settings::LIMITS), settings.remove(settings::RETRY));
        let options = settings::options(limits, retry).map_err(|error| error.at("connector", kind))?;
        if let Some(unknown) = settings.keys().find(|name| !found.settings.contains(&name.as_str())) {
            return Err(Error::configuration(format!("there is no setting {unknown:?}"))
                .at("connector", kind)
                .with_remedy(meant(unknown, found.settings)));
        }
        let connector = (found.open)(config)?;
        let connector = match options {
            Some(options) => standard(connector, Arc::new(SystemClock::new()), options),
            None => connector,
        };
        Ok(match shown {
            Some(sets) => connector.layer(&sets),
            None => connector,
        })
    }
}

/// The option sets that are shown as entities: fields by entity.
fn option_sets(kind: &str, named: Json) -> Result<OptionSets> {
    let named: BTreeMap<String, Vec<String>> = serde_json::from_value(named).map_err(|problem| {
        Error::configuration(format!("`{OPTION_SETS}` cannot be read: {problem}"))
            .at("connector", kind)
            .with_remedy("name fields by entity: { \"account\": [\"paymenttermscode\"] }")
    })?;
    let fields = named.iter().flat_map(|(entity, fields)| fields.iter().map(move |field| (entity, field)));
    Ok(OptionSets::of(fields.map(|(entity, field)| (entity.as_str(), field.as_str()))))
}

/// What may have been meant by a name.
fn meant(name: &str, known: &[&str]) -> String {
    let alike = known.iter().map(|known| (strsim::jaro_winkler(name, known), known));
    match alike.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, nearest)) if likeness >= ALIKE_MIN => format!("did you mean {nearest:?}?"),
        _ => format!("there are {}", known.join(", ")),
    }
}
