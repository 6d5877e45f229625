//! What changes of a list of child records, as lines that a person can read. Knows no keys of lines: a line that is
//! written is set beside the one that it has most in common with. The door is [`changes`].

use crate::model::{FieldName, Presence, Record, Slot};

/// What happens to a line of a list.
#[derive(Debug, PartialEq)]
pub(super) enum LineChange<'a> {
    /// It is new.
    Added(&'a Record),
    /// It goes.
    Removed(&'a Record),
    /// Some of its fields change.
    Changed {
        /// A field that stays, and tells which line it is.
        named: (&'a FieldName, Slot),
        /// The fields that change, before and after.
        fields: Vec<(&'a FieldName, Slot, Slot)>,
    },
}

/// Lines that are compared with each other: finding what belongs together is quadratic.
const LINES_MAX: usize = 200;

/// What changes from one list to the other: what goes first, then what is written, in its order. `None` where too many
/// lines change.
pub(super) fn changes<'a>(before: &'a [Record], after: &'a [Record]) -> Option<Vec<LineChange<'a>>> {
    if before.len().max(after.len()) > LINES_MAX {
        return None;
    }
    let mut come: Vec<&Record> = after.iter().collect();
    let mut gone: Vec<&Record> = Vec::new();
    for line in before {
        match come.iter().position(|other| *other == line) {
            Some(place) => drop(come.remove(place)),
            None => gone.push(line),
        }
    }
    let mut written = Vec::with_capacity(come.len());
    for line in come {
        // Of several that are equally near the first.
        let near = gone.iter().enumerate().map(|(place, other)| (in_common(other, line), place));
        let nearest = near.max_by_key(|(common, place)| (*common, usize::MAX - place));
        let found = nearest.filter(|(common, _)| *common > 0).map(|(_, place)| gone.remove(place));
        written.push(found.and_then(|before| changed(before, line)).unwrap_or(LineChange::Added(line)));
    }
    Some(gone.into_iter().map(LineChange::Removed).chain(written).collect())
}

/// Fields that hold the same in both, not blank.
fn alike<'a>(a: &'a Record, b: &'a Record) -> impl Iterator<Item = (&'a FieldName, Presence<'a>)> {
    a.fields().filter(|(name, presence)| {
        presence.value().is_some_and(|value| !value.is_blank()) && b.field(name.as_str()) == *presence
    })
}

fn in_common(a: &Record, b: &Record) -> usize {
    alike(a, b).count()
}

fn changed<'a>(before: &'a Record, after: &'a Record) -> Option<LineChange<'a>> {
    let (name, presence) = alike(after, before).next()?;
    let fields = after.fields().filter(|(name, after)| before.field(name.as_str()) != *after);
    let fields = fields.map(|(name, after)| (name, before.field(name.as_str()).to_slot(), after.to_slot()));
    Some(LineChange::Changed { named: (name, presence.to_slot()), fields: fields.collect() })
}
