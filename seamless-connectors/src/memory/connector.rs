//! The connector port over a system in memory: queries to rows, operations to changes. Keeps nothing of its own.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, End, Enumeration, Expects, FetchBy, FetchQuery, Finding,
    GoneProof, Lookup, Order, Page, PageStream, Proof, ReadQuery, Refusal, RefusalKind, Requirement, Target,
    Trigger, UniqueKey, Verb, WriteBatch, WriteOp, WriteOutcome, WriteReturns, paged,
};
use seamless_core::model::{
    ActionName, Condition, EntityName, Error, ErrorKind, Presence, RecordId, Result, Schema, Shape, Truth,
};

use super::client::{Memory, State, no_entity};
use super::config::Paging;
use super::cursor::feed;
use super::fault::{Call, Fault};
use super::table::{By, Row, Table, refuse};
use crate::place::Place;

#[async_trait]
impl Connector for Memory {
    fn info(&self) -> &ConnectorInfo {
        &self.inner.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let state = self.state();
        state.tables.get(entity).map(|table| table.config.capabilities.clone()).unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        Ok(self.state().tables.keys().cloned().collect())
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let state = self.state();
        let mut schema = Schema::default();
        for name in entities {
            let table = state.tables.get(name).ok_or_else(|| no_entity(name.as_str()))?;
            schema.entities.insert(name.clone(), table.config.schema.clone());
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let (start, fault, shape_problem) = {
            let mut state = self.state();
            state.counts.reads += 1;
            let start = state.start(&query)?;
            let table = state.table(query.entity.as_str())?;
            let problem = unknown_field(table, &query.shape);
            (start, state.faults.take(Call::Read), problem)
        };
        if let Some(problem) = shape_problem {
            return Err(problem);
        }
        let (system, query) = (self.clone(), Arc::new(query));
        let resumed = query.after.is_some();
        // The cursor's own place is what counts; the first page alone begins at what was decided above.
        let first = start.clone().cursor(&feed(&query.entity, &self.epoch()));
        let pages = paged(Some(first), move |after| {
            let page = system.page(&query, after, resumed);
            futures::future::ready(page)
        });
        Ok(match fault {
            Some(Fault::CutOff(count)) => Box::pin(pages.take(count)),
            Some(Fault::ReadFailsAfter(count, kind)) => {
                let error = Err(Error::new(kind, "the connection was lost"));
                Box::pin(pages.take(count).chain(futures::stream::iter([error])))
            }
            _ => pages,
        })
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let mut state = self.state();
        let fault = state.faults.take(Call::Fetch);
        let asked = match &query.by {
            FetchBy::Ids(ids) => ids.len(),
            FetchBy::Key { values, .. } => values.len(),
        };
        state.counts.lookups += asked as u64;
        state.counts.fetches += 1;
        match fault {
            Some(Fault::FetchFails(kind)) => return Err(Error::new(kind, "the look-up failed")),
            Some(_) => return Ok(std::iter::repeat_with(|| Lookup::Unanswered).take(asked).collect()),
            None => {}
        }
        let table = state.table(query.entity.as_str())?;
        if let Some(problem) = unknown_field(table, &query.shape) {
            return Err(problem);
        }
        match &query.by {
            FetchBy::Ids(ids) => Ok(ids.iter().map(|id| look_up(table, id, &query.shape)).collect()),
            FetchBy::Key { fields, values } => {
                let mut slots = Vec::with_capacity(fields.len());
                for name in fields {
                    slots.push(table.shape.slot(name.as_str()).ok_or_else(|| no_field(name.as_str()))?);
                }
                Ok(values.iter().map(|key| look_up_key(table, &slots, key, &query.shape)).collect())
            }
        }
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let hook = self.state().before_write.take();
        if let Some(act) = hook {
            act(self);
        }
        let fault = {
            let mut state = self.state();
            state.counts.batches += 1;
            state.counts.ops += batch.ops.len() as u64;
            let max = state.table(entity.as_str())?.config.capabilities.batch_max.get() as usize;
            if batch.ops.len() > max {
                return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
                    .at("entity", entity)
                    .with_remedy(format!("at most {max} are taken")));
            }
            let can = &state.table(entity.as_str())?.config.capabilities;
            let unknown =
                |name: &&String| !can.triggers.iter().any(|known| known.can_bypass && known.name == **name);
            if let Some(unknown) = batch.bypass.iter().find(unknown) {
                return Err(Error::new(ErrorKind::Unsupported, format!("{unknown:?} cannot be bypassed"))
                    .at("entity", entity));
            }
            state.faults.take(Call::Write)
        };
        let bypass = batch.bypass.clone();
        let lost = |batch: &WriteBatch| -> Vec<WriteOutcome> {
            let lost = || Error::new(ErrorKind::Unavailable, "the answer was lost").at("entity", entity);
            batch.ops.iter().map(|_| WriteOutcome::Ambiguous(lost())).collect()
        };
        Ok(match fault {
            None => self.apply(entity, &batch),
            Some(Fault::LostReply) => {
                self.apply(entity, &batch);
                lost(&batch)
            }
            Some(Fault::LateRequest) => {
                let answers = lost(&batch);
                self.state().late.push((entity.clone(), batch));
                answers
            }
            Some(Fault::WriteFails(kind)) => {
                return Err(Error::new(kind, "the write failed").at("entity", entity));
            }
            Some(Fault::Refused(why)) => batch.ops.iter().map(|_| ordered(&why)).collect(),
            Some(Fault::RefusedAt(place, why)) => {
                let mut ops = batch.ops;
                let refused = (place < ops.len()).then(|| ops.remove(place)).is_some();
                let mut outcomes = self.apply(entity, &WriteBatch { ops, bypass });
                if refused {
                    outcomes.insert(place, ordered(&why));
                }
                outcomes
            }
            Some(_) => lost(&batch),
        })
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let state = self.state();
        let unmet = |evidence: String, remedy: &str| Finding::Unmet {
            evidence,
            remedy: remedy.to_owned(),
            can_provision: false,
        };
        Ok(match need {
            Requirement::Reachable => Finding::Met("it lives in this process".to_owned()),
            Requirement::Readable(entity) | Requirement::Writable(entity) => match state.tables.get(entity) {
                None => unmet(format!("there is no entity {entity}"), "add it to the configuration"),
                Some(table)
                    if matches!(need, Requirement::Writable(_))
                        && !table.config.capabilities.is_writable() =>
                {
                    unmet(format!("{entity} takes no writes"), "raise its capabilities")
                }
                Some(table) => Finding::Met(format!("{entity} has {} records", table.rows.len())),
            },
            Requirement::Field(entity, field) => {
                let table = state.tables.get(entity);
                if table.is_some_and(|table| table.shape.slot(field.as_str()).is_some()) {
                    Finding::Met(format!("{entity} has the field {field}"))
                } else {
                    unmet(format!("{entity} has no field {field}"), "add it to the schema")
                }
            }
            other => Finding::Unknown(format!("this connector cannot check {other:?}")),
        })
    }
}

