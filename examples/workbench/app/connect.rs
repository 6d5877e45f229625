//! From what an environment says to a connector: the registry of the SDK, and paths from the project's folder.

use std::path::Path;
use std::sync::Arc;

use seamless_connectors::registry::Registry;
use seamless_core::connector::Connector;
use seamless_core::model::Result;
use serde_json::Value;

/// The setting that names a file or folder, in every kind that has one.
const PATH: &str = "path";

/// Opens a connector of a kind. A relative path is relative to `base`.
///
/// Errors: an unknown kind, settings that the kind does not have; otherwise the connector's own.
pub(crate) fn open(kind: &str, mut config: Value, base: &Path) -> Result<Arc<dyn Connector>> {
    if let Some(path) = config.get_mut(PATH)
        && let Some(relative) = path.as_str()
    {
        *path = Value::from(base.join(relative).to_string_lossy().into_owned());
    }
    Registry::standard().open(kind, config)
}

/// The kinds that there are, for messages.
pub(crate) fn kinds() -> String {
    Registry::standard().kinds().collect::<Vec<_>>().join(", ")
}
