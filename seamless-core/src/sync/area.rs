//! The spill of a plan in the making: which areas there are, and what their rows hold.
//!
//! Keys are record ids, so that an area is read in the order of ids. Contents are this file's alone.

use std::sync::Arc;

use crate::connector::{AbsenceProof, GoneProof, Tombstone, Versioned};
use crate::merge::CompiledLink;
use crate::model::{ActionId, Error, ErrorKind, RecordId, Result, Shape, Side, Version};
use crate::plan::keys::UniqueValue;
use crate::plan::{Entry, EntryKey, MatchRow};
use crate::store::form::{decode_entry, decode_versioned, encode_entry, encode_versioned};
use crate::store::{Area, EntryParts, SpillRow};

/// Left ids of pairs that must be looked at. No content.
pub(super) fn look(link: u16) -> Area {
    Area { link, kind: 1, side: None }
}

/// Records of pairs as a side holds them now.
pub(super) fn changed(link: u16, side: Side) -> Area {
    Area { link, kind: 2, side: Some(side) }
}

/// Records of pairs that a tombstone or a complete enumeration says are not there.
pub(super) fn missing(link: u16, side: Side) -> Area {
    Area { link, kind: 3, side: Some(side) }
}

/// Records without a pair, each with its ordinal.
pub(super) fn unpaired(link: u16, side: Side) -> Area {
    Area { link, kind: 4, side: Some(side) }
}

/// Matches that were found, by the id of a side: match line and the other side's id.
pub(super) fn matched(link: u16, side: Side) -> Area {
    Area { link, kind: 5, side: Some(side) }
}

/// Records that match several: the match line.
pub(super) fn ambiguous(link: u16, side: Side) -> Area {
    Area { link, kind: 6, side: Some(side) }
}

/// Partners that this plan provides.
pub(super) fn upcoming(link: u16, side: Side) -> Area {
    Area { link, kind: 7, side: Some(side) }
}

/// Groups that wait for the end of the plan.
pub(super) fn deferred(link: u16) -> Area {
    Area { link, kind: 8, side: None }
}

/// Ids that an enumeration without order has shown.
pub(super) fn seen(link: u16, side: Side) -> Area {
    Area { link, kind: 9, side: Some(side) }
}

/// Entries that move a unique value, by their keys, until every link is decided.
pub(super) fn movers(link: u16, side: Side) -> Area {
    Area { link, kind: 10, side: Some(side) }
}

/// Unique values that entries give up, by value.
pub(super) fn given(link: u16, side: Side) -> Area {
    Area { link, kind: 11, side: Some(side) }
}

/// Entries whose unique values others take; only where there are more than are held in memory.
pub(super) fn wanted(link: u16, side: Side) -> Area {
    Area { link, kind: 12, side: Some(side) }
}

/// Records of pairs that were merged into others.
pub(super) fn merged(link: u16, side: Side) -> Area {
    Area { link, kind: 13, side: Some(side) }
}

/// Records that take the place of merged ones, with the partners that they get.
pub(super) fn survivors(link: u16, side: Side) -> Area {
    Area { link, kind: 14, side: Some(side) }
}

/// Records of a side that were found by key for records of the other one. No content.
pub(super) fn found(link: u16, side: Side) -> Area {
    Area { link, kind: 15, side: Some(side) }
}

/// Match keys of one line, so that equal keys stand together.
pub(super) fn keys(link: u16, line: usize) -> Area {
    Area { link, kind: u8::try_from(line).map_or(u8::MAX, |line| line.saturating_add(16)), side: None }
}

pub(super) fn row(id: &RecordId, content: Vec<u8>) -> SpillRow {
    SpillRow { key: id.as_bytes().to_vec(), content }
}

pub(super) fn id_of(key: &[u8]) -> Result<RecordId> {
    RecordId::from_bytes(key).ok_or_else(|| damaged("a record id"))
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the plan's working data holds {what} that cannot be read"))
        .with_remedy("make the plan again")
}

pub(super) fn versioned_row(versioned: &Versioned) -> Result<SpillRow> {
    let mut content = Vec::new();
    encode_versioned(versioned, &mut content)?;
    Ok(row(&versioned.id, content))
}

pub(super) fn versioned(content: &[u8], shape: &Arc<Shape>) -> Result<Versioned> {
    decode_versioned(content, shape)
}

/// Why a record is thought to be missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Missing {
    /// A complete enumeration did not show it: to be asked by id.
    NotSeen,
    /// The system reported the deletion.
    Tombstone(Tombstone),
}

