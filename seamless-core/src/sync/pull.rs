//! Pulling: reading a side and sorting what comes into *unchanged* (dropped at once), *changed*, *missing* and
//! *unpaired*, page by page. The door is [`pull`].
//!
//! A record whose fingerprint is that of its base is dropped; that is also how the echo of our own write disappears.
//! Where an enumeration comes in id order it meets the stored marks by a streaming merge, otherwise by a look-up per
//! page and a second pass over what was seen.

use std::collections::{HashSet, VecDeque};

use futures::{StreamExt, join};

use crate::connector::{
    Capabilities, Capability, Change, Cursor, End, Order, ReadQuery, Tombstone, Versioned,
};
use crate::merge::CompiledLink;
use crate::model::{Condition, Error, ErrorKind, FieldName, RecordId, Result, Retry, Side, Timestamp, Truth};
use crate::plan::{
    AttentionWhy, Basis, Body, Effect, Entry, EntryKey, Feed, GONE, MatchRow, PairStatus, ParkReason, Parked,
    ParkedAs, Rank, match_key,
};
use crate::store::{Mark, Scan, SpillRow};

use super::area::{self, Missing};
use super::making::{BATCH_ROWS, Making};
use super::progress::{Meter, Phase};
use super::resting::{Rest, needs, rests_because_of};
use super::vanished::{close_gone, close_vanished};

/// What reading a side came to.
#[derive(Debug)]
pub(super) struct Pulled {
    /// Where the next run goes on.
    pub(super) feed: Feed,
    /// Whether everything was enumerated, to its end: only then does "not seen" mean anything, and only then is a
    /// record that was not matched known to have no partner here.
    pub(super) complete: bool,
    /// Whether everything was enumerated, whatever its end.
    pub(super) full: bool,
    /// Records that were read.
    pub(super) read: u64,
    /// Records without a pair.
    pub(super) unpaired: u32,
    /// Fields that the side does not have any more.
    pub(super) gone: Vec<FieldName>,
    /// Why the link rests, where it does: then nothing was read into the draft.
    pub(super) rests: Option<Rest>,
}

impl Pulled {
    /// A side that was not read. Its feed stays where it was.
    fn resting(feed: Option<Feed>, gone: Vec<FieldName>, rest: Rest) -> Self {
        let feed = feed.unwrap_or(Feed { cursor: None, enumerated_at: None, enumerated: 0 });
        Self { feed, complete: false, full: false, read: 0, unpaired: 0, gone, rests: Some(rest) }
    }
}

/// Reads one side of a link into the draft; `anew` from the start, wherever its feed stands.
pub(super) async fn pull(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    side: Side,
    anew: bool,
) -> Result<Pulled> {
    let capabilities = making.connector(side).capabilities(link.spec().entity.of(side));
    let feed = making.store().feed(&link.spec().id, side).await?;
    let now = making.inner.clock.now();
    let after = match &feed {
        Some(feed)
            if capabilities.changes && !making.reconfigured && !anew && !sweep_due(link, feed, now) =>
        {
            feed.cursor.clone()
        }
        _ => None,
    };
    let total = feed.as_ref().map(|feed| feed.enumerated).filter(|total| *total > 0 && after.is_none());
    let pulling = Pulling::begin(making, place, link, side, after.is_none(), total);
    match pulling.run(after.clone(), feed.clone(), now).await {
        // The side forgot where we were: everything is read again, and nothing is deleted because of the gap.
        Err(error) if error.kind() == ErrorKind::CursorExpired && after.is_some() => {
            tracing::warn!(link = %link.spec().id, %side, "the cursor expired; everything is enumerated");
            Pulling::begin(making, place, link, side, true, None).run(None, feed, now).await
        }
        Err(error) if rests_because_of(&error, feed.as_ref()) => {
            tracing::warn!(link = %link.spec().id, %side, %error, "the link rests");
            Ok(Pulled::resting(feed, Vec::new(), Rest::Entity(error.message().to_owned())))
        }
        result => result,
    }
}