fn ordered(why: &RefusalKind) -> WriteOutcome {
    let error = Error::new(ErrorKind::Unavailable, "refused, as the test ordered");
    WriteOutcome::Refused(refuse(why.clone(), error))
}

fn no_field(field: &str) -> Error {
    Error::configuration("the entity has no such field").at("field", field)
}

fn unknown_field(table: &Table, shape: &Shape) -> Option<Error> {
    let unknown = shape.names().iter().find(|name| table.shape.slot(name.as_str()).is_none())?;
    Some(no_field(unknown.as_str()).at("entity", &table.config.schema.name))
}

impl State {
    /// Where a read begins.
    fn start(&mut self, query: &ReadQuery) -> Result<Place> {
        let epoch = self.epoch.to_string();
        let can = &self.table(query.entity.as_str())?.config.capabilities;
        let (changes, low_water) = (can.changes, can.low_water);
        let mark = RecordId::int(self.mark(low_water));
        let Some(cursor) = &query.after else { return Ok(Place::All { mark: Some(mark), key: None }) };
        let feed = feed(&query.entity, &epoch);
        match Place::read(cursor, &feed)? {
            Place::Changes { .. } if !changes => {
                Err(Error::new(ErrorKind::CursorExpired, "the entity has no feed of changes")
                    .at("entity", &query.entity))
            }
            Place::Changes { mark, .. } if !self.keeps(mark.as_int().unwrap_or(0)) => {
                Err(Error::new(ErrorKind::CursorExpired, "changes that old are not kept")
                    .at("entity", &query.entity))
            }
            place => Ok(place),
        }
    }
}

