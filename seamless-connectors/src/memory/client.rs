//! The handle of a system in memory: what its users do, and what tests order. Knows nothing of the connector port;
//! that is `connector`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use seamless_core::connector::{Capabilities, ConnectorInfo, Refusal, Versioned, WriteBatch};
use seamless_core::model::{
    EntityName, Error, ErrorKind, Record, RecordId, Result, Shape, Timestamp, Value, record,
};

use super::config::MemoryConfig;
use super::fault::{Fault, Faults};
use super::table::{By, Table, Tick};

/// A system in memory and its connector. Clones are handles to the same system.
#[derive(Clone)]
pub struct Memory {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) info: ConnectorInfo,
    state: Mutex<State>,
}

/// Called once before the next write is looked at.
pub(super) type Hook = Box<dyn FnOnce(&Memory) + Send>;

pub(super) struct State {
    pub(super) tables: BTreeMap<EntityName, Table>,
    pub(super) sequence: u64,
    pub(super) enumerations: u64,
    pub(super) epoch: u64,
    pub(super) faults: Faults,
    pub(super) late: Vec<(EntityName, WriteBatch)>,
    pub(super) before_write: Option<Hook>,
    pub(super) before_page: Option<(u64, Hook)>,
    pub(super) begun: Vec<Open>,
    pub(super) kept: Option<u64>,
    pub(super) counts: Counts,
    /// What writes set off, the first of them.
    pub(super) fired: Vec<(String, RecordId)>,
    now: Option<Timestamp>,
}

/// A change in a transaction that is not committed yet.
pub(super) struct Open {
    pub(super) entity: EntityName,
    pub(super) id: RecordId,
    pub(super) record: Record,
    pub(super) tick: Tick,
}

/// How often a connector was called, for tests that promise silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads begun.
    pub reads: u64,
    /// Pages given.
    pub pages: u64,
    /// Records looked up.
    pub lookups: u64,
    /// Calls that looked them up.
    pub fetches: u64,
    /// Batches written.
    pub batches: u64,
    /// Operations written, refused ones included.
    pub ops: u64,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Memory").field(&self.inner.info.identity).finish()
    }
}

impl State {
    /// The moment of the next change: a sequence number, and a stamp that grows with it unless a test set the time.
    pub(super) fn tick(&mut self) -> Tick {
        self.sequence += 1;
        // 2024-01-01T00:00:00Z, and a second more for every change.
        let counted = 1_704_067_200 + i64::try_from(self.sequence).unwrap_or(i64::MAX / 4);
        let now = self.now.or_else(|| Timestamp::from_timestamp(counted, 0)).unwrap_or_default();
        Tick { sequence: self.sequence, now }
    }

    pub(super) fn table(&mut self, entity: &str) -> Result<&mut Table> {
        self.tables.get_mut(entity).ok_or_else(|| no_entity(entity))
    }
}

pub(super) fn no_entity(entity: &str) -> Error {
    Error::new(ErrorKind::NotFound, "the system has no such entity").at("entity", entity)
}

pub(super) fn refused(refusal: Refusal) -> Error {
    refusal.error
}

impl Memory {
    /// A system without records.
    ///
    /// Errors: an entity twice, or a key of fields that the entity lacks.
    pub fn new(config: MemoryConfig) -> Result<Self> {
        let info =
            ConnectorInfo { system: "memory".to_owned(), identity: config.identity, label: config.label };
        let mut tables = BTreeMap::new();
        for entity in config.entities {
            let name = entity.schema.name.clone();
            if tables.insert(name.clone(), Table::new(entity)?).is_some() {
                return Err(Error::configuration("an entity is configured twice").at("entity", &name));
            }
        }
        let state = State {
            tables,
            sequence: 0,
            enumerations: 0,
            epoch: 1,
            faults: Faults::default(),
            late: Vec::new(),
            before_write: None,
            before_page: None,
            begun: Vec::new(),
            kept: None,
            counts: Counts::default(),
            fired: Vec::new(),
            now: None,
        };
        Ok(Self { inner: Arc::new(Inner { info, state: Mutex::new(state) }) })
    }

    /// A user makes a record. Without an id the system chooses it.
    ///
    /// Errors: what a user would be refused: a value that does not fit, a unique key that is taken.
    pub fn insert(&self, entity: &str, id: Option<RecordId>, values: &[(&str, Value)]) -> Result<RecordId> {
        let record = named(values)?;
        let mut state = self.state();
        let tick = state.tick();
        state.table(entity)?.create(id.as_ref(), &record, By::User, tick).map_err(refused)
    }

    /// A user makes many records; about a microsecond or two each. Those before one that is refused stay.
    ///
    /// Errors: as [`Memory::insert`].
    pub fn insert_all(
        &self,
        entity: &str,
        records: impl IntoIterator<Item = (Option<RecordId>, Record)>,
    ) -> Result<()> {
        let mut state = self.state();
        for (id, record) in records {
            let tick = state.tick();
            state.table(entity)?.create(id.as_ref(), &record, By::User, tick).map_err(refused)?;
        }
        Ok(())
    }

    /// A user changes fields of a record.
    ///
    /// Errors: as [`Memory::insert`], and a record that is not there.
    pub fn edit(&self, entity: &str, id: &RecordId, values: &[(&str, Value)]) -> Result<()> {
        let record = named(values)?;
        let mut state = self.state();
        let tick = state.tick();
        state.table(entity)?.update(id, &record, By::User, tick).map_err(refused)
    }

    /// A user does an action of the system's own on a record.
    ///
    /// Errors: no such action or record; the action's own refusal.
    pub fn act(&self, entity: &str, id: &RecordId, action: &str) -> Result<()> {
        let mut state = self.state();
        let tick = state.tick();
        state.table(entity)?.act(id, &action.into(), tick).map_err(refused)
    }

