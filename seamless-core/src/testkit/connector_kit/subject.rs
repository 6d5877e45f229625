//! What the bodies of cases work with: two clients of the system, its declaration and schema, and the calls as short words.
//! Knows no case. What it makes it notes in the ledger, and [`Subject::tidy`] puts everything back.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::{Either, select};

use super::bench::Bench;
use super::claim::claim;
use super::ledger::{Ledger, Watched};
use super::sample::sample;
use super::verdict::{Held, Stop, brief, broken, hold, skip};
use crate::connector::{
    Capabilities, Change, Connector, Cursor, DeleteGround, End, Expects, FetchBy, FetchQuery, Lookup, Page,
    ReadQuery, Target, UniqueKey, Verb, Versioned, WriteBatch, WriteOp, WriteOutcome,
};
use crate::model::{
    ActionId, Condition, Entity, Field, FieldKind, FieldName, KeyPart, Presence, Record, RecordId, Result,
    Shape, Slot, Value, record,
};

/// How often a system without consistent reads is asked until it shows what was written.
const LOOKS_MAX: u32 = 20;

pub(super) struct Subject {
    pub(super) bench: Bench,
    pub(super) connector: Arc<dyn Connector>,
    pub(super) other: Arc<dyn Connector>,
    pub(super) can: Capabilities,
    pub(super) entity: Entity,
    pub(super) shape: Arc<Shape>,
    pub(super) ledger: Arc<Ledger>,
    /// A token of this run, so that operation ids of two runs differ.
    namespace: String,
}

impl Subject {
    pub(super) async fn open(bench: &Bench) -> Result<Self, Stop> {
        let ledger = Arc::<Ledger>::default();
        let secrets: Arc<[String]> = bench.secrets.clone().into();
        let watch = |inner| -> Arc<dyn Connector> {
            Arc::new(Watched { inner, ledger: Arc::clone(&ledger), secrets: Arc::clone(&secrets) })
        };
        let connector = watch((bench.open)().await?);
        let other = watch((bench.open)().await?);
        let can = connector.capabilities(&bench.entity);
        let mut schema = connector.discover(std::slice::from_ref(&bench.entity)).await?;
        let entity = schema.entities.remove(&bench.entity).ok_or_else(|| {
            broken(
                "`discover` answers with the entity that it was asked for",
                "the entity is not in the schema",
            )
        })?;
        let shape = Shape::new(entity.fields.iter().map(|field| field.name.clone()))?;
        let namespace = bench.namespace.clone().unwrap_or_else(|| "kit".to_owned());
        Ok(Self { bench: bench.clone(), connector, other, can, entity, shape, ledger, namespace })
    }

    /// Puts back what the last case changed and deletes what it made; what could not be put back, in words.
    pub(super) async fn tidy(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (id, record) in self.ledger.take_lent() {
            let op = self.update(&id, record, Expects::Anything);
            match self.write(vec![op]).await.map(|mut outcomes| outcomes.pop()) {
                Ok(Some(WriteOutcome::Applied { .. })) => {}
                other => left.push(format!("record {id} has not got its values back: {}", brief(&other))),
            }
        }
        for id in self.ledger.standing() {
            let gone = match self.can.delete {
                true => self
                    .write(vec![self.delete(&id, Expects::Anything)])
                    .await
                    .map(|mut outcomes| outcomes.pop()),
                false => Err(skip("delete is not declared")),
            };
            if !matches!(gone, Ok(Some(WriteOutcome::Applied { .. }))) {
                self.ledger.give_up(&id);
                left.push(format!("record {id}: {}", brief(&gone)));
            }
        }
        left
    }

    // Fields and values.