impl Memory {
    fn epoch(&self) -> String {
        self.state().epoch.to_string()
    }

    fn page(
        &self,
        query: &ReadQuery,
        after: Option<seamless_core::connector::Cursor>,
        resumed: bool,
    ) -> Result<Page> {
        self.act_before_page();
        let mut state = self.state();
        state.counts.pages += 1;
        state.enumerations += 1;
        let (epoch, serial) = (state.epoch.to_string(), state.enumerations);
        let feed = feed(&query.entity, &epoch);
        let (passed, complete_to) = (state.mark(false), state.mark(true));
        let table = state.table(query.entity.as_str())?;
        let place = match &after {
            Some(cursor) => Place::read(cursor, &feed)?,
            None => Place::All { mark: None, key: None },
        };
        Ok(match place {
            Place::Changes { mark, .. } => {
                let (changes, last, ended) = changes_after(table, query, mark.as_int().unwrap_or(0));
                // A feed in which nothing happened goes on as well, or its cursor would grow too old.
                let last = if ended { passed } else { last };
                let cursor = Place::Changes { mark: RecordId::int(last), key: None }.cursor(&feed);
                let complete = Place::Changes { mark: RecordId::int(complete_to), key: None };
                let low_water = table.config.capabilities.low_water.then(|| complete.cursor(&feed));
                Page { changes, cursor, end: ended.then_some(End::CaughtUp { low_water }) }
            }
            Place::All { mark, key } => {
                let (changes, last, ended) = match table.config.paging {
                    Paging::Key => records_after(table, query, key),
                    Paging::Offset => rows_from(table, query, key.and_then(|key| key.as_int()).unwrap_or(0)),
                };
                let begin = mark.clone().unwrap_or_else(|| RecordId::int(0));
                let begin_changes = Place::Changes { mark: begin, key: None }.cursor(&feed);
                let can = &table.config.capabilities;
                let end = ended.then(|| {
                    if resumed || !can.complete_enumeration {
                        return End::Partial;
                    }
                    End::Complete(Enumeration {
                        id: format!("{} {serial}", query.entity),
                        order: can.order,
                        changes_from: can.changes.then(|| begin_changes.clone()),
                    })
                });
                let cursor = if ended && can.changes {
                    begin_changes
                } else {
                    Place::All { mark, key: last }.cursor(&feed)
                };
                Page { changes, cursor, end }
            }
        })
    }

    /// Carries out a batch; one outcome per operation.
    pub(super) fn apply(&self, entity: &EntityName, batch: &WriteBatch) -> Vec<WriteOutcome> {
        let mut state = self.state();
        batch.ops.iter().map(|op| apply_one(&mut state, entity, op, &batch.bypass)).collect()
    }
}

fn changes_after(table: &Table, query: &ReadQuery, number: i64) -> (Vec<Change>, i64, bool) {
    let (mut changes, mut last) = (Vec::new(), number);
    let after = u64::try_from(number).unwrap_or(0).saturating_add(1);
    for (sequence, id) in table.feed.range(after..) {
        if changes.len() >= query.page_records_max.max(1) {
            return (changes, last, false);
        }
        last = i64::try_from(*sequence).unwrap_or(i64::MAX);
        match (table.rows.get(id), table.tombstones.get(id)) {
            (Some(row), _) if !row.hidden => {
                changes.push(Change::Upsert(table.show(id, row, &query.shape)));
            }
            (None, Some((_, tombstone))) if table.config.capabilities.tombstones => {
                changes.push(Change::Deleted(tombstone.clone()));
            }
            _ => {}
        }
    }
    (changes, last, true)
}

