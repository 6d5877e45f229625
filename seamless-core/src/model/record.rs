//! Records: a shared shape and one arena per record. The door is [`RecordBuilder`].
//!
//! A [`Shape`] interns the field names of a query once; a record then holds a 16-byte cell per field and one text
//! buffer, so that comparing two records of a shape is a walk over words, not over maps. Records that were built
//! from the same values in the same order have the same bytes, which makes "nothing changed" one memory comparison.
//! A 20-field business record costs about 1.5 times its data.
//!
//! Why an arena and not a vector of [`Value`]: the engine always works on cold memory, where a pointer per text
//! costs twice the time and two and a half times the space (`benches/`, `diff`).

mod compare;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

use super::decimal::Decimal;
use super::error::{Error, ErrorKind, Result};
use super::identity::FieldName;
use super::value::{
    DecimalRef, Instant, Presence, Slot, Value, ValueRef, days, push_bytes, push_length, time_bits,
};

/// Fields in one shape at most: what keeps a slot index in 16 bits.
pub const FIELDS_MAX: usize = 4096;

/// Bytes of text in one record at most: what keeps an offset in 32 bits.
pub const RECORD_TEXT_BYTES_MAX: usize = 1 << 31;

/// The field names of a record, interned once and shared by every record of a query.
#[derive(Debug)]
pub struct Shape {
    names: Box<[FieldName]>,
    slots: HashMap<FieldName, usize>,
}

impl Shape {
    /// A shape of these fields, in this order.
    ///
    /// Errors: a name twice, or more than [`FIELDS_MAX`] names.
    pub fn new(names: impl IntoIterator<Item = FieldName>) -> Result<Arc<Self>> {
        let names: Box<[FieldName]> = names.into_iter().collect();
        if names.len() > FIELDS_MAX {
            return Err(Error::new(ErrorKind::Limit, format!("{} fields in one record", names.len()))
                .with_remedy(format!("at most {FIELDS_MAX} fields can be read at once; map fewer")));
        }
        let mut slots = HashMap::with_capacity(names.len());
        for (slot, name) in names.iter().enumerate() {
            if slots.insert(name.clone(), slot).is_some() {
                return Err(Error::configuration("a field is named twice in one record").at("field", name));
            }
        }
        Ok(Arc::new(Self { names, slots }))
    }

    /// The slot of a field.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.slots.get(name).copied()
    }

    /// The names, in slot order.
    pub fn names(&self) -> &[FieldName] {
        &self.names
    }

    /// The name of a slot.
    pub fn name(&self, slot: usize) -> Option<&FieldName> {
        self.names.get(slot)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Shape {}

/// One field of a record: its kind and small facts in the head, its content or the place of it in the payload.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Cell {
    head: u64,
    payload: u64,
}

// The kind of the default cell.
const ABSENT: u8 = 0;
const UNREADABLE: u8 = 1;
const NULL: u8 = 2;
const BOOL: u8 = 3;
const INT: u8 = 4;
const DECIMAL: u8 = 5;
const FLOAT: u8 = 6;
const TEXT: u8 = 7;
const DATE: u8 = 8;
const TIME: u8 = 9;
const LOCAL: u8 = 10;
const INSTANT: u8 = 11;
const EXTRA: u8 = 12;

const NO_OFFSET: u16 = u16::MAX;

impl Cell {
    /// Head: kind in bits 0..8, a byte in 8..16, a half word in 16..32, a word in 32..64.
    fn new(kind: u8, byte: u8, half: u16, word: u32, payload: u64) -> Self {
        let head = u64::from(kind) | u64::from(byte) << 8 | u64::from(half) << 16 | u64::from(word) << 32;
        Self { head, payload }
    }

    fn kind(self) -> u8 {
        self.head as u8
    }

    fn byte(self) -> u8 {
        (self.head >> 8) as u8
    }

    fn half(self) -> u16 {
        (self.head >> 16) as u16
    }

    fn word(self) -> u32 {
        (self.head >> 32) as u32
    }
}

/// A record: what a system said of the fields of a shape.
///
/// Immutable; [`Record::with`] makes a changed copy. Equality is field by field and numeric for decimals.
#[derive(Clone)]
pub struct Record {
    shape: Arc<Shape>,
    cells: Box<[Cell]>,
    text: String,
    extras: Option<Box<[Value]>>,
    low: Low,
}

