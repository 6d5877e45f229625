//! The functions of expressions. Each takes nothing for nothing, unless it is there to ask about it.

use chrono::{Datelike, Days, Months, NaiveDate};
use seamless_core::model::{Decimal, Rounding, Value};

use super::operator::{number, too_large, too_long};
use super::{Problem, TEXT_BYTES_MAX};

/// A function: its name, how many arguments it takes, and what it does.
pub struct Function {
    /// The name in an expression.
    pub name: &'static str,
    /// How many arguments it takes, at least and at most.
    pub arguments: (usize, usize),
    /// The arguments in words, for messages and reference: `text, length`.
    pub takes: &'static str,
    /// What it gives.
    pub gives: &'static str,
    call: fn(&[Value]) -> Result<Value, Problem>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.takes)
    }
}

impl Function {
    pub(super) fn call(&self, arguments: &[Value]) -> Result<Value, Problem> {
        (self.call)(arguments)
            .map_err(|problem| Problem { message: format!("{}: {}", self.name, problem.message), ..problem })
    }
}

/// Arguments at most, of functions that take any number of them.
const MANY: usize = 64;

macro_rules! functions {
    ($($name:ident ($least:literal ..= $most:expr, $takes:literal) $gives:literal = $call:expr;)*) => {
        /// All functions, by name.
        pub const FUNCTIONS: &[Function] = &[
            $(Function { name: stringify!($name), arguments: ($least, $most), takes: $takes, gives: $gives, call: $call },)*
        ];
    };
}

functions! {
    abs(1..=1, "number") "the number without its sign" = |arguments| numeric(arguments, |number| Ok(number.abs()));
    add_days(2..=2, "date, days") "the date so many days later" = add_days;
    add_months(2..=2, "date, months") "the date so many months later, at most the last of its month" = add_months;
    blank(1..=1, "value") "whether there is nothing, or an empty text" = |arguments| Ok(Value::Bool(first(arguments).is_blank()));
    coalesce(1..=MANY, "value, ..") "the first of these that is not blank" = coalesce;
    contains(2..=2, "text, part") "whether the part is in the text" = |arguments| asked(arguments, |text, part| text.contains(part));
    date(1..=2, "text, format") "the date that a text says, as 2024-01-31 or in a format of strftime" = date;
    day(1..=1, "date") "the day of the month" = |arguments| part(arguments, |date| date.day());
    digits(1..=1, "text") "the digits of the text" = |arguments| texts(arguments, |text| text.chars().filter(char::is_ascii_digit).collect());
    divide(3..=3, "number, number, digits") "the quotient with so many digits after the point, rounded half up" = divide;
    ends_with(2..=2, "text, part") "whether the text ends with the part" = |arguments| asked(arguments, |text, part| text.ends_with(part));
    left(2..=2, "text, length") "the first so many characters" = |arguments| cut(arguments, |text, length| text.chars().take(length).collect());
    length(1..=1, "text") "how many characters the text has" = length;
    lower(1..=1, "text") "the text in small letters" = |arguments| texts(arguments, str::to_lowercase);
    max(1..=MANY, "number, ..") "the greatest of these that are not blank" = |arguments| extreme(arguments, |new, old| new > old);
    middle(3..=3, "text, from, length") "so many characters, the first has the number 1" = middle;
    min(1..=MANY, "number, ..") "the least of these that are not blank" = |arguments| extreme(arguments, |new, old| new < old);
    month(1..=1, "date") "the month from 1 to 12" = |arguments| part(arguments, |date| date.month());
    number(1..=1, "text") "the number that a text says" = to_number;
    pad_left(3..=3, "text, length, fill") "the text with as many of the fill before it as it takes" = pad_left;
    replace(3..=3, "text, part, by") "the text with every such part replaced" = replace;
    right(2..=2, "text, length") "the last so many characters" = |arguments| cut(arguments, |text, length| {
        text.chars().skip(text.chars().count().saturating_sub(length)).collect()
    });
    round(2..=2, "number, digits") "the number with so many digits after the point, rounded half up" = round;
    starts_with(2..=2, "text, part") "whether the text begins with the part" = |arguments| asked(arguments, |text, part| text.starts_with(part));
    text(1..=2, "value, format") "the value as a text; a date in a format of strftime" = to_text;
    trim(1..=1, "text") "the text without blanks at its ends" = |arguments| texts(arguments, |text| text.trim().to_owned());
    upper(1..=1, "text") "the text in capital letters" = |arguments| texts(arguments, str::to_uppercase);
    year(1..=1, "date") "the year" = |arguments| part(arguments, |date| date.year());
}

fn first(arguments: &[Value]) -> &Value {
    arguments.first().unwrap_or(&Value::Null)
}

fn wrong(value: &Value, wanted: &str) -> Problem {
    let remedy = match wanted {
        "text" => "make one of it with `text`",
        "number" => "make one of it with `number`",
        "date" => "make one of it with `date`",
        _ => "write a whole number",
    };
    Problem::new(format!("a {} is no {wanted}", value.kind()), remedy)
}