    /// The fields that may be written and that the kit has values for.
    pub(super) fn writable(&self) -> impl Iterator<Item = &Field> {
        let named = |field: &Field| match &self.bench.writes {
            Some(names) => names.contains(&field.name),
            None => true,
        };
        let free =
            |field: &Field| !field.read_only && !field.computed && !self.entity.key.contains(&field.name);
        self.entity
            .fields
            .iter()
            .filter(move |field| named(field) && free(field) && self.value(field, 1).is_some())
    }

    /// A writable field of a kind that is neither unique nor part of a unique key; text without a limit comes first.
    pub(super) fn field(&self, is: impl Fn(&FieldKind) -> bool) -> Option<&Field> {
        let in_key = |field: &Field| {
            let fields = match &self.can.unique_key {
                UniqueKey::Fields(fields) => fields.contains(&field.name),
                _ => false,
            };
            fields || field.unique || self.entity.unique.iter().any(|set| set.contains(&field.name))
        };
        let room = |field: &&Field| match &field.kind {
            FieldKind::Text { length_max } => length_max.unwrap_or(u32::MAX),
            _ => 0,
        };
        self.writable().filter(|field| is(&field.kind) && !in_key(field)).max_by_key(room)
    }

    /// A writable text field, the longest.
    pub(super) fn text_field(&self) -> Result<&Field, Stop> {
        let is_text = |kind: &FieldKind| matches!(kind, FieldKind::Text { .. });
        self.field(is_text).ok_or_else(|| skip("no text field may be written"))
    }

    /// A writable field with many different values; text, where there is one.
    pub(super) fn any_field(&self) -> Result<&Field, Stop> {
        let found = self.field(|kind| matches!(kind, FieldKind::Text { .. }));
        let differs = |field: &&Field| self.value(field, 1) != self.value(field, 2);
        let other = || self.writable().find(|field| !field.unique && differs(field));
        found
            .or_else(other)
            .ok_or_else(|| skip("no field may be written that the kit has different values for"))
    }

    /// Two different writable fields.
    pub(super) fn two_fields(&self) -> Result<(&Field, &Field), Stop> {
        let one = self.any_field()?;
        let two = self.writable().find(|field| field.name != one.name && !field.unique);
        two.map(|two| (one, two)).ok_or_else(|| skip("only one field may be written"))
    }

    /// A value of a field.
    pub(super) fn value(&self, field: &Field, number: u64) -> Option<Value> {
        match self.bench.samples.get(&field.name) {
            Some(make) => Some(make(number)),
            None => sample(field, &self.namespace, number),
        }
    }

    /// A value that no call of this run had before.
    pub(super) fn fresh(&self, field: &Field) -> Result<Value, Stop> {
        self.value(field, self.ledger.serial())
            .ok_or_else(|| skip(format!("no values for {} are known", field.name)))
    }

    /// What the system makes of a value, as the author says.
    pub(super) fn stored(&self, field: &FieldName, value: &Value) -> Value {
        match self.bench.forms.get(field) {
            Some(form) => form.apply(value.as_ref()),
            None => value.clone(),
        }
    }

    /// Whether a record holds this value, or what the system makes of it.
    pub(super) fn holds(&self, found: &Versioned, field: &FieldName, value: &Value) -> bool {
        let held = found.record.field(field.as_str()).value().map(|held| held.to_value());
        held.is_some_and(|held| held == *value || self.stored(field, &held) == self.stored(field, value))
    }