/// What is known of the slots below 64 from when the record was built, as bits: lets two records be compared by
/// words, and asked whether all was said, without a look at every cell.
#[derive(Clone, Copy, Default)]
struct Low {
    /// Slots that are absent or unreadable.
    unsaid: u64,
    /// Slots that hold text.
    text: u64,
    /// Slots whose kind can be equal in different bytes.
    soft: u64,
}

impl Record {
    /// A record of this shape about which nothing was said.
    pub fn absent(shape: &Arc<Shape>) -> Self {
        RecordBuilder::new(shape).finish()
    }

    /// The fields that this record speaks of.
    pub fn shape(&self) -> &Arc<Shape> {
        &self.shape
    }

    /// The text that a slot holds; `None` where it holds none, whatever else it says.
    #[inline]
    pub fn text(&self, slot: usize) -> Option<&str> {
        let cell = self.cells.get(slot).filter(|cell| cell.kind() == TEXT)?;
        let from = cell.payload as usize;
        self.text.get(from..from + cell.word() as usize)
    }

    /// Whether a slot holds a value, be it null.
    #[inline]
    pub fn holds(&self, slot: usize) -> bool {
        self.cells.get(slot).is_some_and(|cell| !matches!(cell.kind(), ABSENT | UNREADABLE))
    }

    /// What the record says of a slot; absent beyond the shape.
    #[inline]
    pub fn get(&self, slot: usize) -> Presence<'_> {
        match self.cells.get(slot) {
            Some(cell) => self.presence(*cell),
            None => Presence::Absent,
        }
    }

    /// The slots, below the shape's length and 64, that are absent or unreadable, as bits. Costs nothing: it is known
    /// from when the record was built.
    #[inline]
    pub fn unsaid_low(&self) -> u64 {
        self.low.unsaid
    }

    /// What the record says of a field; absent where the shape has no such field.
    pub fn field(&self, name: &str) -> Presence<'_> {
        self.shape.slot(name).map_or(Presence::Absent, |slot| self.get(slot))
    }

    /// The fields with what is said of them, in slot order.
    pub fn fields(&self) -> impl Iterator<Item = (&FieldName, Presence<'_>)> {
        self.shape.names().iter().zip(self.cells.iter().map(|cell| self.presence(*cell)))
    }

    /// Whether every field holds a value: none is absent or unreadable.
    pub fn says_all(&self) -> bool {
        let later = self.cells.get(64..).unwrap_or_default();
        self.low.unsaid == 0 && later.iter().all(|cell| !matches!(cell.kind(), ABSENT | UNREADABLE))
    }

    /// A copy in which these slots say something else. Slots beyond the shape change nothing.
    pub fn with<'a>(&self, changes: impl IntoIterator<Item = (usize, Presence<'a>)>) -> Record {
        let mut slots: Vec<Presence<'_>> = self.cells.iter().map(|cell| self.presence(*cell)).collect();
        for (slot, presence) in changes {
            if let Some(place) = slots.get_mut(slot) {
                *place = presence;
            }
        }
        let mut builder = RecordBuilder::new(&self.shape);
        for presence in slots {
            builder.push(presence);
        }
        builder.finish()
    }

    /// The same record in another shape: fields that it lacks are absent, fields that the shape lacks are left out.
    pub fn reshaped(&self, shape: &Arc<Shape>) -> Record {
        if Arc::ptr_eq(&self.shape, shape) {
            return self.clone();
        }
        let mut builder = RecordBuilder::new(shape);
        for name in shape.names() {
            builder.push(self.field(name.as_str()));
        }
        builder.finish()
    }

    /// Bytes that the record keeps on the heap, shape not counted.
    pub fn heap_bytes(&self) -> usize {
        self.cells.len() * size_of::<Cell>()
            + self.text.len()
            + self.extras.as_ref().map_or(0, |extras| extras.len() * size_of::<Value>())
    }

    /// Writes the canonical encoding of every slot, prefixed by their number; see [`ValueRef::write_canonical`].
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        push_length(out, self.cells.len());
        for (name, presence) in self.fields() {
            push_bytes(out, name.as_str().as_bytes());
            write_presence(presence, out);
        }
    }

    #[inline]
    fn text_bytes(&self, cell: Cell) -> &[u8] {
        let from = cell.payload as usize;
        self.text.as_bytes().get(from..from + cell.word() as usize).unwrap_or_default()
    }

    #[inline]
    fn presence(&self, cell: Cell) -> Presence<'_> {
        let value = match cell.kind() {
            UNREADABLE => return Presence::Unreadable,
            NULL => ValueRef::Null,
            BOOL => ValueRef::Bool(cell.payload == 1),
            INT => ValueRef::Int(cell.payload as i64),
            DECIMAL => ValueRef::Decimal(DecimalRef::Small(cell.payload as i64, cell.byte())),
            FLOAT => ValueRef::Float(f64::from_bits(cell.payload)),
            TEXT => {
                let from = cell.payload as usize;
                ValueRef::Text(self.text.get(from..from + cell.word() as usize).unwrap_or_default())
            }
            DATE => match date(cell.word()) {
                Some(date) => ValueRef::Date(date),
                None => return Presence::Absent,
            },
            TIME => match time(cell.payload) {
                Some(time) => ValueRef::Time(time),
                None => return Presence::Absent,
            },
            LOCAL => match date(cell.word()).zip(time(cell.payload)) {
                Some((date, time)) => ValueRef::LocalDateTime(NaiveDateTime::new(date, time)),
                None => return Presence::Absent,
            },
            INSTANT => match DateTime::from_timestamp(cell.payload as i64, cell.word()) {
                Some(utc) => ValueRef::Instant(Instant { utc, offset_minutes: offset(cell.half()) }),
                None => return Presence::Absent,
            },
            EXTRA => match self.extras.as_ref().and_then(|extras| extras.get(cell.payload as usize)) {
                Some(value) => value.as_ref(),
                None => return Presence::Absent,
            },
            _ => return Presence::Absent,
        };
        Presence::Value(value)
    }
}

