//! A plan in the making: the lease, the draft and what every step of planning needs. Nothing of the systems or of the
//! state moves here; only the draft is written.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Clock;
use crate::connector::{Capabilities, Connector};
use crate::merge::CompiledLink;
use crate::model::{LinkId, PlanId, Result, Side, Sides};
use crate::plan::{Entry, PlanHead};
use crate::store::{Area, Lease, Scan, SpillRow, StateStore};

use super::integration::Inner;
use super::narrowing::Narrowing;

/// Rows that are spilled or looked up at once.
pub(super) const BATCH_ROWS: usize = 1000;

/// What every step of making one plan needs.
pub(super) struct Making<'a> {
    pub(super) inner: &'a Inner,
    pub(super) keeper: &'a LeaseKeeper,
    pub(super) head: &'a PlanHead,
    /// Whether the configuration is another one than that of the state: nothing is deleted then.
    pub(super) reconfigured: bool,
    /// The revision of the state from which the last completed plan of this configuration was made: what was committed
    /// up to there has been read again since. `None` where that is not known.
    pub(super) read_since: Option<u64>,
    /// How many pairs each link had when the plan began, by the place of the link.
    pub(super) pairs_before: Vec<u64>,
}

impl Making<'_> {
    pub(super) fn store(&self) -> &dyn StateStore {
        &*self.inner.store
    }

    pub(super) fn plan(&self) -> &PlanId {
        &self.head.id
    }

    pub(super) fn lease(&self) -> &Lease {
        &self.keeper.lease
    }

    pub(super) fn connector(&self, side: Side) -> &dyn Connector {
        self.inner.following.of(side)
    }

    /// What is known of fields that a side does not have.
    pub(super) fn narrowing(&self, side: Side) -> &Narrowing {
        self.inner.narrowed.of(side)
    }

    pub(super) fn capabilities(&self, link: &CompiledLink) -> Sides<Capabilities> {
        Sides::new(self.inner.capabilities(link, Side::Left), self.inner.capabilities(link, Side::Right))
    }

    /// Stops when the host asked for it, and prolongs the lease when it is time.
    pub(super) async fn pulse(&self) -> Result<()> {
        self.inner.cancel.check()?;
        self.keeper.keep(self.store(), &*self.inner.clock, self.inner.options.lease).await
    }

    pub(super) async fn spill(&self, area: Area, rows: Vec<SpillRow>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.store().spill(self.lease(), self.plan(), area, rows).await
    }

    pub(super) async fn put_entries(&self, entries: Vec<Entry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        self.store().put_entries(self.lease(), self.plan(), entries).await
    }

    /// Whether records of a link are referred to by any link, itself included.
    pub(super) fn is_referred_to(&self, id: &LinkId) -> bool {
        self.inner.links.iter().any(|link| link.spec().depends_on.contains(id))
    }

    /// The links before a place: what they provide is known when a link is decided.
    pub(super) fn decided_before(&self, place: u16) -> Vec<LinkId> {
        let links = self.inner.links.iter().take(usize::from(place));
        links.map(|link| link.spec().id.clone()).collect()
    }
}

/// Reads an area from its start: page by page, so that the caller can ask for the next page before it works on the one
/// it has, or beside another one.
pub(super) struct SpillPages<'a> {
    making: &'a Making<'a>,
    area: Area,
    rows_max: usize,
    after: Option<Vec<u8>>,
    ended: bool,
    /// Rows that [`SpillPages::under`] has read and not passed.
    ahead: VecDeque<SpillRow>,
}

impl<'a> SpillPages<'a> {
    pub(super) fn new(making: &'a Making<'a>, area: Area, rows_max: usize) -> Self {
        Self { making, area, rows_max, after: None, ended: false, ahead: VecDeque::new() }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<SpillRow>>> {
        if self.ended {
            return Ok(None);
        }
        let scan = Scan { after: self.after.take(), rows_max: self.rows_max };
        let page = self.making.store().spilled(self.making.plan(), self.area, scan).await?;
        self.after = page.rows.last().map(|row| row.key.clone());
        self.ended = !page.more;
        Ok((!page.rows.is_empty()).then_some(page.rows))
    }

    /// The content under a key, of keys that are asked in their order.
    pub(super) async fn under(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        loop {
            match self.ahead.front().map(|row| row.key.as_slice().cmp(key)) {
                Some(Ordering::Greater) => return Ok(None),
                Some(Ordering::Equal) => return Ok(self.ahead.pop_front().map(|row| row.content)),
                Some(Ordering::Less) => drop(self.ahead.pop_front()),
                None => match self.next().await? {
                    Some(rows) => self.ahead = rows.into(),
                    None => return Ok(None),
                },
            }
        }
    }
}

/// Holds a lease and prolongs it while work goes on.
pub(super) struct LeaseKeeper {
    pub(super) lease: Lease,
    renewed: std::sync::atomic::AtomicU64,
}

impl LeaseKeeper {
    pub(super) fn new(lease: Lease, clock: &dyn Clock) -> Self {
        Self { lease, renewed: std::sync::atomic::AtomicU64::new(millis(clock.elapsed())) }
    }

    /// Prolongs the lease when a third of it is over.
    pub(super) async fn keep(
        &self,
        store: &dyn StateStore,
        clock: &dyn Clock,
        lasts: Duration,
    ) -> Result<()> {
        let now = millis(clock.elapsed());
        let renewed = self.renewed.load(std::sync::atomic::Ordering::Relaxed);
        if now.saturating_sub(renewed) < millis(lasts) / 3 {
            return Ok(());
        }
        store.renew(&self.lease, lasts).await?;
        self.renewed.store(now, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
