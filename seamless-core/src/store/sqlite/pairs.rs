//! Pairs: marks in the order of either side, pairs with their bases, and what a commit makes of them.

use std::sync::Arc;

use rusqlite::{CachedStatement, Row, params};

use super::db::{Db, prepared};
use super::error::{Mapped, read_failed, write_failed};
use crate::model::{Fingerprint, LinkId, PlanId, RecordId, Result, Shape, Side, Sides, Version};
use crate::plan::Trail;
use crate::store::form::{self, Bases, Form, Writer, corrupt};
use crate::store::port::{Mark, PageOf, Pair, PairStatus, Scan};
use crate::store::refuse;

/// What the indexes hold of a pair, in the order that [`mark`] reads.
macro_rules! select_marks {
    ($rest:literal) => {
        concat!(
            "SELECT left_id, right_id, status, revision, watch, left_print, right_print FROM pair ",
            $rest
        )
    };
}

/// A pair beside its bases, in the order that [`Db::pair`] reads.
macro_rules! select_pairs {
    ($rest:literal) => {
        concat!(
            "SELECT left_id, right_id, status, revision, watch, left_print, right_print, plan, configuration, form \
             FROM pair ",
            $rest
        )
    };
}

/// How both bases came about, their versions, and the bases: the stored form of a pair.
type PairForm = (Trail, Sides<Option<Version>>, Bases);