/// Writes what is said of a field: a tag for absent, unreadable and value, then the value.
pub(crate) fn write_presence(presence: Presence<'_>, out: &mut Vec<u8>) {
    match presence {
        Presence::Absent => out.push(0),
        Presence::Unreadable => out.push(255),
        Presence::Value(value) => value.write_canonical(out),
    }
}

fn date(days: u32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days as i32)
}

fn time(bits: u64) -> Option<NaiveTime> {
    NaiveTime::from_num_seconds_from_midnight_opt((bits >> 32) as u32, bits as u32)
}

fn offset(half: u16) -> Option<i16> {
    (half != NO_OFFSET).then_some(half as i16)
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        if !Arc::ptr_eq(&self.shape, &other.shape) && self.shape != other.shape {
            return false;
        }
        self.same_bytes(other) || (0..self.cells.len()).all(|slot| self.slot_eq(slot, other, slot))
    }
}

impl Eq for Record {}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, presence) in self.fields() {
            match presence {
                Presence::Absent => {}
                Presence::Unreadable => {
                    map.entry(name, &format_args!("<unreadable>"));
                }
                Presence::Value(value) => {
                    map.entry(name, &value);
                }
            }
        }
        map.finish()
    }
}

/// Builds a record slot by slot, in the order of its shape.
#[derive(Debug)]
pub struct RecordBuilder {
    shape: Arc<Shape>,
    cells: Vec<Cell>,
    text: String,
    extras: Vec<Value>,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}:{:x}", self.head, self.payload)
    }
}

/// Room for text that a record begins with, per field: what most records of a business system stay below.
const TEXT_BYTES_A_FIELD: usize = 16;

impl RecordBuilder {
    /// Begins a record of this shape.
    pub fn new(shape: &Arc<Shape>) -> Self {
        let cells = Vec::with_capacity(shape.len());
        let text = String::with_capacity(TEXT_BYTES_A_FIELD * shape.len());
        Self { shape: Arc::clone(shape), cells, text, extras: Vec::new() }
    }

    /// Says what the next slot holds. Slots beyond the shape are left out; text beyond
    /// [`RECORD_TEXT_BYTES_MAX`] makes the slot unreadable.
    pub fn push(&mut self, presence: Presence<'_>) {
        if self.cells.len() >= self.shape.len() {
            return;
        }
        let cell = match presence {
            Presence::Absent => Cell::default(),
            Presence::Unreadable => Cell::new(UNREADABLE, 0, 0, 0, 0),
            Presence::Value(value) => self.cell(value),
        };
        self.cells.push(cell);
    }

