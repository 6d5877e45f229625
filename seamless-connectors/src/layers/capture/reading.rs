//! Readings with what was captured: the system's pages, each record as it is here, and behind them what was captured. A cursor
//! says both places. The doors are [`open`] and [`Place`].

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use seamless_core::connector::{
    Change, Connector, Cursor, End, Enumeration, FetchBy, FetchQuery, Lookup, Order, Page, PageStream,
    ReadQuery, Tombstone,
};
use seamless_core::model::{Condition, Error, ErrorKind, RecordId, Result};

use super::Capture;
use super::book::RowState;

/// How our cursors begin. One that begins otherwise is the system's own, of a run without this layer.
const FORM: &str = "capture 1 ";

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything: what was captured of it are the records that were made.
    All,
    /// Changes: everything that was captured.
    Changes,
}

/// A place in both.
#[derive(Clone, Debug)]
struct Place {
    mode: Mode,
    /// Where the captured changes stood when the enumeration began.
    begun: u64,
    /// The last captured change that was given.
    given: u64,
}

impl Place {
    fn cursor(&self, inner: &Cursor) -> Cursor {
        let mode = match self.mode {
            Mode::All => 'a',
            Mode::Changes => 'c',
        };
        let mut bytes = format!("{FORM}{mode} {} {} ", self.begun, self.given).into_bytes();
        bytes.extend_from_slice(inner.as_bytes());
        Cursor::new(bytes)
    }

    /// The place and the system's own cursor.
    fn read(cursor: &Cursor) -> Result<(Self, Cursor)> {
        let Some(rest) = cursor.as_bytes().strip_prefix(FORM.as_bytes()) else {
            return Ok((Self { mode: Mode::Changes, begun: 0, given: 0 }, cursor.clone()));
        };
        let mut parts = rest.splitn(4, |byte| *byte == b' ');
        let mut word = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        let (mode, begun, given) = (word(), word(), word());
        let read = || {
            let mode = match mode? {
                "a" => Mode::All,
                "c" => Mode::Changes,
                _ => return None,
            };
            Some(Self { mode, begun: begun?.parse().ok()?, given: given?.parse().ok()? })
        };
        match (read(), parts.next()) {
            (Some(place), Some(inner)) => Ok((place, Cursor::new(inner.to_vec()))),
            _ => Err(Error::new(ErrorKind::CursorExpired, "the cursor was not made by this layer")
                .with_remedy("read everything once; the cursor that comes with it is good")),
        }
    }
}

/// A reading that is under way.
struct Reading {
    inner: Arc<dyn Connector>,
    capture: Capture,
    query: ReadQuery,
    place: Place,
    /// The system's pages; `None` when they ended.
    pages: Option<PageStream>,
    /// How they ended, and the cursor behind them.
    ended: Option<(End, Cursor)>,
}

