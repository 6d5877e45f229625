//! Stored forms read back as they were, whatever is in them; damaged ones are refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::arbitrary::{entry, record, versioned};
use super::{
    Bases, Names, decode, decode_entry, decode_entry_of_page, decode_versioned, encode, encode_entry,
    encode_versioned,
};
use crate::model::{
    ErrorKind, FieldName, Planned, Presence, Record, RecordBuilder, RecordId, Result, RuledFields, SetValue,
    Shape, Sides, Value,
};
use crate::plan::{Body, ChangesBuilder, Entry, Provenance};
use crate::store::port::EntryParts;

/// Numbers shapes in the order in which they come.
#[derive(Default)]
struct Numbers(RefCell<Vec<Arc<Shape>>>);

impl Numbers {
    fn number(&self, shape: &Arc<Shape>) -> Result<u32> {
        let mut known = self.0.borrow_mut();
        if let Some(at) = known.iter().position(|other| other == shape) {
            return Ok(at as u32);
        }
        known.push(Arc::clone(shape));
        Ok(known.len() as u32 - 1)
    }

    fn shape(&self, number: u32) -> Result<Arc<Shape>> {
        self.0.borrow().get(number as usize).cloned().ok_or_else(|| super::corrupt("no such shape"))
    }
}

fn bytes_of(entry: &Entry, numbers: &Numbers) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_entry(entry, &mut |shape| numbers.number(shape), &mut bytes).unwrap();
    bytes
}