impl Db {
    /// The marks of a link, one per record of the side.
    pub(super) fn marks(&mut self, link: &LinkId, side: Side, scan: &Scan<RecordId>) -> Result<PageOf<Mark>> {
        let mut page: PageOf<Mark> = PageOf { rows: Vec::new(), more: false };
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(page) };
        let mut statement = self.sql(match side {
            Side::Left => select_marks!("WHERE link = ?1 AND left_id > ?2 ORDER BY left_id, right_id"),
            Side::Right => select_marks!("WHERE link = ?1 AND right_id > ?2 ORDER BY right_id, left_id"),
        })?;
        // No id is empty: before the first one stands nothing.
        let after = scan.after.as_ref().map_or(&[][..], RecordId::as_bytes);
        let mut rows = statement.query(params![link, after]).or_fail(read_failed)?;
        let mut revision = 0;
        while let Some(row) = rows.next().or_fail(read_failed)? {
            let (next, next_revision) = mark(row)?;
            let same = page.rows.last().is_some_and(|last| last.ids.of(side) == next.ids.of(side));
            if !same && page.rows.len() >= scan.rows_max {
                page.more = true;
                break;
            }
            match page.rows.last_mut() {
                Some(last) if same => {
                    if refuse::speaks((next.status, next_revision), (last.status, revision)) {
                        (*last, revision) = (next, next_revision);
                    }
                }
                _ => {
                    page.rows.push(next);
                    revision = next_revision;
                }
            }
        }
        Ok(page)
    }

    /// The marks of named records.
    pub(super) fn marks_of(
        &mut self,
        link: &LinkId,
        side: Side,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Mark>>> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else {
            return Ok(vec![None; ids.len()]);
        };
        let mut statement = self.sql(match side {
            Side::Left => select_marks!("WHERE link = ?1 AND left_id = ?2"),
            Side::Right => select_marks!("WHERE link = ?1 AND right_id = ?2"),
        })?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = statement.query(params![link, id.as_bytes()]).or_fail(read_failed)?;
            let mut best: Option<(Mark, u64)> = None;
            while let Some(row) = rows.next().or_fail(read_failed)? {
                let (next, revision) = mark(row)?;
                if best.as_ref().is_none_or(|(known, known_revision)| {
                    refuse::speaks((next.status, revision), (known.status, *known_revision))
                }) {
                    best = Some((next, revision));
                }
            }
            found.push(best.map(|(mark, _)| mark));
        }
        Ok(found)
    }

    /// The pairs of named records, with their bases.
    pub(super) fn pairs_of(
        &mut self,
        link: &LinkId,
        side: Side,
        ids: &[RecordId],
    ) -> Result<Vec<Option<Pair>>> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else {
            return Ok(vec![None; ids.len()]);
        };
        let Self { file, names, shapes, .. } = self;
        // Which pair speaks is asked of the index: sorting rows would make a table for each record.
        let mut find = prepared(
            file,
            match side {
                Side::Left => "SELECT id, status, revision FROM pair WHERE link = ?1 AND left_id = ?2",
                Side::Right => "SELECT id, status, revision FROM pair WHERE link = ?1 AND right_id = ?2",
            },
        )?;
        let mut statement = prepared(file, select_pairs!("WHERE id = ?1"))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(place) = speaking(&mut find, link, id)? else {
                found.push(None);
                continue;
            };
            let mut rows = statement.query([place]).or_fail(read_failed)?;
            let Some(row) = rows.next().or_fail(read_failed)? else {
                found.push(None);
                continue;
            };
            let (Mark { ids, status, fingerprint, watch }, revision) = mark(row)?;
            let plan: Option<i64> = row.get(7).or_fail(read_failed)?;
            let plan = plan.map(|plan| names.name(file, plan)).transpose()?.map(PlanId::new);
            let configuration = names.name(file, row.get(8).or_fail(read_failed)?)?.as_ref().to_owned();
            let bytes = row.get_ref(9).and_then(|form| Ok(form.as_blob()?)).or_fail(read_failed)?;
            let (trail, version, Bases(base)): PairForm =
                form::decode(bytes, &|number| shapes.shape(number))?;
            found.push(Some(Pair {
                ids,
                status,
                revision,
                plan,
                base,
                trail,
                fingerprint,
                version,
                watch,
                configuration,
            }));
        }
        Ok(found)
    }

    pub(super) fn pair_count(&mut self, link: &LinkId) -> Result<u64> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(0) };
        let mut statement = self.sql("SELECT count(*) FROM pair WHERE link = ?1 AND status < 3")?;
        let count: i64 = statement.query_row([link], |row| row.get(0)).or_fail(read_failed)?;
        Ok(count.cast_unsigned())
    }

    pub(super) fn watched(&mut self, link: &LinkId, scan: &Scan<RecordId>) -> Result<PageOf<Mark>> {
        let mut page = PageOf { rows: Vec::new(), more: false };
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(page) };
        let mut statement = self.sql(select_marks!(
            "INDEXED BY pair_watched WHERE link = ?1 AND left_id > ?2 AND watch = 1 AND status < 3 ORDER BY left_id"
        ))?;
        let after = scan.after.as_ref().map_or(&[][..], RecordId::as_bytes);
        let mut rows = statement.query(params![link, after]).or_fail(read_failed)?;
        while let Some(row) = rows.next().or_fail(read_failed)? {
            if page.rows.len() >= scan.rows_max {
                page.more = true;
                break;
            }
            page.rows.push(mark(row)?.0);
        }
        Ok(page)
    }

    /// Makes pairs what a commit says, under its revision. Inside of a transaction.
    pub(super) fn put_pairs(&mut self, rows: &[(LinkId, Pair)], revision: u64) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let Self { file, names, shapes, .. } = self;
        let mut find = Sides {
            left: prepared(file, "SELECT id, status, right_id FROM pair WHERE link = ?1 AND left_id = ?2")?,
            right: prepared(file, "SELECT id, status, left_id FROM pair WHERE link = ?1 AND right_id = ?2")?,
        };
        let mut insert = prepared(
            file,
            "INSERT INTO pair (id, link, left_id, right_id, status, revision, watch, left_print, right_print, \
             plan, configuration, form) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        let mut update = prepared(
            file,
            "UPDATE pair SET link = ?2, left_id = ?3, right_id = ?4, status = ?5, revision = ?6, watch = ?7, \
             left_print = ?8, right_print = ?9, plan = ?10, configuration = ?11, form = ?12 WHERE id = ?1",
        )?;
        let mut bytes = Vec::with_capacity(1024);
        for (name, row) in rows {
            let link = names.number(file, name.as_str())?;
            let known = place(&mut find, name, link, row)?;
            let Pair {
                ids,
                status,
                revision: _,
                plan,
                base,
                trail,
                fingerprint,
                version,
                watch,
                configuration,
            } = row;
            let plan = plan.as_ref().map(|plan| names.number(file, plan.as_str())).transpose()?;
            let configuration = names.number(file, configuration)?;
            bytes.clear();
            let mut number_of = |shape: &Arc<Shape>| shapes.number(file, shape);
            let mut to = Writer::new(&mut bytes, &mut number_of);
            trail.put(&mut to)?;
            version.put(&mut to)?;
            form::put_bases(base, &mut to)?;
            // An id that is `NULL` is given by SQLite.
            let done = if known.is_some() { &mut update } else { &mut insert }.execute(params![
                known,
                link,
                ids.left.as_bytes(),
                ids.right.as_bytes(),
                status_number(*status),
                revision.cast_signed(),
                watch,
                &fingerprint.left[..],
                &fingerprint.right[..],
                plan,
                configuration,
                bytes,
            ]);
            done.or_fail(write_failed)?;
        }
        Ok(())
    }
}