fn records_after(
    table: &Table,
    query: &ReadQuery,
    key: Option<RecordId>,
) -> (Vec<Change>, Option<RecordId>, bool) {
    use std::ops::Bound::{Excluded, Unbounded};
    let (mut changes, mut last) = (Vec::new(), key.clone());
    // Where no order is promised none is given by chance: the records then come backwards.
    let rows: Box<dyn Iterator<Item = (&RecordId, &Row)>> = match (table.config.capabilities.order, &key) {
        (Order::RecordId, None) => Box::new(table.rows.iter()),
        (Order::RecordId, Some(key)) => Box::new(table.rows.range((Excluded(key), Unbounded))),
        (Order::Unspecified, None) => Box::new(table.rows.iter().rev()),
        (Order::Unspecified, Some(key)) => Box::new(table.rows.range((Unbounded, Excluded(key))).rev()),
    };
    for (id, row) in rows {
        let always = query.condition == Condition::Always;
        if row.hidden || (!always && query.condition.holds(&row.record) == Truth::Out) {
            continue;
        }
        if changes.len() >= query.page_records_max.max(1) {
            return (changes, last, false);
        }
        last = Some(id.clone());
        changes.push(Change::Upsert(table.show(id, row, &query.shape)));
    }
    (changes, last, true)
}

/// Rows from this one on, in the order of their last change.
fn rows_from(table: &Table, query: &ReadQuery, offset: i64) -> (Vec<Change>, Option<RecordId>, bool) {
    let shown = table.feed.values().filter_map(|id| Some((id, table.rows.get(id)?)));
    let always = query.condition == Condition::Always;
    let mut shown = shown
        .filter(|(_, row)| !row.hidden && (always || query.condition.holds(&row.record) != Truth::Out))
        .skip(usize::try_from(offset).unwrap_or(usize::MAX))
        .peekable();
    let mut changes = Vec::new();
    while changes.len() < query.page_records_max.max(1) {
        let Some((id, row)) = shown.next() else { break };
        changes.push(Change::Upsert(table.show(id, row, &query.shape)));
    }
    let next = offset.saturating_add(i64::try_from(changes.len()).unwrap_or(i64::MAX));
    (changes, Some(RecordId::int(next)), shown.peek().is_none())
}

fn look_up(table: &Table, id: &RecordId, shape: &Arc<Shape>) -> Lookup {
    match table.rows.get(id) {
        Some(row) if !row.hidden => Lookup::Found(table.show(id, row, shape)),
        None if table.config.capabilities.gone_not_hidden => Lookup::Gone(GoneProof {
            id: id.clone(),
            seen: format!("record {id} is not in {}", table.config.schema.name),
        }),
        _ => Lookup::Hidden,
    }
}

fn look_up_key(
    table: &mut Table,
    slots: &[usize],
    key: &[seamless_core::model::Value],
    shape: &Arc<Shape>,
) -> Lookup {
    let mut ids = table.ids_by_key(slots, key);
    let to = table.searched_to.unwrap_or(u64::MAX);
    ids.retain(|id| table.rows.get(id).is_some_and(|row| !row.hidden && row.sequence <= to));
    ids.sort();
    match ids.as_slice() {
        [] => Lookup::Hidden,
        [one] => look_up(table, one, shape),
        _ => Lookup::Several(ids),
    }
}

fn apply_one(state: &mut State, entity: &EntityName, op: &WriteOp, bypass: &[String]) -> WriteOutcome {
    let tick = state.tick();
    let table = match state.table(entity.as_str()) {
        Ok(table) => table,
        Err(error) => return WriteOutcome::Refused(refuse(RefusalKind::Missing, error)),
    };
    if let Some((id, proof)) = table.done.get(&op.id) {
        return WriteOutcome::Applied { id: id.clone(), proof: proof.clone() };
    }
    let done = match (&op.verb, &op.target) {
        (Verb::Create, Target::New(id)) => create(table, op, id.as_ref(), tick),
        (Verb::Update, Target::Existing(id)) => update(table, op, id, tick),
        (Verb::Delete(_), Target::Existing(id)) => delete(table, op, id, tick),
        (Verb::Action(name), Target::Existing(id)) => act(table, op, name, id, tick),
        _ => {
            let error = Error::new(ErrorKind::Internal, "the operation and its target do not fit together");
            Err(refuse(RefusalKind::Invalid { field: None }, error))
        }
    };
    match done {
        Err(refusal) => WriteOutcome::Refused(refusal),
        Ok(id) => {
            let proof = proof(table, &id);
            if table.config.capabilities.idempotency_key {
                table.done.insert(op.id, (id.clone(), proof.clone()));
            }
            let set_off =
                |trigger: &&Trigger| trigger.on.contains(&op.verb.kind()) && !bypass.contains(&trigger.name);
            let triggers = table.config.capabilities.triggers.iter().filter(set_off);
            let fired: Vec<_> = triggers.map(|trigger| (trigger.name.clone(), id.clone())).collect();
            let room = Memory::FIRED_MAX.saturating_sub(state.fired.len());
            state.fired.extend(fired.into_iter().take(room));
            WriteOutcome::Applied { id, proof }
        }
    }
}

