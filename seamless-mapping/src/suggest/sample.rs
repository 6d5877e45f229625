//! Values that were read of some records, as evidence of what corresponds: how many are the same on both sides, and what
//! they look like. Kept small whatever is added: at most [`DISTINCT_MAX`] different values of a field, none longer than
//! [`CHARACTERS_MAX`]. Says no value in words unless the host allows it. The door is [`Samples`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use seamless_core::model::{EntityName, FieldName, Record, ValueRef};

/// Different values of a field that are kept, at most.
pub const DISTINCT_MAX: usize = 2_000;

/// Characters of a value that is kept, at most: longer ones are prose, and tell nothing.
pub const CHARACTERS_MAX: usize = 100;

/// Values fewer than this are met by chance.
const VALUES_MIN: usize = 5;

/// Values of a list of codes that must be the same: a list is short, and its values come again and again.
const CODES_MIN: usize = 3;

/// How many records a value of a list of codes is in, on average, at least.
const CODES_REPEAT: usize = 3;

/// What a value of a text must have, and how many digits a number, to tell anything: small numbers are the same everywhere.
const TELLING_CHARACTERS: usize = 3;
const TELLING_DIGITS: usize = 4;

/// Values of some records of a system.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    entities: BTreeMap<EntityName, BTreeMap<FieldName, Seen>>,
    clear: bool,
}

/// What was seen of a field.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    records: usize,
    filled: usize,
    values: BTreeSet<String>,
    forms: BTreeMap<Form, usize>,
    clear: bool,
}

/// What values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `kim@adatum.example`.
    Email,
    /// `+49 30 123456`.
    Phone,
    /// `SW1A 1AA`, `10115`.
    PostalCode,
    /// `https://adatum.example`.
    Web,
    /// Thirty-two hexadecimal digits in five groups.
    Guid,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Email => "e-mail addresses",
            Form::Phone => "telephone numbers",
            Form::PostalCode => "postal codes",
            Form::Web => "web addresses",
            Form::Guid => "identifiers",
        })
    }
}

impl Samples {
    /// Samples of which no value is said in words: only what it looks like.
    pub fn masked() -> Self {
        Self::default()
    }

    /// Samples of which values may be said.
    pub fn clear() -> Self {
        Self { clear: true, ..Self::default() }
    }

    /// Adds what a record of an entity holds. Fields that were not read or may not be read are left out.
    pub fn add(&mut self, entity: &EntityName, record: &Record) {
        let fields = self.entities.entry(entity.clone()).or_default();
        for (name, held) in record.fields() {
            let Some(value) = held.value() else { continue };
            let fresh = || Seen { clear: self.clear, ..Seen::default() };
            fields.entry(name.clone()).or_insert_with(fresh).add(value);
        }
    }

    /// What was seen of a field.
    pub fn of(&self, entity: &EntityName, field: &FieldName) -> Option<&Seen> {
        self.entities.get(entity)?.get(field)
    }
}

impl Seen {
    fn add(&mut self, value: ValueRef<'_>) {
        self.records += 1;
        if value.is_blank() {
            return;
        }
        self.filled += 1;
        if let ValueRef::Text(text) = value
            && let Some(form) = form_of(text.trim())
        {
            *self.forms.entry(form).or_default() += 1;
        }
        if let Some(plain) = plain(value)
            && self.values.len() < DISTINCT_MAX
        {
            self.values.insert(plain);
        }
    }

    /// What nearly all of its values look like.
    pub fn form(&self) -> Option<Form> {
        let (form, count) = self.forms.iter().max_by_key(|(_, count)| **count)?;
        (self.filled >= VALUES_MIN && count * 10 >= self.filled * 9).then_some(*form)
    }

    /// Whether it holds a few values again and again.
    fn is_list(&self) -> bool {
        self.values.len() >= CODES_MIN && self.filled >= self.values.len() * CODES_REPEAT
    }

    /// Whether no two records have the same value.
    pub(crate) fn tells_apart(&self) -> bool {
        self.filled >= VALUES_MIN && self.values.len() == self.filled
    }

    /// In words: how many records have a value, how many are different, what they look like. Says no value.
    pub fn words(&self) -> String {
        let form = self.form().map(|form| format!(", {form}")).unwrap_or_default();
        let list = if self.is_list() { ", a list" } else { "" };
        format!("{} of {} filled, {} different{form}{list}", self.filled, self.records, self.values.len())
    }
}

/// A value as it may be said: as it is, or letters as `a` and digits as `0`.
fn shown(value: &str, clear: bool) -> String {
    if clear {
        return value.to_owned();
    }
    let masked = |c: char| match c {
        c if c.is_numeric() => '0',
        c if c.is_alphanumeric() => 'a',
        c => c,
    };
    value.chars().map(masked).collect()
}

/// What the values of two fields say of their correspondence.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// How likely the same values make it, from 0 to 1; 0 where they say nothing.
    pub(crate) overlap: f64,
    /// What the looks of the values add, or take away.
    pub(crate) looks: f64,
    /// In words, each after a comma.
    pub(crate) words: String,
}

