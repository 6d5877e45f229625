//! What is small or rare: the binding, feeds, attention, resolutions, the pause and the journal.

use rusqlite::{OptionalExtension, params};

use super::db::{Db, Survives, from_json, to_json};
use super::error::{Mapped, read_failed, write_failed};
use crate::model::{KeyPart, LinkId, PlanId, RecordId, Result, RuleId, Side, Timestamp};
use crate::plan::Feed;
use crate::store::form::{self, corrupt};
use crate::store::memory::random_key;
use crate::store::port::{
    Attention, AttentionKind, Binding, Bound, JournalLine, Lease, PageOf, Pause, Resolution, Scan, SealKey,
};
use crate::store::refuse;

impl Db {
    pub(super) fn bind(&mut self, binding: &Binding) -> Result<Bound> {
        match self.binding()? {
            None => {
                let content = to_json(binding)?;
                self.write(Survives::Power, |db| db.put_meta("binding", content))?;
                Ok(Bound::First)
            }
            Some(known) if known == *binding => Ok(Bound::Same),
            Some(known) if known.systems == binding.systems => Ok(Bound::Reconfigured(Box::new(known))),
            Some(known) => Ok(Bound::Foreign(Box::new(known))),
        }
    }

    fn binding(&self) -> Result<Option<Binding>> {
        self.meta::<String>("binding")?.map(|binding| from_json(&binding)).transpose()
    }

    pub(super) fn rebind(&mut self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        self.check(lease)?;
        if !refuse::rebinds(self.binding()?.as_ref(), binding)? {
            return Ok(());
        }
        let content = to_json(binding)?;
        self.write(Survives::Power, |db| {
            db.put_meta("binding", content)?;
            db.move_revision()?;
            db.log(at, "rebound", &lease.worker, None, format!("configuration {}", binding.configuration))
        })
    }

    pub(super) fn rehome(&mut self, lease: &Lease, binding: &Binding, at: Timestamp) -> Result<()> {
        self.check(lease)?;
        let known = self.binding()?;
        if !refuse::rehomes(known.as_ref(), binding)? {
            return Ok(());
        }
        let content = to_json(binding)?;
        self.write(Survives::Power, |db| {
            db.put_meta("binding", content)?;
            db.move_revision()?;
            db.log(at, "rehomed", &lease.worker, None, refuse::rehomed_words(known.as_ref(), binding))
        })
    }

    pub(super) fn seal_key(&mut self) -> Result<SealKey> {
        if let Some(key) = self.meta::<Vec<u8>>("seal_key")? {
            let key = key.try_into().map_err(|_| corrupt("the stored key of seals has the wrong length"))?;
            return Ok(SealKey(key));
        }
        // Two sources: neither SQLite's generator nor the standard library's seed alone has to be good.
        let drawn: Vec<u8> =
            self.sql("SELECT randomblob(32)")?.query_row([], |row| row.get(0)).or_fail(read_failed)?;
        let key = *blake3::keyed_hash(&random_key(), &drawn).as_bytes();
        self.write(Survives::Power, |db| db.put_meta("seal_key", &key[..]))?;
        Ok(SealKey(key))
    }

