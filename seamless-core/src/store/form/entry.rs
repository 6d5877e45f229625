//! The stored forms of plan entries and of where they stand: tables of tags. A tag is stored: it never gets another
//! meaning, and a new variant gets a new one.

use std::sync::Arc;

use super::alike::{Places, put_both, take_both};
use super::bytes::{Form, Reader, Writer, unknown_tag};
use super::changes;
use super::corrupt;
use crate::connector::{AbsenceProof, GoneProof, Tombstone};
use crate::mapper::{Ask, MapProblem};
use crate::merge::LossyForm;
use crate::model::{
    CanonicalForm, Error, ErrorKind, FieldName, Layout, LineForm, Normaliser, OwnPart, Packing, Result,
    RowForm, Side, Sides,
};
use crate::plan::{
    Action, Basis, Body, ConflictView, ConflictWhy, Effect, Entry, EntryKey, Feed, ParkReason, Parked,
    PlannedExpects, PlannedGround, PlannedTarget, PlannedVerb, Provenance, Reason, Return, Suspicion, Trail,
    Wait,
};
use crate::store::port::{EntryParts, EntryState};

// What an entry is. They are stored.
const ACT: u8 = 0;
const EFFECT: u8 = 1;

/// A struct: its fields, one after the other.
macro_rules! fields {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl Form for $name {
            fn put(&self, writer: &mut Writer<'_>) -> Result<()> {
                let $name { $($field),* } = self;
                $($field.put(writer)?;)*
                Ok(())
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                $(let $field = Form::take(reader)?;)*
                Ok($name { $($field),* })
            }
        }
    };
}

