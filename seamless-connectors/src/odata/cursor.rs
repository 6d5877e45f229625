//! What this connector's cursors mean: the last key, or the link where the service goes on with how many of its records were
//! shown; of changes the last stamp or the link. The stamp of a cursor is how the set is read, so that another
//! configuration makes old cursors worthless.

use seamless_core::connector::Cursor;
use seamless_core::model::{Error, ErrorKind, KeyPart, RecordId, Result};

use super::set::{Feeding, Set};
use crate::place::{Feed, Place};

fn feed(set: &Set) -> Feed<'_> {
    let stamp = match (set.by_key, &set.feeding) {
        (true, Feeding::None) => "key-none",
        (true, Feeding::Modified { .. }) => "key-modified",
        (true, Feeding::Delta) => "key-delta",
        (false, Feeding::None) => "server-none",
        (false, Feeding::Modified { .. }) => "server-modified",
        (false, Feeding::Delta) => "server-delta",
    };
    Feed { form: "odata 1", stamp, entity: &set.name }
}

/// A place as a cursor of the set.
pub(super) fn cursor(set: &Set, place: &Place) -> Cursor {
    place.cursor(&feed(set))
}

/// Reads a cursor back.
///
/// Errors: [`ErrorKind::CursorExpired`] when it is not one of the set as it is configured.
pub(super) fn place(set: &Set, cursor: &Cursor) -> Result<Place> {
    Place::read(cursor, &feed(set))
}

/// A link and how many of its records were shown, as a part of a place.
pub(super) fn of_link(link: &str, shown: usize) -> RecordId {
    RecordId::of_parts(&[KeyPart::Text(link.into()), KeyPart::Int(i64::try_from(shown).unwrap_or(0))])
}

/// The link in a part of a place.
///
/// Errors: it is none of ours.
pub(super) fn link(part: &RecordId) -> Result<(String, usize)> {
    match part.parts().as_slice() {
        [KeyPart::Text(link), KeyPart::Int(shown)] if *shown >= 0 => {
            Ok((link.to_string(), usize::try_from(*shown).unwrap_or(0)))
        }
        _ => Err(Error::new(ErrorKind::CursorExpired, "the cursor holds no link")),
    }
}