/// Whether a pair ended because this side's record was gone: then a record of that id that is there is there anew.
pub(super) fn is_back(side: Side, mark: &Mark) -> bool {
    mark.status == PairStatus::Ended && *mark.fingerprint.of(side) == GONE
}

fn sweep_due(link: &CompiledLink, feed: &Feed, now: Timestamp) -> bool {
    let Some(every) = link.spec().sweep_every else { return false };
    let Some(last) = feed.enumerated_at else { return true };
    now.signed_duration_since(last).to_std().is_ok_and(|since| since >= every)
}

struct Pulling<'a> {
    making: &'a Making<'a>,
    place: u16,
    link: &'a CompiledLink,
    side: Side,
    capabilities: Capabilities,
    marks: MarkStream,
    last: Option<RecordId>,
    ordinal: u32,
    read: u64,
    broken: u16,
    /// The records that could not be read: there, but not shown.
    broken_ids: HashSet<RecordId>,
    full: bool,
    /// Whether a record of a pair was passed over by a reading of everything.
    passed_over: bool,
    meter: Meter<'a>,
}

/// What a page is sorted into.
#[derive(Default)]
struct Sorted {
    changed: Vec<SpillRow>,
    look: Vec<SpillRow>,
    missing: Vec<SpillRow>,
    unpaired: Vec<SpillRow>,
    seen: Vec<SpillRow>,
    keys: Vec<Vec<SpillRow>>,
    broken: Vec<Entry>,
    /// Deleted records without a pair.
    gone: Vec<RecordId>,
}

impl<'a> Pulling<'a> {
    /// `total`: how many records there will be, where that is known.
    fn begin(
        making: &'a Making<'a>,
        place: u16,
        link: &'a CompiledLink,
        side: Side,
        full: bool,
        total: Option<u64>,
    ) -> Self {
        let capabilities = making.connector(side).capabilities(link.spec().entity.of(side));
        let (observer, clock) = (&*making.inner.observer, &*making.inner.clock);
        let meter = Meter::begin(observer, clock, Phase::Pull, Some(&link.spec().id), Some(side), total);
        Self {
            making,
            place,
            link,
            side,
            capabilities,
            marks: MarkStream::new(),
            last: None,
            ordinal: 0,
            read: 0,
            broken: 0,
            broken_ids: HashSet::new(),
            full,
            passed_over: false,
            meter,
        }
    }

