//! What a run did to the system and what it heard from it: the records that it made (the only ones that may be deleted),
//! the records that it changed with their former values, the secrets that showed. Knows no case and makes no call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::connector::{Target, Verb};
use crate::model::{Record, RecordId};

#[derive(Debug, Default)]
pub(super) struct Ledger {
    inner: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    serial: u64,
    made: BTreeSet<RecordId>,
    deleted: BTreeSet<RecordId>,
    absent: BTreeSet<RecordId>,
    /// The records that were there before the run.
    foreign: BTreeSet<RecordId>,
    lent: BTreeMap<RecordId, Record>,
    leaks: BTreeSet<String>,
    logged: BTreeSet<String>,
}

impl Ledger {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that was not given before.
    pub(super) fn serial(&self) -> u64 {
        let mut notes = self.notes();
        notes.serial += 1;
        notes.serial
    }

    /// An id that no record has: deleting it harms nothing.
    pub(super) fn absent(&self, id: RecordId) -> RecordId {
        self.notes().absent.insert(id.clone());
        id
    }

    /// Records that were there before: whatever a create says, they were not made by it.
    pub(super) fn found_there(&self, ids: impl IntoIterator<Item = RecordId>) {
        self.notes().foreign.extend(ids);
    }

    /// Whether a record was there before the run.
    pub(super) fn is_foreign(&self, id: &RecordId) -> bool {
        self.notes().foreign.contains(id)
    }

    /// A record that is about to be changed, as it is now.
    pub(super) fn lend(&self, id: &RecordId, record: Record) {
        self.notes().lent.entry(id.clone()).or_insert(record);
    }

    /// What is to be put back, forgotten here.
    pub(super) fn take_lent(&self) -> BTreeMap<RecordId, Record> {
        std::mem::take(&mut self.notes().lent)
    }

    /// The records that were made and not deleted.
    pub(super) fn standing(&self) -> Vec<RecordId> {
        let notes = self.notes();
        notes.made.difference(&notes.deleted).cloned().collect()
    }

    /// Forgets a record that cannot be deleted.
    pub(super) fn give_up(&self, id: &RecordId) {
        self.notes().deleted.insert(id.clone());
    }

    /// Whether a record may be deleted: the run made it, or it is not there.
    pub(super) fn may_delete(&self, id: &RecordId) -> bool {
        let notes = self.notes();
        notes.made.contains(id) || notes.absent.contains(id)
    }

    /// Notes an operation that was applied.
    pub(super) fn happened(&self, verb: &Verb, target: &Target, id: &RecordId) {
        let mut notes = self.notes();
        match (verb, target) {
            // A connector that speaks of another record than the chosen one, or of one that was there before, is not
            // believed: that one is not ours to delete.
            (Verb::Create, Target::New(chosen))
                if chosen.as_ref().is_none_or(|chosen| chosen == id) && !notes.foreign.contains(id) =>
            {
                notes.deleted.remove(id);
                notes.made.insert(id.clone());
            }
            (Verb::Delete(_), Target::Existing(id)) => {
                notes.deleted.insert(id.clone());
            }
            _ => {}
        }
    }

    /// Where secrets showed.
    pub(super) fn leaks(&self) -> Vec<String> {
        self.notes().leaks.iter().cloned().collect()
    }

    /// Looks for secrets in a text.
    pub(super) fn hear(&self, secrets: &[String], place: &str, text: &str) {
        if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
            self.notes().leaks.insert(place.to_owned());
        }
    }

    /// Where secrets were logged.
    pub(super) fn logged(&self) -> Vec<String> {
        self.notes().logged.iter().cloned().collect()
    }

    /// Looks for secrets in what was logged.
    pub(super) fn hear_logged(&self, secrets: &[String], place: &str, text: &str) {
        if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
            self.notes().logged.insert(place.to_owned());
        }
    }
}