    /// Says that the next slot holds a value.
    pub fn push_value(&mut self, value: ValueRef<'_>) {
        self.push(Presence::Value(value));
    }

    /// How many slots have been said.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether no slot has been said yet.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Ends the record; slots that were not said are absent.
    pub fn finish(mut self) -> Record {
        self.cells.resize(self.shape.len(), Cell::default());
        if self.text.capacity() > self.text.len() * 2 + TEXT_BYTES_A_FIELD * self.shape.len() {
            self.text.shrink_to_fit();
        }
        let mut low = Low::default();
        for (slot, cell) in self.cells.iter().take(64).enumerate() {
            let of = match cell.kind() {
                ABSENT | UNREADABLE => &mut low.unsaid,
                TEXT => &mut low.text,
                DECIMAL | FLOAT | INSTANT | EXTRA => &mut low.soft,
                _ => continue,
            };
            *of |= 1 << slot;
        }
        Record {
            low,
            shape: self.shape,
            cells: self.cells.into_boxed_slice(),
            text: self.text,
            extras: (!self.extras.is_empty()).then(|| self.extras.into_boxed_slice()),
        }
    }

    fn cell(&mut self, value: ValueRef<'_>) -> Cell {
        match value {
            ValueRef::Null => Cell::new(NULL, 0, 0, 0, 0),
            ValueRef::Bool(value) => Cell::new(BOOL, 0, 0, 0, u64::from(value)),
            ValueRef::Int(value) => Cell::new(INT, 0, 0, 0, value as u64),
            ValueRef::Decimal(DecimalRef::Small(mantissa, scale)) => {
                Cell::new(DECIMAL, scale, 0, 0, mantissa as u64)
            }
            ValueRef::Float(value) => Cell::new(FLOAT, 0, 0, 0, value.to_bits()),
            ValueRef::Text(value) => {
                let from = self.text.len();
                if value.len() > RECORD_TEXT_BYTES_MAX - from.min(RECORD_TEXT_BYTES_MAX) {
                    return Cell::new(UNREADABLE, 0, 0, 0, 0);
                }
                self.text.push_str(value);
                Cell::new(TEXT, 0, 0, value.len() as u32, from as u64)
            }
            ValueRef::Date(value) => Cell::new(DATE, 0, 0, days(value) as u32, 0),
            ValueRef::Time(value) => Cell::new(TIME, 0, 0, 0, time_bits(value)),
            ValueRef::LocalDateTime(value) => {
                Cell::new(LOCAL, 0, 0, days(value.date()) as u32, time_bits(value.time()))
            }
            ValueRef::Instant(value) => {
                let half = value.offset_minutes.map_or(NO_OFFSET, |minutes| minutes as u16);
                let nanos = value.utc.timestamp_subsec_nanos();
                Cell::new(INSTANT, 0, half, nanos, value.utc.timestamp() as u64)
            }
            ValueRef::Decimal(DecimalRef::Large(_))
            | ValueRef::Bytes(_)
            | ValueRef::Reference(_)
            | ValueRef::Set(_)
            | ValueRef::List(_) => {
                let place = self.extras.len() as u64;
                self.extras.push(value.to_value());
                Cell::new(EXTRA, 0, 0, 0, place)
            }
        }
    }
}

/// Makes a record from named values; fields of the shape that are not named are absent, names that the shape lacks
/// are an error.
pub fn record(shape: &Arc<Shape>, values: impl IntoIterator<Item = (FieldName, Slot)>) -> Result<Record> {
    let mut slots = vec![Slot::Absent; shape.len()];
    for (name, value) in values {
        let slot = shape.slot(name.as_str()).and_then(|slot| slots.get_mut(slot));
        *slot.ok_or_else(|| {
            Error::configuration("the record's shape has no such field").at("field", &name)
        })? = value;
    }
    let mut builder = RecordBuilder::new(shape);
    for slot in &slots {
        builder.push(slot.as_presence());
    }
    Ok(builder.finish())
}

/// A decimal as the record keeps it; here so that callers need not know about [`DecimalRef`].
impl<'a> From<&'a Decimal> for ValueRef<'a> {
    fn from(value: &'a Decimal) -> Self {
        ValueRef::Decimal(match value.small_parts() {
            Some((mantissa, scale)) => DecimalRef::Small(mantissa, scale),
            None => DecimalRef::Large(value),
        })
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
