//! What expressions are worth, what they refuse, and that nothing of it takes long.

use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use seamless_core::model::{Decimal, FieldName, Rounding, Value, ValueRef};

use super::{Expression, FUNCTIONS};

fn held(name: &FieldName) -> Value {
    match name.as_str() {
        "name" => Value::text("Müller"),
        "city" => Value::Null,
        "count" => Value::Int(3),
        "price" => Value::Decimal("19.90".parse().unwrap()),
        "Credit Limit (LCY)" => Value::Decimal("1000".parse().unwrap()),
        "since" => Value::Date("2024-01-31".parse().unwrap()),
        "active" => Value::Bool(true),
        other => panic!("{other}"),
    }
}

fn worth(text: &str) -> String {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(problem) => {
            return format!("no expression: {}; {}", problem.message, problem.help.unwrap_or_default());
        }
    };
    let values: Vec<Value> = expression.fields().iter().map(held).collect();
    let values: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
    match expression.value(&values) {
        Ok(value) => value.to_string(),
        Err(problem) => format!("{}; {}", problem.message, problem.remedy),
    }
}

#[test]
fn expressions_are_worth_what_they_say() {
    let table = [
        ("upper(name)", "\"MÜLLER\""),
        ("lower('ÄÖÜ ß')", "\"äöü ß\""),
        ("name + ', ' + city", "\"Müller, \""),
        ("count + 1", "4"),
        ("count * price", "59.70"),
        ("price - count", "16.90"),
        ("price + city", "(nothing)"),
        ("- price + 2 * 3 - 1", "-14.90"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("10 - 3 - 2", "5"),
        ("0.1 + 0.2 == 0.3", "yes"),
        ("round(price * 1.19, 2)", "23.68"),
        ("divide(10, 3, 4)", "3.3333"),
        ("divide(2, 3, 0)", "1"),
        ("`Credit Limit (LCY)` > 999 ? 'big' : 'small'", "\"big\""),
        ("blank(city) ? 'none' : city", "\"none\""),
        ("coalesce(city, '', name)", "\"Müller\""),
        ("active and not blank(name) or 1 == 2", "yes"),
        ("active && !(count in [1, 2])", "yes"),
        ("count in [1, 3.00]", "yes"),
        ("city == ''", "yes"),
        ("city < 'a'", "no"),
        ("left(name, 3) + right(name, 2)", "\"Müler\""),
        ("middle(name, 2, 3)", "\"üll\""),
        ("length(name)", "6"),
        ("pad_left(text(count), 4, '0')", "\"0003\""),
        ("replace(name, 'll', 'l')", "\"Müler\""),
        ("digits('+49 (30) 12-34')", "\"49301234\""),
        ("number('1.50') + 1", "2.50"),
        ("min(count, price, city)", "3"),
        ("max(count, price)", "19.90"),
        ("text(since, '%d.%m.%Y')", "\"31.01.2024\""),
        ("year(since) * 100 + month(since)", "202401"),
        ("add_months(since, 1)", "2024-02-29"),
        ("add_days(since, -31)", "2023-12-31"),
        ("date('31.1.2024', '%d.%m.%Y') == since", "yes"),
        ("contains(name, 'üll') and starts_with(name, 'M') and ends_with(name, 'r')", "yes"),
        ("trim('  x ')", "\"x\""),
        ("abs(-5)", "5"),
        ("null", "(nothing)"),
    ];
    for (text, expected) in table {
        assert_eq!(worth(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_expression_or_has_no_value_hears_why() {
    let table = [
        ("count / 2", "no expression: the expression ends before this"),
        ("count = 2", "no expression: `=` compares nothing; write `==`"),
        ("uper(name)", "no expression: no function is called `uper`; did you mean `upper`?"),
        ("left(name)", "no expression: `left` is given 1 values; write `left(text, length)`"),
        ("(count", "no expression: `)` is expected here"),
        ("count +", "no expression: a value is expected here"),
        ("count ? 1", "no expression: `:` is expected here"),
        ("'a", "no expression: the quote ' is not closed"),
        ("name + count", "a whole number is put behind a text; make a text of it with `text`"),
        ("name * 2", "a text is no number; make one of it with `number`, or a text with `text`"),
        ("upper(count)", "upper: a whole number is no text; make one of it with `text`"),
        ("name ? 1 : 2", "a text is neither true nor false"),
        ("since < count", "a date is not compared with a whole number"),
        ("divide(1, 0, 2)", "divide: nothing is divided by zero"),
        ("number('x')", "number: "),
        ("replace(name, '', 'x')", "replace: an empty part is everywhere"),
        ("text(since, '%H')", "text: the format asks for a time"),
    ];
    for (text, expected) in table {
        assert!(worth(text).starts_with(expected), "{text}: {}", worth(text));
    }
}

/// Catches: a sum that is read or dropped by recursion without a bound, a text that doubles, work before the check.
#[test]
fn hostile_expressions_are_refused_in_bounded_time() {
    let began = Instant::now();
    let sum = |terms: usize| vec!["1"; terms].join(" + ");
    assert!(worth(&sum(10_000)).contains("more than 4096"));
    assert!(worth(&sum(1_000)).contains("nested deeper"));
    assert_eq!(worth(&sum(60)), "60");
    assert!(worth(&format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000))).contains("nested deeper"));
    assert!(worth(&format!("{}true", "not ".repeat(1_000))).contains("nested deeper"));
    assert!(worth(&format!("{}1", "- ".repeat(1_000))).contains("nested deeper"));
    let mut grown = "pad_left('', 1000, 'a')".to_owned();
    for _ in 0..20 {
        grown = format!("replace({grown}, 'a', 'aaaaaaaaaaaaaaaa')");
    }
    assert!(worth(&grown).contains("the text would have more than"), "{}", worth(&grown));
    assert!(worth("pad_left('', 999999999999, 'a')").contains("the text would have more than"));
    let mut large = "9999999999999999999999999999".to_owned();
    for _ in 0..8 {
        large = format!("({large}) * ({large})");
    }
    assert!(worth(&large).contains("more than"), "{}", worth(&large));
    assert!(worth("round(1, 4000000000)").contains("more digits"), "{}", worth("round(1, 4000000000)"));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn functions_stand_in_order_and_are_explained() {
    assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
    let reference = include_str!("../../../docs/mapping.md");
    for function in FUNCTIONS {
        assert!(reference.contains(&format!("`{}({})`", function.name, function.takes)), "{function:?}");
        assert!(reference.contains(function.gives), "{function:?}: {}", function.gives);
    }
}

fn number() -> impl Strategy<Value = i64> {
    -1000i64..1000
}

proptest! {
    // Catches: operators of one strength that are taken from the right, a product that binds less than a sum.
    #[test]
    fn arithmetic_is_that_of_whole_numbers(a in number(), b in number(), c in number(), d in number()) {
        let text = format!("{a} - {b} * {c} + {d} - {a} * {b} * {c}");
        prop_assert_eq!(worth(&text), (a - b * c + d - a * b * c).to_string());
    }

    // Catches: a quotient whose rounding looks at too few digits, signs that are lost.
    #[test]
    fn a_quotient_is_as_near_as_its_digits_allow(a in any::<i64>(), b in any::<i32>(), scale in 0u32..6) {
        let divisor = Decimal::from_i64(i64::from(b));
        let quotient = Decimal::from_i64(a).checked_div(&divisor, scale, Rounding::HalfUp);
        match quotient {
            None => prop_assert_eq!(b, 0),
            Some(quotient) => {
                // 2 * |a - q * b| is at most |b| units of the last digit.
                let rest = Decimal::from_i64(a).checked_sub(&quotient.checked_mul(&divisor).unwrap()).unwrap().abs();
                let twice = rest.checked_add(&rest).unwrap();
                let unit: Decimal = format!("1e-{scale}").parse().unwrap();
                prop_assert!(twice <= divisor.abs().checked_mul(&unit).unwrap(), "{a} / {b} = {quotient}");
            }
        }
    }

    // Catches: capital letters that are more or fewer than the small one (ß, ŉ), a date that only chrono can write, what an
    // earlier value left in the room.
    #[test]
    fn what_a_function_writes_is_what_it_makes(text in "[a-zßŉıǆéλς 0-9]{0,12}", days in -400_000_i64..4_000_000, format in "(%[Ymdjy]|[-. ]){0,5}") {
        let date = chrono::NaiveDate::default() + chrono::Days::new(days.unsigned_abs());
        let values = [ValueRef::Text(&text), ValueRef::Date(date), ValueRef::Text(&format), ValueRef::Null];
        let mut scratch = String::new();
        for source in ["upper(a)", "upper(d)", "upper(left(a, 3))", "upper(a + a)", "text(b, c)", "text(b)", "text(a)", "text(date('2024-01-31'), c)"] {
            let expression = Expression::parse(source).unwrap();
            let place = |field: &FieldName| ["a", "b", "c", "d"].iter().position(|name| *name == field.as_str());
            let fields: Vec<ValueRef<'_>> =
                expression.fields().iter().map(|field| values[place(field).unwrap()]).collect();
            scratch.clear();
            match (expression.lent(&fields, &mut scratch), expression.value(&fields)) {
                (Some(lent), made) => prop_assert_eq!(lent.to_value(), made.unwrap(), "{}", source),
                (None, made) => prop_assert!(made.is_err(), "{source} makes {made:?}"),
            }
        }
    }

    #[test]
    fn every_text_of_signs_is_answered(text in "[-+*?: ab()\\[\\]=<>!&|\"'`,.0-9]{1,40}") {
        if let Ok(expression) = Expression::parse(&text) {
            let nothing = vec![ValueRef::Null; expression.fields().len()];
            let _ = expression.value(&nothing);
        }
    }
}
