use proptest::prelude::*;

use super::{LossyForm, lossy_form};
use crate::model::{CanonicalForm, Decimal, Normaliser, Rounding, Value};

fn recognised(sent: &Value, read: &Value) -> Option<LossyForm> {
    lossy_form(sent.as_ref(), read.as_ref())
}

fn folded(steps: impl IntoIterator<Item = Normaliser>) -> Option<LossyForm> {
    Some(LossyForm::Folded(CanonicalForm::new(steps)))
}

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().unwrap())
}

/// What systems do, as they do it: written without the recogniser's means.
fn stored(kind: usize, sent: &str, length: usize) -> String {
    match kind {
        0 => sent.chars().take(length).collect(),
        1 => sent.to_uppercase(),
        2 => sent.to_lowercase(),
        3 => sent.trim().to_owned(),
        4 => sent.split_whitespace().collect::<Vec<_>>().join(" "),
        5 => sent.to_uppercase().chars().take(length).collect(),
        _ => sent.trim().chars().take(length).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What systems make of text is recognised, unless nothing is left of it.
    #[test]
    fn what_a_system_makes_of_text_is_recognised(
        sent in "[ a-cA-CäÖ]{0,12}", kind in 0usize..7, length in 1usize..10,
    ) {
        let read = stored(kind, &sent, length);
        let form = recognised(&Value::text(&sent), &Value::text(&read));
        let recognisable = read != sent && (!read.trim().is_empty() || sent.trim().is_empty());
        // Blank text that is cut or trimmed to nothing is blank text all the same.
        prop_assert_eq!(form.is_some(), recognisable, "{:?} {:?} {:?}", sent, read, form);
    }

    /// The law of the form: both values are one under what the mapping would declare, and the value that was read is
    /// a fixpoint of it, so that declaring it ends the matter.
    #[test]
    fn what_is_recognised_is_the_same_under_the_form(sent in "[ a-cA-C]{0,8}", read in "[ a-cA-C]{0,8}") {
        let (sent, read) = (Value::text(&sent), Value::text(&read));
        if let Some(form) = recognised(&sent, &read).and_then(|form| form.declared()) {
            prop_assert!(form.same(sent.as_ref(), read.as_ref()), "{sent:?} {read:?} {form}");
        }
    }

    /// Text that shares no beginning with what was sent is an edit at once, in whatever case.
    #[test]
    fn another_text_is_an_edit(sent in "[a-m]{1,12}", read in "[n-z]{1,12}") {
        prop_assert_eq!(recognised(&Value::text(&sent), &Value::text(&read)), None);
        prop_assert_eq!(recognised(&Value::text(&sent), &Value::text(&read.to_uppercase())), None);
    }

    /// A longer text than was sent is an edit, unless only its blanks or letters fold.
    #[test]
    fn text_that_was_added_is_an_edit(sent in "[a-z]{0,8}", more in "[a-z]{1,4}") {
        prop_assert_eq!(recognised(&Value::text(&sent), &Value::text(&format!("{sent}{more}"))), None);
    }

    #[test]
    fn what_a_system_makes_of_numbers_is_recognised_with_the_scale(
        mantissa in -1_000_000i64..1_000_000, scale in 0u8..6, kept in 0u8..6, mode in 0usize..3,
    ) {
        let rounding = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Down][mode];
        let sent = Decimal::new(mantissa, scale);
        let read = sent.rescaled(u32::from(kept), rounding).unwrap();
        let form = recognised(&Value::Decimal(sent.clone()), &Value::Decimal(read.clone()));
        match form {
            None => prop_assert_eq!(sent, read),
            Some(LossyForm::Rounded { least, most } | LossyForm::Dropped { least, most }) => {
                // What another rounding left with zeros at its end looks like a coarser one: one value does not tell.
                let tells = rounding == Rounding::HalfUp;
                prop_assert!(!tells || least <= kept && kept <= most, "{sent} {read} {kept}");
                let declared = form.and_then(|form| form.declared());
                let same = |form: CanonicalForm| {
                    form.same(Value::Decimal(sent.clone()).as_ref(), Value::Decimal(read.clone()).as_ref())
                };
                prop_assert!(declared.is_none_or(same), "{sent} {read}");
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A number that is off by more than the digits that are gone is an edit.
    #[test]
    fn another_number_is_an_edit(cents in 0i64..100_000, by in 1i64..1000) {
        let (sent, read) = (Decimal::new(cents, 2), Decimal::new(cents + by * 100, 2));
        prop_assert_eq!(recognised(&Value::Decimal(sent), &Value::Decimal(read)), None);
    }

    #[test]
    fn two_observations_have_in_common_what_explains_both(
        a in -99_999i64..99_999, b in -99_999i64..99_999, kept in 0u8..4,
    ) {
        let observe = |mantissa: i64| {
            let sent = Decimal::new(mantissa, 4);
            let read = sent.rescaled(u32::from(kept), Rounding::HalfUp).unwrap();
            recognised(&Value::Decimal(sent), &Value::Decimal(read))
        };
        if let (Some(a), Some(b)) = (observe(a), observe(b)) {
            match a.common(&b) {
                Some(LossyForm::Rounded { least, most }) => prop_assert!(least <= kept && kept <= most),
                other => prop_assert!(false, "{a:?} {b:?} {other:?}"),
            }
            prop_assert_eq!(a.common(&b), b.common(&a));
        }
    }
}

#[test]
fn the_weakest_form_explains_a_difference() {
    let text = Value::text;
    assert_eq!(recognised(&text("Adatum "), &text("Adatum")), folded([Normaliser::Trim]));
    assert_eq!(recognised(&text("Adatum"), &text("ADATUM")), folded([Normaliser::Case]));
    assert_eq!(recognised(&text("a  b"), &text("a b")), folded([Normaliser::Space]));
    assert_eq!(recognised(&text("e\u{301}"), &text("é")), folded([Normaliser::Unicode]));
    assert_eq!(recognised(&text(""), &Value::Null), folded([Normaliser::EmptyIsNull]));
    assert_eq!(recognised(&Value::Null, &text("")), folded([Normaliser::EmptyIsNull]));
    assert_eq!(recognised(&text("Adatum Ltd"), &text("Adatum")), folded([Normaliser::Truncated(6)]));
    assert_eq!(
        recognised(&text("Adatum Ltd"), &text("ADATUM")),
        folded([Normaliser::Case, Normaliser::Truncated(6)])
    );
    assert_eq!(
        recognised(&decimal("10.456"), &decimal("10.46")),
        Some(LossyForm::Rounded { least: 2, most: 2 })
    );
    assert_eq!(
        recognised(&decimal("3.1004"), &decimal("3.1")),
        Some(LossyForm::Rounded { least: 1, most: 3 })
    );
    assert_eq!(
        recognised(&decimal("1.239"), &decimal("1.23")),
        Some(LossyForm::Dropped { least: 2, most: 2 })
    );
    assert_eq!(recognised(&decimal("2.6"), &Value::Int(3)), Some(LossyForm::Rounded { least: 0, most: 0 }));
    let at = |text: &str| Value::LocalDateTime(text.parse().unwrap());
    assert_eq!(
        recognised(&at("2024-02-29T10:00:00.250"), &at("2024-02-29T10:00:00")),
        folded([Normaliser::Instant(0)])
    );
}

#[test]
fn what_cannot_be_a_form_is_an_edit() {
    let text = Value::text;
    assert_eq!(recognised(&text("Adatum"), &text("")), None, "somebody emptied it");
    assert_eq!(recognised(&text("Adatum"), &Value::Null), None);
    assert_eq!(recognised(&text("Adatum"), &text("Adatum")), None);
    assert_eq!(recognised(&text("7"), &Value::Int(7)), None);
    assert_eq!(recognised(&decimal("1.5"), &decimal("1.25")), None, "more digits than were sent");
    assert_eq!(recognised(&Value::Bool(true), &Value::Bool(false)), None);
    let at = |text: &str| Value::LocalDateTime(text.parse().unwrap());
    assert_eq!(recognised(&at("2024-02-29T10:00:00.250"), &at("2024-02-29T10:00:00.750")), None);
}

#[test]
fn what_a_mapping_can_declare_makes_both_values_one() {
    let form = |steps: &[Normaliser]| CanonicalForm::new(steps.iter().cloned());
    let cut = form(&[Normaliser::Truncated(3)]);
    assert_eq!(LossyForm::Folded(cut.clone()).declared(), Some(cut));
    let rounded = LossyForm::Rounded { least: 1, most: 3 };
    assert_eq!(rounded.declared(), Some(form(&[Normaliser::Scale(3)])), "the finest that explains it");
    assert_eq!(LossyForm::Dropped { least: 1, most: 3 }.declared(), None);
}

// Catches: two observations that are put together although no form explains both.
#[test]
fn forms_of_different_kinds_have_nothing_in_common() {
    let cut = |length| LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
    let rounded = |least, most| LossyForm::Rounded { least, most };
    let dropped = |least, most| LossyForm::Dropped { least, most };
    assert_eq!(cut(3).common(&cut(3)), Some(cut(3)));
    assert_eq!(cut(3).common(&cut(4)), None);
    assert_eq!(rounded(0, 2).common(&rounded(1, 3)), Some(rounded(1, 2)));
    assert_eq!(dropped(0, 2).common(&dropped(1, 3)), Some(dropped(1, 2)));
    assert_eq!(dropped(0, 1).common(&dropped(1, 3)), Some(dropped(1, 1)));
    assert_eq!(dropped(0, 0).common(&dropped(1, 3)), None);
    assert_eq!(rounded(0, 2).common(&dropped(0, 2)), None);
    assert_eq!(rounded(0, 2).common(&cut(2)), None);
}

#[test]
fn a_form_is_said_in_words() {
    let folded =
        |steps: &[Normaliser]| LossyForm::Folded(CanonicalForm::new(steps.iter().cloned())).to_string();
    assert_eq!(folded(&[Normaliser::Trim]), "without blanks at its ends");
    assert_eq!(
        folded(&[Normaliser::Case, Normaliser::Space, Normaliser::Truncated(6)]),
        "in another case, with single blanks, cut to 6 characters"
    );
    assert_eq!(folded(&[Normaliser::Truncated(1)]), "cut to 1 character");
    assert_eq!(folded(&[Normaliser::Unicode]), "in another Unicode form");
    assert_eq!(folded(&[Normaliser::EmptyIsNull]), "with nothing for empty text");
    assert_eq!(folded(&[Normaliser::Instant(0)]), "without fractions of a second");
    assert_eq!(folded(&[Normaliser::Instant(3)]), "with 3 digits of a second");
    assert_eq!(folded(&[Normaliser::Email]), "as email");
    let rounded = |most| LossyForm::Rounded { least: 0, most }.to_string();
    assert_eq!(rounded(0), "rounded to whole numbers");
    assert_eq!(rounded(1), "rounded to 1 digit after the point");
    assert_eq!(LossyForm::Dropped { least: 0, most: 2 }.to_string(), "shortened to 2 digits after the point");
}