/// The row of the pair that speaks for a record.
fn speaking(find: &mut CachedStatement<'_>, link: i64, id: &RecordId) -> Result<Option<i64>> {
    let mut rows = find.query(params![link, id.as_bytes()]).or_fail(read_failed)?;
    let mut best: Option<(i64, PairStatus, u64)> = None;
    while let Some(row) = rows.next().or_fail(read_failed)? {
        let number = |at: usize| row.get::<_, i64>(at).or_fail(read_failed);
        let (place, status, revision) = (number(0)?, status_of(number(1)?)?, number(2)?.cast_unsigned());
        if best.is_none_or(|(_, known, of)| refuse::speaks((status, revision), (known, of))) {
            best = Some((place, status, revision));
        }
    }
    Ok(best.map(|(place, ..)| place))
}

/// Where a pair stands already, having made sure that none of its records is in another one.
fn place(find: &mut Sides<CachedStatement<'_>>, name: &LinkId, link: i64, row: &Pair) -> Result<Option<i64>> {
    let mut known = None;
    for side in Side::BOTH {
        let (id, partner) = (row.ids.of(side).as_bytes(), row.ids.of(side.other()).as_bytes());
        let mut rows = find.of_mut(side).query(params![link, id]).or_fail(read_failed)?;
        while let Some(other) = rows.next().or_fail(read_failed)? {
            let other_partner = other.get_ref(2).and_then(|id| Ok(id.as_blob()?)).or_fail(read_failed)?;
            if other_partner == partner {
                known = Some(other.get(0).or_fail(read_failed)?);
            } else if row.status != PairStatus::Ended && other.get::<_, i64>(1).or_fail(read_failed)? < 3 {
                return Err(refuse::taken(name, side, &row.ids, &record_id(other_partner)?));
            }
        }
        if row.status == PairStatus::Ended {
            // It takes no id: its own row is all there is to find.
            break;
        }
    }
    Ok(known)
}

fn mark(row: &Row<'_>) -> Result<(Mark, u64)> {
    let blob = |at: usize| row.get_ref(at).and_then(|value| Ok(value.as_blob()?)).or_fail(read_failed);
    let print = |at: usize| -> Result<Fingerprint> {
        blob(at)?.try_into().map_err(|_| corrupt("a stored fingerprint has the wrong length"))
    };
    let number = |at: usize| row.get::<_, i64>(at).or_fail(read_failed);
    let mark = Mark {
        ids: Sides { left: record_id(blob(0)?)?, right: record_id(blob(1)?)? },
        status: status_of(number(2)?)?,
        watch: number(4)? != 0,
        fingerprint: Sides { left: print(5)?, right: print(6)? },
    };
    Ok((mark, number(3)?.cast_unsigned()))
}

fn status_of(number: i64) -> Result<PairStatus> {
    Ok(match number {
        0 => PairStatus::Linked,
        1 => PairStatus::Frozen(Side::Left),
        2 => PairStatus::Frozen(Side::Right),
        3 => PairStatus::Ended,
        _ => return Err(corrupt("a stored pair has an unknown status")),
    })
}

fn status_number(status: PairStatus) -> i64 {
    match status {
        PairStatus::Linked => 0,
        PairStatus::Frozen(Side::Left) => 1,
        PairStatus::Frozen(Side::Right) => 2,
        PairStatus::Ended => 3,
    }
}

/// A record id of a row.
pub(super) fn record_id(bytes: &[u8]) -> Result<RecordId> {
    RecordId::from_bytes(bytes).ok_or_else(|| corrupt("a stored record id is not readable"))
}
