//! Reading: all records by key or by the service's links, and changes by a stamp or by delta links. One request for each
//! page (the service may give less than was asked for; then one for each of its pages).
//!
//! **By key** every page says after which key it begins. Nothing is lost by what is made or deleted meanwhile, and a cursor never
//! gets old. **By links** the service decides what a page is; what is more than was asked for is kept for the next page.
//! Links are followed to the configured host only, a circle of links is an error, and so is a chain of empty pages.
//!
//! **Honesty.** A service that ignores the filter gives the last record again: that is an error and no endless reading. One that
//! ignores a delta token, and answers with everything, is found by what its answer says it is; the cursor is then called
//! expired, and the set says from now on that it has no feed.

use std::sync::{Arc, Mutex, PoisonError};

use seamless_core::connector::{Change, End, Enumeration, Order, Page, ReadQuery, Tombstone};
use seamless_core::model::{Error, ErrorKind, RecordId, Result};
use serde_json::value::RawValue;

use super::cursor::{cursor, link, of_link};
use super::json::{Control, Members, text, utf8};
use super::literal::{id_of_address, is_moment, literal};
use super::query::{Query, after, both, filter, key_order};
use super::rows::{Bad, Row, Wanted, id, row};
use super::service::{Listing, Service, listing};
use super::set::{Feeding, Flaw, Set};
use super::stamp::earlier;
use crate::http::redact::shown;
use crate::place::Place;

/// Empty pages one after another that are followed at most.
const EMPTY_PAGES_MAX: usize = 100;
/// Where changes begin of a set without any record.
const BEGINNING: &str = "0001-01-01T00:00:00Z";

/// One reading: what it asks for, and what it keeps between two pages.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) query: ReadQuery,
    /// Whether it began at the start.
    pub(super) whole: bool,
    pub(super) serial: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// What a link gave, while not all of it was shown.
    served: Option<(String, Arc<Served>)>,
    circle: Circle,
}

/// A page of the service.
#[derive(Debug)]
struct Served {
    changes: Vec<Change>,
    next: Option<String>,
    delta: Option<String>,
}

/// Finds a circle of links with the memory of one link: one of them is remembered, and another one after twice as many steps
/// (Brent's method). A circle of n links is found after 3n steps at most.
#[derive(Debug, Default)]
struct Circle {
    remembered: Option<String>,
    steps: u64,
    until: u64,
}

impl Circle {
    fn is_closed_by(&mut self, link: &str) -> bool {
        if self.remembered.as_deref() == Some(link) {
            return true;
        }
        self.steps += 1;
        if self.steps > self.until {
            (self.remembered, self.until) = (Some(link.to_owned()), self.steps * 2);
        }
        false
    }
}

impl Reading {
    pub(super) fn new(query: ReadQuery, serial: u64) -> Self {
        Self { whole: query.after.is_none(), query, serial, kept: Mutex::default() }
    }

    /// Where it begins.
    pub(super) async fn begin(&self, service: &Service) -> Result<Place> {
        let set = service.set(&self.query.entity)?;
        let set = &*set;
        Wanted::new(set, &self.query.shape)?;
        match &self.query.after {
            Some(after) => super::cursor::place(set, after),
            // The mark is taken before the first record is read: what changes meanwhile comes again.
            None => Ok(Place::All { mark: mark(service, set).await?, key: None }),
        }
    }

    /// The page at a place.
    pub(super) async fn page(&self, service: &Service, place: Place) -> Result<Page> {
        let set = service.set(&self.query.entity)?;
        let set = &*set;
        let wanted = Wanted::new(set, &self.query.shape)?;
        let max = self.query.page_records_max.clamp(1, service.config.page_records_max);
        match (place, &set.feeding) {
            (Place::All { mark, key }, _) if set.by_key => {
                self.by_key(service, set, &wanted, mark, key, max).await
            }
            (Place::All { mark, key }, _) => self.by_links(service, set, &wanted, mark, key, max).await,
            (Place::Changes { mark, key }, Feeding::Modified { window_ms, .. }) => {
                self.changed(service, set, &wanted, mark, key, max, *window_ms).await
            }
            (Place::Changes { mark, .. }, Feeding::Delta) => {
                self.delta(service, set, &wanted, &mark, max).await
            }
            (Place::Changes { .. }, Feeding::None) => {
                Err(Error::new(ErrorKind::CursorExpired, "the set has no feed of changes")
                    .at("entity", &set.name))
            }
        }
    }

