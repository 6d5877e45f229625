//! The connector port over one side of a simulated world. Keeps nothing of its own. The door is [`Port`].

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;

use super::story;
use super::system::{Call, Fault, Late};
use super::universe::Shared;
use crate::connector::{
    Capabilities, Connector, ConnectorInfo, FetchBy, FetchQuery, Lookup, PageStream, ReadQuery, Refusal,
    RefusalKind, WriteBatch, WriteOutcome, paged,
};
use crate::model::{EntityName, Error, ErrorKind, Result, Schema, Side};

/// What a write that arrives late is late by.
const LATE: std::time::Duration = std::time::Duration::from_millis(70);

#[derive(Clone, Debug)]
pub(super) struct Port {
    world: Shared,
    side: Side,
    info: ConnectorInfo,
}

impl Port {
    /// A connector to a side as it is connected now.
    pub(super) fn new(world: &Shared, side: Side) -> Self {
        let is_clone = world.lock().systems.of(side).is_clone;
        let copy = if is_clone { " (copy)" } else { "" };
        let info = ConnectorInfo {
            system: "simulated".to_owned(),
            identity: format!("simulated:{side}{copy}"),
            label: format!("the {side} system{copy}"),
        };
        Self { world: world.clone(), side, info }
    }

    fn kind(&self, entity: &EntityName) -> Result<usize> {
        self.world.lock().systems.of(self.side).kind_of(entity.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the system has no such entity").at("entity", entity)
        })
    }

    /// Before a call reaches the system: users act, the process may die, the token may have expired.
    async fn begin(&self, call: Call) -> Result<Option<Fault>> {
        self.world.step().await;
        let mut world = self.world.lock();
        world.moment();
        let system = world.systems.of_mut(self.side);
        let fault = system.take_fault(call);
        if let Some(fault) = fault {
            let side = self.side;
            world.story.tell(|| format!("  {side} fault {fault}"));
        }
        let system = world.systems.of_mut(self.side);
        system.is_cut |= fault == Some(Fault::TokenExpired);
        if system.is_cut {
            return Err(Error::new(ErrorKind::Permission, "the token expired"));
        }
        Ok(fault)
    }

    /// Before the answer comes back.
    async fn end(&self) {
        self.world.lock().moment();
        self.world.step().await;
    }
}

fn lost(batch: &WriteBatch) -> Vec<WriteOutcome> {
    let lost = || Error::new(ErrorKind::Unavailable, "the answer was lost");
    batch.ops.iter().map(|_| WriteOutcome::Ambiguous(lost())).collect()
}

fn refused(why: RefusalKind) -> WriteOutcome {
    let kind = match why {
        RefusalKind::Throttled { .. } => ErrorKind::Throttled,
        _ => ErrorKind::Unavailable,
    };
    WriteOutcome::Refused(Refusal { why, error: Error::new(kind, "not now") })
}

