//! Names and identities: of entities, fields, links, rules, records, versions and actions.
//!
//! Names are shared text (`Arc<str>`), cheap to clone and compared by content. A [`RecordId`] is the native key
//! of a record in its system, encoded so that byte order is key order. Nothing here knows what a name means.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::short::Short;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the name as it is written; nothing is trimmed or folded.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

name!(
    /// The name of an entity (table, resource, file) in its system.
    EntityName
);
name!(
    /// The name of a field in its entity. Real names are hostile (`No.`, `Credit Limit (LCY)`): never split one.
    FieldName
);
name!(
    /// The stable id of a link: the two entities that a mapping joins.
    LinkId
);
name!(
    /// The stable id of a rule inside its link. Bases, conflicts and overlays hang on it.
    RuleId
);
name!(
    /// The name of a system's own verb (release, reopen, post).
    ActionName
);
name!(
    /// The name of a guard, by which a person overrides it for one plan.
    GuardId
);
name!(
    /// The name of a partition of a link: what one run works on under one lease.
    PartitionId
);
name!(
    /// The id of a plan, derived from what it was made of.
    PlanId
);

/// One of the two sides. They are equal; nothing in the core knows a "source".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The side that a mapping names first.
    Left,
    /// The side that a mapping names second.
    Right,
}

impl Side {
    /// Both sides, left first.
    pub const BOTH: [Side; 2] = [Side::Left, Side::Right];

    /// The other side.
    pub fn other(self) -> Side {
        match self {
            Side::Left => Side::Right,
            Side::Right => Side::Left,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Left => "left",
            Side::Right => "right",
        })
    }
}

/// One thing per side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sides<T> {
    /// The left side's.
    pub left: T,
    /// The right side's.
    pub right: T,
}

impl<T> Sides<T> {
    /// Pairs up two things, left first.
    pub fn new(left: T, right: T) -> Self {
        Self { left, right }
    }

    /// The given side's.
    pub fn of(&self, side: Side) -> &T {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }

    /// The given side's, to change.
    pub fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        }
    }

    /// Both, borrowed.
    pub fn as_ref(&self) -> Sides<&T> {
        Sides { left: &self.left, right: &self.right }
    }

    /// The same pair seen from the other side.
    pub fn mirrored(self) -> Self {
        Self { left: self.right, right: self.left }
    }

    /// Applies a function to both, left first.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Sides<U> {
        Sides { left: change(self.left), right: change(self.right) }
    }
}

/// The place of a rule in its link: dense, in process only, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u16);

/// One part of a native key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeyPart {
    /// A whole number.
    Int(i64),
    /// Text, compared by its bytes.
    Text(Arc<str>),
}

/// The native key of a record in its system, encoded so that byte order is key order.
///
/// Whole numbers are not text ("10" sorts before "9" as text), composite keys sort by part. Text parts sort by
/// their UTF-8 bytes; a system with another collation declares an enumeration order that says so.
/// Cheap to clone: short keys are kept in place, long ones are shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(Short);

const PART_INT: u8 = 1;
const PART_TEXT: u8 = 2;
const TEXT_END: u8 = 0;
const TEXT_END_CLOSE: u8 = 1;
const TEXT_END_ESCAPE: u8 = 255;

impl RecordId {
    /// The id of a record whose key is one whole number.
    pub fn int(key: i64) -> Self {
        let mut bytes = [PART_INT; 9];
        if let Some((_, number)) = bytes.split_first_mut() {
            number.copy_from_slice(&int_bytes(key));
        }
        Self(Short::new(&bytes))
    }

    /// The id of a record whose key is one text.
    pub fn text(key: &str) -> Self {
        let mut bytes = Vec::with_capacity(key.len() + 3);
        push_text(&mut bytes, key);
        Self(Short::new(&bytes))
    }

