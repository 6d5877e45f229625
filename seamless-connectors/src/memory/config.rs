//! How a system in memory is set up: its entities, what each can do, who chooses ids. Knows nothing of records.

use std::num::NonZeroU32;

use seamless_core::connector::{Capabilities, Order};
use seamless_core::model::{CanonicalForm, Entity, EntityAction, FieldName, Record, Value};

use super::action::{ActionConfig, Deed};

/// A system in memory.
#[derive(Clone, Debug)]
pub struct MemoryConfig {
    /// Its identity; state is bound to it.
    pub identity: String,
    /// What people call it.
    pub label: String,
    /// Its entities.
    pub entities: Vec<EntityConfig>,
}

impl MemoryConfig {
    /// A system without entities; its identity is `memory:` and the name.
    pub fn new(name: &str) -> Self {
        Self { identity: format!("memory:{name}"), label: name.to_owned(), entities: Vec::new() }
    }

    /// Adds an entity.
    #[must_use]
    pub fn entity(mut self, entity: EntityConfig) -> Self {
        self.entities.push(entity);
        self
    }
}

/// Who chooses the id of a new record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// The system counts 1, 2, 3. Where the entity has a key of one field, the field holds the number (as text in a
    /// text field). An id that the client chose counts only under [`UniqueKey::ClientChosenId`](seamless_core::connector::UniqueKey::ClientChosenId).
    Counted,
    /// The values of the key fields; a client-chosen id fills those that the record does not say.
    Key,
}

/// How everything is enumerated, page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// Each page begins after the last record of the one before it.
    Key,
    /// Each page begins at a number of rows, in the order of their last change: a row that is changed meanwhile moves,
    /// and another one is never shown. Truthful only without complete enumeration and without an order;
    /// [`EntityConfig::paged_by_offset`] sets both.
    Offset,
}

/// What a field is worked out from; called with the record as it is stored.
pub type Computation = fn(&Record) -> Value;

/// Says why a record may not be updated by clients as it is.
pub type Lock = fn(&Record) -> Option<String>;

/// One entity of a system in memory.
#[derive(Clone, Debug)]
pub struct EntityConfig {
    /// Its schema. Length, scale, options, required, read-only and unique fields are enforced.
    pub schema: Entity,
    /// What it can do; it behaves truthfully to this.
    pub capabilities: Capabilities,
    /// Who chooses ids.
    pub ids: Ids,
    /// Whether records have versions.
    pub versions: bool,
    /// Whether records have modified stamps.
    pub modified: bool,
    /// What the system makes of values when it stores them (it trims, truncates, rounds), whoever writes them.
    pub stores_as: Vec<(FieldName, CanonicalForm)>,
    /// How everything is enumerated.
    pub paging: Paging,
    /// Values that a template puts into new records, whatever the client says.
    pub on_create: Vec<(FieldName, Value)>,
    /// Fields that are worked out anew whenever the record is stored, whatever the client says.
    pub computed: Vec<(FieldName, Computation)>,
    /// The system's own verbs.
    pub actions: Vec<ActionConfig>,
    /// Why clients may not update a record as it is, in words; `None`: they may.
    pub locked: Option<Lock>,
}

impl EntityConfig {
    /// An entity that can everything ([`full_capabilities`]), counts ids, and has versions and stamps.
    pub fn new(schema: Entity) -> Self {
        Self {
            schema,
            capabilities: full_capabilities(),
            ids: Ids::Counted,
            versions: true,
            modified: true,
            stores_as: Vec::new(),
            paging: Paging::Key,
            on_create: Vec::new(),
            computed: Vec::new(),
            actions: Vec::new(),
            locked: None,
        }
    }

    /// Changes what it can do.
    #[must_use]
    pub fn capable(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Says who chooses ids.
    #[must_use]
    pub fn ids(mut self, ids: Ids) -> Self {
        self.ids = ids;
        self
    }

    /// Says what the system makes of a field's values.
    #[must_use]
    pub fn stores_as(mut self, field: impl Into<FieldName>, form: CanonicalForm) -> Self {
        self.stores_as.push((field.into(), form));
        self
    }

    /// Enumerates by offset, and claims neither an order nor that an enumeration is complete.
    #[must_use]
    pub fn paged_by_offset(mut self) -> Self {
        self.paging = Paging::Offset;
        self.capable(|can| {
            can.order = Order::Unspecified;
            can.complete_enumeration = false;
        })
    }

    /// Says what a template puts into a field of every new record.
    #[must_use]
    pub fn on_create(mut self, field: impl Into<FieldName>, value: Value) -> Self {
        self.on_create.push((field.into(), value));
        self
    }

    /// Adds an action that moves a field from one of these states to another one. The schema declares it.
    #[must_use]
    pub fn moves<const N: usize>(self, name: &str, field: &str, from: [&str; N], to: &str) -> Self {
        let declared = EntityAction {
            field: Some(field.into()),
            from: from.iter().copied().map(Value::text).collect(),
            to: Some(Value::text(to)),
            ..EntityAction::named(name)
        };
        self.declares(ActionConfig { declared, does: None })
    }

    /// Adds an action that does what a function says. The schema declares its name.
    #[must_use]
    pub fn acts(self, name: &str, does: Deed) -> Self {
        self.declares(ActionConfig { declared: EntityAction::named(name), does: Some(does) })
    }

    /// Refuses updates of clients to records in certain states.
    #[must_use]
    pub fn locks(mut self, lock: Lock) -> Self {
        self.locked = Some(lock);
        self
    }

    fn declares(mut self, action: ActionConfig) -> Self {
        self.schema.actions.push(action.declared.clone());
        self.actions.push(action);
        self
    }

    /// Says what a field is worked out from. Whether clients may write it all the same is the schema's to say.
    #[must_use]
    pub fn computes(mut self, field: impl Into<FieldName>, computation: Computation) -> Self {
        self.computed.push((field.into(), computation));
        self
    }
}

/// Everything: C1 to C8, changes, ordered enumeration, all writes, idempotency keys, 1,000 operations a batch.
pub fn full_capabilities() -> Capabilities {
    let batch_max = NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN);
    Capabilities { batch_max, ..Capabilities::full() }
}
