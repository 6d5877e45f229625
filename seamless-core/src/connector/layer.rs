//! Layers: connectors that wrap a connector.

use std::fmt;
use std::sync::Arc;

use super::Connector;

/// Wraps a connector into another one (retry, time-out, tracing, capture).
///
/// Contract: `info` is passed on; `capabilities` are passed on or lowered, never raised; the layer's page says which
/// facts of [`Connector`]'s contract it gives up.
pub trait Layer: fmt::Debug + Send + Sync {
    /// Wraps a connector.
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector>;
}

/// What users of connectors call; implemented for every connector.
pub trait ConnectorExt {
    /// Wraps this connector in a layer. The layer named last is the outermost one.
    fn layer(self, layer: &dyn Layer) -> Arc<dyn Connector>;
}

impl ConnectorExt for Arc<dyn Connector> {
    fn layer(self, layer: &dyn Layer) -> Arc<dyn Connector> {
        layer.wrap(self)
    }
}
