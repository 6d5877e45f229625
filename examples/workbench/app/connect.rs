//! From what an environment says to a connector. The one place that knows which kinds there are.

use std::path::Path;
use std::sync::Arc;

use seamless_connectors::sqlite::{Sqlite, SqliteConfig};
use seamless_core::connector::Connector;
use seamless_core::model::{Error, Result};
use serde_json::Value;

/// The kinds that there are.
const KINDS: &[&str] = &["sqlite"];

/// Opens a connector of a kind. Relative paths are relative to `base`.
///
/// Errors: configuration - an unknown kind, fields that the kind does not have; otherwise the connector's own.
pub(crate) fn open(kind: &str, config: Value, base: &Path) -> Result<Arc<dyn Connector>> {
    let wrong = |cause: serde_json::Error| {
        Error::configuration(format!("a connector of kind {kind} cannot be made of this: {cause}"))
    };
    match kind {
        "sqlite" => {
            let mut config: SqliteConfig = serde_json::from_value(config).map_err(wrong)?;
            config.path = base.join(&config.path);
            Ok(Arc::new(Sqlite::open(config)?))
        }
        _ => Err(Error::configuration(format!("there is no connector of kind `{kind}`"))
            .with_remedy(format!("the kinds are {}", KINDS.join(", ")))),
    }
}

/// The kinds that there are, for messages.
pub(crate) fn kinds() -> String {
    KINDS.join(", ")
}
