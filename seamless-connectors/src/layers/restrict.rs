//! Restrict: only these entities and fields, or no writes: what a host allows an integration whatever its mapping file says and
//! whatever the account of the system may do.
//!
//! Gives up: what is not allowed. It is not there (entities, fields) or not supported (writes), and nothing of it is asked of
//! the system.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use seamless_core::connector::{Connector, Layer};
use seamless_core::model::{EntityName, FieldName};

use super::veil::{Sight, Sights, Veil};

/// The layer. The default allows everything.
#[derive(Clone, Debug, Default)]
pub struct Restrict {
    /// `None`: all; of an entity `None`: all its fields.
    entities: Option<BTreeMap<EntityName, Option<BTreeSet<FieldName>>>>,
    read_only: bool,
}

impl Restrict {
    /// No writes.
    pub fn read_only() -> Self {
        Self { entities: None, read_only: true }
    }

    /// Allows this entity, with all its fields, beside those that are named otherwise, and no other.
    #[must_use]
    pub fn entity(mut self, entity: impl Into<EntityName>) -> Self {
        self.entities.get_or_insert_default().insert(entity.into(), None);
        self
    }

    /// Allows this entity with these fields, beside those that are named otherwise, and no other. The key should be among
    /// them.
    #[must_use]
    pub fn fields<N: Into<FieldName>>(
        mut self,
        entity: impl Into<EntityName>,
        fields: impl IntoIterator<Item = N>,
    ) -> Self {
        let fields = fields.into_iter().map(Into::into).collect();
        self.entities.get_or_insert_default().insert(entity.into(), Some(fields));
        self
    }
}

impl Layer for Restrict {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Veil { inner, sights: Arc::new(self.clone()) })
    }
}

impl Sights for Restrict {
    fn entity(&self, entity: &EntityName) -> bool {
        self.entities.as_ref().is_none_or(|entities| entities.contains_key(entity))
    }

    fn field(&self, entity: &EntityName, field: &FieldName) -> Sight {
        match self.entities.as_ref().and_then(|entities| entities.get(entity)) {
            Some(Some(fields)) if !fields.contains(field) => Sight::Gone,
            _ => Sight::Clear,
        }
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn remedy(&self) -> &'static str {
        "the host restricts this connection; ask whoever runs it to allow more"
    }
}
