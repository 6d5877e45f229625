//! The stored forms of values, records and names.

use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

use super::bytes::{Form, ROOM_MAX, Reader, Writer, unknown_tag};
use super::corrupt;
use crate::connector::Cursor;
use crate::model::{
    ActionId, ActionName, Bits, DecimalRef, EntityName, FIELDS_MAX, FieldName, Instant, LinkId, Presence,
    Record, RecordBuilder, RecordId, Reference, RuleId, SetValue, Shape, Side, Slot, Timestamp, Value,
    ValueRef, Version,
};
use crate::model::{Decimal, Result};

// Tags of what a record says of a field. They are stored: never give one another meaning.
const ABSENT: u8 = 0;
const UNREADABLE: u8 = 1;
const NULL: u8 = 2;
const NO: u8 = 3;
const YES: u8 = 4;
const INT: u8 = 5;
const DECIMAL_SMALL: u8 = 6;
const DECIMAL_LARGE: u8 = 7;
const FLOAT: u8 = 8;
const TEXT: u8 = 9;
const DATE: u8 = 10;
const TIME: u8 = 11;
const LOCAL: u8 = 12;
const INSTANT: u8 = 13;
const BYTES: u8 = 14;
const REFERENCE: u8 = 15;
const SET: u8 = 16;
const LIST: u8 = 17;
/// Of a slot that says what the record before says in it: `alike`.
pub(super) const AS_BEFORE: u8 = 18;

/// What was read of a field: in place where the kind allows it.
pub(super) enum Held<'a> {
    Absent,
    Unreadable,
    Plain(ValueRef<'a>),
    Owned(Value),
}

impl Held<'_> {
    pub(super) fn as_presence(&self) -> Presence<'_> {
        match self {
            Held::Absent => Presence::Absent,
            Held::Unreadable => Presence::Unreadable,
            Held::Plain(value) => Presence::Value(*value),
            Held::Owned(value) => Presence::Value(value.as_ref()),
        }
    }
}

/// Appends every slot of a record, without its shape.
pub(super) fn put_slots(record: &Record, to: &mut Writer<'_>) -> Result<()> {
    put_slots_by(record, |presence| put_presence(presence, to))
}

