//! What a simulated system shows: pages of changes, enumerations, look-ups, and what its cursors mean. The chronicle hears
//! of everything that is shown. Knows nothing of writes. The doors are [`Universe::page`] and [`Universe::look_up`].

use std::sync::Arc;
use std::time::Duration;

use super::dice::Dice;
use super::finding::Harm;
use super::table::{Content, Row};
use super::universe::Universe;
use crate::connector::{
    Change, Cursor, End, Enumeration, FetchBy, FetchQuery, GoneProof, Lookup, Order, Page, ReadQuery,
};
use crate::model::{Condition, Error, ErrorKind, Record, RecordId, Result, Shape, Side, Truth, Value, hex};

/// Where a reading stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the feed, behind this change; and what was complete when the reading began that goes on there.
    Changes(u64, Option<u64>),
    /// In an enumeration: where changes begin afterwards, how many records came, the last one.
    All { mark: u64, count: usize, last: Option<RecordId> },
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

impl Place {
    fn cursor(&self, side: Side, epoch: u64, kind: usize) -> Cursor {
        let place = match self {
            Place::Changes(place, None) => format!("changes {place}"),
            Place::Changes(place, Some(mark)) => format!("changes {place} {mark}"),
            Place::All { mark, count, last } => {
                let last = last.as_ref().map_or("-".to_owned(), |last| hex(last.as_bytes()));
                format!("all {mark} {count} {last}")
            }
        };
        Cursor::new(format!("{side} {epoch} {kind} {place}").into_bytes())
    }

    fn read(cursor: &Cursor, side: Side, epoch: u64, kind: usize) -> Result<Self> {
        let text = String::from_utf8_lossy(cursor.as_bytes()).into_owned();
        let parsed = || {
            let place = text.strip_prefix(&format!("{side} {epoch} {kind} "))?;
            let words: Vec<&str> = place.split(' ').collect();
            match words.as_slice() {
                ["changes", place] => Some(Place::Changes(place.parse().ok()?, None)),
                ["changes", place, mark] => {
                    Some(Place::Changes(place.parse().ok()?, Some(mark.parse().ok()?)))
                }
                ["all", mark, count, last] => Some(Place::All {
                    mark: mark.parse().ok()?,
                    count: count.parse().ok()?,
                    last: if *last == "-" { None } else { Some(RecordId::from_bytes(&unhex(last)?)?) },
                }),
                _ => None,
            }
        };
        parsed()
            .ok_or_else(|| Error::new(ErrorKind::CursorExpired, "the cursor is too old or not of this feed"))
    }
}

/// The order of an enumeration: by id, or any other that a number decides.
fn order_key(order: Order, shuffle: u64, id: &RecordId) -> (u64, RecordId) {
    match order {
        Order::RecordId => (0, id.clone()),
        Order::Unspecified => {
            let hash =
                id.as_bytes().iter().fold(shuffle, |hash, byte| Dice::new(hash ^ u64::from(*byte)).next());
            (hash, id.clone())
        }
    }
}

impl Universe {
    fn lag(&self, side: Side) -> Duration {
        Duration::from_millis(self.systems.of(side).switches.lag)
    }

    /// What reading shows of an entity: what is there, or what was there a while ago.
    pub(super) fn content(&self, side: Side, kind: usize) -> Content {
        let table = self.systems.of(side).tables.get(kind);
        table.map(|table| table.ago(self.now(), self.lag(side)).clone()).unwrap_or_default()
    }

    /// Where a read begins.
    pub(super) fn begin_read(&mut self, side: Side, kind: usize, query: &ReadQuery) -> Result<Cursor> {
        let now = self.now();
        let table = self.systems.of(side).tables.get(kind);
        let sequence = table.map_or(0, |table| table.ago(now, self.lag(side)).sequence);
        let system = self.systems.of_mut(side);
        system.enumerations += 1;
        let epoch = system.epoch;
        let (changes, low_water) =
            system.truth.get(kind).map_or((false, false), |can| (can.changes, can.low_water));
        let Some(after) = &query.after else {
            let mark = if low_water { system.low_water(sequence, now) } else { sequence };
            return Ok(Place::All { mark, count: 0, last: None }.cursor(side, epoch, kind));
        };
        let place = Place::read(after, side, epoch, kind)?;
        match place {
            Place::Changes(..) if !changes => {
                Err(Error::new(ErrorKind::CursorExpired, "the entity has no feed of changes"))
            }
            Place::Changes(place, _) => {
                self.check_cursor(side, kind, place);
                // What is complete by the last page was not so when the first one was read.
                let mark = low_water.then(|| self.systems.of(side).low_water(sequence, now));
                Ok(Place::Changes(place, mark).cursor(side, epoch, kind))
            }
            Place::All { .. } => Ok(after.clone()),
        }
    }

