//! Matching the records of a link that have no pair, in bounded memory: match keys come sorted from the spill, one
//! bit per record says who is taken. The door is [`match_unpaired`].

use std::sync::atomic::{AtomicBool, Ordering};

use futures::join;

use crate::merge::CompiledLink;
use crate::model::{Result, Side, Sides};
use crate::plan::{Group, MatchKey, Matcher, Member};
use crate::store::{Scan, SpillRow};

use super::area;
use super::making::{BATCH_ROWS, Making, SpillPages};
use super::progress::{Meter, Phase};

/// One bit per record without a pair, by its ordinal.
struct Taken(Vec<u64>);

impl Taken {
    fn new(records: u32) -> Self {
        Self(vec![0; records as usize / 64 + 1])
    }

    fn contains(&self, ordinal: u64) -> bool {
        let word = self.0.get((ordinal / 64) as usize).copied().unwrap_or(0);
        word >> (ordinal % 64) & 1 == 1
    }

    fn insert(&mut self, ordinal: u64) {
        if let Some(word) = self.0.get_mut((ordinal / 64) as usize) {
            *word |= 1 << (ordinal % 64);
        }
    }
}

/// Matches the unpaired records of a link line by line and spills who matched whom and who matches several.
pub(super) async fn match_unpaired(
    making: &Making<'_>,
    place: u16,
    link: &CompiledLink,
    unpaired: Sides<u32>,
) -> Result<()> {
    if unpaired.left == 0 || unpaired.right == 0 {
        return Ok(());
    }
    let observer = &*making.inner.observer;
    let id = &link.spec().id;
    let mut meter = Meter::begin(observer, &*making.inner.clock, Phase::Match, Some(id), None, None);
    let mut taken = Sides::new(Taken::new(unpaired.left), Taken::new(unpaired.right));
    for line in 0..link.spec().matching.len() {
        match_line(making, place, line, &mut taken, &mut meter).await?;
    }
    meter.end();
    Ok(())
}

async fn match_line(
    making: &Making<'_>,
    place: u16,
    line: usize,
    taken: &mut Sides<Taken>,
    meter: &mut Meter<'_>,
) -> Result<()> {
    let area = area::keys(place, line);
    let number = u16::try_from(line).unwrap_or(u16::MAX);
    let mut found = Found { place, line: number, ..Found::default() };
    // An atomic, not a cell: a host may move the run between threads.
    let is_taken = AtomicBool::new(false);
    let mut matcher = Matcher::new(|_, _: &_| is_taken.load(Ordering::Relaxed));
    let mut reading = SpillPages::new(making, area, BATCH_ROWS);
    let mut rows = reading.next().await?;
    while let Some(page) = rows {
        making.pulse().await?;
        meter.add(page.len());
        let (following, sorted) = join!(reading.next(), async {
            let mut whole = Vec::new();
            for row in &page {
                let row = area::match_row(row)?;
                is_taken.store(taken.of(row.side).contains(row.ordinal), Ordering::Relaxed);
                if let Some((key, group)) = matcher.push(row)? {
                    whole.extend(found.add(key, group, taken));
                }
            }
            for key in whole {
                park_whole(making, place, line, key, taken, &mut found).await?;
            }
            found.put(making, BATCH_ROWS).await
        });
        sorted?;
        rows = following?;
    }
    if let Some((key, group)) = matcher.finish()
        && let Some(key) = found.add(key, group, taken)
    {
        park_whole(making, place, line, key, taken, &mut found).await?;
    }
    found.put(making, 1).await
}

/// What a line found and has not spilled yet.
#[derive(Default)]
struct Found {
    place: u16,
    line: u16,
    matched: Sides<Vec<SpillRow>>,
    ambiguous: Sides<Vec<SpillRow>>,
}

impl Found {
    /// Notes a group; a group that must be parked and is larger than what it names gives its key back.
    fn add(&mut self, key: MatchKey, group: Group, taken: &mut Sides<Taken>) -> Option<MatchKey> {
        let several = match group {
            Group::Alone(_) => return None,
            Group::One { left, right } => {
                taken.left.insert(left.ordinal);
                taken.right.insert(right.ordinal);
                let content = |partner: &Member| area::matched_content(self.line, &partner.id);
                let rows = (area::row(&left.id, content(&right)), area::row(&right.id, content(&left)));
                self.matched.left.push(rows.0);
                self.matched.right.push(rows.1);
                return None;
            }
            Group::Several(members) => members,
            Group::Taken { free, .. } => free,
        };
        let named = several.first.left.len() + several.first.right.len();
        if named as u64 != several.total() {
            return Some(key);
        }
        for side in Side::BOTH {
            for member in several.first.of(side) {
                self.park(side, member, taken);
            }
        }
        None
    }

    fn park(&mut self, side: Side, member: &Member, taken: &mut Sides<Taken>) {
        taken.of_mut(side).insert(member.ordinal);
        let row = area::row(&member.id, self.line.to_le_bytes().to_vec());
        self.ambiguous.of_mut(side).push(row);
    }

    async fn put(&mut self, making: &Making<'_>, rows_min: usize) -> Result<()> {
        if self.matched.left.len() + self.ambiguous.left.len() + self.ambiguous.right.len() < rows_min {
            return Ok(());
        }
        for side in Side::BOTH {
            let matched = std::mem::take(self.matched.of_mut(side));
            making.spill(area::matched(self.place, side), matched).await?;
            let ambiguous = std::mem::take(self.ambiguous.of_mut(side));
            making.spill(area::ambiguous(self.place, side), ambiguous).await?;
        }
        Ok(())
    }
}

/// Parks every record of a group that is too large to be named: its rows are read again by their key.
async fn park_whole(
    making: &Making<'_>,
    place: u16,
    line: usize,
    key: MatchKey,
    taken: &mut Sides<Taken>,
    found: &mut Found,
) -> Result<()> {
    let mut after = Some(key.to_vec());
    loop {
        let scan = Scan { after: after.clone(), rows_max: BATCH_ROWS };
        let page = making.store().spilled(making.plan(), area::keys(place, line), scan).await?;
        for row in &page.rows {
            let row = area::match_row(row)?;
            if row.key != key {
                return Ok(());
            }
            if !taken.of(row.side).contains(row.ordinal) {
                found.park(row.side, &Member { id: row.id, ordinal: row.ordinal }, taken);
            }
        }
        found.put(making, BATCH_ROWS).await?;
        after = page.rows.last().map(|row| row.key.clone());
        if !page.more {
            return Ok(());
        }
    }
}
