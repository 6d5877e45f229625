//! A place in a feed, as the bytes of a cursor. Knows no system; the connectors' `cursor` files say what the parts
//! mean to them. The doors are [`Place::cursor`] and [`Place::read`].
//!
//! Form: `<connector> <format> <stamp> <kind> <mark> <key> <entity>`, text; mark and key are the hexadecimal digits of
//! an encoded key, or `-`.
//! A cursor of another connector, format, stamp or entity is refused, never guessed at.

use std::fmt::Write as _;

use seamless_core::connector::Cursor;
use seamless_core::model::{EntityName, Error, ErrorKind, RecordId, Result};

/// What a cursor belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Feed<'a> {
    /// Connector and format: `sqlite 1`.
    pub(crate) form: &'static str,
    /// What makes older cursors worthless when it changes. No blanks.
    pub(crate) stamp: &'a str,
    /// The entity.
    pub(crate) entity: &'a EntityName,
}

/// Where a feed goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a full enumeration, after this record; `mark` is the mark of changes taken before it began.
    All { mark: Option<RecordId>, key: Option<RecordId> },
    /// In the changes, after this mark; within it, after this record.
    Changes { mark: RecordId, key: Option<RecordId> },
}

impl Place {
    /// The place as a cursor.
    pub(crate) fn cursor(&self, feed: &Feed<'_>) -> Cursor {
        let (kind, mark, key) = match self {
            Place::All { mark, key } => ("all", mark.as_ref(), key),
            Place::Changes { mark, key } => ("changes", Some(mark), key),
        };
        let mut text = format!("{} {} {kind} ", feed.form, feed.stamp);
        push_hex(&mut text, mark);
        text.push(' ');
        push_hex(&mut text, key.as_ref());
        text.push(' ');
        text.push_str(feed.entity.as_str());
        Cursor::new(text.into_bytes())
    }

    /// Reads a cursor back.
    ///
    /// Errors: [`ErrorKind::CursorExpired`] when it is not this feed's.
    pub(crate) fn read(cursor: &Cursor, feed: &Feed<'_>) -> Result<Place> {
        Self::parse(cursor, feed).ok_or_else(|| {
            Error::new(ErrorKind::CursorExpired, "the cursor was not made by this feed, or is too old")
                .at("entity", feed.entity)
                .with_remedy("read everything once; the cursor that comes with it is good")
        })
    }

    fn parse(cursor: &Cursor, feed: &Feed<'_>) -> Option<Place> {
        let text = std::str::from_utf8(cursor.as_bytes()).ok()?;
        let rest = text.strip_prefix(feed.form)?.strip_prefix(' ')?;
        let rest = rest.strip_prefix(feed.stamp)?.strip_prefix(' ')?;
        let mut parts = rest.splitn(4, ' ');
        let kind = parts.next()?;
        let mark = read_hex(parts.next()?)?;
        let key = read_hex(parts.next()?)?;
        if parts.next()? != feed.entity.as_str() {
            return None;
        }
        match kind {
            "all" => Some(Place::All { mark, key }),
            "changes" => Some(Place::Changes { mark: mark?, key }),
            _ => None,
        }
    }
}

fn push_hex(text: &mut String, key: Option<&RecordId>) {
    match key {
        None => text.push('-'),
        Some(key) => key.as_bytes().iter().for_each(|byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }),
    }
}

/// The outer `None`: not readable; the inner: nothing there.
fn read_hex(text: &str) -> Option<Option<RecordId>> {
    match text {
        "-" => Some(None),
        hex => RecordId::from_bytes(&unhex(hex)?).map(Some),
    }
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    // The standard library would take a sign for a digit.
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use seamless_core::connector::Cursor;
    use seamless_core::model::{EntityName, RecordId};

    use super::{Feed, Place};

    proptest! {
        #[test]
        fn a_place_reads_back_and_another_feed_refuses_it(
            number in any::<i64>(), key in proptest::option::of(".{0,9}"), entity in ".{0,9}", other in ".{0,9}",
        ) {
            let entity = EntityName::from(entity);
            let feed = Feed { form: "test 1", stamp: "s", entity: &entity };
            let place = Place::Changes { mark: RecordId::int(number), key: key.as_deref().map(RecordId::text) };
            let cursor = place.cursor(&feed);
            prop_assert_eq!(Place::read(&cursor, &feed).unwrap(), place);
            let other = EntityName::from(format!("{entity}{other}x"));
            for foreign in [
                Feed { entity: &other, ..feed.clone() },
                Feed { stamp: "t", ..feed.clone() },
                Feed { form: "test 2", ..feed },
            ] {
                prop_assert!(Place::read(&cursor, &foreign).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let entity = EntityName::from("e");
            let _ = Place::read(&Cursor::new(bytes), &Feed { form: "test 1", stamp: "s", entity: &entity });
        }
    }
}