/// Compares what was seen of two fields. The order of the two does not matter for the numbers.
pub(crate) fn told(left: &Seen, right: &Seen) -> Told {
    let mut told = Told::default();
    let shared: Vec<&String> = left.values.intersection(&right.values).collect();
    let of = left.values.len().min(right.values.len());
    let lists = left.is_list() && right.is_list();
    let enough = if lists { CODES_MIN } else { VALUES_MIN };
    let telling = lists || shared.iter().filter(|value| is_telling(value)).count() * 2 > shared.len();
    if shared.len() >= enough && telling && of > 0 {
        told.overlap = 0.7 + 0.28 * (shared.len() as f64 / of as f64);
        let example = shared.iter().find(|value| lists || is_telling(value)).copied();
        let clear = left.clear && right.clear;
        let shown = example.map_or_else(String::new, |value| format!(" (such as {})", shown(value, clear)));
        let what = if lists { "values of two lists" } else { "values" };
        told.words = format!(", {} of {of} {what} are the same{shown}", shared.len());
    }
    match (left.form(), right.form()) {
        (Some(a), Some(b)) if a == b => {
            told.looks = 0.12;
            told.words.push_str(&format!(", both hold {a}"));
        }
        (Some(a), Some(b)) => {
            told.looks = -0.25;
            told.words.push_str(&format!(", but {a} here and {b} there"));
        }
        _ => {}
    }
    told
}

/// The word of the equivalence under which values that look alike agree.
pub(crate) fn same_when(left: &Seen, right: &Seen) -> Option<&'static str> {
    let form = left.form().filter(|form| right.form() == Some(*form))?;
    match form {
        Form::Email => Some("email"),
        Form::Phone => Some("digits"),
        Form::PostalCode | Form::Web | Form::Guid => None,
    }
}

fn is_telling(value: &str) -> bool {
    match value.chars().all(|c| c.is_numeric() || matches!(c, '.' | '-')) {
        true => value.chars().filter(|c| c.is_numeric()).count() >= TELLING_DIGITS,
        false => value.chars().count() >= TELLING_CHARACTERS,
    }
}

/// A value as it is compared: small letters without blanks around, telephone numbers by their digits.
fn plain(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Text(text) => {
            let text = text.trim();
            match form_of(text) {
                Some(Form::Phone) => Some(text.chars().filter(char::is_ascii_digit).collect()),
                _ => (text.chars().count() <= CHARACTERS_MAX).then(|| text.to_lowercase()),
            }
        }
        ValueRef::Int(number) => Some(number.to_string()),
        ValueRef::Decimal(number) => Some(number.to_decimal().normalised().to_string()),
        ValueRef::Date(date) => Some(date.to_string()),
        _ => None,
    }
}

/// What a text looks like, where it looks like something.
fn form_of(text: &str) -> Option<Form> {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let small = text.to_lowercase();
    if let Some((name, host)) = text.split_once('@') {
        let host = !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|part| !part.is_empty());
        return (!name.is_empty() && host && !text.contains(char::is_whitespace)).then_some(Form::Email);
    }
    if ["http://", "https://", "www."].iter().any(|begin| small.starts_with(begin)) {
        return Some(Form::Web);
    }
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Some(Form::Guid);
    }
    if text.chars().all(|c| c.is_ascii_digit()) {
        return match digits {
            4 | 5 => Some(Form::PostalCode),
            7..=15 if text.starts_with('0') => Some(Form::Phone),
            _ => None,
        };
    }
    let of_phone = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '/' | '.' | ' ');
    if text.chars().all(of_phone) {
        // 1.234.567 is an amount, 2024-02-29 a day.
        let amount = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
        return ((7..=15).contains(&digits) && !amount).then_some(Form::Phone);
    }
    let of_code = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, ' ' | '-');
    let letters = text.chars().filter(char::is_ascii_uppercase).count();
    let parted = text.split([' ', '-']).filter(|part| !part.is_empty()).count() == 2;
    (parted
        && (5..=9).contains(&text.len())
        && text.chars().all(of_code)
        && digits > 0
        && (1..=5).contains(&letters))
    .then_some(Form::PostalCode)
}

#[cfg(test)]
mod tests {
    use super::{Form, form_of};

    #[test]
    fn values_look_like_what_people_would_say() {
        for (text, form) in [
            ("kim@adatum.example", Some(Form::Email)),
            ("kim at adatum", None),
            ("kim@adatum", None),
            ("a@b@c.example", None),
            ("+49 (30) 123-456", Some(Form::Phone)),
            ("555-0100 12", Some(Form::Phone)),
            ("030123456", Some(Form::Phone)),
            ("2024-02-29", None),
            ("1.234.567", None),
            ("10115", Some(Form::PostalCode)),
            ("SW1A 1AA", Some(Form::PostalCode)),
            ("1012 AB", Some(Form::PostalCode)),
            ("C10010", None),
            ("https://adatum.example/a", Some(Form::Web)),
            ("0f8fad5b-d9cb-469f-a165-70867728950e", Some(Form::Guid)),
            ("Adatum", None),
            ("", None),
        ] {
            assert_eq!(form_of(text), form, "{text}");
        }
    }
}
