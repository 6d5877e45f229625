//! What a record must keep: what was put in comes out, and equality is that of its values.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Record, RecordBuilder, Shape};
use crate::model::identity::{EntityName, RecordId};
use crate::model::value::{Instant, Reference, SetValue, Slot, Value};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..3).prop_map(Value::Int),
        "-?[0-9]{1,2}\\.[0-9]{1,2}".prop_map(|text| Value::Decimal(text.parse().unwrap())),
        "[0-9]{25}\\.[0-9]{3}".prop_map(|text| Value::Decimal(text.parse().unwrap())),
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), any::<f64>()].prop_map(Value::Float),
        "[a-bé]{0,3}".prop_map(|text| Value::text(&text)),
        (0i32..800_000).prop_map(|day| Value::Date(NaiveDate::from_num_days_from_ce_opt(day).unwrap())),
        (0u32..86_400, 0u32..1_000_000_000)
            .prop_map(|(s, n)| Value::Time(NaiveTime::from_num_seconds_from_midnight_opt(s, n).unwrap())),
        (any::<i32>(), proptest::option::of(-720i16..720)).prop_map(|(s, offset_minutes)| Value::Instant(
            Instant { utc: DateTime::from_timestamp(i64::from(s), 7).unwrap(), offset_minutes }
        )),
        proptest::collection::vec(any::<u8>(), 0..3).prop_map(|bytes| Value::Bytes(bytes.into())),
        (0i64..3).prop_map(|id| Value::Reference(Arc::new(Reference {
            entity: EntityName::from("e"),
            id: RecordId::int(id)
        }))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => scalar(),
        1 => proptest::collection::vec(scalar(), 0..3).prop_map(|members| Value::Set(SetValue::new(members))),
    ]
}

fn slot() -> impl Strategy<Value = Slot> {
    prop_oneof![1 => Just(Slot::Absent), 1 => Just(Slot::Unreadable), 6 => value().prop_map(Slot::Value)]
}

fn shape(fields: usize) -> Arc<Shape> {
    Shape::new((0..fields).map(|field| format!("f{field}").into())).unwrap()
}

fn build(slots: &[Slot]) -> Record {
    let mut builder = RecordBuilder::new(&shape(slots.len()));
    slots.iter().for_each(|slot| builder.push(slot.as_presence()));
    builder.finish()
}

proptest! {
    // Catches: a payload put in the wrong place of a cell, an offset into the text that is off by one.
    #[test]
    fn what_was_put_in_comes_out(slots in proptest::collection::vec(slot(), 0..12)) {
        let record = build(&slots);
        for (place, slot) in slots.iter().enumerate() {
            prop_assert_eq!(&record.get(place).to_slot(), slot);
        }
        prop_assert!(record.get(slots.len()).is_absent());
    }

    // Catches: comparing texts by offset, decimals by mantissa, or extras by place.
    #[test]
    fn records_are_equal_exactly_when_their_slots_are(
        a in proptest::collection::vec(slot(), 3), b in proptest::collection::vec(slot(), 3)
    ) {
        let (x, y) = (build(&a), build(&b));
        let differing = (0..3).filter(|place| a[*place] != b[*place]).fold(0u64, |bits, place| bits | 1 << place);
        prop_assert_eq!(x.differing_low(&y), differing);
        prop_assert_eq!(x == y, differing == 0);
        prop_assert!(x.same_bytes(&build(&a)) || a.iter().any(|slot| matches!(slot, Slot::Value(Value::Float(_)))));
    }

    // Catches: a run of texts that goes on over one whose length changed.
    #[test]
    fn texts_are_told_apart_slot_by_slot_however_they_shift(
        a in proptest::collection::vec("[ab]{0,2}", 7), b in proptest::collection::vec("[ab]{0,2}", 7)
    ) {
        let slots = |texts: &[String]| texts.iter().map(|text| Slot::Value(Value::text(text))).collect::<Vec<_>>();
        let differing = (0..7).filter(|place| a[*place] != b[*place]).fold(0u64, |bits, place| bits | 1 << place);
        prop_assert_eq!(build(&slots(&a)).differing_low(&build(&slots(&b))), differing);
    }

    #[test]
    fn a_changed_copy_differs_only_where_it_was_changed(
        slots in proptest::collection::vec(slot(), 5), place in 0usize..5, new in slot()
    ) {
        let record = build(&slots);
        let changed = record.with([(place, new.as_presence())]);
        for (other, slot) in slots.iter().enumerate() {
            let expected = if other == place { &new } else { slot };
            prop_assert_eq!(&changed.get(other).to_slot(), expected);
        }
    }

    #[test]
    fn equal_records_have_equal_canonical_bytes_and_others_differ(
        a in proptest::collection::vec(slot(), 2), b in proptest::collection::vec(slot(), 2)
    ) {
        let bytes = |slots: &[Slot]| { let mut out = Vec::new(); build(slots).write_canonical(&mut out); out };
        prop_assert_eq!(bytes(&a) == bytes(&b), a == b);
    }
}

#[test]
fn a_record_in_another_shape_keeps_its_fields_by_name() {
    let slots = [Slot::Value(Value::Int(1)), Slot::Value(Value::text("x"))];
    let wider = Shape::new(["f1".into(), "new".into(), "f0".into()]).unwrap();
    let record = build(&slots).reshaped(&wider);
    assert_eq!(record.field("f0").to_slot(), slots[0]);
    assert_eq!(record.field("f1").to_slot(), slots[1]);
    assert!(record.field("new").is_absent());
}

#[test]
fn texts_that_shift_into_the_same_bytes_still_differ() {
    let texts = |texts: [&str; 5]| build(&texts.map(|text| Slot::Value(Value::text(text))));
    let (a, b) = (texts(["a", "", "q", "z!", "e"]), texts(["a", "q", "z", "!", "e"]));
    assert_eq!(a.differing_low(&b), 0b01110);
}

#[test]
fn what_was_not_said_is_known_without_a_look() {
    let said = Slot::Value(Value::Null);
    assert_eq!(build(&[Slot::Absent, said.clone(), Slot::Unreadable, said]).unsaid_low(), 0b0101);
}

#[test]
fn a_field_named_twice_is_refused() {
    let error = Shape::new(["a".into(), "a".into()]).unwrap_err();
    assert_eq!(error.to_string(), "a field is named twice in one record (field a)");
}
