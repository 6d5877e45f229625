//! What the bytes of a cursor mean: where a list goes on, and up to which moment changes were seen. Versioned; a cursor of
//! another entity, root or form is refused. The doors are [`Place::cursor`] and [`Place::read`].

use seamless_core::connector::Cursor;
use seamless_core::model::{EntityName, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The form of these bytes.
const FORM: &str = "rest 1";

/// Where a feed goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Whether all records are read, or what changed.
    pub(super) all: bool,
    /// Of a reading of all: the moment of the system's own clock when it began. Of changes: from where they are read.
    pub(super) since: Option<String>,
    /// Of changes: the last stamp that was seen in this reading.
    pub(super) seen: Option<String>,
    /// The next page.
    pub(super) next: Next,
}

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Next {
    /// It is the first one.
    First,
    /// By a number: of the page, or of the records before it.
    Number(u64),
    /// By a word, or an id.
    Word(String),
    /// At an address.
    Address(String),
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    form: &'a str,
    root: &'a str,
    entity: &'a str,
    #[serde(flatten)]
    place: Place,
}

impl Place {
    /// Where all records are read from.
    pub(super) fn all() -> Self {
        Self { all: true, since: None, seen: None, next: Next::First }
    }

    /// Where changes are read from.
    pub(super) fn changes(since: String) -> Self {
        Self { all: false, since: Some(since), seen: None, next: Next::First }
    }

    /// The place as a cursor.
    pub(super) fn cursor(&self, root: &str, entity: &EntityName) -> Cursor {
        let kept = Kept { form: FORM, root, entity: entity.as_str(), place: self.clone() };
        // Texts, numbers and their names can always be written.
        Cursor::new(serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// Reads a cursor back.
    ///
    /// Errors: [`ErrorKind::CursorExpired`] when it is not of this feed.
    pub(super) fn read(cursor: &Cursor, root: &str, entity: &EntityName) -> Result<Self> {
        let kept: Option<Kept<'_>> = serde_json::from_slice(cursor.as_bytes()).ok();
        let own =
            kept.filter(|kept| kept.form == FORM && kept.root == root && kept.entity == entity.as_str());
        own.map(|kept| kept.place).ok_or_else(|| {
            Error::new(ErrorKind::CursorExpired, "the cursor was not made by this feed, or is too old")
                .at("entity", entity)
                .with_remedy("read everything once; the cursor that comes with it is good")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use seamless_core::connector::Cursor;
    use seamless_core::model::EntityName;

    use super::{Next, Place};

    fn next() -> impl Strategy<Value = Next> {
        prop_oneof![
            Just(Next::First),
            any::<u64>().prop_map(Next::Number),
            "[a-z\"\\\\/ü]{0,9}".prop_map(Next::Word),
            ".{0,9}".prop_map(Next::Address),
        ]
    }

    proptest! {
        #[test]
        fn a_place_reads_back_and_another_feed_refuses_it(
            all in any::<bool>(), since in proptest::option::of(".{0,9}"), next in next(),
            entity in "[a-z]{1,9}", root in "[a-z]{1,9}",
        ) {
            let place = Place { all, seen: since.clone(), since, next };
            let name = EntityName::from(entity.as_str());
            let cursor = place.cursor(&root, &name);
            prop_assert_eq!(Place::read(&cursor, &root, &name).unwrap(), place);
            let (other_root, other) = (root.clone() + "x", EntityName::from(entity + "x"));
            prop_assert!(Place::read(&cursor, &other_root, &name).is_err());
            prop_assert!(Place::read(&cursor, &root, &other).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = Place::read(&Cursor::new(bytes), "r", &"e".into());
        }
    }
}