#[async_trait]
impl Connector for Port {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let world = self.world.lock();
        let system = world.systems.of(self.side);
        let kind = system.kind_of(entity.as_str());
        kind.and_then(|kind| system.declared.get(kind)).cloned().unwrap_or_default()
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let world = self.world.lock();
        let mut names: Vec<EntityName> =
            world.systems.of(self.side).tables.iter().map(|table| table.entity.name.clone()).collect();
        names.sort();
        Ok(names)
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let mut schema = Schema::default();
        for name in entities {
            let kind = self.kind(name)?;
            let world = self.world.lock();
            if let Some(entity) = world.shown_entity(self.side, kind) {
                schema.entities.insert(name.clone(), entity);
            }
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let fault = self.begin(Call::Read).await?;
        let kind = self.kind(&query.entity)?;
        let first = self.world.lock().begin_read(self.side, kind, &query)?;
        let (port, query, resumed) = (self.clone(), Arc::new(query.clone()), query.after.is_some());
        let pages = paged(Some(first), move |after| {
            let (port, query) = (port.clone(), Arc::clone(&query));
            async move {
                port.world.step().await;
                let page = {
                    let mut world = port.world.lock();
                    world.moment();
                    let after =
                        after.ok_or_else(|| Error::new(ErrorKind::Internal, "a page without a place"))?;
                    let page = world.page(port.side, kind, &query, &after, resumed);
                    if let Ok(page) = &page {
                        world.story.tell(|| story::page(port.side, page));
                    }
                    page
                };
                port.end().await;
                page
            }
        });
        Ok(match fault {
            Some(Fault::CutOff) => Box::pin(pages.take(1)),
            Some(Fault::ReadFails) => {
                let error = Err(Error::new(ErrorKind::Unavailable, "the connection was lost"));
                Box::pin(pages.take(1).chain(futures::stream::iter([error])))
            }
            _ => pages,
        })
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        let fault = self.begin(Call::Fetch).await?;
        let kind = self.kind(&query.entity)?;
        let asked = match &query.by {
            FetchBy::Ids(ids) => ids.len(),
            FetchBy::Key { values, .. } => values.len(),
        };
        let found = match fault {
            Some(Fault::FetchFails) => Err(Error::new(ErrorKind::Unavailable, "the look-up failed")),
            Some(Fault::FetchUnanswered) => {
                Ok(std::iter::repeat_with(|| Lookup::Unanswered).take(asked).collect())
            }
            _ => Ok(self.world.lock().look_up(self.side, kind, &query)),
        };
        if let Ok(found) = &found {
            self.world.lock().story.tell(|| story::look_up(self.side, &query, found));
        }
        self.end().await;
        found
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let begun = self.begin(Call::Write).await;
        let kind = self.kind(entity)?;
        match &begun {
            Ok(None) => {}
            Ok(Some(fault)) if fault.is_ambiguous() => {
                self.world.lock().are_unanswered(self.side, kind, &batch.ops);
            }
            Ok(Some(_)) | Err(_) => self.world.lock().come_to_nothing(self.side, kind, &batch.ops),
        }
        let fault = begun?;
        let max = self.capabilities(entity).batch_max.get();
        if batch.ops.len() > usize::try_from(max).unwrap_or(usize::MAX) {
            return Err(Error::new(ErrorKind::Limit, format!("{} operations at once", batch.ops.len())));
        }
        let accept = |place: usize, op| {
            if fault == Some(Fault::PartialBatch) && place.is_multiple_of(2) {
                return refused(RefusalKind::Throttled { wait: None });
            }
            let mut world = self.world.lock();
            world.is_unheard = fault == Some(Fault::LostReply);
            let outcome = world.accept(self.side, kind, op);
            world.is_unheard = false;
            world.story.tell(|| story::write(self.side, op, &outcome));
            outcome
        };
        let written = match fault {
            Some(Fault::WriteFails) => Err(Error::new(ErrorKind::Unavailable, "the write failed")),
            Some(Fault::Throttled) => {
                Ok(batch.ops.iter().map(|_| refused(RefusalKind::Throttled { wait: None })).collect())
            }
            Some(Fault::Unavailable) => {
                Ok(batch.ops.iter().map(|_| refused(RefusalKind::Unavailable)).collect())
            }
            Some(Fault::LostRequest) => Ok(lost(&batch)),
            Some(Fault::LostReply) => {
                batch.ops.iter().enumerate().for_each(|(place, op)| drop(accept(place, op)));
                Ok(lost(&batch))
            }
            Some(Fault::Late) => {
                let answers = lost(&batch);
                let mut world = self.world.lock();
                let due = world.now() + LATE;
                let late = batch.ops.into_iter().map(|op| Late { kind, op, due });
                world.systems.of_mut(self.side).late.extend(late);
                Ok(answers)
            }
            _ => Ok(batch.ops.iter().enumerate().map(|(place, op)| accept(place, op)).collect()),
        };
        self.end().await;
        written
    }
}
