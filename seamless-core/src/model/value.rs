//! Values: what a field holds. Owned as [`Value`], borrowed from a record as [`ValueRef`].
//!
//! *Absent* (the system did not say), *unreadable* (it refused to say), *null* (it said that nothing is there) and
//! *empty* (it said "") are different things: the first two are a [`Presence`] or a [`Slot`] without a value, the
//! last two are values. Dates carry no zone and are never shifted by one. Decimals are exact from text to text.
//!
//! Equality of values is numeric for decimals (1.10 equals 1.1) and by content otherwise; values of different
//! kinds are different, converting between kinds is a mapping's work.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::decimal::Decimal;
use super::identity::{EntityName, RecordId};
use super::record::Record;

/// A moment in universal time.
pub type Timestamp = DateTime<Utc>;

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// The system says that nothing is there.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal; money is never a float.
    Decimal(Decimal),
    /// A binary floating point number, for systems that have nothing better.
    Float(f64),
    /// Text, possibly empty.
    Text(Arc<str>),
    /// A day of the calendar, without a zone.
    Date(NaiveDate),
    /// A time of day, without a zone.
    Time(NaiveTime),
    /// A day and a time as a wall clock shows them, without a zone.
    LocalDateTime(NaiveDateTime),
    /// A moment.
    Instant(Instant),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A reference to a record.
    Reference(Arc<Reference>),
    /// A set of values (multi-select): order and repetition mean nothing.
    Set(SetValue),
    /// Child records, in the order the system gave.
    List(Arc<[Record]>),
}

/// A moment in universal time, and how it was written where that is known. Equality and order look at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    /// The moment.
    pub utc: Timestamp,
    /// Minutes east of UTC that the system wrote it with; `None` where it did not say.
    pub offset_minutes: Option<i16>,
}

impl Instant {
    /// A moment written in universal time.
    pub fn utc(utc: Timestamp) -> Self {
        Self { utc, offset_minutes: None }
    }
}

impl PartialEq for Instant {
    fn eq(&self, other: &Self) -> bool {
        self.utc == other.utc
    }
}

impl Eq for Instant {}

/// A reference to a record of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The entity; a field that can point at several entities says which.
    pub entity: EntityName,
    /// The record.
    pub id: RecordId,
}

/// A set of values, sorted and without repetition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetValue(Arc<[Value]>);

impl SetValue {
    /// Sorts the values and drops repetitions.
    pub fn new(values: impl IntoIterator<Item = Value>) -> Self {
        let mut values: Vec<Value> = values.into_iter().collect();
        values.sort_by(Value::total_cmp);
        values.dedup();
        Self(values.into())
    }

    /// The members in the order of [`Value::total_cmp`].
    pub fn members(&self) -> &[Value] {
        &self.0
    }
}

/// The kind of a value, for messages and for mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueKind {
    /// Nothing there.
    Null,
    /// Yes or no.
    Bool,
    /// Whole number.
    Int,
    /// Exact decimal.
    Decimal,
    /// Binary floating point number.
    Float,
    /// Text.
    Text,
    /// Day of the calendar.
    Date,
    /// Time of day.
    Time,
    /// Wall clock.
    LocalDateTime,
    /// Moment.
    Instant,
    /// Bytes.
    Bytes,
    /// Reference to a record.
    Reference,
    /// Set of values.
    Set,
    /// Child records.
    List,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ValueKind::Null => "null",
            ValueKind::Bool => "yes/no",
            ValueKind::Int => "whole number",
            ValueKind::Decimal => "decimal",
            ValueKind::Float => "floating point number",
            ValueKind::Text => "text",
            ValueKind::Date => "date",
            ValueKind::Time => "time",
            ValueKind::LocalDateTime => "local date and time",
            ValueKind::Instant => "instant",
            ValueKind::Bytes => "bytes",
            ValueKind::Reference => "reference",
            ValueKind::Set => "set",
            ValueKind::List => "list of records",
        })
    }
}

