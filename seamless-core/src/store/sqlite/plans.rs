//! Plans and their entries: from draft to done, and the one transaction that commits what happened.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::types::ValueRef as Sql;
use rusqlite::{OptionalExtension, params};

use super::db::{Db, Survives, from_json, prepared, to_json, unknown_shape};
use super::error::{Mapped, read_failed, write_failed};
use crate::model::{ErrorKind, LinkId, PartitionId, PlanId, Result, Shape, Timestamp};
use crate::plan::{Entry, EntryKey, PlanHead, Trailer};
use crate::store::form::{self, corrupt};
use crate::store::port::{
    Approval, Commit, Ending, EntryParts, EntryRow, EntryState, Lease, PageOf, Pair, PlanRow, PlanState, Scan,
};
use crate::store::refuse;

const DRAFT: i64 = 0;
const SEALED: i64 = 1;
const ADOPTED: i64 = 2;
const DONE: i64 = 3;
const ABANDONED: i64 = 4;

/// A page of entries whose forms are still to be read: on the thread that asked, where the store's has more to do.
#[derive(Debug, Default)]
pub(super) struct StoredPage {
    /// Where each entry stands, and where its form ends.
    rows: Vec<(EntryState, usize)>,
    forms: Vec<u8>,
    shapes: Vec<(u32, Arc<Shape>)>,
    more: bool,
}

impl StoredPage {
    pub(super) fn read(self, parts: EntryParts) -> Result<PageOf<EntryRow>> {
        let Self { rows, forms, shapes, more } = self;
        // Of this page alone: what two threads count at once, both wait for.
        let names = RefCell::new(form::Names::default());
        let shape_of = |number: u32| {
            let known = shapes.iter().find(|(known, _)| *known == number);
            known.map(|(_, shape)| Arc::clone(shape)).ok_or_else(unknown_shape)
        };
        let mut page = PageOf { rows: Vec::with_capacity(rows.len()), more };
        let mut start = 0;
        for (state, end) in rows {
            let form = forms.get(start..end).unwrap_or_default();
            let entry = form::decode_entry_of_page(form, parts, &shape_of, Some(&names))?;
            page.rows.push(EntryRow { entry, state });
            start = end;
        }
        Ok(page)
    }
}

/// Room for the forms of a page: what an entry takes for the most part, of as many as are read at once.
const FORM_BYTES: usize = 1024;
const PAGE_ROWS_KNOWN: usize = 1024;

/// A plan with the number of its name.
struct Known {
    number: i64,
    row: PlanRow,
}

impl Db {
    /// What a crash left of drafts: their spill is gone.
    pub(super) fn discard_drafts(&mut self) -> Result<()> {
        let drafts: Vec<i64> = {
            let mut statement = self.sql("SELECT id FROM plan WHERE state = 0")?;
            let rows = statement.query_map([], |row| row.get(0)).or_fail(read_failed)?;
            rows.collect::<rusqlite::Result<_>>().or_fail(read_failed)?
        };
        drafts.into_iter().try_for_each(|plan| self.forget_plan(plan))
    }

    pub(super) fn plan(&mut self, plan: &PlanId) -> Result<Option<PlanRow>> {
        Ok(self.known(plan)?.map(|known| known.row))
    }

    fn known(&mut self, plan: &PlanId) -> Result<Option<Known>> {
        let Some(number) = self.names.find(&self.file, plan.as_str())? else { return Ok(None) };
        let mut statement = self.sql("SELECT state, head, trailer, approval FROM plan WHERE id = ?1")?;
        let mut rows = statement.query([number]).or_fail(read_failed)?;
        let Some(row) = rows.next().or_fail(read_failed)? else { return Ok(None) };
        let optional = |at: usize| row.get::<_, Option<String>>(at).or_fail(read_failed);
        let row = PlanRow {
            head: from_json(&row.get::<_, String>(1).or_fail(read_failed)?)?,
            trailer: optional(2)?.map(|trailer| from_json(&trailer)).transpose()?,
            state: plan_state(row.get(0).or_fail(read_failed)?)?,
            approval: optional(3)?.map(|approval| from_json(&approval)).transpose()?,
        };
        Ok(Some(Known { number, row }))
    }

