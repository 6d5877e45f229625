//! Spills: rows in memory while there is room, then in a private temporary database that is never synced, gone with the
//! process. The door is [`Spill`].
//!
//! Areas stay in memory until all of them together would take more than they may; then the largest one is put into the
//! file, and goes on there. What a run of some ten thousand records spills never becomes a file.

mod filed;
mod held;

use std::collections::BTreeMap;

use rusqlite::Connection;

use self::filed::Filed;
use self::held::{Held, bytes_of};
use super::error::Mapped;
use super::open::open_spill;
use crate::model::{PlanId, Result};
use crate::store::port::{Area, PageOf, Scan, SpillRow};

/// What failed, for calls that read: this is not the state file, and lies on another disk at times.
fn read_failed() -> &'static str {
    "the working file of a plan in the making could not be read; it is a temporary one (SQLITE_TMPDIR, TMPDIR)"
}

/// What failed, for calls that write.
fn write_failed() -> &'static str {
    "the working file of a plan in the making could not be written; it is a temporary one (SQLITE_TMPDIR, TMPDIR)"
}

#[derive(Debug)]
pub(super) struct Spill {
    file: Connection,
    areas: BTreeMap<(PlanId, Area), Rows>,
    tables: u64,
    /// Whether a call failed: what the file holds is not to be relied on then, it has no journal on disk.
    failed: bool,
    /// Bytes that areas in memory may take together; what is reserved for rows to come can be a megabyte more.
    held_bytes_max: usize,
}

#[derive(Debug)]
enum Rows {
    Held(Held),
    Filed(Filed),
}

impl Rows {
    fn bytes_held(&self) -> usize {
        match self {
            Rows::Held(held) => held.bytes(),
            Rows::Filed(_) => 0,
        }
    }
}

impl Spill {
    pub(super) fn new(file: Connection, held_bytes_max: usize) -> Self {
        Self { file, areas: BTreeMap::new(), tables: 0, failed: false, held_bytes_max }
    }

    /// Adds rows.
    pub(super) fn put(&mut self, plan: &PlanId, area: Area, rows: &[SpillRow]) -> Result<()> {
        let put = self.add(plan, area, rows);
        self.failed |= put.is_err();
        put
    }

    fn add(&mut self, plan: &PlanId, area: Area, rows: &[SpillRow]) -> Result<()> {
        let of = (plan.clone(), area);
        self.areas.entry(of.clone()).or_insert_with(|| Rows::Held(Held::default()));
        self.make_room(&of, bytes_of(rows))?;
        match self.areas.get_mut(&of) {
            None => Ok(()),
            Some(Rows::Held(held)) => {
                held.put(rows);
                Ok(())
            }
            Some(Rows::Filed(filed)) => {
                let batch = self.file.unchecked_transaction().or_fail(write_failed)?;
                let mut then = filed.clone();
                then.put(&batch, rows.iter().map(|row| (row.key.as_slice(), row.content.as_slice())))?;
                batch.commit().or_fail(write_failed)?;
                *filed = then;
                Ok(())
            }
        }
    }

    /// Puts the largest areas into the file until there is room for what comes into one of them, or that one is in the
    /// file.
    fn make_room(&mut self, of: &(PlanId, Area), bytes: usize) -> Result<()> {
        loop {
            if matches!(self.areas.get(of), Some(Rows::Filed(_))) {
                return Ok(());
            }
            let taken: usize = self.areas.values().map(Rows::bytes_held).sum();
            if taken + bytes <= self.held_bytes_max {
                return Ok(());
            }
            // What comes counts with its area: rows that would fill the room alone go into the file.
            let held = self.areas.iter_mut().filter_map(|(known, rows)| match rows {
                Rows::Held(held) => Some((held.bytes() + if known == of { bytes } else { 0 }, rows)),
                Rows::Filed(_) => None,
            });
            let Some((_, rows)) = held.max_by_key(|(bytes, _)| *bytes) else { return Ok(()) };
            let Rows::Held(held) = rows else { return Ok(()) };
            self.tables += 1;
            let batch = self.file.unchecked_transaction().or_fail(write_failed)?;
            let mut filed = Filed::make(&batch, self.tables, held.came_in_order())?;
            filed.put(&batch, held.rows())?;
            batch.commit().or_fail(write_failed)?;
            *rows = Rows::Filed(filed);
        }
    }

    /// Rows in key order.
    pub(super) fn scan(
        &mut self,
        plan: &PlanId,
        area: Area,
        scan: &Scan<Vec<u8>>,
    ) -> Result<PageOf<SpillRow>> {
        match self.areas.get_mut(&(plan.clone(), area)) {
            None => Ok(PageOf { rows: Vec::new(), more: false }),
            Some(Rows::Held(held)) => Ok(held.scan(scan)),
            Some(Rows::Filed(filed)) => {
                let page = filed.scan(&self.file, scan);
                self.failed |= page.is_err();
                page
            }
        }
    }

    /// The contents under keys.
    pub(super) fn of(&mut self, plan: &PlanId, area: Area, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        match self.areas.get_mut(&(plan.clone(), area)) {
            None => Ok(vec![None; keys.len()]),
            Some(Rows::Held(held)) => Ok(keys.iter().map(|key| held.of(key)).collect()),
            Some(Rows::Filed(filed)) => {
                let found = filed.of(&self.file, keys);
                self.failed |= found.is_err();
                found
            }
        }
    }