proptest! {
    // The bytes are compared too: equality of values is numeric, the form keeps 1.10 apart from 1.1 and an offset.
    #[test]
    fn entries_read_back_as_they_were(entry in entry()) {
        let numbers = Numbers::default();
        let bytes = bytes_of(&entry, &numbers);
        let back = decode_entry(&bytes, EntryParts::Whole, &|number| numbers.shape(number)).unwrap();
        prop_assert_eq!(&back, &entry);
        prop_assert_eq!(bytes_of(&back, &numbers), bytes.clone());
        let shown = decode_entry(&bytes, EntryParts::Shown, &|number| numbers.shape(number)).unwrap();
        prop_assert_eq!(shown, Entry { observed: Sides::default(), ..entry });
    }

    #[test]
    fn entries_of_a_page_share_their_names_and_nothing_else(entries in vec(entry(), 0..12)) {
        let (numbers, names) = (Numbers::default(), RefCell::new(Names::default()));
        for entry in &entries {
            let bytes = bytes_of(entry, &numbers);
            let shape_of = |number: u32| numbers.shape(number);
            let back = decode_entry_of_page(&bytes, EntryParts::Whole, &shape_of, Some(&names)).unwrap();
            prop_assert_eq!(&back, entry);
        }
    }

    #[test]
    fn records_read_back_as_they_were(versioned in versioned()) {
        let mut bytes = Vec::new();
        encode_versioned(&versioned, &mut bytes).unwrap();
        let back = decode_versioned(&bytes, versioned.record.shape()).unwrap();
        prop_assert_eq!(&back, &versioned);
        let mut again = Vec::new();
        encode_versioned(&back, &mut again).unwrap();
        prop_assert_eq!(again, bytes);
    }

    // Catches: a value that is taken from another slot, or from a record whose value is only equal as a number.
    #[test]
    fn bases_read_back_as_they_were(left in record(), right in record(), same in vec(any::<bool>(), 8)) {
        let numbers = Numbers::default();
        let slots = left.shape().len().min(right.shape().len());
        let shared = (0..slots).filter(|slot| same[slot % 8]).map(|slot| (slot, left.get(slot)));
        let bases = Bases(Sides { left: left.clone(), right: right.with(shared) });
        let mut bytes = Vec::new();
        encode(&bases, &mut |shape| numbers.number(shape), &mut bytes).unwrap();
        let back: Bases = decode(&bytes, &|number| numbers.shape(number)).unwrap();
        prop_assert_eq!(&back, &bases);
        let mut again = Vec::new();
        encode(&back, &mut |shape| numbers.number(shape), &mut again).unwrap();
        prop_assert_eq!(again, bytes);
        for (slot, (one, other)) in back.0.right.fields().zip(bases.0.right.fields()).enumerate() {
            prop_assert_eq!(format!("{:?}", one.1), format!("{:?}", other.1), "slot {}", slot);
        }
    }

    // Catches: a plan or a state that is twice as large as it need be.
    #[test]
    fn what_a_create_sends_is_not_written_a_second_time(entry in entry(), record in record()) {
        let with = |sent: bool, seen: bool| {
            let numbers = Numbers::default();
            let names: Vec<_> = record.shape().names().iter().map(|name| (None, name.clone())).collect();
            let mut making = ChangesBuilder::new(RuledFields::new(names).unwrap());
            for (_, presence) in record.fields().filter(|_| sent) {
                let after = presence.value().map_or(Planned::TargetDecides, |value| Planned::Known(value.to_value()));
                making.push(Presence::Absent, &after, Provenance::Created);
            }
            let mut entry = Entry { observed: Sides::default(), ..entry.clone() };
            if let Body::Act(action) = &mut entry.body {
                action.changes = making.finish();
            }
            entry.observed.left = seen.then(|| record.clone());
            bytes_of(&entry, &numbers).len()
        };
        // The number of the shape, and a byte a slot.
        if let (Body::Act(_), false) = (&entry.body, record.shape().is_empty()) {
            prop_assert!(with(true, true) <= with(true, false) + 1 + record.shape().len());
        }
    }

    #[test]
    fn a_form_that_is_cut_off_anywhere_is_refused(entry in entry()) {
        let numbers = Numbers::default();
        let bytes = bytes_of(&entry, &numbers);
        for length in 0..bytes.len() {
            let error = decode_entry(&bytes[..length], EntryParts::Whole, &|number| numbers.shape(number)).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        prop_assert!(decode_entry(&longer, EntryParts::Whole, &|number| numbers.shape(number)).is_err());
    }

    // Catches: a panic, and room set aside for a length that the bytes do not pay for (the test would abort).
    #[test]
    fn damaged_forms_give_an_error_or_another_entry(
        entry in entry(), at in any::<proptest::sample::Index>(), damage in proptest::collection::vec(any::<u8>(), 1..9)
    ) {
        let numbers = Numbers::default();
        let mut bytes = bytes_of(&entry, &numbers);
        let at = at.index(bytes.len());
        for (to, from) in bytes[at..].iter_mut().zip(&damage) {
            *to = *from;
        }
        if let Err(error) = decode_entry(&bytes, EntryParts::Whole, &|number| numbers.shape(number)) {
            prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>) {
        bytes.insert(0, super::FORM_VERSION);
        let shape = Shape::new([FieldName::from("a"), FieldName::from("b")]).unwrap();
        let _ = decode_entry(&bytes, EntryParts::Whole, &|_| Ok(Arc::clone(&shape)));
        let _ = decode_versioned(&bytes, &shape);
    }
}

// A slot that says the same as before, where nothing is before, or nothing that says anything.
#[test]
fn what_refers_to_nothing_is_refused() {
    let numbers = Numbers::default();
    let record = one(&Value::Null);
    numbers.number(record.shape()).unwrap();
    let read = |bytes: &[u8]| decode::<Bases>(bytes, &|number| numbers.shape(number));
    let v = super::FORM_VERSION;
    assert!(read(&[v, 1, 0, 2, 1, 0, 2]).is_ok());
    assert!(read(&[v, 1, 0, 2, 1, 0, 18]).is_ok(), "nothing, as a value, is one");
    for bytes in [[v, 1, 0, 18, 1, 0, 2], [v, 1, 0, 0, 1, 0, 18], [v, 1, 0, 1, 1, 0, 18]] {
        assert_eq!(read(&bytes).unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(super::decode_record(&[v, 18], record.shape()).unwrap_err().kind(), ErrorKind::Corrupt);
}

fn one(value: &Value) -> Record {
    let shape = Shape::new([FieldName::from("a")]).unwrap();
    let mut record = RecordBuilder::new(&shape);
    record.push_value(value.as_ref());
    record.finish()
}

#[test]
fn values_that_are_nested_too_deep_are_refused_both_ways() {
    let nested = |depth: u32| (0..depth).fold(Value::Null, |inner, _| Value::Set(SetValue::new([inner])));
    let mut bytes = Vec::new();
    super::encode_record(&one(&nested(super::DEPTH_MAX)), &mut bytes).unwrap();
    let record = one(&Value::Null);
    super::decode_record(&bytes, record.shape()).unwrap();
    let error = super::encode_record(&one(&nested(super::DEPTH_MAX + 1)), &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let mut hostile = vec![super::FORM_VERSION];
    hostile.extend([16, 1].repeat(1_000_000));
    assert_eq!(super::decode_record(&hostile, record.shape()).unwrap_err().kind(), ErrorKind::Corrupt);
}

// Catches: nine bytes that become sixteen thousand digits.
#[test]
fn a_stored_decimal_is_no_longer_than_its_bytes() {
    let record = one(&Value::Null);
    for text in ["1e16000", "1E16000"] {
        let bytes = [&[super::FORM_VERSION, 7, text.len() as u8], text.as_bytes()].concat();
        assert_eq!(super::decode_record(&bytes, record.shape()).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn another_version_of_the_form_is_named() {
    let record = one(&Value::Null);
    let error = super::decode_record(&[9, 2], record.shape()).unwrap_err();
    assert_eq!(error.message(), "a stored form has version 9, this build knows 4");
}

// The stored form may not change under existing files: a change of these bytes needs a new FORM_VERSION.
#[test]
fn the_stored_form_is_what_it_was() {
    let mut bytes = Vec::new();
    let record = one(&Value::Decimal("1.10".parse().unwrap()));
    let id = RecordId::int(7);
    let versioned = crate::connector::Versioned { id, version: None, modified: None, record };
    encode_versioned(&versioned, &mut bytes).unwrap();
    assert_eq!(bytes, [4, 9, 1, 128, 0, 0, 0, 0, 0, 0, 7, 0, 0, 6, 2, 220, 1]);
}