    async fn run(mut self, after: Option<Cursor>, before: Option<Feed>, now: Timestamp) -> Result<Pulled> {
        let query = self.query(after);
        let ordered = self.full && self.capabilities.order == Order::RecordId;
        let mut pages =
            self.making.connector(self.side).read(query).await.map_err(|error| self.place(error))?;
        let mut gone = self
            .making
            .narrowing(self.side)
            .gone(self.link.spec().entity.of(self.side), self.link.shape(self.side));
        gone.extend(self.link.begun_by(self.side, &gone));
        if let (Some(field), None) = (gone.first(), &before) {
            return Err(self.place(never_there(field)));
        }
        if needs(self.link, self.side, &gone) {
            return Ok(Pulled::resting(before, gone, Rest::Field));
        }
        let mut cursor = None;
        let mut end = None;
        let mut coming = pages.next().await;
        while let Some(page) = coming {
            let page = page.map_err(|error| self.place(error))?;
            self.making.pulse().await?;
            cursor = Some(page.cursor);
            end = page.end;
            if end.is_some() {
                self.take_in(page.changes, ordered).await?;
                break;
            }
            // The side reads its next page while this one is sorted: that one is polled first.
            let (following, taken) = join!(pages.next(), self.take_in(page.changes, ordered));
            taken?;
            coming = following;
        }
        let end = end.ok_or_else(|| self.place(cut_off()))?;
        let complete = matches!(end, End::Complete(_));
        if complete {
            match ordered {
                true => self.rest_is_missing().await?,
                false => self.unseen_is_missing().await?,
            }
            if let Some(cursor) = before.as_ref().and_then(|feed| feed.cursor.clone()) {
                self.learn_merges(cursor).await?;
            }
            let broken = std::mem::take(&mut self.broken_ids);
            close_vanished(self.making, self.place, self.link, self.side, &broken).await?;
        }
        if matches!(end, End::CaughtUp { low_water: None }) {
            let message = "its feed of changes says no mark up to which it is complete";
            self.making.inner.doubt(self.link, self.side, Capability::LowWater, message);
        }
        let next = match end {
            End::CaughtUp { low_water } => low_water.or(cursor),
            End::Complete(enumeration) => enumeration.changes_from,
            End::Partial => None,
        };
        let known = before.unwrap_or(Feed { cursor: None, enumerated_at: None, enumerated: 0 });
        let feed = Feed {
            cursor: next,
            enumerated_at: if complete { Some(now) } else { known.enumerated_at },
            enumerated: if complete { self.read } else { known.enumerated },
        };
        let (read, unpaired, full) = (self.read, self.ordinal, self.full);
        self.meter.end();
        Ok(Pulled { feed, complete, full, read, unpaired, gone, rests: None })
    }

    fn query(&self, after: Option<Cursor>) -> ReadQuery {
        ReadQuery {
            entity: self.link.spec().entity.of(self.side).clone(),
            shape: self.link.shape(self.side).clone(),
            condition: Condition::Always,
            after,
            page_records_max: self.making.inner.options.page_records_max,
        }
    }

    /// What the feed says of records that a reading of everything has passed over: only a tombstone tells that a record was
    /// merged, and the feed goes on behind it afterwards. Nothing else is taken from here, and nothing is read where no
    /// record is missing.
    async fn learn_merges(&mut self, after: Cursor) -> Result<()> {
        if !self.passed_over || !self.capabilities.changes || !self.capabilities.tombstones {
            return Ok(());
        }
        let (store, missing) = (self.making.store(), area::missing(self.place, self.side));
        let reading = self.making.connector(self.side).read(self.query(Some(after))).await;
        let mut pages = match reading {
            // What it knew is forgotten.
            Err(error) if error.kind() == ErrorKind::CursorExpired => return Ok(()),
            reading => reading.map_err(|error| self.place(error))?,
        };
        while let Some(page) = pages.next().await {
            let page = match page {
                Err(error) if error.kind() == ErrorKind::CursorExpired => return Ok(()),
                page => page.map_err(|error| self.place(error))?,
            };
            self.making.pulse().await?;
            let stones: Vec<Tombstone> = page.changes.into_iter().filter_map(tombstone_of).collect();
            let keys: Vec<Vec<u8>> = stones.iter().map(|stone| stone.id.as_bytes().to_vec()).collect();
            let known = store.spilled_of(self.making.plan(), missing, &keys).await?;
            let told = stones.into_iter().zip(known).filter(|(_, known)| known.is_some());
            let row = |stone: Tombstone| area::row(&stone.id.clone(), Missing::Tombstone(stone).encode());
            self.making.spill(missing, told.map(|(stone, _)| row(stone)).collect()).await?;
            if page.end.is_some() {
                return Ok(());
            }
        }
        Err(self.place(cut_off()))
    }

    async fn take_in(&mut self, changes: Vec<Change>, ordered: bool) -> Result<()> {
        self.read += changes.len() as u64;
        self.meter.add(changes.len());
        let sorted = match ordered {
            true => self.sort_ordered(changes).await?,
            false => self.sort_unordered(changes).await?,
        };
        self.put(sorted).await
    }