impl Missing {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Missing::NotSeen => vec![0],
            Missing::Tombstone(Tombstone { id: _, version, merged_into }) => {
                let mut content = vec![1];
                let version = version.as_ref().map(Version::as_str).unwrap_or_default();
                content.extend_from_slice(&(version.len() as u32).to_le_bytes());
                content.extend_from_slice(version.as_bytes());
                content.extend_from_slice(merged_into.as_ref().map(RecordId::as_bytes).unwrap_or_default());
                content
            }
        }
    }

    pub(super) fn decode(id: &RecordId, content: &[u8]) -> Result<Self> {
        let Some((1, rest)) = content.split_first() else { return Ok(Missing::NotSeen) };
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("a tombstone"))?;
        let (version, merged) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or_else(|| damaged("a tombstone"))?;
        let version = String::from_utf8(version.to_vec()).map_err(|_| damaged("a version"))?;
        Ok(Missing::Tombstone(Tombstone {
            id: id.clone(),
            version: (!version.is_empty()).then(|| Version::new(version)),
            merged_into: RecordId::from_bytes(merged),
        }))
    }
}

impl From<Tombstone> for AbsenceProof {
    fn from(tombstone: Tombstone) -> Self {
        AbsenceProof::Tombstone(tombstone)
    }
}

impl From<GoneProof> for AbsenceProof {
    fn from(proof: GoneProof) -> Self {
        AbsenceProof::Gone(proof)
    }
}

/// A record without a pair, with the number it was met with.
pub(super) fn unpaired_row(ordinal: u32, versioned: &Versioned) -> Result<SpillRow> {
    let mut content = ordinal.to_le_bytes().to_vec();
    encode_versioned(versioned, &mut content)?;
    Ok(row(&versioned.id, content))
}

pub(super) fn unpaired_content(content: &[u8], shape: &Arc<Shape>) -> Result<(u32, Versioned)> {
    let (ordinal, rest) = content.split_first_chunk::<4>().ok_or_else(|| damaged("a record"))?;
    Ok((u32::from_le_bytes(*ordinal), decode_versioned(rest, shape)?))
}

/// A match key as [`MatchRow::to_bytes`] orders it, with the record's ordinal.
pub(super) fn key_row(row: &MatchRow) -> SpillRow {
    SpillRow { key: row.to_bytes(), content: row.ordinal.to_le_bytes().to_vec() }
}

pub(super) fn match_row(row: &SpillRow) -> Result<MatchRow> {
    let ordinal = <[u8; 8]>::try_from(row.content.as_slice()).map_err(|_| damaged("a match key"))?;
    MatchRow::from_bytes(&row.key, u64::from_le_bytes(ordinal)).ok_or_else(|| damaged("a match key"))
}

pub(super) fn matched_content(line: u16, partner: &RecordId) -> Vec<u8> {
    let mut content = line.to_le_bytes().to_vec();
    content.extend_from_slice(partner.as_bytes());
    content
}

pub(super) fn matched_of(content: &[u8]) -> Result<(u16, RecordId)> {
    let (line, id) = content.split_first_chunk::<2>().ok_or_else(|| damaged("a match"))?;
    Ok((u16::from_le_bytes(*line), id_of(id)?))
}

/// A partner that the plan provides: a record that is there, or one that an action creates.
pub(super) enum Upcoming {
    There(RecordId),
    Created(ActionId),
    /// The one that it has, in a pair that rests from this plan on.
    Resting(RecordId),
    /// The one that it had is gone, and whom it is with now a person decides.
    Nobody,
}

impl Upcoming {
    pub(super) fn encode(&self) -> Vec<u8> {
        let (tag, bytes) = match self {
            Upcoming::There(id) => (0, id.as_bytes()),
            Upcoming::Created(action) => (1, action.as_bytes().as_slice()),
            Upcoming::Nobody => (2, &[][..]),
            Upcoming::Resting(id) => (3, id.as_bytes()),
        };
        std::iter::once(tag).chain(bytes.iter().copied()).collect()
    }

    pub(super) fn decode(content: &[u8]) -> Result<Self> {
        match content.split_first() {
            Some((0, id)) => Ok(Upcoming::There(id_of(id)?)),
            Some((1, action)) => {
                let bytes = <[u8; 16]>::try_from(action).map_err(|_| damaged("an action's id"))?;
                Ok(Upcoming::Created(ActionId::from_bytes(bytes)))
            }
            Some((2, [])) => Ok(Upcoming::Nobody),
            Some((3, id)) => Ok(Upcoming::Resting(id_of(id)?)),
            _ => Err(damaged("a partner")),
        }
    }
}

/// An entry that is kept back. Its records have the shapes of its link.
pub(super) fn mover_row(link: &CompiledLink, entry: &Entry) -> Result<SpillRow> {
    let mut number = |shape: &Arc<Shape>| {
        let is = |side: Side| link.shape(side).names() == shape.names();
        match (is(Side::Left), is(Side::Right)) {
            (true, _) => Ok(0),
            (false, true) => Ok(1),
            (false, false) => Err(damaged("a record of another shape")),
        }
    };
    let mut content = Vec::with_capacity(512);
    encode_entry(entry, &mut number, &mut content)?;
    Ok(SpillRow { key: entry.key.to_bytes(), content })
}

pub(super) fn mover(link: &CompiledLink, content: &[u8]) -> Result<Entry> {
    decode_entry(content, EntryParts::Whole, &|number| match number {
        0 => Ok(link.shape(Side::Left).clone()),
        1 => Ok(link.shape(Side::Right).clone()),
        _ => Err(damaged("a record of another shape")),
    })
}

