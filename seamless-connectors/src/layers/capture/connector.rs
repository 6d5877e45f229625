//! The connector of the layer: reads go through, writes do not. What it has to know of the system before it judges a batch it
//! looks up first, in one call for the records and one for each set of unique fields.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use seamless_core::connector::{
    Capabilities, Connector, ConnectorInfo, FetchBy, FetchQuery, Finding, GoneProof, Lookup, Order,
    PageStream, ReadQuery, Requirement, Target, Versioned, WriteBatch, WriteOutcome,
};
use seamless_core::model::{EntityName, Error, ErrorKind, FieldName, RecordId, Result, Schema, Shape, Value};

use super::Capture;
use super::book::{RowState, Shadow};
use super::judge::{Judge, Taken, own_id, schema_of, unique_sets, values_of};
use super::reading;

pub(super) struct Capturing {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) capture: Capture,
}

impl fmt::Debug for Capturing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").field("inner", &self.inner).finish()
    }
}

impl Capturing {
    /// Knows the entity's schema from now on.
    async fn know(&self, entity: &EntityName) -> Result<()> {
        if self.capture.book().shadow(entity).is_some() {
            return Ok(());
        }
        let schema = self.inner.discover(std::slice::from_ref(entity)).await?;
        let shadow = Shadow::new(schema_of(schema, entity)?)?;
        // Another call may have been faster, and what it captured stays.
        self.capture.book().shadows.entry(entity.clone()).or_insert_with(|| Arc::new(shadow));
        Ok(())
    }

    async fn look_up(&self, entity: &EntityName, shape: &Arc<Shape>, by: FetchBy) -> Result<Vec<Lookup>> {
        let query = FetchQuery { entity: entity.clone(), shape: Arc::clone(shape), by };
        self.inner.fetch(query).await
    }

    /// The records of the system that a batch concerns, and those that were captured before, whose values of now judge whether
    /// a value is free.
    async fn known(&self, entity: &EntityName, batch: &WriteBatch) -> Result<BTreeMap<RecordId, Lookup>> {
        let can = self.inner.capabilities(entity);
        let (shape, ids) = {
            let book = self.capture.book();
            let Some(shadow) = book.shadow(entity) else { return Ok(BTreeMap::new()) };
            let named = batch.ops.iter().filter_map(|op| match &op.target {
                Target::Existing(id) => Some(id.clone()),
                Target::New(_) => own_id(&shadow.entity, &can, op),
            });
            let sets = unique_sets(&shadow.entity, &can);
            let over = shadow.rows().filter(|(_, row)| matches!(row.state, RowState::Over { .. }));
            let judged = over.filter(|(_, row)| sets.iter().any(|set| row.decides(set)));
            let judged = judged.map(|(id, _)| id.clone());
            let mut ids: Vec<RecordId> = named.chain(judged).collect();
            ids.sort();
            ids.dedup();
            (Arc::clone(&shadow.shape), ids)
        };
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.look_up(entity, &shape, FetchBy::Ids(ids.clone())).await?;
        Ok(ids.into_iter().zip(found).collect())
    }

    /// Who has the unique values in the system that a batch would set.
    async fn taken(
        &self,
        entity: &EntityName,
        batch: &WriteBatch,
        known: &BTreeMap<RecordId, Lookup>,
    ) -> Result<Taken> {
        let can = self.inner.capabilities(entity);
        let Some(shadow) = self.capture.book().shadow(entity).cloned() else { return Ok(Taken::new()) };
        let mut taken = Taken::new();
        for fields in unique_sets(&shadow.entity, &can) {
            let values = batch.ops.iter().filter(|op| says_any(&op.patch, &fields)).filter_map(|op| {
                let after = match &op.target {
                    Target::New(_) => op.patch.clone(),
                    Target::Existing(id) => match (shadow.made(id, &shadow.shape), known.get(id)) {
                        (Some(made), _) => with_patch(made, &op.patch),
                        (None, Some(Lookup::Found(found))) => {
                            with_patch(shadow.over(found.clone())?, &op.patch)
                        }
                        _ => return None,
                    },
                };
                values_of(&after, &fields)
            });
            let values: Vec<Vec<Value>> = values.collect();
            if values.is_empty() {
                continue;
            }
            let by = FetchBy::Key { fields: fields.clone(), values: values.clone() };
            let found = self.look_up(entity, &shadow.shape, by).await?;
            taken.insert(fields, values.into_iter().zip(found).collect());
        }
        Ok(taken)
    }

    /// A record as it is here.
    fn here(
        &self,
        entity: &EntityName,
        can: &Capabilities,
        id: &RecordId,
        shape: &Arc<Shape>,
    ) -> Option<Lookup> {
        let book = self.capture.book();
        let shadow = book.shadow(entity)?;
        match &shadow.row(id)?.state {
            RowState::New(_) => shadow.made(id, shape).map(Lookup::Found),
            RowState::Deleted if can.gone_not_hidden => Some(Lookup::Gone(GoneProof {
                id: id.clone(),
                seen: "it was deleted in this rehearsal".to_owned(),
            })),
            RowState::Deleted => Some(Lookup::Hidden),
            RowState::Over { .. } => None,
        }
    }

    fn over(&self, entity: &EntityName, lookup: Lookup) -> Lookup {
        let book = self.capture.book();
        match (lookup, book.shadow(entity)) {
            (Lookup::Found(found), Some(shadow)) => shadow.over(found).map_or(Lookup::Hidden, Lookup::Found),
            (other, _) => other,
        }
    }

