//! Mask: values of named fields never leave the system. They are read as unreadable, or the field is not there at all; writes
//! that name one are refused, a look-up by one is too, and a filter by one is not sent. For personal data that an integration
//! does not need, and for reports and recordings that others may see.
//!
//! Gives up: the fields that are masked, and nothing of the others. A record's id is shown as it is: where the id is made of a
//! masked key field, the id still tells it. Fields of child records are masked with the whole list only.

use std::collections::BTreeMap;
use std::sync::Arc;

use seamless_core::connector::{Connector, Layer};
use seamless_core::model::{EntityName, FieldName};

use super::veil::{Sight, Sights, Veil};

/// How a masked field shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    /// The schema has it, read-only; its values are unreadable. Rules that carry it rest.
    Unreadable,
    /// The schema does not have it. A mapping that names it is told so.
    LeftOut,
}

/// The layer.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    fields: BTreeMap<EntityName, BTreeMap<FieldName, Masked>>,
}

impl Mask {
    /// Masks nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Masks a field of an entity.
    #[must_use]
    pub fn field(mut self, entity: impl Into<EntityName>, field: impl Into<FieldName>, how: Masked) -> Self {
        self.fields.entry(entity.into()).or_default().insert(field.into(), how);
        self
    }
}

impl Layer for Mask {
    fn wrap(&self, inner: Arc<dyn Connector>) -> Arc<dyn Connector> {
        Arc::new(Veil { inner, sights: Arc::new(self.clone()) })
    }
}

impl Sights for Mask {
    fn entity(&self, _: &EntityName) -> bool {
        true
    }

    fn field(&self, entity: &EntityName, field: &FieldName) -> Sight {
        match self.fields.get(entity).and_then(|fields| fields.get(field)) {
            None => Sight::Clear,
            Some(Masked::Unreadable) => Sight::Unreadable,
            Some(Masked::LeftOut) => Sight::Gone,
        }
    }

    fn read_only(&self) -> bool {
        false
    }

    fn remedy(&self) -> &'static str {
        "the field is masked; take it out of the mapping, or out of the mask"
    }
}
