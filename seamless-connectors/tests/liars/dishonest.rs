//! A connector that keeps its word in everything but one thing, and the one thing is named after the case that must catch
//! it. Around a truthful system in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use seamless_connectors::memory::Memory;
use seamless_core::connector::{
    Capabilities, Change, Connector, ConnectorInfo, Cursor, End, Enumeration, Expects, FetchBy, FetchQuery,
    Finding, Lookup, Order, Page, PageStream, Proof, ReadQuery, Refusal, RefusalKind, Requirement, Target,
    Tombstone, Verb, Versioned, WriteBatch, WriteOp, WriteOutcome,
};
use seamless_core::model::{
    ActionId, Condition, Decimal, EntityName, Error, ErrorKind, FieldName, Presence, Record, RecordId,
    Result, Schema, SetValue, Shape, Slot, Value, Version, record,
};

use crate::memory_bench::ENTITY;

pub(crate) const SECRET: &str = "hunter2";

/// What the liar remembers; shared by the clients of one system.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    used: BTreeSet<Cursor>,
    made: BTreeSet<RecordId>,
    shown: BTreeMap<RecordId, Versioned>,
    open_streams: u64,
    busy: bool,
}

pub(crate) struct Dishonest {
    honest: Memory,
    declares: Option<Capabilities>,
    info: ConnectorInfo,
    lie: &'static str,
    memo: Arc<Mutex<Memo>>,
}

static SERIAL: AtomicU64 = AtomicU64::new(0);

fn serial() -> u64 {
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

impl fmt::Debug for Dishonest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.lies("secrets.nowhere") { SECRET } else { "***" };
        f.debug_struct("Dishonest").field("password", &password).finish()
    }
}

impl Dishonest {
    /// A client of a system; truthful where the lie is empty.
    pub(crate) fn new(honest: Memory, lie: &'static str, memo: &Arc<Mutex<Memo>>) -> Self {
        let mut info = honest.info().clone();
        if lie == "schema.identity" {
            info.identity = format!("{} {}", info.identity, serial());
        }
        Self { honest, declares: None, info, lie, memo: Arc::clone(memo) }
    }

    /// A client that does what its system does, and declares something else.
    pub(crate) fn declaring(honest: Memory, declares: Capabilities) -> Self {
        let declares = Some(declares);
        Self { declares, ..Self::new(honest, "", &Arc::default()) }
    }

    fn lies(&self, about: &str) -> bool {
        self.lie == about
    }

    fn lies_about(&self, any: &[&str]) -> bool {
        any.contains(&self.lie)
    }

    fn memo(&self) -> MutexGuard<'_, Memo> {
        self.memo.lock().unwrap()
    }
}

