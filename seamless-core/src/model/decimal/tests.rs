//! What decimals must hold: tables of the cases that people argue about, then properties against the
//! oracles in `oracle` (machine integers and school arithmetic on text; no big integers of the tested code).

mod oracle;

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{DIGITS_MAX, Decimal, DecimalError, Repr, Rounding, SCALE_MAX};
use oracle::Plain;

const ROUNDINGS: [Rounding; 3] = [Rounding::HalfUp, Rounding::HalfEven, Rounding::Down];

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn hash(value: &Decimal) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn canonical(value: &Decimal) -> Vec<u8> {
    let mut out = Vec::new();
    value.write_canonical(&mut out);
    out
}

/// Everything that equality, order, hash and canonical bytes promise each other.
fn check_pair(a: &Decimal, b: &Decimal, expected: Ordering) {
    assert_eq!(a.cmp(b), expected, "{a} and {b}");
    assert_eq!(b.cmp(a), expected.reverse(), "{b} and {a}");
    assert_eq!(a == b, expected == Ordering::Equal, "{a} and {b}");
    assert_eq!(canonical(a) == canonical(b), expected == Ordering::Equal, "{a} and {b}");
    if expected == Ordering::Equal {
        assert_eq!(hash(a), hash(b), "{a} and {b}");
    }
    assert_eq!(a.same_as_written(b), a.to_string() == b.to_string(), "{a} and {b}");
}

/// The invariant of the representation and the limits.
fn check_form(value: &Decimal) {
    assert!(value.digits() <= DIGITS_MAX && value.scale() <= SCALE_MAX);
    let text = value.to_string();
    assert!(!text.starts_with("-0") || text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)), "{text}");
    let mantissa_fits = text.replace('.', "").parse::<i64>().is_ok();
    let scale_fits = value.scale() <= 255;
    assert_eq!(matches!(value.repr, Repr::Small { .. }), mantissa_fits && scale_fits, "{text}");
}

#[test]
fn text_prints_as_it_was_written() {
    let long = format!("-1{}.{}5", "0".repeat(150), "0".repeat(99));
    for text in [
        "0",
        "0.00",
        "1.10",
        "-1.10",
        "0.001",
        "-0.5",
        "100",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-9223372036854775809",
        "92233720368547758.07",
        "123456789012345678901234567890.10",
        &format!("0.{}", "0".repeat(255)),
        &format!("0.{}", "0".repeat(256)),
        &format!("0.{}1", "0".repeat(254)),
        &format!("0.{}1", "0".repeat(999)),
        &"9".repeat(1000),
        &long,
    ] {
        assert_eq!(decimal(text).to_string(), text);
        check_form(&decimal(text));
    }
}