fn text_of(value: &Value) -> Result<Option<&str>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text)),
        other => Err(wrong(other, "text")),
    }
}

fn made(text: String) -> Result<Value, Problem> {
    if text.len() > TEXT_BYTES_MAX { Err(too_long()) } else { Ok(Value::Text(text.into())) }
}

fn texts(arguments: &[Value], make: impl Fn(&str) -> String) -> Result<Value, Problem> {
    text_of(first(arguments))?.map_or(Ok(Value::Null), |text| made(make(text)))
}

fn asked(arguments: &[Value], ask: impl Fn(&str, &str) -> bool) -> Result<Value, Problem> {
    let text = text_of(first(arguments))?.unwrap_or("");
    let part = text_of(arguments.get(1).unwrap_or(&Value::Null))?.unwrap_or("");
    Ok(Value::Bool(ask(text, part)))
}

/// A length or a number of digits.
fn count(arguments: &[Value], at: usize) -> Result<usize, Problem> {
    let value = arguments.get(at).unwrap_or(&Value::Null);
    let whole = number(value).and_then(|number| number.to_i64_exact());
    whole.and_then(|count| usize::try_from(count).ok()).ok_or_else(|| wrong(value, "count"))
}

fn cut(arguments: &[Value], make: impl Fn(&str, usize) -> String) -> Result<Value, Problem> {
    let length = count(arguments, 1)?;
    texts(arguments, |text| make(text, length))
}

fn middle(arguments: &[Value]) -> Result<Value, Problem> {
    let (from, length) = (count(arguments, 1)?, count(arguments, 2)?);
    texts(arguments, |text| text.chars().skip(from.saturating_sub(1)).take(length).collect())
}

fn length(arguments: &[Value]) -> Result<Value, Problem> {
    let characters = text_of(first(arguments))?.map_or(0, |text| text.chars().count());
    Ok(Value::Int(i64::try_from(characters).unwrap_or(i64::MAX)))
}

fn pad_left(arguments: &[Value]) -> Result<Value, Problem> {
    let Some(text) = text_of(first(arguments))? else { return Ok(Value::Null) };
    let length = count(arguments, 1)?;
    let fill = text_of(arguments.get(2).unwrap_or(&Value::Null))?.unwrap_or("");
    let mut letters = fill.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else {
        return Err(Problem::new("the fill is one character", "write one, such as '0'"));
    };
    let missing = length.saturating_sub(text.chars().count());
    if missing.saturating_mul(letter.len_utf8()).saturating_add(text.len()) > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    let mut padded: String = std::iter::repeat_n(letter, missing).collect();
    padded.push_str(text);
    made(padded)
}

fn replace(arguments: &[Value]) -> Result<Value, Problem> {
    let Some(text) = text_of(first(arguments))? else { return Ok(Value::Null) };
    let of = |at: usize| text_of(arguments.get(at).unwrap_or(&Value::Null));
    let (part, by) = (of(1)?.unwrap_or(""), of(2)?.unwrap_or(""));
    if part.is_empty() {
        return Err(Problem::new("an empty part is everywhere", "name the part that is replaced"));
    }
    // Asked before anything is made: a short expression must not fill the memory.
    let grown = text.matches(part).count().saturating_mul(by.len());
    if grown.saturating_add(text.len()) > TEXT_BYTES_MAX {
        return Err(too_long());
    }
    made(text.replace(part, by))
}

fn coalesce(arguments: &[Value]) -> Result<Value, Problem> {
    Ok(arguments.iter().find(|value| !value.is_blank()).cloned().unwrap_or(Value::Null))
}

fn numeric(
    arguments: &[Value],
    make: impl Fn(Decimal) -> Result<Decimal, Problem>,
) -> Result<Value, Problem> {
    let value = first(arguments);
    if value.is_blank() {
        return Ok(Value::Null);
    }
    let made = make(number(value).ok_or_else(|| wrong(value, "number"))?)?;
    Ok(match (value, made.to_i64_exact()) {
        (Value::Int(_), Some(whole)) => Value::Int(whole),
        _ => Value::Decimal(made),
    })
}

fn scale(arguments: &[Value], at: usize) -> Result<u32, Problem> {
    u32::try_from(count(arguments, at)?).map_err(|_| too_large())
}

fn round(arguments: &[Value]) -> Result<Value, Problem> {
    let scale = scale(arguments, 1)?;
    numeric(arguments, |number| number.rescaled(scale, Rounding::HalfUp).ok_or_else(too_large))
}

fn divide(arguments: &[Value]) -> Result<Value, Problem> {
    let by = arguments.get(1).unwrap_or(&Value::Null);
    if first(arguments).is_blank() || by.is_blank() {
        return Ok(Value::Null);
    }
    let (scale, divisor) = (scale(arguments, 2)?, number(by).ok_or_else(|| wrong(by, "number"))?);
    if divisor.is_zero() {
        return Err(Problem::new("nothing is divided by zero", "ask first: `x == 0 ? 0 : divide(..)`"));
    }
    let value = first(arguments);
    let number = number(value).ok_or_else(|| wrong(value, "number"))?;
    number.checked_div(&divisor, scale, Rounding::HalfUp).map(Value::Decimal).ok_or_else(too_large)
}

