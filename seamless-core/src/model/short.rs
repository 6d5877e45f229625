//! Bytes that are mostly short: kept in place up to [`IN_PLACE_MAX`], shared beyond. Keys and versions of records come by
//! the million and cross threads: without an allocation they cost a copy. The door is [`Short`].

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes that are kept in place: a whole number or a text of nineteen bytes as a record id, every row version.
const IN_PLACE_MAX: usize = 22;

/// Immutable bytes; compared, ordered and hashed by content.
#[derive(Clone)]
pub(super) struct Short(Kept);

#[derive(Clone)]
enum Kept {
    InPlace(u8, [u8; IN_PLACE_MAX]),
    Shared(Arc<[u8]>),
}

impl Short {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let mut place = [0; IN_PLACE_MAX];
        match (place.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(bytes);
                Self(Kept::InPlace(length, place))
            }
            _ => Self(Kept::Shared(bytes.into())),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::InPlace(length, place) => place.get(..usize::from(*length)).unwrap_or_default(),
            Kept::Shared(bytes) => bytes,
        }
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Short {}

impl PartialOrd for Short {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Short {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Short;

    proptest! {
        // Catches: bytes beyond the length taking part, and a length at the limit that is kept wrongly.
        #[test]
        fn short_bytes_are_the_bytes(a in proptest::collection::vec(any::<u8>(), 0..30), b in proptest::collection::vec(0u8..3, 0..30)) {
            let (one, other) = (Short::new(&a), Short::new(&b));
            prop_assert_eq!(one.as_bytes(), a.as_slice());
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
            prop_assert_eq!(one == other, a == b);
        }
    }

    #[test]
    fn it_takes_no_more_room_than_three_words() {
        assert_eq!(size_of::<Short>(), 24);
    }
}