    async fn by_ids(&self, query: &FetchQuery, ids: &[RecordId]) -> Result<Vec<Lookup>> {
        let can = self.inner.capabilities(&query.entity);
        let here: Vec<Option<Lookup>> =
            ids.iter().map(|id| self.here(&query.entity, &can, id, &query.shape)).collect();
        let rest: Vec<RecordId> =
            ids.iter().zip(&here).filter(|(_, here)| here.is_none()).map(|(id, _)| id.clone()).collect();
        let found = match rest.is_empty() && !ids.is_empty() {
            true => Vec::new(),
            false => self.look_up(&query.entity, &query.shape, FetchBy::Ids(rest)).await?,
        };
        let mut found = found.into_iter().map(|lookup| self.over(&query.entity, lookup));
        Ok(here.into_iter().map(|here| here.or_else(|| found.next()).unwrap_or(Lookup::Unanswered)).collect())
    }

    async fn by_key(
        &self,
        query: &FetchQuery,
        fields: &[FieldName],
        values: &[Vec<Value>],
    ) -> Result<Vec<Lookup>> {
        let by = FetchBy::Key { fields: fields.to_vec(), values: values.to_vec() };
        let found = self.look_up(&query.entity, &query.shape, by).await?;
        let captured = self.captured_now(&query.entity, fields).await?;
        let mut answers = Vec::with_capacity(values.len());
        for (key, lookup) in values.iter().zip(found) {
            if captured.is_empty() {
                answers.push(self.over(&query.entity, lookup));
                continue;
            }
            let ids = match &lookup {
                Lookup::Found(found) => vec![found.id.clone()],
                Lookup::Several(ids) => ids.clone(),
                _ => Vec::new(),
            };
            let said = ids.len();
            let mut ids: Vec<RecordId> = ids.into_iter().filter(|id| !captured.contains_key(id)).collect();
            let fits = |record: &Versioned| {
                let held = fields.iter().map(|name| record.record.field(name.as_str()).value());
                held.zip(key).all(|(held, asked)| held == Some(asked.as_ref()))
            };
            ids.extend(
                captured.iter().filter(|(_, now)| now.as_ref().is_some_and(fits)).map(|(id, _)| id.clone()),
            );
            ids.sort();
            answers.push(match (ids.as_slice(), lookup) {
                ([], Lookup::Unanswered) => Lookup::Unanswered,
                ([], Lookup::Gone(gone)) if said == 0 => Lookup::Gone(gone),
                ([], _) => Lookup::Hidden,
                ([one], Lookup::Found(found)) if found.id == *one && !captured.contains_key(one) => {
                    self.over(&query.entity, Lookup::Found(found))
                }
                ([one], _) => {
                    self.by_ids(query, std::slice::from_ref(one)).await?.pop().unwrap_or(Lookup::Unanswered)
                }
                (several, _) => Lookup::Several(several.to_vec()),
            });
        }
        Ok(answers)
    }

    /// The captured records of which these fields are not the system's to say any more, as they are now, all fields; `None`:
    /// it is not there.
    async fn captured_now(
        &self,
        entity: &EntityName,
        fields: &[FieldName],
    ) -> Result<BTreeMap<RecordId, Option<Versioned>>> {
        let Some(shadow) = self.capture.book().shadow(entity).cloned() else { return Ok(BTreeMap::new()) };
        let decided = || shadow.rows().filter(|(_, row)| row.decides(fields));
        let over = decided().filter(|(_, row)| matches!(row.state, RowState::Over { .. }));
        let ids: Vec<RecordId> = over.map(|(id, _)| id.clone()).collect();
        let found = match ids.is_empty() {
            true => Vec::new(),
            false => self.look_up(entity, &shadow.shape, FetchBy::Ids(ids.clone())).await?,
        };
        let found = ids.into_iter().zip(found).map(|(id, lookup)| {
            let now = match lookup {
                Lookup::Found(found) => shadow.over(found),
                _ => None,
            };
            (id, now)
        });
        let mut now: BTreeMap<RecordId, Option<Versioned>> = found.collect();
        for (id, row) in decided() {
            if !matches!(row.state, RowState::Over { .. }) {
                now.insert(id.clone(), shadow.made(id, &shadow.shape));
            }
        }
        Ok(now)
    }
}

fn says_any(patch: &seamless_core::model::Record, fields: &[FieldName]) -> bool {
    fields.iter().any(|name| patch.field(name.as_str()).value().is_some())
}

fn with_patch(found: Versioned, patch: &seamless_core::model::Record) -> seamless_core::model::Record {
    let names = found.record.shape().names().iter().enumerate();
    let said = names.map(|(slot, name)| (slot, patch.field(name.as_str())));
    let said: Vec<_> = said.filter(|(_, value)| value.value().is_some()).collect();
    found.record.with(said)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Connector for Capturing {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        Capabilities { order: Order::Unspecified, ..self.inner.capabilities(entity) }
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        self.inner.entities().await
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        self.inner.discover(entities).await
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        reading::open(&self.inner, &self.capture, query).await
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        match &query.by {
            FetchBy::Ids(ids) => self.by_ids(&query, ids).await,
            FetchBy::Key { fields, values } => self.by_key(&query, fields, values).await,
        }
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let can = self.inner.capabilities(entity);
        let max = can.batch_max.get() as usize;
        if batch.ops.len() > max {
            return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
                .at("entity", entity)
                .with_remedy(format!("at most {max} are taken")));
        }
        self.know(entity).await?;
        let known = self.known(entity, &batch).await?;
        let taken = self.taken(entity, &batch, &known).await?;
        let mut book = self.capture.book();
        let mut judge = Judge { name: entity, can: &can, book: &mut book, known, taken };
        Ok(batch.ops.into_iter().map(|op| judge.apply(op)).collect())
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        self.inner.check(need).await
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("a rehearsal changes nothing, so it cannot provide {need:?}"),
        )
        .with_remedy("provide it without the layer"))
    }
}