    /// I28: everything before the place at which reading goes on was shown.
    fn check_cursor(&mut self, side: Side, kind: usize, place: u64) {
        let rows = self.systems.of(side).rows(kind);
        let passed = rows.filter(|(id, row)| {
            let holder = (side, kind, (*id).clone());
            let shown = self.chronicle.shown.get(&holder).copied().unwrap_or_default();
            // What was changed unnoticed has no place in the feed, and what is hidden is not shown there.
            row.place <= place
                && row.version == row.place
                && shown < row.tick
                && !self.chronicle.was_hidden.contains(&holder)
        });
        let passed: Vec<RecordId> = passed.map(|(id, _)| id.clone()).collect();
        for id in passed {
            let is_silent = self.systems.of(side).truth.get(kind).is_some_and(|can| !can.low_water);
            let owed = self.promises.owes(kind, "I28", side) && !is_silent;
            let words =
                format!("reading went on at {place}, and {id} was changed before and not shown since");
            self.found(Harm::CursorPassed, "I28", side, owed, words);
        }
    }

    /// The next page of a read.
    pub(super) fn page(
        &mut self,
        side: Side,
        kind: usize,
        query: &ReadQuery,
        after: &Cursor,
        resumed: bool,
    ) -> Result<Page> {
        let epoch = self.systems.of(side).epoch;
        match Place::read(after, side, epoch, kind)? {
            Place::Changes(place, mark) => Ok(self.changes_page(side, kind, query, (place, mark))),
            Place::All { mark, count, last } => {
                Ok(self.enumeration_page(side, kind, query, (mark, count, last), resumed))
            }
        }
    }

    fn changes_page(
        &mut self,
        side: Side,
        kind: usize,
        query: &ReadQuery,
        (place, begun): (u64, Option<u64>),
    ) -> Page {
        let content = self.content(side, kind);
        let system = self.systems.of(side);
        let epoch = system.epoch;
        let truth = system.truth.get(kind).cloned().unwrap_or_default();
        let declared = system.declared.get(kind).is_some_and(|can| can.low_water);
        let limit = query.page_records_max.min(system.switches.page).max(1);
        let (mut changes, mut last, mut ended) = (Vec::new(), place, true);
        for (at, id) in content.feed.range(place.saturating_add(1)..) {
            if changes.len() >= limit {
                ended = false;
                break;
            }
            last = *at;
            match (content.rows.get(id), content.stones.get(id)) {
                (Some(row), _) if !row.hidden => changes.push(self.shown(side, kind, id, row, &query.shape)),
                (None, Some((_, stone))) if truth.tombstones => {
                    let row = self.systems.of(side).tables.get(kind).and_then(|table| table.bin.get(id));
                    let number = row.and_then(|row| row.thing);
                    self.chronicle.stones_shown.extend(number.map(|number| (side, (kind, number))));
                    changes.push(Change::Deleted(stone.clone()));
                }
                _ => {}
            }
        }
        let passed = content.sequence;
        if ended {
            last = passed.max(place);
        }
        let cursor = Place::Changes(last, begun.filter(|_| !ended)).cursor(side, epoch, kind);
        let end = ended.then(|| {
            let mark = match (truth.low_water, declared) {
                (true, _) => Some(begun.unwrap_or(passed).min(passed)),
                // Said, and not so.
                (false, true) => Some(passed),
                (false, false) => None,
            };
            End::CaughtUp { low_water: mark.map(|mark| Place::Changes(mark, None).cursor(side, epoch, kind)) }
        });
        Page { changes, cursor, end }
    }

    fn shown(&mut self, side: Side, kind: usize, id: &RecordId, row: &Row, shape: &Arc<Shape>) -> Change {
        match self.show(side, kind, id, row, shape) {
            Lookup::Found(found) => Change::Upsert(found),
            _ => Change::Broken { id: Some(id.clone()), place: String::new(), problem: String::new() },
        }
    }

    /// Shows a record as it is, and notes that it was seen.
    pub(super) fn show(
        &mut self,
        side: Side,
        kind: usize,
        id: &RecordId,
        row: &Row,
        shape: &Arc<Shape>,
    ) -> Lookup {
        self.chronicle.shows((side, kind, id.clone()), row.tick);
        let system = self.systems.of(side);
        match system.tables.get(kind) {
            Some(table) => Lookup::Found(table.show(id, row, shape, &system.switches)),
            None => Lookup::Unanswered,
        }
    }