    /// The id of a record whose key has several parts, most significant first.
    pub fn of_parts(parts: &[KeyPart]) -> Self {
        let mut bytes = Vec::new();
        for part in parts {
            match part {
                KeyPart::Int(key) => push_int(&mut bytes, *key),
                KeyPart::Text(key) => push_text(&mut bytes, key),
            }
        }
        Self(Short::new(&bytes))
    }

    /// The encoded key, as stores keep it.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Reads an encoded key back; `None` when the bytes are not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = take_part(rest)?.1;
        }
        (!bytes.is_empty()).then(|| Self(Short::new(bytes)))
    }

    /// The parts of the key, most significant first. Allocates.
    pub fn parts(&self) -> Vec<KeyPart> {
        self.each_part().map(PartRef::into_part).collect()
    }

    fn each_part(&self) -> impl Iterator<Item = PartRef<'_>> {
        let mut rest = self.as_bytes();
        std::iter::from_fn(move || {
            let (part, after) = take_part(rest)?;
            rest = after;
            Some(part)
        })
    }

    /// The key, where it is one whole number.
    pub fn as_int(&self) -> Option<i64> {
        match <[KeyPart; 1]>::try_from(self.parts()) {
            Ok([KeyPart::Int(key)]) => Some(key),
            _ => None,
        }
    }

    /// The key, where it is one text.
    pub fn as_text(&self) -> Option<Arc<str>> {
        match <[KeyPart; 1]>::try_from(self.parts()) {
            Ok([KeyPart::Text(key)]) => Some(key),
            _ => None,
        }
    }
}

fn push_int(bytes: &mut Vec<u8>, key: i64) {
    bytes.push(PART_INT);
    bytes.extend_from_slice(&int_bytes(key));
}

/// Bytes whose order is the order of the numbers.
fn int_bytes(key: i64) -> [u8; 8] {
    ((key as u64) ^ (1 << 63)).to_be_bytes()
}

fn push_text(bytes: &mut Vec<u8>, key: &str) {
    bytes.push(PART_TEXT);
    for &byte in key.as_bytes() {
        bytes.push(byte);
        if byte == TEXT_END {
            bytes.push(TEXT_END_ESCAPE);
        }
    }
    bytes.extend_from_slice(&[TEXT_END, TEXT_END_CLOSE]);
}

/// A part of an encoded key, in place where it can be.
enum PartRef<'a> {
    Int(i64),
    Text(Cow<'a, str>),
}

impl PartRef<'_> {
    fn into_part(self) -> KeyPart {
        match self {
            PartRef::Int(key) => KeyPart::Int(key),
            PartRef::Text(key) => KeyPart::Text(key.into()),
        }
    }
}

impl Serialize for PartRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PartRef::Int(key) => serializer.serialize_i64(*key),
            PartRef::Text(key) => serializer.serialize_str(key),
        }
    }
}

/// The first part of encoded bytes and what follows it; `None` where nothing or no key stands there.
fn take_part(bytes: &[u8]) -> Option<(PartRef<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    match tag {
        PART_INT => {
            let (key, rest) = rest.split_first_chunk::<8>()?;
            Some((PartRef::Int((u64::from_be_bytes(*key) ^ (1 << 63)) as i64), rest))
        }
        PART_TEXT => {
            let (text, rest) = take_text(rest)?;
            Some((PartRef::Text(text), rest))
        }
        _ => None,
    }
}

