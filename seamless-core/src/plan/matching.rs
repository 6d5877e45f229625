//! Matching: which records without a pair stand for the same thing. Keys of single records, groups of equal keys.
//!
//! A match line gives each record a [`match_key`]; the keys are spilled and sorted outside; [`Matcher`] walks them
//! and says of every group of equal keys what it is. One left and one right record are a pair; every other group
//! that has both sides is parked whole, never guessed. Lines run in their order: what an earlier line took, matched
//! or parked, is told to the matcher by a predicate, and takes no part except as a match that is taken.
//!
//! Nothing here knows a store, a page or how keys are sorted. Memory: one group's first [`MEMBERS_MAX`] members.

use std::fmt::Write as _;

use crate::mapper::MatchLine;
use crate::model::{
    CanonicalForm, Error, ErrorKind, Instant, Normaliser, Presence, Record, RecordId, Result, Side, Sides,
    Value, ValueRef,
};

/// The key by which two records are recognised: equal keys, equal things.
pub type MatchKey = [u8; 16];

/// Members of a group that are named at most, per side; the rest is counted. A person who looks at an ambiguous group
/// reads a handful; a blank-like value that thousands share must not fill memory.
pub const MEMBERS_MAX: usize = 20;

const KEY_VERSION: &[u8] = b"seamless match 1";

/// One record under one line's key. The order of rows is the order that a [`Matcher`] must be fed in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchRow {
    /// The key.
    pub key: MatchKey,
    /// The side of the record.
    pub side: Side,
    /// The record.
    pub id: RecordId,
    /// Where the caller finds the record again; says nothing to the matcher.
    pub ordinal: u64,
}

impl MatchRow {
    /// The row as bytes whose order is the order of key, side and record; the ordinal is not part of them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17 + self.id.as_bytes().len());
        bytes.extend_from_slice(&self.key);
        bytes.push(match self.side {
            Side::Left => 0,
            Side::Right => 1,
        });
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    /// Reads a row back; `None` when the bytes are not one.
    pub fn from_bytes(bytes: &[u8], ordinal: u64) -> Option<Self> {
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        let (side, id) = rest.split_first()?;
        let side = match side {
            0 => Side::Left,
            1 => Side::Right,
            _ => return None,
        };
        Some(Self { key: *key, side, id: RecordId::from_bytes(id)?, ordinal })
    }
}

/// A record of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The record.
    pub id: RecordId,
    /// Where the caller finds it again.
    pub ordinal: u64,
}

/// The records of a group, side by side: the first [`MEMBERS_MAX`] of each by id, and how many there are.
/// A group that is larger is parked whole all the same: its rows are found again by its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The first records of each side.
    pub first: Sides<Vec<Member>>,
    /// How many there are of each side.
    pub count: Sides<u64>,
}

impl Members {
    /// How many there are of both sides.
    pub fn total(&self) -> u64 {
        self.count.left + self.count.right
    }

    fn add(&mut self, side: Side, member: Member) {
        let first = self.first.of_mut(side);
        if first.len() < MEMBERS_MAX {
            first.push(member);
        }
        *self.count.of_mut(side) += 1;
    }
}

/// What the records are that share a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// Exactly one free record of each side: a pair.
    One {
        /// The left record.
        left: Member,
        /// The right record.
        right: Member,
    },
    /// Free records of both sides, and more than one of at least one of them: parked whole.
    Several(Members),
    /// Free records of one side only, whose match was taken before: parked whole.
    Taken {
        /// The free records.
        free: Members,
        /// The records that they match.
        taken: Members,
    },
    /// Free records of one side only, and nothing on the other: the next line may find them a partner.
    Alone(Members),
}

/// Walks sorted rows of one line and tells group by group what they are. See the module's page.
#[derive(Debug)]
pub struct Matcher<T> {
    taken: T,
    last: Option<MatchRow>,
    free: Members,
    gone: Members,
}

impl<T: FnMut(Side, &RecordId) -> bool> Matcher<T> {
    /// A matcher for one line. `taken` says whether a record was paired or parked before: by an earlier line, or by
    /// an earlier plan.
    pub fn new(taken: T) -> Self {
        Self { taken, last: None, free: Members::default(), gone: Members::default() }
    }

    /// Takes the next row; gives the group that ended with the row before, with its key. A record that comes twice
    /// under one key counts once.
    ///
    /// Errors: of kind [`ErrorKind::Internal`] when a row comes out of order.
    pub fn push(&mut self, row: MatchRow) -> Result<Option<(MatchKey, Group)>> {
        let mut ended = None;
        if let Some(last) = &self.last {
            match (last.key, last.side, &last.id).cmp(&(row.key, row.side, &row.id)) {
                std::cmp::Ordering::Equal => return Ok(None),
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Greater => {
                    return Err(Error::new(ErrorKind::Internal, "rows to match came out of order")
                        .with_remedy("this is a mistake in the program that sorted them; report it"));
                }
            }
            if last.key != row.key {
                ended = self.take_group();
            }
        }
        let member = Member { id: row.id.clone(), ordinal: row.ordinal };
        if (self.taken)(row.side, &row.id) {
            self.gone.add(row.side, member);
        } else {
            self.free.add(row.side, member);
        }
        self.last = Some(row);
        Ok(ended)
    }

