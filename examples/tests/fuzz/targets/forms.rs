//! The binary forms of records and entries: bytes are refused as damaged, or they are a form; then writing what was read
//! gives the form that reads back the same, and never a longer one, since nothing may take room that the bytes do not pay
//! for.

use std::cell::RefCell;
use std::sync::Arc;

use seamless_core::connector::Versioned;
use seamless_core::model::{
    ErrorKind, FieldName, Record, RecordBuilder, RecordId, Reference, Result, SetValue, Shape, Timestamp,
    Value, Version,
};
use seamless_core::plan::{Effect, Entry, PlannedTarget, PlannedVerb, Rank};
use seamless_core::store::EntryParts;
use seamless_core::store::form::{
    decode_entry, decode_record, decode_versioned, encode_entry, encode_record, encode_versioned,
};

use super::plans::{acting, entry};
use super::{Target, refused};

/// Stored forms. The first byte says of what: a record, a record with its id, an entry.
pub(crate) const TARGET: Target = Target { name: "form", run, made, words: WORDS };

/// Tags, versions, counts at their limits and texts that stand in forms.
const WORDS: &[&str] = &[
    "\u{2}",
    "\0",
    "\u{1}",
    "\u{4}",
    "\u{6}",
    "\u{7}",
    "\u{8}",
    "\u{9}",
    "\u{a}",
    "\u{d}",
    "\u{f}",
    "\u{10}\u{1}",
    "\u{11}\u{1}",
    "\u{7f}",
    "\u{7}\u{6}1e9999",
    "\u{7}\u{2}-0",
    "name",
];

fn run(bytes: &[u8]) {
    let Some((kind, form)) = bytes.split_first() else { return };
    let shape = shape();
    match kind % 3 {
        0 => held(form, |form| decode_record(form, &shape), encode_record),
        1 => held(form, |form| decode_versioned(form, &shape), encode_versioned),
        _ => entries(form),
    }
}

fn entries(form: &[u8]) {
    let shapes = RefCell::new(vec![shape()]);
    let of = |number: u32| {
        let found = shapes.borrow().get(number as usize).cloned();
        found.ok_or_else(|| seamless_core::Error::new(ErrorKind::Corrupt, "no such shape").with_remedy("-"))
    };
    let number = |wanted: &Arc<Shape>| -> Result<u32> {
        let place = shapes.borrow().iter().position(|shape| shape == wanted);
        Ok(place.unwrap() as u32)
    };
    let read = |form: &[u8]| decode_entry(form, EntryParts::Whole, &of);
    held(form, read, |entry: &Entry, out: &mut Vec<u8>| encode_entry(entry, &mut |shape| number(shape), out));
    if let Ok(whole) = decode_entry(form, EntryParts::Whole, &of) {
        let shown = decode_entry(form, EntryParts::Shown, &of).unwrap();
        assert_eq!(shown, Entry { observed: Default::default(), ..whole });
    }
}

fn held<T: PartialEq + std::fmt::Debug>(
    form: &[u8],
    read: impl Fn(&[u8]) -> Result<T>,
    write: impl Fn(&T, &mut Vec<u8>) -> Result<()>,
) {
    let found = match read(form) {
        Ok(found) => found,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Limit), "{error:?}");
            return refused(&error, true);
        }
    };
    let mut written = Vec::new();
    write(&found, &mut written).unwrap();
    let (is, was) = (written.len(), form.len());
    assert!(is <= was, "{was} bytes became {is}");
    let again = read(&written).unwrap();
    let mut twice = Vec::new();
    write(&again, &mut twice).unwrap();
    assert_eq!(twice, written);
    // A number that is none is equal to nothing, itself included; the bytes say more.
    assert!(again == found || format!("{again:?}") == format!("{found:?}"), "{again:?} was {found:?}");
}

/// The shape of every record here.
pub(crate) fn shape() -> Arc<Shape> {
    Shape::new(["name", "No.", "lines"].map(FieldName::from)).unwrap()
}

/// A record with values of many kinds.
pub(crate) fn record() -> Record {
    let line = Shape::new([FieldName::from("no"), FieldName::from("price")]).unwrap();
    let mut child = RecordBuilder::new(&line);
    child.push_value(Value::Int(1).as_ref());
    child.push_value(Value::Decimal("123456789012345678901234567890.50".parse().unwrap()).as_ref());
    let reference = Reference { entity: "account".into(), id: RecordId::int(4) };
    let set = SetValue::new([Value::Int(2), Value::text("x"), Value::Reference(Arc::new(reference))]);
    let mut record = RecordBuilder::new(&shape());
    record.push_value(Value::text("Adatum").as_ref());
    record.push_value(Value::Set(set).as_ref());
    record.push_value(Value::List([child.finish()].into_iter().collect()).as_ref());
    record.finish()
}

fn made() -> Vec<Vec<u8>> {
    let record = record();
    let mut forms = vec![vec![0], vec![1], vec![2], vec![2]];
    encode_record(&record, &mut forms[0]).unwrap();
    let versioned = Versioned {
        id: RecordId::text("C10"),
        version: Some(Version::new("v1")),
        modified: Some(Timestamp::UNIX_EPOCH),
        record: record.clone(),
    };
    encode_versioned(&versioned, &mut forms[1]).unwrap();
    let mut number = |_: &Arc<Shape>| Ok(0);
    let mut effect = entry(Rank::State, "a", seamless_core::plan::Body::Effect(Effect::Agree));
    effect.observed.left = Some(record);
    encode_entry(&effect, &mut number, &mut forms[2]).unwrap();
    let update = acting(PlannedVerb::Update, PlannedTarget::Existing(RecordId::int(7)));
    encode_entry(&update, &mut number, &mut forms[3]).unwrap();
    forms
}
