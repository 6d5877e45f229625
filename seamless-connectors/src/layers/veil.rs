//! A connector that shows less of another one: entities that are not there, fields that are not there or may not be read, no
//! writes. Knows not why; [`mask`](super::mask) and [`restrict`](super::restrict) say that. What is veiled is not asked of the
//! inner connector, so that it never leaves the system.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, Expects, FetchBy, FetchQuery, Finding, Lookup, Page,
    PageStream, Proof, ReadQuery, Refusal, RefusalKind, Requirement, UniqueKey, Versioned, WriteBatch,
    WriteOp, WriteOutcome, WriteReturns,
};
use seamless_core::model::{
    Condition, EntityName, Error, ErrorKind, FieldName, Presence, Record, RecordBuilder, Result, Schema,
    Shape,
};

/// How a field is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// As it is.
    Clear,
    /// The schema has it; its values may not be read or written.
    Unreadable,
    /// There is no such field.
    Gone,
}

/// What is seen.
pub(super) trait Sights: fmt::Debug + Send + Sync + 'static {
    fn entity(&self, entity: &EntityName) -> bool;
    fn field(&self, entity: &EntityName, field: &FieldName) -> Sight;
    fn read_only(&self) -> bool;
    /// What a person does who needs what is veiled.
    fn remedy(&self) -> &'static str;
}

#[derive(Debug)]
pub(super) struct Veil<S> {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) sights: Arc<S>,
}

impl<S: Sights> Veil<S> {
    fn seen(&self, entity: &EntityName) -> Result<()> {
        if self.sights.entity(entity) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NotFound, "the system has no such entity for us")
            .at("entity", entity)
            .with_remedy(self.sights.remedy()))
    }

    fn is_clear(&self, entity: &EntityName, field: &FieldName) -> bool {
        self.sights.field(entity, field) == Sight::Clear
    }

    /// The part of a shape that may be asked for. Errors: a field that is not there.
    fn asked(&self, entity: &EntityName, shape: &Arc<Shape>) -> Result<Arc<Shape>> {
        let sights = || shape.names().iter().map(|name| (name, self.sights.field(entity, name)));
        if let Some((gone, _)) = sights().find(|(_, sight)| *sight == Sight::Gone) {
            return Err(Error::configuration("the entity has no such field for us")
                .at("entity", entity)
                .at("field", gone)
                .with_remedy(self.sights.remedy()));
        }
        if sights().all(|(_, sight)| sight == Sight::Clear) {
            return Ok(Arc::clone(shape));
        }
        Shape::new(sights().filter(|(_, sight)| *sight == Sight::Clear).map(|(name, _)| name.clone()))
    }

    fn refusal(&self, entity: &EntityName, op: &WriteOp) -> Option<WriteOutcome> {
        let said = |record: &Record| {
            let mut fields = record.fields().filter(|(_, value)| !value.is_absent());
            fields.find(|(name, _)| !self.is_clear(entity, name)).map(|(name, _)| name.clone())
        };
        let expected = match &op.expects {
            Expects::Values(values) => said(values),
            _ => None,
        };
        let field = said(&op.patch).or(expected)?;
        let error = Error::new(ErrorKind::Permission, "this field is not ours to write")
            .at("entity", entity)
            .at("field", &field)
            .with_remedy(self.sights.remedy());
        Some(WriteOutcome::Refused(Refusal { why: RefusalKind::Invalid { field: Some(field) }, error }))
    }

    /// A record that was written, as it may be seen.
    fn shown(&self, entity: &EntityName, stored: Versioned) -> Versioned {
        let names = stored.record.shape().names();
        if names.iter().all(|name| self.is_clear(entity, name)) {
            return stored;
        }
        let veiled = |(slot, name): (usize, &FieldName)| match self.sights.field(entity, name) {
            Sight::Clear => None,
            Sight::Unreadable => Some((slot, Presence::Unreadable)),
            Sight::Gone => Some((slot, Presence::Absent)),
        };
        let changes: Vec<_> = names.iter().enumerate().filter_map(veiled).collect();
        Versioned { record: stored.record.with(changes), ..stored }
    }
}

/// A record in the shape that was asked for: what was not asked of the system is unreadable.
fn unveiled(found: Versioned, asked: &Arc<Shape>, shape: &Arc<Shape>) -> Versioned {
    if Arc::ptr_eq(asked, shape) {
        return found;
    }
    let mut builder = RecordBuilder::new(shape);
    for name in shape.names() {
        builder.push(match asked.slot(name.as_str()) {
            Some(_) => found.record.field(name.as_str()),
            None => Presence::Unreadable,
        });
    }
    Versioned { record: builder.finish(), ..found }
}