    /// Ends the rows; gives the last group.
    pub fn finish(mut self) -> Option<(MatchKey, Group)> {
        self.take_group()
    }

    /// The group so far; `None` when nothing of it is free.
    fn take_group(&mut self) -> Option<(MatchKey, Group)> {
        let key = self.last.as_ref()?.key;
        let (mut free, taken) = (std::mem::take(&mut self.free), std::mem::take(&mut self.gone));
        let group = match (free.count.left, free.count.right) {
            (0, 0) => return None,
            (1, 1) => Group::One { left: free.first.left.pop()?, right: free.first.right.pop()? },
            (0, _) if taken.count.left > 0 => Group::Taken { free, taken },
            (_, 0) if taken.count.right > 0 => Group::Taken { free, taken },
            (0, _) | (_, 0) => Group::Alone(free),
            _ => Group::Several(free),
        };
        Some((key, group))
    }
}

/// The key of a record under a match line: equal for records whose fields agree as the line says, whatever the
/// kinds of their values, as long as they are written alike. The place of the line is part of it, so that keys of
/// several lines can share a spill.
///
/// `None` when a field is absent, unreadable or blank, before or after the line's form is applied: nothing is matched
/// by nothing. Text of white space only is blank here, and so is a text without any digit where digits decide.
pub fn match_key(line: usize, spec: &MatchLine, side: Side, record: &Record) -> Option<MatchKey> {
    if spec.fields.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(KEY_VERSION);
    hasher.update(&(line as u64).to_le_bytes());
    let mut part = Vec::with_capacity(32);
    for field in &spec.fields {
        let Presence::Value(value) = record.field(field.field.of(side).as_str()) else { return None };
        part.clear();
        write_part(value, &field.same_when, &mut part)?;
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(&part);
    }
    let mut key = MatchKey::default();
    hasher.finalize_xof().fill(&mut key);
    Some(key)
}

const WRITTEN: u8 = 0;
const SET: u8 = 1;
const BY_KIND: u8 = 2;

/// One field's part of a key; `None` when it is blank.
fn write_part(value: ValueRef<'_>, form: &CanonicalForm, out: &mut Vec<u8>) -> Option<()> {
    if is_nothing(value) {
        return None;
    }
    if form.is_exact() {
        return write_kindless(value, out);
    }
    let digits_decide = form.steps().contains(&Normaliser::Digits);
    let changed = form.apply(value);
    let no_digits =
        digits_decide && matches!(&changed, Value::Text(text) if !text.chars().any(|c| c.is_ascii_digit()));
    if is_nothing(changed.as_ref()) || no_digits {
        return None;
    }
    write_kindless(changed.as_ref(), out)
}

fn is_nothing(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => true,
        ValueRef::Text(text) => text.trim().is_empty(),
        ValueRef::Set(set) => set.members().iter().all(|member| is_nothing(member.as_ref())),
        ValueRef::List(records) => records.is_empty(),
        ValueRef::Bytes(bytes) => bytes.is_empty(),
        _ => false,
    }
}

/// Scalars as they are written, so that 5 and "5" agree; sets by member; the rest by kind and content.
fn write_kindless(value: ValueRef<'_>, out: &mut Vec<u8>) -> Option<()> {
    if let ValueRef::Set(set) = value {
        // Members that are written alike (1 and "1") are one member here.
        let mut members: Vec<Vec<u8>> = Vec::with_capacity(set.members().len());
        for member in set.members().iter().filter(|member| !is_nothing(member.as_ref())) {
            let mut part = Vec::new();
            write_kindless(member.as_ref(), &mut part)?;
            members.push(part);
        }
        members.sort();
        members.dedup();
        out.push(SET);
        for member in members {
            out.extend_from_slice(&(member.len() as u64).to_le_bytes());
            out.extend_from_slice(&member);
        }
        return Some(());
    }
    match written(value) {
        Some(text) => {
            out.push(WRITTEN);
            out.extend_from_slice(text.as_bytes());
        }
        None => {
            out.push(BY_KIND);
            value.write_canonical(out);
        }
    }
    Some(())
}

/// How a scalar is written; `None` for what has no one way to be written.
fn written(value: ValueRef<'_>) -> Option<std::borrow::Cow<'_, str>> {
    let text = match value {
        ValueRef::Text(text) => return Some(text.into()),
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Decimal(value) => value.to_decimal().normalised().to_string(),
        // Display of a float never has an exponent, and a whole one has no point.
        ValueRef::Float(0.0) => "0".to_owned(),
        ValueRef::Float(value) if value.is_finite() => value.to_string(),
        ValueRef::Date(value) => value.to_string(),
        ValueRef::Time(value) => value.format("%H:%M:%S%.f").to_string(),
        ValueRef::LocalDateTime(value) => value.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
        ValueRef::Instant(Instant { utc, .. }) => utc.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        ValueRef::Reference(reference) => {
            let mut text = String::new();
            match reference.id.parts().as_slice() {
                [_] => write!(text, "{}", reference.id).ok()?,
                _ => return None,
            }
            text
        }
        ValueRef::Null | ValueRef::Float(_) | ValueRef::Bytes(_) | ValueRef::Set(_) | ValueRef::List(_) => {
            return None;
        }
    };
    Some(text.into())
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
