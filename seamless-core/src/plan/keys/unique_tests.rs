//! What can stand in a field for a moment fits the field, and nobody else has it.

use std::collections::BTreeSet;

use super::StandIn;
use crate::model::{ActionId, Decimal, Field, FieldKind, Value};

fn of(kind: FieldKind, required: bool) -> Option<StandIn> {
    StandIn::of(&Field { required, ..Field::new("No.", kind) })
}

fn id(number: u32) -> ActionId {
    ActionId::derive(&[&number.to_le_bytes()])
}

#[test]
fn a_field_that_may_be_empty_is_empty_for_a_moment() {
    assert_eq!(of(FieldKind::Date, false), Some(StandIn::Nothing));
    assert_eq!(StandIn::Nothing.value(id(1)), Value::Null);
}

#[test]
fn a_temporary_text_fits_and_is_nobody_elses() {
    for most in [4, 8, 11, 12, 20, 200] {
        let stands = of(FieldKind::Text { length_max: Some(most) }, true).unwrap();
        let texts: BTreeSet<String> = (0..200).map(|number| stands.value(id(number)).to_string()).collect();
        let fits = |text: &String| text.trim_matches('"').chars().count() <= most as usize;
        assert!(texts.iter().all(fits), "{most}: {texts:?}");
        assert!(texts.len() > 195, "{most}: {}", texts.len());
    }
    assert_eq!(of(FieldKind::Text { length_max: Some(3) }, true), None);
}

#[test]
fn a_temporary_number_is_negative_and_has_room() {
    assert!(matches!(of(FieldKind::Int, true).unwrap().value(id(7)), Value::Int(number) if number < 0));
    let of_digits =
        |precision, scale| of(FieldKind::Decimal { precision: Some(precision), scale: Some(scale) }, true);
    let Some(Value::Decimal(number)) = of_digits(8, 2).map(|stands| stands.value(id(7))) else {
        panic!("no number")
    };
    assert!(number < Decimal::new(0, 0) && number > Decimal::new(-1_000_000, 0), "{number:?}");
    assert_eq!(of_digits(7, 2), None);
}

#[test]
fn what_can_neither_be_empty_nor_hold_anything_else_does_not_let_go() {
    assert_eq!(of(FieldKind::Date, true), None);
    assert_eq!(StandIn::of(&Field { computed: true, ..Field::new("No.", FieldKind::Int) }), None);
}

// Catches: a value that another build of the engine would not write again after a crash.
#[test]
fn a_temporary_value_is_derived_from_the_action_as_it_always_was() {
    let id = id(7);
    let first = u32::from_be_bytes(*id.as_bytes().first_chunk().unwrap());
    let number = -1 - i64::from(first / 2);
    assert_eq!(StandIn::Int.value(id), Value::Int(number));
    let digits = StandIn::Decimal { digits_max: 6 }.value(id);
    assert_eq!(digits, Value::Decimal(Decimal::new(number % 1_000_000, 0)));
    let hexadecimal = id.to_string().to_uppercase();
    let of_length = |most| StandIn::Text { characters_max: Some(most) }.value(id);
    assert_eq!(of_length(11), Value::text(&hexadecimal[..11]));
    assert_eq!(of_length(12), Value::text(&format!("TMP-{}", &hexadecimal[..8])));
    assert_eq!(of_length(200), Value::text(&format!("TMP-{}", &hexadecimal[..16])));
}
