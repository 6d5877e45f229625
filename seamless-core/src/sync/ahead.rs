//! Reading the entries of a plan ahead, so that the store works while a system is written or effects are settled. The
//! door is [`Ahead`].
//!
//! An entry's state is changed by nothing but its own batch, and batches are worked on in order: what was read ahead is
//! still true when its turn comes. So it is used only where entries are gone through, never while open intents are
//! found out about.

use crate::model::{PlanId, Result};
use crate::plan::EntryKey;
use crate::store::{EntryParts, EntryRow, PageOf, Scan, StateStore};

/// The pages of a plan's entries, at most one of them read before it is asked for.
pub(super) struct Ahead<'a> {
    store: &'a dyn StateStore,
    plan: &'a PlanId,
    rows_max: usize,
    after: Option<EntryKey>,
    /// The page that was read ahead, or why it could not be read: told when the page is asked for.
    page: Option<Result<PageOf<EntryRow>>>,
    ended: bool,
}

impl<'a> Ahead<'a> {
    /// From the first entry, at most so many in a page.
    pub(super) fn new(store: &'a dyn StateStore, plan: &'a PlanId, rows_max: usize) -> Self {
        Self { store, plan, rows_max, after: None, page: None, ended: false }
    }

    /// Reads the next page if it is not there yet.
    pub(super) async fn fill(&mut self) {
        if self.page.is_none() && !self.ended {
            let scan = Scan { after: self.after.clone(), rows_max: self.rows_max };
            self.page = Some(self.store.entries(self.plan, EntryParts::Whole, scan).await);
        }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<EntryRow>>> {
        self.fill().await;
        let Some(page) = self.page.take().transpose()? else { return Ok(None) };
        self.ended = !page.more;
        self.after = page.rows.last().map(|row| row.entry.key.clone());
        Ok(Some(page.rows))
    }
}

/// Reads ahead where that is wanted.
pub(super) async fn fill(ahead: &mut Option<Ahead<'_>>) {
    if let Some(ahead) = ahead {
        ahead.fill().await;
    }
}