    pub(super) fn patch<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a FieldName, Value)>,
    ) -> Result<Record, Stop> {
        let values: Vec<(FieldName, Slot)> =
            values.into_iter().map(|(name, value)| (name.clone(), Slot::Value(value))).collect();
        let shape = Shape::new(values.iter().map(|(name, _)| name.clone()))?;
        Ok(record(&shape, values)?)
    }

    // Operations.

    pub(super) fn op(&self, target: Target, verb: Verb, patch: Record, expects: Expects) -> WriteOp {
        let serial = self.ledger.serial();
        let id = ActionId::derive(&[self.namespace.as_bytes(), &serial.to_le_bytes()]);
        WriteOp { id, target, verb, patch, expects }
    }

    pub(super) fn update(&self, id: &RecordId, patch: Record, expects: Expects) -> WriteOp {
        self.op(Target::Existing(id.clone()), Verb::Update, patch, expects)
    }

    pub(super) fn delete(&self, id: &RecordId, expects: Expects) -> WriteOp {
        let nothing = Record::absent(&self.shape);
        self.op(Target::Existing(id.clone()), Verb::Delete(DeleteGround::LeftScope), nothing, expects)
    }

    pub(super) fn create(&self, id: Option<RecordId>, patch: Record) -> WriteOp {
        self.op(Target::New(id), Verb::Create, patch, Expects::Missing)
    }

    /// Sends operations as one batch, and holds the connector to one outcome each.
    pub(super) async fn write(&self, ops: Vec<WriteOp>) -> Result<Vec<WriteOutcome>, Stop> {
        let asked = ops.len();
        let outcomes = self.connector.write(&self.entity.name, WriteBatch { ops }).await?;
        hold(outcomes.len() == asked, "`write` gives one outcome for each operation", || {
            format!("{} outcomes for {asked} operations", outcomes.len())
        })?;
        Ok(outcomes)
    }

    /// Sends one operation.
    pub(super) async fn send(&self, op: WriteOp) -> Result<WriteOutcome, Stop> {
        self.write(vec![op]).await?.pop().ok_or_else(|| broken("one outcome for each operation", "none"))
    }

    /// Changes a field and holds the connector to it.
    pub(super) async fn put(&self, id: &RecordId, field: &FieldName, value: Value) -> Held {
        let patch = self.patch([(field, value)])?;
        match self.send(self.update(id, patch, Expects::Anything)).await? {
            WriteOutcome::Applied { .. } => Ok(()),
            other => self.can_not_update(&other),
        }
    }

    fn can_not_update(&self, outcome: &WriteOutcome) -> Held {
        claim(false, &self.can, |can| can.update = false, || format!("an update gave {}", brief(outcome)))
    }

    /// Another user changes a field.
    pub(super) async fn edit_elsewhere(&self, id: &RecordId, field: &FieldName, value: Value) -> Held {
        let patch = self.patch([(field, value)])?;
        if let Some(user) = &self.bench.user
            && user.edit(id, &patch).await?
        {
            return Ok(());
        }
        let ops = vec![self.update(id, patch, Expects::Anything)];
        let outcomes = self.other.write(&self.entity.name, WriteBatch { ops }).await?;
        match outcomes.first() {
            Some(WriteOutcome::Applied { .. }) => Ok(()),
            other => Err(broken("a second client can write as well", brief(&other))),
        }
    }

    // Records to work with.

    /// Whether the kit makes its own records.
    pub(super) fn makes(&self) -> bool {
        self.bench.namespace.is_some() && self.can.create
    }

    /// The id for a new record; `None` where the system chooses it.
    pub(super) fn new_id(&self) -> Result<Option<RecordId>, Stop> {
        match (&self.can.unique_key, &self.bench.ids) {
            (_, Some(make)) => Ok(Some(make(self.ledger.serial()))),
            (UniqueKey::ClientChosenId, None) => self.well_formed(self.ledger.serial()).map(Some),
            (_, None) => Ok(None),
        }
    }

    fn well_formed(&self, number: u64) -> Result<RecordId, Stop> {
        let key = self
            .entity
            .key
            .first()
            .and_then(|name| self.entity.field(name.as_str()))
            .map(|field| &field.kind);
        match (self.entity.key.len(), key) {
            (1, Some(FieldKind::Int)) => {
                Ok(RecordId::int(900_000_000_i64.saturating_add(i64::try_from(number).unwrap_or(0))))
            }
            (0, _) | (1, Some(FieldKind::Text { .. })) => {
                Ok(RecordId::text(&format!("{}-{number:04}", self.namespace)))
            }
            _ => Err(skip("the bench must say how ids are made (Bench::ids)")),
        }
    }

    /// A well-formed id that no record has.
    pub(super) async fn absent_id(&self) -> Result<RecordId, Stop> {
        let number = self.ledger.serial();
        let id = match (&self.bench.absent_ids, &self.bench.ids) {
            (Some(make), _) | (None, Some(make)) => make(number),
            (None, None) => match self.known_id().await?.map(|id| id.parts()) {
                Some(mut parts) => {
                    match parts.last_mut() {
                        Some(KeyPart::Int(key)) => *key = 900_000_000 + i64::try_from(number).unwrap_or(0),
                        Some(KeyPart::Text(key)) => *key = format!("{}-{number:04}", self.namespace).into(),
                        None => {}
                    }
                    RecordId::of_parts(&parts)
                }
                None => self.well_formed(number)?,
            },
        };
        Ok(self.ledger.absent(id))
    }

    async fn known_id(&self) -> Result<Option<RecordId>, Stop> {
        if let Some(id) = self.bench.nominated.first() {
            return Ok(Some(id.clone()));
        }
        let mut pages = self.connector.read(self.query(None, 1)).await?;
        let first = pages.next().await.transpose()?;
        Ok(first.and_then(|page| page.changes.first().and_then(id_of)))
    }

    /// The values that a new record needs: what is required, what is unique, and one that tells it from others.
    pub(super) fn birth(&self, more: &[(&FieldName, Value)]) -> Result<Record, Stop> {
        let number = self.ledger.serial();
        let mut values: BTreeMap<&FieldName, Value> = BTreeMap::new();
        let chosen = self.can.unique_key == UniqueKey::ClientChosenId || self.bench.ids.is_some();
        for field in &self.entity.fields {
            let unique =
                matches!(&self.can.unique_key, UniqueKey::Fields(fields) if fields.contains(&field.name));
            let key = self.entity.key.contains(&field.name);
            let needed = (field.required && field.default.is_none()) || field.unique || unique;
            if field.read_only || field.computed || !needed || (key && chosen) {
                continue;
            }
            let value = self.value(field, number);
            values.insert(
                &field.name,
                value.ok_or_else(|| {
                    skip(format!("the bench must say what {} can hold (Bench::sample)", field.name))
                })?,
            );
        }
        if let Ok(field) = self.any_field() {
            values.entry(&field.name).or_insert(self.fresh(field)?);
        }
        values.extend(more.iter().map(|(name, value)| (*name, value.clone())));
        self.patch(values)
    }

    /// Makes records.
    pub(super) async fn make(&self, count: usize) -> Result<Vec<RecordId>, Stop> {
        let mut births = Vec::with_capacity(count);
        for _ in 0..count {
            births.push((self.new_id()?, self.birth(&[])?));
        }
        self.bear(births).await
    }

    /// Makes a record with these values beside the necessary ones.
    pub(super) async fn make_one(&self, values: &[(&FieldName, Value)]) -> Result<RecordId, Stop> {
        let birth = (self.new_id()?, self.birth(values)?);
        self.bear(vec![birth]).await?.pop().ok_or_else(|| broken("one record is made", "none"))
    }

    async fn bear(&self, births: Vec<(Option<RecordId>, Record)>) -> Result<Vec<RecordId>, Stop> {
        if !self.makes() {
            return Err(skip(
                "records may not be made: the bench names no scratch namespace, or create is not declared",
            ));
        }
        let chosen: Vec<RecordId> = births.iter().filter_map(|(id, _)| id.clone()).collect();
        if let Some(Lookup::Found(found)) =
            self.look_up(&chosen).await?.into_iter().find(|answer| matches!(answer, Lookup::Found(_)))
        {
            return Err(skip(format!("record {} is there already: choose another namespace", found.id)));
        }
        let mut made = Vec::with_capacity(births.len());
        let ops: Vec<WriteOp> = births.into_iter().map(|(id, patch)| self.create(id, patch)).collect();
        let mut rest = ops.into_iter().peekable();
        while rest.peek().is_some() {
            let batch: Vec<WriteOp> = rest.by_ref().take(self.can.batch_max.get() as usize).collect();
            for outcome in self.write(batch).await? {
                match outcome {
                    WriteOutcome::Applied { id, .. } => made.push(id),
                    other => claim(
                        false,
                        &self.can,
                        |can| can.create = false,
                        || format!("a create gave {}", brief(&other)),
                    )?,
                }
            }
        }
        Ok(made)
    }

    /// Records to change: new ones where they may be made, otherwise nominated ones, which get their values back.
    pub(super) async fn records(&self, count: usize) -> Result<Vec<RecordId>, Stop> {
        if self.makes() {
            return self.make(count).await;
        }
        let ids: Vec<RecordId> = self.bench.nominated.iter().take(count).cloned().collect();
        if ids.len() < count {
            return Err(skip(format!("{count} records to change are needed; {} are nominated", ids.len())));
        }
        let names: Vec<FieldName> = self.writable().map(|field| field.name.clone()).collect();
        let shape = Shape::new(names)?;
        for id in &ids {
            let found = self.found(id).await?;
            self.ledger.lend(id, readable(&found.record.reshaped(&shape)));
        }
        Ok(ids)
    }

    /// One record to change.
    pub(super) async fn one(&self) -> Result<RecordId, Stop> {
        self.records(1).await?.pop().ok_or_else(|| skip("no record to change"))
    }

    /// Makes records where that is allowed, so that there is something to read.
    pub(super) async fn stock(&self, count: usize) -> Held {
        if self.makes() {
            self.make(count).await?;
        }
        Ok(())
    }

    // Reading.

    pub(super) fn query(&self, after: Option<Cursor>, page_records_max: usize) -> ReadQuery {
        let (entity, shape) = (self.entity.name.clone(), Arc::clone(&self.shape));
        ReadQuery { entity, shape, condition: Condition::Always, after, page_records_max }
    }

    /// The pages of a reading to its end.
    pub(super) async fn pages(&self, query: ReadQuery) -> Result<Vec<Page>, Stop> {
        let mut stream = self.connector.read(query).await?;
        let (mut pages, mut records): (Vec<Page>, usize) = (Vec::new(), 0);
        while let Some(page) = stream.next().await {
            let page = page?;
            records += page.changes.len();
            if records > self.bench.records_max {
                return Err(skip(format!(
                    "more than {} records (Bench::records_max)",
                    self.bench.records_max
                )));
            }
            pages.push(page);
        }
        Ok(pages)
    }

    /// All records there are, page by page.
    pub(super) async fn everything(&self, page_records_max: usize) -> Result<Vec<Page>, Stop> {
        self.pages(self.query(None, page_records_max)).await
    }

    /// All records; a case cannot tell anything where there are none.
    pub(super) async fn some(&self, count: usize) -> Result<Vec<Versioned>, Stop> {
        self.stock(count).await?;
        let found = upserts(&self.everything(1000).await?);
        if found.is_empty() { Err(skip("the entity has no records")) } else { Ok(found) }
    }

    pub(super) fn fetching(&self, by: FetchBy) -> FetchQuery {
        FetchQuery { entity: self.entity.name.clone(), shape: Arc::clone(&self.shape), by }
    }

    /// Looks records up by id, and holds the connector to one answer each.
    pub(super) async fn look_up(&self, ids: &[RecordId]) -> Result<Vec<Lookup>, Stop> {
        let found = self.connector.fetch(self.fetching(FetchBy::Ids(ids.to_vec()))).await?;
        hold(found.len() == ids.len(), "`fetch` gives one answer for each record asked for", || {
            format!("{} answers for {} records", found.len(), ids.len())
        })?;
        Ok(found)
    }

    /// What is known of one record.
    pub(super) async fn answer(&self, id: &RecordId) -> Result<Lookup, Stop> {
        let mut found = self.look_up(std::slice::from_ref(id)).await?;
        found.pop().ok_or_else(|| broken("`fetch` gives one answer for each record asked for", "none"))
    }

    /// A record that is there.
    pub(super) async fn found(&self, id: &RecordId) -> Result<Versioned, Stop> {
        match self.answer(id).await? {
            Lookup::Found(found) => Ok(found),
            other => Err(broken(format!("record {id} is there and is found by id"), brief(&other))),
        }
    }

    /// A record once it holds this value; as it is where it never does. One look is enough where reads are consistent.
    pub(super) async fn seen(
        &self,
        id: &RecordId,
        field: &FieldName,
        value: &Value,
    ) -> Result<Versioned, Stop> {
        let mut found = self.found(id).await?;
        for _ in 1..LOOKS_MAX {
            if self.can.consistent_read || self.holds(&found, field, value) {
                break;
            }
            self.bench.clock.sleep(self.bench.patience / LOOKS_MAX).await;
            found = self.found(id).await?;
        }
        Ok(found)
    }

    /// Holds a record to a value.
    pub(super) async fn shows(&self, id: &RecordId, field: &FieldName, value: &Value, promise: &str) -> Held {
        let found = self.seen(id, field, value).await?;
        hold(self.holds(&found, field, value), promise, || {
            format!(
                "{field} is {} where {} was due",
                brief(&found.record.field(field.as_str())),
                brief(value)
            )
        })
    }

    /// An answer that comes within the bench's patience.
    pub(super) async fn within<T>(
        &self,
        promise: &str,
        call: impl Future<Output = T> + Send,
    ) -> Result<T, Stop> {
        let (call, patience) = (std::pin::pin!(call), self.bench.clock.sleep(self.bench.patience));
        match select(call, patience).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right(_) => Err(broken(promise, format!("no answer within {:?}", self.bench.patience))),
        }
    }

    /// Where reading of changes begins from now on.
    pub(super) async fn feed_from(&self) -> Result<Cursor, Stop> {
        let pages = self.everything(1000).await?;
        let last = pages.last().ok_or_else(|| broken("a reading gives at least one page", "no page"))?;
        match &last.end {
            Some(End::Complete(all)) => all.changes_from.clone().ok_or_else(|| changes_lie(&self.can)),
            _ => Ok(last.cursor.clone()),
        }
    }
}

