//! An action that is ready to be sent, and what became of it, judged from an answer or from the record itself. Pure: it
//! asks nobody. The doors are [`Ready::refused`] for an answer and [`Ready::fate_of_update`] where there is none.

use crate::connector::{Expects, Proof, Refusal, RefusalKind, Target, Versioned, WriteOp, WriteOutcome};
use crate::merge::{CompiledLink, lossy_form};
use crate::model::{Error, FieldName, Presence, RecordId, Retry, Side, Value};
use crate::plan::{Entry, FieldChange};

/// An action ready to be sent.
pub(super) struct Ready {
    pub(super) entry: Entry,
    pub(super) op: WriteOp,
    pub(super) sent: Vec<(usize, Value)>,
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
        let holds = |(slot, value): &(usize, Value)| match held.record.get(*slot) {
            Presence::Value(now) => forms.slot(*slot).same(now, value.as_ref()),
            Presence::Absent | Presence::Unreadable => false,
        };
        !self.sent.is_empty() && self.sent.iter().all(holds)
    }

    /// Whether a record holds what was sent, or what the target may have made of it. It is then taken for acknowledged, and
    /// what differs waits as a suspected form.
    fn is_held_in_a_form(&self, link: &CompiledLink, side: Side, held: &Versioned) -> bool {
        !self.sent.is_empty() && self.sent.iter().all(|one| holds_a_form_of(one, link, side, held))
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
            self.sent.iter().filter(|(slot, value)| !is_key(*slot) && !value.is_blank()).peekable();
        others.peek().is_none() || others.any(|one| holds_a_form_of(one, link, side, found))
    }

    /// What became of an update, from what the target holds now.
    pub(super) fn fate_of_update(&self, link: &CompiledLink, side: Side, held: &Versioned) -> Fate {
        if self.is_held_by(link, side, held) {
            return Fate::Done(held.id.clone(), Proof::None);
        }
        let before = self.entry.action().map(|action| action.changes.as_slice()).unwrap_or_default();
        let is_before =
            |change: &FieldChange| held.record.field(change.field.as_str()) == change.before.as_presence();
        let untouched = match (&self.op.expects, &held.version) {
            (Expects::Version(expected), Some(version)) => expected == version,
            _ => before.iter().all(is_before),
        };
        let moved = !before.iter().any(is_before);
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
    (slot, value): &(usize, Value),
    link: &CompiledLink,
    side: Side,
    held: &Versioned,
) -> bool {
    match held.record.get(*slot) {
        Presence::Value(now) => {
            link.forms(side).slot(*slot).same(now, value.as_ref())
                || lossy_form(value.as_ref(), now).is_some()
        }
        Presence::Absent | Presence::Unreadable => false,
    }
}