    fn place(&self, error: Error) -> Error {
        error
            .at("entity", self.link.spec().entity.of(self.side))
            .at("side", self.making.inner.names.of(self.side))
    }

    /// Records that come in id order, met with the marks that come in the same order.
    async fn sort_ordered(&mut self, changes: Vec<Change>) -> Result<Sorted> {
        let mut sorted = self.nothing();
        for change in changes {
            let Change::Upsert(versioned) = change else {
                self.sort_other(change, None, &mut sorted)?;
                continue;
            };
            if self.last.as_ref().is_some_and(|last| *last >= versioned.id) {
                return Err(self.place(out_of_order(&versioned.id)));
            }
            self.last = Some(versioned.id.clone());
            let mut mark = None;
            while let Some(next) = self.marks.peek(self.making, self.link, self.side).await? {
                let next_id = next.ids.of(self.side);
                if *next_id > versioned.id {
                    break;
                }
                let Some(next) = self.marks.take() else { break };
                if *next.ids.of(self.side) == versioned.id {
                    // Of several pairs over time, the one that has not ended.
                    if mark.as_ref().is_none_or(|known: &Mark| known.status == PairStatus::Ended) {
                        mark = Some(next);
                    }
                } else {
                    self.nominate(&next, &mut sorted);
                }
            }
            self.sort(versioned, mark, &mut sorted)?;
        }
        Ok(sorted)
    }

    async fn sort_unordered(&mut self, changes: Vec<Change>) -> Result<Sorted> {
        let mut sorted = self.nothing();
        let ids: Vec<RecordId> = changes.iter().filter_map(id_of_change).cloned().collect();
        let marks = self.making.store().marks_of(&self.link.spec().id, self.side, &ids).await?;
        let mut marks = marks.into_iter();
        for change in changes {
            let mark = if id_of_change(&change).is_some() { marks.next().flatten() } else { None };
            match change {
                Change::Upsert(versioned) => {
                    if self.full {
                        sorted.seen.push(area::row(&versioned.id, Vec::new()));
                    }
                    self.sort(versioned, mark, &mut sorted)?;
                }
                Change::Deleted(tombstone) if mark.is_none() => sorted.gone.push(tombstone.id),
                other => self.sort_other(other, mark, &mut sorted)?,
            }
        }
        Ok(sorted)
    }

    fn nothing(&self) -> Sorted {
        Sorted { keys: vec![Vec::new(); self.link.spec().matching.len()], ..Sorted::default() }
    }

    fn sort(&mut self, versioned: Versioned, mark: Option<Mark>, sorted: &mut Sorted) -> Result<()> {
        let mark = mark.filter(|mark| !is_back(self.side, mark));
        match mark {
            Some(mark) if mark.status == PairStatus::Ended => {}
            Some(mark) => {
                let fingerprint = self.link.fingerprint(self.side, &versioned.record);
                let same = fingerprint == *mark.fingerprint.of(self.side);
                let sweep = self.full && (self.making.inner.options.check_all || self.link.follows());
                if same && !mark.watch && !self.making.reconfigured && !sweep {
                    return Ok(());
                }
                sorted.look.push(area::row(&mark.ids.left, Vec::new()));
                sorted.changed.push(area::versioned_row(&versioned)?);
            }
            None => {
                match self.link.scope(self.side, &versioned.record) {
                    Truth::In => {}
                    // It waits, by name: what it refers to may be seen again without a change of the record.
                    Truth::Unknown if self.link.scope_reaches(self.side) => {}
                    Truth::Unknown | Truth::Out => return Ok(()),
                }
                let ordinal = self.ordinal;
                self.ordinal += 1;
                self.put_keys(&versioned, ordinal, sorted);
                sorted.unpaired.push(area::unpaired_row(ordinal, &versioned)?);
            }
        }
        Ok(())
    }

