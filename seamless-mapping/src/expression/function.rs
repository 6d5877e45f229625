//! The functions of expressions. Each takes nothing for nothing, unless it is there to ask about it.

use chrono::{Datelike, Days, Months, NaiveDate};
use seamless_core::model::{Decimal, Rounding, Value, ValueRef};

use super::calendar;
use super::operator::{number, too_large, too_long};
use super::{Problem, TEXT_BYTES_MAX, Worth};

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
    call: for<'a> fn(&[ValueRef<'a>]) -> Result<Worth<'a>, Problem>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name, self.takes)
    }
}

impl Function {
    pub(super) fn call<'a>(&self, arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
        (self.call)(arguments)
            .map_err(|problem| Problem { message: format!("{}: {}", self.name, problem.message), ..problem })
    }
}

/// Writes the text that a call makes of lent arguments behind an empty text, and gives true; false where the call must be
/// asked: what was written is then thrown away.
pub(super) type Writes = fn(&[ValueRef<'_>], &mut String) -> bool;

/// How the text of a function is written where there is room for it already.
///
/// Law (`what_a_function_writes_is_what_it_makes`): where it writes, the call makes the same.
pub(super) fn writes(function: &Function) -> Option<Writes> {
    match function.name {
        "upper" => Some(write_upper),
        "text" => Some(write_date),
        _ => None,
    }
}

fn write_upper(arguments: &[ValueRef<'_>], out: &mut String) -> bool {
    let ValueRef::Text(text) = first(arguments) else { return false };
    for letter in text.chars() {
        match letter.is_ascii() {
            true => out.push(letter.to_ascii_uppercase()),
            false => out.extend(letter.to_uppercase()),
        }
    }
    out.len() <= TEXT_BYTES_MAX
}

fn write_date(arguments: &[ValueRef<'_>], out: &mut String) -> bool {
    match arguments {
        [ValueRef::Date(date), ValueRef::Text(format)] => calendar::write(*date, format, out),
        _ => false,
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
    blank(1..=1, "value") "whether there is nothing, or an empty text" = |arguments| Ok(truth(first(arguments).is_blank()));
    coalesce(1..=MANY, "value, ..") "the first of these that is not blank" = coalesce;
    contains(2..=2, "text, part") "whether the part is in the text" = |arguments| asked(arguments, |text, part| text.contains(part));
    date(1..=2, "text, format") "the date that a text says, as 2024-01-31 or in a format of strftime" = date;
    day(1..=1, "date") "the day of the month" = |arguments| part(arguments, |date| date.day());
    digits(1..=1, "text") "the digits of the text" = |arguments| texts(arguments, |text| text.chars().filter(char::is_ascii_digit).collect());
    divide(3..=3, "number, number, digits") "the quotient with so many digits after the point, rounded half up" = divide;
    ends_with(2..=2, "text, part") "whether the text ends with the part" = |arguments| asked(arguments, |text, part| text.ends_with(part));
    left(2..=2, "text, length") "the first so many characters" = |arguments| cut(arguments, |text, length| text.get(..place(text, length)));
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
        text.get(place(text, text.chars().count().saturating_sub(length))..)
    });
    round(2..=2, "number, digits") "the number with so many digits after the point, rounded half up" = round;
    starts_with(2..=2, "text, part") "whether the text begins with the part" = |arguments| asked(arguments, |text, part| text.starts_with(part));
    text(1..=2, "value, format") "the value as a text; a date in a format of strftime" = to_text;
    trim(1..=1, "text") "the text without blanks at its ends" = |arguments| Ok(text_of(first(arguments))?.map_or(NOTHING, |text| Worth::text(text.trim())));
    upper(1..=1, "text") "the text in capital letters" = |arguments| texts(arguments, str::to_uppercase);
    year(1..=1, "date") "the year" = |arguments| part(arguments, |date| date.year());
}

const NOTHING: Worth<'static> = Worth::Lent(ValueRef::Null);

fn first<'a>(arguments: &[ValueRef<'a>]) -> ValueRef<'a> {
    argument(arguments, 0)
}

fn argument<'a>(arguments: &[ValueRef<'a>], at: usize) -> ValueRef<'a> {
    arguments.get(at).copied().unwrap_or(ValueRef::Null)
}

fn truth(truth: bool) -> Worth<'static> {
    Worth::Lent(ValueRef::Bool(truth))
}

fn wrong(value: ValueRef<'_>, wanted: &str) -> Problem {
    let remedy = match wanted {
        "text" => "make one of it with `text`",
        "number" => "make one of it with `number`",
        "date" => "make one of it with `date`",
        _ => "write a whole number",
    };
    Problem::new(format!("a {} is no {wanted}", value.kind()), remedy)
}

fn text_of(value: ValueRef<'_>) -> Result<Option<&str>, Problem> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Text(text) => Ok(Some(text)),
        other => Err(wrong(other, "text")),
    }
}

