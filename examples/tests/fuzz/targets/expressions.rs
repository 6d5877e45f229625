//! Expressions, their evaluation included: the same fields give the same value, what comes out is bounded, and a problem is
//! told with what to do.

use seamless_core::model::{Value, ValueRef};
use seamless_mapping::expression::{Expression, TEXT_BYTES_MAX};

use super::{Target, nothing};

/// Expressions.
pub(crate) const TARGET: Target = Target { name: "expression", run, made: nothing, words: WORDS };

const WORDS: &[&str] = &[
    " + ",
    " - ",
    " * ",
    " ? ",
    " : ",
    " == ",
    " != ",
    " <= ",
    " in [",
    "]",
    "(",
    ")",
    ", ",
    "and ",
    "or ",
    "not ",
    "!",
    "true",
    "null",
    "''",
    "\"a\"",
    "`",
    "-",
    "0",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0000001",
    "1e1000",
    "4294967295",
    "divide(",
    "round(",
    "pad_left(",
    "replace(",
    "left(",
    "right(",
    "middle(",
    "coalesce(",
    "max(",
    "add_days(",
    "add_months(",
    "date(",
    "text(",
    "number(",
    "year(",
    "upper(",
    "length(",
    "'%Y'",
    "'%+'",
    "'%c'",
    "a",
    "b",
    "blank(",
    "'2024-02-29'",
];

/// Digits of a decimal at most, and some for its sign and its point.
const NUMBER_BYTES_MAX: usize = 16_500;

fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(problem) => {
            assert!(
                text.get(problem.range.clone()).is_some(),
                "{problem:?} is outside of {} bytes",
                text.len()
            );
            let help = problem.help.is_some_and(|help| !help.is_empty());
            assert!(help && !problem.message.is_empty(), "{}", problem.message);
            return;
        }
    };
    assert_eq!(expression.source(), text);
    assert_eq!(Expression::parse(text).unwrap(), expression);
    let names: std::collections::BTreeSet<_> = expression.fields().iter().collect();
    assert_eq!(names.len(), expression.fields().len(), "a field is listed twice");
    for first in 0..SAMPLES {
        let values: Vec<Value> = (0..names.len()).map(|at| sample(first + at)).collect();
        let fields: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        let value = expression.value(&fields);
        assert_eq!(value, expression.value(&fields));
        match value {
            Ok(value) => bounded(&value),
            Err(problem) => assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{problem:?}"),
        }
    }
}

fn bounded(value: &Value) {
    match value {
        Value::Text(text) => assert!(text.len() <= TEXT_BYTES_MAX, "{} bytes of text", text.len()),
        Value::Decimal(number) => assert!(number.to_string().len() <= NUMBER_BYTES_MAX),
        _ => {}
    }
}

const SAMPLES: usize = 9;

/// Values of every kind that an expression meets, at their limits.
fn sample(at: usize) -> Value {
    match at % SAMPLES {
        0 => Value::Null,
        1 => Value::text("C 10-ß"),
        2 => Value::Int(i64::MIN),
        3 => Value::Decimal("123456789012345678901234567890.12345".parse().unwrap()),
        4 => of_json(r#"{"date":"2024-02-29"}"#),
        5 => Value::Bool(true),
        6 => of_json(r#"{"date":"-262143-01-01"}"#),
        7 => Value::Float(f64::NAN),
        _ => Value::Int(7),
    }
}

fn of_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