/// Who gives a unique value up.
pub(super) struct Given {
    /// The place of its set in the giver's sets.
    pub(super) set: u8,
    pub(super) can_move: bool,
    pub(super) can_release: bool,
    pub(super) by: EntryKey,
}

impl Given {
    pub(super) fn encode(&self, value: &UniqueValue) -> SpillRow {
        let mut content = vec![self.set, u8::from(self.can_move), u8::from(self.can_release)];
        content.extend_from_slice(&self.by.to_bytes());
        SpillRow { key: value.to_vec(), content }
    }

    pub(super) fn decode(content: &[u8]) -> Result<Self> {
        let bad = || damaged("a unique value");
        let (&[set, can_move, can_release], by) = content.split_first_chunk::<3>().ok_or_else(bad)?;
        let by = EntryKey::from_bytes(by).ok_or_else(bad)?;
        Ok(Self { set, can_move: can_move == 1, can_release: can_release == 1, by })
    }
}

pub(super) fn wanted_row(giver: &EntryKey, set: u8) -> SpillRow {
    let mut key = giver.to_bytes();
    key.push(set);
    SpillRow { key, content: Vec::new() }
}

/// What became of a pair's record that was merged into another one.
#[derive(Clone, Debug)]
pub(super) enum Merged {
    /// The pair goes on with this record.
    GoesOn(Box<Versioned>),
    /// It was merged into a record that has a partner, or cannot take its place.
    Asks { into: RecordId, partner: Option<RecordId> },
}

impl Merged {
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        Ok(match self {
            Merged::GoesOn(survivor) => {
                let mut content = vec![1];
                encode_versioned(survivor, &mut content)?;
                content
            }
            Merged::Asks { into, partner } => {
                let mut content = vec![0];
                content.extend_from_slice(&(into.as_bytes().len() as u32).to_le_bytes());
                content.extend_from_slice(into.as_bytes());
                content.extend_from_slice(partner.as_ref().map(RecordId::as_bytes).unwrap_or_default());
                content
            }
        })
    }

    pub(super) fn decode(content: &[u8], shape: &Arc<Shape>) -> Result<Self> {
        let bad = || damaged("a merged record");
        match content.split_first().ok_or_else(bad)? {
            (1, rest) => Ok(Merged::GoesOn(Box::new(decode_versioned(rest, shape)?))),
            (_, rest) => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
                let (into, partner) =
                    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(bad)?;
                let partner = if partner.is_empty() { None } else { Some(id_of(partner)?) };
                Ok(Merged::Asks { into: id_of(into)?, partner })
            }
        }
    }
}

/// A group that waits for the end of the plan, with everything to carry it then.
pub(super) struct DeferredRow {
    pub(super) group: u16,
    pub(super) to: Side,
    pub(super) creates: Option<ActionId>,
    pub(super) source: Versioned,
    pub(super) target: Option<Versioned>,
}

impl DeferredRow {
    pub(super) fn encode(&self) -> Result<SpillRow> {
        let mut key = vec![u8::from(self.to == Side::Right)];
        key.extend_from_slice(self.source.id.as_bytes());
        key.extend_from_slice(&self.group.to_be_bytes());
        let mut source = Vec::new();
        encode_versioned(&self.source, &mut source)?;
        let mut content = vec![u8::from(self.creates.is_some()), u8::from(self.target.is_some())];
        if let Some(action) = &self.creates {
            content.extend_from_slice(action.as_bytes());
        }
        content.extend_from_slice(&(source.len() as u32).to_le_bytes());
        content.extend_from_slice(&source);
        if let Some(target) = &self.target {
            encode_versioned(target, &mut content)?;
        }
        Ok(SpillRow { key, content })
    }

    pub(super) fn decode(row: &SpillRow, shapes: [&Arc<Shape>; 2]) -> Result<Self> {
        let bad = || damaged("a late reference");
        let (to, rest) = row.key.split_first().ok_or_else(bad)?;
        let (_, group) = rest.split_last_chunk::<2>().ok_or_else(bad)?;
        let to = if *to == 0 { Side::Left } else { Side::Right };
        let [left, right] = shapes;
        let (to_shape, from_shape) = if to == Side::Left { (left, right) } else { (right, left) };
        let (&[creates, target], mut rest) = row.content.split_first_chunk::<2>().ok_or_else(bad)?;
        let mut action = None;
        if creates == 1 {
            let (bytes, after) = rest.split_first_chunk::<16>().ok_or_else(bad)?;
            action = Some(ActionId::from_bytes(*bytes));
            rest = after;
        }
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(bad)?;
        let (source, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(bad)?;
        Ok(Self {
            group: u16::from_be_bytes(*group),
            to,
            creates: action,
            source: decode_versioned(source, from_shape)?,
            target: (target == 1).then(|| decode_versioned(rest, to_shape)).transpose()?,
        })
    }
}
