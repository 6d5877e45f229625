//! Stored forms: compact bytes for records, entries and pairs, each opened by the version of the form.
//!
//! Hand written, because a stored form must stay as it is while the types of the model change: every tag stands in a
//! table here, and a field that is added to a type does not compile until this page says how it is stored.
//!
//! A record names its [`Shape`] by a number that the caller keeps, so that a million records write their field names
//! once; child records bring their names with them. Bytes that are not a form give an error of kind
//! [`Corrupt`](ErrorKind::Corrupt): nothing panics, and nothing is allocated that the bytes do not pay for.
//!
//! The doors: [`encode_versioned`] and [`decode_versioned`] for spills, [`encode_entry`] and [`decode_entry`] for
//! stores. It does not know tables or files.

mod alike;
mod bytes;
mod changes;
mod entry;
mod value;

use std::cell::RefCell;
use std::sync::Arc;

#[cfg(any(test, feature = "sqlite"))]
pub(super) use alike::{Bases, put_bases};
pub(super) use bytes::{Form, Names, Reader, Writer};

use crate::connector::Versioned;
use crate::model::{Error, ErrorKind, Record, Result, Shape};
use crate::plan::Entry;
use crate::store::port::EntryParts;

/// The version of the stored form that this build writes. It reads no other.
pub const FORM_VERSION: u8 = 4;

/// Values inside values at most, for sets and child records: what bounds the stack.
pub const DEPTH_MAX: u32 = 32;

/// Gives a shape its number.
pub type NumberOf<'a> = dyn FnMut(&Arc<Shape>) -> Result<u32> + 'a;

/// Gives a number's shape.
pub type ShapeOf<'a> = dyn Fn(u32) -> Result<Arc<Shape>> + 'a;

/// Appends a record with its id and version; the reader must know its shape.
///
/// Errors: `Limit` when values are nested deeper than [`DEPTH_MAX`].
pub fn encode_versioned(versioned: &Versioned, out: &mut Vec<u8>) -> Result<()> {
    let Versioned { id, version, modified, record } = versioned;
    let mut unknown = no_numbers;
    let mut to = Writer::new(out, &mut unknown);
    id.put(&mut to)?;
    version.put(&mut to)?;
    modified.put(&mut to)?;
    value::put_slots(record, &mut to)
}

/// Reads what [`encode_versioned`] wrote.
///
/// Errors: `Corrupt` when the bytes are not the form of a record of this shape.
pub fn decode_versioned(bytes: &[u8], shape: &Arc<Shape>) -> Result<Versioned> {
    let mut from = Reader::open(bytes, &no_shapes)?;
    let (id, version, modified) = (Form::take(&mut from)?, Form::take(&mut from)?, Form::take(&mut from)?);
    let record = value::take_slots(shape, &mut from)?;
    from.end()?;
    Ok(Versioned { id, version, modified, record })
}

/// Appends a record; the reader must know its shape.
///
/// Errors: `Limit` when values are nested deeper than [`DEPTH_MAX`].
pub fn encode_record(record: &Record, out: &mut Vec<u8>) -> Result<()> {
    let mut unknown = no_numbers;
    value::put_slots(record, &mut Writer::new(out, &mut unknown))
}

/// Reads what [`encode_record`] wrote.
///
/// Errors: `Corrupt` when the bytes are not the form of a record of this shape.
pub fn decode_record(bytes: &[u8], shape: &Arc<Shape>) -> Result<Record> {
    let mut from = Reader::open(bytes, &no_shapes)?;
    let record = value::take_slots(shape, &mut from)?;
    from.end()?;
    Ok(record)
}

/// Appends an entry; its records' shapes are written as numbers.
///
/// Errors: `Limit` when values are nested deeper than [`DEPTH_MAX`]; those of `number_of`.
pub fn encode_entry(entry: &Entry, number_of: &mut NumberOf<'_>, out: &mut Vec<u8>) -> Result<()> {
    encode(entry, number_of, out)
}

/// Reads what [`encode_entry`] wrote.
///
/// Errors: `Corrupt` when the bytes are not the form of an entry; those of `shape_of`.
pub fn decode_entry(bytes: &[u8], parts: EntryParts, shape_of: &ShapeOf<'_>) -> Result<Entry> {
    decode_entry_of_page(bytes, parts, shape_of, None)
}

/// The same for one of many entries, which share their names.
pub(super) fn decode_entry_of_page(
    bytes: &[u8],
    parts: EntryParts,
    shape_of: &ShapeOf<'_>,
    names: Option<&RefCell<Names>>,
) -> Result<Entry> {
    let mut from = Reader::open_with(bytes, shape_of, names)?;
    let entry = entry::take(&mut from, parts)?;
    if parts == EntryParts::Whole {
        from.end()?;
    }
    Ok(entry)
}

/// Appends anything that has a stored form.
pub(super) fn encode<T: Form>(content: &T, number_of: &mut NumberOf<'_>, out: &mut Vec<u8>) -> Result<()> {
    content.put(&mut Writer::new(out, number_of))
}

/// Reads anything that has a stored form.
#[cfg(any(test, feature = "sqlite"))]
pub(super) fn decode<T: Form>(bytes: &[u8], shape_of: &ShapeOf<'_>) -> Result<T> {
    let mut from = Reader::open(bytes, shape_of)?;
    let content = T::take(&mut from)?;
    from.end()?;
    Ok(content)
}

/// For forms that hold no records with numbered shapes.
pub(super) fn no_numbers(_: &Arc<Shape>) -> Result<u32> {
    Err(Error::new(ErrorKind::Internal, "a record stands where the stored form has none"))
}

/// For forms that hold no records with numbered shapes.
pub(super) fn no_shapes(_: u32) -> Result<Arc<Shape>> {
    Err(corrupt("a record stands where the stored form has none"))
}

/// The error of bytes that are not a stored form.
pub(super) fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message)
        .with_remedy("restore the store from a backup; what it says cannot be trusted")
}

#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;