    /// The number of a plan of the lease's partition that stands where it must. Reads nothing large: every batch of a
    /// draft and of an apply asks.
    fn plan_in(&mut self, lease: &Lease, plan: &PlanId, needed: PlanState) -> Result<i64> {
        let number = self.names.find(&self.file, plan.as_str())?.ok_or_else(|| refuse::no_plan(plan))?;
        let (partition, state): (i64, i64) = self
            .sql("SELECT partition, state FROM plan WHERE id = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .or_fail(read_failed)?
            .ok_or_else(|| refuse::no_plan(plan))?;
        let partition = self.names.name(&self.file, partition)?;
        refuse::check_partition(lease, plan, &PartitionId::new(partition))?;
        refuse::check_state(plan, plan_state(state)?, needed)?;
        Ok(number)
    }

    /// Begins a draft; gives back the plans that it takes the place of.
    pub(super) fn draft(&mut self, lease: &Lease, head: &PlanHead) -> Result<Vec<PlanId>> {
        self.check(lease)?;
        refuse::check_partition(lease, &head.id, &head.partition)?;
        if let Some(known) = self.known(&head.id)? {
            refuse::check_redraft(lease, &known.row.head, known.row.state)?;
        }
        let content = to_json(head)?;
        let gone = self.write(Survives::Process, |db| {
            let partition = db.names.number(&db.file, head.partition.as_str())?;
            let number = db.names.number(&db.file, head.id.as_str())?;
            let gone: Vec<i64> = {
                let mut statement =
                    db.sql("SELECT id FROM plan WHERE partition = ?1 AND state = 0 OR id = ?2")?;
                let rows = statement.query_map([partition, number], |row| row.get(0)).or_fail(read_failed)?;
                rows.collect::<rusqlite::Result<_>>().or_fail(read_failed)?
            };
            for plan in &gone {
                db.forget_plan(*plan)?;
            }
            db.sql("INSERT INTO plan (id, partition, state, head) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![number, partition, DRAFT, content])
                .or_fail(write_failed)?;
            gone.into_iter()
                .map(|plan| db.names.name(&db.file, plan).map(PlanId::new))
                .collect::<Result<Vec<_>>>()
        })?;
        gone.iter().for_each(|plan| self.fence.end_draft(plan));
        self.fence.begin_draft(&head.id, &head.partition);
        Ok(gone)
    }

    fn forget_plan(&self, plan: i64) -> Result<()> {
        for sql in [
            "DELETE FROM entry_content WHERE id IN (SELECT content FROM entry WHERE plan = ?1)",
            "DELETE FROM entry WHERE plan = ?1",
            "DELETE FROM plan WHERE id = ?1",
        ] {
            self.sql(sql)?.execute([plan]).or_fail(write_failed)?;
        }
        Ok(())
    }

    /// Refuses rows for the spill of a plan that is no draft of the lease's.
    pub(super) fn check_spill(&mut self, lease: &Lease, plan: &PlanId) -> Result<()> {
        self.check(lease)?;
        self.plan_in(lease, plan, PlanState::Draft).map(|_| ())
    }

    pub(super) fn put_entries(&mut self, lease: &Lease, plan: &PlanId, entries: &[Entry]) -> Result<()> {
        self.check(lease)?;
        let plan = self.plan_in(lease, plan, PlanState::Draft)?;
        let mut entries: Vec<(Vec<u8>, &Entry)> =
            entries.iter().map(|entry| (entry.key.to_bytes(), entry)).collect();
        // Rows at their places in order, the later of two with the same key last.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.write(Survives::Process, |db| {
            let Self { file, shapes, .. } = db;
            let mut insert_content = prepared(file, "INSERT INTO entry_content (form) VALUES (?1)")?;
            let mut insert = prepared(
                file,
                "INSERT INTO entry (plan, key, state, attempts, content) VALUES (?1, ?2, 2, 0, ?3) \
                 ON CONFLICT DO NOTHING",
            )?;
            // An entry that is put again is rare: its content is moved to the row that is there.
            let mut replace = prepared(
                file,
                "UPDATE entry_content SET form = ?3 \
                 WHERE id = (SELECT content FROM entry WHERE plan = ?1 AND key = ?2)",
            )?;
            let mut take_back = prepared(file, "DELETE FROM entry_content WHERE id = ?1")?;
            let mut bytes = Vec::with_capacity(1024);
            for (key, entry) in &entries {
                bytes.clear();
                form::encode_entry(entry, &mut |shape| shapes.number(file, shape), &mut bytes)?;
                insert_content.execute(params![bytes]).or_fail(write_failed)?;
                let content = file.last_insert_rowid();
                if insert.execute(params![plan, key, content]).or_fail(write_failed)? == 0 {
                    take_back.execute([content]).or_fail(write_failed)?;
                    replace.execute(params![plan, key, bytes]).or_fail(write_failed)?;
                }
            }
            Ok(())
        })
    }