    /// Drops all areas but those of plans that stay. After a failure the file is begun anew as soon as none stays.
    pub(super) fn keep(&mut self, stays: impl Fn(&PlanId) -> bool) -> Result<()> {
        let (kept, dropped): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.areas).into_iter().partition(|((plan, _), _)| stays(plan));
        self.areas = kept;
        if self.failed && self.areas.is_empty() {
            self.file = open_spill()?;
            self.failed = false;
            return Ok(());
        }
        // A statement that is kept prepared would be prepared anew for nothing.
        self.file.flush_prepared_statement_cache();
        let mut kept_back = Ok(());
        for (of, rows) in dropped {
            let Rows::Filed(filed) = &rows else { continue };
            if let Err(error) = filed.drop(&self.file) {
                // Known on, so that its room is given back the next time.
                self.areas.insert(of, rows);
                kept_back = Err(error);
            }
        }
        kept_back
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert_eq, prop_oneof, proptest};
    use proptest::strategy::{Just, Strategy};

    use super::open_spill;
    use super::{Filed, Held, Rows, Spill};
    use crate::model::PlanId;
    use crate::store::port::{Area, Scan, SpillRow};
    use std::collections::BTreeMap;

    const HELD_BYTES_MAX: usize = 2 << 20;
    const AREA: Area = Area { link: 0, kind: 1, side: None };

    fn rows() -> impl Strategy<Value = Vec<SpillRow>> {
        let row = |key: Vec<u8>, content| SpillRow { key, content };
        let one = (vec(any::<u8>(), 0..3), vec(any::<u8>(), 0..4))
            .prop_map(move |(key, content)| row(key, content));
        (vec(one, 0..12), prop_oneof![Just(true), Just(false)]).prop_map(|(mut rows, in_order)| {
            if in_order {
                rows.sort_by(|one, other| one.key.cmp(&other.key));
            }
            rows
        })
    }

    /// An area in the form that is to be shown.
    fn begun(form: u8, plan: &PlanId) -> Spill {
        let mut spill = Spill::new(open_spill().unwrap(), HELD_BYTES_MAX);
        let rows = match form {
            0 => Rows::Held(Held::default()),
            form => {
                spill.tables += 1;
                Rows::Filed(Filed::make(&spill.file, spill.tables, form == 1).unwrap())
            }
        };
        spill.areas.insert((plan.clone(), AREA), rows);
        spill
    }

    proptest! {
        // Catches: a row that an earlier one of the same key hides, a tree that takes keys out of order, an index that
        // was kept although rows came, a page that ends between two rows of a key. The oracle is a map.
        #[test]
        fn every_form_of_an_area_reads_as_a_map_would(
            batches in vec((rows(), any::<bool>()), 0..8),
            form in 0u8..3,
            asked in vec(vec(any::<u8>(), 0..3), 0..6),
            rows_max in 1usize..5,
            moved_after in 0usize..12,
        ) {
            let plan = PlanId::from("p");
            let mut spill = begun(form, &plan);
            let mut oracle: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
            for (number, (batch, read)) in batches.iter().enumerate() {
                if number == moved_after {
                    move_into_file(&mut spill, &plan);
                }
                spill.put(&plan, AREA, batch).unwrap();
                oracle.extend(batch.iter().map(|row| (row.key.clone(), row.content.clone())));
                if *read {
                    read_all(&mut spill, &plan, rows_max);
                }
            }
            let read = read_all(&mut spill, &plan, rows_max);
            prop_assert_eq!(read, oracle.clone().into_iter().collect::<Vec<_>>());
            let found = spill.of(&plan, AREA, &asked).unwrap();
            let expected: Vec<_> = asked.iter().map(|key| oracle.get(key).cloned()).collect();
            prop_assert_eq!(found, expected);
            spill.keep(|_| false).unwrap();
            prop_assert_eq!(read_all(&mut spill, &plan, rows_max), vec![]);
        }
    }

    fn read_all(spill: &mut Spill, plan: &PlanId, rows_max: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = spill.scan(plan, AREA, &Scan { after, rows_max }).unwrap();
            after = page.rows.last().map(|row| row.key.clone());
            all.extend(page.rows.into_iter().map(|row| (row.key, row.content)));
            if !page.more {
                return all;
            }
        }
    }

    /// Fills another area until there is no more room, so that the next row of ours goes to the file.
    fn move_into_file(spill: &mut Spill, plan: &PlanId) {
        let room = HELD_BYTES_MAX - spill.areas.values().map(Rows::bytes_held).sum::<usize>();
        let large = SpillRow { key: vec![], content: vec![0; room.saturating_sub(16)] };
        spill.put(plan, Area { kind: 2, ..AREA }, &[large]).unwrap();
    }

    // Catches: an area that stays in memory whatever it grows to.
    #[test]
    fn memory_is_bounded_however_much_is_spilled() {
        let (plan, mut spill) = (PlanId::from("p"), Spill::new(open_spill().unwrap(), HELD_BYTES_MAX));
        for number in 0u32..80 {
            let row = SpillRow { key: number.to_be_bytes().to_vec(), content: vec![7; 1 << 16] };
            spill.put(&plan, AREA, &[row]).unwrap();
            assert!(spill.areas.values().map(Rows::bytes_held).sum::<usize>() <= HELD_BYTES_MAX + (1 << 20));
        }
        assert_eq!(read_all(&mut spill, &plan, 7).len(), 80);
    }
}