/// An enum: a tag, then the fields of the variant.
macro_rules! variants {
    ($name:ident {
        $($tag:literal $variant:ident $( ( $($part:ident),* ) )? $( { $($field:ident),* } )?),* $(,)?
    }) => {
        impl Form for $name {
            fn put(&self, writer: &mut Writer<'_>) -> Result<()> {
                match self {
                    $($name::$variant $( ( $($part),* ) )? $( { $($field),* } )? => {
                        writer.byte($tag);
                        $($($part.put(writer)?;)*)?
                        $($($field.put(writer)?;)*)?
                    })*
                }
                Ok(())
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self> {
                Ok(match reader.byte()? {
                    $($tag => {
                        $($(let $part = Form::take(reader)?;)*)?
                        $($(let $field = Form::take(reader)?;)*)?
                        $name::$variant $( ( $($part),* ) )? $( { $($field),* } )?
                    })*
                    tag => return Err(unknown_tag(stringify!($name), tag)),
                })
            }
        }
    };
}

impl Form for EntryKey {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.bytes(&self.to_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Self::from_bytes(from.bytes()?).ok_or_else(|| corrupt("a stored entry key is not readable"))
    }
}

/// What was observed comes last, so that it can be left unread, and says what differs from what is sent.
impl Form for Entry {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        let Entry { key, link, ids, basis, observed, settles, body } = self;
        key.put(to)?;
        link.put(to)?;
        ids.put(to)?;
        basis.put(to)?;
        settles.put(to)?;
        let places = match body {
            Body::Act(action) => put_action(action, to)?,
            Body::Effect(effect) => {
                to.byte(EFFECT);
                effect.put(to)?;
                Places::default()
            }
        };
        put_both(Sides { left: observed.left.as_ref(), right: observed.right.as_ref() }, places, to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        take(from, EntryParts::Whole)
    }
}

/// Reads an entry, or what is shown of it; then bytes are left.
pub(super) fn take(from: &mut Reader<'_>, parts: EntryParts) -> Result<Entry> {
    let (key, link, ids) = (Form::take(from)?, Form::take(from)?, Form::take(from)?);
    let (basis, settles) = (Form::take(from)?, Form::take(from)?);
    let body = match from.byte()? {
        ACT => Body::Act(take_action(from)?),
        EFFECT => Body::Effect(Form::take(from)?),
        tag => return Err(unknown_tag("body", tag)),
    };
    let sent = match &body {
        Body::Act(action) => action.changes.after(),
        Body::Effect(_) => None,
    };
    let observed = match parts {
        EntryParts::Shown => Sides::default(),
        EntryParts::Whole => take_both(sent, from)?,
    };
    Ok(Entry { key, link, ids, basis, observed, settles, body })
}

/// What is sent comes last: what was observed follows it.
fn put_action(action: &Action, to: &mut Writer<'_>) -> Result<Places> {
    let Action { id, side, target, verb, changes, expects, reason, waits_for } = action;
    to.byte(ACT);
    id.put(to)?;
    side.put(to)?;
    target.put(to)?;
    verb.put(to)?;
    expects.put(to)?;
    reason.put(to)?;
    waits_for.put(to)?;
    changes::put(changes, to)
}

fn take_action(from: &mut Reader<'_>) -> Result<Action> {
    let (id, side, target, verb) =
        (Form::take(from)?, Form::take(from)?, Form::take(from)?, Form::take(from)?);
    let (expects, reason, waits_for) = (Form::take(from)?, Form::take(from)?, Form::take(from)?);
    let changes = Form::take(from)?;
    Ok(Action { id, side, target, verb, changes, expects, reason, waits_for })
}

fields!(Basis { pair_revision, versions });
fields!(Wait { action, ask });
fields!(Feed { cursor, enumerated_at, enumerated });
fields!(ConflictView { rules, why, fields });
fields!(Parked { side, id, rules, why, message, remedy });
fields!(Suspicion { field, form, sent });
fields!(Trail { acknowledged, written, returns, replaced });
fields!(Return { rule, values });
fields!(Tombstone { id, version, merged_into });
fields!(GoneProof { id, seen });

variants!(PlannedTarget { 0 Existing(id), 1 New, 2 CreatedBy(wait) });
variants!(PlannedVerb { 0 Create, 1 Update, 2 Delete(ground), 3 Action { name, back } });
variants!(PlannedGround { 0 Absent(proof), 1 LeftScope });
variants!(AbsenceProof { 0 Tombstone(tombstone), 1 Gone(proof) });
variants!(PlannedExpects {
    0 Anything, 1 Missing, 2 Version(version), 3 Before, 4 Released { fields }, 5 AsLeft,
});
variants!(Ask { 0 Partner { link, side, id } });
variants!(Provenance {
    0 Changed, 1 Created, 2 FilledBlank, 3 FirstLinkAuthority, 4 PolicyOverwrote, 5 Restored,
    6 Resolved { by }, 7 Merged, 8 Lifecycle, 9 Released, 10 OnTheWay, 11 Opened, 12 AsBefore,
});
variants!(Reason {
    0 Changed, 1 NoPartner, 2 FirstLink, 3 LateReference, 4 PartnerGone, 5 PartnerLeftScope, 6 Restore,
    7 Resolution, 8 ReleaseKey, 9 State, 10 Opened, 11 ClosedAgain,
});
variants!(Effect {
    0 Link { line }, 1 Agree, 2 OpenConflict(view), 3 CloseConflict { rules }, 4 Park(parked),
    5 EndPair { gone }, 6 Freeze { side }, 7 Thaw, 8 Diverged { rules }, 9 Cursor { side, feed },
    10 Relink { into },
});
variants!(ConflictWhy { 0 BothChanged, 1 FirstLink, 2 Drift });
variants!(ParkReason {
    0 Map(problem), 1 Ambiguous, 2 Broken, 3 PartnerGone, 4 EditedAndDeleted, 5 Hidden, 6 Refused,
    7 AmbiguousCreate, 8 LeftScope, 9 Merged { into }, 10 Suspected(suspicion), 11 Returned, 12 FieldGone,
    13 Circle, 14 Lagging,
});
variants!(LossyForm { 0 Folded(form), 1 Rounded { least, most }, 2 Dropped { least, most } });
variants!(Normaliser {
    0 Trim, 1 Case, 2 Space, 3 Unicode, 4 Digits, 5 Email, 6 Truncated(length), 7 Scale(scale), 8 Instant(digits),
    9 Set, 10 EmptyIsNull, 11 ZeroIsNull, 12 OptionValue, 13 Lines(form), 14 Packed(packing), 15 Row(form),
});

impl Form for Arc<LineForm> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.key().to_vec().put(to)?;
        self.fields().to_vec().put(to)?;
        let own = self.own().iter().map(|part| (part.fields.clone(), part.take));
        own.collect::<Vec<_>>().put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let (key, fields) = from.nested(|from| <(Vec<FieldName>, Vec<_>)>::take(from))?;
        let own = <Vec<(Vec<FieldName>, Option<Side>)>>::take(from)?;
        let own = own.into_iter().map(|(fields, take)| OwnPart { fields, take }).collect();
        LineForm::new(key, fields).map(|form| Arc::new(form.with_own(own)))
    }
}

impl Form for Arc<RowForm> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        // A condition has one form, that of plan files and snapshots.
        let text = serde_json::to_string(&**self).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the form of a row has no stored form").caused_by(cause)
        })?;
        text.put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let text = from.nested(|from| String::take(from))?;
        let form: RowForm =
            serde_json::from_str(&text).map_err(|_| corrupt("a stored form of a row is none".to_owned()))?;
        Ok(Arc::new(form))
    }
}

variants!(Layout { 0 Lines, 1 Json });

impl Form for Arc<Packing> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.layout().put(to)?;
        self.names().to_vec().put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let (layout, names) = <(Layout, Vec<String>)>::take(from)?;
        Packing::new(layout, names).map(Arc::new)
    }
}

impl Form for CanonicalForm {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.steps().to_vec().put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Vec::<Normaliser>::take(from).map(Self::new)
    }
}

variants!(MapProblem { 0 Unmappable, 1 DoesNotFit, 2 NotKnown, 3 Waiting(ask), 4 NotFound, 5 NotNow, 6 NoAction });
variants!(EntryState {
    0 Planned, 1 Intended { attempts }, 2 Applied { id, at }, 3 Dropped { why, at },
});