    /// Why a reading was refused: a service that does not know a field any more says that the request is wrong. The metadata
    /// is read again, and a field that is not there is named.
    pub(super) async fn why(&self, service: &Service, error: Error) -> Error {
        if !matches!(error.kind(), ErrorKind::Data | ErrorKind::NotFound) || service.refresh().await.is_err()
        {
            return error;
        }
        match service.set(&self.query.entity).and_then(|set| Wanted::new(&set, &self.query.shape)) {
            Ok(_) => error,
            Err(gone) => gone.caused_by(error),
        }
    }

    async fn by_key(
        &self,
        service: &Service,
        set: &Set,
        wanted: &Wanted,
        mark: Option<RecordId>,
        key: Option<RecordId>,
        max: usize,
    ) -> Result<Page> {
        let begins = match &key {
            Some(key) => Some(after(set, key).ok_or_else(|| {
                Error::new(ErrorKind::CursorExpired, "the cursor holds no key of the set")
                    .at("entity", &set.name)
            })?),
            None => None,
        };
        let condition = filter(set, &self.query.condition);
        let decided: Vec<usize> = self
            .query
            .condition
            .fields()
            .iter()
            .filter_map(|name| set.column(name.as_str()).map(|(place, _)| place))
            .collect();
        let query = Query::new(wanted.select(set, &decided))
            .expanded(wanted.expand(set))
            .filtered(both(begins, condition))
            .with("$orderby", key_order(set))
            .with("$top", max.to_string());
        let url = service.http.base().below(&query.of(set))?;
        let answer = service.read(service.reading(url.clone(), Some(max), false)).await?;
        let list = listing(utf8(&answer.body)?).map_err(|error| error.at("address", shown(&url)))?;
        too_many(&list, max)?;
        let rows = rows(set, wanted, &list);
        let last = rows.iter().rev().find_map(known_id);
        if let (Some(key), Some(first)) = (&key, rows.iter().find_map(known_id))
            && (first == *key || last.as_ref() == Some(key))
        {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the service gives the same record again, though later ones were asked for",
            )
            .at("entity", &set.name)
            .with_remedy("it ignores `$filter` or `$orderby`: set `paging: server` for this set"));
        }
        let more = rows.len() >= max || list.next.is_some();
        if more && last.is_none() {
            return Err(Error::data("a page without a single key: nobody knows where to go on")
                .at("entity", &set.name));
        }
        let place = Place::All { mark: mark.clone(), key: last.or(key) };
        let end = (!more).then(|| self.end(set, mark.map(|mark| Place::Changes { mark, key: None })));
        Ok(Page {
            changes: rows.into_iter().map(|row| change(set, row)).collect(),
            cursor: cursor(set, &place),
            end,
        })
    }

    /// How an enumeration ended.
    fn end(&self, set: &Set, changes: Option<Place>) -> End {
        let can = set.can();
        if !self.whole || !can.complete_enumeration {
            return End::Partial;
        }
        End::Complete(Enumeration {
            id: format!("{}", self.serial),
            order: Order::Unspecified,
            changes_from: changes.filter(|_| can.changes).map(|place| cursor(set, &place)),
        })
    }

    async fn by_links(
        &self,
        service: &Service,
        set: &Set,
        wanted: &Wanted,
        mark: Option<RecordId>,
        key: Option<RecordId>,
        max: usize,
    ) -> Result<Page> {
        let tracks = set.feeding == Feeding::Delta;
        let (from, shown) = match &key {
            Some(key) => link(key)?,
            None => {
                // Where changes are tracked, the later answers have the fields that were asked for here: all of them.
                let select =
                    if tracks { Wanted::all(set)?.select(set, &[]) } else { wanted.select(set, &[]) };
                let lists = wanted.expand(set).filter(|_| !tracks);
                let query = Query::new(select).expanded(lists).filtered(match tracks {
                    true => None,
                    false => filter(set, &self.query.condition),
                });
                (service.http.base().below(&query.of(set))?.to_string(), 0)
            }
        };
        let served = self.serve(service, set, wanted, &from, max, false).await?;
        let page: Vec<Change> = served.changes.iter().skip(shown).take(max).cloned().collect();
        let now = shown + page.len();
        if now < served.changes.len() {
            let place = Place::All { mark, key: Some(of_link(&from, now)) };
            return Ok(Page { changes: page, cursor: cursor(set, &place), end: None });
        }
        match &served.next {
            Some(next) => {
                let place = Place::All { mark, key: Some(of_link(next, 0)) };
                Ok(Page { changes: page, cursor: cursor(set, &place), end: None })
            }
            None => {
                let changes = match (&served.delta, tracks) {
                    (Some(delta), true) => Some(Place::Changes { mark: of_link(delta, 0), key: None }),
                    (None, true) => {
                        set.learnt.add(Flaw::NoFeed, &set.name);
                        None
                    }
                    (_, false) => mark.clone().map(|mark| Place::Changes { mark, key: None }),
                };
                let place = Place::All { mark, key: Some(of_link(&from, now)) };
                Ok(Page { changes: page, cursor: cursor(set, &place), end: Some(self.end(set, changes)) })
            }
        }
    }

    /// What a link gives; empty pages are passed over.
    async fn serve(
        &self,
        service: &Service,
        set: &Set,
        wanted: &Wanted,
        from: &str,
        max: usize,
        is_delta: bool,
    ) -> Result<Arc<Served>> {
        if let Some((known, served)) = &self.kept.lock().unwrap_or_else(PoisonError::into_inner).served
            && known == from
        {
            return Ok(Arc::clone(served));
        }
        let mut at = service.http.base().link(service.http.base().url(), from)?;
        for _ in 0..EMPTY_PAGES_MAX {
            let circle = {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.circle.is_closed_by(at.as_str())
            };
            if circle {
                return Err(Error::data("the links of the service lead in a circle")
                    .at("entity", &set.name)
                    .at("address", shown(&at))
                    .with_remedy("report it to whoever runs the service; `paging: key` needs no links"));
            }
            let tracks = set.feeding == Feeding::Delta && !is_delta;
            let answer = match service.read(service.reading(at.clone(), Some(max), tracks)).await {
                // A link that the service does not know any more, in whichever way it says so.
                Err(error) if is_delta && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Data) => {
                    return Err(Error::new(
                        ErrorKind::CursorExpired,
                        "the service does not take the delta link any more",
                    )
                    .at("entity", &set.name)
                    .caused_by(error));
                }
                other => other?,
            };
            let list = listing(utf8(&answer.body)?).map_err(|error| error.at("address", shown(&at)))?;
            if is_delta {
                self.is_feed(set, &list)?;
            }
            let linked = |link: Option<&String>| -> Result<Option<url::Url>> {
                link.map(|link| service.linked(&answer.url, link)).transpose()
            };
            let (next, delta) = (linked(list.next.as_ref())?, linked(list.delta.as_ref())?);
            let changes: Vec<Change> = list.rows.iter().filter_map(|held| entry(set, wanted, held)).collect();
            match next {
                Some(next) if changes.is_empty() => at = next,
                next => {
                    let served = Arc::new(Served {
                        changes,
                        next: next.map(|next| next.to_string()),
                        delta: delta.map(|delta| delta.to_string()),
                    });
                    let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.served = Some((from.to_owned(), Arc::clone(&served)));
                    return Ok(served);
                }
            }
        }
        Err(Error::new(ErrorKind::Limit, format!("{EMPTY_PAGES_MAX} pages without a record"))
            .at("entity", &set.name)
            .with_remedy("report it to whoever runs the service; `paging: key` needs no links"))
    }

    /// Holds an answer to being changes and not everything.
    ///
    /// Errors: it is not; the set has no feed from now on.
    fn is_feed(&self, set: &Set, list: &Listing<'_>) -> Result<()> {
        let says_so = list.context.as_deref().is_none_or(|context| context.trim_end().ends_with("$delta"));
        let goes_on = list.next.is_some() || list.delta.is_some();
        if says_so && goes_on {
            return Ok(());
        }
        set.learnt.add(Flaw::NoFeed, &set.name);
        Err(Error::new(
            ErrorKind::CursorExpired,
            "the service answered with everything and not with what changed",
        )
        .at("entity", &set.name)
        .with_remedy("it ignores delta tokens: set `changes: modified` or `none` for this set"))
    }

    async fn delta(
        &self,
        service: &Service,
        set: &Set,
        wanted: &Wanted,
        mark: &RecordId,
        max: usize,
    ) -> Result<Page> {
        let (from, shown) = link(mark)?;
        let served = self.serve(service, set, wanted, &from, max, true).await?;
        let changes: Vec<Change> = served.changes.iter().skip(shown).take(max).cloned().collect();
        let now = shown + changes.len();
        let (mark, end) = match (now < served.changes.len(), &served.next, &served.delta) {
            (true, _, _) => (of_link(&from, now), None),
            (false, Some(next), _) => (of_link(next, 0), None),
            (false, None, Some(delta)) => (of_link(delta, 0), Some(End::CaughtUp { low_water: None })),
            (false, None, None) => return Err(Error::data("changes without a link to go on from")),
        };
        Ok(Page { changes, cursor: cursor(set, &Place::Changes { mark, key: None }), end })
    }

    #[allow(clippy::too_many_arguments)]
    async fn changed(
        &self,
        service: &Service,
        set: &Set,
        wanted: &Wanted,
        mark: RecordId,
        key: Option<RecordId>,
        max: usize,
        window_ms: u64,
    ) -> Result<Page> {
        let column = set.modified.and_then(|place| set.columns.get(place));
        let stamp = mark.as_text().filter(|stamp| is_moment(stamp));
        let (Some(column), Some(stamp)) = (column, stamp) else {
            return Err(
                Error::new(ErrorKind::CursorExpired, "the cursor holds no moment").at("entity", &set.name)
            );
        };
        let name = &column.field.name;
        let begins = match key.as_ref().and_then(|key| after(set, key)) {
            Some(later) => format!("{name} gt {stamp} or ({name} eq {stamp} and ({later}))"),
            None => format!("{name} ge {stamp}"),
        };
        let query = Query::new(wanted.select(set, &[]))
            .expanded(wanted.expand(set))
            .filtered(Some(begins))
            .with("$orderby", format!("{name},{}", key_order(set)))
            .with("$top", max.to_string());
        let url = service.http.base().below(&query.of(set))?;
        let answer = service.read(service.reading(url.clone(), Some(max), false)).await?;
        let list = listing(utf8(&answer.body)?).map_err(|error| error.at("address", shown(&url)))?;
        too_many(&list, max)?;
        let rows = rows(set, wanted, &list);
        let last = rows.iter().rev().find_map(|row| match row {
            Ok(row) => Some((row.stamp.clone()?, row.found.id.clone())),
            Err(_) => None,
        });
        let more = rows.len() >= max || list.next.is_some();
        if more {
            let stuck = last.as_ref().is_none_or(|(_, id)| Some(id) == key.as_ref());
            if stuck {
                return Err(Error::new(ErrorKind::Unsupported, "the changes of the service do not go on")
                    .at("entity", &set.name)
                    .with_remedy("it ignores `$filter` or `$orderby`: set `changes: none` for this set"));
            }
        }
        let newest = last.as_ref().map_or_else(|| stamp.to_string(), |(stamp, _)| stamp.clone());
        let place = match (more, last) {
            (true, Some((stamp, id))) => Place::Changes { mark: RecordId::text(&stamp), key: Some(id) },
            _ => {
                // Back by the window, but never behind where this reading began.
                let back = earlier(&newest, window_ms);
                let mark = if key.is_none() && newest == *stamp { stamp.to_string() } else { back };
                Place::Changes { mark: RecordId::text(&mark), key: None }
            }
        };
        Ok(Page {
            changes: rows.into_iter().map(|row| change(set, row)).collect(),
            cursor: cursor(set, &place),
            end: (!more).then_some(End::CaughtUp { low_water: None }),
        })
    }
}

