//! Reading and looking up, as short words, held to what no answer may lack.

use std::sync::Arc;

use futures::StreamExt;

use super::claim::claim;
use super::subject::Subject;
use super::verdict::{Held, Stop, brief, broken, hold, skip};
use crate::connector::{
    Capabilities, Change, Cursor, End, FetchBy, FetchQuery, Lookup, Page, ReadQuery, Versioned,
};
use crate::model::{Condition, FieldName, RecordId, Value};

/// How often a system without consistent reads is asked until it shows what was written.
const LOOKS_MAX: u32 = 20;

impl Subject {
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