    /// A page of a plan's entries as they are stored.
    pub(super) fn entries(&mut self, plan: &PlanId, scan: &Scan<EntryKey>) -> Result<StoredPage> {
        self.entries_by(
            "SELECT state, attempts, ending, form FROM entry JOIN entry_content ON id = content \
             WHERE plan = ?1 AND key > ?2 ORDER BY key",
            plan,
            scan,
        )
    }

    /// Reads past every entry of the plan, once when it is applied: an index would be written twice with each action.
    pub(super) fn open_intents(&mut self, plan: &PlanId, scan: &Scan<EntryKey>) -> Result<StoredPage> {
        self.entries_by(
            "SELECT state, attempts, ending, form FROM entry JOIN entry_content ON id = content \
             WHERE plan = ?1 AND key > ?2 AND state = 3 ORDER BY key",
            plan,
            scan,
        )
    }

    fn entries_by(&mut self, sql: &str, plan: &PlanId, scan: &Scan<EntryKey>) -> Result<StoredPage> {
        let number = match self.names.find(&self.file, plan.as_str())? {
            Some(number) if self.has_plan(number)? => number,
            _ => return Err(refuse::no_plan(plan)),
        };
        let mut statement = self.sql(sql)?;
        let after = scan.after.as_ref().map(EntryKey::to_bytes).unwrap_or_default();
        let mut rows = statement.query(params![number, after]).or_fail(read_failed)?;
        let mut page = StoredPage { shapes: self.shapes.all(), ..StoredPage::default() };
        page.forms.reserve(scan.rows_max.min(PAGE_ROWS_KNOWN) * FORM_BYTES);
        while let Some(row) = rows.next().or_fail(read_failed)? {
            if page.rows.len() >= scan.rows_max {
                page.more = true;
                break;
            }
            let state =
                entry_state(row.get(0).or_fail(read_failed)?, row.get(1).or_fail(read_failed)?, || {
                    row.get_ref(2).or_fail(read_failed)
                })?;
            let bytes = row.get_ref(3).and_then(|form| Ok(form.as_blob()?)).or_fail(read_failed)?;
            page.forms.extend_from_slice(bytes);
            page.rows.push((state, page.forms.len()));
        }
        Ok(page)
    }

    fn has_plan(&self, number: i64) -> Result<bool> {
        self.sql("SELECT 1 FROM plan WHERE id = ?1")?.exists([number]).or_fail(read_failed)
    }

    pub(super) fn finish(&mut self, lease: &Lease, plan: &PlanId, trailer: &Trailer) -> Result<()> {
        self.check(lease)?;
        if let Some(Known { row, .. }) = self.known(plan)?
            && row.state == PlanState::Sealed
            && row.trailer.as_ref() == Some(trailer)
        {
            return refuse::check_partition(lease, plan, &row.head.partition);
        }
        let number = self.plan_in(lease, plan, PlanState::Draft)?;
        let content = to_json(trailer)?;
        self.write(Survives::Power, |db| {
            db.sql("UPDATE plan SET state = ?2, trailer = ?3 WHERE id = ?1")?
                .execute(params![number, SEALED, content])
                .or_fail(write_failed)
        })?;
        self.fence.end_draft(plan);
        Ok(())
    }