    pub(super) fn feed(&mut self, link: &LinkId, side: Side) -> Result<Option<Feed>> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(None) };
        let mut statement = self.sql("SELECT form FROM feed WHERE link = ?1 AND side = ?2")?;
        let bytes: Option<Vec<u8>> = statement
            .query_row(params![link, side_number(side)], |row| row.get(0))
            .optional()
            .or_fail(read_failed)?;
        bytes.map(|bytes| form::decode(&bytes, &form::no_shapes)).transpose()
    }

    pub(super) fn put_feed(&mut self, link: &LinkId, side: Side, feed: &Feed) -> Result<()> {
        let link = self.names.number(&self.file, link.as_str())?;
        let mut bytes = Vec::new();
        form::encode(feed, &mut form::no_numbers, &mut bytes)?;
        self.sql("INSERT OR REPLACE INTO feed (link, side, form) VALUES (?1, ?2, ?3)")?
            .execute(params![link, side_number(side), bytes])
            .or_fail(write_failed)
            .map(|_| ())
    }

    pub(super) fn notify(&mut self, link: &LinkId, hints: &[Attention]) -> Result<()> {
        hints.iter().try_for_each(refuse::check_hint)?;
        self.write(Survives::Power, |db| {
            let number = db.names.number(&db.file, link.as_str())?;
            for hint in hints {
                let known: Option<String> = db
                    .sql("SELECT content FROM attention WHERE link = ?1 AND side = ?2 AND id = ?3 AND kind = 0")?
                    .query_row(params![number, side_number(hint.side), hint.id.as_bytes()], |row| row.get(0))
                    .optional()
                    .or_fail(read_failed)?;
                let known: Option<Attention> = known.map(|known| from_json(&known)).transpose()?;
                if known.is_none_or(|known| known.why != hint.why) {
                    db.put_attention(link, hint)?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn put_attention(&mut self, link: &LinkId, row: &Attention) -> Result<()> {
        let link = self.names.number(&self.file, link.as_str())?;
        self.sql(
            "INSERT OR REPLACE INTO attention (link, side, id, kind, rules, due_seconds, due_nanos, content) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            link,
            side_number(row.side),
            row.id.as_bytes(),
            kind_number(refuse::kind(&row.why)),
            rules_key(&refuse::rules(&row.why)),
            row.due.timestamp(),
            row.due.timestamp_subsec_nanos(),
            to_json(row)?,
        ])
        .or_fail(write_failed)
        .map(|_| ())
    }

    pub(super) fn settle(&mut self, row: &(LinkId, Side, RecordId, AttentionKind)) -> Result<()> {
        let (link, side, id, kind) = row;
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(()) };
        self.sql(
            "DELETE FROM attention WHERE link = ?1 AND side = ?2 AND id = ?3 AND (?4 IS NULL OR kind = ?4)",
        )?
        .execute(params![link, side_number(*side), id.as_bytes(), kind_number(*kind)])
        .or_fail(write_failed)
        .map(|_| ())
    }

    pub(super) fn attention(
        &mut self,
        link: &LinkId,
        until: Option<Timestamp>,
        scan: &Scan<(Side, RecordId)>,
    ) -> Result<PageOf<Attention>> {
        let mut page = PageOf { rows: Vec::new(), more: false };
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(page) };
        let mut statement = self.sql(
            "SELECT content FROM attention WHERE link = ?1 AND (side, id) > (?2, ?3) \
             AND (?4 IS NULL OR (due_seconds, due_nanos) <= (?4, ?5)) ORDER BY side, id, kind, rules",
        )?;
        let (side, id) = match &scan.after {
            Some((side, id)) => (side_number(*side), id.as_bytes()),
            None => (-1, &[][..]),
        };
        let seconds = until.map(|until| until.timestamp());
        let nanos = until.map(|until| until.timestamp_subsec_nanos());
        let mut rows = statement.query(params![link, side, id, seconds, nanos]).or_fail(read_failed)?;
        let key = |row: &Attention| (row.side, row.id.clone());
        let mut found: Vec<Attention> = Vec::new();
        while let Some(row) = rows.next().or_fail(read_failed)? {
            found.push(from_json(&row.get::<_, String>(0).or_fail(read_failed)?)?);
            // One row of a second record tells where the page ends, however many rows the first one has.
            let second = found.first().map(key) != found.last().map(key);
            if found.len() > scan.rows_max && second {
                break;
            }
        }
        (page.rows, page.more) = refuse::whole_keys(found, scan.rows_max, key);
        Ok(page)
    }

    pub(super) fn attention_of(
        &mut self,
        link: &LinkId,
        side: Side,
        ids: &[RecordId],
    ) -> Result<Vec<Vec<Attention>>> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else {
            return Ok(vec![Vec::new(); ids.len()]);
        };
        let mut statement = self.sql(
            "SELECT content FROM attention WHERE link = ?1 AND side = ?2 AND id = ?3 ORDER BY kind, rules",
        )?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows =
                statement.query(params![link, side_number(side), id.as_bytes()]).or_fail(read_failed)?;
            let mut of = Vec::new();
            while let Some(row) = rows.next().or_fail(read_failed)? {
                of.push(from_json(&row.get::<_, String>(0).or_fail(read_failed)?)?);
            }
            found.push(of);
        }
        Ok(found)
    }

    pub(super) fn resolve(&mut self, resolutions: &[(LinkId, Resolution)], at: Timestamp) -> Result<()> {
        self.write(Survives::Power, |db| {
            resolutions.iter().try_for_each(|(link, resolution)| db.put_resolution(link, resolution, at))
        })
    }

    fn put_resolution(&mut self, link: &LinkId, resolution: &Resolution, at: Timestamp) -> Result<()> {
        let number = self.names.number(&self.file, link.as_str())?;
        let Resolution { ids, rule, by, .. } = resolution;
        let content = to_json(resolution)?;
        self.sql(
            "INSERT OR REPLACE INTO resolution (link, left_id, right_id, rule, content) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![number, ids.left.as_bytes(), ids.right.as_bytes(), rule.as_str(), content])
        .or_fail(write_failed)?;
        self.log(at, "resolved", by, None, refuse::resolved_words(link, resolution))
    }

    pub(super) fn resolutions(&mut self, link: &LinkId) -> Result<Vec<Resolution>> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(Vec::new()) };
        let mut statement =
            self.sql("SELECT content FROM resolution WHERE link = ?1 ORDER BY left_id, right_id, rule")?;
        let rows = statement.query_map([link], |row| row.get::<_, String>(0)).or_fail(read_failed)?;
        rows.map(|content| from_json(&content.or_fail(read_failed)?)).collect()
    }

    /// Takes a resolution away, unless a person decided anew since it was read.
    pub(super) fn use_resolution(&mut self, link: &LinkId, used: &Resolution) -> Result<()> {
        let Some(link) = self.names.find(&self.file, link.as_str())? else { return Ok(()) };
        self.sql(
            "DELETE FROM resolution \
             WHERE link = ?1 AND left_id = ?2 AND right_id = ?3 AND rule = ?4 AND content = ?5",
        )?
        .execute(params![
            link,
            used.ids.left.as_bytes(),
            used.ids.right.as_bytes(),
            used.rule.as_str(),
            to_json(used)?
        ])
        .or_fail(write_failed)
        .map(|_| ())
    }

    pub(super) fn set_pause(&mut self, pause: Option<&Pause>, by: &str, at: Timestamp) -> Result<()> {
        if pause.is_none() && self.pause()?.is_none() {
            return Ok(());
        }
        self.write(Survives::Power, |db| match pause {
            Some(pause) => {
                db.put_meta("pause", to_json(pause)?)?;
                db.log(at, "paused", by, None, pause.why.clone())
            }
            None => {
                db.forget_meta("pause")?;
                db.log(at, "resumed", by, None, String::new())
            }
        })
    }

    pub(super) fn pause(&self) -> Result<Option<Pause>> {
        self.meta::<String>("pause")?.map(|pause| from_json(&pause)).transpose()
    }

    /// Adds a line to the journal. Inside of a transaction.
    pub(super) fn log(
        &self,
        at: Timestamp,
        what: &str,
        by: &str,
        plan: Option<&PlanId>,
        note: String,
    ) -> Result<()> {
        let last: Option<i64> = self
            .sql("SELECT max(number) FROM journal")?
            .query_row([], |row| row.get(0))
            .or_fail(read_failed)?;
        let number = last.unwrap_or(0) + 1;
        let line = JournalLine {
            number: number.cast_unsigned(),
            at,
            what: what.to_owned(),
            by: by.to_owned(),
            plan: plan.cloned(),
            note,
        };
        self.sql("INSERT INTO journal (number, content) VALUES (?1, ?2)")?
            .execute(params![number, to_json(&line)?])
            .or_fail(write_failed)
            .map(|_| ())
    }

    pub(super) fn journal(&self, scan: &Scan<u64>) -> Result<PageOf<JournalLine>> {
        let mut statement = self.sql("SELECT content FROM journal WHERE number < ?1 ORDER BY number DESC")?;
        let before = scan.after.map_or(i64::MAX, |after| i64::try_from(after).unwrap_or(i64::MAX));
        let mut rows = statement.query([before]).or_fail(read_failed)?;
        let mut page = PageOf { rows: Vec::new(), more: false };
        while let Some(row) = rows.next().or_fail(read_failed)? {
            if page.rows.len() >= scan.rows_max {
                page.more = true;
                break;
            }
            page.rows.push(from_json(&row.get::<_, String>(0).or_fail(read_failed)?)?);
        }
        Ok(page)
    }
}

/// Rules as bytes whose order is that of the list: the encoding of a key with these parts.
fn rules_key(rules: &[RuleId]) -> Vec<u8> {
    let parts: Vec<KeyPart> = rules.iter().map(|rule| KeyPart::Text(rule.as_str().into())).collect();
    RecordId::of_parts(&parts).as_bytes().to_vec()
}

fn side_number(side: Side) -> i64 {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}

/// The number of a kind; none for all of them.
fn kind_number(kind: AttentionKind) -> Option<i64> {
    match kind {
        AttentionKind::Hint => Some(0),
        AttentionKind::Retry => Some(1),
        AttentionKind::Parked => Some(2),
        AttentionKind::Conflict => Some(3),
        AttentionKind::All => None,
    }
}