/// Begins a reading.
pub(super) async fn open(
    inner: &Arc<dyn Connector>,
    capture: &Capture,
    query: ReadQuery,
) -> Result<PageStream> {
    let (place, after) = match &query.after {
        None => {
            let begun = capture.book().sequence();
            (Place { mode: Mode::All, begun, given: 0 }, None)
        }
        Some(cursor) => {
            let (place, inner) = Place::read(cursor)?;
            (place, Some(inner))
        }
    };
    let is_plain = capture.book().shadow(&query.entity).is_none_or(|shadow| shadow.is_empty());
    // A filter looks at what the system holds, and what is here may satisfy it all the same.
    let condition = if is_plain { query.condition.clone() } else { Condition::Always };
    let pages = inner.read(ReadQuery { after, condition, ..query.clone() }).await?;
    let reading = Reading {
        inner: Arc::clone(inner),
        capture: capture.clone(),
        query,
        place,
        pages: Some(pages),
        ended: None,
    };
    Ok(Box::pin(stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await? {
            Err(error) => Some((Err(error), None)),
            Ok(page) => {
                let rest = page.end.is_none().then_some(reading);
                Some((Ok(page), rest))
            }
        }
    })))
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Page>> {
        let Some(pages) = &mut self.pages else { return Some(self.captured().await) };
        let page = match pages.next().await? {
            Err(error) => return Some(Err(error)),
            Ok(page) => page,
        };
        let changes = self.shown(page.changes);
        let Some(end) = page.end else {
            return Some(Ok(Page { changes, cursor: self.place.cursor(&page.cursor), end: None }));
        };
        self.pages = None;
        let last = self.ids().is_empty();
        let cursor = self.place.cursor(&page.cursor);
        self.ended = Some((end, page.cursor));
        Some(Ok(if last { self.last(changes) } else { Page { changes, cursor, end: None } }))
    }

    /// Changes of the system, as they are here.
    fn shown(&self, changes: Vec<Change>) -> Vec<Change> {
        let book = self.capture.book();
        let Some(shadow) = book.shadow(&self.query.entity) else { return changes };
        let shown = changes.into_iter().filter_map(|change| match change {
            Change::Upsert(found) => {
                // A record that was made here comes behind.
                let is_new = matches!(shadow.row(&found.id).map(|row| &row.state), Some(RowState::New(_)));
                if is_new { None } else { shadow.over(found).map(Change::Upsert) }
            }
            other => Some(other),
        });
        shown.collect()
    }

    /// The captured records that come next.
    fn ids(&self) -> Vec<(u64, RecordId)> {
        let book = self.capture.book();
        let Some(shadow) = book.shadow(&self.query.entity) else { return Vec::new() };
        let counts = |state: &RowState| self.place.mode == Mode::Changes || matches!(state, RowState::New(_));
        let rows = shadow.after(self.place.given).filter(|(_, _, row)| counts(&row.state));
        let most = self.query.page_records_max.max(1);
        rows.map(|(sequence, id, _)| (sequence, id.clone())).take(most).collect()
    }

    /// A page of what was captured.
    async fn captured(&mut self) -> Result<Page> {
        let ids = self.ids();
        let of_system: Vec<RecordId> = {
            let book = self.capture.book();
            let shadow = book.shadow(&self.query.entity);
            let is_over = |id: &RecordId| {
                let row = shadow.and_then(|shadow| shadow.row(id));
                matches!(row.map(|row| &row.state), Some(RowState::Over { .. }))
            };
            ids.iter().map(|(_, id)| id.clone()).filter(is_over).collect()
        };
        let mut found = BTreeMap::new();
        if !of_system.is_empty() {
            let by = FetchBy::Ids(of_system.clone());
            let query =
                FetchQuery { entity: self.query.entity.clone(), shape: Arc::clone(&self.query.shape), by };
            found.extend(of_system.into_iter().zip(self.inner.fetch(query).await?));
        }
        let tombstones = self.inner.capabilities(&self.query.entity).tombstones;
        let mut changes = Vec::with_capacity(ids.len());
        {
            let book = self.capture.book();
            let shadow = book.shadow(&self.query.entity);
            for (sequence, id) in ids {
                self.place.given = sequence;
                let Some((shadow, row)) = shadow.and_then(|shadow| Some((shadow, shadow.row(&id)?))) else {
                    continue;
                };
                match &row.state {
                    RowState::New(_) => {
                        changes.extend(shadow.made(&id, &self.query.shape).map(Change::Upsert));
                    }
                    RowState::Deleted if tombstones => {
                        changes.push(Change::Deleted(Tombstone { id, version: None, merged_into: None }));
                    }
                    RowState::Deleted => {}
                    RowState::Over { .. } => {
                        if let Some(Lookup::Found(found)) = found.remove(&id) {
                            changes.extend(shadow.over(found).map(Change::Upsert));
                        }
                    }
                }
            }
        }
        if self.ids().is_empty() {
            return Ok(self.last(changes));
        }
        let cursor = self.ended.as_ref().map(|(_, cursor)| self.place.cursor(cursor));
        let lost = || Error::new(ErrorKind::Internal, "a reading went on behind its end");
        Ok(Page { changes, cursor: cursor.ok_or_else(lost)?, end: None })
    }

    /// The last page, with the system's end.
    fn last(&mut self, changes: Vec<Change>) -> Page {
        let (end, inner) = self.ended.take().unwrap_or_else(|| (End::Partial, Cursor::new(Vec::new())));
        let has_feed = self.inner.capabilities(&self.query.entity).changes;
        let from = match self.place.mode {
            Mode::All => self.place.begun,
            Mode::Changes => self.place.given,
        };
        let feed = Place { mode: Mode::Changes, begun: from, given: from };
        let cursor = if has_feed { feed.cursor(&inner) } else { self.place.cursor(&inner) };
        let end = match end {
            End::CaughtUp { low_water } => {
                End::CaughtUp { low_water: low_water.map(|low_water| feed.cursor(&low_water)) }
            }
            End::Complete(Enumeration { id, order: _, changes_from }) => End::Complete(Enumeration {
                id,
                order: Order::Unspecified,
                changes_from: changes_from.map(|from| feed.cursor(&from)),
            }),
            End::Partial => End::Partial,
        };
        Page { changes, cursor, end: Some(end) }
    }
}