    pub(super) fn discard(&mut self, lease: &Lease, plan: &PlanId) -> Result<()> {
        self.check(lease)?;
        let Some(Known { number, row }) = self.known(plan)? else { return Ok(()) };
        refuse::check_partition(lease, plan, &row.head.partition)?;
        match row.state {
            PlanState::Adopted => Err(refuse::conflict("the plan is being applied").at("plan", plan)),
            PlanState::Done | PlanState::Abandoned => Ok(()),
            PlanState::Sealed => {
                let now = self.clock.now();
                self.write(Survives::Power, |db| db.end_plan(number, ABANDONED, now))
            }
            PlanState::Draft => {
                self.write(Survives::Process, |db| db.forget_plan(number))?;
                self.fence.end_draft(plan);
                Ok(())
            }
        }
    }

    fn end_plan(&self, plan: i64, state: i64, at: Timestamp) -> Result<()> {
        self.sql("UPDATE plan SET state = ?2, ended_seconds = ?3, ended_nanos = ?4 WHERE id = ?1")?
            .execute(params![plan, state, at.timestamp(), at.timestamp_subsec_nanos()])
            .or_fail(write_failed)
            .map(|_| ())
    }

    pub(super) fn adopted(&mut self, partition: &PartitionId) -> Result<Option<PlanId>> {
        let Some(partition) = self.names.find(&self.file, partition.as_str())? else { return Ok(None) };
        let found: Option<i64> = self
            .sql("SELECT id FROM plan WHERE partition = ?1 AND state = ?2")?
            .query_row([partition, ADOPTED], |row| row.get(0))
            .optional()
            .or_fail(read_failed)?;
        found.map(|plan| self.names.name(&self.file, plan).map(PlanId::new)).transpose()
    }

    pub(super) fn adopt(&mut self, lease: &Lease, approval: &Approval) -> Result<()> {
        self.check(lease)?;
        let adopted = self.adopted(&lease.partition)?;
        let Known { number, row } =
            self.known(&approval.plan)?.ok_or_else(|| refuse::no_plan(&approval.plan))?;
        let known = (&row.head, row.trailer.as_ref(), row.state);
        refuse::check_adoption(lease, approval, known, adopted.as_ref(), self.revision)?;
        let content = to_json(approval)?;
        self.write(Survives::Power, |db| {
            db.sql("UPDATE plan SET state = ?2, approval = ?3 WHERE id = ?1")?
                .execute(params![number, ADOPTED, content])
                .or_fail(write_failed)?;
            let note = refuse::adopted_words(approval);
            db.log(approval.at, "adopted", &approval.by, Some(&approval.plan), note)
        })
    }

    pub(super) fn intend(
        &mut self,
        lease: &Lease,
        plan: &PlanId,
        keys: &[EntryKey],
    ) -> Result<Vec<EntryState>> {
        self.check(lease)?;
        let number = self.plan_in(lease, plan, PlanState::Adopted)?;
        self.write(Survives::Power, |db| {
            if let Some(before) = db.in_a_row(number, keys)? {
                db.intend_row(number, keys)?;
                return Ok(before);
            }
            // Not with `RETURNING`, for which SQLite makes a table each time.
            let mut update = db.sql(
                "UPDATE entry SET state = 3, attempts = attempts + 1 WHERE plan = ?1 AND key = ?2 AND state < 4",
            )?;
            let mut before = Vec::with_capacity(keys.len());
            for key in keys {
                let bytes = key.to_bytes();
                before.push(db.state_of(number, &bytes)?.ok_or_else(|| refuse::no_entry(plan, key))?);
                update.execute(params![number, bytes]).or_fail(write_failed)?;
            }
            Ok(before)
        })
    }

    pub(super) fn withdraw(&mut self, lease: &Lease, plan: &PlanId, keys: &[EntryKey]) -> Result<()> {
        self.check(lease)?;
        let number = self.plan_in(lease, plan, PlanState::Adopted)?;
        self.write(Survives::Power, |db| {
            let mut statement = db.sql(
                "UPDATE entry SET state = CASE WHEN attempts > 1 THEN 3 ELSE 2 END, attempts = attempts - 1 \
                 WHERE plan = ?1 AND key = ?2 AND state = 3",
            )?;
            keys.iter().try_for_each(|key| {
                statement.execute(params![number, key.to_bytes()]).or_fail(write_failed).map(|_| ())
            })
        })
    }

