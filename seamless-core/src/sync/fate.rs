//! An action that is ready to be sent, and what became of it, judged from an answer or from the record itself. Pure: it
//! asks nobody. The doors are [`Ready::refused`] for an answer and [`Ready::fate_of_update`] where there is none.

use crate::connector::{Expects, Proof, Refusal, RefusalKind, Target, Versioned, WriteOp, WriteOutcome};
use crate::merge::{CompiledLink, lossy_form};
use crate::model::{Error, ErrorKind, FieldName, Presence, Record, RecordId, Retry, Side, Value, ValueRef};
use crate::plan::{Change, Entry, PlannedVerb};

/// An action ready to be sent.
pub(super) struct Ready {
    pub(super) entry: Entry,
    pub(super) op: WriteOp,
    /// What is sent, in the link's shape of the side; `None` where the operation's patch is of that shape.
    pub(super) sent: Option<Record>,
}

/// What became of an action.
pub(super) enum Fate {
    /// It happened: the record that was made or changed, and what the write proves of it.
    Done(RecordId, Proof),
    /// It did not; look again, without counting it as a failure.
    Superseded(String),
    /// Nobody knows, and what it would have written was changed since.
    Overtaken(&'static str),
    /// It did not, and that counts.
    Failed(Error),
    /// A create that nobody answered was sent again and refused for the moment: the record may be there, or come yet.
    PutOff(Error),
    /// It did not happen; it can be sent again as it is.
    SendAgain,
    /// Nobody can find out.
    Undecidable,
}

impl Ready {
    /// What is sent, by slot of the link's shape of the side; slots that nothing is sent for are absent.
    pub(super) fn sent(&self) -> &Record {
        self.sent.as_ref().unwrap_or(&self.op.patch)
    }

    fn sent_values(&self) -> impl Iterator<Item = (usize, ValueRef<'_>)> {
        values_by_slot(self.sent())
    }

    pub(super) fn copy(&self) -> Self {
        Self { entry: self.entry.clone(), op: self.op.clone(), sent: self.sent.clone() }
    }

    /// The values that are sent for these fields, where all of them are. A blank value is none: systems let any number
    /// of records go without one, so nothing is found by it and nothing refuses a second record.
    pub(super) fn values_of(&self, fields: &[FieldName]) -> Option<Vec<Value>> {
        let value = |field: &FieldName| {
            let value = self.op.patch.field(field.as_str()).value()?;
            (!value.is_blank()).then(|| value.to_value())
        };
        fields.iter().map(value).collect::<Option<Vec<_>>>().filter(|values| !values.is_empty())
    }

    /// The fate by the answer alone, where nobody can be asked about what it leaves open.
    pub(super) fn answered(&self, outcome: WriteOutcome) -> Fate {
        match outcome {
            WriteOutcome::Applied { id, proof } => Fate::Done(id, proof),
            WriteOutcome::Refused(Refusal { why: RefusalKind::KeyTaken { by: Some(_) }, .. })
            | WriteOutcome::Ambiguous(_) => Fate::Undecidable,
            WriteOutcome::Refused(refusal) => self.refused(refusal),
        }
    }

    /// What a refusal means for the entry.
    pub(super) fn refused(&self, refusal: Refusal) -> Fate {
        let Refusal { why, error } = refusal;
        match why {
            RefusalKind::Stale => Fate::Superseded("somebody changed the record in the meantime".to_owned()),
            RefusalKind::Missing => Fate::Superseded("the record is not there any more".to_owned()),
            // Our own create that arrived earlier: the key is ours, so the record is.
            RefusalKind::KeyTaken { by: Some(by) } if self.is_own_id(&by) => Fate::Done(by, Proof::None),
            RefusalKind::Throttled { wait } => {
                Fate::Failed(error.with_retry(wait.map_or(Retry::Later, Retry::After)))
            }
            RefusalKind::Unavailable => Fate::Failed(error.with_retry(Retry::Later)),
            RefusalKind::KeyTaken { .. } | RefusalKind::Invalid { .. } | RefusalKind::Forbidden => {
                Fate::Failed(error)
            }
        }
    }

    pub(super) fn is_own_id(&self, by: &RecordId) -> bool {
        matches!(&self.op.target, Target::New(Some(id)) if id == by)
    }

