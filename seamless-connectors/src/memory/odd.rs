//! What odd systems do and a test orders: versions that move without content, content that moves without a version,
//! transactions that are committed late, users who are busy while pages are read, feeds that forget. Knows nothing of
//! the connector port.

use seamless_core::model::{Error, ErrorKind, RecordId, Result};

use super::client::{Hook, Memory, Open, State, named, refused};
use super::table::By;

impl Memory {
    /// Moves the version and the stamp of a record and changes nothing else, as a recalculation, a setting or an empty
    /// save does; false when the record is not there.
    ///
    /// Errors: no such entity.
    pub fn touch(&self, entity: &str, id: &RecordId) -> Result<bool> {
        let mut state = self.state();
        let tick = state.tick();
        Ok(state.table(entity)?.touch(id, tick))
    }

    /// Changes fields of a record behind the back of everything that notices changes: no version, no stamp, no entry in
    /// the feed. So formulas, roll-ups and scripts in the database do it. Only reading shows it.
    ///
    /// Errors: as [`Memory::edit`].
    pub fn edit_unnoticed(
        &self,
        entity: &str,
        id: &RecordId,
        values: &[(&str, seamless_core::model::Value)],
    ) -> Result<()> {
        let record = named(values)?;
        let mut state = self.state();
        state.table(entity)?.update_unnoticed(id, &record, By::User).map_err(refused)
    }

    /// A user changes a record in a transaction that stays open: the change has its place in the feed from now on, and
    /// is seen by nobody before [`Memory::commit_begun`]. Where the entity knows its low water, the mark that it gives stays
    /// before the change; cursors pass it.
    ///
    /// Errors: no such entity or record; values that cannot be named.
    pub fn begin_edit(
        &self,
        entity: &str,
        id: &RecordId,
        values: &[(&str, seamless_core::model::Value)],
    ) -> Result<()> {
        let record = named(values)?;
        let mut state = self.state();
        let tick = state.tick();
        if !state.table(entity)?.rows.contains_key(id) {
            return Err(
                Error::new(ErrorKind::NotFound, format!("record {id} is not there")).at("entity", entity)
            );
        }
        state.begun.push(Open { entity: entity.into(), id: id.clone(), record, tick });
        Ok(())
    }

    /// Commits every transaction that is open, in the order in which they began.
    ///
    /// Errors: as [`Memory::edit`], and a record that was changed since its transaction began: a real system would have
    /// made the other user wait.
    pub fn commit_begun(&self) -> Result<()> {
        let mut state = self.state();
        for Open { entity, id, record, tick } in std::mem::take(&mut state.begun) {
            let table = state.table(entity.as_str())?;
            if table.rows.get(&id).is_some_and(|row| row.sequence > tick.sequence) {
                return Err(Error::new(ErrorKind::Conflict, format!("record {id} was changed meanwhile")));
            }
            table.update(&id, &record, By::User, tick).map_err(refused)?;
        }
        Ok(())
    }

    /// Stops the index by which records are found by key, or lets it catch up: what is made or changed meanwhile is found by
    /// id and in the feed, and not by key.
    ///
    /// Errors: no such entity.
    pub fn stop_search(&self, entity: &str, stopped: bool) -> Result<()> {
        let mut state = self.state();
        let now = state.sequence;
        state.table(entity)?.searched_to = stopped.then_some(now);
        Ok(())
    }

    /// Runs this once, after so many more pages were given and before the next one is made: a user who is busy while a
    /// reading goes on. 0: before the next page.
    pub fn before_page(&self, pages: u64, act: impl FnOnce(&Memory) + Send + 'static) {
        self.state().before_page = Some((pages, Box::new(act)));
    }

    /// Keeps only so many changes of the system, all entities together: a cursor that is older is worthless. `None`, as
    /// at the beginning: all are kept.
    pub fn keep_changes(&self, count: Option<u64>) {
        self.state().kept = count;
    }

    pub(super) fn act_before_page(&self) {
        let hook = self.state().due_hook();
        if let Some(act) = hook {
            act(self);
        }
    }
}

impl State {
    fn due_hook(&mut self) -> Option<Hook> {
        match self.before_page.take() {
            Some((0, act)) => Some(act),
            Some((pages, act)) => {
                self.before_page = Some((pages - 1, act));
                None
            }
            None => None,
        }
    }

    /// The last change before which nothing is open any more.
    pub(super) fn low_water(&self) -> u64 {
        let open = self.begun.iter().map(|open| open.tick.sequence.saturating_sub(1)).min();
        open.unwrap_or(self.sequence).min(self.sequence)
    }

    /// Where a reading that has seen everything goes on: behind what is open only if the entity does not know of it.
    pub(super) fn mark(&self, knows_low_water: bool) -> i64 {
        let mark = if knows_low_water { self.low_water() } else { self.sequence };
        i64::try_from(mark).unwrap_or(i64::MAX)
    }

    /// Whether the changes after this one are all kept.
    pub(super) fn keeps(&self, mark: i64) -> bool {
        let Some(kept) = self.kept else { return true };
        u64::try_from(mark).unwrap_or(0) >= self.sequence.saturating_sub(kept)
    }
}