fn create(
    table: &mut Table,
    op: &WriteOp,
    id: Option<&RecordId>,
    tick: super::table::Tick,
) -> Result<RecordId, Refusal> {
    allowed(table.config.capabilities.create, "created")?;
    let chooses = table.config.capabilities.unique_key == UniqueKey::ClientChosenId;
    let by_key = table.config.ids == super::config::Ids::Key;
    table.create(id.filter(|_| chooses || by_key), &op.patch, By::Client, tick)
}

fn update(
    table: &mut Table,
    op: &WriteOp,
    id: &RecordId,
    tick: super::table::Tick,
) -> Result<RecordId, Refusal> {
    allowed(table.config.capabilities.update, "updated")?;
    let row = visible(table, id).ok_or_else(|| table.missing(id))?;
    refuse_stale(table, id, row, &op.expects)?;
    table.update(id, &op.patch, By::Client, tick)?;
    Ok(id.clone())
}

fn act(
    table: &mut Table,
    op: &WriteOp,
    name: &ActionName,
    id: &RecordId,
    tick: super::table::Tick,
) -> Result<RecordId, Refusal> {
    let row = visible(table, id).ok_or_else(|| table.missing(id))?;
    refuse_stale(table, id, row, &op.expects)?;
    table.act(id, name, tick)?;
    Ok(id.clone())
}

fn delete(
    table: &mut Table,
    op: &WriteOp,
    id: &RecordId,
    tick: super::table::Tick,
) -> Result<RecordId, Refusal> {
    allowed(table.config.capabilities.delete, "deleted")?;
    match visible(table, id) {
        Some(row) => {
            refuse_stale(table, id, row, &op.expects)?;
            table.remove(id, None, tick);
        }
        None if table.rows.contains_key(id) => return Err(table.missing(id)),
        None => {}
    }
    Ok(id.clone())
}

fn visible<'a>(table: &'a Table, id: &RecordId) -> Option<&'a Row> {
    table.rows.get(id).filter(|row| !row.hidden)
}

fn allowed(can: bool, what: &str) -> Result<(), Refusal> {
    if can {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Unsupported, format!("records cannot be {what} here"));
    Err(refuse(RefusalKind::Forbidden, error))
}

/// A system without conditional updates does not look at the precondition at all.
fn refuse_stale(table: &Table, id: &RecordId, row: &Row, expects: &Expects) -> Result<(), Refusal> {
    let holds = !table.config.capabilities.conditional_update
        || match expects {
            Expects::Anything => true,
            Expects::Missing => false,
            Expects::Version(version) => table.version(row).as_ref() == Some(version),
            Expects::Values(values) => values.fields().all(|(name, expected)| {
                expected == Presence::Absent || row.record.field(name.as_str()) == expected
            }),
        };
    if holds {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Conflict, format!("record {id} was changed by somebody else"))
        .at("entity", &table.config.schema.name);
    Err(refuse(RefusalKind::Stale, error))
}

fn proof(table: &Table, id: &RecordId) -> Proof {
    let Some(row) = table.rows.get(id) else { return Proof::None };
    match table.config.capabilities.write_returns {
        WriteReturns::Nothing => Proof::None,
        WriteReturns::Version => table.version(row).map_or(Proof::None, Proof::Version),
        WriteReturns::Stored => Proof::Stored(table.show(id, row, &table.shape)),
    }
}

/// Whether an operation happened.
pub(super) fn happened(outcome: &WriteOutcome) -> bool {
    matches!(outcome, WriteOutcome::Applied { .. })
}