    /// Whether a record holds everything that was sent.
    pub(super) fn is_held_by(&self, link: &CompiledLink, side: Side, held: &Versioned) -> bool {
        let forms = link.forms(side);
        let holds = |(slot, value): (usize, ValueRef<'_>)| match held.record.get(slot) {
            Presence::Value(now) => forms.slot(slot).same(now, value),
            Presence::Absent | Presence::Unreadable => false,
        };
        self.sent_values().next().is_some() && self.sent_values().all(holds)
    }

    /// Whether a record holds what was sent, or what the target may have made of it. It is then taken for acknowledged, and
    /// what differs waits as a suspected form.
    fn is_held_in_a_form(&self, link: &CompiledLink, side: Side, held: &Versioned) -> bool {
        let mut sent = self.sent_values().peekable();
        sent.peek().is_some() && sent.all(|one| holds_a_form_of(one, link, side, held))
    }

    /// Whether a record that was found by its key is the one that was sent, and not somebody else's of the same key: it
    /// holds at least one of the other values, or what the target may have made of one. A user may have changed some
    /// since; where nothing else was sent, the key alone tells.
    pub(super) fn is_likely(
        &self,
        link: &CompiledLink,
        side: Side,
        found: &Versioned,
        key: &[FieldName],
    ) -> bool {
        let shape = link.shape(side);
        let is_key = |slot: usize| shape.name(slot).is_some_and(|name| key.contains(name));
        let mut others =
            self.sent_values().filter(|(slot, value)| !is_key(*slot) && !value.is_blank()).peekable();
        others.peek().is_none() || others.any(|one| holds_a_form_of(one, link, side, found))
    }

    /// Whether an action that a system took left the state as it was: the failure that this is.
    pub(super) fn left_as_it_was(&self, link: &CompiledLink, side: Side, held: &Versioned) -> Option<Error> {
        let action = self.entry.action()?;
        let PlannedVerb::Action { name, .. } = &action.verb else { return None };
        let change = action.changes.iter().next()?;
        let (Some(before), Some(after)) = (change.before.value(), change.after.known()) else { return None };
        let slot = link.shape(side).slot(change.field.as_str())?;
        let now = held.record.field(change.field.as_str()).value()?;
        let is_left = link.same_state(side, slot, now, before) && !link.same_state(side, slot, now, after);
        is_left.then(|| {
            let message = format!("the system took {name}, and {} is still {now}", change.field);
            Error::new(ErrorKind::Conflict, message).with_remedy(
                "see whether the system waits for somebody's consent; then retry this record".to_owned(),
            )
        })
    }

    /// What became of an update, from what the target holds now.
    pub(super) fn fate_of_update(&self, link: &CompiledLink, side: Side, held: &Versioned) -> Fate {
        if self.is_held_by(link, side, held) {
            return Fate::Done(held.id.clone(), Proof::None);
        }
        let before = || self.entry.action().into_iter().flat_map(|action| action.changes.iter());
        let is_before = |change: Change<'_>| held.record.field(change.field.as_str()) == change.before;
        let untouched = match (&self.op.expects, &held.version) {
            (Expects::Version(expected), Some(version)) => expected == version,
            _ => before().all(is_before),
        };
        let moved = !before().any(is_before);
        match untouched {
            true => Fate::SendAgain,
            false if moved && self.is_held_in_a_form(link, side, held) => {
                Fate::Done(held.id.clone(), Proof::None)
            }
            false if moved => Fate::Overtaken("somebody changed what it wrote, or would have written"),
            false => Fate::Superseded("somebody changed the record in the meantime".to_owned()),
        }
    }
}

/// Whether a record holds a value that was sent, or what the target may have made of it.
fn holds_a_form_of(
    (slot, value): (usize, ValueRef<'_>),
    link: &CompiledLink,
    side: Side,
    held: &Versioned,
) -> bool {
    match held.record.get(slot) {
        Presence::Value(now) => {
            link.forms(side).slot(slot).same(now, value) || lossy_form(value, now).is_some()
        }
        Presence::Absent | Presence::Unreadable => false,
    }
}

/// The values that a record holds, with their slots.
pub(super) fn values_by_slot(record: &Record) -> impl Iterator<Item = (usize, ValueRef<'_>)> {
    (0..record.shape().len()).filter_map(|slot| Some((slot, record.get(slot).value()?)))
}

/// Whether a write was refused for now only.
pub(super) fn is_put_off(error: &Error) -> bool {
    matches!(error.retry(), Retry::Later | Retry::After(_))
}