fn made(text: String) -> Result<Worth<'static>, Problem> {
    if text.len() > TEXT_BYTES_MAX { Err(too_long()) } else { Ok(Worth::Text(text)) }
}

fn texts<'a>(arguments: &[ValueRef<'a>], make: impl Fn(&str) -> String) -> Result<Worth<'a>, Problem> {
    text_of(first(arguments))?.map_or(Ok(NOTHING), |text| made(make(text)))
}

fn asked<'a>(arguments: &[ValueRef<'a>], ask: impl Fn(&str, &str) -> bool) -> Result<Worth<'a>, Problem> {
    let text = text_of(first(arguments))?.unwrap_or("");
    let part = text_of(argument(arguments, 1))?.unwrap_or("");
    Ok(truth(ask(text, part)))
}

/// A length or a number of digits.
fn count(arguments: &[ValueRef<'_>], at: usize) -> Result<usize, Problem> {
    let value = argument(arguments, at);
    let whole = match value {
        ValueRef::Int(whole) => Some(whole),
        other => number(other).and_then(|number| number.to_i64_exact()),
    };
    whole.and_then(|count| usize::try_from(count).ok()).ok_or_else(|| wrong(value, "count"))
}

/// Where the character with so many before it begins; the end where there are not so many.
fn place(text: &str, characters: usize) -> usize {
    if text.as_bytes().get(..characters).is_some_and(<[u8]>::is_ascii) {
        return characters;
    }
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}

/// A piece of a text.
fn cut<'a>(
    arguments: &[ValueRef<'a>],
    piece: impl Fn(&'a str, usize) -> Option<&'a str>,
) -> Result<Worth<'a>, Problem> {
    let length = count(arguments, 1)?;
    Ok(text_of(first(arguments))?.map_or(NOTHING, |text| Worth::text(piece(text, length).unwrap_or(""))))
}

fn middle<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let (from, length) = (count(arguments, 1)?, count(arguments, 2)?);
    let Some(text) = text_of(first(arguments))? else { return Ok(NOTHING) };
    let rest = text.get(place(text, from.saturating_sub(1))..).unwrap_or("");
    Ok(Worth::text(rest.get(..place(rest, length)).unwrap_or("")))
}

fn length<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let characters = text_of(first(arguments))?.map_or(0, |text| text.chars().count());
    Ok(Worth::Lent(ValueRef::Int(i64::try_from(characters).unwrap_or(i64::MAX))))
}

fn pad_left<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let Some(text) = text_of(first(arguments))? else { return Ok(NOTHING) };
    let length = count(arguments, 1)?;
    let fill = text_of(argument(arguments, 2))?.unwrap_or("");
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

fn replace<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let Some(text) = text_of(first(arguments))? else { return Ok(NOTHING) };
    let of = |at: usize| text_of(argument(arguments, at));
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

fn coalesce<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    Ok(arguments.iter().find(|value| !value.is_blank()).map_or(NOTHING, |value| Worth::Lent(*value)))
}

fn numeric<'a>(
    arguments: &[ValueRef<'a>],
    make: impl Fn(Decimal) -> Result<Decimal, Problem>,
) -> Result<Worth<'a>, Problem> {
    let value = first(arguments);
    if value.is_blank() {
        return Ok(NOTHING);
    }
    let made = make(number(value).ok_or_else(|| wrong(value, "number"))?)?;
    Ok(match (value, made.to_i64_exact()) {
        (ValueRef::Int(_), Some(whole)) => Worth::Lent(ValueRef::Int(whole)),
        _ => Worth::Made(Value::Decimal(made)),
    })
}

fn scale(arguments: &[ValueRef<'_>], at: usize) -> Result<u32, Problem> {
    u32::try_from(count(arguments, at)?).map_err(|_| too_large())
}

fn round<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let scale = scale(arguments, 1)?;
    numeric(arguments, |number| number.rescaled(scale, Rounding::HalfUp).ok_or_else(too_large))
}

fn divide<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let by = argument(arguments, 1);
    if first(arguments).is_blank() || by.is_blank() {
        return Ok(NOTHING);
    }
    let (scale, divisor) = (scale(arguments, 2)?, number(by).ok_or_else(|| wrong(by, "number"))?);
    if divisor.is_zero() {
        return Err(Problem::new("nothing is divided by zero", "ask first: `x == 0 ? 0 : divide(..)`"));
    }
    let value = first(arguments);
    let number = number(value).ok_or_else(|| wrong(value, "number"))?;
    let quotient = number.checked_div(&divisor, scale, Rounding::HalfUp).ok_or_else(too_large)?;
    Ok(Worth::Made(Value::Decimal(quotient)))
}

fn extreme<'a>(
    arguments: &[ValueRef<'a>],
    beats: impl Fn(&Decimal, &Decimal) -> bool,
) -> Result<Worth<'a>, Problem> {
    let mut found: Option<(ValueRef<'a>, Decimal)> = None;
    for value in arguments.iter().copied().filter(|value| !value.is_blank()) {
        let number = number(value).ok_or_else(|| wrong(value, "number"))?;
        if found.as_ref().is_none_or(|(_, best)| beats(&number, best)) {
            found = Some((value, number));
        }
    }
    Ok(found.map_or(NOTHING, |(value, _)| Worth::Lent(value)))
}