async fn yield_once() {
    let mut done = false;
    poll_fn(|context| {
        if done {
            return Poll::Ready(());
        }
        done = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[async_trait]
impl Connector for Dishonest {
    fn info(&self) -> &ConnectorInfo {
        &self.info
    }

    fn capabilities(&self, entity: &EntityName) -> Capabilities {
        let mut can = self.honest.capabilities(entity);
        if let (Some(declared), true) = (&self.declares, entity.as_str() == ENTITY) {
            return declared.clone();
        }
        match self.lie {
            "schema.unknown_entity" => can.create = true,
            "cursors.changed_between_pages" => can.complete_enumeration = true,
            "feed.no_tombstones" => can.tombstones = false,
            "feed.late_commit" => can.low_water = true,
            _ => {}
        }
        can
    }

    async fn entities(&self) -> Result<Vec<EntityName>> {
        let mut names = self.honest.entities().await?;
        if self.lies("secrets.log") {
            // At the level that nobody looks at until something is wrong.
            tracing::trace!(password = SECRET, "connected");
        }
        if self.lies("schema.entities") {
            names.reverse();
        }
        Ok(names)
    }

    async fn discover(&self, entities: &[EntityName]) -> Result<Schema> {
        let mut schema = self.honest.discover(entities).await?;
        if self.lies("schema.fields") {
            schema.entities.get_mut(ENTITY).unwrap().key = vec!["not there".into()];
        }
        Ok(schema)
    }

    async fn read(&self, query: ReadQuery) -> Result<PageStream> {
        let mut asked = query.clone();
        match self.lie {
            "paging.limit" => asked.page_records_max += 1,
            "paging.filter" if query.condition != Condition::Always => {
                return Ok(one_page(Vec::new()));
            }
            "schema.unknown_field" if query.shape.slot("no such thing").is_some() => {
                return Ok(one_page(Vec::new()));
            }
            "paging.shape" => {
                let schema = self.honest.discover(std::slice::from_ref(&query.entity)).await?;
                let fields = schema.entities[&query.entity].fields.iter().map(|field| field.name.clone());
                asked.shape = Shape::new(fields)?;
            }
            "feed.only_changes" => asked.after = None,
            _ => {}
        }
        let begun = self.honest.read(asked.clone()).await;
        let pages = match begun {
            Err(error)
                if error.kind() == ErrorKind::CursorExpired
                    && self.lies_about(&["cursors.foreign", "cursors.other_entity"]) =>
            {
                self.honest.read(ReadQuery { after: None, ..asked }).await?
            }
            other => other?,
        };
        let (used_before, interrupted) = {
            let mut memo = self.memo();
            memo.open_streams += 1;
            let used = query.after.clone().is_some_and(|cursor| !memo.used.insert(cursor));
            (used, memo.open_streams > 1)
        };
        let (lie, memo, mut number) = (self.lie, Arc::clone(&self.memo), 0);
        let pages = pages.then(|page| async {
            yield_once().await;
            page
        });
        Ok(Box::pin(pages.map(move |page| {
            number += 1;
            let mut page = match page {
                // The last page is as good as any to end with.
                Err(_) if lie == "torn.read" => {
                    let cursor = Cursor::new(&b"x"[..]);
                    Page { changes: Vec::new(), end: complete(&cursor), cursor }
                }
                page => page?,
            };
            if page.end.is_some() {
                memo.lock().unwrap().open_streams = 0;
            }
            let first = number == 1;
            if (lie == "cursors.again" && used_before)
                || (lie.starts_with("dropped.re") && interrupted && first)
            {
                page.changes.clear();
            }
            if lie == "feed.hidden" && page.end.is_some() && query.after.is_some() {
                let seen = |id: &RecordId| {
                    page.changes
                        .iter()
                        .any(|change| matches!(change, Change::Upsert(found) if found.id == *id))
                };
                let unseen: Vec<RecordId> =
                    memo.lock().unwrap().made.iter().filter(|id| !seen(id)).cloned().collect();
                page.changes.extend(unseen.iter().map(bury));
            }
            retell(lie, &query, first, &mut page);
            Ok(page)
        })))
    }

    async fn fetch(&self, query: FetchQuery) -> Result<Vec<Lookup>> {
        if self.lies("schema.unknown_field") && query.shape.slot("no such thing").is_some() {
            return Ok(vec![Lookup::Hidden]);
        }
        if self.lies("dropped.fetch") {
            if std::mem::replace(&mut self.memo().busy, true) {
                return std::future::pending().await;
            }
            yield_once().await;
            self.memo().busy = false;
        }
        let asked = query.by.clone();
        let mut found = match (self.honest.fetch(query.clone()).await, &asked) {
            // What did not answer is not there.
            (Err(_), FetchBy::Ids(ids)) if self.lies("torn.fetch") => {
                ids.iter().map(|_| Lookup::Hidden).collect()
            }
            (found, _) => found?,
        };
        if let FetchBy::Ids(ids) = &asked {
            for (id, answer) in ids.iter().zip(&mut found) {
                self.retell_answer(id, answer);
            }
            if self.lies("fetch.many") {
                found.iter_mut().skip(1000).for_each(|answer| *answer = Lookup::Hidden);
            }
            if self.lies("fetch.hostile")
                && ids.iter().any(|id| id.as_text().is_some_and(|id| id.contains('\'')))
                && let Some(row) = self.honest.rows(ENTITY).first()
            {
                let row = Versioned { record: row.record.reshaped(&query.shape), ..row.clone() };
                found[0] = Lookup::Found(row);
            }
        } else if self.lies("fetch.by_key") {
            found.retain(|answer| !matches!(answer, Lookup::Several(_)));
        }
        if self.lies("fetch.order") {
            found.reverse();
        }
        Ok(found)
    }

    async fn write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        match self.lie {
            "write.together" => {
                if std::mem::replace(&mut self.memo().busy, true) {
                    return Err(Error::new(ErrorKind::Unavailable, "one at a time"));
                }
                yield_once().await;
                self.memo().busy = false;
            }
            "write.batch_max" => {
                let mut outcomes = Vec::new();
                for ops in batch.ops.chunks(100) {
                    outcomes.extend(self.honest.write(entity, WriteBatch::of(ops.to_vec())).await?);
                }
                return Ok(outcomes);
            }
            "conditional.race" => return self.look_then_write(entity, batch).await,
            "dropped.write" => return self.write_by_halves(entity, batch).await,
            _ => {}
        }
        let mut ops = batch.ops.clone();
        ops.iter_mut().for_each(|op| self.retell_op(op));
        let mut outcomes = self.honest.write(entity, WriteBatch::of(ops)).await?;
        for (op, outcome) in batch.ops.iter().zip(&mut outcomes) {
            if let (Verb::Create, WriteOutcome::Applied { id, .. }) = (&op.verb, &outcome) {
                self.memo().made.insert(id.clone());
            }
            self.retell_outcome(entity, op, outcome).await?;
        }
        if self.lies("write.partial_batch") {
            outcomes.reverse();
            outcomes.rotate_left(1);
        }
        Ok(outcomes)
    }

    async fn check(&self, need: &Requirement) -> Result<Finding> {
        if self.lies("schema.check") {
            return Ok(Finding::Met("sure".into()));
        }
        self.honest.check(need).await
    }
}

fn one_page(changes: Vec<Change>) -> PageStream {
    let whole = Enumeration { id: "1".into(), order: Order::RecordId, changes_from: None };
    let page = Page { changes, cursor: Cursor::new(&b"x"[..]), end: Some(End::Complete(whole)) };
    Box::pin(stream::iter([Ok(page)]))
}

fn complete(cursor: &Cursor) -> Option<End> {
    let whole = Enumeration { id: "1".into(), order: Order::RecordId, changes_from: Some(cursor.clone()) };
    Some(End::Complete(whole))
}

/// What a liar makes of a page.
fn retell(lie: &str, query: &ReadQuery, first: bool, page: &mut Page) {
    let resumed = query.after.is_some();
    match lie {
        "schema.values" => each(page, |found| {
            if let Some(slot) = found.record.shape().slot("Name") {
                found.record = found.record.with([(slot, Presence::Value(Value::Int(7).as_ref()))]);
            }
        }),
        "schema.unreadable" => each(page, |found| found.record = say_null(&found.record)),
        "paging.once" => page.changes.extend(page.changes.first().cloned()),
        "paging.none_lost" if query.page_records_max == 2 => drop(page.changes.pop()),
        "paging.end" => page.end = None,
        "paging.order" => page.changes.reverse(),
        "paging.complete" if page.end.is_some() => drop(page.changes.pop()),
        "paging.partial" if page.end.is_some() => page.end = complete(&page.cursor),
        "cursors.resume" if resumed && first => drop(page.changes.pop()),
        "cursors.resumed_is_not_complete" | "cursors.changed_between_pages"
            if page.end == Some(End::Partial) =>
        {
            page.end = complete(&page.cursor);
        }
        "version.moves" => each(page, |found| found.version = Some(Version::new("none"))),
        "feed.updates" | "feed.creates" if resumed => page.changes.clear(),
        "feed.only_changes" if resumed && page.end.is_some() => {
            page.end = Some(End::CaughtUp { low_water: Some(page.cursor.clone()) });
        }
        "feed.none" if page.end.is_some() => page.end = complete(&page.cursor),
        "feed.tombstones" => page.changes.retain(|change| !matches!(change, Change::Deleted(_))),
        "feed.came_back" if resumed => {
            let buried = |change: &Change| match change {
                Change::Upsert(found) => bury(&found.id),
                other => other.clone(),
            };
            page.changes = page.changes.iter().map(buried).collect();
        }
        "feed.low_water" | "feed.late_commit" => {
            if let Some(End::CaughtUp { low_water }) = &mut page.end {
                *low_water = (lie == "feed.late_commit").then(|| page.cursor.clone());
            }
        }
        _ => {}
    }
}

fn bury(id: &RecordId) -> Change {
    Change::Deleted(Tombstone { id: id.clone(), version: None, merged_into: None })
}

/// Calls what may not be read null.
fn say_null(record: &Record) -> Record {
    let denied = record.fields().enumerate().filter(|(_, (_, said))| said.is_unreadable());
    let null = Value::Null;
    let slots: Vec<usize> = denied.map(|(slot, _)| slot).collect();
    record.with(slots.into_iter().map(|slot| (slot, Presence::Value(null.as_ref()))))
}

fn each(page: &mut Page, change: impl Fn(&mut Versioned)) {
    for found in &mut page.changes {
        if let Change::Upsert(found) = found {
            change(found);
        }
    }
}

/// A record with one field more.
fn with(patch: &Record, name: &str, value: Value) -> Record {
    let mut said: BTreeMap<FieldName, Slot> =
        patch.fields().map(|(name, said)| (name.clone(), said.to_slot())).collect();
    said.entry(name.into()).or_insert(Slot::Value(value));
    let shape = Shape::new(said.keys().cloned()).unwrap();
    record(&shape, said).unwrap()
}

fn map_values(patch: &Record, change: impl Fn(&str, Value) -> Slot) -> Record {
    let values = patch.fields().map(|(name, said)| {
        let slot = match said {
            Presence::Value(value) => change(name.as_str(), value.to_value()),
            other => other.to_slot(),
        };
        (name.clone(), slot)
    });
    record(patch.shape(), values).unwrap()
}

/// What a sloppy system stores of a value.
fn stored(lie: &str, value: Value) -> Slot {
    let cut = |text: &str, max: usize| Value::text(&text.chars().take(max).collect::<String>());
    Slot::Value(match (lie, value) {
        ("write.null", Value::Null) => return Slot::Absent,
        ("values.text", Value::Text(text)) => Value::text(text.trim()),
        ("values.unicode", Value::Text(text)) => Value::text(&text.replace('\u{308}', "")),
        ("values.empty", Value::Text(text)) if text.is_empty() => Value::Null,
        ("values.full_length", Value::Text(text)) => cut(&text, 49),
        ("values.large", Value::Text(text)) => cut(&text, 1000),
        ("refuse.too_long", Value::Text(text)) => cut(&text, 50),
        ("refuse.too_many_digits", Value::Decimal(_)) => Value::Decimal(Decimal::new(1, 2)),
        ("values.decimal", Value::Decimal(number)) => {
            Value::Decimal(Decimal::from_f64_shortest(number.to_f64_lossy()).unwrap())
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        ("values.whole", Value::Int(number)) => Value::Int(number as f64 as i64),
        ("values.yes_no", Value::Bool(false)) => Value::Null,
        ("values.dates", Value::Date(day)) => Value::Date(day.max("1970-01-01".parse().unwrap())),
        #[allow(clippy::cast_possible_truncation)]
        ("values.float", Value::Float(number)) => Value::Float(f64::from(number as f32)),
        ("values.sets", Value::Set(set)) => Value::Set(SetValue::new(set.members().first().cloned())),
        ("values.bytes", Value::Bytes(bytes)) => {
            Value::Bytes(String::from_utf8_lossy(&bytes).as_bytes().into())
        }
        (_, value) => value,
    })
}

impl Dishonest {
    fn retell_answer(&self, id: &RecordId, answer: &mut Lookup) {
        match self.lie {
            "absence.never" if matches!(answer, Lookup::Gone(_)) => *answer = Lookup::Hidden,
            "absence.deleted" if matches!(answer, Lookup::Gone(_)) && self.memo().made.contains(id) => {
                *answer = Lookup::Hidden;
            }
            "absence.hidden" if *answer == Lookup::Hidden => {
                let seen = "it is not there".to_owned();
                *answer = Lookup::Gone(seamless_core::connector::GoneProof { id: id.clone(), seen });
            }
            "read.consistent" => {
                if let Lookup::Found(found) = answer {
                    let first = self.memo().shown.entry(id.clone()).or_insert_with(|| found.clone()).clone();
                    *found = first;
                }
            }
            "fetch.same" | "version.moves" => {
                if let Lookup::Found(found) = answer {
                    found.version = Some(Version::new("none"));
                }
            }
            _ => {}
        }
    }

    fn retell_op(&self, op: &mut WriteOp) {
        let lie = self.lie;
        match lie {
            "write.patch" if op.verb == Verb::Update => op.patch = with(&op.patch, "count", Value::Int(0)),
            "write.created" if op.verb == Verb::Create => {
                op.patch = map_values(&op.patch, |name, value| match name {
                    "grade" | "mail" => Slot::Value(value),
                    _ => Slot::Absent,
                });
            }
            "write.same_id_create" | "write.same_id_update" => {
                op.id = ActionId::derive(&[b"another", &serial().to_le_bytes()]);
            }
            "write.hostile_ids" => {
                if let Target::New(Some(id)) = &mut op.target {
                    *id = RecordId::text(id.as_text().unwrap().trim());
                }
            }
            "refuse.unknown_field" => {
                op.patch = map_values(&op.patch, |name, value| match name {
                    "no such field" => Slot::Absent,
                    _ => Slot::Value(value),
                })
            }
            "values.options" => {
                op.patch = map_values(&op.patch, |name, value| match name {
                    "grade" => Slot::Value(Value::Int(1)),
                    _ => Slot::Value(value),
                })
            }
            "conditional.stale_values"
            | "conditional.stale_version"
            | "conditional.stale_delete"
            | "action.stale" => {
                op.expects = Expects::Anything;
            }
            _ if op.verb == Verb::Update => op.patch = map_values(&op.patch, |_, value| stored(lie, value)),
            _ => {}
        }
    }

    async fn retell_outcome(
        &self,
        entity: &EntityName,
        op: &WriteOp,
        outcome: &mut WriteOutcome,
    ) -> Result<()> {
        let id = match &op.target {
            Target::Existing(id) | Target::New(Some(id)) => id.clone(),
            Target::New(None) => RecordId::int(0),
        };
        let done = || WriteOutcome::Applied { id: id.clone(), proof: Proof::None };
        let refused = matches!(outcome, WriteOutcome::Refused(_));
        match self.lie {
            "write.deleted" => {
                // Deletes are sent, and then undone by somebody who knows better.
                if let (Verb::Delete(_), Some(shown)) = (&op.verb, self.memo().shown.get(&id)) {
                    let said = shown
                        .record
                        .fields()
                        .filter_map(|(name, said)| Some((name.as_str(), said.value()?.to_value())));
                    let _ = self.honest.insert(ENTITY, Some(id.clone()), &said.collect::<Vec<_>>());
                }
                for row in self.honest.rows(ENTITY) {
                    self.memo().shown.insert(row.id.clone(), row);
                }
            }
            "action.missing" | "write.missing" | "write.unique_value" | "write.key_taken"
            | "refuse.update" | "refuse.delete" | "refuse.create" | "refuse.action" | "refuse.wrong_kind"
            | "refuse.read_only" | "refuse.key" | "refuse.required"
                if refused =>
            {
                *outcome = done();
            }
            "torn.request" if matches!(outcome, WriteOutcome::Ambiguous(_)) => *outcome = done(),
            "torn.answer" if matches!(outcome, WriteOutcome::Ambiguous(_)) => {
                let error = Error::new(ErrorKind::Unavailable, "the connection was lost");
                *outcome = WriteOutcome::Refused(Refusal { why: RefusalKind::Unavailable, error });
            }
            "write.upsert" if refused && op.verb == Verb::Create => {
                let (verb, expects) = (Verb::Update, Expects::Anything);
                let ops = vec![WriteOp { target: Target::Existing(id.clone()), verb, expects, ..op.clone() }];
                self.honest.write(entity, WriteBatch::of(ops)).await?;
            }
            "conditional.holds" if op.verb == Verb::Update && op.expects != Expects::Anything => {
                let error = Error::new(ErrorKind::Conflict, "never sure");
                *outcome = WriteOutcome::Refused(Refusal { why: RefusalKind::Stale, error });
            }
            "proof.returned" => {
                if let WriteOutcome::Applied { proof, .. } = outcome {
                    *proof = Proof::None;
                }
            }
            "proof.true" | "proof.created" => {
                let create = op.verb == Verb::Create;
                if let WriteOutcome::Applied { proof: Proof::Stored(stored), .. } = outcome
                    && create == self.lies("proof.created")
                {
                    stored.version = Some(Version::new("none"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads, compares, and then writes without a condition.
    async fn look_then_write(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        let mut ops = batch.ops;
        for op in &mut ops {
            if let (Verb::Update, Target::Existing(id)) = (&op.verb, &op.target) {
                let version = self.honest.get(ENTITY, id).and_then(|row| row.version);
                if version.map(Expects::Version).as_ref() == Some(&op.expects) {
                    op.expects = Expects::Anything;
                }
            }
        }
        yield_once().await;
        self.honest.write(entity, WriteBatch::of(ops)).await
    }

    /// One field, then the others.
    async fn write_by_halves(&self, entity: &EntityName, batch: WriteBatch) -> Result<Vec<WriteOutcome>> {
        for op in batch.ops.iter().filter(|op| op.verb == Verb::Update) {
            let first = op.patch.shape().name(0).cloned().unwrap();
            let patch = map_values(&op.patch, |name, value| match name == first.as_str() {
                true => Slot::Value(value),
                false => Slot::Absent,
            });
            let id = ActionId::derive(&[b"half", op.id.as_bytes()]);
            let half = WriteOp { id, patch, ..op.clone() };
            self.honest.write(entity, WriteBatch::of(vec![half])).await?;
            yield_once().await;
        }
        self.honest.write(entity, batch).await
    }
}