/// A value borrowed from a record.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// See [`Value::Null`].
    Null,
    /// See [`Value::Bool`].
    Bool(bool),
    /// See [`Value::Int`].
    Int(i64),
    /// See [`Value::Decimal`].
    Decimal(DecimalRef<'a>),
    /// See [`Value::Float`].
    Float(f64),
    /// See [`Value::Text`].
    Text(&'a str),
    /// See [`Value::Date`].
    Date(NaiveDate),
    /// See [`Value::Time`].
    Time(NaiveTime),
    /// See [`Value::LocalDateTime`].
    LocalDateTime(NaiveDateTime),
    /// See [`Value::Instant`].
    Instant(Instant),
    /// See [`Value::Bytes`].
    Bytes(&'a Arc<[u8]>),
    /// See [`Value::Reference`].
    Reference(&'a Arc<Reference>),
    /// See [`Value::Set`].
    Set(&'a SetValue),
    /// See [`Value::List`].
    List(&'a Arc<[Record]>),
}

/// A decimal borrowed from a record: small ones are stored in place.
#[derive(Clone, Copy, Debug)]
pub enum DecimalRef<'a> {
    /// Mantissa and scale.
    Small(i64, u8),
    /// A decimal that has no small form.
    Large(&'a Decimal),
}

impl DecimalRef<'_> {
    /// An owned copy.
    pub fn to_decimal(self) -> Decimal {
        match self {
            DecimalRef::Small(mantissa, scale) => Decimal::new(mantissa, scale),
            DecimalRef::Large(decimal) => decimal.clone(),
        }
    }
}

impl<'a> ValueRef<'a> {
    /// An owned copy. Text is copied, the other long kinds are shared.
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(value) => Value::Bool(value),
            ValueRef::Int(value) => Value::Int(value),
            ValueRef::Decimal(value) => Value::Decimal(value.to_decimal()),
            ValueRef::Float(value) => Value::Float(value),
            ValueRef::Text(value) => Value::Text(value.into()),
            ValueRef::Date(value) => Value::Date(value),
            ValueRef::Time(value) => Value::Time(value),
            ValueRef::LocalDateTime(value) => Value::LocalDateTime(value),
            ValueRef::Instant(value) => Value::Instant(value),
            ValueRef::Bytes(value) => Value::Bytes(Arc::clone(value)),
            ValueRef::Reference(value) => Value::Reference(Arc::clone(value)),
            ValueRef::Set(value) => Value::Set(value.clone()),
            ValueRef::List(value) => Value::List(Arc::clone(value)),
        }
    }

    /// The kind of the value.
    pub fn kind(self) -> ValueKind {
        match self {
            ValueRef::Null => ValueKind::Null,
            ValueRef::Bool(_) => ValueKind::Bool,
            ValueRef::Int(_) => ValueKind::Int,
            ValueRef::Decimal(_) => ValueKind::Decimal,
            ValueRef::Float(_) => ValueKind::Float,
            ValueRef::Text(_) => ValueKind::Text,
            ValueRef::Date(_) => ValueKind::Date,
            ValueRef::Time(_) => ValueKind::Time,
            ValueRef::LocalDateTime(_) => ValueKind::LocalDateTime,
            ValueRef::Instant(_) => ValueKind::Instant,
            ValueRef::Bytes(_) => ValueKind::Bytes,
            ValueRef::Reference(_) => ValueKind::Reference,
            ValueRef::Set(_) => ValueKind::Set,
            ValueRef::List(_) => ValueKind::List,
        }
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }

    /// Whether it is null, empty text or an empty list: what a person calls blank.
    pub fn is_blank(self) -> bool {
        match self {
            ValueRef::Null | ValueRef::Text("") => true,
            ValueRef::List(lines) => lines.is_empty(),
            _ => false,
        }
    }

    /// The text, where it is one.
    pub fn as_text(self) -> Option<&'a str> {
        match self {
            ValueRef::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Writes the canonical encoding: a tag of the kind, then the content, prefixed by its length where that
    /// varies. Equal values give equal bytes, different ones differ; this is what fingerprints are made of.
    pub fn write_canonical(self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8 + 1);
        match self {
            ValueRef::Null => {}
            ValueRef::Bool(value) => out.push(u8::from(value)),
            ValueRef::Int(value) => out.extend_from_slice(&value.to_le_bytes()),
            ValueRef::Decimal(value) => with_length(out, |out| value.to_decimal().write_canonical(out)),
            ValueRef::Float(value) => out.extend_from_slice(&canonical_float(value).to_le_bytes()),
            ValueRef::Text(value) => push_bytes(out, value.as_bytes()),
            ValueRef::Date(value) => out.extend_from_slice(&days(value).to_le_bytes()),
            ValueRef::Time(value) => out.extend_from_slice(&time_bits(value).to_le_bytes()),
            ValueRef::LocalDateTime(value) => {
                out.extend_from_slice(&days(value.date()).to_le_bytes());
                out.extend_from_slice(&time_bits(value.time()).to_le_bytes());
            }
            ValueRef::Instant(value) => {
                out.extend_from_slice(&value.utc.timestamp().to_le_bytes());
                out.extend_from_slice(&value.utc.timestamp_subsec_nanos().to_le_bytes());
            }
            ValueRef::Bytes(value) => push_bytes(out, value),
            ValueRef::Reference(value) => {
                push_bytes(out, value.entity.as_str().as_bytes());
                push_bytes(out, value.id.as_bytes());
            }
            ValueRef::Set(value) => {
                push_length(out, value.members().len());
                value.members().iter().for_each(|member| member.as_ref().write_canonical(out));
            }
            ValueRef::List(value) => {
                push_length(out, value.len());
                value.iter().for_each(|record| record.write_canonical(out));
            }
        }
    }
}

pub(crate) fn push_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn with_length(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::with_capacity(16);
    write(&mut content);
    push_bytes(out, &content);
}

pub(crate) fn days(date: NaiveDate) -> i32 {
    chrono::Datelike::num_days_from_ce(&date)
}

pub(crate) fn time_bits(time: NaiveTime) -> u64 {
    let (seconds, nanos) =
        (chrono::Timelike::num_seconds_from_midnight(&time), chrono::Timelike::nanosecond(&time));
    (u64::from(seconds) << 32) | u64::from(nanos)
}

fn canonical_float(value: f64) -> u64 {
    if value == 0.0 {
        0
    } else if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        value.to_bits()
    }
}

impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (ValueRef::Null, ValueRef::Null) => true,
            (ValueRef::Bool(a), ValueRef::Bool(b)) => a == b,
            (ValueRef::Int(a), ValueRef::Int(b)) => a == b,
            (ValueRef::Decimal(a), ValueRef::Decimal(b)) => a.to_decimal() == b.to_decimal(),
            (ValueRef::Float(a), ValueRef::Float(b)) => canonical_float(*a) == canonical_float(*b),
            (ValueRef::Text(a), ValueRef::Text(b)) => a == b,
            (ValueRef::Date(a), ValueRef::Date(b)) => a == b,
            (ValueRef::Time(a), ValueRef::Time(b)) => a == b,
            (ValueRef::LocalDateTime(a), ValueRef::LocalDateTime(b)) => a == b,
            (ValueRef::Instant(a), ValueRef::Instant(b)) => a == b,
            (ValueRef::Bytes(a), ValueRef::Bytes(b)) => a == b,
            (ValueRef::Reference(a), ValueRef::Reference(b)) => a == b,
            (ValueRef::Set(a), ValueRef::Set(b)) => a == b,
            (ValueRef::List(a), ValueRef::List(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// Text from a string slice.
    pub fn text(text: &str) -> Self {
        Value::Text(text.into())
    }

    /// The same value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Bool(*value),
            Value::Int(value) => ValueRef::Int(*value),
            Value::Decimal(value) => ValueRef::Decimal(match value.small_parts() {
                Some((mantissa, scale)) => DecimalRef::Small(mantissa, scale),
                None => DecimalRef::Large(value),
            }),
            Value::Float(value) => ValueRef::Float(*value),
            Value::Text(value) => ValueRef::Text(value),
            Value::Date(value) => ValueRef::Date(*value),
            Value::Time(value) => ValueRef::Time(*value),
            Value::LocalDateTime(value) => ValueRef::LocalDateTime(*value),
            Value::Instant(value) => ValueRef::Instant(*value),
            Value::Bytes(value) => ValueRef::Bytes(value),
            Value::Reference(value) => ValueRef::Reference(value),
            Value::Set(value) => ValueRef::Set(value),
            Value::List(value) => ValueRef::List(value),
        }
    }

    /// The kind of the value.
    pub fn kind(&self) -> ValueKind {
        self.as_ref().kind()
    }

    /// Whether it is null or empty text.
    pub fn is_blank(&self) -> bool {
        self.as_ref().is_blank()
    }

    /// A total order that agrees with equality: by kind, then by content.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        self.kind().cmp(&other.kind()).then_with(|| match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => {
                f64::from_bits(canonical_float(*a)).total_cmp(&f64::from_bits(canonical_float(*b)))
            }
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::LocalDateTime(a), Value::LocalDateTime(b)) => a.cmp(b),
            (Value::Instant(a), Value::Instant(b)) => a.utc.cmp(&b.utc),
            _ => {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                self.as_ref().write_canonical(&mut a);
                other.as_ref().write_canonical(&mut b);
                a.cmp(&b)
            }
        })
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut bytes = Vec::with_capacity(32);
        self.as_ref().write_canonical(&mut bytes);
        bytes.hash(state);
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::text(text)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Value::Decimal(value)
    }
}