/// The place where changes begin that happen from now on: the newest stamp, less the window.
async fn mark(service: &Service, set: &Set) -> Result<Option<RecordId>> {
    let Feeding::Modified { column, window_ms } = &set.feeding else { return Ok(None) };
    let Some(name) = set.columns.get(*column).map(|column| column.field.name.as_str()) else {
        return Ok(None);
    };
    let query = Query::new(name.to_owned()).with("$orderby", format!("{name} desc")).with("$top", "1");
    let url = service.http.base().below(&query.of(set))?;
    let answer = service.read(service.reading(url, Some(1), false)).await?;
    let list = listing(utf8(&answer.body)?)?;
    let newest = match list.rows.first() {
        None => None,
        Some(row) => Members::read(row.get())?.get(name).and_then(text).filter(|stamp| is_moment(stamp)),
    };
    let mark = newest.map_or_else(|| BEGINNING.to_owned(), |stamp| earlier(&stamp, *window_ms));
    Ok(Some(RecordId::text(&mark)))
}

fn too_many(list: &Listing<'_>, max: usize) -> Result<()> {
    if list.rows.len() <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!("{} records came where {max} were asked for", list.rows.len()),
    )
    .with_remedy("the service ignores `$top`: set `paging: server` for this set"))
}

fn rows(set: &Set, wanted: &Wanted, list: &Listing<'_>) -> Vec<Result<Row, Bad>> {
    list.rows.iter().map(|held| row(set, wanted, held)).collect()
}