fn take_text(bytes: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let mut unescaped: Option<Vec<u8>> = None;
    let mut from = bytes;
    loop {
        let end = from.iter().position(|byte| *byte == TEXT_END)?;
        let (plain, after) = from.split_at_checked(end)?;
        let (&mark, rest) = after.get(1..)?.split_first()?;
        match (mark, &mut unescaped) {
            (TEXT_END_CLOSE, None) => return Some((Cow::Borrowed(std::str::from_utf8(plain).ok()?), rest)),
            (TEXT_END_CLOSE, Some(text)) => {
                text.extend_from_slice(plain);
                return Some((Cow::Owned(String::from_utf8(std::mem::take(text)).ok()?), rest));
            }
            (TEXT_END_ESCAPE, _) => {
                let text = unescaped.get_or_insert_default();
                text.extend_from_slice(plain);
                text.push(TEXT_END);
                from = rest;
            }
            _ => return None,
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, part) in self.each_part().enumerate() {
            if place > 0 {
                f.write_str(" / ")?;
            }
            match part {
                PartRef::Int(key) => write!(f, "{key}")?,
                PartRef::Text(key) => f.write_str(&key)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts()).finish()
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = self.each_part();
        match (parts.next(), parts.next()) {
            (Some(one), None) => one.serialize(serializer),
            _ => serializer.collect_seq(self.each_part()),
        }
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(KeyPart),
            Many(Vec<KeyPart>),
        }
        match Written::deserialize(deserializer)? {
            Written::One(part) => Ok(Self::of_parts(&[part])),
            Written::Many(parts) if !parts.is_empty() => Ok(Self::of_parts(&parts)),
            Written::Many(_) => Err(serde::de::Error::custom("a record id has at least one part")),
        }
    }
}

/// What a system says of the state of a record: an ETag, a row version, a modified stamp. Opaque; only equality
/// means anything, and only for the same record.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Short);

impl Version {
    /// Takes the version as the system wrote it.
    pub fn new(version: impl AsRef<str>) -> Self {
        Self(Short::new(version.as_ref().as_bytes()))
    }

    /// The version as the system wrote it.
    pub fn as_str(&self) -> &str {
        // It was made of text and never changes.
        std::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({:?})", self.as_str())
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The id of an action: derived from what it does, so that the same observations give the same id; also the
/// idempotency key of its write.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId([u8; 16]);

impl ActionId {
    /// Derives an id from parts; each part is length-prefixed, so that no two lists of parts collide by joining.
    pub fn derive(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"seamless action 1");
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Self(id)
    }

    /// Takes an id back from a store.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, as stores keep them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for ActionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("an action id is 32 hexadecimal digits"))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = <[u8; 2]>::try_from(pair).ok()?;
        *byte = (hex_digit(high)? << 4) | hex_digit(low)?;
    }
    Some(id)
}

fn hex_digit(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};

    use super::{ActionId, KeyPart, RecordId};

    fn parts() -> impl Strategy<Value = Vec<KeyPart>> {
        let part = prop_oneof![
            any::<i64>().prop_map(KeyPart::Int),
            "[\\x00-\\x03a-c]{0,4}".prop_map(|text| KeyPart::Text(text.into())),
        ];
        proptest::collection::vec(part, 1..4)
    }

    proptest! {
        // Catches: dropping the escape of a zero byte, or the flipped sign bit.
        #[test]
        fn byte_order_is_key_order(a in parts(), b in parts()) {
            let kinds = |parts: &[KeyPart]| parts.iter().map(|p| matches!(p, KeyPart::Int(_))).collect::<Vec<_>>();
            let (x, y) = (RecordId::of_parts(&a), RecordId::of_parts(&b));
            if kinds(&a) == kinds(&b) {
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            }
            prop_assert_eq!(x == y, a == b);
        }

        #[test]
        fn ids_read_back_from_bytes_and_json(a in parts()) {
            let id = RecordId::of_parts(&a);
            prop_assert_eq!(id.parts(), a);
            prop_assert_eq!(RecordId::from_bytes(id.as_bytes()), Some(id.clone()));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<RecordId>(&json).unwrap(), id);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes: Vec<u8>) {
            if let Some(id) = RecordId::from_bytes(&bytes) {
                prop_assert_eq!(RecordId::of_parts(&id.parts()), id);
            }
        }
    }

    #[test]
    fn joined_parts_give_another_action() {
        assert_ne!(ActionId::derive(&[b"ab", b"c"]), ActionId::derive(&[b"a", b"bc"]));
    }
}