fn changes_lie(can: &Capabilities) -> Stop {
    let observed =
        || "a complete enumeration does not say where changes begin (`changes_from` is none)".to_owned();
    claim(false, can, |can| can.changes = false, observed).err().unwrap_or_else(|| skip("unreachable"))
}

/// The fields that say something: what a system did not show cannot be written back.
fn readable(record: &Record) -> Record {
    let hidden = record.fields().enumerate().filter(|(_, (_, said))| said.is_unreadable());
    let changes: Vec<(usize, Presence<'_>)> = hidden.map(|(slot, _)| (slot, Presence::Absent)).collect();
    record.with(changes)
}

/// The record that a change speaks of.
pub(super) fn id_of(change: &Change) -> Option<RecordId> {
    match change {
        Change::Upsert(found) => Some(found.id.clone()),
        Change::Deleted(tombstone) => Some(tombstone.id.clone()),
        Change::Broken { id, .. } => id.clone(),
    }
}

/// The records of pages, in their order.
pub(super) fn upserts(pages: &[Page]) -> Vec<Versioned> {
    let changes = pages.iter().flat_map(|page| &page.changes);
    let record = |change: &Change| match change {
        Change::Upsert(found) => Some(found.clone()),
        _ => None,
    };
    changes.filter_map(record).collect()
}