fn to_number<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let value = first(arguments);
    match value {
        _ if value.is_blank() => Ok(NOTHING),
        ValueRef::Int(_) | ValueRef::Decimal(_) => Ok(Worth::Lent(value)),
        ValueRef::Text(text) => {
            let read = text.trim().parse::<Decimal>();
            let read = read.map_err(|problem| Problem::new(problem.to_string(), "correct the text"))?;
            Ok(Worth::Made(Value::Decimal(read)))
        }
        other => Err(wrong(other, "text")),
    }
}

fn to_text<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let value = first(arguments);
    match (value, arguments.get(1)) {
        (ValueRef::Null | ValueRef::Text(_), _) => Ok(Worth::Lent(value)),
        (ValueRef::Date(date), Some(format)) => {
            let format = text_of(*format)?.unwrap_or("");
            let mut written = String::with_capacity(format.len() + 2);
            if calendar::write(date, format, &mut written) {
                return made(written);
            }
            written.clear();
            let items: Vec<_> = chrono::format::StrftimeItems::new(format).collect();
            if items.iter().any(|item| matches!(item, chrono::format::Item::Error)) {
                return Err(Problem::new("that is no format of a date", "write one such as '%d.%m.%Y'"));
            }
            std::fmt::write(&mut written, format_args!("{}", date.format_with_items(items.iter())))
                .map_err(|_| Problem::new("the format asks for a time", "write one such as '%d.%m.%Y'"))?;
            made(written)
        }
        (ValueRef::Bool(truth), None) => Ok(Worth::text(if truth { "true" } else { "false" })),
        (ValueRef::Int(_) | ValueRef::Decimal(_) | ValueRef::Date(_), None) => made(value.to_string()),
        (other, _) => Err(Problem::new(
            format!("a {} has no text here", other.kind()),
            "leave the format out, or map the field with a copy",
        )),
    }
}

fn date<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    let value = first(arguments);
    match value {
        _ if value.is_blank() => Ok(NOTHING),
        ValueRef::Date(_) => Ok(Worth::Lent(value)),
        ValueRef::LocalDateTime(moment) => Ok(Worth::Lent(ValueRef::Date(moment.date()))),
        ValueRef::Text(text) => {
            let format = match arguments.get(1) {
                Some(format) => text_of(*format)?.unwrap_or(calendar::ISO),
                None => calendar::ISO,
            };
            let plain = calendar::read(text, format);
            let read = plain.or_else(|| NaiveDate::parse_from_str(text.trim(), format).ok());
            read.map(|date| Worth::Lent(ValueRef::Date(date))).ok_or_else(|| {
                Problem::new("the text is no date in that format", "correct the text or the format")
            })
        }
        other => Err(wrong(other, "text")),
    }
}

fn date_of(value: ValueRef<'_>) -> Result<Option<NaiveDate>, Problem> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Date(date) => Ok(Some(date)),
        ValueRef::LocalDateTime(moment) => Ok(Some(moment.date())),
        other => Err(wrong(other, "date")),
    }
}

fn part<'a, T: Into<i64>>(
    arguments: &[ValueRef<'a>],
    part: impl Fn(NaiveDate) -> T,
) -> Result<Worth<'a>, Problem> {
    Ok(date_of(first(arguments))?.map_or(NOTHING, |date| Worth::Lent(ValueRef::Int(part(date).into()))))
}

fn moved<'a>(
    arguments: &[ValueRef<'a>],
    later: impl Fn(NaiveDate, u32) -> Option<NaiveDate>,
    earlier: impl Fn(NaiveDate, u32) -> Option<NaiveDate>,
) -> Result<Worth<'a>, Problem> {
    let Some(date) = date_of(first(arguments))? else { return Ok(NOTHING) };
    let value = argument(arguments, 1);
    let by = number(value).and_then(|number| number.to_i64_exact()).ok_or_else(|| wrong(value, "count"))?;
    let steps = u32::try_from(by.unsigned_abs()).ok();
    let moved = steps.and_then(|steps| if by < 0 { earlier(date, steps) } else { later(date, steps) });
    let moved = moved.map(|date| Worth::Lent(ValueRef::Date(date)));
    moved.ok_or_else(|| Problem::new("no calendar goes that far", "correct the number"))
}

fn add_days<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    moved(
        arguments,
        |date, days| date.checked_add_days(Days::new(u64::from(days))),
        |date, days| date.checked_sub_days(Days::new(u64::from(days))),
    )
}

fn add_months<'a>(arguments: &[ValueRef<'a>]) -> Result<Worth<'a>, Problem> {
    moved(
        arguments,
        |date, months| date.checked_add_months(Months::new(months)),
        |date, months| date.checked_sub_months(Months::new(months)),
    )
}