fn page(page: Page, asked: &Arc<Shape>, shape: &Arc<Shape>) -> Page {
    let change = |change| match change {
        Change::Upsert(found) => Change::Upsert(unveiled(found, asked, shape)),
        other => other,
    };
    Page { changes: page.changes.into_iter().map(change).collect(), ..page }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Sights> Connector for Veil<S> {
    fn info(&self) -> &ConnectorInfo {
        self.inner.info()
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        if !self.sights.entity(entity) {
            return Capabilities::default();
        }
        let mut can = self.inner.capabilities(entity);
        if self.sights.read_only() {
            (can.create, can.update, can.delete) = (false, false, false);
            can.conditional_update = false;
            can.write_returns = WriteReturns::Nothing;
            can.triggers.clear();
        }
        if let UniqueKey::Fields(fields) = &can.unique_key
            && !fields.iter().all(|field| self.is_clear(entity, field))
        {
            can.unique_key = UniqueKey::None;
        }
        can
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let mut entities = self.inner.entities().await?;
        entities.retain(|entity| self.sights.entity(entity));
        Ok(entities)
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        entities.iter().try_for_each(|entity| self.seen(entity))?;
        let mut schema = self.inner.discover(entities).await?;
        for (name, entity) in &mut schema.entities {
            let sight = |field: &FieldName| self.sights.field(name, field);
            entity.fields.retain(|field| sight(&field.name) != Sight::Gone);
            for field in &mut entity.fields {
                if self.sights.read_only() || sight(&field.name) != Sight::Clear {
                    field.read_only = true;
                }
            }
            let there = |fields: &Vec<FieldName>| fields.iter().all(|field| sight(field) != Sight::Gone);
            entity.unique.retain(there);
            if !there(&entity.key) {
                entity.key.clear();
            }
            if self.sights.read_only() {
                entity.actions.clear();
            }
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        self.seen(&query.entity)?;
        let (shape, asked) = (Arc::clone(&query.shape), self.asked(&query.entity, &query.shape)?);
        // A filter by what may not be seen would tell it. Returning more is allowed.
        let clear = query.condition.fields().iter().all(|field| self.is_clear(&query.entity, field));
        let condition = if clear { query.condition } else { Condition::Always };
        let pages = self.inner.read(ReadQuery { shape: Arc::clone(&asked), condition, ..query }).await?;
        if Arc::ptr_eq(&shape, &asked) {
            return Ok(pages);
        }
        Ok(Box::pin(pages.map(move |found| found.map(|found| page(found, &asked, &shape)))))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        self.seen(&query.entity)?;
        let (shape, asked) = (Arc::clone(&query.shape), self.asked(&query.entity, &query.shape)?);
        if let FetchBy::Key { fields, .. } = &query.by
            && let Some(veiled) = fields.iter().find(|field| !self.is_clear(&query.entity, field))
        {
            return Err(Error::new(ErrorKind::Permission, "records cannot be looked up by this field")
                .at("entity", &query.entity)
                .at("field", veiled)
                .with_remedy(self.sights.remedy()));
        }
        let found = self.inner.fetch(FetchQuery { shape: Arc::clone(&asked), ..query }).await?;
        let answer = |lookup| match lookup {
            Lookup::Found(found) => Lookup::Found(unveiled(found, &asked, &shape)),
            other => other,
        };
        Ok(found.into_iter().map(answer).collect())
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        self.seen(entity)?;
        if self.sights.read_only() {
            return Err(Error::new(ErrorKind::Unsupported, "this connection only reads")
                .at("entity", entity)
                .with_remedy(self.sights.remedy()));
        }
        let max = self.inner.capabilities(entity).batch_max.get() as usize;
        if batch.ops.len() > max {
            return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len()))
                .at("entity", entity)
                .with_remedy(format!("at most {max} are taken")));
        }
        let bypass = batch.bypass;
        let refusals: Vec<_> = batch.ops.iter().map(|op| self.refusal(entity, op)).collect();
        let ops = batch.ops.into_iter().zip(&refusals);
        let ops: Vec<WriteOp> = ops.filter(|(_, refusal)| refusal.is_none()).map(|(op, _)| op).collect();
        let told = match ops.is_empty() && !refusals.is_empty() {
            true => Vec::new(),
            false => self.inner.write(entity, WriteBatch { ops, bypass }).await?,
        };
        let mut told = told.into_iter().map(|outcome| match outcome {
            WriteOutcome::Applied { id, proof: Proof::Stored(stored) } => {
                WriteOutcome::Applied { id, proof: Proof::Stored(self.shown(entity, stored)) }
            }
            other => other,
        });
        // An inner connector that answers too little has too little said of it.
        Ok(refusals.into_iter().filter_map(|refusal| refusal.or_else(|| told.next())).collect())
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        let veiled = match need {
            Requirement::Readable(entity) => !self.sights.entity(entity),
            Requirement::Writable(entity) => !self.sights.entity(entity) || self.sights.read_only(),
            Requirement::Field(entity, field) => {
                !self.sights.entity(entity) || self.sights.field(entity, field) == Sight::Gone
            }
            _ => false,
        };
        if !veiled {
            return self.inner.check(need).await;
        }
        Ok(Finding::Unmet {
            evidence: "a layer does not allow it".to_owned(),
            remedy: self.sights.remedy().to_owned(),
            can_provision: false,
        })
    }

    async fn provision(&self, need: &Requirement) -> Result<Finding> {
        match need {
            Requirement::Readable(entity) | Requirement::Writable(entity) | Requirement::Field(entity, _) => {
                self.seen(entity)?;
            }
            _ => {}
        }
        if self.sights.read_only() {
            return Err(Error::new(ErrorKind::Unsupported, "this connection only reads")
                .with_remedy(self.sights.remedy()));
        }
        self.inner.provision(need).await
    }
}