    /// Where entries stand, if nothing lies between the first and the last but they, in this order: a batch of a plan that
    /// nobody touched before. Then they are looked for once, and not one by one.
    fn in_a_row(&self, plan: i64, keys: &[EntryKey]) -> Result<Option<Vec<EntryState>>> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(None) };
        let mut statement = self.sql(
            "SELECT key, state, attempts, ending FROM entry WHERE plan = ?1 AND key >= ?2 AND key <= ?3 \
             ORDER BY key",
        )?;
        let mut rows =
            statement.query(params![plan, first.to_bytes(), last.to_bytes()]).or_fail(read_failed)?;
        let mut states = Vec::with_capacity(keys.len());
        let mut expected = keys.iter();
        while let Some(row) = rows.next().or_fail(read_failed)? {
            let key = row.get_ref(0).and_then(|key| Ok(key.as_blob()?)).or_fail(read_failed)?;
            if expected.next().is_none_or(|next| next.to_bytes() != key) {
                return Ok(None);
            }
            let number = row.get(1).or_fail(read_failed)?;
            let attempts = row.get(2).or_fail(read_failed)?;
            states.push(entry_state(number, attempts, || row.get_ref(3).or_fail(read_failed))?);
        }
        Ok((states.len() == keys.len()).then_some(states))
    }

    fn intend_row(&self, plan: i64, keys: &[EntryKey]) -> Result<()> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(()) };
        self.sql(
            "UPDATE entry SET state = 3, attempts = attempts + 1 \
             WHERE plan = ?1 AND key >= ?2 AND key <= ?3 AND state < 4",
        )?
        .execute(params![plan, first.to_bytes(), last.to_bytes()])
        .or_fail(write_failed)
        .map(|_| ())
    }

    fn state_of(&self, plan: i64, key: &[u8]) -> Result<Option<EntryState>> {
        let mut statement =
            self.sql("SELECT state, attempts, ending FROM entry WHERE plan = ?1 AND key = ?2")?;
        let mut rows = statement.query(params![plan, key]).or_fail(read_failed)?;
        let Some(row) = rows.next().or_fail(read_failed)? else { return Ok(None) };
        entry_state(row.get(0).or_fail(read_failed)?, row.get(1).or_fail(read_failed)?, || {
            row.get_ref(2).or_fail(read_failed)
        })
        .map(Some)
    }

    /// Commits, and gives the pairs back.
    pub(super) fn commit(
        &mut self,
        lease: &Lease,
        plan: &PlanId,
        commit: Commit,
    ) -> Result<Vec<(LinkId, Pair)>> {
        self.check(lease)?;
        let number = self.plan_in(lease, plan, PlanState::Adopted)?;
        let now = self.clock.now();
        self.write(Survives::Power, |db| {
            let Commit { endings, pairs, attention, settled, feeds, resolved } = commit;
            let revision = db.move_revision()?;
            db.put_endings(plan, number, endings)?;
            let pairs = refuse::rows_to_take(pairs);
            db.put_pairs(&pairs, revision)?;
            settled.iter().try_for_each(|row| db.settle(row))?;
            attention.iter().try_for_each(|(link, row)| db.put_attention(link, row))?;
            feeds.iter().try_for_each(|(link, side, feed)| db.put_feed(link, *side, feed))?;
            resolved.iter().try_for_each(|(link, used)| db.use_resolution(link, used))?;
            // Other plans were made from a state that has moved: none of them can be adopted any more.
            let partition = db.names.number(&db.file, lease.partition.as_str())?;
            db.sql(
                "UPDATE plan SET state = ?3, ended_seconds = ?4, ended_nanos = ?5 \
                 WHERE partition = ?1 AND state = ?2",
            )?
            .execute(params![partition, SEALED, ABANDONED, now.timestamp(), now.timestamp_subsec_nanos()])
            .or_fail(write_failed)
            .map(|_| pairs)
        })
    }

    fn put_endings(&self, plan: &PlanId, number: i64, endings: Vec<Ending>) -> Result<()> {
        let mut endings: Vec<(Vec<u8>, Ending)> =
            endings.into_iter().map(|ending| (ending.key.to_bytes(), ending)).collect();
        endings.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut statement =
            self.sql("UPDATE entry SET state = ?3, ending = ?4 WHERE plan = ?1 AND key = ?2 AND state < 4")?;
        let mut bytes = Vec::with_capacity(64);
        for (key, Ending { key: entry, state }) in &endings {
            let ended = match state {
                EntryState::Applied { .. } => 4,
                EntryState::Dropped { .. } => 5,
                // Refused below, in the words that every store has for it.
                EntryState::Planned | EntryState::Intended { .. } => 0,
            };
            bytes.clear();
            form::encode(state, &mut form::no_numbers, &mut bytes)?;
            let changed = match ended {
                0 => 0,
                _ => statement.execute(params![number, key, ended, bytes]).or_fail(write_failed)?,
            };
            if changed == 0 {
                let before = self.state_of(number, key)?.ok_or_else(|| refuse::no_entry(plan, entry))?;
                refuse::ended(entry, &before, state)?;
            }
        }
        Ok(())
    }

    pub(super) fn complete(
        &mut self,
        lease: &Lease,
        plan: &PlanId,
        state: PlanState,
        at: Timestamp,
    ) -> Result<()> {
        let what = refuse::check_end(plan, state)?;
        self.check(lease)?;
        let Known { row, .. } = self.known(plan)?.ok_or_else(|| refuse::no_plan(plan))?;
        if row.state == state && row.approval.is_some() {
            return refuse::check_partition(lease, plan, &row.head.partition);
        }
        let number = self.plan_in(lease, plan, PlanState::Adopted)?;
        let open = self.sql("SELECT 1 FROM entry WHERE plan = ?1 AND state < 4")?.exists([number]);
        if state == PlanState::Done && open.or_fail(read_failed)? {
            return Err(refuse::entries_open(plan));
        }
        self.write(Survives::Power, |db| {
            db.end_plan(number, if state == PlanState::Done { DONE } else { ABANDONED }, at)?;
            db.log(at, what, &lease.worker, Some(plan), String::new())
        })
    }

    pub(super) fn prune(&mut self, before: Timestamp) -> Result<usize> {
        self.write(Survives::Process, |db| {
            let old: Vec<i64> = {
                let mut statement = db.sql(
                    "SELECT id FROM plan WHERE state >= 3 AND (ended_seconds, ended_nanos) < (?1, ?2)",
                )?;
                let at = params![before.timestamp(), before.timestamp_subsec_nanos()];
                let rows = statement.query_map(at, |row| row.get(0)).or_fail(read_failed)?;
                rows.collect::<rusqlite::Result<_>>().or_fail(read_failed)?
            };
            old.iter().try_for_each(|plan| db.forget_plan(*plan))?;
            Ok(old.len())
        })
    }
}

fn plan_state(number: i64) -> Result<PlanState> {
    Ok(match number {
        DRAFT => PlanState::Draft,
        SEALED => PlanState::Sealed,
        ADOPTED => PlanState::Adopted,
        DONE => PlanState::Done,
        ABANDONED => PlanState::Abandoned,
        _ => return Err(corrupt("a stored plan has an unknown state")),
    })
}

fn entry_state<'a>(
    state: i64,
    attempts: u32,
    ending: impl FnOnce() -> Result<Sql<'a>>,
) -> Result<EntryState> {
    match state {
        2 => Ok(EntryState::Planned),
        3 => Ok(EntryState::Intended { attempts }),
        4 | 5 => match ending()? {
            Sql::Blob(bytes) => form::decode(bytes, &form::no_shapes),
            _ => Err(corrupt("a stored entry ended without an ending")),
        },
        _ => Err(corrupt("a stored entry has an unknown state")),
    }
    .inspect_err(|error| debug_assert_eq!(error.kind(), ErrorKind::Corrupt))
}