/// Goes through every slot of a record.
pub(super) fn put_slots_by(record: &Record, put: impl FnMut(Presence<'_>) -> Result<()>) -> Result<()> {
    (0..record.shape().len()).map(|slot| record.get(slot)).try_for_each(put)
}

/// Reads every slot of a record of this shape.
pub(super) fn take_slots(shape: &Arc<Shape>, from: &mut Reader<'_>) -> Result<Record> {
    let mut record = RecordBuilder::new(shape);
    for _ in 0..shape.len() {
        record.push(take_held(from)?.as_presence());
    }
    Ok(record.finish())
}

pub(super) fn put_presence(presence: Presence<'_>, to: &mut Writer<'_>) -> Result<()> {
    match presence {
        Presence::Absent => to.byte(ABSENT),
        Presence::Unreadable => to.byte(UNREADABLE),
        Presence::Value(value) => return put_value(value, to),
    }
    Ok(())
}

pub(super) fn put_value(value: ValueRef<'_>, to: &mut Writer<'_>) -> Result<()> {
    match value {
        ValueRef::Null => to.byte(NULL),
        ValueRef::Bool(value) => to.byte(if value { YES } else { NO }),
        ValueRef::Int(value) => {
            to.byte(INT);
            to.signed(value);
        }
        ValueRef::Decimal(DecimalRef::Small(mantissa, scale)) => {
            to.byte(DECIMAL_SMALL);
            to.byte(scale);
            to.signed(mantissa);
        }
        ValueRef::Decimal(DecimalRef::Large(decimal)) => {
            to.byte(DECIMAL_LARGE);
            to.bytes(decimal.to_string().as_bytes());
        }
        ValueRef::Float(value) => {
            to.byte(FLOAT);
            to.raw(&value.to_bits().to_le_bytes());
        }
        ValueRef::Text(value) => {
            to.byte(TEXT);
            to.bytes(value.as_bytes());
        }
        ValueRef::Date(value) => {
            to.byte(DATE);
            put_date(value, to);
        }
        ValueRef::Time(value) => {
            to.byte(TIME);
            put_time(value, to);
        }
        ValueRef::LocalDateTime(value) => {
            to.byte(LOCAL);
            put_date(value.date(), to);
            put_time(value.time(), to);
        }
        ValueRef::Instant(value) => {
            to.byte(INSTANT);
            value.utc.put(to)?;
            match value.offset_minutes {
                None => to.byte(0),
                Some(minutes) => {
                    to.byte(1);
                    to.signed(i64::from(minutes));
                }
            }
        }
        ValueRef::Bytes(value) => {
            to.byte(BYTES);
            to.bytes(value);
        }
        ValueRef::Reference(value) => {
            to.byte(REFERENCE);
            value.entity.put(to)?;
            value.id.put(to)?;
        }
        ValueRef::Set(value) => {
            to.byte(SET);
            to.number(value.members().len() as u64);
            return to
                .nested(|to| value.members().iter().try_for_each(|member| put_value(member.as_ref(), to)));
        }
        ValueRef::List(value) => {
            to.byte(LIST);
            return to.nested(|to| put_list(value, to));
        }
    }
    Ok(())
}

/// Child records: each says whether its field names are those of the one before it.
fn put_list(records: &[Record], to: &mut Writer<'_>) -> Result<()> {
    to.number(records.len() as u64);
    let mut known: Option<&Arc<Shape>> = None;
    for record in records {
        let shape = record.shape();
        let same = known.is_some_and(|known| Arc::ptr_eq(known, shape) || known == shape);
        same.put(to)?;
        if !same {
            put_shape(shape, to)?;
            known = Some(shape);
        }
        put_slots(record, to)?;
    }
    Ok(())
}

fn take_list(from: &mut Reader<'_>) -> Result<Vec<Record>> {
    let count = from.count()?;
    let mut records = Vec::with_capacity(count.min(ROOM_MAX));
    let mut known: Option<Arc<Shape>> = None;
    for _ in 0..count {
        let same = bool::take(from)?;
        let shape = match &known {
            Some(known) if same => Arc::clone(known),
            None if same => return Err(corrupt("the first of stored child records has no field names")),
            _ => take_shape(from)?,
        };
        records.push(take_slots(&shape, from)?);
        known = Some(shape);
    }
    Ok(records)
}

/// Appends the field names of a shape.
fn put_shape(shape: &Shape, to: &mut Writer<'_>) -> Result<()> {
    to.number(shape.len() as u64);
    shape.names().iter().try_for_each(|name| name.put(to))
}

fn take_shape(from: &mut Reader<'_>) -> Result<Arc<Shape>> {
    let names: Vec<FieldName> = Form::take(from)?;
    if names.len() > FIELDS_MAX {
        return Err(corrupt("a stored record has too many fields"));
    }
    Shape::new(names)
        .map_err(|cause| corrupt("the field names of a stored record are wrong").caused_by(cause))
}

impl Form for Arc<Shape> {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        put_shape(self, to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        take_shape(from)
    }
}

pub(super) fn take_held<'a>(from: &mut Reader<'a>) -> Result<Held<'a>> {
    Ok(match from.byte()? {
        ABSENT => Held::Absent,
        UNREADABLE => Held::Unreadable,
        NULL => Held::Plain(ValueRef::Null),
        NO => Held::Plain(ValueRef::Bool(false)),
        YES => Held::Plain(ValueRef::Bool(true)),
        INT => Held::Plain(ValueRef::Int(from.signed()?)),
        DECIMAL_SMALL => {
            let scale = from.byte()?;
            Held::Plain(ValueRef::Decimal(DecimalRef::Small(from.signed()?, scale)))
        }
        DECIMAL_LARGE => {
            let text = from.text()?;
            // We write digits only: an exponent would become thousands of digits that the bytes do not pay for.
            if text.contains(['e', 'E']) {
                return Err(corrupt("a stored decimal has an exponent"));
            }
            let decimal = Decimal::parse(text);
            let decimal =
                decimal.map_err(|cause| corrupt("a stored decimal is not readable").caused_by(cause))?;
            Held::Owned(Value::Decimal(decimal))
        }
        FLOAT => Held::Plain(ValueRef::Float(f64::from_bits(u64::from_le_bytes(from.array()?)))),
        TEXT => Held::Plain(ValueRef::Text(from.text()?)),
        DATE => Held::Plain(ValueRef::Date(take_date(from)?)),
        TIME => Held::Plain(ValueRef::Time(take_time(from)?)),
        LOCAL => Held::Plain(ValueRef::LocalDateTime(NaiveDateTime::new(take_date(from)?, take_time(from)?))),
        INSTANT => {
            let utc = Timestamp::take(from)?;
            let offset_minutes = if bool::take(from)? {
                let minutes = i16::try_from(from.signed()?);
                Some(minutes.map_err(|_| corrupt("a stored offset from UTC is too large"))?)
            } else {
                None
            };
            Held::Plain(ValueRef::Instant(Instant { utc, offset_minutes }))
        }
        BYTES => Held::Owned(Value::Bytes(from.bytes()?.into())),
        REFERENCE => {
            let (entity, id) = (EntityName::take(from)?, RecordId::take(from)?);
            Held::Owned(Value::Reference(Arc::new(Reference { entity, id })))
        }
        SET => {
            let members: Vec<Value> = from.nested(Form::take)?;
            Held::Owned(Value::Set(SetValue::new(members)))
        }
        LIST => Held::Owned(Value::List(from.nested(take_list)?.into())),
        tag => return Err(unknown_tag("value", tag)),
    })
}