    fn put_keys(&self, versioned: &Versioned, ordinal: u32, sorted: &mut Sorted) {
        for (place, line) in self.link.spec().matching.iter().enumerate() {
            let Some(key) = match_key(place, line, self.side, &versioned.record) else { continue };
            if let Some(keys) = sorted.keys.get_mut(place) {
                let (side, id) = (self.side, versioned.id.clone());
                keys.push(area::key_row(&MatchRow { key, side, id, ordinal: u64::from(ordinal) }));
            }
        }
    }

    fn sort_other(&mut self, change: Change, mark: Option<Mark>, sorted: &mut Sorted) -> Result<()> {
        match change {
            Change::Upsert(_) => {}
            Change::Deleted(tombstone) => {
                if let Some(mark) = mark.filter(|mark| mark.status != PairStatus::Ended) {
                    sorted.look.push(area::row(&mark.ids.left, Vec::new()));
                    let id = tombstone.id.clone();
                    sorted.missing.push(area::row(&id, Missing::Tombstone(tombstone).encode()));
                }
            }
            Change::Broken { id, place, problem } => {
                let entry = self.broken_entry(id, &place, &problem);
                sorted.broken.push(entry);
            }
        }
        Ok(())
    }

    fn broken_entry(&mut self, id: Option<RecordId>, place: &str, problem: &str) -> Entry {
        let part = self.broken;
        self.broken = self.broken.saturating_add(1);
        let parked = Parked {
            side: self.side,
            id: id.clone(),
            rules: Vec::new(),
            why: ParkReason::Broken,
            message: format!("{place}: {problem}"),
            remedy: "correct it in the system; it is read again in every run".to_owned(),
        };
        let key_id = id.unwrap_or_else(|| RecordId::text(place));
        self.broken_ids.insert(key_id.clone());
        let mut ids = crate::model::Sides::default();
        *ids.of_mut(self.side) = Some(key_id.clone());
        Entry {
            key: EntryKey {
                rank: Rank::State,
                link: self.place,
                side: self.side,
                id: key_id,
                part: 2000 + part % 1000,
            },
            link: self.link.spec().id.clone(),
            ids,
            basis: Basis::default(),
            observed: crate::model::Sides::default(),
            settles: crate::model::Bits::new(),
            body: Body::Effect(Effect::Park(parked)),
        }
    }

    /// A pair whose record the enumeration has passed without showing it.
    fn nominate(&mut self, mark: &Mark, sorted: &mut Sorted) {
        if mark.status == PairStatus::Ended {
            return;
        }
        self.passed_over = true;
        sorted.look.push(area::row(&mark.ids.left, Vec::new()));
        sorted.missing.push(area::row(mark.ids.of(self.side), Missing::NotSeen.encode()));
    }

    async fn rest_is_missing(&mut self) -> Result<()> {
        loop {
            let mut sorted = self.nothing();
            while sorted.missing.len() < BATCH_ROWS {
                let Some(_) = self.marks.peek(self.making, self.link, self.side).await? else { break };
                let Some(mark) = self.marks.take() else { break };
                self.nominate(&mark, &mut sorted);
            }
            if sorted.missing.is_empty() {
                return Ok(());
            }
            self.put(sorted).await?;
        }
    }

    async fn unseen_is_missing(&mut self) -> Result<()> {
        let seen = area::seen(self.place, self.side);
        while self.marks.peek(self.making, self.link, self.side).await?.is_some() {
            let mut marks = Vec::with_capacity(BATCH_ROWS);
            while marks.len() < BATCH_ROWS {
                if self.marks.peek(self.making, self.link, self.side).await?.is_none() {
                    break;
                }
                marks.extend(self.marks.take());
            }
            let keys: Vec<Vec<u8>> =
                marks.iter().map(|mark| mark.ids.of(self.side).as_bytes().to_vec()).collect();
            let shown = self.making.store().spilled_of(self.making.plan(), seen, &keys).await?;
            let mut sorted = self.nothing();
            for (mark, _) in marks.iter().zip(shown).filter(|(_, shown)| shown.is_none()) {
                self.nominate(mark, &mut sorted);
            }
            self.put(sorted).await?;
        }
        Ok(())
    }

