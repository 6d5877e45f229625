//! Records for cases to work with: made in the scratch namespace, or nominated and lent.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::claim::claim;
use super::reading::id_of;
use super::subject::Subject;
use super::verdict::{Held, Stop, brief, broken, skip};
use crate::connector::{Lookup, ReadQuery, UniqueKey, WriteOp, WriteOutcome};
use crate::model::{FieldKind, FieldName, KeyPart, Presence, Record, RecordId, Shape, Value};

impl Subject {
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

    /// Many different ids that no record has.
    pub(super) async fn absent_ids(&self, count: usize) -> Result<Vec<RecordId>, Stop> {
        let absent = self.absent_id().await?;
        let mut ids = Vec::with_capacity(count);
        for number in 0..count {
            ids.push(match (absent.as_text(), absent.as_int()) {
                (Some(text), _) => RecordId::text(&format!("{text}.{number}")),
                (None, Some(key)) => RecordId::int(key.saturating_add(i64::try_from(number).unwrap_or(0))),
                (None, None) => self.absent_id().await?,
            });
        }
        Ok(ids)
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
                    WriteOutcome::Applied { id, .. } if self.ledger.is_foreign(&id) => {
                        return Err(broken(
                            "a create makes a new record",
                            format!("record {id} was there before"),
                        ));
                    }
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

    /// Notes which records are there before the kit makes any. Of an entity with too many it notes the first ones.
    pub(super) async fn note_what_is_there(&self) -> Held {
        let bare = ReadQuery { shape: Shape::new(Vec::new())?, ..self.query(None, 1000) };
        let mut pages = self.connector.read(bare).await?;
        let mut records = 0;
        while let Some(page) = pages.next().await.transpose()? {
            records += page.changes.len();
            self.ledger.found_there(page.changes.iter().filter_map(id_of));
            if records > self.bench.records_max {
                break;
            }
        }
        Ok(())
    }

    /// Makes records where that is allowed, so that there is something to read.
    pub(super) async fn stock(&self, count: usize) -> Held {
        if self.makes() {
            self.make(count).await?;
        }
        Ok(())
    }
}

/// The fields that say something: what a system did not show cannot be written back.
fn readable(record: &Record) -> Record {
    let hidden = record.fields().enumerate().filter(|(_, (_, said))| said.is_unreadable());
    let changes: Vec<(usize, Presence<'_>)> = hidden.map(|(slot, _)| (slot, Presence::Absent)).collect();
    record.with(changes)
}
