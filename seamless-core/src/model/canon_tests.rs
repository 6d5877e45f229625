//! Laws of canonical forms and the table of what they make equal.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{CanonicalForm, FormSpec, Normaliser, ScaleBy, SideForms};
use crate::model::record::{Shape, record};
use crate::model::value::{Slot, Value};

fn normaliser() -> impl Strategy<Value = Normaliser> {
    prop_oneof![
        Just(Normaliser::Trim),
        Just(Normaliser::Case),
        Just(Normaliser::Space),
        Just(Normaliser::Unicode),
        Just(Normaliser::Digits),
        Just(Normaliser::Email),
        (0u32..6).prop_map(Normaliser::Truncated),
        (0u8..4).prop_map(Normaliser::Scale),
        Just(Normaliser::Set),
        Just(Normaliser::EmptyIsNull),
        Just(Normaliser::ZeroIsNull),
        Just(Normaliser::OptionValue),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[ a;ABßςΣéﬁ+0-9\u{301}\u{130}]{0,8}".prop_map(|text| Value::text(&text)),
        any::<String>().prop_map(|text| Value::text(&text)),
        (-20i64..20).prop_map(Value::Int),
        "-?[0-9]{1,3}\\.[0-9]{1,4}".prop_map(|text| Value::Decimal(text.parse().unwrap())),
        Just(Value::Null),
    ]
}

proptest! {
    // I4. Catches: folding case once only, cutting before trimming, rounding a rounded number again.
    #[test]
    fn i04_canonical_forms_are_idempotent(
        steps in proptest::collection::vec(normaliser(), 0..4), value in value()
    ) {
        let form = CanonicalForm::new(steps);
        let once = form.apply(value.as_ref());
        prop_assert_eq!(form.apply(once.as_ref()), once);
    }

    #[test]
    fn the_order_in_which_normalisers_are_declared_means_nothing(
        steps in proptest::collection::vec(normaliser(), 0..5), a in value(), b in value()
    ) {
        let form = CanonicalForm::new(steps.clone());
        let turned = CanonicalForm::new(steps.into_iter().rev());
        prop_assert_eq!(form.same(a.as_ref(), b.as_ref()), turned.same(a.as_ref(), b.as_ref()));
        prop_assert!(form.same(a.as_ref(), a.as_ref()));
    }
}

#[test]
fn forms_make_equal_what_people_call_the_same() {
    let same = [
        (Normaliser::Case, "STRASSE", "straße", true),
        (Normaliser::Space, " a  b ", "a b", true),
        (Normaliser::Unicode, "é", "e\u{301}", true),
        (Normaliser::Digits, "+49 (30) 55-01", "+493055 01", true),
        (Normaliser::Digits, "0049 30", "+49 30", false),
        (Normaliser::Email, " Ann@Example.COM", "ann@example.com", true),
        (Normaliser::Truncated(3), "abcd", "abcz", true),
        (Normaliser::Truncated(3), "abx", "abz", false),
        (Normaliser::Set, "b; a", "a;b", true),
        (Normaliser::Trim, "a ", "a", true),
        (Normaliser::Trim, "a b", "ab", false),
    ];
    for (step, a, b, expected) in same {
        let form = CanonicalForm::new([step.clone()]);
        assert_eq!(
            form.same(Value::text(a).as_ref(), Value::text(b).as_ref()),
            expected,
            "{step}: {a:?} {b:?}"
        );
    }
}

#[test]
fn h03_scale_follows_the_currency_of_the_row() {
    let shape = Shape::new(["amount".into(), "currency".into()]).unwrap();
    let scale = ScaleBy {
        amount: "amount".into(),
        by: "currency".into(),
        scales: [("JPY".to_owned(), 0)].into(),
        otherwise: 2,
    };
    let forms = SideForms::compile(&shape, &FormSpec { fields: vec![], scales: vec![scale] }).unwrap();
    let row = |amount: &str, currency: &str| {
        record(
            &shape,
            [
                ("amount".into(), Slot::Value(Value::Decimal(amount.parse().unwrap()))),
                ("currency".into(), Slot::Value(Value::text(currency))),
            ],
        )
        .unwrap()
    };
    assert!(forms.same_slot(0, &row("100.4", "JPY"), &row("100", "JPY")));
    assert!(!forms.same_slot(0, &row("100.4", "EUR"), &row("100", "EUR")));
    // The amount did not move, but what it means did.
    assert!(!forms.same_slot(0, &row("100.4", "EUR"), &row("100.4", "JPY")));
    assert_ne!(forms.fingerprint(&row("100.4", "EUR")), forms.fingerprint(&row("100", "EUR")));
    assert_eq!(forms.fingerprint(&row("100.4", "JPY")), forms.fingerprint(&row("100.1", "JPY")));
}