    async fn put(&self, sorted: Sorted) -> Result<()> {
        let Sorted { changed, look, missing, unpaired, seen, keys, broken, gone } = sorted;
        let (place, side) = (self.place, self.side);
        self.making.spill(area::changed(place, side), changed).await?;
        self.making.spill(area::look(place), look).await?;
        self.making.spill(area::missing(place, side), missing).await?;
        self.making.spill(area::unpaired(place, side), unpaired).await?;
        self.making.spill(area::seen(place, side), seen).await?;
        for (line, rows) in keys.into_iter().enumerate() {
            self.making.spill(area::keys(place, line), rows).await?;
        }
        self.making.put_entries(self.newly_broken(broken).await?).await?;
        close_gone(self.making, place, self.link, side, gone).await
    }

    /// Records that cannot be read and are not parked for that already: what is known is no change, or a plan would
    /// never be empty while there is such a record.
    async fn newly_broken(&self, mut broken: Vec<Entry>) -> Result<Vec<Entry>> {
        if broken.is_empty() {
            return Ok(broken);
        }
        let ids: Vec<RecordId> = broken.iter().map(|entry| entry.key.id.clone()).collect();
        let open = self.making.store().attention_of(&self.link.spec().id, self.side, &ids).await?;
        let mut open = open.into_iter();
        broken.retain(|entry| {
            let open = open.next().unwrap_or_default();
            let Body::Effect(Effect::Park(parked)) = &entry.body else { return true };
            !open.iter().any(|known| {
                matches!(&known.why, AttentionWhy::Parked { reason, message, .. }
                if *reason == ParkedAs::from(&parked.why) && *message == parked.message)
            })
        });
        Ok(broken)
    }
}

fn id_of_change(change: &Change) -> Option<&RecordId> {
    match change {
        Change::Upsert(versioned) => Some(&versioned.id),
        Change::Deleted(tombstone) => Some(&tombstone.id),
        Change::Broken { .. } => None,
    }
}

fn tombstone_of(change: Change) -> Option<Tombstone> {
    match change {
        Change::Deleted(tombstone) => Some(tombstone),
        Change::Upsert(_) | Change::Broken { .. } => None,
    }
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Unavailable, "the feed stopped before its end; nothing was planned from it")
        .with_retry(Retry::Later)
}

/// A field that is missing from the start is a mistake of the mapping.
fn never_there(field: &FieldName) -> Error {
    Error::configuration("the system has no such field")
        .at("field", field)
        .with_remedy("correct the name in the mapping, or add the field to the system")
}

fn out_of_order(id: &RecordId) -> Error {
    Error::new(ErrorKind::Internal, format!("the connector declares id order, but record {id} came late"))
        .with_remedy("report it to the connector's author; until then declare the order as unspecified")
}

/// The marks of a side in id order, page by page.
struct MarkStream {
    page: VecDeque<Mark>,
    after: Option<RecordId>,
    ended: bool,
}

impl MarkStream {
    fn new() -> Self {
        Self { page: VecDeque::new(), after: None, ended: false }
    }

    async fn peek(&mut self, making: &Making<'_>, link: &CompiledLink, side: Side) -> Result<Option<&Mark>> {
        while self.page.is_empty() && !self.ended {
            let scan = Scan { after: self.after.clone(), rows_max: BATCH_ROWS * 4 };
            let page = making.store().marks(&link.spec().id, side, scan).await?;
            self.after = page.rows.last().map(|mark| mark.ids.of(side).clone());
            self.ended = !page.more;
            self.page = page.rows.into();
        }
        Ok(self.page.front())
    }

    fn take(&mut self) -> Option<Mark> {
        self.page.pop_front()
    }
}