/// What a record says of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Presence<'a> {
    /// The system did not say. In a base: there is no base yet.
    Absent,
    /// The system refused to say.
    Unreadable,
    /// The system said this; null is something said.
    Value(ValueRef<'a>),
}

impl<'a> Presence<'a> {
    /// The value, where one was said.
    pub fn value(self) -> Option<ValueRef<'a>> {
        match self {
            Presence::Value(value) => Some(value),
            Presence::Absent | Presence::Unreadable => None,
        }
    }

    /// Whether the system did not say.
    pub fn is_absent(self) -> bool {
        matches!(self, Presence::Absent)
    }

    /// Whether the system refused to say.
    pub fn is_unreadable(self) -> bool {
        matches!(self, Presence::Unreadable)
    }

    /// An owned copy.
    pub fn to_slot(self) -> Slot {
        match self {
            Presence::Absent => Slot::Absent,
            Presence::Unreadable => Slot::Unreadable,
            Presence::Value(value) => Slot::Value(value.to_value()),
        }
    }
}

/// An owned [`Presence`]. At most 24 bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Slot {
    /// The system did not say.
    #[default]
    Absent,
    /// The system refused to say.
    Unreadable,
    /// The system said this.
    Value(Value),
}

impl Slot {
    /// The same, borrowed.
    pub fn as_presence(&self) -> Presence<'_> {
        match self {
            Slot::Absent => Presence::Absent,
            Slot::Unreadable => Presence::Unreadable,
            Slot::Value(value) => Presence::Value(value.as_ref()),
        }
    }
}

impl From<Value> for Slot {
    fn from(value: Value) -> Self {
        Slot::Value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{SetValue, Slot, Value};

    #[test]
    fn a_slot_is_at_most_24_bytes() {
        assert!(size_of::<Slot>() <= 24);
    }

    #[test]
    fn decimals_are_equal_by_number_and_kinds_never_mix() {
        let decimal = |text: &str| Value::Decimal(text.parse().unwrap());
        assert_eq!(decimal("1.10"), decimal("1.1"));
        assert_ne!(decimal("5"), Value::Int(5));
        assert_ne!(Value::Null, Value::text(""));
    }

    #[test]
    fn order_and_repetition_mean_nothing_in_a_set() {
        let a = SetValue::new([Value::Int(2), Value::Int(1), Value::Int(2)]);
        assert_eq!(a, SetValue::new([Value::Int(1), Value::Int(2)]));
    }
}