fn extreme(arguments: &[Value], beats: impl Fn(&Decimal, &Decimal) -> bool) -> Result<Value, Problem> {
    let mut found: Option<(&Value, Decimal)> = None;
    for value in arguments.iter().filter(|value| !value.is_blank()) {
        let number = number(value).ok_or_else(|| wrong(value, "number"))?;
        if found.as_ref().is_none_or(|(_, best)| beats(&number, best)) {
            found = Some((value, number));
        }
    }
    Ok(found.map_or(Value::Null, |(value, _)| value.clone()))
}

fn to_number(arguments: &[Value]) -> Result<Value, Problem> {
    let value = first(arguments);
    match value {
        _ if value.is_blank() => Ok(Value::Null),
        Value::Int(_) | Value::Decimal(_) => Ok(value.clone()),
        Value::Text(text) => {
            let read = text.trim().parse::<Decimal>();
            read.map(Value::Decimal).map_err(|problem| Problem::new(problem.to_string(), "correct the text"))
        }
        other => Err(wrong(other, "text")),
    }
}

fn to_text(arguments: &[Value]) -> Result<Value, Problem> {
    let value = first(arguments);
    match (value, arguments.get(1)) {
        (Value::Null | Value::Text(_), _) => Ok(value.clone()),
        (Value::Date(date), Some(format)) => {
            let format = text_of(format)?.unwrap_or("");
            let items: Vec<_> = chrono::format::StrftimeItems::new(format).collect();
            if items.iter().any(|item| matches!(item, chrono::format::Item::Error)) {
                return Err(Problem::new("that is no format of a date", "write one such as '%d.%m.%Y'"));
            }
            let mut written = String::new();
            std::fmt::write(&mut written, format_args!("{}", date.format_with_items(items.iter())))
                .map_err(|_| Problem::new("the format asks for a time", "write one such as '%d.%m.%Y'"))?;
            made(written)
        }
        (Value::Bool(truth), None) => Ok(Value::text(if *truth { "true" } else { "false" })),
        (Value::Int(_) | Value::Decimal(_) | Value::Date(_), None) => made(value.to_string()),
        (other, _) => Err(Problem::new(
            format!("a {} has no text here", other.kind()),
            "leave the format out, or map the field with a copy",
        )),
    }
}

fn date(arguments: &[Value]) -> Result<Value, Problem> {
    let value = first(arguments);
    match value {
        _ if value.is_blank() => Ok(Value::Null),
        Value::Date(_) => Ok(value.clone()),
        Value::LocalDateTime(moment) => Ok(Value::Date(moment.date())),
        Value::Text(text) => {
            let format = match arguments.get(1) {
                Some(format) => text_of(format)?.unwrap_or("%Y-%m-%d"),
                None => "%Y-%m-%d",
            };
            let read = NaiveDate::parse_from_str(text.trim(), format);
            read.map(Value::Date).map_err(|_| {
                Problem::new("the text is no date in that format", "correct the text or the format")
            })
        }
        other => Err(wrong(other, "text")),
    }
}

fn date_of(value: &Value) -> Result<Option<NaiveDate>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::Date(date) => Ok(Some(*date)),
        Value::LocalDateTime(moment) => Ok(Some(moment.date())),
        other => Err(wrong(other, "date")),
    }
}

fn part<T: Into<i64>>(arguments: &[Value], part: impl Fn(NaiveDate) -> T) -> Result<Value, Problem> {
    Ok(date_of(first(arguments))?.map_or(Value::Null, |date| Value::Int(part(date).into())))
}

fn moved(
    arguments: &[Value],
    later: impl Fn(NaiveDate, u32) -> Option<NaiveDate>,
    earlier: impl Fn(NaiveDate, u32) -> Option<NaiveDate>,
) -> Result<Value, Problem> {
    let Some(date) = date_of(first(arguments))? else { return Ok(Value::Null) };
    let value = arguments.get(1).unwrap_or(&Value::Null);
    let by = number(value).and_then(|number| number.to_i64_exact()).ok_or_else(|| wrong(value, "count"))?;
    let steps = u32::try_from(by.unsigned_abs()).ok();
    let moved = steps.and_then(|steps| if by < 0 { earlier(date, steps) } else { later(date, steps) });
    moved.map(Value::Date).ok_or_else(|| Problem::new("no calendar goes that far", "correct the number"))
}

fn add_days(arguments: &[Value]) -> Result<Value, Problem> {
    moved(
        arguments,
        |date, days| date.checked_add_days(Days::new(u64::from(days))),
        |date, days| date.checked_sub_days(Days::new(u64::from(days))),
    )
}

fn add_months(arguments: &[Value]) -> Result<Value, Problem> {
    moved(
        arguments,
        |date, months| date.checked_add_months(Months::new(months)),
        |date, months| date.checked_sub_months(Months::new(months)),
    )
}