    fn enumeration_page(
        &mut self,
        side: Side,
        kind: usize,
        query: &ReadQuery,
        (mark, count, last): (u64, usize, Option<RecordId>),
        resumed: bool,
    ) -> Page {
        let content = self.content(side, kind);
        let system = self.systems.of(side);
        let (epoch, switches, serial) = (system.epoch, system.switches.clone(), system.enumerations);
        let truth = system.truth.get(kind).cloned().unwrap_or_default();
        let says_complete = system.declared.get(kind).is_some_and(|can| can.complete_enumeration);
        let rows = enumerated(&content, query, truth.order, &switches);
        let behind: Vec<&RecordId> = match (&last, switches.page_skew) {
            (_, true) => rows.into_iter().skip(count).collect(),
            (None, false) => rows,
            (Some(last), false) => {
                let key = order_key(truth.order, switches.shuffle, last);
                rows.into_iter().filter(|id| order_key(truth.order, switches.shuffle, id) > key).collect()
            }
        };
        let room = if switches.cap > 0 { switches.cap.saturating_sub(count) } else { usize::MAX };
        let limit = query.page_records_max.min(switches.page).max(1).min(room);
        let ended = behind.len() <= limit || room <= limit;
        let chosen: Vec<(RecordId, Row)> = behind
            .into_iter()
            .take(limit)
            .filter_map(|id| Some((id.clone(), content.rows.get(id)?.clone())))
            .collect();
        let changes: Vec<Change> =
            chosen.iter().map(|(id, row)| self.shown(side, kind, id, row, &query.shape)).collect();
        let next = Place::All {
            mark,
            count: count + changes.len(),
            last: chosen.last().map(|(id, _)| id.clone()).or(last),
        };
        let from = Place::Changes(mark, None).cursor(side, epoch, kind);
        let end = ended.then(|| {
            if resumed || !says_complete {
                return End::Partial;
            }
            End::Complete(Enumeration {
                id: format!("{side} {kind} {serial}"),
                order: truth.order,
                changes_from: truth.changes.then(|| from.clone()),
            })
        });
        let cursor = if ended && truth.changes { from } else { next.cursor(side, epoch, kind) };
        Page { changes, cursor, end }
    }

    /// Looks records up.
    pub(super) fn look_up(&mut self, side: Side, kind: usize, query: &FetchQuery) -> Vec<Lookup> {
        let content = self.content(side, kind);
        match &query.by {
            FetchBy::Ids(ids) => {
                ids.iter().map(|id| self.look_up_id(side, kind, &content, id, &query.shape)).collect()
            }
            FetchBy::Key { fields, values } => {
                let by_key = |key: &Vec<Value>| {
                    let matches = |row: &Row| {
                        fields
                            .iter()
                            .zip(key)
                            .all(|(field, value)| row.value(field.as_str()) == value && *value != Value::Null)
                    };
                    let rows = content.rows.iter().filter(|(_, row)| !row.hidden && matches(row));
                    rows.map(|(id, _)| id.clone()).collect::<Vec<_>>()
                };
                let found: Vec<Vec<RecordId>> = values.iter().map(by_key).collect();
                let answer = |ids: Vec<RecordId>| match ids.as_slice() {
                    [] => Lookup::Hidden,
                    [one] => self.look_up_id(side, kind, &content, one, &query.shape),
                    _ => Lookup::Several(ids),
                };
                found.into_iter().map(answer).collect()
            }
        }
    }

    fn look_up_id(
        &mut self,
        side: Side,
        kind: usize,
        content: &Content,
        id: &RecordId,
        shape: &Arc<Shape>,
    ) -> Lookup {
        let system = self.systems.of(side);
        let truly = system.truth.get(kind).is_some_and(|can| can.gone_not_hidden);
        let says = system.declared.get(kind).is_some_and(|can| can.gone_not_hidden);
        match content.rows.get(id) {
            Some(row) if !row.hidden => {
                let row = row.clone();
                self.show(side, kind, id, &row, shape)
            }
            Some(_) if truly || !says => Lookup::Hidden,
            None if !says => Lookup::Hidden,
            // Gone; or hidden, where the system says that it can tell and cannot.
            _ => Lookup::Gone(GoneProof { id: id.clone(), seen: format!("there is no record {id}") }),
        }
    }
}

/// The ids of an enumeration in its order.
fn enumerated<'a>(
    content: &'a Content,
    query: &ReadQuery,
    order: Order,
    switches: &super::switches::Switches,
) -> Vec<&'a RecordId> {
    let is_asked = |row: &Row| {
        !row.hidden
            && (query.condition == Condition::Always
                || query.condition.holds(&record_of(row, query)) != Truth::Out)
    };
    let mut rows: Vec<(&RecordId, &Row)> = content.rows.iter().filter(|(_, row)| is_asked(row)).collect();
    if switches.page_skew {
        rows.sort_by_key(|(_, row)| row.place);
    } else {
        rows.sort_by_key(|(id, _)| order_key(order, switches.shuffle, id));
    }
    rows.into_iter().map(|(id, _)| id).collect()
}

fn record_of(row: &Row, query: &ReadQuery) -> Record {
    let fields = query.condition.fields();
    let shape = Shape::new(fields).unwrap_or_else(|_| query.shape.clone());
    let mut record = crate::model::RecordBuilder::new(&shape);
    shape.names().iter().for_each(|name| record.push_value(row.value(name.as_str()).as_ref()));
    record.finish()
}