fn known_id(row: &Result<Row, Bad>) -> Option<RecordId> {
    match row {
        Ok(row) => Some(row.found.id.clone()),
        Err(bad) => bad.id.clone(),
    }
}

fn change(set: &Set, row: Result<Row, Bad>) -> Change {
    match row {
        Ok(row) => Change::Upsert(row.found),
        Err(Bad { id, problem }) => {
            let place = match &id {
                Some(id) => format!("{} {id}", set.name),
                None => format!("{}, a record without a key", set.name),
            };
            Change::Broken { id, place, problem }
        }
    }
}

/// An entry of a list or a feed; `None` for one that only left what the account sees, which proves nothing.
fn entry(set: &Set, wanted: &Wanted, held: &RawValue) -> Option<Change> {
    let broken = |problem: &str| {
        Some(Change::Broken { id: None, place: set.name.to_string(), problem: problem.to_owned() })
    };
    let Ok(members) = Members::read(held.get()) else { return broken("it is no object") };
    let context = members.control_text("context").unwrap_or_default();
    let removed = members.control("removed");
    if removed.is_none() && !context.ends_with("$deletedEntity") {
        return Some(change(set, row(set, wanted, held)));
    }
    let reason = match removed {
        Some(removed) => Members::read(removed.get()).ok()?.get("reason").and_then(text),
        None => members.get("reason").and_then(text),
    };
    if reason.as_deref() != Some("deleted") {
        return None;
    }
    let address = members.control_text("id").or_else(|| members.get("id").and_then(text));
    let gone = id(set, &members).ok().or_else(|| {
        let address = address?;
        // Some services write the bare key.
        id_of_address(set, &address).or_else(|| bare(set, &address))
    });
    match gone {
        Some(id) => Some(Change::Deleted(Tombstone { id, version: None, merged_into: None })),
        None => broken("a deleted entity whose key cannot be read"),
    }
}

fn bare(set: &Set, text: &str) -> Option<RecordId> {
    let [column] = set.key_columns().collect::<Vec<_>>()[..] else { return None };
    let part = super::values::key_part_of_text(&column.wire, text)?;
    let value = super::values::of_key(column, &part)?;
    literal(column, value.as_ref()).ok()?;
    Some(RecordId::of_parts(&[part]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::Circle;

    proptest! {
        // Catches: a circle that is entered from a tail and never closed.
        #[test]
        fn every_circle_is_found_and_no_chain_is_one(tail in 0usize..50, length in 1usize..50) {
            let mut circle = Circle::default();
            let link = |step: usize| if step < tail { step } else { tail + (step - tail) % length };
            let found = (0..4 * (tail + length) + 4).find(|step| circle.is_closed_by(&link(*step).to_string()));
            prop_assert!(found.is_some_and(|step| step >= length));
            let mut chain = Circle::default();
            prop_assert!((0..200).all(|step| !chain.is_closed_by(&step.to_string())));
        }
    }
}
