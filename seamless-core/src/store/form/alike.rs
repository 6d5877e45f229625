//! Records that follow one another in a form and say nearly the same: what was seen on one side, what is sent to the other,
//! both bases of a pair. What the record before says in the same slot is not written again. Half of a plan and half of the
//! pairs would be copies. The doors are [`put_alike`] and [`take_alike`].

use std::ops::Range;
use std::sync::Arc;

use super::bytes::{Form, Reader, Writer};
use super::corrupt;
use super::value::{AS_BEFORE, put_presence, put_slots_by, take_held};
use crate::model::{Presence, Record, RecordBuilder, Result, Shape, Sides};

/// Where the slots of a record stand in what was written; those that say the same as before stand where that stands.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Range<usize>>);

/// Appends every slot of a record, without its shape; gives their places. They are compared as bytes, since equal values
/// may be written differently.
pub(super) fn put_alike(record: &Record, before: &Places, to: &mut Writer<'_>) -> Result<Places> {
    let mut places = Vec::with_capacity(record.shape().len());
    put_slots_by(record, |presence| {
        let start = to.written();
        put_presence(presence, to)?;
        let place = start..to.written();
        let known = before.0.get(places.len());
        // A single byte is not worth another one.
        match known.filter(|known| place.len() > 1 && to.is_same(known, &place)) {
            Some(known) => {
                to.take_back(start);
                to.byte(AS_BEFORE);
                places.push(known.clone());
            }
            None => places.push(place),
        }
        Ok(())
    })?;
    Ok(Places(places))
}

/// Reads every slot of a record of this shape, which was written behind this other one.
pub(super) fn take_alike(
    shape: &Arc<Shape>,
    before: Option<&Record>,
    from: &mut Reader<'_>,
) -> Result<Record> {
    let mut record = RecordBuilder::new(shape);
    for slot in 0..shape.len() {
        if !from.skip(AS_BEFORE) {
            record.push(take_held(from)?.as_presence());
            continue;
        }
        let known = before.filter(|before| slot < before.shape().len());
        match known.map_or(Presence::Absent, |before| before.get(slot)) {
            Presence::Value(value) => record.push_value(value),
            Presence::Absent | Presence::Unreadable => {
                return Err(corrupt("a stored value is that of a record which has none"));
            }
        }
    }
    Ok(record.finish())
}

/// What both sides of a pair hold, or what of them was seen; `places` are those of a record before.
pub(super) fn put_both(sides: Sides<Option<&Record>>, mut places: Places, to: &mut Writer<'_>) -> Result<()> {
    for record in [sides.left, sides.right] {
        record.is_some().put(to)?;
        if let Some(record) = record {
            to.shape(record.shape())?;
            places = put_alike(record, &places, to)?;
        }
    }
    Ok(())
}

/// Reads what [`put_both`] wrote behind this record.
pub(super) fn take_both(before: Option<&Record>, from: &mut Reader<'_>) -> Result<Sides<Option<Record>>> {
    let mut take = |before: Option<&Record>| match bool::take(from)? {
        true => {
            let shape = from.shape()?;
            take_alike(&shape, before, from).map(Some)
        }
        false => Ok(None),
    };
    let left = take(before)?;
    let right = take(left.as_ref().or(before))?;
    Ok(Sides { left, right })
}

/// Both bases of a pair.
#[cfg(any(test, feature = "sqlite"))]
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Bases(pub(in crate::store) Sides<Record>);

#[cfg(any(test, feature = "sqlite"))]
impl Form for Bases {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        put_bases(&self.0, to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match take_both(None, from)? {
            Sides { left: Some(left), right: Some(right) } => Ok(Self(Sides { left, right })),
            _ => Err(corrupt("a stored pair lacks a base")),
        }
    }
}

/// Appends both bases of a pair.
#[cfg(any(test, feature = "sqlite"))]
pub(in crate::store) fn put_bases(bases: &Sides<Record>, to: &mut Writer<'_>) -> Result<()> {
    put_both(Sides { left: Some(&bases.left), right: Some(&bases.right) }, Places::default(), to)
}