#[test]
fn exponents_leading_zeros_and_signs_of_zero_are_written_out() {
    for (text, printed) in [
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("1.5e1", "15"),
        ("1.10e1", "11.0"),
        ("15e-1", "1.5"),
        ("-1e-3", "-0.001"),
        ("1e18", "1000000000000000000"),
        ("1e19", "10000000000000000000"),
        ("12e0", "12"),
        ("1e-0", "1"),
        ("007", "7"),
        ("-007.50", "-7.50"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("0e5", "0"),
        ("0e-2", "0.00"),
        ("0.00e1", "0.0"),
        ("0e99999999999999999999999", "0"),
    ] {
        assert_eq!(decimal(text).to_string(), printed, "{text}");
        check_form(&decimal(text));
    }
}

#[test]
fn texts_outside_the_grammar_are_refused_at_the_byte_that_does_not_fit() {
    assert_eq!(Decimal::parse(""), Err(DecimalError::Empty));
    for (text, at) in [
        ("+5", 0),
        (".5", 0),
        ("5.", 2),
        ("1_000", 1),
        ("1,000", 1),
        (" 1", 0),
        ("1 ", 1),
        ("NaN", 0),
        ("inf", 0),
        ("-inf", 1),
        ("-", 1),
        ("--1", 1),
        ("1.2.3", 3),
        ("1e", 2),
        ("1e+", 3),
        ("1e-", 3),
        ("1e1.5", 3),
        ("1.e5", 2),
        ("e5", 0),
        ("0x10", 1),
        ("1\u{660}", 1),
        ("\u{2212}1", 0),
        ("1\0", 1),
        ("-.5", 1),
        ("1e+-5", 3),
    ] {
        assert_eq!(Decimal::parse(text), Err(DecimalError::Malformed { at }), "{text:?}");
    }
}

#[test]
fn limits_are_refused_by_name_and_without_the_text() {
    assert_eq!(Decimal::parse("1e2000000000"), Err(DecimalError::TooManyDigits { digits: 2_000_000_001 }));
    assert_eq!(Decimal::parse("1e1000"), Err(DecimalError::TooManyDigits { digits: 1001 }));
    assert_eq!(decimal("1e999").digits(), 1000);
    assert_eq!(Decimal::parse("1e-1001"), Err(DecimalError::ScaleTooLarge { scale: 1001 }));
    assert_eq!(Decimal::parse("0e-1001"), Err(DecimalError::ScaleTooLarge { scale: 1001 }));
    assert_eq!(decimal("1e-1000").scale(), 1000);
    for exponent in ["9223372036854775807", "99999999999999999999999999"] {
        assert!(matches!(Decimal::parse(&format!("1e{exponent}")), Err(DecimalError::TooManyDigits { .. })));
        assert!(matches!(Decimal::parse(&format!("1e-{exponent}")), Err(DecimalError::ScaleTooLarge { .. })));
    }
    let long = "7".repeat(5000);
    let message = Decimal::parse(&long).unwrap_err().to_string();
    assert!(
        message.contains("5000") && message.contains("DIGITS_MAX") && !message.contains("777"),
        "{message}"
    );
    assert!(!Decimal::parse(&format!("{long}x")).unwrap_err().to_string().contains("777"));
}

#[test]
fn equality_is_numeric_and_the_other_one_looks_at_the_scale() {
    let one_with_zeros = format!("1.{}", "0".repeat(300));
    for (a, b, expected) in [
        ("1.10", "1.1", Ordering::Equal),
        ("0.00", "0", Ordering::Equal),
        ("0", &format!("0.{}", "0".repeat(500)), Ordering::Equal),
        ("1", &one_with_zeros, Ordering::Equal),
        ("1.1", "1.2", Ordering::Less),
        ("-1.1", "-1.2", Ordering::Greater),
        ("-0.1", "0.00", Ordering::Less),
        ("10", "9.99999999999999999999999999999999", Ordering::Greater),
        ("9223372036854775807", "9223372036854775808", Ordering::Less),
        ("-9223372036854775808", "-9223372036854775808.000", Ordering::Equal),
        ("1e-200", "1", Ordering::Less),
        ("-1e-200", "-1", Ordering::Greater),
        ("9223372036854775807", &format!("0.{}", "0".repeat(255)), Ordering::Greater),
        ("1e-255", "1e-256", Ordering::Greater),
        ("0", "1e-30", Ordering::Less),
        ("0.00", "-1e-250", Ordering::Greater),
        ("1", "9223372036854775807e-19", Ordering::Greater),
        ("1", "9223372036854775807e-18", Ordering::Less),
        ("1e-256", &format!("0.{}10", "0".repeat(255)), Ordering::Equal),
    ] {
        check_pair(&decimal(a), &decimal(b), expected);
    }
}

#[test]
fn integers_come_out_only_when_exact() {
    for (text, whole) in [
        ("10.00", Some(10)),
        ("10.01", None),
        ("0.000", Some(0)),
        ("9223372036854775807.0", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("1e30", None),
    ] {
        assert_eq!(decimal(text).to_i64_exact(), whole, "{text}");
    }
    assert_eq!(decimal(&format!("5.{}", "0".repeat(400))).to_i64_exact(), Some(5));
    assert_eq!(decimal("1.10").small_parts(), Some((110, 2)));
    assert_eq!(decimal("1e30").small_parts(), None);
    assert_eq!(Decimal::from(u64::MAX).to_string(), u64::MAX.to_string());
    assert_eq!(Decimal::from(i128::MIN).to_string(), i128::MIN.to_string());
}

#[test]
fn floats_enter_by_their_shortest_text() {
    for (float, text) in [
        (0.1, "0.1"),
        (1.10, "1.1"),
        (-2.5, "-2.5"),
        (100.0, "100"),
        (1e21, "1000000000000000000000"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.30000000000000004"),
    ] {
        assert_eq!(Decimal::from_f64_shortest(float).unwrap().to_string(), text);
    }
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Decimal::from_f64_shortest(float).is_none());
    }
    assert_eq!(decimal("1e400").to_f64_lossy(), f64::INFINITY);
}

#[test]
fn a_column_fits_when_no_value_is_lost() {
    for (text, precision, scale, fits) in [
        ("1.10", 2, 1, true),
        ("1.10", 2, 0, false),
        ("1.11", 3, 2, true),
        ("1.11", 2, 2, false),
        ("0", 1, 0, true),
        ("0.00", 1, 0, true),
        ("99", 3, 2, false),
        ("9.99", 3, 2, true),
        ("-9.99", 3, 2, true),
        ("0.01", 2, 2, true),
        ("0.00999", 3, 5, true),
        ("0.01", 3, 5, false),
        ("123456789012345678901234567890", 30, 0, true),
        ("123456789012345678901234567890", 30, 1, false),
    ] {
        assert_eq!(decimal(text).fits(precision, scale), fits, "{text} in ({precision}, {scale})");
    }
}

#[test]
fn rounding_follows_the_named_rule() {
    for (text, scale, half_up, half_even, down) in [
        ("2.5", 0, "3", "2", "2"),
        ("3.5", 0, "4", "4", "3"),
        ("-2.5", 0, "-3", "-2", "-2"),
        ("2.51", 0, "3", "3", "2"),
        ("-2.9", 0, "-3", "-3", "-2"),
        ("0.5", 0, "1", "0", "0"),
        ("-0.5", 0, "-1", "0", "0"),
        ("9.99", 1, "10.0", "10.0", "9.9"),
        ("1.1", 3, "1.100", "1.100", "1.100"),
        ("1.005", 2, "1.01", "1.00", "1.00"),
        (
            "9999999999999999999999999999.5",
            0,
            "10000000000000000000000000000",
            "10000000000000000000000000000",
            "9999999999999999999999999999",
        ),
        (
            "9223372036854775807",
            2,
            "9223372036854775807.00",
            "9223372036854775807.00",
            "9223372036854775807.00",
        ),
        ("1e-255", 3, "0.000", "0.000", "0.000"),
        (
            "5e-300",
            299,
            &format!("0.{}1", "0".repeat(298)),
            &format!("0.{}", "0".repeat(299)),
            &format!("0.{}", "0".repeat(299)),
        ),
    ] {
        for (rounding, expected) in ROUNDINGS.into_iter().zip([half_up, half_even, down]) {
            let rescaled = decimal(text).rescaled(scale, rounding).unwrap();
            assert_eq!(rescaled.to_string(), expected, "{text} to {scale} by {rounding:?}");
            check_form(&rescaled);
        }
    }
}

#[test]
fn results_beyond_the_limits_are_none() {
    let largest = decimal(&"9".repeat(1000));
    assert!(largest.checked_add(&decimal("1")).is_none());
    assert!(largest.checked_add(&decimal("0.1")).is_none());
    assert!(largest.checked_mul(&decimal("10")).is_none());
    assert!(largest.rescaled(1, Rounding::Down).is_none());
    assert_eq!(largest.checked_sub(&decimal("1")).unwrap().digits(), 1000);
    assert!(decimal("1e-600").checked_mul(&decimal("1e-600")).is_none());
    assert!(Decimal::ZERO.rescaled(SCALE_MAX + 1, Rounding::Down).is_none());
    assert!(Decimal::ZERO.rescaled(u32::MAX, Rounding::Down).is_none());
    let lowest = Decimal::from_i64(i64::MIN);
    assert_eq!(lowest.negated().to_string(), "9223372036854775808");
    assert_eq!(lowest.negated().negated().small_parts(), Some((i64::MIN, 0)));
    assert_eq!(lowest.abs().to_string(), "9223372036854775808");
}

#[test]
fn display_honours_width_and_debug_names_the_type() {
    assert_eq!(
        format!("{:>7}|{:<7}|{:+}", decimal("1.10"), decimal("-1.10"), decimal("2")),
        "   1.10|-1.10  |+2"
    );
    assert_eq!(format!("{:?}", decimal("-0.10")), "Decimal(-0.10)");
}

#[test]
fn serde_speaks_strings_and_accepts_integers_but_no_floats() {
    assert_eq!(serde_json::to_string(&decimal("1.10")).unwrap(), "\"1.10\"");
    for (json, text) in [
        ("\"1.10\"", "1.10"),
        ("7", "7"),
        ("-7", "-7"),
        ("18446744073709551615", "18446744073709551615"),
        ("\"1\\u0030\"", "10"),
    ] {
        assert_eq!(serde_json::from_str::<Decimal>(json).unwrap().to_string(), text);
    }
    for json in ["1.5", "1e3", "18446744073709551616", "null", "true", "\"1.5x\"", "\"\"", "[1]", "{}"] {
        assert!(serde_json::from_str::<Decimal>(json).is_err(), "{json}");
    }
}

#[test]
fn canonical_bytes_have_the_stored_layout() {
    assert_eq!(canonical(&decimal("1.10")), [0, 1, 0, 0, 0, 0, 0, 0, 0, 11]);
    assert_eq!(canonical(&decimal("-1")), [0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    assert_eq!(canonical(&decimal("0.000")), [0; 10]);
    assert_eq!(canonical(&decimal("9223372036854775808.0")), [1, 0, 0, 0, 9, 0, 128, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(canonical(&decimal("1e-256")), [1, 1, 0, 0, 1, 1]);
}

fn mantissa() -> impl Strategy<Value = i64> {
    prop_oneof![
        -30..30_i64,
        -3000..3000_i64,
        any::<i64>(),
        (0..3_i64).prop_map(|n| i64::MAX - n),
        (0..3_i64).prop_map(|n| i64::MIN + n)
    ]
}

/// Digits with runs of zeros and nines, where carries and trimming happen.
fn digits(longest: usize) -> impl Strategy<Value = String> {
    let digit = prop_oneof![2 => b'0'..=b'9', 1 => b'0'..=b'0', 1 => b'9'..=b'9', 1 => b'5'..=b'5'];
    proptest::collection::vec(digit, 0..=longest).prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

/// Plain numbers of every size around and beyond the inline form.
fn plain() -> impl Strategy<Value = Plain> {
    let small = (any::<bool>(), digits(12), digits(6));
    let large = (any::<bool>(), digits(200), digits(100));
    let deep = (any::<bool>(), digits(1), digits(300));
    prop_oneof![small, large, deep]
        .prop_map(|(negative, whole, fraction)| Plain::new(negative, &whole, &fraction))
}

/// Two numbers that are unrelated, equal up to zeros, or one unit of a late digit apart.
fn plain_pair() -> impl Strategy<Value = (Plain, Plain)> {
    prop_oneof![
        (plain(), plain()),
        (plain(), 0..300_usize).prop_map(|(a, zeros)| (a.clone(), a.followed_by(&"0".repeat(zeros)))),
        (plain(), 0..60_usize)
            .prop_map(|(a, zeros)| (a.clone(), a.followed_by(&format!("{}1", "0".repeat(zeros))))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn small_numbers_print_and_read_back_exactly(m in mantissa(), scale in 0..=255_u8) {
        let text = oracle::text_of(i128::from(m), u32::from(scale));
        let value = Decimal::new(m, scale);
        prop_assert_eq!(value.to_string(), text.as_str());
        prop_assert_eq!(decimal(&text).small_parts(), Some((m, scale)));
    }

    #[test]
    fn plain_text_of_any_length_round_trips(a in plain()) {
        let text = a.text();
        let value = decimal(&text);
        prop_assert_eq!(value.to_string(), text.as_str());
        prop_assert!(value.same_as_written(&decimal(&value.to_string())));
        prop_assert_eq!(value.is_zero(), a.is_zero());
        prop_assert_eq!(value.is_negative(), a.negative);
        prop_assert_eq!(value.digits() as usize, a.significant_digits());
        check_form(&value);
        let json = serde_json::to_string(&value).unwrap();
        prop_assert!(serde_json::from_str::<Decimal>(&json).unwrap().same_as_written(&value));
    }

    #[test]
    fn any_text_is_accepted_exactly_when_the_grammar_says_so(text in "[-+]?[0-9eE._ -]{0,8}|-?[0-9]{1,4}(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?") {
        let refused = matches!(Decimal::parse(&text), Err(DecimalError::Empty | DecimalError::Malformed { .. }));
        prop_assert_eq!(!refused, oracle::grammar_accepts(&text), "{:?}", text);
    }

    #[test]
    fn exponents_move_the_point(m in mantissa(), shift in -18..=18_i32) {
        let expected = match u32::try_from(shift) {
            Ok(zeros) => oracle::text_of(i128::from(m) * 10_i128.pow(zeros), 0),
            Err(_) => oracle::text_of(i128::from(m), shift.unsigned_abs()),
        };
        prop_assert_eq!(decimal(&format!("{m}e{shift}")).to_string(), expected);
    }

    #[test]
    fn small_numbers_compare_as_cross_multiplied_integers(a in mantissa(), s in 0..=18_u8, b in mantissa(), t in 0..=18_u8) {
        let expected = (i128::from(a) * 10_i128.pow(t.into())).cmp(&(i128::from(b) * 10_i128.pow(s.into())));
        check_pair(&Decimal::new(a, s), &Decimal::new(b, t), expected);
    }

    #[test]
    fn numbers_of_any_size_compare_as_their_aligned_text((a, b) in plain_pair()) {
        check_pair(&decimal(&a.text()), &decimal(&b.text()), a.compare(&b));
    }

    #[test]
    fn order_is_transitive(mut all in proptest::collection::vec(plain(), 3)) {
        all.sort_by_key(|a| decimal(&a.text()));
        prop_assert!(all[0].compare(&all[2]) != Ordering::Greater);
        prop_assert!(decimal(&all[0].text()) <= decimal(&all[2].text()));
    }

    #[test]
    fn normalising_keeps_the_value_and_ends_without_zeros(a in plain(), zeros in 0..40_usize) {
        let value = decimal(&a.followed_by(&"0".repeat(zeros)).text());
        let normal = value.normalised();
        check_form(&normal);
        check_pair(&value, &normal, Ordering::Equal);
        prop_assert_eq!(normal.to_string(), a.trimmed().text());
    }

    #[test]
    fn small_rescaling_matches_integer_rounding(m in mantissa(), from in 0..=37_u8, to in 0..=18_u8) {
        for rounding in ROUNDINGS {
            let expected = oracle::rescaled(i128::from(m), from.into(), to.into(), rounding);
            let value = Decimal::new(m, from).rescaled(to.into(), rounding).unwrap();
            prop_assert_eq!(value.to_string(), oracle::text_of(expected, to.into()), "{:?}", rounding);
            check_form(&value);
        }
    }

    #[test]
    fn rescaling_of_any_size_matches_rounding_on_text(a in plain(), tie in any::<bool>(), zeros in 0..30_usize, to in 0..120_usize) {
        // Half of the cases end in a tie, or just above one.
        let a = if tie { a.followed_by(&format!("5{}", "0".repeat(zeros))) } else { a };
        let to = if tie { a.fraction.len() - zeros - 1 } else { to };
        for rounding in ROUNDINGS {
            let value = decimal(&a.text()).rescaled(u32::try_from(to).unwrap(), rounding).unwrap();
            prop_assert_eq!(value.to_string(), a.rescaled(to, rounding).text(), "{:?}", rounding);
            check_form(&value);
        }
    }

    #[test]
    fn small_sums_and_products_match_integers(a in mantissa(), s in 0..=18_u8, b in mantissa(), t in 0..=18_u8) {
        let scale = s.max(t);
        let wide = |m: i64, own: u8| i128::from(m) * 10_i128.pow(u32::from(scale - own));
        let (x, y) = (Decimal::new(a, s), Decimal::new(b, t));
        let sum = x.checked_add(&y).unwrap();
        prop_assert_eq!(sum.to_string(), oracle::text_of(wide(a, s) + wide(b, t), scale.into()));
        let difference = x.checked_sub(&y).unwrap();
        prop_assert_eq!(difference.to_string(), oracle::text_of(wide(a, s) - wide(b, t), scale.into()));
        let product = x.checked_mul(&y).unwrap();
        prop_assert_eq!(product.to_string(), oracle::text_of(i128::from(a) * i128::from(b), u32::from(s) + u32::from(t)));
        for result in [sum, difference, product] {
            check_form(&result);
        }
    }

    #[test]
    fn sums_and_products_of_any_size_match_school_arithmetic(a in plain(), b in plain()) {
        let (x, y) = (decimal(&a.text()), decimal(&b.text()));
        let sum = x.checked_add(&y).unwrap();
        prop_assert_eq!(sum.to_string(), a.plus(&b).text());
        prop_assert_eq!(x.checked_sub(&y).unwrap().to_string(), a.plus(&b.negated()).text());
        let product = x.checked_mul(&y).unwrap();
        prop_assert_eq!(product.to_string(), a.times(&b).text());
        check_form(&sum);
        check_form(&product);
        prop_assert_eq!(x.negated().to_string(), a.negated().text());
        prop_assert!(!x.abs().is_negative());
    }

    #[test]
    fn fitting_a_column_means_that_rescaling_loses_nothing(a in plain(), precision in 0..60_u32, scale in 0..40_u32) {
        let value = decimal(&a.text());
        let stored = value.rescaled(scale, Rounding::Down).unwrap();
        let expected = stored == value && (value.is_zero() || stored.digits() <= precision);
        prop_assert_eq!(value.fits(precision, scale), expected);
    }

    #[test]
    fn floats_survive_the_way_through_a_decimal(float in any::<f64>()) {
        match Decimal::from_f64_shortest(float) {
            Some(value) => prop_assert_eq!(value.to_f64_lossy(), float),
            None => prop_assert!(!float.is_finite()),
        }
    }
}