fn put_date(date: NaiveDate, to: &mut Writer<'_>) {
    to.signed(i64::from(date.num_days_from_ce()));
}

fn take_date(from: &mut Reader<'_>) -> Result<NaiveDate> {
    let days = i32::try_from(from.signed()?).ok();
    days.and_then(NaiveDate::from_num_days_from_ce_opt)
        .ok_or_else(|| corrupt("a stored date is out of range"))
}

fn put_time(time: NaiveTime, to: &mut Writer<'_>) {
    to.number(u64::from(time.num_seconds_from_midnight()));
    to.number(u64::from(time.nanosecond()));
}

fn take_time(from: &mut Reader<'_>) -> Result<NaiveTime> {
    let (seconds, nanos) = (from.narrow()?, from.narrow()?);
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
        .ok_or_else(|| corrupt("a stored time of day is out of range"))
}

impl Form for Timestamp {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.signed(self.timestamp());
        to.number(u64::from(self.timestamp_subsec_nanos()));
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let (seconds, nanos) = (from.signed()?, from.narrow()?);
        DateTime::from_timestamp(seconds, nanos).ok_or_else(|| corrupt("a stored moment is out of range"))
    }
}

impl Form for Value {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        put_value(self.as_ref(), to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match take_held(from)? {
            Held::Plain(value) => Ok(value.to_value()),
            Held::Owned(value) => Ok(value),
            Held::Absent | Held::Unreadable => Err(corrupt("a stored value says nothing")),
        }
    }
}

impl Form for Slot {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        put_presence(self.as_presence(), to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Ok(match take_held(from)? {
            Held::Absent => Slot::Absent,
            Held::Unreadable => Slot::Unreadable,
            Held::Plain(value) => Slot::Value(value.to_value()),
            Held::Owned(value) => Slot::Value(value),
        })
    }
}

/// A record with the number of its shape.
impl Form for Record {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.shape(self.shape())?;
        put_slots(self, to)
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let shape = from.shape()?;
        take_slots(&shape, from)
    }
}

macro_rules! names {
    ($($name:ty),*) => {$(
        impl Form for $name {
            fn put(&self, to: &mut Writer<'_>) -> Result<()> {
                to.bytes(self.as_str().as_bytes());
                Ok(())
            }

            fn take(from: &mut Reader<'_>) -> Result<Self> {
                from.name().map(Self::new)
            }
        }
    )*};
}

names!(ActionName, EntityName, FieldName, LinkId, RuleId);

impl Form for Version {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.bytes(self.as_str().as_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        from.text().map(Self::new)
    }
}

impl Form for RecordId {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.bytes(self.as_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        Self::from_bytes(from.bytes()?).ok_or_else(|| corrupt("a stored record id is not readable"))
    }
}

impl Form for ActionId {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.raw(self.as_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        from.array().map(Self::from_bytes)
    }
}

impl Form for Cursor {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.bytes(self.as_bytes());
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        from.bytes().map(Self::new)
    }
}

impl Form for Side {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.byte(match self {
            Side::Left => 0,
            Side::Right => 1,
        });
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        match from.byte()? {
            0 => Ok(Side::Left),
            1 => Ok(Side::Right),
            tag => Err(unknown_tag("side", tag)),
        }
    }
}

/// The members, each as its distance from the one before: what a set of small indexes costs is a byte a member.
impl Form for Bits {
    fn put(&self, to: &mut Writer<'_>) -> Result<()> {
        to.number(self.len() as u64);
        let mut from = 0;
        for index in self.iter() {
            to.number((index - from) as u64);
            from = index;
        }
        Ok(())
    }

    fn take(from: &mut Reader<'_>) -> Result<Self> {
        let mut bits = Bits::new();
        let mut at = 0_u64;
        for _ in 0..from.count()? {
            at = at.saturating_add(from.number()?);
            // A set takes room for its largest member: groups of rules are counted in 16 bits.
            let index = u16::try_from(at).map_err(|_| corrupt("a stored index is too large"))?;
            bits.insert(usize::from(index));
        }
        Ok(bits)
    }
}