    /// A user deletes a record; false when it was not there.
    ///
    /// Errors: no such entity.
    pub fn delete(&self, entity: &str, id: &RecordId) -> Result<bool> {
        let mut state = self.state();
        let tick = state.tick();
        Ok(state.table(entity)?.remove(id, None, tick))
    }

    /// A user merges a record into another one, which the tombstone then names; false when the loser was not there.
    ///
    /// Errors: no such entity.
    pub fn merge(&self, entity: &str, loser: &RecordId, winner: &RecordId) -> Result<bool> {
        let mut state = self.state();
        let tick = state.tick();
        Ok(state.table(entity)?.remove(loser, Some(winner.clone()), tick))
    }

    /// Hides a record from the connector or shows it again. Like a permission, this moves no version and no stamp;
    /// false when the record is not there.
    ///
    /// Errors: no such entity.
    pub fn hide(&self, entity: &str, id: &RecordId, hidden: bool) -> Result<bool> {
        let mut state = self.state();
        let row = state.table(entity)?.rows.get_mut(id);
        Ok(row.map(|row| row.hidden = hidden).is_some())
    }

    /// Makes a field unreadable for the connector, or readable again.
    ///
    /// Errors: no such entity or field.
    pub fn deny(&self, entity: &str, field: &str, denied: bool) -> Result<()> {
        let mut state = self.state();
        let table = state.table(entity)?;
        let slot = table.shape.slot(field).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the entity has no such field").at("field", field)
        })?;
        if denied {
            table.unreadable.insert(slot)
        } else {
            table.unreadable.remove(&slot)
        };
        Ok(())
    }

    /// Changes what an entity can do from now on. The unique fields that are enforced stay those of the beginning.
    ///
    /// Errors: no such entity.
    pub fn set_capabilities(&self, entity: &str, change: impl FnOnce(&mut Capabilities)) -> Result<()> {
        let mut state = self.state();
        change(&mut state.table(entity)?.config.capabilities);
        Ok(())
    }

    /// Changes the schema of an entity. Records lose the values of fields that go, and have the default, or null, in
    /// fields that come; neither moves a version or a stamp. Takes a copy of the records when fields come or go.
    ///
    /// Errors: no such entity; a key of fields that are not there.
    pub fn set_schema(&self, schema: seamless_core::model::Entity) -> Result<()> {
        let mut state = self.state();
        let table = state.table(schema.name.as_str())?;
        let same = schema.fields.iter().map(|field| &field.name).eq(table.shape.names());
        if same {
            table.config.schema = schema;
            return Ok(());
        }
        *table = table.with_schema(schema)?;
        Ok(())
    }

    /// A record as it is, all fields, hidden or not.
    pub fn get(&self, entity: &str, id: &RecordId) -> Option<Versioned> {
        let state = self.state();
        let table = state.tables.get(entity)?;
        table.rows.get(id).map(|row| table.show(id, row, &table.shape))
    }

    /// One value of a record; `None` where there is no such record or field.
    pub fn value(&self, entity: &str, id: &RecordId, field: &str) -> Option<Value> {
        let state = self.state();
        let row = state.tables.get(entity)?.rows.get(id)?;
        row.record.field(field).value().map(|value| value.to_value())
    }

    /// All records of an entity in the order of their ids, all fields, hidden ones included. Empty where there is no
    /// such entity.
    pub fn rows(&self, entity: &str) -> Vec<Versioned> {
        let state = self.state();
        let Some(table) = state.tables.get(entity) else { return Vec::new() };
        table.rows.iter().map(|(id, row)| table.show(id, row, &table.shape)).collect()
    }

    /// How many records an entity has.
    pub fn count(&self, entity: &str) -> usize {
        self.state().tables.get(entity).map_or(0, |table| table.rows.len())
    }

    /// Orders a fault; see [`Fault`].
    pub fn fail_next(&self, fault: Fault) {
        self.state().faults.order(fault);
    }

    /// Forgets the faults that were ordered and have not happened.
    pub fn fail_no_more(&self) {
        self.state().faults = Faults::default();
    }

    /// Runs this once, before the next write looks at any record: a user who is faster.
    pub fn before_next_write(&self, act: impl FnOnce(&Memory) + Send + 'static) {
        self.state().before_write = Some(Box::new(act));
    }

    /// Carries out the writes that [`Fault::LateRequest`] delayed; how many operations happened.
    pub fn deliver_late(&self) -> usize {
        let late = std::mem::take(&mut self.state().late);
        let outcomes = late.iter().map(|(entity, batch)| self.apply(entity, batch));
        outcomes.flatten().filter(super::connector::happened).count()
    }

    /// Makes every cursor that was given so far worthless, as after a restore of the system.
    pub fn expire_cursors(&self) {
        self.state().epoch += 1;
    }

    /// Sets the time that modified stamps show; `None`: a second more for every change.
    pub fn set_time(&self, now: Option<Timestamp>) {
        self.state().now = now;
    }

    /// How often the connector was called.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// What writes of clients set off ([`Capabilities::triggers`]), with the record, in their order; the first
    /// [`FIRED_MAX`](Self::FIRED_MAX).
    pub fn fired(&self) -> Vec<(String, RecordId)> {
        self.state().fired.clone()
    }

    /// So many are kept for [`Memory::fired`].
    pub const FIRED_MAX: usize = 100_000;

    /// Nothing that holds the lock can panic half-way through a change, so a poisoned lock is as good as any.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn named(values: &[(&str, Value)]) -> Result<Record> {
    let shape = Shape::new(values.iter().map(|(name, _)| (*name).into()))?;
    record(&shape, values.iter().map(|(name, value)| ((*name).into(), value.clone().into())))
}
