//! The stored forms of plan entries and of where they stand: tables of tags. A tag is stored: it never gets another
//! meaning, and a new variant gets a new one.

use std::sync::Arc;

use super::bytes::{Form, ROOM_MAX, Reader, Writer, unknown_tag};
use super::corrupt;
use super::value::{put_presence, put_value, take_held};
use crate::connector::{AbsenceProof, GoneProof, Tombstone};
use crate::mapper::{Ask, MapProblem};
use crate::merge::LossyForm;
use crate::model::{
    CanonicalForm, FieldName, Layout, LineForm, Normaliser, Packing, Planned, Presence, Result, RuledFields,
    Sides,
};
use crate::plan::{
    Action, Basis, Body, Change, Changes, ChangesBuilder, ConflictView, ConflictWhy, Effect, Entry, EntryKey,
    Feed, FieldChange, ParkReason, Parked, PlannedExpects, PlannedGround, PlannedRef, PlannedTarget,
    PlannedVerb, Provenance, Reason, Return, Suspicion, Trail, Wait,
};
use crate::store::port::{EntryParts, EntryState};

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

/// What was observed comes last, so that it can be left unread.
impl Form for Entry {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        let Entry { key, link, ids, basis, observed, settles, body } = self;
        key.put(to)?;
        link.put(to)?;
        ids.put(to)?;
        basis.put(to)?;
        settles.put(to)?;
        body.put(to)?;
        observed.put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        take(from, EntryParts::Whole)
    }
}

/// Reads an entry, or what is shown of it; then bytes are left.
pub(super) fn take(from: &mut Reader<'_>, parts: EntryParts) -> Result<Entry> {
    let (key, link, ids) = (Form::take(from)?, Form::take(from)?, Form::take(from)?);
    let (basis, settles, body) = (Form::take(from)?, Form::take(from)?, Form::take(from)?);
    let observed = match parts {
        EntryParts::Shown => Sides::default(),
        EntryParts::Whole => Form::take(from)?,
    };
    Ok(Entry { key, link, ids, basis, observed, settles, body })
}

fields!(Basis { pair_revision, versions });
fields!(Action { id, side, target, verb, changes, expects, reason, waits_for });
fields!(Wait { action, ask });
fields!(Feed { cursor, enumerated_at, enumerated });
fields!(ConflictView { rules, why, fields });
fields!(Parked { side, id, rules, why, message, remedy });
fields!(Suspicion { field, form, sent });
fields!(Trail { acknowledged, written, returns, replaced });
fields!(Return { rule, values });
fields!(Tombstone { id, version, merged_into });
fields!(GoneProof { id, seen });

/// A list of changes, each with its rule, its field, what it holds before, what is sent, and where that comes from.
impl Form for Changes {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.number(self.len() as u64);
        for Change { rule, field, before, after, from } in self.iter() {
            to.byte(u8::from(rule.is_some()));
            rule.map_or(Ok(()), |rule| rule.put(to))?;
            field.put(to)?;
            put_presence(before, to)?;
            match after {
                PlannedRef::Known(value) => {
                    to.byte(0);
                    put_value(value, to)?;
                }
                PlannedRef::ResultOf(action) => {
                    to.byte(1);
                    action.put(to)?;
                }
                PlannedRef::TargetDecides => to.byte(2),
            }
            from.put(to)?;
        }
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let count = from.count()?;
        if count == 0 {
            return Ok(Self::none());
        }
        // The actions of a page change the same fields for the most part: their names are compared and not made again.
        if let Some(fields) = from.fields().filter(|fields| fields.len() == count) {
            let start = from.place();
            if let Some(changes) = take_of_fields(from, fields)? {
                return Ok(changes);
            }
            from.go_back(start);
        }
        let mut all = Vec::with_capacity(count.min(ROOM_MAX));
        for _ in 0..count {
            let (rule, field, before) = (Form::take(from)?, Form::take(from)?, Form::take(from)?);
            let (after, from) = (Form::take(from)?, Form::take(from)?);
            all.push(FieldChange { rule, field, before, after, from });
        }
        let changes = Self::of(all);
        let Some(fields) = changes.fields().filter(|fields| fields.len() == count) else {
            return Err(corrupt("a stored action changes a field twice"));
        };
        from.keep_fields(fields);
        Ok(changes)
    }
}

/// Changes of these fields; `None` where the bytes speak of others.
fn take_of_fields(from: &mut Reader<'_>, fields: Arc<RuledFields>) -> Result<Option<Changes>> {
    let mut making = ChangesBuilder::new(Arc::clone(&fields));
    for (rule, field) in fields.iter() {
        let same_rule = match (from.byte()?, rule) {
            (0, None) => true,
            (1, Some(rule)) => from.bytes()? == rule.as_str().as_bytes(),
            _ => false,
        };
        if !same_rule || from.bytes()? != field.as_str().as_bytes() {
            return Ok(None);
        }
        making.push_before(take_held(from)?.as_presence());
        match from.byte()? {
            0 => match take_held(from)?.as_presence() {
                Presence::Value(value) => making.push_after(PlannedRef::Known(value)),
                Presence::Absent | Presence::Unreadable => {
                    return Err(corrupt("a stored value says nothing"));
                }
            },
            1 => making.push_after(PlannedRef::ResultOf(Form::take(from)?)),
            2 => making.push_after(PlannedRef::TargetDecides),
            tag => return Err(unknown_tag("Planned", tag)),
        }
        making.push_from(Form::take(from)?);
    }
    Ok(Some(making.finish()))
}

variants!(Body { 0 Act(action), 1 Effect(effect) });
variants!(PlannedTarget { 0 Existing(id), 1 New, 2 CreatedBy(wait) });
variants!(PlannedVerb { 0 Create, 1 Update, 2 Delete(ground) });
variants!(PlannedGround { 0 Absent(proof), 1 LeftScope });
variants!(AbsenceProof { 0 Tombstone(tombstone), 1 Gone(proof) });
variants!(PlannedExpects { 0 Anything, 1 Missing, 2 Version(version), 3 Before, 4 Released { fields } });
variants!(Planned { 0 Known(value), 1 ResultOf(action), 2 TargetDecides });
variants!(Ask { 0 Partner { link, side, id } });
variants!(Provenance {
    0 Changed, 1 Created, 2 FilledBlank, 3 FirstLinkAuthority, 4 PolicyOverwrote, 5 Restored,
    6 Resolved { by }, 7 Merged, 8 Lifecycle, 9 Released,
});
variants!(Reason {
    0 Changed, 1 NoPartner, 2 FirstLink, 3 LateReference, 4 PartnerGone, 5 PartnerLeftScope, 6 Restore,
    7 Resolution, 8 ReleaseKey,
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
    9 Set, 10 EmptyIsNull, 11 ZeroIsNull, 12 OptionValue, 13 Lines(form), 14 Packed(packing),
});

impl Form for Arc<LineForm> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        self.key().to_vec().put(to)?;
        self.fields().to_vec().put(to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let (key, fields) = from.nested(|from| <(Vec<FieldName>, Vec<_>)>::take(from))?;
        LineForm::new(key, fields).map(Arc::new)
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

variants!(MapProblem { 0 Unmappable, 1 DoesNotFit, 2 NotKnown, 3 Waiting(ask) });
variants!(EntryState {
    0 Planned, 1 Intended { attempts }, 2 Applied { id, at }, 3 Dropped { why, at },
});
